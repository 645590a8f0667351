/* tests/base/slice_test.c */
#include "base/slice.h"
#include "tests/support/check.h"

static void splitting_keeps_empty_pieces(void)
{
    pt_slice rest = PT_LIT("a//b/"), piece;
    CHECK(pt_slice_split(&rest, '/', &piece));
    CHECK_STR(piece, "a");
    CHECK(pt_slice_split(&rest, '/', &piece));
    CHECK_STR(piece, "");
    CHECK(pt_slice_split(&rest, '/', &piece));
    CHECK_STR(piece, "b");
    CHECK(pt_slice_split(&rest, '/', &piece));
    CHECK_STR(piece, "");
    CHECK(!pt_slice_split(&rest, '/', &piece));
}

static void numbers_are_whole_or_refused(void)
{
    uint64_t u = 5;
    int64_t i = 5;
    double d = 5;
    CHECK(pt_slice_to_u64(PT_LIT("18446744073709551615"), &u) && u == UINT64_MAX);
    CHECK(!pt_slice_to_u64(PT_LIT("18446744073709551616"), &u));
    CHECK(pt_slice_to_i64(PT_LIT("-9223372036854775808"), &i) && i == INT64_MIN);
    CHECK(!pt_slice_to_i64(PT_LIT("9223372036854775808"), &i));
    CHECK(!pt_slice_to_i64(PT_LIT("1 "), &i));
    CHECK(!pt_slice_to_u64(PT_LIT(""), &u));
    CHECK(pt_slice_to_f64(PT_LIT("-1.5e3"), &d) && d == -1500.0);
    CHECK(!pt_slice_to_f64(PT_LIT("1.5x"), &d));
    static const char *const bad[] = {
        " 1",     "\v1", "1 ", "",    "0x10", "1e999",
        "nan(1)", "+",   ".",  "--1", "1e",   "1234567890123456789012345678901234567890123456789012345678901234567890"
    };
    for (size_t k = 0; k < PT_COUNT_OF(bad); k++) {
        d = 5;
        CHECK_ROW(bad[k], !pt_slice_to_f64(pt_cstr(bad[k]), &d) && d == 5);
    }
    CHECK(!pt_slice_to_f64(pt_slice_of("1\0002", 3), &d));
    CHECK(pt_slice_to_f64(PT_LIT("-Infinity"), &d) && d < 0);
    CHECK(pt_slice_to_f64(PT_LIT("NaN"), &d) && d != d);
    CHECK(pt_slice_to_f64(PT_LIT("1e-400"), &d) && d == 0);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(splitting_keeps_empty_pieces), PT_TEST(numbers_are_whole_or_refused) };
    return pt_test_main("base/slice", tests, PT_COUNT_OF(tests), argc, argv);
}
