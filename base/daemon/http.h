/* base/daemon/http.h -- the HTTP shell of the daemons, on libmicrohttpd.
 *
 * A table of routes, a handler each. Handlers run on a small pool of threads and answer whole (pt_http_reply) or stream
 * (pt_http_stream: history exports, SSE). Errors are RFC 9457 problem+json. The server binds to what it is told, answers 404/405/413/400
 * (unknown query parameters, when the route lists its own) by itself, checks the Host header against DNS rebinding on loopback,
 * refuses unsafe methods sent by other sites' pages, and counts requests by route and code. Routes are tried in the order of the table;
 * HEAD is answered by the GET route. Live streams have threads of their own, so slow handlers do not hold them up, and no thread ever
 * waits for a slow client. */
#ifndef PT_HTTP_H
#define PT_HTTP_H
#include "base/buf.h"
#include "base/clock.h"
#include "base/daemon/metrics.h"
#include "base/log.h"

typedef struct pt_http_server pt_http_server;
typedef struct pt_http_request pt_http_request; /* lives until its handler (or stream) is done */

typedef void pt_http_handler(void *ctx, pt_http_request *rq);

typedef struct pt_http_route {
    const char *method;       /* "GET" "POST" "PUT" "DELETE" "PATCH" */
    const char *path;         /* "/api/v1/nodes/{group}/{edge}/rebirth"; a last "{rest...}" takes what is left */
    pt_http_handler *handler; /* must call exactly one of reply, problem, stream, later before it returns */
    const char *const
        *query; /* allowed query parameters, NULL-terminated, each once; one with '*' behind its name may be repeated. NULL: any */
} pt_http_route;

typedef struct pt_http_options {
    const char *listen;               /* "127.0.0.1:8080", "[::1]:0"; port 0: the system's choice */
    size_t max_body;                  /* default 1 MiB; larger is 413 */
    uint32_t max_connections;         /* default 256; a few more are taken, for the vital routes */
    uint32_t connections_per_address; /* 0: any number. Not looked at when listening on loopback, where all share one address */
    uint32_t max_waiting;             /* answers that come later at a time; default 1000; more are 503 with Retry-After */
    int64_t header_ms, body_ms;       /* from the first byte due to the whole header, from there to the whole body; default 30 s and 60 s */
    uint32_t threads;                 /* handler pool; default 4 */
    const char *server_name;          /* "plantree-host/0.1.0" */
    const char *const
        *hosts; /* further names allowed in Host, NULL-terminated (a proxy's name, say); NULL: none. Checked on loopback only */
    const char *const *vital; /* paths of routes that are served by a thread of their own and on connections above the limit, so that they
                                 answer whatever the others do; NULL-terminated, borrowed; NULL: none */
} pt_http_options;

/* Is it a text to listen on? PT_EINVAL with the reason. Resolves no name. */
PT_MUST_CHECK pt_status pt_http_listen_check(const char *listen, pt_error *err);
/* Routes and ctx are borrowed. PT_EBUSY: address in use; PT_EINVAL: bad listen text. *port (may be NULL) gets the real port. */
PT_MUST_CHECK pt_status pt_http_start(const pt_http_options *o, const pt_http_route *routes, size_t n, void *ctx, pt_metrics *metrics,
                                      const pt_clock *clock, const pt_log *log, pt_http_server **out, uint16_t *port, pt_error *err);
/* Ends running streams (their `closed` is called) and waiting answers (`ended`), waits for handlers, frees. NULL allowed. */
void pt_http_stop(pt_http_server *s);

/* --- reading a request; slices live until the handler returns (streams: until `closed`) --- */
pt_slice pt_http_param(const pt_http_request *rq, const char *name); /* path parameter, percent-decoded; absent: NULL ptr */
pt_slice pt_http_query(const pt_http_request *rq, const char *name); /* first value, decoded; absent: NULL ptr */
pt_slice pt_http_query_at(const pt_http_request *rq, const char *name, size_t index); /* of a repeated one; from 0. No more: NULL ptr */
pt_slice pt_http_header(const pt_http_request *rq, const char *name);                 /* case-insensitive */
pt_slice pt_http_body(const pt_http_request *rq);
pt_slice pt_http_path(const pt_http_request *rq);
bool pt_http_accepts_gzip(const pt_http_request *rq); /* the client takes gzip */
const char *pt_http_peer(const pt_http_request *rq);  /* numeric address of the client */

/* --- answering; each request exactly once --- */
void pt_http_set_header(pt_http_request *rq, const char *name, const char *value); /* before answering; copied */
/* `body` is copied (or gzip-compressed when >= 1 KiB and the client accepts). */
void pt_http_reply(pt_http_request *rq, int status, const char *content_type, pt_slice body);
void pt_http_reply_json(pt_http_request *rq, int status, pt_buf *json); /* takes the bytes of `json`; a failed buffer is a 500 problem */
/* problem+json: type urn:plantree:problem:<slug>; detail is a printf sentence. 5xx details are ours, never an internal text. */
void pt_http_problem(pt_http_request *rq, int status, const char *slug, const char *fmt, ...) PT_PRINTF(4, 5);
/* The same with members of its own behind the common ones: JSON without the braces, "\"oldest\":7". */
void pt_http_problem_with(pt_http_request *rq, int status, const char *slug, pt_slice members, const char *fmt, ...) PT_PRINTF(5, 6);
/* Bytes of static storage, sent as they are (already gzip when `gzip`). */
void pt_http_reply_static(pt_http_request *rq, int status, const char *content_type, pt_slice body, bool gzip);

/* An answer that comes later (a write waiting for its confirmation, say) and holds no thread until then. The handler begins it and returns
 * without an answer; then either the owner takes the request and answers it soon, by reply or problem, or one of these happens before and
 * `ended` must answer it:
 *   TIMED_OUT    timeout_ms have passed, by the server's clock
 *   CLIENT_GONE  the client closed its side; the answer reaches nobody, but counts as one
 *   STOPPING     pt_http_stop was called
 * `ended` runs on a thread of the server and must not wait. `release` (NULL allowed) frees ctx when both are done with it. */
typedef struct pt_http_later pt_http_later;
typedef enum pt_http_end { PT_HTTP_TIMED_OUT, PT_HTTP_CLIENT_GONE, PT_HTTP_STOPPING } pt_http_end;
typedef struct pt_http_later_ops {
    void (*ended)(void *ctx, pt_http_request *rq, pt_http_end why);
    void (*release)(void *ctx);
} pt_http_later_ops;
/* Before whatever will bring the answer is set going. ops is borrowed for good. NULL: the request has been answered (503 with Retry-After:
 * too many wait, or the server stops; 500: no memory), and ctx is still the caller's. */
pt_http_later *pt_http_later_begin(pt_http_request *rq, int64_t timeout_ms, const pt_http_later_ops *ops, void *ctx);
/* Exactly once, any thread, also after pt_http_stop; the handle is gone afterwards. The request to answer; NULL: it has ended. */
PT_MUST_CHECK pt_http_request *pt_http_later_take(pt_http_later *l);

/* A streamed answer: `more` appends the next piece to `out` (at most ~64 KiB) and returns
 * PT_OK (call again when sent), PT_EEMPTY (nothing now: ask again after a pt_http_wake, or after `idle_ms` at the latest) or PT_ECLOSED
 * (end). Runs on the server's threads, one call at a time per stream. `closed` runs exactly once, whatever ended it, and releases `stream`.
 */
typedef struct pt_http_stream_ops {
    pt_status (*more)(void *stream, pt_buf *out);
    void (*closed)(void *stream);
    int64_t idle_ms; /* for heartbeats; 0: never by itself */
} pt_http_stream_ops;
/* Returns a handle for pt_http_wake, valid until `closed`; NULL when the answer could not begin (then `closed` was called). */
typedef struct pt_http_stream pt_http_stream;
pt_http_stream *pt_http_stream_begin(pt_http_request *rq, int status, const char *content_type, const pt_http_stream_ops *ops,
                                     void *stream);
/* From inside `more`, before it says PT_ECLOSED: a header behind the body (RFC 9110, trailer), for what is known at the end only. */
void pt_http_stream_trailer(pt_http_stream *h, const char *name, const char *value);
void pt_http_wake(pt_http_stream *h); /* any thread; cheap; before `closed` only (guard with your own lock) */
#endif
