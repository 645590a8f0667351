/* uns/internal.h -- how the tree is kept. Shared inside uns/ only; everything here is under the tree's lock.
 *
 *     tag id --> uns__tag (64 bytes, hot: value, time, quality, state)   and   uns__cold (source, unit, range)
 *                  |  node, source                                              |  strings by name id
 *                  v                                                            v
 *     uns__node (24 bytes): name, parent, tag, folder                       names: each distinct string once
 *                  |
 *                  v
 *     uns__folder: children sorted by name, counts of the tags below (so a folder's state is known without a walk)
 *
 * Invariants between calls:
 * (1) node 1 is the root of the UNS view, node 2 that of the source view; both are folders for ever;
 * (2) every other node has a tag, or children, or both: empty folders are removed;
 * (3) every tag has a source node; node 0 as its UNS node means quarantined (no path, or another tag owns it);
 * (4) the counts of a folder are the sums over its children's and their own tags;
 * (5) children [0, sorted) of a folder are in order; folders with sorted < n are on the dirty list. */
#ifndef UNS_INTERNAL_H
#define UNS_INTERNAL_H
#include "uns/uns.h"

#include <pthread.h>

enum {
    UNS__SOURCE_MAX = 4096,                /* bytes of a path below _source, final NUL included */
    UNS__PATH_ROOM = UNS__SOURCE_MAX + 16, /* bytes of any path, "_source/" included */
    UNS__CHUNK = 256,                      /* tags or nodes allocated at once */
    UNS__TAGS_MAX = 16u << 20,
    UNS__ROOT = 1,
    UNS__SOURCE_ROOT = 2
};

/* ---- names.c: interned strings; an id is for ever, 0 is the empty string ---- */
typedef struct uns__name {
    const char *ptr;
    uint32_t len, hash;
} uns__name;
typedef struct uns__block uns__block;
typedef struct uns__names {
    uns__name *items; /* [1, count] */
    uint32_t count, cap;
    uint32_t *slots; /* hash table of ids; 0 is free; n_slots is a power of two */
    uint32_t n_slots;
    uns__block *blocks; /* where the bytes are */
    size_t room;        /* free bytes at the end of the newest block */
} uns__names;
void uns__names_fini(uns__names *n);
PT_MUST_CHECK pt_status uns__names_add(uns__names *n, pt_slice text, uint32_t *id);
bool uns__names_find(const uns__names *n, pt_slice text, uint32_t *id);
static inline pt_slice uns__name_view(const uns__names *n, uint32_t id)
{
    return id ? (pt_slice){ n->items[id].ptr, n->items[id].len } : (pt_slice){ "", 0 };
}

/* ---- nodes ---- */
typedef struct uns__folder {
    uint32_t *kids;
    uint32_t n, cap, sorted;
    uint32_t visible_kids;               /* children with a visible tag at or below them */
    uint32_t tags, visible, live, stale; /* tags below (this node's own not included) */
} uns__folder;

typedef struct uns__node {
    uint32_t name, parent;
    uint32_t tag;        /* 0: none */
    uint32_t next_dirty; /* 0: not on the list of folders to sort */
    uns__folder *folder; /* NULL: no children */
} uns__node;

/* ---- tags ---- */
enum {
    UNS__USED = 1u << 0,
    UNS__HAS_VALUE = 1u << 1,
    UNS__IS_NULL = 1u << 2,
    UNS__CLAMPED = 1u << 3,
    UNS__HIDDEN = 1u << 4,
    UNS__WRITABLE = 1u << 5,
    UNS__THERE = 1u << 6 /* in the newest birth of a source that is on line */
};

typedef struct uns__tag {
    int64_t time_ms, stale_since_ms;
    uint64_t change;
    union {
        uint64_t bits; /* scalars, as in spb_value.as */
        char *bytes;   /* owned; cap > 0 */
    } v;
    uint32_t len, cap; /* cap > 0: v.bytes is ours, whatever the present value's type */
    uint32_t node, source;
    uint8_t def_type, type, quality, state, flags, cls, last_quality;
    uint8_t reserved[9];
} uns__tag;
_Static_assert(sizeof(uns__tag) == 64, "a tag's hot part is one cache line");

typedef struct uns__cold {
    uint32_t group, edge, device, metric, unit, description; /* names */
    double eng_low, eng_high;
} uns__cold;

typedef struct uns__tags { /* one chunk; 64-byte aligned */
    uns__tag hot[UNS__CHUNK];
    uns__cold cold[UNS__CHUNK];
    uint64_t change; /* the newest among the tags here */
} uns__tags;

struct uns_tree {
    pthread_rwlock_t lock; /* guards everything below */
    uns__names names;
    uns__node **nodes;                 /* chunks of UNS__CHUNK */
    uint32_t n_nodes, cap_node_chunks; /* nodes ever made; ids below it are valid or on the free list */
    uint32_t free_node;                /* list through parent; 0: none */
    uint32_t used_nodes;               /* both views, roots included */
    uint32_t *kids;                    /* hash table (parent, name) -> node */
    uint32_t n_slots;
    uint32_t dirty;   /* first folder with unsorted children; the list ends with UINT32_MAX */
    uns__tags **tags; /* chunks; tag id / UNS__CHUNK */
    uint32_t n_tag_chunks;
    uint64_t change;
    uns_stats stats;
};

static inline uns__node *uns__node_at(const uns_tree *t, uint32_t id)
{
    return &t->nodes[id / UNS__CHUNK][id % UNS__CHUNK];
}
static inline uns__tags *uns__chunk_of(const uns_tree *t, uint32_t tag_id)
{
    uint32_t c = tag_id / UNS__CHUNK;
    return c < t->n_tag_chunks ? t->tags[c] : NULL;
}
/* NULL: never put. */
static inline uns__tag *uns__tag_at(const uns_tree *t, uint32_t tag_id)
{
    uns__tags *c = uns__chunk_of(t, tag_id);
    if (!c) return NULL;
    uns__tag *tag = &c->hot[tag_id % UNS__CHUNK];
    return tag->flags & UNS__USED ? tag : NULL;
}
static inline uns__cold *uns__cold_at(const uns_tree *t, uint32_t tag_id)
{
    return &t->tags[tag_id / UNS__CHUNK]->cold[tag_id % UNS__CHUNK];
}

/* ---- node.c ---- */
PT_MUST_CHECK pt_status uns__nodes_init(uns_tree *t);
void uns__nodes_fini(uns_tree *t);
/* The node at `path` below `root`, making what is missing. On failure nothing is left behind. */
PT_MUST_CHECK pt_status uns__node_make(uns_tree *t, uint32_t root, pt_slice path, uint32_t *out);
/* 0: none. */
uint32_t uns__node_find(const uns_tree *t, uint32_t root, pt_slice path);
uint32_t uns__node_child(const uns_tree *t, uint32_t parent, pt_slice name);
/* Remove the node and its ancestors as long as they are empty; roots stay. */
void uns__node_prune(uns_tree *t, uint32_t id);
/* Add `sign` (+1, -1) tag of this state and visibility to the counts of all folders above node `id`. */
void uns__node_count(uns_tree *t, uint32_t id, int sign, uns_state state, bool hidden);
/* A tag's change of state without a change of place. */
void uns__node_restate(uns_tree *t, uint32_t id, uns_state from, uns_state to);
int uns__node_order(const uns_tree *t, uint32_t a, uint32_t b); /* by name, bytewise: <0, 0, >0 */
/* Bring every folder's children in order. */
void uns__nodes_sort(uns_tree *t);
static inline bool uns__node_visible(const uns_tree *t, const uns__node *n)
{
    if (n->folder && n->folder->visible) return true;
    const uns__tag *tag = n->tag ? uns__tag_at(t, n->tag) : NULL;
    return tag && !(tag->flags & UNS__HIDDEN);
}

/* ---- read.c ---- */
/* Write the node's path so that it ends at `end`, which has UNS__PATH_ROOM bytes before it; returns the length. */
size_t uns__node_path(const uns_tree *t, uint32_t id, char *end);
void uns__tag_view_of(const uns_tree *t, uint32_t tag_id, pt_slice path, uns_tag_view *v);
void uns__tag_show(const uns_tree *t, uint32_t tag_id, void (*see)(void *ctx, const uns_tag_view *v), void *ctx);
/* The node of a path of either view; 0: none. */
uint32_t uns__find(const uns_tree *t, pt_slice path);
/* Lock for reading with all children in order. */
void uns__lock_sorted(uns_tree *t);

/* ---- path.c ---- */
/* `to` has room for escaped.len bytes; returns the length. Anything that is no escape is kept as it is. */
size_t uns__unescape(pt_slice escaped, char *to);
/* Path of the source below "_source"; buf has UNS__SOURCE_MAX bytes. PT_ETOOBIG: ids too long. */
PT_MUST_CHECK pt_status uns__path_source(const uns_tag_def *def, char *buf, size_t *len);
bool uns__is_plumbing(pt_slice device, pt_slice metric);

/* "_source" or below it. */
static inline bool uns__path_is_source(pt_slice path)
{
    static const char word[] = "_source";
    size_t n = sizeof word - 1;
    return path.len >= n && memcmp(path.ptr, word, n) == 0 && (path.len == n || path.ptr[n] == '/');
}

/* Values of this type own bytes. */
static inline bool uns__type_has_bytes(uint8_t type)
{
    return type == SPB_STRING || (type >= SPB_TEXT && type <= SPB_TEMPLATE) || (type >= SPB_INT8_ARRAY && type < SPB_DATATYPE_COUNT);
}
#endif
