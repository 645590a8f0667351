/* host/query/values.c -- current values: which tags first, then their values some at a time, so that no lock is held for long. */
#include "base/glob.h"
#include "base/csv.h"
#include "base/timestamp.h"
#include "host/query/run.h"

#include <stdlib.h>

enum { A_STEP = 500 };

typedef struct values_run {
    query_run run;
    uint32_t *ids; /* owned; in the order of the answer */
    size_t n, cap, next;
    bool full, begun;
    pt_buf *out;
    pt_status status;
} values_run;

typedef struct value_row {
    const uns_tag_view *v;
    bool full;
} value_row;

static void source_json(pt_json *j, const uns_tag_view *v)
{
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

static void value_json(pt_json *j, const void *row, bool int64_string)
{
    const value_row *r = row;
    const uns_tag_view *v = r->v;
    pt_json_object(j);
    pt_json_member_str(j, "path", v->def.path);
    pt_json_member_u64(j, "tag_id", v->def.tag_id);
    pt_json_key(j, "value");
    if (v->has_value) query_json_value(j, &v->value, int64_string);
    else pt_json_null(j);
    pt_json_member_cstr(j, "type", spb_datatype_name(v->def.type));
    pt_json_member_str(j, "unit", v->def.unit.len ? v->def.unit : PT_NONE);
    pt_json_member_cstr(j, "quality", spb_quality_name(v->quality));
    if (v->has_value) pt_json_member_i64(j, "timestamp_ms", v->time_ms);
    else pt_json_member_null(j, "timestamp_ms");
    if (v->quality == SPB_STALE && v->stale_since_ms) pt_json_member_i64(j, "stale_since_ms", v->stale_since_ms);
    else pt_json_member_null(j, "stale_since_ms");
    pt_json_member_bool(j, "writable", v->def.writable);
    if (r->full) source_json(j, v);
    pt_json_end_object(j);
}

static void time_cell(pt_buf *out, bool there, int64_t ms)
{
    char when[PT_RFC3339_MAX];
    if (!there) return;
    pt_rfc3339_format(ms, when);
    pt_buf_cstr(out, when);
}

static void value_cells(pt_buf *out, const void *row)
{
    const uns_tag_view *v = ((const value_row *)row)->v;
    pt_buf text;
    pt_csv_field(out, &pt_csv_rfc4180, v->def.path);
    pt_buf_char(out, ',');
    pt_buf_init(&text, 64u << 20);
    if (v->has_value) spb_value_text(&text, &v->value);
    if (pt_buf_status(&text) && !pt_buf_status(out)) out->status = pt_buf_status(&text);
    pt_csv_field(out, &pt_csv_rfc4180, pt_buf_view(&text));
    pt_buf_fini(&text);
    pt_buf_char(out, ',');
    pt_csv_field(out, &pt_csv_rfc4180, v->def.unit);
    pt_buf_printf(out, ",%s,", spb_quality_name(v->quality));
    time_cell(out, v->has_value, v->time_ms);
    pt_buf_char(out, ',');
    time_cell(out, v->quality == SPB_STALE && v->stale_since_ms, v->stale_since_ms);
    pt_buf_printf(out, ",%s", spb_datatype_name(v->def.type));
}

static const query_record record = { value_json, value_cells, "path,value,unit,quality,time,stale_since,type" };

static bool add_id(values_run *r, uint32_t id)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        uint32_t *grown = realloc(r->ids, cap * sizeof *grown);
        if (!grown) {
            r->status = PT_ENOMEM;
            return false;
        }
        r->ids = grown;
        r->cap = cap;
    }
    r->ids[r->n++] = id;
    return true;
}

/* By name a tag is found in both views; its own path decides whether it may be seen. */
static void see(void *ctx, const uns_tag_view *v)
{
    values_run *r = ctx;
    bool ours = query_sees(&r->run.scope, v->def.path);
    if (ours) (void)add_id(r, v->def.tag_id); /* the status tells */
}

static bool see_selected(void *ctx, const uns_tag_view *v)
{
    values_run *r = ctx;
    see(r, v);
    return r->status == PT_OK;
}

static pt_status select_ids(values_run *r, const query_values *q)
{
    pt_status st = PT_OK;
    if (q->tag_id) st = uns_read_id(r->run.src.tree, q->tag_id, see, r);
    for (size_t i = 0; i < q->n_paths && (st == PT_OK || st == PT_ENOTFOUND) && r->status == PT_OK; i++) {
        if (!q->paths[i].len) continue;
        if (q->full || pt_glob_is_literal(q->paths[i])) st = uns_read(r->run.src.tree, q->paths[i], see, r);
        else uns_select(r->run.src.tree, &q->paths[i], 1, q->hidden, see_selected, r);
    }
    if (r->status != PT_OK) return r->status;
    if (st != PT_OK && st != PT_ENOTFOUND) return st;
    return r->n == 0 && (q->tag_id || q->full) ? PT_ENOTFOUND : PT_OK;
}

static void give(void *ctx, const uns_tag_view *v)
{
    values_run *r = ctx;
    value_row row = { v, r->full };
    if (query_sees(&r->run.scope, v->def.path)) r->status = query_sink_record(r->run.sink, r->out, &row); /* rules may have moved it */
}

static pt_status step_values(query_run *run, pt_buf *out, pt_error *err)
{
    values_run *r = (values_run *)run;
    const size_t enough = out->len + QUERY_STEP_BYTES;
    if (!r->begun) query_sink_list(run->sink, out, &record);
    r->begun = true;
    r->out = out;
    r->status = PT_OK;
    for (size_t k = 0; k < A_STEP && r->next < r->n && out->len < enough; k++) {
        pt_status st = uns_read_id(run->src.tree, r->ids[r->next++], give, r);
        if (st == PT_OK) st = r->status;
        if (st != PT_OK && st != PT_ENOTFOUND) return pt_fail(err, st, "a value is too large for memory");
    }
    if (r->next < r->n) return PT_OK;
    query_sink_list_end(run->sink, out);
    return PT_ECLOSED;
}

static void free_values(query_run *run)
{
    free(((values_run *)run)->ids);
}

pt_status query_values_open(const query_source *src, const query_scope *scope, const query_values *q, query_sink *sink, query_run **out,
                            pt_error *err)
{
    values_run *r = (values_run *)query__run_new(sizeof *r, src, scope, sink);
    *out = NULL;
    if (!r) return pt_fail(err, PT_ENOMEM, "out of memory");
    r->run.step = step_values;
    r->run.free = free_values;
    r->full = q->full;
    pt_status st = src->tree ? select_ids(r, q) : pt_fail(err, PT_ESTATE, "current values are a running host's");
    if (st == PT_OK) {
        *out = &r->run;
        return st;
    }
    query_close(&r->run);
    if (st == PT_ENOTFOUND) return pt_fail(err, st, "there is no such tag");
    return st == PT_ESTATE ? st : pt_fail(err, st, "the tags cannot be read: %s", pt_status_name(st));
}
