/* host/session/broker.c -- fork, exec, watch, start again. */
#include "host/session/broker.h"

#include "base/backoff.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct host_broker {
    char *conf, *log_file;
    uint16_t port;
    pid_t pid; /* 0: not running */
    int leash; /* write end of a pipe that only this process holds: it closes when we die, however we die; -1: none */
    int64_t started_mono, due_mono;
    pt_backoff backoff;
    const pt_clock *clock;
    const pt_log *log;
};

static char *path_of(const char *dir, const char *name)
{
    size_t n = strlen(dir) + strlen(name) + 2;
    char *p = malloc(n);
    if (p) snprintf(p, n, "%s/%s", dir, name);
    return p;
}

static pt_status write_conf(const host_broker *b, pt_error *err)
{
    FILE *f = fopen(b->conf, "w");
    if (!f) return pt_fail_errno(err, errno, b->conf);
    int rc = fprintf(f,
                     "# written by plantree-host at every start\n"
                     "listener %u 127.0.0.1\n"
                     "allow_anonymous true\n"
                     "persistence false\n"
                     "set_tcp_nodelay true\n"
                     "max_inflight_messages 1000\n"
                     "max_queued_messages 100000\n"
                     "log_dest stderr\nlog_type error\nlog_type warning\nlog_timestamp_format %%Y-%%m-%%dT%%H:%%M:%%S\n",
                     b->port);
    if (rc < 0 || fflush(f) != 0) {
        int e = errno;
        (void)fclose(f);
        return pt_fail_errno(err, e, b->conf);
    }
    if (fclose(f) != 0) return pt_fail_errno(err, errno, b->conf);
    return PT_OK;
}

pt_status host_broker_new(const char *url, const char *dir, const pt_clock *clock, const pt_log *log, host_broker **out, pt_error *err)
{
    const char *colon = strrchr(url, ':');
    uint64_t port = 0;
    if (!colon || !pt_slice_to_u64(pt_cstr(colon + 1), &port) || port == 0 || port > 65535)
        return pt_fail(err, PT_EINVAL, "%s has no port for the embedded broker", url);
    host_broker *b = calloc(1, sizeof *b);
    if (!b) return PT_ENOMEM;
    b->port = (uint16_t)port;
    b->leash = -1;
    b->clock = clock;
    b->log = log;
    b->backoff = (pt_backoff){ .min_ms = 200, .max_ms = 10000, .random = pt_random_seed((uint64_t)getpid()) };
    b->conf = path_of(dir, "broker.conf");
    b->log_file = path_of(dir, "broker.log");
    pt_status st = b->conf && b->log_file ? write_conf(b, err) : PT_ENOMEM;
    if (st != PT_OK) {
        host_broker_free(b);
        return st;
    }
    *out = b;
    return PT_OK;
}

/* Runs as a child of mosquitto, ends with it, and ends it when the host is gone without having stopped it (kill -9). The
 * kernel's own signal for this does not do: it is forgotten when mosquitto, started by root, changes its user. After fork
 * in a program with threads: only async-signal-safe calls. */
static _Noreturn void guard(int leash, pid_t broker)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != broker || dup2(leash, 0) < 0) _exit(1);
    (void)close_range(3, ~0U, 0); /* the data directory's lock and our end of the leash among them */
    execl("/bin/sh", "mosquitto-guard", "-c", "read -r line; kill -TERM $PPID", (char *)NULL); /* end of file: the host is gone */
    _exit(127);
}

static _Noreturn void child(const host_broker *b, int leash)
{
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    int fd = open(b->log_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null >= 0) (void)dup2(null, 0);
    if (fd >= 0) {
        (void)dup2(fd, 1);
        (void)dup2(fd, 2);
    }
    (void)setpgid(0, 0); /* Ctrl-C at the terminal reaches us first: the broker must outlive our death message */
    pid_t self = getpid();
    pid_t guardian = fork();
    if (guardian == 0) guard(leash, self);
    if (guardian < 0) _exit(126);
    execlp("mosquitto", "mosquitto", "-c", b->conf, (char *)NULL);
    execl("/usr/sbin/mosquitto", "mosquitto", "-c", b->conf, (char *)NULL);
    static const char text[] = "mosquitto could not be started: is it installed?\n";
    if (write(2, text, sizeof text - 1) < 0) _exit(126);
    _exit(127);
}

static void start(host_broker *b)
{
    int leash[2] = { -1, -1 };
    pid_t pid = pipe2(leash, O_CLOEXEC) == 0 ? fork() : -1;
    if (pid == 0) child(b, leash[0]);
    int e = errno;
    if (leash[0] >= 0) (void)close(leash[0]);
    b->started_mono = pt_mono_ms(b->clock);
    if (pid < 0) {
        if (leash[1] >= 0) (void)close(leash[1]);
        b->due_mono = b->started_mono + pt_backoff_next(&b->backoff);
        pt_logf(b->log, PT_LOG_ERROR, "HOST-BROKER", "mosquitto could not be started: %s", pt_errno_text(e));
        return;
    }
    b->pid = pid;
    b->leash = leash[1];
    pt_logf(b->log, PT_LOG_INFO, "HOST-BROKER", "mosquitto started on 127.0.0.1:%u, pid %d, log %s", b->port, (int)pid, b->log_file);
}

static void unleash(host_broker *b)
{
    if (b->leash >= 0) (void)close(b->leash);
    b->leash = -1;
}

static void ended(host_broker *b, int status)
{
    unleash(b);
    int64_t now = pt_mono_ms(b->clock);
    b->pid = 0;
    if (now - b->started_mono > 30000) pt_backoff_reset(&b->backoff);
    int64_t wait = pt_backoff_next(&b->backoff);
    b->due_mono = now + wait;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        pt_logf(b->log, PT_LOG_ERROR, "HOST-BROKER", "mosquitto could not be started: install the package mosquitto; next try in %lld ms",
                (long long)wait);
    else
        pt_logf(b->log, PT_LOG_WARN, "HOST-BROKER", "mosquitto ended (%s %d), see %s; next start in %lld ms",
                WIFSIGNALED(status) ? "signal" : "exit", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), b->log_file,
                (long long)wait);
}

void host_broker_tick(host_broker *b)
{
    int status = 0;
    if (b->pid > 0 && waitpid(b->pid, &status, WNOHANG) == b->pid) ended(b, status);
    if (b->pid == 0 && pt_mono_ms(b->clock) >= b->due_mono) start(b);
}

static bool listening(const host_broker *b)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(b->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    bool ok = connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
    (void)close(fd);
    return ok;
}

bool host_broker_wait(host_broker *b, int64_t timeout_ms)
{
    int64_t until = pt_mono_ms(b->clock) + timeout_ms;
    struct timespec pause = { 0, 20000000 };
    do {
        host_broker_tick(b);
        if (b->pid > 0 && listening(b)) return true;
        nanosleep(&pause, NULL);
    } while (pt_mono_ms(b->clock) < until);
    return false;
}

void host_broker_free(host_broker *b)
{
    if (!b) return;
    if (b->pid > 0) {
        int status;
        struct timespec pause = { 0, 10000000 };
        (void)kill(b->pid, SIGTERM);
        int i = 0;
        for (; i < 300 && waitpid(b->pid, &status, WNOHANG) == 0; i++)
            nanosleep(&pause, NULL);
        if (i == 300) {
            (void)kill(b->pid, SIGKILL);
            (void)waitpid(b->pid, &status, 0);
        }
        pt_logf(b->log, PT_LOG_INFO, "HOST-BROKER", "mosquitto stopped");
    }
    unleash(b);
    free(b->conf);
    free(b->log_file);
    free(b);
}
