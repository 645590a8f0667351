/* tests/edge-node/proxy.c -- see proxy.h. */
#include "tests/edge-node/proxy.h"

#include "tests/support/check.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SAID_MAX ((size_t)1 << 20)

struct proxy {
    int listener, port, target;
    _Atomic int mode;
    _Atomic bool cut, stop;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the rest */
    char *said;
    size_t said_len, connections;
};

static int connect_to(int port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static void keep(proxy *p, const char *bytes, size_t n)
{
    pthread_mutex_lock(&p->lock);
    if (n > SAID_MAX - p->said_len) n = SAID_MAX - p->said_len;
    memcpy(p->said + p->said_len, bytes, n);
    p->said_len += n;
    pthread_mutex_unlock(&p->lock);
}

static bool relay(proxy *p, int from, int to, bool client)
{
    char buf[65536];
    ssize_t n = recv(from, buf, sizeof buf, 0);
    if (n <= 0) return false;
    if (client) keep(p, buf, (size_t)n);
    if (p->mode == PROXY_SWALLOW) return true;
    for (ssize_t at = 0; at < n;) {
        ssize_t put = send(to, buf + at, (size_t)(n - at), MSG_NOSIGNAL);
        if (put <= 0) return false;
        at += put;
    }
    return true;
}

static void *run(void *ctx)
{
    proxy *p = ctx;
    int client = -1, server = -1;
    while (!p->stop) {
        struct pollfd f[3] = { { p->listener, POLLIN, 0 }, { client, POLLIN, 0 }, { server, POLLIN, 0 } };
        int n = poll(f, client < 0 ? 1 : 3, 10);
        bool drop = atomic_exchange(&p->cut, false);
        if (n > 0 && (f[0].revents & POLLIN)) {
            int fd = accept(p->listener, NULL, NULL);
            if (fd >= 0 && (p->mode == PROXY_REFUSE || client >= 0)) {
                close(fd);
                if (p->mode != PROXY_REFUSE) drop = true; /* a new one: the old one is dead */
            } else if (fd >= 0) {
                client = fd;
                server = connect_to(p->target);
                if (server < 0) drop = true;
                pthread_mutex_lock(&p->lock);
                p->connections++;
                pthread_mutex_unlock(&p->lock);
            }
        } else if (n > 0 && client >= 0) {
            if ((f[1].revents & (POLLIN | POLLHUP | POLLERR)) && !relay(p, client, server, true)) drop = true;
            if ((f[2].revents & (POLLIN | POLLHUP | POLLERR)) && !relay(p, server, client, false)) drop = true;
        }
        if (!drop) continue;
        if (client >= 0) close(client);
        if (server >= 0) close(server);
        client = server = -1;
    }
    if (client >= 0) close(client);
    if (server >= 0) close(server);
    return NULL;
}

proxy *proxy_start(int target_port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    proxy *p = calloc(1, sizeof *p);
    CHECK_FATAL(p != NULL && (p->said = malloc(SAID_MAX)) != NULL && pthread_mutex_init(&p->lock, NULL) == 0);
    p->target = target_port;
    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_FATAL(p->listener >= 0 && bind(p->listener, (struct sockaddr *)&a, sizeof a) == 0 && listen(p->listener, 8) == 0);
    CHECK_FATAL(getsockname(p->listener, (struct sockaddr *)&a, &len) == 0);
    p->port = ntohs(a.sin_port);
    CHECK_FATAL(pthread_create(&p->thread, NULL, run, p) == 0);
    return p;
}

int proxy_port(const proxy *p)
{
    return p->port;
}

void proxy_set(proxy *p, proxy_mode mode)
{
    p->mode = mode;
}

void proxy_cut(proxy *p)
{
    p->cut = true;
}

pt_slice proxy_said(proxy *p, char *buf, size_t cap, size_t *connections)
{
    pthread_mutex_lock(&p->lock);
    size_t n = p->said_len < cap ? p->said_len : cap;
    memcpy(buf, p->said, n);
    if (connections) *connections = p->connections;
    pthread_mutex_unlock(&p->lock);
    return pt_slice_of(buf, n);
}

void proxy_stop(proxy *p)
{
    p->stop = true;
    pthread_join(p->thread, NULL);
    close(p->listener);
    pthread_mutex_destroy(&p->lock);
    free(p->said);
    free(p);
}
