/* edge-node/spool_file.c -- see spool_file.h. */
#include "edge-node/spool_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA_VERSION 3

enum {
    Q_NAME_FIND,
    Q_NAME_ADD,
    Q_INSERT,
    Q_NEXT,
    Q_SENT,
    Q_LOST,
    Q_BACKFILL,
    Q_SUMS,
    Q_FIRST_WAITING,
    Q_MARK,
    Q_OWN,
    Q_AGED,
    Q_EXPIRE_SUM,
    Q_EXPIRE,
    Q_EXPIRE_MARKS,
    Q_OLDEST_DELIVERED,
    Q_OLDEST_WAITING,
    Q_DELETE,
    Q_COUNT
};
_Static_assert(Q_COUNT == EDGE__SPOOL_QUERIES, "one statement each");

static const char *const queries[Q_COUNT] = {
    [Q_NAME_FIND] = "SELECT number FROM name WHERE device = ?1 AND metric = ?2",
    [Q_NAME_ADD] = "INSERT INTO name(device, metric) VALUES(?1, ?2)",
    [Q_INSERT] = "INSERT INTO batch(first_ms, last_ms, samples, state, sent_ms, bytes, data) VALUES(?1, ?2, ?3, ?4, ?5, LENGTH(?6), ?6)",
    [Q_NEXT] = "SELECT id, samples, data FROM batch INDEXED BY batch_waiting WHERE state = 0 AND id > ?1 ORDER BY id LIMIT 1",
    [Q_SENT] = "UPDATE batch SET state = 1, sent_ms = ?2 WHERE id = ?1",
    [Q_LOST] = "UPDATE batch SET state = 0 WHERE state = 1 AND sent_ms >= ?1",
    [Q_BACKFILL] = "UPDATE batch INDEXED BY batch_age SET state = 0 WHERE state = 1 AND last_ms >= ?1",
    /* NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one text in two lines */
    [Q_SUMS] = "SELECT COALESCE(SUM(samples), 0), COALESCE(SUM(bytes), 0), COALESCE(SUM(CASE state WHEN 0 THEN samples ELSE 0 END), 0), "
               "COALESCE(MAX(last_ms), -1) FROM batch INDEXED BY batch_age",
    [Q_FIRST_WAITING] = "SELECT first_ms FROM batch INDEXED BY batch_waiting WHERE state = 0 ORDER BY id LIMIT 1",
    [Q_MARK] = "INSERT OR IGNORE INTO mark(batch, own_ms) SELECT COALESCE(MAX(id), 0), ?1 FROM batch",
    [Q_OWN] = "INSERT OR REPLACE INTO meta VALUES('own_ms', ?1)",
    [Q_AGED] = "SELECT COALESCE(MAX(batch), 0) FROM mark WHERE own_ms <= ?1",
    [Q_EXPIRE_SUM] =
        "SELECT COALESCE(SUM(samples), 0), COALESCE(SUM(bytes), 0), COALESCE(SUM(CASE state WHEN 0 THEN samples ELSE 0 END), 0) "
        "FROM batch WHERE id <= ?1",
    [Q_EXPIRE] = "DELETE FROM batch WHERE id <= ?1",
    [Q_EXPIRE_MARKS] = "DELETE FROM mark WHERE batch <= ?1",
    [Q_OLDEST_DELIVERED] = "SELECT id, samples, bytes FROM batch INDEXED BY batch_delivered WHERE state = 1 ORDER BY id LIMIT 1",
    [Q_OLDEST_WAITING] = "SELECT id, samples, bytes FROM batch INDEXED BY batch_waiting WHERE state = 0 ORDER BY id LIMIT 1",
    [Q_DELETE] = "DELETE FROM batch WHERE id = ?1",
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS name(number INTEGER PRIMARY KEY, device TEXT NOT NULL, metric TEXT NOT NULL, UNIQUE(device, metric));"
    "CREATE TABLE IF NOT EXISTS batch(id INTEGER PRIMARY KEY AUTOINCREMENT, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,"
    " samples INTEGER NOT NULL, state INTEGER NOT NULL, sent_ms INTEGER NOT NULL, bytes INTEGER NOT NULL, data BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS batch_waiting ON batch(id) WHERE state = 0;"
    "CREATE INDEX IF NOT EXISTS batch_delivered ON batch(id) WHERE state = 1;"
    "CREATE INDEX IF NOT EXISTS batch_sent ON batch(sent_ms) WHERE state = 1;"
    "CREATE INDEX IF NOT EXISTS batch_age ON batch(last_ms, state, samples, bytes);"       /* figures without touching the data */
    "CREATE TABLE IF NOT EXISTS mark(batch INTEGER PRIMARY KEY, own_ms INTEGER NOT NULL);" /* these batches were there then */
    "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL);";

static pt_status status_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return PT_OK;
    case SQLITE_FULL: return PT_ENOSPC;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN: return PT_EREADONLY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return PT_EBUSY;
    case SQLITE_NOMEM: return PT_ENOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return PT_ECORRUPT;
    default: return PT_EIO;
    }
}

static pt_status db_fail(edge__spool_file *f, int rc, const char *doing, pt_error *err)
{
    return pt_fail(err, status_of(rc), "%s: %s: %s", f->path, doing, f->db ? sqlite3_errmsg(f->db) : "out of memory");
}

static pt_status run_sql(edge__spool_file *f, const char *sql, pt_error *err)
{
    int rc = sqlite3_exec(f->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? PT_OK : db_fail(f, rc, sql, err);
}

/* Run a statement with `n` integers bound; its one row, if it gives one, goes to `columns`. PT_ENOTFOUND: it was to give one and did not.
 */
static pt_status run_q(edge__spool_file *f, int query, int n, int64_t a, int64_t b, int64_t *columns, int n_columns, pt_error *err)
{
    sqlite3_stmt *q = f->q[query];
    int rc = n > 0 ? sqlite3_bind_int64(q, 1, a) : SQLITE_OK;
    if (rc == SQLITE_OK && n > 1) rc = sqlite3_bind_int64(q, 2, b);
    if (rc == SQLITE_OK) rc = sqlite3_step(q);
    pt_status st = rc == SQLITE_ROW ? PT_OK : rc != SQLITE_DONE ? db_fail(f, rc, queries[query], err) : n_columns ? PT_ENOTFOUND : PT_OK;
    for (int i = 0; st == PT_OK && i < n_columns; i++)
        columns[i] = sqlite3_column_int64(q, i);
    int again = sqlite3_reset(q);
    return st == PT_OK && again != SQLITE_OK ? db_fail(f, again, queries[query], err) : st;
}

static pt_status change(edge__spool_file *f, int query, int n, int64_t a, int64_t b, pt_error *err)
{
    return run_q(f, query, n, a, b, NULL, 0, err);
}

/* --- opening, closing --- */

static pt_status read_int(edge__spool_file *f, const char *sql, int64_t *out, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(f->db, sql, -1, &q, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_step(q);
    pt_status st = rc == SQLITE_ROW ? PT_OK : rc == SQLITE_DONE ? PT_ENOTFOUND : db_fail(f, rc, sql, err);
    if (st == PT_OK) *out = sqlite3_column_int64(q, 0);
    rc = sqlite3_finalize(q);
    return st == PT_OK && rc != SQLITE_OK ? db_fail(f, rc, sql, err) : st;
}

static pt_status prepare_all(edge__spool_file *f, pt_error *err)
{
    for (int i = 0; i < Q_COUNT; i++) {
        int rc = sqlite3_prepare_v3(f->db, queries[i], -1, SQLITE_PREPARE_PERSISTENT, &f->q[i], NULL);
        if (rc != SQLITE_OK) return db_fail(f, rc, queries[i], err);
    }
    return PT_OK;
}

/* own_ms of the file; sent_ms may be a little newer when the last run was killed. */
static pt_status read_own_time(edge__spool_file *f, int64_t *newest_sent, pt_error *err)
{
    int64_t kept = 0;
    pt_status st = read_int(f, "SELECT value FROM meta WHERE key = 'own_ms'", &kept, err);
    if (st != PT_OK && st != PT_ENOTFOUND) return st;
    if ((st = read_int(f, "SELECT COALESCE(MAX(sent_ms), -1) FROM batch WHERE state = 1", newest_sent, err)) != PT_OK) return st;
    f->own_ms = kept > *newest_sent ? kept : *newest_sent;
    if (f->own_ms < 0) f->own_ms = 0;
    return PT_OK;
}

static pt_status set_up(edge__spool_file *f, int64_t window_ms, pt_error *err)
{
    int64_t version = 0, clean = 0, newest = -1;
    pt_status st =
        run_sql(f, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -1024; PRAGMA wal_autocheckpoint = 500;",
                err);
    if (st == PT_OK) st = read_int(f, "PRAGMA user_version", &version, err);
    if (st == PT_OK && version == 1) /* before the first release */
        st = run_sql(f,
                     "BEGIN; ALTER TABLE batch ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0; UPDATE batch SET bytes = LENGTH(data); COMMIT",
                     err);
    else if (st == PT_OK && version != 0 && version != 2 &&
             version != SCHEMA_VERSION) /* 2: times of sending by the wall clock, which own time goes on from */
        return pt_fail(err, PT_ECORRUPT, "%s: version %lld, this program knows %d", f->path, (long long)version, SCHEMA_VERSION);
    if (st == PT_OK) st = run_sql(f, schema, err);
    if (st == PT_OK && version != SCHEMA_VERSION) st = run_sql(f, "PRAGMA user_version = 3", err);
    if (st == PT_OK) st = prepare_all(f, err);
    if (st == PT_OK) st = read_int(f, "SELECT value FROM meta WHERE key = 'clean'", &clean, err);
    if (st != PT_OK && st != PT_ENOTFOUND) return st;
    if ((st = read_own_time(f, &newest, err)) != PT_OK) return st;
    if (!clean && newest >= 0) /* killed: what was sent at last may not have arrived */
        if ((st = edge__spool_file_lost(f, newest - window_ms, err)) != PT_OK) return st;
    return run_sql(f, "INSERT OR REPLACE INTO meta VALUES('clean', 0)", err);
}

pt_status edge__spool_file_open(edge__spool_file *f, const char *dir, int64_t window_ms, pt_error *err)
{
    memset(f, 0, sizeof *f);
    if (snprintf(f->path, sizeof f->path, "%s/spool.db", dir) >= (int)sizeof f->path)
        return pt_fail(err, PT_ETOOBIG, "spool directory too long");
    int rc = sqlite3_open_v2(f->path, &f->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    pt_status st = rc == SQLITE_OK ? set_up(f, window_ms, err) : db_fail(f, rc, "open", err);
    if (st == PT_OK) return PT_OK;
    pt_status close = edge__spool_file_close(f);
    (void)close; /* why it did not open is what counts */
    return st;
}

pt_status edge__spool_file_clean(edge__spool_file *f, pt_error *err)
{
    return run_sql(f, "INSERT OR REPLACE INTO meta VALUES('clean', 1)", err);
}

pt_status edge__spool_file_close(edge__spool_file *f)
{
    for (int i = 0; i < Q_COUNT; i++) {
        sqlite3_finalize(f->q[i]); /* says only what its last step said */
        f->q[i] = NULL;
    }
    int rc = f->db ? sqlite3_close(f->db) : SQLITE_OK;
    if (rc == SQLITE_OK) f->db = NULL;
    return status_of(rc);
}

/* --- transactions --- */

pt_status edge__spool_file_begin(edge__spool_file *f, pt_error *err)
{
    return run_sql(f, "BEGIN IMMEDIATE", err);
}

pt_status edge__spool_file_commit(edge__spool_file *f, pt_error *err)
{
    return run_sql(f, "COMMIT", err);
}

void edge__spool_file_rollback(edge__spool_file *f)
{
    if (sqlite3_get_autocommit(f->db)) return; /* SQLite has done it itself */
    pt_status undo = run_sql(f, "ROLLBACK", NULL);
    (void)undo; /* the reason for it is known already */
}

/* --- names --- */

static int bind_name(sqlite3_stmt *q, pt_slice device, pt_slice metric)
{
    int rc = sqlite3_bind_text(q, 1, device.ptr ? device.ptr : "", (int)device.len, SQLITE_STATIC);
    return rc == SQLITE_OK ? sqlite3_bind_text(q, 2, metric.ptr, (int)metric.len, SQLITE_STATIC) : rc;
}

static pt_status find_number(edge__spool_file *f, pt_slice device, pt_slice metric, uint32_t *number)
{
    sqlite3_stmt *q = f->q[Q_NAME_FIND];
    int rc = bind_name(q, device, metric);
    if (rc == SQLITE_OK) rc = sqlite3_step(q);
    int64_t found = rc == SQLITE_ROW ? sqlite3_column_int64(q, 0) : 0;
    int again = sqlite3_reset(q);
    if (rc != SQLITE_ROW) return rc == SQLITE_DONE && again == SQLITE_OK ? PT_ENOTFOUND : status_of(rc);
    if (found <= 0 || found > INT32_MAX) return PT_ECORRUPT;
    *number = (uint32_t)found;
    return PT_OK;
}

pt_status edge__spool_file_number(edge__spool_file *f, pt_slice device, pt_slice metric, uint32_t *number)
{
    pt_status st = find_number(f, device, metric, number);
    if (st != PT_ENOTFOUND) return st;
    sqlite3_stmt *q = f->q[Q_NAME_ADD];
    int rc = bind_name(q, device, metric);
    if (rc == SQLITE_OK) rc = sqlite3_step(q);
    int again = sqlite3_reset(q);
    if (rc != SQLITE_DONE || again != SQLITE_OK) return status_of(rc == SQLITE_DONE ? again : rc);
    int64_t id = sqlite3_last_insert_rowid(f->db);
    if (id <= 0 || id > INT32_MAX) return PT_EFULL;
    *number = (uint32_t)id;
    return PT_OK;
}

/* --- batches --- */

pt_status edge__spool_file_add(edge__spool_file *f, const edge__spool_batch *b, pt_error *err)
{
    sqlite3_stmt *q = f->q[Q_INSERT];
    const int64_t numbers[] = { b->first_ms, b->last_ms, b->samples, b->delivered, b->delivered ? b->sent_ms : 0 };
    int rc = SQLITE_OK;
    for (int i = 0; rc == SQLITE_OK && i < 5; i++)
        rc = sqlite3_bind_int64(q, i + 1, numbers[i]);
    if (rc == SQLITE_OK) rc = sqlite3_bind_blob(q, 6, b->data.ptr, (int)b->data.len, SQLITE_STATIC);
    if (rc == SQLITE_OK) rc = sqlite3_step(q);
    pt_status st = rc == SQLITE_DONE ? PT_OK : db_fail(f, rc, "insert", err);
    int again = sqlite3_reset(q), clear = sqlite3_clear_bindings(q); /* the bytes go away */
    return st == PT_OK && (again != SQLITE_OK || clear != SQLITE_OK) ? db_fail(f, again ? again : clear, "insert", err) : st;
}

pt_status edge__spool_file_sent(edge__spool_file *f, int64_t id, int64_t own_ms, pt_error *err)
{
    return change(f, Q_SENT, 2, id, own_ms, err);
}

pt_status edge__spool_file_lost(edge__spool_file *f, int64_t since_own_ms, pt_error *err)
{
    return change(f, Q_LOST, 1, since_own_ms, 0, err);
}

pt_status edge__spool_file_backfill(edge__spool_file *f, int64_t from_ms, pt_error *err)
{
    return change(f, Q_BACKFILL, 1, from_ms, 0, err);
}

pt_status edge__spool_file_next(edge__spool_file *f, int64_t after_id, edge__spool_batch *out, pt_error *err)
{
    sqlite3_stmt *q = f->q[Q_NEXT];
    int rc = sqlite3_bind_int64(q, 1, after_id);
    if (rc == SQLITE_OK) rc = sqlite3_step(q);
    pt_status st = rc == SQLITE_ROW ? PT_OK : rc == SQLITE_DONE ? PT_ENOTFOUND : db_fail(f, rc, "read", err);
    if (st == PT_OK) {
        int len = sqlite3_column_bytes(q, 2);
        const void *data = sqlite3_column_blob(q, 2);
        size_t n = len > 0 && data ? (size_t)len : 0;
        char *copy = malloc(n + 1u);
        *out = (edge__spool_batch){ .id = sqlite3_column_int64(q, 0),
                                    .samples = (uint32_t)sqlite3_column_int64(q, 1),
                                    .data = pt_slice_of(copy, n) };
        if (copy && n) memcpy(copy, data, n);
        if (!copy || (len > 0 && !data)) {
            free(copy);
            st = pt_fail(err, PT_ENOMEM, "%s: out of memory", f->path);
        }
    }
    rc = sqlite3_reset(q);
    if (st != PT_OK || rc == SQLITE_OK) return st;
    free((char *)(uintptr_t)out->data.ptr);
    return db_fail(f, rc, "read", err);
}

pt_status edge__spool_file_sums(edge__spool_file *f, edge__spool_sums *out, pt_error *err)
{
    int64_t c[4];
    pt_status st = run_q(f, Q_SUMS, 0, 0, 0, c, 4, err);
    if (st == PT_OK) *out = (edge__spool_sums){ (uint64_t)c[0], (uint64_t)c[1], (uint64_t)c[2], c[3] };
    return st;
}

pt_status edge__spool_file_first_waiting(edge__spool_file *f, int64_t *first_ms, pt_error *err)
{
    pt_status st = run_q(f, Q_FIRST_WAITING, 0, 0, 0, first_ms, 1, err);
    if (st != PT_ENOTFOUND) return st;
    *first_ms = -1;
    return PT_OK;
}

/* --- retention --- */

pt_status edge__spool_file_expire(edge__spool_file *f, int64_t own_ms, int64_t max_age_ms, edge__spool_sums *gone, pt_error *err)
{
    int64_t last = 0, c[3];
    pt_status st = change(f, Q_MARK, 1, own_ms, 0, err);
    if (st == PT_OK) st = change(f, Q_OWN, 1, own_ms, 0, err);
    if (st == PT_OK) st = run_q(f, Q_AGED, 1, own_ms - max_age_ms, 0, &last, 1, err);
    if (st != PT_OK || last == 0) return st;
    st = run_q(f, Q_EXPIRE_SUM, 1, last, 0, c, 3, err);
    if (st == PT_OK) st = change(f, Q_EXPIRE, 1, last, 0, err);
    if (st == PT_OK) st = change(f, Q_EXPIRE_MARKS, 1, last, 0, err);
    if (st != PT_OK) return st;
    gone->samples += (uint64_t)c[0];
    gone->bytes += (uint64_t)c[1];
    gone->pending += (uint64_t)c[2];
    return PT_OK;
}

pt_status edge__spool_file_drop_oldest(edge__spool_file *f, bool delivered, edge__spool_sums *gone, pt_error *err)
{
    int64_t c[3];
    pt_status st = run_q(f, delivered ? Q_OLDEST_DELIVERED : Q_OLDEST_WAITING, 0, 0, 0, c, 3, err);
    if (st == PT_OK) st = change(f, Q_DELETE, 1, c[0], 0, err);
    if (st != PT_OK) return st;
    gone->samples += (uint64_t)c[1];
    gone->bytes += (uint64_t)c[2];
    gone->pending += delivered ? 0 : (uint64_t)c[1];
    return PT_OK;
}
