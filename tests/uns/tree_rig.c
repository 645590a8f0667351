/* tests/uns/tree_rig.c */
#include "tests/uns/tree_rig.h"

uns_tree *tree;

void open_tree(void)
{
    tree = NULL;
    CHECK_OK_FATAL(uns_tree_new(&tree));
}

void close_tree(void)
{
    uns_tree_free(tree);
    tree = NULL;
}

uns_tag_def def_of(uint32_t id, const char *path, const char *device, const char *metric)
{
    return (uns_tag_def){ .tag_id = id,
                          .path = pt_cstr(path),
                          .group = PT_LIT("G"),
                          .edge = PT_LIT("E"),
                          .device = pt_cstr(device),
                          .metric = pt_cstr(metric),
                          .type = SPB_DOUBLE };
}

pt_status put(uint32_t id, const char *path, const char *device, const char *metric)
{
    uns_tag_def d = def_of(id, path, device, metric);
    return uns_tag_put(tree, &d);
}

void apply_double(uint32_t id, double v, int64_t at, spb_quality q)
{
    uns_update u = { .tag_id = id, .quality = q, .time_ms = at, .value = { .type = SPB_DOUBLE, .as.f64 = v } };
    uns_apply(tree, &u, 1);
}

void apply_text(uint32_t id, pt_slice text, int64_t at)
{
    uns_update u = { .tag_id = id, .time_ms = at, .value = { .type = SPB_STRING, .as.bytes = text } };
    uns_apply(tree, &u, 1);
}

pt_slice copy_slice(char *to, size_t cap, pt_slice s)
{
    size_t n = s.len < cap ? s.len : cap;
    if (n) memcpy(to, s.ptr, n);
    return pt_slice_of(to, n);
}

void copy_view(void *ctx, const uns_tag_view *v)
{
    copy *c = ctx;
    c->seen = true;
    c->v = *v;
    c->v.def.path = copy_slice(c->path, sizeof c->path, v->def.path);
    c->v.def.metric = copy_slice(c->metric, sizeof c->metric, v->def.metric);
    c->v.def.unit = copy_slice(c->unit, sizeof c->unit, v->def.unit);
    if (v->value.type == SPB_STRING && !v->value.is_null) c->v.value.as.bytes = copy_slice(c->text, sizeof c->text, v->value.as.bytes);
}

const uns_tag_view *at_path(const char *path)
{
    static copy c;
    c.seen = false;
    pt_status st = uns_read(tree, pt_cstr(path), copy_view, &c);
    CHECK(st == (c.seen ? PT_OK : PT_ENOTFOUND));
    return c.seen ? &c.v : NULL;
}

const uns_tag_view *by_id(uint32_t id)
{
    static copy c;
    c.seen = false;
    CHECK_OK_FATAL(uns_read_id(tree, id, copy_view, &c));
    return &c.v;
}

uns_stats stats(void)
{
    uns_stats s;
    uns_stats_get(tree, &s);
    return s;
}

bool list_node(void *ctx, const uns_node_view *v)
{
    pt_buf *b = ctx;
    pt_buf_printf(b, "%.*s(%s,%s,%u)\n", PT_SLICE_ARGS(v->path), v->kind, uns_state_name(v->state), v->children);
    return true;
}

void check_list(const char *path, uint32_t depth, bool hidden, const char *want)
{
    pt_buf b;
    pt_buf_init(&b, 1 << 20);
    CHECK_OK(uns_children(tree, pt_cstr(path), depth, hidden, list_node, &b));
    CHECK_STR(pt_buf_view(&b), want);
    pt_buf_fini(&b);
}
