/* host/nodes/md5.h -- MD5 (RFC 1321): what Sparkplug's MetaData.md5 is, a check against transmission faults and nothing else. */
#ifndef HOST_MD5_H
#define HOST_MD5_H
#include "base/slice.h"

typedef struct host_md5 {
    uint32_t state[4];
    uint64_t len; /* bytes so far */
    unsigned char block[64];
} host_md5;

void host_md5_init(host_md5 *m);
void host_md5_add(host_md5 *m, pt_slice bytes);
/* The sum of what was added, as 32 lower-case hex digits and a NUL. *m is as before: more may be added. */
void host_md5_hex(const host_md5 *m, char hex[33]);
#endif
