/* base/daemon/http_later.c -- answers that come later: the connection is suspended, no thread waits.
 *
 *      WAITING --taken by its owner--------------------> the owner answers
 *         +-----deadline, client gone, server's stop---> `ended` answers
 *
 * What is always true: whoever changes `waiting` from true to false answers, and nobody else; a waiting one keeps its request, and so the
 * server, alive; it is in the server's list until it has been claimed. Two hold it: the owner until take, the server until it is claimed.
 */
#include "base/daemon/http_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

struct pt_http_later {
    pt_http_server *server;
    pt_http_request *rq;
    const pt_http_later_ops *ops;
    void *ctx;
    int64_t deadline_ms;
    uint64_t id; /* in the watcher's epoll set */
    int fd;      /* -1: not watched */
    _Atomic bool waiting;
    _Atomic int holders;
    pt_http_later *next, **at; /* server lock; *at is this one */
};

static void let_go(pt_http_later *l)
{
    if (atomic_fetch_sub(&l->holders, 1) > 1) return;
    if (l->ops->release) l->ops->release(l->ctx);
    free(l);
}

/* True for one caller only: the answer is his. */
static bool claim(pt_http_later *l)
{
    return atomic_exchange(&l->waiting, false);
}

/* Out of the list, with the lock. The connection is still suspended: its descriptor is open. */
static void unlist(pt_http_later *l)
{
    pt_http_server *s = l->server;
    *l->at = l->next;
    if (l->next) l->next->at = l->at;
    s->n_laters--;
    pt_metric_set(s->open_laters, (double)s->n_laters);
    if (l->fd >= 0 && epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, l->fd, NULL) < 0 && errno != ENOENT && errno != EBADF)
        pt_logf(s->log, PT_LOG_DEBUG, "HTTP-WATCH", "a waiting client's socket cannot be let go: errno %d", errno);
}

static void list(pt_http_later *l)
{
    pt_http_server *s = l->server;
    l->id = ++s->next_id;
    l->next = s->laters;
    l->at = &s->laters;
    if (l->next) l->next->at = &l->next;
    s->laters = l;
    s->n_laters++;
    pt_metric_set(s->open_laters, (double)s->n_laters);
    l->rq->deferred = true;
    if (l->deadline_ms < s->watch_until_ms) http__poke_watcher(s);
}

static void watch_client(pt_http_later *l)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(l->rq->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct epoll_event event = { .events = EPOLLRDHUP | EPOLLONESHOT, .data.u64 = l->id };
    if (info && epoll_ctl(l->server->epoll_fd, EPOLL_CTL_ADD, info->connect_fd, &event) == 0) l->fd = info->connect_fd;
    else pt_logf(l->server->log, PT_LOG_DEBUG, "HTTP-WATCH", "a waiting client's socket cannot be watched: errno %d", errno);
}

pt_http_later *pt_http_later_begin(pt_http_request *rq, int64_t timeout_ms, const pt_http_later_ops *ops, void *ctx)
{
    pt_http_server *s = rq->server;
    pt_http_later *l = calloc(1, sizeof *l);
    if (!l) {
        pt_http_problem(rq, 500, "internal", "out of memory");
        return NULL;
    }
    *l = (pt_http_later){ .server = s, .rq = rq, .ops = ops, .ctx = ctx, .fd = -1 };
    int64_t now = pt_mono_ms(s->clock);
    l->deadline_ms = timeout_ms < INT64_MAX - now ? now + timeout_ms : INT64_MAX;
    atomic_init(&l->waiting, true);
    atomic_init(&l->holders, 2);
    pthread_mutex_lock(&s->lock);
    bool stopping = s->stopping, full = s->n_laters >= s->max_laters;
    if (!stopping && !full) {
        list(l);
        watch_client(l);
    }
    pthread_mutex_unlock(&s->lock);
    if (!stopping && !full) return l;
    free(l);
    pt_http_set_header(rq, "Retry-After", "1");
    if (stopping) {
        pt_http_problem(rq, 503, "not-ready", "the server is stopping");
    } else {
        pt_metric_add(s->laters_refused, 1);
        pt_http_problem(rq, 503, "too-busy", "%zu requests wait for their answers already", s->max_laters);
    }
    return NULL;
}

pt_http_request *pt_http_later_take(pt_http_later *l)
{
    pt_http_request *rq = NULL;
    if (claim(l)) {
        pt_http_server *s = l->server;
        rq = l->rq;
        pthread_mutex_lock(&s->lock);
        unlist(l);
        pthread_mutex_unlock(&s->lock);
        let_go(l);
    }
    let_go(l); /* NOLINT(clang-analyzer-unix.Malloc): freed with the last of its references, and this one was held */
    return rq;
}

/* Lock held, given up while `ended` answers. */
static void end(pt_http_later *l, pt_http_end why)
{
    pt_http_server *s = l->server;
    unlist(l);
    pthread_mutex_unlock(&s->lock);
    l->ops->ended(l->ctx, l->rq, why);
    let_go(l);
    pthread_mutex_lock(&s->lock);
}

int64_t http__laters_due(pt_http_server *s)
{
    int64_t next = INT64_MAX;
    for (pt_http_later *l = s->laters; l;) {
        if (l->deadline_ms > pt_mono_ms(s->clock)) { /* NOLINT(clang-analyzer-unix.Malloc): what is on the list is held by it */
            if (l->deadline_ms < next) next = l->deadline_ms;
            l = l->next;
        } else if (claim(l)) {
            end(l, PT_HTTP_TIMED_OUT);
            l = s->laters; /* the list may be another one */
            next = INT64_MAX;
        } else {
            l = l->next; /* its owner answers */
        }
    }
    return next;
}

bool http__later_gone(pt_http_server *s, uint64_t id)
{
    for (pt_http_later *l = s->laters; l; l = l->next) {
        if (l->id != id) continue;
        if (claim(l)) end(l, PT_HTTP_CLIENT_GONE);
        return true;
    }
    return false;
}

void http__laters_end(pt_http_server *s)
{
    for (pt_http_later *l = s->laters; l;) {
        if (!claim(l)) { /* NOLINT(clang-analyzer-unix.Malloc): as above */
            l = l->next;
            continue;
        }
        end(l, PT_HTTP_STOPPING);
        l = s->laters;
    }
}
