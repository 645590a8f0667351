/* host/control/audit.c -- the table, its chain, and the walk along it.
 *
 * Canonical form of a row: seq and time as 8 bytes, little-endian, then each text as its length (4 bytes, little-endian) and its bytes. */
#include "host/control/audit.h"

#include "base/arena.h"
#include "base/buf.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { APPLICATION_ID = 0x50546131, /* "PTa1" */ TEXTS = 10, ROW_MAX = 1 << 20, BUSY_MS = 2000, HASH_LEN = 32 };

static const char SCHEMA[] =
    "CREATE TABLE audit(seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, principal TEXT NOT NULL, auth_kind TEXT NOT NULL, address TEXT NOT NULL,"
    " action TEXT NOT NULL, object TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL, reason TEXT NOT NULL, outcome TEXT NOT NULL,"
    " request_id TEXT NOT NULL, prev_hash BLOB NOT NULL, hash BLOB NOT NULL);"
    "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;"
    "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;"
    "PRAGMA application_id=1347707185;";

struct host_audit {
    sqlite3 *db;
    sqlite3_stmt *insert;
    pthread_mutex_t lock;         /* guards all of it */
    uint64_t seq;                 /* of the newest row */
    unsigned char hash[HASH_LEN]; /* its hash */
};

static pt_status fail(sqlite3 *db, pt_error *err)
{
    int rc = db ? sqlite3_extended_errcode(db) : SQLITE_NOMEM, os = db ? sqlite3_system_errno(db) : 0;
    pt_status st = PT_EIO;
    switch (rc & 0xff) {
    case SQLITE_FULL: st = PT_ENOSPC; break;
    case SQLITE_READONLY:
    case SQLITE_PERM: st = PT_EREADONLY; break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: st = PT_ECORRUPT; break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: st = PT_EBUSY; break;
    case SQLITE_NOMEM: st = PT_ENOMEM; break;
    default:
        if (os) st = pt_status_from_errno(os);
        if (st == PT_EEXISTS || st == PT_ENOTFOUND)
            st = PT_EIO; /* a file beside it is meant; that there is no audit is not for SQLite to say */
    }
    return pt_fail(err, st, "audit.db: %s (SQLite %d)", db ? sqlite3_errmsg(db) : "out of memory", rc);
}

static pt_status exec(sqlite3 *db, const char *sql, pt_error *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? PT_OK : fail(db, err);
}

static pt_status number_of(sqlite3 *db, const char *sql, int64_t *out, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK) return fail(db, err);
    bool ok = sqlite3_step(q) == SQLITE_ROW;
    if (ok) *out = sqlite3_column_int64(q, 0);
    pt_status st = ok ? PT_OK : fail(db, err);
    sqlite3_finalize(q);
    return st;
}

/* The texts of a row, in the order of the columns. */
static void texts_of(const host_audit_row *r, const pt_slice *out[TEXTS])
{
    const pt_slice *all[TEXTS] = { &r->principal, &r->auth_kind, &r->address, &r->action,  &r->object,
                                   &r->before,    &r->after,     &r->reason,  &r->outcome, &r->request_id };
    memcpy(out, all, sizeof all);
}

static void add_number(pt_buf *b, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        pt_buf_char(b, (char)(v >> 8 * i));
}

static pt_status chain(const unsigned char prev[HASH_LEN], const host_audit_row *r, unsigned char out[HASH_LEN])
{
    const pt_slice *texts[TEXTS];
    pt_buf b;
    pt_buf_init(&b, ROW_MAX);
    texts_of(r, texts);
    pt_buf_add(&b, prev, HASH_LEN);
    add_number(&b, r->seq, 8);
    add_number(&b, (uint64_t)r->at_ms, 8);
    for (int i = 0; i < TEXTS; i++) {
        add_number(&b, texts[i]->len, 4);
        pt_buf_slice(&b, *texts[i]);
    }
    pt_status st = pt_buf_status(&b);
    /* BLAKE2b without a key; it fails for lengths that make no sense only. */
    if (st == PT_OK && crypto_generichash(out, HASH_LEN, (const unsigned char *)b.ptr, b.len, NULL, 0) != 0) st = PT_EINVAL;
    pt_buf_fini(&b);
    return st;
}

static pt_slice column(sqlite3_stmt *q, int i)
{
    const char *p = sqlite3_column_blob(q, i);
    return pt_slice_of(p ? p : "", (size_t)sqlite3_column_bytes(q, i));
}

#define COLUMNS "seq, at, principal, auth_kind, address, action, object, before, after, reason, outcome, request_id, prev_hash, hash"

static host_audit_row row_of(sqlite3_stmt *q)
{
    return (host_audit_row){ .seq = (uint64_t)sqlite3_column_int64(q, 0),
                             .at_ms = sqlite3_column_int64(q, 1),
                             .principal = column(q, 2),
                             .auth_kind = column(q, 3),
                             .address = column(q, 4),
                             .action = column(q, 5),
                             .object = column(q, 6),
                             .before = column(q, 7),
                             .after = column(q, 8),
                             .reason = column(q, 9),
                             .outcome = column(q, 10),
                             .request_id = column(q, 11) };
}

static pt_status newest(host_audit *a, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(a->db, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", -1, &q, NULL) != SQLITE_OK)
        return fail(a->db, err);
    int rc = sqlite3_step(q);
    pt_status st = rc == SQLITE_ROW || rc == SQLITE_DONE ? PT_OK : fail(a->db, err);
    /* Fewer rows than there were: cut off meanwhile. Going on from what was known leaves the gap that shows it. */
    if (rc == SQLITE_ROW && (uint64_t)sqlite3_column_int64(q, 0) >= a->seq) {
        pt_slice hash = column(q, 1);
        a->seq = (uint64_t)sqlite3_column_int64(q, 0);
        if (hash.len == HASH_LEN) memcpy(a->hash, hash.ptr, HASH_LEN); /* else the walk will name it */
    }
    sqlite3_finalize(q);
    return st;
}

static pt_status path_of(const char *dir, char path[4200], pt_error *err)
{
    return snprintf(path, 4200, "%s/audit.db", dir) < 4200 ? PT_OK : pt_fail(err, PT_ETOOBIG, "the path of audit.db is too long");
}

static pt_status look(host_audit *a, const char *name, int flags, int64_t *id, int64_t *tables, pt_error *err)
{
    pt_status st = sqlite3_open_v2(name, &a->db, flags | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK ? PT_OK : fail(a->db, err);
    if (st == PT_OK) sqlite3_busy_timeout(a->db, BUSY_MS);
    if (st == PT_OK && (flags & SQLITE_OPEN_CREATE)) st = exec(a->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;", err);
    if (st == PT_OK) st = number_of(a->db, "PRAGMA application_id", id, err);
    return st == PT_OK ? number_of(a->db, "SELECT count(*) FROM sqlite_schema", tables, err) : st;
}

/* No -wal, or an empty one without its -shm: nobody writes to it, and all of it is in the file. */
static bool at_rest(const char *path)
{
    char beside[4210];
    struct stat wal;
    snprintf(beside, sizeof beside, "%s-wal", path);
    if (stat(beside, &wal) != 0) return errno == ENOENT;
    snprintf(beside, sizeof beside, "%s-shm", path);
    return wal.st_size == 0 && access(beside, F_OK) != 0;
}

/* Where no -shm can be made. */
static pt_status look_immutable(host_audit *a, const char *path, int64_t *id, int64_t *tables, pt_error *err)
{
    pt_buf uri;
    pt_buf_init(&uri, 16384);
    pt_buf_cstr(&uri, path[0] == '/' ? "file://" : "file:");
    for (; *path; path++) {
        if (strchr("%?#", *path)) pt_buf_printf(&uri, "%%%02X", (unsigned char)*path);
        else pt_buf_char(&uri, *path);
    }
    pt_buf_cstr(&uri, "?immutable=1");
    char *name = pt_buf_take(&uri, NULL);
    sqlite3_close(a->db);
    a->db = NULL;
    pt_status st = name ? look(a, name, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, id, tables, err) : pt_fail(err, PT_ENOMEM, "out of memory");
    free(name);
    return st;
}

static pt_status open_file(const char *dir, int flags, host_audit **out, pt_error *err)
{
    char path[4200];
    int64_t id = 0, tables = 0;
    if (sodium_init() < 0) return pt_fail(err, PT_EIO, "audit.db: libsodium finds no source of random numbers");
    host_audit *a = calloc(1, sizeof *a);
    if (!a || pthread_mutex_init(&a->lock, NULL) != 0) {
        free(a);
        return pt_fail(err, PT_ENOMEM, "out of memory");
    }
    pt_status st = path_of(dir, path, err);
    if (st == PT_OK && !(flags & SQLITE_OPEN_CREATE) && access(path, F_OK) != 0)
        st = pt_fail(err, pt_status_from_errno(errno), "%s: %s", path, strerror(errno));
    else if (st == PT_OK) {
        st = look(a, path, flags, &id, &tables, err);
        if ((st == PT_EREADONLY || st == PT_EIO) && !(flags & SQLITE_OPEN_CREATE) && at_rest(path))
            st = look_immutable(a, path, &id, &tables, err);
    }
    if (st == PT_OK && tables == 0 && (flags & SQLITE_OPEN_CREATE)) {
        char sql[2000];
        snprintf(sql, sizeof sql, "BEGIN IMMEDIATE; %s COMMIT;", SCHEMA);
        st = exec(a->db, sql, err);
    } else if (st == PT_OK && id != APPLICATION_ID) {
        st = pt_fail(err, PT_ECORRUPT, "audit.db is not an audit of plantree");
    }
    if (st != PT_OK) {
        host_audit_close(a);
        return st;
    }
    *out = a;
    return PT_OK;
}

pt_status host_audit_read(const char *dir, host_audit **out, pt_error *err)
{
    return open_file(dir, SQLITE_OPEN_READONLY, out, err);
}

pt_status host_audit_open(const char *dir, host_audit **out, pt_error *err)
{
    host_audit *a = NULL;
    pt_status st = open_file(dir, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &a, err);
    if (st != PT_OK) return st;
    if (sqlite3_prepare_v2(a->db, "INSERT INTO audit(" COLUMNS ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)", -1, &a->insert,
                           NULL) != SQLITE_OK)
        st = fail(a->db, err);
    if (st == PT_OK) st = newest(a, err);
    if (st != PT_OK) {
        host_audit_close(a);
        return st;
    }
    *out = a;
    return PT_OK;
}

static pt_status sync_file(const char *path, pt_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    pt_status st = fd >= 0 && fsync(fd) == 0 ? PT_OK : pt_fail(err, pt_status_from_errno(errno), "%s: %s", path, strerror(errno));
    if (fd >= 0) close(fd);
    return st;
}

pt_status host_audit_copy(const char *dir, const char *dest, pt_error *err)
{
    char path[4200];
    host_audit *a = NULL;
    sqlite3_stmt *q = NULL;
    pt_status st = path_of(dest, path, err);
    if (st == PT_OK && access(path, F_OK) == 0) st = pt_fail(err, PT_EEXISTS, "%s is there already", path);
    if (st == PT_OK) st = host_audit_read(dir, &a, err);
    if (st != PT_OK) return st;
    if (sqlite3_prepare_v2(a->db, "VACUUM INTO ?1", -1, &q, NULL) != SQLITE_OK ||
        sqlite3_bind_text(q, 1, path, -1, SQLITE_STATIC) != SQLITE_OK || sqlite3_step(q) != SQLITE_DONE)
        st = fail(a->db, err);
    sqlite3_finalize(q);
    host_audit_close(a);
    if (st == PT_OK) st = sync_file(path, err);
    return st == PT_OK ? sync_file(dest, err) : st;
}

void host_audit_close(host_audit *a)
{
    if (!a) return;
    sqlite3_finalize(a->insert);
    sqlite3_close(a->db);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

static pt_status insert(host_audit *a, const host_audit_row *r, const unsigned char hash[HASH_LEN], pt_error *err)
{
    const pt_slice *texts[TEXTS];
    texts_of(r, texts);
    int rc = sqlite3_bind_int64(a->insert, 1, (int64_t)r->seq);
    if (rc == SQLITE_OK) rc = sqlite3_bind_int64(a->insert, 2, r->at_ms);
    for (int i = 0; rc == SQLITE_OK && i < TEXTS; i++)
        rc = sqlite3_bind_text(a->insert, 3 + i, texts[i]->len ? texts[i]->ptr : "", (int)texts[i]->len, SQLITE_STATIC);
    if (rc == SQLITE_OK) rc = sqlite3_bind_blob(a->insert, 3 + TEXTS, a->hash, HASH_LEN, SQLITE_STATIC);
    if (rc == SQLITE_OK) rc = sqlite3_bind_blob(a->insert, 4 + TEXTS, hash, HASH_LEN, SQLITE_STATIC);
    if (rc == SQLITE_OK) rc = sqlite3_step(a->insert);
    pt_status st = rc == SQLITE_DONE ? PT_OK : fail(a->db, err);
    sqlite3_reset(a->insert); /* says the same error again */
    sqlite3_clear_bindings(a->insert);
    return st;
}

pt_status host_audit_append(host_audit *a, const host_audit_row *row, pt_error *err)
{
    unsigned char hash[HASH_LEN];
    if (!a->insert) return pt_fail(err, PT_EREADONLY, "audit.db was opened to be read");
    pthread_mutex_lock(&a->lock);
    host_audit_row r = *row;
    pt_status st = exec(a->db, "BEGIN IMMEDIATE", err); /* another process may append, too: what it wrote comes before */
    if (st == PT_OK) st = newest(a, err);
    r.seq = a->seq + 1;
    if (st == PT_OK && chain(a->hash, &r, hash) != PT_OK) st = pt_fail(err, PT_ETOOBIG, "audit: a row of more than 1 MiB");
    if (st == PT_OK) st = insert(a, &r, hash, err);
    if (st == PT_OK) st = exec(a->db, "COMMIT", err);
    if (st == PT_OK) {
        a->seq = r.seq;
        memcpy(a->hash, hash, sizeof hash);
    } else if (!sqlite3_get_autocommit(a->db)) {
        (void)sqlite3_exec(a->db, "ROLLBACK", NULL, NULL, NULL); /* what went wrong is said already */
    }
    pthread_mutex_unlock(&a->lock);
    return st;
}

/* Ascending from behind `after`; `each` gets the statement too. */
static pt_status walk(host_audit *a, uint64_t after, uint32_t limit, bool (*each)(void *ctx, const host_audit_row *r, sqlite3_stmt *q),
                      void *ctx, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    pthread_mutex_lock(&a->lock);
    pt_status st =
        sqlite3_prepare_v2(a->db, "SELECT " COLUMNS " FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2", -1, &q, NULL) == SQLITE_OK
            ? PT_OK
            : fail(a->db, err);
    if (st == PT_OK && (sqlite3_bind_int64(q, 1, (int64_t)(after > INT64_MAX ? INT64_MAX : after)) != SQLITE_OK ||
                        sqlite3_bind_int64(q, 2, limit ? (int64_t)limit : -1) != SQLITE_OK))
        st = fail(a->db, err);
    int rc = SQLITE_DONE;
    while (st == PT_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        host_audit_row r = row_of(q);
        if (!each(ctx, &r, q)) break;
    }
    if (st == PT_OK && rc != SQLITE_ROW && rc != SQLITE_DONE) st = fail(a->db, err);
    sqlite3_finalize(q);
    pthread_mutex_unlock(&a->lock);
    return st;
}

typedef struct reader {
    bool (*each)(void *ctx, const host_audit_row *row);
    void *ctx;
} reader;

static bool read_row(void *ctx, const host_audit_row *r, sqlite3_stmt *q)
{
    reader *rd = ctx;
    (void)q;
    return rd->each(rd->ctx, r);
}

pt_status host_audit_each(host_audit *a, uint64_t after, uint32_t limit, bool (*each)(void *ctx, const host_audit_row *row), void *ctx,
                          pt_error *err)
{
    reader r = { each, ctx };
    return walk(a, after, limit, read_row, &r, err);
}

static void json_or_null(pt_json *j, const char *key, pt_slice json)
{
    pt_json_key(j, key);
    if (json.len) pt_json_raw(j, json);
    else pt_json_null(j);
}

void host_audit_row_json(pt_json *j, const host_audit_row *r)
{
    pt_json_object(j);
    pt_json_member_u64(j, "seq", r->seq);
    pt_json_member_i64(j, "time_ms", r->at_ms);
    pt_json_member_str(j, "principal", r->principal);
    pt_json_member_str(j, "auth_kind", r->auth_kind);
    pt_json_member_str(j, "address", r->address);
    pt_json_member_str(j, "action", r->action);
    pt_json_member_str(j, "object", r->object);
    json_or_null(j, "before", r->before);
    json_or_null(j, "after", r->after);
    pt_json_member_str(j, "reason", r->reason);
    pt_json_member_str(j, "outcome", r->outcome);
    pt_json_member_str(j, "request_id", r->request_id);
    pt_json_end_object(j);
}

void host_audit_verdict_json(pt_json *j, uint64_t rows, const char *newest_hash, const char *detail)
{
    pt_json_object(j);
    pt_json_member_bool(j, "whole", detail == NULL);
    pt_json_member_u64(j, "rows", rows);
    pt_json_member_cstr(j, "newest_hash", newest_hash);
    pt_json_member_cstr(j, "detail", detail);
    pt_json_end_object(j);
}

typedef struct verifier {
    uint64_t rows;
    unsigned char hash[HASH_LEN];
    bool broken;
    uint64_t seq;
    pt_status status;
} verifier;

static bool verify_row(void *ctx, const host_audit_row *r, sqlite3_stmt *q)
{
    verifier *v = ctx;
    unsigned char hash[HASH_LEN];
    v->status = chain(v->hash, r, hash);
    v->seq = r->seq;
    v->broken = v->status == PT_OK && (r->seq != v->rows + 1 || !pt_slice_eq(column(q, 12), pt_slice_of(v->hash, HASH_LEN)) ||
                                       !pt_slice_eq(column(q, 13), pt_slice_of(hash, HASH_LEN)));
    if (v->broken || v->status != PT_OK) return false;
    memcpy(v->hash, hash, sizeof hash);
    v->rows++;
    return true;
}

pt_status host_audit_verify(host_audit *a, uint64_t *rows, char hex[65], pt_error *err)
{
    verifier v = { .rows = 0 };
    pt_status st = walk(a, 0, 0, verify_row, &v, err);
    if (st == PT_OK) st = v.status;
    *rows = v.rows;
    for (unsigned i = 0; i < HASH_LEN; i++)
        snprintf(hex + 2 * i, 3, "%02x", v.hash[i]);
    if (st == PT_OK && v.broken)
        st = pt_fail(err, PT_ECORRUPT, "audit: row %llu is not what was written, or what stood before it is gone",
                     (unsigned long long)v.seq);
    return st;
}

/* The numbers of the rows that nothing follows. */
static pt_status find_open(host_audit *a, pt_slice action, pt_buf *seqs, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    int rc = SQLITE_ERROR;
    pthread_mutex_lock(&a->lock);
    if (sqlite3_prepare_v2(a->db,
                           "SELECT seq FROM audit WHERE action = ?1 AND outcome = 'requested' AND request_id NOT IN"
                           " (SELECT request_id FROM audit WHERE action = ?1 AND outcome <> 'requested') ORDER BY seq",
                           -1, &q, NULL) == SQLITE_OK &&
        sqlite3_bind_text(q, 1, action.ptr, (int)action.len, SQLITE_STATIC) == SQLITE_OK) {
        while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
            uint64_t seq = (uint64_t)sqlite3_column_int64(q, 0);
            pt_buf_add(seqs, &seq, sizeof seq);
        }
    }
    pt_status st = rc == SQLITE_DONE ? PT_OK : fail(a->db, err);
    sqlite3_finalize(q);
    pthread_mutex_unlock(&a->lock);
    if (st == PT_OK && pt_buf_status(seqs) != PT_OK) st = pt_fail(err, pt_buf_status(seqs), "audit: too many open rows");
    return st;
}

typedef struct copied_row {
    pt_arena arena;
    host_audit_row row;
    bool ok;
} copied_row;

static bool copy_row(void *ctx, const host_audit_row *r)
{
    copied_row *c = ctx;
    const pt_slice *texts[TEXTS];
    c->row = *r;
    texts_of(&c->row, texts);
    c->ok = true;
    for (int i = 0; i < TEXTS; i++) {
        pt_slice *text = (pt_slice *)(uintptr_t)texts[i]; /* of c->row, which is ours */
        *text = pt_arena_dup(&c->arena, *text);
        c->ok = c->ok && text->ptr;
    }
    return false;
}

pt_status host_audit_close_open(host_audit *a, pt_slice action, pt_slice outcome, int64_t at_ms, uint64_t *n, pt_error *err)
{
    pt_buf seqs;
    copied_row c = { .ok = false };
    *n = 0;
    pt_buf_init(&seqs, 64u << 20);
    pt_arena_init(&c.arena, 4u << 20);
    pt_status st = find_open(a, action, &seqs, err);
    for (size_t at = 0; st == PT_OK && at < seqs.len; at += sizeof(uint64_t)) {
        uint64_t seq;
        memcpy(&seq, seqs.ptr + at, sizeof seq);
        pt_arena_reset(&c.arena);
        c.ok = false;
        st = host_audit_each(a, seq - 1, 1, copy_row, &c, err);
        if (st == PT_OK && !c.ok) st = pt_fail(err, PT_ENOMEM, "out of memory");
        c.row.at_ms = at_ms;
        c.row.outcome = outcome;
        if (st == PT_OK) st = host_audit_append(a, &c.row, err);
        if (st == PT_OK) (*n)++;
    }
    pt_arena_fini(&c.arena);
    pt_buf_fini(&seqs);
    return st;
}

bool host_audit_note(host_audit *a, const pt_clock *clock, const pt_log *log, pt_slice address, const char *action, pt_slice object,
                     const char *outcome)
{
    pt_error err = { 0, "" };
    host_audit_row row = { .at_ms = pt_wall_ms(clock),
                           .principal = address.len ? PT_LIT("anonymous") : PT_LIT("system"),
                           .auth_kind = PT_LIT("none"),
                           .address = address,
                           .action = pt_cstr(action),
                           .object = object,
                           .outcome = pt_cstr(outcome) };
    pt_status st = host_audit_append(a, &row, &err);
    if (st != PT_OK) pt_logf(log, PT_LOG_ERROR, "HOST-AUDIT", "%s of %.*s: %s", action, PT_SLICE_ARGS(object), err.text);
    return st == PT_OK;
}
