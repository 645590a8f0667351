/* tests/historian/deviation_test.c -- the rules by themselves: what is left out stays within what is stated. */
#include "base/random.h"
#include "historian/format/format.h"
#include "tests/historian/samples.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>

static hist_sample number(int64_t t, double v)
{
    return f64(1, t, v);
}

static void a_straight_line_needs_its_ends_only(void)
{
    hist_deviation d = { .exc_dev = -1, .comp_dev = 0.5 };
    hist_sample s[100];
    uint8_t why[100];
    for (int i = 0; i < 100; i++)
        s[i] = number(NOW + i * 1000, i * 2.0 + (i % 2) * 0.25);
    CHECK(hist__thin(&d, s, 100, why) <= 0.5);
    unsigned kept = 0;
    for (int i = 0; i < 100; i++)
        kept += why[i] == HIST__KEPT;
    CHECK_INT(kept, 2);
    CHECK(why[0] == HIST__KEPT && why[99] == HIST__KEPT && why[50] == HIST__COMPRESSION);
}

static void an_exception_passes_with_the_sample_before_it(void)
{
    hist_deviation d = { .exc_dev = 1, .comp_dev = -1 };
    const double v[] = { 5, 5.5, 4.6, 5.2, 9, 9.1, 9.2 };
    const uint8_t want[] = { HIST__KEPT, HIST__EXCEPTION, HIST__EXCEPTION, HIST__KEPT, HIST__KEPT, HIST__EXCEPTION, HIST__KEPT };
    hist_sample s[7];
    uint8_t why[7];
    for (int i = 0; i < 7; i++)
        s[i] = number(NOW + i * 1000, v[i]);
    CHECK(hist__thin(&d, s, 7, why) <= 2);
    CHECK(memcmp(why, want, sizeof want) == 0);
    d.exc_min_ms = 10000; /* 9 comes too soon */
    hist__thin(&d, s, 7, why);
    CHECK(why[4] == HIST__EXCEPTION);
    d = (hist_deviation){ .exc_dev = 100, .exc_max_ms = 3000, .comp_dev = -1 };
    hist__thin(&d, s, 7, why);
    CHECK(why[3] == HIST__KEPT && why[1] == HIST__EXCEPTION && why[4] == HIST__EXCEPTION);
}

static void compression_has_a_longest_gap_and_a_shortest_distance(void)
{
    hist_deviation d = { .exc_dev = -1, .comp_dev = 1, .comp_max_ms = 10000 };
    hist_sample s[101];
    uint8_t why[101];
    for (int i = 0; i <= 100; i++)
        s[i] = number(NOW + i * 1000, 7);
    hist__thin(&d, s, 101, why);
    unsigned kept = 0;
    for (int i = 0; i <= 100; i++)
        kept += why[i] == HIST__KEPT;
    CHECK_INT(kept, 11);
    for (int i = 0; i <= 100; i++)
        s[i] = number(NOW + i * 1000, i % 2 * 50.0); /* each would be kept */
    d = (hist_deviation){ .exc_dev = -1, .comp_dev = 1, .comp_min_ms = 5000 };
    CHECK(hist__thin(&d, s, 101, why) > 1); /* comp_min goes before the deviation: what the block states says so */
    for (int i = 1, last = 0; i < 100; i++) {
        if (why[i] != HIST__KEPT) continue;
        CHECK(i - last >= 5);
        last = i;
    }
}

static void quality_nulls_states_and_texts_are_kept(void)
{
    hist_deviation d = { .exc_dev = 1000, .comp_dev = 1000 };
    hist_sample s[12];
    uint8_t why[12];
    for (int i = 0; i < 12; i++)
        s[i] = number(NOW + i * 1000, i);
    s[3].quality = SPB_BAD;
    s[5].flags = HIST_NULL;
    s[7].flags = HIST_STATE;
    s[9].as.f64 = (double)NAN;
    CHECK(hist__thin(&d, s, 12, why) == 0); /* runs of two and less between them */
    for (int i = 0; i < 12; i++)
        CHECK(i == 1 ? why[i] != HIST__KEPT : why[i] == HIST__KEPT);
    for (int i = 0; i < 12; i++)
        s[i] = (hist_sample){ .tag_id = 1, .time_ms = NOW + i, .type = SPB_STRING, .as.ptr = "x", .len = 1 };
    hist__thin(&d, s, 12, why);
    for (int i = 0; i < 12; i++)
        CHECK(why[i] == HIST__KEPT);
}

/* Any signal, any settings: no sample is farther from what stands for it than is stated, and that than PI's rules allow. */
static void nothing_is_farther_away_than_stated(void)
{
    static hist_sample s[500];
    uint8_t why[500];
    for (uint64_t seed = 1; seed <= 400; seed++) {
        pt_random rnd = pt_random_seed(seed);
        hist_deviation d = { .exc_dev = pt_random_below(&rnd, 3) ? pt_random_unit(&rnd) * 2 : -1,
                             .comp_dev = pt_random_below(&rnd, 4) ? pt_random_unit(&rnd) * 3 : -1,
                             .exc_max_ms = (int64_t)pt_random_below(&rnd, 2) * 20000,
                             .comp_max_ms = (int64_t)pt_random_below(&rnd, 2) * 50000 };
        bool whole = pt_random_below(&rnd, 3) == 0, f32 = pt_random_below(&rnd, 3) == 0;
        double v = 0;
        int64_t t = NOW;
        for (int i = 0; i < 500; i++) {
            t += 1 + (int64_t)pt_random_below(&rnd, 2000);
            v += (pt_random_unit(&rnd) - 0.5) * 2;
            s[i] = number(t, v);
            if (whole) s[i].type = SPB_INT32, s[i].as.i64 = (int64_t)v;
            else if (f32) s[i].type = SPB_FLOAT, s[i].as.u64 = 0, s[i].as.f32 = (float)v;
            if (pt_random_below(&rnd, 60) == 0) s[i].quality = SPB_BAD;
        }
        double stated = hist__thin(&d, s, 500, why);
        double allowed = (d.comp_dev >= 0 ? d.comp_dev : 0) + (d.exc_dev >= 0 ? 2 * d.exc_dev : 0);
        CHECK_ROW("allowed", stated <= allowed + 1e-9);
        for (int a = 0; a < 499;) {
            int b = a + 1;
            while (why[b] != HIST__KEPT)
                b++;
            for (int i = a + 1; i < b; i++)
                CHECK_ROW("stated", hist__distance(&s[a], &s[b], &s[i]) <= stated);
            a = b;
        }
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_straight_line_needs_its_ends_only),
        PT_TEST(an_exception_passes_with_the_sample_before_it),
        PT_TEST(compression_has_a_longest_gap_and_a_shortest_distance),
        PT_TEST(quality_nulls_states_and_texts_are_kept),
        PT_TEST(nothing_is_farther_away_than_stated),
    };
    return pt_test_main("historian/deviation", tests, PT_COUNT_OF(tests), argc, argv);
}
