/* host/ingest/shard.h -- inside host/ingest/ingest.c, shard.c, batch.c: one thread's share of the nodes, and the batch it is putting
 * together.
 *
 * Locks: shard.lock guards the tracker and what its sink writes (the batch under construction). A shard thread holds it while it runs the
 * tracker over a batch, never while it stores one. Readers announce themselves in shard.readers, and the thread lets them in between
 * batches. */
#ifndef HOST_SHARD_H
#define HOST_SHARD_H
#include "base/monitor.h"
#include "host/ingest/conformance.h"
#include "host/ingest/ingest.h"
#include "host/ingest/mailbox.h"
#include "host/ingest/paths.h"
#include <pthread.h>
#include <stdatomic.h>

enum { HOST__BATCH_PACKETS = 256, HOST__BATCH_UPDATES = 16384 };
enum { HOST__CONTROL_READY = 1, HOST__CONTROL_LOST = 2, HOST__CONTROL_CALL = 3 }; /* host_mail.control */

typedef struct host__batch_event {
    host_event_type type;
    pt_slice node, device, detail; /* in the batch arena */
    int64_t at_ms;
} host__batch_event;

/* Something a caller waits for while shard threads do it: a barrier, a rebirth request. Shared by the caller and `left` - 1 shards;
 * whoever is last frees it, so a caller that gives up leaves nothing behind. */
typedef struct host__call {
    pt_monitor m; /* guards left, status; woken when a shard is done */
    uint32_t left;
    bool rebirth; /* ask for one for group, edge */
    bool remap;   /* use `map` from now on; neither: only a barrier */
    const uns_map *map;
    pt_status status;
    char *group, *edge;
} host__call;

typedef struct host__shard {
    host_ingest *g;
    host_mailbox *box;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    _Atomic uint32_t readers;
    host_tracker *tracker;
    host_conformance *conformance; /* NULL: not judged */
    const uns_map *map;            /* NULL: literal paths */
    pt_arena arena;                /* of the batch */
    uns_update *live;              /* not yet applied to the tree */
    size_t n_live, cap_live;
    size_t applied;       /* of live: already in the tree */
    hist_sample *samples; /* not yet appended */
    host_node **owners;   /* of samples; NULL: a mark, not counted */
    size_t n_samples, cap_samples;
    host__batch_event *events;
    size_t n_events, cap_events;
    pt_log_limit limit;
    _Atomic uint64_t history_waits, samples_lost, events_lost, marks, quarantined;
    _Atomic int64_t lag_ms;
    _Atomic bool shedding; /* no room at the last push: do not wait again */
    _Atomic bool has_shed;
    pthread_mutex_t shed_lock; /* innermost; guards: */
    pt_map shed;               /* GROUP NUL EDGE -> messages let go */
    pt_log_limit shed_limit;
} host__shard;

struct host_ingest {
    host_ingest_options opt;
    uns_tree *tree;
    hist *history;
    host_outputs out;
    const pt_clock *clock;
    const pt_log *log;
    host_paths *paths;
    host__shard *shards;
    uint32_t n_shards;
    _Atomic bool closed;
    _Atomic uint64_t packets, bytes, foreign, bad_topic, state_messages, after_close, waits, wait_us, shed;
};

/* batch.c: what the tracker decides goes into the batch, and the batch into tree, history and outputs. */
host_sink host__shard_sink(host__shard *s);
PT_MUST_CHECK pt_status host__shard_judge(host__shard *s); /* its share of the judging */
void host__shard_paths(host__shard *s);                    /* with the lock: those that wait for a path, whose owner is away by now */
void host__shard_store(host__shard *s);                    /* without the lock; the batch is empty afterwards */

/* shard.c */
PT_MUST_CHECK pt_status host__shard_init(host_ingest *g, host__shard *s);
PT_MUST_CHECK pt_status host__shard_start(host__shard *s);
void host__shard_fini(host__shard *s);                       /* its thread has ended */
void host__shard_let_go(host__shard *s, const spb_topic *t); /* a message for which there is no room: its node is told (tracker) later */
void host__nap(int64_t ms);
void host__call_leave(host__call *c); /* the shard's share is done */
#endif
