/* historian/repair/backup.c -- a consistent copy while the host writes.
 *
 * Each file is copied from one read snapshot by SQLite's backup interface. The order makes the whole consistent: journal first, partitions
 * second, catalogue last. What is sealed between the first two is in both, which a reader recognises; a tag that anything refers to was
 * committed before it and is in the later copy of the catalogue. */
#include "base/file.h"
#include "historian/repair/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGES_AT_ONCE = 2048 };

typedef struct copy {
    void (*progress)(void *ctx, const char *file, uint64_t done, uint64_t total);
    void *ctx;
} copy;

static pt_status sync_file(const char *path, pt_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return pt_fail_errno(err, errno, path);
    pt_status st = fsync(fd) == 0 ? PT_OK : pt_fail_errno(err, errno, path);
    close(fd);
    return st;
}

static pt_status copy_pages(sqlite3 *from, sqlite3 *to, const char *name, const copy *k, pt_error *err)
{
    /* An open read transaction pins the snapshot: the writer may go on, the copy stays what it was at the start. */
    int64_t ignored = 0;
    pt_status st = hist__db_exec(from, "BEGIN", err);
    if (st == PT_OK) st = hist__db_number(from, "SELECT count(*) FROM sqlite_master", &ignored, err);
    if (st != PT_OK) return st;
    hist__pages_as(to, from);
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
    if (!b) return hist__db_fail(to, err, "backup");
    int rc;
    do {
        rc = sqlite3_backup_step(b, PAGES_AT_ONCE);
        int total = sqlite3_backup_pagecount(b), left = sqlite3_backup_remaining(b);
        if (k->progress) k->progress(k->ctx, name, (uint64_t)(total - left), (uint64_t)total);
    } while (rc == SQLITE_OK);
    int end = sqlite3_backup_finish(b);
    if (rc != SQLITE_DONE || end != SQLITE_OK) return hist__db_fail(to, err, "backup");
    return hist__db_exec(from, "COMMIT", err);
}

static pt_status copy_file(const hist *from_dir, const hist *to_dir, const char *name, hist__file kind, const copy *k, pt_error *err)
{
    char *from_path = hist__path(from_dir, name), *to_path = hist__path(to_dir, name);
    sqlite3 *from = NULL, *to = NULL;
    pt_status st = from_path && to_path ? hist__db_open(from_path, kind, true, &from, err) : pt_fail(err, PT_ENOMEM, "out of memory");
    if (st == PT_ENOTFOUND && kind == HIST__PARTITION) { /* dropped by retention meanwhile, or still empty */
        free(from_path);
        free(to_path);
        return PT_OK;
    }
    if (st == PT_OK && hist__pages_open(to_path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX) != SQLITE_OK)
        st = hist__db_fail(to, err, to_path);
    if (st == PT_OK) st = copy_pages(from, to, name, k, err);
    hist__db_close(from);
    hist__db_close(to);
    if (st == PT_OK) st = sync_file(to_path, err);
    free(from_path);
    free(to_path);
    return st;
}

pt_status hist_backup(const char *dir, const char *dest, void (*progress)(void *ctx, const char *file, uint64_t done, uint64_t total),
                      void *ctx, pt_error *err)
{
    hist *from = NULL, *to = NULL;
    copy k = { progress, ctx };
    if (mkdir(dest, 0755) != 0 && errno != EEXIST) return pt_fail_errno(err, errno, dest);
    pt_status st = hist__bare_new(dir, NULL, false, &from, err);
    if (st == PT_OK) st = hist__bare_new(dest, NULL, true, &to, err);
    char *there = st == PT_OK ? hist__path(to, "catalog.db") : NULL;
    if (st == PT_OK && !there) st = pt_fail(err, PT_ENOMEM, "out of memory");
    if (st == PT_OK && access(there, F_OK) == 0) st = pt_fail(err, PT_EEXISTS, "%s holds a historian already", dest);
    free(there);
    if (st == PT_OK) st = copy_file(from, to, "journal.db", HIST__JOURNAL, &k, err);
    if (st == PT_OK)
        st =
            hist__weeks_scan(&from->weeks, err); /* after the journal: what was sealed into a new file meanwhile is in the journal's copy */
    hist__week week;
    for (size_t i = 0; st == PT_OK && hist__weeks_at(&from->weeks, i, &week); i++) {
        char name[40];
        hist__partition_name(week.start_ms, name);
        st = copy_file(from, to, name, HIST__PARTITION, &k, err);
    }
    if (st == PT_OK) st = copy_file(from, to, "catalog.db", HIST__CATALOG, &k, err);
    if (st == PT_OK) st = pt_folder_sync(dest, err);
    hist__bare_free(from);
    hist__bare_free(to);
    return st;
}
