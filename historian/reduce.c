/* historian/reduce.c -- a long range as a picture: first, lowest, highest and last sample of each of max_points / 4 slices of time.
 *
 * This keeps every peak (M4, Jugel et al. 2014). Tags that are no numbers are shown by their changes, evenly thinned when there are too many. */
#include "historian/scan.h"

#include <stdlib.h>

typedef struct sink {
    bool (*each)(void *ctx, const hist_sample *s);
    void *ctx;
    bool stopped;
} sink;

static void give(sink *k, const hist_sample *s)
{
    if (!k->stopped) k->stopped = !k->each(k->ctx, s);
}

/* How many samples and whether all are numbers, mostly from summaries. */
static pt_status count(hist *h, uint32_t tag_id, int64_t from_ms, int64_t to_ms, uint64_t *samples, uint64_t *numbers, int64_t *first_ms, int64_t *last_ms, pt_error *err)
{
    hist__scan *scan = NULL;
    hist__piece piece;
    *samples = *numbers = 0;
    *first_ms = to_ms;
    *last_ms = from_ms;
    pt_status st = hist__scan_open(h, tag_id, from_ms, to_ms, true, &scan, err);
    while (st == PT_OK && (st = hist__scan_next(scan, &piece, err)) == PT_OK) {
        hist__summary sum;
        if (!piece.is_block) hist__summarize(piece.rows, piece.n, &sum);
        else sum = piece.summary;
        *samples += sum.samples;
        *numbers += sum.nums;
        if (sum.t0 < *first_ms) *first_ms = sum.t0;
        if (sum.t1 > *last_ms) *last_ms = sum.t1;
    }
    hist__scan_close(scan);
    return st == PT_EEMPTY ? PT_OK : st;
}

/* ---- numbers ------------------------------------------------------------------------------------------------ */

enum { SLICE_ROWS = 4 };
typedef struct slice {
    hist_sample first, last, min, max;
    double low, high;
    uint64_t nums, index, first_at, last_at, min_at, max_at;
} slice;

static int by_place(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (x[0] > y[0]) - (x[0] < y[0]);
}

static void slice_end(slice *s, sink *k)
{
    if (s->nums) {
        uint64_t order[SLICE_ROWS][2] = { { s->first_at, 0 }, { s->min_at, 1 }, { s->max_at, 2 }, { s->last_at, 3 } };
        const hist_sample *rows[SLICE_ROWS] = { &s->first, &s->min, &s->max, &s->last };
        qsort(order, SLICE_ROWS, sizeof order[0], by_place);
        for (int i = 0; i < SLICE_ROWS; i++) {
            if (i == 0 || order[i][0] != order[i - 1][0]) give(k, rows[order[i][1]]);
        }
    }
    *s = (slice){ 0 };
}

static void slice_add(slice *s, const hist_sample *row, double v)
{
    if (s->nums == 0) {
        s->first = s->min = s->max = *row;
        s->low = s->high = v;
        s->first_at = s->min_at = s->max_at = s->index;
    }
    if (v < s->low) s->low = v, s->min = *row, s->min_at = s->index;
    if (v > s->high) s->high = v, s->max = *row, s->max_at = s->index;
    s->last = *row;
    s->last_at = s->index++;
    s->nums++;
}

static pt_status reduce_numbers(hist__scan *scan, int64_t from_ms, int64_t to_ms, uint32_t max_points, sink *k, pt_error *err)
{
    uint64_t slices = max_points / SLICE_ROWS ? max_points / SLICE_ROWS : 1, span = (uint64_t)to_ms - (uint64_t)from_ms;
    uint64_t width = span / slices + (span % slices != 0), at = 0;
    slice s = { 0 };
    hist__piece piece;
    pt_status st;
    while ((st = hist__scan_next(scan, &piece, err)) == PT_OK) {
        for (size_t i = 0; i < piece.n && !k->stopped; i++) {
            const hist_sample *row = &piece.rows[i];
            double v;
            uint64_t index = ((uint64_t)row->time_ms - (uint64_t)from_ms) / width;
            if (index != at) slice_end(&s, k);
            at = index;
            if (hist__usable_number(row, &v)) {
                slice_add(&s, row, v);
            } else { /* gaps and bad values are shown as they are, in their place */
                slice_end(&s, k);
                give(k, row);
            }
        }
        if (k->stopped) break;
    }
    slice_end(&s, k);
    return st == PT_EEMPTY ? PT_OK : st;
}

/* ---- everything else ---------------------------------------------------------------------------------------- */

/* The row before, with its bytes: pieces don't outlive each other. */
typedef struct memory {
    hist__rows row;
} memory;

static bool changed(memory *m, const hist_sample *s, pt_status *st)
{
    bool same = m->row.n && hist__same_content(&m->row.s[0], s);
    if (!same) {
        hist__rows_reset(&m->row);
        *st = hist__rows_add(&m->row, s, 1);
    }
    return !same;
}

/* Pass 0 counts changes, pass 1 gives every `stride`-th. STATE rows always. */
static pt_status walk_changes(hist__scan *scan, sink *k, uint64_t stride, uint64_t *changes, pt_error *err)
{
    memory m;
    hist__rows_init(&m.row);
    hist__piece piece;
    pt_status st, failed = PT_OK;
    *changes = 0;
    while ((st = hist__scan_next(scan, &piece, err)) == PT_OK) {
        for (size_t i = 0; i < piece.n && failed == PT_OK && !(k && k->stopped); i++) {
            const hist_sample *s = &piece.rows[i];
            bool state = hist__is_state(s);
            if (!changed(&m, s, &failed)) continue;
            if (k && (state || *changes % stride == 0)) give(k, s);
            *changes += !state;
        }
        if (failed != PT_OK || (k && k->stopped)) break;
    }
    hist__rows_fini(&m.row);
    return failed != PT_OK ? pt_fail(err, failed, "out of memory") : st == PT_EEMPTY ? PT_OK : st;
}

static pt_status give_all(hist__scan *scan, sink *k, pt_error *err)
{
    hist__piece piece;
    pt_status st;
    while ((st = hist__scan_next(scan, &piece, err)) == PT_OK) {
        for (size_t i = 0; i < piece.n; i++) give(k, &piece.rows[i]);
        if (k->stopped) break;
    }
    return st == PT_EEMPTY ? PT_OK : st;
}

pt_status hist_reduce(hist *h, uint32_t tag_id, int64_t from_ms, int64_t to_ms, uint32_t max_points, bool (*each)(void *ctx, const hist_sample *s),
                      void *ctx, uint64_t *raw_count, pt_error *err)
{
    uint64_t samples = 0, numbers = 0, changes = 0;
    int64_t first_ms = 0, last_ms = 0;
    sink k = { .each = each, .ctx = ctx };
    if (max_points == 0) return pt_fail(err, PT_EINVAL, "max_points must be positive");
    pt_status st = count(h, tag_id, from_ms, to_ms, &samples, &numbers, &first_ms, &last_ms, err);
    if (st != PT_OK) return st;
    if (raw_count) *raw_count = samples;
    if (first_ms > last_ms) return PT_OK;

    hist__scan *scan = NULL;
    if ((st = hist__scan_open(h, tag_id, from_ms, to_ms, false, &scan, err)) != PT_OK) return st;
    if (samples <= max_points) {
        st = give_all(scan, &k, err);
    } else if (numbers * 2 >= samples) {
        st = reduce_numbers(scan, first_ms, last_ms + 1, max_points, &k, err);
    } else {
        st = walk_changes(scan, NULL, 1, &changes, err);
        hist__scan_close(scan);
        scan = NULL;
        if (st == PT_OK) st = hist__scan_open(h, tag_id, from_ms, to_ms, false, &scan, err);
        if (st == PT_OK) st = walk_changes(scan, &k, (changes + max_points - 1) / max_points ? (changes + max_points - 1) / max_points : 1, &changes, err);
    }
    hist__scan_close(scan);
    return st;
}
