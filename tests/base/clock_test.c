/* tests/base/clock_test.c -- clocks, and the waiting times that are reckoned with them. */
#include "base/backoff.h"
#include "base/clock.h"
#include "tests/support/check.h"

static void the_system_clock_goes_forward(void)
{
    const pt_clock *c = pt_clock_system();
    int64_t a = pt_mono_us(c), b = pt_mono_us(c);
    CHECK(b >= a && a > 0);
    CHECK(pt_wall_ms(c) > 1700000000000);
}

static void the_fake_clock_moves_only_when_told(void)
{
    pt_fake_clock f;
    pt_fake_clock_init(&f, 5000);
    CHECK_INT(pt_wall_ms(&f.clock), 5000);
    CHECK_INT(pt_mono_ms(&f.clock), 0);
    pt_fake_clock_advance(&f, 1500);
    CHECK_INT(pt_wall_ms(&f.clock), 6500);
    CHECK_INT(pt_mono_us(&f.clock), 1500000);
    pt_fake_clock_step_wall(&f, -6000);
    CHECK_INT(pt_wall_ms(&f.clock), 500);
    CHECK_INT(pt_mono_ms(&f.clock), 1500);
}

static void waits_double_up_to_the_maximum_with_jitter_in_the_upper_half(void)
{
    pt_backoff b = { .min_ms = 100, .max_ms = 3000, .random = pt_random_seed(1) };
    static const int64_t full[] = { 100, 200, 400, 800, 1600, 3000, 3000, 3000 };
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < PT_COUNT_OF(full); i++) {
            int64_t w = pt_backoff_next(&b);
            CHECK(w > full[i] / 2 - 1 && w <= full[i]);
        }
        pt_backoff_reset(&b);
    }
    for (int i = 0; i < 1000; i++)
        CHECK(pt_backoff_next(&b) <= 3000); /* no overflow after many failures */
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(the_system_clock_goes_forward), PT_TEST(the_fake_clock_moves_only_when_told),
                                     PT_TEST(waits_double_up_to_the_maximum_with_jitter_in_the_upper_half) };
    return pt_test_main("base/clock", tests, PT_COUNT_OF(tests), argc, argv);
}
