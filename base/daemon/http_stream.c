/* base/daemon/http_stream.c -- streamed answers: `more` on the stream threads, bytes out on the I/O thread.
 *
 *                                  bytes to send, or the end
 *      SENDING <------------------------------------------------- RUNNING
 *         | all sent                                                 ^  | nothing now
 *         |---- more is due ----> QUEUED ---- a thread is free ------+  v
 *         +---- rest -----------> IDLE <--------------------------------+
 *                                   +---- wake, deadline ---> QUEUED;  client gone, stop ---> SENDING (which ends it)
 *
 * What is always true: libmicrohttpd has the connection suspended in every phase but SENDING; `piece` belongs to the I/O thread while
 * SENDING and to a stream thread while RUNNING; `more` never runs twice at a time; a wake in RUNNING or SENDING is remembered. */
#include "base/daemon/http_internal.h"

#include <errno.h>
#include <malloc.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { WATCH_EVENTS = 16, BLOCK = 16 << 10 };

pt_http_request *http__of_stream(pt_http_stream *st)
{
    return (pt_http_request *)(void *)((char *)st - offsetof(pt_http_request, stream));
}

void http__poke_watcher(pt_http_server *s)
{
    uint64_t one = 1;
    while (write(s->event_fd, &one, sizeof one) < 0 && errno == EINTR) { /* the counter only ever fills up when nobody reads it */
    }
}

static void enqueue(pt_http_server *s, pt_http_request *rq)
{
    rq->stream.phase = STREAM_QUEUED;
    http__push(&s->streams, rq);
}

static void rest(pt_http_server *s, pt_http_stream *st)
{
    st->phase = STREAM_IDLE;
    st->deadline_ms = st->ops.idle_ms > 0 ? pt_mono_ms(s->clock) + st->ops.idle_ms : INT64_MAX;
    if (st->deadline_ms < s->watch_until_ms) http__poke_watcher(s);
}

/* I/O thread: the next bytes, or suspend until there are some. */
static ssize_t on_read(void *cls, uint64_t pos, char *buf, size_t max)
{
    pt_http_request *rq = cls;
    pt_http_server *s = rq->server;
    pt_http_stream *st = &rq->stream;
    ssize_t n = 0;
    (void)pos;
    if (st->sent < st->piece.len) {
        size_t part = st->piece.len - st->sent < max ? st->piece.len - st->sent : max;
        memcpy(buf, st->piece.ptr + st->sent, part);
        st->sent += part;
        return (ssize_t)part;
    }
    pthread_mutex_lock(&s->lock);
    bool idle = st->rest && !st->woken;
    if (st->failed || (st->gone && idle) || (s->stopping && !st->ended)) {
        n = MHD_CONTENT_READER_END_WITH_ERROR;
    } else if (st->ended) {
        n = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        pt_buf_reset(&st->piece);
        st->sent = 0;
        http__suspend(rq);
        if (idle) rest(s, st);
        else enqueue(s, rq);
    }
    pthread_mutex_unlock(&s->lock);
    return n;
}

void http__stream_job(pt_http_server *s, pt_http_request *rq)
{
    pt_http_stream *st = &rq->stream;
    st->phase = STREAM_RUNNING;
    st->woken = false;
    if (!s->stopping) {
        pthread_mutex_unlock(&s->lock);
        pt_status r = PT_OK;
        while (r == PT_OK && st->piece.len < BLOCK) { /* small pieces travel together */
            size_t before = st->piece.len;
            r = st->ops.more(st->user, &st->piece);
            if (r == PT_OK && st->piece.len == before) break;
        }
        pthread_mutex_lock(&s->lock);
        st->rest = r == PT_EEMPTY;
        st->ended = r == PT_ECLOSED;
        st->failed = (r != PT_OK && !st->rest && !st->ended) || pt_buf_status(&st->piece) != PT_OK;
        if (st->failed)
            pt_logf(s->log, PT_LOG_WARN, "HTTP-STREAM", "stream %s broken off: %s", rq->route ? rq->route->path : "?",
                    pt_status_name(r ? r : pt_buf_status(&st->piece)));
    }
    bool idle = st->rest && !st->woken;
    if (st->piece.len || st->ended || st->failed || (st->gone && idle) || s->stopping) {
        st->phase = STREAM_SENDING;
        http__resume(rq);
    } else if (idle) {
        rest(s, st);
    } else {
        enqueue(s, rq);
    }
}

pt_http_stream *pt_http_stream_begin(pt_http_request *rq, int status, const char *content_type, const pt_http_stream_ops *ops, void *stream)
{
    pt_http_server *s = rq->server;
    pt_http_stream *st = &rq->stream;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(rq->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct MHD_Response *r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_read, rq, NULL);
    struct epoll_event event = { .events = EPOLLRDHUP | EPOLLONESHOT };
    if (!r) {
        ops->closed(stream);
        pt_http_problem(rq, 500, "internal", "out of memory");
        return NULL;
    }
    st->ops = *ops;
    st->response = r; /* the connection keeps it until `closed` */
    st->user = stream;
    pt_buf_init(&st->piece, HTTP_STREAM_PIECE);
    pt_http_set_header(rq, "Cache-Control", "no-cache");
    pt_http_set_header(rq, "X-Accel-Buffering", "no");
    pthread_mutex_lock(&s->lock);
    st->id = ++s->next_id;
    st->phase = STREAM_SENDING;
    st->open = true;
    st->next_open = s->open;
    s->open = st;
    s->n_open++;
    pt_metric_set(s->open_streams, (double)s->n_open);
    pthread_mutex_unlock(&s->lock);
    event.data.u64 = st->id;
    /* Without the watch a vanished client is noticed at the next write: later, not never. */
    if (info && epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, info->connect_fd, &event) < 0)
        pt_logf(s->log, PT_LOG_DEBUG, "HTTP-WATCH", "a stream's socket cannot be watched: errno %d", errno);
    http__answer(rq, status, content_type, r);
    return st;
}

void pt_http_stream_trailer(pt_http_stream *h, const char *name, const char *value)
{
    /* the connection is suspended while `more` runs: nobody else is at the response */
    if (MHD_add_response_footer(h->response, name, value) != MHD_YES)
        pt_logf(http__of_stream(h)->server->log, PT_LOG_WARN, "HTTP-STREAM", "the trailer %s does not fit", name);
}

void pt_http_wake(pt_http_stream *h)
{
    pt_http_request *rq = http__of_stream(h);
    pt_http_server *s = rq->server;
    pthread_mutex_lock(&s->lock);
    if (h->phase == STREAM_IDLE) enqueue(s, rq);
    else if (h->phase != STREAM_QUEUED) h->woken = true;
    pthread_mutex_unlock(&s->lock);
}

void http__stream_closed(pt_http_request *rq)
{
    pt_http_server *s = rq->server;
    pt_http_stream *st = &rq->stream;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(rq->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (!st->open) return; /* only this thread clears it */
    if (info && epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, info->connect_fd, NULL) < 0 && errno != ENOENT && errno != EBADF)
        pt_logf(s->log, PT_LOG_DEBUG, "HTTP-WATCH", "a stream's socket cannot be let go: errno %d", errno);
    pthread_mutex_lock(&s->lock);
    pt_http_stream **at = &s->open;
    while (*at != st)
        at = &(*at)->next_open;
    *at = st->next_open;
    s->n_open--;
    pt_metric_set(s->open_streams, (double)s->n_open);
    st->open = false;
    pthread_mutex_unlock(&s->lock);
    st->ops.closed(st->user);
}

void http__streams_end(pt_http_server *s)
{
    for (pt_http_stream *st = s->open; st; st = st->next_open) {
        if (st->phase != STREAM_IDLE) continue; /* the others look at `stopping` themselves */
        st->phase = STREAM_SENDING;
        http__resume(http__of_stream(st));
    }
}

/* The watcher: deadlines of idle streams, of answers that come later and of slow clients, clients that went away while their connection was
 * suspended, and memory to give back. */
static int64_t queue_due(pt_http_server *s)
{
    int64_t now = pt_mono_ms(s->clock), next = INT64_MAX;
    for (pt_http_stream *st = s->open; st; st = st->next_open) {
        if (st->phase != STREAM_IDLE) continue;
        if (st->deadline_ms <= now) enqueue(s, http__of_stream(st));
        else if (st->deadline_ms < next) next = st->deadline_ms;
    }
    int64_t later = http__laters_due(s), slow = http__conns_due(s);
    if (later < next) next = later;
    s->watch_until_ms = next;
    if (slow < next) next = slow;
    now = pt_mono_ms(s->clock);
    return next == INT64_MAX ? -1 : next <= now ? 0 : next - now > 60000 ? 60000 : next - now;
}

static void client_gone(pt_http_server *s, uint64_t id)
{
    for (pt_http_stream *st = s->open; st; st = st->next_open) {
        if (st->id != id) continue;
        st->gone = true;
        if (st->phase == STREAM_IDLE) {
            st->phase = STREAM_SENDING;
            http__resume(http__of_stream(st));
        }
        return;
    }
}

/* A large answer leaves its holes in the allocator; without this they stay the process's for ever. */
static void give_back(pt_http_server *s)
{
    (void)malloc_trim(0); /* 0: there was nothing to give */
    pt_metric_add(s->trims, 1);
}

void *http__watch(void *server)
{
    pt_http_server *s = server;
    struct epoll_event events[WATCH_EVENTS];
    pthread_mutex_lock(&s->lock);
    while (!s->threads_stop) {
        int64_t wait = queue_due(s);
        pthread_mutex_unlock(&s->lock);
        if (atomic_exchange(&s->trim, false)) give_back(s);
        int n = epoll_wait(s->epoll_fd, events, WATCH_EVENTS, (int)wait);
        pthread_mutex_lock(&s->lock);
        for (int i = 0; i < n; i++) {
            uint64_t drained;
            if (events[i].data.u64 && http__later_gone(s, events[i].data.u64)) continue;
            if (events[i].data.u64) client_gone(s, events[i].data.u64);
            else if (read(s->event_fd, &drained, sizeof drained) < 0 && errno != EAGAIN)
                pt_logf(s->log, PT_LOG_WARN, "HTTP-WATCH", "the watcher's event cannot be read: errno %d", errno);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}
