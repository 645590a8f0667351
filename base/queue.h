/* base/queue.h -- a bounded queue of owned pointers between threads; nobody ever waits in it.
 *
 * Any number of producers and consumers. Bounded twice: by items and by the sum of the weights
 * given at push (bytes, usually), so that neither many small nor few large items grow without end.
 * Ownership: a push that returns PT_OK takes the item; after any other status the caller still
 * owns it. Popped items belong to the popper. No callback runs under the lock. Who wants to sleep until something comes
 * has a monitor (base/monitor.h) that the producer wakes. */
#ifndef PT_QUEUE_H
#define PT_QUEUE_H
#include "base/status.h"
#include <stdint.h>

typedef struct pt_queue pt_queue;

/* Room for `items` entries (allocated at once) and `weight` in total. */
PT_MUST_CHECK pt_status pt_queue_new(size_t items, size_t weight, pt_queue **out);
/* The queue must be empty of threads; items still inside are passed to `drop` (may be NULL). */
void pt_queue_free(pt_queue *q, void (*drop)(void *item));

/* PT_OK, PT_EFULL. An item heavier than the whole bound is admitted when the queue is empty. */
PT_MUST_CHECK pt_status pt_queue_try_push(pt_queue *q, void *item, size_t weight);
/* Take up to `max` items in order. Returns how many; 0: there are none now. */
size_t pt_queue_pop(pt_queue *q, void **items, size_t max);
#endif
