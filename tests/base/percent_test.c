/* tests/base/percent_test.c */
#include "base/daemon/percent.h"
#include "base/random.h"
#include "tests/support/check.h"

static void decoding_is_exact_or_refused(void)
{
    static const struct {
        const char *raw, *want;
        bool plus;
    } rows[] = {
        { "", "", false },
        { "a", "a", false },
        { "%41%62", "Ab", false },
        { "%c3%BC", "\xC3\xBC", false },
        { "%25%2541", "%%41", false },
        { "a+b", "a+b", false },
        { "a+b%2B", "a b+", true },
        { "%2F", "/", false },
        { "%", NULL, false },
        { "%4", NULL, false },
        { "a%4", NULL, false },
        { "%4g", NULL, false },
        { "%g4", NULL, false },
        { "%%41", NULL, false },
        { "%-1", NULL, false },
        { "% 1", NULL, false },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char out[64];
        size_t n = 0;
        bool ok = pt_percent_decode(pt_cstr(rows[i].raw), rows[i].plus, out, &n);
        CHECK_ROW(rows[i].raw, ok == (rows[i].want != NULL));
        if (ok && rows[i].want) CHECK_STR(pt_slice_of(out, n), rows[i].want);
    }
}

static void what_is_encoded_decodes_to_itself(void)
{
    pt_random r = pt_random_seed(9);
    for (int i = 0; i < 2000; i++) {
        char raw[40], back[200];
        size_t n = pt_random_below(&r, sizeof raw), len = 0;
        pt_buf b;
        for (size_t k = 0; k < n; k++)
            raw[k] = (char)pt_random_u64(&r);
        pt_buf_init(&b, 4096);
        pt_percent_encode(&b, pt_slice_of(raw, n), i % 2);
        CHECK(pt_percent_decode(pt_buf_view(&b), true, back, &len));
        CHECK(pt_slice_eq(pt_slice_of(raw, n), pt_slice_of(back, len)));
        pt_buf_fini(&b);
    }
    pt_buf b;
    pt_buf_init(&b, 100);
    pt_percent_encode(&b, PT_LIT("a/b c~_-."), true);
    CHECK_STR(pt_buf_view(&b), "a/b%20c~_-.");
    pt_buf_fini(&b);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(decoding_is_exact_or_refused), PT_TEST(what_is_encoded_decodes_to_itself) };
    return pt_test_main("base/percent", tests, PT_COUNT_OF(tests), argc, argv);
}
