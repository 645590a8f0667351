/* host/access/users.c -- users, and what they belong to. A user with groups and tenants is one row: none of it can be lost alone. */
#include "host/access/internal.h"

#include "base/utf8.h"
#include <sodium.h>
#include <stdlib.h>

enum { TEXT_MAX = 1 << 18 };

pt_status access__start(host_access *a, pt_error *err)
{
    access__lock(a);
    pt_status st = access__begin(&a->store, err);
    if (st != PT_OK) access__unlock(a);
    return st;
}

pt_status access__close_up(host_access *a, pt_status st, pt_error *err)
{
    st = access__finish(&a->store, st, err);
    if (st == PT_OK) access__bump(a);
    access__unlock(a);
    return st;
}

pt_status access__name_check(const char *what, pt_slice name, pt_error *err)
{
    if (name.len == 0 || name.len > ACCESS_NAME_MAX) return pt_fail(err, PT_EINVAL, "a %s's name has 1 to %d bytes", what, ACCESS_NAME_MAX);
    if (name.ptr[0] == '-') return pt_fail(err, PT_EINVAL, "a %s's name does not begin with '-'", what);
    for (size_t i = 0; i < name.len;) {
        uint32_t code = 0;
        size_t n = pt_utf8_next(name.ptr + i, name.len - i, &code);
        if (!n || code <= ' ' || (code >= 0x7f && code <= 0xa0) || code == '/' || code == ',' || code == ':')
            return pt_fail(err, PT_EINVAL, "a %s's name is UTF-8 without blanks, controls, '/', ',' and ':'", what);
        i += n;
    }
    return PT_OK;
}

/* With the lock: the row's lists, to be freed. */
static pt_status members_of(host_access *a, pt_slice user, bool tenants, char **text, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    bool got = false;
    pt_status st = access__ask(&a->store, err, &q, "SELECT groups,tenants FROM user WHERE name=?1 AND" ACCESS__IS_USER, "t", user);
    if (st == PT_OK) st = access__next(&a->store, q, &got, err);
    if (st == PT_OK && !got) st = pt_fail(err, PT_ENOTFOUND, "there is no user %.*s", PT_SLICE_ARGS(user));
    if (st == PT_OK) {
        *text = pt_slice_dup(access__text(q, tenants ? 1 : 0));
        if (!*text) st = pt_fail(err, PT_ENOMEM, "out of memory");
    }
    access__end(q);
    return st;
}

pt_status access__insert_user(host_access *a, pt_slice name, const char *hash, pt_error *err)
{
    int64_t same = 0, all = 0;
    pt_status st = access__count(&a->store, err, &same, "SELECT count(*) FROM user WHERE name=?1", "t", name);
    if (st == PT_OK && same) st = pt_fail(err, PT_EEXISTS, "there is a user %.*s already", PT_SLICE_ARGS(name));
    if (st == PT_OK) st = access__count(&a->store, err, &all, "SELECT count(*) FROM user", "");
    if (st == PT_OK && all >= ACCESS_USERS_MAX) st = pt_fail(err, PT_ETOOBIG, "there are %d users already", ACCESS_USERS_MAX);
    if (st == PT_OK)
        st = access__do(&a->store, err, NULL,
                        "INSERT INTO user(name,hash,disabled,created,last_login,groups,tenants) VALUES(?1,?2,0,?3,0,'','')", "tti", name,
                        pt_cstr(hash), access__now(a));
    if (st == PT_OK) st = access__do(&a->store, err, NULL, "UPDATE meta SET value='1' WHERE key='users-made' AND" ACCESS__IS_META, "");
    return st;
}

pt_status access_user_add(host_access *a, const access_actor *by, pt_slice name, pt_slice password, pt_error *err)
{
    char hash[ACCESS__HASH_TEXT];
    pt_status st = access__name_check("user", name, err);
    if (st == PT_OK) st = access_password_check(name, password, err);
    if (st == PT_OK) st = access__hash(&a->hasher, password, hash, err);
    if (st == PT_OK) st = access__start(a, err);
    if (st != PT_OK) return st;
    st = access__close_up(a, access__insert_user(a, name, hash, err), err);
    sodium_memzero(hash, sizeof hash);
    if (st == PT_OK) access__tell(a, "user-add", "done", by, name, NULL);
    return st;
}

/* With the lock, after a statement about one user's row. */
static pt_status one_of(int changes, pt_slice name, pt_error *err)
{
    return changes == 1 ? PT_OK : pt_fail(err, PT_ENOTFOUND, "there is no user %.*s", PT_SLICE_ARGS(name));
}

static pt_status end_sessions(host_access *a, pt_slice user, pt_error *err)
{
    return access__do(&a->store, err, NULL, "DELETE FROM session WHERE name=?1 AND kind=?2", "ti", user, (int64_t)ACCESS_USER);
}

pt_status access_user_remove(host_access *a, const access_actor *by, pt_slice name, pt_error *err)
{
    int changes = 0;
    pt_status st = access__start(a, err);
    if (st != PT_OK) return st;
    st = access__do(&a->store, err, &changes, "DELETE FROM user WHERE name=?1", "t", name);
    if (st == PT_OK) st = one_of(changes, name, err);
    if (st == PT_OK) st = access__do(&a->store, err, NULL, "DELETE FROM right WHERE name=?1 AND to_group=0", "t", name);
    if (st == PT_OK) st = access__do(&a->store, err, NULL, "DELETE FROM token WHERE owner=?1", "t", name);
    if (st == PT_OK) st = end_sessions(a, name, err);
    st = access__close_up(a, st, err);
    if (st == PT_OK) access__tell(a, "user-remove", "done", by, name, NULL);
    return st;
}

pt_status access_user_password(host_access *a, const access_actor *by, pt_slice name, pt_slice password, pt_error *err)
{
    char hash[ACCESS__HASH_TEXT];
    int changes = 0;
    pt_status st = access_password_check(name, password, err);
    if (st == PT_OK) st = access__hash(&a->hasher, password, hash, err);
    if (st == PT_OK) st = access__start(a, err);
    if (st != PT_OK) return st;
    st = access__do(&a->store, err, &changes, "UPDATE user SET hash=?2 WHERE name=?1 AND" ACCESS__IS_USER, "tt", name, pt_cstr(hash));
    if (st == PT_OK) st = one_of(changes, name, err);
    if (st == PT_OK) st = end_sessions(a, name, err);
    st = access__close_up(a, st, err);
    sodium_memzero(hash, sizeof hash);
    if (st == PT_OK) access__tell(a, "user-password", "done", by, name, NULL);
    return st;
}

pt_status access_user_disable(host_access *a, const access_actor *by, pt_slice name, bool disabled, pt_error *err)
{
    int changes = 0;
    pt_status st = access__start(a, err);
    if (st != PT_OK) return st;
    st = access__do(&a->store, err, &changes, "UPDATE user SET disabled=?2 WHERE name=?1 AND" ACCESS__IS_USER, "ti", name,
                    (int64_t)disabled);
    if (st == PT_OK) st = one_of(changes, name, err);
    if (st == PT_OK && disabled) st = end_sessions(a, name, err);
    st = access__close_up(a, st, err);
    if (st == PT_OK) access__tell(a, disabled ? "user-disable" : "user-enable", "done", by, name, NULL);
    return st;
}

/* ---- groups and tenants ----------------------------------------------------------------------------------------- */

static pt_status tenant_exists(host_access *a, pt_slice name, pt_error *err)
{
    int64_t n = 0;
    pt_status st = access__count(&a->store, err, &n, "SELECT count(*) FROM tenant WHERE name=?1 AND" ACCESS__IS_TENANT, "t", name);
    return st == PT_OK && n == 0 ? pt_fail(err, PT_ENOTFOUND, "there is no tenant %.*s", PT_SLICE_ARGS(name)) : st;
}

static pt_status write_members(host_access *a, pt_slice user, bool tenants, pt_slice text, pt_error *err)
{
    return access__do(&a->store, err, NULL,
                      tenants ? "UPDATE user SET tenants=?2 WHERE name=?1 AND" ACCESS__IS_USER
                              : "UPDATE user SET groups=?2 WHERE name=?1 AND" ACCESS__IS_USER,
                      "tt", user, text);
}

/* The list with the name added, or without it. */
static pt_status edited(const char *old, pt_slice name, bool join, bool last_too, pt_buf *out, pt_error *err)
{
    const pt_slice *lines = NULL;
    size_t n = 0, kept = 0;
    if (access__lines(pt_cstr(old), &lines, &n) != PT_OK) return pt_fail(err, PT_ENOMEM, "out of memory");
    bool in = false;
    for (size_t i = 0; i < n; i++) {
        bool same = pt_slice_eq(lines[i], name);
        in = in || same;
        if (same && !join) continue;
        if (kept++) pt_buf_char(out, '\n');
        pt_buf_slice(out, lines[i]);
    }
    free((void *)(uintptr_t)lines);
    if (join && in) return pt_fail(err, PT_EEXISTS, "the user is in %.*s already", PT_SLICE_ARGS(name));
    if (!join && !in) return pt_fail(err, PT_ENOTFOUND, "the user is not in %.*s", PT_SLICE_ARGS(name));
    if (!join && kept == 0 && !last_too)
        return pt_fail(err, PT_ESTATE, "outside of the last tenant the user's grants hold for the whole plant");
    if (join && n >= ACCESS_MEMBER_MAX) return pt_fail(err, PT_ETOOBIG, "the user is in %d already", ACCESS_MEMBER_MAX);
    if (join && kept) pt_buf_char(out, '\n');
    if (join) pt_buf_slice(out, name);
    return pt_buf_status(out) == PT_OK ? PT_OK : pt_fail(err, pt_buf_status(out), "out of memory");
}

static pt_status change_member(host_access *a, const access_actor *by, pt_slice user, access_member what, pt_slice name, bool join,
                               bool last_too, pt_error *err)
{
    bool tenants = what == ACCESS_OF_TENANT;
    char *old = NULL;
    pt_buf text, after;
    pt_json j;
    pt_status st = access__name_check(tenants ? "tenant" : "group", name, err);
    if (st == PT_OK) st = access__start(a, err);
    if (st != PT_OK) return st;
    pt_buf_init(&text, TEXT_MAX);
    st = tenants && join ? tenant_exists(a, name, err) : PT_OK;
    if (st == PT_OK) st = members_of(a, user, tenants, &old, err);
    if (st == PT_OK) st = edited(old, name, join, last_too || !tenants, &text, err);
    if (st == PT_OK) st = write_members(a, user, tenants, pt_buf_view(&text), err);
    st = access__close_up(a, st, err);
    pt_buf_fini(&text);
    free(old);
    if (st != PT_OK) return st;
    pt_buf_init(&after, 4096);
    pt_json_init(&j, &after);
    pt_json_object(&j);
    pt_json_member_str(&j, tenants ? "tenant" : "group", name);
    pt_json_end_object(&j);
    access__tell(a, join ? "user-join" : "user-leave", "done", by, user, &after);
    pt_buf_fini(&after);
    return PT_OK;
}

pt_status access_user_join(host_access *a, const access_actor *by, pt_slice user, access_member what, pt_slice name, pt_error *err)
{
    return change_member(a, by, user, what, name, true, false, err);
}

pt_status access_user_leave(host_access *a, const access_actor *by, pt_slice user, access_member what, pt_slice name, bool last_too,
                            pt_error *err)
{
    return change_member(a, by, user, what, name, false, last_too, err);
}

/* ---- listing ---------------------------------------------------------------------------------------------------- */

pt_status access_users_each(host_access *a, bool (*each)(void *ctx, const access_user *u), void *ctx, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    bool got = false, go_on = true;
    access__lock(a);
    pt_status st =
        access__ask(&a->store, err, &q,
                    "SELECT name,disabled,created,last_login,groups,tenants FROM user WHERE" ACCESS__IS_USER "ORDER BY name", "");
    while (st == PT_OK && go_on && (st = access__next(&a->store, q, &got, err)) == PT_OK && got) {
        access_user u = { .name = access__text(q, 0),
                          .disabled = sqlite3_column_int(q, 1) != 0,
                          .created_ms = sqlite3_column_int64(q, 2),
                          .last_login_ms = sqlite3_column_int64(q, 3) };
        if (access__lines(access__text(q, 4), &u.groups, &u.n_groups) != PT_OK ||
            access__lines(access__text(q, 5), &u.tenants, &u.n_tenants) != PT_OK)
            st = pt_fail(err, PT_ENOMEM, "out of memory");
        else go_on = each(ctx, &u);
        free((void *)(uintptr_t)u.groups);
        free((void *)(uintptr_t)u.tenants);
    }
    access__end(q);
    access__unlock(a);
    return st;
}
