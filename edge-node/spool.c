/* edge-node/spool.c -- see spool.h.
 *
 * Two locks: `lock` guards the queue in memory and the figures, and is taken with the node's lock held; `db_lock` guards the SQLite connection and
 * is never taken by anything the node calls. Order: db_lock, then the node's, then lock.
 *
 *   queue --commit--> batch, state 0 waiting --sent--> 1 delivered --lost, backfill--> 0            any --age, size--> gone  */
#include "edge-node/spool.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SCHEMA_VERSION 3
#define RETENTION_MIN_MS 5000
#define SAY_EVERY_MS 60000
#define FAILING_RETRY_MS 1000
#define ACTIVE_WAIT_MS 20
#define SENT_MAX 256

typedef enum entry_kind { ENTRY_BATCH, ENTRY_LOST, ENTRY_BACKFILL } entry_kind;

typedef struct entry {
    struct entry *next;
    entry_kind kind;
    bool delivered;
    uint32_t samples, len;
    int64_t first_ms, last_ms; /* BACKFILL: first_ms is the wish */
    int64_t at_ms;             /* own time it was made */
    char bytes[];
} entry;

enum { Q_NAME_FIND, Q_NAME_ADD, Q_INSERT, Q_NEXT, Q_SENT, Q_LOST, Q_BACKFILL, Q_SUMS, Q_FIRST_WAITING, Q_MARK, Q_OWN, Q_AGED, Q_EXPIRE_SUM, Q_EXPIRE, Q_EXPIRE_MARKS, Q_OLDEST_DELIVERED, Q_OLDEST_WAITING, Q_DELETE, Q_COUNT };

static const char *const queries[Q_COUNT] = {
    [Q_NAME_FIND] = "SELECT number FROM name WHERE device = ?1 AND metric = ?2",
    [Q_NAME_ADD] = "INSERT INTO name(device, metric) VALUES(?1, ?2)",
    [Q_INSERT] = "INSERT INTO batch(first_ms, last_ms, samples, state, sent_ms, bytes, data) VALUES(?1, ?2, ?3, ?4, ?5, LENGTH(?6), ?6)",
    [Q_NEXT] = "SELECT id, samples, data FROM batch INDEXED BY batch_waiting WHERE state = 0 AND id > ?1 ORDER BY id LIMIT 1",
    [Q_SENT] = "UPDATE batch SET state = 1, sent_ms = ?2 WHERE id = ?1",
    [Q_LOST] = "UPDATE batch SET state = 0 WHERE state = 1 AND sent_ms >= ?1",
    [Q_BACKFILL] = "UPDATE batch INDEXED BY batch_age SET state = 0 WHERE state = 1 AND last_ms >= ?1",
    [Q_SUMS] = "SELECT COALESCE(SUM(samples), 0), COALESCE(SUM(bytes), 0), COALESCE(SUM(CASE state WHEN 0 THEN samples ELSE 0 END), 0), "
               "COALESCE(MAX(last_ms), -1) FROM batch INDEXED BY batch_age",
    [Q_FIRST_WAITING] = "SELECT first_ms FROM batch INDEXED BY batch_waiting WHERE state = 0 ORDER BY id LIMIT 1",
    [Q_MARK] = "INSERT OR IGNORE INTO mark(batch, own_ms) SELECT COALESCE(MAX(id), 0), ?1 FROM batch",
    [Q_OWN] = "INSERT OR REPLACE INTO meta VALUES('own_ms', ?1)",
    [Q_AGED] = "SELECT COALESCE(MAX(batch), 0) FROM mark WHERE own_ms <= ?1",
    [Q_EXPIRE_SUM] = "SELECT COALESCE(SUM(samples), 0), COALESCE(SUM(bytes), 0), COALESCE(SUM(CASE state WHEN 0 THEN samples ELSE 0 END), 0) "
                     "FROM batch WHERE id <= ?1",
    [Q_EXPIRE] = "DELETE FROM batch WHERE id <= ?1",
    [Q_EXPIRE_MARKS] = "DELETE FROM mark WHERE batch <= ?1",
    [Q_OLDEST_DELIVERED] = "SELECT id, samples, bytes FROM batch INDEXED BY batch_delivered WHERE state = 1 ORDER BY id LIMIT 1",
    [Q_OLDEST_WAITING] = "SELECT id, samples, bytes FROM batch INDEXED BY batch_waiting WHERE state = 0 ORDER BY id LIMIT 1",
    [Q_DELETE] = "DELETE FROM batch WHERE id = ?1",
};

struct edge_spool {
    edge_spool_options o;
    char path[560];
    edge_node *node;
    pthread_t thread;
    bool running;
    int64_t own_base_ms, opened_ms; /* own time and monotonic time when it was opened; constant then */
    int64_t retention_every_ms;

    pthread_mutex_t db_lock; /* guards db, statements, cursor, sums */
    sqlite3 *db;
    sqlite3_stmt *q[Q_COUNT];
    int64_t cursor;          /* batches up to this id were looked at in this pass */
    int64_t pass_ms;         /* when the pass began, monotonic */
    char *sending;           /* the batch being sent; owned */
    int64_t sending_id;
    uint32_t sending_len, sending_samples;
    edge_history_cursor sending_at;
    int64_t sent_ids[SENT_MAX]; /* sent, not yet marked so in the file */
    uint32_t sent_samples[SENT_MAX];
    uint32_t n_sent;
    double tokens;
    int64_t tokens_ms, retention_ms, newest_ms, oldest_pending_ms;
    int64_t told_pending, told_done, told_ms;
    bool named;              /* a names transaction is open */
    pt_log_limit limit;

    pthread_mutex_t lock;    /* guards the rest */
    pthread_cond_t changed;
    entry *first, **last;
    uint64_t queue_bytes, pending_samples_queued;
    bool stop, urgent;
    edge_spool_stats stats;
};

static int64_t mono(const edge_spool *s)
{
    return pt_mono_ms(s->o.clock);
}
/* The spool's own time: never steps, goes on where the last run ended. */
static int64_t own(const edge_spool *s)
{
    return s->own_base_ms + mono(s) - s->opened_ms;
}

/* --- SQLite, every result looked at --- */

static pt_status status_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return PT_OK;
    case SQLITE_FULL:
        return PT_ENOSPC;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return PT_EREADONLY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return PT_EBUSY;
    case SQLITE_NOMEM:
        return PT_ENOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return PT_ECORRUPT;
    default:
        return PT_EIO;
    }
}

static pt_status db_fail(edge_spool *s, int rc, const char *doing, pt_error *err)
{
    return pt_fail(err, status_of(rc), "%s: %s: %s", s->path, doing, s->db ? sqlite3_errmsg(s->db) : "out of memory");
}

static pt_status run_sql(edge_spool *s, const char *sql, pt_error *err)
{
    int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? PT_OK : db_fail(s, rc, sql, err);
}

/* Run a statement that returns no rows; up to two integers bound. */
static pt_status run_q(edge_spool *s, int query, int n, int64_t a, int64_t b, pt_error *err)
{
    sqlite3_stmt *q = s->q[query];
    int rc = n > 0 ? sqlite3_bind_int64(q, 1, a) : SQLITE_OK;
    if (rc == SQLITE_OK && n > 1) rc = sqlite3_bind_int64(q, 2, b);
    if (rc == SQLITE_OK) rc = sqlite3_step(q);
    pt_status st = rc == SQLITE_DONE ? PT_OK : db_fail(s, rc, queries[query], err);
    int again = sqlite3_reset(q);
    return st == PT_OK && again != SQLITE_OK ? db_fail(s, again, queries[query], err) : st;
}

static pt_status read_sums(edge_spool *s, pt_error *err)
{
    sqlite3_stmt *q = s->q[Q_SUMS];
    int rc = sqlite3_step(q);
    if (rc != SQLITE_ROW) {
        pt_status st = db_fail(s, rc, queries[Q_SUMS], err);
        sqlite3_reset(q);
        return st;
    }
    pthread_mutex_lock(&s->lock);
    s->stats.stored_samples = (uint64_t)sqlite3_column_int64(q, 0);
    s->stats.stored_bytes = (uint64_t)sqlite3_column_int64(q, 1);
    s->stats.pending_samples = (uint64_t)sqlite3_column_int64(q, 2);
    pthread_mutex_unlock(&s->lock);
    s->newest_ms = sqlite3_column_int64(q, 3);
    rc = sqlite3_reset(q);
    return rc == SQLITE_OK ? PT_OK : db_fail(s, rc, queries[Q_SUMS], err);
}

/* When the oldest waiting batch begins; -1: none waits. */
static pt_status read_first_waiting(edge_spool *s, pt_error *err)
{
    sqlite3_stmt *q = s->q[Q_FIRST_WAITING];
    int rc = sqlite3_step(q);
    pt_status st = rc == SQLITE_ROW || rc == SQLITE_DONE ? PT_OK : db_fail(s, rc, queries[Q_FIRST_WAITING], err);
    if (st == PT_OK) s->oldest_pending_ms = rc == SQLITE_ROW ? sqlite3_column_int64(q, 0) : -1;
    rc = sqlite3_reset(q);
    return st == PT_OK && rc != SQLITE_OK ? db_fail(s, rc, queries[Q_FIRST_WAITING], err) : st;
}

/* --- opening --- */

static const char schema[] = "CREATE TABLE IF NOT EXISTS name(number INTEGER PRIMARY KEY, device TEXT NOT NULL, metric TEXT NOT NULL, UNIQUE(device, metric));"
                             "CREATE TABLE IF NOT EXISTS batch(id INTEGER PRIMARY KEY AUTOINCREMENT, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,"
                             " samples INTEGER NOT NULL, state INTEGER NOT NULL, sent_ms INTEGER NOT NULL, bytes INTEGER NOT NULL, data BLOB NOT NULL);"
                             "CREATE INDEX IF NOT EXISTS batch_waiting ON batch(id) WHERE state = 0;"
                             "CREATE INDEX IF NOT EXISTS batch_delivered ON batch(id) WHERE state = 1;"
                             "CREATE INDEX IF NOT EXISTS batch_sent ON batch(sent_ms) WHERE state = 1;"
                             "CREATE INDEX IF NOT EXISTS batch_age ON batch(last_ms, state, samples, bytes);" /* figures without touching the data */
                             "CREATE TABLE IF NOT EXISTS mark(batch INTEGER PRIMARY KEY, own_ms INTEGER NOT NULL);" /* these batches were there then */
                             "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL);";

static pt_status read_int(edge_spool *s, const char *sql, int64_t *out, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &q, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_step(q);
    pt_status st = rc == SQLITE_ROW ? PT_OK : rc == SQLITE_DONE ? PT_ENOTFOUND : db_fail(s, rc, sql, err);
    if (st == PT_OK) *out = sqlite3_column_int64(q, 0);
    rc = sqlite3_finalize(q);
    return st == PT_OK && rc != SQLITE_OK ? db_fail(s, rc, sql, err) : st;
}

static pt_status prepare_all(edge_spool *s, pt_error *err)
{
    for (int i = 0; i < Q_COUNT; i++) {
        int rc = sqlite3_prepare_v3(s->db, queries[i], -1, SQLITE_PREPARE_PERSISTENT, &s->q[i], NULL);
        if (rc != SQLITE_OK) return db_fail(s, rc, queries[i], err);
    }
    return PT_OK;
}

/* own_ms of the file; sent_ms may be a little newer when the last run was killed. */
static pt_status read_own_time(edge_spool *s, int64_t *newest_sent, pt_error *err)
{
    int64_t kept = 0;
    pt_status st = read_int(s, "SELECT value FROM meta WHERE key = 'own_ms'", &kept, err);
    if (st != PT_OK && st != PT_ENOTFOUND) return st;
    if ((st = read_int(s, "SELECT COALESCE(MAX(sent_ms), -1) FROM batch WHERE state = 1", newest_sent, err)) != PT_OK) return st;
    s->own_base_ms = kept > *newest_sent ? kept : *newest_sent;
    if (s->own_base_ms < 0) s->own_base_ms = 0;
    return PT_OK;
}

static pt_status set_up(edge_spool *s, pt_error *err)
{
    int64_t version = 0, clean = 0, newest = -1;
    pt_status st = run_sql(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -1024; PRAGMA wal_autocheckpoint = 500;", err);
    if (st == PT_OK) st = read_int(s, "PRAGMA user_version", &version, err);
    if (st == PT_OK && version == 1) /* before the first release */
        st = run_sql(s, "BEGIN; ALTER TABLE batch ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0; UPDATE batch SET bytes = LENGTH(data); COMMIT", err);
    else if (st == PT_OK && version != 0 && version != 2 && version != SCHEMA_VERSION) /* 2: times of sending by the wall clock, which own time goes on from */
        return pt_fail(err, PT_ECORRUPT, "%s: version %lld, this program knows %d", s->path, (long long)version, SCHEMA_VERSION);
    if (st == PT_OK) st = run_sql(s, schema, err);
    if (st == PT_OK && version != SCHEMA_VERSION) st = run_sql(s, "PRAGMA user_version = 3", err);
    if (st == PT_OK) st = prepare_all(s, err);
    if (st != PT_OK) return st;
    st = read_int(s, "SELECT value FROM meta WHERE key = 'clean'", &clean, err);
    if (st != PT_OK && st != PT_ENOTFOUND) return st;
    if ((st = read_own_time(s, &newest, err)) != PT_OK) return st;
    if (!clean) { /* killed: what was sent at last may not have arrived */
        if (newest >= 0 && (st = run_q(s, Q_LOST, 1, newest - s->o.replay_window_ms, 0, err)) != PT_OK) return st;
    }
    if ((st = run_sql(s, "INSERT OR REPLACE INTO meta VALUES('clean', 0)", err)) != PT_OK) return st;
    return read_sums(s, err);
}

pt_status edge_spool_open(const edge_spool_options *o, edge_spool **out, pt_error *err)
{
    edge_spool *s = calloc(1, sizeof *s);
    if (!s) return pt_fail(err, PT_ENOMEM, "out of memory");
    s->o = *o;
    if (!s->o.max_bytes) s->o.max_bytes = 512u << 20;
    if (!s->o.max_age_ms) s->o.max_age_ms = 72 * 3600000ll;
    if (!s->o.rate) s->o.rate = 10000;
    if (!s->o.commit_interval_ms) s->o.commit_interval_ms = 250;
    if (!s->o.replay_window_ms) s->o.replay_window_ms = 65000;
    if (!s->o.memory_bytes) s->o.memory_bytes = 8u << 20;
    s->retention_every_ms = s->o.max_age_ms / 1000 > RETENTION_MIN_MS ? s->o.max_age_ms / 1000 : RETENTION_MIN_MS;
    s->opened_ms = mono(s);
    s->last = &s->first;
    s->told_pending = s->told_done = -2;
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0 || pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 || pthread_mutex_init(&s->lock, NULL) != 0 ||
        pthread_mutex_init(&s->db_lock, NULL) != 0 || pthread_cond_init(&s->changed, &attr) != 0) {
        free(s);
        return pt_fail(err, PT_ENOMEM, "no lock");
    }
    pthread_condattr_destroy(&attr);
    pt_status st = PT_OK;
    if (snprintf(s->path, sizeof s->path, "%s/spool.db", o->dir) >= (int)sizeof s->path) st = pt_fail(err, PT_ETOOBIG, "spool directory too long");
    if (st == PT_OK) {
        int rc = sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
        st = rc == SQLITE_OK ? set_up(s, err) : db_fail(s, rc, "open", err);
    }
    if (st != PT_OK) {
        edge_spool_close(s);
        return st;
    }
    *out = s;
    return PT_OK;
}

/* --- names --- */

static pt_status find_number(edge_spool *s, pt_slice device, pt_slice metric, uint32_t *number)
{
    sqlite3_stmt *q = s->q[Q_NAME_FIND];
    int rc = sqlite3_bind_text(q, 1, device.ptr ? device.ptr : "", (int)device.len, SQLITE_STATIC);
    if (rc == SQLITE_OK) rc = sqlite3_bind_text(q, 2, metric.ptr, (int)metric.len, SQLITE_STATIC);
    if (rc == SQLITE_OK) rc = sqlite3_step(q);
    int64_t found = rc == SQLITE_ROW ? sqlite3_column_int64(q, 0) : 0;
    int again = sqlite3_reset(q);
    if (rc != SQLITE_ROW) return rc == SQLITE_DONE && again == SQLITE_OK ? PT_ENOTFOUND : status_of(rc);
    if (found <= 0 || found > INT32_MAX) return PT_ECORRUPT;
    *number = (uint32_t)found;
    return PT_OK;
}

static pt_status number_of(void *ctx, pt_slice device, pt_slice metric, uint32_t *number)
{
    edge_spool *s = ctx;
    pthread_mutex_lock(&s->db_lock);
    pt_status st = find_number(s, device, metric, number);
    if (st == PT_ENOTFOUND) {
        sqlite3_stmt *q = s->q[Q_NAME_ADD];
        int rc = sqlite3_bind_text(q, 1, device.ptr ? device.ptr : "", (int)device.len, SQLITE_STATIC);
        if (rc == SQLITE_OK) rc = sqlite3_bind_text(q, 2, metric.ptr, (int)metric.len, SQLITE_STATIC);
        if (rc == SQLITE_OK) rc = sqlite3_step(q);
        int again = sqlite3_reset(q);
        st = rc == SQLITE_DONE && again == SQLITE_OK ? PT_OK : status_of(rc == SQLITE_DONE ? again : rc);
        int64_t id = sqlite3_last_insert_rowid(s->db);
        if (st == PT_OK && (id <= 0 || id > INT32_MAX)) st = PT_EFULL;
        if (st == PT_OK) *number = (uint32_t)id;
    }
    pthread_mutex_unlock(&s->db_lock);
    return st;
}

edge_names edge_spool_names(edge_spool *s)
{
    return (edge_names){ s, number_of };
}

/* A names transaction must not meet the thread's own: while it is open the thread only waits. */
pt_status edge_spool_names_begin(edge_spool *s)
{
    pthread_mutex_lock(&s->db_lock);
    pt_status st = run_sql(s, "BEGIN IMMEDIATE", NULL);
    s->named = st == PT_OK;
    pthread_mutex_unlock(&s->db_lock);
    return st;
}

pt_status edge_spool_names_end(edge_spool *s)
{
    pt_status st = PT_OK;
    pthread_mutex_lock(&s->db_lock);
    if (s->named) st = run_sql(s, "COMMIT", NULL);
    if (s->named && st != PT_OK) {
        pt_status undo = run_sql(s, "ROLLBACK", NULL);
        (void)undo; /* the commit's failure is what counts */
    }
    s->named = false;
    pthread_mutex_unlock(&s->db_lock);
    return st;
}

/* --- what the node calls: the queue --- */

static void count_dropped(edge_spool *s, const entry *e)
{
    if (e->delivered)
        s->stats.dropped_journal += e->samples;
    else
        s->stats.dropped_memory += e->samples;
}

/* With `lock`: take out the oldest batch, delivered ones first. False when there is none. */
static bool drop_oldest(edge_spool *s)
{
    for (int pass = 0; pass < 2; pass++)
        for (entry **at = &s->first; *at; at = &(*at)->next) {
            entry *e = *at;
            if (e->kind != ENTRY_BATCH || (pass == 0 && !e->delivered)) continue;
            *at = e->next;
            if (s->last == &e->next) s->last = at;
            s->queue_bytes -= e->len + sizeof *e;
            count_dropped(s, e);
            free(e);
            return true;
        }
    return false;
}

static pt_status enqueue(edge_spool *s, entry_kind kind, pt_slice bytes, uint32_t samples, int64_t first_ms, int64_t last_ms, bool delivered)
{
    entry *e = malloc(sizeof *e + bytes.len);
    if (!e) return PT_ENOMEM;
    *e = (entry){ .kind = kind, .delivered = delivered, .samples = samples, .len = (uint32_t)bytes.len, .first_ms = first_ms, .last_ms = last_ms, .at_ms = own(s) };
    if (bytes.len) memcpy(e->bytes, bytes.ptr, bytes.len);
    pthread_mutex_lock(&s->lock);
    while (s->queue_bytes + e->len + sizeof *e > s->o.memory_bytes && drop_oldest(s)) {
    }
    *s->last = e;
    s->last = &e->next;
    s->queue_bytes += e->len + sizeof *e;
    if (kind != ENTRY_BATCH) {
        s->urgent = true;
        pthread_cond_signal(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
    return PT_OK;
}

static pt_status append(void *ctx, pt_slice batch, uint32_t samples, int64_t first_ms, int64_t last_ms, bool delivered)
{
    return enqueue(ctx, ENTRY_BATCH, batch, samples, first_ms, last_ms, delivered);
}

static void backfill(void *ctx, int64_t from_ms)
{
    edge_spool *s = ctx;
    if (enqueue(s, ENTRY_BACKFILL, PT_NONE, 0, from_ms, 0, false) != PT_OK)
        pt_logf(s->o.log, PT_LOG_ERROR, "EDGE-SPOOL-MEMORY", "a backfill request is lost: out of memory");
}

static void lost(void *ctx)
{
    edge_spool *s = ctx;
    if (enqueue(s, ENTRY_LOST, PT_NONE, 0, 0, 0, false) != PT_OK)
        pt_logf(s->o.log, PT_LOG_ERROR, "EDGE-SPOOL-MEMORY", "what was sent at last is not sent again: out of memory");
}

edge_journal edge_spool_journal(edge_spool *s)
{
    return (edge_journal){ s, append, backfill, lost };
}

/* --- the thread: into the file; db_lock held --- */

static pt_status insert(edge_spool *s, const entry *e, pt_error *err)
{
    sqlite3_stmt *q = s->q[Q_INSERT];
    int rc = sqlite3_bind_int64(q, 1, e->first_ms);
    if (rc == SQLITE_OK) rc = sqlite3_bind_int64(q, 2, e->last_ms);
    if (rc == SQLITE_OK) rc = sqlite3_bind_int64(q, 3, e->samples);
    if (rc == SQLITE_OK) rc = sqlite3_bind_int64(q, 4, e->delivered);
    if (rc == SQLITE_OK) rc = sqlite3_bind_int64(q, 5, e->delivered ? e->at_ms : 0);
    if (rc == SQLITE_OK) rc = sqlite3_bind_blob(q, 6, e->bytes, (int)e->len, SQLITE_STATIC);
    if (rc == SQLITE_OK) rc = sqlite3_step(q);
    pt_status st = rc == SQLITE_DONE ? PT_OK : db_fail(s, rc, "insert", err);
    int again = sqlite3_reset(q);
    int clear = sqlite3_clear_bindings(q); /* the bytes go away */
    if (st == PT_OK && (again != SQLITE_OK || clear != SQLITE_OK)) st = db_fail(s, again ? again : clear, "insert", err);
    return st;
}

typedef struct outcome {
    bool resum; /* waiting changed in ways not counted here */
    bool tell;  /* report progress even when it looks the same */
    uint64_t samples, bytes, pending, refused;           /* added; not taken */
    uint64_t gone_samples, gone_bytes, gone_pending, expired, overflowed; /* removed */
    int64_t newest_ms;
} outcome;

static pt_status put_entry(edge_spool *s, const entry *e, uint64_t stored_bytes, outcome *o, pt_error *err)
{
    switch (e->kind) {
    case ENTRY_LOST:
        o->resum = o->tell = true;
        s->cursor = 0;
        return run_q(s, Q_LOST, 1, e->at_ms - s->o.replay_window_ms, 0, err);
    case ENTRY_BACKFILL:
        o->resum = o->tell = true;
        s->cursor = 0;
        return run_q(s, Q_BACKFILL, 1, e->first_ms, 0, err);
    case ENTRY_BATCH:
    default:
        break;
    }
    if (s->o.drop_newest && !e->delivered && stored_bytes + o->bytes + e->len > s->o.max_bytes) {
        o->refused += e->samples;
        return PT_OK;
    }
    pt_status st = insert(s, e, err);
    if (st != PT_OK) return st;
    o->samples += e->samples;
    o->bytes += e->len;
    o->pending += e->delivered ? 0 : e->samples;
    if (e->last_ms > o->newest_ms) o->newest_ms = e->last_ms;
    return PT_OK;
}

static pt_status mark_sent(edge_spool *s, pt_error *err)
{
    pt_status st = PT_OK;
    for (uint32_t i = 0; st == PT_OK && i < s->n_sent; i++)
        st = run_q(s, Q_SENT, 2, s->sent_ids[i], own(s), err);
    return st;
}

/* The last batch that has been there for max_age; 0: none. */
static pt_status aged(edge_spool *s, int64_t *last, pt_error *err)
{
    sqlite3_stmt *q = s->q[Q_AGED];
    int rc = sqlite3_bind_int64(q, 1, own(s) - s->o.max_age_ms);
    if (rc == SQLITE_OK) rc = sqlite3_step(q);
    pt_status st = rc == SQLITE_ROW ? PT_OK : db_fail(s, rc, queries[Q_AGED], err);
    if (st == PT_OK) *last = sqlite3_column_int64(q, 0);
    rc = sqlite3_reset(q);
    return st == PT_OK && rc != SQLITE_OK ? db_fail(s, rc, queries[Q_AGED], err) : st;
}

/* Make room: by age, then by size, delivered ones first. Within the transaction. */
static pt_status expire(edge_spool *s, outcome *o, pt_error *err)
{
    int64_t last = 0;
    pt_status st = run_q(s, Q_MARK, 1, own(s), 0, err);
    if (st == PT_OK) st = run_q(s, Q_OWN, 1, own(s), 0, err);
    if (st == PT_OK) st = aged(s, &last, err);
    if (st != PT_OK || last == 0) return st;
    sqlite3_stmt *q = s->q[Q_EXPIRE_SUM];
    int rc = sqlite3_bind_int64(q, 1, last);
    if (rc == SQLITE_OK) rc = sqlite3_step(q);
    st = rc == SQLITE_ROW ? PT_OK : db_fail(s, rc, "retention", err);
    if (st == PT_OK) {
        o->gone_samples += (uint64_t)sqlite3_column_int64(q, 0);
        o->gone_bytes += (uint64_t)sqlite3_column_int64(q, 1);
        o->gone_pending += (uint64_t)sqlite3_column_int64(q, 2);
        o->expired += (uint64_t)sqlite3_column_int64(q, 2);
    }
    rc = sqlite3_reset(q);
    if (st == PT_OK && rc != SQLITE_OK) st = db_fail(s, rc, "retention", err);
    if (st == PT_OK) st = run_q(s, Q_EXPIRE, 1, last, 0, err);
    return st == PT_OK ? run_q(s, Q_EXPIRE_MARKS, 1, last, 0, err) : st;
}

static pt_status retain(edge_spool *s, outcome *o, uint64_t stored_bytes, pt_error *err)
{
    pt_status st = expire(s, o, err);
    for (int query = Q_OLDEST_DELIVERED; st == PT_OK && query <= Q_OLDEST_WAITING && stored_bytes + o->bytes > s->o.max_bytes + o->gone_bytes;) {
        sqlite3_stmt *q = s->q[query];
        int rc = sqlite3_step(q);
        int64_t id = -1;
        uint64_t samples = 0, len = 0;
        if (rc == SQLITE_ROW) {
            id = sqlite3_column_int64(q, 0);
            samples = (uint64_t)sqlite3_column_int64(q, 1);
            len = (uint64_t)sqlite3_column_int64(q, 2);
        }
        st = rc == SQLITE_ROW || rc == SQLITE_DONE ? PT_OK : db_fail(s, rc, "retention", err);
        int again = sqlite3_reset(q);
        if (st == PT_OK && again != SQLITE_OK) st = db_fail(s, again, "retention", err);
        if (st == PT_OK && id < 0) {
            query++;
            continue;
        }
        if (st == PT_OK) st = run_q(s, Q_DELETE, 1, id, 0, err);
        if (st != PT_OK) break;
        o->gone_samples += samples;
        o->gone_bytes += len;
        if (query == Q_OLDEST_WAITING) {
            o->gone_pending += samples;
            o->overflowed += samples;
        }
    }
    return st;
}

static void failed(edge_spool *s, const pt_error *err)
{
    pthread_mutex_lock(&s->lock);
    bool first = !s->stats.failing;
    s->stats.failing = true;
    s->stats.failures++;
    snprintf(s->stats.error, sizeof s->stats.error, "%.199s", err->text);
    pthread_mutex_unlock(&s->lock);
    if (first)
        pt_logf(s->o.log, PT_LOG_ERROR, "EDGE-SPOOL-FAILED", "%s; the newest %llu KiB of samples are kept in memory", err->text,
                (unsigned long long)(s->o.memory_bytes >> 10));
}

/* Waiting samples that went are said, not only counted. */
static void say_lost(edge_spool *s, const outcome *o)
{
    int64_t now = mono(s);
    if (o->expired && pt_log_allow(&s->limit, 1, now, SAY_EVERY_MS, NULL))
        pt_logf(s->o.log, PT_LOG_WARN, "EDGE-SPOOL-EXPIRED", "%llu samples waited longer than max_age and are lost; spool.dropped_age counts them", (unsigned long long)o->expired);
    if (o->overflowed + o->refused && pt_log_allow(&s->limit, 2, now, SAY_EVERY_MS, NULL))
        pt_logf(s->o.log, PT_LOG_WARN, "EDGE-SPOOL-OVERFLOW", "%llu samples that waited are lost: max_bytes is reached; spool.dropped_overflow counts them",
                (unsigned long long)(o->overflowed + o->refused));
}

/* Queue and marks into the file, one transaction. What could not be written goes back to the front of the queue. */
static void commit(edge_spool *s)
{
    pt_error err = { 0 };
    outcome o = { .newest_ms = s->newest_ms };
    pthread_mutex_lock(&s->lock);
    entry *list = s->first;
    uint64_t bytes = s->queue_bytes, stored = s->stats.stored_bytes;
    s->first = NULL;
    s->last = &s->first;
    s->queue_bytes = 0;
    s->urgent = false;
    bool failing = s->stats.failing;
    pthread_mutex_unlock(&s->lock);
    bool retention = mono(s) - s->retention_ms >= s->retention_every_ms || stored + bytes > s->o.max_bytes;
    if (!list && s->n_sent == 0 && !retention) return;
    int64_t begin = pt_mono_us(s->o.clock);
    pt_status st = run_sql(s, "BEGIN IMMEDIATE", &err);
    if (st == PT_OK) {
        st = mark_sent(s, &err);
        for (entry *e = list; st == PT_OK && e; e = e->next)
            st = put_entry(s, e, stored, &o, &err);
        if (st == PT_OK && retention) st = retain(s, &o, stored, &err);
        if (st == PT_OK) st = run_sql(s, "COMMIT", &err);
        if (st != PT_OK && !sqlite3_get_autocommit(s->db)) {
            pt_status undo = run_sql(s, "ROLLBACK", NULL);
            (void)undo; /* the reason is in err already */
        }
    }
    if (st != PT_OK) {
        pthread_mutex_lock(&s->lock);
        if (list) {
            entry **end = &list;
            while (*end)
                end = &(*end)->next;
            *end = s->first;
            if (!s->first) s->last = end;
            s->first = list;
            s->queue_bytes += bytes;
            while (s->queue_bytes > s->o.memory_bytes && drop_oldest(s)) {
            }
            if (!s->first) s->last = &s->first;
        }
        pthread_mutex_unlock(&s->lock);
        failed(s, &err);
        return;
    }
    for (entry *next; list; list = next) {
        next = list->next;
        free(list);
    }
    uint64_t marked = 0;
    for (uint32_t i = 0; i < s->n_sent; i++)
        marked += s->sent_samples[i];
    s->n_sent = 0;
    s->newest_ms = o.newest_ms;
    pthread_mutex_lock(&s->lock);
    s->stats.commits++;
    s->stats.last_commit_us = pt_mono_us(s->o.clock) - begin;
    s->stats.stored_samples += o.samples - o.gone_samples;
    s->stats.stored_bytes += o.bytes - o.gone_bytes;
    s->stats.pending_samples += o.pending;
    marked += o.gone_pending;
    s->stats.pending_samples -= marked < s->stats.pending_samples ? marked : s->stats.pending_samples;
    s->stats.dropped_overflow += o.refused + o.overflowed;
    s->stats.dropped_age += o.expired;
    s->stats.failing = false;
    s->stats.error[0] = 0;
    pthread_mutex_unlock(&s->lock);
    if (failing) pt_logf(s->o.log, PT_LOG_INFO, "EDGE-SPOOL-WORKS", "%s: writable again", s->path);
    if (retention) s->retention_ms = mono(s);
    say_lost(s, &o);
    if (o.tell) s->told_pending = -2;
    if (o.resum && read_sums(s, &err) != PT_OK) failed(s, &err);
}

/* --- the thread: out of the file --- */

static void drop_sending(edge_spool *s)
{
    free(s->sending);
    s->sending = NULL;
    s->sending_at = (edge_history_cursor){ 0 };
}

/* Load the next waiting batch. False: none, or they are all looked at in this pass. */
static bool load_next(edge_spool *s)
{
    sqlite3_stmt *q = s->q[Q_NEXT];
    pt_error err = { 0 };
    int rc = sqlite3_bind_int64(q, 1, s->cursor);
    if (rc == SQLITE_OK) rc = sqlite3_step(q);
    bool found = rc == SQLITE_ROW;
    if (found) {
        int len = sqlite3_column_bytes(q, 2);
        const void *data = sqlite3_column_blob(q, 2);
        s->sending_id = sqlite3_column_int64(q, 0);
        s->sending_samples = (uint32_t)sqlite3_column_int64(q, 1);
        s->sending_len = len > 0 && data ? (uint32_t)len : 0;
        s->sending = malloc(s->sending_len + 1u);
        if (s->sending && s->sending_len) memcpy(s->sending, data, s->sending_len);
        s->sending_at = (edge_history_cursor){ 0 };
        if (!s->sending) found = false;
    } else if (rc != SQLITE_DONE && db_fail(s, rc, "read", &err) != PT_OK) {
        failed(s, &err);
    }
    if (sqlite3_reset(q) != SQLITE_OK && !err.text[0]) found = found && s->sending;
    return found;
}

/* A batch that only memory holds, because the file cannot be written: the oldest that waits. */
static entry *take_queued(edge_spool *s)
{
    entry *e = NULL;
    pthread_mutex_lock(&s->lock);
    for (entry **at = &s->first; s->stats.failing && *at; at = &(*at)->next) {
        if ((*at)->kind != ENTRY_BATCH || (*at)->delivered) continue;
        e = *at;
        *at = e->next;
        if (s->last == &e->next) s->last = at;
        s->queue_bytes -= e->len + sizeof *e;
        break;
    }
    pthread_mutex_unlock(&s->lock);
    return e;
}

static bool send_queued(edge_spool *s)
{
    entry *e = take_queued(s);
    if (!e) return false;
    edge_history_cursor at = { 0 };
    pt_status st;
    while ((st = edge_node_send_history(s->node, pt_slice_of(e->bytes, e->len), &at)) == PT_OK) {
    }
    s->tokens -= at.sent;
    pthread_mutex_lock(&s->lock);
    s->stats.sent += at.sent;
    bool done = st == PT_EEMPTY;
    if (done) {
        free(e);
    } else { /* back to the front */
        e->next = s->first;
        if (!s->first) s->last = &e->next;
        s->first = e;
        s->queue_bytes += e->len + sizeof *e;
    }
    pthread_mutex_unlock(&s->lock);
    return done;
}

/* Send history as the rate allows. True: there is more to do soon. */
static bool forward(edge_spool *s)
{
    if (!s->node || edge_node_state(s->node) != EDGE_ONLINE) {
        drop_sending(s);
        s->cursor = 0;
        return false;
    }
    int64_t now = mono(s);
    s->tokens += (double)(now - s->tokens_ms) * (double)s->o.rate / 1000;
    s->tokens_ms = now;
    double burst = (double)s->o.rate / 10 + 1;
    if (s->tokens > burst) s->tokens = burst;
    while (s->tokens > 0 && s->n_sent < SENT_MAX) {
        if (!s->sending && !load_next(s)) {
            if (send_queued(s)) continue;
            if (s->cursor && s->n_sent == 0 && now - s->pass_ms >= 1000) { /* devices that were away may be back */
                s->cursor = 0;
                s->pass_ms = now;
            }
            return false;
        }
        uint32_t before = s->sending_at.sent;
        pt_status st = edge_node_send_history(s->node, pt_slice_of(s->sending, s->sending_len), &s->sending_at);
        s->tokens -= s->sending_at.sent - before;
        pthread_mutex_lock(&s->lock);
        s->stats.sent += s->sending_at.sent - before;
        pthread_mutex_unlock(&s->lock);
        if (st == PT_OK) continue;
        if (st == PT_EEMPTY || st == PT_EBUSY) {
            if (st == PT_EEMPTY) {
                s->sent_ids[s->n_sent] = s->sending_id;
                s->sent_samples[s->n_sent++] = s->sending_samples;
            }
            s->cursor = s->sending_id;
            drop_sending(s);
            continue;
        }
        return st == PT_EFULL; /* no room now, or not online any more */
    }
    return true;
}

static void tell(edge_spool *s)
{
    int64_t now = mono(s);
    pthread_mutex_lock(&s->lock);
    int64_t pending = (int64_t)s->stats.pending_samples;
    pthread_mutex_unlock(&s->lock);
    if (now - s->told_ms < 1000 || !s->node) return;
    int64_t done = pending == 0 ? s->newest_ms : s->oldest_pending_ms > 0 ? s->oldest_pending_ms - 1 : -1;
    if (pending == s->told_pending && (pending != 0 || s->told_done >= 0) && s->told_pending == 0) {
        s->told_ms = now;
        return; /* nothing to catch up with, and that is known: live data needs no progress report */
    }
    if (pending == s->told_pending && done == s->told_done) return;
    s->told_ms = now;
    s->told_pending = pending;
    s->told_done = done;
    edge_node_backfill_progress(s->node, pending, done);
}

static void wait_for_work(edge_spool *s, int64_t ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += ms % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&s->lock);
    while (!s->stop && !s->urgent)
        if (pthread_cond_timedwait(&s->changed, &s->lock, &at) != 0) break;
    pthread_mutex_unlock(&s->lock);
}

static void *run(void *ctx)
{
    edge_spool *s = ctx;
    int64_t committed = 0, retry = 0;
    for (;;) {
        pthread_mutex_lock(&s->lock);
        bool stop = s->stop, urgent = s->urgent, failing = s->stats.failing;
        pthread_mutex_unlock(&s->lock);
        if (stop) return NULL;
        bool more = false;
        pthread_mutex_lock(&s->db_lock);
        if (!s->named) {
            int64_t now = mono(s);
            bool due = urgent || now - committed >= s->o.commit_interval_ms || s->n_sent == SENT_MAX;
            if (due && (!failing || now - retry >= FAILING_RETRY_MS)) {
                commit(s);
                committed = retry = now;
            }
            more = forward(s);
            pt_error err;
            if (read_first_waiting(s, &err) != PT_OK) failed(s, &err);
        }
        pthread_mutex_unlock(&s->db_lock);
        tell(s);
        pthread_mutex_lock(&s->lock);
        if (failing) s->urgent = false; /* do not spin on a full disk */
        pthread_mutex_unlock(&s->lock);
        wait_for_work(s, more ? ACTIVE_WAIT_MS : s->o.commit_interval_ms);
    }
}

pt_status edge_spool_start(edge_spool *s, edge_node *node)
{
    s->node = node;
    s->tokens_ms = mono(s);
    s->retention_ms = mono(s);
    if (pthread_create(&s->thread, NULL, run, s) != 0) return PT_ENOMEM;
    s->running = true;
    return PT_OK;
}

void edge_spool_stop(edge_spool *s)
{
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    if (s->running) pthread_join(s->thread, NULL);
    bool was = s->running;
    s->running = false;
    if (!was || !s->db) return;
    pt_error err = { 0 };
    pthread_mutex_lock(&s->db_lock);
    drop_sending(s);
    commit(s);
    pthread_mutex_lock(&s->lock);
    bool empty = s->first == NULL;
    pthread_mutex_unlock(&s->lock);
    if (empty && run_sql(s, "INSERT OR REPLACE INTO meta VALUES('clean', 1)", &err) != PT_OK) failed(s, &err);
    pthread_mutex_unlock(&s->db_lock);
}

void edge_spool_close(edge_spool *s)
{
    if (!s) return;
    edge_spool_stop(s);
    for (int i = 0; i < Q_COUNT; i++)
        sqlite3_finalize(s->q[i]);
    if (s->db && sqlite3_close(s->db) != SQLITE_OK) pt_logf(s->o.log, PT_LOG_ERROR, "EDGE-SPOOL-CLOSE", "%s: %s", s->path, sqlite3_errmsg(s->db));
    for (entry *e = s->first, *next; e; e = next) {
        next = e->next;
        free(e);
    }
    drop_sending(s);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->db_lock);
    free(s);
}

void edge_spool_stats_get(edge_spool *s, edge_spool_stats *out)
{
    pthread_mutex_lock(&s->lock);
    *out = s->stats;
    out->queue_bytes = s->queue_bytes;
    pthread_mutex_unlock(&s->lock);
}

sqlite3 *edge__spool_lock(edge_spool *s)
{
    pthread_mutex_lock(&s->db_lock);
    return s->db;
}

void edge__spool_unlock(edge_spool *s)
{
    pthread_mutex_unlock(&s->db_lock);
}
