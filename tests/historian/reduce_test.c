/* tests/historian/reduce_test.c -- a long range as a picture of a few points: every peak is in it, and every gap. */
#include "base/random.h"
#include "historian/read/aggregate.h"
#include "tests/historian/support.h"

#include <math.h>
#include <stdio.h>

typedef struct reduced {
    hist_sample s[3000];
    size_t n;
} reduced;
static bool keep_sample(void *ctx, const hist_sample *s)
{
    reduced *r = ctx;
    if (r->n < PT_COUNT_OF(r->s)) r->s[r->n++] = *s;
    return true;
}

static void a_reduced_range_keeps_every_peak(void)
{
    static hist_sample buf[100000];
    hist *h = open_store(new_dir(), 1024);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE), b = make_tag(h, "b", SPB_STRING);
    for (int i = 0; i < 100000; i++)
        buf[i] = f64(a, NOW + i * 100, i == 77777 ? 1e6 : i == 5 ? -1e6 : sin(i * 0.001));
    append(h, buf, 100000);
    for (int i = 0; i < 10000; i++)
        buf[i] = (hist_sample){ .tag_id = b, .time_ms = NOW + i, .type = SPB_STRING, .as.ptr = i / 100 % 2 ? "x" : "y", .len = 1 };
    append(h, buf, 10000);
    flush(h);
    static reduced r;
    uint64_t raw = 0;
    CHECK_OK(hist_reduce(h, hist_of_tag(a), 0, INT64_MAX, 400, keep_sample, &r, &raw, NULL));
    CHECK_INT(raw, 100000);
    CHECK(r.n > 200 && r.n <= 400);
    bool high = false, low = false, ordered = true;
    for (size_t i = 0; i < r.n; i++) {
        high |= r.s[i].as.f64 == 1e6;
        low |= r.s[i].as.f64 == -1e6;
        ordered &= i == 0 || r.s[i - 1].time_ms < r.s[i].time_ms;
    }
    CHECK(high && low && ordered);
    CHECK(r.s[0].time_ms == NOW && r.s[r.n - 1].time_ms == NOW + 9999900);
    r.n = 0;
    CHECK_OK(hist_reduce(h, hist_of_tag(a), NOW, NOW + 1000, 400, keep_sample, &r, &raw, NULL));
    CHECK_INT(r.n, 10);
    r.n = 0;
    CHECK_OK(hist_reduce(h, hist_of_tag(b), 0, INT64_MAX, 400, keep_sample, &r, &raw, NULL));
    CHECK_INT(r.n, 100);
    close_ok(h);
}

/* Whatever the data: ascending, from the data, the first and the last there, nothing lost of each slice's extremes. */
static void random_data_keeps_its_extremes(void)
{
    pt_random rnd = pt_random_seed(21);
    for (unsigned round = 0; round < 30; round++) {
        enum { MAX = 2000 };
        static hist_sample s[MAX];
        hist *h = open_store(new_dir(), 64);
        uint32_t a = make_tag(h, "a", SPB_DOUBLE);
        size_t n = 1 + pt_random_below(&rnd, MAX);
        int64_t t = NOW;
        uint64_t odd = 0;
        double low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < n; i++) {
            t += 1 + (int64_t)pt_random_below(&rnd, 5000);
            s[i] = f64(a, t, pt_random_unit(&rnd));
            uint64_t kind = pt_random_below(&rnd, 200);
            if (kind == 0) s[i] = state_row(a, t);
            if (kind == 1) s[i].quality = SPB_BAD;
            double v;
            if (!hist__usable_number(&s[i], &v)) odd++;
            else low = fmin(low, v), high = fmax(high, v);
        }
        append(h, s, n);
        flush(h);
        if (round % 2) seal(h);
        uint32_t points = 4 + (uint32_t)pt_random_below(&rnd, 400);
        static reduced r;
        uint64_t raw = 0, others = 0;
        r.n = 0;
        CHECK_OK(hist_reduce(h, hist_of_tag(a), INT64_MIN, INT64_MAX, points, keep_sample, &r, &raw, NULL));
        bool ordered = true, ours = true, saw_low = false, saw_high = false;
        size_t at = 0;
        for (size_t i = 0; i < r.n; i++) {
            while (at < n && s[at].time_ms < r.s[i].time_ms)
                at++;
            ours = ours && at < n && s[at].time_ms == r.s[i].time_ms && hist__same_content(&s[at], &r.s[i]);
            ordered = ordered && (i == 0 || r.s[i - 1].time_ms < r.s[i].time_ms);
            double v;
            if (!hist__usable_number(&r.s[i], &v)) others++;
            else saw_low |= v == low, saw_high |= v == high;
        }
        bool ok = ordered && ours && saw_low && saw_high && others <= odd && (odd == 0) == (others == 0) &&
                  r.s[0].time_ms == s[0].time_ms && r.s[r.n - 1].time_ms == s[n - 1].time_ms &&
                  (n <= points ? r.n == n : r.n <= (points < 6 ? 6 : points));
        CHECK(ok);
        if (!ok) printf("round %u: %zu of %zu, %u wanted, %llu odd\n", round, r.n, n, points, (unsigned long long)odd);
        close_ok(h);
    }
}

/* Every second sample is bad: both kinds are shown, and not more than was asked for. */
static void as_many_bad_values_as_good_ones_are_reduced_like_them(void)
{
    hist *h = open_store(new_dir(), 256);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    for (int i = 0; i < 20000; i++) {
        hist_sample s = f64(a, NOW + i * 10, i % 100);
        if (i % 2) s.quality = SPB_BAD;
        append_one(h, s);
        if (i % 4000 == 0) flush(h);
    }
    flush(h);
    seal(h);
    static reduced r;
    uint64_t raw = 0, bad = 0;
    pt_error err = { 0 };
    r.n = 0;
    CHECK_OK(hist_reduce(h, hist_of_tag(a), 0, INT64_MAX, 120, keep_sample, &r, &raw, NULL));
    for (size_t i = 0; i < r.n; i++)
        bad += r.s[i].quality == SPB_BAD;
    CHECK_INT(raw, 20000);
    CHECK(r.n <= 120 && r.n >= 100 && bad == 40);
    r.n = 0;
    CHECK_OK(hist_lttb(h, hist_of_tag(a), 0, INT64_MAX, 100, keep_sample, &r, &raw, &err));
    bad = 0;
    for (size_t i = 0; i < r.n; i++)
        bad += r.s[i].quality == SPB_BAD;
    CHECK(r.n - bad == 100 && bad >= 50 && bad <= 101);
    close_ok(h);
}

/* Texts among numbers are no reason to give out more than was asked for. */
static void a_tag_of_many_types_is_reduced_too(void)
{
    hist *h = open_store(new_dir(), 256);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    static char texts[3000][16];
    for (int i = 0; i < 3000; i++) {
        snprintf(texts[i], sizeof texts[i], "text %d", i);
        append_one(h, i % 3 == 1   ? str(a, NOW + i, texts[i])
                      : i % 3 == 2 ? i64(a, NOW + i, i * 7919 % 2000)
                                   : f64(a, NOW + i, i * 31 % 777));
        if (i % 500 == 0) flush(h);
    }
    flush(h);
    static reduced r;
    uint64_t raw = 0;
    for (int round = 0; round < 2; round++) {
        for (uint32_t points = 2; points <= 200; points *= 10) {
            size_t wrong = 0, numbers = 0;
            r.n = 0;
            CHECK_OK(hist_reduce(h, hist_of_tag(a), 0, INT64_MAX, points, keep_sample, &r, &raw, NULL));
            CHECK_INT(raw, 3000);
            CHECK(r.n > 1 && r.n <= (points < 6 ? 6 : points));
            for (size_t i = 0; i < r.n; i++) {
                int n = (int)(r.s[i].time_ms - NOW);
                bool text = r.s[i].type == SPB_STRING;
                numbers += !text;
                wrong += text != (n % 3 == 1) || (i && r.s[i].time_ms <= r.s[i - 1].time_ms);
            }
            CHECK(wrong == 0 && numbers > 0 && numbers < r.n);
        }
        seal(h);
    }
    for (uint32_t points = 1; points <= 4; points++) { /* as few as that, of numbers alone */
        uint32_t b = make_tag(h, "b", SPB_DOUBLE);
        for (int i = 0; points == 1 && i < 1000; i++)
            append_one(h, f64(b, NOW + i, i * 31 % 777));
        flush(h);
        r.n = 0;
        CHECK_OK(hist_lttb(h, hist_of_tag(b), 0, INT64_MAX, points, keep_sample, &r, &raw, NULL));
        CHECK(r.n == points && r.s[r.n - 1].time_ms == NOW + 999 && (points == 1 || r.s[0].time_ms == NOW));
    }
    close_ok(h);
}

static void states_are_kept_beside_thinned_changes(void)
{
    hist *h = open_store(new_dir(), 64);
    uint32_t a = make_tag(h, "a", SPB_STRING);
    for (int i = 0; i < 5000; i++)
        append_one(h, i % 1000 == 500 ? state_row(a, NOW + i) : str(a, NOW + i, i / 5 % 2 ? "on" : "off"));
    flush(h);
    seal(h);
    static reduced r;
    uint64_t raw = 0, states = 0;
    r.n = 0;
    CHECK_OK(hist_reduce(h, hist_of_tag(a), NOW, NOW + 5000, 50, keep_sample, &r, &raw, NULL));
    for (size_t i = 0; i < r.n; i++)
        states += hist__is_state(&r.s[i]);
    CHECK_INT(raw, 4995);
    CHECK_INT(states, 5);
    CHECK(r.n > 40 && r.n <= 55);
    r.n = 0;
    CHECK_OK(
        hist_reduce(h, hist_of_tag(a), NOW, NOW + 20, 5, keep_sample, &r, NULL, NULL)); /* few changes among many samples: all of them */
    CHECK_INT(r.n, 4);
    close_ok(h);
}

/* A node that comes and goes all the time: states are thinned too, and each is ended by the value that did. */
static void many_states_are_thinned_too(void)
{
    hist *h = open_store(new_dir(), 64);
    uint32_t a = make_tag(h, "a", SPB_STRING);
    for (int i = 0; i < 6000; i++)
        append_one(h, i % 3 == 2 ? state_row(a, NOW + i) : str(a, NOW + i, i % 6 < 3 ? "on" : "off"));
    flush(h);
    static reduced r;
    for (int round = 0; round < 2; round++) {
        for (uint32_t points = 1; points <= 1000; points *= 10) {
            uint64_t states = 0, open = 0;
            r.n = 0;
            CHECK_OK(hist_reduce(h, hist_of_tag(a), NOW, NOW + 6000, points, keep_sample, &r, NULL, NULL));
            for (size_t i = 0; i < r.n; i++) {
                bool state = hist__is_state(&r.s[i]);
                states += state;
                open += state && i + 1 < r.n && r.s[i + 1].time_ms != r.s[i].time_ms + 1;
            }
            CHECK(r.n <= points * 2 + 2 && states <= (points / 2 ? points / 2 : 1) && states >= points / 4 && open == 0);
        }
        seal(h);
    }
    close_ok(h);
}

static bool only_two(void *ctx, const hist_sample *s)
{
    (void)s;
    return ++*(int *)ctx < 2;
}

static void bad_calls_are_refused_and_it_stops_when_told(void)
{
    hist *h = open_store(new_dir(), 64);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    for (int i = 0; i < 1000; i++)
        append_one(h, f64(a, NOW + i, i));
    flush(h);
    static reduced r;
    uint64_t raw = 5;
    pt_error err = { 0 };
    r.n = 0;
    CHECK_STATUS(hist_reduce(h, hist_of_tag(a), 0, INT64_MAX, 0, keep_sample, &r, &raw, &err), PT_EINVAL);
    CHECK_STATUS(hist_reduce(h, hist_of_tag(a + 1), 0, INT64_MAX, 10, keep_sample, &r, &raw, &err), PT_ENOTFOUND);
    CHECK_OK(hist_reduce(h, hist_of_tag(a), 0, NOW, 10, keep_sample, &r, &raw, &err)); /* nothing there */
    CHECK(r.n == 0 && raw == 0);
    static const uint32_t points[] = { 100, 2000 };
    for (size_t i = 0; i < PT_COUNT_OF(points); i++) {
        int n = 0;
        CHECK_OK(hist_reduce(h, hist_of_tag(a), 0, INT64_MAX, points[i], only_two, &n, &raw, &err));
        CHECK_INT(n, 2);
    }
    close_ok(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_reduced_range_keeps_every_peak),
        PT_TEST(random_data_keeps_its_extremes),
        PT_TEST(as_many_bad_values_as_good_ones_are_reduced_like_them),
        PT_TEST(a_tag_of_many_types_is_reduced_too),
        PT_TEST(states_are_kept_beside_thinned_changes),
        PT_TEST(many_states_are_thinned_too),
        PT_TEST(bad_calls_are_refused_and_it_stops_when_told),
    };
    setup();
    return pt_test_main("historian/reduce", tests, PT_COUNT_OF(tests), argc, argv);
}
