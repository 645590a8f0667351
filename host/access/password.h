/* host/access/password.h -- argon2id by libsodium, at most two at once and sixteen waiting. For the files of this room alone; any thread.
 */
#ifndef HOST_ACCESS_PASSWORD_H
#define HOST_ACCESS_PASSWORD_H
#include "base/monitor.h"
#include "host/access/accounts.h"

enum { ACCESS__HASH_TEXT = 128, ACCESS__BUSY_RETRY_MS = 1000 };

typedef struct access__hasher {
    pt_monitor monitor;
    unsigned running, waiting;
    uint64_t next_ticket, served; /* first come, first served */
    unsigned long long passes;
    size_t bytes;
    char dummy[ACCESS__HASH_TEXT]; /* of no password: costs what the others cost */
} access__hasher;

/* 0: INTERACTIVE. PT_EINVAL: libsodium does not take them; PT_ENOMEM. */
PT_MUST_CHECK pt_status access__hasher_init(access__hasher *h, unsigned long long passes, size_t bytes, pt_error *err);
void access__hasher_fini(access__hasher *h);
/* A place to hash in: waits for one, PT_EBUSY when sixteen wait already. leave after PT_OK. */
PT_MUST_CHECK pt_status access__hasher_enter(access__hasher *h, pt_error *err);
void access__hasher_leave(access__hasher *h);
unsigned access__hasher_waiting(access__hasher *h);
/* Both enter and leave. PT_EBUSY; PT_ENOMEM. */
PT_MUST_CHECK pt_status access__hash(access__hasher *h, pt_slice password, char out[ACCESS__HASH_TEXT], pt_error *err);
/* Is it that password? `hash` NULL: no such user, which takes as long. *again: of older parameters, hash it anew. */
PT_MUST_CHECK pt_status access__verify(access__hasher *h, const char *hash, pt_slice password, bool *right, bool *again, pt_error *err);
#endif
