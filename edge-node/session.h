/* edge-node/session.h -- one edge node's Sparkplug session as a pure state machine: (event, now) -> actions.
 *
 * No I/O, no clock, no thread, no heap: an edge_session is a plain structure in the caller's storage, so one process can hold
 * thousands (a simulated plant, a replay). The shell around it owns the connection, the timers and the payloads: it reports what
 * happened as events and carries out the actions, in order, before it reports the next event.
 *
 *   STOPPED --START--> CONNECTING --PREPARE--> (PERSIST, CONNECT) --CONNECTED--> SUBSCRIBING --READY--> WAIT_HOST or BIRTHING
 *   WAIT_HOST --primary host online, ts >= last--> BIRTHING --(BIRTH done)--> ONLINE
 *   ONLINE --rebirth, debounced--> BIRTHING          ONLINE --primary host offline, Next Server--> LEAVING (NDEATH, DISCONNECT)
 *   LEAVING --LOST--> CONNECTING                     any --LOST--> CONNECTING          any --STOP--> STOPPING --LOST--> STOPPED
 *
 * Sequence numbers: `edge_session_seq` is the number the next message must carry; the shell takes it, hands the bytes to the
 * connection and only on success calls `edge_session_sent`. So a message that was not sent uses up no number
 * (tck-id-payloads-sequence-num-incrementing). All calls on one session are serialised by the caller (one lock). */
#ifndef EDGE_SESSION_H
#define EDGE_SESSION_H
#include <stdbool.h>
#include <stdint.h>

#define EDGE_SERVERS_MAX 8

typedef enum edge_state {
    EDGE_STOPPED,
    EDGE_CONNECTING,
    EDGE_SUBSCRIBING, /* connected, no SUBACK yet */
    EDGE_WAIT_HOST,   /* subscribed; the primary host is not known to be online */
    EDGE_BIRTHING,    /* births are due: settling, or the connection had no room for them */
    EDGE_ONLINE,
    EDGE_LEAVING, /* a disconnect was asked for; going on to a server */
    EDGE_STOPPING /* the same, and then the end */
} edge_state;
const char *edge_state_name(
    edge_state s); /* "stopped" "connecting" "subscribing" "waiting-for-host" "birthing" "online" "leaving" "stopping" */

typedef struct edge_session_config {
    uint32_t servers;              /* 1..EDGE_SERVERS_MAX, walked in order */
    bool primary_host;             /* births wait for its STATE */
    bool mqtt5;                    /* DISCONNECT carries reason 0x04 */
    bool legacy_state;             /* the 2.x STATE texts ONLINE and OFFLINE count too */
    int64_t host_wait_ms;          /* with several servers: how long to wait for the host on one; 0: 30 s */
    int64_t rebirth_debounce_ms;   /* quiet time after a birth */
    int64_t birth_settle_ms;       /* births are stamped, then sent this much later */
    int64_t accept_older_after_ms; /* a live online STATE older than the last one counts after this long unopposed; 0: never */
} edge_session_config;

typedef enum edge_event_type {
    EDGE_EV_START,          /* bd_seq: the persisted next one */
    EDGE_EV_PREPARE,        /* a connection attempt is about to be made */
    EDGE_EV_PERSIST_FAILED, /* the PERSIST action failed: the attempt is off, the number unused */
    EDGE_EV_CONNECTED,      /* CONNACK */
    EDGE_EV_READY,          /* every filter acknowledged */
    EDGE_EV_LOST,           /* attempt failed or connection gone; unsent: surely no CONNECT was written */
    EDGE_EV_STATE,          /* STATE of the primary host: online, timestamp_ms, retained, legacy */
    EDGE_EV_REBIRTH,        /* Node Control/Rebirth = true */
    EDGE_EV_MODEL_CHANGED,  /* metrics were added, changed or removed: births must say so, at once */
    EDGE_EV_NEXT_SERVER,    /* Node Control/Next Server = true */
    EDGE_EV_NDEATH,         /* our own NDEATH topic: bd_seq, or -1 when it has none */
    EDGE_EV_BORN,           /* the BIRTH action was carried out completely */
    EDGE_EV_BIRTH_FAILED,   /* it was not: try again soon, from the NBIRTH on */
    EDGE_EV_TICK,           /* the deadline has passed */
    EDGE_EV_STOP
} edge_event_type;

typedef struct edge_event {
    edge_event_type type;
    int bd_seq;
    bool unsent, online, retained, legacy;
    int64_t timestamp_ms;
} edge_event;

typedef struct edge_now {
    int64_t wall_ms; /* may step; used for stamps only */
    int64_t mono_ms; /* never goes back; used for every wait */
} edge_now;

typedef enum edge_action_type {
    EDGE_ACT_PERSIST,    /* make `bd_seq` durable as the next one, before the CONNECT below */
    EDGE_ACT_CONNECT,    /* to server `server`, Will with `bd_seq` */
    EDGE_ACT_BIRTH,      /* NBIRTH with `bd_seq`, payload timestamp `stamp_ms`, then every DBIRTH; then report BORN or BIRTH_FAILED */
    EDGE_ACT_DDEATHS,    /* a DDEATH for every device that is born */
    EDGE_ACT_NDEATH,     /* explicit NDEATH with `bd_seq`, QoS 1 */
    EDGE_ACT_DISCONNECT, /* with_will: MQTT 5 reason 0x04; again: then connect again, at once; LOST must follow */
    EDGE_ACT_HALT        /* nothing is connected and nothing shall be: the end of STOP */
} edge_action_type;

typedef struct edge_action {
    edge_action_type type;
    uint8_t bd_seq;
    uint32_t server;
    bool with_will, again;
    int64_t stamp_ms;
} edge_action;

#define EDGE_ACTIONS_MAX 4
typedef struct edge_actions {
    edge_action items[EDGE_ACTIONS_MAX];
    uint32_t n;
} edge_actions;

typedef struct edge_session_stats {
    uint64_t births, rebirth_requests, rebirths, rebirths_coalesced, own_ndeaths, state_older, state_accepted_older, legacy_states, walks,
        losses;
} edge_session_stats;

typedef struct edge_session {
    edge_session_config config;
    edge_state state;
    uint32_t server;
    uint8_t bd_seq, bd_next; /* of the current or last CONNECT; of the next one */
    uint8_t seq;             /* the next message's */
    bool nbirth_sent;        /* in this MQTT session */
    bool rebirth_pending;
    bool host_online; /* accepted in this MQTT session */
    bool host_seen;   /* any accepted STATE in this MQTT session */
    int64_t last_birth_mono_ms, birth_stamp_ms;
    int64_t deadline_mono_ms; /* INT64_MAX: none */
    struct {
        int64_t last_ms, last_online_ms; /* kept over reconnects: tck-id-...-phid-wait-timestamp */
        bool any, any_online;
    } host[EDGE_SERVERS_MAX];                 /* per server (guide, section 16) */
    int64_t older_since_mono_ms, older_ts_ms; /* an unopposed older online STATE; -1: none */
    edge_session_stats stats;
} edge_session;

void edge_session_init(edge_session *s, const edge_session_config *config);
/* Report an event; `out` gets the actions. Events that make no sense in the state are ignored. */
void edge_session_handle(edge_session *s, const edge_event *ev, edge_now now, edge_actions *out);
/* When the next TICK is due on the monotonic clock; INT64_MAX: never. */
static inline int64_t edge_session_deadline(const edge_session *s)
{
    return s->deadline_mono_ms;
}
/* May NDATA and DDATA be sent now. False while a rebirth is due: tck-id-operational-behavior-data-commands-rebirth-action-1. */
static inline bool edge_session_may_send(const edge_session *s)
{
    return s->state == EDGE_ONLINE && !s->rebirth_pending;
}
static inline uint8_t edge_session_seq(const edge_session *s)
{
    return s->seq;
}
static inline void edge_session_sent(edge_session *s) /* 255 -> 0 */
{
    s->seq = (uint8_t)(s->seq + 1u);
}
/* The NBIRTH of a BIRTH action went out (seq 0): from here on a death certificate is due. */
void edge_session_nbirth_sent(edge_session *s);
#endif
