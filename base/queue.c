/* base/queue.c -- a ring under one mutex.
 * Invariants with the lock held: count <= cap; weight == sum of the weights inside. */
#include "base/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

typedef struct entry {
    void *item;
    size_t weight;
} entry;

struct pt_queue {
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t not_empty, not_full;
    size_t cap, head, count;
    size_t weight, weight_cap;
    size_t waiting_pop, waiting_push;
    bool closed;
    pt_queue_stats stats;
    entry ring[];
};

pt_status pt_queue_new(size_t items, size_t weight, pt_queue **out)
{
    if (items == 0 || weight == 0) return PT_EINVAL;
    if (items > (SIZE_MAX - sizeof(pt_queue)) / sizeof(entry)) return PT_ETOOBIG;
    pt_queue *q = calloc(1, sizeof *q + items * sizeof(entry));
    if (!q) return PT_ENOMEM;
    q->cap = items;
    q->weight_cap = weight;
    pthread_condattr_t attr;
    if (pthread_mutex_init(&q->lock, NULL)) goto no_mutex;
    if (pthread_condattr_init(&attr)) goto no_attr;
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    if (pthread_cond_init(&q->not_empty, &attr)) goto no_empty;
    if (pthread_cond_init(&q->not_full, &attr)) goto no_full;
    pthread_condattr_destroy(&attr);
    *out = q;
    return PT_OK;
no_full:
    pthread_cond_destroy(&q->not_empty);
no_empty:
    pthread_condattr_destroy(&attr);
no_attr:
    pthread_mutex_destroy(&q->lock);
no_mutex:
    free(q);
    return PT_ENOMEM;
}

void pt_queue_free(pt_queue *q, void (*drop)(void *item))
{
    if (!q) return;
    while (q->count) {
        if (drop) drop(q->ring[q->head].item);
        q->head = (q->head + 1) % q->cap;
        q->count--;
    }
    pthread_cond_destroy(&q->not_full);
    pthread_cond_destroy(&q->not_empty);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

static bool has_room(const pt_queue *q, size_t weight)
{
    if (q->count == q->cap) return false;
    return q->count == 0 || weight <= q->weight_cap - (q->weight < q->weight_cap ? q->weight : q->weight_cap);
}

static void put(pt_queue *q, void *item, size_t weight)
{
    q->ring[(q->head + q->count) % q->cap] = (entry){ item, weight };
    q->count++;
    q->weight += weight;
    q->stats.pushed++;
    if (q->count > q->stats.max_items) q->stats.max_items = q->count;
    if (q->weight > q->stats.max_weight) q->stats.max_weight = q->weight;
    if (q->waiting_pop) pthread_cond_signal(&q->not_empty);
}

static struct timespec deadline(int64_t timeout_ms)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_sec += (time_t)(timeout_ms / 1000);
    ts.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (ts.tv_nsec >= 1000000000) {
        ts.tv_sec++;
        ts.tv_nsec -= 1000000000;
    }
    return ts;
}

/* false on timeout */
static bool wait_on(pt_queue *q, pthread_cond_t *cond, size_t *waiting, int64_t timeout_ms, const struct timespec *until)
{
    int rc;
    ++*waiting;
    if (timeout_ms < 0) rc = pthread_cond_wait(cond, &q->lock);
    else rc = pthread_cond_timedwait(cond, &q->lock, until);
    --*waiting;
    return rc != ETIMEDOUT;
}

pt_status pt_queue_try_push(pt_queue *q, void *item, size_t weight)
{
    pt_status st = PT_OK;
    pthread_mutex_lock(&q->lock);
    if (q->closed) {
        st = PT_ECLOSED;
    } else if (!has_room(q, weight)) {
        q->stats.refused++;
        st = PT_EFULL;
    } else {
        put(q, item, weight);
    }
    pthread_mutex_unlock(&q->lock);
    return st;
}

pt_status pt_queue_push(pt_queue *q, void *item, size_t weight, int64_t timeout_ms)
{
    pt_status st = PT_OK;
    struct timespec until = { 0 };
    if (timeout_ms >= 0) until = deadline(timeout_ms);
    pthread_mutex_lock(&q->lock);
    while (!q->closed && !has_room(q, weight)) {
        if (!wait_on(q, &q->not_full, &q->waiting_push, timeout_ms, &until) && !q->closed && !has_room(q, weight)) {
            q->stats.refused++;
            st = PT_ETIMEOUT;
            break;
        }
    }
    if (!st && q->closed) st = PT_ECLOSED;
    if (!st) put(q, item, weight);
    pthread_mutex_unlock(&q->lock);
    return st;
}

size_t pt_queue_pop(pt_queue *q, void **items, size_t max, int64_t timeout_ms, bool *closed)
{
    size_t n = 0;
    struct timespec until = { 0 };
    if (timeout_ms > 0) until = deadline(timeout_ms);
    pthread_mutex_lock(&q->lock);
    while (q->count == 0 && !q->closed && timeout_ms != 0) {
        if (!wait_on(q, &q->not_empty, &q->waiting_pop, timeout_ms, &until)) break;
    }
    while (n < max && q->count) {
        entry e = q->ring[q->head];
        q->head = (q->head + 1) % q->cap;
        q->count--;
        q->weight -= e.weight;
        items[n++] = e.item;
    }
    if (closed) *closed = q->closed && n == 0;
    if (n && q->waiting_push) pthread_cond_broadcast(&q->not_full);
    pthread_mutex_unlock(&q->lock);
    return n;
}

void pt_queue_close(pt_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_broadcast(&q->not_empty);
    pthread_cond_broadcast(&q->not_full);
    pthread_mutex_unlock(&q->lock);
}

void pt_queue_stats_get(pt_queue *q, pt_queue_stats *out)
{
    pthread_mutex_lock(&q->lock);
    *out = q->stats;
    out->items = q->count;
    out->weight = q->weight;
    pthread_mutex_unlock(&q->lock);
}
