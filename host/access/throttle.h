/* host/access/throttle.h -- who failed too often waits: 5 failures -> 1, 2, 4 .. 60 s, forgotten after 15 minutes without one.
 *
 * Counts stand in two rows of a fixed number of cells; a key has one cell in each, found by a hash with a secret key, and counts as the
 * smaller of the two. Nothing is evicted: filling the table makes others wait, and nobody's count can be reset from outside. Owner's lock;
 * monotonic milliseconds. */
#ifndef HOST_ACCESS_THROTTLE_H
#define HOST_ACCESS_THROTTLE_H
#include "base/slice.h"

enum { ACCESS__THROTTLE_FREE = 5, ACCESS__THROTTLE_MAX_MS = 60000, ACCESS__THROTTLE_FORGET_MS = 900000, ACCESS__CELLS = 4096 };

typedef struct access__cell {
    int64_t last_ms; /* of the last failure */
    uint32_t fails;
} access__cell;

typedef struct access__throttle {
    unsigned char secret[16];
    access__cell rows[2][ACCESS__CELLS];
} access__throttle;

void access__throttle_init(access__throttle *t);
/* How long this key must wait from now on; 0: not. `kind` ('u', 'a') keeps equal texts of two kinds apart. */
int64_t access__throttle_wait(const access__throttle *t, char kind, pt_slice key, int64_t mono_ms);
void access__throttle_failed(access__throttle *t, char kind, pt_slice key, int64_t mono_ms);
/* Its own failures are taken back; those of others in the same cells stay. */
void access__throttle_succeeded(access__throttle *t, char kind, pt_slice key, int64_t mono_ms);
/* What of an address is counted: IPv4 whole, IPv6 its /64, v4-mapped as IPv4; anything else as it is. `to` has room for 64 bytes. */
pt_slice access__network_of(pt_slice address, char to[64]);
#endif
