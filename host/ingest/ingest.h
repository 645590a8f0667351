/* host/ingest/ingest.h -- from the receive thread to current values and history.
 *
 *   receive thread --copy--> [bounded mailbox] --> shard thread: tracker --> batch --+--> uns_apply, live readers, writes to confirm
 *                            one per shard          (hash of group, edge)           +--> hist_append, hist_event_append
 *
 * A node belongs to one shard, so its order is kept and its state needs no lock but the shard's, which readers (HTTP) borrow briefly.
 * History that cannot take more makes the shard wait, up to full_wait_ms; then the samples are counted as lost on their nodes. A full
 * mailbox makes the receive thread wait (counted), so that the broker feels it, up to queue_wait_ms: Paho holds its lock meanwhile, and
 * every publish of the process waits with it. Then messages are let go until there is room: counted, evented, and the nodes they belong
 * to are stale until a rebirth. Nothing disappears silently. */
#ifndef HOST_INGEST_H
#define HOST_INGEST_H
#include "base/clock.h"
#include "base/log.h"
#include "historian/historian.h"
#include "host/ingest/conformance.h"
#include "host/ingest/paths.h"
#include "host/nodes/node.h"
#include "uns/map.h"
#include "uns/uns.h"

/* A message as it was received; ingest copies what it needs. */
typedef struct host_packet {
    pt_slice topic, payload;
    int64_t wall_ms, mono_ms;
    uint16_t server;
    bool retained;
} host_packet;

/* What ingest feeds besides history and tree; every function may be NULL. Called from shard threads, with no shard lock held unless said.
 */
typedef struct host_outputs {
    void *ctx;
    void (*values)(void *ctx, const uns_update *u, size_t n); /* after uns_apply: these changed */
    void (*tags)(void *ctx, const uint32_t *ids, size_t n);   /* quality or state of these changed (stale, absent); shard locked */
    void (*event)(void *ctx, host_event_type type, pt_slice node, pt_slice device, int64_t at_ms, pt_slice detail);
    void (*state)(void *ctx, pt_slice node, pt_slice device, bool online, int64_t at_ms, const char *reason); /* shard locked */
    pt_status (*command)(void *ctx, uint16_t server, pt_slice topic, pt_slice payload); /* shard locked; anything but PT_OK: not sent */
} host_outputs;

typedef struct host_ingest_options {
    uint32_t shards;          /* default 2 */
    uint64_t queue_bytes;     /* all shards together, half of it waiting and half being worked on; default 256 MiB */
    int64_t full_wait_ms;     /* default 30 s */
    int64_t queue_wait_ms;    /* of a pusher for room; < 0, the default: for ever */
    const uns_map *map;       /* mapping rules; NULL: every path is the literal one. Outlives ingest or the next host_ingest_remap */
    host_paths_options paths; /* default: adopt after 30 s */
    bool conformance;         /* judge what nodes publish (conformance.h); default true */
    host_tracker_options tracker;
} host_ingest_options;
void host_ingest_options_init(host_ingest_options *o);

typedef struct host_ingest host_ingest;
/* tree, history, clock, log are borrowed and outlive it. */
PT_MUST_CHECK pt_status host_ingest_new(const host_ingest_options *o, uns_tree *tree, hist *history, const host_outputs *out,
                                        const pt_clock *clock, const pt_log *log, host_ingest **ing);
PT_MUST_CHECK pt_status host_ingest_start(host_ingest *g);
/* Copy the packet into its shard's mailbox; the caller keeps its own. Waits while the mailbox is full, up to queue_wait_ms; after close,
 * and for a topic that is not ours, it is only counted. Any thread. */
void host_ingest_push(host_ingest *g, const host_packet *p);
/* A server became usable for commands, or its connection was lost. In order with the packets pushed before. */
void host_ingest_server(host_ingest *g, uint16_t server, bool ready);
/* A session of before the restart; before host_ingest_start. */
PT_MUST_CHECK pt_status host_ingest_restore(host_ingest *g, const host_saved *s);
void host_ingest_close(host_ingest *g); /* no more packets; quick, repeatable */
void host_ingest_stop(host_ingest *g);  /* waits until everything taken is stored */
void host_ingest_free(host_ingest *g);
/* Wait until everything pushed before has been handed to history. For tests and orderly stops. */
PT_MUST_CHECK pt_status host_ingest_drain(host_ingest *g, int64_t timeout_ms);

PT_MUST_CHECK pt_status host_ingest_rebirth(host_ingest *g, pt_slice group, pt_slice edge);
/* All nodes, shard by shard, under the shard's lock: be quick, change nothing. */
void host_ingest_nodes(host_ingest *g, void (*see)(void *ctx, const host_node *n), void *ctx);
/* One node; PT_ENOTFOUND. */
PT_MUST_CHECK pt_status host_ingest_node(host_ingest *g, pt_slice group, pt_slice edge, void (*see)(void *ctx, const host_node *n),
                                         void *ctx);
/* As host_paths_rules; before host_ingest_start, and before each host_ingest_remap. */
PT_MUST_CHECK pt_status host_ingest_place(host_ingest *g, const uns_map *map, host_paths_moved *moved);
/* As host_paths_retire. */
PT_MUST_CHECK pt_status host_ingest_retire(host_ingest *g, uint32_t tag_id, pt_error *err);
/* Other mapping rules (NULL: literal): every tag of a node heard of is placed anew. When it returns PT_OK the old map is no longer used. */
PT_MUST_CHECK pt_status host_ingest_remap(host_ingest *g, const uns_map *map);
/* New settings; sessions go on. */
void host_ingest_configure(host_ingest *g, const host_tracker_options *o, const host_paths_options *paths);

/* What was found of a node; PT_ENOTFOUND: nothing was heard of it; PT_EUNSUPPORTED: judging is switched off. All of them, shard by shard.
 * Under the shard's lock: be quick. */
PT_MUST_CHECK pt_status host_ingest_judged(host_ingest *g, pt_slice group, pt_slice edge, void (*see)(void *ctx, const host_judged *n),
                                           void *ctx);
PT_MUST_CHECK pt_status host_ingest_judged_each(host_ingest *g, void (*see)(void *ctx, const host_judged *n), void *ctx);

typedef struct host_ingest_stats {
    host_tracker_stats tracker; /* summed */
    uint64_t packets, bytes, foreign, bad_topic, state_messages, after_close;
    uint64_t waits, wait_us; /* of pushers on a full queue */
    uint64_t shed;           /* messages let go because there was no room for too long */
    uint64_t history_waits, samples_lost, events_lost, marks, quarantined;
    uint64_t queue_items, queue_bytes, queue_max_bytes;
    int64_t lag_ms; /* age of the newest batch when it was stored */
} host_ingest_stats;
void host_ingest_stats_get(host_ingest *g, host_ingest_stats *out);
#endif
