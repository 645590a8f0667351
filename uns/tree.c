/* uns/tree.c -- the tree's life, tags put into it, and the current values that stream through it. */
#include "uns/internal.h"

#include <stdlib.h>

const char *uns_class_name(uns_class c)
{
    static const char *const names[] = { "functional", "informative", "descriptive", "edge", "adhoc" };
    return (unsigned)c < PT_COUNT_OF(names) ? names[c] : "functional";
}

const char *uns_state_name(uns_state s)
{
    static const char *const names[] = { "live", "stale", "absent", "archived" };
    return (unsigned)s < PT_COUNT_OF(names) ? names[s] : "stale";
}

pt_status uns_tree_new(uns_tree **out)
{
    pthread_rwlockattr_t attr;
    uns_tree *t = calloc(1, sizeof *t);
    if (!t) return PT_ENOMEM;
    if (pthread_rwlockattr_init(&attr) != 0) {
        free(t);
        return PT_ENOMEM;
    }
    /* Readers come in crowds; without this the ingest threads would wait for the last of them. */
    int rc = pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    if (rc == 0) rc = pthread_rwlock_init(&t->lock, &attr);
    (void)pthread_rwlockattr_destroy(&attr);
    if (rc != 0) {
        free(t);
        return PT_ENOMEM;
    }
    pt_status st = uns__nodes_init(t);
    if (st) {
        uns_tree_free(t);
        return st;
    }
    *out = t;
    return PT_OK;
}

void uns_tree_free(uns_tree *t)
{
    if (!t) return;
    for (uint32_t c = 0; c < t->n_tag_chunks; c++) {
        for (uint32_t i = 0; t->tags[c] && i < UNS__CHUNK; i++) {
            if (t->tags[c]->hot[i].cap) free(t->tags[c]->hot[i].v.bytes);
        }
        free(t->tags[c]);
    }
    free(t->tags);
    uns__nodes_fini(t);
    uns__names_fini(&t->names);
    (void)pthread_rwlock_destroy(&t->lock);
    free(t);
}

/* ---- putting tags ---- */

static pt_status tag_slot(uns_tree *t, uint32_t tag_id, uns__tag **out)
{
    uint32_t c = tag_id / UNS__CHUNK;
    if (!tag_id) return PT_EINVAL;
    if (tag_id > UNS__TAGS_MAX) return PT_ETOOBIG;
    if (c >= t->n_tag_chunks) {
        uint32_t n = t->n_tag_chunks * 2 > c + 1 ? t->n_tag_chunks * 2 : c + 1;
        uns__tags **list = realloc(t->tags, n * sizeof(uns__tags *));
        if (!list) return PT_ENOMEM;
        memset(list + t->n_tag_chunks, 0, (n - t->n_tag_chunks) * sizeof(uns__tags *));
        t->tags = list;
        t->n_tag_chunks = n;
    }
    if (!t->tags[c]) {
        uns__tags *chunk = aligned_alloc(64, (sizeof *chunk + 63) / 64 * 64);
        if (!chunk) return PT_ENOMEM;
        memset(chunk, 0, sizeof *chunk);
        t->tags[c] = chunk;
    }
    *out = &t->tags[c]->hot[tag_id % UNS__CHUNK];
    return PT_OK;
}

static pt_status intern_all(uns_tree *t, const uns_tag_def *d, uns__cold *c)
{
    pt_status st = uns__names_add(&t->names, d->group, &c->group);
    if (!st) st = uns__names_add(&t->names, d->edge, &c->edge);
    if (!st) st = uns__names_add(&t->names, d->device, &c->device);
    if (!st) st = uns__names_add(&t->names, d->metric, &c->metric);
    if (!st) st = uns__names_add(&t->names, d->unit, &c->unit);
    if (!st) st = uns__names_add(&t->names, d->description, &c->description);
    c->eng_low = d->eng_low;
    c->eng_high = d->eng_high;
    return st;
}

static bool path_ok(pt_slice path)
{
    pt_slice piece;
    unsigned depth = 0;
    if (path.len > UNS_PATH_MAX || uns__path_is_source(path)) return false;
    while (pt_slice_split(&path, '/', &piece)) {
        if (!piece.len || piece.len > UNS_SEGMENT_MAX || ++depth > UNS_DEPTH_MAX) return false;
    }
    return true;
}

static bool is_hidden(const uns__tag *tag)
{
    return (tag->flags & UNS__HIDDEN) != 0;
}

static void leave(uns_tree *t, uint32_t node, const uns__tag *tag)
{
    if (!node) return;
    uns__node_at(t, node)->tag = 0;
    uns__node_count(t, node, -1, (uns_state)tag->state, is_hidden(tag));
}

static void enter(uns_tree *t, uint32_t node, const uns__tag *tag, uint32_t tag_id)
{
    if (!node) return;
    uns__node_at(t, node)->tag = tag_id;
    uns__node_count(t, node, +1, (uns_state)tag->state, is_hidden(tag));
}

/* Give the tag its places and its visibility; old places that became empty go. */
static void settle(uns_tree *t, uns__tag *tag, uint32_t tag_id, uint32_t node, uint32_t source, bool hidden)
{
    uint32_t old_node = tag->node, old_source = tag->source;
    if (old_node == node && old_source == source && is_hidden(tag) == hidden) return;
    leave(t, old_node, tag);
    leave(t, old_source, tag);
    tag->flags = (uint8_t)((tag->flags & ~UNS__HIDDEN) | (hidden ? UNS__HIDDEN : 0));
    tag->node = node;
    tag->source = source;
    enter(t, node, tag, tag_id);
    enter(t, source, tag, tag_id);
    if (old_node != node) uns__node_prune(t, old_node);
    if (old_source != source) uns__node_prune(t, old_source);
}

static void touch(uns_tree *t, uns__tags *chunk, uns__tag *tag)
{
    tag->change = chunk->change = ++t->change;
}

static bool owned_by_another(const uns_tree *t, uint32_t node, uint32_t tag_id)
{
    uint32_t owner = uns__node_at(t, node)->tag;
    return owner && owner != tag_id;
}

static pt_status put_locked(uns_tree *t, const uns_tag_def *d, pt_slice source_path)
{
    uns__tag *tag;
    uns__cold cold;
    uint32_t node = 0, source;
    bool taken = false;
    pt_status st = tag_slot(t, d->tag_id, &tag);
    if (!st) st = intern_all(t, d, &cold);
    if (!st) st = uns__node_make(t, UNS__SOURCE_ROOT, source_path, &source);
    if (st) return st;
    if (owned_by_another(t, source, d->tag_id)) return PT_EINVAL; /* one source with two ids */
    if (d->path.len) {
        if ((st = uns__node_make(t, UNS__ROOT, d->path, &node)) != PT_OK) {
            uns__node_prune(t, source);
            return st;
        }
        taken = owned_by_another(t, node, d->tag_id);
        if (taken) node = 0;
    }

    /* From here on nothing fails. */
    bool is_new = !(tag->flags & UNS__USED);
    if (taken && (is_new || tag->node)) t->stats.collisions++;
    if (is_new) {
        *tag = (uns__tag){ .quality = SPB_STALE, .last_quality = SPB_STALE, .state = UNS_STALE_STATE, .flags = UNS__USED };
        t->stats.tags++;
    } else if (tag->def_type != d->type) {
        tag->flags &= (uint8_t) ~(UNS__HAS_VALUE | UNS__IS_NULL | UNS__CLAMPED);
        tag->len = 0;
    }
    tag->def_type = (uint8_t)d->type;
    tag->cls = (uint8_t)d->cls;
    tag->flags = (uint8_t)((tag->flags & ~UNS__WRITABLE) | (d->writable ? UNS__WRITABLE : 0) | (d->there ? UNS__THERE : 0));
    *uns__cold_at(t, d->tag_id) = cold;
    settle(t, tag, d->tag_id, node, source, d->hidden);
    touch(t, uns__chunk_of(t, d->tag_id), tag);
    return taken ? PT_EEXISTS : PT_OK;
}

pt_status uns_tag_put(uns_tree *t, const uns_tag_def *def)
{
    char source[UNS__SOURCE_MAX];
    size_t len;
    if (def->path.len && !path_ok(def->path)) return PT_EINVAL;
    pt_status st = uns__path_source(def, source, &len);
    if (st) return st;
    (void)pthread_rwlock_wrlock(&t->lock);
    st = put_locked(t, def, pt_slice_of(source, len));
    (void)pthread_rwlock_unlock(&t->lock);
    return st;
}

static pt_status place_locked(uns_tree *t, uint32_t tag_id, pt_slice path)
{
    uns__tag *tag = uns__tag_at(t, tag_id);
    uint32_t node = 0;
    if (!tag) return PT_ENOTFOUND;
    pt_status st = path.len ? uns__node_make(t, UNS__ROOT, path, &node) : PT_OK;
    if (st) return st;
    if (node && owned_by_another(t, node, tag_id)) return PT_EEXISTS;
    settle(t, tag, tag_id, node, tag->source, is_hidden(tag));
    touch(t, uns__chunk_of(t, tag_id), tag);
    return PT_OK;
}

pt_status uns_tag_place(uns_tree *t, uint32_t tag_id, pt_slice path)
{
    if (path.len && !path_ok(path)) return PT_EINVAL;
    (void)pthread_rwlock_wrlock(&t->lock);
    pt_status st = place_locked(t, tag_id, path);
    (void)pthread_rwlock_unlock(&t->lock);
    return st;
}

/* ---- values ---- */

static void set_state(uns_tree *t, uns__tag *tag, uns_state to)
{
    uns_state from = (uns_state)tag->state;
    tag->state = (uint8_t)to;
    if (tag->node) uns__node_restate(t, tag->node, from, to);
    uns__node_restate(t, tag->source, from, to);
}

/* Keep a copy of the bytes; false when they are too long or memory is short. A buffer much too large is given back. */
static bool copy_bytes(uns__tag *tag, pt_slice bytes)
{
    if (bytes.len > UNS_VALUE_MAX) return false;
    uint32_t need = (uint32_t)bytes.len;
    if (need > tag->cap || (tag->cap > 4096 && need < tag->cap / 4)) {
        uint32_t cap = (need + 15u) & ~15u;
        if (cap == 0) cap = 16;
        char *p = realloc(tag->cap ? tag->v.bytes : NULL, cap);
        if (!p) return false;
        tag->v.bytes = p;
        tag->cap = cap;
    }
    if (need) memcpy(tag->v.bytes, bytes.ptr, need);
    tag->len = need;
    return true;
}

static void drop_bytes(uns__tag *tag)
{
    if (tag->cap) free(tag->v.bytes);
    tag->cap = tag->len = 0;
}

static void apply_one(uns_tree *t, uns__tags *chunk, uns__tag *tag, const uns_update *u)
{
    uint8_t flags = tag->flags & (uint8_t) ~(UNS__IS_NULL | UNS__CLAMPED);
    uint8_t quality = (uint8_t)u->quality;
    flags |= UNS__HAS_VALUE;
    if (quality != SPB_STALE) flags |= UNS__THERE;
    if (u->value.clamped) flags |= UNS__CLAMPED;
    tag->type = u->value.type;
    if (u->value.is_null) {
        flags |= UNS__IS_NULL;
    } else if (!uns__type_has_bytes(u->value.type)) {
        if (tag->cap) drop_bytes(tag);
        memcpy(&tag->v.bits, &u->value.as, sizeof tag->v.bits);
    } else if (!copy_bytes(tag, u->value.as.bytes)) {
        t->stats.oversized++;
        flags |= UNS__IS_NULL;
        if (quality != SPB_STALE) quality = SPB_BAD;
    }
    tag->flags = flags;
    if (quality == SPB_STALE && tag->quality != SPB_STALE) tag->stale_since_ms = u->time_ms;
    tag->quality = tag->last_quality = quality;
    tag->time_ms = u->time_ms;
    uns_state to = quality == SPB_STALE ? UNS_STALE_STATE : UNS_LIVE;
    if (tag->state != to) set_state(t, tag, to);
    touch(t, chunk, tag);
}

void uns_apply(uns_tree *t, const uns_update *updates, size_t n)
{
    enum { AHEAD = 8 };
    (void)pthread_rwlock_wrlock(&t->lock);
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n) {
            const uns__tags *next = uns__chunk_of(t, updates[i + AHEAD].tag_id);
            if (next) __builtin_prefetch(&next->hot[updates[i + AHEAD].tag_id % UNS__CHUNK], 1);
        }
        uns__tags *chunk = uns__chunk_of(t, updates[i].tag_id);
        uns__tag *tag = chunk ? &chunk->hot[updates[i].tag_id % UNS__CHUNK] : NULL;
        if (tag && tag->flags & UNS__USED) apply_one(t, chunk, tag, &updates[i]);
        else t->stats.unknown++;
    }
    t->stats.updates += n;
    (void)pthread_rwlock_unlock(&t->lock);
}

static void age(uns_tree *t, const uint32_t *tag_ids, size_t n, int64_t at_ms, uns_state to)
{
    (void)pthread_rwlock_wrlock(&t->lock);
    for (size_t i = 0; i < n; i++) {
        uns__tag *tag = uns__tag_at(t, tag_ids[i]);
        if (!tag) {
            t->stats.unknown++;
            continue;
        }
        /* An absent tag stays absent when its node dies. */
        bool was_there = tag->flags & UNS__THERE;
        tag->flags &= (uint8_t)~UNS__THERE;
        bool fresh = was_there || tag->quality != SPB_STALE || (tag->stale_since_ms == 0 && !(tag->flags & UNS__HAS_VALUE));
        uns_state state = tag->state == UNS_ABSENT ? UNS_ABSENT : to;
        if (!fresh && tag->state == state) continue;
        if (fresh) tag->stale_since_ms = at_ms;
        tag->quality = SPB_STALE;
        if (tag->state != state) set_state(t, tag, state);
        touch(t, uns__chunk_of(t, tag_ids[i]), tag);
    }
    (void)pthread_rwlock_unlock(&t->lock);
}

void uns_stale(uns_tree *t, const uint32_t *tag_ids, size_t n, int64_t at_ms)
{
    age(t, tag_ids, n, at_ms, UNS_STALE_STATE);
}

void uns_absent(uns_tree *t, const uint32_t *tag_ids, size_t n, int64_t at_ms)
{
    age(t, tag_ids, n, at_ms, UNS_ABSENT);
}

void uns_stats_get(uns_tree *t, uns_stats *out)
{
    (void)pthread_rwlock_rdlock(&t->lock);
    const uns__folder *all = uns__node_at(t, UNS__SOURCE_ROOT)->folder; /* every tag has a source */
    *out = t->stats;
    out->live = all->live;
    out->stale = all->stale;
    out->absent = all->tags - all->live - all->stale;
    out->nodes = t->used_nodes - 2;
    (void)pthread_rwlock_unlock(&t->lock);
}
