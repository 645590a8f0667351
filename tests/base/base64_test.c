/* tests/base/base64_test.c -- the vectors of RFC 4648, everything back again, and what is no base64. */
#include "base/base64.h"
#include "base/random.h"
#include "tests/support/check.h"

static void the_vectors_of_the_rfc_come_out_and_back(void)
{
    static const struct {
        const char *bytes, *text;
    } rows[] = { { "", "" },
                 { "f", "Zg==" },
                 { "fo", "Zm8=" },
                 { "foo", "Zm9v" },
                 { "foob", "Zm9vYg==" },
                 { "fooba", "Zm9vYmE=" },
                 { "foobar", "Zm9vYmFy" },
                 { "\xfb\xff\xfe", "+//+" } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_buf b;
        char to[32];
        size_t n = 99;
        pt_buf_init(&b, 100);
        pt_base64_add(&b, pt_cstr(rows[i].bytes));
        CHECK_STR(pt_buf_view(&b), rows[i].text);
        CHECK_ROW(rows[i].text, pt_base64_decode(pt_cstr(rows[i].text), to, &n));
        CHECK_STR(pt_slice_of(to, n), rows[i].bytes);
        pt_buf_fini(&b);
    }
}

static void all_bytes_of_all_lengths_come_back(void)
{
    pt_random rnd = pt_random_seed(1);
    for (size_t len = 0; len < 300; len++) {
        char bytes[300], to[303];
        size_t n = 0;
        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)pt_random_u64(&rnd);
        pt_buf b;
        pt_buf_init(&b, 1000);
        pt_base64_add(&b, pt_slice_of(bytes, len));
        CHECK_INT(b.len, (len + 2) / 3 * 4);
        CHECK(pt_base64_decode(pt_buf_view(&b), to, &n));
        CHECK(pt_slice_eq(pt_slice_of(to, n), pt_slice_of(bytes, len)));
        pt_buf_fini(&b);
    }
}

static void other_texts_are_refused(void)
{
    static const struct {
        const char *text;
        bool good;
    } rows[] = { { "Zg", true },    { "Zg===", true }, { "=", true },    { "Zh==", false },
                 { "Z g=", false }, { "Zg=a", false }, { "Zm-v", false } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char to[16];
        size_t n;
        CHECK_ROW(rows[i].text, pt_base64_decode(pt_cstr(rows[i].text), to, &n) == rows[i].good);
    }
}

static void a_full_buffer_says_so(void)
{
    pt_buf b;
    pt_buf_init(&b, 7);
    pt_base64_add(&b, PT_LIT("foobar"));
    CHECK_STATUS(pt_buf_status(&b), PT_ETOOBIG);
    pt_buf_fini(&b);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(the_vectors_of_the_rfc_come_out_and_back), PT_TEST(all_bytes_of_all_lengths_come_back),
                                     PT_TEST(other_texts_are_refused), PT_TEST(a_full_buffer_says_so) };
    return pt_test_main("base/base64", tests, PT_COUNT_OF(tests), argc, argv);
}
