/* base/daemon/http_connections.c -- which connections are open: how many of an address, how long they may take to say what they want,
 * which of them stand in the reserve, and their end before the library's.
 *
 * libmicrohttpd 0.9.75 (Debian 12) reads through NULL when it refuses a request by itself (a bad version, a line too long) after
 * MHD_stop_daemon has begun: its MHD_queue_response says yes to everything then and keeps nothing. So nothing may come in any more when
 * it is stopped: no new connections, and the open ones are shut down and waited for.
 *
 * What is always true: a listed descriptor is open, for the library closes it only after `closed` was told; conns_lock is a leaf. */
#include "base/daemon/http_internal.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { DRAIN_MS = 1000 };

struct http_conn {
    int fd;
    bool reserve, cut;
    http_reading reading;
    int64_t deadline_ms; /* of the header or the body; INT64_MAX: the server's turn */
    unsigned char address[16];
    http_conn *next, **at; /* *at is this one */
};

static void address_of(const struct sockaddr *a, unsigned char out[16])
{
    memset(out, 0, 16);
    if (a && a->sa_family == AF_INET) memcpy(out, &((const struct sockaddr_in *)(const void *)a)->sin_addr, 4);
    if (a && a->sa_family == AF_INET6) memcpy(out, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, 16);
}

/* I/O thread, before the library makes the connection. */
enum MHD_Result http__accept(void *cls, const struct sockaddr *addr, socklen_t len)
{
    pt_http_server *s = cls;
    unsigned char address[16];
    uint32_t n = 0;
    (void)len;
    if (s->per_address == 0 || s->check_host) return MHD_YES; /* on loopback all clients share an address, a proxy's for example */
    address_of(addr, address);
    pthread_mutex_lock(&s->conns_lock);
    for (const http_conn *c = s->conns; c && n < s->per_address; c = c->next)
        n += memcmp(c->address, address, sizeof address) == 0;
    pthread_mutex_unlock(&s->conns_lock);
    if (n < s->per_address) return MHD_YES;
    pt_metric_add(s->cut_address, 1);
    return MHD_NO;
}

static void opened(pt_http_server *s, struct MHD_Connection *conn, void **context)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *peer = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    http_conn *c;
    if (!info || !(c = calloc(1, sizeof *c))) return;
    c->fd = info->connect_fd;
    c->deadline_ms = INT64_MAX; /* the watcher may look before its time has been set */
    address_of(peer ? peer->client_addr : NULL, c->address);
    *context = c;
    pthread_mutex_lock(&s->conns_lock);
    c->reserve = ++s->n_conns > s->max_connections;
    c->next = s->conns;
    c->at = &s->conns;
    if (c->next) c->next->at = &c->next;
    s->conns = c;
    if (s->draining) shutdown(c->fd, SHUT_RDWR);
    pthread_mutex_unlock(&s->conns_lock);
    http__reading(s, c, HTTP_READS_HEADER);
}

/* I/O thread. Without memory the connection is not listed: it is served, and left to MHD_stop_daemon. */
void http__on_connection(void *cls, struct MHD_Connection *conn, void **context, enum MHD_ConnectionNotificationCode what)
{
    pt_http_server *s = cls;
    http_conn *c = *context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        opened(s, conn, context);
    } else if (c) {
        pthread_mutex_lock(&s->conns_lock);
        *c->at = c->next;
        if (c->next) c->next->at = c->at;
        s->n_conns--;
        if (!s->conns) pthread_cond_broadcast(&s->conns_gone);
        pthread_mutex_unlock(&s->conns_lock);
        free(c);
        *context = NULL;
    }
}

http_conn *http__conn_of(struct MHD_Connection *conn)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

bool http__in_reserve(const http_conn *c)
{
    return c && c->reserve; /* written once, by this thread */
}

void http__reading(pt_http_server *s, http_conn *c, http_reading what)
{
    if (!c) return;
    int64_t now = pt_mono_ms(s->clock);
    pthread_mutex_lock(&s->conns_lock);
    c->reading = what;
    c->deadline_ms = what == HTTP_READS_HEADER ? now + s->header_ms : what == HTTP_READS_BODY ? now + s->body_ms : INT64_MAX;
    bool sooner = c->deadline_ms < s->conns_until_ms;
    if (sooner) s->conns_until_ms = c->deadline_ms;
    pthread_mutex_unlock(&s->conns_lock);
    if (sooner) http__poke_watcher(s);
}

/* The watcher: cut off who takes too long. When to look again. */
int64_t http__conns_due(pt_http_server *s)
{
    int64_t now = pt_mono_ms(s->clock), next = INT64_MAX;
    pthread_mutex_lock(&s->conns_lock);
    for (http_conn *c = s->conns; c; c = c->next) {
        if (c->cut) continue;
        if (c->deadline_ms > now) {
            if (c->deadline_ms < next) next = c->deadline_ms;
            continue;
        }
        c->cut = true;
        shutdown(c->fd, SHUT_RDWR);
        pt_metric_add(c->reading == HTTP_READS_BODY ? s->cut_body : s->cut_header, 1);
    }
    s->conns_until_ms = next;
    pthread_mutex_unlock(&s->conns_lock);
    return next;
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
