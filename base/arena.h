/* base/arena.h -- a bump allocator with one lifetime and a hard limit.
 *
 * Everything decoded from one message lives in one arena and dies at pt_arena_reset. Owner
 * thread only. Memory is 16-byte aligned and not zeroed unless asked. */
#ifndef PT_ARENA_H
#define PT_ARENA_H
#include "base/slice.h"
#include "base/status.h"

typedef struct pt_arena_chunk pt_arena_chunk;
typedef struct pt_arena {
    char *at, *end;        /* free part of the current chunk */
    pt_arena_chunk *chunk; /* current; owned, linked to the older ones */
    size_t used, limit;    /* bytes handed out since the last reset (rounded up), and their maximum */
} pt_arena;

/* `limit` bytes at most between two resets; nothing is allocated yet. */
void pt_arena_init(pt_arena *a, size_t limit);
/* Frees everything. The arena may be used again. */
void pt_arena_fini(pt_arena *a);
/* Forget all allocations; keeps the largest chunk, so a steady state does not touch malloc. */
void pt_arena_reset(pt_arena *a);

/* NULL when the limit or the heap is exhausted. size 0 gives a valid unique pointer. */
void *pt_arena_grow(pt_arena *a, size_t size); /* slow path of pt_arena_alloc; do not call */
static inline void *pt_arena_alloc(pt_arena *a, size_t size)
{
    size_t n = (size + 15u) & ~(size_t)15u;
    if (n == 0) n = 16;
    if (n >= size && n <= (size_t)(a->end - a->at) && n <= a->limit - a->used) {
        void *p = a->at;
        a->at += n;
        a->used += n;
        return p;
    }
    return pt_arena_grow(a, size);
}
void *pt_arena_zalloc(pt_arena *a, size_t size);
/* count * size with overflow check. */
void *pt_arena_array(pt_arena *a, size_t count, size_t size);
/* A copy with a final NUL that len does not count; ptr NULL on failure. */
pt_slice pt_arena_dup(pt_arena *a, pt_slice s);
#endif
