/* tests/historian/ints_test.c -- integer columns come back as they were, and small where they can be. */
#include "base/random.h"
#include "historian/format/ints.h"
#include "tests/support/check.h"

#include <stdlib.h>

static hist__ints_work work;

/* Encode, decode, compare; returns the encoded size. */
static size_t round_trip(const char *what, const uint64_t *v, size_t n, bool line)
{
    uint8_t *bytes = malloc(hist__ints_bound(n));
    uint64_t *back = malloc((n + 1) * sizeof *back);
    CHECK_FATAL(bytes && back);
    CHECK_OK_FATAL(hist__ints_work_reserve(&work, n));
    size_t len = hist__ints_encode(&work, v, n, line, bytes);
    CHECK_ROW(what, len <= hist__ints_bound(n));
    uint8_t *exact = malloc(len ? len : 1); /* an exact allocation, so that reading past the end is seen by the sanitizer */
    CHECK_FATAL(exact != NULL);
    memcpy(exact, bytes, len);
    hist__reader r = { .p = exact, .end = exact + len, .ok = true };
    CHECK_ROW(what, hist__ints_decode(&r, back, n));
    CHECK_ROW(what, r.p == r.end);
    CHECK_ROW(what, n == 0 || memcmp(v, back, n * sizeof *v) == 0);
    for (size_t cut = 0; cut < len; cut += 1 + len / 40) { /* no prefix decodes */
        hist__reader part = { .p = exact, .end = exact + cut, .ok = true };
        bool ok = hist__ints_decode(&part, back, n);
        CHECK_ROW(what, !ok || part.p < exact + len);
    }
    free(exact);
    free(bytes);
    free(back);
    return len;
}

static void constant_columns_take_a_few_bytes(void)
{
    uint64_t v[1000];
    for (size_t i = 0; i < 1000; i++)
        v[i] = 123456789;
    CHECK(round_trip("constant", v, 1000, false) < 12);
    for (size_t i = 0; i < 1000; i++)
        v[i] = UINT64_MAX - 1000 + i;
    CHECK(round_trip("counter up to 2^64", v, 1000, false) < 12);
    for (size_t i = 0; i < 1000; i++)
        v[i] = 1000000 + i * 250;
    CHECK(round_trip("period", v, 1000, true) < 16);
}

static void jittered_times_take_the_bits_of_their_jitter(void)
{
    pt_random rnd = pt_random_seed(7);
    uint64_t v[1024];
    for (size_t i = 0; i < 1024; i++)
        v[i] = 1700000000000u + i * 1000 + pt_random_below(&rnd, 16);
    CHECK(round_trip("jitter of 4 bits", v, 1024, true) < 1024 * 6 / 8 + 20);
    for (size_t i = 700; i < 1024; i++)
        v[i] += 3600000; /* one long gap */
    CHECK(round_trip("jitter and a gap", v, 1024, true) < 1024 * 8 / 8 + 40);
}

static void outliers_do_not_widen_the_rest(void)
{
    uint64_t v[1024];
    for (size_t i = 0; i < 1024; i++)
        v[i] = i * 7 % 13;
    v[500] = UINT64_MAX / 3;
    CHECK(round_trip("one high outlier", v, 1024, false) < 600);
    v[500] = 5;
    v[501] = 0u - UINT64_MAX / 3;
    CHECK(round_trip("one low outlier", v, 1024, false) < 900);
    uint64_t count = 0;
    for (size_t i = 0; i < 1024; i++)
        v[i] = i == 600 ? (count = 0) : (count += 90 + i * 5 % 11);
    CHECK(round_trip("a counter that is reset", v, 1024, false) < 700);
}

static void runs_are_counted(void)
{
    uint64_t v[1024];
    for (size_t i = 0; i < 1024; i++)
        v[i] = (i / 100) % 2 ? 0x4059000000000000u : 0x3ff0000000000000u + i / 100;
    CHECK(round_trip("runs", v, 1024, false) < 200);
}

static void every_width_and_length_round_trips(void)
{
    pt_random rnd = pt_random_seed(1);
    uint64_t *v = malloc(3000 * sizeof *v);
    CHECK_FATAL(v != NULL);
    for (unsigned width = 0; width <= 64; width++) {
        for (size_t n = 0; n < 40; n++) {
            for (size_t i = 0; i < n; i++)
                v[i] = width ? pt_random_u64(&rnd) >> (64 - width) : 0;
            round_trip("random", v, n, n % 2);
        }
        for (size_t i = 0; i < 3000; i++)
            v[i] = width ? pt_random_u64(&rnd) >> (64 - width) : 9;
        round_trip("long", v, 3000, true);
    }
    for (unsigned round = 0; round < 300; round++) { /* mixtures: walks with jumps, repeated stretches */
        size_t n = pt_random_below(&rnd, 1500);
        uint64_t at = pt_random_u64(&rnd);
        unsigned step = (unsigned)pt_random_below(&rnd, 20), jump = 1 + (unsigned)pt_random_below(&rnd, 200);
        for (size_t i = 0; i < n; i++) {
            if (pt_random_below(&rnd, jump) == 0) at = pt_random_u64(&rnd) >> pt_random_below(&rnd, 64);
            if (pt_random_below(&rnd, 3) == 0) at += pt_random_below(&rnd, UINT64_C(1) << step) - (UINT64_C(1) << step) / 2;
            v[i] = at;
        }
        round_trip("mixture", v, n, round % 2);
    }
    free(v);
}

static void damaged_columns_never_crash(void)
{
    pt_random rnd = pt_random_seed(3);
    uint64_t v[300], back[300];
    uint8_t bytes[256 + 8 * 300];
    CHECK_OK_FATAL(hist__ints_work_reserve(&work, 300));
    for (unsigned round = 0; round < 20000; round++) {
        size_t n = 1 + pt_random_below(&rnd, 299);
        for (size_t i = 0; i < n; i++)
            v[i] = pt_random_below(&rnd, 5) ? i / 20 : pt_random_u64(&rnd);
        size_t len = hist__ints_encode(&work, v, n, true, bytes);
        for (unsigned k = 0; k < 3; k++)
            bytes[pt_random_below(&rnd, len)] = (uint8_t)pt_random_u64(&rnd);
        hist__reader r = { .p = bytes, .end = bytes + len, .ok = true };
        (void)hist__ints_decode(&r, back, n); /* any answer, but no fault */
        CHECK(r.p <= r.end);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(constant_columns_take_a_few_bytes),  PT_TEST(jittered_times_take_the_bits_of_their_jitter),
        PT_TEST(outliers_do_not_widen_the_rest),     PT_TEST(runs_are_counted),
        PT_TEST(every_width_and_length_round_trips), PT_TEST(damaged_columns_never_crash),
    };
    int rc = pt_test_main("historian/ints", tests, PT_COUNT_OF(tests), argc, argv);
    hist__ints_work_fini(&work);
    return rc;
}
