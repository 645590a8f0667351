/* tests/base/http_request_test.c -- from a request line to a route with decoded parameters, or to a refusal. */
#include "tests/base/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void get_param(void *ctx, pt_http_request *rq)
{
    pt_buf out;
    (void)ctx;
    pt_buf_init(&out, 4096);
    pt_slice g = pt_http_param(rq, "group"), r = pt_http_param(rq, "rest"), q = pt_http_query(rq, "q");
    pt_buf_printf(&out, "group=%.*s rest=%.*s q=%.*s peer=%s", PT_SLICE_ARGS(g), PT_SLICE_ARGS(r), PT_SLICE_ARGS(q), pt_http_peer(rq));
    pt_http_reply(rq, 200, "text/plain", pt_buf_view(&out));
    pt_buf_fini(&out);
}

/* What a handler sees beside parameters. */
static void tell(void *ctx, pt_http_request *rq)
{
    pt_buf out;
    (void)ctx;
    pt_buf_init(&out, 65536);
    pt_slice agent = pt_http_header(rq, "x-test-agent"), none = pt_http_header(rq, "X-None"), path = pt_http_path(rq),
             absent = pt_http_query(rq, "absent");
    pt_buf_printf(&out, "path=%.*s agent=%.*s none=%s absent=%s", PT_SLICE_ARGS(path), PT_SLICE_ARGS(agent), none.ptr ? "there" : "NULL",
                  absent.ptr ? "there" : "NULL");
    pt_http_reply(rq, 200, "text/plain", pt_buf_view(&out));
    pt_buf_fini(&out);
}
static void first(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    pt_http_reply(rq, 200, "text/plain", PT_LIT("first"));
}
static void on_quick(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    pt_http_reply(rq, 200, "text/plain", PT_LIT("quick"));
}

static const char *const only_q[] = { "q", NULL };
static const pt_http_route routes[] = {
    { "GET", "/groups/{group}", get_param, only_q },
    { "GET", "/tags/by-path/{rest...}", get_param, NULL },
    { "DELETE", "/groups/{group}", get_param, NULL },
    { "GET", "/quick", on_quick, NULL },
    { "POST", "/quick", on_quick, NULL },
    { "GET", "/order/first", first, NULL },
    { "GET", "/order/{any}", on_quick, NULL },
    { "GET", "/tell/{rest...}", tell, NULL },
    { "POST", "/tell/{rest...}", tell, NULL },
};

static pt_http_server *server;
static uint16_t port;

static void start(const char *const *hosts)
{
    pt_http_options o = { .listen = "127.0.0.1:0", .max_body = 4096, .hosts = hosts };
    pt_error err = { 0 };
    CHECK_OK_FATAL(pt_http_start(&o, routes, PT_COUNT_OF(routes), NULL, NULL, pt_clock_system(), NULL, &server, &port, &err));
}

static void stop(void)
{
    pt_http_stop(server);
}

static void path_parameters_are_percent_decoded_once(void)
{
    static const struct {
        const char *target, *want;
    } rows[] = {
        { "/groups/a", "group=a rest= q= peer=127.0.0.1" },
        { "/groups/a%2Fb%25", "group=a/b% rest= q=" },
        { "/groups/a+b", "group=a+b " },
        { "/groups/a?q=x+y%2B", "q=x y+ " },
        { "/groups/a?q", "q= peer" },
        { "/tags/by-path/a/b/%C3%BC", "rest=a/b/\xC3\xBC " },
        { "/tags/by-path/", "rest= q" },
    };
    start(NULL);
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
    static const struct {
        const char *method, *target;
        long status;
        const char *want;
    } rows[] = {
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
    };
    start(NULL);
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

static void foreign_names_and_sites_are_refused(void)
{
    static const char *const proxies[] = { "plant.example", NULL };
    static const struct {
        const char *method, *header, *second;
        long status;
    } rows[] = {
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
    start(proxies);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        answer a = client_ask(port, (ask){ .method = rows[i].method, .target = "/quick", .headers = { rows[i].header, rows[i].second } });
        CHECK_ROW(rows[i].header ? rows[i].header : "none", a.status == rows[i].status);
        client_release(&a);
    }
    pt_http_stop(server);
}

/* Listening for everybody, the server knows no names of its own: the two headers must agree, and say something. */
static void an_origin_without_a_host_is_no_match_for_an_empty_host(void)
{
    static const struct {
        const char *origin;
        long status;
    } rows[] = { { "Origin: null", 403 }, { "Origin: http://", 403 }, { "Origin: http://a.example", 403 }, { NULL, 200 } };
    pt_http_options o = { .listen = "0.0.0.0:0" };
    pt_error err = { 0 };
    CHECK_OK_FATAL(pt_http_start(&o, routes, PT_COUNT_OF(routes), NULL, NULL, pt_clock_system(), NULL, &server, &port, &err));
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        answer a = client_ask(port, (ask){ .method = "POST", .target = "/quick", .headers = { "Host;", rows[i].origin } });
        CHECK_ROW(rows[i].origin ? rows[i].origin : "none", a.status == rows[i].status);
        client_release(&a);
    }
    stop();
}

static void handlers_see_headers_in_any_case_and_absence_as_null(void)
{
    start(NULL);
    answer a = client_ask(port, (ask){ .target = "/tell/a%20b/c?x=1", .headers = { "X-TEST-Agent: me" } });
    CHECK_STR(pt_buf_view(&a.body), "path=/tell/a b/c agent=me none=NULL absent=NULL");
    client_release(&a);
    stop();
}

static void routes_are_tried_in_the_order_of_the_table(void)
{
    start(NULL);
    answer a = client_ask(port, (ask){ .target = "/order/first" }), b = client_ask(port, (ask){ .target = "/order/second" });
    CHECK_STR(pt_buf_view(&a.body), "first");
    CHECK_STR(pt_buf_view(&b.body), "quick");
    client_release(&a);
    client_release(&b);
    stop();
}

static void the_absolute_form_of_proxies_is_understood(void)
{
    static const struct {
        const char *request, *want;
    } rows[] = {
        { "GET http://localhost/order/first HTTP/1.1\r\nHost: localhost\r\n\r\n", "200 OK" },
        { "GET https://localhost:1/order/first?a=b HTTP/1.1\r\nHost: localhost\r\n\r\n", "200 OK" },
        { "GET http://localhost HTTP/1.1\r\nHost: localhost\r\n\r\n", "400 Bad Request" },
        { "GET order/first HTTP/1.1\r\nHost: localhost\r\n\r\n", "400 Bad Request" },
    };
    start(NULL);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        int fd = client_send(port, rows[i].request);
        CHECK_ROW(rows[i].request, client_read_until(fd, rows[i].want));
        close(fd);
    }
    stop();
}

static void query_parameters_are_bounded(void)
{
    pt_buf target;
    pt_buf_init(&target, 4096);
    pt_buf_cstr(&target, "/tell/x?");
    for (int i = 0; i < 64; i++)
        pt_buf_printf(&target, "&p%d=%d", i, i); /* an empty piece counts for nothing */
    char *text = pt_buf_take(&target, NULL);
    CHECK_FATAL(text != NULL);
    start(NULL);
    answer a = client_ask(port, (ask){ .target = text });
    CHECK_INT(a.status, 200);
    client_release(&a);
    pt_buf_printf(&target, "%s&one=more", text);
    free(text);
    text = pt_buf_take(&target, NULL);
    CHECK_FATAL(text != NULL);
    a = client_ask(port, (ask){ .target = text });
    CHECK_INT(a.status, 400);
    CHECK(client_has(&a, "more than 64 query parameters"));
    client_release(&a);
    free(text);
    pt_buf_fini(&target);
    stop();
}

static void a_body_announced_too_long_is_refused_before_it_is_sent(void)
{
    start(NULL);
    int fd = client_send(port, "POST /quick HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4097\r\nExpect: 100-continue\r\n\r\n");
    CHECK(client_read_until(fd, "413 "));
    close(fd);
    stop();
}

static void a_long_unknown_name_is_cut_in_the_answer(void)
{
    char target[700] = "/order/first/", quoted[140];
    memset(target + 13, 'z', 500);
    target[513] = '\0';
    start(NULL);
    answer a = client_ask(port, (ask){ .target = target });
    CHECK_INT(a.status, 404);
    CHECK(client_has(&a, "there is nothing at /order/first/zzz"));
    memset(quoted, 'z', 121);
    quoted[121] = '\0';
    CHECK(!client_has(&a, quoted));
    client_release(&a);
    stop();
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(path_parameters_are_percent_decoded_once),
        PT_TEST(what_does_not_fit_is_refused_by_the_shell),
        PT_TEST(foreign_names_and_sites_are_refused),
        PT_TEST(an_origin_without_a_host_is_no_match_for_an_empty_host),
        PT_TEST(handlers_see_headers_in_any_case_and_absence_as_null),
        PT_TEST(routes_are_tried_in_the_order_of_the_table),
        PT_TEST(the_absolute_form_of_proxies_is_understood),
        PT_TEST(query_parameters_are_bounded),
        PT_TEST(a_body_announced_too_long_is_refused_before_it_is_sent),
        PT_TEST(a_long_unknown_name_is_cut_in_the_answer),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int rc = pt_test_main("base/http_request", tests, PT_COUNT_OF(tests), argc, argv);
    curl_global_cleanup();
    return rc;
}
