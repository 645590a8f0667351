/* uns/names.c -- each distinct string of the tree once: path segments of both views, ids, metric names, units.
 *
 * A plant's names repeat (every pump has a "Speed"), so interning them is most of what keeps a tag small. Strings are
 * never given back before the tree is: what they take is bounded by the distinct names ever seen. */
#include "uns/internal.h"

#include <stdlib.h>

struct uns__block {
    uns__block *older;
    size_t size;
    char bytes[];
};

enum { BLOCK = 32 * 1024 };

void uns__names_fini(uns__names *n)
{
    while (n->blocks) {
        uns__block *older = n->blocks->older;
        free(n->blocks);
        n->blocks = older;
    }
    free(n->items);
    free(n->slots);
    *n = (uns__names){ 0 };
}

static uint32_t hash_of(pt_slice text)
{
    return (uint32_t)pt_slice_hash(text, 0x756e73u);
}

static uint32_t find(const uns__names *n, pt_slice text, uint32_t hash, uint32_t *slot)
{
    uint32_t mask = n->n_slots - 1;
    for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
        uint32_t id = n->slots[i];
        if (!id || (n->items[id].hash == hash && n->items[id].len == text.len && memcmp(n->items[id].ptr, text.ptr, text.len) == 0)) {
            *slot = i;
            return id;
        }
    }
}

bool uns__names_find(const uns__names *n, pt_slice text, uint32_t *id)
{
    uint32_t slot;
    if (!text.len) {
        *id = 0;
        return true;
    }
    if (!n->n_slots) return false;
    *id = find(n, text, hash_of(text), &slot);
    return *id != 0;
}

static pt_status grow_items(uns__names *n)
{
    if (n->count + 1 < n->cap) return PT_OK;
    uint32_t cap = n->cap ? n->cap + n->cap / 2 : 64;
    if (cap < n->cap) return PT_ETOOBIG;
    uns__name *items = realloc(n->items, cap * sizeof *items);
    if (!items) return PT_ENOMEM;
    n->items = items;
    n->cap = cap;
    return PT_OK;
}

static pt_status grow_slots(uns__names *n)
{
    if (n->count + 1 < n->n_slots / 4 * 3) return PT_OK;
    uint32_t n_slots = n->n_slots ? n->n_slots * 2 : 128;
    if (n_slots < n->n_slots) return PT_ETOOBIG;
    uint32_t *slots = calloc(n_slots, sizeof *slots);
    if (!slots) return PT_ENOMEM;
    for (uint32_t id = 1; id <= n->count; id++) {
        uint32_t i = n->items[id].hash & (n_slots - 1);
        while (slots[i])
            i = (i + 1) & (n_slots - 1);
        slots[i] = id;
    }
    free(n->slots);
    n->slots = slots;
    n->n_slots = n_slots;
    return PT_OK;
}

static const char *keep(uns__names *n, pt_slice text)
{
    if (n->room < text.len) {
        size_t size = text.len > BLOCK / 4 ? text.len : BLOCK;
        uns__block *b = malloc(sizeof *b + size);
        if (!b) return NULL;
        b->size = size;
        if (size != BLOCK && n->blocks) { /* a long one lives alone, behind the block being filled */
            b->older = n->blocks->older;
            n->blocks->older = b;
            memcpy(b->bytes, text.ptr, text.len);
            return b->bytes;
        }
        b->older = n->blocks;
        n->blocks = b;
        n->room = size;
    }
    char *at = n->blocks->bytes + n->blocks->size - n->room;
    memcpy(at, text.ptr, text.len);
    n->room -= text.len;
    return at;
}

pt_status uns__names_add(uns__names *n, pt_slice text, uint32_t *id)
{
    if (!text.len) {
        *id = 0;
        return PT_OK;
    }
    if (text.len > UINT16_MAX) return PT_ETOOBIG;
    uint32_t hash = hash_of(text), slot;
    if (n->n_slots && (*id = find(n, text, hash, &slot)) != 0) return PT_OK;
    pt_status st = grow_items(n);
    if (!st) st = grow_slots(n);
    if (st) return st;
    const char *ptr = keep(n, text);
    if (!ptr) return PT_ENOMEM;
    (void)find(n, text, hash, &slot);
    n->slots[slot] = *id = ++n->count;
    n->items[*id] = (uns__name){ ptr, (uint32_t)text.len, hash };
    return PT_OK;
}
