/* uns/node.c -- places in the tree: find, make, remove, count, sort. See internal.h for the invariants. */
#include "uns/internal.h"

#include "base/assert.h"

#include <stdlib.h>

#define DIRTY_END UINT32_MAX /* the list's last link; 0 means "not on it" */

/* ---- the table (parent, name) -> node ---- */

static uint32_t place(uint32_t parent, uint32_t name)
{
    uint64_t h = ((uint64_t)parent << 32 | name) * 0x9e3779b97f4a7c15u;
    h ^= h >> 32;
    h *= 0xff51afd7ed558ccdu;
    return (uint32_t)(h >> 32);
}

static uint32_t slot_of(const uns_tree *t, uint32_t parent, uint32_t name) /* where it is, or the free slot where it would be */
{
    uint32_t mask = t->n_slots - 1;
    for (uint32_t i = place(parent, name) & mask;; i = (i + 1) & mask) {
        if (!t->kids[i]) return i;
        const uns__node *n = uns__node_at(t, t->kids[i]);
        if (n->parent == parent && n->name == name) return i;
    }
}

static pt_status grow_table(uns_tree *t)
{
    if (t->used_nodes + 1 < t->n_slots / 4 * 3) return PT_OK;
    uint32_t n_slots = t->n_slots ? t->n_slots * 2 : 64, old = t->n_slots;
    uint32_t *from = t->kids, *slots = calloc(n_slots, sizeof *slots);
    if (!slots) return PT_ENOMEM;
    t->kids = slots;
    t->n_slots = n_slots;
    for (uint32_t i = 0; i < old; i++) {
        if (!from[i]) continue;
        const uns__node *n = uns__node_at(t, from[i]);
        slots[slot_of(t, n->parent, n->name)] = from[i];
    }
    free(from);
    return PT_OK;
}

static void table_remove(uns_tree *t, uint32_t parent, uint32_t name)
{
    uint32_t mask = t->n_slots - 1, hole = slot_of(t, parent, name);
    for (uint32_t i = (hole + 1) & mask; t->kids[i]; i = (i + 1) & mask) { /* close the gap: no tombstones */
        const uns__node *n = uns__node_at(t, t->kids[i]);
        uint32_t home = place(n->parent, n->name) & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            t->kids[hole] = t->kids[i];
            hole = i;
        }
    }
    t->kids[hole] = 0;
}

/* ---- storage ---- */

static pt_status node_new(uns_tree *t, uint32_t *id)
{
    if (t->free_node) {
        *id = t->free_node;
        t->free_node = uns__node_at(t, *id)->parent;
    } else {
        uint32_t chunk = t->n_nodes / UNS__CHUNK;
        if (chunk >= t->cap_node_chunks) {
            uint32_t cap = t->cap_node_chunks ? t->cap_node_chunks * 2 : 8;
            uns__node **list = realloc(t->nodes, cap * sizeof(uns__node *));
            if (!list) return PT_ENOMEM;
            t->nodes = list;
            t->cap_node_chunks = cap;
        }
        if (t->n_nodes % UNS__CHUNK == 0 && !(t->nodes[chunk] = malloc(UNS__CHUNK * sizeof(uns__node)))) return PT_ENOMEM;
        *id = t->n_nodes++;
    }
    *uns__node_at(t, *id) = (uns__node){ 0 };
    t->used_nodes++;
    return PT_OK;
}

static void node_release(uns_tree *t, uint32_t id)
{
    *uns__node_at(t, id) = (uns__node){ .parent = t->free_node };
    t->free_node = id;
    t->used_nodes--;
}

pt_status uns__nodes_init(uns_tree *t)
{
    uint32_t id;
    t->dirty = DIRTY_END;
    for (int i = 0; i <= UNS__SOURCE_ROOT; i++) { /* node 0 stays unused: it means "none" */
        pt_status st = node_new(t, &id);
        if (st) return st;
    }
    for (uint32_t root = UNS__ROOT; root <= UNS__SOURCE_ROOT; root++) {
        if (!(uns__node_at(t, root)->folder = calloc(1, sizeof(uns__folder)))) return PT_ENOMEM;
    }
    t->used_nodes = 2;
    return PT_OK;
}

void uns__nodes_fini(uns_tree *t)
{
    for (uint32_t id = 1; id < t->n_nodes; id++) {
        uns__folder *f = uns__node_at(t, id)->folder;
        if (f) free(f->kids);
        free(f);
    }
    for (uint32_t c = 0; c * UNS__CHUNK < t->n_nodes; c++)
        free(t->nodes[c]);
    free(t->nodes);
    free(t->kids);
}

/* ---- order ---- */

int uns__node_order(const uns_tree *t, uint32_t a, uint32_t b)
{
    return pt_slice_cmp(uns__name_view(&t->names, uns__node_at(t, a)->name), uns__name_view(&t->names, uns__node_at(t, b)->name));
}

static int by_name_r(const void *a, const void *b, void *tree)
{
    return uns__node_order(tree, *(const uint32_t *)a, *(const uint32_t *)b);
}

/* Children are appended as they come and put in order when somebody looks: a birth of many metrics costs no insertions. */
static void sort_folder(uns_tree *t, uns__folder *f)
{
    qsort_r(f->kids, f->n, sizeof *f->kids, by_name_r, t);
    f->sorted = f->n;
}

void uns__nodes_sort(uns_tree *t)
{
    while (t->dirty != DIRTY_END) {
        uns__node *n = uns__node_at(t, t->dirty);
        t->dirty = n->next_dirty;
        n->next_dirty = 0;
        sort_folder(t, n->folder);
    }
}

static pt_status kid_add(uns_tree *t, uint32_t parent, uint32_t id)
{
    uns__node *p = uns__node_at(t, parent);
    if (!p->folder && !(p->folder = calloc(1, sizeof *p->folder))) return PT_ENOMEM;
    uns__folder *f = p->folder;
    if (f->n == f->cap) {
        uint32_t cap = f->cap ? f->cap + f->cap / 2 : 4;
        uint32_t *kids = realloc(f->kids, cap * sizeof *kids);
        if (!kids) return PT_ENOMEM;
        f->kids = kids;
        f->cap = cap;
    }
    f->kids[f->n++] = id;
    if (f->sorted + 1 == f->n && (f->n == 1 || uns__node_order(t, f->kids[f->n - 2], id) < 0)) {
        f->sorted = f->n;
    } else if (!p->next_dirty) {
        p->next_dirty = t->dirty;
        t->dirty = parent;
    }
    return PT_OK;
}

static void kid_remove(uns_tree *t, uint32_t parent, uint32_t id)
{
    uns__node *p = uns__node_at(t, parent);
    uns__folder *f = p->folder;
    uint32_t i = f->n;
    do {
        pt_assert(i > 0);         /* it is there */
    } while (f->kids[--i] != id); /* removals are rare */
    memmove(&f->kids[i], &f->kids[i + 1], (f->n - i - 1) * sizeof *f->kids);
    f->n--;
    if (i < f->sorted) f->sorted--;
}

static void folder_drop(uns_tree *t, uint32_t id)
{
    uns__node *n = uns__node_at(t, id);
    if (n->next_dirty) { /* take it off the list */
        uint32_t *link = &t->dirty;
        while (*link != id)
            link = &uns__node_at(t, *link)->next_dirty;
        *link = n->next_dirty;
        n->next_dirty = 0;
    }
    free(n->folder->kids);
    free(n->folder);
    n->folder = NULL;
}

/* ---- paths ---- */

uint32_t uns__node_child(const uns_tree *t, uint32_t parent, pt_slice name)
{
    uint32_t id;
    if (!t->n_slots || !uns__names_find(&t->names, name, &id)) return 0;
    return t->kids[slot_of(t, parent, id)];
}

uint32_t uns__node_find(const uns_tree *t, uint32_t root, pt_slice path)
{
    pt_slice piece;
    uint32_t at = root;
    if (!path.len) return root;
    while (at && pt_slice_split(&path, '/', &piece))
        at = uns__node_child(t, at, piece);
    return at;
}

void uns__node_prune(uns_tree *t, uint32_t id)
{
    while (id > UNS__SOURCE_ROOT) {
        uns__node *n = uns__node_at(t, id);
        if (n->folder && n->folder->n == 0) folder_drop(t, id);
        if (n->tag || n->folder) return;
        uint32_t parent = n->parent;
        table_remove(t, parent, n->name);
        kid_remove(t, parent, id);
        node_release(t, id);
        id = parent;
    }
}

pt_status uns__node_make(uns_tree *t, uint32_t root, pt_slice path, uint32_t *out)
{
    pt_slice piece;
    uint32_t at = root;
    while (pt_slice_split(&path, '/', &piece)) {
        uint32_t name, id = 0;
        pt_status st = uns__names_add(&t->names, piece, &name);
        if (!st) st = grow_table(t);
        if (!st) {
            uint32_t slot = slot_of(t, at, name);
            if ((id = t->kids[slot]) != 0) {
                at = id;
                continue;
            }
            st = node_new(t, &id);
        }
        if (!st) {
            uns__node *n = uns__node_at(t, id);
            n->name = name;
            n->parent = at;
            if ((st = kid_add(t, at, id)) != PT_OK) node_release(t, id);
        }
        if (st) {
            uns__node_prune(t, at);
            return st;
        }
        t->kids[slot_of(t, at, name)] = id;
        at = id;
    }
    *out = at;
    return PT_OK;
}

/* ---- counts ---- */

/* What can be said of a folder's counts without looking at its children. */
static bool counts_hold(const uns__folder *f)
{
    return f->sorted <= f->n && f->visible_kids <= f->n && f->visible <= f->tags && f->live <= f->tags && f->stale <= f->tags - f->live;
}

/* Add the deltas to the folders above `id`, keeping each folder's number of visible children right on the way. */
static void roll_up(uns_tree *t, uint32_t id, int tags, int visible, int live, int stale, bool was_visible)
{
    while (id > UNS__SOURCE_ROOT) {
        bool is_visible = uns__node_visible(t, uns__node_at(t, id));
        uint32_t parent = uns__node_at(t, id)->parent;
        uns__node *p = uns__node_at(t, parent);
        bool parent_was = uns__node_visible(t, p);
        p->folder->tags += (uint32_t)tags;
        p->folder->visible += (uint32_t)visible;
        p->folder->live += (uint32_t)live;
        p->folder->stale += (uint32_t)stale;
        p->folder->visible_kids += (uint32_t)is_visible - (uint32_t)was_visible;
        pt_assert(counts_hold(p->folder));
        was_visible = parent_was;
        id = parent;
    }
}

void uns__node_count(uns_tree *t, uint32_t id, int sign, uns_state state, bool hidden)
{
    /* The caller has set or cleared the node's tag already; what it was before follows from the sign. */
    const uns__node *n = uns__node_at(t, id);
    bool below = n->folder && n->folder->visible;
    bool was_visible = below || (sign < 0 && !hidden);
    roll_up(t, id, sign, hidden ? 0 : sign, state == UNS_LIVE ? sign : 0, state == UNS_STALE_STATE ? sign : 0, was_visible);
}

void uns__node_restate(uns_tree *t, uint32_t id, uns_state from, uns_state to)
{
    int live = (to == UNS_LIVE) - (from == UNS_LIVE), stale = (to == UNS_STALE_STATE) - (from == UNS_STALE_STATE);
    for (id = uns__node_at(t, id)->parent; id; id = uns__node_at(t, id)->parent) {
        uns__folder *f = uns__node_at(t, id)->folder;
        f->live += (uint32_t)live;
        f->stale += (uint32_t)stale;
        pt_assert(counts_hold(f));
    }
}
