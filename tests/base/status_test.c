/* tests/base/status_test.c -- every code has a name of its own, texts are cut and never overrun, errno is translated by what can be done.
 */
#include "base/status.h"
#include "tests/support/check.h"

#include <errno.h>

static void every_code_has_a_name_of_its_own(void)
{
    for (int i = 0; i < PT_STATUS_COUNT; i++) {
        const char *name = pt_status_name((pt_status)i);
        CHECK_FATAL(name && *name);
        CHECK_ROW(name, strspn(name, "abcdefghijklmnopqrstuvwxyz-") == strlen(name));
        CHECK_ROW(name, strcmp(name, "unknown") != 0);
        for (int k = 0; k < i; k++)
            CHECK_ROW(name, strcmp(name, pt_status_name((pt_status)k)) != 0);
    }
    CHECK_STR(pt_cstr(pt_status_name(PT_OK)), "ok");
    CHECK_STR(pt_cstr(pt_status_name(PT_EMALFORMED)), "malformed");
    CHECK_STR(pt_cstr(pt_status_name(PT_ENOSPC)), "no-space");
    CHECK_STR(pt_cstr(pt_status_name(PT_EUNSUPPORTED)), "unsupported");
}

static void codes_out_of_range_are_unknown_and_not_read(void)
{
    CHECK_STR(pt_cstr(pt_status_name(PT_STATUS_COUNT)), "unknown");
    CHECK_STR(pt_cstr(pt_status_name((pt_status)-1)), "unknown");
    CHECK_STR(pt_cstr(pt_status_name((pt_status)1000000)), "unknown");
}

static void a_failure_says_why_and_where_and_gives_its_code_back(void)
{
    pt_error err = { .offset = 99, .text = "old" };
    CHECK_STATUS(pt_fail(&err, PT_EIO, "cannot open %s: %d", "x.db", 5), PT_EIO);
    CHECK_STR(pt_cstr(err.text), "cannot open x.db: 5");
    CHECK_INT(err.offset, 0);
    CHECK_STATUS(pt_fail_at(&err, PT_EMALFORMED, 17, "a %s is cut", "string"), PT_EMALFORMED);
    CHECK_STR(pt_cstr(err.text), "a string is cut");
    CHECK_INT(err.offset, 17);
}

static void nobody_has_to_listen(void)
{
    CHECK_STATUS(pt_fail(NULL, PT_EBUSY, "%d", 1), PT_EBUSY);
    CHECK_STATUS(pt_fail_at(NULL, PT_ECORRUPT, 3, "%d", 1), PT_ECORRUPT);
}

static void a_long_text_is_cut_and_terminated(void)
{
    struct {
        pt_error err;
        char guard[8];
    } s;
    char text[400];
    memset(&s, '#', sizeof s);
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    CHECK_STATUS(pt_fail(&s.err, PT_ETOOBIG, "%s", text), PT_ETOOBIG);
    CHECK_INT(strlen(s.err.text), sizeof s.err.text - 1);
    CHECK(memcmp(s.err.text, text, sizeof s.err.text - 1) == 0);
    CHECK(memcmp(s.guard, "########", sizeof s.guard) == 0);
}

static void errno_is_translated_by_what_the_caller_can_do(void)
{
    static const struct {
        int err;
        pt_status want;
    } rows[] = {
        { 0, PT_OK },
        { ENOSPC, PT_ENOSPC },
        { EDQUOT, PT_ENOSPC },
        { EROFS, PT_EREADONLY },
        { EACCES, PT_EREADONLY },
        { EPERM, PT_EREADONLY },
        { ENOENT, PT_ENOTFOUND },
        { ENOMEM, PT_ENOMEM },
        { EEXIST, PT_EEXISTS },
        { EIO, PT_EIO },
        { EPIPE, PT_EIO },
        { -1, PT_EIO },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++)
        CHECK_ROW(strerror(rows[i].err), pt_status_from_errno(rows[i].err) == rows[i].want);
}

static void the_text_of_an_errno_is_shared_by_no_threads_buffer(void)
{
    pt_error err = { 0, "" };
    const char *unknown = pt_errno_text(99999), *other = pt_errno_text(-5);
    CHECK_STR(pt_cstr(pt_errno_text(ENOENT)), "No such file or directory");
    CHECK_STR(pt_cstr(unknown), "unknown error");
    CHECK(unknown == other && pt_errno_text(EIO) == pt_errno_text(EIO)); /* constants */
    CHECK_STATUS(pt_fail_errno(&err, ENOSPC, "/var/x"), PT_ENOSPC);
    CHECK_STR(pt_cstr(err.text), "/var/x: No space left on device");
    CHECK_STATUS(pt_fail_errno(NULL, EROFS, "/var/x"), PT_EREADONLY);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_code_has_a_name_of_its_own),
        PT_TEST(codes_out_of_range_are_unknown_and_not_read),
        PT_TEST(a_failure_says_why_and_where_and_gives_its_code_back),
        PT_TEST(nobody_has_to_listen),
        PT_TEST(a_long_text_is_cut_and_terminated),
        PT_TEST(errno_is_translated_by_what_the_caller_can_do),
        PT_TEST(the_text_of_an_errno_is_shared_by_no_threads_buffer),
    };
    return pt_test_main("base/status", tests, PT_COUNT_OF(tests), argc, argv);
}
