/* host/http/api_tags.c -- the tree, now and as of a past time, and current values. */
#include "host/http/api.h"

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

/* ---- the tree as of a past time: a tree of its own, filled from the path intervals and the qualities of then ---- */

typedef struct past {
    const host_parts *app;
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
    pt_status st = uns_read_id(p->app->tree, tag->tag_id, see_class, &def); /* a tag that is no more: as if no rule had given it a class */
    if (st == PT_OK || st == PT_ENOTFOUND) st = uns_tag_put(p->tree, &def);
    if (st == PT_EEXISTS) return true; /* two tags of one path: the second is in the source view, as it was then */
    spb_quality q = SPB_STALE;
    if (st == PT_OK) st = hist_state_at(p->app->history, tag->tag_id, p->at_ms, &q, &p->err);
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
    pt_status st = hist_state_at(p->app->history, tag->tag_id, p->at_ms, &q, &p->err);
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
    if (st == PT_OK) st = hist_tags_at(p->app->history, p->at_ms, past_tag, p, &p->err);
    if (st == PT_OK) st = p->status;
    if (st == PT_OK && p->n_unknown) st = hist_tags_at(p->app->history, p->at_ms, other_tag, p, &p->err);
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

void api__tree(void *ctx, pt_http_request *rq)
{
    const host_parts *app = ctx;
    pt_slice path = pt_http_query(rq, "path");
    uint64_t depth = 1;
    int64_t now = pt_wall_ms(app->clock), at = INT64_MIN;
    bool hidden = false;
    pt_buf out;
    pt_json j;
    api__begin(rq);
    if (!api__number(rq, "depth", UNS_DEPTH_MAX, &depth) || !api__flag(rq, "hidden", &hidden) || !api__time(app, rq, "at", &at)) return;
    if (at > now) {
        pt_http_problem(rq, 400, "bad-request", "at lies in the future");
        return;
    }
    while (path.len && path.ptr[path.len - 1] == '/')
        path.len--;
    if (!path.ptr) path = PT_LIT("");
    past p = { .app = app, .at_ms = at, .below = path, .err = { 0, "" } };
    if (at != INT64_MIN && past_tree(&p) != PT_OK) {
        pt_logf(app->log, PT_LOG_ERROR, "HOST-TREE-AT", "the tree as of %lld: %s", (long long)at, p.err.text);
        pt_http_problem(rq, 500, "internal", "history cannot be read");
        uns_tree_free(p.tree);
        return;
    }
    pt_buf_init(&out, API_JSON_MAX);
    pt_json_init(&j, &out);
    pt_json_array(&j);
    pt_status st = uns_children(p.tree ? p.tree : app->tree, path, depth ? (uint32_t)depth : 1, hidden, tree_row, &j);
    pt_json_end_array(&j);
    if (st == PT_OK || (st == PT_ENOTFOUND && path.len == 0)) pt_http_reply_json(rq, 200, &out);
    else pt_http_problem(rq, 404, "not-found", "there %s nothing at %.*s", p.tree ? "was" : "is", PT_SLICE_ARGS(path));
    pt_buf_fini(&out);
    uns_tree_free(p.tree);
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
static void one_path(const host_parts *app, pt_slice path, value_ctx *c)
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
    const host_parts *app = ctx;
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
    const host_parts *app = ctx;
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
    const host_parts *app = ctx;
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
    const host_parts *app = ctx;
    pt_buf out;
    pt_json j;
    value_ctx c = { .j = &j, .full = true };
    api__begin(rq);
    pt_buf_init(&out, 16u << 20);
    pt_json_init(&j, &out);
    reply_tag(rq, uns_read(app->tree, pt_http_param(rq, "path"), value_row, &c), &out);
    pt_buf_fini(&out);
}
