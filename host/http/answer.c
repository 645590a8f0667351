/* host/http/answer.c -- from a run to a reply or a stream. */
#include "host/http/answer.h"

#include <stdio.h>
#include <stdlib.h>

#define DAMAGED "X-Plantree-Damaged"
enum { WHOLE = 1 << 20, PIECE = 64 << 10, PART_MAX = 512 << 20, KEPT = 1 << 20 };

query_source api__source(const host_parts *host)
{
    return (query_source){ host->history, host->tree, host->clock, host->log };
}

query_sink *api__sink(pt_http_request *rq, query_format *format)
{
    bool int64_string;
    pt_slice name = pt_http_query(rq, "format");
    *format = QUERY_JSON;
    if (!api__int64_string(rq, &int64_string)) return NULL;
    if (name.ptr && query_format_parse(name, format) != PT_OK) {
        pt_http_problem(rq, 400, "bad-request", "format must be json, jsonl or csv");
        return NULL;
    }
    query_sink *s = query_sink_new(*format, int64_string);
    if (!s) pt_http_problem(rq, 500, "internal", "out of memory");
    return s;
}

static void refuse(const host_parts *host, pt_http_request *rq, pt_status st, const pt_error *err)
{
    static const struct {
        pt_status st;
        int status;
        const char *slug;
    } known[] = { { PT_ENOTFOUND, 404, "not-found" }, { PT_EINVAL, 400, "bad-request" }, { PT_ETOOBIG, 422, "validation" } };
    for (size_t i = 0; i < PT_COUNT_OF(known); i++) {
        if (known[i].st != st) continue;
        pt_http_problem(rq, known[i].status, known[i].slug, "%s", err->text);
        return;
    }
    pt_logf(host->log, PT_LOG_ERROR, "HIST-READ", "%.*s: %s: %s", PT_SLICE_ARGS(pt_http_path(rq)), pt_status_name(st), err->text);
    pt_http_problem(rq, 500, "internal", "history cannot be read; the log says why");
}

/* ---- the long ones --------------------------------------------------------------------------------------------- */

typedef struct stream {
    query_run *run;
    const pt_log *log;
    pt_http_stream *handle;
    pt_buf part; /* made and not yet given */
    size_t given;
    bool ended;
} stream;

static pt_status more(void *user, pt_buf *out)
{
    stream *s = user;
    pt_error err = { 0, "" };
    if (s->given == s->part.len && !s->ended) {
        if (s->part.cap > KEPT) { /* one large value is no reason to keep its room */
            pt_buf_fini(&s->part);
            pt_buf_init(&s->part, PART_MAX);
        }
        pt_buf_reset(&s->part);
        s->given = 0;
        pt_status st = query_step(s->run, &s->part, &err);
        s->ended = st == PT_ECLOSED;
        if (st != PT_OK && st != PT_ECLOSED) {
            pt_logf(s->log, PT_LOG_ERROR, "HIST-READ", "an answer breaks off: %s: %s", pt_status_name(st), err.text);
            return st;
        }
    }
    size_t n = s->part.len - s->given < PIECE ? s->part.len - s->given : PIECE;
    pt_buf_add(out, s->part.ptr + s->given, n);
    s->given += n;
    if (!s->ended || s->given < s->part.len) return PT_OK;
    if (query_damaged(s->run)) {
        char count[24];
        snprintf(count, sizeof count, "%llu", (unsigned long long)query_damaged(s->run));
        pt_http_stream_trailer(s->handle, DAMAGED, count);
    }
    return PT_ECLOSED;
}

static void closed(void *user)
{
    stream *s = user;
    query_close(s->run);
    pt_buf_fini(&s->part);
    free(s);
}

static void begin_stream(const host_parts *host, pt_http_request *rq, query_run *run, query_format format, pt_buf *first)
{
    static const pt_http_stream_ops ops = { more, closed, 0 };
    stream *s = calloc(1, sizeof *s);
    if (!s) {
        query_close(run);
        pt_buf_fini(first);
        pt_http_problem(rq, 500, "internal", "out of memory");
        return;
    }
    s->run = run;
    s->log = host->log;
    s->part = *first; /* and its bytes */
    pt_http_set_header(rq, "Trailer", DAMAGED);
    s->handle = pt_http_stream_begin(rq, 200, query_format_type(format), &ops, s); /* `more` is not called before the handler is done */
}

static void whole(pt_http_request *rq, const query_run *run, query_format format, pt_buf *body)
{
    char count[24];
    if (query_damaged(run)) {
        snprintf(count, sizeof count, "%llu", (unsigned long long)query_damaged(run));
        pt_http_set_header(rq, DAMAGED, count);
    }
    if (format == QUERY_JSON) pt_http_reply_json(rq, 200, body);
    else pt_http_reply(rq, 200, query_format_type(format), pt_buf_view(body));
}

void api__answer(const host_parts *host, pt_http_request *rq, pt_status st, query_run *run, query_format format, const pt_error *err)
{
    pt_error why = { 0, "" };
    pt_buf first;
    if (st != PT_OK) {
        refuse(host, rq, st, err);
        return;
    }
    pt_buf_init(&first, PART_MAX);
    while (st == PT_OK && first.len < WHOLE)
        st = query_step(run, &first, &why);
    if (st == PT_OK) {
        begin_stream(host, rq, run, format, &first);
        return;
    }
    if (st == PT_ECLOSED) whole(rq, run, format, &first);
    else refuse(host, rq, st, &why);
    pt_buf_fini(&first);
    query_close(run);
}
