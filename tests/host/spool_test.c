/* host/query/spool.c: text of any length, out again as it came in. */
#include "host/query/spool.h"
#include "tests/support/check.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static size_t files_in(const char *dir)
{
    DIR *d = opendir(dir);
    size_t n = 0;
    CHECK_FATAL(d != NULL);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void it_comes_out_as_it_went_in(void)
{
    static const size_t lengths[] = { 0, 1, 65535, 65536, 65537, 3 << 20 };
    setenv("TMPDIR", pt_test_dir(), 1);
    for (size_t i = 0; i < PT_COUNT_OF(lengths); i++) {
        query_spool s;
        pt_buf out;
        pt_error err = { 0, "" };
        size_t held = 0, reads = 0;
        query_spool_init(&s);
        pt_buf_init(&out, 8u << 20);
        for (size_t k = 0; k < lengths[i]; k++) {
            pt_buf_char(&s.text, (char)('a' + k % 23));
            if (s.text.len > held) held = s.text.len;
            CHECK_OK_FATAL(query_spool_ease(&s, &err));
        }
        CHECK((s.file != NULL) == (lengths[i] > 65535) && held <= 65536);
        CHECK_INT(files_in(pt_test_dir()), 0); /* it has no name */
        pt_status st = PT_OK;
        while (st == PT_OK) {
            size_t before = out.len;
            st = query_spool_read(&s, &out, &err);
            CHECK(out.len - before <= 65536);
            reads++;
        }
        CHECK_STATUS(st, PT_ECLOSED);
        CHECK_INT(out.len, lengths[i]);
        bool same = true;
        for (size_t k = 0; k < out.len; k++)
            same = same && out.ptr[k] == (char)('a' + k % 23);
        CHECK(same && reads >= lengths[i] / 65536);
        query_spool_reset(&s);
        CHECK(!s.file && s.text.len == 0);
        query_spool_fini(&s);
        pt_buf_fini(&out);
    }
}

static void a_file_that_cannot_be_made_or_filled_is_an_error_with_a_reason(void)
{
    const struct rlimit small = { 100000, 100000 };
    struct rlimit before;
    const char *dir = pt_test_dir();
    pt_error err = { 0, "" };
    query_spool s;
    query_spool_init(&s);
    setenv("TMPDIR", "/nonexistent/place", 1);
    for (int i = 0; i < 70000; i++)
        pt_buf_char(&s.text, 'x');
    CHECK_STATUS(query_spool_ease(&s, &err), PT_ENOTFOUND);
    CHECK(strstr(err.text, "a temporary file for the answer: No such file") != NULL);
    setenv("TMPDIR", dir, 1);
    CHECK_FATAL(getrlimit(RLIMIT_FSIZE, &before) == 0);
    signal(SIGXFSZ, SIG_IGN);
    CHECK_FATAL(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ small.rlim_cur, before.rlim_max }) == 0);
    pt_status st = PT_OK;
    for (int i = 0; i < 300000 && st == PT_OK; i++) {
        pt_buf_char(&s.text, 'x');
        st = query_spool_ease(&s, &err);
    }
    CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK(st != PT_OK && strstr(err.text, "a temporary file for the answer: ") != NULL);
    query_spool_fini(&s);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(it_comes_out_as_it_went_in),
        PT_TEST(a_file_that_cannot_be_made_or_filled_is_an_error_with_a_reason),
    };
    return pt_test_main("host/spool", tests, PT_COUNT_OF(tests), argc, argv);
}
