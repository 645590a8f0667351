/* tests/base/program_test.c -- options, signals, the lock file. Options that print run in a child. */
#include "base/daemon/program.h"
#include "tests/support/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const pt_program blank = { .name = "plantree-test", .synopsis = "a test", .help = "It teaches.\n" };

static void common_options_are_taken_and_the_rest_is_left(void)
{
    char *argv[] = { "p",       "--config",     "a.yaml", "rest", "--log-level=debug", "--own",
                     "--check", "--log-format", "json",   "--",   "--check",           NULL };
    int argc = PT_COUNT_OF(argv) - 1;
    pt_program p = blank;
    CHECK_OK_FATAL(pt_program_options(&p, &argc, argv, false));
    CHECK_STR(pt_cstr(p.config), "a.yaml");
    CHECK(p.check && p.json_log && p.level == PT_LOG_DEBUG);
    CHECK_INT(argc, 5);
    CHECK_STR(pt_cstr(argv[1]), "rest");
    CHECK_STR(pt_cstr(argv[2]), "--own");
    CHECK_STR(pt_cstr(argv[3]), "--");
    CHECK_STR(pt_cstr(argv[4]), "--check");
    CHECK(argv[5] == NULL);
    char *none[] = { "p", NULL };
    argc = 1;
    p = blank;
    CHECK_OK(pt_program_options(&p, &argc, none, true));
    CHECK(!p.config && !p.check && !p.json_log && p.level == PT_LOG_INFO);
}

/* What a call prints on stdout and stderr together; *st is its status. */
static size_t said(char **argv, bool strict, pt_status *st, char *out, size_t cap)
{
    int fds[2], status = 0;
    CHECK_FATAL(pipe(fds) == 0);
    fflush(stdout);
    pid_t pid = fork();
    CHECK_FATAL(pid >= 0);
    if (pid == 0) {
        int argc = 0;
        pt_program p = blank;
        while (argv[argc])
            argc++;
        dup2(fds[1], 1);
        dup2(fds[1], 2);
        pt_status s = pt_program_options(&p, &argc, argv, strict);
        fflush(NULL);
        _exit((int)s);
    }
    close(fds[1]);
    size_t n = 0;
    ssize_t r;
    while (n < cap - 1 && (r = read(fds[0], out + n, cap - 1 - n)) > 0)
        n += (size_t)r;
    out[n] = '\0';
    close(fds[0]);
    CHECK_FATAL(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    *st = (pt_status)WEXITSTATUS(status);
    return n;
}

static void help_version_and_mistakes_are_said(void)
{
    static const struct {
        char *args[4];
        bool strict;
        pt_status want;
        const char *text;
    } rows[] = {
        { { "p", "--help" }, true, PT_ECLOSED, "plantree-test - a test\n\nIt teaches.\n\nCommon options:\n" },
        { { "p", "--version" }, true, PT_ECLOSED, "plantree-test " PLANTREE_VERSION "\n" },
        { { "p", "--log-level", "loud" }, true, PT_EINVAL, "plantree-test: --log-level is error, warn, info or debug, not 'loud'\n" },
        { { "p", "--log-format=xml" }, true, PT_EINVAL, "plantree-test: --log-format is text or json, not 'xml'\n" },
        { { "p", "--config" }, true, PT_EINVAL, "plantree-test: --config needs a value\n" },
        { { "p", "--frob" }, true, PT_EINVAL, "plantree-test: unknown option '--frob'; see plantree-test --help\n" },
        { { "p", "frob" }, true, PT_EINVAL, "plantree-test: unknown argument 'frob'; see plantree-test --help\n" },
        { { "p", "--frob" }, false, PT_OK, "" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char out[8192];
        pt_status st;
        char *argv[5];
        memcpy(argv, rows[i].args, sizeof rows[i].args);
        argv[4] = NULL;
        said(argv, rows[i].strict, &st, out, sizeof out);
        CHECK_ROW(rows[i].args[1], st == rows[i].want);
        CHECK_STR(((pt_slice){ out, strnlen(out, strlen(rows[i].text)) }), rows[i].text);
    }
}

static void signals_arrive_as_data(void)
{
    int status = 0;
    pid_t pid = fork(); /* the mask is the process's: leave the test's alone */
    CHECK_FATAL(pid >= 0);
    if (pid == 0) {
        int fd = -1, bad = 0;
        bad += pt_signals_open(&fd) != PT_OK;
        bad += pt_signals_wait(fd, 0) != PT_SIGNAL_NONE;
        kill(getpid(), SIGPIPE);
        kill(getpid(), SIGHUP);
        bad += pt_signals_wait(fd, 5000) != PT_SIGNAL_RELOAD;
        kill(getpid(), SIGTERM);
        bad += pt_signals_wait(fd, -1) != PT_SIGNAL_STOP;
        kill(getpid(), SIGINT);
        bad += pt_signals_wait(fd, 5000) != PT_SIGNAL_STOP;
        _exit(bad);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void a_lock_has_one_holder_who_is_named(void)
{
    char path[300], want[400];
    int fd = -1, second = -1, status = 0;
    pt_error err = { 0 };
    snprintf(path, sizeof path, "%s/lock", pt_test_dir());
    CHECK_OK_FATAL(pt_lock_file(path, &fd, &err));
    CHECK_STATUS(pt_lock_file(path, &second, &err), PT_EBUSY);
    snprintf(want, sizeof want, "%s is held by process %ld", path, (long)getpid());
    CHECK_STR(pt_cstr(err.text), want);
    pid_t pid = fork();
    CHECK_FATAL(pid >= 0);
    if (pid == 0) {
        close(fd);
        _exit(pt_lock_file(path, &second, NULL) == PT_EBUSY ? 0 : 1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(fd);
    CHECK_OK(pt_lock_file(path, &fd, &err)); /* free again */
    close(fd);
    CHECK_STATUS(pt_lock_file("/nonexistent/lock", &fd, &err), PT_ENOTFOUND);
}

static void notifying_without_systemd_does_nothing(void)
{
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    pt_notify("READY=1");
    CHECK_INT(pt_notify_watchdog_ms(), 0);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(common_options_are_taken_and_the_rest_is_left), PT_TEST(help_version_and_mistakes_are_said),
                                     PT_TEST(signals_arrive_as_data), PT_TEST(a_lock_has_one_holder_who_is_named),
                                     PT_TEST(notifying_without_systemd_does_nothing) };
    return pt_test_main("base/program", tests, PT_COUNT_OF(tests), argc, argv);
}
