/* host/nodes/tracker_internal.h -- between the files of this folder: the tracker from the inside, and what its halves do for each other. */
#ifndef HOST_TRACKER_INTERNAL_H
#define HOST_TRACKER_INTERNAL_H
#include "host/nodes/node.h"

struct host_tracker {
    host_tracker_options opt;
    host_sink sink;
    pt_map by_key; /* group NUL edge -> node index */
    host_node **nodes;
    size_t n, cap;
    host_node *timed;    /* list of nodes with a timer */
    int64_t silence_due; /* mono_ms of the next look for silent nodes; INT64_MAX: never */
    struct {
        bool ready; /* commands may go out */
        bool seen;
    } server[HOST_SERVERS_MAX];
    double tokens; /* of the global rebirth budget */
    int64_t tokens_mono;
    pt_random random;
    host_tracker_stats stats;
    host_update *updates; /* scratch of one message */
    size_t updates_cap, n_updates;
    uint32_t *ids; /* scratch for stale, absent */
    size_t ids_cap, n_ids;
    host_file *files;      /* list of the unfinished ones */
    uint64_t files_bytes;  /* of them */
    pt_buf detail;         /* scratch for event details */
    pt_buf topic, payload; /* scratch for commands */
};

/* A sequenced or NBIRTH payload with its envelope. */
typedef struct host__msg {
    spb_verb verb;
    pt_slice device;
    const spb_payload *payload;
    pt_slice bytes;
    int64_t wall_ms, mono_ms;
    bool restored; /* out of the session table: no samples, no events */
    bool remap;    /* the present birth again, for new tags: no samples, no events */
} host__msg;

/* node.c: the table of nodes, their accounts and timers. */
host_node *host__node_make(host_tracker *t, pt_slice group, pt_slice edge); /* NULL: beyond the limit, or out of memory */
void host__node_free(host_node *n);
host_unit *host__unit(host_node *n, pt_slice device, bool make); /* NULL: not known; made: beyond the limit, or out of memory */
void host__reject_message(host_tracker *t, host_node *n, const spb_topic *topic, host_reject why, uint32_t samples, const char *text);
void host__reject_sample(host_tracker *t, host_node *n, host_reject why);
bool host__push(host_tracker *t, const host_update *u); /* false: out of memory, counted as lost */
void host__flush(host_tracker *t);
bool host__unit_ids(host_tracker *t, const host_unit *u); /* the kept tags into t->ids; false: none */
/* mark: history is told, too; false: later, when no birth follows. */
void host__unit_offline(host_tracker *t, host_node *n, host_unit *u, int64_t at_ms, bool mark, const char *reason);
void host__unit_doubted(host_tracker *t, host_node *n, host_unit *u, int64_t at_ms); /* stays online, but stale */
/* The node leaves ONLINE or WANTED for `to`: every unit offline and stale, nothing held back. */
void host__node_down(host_tracker *t, host_node *n, host_node_state to, int64_t at_ms, const char *reason);
pt_json *host__detail_begin(host_tracker *t, pt_json *j);
void host__detail_send(host_tracker *t, pt_json *j, host_event_type type, host_node *n, pt_slice device, int64_t at_ms);
int64_t host__node_due(const host_tracker *t, const host_node *n); /* mono_ms; INT64_MAX: nothing */
void host__set_timer(host_tracker *t, host_node *n);

/* tracker_session.c: a session begins, ends, or turns out to continue. */
void host__nbirth(host_tracker *t, host_node *n, const host__msg *m, uint16_t server, pt_arena *arena);
void host__ndeath(host_tracker *t, host_node *n, const host_message *m, const spb_payload *p);
bool host__continues(const host_node *n, const host__msg *m);
void host__resume(host_tracker *t, host_node *n, const host__msg *m);
/* doubt.c: an online node that may be gone. deadline: it is offline when neither a message in turn nor a birth comes in time. */
void host__doubt(host_tracker *t, host_node *n, host_cause cause, bool deadline, const char *text, int64_t wall_ms, int64_t mono_ms);
void host__doubt_clear(host_node *n);
void host__doubt_over(host_tracker *t, host_node *n, int64_t wall_ms);
void host__doubt_tick(host_tracker *t, host_node *n, int64_t wall_ms, int64_t mono_ms);
void host__silence_scan(host_tracker *t, int64_t wall_ms, int64_t mono_ms);
/* tracker_sequence.c: messages with a seq, and what is missing among them. */
void host__sequenced(host_tracker *t, host_node *n, const host__msg *m, const host_message *raw, pt_arena *arena);
void host__drain(host_tracker *t, host_node *n, pt_arena *arena); /* apply what was held back and is due now */
void host__gap_noted(host_tracker *t, host_node *n, uint8_t got, int64_t wall_ms);
void host__gap_lost(host_tracker *t, host_node *n, host_cause cause, unsigned beyond, int64_t wall_ms, int64_t mono_ms);
void host__early_over(host_tracker *t, host_node *n, int64_t wall_ms, int64_t mono_ms);

/* object.c: template instances as whole objects. merge gives the metric to show: `m` over what is known; keep remembers it. */
const spb_metric *host__object_merge(const host_metric *hm, const spb_metric *m, pt_arena *arena);
void host__object_keep(host_metric *hm, const spb_metric *whole);
/* file.c: a part of a file of `hm` with its metadata. WHOLE: *whole is in the arena; REFUSED: *why. */
typedef enum host__file_result { HOST__FILE_MORE, HOST__FILE_WHOLE, HOST__FILE_REFUSED } host__file_result;
host__file_result host__file_part(host_tracker *t, host_metric *hm, const spb_metadata *md, pt_slice part, int64_t mono_ms, pt_arena *arena,
                                  pt_slice *whole, host_reject *why);
void host__file_drop(host_metric *hm); /* what has come of it is forgotten */
/* tracker_birth.c: build the unit's tables out of a birth; values become updates. PT_EEXISTS: an alias of another unit (nothing changed).
 */
pt_status host__birth(host_tracker *t, host_node *n, host_unit *u, const host__msg *m, pt_arena *arena);
void host__unit_free(host_unit *u);
void host__birth_too_big(host_tracker *t, host_node *n, pt_slice device, uint64_t metrics, const char *text,
                         int64_t wall_ms); /* metrics 0: none was taken */
/* tracker_data.c: apply the metrics of DATA. */
/* A metric is counted as refused and told by its name (below `prefix`, of a template instance) or alias; `what` is wrong with it. */
void host__refuse_metric(host_tracker *t, host_node *n, const host__msg *msg, pt_slice prefix, const spb_metric *m, host_reject why,
                         const char *what);
void host__data(host_tracker *t, host_node *n, host_unit *u, const host__msg *m, pt_arena *arena);
bool host__sample(host_tracker *t, host_node *n, host_metric *hm, const spb_metric *m, const host__msg *msg, bool birth, pt_arena *arena);
/* rebirth.c: requests and their rationing. */
void host__want_rebirth(host_tracker *t, host_node *n, host_cause cause, int64_t mono_ms);
void host__rebirth_answered(host_node *n);
void host__rebirth_hurry(host_tracker *t, host_node *n);
void host__rebirth_tick(host_tracker *t, host_node *n, int64_t wall_ms, int64_t mono_ms);
pt_status host__send_rebirth(host_tracker *t, host_node *n, host_cause cause, int64_t wall_ms, int64_t mono_ms);
pt_status host__send_ncmd(host_tracker *t, host_node *n, const spb_metric *m, int64_t wall_ms);
/* backfill.c: what was missed, asked for again. */
void host__backfill_mark(host_node *n);
void host__backfill_clear(host_node *n);
void host__backfill_born(host_tracker *t, host_node *n, int64_t mono_ms);
void host__backfill_tick(host_tracker *t, host_node *n, int64_t wall_ms, int64_t mono_ms);
void host__backfill_progress(host_tracker *t, host_node *n, const spb_value *v, int64_t wall_ms);
/* reorder.c: hold messages back and release them in order. */
pt_status host__hold(host_tracker *t, host_node *n, const host__msg *m, uint8_t seq, bool early, host_reject why);
bool host__held_take(host_node *n, uint8_t seq, bool early, host_held *out); /* the caller frees out->bytes */
void host__held_refuse(host_tracker *t, host_node *n, host_held *h, host_reject why);
void host__held_drop(host_tracker *t, host_node *n, host_reject why);
void host__early_expire(host_tracker *t, host_node *n, int64_t mono_ms);
void host__held_adopt(host_tracker *t, host_node *n);
#endif
