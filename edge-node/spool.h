/* edge-node/spool.h -- store and forward in one SQLite file: samples that wait, and the rolling journal of those that were sent.
 *
 * Every batch the node hands over is kept for max_age within max_bytes, delivered or not. Batches that wait are sent when the node is
 * online, oldest first, as historical, at most `rate` samples per second beside the live ones. When a connection ends, what was sent in the
 * last replay_window_ms before it counts as not delivered: QoS 0 gives no proof. The same holds after a crash. Ages and windows are
 * measured in the spool's own time, which is that of the monotonic clock while the spool is open, kept in the file: a wall clock that steps
 * expires nothing and forgets nothing, and time in which nobody ran does not count. A host that
 * writes `Node Control/Backfill From` gets everything since then once more; the historian is idempotent on (tag, timestamp).
 *
 * Samples keep names, through numbers of the table `name`; the numbers are the node's aliases too, and never change.
 * One thread writes the file. The node only appends to a queue in memory of memory_bytes; while the file cannot be written (disk full) the
 * newest stay there, the oldest go and are counted. A kill -9 loses at most commit_interval_ms of what was in the queue. */
#ifndef EDGE_SPOOL_H
#define EDGE_SPOOL_H
#include "edge-node/edge.h"

typedef struct edge_spool edge_spool;

typedef struct edge_spool_options {
    const char *dir;            /* the file is dir/spool.db */
    uint64_t max_bytes;         /* of batches; 0: 512 MiB */
    int64_t max_age_ms;         /* of the spool's own time; 0: 72 h. What is older goes within a thousandth of it (5 s at least) */
    bool drop_newest;           /* overflow: refuse what is new instead of dropping what is old */
    int64_t rate;               /* samples per second; 0: 10000 */
    int64_t commit_interval_ms; /* 0: 250 */
    int64_t replay_window_ms;   /* 0: 65 s, twice a keep-alive of 30 s and a little */
    uint64_t memory_bytes;      /* 0: 8 MiB */
    const pt_clock *clock;
    const pt_log *log;
} edge_spool_options;

/* PT_ECORRUPT: not a spool of this version; other codes as the file system has them. */
PT_MUST_CHECK pt_status edge_spool_open(const edge_spool_options *o, edge_spool **out, pt_error *err);
/* For edge_model_seal. begin and end make one transaction of many numbers. */
edge_names edge_spool_names(edge_spool *s);
PT_MUST_CHECK pt_status edge_spool_names_begin(edge_spool *s);
PT_MUST_CHECK pt_status edge_spool_names_end(edge_spool *s);
/* For edge_node_options. */
edge_journal edge_spool_journal(edge_spool *s);
/* Start the thread, which feeds history to `node`. */
PT_MUST_CHECK pt_status edge_spool_start(edge_spool *s, edge_node *node);
/* Write what is queued, mark the file as cleanly left, end the thread. */
void edge_spool_stop(edge_spool *s);
void edge_spool_close(edge_spool *s); /* stopped first; NULL is fine */

typedef struct edge_spool_stats {
    uint64_t pending_samples, stored_samples, stored_bytes; /* waiting; all kept */
    uint64_t queue_bytes;
    uint64_t sent, dropped_overflow, dropped_age, dropped_memory,
        dropped_journal; /* samples; journal: delivered ones kept no longer than memory allowed */
    uint64_t commits, failures;
    int64_t last_commit_us;
    bool failing;
    char error[200];
} edge_spool_stats;
void edge_spool_stats_get(edge_spool *s, edge_spool_stats *out);

/* Inside, for tests that fill the disk: the connection, held by the thread that calls. */
struct sqlite3 *edge__spool_lock(edge_spool *s);
void edge__spool_unlock(edge_spool *s);
#endif
