/* host/session/broker.h -- a private mosquitto for one-machine use, bound to loopback, supervised.
 *
 *   STOPPED --start--> RUNNING --exit--> WAITING (back-off) --timer--> RUNNING
 *
 * Its configuration and log are in the data directory. It dies with us, also when we are killed. One thread owns it: main's. */
#ifndef HOST_BROKER_H
#define HOST_BROKER_H
#include "base/clock.h"
#include "base/log.h"
#include <stdbool.h>

typedef struct host_broker host_broker;

/* url: tcp://127.0.0.1:PORT. Writes DIR/broker.conf. clock and log outlive it. */
PT_MUST_CHECK pt_status host_broker_new(const char *url, const char *dir, const pt_clock *clock, const pt_log *log, host_broker **out,
                                        pt_error *err);
/* Start it when it is due, notice when it has ended. Call often (100 ms). */
void host_broker_tick(host_broker *b);
/* Wait until it accepts connections, at most timeout_ms. */
bool host_broker_wait(host_broker *b, int64_t timeout_ms);
void host_broker_free(host_broker *b); /* ends it; NULL allowed */
#endif
