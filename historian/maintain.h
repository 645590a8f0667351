/* historian/maintain.h -- looking after a data directory: verify and repair, backup, retention, deleting a tag.
 *
 * Functions that take a directory work without an open historian; those that take a hist work in the process that writes. */
#ifndef HIST_MAINTAIN_H
#define HIST_MAINTAIN_H
#include "historian/historian.h"

/* ---- verify -------------------------------------------------------------------------------------------------- */

typedef struct hist_verify_options {
    bool repair; /* take the lock and rebuild what can be rebuilt; PT_EBUSY while a host has the directory */
    void (*fault)(void *ctx, const char *file, const char *text);                 /* every fault found, one sentence; may be NULL */
    void (*progress)(void *ctx, const char *file, uint64_t done, uint64_t total); /* now and then; may be NULL */
    void *ctx;
    const pt_log *log; /* may be NULL */
} hist_verify_options;

typedef struct hist_verify_report {
    uint64_t files, tags, events, journal_rows, blocks, rows; /* looked at */
    uint64_t compared;                                        /* raw samples of the journal held against blocks that left some out */
    uint64_t faults;                                          /* found */
    uint64_t repaired;                                        /* files rebuilt, of those with faults */
    uint64_t lost_blocks, lost_journal_rows; /* could not be read: put aside in the file's table `damaged`, never thrown away */
    uint64_t damaged_before;                 /* put aside earlier */
} hist_verify_report;

/* Check every file's SQLite structure, every block's checksum, rows, order, summary and place, the per-tag statistics, and every journal
 * row; and where samples were left out, that those still in the journal are within what the block states. PT_OK also when faults were
 * found: look at report->faults (after a repair: run again to see that none are left). Without repair it may run beside a host. *report is
 * filled as far as it got in any case. */
PT_MUST_CHECK pt_status hist_verify(const char *dir, const hist_verify_options *o, hist_verify_report *report, pt_error *err);

/* ---- backup -------------------------------------------------------------------------------------------------- */

/* A consistent copy of `dir` in `dest` (created; PT_EEXISTS when it holds a historian already), also under load: everything committed
 * before the call is in it. progress may be NULL. */
PT_MUST_CHECK pt_status hist_backup(const char *dir, const char *dest,
                                    void (*progress)(void *ctx, const char *file, uint64_t done, uint64_t total), void *ctx, pt_error *err);

/* ---- retention ----------------------------------------------------------------------------------------------- */

typedef struct hist_retention {
    int64_t before_ms;  /* drop partitions that end at or before it; INT64_MIN: none by age */
    uint64_t max_bytes; /* then the oldest, until the partitions' files are not larger; 0: no bound */
    bool dry_run;       /* only say what would go */
} hist_retention;
typedef struct hist_retention_result {
    uint64_t partitions, blocks, bytes, events;
    uint64_t unsealed; /* samples and STATE rows of those partitions that were not in blocks yet */
    int64_t oldest_ms; /* start of the oldest partition left; INT64_MAX when none */
} hist_retention_result;
/* The partition being written to (it holds `now`) stays in any case. Events before before_ms go too, but for those the change log reaches
 * back to. What is not in blocks yet goes with its partition. The result is what a dry run said before: blocks and bytes are those of the
 * files as they were found. What went is an event, "history-pruned". */
PT_MUST_CHECK pt_status hist_retention_apply(hist *h, const hist_retention *r, hist_retention_result *out, pt_error *err);

/* Delete all samples of a tag in [from, to) from blocks and memory and give the space back to the file system. The tag itself and its
 * events stay; the change log is emptied at once, its numbers go on. *rows: how many went (samples and STATE rows); if any, that is an
 * event, "history-deleted". */
PT_MUST_CHECK pt_status hist_tag_delete(hist *h, uint32_t tag_id, int64_t from_ms, int64_t to_ms, uint64_t *rows, pt_error *err);
#endif
