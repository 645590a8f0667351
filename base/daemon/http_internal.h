/* base/daemon/http_internal.h -- what the files of the HTTP shell share. See http.c for the life of a request. */
#ifndef PT_HTTP_INTERNAL_H
#define PT_HTTP_INTERNAL_H
#include "base/arena.h"
#include "base/daemon/http.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    HTTP_MAX_PARAMS = 8,         /* path parameters of a route */
    HTTP_MAX_QUERY = 64,         /* query parameters of a request */
    HTTP_MAX_HEADERS = 16,       /* headers a handler may set */
    HTTP_STREAM_THREADS = 2,     /* beside the handlers' pool */
    HTTP_STREAM_PIECE = 4 << 20, /* bytes `more` may append in one call, at the very most */
    HTTP_GZIP_MIN = 1024,
    HTTP_RESERVE = 8,      /* connections above max_connections: for the vital routes only */
    HTTP_HEAVY = 8 << 20,  /* bytes of an answer after which memory is given back to the system */
    HTTP_IDLE_SECONDS = 60 /* a connection without traffic is closed (suspended ones are not counted) */
};

typedef enum http_phase {
    HTTP_READING,  /* I/O thread: headers and body come in */
    HTTP_QUEUED,   /* suspended: waits for a handler thread */
    HTTP_RUNNING,  /* suspended: a handler runs, or its answer is deferred */
    HTTP_ANSWERED, /* the response is there; resumed */
    HTTP_SENT      /* handed to libmicrohttpd, which sends it or pulls the stream */
} http_phase;

typedef enum stream_phase {
    STREAM_SENDING, /* I/O thread: bytes of `piece` go out; not suspended */
    STREAM_QUEUED,  /* suspended: waits for a stream thread */
    STREAM_RUNNING, /* suspended: `more` runs */
    STREAM_IDLE     /* suspended: waits for a wake, its deadline or the end */
} stream_phase;

typedef struct http_pair {
    pt_slice name, value;
} http_pair;

struct pt_http_stream {
    pt_http_stream_ops ops;
    struct MHD_Response *response; /* the connection's */
    void *user;
    pt_buf piece;              /* I/O thread while SENDING, stream thread while RUNNING */
    size_t sent;               /* of piece */
    int64_t deadline_ms;       /* IDLE: when `more` is asked again; INT64_MAX: never */
    stream_phase phase;        /* server lock */
    bool open;                 /* server lock: begun and not closed */
    bool woken;                /* server lock: a wake came while not IDLE */
    bool rest;                 /* server lock: nothing more after this piece for now */
    bool ended, failed;        /* server lock: `more` is never called again */
    bool gone;                 /* server lock: the client went away */
    uint64_t id;               /* in the watcher's epoll set */
    pt_http_stream *next_open; /* server lock: list of open streams */
};

struct pt_http_request {
    pt_http_server *server;
    struct MHD_Connection *conn; /* NULL until the first call with headers */
    http_phase phase;            /* server lock, except READING and SENT: I/O thread */
    pt_arena arena;              /* decoded texts and pairs */
    pt_slice target;             /* as sent, in the arena */
    pt_slice path, raw_path;     /* decoded; as sent */
    const pt_http_route *route;  /* NULL: none matched */
    http_pair params[HTTP_MAX_PARAMS], query[HTTP_MAX_QUERY], headers[HTTP_MAX_HEADERS];
    size_t n_params, n_query, n_headers;
    pt_buf body;
    size_t body_seen; /* bytes, also those thrown away */
    bool body_too_big, discard_body;
    bool head;                                      /* method is HEAD */
    bool answered, deferred, handler_done, pending; /* server lock */
    char peer[64];
    char id[20]; /* X-Request-Id */
    int64_t begun_us;
    int status;
    struct MHD_Response *response; /* owned until queued */
    pt_http_request *next_job;     /* server lock */
    pt_http_stream stream;
};

typedef struct http_jobs {
    pt_http_request *first, **last;
    pthread_cond_t ready;
} http_jobs;

typedef struct http_conn http_conn;

typedef enum http_reading {
    HTTP_READS_HEADER, /* from the connection's begin, or the end of the answer before */
    HTTP_READS_BODY,
    HTTP_READS_NOTHING /* the server's turn */
} http_reading;

struct pt_http_server {
    struct MHD_Daemon *mhd;
    const pt_http_route *routes;
    size_t n_routes;
    void *ctx;
    pt_metrics *metrics;
    const pt_clock *clock;
    const pt_log *log;
    size_t max_body;
    char *server_name;
    const char *const *hosts, *const *vital_routes;
    bool check_host; /* listens on loopback */
    uint32_t max_connections, per_address;
    size_t max_laters;
    int64_t header_ms, body_ms;
    pt_metric *open_laters, *laters_refused, *cut_address, *cut_header, *cut_body, *cut_full, *trims;
    _Atomic uint32_t heavy; /* large answers not yet freed */
    _Atomic bool trim;      /* the last of them was */
    pt_metric **durations;  /* I/O thread; one histogram per route, NULL before its first answer */
    pt_metric *open_streams;
    int listen_fd;        /* -1 while libmicrohttpd owns it */
    pthread_mutex_t lock; /* guards all below, and what requests and streams mark so */
    pthread_cond_t idle;  /* signalled when `suspended` or `pending` falls */
    http_jobs handlers, streams, vital;
    pt_http_later *laters;
    size_t n_laters;
    pt_http_stream *open;
    size_t n_open;
    size_t suspended; /* requests libmicrohttpd holds suspended for us */
    size_t pending;   /* answers queued, not streams, not yet completed */
    bool stopping, threads_stop;
    uint64_t next_id, request_salt;
    uint64_t requests; /* I/O thread */
    int epoll_fd, event_fd;
    int64_t watch_until_ms; /* when the watcher wakes by itself */
    pthread_t *threads;     /* handlers, then stream threads, then the watcher */
    size_t n_threads, n_handlers;
    pthread_mutex_t conns_lock; /* guards those below */
    pthread_cond_t conns_gone;
    http_conn *conns; /* open connections */
    uint32_t n_conns;
    int64_t conns_until_ms; /* the watcher looks for slow ones then */
    bool draining;
};

/* http_connections.c */
void http__on_connection(void *cls, struct MHD_Connection *conn, void **context, enum MHD_ConnectionNotificationCode what);
void http__drain(pt_http_server *s); /* nothing suspended: take no connection any more, end the open ones, wait for a second at most */

enum MHD_Result http__accept(void *cls, const struct sockaddr *addr, socklen_t len);
http_conn *http__conn_of(struct MHD_Connection *conn); /* NULL: not listed */
bool http__in_reserve(const http_conn *c);
void http__reading(pt_http_server *s, http_conn *c, http_reading what); /* I/O thread; c may be NULL */
int64_t http__conns_due(pt_http_server *s);

/* http_later.c; all with the lock held, which is given up while somebody is answered */
int64_t http__laters_due(pt_http_server *s); /* answers those whose time is over; when the next one's is */
bool http__later_gone(pt_http_server *s, uint64_t id);
void http__laters_end(pt_http_server *s);

/* http_request.c: parse the target and find the route; on refusal the answer is already set (rq->response). */
pt_http_request *http__request_new(pt_http_server *s, const char *target);
void http__request_free(pt_http_request *rq);
void http__request_begin(pt_http_request *rq, const char *method);
bool http__is_vital(const pt_http_request *rq);

/* http_reply.c: give the response (owned; NULL: memory is out) */
void http__answer(pt_http_request *rq, int status, const char *content_type, struct MHD_Response *r);
void http__count(pt_http_request *rq);

/* http_stream.c */
void http__stream_job(pt_http_server *s, pt_http_request *rq); /* a stream thread runs `more`; called and returns with the lock */
void http__stream_closed(pt_http_request *rq);                 /* the connection is done with it */
void http__poke_watcher(pt_http_server *s);
void http__streams_end(pt_http_server *s); /* lock held: wake all up to end */
void *http__watch(void *server);
pt_http_request *http__of_stream(pt_http_stream *st);

/* http.c; all with the lock held */
void http__suspend(pt_http_request *rq);
void http__resume(pt_http_request *rq);
void http__push(http_jobs *jobs, pt_http_request *rq);
#endif
