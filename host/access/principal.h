/* host/access/principal.h -- who asks, and what they may do where. Pure: no files, no clock.
 *
 * Right of a principal at a path = the best role of the grants whose patterns select it; nothing outside of its tenants, if it belongs to
 * some; for a token never more than the token's own role and patterns. Patterns are lists as everywhere
 * (base/glob.h, `!` excludes); an empty list is the whole plant.
 *
 * A principal is an immutable snapshot with a count of references, made by host/access/access.h: any thread reads it without a lock, and
 * what it says does not change. Whether it still holds is asked of access_refresh. */
#ifndef HOST_ACCESS_PRINCIPAL_H
#define HOST_ACCESS_PRINCIPAL_H
#include "base/slice.h"
#include "base/status.h"
#include "host/query/scope.h"

typedef struct access_principal access_principal;

/* How somebody came in; the word is the audit's auth_kind. */
typedef enum access_kind {
    ACCESS_USER,        /* "user": name and password, or a session from them */
    ACCESS_TOKEN,       /* "token" */
    ACCESS_PROXY,       /* "proxy": headers of a trusted proxy */
    ACCESS_CERTIFICATE, /* "certificate" */
    ACCESS_LDAP,        /* "ldap" */
    ACCESS_OIDC,        /* "oidc" */
    ACCESS_SETUP,       /* "setup": the one-time token of the first start */
    ACCESS_LOOPBACK,    /* "loopback": nobody authenticates, on this machine alone */
    ACCESS_KINDS
} access_kind;
const char *access_kind_name(access_kind kind);

/* What can be done; the least role of each stands in one table. */
typedef enum access_action {
    /* viewer */
    ACCESS_READ,        /* tree, values, history, events, log; scoped by access_scope, too */
    ACCESS_CONFORMANCE, /* judgement of nodes */
    /* operator */
    ACCESS_WRITE,
    ACCESS_APPROVE, /* a proposal */
    ACCESS_REBIRTH,
    ACCESS_REPLAY,
    /* engineer */
    ACCESS_QUARANTINE,
    ACCESS_METADATA,
    ACCESS_MAP_PLAN,
    /* admin */
    ACCESS_MAP_APPLY,
    ACCESS_USERS,
    ACCESS_TOKENS,
    ACCESS_PURGE,
    ACCESS_RETENTION,
    ACCESS_BACKUP,
    ACCESS_AUDIT,
    ACCESS_ACTIONS
} access_action;
query_role access_least_role(access_action action);
const char *access_action_name(access_action action); /* "read", "map-apply" */

const char *access_role_name(query_role role); /* "viewer" "operator" "engineer" "admin" */
bool access_role_parse(pt_slice text, query_role *out);

/* NULL allowed in both. ref returns p. */
access_principal *access_ref(access_principal *p);
void access_unref(access_principal *p);

/* Texts live as long as a reference is held. */
access_kind access_kind_of(const access_principal *p);
pt_slice access_name(const access_principal *p);     /* of a user; of a token: its owner's */
pt_slice access_label(const access_principal *p);    /* for the audit: "anna"; "anna (token 7)"; "anonymous" */
uint64_t access_token_id(const access_principal *p); /* 0: no token */

/* The right at a path: false is none, and what asks for it is answered as if the path did not exist. An absent path (PT_NONE) is the plant
 * as a whole, for what has no path: only grants without patterns (or of "**"), outside of any tenant, reach it. NULL: false. */
bool access_role_at(const access_principal *p, pt_slice path, query_role *out);
bool access_may(const access_principal *p, access_action action, pt_slice path);
/* The same anywhere at all: for menus, and before a request's paths are known. Never instead of access_may. */
bool access_may_somewhere(const access_principal *p, access_action action);

/* What this principal may read, for host/query: sees a path exactly when access_may(p, ACCESS_READ, path). Its role is the best it has
 * anywhere. Borrowed from p; a run copies it. Of NULL, or of one without a grant, it sees nothing. */
const query_scope *access_scope(const access_principal *p);

/* ---- making one (the room, and tests of others) ---- */

typedef struct access_patterns { /* borrowed while passed */
    const pt_slice *paths;
    size_t n_paths; /* 0: the whole plant */
} access_patterns;

typedef struct access_right {
    query_role role;
    access_patterns at;
} access_right;

typedef struct access_principal_spec { /* all of it is copied */
    access_kind kind;
    pt_slice name, label; /* label absent: the name */
    const access_right *rights;
    size_t n_rights;
    bool in_tenants; /* then nothing outside of `tenants`, and with none of them nothing */
    const access_patterns *tenants;
    size_t n_tenants;
    const access_right *limit; /* a token's own role and patterns; NULL: no limit */
    uint64_t token_id;
    uint64_t generation;       /* access_generation when it was made */
    unsigned char session[32]; /* hash of the session it came by; zeros: none */
} access_principal_spec;

/* One reference, the caller's. NULL: out of memory. */
access_principal *access_principal_new(const access_principal_spec *spec);
uint64_t access_generation_of(const access_principal *p);
const unsigned char *access_session_of(const access_principal *p); /* 32 bytes; NULL: not by a session */

/* One pattern of a grant, token or tenant: 1..1024 bytes of UTF-8 without controls, more than a '!'. */
PT_MUST_CHECK pt_status access_pattern_check(pt_slice pattern, pt_error *err);
#endif
