/* tests/sparkplug/value_text_test.c -- a value as JSON and as plain text. */
#include "sparkplug/value.h"
#include "tests/support/check.h"

#include <math.h>

static void values_have_a_json_and_a_text_form(void)
{
    const struct {
        const char *what, *json, *text;
        spb_value v;
    } forms[] = {
        { "Int8", "-5", "-5", { .type = SPB_INT8, .as.i64 = -5 } },
        { "Int64 min", "-9223372036854775808", "-9223372036854775808", { .type = SPB_INT64, .as.i64 = INT64_MIN } },
        { "UInt64 max", "18446744073709551615", "18446744073709551615", { .type = SPB_UINT64, .as.u64 = UINT64_MAX } },
        { "Float", "0.1", "0.1", { .type = SPB_FLOAT, .as.f32 = 0.1f } },
        { "Double", "1e+22", "1e+22", { .type = SPB_DOUBLE, .as.f64 = 1e22 } },
        { "Double 0.1+0.2", "0.30000000000000004", "0.30000000000000004", { .type = SPB_DOUBLE, .as.f64 = 0.1 + 0.2 } },
        { "NaN", "\"NaN\"", "NaN", { .type = SPB_DOUBLE, .as.f64 = NAN } },
        { "-Infinity", "\"-Infinity\"", "-Infinity", { .type = SPB_FLOAT, .as.f32 = -INFINITY } },
        { "Boolean", "true", "true", { .type = SPB_BOOLEAN, .as.boolean = true } },
        { "String", "\"a\\\"\\n\xC3\xA4\"", "a\"\n\xC3\xA4", { .type = SPB_STRING, .as.bytes = PT_LIT("a\"\n\xC3\xA4") } },
        { "String, invalid UTF-8", "\"a\xEF\xBF\xBD(\"", "a\xEF\xBF\xBD(", { .type = SPB_STRING, .as.bytes = PT_LIT("a\xC3(") } },
        { "String, empty", "\"\"", "", { .type = SPB_STRING, .as.bytes = PT_NONE } },
        { "Bytes", "\"AAH/\"", "AAH/", { .type = SPB_BYTES, .as.bytes = PT_LIT("\0\1\xFF") } },
        { "Bytes, one", "\"/w==\"", "/w==", { .type = SPB_BYTES, .as.bytes = PT_LIT("\xFF") } },
        { "Bytes, two", "\"//4=\"", "//4=", { .type = SPB_FILE, .as.bytes = PT_LIT("\xFF\xFE") } },
        { "DateTime", "1700000000000", "1700000000000", { .type = SPB_DATETIME, .as.u64 = 1700000000000 } },
        { "null", "null", "", { .type = SPB_INT32, .is_null = true } },
        { "Int16Array", "[-30000,30000]", "[-30000,30000]", { .type = SPB_INT16_ARRAY, .as.bytes = PT_LIT("\xd0\x8a\x30\x75") } },
        { "BooleanArray", "[false,true]", "[false,true]", { .type = SPB_BOOLEAN_ARRAY, .as.bytes = PT_LIT("\2\0\0\0\x40") } },
        { "StringArray", "[\"ABC\",\"\"]", "[\"ABC\",\"\"]", { .type = SPB_STRING_ARRAY, .as.bytes = PT_LIT("ABC\0\0") } },
        { "empty array", "[]", "[]", { .type = SPB_FLOAT_ARRAY, .as.bytes = PT_LIT("") } },
        { "document", "{\"columns\":[]}", "{\"columns\":[]}", { .type = SPB_DATASET, .as.bytes = PT_LIT("{\"columns\":[]}") } },
    };
    pt_buf b;
    pt_buf_init(&b, 1000);
    for (size_t i = 0; i < PT_COUNT_OF(forms); i++) {
        pt_json j;
        pt_buf_reset(&b);
        pt_json_init(&j, &b);
        spb_value_json(&j, &forms[i].v);
        CHECK_STR(pt_buf_view(&b), forms[i].json);
        pt_buf_reset(&b);
        spb_value_text(&b, &forms[i].v);
        CHECK_STR(pt_buf_view(&b), forms[i].text);
    }
    pt_buf_fini(&b);
}

static void a_text_that_does_not_fit_fails_the_buffer_and_nothing_else(void)
{
    spb_value v = { .type = SPB_STRING, .as.bytes = PT_LIT("twelve bytes") }, none = { .type = SPB_PROPERTYSET },
              doc = { .type = SPB_TEMPLATE };
    pt_buf b;
    pt_json j;
    pt_buf_init(&b, 11);
    spb_value_text(&b, &v);
    CHECK_STATUS(pt_buf_status(&b), PT_ETOOBIG);
    pt_buf_reset(&b);
    spb_value_text(&b, &none); /* no value can have this type: nothing, not nonsense */
    CHECK_INT(b.len, 0);
    pt_json_init(&j, &b);
    pt_json_array(&j);
    spb_value_json(&j, &none);
    spb_value_json(&j, &doc); /* an empty document is null: the JSON around it stays whole */
    pt_json_end_array(&j);
    CHECK_STR(pt_buf_view(&b), "[null,null]");
    pt_buf_fini(&b);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(values_have_a_json_and_a_text_form),
        PT_TEST(a_text_that_does_not_fit_fails_the_buffer_and_nothing_else),
    };
    return pt_test_main("sparkplug/value_text", tests, PT_COUNT_OF(tests), argc, argv);
}
