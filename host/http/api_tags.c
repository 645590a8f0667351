/* host/http/api_tags.c -- requests for the tree, now and as of a past time, and for current values. */
#include "host/http/answer.h"

#include <jansson.h>
#include <stdlib.h>

enum { PATHS_MAX = 5000, TAG_GLOBS_MAX = 100 };

void api__tree(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    query_tree q = { .path = pt_http_query(rq, "path"), .at_ms = INT64_MIN };
    uint64_t depth = 1;
    query_source src = api__source(host);
    query_format format;
    query_run *run = NULL;
    pt_error err = { 0, "" };
    api__begin(rq);
    if (!api__number(rq, "depth", UNS_DEPTH_MAX, &depth) || !api__flag(rq, "hidden", &q.hidden) || !api__time(host, rq, "at", &q.at_ms))
        return;
    q.depth = (uint32_t)depth;
    query_sink *sink = api__sink(rq, &format);
    if (!sink) return;
    pt_status st = query_tree_open(&src, api__scope(rq), &q, sink, &run, &err);
    api__answer(host, rq, st, run, format, &err);
}

static void answer_values(const host_parts *host, pt_http_request *rq, const query_values *q)
{
    query_source src = api__source(host);
    query_format format;
    query_run *run = NULL;
    pt_error err = { 0, "" };
    query_sink *sink = api__sink(rq, &format);
    if (!sink) return;
    pt_status st = query_values_open(&src, api__scope(rq), q, sink, &run, &err);
    api__answer(host, rq, st, run, format, &err);
}

void api__values(void *ctx, pt_http_request *rq)
{
    pt_slice rest = pt_http_query(rq, "paths"), one;
    size_t commas = 0;
    query_values q = { .n_paths = 0 };
    api__begin(rq);
    if (!rest.ptr || rest.len == 0) {
        pt_http_problem(rq, 400, "bad-request", "paths is missing");
        return;
    }
    for (size_t i = 0; i < rest.len; i++)
        commas += rest.ptr[i] == ',';
    pt_slice *paths = malloc((commas + 1) * sizeof *paths);
    if (!paths) {
        pt_http_problem(rq, 500, "internal", "out of memory");
        return;
    }
    while (rest.ptr && pt_slice_split(&rest, ',', &one))
        paths[q.n_paths++] = one;
    q.paths = paths;
    answer_values(ctx, rq, &q);
    free(paths);
}

void api__values_post(void *ctx, pt_http_request *rq)
{
    pt_slice body = pt_http_body(rq);
    json_error_t why;
    api__begin(rq);
    json_t *root = json_loadb(body.ptr ? body.ptr : "", body.len, JSON_REJECT_DUPLICATES, &why);
    const json_t *list = json_object_get(root, "paths"), *one;
    size_t i, n = json_array_size(list);
    query_values q = { .n_paths = 0 };
    bool ok = json_is_array(list) && n <= PATHS_MAX;
    pt_slice *paths = ok ? malloc((n + 1) * sizeof *paths) : NULL;
    json_array_foreach(list, i, one)
    {
        ok = ok && paths && json_is_string(one);
        if (ok) paths[q.n_paths++] = pt_slice_of(json_string_value(one), json_string_length(one));
    }
    q.paths = paths;
    if (ok && paths) answer_values(ctx, rq, &q);
    else if (ok) pt_http_problem(rq, 500, "internal", "out of memory");
    else pt_http_problem(rq, 400, "bad-request", "the body must be {\"paths\":[...]} with at most %d paths", PATHS_MAX);
    free(paths);
    json_decref(root);
}

void api__tags(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    pt_slice rest = pt_http_query(rq, "paths"), paths[TAG_GLOBS_MAX];
    query_tags_question q = { .paths = paths, .owners_of = pt_http_query(rq, "owners_of") };
    query_source src = api__source(host);
    query_format format;
    query_run *run = NULL;
    pt_error err = { 0, "" };
    api__begin(rq);
    while (rest.len && q.n_paths < TAG_GLOBS_MAX && pt_slice_split(&rest, ',', &paths[q.n_paths]))
        q.n_paths++;
    if (rest.len || (q.n_paths && q.owners_of.len)) {
        pt_http_problem(rq, 400, "bad-request", rest.len ? "more than %d paths" : "paths or owners_of", TAG_GLOBS_MAX);
        return;
    }
    query_sink *sink = api__sink(rq, &format);
    if (!sink) return;
    pt_status st = query_tags_open(&src, api__scope(rq), &q, sink, &run, &err);
    api__answer(host, rq, st, run, format, &err);
}

/* The tag owns no path from now on; its history stays, and it comes back with its next birth. */
void api__tag_retire(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    uint64_t id = 0;
    pt_arena arena;
    hist_tag tag;
    pt_error err = { 0, "" };
    api__begin(rq);
    if (!api__unsafe_allowed(rq)) return;
    pt_arena_init(&arena, 1u << 20);
    bool number = pt_slice_to_u64(pt_http_param(rq, "tag_id"), &id) && id > 0 && id <= UINT32_MAX;
    pt_status st = number ? hist_tag_by_id(host->history, (uint32_t)id, &arena, &tag) : PT_ENOTFOUND;
    if (st == PT_OK && !query_sees(api__scope(rq), tag.path)) st = PT_ENOTFOUND;
    if (st == PT_OK) st = host_ingest_retire(host->ingest, (uint32_t)id, &err);
    if (st == PT_ENOTFOUND) pt_http_problem(rq, 404, "not-found", "there is no such tag");
    else if (st == PT_EBUSY) pt_http_problem(rq, 409, "conflict", "%s", err.text);
    else if (st != PT_OK) pt_http_problem(rq, 500, "internal", "%s", pt_status_name(st));
    else if (!host_audit_note(host->audit, host->clock, host->log, pt_cstr(pt_http_peer(rq)), "tag-retire", tag.path, "done"))
        pt_http_problem(rq, 500, "internal", "done, but it could not be written to the audit");
    else pt_http_reply(rq, 200, "application/json", PT_LIT("{\"state\":\"retired\"}"));
    pt_arena_fini(&arena);
}

/* One tag as an object, not as a list of one. */
static void answer_tag(const host_parts *host, pt_http_request *rq, const query_values *q)
{
    query_source src = api__source(host);
    query_run *run = NULL;
    pt_error err = { 0, "" };
    query_sink *sink = query_sink_new(QUERY_LINES, false);
    pt_status st = query_values_open(&src, api__scope(rq), q, sink, &run, &err);
    api__answer(host, rq, st, run, QUERY_JSON, &err);
}

void api__tag(void *ctx, pt_http_request *rq)
{
    uint64_t id = 0;
    api__begin(rq);
    if (!pt_slice_to_u64(pt_http_param(rq, "tag_id"), &id) || id == 0 || id > UINT32_MAX) {
        pt_http_problem(rq, 404, "not-found", "there is no such tag");
        return;
    }
    answer_tag(ctx, rq, &(query_values){ .tag_id = (uint32_t)id, .full = true });
}

void api__tag_by_path(void *ctx, pt_http_request *rq)
{
    pt_slice path = pt_http_param(rq, "path");
    api__begin(rq);
    answer_tag(ctx, rq, &(query_values){ .paths = &path, .n_paths = 1, .full = true });
}
