/* tests/base/http_stream_test.c -- streamed answers of the HTTP shell: pieces, wakes, heartbeats and ends, with real sockets. */
#include "tests/base/client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
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
static _Atomic int closed_total, slow_running;
static _Atomic bool release_slow;

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
    { "GET", "/live", on_live, NULL },     { "GET", "/beat", on_beat, NULL }, { "GET", "/export", on_export, NULL },
    { "GET", "/broken", on_broken, NULL }, { "GET", "/slow", on_slow, NULL }, { "GET", "/quick", on_quick, NULL },
};

static pt_http_server *server;
static uint16_t port;

static void start(uint32_t connections)
{
    pt_http_options o = { .listen = "127.0.0.1:0", .threads = 2, .max_connections = connections };
    pt_error err = { 0 };
    n_feeds = 0;
    closed_total = slow_running = 0;
    release_slow = false;
    CHECK_OK_FATAL(pt_http_start(&o, routes, PT_COUNT_OF(routes), NULL, NULL, pt_clock_system(), NULL, &server, &port, &err));
}

/* --- raw clients --- */

static bool all_closed(void *ctx)
{
    return closed_total == *(int *)ctx;
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
    start(0);
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
    start(0);
    answer a = client_ask(port, (ask){ .target = "/broken" });
    CHECK(a.curl != CURLE_OK);
    CHECK(client_has(&a, "data: 2\n\n"));
    client_release(&a);
    pt_http_stop(server);
    CHECK_INT(feeds[0].closed_calls, 1);
}

static void a_wake_brings_the_next_piece(void)
{
    start(0);
    int fd = client_send_get(port, "/live");
    CHECK(client_read_until(fd, "data: 0\n\n"));
    for (int i = 1; i < 200; i++) {
        char want[32];
        snprintf(want, sizeof want, "data: %d\n\n", i);
        say(&feeds[0], 1);
        CHECK(client_read_until(fd, want));
    }
    close(fd);
    pt_http_stop(server);
    CHECK_INT(feeds[0].closed_calls, 1);
}

static void an_idle_stream_is_asked_again_in_time(void)
{
    start(0);
    int fd = client_send_get(port, "/beat");
    CHECK(client_read_until(fd, ": hb\n\n"));
    CHECK(client_read_until(fd, ": hb\n\n"));
    close(fd);
    pt_http_stop(server);
    CHECK_INT(feeds[0].closed_calls, 1);
}

static void a_client_that_goes_away_is_noticed_without_a_write(void)
{
    int one = 1;
    start(0);
    int fd = client_send_get(port, "/live");
    CHECK(client_read_until(fd, "data: 0\n\n"));
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
    start(0);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char text[65536 + 1];
        size_t kept = 0;
        bool seen = false;
        int fd = client_send(port, rows[i]);
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
    start(0);
    answer a = client_ask(port, (ask){ .method = "HEAD", .target = "/live" });
    CHECK_INT(a.status, 200);
    CHECK_INT(a.body.len, 0);
    CHECK(client_wait(all_closed, &one));
    client_release(&a);
    pt_http_stop(server);
}

static void two_hundred_idle_streams_leave_the_pool_free(void)
{
    enum { N = 200 };
    int fds[N], all = N;
    start(256);
    for (int i = 0; i < N; i++)
        fds[i] = client_send_get(port, "/live");
    for (int i = 0; i < N; i++)
        CHECK(client_read_until(fds[i], "data: 0\n\n"));
    answer a = client_ask(port, (ask){ .target = "/quick" });
    CHECK_INT(a.status, 200);
    client_release(&a);
    for (int i = 0; i < N; i++)
        say(&feeds[i], 1);
    for (int i = 0; i < N; i++)
        CHECK(client_read_until(fds[i], "data: 1\n\n"));
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
    start(0);
    int live = client_send_get(port, "/live");
    CHECK(client_read_until(live, "data: 0\n\n"));
    int a = client_send_get(port, "/slow"), b = client_send_get(port, "/slow");
    CHECK(client_wait(slow_run, &two)); /* both handler threads are taken */
    say(&feeds[0], 1);
    CHECK(client_read_until(live, "data: 1\n\n"));
    release_slow = true;
    CHECK(client_read_until(a, "slow"));
    CHECK(client_read_until(b, "slow"));
    close(a);
    close(b);
    close(live);
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
    start(0);
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
        int fd = client_send_get(port, i % 2 ? "/live" : "/beat");
        if (i % 3 && !client_read_until(fd, "data: 1\n\n")) unheard++;
        close(fd);
    }
    return NULL;
}

static void clients_come_and_go_while_everybody_is_woken(void)
{
    pthread_t waker, clients[4];
    start(64);
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
        PT_TEST(many_clients_at_once_are_all_served),
        PT_TEST(clients_come_and_go_while_everybody_is_woken),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int rc = pt_test_main("base/http_stream", tests, PT_COUNT_OF(tests), argc, argv);
    curl_global_cleanup();
    return rc;
}
