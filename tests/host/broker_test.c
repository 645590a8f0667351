/* host/session/broker.c: a private mosquitto that comes back when it is killed and dies with the host, however the host dies. */
#include "host/session/broker.h"
#include "tests/support/broker.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct heard {
    pt_log log;
    long pid; /* of the last mosquitto */
    unsigned starts, ends;
    char last_end[300];
} heard;

static void hear(void *ctx, pt_log_level level, const char *id, const char *text)
{
    heard *h = ctx;
    (void)level;
    CHECK_STR(pt_cstr(id), "HOST-BROKER");
    const char *pid = strstr(text, ", pid ");
    if (strstr(text, "mosquitto started") && pid) {
        h->pid = strtol(pid + 6, NULL, 10);
        h->starts++;
    } else if (strstr(text, "mosquitto ended")) {
        h->ends++;
        snprintf(h->last_end, sizeof h->last_end, "%s", text);
    }
}

static void heard_init(heard *h)
{
    *h = (heard){ .log = { .level = PT_LOG_DEBUG, .write = hear, .ctx = h } };
}

static const char *fresh_dir(char dir[300])
{
    static unsigned n;
    snprintf(dir, 300, "%s/b%u", pt_test_dir(), n++);
    CHECK_FATAL(mkdir(dir, 0755) == 0);
    return dir;
}

/* Does an MQTT server answer a CONNECT here? */
static bool answers(int port)
{
    static const unsigned char hello[] = { 0x10, 13, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60, 0, 1, 'x' };
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval tv = { 2, 0 };
    unsigned char got[4] = { 0 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    bool ok = connect(fd, (struct sockaddr *)&a, sizeof a) == 0 && send(fd, hello, sizeof hello, MSG_NOSIGNAL) == (ssize_t)sizeof hello &&
              recv(fd, got, 4, MSG_WAITALL) == 4 && got[0] == 0x20 && got[3] == 0;
    close(fd);
    return ok;
}

static bool ticked(host_broker *b, bool condition)
{
    host_broker_tick(b);
    return condition;
}

static void an_address_without_a_port_and_a_directory_that_is_not_there_are_refused_by_name(void)
{
    static const char *const bad[] = { "tcp://127.0.0.1",       "tcp://127.0.0.1:",     "tcp://127.0.0.1:0",
                                       "tcp://127.0.0.1:65536", "tcp://127.0.0.1:mqtt", "" };
    char dir[300];
    fresh_dir(dir);
    for (size_t i = 0; i < PT_COUNT_OF(bad); i++) {
        host_broker *b = NULL;
        pt_error err = { 0, "" };
        CHECK_STATUS(host_broker_new(bad[i], dir, pt_clock_system(), NULL, &b, &err), PT_EINVAL);
        CHECK_ROW(bad[i], b == NULL && strstr(err.text, "port"));
    }
    host_broker *b = NULL;
    pt_error err = { 0, "" };
    CHECK(host_broker_new("tcp://127.0.0.1:1883", "/nowhere/at/all", pt_clock_system(), NULL, &b, &err) != PT_OK);
    CHECK(b == NULL && strstr(err.text, "/nowhere/at/all/broker.conf"));
    host_broker_free(NULL);
}

static void it_starts_on_loopback_and_ends_with_its_owner(void)
{
    char dir[300], url[64], conf[400], text[2000] = "";
    heard h;
    host_broker *b = NULL;
    int port = pt_free_port();
    heard_init(&h);
    snprintf(url, sizeof url, "tcp://127.0.0.1:%d", port);
    CHECK_OK_FATAL(host_broker_new(url, fresh_dir(dir), pt_clock_system(), &h.log, &b, NULL));
    CHECK(!answers(port) && h.starts == 0); /* the configuration is written, nothing runs yet */
    snprintf(conf, sizeof conf, "%s/broker.conf", dir);
    FILE *f = fopen(conf, "r");
    CHECK_FATAL(f != NULL);
    CHECK(fread(text, 1, sizeof text - 1, f) > 0);
    fclose(f);
    CHECK(strstr(text, " 127.0.0.1\n") != NULL); /* nobody else can reach it */
    CHECK_FATAL(host_broker_wait(b, 10000));
    CHECK(answers(port));
    CHECK_INT(h.starts, 1);
    long pid = h.pid;
    CHECK(pid > 0 && getpgid((pid_t)pid) == (pid_t)pid); /* Ctrl-C at our terminal is not for it */
    host_broker_free(b);
    CHECK(kill((pid_t)pid, 0) != 0 && errno == ESRCH);
    CHECK(!answers(port));
}

static void killed_it_comes_back_on_the_same_port(void)
{
    char dir[300], url[64];
    heard h;
    host_broker *b = NULL;
    int port = pt_free_port();
    heard_init(&h);
    snprintf(url, sizeof url, "tcp://127.0.0.1:%d", port);
    CHECK_OK_FATAL(host_broker_new(url, fresh_dir(dir), pt_clock_system(), &h.log, &b, NULL));
    CHECK_FATAL(host_broker_wait(b, 10000));
    for (unsigned i = 1; i <= 2; i++) {
        long before = h.pid;
        CHECK(kill((pid_t)before, SIGKILL) == 0);
        CHECK_WITHIN_FATAL(10000, ticked(b, h.ends == i));
        CHECK(strstr(h.last_end, "signal 9") && strstr(h.last_end, "broker.log"));
        CHECK_WITHIN_FATAL(20000, ticked(b, h.starts == i + 1 && answers(port)));
        CHECK(h.pid != before);
    }
    host_broker_free(b);
}

static void while_its_port_is_taken_it_is_tried_again_and_again(void)
{
    char dir[300], url[64];
    heard h;
    host_broker *b = NULL;
    pt_broker *other = pt_broker_start(NULL);
    int port = pt_broker_port(other);
    heard_init(&h);
    snprintf(url, sizeof url, "tcp://127.0.0.1:%d", port);
    CHECK_OK_FATAL(host_broker_new(url, fresh_dir(dir), pt_clock_system(), &h.log, &b, NULL));
    CHECK_WITHIN_FATAL(20000, ticked(b, h.ends == 2));
    CHECK(strstr(h.last_end, "exit ") && strstr(h.last_end, "next start in"));
    pt_broker_stop(other);
    CHECK_WITHIN_FATAL(20000, ticked(b, answers(port)));
    CHECK(host_broker_wait(b, 0));
    host_broker_free(b);
}

/* The host: a process of its own that says its broker's pid and never ends by itself. */
static _Noreturn void host_process(const char *url, const char *dir, int out)
{
    heard h;
    host_broker *b = NULL;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    h = (heard){ .log = { .level = PT_LOG_DEBUG, .write = hear, .ctx = &h } };
    if (host_broker_new(url, dir, pt_clock_system(), &h.log, &b, NULL) != PT_OK || !host_broker_wait(b, 10000)) _exit(1);
    if (write(out, &h.pid, sizeof h.pid) != sizeof h.pid) _exit(1);
    for (;;)
        pause();
}

static bool reaped(pid_t pid)
{
    int status;
    while (waitpid(-1, &status, WNOHANG) > 0) { /* its guard, too, is ours now */
    }
    return kill(pid, 0) != 0 && errno == ESRCH;
}

static void when_the_host_is_killed_its_broker_goes_with_it(void)
{
    char dir[300], url[64];
    int port = pt_free_port(), p[2];
    long broker = 0;
    CHECK_FATAL(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0); /* orphans come to us, so that none stays a zombie */
    snprintf(url, sizeof url, "tcp://127.0.0.1:%d", port);
    fresh_dir(dir);
    CHECK_FATAL(pipe(p) == 0);
    pid_t host = fork();
    CHECK_FATAL(host >= 0);
    if (host == 0) host_process(url, dir, p[1]);
    close(p[1]);
    CHECK_FATAL(read(p[0], &broker, sizeof broker) == sizeof broker);
    close(p[0]);
    CHECK(broker > 0 && answers(port));
    CHECK(kill(host, SIGKILL) == 0);
    CHECK_WITHIN(10000, reaped((pid_t)broker));
    CHECK(!answers(port));
    CHECK_WITHIN(10000, reaped(host));
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(an_address_without_a_port_and_a_directory_that_is_not_there_are_refused_by_name),
        PT_TEST(it_starts_on_loopback_and_ends_with_its_owner),
        PT_TEST(killed_it_comes_back_on_the_same_port),
        PT_TEST(while_its_port_is_taken_it_is_tried_again_and_again),
        PT_TEST(when_the_host_is_killed_its_broker_goes_with_it),
    };
    return pt_test_main("host/broker", tests, PT_COUNT_OF(tests), argc, argv);
}
