/* tests/bench/process.c */
#include "tests/bench/process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

uint16_t bench_free_port(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof a;
    uint16_t port = 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return 0;
    if (bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && getsockname(fd, (struct sockaddr *)&a, &len) == 0) port = ntohs(a.sin_port);
    (void)close(fd);
    return port;
}

pt_status bench_spawn(const char *const *argv, const char *log_path, pid_t *pid, pt_error *err)
{
    posix_spawn_file_actions_t files;
    int rc = posix_spawn_file_actions_init(&files);
    if (rc) return pt_fail(err, PT_ENOMEM, "posix_spawn: %s", strerror(rc));
    rc = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    if (!rc) rc = posix_spawn_file_actions_addopen(&files, 1, log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (!rc) rc = posix_spawn_file_actions_adddup2(&files, 1, 2);
    if (!rc) rc = posix_spawnp(pid, argv[0], &files, NULL, (char *const *)(uintptr_t)argv, environ);
    (void)posix_spawn_file_actions_destroy(&files);
    return rc ? pt_fail(err, pt_status_from_errno(rc), "cannot start %s: %s", argv[0], strerror(rc)) : PT_OK;
}

bool bench_alive(pid_t pid)
{
    return pid > 0 && waitpid(pid, NULL, WNOHANG) == 0;
}

static void nap(double s)
{
    struct timespec ts = { (time_t)s, (long)((s - (double)(time_t)s) * 1e9) };
    (void)nanosleep(&ts, NULL);
}

void bench_stop(pid_t *pid, double timeout_s)
{
    if (*pid <= 0) return;
    (void)kill(*pid, SIGTERM);
    double end = bench_now() + timeout_s;
    while (bench_alive(*pid)) {
        if (bench_now() > end) {
            (void)kill(*pid, SIGKILL);
            (void)waitpid(*pid, NULL, 0);
            break;
        }
        nap(0.005);
    }
    *pid = 0;
}

double bench_process_cpu(pid_t pid)
{
    clockid_t id;
    struct timespec ts;
    if (clock_getcpuclockid(pid, &id) != 0 || clock_gettime(id, &ts) != 0) return -1;
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

bool bench_process_memory(pid_t pid, uint64_t *resident, uint64_t *peak)
{
    char path[64], line[256];
    unsigned found = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    if (!f) return false;
    while (fgets(line, sizeof line, f)) {
        unsigned long long kb;
        if (sscanf(line, "VmRSS: %llu", &kb) == 1) *resident = kb * 1024, found++;
        if (sscanf(line, "VmHWM: %llu", &kb) == 1) *peak = kb * 1024, found++;
    }
    (void)fclose(f);
    return found == 2;
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

pt_status bench_broker_start(const bench_run *run, bench_broker *b, pt_error *err)
{
    char conf[512], log[512];
    *b = (bench_broker){ .port = bench_free_port() };
    if (!b->port) return pt_fail(err, PT_EIO, "no free port");
    snprintf(conf, sizeof conf, "%s/mosquitto-%u.conf", run->tmp, b->port);
    snprintf(log, sizeof log, "%s/mosquitto-%u.log", run->tmp, b->port);
    FILE *f = fopen(conf, "w");
    if (!f) return pt_fail(err, pt_status_from_errno(errno), "%s: %s", conf, strerror(errno));
    fprintf(f, "listener %u 127.0.0.1\nallow_anonymous true\npersistence false\nlog_type error\nuser root\n", b->port);
    if (fclose(f) != 0) return pt_fail(err, PT_EIO, "%s: %s", conf, strerror(errno));
    const char *argv[] = { "mosquitto", "-c", conf, NULL };
    setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    pt_status st = bench_spawn(argv, log, &b->pid, err);
    if (st) return st;
    for (double end = bench_now() + 5; bench_now() < end && bench_alive(b->pid); nap(0.01)) {
        int fd = connect_to(b->port);
        if (fd < 0) continue;
        (void)close(fd);
        return PT_OK;
    }
    bench_broker_stop(b);
    return pt_fail(err, PT_ETIMEOUT, "mosquitto did not start; see %s", log);
}

void bench_broker_stop(bench_broker *b)
{
    bench_stop(&b->pid, 5);
}

/* ---- publisher ---- */

static bool send_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) return false;
        p += k;
        n -= (size_t)k;
    }
    return true;
}

static bool recv_all(int fd, char *p, size_t n)
{
    while (n) {
        ssize_t k = recv(fd, p, n, 0);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) return false;
        p += k;
        n -= (size_t)k;
    }
    return true;
}

pt_status bench_publisher_open(uint16_t port, const char *client_id, int *fd, pt_error *err)
{
    size_t n = strlen(client_id);
    char packet[64] = { 0x10, (char)(12 + n), 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0, (char)n }, ack[4];
    if (n > 23) return pt_fail(err, PT_EINVAL, "client id too long");
    memcpy(packet + 14, client_id, n);
    int one = 1;
    *fd = connect_to(port);
    if (*fd < 0) return pt_fail(err, PT_EIO, "connect to the broker: %s", strerror(errno));
    (void)setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (send_all(*fd, packet, 14 + n) && recv_all(*fd, ack, 4) && ack[0] == 0x20 && ack[3] == 0) return PT_OK;
    (void)close(*fd);
    *fd = -1;
    return pt_fail(err, PT_EREFUSED, "the broker refused the publisher");
}

pt_status bench_publisher_send(int fd, pt_slice packets, pt_error *err)
{
    return send_all(fd, packets.ptr, packets.len) ? PT_OK : pt_fail(err, PT_EIO, "publishing: %s", strerror(errno));
}

pt_status bench_publisher_flush(int fd, pt_error *err)
{
    char ping[2] = { (char)0xC0, 0 }, pong[2];
    if (send_all(fd, ping, 2) && recv_all(fd, pong, 2) && pong[0] == (char)0xD0) return PT_OK;
    return pt_fail(err, PT_EIO, "no PINGRESP from the broker");
}

void bench_publisher_close(int fd)
{
    static const char disconnect[2] = { (char)0xE0, 0 };
    if (fd < 0) return;
    (void)send_all(fd, disconnect, 2);
    (void)close(fd);
}
