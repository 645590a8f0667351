/* tests/base/http_reply_test.c -- whole answers: headers, gzip, JSON, problem+json, static bytes, and their count. */
#include "tests/base/client.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

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
static void on_quick(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    pt_http_reply(rq, 200, "text/plain", PT_LIT("quick"));
}

static void many_headers(void *ctx, pt_http_request *rq)
{
    char name[16];
    (void)ctx;
    pt_http_set_header(rq, "Cache-Control", "max-age=60");
    pt_http_set_header(rq, "X-Split", "a\r\nX-Evil: yes");
    pt_http_set_header(rq, "X-Delete", "a\x7f");
    for (int i = 1; i < 18; i++) {
        snprintf(name, sizeof name, "X-N%d", i);
        pt_http_set_header(rq, name, "v");
    }
    pt_http_reply(rq, 201, "", PT_LIT(""));
}

static void twice(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    pt_http_reply(rq, 200, "text/plain", PT_LIT("once"));
    pt_http_reply(rq, 500, "text/plain", PT_LIT("twice"));
}

static void refuse(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    pt_http_problem(rq, 409, "conflict", "the \"%s\" is <taken>", "name");
}

static void refuse_with(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    pt_http_problem_with(rq, 410, "gone", PT_LIT("\"oldest\":7,\"newest\":9"), "before %d", 7);
}

/* gzip of "hello\n", as a program embeds it. */
static const unsigned char zipped[] = { 0x1f, 0x8b, 0x08, 0,    0, 0,    0,    0,    0x02, 0x03, 0xcb, 0x48, 0xcd,
                                        0xc9, 0xc9, 0xe7, 0x02, 0, 0x20, 0x30, 0x3a, 0x36, 0x06, 0,    0,    0 };
static void packed_asset(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    pt_http_reply_static(rq, 200, "text/plain", pt_slice_of((const char *)zipped, sizeof zipped), true);
}
static void plain_asset(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    pt_http_reply_static(rq, 200, "image/png", PT_LIT("PNG"), false);
}

static void noise(void *ctx, pt_http_request *rq)
{
    static char bytes[5000];
    uint32_t x = 1;
    (void)ctx;
    for (size_t i = 0; i < sizeof bytes; i++) {
        x = x * 1664525u + 1013904223u;
        bytes[i] = (char)(x >> 24);
    }
    pt_http_reply(rq, 200, pt_http_query(rq, "text").ptr ? "text/plain" : "image/jpeg", pt_slice_of(bytes, sizeof bytes));
}

static const pt_http_route routes[] = {
    { "GET", "/long", long_json, NULL },
    { "GET", "/toolong", too_long_json, NULL },
    { "GET", "/groups/{group}", on_quick, NULL },
    { "GET", "/headers", many_headers, NULL },
    { "GET", "/twice", twice, NULL },
    { "GET", "/refuse", refuse, NULL },
    { "GET", "/refuse-with", refuse_with, NULL },
    { "GET", "/packed", packed_asset, NULL },
    { "GET", "/plain", plain_asset, NULL },
    { "GET", "/noise", noise, NULL },
};

static pt_http_server *server;
static pt_metrics *metrics;
static uint16_t port;
static _Atomic int left_out, answered_twice;

static void hear(void *ctx, pt_log_level level, const char *id, const char *text)
{
    (void)ctx, (void)level, (void)text;
    left_out += strcmp(id, "HTTP-HEADERS") == 0;
    answered_twice += strcmp(id, "HTTP-TWICE") == 0;
}

static void start(void)
{
    static const pt_log log = { .level = PT_LOG_INFO, .write = hear };
    pt_http_options o = { .listen = "127.0.0.1:0", .server_name = "test/1" };
    pt_error err = { 0 };
    left_out = answered_twice = 0;
    CHECK_OK_FATAL(pt_metrics_new(&metrics));
    CHECK_OK_FATAL(pt_http_start(&o, routes, PT_COUNT_OF(routes), NULL, metrics, pt_clock_system(), &log, &server, &port, &err));
}

static void stop(void)
{
    pt_http_stop(server);
    pt_metrics_free(metrics);
}

static void every_answer_has_the_headers_every_answer_has(void)
{
    static const char *const targets[] = { "/groups/a", "/toolong", "/nothing", "/plain" };
    start();
    for (size_t i = 0; i < PT_COUNT_OF(targets); i++) {
        answer a = client_ask(port, (ask){ .target = targets[i] });
        CHECK_ROW(targets[i], client_header(&a, "Cache-Control: no-store\r"));
        CHECK_ROW(targets[i], client_header(&a, "X-Content-Type-Options: nosniff\r"));
        CHECK_ROW(targets[i], client_header(&a, "Server: test/1\r"));
        CHECK_ROW(targets[i], client_header(&a, "X-Request-Id: "));
        client_release(&a);
    }
    stop();
}

static void a_head_request_gets_the_length_without_the_body(void)
{
    start();
    answer a = client_ask(port, (ask){ .method = "HEAD", .target = "/groups/a" });
    CHECK_INT(a.status, 200);
    CHECK_INT(a.body.len, 0);
    CHECK(client_header(&a, "Content-Length: 5"));
    client_release(&a);
    stop();
}

static void headers_are_bounded_and_cannot_split_the_answer(void)
{
    start();
    answer a = client_ask(port, (ask){ .target = "/headers" });
    CHECK_INT(a.status, 201);
    CHECK(client_header(&a, "Cache-Control: max-age=60") && !client_header(&a, "Cache-Control: no-store"));
    CHECK(!client_header(&a, "X-Evil") && !client_header(&a, "X-Split") && !client_header(&a, "X-Delete"));
    CHECK(client_header(&a, "X-N15: v") && !client_header(&a, "X-N16:") && !client_header(&a, "Content-Type"));
    CHECK_INT(left_out, 2);
    client_release(&a);
    stop();
}

static void a_second_answer_is_dropped_and_logged(void)
{
    start();
    answer a = client_ask(port, (ask){ .target = "/twice" });
    CHECK_INT(a.status, 200);
    CHECK_STR(pt_buf_view(&a.body), "once");
    client_release(&a);
    stop();
    CHECK_INT(answered_twice, 1);
}

static void a_problem_is_json_that_names_the_request(void)
{
    char want[200] = "";
    start();
    answer a = client_ask(port, (ask){ .target = "/refuse" });
    CHECK_INT(a.status, 409);
    CHECK(client_header(&a, "Content-Type: application/problem+json\r"));
    pt_slice rest = pt_buf_view(&a.headers), line;
    while (rest.len && pt_slice_split(&rest, '\n', &line)) {
        if (pt_slice_starts(line, PT_LIT("X-Request-Id: "))) {
            pt_slice id = pt_slice_from(line, 14);
            snprintf(want, sizeof want,
                     "{\"type\":\"urn:plantree:problem:conflict\",\"title\":\"Conflict\",\"status\":409,"
                     "\"detail\":\"the \\\"name\\\" is <taken>\",\"instance\":\"%.*s\"}",
                     (int)(id.len - 1), id.ptr);
        }
    }
    CHECK_STR(pt_buf_view(&a.body), want);
    client_release(&a);
    stop();
}

static void a_problem_may_have_members_of_its_own(void)
{
    start();
    answer a = client_ask(port, (ask){ .target = "/refuse-with" });
    CHECK_INT(a.status, 410);
    CHECK(client_has(&a,
                     "{\"type\":\"urn:plantree:problem:gone\",\"title\":\"Gone\",\"status\":410,\"detail\":\"before 7\",\"instance\":\""));
    CHECK(client_has(&a, "\",\"oldest\":7,\"newest\":9}"));
    client_release(&a);
    stop();
}

static void json_that_could_not_be_built_is_a_500(void)
{
    start();
    answer a = client_ask(port, (ask){ .target = "/toolong" });
    CHECK_INT(a.status, 500);
    CHECK(client_has(&a, "too large"));
    CHECK(client_header(&a, "Content-Type: application/problem+json"));
    client_release(&a);
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

static void what_gzip_is_accepted_is_read_from_the_list(void)
{
    static const struct {
        const char *header;
        bool gzip;
    } rows[] = {
        { "Accept-Encoding: gzip", true },
        { "Accept-Encoding: GZIP", true },
        { "Accept-Encoding: *", true },
        { "Accept-Encoding: br,  gzip", true },
        { "Accept-Encoding: gzip;q=0.001", true },
        { "Accept-Encoding: gzip;q=0", false },
        { "Accept-Encoding: br", false },
        { "Accept-Encoding: gzipped", false },
        { "Accept-Encoding: gzip;q=much", false },
        { "Accept-Encoding: *;q=0", false },
        { "X-None: 1", false },
    };
    start();
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        answer a = client_ask(port, (ask){ .target = "/long", .headers = { rows[i].header } });
        CHECK_ROW(rows[i].header, a.status == 200 && client_header(&a, "Content-Encoding: gzip") == rows[i].gzip);
        client_release(&a);
    }
    stop();
}

static void what_does_not_get_smaller_is_sent_as_it_is(void)
{
    start();
    answer noisy = client_ask(port, (ask){ .target = "/noise?text", .headers = { "Accept-Encoding: gzip" } });
    answer image = client_ask(port, (ask){ .target = "/noise", .headers = { "Accept-Encoding: gzip" } });
    CHECK(noisy.body.len == 5000 && !client_header(&noisy, "Content-Encoding"));
    CHECK(client_header(&noisy, "Vary: Accept-Encoding")); /* a cache keeps the two apart all the same */
    CHECK(image.body.len == 5000 && !client_header(&image, "Content-Encoding") && !client_header(&image, "Vary"));
    client_release(&noisy);
    client_release(&image);
    stop();
}

static void packed_assets_go_only_to_clients_that_can_open_them(void)
{
    start();
    answer opened = client_ask(port, (ask){ .target = "/packed", .gzip = true });
    answer refused = client_ask(port, (ask){ .target = "/packed" });
    answer plain = client_ask(port, (ask){ .target = "/plain" });
    CHECK_STR(pt_buf_view(&opened.body), "hello\n");
    CHECK(client_header(&opened, "Content-Encoding: gzip") && client_header(&opened, "Vary: Accept-Encoding"));
    CHECK_INT(refused.status, 406);
    CHECK(client_has(&refused, "Accept-Encoding: gzip"));
    CHECK_STR(pt_buf_view(&plain.body), "PNG");
    CHECK(client_header(&plain, "Content-Type: image/png") && !client_header(&plain, "Content-Encoding"));
    client_release(&opened);
    client_release(&refused);
    client_release(&plain);
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

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_answer_has_the_headers_every_answer_has),
        PT_TEST(a_head_request_gets_the_length_without_the_body),
        PT_TEST(headers_are_bounded_and_cannot_split_the_answer),
        PT_TEST(a_second_answer_is_dropped_and_logged),
        PT_TEST(a_problem_is_json_that_names_the_request),
        PT_TEST(a_problem_may_have_members_of_its_own),
        PT_TEST(json_that_could_not_be_built_is_a_500),
        PT_TEST(long_texts_are_packed_for_clients_that_ask),
        PT_TEST(what_gzip_is_accepted_is_read_from_the_list),
        PT_TEST(what_does_not_get_smaller_is_sent_as_it_is),
        PT_TEST(packed_assets_go_only_to_clients_that_can_open_them),
        PT_TEST(requests_are_counted_by_route_and_code),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int rc = pt_test_main("base/http_reply", tests, PT_COUNT_OF(tests), argc, argv);
    curl_global_cleanup();
    return rc;
}
