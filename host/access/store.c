/* host/access/store.c -- one file, its statements, and the sums that let no flipped bit become a right. */
#include "host/access/store.h"
#include "host/access/copy.h"

#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { APPLICATION_ID = 0x50546331, /* "PTc1" */ VERSION = 1, BUSY_MS = 5000, SUM_LEN = 16, PATH_LEN = 4200 };

/* A trigger seals each row that is written, so no statement can forget to. */
#define SEALED(table, columns)                                                                                                 \
    "CREATE TRIGGER " table "_made AFTER INSERT ON " table " BEGIN UPDATE " table " SET sum=row_sum('" table "'," columns      \
    ") WHERE rowid=new.rowid; END;"                                                                                            \
    "CREATE TRIGGER " table "_changed AFTER UPDATE OF " columns " ON " table " BEGIN UPDATE " table " SET sum=row_sum('" table \
    "'," columns ") WHERE rowid=new.rowid; END;"

static const char SCHEMA[] = "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL, sum BLOB);" SEALED(
    "meta",
    ACCESS__META) "CREATE TABLE user(name TEXT PRIMARY KEY, hash TEXT NOT NULL, disabled INTEGER NOT NULL, created INTEGER NOT NULL,"
                  " last_login INTEGER NOT NULL, groups TEXT NOT NULL, tenants TEXT NOT NULL, sum BLOB);" SEALED(
                      "user",
                      ACCESS__USER) "CREATE TABLE right(id INTEGER PRIMARY KEY AUTOINCREMENT, to_group INTEGER NOT NULL, name TEXT NOT NULL, role INTEGER NOT NULL,"
                                    " paths TEXT NOT NULL, created INTEGER NOT NULL, sum BLOB);"
                                    "CREATE INDEX right_name ON right(name);" SEALED("right", ACCESS__RIGHT) "CREATE TABLE tenant(name TEXT PRIMARY KEY, paths TEXT NOT NULL, sum BLOB);" SEALED(
                                        "tenant",
                                        ACCESS__TENANT) "CREATE TABLE token(id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, hash BLOB NOT NULL, note TEXT NOT NULL,"
                                                        " role INTEGER NOT NULL, paths TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL, used INTEGER NOT NULL, sum BLOB);"
                                                        "CREATE INDEX token_owner ON token(owner);" SEALED(
                                                            "token",
                                                            ACCESS__TOKEN) "CREATE TABLE session(hash BLOB PRIMARY KEY, kind INTEGER NOT NULL, name TEXT NOT NULL, facts TEXT NOT NULL, created INTEGER NOT NULL,"
                                                                           " seen INTEGER NOT NULL, address TEXT NOT NULL, sum BLOB);"
                                                                           "CREATE INDEX session_name ON session(name);" SEALED(
                                                                               "session",
                                                                               ACCESS__SESSION) "INSERT INTO meta(key,value) VALUES('users-made','0');";

static const char *const SUMS[] = {
    "SELECT count(*) FROM meta WHERE" ACCESS__IS_META,   "SELECT count(*) FROM user WHERE" ACCESS__IS_USER,
    "SELECT count(*) FROM right WHERE" ACCESS__IS_RIGHT, "SELECT count(*) FROM tenant WHERE" ACCESS__IS_TENANT,
    "SELECT count(*) FROM token WHERE" ACCESS__IS_TOKEN, "SELECT count(*) FROM session WHERE" ACCESS__IS_SESSION,
};

/* ---- sums ------------------------------------------------------------------------------------------------------- */

/* Type, length and bytes of each value, so that no two rows have the same text. */
static void sum_of(int n, sqlite3_value **v, unsigned char out[SUM_LEN])
{
    crypto_generichash_state h;
    (void)crypto_generichash_init(&h, NULL, 0, SUM_LEN); /* fails for lengths that make no sense only */
    for (int i = 0; i < n; i++) {
        int type = sqlite3_value_type(v[i]);
        const unsigned char *bytes = sqlite3_value_blob(v[i]); /* before the length */
        uint64_t head[2] = { (uint64_t)type, (uint64_t)sqlite3_value_bytes(v[i]) };
        for (int k = 0; k < 2; k++) {
            unsigned char le[8];
            for (unsigned b = 0; b < 8; b++)
                le[b] = (unsigned char)(head[k] >> 8 * b);
            (void)crypto_generichash_update(&h, le, sizeof le);
        }
        if (bytes && head[1]) (void)crypto_generichash_update(&h, bytes, head[1]);
    }
    (void)crypto_generichash_final(&h, out, SUM_LEN);
}

static void row_sum(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    unsigned char sum[SUM_LEN];
    sum_of(n, v, sum);
    sqlite3_result_blob(ctx, sum, SUM_LEN, SQLITE_TRANSIENT);
}

static void intact(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    unsigned char sum[SUM_LEN];
    char text[100];
    sum_of(n - 1, v + 1, sum);
    const void *kept = sqlite3_value_blob(v[0]);
    if (kept && sqlite3_value_bytes(v[0]) == SUM_LEN && memcmp(kept, sum, SUM_LEN) == 0) {
        sqlite3_result_int(ctx, 1);
        return;
    }
    snprintf(text, sizeof text, "a row of the table '%.40s' is damaged", (const char *)sqlite3_value_text(v[1]));
    sqlite3_result_error(ctx, text, -1);
    sqlite3_result_error_code(ctx, SQLITE_CORRUPT);
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

pt_status access__store_fail(const access__store *s, pt_error *err)
{
    int rc = s->db ? sqlite3_extended_errcode(s->db) : SQLITE_NOMEM, os = s->db ? sqlite3_system_errno(s->db) : 0;
    pt_status st = PT_EIO;
    switch (rc & 0xff) {
    case SQLITE_FULL: st = PT_ENOSPC; break;
    case SQLITE_READONLY:
    case SQLITE_PERM: st = PT_EREADONLY; break;
    case SQLITE_ERROR: /* a statement that does not fit what is in the file: our own statements fit what was made */
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: st = PT_ECORRUPT; break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: st = PT_EBUSY; break;
    case SQLITE_NOMEM: st = PT_ENOMEM; break;
    default:
        if (os) st = pt_status_from_errno(os);
        if (st == PT_EEXISTS || st == PT_ENOTFOUND) st = PT_EIO; /* not for SQLite to say */
    }
    return pt_fail(err, st, "access.db: %s (SQLite %d)", s->db ? sqlite3_errmsg(s->db) : "out of memory", rc);
}

static pt_status exec(access__store *s, const char *sql, pt_error *err)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? PT_OK : access__store_fail(s, err);
}

static pt_status connect(access__store *s, const char *path, pt_error *err)
{
    if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
        sqlite3_create_function(s->db, "row_sum", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, row_sum, NULL, NULL) != SQLITE_OK ||
        sqlite3_create_function(s->db, "intact", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, intact, NULL, NULL) != SQLITE_OK)
        return access__store_fail(s, err);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    pt_map_init(&s->statements, PT_MAP_U64_KEYS);
    return PT_OK;
}

/* An empty file of mode 0600. Made by root for another's directory it is that one's, as SQLite does with the files beside it. */
static pt_status touch(const char *path, const char *dir, pt_error *err)
{
    struct stat owner;
    (void)unlink(path);
    int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return pt_fail_errno(err, errno, path);
    bool ok = geteuid() != 0 || (stat(dir, &owner) == 0 && fchown(fd, owner.st_uid, owner.st_gid) == 0);
    int why = errno;
    close(fd);
    return ok ? PT_OK : pt_fail_errno(err, why, path);
}

/* Whole or not at all: made beside, then linked into place. Another who was faster has made it. */
static pt_status make_file(const char *dir, const char *path, pt_error *err)
{
    char beside[PATH_LEN + 40];
    access__store s = { 0 };
    char version[100];
    snprintf(beside, sizeof beside, "%s.new.%ld", path, (long)getpid());
    snprintf(version, sizeof version, "PRAGMA application_id=%d; PRAGMA user_version=%d;", APPLICATION_ID, VERSION);
    pt_status st = touch(beside, dir, err);
    if (st != PT_OK) return st;
    st = connect(&s, beside, err);
    if (st == PT_OK) st = exec(&s, "PRAGMA synchronous=FULL; BEGIN;", err);
    if (st == PT_OK) st = exec(&s, SCHEMA, err);
    if (st == PT_OK) st = exec(&s, version, err);
    if (st == PT_OK) st = exec(&s, "COMMIT;", err);
    access__store_close(&s);
    if (st == PT_OK && link(beside, path) != 0 && errno != EEXIST) st = pt_fail_errno(err, errno, path);
    (void)unlink(beside);
    return st == PT_OK ? pt_folder_sync(dir, err) : st;
}

static pt_status one_number(access__store *s, const char *sql, int64_t *out, pt_error *err)
{
    return access__count(s, err, out, sql, "");
}

/* All that the file's tables are, as one text. */
static pt_status schema_of(access__store *s, pt_buf *out, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    bool got = false;
    pt_status st = access__ask(s, err, &q, "SELECT type||' '||name||' '||coalesce(sql,'') FROM sqlite_schema ORDER BY type,name", "");
    while (st == PT_OK && (st = access__next(s, q, &got, err)) == PT_OK && got) {
        pt_buf_slice(out, access__text(q, 0));
        pt_buf_char(out, '\n');
    }
    access__end(q);
    return st;
}

static pt_status check_schema(access__store *s, pt_error *err)
{
    access__store fresh = { 0 };
    pt_buf is, should;
    pt_buf_init(&is, 1 << 20);
    pt_buf_init(&should, 1 << 20);
    pt_status st = connect(&fresh, ":memory:", err);
    if (st == PT_OK) st = exec(&fresh, SCHEMA, err);
    if (st == PT_OK) st = schema_of(&fresh, &should, err);
    if (st == PT_OK) st = schema_of(s, &is, err);
    if (st == PT_OK && !pt_slice_eq(pt_buf_view(&is), pt_buf_view(&should)))
        st = pt_fail(err, PT_ECORRUPT, "access.db is damaged: its tables are not those that were made");
    pt_buf_fini(&is);
    pt_buf_fini(&should);
    access__store_close(&fresh);
    return st;
}

static pt_status check_structure(access__store *s, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    bool got = false;
    pt_status st = access__ask(s, err, &q, "PRAGMA integrity_check(1)", "");
    if (st == PT_OK) st = access__next(s, q, &got, err);
    if (st == PT_OK && !(got && pt_slice_eq_cstr(access__text(q, 0), "ok")))
        st = pt_fail(err, PT_ECORRUPT, "access.db is damaged: %.100s", got ? (const char *)sqlite3_column_text(q, 0) : "");
    access__end(q);
    return st;
}

static pt_status check_all(access__store *s, pt_error *err)
{
    int64_t id = 0, version = 0, n = 0;
    pt_status st = one_number(s, "PRAGMA application_id", &id, err);
    if (st == PT_OK) st = one_number(s, "PRAGMA user_version", &version, err);
    if (st == PT_OK && id != APPLICATION_ID) st = pt_fail(err, PT_ECORRUPT, "access.db is damaged, or not one of plantree");
    if (st == PT_OK && version != VERSION)
        st = pt_fail(err, PT_ECORRUPT, "access.db is of version %lld, this program knows %d", (long long)version, VERSION);
    if (st == PT_OK) st = check_schema(s, err);
    if (st == PT_OK) st = check_structure(s, err);
    for (size_t i = 0; st == PT_OK && i < PT_COUNT_OF(SUMS); i++)
        st = one_number(s, SUMS[i], &n, err);
    if (st == PT_OK) st = one_number(s, "SELECT count(*) FROM meta WHERE key='users-made'", &n, err);
    if (st == PT_OK && n != 1) st = pt_fail(err, PT_ECORRUPT, "access.db is damaged: it does not say whether there were users");
    return st;
}

static pt_status check_file(const char *path, pt_error *err)
{
    struct stat f;
    if (stat(path, &f) != 0) return pt_fail_errno(err, errno, path);
    if (f.st_size == 0) return pt_fail(err, PT_ECORRUPT, "%s is empty: it is damaged; nobody is let in by it", path);
    if (f.st_mode & 077)
        return pt_fail(err, PT_EREFUSED, "%s can be read or written by others (mode %04o): chmod 600 it", path,
                       (unsigned)f.st_mode & 07777);
    return PT_OK;
}

pt_status access__store_open(const char *dir, bool make, access__store *s, pt_error *err)
{
    char path[PATH_LEN];
    pt_error why = { 0 };
    *s = (access__store){ 0 };
    if (sodium_init() < 0) return pt_fail(err, PT_EIO, "access.db: libsodium finds no source of random numbers");
    if (snprintf(path, sizeof path, "%s/access.db", dir) >= (int)sizeof path)
        return pt_fail(err, PT_ETOOBIG, "the path of access.db is too long");
    pt_status st = check_file(path, &why);
    if (st == PT_ENOTFOUND && make) {
        st = make_file(dir, path, &why);
        if (st == PT_OK) st = check_file(path, &why);
    }
    if (st == PT_OK) st = connect(s, path, &why);
    if (st == PT_OK) st = exec(s, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cell_size_check=ON;", &why);
    if (st == PT_OK) st = check_all(s, &why);
    bool changed;
    if (st == PT_OK) st = access__changed(s, &changed, &why);
    if (st == PT_OK) return PT_OK;
    access__store_close(s);
    return pt_fail(err, st, "%s", why.text);
}

/* Into `path`, made before with its mode. */
static pt_status copy_into(access__store *s, const char *path, pt_error *err)
{
    access__store copy = { 0 };
    pt_status st = access__do(s, err, NULL, "VACUUM INTO ?1", "t", pt_cstr(path));
    if (st != PT_OK) return st;
    st = connect(&copy, path, err);
    if (st == PT_OK) st = exec(&copy, "PRAGMA synchronous=FULL; DELETE FROM session; VACUUM;", err);
    access__store_close(&copy);
    return st;
}

pt_status access_copy(const char *dir, const char *dest, pt_error *err)
{
    char path[PATH_LEN];
    access__store s;
    if (snprintf(path, sizeof path, "%s/access.db", dest) >= (int)sizeof path)
        return pt_fail(err, PT_ETOOBIG, "the path of access.db is too long");
    if (access(path, F_OK) == 0) return pt_fail(err, PT_EEXISTS, "%s is there already", path);
    pt_status st = access__store_open(dir, false, &s, err);
    if (st != PT_OK) return st;
    st = touch(path, dest, err);
    if (st == PT_OK) {
        st = copy_into(&s, path, err);
        if (st != PT_OK) (void)unlink(path);
    }
    access__store_close(&s);
    return st == PT_OK ? pt_folder_sync(dest, err) : st;
}

void access__store_close(access__store *s)
{
    size_t it = 0;
    pt_slice key;
    uint64_t number = 0, value = 0;
    while (s->db && pt_map_each(&s->statements, &it, &key, &number, &value))
        sqlite3_finalize((sqlite3_stmt *)(uintptr_t)value);
    pt_map_fini(&s->statements);
    sqlite3_close(s->db);
    *s = (access__store){ 0 };
}

/* ---- statements ------------------------------------------------------------------------------------------------- */

static pt_status prepared(access__store *s, const char *sql, sqlite3_stmt **q, pt_error *err)
{
    uint64_t kept = 0;
    if (pt_map_get_u64(&s->statements, (uintptr_t)sql, &kept)) {
        *q = (sqlite3_stmt *)(uintptr_t)kept;
        return PT_OK;
    }
    if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, q, NULL) != SQLITE_OK) return access__store_fail(s, err);
    if (pt_map_put_u64(&s->statements, (uintptr_t)sql, (uintptr_t)*q, NULL) == PT_OK) return PT_OK;
    sqlite3_finalize(*q);
    *q = NULL;
    return pt_fail(err, PT_ENOMEM, "out of memory");
}

static pt_status ask(access__store *s, pt_error *err, sqlite3_stmt **q, const char *sql, const char *kinds, va_list ap)
{
    pt_status st = prepared(s, sql, q, err);
    int rc = SQLITE_OK;
    for (int i = 1; st == PT_OK && rc == SQLITE_OK && kinds[i - 1]; i++) {
        if (kinds[i - 1] == 'i') {
            rc = sqlite3_bind_int64(*q, i, va_arg(ap, int64_t));
            continue;
        }
        pt_slice text = va_arg(ap, pt_slice);
        rc = kinds[i - 1] == 't' ? sqlite3_bind_text64(*q, i, text.ptr ? text.ptr : "", text.len, SQLITE_STATIC, SQLITE_UTF8)
                                 : sqlite3_bind_blob64(*q, i, text.ptr ? text.ptr : "", text.len, SQLITE_STATIC);
    }
    if (rc == SQLITE_OK) return st;
    st = access__store_fail(s, err);
    access__end(*q);
    *q = NULL;
    return st;
}

pt_status access__ask(access__store *s, pt_error *err, sqlite3_stmt **q, const char *sql, const char *kinds, ...)
{
    va_list ap;
    va_start(ap, kinds);
    pt_status st = ask(s, err, q, sql, kinds, ap);
    va_end(ap);
    return st;
}

pt_status access__next(access__store *s, sqlite3_stmt *q, bool *got, pt_error *err)
{
    int rc = sqlite3_step(q);
    *got = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? PT_OK : access__store_fail(s, err);
}

void access__end(sqlite3_stmt *q)
{
    if (!q) return;
    sqlite3_reset(q); /* says an error of the step again */
    sqlite3_clear_bindings(q);
}

pt_status access__do(access__store *s, pt_error *err, int *changes, const char *sql, const char *kinds, ...)
{
    sqlite3_stmt *q = NULL;
    bool got = true;
    va_list ap;
    va_start(ap, kinds);
    pt_status st = ask(s, err, &q, sql, kinds, ap);
    va_end(ap);
    while (st == PT_OK && got)
        st = access__next(s, q, &got, err);
    if (st == PT_OK && changes) *changes = sqlite3_changes(s->db);
    access__end(q);
    return st;
}

pt_status access__count(access__store *s, pt_error *err, int64_t *n, const char *sql, const char *kinds, ...)
{
    sqlite3_stmt *q = NULL;
    bool got = false;
    va_list ap;
    va_start(ap, kinds);
    pt_status st = ask(s, err, &q, sql, kinds, ap);
    va_end(ap);
    if (st == PT_OK) st = access__next(s, q, &got, err);
    if (st == PT_OK) *n = got ? sqlite3_column_int64(q, 0) : 0;
    access__end(q);
    return st;
}

pt_status access__begin(access__store *s, pt_error *err)
{
    return access__do(s, err, NULL, "BEGIN IMMEDIATE", "");
}

pt_status access__finish(access__store *s, pt_status st, pt_error *err)
{
    if (st == PT_OK) st = access__do(s, err, NULL, "COMMIT", "");
    if (st != PT_OK && !sqlite3_get_autocommit(s->db))
        (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL); /* what went wrong is said already */
    return st;
}

pt_status access__changed(access__store *s, bool *changed, pt_error *err)
{
    int64_t version = 0;
    pt_status st = one_number(s, "PRAGMA data_version", &version, err);
    if (st != PT_OK) return st;
    *changed = version != s->data_version;
    s->data_version = version;
    return PT_OK;
}

/* ---- texts ------------------------------------------------------------------------------------------------------ */

pt_slice access__text(sqlite3_stmt *q, int column)
{
    const char *p = sqlite3_column_blob(q, column);
    return pt_slice_of(p ? p : "", (size_t)sqlite3_column_bytes(q, column));
}

pt_status access__lines(pt_slice text, const pt_slice **out, size_t *n)
{
    size_t lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    pt_slice *all = calloc(lines, sizeof *all);
    if (!all) return PT_ENOMEM;
    *n = 0;
    while (text.len && pt_slice_split(&text, '\n', &all[*n]))
        ++*n;
    *out = all;
    return PT_OK;
}

void access__join(pt_buf *out, const pt_slice *lines, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i) pt_buf_char(out, '\n');
        pt_buf_slice(out, lines[i]);
    }
}
