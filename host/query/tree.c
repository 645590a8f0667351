/* host/query/tree.c -- nodes of the tree, now or as of a past time. */
#include "base/csv.h"
#include "host/query/extent.h"
#include "host/query/past_tree.h"
#include "host/query/run.h"

typedef struct tree_run {
    query_run run;
    query_tree q;   /* its path is the arena's */
    uns_tree *past; /* owned; NULL: now */
    query_extent extent;
    pt_buf *out;
    pt_status status;
} tree_run;

static void node_json(pt_json *j, const void *row, bool int64_string)
{
    const uns_node_view *v = row;
    (void)int64_string;
    pt_json_object(j);
    pt_json_member_str(j, "path", v->path);
    pt_json_member_str(j, "name", v->name);
    pt_json_member_cstr(j, "kind", v->kind);
    pt_json_member_cstr(j, "class", uns_class_name(v->cls));
    pt_json_member_cstr(j, "state", uns_state_name(v->state));
    pt_json_member_u64(j, "children", v->children);
    if (v->tag_id) pt_json_member_u64(j, "tag_id", v->tag_id);
    else pt_json_member_null(j, "tag_id");
    pt_json_end_object(j);
}

static void node_cells(pt_buf *out, const void *row)
{
    const uns_node_view *v = row;
    pt_csv_field(out, &pt_csv_rfc4180, v->path);
    pt_buf_char(out, ',');
    pt_csv_field(out, &pt_csv_rfc4180, v->name);
    pt_buf_printf(out, ",%s,%s,%s,%u,", v->kind, uns_class_name(v->cls), uns_state_name(v->state), v->children);
    if (v->tag_id) pt_buf_printf(out, "%u", v->tag_id);
}

static const query_record record = { node_json, node_cells, "path,name,kind,class,state,children,tag_id" };

static bool one_node(void *ctx, const uns_node_view *v)
{
    tree_run *r = ctx;
    uns_node_view seen = *v;
    if (!query_extent_has_path(&r->extent, v->path, &seen.children)) return true;
    if (v->tag_id && !query_sees(&r->run.scope, v->path)) { /* above what may be seen: a folder, whatever it is besides */
        seen.tag_id = 0;
        seen.kind = "folder";
    }
    r->status = query_sink_record(r->run.sink, r->out, &seen);
    return r->status == PT_OK;
}

static pt_status step_tree(query_run *run, pt_buf *out, pt_error *err)
{
    tree_run *r = (tree_run *)run;
    r->out = out;
    query_sink_list(run->sink, out, &record);
    pt_status st = uns_children(r->past ? r->past : run->src.tree, r->q.path, r->q.depth, r->q.hidden, one_node, r);
    if (st == PT_ENOTFOUND) st = PT_OK; /* gone since open, or an empty root */
    if (st == PT_OK) st = r->status;
    if (st != PT_OK) return pt_fail(err, st, "the tree is too large for one answer");
    query_sink_list_end(run->sink, out);
    return PT_ECLOSED;
}

static void free_tree(query_run *run)
{
    tree_run *r = (tree_run *)run;
    uns_tree_free(r->past);
    query_extent_fini(&r->extent);
}

static bool nothing(void *ctx, const uns_node_view *v)
{
    (void)ctx;
    (void)v;
    return false;
}

/* Is there something at that path, for this scope? The source view belongs to those who see everything. */
static pt_status look(tree_run *r, pt_error *err)
{
    uint32_t children = 0;
    pt_slice path = r->q.path;
    uns_tree *tree = r->past ? r->past : r->run.src.tree;
    if (!tree) return pt_fail(err, PT_ESTATE, "the tree of now is a running host's; give a time");
    pt_status st = uns_children(tree, path, 1, r->q.hidden, nothing, NULL);
    if (st == PT_OK && path.len && !query_extent_has_path(&r->extent, path, &children)) st = PT_ENOTFOUND;
    if (st != PT_ENOTFOUND || path.len == 0) return PT_OK;
    return pt_fail(err, PT_ENOTFOUND, "there %s nothing at %.*s", r->past ? "was" : "is", PT_SLICE_ARGS(path));
}

static pt_status prepare(tree_run *r, const query_tree *q, pt_error *err)
{
    pt_slice path = q->path;
    while (path.len && path.ptr[path.len - 1] == '/')
        path.len--;
    r->q = *q;
    if (r->q.depth == 0) r->q.depth = 1;
    r->q.path = path.len ? pt_arena_dup(&r->run.arena, path) : PT_LIT("");
    if (!r->q.path.ptr) return pt_fail(err, PT_ENOMEM, "out of memory");
    if (q->at_ms > pt_wall_ms(r->run.src.clock)) return pt_fail(err, PT_EINVAL, "at lies in the future");
    pt_status st = query_extent_init(&r->extent, &r->run.src, &r->run.scope, q->hidden);
    if (st != PT_OK) return pt_fail(err, st, "out of memory");
    if (q->at_ms != INT64_MIN) st = query__past_tree(&r->run.src, q->at_ms, r->q.path, &r->past, err);
    return st == PT_OK ? look(r, err) : st;
}

pt_status query_tree_open(const query_source *src, const query_scope *scope, const query_tree *q, query_sink *sink, query_run **out,
                          pt_error *err)
{
    tree_run *r = (tree_run *)query__run_new(sizeof *r, src, scope, sink);
    *out = NULL;
    if (!r) return pt_fail(err, PT_ENOMEM, "out of memory");
    r->run.step = step_tree;
    r->run.free = free_tree;
    r->extent = (query_extent){ .everything = true };
    pt_status st = prepare(r, q, err);
    if (st != PT_OK) query_close(&r->run);
    else *out = &r->run;
    return st;
}
