/* base/utf8.h -- check UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, at most U+10FFFF. */
#ifndef PT_UTF8_H
#define PT_UTF8_H
#include "base/slice.h"

/* Length (1..4) of the character at `p`, or 0 if the bytes there are not one. *code (may be NULL) is its code point. */
size_t pt_utf8_next(const char *p, size_t len, uint32_t *code);
bool pt_utf8_valid(pt_slice s);
#endif
