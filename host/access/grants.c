/* host/access/grants.c -- who has which role where, and tenants. */
#include "host/access/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 1 << 18 };

pt_status access__patterns_check(const access_patterns *at, pt_error *err)
{
    if (at->n_paths > ACCESS_PATTERNS_MAX) return pt_fail(err, PT_ETOOBIG, "more than %d path patterns", ACCESS_PATTERNS_MAX);
    for (size_t i = 0; i < at->n_paths; i++) {
        pt_status st = access_pattern_check(at->paths[i], err);
        if (st != PT_OK) return st;
    }
    return PT_OK;
}

void access__patterns_text(pt_buf *out, const access_patterns *at)
{
    pt_buf_init(out, TEXT_MAX);
    access__join(out, at->paths, at->n_paths);
}

void access__patterns_json(pt_json *j, const access_patterns *at)
{
    pt_json_key(j, "paths");
    pt_json_array(j);
    for (size_t i = 0; i < at->n_paths; i++)
        pt_json_str(j, at->paths[i]);
    pt_json_end_array(j);
}

static void tell_grant(host_access *a, const char *action, const access_actor *by, const access_grant *g)
{
    pt_buf after;
    pt_json j;
    pt_buf_init(&after, TEXT_MAX);
    pt_json_init(&j, &after);
    pt_json_object(&j);
    pt_json_member_u64(&j, "id", g->id);
    pt_json_member_str(&j, g->to_group ? "group" : "user", g->name);
    pt_json_member_cstr(&j, "role", access_role_name(g->role));
    access__patterns_json(&j, &g->at);
    pt_json_end_object(&j);
    access__tell(a, action, "done", by, g->name, &after);
    pt_buf_fini(&after);
}

/* In the transaction. */
static pt_status insert(host_access *a, const access_grant *g, uint64_t *id, pt_error *err)
{
    int64_t n = 0;
    pt_buf text;
    pt_status st = access__count(&a->store, err, &n, "SELECT count(*) FROM right", "");
    if (st == PT_OK && n >= ACCESS_GRANTS_MAX) st = pt_fail(err, PT_ETOOBIG, "there are %d grants already", ACCESS_GRANTS_MAX);
    if (st == PT_OK) st = access__count(&a->store, err, &n, "SELECT count(*) FROM user WHERE name=?1 AND" ACCESS__IS_USER, "t", g->name);
    if (st == PT_OK && n == 0 && !g->to_group) st = pt_fail(err, PT_ENOTFOUND, "there is no user %.*s", PT_SLICE_ARGS(g->name));
    access__patterns_text(&text, &g->at);
    if (st == PT_OK && pt_buf_status(&text) != PT_OK) st = pt_fail(err, PT_ENOMEM, "out of memory");
    if (st == PT_OK)
        st = access__do(&a->store, err, NULL, "INSERT INTO right(to_group,name,role,paths,created) VALUES(?1,?2,?3,?4,?5)", "ititi",
                        (int64_t)g->to_group, g->name, (int64_t)g->role, pt_buf_view(&text), access__now(a));
    if (st == PT_OK) *id = (uint64_t)sqlite3_last_insert_rowid(a->store.db);
    pt_buf_fini(&text);
    return st;
}

pt_status access_grant_add(host_access *a, const access_actor *by, const access_grant *g, uint64_t *id, pt_error *err)
{
    if ((unsigned)g->role > QUERY_ADMIN) return pt_fail(err, PT_EINVAL, "no such role");
    pt_status st = access__name_check(g->to_group ? "group" : "user", g->name, err);
    if (st == PT_OK) st = access__patterns_check(&g->at, err);
    if (st == PT_OK) st = access__start(a, err);
    if (st != PT_OK) return st;
    st = access__close_up(a, insert(a, g, id, err), err);
    access_grant told = *g;
    told.id = *id;
    if (st == PT_OK) tell_grant(a, "grant-add", by, &told);
    return st;
}

static pt_status each_grant(host_access *a, sqlite3_stmt *q, bool (*each)(void *ctx, const access_grant *g), void *ctx, pt_error *err)
{
    bool got = false, go_on = true;
    pt_status st = PT_OK;
    while (st == PT_OK && go_on && (st = access__next(&a->store, q, &got, err)) == PT_OK && got) {
        access_grant g = { .id = (uint64_t)sqlite3_column_int64(q, 0),
                           .to_group = sqlite3_column_int(q, 1) != 0,
                           .name = access__text(q, 2),
                           .role = (query_role)sqlite3_column_int(q, 3),
                           .created_ms = sqlite3_column_int64(q, 5) };
        if ((unsigned)g.role > QUERY_ADMIN) st = pt_fail(err, PT_ECORRUPT, "access.db: grant %" PRIu64 " has no role", g.id);
        else if (access__lines(access__text(q, 4), &g.at.paths, &g.at.n_paths) != PT_OK) st = pt_fail(err, PT_ENOMEM, "out of memory");
        else go_on = each(ctx, &g);
        free((void *)(uintptr_t)g.at.paths);
    }
    access__end(q);
    return st;
}

pt_status access_grants_each(host_access *a, bool (*each)(void *ctx, const access_grant *g), void *ctx, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    access__lock(a);
    pt_status st = access__ask(&a->store, err, &q, "SELECT " ACCESS__RIGHT " FROM right WHERE" ACCESS__IS_RIGHT "ORDER BY id", "");
    if (st == PT_OK) st = each_grant(a, q, each, ctx, err);
    access__unlock(a);
    return st;
}

/* What goes, for the audit. */
typedef struct gone {
    char name[ACCESS_NAME_MAX + 1];
    access_grant g;
    bool found;
} gone;

static bool keep(void *ctx, const access_grant *g)
{
    gone *w = ctx;
    snprintf(w->name, sizeof w->name, "%.*s", PT_SLICE_ARGS(g->name));
    w->g = *g;
    w->g.name = pt_cstr(w->name);
    w->g.at = (access_patterns){ 0 };
    w->found = true;
    return true;
}

pt_status access_grant_remove(host_access *a, const access_actor *by, uint64_t id, pt_error *err)
{
    gone w = { .found = false };
    sqlite3_stmt *q = NULL;
    pt_status st = access__start(a, err);
    if (st != PT_OK) return st;
    st = access__ask(&a->store, err, &q, "SELECT " ACCESS__RIGHT " FROM right WHERE id=?1 AND" ACCESS__IS_RIGHT, "i", (int64_t)id);
    if (st == PT_OK) st = each_grant(a, q, keep, &w, err);
    if (st == PT_OK && !w.found) st = pt_fail(err, PT_ENOTFOUND, "there is no grant %" PRIu64, id);
    if (st == PT_OK) st = access__do(&a->store, err, NULL, "DELETE FROM right WHERE id=?1", "i", (int64_t)id);
    st = access__close_up(a, st, err);
    if (st == PT_OK) tell_grant(a, "grant-remove", by, &w.g);
    return st;
}

/* ---- tenants ---------------------------------------------------------------------------------------------------- */

pt_status access_tenant_set(host_access *a, const access_actor *by, pt_slice name, const access_patterns *at, pt_error *err)
{
    pt_buf text, after;
    pt_json j;
    pt_status st = access__name_check("tenant", name, err);
    if (st == PT_OK && at->n_paths == 0) st = pt_fail(err, PT_EINVAL, "a tenant has at least one path pattern");
    if (st == PT_OK) st = access__patterns_check(at, err);
    if (st == PT_OK) st = access__start(a, err);
    if (st != PT_OK) return st;
    access__patterns_text(&text, at);
    if (pt_buf_status(&text) != PT_OK) st = pt_fail(err, PT_ENOMEM, "out of memory");
    if (st == PT_OK)
        st = access__do(&a->store, err, NULL, "INSERT INTO tenant(name,paths) VALUES(?1,?2) ON CONFLICT(name) DO UPDATE SET paths=?2", "tt",
                        name, pt_buf_view(&text));
    st = access__close_up(a, st, err);
    pt_buf_fini(&text);
    if (st != PT_OK) return st;
    pt_buf_init(&after, TEXT_MAX);
    pt_json_init(&j, &after);
    pt_json_object(&j);
    access__patterns_json(&j, at);
    pt_json_end_object(&j);
    access__tell(a, "tenant-set", "done", by, name, &after);
    pt_buf_fini(&after);
    return PT_OK;
}

/* In the transaction: does a user belong to it? */
static pt_status is_used(host_access *a, pt_slice name, bool *used, pt_error *err)
{
    int64_t n = 0;
    pt_status st =
        access__count(&a->store, err, &n,
                      "SELECT count(*) FROM user WHERE instr(char(10)||tenants||char(10),char(10)||?1||char(10))>0 AND" ACCESS__IS_USER,
                      "t", name);
    *used = n != 0;
    return st;
}

pt_status access_tenant_remove(host_access *a, const access_actor *by, pt_slice name, pt_error *err)
{
    int changes = 0;
    bool used = false;
    pt_status st = access__start(a, err);
    if (st != PT_OK) return st;
    st = is_used(a, name, &used, err);
    if (st == PT_OK && used) st = pt_fail(err, PT_ESTATE, "users belong to the tenant %.*s", PT_SLICE_ARGS(name));
    if (st == PT_OK) st = access__do(&a->store, err, &changes, "DELETE FROM tenant WHERE name=?1", "t", name);
    if (st == PT_OK && changes == 0) st = pt_fail(err, PT_ENOTFOUND, "there is no tenant %.*s", PT_SLICE_ARGS(name));
    st = access__close_up(a, st, err);
    if (st == PT_OK) access__tell(a, "tenant-remove", "done", by, name, NULL);
    return st;
}

pt_status access_tenants_each(host_access *a, bool (*each)(void *ctx, pt_slice name, const access_patterns *at), void *ctx, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    bool got = false, go_on = true;
    access__lock(a);
    pt_status st = access__ask(&a->store, err, &q, "SELECT name,paths FROM tenant WHERE" ACCESS__IS_TENANT "ORDER BY name", "");
    while (st == PT_OK && go_on && (st = access__next(&a->store, q, &got, err)) == PT_OK && got) {
        access_patterns at = { 0 };
        if (access__lines(access__text(q, 1), &at.paths, &at.n_paths) != PT_OK) st = pt_fail(err, PT_ENOMEM, "out of memory");
        else go_on = each(ctx, access__text(q, 0), &at);
        free((void *)(uintptr_t)at.paths);
    }
    access__end(q);
    access__unlock(a);
    return st;
}
