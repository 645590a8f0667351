/* tests/base/http_connections_test.c -- connections are bounded, come back, and a stop ends the open ones whatever they are doing. */
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

static _Atomic int closed_total;

static pt_status more(void *stream, pt_buf *out)
{
    bool live = stream != NULL;
    if (live && *(int *)stream) return PT_EEMPTY;
    if (live) *(int *)stream = 1;
    for (int i = 0; i < (live ? 1 : 1000); i++)
        pt_buf_printf(out, "data: %d\n\n", i);
    return PT_OK;
}
static void closed(void *stream)
{
    free(stream);
    closed_total++;
}
static const pt_http_stream_ops ops = { more, closed, 0 };

/* One piece, then silence. */
static void on_live(void *ctx, pt_http_request *rq)
{
    int *said = calloc(1, sizeof *said);
    (void)ctx;
    if (!said) abort();
    pt_http_stream_begin(rq, 200, "text/event-stream", &ops, said);
}
/* Without an end. */
static void on_export(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    pt_http_stream_begin(rq, 200, "text/event-stream", &ops, NULL);
}
static void on_quick(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    pt_http_reply(rq, 200, "text/plain", PT_LIT("quick"));
}

static const pt_http_route routes[] = {
    { "GET", "/live", on_live, NULL },
    { "GET", "/export", on_export, NULL },
    { "GET", "/quick", on_quick, NULL },
    { "POST", "/quick", on_quick, NULL },
};

static pt_http_server *server;
static uint16_t port;

static void start(uint32_t connections)
{
    pt_http_options o = { .listen = "127.0.0.1:0", .threads = 2, .max_connections = connections };
    pt_error err = { 0 };
    closed_total = 0;
    CHECK_OK_FATAL(pt_http_start(&o, routes, PT_COUNT_OF(routes), NULL, NULL, pt_clock_system(), NULL, &server, &port, &err));
}

static bool all_closed(void *ctx)
{
    return closed_total == *(int *)ctx;
}

/* The peer has ended the connection: an end or a reset, not silence. */
static bool ended(int fd)
{
    char drain[4096];
    ssize_t n;
    while ((n = read(fd, drain, sizeof drain)) > 0) {}
    return n == 0 || errno == ECONNRESET;
}

static void connections_are_bounded_and_come_back(void)
{
    enum { N = 8 };
    int fds[N], all = N;
    start(N);
    for (int i = 0; i < N; i++)
        fds[i] = client_send_get(port, "/live");
    for (int i = 0; i < N; i++)
        CHECK(client_read_until(fds[i], "data: 0\n\n"));
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

static void a_stop_with_clients_that_do_not_read_is_quick(void)
{
    start(0);
    int fds[8];
    for (int i = 0; i < 8; i++)
        fds[i] = client_send_get(port, "/export");
    for (int i = 0; i < 8; i++)
        CHECK(client_read_until(fds[i], "data: 0\n\n"));
    pt_http_stop(server);
    CHECK_INT(closed_total, 8);
    for (int i = 0; i < 8; i++)
        close(fds[i]);
}

static void a_stop_ends_idle_and_half_sent_connections(void)
{
    static const char *const rows[] = {
        "",
        "GET /qui",
        "POST /quick HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf",
    };
    int fds[PT_COUNT_OF(rows)], kept;
    start(0);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++)
        fds[i] = client_send(port, rows[i]);
    kept = client_send_get(port, "/quick"); /* answered, and kept alive */
    CHECK(client_read_until(kept, "quick"));
    pt_http_stop(server);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        CHECK_ROW(rows[i], ended(fds[i]));
        close(fds[i]);
    }
    CHECK(ended(kept));
    close(kept);
}

static void after_a_stop_nobody_listens(void)
{
    start(0);
    pt_http_stop(server);
    answer a = client_ask(port, (ask){ .target = "/quick" });
    CHECK_INT(a.curl, CURLE_COULDNT_CONNECT);
    client_release(&a);
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
        struct sockaddr_in a = { .sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)garbled_port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
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
        start(0);
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

/* ---- doors ---- */

static pt_metrics *metrics;
static _Atomic bool let_slow_go;
static _Atomic int slow_running;

static bool may_go(void *ctx)
{
    (void)ctx;
    return let_slow_go;
}

static void on_slow(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    slow_running++;
    CHECK(client_wait(may_go, NULL));
    pt_http_reply(rq, 200, "text/plain", PT_LIT("slow"));
}

static void on_large(void *ctx, pt_http_request *rq)
{
    pt_buf out;
    (void)ctx;
    pt_buf_init(&out, 32u << 20);
    for (int i = 0; i < 1 << 20; i++)
        pt_buf_cstr(&out, "[0123456],");
    pt_http_reply_json(rq, 200, &out);
    pt_buf_fini(&out);
}

static const pt_http_route door_routes[] = {
    { "GET", "/quick", on_quick, NULL }, { "GET", "/healthz", on_quick, NULL }, { "GET", "/slow", on_slow, NULL },
    { "GET", "/large", on_large, NULL }, { "POST", "/quick", on_quick, NULL },
};

static void doors_open(pt_http_options o, const pt_clock *clock)
{
    static const char *const vital[] = { "/healthz", NULL };
    pt_error err = { 0 };
    if (!o.listen) o.listen = "127.0.0.1:0";
    o.vital = vital;
    let_slow_go = false;
    slow_running = 0;
    CHECK_OK_FATAL(pt_metrics_new(&metrics));
    CHECK_OK_FATAL(pt_http_start(&o, door_routes, PT_COUNT_OF(door_routes), NULL, metrics, clock, NULL, &server, &port, &err));
}

static void doors_close(void)
{
    pt_http_stop(server);
    pt_metrics_free(metrics);
}

static bool counted(void *line)
{
    pt_buf out;
    pt_buf_init(&out, 1u << 20);
    pt_metrics_text(metrics, &out);
    pt_buf_char(&out, '\0');
    bool ok = pt_buf_status(&out) == PT_OK && strstr(out.ptr, line);
    pt_buf_fini(&out);
    return ok;
}

static long status_of(const char *target)
{
    answer a = client_ask(port, (ask){ .target = target });
    long status = a.status;
    client_release(&a);
    return status;
}

static void who_dawdles_with_header_or_body_is_cut_off_and_others_are_not(void)
{
    static const struct {
        const char *half, *counter;
    } rows[] = {
        { "GET /quick HT", "plantree_http_connections_refused_total{reason=\"slow-header\"} 1\n" },
        { "POST /quick HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc",
          "plantree_http_connections_refused_total{reason=\"slow-body\"} 1\n" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_fake_clock fake;
        pt_fake_clock_init(&fake, 1000000);
        doors_open((pt_http_options){ .header_ms = 50, .body_ms = 60 }, &fake.clock);
        int fd = client_send(port, rows[i].half);
        CHECK_INT(status_of("/quick"), 200);
        CHECK_ROW(rows[i].half, !counted((void *)(uintptr_t)rows[i].counter)); /* the clock stands still */
        pt_fake_clock_advance(&fake, 100);
        CHECK_ROW(rows[i].half, client_wait(counted, (void *)(uintptr_t)rows[i].counter));
        CHECK_ROW(rows[i].half, !client_read_until(fd, "200 OK"));
        close(fd);
        CHECK_INT(status_of("/quick"), 200);
        doors_close();
    }
}

static void nobody_is_cut_off_because_another_has_just_come(void)
{
    enum { SERVERS = 300, CLIENTS = 8 };
    for (int i = 0; i < SERVERS; i++) { /* the first client wakes the watcher, which looks at all: a half-made one must not be seen */
        int fds[CLIENTS];
        doors_open((pt_http_options){ 0 }, pt_clock_system());
        for (int k = 0; k < CLIENTS; k++)
            fds[k] = client_send_get(port, "/quick");
        for (int k = 0; k < CLIENTS; k++) {
            CHECK(client_read_until(fds[k], "quick"));
            close(fds[k]);
        }
        CHECK(counted("plantree_http_connections_refused_total{reason=\"slow-header\"} 0\n"));
        doors_close();
    }
}

static void an_address_has_so_many_connections_and_no_more(void)
{
    doors_open((pt_http_options){ .listen = "0.0.0.0:0", .connections_per_address = 3 }, pt_clock_system());
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = client_send_get(port, "/quick");
        CHECK(client_read_until(fds[i], "quick")); /* and stays */
    }
    int fourth = client_send_get(port, "/quick");
    CHECK(!client_read_until(fourth, "quick"));
    CHECK(counted("plantree_http_connections_refused_total{reason=\"address\"} 1\n"));
    close(fourth);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    doors_close();
}

static void what_is_vital_is_served_when_all_connections_are_taken(void)
{
    doors_open((pt_http_options){ .max_connections = 4 }, pt_clock_system());
    int fds[4];
    for (int i = 0; i < 4; i++) {
        fds[i] = client_send_get(port, "/quick");
        CHECK(client_read_until(fds[i], "quick"));
    }
    answer a = client_ask(port, (ask){ .target = "/quick" });
    CHECK_INT(a.status, 503);
    CHECK(client_header(&a, "Retry-After: 1"));
    client_release(&a);
    CHECK_INT(status_of("/healthz"), 200);
    CHECK(counted("plantree_http_connections_refused_total{reason=\"full\"} 1\n"));
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    doors_close();
}

static bool two_slow(void *ctx)
{
    (void)ctx;
    return slow_running == 2;
}

static void what_is_vital_is_served_when_all_threads_are_busy(void)
{
    doors_open((pt_http_options){ .threads = 2 }, pt_clock_system());
    int a = client_send_get(port, "/slow"), b = client_send_get(port, "/slow");
    CHECK(client_wait(two_slow, NULL));
    CHECK_INT(status_of("/healthz"), 200);
    CHECK_INT(slow_running, 2); /* they still are */
    let_slow_go = true;
    CHECK(client_read_until(a, "slow") && client_read_until(b, "slow"));
    close(a);
    close(b);
    doors_close();
}

static void memory_is_given_back_after_the_last_large_answer(void)
{
    doors_open((pt_http_options){ 0 }, pt_clock_system());
    CHECK_INT(status_of("/quick"), 200);
    CHECK(counted("plantree_http_memory_returned_total 0\n"));
    CHECK_INT(status_of("/large"), 200);
    CHECK(client_wait(counted, "plantree_http_memory_returned_total 1\n"));
    doors_close();
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(connections_are_bounded_and_come_back),
        PT_TEST(a_stop_with_clients_that_do_not_read_is_quick),
        PT_TEST(a_stop_ends_idle_and_half_sent_connections),
        PT_TEST(after_a_stop_nobody_listens),
        PT_TEST(a_stop_amid_garbage_harms_nobody),
        PT_TEST(who_dawdles_with_header_or_body_is_cut_off_and_others_are_not),
        PT_TEST(nobody_is_cut_off_because_another_has_just_come),
        PT_TEST(an_address_has_so_many_connections_and_no_more),
        PT_TEST(what_is_vital_is_served_when_all_connections_are_taken),
        PT_TEST(what_is_vital_is_served_when_all_threads_are_busy),
        PT_TEST(memory_is_given_back_after_the_last_large_answer),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int rc = pt_test_main("base/http_connections", tests, PT_COUNT_OF(tests), argc, argv);
    curl_global_cleanup();
    return rc;
}
