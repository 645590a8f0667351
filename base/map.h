/* base/map.h -- a hash table from bytes or 64-bit numbers to one 64-bit value (a pointer or an index).
 *
 * Open addressing, at most 7/8 full, doubles. Byte keys are copied into the map unless the map was made
 * with PT_MAP_BORROW_KEYS (then they outlive their entries). One owner, or the caller's lock. */
#ifndef PT_MAP_H
#define PT_MAP_H
#include "base/slice.h"
#include "base/status.h"

typedef struct pt_map_slot pt_map_slot;
typedef enum pt_map_kind { PT_MAP_COPY_KEYS, PT_MAP_BORROW_KEYS, PT_MAP_U64_KEYS } pt_map_kind;
typedef struct pt_map {
    pt_map_slot *slots; /* NULL until the first insertion */
    size_t cap, count, tombs;
    uint64_t seed;
    pt_map_kind kind;
} pt_map;

void pt_map_init(pt_map *m, pt_map_kind kind);
void pt_map_fini(pt_map *m);
void pt_map_reset(pt_map *m); /* forget all entries, keep the table */

/* Byte keys. put replaces; *old (may be NULL) gets the replaced value, or 0. PT_OK or PT_ENOMEM. */
PT_MUST_CHECK pt_status pt_map_put(pt_map *m, pt_slice key, uint64_t value, uint64_t *old);
bool pt_map_get(const pt_map *m, pt_slice key, uint64_t *value);
bool pt_map_del(pt_map *m, pt_slice key, uint64_t *old);

/* Number keys. */
PT_MUST_CHECK pt_status pt_map_put_u64(pt_map *m, uint64_t key, uint64_t value, uint64_t *old);
bool pt_map_get_u64(const pt_map *m, uint64_t key, uint64_t *value);
bool pt_map_del_u64(pt_map *m, uint64_t key, uint64_t *old);

/* All entries in no order; start with *it == 0. No insertion meanwhile; deleting the current one is allowed. */
bool pt_map_each(const pt_map *m, size_t *it, pt_slice *key, uint64_t *key_u64, uint64_t *value);

static inline void *pt_map_get_ptr(const pt_map *m, pt_slice key) /* NULL when absent */
{
    uint64_t v = 0;
    return pt_map_get(m, key, &v) ? (void *)(uintptr_t)v : NULL;
}
#endif
