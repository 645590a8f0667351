/* uns/read.c -- looking at the tree: one tag, children, changes. Selection by glob is in select.c. */
#include "uns/internal.h"

#include <stdlib.h>

size_t uns__node_path(const uns_tree *t, uint32_t id, char *end)
{
    char *at = end;
    while (id > UNS__SOURCE_ROOT) {
        const uns__node *n = uns__node_at(t, id);
        pt_slice name = uns__name_view(&t->names, n->name);
        at -= name.len;
        memcpy(at, name.ptr, name.len);
        *--at = '/';
        id = n->parent;
    }
    if (id == UNS__SOURCE_ROOT) {
        at -= sizeof "_source" - 1;
        memcpy(at, "_source", sizeof "_source" - 1);
    } else if (at < end) {
        at++; /* no leading '/' */
    }
    return (size_t)(end - at);
}

void uns__tag_view_of(const uns_tree *t, uint32_t tag_id, pt_slice path, uns_tag_view *v)
{
    const uns__tag *tag = uns__tag_at(t, tag_id);
    const uns__cold *c = uns__cold_at(t, tag_id);
    const uns__names *names = &t->names;
    *v = (uns_tag_view){
        .def = { .tag_id = tag_id,
                 .path = path,
                 .group = uns__name_view(names, c->group),
                 .edge = uns__name_view(names, c->edge),
                 .device = uns__name_view(names, c->device),
                 .metric = uns__name_view(names, c->metric),
                 .type = (spb_datatype)tag->def_type,
                 .unit = uns__name_view(names, c->unit),
                 .description = uns__name_view(names, c->description),
                 .eng_low = c->eng_low,
                 .eng_high = c->eng_high,
                 .writable = (tag->flags & UNS__WRITABLE) != 0,
                 .cls = (uns_class)tag->cls,
                 .hidden = (tag->flags & UNS__HIDDEN) != 0,
                 .there = (tag->flags & UNS__THERE) != 0 },
        .state = (uns_state)tag->state,
        .has_value = (tag->flags & UNS__HAS_VALUE) != 0,
        .value = { .type = tag->def_type, .is_null = true },
        .quality = (spb_quality)tag->quality,
        .last_quality = (spb_quality)tag->last_quality,
        .time_ms = tag->time_ms,
        .stale_since_ms = tag->stale_since_ms,
        .change = tag->change,
    };
    if (!v->has_value) return;
    v->value.type = tag->type;
    v->value.is_null = (tag->flags & UNS__IS_NULL) != 0;
    v->value.clamped = (tag->flags & UNS__CLAMPED) != 0;
    if (v->value.is_null) return;
    if (uns__type_has_bytes(tag->type)) v->value.as.bytes = pt_slice_of(tag->v.bytes, tag->len);
    else memcpy(&v->value.as, &tag->v.bits, sizeof tag->v.bits);
}

void uns__tag_show(const uns_tree *t, uint32_t tag_id, void (*see)(void *ctx, const uns_tag_view *v), void *ctx)
{
    char buf[UNS__PATH_ROOM];
    const uns__tag *tag = uns__tag_at(t, tag_id);
    uns_tag_view v;
    size_t n = uns__node_path(t, tag->node ? tag->node : tag->source, buf + sizeof buf);
    uns__tag_view_of(t, tag_id, pt_slice_of(buf + sizeof buf - n, n), &v);
    see(ctx, &v);
}

uint32_t uns__find(const uns_tree *t, pt_slice path)
{
    if (!uns__path_is_source(path)) return uns__node_find(t, UNS__ROOT, path);
    size_t skip = sizeof "_source" - 1;
    if (path.len > skip) skip++;
    return uns__node_find(t, UNS__SOURCE_ROOT, pt_slice_from(path, skip));
}

pt_status uns_read(uns_tree *t, pt_slice path, void (*see)(void *ctx, const uns_tag_view *v), void *ctx)
{
    (void)pthread_rwlock_rdlock(&t->lock);
    uint32_t id = uns__find(t, path);
    uint32_t tag = id ? uns__node_at(t, id)->tag : 0;
    if (tag) uns__tag_show(t, tag, see, ctx);
    (void)pthread_rwlock_unlock(&t->lock);
    return tag ? PT_OK : PT_ENOTFOUND;
}

pt_status uns_read_id(uns_tree *t, uint32_t tag_id, void (*see)(void *ctx, const uns_tag_view *v), void *ctx)
{
    (void)pthread_rwlock_rdlock(&t->lock);
    bool found = uns__tag_at(t, tag_id) != NULL;
    if (found) uns__tag_show(t, tag_id, see, ctx);
    (void)pthread_rwlock_unlock(&t->lock);
    return found ? PT_OK : PT_ENOTFOUND;
}

uint64_t uns_changes(uns_tree *t, uint64_t since, void (*see)(void *ctx, const uns_tag_view *v), void *ctx)
{
    (void)pthread_rwlock_rdlock(&t->lock);
    uint64_t now = t->change;
    for (uint32_t c = 0; now > since && c < t->n_tag_chunks; c++) {
        if (!t->tags[c] || t->tags[c]->change <= since) continue;
        for (uint32_t i = 0; i < UNS__CHUNK; i++) {
            if (t->tags[c]->hot[i].change > since) uns__tag_show(t, c * UNS__CHUNK + i, see, ctx);
        }
    }
    (void)pthread_rwlock_unlock(&t->lock);
    return now;
}

void uns__lock_sorted(uns_tree *t)
{
    (void)pthread_rwlock_rdlock(&t->lock);
    if (t->dirty == UINT32_MAX) return;
    (void)pthread_rwlock_unlock(&t->lock);
    (void)pthread_rwlock_wrlock(&t->lock); /* a birth came by: sort, and look under the same lock */
    uns__nodes_sort(t);
}

/* ---- children ---- */

typedef struct listing {
    const uns_tree *t;
    uint32_t depth;
    bool hidden, source, go;
    bool (*see)(void *ctx, const uns_node_view *v);
    void *ctx;
    size_t len;
    char path[UNS__PATH_ROOM], name[UNS__PATH_ROOM];
} listing;

static void describe(listing *l, const uns__node *n, pt_slice name, uns_node_view *v)
{
    const uns__folder *f = n->folder;
    const uns__tag *tag = n->tag ? uns__tag_at(l->t, n->tag) : NULL;
    *v = (uns_node_view){ .path = { l->path, l->len }, .kind = tag ? "tag" : "folder", .tag_id = n->tag };
    v->name = pt_slice_of(l->name, uns__unescape(name, l->name));
    v->cls = l->source ? UNS_EDGE : tag ? (uns_class)tag->cls : UNS_FUNCTIONAL;
    if (tag) v->state = (uns_state)tag->state;
    else v->state = f->live ? UNS_LIVE : f->stale ? UNS_STALE_STATE : UNS_ABSENT;
    if (f) v->children = l->hidden ? f->n : f->visible_kids;
}

static void list_below(listing *l, uint32_t id, uint32_t depth)
{
    const uns__folder *f = uns__node_at(l->t, id)->folder;
    size_t mark = l->len;
    for (uint32_t i = 0; f && l->go && i < f->n; i++) {
        const uns__node *n = uns__node_at(l->t, f->kids[i]);
        uns_node_view v;
        if (!l->hidden && !uns__node_visible(l->t, n)) continue;
        pt_slice name = uns__name_view(&l->t->names, n->name);
        if (mark) l->path[l->len++] = '/';
        memcpy(l->path + l->len, name.ptr, name.len);
        l->len += name.len;
        describe(l, n, name, &v);
        l->go = l->see(l->ctx, &v);
        if (l->go && depth > 1) list_below(l, f->kids[i], depth - 1);
        l->len = mark;
    }
}

pt_status uns_children(uns_tree *t, pt_slice path, uint32_t depth, bool hidden, bool (*see)(void *ctx, const uns_node_view *v), void *ctx)
{
    listing *l = malloc(sizeof *l);
    if (!l) return PT_ENOMEM;
    uns__lock_sorted(t);
    uint32_t id = uns__find(t, path);
    if (id) {
        *l = (listing){ .t = t, .hidden = hidden, .source = uns__path_is_source(path), .go = true, .see = see, .ctx = ctx };
        l->len = path.len;
        if (path.len) memcpy(l->path, path.ptr, path.len); /* it was found: no longer than a path can be */
        if (depth) list_below(l, id, depth);
    }
    (void)pthread_rwlock_unlock(&t->lock);
    free(l);
    return id ? PT_OK : PT_ENOTFOUND;
}
