/* base/daemon/http_reply.c -- answers: headers every answer has, gzip, problem+json, static bytes.
 *
 * What is always true: a request gets its response exactly once; whoever gives it does not touch the request afterwards. */
#include "base/daemon/http_internal.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <zlib.h>

enum { MAX_PROBLEM = 16 << 10 };

void http__count(pt_http_request *rq)
{
    pt_buf labels;
    char code[8];
    if (!rq->server->metrics) return;
    snprintf(code, sizeof code, "%d", rq->status);
    pt_buf_init(&labels, 1024);
    pt_metrics_label(&labels, "route", rq->route ? pt_cstr(rq->route->path) : PT_LIT("none"), true);
    pt_metrics_label(&labels, "method", rq->route ? pt_cstr(rq->route->method) : PT_LIT("none"), false);
    pt_metrics_label(&labels, "code", pt_cstr(code), false);
    char *text = pt_buf_take(&labels, NULL);
    if (text)
        pt_metric_add(pt_metrics_counter(rq->server->metrics, "plantree_http_requests_total", text, "HTTP requests by route and code."), 1);
    free(text);
}

static bool has_header(const pt_http_request *rq, const char *name)
{
    for (size_t i = 0; i < rq->n_headers; i++) {
        if (strcasecmp(rq->headers[i].name.ptr, name) == 0) return true;
    }
    return false;
}

void pt_http_set_header(pt_http_request *rq, const char *name, const char *value)
{
    for (const char *p = value; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) return; /* would split the answer */
    }
    if (rq->n_headers == HTTP_MAX_HEADERS) {
        pt_logf(rq->server->log, PT_LOG_WARN, "HTTP-HEADERS", "more than %d headers set; %s is left out", HTTP_MAX_HEADERS, name);
        return;
    }
    http_pair pair = { pt_arena_dup(&rq->arena, pt_cstr(name)), pt_arena_dup(&rq->arena, pt_cstr(value)) };
    if (pair.name.ptr && pair.value.ptr) rq->headers[rq->n_headers++] = pair;
}

static void add(pt_http_request *rq, struct MHD_Response *r, const char *name, const char *value)
{
    if (MHD_add_response_header(r, name, value) != MHD_YES)
        pt_logf(rq->server->log, PT_LOG_WARN, "HTTP-HEADER", "header %s could not be set", name);
}

/* Give the response (owned; NULL: memory was out) to the request, and wake it if it was deferred. */
void http__answer(pt_http_request *rq, int status, const char *content_type, struct MHD_Response *r)
{
    pt_http_server *s = rq->server;
    if (r) {
        if (content_type && *content_type) add(rq, r, "Content-Type", content_type);
        for (size_t i = 0; i < rq->n_headers; i++)
            add(rq, r, rq->headers[i].name.ptr, rq->headers[i].value.ptr);
        if (!has_header(rq, "Cache-Control")) add(rq, r, "Cache-Control", "no-store");
        add(rq, r, "X-Content-Type-Options", "nosniff");
        if (rq->id[0]) add(rq, r, "X-Request-Id", rq->id);
        if (s->server_name) add(rq, r, "Server", s->server_name);
    }
    pthread_mutex_lock(&s->lock);
    if (rq->answered) {
        pthread_mutex_unlock(&s->lock);
        pt_logf(s->log, PT_LOG_ERROR, "HTTP-TWICE", "a request was answered twice; the second answer is dropped");
        if (r) MHD_destroy_response(r);
        return;
    }
    rq->answered = true;
    rq->status = status;
    rq->response = r;
    if (rq->phase == HTTP_RUNNING && rq->deferred && rq->handler_done) http__resume(rq);
    pthread_mutex_unlock(&s->lock);
}

/* --- gzip --- */

static bool worth_packing(const char *type)
{
    static const char *const kinds[] = { "text/",         "application/json",    "application/problem+json", "application/javascript",
                                         "image/svg+xml", "application/x-ndjson" };
    for (size_t i = 0; type && i < PT_COUNT_OF(kinds); i++) {
        if (strncmp(type, kinds[i], strlen(kinds[i])) == 0) return true;
    }
    return false;
}

/* "gzip" or "*" listed without q=0. */
bool pt_http_accepts_gzip(const pt_http_request *rq)
{
    pt_slice rest = pt_http_header(rq, "Accept-Encoding"), piece;
    while (rest.len && pt_slice_split(&rest, ',', &piece)) {
        while (piece.len && piece.ptr[0] == ' ')
            piece = pt_slice_from(piece, 1);
        size_t end = 0;
        while (end < piece.len && piece.ptr[end] != ';' && piece.ptr[end] != ' ')
            end++;
        bool named = (end == 4 && strncasecmp(piece.ptr, "gzip", 4) == 0) || (end == 1 && piece.ptr[0] == '*');
        if (!named) continue;
        pt_slice q = pt_slice_from(piece, end);
        size_t eq = pt_slice_find(q, '=');
        double weight = 1;
        if (eq < q.len && !pt_slice_to_f64(pt_slice_from(q, eq + 1), &weight)) weight = 0;
        return weight > 0;
    }
    return false;
}

/* A heap copy packed with gzip; false when it does not get smaller or memory is out. */
static bool pack(pt_slice body, char **out, size_t *len)
{
    z_stream z = { 0 };
    if (body.len > UINT32_MAX / 2 || deflateInit2(&z, 4, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return false;
    size_t cap = body.len - body.len / 16;
    char *room = malloc(cap);
    int rc = Z_MEM_ERROR;
    if (room) {
        z.next_in = (Bytef *)(uintptr_t)body.ptr;
        z.avail_in = (uInt)body.len;
        z.next_out = (Bytef *)room;
        z.avail_out = (uInt)cap;
        rc = deflate(&z, Z_FINISH);
    }
    *len = z.total_out;
    deflateEnd(&z);
    if (rc != Z_STREAM_END) {
        free(room);
        return false;
    }
    *out = room;
    return true;
}

/* --- the public answers --- */

typedef struct heavy {
    pt_http_server *server;
    char *text;
} heavy;

static void free_heavy(void *cls)
{
    heavy *h = cls;
    pt_http_server *s = h->server;
    free(h->text);
    free(h);
    if (atomic_fetch_sub(&s->heavy, 1) > 1) return;
    atomic_store(&s->trim, true);
    http__poke_watcher(s);
}

/* A response of `text`, which it frees, also when there is none. */
static struct MHD_Response *response_of(pt_http_server *s, char *text, size_t len, bool is_heavy)
{
    struct MHD_Response *r = NULL;
    heavy *h = is_heavy ? malloc(sizeof *h) : NULL;
    if (!is_heavy) r = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
    if (h) {
        *h = (heavy){ s, text };
        r = MHD_create_response_from_buffer_with_free_callback_cls(len, text, free_heavy, h);
        if (r) atomic_fetch_add(&s->heavy, 1);
        else free(h);
    }
    if (!r) free(text);
    return r;
}

/* `owned` NULL: copy. */
static void reply(pt_http_request *rq, int status, const char *type, pt_slice body, char *owned)
{
    char *packed;
    size_t len;
    struct MHD_Response *r;
    bool packable = body.len >= HTTP_GZIP_MIN && worth_packing(type) && !has_header(rq, "Content-Encoding");
    if (packable) pt_http_set_header(rq, "Vary", "Accept-Encoding");
    if (packable && pt_http_accepts_gzip(rq) && pack(body, &packed, &len)) {
        pt_http_set_header(rq, "Content-Encoding", "gzip");
        free(owned);
        r = response_of(rq->server, packed, len, body.len >= HTTP_HEAVY);
    } else if (owned) {
        r = response_of(rq->server, owned, body.len, body.len >= HTTP_HEAVY);
    } else {
        r = MHD_create_response_from_buffer(body.len, (void *)(uintptr_t)(body.len ? body.ptr : ""), MHD_RESPMEM_MUST_COPY);
    }
    http__answer(rq, status, type, r);
}

void pt_http_reply(pt_http_request *rq, int status, const char *content_type, pt_slice body)
{
    reply(rq, status, content_type, body, NULL);
}

void pt_http_reply_json(pt_http_request *rq, int status, pt_buf *json)
{
    size_t len;
    pt_status st = pt_buf_status(json);
    char *text = pt_buf_take(json, &len);
    if (!text) {
        pt_logf(rq->server->log, PT_LOG_ERROR, "HTTP-ANSWER", "the answer of %s could not be built: %s", rq->route ? rq->route->path : "?",
                pt_status_name(st ? st : PT_ENOMEM));
        if (st == PT_ETOOBIG) pt_http_problem(rq, 500, "internal", "the answer is too large; ask for less");
        else pt_http_problem(rq, 500, "internal", "out of memory");
        return;
    }
    reply(rq, status, "application/json", pt_slice_of(text, len), text);
}

static void problem(pt_http_request *rq, int status, const char *slug, pt_slice members, const char *fmt, va_list ap)
{
    char type[96], detail[1024];
    pt_buf out;
    pt_json j;
    int n = vsnprintf(detail, sizeof detail, fmt, ap);
    if (n < 0) detail[0] = '\0';
    snprintf(type, sizeof type, "urn:plantree:problem:%s", slug);
    pt_buf_init(&out, MAX_PROBLEM);
    pt_json_init(&j, &out);
    pt_json_object(&j);
    pt_json_member_cstr(&j, "type", type);
    pt_json_member_cstr(&j, "title", MHD_get_reason_phrase_for((unsigned)status));
    pt_json_member_i64(&j, "status", status);
    pt_json_member_cstr(&j, "detail", detail);
    pt_json_member_cstr(&j, "instance", rq->id);
    if (members.len) pt_json_raw(&j, members);
    pt_json_end_object(&j);
    reply(rq, status, "application/problem+json", pt_buf_view(&out), NULL); /* a failed buffer gives an empty body */
    pt_buf_fini(&out);
}

void pt_http_problem(pt_http_request *rq, int status, const char *slug, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    problem(rq, status, slug, PT_NONE, fmt, ap);
    va_end(ap);
}

void pt_http_problem_with(pt_http_request *rq, int status, const char *slug, pt_slice members, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    problem(rq, status, slug, members, fmt, ap);
    va_end(ap);
}

void pt_http_reply_static(pt_http_request *rq, int status, const char *content_type, pt_slice body, bool gzip)
{
    if (gzip && !pt_http_accepts_gzip(rq)) {
        pt_http_problem(rq, 406, "bad-request", "this is only available with Accept-Encoding: gzip");
        return;
    }
    if (gzip) {
        pt_http_set_header(rq, "Content-Encoding", "gzip");
        pt_http_set_header(rq, "Vary", "Accept-Encoding");
    }
    http__answer(rq, status, content_type,
                 MHD_create_response_from_buffer(body.len, (void *)(uintptr_t)(body.len ? body.ptr : ""), MHD_RESPMEM_PERSISTENT));
}
