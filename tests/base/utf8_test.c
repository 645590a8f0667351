/* tests/base/utf8_test.c */
#include "base/utf8.h"
#include "tests/support/check.h"

static void every_code_point_is_known_and_nothing_else(void)
{
    int bad = 0;
    for (uint32_t c = 0; c < 0x112000; c++) {
        unsigned char s[4];
        size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        uint32_t code = 0;
        static const unsigned char first[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
        for (size_t i = n; i-- > 1;)
            s[i] = (unsigned char)(0x80 | (c >> (6 * (n - 1 - i)) & 0x3F));
        s[0] = (unsigned char)((first[n] | c >> (6 * (n - 1))) & 0xFF);
        bool good = c < 0xD800 || (c > 0xDFFF && c <= 0x10FFFF);
        size_t got = pt_utf8_next((const char *)s, n, &code);
        bad += good ? got != n || code != c : got != 0;
        bad += pt_utf8_valid(pt_slice_of(s, n)) != good;
        for (size_t cut = 1; cut < n; cut++)
            bad += pt_utf8_next((const char *)s, cut, NULL) != 0;
    }
    CHECK_INT(bad, 0);
}

static void overlong_forms_and_stray_bytes_are_refused(void)
{
    static const char *const rows[] = {
        "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",    "\xF5\x80\x80\x80", "\x80",
        "\xFE",     "\xFF",     "\xC3(",        "aaaaaaa\xFF",      "aaaaaaaaaaaaaaaa\xC3"
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++)
        CHECK_ROW(rows[i], !pt_utf8_valid(pt_cstr(rows[i])));
    CHECK(pt_utf8_valid(PT_NONE));
    CHECK(pt_utf8_valid(PT_LIT("aaaaaaa\xC3\xBC"
                               "aaaaaaaa")));
    CHECK_INT(pt_utf8_next("", 0, NULL), 0);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(every_code_point_is_known_and_nothing_else),
                                     PT_TEST(overlong_forms_and_stray_bytes_are_refused) };
    return pt_test_main("base/utf8", tests, PT_COUNT_OF(tests), argc, argv);
}
