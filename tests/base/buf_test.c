/* tests/base/buf_test.c */
#include "base/buf.h"
#include "tests/support/check.h"

#include <stdlib.h>

static void contents_grow_up_to_the_maximum_and_not_beyond(void)
{
    for (size_t max = 0; max < 600; max += 13) {
        pt_buf b;
        pt_buf_init(&b, max);
        for (size_t i = 0; i < max; i++)
            CHECK_OK(pt_buf_char(&b, (char)('a' + i % 26)));
        CHECK_INT(b.len, max);
        CHECK_STATUS(pt_buf_char(&b, 'x'), PT_ETOOBIG);
        pt_buf_fini(&b);
    }
}

static void a_failure_stays_until_the_reset(void)
{
    pt_buf b;
    pt_buf_init(&b, 10);
    CHECK_STATUS(pt_buf_cstr(&b, "12345678901"), PT_ETOOBIG);
    CHECK_INT(b.len, 0);
    CHECK_STATUS(pt_buf_char(&b, 'x'), PT_ETOOBIG);
    CHECK_STATUS(pt_buf_status(&b), PT_ETOOBIG);
    CHECK(pt_buf_take(&b, NULL) == NULL);
    CHECK_STR(pt_buf_view(&b), "");
    pt_buf_reset(&b);
    CHECK_OK(pt_buf_cstr(&b, "1234567890"));
    pt_buf_fini(&b);
}

static void printf_takes_any_length(void)
{
    pt_buf b;
    pt_buf_init(&b, 10000);
    CHECK_OK(pt_buf_printf(&b, "%0*d", 255, 7));
    CHECK_OK(pt_buf_printf(&b, "%0*d", 256, 7));
    CHECK_OK(pt_buf_printf(&b, "%0*d", 5000, 7));
    CHECK_INT(b.len, 255 + 256 + 5000);
    CHECK(b.ptr[b.len - 1] == '7' && b.ptr[254] == '7' && b.ptr[510] == '7');
    CHECK_STATUS(pt_buf_printf(&b, "%0*d", 5000, 7), PT_ETOOBIG);
    pt_buf_fini(&b);
}

static void taken_bytes_end_with_nul_and_belong_to_the_taker(void)
{
    pt_buf b;
    size_t len = 9;
    pt_buf_init(&b, 128);
    char *p = pt_buf_take(&b, &len); /* nothing was appended: an empty text */
    CHECK_FATAL(p != NULL);
    CHECK(len == 0 && p[0] == '\0');
    free(p);
    for (size_t n = 120; n <= 128; n++) {
        for (size_t i = 0; i < n; i++)
            CHECK_OK(pt_buf_char(&b, 'x'));
        p = pt_buf_take(&b, &len);
        CHECK_FATAL(p != NULL);
        CHECK(len == n && p[n] == '\0');
        CHECK(b.len == 0 && b.ptr == NULL);
        free(p);
    }
}

static void an_absurd_maximum_does_no_harm(void)
{
    pt_buf b;
    pt_buf_init(&b, SIZE_MAX);
    CHECK_OK(pt_buf_cstr(&b, "x"));
    CHECK_STATUS(pt_buf_reserve(&b, SIZE_MAX - 1), PT_ETOOBIG);
    pt_buf_fini(&b);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(contents_grow_up_to_the_maximum_and_not_beyond), PT_TEST(a_failure_stays_until_the_reset),
                                     PT_TEST(printf_takes_any_length), PT_TEST(taken_bytes_end_with_nul_and_belong_to_the_taker),
                                     PT_TEST(an_absurd_maximum_does_no_harm) };
    return pt_test_main("base/buf", tests, PT_COUNT_OF(tests), argc, argv);
}
