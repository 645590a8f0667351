/* historian/files/wal.c */
#include "historian/files/wal.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER = 32, FRAME_HEADER = 24, PAGE_MIN = 512, PAGE_MAX = 65536 };
/* Places in the header and in a frame's header, all big-endian. */
enum { AT_MAGIC = 0, AT_PAGE_SIZE = 8, AT_SALTS = 16, AT_SUM = 24, FRAME_AT_COMMIT = 4, FRAME_AT_SALTS = 8, FRAME_AT_SUM = 16 };
#define MAGIC 0x377f0682u /* the lowest bit: checksums are of big-endian words */

static uint32_t big32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return be32toh(v);
}

/* Add `n` bytes, a multiple of 8, to the running sum. */
static void add(uint32_t sum[2], const uint8_t *p, size_t n, bool big)
{
    for (size_t i = 0; i < n; i += 8) {
        uint32_t a, b;
        memcpy(&a, p + i, sizeof a);
        memcpy(&b, p + i + 4, sizeof b);
        sum[0] += (big ? be32toh(a) : le32toh(a)) + sum[1];
        sum[1] += (big ? be32toh(b) : le32toh(b)) + sum[0];
    }
}

static bool is_sum(const uint32_t sum[2], const uint8_t *p)
{
    return sum[0] == big32(p) && sum[1] == big32(p + 4);
}

/* PT_EEMPTY: there is no more. */
static pt_status read_at(int fd, uint8_t *to, size_t n, uint64_t at)
{
    ssize_t got = pread(fd, to, n, (off_t)at);
    return got < 0 ? pt_status_from_errno(errno) : (size_t)got == n ? PT_OK : PT_EEMPTY;
}

/* The page size of the database: that of a damaged -wal header may be what is damaged. */
static uint32_t database_page_size(const char *database)
{
    uint8_t head[HEADER];
    int fd = open(database, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && read_at(fd, head, sizeof head, 0) == PT_OK;
    if (fd >= 0) close(fd);
    uint32_t size = ok ? (uint32_t)head[16] << 8 | head[17] : 0;
    return size == 1 ? PAGE_MAX : size;
}

/* Until a frame is wrong they carry the sum on. Behind it only commits of the generation that `salts` names are counted: frames of older
 * ones, which the file had before it was begun anew, are no loss. */
static pt_status walk(int fd, uint32_t page, const uint8_t salts[8], uint32_t sum[2], bool big, bool broken, hist__wal *out)
{
    uint8_t *frame = malloc(FRAME_HEADER + page);
    pt_status st = frame ? PT_OK : PT_ENOMEM;
    uint64_t number = 0, commits = 0;
    for (; st == PT_OK && (st = read_at(fd, frame, FRAME_HEADER + page, HEADER + number * (FRAME_HEADER + page))) == PT_OK; number++) {
        bool present = memcmp(frame + FRAME_AT_SALTS, salts, 8) == 0;
        if (!broken) {
            add(sum, frame, FRAME_AT_SALTS, big);
            add(sum, frame + FRAME_HEADER, page, big);
            broken = !present || !is_sum(sum, frame + FRAME_AT_SUM);
            if (broken) out->frame = number + 1;
        }
        commits += broken && present && big32(frame + FRAME_AT_COMMIT) != 0;
    }
    free(frame);
    out->commits = commits >= 2 || (commits && out->frame == 0) ? commits : 0; /* one may be that which the crash tore */
    return st == PT_EEMPTY ? PT_OK : st;
}

pt_status hist__wal_look(const char *database, hist__wal *out, pt_error *err)
{
    char path[1100];
    uint8_t head[HEADER], first[FRAME_HEADER];
    *out = (hist__wal){ 0 };
    int n = snprintf(path, sizeof path, "%s-wal", database);
    int fd = n > 0 && (size_t)n < sizeof path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return errno == ENOENT || errno == ENAMETOOLONG ? PT_OK : pt_fail_errno(err, errno, path);
    pt_status st = read_at(fd, head, sizeof head, 0);
    if (st == PT_OK) st = read_at(fd, first, sizeof first, HEADER);
    if (st == PT_OK) {
        uint32_t sum[2] = { 0 }, magic = big32(head + AT_MAGIC), page = big32(head + AT_PAGE_SIZE), expected = database_page_size(database);
        bool big = magic & 1;
        add(sum, head, AT_SUM, big);
        bool sound = (magic & ~1u) == MAGIC && is_sum(sum, head + AT_SUM) && page == expected;
        if (expected >= PAGE_MIN && expected <= PAGE_MAX)
            st = walk(fd, expected, sound ? head + AT_SALTS : first + FRAME_AT_SALTS, sum, big, !sound, out);
    }
    close(fd);
    return st == PT_OK || st == PT_EEMPTY ? PT_OK : pt_fail(err, st, "%s: %s", path, pt_status_name(st));
}

static pt_status copy_file(const char *from, const char *to, pt_error *err)
{
    uint8_t buf[65536];
    ssize_t n = 0;
    int in = open(from, O_RDONLY | O_CLOEXEC), out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    bool ok = out >= 0;
    while (ok && (n = read(in, buf, sizeof buf)) > 0)
        ok = write(out, buf, (size_t)n) == n;
    ok = ok && n == 0 && fsync(out) == 0;
    pt_status st = ok ? PT_OK : pt_fail(err, pt_status_from_errno(errno), "%s to %s: %s", from, to, pt_errno_text(errno));
    if (in >= 0) close(in);
    if (out >= 0) close(out);
    if (out >= 0 && !ok) (void)unlink(to);
    return st;
}

/* How far the file has come with the -wal that stands beside it, or without: -1 when it is unsound so. */
static pt_status how_far(const char *path, hist__file kind, int64_t *out, pt_error *err)
{
    static const char *const count[] = {
        [HIST__CATALOG] = "SELECT (SELECT coalesce(max(seq), 0) FROM event) + (SELECT coalesce(max(tag_id), 0) FROM tag)",
        [HIST__JOURNAL] = "SELECT coalesce(max(id), 0) FROM journal",
        [HIST__PARTITION] = "SELECT coalesce(sum(rows), 0) FROM tag_stat"
    };
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    bool row = false;
    *out = -1;
    pt_status st = hist__db_open(path, kind, true, &db, err);
    if (st == PT_OK) st = hist__db_prepare(db, "PRAGMA quick_check(1)", &q, err);
    if (st == PT_OK) st = hist__db_step(db, q, &row, err);
    bool sound = st == PT_OK && row && strcmp((const char *)sqlite3_column_text(q, 0), "ok") == 0;
    sqlite3_finalize(q);
    if (sound) st = hist__db_number(db, count[kind], out, err);
    hist__db_close(db);
    return st == PT_ECORRUPT || st == PT_ENOTFOUND ? PT_OK : st;
}

static pt_status without_wal(const char *path, pt_error *err)
{
    static const char *const suffix[] = { "-wal", "-shm" };
    for (size_t i = 0; i < 2; i++) {
        char name[1100];
        snprintf(name, sizeof name, "%s%s", path, suffix[i]);
        if (unlink(name) != 0 && errno != ENOENT) return pt_fail_errno(err, errno, name);
    }
    return PT_OK;
}

/* What SQLite can read of the -wal goes into the file and the rest is gone, so that the next start does not find it again. Unless the file
 * is farther without: its frames may all have been taken over long ago, and those before the damaged one are older than the rest. `copy` is
 * of the -wal; NULL: there is none. */
static pt_status bring_home(const char *path, const char *wal, const char *copy, hist__file kind, pt_error *err)
{
    sqlite3 *db = NULL;
    int64_t with = -1, without = -1;
    pt_status st = how_far(path, kind, &with, err);
    if (st == PT_OK && copy) st = without_wal(path, err);
    if (st == PT_OK && copy) st = how_far(path, kind, &without, err);
    if (st == PT_OK && copy && without < with && (st = without_wal(path, err)) == PT_OK) st = copy_file(copy, wal, err);
    if (st != PT_OK || with < 0) return st; /* what is unsound still is said by whoever opens it */
    st = hist__db_open(path, kind, false, &db, err);
    if (st == PT_OK) st = hist__db_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", err);
    hist__db_close(db);
    return st;
}

pt_status hist__wal_keep(const char *database, hist__file kind, const pt_log *log, pt_error *err)
{
    hist__wal w;
    char from[1100], to[1200];
    pt_error why = { 0 };
    pt_status st = hist__wal_look(database, &w, err);
    if (st != PT_OK || w.commits == 0) return st;
    snprintf(from, sizeof from, "%s-wal", database);
    unsigned n = 0;
    do
        snprintf(to, sizeof to, "%s.damaged-%u", from, ++n);
    while (access(to, F_OK) == 0);
    pt_logf(log, PT_LOG_ERROR, "HIST-DAMAGED-WAL",
            "%s is damaged at frame %llu: up to %llu commits from there on can't be read. It is kept as %s", from,
            (unsigned long long)w.frame, (unsigned long long)w.commits, to);
    st = copy_file(from, to, &why);
    if (st == PT_ENOSPC) pt_logf(log, PT_LOG_ERROR, "HIST-DAMAGED-WAL", "it could not be kept: %s", why.text); /* recording goes on */
    else if (st != PT_OK) return pt_fail(err, st, "%s", why.text);
    return bring_home(database, from, st == PT_OK ? to : NULL, kind, err);
}
