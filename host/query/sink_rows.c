/* host/query/sink_rows.c -- history row by row: CSV that can be imported again, and JSON Lines. */
#include "base/csv.h"
#include "base/timestamp.h"
#include "host/query/sink_internal.h"

static void time_cell(pt_buf *out, int64_t ms)
{
    char when[PT_RFC3339_MAX];
    pt_rfc3339_format(ms, when);
    pt_buf_cstr(out, when);
}

void query__rows_head(query_sink *s, pt_buf *out)
{
    if (s->format != QUERY_CSV) return;
    switch (s->kind) {
    case QUERY_OF_SAMPLES: pt_buf_cstr(out, "time,path,value,quality,type,flags,base64"); break;
    case QUERY_OF_STATES: pt_buf_cstr(out, "path,value,duration_ms,times"); break;
    case QUERY_OF_BUCKETS:
        pt_buf_cstr(out, "time,path");
        for (size_t i = 0; i < s->n_columns; i++)
            pt_buf_printf(out, ",%s", s->columns[i]);
        break;
    }
    pt_buf_char(out, '\n');
}

/* A line of JSON begins with what the row is of. */
static void line_head(query_sink *s, pt_json *j, const int64_t *time_ms)
{
    char when[PT_RFC3339_MAX];
    pt_json_object(j);
    if (time_ms) {
        pt_rfc3339_format(*time_ms, when);
        pt_json_member_cstr(j, "time", when);
    }
    pt_json_member_str(j, "path", s->series.path);
    pt_json_member_u64(j, "tag_id", s->series.tag_id);
}

static pt_status line_end(pt_json *j)
{
    pt_json_end_object(j);
    pt_buf_char(j->out, '\n');
    return pt_buf_status(j->out);
}

static void sample_line(query_sink *s, pt_json *j, const hist_sample *h, const char *flags)
{
    spb_value v;
    line_head(s, j, &h->time_ms);
    hist_value_for_json(h, &v);
    pt_json_member_cstr(j, "type", spb_datatype_name(h->type));
    pt_json_key(j, "value");
    query_json_value(j, &v, s->int64_string);
    if (!hist_json_exact(h)) {
        pt_buf_reset(&s->cell);
        hist_value_base64(h, &s->cell);
        pt_json_member_str(j, "base64", pt_buf_view(&s->cell));
    }
    pt_json_member_cstr(j, "quality", spb_quality_name((spb_quality)h->quality));
    pt_json_member_cstr(j, "flags", flags);
}

pt_status query__rows_sample(query_sink *s, pt_buf *out, const hist_sample *h)
{
    spb_value v;
    pt_json j;
    char text[5];
    const char *flags = hist_flags_text(h->flags, text);
    if (h->flags & HIST_STATE) return PT_OK;
    s->n++;
    if (s->format == QUERY_LINES) {
        pt_json_init(&j, out);
        sample_line(s, &j, h, flags);
        return line_end(&j);
    }
    time_cell(out, h->time_ms);
    pt_buf_char(out, ',');
    pt_csv_field(out, &pt_csv_rfc4180, s->series.path);
    pt_buf_char(out, ',');
    hist_sample_value(h, &v);
    pt_buf_reset(&s->cell);
    spb_value_text(&s->cell, &v);
    pt_csv_field(out, &pt_csv_rfc4180, pt_buf_view(&s->cell));
    pt_buf_printf(out, ",%s,%s,%s,", spb_quality_name((spb_quality)h->quality), spb_datatype_name(h->type), flags);
    if (!hist_text_exact(h)) hist_value_base64_cell(h, out); /* its characters need no quotes */
    pt_buf_char(out, '\n');
    return pt_buf_status(&s->cell) ? pt_buf_status(&s->cell) : pt_buf_status(out);
}

static void number_text(pt_buf *out, const query_number *v)
{
    char text[32];
    switch (v->kind) {
    case QUERY_NO_NUMBER: break;
    case QUERY_U64: pt_buf_add(out, text, pt_u64_text(v->as.u64, text)); break;
    case QUERY_F64: pt_buf_add(out, text, pt_f64_text(v->as.f64, text)); break;
    case QUERY_F32: pt_buf_add(out, text, pt_f32_text((float)v->as.f64, text)); break;
    }
}

void query__number_json(pt_json *j, const query_number *v)
{
    switch (v->kind) {
    case QUERY_NO_NUMBER: pt_json_null(j); break;
    case QUERY_U64: pt_json_u64(j, v->as.u64); break;
    case QUERY_F64: pt_json_f64(j, v->as.f64); break;
    case QUERY_F32: pt_json_f32(j, (float)v->as.f64); break;
    }
}

pt_status query__rows_bucket(query_sink *s, pt_buf *out, int64_t t_ms, const query_number *values)
{
    pt_json j;
    s->n++;
    if (s->format == QUERY_LINES) {
        pt_json_init(&j, out);
        line_head(s, &j, &t_ms);
        for (size_t i = 0; i < s->n_columns; i++) {
            pt_json_key(&j, s->columns[i]);
            query__number_json(&j, &values[i]);
        }
        return line_end(&j);
    }
    time_cell(out, t_ms);
    pt_buf_char(out, ',');
    pt_csv_field(out, &pt_csv_rfc4180, s->series.path);
    for (size_t i = 0; i < s->n_columns; i++) {
        pt_buf_char(out, ',');
        number_text(out, &values[i]);
    }
    pt_buf_char(out, '\n');
    return pt_buf_status(out);
}

pt_status query__rows_state(query_sink *s, pt_buf *out, const hist_sample *value, int64_t ms, uint64_t times)
{
    spb_value v = { .is_null = true };
    pt_json j;
    s->n++;
    if (value) hist_sample_value(value, &v);
    if (s->format == QUERY_LINES) {
        pt_json_init(&j, out);
        line_head(s, &j, NULL);
        pt_json_key(&j, "value");
        if (value) query_json_value(&j, &v, s->int64_string);
        else pt_json_null(&j);
        pt_json_member_i64(&j, "duration_ms", ms);
        pt_json_member_u64(&j, "times", times);
        return line_end(&j);
    }
    pt_csv_field(out, &pt_csv_rfc4180, s->series.path);
    pt_buf_char(out, ',');
    pt_buf_reset(&s->cell);
    if (value) spb_value_text(&s->cell, &v);
    pt_csv_field(out, &pt_csv_rfc4180, pt_buf_view(&s->cell));
    pt_buf_printf(out, ",%lld,%llu\n", (long long)ms, (unsigned long long)times);
    return pt_buf_status(&s->cell) ? pt_buf_status(&s->cell) : pt_buf_status(out);
}
