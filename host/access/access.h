/* host/access/access.h -- who comes in: passwords, sessions, API tokens, identities from outside, the first start. Accounts are kept with
 * host/access/accounts.h, rights are in host/access/principal.h.
 *
 * All of it is in DIR/access.db (SQLite, WAL, synchronous FULL, mode 0600, made beside and linked into place whole). Each row carries a
 * BLAKE2b sum of itself, which is checked whenever it is read, and all of them at open: a damaged file opens nothing (PT_ECORRUPT), one
 * that is empty is damaged, and what cannot be read is nobody's right. Nothing is kept in memory between requests, so a change by
 * another process (`plantree user`) holds from the next request on.
 *
 *     access_check_password -> principal -> access_session_start -> cookie
 *     cookie -> access_session_find -> principal          "plantree_7_..." -> access_token_find -> principal
 *     principal -> access_may(path), access_scope          streams: access_refresh now and then
 *
 * Threads: any, at the same time. One lock around the file, held for the statements of a call (fractions of a millisecond; a durable
 * write waits for the disk); passwords are hashed outside of it. Nothing here blocks longer, but access_check_password and what sets
 * passwords (below). Times are wall-clock milliseconds since 1970 for what is stored, monotonic for throttling, from the clock given.
 *
 * Every call that reads the file may fail with PT_ECORRUPT, PT_EIO, PT_ENOSPC, PT_EREADONLY, PT_ENOMEM, PT_EBUSY (another process writes
 * for more than 5 s), and *err says why: deny, and say 503, not 401. Those stand below only where they mean more. */
#ifndef HOST_ACCESS_H
#define HOST_ACCESS_H
#include "base/clock.h"
#include "base/log.h"
#include "host/access/mapping.h"
#include "host/access/principal.h"

typedef struct host_access host_access;

enum {
    ACCESS_SECRET_TEXT = 44, /* a session's or set-up text: base64url of 32 random bytes, and its NUL */
    ACCESS_TOKEN_TEXT = 80,  /* plantree_<id>_<base64url>, and its NUL */
    ACCESS_PASSWORD_MIN = 8, /* characters */
    ACCESS_PASSWORD_MAX = 1024,
    ACCESS_HASHES = 2, /* at once: each takes 64 MiB */
    ACCESS_QUEUE = 16, /* more wait for one of these; the next is busy */
    ACCESS_NAME_MAX = 128,
    ACCESS_SESSIONS = 50 /* of one name; the one unused for longest goes */
};

/* What belongs into the audit. Texts are valid during the call. */
typedef struct access_note {
    int64_t at_ms;
    const char *action;  /* "login" "logout" "setup" "token-add" "token-remove" "user-add" "user-remove" "user-password" "user-disable"
                            "user-enable" "user-join" "user-leave" "grant-add" "grant-remove" "tenant-set" "tenant-remove" */
    const char *outcome; /* "done", "failed", "throttled", "busy" */
    pt_slice principal, auth_kind, address; /* who did it, or tried to; for a failed login the name as given */
    pt_slice object;                        /* the user, token, grant, tenant meant */
    pt_slice after;                         /* JSON; may be empty. Never a secret */
} access_note;
/* On the thread of the call, without a lock held, after the change is on the disk. Logins that are throttled are told at most once a minute
 * per address, or user. */
typedef void access_note_fn(void *ctx, const access_note *note);

typedef struct access_options {
    const char *dir;       /* copied */
    const pt_clock *clock; /* borrowed, outlives it */
    const pt_log *log;     /* likewise; NULL: none */
    access_note_fn *note;  /* NULL: nobody is told */
    void *note_ctx;
    bool make;                      /* make access.db when it is not there; else PT_ENOTFOUND */
    int64_t session_idle_ms;        /* 0: 8 h */
    int64_t session_max_ms;         /* 0: 24 h from login, however much it is used */
    unsigned long long hash_passes; /* argon2id; 0: libsodium's INTERACTIVE (2 passes, 64 MiB) */
    size_t hash_bytes;
} access_options;

/* PT_ECORRUPT: damaged, not ours, empty, or of a newer version. PT_EREFUSED: others than the owner may read or write the file. */
PT_MUST_CHECK pt_status access_open(const access_options *o, host_access **out, pt_error *err);
void access_close(host_access *a); /* nobody is in a call; principals may live on. NULL allowed */

/* ---- passwords ---- */

/* Takes some 60 ms of a processor, and waits for at most 16 others before that: not for a thread that others wait for. `address` is the
 * peer's, as text (an IPv6 address counts with its /64); absent: not counted.
 * PT_EREFUSED: unknown user, disabled, or wrong: the same text, the same work. PT_EBUSY: too many hashes, or throttled after 5 failures of
 * this name or address (1, 2, 4 .. 60 s; forgotten after 15 minutes without one); *retry_ms (0 otherwise) says when to come again, and the
 * password was not looked at. A name's failures end with its success, an address's do not. The tables have a fixed size and evict nobody:
 * whoever fills them makes others wait, never go free. */
PT_MUST_CHECK pt_status access_check_password(host_access *a, pt_slice user, pt_slice password, pt_slice address, access_principal **out,
                                              int64_t *retry_ms, pt_error *err);

/* The same throttling around a login that is checked elsewhere (LDAP), with its notes: begin before, end after unless begin failed or
 * nothing became known of the password. PT_EBUSY: throttled. One login is checked here or there, not at both: a failure counts. */
PT_MUST_CHECK pt_status access_login_begin(host_access *a, access_kind kind, pt_slice user, pt_slice address, int64_t *retry_ms,
                                           pt_error *err);
void access_login_end(host_access *a, access_kind kind, pt_slice user, pt_slice address, bool right);

/* ---- sessions of browsers ---- */

/* A new session of this principal (user, ldap, oidc, proxy: PT_EINVAL otherwise), kept over a restart; `old` (may be absent) ends, so that
 * no session survives a login. `id` must be the identity a principal from outside was made of, NULL for a user. The text goes into a
 * cookie and nowhere else; the file has its hash. */
PT_MUST_CHECK pt_status access_session_start(host_access *a, const access_principal *p, const access_identity *id, pt_slice old,
                                             pt_slice address, char text[ACCESS_SECRET_TEXT], pt_error *err);
/* The principal as of now. PT_EREFUSED: no such session, ended, idle for 8 h, older than 24 h, its user gone or disabled, or no rights
 * mapped any more. Use is written at most once a minute. */
PT_MUST_CHECK pt_status access_session_find(host_access *a, pt_slice text, access_principal **out, pt_error *err);
/* PT_OK also when there is none. */
PT_MUST_CHECK pt_status access_session_end(host_access *a, pt_slice text, pt_slice address, pt_error *err);
/* All of this principal's. */
PT_MUST_CHECK pt_status access_session_end_all(host_access *a, const access_principal *p, pt_slice address, pt_error *err);

/* ---- API tokens ---- */

/* PT_EREFUSED: no such token, wrong, expired, its owner gone or disabled. Use is written at most once a minute per token. */
PT_MUST_CHECK pt_status access_token_find(host_access *a, pt_slice text, access_principal **out, pt_error *err);
/* Does the text have a token's shape? For telling one from other bearers' texts. */
bool access_is_token(pt_slice text);

/* ---- identities from outside (host/access/mapping.h) ---- */

/* Rows are copied; who came by the old ones is asked again. PT_EINVAL: a row is wrong, which is named; the old rows stay. */
PT_MUST_CHECK pt_status access_set_map(host_access *a, const access_map_row *rows, size_t n, pt_error *err);
/* The principal of an identity that the caller has verified (proxy's secret, certificate's chain, LDAP bind, OIDC signature). PT_EREFUSED:
 * no row gives it a right. */
PT_MUST_CHECK pt_status access_external(host_access *a, const access_identity *id, access_principal **out, pt_error *err);
/* Whoever is on this machine, where nobody authenticates: that role for the whole plant. */
PT_MUST_CHECK pt_status access_loopback(host_access *a, query_role role, access_principal **out, pt_error *err);

/* ---- the first start ---- */

/* PT_OK: there has never been a user, and `text` is what makes the first one, for an hour from now and once; a text made before is void.
 * To be shown on this machine alone (log, terminal). PT_ESTATE: there is, or was, a user. */
PT_MUST_CHECK pt_status access_setup_begin(host_access *a, char text[ACCESS_SECRET_TEXT], pt_error *err);
/* Make the first user, an admin of the whole plant. PT_EREFUSED: wrong or over; PT_EBUSY: throttled by address, *retry_ms; PT_EINVAL: the
 * name or the password will not do. */
PT_MUST_CHECK pt_status access_setup(host_access *a, pt_slice text, pt_slice name, pt_slice password, pt_slice address,
                                     access_principal **out, int64_t *retry_ms, pt_error *err);

/* ---- what is going on already ---- */

/* Grows with every change of users, grants, tenants, tokens, sessions that end, and the map, also by another process (asked of the file at
 * most once a second). A stream remembers it, and calls access_refresh when it is another. Never blocks on hashing. */
uint64_t access_generation(host_access *a);
/* *p as of now: the same when nothing changed, else a new snapshot in its place (the old reference is given back). PT_EREFUSED, and *p as
 * it was: it has ended, and so should what runs in its name; also those without session or token from outside when the map changed. */
PT_MUST_CHECK pt_status access_refresh(host_access *a, access_principal **p, pt_error *err);
#endif
