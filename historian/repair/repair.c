/* historian/repair/repair.c -- rebuild a damaged file from what can still be read of it.
 *
 * A new file is built beside the old one, every readable block goes into it row by row through the ordinary sealing code, then it takes the
 * old one's name; the old one is kept as NAME.damaged-N. Blocks and journal rows that can't be decoded are carried over in the table
 * `damaged`. */
#include "base/file.h"
#include "base/assert.h"
#include "historian/repair/verify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- names ---------------------------------------------------------------------------------------------------- */

static pt_status remove_set(const char *path, pt_error *err)
{
    static const char *const suffix[] = { "", "-wal", "-shm" };
    for (size_t i = 0; i < PT_COUNT_OF(suffix); i++) {
        char name[1100];
        snprintf(name, sizeof name, "%s%s", path, suffix[i]);
        if (unlink(name) != 0 && errno != ENOENT) return pt_fail_errno(err, errno, name);
    }
    return PT_OK;
}

static pt_status os_fail(const char *name, pt_error *err)
{
    return pt_fail_errno(err, errno, name);
}

static pt_status sync_dir_of(const char *path, pt_error *err)
{
    char dir[1100];
    const char *slash = strrchr(path, '/');
    if (!slash) return pt_folder_sync(".", err);
    snprintf(dir, sizeof dir, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    return pt_folder_sync(dir, err);
}

/* The old file steps aside for the new one. At every moment a file of that name is there, whole: the old one gets its second name first.
 * Both were closed, so neither has a -wal that matters, unless the old one's could not be brought to its end. */
static pt_status swap_files(const char *path, const char *fresh, pt_error *err)
{
    char aside[1100], wal[1200], aside_wal[1200], shm[1200];
    for (unsigned n = 1;; n++) {
        snprintf(aside, sizeof aside, "%s.damaged-%u", path, n);
        if (access(aside, F_OK) != 0) break;
    }
    snprintf(wal, sizeof wal, "%s-wal", path);
    snprintf(aside_wal, sizeof aside_wal, "%s-wal", aside);
    snprintf(shm, sizeof shm, "%s-shm", path);
    /* A file system without second names: then there is a moment without the file. */
    if (link(path, aside) != 0 && rename(path, aside) != 0) return os_fail(path, err);
    if (rename(wal, aside_wal) != 0 && errno != ENOENT) return os_fail(wal, err);
    if (unlink(shm) != 0 && errno != ENOENT) return os_fail(shm, err);
    if (rename(fresh, path) != 0) return os_fail(fresh, err);
    return sync_dir_of(path, err);
}

/* The damaged file as it is, without looking at its pages' checksums: blocks and journal rows have their own, and a page with one wrong
 * byte holds much that is right. It may not even be a database; then nothing can be read from it. */
static pt_status open_as_it_is(const char *path, sqlite3 **out, pt_error *err)
{
    return sqlite3_open_v2(path, out, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_NOMEM
               ? pt_fail(err, PT_ENOMEM, "out of memory")
               : PT_OK;
}

bool hist__repair_is_ours(const char *path, hist__file kind)
{
    static const char *const rows[] = { [HIST__CATALOG] = "SELECT count(*) FROM tag",
                                        [HIST__JOURNAL] = "SELECT count(*) FROM journal",
                                        [HIST__PARTITION] = "SELECT count(*) FROM data" };
    sqlite3 *db = NULL;
    int64_t application = 0, n = -1;
    bool ours = open_as_it_is(path, &db, NULL) == PT_OK && hist__db_number(db, "PRAGMA application_id", &application, NULL) == PT_OK &&
                application == hist__application(kind) && hist__db_number(db, rows[kind], &n, NULL) == PT_OK;
    hist__db_close(db);
    return ours && n >= 0;
}

/* ---- reading what is left -------------------------------------------------------------------------------------- */

/* Every row of a table with an integer key, in ascending order, stepping over pages SQLite can't read. Column 0 is the key, the table's own
 * columns follow by their place: their names may be what is damaged. */
typedef pt_status (*row_fn)(void *ctx, sqlite3_stmt *q);

static bool readable_behind(sqlite3_stmt *q, int64_t key)
{
    sqlite3_bind_int64(q, 1, key);
    int rc = sqlite3_step(q);
    sqlite3_reset(q);
    return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

/* To the lowest key behind *at from which rows can be read again: in growing steps until some can, and back to where that begins. */
static bool step_over(sqlite3_stmt *q, int64_t *at, int64_t last)
{
    int64_t bad = *at < 0 ? 0 : *at, good = bad, step = 1;
    if (readable_behind(q, bad) && bad > *at) return *at = bad, true;
    for (;; step *= 2) {
        if (good >= last) return false;
        good = last - good > step ? good + step : last;
        if (readable_behind(q, good)) break;
        bad = good;
    }
    while (good - bad > 1) {
        int64_t middle = bad + (good - bad) / 2;
        if (readable_behind(q, middle)) good = middle;
        else bad = middle;
    }
    *at = good;
    return true;
}

static pt_status each_row(sqlite3 *db, const char *table, row_fn each, void *ctx, bool *skipped)
{
    char sql[200];
    sqlite3_stmt *q = NULL, *max = NULL;
    int64_t last = 0, at = INT64_MIN;
    snprintf(sql, sizeof sql, "SELECT max(rowid) FROM %s", table);
    if (sqlite3_prepare_v2(db, sql, -1, &max, NULL) == SQLITE_OK && sqlite3_step(max) == SQLITE_ROW) last = sqlite3_column_int64(max, 0);
    else last = INT64_C(1) << 32; /* unknown: steps grow, so this ends soon */
    sqlite3_finalize(max);
    snprintf(sql, sizeof sql, "SELECT rowid, * FROM %s WHERE rowid > ?1 ORDER BY rowid", table);
    pt_status st = PT_OK;
    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK) return PT_OK; /* nothing to be had */
    while (st == PT_OK) {
        sqlite3_bind_int64(q, 1, at);
        int rc;
        while (st == PT_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
            at = sqlite3_column_int64(q, 0);
            st = each(ctx, q);
        }
        sqlite3_reset(q);
        if (st != PT_OK || rc == SQLITE_DONE) break;
        if ((rc & 0xff) == SQLITE_NOMEM) st = PT_ENOMEM;
        else *skipped = true;
        if (st == PT_OK && !step_over(q, &at, last)) break;
    }
    sqlite3_finalize(q);
    return st;
}

typedef struct found { /* a readable block: whose, and in which order it was written */
    uint32_t tag_id;
    int64_t id;
} found;

typedef struct salvage {
    hist__check *c;
    found *list;
    size_t n, cap;
    sqlite3 *to; /* for `damaged` */
    sqlite3_stmt *aside;
    uint64_t lost;
    pt_error *err;
} salvage;

static pt_status put_aside(salvage *s, const char *why, const void *bytes, size_t len)
{
    sqlite3_bind_text(s->aside, 1, why, -1, SQLITE_TRANSIENT);
    if (sqlite3_bind_blob64(s->aside, 2, bytes, len, SQLITE_STATIC) != SQLITE_OK) return hist__db_fail(s->to, s->err, "bind");
    s->lost++;
    return hist__db_run(s->to, s->aside, s->err);
}

static pt_status look_at_block(void *ctx, sqlite3_stmt *q)
{
    salvage *s = ctx;
    pt_error why = { 0 };
    uint32_t tag = 0;
    const void *bytes = sqlite3_column_blob(q, 2);
    size_t len = (size_t)sqlite3_column_bytes(q, 2);
    hist__rows_reset(&s->c->rows);
    pt_status st = hist__block_decode(s->c->codec, bytes ? bytes : "", len, &tag, &s->c->rows, &why);
    if (st == PT_ENOMEM) return st;
    if (st != PT_OK || tag == 0) return put_aside(s, why.text, bytes ? bytes : "", len);
    hist__refers_to(s->c, tag);
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 1024;
        found *list = realloc(s->list, cap * sizeof *list);
        if (!list) return PT_ENOMEM;
        s->list = list;
        s->cap = cap;
    }
    s->list[s->n++] = (found){ .tag_id = tag, .id = sqlite3_column_int64(q, 0) };
    return PT_OK;
}

static int by_tag(const void *a, const void *b)
{
    const found *x = a, *y = b;
    if (x->tag_id != y->tag_id) return x->tag_id < y->tag_id ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* All readable rows of one tag, newest data winning, into the new file. Rows of another week (a wrong index can't do that, a wrong file
 * can) are left with the block in `damaged`. */
static pt_status rewrite_tag(hist *h, hist__check *c, sqlite3 *from, hist__part *to, const found *list, size_t n, pt_error *err)
{
    sqlite3_stmt *get = NULL;
    pt_status st = hist__db_prepare(from, "SELECT rowid, * FROM data WHERE rowid=?1", &get, err);
    hist__rows_reset(&c->rows);
    for (size_t i = 0; st == PT_OK && i < n; i++) {
        sqlite3_bind_int64(get, 1, list[i].id);
        if (sqlite3_step(get) == SQLITE_ROW)
            st = hist__block_decode(c->codec, sqlite3_column_blob(get, 2), (size_t)sqlite3_column_bytes(get, 2), NULL, &c->rows, err);
        sqlite3_reset(get);
    }
    sqlite3_finalize(get);
    if (st == PT_OK) st = hist__rows_sort(&c->rows);
    if (st != PT_OK) return st;
    size_t lo = 0, hi = c->rows.n;
    int64_t end = hist__partition_end(to->start_ms);
    while (lo < hi && c->rows.s[lo].time_ms < to->start_ms)
        lo++;
    while (hi > lo && end != INT64_MAX && c->rows.s[hi - 1].time_ms >= end)
        hi--;
    if (lo == hi) return PT_OK;
    hist__delta d = { 0 };
    uint32_t tail = 0;
    st = hist__part_insert_rows(h, to, list[0].tag_id, c->rows.s + lo, hi - lo, c->rows.deviation, &d, &tail, err);
    return st == PT_OK ? hist__part_add_stat(to, list[0].tag_id, c->rows.s + lo, hi - lo, &d, err) : st;
}

static pt_status copy_aside(void *ctx, sqlite3_stmt *q)
{
    salvage *s = ctx;
    const char *why = (const char *)sqlite3_column_text(q, 5); /* id, tag_id, t0, t1, reason, data */
    s->lost--;                                                 /* counted when it was first put aside */
    const void *bytes = sqlite3_column_blob(q, 6);
    return put_aside(s, why ? why : "", bytes ? bytes : "", (size_t)sqlite3_column_bytes(q, 6));
}

typedef struct table_copy {
    sqlite3 *to;
    sqlite3_stmt *put;
    int columns;
    uint64_t rows;
    pt_error *err;
} table_copy;

/* The row as it is, column 0 (the id once more) aside. */
static pt_status copy_row(void *ctx, sqlite3_stmt *q)
{
    table_copy *k = ctx;
    for (int i = 0; i < k->columns; i++) {
        if (sqlite3_bind_value(k->put, i + 1, sqlite3_column_value(q, i + 1)) != SQLITE_OK) return hist__db_fail(k->to, k->err, "bind");
    }
    pt_status st = hist__db_run(k->to, k->put, k->err);
    k->rows += st == PT_OK;
    return st;
}

/* Whatever rows of the table can be read. */
static pt_status copy_table(sqlite3 *from, sqlite3 *to, const char *table, const char *insert, int n, uint64_t *rows, pt_error *err)
{
    bool ignored = false; /* what is missing from a damaged table can't be told */
    table_copy k = { .to = to, .columns = n, .err = err };
    pt_status st = hist__db_prepare(to, insert, &k.put, err);
    if (st == PT_OK) st = each_row(from, table, copy_row, &k, &ignored);
    sqlite3_finalize(k.put);
    *rows = k.rows;
    return st;
}

pt_status hist__repair_partition(hist__check *c, hist *h, int64_t start_ms, pt_error *err)
{
    char name[60];
    hist__partition_name(start_ms, name);
    char *path = hist__path(h, name);
    pt_assert(strlen(name) + sizeof ".new" <= sizeof name);
    memcpy(name + strlen(name), ".new", sizeof ".new");
    char *fresh = hist__path(h, name);
    sqlite3 *from = NULL;
    hist__part *to = NULL;
    salvage s = { .c = c, .err = err };
    pt_status st = path && fresh && strlen(path) < 1000 ? remove_set(fresh, err) : pt_fail(err, PT_ENOMEM, "out of memory");
    if (st == PT_OK) st = open_as_it_is(path, &from, err); /* nothing readable in it leaves an empty partition */
    if (st == PT_OK) st = hist__part_open(h, fresh, start_ms, &to, err);
    if (st == PT_OK) st = hist__db_exec(to->db, "BEGIN IMMEDIATE", err);
    s.to = to ? to->db : NULL;
    if (st == PT_OK) st = hist__db_prepare(to->db, "INSERT INTO damaged(reason, data) VALUES(?1, ?2)", &s.aside, err);
    if (st == PT_OK) st = each_row(from, "data", look_at_block, &s, &c->skipped);
    if (st == PT_OK) st = each_row(from, "damaged", copy_aside, &s, &c->skipped);
    uint64_t ignored_rows = 0;
    if (st == PT_OK) st = copy_table(from, to->db, "left_out", "INSERT OR IGNORE INTO left_out VALUES(?1,?2,?3)", 3, &ignored_rows, err);
    if (st == PT_OK && s.n) qsort(s.list, s.n, sizeof *s.list, by_tag);
    for (size_t at = 0; st == PT_OK && at < s.n;) {
        size_t end = at + 1;
        while (end < s.n && s.list[end].tag_id == s.list[at].tag_id)
            end++;
        st = rewrite_tag(h, c, from, to, s.list + at, end - at, err);
        at = end;
    }
    sqlite3_finalize(s.aside);
    if (st == PT_OK) st = hist__db_exec(to->db, "COMMIT", err);
    hist__part_close(to);
    hist__db_close(from);
    if (st == PT_OK) st = swap_files(path, fresh, err);
    if (st == PT_OK) {
        c->report->repaired++;
        c->report->lost_blocks += s.lost;
    } else if (fresh) {
        pt_error ignored;
        if (remove_set(fresh, &ignored) != PT_OK) pt_logf(h->log, PT_LOG_WARN, "HIST-REPAIR", "%s", ignored.text);
    }
    free(s.list);
    free(path);
    free(fresh);
    return st == PT_ENOMEM ? pt_fail(err, st, "out of memory") : st;
}

/* ---- journal and catalogue ------------------------------------------------------------------------------------- */

typedef struct journal_copy {
    hist__check *c;
    sqlite3 *to;
    sqlite3_stmt *put, *aside;
    int64_t next_seq;
    pt_buf empty; /* a row without samples */
    pt_error *err;
} journal_copy;

static pt_status put_journal_row(journal_copy *j, sqlite3_stmt *to, int64_t id, int64_t seq, int64_t n, int64_t wall_ms, const void *bytes,
                                 size_t len)
{
    sqlite3_bind_int64(to, 1, id);
    sqlite3_bind_int64(to, 2, seq);
    sqlite3_bind_int64(to, 3, n);
    sqlite3_bind_int64(to, 4, wall_ms);
    if (sqlite3_bind_blob64(to, 5, bytes ? bytes : "", len, SQLITE_STATIC) != SQLITE_OK) return hist__db_fail(j->to, j->err, "bind");
    return hist__db_run(j->to, to, j->err);
}

/* A row that can't be read leaves an empty one in its place, so that neither its id nor the change numbers it had are given out again. */
static pt_status copy_journal_row(void *ctx, sqlite3_stmt *q)
{
    journal_copy *j = ctx;
    pt_error why = { 0 };
    int64_t id = sqlite3_column_int64(q, 0), seq = sqlite3_column_int64(q, 2), said = sqlite3_column_int64(q, 3),
            wall_ms = sqlite3_column_int64(q, 4);
    const void *bytes = sqlite3_column_blob(q, 5);
    size_t len = (size_t)sqlite3_column_bytes(q, 5);
    hist__rows_reset(&j->c->rows);
    pt_status st = hist__journal_decode(bytes ? bytes : "", len, &j->c->rows, &why);
    if (st == PT_ENOMEM) return st;
    if (seq < j->next_seq) seq = j->next_seq;
    for (size_t i = 0; st == PT_OK && i < j->c->rows.n; i++)
        hist__refers_to(j->c, j->c->rows.s[i].tag_id);
    if (st == PT_OK) {
        j->next_seq = seq + (int64_t)j->c->rows.n;
        return put_journal_row(j, j->put, id, seq, (int64_t)j->c->rows.n, wall_ms, bytes, len);
    }
    j->c->report->lost_journal_rows++;
    if (said > 0 && said <= HIST__CHUNK && seq < INT64_MAX / 2) j->next_seq = seq + said;
    pt_buf_reset(&j->empty);
    st = put_journal_row(j, j->aside, id, seq, said, wall_ms, bytes, len);
    if (st == PT_OK) st = hist__journal_encode(NULL, 0, &j->empty);
    return st == PT_OK ? put_journal_row(j, j->put, id, j->next_seq, 0, wall_ms, j->empty.ptr, j->empty.len) : st;
}

/* Rows of a damaged tree may have come in any order: change numbers go up with the ids all the same. */
static pt_status order_numbers(sqlite3 *db, pt_error *err)
{
    sqlite3_stmt *all = NULL, *put = NULL;
    int64_t next = 0;
    bool row = false;
    pt_status st = hist__db_prepare(db, "SELECT id, seq, n FROM journal ORDER BY id", &all, err);
    if (st == PT_OK) st = hist__db_prepare(db, "UPDATE journal SET seq=?2 WHERE id=?1", &put, err);
    while (st == PT_OK && (st = hist__db_step(db, all, &row, err)) == PT_OK && row) {
        int64_t seq = sqlite3_column_int64(all, 1);
        if (seq < next) {
            sqlite3_bind_int64(put, 1, sqlite3_column_int64(all, 0));
            sqlite3_bind_int64(put, 2, next);
            st = hist__db_run(db, put, err);
            seq = next;
        }
        next = seq + sqlite3_column_int64(all, 2);
    }
    sqlite3_finalize(all);
    sqlite3_finalize(put);
    return st;
}

/* Rows that were skipped may have had numbers beyond those that were found: none of them is given out again. */
static pt_status leave_gap(sqlite3 *db, pt_error *err)
{
    enum { GAP = 1000000 };
    char sql[300];
    pt_buf empty;
    sqlite3_stmt *put = NULL;
    pt_buf_init(&empty, 1000);
    snprintf(
        sql, sizeof sql,
        "INSERT INTO journal SELECT coalesce(max(id), 0) + %d, coalesce(max(seq + n), 1) + %d, 0, coalesce(max(wall_ms), 0), ?1 FROM journal",
        GAP, GAP);
    pt_status st = hist__journal_encode(NULL, 0, &empty);
    if (st == PT_OK) st = hist__db_prepare(db, sql, &put, err);
    if (st == PT_OK && sqlite3_bind_blob64(put, 1, empty.ptr, empty.len, SQLITE_STATIC) != SQLITE_OK) st = hist__db_fail(db, err, "bind");
    if (st == PT_OK) st = hist__db_run(db, put, err);
    sqlite3_finalize(put);
    pt_buf_fini(&empty);
    return st;
}

pt_status hist__repair_replay(hist *h, pt_error *err)
{
    char *path = hist__path(h, "journal.db");
    sqlite3 *db = NULL;
    pt_status st = path ? hist__db_open(path, HIST__JOURNAL, false, &db, err) : pt_fail(err, PT_ENOMEM, "out of memory");
    if (st == PT_OK) st = hist__db_exec(db, "UPDATE meta SET value=0 WHERE key='sealed_id'", err);
    hist__db_close(db);
    free(path);
    return st;
}

pt_status hist__repair_journal(hist__check *c, hist *h, pt_error *err)
{
    char *path = hist__path(h, "journal.db"), *fresh = hist__path(h, "journal.db.new");
    sqlite3 *from = NULL, *to = NULL;
    journal_copy j = { .c = c, .err = err };
    int64_t sealed = 0;
    pt_error ignored;
    pt_buf_init(&j.empty, 1000);
    pt_status st = path && fresh && strlen(path) < 1000 ? remove_set(fresh, err) : pt_fail(err, PT_ENOMEM, "out of memory");
    if (st == PT_OK) st = open_as_it_is(path, &from, err);
    if (st == PT_OK) st = hist__db_open(fresh, HIST__JOURNAL, false, &to, err);
    j.to = to;
    if (st == PT_OK)
        st =
            hist__db_exec(to, "BEGIN IMMEDIATE; " HIST__DROPPED_TABLE "CREATE TABLE damaged(id INTEGER PRIMARY KEY, seq, n, wall_ms, data)",
                          err);
    if (st == PT_OK) st = hist__db_prepare(to, "INSERT INTO journal VALUES(?1,?2,?3,?4,?5)", &j.put, err);
    if (st == PT_OK) st = hist__db_prepare(to, "INSERT OR REPLACE INTO damaged VALUES(?1,?2,?3,?4,?5)", &j.aside, err);
    bool skipped = false;
    if (st == PT_OK) st = each_row(from, "journal", copy_journal_row, &j, &skipped);
    if (st == PT_OK) st = order_numbers(to, err);
    if (st == PT_OK && skipped) st = leave_gap(to, err);
    c->skipped = c->skipped || skipped;
    uint64_t ignored_rows = 0;
    if (st == PT_OK) st = copy_table(from, to, "dropped", "INSERT OR IGNORE INTO dropped VALUES(?1,?2,?3)", 3, &ignored_rows, err);
    /* Without the mark every row is replayed: what is in blocks already is recognised. */
    if (st == PT_OK && hist__db_number(from, "SELECT value FROM meta WHERE key='sealed_id'", &sealed, &ignored) != PT_OK) sealed = 0;
    char sql[160];
    snprintf(sql, sizeof sql, "UPDATE meta SET value=%lld WHERE key='sealed_id'; COMMIT;", (long long)sealed);
    sqlite3_finalize(j.put);
    sqlite3_finalize(j.aside);
    pt_buf_fini(&j.empty);
    if (st == PT_OK) st = hist__db_exec(to, sql, err);
    hist__db_close(to);
    hist__db_close(from);
    if (st == PT_OK) st = swap_files(path, fresh, err);
    if (st == PT_OK) c->report->repaired++;
    free(path);
    free(fresh);
    return st == PT_ENOMEM ? pt_fail(err, st, "out of memory") : st;
}

/* tag_path and tag_meta have no number of their own: tag by tag, so that a damaged page costs only the tags on it. */
static pt_status copy_per_tag(sqlite3 *from, sqlite3 *to, const char *select, const char *insert, uint32_t tags, uint64_t *rows,
                              pt_error *err)
{
    table_copy k = { .to = to, .columns = 4, .err = err };
    sqlite3_stmt *q = NULL;
    pt_status st = hist__db_prepare(to, insert, &k.put, err);
    if (st == PT_OK && sqlite3_prepare_v2(from, select, -1, &q, NULL) == SQLITE_NOMEM) st = pt_fail(err, PT_ENOMEM, "out of memory");
    for (uint32_t id = 1; st == PT_OK && q && id <= tags && id > 0; id++) {
        sqlite3_bind_int64(q, 1, id);
        while (st == PT_OK && sqlite3_step(q) == SQLITE_ROW)
            st = copy_row(&k, q);
        sqlite3_reset(q);
    }
    sqlite3_finalize(q);
    sqlite3_finalize(k.put);
    *rows = k.rows;
    return st;
}

/* What was lost and follows from the rest: a tag with samples and no line gets a name that says so; every tag has one present path. */
static pt_status complete_catalog(sqlite3 *db, int64_t max_tag, int64_t generation, pt_error *err)
{
    char sql[1400];
    snprintf(
        sql, sizeof sql,
        "DELETE FROM tag WHERE tag_id < 1; UPDATE tag SET type=0 WHERE typeof(type) <> 'integer' OR type NOT BETWEEN 0 AND 34; DELETE FROM tag_path WHERE tag_id NOT IN (SELECT tag_id FROM tag); DELETE FROM tag_meta WHERE tag_id NOT IN (SELECT tag_id FROM tag);"
        "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id+1 FROM n WHERE id < %lld) INSERT OR IGNORE INTO tag SELECT id, 'recovered', '', '', '', 'tag-' || id, 'recovered/tag-' || id, 0, '', 0"
        " FROM n WHERE id <= %lld;"
        "UPDATE tag_path SET to_ms=from_ms WHERE to_ms IS NULL AND NOT EXISTS (SELECT 1 FROM tag WHERE tag.tag_id=tag_path.tag_id AND tag.path=tag_path.path);"
        "INSERT OR REPLACE INTO tag_path SELECT tag_id, created_ms, NULL, path FROM tag WHERE path<>'' AND NOT EXISTS (SELECT 1 FROM tag_path p WHERE p.tag_id=tag.tag_id AND p.to_ms IS NULL);"
        "UPDATE meta SET value=%lld WHERE key='tag_generation'; COMMIT;",
        (long long)max_tag, (long long)max_tag, (long long)generation + 1);
    return hist__db_exec(db, sql, err);
}

static pt_status copy_catalog(hist *h, sqlite3 *from, sqlite3 *to, int64_t max_tag, pt_error *err)
{
    uint64_t tags = 0, paths = 0, metas = 0, events = 0;
    int64_t generation = 0, highest = 0;
    pt_error ignored;
    pt_status st = hist__db_exec(to, "BEGIN IMMEDIATE", err);
    if (st == PT_OK) st = copy_table(from, to, "tag", "INSERT OR IGNORE INTO tag VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)", 10, &tags, err);
    if (st == PT_OK) st = copy_table(from, to, "event", "INSERT OR IGNORE INTO event VALUES(?1,?2,?3,?4,?5,?6,?7)", 7, &events, err);
    if (st == PT_OK) st = hist__db_number(to, "SELECT coalesce(max(tag_id), 0) FROM tag", &highest, err);
    if (highest < max_tag) highest = max_tag;
    if (highest > (int64_t)HIST__SEGMENT * HIST__SEGMENTS) highest = (int64_t)HIST__SEGMENT * HIST__SEGMENTS;
    if (st == PT_OK)
        st = copy_per_tag(from, to, "SELECT 0, tag_id, from_ms, to_ms, path FROM tag_path WHERE tag_id=?1 ORDER BY from_ms",
                          "INSERT OR IGNORE INTO tag_path VALUES(?1,?2,?3,?4)", (uint32_t)highest, &paths, err);
    if (st == PT_OK)
        st = copy_per_tag(from, to, "SELECT 0, tag_id, from_ms, type, unit FROM tag_meta WHERE tag_id=?1 ORDER BY from_ms",
                          "INSERT OR IGNORE INTO tag_meta VALUES(?1,?2,?3,?4)", (uint32_t)highest, &metas, err);
    if (st == PT_OK && hist__db_number(from, "SELECT value FROM meta WHERE key='tag_generation'", &generation, &ignored) != PT_OK)
        generation = 0;
    if (st == PT_OK) st = complete_catalog(to, highest, generation, err);
    if (st == PT_OK)
        pt_logf(h->log, PT_LOG_INFO, "HIST-REPAIR", "catalog.db: %llu tags, %llu paths and %llu events could be read",
                (unsigned long long)tags, (unsigned long long)paths, (unsigned long long)events);
    return st;
}

pt_status hist__repair_catalog(hist__check *c, hist *h, pt_error *err)
{
    char *path = hist__path(h, "catalog.db"), *fresh = hist__path(h, "catalog.db.new");
    sqlite3 *from = NULL, *to = NULL;
    pt_status st = path && fresh && strlen(path) < 1000 ? remove_set(fresh, err) : pt_fail(err, PT_ENOMEM, "out of memory");
    int64_t tables = 0;
    if (st == PT_OK) st = open_as_it_is(path, &from, err);
    if (st == PT_OK)
        st = hist__db_number(from, "SELECT count(*) FROM sqlite_master", &tables,
                             err); /* when not even that: names of tags are nowhere else, it must come from a backup */
    if (st == PT_OK) st = hist__db_open(fresh, HIST__CATALOG, false, &to, err);
    if (st == PT_OK) st = copy_catalog(h, from, to, c->max_tag, err);
    hist__db_close(from);
    hist__db_close(to);
    if (st == PT_OK) st = swap_files(path, fresh, err);
    if (st == PT_OK) c->report->repaired++;
    free(path);
    free(fresh);
    return st == PT_ENOMEM ? pt_fail(err, st, "out of memory") : st;
}
