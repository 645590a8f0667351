/* historian/store.c -- open, close, lock, statistics; and the theory of the whole folder.
 *
 *     hist_append --> buffer --> writer thread --> journal.db --> pending rows --> blocks-*.db
 *                     (bounded)   (one commit      (one blob      (memory,         (per tag, sorted,
 *                                  per interval)    per chunk)     per tag)         compressed, for ever)
 *
 * A sample is in exactly one of three states, and leaves each only when it is safe in the next:
 *
 *     BUFFERED --COMMIT of journal.db--> PENDING --COMMIT of its partition--> SEALED
 *     lost by kill -9                    in the journal and in memory         in a block
 *
 * Invariants:
 *  (1) A committed sample is in the journal behind `sealed`, or in a block, or (between the partition's commit and the journal being told)
 *      in both. Therefore readers look at memory or the journal FIRST and at blocks SECOND, and drop equal keys: nothing is missed.
 *  (2) A sample on disk has its tag in catalog.db: tags are committed first.
 *  (3) The key (tag, time, is it a STATE row) is unique among pending rows, among blocks, and a pending row beats a block's.
 *  (4) Pending rows of the process that writes are those of journal rows behind `sealed`, less what is sealed already.
 *  (5) Only the writer thread changes pending rows, blocks, journal and catalog; it holds the lock of pending.h while it moves pending
 * rows. (6) Memory is bounded: buffer_bytes for what is not committed, pending_bytes (by sealing early) for what is not sealed.
 *
 * Who owns what: five objects of write/write.h, each with its lock and fields, and a header: catalog (tags, names, ids, catalog.db),
 * pending (rows in memory, what is stored of each tag), weeks (which there are, their sizes, read connections), journal (the file, its
 * rows, what is sealed, the numbering; the writer's alone), writer (the thread, its batch and marks, the buffer that waits for it). write/
 * meets damaged files and does not know how to repair: this file hands it hist__mend.
 *
 * Locks, in the order they may be taken: writer.turn, buffer.lock; catalog.reader_lock, catalog.lock, pending.lock, weeks.lock; stat_lock
 * last. No lock is held during a write to disk. */
#include "historian/write/write.h"
#include "historian/repair/repair.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static pt_status check_options(const hist_options *o, pt_error *err)
{
    if (!o->dir || !o->dir[0]) return pt_fail(err, PT_EINVAL, "no directory given");
    if (o->commit_interval_ms < 10 || o->commit_interval_ms > 60000)
        return pt_fail(err, PT_EINVAL, "commit_interval must be 10 ms to 60 s");
    if (o->block_samples < 16 || o->block_samples > HIST__BLOCK_ROWS_MAX / 2)
        return pt_fail(err, PT_EINVAL, "block_samples must be 16 to %u", HIST__BLOCK_ROWS_MAX / 2);
    if (o->buffer_bytes < 65536 || o->seal_age_ms < 0 || o->retention_age_ms < 0)
        return pt_fail(err, PT_EINVAL, "a historian option is out of range");
    for (size_t i = 0; i < o->n_deviations; i++) {
        const hist_deviation *d = &o->deviations[i];
        if (!d->tags || isinf(d->exc_dev) || isinf(d->comp_dev) || d->exc_min_ms < 0 || d->exc_max_ms < 0 || d->comp_min_ms < 0 ||
            d->comp_max_ms < 0)
            return pt_fail(err, PT_EINVAL, "a deviation of the historian's options is out of range");
    }
    return PT_OK;
}

/* ---- open --------------------------------------------------------------------------------------------------- */

static pt_status make_dir(const char *dir, pt_error *err)
{
    if (mkdir(dir, 0755) == 0) return PT_OK;
    int e = errno;
    struct stat info;
    if (stat(dir, &info) == 0) return S_ISDIR(info.st_mode) ? PT_OK : pt_fail(err, PT_EINVAL, "%s is not a directory", dir);
    return pt_fail_errno(err, e, dir);
}

static pt_status open_all(hist *h, pt_error *err)
{
    pt_status st = PT_OK;
    if (h->o.read_only) {
        if ((st = hist__catalog_open_reader(&h->catalog, err)) != PT_OK) return st;
        hist__journal_seen(&h->journal, -1, -1);
        return hist__journal_refresh(h, err);
    }
    if ((st = make_dir(h->dir, err)) != PT_OK) return st;
    if ((st = hist__lock_take(h, err)) != PT_OK) return st;
    if ((st = hist__recover(h, err)) != PT_OK) return st;
    if ((st = hist__catalog_open_reader(&h->catalog, err)) != PT_OK) return st;
    return hist__writer_start(h, err);
}

pt_status hist_open(const hist_options *o, const pt_clock *clock, const pt_log *log, hist **out, pt_error *err)
{
    pt_status st = check_options(o, err);
    if (st != PT_OK) return st;
    hist *h = NULL;
    if ((st = hist__new(o->dir, clock, log, &h, err)) != PT_OK) return st;
    h->o = *o;
    h->o.dir = h->dir;
    h->mend = hist__mend;
    h->o.deviations = NULL; /* the writer has copies */
    h->o.n_deviations = 0;
    st = hist__writer_rules(&h->writer, o->deviations, o->n_deviations);
    if (st != PT_OK) pt_fail(err, st, "out of memory");
    else st = open_all(h, err);
    if (st != PT_OK) {
        hist__bare_free(h);
        return st;
    }
    *out = h;
    return PT_OK;
}

pt_status hist_close(hist *h, int64_t timeout_ms, pt_error *err)
{
    if (!h) return PT_OK;
    pt_status st = hist__writer_stop(h, timeout_ms, err);
    hist__bare_free(h);
    return st;
}

/* ---- statistics --------------------------------------------------------------------------------------------- */

static uint64_t file_bytes(const hist *h, const char *name)
{
    static const char *const suffix[] = { "", "-wal", "-shm" };
    uint64_t total = 0;
    for (size_t i = 0; i < PT_COUNT_OF(suffix); i++) {
        char full[64];
        snprintf(full, sizeof full, "%s%s", name, suffix[i]);
        char *path = hist__path(h, full);
        struct stat info;
        if (path && stat(path, &info) == 0) total += (uint64_t)info.st_size;
        free(path);
    }
    return total;
}

void hist_stats_get(hist *h, hist_stats *out)
{
    hist__writer_stats(h, out);
    out->tags = hist__tag_count(h);
    out->file_bytes = file_bytes(h, "catalog.db") + (out->journal_bytes = file_bytes(h, "journal.db"));
    int64_t *starts = NULL;
    size_t n = 0;
    hist__weeks_size(&h->weeks, &out->blocks, &out->block_bytes);
    if (hist__weeks_between(&h->weeks, INT64_MIN, INT64_MAX, &starts, &n) != PT_OK) n = 0; /* without memory the file sizes are left out */
    for (size_t i = 0; i < n; i++) {
        char name[40];
        hist__partition_name(starts[i], name);
        out->file_bytes += file_bytes(h, name);
    }
    free(starts);
}

/* ---- sealing on request ------------------------------------------------------------------------------------- */

static pt_status run_seal(hist *h, void *ctx, pt_error *err)
{
    (void)ctx;
    return hist__seal_all(h, err);
}

pt_status hist_seal(hist *h, pt_error *err)
{
    hist__request r = { .run = run_seal };
    return hist__request_run(h, &r, err);
}
