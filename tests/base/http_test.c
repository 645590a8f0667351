/* tests/base/http_test.c -- routes, refusals and whole answers of the HTTP shell, asked by libcurl. */
#include "tests/base/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

static void get_param(void *ctx, pt_http_request *rq)
{
    pt_buf out;
    (void)ctx;
    pt_buf_init(&out, 4096);
    pt_slice g = pt_http_param(rq, "group"), r = pt_http_param(rq, "rest"), q = pt_http_query(rq, "q");
    pt_buf_printf(&out, "group=%.*s rest=%.*s q=%.*s peer=%s", PT_SLICE_ARGS(g), PT_SLICE_ARGS(r), PT_SLICE_ARGS(q),
                  pt_http_peer(rq));
    pt_http_reply(rq, 200, "text/plain", pt_buf_view(&out));
    pt_buf_fini(&out);
}

static void echo_body(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    pt_http_reply(rq, 200, "application/octet-stream", pt_http_body(rq));
}

static void say_nothing(void *ctx, pt_http_request *rq)
{
    (void)ctx, (void)rq;
}

static void long_json(void *ctx, pt_http_request *rq)
{
    pt_buf out;
    (void)ctx;
    pt_buf_init(&out, 1 << 20);
    pt_buf_char(&out, '[');
    for (int i = 0; i < 5000; i++)
        pt_buf_printf(&out, "%s%d", i ? "," : "", i);
    pt_buf_char(&out, ']');
    pt_http_reply_json(rq, 200, &out);
}

static void too_long_json(void *ctx, pt_http_request *rq)
{
    pt_buf out;
    (void)ctx;
    pt_buf_init(&out, 4);
    pt_buf_cstr(&out, "[1,2,3]");
    pt_http_reply_json(rq, 200, &out);
}

static const char *const only_q[] = { "q", NULL };
static const pt_http_route routes[] = {
    { "GET", "/groups/{group}", get_param, only_q },
    { "POST", "/echo", echo_body, NULL },
    { "GET", "/tags/by-path/{rest...}", get_param, NULL },
    { "GET", "/silent", say_nothing, NULL },
    { "GET", "/long", long_json, NULL },
    { "GET", "/toolong", too_long_json, NULL },
    { "DELETE", "/groups/{group}", get_param, NULL },
};

static pt_http_server *server;
static pt_metrics *metrics;
static uint16_t port;

static void start(void)
{
    pt_http_options o = { .listen = "127.0.0.1:0", .max_body = 4096, .server_name = "test/1" };
    pt_error err = { 0 };
    CHECK_OK_FATAL(pt_metrics_new(&metrics));
    CHECK_OK_FATAL(pt_http_start(&o, routes, PT_COUNT_OF(routes), NULL, metrics, pt_clock_system(), NULL, &server, &port, &err));
}

static void stop(void)
{
    pt_http_stop(server);
    pt_metrics_free(metrics);
}

static void path_parameters_are_percent_decoded_once(void)
{
    static const struct { const char *target, *want; } rows[] = {
        { "/groups/a", "group=a rest= q= peer=127.0.0.1" },
        { "/groups/a%2Fb%25", "group=a/b% rest= q=" },
        { "/groups/a+b", "group=a+b " },
        { "/groups/a?q=x+y%2B", "q=x y+ " },
        { "/groups/a?q=1&q=2", "q=1 " },
        { "/groups/a?q", "q= peer" },
        { "/tags/by-path/a/b/%C3%BC", "rest=a/b/\xC3\xBC " },
        { "/tags/by-path/", "rest= q" },
    };
    start();
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        answer a = client_ask(port, (ask){ .target = rows[i].target });
        CHECK_ROW(rows[i].target, a.status == 200);
        CHECK_ROW(rows[i].target, client_has(&a, rows[i].want));
        client_release(&a);
    }
    stop();
}

static void what_does_not_fit_is_refused_by_the_shell(void)
{
    static const struct { const char *method, *target; long status; const char *want; } rows[] = {
        { "GET", "/nothing", 404, "\"type\":\"urn:plantree:problem:not-found\"" },
        { "GET", "/groups", 404, "not-found" },
        { "GET", "/groups/", 404, "not-found" },
        { "GET", "/groups/a/b", 404, "not-found" },
        { "PUT", "/groups/a", 405, "GET, HEAD, DELETE" },
        { "GET", "/groups/a?p=1", 400, "unknown query parameter 'p'" },
        { "GET", "/groups/%zz", 400, "percent-encoded" },
        { "GET", "/groups/%ff", 400, "percent-encoded" },
        { "GET", "/groups/%00", 400, "percent-encoded" },
        { "GET", "/groups/a?q=%", 400, "percent-encoded" },
        { "GET", "/silent", 500, "urn:plantree:problem:internal" },
        { "GET", "/toolong", 500, "too large" },
    };
    start();
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        answer a = client_ask(port, (ask){ .method = rows[i].method, .target = rows[i].target });
        CHECK_ROW(rows[i].target, a.status == rows[i].status);
        CHECK_ROW(rows[i].target, client_has(&a, rows[i].want));
        CHECK_ROW(rows[i].target, client_header(&a, "Content-Type: application/problem+json"));
        CHECK_ROW(rows[i].target, client_header(&a, "X-Request-Id: "));
        client_release(&a);
    }
    stop();
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

static void long_texts_are_packed_for_clients_that_ask(void)
{
    start();
    answer plain = client_ask(port, (ask){ .target = "/long" });
    answer packed = client_ask(port, (ask){ .target = "/long", .headers = { "Accept-Encoding: br, gzip;q=0.5" } });
    answer refused = client_ask(port, (ask){ .target = "/long", .headers = { "Accept-Encoding: gzip;q=0" } });
    answer opened = client_ask(port, (ask){ .target = "/long", .gzip = true });
    CHECK(plain.body.len > 20000);
    CHECK(client_header(&plain, "Vary: Accept-Encoding"));
    CHECK(client_header(&packed, "Content-Encoding: gzip"));
    CHECK(packed.body.len < plain.body.len / 2);
    CHECK(!client_header(&refused, "Content-Encoding"));
    CHECK(pt_slice_eq(pt_buf_view(&plain.body), pt_buf_view(&opened.body)));
    client_release(&plain);
    client_release(&packed);
    client_release(&refused);
    client_release(&opened);
    stop();
}

static bool in_text(const pt_buf *text, const char *what)
{
    return memmem(text->ptr, text->len, what, strlen(what)) != NULL;
}

static void requests_are_counted_by_route_and_code(void)
{
    pt_buf text;
    start();
    for (int i = 0; i < 3; i++) {
        answer a = client_ask(port, (ask){ .target = "/groups/a" });
        client_release(&a);
    }
    answer b = client_ask(port, (ask){ .target = "/nowhere" });
    client_release(&b);
    pt_http_stop(server); /* all answers are accounted for by then */
    pt_buf_init(&text, 1 << 20);
    pt_metrics_text(metrics, &text);
    CHECK(in_text(&text, "plantree_http_requests_total{route=\"/groups/{group}\",method=\"GET\",code=\"200\"} 3\n"));
    CHECK(in_text(&text, "plantree_http_requests_total{route=\"none\",method=\"none\",code=\"404\"} 1\n"));
    CHECK(in_text(&text, "_duration_seconds_count{route=\"/groups/{group}\",method=\"GET\"} 3\n"));
    CHECK(!in_text(&text, "_seconds_count{route=\"/long\""));
    CHECK(in_text(&text, "plantree_http_streams 0\n"));
    pt_buf_fini(&text);
    pt_metrics_free(metrics);
}

static void every_way_to_listen_is_reached(void)
{
    static const struct { const char *listen, *host; } rows[] = {
        { "127.0.0.1:0", "127.0.0.1" }, { "localhost:0", "localhost" },
        { "[::1]:0", "[::1]" },         { "*:0", "127.0.0.1" },
        { ":0", "127.0.0.1" },          { "[::]:0", "[::1]" },
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
        snprintf(url, sizeof url, "http://%s:%u/groups/a", rows[i].host, port);
        pt_buf_init(&body, 4096);
        CHECK_ROW(rows[i].listen, client_get(url, &body, &status) == 0 && status == 200);
        CHECK_ROW(rows[i].listen, body.len > 0);
        pt_buf_fini(&body);
        pt_http_stop(server);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(path_parameters_are_percent_decoded_once),
        PT_TEST(what_does_not_fit_is_refused_by_the_shell),
        PT_TEST(bodies_arrive_whole_up_to_the_limit),
        PT_TEST(long_texts_are_packed_for_clients_that_ask),
        PT_TEST(requests_are_counted_by_route_and_code),
        PT_TEST(every_way_to_listen_is_reached),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int rc = pt_test_main("base/http", tests, PT_COUNT_OF(tests), argc, argv);
    curl_global_cleanup();
    return rc;
}
