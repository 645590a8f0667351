/* tests/historian/queries_test.c -- every query against a plain array, through the whole life of the samples: pending, sealed, late and cut
 * anew, opened again, thinned out by retention and deletion, also from a reader beside. What is asked of the array is computed row by row,
 * as simply as can be. */
#include "base/random.h"
#include "historian/read/aggregate.h"
#include "historian/read/log.h"
#include "historian/read/replay.h"
#include "historian/read/scan.h"
#include "tests/historian/text_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { TAGS = 4, MAX = 6000 };
static struct {
    hist_sample s[MAX]; /* ascending by key; texts are literals */
    size_t n;
} model[TAGS + 1];
static const char *const words[] = { "RUN", "STOP", "", "FAULT" };

static int key(const hist_sample *a, const hist_sample *b)
{
    return hist__key_cmp(a->time_ms, hist__is_state(a), b->time_ms, hist__is_state(b));
}

static void keep(const hist_sample *s)
{
    hist_sample *m = model[s->tag_id].s;
    size_t *n = &model[s->tag_id].n, at = *n;
    while (at > 0 && key(&m[at - 1], s) > 0)
        at--;
    if (at > 0 && key(&m[at - 1], s) == 0) {
        if (!hist__same_content(&m[at - 1], s)) m[at - 1] = *s;
        return;
    }
    CHECK_FATAL(*n < MAX);
    memmove(&m[at + 1], &m[at], (*n - at) * sizeof *m);
    m[at] = *s;
    ++*n;
}

static bool near(double a, double b)
{
    return (isnan(a) && isnan(b)) || a == b || fabs(a - b) <= 1e-9 * (fabs(a) + fabs(b)) + 1e-7;
}

/* ---- buckets and every aggregate ------------------------------------------------------------------------------ */

typedef struct asked {
    uint32_t tag;
    size_t n;
    bool ok;
    const int64_t *edges;
} asked;

static bool check_bucket(void *ctx, const hist_bucket *b)
{
    asked *a = ctx;
    const hist_sample *m = model[a->tag].s;
    size_t n = model[a->tag].n;
    hist_bucket w = { .t_ms = a->edges[a->n], .end_ms = a->edges[a->n + 1] };
    double square = 0;
    a->n++;
    w.min = w.max = w.first = w.last = w.sum = (double)NAN;
    for (size_t i = 0; i < n; i++) {
        double v = 0;
        bool use = hist__usable_number(&m[i], &v);
        int64_t t = m[i].time_ms, until = i + 1 < n ? m[i + 1].time_ms : t > fake.now_wall_ms ? t : fake.now_wall_ms;
        bool text = hist__has_value(&m[i]) && m[i].quality <= SPB_UNCERTAIN && hist__family_of_type(m[i].type) == HIST__BYTES;
        if ((use || text) && t < w.end_ms && until > w.t_ms) {
            int64_t x = t > w.t_ms ? t : w.t_ms, y = until < w.end_ms ? until : w.end_ms;
            w.good_ms += y - x;
            if (use) {
                w.area += v * (double)(y - x);
                w.area_ms += y - x;
            }
        }
        if (t < w.t_ms || t >= w.end_ms) continue;
        if (!hist__is_state(&m[i])) {
            w.count++;
            w.good += m[i].quality == SPB_GOOD;
            w.uncertain += m[i].quality == SPB_UNCERTAIN;
            w.bad += m[i].quality == SPB_BAD;
            w.stale += m[i].quality == SPB_STALE;
            w.nulls += (m[i].flags & HIST_NULL) != 0;
        }
        if (!use) continue;
        if (w.nums++ == 0) w.min = w.max = w.first = v, w.first_ms = t, w.sum = 0;
        w.min = fmin(w.min, v);
        w.max = fmax(w.max, v);
        w.sum += v;
        w.last = v;
        w.last_ms = t;
    }
    for (size_t i = 0; i < n && w.nums; i++) {
        double v;
        if (m[i].time_ms >= w.t_ms && m[i].time_ms < w.end_ms && hist__usable_number(&m[i], &v))
            square += (v - w.sum / (double)w.nums) * (v - w.sum / (double)w.nums);
    }
    bool ok = b->t_ms == w.t_ms && b->end_ms == w.end_ms && b->count == w.count && b->good == w.good && b->uncertain == w.uncertain &&
              b->bad == w.bad && b->stale == w.stale && b->nulls == w.nulls && b->nums == w.nums && b->area_ms == w.area_ms &&
              b->good_ms == w.good_ms && near(b->area, w.area) && near(b->min, w.min) && near(b->max, w.max) && near(b->sum, w.sum) &&
              near(b->first, w.first) && near(b->last, w.last) &&
              (w.nums == 0 || (b->first_ms == w.first_ms && b->last_ms == w.last_ms && fabs(b->m2 - square) <= 1e-6 * (1 + square)));
    if (!ok && a->ok)
        printf("bucket %lld..%lld of tag %u: count %llu/%llu nums %llu/%llu sum %g/%g area %g/%g ms %lld/%lld\n", (long long)w.t_ms,
               (long long)w.end_ms, a->tag, (unsigned long long)b->count, (unsigned long long)w.count, (unsigned long long)b->nums,
               (unsigned long long)w.nums, b->sum, w.sum, b->area, w.area, (long long)b->area_ms, (long long)w.area_ms);
    a->ok = a->ok && ok;
    return true;
}

static bool check_buckets(hist *h, uint32_t tag, int64_t from, int64_t to, pt_random *r)
{
    static int64_t edges[300];
    int64_t width = (to - from) / (int64_t)(1 + pt_random_below(r, 200)) + 1;
    size_t n = 0;
    for (int64_t t = from; t < to && n < 298; t += width)
        edges[n++] = t;
    edges[n] = to;
    asked a = { .tag = tag, .ok = true, .edges = edges };
    if (hist_buckets(h, hist_of_tag(tag), from, to, width, check_bucket, &a, NULL) != PT_OK || a.n != n || !a.ok) return false;
    for (size_t i = 1; i < n; i++)
        edges[i] -= (int64_t)pt_random_below(r, (uint64_t)width); /* and of any width */
    a = (asked){ .tag = tag, .ok = true, .edges = edges };
    return hist_buckets_at(h, hist_of_tag(tag), edges, n + 1, check_bucket, &a, NULL) == PT_OK && a.n == n && a.ok;
}

/* ---- values at times ------------------------------------------------------------------------------------------ */

typedef struct points {
    uint32_t tag;
    int64_t next, step;
    bool linear, ok;
} points;

static bool check_point(void *ctx, int64_t t, double value, bool there)
{
    points *p = ctx;
    const hist_sample *m = model[p->tag].s;
    size_t n = model[p->tag].n, at = 0;
    double want = 0, next = 0;
    while (at < n && m[at].time_ms <= t)
        at++;
    bool use = at > 0 && hist__usable_number(&m[at - 1], &want);
    if (use && p->linear && m[at - 1].time_ms < t && at < n && hist__usable_number(&m[at], &next))
        want += (next - want) * (double)(t - m[at - 1].time_ms) / (double)(m[at].time_ms - m[at - 1].time_ms);
    bool ok = t == p->next && there == use && (!use || near(value, want));
    if (!ok && p->ok)
        printf("tag %u at %lld (%s): %g%s, not %g%s\n", p->tag, (long long)t, p->linear ? "line" : "step", value, there ? "" : " (none)",
               want, use ? "" : " (none)");
    p->ok = p->ok && ok;
    p->next += p->step;
    return true;
}

static bool check_values(hist *h, uint32_t tag, int64_t from, int64_t to, pt_random *r)
{
    for (int linear = 0; linear < 2; linear++) {
        points p = {
            .tag = tag, .next = from, .step = (to - from) / (int64_t)(1 + pt_random_below(r, 100)) + 1, .linear = linear, .ok = true
        };
        if (hist_interpolate(h, hist_of_tag(tag), from, to, p.step, linear, check_point, &p, NULL) != PT_OK || !p.ok || p.next < to)
            return false;
    }
    for (unsigned k = 0; k < 10; k++) {
        int64_t t = from + (int64_t)pt_random_below(r, (uint64_t)(to - from) + 1);
        for (int states = 0; states < 2; states++) {
            const hist_sample *want = NULL;
            for (size_t i = 0; i < model[tag].n && model[tag].s[i].time_ms <= t; i++) {
                if (states || !hist__is_state(&model[tag].s[i])) want = &model[tag].s[i];
            }
            pt_arena arena;
            hist_sample got;
            pt_arena_init(&arena, 1 << 16);
            pt_status st = hist__row_before(h, hist_of_tag(tag), t, states, &arena, &got, NULL);
            bool ok = want ? st == PT_OK && key(want, &got) == 0 && hist__same_content(want, &got) : st == PT_EEMPTY;
            pt_arena_fini(&arena);
            if (!ok) return false;
        }
    }
    return true;
}

/* ---- durations ------------------------------------------------------------------------------------------------ */

typedef struct spans {
    uint32_t tag;
    int64_t from, to, sum;
    unsigned n;
    bool ok;
} spans;

static bool good_value(const hist_sample *s)
{
    bool nan = s->type == SPB_DOUBLE ? s->as.f64 != s->as.f64 : s->type == SPB_FLOAT && s->as.f32 != s->as.f32;
    return hist__has_value(s) && s->quality <= SPB_UNCERTAIN && !nan;
}

static bool same_value(const hist_sample *a, const hist_sample *b)
{
    hist_sample x = *a, y = *b;
    x.quality = y.quality = 0;
    x.flags = y.flags = 0;
    x.time_ms = y.time_ms;
    return hist__same_content(&x, &y);
}

static bool check_span(void *ctx, const hist_sample *value, int64_t ms, uint64_t times)
{
    spans *d = ctx;
    const hist_sample *m = model[d->tag].s;
    size_t n = model[d->tag].n;
    int64_t want = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t until = i + 1 < n ? m[i + 1].time_ms : fake.now_wall_ms, x = m[i].time_ms > d->from ? m[i].time_ms : d->from,
                y = until < d->to ? until : d->to;
        if (y <= x) continue;
        if (value ? good_value(&m[i]) && same_value(&m[i], value) : !good_value(&m[i])) want += y - x;
    }
    bool ok = value == NULL || ms == want;
    if (!ok && d->ok)
        printf("tag %u: a value held for %lld ms, not %lld (%llu times)\n", d->tag, (long long)ms, (long long)want,
               (unsigned long long)times);
    d->ok = d->ok && ok && ms >= 0;
    d->sum += ms;
    d->n++;
    return true;
}

static bool check_durations(hist *h, uint32_t tag, int64_t from, int64_t to)
{
    if (to > fake.now_wall_ms) to = fake.now_wall_ms;
    if (from >= to) return true;
    spans d = { .tag = tag, .from = from, .to = to, .ok = true };
    if (hist_durations(h, hist_of_tag(tag), from, to, check_span, &d, NULL) != PT_OK || !d.ok) return false;
    int64_t known = model[tag].n ? model[tag].s[0].time_ms : to; /* before the first row nothing is known */
    int64_t want = to - (known > from ? (known < to ? known : to) : from);
    if (d.sum != want && d.sum != to - from)
        printf("tag %u: durations of %lld ms in all, not %lld\n", tag, (long long)d.sum, (long long)want);
    return d.sum == want || d.sum == to - from;
}

/* ---- pictures ------------------------------------------------------------------------------------------------- */

typedef struct picture {
    uint32_t tag;
    size_t at, n, numbers;
    double low, high;
    bool ok;
} picture;

static bool check_kept(void *ctx, const hist_sample *s)
{
    picture *p = ctx;
    double v;
    while (p->at < model[p->tag].n && key(&model[p->tag].s[p->at], s) < 0)
        p->at++;
    p->ok = p->ok && p->at < model[p->tag].n && key(&model[p->tag].s[p->at], s) == 0 && hist__same_content(&model[p->tag].s[p->at], s);
    p->at++;
    p->n++;
    if (!hist__usable_number(s, &v)) return true;
    p->numbers++;
    p->low = fmin(p->low, v);
    p->high = fmax(p->high, v);
    return true;
}

static bool check_pictures(hist *h, uint32_t tag, int64_t from, int64_t to, pt_random *r)
{
    uint64_t samples = 0, numbers = 0, raw = 0;
    double low = INFINITY, high = -INFINITY, v;
    for (size_t i = 0; i < model[tag].n; i++) {
        const hist_sample *s = &model[tag].s[i];
        if (s->time_ms < from || s->time_ms >= to) continue;
        samples += !hist__is_state(s);
        if (!hist__usable_number(s, &v)) continue;
        numbers++;
        low = fmin(low, v);
        high = fmax(high, v);
    }
    uint32_t at_most = 8 + (uint32_t)pt_random_below(r, 300);
    picture a = { .tag = tag, .ok = true, .low = INFINITY, .high = -INFINITY }, b = a;
    if (hist_reduce(h, hist_of_tag(tag), from, to, at_most, check_kept, &a, &raw, NULL) != PT_OK || !a.ok || raw != samples) return false;
    bool mostly = numbers * 2 >= samples;
    if (mostly && numbers && (a.low != low || a.high != high)) return false; /* every peak */
    if (samples <= at_most && a.numbers != numbers) return false;
    if (hist_lttb(h, hist_of_tag(tag), from, to, at_most, check_kept, &b, &raw, NULL) != PT_OK || !b.ok) return false;
    return b.numbers <= at_most + 2;
}

/* ---- streams -------------------------------------------------------------------------------------------------- */

static bool check_rows(hist *h, uint32_t tag, int64_t from, int64_t to, bool states)
{
    hist_cursor *c = NULL;
    const hist_sample *rows = NULL;
    size_t n = 0, at = 0;
    bool ok = hist_cursor_open(h, hist_of_tag(tag), from, to, states, &c, NULL) == PT_OK;
    while (ok && (ok = hist_cursor_view(c, &rows, &n, NULL) == PT_OK) && n) {
        for (size_t i = 0; i < n && ok; i++, at++) {
            while (at < model[tag].n && (model[tag].s[at].time_ms < from || (!states && hist__is_state(&model[tag].s[at]))))
                at++;
            ok = at < model[tag].n && model[tag].s[at].time_ms < to && key(&model[tag].s[at], &rows[i]) == 0 &&
                 hist__same_content(&model[tag].s[at], &rows[i]);
        }
    }
    while (at < model[tag].n && (model[tag].s[at].time_ms < from || (!states && hist__is_state(&model[tag].s[at]))))
        at++;
    hist_cursor_close(c);
    return ok && (at == model[tag].n || model[tag].s[at].time_ms >= to);
}

static bool check_replay(hist *h, int64_t from, int64_t to)
{
    size_t at[TAGS + 1] = { 0 };
    hist_replay_options o = { .from_ms = from, .to_ms = to };
    hist_replay *p = NULL;
    hist_replay_item item;
    int64_t last = INT64_MIN;
    bool ok = hist_replay_open(h, &o, &p, NULL) == PT_OK;
    for (uint32_t t = 1; t <= TAGS; t++) {
        while (at[t] < model[t].n && model[t].s[at[t]].time_ms < from)
            at[t]++;
    }
    pt_status st = PT_OK;
    while (ok && (st = hist_replay_next(p, &item, NULL)) == PT_OK) {
        uint32_t t = item.tag->tag_id;
        while (at[t] < model[t].n && hist__is_state(&model[t].s[at[t]]) && key(&model[t].s[at[t]], item.sample) != 0)
            at[t]++; /* replayed or not: not counted on */
        ok = item.time_ms >= last && at[t] < model[t].n && key(&model[t].s[at[t]], item.sample) == 0 &&
             hist__same_content(&model[t].s[at[t]], item.sample);
        last = item.time_ms;
        at[t]++;
    }
    hist_replay_close(p);
    for (uint32_t t = 1; t <= TAGS && ok; t++) {
        while (at[t] < model[t].n && model[t].s[at[t]].time_ms < to && hist__is_state(&model[t].s[at[t]]))
            at[t]++;
        ok = at[t] == model[t].n || model[t].s[at[t]].time_ms >= to;
    }
    return ok && st == PT_EEMPTY;
}

static bool check_export(hist *h)
{
    pt_buf text;
    uint64_t n = 0, want = 0;
    pt_buf_init(&text, 256u << 20);
    hist_export_options o = { .format = HIST_CSV, .from_ms = INT64_MIN, .to_ms = INT64_MAX, .write = gather, .ctx = &text };
    for (uint32_t t = 1; t <= TAGS; t++)
        want += model[t].n;
    bool ok = hist_export(h, &o, &n, NULL) == PT_OK && n == want;
    pt_buf_fini(&text);
    return ok;
}

static bool check_tag(hist *h, uint32_t tag)
{
    pt_arena arena;
    hist_tag t;
    uint64_t samples = 0;
    int64_t first = 0, last = 0;
    for (size_t i = 0; i < model[tag].n; i++) {
        if (hist__is_state(&model[tag].s[i])) continue;
        if (samples++ == 0) first = model[tag].s[i].time_ms;
        last = model[tag].s[i].time_ms;
    }
    pt_arena_init(&arena, 1 << 16);
    bool ok =
        hist_tag_by_id(h, tag, &arena, &t) == PT_OK && t.samples == samples && (samples == 0 || (t.first_ms == first && t.last_ms == last));
    if (!ok)
        printf("tag %u: %llu samples %lld..%lld, not %llu %lld..%lld\n", tag, (unsigned long long)t.samples, (long long)t.first_ms,
               (long long)t.last_ms, (unsigned long long)samples, (long long)first, (long long)last);
    pt_arena_fini(&arena);
    return ok;
}

static bool check_everything(hist *h, pt_random *r)
{
    for (uint32_t tag = 1; tag <= TAGS; tag++) {
        if (!check_rows(h, tag, INT64_MIN, INT64_MAX, true)) return printf("tag %u: rows differ\n", tag), false;
        if (!check_tag(h, tag)) return false;
        for (unsigned k = 0; k < 2 && model[tag].n; k++) {
            int64_t a = model[tag].s[pt_random_below(r, model[tag].n)].time_ms + (int64_t)pt_random_below(r, 3) - 1,
                    b = model[tag].s[pt_random_below(r, model[tag].n)].time_ms + (int64_t)pt_random_below(r, 3);
            int64_t from = a < b ? a : b, to = (a < b ? b : a) + 1;
            const struct {
                const char *what;
                bool ok;
            } all[] = {
                { "rows", check_rows(h, tag, from, to, false) },     { "buckets", check_buckets(h, tag, from, to, r) },
                { "values", check_values(h, tag, from, to, r) },     { "durations", check_durations(h, tag, from, to) },
                { "pictures", check_pictures(h, tag, from, to, r) },
            };
            for (size_t i = 0; i < PT_COUNT_OF(all); i++) {
                if (!all[i].ok) return printf("tag %u, %lld..%lld: %s differ\n", tag, (long long)from, (long long)to, all[i].what), false;
            }
        }
    }
    if (!check_replay(h, INT64_MIN, INT64_MAX)) return printf("replay differs\n"), false;
    if (!check_replay(h, NOW + WEEK, NOW + 2 * WEEK)) return printf("replay of a week differs\n"), false;
    return check_export(h) || (printf("export differs\n"), false);
}

/* ---- a life --------------------------------------------------------------------------------------------------- */

static hist_sample any(pt_random *r, uint32_t tag, int64_t t)
{
    hist_sample s = tag == 4   ? str(tag, t, words[pt_random_below(r, PT_COUNT_OF(words))])
                    : tag == 3 ? i64(tag, t, (int64_t)pt_random_below(r, 2000) - 1000)
                               : f64(tag, t, (double)pt_random_below(r, 4000) / 8);
    uint64_t kind = pt_random_below(r, 60);
    if (kind < 4) s.quality = (uint8_t)kind;
    if (kind == 5) s = state_row(tag, t);
    if (kind == 6 && tag < 3) s.as.f64 = NAN;
    if (kind == 7) s.flags = HIST_NULL, s.as.u64 = 0, s.len = 0;
    if (kind == 8) s.flags = HIST_HISTORICAL;
    return s;
}

static void live(uint64_t seed)
{
    pt_random r = pt_random_seed(seed);
    const char *dir = new_dir();
    hist_options o = options_for(dir, 16 + (uint32_t)pt_random_below(&r, 80));
    o.synchronous = HIST_SYNC_OFF;
    o.pending_bytes = seed % 3 ? 32u << 20 : 30000;
    hist *h = open_with(&o), *reader = NULL;
    int64_t clock[TAGS + 1];
    for (uint32_t t = 1; t <= TAGS; t++) {
        char name[8] = { 't', (char)('0' + t), 0 };
        CHECK_INT(make_tag(h, name, t == 4 ? SPB_STRING : t == 3 ? SPB_INT64 : SPB_DOUBLE), t);
        model[t].n = 0;
        clock[t] = NOW;
    }
    fake.now_wall_ms = NOW + 100 * DAY;
    bool ok = true;
    for (unsigned step = 0; step < 25 && ok; step++) {
        for (unsigned i = 0; i < 200; i++) {
            uint32_t tag = 1 + (uint32_t)pt_random_below(&r, TAGS);
            clock[tag] += 1 + (int64_t)pt_random_below(&r, i % 100 ? 60000 : (uint64_t)DAY * 2);
            int64_t t =
                clock[tag] - (pt_random_below(&r, 6) ? 0 : (int64_t)pt_random_below(&r, (uint64_t)DAY * 10)); /* late now and then */
            hist_sample s = any(&r, tag, t);
            keep(&s);
            append_one(h, s);
        }
        flush(h);
        const char *what = "appending";
        switch (pt_random_below(&r, 7)) {
        case 0:
        case 1:
            what = "sealing";
            seal(h);
            break;
        case 2:
            what = "opening again";
            close_ok(h);
            h = open_with(&o);
            break;
        case 3: {
            what = "retention";
            hist_retention ask = { .before_ms = NOW + (int64_t)pt_random_below(&r, 20) * DAY };
            hist_retention_result out;
            seal(h);
            CHECK_OK_FATAL(hist_retention_apply(h, &ask, &out, NULL));
            for (uint32_t t = 1; t <= TAGS; t++) { /* whole weeks that end before it */
                size_t kept = 0;
                for (size_t i = 0; i < model[t].n; i++) {
                    int64_t end = hist__partition_end(hist__partition_start(model[t].s[i].time_ms));
                    if (end > ask.before_ms) model[t].s[kept++] = model[t].s[i];
                }
                model[t].n = kept;
            }
            break;
        }
        case 4: {
            what = "deletion";
            uint32_t tag = 1 + (uint32_t)pt_random_below(&r, TAGS);
            int64_t from = clock[tag] - (int64_t)pt_random_below(&r, (uint64_t)DAY * 20),
                    to = from + (int64_t)pt_random_below(&r, (uint64_t)DAY * 3);
            uint64_t rows = 0, want = 0;
            CHECK_OK_FATAL(hist_tag_delete(h, tag, from, to, &rows, NULL));
            size_t kept = 0;
            for (size_t i = 0; i < model[tag].n; i++) {
                bool in = model[tag].s[i].time_ms >= from && model[tag].s[i].time_ms < to;
                want += in;
                if (!in) model[tag].s[kept++] = model[tag].s[i];
            }
            model[tag].n = kept;
            ok = rows == want;
            break;
        }
        default: break;
        }
        if (!reader) reader = open_reader(dir);
        ok = ok && check_everything(h, &r);
        if (!ok) printf("seed %llu, step %u, after %s\n", (unsigned long long)seed, step, what);
        if (ok && strcmp(what, "retention") != 0) { /* a reader learns of a dropped week with the next sealing */
            if (step % 5 == 4) {
                close_ok(reader);
                reader = open_reader(dir);
            }
            seal(h);
            ok = check_everything(reader, &r);
            if (!ok) printf("seed %llu, step %u, after %s: by a reader beside\n", (unsigned long long)seed, step, what);
        }
    }
    CHECK(ok);
    close_ok(reader);
    close_ok(h);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
    fake.now_wall_ms = NOW;
}

static void every_query_answers_like_the_array_all_through_the_samples_life(void)
{
    const char *rounds = getenv("PLANTREE_MODEL_ROUNDS");
    uint64_t end = rounds ? strtoull(rounds, NULL, 10) : 6;
    for (uint64_t seed = 1; seed <= end; seed++)
        live(seed);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(every_query_answers_like_the_array_all_through_the_samples_life) };
    setup();
    return pt_test_main("historian/queries", tests, PT_COUNT_OF(tests), argc, argv);
}
