/* host/access/internal.h -- what the files of this room share. */
#ifndef HOST_ACCESS_INTERNAL_H
#define HOST_ACCESS_INTERNAL_H
#include "base/arena.h"
#include "base/json.h"
#include "host/access/accounts.h"
#include "host/access/password.h"
#include "host/access/store.h"
#include "host/access/throttle.h"

#include <stdatomic.h>

enum { ACCESS__HASH_LEN = 32, ACCESS__TOUCH_MS = 60000, ACCESS__SETUP_MS = 3600000, ACCESS__POLL_MS = 1000 };

struct host_access {
    const pt_clock *clock;
    const pt_log *log;
    access_note_fn *note;
    void *note_ctx;
    int64_t idle_ms, max_ms;
    access__hasher hasher;
    _Atomic uint64_t generation;
    _Atomic int64_t polled_ms; /* monotonic */

    pthread_mutex_t lock; /* guards the rest */
    access__store store;
    access__throttle throttle;
    pt_log_limit told, unwritten; /* throttled logins; times of use that could not be written */
    pt_arena map_arena;
    access_map_row *map;
    size_t n_map;
    uint64_t map_generation; /* when the map came */
    unsigned char setup[ACCESS__HASH_LEN];
    int64_t setup_until_ms; /* monotonic; 0: none */
};

void access__lock(host_access *a);
void access__unlock(host_access *a);
int64_t access__now(const host_access *a); /* wall */
/* Something changed by our own hand: the file's version does not show it. */
void access__bump(host_access *a);
/* To the note function; without the lock. */
void access__tell(host_access *a, const char *action, const char *outcome, const access_actor *by, pt_slice object, const pt_buf *after);
/* A time of use could not be written: logged at most once a minute. With the lock. */
void access__not_written(host_access *a, pt_slice what, const pt_error *err);

/* ---- secrets (secret.c) ---- */

/* BLAKE2b-256 of it. */
void access__hash_secret(pt_slice secret, unsigned char out[ACCESS__HASH_LEN]);
/* 32 random bytes as text. */
void access__new_secret(char text[ACCESS_SECRET_TEXT]);
/* "plantree_<id>_<secret>" taken apart, borrowing; false: another shape. */
bool access__token_parts(pt_slice text, uint64_t *id, pt_slice *secret);

/* ---- principals of rows (resolve.c); all with the lock ---- */

typedef struct access__by { /* how a user came in */
    access_kind kind;
    const access_right *limit; /* of a token */
    uint64_t token_id;
    const unsigned char *session; /* NULL: by none */
} access__by;
/* PT_EREFUSED: gone or disabled. */
PT_MUST_CHECK pt_status access__user_principal(host_access *a, pt_slice name, const access__by *by, access_principal **out, pt_error *err);
/* PT_EREFUSED: no right is mapped. */
PT_MUST_CHECK pt_status access__mapped_principal(host_access *a, const access_identity *id, const unsigned char *session,
                                                 access_principal **out, pt_error *err);
/* PT_EREFUSED when it has ended. */
PT_MUST_CHECK pt_status access__token_principal(host_access *a, uint64_t id, const unsigned char *hash, access_principal **out,
                                                pt_error *err);
PT_MUST_CHECK pt_status access__session_principal(host_access *a, const unsigned char *hash, bool touch, access_principal **out,
                                                  pt_error *err);

/* ---- rows (users.c) ---- */

PT_MUST_CHECK pt_status access__name_check(const char *what, pt_slice name, pt_error *err);
PT_MUST_CHECK pt_status access__patterns_check(const access_patterns *at, pt_error *err);
/* The patterns as lines, in a buffer to be finished. */
void access__patterns_text(pt_buf *out, const access_patterns *at);
/* In a transaction. PT_EEXISTS; PT_ETOOBIG. */
PT_MUST_CHECK pt_status access__insert_user(host_access *a, pt_slice name, const char *hash, pt_error *err);
/* Begin and finish with the lock, given away on return; bumps when it went well. */
PT_MUST_CHECK pt_status access__start(host_access *a, pt_error *err);
PT_MUST_CHECK pt_status access__close_up(host_access *a, pt_status st, pt_error *err);
/* {"role":..,"paths":[..]} and so on, for the audit. */
void access__patterns_json(pt_json *j, const access_patterns *at);
#endif
