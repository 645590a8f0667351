/* host/nodes/node.h -- what the tracker remembers of one edge node. For host/ only; readers hold the shard's lock and change nothing.
 *
 *   host_node -- unit[0]: the node itself      alias -> (unit, metric)   reorder slots by seq
 *             -- unit[1..]: its devices, each with a metric table built from its birth */
#ifndef HOST_NODE_H
#define HOST_NODE_H
#include "base/map.h"
#include "host/nodes/tracker.h"
#include "sparkplug/sequence.h"

typedef enum host_node_state { HOST_NODE_UNKNOWN, HOST_NODE_OFFLINE, HOST_NODE_WANTED, HOST_NODE_ONLINE } host_node_state;
const char *host_node_state_name(host_node_state s); /* "unknown" "offline" "rebirth-wanted" "online" */

enum { /* host_metric.flags */
       HOST_METRIC_ALIAS = 1u << 0,
       HOST_METRIC_PLUMBING = 1u << 1,
       HOST_METRIC_WRITABLE = 1u << 2,
       HOST_METRIC_LAST = 1u << 3,      /* last_ms and last_bits are of the last live sample */
       HOST_METRIC_MEMBER = 1u << 4,    /* a member of a template instance: `Motor1/rpm` */
       HOST_METRIC_BACKFILL = 1u << 6,  /* `Backfill/Pending` of a node that announces backfill */
       HOST_METRIC_NO_HISTORY = 1u << 5 /* current values only: plumbing, or a rule says so */
};

typedef struct host_file host_file; /* file.c: a file of which parts have come */

typedef struct host_metric {
    pt_slice name, unit; /* in the unit's strings */
    uint64_t alias;
    uint64_t meta; /* hash of type and metadata: unchanged means the tag is as it was */
    int64_t last_ms;
    uint64_t last_bits; /* hash of the value and quality */
    host_file *file;    /* unfinished; owned; NULL: none */
    char *object;       /* template instance: its whole present state, an encoded metric; owned */
    uint32_t object_len;
    uint32_t tag_id; /* 0: not kept */
    uint8_t type;    /* spb_datatype */
    uint8_t flags;
} host_metric;

typedef struct host_unit {
    char *id; /* device id, NUL-terminated; "" for the node itself; owned */
    pt_slice id_slice;
    bool online, born;    /* born: in this session */
    bool resumable;       /* was online when the connection was lost */
    bool doubted;         /* online, but stale since the node became doubtful */
    bool unmarked;        /* went stale by an NBIRTH; history is told when no DBIRTH follows */
    int64_t since_ms;     /* of the last change of online */
    int64_t stale_ms;     /* newest STALE mark in history; INT64_MIN: none since the last birth */
    int64_t birth_ms;     /* payload time of the birth */
    host_metric *metrics; /* owned */
    uint32_t n;
    pt_map by_name; /* name -> index; borrows names */
    pt_arena strings;
    char *birth; /* the birth's bytes, for the session table; owned */
    size_t birth_len;
} host_unit;

/* Messages: received = accepted + sum(rejected) + held now. Samples: received = stored + duplicate + not_kept + sum(rejected) + lost. */
typedef struct host_node_counts {
    uint64_t messages, accepted, rejected_messages[HOST_REJECT_COUNT];
    uint64_t reordered; /* of the accepted: applied after waiting for an earlier one */
    uint64_t expected;  /* sequence numbers that were due: accepted sequenced messages and holes */
    uint64_t holes;     /* due and never received in time */
    uint64_t samples, stored, historical, duplicate, not_kept, lost, rejected_samples[HOST_REJECT_COUNT];
    uint64_t seq_gaps, duplicates, births, deaths, clamped, duplicate_aliases;
    uint64_t backfills;                      /* requested */
    uint64_t rebirths_sent, rebirths_ridden; /* ridden: another host asked first */
} host_node_counts;

typedef struct host_held { /* a message held back for an earlier one */
    spb_verb verb;
    char *bytes; /* owned: device id, then payload */
    size_t device_len, payload_len;
    int64_t wall_ms, mono_ms, payload_ms; /* payload_ms 0: it had no timestamp */
    uint32_t samples;
    bool early;      /* waits for an NBIRTH, not for an earlier message */
    host_reject why; /* early: what it is refused for otherwise */
} host_held;

struct host_node {
    char *group, *edge; /* owned */
    pt_slice group_slice, edge_slice;
    uint64_t key; /* hash, for log limits and shards */
    host_tracker *tracker;
    uint32_t index;

    host_node_state state;
    int64_t since_ms; /* wall clock of the last change online <-> not */
    uint16_t server;  /* of the last NBIRTH (or of first sight) */
    bool has_bd_seq;
    bool bd_unsure;                             /* the session was taken to go on after an absence */
    uint8_t bd_seq;                             /* of the last NBIRTH, modulo 256 */
    uint8_t next_seq;                           /* expected */
    uint8_t last_seq;                           /* applied last */
    int64_t born_wall_ms, born_mono_ms;         /* arrival of the NBIRTH */
    int64_t birth_ts;                           /* its payload timestamp; 0: none */
    int64_t last_message_ms, last_message_mono; /* arrival of the last message from the node */
    int64_t alive_ms, alive_mono_ms;            /* until when we were listening, of a session that may go on */
    int64_t skew_ms;                            /* edge clock minus ours at the last NBIRTH */
    bool resume;                                /* tables are of a session that may continue; proven by the next seq */
    uint64_t session_messages;                  /* since the NBIRTH */
    bool old_drops, trust_old; /* see tracker_sequence.c: dropped as older than the birth; not again after that led nowhere */
    bool alias_conflict;       /* already asked for a rebirth because of one */

    host_unit **units;
    uint32_t n_units;
    pt_map devices;          /* id -> unit index */
    pt_map aliases;          /* alias -> unit << 32 | metric; HOST_ALIAS_AMBIGUOUS */
    pt_map templates;        /* definition name -> hash of its bytes: its version */
    pt_map template_members; /* "definition/member" -> datatype */

    host_held *held;          /* 256 slots by seq while any is held, else NULL */
    uint32_t n_held, n_early; /* early ones are counted in n_held too */
    bool suspect;             /* early messages show that another session has begun */
    int64_t early_due;        /* mono_ms; INT64_MAX: none early */
    uint64_t held_bytes;
    int64_t reorder_due; /* mono_ms; INT64_MAX: no gap */

    int64_t rebirth_due; /* mono_ms at which the request may go out; INT64_MAX: none wanted */
    host_cause rebirth_cause, last_cause;
    int64_t rebirth_sent_mono; /* INT64_MIN: never */
    int64_t last_rebirth_ms;   /* wall; 0: never */
    uint32_t rebirth_unanswered;
    bool rebirth_open;                       /* sent, no NBIRTH since */
    uint32_t own_echoes;                     /* our requests whose echo (we subscribe to everything) has not come by yet */
    int64_t mark_due;                        /* mono_ms: devices still without their DBIRTH get their STALE marks; INT64_MAX: none */
    int64_t last_payload_ms;                 /* payload timestamp of the last applied message; 0: none */
    int64_t backfill_from;                   /* ask the next birth for everything since; 0: nothing is missing */
    int64_t backfill_asked_ms, backfill_due; /* what was asked for; mono_ms of the request, then of its patience */
    uint64_t backfill_base;                  /* historical samples before */
    bool backfill_open;
    int64_t silent_due; /* mono_ms of the no-birth-after-state check; INT64_MAX: none */
    bool doubtful;      /* ONLINE, but it may be gone: doubt.c */
    host_cause doubt_cause;
    int64_t doubt_due; /* mono_ms at which it is taken for dead; INT64_MAX: not by itself */

    host_node *timed_prev, *timed_next; /* list of nodes with a timer */
    bool timed;
    uint8_t recent_bd[4]; /* bdSeqs of the sessions before, newest first, to see two nodes with one id and deaths that come late */
    int64_t recent_ms[4]; /* when an NBIRTH replaced it; 0: it had died */
    uint8_t n_recent;
    int64_t duplicate_ms; /* wall time of the last duplicate-node event; 0: never */
    bool skew_told;

    host_node_counts counts;
};
#define HOST_ALIAS_AMBIGUOUS UINT64_MAX

/* Do both sums close? For tests and debug checks. */
bool host__counts_close(const host_node *n);

/* ---- template instances (object.c) ---- */
/* The index of the instance that metric `at` is a member of; `at` itself when it is none's. */
uint32_t host_object_of(const host_unit *u, uint32_t at);
/* The name of an instance's template, in `arena`; absent: not known. */
pt_slice host_object_template(const host_metric *hm, pt_arena *arena);
#endif
