/* tests/sparkplug/value_read_test.c -- from the wire field to the typed value, liberally, and back, strictly. */
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
        CHECK_ROW(integers[i].what,
                  spb_datatype_class(v.type) == SPB_CLASS_SIGNED ? v.as.i64 == integers[i].want : v.as.u64 == (uint64_t)integers[i].want);
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
    } narrow[] = { { 1e300, INFINITY },          { -1e300, -INFINITY },      { FLT_MAX, FLT_MAX },   { 3.40282350e38, FLT_MAX },
                   { -3.40282350e38, -FLT_MAX }, { 3.4028236e38, INFINITY }, { INFINITY, INFINITY }, { 1e-300, 0 } };
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
        { SPB_DOUBLE, SPB_WIRE_STRING },
        { SPB_FLOAT, SPB_WIRE_INT },
        { SPB_INT32, SPB_WIRE_DOUBLE },
        { SPB_INT32, SPB_WIRE_BOOL },
        { SPB_BOOLEAN, SPB_WIRE_INT },
        { SPB_STRING, SPB_WIRE_BYTES },
        { SPB_BYTES, SPB_WIRE_STRING },
        { SPB_UUID, SPB_WIRE_LONG },
        { SPB_INT8_ARRAY, SPB_WIRE_STRING },
        { SPB_DATASET, SPB_WIRE_BYTES },
        { SPB_TEMPLATE, SPB_WIRE_STRING },
        { SPB_INT32, SPB_WIRE_EXTENSION },
        { SPB_PROPERTYSET, SPB_WIRE_PROPERTYSET },
        { SPB_UNKNOWN, SPB_WIRE_INT },
        { 35, SPB_WIRE_INT },
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
    spb_value others[] = { { .type = SPB_FLOAT, .as.f32 = 1.5f },
                           { .type = SPB_DOUBLE, .as.f64 = 2.5 },
                           { .type = SPB_BOOLEAN, .as.boolean = true },
                           { .type = SPB_STRING, .as.bytes = PT_LIT("s") },
                           { .type = SPB_TEXT, .as.bytes = PT_LIT("") },
                           { .type = SPB_UUID, .as.bytes = PT_LIT("u") },
                           { .type = SPB_BYTES, .as.bytes = PT_LIT("\0\1") },
                           { .type = SPB_FILE, .as.bytes = PT_LIT("f") },
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

static void properties_are_values_too(void)
{
    spb_property unit = {
        .key = PT_LIT("engUnit"), .has_type = true, .type = SPB_STRING, .wire = SPB_WIRE_STRING, .value.bytes = PT_LIT("m")
    };
    spb_property untyped = { .wire = SPB_WIRE_DOUBLE, .value.f64 = 5 },
                 set = { .has_type = true, .type = SPB_PROPERTYSET, .wire = SPB_WIRE_PROPERTYSET };
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

static void a_document_that_does_not_fit_the_arena_is_no_memory(void)
{
    spb_cell cell = { SPB_WIRE_STRING, { .bytes = PT_LIT("a long text that needs room in the document") } }, *row = &cell;
    pt_slice column = PT_LIT("c");
    uint32_t type = SPB_STRING, cells = 1;
    spb_dataset ds = { .has_num_of_columns = true,
                       .num_of_columns = 1,
                       .columns = &column,
                       .types = &type,
                       .n_columns = 1,
                       .n_types = 1,
                       .n_rows = 1,
                       .rows = &row,
                       .row_cells = &cells };
    spb_metric m = { .wire = SPB_WIRE_DATASET, .value.dataset = &ds };
    spb_value v = { .type = 99 };
    pt_error err = { 0 };
    pt_arena arena;
    pt_arena_init(&arena, 40);
    CHECK_STATUS(spb_metric_value(&m, SPB_DATASET, &arena, &v, &err), PT_ENOMEM);
    CHECK(v.type == 99 && strstr(err.text, "DataSet cannot be made a document"));
    pt_arena_fini(&arena);
    pt_arena_init(&arena, 4096);
    CHECK_OK(spb_metric_value(&m, SPB_DATASET, &arena, &v, &err));
    CHECK_STR(v.as.bytes, "{\"columns\":[\"c\"],\"types\":[\"String\"],\"rows\":[[\"a long text that needs room in the document\"]]}");
    cells = 2; /* a row longer than its columns */
    CHECK_STATUS(spb_metric_value(&m, SPB_DATASET, &arena, &v, &err), PT_EMALFORMED);
    pt_arena_fini(&arena);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(integers_are_read_as_producers_send_them),
        PT_TEST(floats_take_either_field),
        PT_TEST(a_field_that_does_not_fit_its_type_is_refused),
        PT_TEST(null_wins_and_a_missing_value_is_null),
        PT_TEST(values_go_into_the_field_of_their_type_and_back),
        PT_TEST(properties_are_values_too),
        PT_TEST(a_document_that_does_not_fit_the_arena_is_no_memory),
    };
    return pt_test_main("sparkplug/value_read", tests, PT_COUNT_OF(tests), argc, argv);
}
