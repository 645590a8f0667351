/* base/daemon/http_connections.c -- which connections are open, so that a stop ends them before it ends the library.
 *
 * libmicrohttpd 0.9.75 (Debian 12) reads through NULL when it refuses a request by itself (a bad version, a line too long) after
 * MHD_stop_daemon has begun: its MHD_queue_response says yes to everything then and keeps nothing. So nothing may come in any more when
 * it is stopped: no new connections, and the open ones are shut down and waited for.
 *
 * What is always true: a listed descriptor is open, for the library closes it only after `closed` was told; conns_lock is a leaf. */
#include "base/daemon/http_internal.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { DRAIN_MS = 1000 };

struct http_conn {
    int fd;
    http_conn *next, **at; /* *at is this one */
};

/* I/O thread. Without memory the connection is not listed: it is served, and left to MHD_stop_daemon. */
void http__on_connection(void *cls, struct MHD_Connection *conn, void **context, enum MHD_ConnectionNotificationCode what)
{
    pt_http_server *s = cls;
    http_conn *c = *context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (!info || !(c = calloc(1, sizeof *c))) return;
        c->fd = info->connect_fd;
        *context = c;
        pthread_mutex_lock(&s->conns_lock);
        c->next = s->conns;
        c->at = &s->conns;
        if (c->next) c->next->at = &c->next;
        s->conns = c;
        if (s->draining) shutdown(c->fd, SHUT_RDWR);
        pthread_mutex_unlock(&s->conns_lock);
    } else if (c) {
        pthread_mutex_lock(&s->conns_lock);
        *c->at = c->next;
        if (c->next) c->next->at = c->at;
        if (!s->conns) pthread_cond_broadcast(&s->conns_gone);
        pthread_mutex_unlock(&s->conns_lock);
        free(c);
        *context = NULL;
    }
}

void http__drain(pt_http_server *s)
{
    struct timespec until;
    s->listen_fd = MHD_quiesce_daemon(s->mhd); /* ours again: closed after the library has ended */
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += DRAIN_MS / 1000;
    pthread_mutex_lock(&s->conns_lock);
    s->draining = true;
    for (http_conn *c = s->conns; c; c = c->next)
        shutdown(c->fd, SHUT_RDWR);
    while (s->conns && pthread_cond_timedwait(&s->conns_gone, &s->conns_lock, &until) == 0) {}
    pthread_mutex_unlock(&s->conns_lock);
}
