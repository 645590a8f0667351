/* tests/base/http_connections_test.c -- connections are bounded, come back, and a stop ends the open ones whatever they are doing. */
#include "tests/base/client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
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

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(connections_are_bounded_and_come_back),      PT_TEST(a_stop_with_clients_that_do_not_read_is_quick),
        PT_TEST(a_stop_ends_idle_and_half_sent_connections), PT_TEST(after_a_stop_nobody_listens),
        PT_TEST(a_stop_amid_garbage_harms_nobody),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int rc = pt_test_main("base/http_connections", tests, PT_COUNT_OF(tests), argc, argv);
    curl_global_cleanup();
    return rc;
}
