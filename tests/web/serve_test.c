/* tests/web/serve_test.c -- the UI's files over real HTTP: forms, caching, policy. */
#include "host/web/assets.h"
#include "host/web/serve.h"
#include "tests/base/client.h"

#include <stdio.h>

static const pt_http_route routes[] = {
    { "GET", "/", host_web_serve, NULL },
    { "GET", "/ui/{rest...}", host_web_serve, NULL },
};
static pt_http_server *server;
static pt_metrics *metrics;
static uint16_t port;

static void start(void)
{
    pt_http_options o = { .listen = "127.0.0.1:0", .server_name = "test/1" };
    pt_error err = { 0 };
    CHECK_OK_FATAL(pt_metrics_new(&metrics));
    CHECK_OK_FATAL(pt_http_start(&o, routes, PT_COUNT_OF(routes), NULL, metrics, pt_clock_system(), NULL, &server, &port, &err));
}

static void stop(void)
{
    pt_http_stop(server);
    pt_metrics_free(metrics);
}

static void every_file_arrives_whole_packed_and_plain(void)
{
    start();
    for (size_t i = 0; i < host_web_count(); i++) {
        const host_web_asset *a = host_web_at(i);
        for (int gzip = 0; gzip < 2; gzip++) {
            answer r = client_ask(port, (ask){ .target = a->path, .gzip = gzip });
            CHECK_ROW(a->path, r.status == 200);
            CHECK_ROW(a->path, r.body.len == a->raw_len && memcmp(r.body.ptr, a->raw, a->raw_len) == 0);
            CHECK_ROW(a->path, client_header(&r, "Content-Encoding: gzip") == (gzip && a->gz));
            CHECK_ROW(a->path, !a->gz || client_header(&r, "Vary: Accept-Encoding"));
            CHECK_ROW(a->path,
                      client_header(&r, a->immutable ? "Cache-Control: public, max-age=31536000, immutable" : "Cache-Control: no-cache"));
            client_release(&r);
        }
    }
    stop();
}

static void a_file_the_browser_has_is_not_sent_again(void)
{
    start();
    const host_web_asset *a = host_web_find(PT_LIT("/"));
    char same[128], among[160], other[] = "If-None-Match: \"x\"";
    CHECK_FATAL(a != NULL);
    snprintf(same, sizeof same, "If-None-Match: %s", a->etag);
    snprintf(among, sizeof among, "If-None-Match: \"x\", W/%s", a->etag);
    const struct {
        const char *header;
        long status;
    } rows[] = { { same, 304 }, { among, 304 }, { "If-None-Match: *", 304 }, { other, 200 } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        answer r = client_ask(port, (ask){ .target = "/", .headers = { rows[i].header } });
        CHECK_ROW(rows[i].header, r.status == rows[i].status);
        CHECK_ROW(rows[i].header, (r.body.len == 0) == (rows[i].status == 304));
        CHECK_ROW(rows[i].header, client_header(&r, "ETag: \""));
        client_release(&r);
    }
    stop();
}

static void the_page_carries_its_policy_and_unknown_files_are_not_found(void)
{
    start();
    answer r = client_ask(port, (ask){ .target = "/" });
    CHECK(client_header(&r, "Content-Security-Policy: default-src 'none'"));
    CHECK(client_header(&r, "Referrer-Policy: no-referrer"));
    CHECK(client_header(&r, "X-Content-Type-Options: nosniff"));
    CHECK(client_header(&r, "Content-Type: text/html"));
    client_release(&r);
    static const char *const absent[] = { "/ui/x", "/ui/", "/ui/../../etc/passwd", "/ui/%2e%2e/%2e%2e/etc/passwd", "/ui/%00" };
    for (size_t i = 0; i < PT_COUNT_OF(absent); i++) {
        r = client_ask(port, (ask){ .target = absent[i] });
        CHECK_ROW(absent[i], r.status == 404 || r.status == 400);
        client_release(&r);
    }
    stop();
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_file_arrives_whole_packed_and_plain),
        PT_TEST(a_file_the_browser_has_is_not_sent_again),
        PT_TEST(the_page_carries_its_policy_and_unknown_files_are_not_found),
    };
    return pt_test_main("web/serve", tests, PT_COUNT_OF(tests), argc, argv);
}
