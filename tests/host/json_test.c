/* host/http/json.c: values as the API writes them, for readers whose numbers are doubles, too. */
#include "host/http/json.h"
#include "tests/support/check.h"

#include <math.h>

static void values_are_json_and_wide_integers_are_strings_for_who_asks(void)
{
    static const struct {
        const char *row;
        spb_value v;
        const char *plain, *string;
    } rows[] = {
        { "2^53 is exact in a double", { .type = SPB_INT64, .as.i64 = 9007199254740992 }, "9007199254740992", "9007199254740992" },
        { "2^53 + 1 is not", { .type = SPB_INT64, .as.i64 = 9007199254740993 }, "9007199254740993", "\"9007199254740993\"" },
        { "-2^53", { .type = SPB_INT64, .as.i64 = -9007199254740992 }, "-9007199254740992", "-9007199254740992" },
        { "-2^53 - 1", { .type = SPB_INT64, .as.i64 = -9007199254740993 }, "-9007199254740993", "\"-9007199254740993\"" },
        { "the least Int64", { .type = SPB_INT64, .as.i64 = INT64_MIN }, "-9223372036854775808", "\"-9223372036854775808\"" },
        { "UInt64 2^53", { .type = SPB_UINT64, .as.u64 = 9007199254740992u }, "9007199254740992", "9007199254740992" },
        { "the largest UInt64", { .type = SPB_UINT64, .as.u64 = UINT64_MAX }, "18446744073709551615", "\"18446744073709551615\"" },
        { "small ones stay numbers", { .type = SPB_INT8, .as.i64 = -5 }, "-5", "-5" },
        { "a null is a null", { .type = SPB_INT64, .is_null = true, .as.i64 = INT64_MAX }, "null", "null" },
        { "doubles are not concerned", { .type = SPB_DOUBLE, .as.f64 = 1e300 }, "1e+300", "1e+300" },
        { "not a number", { .type = SPB_DOUBLE, .as.f64 = (double)NAN }, "\"NaN\"", "\"NaN\"" },
        { "the largest UInt32", { .type = SPB_UINT32, .as.u64 = UINT32_MAX }, "4294967295", "4294967295" },
        { "a small UInt64", { .type = SPB_UINT64, .as.u64 = 7 }, "7", "7" },
        { "a null UInt64", { .type = SPB_UINT64, .is_null = true, .as.u64 = UINT64_MAX }, "null", "null" },
        { "in arrays too",
          { .type = SPB_UINT64_ARRAY, .as.bytes = { "\xff\xff\xff\xff\xff\xff\xff\xff\7\0\0\0\0\0\0\0", 16 } },
          "[18446744073709551615,7]",
          "[\"18446744073709551615\",7]" },
        { "no array", { .type = SPB_UINT64_ARRAY, .is_null = true }, "null", "null" },
        { "Boolean", { .type = SPB_BOOLEAN, .as.boolean = true }, "true", "true" },
        { "text", { .type = SPB_STRING, .as.bytes = { "a\"b", 3 } }, "\"a\\\"b\"", "\"a\\\"b\"" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        for (int as_string = 0; as_string < 2; as_string++) {
            pt_buf b;
            pt_json j;
            pt_buf_init(&b, 1024);
            pt_json_init(&j, &b);
            host__json_value(&j, &rows[i].v, as_string);
            const char *want = as_string ? rows[i].string : rows[i].plain;
            pt_check_at(pt_slice_eq_cstr(pt_buf_view(&b), want), false, rows[i].row, 0, "%.*s is not %s", PT_SLICE_ARGS(pt_buf_view(&b)),
                        want);
            pt_buf_fini(&b);
        }
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(values_are_json_and_wide_integers_are_strings_for_who_asks) };
    return pt_test_main("host/json", tests, PT_COUNT_OF(tests), argc, argv);
}
