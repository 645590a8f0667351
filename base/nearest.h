/* base/nearest.h -- what was meant by a word that is none of those there are: the nearest of them, for "did you mean". Pure. */
#ifndef PT_NEAREST_H
#define PT_NEAREST_H
#include "base/slice.h"

/* Is `word` near enough to `wrong` to be suggested (one slip in a short word, three in a long one), and nearer than *best? Then *best is
 * its distance. Start with SIZE_MAX. Words of more than 64 bytes are near nothing. */
bool pt_nearer(pt_slice wrong, const char *word, size_t *best);
#endif
