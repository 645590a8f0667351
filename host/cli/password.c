/* host/cli/password.c -- a password from the terminal, without an echo, or from standard input. Never from the arguments: every user of the
 * machine can read those. */
#include "host/cli/people.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <termios.h>
#include <unistd.h>

/* One line of a descriptor, byte by byte so that nothing is kept elsewhere; false: it cannot be read, or is too long. */
static bool read_line(int fd, char out[CLI_PASSWORD_ROOM], bool *ended)
{
    size_t n = 0;
    for (;;) {
        char ch;
        ssize_t got = read(fd, &ch, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return false;
        *ended = got == 0;
        if (got == 0 || ch == '\n') break;
        if (n == CLI_PASSWORD_ROOM - 1 || ch == '\0') {
            errno = E2BIG;
            return false;
        }
        out[n++] = ch;
    }
    if (n && out[n - 1] == '\r') n--;
    out[n] = '\0';
    return true;
}

static int from_input(const cli *c, char out[CLI_PASSWORD_ROOM])
{
    bool ended = false;
    if (!read_line(STDIN_FILENO, out, &ended))
        return errno == E2BIG ? cli_fail(c, PT_EXIT_USAGE, "a password has at most %d bytes, and no NUL", ACCESS_PASSWORD_MAX)
                              : cli_fail(c, PT_EXIT_FAILED, "standard input: %s", pt_errno_text(errno));
    return CLI_GO_ON;
}

enum { END_OK, END_INTERRUPTED, END_FAILED };

/* What is typed up to Enter; the terminal gives each key at once. Ctrl-C and Ctrl-D on an empty line interrupt, Ctrl-U begins anew. */
static int typed(int tty, char out[CLI_PASSWORD_ROOM])
{
    size_t n = 0;
    for (;;) {
        char ch;
        ssize_t got = read(tty, &ch, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return END_FAILED;
        if (ch == '\n' || ch == '\r') break;
        if (ch == 3 || (ch == 4 && n == 0)) return END_INTERRUPTED;
        if (ch == 21) n = 0;
        else if (ch == 8 || ch == 127) {
            while (n && ((unsigned char)out[--n] & 0xc0) == 0x80) {} /* a whole character of UTF-8 */
        } else if (n < CLI_PASSWORD_ROOM - 1) out[n++] = ch;         /* what is too long is refused as that */
    }
    out[n] = '\0';
    return END_OK;
}

static bool say(int tty, const char *text)
{
    size_t len = strlen(text);
    return write(tty, text, len) == (ssize_t)len;
}

static int ask(const cli *c, int tty, const char *prompt, char out[CLI_PASSWORD_ROOM])
{
    struct termios before, silent;
    if (tcgetattr(tty, &before) != 0) return cli_fail(c, PT_EXIT_FAILED, "/dev/tty: %s", pt_errno_text(errno));
    silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG); /* Ctrl-C comes as a key, so that the echo comes back */
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    if (tcsetattr(tty, TCSAFLUSH, &silent) != 0) return cli_fail(c, PT_EXIT_FAILED, "/dev/tty: %s", pt_errno_text(errno));
    bool shown = say(tty, prompt);
    int end = shown ? typed(tty, out) : END_FAILED, why = errno;
    (void)say(tty, "\n");
    if (tcsetattr(tty, TCSAFLUSH, &before) != 0) end = END_FAILED, why = errno;
    if (end == END_INTERRUPTED) return CLI_EXIT_INTERRUPTED;
    return end == END_OK ? CLI_GO_ON : cli_fail(c, PT_EXIT_FAILED, "/dev/tty: %s", pt_errno_text(why));
}

int cli_password_read(const cli *c, bool from_stdin, char out[CLI_PASSWORD_ROOM])
{
    char again[CLI_PASSWORD_ROOM] = "";
    if (from_stdin) return from_input(c, out);
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (tty < 0) return cli_usage(c, "there is no terminal to type a password on: give it to standard input, with --password-stdin");
    int rc = ask(c, tty, "Password: ", out);
    if (rc == CLI_GO_ON) rc = ask(c, tty, "Again: ", again);
    if (rc == CLI_GO_ON && strcmp(out, again) != 0) rc = cli_fail(c, PT_EXIT_USAGE, "the two differ; nothing was changed");
    sodium_memzero(again, sizeof again);
    close(tty);
    return rc;
}
