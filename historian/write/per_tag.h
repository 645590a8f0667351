/* historian/write/per_tag.h -- something of every tag, found by its id: a table in pieces that are made as ids are given out, and never
 * moved or freed before the end.
 *
 * Whoever reserves is alone in it; everybody else may look at an id that was given out after it was reserved (catalog.h). */
#ifndef HIST_PER_TAG_H
#define HIST_PER_TAG_H
#include "base/status.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum {
    HIST__SEGMENT = 4096,  /* tags per piece */
    HIST__SEGMENTS = 16384 /* 64 M tags at most */
};

typedef struct hist__per_tag {
    _Atomic(void *) pieces[HIST__SEGMENTS]; /* owned; NULL from the first that was not made on */
} hist__per_tag;

/* `id` was reserved (>= 1), `size` is the same in every call. */
static inline void *hist__per_tag_at(hist__per_tag *t, uint32_t id, size_t size)
{
    char *piece = atomic_load_explicit(&t->pieces[(id - 1) / HIST__SEGMENT], memory_order_acquire);
    return piece + (id - 1) % HIST__SEGMENT * size;
}

/* Room for this one, of zeros. PT_ETOOBIG, PT_ENOMEM. */
PT_MUST_CHECK static inline pt_status hist__per_tag_reserve(hist__per_tag *t, uint32_t id, size_t size)
{
    uint32_t segment = (id - 1) / HIST__SEGMENT;
    if (segment >= HIST__SEGMENTS) return PT_ETOOBIG;
    if (atomic_load_explicit(&t->pieces[segment], memory_order_relaxed)) return PT_OK;
    void *piece = calloc(HIST__SEGMENT, size);
    if (!piece) return PT_ENOMEM;
    atomic_store_explicit(&t->pieces[segment], piece, memory_order_release);
    return PT_OK;
}

/* The highest id there is room for. */
static inline uint32_t hist__per_tag_room(hist__per_tag *t)
{
    uint32_t segment = 0;
    while (segment < HIST__SEGMENTS && atomic_load_explicit(&t->pieces[segment], memory_order_relaxed))
        segment++;
    return segment * HIST__SEGMENT;
}

static inline void hist__per_tag_fini(hist__per_tag *t)
{
    for (uint32_t i = 0; i < HIST__SEGMENTS; i++)
        free(atomic_load_explicit(&t->pieces[i], memory_order_relaxed));
}
#endif
