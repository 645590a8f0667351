/* host/http/api_history.c -- recorded samples, aggregates and events. */
#include "historian/read/aggregate.h"
#include "historian/exchange/exact.h"
#include "historian/read/zone.h"
#include "host/http/api.h"
#include "host/query/changes.h"

#include "base/timestamp.h"
#include <stdlib.h>

enum { RAW_MAX = 1000000, BUCKETS_MAX = 100000, EVENTS_DEFAULT = 1000, EVENTS_MAX = 100000, READ = 1024 };

/* The columns of a series while they are collected. */
typedef struct series {
    pt_buf t, v, q, breaks, lists[HIST_NOTES];
    hist_notes notes; /* into `lists` */
    uint64_t n;
    bool int64_string;
} series;

static void series_init(series *s)
{
    pt_buf_init(&s->t, API_JSON_MAX);
    pt_buf_init(&s->v, API_JSON_MAX);
    pt_buf_init(&s->q, API_JSON_MAX);
    pt_buf_init(&s->breaks, API_JSON_MAX);
    s->notes = (hist_notes){ .n = 0 };
    for (size_t i = 0; i < HIST_NOTES; i++) {
        pt_buf_init(&s->lists[i], API_JSON_MAX);
        s->notes.lists[i] = &s->lists[i];
    }
    s->n = 0;
}

static void series_fini(series *s)
{
    pt_buf_fini(&s->t);
    pt_buf_fini(&s->v);
    pt_buf_fini(&s->q);
    pt_buf_fini(&s->breaks);
    for (size_t i = 0; i < HIST_NOTES; i++)
        pt_buf_fini(&s->lists[i]);
}

static bool series_ok(const series *s)
{
    bool ok = pt_buf_status(&s->t) == PT_OK && pt_buf_status(&s->v) == PT_OK && pt_buf_status(&s->q) == PT_OK &&
              pt_buf_status(&s->breaks) == PT_OK;
    for (size_t i = 0; i < HIST_NOTES; i++)
        ok = ok && pt_buf_status(&s->lists[i]) == PT_OK;
    return ok;
}

/* A state row is no sample: going stale is a break of the line, coming back is not told. */
static bool series_add(void *ctx, const hist_sample *h)
{
    series *s = ctx;
    if (h->flags & HIST_STATE) {
        if (h->quality == SPB_STALE) pt_buf_printf(&s->breaks, "%s%lld", s->breaks.len ? "," : "", (long long)h->time_ms);
        return series_ok(s);
    }
    spb_value v;
    pt_json j;
    hist_value_for_json(h, &v);
    hist_notes_add(&s->notes, h);
    pt_buf_printf(&s->t, "%s%lld", s->n ? "," : "", (long long)h->time_ms);
    if (s->n) pt_buf_char(&s->v, ',');
    pt_json_init(&j, &s->v);
    host__json_value(&j, &v, s->int64_string);
    pt_buf_char(&s->q, spb_quality_letter((spb_quality)h->quality));
    s->n++;
    return series_ok(s);
}

/* from, to and the tag; false: answered. */
static bool range_and_tag(const host_parts *app, pt_http_request *rq, int64_t *from, int64_t *to, pt_arena *arena, hist_tag *tag)
{
    uint64_t id = 0;
    int64_t now = pt_wall_ms(app->clock);
    *to = now + 1;
    *from = now - 3600000;
    if (!api__time(app, rq, "from", from) || !api__time(app, rq, "to", to) || !api__number(rq, "tag_id", UINT32_MAX, &id)) return false;
    if (*from > *to) {
        pt_http_problem(rq, 400, "bad-request", "from lies behind to");
        return false;
    }
    pt_slice path = pt_http_query(rq, "path");
    if (!id && (!path.ptr || !path.len)) {
        pt_http_problem(rq, 400, "bad-request", "path or tag_id is missing");
        return false;
    }
    pt_status st = id ? hist_tag_by_id(app->history, (uint32_t)id, arena, tag) : hist_tag_by_path(app->history, path, arena, tag);
    if (st == PT_OK) return true;
    if (st == PT_ENOTFOUND) pt_http_problem(rq, 404, "not-found", "there is no tag %.*s", PT_SLICE_ARGS(path));
    else pt_http_problem(rq, 500, "internal", "history cannot be read");
    return false;
}

static void series_head(pt_json *j, int64_t from, int64_t to, const hist_tag *tag)
{
    pt_json_object(j);
    pt_json_member_i64(j, "from_ms", from);
    pt_json_member_i64(j, "to_ms", to);
    pt_json_key(j, "series");
    pt_json_array(j);
    pt_json_object(j);
    pt_json_member_str(j, "path", tag->path);
    pt_json_member_u64(j, "tag_id", tag->tag_id);
    if (tag->unit.len) pt_json_member_str(j, "unit", tag->unit);
    else pt_json_member_null(j, "unit");
    pt_json_member_cstr(j, "type", spb_datatype_name(tag->type));
}

static void column(pt_json *j, const char *key, const pt_buf *b)
{
    pt_json_key(j, key);
    pt_json_array(j);
    if (b->len) pt_json_raw(j, pt_buf_view(b));
    pt_json_end_array(j);
}

/* Everything, up to RAW_MAX points. *next: where to go on; 0 when complete. *damaged: blocks that could not be read. */
static pt_status read_raw(const host_parts *app, uint32_t tag_id, int64_t from, int64_t to, series *s, int64_t *next, uint64_t *damaged,
                          pt_error *err)
{
    hist_cursor *c;
    hist_sample rows[READ];
    size_t n = 0;
    *next = 0;
    pt_status st = hist_cursor_open(app->history, tag_id, from, to, true, &c, err);
    if (st != PT_OK) return st;
    do {
        st = hist_cursor_next(c, rows, READ, &n, err);
        if (st == PT_ECORRUPT) {
            pt_logf(app->log, PT_LOG_ERROR, "HIST-CORRUPT", "%s", err->text);
            ++*damaged;
            st = PT_OK;
            n = n ? n : 1;
            continue;
        }
        for (size_t i = 0; st == PT_OK && i < n; i++) {
            if (s->n >= RAW_MAX) {
                *next = rows[i].time_ms;
                n = 0;
                break;
            }
            if (!series_add(s, &rows[i])) st = PT_ETOOBIG;
        }
    } while (st == PT_OK && n > 0);
    hist_cursor_close(c);
    return st;
}

void api__history(void *ctx, pt_http_request *rq)
{
    const host_parts *app = ctx;
    int64_t from, to, next = 0;
    uint64_t max_points = 0, raw = 0, damaged = 0;
    pt_arena arena;
    hist_tag tag;
    series s;
    pt_error err = { 0, "" };
    api__begin(rq);
    pt_slice reduce = pt_http_query(rq, "reduce");
    bool lttb = pt_slice_eq_cstr(reduce, "lttb");
    if (reduce.ptr && !lttb && !pt_slice_eq_cstr(reduce, "minmax")) {
        pt_http_problem(rq, 400, "bad-request", "reduce must be minmax or lttb");
        return;
    }
    series_init(&s);
    pt_arena_init(&arena, 1u << 20);
    if (api__int64_string(rq, &s.int64_string) && api__number(rq, "max_points", 1000000, &max_points) &&
        range_and_tag(app, rq, &from, &to, &arena, &tag)) {
        s.notes.type = (uint8_t)tag.type;
        pt_status st = max_points && lttb ? hist_lttb(app->history, tag.tag_id, from, to, (uint32_t)max_points, series_add, &s, &raw, &err)
                       : max_points ? hist_reduce(app->history, tag.tag_id, from, to, (uint32_t)max_points, series_add, &s, &raw, &err)
                                    : read_raw(app, tag.tag_id, from, to, &s, &next, &damaged, &err);
        if (!max_points) raw = s.n;
        pt_buf out;
        pt_json j;
        pt_buf_init(&out, API_JSON_MAX);
        pt_json_init(&j, &out);
        series_head(&j, from, to, &tag);
        column(&j, "t", &s.t);
        column(&j, "v", &s.v);
        pt_json_member_str(&j, "q", pt_buf_view(&s.q));
        pt_json_member_u64(&j, "raw_count", raw);
        pt_json_member_cstr(&j, "reduced", max_points && raw > s.n ? (lttb ? "lttb" : "minmax") : "raw");
        column(&j, "breaks", &s.breaks);
        for (size_t i = 0; i < HIST_NOTES; i++)
            if (s.lists[i].len) column(&j, hist_note_names[i], &s.lists[i]);
        if (damaged) pt_json_member_u64(&j, "damaged", damaged); /* before next_from_ms, which is looked for at the end */
        if (next) pt_json_member_i64(&j, "next_from_ms", next);
        pt_json_end_object(&j);
        pt_json_end_array(&j);
        pt_json_end_object(&j);
        if (st == PT_OK && series_ok(&s)) {
            pt_http_reply_json(rq, 200, &out);
        } else {
            pt_logf(app->log, PT_LOG_ERROR, "HIST-READ", "tag %u: %s: %s", tag.tag_id, pt_status_name(st), err.text);
            pt_http_problem(rq, 500, "internal", "history cannot be read");
        }
        pt_buf_fini(&out);
    }
    pt_arena_fini(&arena);
    series_fini(&s);
}

/* ---- aggregates ------------------------------------------------------------------------------------- */

/* The first eight are given when nothing is asked for; behind them is a column for each aggregate of the historian. */
enum { PLAIN = 8, COLUMNS = PLAIN + HIST_FN_COUNT_, INTERPOLATED = COLUMNS };
typedef struct buckets {
    pt_buf t, columns[COLUMNS + 1]; /* the last: INTERPOLATED, the value at each bucket's start */
    unsigned wanted;                /* bit per column */
    uint64_t n_interpolated;
    bool f32; /* a Float tag: what is one of its values is written as short as the raw value is */
    uint64_t n;
} buckets;
static const char *const bucket_names[PLAIN] = { "count", "good", "min", "max", "sum", "avg", "first", "last" };

static const char *column_name(int i)
{
    return i == INTERPOLATED ? "interpolated" : i < PLAIN ? bucket_names[i] : hist_fn_name((hist_fn)(i - PLAIN));
}

static bool buckets_ok(const buckets *k)
{
    bool ok = pt_buf_status(&k->t) == PT_OK;
    for (int i = 0; i <= COLUMNS; i++)
        ok = ok && pt_buf_status(&k->columns[i]) == PT_OK;
    return ok;
}

static bool add_bucket(void *ctx, const hist_bucket *b)
{
    buckets *k = ctx;
    const double values[PLAIN] = { 0, 0, b->min, b->max, b->sum, b->avg, b->first, b->last };
    char time[32];
    if (k->n) pt_buf_char(&k->t, ',');
    pt_buf_add(&k->t, time, pt_i64_text(b->t_ms, time));
    for (int i = 0; i < COLUMNS; i++) {
        double v = 0;
        pt_json j;
        if (!(k->wanted >> i & 1)) continue;
        pt_json_init(&j, &k->columns[i]);
        if (k->n) pt_buf_char(&k->columns[i], ',');
        if (i < 2) pt_json_u64(&j, i ? b->good : b->count);
        else if (i >= PLAIN && hist_fn_value((hist_fn)(i - PLAIN), b, &v)) pt_json_f64(&j, v);
        else if (i >= PLAIN || b->nums == 0) pt_json_null(&j);
        else if (k->f32 && (i == 2 || i == 3 || i >= 6)) pt_json_f32(&j, (float)values[i]); /* min, max, first, last */
        else pt_json_f64(&j, values[i]);
    }
    k->n++;
    return buckets_ok(k);
}

static bool add_interpolated(void *ctx, int64_t t_ms, double v, bool there)
{
    buckets *k = ctx;
    pt_json j;
    (void)t_ms;
    if (k->n_interpolated++) pt_buf_char(&k->columns[INTERPOLATED], ',');
    pt_json_init(&j, &k->columns[INTERPOLATED]);
    if (there) pt_json_f64(&j, v);
    else pt_json_null(&j);
    return buckets_ok(k);
}

/* At the start of each bucket: between numbers with fractions on the line, all else holds until it changes. */
static pt_status interpolate(const host_parts *app, const hist_tag *tag, int64_t from, int64_t to, int64_t interval, const int64_t *edges,
                             size_t n_edges, buckets *k, pt_error *err)
{
    bool linear = tag->type == SPB_FLOAT || tag->type == SPB_DOUBLE;
    pt_status st = PT_OK;
    if (!edges) return hist_interpolate(app->history, tag->tag_id, from, to, interval, linear, add_interpolated, k, err);
    for (size_t i = 0; i + 1 < n_edges && st == PT_OK; i++)
        st = hist_interpolate(app->history, tag->tag_id, edges[i], edges[i] + 1, 1, linear, add_interpolated, k, err);
    return st;
}

/* fn=min,max,avg: these columns, by our names or OPC UA's; absent: the plain ones. false: answered. */
static bool wanted_columns(pt_http_request *rq, unsigned *wanted)
{
    pt_slice list = pt_http_query(rq, "fn"), word;
    *wanted = (1u << PLAIN) - 1;
    if (!list.len) return true;
    *wanted = 0;
    while (list.ptr && pt_slice_split(&list, ',', &word)) {
        unsigned bit = 0;
        hist_fn fn;
        if (hist_fn_parse(word, &fn) == PT_OK) {
            word = pt_cstr(hist_fn_name(fn));
            bit = 1u << (PLAIN + fn);
        }
        for (unsigned i = 0; i < PLAIN; i++)
            if (pt_slice_eq_cstr(word, bucket_names[i])) bit = 1u << i;
        if (pt_slice_eq_cstr(word, "interpolated") || pt_slice_eq_cstr(word, "Interpolative")) bit = 1u << INTERPOLATED;
        if (!bit) {
            pt_http_problem(
                rq, 400, "bad-request",
                "fn: count, good, numbers, min, max, sum, avg, first, last, twa, total, delta, range, stddev, stddev_pop, percent_good, duration_good, samples or interpolated");
            return false;
        }
        *wanted |= bit;
    }
    return true;
}

/* tz=Europe/Berlin: edges of intervals of that zone's calendar. false: answered. */
static bool zone_edges(pt_http_request *rq, pt_slice zone, pt_slice interval, int64_t from, int64_t to, int64_t **edges, size_t *n)
{
    hist_zone *z = NULL;
    hist_span span;
    pt_error err = { 0, "" };
    if (!interval.len) {
        pt_http_problem(rq, 400, "bad-request", "tz needs an interval such as 15m, 8h, 1d, 1w, 1mo or 1y");
        return false;
    }
    pt_status st = hist_zone_open(NULL, zone, &z, &err);
    if (st == PT_OK) st = hist_span_parse(interval, &span, &err);
    if (st == PT_OK) st = hist_zone_edges(z, span, from, to, BUCKETS_MAX, edges, n, &err);
    hist_zone_close(z);
    if (st == PT_OK) return true;
    bool ours = st == PT_ENOMEM || st == PT_EIO;
    pt_http_problem(rq, ours ? 500 : 400, ours ? "internal" : "bad-request", "%s", err.text);
    return false;
}

void api__aggregate(void *ctx, pt_http_request *rq)
{
    const host_parts *app = ctx;
    int64_t from, to, interval = 0;
    pt_arena arena;
    hist_tag tag;
    pt_error err = { 0, "" };
    api__begin(rq);
    pt_slice text = pt_http_query(rq, "interval");
    uint64_t plain = 0, max_points = 0;
    pt_slice zone = pt_http_query(rq, "tz");
    int64_t *edges = NULL;
    size_t n_edges = 0;
    if (zone.ptr) interval = 1;
    else if (text.ptr && pt_slice_to_u64(text, &plain) && plain <= INT64_MAX) interval = (int64_t)plain; /* ms */
    else if (text.ptr && pt_duration_parse(text, &interval, &err) != PT_OK) {
        pt_http_problem(rq, 400, "bad-request", "interval: %s", err.text);
        return;
    }
    unsigned wanted;
    if (!api__number(rq, "max_points", BUCKETS_MAX, &max_points) || !wanted_columns(rq, &wanted)) return;
    pt_arena_init(&arena, 1u << 20);
    if (range_and_tag(app, rq, &from, &to, &arena, &tag)) {
        if (interval <= 0) interval = (to - from) / (int64_t)(max_points ? max_points : 1000) + 1;
        if (!zone.ptr && (to - from - 1) / interval >= BUCKETS_MAX) {
            pt_http_problem(rq, 400, "bad-request", "more than %d buckets; take a longer interval", BUCKETS_MAX);
        } else if (!zone.ptr || zone_edges(rq, zone, text, from, to, &edges, &n_edges)) {
            buckets k;
            k.n = k.n_interpolated = 0;
            k.wanted = wanted;
            k.f32 = tag.type == SPB_FLOAT;
            pt_buf_init(&k.t, API_JSON_MAX);
            for (int i = 0; i <= COLUMNS; i++)
                pt_buf_init(&k.columns[i], API_JSON_MAX);
            pt_status st = zone.ptr ? hist_buckets_at(app->history, tag.tag_id, edges, n_edges, add_bucket, &k, &err)
                                    : hist_buckets(app->history, tag.tag_id, from, to, interval, add_bucket, &k, &err);
            if (st == PT_OK && wanted >> INTERPOLATED & 1) st = interpolate(app, &tag, from, to, interval, edges, n_edges, &k, &err);
            pt_buf out;
            pt_json j;
            pt_buf_init(&out, API_JSON_MAX);
            pt_json_init(&j, &out);
            series_head(&j, from, to, &tag);
            if (zone.ptr) {
                pt_json_member_str(&j, "interval", text);
                pt_json_member_str(&j, "tz", zone);
            } else {
                pt_json_member_i64(&j, "interval_ms", interval);
            }
            column(&j, "t", &k.t);
            for (int i = 0; i <= COLUMNS; i++)
                if (wanted >> i & 1) column(&j, column_name(i), &k.columns[i]);
            pt_json_end_object(&j);
            pt_json_end_array(&j);
            pt_json_end_object(&j);
            if (st == PT_OK && buckets_ok(&k)) pt_http_reply_json(rq, 200, &out);
            else pt_http_problem(rq, 500, "internal", "history cannot be read");
            pt_buf_fini(&out);
            pt_buf_fini(&k.t);
            for (int i = 0; i <= COLUMNS; i++)
                pt_buf_fini(&k.columns[i]);
        }
    }
    free(edges);
    pt_arena_fini(&arena);
}

/* ---- time in each state ------------------------------------------------------------------------------ */

typedef struct states {
    pt_buf out;
    pt_json j;
    bool int64_string;
} states;

static bool add_state(void *ctx, const hist_sample *value, int64_t ms, uint64_t times)
{
    states *s = ctx;
    spb_value v;
    pt_json_object(&s->j);
    pt_json_key(&s->j, "value");
    if (value) {
        hist_sample_value(value, &v);
        host__json_value(&s->j, &v, s->int64_string);
    } else {
        pt_json_null(&s->j);
    }
    pt_json_member_i64(&s->j, "duration_ms", ms);
    pt_json_member_u64(&s->j, "times", times);
    pt_json_end_object(&s->j);
    return pt_buf_status(&s->out) == PT_OK;
}

void api__durations(void *ctx, pt_http_request *rq)
{
    const host_parts *app = ctx;
    int64_t from, to;
    pt_arena arena;
    hist_tag tag;
    states s;
    pt_error err = { 0, "" };
    api__begin(rq);
    pt_arena_init(&arena, 1u << 20);
    pt_buf_init(&s.out, API_JSON_MAX);
    pt_json_init(&s.j, &s.out);
    if (api__int64_string(rq, &s.int64_string) && range_and_tag(app, rq, &from, &to, &arena, &tag)) {
        series_head(&s.j, from, to, &tag);
        pt_json_key(&s.j, "states");
        pt_json_array(&s.j);
        pt_status st = hist_durations(app->history, tag.tag_id, from, to, add_state, &s, &err);
        pt_json_end_array(&s.j);
        pt_json_end_object(&s.j);
        pt_json_end_array(&s.j);
        pt_json_end_object(&s.j);
        if (st == PT_OK && pt_buf_status(&s.out) == PT_OK) pt_http_reply_json(rq, 200, &s.out);
        else if (st == PT_ETOOBIG) pt_http_problem(rq, 422, "validation", "more than 10000 different values: this tag has no states");
        else pt_http_problem(rq, 500, "internal", "history cannot be read");
    }
    pt_buf_fini(&s.out);
    pt_arena_fini(&arena);
}

/* ---- events ------------------------------------------------------------------------------------------ */

static bool add_event(void *ctx, const hist_event *e)
{
    pt_json *j = ctx;
    pt_json_object(j);
    pt_json_member_u64(j, "seq", e->seq);
    host_event_members(j, e);
    pt_json_end_object(j);
    return pt_buf_status(j->out) == PT_OK;
}

void api__events(void *ctx, pt_http_request *rq)
{
    const host_parts *app = ctx;
    hist_event_filter f = { .from_ms = INT64_MIN, .to_ms = INT64_MAX };
    uint64_t limit = EVENTS_DEFAULT;
    pt_buf out;
    pt_json j;
    pt_error err = { 0, "" };
    api__begin(rq);
    if (!api__time(app, rq, "from", &f.from_ms) || !api__time(app, rq, "to", &f.to_ms) || !api__number(rq, "limit", EVENTS_MAX, &limit) ||
        !api__number(rq, "after", UINT64_MAX, &f.after_seq))
        return;
    pt_slice order = pt_http_query(rq, "order");
    if (order.ptr && !pt_slice_eq_cstr(order, "oldest") && !pt_slice_eq_cstr(order, "newest")) {
        pt_http_problem(rq, 400, "bad-request", "order must be oldest or newest");
        return;
    }
    f.newest_first = pt_slice_eq_cstr(order, "newest");
    f.types = pt_http_query(rq, "type");
    f.node = pt_http_query(rq, "node");
    f.path = pt_http_query(rq, "path");
    if (!f.types.len) f.types = PT_NONE;
    if (!f.node.len) f.node = PT_NONE;
    if (!f.path.len) f.path = PT_NONE;
    f.limit = (uint32_t)limit;
    pt_buf_init(&out, API_JSON_MAX);
    pt_json_init(&j, &out);
    pt_json_array(&j);
    pt_status st = hist_events(app->history, &f, add_event, &j, &err);
    pt_json_end_array(&j);
    if (st == PT_OK) pt_http_reply_json(rq, 200, &out);
    else pt_http_problem(rq, 500, "internal", "the events cannot be read");
    pt_buf_fini(&out);
}
