/* tests/base/http_stream_test.c -- streams, deferred answers, protection and shutdown of the HTTP shell, with real sockets. */
#include "tests/base/client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_FEEDS = 256 };

/* A live stream as the host has it: a lock of its own, a counter of what is to be said, a handle to wake. */
typedef struct feed {
    pt_http_stream *handle; /* lock; NULL before begin and after closed */
    int said, due;          /* lock */
    bool end, broken;       /* lock */
    int idle_calls;
    int closed_calls;
} feed;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static feed feeds[MAX_FEEDS];
static int n_feeds; /* lock */
static _Atomic int closed_total, deferred_total, slow_running;
static _Atomic bool release_slow;
static pt_http_request *deferred[8];

static pt_status more(void *stream, pt_buf *out)
{
    feed *f = stream;
    pt_status st = PT_EEMPTY;
    pthread_mutex_lock(&lock);
    if (f->said < f->due) {
        pt_buf_printf(out, "data: %d\n\n", f->said++);
        st = PT_OK;
    } else if (f->broken) {
        st = PT_EIO;
    } else if (f->end) {
        st = PT_ECLOSED;
    } else {
        f->idle_calls++;
        if (f->idle_calls > 1) pt_buf_cstr(out, ": hb\n\n");
    }
    pthread_mutex_unlock(&lock);
    return st;
}

static void closed(void *stream)
{
    feed *f = stream;
    pthread_mutex_lock(&lock);
    f->handle = NULL;
    f->closed_calls++;
    pthread_mutex_unlock(&lock);
    closed_total++;
}

static const pt_http_stream_ops quiet = { more, closed, 0 };
static const pt_http_stream_ops beating = { more, closed, 20 };

static void begin(pt_http_request *rq, const pt_http_stream_ops *ops, int due, bool end)
{
    pthread_mutex_lock(&lock);
    feed *f = &feeds[n_feeds++];
    *f = (feed){ .due = due, .end = end };
    f->handle = pt_http_stream_begin(rq, 200, "text/event-stream", ops, f);
    pthread_mutex_unlock(&lock);
}

static void on_live(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    begin(rq, &quiet, 1, false);
}
static void on_beat(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    begin(rq, &beating, 0, false);
}
static void on_export(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    begin(rq, &quiet, 20000, true);
}
static void on_broken(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    begin(rq, &quiet, 3, false);
    pthread_mutex_lock(&lock);
    feeds[n_feeds - 1].broken = true;
    pthread_mutex_unlock(&lock);
}
static void on_defer(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    pt_http_defer(rq);
    deferred[deferred_total % 8] = rq;
    deferred_total++;
}
static void on_slow(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    const struct timespec pause = { 0, 1000000 };
    slow_running++;
    while (!release_slow)
        nanosleep(&pause, NULL);
    slow_running--;
    pt_http_reply(rq, 200, "text/plain", PT_LIT("slow"));
}
static void on_quick(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    pt_http_reply(rq, 200, "text/plain", PT_LIT("quick"));
}

static const pt_http_route routes[] = {
    { "GET", "/live", on_live, NULL },   { "GET", "/beat", on_beat, NULL },   { "GET", "/export", on_export, NULL },
    { "GET", "/broken", on_broken, NULL }, { "GET", "/defer", on_defer, NULL }, { "GET", "/slow", on_slow, NULL },
    { "GET", "/quick", on_quick, NULL }, { "POST", "/quick", on_quick, NULL },
};

static pt_http_server *server;
static uint16_t port;

static void start(uint32_t connections, const char *const *hosts)
{
    pt_http_options o = { .listen = "127.0.0.1:0", .threads = 2, .max_connections = connections, .hosts = hosts };
    pt_error err = { 0 };
    n_feeds = 0;
    closed_total = deferred_total = slow_running = 0;
    release_slow = false;
    CHECK_OK_FATAL(
        pt_http_start(&o, routes, PT_COUNT_OF(routes), NULL, NULL, pt_clock_system(), NULL, &server, &port, &err));
}

/* --- raw clients --- */

static int dial(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval patience = { 5, 0 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a)) abort();
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience)) abort();
    return fd;
}

static int ask_raw(const char *text)
{
    int fd = dial();
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text)) abort();
    return fd;
}

static int ask_get(const char *target)
{
    char text[256];
    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", target);
    return ask_raw(text);
}

/* Read until `what` was seen; false at the end of the stream or after five seconds. */
static bool read_until(int fd, const char *what)
{
    char text[65536];
    size_t n = 0;
    while (n < sizeof text - 1) {
        ssize_t r = read(fd, text + n, sizeof text - 1 - n);
        if (r <= 0) return false;
        n += (size_t)r;
        text[n] = '\0';
        if (strstr(text, what)) return true;
    }
    return false;
}

static bool all_closed(void *ctx)
{
    return closed_total == *(int *)ctx;
}
static bool one_deferred(void *ctx)
{
    return deferred_total == *(int *)ctx;
}
static bool slow_run(void *ctx)
{
    return slow_running == *(int *)ctx;
}
static bool no_feed_left(void *ctx)
{
    bool none = true;
    (void)ctx;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < n_feeds; i++)
        none = none && !feeds[i].handle;
    pthread_mutex_unlock(&lock);
    return none;
}

static void say(feed *f, int n)
{
    pthread_mutex_lock(&lock);
    f->due += n;
    if (f->handle) pt_http_wake(f->handle);
    pthread_mutex_unlock(&lock);
}

/* --- the tests --- */

static void an_export_streams_all_its_pieces_and_ends(void)
{
    int one = 1;
    start(0, NULL);
    answer a = client_ask(port, (ask){ .target = "/export" });
    CHECK_INT(a.curl, CURLE_OK);
    CHECK_INT(a.status, 200);
    CHECK(client_has(&a, "data: 19999\n\n"));
    CHECK(client_header(&a, "Cache-Control: no-cache"));
    CHECK(client_header(&a, "X-Accel-Buffering: no"));
    CHECK(client_wait(all_closed, &one));
    client_release(&a);
    pt_http_stop(server);
    CHECK_INT(feeds[0].closed_calls, 1);
}

static void a_stream_that_breaks_does_not_look_complete(void)
{
    start(0, NULL);
    answer a = client_ask(port, (ask){ .target = "/broken" });
    CHECK(a.curl != CURLE_OK);
    CHECK(client_has(&a, "data: 2\n\n"));
    client_release(&a);
    pt_http_stop(server);
    CHECK_INT(feeds[0].closed_calls, 1);
}

static void a_wake_brings_the_next_piece(void)
{
    start(0, NULL);
    int fd = ask_get("/live");
    CHECK(read_until(fd, "data: 0\n\n"));
    for (int i = 1; i < 200; i++) {
        char want[32];
        snprintf(want, sizeof want, "data: %d\n\n", i);
        say(&feeds[0], 1);
        CHECK(read_until(fd, want));
    }
    close(fd);
    pt_http_stop(server);
    CHECK_INT(feeds[0].closed_calls, 1);
}

static void an_idle_stream_is_asked_again_in_time(void)
{
    start(0, NULL);
    int fd = ask_get("/beat");
    CHECK(read_until(fd, ": hb\n\n"));
    CHECK(read_until(fd, ": hb\n\n"));
    close(fd);
    pt_http_stop(server);
    CHECK_INT(feeds[0].closed_calls, 1);
}

static void a_client_that_goes_away_is_noticed_without_a_write(void)
{
    int one = 1;
    start(0, NULL);
    int fd = ask_get("/live");
    CHECK(read_until(fd, "data: 0\n\n"));
    close(fd);
    CHECK(client_wait(all_closed, &one));
    CHECK(client_wait(no_feed_left, NULL));
    pt_http_stop(server);
    CHECK_INT(feeds[0].closed_calls, 1);
}

static void exports_reach_old_clients_and_proxies(void)
{
    static const char *const rows[] = { "GET /export HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                                        "GET /export HTTP/1.0\r\nHost: localhost\r\n\r\n",
                                        "GET http://localhost/export HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" };
    start(0, NULL);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char text[65536 + 1];
        size_t kept = 0;
        bool seen = false;
        int fd = ask_raw(rows[i]);
        for (ssize_t n; (n = read(fd, text + kept, 65536 - kept)) > 0;) {
            size_t all = kept + (size_t)n;
            text[all] = '\0';
            seen = seen || strstr(text, "19999\n\n");
            kept = all < 64 ? all : 64; /* an end that is cut in two is still found */
            memmove(text, text + all - kept, kept);
        }
        CHECK_ROW(rows[i], seen);
        close(fd);
    }
    pt_http_stop(server);
}

static void a_head_request_opens_no_stream_for_long(void)
{
    int one = 1;
    start(0, NULL);
    answer a = client_ask(port, (ask){ .method = "HEAD", .target = "/live" });
    CHECK_INT(a.status, 200);
    CHECK_INT(a.body.len, 0);
    CHECK(client_wait(all_closed, &one));
    client_release(&a);
    a = client_ask(port, (ask){ .method = "HEAD", .target = "/quick" });
    CHECK_INT(a.status, 200);
    CHECK(client_header(&a, "Content-Length: 5"));
    client_release(&a);
    pt_http_stop(server);
}

static void two_hundred_idle_streams_leave_the_pool_free(void)
{
    enum { N = 200 };
    int fds[N], all = N;
    start(256, NULL);
    for (int i = 0; i < N; i++)
        fds[i] = ask_get("/live");
    for (int i = 0; i < N; i++)
        CHECK(read_until(fds[i], "data: 0\n\n"));
    answer a = client_ask(port, (ask){ .target = "/quick" });
    CHECK_INT(a.status, 200);
    client_release(&a);
    for (int i = 0; i < N; i++)
        say(&feeds[i], 1);
    for (int i = 0; i < N; i++)
        CHECK(read_until(fds[i], "data: 1\n\n"));
    pt_http_stop(server);
    CHECK_INT(closed_total, all);
    for (int i = 0; i < N; i++) {
        CHECK_INT(feeds[i].closed_calls, 1);
        close(fds[i]);
    }
}

static void slow_handlers_do_not_hold_up_live_streams(void)
{
    int two = 2;
    start(0, NULL);
    int live = ask_get("/live");
    CHECK(read_until(live, "data: 0\n\n"));
    int a = ask_get("/slow"), b = ask_get("/slow");
    CHECK(client_wait(slow_run, &two)); /* both handler threads are taken */
    say(&feeds[0], 1);
    CHECK(read_until(live, "data: 1\n\n"));
    release_slow = true;
    CHECK(read_until(a, "slow"));
    CHECK(read_until(b, "slow"));
    close(a);
    close(b);
    close(live);
    pt_http_stop(server);
}

static void a_deferred_answer_comes_from_another_thread(void)
{
    int one = 1, two = 2;
    start(0, NULL);
    int fd = ask_get("/defer");
    CHECK(client_wait(one_deferred, &one));
    pt_http_reply(deferred[0], 200, "text/plain", PT_LIT("later"));
    CHECK(read_until(fd, "later"));
    /* On the same connection, and the client gone before the answer. */
    const char *again = "GET /defer HTTP/1.1\r\nHost: localhost\r\n\r\n";
    CHECK(write(fd, again, strlen(again)) == (ssize_t)strlen(again));
    CHECK(client_wait(one_deferred, &two));
    close(fd);
    pt_http_problem(deferred[1], 504, "write-timeout", "no confirmation came");
    pt_http_stop(server);
}

static void *stop_thread(void *arg)
{
    pt_http_stop(arg);
    return NULL;
}

static void a_stop_waits_for_what_runs_and_refuses_what_waits(void)
{
    int two = 2;
    pthread_t stopper;
    start(0, NULL);
    int a = ask_get("/slow"), b = ask_get("/slow"), live = ask_get("/quick");
    CHECK(client_wait(slow_run, &two));
    CHECK_FATAL(pthread_create(&stopper, NULL, stop_thread, server) == 0);
    release_slow = true;
    CHECK(read_until(a, "slow"));
    CHECK(read_until(b, "slow"));
    CHECK(read_until(live, "HTTP/1.1")); /* the answer or 503, never silence */
    pthread_join(stopper, NULL);
    close(a);
    close(b);
    close(live);
}

static void a_stop_with_clients_that_do_not_read_is_quick(void)
{
    start(0, NULL);
    int fds[8];
    for (int i = 0; i < 8; i++)
        fds[i] = ask_get("/export");
    for (int i = 0; i < 8; i++)
        CHECK(read_until(fds[i], "data: 0\n\n"));
    pt_http_stop(server);
    CHECK_INT(closed_total, 8);
    for (int i = 0; i < 8; i++)
        close(fds[i]);
}

static void connections_are_bounded_and_come_back(void)
{
    enum { N = 8 };
    int fds[N], all = N;
    start(N, NULL);
    for (int i = 0; i < N; i++)
        fds[i] = ask_get("/live");
    for (int i = 0; i < N; i++)
        CHECK(read_until(fds[i], "data: 0\n\n"));
    answer a = client_ask(port, (ask){ .target = "/quick", .timeout_ms = 100 });
    CHECK(a.status != 200);
    client_release(&a);
    for (int i = 0; i < N; i++)
        close(fds[i]);
    CHECK(client_wait(all_closed, &all));
    a = client_ask(port, (ask){ .target = "/quick" });
    CHECK_INT(a.status, 200);
    client_release(&a);
    pt_http_stop(server);
}

static void foreign_names_and_sites_are_refused(void)
{
    static const char *const proxies[] = { "plant.example", NULL };
    static const struct { const char *method, *header, *second; long status; } rows[] = {
        { "GET", "Host: localhost:1", NULL, 200 },
        { "GET", "Host: LOCALHOST", NULL, 200 },
        { "GET", "Host: 127.0.0.5:8080", NULL, 200 },
        { "GET", "Host: [::1]:8080", NULL, 200 },
        { "GET", "Host: plant.example", NULL, 200 },
        { "GET", "Host: evil.example", NULL, 403 },
        { "GET", "Host: 127.0.0.1.evil.example", NULL, 403 },
        { "GET", "Sec-Fetch-Site: cross-site", NULL, 200 },
        { "POST", "Sec-Fetch-Site: cross-site", NULL, 403 },
        { "POST", "Sec-Fetch-Site: same-site", NULL, 403 },
        { "POST", "Sec-Fetch-Site: same-origin", NULL, 200 },
        { "POST", "Sec-Fetch-Site: none", NULL, 200 },
        { "POST", "Origin: http://localhost:9", "Host: localhost:9", 200 },
        { "POST", "Origin: http://evil.example", "Host: localhost:9", 403 },
        { "POST", "Origin: null", "Host: localhost:9", 403 },
        { "POST", NULL, NULL, 200 },
    };
    start(0, proxies);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        answer a = client_ask(port, (ask){ .method = rows[i].method, .target = "/quick", .headers = { rows[i].header, rows[i].second } });
        CHECK_ROW(rows[i].header ? rows[i].header : "none", a.status == rows[i].status);
        client_release(&a);
    }
    pt_http_stop(server);
}

static void broken_requests_harm_nobody(void)
{
    static const char *const rows[] = {
        "GET\r\n\r\n", "\r\n\r\n\r\n", "GET /quick HTTP/9.9\r\n\r\n", "GET /quick HTTP/1.1\r\nHost\r\n\r\n", "NONSENSE / HTTP/1.1\r\n\r\n",
        "POST /quick HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        "POST /quick HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n",
        "POST /quick HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST /quick HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc", "GET * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET http://localhost/quick HTTP/1.1\r\nHost: localhost\r\n\r\n",
    };
    start(0, NULL);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char drain[4096];
        int fd = ask_raw(rows[i]);
        CHECK_ROW(rows[i], shutdown(fd, SHUT_WR) == 0 || errno == ENOTCONN); /* cut off by the server already */
        while (read(fd, drain, sizeof drain) > 0) { /* until the server hangs up */
        }
        close(fd);
    }
    char *big = malloc(80000);
    if (!big) abort();
    int n = snprintf(big, 64, "GET /");
    memset(big + n, 'a', 70000);
    memcpy(big + n + 70000, " HTTP/1.1\r\n\r\n", 14);
    int fd = dial();
    CHECK(write(fd, big, strlen(big)) > 0 || errno == ECONNRESET || errno == EPIPE);
    close(fd);
    free(big);
    answer a = client_ask(port, (ask){ .target = "/quick" });
    CHECK_INT(a.status, 200);
    client_release(&a);
    pt_http_stop(server);
}

static void *hammer(void *arg)
{
    int *ok = arg;
    for (int i = 0; i < 60; i++) {
        answer a = client_ask(port, (ask){ .target = i % 5 ? "/quick" : "/export" });
        *ok += a.status == 200 && a.curl == CURLE_OK;
        client_release(&a);
    }
    return NULL;
}

static void many_clients_at_once_are_all_served(void)
{
    enum { N = 8 };
    pthread_t t[N];
    int ok[N] = { 0 };
    start(0, NULL);
    for (int i = 0; i < N; i++)
        CHECK_FATAL(pthread_create(&t[i], NULL, hammer, &ok[i]) == 0);
    for (int i = 0; i < N; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < N; i++)
        CHECK_INT(ok[i], 60);
    pt_http_stop(server);
    CHECK_INT(closed_total, n_feeds);
}

static _Atomic bool waking;
static _Atomic int unheard;
static void *wake_all(void *arg)
{
    (void)arg;
    while (waking) {
        pthread_mutex_lock(&lock);
        for (int i = 0; i < n_feeds; i++) {
            feeds[i].due++;
            if (feeds[i].handle) pt_http_wake(feeds[i].handle);
        }
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static void *come_and_go(void *arg)
{
    (void)arg;
    for (int i = 0; i < 50; i++) {
        int fd = ask_get(i % 2 ? "/live" : "/beat");
        if (i % 3 && !read_until(fd, "data: 1\n\n")) unheard++;
        close(fd);
    }
    return NULL;
}

static void clients_come_and_go_while_everybody_is_woken(void)
{
    pthread_t waker, clients[4];
    start(64, NULL);
    unheard = 0;
    waking = true;
    CHECK_FATAL(pthread_create(&waker, NULL, wake_all, NULL) == 0);
    for (int i = 0; i < 4; i++)
        CHECK_FATAL(pthread_create(&clients[i], NULL, come_and_go, NULL) == 0);
    for (int i = 0; i < 4; i++)
        pthread_join(clients[i], NULL);
    pt_http_stop(server); /* still being woken */
    waking = false;
    pthread_join(waker, NULL);
    CHECK_INT(unheard, 0);
    CHECK(n_feeds > 100 && n_feeds <= 200); /* who left at once may not have been heard */
    CHECK_INT(closed_total, n_feeds);
    for (int i = 0; i < n_feeds; i++)
        CHECK_INT(feeds[i].closed_calls, 1);
}

static _Atomic bool garbling;
static _Atomic int garbled_port;
/* Requests the library refuses by itself, one after the other, at whatever server runs now. */
static void *send_garbage(void *arg)
{
    static const char text[] = "GET /quick HTTP/9.9\r\nHost: localhost\r\n\r\n";
    (void)arg;
    while (garbling) {
        char drain[512];
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)garbled_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        struct timeval patience = { 1, 0 };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience)) abort();
        if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0 && send(fd, text, sizeof text - 1, MSG_NOSIGNAL) > 0) {
            while (read(fd, drain, sizeof drain) > 0) { /* until the server hangs up */
            }
        }
        close(fd);
    }
    return NULL;
}

/* libmicrohttpd 0.9.75 runs into a NULL when it refuses a request in the moment it is stopped. */
static void a_stop_amid_garbage_harms_nobody(void)
{
    pthread_t clients[4];
    garbling = true;
    for (int i = 0; i < 4; i++)
        CHECK_FATAL(pthread_create(&clients[i], NULL, send_garbage, NULL) == 0);
    for (int i = 0; i < 50; i++) {
        start(0, NULL);
        garbled_port = port;
        answer a = client_ask(port, (ask){ .target = "/quick" });
        CHECK_INT(a.status, 200);
        client_release(&a);
        pt_http_stop(server);
    }
    garbling = false;
    for (int i = 0; i < 4; i++)
        pthread_join(clients[i], NULL);
}

static void bad_listen_texts_and_taken_ports_are_told_apart(void)
{
    static const struct { const char *listen; pt_status want; } rows[] = {
        { "8080", PT_EINVAL }, { "127.0.0.1:", PT_EINVAL }, { "127.0.0.1:70000", PT_EINVAL }, { "::1:80", PT_EINVAL },
        { "300.1.1.1:0", PT_EINVAL }, { "192.0.2.1:0", PT_EINVAL },
    };
    char taken[32];
    pt_http_server *second = NULL;
    pt_error err;
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_http_options o = { .listen = rows[i].listen };
        pt_status st = pt_http_start(&o, routes, 1, NULL, NULL, pt_clock_system(), NULL, &second, NULL, &err);
        CHECK_ROW(rows[i].listen, st == rows[i].want);
    }
    start(0, NULL);
    snprintf(taken, sizeof taken, "127.0.0.1:%u", port);
    pt_http_options o = { .listen = taken };
    CHECK_STATUS(pt_http_start(&o, routes, 1, NULL, NULL, pt_clock_system(), NULL, &second, NULL, &err), PT_EBUSY);
    pt_http_stop(server);
    pt_http_stop(NULL);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(an_export_streams_all_its_pieces_and_ends),
        PT_TEST(a_stream_that_breaks_does_not_look_complete),
        PT_TEST(a_wake_brings_the_next_piece),
        PT_TEST(an_idle_stream_is_asked_again_in_time),
        PT_TEST(a_client_that_goes_away_is_noticed_without_a_write),
        PT_TEST(exports_reach_old_clients_and_proxies),
        PT_TEST(a_head_request_opens_no_stream_for_long),
        PT_TEST(two_hundred_idle_streams_leave_the_pool_free),
        PT_TEST(slow_handlers_do_not_hold_up_live_streams),
        PT_TEST(a_deferred_answer_comes_from_another_thread),
        PT_TEST(a_stop_waits_for_what_runs_and_refuses_what_waits),
        PT_TEST(a_stop_with_clients_that_do_not_read_is_quick),
        PT_TEST(connections_are_bounded_and_come_back),
        PT_TEST(foreign_names_and_sites_are_refused),
        PT_TEST(broken_requests_harm_nobody),
        PT_TEST(many_clients_at_once_are_all_served),
        PT_TEST(clients_come_and_go_while_everybody_is_woken),
        PT_TEST(a_stop_amid_garbage_harms_nobody),
        PT_TEST(bad_listen_texts_and_taken_ports_are_told_apart),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int rc = pt_test_main("base/http_stream", tests, PT_COUNT_OF(tests), argc, argv);
    curl_global_cleanup();
    return rc;
}
