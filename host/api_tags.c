/* host/api_tags.c -- the tree and current values. */
#include "host/api.h"

#include "base/glob.h"
#include <jansson.h>
#include <stdlib.h>

enum { VALUES_MAX = 5000 };

static bool tree_row(void *ctx, const uns_node_view *v)
{
    pt_json *j = ctx;
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
    return pt_buf_status(j->out) == PT_OK;
}

void api__tree(void *ctx, pt_http_request *rq)
{
    host_app *app = ctx;
    pt_slice path = pt_http_query(rq, "path");
    uint64_t depth = 1;
    bool hidden = false;
    pt_buf out;
    pt_json j;
    api__begin(rq);
    if (!api__number(rq, "depth", UNS_DEPTH_MAX, &depth) || !api__flag(rq, "hidden", &hidden)) return;
    if (pt_http_query(rq, "at").ptr) {
        pt_http_problem(rq, 400, "bad-request", "at: the tree as of a past time is not available in this version");
        return;
    }
    while (path.len && path.ptr[path.len - 1] == '/')
        path.len--;
    if (!path.ptr) path = PT_LIT("");
    pt_buf_init(&out, API_JSON_MAX);
    pt_json_init(&j, &out);
    pt_json_array(&j);
    pt_status st = uns_children(app->tree, path, depth ? (uint32_t)depth : 1, hidden, tree_row, &j);
    pt_json_end_array(&j);
    if (st == PT_OK || (st == PT_ENOTFOUND && path.len == 0)) pt_http_reply_json(rq, 200, &out);
    else pt_http_problem(rq, 404, "not-found", "there is nothing at %.*s", PT_SLICE_ARGS(path));
    pt_buf_fini(&out);
}

typedef struct value_ctx {
    pt_json *j;
    bool int64_string, full;
    uint32_t n;
} value_ctx;

static void value_row(void *ctx, const uns_tag_view *v)
{
    value_ctx *c = ctx;
    pt_json *j = c->j;
    c->n++;
    pt_json_object(j);
    pt_json_member_str(j, "path", v->def.path);
    pt_json_member_u64(j, "tag_id", v->def.tag_id);
    pt_json_key(j, "value");
    if (v->has_value) host__json_value(j, &v->value, c->int64_string);
    else pt_json_null(j);
    pt_json_member_cstr(j, "type", spb_datatype_name(v->def.type));
    if (v->def.unit.len) pt_json_member_str(j, "unit", v->def.unit);
    else pt_json_member_null(j, "unit");
    pt_json_member_cstr(j, "quality", spb_quality_name(v->quality));
    if (v->has_value) pt_json_member_i64(j, "timestamp_ms", v->time_ms);
    else pt_json_member_null(j, "timestamp_ms");
    if (v->quality == SPB_STALE && v->stale_since_ms) pt_json_member_i64(j, "stale_since_ms", v->stale_since_ms);
    else pt_json_member_null(j, "stale_since_ms");
    pt_json_member_bool(j, "writable", v->def.writable);
    if (c->full) {
        pt_json_member_cstr(j, "state", uns_state_name(v->state));
        pt_json_member_str(j, "description", v->def.description.len ? v->def.description : PT_NONE);
        if (v->def.eng_high > v->def.eng_low) {
            pt_json_member_f64(j, "eng_low", v->def.eng_low);
            pt_json_member_f64(j, "eng_high", v->def.eng_high);
        }
        pt_json_key(j, "source");
        pt_json_object(j);
        pt_json_member_str(j, "group", v->def.group);
        pt_json_member_str(j, "edge", v->def.edge);
        pt_json_member_str(j, "device", v->def.device.len ? v->def.device : PT_NONE);
        pt_json_member_str(j, "metric", v->def.metric);
        pt_json_end_object(j);
    }
    pt_json_end_object(j);
}

static bool value_selected(void *ctx, const uns_tag_view *v)
{
    value_ctx *c = ctx;
    value_row(ctx, v);
    return c->n < VALUES_MAX;
}

/* Unknown paths are left out of the answer; patterns give what they match. */
static void one_path(host_app *app, pt_slice path, value_ctx *c)
{
    if (path.len == 0) return;
    if (pt_glob_is_literal(path)) {
        pt_status st = uns_read(app->tree, path, value_row, c);
        (void)st; /* PT_ENOTFOUND: left out */
    } else {
        uns_select(app->tree, &path, 1, false, value_selected, c);
    }
}

void api__values(void *ctx, pt_http_request *rq)
{
    host_app *app = ctx;
    pt_buf out;
    pt_json j;
    value_ctx c = { .j = &j };
    api__begin(rq);
    if (!api__int64_string(rq, &c.int64_string)) return;
    pt_slice rest = pt_http_query(rq, "paths"), one;
    if (!rest.ptr || rest.len == 0) {
        pt_http_problem(rq, 400, "bad-request", "paths is missing");
        return;
    }
    pt_buf_init(&out, API_JSON_MAX);
    pt_json_init(&j, &out);
    pt_json_array(&j);
    while (rest.ptr && c.n < VALUES_MAX && pt_slice_split(&rest, ',', &one))
        one_path(app, one, &c);
    pt_json_end_array(&j);
    pt_http_reply_json(rq, 200, &out);
    pt_buf_fini(&out);
}

void api__values_post(void *ctx, pt_http_request *rq)
{
    host_app *app = ctx;
    pt_buf out;
    pt_json j;
    value_ctx c = { .j = &j };
    api__begin(rq);
    if (!api__int64_string(rq, &c.int64_string)) return;
    pt_slice body = pt_http_body(rq);
    json_error_t why;
    json_t *root = json_loadb(body.ptr ? body.ptr : "", body.len, JSON_REJECT_DUPLICATES, &why);
    const json_t *paths = json_object_get(root, "paths");
    if (!json_is_array(paths) || json_array_size(paths) > VALUES_MAX) {
        pt_http_problem(rq, 400, "bad-request", "the body must be {\"paths\":[...]} with at most %d paths", VALUES_MAX);
        json_decref(root);
        return;
    }
    pt_buf_init(&out, API_JSON_MAX);
    pt_json_init(&j, &out);
    pt_json_array(&j);
    for (size_t i = 0; i < json_array_size(paths); i++) {
        const json_t *p = json_array_get(paths, i);
        if (json_is_string(p)) one_path(app, pt_slice_of(json_string_value(p), json_string_length(p)), &c);
    }
    pt_json_end_array(&j);
    pt_http_reply_json(rq, 200, &out);
    pt_buf_fini(&out);
    json_decref(root);
}

static void reply_tag(pt_http_request *rq, pt_status st, pt_buf *out)
{
    if (st == PT_OK) pt_http_reply_json(rq, 200, out);
    else pt_http_problem(rq, 404, "not-found", "there is no such tag");
}

void api__tag(void *ctx, pt_http_request *rq)
{
    host_app *app = ctx;
    pt_buf out;
    pt_json j;
    value_ctx c = { .j = &j, .full = true };
    uint64_t id = 0;
    api__begin(rq);
    pt_buf_init(&out, 16u << 20);
    pt_json_init(&j, &out);
    bool ok = pt_slice_to_u64(pt_http_param(rq, "tag_id"), &id) && id <= UINT32_MAX;
    reply_tag(rq, ok ? uns_read_id(app->tree, (uint32_t)id, value_row, &c) : PT_ENOTFOUND, &out);
    pt_buf_fini(&out);
}

void api__tag_by_path(void *ctx, pt_http_request *rq)
{
    host_app *app = ctx;
    pt_buf out;
    pt_json j;
    value_ctx c = { .j = &j, .full = true };
    api__begin(rq);
    pt_buf_init(&out, 16u << 20);
    pt_json_init(&j, &out);
    reply_tag(rq, uns_read(app->tree, pt_http_param(rq, "path"), value_row, &c), &out);
    pt_buf_fini(&out);
}
