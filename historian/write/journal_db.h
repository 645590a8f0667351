/* historian/write/journal_db.h -- the journal as the writer has it: journal.db, which rows are in it, and how far they are in blocks.
 *
 * Rows up to `sealed` are in blocks; they stay for readers of the change log until they are too many or too old. Threads: the writer's
 * alone (or whoever opens the store, before there is one). An error leaves list and file as they were. A read-only store uses only what is
 * under "read-only" and hist__journal_replay, one thread at a time. */
#ifndef HIST_JOURNAL_DB_H
#define HIST_JOURNAL_DB_H
#include "historian/files/files.h"
#include "historian/historian.h"

struct hist__chunk;

typedef struct hist__row_size {
    int64_t id, wall_ms;
    uint64_t bytes;
} hist__row_size;

typedef struct hist__journal {
    const hist_options *o; /* borrowed: dir, synchronous, log_bytes, log_age_ms */
    sqlite3 *db;           /* NULL: to be opened; read-only: it is */
    sqlite3_stmt *insert;
    pt_buf blob;
    uint64_t next_seq;    /* the next change number */
    int64_t last, sealed; /* row ids: the newest; everything <= sealed is in blocks. Read-only: as of what is in memory; -1: nothing is */
    bool trim_due;        /* `sealed` moved: tell the file with the next commit */
    hist__row_size *rows; /* all journal rows present, ascending; [first, first + count) of an owned array */
    size_t first, count, cap;
    size_t n_sealed;                /* how many of them are sealed */
    size_t n_packed;                /* how many of those were looked at by hist__journal_compact */
    uint64_t bytes, unsealed_bytes; /* of all rows, and of those not sealed */
} hist__journal;

void hist__journal_init(hist__journal *j, const hist_options *o);
void hist__journal_fini(hist__journal *j);

PT_MUST_CHECK pt_status hist__journal_open(hist__journal *j, pt_error *err); /* nothing to do when it is open */
void hist__journal_close(hist__journal *j);                                  /* the file only; what is known of it stays */
/* After opening: the list of rows, `sealed`, and the numbering: behind everything given out, `next_event_seq` included. */
PT_MUST_CHECK pt_status hist__journal_load(hist__journal *j, uint64_t next_event_seq, pt_error *err);

/* Write the chunks' samples, one row per chunk that has any, in one transaction; they get change numbers from `seq` on. *first: id of the
 * first row. PT_ENOSPC and others as they come. */
PT_MUST_CHECK pt_status hist__journal_append(hist__journal *j, const struct hist__chunk *chunks, uint64_t seq, int64_t wall_ms,
                                             int64_t *first, pt_error *err);
PT_MUST_CHECK pt_status hist__journal_note(hist__journal *j, int64_t id, int64_t wall_ms, uint64_t bytes); /* a row is there. PT_ENOMEM */

/* Change numbers below `next` are given out. */
static inline void hist__journal_gave(hist__journal *j, uint64_t next)
{
    j->next_seq = next;
}
static inline uint64_t hist__journal_next_seq(const hist__journal *j)
{
    return j->next_seq;
}

/* The file's rows (after, until] in order, with the change number of their first sample. Until `each` is not PT_OK. */
PT_MUST_CHECK pt_status hist__journal_replay(hist__journal *j, int64_t after, int64_t until,
                                             pt_status (*each)(void *ctx, int64_t id, uint64_t seq, const void *bytes, size_t len,
                                                               pt_error *err),
                                             void *ctx, pt_error *err);

static inline int64_t hist__journal_sealed(const hist__journal *j)
{
    return j->sealed;
}
static inline int64_t hist__journal_last(const hist__journal *j)
{
    return j->last;
}

/* The highest row that is not sealed and at least as old as that, or (if higher) with which `shed` bytes of unsealed rows go; 0: none. */
int64_t hist__journal_until(const hist__journal *j, int64_t too_old_ms, uint64_t shed);
uint64_t hist__journal_unsealed(const hist__journal *j); /* bytes of rows that are not sealed */
/* Rows before this one are in blocks; UINT64_MAX: all are. What is lower than before is known already. */
void hist__journal_seal_before(hist__journal *j, uint64_t row);
static inline bool hist__journal_trim_due(const hist__journal *j) /* `sealed` moved, and the file does not say so yet */
{
    return j->trim_due;
}
/* Tell the file what is sealed, in a transaction of its own, and let rows go that the change log does not keep: all but the newest. */
PT_MUST_CHECK pt_status hist__journal_trim(hist__journal *j, int64_t wall_ms, pt_error *err);
/* Everything is sealed: no byte of any sample stays in the file. */
PT_MUST_CHECK pt_status hist__journal_clear(hist__journal *j, int64_t wall_ms, pt_error *err);
/* compact.c: pack sealed rows, a bounded amount at a time, and give back pages that are no longer used. */
PT_MUST_CHECK pt_status hist__journal_compact(hist__journal *j, pt_error *err);
/* A row that can't be read would be trimmed as if its samples were in blocks: its bytes stay in the table `damaged`. */
PT_MUST_CHECK pt_status hist__journal_keep_damaged(hist__journal *j, int64_t id, pt_error *err);
/* The lowest change number the log still has; INT64_MAX: it is empty. */
PT_MUST_CHECK pt_status hist__journal_oldest_seq(hist__journal *j, int64_t *out, pt_error *err);

/* ---- read-only: another process writes */
/* Begin to read the file as it is now, until hist__journal_look_end: how far it is sealed, and its newest row (0: none). */
PT_MUST_CHECK pt_status hist__journal_look(hist__journal *j, int64_t *sealed, int64_t *last, pt_error *err);
void hist__journal_look_end(hist__journal *j);
/* What is in memory now, as hist__journal_sealed and _last say from here on: rows (sealed, last]. Both -1: nothing, begin anew. */
void hist__journal_seen(hist__journal *j, int64_t sealed, int64_t last);

/* dropped.c: weeks that retention dropped, as far as the journal still has samples of them */
#define HIST__DROPPED_TABLE \
    "CREATE TABLE IF NOT EXISTS dropped(id INTEGER PRIMARY KEY, start_ms INTEGER NOT NULL UNIQUE, until_seq INTEGER NOT NULL);"
typedef struct hist__dropped_week {
    int64_t start_ms;
    uint64_t until_seq; /* samples of the week with a lower change number went with it */
} hist__dropped_week;
typedef struct hist__dropped {
    hist__dropped_week *weeks; /* owned; ascending */
    size_t n;
} hist__dropped;
/* Before the file goes: everything committed so far that lies in that week does not come back. */
PT_MUST_CHECK pt_status hist__dropped_note(hist__journal *j, int64_t start_ms, pt_error *err);
PT_MUST_CHECK pt_status hist__dropped_load(sqlite3 *journal, hist__dropped *out, pt_error *err);    /* empty when it fails */
PT_MUST_CHECK pt_status hist__journal_dropped(hist__journal *j, hist__dropped *out, pt_error *err); /* of the open file */
void hist__dropped_free(hist__dropped *d);
bool hist__dropped_has(const hist__dropped *d, int64_t time_ms, uint64_t seq);
#endif
