/* tests/sparkplug/array_test.c */
#include "sparkplug/value.h"
#include "tests/support/check.h"

static spb_value i(uint32_t type, int64_t v)
{
    return (spb_value){ .type = (uint8_t)type, .as.i64 = v };
}
static spb_value u(uint32_t type, uint64_t v)
{
    return (spb_value){ .type = (uint8_t)type, .as.u64 = v };
}
static spb_value f(float v)
{
    return (spb_value){ .type = SPB_FLOAT, .as.f32 = v };
}
static spb_value d(double v)
{
    return (spb_value){ .type = SPB_DOUBLE, .as.f64 = v };
}
static spb_value b(bool v)
{
    return (spb_value){ .type = SPB_BOOLEAN, .as.boolean = v };
}
static spb_value s(const char *v)
{
    return (spb_value){ .type = SPB_STRING, .as.bytes = pt_cstr(v) };
}

/* The right bytes; the specification's own examples of Int8, Float, Double and DateTime are wrong. */
static void arrays_are_packed_little_endian_byte_for_byte(void)
{
    const struct {
        uint32_t type;
        const char *hex;
        uint32_t n;
        spb_value v[12];
    } rows[] = {
        { SPB_INT8_ARRAY, "e9 7b", 2, { i(SPB_INT8, -23), i(SPB_INT8, 123) } },
        { SPB_INT16_ARRAY, "d0 8a 30 75", 2, { i(SPB_INT16, -30000), i(SPB_INT16, 30000) } },
        { SPB_INT32_ARRAY, "ff ff ff ff fa af cb 12", 2, { i(SPB_INT32, -1), i(SPB_INT32, 315338746) } },
        { SPB_INT64_ARRAY,
          "ce 06 72 ac 18 9c ba c4 c4 ba 9c 18 ac 72 06 ce",
          2,
          { i(SPB_INT64, -4270929666821191986), i(SPB_INT64, -3601064768563266876) } },
        { SPB_UINT8_ARRAY, "17 fa", 2, { u(SPB_UINT8, 23), u(SPB_UINT8, 250) } },
        { SPB_UINT16_ARRAY, "1e 00 88 cc", 2, { u(SPB_UINT16, 30), u(SPB_UINT16, 52360) } },
        { SPB_UINT32_ARRAY, "34 00 00 00 49 fb 55 c4", 2, { u(SPB_UINT32, 52), u(SPB_UINT32, 3293969225) } },
        { SPB_UINT64_ARRAY,
          "34 00 00 00 00 00 00 00 d9 9e 02 d1 b2 76 37 e4",
          2,
          { u(SPB_UINT64, 52), u(SPB_UINT64, 16444743074749521625u) } },
        { SPB_FLOAT_ARRAY, "a4 70 9d 3f 98 ae b2 42", 2, { f(1.23f), f(89.341f) } },
        { SPB_DOUBLE_ARRAY, "d7 a2 05 68 5b b5 28 40 8e 17 1c 6f 4c f7 8f 40", 2, { d(12.354213), d(1022.9123213) } },
        { SPB_BOOLEAN_ARRAY,
          "0c 00 00 00 34 d0",
          12,
          { b(false), b(false), b(true), b(true), b(false), b(true), b(false), b(false), b(true), b(true), b(false), b(true) } },
        { SPB_STRING_ARRAY, "41 42 43 00 68 65 6c 6c 6f 00", 2, { s("ABC"), s("hello") } },
        { SPB_DATETIME_ARRAY,
          "c7 d0 90 75 24 01 00 00 b8 ba b8 97 81 01 00 00",
          2,
          { u(SPB_DATETIME, 1256102875335), u(SPB_DATETIME, 1656107875000) } },
        { SPB_BOOLEAN_ARRAY, "00 00 00 00", 0, { b(false) } },
        { SPB_STRING_ARRAY, "", 0, { b(false) } },
        { SPB_STRING_ARRAY, "00 00", 2, { s(""), s("") } },
        { SPB_DOUBLE_ARRAY, "", 0, { b(false) } },
        { SPB_BOOLEAN_ARRAY, "08 00 00 00 80", 8, { b(true), b(false), b(false), b(false), b(false), b(false), b(false), b(false) } },
    };
    for (size_t k = 0; k < PT_COUNT_OF(rows); k++) {
        char bytes[64];
        pt_buf out;
        uint32_t n = 99;
        size_t at = 0;
        spb_value e;
        pt_slice in = pt_unhex(rows[k].hex, bytes, sizeof bytes);
        pt_buf_init(&out, 64);
        CHECK_OK(spb_array_encode(rows[k].type, rows[k].v, rows[k].n, &out));
        CHECK_HEX(pt_buf_view(&out), rows[k].hex);
        CHECK_OK(spb_array_count(rows[k].type, in, &n, NULL));
        CHECK_ROW(spb_datatype_name(rows[k].type), n == rows[k].n);
        for (n = 0; spb_array_next(rows[k].type, in, &at, &e); n++)
            CHECK_ROW(spb_datatype_name(rows[k].type), n < rows[k].n && spb_value_equal(&e, &rows[k].v[n]));
        CHECK_INT(n, rows[k].n);
        pt_buf_fini(&out);
    }
}

static void a_wrong_length_is_malformed(void)
{
    static const struct {
        uint32_t type;
        const char *hex;
    } rows[] = {
        { SPB_INT16_ARRAY, "00" },
        { SPB_UINT16_ARRAY, "000000" },
        { SPB_INT32_ARRAY, "0000" },
        { SPB_FLOAT_ARRAY, "0000000000" },
        { SPB_INT64_ARRAY, "00000000" },
        { SPB_DOUBLE_ARRAY, "00" },
        { SPB_DATETIME_ARRAY, "000000000000000000" },
        { SPB_BOOLEAN_ARRAY, "" },
        { SPB_BOOLEAN_ARRAY, "000000" },
        { SPB_BOOLEAN_ARRAY, "01000000" },
        { SPB_BOOLEAN_ARRAY, "0000000000" },
        { SPB_BOOLEAN_ARRAY, "09000000ff" },
        { SPB_BOOLEAN_ARRAY, "08000000ffff" },
        { SPB_BOOLEAN_ARRAY, "ffffffff00" },
    };
    for (size_t k = 0; k < PT_COUNT_OF(rows); k++) {
        char bytes[16];
        uint32_t n = 7;
        spb_value v;
        pt_slice in = pt_unhex(rows[k].hex, bytes, sizeof bytes);
        spb_metric m = { .wire = SPB_WIRE_BYTES, .value.bytes = in };
        CHECK_ROW(rows[k].hex, spb_array_count(rows[k].type, in, &n, NULL) == PT_EMALFORMED && n == 7);
        CHECK_ROW(rows[k].hex, spb_metric_value(&m, rows[k].type, NULL, &v, NULL) == PT_EMALFORMED);
        size_t at = 0;
        while (spb_array_next(rows[k].type, in, &at, &v)) {} /* an unchecked one ends, within its bytes */
    }
}

static void a_last_string_may_lack_its_nul(void)
{
    pt_slice in = PT_LIT("a\0\0bc");
    uint32_t n = 0;
    size_t at = 0;
    spb_value e;
    CHECK_OK(spb_array_count(SPB_STRING_ARRAY, in, &n, NULL));
    CHECK_INT(n, 3);
    CHECK(spb_array_next(SPB_STRING_ARRAY, in, &at, &e) && pt_slice_eq_cstr(e.as.bytes, "a"));
    CHECK(spb_array_next(SPB_STRING_ARRAY, in, &at, &e) && pt_slice_eq_cstr(e.as.bytes, ""));
    CHECK(spb_array_next(SPB_STRING_ARRAY, in, &at, &e) && pt_slice_eq_cstr(e.as.bytes, "bc"));
    CHECK(!spb_array_next(SPB_STRING_ARRAY, in, &at, &e));
}

static void what_an_array_cannot_hold_is_not_encoded(void)
{
    pt_buf out;
    uint32_t n;
    pt_buf_init(&out, 8);
    spb_value null = { .type = SPB_INT8, .is_null = true }, nul = { .type = SPB_STRING, .as.bytes = PT_LIT("a\0b") },
              wide = i(SPB_INT16, 5);
    CHECK_STATUS(spb_array_encode(SPB_INT8_ARRAY, &null, 1, &out), PT_EINVAL);
    CHECK_STATUS(spb_array_encode(SPB_STRING_ARRAY, &nul, 1, &out), PT_EINVAL);
    CHECK_STATUS(spb_array_encode(SPB_INT8_ARRAY, &wide, 1, &out), PT_EINVAL);
    CHECK_STATUS(spb_array_encode(SPB_INT8, &wide, 1, &out), PT_EINVAL);
    CHECK_STATUS(spb_array_count(SPB_INT8, PT_LIT(""), &n, NULL), PT_EINVAL);
    spb_value two[2] = { d(1), d(2) };
    CHECK_STATUS(spb_array_encode(SPB_DOUBLE_ARRAY, two, 2, &out), PT_ETOOBIG);
    pt_buf_fini(&out);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(arrays_are_packed_little_endian_byte_for_byte),
        PT_TEST(a_wrong_length_is_malformed),
        PT_TEST(a_last_string_may_lack_its_nul),
        PT_TEST(what_an_array_cannot_hold_is_not_encoded),
    };
    return pt_test_main("sparkplug/array", tests, PT_COUNT_OF(tests), argc, argv);
}
