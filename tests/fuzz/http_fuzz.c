/* tests/fuzz/http_fuzz.c -- any bytes on a connection to the HTTP shell: an answer or a closed connection, never a crash or a leak.
 *
 * The server runs in this process; each input is one connection. Handlers look at everything a request offers. */
#include "base/daemon/http.h"
#include "base/utf8.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static uint16_t port;

static void check(pt_slice s)
{
    if (s.ptr && (!pt_utf8_valid(s) || memchr(s.ptr, '\0', s.len))) abort(); /* the shell promises text */
}

static void on_any(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    check(pt_http_param(rq, "a"));
    check(pt_http_param(rq, "rest"));
    check(pt_http_query(rq, "q"));
    check(pt_http_path(rq));
    pt_slice body = pt_http_body(rq), header = pt_http_header(rq, "X-Any");
    if (body.len > 4096 || header.len > 100000) abort();
    pt_http_set_header(rq, "X-Copy", header.ptr && header.len < 100 ? "given" : "none");
    pt_http_reply(rq, 200, "text/plain", body);
}

static pt_status more(void *stream, pt_buf *out)
{
    (void)stream;
    pt_buf_cstr(out, "data\n");
    return PT_ECLOSED;
}
static void closed(void *stream)
{
    (void)stream;
}
static void on_stream(void *ctx, pt_http_request *rq)
{
    static const pt_http_stream_ops ops = { more, closed, 0 };
    (void)ctx;
    pt_http_stream_begin(rq, 200, "text/plain", &ops, NULL);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char *const query[] = { "q", NULL };
    static const pt_http_route routes[] = { { "GET", "/a/{a}/b", on_any, query },
                                            { "POST", "/p", on_any, NULL },
                                            { "PUT", "/p/{a}", on_any, NULL },
                                            { "GET", "/r/{rest...}", on_any, NULL },
                                            { "GET", "/s", on_stream, NULL } };
    static pt_http_server *server;
    const pt_http_options o = { .listen = "127.0.0.1:0", .max_body = 4096, .threads = 2 };
    (void)argc, (void)argv;
    if (pt_http_start(&o, routes, PT_COUNT_OF(routes), NULL, NULL, pt_clock_system(), NULL, &server, &port, NULL)) abort();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval patience = { 0, 4000 };
    struct linger reset = { 1, 0 }; /* no TIME_WAIT: thousands of connections a second */
    char answer[8192];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a)) abort();
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    for (size_t at = 0; at < size;) {
        ssize_t n = send(fd, data + at, size - at, MSG_NOSIGNAL);
        if (n <= 0) break;
        at += (size_t)n;
    }
    /* One read: an answer, an end, or nothing in time; what comes after is the next request's matter. */
    if (recv(fd, answer, sizeof answer, 0) < 0) answer[0] = '\0';
    close(fd);
    return 0;
}
