/* host/access/access.c -- opening, logging in, the first start, and what changed. */
#include "host/access/internal.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { IDLE_MS = 8 * 3600000, MAX_MS = 24 * 3600000, MAP_ARENA = 16 << 20 };

void access__lock(host_access *a)
{
    pthread_mutex_lock(&a->lock);
}

void access__unlock(host_access *a)
{
    pthread_mutex_unlock(&a->lock);
}

int64_t access__now(const host_access *a)
{
    return pt_wall_ms(a->clock);
}

void access__bump(host_access *a)
{
    atomic_fetch_add(&a->generation, 1);
}

void access__tell(host_access *a, const char *action, const char *outcome, const access_actor *by, pt_slice object, const pt_buf *after)
{
    if (!a->note) return;
    access_note n = { .at_ms = access__now(a),
                      .action = action,
                      .outcome = outcome,
                      .principal = by->name,
                      .auth_kind = by->kind,
                      .address = by->address,
                      .object = object,
                      .after = after && pt_buf_status(after) == PT_OK ? pt_buf_view(after) : PT_NONE };
    a->note(a->note_ctx, &n);
}

void access__not_written(host_access *a, pt_slice what, const pt_error *err)
{
    uint32_t held = 0;
    if (!pt_log_allow(&a->unwritten, pt_slice_hash(what, 0), pt_mono_ms(a->clock), ACCESS__TOUCH_MS, &held)) return;
    pt_logf(a->log, PT_LOG_WARN, "HOST-ACCESS-NOT-WRITTEN", "when %.*s was used last cannot be written: %s (%u more)", PT_SLICE_ARGS(what),
            err->text, held);
}

pt_status access_open(const access_options *o, host_access **out, pt_error *err)
{
    host_access *a = calloc(1, sizeof *a);
    if (!a || pthread_mutex_init(&a->lock, NULL) != 0) {
        free(a);
        return pt_fail(err, PT_ENOMEM, "out of memory");
    }
    a->clock = o->clock;
    a->log = o->log;
    a->note = o->note;
    a->note_ctx = o->note_ctx;
    a->idle_ms = o->session_idle_ms ? o->session_idle_ms : IDLE_MS;
    a->max_ms = o->session_max_ms ? o->session_max_ms : MAX_MS;
    atomic_init(&a->generation, 1);
    atomic_init(&a->polled_ms, pt_mono_ms(o->clock));
    pt_arena_init(&a->map_arena, MAP_ARENA);
    pt_status st = access__store_open(o->dir, o->make, &a->store, err);
    if (st == PT_OK) {
        access__throttle_init(&a->throttle);
        st = access__hasher_init(&a->hasher, o->hash_passes, o->hash_bytes, err);
        if (st == PT_OK) {
            *out = a;
            return PT_OK;
        }
        access__store_close(&a->store);
    }
    pthread_mutex_destroy(&a->lock);
    free(a);
    return st;
}

void access_close(host_access *a)
{
    if (!a) return;
    access__store_close(&a->store);
    access__hasher_fini(&a->hasher);
    pt_arena_fini(&a->map_arena);
    pthread_mutex_destroy(&a->lock);
    sodium_memzero(a, sizeof *a);
    free(a);
}

/* ---- logging in ------------------------------------------------------------------------------------------------- */

typedef struct login {
    pt_slice user, address, network;
    char room[64];
    bool at_address; /* the address has to wait, or nobody in particular */
    access_actor who;
} login;

static void login_init(login *l, pt_slice user, pt_slice address)
{
    if (user.len > ACCESS_NAME_MAX) user.len = 0; /* nobody's; not to be written at length either */
    *l = (login){ .user = user, .address = address, .who = { user, PT_LIT("user"), address } };
    l->network = access__network_of(address, l->room);
}

/* With the lock: how long must they wait? */
static int64_t must_wait(const host_access *a, login *l)
{
    int64_t now = pt_mono_ms(a->clock);
    int64_t user = l->user.len ? access__throttle_wait(&a->throttle, 'u', l->user, now) : 0;
    int64_t address = l->network.len ? access__throttle_wait(&a->throttle, 'a', l->network, now) : 0;
    l->at_address = address > 0 || user == 0;
    return user > address ? user : address;
}

static void failed(host_access *a, const login *l)
{
    int64_t now = pt_mono_ms(a->clock);
    access__lock(a);
    if (l->user.len) access__throttle_failed(&a->throttle, 'u', l->user, now);
    if (l->network.len) access__throttle_failed(&a->throttle, 'a', l->network, now);
    access__unlock(a);
}

/* Told at most once a minute for an address, or a user: trying many names makes no flood. */
static void tell_held(host_access *a, const login *l, const char *action, const char *outcome)
{
    uint64_t subject = pt_slice_hash(l->at_address ? l->network : l->user, pt_slice_hash(pt_cstr(outcome), l->at_address));
    access__lock(a);
    bool tell = pt_log_allow(&a->told, subject, pt_mono_ms(a->clock), 60000, NULL);
    access__unlock(a);
    if (tell) access__tell(a, action, outcome, &l->who, l->user, NULL);
}

static pt_status throttled(host_access *a, const login *l, const char *action, int64_t wait, int64_t *retry_ms, pt_error *err)
{
    *retry_ms = wait;
    tell_held(a, l, action, "throttled");
    return pt_fail(err, PT_EBUSY, "too many failed logins: come again in %lld s", (long long)((wait + 999) / 1000));
}

static pt_status wrong(host_access *a, const login *l, pt_error *err)
{
    failed(a, l);
    access__tell(a, "login", "failed", &l->who, l->user, NULL);
    return pt_fail(err, PT_EREFUSED, "wrong name or password");
}

/* With the lock. *known: there is such a user, enabled, and this is its hash. */
static pt_status hash_of(host_access *a, pt_slice user, char hash[ACCESS__HASH_TEXT], bool *known, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    bool got = false;
    pt_status st = access__ask(&a->store, err, &q, "SELECT hash FROM user WHERE name=?1 AND disabled=0 AND" ACCESS__IS_USER, "t", user);
    if (st == PT_OK) st = access__next(&a->store, q, &got, err);
    *known = st == PT_OK && got && access__text(q, 0).len < ACCESS__HASH_TEXT;
    if (*known) snprintf(hash, ACCESS__HASH_TEXT, "%.*s", PT_SLICE_ARGS(access__text(q, 0)));
    access__end(q);
    return st;
}

/* The password was right: let in, unless it was changed meanwhile. */
static pt_status let_in(host_access *a, const login *l, const char *hash, const char *anew, access_principal **out, pt_error *err)
{
    char now_is[ACCESS__HASH_TEXT];
    bool known = false;
    pt_error why = { 0 };
    access__lock(a);
    pt_status st = hash_of(a, l->user, now_is, &known, err);
    if (st == PT_OK && !(known && strcmp(now_is, hash) == 0)) st = pt_fail(err, PT_EREFUSED, "wrong name or password");
    if (st == PT_OK) st = access__user_principal(a, l->user, &(access__by){ .kind = ACCESS_USER }, out, err);
    if (st == PT_OK) {
        access__throttle_succeeded(&a->throttle, 'u', l->user, pt_mono_ms(a->clock));
        if (access__do(&a->store, &why, NULL, "UPDATE user SET hash=?2,last_login=?3 WHERE name=?1 AND" ACCESS__IS_USER, "tti", l->user,
                       pt_cstr(anew ? anew : hash), access__now(a)) != PT_OK)
            access__not_written(a, l->user, &why); /* no reason to keep somebody out */
    }
    access__unlock(a);
    return st;
}

pt_status access_check_password(host_access *a, pt_slice user, pt_slice password, pt_slice address, access_principal **out,
                                int64_t *retry_ms, pt_error *err)
{
    char hash[ACCESS__HASH_TEXT], anew[ACCESS__HASH_TEXT];
    bool known = false, right = false, again = false;
    login l;
    login_init(&l, user, address);
    *retry_ms = 0;
    user = l.user;
    access__lock(a);
    int64_t wait = must_wait(a, &l);
    pt_status st = wait ? PT_OK : hash_of(a, user, hash, &known, err);
    access__unlock(a);
    if (wait) return throttled(a, &l, "login", wait, retry_ms, err);
    if (st != PT_OK) return st;
    if (password.len > ACCESS_PASSWORD_MAX) password.len = 0, known = false;
    st = access__verify(&a->hasher, known ? hash : NULL, password, &right, &again, err);
    if (st == PT_EBUSY) {
        *retry_ms = ACCESS__BUSY_RETRY_MS;
        tell_held(a, &l, "login", "busy");
    }
    if (st != PT_OK) return st;
    if (!right) return wrong(a, &l, err);
    again = again && access__hash(&a->hasher, password, anew, NULL) == PT_OK; /* else at the next login */
    st = let_in(a, &l, hash, again ? anew : NULL, out, err);
    sodium_memzero(anew, sizeof anew);
    if (st == PT_EREFUSED) return wrong(a, &l, err);
    if (st == PT_OK) access__tell(a, "login", "done", &l.who, user, NULL);
    return st;
}

pt_status access_login_begin(host_access *a, access_kind kind, pt_slice user, pt_slice address, int64_t *retry_ms, pt_error *err)
{
    login l;
    login_init(&l, user, address);
    l.who.kind = pt_cstr(access_kind_name(kind));
    *retry_ms = 0;
    access__lock(a);
    int64_t wait = must_wait(a, &l);
    access__unlock(a);
    return wait ? throttled(a, &l, "login", wait, retry_ms, err) : PT_OK;
}

void access_login_end(host_access *a, access_kind kind, pt_slice user, pt_slice address, bool right)
{
    login l;
    login_init(&l, user, address);
    l.who.kind = pt_cstr(access_kind_name(kind));
    if (right) {
        access__lock(a);
        access__throttle_succeeded(&a->throttle, 'u', user, pt_mono_ms(a->clock));
        access__unlock(a);
    } else {
        failed(a, &l);
    }
    access__tell(a, "login", right ? "done" : "failed", &l.who, user, NULL);
}

/* ---- the first start -------------------------------------------------------------------------------------------- */

/* With the lock. Both must say so: the table, and the row that outlives its users. */
static pt_status no_user_yet(host_access *a, bool *none, pt_error *err)
{
    int64_t users = 0, unused = 0;
    pt_status st = access__count(&a->store, err, &users, "SELECT count(*) FROM user", "");
    if (st == PT_OK)
        st = access__count(&a->store, err, &unused, "SELECT count(*) FROM meta WHERE key='users-made' AND value='0' AND" ACCESS__IS_META,
                           "");
    *none = users == 0 && unused == 1;
    return st;
}

pt_status access_setup_begin(host_access *a, char text[ACCESS_SECRET_TEXT], pt_error *err)
{
    bool none = false;
    access__lock(a);
    pt_status st = no_user_yet(a, &none, err);
    if (st == PT_OK && !none) st = pt_fail(err, PT_ESTATE, "there is a user, or was one");
    if (st == PT_OK) {
        access__new_secret(text);
        access__hash_secret(pt_cstr(text), a->setup);
        a->setup_until_ms = pt_mono_ms(a->clock) + ACCESS__SETUP_MS;
    }
    access__unlock(a);
    return st;
}

/* With the lock. */
static bool setup_matches(const host_access *a, pt_slice text)
{
    unsigned char hash[ACCESS__HASH_LEN];
    access__hash_secret(text, hash);
    return a->setup_until_ms && pt_mono_ms(a->clock) < a->setup_until_ms && sodium_memcmp(hash, a->setup, sizeof hash) == 0;
}

static pt_status make_first(host_access *a, pt_slice text, pt_slice name, const char *hash, access_principal **out, pt_error *err)
{
    bool none = false;
    access__lock(a);
    pt_status st = access__begin(&a->store, err);
    if (st == PT_OK) {
        st = no_user_yet(a, &none, err);
        if (st == PT_OK && (!none || !setup_matches(a, text))) st = pt_fail(err, PT_EREFUSED, "the set-up token is wrong, used or over");
        if (st == PT_OK) st = access__insert_user(a, name, hash, err);
        if (st == PT_OK)
            st = access__do(&a->store, err, NULL, "INSERT INTO right(to_group,name,role,paths,created) VALUES(0,?1,?2,'',?3)", "tii", name,
                            (int64_t)QUERY_ADMIN, access__now(a));
        if (st == PT_OK) st = access__user_principal(a, name, &(access__by){ .kind = ACCESS_USER }, out, err);
        pt_status done = access__finish(&a->store, st, err);
        if (st == PT_OK && done != PT_OK) access_unref(*out);
        st = done;
    }
    if (st == PT_OK) {
        a->setup_until_ms = 0;
        access__bump(a);
    }
    access__unlock(a);
    return st;
}

pt_status access_setup(host_access *a, pt_slice text, pt_slice name, pt_slice password, pt_slice address, access_principal **out,
                       int64_t *retry_ms, pt_error *err)
{
    char hash[ACCESS__HASH_TEXT];
    login l;
    login_init(&l, PT_NONE, address);
    l.who = (access_actor){ PT_LIT("setup"), PT_LIT("setup"), address };
    *retry_ms = 0;
    access__lock(a);
    int64_t wait = must_wait(a, &l);
    bool right = !wait && setup_matches(a, text);
    access__unlock(a);
    if (wait) return throttled(a, &l, "setup", wait, retry_ms, err);
    if (!right) {
        failed(a, &l);
        access__tell(a, "setup", "failed", &l.who, PT_NONE, NULL);
        return pt_fail(err, PT_EREFUSED, "the set-up token is wrong, used or over");
    }
    pt_status st = access__name_check("user", name, err);
    if (st == PT_OK) st = access_password_check(name, password, err);
    if (st == PT_OK) st = access__hash(&a->hasher, password, hash, err);
    if (st == PT_EBUSY) *retry_ms = ACCESS__BUSY_RETRY_MS;
    if (st == PT_OK) st = make_first(a, text, name, hash, out, err);
    sodium_memzero(hash, sizeof hash);
    if (st == PT_OK) access__tell(a, "setup", "done", &l.who, name, NULL);
    return st;
}

/* ---- from outside ----------------------------------------------------------------------------------------------- */

/* A copy of the rows in the arena; NULL: out of memory. */
static access_map_row *copy_map(pt_arena *arena, const access_map_row *rows, size_t n)
{
    access_map_row *copy = pt_arena_alloc(arena, (n + 1) * sizeof *copy);
    for (size_t i = 0; copy && i < n; i++) {
        size_t n_paths = rows[i].at.n_paths;
        pt_slice *paths = pt_arena_alloc(arena, (n_paths + 1) * sizeof *paths);
        copy[i] = rows[i];
        copy[i].value = pt_arena_dup(arena, rows[i].value);
        bool ok = paths && copy[i].value.ptr;
        for (size_t k = 0; ok && k < n_paths; k++) {
            paths[k] = pt_arena_dup(arena, rows[i].at.paths[k]);
            ok = paths[k].ptr != NULL;
        }
        copy[i].at.paths = paths;
        if (!ok) return NULL;
    }
    return copy;
}

pt_status access_set_map(host_access *a, const access_map_row *rows, size_t n, pt_error *err)
{
    pt_arena arena;
    pt_status st = access_map_check(rows, n, err);
    if (st != PT_OK) return st;
    pt_arena_init(&arena, MAP_ARENA);
    access_map_row *copy = copy_map(&arena, rows, n);
    if (!copy) {
        pt_arena_fini(&arena);
        return pt_fail(err, PT_ENOMEM, "access.map: out of memory");
    }
    access__lock(a);
    pt_arena_fini(&a->map_arena);
    a->map_arena = arena;
    a->map = copy;
    a->n_map = n;
    access__bump(a);
    a->map_generation = atomic_load(&a->generation);
    access__unlock(a);
    return PT_OK;
}

pt_status access_external(host_access *a, const access_identity *id, access_principal **out, pt_error *err)
{
    access__lock(a);
    pt_status st = access__mapped_principal(a, id, NULL, out, err);
    access__unlock(a);
    return st;
}

pt_status access_loopback(host_access *a, query_role role, access_principal **out, pt_error *err)
{
    const access_right right = { .role = role };
    const access_principal_spec spec = {
        .kind = ACCESS_LOOPBACK, .name = PT_LIT("anonymous"), .rights = &right, .n_rights = 1, .generation = atomic_load(&a->generation)
    };
    *out = access_principal_new(&spec);
    return *out ? PT_OK : pt_fail(err, PT_ENOMEM, "out of memory");
}

/* ---- what changed ----------------------------------------------------------------------------------------------- */

uint64_t access_generation(host_access *a)
{
    int64_t now = pt_mono_ms(a->clock), polled = atomic_load(&a->polled_ms);
    bool changed = false;
    if (now - polled < ACCESS__POLL_MS || !atomic_compare_exchange_strong(&a->polled_ms, &polled, now)) return atomic_load(&a->generation);
    access__lock(a);
    if (access__changed(&a->store, &changed, NULL) != PT_OK || changed) access__bump(a); /* who cannot ask asks again, and is told why */
    access__unlock(a);
    return atomic_load(&a->generation);
}

/* With the lock. */
static pt_status ask_again(host_access *a, const access_principal *p, access_principal **out, pt_error *err)
{
    const unsigned char *session = access_session_of(p);
    switch (access_kind_of(p)) {
    case ACCESS_TOKEN: return access__token_principal(a, access_token_id(p), NULL, out, err);
    case ACCESS_LOOPBACK: *out = access_ref((access_principal *)(uintptr_t)p); return PT_OK;
    case ACCESS_USER:
        return session ? access__session_principal(a, session, false, out, err)
                       : access__user_principal(a, access_name(p), &(access__by){ .kind = ACCESS_USER }, out, err);
    default:
        if (session) return access__session_principal(a, session, false, out, err);
        if (access_generation_of(p) < a->map_generation) return pt_fail(err, PT_EREFUSED, "access.map has changed");
        *out = access_ref((access_principal *)(uintptr_t)p);
        return PT_OK;
    }
}

pt_status access_refresh(host_access *a, access_principal **p, pt_error *err)
{
    access_principal *fresh = NULL;
    if (access_generation(a) == access_generation_of(*p)) return PT_OK;
    access__lock(a);
    pt_status st = ask_again(a, *p, &fresh, err);
    access__unlock(a);
    if (st != PT_OK) return st;
    access_unref(*p);
    *p = fresh;
    return PT_OK;
}
