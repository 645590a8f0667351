/* sparkplug/mqtt_internal.h -- the session's inside: mqtt_session.c runs it, mqtt_paho.c talks to Paho for it.
 *
 * Locking. Paho calls back with its own lock held, so: never call Paho while holding `mutex`. A Paho callback takes
 * `mutex` for a moment, notes what happened and signals; the session thread acts on it.
 *
 * One Paho client per attempt, destroyed before the next is made. So no message, command or Will of an earlier attempt
 * can come back, the server may differ from attempt to attempt, and no callback of an old client can be taken for one
 * of the new: Paho makes no callback for a client once MQTTAsync_destroy has returned. */
#ifndef SPB_MQTT_INTERNAL_H
#define SPB_MQTT_INTERNAL_H
#include "base/backoff.h"
#include "base/monitor.h"
#include "sparkplug/mqtt_session.h"

#include <MQTTAsync.h>
#include <pthread.h>
#include <stdatomic.h>

typedef enum spb__mqtt_state {
    SPB__IDLE,
    SPB__WAITING,
    SPB__CONNECTING,
    SPB__SUBSCRIBING,
    SPB__READY,
    SPB__CLOSING,
    SPB__STOPPED
} spb__mqtt_state;

/* A publish Paho has and has not finished. Owned by the session: in `pending`, then in `done`. */
typedef struct spb__out {
    struct spb__out *next, *prev;
    spb_mqtt *session;
    int64_t token;
    size_t bytes;
    bool ok;
} spb__out;

typedef struct spb__out_list {
    spb__out *first, *last;
} spb__out_list;

struct spb_mqtt {
    spb_mqtt_options options; /* strings owned */
    spb_mqtt_callbacks cb;
    const pt_clock *clock; /* borrowed */
    const pt_log *log;     /* borrowed */
    pt_backoff backoff;    /* session thread only */
    pthread_t thread;
    pthread_mutex_t stopping; /* one stop joins, others wait for it */
    bool started, joined;     /* guarded by `stopping` */

    pt_monitor monitor; /* "the mutex": guards everything from here to the counters; woken by every change */
    spb__mqtt_state state;
    MQTTAsync client; /* NULL between attempts; destroyed only when `users` is 0 */
    unsigned users;   /* publishers inside Paho */
    bool accepting;   /* publish is allowed: READY and nobody asked for the end */
    /* what Paho said about the current attempt */
    bool connack, suback, disconnected;
    bool lost;    /* the attempt is over, whoever said so */
    bool unsent;  /* no CONNECT was written */
    bool down;    /* Paho said so: the connection is gone */
    int *granted; /* one code per filter, session thread's storage; filled before `suback` */
    size_t n_filters;
    char reason[200]; /* why it was lost; the first cause stays */
    /* what callers asked for */
    bool stop, end, reconnect, at_once, with_will, drop, parked;
    int64_t drain_ms;
    spb__out_list pending, done;
    int64_t last_token;
    uint32_t n_pending;
    uint64_t pending_bytes;
    uint64_t connects, failures, losses, out_messages, out_bytes, refused;

    _Atomic uint64_t in_messages, in_bytes;
};

/* ---- mqtt_paho.c; called on the session thread without the mutex unless said otherwise ---- */

/* Make the client and start connecting; PT_OK: `connack` or `lost` will follow. */
PT_MUST_CHECK pt_status spb__paho_connect(spb_mqtt *s, const spb_mqtt_connect *c);
/* Send the SUBSCRIBE; PT_OK: `suback` or `lost` will follow. */
PT_MUST_CHECK pt_status spb__paho_subscribe(spb_mqtt *s, const spb_mqtt_connect *c);
/* Queue a DISCONNECT behind what is queued; PT_OK: `disconnected` or `lost` will follow. */
PT_MUST_CHECK pt_status spb__paho_disconnect(spb_mqtt *s, bool with_will);
/* Any thread; `out` is in `pending`. */
int spb__paho_publish(MQTTAsync client, const spb_mqtt *s, spb__out *out, const char *topic, pt_slice payload, int qos, bool retain);
/* Make the server end the connection as broken, so that it publishes the Will. */
PT_MUST_CHECK pt_status spb__paho_break(spb_mqtt *s);
/* After it no callback comes. */
void spb__paho_destroy(spb_mqtt *s);

/* ---- mqtt_wake.c; any thread that is not one of Paho's ---- */

/* After Paho's own initialisation; up to some seconds at the first call of the process, normally milliseconds. */
void spb__wake_init(void);
/* Make Paho's receive thread look at its sockets now. */
void spb__wake(void);

/* ---- mqtt_read_ahead.c ---- */

/* On Paho's receive thread: read ahead on it from now on. Cheap when repeated. */
void spb__read_ahead(void);

/* ---- mqtt_session.c; from Paho's threads ---- */

/* Before spb__mqtt_lost: no CONNECT was written. */
void spb__mqtt_unsent(spb_mqtt *s);
/* The attempt is over; `down`: because the connection is. */
void spb__mqtt_lost(spb_mqtt *s, bool down, const char *fmt, ...) PT_PRINTF(3, 4);
void spb__mqtt_sent(spb__out *out, bool ok);
#endif
