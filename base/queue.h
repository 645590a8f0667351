/* base/queue.h -- a bounded queue of owned pointers between threads.
 *
 * Any number of producers and consumers. Bounded twice: by items and by the sum of the weights
 * given at push (bytes, usually), so that neither many small nor few large items grow without end.
 * Ownership: a push that returns PT_OK takes the item; after any other status the caller still
 * owns it. Popped items belong to the popper. After pt_queue_close pushes fail with PT_ECLOSED
 * and pops drain what is left, then fail with PT_ECLOSED. No callback runs under the lock. */
#ifndef PT_QUEUE_H
#define PT_QUEUE_H
#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct pt_queue pt_queue;

typedef struct pt_queue_stats {
    size_t items, weight;         /* now */
    size_t max_items, max_weight; /* high-water marks since creation */
    uint64_t pushed, refused;     /* refused: pushes answered PT_EFULL (try) or PT_ETIMEOUT */
} pt_queue_stats;

/* Room for `items` entries (allocated at once) and `weight` in total. */
PT_MUST_CHECK pt_status pt_queue_new(size_t items, size_t weight, pt_queue **out);
/* The queue must be empty of threads; items still inside are passed to `drop` (may be NULL). */
void pt_queue_free(pt_queue *q, void (*drop)(void *item));

/* PT_OK, PT_EFULL (never waits), PT_ECLOSED. An item heavier than the whole bound is admitted when the queue is empty. */
PT_MUST_CHECK pt_status pt_queue_try_push(pt_queue *q, void *item, size_t weight);
/* Waits up to timeout_ms (< 0: for ever) for room: PT_OK, PT_ETIMEOUT, PT_ECLOSED. */
PT_MUST_CHECK pt_status pt_queue_push(pt_queue *q, void *item, size_t weight, int64_t timeout_ms);

/* Take up to `max` items in order, waiting up to timeout_ms (0: not at all, < 0: for ever) for the
 * first. Returns how many; 0 means timeout, or closed and drained (then *closed, may be NULL, is true). */
size_t pt_queue_pop(pt_queue *q, void **items, size_t max, int64_t timeout_ms, bool *closed);

void pt_queue_close(pt_queue *q); /* quick, repeatable, wakes everybody */
void pt_queue_stats_get(pt_queue *q, pt_queue_stats *out);
#endif
