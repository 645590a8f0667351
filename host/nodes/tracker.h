/* host/nodes/tracker.h -- who is alive in the plant, and what their messages mean: a state machine without I/O.
 *
 * (message or timer, now) -> actions. A tracker follows many edge nodes by the rules of Sparkplug 3.0 chapters 4 to 6: bdSeq and seq,
 * births and deaths, aliases, reordering, stale data, rebirth requests and their rationing. It reads no clock, starts no thread and
 * knows no MQTT, SQLite or HTTP: messages and times come in as arguments, everything it decides leaves through a host_sink.
 *
 *   UNKNOWN --NBIRTH--> ONLINE --NDEATH (bdSeq matches)--> OFFLINE --NBIRTH--> ONLINE
 *      ^                  |  a gap not filled in time             (an NDEATH that does not match, and silence: doubt.c)
 *      |                  v
 *      |               WANTED --NBIRTH--> ONLINE         anything but a birth for UNKNOWN or OFFLINE nodes --> WANTED
 *      +--- any: connection to the node's server lost
 *
 * Metric names are resolved to tag ids once per birth (sink->tag); DATA by alias is integer work after that.
 *
 * Every message and every sample is counted in, and counted out under exactly one heading; host__counts_close() holds after each call.
 *
 * Threads: one owner. Times: wall_ms is UTC for stamps, mono_ms never goes back and drives the timers. */
#ifndef HOST_TRACKER_H
#define HOST_TRACKER_H
#include "base/arena.h"
#include "base/random.h"
#include "host/nodes/words.h"
#include "sparkplug/topic.h"
#include "sparkplug/value.h"

typedef struct host_tracker host_tracker;
typedef struct host_node host_node; /* fields in host/nodes/node.h, for readers in this folder */

/* One edge message, as it arrived. All slices borrow for the duration of the call. */
typedef struct host_message {
    spb_topic topic;
    pt_slice payload;
    int64_t wall_ms, mono_ms; /* of arrival */
    uint16_t server;          /* index of the MQTT server it came through */
    bool retained;
} host_message;

/* host_update.flags */
enum {
    HOST_LIVE = 1u << 0,       /* becomes the current value */
    HOST_STORE = 1u << 1,      /* goes to history */
    HOST_HISTORICAL = 1u << 2, /* was flagged is_historical */
    HOST_ARRIVAL = 1u << 3,    /* had no timestamp of its own nor of its payload: stamped with the arrival */
    HOST_MARK = 1u << 4        /* a quality change only: no value (time and quality count) */
};
typedef struct host_update {
    uint32_t tag_id;
    uint8_t flags;
    uint8_t quality; /* spb_quality */
    int64_t time_ms;
    spb_value value; /* bytes borrow from the message or the arena of the call */
    host_node *node; /* whose counters it is booked on */
} host_update;

/* A metric of a birth that wants a tag. */
typedef struct host_tag_birth {
    pt_slice group, edge, device, metric; /* device empty for node metrics */
    spb_datatype type;
    pt_slice unit, description;
    double eng_low, eng_high;           /* valid when high > low */
    bool writable;                      /* not announced read-only; session plumbing says so by itself */
    bool restored;                      /* from a session of before, or placed anew: that it is there now is not said */
    bool plumbing;                      /* bdSeq, Node Control/..., Properties/..., Device Control/...: kept as a value, not as history */
    pt_slice template_ref;              /* of a template instance */
    const spb_property_set *properties; /* of the birth; NULL: none */
} host_tag_birth;

typedef struct host_sink {
    void *ctx;
    /* The tag's id; 0: do not keep it (its samples are counted as not kept). *historise is true at first; false: current values only.
     * Called once per metric when it is new or its metadata changed, or after host_tracker_remap. */
    uint32_t (*tag)(void *ctx, const host_tag_birth *b, bool *historise);
    /* In order of arrival; valid during the call. */
    void (*updates)(void *ctx, const host_update *u, size_t n);
    /* Death: the current values of these tags are STALE since at_ms. Comes after all updates before it. */
    void (*stale)(void *ctx, host_node *node, const uint32_t *tag_ids, size_t n, int64_t at_ms);
    /* The session turned out to continue: these tags' last values hold again. */
    void (*fresh)(void *ctx, host_node *node, const uint32_t *tag_ids, size_t n, int64_t at_ms);
    /* No longer part of the newest birth. */
    void (*absent)(void *ctx, host_node *node, const uint32_t *tag_ids, size_t n, int64_t at_ms);
    /* device absent: of the node. detail: a JSON object. */
    void (*event)(void *ctx, host_event_type type, host_node *node, pt_slice device, int64_t at_ms, pt_slice detail);
    /* A node (device absent) or device went online or offline. */
    void (*state)(void *ctx, host_node *node, pt_slice device, bool online, int64_t at_ms, const char *reason);
    /* Publish an NCMD, QoS 0, not retained (tck-id-topics-ncmd-mqtt). Anything but PT_OK: it was not sent. */
    pt_status (*command)(void *ctx, uint16_t server, pt_slice topic, pt_slice payload);
    /* Bad input, already counted; for the log. node NULL: none yet. */
    void (*bad)(void *ctx, const host_node *node, const spb_topic *topic, host_reject why, const char *text);
    /* Every message of a node that is not retained, before it is acted on; `p` NULL: it does not decode, `why` says. May be NULL. */
    void (*message)(void *ctx, const host_message *m, const spb_payload *p, const char *why);
} host_sink;

#define HOST_SERVERS_MAX 8u
#define HOST_VALUE_MAX   (16u << 20) /* bytes of a value: history takes no longer one */

typedef struct host_tracker_options {
    int64_t reorder_timeout_ms;  /* default 2000; 0: act at once (tck-id-operational-behavior-host-reordering-param) */
    uint64_t reorder_bytes;      /* held back per node at most; default 4 MiB */
    int64_t rebirth_per_node_ms; /* default 5000: first distance of two requests to a node; doubles while unanswered up to rebirth_max_ms */
    int64_t rebirth_max_ms;      /* default 300000 */
    double rebirth_global_per_s; /* default 50 */
    int64_t rebirth_jitter_ms;   /* default 100: a random delay before each request */
    int64_t birth_wait_ms;       /* default 5000: how long a known node may stay silent after our STATE before it is asked */
    int64_t silence_ms;          /* default 0, never: an online node that is not heard for so long, or a sixteenth longer, is doubtful */
    int64_t clock_skew_ms;       /* default 60000: an edge clock farther off than this is reported; 0: never */
    bool commands;               /* false: a passive host, which requests nothing */
    bool cmd_datatype;           /* default true: the datatype in commands */
    uint32_t nodes_max, devices_max, metrics_max; /* defaults: 20000 in all, 1000 per node, 200000 per node or device */
    uint64_t file_bytes;                          /* of a file that comes in parts; default HOST_VALUE_MAX */
    uint64_t files_bytes;                         /* of all unfinished ones together; default 64 MiB */
    int64_t file_age_ms;                          /* default 10 min: an unfinished one is given up when no part came for so long */
    uint64_t seed;                                /* of the jitter */
    spb_limits limits;
} host_tracker_options;
void host_tracker_options_init(host_tracker_options *o);

PT_MUST_CHECK pt_status host_tracker_new(const host_tracker_options *o, const host_sink *sink, host_tracker **out);
void host_tracker_free(host_tracker *t);
/* New limits and periods; sessions go on. */
void host_tracker_configure(host_tracker *t, const host_tracker_options *o);

/* Ask for every tag anew (mapping rules have changed), from the births as they were. */
void host_tracker_remap(host_tracker *t, int64_t wall_ms, int64_t mono_ms, pt_arena *arena);

/* One message of any verb but STATE. `arena` serves the decoding and everything the updates borrow; the caller resets it. */
void host_tracker_message(host_tracker *t, const host_message *m, pt_arena *arena);
/* Do what is due. */
void host_tracker_tick(host_tracker *t, int64_t wall_ms, int64_t mono_ms, pt_arena *arena);
/* The mono_ms at which host_tracker_tick wants to be called; INT64_MAX: not before the next message. */
int64_t host_tracker_due(const host_tracker *t);

/* That many messages of a node, of whatever kind, were let go unread: they are counted as received and rejected, what is known of the node
 * is stale, and it is asked for a rebirth (and, where it can, for what was missed). A node not known yet is asked at its next message. */
void host_tracker_shed(host_tracker *t, pt_slice group, pt_slice edge, uint64_t messages, int64_t wall_ms, int64_t mono_ms);

/* Our STATE birth is acknowledged on the server: commands may go out from now on. */
void host_tracker_server_ready(host_tracker *t, uint16_t server, int64_t wall_ms, int64_t mono_ms);
/* The connection is gone: everything learned through it is stale (tck-not-testable-1). */
void host_tracker_server_lost(host_tracker *t, uint16_t server, int64_t wall_ms, int64_t mono_ms);

/* Ask for a rebirth on behalf of an operator: at once, the per-node distance aside. PT_ENOTFOUND: no such node;
 * PT_ESTATE: no server to ask through; PT_EREFUSED: a passive host. */
PT_MUST_CHECK pt_status host_tracker_rebirth(host_tracker *t, pt_slice group, pt_slice edge, int64_t wall_ms, int64_t mono_ms);

/* What was known of a node before a restart. */
typedef enum host_saved_kind {
    HOST_SAVED_DOWN,    /* off line */
    HOST_SAVED_SESSION, /* in a session that may go on */
    HOST_SAVED_WANTED   /* waiting for a birth: it may live, but its session cannot go on */
} host_saved_kind;
/* A node of before a restart, from host/session/sessions.h. Slices are copied. */
typedef struct host_saved_unit {
    pt_slice id, birth; /* id empty: the node itself, first */
    bool online;
} host_saved_unit;
typedef struct host_saved {
    pt_slice group, edge;
    host_saved_kind kind;
    int64_t since_ms; /* but for a session: when it went off line */
    uint16_t server;
    bool has_bd_seq;
    uint8_t bd_seq, next_seq;
    int64_t born_wall_ms, birth_ts, last_wall_ms, alive_wall_ms; /* last: of the last message; alive: until when we were listening */
    int64_t last_payload_ms;                                     /* everything before is in history */
    uint64_t messages;
    const host_saved_unit *units;
    uint32_t n_units;
} host_saved;
/* The node is known again, stale. A session goes on when the next seq proves that nothing was missed. Whoever stays silent after our STATE
 * is asked for a rebirth; one that was off line once only. PT_EEXISTS: it is known already.
 * PT_EMALFORMED: a birth does not decode. */
PT_MUST_CHECK pt_status host_tracker_restore(host_tracker *t, const host_saved *s, int64_t wall_ms, int64_t mono_ms, pt_arena *arena);
/* The number host_node.key has for these ids. */
uint64_t host_node_key(pt_slice group, pt_slice edge);

/* NULL: not known. Valid until the tracker is freed: nodes are never forgotten. */
host_node *host_tracker_find(host_tracker *t, pt_slice group, pt_slice edge);
/* All nodes in the order they were first seen. */
host_node *host_tracker_at(host_tracker *t, size_t i); /* NULL behind the last */

/* Samples of `node` handed over through `updates` with HOST_STORE that could not be stored after all. */
void host_tracker_lost(host_node *node, uint64_t samples);

typedef struct host_tracker_stats {
    uint64_t messages[SPB_VERB_COUNT];             /* by verb, all of them */
    uint64_t rejected_messages[HOST_REJECT_COUNT]; /* whole messages */
    uint64_t rejected_samples[HOST_REJECT_COUNT];  /* metrics inside accepted and rejected messages */
    uint64_t rebirths[HOST_CAUSE_COUNT];           /* requests sent */
    uint64_t seq_gaps, clamped, arrival_stamped;
    uint32_t nodes, nodes_online;
} host_tracker_stats;
void host_tracker_stats_get(const host_tracker *t, host_tracker_stats *out);
#endif
