/* tests/base/calendar_test.c -- every day of eight centuries in turn, and dates far away. */
#include "base/calendar.h"
#include "tests/support/check.h"

static int64_t days_in(int64_t y, int64_t m)
{
    static const int64_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return days[m - 1] + (m == 2 && leap);
}

static void every_day_follows_the_one_before(void)
{
    int64_t n = pt_days_of_date(1599, 12, 31);
    for (int64_t y = 1600; y < 2400; y++)
        for (int64_t m = 1; m <= 12; m++)
            for (int64_t d = 1; d <= days_in(y, m); d++) {
                pt_date back = pt_date_of_days(++n);
                bool right = pt_days_of_date(y, m, d) == n && back.year == y && back.month == m && back.day == d;
                if (!right) CHECK_ROW("a day", right);
            }
    CHECK_INT(n, pt_days_of_date(2399, 12, 31));
}

static void known_days_have_their_numbers(void)
{
    static const struct {
        int64_t y, m, d, days;
    } rows[] = { { 1970, 1, 1, 0 },           { 1969, 12, 31, -1 },      { 2000, 2, 29, 11016 },
                 { 2026, 12, 1, 20788 },      { 0, 3, 1, -719468 },      { 0, 1, 1, -719528 },
                 { -1, 12, 31, -719529 },     { 9999, 12, 31, 2932896 }, { -271821, 4, 20, -100000000 },
                 { 275760, 9, 13, 100000000 } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_date back = pt_date_of_days(rows[i].days);
        CHECK_INT(pt_days_of_date(rows[i].y, rows[i].m, rows[i].d), rows[i].days);
        CHECK_INT(back.year, rows[i].y);
        CHECK_INT(back.month, rows[i].m);
        CHECK_INT(back.day, rows[i].d);
    }
    CHECK_INT(pt_days_of_date(2023, 2, 29), pt_days_of_date(2023, 3, 1));
}

static void division_rounds_down(void)
{
    static const struct {
        int64_t a, b, want;
    } rows[] = { { 7, 2, 3 }, { -7, 2, -4 }, { -8, 2, -4 }, { 0, 5, 0 }, { -1, 400, -1 }, { INT64_MIN, 1, INT64_MIN } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++)
        CHECK_INT(pt_floor_div(rows[i].a, rows[i].b), rows[i].want);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(every_day_follows_the_one_before), PT_TEST(known_days_have_their_numbers),
                                     PT_TEST(division_rounds_down) };
    return pt_test_main("base/calendar", tests, PT_COUNT_OF(tests), argc, argv);
}
