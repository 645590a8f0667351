/* historian/write/write.h -- an open store, as the rooms write/, read/ and repair/ share it. The theory is at the top of store.c. */
#ifndef HIST_WRITE_H
#define HIST_WRITE_H
#include "historian/format/format.h"
#include "historian/files/files.h"
#include "historian/historian.h"
#include "historian/write/batch.h"
#include "historian/write/catalog.h"
#include "historian/write/journal_db.h"
#include "historian/write/pending.h"
#include "historian/write/per_tag.h"

#include <pthread.h>

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

/* ---- partitions (partition.c) ------------------------------------------------------------------------------- */

typedef struct hist__part { /* the writer's connection to one partition */
    int64_t start_ms;
    sqlite3 *db;
    sqlite3_stmt *overlap, *insert, *insert_data, *remove, *remove_data, *get_data, *stat, *damage, *left_out;
    uint64_t used; /* for least-recently-used closing */
} hist__part;

enum { HIST__OPEN_PARTS = 16 };

struct hist {
    hist_options o;
    char *dir;             /* owned; o.dir points to it */
    const pt_clock *clock; /* borrowed */
    const pt_log *log;     /* borrowed */
    int lock_fd;           /* -1: read-only */
    /* Given by the store above: make a damaged file anew (historian/repair/repair.h). NULL: damaged files stay. */
    pt_status (*mend)(hist *h, hist__file kind, int64_t start_ms, bool ours, pt_error *err);

    hist__catalog catalog;
    hist__pending pending;

    hist__weeks weeks;

    hist__buffer buffer;

    /* the writer thread's own */
    pthread_t writer;
    bool writer_started;
    hist__journal journal;
    hist__batch batch;       /* in flight */
    bool batch_catalog_done; /* its tags and events are committed */
    uint64_t batch_seq;      /* its first change number */
    bool pending_incomplete; /* memory failed while applying: nothing is trimmed until reopened */
    int64_t retry_mono_ms;   /* no commit is tried before, after a failure */
    unsigned failures;       /* in a row */
    int64_t close_deadline_mono_ms;
    uint32_t *seal_list; /* owned: tags that are full */
    size_t n_seal, cap_seal;
    hist__per_tag marks;
    hist__part *parts[HIST__OPEN_PARTS];
    uint64_t part_use;
    hist__codec *codec;
    pt_buf blob;
    hist__rows merge_rows, out_rows;
    hist_deviation *deviations; /* owned, and the texts in it; o.n_deviations */
    hist_sample *thinned;       /* owned: what is left of the rows being sealed */
    uint8_t *why;               /* owned */
    size_t cap_thinned;
    hist__rows look_rows; /* the last block looked into for late samples (writer; read-only: whoever refreshes) */
    int64_t look_start, look_t0, look_t1;
    uint32_t look_tag;
    bool look_valid;
    uint64_t looks; /* blocks decoded for it */
    int64_t last_tick_mono_ms, last_trim_mono_ms, last_retention_mono_ms;
    int64_t seal_retry_mono_ms; /* no sealing is tried before, after a failure */
    pt_status seal_status;      /* PT_OK, or why sealing fails at present */
    int64_t batch_row;          /* journal row of the batch's first chunk, once committed */

    pthread_mutex_t request_lock;  /* one request at a time; read-only: one refresh at a time */
    struct hist__request *request; /* under buffer.lock */

    pthread_mutex_t stat_lock; /* guards `stats` */
    hist_stats stats;
};

static inline hist__mark *hist__mark_at(hist *h, uint32_t id)
{
    return hist__per_tag_at(&h->marks, id, sizeof(hist__mark));
}
static inline uint32_t hist__tag_count(hist *h)
{
    return hist__catalog_count(&h->catalog);
}
/* `dir`/`name`, NUL-terminated, to be freed; NULL when out of memory. */
char *hist__path(const hist *h, const char *name);

/* bare.c */
/* A store that is not open: directory, codec and buffers for working on its files. With `lock` it holds the directory's lock. */
PT_MUST_CHECK pt_status hist__bare_new(const char *dir, const pt_log *log, bool lock, hist **out, pt_error *err);
void hist__bare_free(hist *h);
/* An empty store with its objects and locks; to be freed with hist__bare_free. */
PT_MUST_CHECK pt_status hist__new(const char *dir, const pt_clock *clock, const pt_log *log, hist **out, pt_error *err);
PT_MUST_CHECK pt_status hist__lock_take(hist *h, pt_error *err); /* PT_EBUSY: another process has the directory */

/* events.c: something the historian did itself; `detail` is a JSON object. One that can't be kept is said in the log. */
void hist__event_say(hist *h, const char *type, pt_slice path, const pt_buf *detail);

/* buffer.c */
pt_status hist__buffer_init(hist *h);
void hist__buffer_fini(hist *h);
void hist__batch_free(hist *h, hist__batch *b); /* chunks become spare ones */

/* partition.c */
/* Add the partition's per-tag statistics to what is stored and to the marks; alone (pending.h). */
PT_MUST_CHECK pt_status hist__partition_stats(hist *h, int64_t start_ms, pt_error *err);
/* Merge the pending rows of these tags (ascending ids) into blocks; afterwards they are not pending any more. All or none of the tags. */
PT_MUST_CHECK pt_status hist__seal(hist *h, uint32_t *tags, size_t n, pt_error *err);
void hist__parts_close(hist *h);
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
/* The writer's connection to this partition, if open, is closed. */
void hist__part_forget(hist *h, int64_t start_ms);
/* retention.c: what the options ask for; writer thread. Cheap when nothing is to go */
PT_MUST_CHECK pt_status hist__retention_tick(hist *h, pt_error *err);

/* recover.c */
PT_MUST_CHECK pt_status hist__recover(hist *h, pt_error *err);
/* Writer, while opening: samples refer to that tag. Those between the newest known and it get a place of their own, so that no new tag
 * takes their number. */
PT_MUST_CHECK pt_status hist__tags_lost(hist *h, uint32_t up_to);
/* Read-only: bring the copy of the journal up to date. */
PT_MUST_CHECK pt_status hist__journal_refresh(hist *h, pt_error *err);

/* writer.c: the thread; commit.c: classify, journal, apply; sealing.c: what to seal when, trimming */
void *hist__writer_main(void *arg);
PT_MUST_CHECK pt_status hist__batch_commit(hist *h, pt_error *err); /* h->batch; repeatable after a failure */
PT_MUST_CHECK pt_status hist__batch_apply(hist *h);                 /* after the commit: into the pending rows */
PT_MUST_CHECK pt_status hist__files_open(hist *h, pt_error *err);   /* the writer's connections to catalog and journal */
void hist__files_close(hist *h);
PT_MUST_CHECK pt_status hist__seal_due(hist *h, bool everything, pt_error *err);
PT_MUST_CHECK pt_status hist__seal_all(hist *h, pt_error *err); /* everything into blocks, and the journal is told */
void hist__sealed_advance(hist *h);                             /* recompute what is sealed */
/* The stored row with this key in the blocks, NULL when there is none or it can't be read. Valid until the next call. Writer thread. */
const hist_sample *hist__find_in_blocks(hist *h, uint32_t tag_id, int64_t time_ms, bool state);
/* Would this sample, which is in no block, lie where others were left out, and within what the block states? It was left out itself. As
 * hist__find_in_blocks, to be called after it. */
bool hist__left_out(const hist *h, const hist_sample *s);
int64_t hist__mono_ms(void); /* the machine's: pacing is real time even under a test's clock */

/* Something the writer thread does for another thread, between two commits. */
typedef struct hist__request {
    pt_status (*run)(hist *h, void *ctx, pt_error *err);
    void *ctx;
    pt_status status;
    pt_error err;
    bool done;
} hist__request;
PT_MUST_CHECK pt_status hist__request_run(hist *h, hist__request *r, pt_error *err);

#endif
