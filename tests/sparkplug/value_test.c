/* tests/sparkplug/value_test.c -- from wire field to typed value and back, as text, and quality. */
#include "sparkplug/value.h"
#include "tests/support/check.h"

#include <float.h>
#include <math.h>

static spb_metric int_metric(uint32_t v)
{
    return (spb_metric){ .wire = SPB_WIRE_INT, .value.u32 = v };
}
static spb_metric long_metric(uint64_t v)
{
    return (spb_metric){ .wire = SPB_WIRE_LONG, .value.u64 = v };
}

/* Implementer's guide 4 and 25.1-3: what producers really send for integers. */
static const struct {
    const char *what;
    uint32_t type;
    bool is_long;
    uint64_t raw;
    int64_t want; /* bits of u64 for unsigned */
    bool clamped;
} integers[] = {
    { "Int8 -42 sign-extended (Java, C)", SPB_INT8, false, 0xFFFFFFD6, -42, false },
    { "Int8 -42 masked (Python)", SPB_INT8, false, 0xD6, -42, false },
    { "Int8 -42 as long, sign-extended to 64", SPB_INT8, true, 0xFFFFFFFFFFFFFFD6, -42, false },
    { "Int8 -42 as long, sign-extended to 32", SPB_INT8, true, 0xFFFFFFD6, -42, false },
    { "Int8 127", SPB_INT8, false, 127, 127, false },
    { "Int8 -128", SPB_INT8, false, 0xFFFFFF80, -128, false },
    { "Int8 beyond its width is masked and counted", SPB_INT8, false, 300, 44, true },
    { "Int8 beyond its width, negative", SPB_INT8, false, 0xFFFFFE00, 0, true },
    { "Int16 -30000 sign-extended", SPB_INT16, false, 0xFFFF8AD0, -30000, false },
    { "Int16 -30000 masked", SPB_INT16, false, 0x8AD0, -30000, false },
    { "Int16 beyond", SPB_INT16, false, 0x18AD0, -30000, true },
    { "Int32 -1", SPB_INT32, false, 0xFFFFFFFF, -1, false },
    { "Int32 as long", SPB_INT32, true, 0xFFFFFFFFFFFFFFFF, -1, false },
    { "Int32 beyond", SPB_INT32, true, 0x100000001, 1, true },
    { "Int64 -1", SPB_INT64, true, UINT64_MAX, -1, false },
    { "Int64 in int_value is zero-extended", SPB_INT64, false, 0xFFFFFFFF, 0xFFFFFFFF, false },
    { "UInt8 255", SPB_UINT8, false, 255, 255, false },
    { "UInt8 beyond (Tahu's simulator)", SPB_UINT8, false, 0x7FFF, 255, true },
    { "UInt8 negative (the TCK's simulator)", SPB_UINT8, false, 0xFFFFFFFF, 255, true },
    { "UInt8 as long", SPB_UINT8, true, 7, 7, false },
    { "UInt16 beyond", SPB_UINT16, false, 0x10001, 1, true },
    { "UInt32 in int_value (specification)", SPB_UINT32, false, 0xFFFFFFFF, 0xFFFFFFFF, false },
    { "UInt32 in long_value (Tahu, Ignition)", SPB_UINT32, true, 0xFFFFFFFF, 0xFFFFFFFF, false },
    { "UInt32 beyond", SPB_UINT32, true, 0x1FFFFFFFF, 0xFFFFFFFF, true },
    { "UInt64 max", SPB_UINT64, true, UINT64_MAX, -1, false },
    { "UInt64 in int_value", SPB_UINT64, false, 5, 5, false },
    { "DateTime", SPB_DATETIME, true, 1700000000000, 1700000000000, false },
    { "DateTime before 1970", SPB_DATETIME, true, (uint64_t)-5, -5, false },
    { "DateTime in int_value", SPB_DATETIME, false, 5, 5, false },
};

static void integers_are_read_as_producers_send_them(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(integers); i++) {
        spb_value v = { 0 };
        spb_metric m = integers[i].is_long ? long_metric(integers[i].raw) : int_metric((uint32_t)integers[i].raw);
        CHECK_ROW(integers[i].what, spb_metric_value(&m, integers[i].type, NULL, &v, NULL) == PT_OK);
        CHECK_ROW(integers[i].what, v.type == integers[i].type && !v.is_null && v.clamped == integers[i].clamped);
        CHECK_ROW(integers[i].what, spb_datatype_class(v.type) == SPB_CLASS_SIGNED ? v.as.i64 == integers[i].want
                                                                                   : v.as.u64 == (uint64_t)integers[i].want);
    }
}

static void floats_take_either_field(void)
{
    spb_value v;
    spb_metric f = { .wire = SPB_WIRE_FLOAT, .value.f32 = 1.5f }, d = { .wire = SPB_WIRE_DOUBLE, .value.f64 = 0.1 };
    CHECK_OK(spb_metric_value(&f, SPB_FLOAT, NULL, &v, NULL));
    CHECK(v.as.f32 == 1.5f);
    CHECK_OK(spb_metric_value(&f, SPB_DOUBLE, NULL, &v, NULL));
    CHECK(v.as.f64 == 1.5);
    CHECK_OK(spb_metric_value(&d, SPB_FLOAT, NULL, &v, NULL));
    CHECK(v.as.f32 == 0.1f);
    static const struct {
        double in;
        float out;
    } narrow[] = { { 1e300, INFINITY }, { -1e300, -INFINITY }, { FLT_MAX, FLT_MAX }, { 3.40282350e38, FLT_MAX }, { -3.40282350e38, -FLT_MAX },
                   { 3.4028236e38, INFINITY }, { INFINITY, INFINITY }, { 1e-300, 0 } };
    for (size_t i = 0; i < PT_COUNT_OF(narrow); i++) {
        d.value.f64 = narrow[i].in;
        CHECK_OK(spb_metric_value(&d, SPB_FLOAT, NULL, &v, NULL));
        CHECK(v.as.f32 == narrow[i].out);
    }
    d.value.f64 = NAN;
    CHECK_OK(spb_metric_value(&d, SPB_FLOAT, NULL, &v, NULL));
    CHECK(isnan(v.as.f32));
}

static void a_field_that_does_not_fit_its_type_is_refused(void)
{
    static const struct {
        uint32_t type;
        uint8_t wire;
    } rows[] = {
        { SPB_DOUBLE, SPB_WIRE_STRING }, { SPB_FLOAT, SPB_WIRE_INT }, { SPB_INT32, SPB_WIRE_DOUBLE }, { SPB_INT32, SPB_WIRE_BOOL },
        { SPB_BOOLEAN, SPB_WIRE_INT }, { SPB_STRING, SPB_WIRE_BYTES }, { SPB_BYTES, SPB_WIRE_STRING }, { SPB_UUID, SPB_WIRE_LONG },
        { SPB_INT8_ARRAY, SPB_WIRE_STRING }, { SPB_DATASET, SPB_WIRE_BYTES }, { SPB_TEMPLATE, SPB_WIRE_STRING },
        { SPB_INT32, SPB_WIRE_EXTENSION }, { SPB_PROPERTYSET, SPB_WIRE_PROPERTYSET }, { SPB_UNKNOWN, SPB_WIRE_INT }, { 35, SPB_WIRE_INT },
    };
    pt_arena arena;
    pt_arena_init(&arena, 4096);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        spb_value v = { .type = 99 };
        pt_error err = { 0 };
        spb_metric m = { .wire = rows[i].wire };
        CHECK_ROW(spb_datatype_name(rows[i].type), spb_metric_value(&m, rows[i].type, &arena, &v, &err) == PT_EMALFORMED);
        CHECK(v.type == 99 && err.text[0]);
    }
    pt_arena_fini(&arena);
}

static void null_wins_and_a_missing_value_is_null(void)
{
    spb_value v = { 0 };
    spb_metric both = { .flags = SPB_HAS_NULL | SPB_IS_NULL, .wire = SPB_WIRE_STRING, .value.bytes = PT_LIT("x") };
    spb_metric neither = { 0 }, not_null = { .flags = SPB_HAS_NULL, .wire = SPB_WIRE_INT, .value.u32 = 5 };
    CHECK_OK(spb_metric_value(&both, SPB_DOUBLE, NULL, &v, NULL)); /* not even the mismatch is looked at */
    CHECK(v.is_null && v.type == SPB_DOUBLE);
    CHECK_OK(spb_metric_value(&neither, SPB_TEMPLATE, NULL, &v, NULL));
    CHECK(v.is_null && v.type == SPB_TEMPLATE);
    CHECK_OK(spb_metric_value(&not_null, SPB_INT32, NULL, &v, NULL));
    CHECK(!v.is_null && v.as.i64 == 5);
    CHECK_STATUS(spb_metric_value(&neither, SPB_UNKNOWN, NULL, &v, NULL), PT_EMALFORMED);
}

/* The field the specification names for each type; then back. */
static void values_go_into_the_field_of_their_type_and_back(void)
{
    const struct {
        spb_value v;
        uint8_t wire;
        uint64_t raw;
    } rows[] = {
        { { .type = SPB_INT8, .as.i64 = -42 }, SPB_WIRE_INT, 0xFFFFFFD6 },
        { { .type = SPB_INT16, .as.i64 = -30000 }, SPB_WIRE_INT, 0xFFFF8AD0 },
        { { .type = SPB_INT32, .as.i64 = -1 }, SPB_WIRE_INT, 0xFFFFFFFF },
        { { .type = SPB_INT64, .as.i64 = -1 }, SPB_WIRE_LONG, UINT64_MAX },
        { { .type = SPB_UINT8, .as.u64 = 200 }, SPB_WIRE_INT, 200 },
        { { .type = SPB_UINT16, .as.u64 = 65535 }, SPB_WIRE_INT, 65535 },
        { { .type = SPB_UINT32, .as.u64 = UINT32_MAX }, SPB_WIRE_INT, UINT32_MAX },
        { { .type = SPB_UINT64, .as.u64 = UINT64_MAX }, SPB_WIRE_LONG, UINT64_MAX },
        { { .type = SPB_DATETIME, .as.u64 = 1700000000000 }, SPB_WIRE_LONG, 1700000000000 },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        spb_metric m = { 0 };
        spb_value back;
        CHECK_OK(spb_metric_set_value(&m, &rows[i].v, false));
        CHECK_ROW(spb_datatype_name(rows[i].v.type), m.wire == rows[i].wire);
        CHECK_ROW(spb_datatype_name(rows[i].v.type), (m.wire == SPB_WIRE_INT ? m.value.u32 : m.value.u64) == rows[i].raw);
        CHECK_OK(spb_metric_value(&m, rows[i].v.type, NULL, &back, NULL));
        CHECK(spb_value_equal(&back, &rows[i].v) && !back.clamped);
    }
    spb_metric m = { 0 };
    spb_value u32 = { .type = SPB_UINT32, .as.u64 = 7 }, back;
    CHECK_OK(spb_metric_set_value(&m, &u32, true)); /* uint32_encoding: long */
    CHECK(m.wire == SPB_WIRE_LONG && m.value.u64 == 7);
    spb_value others[] = { { .type = SPB_FLOAT, .as.f32 = 1.5f }, { .type = SPB_DOUBLE, .as.f64 = 2.5 },
                           { .type = SPB_BOOLEAN, .as.boolean = true }, { .type = SPB_STRING, .as.bytes = PT_LIT("s") },
                           { .type = SPB_TEXT, .as.bytes = PT_LIT("") }, { .type = SPB_UUID, .as.bytes = PT_LIT("u") },
                           { .type = SPB_BYTES, .as.bytes = PT_LIT("\0\1") }, { .type = SPB_FILE, .as.bytes = PT_LIT("f") },
                           { .type = SPB_INT16_ARRAY, .as.bytes = PT_LIT("abcd") } };
    for (size_t i = 0; i < PT_COUNT_OF(others); i++) {
        CHECK_OK(spb_metric_set_value(&m, &others[i], false));
        CHECK_OK(spb_metric_value(&m, others[i].type, NULL, &back, NULL));
        CHECK_ROW(spb_datatype_name(others[i].type), spb_value_equal(&back, &others[i]));
    }
    spb_value null = { .type = SPB_INT32, .is_null = true }, doc = { .type = SPB_DATASET }, none = { .type = SPB_PROPERTYSET };
    CHECK_OK(spb_metric_set_value(&m, &null, false));
    CHECK((m.flags & SPB_IS_NULL) && m.wire == SPB_WIRE_NONE);
    CHECK_OK(spb_metric_set_value(&m, &u32, false));
    CHECK(!(m.flags & (SPB_IS_NULL | SPB_HAS_NULL)));
    CHECK_STATUS(spb_metric_set_value(&m, &doc, false), PT_EUNSUPPORTED);
    CHECK_STATUS(spb_metric_set_value(&m, &none, false), PT_EINVAL);
}

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

static const struct {
    uint32_t type;
    const char *text;
    pt_status want;
    const char *back; /* spb_value_text of it */
} parses[] = {
    { SPB_INT8, "127", PT_OK, "127" }, { SPB_INT8, "128", PT_ETOOBIG, NULL }, { SPB_INT8, "-128", PT_OK, "-128" },
    { SPB_INT8, "-129", PT_ETOOBIG, NULL }, { SPB_INT8, "1.0", PT_EMALFORMED, NULL }, { SPB_INT8, "", PT_EMALFORMED, NULL },
    { SPB_INT8, "-", PT_EMALFORMED, NULL }, { SPB_INT8, "+1", PT_EMALFORMED, NULL }, { SPB_INT8, "1e1", PT_EMALFORMED, NULL },
    { SPB_INT8, " 1", PT_EMALFORMED, NULL }, { SPB_INT16, "-32768", PT_OK, "-32768" }, { SPB_INT16, "32768", PT_ETOOBIG, NULL },
    { SPB_INT32, "2147483647", PT_OK, "2147483647" }, { SPB_INT32, "2147483648", PT_ETOOBIG, NULL },
    { SPB_INT64, "-9223372036854775808", PT_OK, "-9223372036854775808" }, { SPB_INT64, "9223372036854775808", PT_ETOOBIG, NULL },
    { SPB_INT64, "99999999999999999999999", PT_ETOOBIG, NULL }, { SPB_UINT8, "255", PT_OK, "255" }, { SPB_UINT8, "256", PT_ETOOBIG, NULL },
    { SPB_UINT8, "-1", PT_ETOOBIG, NULL }, { SPB_UINT16, "65536", PT_ETOOBIG, NULL }, { SPB_UINT32, "4294967295", PT_OK, "4294967295" },
    { SPB_UINT32, "4294967296", PT_ETOOBIG, NULL }, { SPB_UINT64, "18446744073709551615", PT_OK, "18446744073709551615" },
    { SPB_UINT64, "18446744073709551616", PT_ETOOBIG, NULL }, { SPB_UINT64, "0x10", PT_EMALFORMED, NULL },
    { SPB_FLOAT, "0.1", PT_OK, "0.1" }, { SPB_FLOAT, "1e39", PT_ETOOBIG, NULL }, { SPB_FLOAT, "-1e39", PT_ETOOBIG, NULL },
    { SPB_FLOAT, "Infinity", PT_OK, "Infinity" }, { SPB_FLOAT, "-inf", PT_OK, "-Infinity" }, { SPB_FLOAT, "nan", PT_OK, "NaN" },
    { SPB_FLOAT, "16777217", PT_OK, "16777216" }, { SPB_DOUBLE, "1e400", PT_ETOOBIG, NULL }, { SPB_DOUBLE, "1e308", PT_OK, "1e+308" },
    { SPB_DOUBLE, "0x1p3", PT_EMALFORMED, NULL }, { SPB_DOUBLE, "1,5", PT_EMALFORMED, NULL }, { SPB_DOUBLE, "", PT_EMALFORMED, NULL },
    { SPB_BOOLEAN, "true", PT_OK, "true" }, { SPB_BOOLEAN, "0", PT_OK, "false" }, { SPB_BOOLEAN, "1", PT_OK, "true" },
    { SPB_BOOLEAN, "false", PT_OK, "false" }, { SPB_BOOLEAN, "TRUE", PT_EMALFORMED, NULL }, { SPB_BOOLEAN, "2", PT_EMALFORMED, NULL },
    { SPB_BOOLEAN, "", PT_EMALFORMED, NULL }, { SPB_STRING, "", PT_OK, "" }, { SPB_STRING, " a b ", PT_OK, " a b " },
    { SPB_STRING, "\xC3(", PT_EMALFORMED, NULL }, { SPB_TEXT, "null", PT_OK, "null" },
    { SPB_DATETIME, "1700000000000", PT_OK, "1700000000000" }, { SPB_DATETIME, "2023-11-14T22:13:20Z", PT_OK, "1700000000000" },
    { SPB_DATETIME, "1969-01-01T00:00:00Z", PT_ETOOBIG, NULL }, { SPB_DATETIME, "now", PT_EMALFORMED, NULL }, { SPB_DATETIME, "2023-13-01", PT_EMALFORMED, NULL },
    { SPB_UUID, "123e4567-e89b-12d3-a456-426614174000", PT_OK, "123e4567-e89b-12d3-a456-426614174000" },
    { SPB_UUID, "123e4567", PT_EMALFORMED, NULL }, { SPB_UUID, "123e4567_e89b-12d3-a456-426614174000", PT_EMALFORMED, NULL },
    { SPB_BYTES, "AA==", PT_EUNSUPPORTED, NULL }, { SPB_INT8_ARRAY, "[1]", PT_EUNSUPPORTED, NULL }, { SPB_TEMPLATE, "{}", PT_EUNSUPPORTED, NULL },
    { SPB_UNKNOWN, "1", PT_EMALFORMED, NULL }, { SPB_PROPERTYSET, "1", PT_EMALFORMED, NULL },
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

static void values_are_equal_by_type_and_bits(void)
{
    spb_value a = { .type = SPB_DOUBLE, .as.f64 = NAN }, b = a, z = { .type = SPB_DOUBLE, .as.f64 = 0.0 }, mz = { .type = SPB_DOUBLE, .as.f64 = -0.0 };
    spb_value i = { .type = SPB_INT32, .as.i64 = 5 }, l = { .type = SPB_INT64, .as.i64 = 5 };
    spb_value n = { .type = SPB_INT32, .is_null = true, .as.i64 = 1 }, n2 = { .type = SPB_INT32, .is_null = true };
    spb_value s = { .type = SPB_STRING, .as.bytes = PT_LIT("x") }, t = { .type = SPB_STRING, .as.bytes = PT_LIT("y") };
    CHECK(spb_value_equal(&a, &b));
    CHECK(!spb_value_equal(&z, &mz) && !spb_value_equal(&i, &l) && !spb_value_equal(&i, &n) && !spb_value_equal(&s, &t));
    CHECK(spb_value_equal(&n, &n2) && spb_value_equal(&i, &i) && spb_value_equal(&s, &s));
    spb_value f = { .type = SPB_FLOAT, .as.f32 = 1 }, u = { .type = SPB_UINT8, .as.u64 = 1 }, yes = { .type = SPB_BOOLEAN, .as.boolean = true };
    CHECK(spb_value_equal(&f, &f) && spb_value_equal(&u, &u) && spb_value_equal(&yes, &yes));
}

static void numbers_come_from_numeric_types_only(void)
{
    const struct {
        spb_value v;
        bool is;
        double want;
    } rows[] = {
        { { .type = SPB_INT16, .as.i64 = -3 }, true, -3 }, { { .type = SPB_UINT64, .as.u64 = 1u << 31 }, true, 2147483648.0 },
        { { .type = SPB_FLOAT, .as.f32 = 0.5f }, true, 0.5 }, { { .type = SPB_DOUBLE, .as.f64 = 1e300 }, true, 1e300 },
        { { .type = SPB_BOOLEAN, .as.boolean = true }, true, 1 }, { { .type = SPB_DATETIME, .as.u64 = 7 }, true, 7 },
        { { .type = SPB_INT16, .is_null = true }, false, 0 }, { { .type = SPB_STRING, .as.bytes = PT_LIT("5") }, false, 0 },
        { { .type = SPB_INT8_ARRAY, .as.bytes = PT_LIT("5") }, false, 0 }, { { .type = SPB_DATASET }, false, 0 }, { { .type = SPB_BYTES }, false, 0 },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        double d = 0;
        CHECK(spb_value_number(&rows[i].v, &d) == rows[i].is);
        CHECK(d == rows[i].want);
    }
}

static void quality_is_read_from_its_property(void)
{
    const struct {
        const char *what;
        spb_property p;
        spb_quality want;
    } rows[] = {
        { "tck-id-payloads-propertyset-quality-value-value", { .key = PT_LIT("Quality"), .type = 3, .wire = SPB_WIRE_INT, .value.u32 = 192 }, SPB_GOOD },
        { "tck-id-payloads-propertyset-quality-value-value", { .key = PT_LIT("Quality"), .type = 3, .wire = SPB_WIRE_INT, .value.u32 = 0 }, SPB_BAD },
        { "tck-id-payloads-propertyset-quality-value-value", { .key = PT_LIT("Quality"), .type = 3, .wire = SPB_WIRE_INT, .value.u32 = 500 }, SPB_STALE },
        { "another code", { .key = PT_LIT("Quality"), .type = 3, .wire = SPB_WIRE_INT, .value.u32 = 193 }, SPB_BAD },
        { "Int64 (other producers)", { .key = PT_LIT("Quality"), .type = 4, .wire = SPB_WIRE_LONG, .value.u64 = 192 }, SPB_GOOD },
        { "text", { .key = PT_LIT("Quality"), .type = 12, .wire = SPB_WIRE_STRING, .value.bytes = PT_LIT("GOOD") }, SPB_BAD },
        { "null", { .key = PT_LIT("Quality"), .type = 3, .is_null = true, .wire = SPB_WIRE_INT, .value.u32 = 192 }, SPB_BAD },
        { "another key", { .key = PT_LIT("quality"), .type = 3, .wire = SPB_WIRE_INT, .value.u32 = 0 }, SPB_GOOD },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        spb_property items[2] = { { .key = PT_LIT("engUnit") }, rows[i].p };
        spb_property_set set = { items, 2, false };
        spb_metric m = { .properties = &set };
        CHECK_ROW(rows[i].what, spb_metric_quality(&m) == rows[i].want);
    }
    spb_metric plain = { 0 };
    CHECK(spb_metric_quality(&plain) == SPB_GOOD);
    CHECK(spb_quality_letter(SPB_UNCERTAIN) == 'U' && spb_quality_letter(SPB_STALE) == 'S');
    CHECK_STR(pt_cstr(spb_quality_name(SPB_BAD)), "BAD");
}

static void properties_are_values_too(void)
{
    spb_property unit = { .key = PT_LIT("engUnit"), .has_type = true, .type = SPB_STRING, .wire = SPB_WIRE_STRING, .value.bytes = PT_LIT("m") };
    spb_property untyped = { .wire = SPB_WIRE_DOUBLE, .value.f64 = 5 }, set = { .has_type = true, .type = SPB_PROPERTYSET, .wire = SPB_WIRE_PROPERTYSET };
    spb_property null = { .has_type = true, .type = SPB_INT32, .is_null = true, .wire = SPB_WIRE_INT };
    spb_property array = { .has_type = true, .type = SPB_INT8_ARRAY, .wire = SPB_WIRE_INT };
    spb_value v;
    CHECK_OK(spb_property_value(&unit, SPB_INT32, &v, NULL)); /* its own type wins */
    CHECK_STR(v.as.bytes, "m");
    CHECK_OK(spb_property_value(&untyped, SPB_FLOAT, &v, NULL)); /* the birth's, when DATA leaves it out */
    CHECK(v.type == SPB_FLOAT && v.as.f32 == 5);
    CHECK_OK(spb_property_value(&untyped, 0, &v, NULL));
    CHECK(v.type == SPB_DOUBLE);
    CHECK_OK(spb_property_value(&null, 0, &v, NULL));
    CHECK(v.is_null);
    CHECK_STATUS(spb_property_value(&set, 0, &v, NULL), PT_EUNSUPPORTED);
    CHECK_ROW("tck-id-payloads-metric-propertyvalue-type-value", spb_property_value(&array, 0, &v, NULL) == PT_EMALFORMED);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(integers_are_read_as_producers_send_them),
        PT_TEST(floats_take_either_field),
        PT_TEST(a_field_that_does_not_fit_its_type_is_refused),
        PT_TEST(null_wins_and_a_missing_value_is_null),
        PT_TEST(values_go_into_the_field_of_their_type_and_back),
        PT_TEST(values_have_a_json_and_a_text_form),
        PT_TEST(operators_text_is_taken_exactly_or_refused),
        PT_TEST(values_are_equal_by_type_and_bits),
        PT_TEST(numbers_come_from_numeric_types_only),
        PT_TEST(quality_is_read_from_its_property),
        PT_TEST(properties_are_values_too),
    };
    return pt_test_main("sparkplug/value", tests, PT_COUNT_OF(tests), argc, argv);
}
