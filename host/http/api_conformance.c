/* host/http/api_conformance.c -- what edge nodes publish against the specification: all of them in short, one with its findings. */
#include "host/http/api.h"

#include <stdlib.h>

static const char off[] = "judging is switched off (sparkplug.conformance)";

/* One text per node, written under its shard's lock, and put in order afterwards. */
typedef struct rows {
    char **json; /* owned, and the texts */
    size_t n, cap;
    bool no_memory;
} rows;

static void add_row(void *ctx, const host_judged *n)
{
    rows *r = ctx;
    pt_buf b;
    pt_json j;
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        char **grown = realloc(r->json, cap * sizeof *grown);
        r->no_memory = r->no_memory || !grown;
        if (!grown) return;
        r->json = grown;
        r->cap = cap;
    }
    pt_buf_init(&b, 1u << 20);
    pt_json_init(&j, &b);
    host_judged_json(&j, n, false);
    char *text = pt_buf_take(&b, NULL);
    if (text) r->json[r->n++] = text;
    else r->no_memory = true;
}

/* The texts begin with the node's name. */
static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void api__conformance(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    rows r = { .n = 0 };
    pt_buf out;
    pt_json j;
    api__begin(rq);
    pt_status st = host_ingest_judged_each(host->ingest, add_row, &r);
    if (r.n) qsort(r.json, r.n, sizeof *r.json, by_text);
    pt_buf_init(&out, API_JSON_MAX);
    pt_json_init(&j, &out);
    pt_json_array(&j);
    for (size_t i = 0; i < r.n; i++) {
        pt_json_raw(&j, pt_cstr(r.json[i]));
        free(r.json[i]);
    }
    free(r.json);
    pt_json_end_array(&j);
    if (st != PT_OK) pt_http_problem(rq, 409, "conflict", "%s", off);
    else if (r.no_memory) pt_http_problem(rq, 500, "internal", "out of memory");
    else pt_http_reply_json(rq, 200, &out);
    pt_buf_fini(&out);
}

static void one_node(void *ctx, const host_judged *n)
{
    host_judged_json(ctx, n, true);
}

void api__node_conformance(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    pt_buf out;
    pt_json j;
    api__begin(rq);
    pt_buf_init(&out, API_JSON_MAX);
    pt_json_init(&j, &out);
    pt_status st = host_ingest_judged(host->ingest, pt_http_param(rq, "group"), pt_http_param(rq, "edge"), one_node, &j);
    if (st == PT_OK) pt_http_reply_json(rq, 200, &out);
    else if (st == PT_EUNSUPPORTED) pt_http_problem(rq, 409, "conflict", "%s", off);
    else pt_http_problem(rq, 404, "not-found", "nothing was heard of such an edge node since this host started");
    pt_buf_fini(&out);
}
