/* historian/read/aggregate.c -- names and formulas of aggregates, and the passes that need rows rather than sums. */
#include "historian/read/aggregate.h"
#include "historian/read/scan.h"

#include <math.h>
#include <stdlib.h>

static const struct {
    const char *name, *opc;
} FN[HIST_FN_COUNT_] = {
    [HIST_FN_NUMBERS] = { "numbers", "Count" },
    [HIST_FN_MIN] = { "min", "Minimum" },
    [HIST_FN_MAX] = { "max", "Maximum" },
    [HIST_FN_AVG] = { "avg", "Average" },
    [HIST_FN_TWA] = { "twa", "TimeAverage" },
    [HIST_FN_SUM] = { "sum", "Sum" },
    [HIST_FN_TOTAL] = { "total", "Total" },
    [HIST_FN_FIRST] = { "first", "Start" },
    [HIST_FN_LAST] = { "last", "End" },
    [HIST_FN_DELTA] = { "delta", "Delta" },
    [HIST_FN_RANGE] = { "range", "Range" },
    [HIST_FN_STDDEV] = { "stddev", "StandardDeviationSample" },
    [HIST_FN_STDDEV_POP] = { "stddev_pop", "StandardDeviationPopulation" },
    [HIST_FN_PERCENT_GOOD] = { "percent_good", "PercentGood" },
    [HIST_FN_DURATION_GOOD] = { "duration_good", "DurationGood" },
    [HIST_FN_SAMPLES] = { "samples", "Samples" },
};

pt_status hist_fn_parse(pt_slice name, hist_fn *out)
{
    for (int k = 0; k < HIST_FN_COUNT_; k++) {
        if (!pt_slice_eq_cstr(name, FN[k].name) && !pt_slice_eq_cstr(name, FN[k].opc)) continue;
        *out = (hist_fn)k;
        return PT_OK;
    }
    return PT_ENOTFOUND;
}

const char *hist_fn_name(hist_fn fn)
{
    return (unsigned)fn < HIST_FN_COUNT_ ? FN[fn].name : "unknown";
}

bool hist_fn_value(hist_fn fn, const hist_bucket *b, double *out)
{
    bool any = b->nums > 0;
    double n = (double)b->nums, span = (double)(b->end_ms - b->t_ms);
    switch (fn) {
    case HIST_FN_NUMBERS: *out = n; return true;
    case HIST_FN_SAMPLES: *out = (double)b->count; return true;
    case HIST_FN_MIN: *out = b->min; return any;
    case HIST_FN_MAX: *out = b->max; return any;
    case HIST_FN_AVG: *out = b->avg; return any;
    case HIST_FN_SUM: *out = b->sum; return any;
    case HIST_FN_FIRST: *out = b->first; return any;
    case HIST_FN_LAST: *out = b->last; return any;
    case HIST_FN_DELTA: *out = b->last - b->first; return any;
    case HIST_FN_RANGE: *out = b->max - b->min; return any;
    case HIST_FN_TWA: *out = b->area_ms ? b->area / (double)b->area_ms : 0; return b->area_ms > 0;
    case HIST_FN_TOTAL: *out = b->area / 1000; return b->area_ms > 0;
    case HIST_FN_STDDEV: *out = b->nums > 1 ? sqrt(b->m2 / (n - 1)) : 0; return b->nums > 1;
    case HIST_FN_STDDEV_POP: *out = any ? sqrt(b->m2 / n) : 0; return any;
    case HIST_FN_PERCENT_GOOD: *out = span > 0 ? 100 * (double)b->good_ms / span : 0; return span > 0;
    case HIST_FN_DURATION_GOOD: *out = (double)b->good_ms; return true;
    default: return false;
    }
}

/* ---- interpolation ------------------------------------------------------------------------------------------- */

typedef struct grid {
    int64_t next_ms, to_ms, interval_ms;
    bool linear, stopped, done;
    bool held; /* a usable number holds since at_ms */
    double value;
    int64_t at_ms;
    bool (*each)(void *ctx, int64_t t_ms, double value, bool there);
    void *ctx;
} grid;

/* Give out the points before `until_ms`, where the next row is. */
static void points_before(grid *g, int64_t until_ms, bool line, double next)
{
    while (!g->stopped && !g->done && g->next_ms < until_ms && g->next_ms < g->to_ms) {
        double v = g->value;
        if (g->held && line && g->next_ms > g->at_ms && isfinite(g->value) &&
            isfinite(next)) /* no line leads to or from infinity: there it is steps */
            v += (next - g->value) * ((double)(g->next_ms - g->at_ms) / (double)(until_ms - g->at_ms));
        g->stopped = !g->each(g->ctx, g->next_ms, v, g->held);
        if (g->to_ms - g->next_ms <= g->interval_ms) g->done = true;
        else g->next_ms += g->interval_ms;
    }
}

static void grid_row(grid *g, const hist_sample *s)
{
    double v = 0;
    bool usable = hist__usable_number(s, &v);
    points_before(g, s->time_ms, usable && (g->linear || hist__is_line(s)), v);
    g->held = usable;
    g->value = v;
    g->at_ms = s->time_ms;
}

pt_status hist_interpolate(hist *h, hist_line line, int64_t from_ms, int64_t to_ms, int64_t interval_ms, bool linear,
                           bool (*each)(void *ctx, int64_t t_ms, double value, bool there), void *ctx, pt_error *err)
{
    if (interval_ms <= 0) return pt_fail(err, PT_EINVAL, "the interval must be positive");
    if (from_ms >= to_ms) return PT_OK;
    grid g = { .next_ms = from_ms, .to_ms = to_ms, .interval_ms = interval_ms, .linear = linear, .each = each, .ctx = ctx };
    hist__scan *scan = NULL;
    hist__piece piece;
    hist_sample before;
    pt_arena arena;
    pt_arena_init(&arena, HIST__VALUE_BYTES_MAX * (size_t)4);
    pt_status st = hist__row_before(h, line, from_ms, true, &arena, &before, err);
    if (st == PT_OK) {
        g.held = hist__usable_number(&before, &g.value);
        g.at_ms = before.time_ms;
    }
    pt_arena_fini(&arena);
    if (st != PT_OK && st != PT_EEMPTY) return st;
    /* On beyond `to`, for the row behind the last point; the walk ends there. */
    st = hist__scan_open(h, line, from_ms < INT64_MAX ? from_ms + 1 : from_ms, INT64_MAX, false, &scan, err);
    while (st == PT_OK && !g.stopped && !g.done && (st = hist__scan_next(scan, &piece, err)) == PT_OK) {
        for (size_t i = 0; i < piece.n && !g.stopped && !g.done; i++)
            grid_row(&g, &piece.rows[i]);
    }
    hist__scan_close(scan);
    if (st == PT_EEMPTY) st = PT_OK;
    int64_t now = pt_wall_ms(h->clock), known = now > g.at_ms ? now : g.at_ms; /* a value does not hold into the future */
    if (st == PT_OK) points_before(&g, known < INT64_MAX ? known + 1 : known, false, 0);
    g.held = false;
    if (st == PT_OK) points_before(&g, INT64_MAX, false, 0);
    return st;
}

/* ---- time in each state -------------------------------------------------------------------------------------- */

enum { VALUES_MAX = 10000 };

typedef struct states {
    hist__rows values; /* the different ones, in order of appearance */
    int64_t *ms;
    uint64_t *times;
    pt_map by_bytes; /* type and value -> index */
    int64_t none_ms;
    uint64_t none_times;
    bool begun; /* something was counted */
    size_t now; /* index that holds; SIZE_MAX: none */
    int64_t at_ms;
} states;

static pt_status find_value(states *s, const hist_sample *row, size_t *index, pt_error *err)
{
    pt_buf key;
    uint64_t found = 0;
    pt_buf_init(&key, HIST__VALUE_BYTES_MAX + 16u);
    pt_buf_char(&key, (char)row->type);
    if (hist__family_of_type(row->type) == HIST__BYTES) pt_buf_slice(&key, pt_slice_of(row->as.ptr, row->len));
    else pt_buf_add(&key, &row->as.u64, sizeof row->as.u64);
    pt_status st = pt_buf_status(&key);
    if (st == PT_OK && !pt_map_get(&s->by_bytes, pt_buf_view(&key), &found)) {
        found = s->values.n;
        if (found == VALUES_MAX) st = pt_fail(err, PT_ETOOBIG, "more than %d different values", VALUES_MAX);
        if (st == PT_OK) st = hist__rows_add(&s->values, row, 1);
        if (st == PT_OK) st = pt_map_put(&s->by_bytes, pt_buf_view(&key), found, NULL);
    }
    pt_buf_fini(&key);
    *index = (size_t)found;
    return st;
}

static void hold(states *s, int64_t until_ms)
{
    int64_t ms = until_ms - s->at_ms;
    if (ms > 0) {
        if (s->now == SIZE_MAX) {
            s->none_ms += ms;
            s->none_times += !s->begun; /* the range begins without a value */
            s->begun = true;
        } else {
            s->ms[s->now] += ms;
        }
        s->at_ms = until_ms;
    }
}

static bool usable(const hist_sample *row)
{
    double v;
    if (hist__family_of_type(row->type) == HIST__BYTES) return hist__has_value(row) && row->quality <= SPB_UNCERTAIN;
    return hist__usable_number(row, &v);
}

static pt_status state_row(states *s, const hist_sample *row, pt_error *err)
{
    size_t index = SIZE_MAX;
    pt_status st = usable(row) ? find_value(s, row, &index, err) : PT_OK;
    if (st != PT_OK) return st;
    hold(s, row->time_ms);
    if (index != s->now) {
        if (index == SIZE_MAX) s->none_times++;
        else s->times[index]++;
        s->begun = true;
    }
    s->now = index;
    return PT_OK;
}

pt_status hist_durations(hist *h, hist_line line, int64_t from_ms, int64_t to_ms,
                         bool (*each)(void *ctx, const hist_sample *value, int64_t ms, uint64_t times), void *ctx, pt_error *err)
{
    states s = { .now = SIZE_MAX, .at_ms = from_ms };
    hist__scan *scan = NULL;
    hist__piece piece;
    hist_sample before;
    pt_arena arena;
    if (from_ms >= to_ms) return PT_OK;
    s.ms = calloc(VALUES_MAX, sizeof *s.ms);
    s.times = calloc(VALUES_MAX, sizeof *s.times);
    hist__rows_init(&s.values);
    pt_map_init(&s.by_bytes, PT_MAP_COPY_KEYS);
    pt_arena_init(&arena, HIST__VALUE_BYTES_MAX * (size_t)4);
    pt_status st = s.ms && s.times ? PT_OK : pt_fail(err, PT_ENOMEM, "out of memory");
    if (st == PT_OK && from_ms > INT64_MIN) {
        st = hist__row_before(h, line, from_ms - 1, true, &arena, &before, err);
        if (st == PT_OK) {
            before.time_ms = from_ms;
            st = state_row(&s, &before, err);
        } else if (st == PT_EEMPTY) {
            st = PT_OK;
        }
    }
    if (st == PT_OK) st = hist__scan_open(h, line, from_ms, to_ms, false, &scan, err);
    while (st == PT_OK && (st = hist__scan_next(scan, &piece, err)) == PT_OK) {
        for (size_t i = 0; st == PT_OK && i < piece.n; i++)
            st = state_row(&s, &piece.rows[i], err);
    }
    hist__scan_close(scan);
    if (st == PT_EEMPTY) st = PT_OK;
    int64_t now = pt_wall_ms(h->clock), end = to_ms < now ? to_ms : now > s.at_ms ? now : s.at_ms;
    if (st == PT_OK) hold(&s, end);
    bool more = st == PT_OK;
    for (size_t i = 0; more && i < s.values.n; i++)
        more = each(ctx, &s.values.s[i], s.ms[i], s.times[i]);
    if (more && s.none_ms) each(ctx, NULL, s.none_ms, s.none_times);
    pt_arena_fini(&arena);
    pt_map_fini(&s.by_bytes);
    hist__rows_fini(&s.values);
    free(s.ms);
    free(s.times);
    return st;
}

/* ---- LTTB ---------------------------------------------------------------------------------------------------- */

typedef struct collected {
    hist__rows rows;
    bool no_memory;
} collected;

static bool collect(void *ctx, const hist_sample *s)
{
    collected *c = ctx;
    c->no_memory = hist__rows_add(&c->rows, s, 1) != PT_OK;
    return !c->no_memory;
}

typedef struct point {
    double x, y;
    size_t row;
} point;

/* Mark the rows to keep; `p` are the usable numbers among them. */
static void choose(const point *p, size_t n, size_t want, bool *keep)
{
    if (n <= want) {
        for (size_t i = 0; i < n; i++)
            keep[p[i].row] = true;
        return;
    }
    size_t at = 0;
    keep[p[n - 1].row] = true;
    if (want < 2) return;
    keep[p[0].row] = true;
    double every = (double)(n - 2) / (double)(want - 2);
    for (size_t k = 0; k < want - 2; k++) {
        size_t lo = 1 + (size_t)((double)k * every), hi = 1 + (size_t)((double)(k + 1) * every),
               next = 1 + (size_t)((double)(k + 2) * every), best = lo;
        if (next > n) next = n;
        if (hi >= n) hi = n - 1;
        double x = 0, y = 0, largest = -1;
        for (size_t i = hi; i < next; i++) {
            x += p[i].x;
            y += p[i].y;
        }
        double count = next > hi ? (double)(next - hi) : 1;
        if (next <= hi) {
            x = p[n - 1].x;
            y = p[n - 1].y;
        }
        for (size_t i = lo; i < hi; i++) {
            double area = fabs((p[at].x - x / count) * (p[i].y - p[at].y) - (p[at].x - p[i].x) * (y / count - p[at].y));
            if (area > largest) {
                largest = area;
                best = i;
            }
        }
        keep[p[best].row] = true;
        at = best;
    }
}

pt_status hist_lttb(hist *h, hist_line line, int64_t from_ms, int64_t to_ms, uint32_t points, bool (*each)(void *ctx, const hist_sample *s),
                    void *ctx, uint64_t *raw_count, pt_error *err)
{
    collected all = { .no_memory = false };
    hist__rows_init(&all.rows);
    uint32_t pre = points > UINT32_MAX / 16 ? UINT32_MAX : points * 16;
    pt_status st = points ? hist_reduce(h, line, from_ms, to_ms, pre, collect, &all, raw_count, err)
                          : pt_fail(err, PT_EINVAL, "points must be positive");
    if (st == PT_OK && all.no_memory) st = pt_fail(err, PT_ENOMEM, "out of memory");
    hist__rows rows = all.rows; /* a view */
    point *p = st == PT_OK ? malloc((rows.n + 1) * sizeof *p) : NULL;
    bool *keep = st == PT_OK ? calloc(rows.n + 1, sizeof *keep) : NULL;
    if (st == PT_OK && (!p || !keep)) st = pt_fail(err, PT_ENOMEM, "out of memory");
    size_t n = 0, odd = 0, stride = 1;
    double v;
    for (size_t i = 0; st == PT_OK && i < rows.n; i++)
        odd += !hist__usable_number(&rows.s[i], &v);
    if (odd > points) stride = (odd + points - 1) / points;
    odd = 0;
    for (size_t i = 0; st == PT_OK && i < rows.n; i++) {
        if (hist__usable_number(&rows.s[i], &v)) p[n++] = (point){ (double)(rows.s[i].time_ms - rows.s[0].time_ms), v, i };
        else keep[i] = odd++ % stride == 0 || i + 1 == rows.n;
    }
    if (st == PT_OK && n) choose(p, n, points, keep);
    for (size_t i = 0; st == PT_OK && i < rows.n; i++) {
        if (keep[i] && !each(ctx, &rows.s[i])) break;
    }
    free(p);
    free(keep);
    hist__rows_fini(&all.rows);
    return st;
}
