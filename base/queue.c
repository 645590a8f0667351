/* base/queue.c -- a ring under one mutex.
 * Invariants with the lock held: count <= cap; weight == sum of the weights inside. */
#include "base/queue.h"

#include "base/assert.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

typedef struct entry {
    void *item;
    size_t weight;
} entry;

struct pt_queue {
    pthread_mutex_t lock; /* guards everything below */
    size_t cap, head, count;
    size_t weight, weight_cap;
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
    if (pthread_mutex_init(&q->lock, NULL) != 0) {
        free(q);
        return PT_ENOMEM;
    }
    *out = q;
    return PT_OK;
}

/* The weights are added up as far as that is cheap. */
static bool holds(const pt_queue *q)
{
    size_t sum = 0;
    if (q->count > q->cap || q->head >= q->cap) return false;
    if (q->count > 64) return true;
    for (size_t i = 0; i < q->count; i++)
        sum += q->ring[(q->head + i) % q->cap].weight;
    return sum == q->weight;
}

static entry take(pt_queue *q)
{
    entry e = q->ring[q->head];
    q->head = (q->head + 1) % q->cap;
    q->count--;
    q->weight -= e.weight;
    pt_assert(holds(q));
    return e;
}

void pt_queue_free(pt_queue *q, void (*drop)(void *item))
{
    if (!q) return;
    while (q->count) {
        entry e = take(q);
        if (drop) drop(e.item);
    }
    pthread_mutex_destroy(&q->lock);
    free(q);
}

static bool has_room(const pt_queue *q, size_t weight)
{
    if (q->count == q->cap) return false;
    return q->count == 0 || weight <= q->weight_cap - (q->weight < q->weight_cap ? q->weight : q->weight_cap);
}

pt_status pt_queue_try_push(pt_queue *q, void *item, size_t weight)
{
    pthread_mutex_lock(&q->lock);
    bool room = has_room(q, weight);
    if (room) {
        q->ring[(q->head + q->count) % q->cap] = (entry){ item, weight };
        q->count++;
        q->weight += weight;
    }
    pt_assert(holds(q));
    pthread_mutex_unlock(&q->lock);
    return room ? PT_OK : PT_EFULL;
}

size_t pt_queue_pop(pt_queue *q, void **items, size_t max)
{
    size_t n = 0;
    pthread_mutex_lock(&q->lock);
    while (n < max && q->count)
        items[n++] = take(q).item;
    pthread_mutex_unlock(&q->lock);
    return n;
}
