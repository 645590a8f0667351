/* host/access/accounts.h -- users, groups, tenants, grants and API tokens: adding, listing, removing. For `plantree user`, `plantree token`
 * and the routes of an admin; who may call them is the caller's to ask (access_may(.., ACCESS_USERS, PT_NONE)).
 *
 * Threads, durability and the errors of the file: host/access/access.h. A change is on the disk, and told to the note function, when its
 * call returns PT_OK; on failure nothing has changed. Of all: PT_ENOTFOUND no such user, grant, token or tenant; PT_EEXISTS; PT_EINVAL a
 * name, pattern or password that will not do, with the rule; PT_ETOOBIG more than a bound below.
 *
 * Names: 1..128 bytes of UTF-8 without blanks, controls, '/', ',' and ':', not beginning with '-'. */
#ifndef HOST_ACCESS_ACCOUNTS_H
#define HOST_ACCESS_ACCOUNTS_H
#include "host/access/access.h"

enum { ACCESS_PATTERNS_MAX = 64, ACCESS_MEMBER_MAX = 64, ACCESS_GRANTS_MAX = 10000, ACCESS_USERS_MAX = 10000, ACCESS_TOKENS_MAX = 10000 };

/* Who makes the change, for the audit: a principal's label, kind and address, or "cli:anna", "os-user". */
typedef struct access_actor {
    pt_slice name, kind, address;
} access_actor;

/* ---- users ---- */

typedef struct access_user {
    pt_slice name;
    bool disabled;
    int64_t created_ms, last_login_ms; /* 0: never */
    const pt_slice *groups, *tenants;
    size_t n_groups, n_tenants;
} access_user;

/* Will it do for that user? PT_EINVAL with the rule: at least 8 characters, at most 1024 bytes, not the user's name (in whatever case). */
PT_MUST_CHECK pt_status access_password_check(pt_slice user, pt_slice password, pt_error *err);
/* Without any right yet. Hashes; waits like access_check_password (PT_EBUSY). */
PT_MUST_CHECK pt_status access_user_add(host_access *a, const access_actor *by, pt_slice name, pt_slice password, pt_error *err);
/* With their grants, tokens and sessions. */
PT_MUST_CHECK pt_status access_user_remove(host_access *a, const access_actor *by, pt_slice name, pt_error *err);
/* All sessions of the user end; tokens stay. Hashes. */
PT_MUST_CHECK pt_status access_user_password(host_access *a, const access_actor *by, pt_slice name, pt_slice password, pt_error *err);
/* Disabled: no login, no session, no token of theirs; sessions end. */
PT_MUST_CHECK pt_status access_user_disable(host_access *a, const access_actor *by, pt_slice name, bool disabled, pt_error *err);

typedef enum access_member { ACCESS_OF_GROUP, ACCESS_OF_TENANT } access_member;
/* Join or leave. A group is a name in grants; a tenant exists (PT_ENOTFOUND). PT_EEXISTS joined already, PT_ENOTFOUND not in it. Leaving
 * the last tenant would open the whole plant to the user's grants: PT_ESTATE, unless `last_too`. */
PT_MUST_CHECK pt_status access_user_join(host_access *a, const access_actor *by, pt_slice user, access_member what, pt_slice name,
                                         pt_error *err);
PT_MUST_CHECK pt_status access_user_leave(host_access *a, const access_actor *by, pt_slice user, access_member what, pt_slice name,
                                          bool last_too, pt_error *err);

/* By name; texts are valid during the call, in which nothing of access may be called; false stops. */
PT_MUST_CHECK pt_status access_users_each(host_access *a, bool (*each)(void *ctx, const access_user *u), void *ctx, pt_error *err);

/* ---- grants ---- */

typedef struct access_grant {
    uint64_t id;   /* given by add */
    bool to_group; /* else to a user, who exists */
    pt_slice name;
    query_role role;
    access_patterns at;
    int64_t created_ms;
} access_grant;

PT_MUST_CHECK pt_status access_grant_add(host_access *a, const access_actor *by, const access_grant *g, uint64_t *id, pt_error *err);
PT_MUST_CHECK pt_status access_grant_remove(host_access *a, const access_actor *by, uint64_t id, pt_error *err);
PT_MUST_CHECK pt_status access_grants_each(host_access *a, bool (*each)(void *ctx, const access_grant *g), void *ctx, pt_error *err);

/* ---- tenants: users who belong to some see nothing outside of them, whatever their grants say ---- */

/* New, or other patterns for it; at least one. */
PT_MUST_CHECK pt_status access_tenant_set(host_access *a, const access_actor *by, pt_slice name, const access_patterns *at, pt_error *err);
/* PT_ESTATE: users belong to it. */
PT_MUST_CHECK pt_status access_tenant_remove(host_access *a, const access_actor *by, pt_slice name, pt_error *err);
PT_MUST_CHECK pt_status access_tenants_each(host_access *a, bool (*each)(void *ctx, pt_slice name, const access_patterns *at), void *ctx,
                                            pt_error *err);

/* ---- API tokens ---- */

typedef struct access_token {
    uint64_t id; /* given by add */
    pt_slice owner, note;
    query_role role;
    access_patterns at;
    int64_t created_ms, expires_ms, last_used_ms; /* 0: never */
} access_token;

/* `text` is shown once: the file has its hash. PT_EREFUSED: the owner is disabled, or has that role nowhere. What the token asks for
 * beyond its owner's rights it does not get, now and whenever those shrink (access_role_at). */
PT_MUST_CHECK pt_status access_token_add(host_access *a, const access_actor *by, const access_token *t, uint64_t *id,
                                         char text[ACCESS_TOKEN_TEXT], pt_error *err);
PT_MUST_CHECK pt_status access_token_remove(host_access *a, const access_actor *by, uint64_t id, pt_error *err);
PT_MUST_CHECK pt_status access_tokens_each(host_access *a, bool (*each)(void *ctx, const access_token *t), void *ctx, pt_error *err);
#endif
