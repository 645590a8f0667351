/* tests/bench/generate_test.c -- the benchmarks' data is what it is said to be. */
#include "tests/bench/generate.h"
#include "tests/support/check.h"

#include <math.h>

enum { TAGS = 12, SAMPLES = 20000 };

static void the_mixed_set_is_the_same_in_any_order_of_asking(void)
{
    gen_mixed a, b;
    CHECK_OK_FATAL(gen_mixed_init(&a, 9, TAGS, 1000, 1000));
    CHECK_OK_FATAL(gen_mixed_init(&b, 9, TAGS, 1000, 1000));
    hist_sample x[TAGS][50], y;
    unsigned bad = 0;
    for (uint32_t i = 0; i < 50; i++)
        for (uint32_t t = 0; t < TAGS; t++)
            gen_mixed_next(&a, t + 1, &x[t][i]);
    for (uint32_t t = TAGS; t-- > 0;)
        for (uint32_t i = 0; i < 50; i++) {
            gen_mixed_next(&b, t + 1, &y);
            bad += memcmp(&x[t][i], &y, sizeof y) != 0;
        }
    CHECK_INT(bad, 0);
    gen_mixed_fini(&a);
    gen_mixed_fini(&b);
}

static void times_ascend_sines_have_two_decimals_and_quality_is_mostly_good(void)
{
    gen_mixed g;
    unsigned bad = 0, good = 0, changes = 0, ons = 0;
    CHECK_OK_FATAL(gen_mixed_init(&g, 1, TAGS, INT64_C(1763848992000), 1000));
    for (uint32_t id = 1; id <= TAGS; id++) {
        int64_t last = 0, counter = 0;
        for (unsigned i = 0; i < SAMPLES; i++) {
            hist_sample s;
            gen_mixed_next(&g, id, &s);
            bad += s.time_ms <= last || s.tag_id != id || s.type != gen_mixed_type(id);
            if (s.type == SPB_DOUBLE) bad += fabs(s.as.f64 * 100 - round(s.as.f64 * 100)) > 1e-6;
            if (s.type == SPB_INT64) bad += s.as.i64 < counter, changes += s.as.i64 != counter, counter = s.as.i64;
            if (s.type == SPB_BOOLEAN) ons += s.as.boolean;
            good += s.quality == SPB_GOOD;
            last = s.time_ms;
        }
    }
    CHECK_INT(bad, 0);
    CHECK(changes > SAMPLES && ons > SAMPLES / 10);
    CHECK(good > TAGS * SAMPLES * 0.95 && good < TAGS * SAMPLES);
    gen_mixed_fini(&g);
}

static void payloads_survive_the_codec(void)
{
    pt_arena arena, decoded;
    pt_arena_init(&arena, 16 << 20);
    pt_arena_init(&decoded, 16 << 20);
    pt_random r = pt_random_seed(4);
    pt_buf b;
    pt_buf_init(&b, 16 << 20);
    for (unsigned k = 0; k < 2; k++) {
        spb_payload p, q;
        pt_buf_reset(&b);
        CHECK_OK_FATAL(k ? gen_birth(&arena, &r, 1000, &p) : gen_data(&arena, &r, 20, false, &p));
        CHECK_OK_FATAL(spb_payload_encode(&p, &b));
        CHECK_OK_FATAL(spb_payload_decode(pt_buf_view(&b), &spb_limits_default, &decoded, &q, NULL));
        CHECK_INT(q.n_metrics, k ? 1000 : 20);
        CHECK(q.metrics[7].alias == p.metrics[7].alias && q.metrics[7].wire == p.metrics[7].wire);
        CHECK(!k || q.metrics[7].properties->n == 4);
    }
    pt_buf_fini(&b);
    pt_arena_fini(&decoded);
    pt_arena_fini(&arena);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(the_mixed_set_is_the_same_in_any_order_of_asking),
        PT_TEST(times_ascend_sines_have_two_decimals_and_quality_is_mostly_good),
        PT_TEST(payloads_survive_the_codec),
    };
    return pt_test_main("bench/generate", tests, PT_COUNT_OF(tests), argc, argv);
}
