/* tests/support/broker.c */
#include "tests/support/broker.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct pt_broker {
    const char *dir; /* the test support's */
    char url[40], config[300], log[300];
    int port;
    pid_t pid; /* 0: not running */
};

struct pt_observer {
    pid_t pid;
    int fd; /* its stdout, not blocking */
    char *text;
    size_t len, cap, parsed;
    pt_observed **seen;
    size_t n, seen_cap;
    bool subscribed;
};

static void die(const char *what, const char *detail)
{
    fprintf(stderr, "test support: %s: %s\n", what, detail);
    exit(1);
}

int pt_free_port(void)
{
    for (int i = 0; i < 1000; i++) {
        uint16_t n = 0;
        if (getrandom(&n, sizeof n, 0) != (ssize_t)sizeof n) break;
        struct sockaddr_in a = { .sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                 .sin_port = htons((uint16_t)(10000 + n % 20000)) };
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (fd < 0) break;
        bool got = bind(fd, (struct sockaddr *)&a, sizeof a) == 0;
        close(fd);
        if (got) return ntohs(a.sin_port);
    }
    die("free port", strerror(errno));
    return 0;
}

static bool listens(int port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
    if (fd >= 0) close(fd);
    return ok;
}

/* The child dies with us. Descriptors >= 0 become its stdin is /dev/null, stdout and stderr. */
static pid_t spawn(char *const argv[], int out)
{
    pid_t parent = getpid(), pid = fork();
    if (pid < 0) die(argv[0], strerror(errno));
    if (pid > 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(out >= 0 ? out : null, 1);
    dup2(out >= 0 ? out : null, 2);
    for (int fd = 3; fd < 1024; fd++)
        close(fd);
    execvp(argv[0], argv);
    _exit(127);
}

static void end(pid_t *pid, int sig)
{
    if (*pid <= 0) return;
    kill(*pid, sig);
    if (!PT_WITHIN(5000, waitpid(*pid, NULL, WNOHANG) == *pid)) {
        kill(*pid, SIGKILL);
        waitpid(*pid, NULL, 0);
    }
    *pid = 0;
}

pt_broker *pt_broker_prepare(const char *config)
{
    pt_broker *b = calloc(1, sizeof *b);
    if (!b) die("broker", "out of memory");
    b->dir = pt_test_dir();
    b->port = pt_free_port();
    snprintf(b->url, sizeof b->url, "tcp://127.0.0.1:%d", b->port);
    snprintf(b->config, sizeof b->config, "%s/mosquitto.conf", b->dir);
    snprintf(b->log, sizeof b->log, "%s/mosquitto.log", b->dir);
    FILE *f = fopen(b->config, "w");
    if (!f) die(b->config, strerror(errno));
    fprintf(f, "persistence false\nlog_dest file %s\nlog_type all\nmax_queued_messages 0\nset_tcp_nodelay true\n", b->log);
    if (geteuid() == 0) fprintf(f, "user root\n");
    if (!config || !strstr(config, "allow_anonymous")) fprintf(f, "allow_anonymous true\n");
    fprintf(f, "listener %d 127.0.0.1\n%s\n", b->port, config ? config : "");
    if (fclose(f)) die(b->config, strerror(errno));
    return b;
}

void pt_broker_restart(pt_broker *b)
{
    char *argv[] = { (char *)(uintptr_t) "mosquitto", (char *)(uintptr_t) "-c", b->config, NULL };
    const char *path = getenv("PATH");
    if (!path || !strstr(path, "/usr/sbin")) { /* where Debian has it */
        char wider[4096];
        snprintf(wider, sizeof wider, "%s:/usr/sbin:/sbin", path ? path : "/usr/bin:/bin");
        setenv("PATH", wider, 1);
    }
    b->pid = spawn(argv, -1);
    int status;
    bool up = PT_WITHIN(10000, listens(b->port) || waitpid(b->pid, &status, WNOHANG) == b->pid);
    if (!up || !listens(b->port)) die("mosquitto did not start, see", b->log);
}

pt_broker *pt_broker_start(const char *config)
{
    pt_broker *b = pt_broker_prepare(config);
    pt_broker_restart(b);
    return b;
}

int pt_broker_port(const pt_broker *b)
{
    return b->port;
}
const char *pt_broker_url(const pt_broker *b)
{
    return b->url;
}
const char *pt_broker_dir(const pt_broker *b)
{
    return b->dir;
}
void pt_broker_halt(pt_broker *b)
{
    end(&b->pid, SIGTERM);
}
void pt_broker_kill9(pt_broker *b)
{
    end(&b->pid, SIGKILL);
}
void pt_broker_freeze(pt_broker *b)
{
    if (b->pid > 0) kill(b->pid, SIGSTOP);
}
void pt_broker_thaw(pt_broker *b)
{
    if (b->pid > 0) kill(b->pid, SIGCONT);
}
void pt_broker_stop(pt_broker *b)
{
    if (!b) return;
    pt_broker_thaw(b);
    end(&b->pid, SIGTERM);
    free(b);
}

size_t pt_broker_log_count(const pt_broker *b, const char *text)
{
    char line[4096];
    size_t n = 0;
    FILE *f = fopen(b->log, "r");
    while (f && fgets(line, sizeof line, f))
        n += strstr(line, text) != NULL;
    if (f) fclose(f);
    return n;
}

/* ---- observer ---- */

static void keep(pt_observer *o, char *line)
{
    char *topic = line + 2, *qos = strchr(topic, '\t'), *retain = qos ? strchr(qos + 1, '\t') : NULL;
    char *hex = retain ? strchr(retain + 1, '\t') : NULL;
    if (!hex) die("observer line", line);
    *qos++ = *retain++ = *hex++ = '\0';
    if (o->n == o->seen_cap) {
        o->seen_cap = o->seen_cap ? o->seen_cap * 2 : 64;
        o->seen = realloc(o->seen, o->seen_cap * sizeof(pt_observed *));
        if (!o->seen) die("observer", "out of memory");
    }
    pt_observed *m = calloc(1, sizeof *m);
    char *bytes = malloc(strlen(hex) / 2 + 1);
    if (!m || !bytes) die("observer", "out of memory");
    *m = (pt_observed){ strdup(topic), pt_unhex(hex, bytes, strlen(hex) / 2), atoi(qos), atoi(retain) != 0 };
    o->seen[o->n++] = m;
}

static void take_output(pt_observer *o)
{
    for (;;) {
        if (o->cap - o->len < 65536) {
            o->cap = o->cap + 262144;
            if (!(o->text = realloc(o->text, o->cap))) die("observer", "out of memory");
        }
        ssize_t n = read(o->fd, o->text + o->len, o->cap - o->len);
        if (n <= 0) break;
        o->len += (size_t)n;
    }
    char *nl;
    while (o->parsed < o->len && (nl = memchr(o->text + o->parsed, '\n', o->len - o->parsed))) {
        char *line = o->text + o->parsed;
        *nl = '\0';
        o->parsed = (size_t)(nl - o->text) + 1;
        if (strncmp(line, "M\t", 2) == 0) keep(o, line);
        else if (strncmp(line, "Subscribed", 10) == 0) o->subscribed = true;
    }
    memmove(o->text, o->text + o->parsed, o->len - o->parsed);
    o->len -= o->parsed;
    o->parsed = 0;
}

static bool is_subscribed(pt_observer *o)
{
    take_output(o);
    return o->subscribed;
}

pt_observer *pt_observer_start(const pt_broker *b, const char *filter)
{
    char port[16], name[40];
    int out[2];
    pt_observer *o = calloc(1, sizeof *o);
    if (!o || pipe2(out, O_CLOEXEC)) die("observer", strerror(errno));
    snprintf(port, sizeof port, "%d", b->port);
    snprintf(name, sizeof name, "observer-%d-%d", (int)getpid(), out[0]);
    char *argv[] = { "stdbuf",
                     "-oL",
                     "mosquitto_sub",
                     "-h",
                     "127.0.0.1",
                     "-p",
                     port,
                     "-i",
                     name,
                     "-V",
                     "mqttv5",
                     "-q",
                     "1",
                     "--retain-as-published",
                     "-d",
                     "-F",
                     "M\t%t\t%q\t%r\t%x",
                     "-t",
                     (char *)(uintptr_t)filter,
                     NULL };
    o->pid = spawn(argv, out[1]);
    close(out[1]);
    o->fd = out[0];
    fcntl(o->fd, F_SETFL, O_NONBLOCK);
    if (!PT_WITHIN(10000, is_subscribed(o))) die("mosquitto_sub did not subscribe to", filter);
    return o;
}

size_t pt_observer_count(pt_observer *o)
{
    take_output(o);
    return o->n;
}

const pt_observed *pt_observer_at(pt_observer *o, size_t i)
{
    take_output(o);
    return i < o->n ? o->seen[i] : NULL;
}

size_t pt_observer_count_topic(pt_observer *o, const char *topic)
{
    size_t n = 0;
    take_output(o);
    for (size_t i = 0; i < o->n; i++)
        n += strcmp(o->seen[i]->topic, topic) == 0;
    return n;
}

void pt_observer_stop(pt_observer *o)
{
    if (!o) return;
    end(&o->pid, SIGTERM);
    close(o->fd);
    for (size_t i = 0; i < o->n; i++) {
        free((char *)(uintptr_t)o->seen[i]->topic);
        free((char *)(uintptr_t)o->seen[i]->payload.ptr);
        free(o->seen[i]);
    }
    free(o->seen);
    free(o->text);
    free(o);
}

void pt_broker_publish(const pt_broker *b, const char *topic, pt_slice payload, int qos, bool retain)
{
    char port[16], q[4], file[300];
    snprintf(port, sizeof port, "%d", b->port);
    snprintf(q, sizeof q, "%d", qos);
    snprintf(file, sizeof file, "%s/publish", b->dir);
    FILE *f = fopen(file, "w");
    if (!f || fwrite(payload.ptr ? payload.ptr : "", 1, payload.len, f) != payload.len || fclose(f)) die(file, strerror(errno));
    char *argv[] = { "mosquitto_pub",
                     "-h",
                     "127.0.0.1",
                     "-p",
                     port,
                     "-q",
                     q,
                     "-t",
                     (char *)(uintptr_t)topic,
                     payload.len ? "-f" : "-n",
                     payload.len ? file
                     : retain    ? "-r"
                                 : NULL,
                     payload.len && retain ? "-r" : NULL,
                     NULL };
    pid_t pid = spawn(argv, -1);
    int status = -1;
    if (waitpid(pid, &status, 0) != pid || status != 0) die("mosquitto_pub failed for", topic);
}
