/* base/map.c -- linear probing; `hash` 0 is a free slot, 1 a tombstone, real hashes are >= 2. */
#include "base/map.h"

#include <stdlib.h>

struct pt_map_slot {
    uint64_t hash;
    union {
        const char *ptr;
        uint64_t number;
    } key;
    size_t len;
    uint64_t value;
};

enum { FREE = 0, TOMB = 1, MIN_CAP = 16 };

void pt_map_init(pt_map *m, pt_map_kind kind)
{
    *m = (pt_map){ .kind = kind };
    m->seed = (uint64_t)(uintptr_t)m * 0x9e3779b97f4a7c15u;
}

static void release_keys(pt_map *m)
{
    if (m->kind != PT_MAP_COPY_KEYS) return;
    for (size_t i = 0; i < m->cap; i++) {
        if (m->slots[i].hash > TOMB) free((char *)(uintptr_t)m->slots[i].key.ptr);
    }
}

void pt_map_fini(pt_map *m)
{
    release_keys(m);
    free(m->slots);
    pt_map_init(m, m->kind);
}

void pt_map_reset(pt_map *m)
{
    release_keys(m);
    if (m->slots) memset(m->slots, 0, m->cap * sizeof *m->slots);
    m->count = m->tombs = 0;
}

static uint64_t hash_of(const pt_map *m, pt_slice key, uint64_t number)
{
    uint64_t h;
    if (m->kind == PT_MAP_U64_KEYS) {
        h = (number ^ m->seed) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
        h *= 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    } else {
        h = pt_slice_hash(key, m->seed);
    }
    return h <= TOMB ? h + 2 : h;
}

static bool same(const pt_map *m, const pt_map_slot *s, uint64_t h, pt_slice key, uint64_t number)
{
    if (s->hash != h) return false;
    if (m->kind == PT_MAP_U64_KEYS) return s->key.number == number;
    return s->len == key.len && (key.len == 0 || memcmp(s->key.ptr, key.ptr, key.len) == 0);
}

static pt_map_slot *find(const pt_map *m, uint64_t h, pt_slice key, uint64_t number)
{
    if (!m->count) return NULL;
    for (size_t i = h & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        pt_map_slot *s = &m->slots[i];
        if (s->hash == FREE) return NULL;
        if (same(m, s, h, key, number)) return s;
    }
}

static pt_status grow(pt_map *m)
{
    size_t cap = m->cap ? m->cap : MIN_CAP;
    if (m->cap && m->count >= m->cap / 2) cap *= 2; /* else the same size, to sweep tombstones */
    if (cap > SIZE_MAX / sizeof(pt_map_slot)) return PT_ENOMEM;
    pt_map_slot *slots = calloc(cap, sizeof *slots);
    if (!slots) return PT_ENOMEM;
    for (size_t k = 0; k < m->cap; k++) {
        if (m->slots[k].hash <= TOMB) continue;
        size_t i = m->slots[k].hash & (cap - 1);
        while (slots[i].hash != FREE)
            i = (i + 1) & (cap - 1);
        slots[i] = m->slots[k];
    }
    free(m->slots);
    m->slots = slots;
    m->cap = cap;
    m->tombs = 0;
    return PT_OK;
}

static pt_status put(pt_map *m, pt_slice key, uint64_t number, uint64_t value, uint64_t *old)
{
    uint64_t h = hash_of(m, key, number);
    pt_map_slot *s = find(m, h, key, number);
    if (old) *old = 0;
    if (s) {
        if (old) *old = s->value;
        s->value = value;
        return PT_OK;
    }
    if ((m->count + m->tombs + 1) * 8 > m->cap * 7) {
        pt_status st = grow(m);
        if (st) return st;
    }
    const char *copy = key.ptr;
    if (m->kind == PT_MAP_COPY_KEYS && !(copy = pt_slice_dup(key))) return PT_ENOMEM;
    size_t i = h & (m->cap - 1);
    while (m->slots[i].hash > TOMB)
        i = (i + 1) & (m->cap - 1);
    s = &m->slots[i];
    if (s->hash == TOMB) m->tombs--;
    s->hash = h;
    s->len = key.len;
    s->value = value;
    if (m->kind == PT_MAP_U64_KEYS) s->key.number = number;
    else s->key.ptr = copy;
    m->count++;
    return PT_OK;
}

static bool del(pt_map *m, pt_slice key, uint64_t number, uint64_t *old)
{
    pt_map_slot *s = find(m, hash_of(m, key, number), key, number);
    if (!s) return false;
    if (old) *old = s->value;
    if (m->kind == PT_MAP_COPY_KEYS) free((char *)(uintptr_t)s->key.ptr);
    s->hash = TOMB;
    m->tombs++;
    m->count--;
    return true;
}

pt_status pt_map_put(pt_map *m, pt_slice key, uint64_t value, uint64_t *old)
{
    return put(m, key, 0, value, old);
}
bool pt_map_get(const pt_map *m, pt_slice key, uint64_t *value)
{
    pt_map_slot *s = find(m, hash_of(m, key, 0), key, 0);
    if (s && value) *value = s->value;
    return s != NULL;
}
bool pt_map_del(pt_map *m, pt_slice key, uint64_t *old)
{
    return del(m, key, 0, old);
}
pt_status pt_map_put_u64(pt_map *m, uint64_t key, uint64_t value, uint64_t *old)
{
    return put(m, PT_NONE, key, value, old);
}
bool pt_map_get_u64(const pt_map *m, uint64_t key, uint64_t *value)
{
    pt_map_slot *s = find(m, hash_of(m, PT_NONE, key), PT_NONE, key);
    if (s && value) *value = s->value;
    return s != NULL;
}
bool pt_map_del_u64(pt_map *m, uint64_t key, uint64_t *old)
{
    return del(m, PT_NONE, key, old);
}

bool pt_map_each(const pt_map *m, size_t *it, pt_slice *key, uint64_t *key_u64, uint64_t *value)
{
    for (; *it < m->cap; ++*it) {
        const pt_map_slot *s = &m->slots[*it];
        if (s->hash <= TOMB) continue;
        if (m->kind == PT_MAP_U64_KEYS) {
            if (key_u64) *key_u64 = s->key.number;
        } else if (key) {
            *key = (pt_slice){ s->key.ptr, s->len };
        }
        if (value) *value = s->value;
        ++*it;
        return true;
    }
    return false;
}
