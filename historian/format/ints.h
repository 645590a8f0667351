/* historian/format/ints.h -- a column of 64-bit integers, as small as simple means make it.
 *
 *     byte 0: transform
 *       0 FOR    base                       values are base + packed[i]
 *       1 DELTA  first, base                v[0] = first, v[i] = v[i-1] + base + packed[i-1]
 *       2 LINE   first, slope, base         v[i] = first + (i * slope >> 32) + base + packed[i]
 *       3 RLE    runs, column of values, column of lengths (neither is RLE); lengths are 1 less than they mean
 *     packed:  width byte w (0..57 or 64), exceptions e, ceil(count * w / 8) bytes of w-bit numbers, lowest bit first,
 *              then e pairs (gap to the index behind the previous one, bits above the low w)
 *
 * All arithmetic is modulo 2^64, so signed, unsigned and wrapping columns are exact. first and base are zigzag varints, slope, counts, gaps
 * and high bits plain varints. The encoder tries the transforms and takes the smallest. No allocation except as said; any thread. */
#ifndef HIST_INTS_H
#define HIST_INTS_H
#include "base/status.h"
#include "historian/format/bits.h"

#define HIST__INTS_MAX 65536u /* numbers in one column */
#define HIST__RUNS_MAX 2048u  /* runs in one RLE column */

/* Bytes that are always enough for `n` numbers. */
static inline size_t hist__ints_bound(size_t n)
{
    return 256 + n * 8;
}

/* Temporary room of the encoder for n numbers; made once, reused for every block of one thread. */
typedef struct hist__ints_work {
    uint64_t *delta, *line, *values, *lengths; /* one owned array, cut in four */
    size_t cap;
} hist__ints_work;
PT_MUST_CHECK pt_status hist__ints_work_reserve(hist__ints_work *w, size_t n);
void hist__ints_work_fini(hist__ints_work *w);

/* Write the column to `out` (hist__ints_bound(n) bytes) and return its size. `w` has room for n. n may be 0. LINE is tried only when asked
 * for: it suits time stamps. */
size_t hist__ints_encode(hist__ints_work *w, const uint64_t *v, size_t n, bool line, uint8_t *out);
/* Read `n` numbers; false (and r->ok false) when the bytes are not such a column. `out` may be partly written then. */
bool hist__ints_decode(hist__reader *r, uint64_t *out, size_t n);
#endif
