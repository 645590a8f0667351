/* historian/files/db.c -- opening files, schema, translation of SQLite's results. */
#include "historian/files/db.h"
#include "historian/files/pages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "PTc1" "PTj1" "PTb1": what `file` shows and what tells our files from others. */
static const int32_t APPLICATION[] = { [HIST__CATALOG] = 0x50546331, [HIST__JOURNAL] = 0x50546a31, [HIST__PARTITION] = 0x50546231 };
static const int PAGE_SIZE[] = { [HIST__CATALOG] = 4096, [HIST__JOURNAL] = 4096, [HIST__PARTITION] = 16384 };
static const int CHECKPOINT_PAGES[] = { [HIST__CATALOG] = 1000, [HIST__JOURNAL] = 8192, [HIST__PARTITION] = 2048 };

static const char *const SCHEMA[] = {
    [HIST__CATALOG] =
        "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
        "CREATE TABLE tag(tag_id INTEGER PRIMARY KEY, source TEXT NOT NULL, group_id TEXT NOT NULL, edge TEXT NOT NULL, device TEXT NOT NULL,"
        " metric TEXT NOT NULL, path TEXT NOT NULL, type INTEGER NOT NULL, unit TEXT NOT NULL, created_ms INTEGER NOT NULL);"
        "CREATE TABLE tag_path(tag_id INTEGER NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER, path TEXT NOT NULL,"
        " PRIMARY KEY(tag_id, from_ms)) WITHOUT ROWID;"
        "CREATE INDEX tag_path_path ON tag_path(path, from_ms);"
        "CREATE TABLE tag_meta(tag_id INTEGER NOT NULL, from_ms INTEGER NOT NULL, type INTEGER NOT NULL, unit TEXT NOT NULL,"
        " PRIMARY KEY(tag_id, from_ms)) WITHOUT ROWID;"
        "CREATE TABLE event(seq INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, type TEXT NOT NULL, node TEXT, device TEXT, path TEXT, detail TEXT);"
        "CREATE INDEX event_time ON event(time_ms);"
        "INSERT INTO meta VALUES('tag_generation', 0);",
    [HIST__JOURNAL] =
        "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
        "CREATE TABLE journal(id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, n INTEGER NOT NULL, wall_ms INTEGER NOT NULL, data BLOB NOT NULL);"
        "INSERT INTO meta VALUES('sealed_id', 0);"
        "INSERT INTO meta VALUES('next_seq', 1);",
    [HIST__PARTITION] =
        "CREATE TABLE block(tag_id INTEGER NOT NULL, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, id INTEGER NOT NULL, bytes INTEGER NOT NULL,"
        " rows INTEGER NOT NULL, samples INTEGER NOT NULL, good INTEGER NOT NULL, uncertain INTEGER NOT NULL, bad INTEGER NOT NULL,"
        " stale INTEGER NOT NULL, nulls INTEGER NOT NULL, nums INTEGER NOT NULL, open INTEGER NOT NULL,"
        " num_after INTEGER, num_before INTEGER, min REAL, max REAL, sum REAL, first REAL, last REAL, m2 REAL, area REAL, area_ms INTEGER,"
        " PRIMARY KEY(tag_id, t0)) WITHOUT ROWID;"
        "CREATE TABLE data(id INTEGER PRIMARY KEY, data BLOB NOT NULL);"
        "CREATE TABLE tag_stat(tag_id INTEGER PRIMARY KEY, first_ms INTEGER, last_ms INTEGER, max_ms INTEGER NOT NULL,"
        " samples INTEGER NOT NULL, rows INTEGER NOT NULL, blocks INTEGER NOT NULL, bytes INTEGER NOT NULL);"
        "CREATE TABLE damaged(id INTEGER PRIMARY KEY, tag_id INTEGER, t0 INTEGER, t1 INTEGER, reason TEXT, data BLOB);"
        "CREATE TABLE left_out(tag_id INTEGER PRIMARY KEY, exception INTEGER NOT NULL, compression INTEGER NOT NULL);",
};

/* The writer brings an older file forward when it opens it; readers know all formats. PAGES is the one from which on every page has a
 * checksum: for that catalogue and journal, which are small, are written anew. A partition is not: it stays in format 2 until a repair
 * writes it anew, or its week is over. */
static const int FORMAT[] = { [HIST__CATALOG] = 2, [HIST__JOURNAL] = 3, [HIST__PARTITION] = 3 };
static const int PAGES[] = { [HIST__CATALOG] = 2, [HIST__JOURNAL] = 3, [HIST__PARTITION] = 3 };
static const int FORWARD_TO[] = { [HIST__CATALOG] = 2, [HIST__JOURNAL] = 3, [HIST__PARTITION] = 2 };
static const char *const FORWARD[] = {
    [HIST__CATALOG] = "",
    [HIST__JOURNAL] = "", /* rows may be packed; and pages that are no longer used can be given back */
    [HIST__PARTITION] = "CREATE TABLE left_out(tag_id INTEGER PRIMARY KEY, exception INTEGER NOT NULL, compression INTEGER NOT NULL);",
};

int32_t hist__application(hist__file kind)
{
    return APPLICATION[kind];
}

int hist__format(hist__file kind)
{
    return FORMAT[kind];
}

static pt_status translate(sqlite3 *db, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return PT_OK;
    case SQLITE_FULL: return PT_ENOSPC;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return PT_EREADONLY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return PT_ECORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return PT_EBUSY;
    case SQLITE_NOMEM: return PT_ENOMEM;
    case SQLITE_TOOBIG: return PT_ETOOBIG;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR: {
        if (rc == SQLITE_IOERR_DATA) return PT_ECORRUPT;
        int os = db ? sqlite3_system_errno(db) : 0;
        if ((rc & 0xff) == SQLITE_IOERR && rc == SQLITE_IOERR_NOMEM) return PT_ENOMEM;
        pt_status st = os ? pt_status_from_errno(os) : PT_EIO;
        return st == PT_EEXISTS ? PT_EIO : st;
    }
    default: return PT_EIO;
    }
}

pt_status hist__db_fail(sqlite3 *db, pt_error *err, const char *what)
{
    int rc = db ? sqlite3_extended_errcode(db) : SQLITE_NOMEM;
    pt_status st = translate(db, rc);
    if (st == PT_OK) st = PT_EIO;
    if (rc == SQLITE_IOERR_DATA) {
        const char *file = sqlite3_db_filename(db, "main");
        return pt_fail(err, st, "%s: page %lld is not what was written there (its checksum is wrong); see `plantree verify --repair`",
                       file && *file ? file : what, (long long)hist__pages_damaged(db));
    }
    return pt_fail(err, st, "%s: %s (SQLite %d)", what, db ? sqlite3_errmsg(db) : "out of memory", rc);
}

pt_status hist__db_exec(sqlite3 *db, const char *sql, pt_error *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? PT_OK : hist__db_fail(db, err, sql);
}

pt_status hist__db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, pt_error *err)
{
    return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK ? PT_OK : hist__db_fail(db, err, sql);
}

pt_status hist__db_step(sqlite3 *db, sqlite3_stmt *stmt, bool *row, pt_error *err)
{
    int rc = sqlite3_step(stmt);
    *row = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW) return PT_OK;
    pt_status st = rc == SQLITE_DONE ? PT_OK : hist__db_fail(db, err, sqlite3_sql(stmt));
    sqlite3_reset(stmt); /* repeats the step's error, which we have */
    return st;
}

pt_status hist__db_run(sqlite3 *db, sqlite3_stmt *stmt, pt_error *err)
{
    bool row = false;
    pt_status st = hist__db_step(db, stmt, &row, err);
    if (row) sqlite3_reset(stmt);
    return st;
}

pt_status hist__db_number(sqlite3 *db, const char *sql, int64_t *out, pt_error *err)
{
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    pt_status st = hist__db_prepare(db, sql, &stmt, err);
    if (st == PT_OK) st = hist__db_step(db, stmt, &row, err);
    if (st == PT_OK && !row) st = pt_fail(err, PT_EEMPTY, "%s: no row", sql);
    if (st == PT_OK) *out = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return st;
}

pt_status hist__db_bind_slice(sqlite3_stmt *stmt, int at, pt_slice s)
{
    int rc = s.ptr ? sqlite3_bind_text64(stmt, at, s.ptr, s.len, SQLITE_STATIC, SQLITE_UTF8) : sqlite3_bind_null(stmt, at);
    return rc == SQLITE_OK ? PT_OK : rc == SQLITE_TOOBIG ? PT_ETOOBIG : PT_ENOMEM;
}

pt_slice hist__db_slice(sqlite3_stmt *stmt, int column)
{
    const void *text = sqlite3_column_text(stmt, column);
    return text ? pt_slice_of(text, (size_t)sqlite3_column_bytes(stmt, column)) : PT_NONE;
}

static pt_status create(sqlite3 *db, hist__file kind, pt_error *err)
{
    char sql[160];
    snprintf(sql, sizeof sql, "PRAGMA page_size=%d; PRAGMA auto_vacuum=%s; PRAGMA journal_mode=WAL; BEGIN IMMEDIATE;", PAGE_SIZE[kind],
             kind == HIST__JOURNAL ? "INCREMENTAL" : "NONE");
    if (hist__pages_reserve(db) != SQLITE_OK) return hist__db_fail(db, err, "reserving bytes");
    pt_status st = hist__db_exec(db, sql, err);
    if (st != PT_OK) return st;
    st = hist__db_exec(db, SCHEMA[kind], err);
    snprintf(sql, sizeof sql, "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT;", APPLICATION[kind], FORMAT[kind]);
    if (st == PT_OK) st = hist__db_exec(db, sql, err);
    if (st != PT_OK && sqlite3_get_autocommit(db) == 0) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return st;
}

static pt_status bring_forward(sqlite3 *db, hist__file kind, pt_error *err)
{
    int64_t version = 0;
    int to = FORWARD_TO[kind];
    if (to == PAGES[kind]) {
        /* Written anew. If there is no room for that the file stays in the format it has; that is no reason not to record. */
        int rc = hist__pages_reserve(db);
        if (rc == SQLITE_OK && kind == HIST__JOURNAL) rc = sqlite3_exec(db, "PRAGMA auto_vacuum=INCREMENTAL", NULL, NULL, NULL);
        if (rc == SQLITE_OK) rc = sqlite3_exec(db, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
        if (rc == SQLITE_NOMEM) return pt_fail(err, PT_ENOMEM, "out of memory");
        if (rc != SQLITE_OK || !hist__pages_reserved(db)) return PT_OK;
    }
    pt_status st = hist__db_exec(db, "BEGIN IMMEDIATE", err);
    if (st == PT_OK) st = hist__db_number(db, "PRAGMA user_version", &version, err); /* another process may have been faster */
    if (st == PT_OK && version < to) st = hist__db_exec(db, FORWARD[kind], err);
    char sql[60];
    snprintf(sql, sizeof sql, "PRAGMA user_version=%d; COMMIT;", to);
    if (st == PT_OK) st = hist__db_exec(db, sql, err);
    if (st != PT_OK && sqlite3_get_autocommit(db) == 0) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return st;
}

/* Ours, in a format we know? An empty file (created, never written) counts as absent. */
static pt_status check_format(sqlite3 *db, const char *path, hist__file kind, bool *empty, bool *older, pt_error *err)
{
    int64_t application = 0, version = 0, tables = 0;
    /* One snapshot: a writer may be creating the file between two of these. */
    pt_status st = hist__db_exec(db, "BEGIN", err);
    if (st != PT_OK) return st;
    st = hist__db_number(db, "SELECT count(*) FROM sqlite_master", &tables, err);
    if (st == PT_OK) st = hist__db_number(db, "PRAGMA application_id", &application, err);
    if (st == PT_OK) st = hist__db_number(db, "PRAGMA user_version", &version, err);
    pt_status end = hist__db_exec(db, "COMMIT", st == PT_OK ? err : NULL);
    if (st == PT_OK) st = end;
    if (st != PT_OK) return st;
    *empty = application == 0 && version == 0 && tables == 0;
    if (*empty) return PT_OK;
    if (application != APPLICATION[kind])
        return pt_fail(err, PT_ECORRUPT, "%s: not the file it should be (application_id %lld)", path, (long long)application);
    if (version < 1 || version > FORMAT[kind])
        return pt_fail(err, PT_EUNSUPPORTED, "%s: format %lld, this build knows 1 to %d", path, (long long)version, FORMAT[kind]);
    if (version >= PAGES[kind] && !hist__pages_reserved(db))
        return pt_fail(err, PT_ECORRUPT, "%s: format %lld, but its pages have no room for a checksum", path, (long long)version);
    *older = version < FORWARD_TO[kind];
    return PT_OK;
}

static pt_status open_flags(const char *name, int flags, sqlite3 **db, pt_error *err)
{
    int rc = hist__pages_open(name, db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE);
    if (rc == SQLITE_OK) {
        sqlite3_busy_timeout(*db, 5000);
        return PT_OK;
    }
    pt_status st = hist__db_fail(*db, err, name);
    hist__db_close(*db);
    *db = NULL;
    return st;
}

/* "file:" URI of a path, with `immutable=1`: for media on which no -shm file can be made. */
static void immutable_uri(const char *path, char out[1200])
{
    static const char plain[] = "/._-+,=@";
    size_t at = (size_t)snprintf(out, 1200, "file:");
    for (const char *p = path; *p && at < 1160; p++) {
        bool keep = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr(plain, *p);
        at += (size_t)snprintf(out + at, 1200 - at, keep ? "%c" : "%%%02X", (unsigned char)*p);
    }
    snprintf(out + at, 1200 - at, "?immutable=1");
}

pt_status hist__db_open(const char *path, hist__file kind, bool read_only, sqlite3 **out, pt_error *err)
{
    sqlite3 *db = NULL;
    bool empty = false, older = false;
    pt_status st;
    if (read_only) {
        if (access(path, F_OK) != 0) return pt_fail(err, PT_ENOTFOUND, "%s: no such file", path);
        st = open_flags(path, SQLITE_OPEN_READONLY, &db, err);
        if (st == PT_OK) st = check_format(db, path, kind, &empty, &older, err);
        char wal[1100];
        if ((st == PT_EREADONLY || st == PT_EIO || st == PT_ENOTFOUND) && strlen(path) < 1000 &&
            (snprintf(wal, sizeof wal, "%s-wal", path), access(wal, F_OK) != 0)) {
            char uri[1200];
            immutable_uri(path, uri);
            hist__db_close(db);
            st = open_flags(uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, &db, err);
            if (st == PT_OK) st = check_format(db, path, kind, &empty, &older, err);
        }
        if (st == PT_OK && empty) st = pt_fail(err, PT_ENOTFOUND, "%s: empty", path);
    } else {
        st = open_flags(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db, err);
        if (st == PT_OK) st = check_format(db, path, kind, &empty, &older, err);
        if (st == PT_OK && empty) st = create(db, kind, err);
        else if (st == PT_OK && older) st = bring_forward(db, kind, err);
        if (st == PT_OK) {
            char sql[128];
            snprintf(sql, sizeof sql, "PRAGMA wal_autocheckpoint=%d; PRAGMA journal_size_limit=67108864;", CHECKPOINT_PAGES[kind]);
            st = hist__db_exec(db, sql, err);
        }
    }
    if (st != PT_OK) {
        hist__db_close(db);
        return st;
    }
    *out = db;
    return PT_OK;
}

char *hist__path_in(const char *dir, const char *name)
{
    size_t size = strlen(dir) + strlen(name) + 2;
    char *path = malloc(size);
    if (path) snprintf(path, size, "%s/%s", dir, name);
    return path;
}

void hist__db_close(sqlite3 *db)
{
    if (db) sqlite3_close_v2(db);
}

pt_status hist__db_synchronous(sqlite3 *db, unsigned synchronous, pt_error *err)
{
    static const char *const sync[] = { "PRAGMA synchronous=FULL", "PRAGMA synchronous=NORMAL", "PRAGMA synchronous=OFF" };
    return hist__db_exec(db, sync[synchronous], err);
}

pt_status hist__db_open_writer(const char *dir, const char *name, hist__file kind, unsigned synchronous, sqlite3 **out, pt_error *err)
{
    char *path = hist__path_in(dir, name);
    pt_status st = path ? hist__db_open(path, kind, false, out, err) : pt_fail(err, PT_ENOMEM, "out of memory");
    free(path);
    return st == PT_OK ? hist__db_synchronous(*out, synchronous, err) : st;
}
