/* tests/edge-node/wire.h -- plantree-edge as a program, real mosquittos, and what an observer sees on the wire.
 *
 *     wire w;
 *     wire_open(&w);                                     fresh directory, broker, observer of all of spBv1.0
 *     wire_config(&w, (wire_settings){ .sparkplug = ", primary_host: scada" });
 *     wire_start(&w);
 *     CHECK_WITHIN_FATAL(10000, wire_count(&w, "DDATA") >= 3);
 *     CHECK_INT(wire_end(&w, SIGTERM), 0);
 *     wire_close(&w);                                    checks the sequence of all that was seen
 *
 * Node G/E; D-messages are counted for device `sim` unless another one is named: "DBIRTH more". Processes die with the test. */
#ifndef EDGE_WIRE_H
#define EDGE_WIRE_H
#include "sparkplug/payload.h"
#include "sparkplug/topic.h"
#include "tests/support/broker.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <signal.h>
#include <sys/types.h>

/* N counts polls, T is a text that can be written. */
#define WIRE_SIM \
    "  - { id: sim, driver: sim, tags: [ { name: N, type: Int64, signal: counter, poll: 50ms }, { name: T, type: String, signal: constant, value: hello, write: true, poll: 50ms } ] }\n"
#define WIRE_REBIRTH PT_LIT("\x12\x1a\x0a\x14Node Control/Rebirth\x20\x0b\x70\x01")

typedef struct wire {
    char dir[256], config[320];
    pt_broker *broker;
    pt_observer *seen;
    pid_t edge;         /* 0: not running */
    const char *notify; /* NOTIFY_SOCKET of the next start; NULL: none */
    const char *watchdog_usec;
    const char *disk; /* size of a file system of its own for the spool ("4m"), as the program alone sees it; NULL: none */
    bool late;        /* the observer came later than the edge: what it saw before an NBIRTH has no order to check */
} wire;

typedef struct wire_settings {            /* NULL: nothing */
    const char *servers;                  /* quoted, separated by commas; NULL: the broker's */
    const char *mqtt, *sparkplug, *spool; /* more keys for these maps, each with a comma in front */
    const char *listen;                   /* of the status page; NULL: none */
    const char *devices;                  /* NULL: WIRE_SIM */
    const char *more;                     /* lines at the top level */
} wire_settings;

void wire_open(wire *w);
void wire_open_on(wire *w, pt_broker *b); /* takes it; no observer yet, the broker may not be running */
void wire_observe(wire *w);               /* a new observer, in place of the old one if there is one */
void wire_observe_late(wire *w);          /* the same while the edge is there already */
void wire_config(wire *w, wire_settings s);
void wire_start(wire *w);
bool wire_may_mount(void);    /* `disk` works here */
void wire_fill_disk(wire *w); /* to the last byte; wire_free_disk makes room again */
void wire_free_disk(wire *w);
int wire_end(wire *w, int sig); /* exit code, 256 + signal when one ended it */
void wire_close(wire *w);

/* Runs `plantree-edge` with these arguments to its end; its exit code. stdout and stderr are copied to `out` (NULL: not), NUL-terminated.
 */
int wire_run(const wire *w, const char *const *args, char *out, size_t cap);
/* A shell command that must end well: openssl, mosquitto_pub. */
void wire_shell(const char *command);
/* How often `text` stands in the edge's log. */
size_t wire_log_count(const wire *w, const char *text);
/* The first line of the log with `text`, in *line; false: none. */
bool wire_logged(const wire *w, const char *text, char line[2048]);

/* Messages of the node by verb: "NBIRTH", "DDATA", "DBIRTH more". */
size_t wire_count(wire *w, const char *verb);
const pt_observed *wire_nth(wire *w, const char *verb, size_t n);   /* NULL: not so many */
void wire_publish(wire *w, const char *verb, pt_slice payload);     /* "NCMD", "DCMD": QoS 1 */
void wire_host(pt_broker *b, bool online, int64_t ts, bool retain); /* STATE of host "scada" */

/* Lives until wire_forget; NULL or bad bytes are fatal. */
const spb_payload *wire_decode(const pt_observed *m);
void wire_forget(void);
const spb_metric *wire_metric(const pt_observed *m, const char *name); /* NULL: not in it by this name */
int64_t wire_bdseq(const pt_observed *m);                              /* -1: none */
/* Every message with a seq continues the one before, NBIRTH starts at 0; nothing comes before an NBIRTH; QoS 0, not retained;
 * deaths of the node are QoS 1, not retained, without seq and with bdSeq alone. From message `first` on (NULL: all). */
void wire_sequence_is_whole(pt_observer *o, const pt_observed *first);
/* The values of sim's N so far: none between the lowest and the highest is missing, and there are more than `least`. */
bool wire_counter_is_whole(pt_observer *o, int64_t least);
#endif
