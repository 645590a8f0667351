/* base/base64.h -- bytes as base64 text (RFC 4648, section 4) and back.
 *
 * No state; any thread. */
#ifndef PT_BASE64_H
#define PT_BASE64_H
#include "base/buf.h"

#include <stdbool.h>

/* Append the text, padded. A failure is the buffer's (base/buf.h). */
void pt_base64_add(pt_buf *out, pt_slice bytes);
/* The bytes of the text into `to`, which has room for text.len / 4 * 3 + 3. Padding may be missing or too long; false, with `to` partly
 * written, for other characters, blanks among them, and for bits left over that are not 0. */
bool pt_base64_decode(pt_slice text, char *to, size_t *len);
#endif
