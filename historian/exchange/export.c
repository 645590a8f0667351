/* historian/exchange/export.c */
#include "base/base64.h"
#include "base/csv.h"
#include "base/glob.h"
#include "base/timestamp.h"
#include "base/utf8.h"
#include "historian/format/format.h"
#include "historian/exchange/exact.h"
#include "historian/exchange/transfer.h"

#include <stdio.h>
#include <stdlib.h>

enum { WRITE_AT = 65536 };

typedef struct out {
    const hist_export_options *o;
    pt_buf text;
    uint64_t samples;
    char flags[5];
} out;

/* The texts of a float that need care: NaN with bits of its own. False: an ordinary one. */
static bool odd_nan(const hist_sample *s, char text[32])
{
    if (s->type == SPB_DOUBLE && s->as.f64 != s->as.f64 && s->as.u64 != 0x7ff8000000000000u) {
        snprintf(text, 32, "nan:%016llx", (unsigned long long)s->as.u64);
        return true;
    }
    if (s->type == SPB_FLOAT && s->as.f32 != s->as.f32 && (uint32_t)s->as.u64 != 0x7fc00000u) {
        snprintf(text, 32, "nan:%08x", (unsigned)(uint32_t)s->as.u64);
        return true;
    }
    return false;
}

static bool is_raw(uint32_t type) /* base64 in both formats */
{
    spb_class c = spb_datatype_class(type);
    return c == SPB_CLASS_BYTES || c == SPB_CLASS_ARRAY;
}

static void json_line(out *w, const hist_tag *t, const hist_sample *s)
{
    char time[PT_RFC3339_MAX], odd[32];
    pt_json j;
    size_t n = pt_rfc3339_format(s->time_ms, time);
    pt_json_init(&j, &w->text);
    pt_json_object(&j);
    pt_json_member_str(&j, "time", pt_slice_of(time, n));
    pt_json_member_str(&j, "source", t->key.source);
    pt_json_member_str(&j, "group", t->key.group);
    pt_json_member_str(&j, "edge", t->key.edge);
    pt_json_member_str(&j, "device", t->key.device);
    pt_json_member_str(&j, "metric", t->key.metric);
    pt_json_member_str(&j, "path", t->path);
    pt_json_member_str(&j, "unit", t->unit);
    pt_json_member_cstr(&j, "type", spb_datatype_name(s->type));
    if (!hist__has_value(s)) {
        pt_json_member_null(&j, "value");
    } else if (hist__family_of_type(s->type) == HIST__BYTES) {
        pt_slice bytes = pt_slice_of(s->as.ptr, s->len);
        if (is_raw(s->type)) {
            pt_json_key(&j, "value");
            pt_json_base64(&j, bytes);
        } else if (pt_utf8_valid(bytes)) {
            pt_json_member_str(&j, "value", bytes);
        } else { /* a text that is none: JSON can't hold it */
            pt_json_key(&j, "base64");
            pt_json_base64(&j, bytes);
        }
    } else if (odd_nan(s, odd)) {
        pt_json_member_cstr(&j, "value", odd);
    } else if (hist__family_of_type(s->type) == HIST__INT && s->type != SPB_BOOLEAN && (s->type == SPB_UINT64 || s->type == SPB_DATETIME) &&
               s->as.u64 > INT64_MAX) {
        char digits[24];
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)s->as.u64);
        pt_json_member_cstr(&j, "value", digits);
    } else {
        spb_value v;
        hist_sample_value(s, &v);
        pt_json_key(&j, "value");
        spb_value_json(&j, &v);
    }
    pt_json_member_cstr(&j, "quality", spb_quality_name((spb_quality)s->quality));
    pt_json_member_cstr(&j, "flags", hist_flags_text(s->flags, w->flags));
    pt_json_end_object(&j);
    pt_buf_char(&w->text, '\n');
}

static void csv_field(pt_buf *b, pt_slice s, bool first)
{
    if (!first) pt_buf_char(b, ',');
    pt_csv_field(b, &pt_csv_rfc4180, s);
}

static void csv_value(out *w, const hist_sample *s, pt_buf *tmp)
{
    char odd[32];
    pt_buf_reset(tmp);
    if (!hist__has_value(s)) {
        csv_field(&w->text, PT_NONE, false);
    } else if (odd_nan(s, odd)) {
        csv_field(&w->text, pt_cstr(odd), false);
    } else if (hist__family_of_type(s->type) == HIST__BYTES && is_raw(s->type)) {
        pt_base64_add(tmp, pt_slice_of(s->as.ptr, s->len));
        csv_field(&w->text, pt_buf_view(tmp), false);
    } else if (hist__family_of_type(s->type) == HIST__BYTES) {
        csv_field(&w->text, pt_slice_of(s->as.ptr, s->len), false);
    } else {
        spb_value v;
        hist_sample_value(s, &v);
        spb_value_text(tmp, &v);
        csv_field(&w->text, pt_buf_view(tmp), false);
    }
}

static void csv_line(out *w, const hist_tag *t, const hist_sample *s, pt_buf *tmp)
{
    char time[PT_RFC3339_MAX];
    size_t n = pt_rfc3339_format(s->time_ms, time);
    const pt_slice columns[] = { pt_slice_of(time, n),
                                 t->key.source,
                                 t->key.group,
                                 t->key.edge,
                                 t->key.device,
                                 t->key.metric,
                                 t->path,
                                 t->unit,
                                 pt_cstr(spb_datatype_name(s->type)) };
    for (size_t i = 0; i < PT_COUNT_OF(columns); i++)
        csv_field(&w->text, columns[i], i == 0);
    csv_value(w, s, tmp);
    csv_field(&w->text, pt_cstr(spb_quality_name((spb_quality)s->quality)), false);
    csv_field(&w->text, pt_cstr(hist_flags_text(s->flags, w->flags)), false);
    pt_buf_char(&w->text, '\n');
}

static pt_status drain(out *w, size_t at_least, pt_error *err)
{
    pt_status st = pt_buf_status(&w->text);
    if (st != PT_OK) return pt_fail(err, st, "a line of the export: %s", pt_status_name(st));
    if (w->text.len < at_least || w->text.len == 0) return PT_OK;
    bool ok = w->o->write(w->o->ctx, pt_buf_view(&w->text));
    pt_buf_reset(&w->text);
    return ok ? PT_OK : pt_fail(err, PT_EIO, "the export could not be written");
}

static pt_status export_tag(hist *h, out *w, const hist_tag *t, pt_buf *tmp, pt_error *err)
{
    hist_cursor *c = NULL;
    const hist_sample *rows = NULL;
    size_t n = 0;
    pt_status st = hist_cursor_open(h, hist_of_tag(t->tag_id), w->o->from_ms, w->o->to_ms, true, &c, err);
    while (st == PT_OK && (st = hist_cursor_view(c, &rows, &n, err)) == PT_OK && n) {
        for (size_t i = 0; st == PT_OK && i < n; i++) {
            if (w->o->format == HIST_JSONL) json_line(w, t, &rows[i]);
            else csv_line(w, t, &rows[i], tmp);
            w->samples++;
            st = drain(w, WRITE_AT, err);
        }
    }
    hist_cursor_close(c);
    return st;
}

static bool highest(void *ctx, const hist_tag *t)
{
    *(uint32_t *)ctx = t->tag_id;
    return true;
}

pt_status hist_export(hist *h, const hist_export_options *o, uint64_t *samples, pt_error *err)
{
    out w = { .o = o };
    pt_buf tmp;
    pt_arena arena;
    uint32_t last = 0;
    pt_buf_init(&w.text, 128u << 20);
    pt_buf_init(&tmp, 64u << 20);
    pt_arena_init(&arena, 64u << 20);
    pt_status st = hist_tag_each(h, highest, &last);
    if (o->format == HIST_CSV) pt_buf_cstr(&w.text, "time,source,group,edge,device,metric,path,unit,type,value,quality,flags\n");
    for (uint32_t id = 1; st == PT_OK && id <= last; id++) {
        hist_tag t;
        pt_arena_reset(&arena);
        st = hist_tag_by_id(h, id, &arena, &t);
        if (st == PT_OK && pt_glob_selects(o->select, o->n_select, t.path)) st = export_tag(h, &w, &t, &tmp, err);
        if (st == PT_ENOTFOUND) st = PT_OK;
        if (o->progress) o->progress(o->ctx, id, last, w.samples);
    }
    pt_status drained = drain(&w, 1, err);
    if (st == PT_OK) st = drained;
    *samples = w.samples;
    pt_arena_fini(&arena);
    pt_buf_fini(&tmp);
    pt_buf_fini(&w.text);
    return st;
}
