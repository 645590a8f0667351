/* tests/historian/block_test.c -- which rows go into one block, and what it says about them. */
#include "tests/historian/block_rows.h"
#include "tests/support/check.h"

#include <math.h>

static hist_sample s[100];

static void cutting_keeps_families_apart(void)
{
    for (size_t i = 0; i < 100; i++)
        s[i] = block_row((int64_t)i, i < 60 ? SPB_INT32 : SPB_DOUBLE, 0);
    s[3].flags = HIST_NULL;
    s[3].type = SPB_STRING;
    CHECK_INT(hist__block_cut(s, 100, 1024), 60);
    CHECK_INT(hist__block_cut(s, 100, 10), 10);
    CHECK_INT(hist__block_cut(s + 60, 40, 1024), 40);
}

static void the_summary_is_the_brute_force_one(void)
{
    hist__summary sum;
    s[0] = block_row(1000, SPB_DOUBLE, word64(2.0));
    s[1] = block_row(2000, SPB_DOUBLE, word64(4.0));
    s[2] = block_row(2500, SPB_DOUBLE, word64(100.0));
    s[2].quality = SPB_BAD;
    s[3] = block_row(3000, SPB_DOUBLE, word64(NAN));
    s[4] = block_row(4000, SPB_DOUBLE, word64(-1.0));
    s[4].quality = SPB_UNCERTAIN;
    s[5] = block_row(6000, SPB_DOUBLE, 0);
    s[5].flags = HIST_STATE;
    hist__summarize(s, 6, &sum);
    CHECK_INT(sum.rows, 6);
    CHECK_INT(sum.samples, 5);
    CHECK_INT(sum.good, 3);
    CHECK_INT(sum.bad, 1);
    CHECK_INT(sum.uncertain, 1);
    CHECK_INT(sum.nums, 3);
    CHECK(sum.min == -1 && sum.max == 4 && sum.sum == 5 && sum.first == 2 && sum.last == -1);
    CHECK_INT(sum.area_ms, 1000 + 500 + 2000);
    CHECK(sum.area == 2.0 * 1000 + 4.0 * 500 - 1.0 * 2000);
    CHECK(!sum.open);
    double mean = 5.0 / 3;
    CHECK(fabs(sum.m2 - ((2 - mean) * (2 - mean) + (4 - mean) * (4 - mean) + (-1 - mean) * (-1 - mean))) < 1e-9);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(cutting_keeps_families_apart),
        PT_TEST(the_summary_is_the_brute_force_one),
    };
    return pt_test_main("historian/block", tests, PT_COUNT_OF(tests), argc, argv);
}
