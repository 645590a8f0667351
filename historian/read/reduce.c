/* historian/read/reduce.c -- a long range as a picture: first, lowest, highest and last sample of each of max_points / 4 slices of time.
 *
 * This keeps every peak (M4, Jugel et al. 2014). What is no usable number is shown by the first and last of it in a slice. Tags that are no
 * numbers are shown by their changes, evenly thinned when there are too many. */
#include "historian/read/scan.h"

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

/* How many rows, samples and numbers, mostly from summaries. */
static pt_status count(hist *h, hist_line line, int64_t from_ms, int64_t to_ms, uint64_t *rows, uint64_t *samples, uint64_t *numbers,
                       int64_t *first_ms, int64_t *last_ms, pt_error *err)
{
    hist__scan *scan = NULL;
    hist__piece piece;
    *rows = *samples = *numbers = 0;
    *first_ms = to_ms;
    *last_ms = from_ms;
    pt_status st = hist__scan_open(h, line, from_ms, to_ms, true, &scan, err);
    while (st == PT_OK && (st = hist__scan_next(scan, &piece, err)) == PT_OK) {
        hist__summary sum;
        if (!piece.is_block) hist__summarize(piece.rows, piece.n, &sum);
        else sum = piece.summary;
        *rows += sum.rows;
        *samples += sum.samples;
        *numbers += sum.nums;
        if (sum.t0 < *first_ms) *first_ms = sum.t0;
        if (sum.t1 > *last_ms) *last_ms = sum.t1;
    }
    hist__scan_close(scan);
    return st == PT_EEMPTY ? PT_OK : st;
}

/* ---- numbers ------------------------------------------------------------------------------------------------ */

enum { NUMBER_ROWS = 4, SLICE_ROWS = 6 };
/* What a slice shows: of its numbers the first, lowest, highest and last, of what is none (bad, stale, null, STATE, texts of before the tag
 * was a number) the first and the last. */
typedef struct slice {
    hist_sample first, last, min, max, odd_first, odd_last;
    hist__rows *kept; /* borrowed, two: the last two with their bytes, which do not outlive a piece otherwise */
    double low, high;
    uint64_t nums, odds, index, first_at, last_at, min_at, max_at, odd_first_at, odd_last_at;
} slice;

static int by_place(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (x[0] > y[0]) - (x[0] < y[0]);
}

static void slice_end(slice *s, sink *k)
{
    uint64_t order[SLICE_ROWS][2];
    const hist_sample *rows[SLICE_ROWS] = { &s->first, &s->min, &s->max, &s->last, &s->odd_first, &s->odd_last };
    const uint64_t places[SLICE_ROWS] = { s->first_at, s->min_at, s->max_at, s->last_at, s->odd_first_at, s->odd_last_at };
    size_t n = 0;
    for (uint64_t i = s->nums ? 0 : NUMBER_ROWS; i < (s->odds ? SLICE_ROWS : NUMBER_ROWS); i++, n++) {
        order[n][0] = places[i];
        order[n][1] = i;
    }
    qsort(order, n, sizeof order[0], by_place);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || order[i][0] != order[i - 1][0]) give(k, rows[order[i][1]]);
    }
    *s = (slice){ .kept = s->kept };
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

static pt_status slice_keep(slice *s, unsigned which, const hist_sample *row, hist_sample *out)
{
    hist__rows_reset(&s->kept[which]);
    pt_status st = hist__rows_add(&s->kept[which], row, 1);
    if (st == PT_OK) *out = s->kept[which].s[0];
    return st;
}

static pt_status slice_add_odd(slice *s, const hist_sample *row)
{
    pt_status st = s->odds++ == 0 ? slice_keep(s, 0, row, &s->odd_first) : PT_OK;
    if (st == PT_OK) st = slice_keep(s, 1, row, &s->odd_last);
    if (s->odds == 1) s->odd_first_at = s->index;
    s->odd_last_at = s->index++;
    return st;
}

static pt_status reduce_numbers(hist__scan *scan, int64_t from_ms, int64_t to_ms, uint32_t max_points, bool all_numbers, sink *k,
                                pt_error *err)
{
    uint32_t per_slice = all_numbers ? NUMBER_ROWS : SLICE_ROWS;
    uint64_t slices = max_points / per_slice ? max_points / per_slice : 1, span = (uint64_t)to_ms - (uint64_t)from_ms;
    uint64_t width = span / slices + (span % slices != 0), at = 0;
    hist__rows kept[2];
    slice s = { .kept = kept };
    hist__piece piece;
    pt_status st, failed = PT_OK;
    for (size_t i = 0; i < 2; i++)
        hist__rows_init(&kept[i]);
    while ((st = hist__scan_next(scan, &piece, err)) == PT_OK) {
        for (size_t i = 0; i < piece.n && !k->stopped && failed == PT_OK; i++) {
            const hist_sample *row = &piece.rows[i];
            double v;
            uint64_t index = ((uint64_t)row->time_ms - (uint64_t)from_ms) / width;
            if (index != at) slice_end(&s, k);
            at = index;
            if (hist__usable_number(row, &v)) slice_add(&s, row, v);
            else failed = slice_add_odd(&s, row);
        }
        if (k->stopped || failed != PT_OK) break;
    }
    if (failed == PT_OK) slice_end(&s, k);
    for (size_t i = 0; i < 2; i++)
        hist__rows_fini(&kept[i]);
    return failed != PT_OK ? pt_fail(err, failed, "out of memory") : st == PT_EEMPTY ? PT_OK : st;
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

/* What a tag that is no number has, and of which every so many are given. */
typedef struct changes {
    uint64_t values, states;
} changes;

/* Without a sink only counted, else every stride-th of each kind is given; and the first value behind a state, which ends it. */
static pt_status walk_changes(hist__scan *scan, sink *k, const changes *stride, changes *found, pt_error *err)
{
    memory m;
    hist__rows_init(&m.row);
    hist__piece piece;
    pt_status st, failed = PT_OK;
    bool ends = false;
    *found = (changes){ 0 };
    while ((st = hist__scan_next(scan, &piece, err)) == PT_OK) {
        for (size_t i = 0; i < piece.n && failed == PT_OK && !(k && k->stopped); i++) {
            const hist_sample *s = &piece.rows[i];
            bool state = hist__is_state(s);
            if (!changed(&m, s, &failed)) continue;
            uint64_t *n = state ? &found->states : &found->values;
            bool due = *n % (state ? stride->states : stride->values) == 0;
            if (k && (due || (ends && !state))) give(k, s);
            ends = state && (due || ends);
            ++*n;
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
        for (size_t i = 0; i < piece.n; i++)
            give(k, &piece.rows[i]);
        if (k->stopped) break;
    }
    return st == PT_EEMPTY ? PT_OK : st;
}

pt_status hist_reduce(hist *h, hist_line line, int64_t from_ms, int64_t to_ms, uint32_t max_points,
                      bool (*each)(void *ctx, const hist_sample *s), void *ctx, uint64_t *raw_count, pt_error *err)
{
    uint64_t rows = 0, samples = 0, numbers = 0;
    int64_t first_ms = 0, last_ms = 0;
    sink k = { .each = each, .ctx = ctx };
    if (max_points == 0) return pt_fail(err, PT_EINVAL, "max_points must be positive");
    pt_status st = count(h, line, from_ms, to_ms, &rows, &samples, &numbers, &first_ms, &last_ms, err);
    if (st != PT_OK) return st;
    if (raw_count) *raw_count = samples;
    if (first_ms > last_ms) return PT_OK;

    hist__scan *scan = NULL;
    if ((st = hist__scan_open(h, line, from_ms, to_ms, false, &scan, err)) != PT_OK) return st;
    if (samples <= max_points) {
        st = give_all(scan, &k, err);
    } else if (numbers * 2 >= samples) {
        st = reduce_numbers(scan, first_ms, last_ms + 1, max_points, numbers == rows, &k, err);
    } else {
        const uint64_t states_max = max_points / 2 ? max_points / 2 : 1;
        changes stride = { 1, 1 }, found;
        st = walk_changes(scan, NULL, &stride, &found, err);
        hist__scan_close(scan);
        scan = NULL;
        if (st == PT_OK) st = hist__scan_open(h, line, from_ms, to_ms, false, &scan, err);
        if (found.values > max_points) stride.values = (found.values + max_points - 1) / max_points;
        if (found.states > states_max) stride.states = (found.states + states_max - 1) / states_max;
        if (st == PT_OK) st = walk_changes(scan, &k, &stride, &found, err);
    }
    hist__scan_close(scan);
    return st;
}
