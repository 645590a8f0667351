/* historian/write/writer.h -- the one thread that writes, what it keeps for itself, and how others hand it work.
 *
 * Files of this object: buffer.c (what is appended waits), writer.c (the thread), commit.c (a batch to the journal), sealing.c and
 * partition.c (rows into blocks), retention.c and deletion.c (blocks that go), recover.c (what the thread starts from). All of it is for
 * the writer's thread, or for whoever is in its place: who opens a store, has a bare one, or refreshes a read-only one (with `turn`). What
 * any thread may call is named so. */
#ifndef HIST_WRITER_H
#define HIST_WRITER_H
#include "historian/files/files.h"
#include "historian/format/format.h"
#include "historian/write/batch.h"
#include "historian/write/per_tag.h"

#define HIST__JOURNAL_BYTES (UINT64_C(256) << 20) /* unsealed journal beyond which the oldest tags are sealed */

/* What the writer knows of a tag beside its rows. */
typedef struct hist__mark {
    int64_t max_ms;     /* largest key ever accepted, in flight included */
    int64_t sealed_ms;  /* largest time in any block */
    uint32_t tail_rows; /* rows of the tag's newest block, 0 unknown */
    uint32_t leaving;   /* samples the transaction under way leaves out */
    bool has_max, max_state, has_sealed;
    bool queued; /* on the list of tags to seal */
} hist__mark;

typedef struct hist__part { /* the writer's connection to one partition */
    int64_t start_ms;
    sqlite3 *db;
    sqlite3_stmt *overlap, *insert, *insert_data, *remove, *remove_data, *get_data, *stat, *damage, *left_out;
    uint64_t used; /* for least-recently-used closing */
} hist__part;

enum { HIST__OPEN_PARTS = 16 };

typedef struct hist__look { /* the last block looked into for late samples */
    hist__rows rows;
    int64_t start_ms, t0, t1;
    uint32_t tag_id;
    bool valid;
    uint64_t count; /* blocks decoded for it */
} hist__look;

/* Something the writer thread does for another thread, between two commits. */
typedef struct hist__request {
    pt_status (*run)(hist *h, void *ctx, pt_error *err);
    void *ctx;
    pt_status status;
    pt_error err;
    bool done;
} hist__request;

typedef struct hist__writer {
    hist__buffer buffer; /* with its lock: what waits */

    pthread_t thread;
    bool started;
    hist__batch batch;       /* in flight */
    bool batch_catalog_done; /* its tags and events are committed */
    uint64_t batch_seq;      /* its first change number */
    int64_t batch_row;       /* journal row of its first chunk, once committed */
    bool pending_incomplete; /* memory failed while applying: nothing is trimmed until reopened */

    int64_t retry_mono_ms; /* no commit is tried before, after a failure */
    unsigned failures;     /* in a row */
    int64_t close_deadline_mono_ms;
    int64_t last_tick_mono_ms, last_trim_mono_ms, last_retention_mono_ms;
    int64_t seal_retry_mono_ms; /* no sealing is tried before, after a failure */
    pt_status seal_status;      /* PT_OK, or why sealing fails at present */

    hist__per_tag marks;
    uint32_t *seal_list; /* owned: tags that are full */
    size_t n_seal, cap_seal;
    hist__part *parts[HIST__OPEN_PARTS];
    uint64_t part_use;
    hist__codec *codec;
    pt_buf blob;
    hist__rows merge_rows;
    hist_deviation *deviations; /* owned, and the texts in it */
    size_t n_deviations;
    hist_sample *thinned; /* owned: what is left of the rows being sealed */
    uint8_t *why;         /* owned */
    size_t cap_thinned;
    hist__look look;

    pthread_mutex_t turn;   /* one request at a time; read-only: one refresh at a time */
    hist__request *request; /* under buffer.lock */

    pthread_mutex_t stat_lock; /* guards `stats` */
    hist_stats stats;
} hist__writer;

/* ---- any thread ------------------------------------------------------------------------------------------------------ */
PT_MUST_CHECK pt_status hist__request_run(hist *h, hist__request *r, pt_error *err);
void hist__writer_stats(hist *h, hist_stats *out); /* what it counted, and what is buffered; the rest of *out is 0 */

/* ---- beginning and end (writer.c) ------------------------------------------------------------------------------------ */
PT_MUST_CHECK pt_status hist__writer_init(hist__writer *w); /* PT_ENOMEM: nothing to fini */
void hist__writer_fini(hist__writer *w);                    /* the thread has ended, or was never started */
PT_MUST_CHECK pt_status hist__writer_rules(hist__writer *w, const hist_deviation *rules, size_t n); /* copied. PT_ENOMEM */
PT_MUST_CHECK pt_status hist__writer_reserve(hist__writer *w, uint32_t tag_id);
PT_MUST_CHECK pt_status hist__writer_start(hist *h, pt_error *err);
/* Everything is written, or the time is over: then what is lost is counted in *err and the log. Nothing to do without a thread. */
PT_MUST_CHECK pt_status hist__writer_stop(hist *h, int64_t timeout_ms, pt_error *err);
PT_MUST_CHECK pt_status hist__files_open(hist *h, pt_error *err); /* the writer's connections to catalogue and journal */
void hist__files_close(hist *h);
int64_t hist__mono_ms(void); /* the machine's: pacing is real time even under a test's clock */

/* For repairing in the writer's place. */
static inline hist__codec *hist__writer_codec(hist__writer *w)
{
    return w->codec;
}

static inline hist__mark *hist__mark_at(hist__writer *w, uint32_t tag_id)
{
    return hist__per_tag_at(&w->marks, tag_id, sizeof(hist__mark));
}

/* ---- buffer.c -------------------------------------------------------------------------------------------------------- */
PT_MUST_CHECK pt_status hist__buffer_init(hist__buffer *b); /* PT_ENOMEM: nothing to fini */
void hist__buffer_fini(hist__buffer *b);
void hist__batch_free(hist__buffer *b, hist__batch *batch); /* chunks become spare ones */

/* ---- commit.c: classify, journal, apply -------------------------------------------------------------------------------- */
PT_MUST_CHECK pt_status hist__batch_commit(hist *h, pt_error *err); /* the batch in flight; repeatable after a failure */
PT_MUST_CHECK pt_status hist__batch_apply(hist *h);                 /* after the commit: into the pending rows */
/* The stored row with this key in the blocks, NULL when there is none or it can't be read. Valid until the next call. */
const hist_sample *hist__find_in_blocks(hist *h, uint32_t tag_id, int64_t time_ms, bool state);
static inline void hist__look_forget(hist__writer *w) /* blocks were changed */
{
    w->look.valid = false;
}
/* Would this sample, which is in no block, lie where others were left out, and within what the block states? It was left out itself. As
 * hist__find_in_blocks, to be called after it. */
bool hist__left_out(const hist__look *look, const hist_sample *s);

/* ---- sealing.c: what to seal when, trimming ---------------------------------------------------------------------------- */
PT_MUST_CHECK pt_status hist__seal_due(hist *h, bool everything, pt_error *err);
PT_MUST_CHECK pt_status hist__seal_all(hist *h, pt_error *err); /* everything into blocks, and the journal is told */
void hist__sealed_advance(hist *h);                             /* recompute what is sealed */

/* ---- partition.c ------------------------------------------------------------------------------------------------------- */
/* Add the partition's per-tag statistics to what is stored and to the marks; alone (pending.h). */
PT_MUST_CHECK pt_status hist__partition_stats(hist *h, int64_t start_ms, pt_error *err);
/* Merge the pending rows of these tags (ascending ids) into blocks; afterwards they are not pending any more. All or none of the tags. */
PT_MUST_CHECK pt_status hist__seal(hist *h, uint32_t *tags, size_t n, pt_error *err);
PT_MUST_CHECK pt_status hist__part_open(hist *h, const char *path, int64_t start_ms, hist__part **out, pt_error *err);
void hist__part_close(hist__part *p); /* NULL allowed */
typedef struct hist__delta {          /* what changed in a tag's blocks, for tag_stat and the statistics in memory */
    int64_t rows, samples, blocks, bytes;
    uint64_t left[3]; /* samples left out, by reason (HIST__EXCEPTION, HIST__COMPRESSION) */
} hist__delta;
/* Cut rows evenly into blocks and insert them; inside a transaction. Blocks with HIST_THINNED rows state `deviation`. *tail is the size of
 * the last one. */
PT_MUST_CHECK pt_status hist__part_insert_rows(hist *h, hist__part *p, uint32_t tag_id, const hist_sample *s, size_t n, double deviation,
                                               hist__delta *d, uint32_t *tail, pt_error *err);
/* Add to the tag's line in tag_stat; s are the rows that came in. */
PT_MUST_CHECK pt_status hist__part_add_stat(hist__part *p, uint32_t tag_id, const hist_sample *s, size_t n, const hist__delta *d,
                                            pt_error *err);
void hist__part_forget(hist__writer *w, int64_t start_ms); /* the connection to this partition, if open, is closed */
void hist__parts_close(hist__writer *w);

/* retention.c: what the options ask for. Cheap when nothing is to go */
PT_MUST_CHECK pt_status hist__retention_tick(hist *h, pt_error *err);

/* ---- recover.c --------------------------------------------------------------------------------------------------------- */
PT_MUST_CHECK pt_status hist__recover(hist *h, pt_error *err);
/* While opening: samples refer to that tag. Those between the newest known and it get a place of their own, so that no new tag takes their
 * number. */
PT_MUST_CHECK pt_status hist__tags_lost(hist *h, uint32_t up_to);
#endif
