/* tests/base/json_test.c */
#include "base/json.h"
#include "base/random.h"
#include "tests/support/check.h"
#include <stdio.h>

#include <math.h>
#include <stdlib.h>

static void documents_are_canonical(void)
{
    pt_buf b;
    pt_json j;
    pt_buf_init(&b, 4096);
    pt_json_init(&j, &b);
    pt_json_object(&j);
    pt_json_member_i64(&j, "a", INT64_MIN);
    pt_json_member_u64(&j, "b", UINT64_MAX);
    pt_json_member_bool(&j, "c", true);
    pt_json_member_null(&j, "d");
    pt_json_member_str(&j, "e", PT_NONE);
    pt_json_member_str(&j, "f", PT_LIT(""));
    pt_json_key(&j, "g");
    pt_json_array(&j);
    pt_json_array(&j);
    pt_json_end_array(&j);
    pt_json_object(&j);
    pt_json_end_object(&j);
    pt_json_raw(&j, PT_LIT("[1]"));
    pt_json_f64(&j, NAN);
    pt_json_f64(&j, -INFINITY);
    pt_json_f32(&j, 0.1f);
    pt_json_end_array(&j);
    pt_json_end_object(&j);
    CHECK_STR(pt_buf_view(&b), "{\"a\":-9223372036854775808,\"b\":18446744073709551615,\"c\":true,\"d\":null,\"e\":null,\"f\":\"\","
                               "\"g\":[[],{},[1],\"NaN\",\"-Infinity\",0.1]}");
    pt_buf_fini(&b);
}

static void strings_are_always_valid_json(void)
{
    static const struct {
        pt_slice in;
        const char *want;
    } rows[] = {
        { { "a\"b\\c/", 6 }, "\"a\\\"b\\\\c/\"" },
        { { "\n\t\r\b\0\x1f\x7f", 7 }, "\"\\n\\t\\r\\u0008\\u0000\\u001f\x7f\"" },
        { { "\xC3\xBC\xE2\x82\xAC\xF0\x9F\x8C\xB2", 9 }, "\"\xC3\xBC\xE2\x82\xAC\xF0\x9F\x8C\xB2\"" },
        { { "a\xFFz", 3 }, "\"a\xEF\xBF\xBDz\"" },
        { { "\xC3", 1 }, "\"\xEF\xBF\xBD\"" },
        { { "\xED\xA0\x80", 3 }, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"" },
        { { "\xC0\xAF", 2 }, "\"\xEF\xBF\xBD\xEF\xBF\xBD\"" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_buf b;
        pt_json j;
        pt_buf_init(&b, 4096);
        pt_json_init(&j, &b);
        pt_json_str(&j, rows[i].in);
        CHECK_STR(pt_buf_view(&b), rows[i].want);
        pt_buf_fini(&b);
    }
}

static void base64_is_padded(void)
{
    static const char *const want[] = { "\"\"", "\"Zg==\"", "\"Zm8=\"", "\"Zm9v\"", "\"Zm9vYg==\"", "\"Zm9vYmE=\"", "\"Zm9vYmFy\"" };
    for (size_t n = 0; n < PT_COUNT_OF(want); n++) {
        pt_buf b;
        pt_json j;
        pt_buf_init(&b, 100);
        pt_json_init(&j, &b);
        pt_json_base64(&j, pt_slice_of("foobar", n));
        CHECK_STR(pt_buf_view(&b), want[n]);
        pt_buf_fini(&b);
    }
}

static void doubles_have_their_shortest_text(void)
{
    static const struct {
        double v;
        const char *want;
    } rows[] = {
        { 0, "0" },
        { -0.0, "-0.0" },
        { 1, "1" },
        { -1, "-1" },
        { 1.5, "1.5" },
        { 0.1, "0.1" },
        { 0.3, "0.3" },
        { 0.0001, "0.0001" },
        { 0.00005, "5e-05" },
        { -99999999999.9999, "-99999999999.9999" },
        { 1e21, "1e+21" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 1e15, "1e+15" },
        { 999999999999999, "999999999999999" },
        { 1e22, "1e+22" },
        { 5e-324, "5e-324" },
        { 2.2250738585072014e-308, "2.2250738585072014e-308" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
        { 123456.789, "123456.789" },
        { 4e-7, "4e-07" },
        { 9007199254740993.0, "9007199254740992" },
        { 1e-320, "1e-320" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char out[32];
        CHECK_INT(pt_f64_text(rows[i].v, out), strlen(rows[i].want));
        CHECK_STR(pt_cstr(out), rows[i].want);
    }
}

static void floats_have_their_shortest_text(void)
{
    static const struct {
        float v;
        const char *want;
    } rows[] = {
        { 0.1f, "0.1" },
        { 16777216.f, "16777216" },
        { 16777215.f, "16777215" },
        { 1e10f, "1e+10" },
        { 1e14f, "1e+14" },
        { 33554436.f, "33554436" },
        { 3.4028235e38f, "3.4028235e+38" },
        { 1e-45f, "1e-45" },
        { -2.5f, "-2.5" },
        { 0.3f, "0.3" },
        { -0.f, "-0.0" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char out[32];
        pt_f32_text(rows[i].v, out);
        CHECK_STR(pt_cstr(out), rows[i].want);
    }
}

static void number_texts_read_back_bit_for_bit(void)
{
    pt_random r = pt_random_seed(42);
    int bad = 0;
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = pt_random_u64(&r);
        uint32_t bits32 = (uint32_t)pt_random_u64(&r);
        double d, back;
        float f, fback;
        char out[32];
        memcpy(&d, &bits, sizeof d);
        memcpy(&f, &bits32, sizeof f);
        if (i % 3 == 0) d = (double)(int64_t)(bits % 2000000) / 1000.0; /* what plants send */
        if (!isnan(d)) {
            pt_f64_text(d, out);
            back = strtod(out, NULL);
            bad += memcmp(&back, &d, sizeof d) != 0;
        }
        if (!isnan(f)) {
            pt_f32_text(f, out);
            fback = strtof(out, NULL);
            bad += memcmp(&fback, &f, sizeof f) != 0;
        }
    }
    CHECK_INT(bad, 0);
}

static void a_full_buffer_fails_once_and_for_all(void)
{
    pt_buf b;
    pt_json j;
    pt_buf_init(&b, 10);
    pt_json_init(&j, &b);
    pt_json_array(&j);
    for (int i = 0; i < 100; i++)
        pt_json_i64(&j, i);
    pt_json_end_array(&j);
    CHECK_STATUS(pt_buf_status(&b), PT_ETOOBIG);
    pt_buf_fini(&b);
}

/* The fast way must give what trying 15, 16 and 17 digits gives. */
static void ordinary_numbers_have_the_text_that_printf_finds(void)
{
    pt_random r = pt_random_seed(8);
    unsigned bad = 0;
    for (unsigned i = 0; i < 300000; i++) {
        double v = pow(10, pt_random_unit(&r) * 13 - 4);
        if (i % 4 == 1) v = (double)(int64_t)(v * 1000) / 1000;
        if (i % 4 == 2) v = (double)(float)v;
        if (i % 4 == 3) v = pow(10, (double)(i % 13) - 4) * (1 + (double)((int)(i / 13 % 9) - 4) * 0x1p-52); /* around powers of ten */
        if (i % 8 > 3 && v != 0) v = -v;
        char got[32], want[32];
        pt_f64_text(v, got);
        for (int digits = 15; digits <= 17; digits++) {
            snprintf(want, sizeof want, "%.*g", digits, v);
            if (strtod(want, NULL) == v) break;
        }
        bad += strcmp(got, want) != 0;
    }
    CHECK_INT(bad, 0);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(ordinary_numbers_have_the_text_that_printf_finds),
                                     PT_TEST(documents_are_canonical),
                                     PT_TEST(strings_are_always_valid_json),
                                     PT_TEST(base64_is_padded),
                                     PT_TEST(doubles_have_their_shortest_text),
                                     PT_TEST(floats_have_their_shortest_text),
                                     PT_TEST(number_texts_read_back_bit_for_bit),
                                     PT_TEST(a_full_buffer_fails_once_and_for_all) };
    return pt_test_main("base/json", tests, PT_COUNT_OF(tests), argc, argv);
}
