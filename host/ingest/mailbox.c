/* host/ingest/mailbox.c -- see mailbox.h. Invariant with the lock held: fill.len <= limit, or fill holds one record, control records aside.
 */
#include "host/ingest/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { KEEP = 1 << 20 }; /* bytes of buffer kept whatever was in it */

typedef struct buffer {
    char *ptr;
    size_t len, cap;
} buffer;

struct host_mailbox {
    pthread_mutex_t lock; /* guards everything below but `out` */
    pthread_cond_t not_empty, not_full;
    buffer fill;
    size_t items, limit, max_bytes;
    bool closed, taker_waits;
    unsigned pushers_wait;
    buffer out; /* the taker's */
};

static int64_t now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* false: the time is over */
static bool wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_us)
{
    if (until_us == INT64_MAX) return pthread_cond_wait(cond, lock) == 0;
    struct timespec ts = { until_us / 1000000, (long)(until_us % 1000000) * 1000 };
    return pthread_cond_timedwait(cond, lock, &ts) != ETIMEDOUT;
}

pt_status host_mailbox_new(size_t limit, host_mailbox **out)
{
    pthread_condattr_t attr;
    host_mailbox *b = calloc(1, sizeof *b);
    if (!b) return PT_ENOMEM;
    b->limit = limit;
    if (pthread_mutex_init(&b->lock, NULL) != 0) goto no_lock;
    if (pthread_condattr_init(&attr) != 0) goto no_attr;
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    if (pthread_cond_init(&b->not_empty, &attr) != 0) goto no_empty;
    if (pthread_cond_init(&b->not_full, &attr) != 0) goto no_full;
    (void)pthread_condattr_destroy(&attr);
    *out = b;
    return PT_OK;
no_full:
    (void)pthread_cond_destroy(&b->not_empty);
no_empty:
    (void)pthread_condattr_destroy(&attr);
no_attr:
    (void)pthread_mutex_destroy(&b->lock);
no_lock:
    free(b);
    return PT_ENOMEM;
}

void host_mailbox_free(host_mailbox *b, void (*drop)(const host_mail *m))
{
    if (!b) return;
    pt_slice rest = pt_slice_of(b->fill.ptr, b->fill.len), topic, payload;
    host_mail m;
    while (drop && host_mail_next(&rest, &m, &topic, &payload))
        drop(&m);
    free(b->fill.ptr);
    free(b->out.ptr);
    (void)pthread_cond_destroy(&b->not_full);
    (void)pthread_cond_destroy(&b->not_empty);
    (void)pthread_mutex_destroy(&b->lock);
    free(b);
}

static pt_status reserve(buffer *f, size_t need)
{
    if (need <= f->cap - f->len) return PT_OK;
    size_t cap = f->cap ? f->cap : 16384;
    while (cap < f->len + need) {
        if (cap > SIZE_MAX / 2) return PT_ENOMEM;
        cap *= 2;
    }
    char *p = realloc(f->ptr, cap);
    if (!p) return PT_ENOMEM;
    f->ptr = p;
    f->cap = cap;
    return PT_OK;
}

static pt_status append(host_mailbox *b, const host_mail *head, pt_slice topic, pt_slice payload, size_t need)
{
    pt_status st = reserve(&b->fill, need);
    if (st) return st;
    char *at = b->fill.ptr + b->fill.len;
    host_mail m = *head;
    m.topic_len = (uint32_t)topic.len;
    m.payload_len = (uint32_t)payload.len;
    memcpy(at, &m, sizeof m);
    if (topic.len) memcpy(at + sizeof m, topic.ptr, topic.len);
    if (payload.len) memcpy(at + sizeof m + topic.len, payload.ptr, payload.len);
    b->fill.len += need;
    b->items++;
    if (b->fill.len > b->max_bytes) b->max_bytes = b->fill.len;
    return PT_OK;
}

/* Wait for room, if any is needed; the lock is held in every case. */
static pt_status wait_for_room(host_mailbox *b, size_t need, int64_t timeout_ms, int64_t *waited_us)
{
    int64_t start = 0, until = INT64_MAX;
    pt_status st = PT_OK;
    if (waited_us) *waited_us = 0;
    while (!st && need && !b->closed && b->items && (b->fill.len >= b->limit || need > b->limit - b->fill.len)) {
        if (!timeout_ms) return PT_ETIMEOUT;
        if (!start) {
            start = now_us();
            if (timeout_ms >= 0) until = start + timeout_ms * 1000;
        }
        b->pushers_wait++;
        if (!wait_until(&b->not_full, &b->lock, until)) st = PT_ETIMEOUT;
        b->pushers_wait--;
    }
    if (waited_us) *waited_us = start ? now_us() - start : 0;
    return b->closed ? PT_ECLOSED : st;
}

pt_status host_mailbox_push(host_mailbox *b, const host_mail *head, pt_slice topic, pt_slice payload, int64_t timeout_ms,
                            int64_t *waited_us)
{
    if (topic.len > UINT32_MAX / 2 || payload.len > UINT32_MAX / 2) return PT_ETOOBIG;
    size_t need = (sizeof *head + topic.len + payload.len + 7u) & ~(size_t)7u;
    (void)pthread_mutex_lock(&b->lock);
    pt_status st = wait_for_room(b, head->control ? 0 : need, timeout_ms, waited_us);
    if (!st) st = append(b, head, topic, payload, need);
    bool wake = !st && b->taker_waits;
    if (wake) b->taker_waits = false; /* once is enough */
    (void)pthread_mutex_unlock(&b->lock);
    if (wake) (void)pthread_cond_signal(&b->not_empty);
    return st;
}

pt_slice host_mailbox_take(host_mailbox *b, int64_t timeout_ms, bool *closed)
{
    int64_t until = timeout_ms < 0 ? INT64_MAX : timeout_ms ? now_us() + timeout_ms * 1000 : 0;
    if (b->out.cap > KEEP && b->out.len < b->out.cap / 8) { /* a burst is over: give its memory back */
        free(b->out.ptr);
        b->out = (buffer){ NULL, 0, 0 };
    }
    b->out.len = 0;
    (void)pthread_mutex_lock(&b->lock);
    while (!b->items && !b->closed && until) {
        b->taker_waits = true;
        bool in_time = wait_until(&b->not_empty, &b->lock, until);
        b->taker_waits = false;
        if (!in_time) break;
    }
    buffer full = b->fill;
    if (full.len) {
        b->fill = b->out;
        b->out = full;
        b->items = 0;
    }
    *closed = b->closed;
    bool wake = b->pushers_wait != 0 && full.len;
    (void)pthread_mutex_unlock(&b->lock);
    if (wake) (void)pthread_cond_broadcast(&b->not_full);
    return full.len ? pt_slice_of(full.ptr, full.len) : PT_NONE;
}

void host_mailbox_close(host_mailbox *b)
{
    (void)pthread_mutex_lock(&b->lock);
    b->closed = true;
    (void)pthread_mutex_unlock(&b->lock);
    (void)pthread_cond_broadcast(&b->not_empty);
    (void)pthread_cond_broadcast(&b->not_full);
}

void host_mailbox_stats_get(host_mailbox *b, host_mailbox_stats *out)
{
    (void)pthread_mutex_lock(&b->lock);
    *out = (host_mailbox_stats){ b->items, b->fill.len, b->max_bytes };
    (void)pthread_mutex_unlock(&b->lock);
}
