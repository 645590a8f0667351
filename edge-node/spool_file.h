/* edge-node/spool_file.h -- inside the spool: the SQLite file of batches, of the names' numbers, and of the marks that tell their age.
 *
 *   batch: state 0 waiting, 1 delivered     name: number of (device, metric)     mark: batches up to this one were there at that own time
 *
 * No thread, no clock, no lock: whoever calls holds the spool's db_lock; times are the spool's own time and come from the caller. Every
 * result of SQLite is looked at; a failure has the file, the statement and SQLite's words in *err. Changes belong between begin and commit.
 */
#ifndef EDGE_SPOOL_FILE_H
#define EDGE_SPOOL_FILE_H
#include "base/slice.h"
#include "base/status.h"

#include <sqlite3.h>

#define EDGE__SPOOL_QUERIES 18

typedef struct edge__spool_file {
    char path[560];
    sqlite3 *db;                          /* owned */
    sqlite3_stmt *q[EDGE__SPOOL_QUERIES]; /* owned; reset between calls */
    int64_t own_ms;                       /* own time when it was opened */
} edge__spool_file;

/* Opens or creates dir/spool.db; after an unclean end what was sent in the last window_ms counts as waiting again. On failure there is
 * nothing to close. PT_ECORRUPT: not a spool of a known version. */
PT_MUST_CHECK pt_status edge__spool_file_open(edge__spool_file *f, const char *dir, int64_t window_ms, pt_error *err);
/* Left cleanly: the next open sends nothing again. */
PT_MUST_CHECK pt_status edge__spool_file_clean(edge__spool_file *f, pt_error *err);
/* Nothing when it was not opened (zero). PT_EBUSY: SQLite says that it is in use, which is a fault of ours. */
pt_status edge__spool_file_close(edge__spool_file *f);

PT_MUST_CHECK pt_status edge__spool_file_begin(edge__spool_file *f, pt_error *err);
PT_MUST_CHECK pt_status edge__spool_file_commit(edge__spool_file *f, pt_error *err);
void edge__spool_file_rollback(edge__spool_file *f); /* nothing when no transaction is open */

/* The number of a name, made when there is none. */
PT_MUST_CHECK pt_status edge__spool_file_number(edge__spool_file *f, pt_slice device, pt_slice metric, uint32_t *number);

typedef struct edge__spool_batch {
    int64_t id, first_ms, last_ms; /* of samples */
    uint32_t samples;
    bool delivered;
    int64_t sent_ms; /* own time */
    pt_slice data;
} edge__spool_batch;
PT_MUST_CHECK pt_status edge__spool_file_add(edge__spool_file *f, const edge__spool_batch *b, pt_error *err);
PT_MUST_CHECK pt_status edge__spool_file_sent(edge__spool_file *f, int64_t id, int64_t own_ms, pt_error *err);
/* Delivered ones wait again: those sent since then; those with samples since then. */
PT_MUST_CHECK pt_status edge__spool_file_lost(edge__spool_file *f, int64_t since_own_ms, pt_error *err);
PT_MUST_CHECK pt_status edge__spool_file_backfill(edge__spool_file *f, int64_t from_ms, pt_error *err);
/* The next waiting batch behind this id; data is the caller's to free. PT_ENOTFOUND: none. */
PT_MUST_CHECK pt_status edge__spool_file_next(edge__spool_file *f, int64_t after_id, edge__spool_batch *out, pt_error *err);

typedef struct edge__spool_sums {
    uint64_t samples, bytes, pending; /* pending: samples of waiting batches */
    int64_t newest_ms;                /* latest sample; -1: none */
} edge__spool_sums;
PT_MUST_CHECK pt_status edge__spool_file_sums(edge__spool_file *f, edge__spool_sums *out, pt_error *err);
/* When the oldest waiting batch begins; -1: none waits. */
PT_MUST_CHECK pt_status edge__spool_file_first_waiting(edge__spool_file *f, int64_t *first_ms, pt_error *err);

/* Within a transaction: mark what is there now, keep own time, delete what has been there for max_age_ms. `gone` is added to. */
PT_MUST_CHECK pt_status edge__spool_file_expire(edge__spool_file *f, int64_t own_ms, int64_t max_age_ms, edge__spool_sums *gone,
                                                pt_error *err);
/* Delete the oldest batch, of delivered or waiting ones. PT_ENOTFOUND: there is none. */
PT_MUST_CHECK pt_status edge__spool_file_drop_oldest(edge__spool_file *f, bool delivered, edge__spool_sums *gone, pt_error *err);
#endif
