/* tests/host/json_test.c -- values as JSON: numbers as they are, and for those who ask, what JavaScript cannot hold as text. */
#include "host/json.h"
#include "tests/support/check.h"

#include <math.h>

static const struct {
    spb_value v;
    const char *plain, *text; /* without and with int64_string */
} rows[] = {
    { { .type = SPB_INT64, .as = { .i64 = 9007199254740992 } }, "9007199254740992", "9007199254740992" },
    { { .type = SPB_INT64, .as = { .i64 = 9007199254740993 } }, "9007199254740993", "\"9007199254740993\"" },
    { { .type = SPB_INT64, .as = { .i64 = -9007199254740993 } }, "-9007199254740993", "\"-9007199254740993\"" },
    { { .type = SPB_INT64, .as = { .i64 = INT64_MIN } }, "-9223372036854775808", "\"-9223372036854775808\"" },
    { { .type = SPB_UINT64, .as = { .u64 = UINT64_MAX } }, "18446744073709551615", "\"18446744073709551615\"" },
    { { .type = SPB_UINT64, .as = { .u64 = 7 } }, "7", "7" },
    { { .type = SPB_UINT32, .as = { .u64 = UINT32_MAX } }, "4294967295", "4294967295" },
    { { .type = SPB_INT8, .as = { .i64 = -42 } }, "-42", "-42" },
    { { .type = SPB_DOUBLE, .as = { .f64 = 1e300 } }, "1e+300", "1e+300" },
    { { .type = SPB_DOUBLE, .as = { .f64 = (double)NAN } }, "\"NaN\"", "\"NaN\"" },
    { { .type = SPB_BOOLEAN, .as = { .boolean = true } }, "true", "true" },
    { { .type = SPB_STRING, .as = { .bytes = { "a\"b", 3 } } }, "\"a\\\"b\"", "\"a\\\"b\"" },
    { { .type = SPB_UINT64, .is_null = true, .as = { .u64 = UINT64_MAX } }, "null", "null" },
};

static void each_value_is_written_as_the_reader_asks(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++)
        for (int text = 0; text < 2; text++) {
            pt_buf b;
            pt_json j;
            pt_buf_init(&b, 1000);
            pt_json_init(&j, &b);
            host__json_value(&j, &rows[i].v, text);
            CHECK_STR(pt_buf_view(&b), text ? rows[i].text : rows[i].plain);
            pt_buf_fini(&b);
        }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(each_value_is_written_as_the_reader_asks) };
    return pt_test_main("host/json", tests, PT_COUNT_OF(tests), argc, argv);
}
