/* host/access/resolve.c -- from rows to a principal. Read anew each time, so nothing that was taken away is remembered. */
#include "host/access/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ARENA_MAX = 32 << 20 };

/* What is gathered for one principal; texts in the arena. */
typedef struct gathered {
    pt_arena arena;
    access_right *rights;
    size_t n_rights, cap;
    access_patterns *tenants;
    size_t n_tenants;
} gathered;

static void release(gathered *g)
{
    pt_arena_fini(&g->arena);
    free(g->rights);
}

static pt_status lines_into(pt_arena *arena, pt_slice text, const pt_slice **out, size_t *n)
{
    const pt_slice *lines = NULL;
    pt_slice kept = pt_arena_dup(arena, text);
    pt_status st = kept.ptr ? access__lines(kept, &lines, n) : PT_ENOMEM;
    if (st != PT_OK) return st;
    pt_slice *copy = pt_arena_alloc(arena, (*n + 1) * sizeof *copy);
    if (copy) memcpy(copy, lines, *n * sizeof *copy);
    free((void *)(uintptr_t)lines);
    *out = copy;
    return copy ? PT_OK : PT_ENOMEM;
}

static pt_status add_right(gathered *g, query_role role, pt_slice paths)
{
    if (g->n_rights == g->cap) {
        size_t cap = g->cap ? 2 * g->cap : 16;
        access_right *more = realloc(g->rights, cap * sizeof *more);
        if (!more) return PT_ENOMEM;
        g->rights = more;
        g->cap = cap;
    }
    access_right *r = &g->rights[g->n_rights];
    r->role = role;
    pt_status st = lines_into(&g->arena, paths, &r->at.paths, &r->at.n_paths);
    if (st == PT_OK) g->n_rights++;
    return st;
}

static pt_status rights_of(host_access *a, gathered *g, bool group, pt_slice name, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    bool got = false;
    pt_status st =
        access__ask(&a->store, err, &q, "SELECT role,paths FROM right WHERE name=?1 AND to_group=?2 AND" ACCESS__IS_RIGHT "ORDER BY id",
                    "ti", name, (int64_t)group);
    while (st == PT_OK && (st = access__next(&a->store, q, &got, err)) == PT_OK && got) {
        int role = sqlite3_column_int(q, 0);
        if (role < QUERY_VIEWER || role > QUERY_ADMIN) st = pt_fail(err, PT_ECORRUPT, "access.db: a grant with the role %d", role);
        else if (add_right(g, (query_role)role, access__text(q, 1)) != PT_OK) st = pt_fail(err, PT_ENOMEM, "out of memory");
    }
    access__end(q);
    return st;
}

/* A tenant that is not there adds nothing: who belongs to it alone sees nothing. */
static pt_status add_tenant(host_access *a, gathered *g, pt_slice name, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    bool got = false;
    pt_status st = access__ask(&a->store, err, &q, "SELECT paths FROM tenant WHERE name=?1 AND" ACCESS__IS_TENANT, "t", name);
    if (st == PT_OK) st = access__next(&a->store, q, &got, err);
    access_patterns *t = &g->tenants[g->n_tenants];
    if (st == PT_OK && got) {
        if (lines_into(&g->arena, access__text(q, 0), &t->paths, &t->n_paths) != PT_OK) st = pt_fail(err, PT_ENOMEM, "out of memory");
        else if (t->n_paths) g->n_tenants++; /* one without patterns would be the whole plant */
    }
    access__end(q);
    return st;
}

typedef struct membership {
    const pt_slice *groups, *tenants;
    size_t n_groups, n_tenants;
} membership;

static pt_status membership_of(host_access *a, gathered *g, pt_slice name, membership *m, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    bool got = false;
    pt_status st = access__ask(&a->store, err, &q, "SELECT disabled,groups,tenants FROM user WHERE name=?1 AND" ACCESS__IS_USER, "t", name);
    if (st == PT_OK) st = access__next(&a->store, q, &got, err);
    if (st == PT_OK && (!got || sqlite3_column_int(q, 0) != 0))
        st = pt_fail(err, PT_EREFUSED, "there is no such user any more, or it is disabled");
    if (st == PT_OK && (lines_into(&g->arena, access__text(q, 1), &m->groups, &m->n_groups) != PT_OK ||
                        lines_into(&g->arena, access__text(q, 2), &m->tenants, &m->n_tenants) != PT_OK))
        st = pt_fail(err, PT_ENOMEM, "out of memory");
    access__end(q);
    return st;
}

static pt_status made(const access_principal_spec *spec, access_principal **out, pt_error *err)
{
    *out = access_principal_new(spec);
    return *out ? PT_OK : pt_fail(err, PT_ENOMEM, "out of memory");
}

pt_status access__user_principal(host_access *a, pt_slice name, const access__by *by, access_principal **out, pt_error *err)
{
    gathered g = { .rights = NULL };
    membership m = { 0 };
    char label[ACCESS_NAME_MAX + 40];
    uint64_t generation = atomic_load(&a->generation);
    pt_arena_init(&g.arena, ARENA_MAX);
    pt_status st = membership_of(a, &g, name, &m, err);
    if (st == PT_OK) st = rights_of(a, &g, false, name, err);
    for (size_t i = 0; st == PT_OK && i < m.n_groups; i++)
        st = rights_of(a, &g, true, m.groups[i], err);
    g.tenants = st == PT_OK ? pt_arena_alloc(&g.arena, (m.n_tenants + 1) * sizeof *g.tenants) : NULL;
    if (st == PT_OK && !g.tenants) st = pt_fail(err, PT_ENOMEM, "out of memory");
    for (size_t i = 0; st == PT_OK && i < m.n_tenants; i++)
        st = add_tenant(a, &g, m.tenants[i], err);
    if (st == PT_OK) {
        access_principal_spec spec = { .kind = by->kind,
                                       .name = name,
                                       .rights = g.rights,
                                       .n_rights = g.n_rights,
                                       .in_tenants = m.n_tenants != 0,
                                       .tenants = g.tenants,
                                       .n_tenants = g.n_tenants,
                                       .limit = by->limit,
                                       .token_id = by->token_id,
                                       .generation = generation };
        if (by->session) memcpy(spec.session, by->session, sizeof spec.session);
        snprintf(label, sizeof label, "%.*s (token %" PRIu64 ")", PT_SLICE_ARGS(name), by->token_id);
        if (by->token_id) spec.label = pt_cstr(label);
        st = made(&spec, out, err);
    }
    release(&g);
    return st;
}

pt_status access__mapped_principal(host_access *a, const access_identity *id, const unsigned char *session, access_principal **out,
                                   pt_error *err)
{
    access_principal_spec spec = { .kind = id->kind, .name = id->name, .generation = atomic_load(&a->generation) };
    access_right *rights = calloc(a->n_map + 1, sizeof *rights);
    if (!rights) return pt_fail(err, PT_ENOMEM, "out of memory");
    spec.rights = rights;
    spec.n_rights = access_map_rights(a->map, a->n_map, id, rights, a->n_map);
    if (session) memcpy(spec.session, session, sizeof spec.session);
    pt_status st =
        spec.n_rights ? made(&spec, out, err) : pt_fail(err, PT_EREFUSED, "access.map gives this %s no right", access_kind_name(id->kind));
    free(rights);
    return st;
}
