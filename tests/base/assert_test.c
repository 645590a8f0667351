/* tests/base/assert_test.c -- a broken invariant ends the process where invariants are checked, and costs nothing elsewhere. */
#undef PT_ASSERTS
#define PT_ASSERTS 1
#include "base/assert.h"

#include "tests/support/check.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int asked;

static bool ask(bool answer)
{
    asked++;
    return answer;
}

static void what_is_true_is_asked_once_and_passes(void)
{
    asked = 0;
    pt_assert(ask(true));
    CHECK_INT(asked, 1);
}

static void what_is_not_true_ends_the_process_and_names_condition_and_place(void)
{
    int ends[2];
    CHECK_FATAL(pipe(ends) == 0);
    pid_t child = fork();
    CHECK_FATAL(child >= 0);
    if (child == 0) {
        (void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
        (void)signal(SIGABRT, SIG_DFL);
        (void)dup2(ends[1], STDERR_FILENO);
        pt_assert(ask(false));
        _exit(0);
    }
    (void)close(ends[1]);
    char text[300] = "";
    size_t len = 0;
    for (ssize_t n; len < sizeof text - 1 && (n = read(ends[0], text + len, sizeof text - 1 - len)) > 0;)
        len += (size_t)n;
    (void)close(ends[0]);
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    CHECK(strstr(text, "assert_test.c:") != NULL);
    CHECK(strstr(text, "broken invariant: ask(false)") != NULL);
}

#undef PT_ASSERTS
#define PT_ASSERTS 0
#include "base/assert.h"

static void a_release_evaluates_nothing(void)
{
    asked = 0;
    pt_assert(ask(false));
    CHECK_INT(asked, 0);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(what_is_true_is_asked_once_and_passes),
                                     PT_TEST(what_is_not_true_ends_the_process_and_names_condition_and_place),
                                     PT_TEST(a_release_evaluates_nothing) };
    return pt_test_main("base/assert", tests, PT_COUNT_OF(tests), argc, argv);
}
