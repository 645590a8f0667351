/* tests/host/cli/scripted_host.c */
#include "tests/host/cli/scripted_host.h"

#include "base/daemon/http.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static pt_http_server *server;
static char url[64];
static scripted_request seen;
static _Atomic int polls;

static void note(pt_http_request *rq)
{
    static const char *const names[] = { "path", "depth", "at",   "paths", "from",  "to",    "max_points", "interval",
                                         "fn",   "type",  "node", "limit", "order", "after", "wait" };
    pt_slice path = pt_http_path(rq), body = pt_http_body(rq), token = pt_http_header(rq, "Authorization");
    size_t n = 0;
    snprintf(seen.target, sizeof seen.target, "%.*s", PT_SLICE_ARGS(path));
    snprintf(seen.body, sizeof seen.body, "%.*s", PT_SLICE_ARGS(body));
    snprintf(seen.authorization, sizeof seen.authorization, "%.*s", PT_SLICE_ARGS(token));
    seen.query[0] = '\0';
    for (size_t i = 0; i < PT_COUNT_OF(names) && n < sizeof seen.query; i++) {
        pt_slice v = pt_http_query(rq, names[i]);
        if (v.ptr) n += (size_t)snprintf(seen.query + n, sizeof seen.query - n, "%s%s=%.*s", n ? "&" : "", names[i], PT_SLICE_ARGS(v));
    }
}

static void json(pt_http_request *rq, int status, const char *text)
{
    note(rq);
    pt_http_reply(rq, status, "application/json", pt_cstr(text));
}

static void on_nodes(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    json(rq, 200, NODES);
}

static void on_tree(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    if (pt_slice_eq(pt_http_query(rq, "path"), PT_LIT("nowhere"))) pt_http_problem(rq, 404, "not-found", "there is nothing below nowhere");
    else json(rq, 200, TREE);
}

static void on_values(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    json(rq, 200, VALUES);
}

static void on_rebirth(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    pt_slice g = pt_http_param(rq, "group"), e = pt_http_param(rq, "edge");
    if (pt_slice_eq(e, PT_LIT("gone")))
        pt_http_problem(rq, 404, "not-found", "there is no node %.*s/%.*s", PT_SLICE_ARGS(g), PT_SLICE_ARGS(e));
    else json(rq, 202, "{\"state\":\"requested\"}");
}

static void on_conformance(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    json(
        rq, 200,
        "{\"group\":\"g\",\"edge\":\"e\",\"since_ms\":1763848992123,\"messages\":100,\"judged\":90,\"birth_heard\":true,\"too_large\":false,"
        "\"kinds\":1,\"advice_kinds\":1,\"times\":7,\"last_ms\":1763848993000,\"left_out\":5,\"findings\":["
        "{\"rules\":[\"tck-id-a\",\"tck-id-b\"],\"text\":\"the sequence number is not one more than the last\",\"advice\":false,\"times\":7,"
        "\"first_ms\":1763848992123,\"last_ms\":1763848993000,\"topic\":\"spBv1.0/g/NDATA/e\",\"metric_index\":3,"
        "\"metric\":\"a\\u001b[31m/b\",\"message_bytes\":40,\"bytes\":\"0a12ff\"},"
        "{\"rules\":[\"tck-id-c\"],\"text\":\"an old datatype\",\"advice\":true,\"times\":1,\"first_ms\":1763848992123,"
        "\"last_ms\":1763848992123,\"topic\":null,\"metric\":null,\"message_bytes\":0,\"bytes\":\"\"}]}");
}

static void on_write(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    static const struct {
        const char *path;
        int status;
        const char *answer;
    } rows[] = {
        { "\"now\"", 200, "{\"id\":\"1\",\"state\":\"confirmed\"}" },
        { "\"later\"", 202, "{\"id\":\"2\",\"state\":\"sent\"}" },
        { "\"never\"", 202, "{\"id\":\"3\",\"state\":\"sent\"}" },
        { "\"other\"", 200, "{\"id\":\"4\",\"state\":\"deviates\",\"reported\":3.5}" },
        { "\"timeout\"", 200, "{\"id\":\"5\",\"state\":\"timeout\"}" },
    };
    pt_slice body = pt_http_body(rq);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        if (memmem(body.ptr, body.len, rows[i].path, strlen(rows[i].path))) {
            json(rq, rows[i].status, rows[i].answer);
            return;
        }
    }
    note(rq);
    pt_http_problem(rq, 403, "forbidden", "the tag is not writable");
}

static void on_write_state(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    bool done = pt_slice_eq(pt_http_param(rq, "id"), PT_LIT("2")) && ++polls >= 2;
    pt_http_reply(rq, 200, "application/json",
                  done ? PT_LIT("{\"id\":\"2\",\"state\":\"confirmed\"}") : PT_LIT("{\"id\":\"3\",\"state\":\"sent\"}"));
}

/* hello, dict, snapshot, one value, then silence. */
static pt_status sse_more(void *stream, pt_buf *out)
{
    int *step = stream;
    static const char *const steps[] = {
        "retry: 3000\n\nid: x-1\nevent: hello\ndata: {\"sid\":\"1\"}\n\n",
        "event: dict\ndata: [[7,\"a/b\",\"Double\",\"m\"],\ndata: [8,\"a/c\",\"String\",\"\"]]\n\n",
        "event: snapshot\r\ndata: [[7,1763848992123,0.5,\"G\"],[8,1763848992123,\"x\\u0007y\",\"S\"]]\r\n\r\n",
        ": hb\n\nevent: value\ndata: [[7,1763848993000,0.1,\"G\"]]\n\n",
    };
    if (*step == (int)PT_COUNT_OF(steps)) return PT_EEMPTY;
    pt_buf_cstr(out, steps[(*step)++]);
    return PT_OK;
}

static void sse_closed(void *stream)
{
    free(stream);
}

static void on_stream(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    static const pt_http_stream_ops ops = { sse_more, sse_closed, 0 };
    if (pt_slice_eq(pt_http_query(rq, "select"), PT_LIT("refuse"))) {
        pt_http_problem(rq, 401, "unauthenticated", "show a token");
        return;
    }
    int *step = calloc(1, sizeof *step);
    if (!step) abort();
    pt_http_stream_begin(rq, 200, "text/event-stream", &ops, step);
}

/* Any status, with a problem document or without. */
static void on_code(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    uint64_t code = 500;
    bool bare = pt_http_query(rq, "bare").ptr != NULL;
    if (!pt_slice_to_u64(pt_http_param(rq, "code"), &code)) code = 500;
    note(rq);
    if (bare) pt_http_reply(rq, (int)code, "text/html", PT_LIT("<h1>no</h1>"));
    else
        pt_http_reply(rq, (int)code, "application/problem+json",
                      PT_LIT("{\"title\":\"No\",\"detail\":\"because\\u001b[1m\",\"errors\":[{\"message\":\"more\"}]}"));
}

/* Where its data are, as the first part of the target says: nowhere, or not to be read. */
static void on_status(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    json(rq, 200, "{\"version\":\"0\"}");
}
static void on_status_elsewhere(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    json(rq, 200, "{\"data_dir\":\"/nonexistent/elsewhere\"}");
}

static void on_redirect(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    note(rq);
    pt_http_set_header(rq, "Location", "/api/v1/nodes");
    pt_http_reply(rq, 302, "text/plain", PT_LIT("elsewhere"));
}

static void on_odd(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    json(rq, 200, "this is no JSON");
}

static const pt_http_route routes[] = {
    { "GET", "/api/v1/nodes", on_nodes, NULL },
    { "GET", "/api/v1/tree", on_tree, NULL },
    { "GET", "/api/v1/values", on_values, NULL },
    { "POST", "/api/v1/nodes/{group}/{edge}/rebirth", on_rebirth, NULL },
    { "GET", "/api/v1/nodes/{group}/{edge}/conformance", on_conformance, NULL },
    { "POST", "/api/v1/writes", on_write, NULL },
    { "GET", "/api/v1/writes/{id}", on_write_state, NULL },
    { "GET", "/api/v1/stream", on_stream, NULL },
    { "GET", "/code/{code}", on_code, NULL },
    { "POST", "/code/{code}", on_code, NULL },
    { "GET", "/redirect", on_redirect, NULL },
    { "GET", "/odd", on_odd, NULL },
    { "GET", "/api/v1/status", on_status, NULL },
    { "GET", "/elsewhere/api/v1/status", on_status_elsewhere, NULL },
};

const scripted_request *scripted_seen(void)
{
    return &seen;
}

static void stop(void)
{
    pt_http_stop(server);
    server = NULL;
}

const char *scripted_url(void)
{
    uint16_t port = 0;
    pt_error err = { 0 };
    pt_http_options o = { .listen = "127.0.0.1:0" };
    if (server) return url;
    if (pt_http_start(&o, routes, PT_COUNT_OF(routes), NULL, NULL, pt_clock_system(), NULL, &server, &port, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    atexit(stop);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
    return url;
}

outcome scripted_cli(const char *const *args)
{
    const char *all[48] = { "--url", scripted_url() };
    size_t n = 2;
    for (; *args && n < 47; args++)
        all[n++] = *args;
    return run_plantree(NULL, all);
}

int scripted_main(const char *suite, const pt_test *tests, size_t n, int argc, char **argv)
{
    (void)scripted_url();
    return pt_test_main(suite, tests, n, argc, argv);
}
