/* host/http/live.c: the live stream, over real connections: conflated values, texts one by one, resuming, and readers that are too slow. */
#include "host/http/live.h"
#include "tests/base/client.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct bench {
    uns_tree *tree;
    host_live *live;
    pt_http_server *http;
    uint16_t port;
} bench;

static void serve(void *ctx, pt_http_request *rq)
{
    bench *b = ctx;
    host_live_query q = { .events = !pt_slice_eq_cstr(pt_http_query(rq, "events"), "0"),
                          .tree = pt_slice_eq_cstr(pt_http_query(rq, "tree"), "1"),
                          .snapshot = !pt_slice_eq_cstr(pt_http_query(rq, "snapshot"), "0"),
                          .int64_string = pt_slice_eq_cstr(pt_http_query(rq, "int64"), "string"),
                          .rate = pt_slice_eq_cstr(pt_http_query(rq, "rate"), "1") ? 1 : 20,
                          .select = pt_http_query(rq, "select"),
                          .last_event_id = pt_http_header(rq, "Last-Event-ID") };
    host_live_serve(b->live, rq, &q);
}

static void put(bench *b, uint32_t id, const char *path, bool hidden)
{
    uns_tag_def def = { .tag_id = id,
                        .path = pt_cstr(path),
                        .group = PT_LIT("g"),
                        .edge = PT_LIT("e"),
                        .metric = pt_cstr(path),
                        .type = SPB_INT64,
                        .unit = PT_LIT("m"),
                        .hidden = hidden };
    CHECK_OK_FATAL(uns_tag_put(b->tree, &def));
    host_live_tags(b->live, &id, 1);
}

static void set(bench *b, uint32_t id, int64_t v)
{
    uns_update u = { .tag_id = id, .quality = SPB_GOOD, .time_ms = 1000 + v % 1000, .value = { .type = SPB_INT64, .as.i64 = v } };
    uns_apply(b->tree, &u, 1);
    host_live_values(b->live, &u, 1);
}

static void bench_open(bench *b)
{
    static const char *const query[] = { "events", "tree", "snapshot", "int64", "rate", "select", NULL };
    static const pt_http_route routes[] = { { "GET", "/s", serve, query } };
    pt_http_options o = { .listen = "127.0.0.1:0", .max_body = 1000, .max_connections = 400, .threads = 4, .server_name = "live" };
    memset(b, 0, sizeof *b);
    CHECK_OK_FATAL(uns_tree_new(&b->tree));
    CHECK_OK_FATAL(host_live_new(b->tree, pt_clock_system(), &b->live));
    CHECK_OK_FATAL(pt_http_start(&o, routes, 1, b, NULL, pt_clock_system(), NULL, &b->http, &b->port, NULL));
    put(b, 1, "a/x", false);
    put(b, 2, "a/y", false);
    put(b, 3, "b/z", false);
    put(b, 4, "a/hidden", true);
    for (uint32_t i = 1; i <= 4; i++)
        set(b, i, i);
}

static void bench_close(bench *b)
{
    pt_http_stop(b->http);
    host_live_free(b->live);
    uns_tree_free(b->tree);
}

/* A reader and all it has got. */
typedef struct reader {
    int fd;
    pt_buf got;
} reader;

static void reader_open(reader *r, const bench *b, const char *query, const char *last_id)
{
    char text[400];
    snprintf(text, sizeof text, "GET /s?%s HTTP/1.1\r\nHost: localhost\r\n%s%s%s\r\n", query, last_id ? "Last-Event-ID: " : "",
             last_id ? last_id : "", last_id ? "\r\n" : "");
    r->fd = client_send(b->port, text);
    pt_buf_init(&r->got, 64u << 20);
}

static void reader_close(reader *r)
{
    close(r->fd);
    pt_buf_fini(&r->got);
}

static bool has(const reader *r, const char *text)
{
    return r->got.len && memmem(r->got.ptr, r->got.len, text, strlen(text)) != NULL;
}

/* Read until `text` has come; the text may stand across chunks only at a blank line, so events are written whole. */
static bool until(reader *r, const char *text)
{
    char buf[65536];
    int64_t end = pt_test_now_ms() + 10000;
    while (!has(r, text)) {
        struct pollfd p = { r->fd, POLLIN, 0 };
        int64_t left = end - pt_test_now_ms();
        if (left <= 0 || poll(&p, 1, (int)left) <= 0) return false;
        ssize_t n = recv(r->fd, buf, sizeof buf, 0);
        if (n <= 0 || pt_buf_add(&r->got, buf, (size_t)n) != PT_OK) return false;
    }
    return true;
}

#define CHECK_UNTIL(r, text)                                                                                                              \
    pt_check_at(until((r), (text)), false, __FILE__, __LINE__, "no %s in %.*s", (text), (int)((r)->got.len > 2000 ? 2000 : (r)->got.len), \
                (r)->got.ptr ? (r)->got.ptr : "")

static size_t count(const reader *r, const char *text)
{
    size_t n = 0;
    pt_slice rest = pt_buf_view(&r->got);
    for (const char *at; rest.len && (at = memmem(rest.ptr, rest.len, text, strlen(text))) != NULL; n++)
        rest = pt_slice_from(rest, (size_t)(at - rest.ptr) + 1);
    return n;
}

static void a_reader_gets_hello_words_a_snapshot_and_then_what_changes(void)
{
    bench b;
    reader r;
    bench_open(&b);
    reader_open(&r, &b, "", NULL);
    CHECK_UNTIL(&r, "event: snapshot");
    CHECK_UNTIL(&r, "[3,1003,3,\"G\"]");
    CHECK(has(&r, "200 OK") && has(&r, "text/event-stream") && has(&r, "retry: 3000") && has(&r, "event: hello\ndata: {\"sid\":\"1\""));
    CHECK(has(&r, "event: dict\ndata: [[1,\"a/x\",\"Int64\",\"m\"]")); /* once, then by number */
    CHECK(!has(&r, "hidden"));
    set(&b, 2, 20);
    CHECK_UNTIL(&r, "event: value\ndata: [[2,1020,20,\"G\"]]");
    CHECK_INT(count(&r, "a/y"), 1);
    reader_close(&r);
    bench_close(&b);
}

static void values_are_conflated_and_texts_never(void)
{
    bench b;
    reader r;
    host_live_stats st;
    char text[40];
    bench_open(&b);
    reader_open(&r, &b, "rate=1", NULL);
    CHECK_UNTIL(&r, "[3,1003,3,\"G\"]");
    for (int i = 1; i <= 500; i++) {
        set(&b, 1, i);
        snprintf(text, sizeof text, "{\"n\":%d}", i);
        host_live_text(b.live, "event", pt_cstr(text));
    }
    CHECK_UNTIL(&r, "[1,1500,500,\"G\"]");
    CHECK_UNTIL(&r, "{\"n\":500}");
    CHECK_INT(count(&r, "event: event\n"), 500);
    CHECK(count(&r, "[1,1") < 50); /* the newest counts */
    size_t at = 0;
    for (int i = 1; i <= 500; i++) { /* in their order */
        snprintf(text, sizeof text, "{\"n\":%d}", i);
        const char *found = memmem(r.got.ptr + at, r.got.len - at, text, strlen(text));
        CHECK_ROW(text, found != NULL);
        if (found) at = (size_t)(found - r.got.ptr);
    }
    host_live_stats_get(b.live, &st);
    CHECK(st.conflated > 400 && st.streams == 1);
    reader_close(&r);
    bench_close(&b);
}

static void a_selection_is_by_globs_and_may_change_while_it_runs(void)
{
    bench b;
    reader r, rest;
    pt_slice globs[] = { PT_LIT("b/*") };
    bench_open(&b);
    reader_open(&r, &b, "select=a/*,!a/y", NULL);
    reader_open(&rest, &b, "select=!a/*", NULL);
    CHECK_UNTIL(&r, "[1,1001,1,\"G\"]");
    CHECK_UNTIL(&rest, "[3,1003,3,\"G\"]"); /* exclusions alone: all others */
    set(&b, 3, 30);
    set(&b, 2, 20);
    set(&b, 1, 10);
    CHECK_UNTIL(&r, "[1,1010,10,\"G\"]");
    CHECK_UNTIL(&rest, "[3,1030,30,\"G\"]");
    CHECK(!has(&r, "a/y") && !has(&r, "b/z") && !has(&rest, "a/"));
    CHECK_STATUS(host_live_select(b.live, PT_LIT("ffff"), globs, 1), PT_ENOTFOUND);
    CHECK_STATUS(host_live_select(b.live, PT_LIT(""), globs, 1), PT_ENOTFOUND);
    char *sid = memmem(r.got.ptr, r.got.len, "\"sid\":\"", 7);
    CHECK_FATAL(sid != NULL);
    CHECK_OK(host_live_select(b.live, pt_slice_of(sid + 7, 1), globs, 1));
    CHECK_UNTIL(&r, "[3,1030,30,\"G\"]");
    set(&b, 1, 11);
    set(&b, 3, 31);
    CHECK_UNTIL(&r, "[3,1031,31,\"G\"]");
    CHECK(!has(&r, "[1,1011"));
    reader_close(&r);
    reader_close(&rest);
    bench_close(&b);
}

static void *select_main(void *arg)
{
    bench *b = arg;
    pt_slice globs[] = { PT_LIT("a/x"), PT_LIT("**") };
    for (int i = 0; i < 20000; i++)
        if (host_live_select(b->live, PT_LIT("1"), &globs[i % 2], 1) != PT_OK) break;
    return NULL;
}

static void selections_while_the_stream_is_being_written_stop_nobody(void)
{
    bench b;
    reader r;
    pthread_t chooser;
    bench_open(&b);
    reader_open(&r, &b, "", NULL);
    CHECK_UNTIL(&r, "[3,1003,3,\"G\"]");
    CHECK_FATAL(pthread_create(&chooser, NULL, select_main, &b) == 0);
    for (int i = 0; i < 20000; i++)
        set(&b, 1, i);
    pthread_join(chooser, NULL);
    CHECK_UNTIL(&r, "[1,1999,19999,\"G\"]");
    reader_close(&r);
    bench_close(&b);
}

static void new_tags_are_told_to_who_wants_the_tree_and_events_to_who_wants_them(void)
{
    bench b;
    reader tree, plain;
    bench_open(&b);
    reader_open(&tree, &b, "tree=1&select=a/**", NULL);
    reader_open(&plain, &b, "events=0&snapshot=0", NULL);
    CHECK_UNTIL(&tree, "[1,1001,1,\"G\"]");
    CHECK_UNTIL(&plain, "event: hello");
    put(&b, 5, "a/new", false);
    put(&b, 6, "b/new", false);
    set(&b, 5, 55);
    set(&b, 6, 66);
    host_live_text(b.live, "event", PT_LIT("{\"type\":\"nbirth\"}"));
    host_live_text(b.live, "state", PT_LIT("[{\"node\":\"g/e\"}]"));
    CHECK_UNTIL(&tree, "event: tree\ndata: {\"added\":[\"a/new\"],\"moved\":[],\"removed\":[]}");
    CHECK_UNTIL(&tree, "[5,1055,55,\"G\"]");
    CHECK_UNTIL(&tree, "event: event\ndata: {\"type\":\"nbirth\"}");
    CHECK(!has(&tree, "b/new"));
    CHECK_UNTIL(&plain, "event: state");
    CHECK_UNTIL(&plain, "[6,1066,66,\"G\"]");
    CHECK(!has(&plain, "event: event") && !has(&plain, "event: snapshot") && !has(&plain, "event: tree"));
    reader_close(&tree);
    reader_close(&plain);
    bench_close(&b);
}

/* The newest id in what a reader got. */
static const char *last_id(const reader *r, char id[64])
{
    pt_slice rest = pt_buf_view(&r->got);
    id[0] = '\0';
    for (const char *at; rest.len && (at = memmem(rest.ptr, rest.len, "id: ", 4)) != NULL;) {
        rest = pt_slice_from(rest, (size_t)(at - rest.ptr) + 4);
        snprintf(id, 64, "%.*s", (int)pt_slice_find(rest, '\n'), rest.ptr);
    }
    return id;
}

static void a_reader_that_comes_back_goes_on_where_it_was(void)
{
    bench b;
    reader r, again;
    char id[64];
    bench_open(&b);
    reader_open(&r, &b, "", NULL);
    CHECK_UNTIL(&r, "[3,1003,3,\"G\"]");
    host_live_text(b.live, "event", PT_LIT("{\"n\":1}"));
    CHECK_UNTIL(&r, "{\"n\":1}");
    CHECK_UNTIL(&r, "\n\nid: "); /* the place behind it */
    last_id(&r, id);
    reader_close(&r);
    host_live_text(b.live, "event", PT_LIT("{\"n\":2}"));
    set(&b, 2, 22);
    reader_open(&again, &b, "", id);
    CHECK_UNTIL(&again, "{\"n\":2}");
    CHECK_UNTIL(&again, "[2,1022,22,\"G\"]");
    CHECK(!has(&again, "{\"n\":1}") && !has(&again, "event: reset") && !has(&again, "event: snapshot") && !has(&again, "[1,1001"));
    reader_close(&again);
    bench_close(&b);
}

static void a_place_that_is_not_ours_or_overwritten_is_a_reset_and_a_snapshot(void)
{
    static const char *const bad[] = { "1-5", "zz", "-", "1-", "99999999999999999999999999999999999999999999999999999999999999999999-1" };
    bench b;
    reader r;
    char id[64], ahead[100];
    bench_open(&b);
    for (size_t i = 0; i < PT_COUNT_OF(bad); i++) {
        reader_open(&r, &b, "", bad[i]);
        CHECK_UNTIL(&r, "event: reset");
        CHECK_UNTIL(&r, "event: snapshot");
        reader_close(&r);
    }
    reader_open(&r, &b, "", NULL);
    CHECK_UNTIL(&r, "[3,1003,3,\"G\"]");
    last_id(&r, id);
    reader_close(&r);
    snprintf(ahead, sizeof ahead, "%.*s-99999999", (int)strcspn(id, "-"), id); /* our epoch, a place that is still to come */
    reader_open(&r, &b, "", ahead);
    CHECK_UNTIL(&r, "event: reset");
    reader_close(&r);
    for (int i = 0; i < 140000; i++) /* once round the ring */
        set(&b, 1, i);
    reader_open(&r, &b, "", id);
    CHECK_UNTIL(&r, "event: reset");
    CHECK_UNTIL(&r, "[1,1999,139999,\"G\"]");
    reader_close(&r);
    bench_close(&b);
}

static void a_reader_too_slow_for_the_ring_is_told_and_begins_with_the_present(void)
{
    bench b;
    reader r;
    bench_open(&b);
    reader_open(&r, &b, "rate=1", NULL);
    CHECK_UNTIL(&r, "[3,1003,3,\"G\"]");
    for (int i = 0; i < 140000; i++)
        set(&b, 1, i); /* between two of its looks, or at the next ones */
    for (int k = 0; k < 20 && !has(&r, "event: lag"); k++) {
        for (int i = 0; i < 140000; i++)
            set(&b, 1, i);
        (void)poll(NULL, 0, 1);
        struct pollfd p = { r.fd, POLLIN, 0 };
        char buf[65536];
        while (poll(&p, 1, 0) > 0) {
            ssize_t n = recv(r.fd, buf, sizeof buf, 0);
            if (n <= 0 || pt_buf_add(&r.got, buf, (size_t)n) != PT_OK) break;
        }
    }
    CHECK_UNTIL(&r, "event: lag\ndata: {\"conflated\":true,\"dropped\":true}");
    CHECK_UNTIL(&r, "[1,1999,139999,\"G\"]");
    reader_close(&r);
    bench_close(&b);
}

static void wide_integers_are_texts_for_readers_that_ask(void)
{
    bench b;
    reader number, text;
    bench_open(&b);
    uns_update u = { .tag_id = 1, .quality = SPB_BAD, .time_ms = 5, .value = { .type = SPB_INT64, .as.i64 = 9007199254740993 } };
    uns_apply(b.tree, &u, 1);
    reader_open(&number, &b, "select=a/x", NULL);
    reader_open(&text, &b, "select=a/x&int64=string", NULL);
    CHECK_UNTIL(&number, "[1,5,9007199254740993,\"B\"]");
    CHECK_UNTIL(&text, "[1,5,\"9007199254740993\",\"B\"]");
    reader_close(&number);
    reader_close(&text);
    bench_close(&b);
}

static void streams_are_limited_and_their_places_come_free(void)
{
    enum { MAX = 200 };
    bench b;
    static reader r[MAX];
    reader more;
    host_live_stats st;
    bench_open(&b);
    for (int i = 0; i < MAX; i++) {
        reader_open(&r[i], &b, "select=b/z", NULL);
        CHECK_UNTIL(&r[i], "event: hello");
    }
    reader_open(&more, &b, "", NULL);
    CHECK_UNTIL(&more, "there are 200 live streams already");
    CHECK(has(&more, " 429 "));
    reader_close(&more);
    for (int i = 0; i < MAX; i++)
        reader_close(&r[i]);
    CHECK_WITHIN(10000, (set(&b, 3, 1), host_live_stats_get(b.live, &st), st.streams == 0)); /* a writer notices who is gone */
    reader_open(&more, &b, "", NULL);
    CHECK_UNTIL(&more, "event: hello");
    reader_close(&more);
    bench_close(&b);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_reader_gets_hello_words_a_snapshot_and_then_what_changes),
        PT_TEST(values_are_conflated_and_texts_never),
        PT_TEST(a_selection_is_by_globs_and_may_change_while_it_runs),
        PT_TEST(selections_while_the_stream_is_being_written_stop_nobody),
        PT_TEST(new_tags_are_told_to_who_wants_the_tree_and_events_to_who_wants_them),
        PT_TEST(a_reader_that_comes_back_goes_on_where_it_was),
        PT_TEST(a_place_that_is_not_ours_or_overwritten_is_a_reset_and_a_snapshot),
        PT_TEST(a_reader_too_slow_for_the_ring_is_told_and_begins_with_the_present),
        PT_TEST(wide_integers_are_texts_for_readers_that_ask),
        PT_TEST(streams_are_limited_and_their_places_come_free),
    };
    return pt_test_main("host/live", tests, PT_COUNT_OF(tests), argc, argv);
}
