/* base/glob.h -- path patterns over '/'-separated segments.
 *
 * `*` any run of characters inside a segment, `?` one character, `**` as a whole segment any number of segments
 * (none included). A leading `!` has a meaning in lists only. Bytewise, case-sensitive; linear memory, no recursion on '*'. */
#ifndef PT_GLOB_H
#define PT_GLOB_H
#include "base/slice.h"

bool pt_glob_match(pt_slice pattern, pt_slice path);
/* A list of patterns, as commands and requests take them: one behind a leading `!` excludes, whatever the others say; the path must match
 * one of those that do not, if there are any. So exclusions alone leave all others, and an empty list is everything. */
bool pt_glob_selects(const pt_slice *patterns, size_t n, pt_slice path);
bool pt_glob_only_excludes(const pt_slice *patterns, size_t n); /* none of them, also in an empty list, says what there should be */
/* No wildcard inside: the pattern names exactly one path. */
bool pt_glob_is_literal(pt_slice pattern);
#endif
