/* host/http/api_history.c -- requests for recorded samples, aggregates, durations and events. */
#include "base/timestamp.h"
#include "host/http/answer.h"

#include <jansson.h>
#include <stdlib.h>

enum { HTTP_PATHS = 64, EVENTS_DEFAULT = 1000 };

/* The selected paths: repeated `path`, or {"paths":[...]} as the body of a POST. */
typedef struct paths {
    pt_slice few[HTTP_PATHS];
    pt_slice *items; /* `few`, or owned */
    size_t n;
    json_t *root; /* owned; NULL: none */
} paths;

static void paths_fini(paths *p)
{
    if (p->items != p->few) free(p->items);
    json_decref(p->root);
}

/* false: answered. */
static bool body_paths(pt_http_request *rq, paths *p)
{
    pt_slice body = pt_http_body(rq);
    json_error_t why;
    p->root = json_loadb(body.ptr ? body.ptr : "", body.len, JSON_REJECT_DUPLICATES, &why);
    const json_t *list = json_object_get(p->root, "paths"), *one;
    size_t i, n = json_array_size(list);
    bool ok = json_is_array(list) && json_object_size(p->root) == 1 && n > 0 && n <= QUERY_SERIES_MAX;
    pt_slice *items = ok ? malloc(n * sizeof *items) : NULL;
    if (ok && !items) {
        pt_http_problem(rq, 500, "internal", "out of memory");
        return false;
    }
    if (items) p->items = items;
    json_array_foreach(list, i, one)
    {
        ok = ok && json_is_string(one);
        if (ok) p->items[p->n++] = pt_slice_of(json_string_value(one), json_string_length(one));
    }
    if (!ok) pt_http_problem(rq, 400, "bad-request", "the body must be {\"paths\":[...]} with 1 to %d paths or patterns", QUERY_SERIES_MAX);
    return ok;
}

/* What a request for series begins with: paths or tag_id, from and to. false: answered. */
static bool series_request(const host_parts *host, pt_http_request *rq, paths *p, query_history *q)
{
    int64_t now = pt_wall_ms(host->clock);
    uint64_t id = 0;
    *p = (paths){ .n = 0 };
    p->items = p->few;
    q->to_ms = now + 1;
    q->from_ms = now - 3600000;
    if (!api__time(host, rq, "from", &q->from_ms) || !api__time(host, rq, "to", &q->to_ms) || !api__number(rq, "tag_id", UINT32_MAX, &id))
        return false;
    q->tag_id = (uint32_t)id;
    if (pt_http_body(rq).len) {
        if (!body_paths(rq, p)) return false;
    } else {
        pt_slice one;
        for (size_t i = 0; i < HTTP_PATHS && (one = pt_http_query_at(rq, "path", i)).ptr; i++)
            if (one.len) p->few[p->n++] = one;
    }
    q->paths = p->items;
    q->n_paths = p->n;
    if (!id && !p->n) {
        pt_http_problem(rq, 400, "bad-request", "path or tag_id is missing");
        return false;
    }
    return true;
}

static void answer_history(const host_parts *host, pt_http_request *rq, const query_history *q)
{
    query_source src = api__source(host);
    query_format format;
    query_run *run = NULL;
    pt_error err = { 0, "" };
    query_sink *sink = api__sink(rq, &format);
    if (!sink) return;
    pt_status st = query_history_open(&src, api__scope(rq), q, sink, &run, &err);
    api__answer(host, rq, st, run, format, &err);
}

void api__history(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    query_history q = { .shape = QUERY_SAMPLES };
    uint64_t max_points = 0;
    paths p = { .n = 0 };
    api__begin(rq);
    pt_slice reduce = pt_http_query(rq, "reduce");
    q.lttb = pt_slice_eq_cstr(reduce, "lttb");
    if (reduce.ptr && !q.lttb && !pt_slice_eq_cstr(reduce, "minmax")) {
        pt_http_problem(rq, 400, "bad-request", "reduce must be minmax or lttb");
        return;
    }
    if (api__number(rq, "max_points", QUERY_POINTS_MAX, &max_points) && series_request(host, rq, &p, &q)) {
        q.max_points = (uint32_t)max_points;
        answer_history(host, rq, &q);
    }
    paths_fini(&p);
}

/* interval=15m or ms, with tz an interval of its calendar; fn; max_points. false: answered. */
static bool bucket_request(pt_http_request *rq, query_history *q, unsigned fns[QUERY_FNS])
{
    pt_slice text = pt_http_query(rq, "interval"), list = pt_http_query(rq, "fn");
    uint64_t plain = 0, max_points = 0;
    pt_error err = { 0, "" };
    q->zone = pt_http_query(rq, "tz");
    if (q->zone.ptr) q->interval = text;
    else if (text.ptr && pt_slice_to_u64(text, &plain) && plain <= INT64_MAX) q->interval_ms = (int64_t)plain; /* ms */
    else if (text.ptr && pt_duration_parse(text, &q->interval_ms, &err) != PT_OK) {
        pt_http_problem(rq, 400, "bad-request", "interval: %s", err.text);
        return false;
    }
    if (q->zone.ptr && !q->zone.len) {
        pt_http_problem(rq, 400, "bad-request", "tz is empty");
        return false;
    }
    if (!api__number(rq, "max_points", QUERY_BUCKETS_MAX, &max_points)) return false;
    q->max_points = (uint32_t)max_points;
    q->fns = fns;
    if (!list.len || query_fns_parse(list, fns, &q->n_fns, &err) == PT_OK) return true;
    pt_http_problem(rq, 400, "bad-request", "fn: %s", err.text);
    return false;
}

void api__aggregate(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    query_history q = { .shape = QUERY_BUCKETS };
    unsigned fns[QUERY_FNS];
    paths p = { .n = 0 };
    api__begin(rq);
    if (bucket_request(rq, &q, fns) && series_request(host, rq, &p, &q)) answer_history(host, rq, &q);
    paths_fini(&p);
}

void api__durations(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    query_history q = { .shape = QUERY_DURATIONS };
    paths p = { .n = 0 };
    api__begin(rq);
    if (series_request(host, rq, &p, &q)) answer_history(host, rq, &q);
    paths_fini(&p);
}

/* ---- events ------------------------------------------------------------------------------------------ */

void api__events(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    hist_event_filter f = { .from_ms = INT64_MIN, .to_ms = INT64_MAX };
    uint64_t limit = EVENTS_DEFAULT;
    query_source src = api__source(host);
    query_format format;
    query_run *run = NULL;
    pt_error err = { 0, "" };
    api__begin(rq);
    if (!api__time(host, rq, "from", &f.from_ms) || !api__time(host, rq, "to", &f.to_ms) || !api__number(rq, "limit", UINT32_MAX, &limit) ||
        !api__number(rq, "after", UINT64_MAX, &f.after_seq))
        return;
    pt_slice order = pt_http_query(rq, "order");
    if (order.ptr && !pt_slice_eq_cstr(order, "oldest") && !pt_slice_eq_cstr(order, "newest")) {
        pt_http_problem(rq, 400, "bad-request", "order must be oldest or newest");
        return;
    }
    f.newest_first = pt_slice_eq_cstr(order, "newest");
    if (f.newest_first && (limit == 0 || limit > QUERY_EVENTS_MAX)) {
        pt_http_problem(rq, 400, "bad-request", "newest first, limit must be a whole number from 1 to %d", QUERY_EVENTS_MAX);
        return;
    }
    f.types = pt_http_query(rq, "type");
    f.node = pt_http_query(rq, "node");
    f.path = pt_http_query(rq, "path");
    f.limit = (uint32_t)limit;
    query_sink *sink = api__sink(rq, &format);
    if (!sink) return;
    pt_status st = query_events_open(&src, api__scope(rq), &f, sink, &run, &err);
    api__answer(host, rq, st, run, format, &err);
}
