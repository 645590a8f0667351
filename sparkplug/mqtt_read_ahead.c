/* sparkplug/mqtt_read_ahead.c -- Paho's receive thread reads its sockets in large pieces.
 *
 * Paho asks the kernel five times for each message: two poll() and three recv(), one of them for a single byte. On a
 * busy connection that is most of what receiving costs. Paho has no hook for its socket, so the three calls stand
 * here under their own names, where the dynamic linker finds them before the C library's:
 *
 *     recv     the first one of a connection takes up to 64 KiB; the next ones are served from that
 *     poll     a socket with bytes in hand is readable, and need not be asked for; under load it naps before it waits
 *     connect  a descriptor begins anew: what was in hand of an earlier connection is dropped
 *
 * Invariants. (1) Only a thread that called spb__read_ahead, which is Paho's receive thread, is served; for every other
 * thread, and for descriptors that never were connected, the calls go straight through. (2) Bytes come out in the order
 * in which the kernel gave them, and an end of stream or error only after the last of them. (3) A poll with bytes in
 * hand still asks the kernel after at most ASK_AFTER answers, so that no connection starves another. (4) A thread that
 * never called poll() here (a Paho built for select) is not served: it would sleep on bytes in hand.
 * TLS connections read through OpenSSL, not through recv, and are left alone. */
#define _GNU_SOURCE 1
#undef _FORTIFY_SOURCE
#include "sparkplug/mqtt_internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { SLOTS = 8, ROOM = 64 * 1024, MAX_FD = 4096, ASK_AFTER = 256 };
/* Busy: as many waits within a window; then each wait begins with a nap, until one brings less than a few messages. */
enum { BUSY = 5, WINDOW_US = 1000, NAP_US = 300, WORTH_IT = 500 };

typedef struct in_hand {
    int fd;              /* -1: free */
    unsigned connection; /* of this descriptor, see below */
    size_t from, to;     /* bytes not yet handed on */
    char bytes[ROOM];
} in_hand;

typedef struct reader {
    in_hand slots[SLOTS];
    unsigned held;     /* slots with bytes in hand */
    unsigned answered; /* polls since the kernel was asked */
    /* how busy it is */
    int64_t since_us; /* start of the present window */
    unsigned asked;   /* waits in it */
    size_t brought;   /* bytes since the last wait */
    bool gathering;
} reader;

/* How often each descriptor was connected; 0: never. The only state that threads share, as descriptors are. */
static _Atomic unsigned connections[MAX_FD];

static _Thread_local reader *mine; /* freed at the thread's end by `key` */
static _Thread_local bool polls;
static pthread_key_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static bool have_key;

/* The functions below carry the C library's names; in C they have their own, for glibc declares connect() with a type of
 * its making. */
int spb__connect(int fd, const struct sockaddr *address, socklen_t length) __asm__("connect");
ssize_t spb__recv(int fd, void *buffer, size_t size, int flags) __asm__("recv");
int spb__poll(struct pollfd *fds, nfds_t n, int timeout_ms) __asm__("poll");

typedef int connect_function(int, const struct sockaddr *, socklen_t);
typedef ssize_t recv_function(int, void *, size_t, int);
typedef int poll_function(struct pollfd *, nfds_t, int);
typedef void any_function(void);
typedef any_function *_Atomic known_function;

/* The C library's own, or a sanitizer's. */
static any_function *next(const char *name, known_function *known)
{
    any_function *f = atomic_load_explicit(known, memory_order_acquire);
    if (!f) {
        void *found = dlsym(RTLD_NEXT, name);
        if (!found) abort(); /* no C library */
        memcpy(&f, &found, sizeof f);
        atomic_store_explicit(known, f, memory_order_release);
    }
    return f;
}

static void make_key(void)
{
    have_key = pthread_key_create(&key, free) == 0;
}

void spb__read_ahead(void)
{
    if (mine || !polls) return;
    pthread_once(&key_once, make_key);
    reader *r = have_key ? calloc(1, sizeof *r) : NULL; /* pages are touched when used */
    if (!r) return;                                     /* slower, not wrong */
    for (int i = 0; i < SLOTS; i++)
        r->slots[i].fd = -1;
    if (pthread_setspecific(key, r) == 0) mine = r;
    else free(r);
}

static unsigned connection_of(int fd)
{
    return fd >= 0 && fd < MAX_FD ? atomic_load_explicit(&connections[fd], memory_order_acquire) : 0;
}

static void drop(reader *r, in_hand *h)
{
    if (h->from < h->to) r->held--;
    h->from = h->to = 0;
    h->fd = -1;
}

/* The slot of fd's present connection; NULL: none. */
static in_hand *slot_of(reader *r, int fd)
{
    for (int i = 0; i < SLOTS; i++) {
        in_hand *h = &r->slots[i];
        if (h->fd != fd) continue;
        if (h->connection == connection_of(fd)) return h;
        drop(r, h);
    }
    return NULL;
}

static in_hand *slot_for(reader *r, int fd, unsigned connection)
{
    in_hand *h = slot_of(r, fd);
    for (int i = 0; i < SLOTS && !h; i++) {
        if (r->slots[i].from < r->slots[i].to) continue; /* an empty slot is anybody's */
        h = &r->slots[i];
        h->fd = fd;
        h->connection = connection;
    }
    return h;
}

int spb__connect(int fd, const struct sockaddr *address, socklen_t length)
{
    static known_function known;
    connect_function *real = (connect_function *)next("connect", &known);
    if (fd >= 0 && fd < MAX_FD && atomic_fetch_add_explicit(&connections[fd], 1, memory_order_acq_rel) + 1 == 0)
        atomic_store(&connections[fd], 1); /* after four thousand million */
    return real(fd, address, length);
}

ssize_t spb__recv(int fd, void *buffer, size_t size, int flags)
{
    static known_function known;
    recv_function *real = (recv_function *)next("recv", &known);
    reader *r = mine;
    unsigned connection = r && size > 0 ? connection_of(fd) : 0;
    in_hand *h = connection ? slot_for(r, fd, connection) : NULL;
    if (!h) return real(fd, buffer, size, flags);
    if (h->from == h->to) {
        if (size >= ROOM || flags != 0) return real(fd, buffer, size, flags);
        ssize_t got = real(fd, h->bytes, ROOM, 0);
        if (got <= 0) return got;
        h->from = 0;
        h->to = (size_t)got;
        r->brought += (size_t)got;
        r->held++;
    }
    size_t n = h->to - h->from < size ? h->to - h->from : size;
    memcpy(buffer, h->bytes + h->from, n);
    if (flags & MSG_PEEK) return (ssize_t)n;
    h->from += n;
    if (h->from == h->to) r->held--;
    return (ssize_t)n;
}

/* Nothing is in hand and the kernel is about to be asked. Under load, let some more arrive first: a sender is spared the
 * waking of this thread for each message, and one read brings many. */
static void gather(reader *r)
{
    static const struct timespec nap = { .tv_nsec = NAP_US * 1000 };
    int64_t now_us = pt_mono_us(pt_clock_system());
    if (now_us - r->since_us >= WINDOW_US) {
        r->since_us = now_us;
        r->asked = 0;
    }
    if (++r->asked >= BUSY) r->gathering = true;
    if (r->gathering && r->brought < WORTH_IT) r->gathering = false;
    if (r->gathering) (void)nanosleep(&nap, NULL); /* woken early by a signal: only less is gathered */
    r->brought = 0;
}

/* Mark the descriptors with bytes in hand; how many of the set are ready then. */
static int mark(reader *r, struct pollfd *fds, nfds_t n, bool asked)
{
    int ready = 0;
    for (nfds_t i = 0; i < n; i++) {
        const in_hand *h = fds[i].fd >= 0 ? slot_of(r, fds[i].fd) : NULL;
        if (!asked) fds[i].revents = 0;
        /* writable as well: Paho serves only sockets that are both, and a write that finds no room is tried again */
        if (h && h->from < h->to) fds[i].revents |= fds[i].events & (POLLIN | POLLOUT);
        if (fds[i].revents) ready++;
    }
    return ready;
}

int spb__poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    static known_function known;
    poll_function *real = (poll_function *)next("poll", &known);
    reader *r = mine;
    polls = true;
    if (r && r->held == 0 && timeout_ms != 0) gather(r);
    if (!r || r->held == 0) return real(fds, n, timeout_ms);
    int ready = 0;
    if (r->answered < ASK_AFTER && (ready = mark(r, fds, n, false)) > 0) {
        r->answered++;
        return ready;
    }
    r->answered = 0;
    ready = real(fds, n, mark(r, fds, n, false) > 0 ? 0 : timeout_ms);
    return ready < 0 ? ready : mark(r, fds, n, true);
}
