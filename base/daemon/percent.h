/* base/daemon/percent.h -- percent-encoding of addresses (RFC 3986). Pure functions, any thread. */
#ifndef PT_PERCENT_H
#define PT_PERCENT_H
#include "base/buf.h"

/* Decode into `out`, which has room for raw.len bytes; *len is what was written. `plus`: '+' means a blank (query strings).
 * false when a '%' is not followed by two hex digits. */
bool pt_percent_decode(pt_slice raw, bool plus, char *out, size_t *len);

/* Append `s` with everything but letters, digits and "-._~" encoded; '/' stays when `keep_slash`. */
void pt_percent_encode(pt_buf *out, pt_slice s, bool keep_slash);
#endif
