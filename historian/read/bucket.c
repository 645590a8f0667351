/* historian/read/bucket.c -- numbers over intervals, from summaries where a whole block lies inside one.
 *
 * One pass in time order. `held` is the usable number that holds at the point reached (step interpolation): it adds to the time-weighted
 * area until the next row of any kind, the end of the bucket, or the end of what is known. A block inside one bucket is added as a whole.
 * Texts, bytes and documents hold just so, but add to good_ms only: there it is what numbers do not cover, until the bucket is given out.
 */
#include "historian/read/aggregate.h"
#include "historian/read/scan.h"

#include <math.h>

enum { BUCKETS_MAX = 10000000 };

/* Usable numbers of the present bucket that came as rows and are not in `b` yet: squares are summed about the first of them, so that a row
 * costs no division. */
typedef struct gathered {
    uint64_t nums;
    double min, max, sum, off, off2, first, last;
    int64_t first_ms, last_ms;
} gathered;

typedef struct pass {
    int64_t from_ms, to_ms, interval_ms;
    const int64_t *edges; /* or the ends of the buckets one by one; borrowed */
    size_t next_edge;
    int64_t n_buckets; /* with edges */
    bool (*each)(void *ctx, const hist_bucket *b);
    void *ctx;
    hist_bucket b;
    bool stopped;
    bool held;  /* a usable number holds since at_ms */
    bool other; /* while !held: a usable value that is no number does */
    double value;
    double slope;     /* of the line to the next row, per ms, where samples between were left out; else 0 */
    int64_t at_ms;    /* how far `area` is summed up */
    int64_t since_ms; /* of the value that held at the start: when it began */
    bool fresh;       /* no row was met yet */
    gathered rows;
} pass;

static void begin(pass *p, int64_t t_ms)
{
    int64_t end = p->edges ? p->edges[p->next_edge++] : p->to_ms - t_ms > p->interval_ms ? t_ms + p->interval_ms : p->to_ms;
    p->b = (hist_bucket){ .t_ms = t_ms, .end_ms = end };
}

/* A value that is no number, and usable. */
static inline bool usable_other(const hist_sample *s)
{
    return s->quality <= SPB_UNCERTAIN && hist__has_value(s) && hist__family_of_type(s->type) == HIST__BYTES;
}

/* The held value counts up to `t_ms`, which is not behind the bucket's end. */
static void hold_until(pass *p, int64_t t_ms)
{
    if (p->held && t_ms > p->at_ms) {
        double dt = (double)(t_ms - p->at_ms);
        p->b.area += (p->value + p->slope * dt / 2) * dt;
        p->b.area_ms += t_ms - p->at_ms;
        p->value += p->slope * dt;
    } else if (p->other && !p->held && t_ms > p->at_ms) {
        p->b.good_ms += t_ms - p->at_ms;
    }
    p->at_ms = t_ms;
}

static void add_numbers(hist_bucket *b, uint64_t nums, double min, double max, double sum, double m2, double first, int64_t first_ms,
                        double last, int64_t last_ms)
{
    if (nums == 0) return;
    if (b->nums == 0) {
        b->min = min;
        b->max = max;
        b->sum = sum;
        b->m2 = m2;
        b->first = first;
        b->first_ms = first_ms;
    } else { /* Chan, Golub, LeVeque: variance of a union */
        double d = sum / (double)nums - b->sum / (double)b->nums;
        b->m2 += m2 + d * d * (double)b->nums * (double)nums / (double)(b->nums + nums);
        b->min = min < b->min ? min : b->min;
        b->max = max > b->max ? max : b->max;
        b->sum += sum;
    }
    b->nums += nums;
    b->last = last;
    b->last_ms = last_ms;
}

static void settle(pass *p)
{
    gathered *g = &p->rows;
    if (g->nums == 0) return;
    double m2 = g->off2 - g->off * g->off / (double)g->nums;
    add_numbers(&p->b, g->nums, g->min, g->max, g->sum, m2 > 0 || m2 != m2 ? m2 : 0, g->first, g->first_ms, g->last, g->last_ms);
    *g = (gathered){ 0 };
}

static void emit(pass *p)
{
    hist_bucket *b = &p->b;
    settle(p);
    b->good_ms += b->area_ms;
    if (b->nums == 0) b->min = b->max = b->sum = b->avg = b->first = b->last = b->m2 = (double)NAN;
    else b->avg = b->sum / (double)b->nums;
    p->stopped = !p->each(p->ctx, b);
}

/* Finish buckets until the one that holds `t_ms` is open. */
static void advance(pass *p, int64_t t_ms)
{
    while (!p->stopped && t_ms >= p->b.end_ms && p->b.end_ms < p->to_ms) {
        hold_until(p, p->b.end_ms);
        emit(p);
        begin(p, p->b.end_ms);
    }
}

/* Rows that all lie in the present bucket. */
static void add_run(pass *p, const hist_sample *s, size_t n)
{
    hist_bucket *b = &p->b;
    gathered g = p->rows;
    bool held = p->held, other = p->other;
    double value = p->value, area = b->area;
    int64_t at_ms = p->at_ms, area_ms = b->area_ms, other_ms = 0;
    uint64_t good = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t dt = s[i].time_ms - at_ms;
        if (held && dt > 0) { /* no time at all is nothing, of an infinite value too */
            area += value * (double)dt;
            area_ms += dt;
        } else if (other && !held) {
            other_ms += dt;
        }
        at_ms = s[i].time_ms;
        if (s[i].quality == SPB_GOOD && hist__has_value(&s[i])) {
            good++;
        } else if (!hist__is_state(&s[i])) {
            b->count++;
            b->good += s[i].quality == SPB_GOOD;
            b->uncertain += s[i].quality == SPB_UNCERTAIN;
            b->bad += s[i].quality == SPB_BAD;
            b->stale += s[i].quality == SPB_STALE;
            b->nulls += (s[i].flags & HIST_NULL) != 0;
        }
        double v = s[i].as.f64;
        if (s[i].type == SPB_DOUBLE && s[i].quality <= SPB_UNCERTAIN && hist__has_value(&s[i])) held = v == v;
        else held = hist__usable_number(&s[i], &v);
        if (!held) {
            other = usable_other(&s[i]);
            continue;
        }
        value = v;
        if (g.nums++ == 0) {
            g.first = g.min = g.max = v;
            g.first_ms = at_ms;
        }
        g.min = v < g.min ? v : g.min;
        g.max = v > g.max ? v : g.max;
        g.sum += v;
        g.off += v - g.first;
        g.off2 += (v - g.first) * (v - g.first);
        g.last = v;
        g.last_ms = at_ms;
    }
    b->count += good;
    b->good += good;
    b->area = area;
    b->area_ms = area_ms;
    b->good_ms += other_ms;
    p->rows = g;
    p->held = held;
    p->other = other;
    p->value = value;
    p->at_ms = at_ms;
}

/* A straight line leads from the held value to the row. */
static void aim(pass *p, int64_t t_ms, double value)
{
    if (!p->held || t_ms <= p->at_ms) return;
    int64_t since = p->fresh ? p->since_ms : p->at_ms;
    p->slope = (value - p->value) / (double)(t_ms - since);
    p->value += p->slope * (double)(p->at_ms - since);
    p->fresh = false;
}

static void add_rows(pass *p, const hist_sample *s, size_t n)
{
    for (size_t at = 0; at < n && !p->stopped;) {
        double v = 0;
        bool line = hist__is_line(&s[at]) && hist__usable_number(&s[at], &v);
        if (line) aim(p, s[at].time_ms, v);
        advance(p, s[at].time_ms);
        if (p->stopped) break;
        if (line) hold_until(p, s[at].time_ms);
        p->slope = 0;
        p->fresh = false;
        size_t end = at;
        while (end < n && (s[end].time_ms < p->b.end_ms || p->b.end_ms >= p->to_ms) && (end == at || !(s[end].flags & HIST_THINNED)))
            end++;
        add_run(p, s + at, end - at);
        at = end;
    }
}

typedef hist__doubles2 doubles2;

static inline doubles2 choose(hist__ints2 where, doubles2 yes, doubles2 no)
{
    return (doubles2)((where & (hist__ints2)yes) | (~where & (hist__ints2)no));
}

/* GOOD numbers that all lie in the present bucket: as add_run, with less to ask, two at once. */
static void add_numbers_run(pass *p, const int64_t *times, const double *values, size_t n)
{
    gathered g = p->rows;
    if (p->held && times[0] > p->at_ms) {
        int64_t dt = times[0] - p->at_ms;
        p->b.area += p->value * (double)dt;
        p->b.area_ms += dt;
    } else if (p->other && !p->held) {
        p->b.good_ms += times[0] - p->at_ms;
    }
    if (g.nums == 0) {
        g.first = g.min = g.max = values[0];
        g.first_ms = times[0];
    }
    doubles2 sum = { 0 }, off = { 0 }, off2 = { 0 }, area = { 0 }, min = { g.min, g.min }, max = { g.max, g.max };
    const double shift = 4503599627370496.0; /* 2^52: a time below it, put behind its bits, is a double */
    size_t i = 0,
           pairs = (uint64_t)times[n - 1] - (uint64_t)times[0] < UINT64_C(1) << 52 ? n - 1 : 0; /* the last row's time is not known here */
    for (; i + 2 <= pairs; i += 2) {
        doubles2 v;
        hist__words2 t, next;
        memcpy(&v, values + i, sizeof v);
        memcpy(&t, times + i, sizeof t);
        memcpy(&next, times + i + 1, sizeof next);
        doubles2 d = v - g.first;
        sum += v;
        off += d;
        off2 += d * d;
        min = choose(v < min, v, min);
        max = choose(v > max, v, max);
        area += v * ((doubles2)(next - t + UINT64_C(0x4330000000000000)) - shift);
    }
    g.sum += sum[0] + sum[1];
    g.off += off[0] + off[1];
    g.off2 += off2[0] + off2[1];
    g.min = min[0] < min[1] ? min[0] : min[1];
    g.max = max[0] > max[1] ? max[0] : max[1];
    p->b.area += area[0] + area[1];
    for (; i < n; i++) {
        double v = values[i], d = v - g.first;
        g.sum += v;
        g.off += d;
        g.off2 += d * d;
        g.min = v < g.min ? v : g.min;
        g.max = v > g.max ? v : g.max;
        if (i + 1 < n) p->b.area += v * (double)(times[i + 1] - times[i]);
    }
    g.nums += n;
    g.last = p->value = values[n - 1];
    g.last_ms = p->at_ms = times[n - 1];
    p->b.area_ms += times[n - 1] - times[0];
    p->b.count += n;
    p->b.good += n;
    p->held = true;
    p->rows = g;
}

static void add_columns(pass *p, const hist__columns *c)
{
    for (size_t at = 0; at < c->n && !p->stopped;) {
        advance(p, c->times[at]);
        if (p->stopped) break;
        p->slope = 0;
        p->fresh = false;
        size_t end = at + 1;
        const int64_t end_ms = p->b.end_ms;
        if (end_ms >= p->to_ms) end = c->n;
        while (end + 8 <= c->n && c->times[end + 7] < end_ms)
            end += 8;
        while (end < c->n && c->times[end] < end_ms)
            end++;
        add_numbers_run(p, c->times + at, c->values + at, end - at);
        at = end;
    }
}

/* Without usable numbers a summary does not say when the other values hold, unless all of the rows have one or none has. */
typedef enum holds { NOWHERE, ALL_ALONG, IN_PARTS } holds;

static pt_status others_of(hist__scan *scan, const hist__summary *s, holds *out, pt_error *err)
{
    hist__family family = HIST__NO_VALUES;
    uint32_t usable = s->good + s->uncertain;
    *out = NOWHERE;
    if (s->nums || usable == 0 || s->nulls == s->samples) return PT_OK;
    *out = IN_PARTS;
    if (s->rows != usable || s->nulls) return PT_OK;
    pt_status st = hist__scan_family(scan, &family, err); /* or all of them are NaN */
    if (st == PT_OK) *out = family == HIST__BYTES ? ALL_ALONG : NOWHERE;
    return st;
}

static void add_block(pass *p, const hist__summary *s, bool others)
{
    hist_bucket *b = &p->b;
    settle(p);
    hold_until(p, s->t0);
    p->slope = 0;
    p->fresh = false;
    b->count += s->samples;
    b->good += s->good;
    b->uncertain += s->uncertain;
    b->bad += s->bad;
    b->stale += s->stale;
    b->nulls += s->nulls;
    b->area += s->area;
    b->area_ms += s->area_ms;
    if (others) b->good_ms += s->t1 - s->t0;
    add_numbers(b, s->nums, s->min, s->max, s->sum, s->m2, s->first, s->num_t0, s->last, s->num_t1);
    p->held = s->open;
    p->other = others;
    p->value = s->last;
    p->at_ms = s->t1;
}

/* What holds at the start of the range: the row before it. */
static pt_status start_value(hist *h, hist_line line, pass *p, pt_error *err)
{
    pt_arena arena;
    hist_sample s;
    pt_arena_init(&arena, HIST__VALUE_BYTES_MAX * (size_t)4);
    pt_status st = p->from_ms == INT64_MIN ? PT_EEMPTY : hist__row_before(h, line, p->from_ms - 1, true, &arena, &s, err);
    if (st == PT_OK) {
        p->held = hist__usable_number(&s, &p->value);
        p->other = usable_other(&s);
        p->since_ms = s.time_ms;
    }
    p->fresh = true;
    pt_arena_fini(&arena);
    return st == PT_EEMPTY ? PT_OK : st;
}

/* Can a block lie inside a bucket at all? Where buckets are short, every block is needed as rows, and reading those at once is cheaper. */
static bool blocks_may_fit(hist *h, uint32_t tag_id, int64_t width_ms)
{
    if (tag_id == 0 || tag_id > hist__tag_count(h)) return true;
    hist__stored stored = hist__pending_stored(&h->pending, tag_id);
    if (stored.samples == 0 || stored.last_ms <= stored.first_ms) return true;
    return (double)stored.samples / ((double)stored.last_ms - (double)stored.first_ms) * (double)width_ms >= h->o.block_samples / 2.0;
}

static pt_status run(hist *h, hist_line line, pass p, pt_error *err)
{
    int64_t width_ms = p.edges ? (p.to_ms - p.from_ms) / p.n_buckets : p.interval_ms;
    hist__scan *scan = NULL;
    hist__piece piece;
    pt_status st = hist__scan_open(h, line, p.from_ms, p.to_ms, blocks_may_fit(h, line.tag_id, width_ms), &scan, err);
    if (st != PT_OK) return st;
    hist__scan_columns(scan);
    st = start_value(h, line, &p, err);
    begin(&p, p.from_ms);
    while (st == PT_OK && !p.stopped && (st = hist__scan_next(scan, &piece, err)) == PT_OK) {
        if (piece.is_block) {
            if (piece.summary.line) aim(&p, piece.summary.t0, piece.summary.first);
            advance(&p, piece.summary.t0);
            if (p.stopped) break;
            if (piece.summary.t1 < p.b.end_ms) {
                holds others;
                if ((st = others_of(scan, &piece.summary, &others, err)) != PT_OK) break;
                if (others != IN_PARTS) {
                    add_block(&p, &piece.summary, others == ALL_ALONG);
                    continue;
                }
            }
            if ((st = hist__scan_expand(scan, &piece, err)) != PT_OK) break;
        }
        if (piece.columns.n) add_columns(&p, &piece.columns);
        else add_rows(&p, piece.rows, piece.n);
    }
    hist__scan_close(scan);
    if (st == PT_EEMPTY) st = PT_OK;
    if (st != PT_OK || p.stopped) return st;
    /* The last value holds until now, not into the future. */
    int64_t known = pt_wall_ms(h->clock);
    if (known < p.at_ms) known = p.at_ms;
    while (!p.stopped) {
        if ((p.held || p.other) && p.b.end_ms > known) {
            hold_until(&p, known > p.at_ms ? known : p.at_ms);
            p.held = p.other = false;
        }
        hold_until(&p, p.b.end_ms);
        emit(&p);
        if (p.b.end_ms >= p.to_ms) break;
        begin(&p, p.b.end_ms);
    }
    return st;
}

pt_status hist_buckets(hist *h, hist_line line, int64_t from_ms, int64_t to_ms, int64_t interval_ms,
                       bool (*each)(void *ctx, const hist_bucket *b), void *ctx, pt_error *err)
{
    if (interval_ms <= 0) return pt_fail(err, PT_EINVAL, "the interval must be positive");
    if (from_ms >= to_ms) return PT_OK;
    uint64_t span = (uint64_t)to_ms - (uint64_t)from_ms;
    if (span > INT64_MAX || span / (uint64_t)interval_ms > BUCKETS_MAX)
        return pt_fail(err, PT_ETOOBIG, "more than %d intervals", BUCKETS_MAX);
    pass p = { .from_ms = from_ms, .to_ms = to_ms, .interval_ms = interval_ms, .each = each, .ctx = ctx, .at_ms = from_ms };
    return run(h, line, p, err);
}

pt_status hist_buckets_at(hist *h, hist_line line, const int64_t *edges, size_t n_edges, bool (*each)(void *ctx, const hist_bucket *b),
                          void *ctx, pt_error *err)
{
    if (n_edges < 2) return PT_OK;
    if (n_edges - 1 > BUCKETS_MAX) return pt_fail(err, PT_ETOOBIG, "more than %d intervals", BUCKETS_MAX);
    for (size_t i = 1; i < n_edges; i++) {
        if (edges[i] <= edges[i - 1]) return pt_fail(err, PT_EINVAL, "the edges of the intervals must ascend");
    }
    if ((uint64_t)edges[n_edges - 1] - (uint64_t)edges[0] > INT64_MAX) return pt_fail(err, PT_ETOOBIG, "the range is too long");
    pass p = { .from_ms = edges[0],
               .to_ms = edges[n_edges - 1],
               .edges = edges,
               .next_edge = 1,
               .n_buckets = (int64_t)n_edges - 1,
               .each = each,
               .ctx = ctx,
               .at_ms = edges[0] };
    return run(h, line, p, err);
}
