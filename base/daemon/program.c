/* base/daemon/program.c -- options, signals, systemd and the lock file: what main does before and beside the real work. */
#include "base/daemon/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <unistd.h>
#ifdef PT_HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

static const char common_help[] =
    "Common options:\n"
    "  --config FILE          configuration (YAML)\n"
    "  --check                check the configuration and exit: 0 good, 2 faults as file:line:column: message\n"
    "  --log-level LEVEL      error, warn, info (default) or debug\n"
    "  --log-format FORMAT    text (default) or json\n"
    "  --version, --help      say it and exit\n"
    "\n"
    "Signals: SIGTERM and SIGINT stop gracefully; SIGHUP reloads the configuration.\n"
    "Exit codes: 0 ok, 1 failed, 2 usage or configuration, 3 refused, 4 timed out or target lost.\n";

/* "--name VALUE" or "--name=VALUE" at argv[*i]: 1 taken, 0 another option, -1 the value is missing. */
static int take_value(const pt_program *p, const char *name, int argc, char **argv, int *i, const char **value)
{
    size_t n = strlen(name);
    if (strncmp(argv[*i], name, n) != 0) return 0;
    if (argv[*i][n] == '=') {
        *value = argv[*i] + n + 1;
        return 1;
    }
    if (argv[*i][n] != '\0') return 0;
    if (*i + 1 >= argc) {
        fprintf(stderr, "%s: %s needs a value\n", p->name, name);
        return -1;
    }
    *value = argv[++*i];
    return 1;
}

/* 1 taken, 0 not ours, -1 bad. */
static int take_common(pt_program *p, int argc, char **argv, int *i)
{
    const char *value = NULL;
    int took;
    if (strcmp(argv[*i], "--check") == 0) {
        p->check = true;
        return 1;
    }
    if ((took = take_value(p, "--config", argc, argv, i, &value))) {
        if (took > 0) p->config = value;
        return took;
    }
    if ((took = take_value(p, "--log-level", argc, argv, i, &value))) {
        if (took > 0 && pt_log_level_parse(pt_cstr(value), &p->level)) {
            fprintf(stderr, "%s: --log-level is error, warn, info or debug, not '%s'\n", p->name, value);
            return -1;
        }
        return took;
    }
    if ((took = take_value(p, "--log-format", argc, argv, i, &value))) {
        if (took > 0 && strcmp(value, "json") != 0 && strcmp(value, "text") != 0) {
            fprintf(stderr, "%s: --log-format is text or json, not '%s'\n", p->name, value);
            return -1;
        }
        if (took > 0) p->json_log = strcmp(value, "json") == 0;
        return took;
    }
    return 0;
}

static pt_status say_help(const pt_program *p)
{
    printf("%s - %s\n\n", p->name, p->synopsis ? p->synopsis : "");
    if (p->help) printf("%s%s\n", p->help, p->help[0] && p->help[strlen(p->help) - 1] == '\n' ? "" : "\n");
    printf("%s", common_help);
    fflush(stdout);
    return PT_ECLOSED;
}

pt_status pt_program_options(pt_program *p, int *argc, char **argv, bool strict)
{
    int kept = 1;
    p->level = PT_LOG_INFO;
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            while (i < *argc)
                argv[kept++] = argv[i++];
            break;
        }
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return say_help(p);
        if (strcmp(argv[i], "--version") == 0) {
            printf("%s %s\n", p->name, PLANTREE_VERSION);
            fflush(stdout);
            return PT_ECLOSED;
        }
        int took = take_common(p, *argc, argv, &i);
        if (took < 0) return PT_EINVAL;
        if (took) continue;
        if (strict) {
            fprintf(stderr, "%s: unknown %s '%s'; see %s --help\n", p->name, argv[i][0] == '-' ? "option" : "argument", argv[i], p->name);
            return PT_EINVAL;
        }
        argv[kept++] = argv[i];
    }
    argv[kept] = NULL;
    *argc = kept;
    return PT_OK;
}

pt_status pt_signals_open(int *fd)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) || signal(SIGPIPE, SIG_IGN) == SIG_ERR) return PT_EIO;
    int f = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (f < 0) return pt_status_from_errno(errno);
    *fd = f;
    return PT_OK;
}

pt_signal pt_signals_wait(int fd, int64_t timeout_ms)
{
    struct signalfd_siginfo info;
    struct pollfd p = { .fd = fd, .events = POLLIN };
    int wait = timeout_ms < 0 ? -1 : timeout_ms > INT32_MAX ? INT32_MAX : (int)timeout_ms;
    if (poll(&p, 1, wait) <= 0) return PT_SIGNAL_NONE;
    if (read(fd, &info, sizeof info) != (ssize_t)sizeof info) return PT_SIGNAL_NONE;
    return info.ssi_signo == SIGHUP ? PT_SIGNAL_RELOAD : PT_SIGNAL_STOP;
}

void pt_notify(const char *state)
{
#ifdef PT_HAVE_SYSTEMD
    (void)sd_notify(0, state); /* without systemd there is nobody to tell */
#else
    (void)state;
#endif
}

int64_t pt_notify_watchdog_ms(void)
{
#ifdef PT_HAVE_SYSTEMD
    uint64_t usec = 0;
    if (sd_watchdog_enabled(0, &usec) > 0) return (int64_t)(usec / 1000);
#endif
    return 0;
}

pt_status pt_lock_file(const char *path, int *fd, pt_error *err)
{
    char pid[32];
    int f = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (f < 0) return pt_fail(err, pt_status_from_errno(errno), "%s cannot be opened: %s", path, pt_errno_text(errno));
    if (flock(f, LOCK_EX | LOCK_NB)) {
        int e = errno;
        ssize_t n = pread(f, pid, sizeof pid - 1, 0);
        close(f); /* nothing written */
        if (e != EWOULDBLOCK) return pt_fail(err, pt_status_from_errno(e), "%s cannot be locked: %s", path, pt_errno_text(e));
        pid[n > 0 ? n : 0] = '\0';
        pid[strcspn(pid, "\n")] = '\0';
        return pt_fail(err, PT_EBUSY, "%s is held by process %s", path, pid[0] ? pid : "(unknown)");
    }
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(f, 0) || pwrite(f, pid, (size_t)n, 0) != n) {
        int e = errno;
        close(f);
        return pt_fail(err, pt_status_from_errno(e), "%s cannot be written: %s", path, pt_errno_text(e));
    }
    *fd = f;
    return PT_OK;
}
