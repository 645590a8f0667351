/* tests/base/http_test.c -- the life of the server: listening, bodies, the pool, nonsense on the wire, and the stop. */
#include "tests/base/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static _Atomic int slow_running;
static _Atomic bool release_slow;

static void echo_body(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    pt_http_reply(rq, 200, "application/octet-stream", pt_http_body(rq));
}
static void say_nothing(void *ctx, pt_http_request *rq)
{
    (void)ctx, (void)rq;
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
    { "GET", "/quick", on_quick, NULL },     { "POST", "/quick", on_quick, NULL }, { "POST", "/echo", echo_body, NULL },
    { "GET", "/silent", say_nothing, NULL }, { "GET", "/slow", on_slow, NULL },
};

static pt_http_server *server;
static uint16_t port;

static void start(void)
{
    pt_http_options o = { .listen = "127.0.0.1:0", .threads = 2, .max_body = 4096 };
    pt_error err = { 0 };
    slow_running = 0;
    release_slow = false;
    CHECK_OK_FATAL(pt_http_start(&o, routes, PT_COUNT_OF(routes), NULL, NULL, pt_clock_system(), NULL, &server, &port, &err));
}

static void stop(void)
{
    pt_http_stop(server);
}

static bool slow_run(void *ctx)
{
    return slow_running == *(int *)ctx;
}

static void bodies_arrive_whole_up_to_the_limit(void)
{
    char *big = malloc(4098);
    if (!big) abort();
    memset(big, 'x', 4097);
    big[4097] = '\0';
    start();
    answer a = client_ask(port, (ask){ .method = "POST", .target = "/echo", .body = "hello" });
    CHECK_INT(a.status, 200);
    CHECK_STR(pt_buf_view(&a.body), "hello");
    client_release(&a);
    a = client_ask(port, (ask){ .method = "POST", .target = "/echo", .body = big });
    CHECK_INT(a.status, 413);
    client_release(&a);
    a = client_ask(port, (ask){ .method = "POST", .target = "/echo", .body = big, .headers = { "Transfer-Encoding: chunked" } });
    CHECK_INT(a.status, 413);
    client_release(&a);
    big[4096] = '\0';
    a = client_ask(port, (ask){ .method = "POST", .target = "/echo", .body = big });
    CHECK_INT(a.status, 200);
    CHECK_INT(a.body.len, 4096);
    client_release(&a);
    free(big);
    stop();
}

static void a_handler_that_says_nothing_is_a_500(void)
{
    start();
    answer a = client_ask(port, (ask){ .target = "/silent" });
    CHECK_INT(a.status, 500);
    CHECK(client_has(&a, "urn:plantree:problem:internal"));
    client_release(&a);
    stop();
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
    start();
    int a = client_send_get(port, "/slow"), b = client_send_get(port, "/slow"), live = client_send_get(port, "/quick");
    CHECK(client_wait(slow_run, &two));
    CHECK_FATAL(pthread_create(&stopper, NULL, stop_thread, server) == 0);
    release_slow = true;
    CHECK(client_read_until(a, "slow"));
    CHECK(client_read_until(b, "slow"));
    CHECK(client_read_until(live, "HTTP/1.1")); /* the answer or 503, never silence */
    pthread_join(stopper, NULL);
    close(a);
    close(b);
    close(live);
}

static void broken_requests_harm_nobody(void)
{
    static const char *const rows[] = {
        "GET\r\n\r\n",
        "\r\n\r\n\r\n",
        "GET /quick HTTP/9.9\r\n\r\n",
        "GET /quick HTTP/1.1\r\nHost\r\n\r\n",
        "NONSENSE / HTTP/1.1\r\n\r\n",
        "POST /quick HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        "POST /quick HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n",
        "POST /quick HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST /quick HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc",
        "GET * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET http://localhost/quick HTTP/1.1\r\nHost: localhost\r\n\r\n",
    };
    start();
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char drain[4096];
        int fd = client_send(port, rows[i]);
        CHECK_ROW(rows[i], shutdown(fd, SHUT_WR) == 0 || errno == ENOTCONN); /* cut off by the server already */
        while (read(fd, drain, sizeof drain) > 0) {                          /* until the server hangs up */
        }
        close(fd);
    }
    char *big = malloc(80000);
    if (!big) abort();
    int n = snprintf(big, 64, "GET /");
    memset(big + n, 'a', 70000);
    memcpy(big + n + 70000, " HTTP/1.1\r\n\r\n", 14);
    int fd = client_dial(port);
    CHECK(write(fd, big, strlen(big)) > 0 || errno == ECONNRESET || errno == EPIPE);
    close(fd);
    free(big);
    answer a = client_ask(port, (ask){ .target = "/quick" });
    CHECK_INT(a.status, 200);
    client_release(&a);
    pt_http_stop(server);
}

static void every_way_to_listen_is_reached(void)
{
    static const struct {
        const char *listen, *host;
    } rows[] = {
        { "127.0.0.1:0", "127.0.0.1" }, { "localhost:0", "localhost" }, { "[::1]:0", "[::1]" },
        { "*:0", "127.0.0.1" },         { ":0", "127.0.0.1" },          { "[::]:0", "[::1]" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char url[100];
        long status = 0;
        pt_buf body;
        pt_error err = { 0 };
        pt_http_options o = { .listen = rows[i].listen };
        pt_status st = pt_http_start(&o, routes, PT_COUNT_OF(routes), NULL, NULL, pt_clock_system(), NULL, &server, &port, &err);
        if (st != PT_OK && strchr(rows[i].listen, '[')) continue; /* a machine without IPv6 */
        pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "%s: %s", rows[i].listen, err.text);
        snprintf(url, sizeof url, "http://%s:%u/quick", rows[i].host, port);
        pt_buf_init(&body, 4096);
        CHECK_ROW(rows[i].listen, client_get(url, &body, &status) == 0 && status == 200);
        CHECK_ROW(rows[i].listen, body.len > 0);
        pt_buf_fini(&body);
        pt_http_stop(server);
    }
}

static void bad_listen_texts_and_taken_ports_are_told_apart(void)
{
    static const struct {
        const char *listen;
        pt_status want;
    } rows[] = {
        { "8080", PT_EINVAL },   { "127.0.0.1:", PT_EINVAL },  { "127.0.0.1:70000", PT_EINVAL },
        { "::1:80", PT_EINVAL }, { "300.1.1.1:0", PT_EINVAL }, { "192.0.2.1:0", PT_EINVAL },
    };
    char taken[32];
    pt_http_server *second = NULL;
    pt_error err;
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_http_options o = { .listen = rows[i].listen };
        pt_status st = pt_http_start(&o, routes, 1, NULL, NULL, pt_clock_system(), NULL, &second, NULL, &err);
        CHECK_ROW(rows[i].listen, st == rows[i].want);
    }
    start();
    snprintf(taken, sizeof taken, "127.0.0.1:%u", port);
    pt_http_options o = { .listen = taken };
    CHECK_STATUS(pt_http_start(&o, routes, 1, NULL, NULL, pt_clock_system(), NULL, &second, NULL, &err), PT_EBUSY);
    pt_http_stop(server);
    pt_http_stop(NULL);
}

static void a_listen_text_is_checked_without_opening_anything(void)
{
    static const struct {
        const char *listen;
        pt_status want;
        const char *says;
    } rows[] = {
        { "127.0.0.1:8080", PT_OK, "" },
        { "[::1]:0", PT_OK, "" },
        { "*:65535", PT_OK, "" },
        { "no.such.host:1", PT_OK, "" },
        { "8080", PT_EINVAL, "ADDRESS:PORT" },
        { "", PT_EINVAL, "ADDRESS:PORT" },
        { "a:65536", PT_EINVAL, "ADDRESS:PORT" },
        { "a:-1", PT_EINVAL, "ADDRESS:PORT" },
        { "::1:80", PT_EINVAL, "[::1]:8080" },
    };
    char longest[400];
    pt_error err;
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        err = (pt_error){ 0 };
        CHECK_ROW(rows[i].listen, pt_http_listen_check(rows[i].listen, &err) == rows[i].want);
        CHECK_ROW(rows[i].listen, strstr(err.text, rows[i].says) != NULL);
    }
    memset(longest, 'a', 300);
    memcpy(longest + 300, ":80", 4);
    CHECK_STATUS(pt_http_listen_check(longest, &err), PT_EINVAL);
    CHECK(strstr(err.text, "too long"));
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(bodies_arrive_whole_up_to_the_limit),
        PT_TEST(a_handler_that_says_nothing_is_a_500),
        PT_TEST(a_stop_waits_for_what_runs_and_refuses_what_waits),
        PT_TEST(broken_requests_harm_nobody),
        PT_TEST(every_way_to_listen_is_reached),
        PT_TEST(bad_listen_texts_and_taken_ports_are_told_apart),
        PT_TEST(a_listen_text_is_checked_without_opening_anything),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int rc = pt_test_main("base/http", tests, PT_COUNT_OF(tests), argc, argv);
    curl_global_cleanup();
    return rc;
}
