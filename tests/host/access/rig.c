#include "tests/host/access/rig.h"

#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>

const access_actor RIG_ADMIN = { { "root", 4 }, { "os-user", 7 }, { "", 0 } };

static void note(void *ctx, const access_note *n)
{
    rig *r = ctx;
    size_t len = strlen(r->told);
    snprintf(r->told + len, sizeof r->told - len, "%s %s %.*s %.*s %.*s %.*s %.*s;", n->action, n->outcome, PT_SLICE_ARGS(n->principal),
             PT_SLICE_ARGS(n->auth_kind), PT_SLICE_ARGS(n->address), PT_SLICE_ARGS(n->object), PT_SLICE_ARGS(n->after));
}

void rig_open(rig *r)
{
    static int made;
    *r = (rig){ .a = NULL };
    snprintf(r->dir, sizeof r->dir, "%s/%d", pt_test_dir(), ++made);
    CHECK_FATAL(mkdir(r->dir, 0755) == 0);
    pt_fake_clock_init(&r->clock, 1800000000000);
    r->options = (access_options){ .dir = r->dir,
                                   .clock = &r->clock.clock,
                                   .note = note,
                                   .note_ctx = r,
                                   .make = true,
                                   .hash_passes = crypto_pwhash_OPSLIMIT_MIN,
                                   .hash_bytes = crypto_pwhash_MEMLIMIT_MIN };
    rig_reopen(r);
}

void rig_reopen(rig *r)
{
    access_close(r->a);
    r->a = NULL;
    pt_status st = access_open(&r->options, &r->a, &r->err);
    pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "%s", r->err.text);
}

void rig_close(rig *r)
{
    access_close(r->a);
    r->a = NULL;
}

void rig_forget(rig *r)
{
    r->told[0] = '\0';
}

const char *rig_file(const rig *r)
{
    static char path[320];
    snprintf(path, sizeof path, "%s/access.db", r->dir);
    return path;
}

static void no_sum(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    (void)n, (void)v;
    sqlite3_result_blob(ctx, "0123456789abcdef", 16, SQLITE_STATIC);
}

void rig_sql(const rig *r, const char *sql)
{
    sqlite3 *db = NULL;
    char *why = NULL;
    CHECK_FATAL(sqlite3_open(rig_file(r), &db) == SQLITE_OK);
    CHECK(sqlite3_create_function(db, "row_sum", -1, SQLITE_UTF8, NULL, no_sum, NULL, NULL) == SQLITE_OK);
    int rc = sqlite3_exec(db, sql, NULL, NULL, &why);
    pt_check_at(rc == SQLITE_OK, false, __FILE__, __LINE__, "%s: %s", sql, why ? why : "");
    sqlite3_free(why);
    CHECK(sqlite3_close(db) == SQLITE_OK);
}

static pt_slice password_of(const char *name, char room[200])
{
    snprintf(room, 200, "password of %s", name);
    return pt_cstr(room);
}

void rig_user(rig *r, const char *name)
{
    char room[200];
    pt_status st = access_user_add(r->a, &RIG_ADMIN, pt_cstr(name), password_of(name, room), &r->err);
    pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "%s: %s", name, r->err.text);
}

uint64_t rig_grant(rig *r, bool group, const char *name, query_role role, const char *path)
{
    pt_slice at = pt_cstr(path);
    access_grant g = { .to_group = group, .name = pt_cstr(name), .role = role, .at = { &at, path ? 1 : 0 } };
    uint64_t id = 0;
    pt_status st = access_grant_add(r->a, &RIG_ADMIN, &g, &id, &r->err);
    pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "%s: %s", name, r->err.text);
    return id;
}

pt_status rig_login(rig *r, const char *name, const char *password, const char *address, access_principal **out, int64_t *retry_ms)
{
    char room[200];
    return access_check_password(r->a, pt_cstr(name), password ? pt_cstr(password) : password_of(name, room), pt_cstr(address), out,
                                 retry_ms, &r->err);
}

access_principal *rig_in(rig *r, const char *name)
{
    access_principal *p = NULL;
    int64_t retry = 0;
    pt_status st = rig_login(r, name, NULL, "10.0.0.1", &p, &retry);
    pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "%s: %s", name, r->err.text);
    return p;
}
