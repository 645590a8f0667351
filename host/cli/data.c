/* host/cli/data.c -- history, events and replay from the files themselves.
 *
 * What is always true: the directory is opened read-only, so a running host is not disturbed and a copy is not changed. */
#include "host/cli/data.h"
#include "historian/read/aggregate.h"
#include "historian/exchange/exact.h"
#include "historian/read/zone.h"
#include "historian/historian.h"
#include "historian/read/replay.h"
#include "base/timestamp.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { BATCH = 512, FLUSH_AT = 64 << 10, MAX_VALUE = 64 << 20, MAX_OUT = 1 << 30 };

static void write_log(void *ctx, pt_log_level level, const char *id, const char *text)
{
    cli *c = ctx;
    if (level == PT_LOG_ERROR) c->damaged = true;
    fprintf(stderr, "plantree: %s %s\n", id, text);
}

int cli_data_open(cli *c, bool read_only, hist **h)
{
    hist_options o;
    pt_error err = { 0 };
    hist_options_init(&o);
    o.dir = c->data_dir;
    o.read_only = read_only;
    c->files_log = (pt_log){ PT_LOG_WARN, write_log, c };
    pt_status st = hist_open(&o, pt_clock_system(), &c->files_log, h, &err);
    return st ? cli_fail(c, st == PT_EBUSY ? PT_EXIT_REFUSED : PT_EXIT_FAILED, "%s: %s", c->data_dir,
                         err.text[0] ? err.text : pt_status_name(st))
              : CLI_GO_ON;
}

int cli_data_close(const cli *c, hist *h, int rc)
{
    pt_error err = { 0 };
    pt_status st = hist_close(h, 1000, &err);
    if (st && (rc == PT_EXIT_OK || rc == CLI_GO_ON)) return cli_fail(c, PT_EXIT_FAILED, "%s: %s", c->data_dir, err.text);
    if (rc == CLI_GO_ON) rc = PT_EXIT_OK;
    return rc == PT_EXIT_OK && c->damaged ? PT_EXIT_FAILED : rc;
}

/* --- events --- */

/* What is made goes out when some of it has gathered. CLI_GO_ON, or the exit code. */
static int put_some(const cli *c, pt_buf *out)
{
    if (out->len < FLUSH_AT && pt_buf_status(out) == PT_OK) return CLI_GO_ON;
    int rc = cli_put(c, out);
    pt_buf_reset(out);
    return rc == PT_EXIT_OK ? CLI_GO_ON : rc;
}

typedef struct events_out {
    const cli *c;
    cli_table *table; /* NULL: JSON */
    pt_buf out;
    pt_json j;
    int code; /* CLI_GO_ON, or why to stop */
} events_out;

static bool one_event(void *ctx, const hist_event *e)
{
    events_out *o = ctx;
    if (!o->table) {
        pt_json_object(&o->j);
        pt_json_member_u64(&o->j, "seq", e->seq);
        pt_json_member_i64(&o->j, "time_ms", e->time_ms);
        pt_json_member_str(&o->j, "type", e->type);
        pt_json_member_str(&o->j, "node", e->node);
        pt_json_member_str(&o->j, "device", e->device);
        pt_json_member_str(&o->j, "path", e->path);
        pt_json_key(&o->j, "detail");
        pt_json_raw(&o->j, e->detail.len ? e->detail : PT_LIT("{}"));
        pt_json_end_object(&o->j);
        o->code = put_some(o->c, &o->out);
        return o->code == CLI_GO_ON;
    }
    cli_table_i64(o->table, (int64_t)e->seq);
    cli_table_time(o->table, e->time_ms);
    const pt_slice texts[] = { e->type, e->node, e->device, e->path };
    for (size_t i = 0; i < PT_COUNT_OF(texts); i++)
        cli_table_cell(o->table, texts[i].ptr ? texts[i] : PT_LIT("-"));
    cli_table_cell(o->table, e->detail.len > 2 ? e->detail : PT_LIT("-"));
    return true;
}

int cli_data_events(cli *c, const cli_events *e, const char *const *heads, const char *align)
{
    const hist_event_filter filter = { .from_ms = e->from_ms,
                                       .to_ms = e->to_ms,
                                       .types = pt_cstr(e->types),
                                       .node = pt_cstr(e->node),
                                       .path = pt_cstr(e->path),
                                       .limit = e->limit,
                                       .newest_first = e->limit > 0 };
    events_out o = { .c = c, .code = CLI_GO_ON };
    pt_error err = { 0 };
    hist *h = NULL;
    int rc = cli_data_open(c, true, &h);
    if (rc != CLI_GO_ON) return rc;
    pt_buf_init(&o.out, MAX_OUT);
    pt_json_init(&o.j, &o.out);
    if (c->json) pt_json_array(&o.j);
    else if (!(o.table = cli_table_new(heads, align, strlen(align)))) rc = cli_fail(c, PT_EXIT_FAILED, "out of memory");
    pt_status st = rc == CLI_GO_ON ? hist_events(h, &filter, one_event, &o, &err) : PT_OK;
    if (rc == CLI_GO_ON) rc = o.code;
    if (o.table) {
        int end = cli_table_end(c, o.table);
        if (rc == CLI_GO_ON) rc = end;
    } else if (rc == CLI_GO_ON) {
        pt_json_end_array(&o.j);
        pt_buf_char(&o.out, '\n');
        rc = cli_put(c, &o.out);
    }
    if (st) rc = cli_fail(c, PT_EXIT_FAILED, "%s: %s", c->data_dir, err.text[0] ? err.text : pt_status_name(st));
    pt_buf_fini(&o.out);
    return cli_data_close(c, h, rc);
}

/* --- history --- */

/* Where samples go: rows, or a JSON series. Its times are written while they come; the columns behind them wait in spools. */
enum { VALUES, QUALITIES, NOTES, SPOOLS = NOTES + HIST_NOTES + CLI_MAX_FNS };
typedef struct series_out {
    cli_rows *rows; /* NULL: JSON */
    pt_json *json;  /* NULL: rows */
    pt_slice path;
    pt_buf text, bytes;       /* one value, as text and in base64 */
    cli_spool spools[SPOOLS]; /* JSON: values, qualities and notes, or one for each of q->fns */
    hist_notes notes;
    const cli_history *q;
    cli *c;
    hist *h;
    uint32_t tag_id;
    bool linear; /* a Float or Double: between two values there is a line */
    bool f32;    /* a Float tag: what is one of its values is written as short as the raw value is */
    int code;    /* CLI_GO_ON, or why to stop; said already */
} series_out;

/* The spools that have a use in this call. */
static size_t first_spool(const cli_history *q)
{
    return q->interval_ms ? NOTES + HIST_NOTES : 0;
}
static size_t last_spool(const cli_history *q)
{
    return NOTES + HIST_NOTES + (q->interval_ms ? q->n_fns : 0);
}

/* A row of the JSON series is made: what has gathered goes on. */
static bool row_made(series_out *o)
{
    o->code = put_some(o->c, o->json->out);
    for (size_t i = first_spool(o->q); i < last_spool(o->q) && o->code == CLI_GO_ON; i++)
        o->code = cli_spool_ease(&o->spools[i], o->c);
    return o->code == CLI_GO_ON;
}

static bool is_a_value(hist_fn fn)
{
    return fn == HIST_FN_MIN || fn == HIST_FN_MAX || fn == HIST_FN_FIRST || fn == HIST_FN_LAST;
}

static bool one_row(series_out *o, const hist_sample *s)
{
    spb_value v;
    char flags[5];
    cli_sample row = { .ms = s->time_ms,
                       .path = o->path,
                       .quality = spb_quality_name((spb_quality)s->quality),
                       .type = spb_datatype_name(s->type),
                       .flags = hist_flags_text(s->flags, flags) };
    pt_buf_reset(&o->text);
    pt_buf_reset(&o->bytes);
    hist_sample_value(s, &v);
    spb_value_text(&o->text, &v);
    if (!hist_text_exact(s)) hist_value_base64_cell(s, &o->bytes);
    if (pt_buf_status(&o->text) || pt_buf_status(&o->bytes)) {
        o->code = cli_fail(o->c, PT_EXIT_FAILED, "out of memory");
        return false;
    }
    row.value = pt_buf_view(&o->text);
    row.base64 = pt_buf_view(&o->bytes);
    cli_rows_sample(o->rows, &row);
    return o->rows->code == CLI_GO_ON;
}

static bool one_sample(void *ctx, const hist_sample *s)
{
    series_out *o = ctx;
    spb_value v;
    if (s->flags & HIST_STATE) return true;
    if (o->rows) return one_row(o, s);
    hist_value_for_json(s, &v);
    pt_json_i64(o->json, s->time_ms);
    spb_value_json(&o->spools[VALUES].j, &v);
    pt_buf_char(&o->spools[QUALITIES].text, spb_quality_letter((spb_quality)s->quality));
    hist_notes_add(&o->notes, s);
    return row_made(o);
}

static pt_status all_samples(hist *h, uint32_t tag_id, const cli_history *q, series_out *o, uint64_t *raw, pt_error *err)
{
    hist_cursor *cursor = NULL;
    hist_sample batch[BATCH];
    size_t n = 1;
    bool go_on = true;
    pt_status st = hist_cursor_open(h, tag_id, q->from_ms, q->to_ms, false, &cursor, err);
    while (!st && go_on && n) {
        if ((st = hist_cursor_next(cursor, batch, BATCH, &n, err)) == PT_ECORRUPT) { /* said, and gone on behind the damage */
            cli_fail(o->c, PT_EXIT_FAILED, "%s", err->text);
            o->c->damaged = true;
            st = PT_OK;
            n = 1;
            continue;
        }
        if (st) break;
        for (size_t i = 0; i < n && go_on; i++)
            go_on = one_sample(o, &batch[i]);
        *raw += n;
    }
    if (cursor) hist_cursor_close(cursor);
    return st;
}

static bool one_point(void *ctx, int64_t t_ms, double value, bool there)
{
    (void)t_ms;
    if (there) *(double *)ctx = value;
    return false;
}

/* The value at the beginning of the bucket; NaN: none. */
static double value_at_start(series_out *o, const hist_bucket *b)
{
    double v = (double)NAN;
    pt_error err = { 0 };
    pt_status st = hist_interpolate(o->h, o->tag_id, b->t_ms, b->t_ms + 1, 1, o->linear, one_point, &v, &err);
    if (st != PT_OK) {
        o->code = cli_fail(o->c, PT_EXIT_FAILED, "%.*s: %s", PT_SLICE_ARGS(o->path), err.text[0] ? err.text : pt_status_name(st));
    }
    return v;
}

static bool one_bucket(void *ctx, const hist_bucket *b)
{
    series_out *o = ctx;
    char text[CLI_MAX_FNS][32];
    pt_slice values[CLI_MAX_FNS];
    for (size_t i = 0; i < o->q->n_fns; i++) {
        const char *fn = o->q->fns[i];
        double v = 0;
        hist_fn known;
        size_t n = 0;
        if (strcmp(fn, CLI_INTERPOLATED) == 0) {
            v = value_at_start(o, b);
            n = v == v ? pt_f64_text(v, text[i]) : 0;
        } else if (strcmp(fn, CLI_COUNT) == 0) n = (size_t)snprintf(text[i], 32, "%llu", (unsigned long long)b->count);
        else if (hist_fn_parse(pt_cstr(fn), &known) == PT_OK && hist_fn_value(known, b, &v))
            n = o->f32 && is_a_value(known) ? pt_f32_text((float)v, text[i]) : pt_f64_text(v, text[i]);
        values[i] = pt_slice_of(text[i], n);
    }
    if (o->code != CLI_GO_ON) return false;
    if (o->rows) {
        cli_rows_bucket(o->rows, b->t_ms, o->path, values, o->q->n_fns);
        return o->rows->code == CLI_GO_ON;
    }
    pt_json_i64(o->json, b->t_ms);
    for (size_t i = 0; i < o->q->n_fns; i++) {
        pt_json *column = &o->spools[NOTES + HIST_NOTES + i].j;
        if (!values[i].len) pt_json_null(column);
        else if (values[i].ptr[values[i].len - 1] > '9') /* NaN, Infinity */ pt_json_str(column, values[i]);
        else pt_json_raw(column, values[i]);
    }
    return row_made(o);
}

/* The beginning of a series, up to the list of its times. */
static void series_begin(pt_json *j, const hist_tag *tag, const series_out *o)
{
    pt_json_object(j);
    pt_json_member_str(j, "path", o->path);
    pt_json_member_u64(j, "tag_id", tag->tag_id);
    pt_json_member_str(j, "unit", tag->unit.len ? tag->unit : PT_NONE);
    pt_json_member_cstr(j, "type", spb_datatype_name(tag->type));
    if (o->q->zone) {
        pt_json_member_cstr(j, "interval", o->q->interval);
        pt_json_member_cstr(j, "tz", o->q->zone);
    } else if (o->q->interval_ms) {
        pt_json_member_i64(j, "interval_ms", o->q->interval_ms);
    }
    pt_json_key(j, "t");
    pt_json_array(j);
}

/* A member whose value waits in a spool, between two characters. */
static void put_column(series_out *o, const char *name, char open, cli_spool *s, char close)
{
    pt_buf *out = o->json->out;
    if (o->code != CLI_GO_ON) return;
    pt_json_key(o->json, name);
    pt_buf_char(out, open);
    if (s->file) { /* too long to go through `out` */
        int rc = cli_put(o->c, out);
        pt_buf_reset(out);
        o->code = rc == PT_EXIT_OK ? cli_spool_put(s, o->c) : rc;
    } else {
        pt_buf_slice(out, pt_buf_view(&s->text));
    }
    pt_buf_char(out, close);
    o->json->comma = true;
    if (o->code == CLI_GO_ON) o->code = put_some(o->c, out);
}

static void series_end(series_out *o, uint64_t raw)
{
    pt_json_end_array(o->json);
    for (size_t i = 0; i < o->q->n_fns; i++)
        put_column(o, o->q->fns[i], '[', &o->spools[NOTES + HIST_NOTES + i], ']');
    if (!o->q->interval_ms) {
        put_column(o, "v", '[', &o->spools[VALUES], ']');
        put_column(o, "q", '"', &o->spools[QUALITIES], '"');
        pt_json_member_u64(o->json, "raw_count", raw);
        for (size_t i = 0; i < HIST_NOTES; i++)
            if (o->notes.any[i]) put_column(o, hist_note_names[i], '[', &o->spools[NOTES + i], ']');
    }
    pt_json_end_object(o->json);
}

static pt_status zone_buckets(hist *h, uint32_t tag_id, const cli_history *q, series_out *o, pt_error *err)
{
    hist_zone *z = NULL;
    hist_span span;
    int64_t *edges = NULL;
    size_t n = 0;
    pt_status st = hist_zone_open(NULL, pt_cstr(q->zone), &z, err);
    if (st == PT_OK) st = hist_span_parse(pt_cstr(q->interval), &span, err);
    if (st == PT_OK) st = hist_zone_edges(z, span, q->from_ms, q->to_ms, 10000000, &edges, &n, err);
    hist_zone_close(z);
    if (st == PT_OK) st = hist_buckets_at(h, tag_id, edges, n, one_bucket, o, err);
    free(edges);
    return st;
}

/* The tag of a path; CLI_GO_ON, or the exit code (said). */
static int tag_of(cli *c, hist *h, const char *path, pt_arena *arena, hist_tag *tag)
{
    pt_status st = hist_tag_by_path(h, pt_cstr(path), arena, tag);
    if (st == PT_OK) return CLI_GO_ON;
    return st == PT_ENOTFOUND ? cli_fail(c, PT_EXIT_FAILED, "there is no tag '%s' in %s", path, c->data_dir)
                              : cli_fail(c, PT_EXIT_FAILED, "%s: %s", c->data_dir, pt_status_name(st));
}

static pt_status read_series(series_out *o, uint64_t *raw, pt_error *err)
{
    const cli_history *q = o->q;
    if (q->zone) return zone_buckets(o->h, o->tag_id, q, o, err);
    if (q->interval_ms) return hist_buckets(o->h, o->tag_id, q->from_ms, q->to_ms, q->interval_ms, one_bucket, o, err);
    if (q->max_points)
        return (q->lttb ? hist_lttb : hist_reduce)(o->h, o->tag_id, q->from_ms, q->to_ms, q->max_points, one_sample, o, raw, err);
    return all_samples(o->h, o->tag_id, q, o, raw, err);
}

static int one_path(cli *c, hist *h, const cli_history *q, const char *path, cli_rows *rows, pt_json *json)
{
    series_out o = { .rows = rows, .json = json, .path = pt_cstr(path), .q = q, .c = c, .h = h, .code = CLI_GO_ON };
    hist_tag tag;
    pt_arena arena;
    pt_error err = { 0 };
    uint64_t raw = 0;
    pt_arena_init(&arena, 1 << 20);
    int rc = tag_of(c, h, path, &arena, &tag);
    if (rc != CLI_GO_ON) {
        pt_arena_fini(&arena);
        return rc;
    }
    o.tag_id = tag.tag_id;
    o.f32 = tag.type == SPB_FLOAT;
    o.linear = tag.type == SPB_FLOAT || tag.type == SPB_DOUBLE;
    o.notes.type = (uint8_t)tag.type;
    pt_buf_init(&o.text, MAX_VALUE);
    pt_buf_init(&o.bytes, MAX_VALUE);
    for (size_t i = 0; i < SPOOLS; i++)
        cli_spool_init(&o.spools[i]);
    for (size_t i = 0; i < HIST_NOTES; i++)
        o.notes.lists[i] = &o.spools[NOTES + i].text;
    if (json) series_begin(json, &tag, &o);
    pt_status st = read_series(&o, &raw, &err);
    if (rows && o.code == CLI_GO_ON) o.code = rows->code;
    if (st && o.code == CLI_GO_ON) o.code = cli_fail(c, PT_EXIT_FAILED, "%s: %s", path, err.text[0] ? err.text : pt_status_name(st));
    if (json && o.code == CLI_GO_ON) series_end(&o, raw);
    for (size_t i = 0; i < SPOOLS; i++)
        cli_spool_fini(&o.spools[i]);
    pt_buf_fini(&o.bytes);
    pt_buf_fini(&o.text);
    pt_arena_fini(&arena);
    return o.code;
}

/* Before anything is written: no document and no header for a call that fails. */
static int all_paths_known(cli *c, hist *h, const cli_history *q)
{
    int rc = CLI_GO_ON;
    for (size_t i = 0; i < q->n && rc == CLI_GO_ON; i++) {
        hist_tag tag;
        pt_arena arena;
        pt_arena_init(&arena, 1 << 20);
        rc = tag_of(c, h, q->paths[i], &arena, &tag);
        pt_arena_fini(&arena);
    }
    return rc;
}

static int history_json(cli *c, hist *h, const cli_history *q)
{
    pt_buf out;
    pt_json j;
    int rc = all_paths_known(c, h, q);
    pt_buf_init(&out, MAX_OUT);
    pt_json_init(&j, &out);
    pt_json_object(&j);
    pt_json_member_i64(&j, "from_ms", q->from_ms);
    pt_json_member_i64(&j, "to_ms", q->to_ms);
    pt_json_key(&j, "series");
    pt_json_array(&j);
    for (size_t i = 0; i < q->n && rc == CLI_GO_ON; i++)
        rc = one_path(c, h, q, q->paths[i], NULL, &j);
    pt_json_end_array(&j);
    pt_json_end_object(&j);
    pt_buf_char(&out, '\n');
    if (rc == CLI_GO_ON) rc = cli_put(c, &out);
    pt_buf_fini(&out);
    return rc;
}

static int history_rows(cli *c, hist *h, const cli_history *q)
{
    cli_rows rows;
    int rc = all_paths_known(c, h, q);
    cli_rows_begin(&rows, c, q);
    for (size_t i = 0; i < q->n && rc == CLI_GO_ON; i++)
        rc = one_path(c, h, q, q->paths[i], &rows, NULL);
    int end = cli_rows_end(&rows, rc != CLI_GO_ON);
    return rc == CLI_GO_ON ? end : rc;
}

int cli_data_history(cli *c, const cli_history *q)
{
    hist *h = NULL;
    int rc = cli_data_open(c, true, &h);
    if (rc != CLI_GO_ON) return rc;
    return cli_data_close(c, h, (q->format == CLI_JSON ? history_json : history_rows)(c, h, q));
}

/* --- replay --- */

static volatile sig_atomic_t interrupted; /* set by the handler, read between items */

static void on_interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
}

typedef struct pace {
    double speed;
    int64_t max_gap_ms;
    int64_t start_us, first_ms, last_ms, skipped_ms;
} pace;

/* Wait until the item recorded at `ms` is due; false when interrupted. */
static bool wait_until_due(pace *p, int64_t ms)
{
    if (p->speed <= 0) return true;
    if (p->start_us == 0) {
        p->start_us = pt_mono_us(pt_clock_system());
        p->first_ms = p->last_ms = ms;
    }
    if (p->max_gap_ms && ms - p->last_ms > p->max_gap_ms) p->skipped_ms += ms - p->last_ms - p->max_gap_ms;
    p->last_ms = ms;
    int64_t due_us = p->start_us + (int64_t)((double)(ms - p->first_ms - p->skipped_ms) * 1000 / p->speed);
    while (!interrupted) {
        int64_t left = due_us - pt_mono_us(pt_clock_system());
        if (left <= 0) return true;
        if (left > 200000) left = 200000;
        const struct timespec pause = { 0, (long)left * 1000 };
        nanosleep(&pause, NULL);
    }
    return false;
}

static int play(cli *c, hist *h, const cli_replay *r, const hist_replay_options *o, pt_buf *out)
{
    hist_replay *engine = NULL;
    hist_replay_item item;
    pt_error err = { 0 };
    pace p = { .speed = r->speed, .max_gap_ms = r->max_gap_ms };
    int rc = CLI_GO_ON;
    pt_status st = hist_replay_open(h, o, &engine, &err);
    while (!st && rc == CLI_GO_ON && !interrupted) {
        st = hist_replay_next(engine, &item, &err);
        if (st == PT_ECORRUPT) { /* said, and gone on behind the damage; the exit code remembers */
            cli_fail(c, PT_EXIT_FAILED, "%s", err.text);
            c->damaged = true;
            st = PT_OK;
            continue;
        }
        if (st || !wait_until_due(&p, item.time_ms)) break;
        int64_t wall = r->speed > 0 ? pt_wall_ms(pt_clock_system()) : -1;
        (r->csv ? hist_replay_csv : hist_replay_jsonl)(&item, wall, out);
        if (r->speed > 0 || out->len >= FLUSH_AT) {
            int put = cli_put(c, out);
            pt_buf_reset(out);
            if (put) rc = put;
        }
    }
    hist_replay_close(engine);
    if (rc == CLI_GO_ON && st && st != PT_EEMPTY)
        rc = cli_fail(c, PT_EXIT_FAILED, "%s: %s", c->data_dir, err.text[0] ? err.text : pt_status_name(st));
    return rc;
}

int cli_data_replay(cli *c, const cli_replay *r)
{
    pt_slice globs[CLI_MAX_LIST];
    struct sigaction action = { .sa_handler = on_interrupt };
    hist *h = NULL;
    pt_buf out;
    for (size_t i = 0; i < r->select->n; i++)
        globs[i] = pt_cstr(r->select->items[i]);
    const hist_replay_options o = {
        .from_ms = r->from_ms, .to_ms = r->to_ms, .select = globs, .n_select = r->select->n, .events = r->events
    };
    int rc = cli_data_open(c, true, &h);
    if (rc != CLI_GO_ON) return rc;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL); /* cannot fail for these signals */
    sigaction(SIGTERM, &action, NULL);
    pt_buf_init(&out, MAX_OUT);
    if (r->csv) hist_replay_csv_header(&out);
    for (uint64_t i = 0; i < r->loops && rc == CLI_GO_ON && !interrupted; i++)
        rc = play(c, h, r, &o, &out);
    int put = cli_put(c, &out);
    if (rc == CLI_GO_ON && put) rc = put;
    pt_buf_fini(&out);
    rc = cli_data_close(c, h, rc);
    return rc == PT_EXIT_OK && interrupted ? CLI_EXIT_INTERRUPTED : rc;
}
