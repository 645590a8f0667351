/* host/query/extent.c -- one walk over the catalogue. */
#include "host/query/extent.h"

#include "base/buf.h"

#include <string.h>

typedef struct walking {
    query_extent *e;
    const query_scope *scope;
    bool hidden;
    pt_buf text;
    pt_status status;
} walking;

/* The path, and every one above that is not known yet; each is a child of the one above it. */
static pt_status add_path(query_extent *e, pt_slice path)
{
    uint64_t count = 0;
    if (pt_map_get(&e->tree, path, &count)) return PT_OK;
    pt_status st = pt_map_put(&e->tree, path, 0, NULL);
    for (size_t len = path.len; st == PT_OK && len > 0; len--) {
        if (path.ptr[len - 1] != '/') continue;
        pt_slice folder = pt_slice_of(path.ptr, len - 1);
        bool known = pt_map_get(&e->tree, folder, &count);
        st = pt_map_put(&e->tree, folder, known ? count + 1 : 1, NULL);
        if (known) break;
    }
    return st;
}

static bool one_tag(void *ctx, const hist_tag *tag)
{
    walking *w = ctx;
    if (!query_sees(w->scope, tag->path)) return true;
    bool plumbing = memmem(tag->path.ptr, tag->path.len, "_sparkplug/", 11) != NULL;
    w->status = plumbing && !w->hidden ? PT_OK : add_path(w->e, tag->path);
    if (w->status == PT_OK && tag->key.edge.len) {
        pt_buf_reset(&w->text);
        pt_buf_slice(&w->text, tag->key.group);
        pt_buf_char(&w->text, '/');
        pt_buf_slice(&w->text, tag->key.edge);
        w->status = pt_buf_status(&w->text);
        if (w->status == PT_OK) w->status = pt_map_put(&w->e->nodes, pt_buf_view(&w->text), 1, NULL);
    }
    return w->status == PT_OK;
}

pt_status query_extent_init(query_extent *e, const query_source *src, const query_scope *scope, bool hidden)
{
    walking w = { .e = e, .scope = scope, .hidden = hidden, .status = PT_OK };
    *e = (query_extent){ .everything = query_is_everything(scope) };
    pt_map_init(&e->tree, PT_MAP_COPY_KEYS);
    pt_map_init(&e->nodes, PT_MAP_COPY_KEYS);
    if (e->everything) return PT_OK;
    pt_buf_init(&w.text, 1u << 20);
    pt_status st = hist_tag_each(src->history, one_tag, &w);
    pt_buf_fini(&w.text);
    return st == PT_OK ? w.status : st;
}

void query_extent_fini(query_extent *e)
{
    pt_map_fini(&e->tree);
    pt_map_fini(&e->nodes);
}

static bool has(const pt_map *m, pt_slice key)
{
    uint64_t any;
    return pt_map_get(m, key, &any);
}

bool query_extent_has_path(const query_extent *e, pt_slice path, uint32_t *children)
{
    uint64_t count = 0;
    if (e->everything) return true;
    if (!pt_map_get(&e->tree, path, &count)) return false;
    *children = (uint32_t)count;
    return true;
}

bool query_extent_has_node(const query_extent *e, pt_slice node)
{
    return e->everything || has(&e->nodes, node);
}
