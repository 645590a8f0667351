/* base/arena.c -- chunks double in size; a reset keeps the newest, which is the largest. */
#include "base/arena.h"

#include <stdlib.h>

struct pt_arena_chunk {
    pt_arena_chunk *older;
    size_t size; /* usable bytes behind this header */
    _Alignas(16) char data[];
};

enum { FIRST_CHUNK = 4096 - 64 };

void pt_arena_init(pt_arena *a, size_t limit)
{
    *a = (pt_arena){ .limit = limit };
}

static void free_from(pt_arena_chunk *c)
{
    while (c) {
        pt_arena_chunk *older = c->older;
        free(c);
        c = older;
    }
}

void pt_arena_fini(pt_arena *a)
{
    free_from(a->chunk);
    pt_arena_init(a, a->limit);
}

void pt_arena_reset(pt_arena *a)
{
    a->used = 0;
    if (!a->chunk) return;
    free_from(a->chunk->older);
    a->chunk->older = NULL;
    a->at = a->chunk->data;
    a->end = a->at + a->chunk->size;
}

void *pt_arena_grow(pt_arena *a, size_t size)
{
    if (size > SIZE_MAX - 64) return NULL;
    size_t n = (size + 15u) & ~(size_t)15u;
    if (n == 0) n = 16;
    if (n > a->limit - a->used) return NULL;
    size_t want = a->chunk ? a->chunk->size * 2 : FIRST_CHUNK;
    if (want > a->limit) want = a->limit;
    want = (want + 15u) & ~(size_t)15u;
    if (want < n) want = n;
    pt_arena_chunk *c = malloc(sizeof *c + want);
    if (!c) return NULL;
    c->older = a->chunk;
    c->size = want;
    a->chunk = c;
    a->at = c->data + n;
    a->end = c->data + want;
    a->used += n;
    return c->data;
}

void *pt_arena_zalloc(pt_arena *a, size_t size)
{
    void *p = pt_arena_alloc(a, size);
    if (p) memset(p, 0, size);
    return p;
}

void *pt_arena_array(pt_arena *a, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size) return NULL;
    return pt_arena_alloc(a, count * size);
}

pt_slice pt_arena_dup(pt_arena *a, pt_slice s)
{
    char *p = pt_arena_alloc(a, s.len + 1);
    if (!p) return PT_NONE;
    if (s.len) memcpy(p, s.ptr, s.len);
    p[s.len] = '\0';
    return (pt_slice){ p, s.len };
}
