/* historian/format/deviation.h -- leaving samples out on request: exception and compression deviation, with PI's names and rules.
 *
 * It happens when a tag's committed samples are sealed: the journal, and with it the change log, has every sample. Runs of usable numbers
 * of one type, quality and flags are thinned; everything else (nulls, BAD, STALE, STATE rows, texts, NaN and infinities) and the first and
 * last of each run stay.
 *
 *   exception    a sample passes when it is more than exc_dev from the last that passed and not within exc_min of it, or exc_max after it;
 * the sample before it passes with it. compression  of those that passed, one is kept when the next would leave the swinging door: the
 * slopes from the kept one before that miss no sample between by more than comp_dev. Not within comp_min of the one before; no gap longer
 * than comp_max where there are samples. Types that are stepped (all but Double and Float): kept when it is more than comp_dev from the
 * kept one before.
 *
 * A kept sample behind which others were left out carries HIST_THINNED: up to it, Double and Float go in a straight line from the row
 * before, other types hold the value of the row before. Each block states the largest distance of any sample left out from what so stands
 * for it; with exc_min and comp_min 0 it is at most comp_dev + 2 exc_dev. A late sample that falls between two kept ones is left out when
 * it is within that; otherwise it is kept and what the block states grows by its distance (to infinity: unknown, when it is no usable
 * number). */
#ifndef HIST_DEVIATION_H
#define HIST_DEVIATION_H
#include "historian/format/block.h"

#include <math.h>

enum { HIST__KEPT, HIST__EXCEPTION, HIST__COMPRESSION }; /* what became of a row, and why */

/* Judge n rows (ascending unique keys): why[i] is one of the above. The first and the last row are kept. Returns the largest distance. */
double hist__thin(const hist_deviation *d, const hist_sample *s, size_t n, uint8_t *why);

/* Does a thinned stretch end at this row in a straight line? */
static inline bool hist__is_line(const hist_sample *s)
{
    return (s->flags & HIST_THINNED) && (s->type == SPB_DOUBLE || s->type == SPB_FLOAT);
}

/* How far `s` is from what stands for it between rows a and b; b carries HIST_THINNED. Infinite when it can't be said: another type or
 * quality, no number. */
double hist__distance(const hist_sample *a, const hist_sample *b, const hist_sample *s);

/* Put n late rows among the rows of blocks, which state `rows->deviation`: those left out are counted in *left, the others are appended to
 * `rows` (which must be sorted afterwards) and may widen rows->deviation. `thin` false: nothing is left out. */
PT_MUST_CHECK pt_status hist__thin_late(hist__rows *rows, const hist_sample *s, size_t n, bool thin, uint64_t *left);
#endif
