/* tests/base/log_test.c */
#include "base/log.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <unistd.h>

static size_t lines_of(bool json, char *out, size_t cap, pt_log_level level)
{
    pt_fake_clock clock;
    pt_log_fd l;
    int fds[2];
    CHECK_FATAL(pipe(fds) == 0);
    pt_fake_clock_init(&clock, 1763848992123);
    pt_log_fd_init(&l, fds[1], json, level, &clock.clock);
    pt_logf(&l.log, PT_LOG_WARN, "A-B", "node %s\n\x1b[31m \"q\" \xFF", "g/e");
    pt_logf(&l.log, PT_LOG_DEBUG, "C", "not shown at info");
    pt_logf(NULL, PT_LOG_ERROR, "D", "discarded");
    close(fds[1]);
    ssize_t n = read(fds[0], out, cap - 1);
    close(fds[0]);
    CHECK_FATAL(n >= 0);
    out[n] = '\0';
    return (size_t)n;
}

static void a_line_is_one_line_whatever_is_in_it(void)
{
    char out[4096];
    lines_of(false, out, sizeof out, PT_LOG_INFO);
    CHECK_STR(pt_cstr(out), "2025-11-22T22:03:12.123Z WARN  A-B node g/e??[31m \"q\" \xFF\n");
    lines_of(true, out, sizeof out, PT_LOG_INFO);
    CHECK_STR(
        pt_cstr(out),
        "{\"time\":\"2025-11-22T22:03:12.123Z\",\"level\":\"warn\",\"id\":\"A-B\",\"text\":\"node g/e??[31m \\\"q\\\" \xEF\xBF\xBD\"}\n");
    CHECK_INT(lines_of(false, out, sizeof out, PT_LOG_ERROR), 0);
}

static void levels_have_names(void)
{
    pt_log_level l = PT_LOG_INFO;
    for (int i = PT_LOG_ERROR; i <= PT_LOG_DEBUG; i++) {
        CHECK_OK(pt_log_level_parse(pt_cstr(pt_log_level_name((pt_log_level)i)), &l));
        CHECK_INT(l, i);
    }
    CHECK_STATUS(pt_log_level_parse(PT_LIT("loud"), &l), PT_ENOTFOUND);
    CHECK_STR(pt_cstr(pt_log_level_name((pt_log_level)9)), "unknown");
}

static void a_subject_is_heard_once_a_minute(void)
{
    static pt_log_limit limit;
    uint32_t held = 9;
    CHECK(pt_log_allow(&limit, 5, 1000, 60000, &held) && held == 0);
    CHECK(!pt_log_allow(&limit, 5, 1001, 60000, &held));
    CHECK(!pt_log_allow(&limit, 5, 60999, 60000, NULL));
    CHECK(pt_log_allow(&limit, 6, 1001, 60000, &held)); /* another subject */
    CHECK(pt_log_allow(&limit, 5, 61000, 60000, &held) && held == 2);
    CHECK(!pt_log_allow(&limit, 5, 61001, 60000, &held));
    /* Four more of the same set push the oldest out: it may speak again at once. */
    for (uint64_t i = 1; i <= 4; i++)
        CHECK(pt_log_allow(&limit, 5 + 64 * i, 62000 + (int64_t)i, 60000, NULL));
    CHECK(pt_log_allow(&limit, 5, 62100, 60000, &held) && held == 0);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(a_line_is_one_line_whatever_is_in_it), PT_TEST(levels_have_names),
                                     PT_TEST(a_subject_is_heard_once_a_minute) };
    return pt_test_main("base/log", tests, PT_COUNT_OF(tests), argc, argv);
}
