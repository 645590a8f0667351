/* tests/sparkplug/value_parse_test.c -- an operator's text as a value of exactly one type, or a refusal. */
#include "sparkplug/value.h"
#include "tests/support/check.h"

static const struct {
    uint32_t type;
    const char *text;
    pt_status want;
    const char *back; /* spb_value_text of it */
} parses[] = {
    { SPB_INT8, "127", PT_OK, "127" },
    { SPB_INT8, "128", PT_ETOOBIG, NULL },
    { SPB_INT8, "-128", PT_OK, "-128" },
    { SPB_INT8, "-129", PT_ETOOBIG, NULL },
    { SPB_INT8, "1.0", PT_EMALFORMED, NULL },
    { SPB_INT8, "", PT_EMALFORMED, NULL },
    { SPB_INT8, "-", PT_EMALFORMED, NULL },
    { SPB_INT8, "+1", PT_EMALFORMED, NULL },
    { SPB_INT8, "1e1", PT_EMALFORMED, NULL },
    { SPB_INT8, " 1", PT_EMALFORMED, NULL },
    { SPB_INT16, "-32768", PT_OK, "-32768" },
    { SPB_INT16, "32768", PT_ETOOBIG, NULL },
    { SPB_INT32, "2147483647", PT_OK, "2147483647" },
    { SPB_INT32, "2147483648", PT_ETOOBIG, NULL },
    { SPB_INT64, "-9223372036854775808", PT_OK, "-9223372036854775808" },
    { SPB_INT64, "9223372036854775808", PT_ETOOBIG, NULL },
    { SPB_INT64, "99999999999999999999999", PT_ETOOBIG, NULL },
    { SPB_UINT8, "255", PT_OK, "255" },
    { SPB_UINT8, "256", PT_ETOOBIG, NULL },
    { SPB_UINT8, "-1", PT_ETOOBIG, NULL },
    { SPB_UINT16, "65536", PT_ETOOBIG, NULL },
    { SPB_UINT32, "4294967295", PT_OK, "4294967295" },
    { SPB_UINT32, "4294967296", PT_ETOOBIG, NULL },
    { SPB_UINT64, "18446744073709551615", PT_OK, "18446744073709551615" },
    { SPB_UINT64, "18446744073709551616", PT_ETOOBIG, NULL },
    { SPB_UINT64, "0x10", PT_EMALFORMED, NULL },
    { SPB_FLOAT, "0.1", PT_OK, "0.1" },
    { SPB_FLOAT, "1e39", PT_ETOOBIG, NULL },
    { SPB_FLOAT, "-1e39", PT_ETOOBIG, NULL },
    { SPB_FLOAT, "Infinity", PT_OK, "Infinity" },
    { SPB_FLOAT, "-inf", PT_OK, "-Infinity" },
    { SPB_FLOAT, "nan", PT_OK, "NaN" },
    { SPB_FLOAT, "16777217", PT_OK, "16777216" },
    { SPB_DOUBLE, "1e400", PT_ETOOBIG, NULL },
    { SPB_DOUBLE, "1e308", PT_OK, "1e+308" },
    { SPB_DOUBLE, "0x1p3", PT_EMALFORMED, NULL },
    { SPB_DOUBLE, "1,5", PT_EMALFORMED, NULL },
    { SPB_DOUBLE, "", PT_EMALFORMED, NULL },
    { SPB_BOOLEAN, "true", PT_OK, "true" },
    { SPB_BOOLEAN, "0", PT_OK, "false" },
    { SPB_BOOLEAN, "1", PT_OK, "true" },
    { SPB_BOOLEAN, "false", PT_OK, "false" },
    { SPB_BOOLEAN, "TRUE", PT_EMALFORMED, NULL },
    { SPB_BOOLEAN, "2", PT_EMALFORMED, NULL },
    { SPB_BOOLEAN, "", PT_EMALFORMED, NULL },
    { SPB_STRING, "", PT_OK, "" },
    { SPB_STRING, " a b ", PT_OK, " a b " },
    { SPB_STRING, "\xC3(", PT_EMALFORMED, NULL },
    { SPB_TEXT, "null", PT_OK, "null" },
    { SPB_DATETIME, "1700000000000", PT_OK, "1700000000000" },
    { SPB_DATETIME, "2023-11-14T22:13:20Z", PT_OK, "1700000000000" },
    { SPB_DATETIME, "1969-01-01T00:00:00Z", PT_ETOOBIG, NULL },
    { SPB_DATETIME, "now", PT_EMALFORMED, NULL },
    { SPB_DATETIME, "2023-13-01", PT_EMALFORMED, NULL },
    { SPB_UUID, "123e4567-e89b-12d3-a456-426614174000", PT_OK, "123e4567-e89b-12d3-a456-426614174000" },
    { SPB_UUID, "123e4567", PT_EMALFORMED, NULL },
    { SPB_UUID, "123e4567_e89b-12d3-a456-426614174000", PT_EMALFORMED, NULL },
    { SPB_BYTES, "AA==", PT_EUNSUPPORTED, NULL },
    { SPB_INT8_ARRAY, "[1]", PT_EUNSUPPORTED, NULL },
    { SPB_TEMPLATE, "{}", PT_EUNSUPPORTED, NULL },
    { SPB_UNKNOWN, "1", PT_EMALFORMED, NULL },
    { SPB_PROPERTYSET, "1", PT_EMALFORMED, NULL },
};

static void operators_text_is_taken_exactly_or_refused(void)
{
    pt_buf b;
    pt_buf_init(&b, 1000);
    for (size_t i = 0; i < PT_COUNT_OF(parses); i++) {
        spb_value v = { .type = 99 };
        pt_error err = { 0 };
        pt_status st = spb_value_parse(parses[i].type, pt_cstr(parses[i].text), &v, &err);
        CHECK_ROW(parses[i].text, st == parses[i].want);
        if (st) {
            CHECK_ROW(parses[i].text, v.type == 99 && err.text[0]);
            continue;
        }
        pt_buf_reset(&b);
        spb_value_text(&b, &v);
        CHECK_STR(pt_buf_view(&b), parses[i].back);
    }
    pt_buf_fini(&b);
}

static void a_refusal_shows_the_text_cut_and_the_type(void)
{
    char longest[200];
    pt_error err = { 0 };
    spb_value v;
    CHECK_STATUS(spb_value_parse(SPB_INT16, PT_LIT("70000"), &v, &err), PT_ETOOBIG);
    CHECK_STR(pt_cstr(err.text), "70000 does not fit a Int16");
    CHECK_STATUS(spb_value_parse(SPB_BOOLEAN, PT_LIT("yes"), &v, &err), PT_EMALFORMED);
    CHECK_STR(pt_cstr(err.text), "'yes' is not a Boolean");
    memset(longest, '9', sizeof longest);
    CHECK_STATUS(spb_value_parse(SPB_INT64, pt_slice_of(longest, sizeof longest), &v, &err), PT_ETOOBIG);
    CHECK_INT(strlen(err.text), 64 + strlen(" does not fit a Int64"));
    CHECK_STATUS(spb_value_parse(SPB_DOUBLE, pt_slice_of(longest, sizeof longest), &v, &err),
                 PT_EMALFORMED); /* 64 characters and more are no float */
}

static void a_text_borrows_what_was_given(void)
{
    static const char text[] = "hello";
    spb_value v;
    CHECK_OK(spb_value_parse(SPB_STRING, pt_cstr(text), &v, NULL));
    CHECK(v.as.bytes.ptr == text && v.as.bytes.len == 5);
    CHECK_OK(spb_value_parse(SPB_STRING, PT_NONE, &v, NULL)); /* an empty text is a text */
    CHECK(v.as.bytes.ptr != NULL && v.as.bytes.len == 0 && !v.is_null);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(operators_text_is_taken_exactly_or_refused),
        PT_TEST(a_refusal_shows_the_text_cut_and_the_type),
        PT_TEST(a_text_borrows_what_was_given),
    };
    return pt_test_main("sparkplug/value_parse", tests, PT_COUNT_OF(tests), argc, argv);
}
