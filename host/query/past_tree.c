/* host/query/past_tree.c -- the tree as of a past time: a tree of its own, filled from the path intervals and the qualities of then. */
#include "host/query/past_tree.h"

#include "base/map.h"

#include <stdlib.h>
#include <string.h>

typedef struct past {
    const query_source *src;
    uns_tree *tree;
    int64_t at_ms;
    pt_slice below;    /* states are wanted of tags below this path only */
    pt_map units;      /* GROUP NUL EDGE NUL DEVICE -> 1: a tag of it was live, or, without a device, one of a device of the node */
    uint32_t *unknown; /* tags of whose state history says nothing: that of their unit */
    pt_map asked;      /* GROUP NUL EDGE NUL -> 1: the nodes of those */
    size_t n_unknown, cap_unknown;
    pt_status status;
    pt_error err;
} past;

static void see_class(void *ctx, const uns_tag_view *v)
{
    uns_tag_def *d = ctx;
    d->cls = v->def.cls;
    d->hidden = v->def.hidden;
}

static pt_status unit_key(const hist_tag_key *k, pt_buf *key)
{
    pt_buf_slice(key, k->group);
    pt_buf_char(key, '\0');
    pt_buf_slice(key, k->edge);
    pt_buf_char(key, '\0');
    pt_buf_slice(key, k->device);
    return pt_buf_status(key);
}

static pt_status put_unit(pt_map *units, const hist_tag_key *k)
{
    pt_buf key;
    pt_buf_init(&key, 4096);
    pt_status st = unit_key(k, &key);
    if (st == PT_OK) st = pt_map_put(units, pt_buf_view(&key), 1, NULL);
    pt_buf_fini(&key);
    return st;
}

static bool has_unit(const pt_map *units, const hist_tag_key *k)
{
    pt_buf key;
    uint64_t any;
    pt_buf_init(&key, 4096);
    bool has = unit_key(k, &key) == PT_OK && pt_map_get(units, pt_buf_view(&key), &any);
    pt_buf_fini(&key);
    return has;
}

static pt_status unit_was_live(past *p, const hist_tag_key *k)
{
    pt_status st = put_unit(&p->units, k);
    if (st == PT_OK && k->device.len)
        st = put_unit(&p->units, &(hist_tag_key){ .group = k->group, .edge = k->edge }); /* where a device lives, its node does */
    return st;
}

static void was_live(past *p, uint32_t id)
{
    uns_update u = { .tag_id = id, .quality = SPB_GOOD, .time_ms = p->at_ms, .value = { .type = SPB_BOOLEAN, .is_null = true } };
    uns_apply(p->tree, &u, 1);
}

static bool is_below(pt_slice path, pt_slice top)
{
    return top.len == 0 || pt_slice_starts(top, PT_LIT("_source")) ||
           (pt_slice_starts(path, top) && (path.len == top.len || path.ptr[top.len] == '/'));
}

static bool past_tag(void *ctx, const hist_tag *tag)
{
    past *p = ctx;
    if (!is_below(tag->path, p->below)) return true;
    uns_tag_def def = { .tag_id = tag->tag_id,
                        .path = tag->path,
                        .group = tag->key.group,
                        .edge = tag->key.edge,
                        .device = tag->key.device,
                        .metric = tag->key.metric,
                        .type = tag->type,
                        .unit = tag->unit,
                        .hidden = memmem(tag->path.ptr, tag->path.len, "/_sparkplug/", 12) != NULL };
    pt_status st = p->src->tree ? uns_read_id(p->src->tree, tag->tag_id, see_class, &def)
                                : PT_ENOTFOUND; /* a tag that is no more: as if no rule had given it a class */
    if (st == PT_OK || st == PT_ENOTFOUND) st = uns_tag_put(p->tree, &def);
    if (st == PT_EEXISTS) return true; /* two tags of one path: the second is in the source view, as it was then */
    spb_quality q = SPB_STALE;
    if (st == PT_OK) st = hist_state_at(p->src->history, hist_of_tag(tag->tag_id), p->at_ms, &q, &p->err);
    if (st == PT_EEMPTY) {
        if (p->n_unknown == p->cap_unknown) {
            size_t cap = p->cap_unknown ? p->cap_unknown * 2 : 256;
            uint32_t *grown = realloc(p->unknown, cap * sizeof *grown);
            if (!grown) {
                p->status = PT_ENOMEM;
                return false;
            }
            p->unknown = grown;
            p->cap_unknown = cap;
        }
        p->unknown[p->n_unknown++] = tag->tag_id;
        p->status = put_unit(&p->asked, &(hist_tag_key){ .group = tag->key.group, .edge = tag->key.edge });
        return p->status == PT_OK;
    }
    if (st == PT_OK && q != SPB_STALE) {
        was_live(p, tag->tag_id);
        st = unit_was_live(p, &tag->key);
    }
    p->status = st;
    return st == PT_OK;
}

/* Tags that are not to be shown, of the nodes whose state is asked. */
static bool other_tag(void *ctx, const hist_tag *tag)
{
    past *p = ctx;
    if (is_below(tag->path, p->below) || !has_unit(&p->asked, &(hist_tag_key){ .group = tag->key.group, .edge = tag->key.edge }) ||
        has_unit(&p->units, &tag->key))
        return true;
    spb_quality q = SPB_STALE;
    pt_status st = hist_state_at(p->src->history, hist_of_tag(tag->tag_id), p->at_ms, &q, &p->err);
    if (st == PT_OK && q != SPB_STALE) st = unit_was_live(p, &tag->key);
    p->status = st == PT_EEMPTY ? PT_OK : st;
    return p->status == PT_OK;
}

typedef struct unit_of {
    past *p;
    bool live;
} unit_of;

static void see_unit(void *ctx, const uns_tag_view *v)
{
    unit_of *u = ctx;
    u->live = has_unit(&u->p->units, &(hist_tag_key){ .group = v->def.group, .edge = v->def.edge, .device = v->def.device });
}

static pt_status past_tree(past *p)
{
    pt_map_init(&p->units, PT_MAP_COPY_KEYS);
    pt_map_init(&p->asked, PT_MAP_COPY_KEYS);
    pt_status st = uns_tree_new(&p->tree);
    if (st == PT_OK) st = hist_tags_at(p->src->history, p->at_ms, past_tag, p, &p->err);
    if (st == PT_OK) st = p->status;
    if (st == PT_OK && p->n_unknown) st = hist_tags_at(p->src->history, p->at_ms, other_tag, p, &p->err);
    if (st == PT_OK) st = p->status;
    for (size_t i = 0; st == PT_OK && i < p->n_unknown; i++) {
        unit_of u = { p, false };
        st = uns_read_id(p->tree, p->unknown[i], see_unit, &u);
        if (st == PT_OK && u.live) was_live(p, p->unknown[i]);
    }
    pt_map_fini(&p->units);
    pt_map_fini(&p->asked);
    free(p->unknown);
    return st;
}

pt_status query__past_tree(const query_source *src, int64_t at_ms, pt_slice below, uns_tree **out, pt_error *err)
{
    past p = { .src = src, .at_ms = at_ms, .below = below, .err = { 0, "" } };
    pt_status st = past_tree(&p);
    *out = p.tree;
    if (st == PT_OK) return st;
    uns_tree_free(p.tree);
    *out = NULL;
    return pt_fail(err, st, "%s", p.err.text[0] ? p.err.text : pt_status_name(st));
}
