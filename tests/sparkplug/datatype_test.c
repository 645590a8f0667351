/* tests/sparkplug/datatype_test.c */
#include "sparkplug/datatype.h"
#include "sparkplug/sequence.h"
#include "tests/support/check.h"

static void names_and_codes_go_both_ways(void)
{
    static const char *const names[] = {
        "Int8",        "Int16",      "Int32",       "Int64",        "UInt8",       "UInt16",       "UInt32",
        "UInt64",      "Float",      "Double",      "Boolean",      "String",      "DateTime",     "Text",
        "UUID",        "DataSet",    "Bytes",       "File",         "Template",    "PropertySet",  "PropertySetList",
        "Int8Array",   "Int16Array", "Int32Array",  "Int64Array",   "UInt8Array",  "UInt16Array",  "UInt32Array",
        "UInt64Array", "FloatArray", "DoubleArray", "BooleanArray", "StringArray", "DateTimeArray"
    };
    CHECK_INT(PT_COUNT_OF(names), SPB_DATATYPE_COUNT - 1);
    for (uint32_t i = 0; i < PT_COUNT_OF(names); i++) {
        spb_datatype t = SPB_UNKNOWN;
        CHECK_STR(pt_cstr(spb_datatype_name(i + 1)), names[i]);
        CHECK_OK(spb_datatype_parse(pt_cstr(names[i]), &t));
        CHECK_ROW(names[i], t == i + 1); /* tck-id-payloads-metric-datatype-value-type */
    }
}

static void unknown_names_and_codes_are_not_datatypes(void)
{
    static const char *const bad[] = { "Unknown", "", "int8", "Int8 ", "Int128", "UUid" };
    spb_datatype t = SPB_FLOAT;
    for (size_t i = 0; i < PT_COUNT_OF(bad); i++)
        CHECK_ROW(bad[i], spb_datatype_parse(pt_cstr(bad[i]), &t) == PT_ENOTFOUND && t == SPB_FLOAT);
    static const uint32_t codes[] = { 0, 35, 36, 1000, UINT32_MAX };
    for (size_t i = 0; i < PT_COUNT_OF(codes); i++) {
        CHECK_STR(pt_cstr(spb_datatype_name(codes[i])), "Unknown");
        CHECK(!spb_datatype_is_metric(codes[i]) && !spb_datatype_is_basic(codes[i]));
        CHECK(spb_datatype_class(codes[i]) == SPB_CLASS_NONE && spb_datatype_bits(codes[i]) == 0);
        CHECK(spb_datatype_element(codes[i]) == SPB_UNKNOWN);
    }
}

static void each_code_is_allowed_where_the_specification_says(void)
{
    for (uint32_t code = 0; code < 64; code++) {
        bool metric = (code >= 1 && code <= 19) || (code >= 22 && code <= 34), basic = code >= 1 && code <= 14;
        CHECK_ROW("tck-id-payloads-metric-datatype-value", spb_datatype_is_metric(code) == metric);
        CHECK_ROW("tck-id-payloads-dataset-types-value", spb_datatype_is_basic(code) == basic);
        CHECK((spb_datatype_class(code) == SPB_CLASS_ARRAY) == (code >= 22 && code <= 34));
    }
}

static void widths_and_elements_are_right(void)
{
    static const unsigned bits[] = { 0, 8, 16, 32, 64, 8, 16, 32, 64, 0, 0, 0, 0, 64, 0 };
    for (uint32_t code = 0; code < PT_COUNT_OF(bits); code++)
        CHECK_INT(spb_datatype_bits(code), bits[code]);
    for (uint32_t code = SPB_INT8_ARRAY; code <= SPB_DATETIME_ARRAY; code++) {
        spb_datatype element = spb_datatype_element(code);
        CHECK(element >= SPB_INT8 && element <= SPB_DATETIME);
        const char *name = spb_datatype_name(element);
        CHECK(strncmp(spb_datatype_name(code), name, strlen(name)) == 0);
    }
}

static void sequence_numbers_wrap_at_256(void)
{
    CHECK_ROW("tck-id-payloads-sequence-num-incrementing", spb_seq_next(255) == 0 && spb_seq_next(0) == 1 && spb_seq_next(254) == 255);
    CHECK_INT(spb_seq_ahead(250, 3), 9);
    CHECK_INT(spb_seq_ahead(3, 250), 247);
    CHECK(!spb_seq_is_behind(0, 0) && !spb_seq_is_behind(0, 127) && spb_seq_is_behind(0, 128) && spb_seq_is_behind(0, 255));
    CHECK(spb_seq_is_behind(5, 4) && !spb_seq_is_behind(255, 0));
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(names_and_codes_go_both_ways),
        PT_TEST(unknown_names_and_codes_are_not_datatypes),
        PT_TEST(each_code_is_allowed_where_the_specification_says),
        PT_TEST(widths_and_elements_are_right),
        PT_TEST(sequence_numbers_wrap_at_256),
    };
    return pt_test_main("sparkplug/datatype", tests, PT_COUNT_OF(tests), argc, argv);
}
