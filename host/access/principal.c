/* host/access/principal.c -- rights at a path, and the same rights as a scope for reading.
 *
 * A principal and all its texts are one block of the arena that it owns. The scope is built once, of the same lists: the grants are its
 * parts, tenants and a token's own patterns the frames around them, so it and access_role_at agree path by path. */
#include "host/access/principal.h"

#include "base/arena.h"
#include "base/glob.h"
#include "base/utf8.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { ARENA_MAX = 64 << 20, PATTERN_MAX = 1024 };

struct access_principal {
    atomic_uint refs;
    pt_arena arena;
    access_principal_spec spec; /* its texts are in the arena */
    access_right limit;
    query_scope scope;
};

static const char *const kinds[ACCESS_KINDS] = { "user", "token", "proxy", "certificate", "ldap", "oidc", "setup", "loopback" };
static const char *const roles[] = { "viewer", "operator", "engineer", "admin" };

static const struct {
    const char *name;
    query_role least;
} actions[ACCESS_ACTIONS] = {
    [ACCESS_READ] = { "read", QUERY_VIEWER },
    [ACCESS_CONFORMANCE] = { "conformance", QUERY_VIEWER },
    [ACCESS_WRITE] = { "write", QUERY_OPERATOR },
    [ACCESS_APPROVE] = { "approve", QUERY_OPERATOR },
    [ACCESS_REBIRTH] = { "rebirth", QUERY_OPERATOR },
    [ACCESS_REPLAY] = { "replay", QUERY_OPERATOR },
    [ACCESS_QUARANTINE] = { "quarantine", QUERY_ENGINEER },
    [ACCESS_METADATA] = { "metadata", QUERY_ENGINEER },
    [ACCESS_MAP_PLAN] = { "map-plan", QUERY_ENGINEER },
    [ACCESS_MAP_APPLY] = { "map-apply", QUERY_ADMIN },
    [ACCESS_USERS] = { "users", QUERY_ADMIN },
    [ACCESS_TOKENS] = { "tokens", QUERY_ADMIN },
    [ACCESS_PURGE] = { "purge", QUERY_ADMIN },
    [ACCESS_RETENTION] = { "retention", QUERY_ADMIN },
    [ACCESS_BACKUP] = { "backup", QUERY_ADMIN },
    [ACCESS_AUDIT] = { "audit", QUERY_ADMIN },
};

const char *access_kind_name(access_kind kind)
{
    return kinds[kind];
}

query_role access_least_role(access_action action)
{
    return actions[action].least;
}

const char *access_action_name(access_action action)
{
    return actions[action].name;
}

const char *access_role_name(query_role role)
{
    return roles[role];
}

bool access_role_parse(pt_slice text, query_role *out)
{
    for (unsigned i = 0; i < PT_COUNT_OF(roles); i++) {
        if (!pt_slice_eq_cstr(text, roles[i])) continue;
        *out = (query_role)i;
        return true;
    }
    return false;
}

pt_status access_pattern_check(pt_slice pattern, pt_error *err)
{
    pt_slice bare = pattern.len && pattern.ptr[0] == '!' ? pt_slice_from(pattern, 1) : pattern;
    if (bare.len == 0) return pt_fail(err, PT_EINVAL, "an empty path pattern");
    if (pattern.len > PATTERN_MAX) return pt_fail(err, PT_EINVAL, "a path pattern of more than %d bytes", PATTERN_MAX);
    for (size_t i = 0; i < pattern.len; i++)
        if ((unsigned char)pattern.ptr[i] < 0x20 || pattern.ptr[i] == 0x7f)
            return pt_fail(err, PT_EINVAL, "a path pattern with a control character");
    return pt_utf8_valid(pattern) ? PT_OK : pt_fail(err, PT_EINVAL, "a path pattern that is not UTF-8");
}

/* ---- rights ----------------------------------------------------------------------------------------------------- */

static bool is_whole(const access_patterns *at)
{
    return at->n_paths == 0 || (at->n_paths == 1 && pt_slice_eq_cstr(at->paths[0], "**"));
}

static bool reaches(const access_patterns *at, pt_slice path)
{
    return is_whole(at) || (path.len && pt_glob_selects(at->paths, at->n_paths, path));
}

static bool in_tenants(const access_principal_spec *s, pt_slice path)
{
    if (!s->in_tenants) return true;
    for (size_t i = 0; i < s->n_tenants; i++)
        if (path.len && reaches(&s->tenants[i], path)) return true; /* the plant as a whole is in no tenant */
    return false;
}

bool access_role_at(const access_principal *p, pt_slice path, query_role *out)
{
    bool found = false;
    query_role best = QUERY_VIEWER;
    if (!p || !in_tenants(&p->spec, path) || (p->spec.limit && !reaches(&p->limit.at, path))) return false;
    for (size_t i = 0; i < p->spec.n_rights; i++) {
        const access_right *r = &p->spec.rights[i];
        if ((found && r->role <= best) || !reaches(&r->at, path)) continue;
        best = r->role;
        found = true;
    }
    if (found && p->spec.limit && p->limit.role < best) best = p->limit.role;
    if (found) *out = best;
    return found;
}

bool access_may(const access_principal *p, access_action action, pt_slice path)
{
    query_role role;
    return (unsigned)action < ACCESS_ACTIONS && access_role_at(p, path, &role) && role >= actions[action].least;
}

static query_role best_role(const access_principal_spec *s)
{
    query_role best = QUERY_VIEWER;
    for (size_t i = 0; i < s->n_rights; i++)
        if (s->rights[i].role > best) best = s->rights[i].role;
    return s->limit && s->limit->role < best ? s->limit->role : best;
}

bool access_may_somewhere(const access_principal *p, access_action action)
{
    return p && (unsigned)action < ACCESS_ACTIONS && p->spec.n_rights && p->scope.role >= actions[action].least;
}

/* ---- the scope -------------------------------------------------------------------------------------------------- */

static const pt_slice nothing[] = { { "!**", 3 } };
static const query_scope no_scope = { .paths = nothing, .n_paths = 1 };

const query_scope *access_scope(const access_principal *p)
{
    return p ? &p->scope : &no_scope;
}

static query_scope part_of(const access_patterns *at)
{
    return is_whole(at) ? (query_scope){ .n_paths = 0 } : (query_scope){ .paths = at->paths, .n_paths = at->n_paths };
}

/* The first part is written to *to, the others are linked from it; without any, nothing is seen. */
static bool chain(pt_arena *arena, const access_patterns *const *lists, size_t n, query_scope *to)
{
    *to = n ? part_of(lists[0]) : no_scope;
    for (size_t i = 1; i < n; i++) {
        query_scope *more = pt_arena_alloc(arena, sizeof *more);
        if (!more) return false;
        *more = part_of(lists[i]);
        more->or_else = to->or_else;
        to->or_else = more;
    }
    return true;
}

static bool build_scope(access_principal *p)
{
    const access_principal_spec *s = &p->spec;
    size_t most = s->n_rights > s->n_tenants ? s->n_rights : s->n_tenants;
    const access_patterns **lists = pt_arena_alloc(&p->arena, (most + 1) * sizeof *lists);
    query_scope *tenants = s->in_tenants ? pt_arena_alloc(&p->arena, sizeof *tenants) : NULL;
    query_scope *own = s->limit ? pt_arena_alloc(&p->arena, sizeof *own) : NULL;
    if (!lists || (s->in_tenants && !tenants) || (s->limit && !own)) return false;
    for (size_t i = 0; i < s->n_rights; i++)
        lists[i] = &s->rights[i].at;
    if (!chain(&p->arena, lists, s->n_rights, &p->scope)) return false;
    p->scope.principal = s->label;
    p->scope.role = best_role(s);
    if (own) *own = part_of(&p->limit.at);
    if (tenants) {
        static const pt_slice any[] = { { "**", 2 } }; /* not the plant as a whole: what has no path is in no tenant */
        static const access_patterns every_path = { any, 1 };
        for (size_t i = 0; i < s->n_tenants; i++)
            lists[i] = &s->tenants[i];
        if (!chain(&p->arena, lists, s->n_tenants, tenants)) return false;
        for (query_scope *t = tenants; t; t = (query_scope *)(uintptr_t)t->or_else)
            if (t->n_paths == 0) t->paths = every_path.paths, t->n_paths = 1;
    }
    p->scope.within = tenants ? tenants : own;
    if (tenants) tenants->within = own;
    return true;
}

/* ---- making one ------------------------------------------------------------------------------------------------- */

static bool copy_patterns(pt_arena *arena, access_patterns *at)
{
    pt_slice *paths = at->n_paths ? pt_arena_alloc(arena, at->n_paths * sizeof *paths) : NULL;
    if (at->n_paths && !paths) return false;
    for (size_t i = 0; i < at->n_paths; i++) {
        paths[i] = pt_arena_dup(arena, at->paths[i]);
        if (!paths[i].ptr) return false;
    }
    at->paths = paths;
    return true;
}

static bool copy(access_principal *p, const access_principal_spec *from)
{
    access_principal_spec *s = &p->spec;
    *s = *from;
    s->name = pt_arena_dup(&p->arena, from->name);
    s->label = from->label.ptr ? pt_arena_dup(&p->arena, from->label) : s->name;
    access_right *rights = pt_arena_alloc(&p->arena, (s->n_rights + 1) * sizeof *rights);
    access_patterns *tenants = pt_arena_alloc(&p->arena, (s->n_tenants + 1) * sizeof *tenants);
    if (!s->name.ptr || !s->label.ptr || !rights || !tenants) return false;
    for (size_t i = 0; i < s->n_rights; i++) {
        rights[i] = from->rights[i];
        if (!copy_patterns(&p->arena, &rights[i].at)) return false;
    }
    for (size_t i = 0; i < s->n_tenants; i++) {
        tenants[i] = from->tenants[i];
        if (!copy_patterns(&p->arena, &tenants[i])) return false;
    }
    s->rights = rights;
    s->tenants = tenants;
    if (from->limit) {
        p->limit = *from->limit;
        s->limit = &p->limit;
        if (!copy_patterns(&p->arena, &p->limit.at)) return false;
    }
    return build_scope(p);
}

access_principal *access_principal_new(const access_principal_spec *spec)
{
    access_principal *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    atomic_init(&p->refs, 1);
    pt_arena_init(&p->arena, ARENA_MAX);
    if (!copy(p, spec)) {
        access_unref(p);
        return NULL;
    }
    return p;
}

access_principal *access_ref(access_principal *p)
{
    if (p) atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void access_unref(access_principal *p)
{
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1) return;
    pt_arena_fini(&p->arena);
    free(p);
}

access_kind access_kind_of(const access_principal *p)
{
    return p->spec.kind;
}

pt_slice access_name(const access_principal *p)
{
    return p->spec.name;
}

pt_slice access_label(const access_principal *p)
{
    return p->spec.label;
}

uint64_t access_token_id(const access_principal *p)
{
    return p->spec.token_id;
}

uint64_t access_generation_of(const access_principal *p)
{
    return p->spec.generation;
}

const unsigned char *access_session_of(const access_principal *p)
{
    static const unsigned char none[sizeof p->spec.session];
    return memcmp(p->spec.session, none, sizeof none) == 0 ? NULL : p->spec.session;
}
