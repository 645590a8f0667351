/* host/control/blake2b.h -- BLAKE2b with 32 bytes of output, unkeyed (RFC 7693): the links of the audit's chain. */
#ifndef HOST_BLAKE2B_H
#define HOST_BLAKE2B_H
#include "base/slice.h"

#define HOST_BLAKE2B_LEN 32u

void host_blake2b(pt_slice bytes, unsigned char out[HOST_BLAKE2B_LEN]);
#endif
