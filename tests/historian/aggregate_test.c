/* tests/historian/aggregate_test.c -- every aggregate against the plain formula over the rows, in memory and sealed. */
#include "base/random.h"
#include "historian/read/aggregate.h"
#include "historian/format/format.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 4000 };
static const int64_t NOW = 1750000000000;
static pt_fake_clock fake;
static hist *h;
static uint32_t tag, words;
static hist_sample rows[N];

static void fill(void)
{
    hist_options o;
    pt_random rnd = pt_random_seed(17);
    hist_options_init(&o);
    o.dir = pt_test_dir();
    o.block_samples = 100;
    CHECK_OK_FATAL(hist_open(&o, &fake.clock, NULL, &h, NULL));
    hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_NONE, PT_LIT("a") };
    CHECK_OK_FATAL(hist_tag_ensure(h, &key, PT_LIT("a"), SPB_FLOAT, PT_NONE, &tag));
    key.metric = PT_LIT("s");
    CHECK_OK_FATAL(hist_tag_ensure(h, &key, PT_LIT("s"), SPB_STRING, PT_NONE, &words));
    int64_t t = NOW;
    for (int i = 0; i < N; i++) {
        t += 100 + (int64_t)pt_random_below(&rnd, 900);
        rows[i] = (hist_sample){
            .tag_id = tag, .time_ms = t, .type = SPB_FLOAT, .as.f32 = (float)(sin(i * 0.01) * 50 + (double)pt_random_below(&rnd, 100) / 10)
        };
        uint64_t k = pt_random_below(&rnd, 40);
        if (k == 0) rows[i].quality = SPB_BAD;
        if (k == 1) rows[i].quality = SPB_UNCERTAIN;
        if (k == 2) rows[i] = (hist_sample){ .tag_id = tag, .time_ms = t, .type = SPB_FLOAT, .flags = HIST_STATE, .quality = SPB_STALE };
    }
    CHECK_OK(hist_append(h, rows, N));
    static const char *const text[] = { "RUN", "STOP", "FAULT" };
    for (int i = 0; i < 300; i++) {
        hist_sample s = { .tag_id = words,
                          .time_ms = NOW + i * 1000,
                          .type = SPB_STRING,
                          .as.ptr = text[i / 10 % 3],
                          .len = (uint32_t)strlen(text[i / 10 % 3]) };
        if (i == 150) s.quality = SPB_BAD;
        CHECK_OK(hist_append(h, &s, 1));
    }
    CHECK_OK(hist_flush(h, 10000, NULL));
    fake.now_wall_ms = t + 100000000;
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-6 * (1 + fabs(a) + fabs(b));
}

/* The plain formula over [lo, hi). */
static bool brute(hist_fn fn, int64_t lo, int64_t hi, double *out)
{
    double sum = 0, min = 0, max = 0, first = 0, last = 0, area = 0, square = 0;
    uint64_t n = 0, all = 0;
    int64_t covered = 0;
    for (int i = 0; i < N; i++) {
        double v = 0;
        bool usable = hist__usable_number(&rows[i], &v);
        int64_t from = rows[i].time_ms, to = i + 1 < N ? rows[i + 1].time_ms : fake.now_wall_ms;
        if (usable && from < hi && to > lo) {
            int64_t a = from > lo ? from : lo, b = to < hi ? to : hi;
            area += v * (double)(b - a);
            covered += b - a;
        }
        if (from < lo || from >= hi) continue;
        all += !(rows[i].flags & HIST_STATE);
        if (!usable) continue;
        if (n++ == 0) first = min = max = v;
        last = v;
        min = v < min ? v : min;
        max = v > max ? v : max;
        sum += v;
    }
    for (int i = 0; i < N; i++) {
        double v = 0;
        if (rows[i].time_ms >= lo && rows[i].time_ms < hi && hist__usable_number(&rows[i], &v))
            square += (v - sum / (double)n) * (v - sum / (double)n);
    }
    switch (fn) {
    case HIST_FN_NUMBERS: *out = (double)n; return true;
    case HIST_FN_SAMPLES: *out = (double)all; return true;
    case HIST_FN_MIN: *out = min; return n > 0;
    case HIST_FN_MAX: *out = max; return n > 0;
    case HIST_FN_AVG: *out = sum / (double)n; return n > 0;
    case HIST_FN_SUM: *out = sum; return n > 0;
    case HIST_FN_FIRST: *out = first; return n > 0;
    case HIST_FN_LAST: *out = last; return n > 0;
    case HIST_FN_DELTA: *out = last - first; return n > 0;
    case HIST_FN_RANGE: *out = max - min; return n > 0;
    case HIST_FN_TWA: *out = area / (double)covered; return covered > 0;
    case HIST_FN_TOTAL: *out = area / 1000; return covered > 0;
    case HIST_FN_STDDEV: *out = sqrt(square / (double)(n - 1)); return n > 1;
    case HIST_FN_STDDEV_POP: *out = sqrt(square / (double)n); return n > 0;
    case HIST_FN_PERCENT_GOOD: *out = 100 * (double)covered / (double)(hi - lo); return true;
    case HIST_FN_DURATION_GOOD: *out = (double)covered; return true;
    default: return false;
    }
}

static bool check_bucket(void *ctx, const hist_bucket *b)
{
    unsigned *faults = ctx;
    for (int f = 0; f < HIST_FN_COUNT_; f++) {
        double got = 0, want = 0;
        bool g = hist_fn_value((hist_fn)f, b, &got), w = brute((hist_fn)f, b->t_ms, b->end_ms, &want);
        if (g == w && (!g || near(got, want))) continue;
        if (++*faults < 5) printf("%s at %lld: %g, not %g\n", hist_fn_name((hist_fn)f), (long long)b->t_ms, got, want);
    }
    return true;
}

static void every_aggregate_is_its_formula(void)
{
    unsigned faults = 0;
    int64_t edges[40], t = NOW - 5000;
    pt_random rnd = pt_random_seed(2);
    for (size_t i = 0; i < PT_COUNT_OF(edges); i++)
        edges[i] = t += 1 + (int64_t)pt_random_below(&rnd, 120000);
    for (int round = 0; round < 2; round++) {
        CHECK_OK(hist_buckets(h, hist_of_tag(tag), NOW, NOW + 2300000, 60000, check_bucket, &faults, NULL));
        CHECK_OK(hist_buckets(h, hist_of_tag(tag), NOW + 12345, NOW + 2100000, 700, check_bucket, &faults, NULL));
        CHECK_OK(hist_buckets_at(h, hist_of_tag(tag), edges, PT_COUNT_OF(edges), check_bucket, &faults, NULL));
        CHECK_OK(hist_seal(h, NULL));
    }
    CHECK_INT(faults, 0);
    edges[3] = edges[2];
    CHECK_STATUS(hist_buckets_at(h, hist_of_tag(tag), edges, PT_COUNT_OF(edges), check_bucket, &faults, NULL), PT_EINVAL);
}

static void names_of_both_worlds_are_known(void)
{
    hist_fn fn;
    for (int f = 0; f < HIST_FN_COUNT_; f++)
        CHECK(hist_fn_parse(pt_cstr(hist_fn_name((hist_fn)f)), &fn) == PT_OK && (int)fn == f);
    CHECK(hist_fn_parse(PT_LIT("TimeAverage"), &fn) == PT_OK && fn == HIST_FN_TWA);
    CHECK(hist_fn_parse(PT_LIT("StandardDeviationSample"), &fn) == PT_OK && fn == HIST_FN_STDDEV);
    CHECK_STATUS(hist_fn_parse(PT_LIT("average"), &fn), PT_ENOTFOUND);
}

typedef struct interpolated {
    bool linear;
    unsigned faults, points;
} interpolated;

static bool check_point(void *ctx, int64_t t, double value, bool there)
{
    interpolated *s = ctx;
    int at = -1;
    while (at + 1 < N && rows[at + 1].time_ms <= t)
        at++;
    double want = 0, next = 0;
    bool usable = at >= 0 && hist__usable_number(&rows[at], &want);
    if (usable && s->linear && at + 1 < N && rows[at].time_ms < t && hist__usable_number(&rows[at + 1], &next))
        want += (next - want) * (double)(t - rows[at].time_ms) / (double)(rows[at + 1].time_ms - rows[at].time_ms);
    s->faults += there != usable || (usable && !near(value, want));
    s->points++;
    return true;
}

static void interpolation_is_stepped_or_on_the_line(void)
{
    for (int linear = 0; linear <= 1; linear++) {
        interpolated s = { .linear = linear };
        CHECK_OK(hist_interpolate(h, hist_of_tag(tag), NOW - 3000, NOW + 2500000, 777, linear, check_point, &s, NULL));
        CHECK_INT(s.points, (2503000 + 776) / 777);
        CHECK_INT(s.faults, 0);
    }
}

static bool print_point(void *ctx, int64_t t_ms, double value, bool there)
{
    char *text = ctx;
    size_t at = strlen(text);
    (void)t_ms;
    snprintf(text + at, 200 - at, there ? "%g " : "- ", value);
    return true;
}

static void no_line_leads_to_infinity(void)
{
    static const double values[] = { 1, 3, INFINITY, 2, 4 };
    int64_t now = fake.now_wall_ms;
    uint32_t id = 0;
    char text[200] = "";
    hist_tag_key key = { .source = PT_LIT("spb"), .group = PT_LIT("g"), .edge = PT_LIT("e"), .metric = PT_LIT("infinite") };
    CHECK_OK_FATAL(hist_tag_ensure(h, &key, PT_LIT("g/e/infinite"), SPB_DOUBLE, PT_NONE, &id));
    for (int i = 0; i < 5; i++) {
        hist_sample s = { .tag_id = id, .time_ms = NOW + i * 1000, .type = SPB_DOUBLE, .as.f64 = values[i] };
        CHECK_OK(hist_append(h, &s, 1));
    }
    CHECK_OK(hist_flush(h, 10000, NULL));
    fake.now_wall_ms = NOW + 5000;
    CHECK_OK(hist_interpolate(h, hist_of_tag(id), NOW, NOW + 4500, 500, true, print_point, text, NULL));
    CHECK_STR(pt_cstr(text), "1 2 3 3 inf inf 2 3 4 ");
    fake.now_wall_ms = now;
}

static bool count_there(void *ctx, int64_t t_ms, double value, bool there)
{
    (void)t_ms;
    (void)value;
    *(unsigned *)ctx += there;
    return true;
}

static void no_value_holds_beyond_now(void)
{
    int64_t now = fake.now_wall_ms;
    uint32_t id = 0;
    unsigned there = 0;
    hist_tag_key key = { .source = PT_LIT("spb"), .group = PT_LIT("g"), .edge = PT_LIT("e"), .metric = PT_LIT("now") };
    CHECK_OK_FATAL(hist_tag_ensure(h, &key, PT_LIT("g/e/now"), SPB_DOUBLE, PT_NONE, &id));
    hist_sample s = { .tag_id = id, .time_ms = NOW, .type = SPB_DOUBLE, .as.f64 = 1 };
    CHECK_OK(hist_append(h, &s, 1));
    CHECK_OK(hist_flush(h, 10000, NULL));
    fake.now_wall_ms = NOW + 5000;
    CHECK_OK(hist_interpolate(h, hist_of_tag(id), NOW, NOW + 10000, 1000, false, count_there, &there, NULL));
    CHECK_INT(there, 6); /* its own time and the five seconds until now */
    fake.now_wall_ms = now;
}

static bool print_duration(void *ctx, const hist_sample *v, int64_t ms, uint64_t times)
{
    char *text = ctx;
    size_t at = strlen(text);
    snprintf(text + at, 200 - at, "%.*s %lld %llu; ", v ? (int)v->len : 1, v ? v->as.ptr : "-", (long long)ms, (unsigned long long)times);
    return true;
}

static void durations_add_up_to_the_range(void)
{
    char text[200] = "";
    CHECK_OK(hist_durations(h, hist_of_tag(words), NOW + 5000, NOW + 200000, print_duration, text, NULL));
    CHECK_STR(pt_cstr(text), "RUN 64000 7; STOP 70000 7; FAULT 60000 6; - 1000 1; ");
}

static bool print_number(void *ctx, const hist_sample *v, int64_t ms, uint64_t times)
{
    char *text = ctx, value[40] = "-";
    size_t at = strlen(text);
    if (v) snprintf(value, sizeof value, "%g", v->type == SPB_FLOAT ? (double)v->as.f32 : v->as.f64);
    snprintf(text + at, 200 - at, "%s %lld %llu; ", value, (long long)ms, (unsigned long long)times);
    return true;
}

static void nan_is_no_state_and_a_range_may_begin_without_a_value(void)
{
    static const spb_datatype types[] = { SPB_DOUBLE, SPB_FLOAT };
    static const struct {
        int64_t from, to;
        const char *want;
    } ranges[] = {
        { 0, 10000, "1 3000 2; - 7000 3; " },   /* nothing, 1, NaN, 1, null, STALE: from before the first row */
        { 1000, 6000, "1 3000 2; - 2000 2; " }, /* a value begins where the range does */
        { 2500, 6000, "1 2000 1; - 1500 2; " }, /* in the NaN */
        { 6000, 7000, "- 1000 1; " },           /* null from before, then STALE */
        { 3000, 5000, "1 2000 1; " },           /* the NaN before has no time */
    };
    for (size_t k = 0; k < PT_COUNT_OF(types); k++) {
        uint32_t id = 0;
        const char *name = k ? "nan32" : "nan64";
        hist_tag_key key = { .source = PT_LIT("spb"), .group = PT_LIT("g"), .edge = PT_LIT("e"), .metric = pt_cstr(name) };
        CHECK_OK_FATAL(hist_tag_ensure(h, &key, pt_cstr(name), types[k], PT_NONE, &id));
        const double values[] = { 1, NAN, 1 };
        hist_sample s[5];
        for (size_t i = 0; i < 3; i++) {
            s[i] = (hist_sample){ .tag_id = id, .time_ms = NOW + 1000 * (int64_t)(i + 1), .type = types[k] };
            if (types[k] == SPB_FLOAT) s[i].as.f32 = (float)values[i];
            else s[i].as.f64 = values[i];
        }
        s[3] = (hist_sample){ .tag_id = id, .time_ms = NOW + 5000, .type = types[k], .flags = HIST_NULL };
        s[4] = (hist_sample){ .tag_id = id, .time_ms = NOW + 6500, .type = types[k], .flags = HIST_STATE, .quality = SPB_STALE };
        CHECK_OK(hist_append(h, s, 5));
        CHECK_OK(hist_flush(h, 10000, NULL));
        for (size_t i = 0; i < PT_COUNT_OF(ranges); i++) {
            char text[200] = "";
            CHECK_OK(hist_durations(h, hist_of_tag(id), NOW + ranges[i].from, NOW + ranges[i].to, print_number, text, NULL));
            CHECK_STR(pt_cstr(text), ranges[i].want);
        }
    }
}

typedef struct kept {
    size_t n, numbers;
    int64_t last;
    bool ordered, high;
} kept;
static bool keep_point(void *ctx, const hist_sample *s)
{
    kept *k = ctx;
    double v;
    k->ordered &= s->time_ms >= k->last;
    k->last = s->time_ms;
    k->n++;
    k->numbers += hist__usable_number(s, &v);
    return true;
}

static void a_picture_of_100_points_keeps_its_ends(void)
{
    kept k = { .ordered = true };
    uint64_t raw = 0;
    CHECK_OK(hist_lttb(h, hist_of_tag(tag), 0, INT64_MAX, 100, keep_point, &k, &raw, NULL));
    CHECK(raw > N * 9 / 10 && raw <= N);
    CHECK(k.numbers <= 100 && k.numbers >= 95 && k.ordered && k.last == rows[N - 1].time_ms);
}

static void end(void)
{
    CHECK_OK(hist_close(h, 1000, NULL));
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(fill),
        PT_TEST(every_aggregate_is_its_formula),
        PT_TEST(names_of_both_worlds_are_known),
        PT_TEST(interpolation_is_stepped_or_on_the_line),
        PT_TEST(no_value_holds_beyond_now),
        PT_TEST(durations_add_up_to_the_range),
        PT_TEST(nan_is_no_state_and_a_range_may_begin_without_a_value),
        PT_TEST(no_line_leads_to_infinity),
        PT_TEST(a_picture_of_100_points_keeps_its_ends),
        PT_TEST(end),
    };
    (void)argc;
    pt_fake_clock_init(&fake, NOW);
    return pt_test_main("historian/aggregate", tests, PT_COUNT_OF(tests), 1, argv);
}
