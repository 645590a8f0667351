/* host/query/sink_columns.c -- a series as columns: {"path":..,"t":[..],"v":[..],..}, ready for a plot.
 *
 * Columns stand one behind the other, rows come one by one: each column waits in a spool. Times, the first column, go out as they come
 * unless many come at once. */
#include "host/query/sink_internal.h"

/* Of buckets the columns follow the times directly; of samples there are v, q, breaks and the notes. */
static query_spool *bucket_column(query_sink *s, size_t i)
{
    return &s->spools[1 + i];
}

void query__columns_head(query_sink *s, pt_buf *out)
{
    const query_series *r = &s->series;
    pt_json j;
    pt_json_init(&j, out);
    pt_json_object(&j);
    pt_json_member_str(&j, "path", r->path);
    pt_json_member_u64(&j, "tag_id", r->tag_id);
    pt_json_member_str(&j, "unit", r->unit.len ? r->unit : PT_NONE);
    pt_json_member_cstr(&j, "type", spb_datatype_name(r->type));
    if (r->zone.len) {
        pt_json_member_str(&j, "interval", r->interval);
        pt_json_member_str(&j, "tz", r->zone);
    } else if (r->interval_ms) {
        pt_json_member_i64(&j, "interval_ms", r->interval_ms);
    }
    pt_buf_cstr(out, s->kind == QUERY_OF_STATES ? ",\"states\":[" : ",\"t\":[");
}

static void add_time(query_sink *s, pt_buf *to, int64_t ms)
{
    char text[32];
    if (s->n) pt_buf_char(to, ',');
    pt_buf_add(to, text, pt_i64_text(ms, text));
}

/* All columns of the row are made. */
static pt_status row_made(query_sink *s, size_t n_spools, pt_error *err)
{
    pt_status st = PT_OK;
    s->n++;
    for (size_t i = 0; i < n_spools && st == PT_OK; i++)
        st = query_spool_ease(&s->spools[i], err);
    return st;
}

/* Times go straight out as long as the caller's step is short; then they wait like the others. */
static pt_buf *times(query_sink *s, pt_buf *out)
{
    query_spool *t = &s->spools[QUERY__T];
    return t->file || t->text.len || out->len >= 256u << 10 ? &t->text : out;
}

/* A step begins: what waits of the times is at the front of what comes. */
static void ease_times(query_sink *s, pt_buf *out)
{
    query_spool *t = &s->spools[QUERY__T];
    if (t->file || !t->text.len || out->len) return;
    pt_buf_slice(out, pt_buf_view(&t->text));
    pt_buf_reset(&t->text);
}

/* A state row is no sample: going stale is a break of the line, coming back is not told. */
pt_status query__columns_sample(query_sink *s, pt_buf *out, const hist_sample *h, pt_error *err)
{
    spb_value v;
    pt_json j;
    if (h->flags & HIST_STATE) {
        pt_buf *breaks = &s->spools[QUERY__BREAKS].text;
        if (h->quality != SPB_STALE) return PT_OK;
        if (breaks->len || s->spools[QUERY__BREAKS].file) pt_buf_char(breaks, ',');
        pt_buf_printf(breaks, "%lld", (long long)h->time_ms);
        return query_spool_ease(&s->spools[QUERY__BREAKS], err);
    }
    ease_times(s, out);
    add_time(s, times(s, out), h->time_ms);
    hist_value_for_json(h, &v);
    hist_notes_add(&s->notes, h);
    if (s->n) pt_buf_char(&s->spools[QUERY__V].text, ',');
    pt_json_init(&j, &s->spools[QUERY__V].text);
    query_json_value(&j, &v, s->int64_string);
    pt_buf_char(&s->spools[QUERY__Q].text, spb_quality_letter((spb_quality)h->quality));
    return row_made(s, QUERY__NOTES + HIST_NOTES, err);
}

pt_status query__columns_bucket(query_sink *s, pt_buf *out, int64_t t_ms, const query_number *values, pt_error *err)
{
    ease_times(s, out);
    add_time(s, times(s, out), t_ms);
    for (size_t i = 0; i < s->n_columns; i++) {
        pt_json j;
        pt_json_init(&j, &bucket_column(s, i)->text);
        if (s->n) pt_buf_char(j.out, ',');
        query__number_json(&j, &values[i]);
    }
    return row_made(s, 1 + s->n_columns, err);
}

/* The column at s->at, its name before it and its bracket behind it. PT_OK: more of it is to come. */
static pt_status put_column(query_sink *s, pt_buf *out, const char *name, const char *open, char close, pt_error *err)
{
    if (!s->open) pt_buf_printf(out, ",\"%s\":%s", name, open);
    s->open = true;
    pt_status st = query_spool_read(&s->spools[s->at], out, err);
    if (st != PT_ECLOSED) return st;
    pt_buf_char(out, close);
    s->open = false;
    s->at++;
    return PT_OK;
}

static void numbers(pt_buf *out, const query_series_end *end)
{
    pt_buf_printf(out, ",\"raw_count\":%llu,\"reduced\":\"%s\"", (unsigned long long)end->raw_count, end->reduced);
}

static pt_status samples_column(query_sink *s, pt_buf *out, const query_series_end *end, pt_error *err)
{
    switch (s->at) {
    case QUERY__V: return put_column(s, out, "v", "[", ']', err);
    case QUERY__Q: return put_column(s, out, "q", "\"", '"', err);
    case QUERY__BREAKS:
        if (!s->open) numbers(out, end);
        return put_column(s, out, "breaks", "[", ']', err);
    default: break;
    }
    size_t note = s->at - QUERY__NOTES;
    if (note >= HIST_NOTES) return PT_ECLOSED;
    if (s->notes.any[note]) return put_column(s, out, hist_note_names[note], "[", ']', err);
    s->at++;
    return PT_OK;
}

pt_status query__columns_end(query_sink *s, pt_buf *out, const query_series_end *end, pt_error *err)
{
    pt_status st;
    if (s->at == QUERY__T) { /* its name and bracket stand in the head */
        st = query_spool_read(&s->spools[QUERY__T], out, err);
        if (st != PT_ECLOSED) return st;
        pt_buf_char(out, ']');
        s->at++;
        return PT_OK;
    }
    if (s->kind == QUERY_OF_SAMPLES) st = samples_column(s, out, end, err);
    else st = s->at <= s->n_columns ? put_column(s, out, s->columns[s->at - 1], "[", ']', err) : PT_ECLOSED;
    if (st != PT_ECLOSED) return st;
    if (end->damaged) pt_buf_printf(out, ",\"damaged\":%llu", (unsigned long long)end->damaged);
    pt_buf_char(out, '}');
    return PT_ECLOSED;
}
