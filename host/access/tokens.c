/* host/access/tokens.c -- API tokens: shown once, kept as a hash, never more than their owner. */
#include "host/access/internal.h"

#include "base/utf8.h"
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 1 << 18, NOTE_MAX = 200 };

static pt_status check(const access_token *t, int64_t now, pt_error *err)
{
    if ((unsigned)t->role > QUERY_ADMIN) return pt_fail(err, PT_EINVAL, "no such role");
    if (t->note.len > NOTE_MAX || !pt_utf8_valid(t->note))
        return pt_fail(err, PT_EINVAL, "a token's note is UTF-8 of at most %d bytes", NOTE_MAX);
    if (t->expires_ms && t->expires_ms <= now) return pt_fail(err, PT_EINVAL, "a token that is over already");
    return access__patterns_check(&t->at, err);
}

/* In the transaction: the owner is there, enabled, and has the role somewhere. */
static pt_status check_owner(host_access *a, const access_token *t, pt_error *err)
{
    access_principal *owner = NULL;
    int64_t n = 0;
    pt_status st = access__count(&a->store, err, &n, "SELECT count(*) FROM user WHERE name=?1 AND" ACCESS__IS_USER, "t", t->owner);
    if (st == PT_OK && n == 0) st = pt_fail(err, PT_ENOTFOUND, "there is no user %.*s", PT_SLICE_ARGS(t->owner));
    if (st == PT_OK) st = access__user_principal(a, t->owner, &(access__by){ .kind = ACCESS_USER }, &owner, err);
    if (st == PT_OK) {
        query_role least = t->role;
        const query_scope *scope = access_scope(owner);
        if (!access_may_somewhere(owner, ACCESS_READ) || scope->role < least)
            st = pt_fail(err, PT_EREFUSED, "%.*s is %s nowhere: a token has no more than its owner", PT_SLICE_ARGS(t->owner),
                         access_role_name(least));
        access_unref(owner);
    }
    if (st == PT_OK) st = access__count(&a->store, err, &n, "SELECT count(*) FROM token", "");
    if (st == PT_OK && n >= ACCESS_TOKENS_MAX) st = pt_fail(err, PT_ETOOBIG, "there are %d tokens already", ACCESS_TOKENS_MAX);
    return st;
}

static void tell_token(host_access *a, const char *action, const access_actor *by, const access_token *t)
{
    pt_buf after;
    pt_json j;
    char object[32];
    pt_buf_init(&after, TEXT_MAX);
    pt_json_init(&j, &after);
    pt_json_object(&j);
    pt_json_member_u64(&j, "id", t->id);
    pt_json_member_str(&j, "owner", t->owner);
    pt_json_member_cstr(&j, "role", access_role_name(t->role));
    access__patterns_json(&j, &t->at);
    if (t->expires_ms) pt_json_member_i64(&j, "expires_ms", t->expires_ms);
    pt_json_member_str(&j, "note", t->note);
    pt_json_end_object(&j);
    snprintf(object, sizeof object, "token %" PRIu64, t->id);
    access__tell(a, action, "done", by, pt_cstr(object), &after);
    pt_buf_fini(&after);
}

pt_status access_token_add(host_access *a, const access_actor *by, const access_token *t, uint64_t *id, char text[ACCESS_TOKEN_TEXT],
                           pt_error *err)
{
    char secret[ACCESS_SECRET_TEXT];
    unsigned char hash[ACCESS__HASH_LEN];
    pt_buf paths;
    pt_status st = check(t, access__now(a), err);
    if (st == PT_OK) st = access__start(a, err);
    if (st != PT_OK) return st;
    access__new_secret(secret);
    access__hash_secret(pt_cstr(secret), hash);
    access__patterns_text(&paths, &t->at);
    st = pt_buf_status(&paths) == PT_OK ? check_owner(a, t, err) : pt_fail(err, PT_ENOMEM, "out of memory");
    if (st == PT_OK)
        st = access__do(&a->store, err, NULL,
                        "INSERT INTO token(owner,hash,note,role,paths,created,expires,used) VALUES(?1,?2,?3,?4,?5,?6,?7,0)", "tbtitii",
                        t->owner, pt_slice_of(hash, sizeof hash), t->note, (int64_t)t->role, pt_buf_view(&paths), access__now(a),
                        t->expires_ms);
    access_token told = *t;
    told.id = (uint64_t)sqlite3_last_insert_rowid(a->store.db);
    st = access__close_up(a, st, err);
    pt_buf_fini(&paths);
    if (st == PT_OK) {
        *id = told.id;
        snprintf(text, ACCESS_TOKEN_TEXT, "plantree_%" PRIu64 "_%s", told.id, secret);
        tell_token(a, "token-add", by, &told);
    }
    sodium_memzero(secret, sizeof secret);
    return st;
}

static pt_status each_token(host_access *a, sqlite3_stmt *q, bool (*each)(void *ctx, const access_token *t), void *ctx, pt_error *err)
{
    bool got = false, go_on = true;
    pt_status st = PT_OK;
    while (st == PT_OK && go_on && (st = access__next(&a->store, q, &got, err)) == PT_OK && got) {
        access_token t = { .id = (uint64_t)sqlite3_column_int64(q, 0),
                           .owner = access__text(q, 1),
                           .note = access__text(q, 3),
                           .role = (query_role)sqlite3_column_int(q, 4),
                           .created_ms = sqlite3_column_int64(q, 6),
                           .expires_ms = sqlite3_column_int64(q, 7),
                           .last_used_ms = sqlite3_column_int64(q, 8) };
        if ((unsigned)t.role > QUERY_ADMIN) st = pt_fail(err, PT_ECORRUPT, "access.db: token %" PRIu64 " has no role", t.id);
        else if (access__lines(access__text(q, 5), &t.at.paths, &t.at.n_paths) != PT_OK) st = pt_fail(err, PT_ENOMEM, "out of memory");
        else go_on = each(ctx, &t);
        free((void *)(uintptr_t)t.at.paths);
    }
    return st;
}

pt_status access_tokens_each(host_access *a, bool (*each)(void *ctx, const access_token *t), void *ctx, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    access__lock(a);
    pt_status st = access__ask(&a->store, err, &q, "SELECT " ACCESS__TOKEN " FROM token WHERE" ACCESS__IS_TOKEN "ORDER BY id", "");
    if (st == PT_OK) st = each_token(a, q, each, ctx, err);
    access__end(q);
    access__unlock(a);
    return st;
}

typedef struct gone {
    char owner[ACCESS_NAME_MAX + 1], note[NOTE_MAX + 1];
    access_token t;
    bool found;
} gone;

static bool keep(void *ctx, const access_token *t)
{
    gone *w = ctx;
    w->t = *t;
    snprintf(w->owner, sizeof w->owner, "%.*s", PT_SLICE_ARGS(t->owner));
    snprintf(w->note, sizeof w->note, "%.*s", PT_SLICE_ARGS(t->note));
    w->t.owner = pt_cstr(w->owner);
    w->t.note = pt_cstr(w->note);
    w->t.at = (access_patterns){ 0 };
    w->found = true;
    return true;
}

pt_status access_token_remove(host_access *a, const access_actor *by, uint64_t id, pt_error *err)
{
    gone w = { .found = false };
    sqlite3_stmt *q = NULL;
    pt_status st = access__start(a, err);
    if (st != PT_OK) return st;
    st = access__ask(&a->store, err, &q, "SELECT " ACCESS__TOKEN " FROM token WHERE id=?1 AND" ACCESS__IS_TOKEN, "i", (int64_t)id);
    if (st == PT_OK) st = each_token(a, q, keep, &w, err);
    access__end(q);
    if (st == PT_OK && !w.found) st = pt_fail(err, PT_ENOTFOUND, "there is no token %" PRIu64, id);
    if (st == PT_OK) st = access__do(&a->store, err, NULL, "DELETE FROM token WHERE id=?1", "i", (int64_t)id);
    st = access__close_up(a, st, err);
    if (st == PT_OK) tell_token(a, "token-remove", by, &w.t);
    return st;
}

/* ---- showing one ------------------------------------------------------------------------------------------------ */

static pt_status principal_of_row(host_access *a, sqlite3_stmt *q, uint64_t id, const unsigned char *hash, int64_t *used,
                                  access_principal **out, pt_error *err)
{
    const pt_slice *paths = NULL;
    pt_slice kept = access__text(q, 2);
    int role = sqlite3_column_int(q, 3);
    int64_t expires = sqlite3_column_int64(q, 5);
    *used = sqlite3_column_int64(q, 6);
    if (role < QUERY_VIEWER || role > QUERY_ADMIN || kept.len != ACCESS__HASH_LEN)
        return pt_fail(err, PT_ECORRUPT, "access.db: token %" PRIu64 " is damaged", id);
    if (hash && sodium_memcmp(kept.ptr, hash, ACCESS__HASH_LEN) != 0) return pt_fail(err, PT_EREFUSED, "no such token");
    if (expires && expires <= access__now(a)) return pt_fail(err, PT_EREFUSED, "the token has expired");
    access_right limit = { .role = (query_role)role };
    if (access__lines(access__text(q, 4), &paths, &limit.at.n_paths) != PT_OK) return pt_fail(err, PT_ENOMEM, "out of memory");
    limit.at.paths = paths;
    const access__by by = { .kind = ACCESS_TOKEN, .limit = &limit, .token_id = id };
    pt_status st = access__user_principal(a, access__text(q, 1), &by, out, err);
    free((void *)(uintptr_t)paths);
    return st;
}

pt_status access__token_principal(host_access *a, uint64_t id, const unsigned char *hash, access_principal **out, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    bool got = false;
    int64_t used = 0, now = access__now(a);
    pt_error why = { 0 };
    pt_status st =
        access__ask(&a->store, err, &q, "SELECT id,owner,hash,role,paths,expires,used FROM token WHERE id=?1 AND" ACCESS__IS_TOKEN, "i",
                    (int64_t)id);
    if (st == PT_OK) st = access__next(&a->store, q, &got, err);
    if (st == PT_OK && !got) st = pt_fail(err, PT_EREFUSED, "no such token");
    if (st == PT_OK) st = principal_of_row(a, q, id, hash, &used, out, err);
    access__end(q);
    if (st == PT_OK && hash && (now - used >= ACCESS__TOUCH_MS || now < used) &&
        access__do(&a->store, &why, NULL, "UPDATE token SET used=?2 WHERE id=?1 AND" ACCESS__IS_TOKEN, "ii", (int64_t)id, now) != PT_OK)
        access__not_written(a, PT_LIT("a token"), &why);
    return st;
}

pt_status access_token_find(host_access *a, pt_slice text, access_principal **out, pt_error *err)
{
    uint64_t id = 0;
    pt_slice secret;
    unsigned char hash[ACCESS__HASH_LEN];
    if (!access__token_parts(text, &id, &secret)) return pt_fail(err, PT_EREFUSED, "no such token");
    access__hash_secret(secret, hash);
    access__lock(a);
    pt_status st = access__token_principal(a, id, hash, out, err);
    access__unlock(a);
    return st;
}
