/* tests/host/cli/password_test.c -- a password on a real terminal: not echoed, typed twice, Ctrl-C gives the echo back. */
#include "host/cli/people.h"
#include "tests/support/check.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

typedef struct seen {
    char screen[4000];
    int code;
    bool echo_after;
    char result[CLI_PASSWORD_ROOM];
} seen;

/* Everything the terminal shows until `what` comes, or it ends. */
static bool until(int tty, seen *s, const char *what, int nth)
{
    for (;;) {
        const char *at = s->screen;
        int found = 0;
        while ((at = strstr(at, what)) != NULL)
            found++, at++;
        if (found >= nth) return true;
        size_t len = strlen(s->screen);
        struct pollfd p = { .fd = tty, .events = POLLIN };
        if (poll(&p, 1, 20000) <= 0) return false;
        ssize_t n = read(tty, s->screen + len, sizeof s->screen - 1 - len);
        if (n <= 0) return false;
        s->screen[len + (size_t)n] = '\0';
    }
}

/* The function on a terminal of its own, with these keys behind each prompt; what it read comes back through a pipe. */
static seen type(const char *first, const char *second)
{
    seen s = { .code = -1 };
    struct termios t;
    int tty = -1, back[2], status = 0;
    CHECK_FATAL(pipe(back) == 0);
    pid_t pid = forkpty(&tty, NULL, NULL, NULL);
    CHECK_FATAL(pid >= 0);
    if (pid == 0) {
        char out[CLI_PASSWORD_ROOM] = "";
        cli c = { .url = "" };
        int rc = cli_password_read(&c, false, out);
        if (write(back[1], out, strlen(out)) < 0) _exit(99);
        _exit(rc == CLI_GO_ON ? 0 : rc);
    }
    close(back[1]);
    if (until(tty, &s, "Password: ", 1)) CHECK(write(tty, first, strlen(first)) == (ssize_t)strlen(first));
    if (second && until(tty, &s, "Again: ", 1)) CHECK(write(tty, second, strlen(second)) == (ssize_t)strlen(second));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    (void)until(tty, &s, "nothing that is ever said", 1);
    s.echo_after = tcgetattr(tty, &t) == 0 && (t.c_lflag & ECHO) && (t.c_lflag & ICANON) && (t.c_lflag & ISIG);
    s.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    ssize_t n = read(back[0], s.result, sizeof s.result - 1);
    s.result[n > 0 ? n : 0] = '\0';
    close(back[0]);
    close(tty);
    return s;
}

static void what_is_typed_twice_is_taken_and_never_shown(void)
{
    static const struct {
        const char *first, *second;
        int code;
        const char *result;
    } rows[] = {
        { "correct horse\r", "correct horse\r", 0, "correct horse" },
        { "correctt\x7f horse\r",
          "wrong\x15"
          "correct horse\r",
          0, "correct horse" }, /* erase, and begin anew */
        { "w\xc3\xa4rme\x7f\x7f\x7f\x7f"
          "asser\r",
          "wasser\r", 0, "wasser" }, /* a character of two bytes is erased as one */
        { "\r", "\r", 0, "" },
        { "correct horse\r", "correct house\r", 2, NULL },
        { "corr\x03", NULL, CLI_EXIT_INTERRUPTED, NULL },
        { "\x04", NULL, CLI_EXIT_INTERRUPTED, NULL },
        { "correct horse\r", "corr\x03", CLI_EXIT_INTERRUPTED, NULL },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        seen s = type(rows[i].first, rows[i].second);
        CHECK_INT(s.code, rows[i].code);
        if (rows[i].result) CHECK_STR(pt_cstr(s.result), rows[i].result);
        CHECK(strstr(s.screen, "Password: ") != NULL);
        CHECK(!strstr(s.screen, "corr") && !strstr(s.screen, "horse") && !strstr(s.screen, "asser"));
        CHECK(s.echo_after);
        if (rows[i].code == 2) CHECK(strstr(s.screen, "the two differ; nothing was changed") != NULL);
    }
}

static int from_stdin(const char *text, size_t len, char out[CLI_PASSWORD_ROOM])
{
    int fds[2];
    cli c = { .url = "" };
    CHECK_FATAL(pipe(fds) == 0 && write(fds[1], text, len) == (ssize_t)len);
    CHECK_FATAL(dup2(fds[0], 0) == 0 && close(fds[0]) == 0 && close(fds[1]) == 0);
    return cli_password_read(&c, true, out);
}

static void standard_input_gives_its_first_line(void)
{
    static const struct {
        const char *text;
        const char *result;
    } rows[] = { { "correct horse\n", "correct horse" },
                 { "correct horse", "correct horse" },
                 { "correct horse\r\n", "correct horse" },
                 { "one\ntwo\n", "one" },
                 { "", "" },
                 { "\n", "" },
                 { " blanks stay \n", " blanks stay " } };
    char out[CLI_PASSWORD_ROOM], long_one[1100];
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        CHECK_INT(from_stdin(rows[i].text, strlen(rows[i].text), out), CLI_GO_ON);
        CHECK_STR(pt_cstr(out), rows[i].result);
    }
    memset(long_one, 'x', sizeof long_one);
    CHECK_INT(from_stdin(long_one, 1024, out), CLI_GO_ON);
    CHECK_INT(strlen(out), 1024);
    CHECK_INT(from_stdin(long_one, 1100, out), 2);
    CHECK_INT(from_stdin("a\0b\n", 4, out), 2);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(what_is_typed_twice_is_taken_and_never_shown), PT_TEST(standard_input_gives_its_first_line) };
    return pt_test_main("cli/password", tests, PT_COUNT_OF(tests), argc, argv);
}
