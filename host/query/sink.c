/* host/query/sink.c -- one sink, three formats: what is common, and lists of records. */
#include "host/query/sink_internal.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name, *type;
} formats[] = { [QUERY_JSON] = { "json", "application/json" },
                [QUERY_LINES] = { "jsonl", "application/jsonl" },
                [QUERY_CSV] = { "csv", "text/csv; charset=utf-8" } };

pt_status query_format_parse(pt_slice name, query_format *out)
{
    for (size_t i = 0; i < PT_COUNT_OF(formats); i++) {
        if (!pt_slice_eq_cstr(name, formats[i].name)) continue;
        *out = (query_format)i;
        return PT_OK;
    }
    return PT_EINVAL;
}

const char *query_format_type(query_format f)
{
    return formats[f].type;
}

query_sink *query_sink_new(query_format format, bool int64_string)
{
    query_sink *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->format = format;
    s->int64_string = int64_string;
    for (size_t i = 0; i < QUERY__SPOOLS; i++)
        query_spool_init(&s->spools[i]);
    pt_buf_init(&s->cell, 64u << 20);
    return s;
}

void query_sink_free(query_sink *s)
{
    if (!s) return;
    for (size_t i = 0; i < QUERY__SPOOLS; i++)
        query_spool_fini(&s->spools[i]);
    pt_buf_fini(&s->cell);
    free(s);
}

/* ---- values as JSON ------------------------------------------------------------------------------------------------ */

static void array(pt_json *j, const spb_value *v)
{
    size_t at = 0;
    spb_value element;
    pt_json_array(j);
    while (spb_array_next(v->type, v->as.bytes, &at, &element))
        query_json_value(j, &element, true);
    pt_json_end_array(j);
}

void query_json_value(pt_json *j, const spb_value *v, bool int64_string)
{
    char text[32];
    if (int64_string && !v->is_null) {
        spb_class c = spb_datatype_class(v->type);
        if (c == SPB_CLASS_ARRAY) {
            array(j, v);
            return;
        }
        if (c == SPB_CLASS_SIGNED && (v->as.i64 > (1ll << 53) || v->as.i64 < -(1ll << 53))) {
            pt_json_str(j, pt_slice_of(text, pt_i64_text(v->as.i64, text)));
            return;
        }
        if (c == SPB_CLASS_UNSIGNED && v->as.u64 > 1ull << 53) {
            pt_json_str(j, pt_slice_of(text, pt_u64_text(v->as.u64, text)));
            return;
        }
    }
    spb_value_json(j, v);
}

/* ---- series --------------------------------------------------------------------------------------------------------- */

void query_sink_begin(query_sink *s, pt_buf *out, query_series_kind kind, int64_t from_ms, int64_t to_ms, const char *const *columns,
                      size_t n_columns)
{
    s->kind = kind;
    s->columns = columns;
    s->n_columns = n_columns;
    if (s->format == QUERY_JSON) pt_buf_printf(out, "{\"from_ms\":%lld,\"to_ms\":%lld,\"series\":[", (long long)from_ms, (long long)to_ms);
    else query__rows_head(s, out);
}

pt_status query_sink_series(query_sink *s, pt_buf *out, const query_series *series, pt_error *err)
{
    s->series = *series;
    s->n = 0;
    s->at = 0;
    s->open = s->draining = false;
    for (size_t i = 0; i < QUERY__SPOOLS; i++)
        query_spool_reset(&s->spools[i]);
    s->notes = (hist_notes){ .type = (uint8_t)series->type };
    for (size_t i = 0; i < HIST_NOTES; i++)
        s->notes.lists[i] = &s->spools[QUERY__NOTES + i].text;
    if (s->format == QUERY_JSON) {
        if (s->any) pt_buf_char(out, ',');
        query__columns_head(s, out);
    }
    s->any = true;
    return pt_buf_status(out) ? pt_fail(err, pt_buf_status(out), "out of memory") : PT_OK;
}

static pt_status said(pt_status st, pt_error *err)
{
    return st ? pt_fail(err, st, "a value is too large for memory") : PT_OK;
}

pt_status query_sink_sample(query_sink *s, pt_buf *out, const hist_sample *h, pt_error *err)
{
    return s->format == QUERY_JSON ? query__columns_sample(s, out, h, err) : said(query__rows_sample(s, out, h), err);
}

pt_status query_sink_bucket(query_sink *s, pt_buf *out, int64_t t_ms, const query_number *values, pt_error *err)
{
    return s->format == QUERY_JSON ? query__columns_bucket(s, out, t_ms, values, err) : said(query__rows_bucket(s, out, t_ms, values), err);
}

static void state_json(query_sink *s, pt_json *j, const hist_sample *value, int64_t ms, uint64_t times)
{
    spb_value v;
    pt_json_key(j, "value");
    if (value) {
        hist_sample_value(value, &v);
        query_json_value(j, &v, s->int64_string);
    } else {
        pt_json_null(j);
    }
    pt_json_member_i64(j, "duration_ms", ms);
    pt_json_member_u64(j, "times", times);
}

pt_status query_sink_state(query_sink *s, pt_buf *out, const hist_sample *value, int64_t ms, uint64_t times, pt_error *err)
{
    if (s->format != QUERY_JSON) return said(query__rows_state(s, out, value, ms, times), err);
    pt_json j;
    pt_json_init(&j, out);
    if (s->n++) pt_buf_char(out, ',');
    pt_json_object(&j);
    state_json(s, &j, value, ms, times);
    pt_json_end_object(&j);
    return said(pt_buf_status(out), err);
}

pt_status query_sink_series_end(query_sink *s, pt_buf *out, const query_series_end *end, pt_error *err)
{
    if (s->format != QUERY_JSON) return PT_ECLOSED;
    if (s->kind != QUERY_OF_STATES) return query__columns_end(s, out, end, err);
    pt_buf_cstr(out, "]}");
    return PT_ECLOSED;
}

uint64_t query_sink_rows(const query_sink *s)
{
    return s->n;
}

void query_sink_end(query_sink *s, pt_buf *out)
{
    if (s->format == QUERY_JSON) pt_buf_cstr(out, "]}");
}

/* ---- lists ----------------------------------------------------------------------------------------------------------- */

void query_sink_list(query_sink *s, pt_buf *out, const query_record *record)
{
    s->record = record;
    if (s->format == QUERY_JSON) pt_buf_char(out, '[');
    else if (s->format == QUERY_CSV) pt_buf_printf(out, "%s\n", record->head);
}

pt_status query_sink_record(query_sink *s, pt_buf *out, const void *row)
{
    pt_json j;
    pt_json_init(&j, out);
    if (s->format == QUERY_CSV) s->record->cells(out, row);
    else {
        if (s->format == QUERY_JSON && s->any) pt_buf_char(out, ',');
        s->record->json(&j, row, s->int64_string);
    }
    if (s->format != QUERY_JSON) pt_buf_char(out, '\n');
    s->any = true;
    return pt_buf_status(out);
}

void query_sink_list_end(query_sink *s, pt_buf *out)
{
    if (s->format == QUERY_JSON) pt_buf_char(out, ']');
}
