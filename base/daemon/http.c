/* base/daemon/http.c -- the server: one I/O thread of libmicrohttpd, a pool for handlers and one thread more for the vital routes, two
 * threads for streams, one watcher.
 *
 *      I/O thread              READING --complete--> QUEUED (suspended) --> RUNNING on a handler thread
 *                                 ^                                            | answered (at once or deferred)
 *                                 +---- next request ---- SENT <-- ANSWERED <--+ (resumed)
 *
 * What is always true: (1) only the I/O thread talks to sockets, only pool threads run handlers and `more`, so neither a slow client
 * nor a slow handler nor 200 idle live streams hold anybody else up; (2) a request is in at most one queue, and there are at most
 * max_connections of them, so the queues are bounded; (3) a connection is suspended from QUEUED until ANSWERED, and a request is freed
 * by the I/O thread only, when it is not suspended; (4) the server lock is never held while a handler, `more` or `closed` runs. */
#include "base/daemon/http_internal.h"
#include "base/thread.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    DEFAULT_BODY = 1 << 20,
    DEFAULT_CONNECTIONS = 256,
    DEFAULT_LATERS = 1000,
    DEFAULT_HEADER_MS = 30000,
    DEFAULT_BODY_MS = 60000,
    DEFAULT_THREADS = 4,
    MAX_THREADS = 64,
    MAX_SWALLOW = 64 << 20, /* bytes of a refused body read away before the connection is cut */
    FLUSH_MS = 1000         /* a stop waits this long for answers to leave */
};

/* --- queues; all with the lock held --- */

void http__push(http_jobs *jobs, pt_http_request *rq)
{
    rq->next_job = NULL;
    *jobs->last = rq;
    jobs->last = &rq->next_job;
    pthread_cond_signal(&jobs->ready);
}

static pt_http_request *pop(pt_http_server *s, http_jobs *jobs)
{
    while (!jobs->first && !s->threads_stop)
        pthread_cond_wait(&jobs->ready, &s->lock);
    pt_http_request *rq = jobs->first;
    if (rq && !(jobs->first = rq->next_job)) jobs->last = &jobs->first;
    return rq;
}

void http__suspend(pt_http_request *rq)
{
    MHD_suspend_connection(rq->conn);
    rq->server->suspended++;
}

void http__resume(pt_http_request *rq)
{
    if (rq->phase == HTTP_RUNNING) {
        rq->phase = HTTP_ANSWERED;
        if (!rq->stream.open) {
            rq->pending = true;
            rq->server->pending++;
        }
    }
    rq->server->suspended--;
    pthread_cond_broadcast(&rq->server->idle);
    MHD_resume_connection(rq->conn);
}

/* --- the pool --- */

static void run_handler(pt_http_server *s, pt_http_request *rq)
{
    bool refuse = s->stopping;
    rq->phase = HTTP_RUNNING;
    pthread_mutex_unlock(&s->lock);
    if (refuse) pt_http_problem(rq, 503, "not-ready", "the server is stopping");
    else rq->route->handler(s->ctx, rq);
    pthread_mutex_lock(&s->lock);
    if (!rq->answered && !rq->deferred) {
        pthread_mutex_unlock(&s->lock);
        pt_logf(s->log, PT_LOG_ERROR, "HTTP-NO-ANSWER", "the handler of %s gave no answer", rq->route->path);
        pt_http_problem(rq, 500, "internal", "no answer was given");
        pthread_mutex_lock(&s->lock);
    }
    rq->handler_done = true;
    if (rq->answered) http__resume(rq);
}

static void *handler_thread(void *server)
{
    pt_http_server *s = server;
    pt_http_request *rq;
    pthread_mutex_lock(&s->lock);
    while ((rq = pop(s, &s->handlers)))
        run_handler(s, rq);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void *vital_thread(void *server)
{
    pt_http_server *s = server;
    pt_http_request *rq;
    pthread_mutex_lock(&s->lock);
    while ((rq = pop(s, &s->vital)))
        run_handler(s, rq);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void *stream_thread(void *server)
{
    pt_http_server *s = server;
    pt_http_request *rq;
    pthread_mutex_lock(&s->lock);
    while ((rq = pop(s, &s->streams)))
        http__stream_job(s, rq);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* --- libmicrohttpd's callbacks, all on the I/O thread --- */

static void *on_target(void *cls, const char *target, struct MHD_Connection *conn)
{
    (void)conn;
    return http__request_new(cls, target);
}

static enum MHD_Result send_response(pt_http_request *rq)
{
    rq->phase = HTTP_SENT;
    if (!rq->response) return MHD_NO; /* memory was out: the connection is closed */
    enum MHD_Result rc = MHD_queue_response(rq->conn, (unsigned)rq->status, rq->response);
    MHD_destroy_response(rq->response); /* our reference */
    rq->response = NULL;
    http__count(rq);
    return rc;
}

static enum MHD_Result take_body(pt_http_request *rq, const char *data, size_t *size)
{
    rq->body_seen += *size;
    if (!rq->discard_body && rq->body_seen > rq->server->max_body) rq->discard_body = rq->body_too_big = true;
    if (!rq->discard_body && pt_buf_add(&rq->body, data, *size)) return MHD_NO; /* out of memory */
    *size = 0;
    return rq->body_seen > MAX_SWALLOW ? MHD_NO : MHD_YES;
}

static enum MHD_Result all_read(pt_http_request *rq)
{
    pt_http_server *s = rq->server;
    http__reading(s, http__conn_of(rq->conn), HTTP_READS_NOTHING);
    if (rq->body_too_big && !rq->answered) pt_http_problem(rq, 413, "too-large", "the body may be %zu bytes at most", s->max_body);
    pthread_mutex_lock(&s->lock);
    if (!rq->answered && !s->stopping) {
        rq->phase = HTTP_QUEUED;
        http__suspend(rq);
        http__push(http__is_vital(rq) ? &s->vital : &s->handlers, rq);
        pthread_mutex_unlock(&s->lock);
        return MHD_YES;
    }
    pthread_mutex_unlock(&s->lock);
    if (!rq->answered) pt_http_problem(rq, 503, "not-ready", "the server is stopping");
    return send_response(rq);
}

/* The header is there: the body has its time from now on. In the reserve only what is vital is served. */
static void begun(pt_http_server *s, pt_http_request *rq)
{
    http_conn *c = http__conn_of(rq->conn);
    http__reading(s, c, HTTP_READS_BODY);
    if (rq->answered || !http__in_reserve(c)) return;
    pt_http_set_header(rq, "Connection", "close");
    if (http__is_vital(rq)) return;
    pt_metric_add(s->cut_full, 1);
    pt_http_set_header(rq, "Retry-After", "1");
    pt_http_problem(rq, 503, "too-busy", "%u connections are open already", s->max_connections);
    rq->discard_body = true;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url, const char *method, const char *version,
                                  const char *data, size_t *size, void **con_cls)
{
    pt_http_server *s = cls;
    pt_http_request *rq = *con_cls;
    (void)url, (void)version;
    if (!rq) return MHD_NO; /* memory was out */
    if (!rq->conn) {
        rq->conn = conn;
        unsigned long long id = s->request_salt + ++s->requests * 0x9e3779b97f4a7c15u;
        snprintf(rq->id, sizeof rq->id, "%016llx", id);
        http__request_begin(rq, method);
        begun(s, rq);
        return rq->body_too_big ? send_response(rq) : MHD_YES;
    }
    if (rq->phase == HTTP_READING) return *size ? take_body(rq, data, size) : all_read(rq);
    return rq->phase == HTTP_ANSWERED ? send_response(rq) : MHD_NO;
}

/* The route's histogram, made at its first answer: routes nobody asks for do not fill the metrics. NULL: no metrics, or no memory now. */
static pt_metric *duration_of(pt_http_server *s, size_t i)
{
    static const double bounds[] = { 0.001, 0.005, 0.02, 0.1, 0.5, 2, 10 };
    pt_buf labels;
    if (s->durations[i] || !s->metrics) return s->durations[i];
    pt_buf_init(&labels, 1024);
    pt_metrics_label(&labels, "route", pt_cstr(s->routes[i].path), true);
    pt_metrics_label(&labels, "method", pt_cstr(s->routes[i].method), false);
    char *text = pt_buf_take(&labels, NULL);
    if (text)
        s->durations[i] = pt_metrics_histogram(s->metrics, "plantree_http_request_duration_seconds", text,
                                               "From the request line to the last byte of the answer; streams are not counted.", bounds,
                                               PT_COUNT_OF(bounds));
    free(text);
    return s->durations[i];
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **con_cls, enum MHD_RequestTerminationCode how)
{
    pt_http_server *s = cls;
    pt_http_request *rq = *con_cls;
    (void)how;
    *con_cls = NULL;
    http__reading(s, http__conn_of(conn), HTTP_READS_HEADER);
    if (!rq) return;
    bool was_stream = rq->stream.open;
    if (was_stream) http__stream_closed(rq);
    if (rq->route && !was_stream && rq->phase == HTTP_SENT)
        pt_metric_observe(duration_of(s, (size_t)(rq->route - s->routes)), (double)(pt_mono_us(s->clock) - rq->begun_us) / 1e6);
    pthread_mutex_lock(&s->lock);
    if (rq->pending) {
        s->pending--;
        pthread_cond_broadcast(&s->idle);
    }
    pthread_mutex_unlock(&s->lock);
    http__request_free(rq);
}

static void on_log(void *cls, const char *fmt, va_list ap) PT_PRINTF(2, 0);
static void on_log(void *cls, const char *fmt, va_list ap)
{
    pt_http_server *s = cls;
    char text[512];
    if (vsnprintf(text, sizeof text, fmt, ap) < 0) return;
    size_t n = strlen(text);
    while (n && text[n - 1] == '\n')
        text[--n] = '\0';
    pt_logf(s->log, PT_LOG_DEBUG, "HTTP-LIBRARY", "%s", text);
}

/* --- start --- */

/* "127.0.0.1:8080", "[::1]:0", "localhost:0", "*:8080". */
static pt_status split_listen(const char *listen, char host[256], char port[8], pt_error *err)
{
    const char *colon = strrchr(listen, ':');
    uint64_t number;
    if (!colon || !pt_slice_to_u64(pt_cstr(colon + 1), &number) || number > 65535)
        return pt_fail(err, PT_EINVAL, "'%.100s' is no address to listen on: use ADDRESS:PORT, say 127.0.0.1:8080", listen);
    pt_slice h = { listen, (size_t)(colon - listen) };
    if (h.len >= 2 && h.ptr[0] == '[' && h.ptr[h.len - 1] == ']') h = (pt_slice){ h.ptr + 1, h.len - 2 };
    else if (pt_slice_find(h, ':') < h.len)
        return pt_fail(err, PT_EINVAL, "'%.100s': an IPv6 address stands in brackets, say [::1]:8080", listen);
    if (h.len > 255) return pt_fail(err, PT_EINVAL, "'%.100s...' is too long for an address", listen);
    if (pt_slice_eq(h, PT_LIT("*"))) h.len = 0;
    memcpy(host, h.ptr, h.len);
    host[h.len] = '\0';
    snprintf(port, 8, "%u", (unsigned)number);
    return PT_OK;
}

pt_status pt_http_listen_check(const char *listen, pt_error *err)
{
    char host[256], port[8];
    return split_listen(listen, host, port, err);
}

static bool is_loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET) return ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24 == 127;
    return a->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
}

static pt_status bind_one(const struct addrinfo *a, const char *listen_text, int *out, pt_error *err)
{
    int one = 1;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return pt_fail(err, PT_EIO, "no socket for %s: %s", listen_text, strerror(errno));
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) || bind(fd, a->ai_addr, a->ai_addrlen) || listen(fd, 128)) {
        int e = errno;
        close(fd);
        return pt_fail(err,
                       e == EADDRINUSE      ? PT_EBUSY
                       : e == EADDRNOTAVAIL ? PT_EINVAL
                                            : PT_EIO,
                       "cannot listen on %s: %s", listen_text, strerror(e));
    }
    *out = fd;
    return PT_OK;
}

static pt_status open_socket(pt_http_server *s, const char *listen_text, int *family, uint16_t *port, pt_error *err)
{
    char host[256], port_text[8];
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *list;
    pt_status st = split_listen(listen_text, host, port_text, err);
    if (st) return st;
    int rc = getaddrinfo(host[0] ? host : NULL, port_text, &hints, &list);
    if (rc) return pt_fail(err, PT_EINVAL, "cannot listen on %s: %s", listen_text, gai_strerror(rc));
    *family = list->ai_family;
    s->check_host = is_loopback(list->ai_addr);
    st = bind_one(list, listen_text, &s->listen_fd, err);
    freeaddrinfo(list);
    if (st) return st;
    struct sockaddr_storage bound;
    memset(&bound, 0, sizeof bound);
    socklen_t len = sizeof bound;
    if (getsockname(s->listen_fd, (struct sockaddr *)&bound, &len)) return pt_fail(err, PT_EIO, "getsockname: %s", strerror(errno));
    if (port)
        *port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&bound)->sin6_port
                                                  : ((struct sockaddr_in *)(void *)&bound)->sin_port);
    return PT_OK;
}

static pt_status init_sync(pt_http_server *s)
{
    pthread_condattr_t attr;
    if (pthread_mutex_init(&s->lock, NULL)) return PT_ENOMEM;
    if (pthread_mutex_init(&s->conns_lock, NULL)) {
        pthread_mutex_destroy(&s->lock);
        return PT_ENOMEM;
    }
    if (pthread_condattr_init(&attr)) {
        pthread_mutex_destroy(&s->conns_lock);
        pthread_mutex_destroy(&s->lock);
        return PT_ENOMEM;
    }
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    /* Initialising a condition variable cannot fail on Linux. */
    pthread_cond_init(&s->idle, &attr);
    pthread_cond_init(&s->handlers.ready, NULL);
    pthread_cond_init(&s->vital.ready, NULL);
    pthread_cond_init(&s->streams.ready, NULL);
    pthread_cond_init(&s->conns_gone, &attr);
    pthread_condattr_destroy(&attr);
    s->handlers.last = &s->handlers.first;
    s->vital.last = &s->vital.first;
    s->streams.last = &s->streams.first;
    s->watch_until_ms = s->conns_until_ms = INT64_MAX;
    return PT_OK;
}

static pt_status open_watch(pt_http_server *s)
{
    struct epoll_event event = { .events = EPOLLIN };
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    s->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->epoll_fd < 0 || s->event_fd < 0 || epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->event_fd, &event)) return PT_EIO;
    return PT_OK;
}

static pt_status start_threads(pt_http_server *s, uint32_t handlers)
{
    s->n_handlers = handlers ? handlers < MAX_THREADS ? handlers : MAX_THREADS : DEFAULT_THREADS;
    size_t all = s->n_handlers + HTTP_STREAM_THREADS + 2;
    s->threads = calloc(all, sizeof *s->threads);
    if (!s->threads) return PT_ENOMEM;
    for (; s->n_threads < all; s->n_threads++) {
        void *(*body)(void *) = s->n_threads < s->n_handlers    ? handler_thread
                                : s->n_threads == s->n_handlers ? vital_thread
                                : s->n_threads + 1 < all        ? stream_thread
                                                                : http__watch;
        const char *name = body == handler_thread  ? "pt-http"
                           : body == vital_thread  ? "pt-http-vital"
                           : body == stream_thread ? "pt-http-stream"
                                                   : "pt-http-watch";
        pt_status st = pt_thread_start(&s->threads[s->n_threads], name, 0, body, s, NULL);
        if (st != PT_OK) return st;
    }
    return PT_OK;
}

static pt_status start_library(pt_http_server *s, int family, pt_error *err)
{
    unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    if (family == AF_INET6) flags |= MHD_USE_IPv6;
    s->mhd =
        MHD_start_daemon(flags, 0, http__accept, s, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_log, s, MHD_OPTION_LISTEN_SOCKET,
                         s->listen_fd, MHD_OPTION_URI_LOG_CALLBACK, on_target, s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
                         MHD_OPTION_NOTIFY_CONNECTION, http__on_connection, s, MHD_OPTION_CONNECTION_LIMIT,
                         s->max_connections + HTTP_RESERVE, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_SECONDS, MHD_OPTION_END);
    if (!s->mhd) return pt_fail(err, PT_EIO, "libmicrohttpd does not start");
    s->listen_fd = -1; /* its own now */
    return PT_OK;
}

static void release(pt_http_server *s)
{
    pthread_mutex_lock(&s->lock);
    s->threads_stop = true;
    pthread_cond_broadcast(&s->handlers.ready);
    pthread_cond_broadcast(&s->vital.ready);
    pthread_cond_broadcast(&s->streams.ready);
    pthread_mutex_unlock(&s->lock);
    uint64_t one = 1;
    if (s->event_fd >= 0 && write(s->event_fd, &one, sizeof one) < 0) /* full means it is readable already */
        pt_logf(s->log, PT_LOG_DEBUG, "HTTP-WATCH", "event counter full");
    for (size_t i = 0; i < s->n_threads; i++)
        pthread_join(s->threads[i], NULL);
    if (s->mhd) {
        http__drain(s);
        MHD_stop_daemon(s->mhd);
    }
    if (s->listen_fd >= 0) close(s->listen_fd);
    if (s->epoll_fd >= 0) close(s->epoll_fd);
    if (s->event_fd >= 0) close(s->event_fd);
    pthread_cond_destroy(&s->idle);
    pthread_cond_destroy(&s->handlers.ready);
    pthread_cond_destroy(&s->vital.ready);
    pthread_cond_destroy(&s->streams.ready);
    pthread_cond_destroy(&s->conns_gone);
    pthread_mutex_destroy(&s->conns_lock);
    pthread_mutex_destroy(&s->lock);
    free(s->threads);
    free(s->durations);
    free(s->server_name);
    free(s);
}

static pt_metric *cut_counter(pt_metrics *metrics, const char *why)
{
    return pt_metrics_counter(metrics, "plantree_http_connections_refused_total", why,
                              "Connections and requests refused or cut, by reason.");
}

static void make_metrics(pt_http_server *s, pt_metrics *metrics)
{
    s->open_streams = pt_metrics_gauge(metrics, "plantree_http_streams", NULL, "Open streamed answers.");
    s->open_laters = pt_metrics_gauge(metrics, "plantree_http_waiting", NULL, "Requests whose answers come later: they hold no thread.");
    s->laters_refused = pt_metrics_counter(metrics, "plantree_http_waiting_refused_total", NULL, "Requests refused because too many wait.");
    s->trims = pt_metrics_counter(metrics, "plantree_http_memory_returned_total", NULL, "Times memory was given back after large answers.");
    s->cut_address = cut_counter(metrics, "reason=\"address\"");
    s->cut_header = cut_counter(metrics, "reason=\"slow-header\"");
    s->cut_body = cut_counter(metrics, "reason=\"slow-body\"");
    s->cut_full = cut_counter(metrics, "reason=\"full\"");
}

static void take_options(pt_http_server *s, const pt_http_options *o)
{
    s->max_body = o->max_body ? o->max_body : DEFAULT_BODY;
    s->max_connections = o->max_connections ? o->max_connections : DEFAULT_CONNECTIONS;
    s->per_address = o->connections_per_address;
    s->max_laters = o->max_waiting ? o->max_waiting : DEFAULT_LATERS;
    s->header_ms = o->header_ms > 0 ? o->header_ms : DEFAULT_HEADER_MS;
    s->body_ms = o->body_ms > 0 ? o->body_ms : DEFAULT_BODY_MS;
    s->hosts = o->hosts;
    s->vital_routes = o->vital;
}

pt_status pt_http_start(const pt_http_options *o, const pt_http_route *routes, size_t n, void *ctx, pt_metrics *metrics,
                        const pt_clock *clock, const pt_log *log, pt_http_server **out, uint16_t *port, pt_error *err)
{
    pt_http_server *s = calloc(1, sizeof *s);
    int family = AF_INET;
    if (!s || init_sync(s)) {
        free(s);
        return pt_fail(err, PT_ENOMEM, "out of memory");
    }
    s->routes = routes;
    s->n_routes = n;
    s->ctx = ctx;
    s->metrics = metrics;
    s->clock = clock;
    s->log = log;
    take_options(s, o);
    s->listen_fd = s->epoll_fd = s->event_fd = -1;
    if (getrandom(&s->request_salt, sizeof s->request_salt, GRND_NONBLOCK) < 0)
        s->request_salt = (uint64_t)pt_wall_ms(clock); /* ids are for correlation, not for secrets */
    pt_status st = PT_OK;
    if (o->server_name && !(s->server_name = strdup(o->server_name))) st = pt_fail(err, PT_ENOMEM, "out of memory");
    if (!st && !(s->durations = calloc(n ? n : 1, sizeof *s->durations))) st = pt_fail(err, PT_ENOMEM, "out of memory");
    make_metrics(s, metrics);
    if (!st) st = open_socket(s, o->listen, &family, port, err);
    if (!st && (st = open_watch(s))) st = pt_fail(err, st, "epoll: %s", strerror(errno));
    if (!st && (st = start_threads(s, o->threads))) st = pt_fail(err, st, "threads cannot be started");
    if (!st) st = start_library(s, family, err);
    if (st) release(s);
    else *out = s;
    return st;
}

void pt_http_stop(pt_http_server *s)
{
    struct timespec until;
    if (!s) return;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    http__streams_end(s);
    http__laters_end(s);
    while (s->suspended) /* running handlers, answers their owners have taken, `more` calls; queued ones are answered 503 */
        pthread_cond_wait(&s->idle, &s->lock);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += FLUSH_MS / 1000;
    while (s->pending && pthread_cond_timedwait(&s->idle, &s->lock, &until) == 0) { /* answers on their way out */
    }
    pthread_mutex_unlock(&s->lock);
    release(s);
}
