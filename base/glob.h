/* base/glob.h -- path patterns over '/'-separated segments.
 *
 * `*` any run of characters inside a segment, `?` one character, `**` as a whole segment any number of segments
 * (none included). A leading `!` is the caller's to interpret. Bytewise, case-sensitive; linear memory, no recursion on '*'. */
#ifndef PT_GLOB_H
#define PT_GLOB_H
#include "base/slice.h"

bool pt_glob_match(pt_slice pattern, pt_slice path);
/* No wildcard inside: the pattern names exactly one path. */
bool pt_glob_is_literal(pt_slice pattern);
#endif
