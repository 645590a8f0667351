/* historian/exchange/sql_columns.c -- the columns of the virtual tables, as SQL values. */
#include "historian/exchange/sql_tables_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef hist__sql_cursor cursor;
typedef hist__sql_kind table_kind;

static void result_slice(sqlite3_context *ctx, pt_slice s)
{
    if (!s.ptr) sqlite3_result_null(ctx);
    else sqlite3_result_text64(ctx, s.ptr, s.len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

/* A stored sample as an SQL value: integers exact (beyond 2^63 as text), NaN is NULL, arrays and documents as JSON text. */
static void result_value(sqlite3_context *ctx, const hist_sample *s)
{
    spb_value v;
    hist_sample_value(s, &v);
    if (v.is_null) {
        sqlite3_result_null(ctx);
        return;
    }
    switch (spb_datatype_class(v.type)) {
    case SPB_CLASS_SIGNED: sqlite3_result_int64(ctx, v.as.i64); return;
    case SPB_CLASS_UNSIGNED:
        if (v.as.u64 <= INT64_MAX) {
            sqlite3_result_int64(ctx, (int64_t)v.as.u64);
            return;
        }
        break;
    case SPB_CLASS_FLOAT: sqlite3_result_double(ctx, (double)v.as.f32); return;
    case SPB_CLASS_DOUBLE: sqlite3_result_double(ctx, v.as.f64); return;
    case SPB_CLASS_BOOLEAN: sqlite3_result_int(ctx, v.as.boolean); return;
    case SPB_CLASS_BYTES: sqlite3_result_blob64(ctx, v.as.bytes.ptr, v.as.bytes.len, SQLITE_TRANSIENT); return;
    case SPB_CLASS_STRING:
    case SPB_CLASS_DATASET:
    case SPB_CLASS_TEMPLATE: result_slice(ctx, v.as.bytes); return;
    default: break;
    }
    pt_buf text;
    pt_json j;
    pt_buf_init(&text, 256u << 20);
    pt_json_init(&j, &text);
    spb_value_json(&j, &v);
    if (pt_buf_status(&text) == PT_OK) result_slice(ctx, pt_buf_view(&text));
    else sqlite3_result_error_nomem(ctx);
    pt_buf_fini(&text);
}

static void result_real(sqlite3_context *ctx, double v, bool there)
{
    if (there) sqlite3_result_double(ctx, v);
    else sqlite3_result_null(ctx);
}

static pt_slice path_of(const cursor *c)
{
    return c->asked_path ? pt_cstr(c->asked_path) : c->tag.path;
}

static void tag_column(sqlite3_context *ctx, const cursor *c, int column)
{
    const hist_tag *t = &c->tag;
    const pt_slice text[] = { t->key.source, t->key.group, t->key.edge, t->key.device, t->key.metric, path_of(c) };
    bool any = t->first_ms <= t->last_ms;
    if (column == 0) sqlite3_result_int64(ctx, t->tag_id);
    else if (column <= 6) result_slice(ctx, text[column - 1]);
    else if (column == 7) result_slice(ctx, pt_cstr(spb_datatype_name(t->type)));
    else if (column == 8) result_slice(ctx, t->unit);
    else if (column == 11) sqlite3_result_int64(ctx, (int64_t)t->samples);
    else if (any) sqlite3_result_int64(ctx, column == 9 ? t->first_ms : t->last_ms);
    else sqlite3_result_null(ctx);
}

static void history_column(sqlite3_context *ctx, const cursor *c, int column)
{
    const hist_sample *s = &c->run[c->run_at];
    switch (column) {
    case 0: sqlite3_result_int64(ctx, s->tag_id); break;
    case 1: result_slice(ctx, path_of(c)); break;
    case 2: sqlite3_result_int64(ctx, s->time_ms); break;
    case 3: result_value(ctx, s); break;
    case 4: result_slice(ctx, pt_cstr(spb_quality_name((spb_quality)s->quality))); break;
    case 5: sqlite3_result_int(ctx, (s->flags & HIST_HISTORICAL) != 0); break;
    default: result_slice(ctx, pt_cstr(spb_datatype_name(s->type))); break;
    }
}

static void bucket_column(sqlite3_context *ctx, const cursor *c, int column)
{
    const hist_bucket *b = &c->buckets[c->bucket_at];
    bool any = b->nums > 0;
    switch (column) {
    case 0: sqlite3_result_int64(ctx, c->tag_id); break;
    case 1: result_slice(ctx, path_of(c)); break;
    case 2: sqlite3_result_int64(ctx, c->from_ms); break;
    case 3: sqlite3_result_int64(ctx, c->to_ms); break;
    case 4:
        if (c->interval) result_slice(ctx, pt_cstr(c->interval));
        else sqlite3_result_int64(ctx, c->interval_ms);
        break;
    case 5: sqlite3_result_int64(ctx, b->t_ms); break;
    case 6: sqlite3_result_int64(ctx, (int64_t)b->count); break;
    case 7: result_real(ctx, b->min, any); break;
    case 8: result_real(ctx, b->max, any); break;
    case 9: result_real(ctx, b->avg, any); break;
    case 10: result_real(ctx, b->first, any); break;
    case 11: result_real(ctx, b->last, any); break;
    case 12: result_real(ctx, b->sum, any); break;
    case 13: result_real(ctx, b->nums > 1 ? sqrt(b->m2 / (double)(b->nums - 1)) : 0, b->nums > 1); break;
    case 14: result_real(ctx, b->area_ms ? b->area / (double)b->area_ms : 0, b->area_ms > 0); break;
    case 15: sqlite3_result_int64(ctx, (int64_t)b->good); break;
    case 16: sqlite3_result_int64(ctx, (int64_t)b->nums); break;
    default: result_slice(ctx, pt_cstr(c->zone ? c->zone : c->interval ? "UTC" : "")); break; /* part of the key: never NULL */
    }
}

static void storage_column(sqlite3_context *ctx, const cursor *c, int column)
{
    const hist_tag_storage *s = &c->storage;
    const uint64_t numbers[] = { s->bytes, s->samples, s->rows, s->blocks, s->unsealed, s->left_out_exception, s->left_out_compression };
    if (column == 0) sqlite3_result_int64(ctx, c->tag_id);
    else if (column == 1) result_slice(ctx, path_of(c));
    else if (column <= 8) sqlite3_result_int64(ctx, (int64_t)numbers[column - 2]);
    else sqlite3_result_double(ctx, s->per_second);
}

static void query_column(sqlite3_context *ctx, const cursor *c, table_kind kind, int column)
{
    if (kind == TAG_META && column == 3) {
        result_slice(ctx, pt_cstr(spb_datatype_name((spb_datatype)hist__query_number(c->query, 3))));
        return;
    }
    bool number = kind == EVENT ? column <= 1 : column != 1;
    if (hist__query_null(c->query, column)) sqlite3_result_null(ctx);
    else if (number) sqlite3_result_int64(ctx, hist__query_number(c->query, column));
    else result_slice(ctx, hist__query_text(c->query, column));
}

void hist__sql_column(sqlite3_context *ctx, const hist__sql_cursor *c, hist__sql_kind kind, int column)
{
    switch (kind) {
    case TAG: tag_column(ctx, c, column); break;
    case HISTORY: history_column(ctx, c, column); break;
    case BUCKET: bucket_column(ctx, c, column); break;
    case TAG_STORAGE: storage_column(ctx, c, column); break;
    default: query_column(ctx, c, kind, column); break;
    }
}
