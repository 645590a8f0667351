/* host/query/history.c -- samples, buckets and states of the selected tags, a step at a time.
 *
 *     SERIES (a tag begins) --> ROWS (a batch, or all there are where they are bounded) --> END (columns that waited) --> SERIES ... -->
 * DONE
 */
#include "historian/read/zone.h"
#include "host/query/run.h"

#include <math.h>
#include <stdlib.h>

enum { BATCH = 1024, BUCKETS_A_STEP = 4096, ROWS_A_STEP = 4096 };

typedef struct history_run {
    query_run run;
    query_history q; /* its texts are the arena's */
    query_tags tags;
    unsigned fns[QUERY_FNS];
    const char *columns[QUERY_FNS];
    int64_t *edges; /* owned; of a zone's calendar */
    size_t n_edges;
    enum { AT_SERIES, AT_ROWS, AT_END, AT_DONE } at;
    size_t tag;
    hist_cursor *cursor; /* owned; all samples */
    int64_t bucket;      /* the next one */
    query_series_end end;
    /* of the step under way */
    pt_buf *out;
    pt_error *err;
    pt_status status;
    double *starts; /* interpolated values of the buckets of the step; NaN: none */
    size_t n_starts;
} history_run;

/* ---- columns of buckets ------------------------------------------------------------------------------------------ */

const unsigned query_plain_fns[] = { QUERY_FN_COUNT, QUERY_FN_GOOD, HIST_FN_MIN,   HIST_FN_MAX,
                                     HIST_FN_SUM,    HIST_FN_AVG,   HIST_FN_FIRST, HIST_FN_LAST };
const size_t query_n_plain_fns = PT_COUNT_OF(query_plain_fns);

const char *query_fn_name(unsigned fn)
{
    switch (fn) {
    case QUERY_FN_COUNT: return "count";
    case QUERY_FN_GOOD: return "good";
    case QUERY_FN_INTERPOLATED: return "interpolated";
    default: return hist_fn_name((hist_fn)fn);
    }
}

static bool fn_of(pt_slice word, unsigned *out)
{
    hist_fn fn;
    if (hist_fn_parse(word, &fn) == PT_OK) {
        *out = fn;
        return true;
    }
    if (pt_slice_eq_cstr(word, "Interpolative")) word = PT_LIT("interpolated");
    for (*out = QUERY_FN_COUNT; *out < QUERY_FNS; ++*out)
        if (pt_slice_eq_cstr(word, query_fn_name(*out))) return true;
    return false;
}

pt_status query_fns_parse(pt_slice list, unsigned fns[QUERY_FNS], size_t *n, pt_error *err)
{
    pt_slice word;
    *n = 0;
    while (list.len && pt_slice_split(&list, ',', &word)) {
        unsigned fn;
        if (!fn_of(word, &fn))
            return pt_fail(
                err, PT_EINVAL,
                "'%.*s' is not one of count, good, numbers, min, max, sum, avg, first, last, twa, total, delta, range, stddev, stddev_pop, percent_good, duration_good, samples, interpolated",
                PT_SLICE_ARGS(word));
        for (size_t i = 0; i < *n; i++)
            if (fns[i] == fn) return pt_fail(err, PT_EINVAL, "%s is given twice", query_fn_name(fn));
        fns[(*n)++] = fn;
    }
    return *n ? PT_OK : pt_fail(err, PT_EINVAL, "no aggregate is named");
}

static bool is_a_value(unsigned fn)
{
    return fn == HIST_FN_MIN || fn == HIST_FN_MAX || fn == HIST_FN_FIRST || fn == HIST_FN_LAST;
}

static query_number number_of(const history_run *h, unsigned fn, const hist_bucket *b, size_t index)
{
    query_number v = { .kind = QUERY_NO_NUMBER };
    double d = 0;
    if (fn == QUERY_FN_COUNT || fn == QUERY_FN_GOOD) {
        v.kind = QUERY_U64;
        v.as.u64 = fn == QUERY_FN_COUNT ? b->count : b->good;
    } else if (fn == QUERY_FN_INTERPOLATED) {
        d = index < h->n_starts ? h->starts[index] : (double)NAN;
        if (d == d) v = (query_number){ .kind = QUERY_F64, .as.f64 = d };
    } else if (hist_fn_value((hist_fn)fn, b, &d)) {
        /* a Float tag: what is one of its values is written as short as the raw value is */
        bool f32 = h->tags.items[h->tag].type == SPB_FLOAT && is_a_value(fn);
        v = (query_number){ .kind = f32 ? QUERY_F32 : QUERY_F64, .as.f64 = d };
    }
    return v;
}

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

static bool one_sample(void *ctx, const hist_sample *s)
{
    history_run *h = ctx;
    h->status = query_sink_sample(h->run.sink, h->out, s, h->err);
    return h->status == PT_OK;
}

/* A batch; PT_ECLOSED: there was none. A damaged block is said, counted, and gone on behind. */
static pt_status some_samples(history_run *h)
{
    const hist_sample *rows;
    size_t n = 0;
    pt_status st = hist_cursor_view(h->cursor, &rows, &n, h->err);
    if (st == PT_ECORRUPT) {
        pt_logf(h->run.src.log, PT_LOG_ERROR, "HIST-CORRUPT", "%s", h->err->text);
        h->end.damaged++;
        h->run.damaged++;
        return PT_OK;
    }
    if (st != PT_OK) return st;
    for (size_t i = 0; i < n; i++) {
        if (!one_sample(h, &rows[i])) return h->status;
        h->end.raw_count += !(rows[i].flags & HIST_STATE);
    }
    return n ? PT_OK : PT_ECLOSED;
}

static pt_status step_samples(history_run *h)
{
    const size_t enough = h->out->len + QUERY_STEP_BYTES; /* whatever the caller has gathered before */
    pt_status st = PT_OK;
    for (size_t rows = 0; st == PT_OK && rows < ROWS_A_STEP && h->out->len < enough; rows += BATCH)
        st = some_samples(h);
    return st;
}

static pt_status reduced_samples(history_run *h)
{
    const query_history *q = &h->q;
    hist_line line = h->tags.items[h->tag].line;
    pt_status st = (q->lttb ? hist_lttb : hist_reduce)(h->run.src.history, line, q->from_ms, q->to_ms, q->max_points, one_sample, h,
                                                       &h->end.raw_count, h->err);
    if (st == PT_OK) st = h->status;
    return st == PT_OK ? PT_ECLOSED : st;
}

static bool one_start(void *ctx, int64_t t_ms, double value, bool there)
{
    history_run *h = ctx;
    (void)t_ms;
    h->starts[h->n_starts++] = there ? value : (double)NAN;
    return h->n_starts < BUCKETS_A_STEP;
}

typedef struct bucket_rows {
    history_run *h;
    size_t index;
} bucket_rows;

static bool one_bucket(void *ctx, const hist_bucket *b)
{
    bucket_rows *k = ctx;
    history_run *h = k->h;
    query_number values[QUERY_FNS];
    for (size_t i = 0; i < h->q.n_fns; i++)
        values[i] = number_of(h, h->fns[i], b, k->index);
    k->index++;
    h->status = query_sink_bucket(h->run.sink, h->out, b->t_ms, values, h->err);
    return h->status == PT_OK;
}

/* At the start of each bucket: between numbers with fractions on the line, all else holds until it changes. */
static pt_status interpolate(history_run *h, int64_t from, int64_t to, const int64_t *edges, size_t n)
{
    const query_tag *t = &h->tags.items[h->tag];
    bool linear = t->type == SPB_FLOAT || t->type == SPB_DOUBLE;
    pt_status st = PT_OK;
    h->n_starts = 0;
    if (!h->starts && !(h->starts = malloc(BUCKETS_A_STEP * sizeof *h->starts))) return pt_fail(h->err, PT_ENOMEM, "out of memory");
    if (!edges) return hist_interpolate(h->run.src.history, t->line, from, to, h->q.interval_ms, linear, one_start, h, h->err);
    for (size_t i = 0; i + 1 < n && st == PT_OK; i++)
        st = hist_interpolate(h->run.src.history, t->line, edges[i], edges[i] + 1, 1, linear, one_start, h, h->err);
    return st;
}

static bool wants_starts(const history_run *h)
{
    for (size_t i = 0; i < h->q.n_fns; i++)
        if (h->fns[i] == QUERY_FN_INTERPOLATED) return true;
    return false;
}

static pt_status some_buckets(history_run *h)
{
    const query_history *q = &h->q;
    hist_line line = h->tags.items[h->tag].line;
    bucket_rows k = { h, 0 };
    pt_status st = PT_OK;
    if (h->edges) {
        size_t first = (size_t)h->bucket, n = h->n_edges - first < BUCKETS_A_STEP + 1 ? h->n_edges - first : BUCKETS_A_STEP + 1;
        if (n < 2) return PT_ECLOSED;
        if (wants_starts(h)) st = interpolate(h, 0, 0, h->edges + first, n);
        if (st == PT_OK) st = hist_buckets_at(h->run.src.history, line, h->edges + first, n, one_bucket, &k, h->err);
        h->bucket += (int64_t)n - 1;
    } else {
        if (h->bucket >= q->to_ms) return PT_ECLOSED;
        int64_t to = (q->to_ms - h->bucket) / BUCKETS_A_STEP < q->interval_ms ? q->to_ms : h->bucket + q->interval_ms * BUCKETS_A_STEP;
        if (wants_starts(h)) st = interpolate(h, h->bucket, to, NULL, 0);
        if (st == PT_OK) st = hist_buckets(h->run.src.history, line, h->bucket, to, q->interval_ms, one_bucket, &k, h->err);
        h->bucket = to;
    }
    return st == PT_OK ? h->status : st;
}

static bool one_state(void *ctx, const hist_sample *value, int64_t ms, uint64_t times)
{
    history_run *h = ctx;
    h->status = query_sink_state(h->run.sink, h->out, value, ms, times, h->err);
    return h->status == PT_OK;
}

static pt_status all_states(history_run *h)
{
    const query_tag *t = &h->tags.items[h->tag];
    pt_status st = hist_durations(h->run.src.history, t->line, h->q.from_ms, h->q.to_ms, one_state, h, h->err);
    if (st == PT_ETOOBIG) return pt_fail(h->err, st, "%.*s has more than 10000 different values: it has no states", PT_SLICE_ARGS(t->path));
    if (st == PT_OK) st = h->status;
    return st == PT_OK ? PT_ECLOSED : st;
}

/* ---- the run -------------------------------------------------------------------------------------------------------------- */

static pt_status begin_series(history_run *h)
{
    const query_history *q = &h->q;
    const query_tag *t = &h->tags.items[h->tag];
    bool buckets = q->shape == QUERY_BUCKETS;
    query_series s = { .path = t->path,
                       .unit = t->unit,
                       .tag_id = t->tag_id,
                       .type = t->type,
                       .interval_ms = buckets && !h->edges ? q->interval_ms : 0,
                       .interval = buckets ? q->interval : PT_NONE,
                       .zone = buckets ? q->zone : PT_NONE,
                       .columns = h->columns,
                       .n_columns = q->n_fns };
    h->end = (query_series_end){ .reduced = "raw" };
    h->bucket = h->edges ? 0 : q->from_ms;
    pt_status st = query_sink_series(h->run.sink, h->out, &s, h->err);
    if (st == PT_OK && q->shape == QUERY_SAMPLES && !q->max_points)
        st = hist_cursor_open(h->run.src.history, t->line, q->from_ms, q->to_ms, true, &h->cursor, h->err);
    return st;
}

static pt_status rows(history_run *h)
{
    switch (h->q.shape) {
    case QUERY_SAMPLES: return h->q.max_points ? reduced_samples(h) : step_samples(h);
    case QUERY_BUCKETS: return some_buckets(h);
    case QUERY_DURATIONS: return all_states(h);
    }
    return PT_EINVAL;
}

static pt_status end_series(history_run *h)
{
    hist_cursor_close(h->cursor);
    h->cursor = NULL;
    if (h->q.max_points && h->end.raw_count > query_sink_rows(h->run.sink)) h->end.reduced = h->q.lttb ? "lttb" : "minmax";
    return query_sink_series_end(h->run.sink, h->out, &h->end, h->err);
}

static pt_status step_history(query_run *r, pt_buf *out, pt_error *err)
{
    history_run *h = (history_run *)r;
    pt_status st = PT_OK;
    h->out = out;
    h->err = err;
    h->status = PT_OK;
    if (h->at == AT_SERIES && h->tag == h->tags.n) {
        query_sink_end(r->sink, out);
        h->at = AT_DONE;
    }
    switch (h->at) {
    case AT_SERIES:
        st = begin_series(h);
        h->at = AT_ROWS;
        return st;
    case AT_ROWS:
        st = rows(h);
        if (st != PT_ECLOSED) return st;
        h->at = AT_END;
        return PT_OK;
    case AT_END:
        st = end_series(h);
        if (st != PT_ECLOSED) return st;
        h->tag++;
        h->at = AT_SERIES;
        return PT_OK;
    case AT_DONE: break;
    }
    return PT_ECLOSED;
}

static void free_history(query_run *r)
{
    history_run *h = (history_run *)r;
    hist_cursor_close(h->cursor);
    free(h->tags.items);
    free(h->edges);
    free(h->starts);
}

/* Edges of intervals of the zone's calendar. */
static pt_status zone_edges(history_run *h, pt_error *err)
{
    hist_zone *z = NULL;
    hist_span span;
    if (!h->q.interval.len) return pt_fail(err, PT_EINVAL, "tz needs an interval such as 15m, 8h, 1d, 1w, 1mo or 1y");
    pt_status st = hist_zone_open(NULL, h->q.zone, &z, err);
    if (st == PT_OK) st = hist_span_parse(h->q.interval, &span, err);
    if (st == PT_OK) st = hist_zone_edges(z, span, h->q.from_ms, h->q.to_ms, QUERY_BUCKETS_MAX, &h->edges, &h->n_edges, err);
    hist_zone_close(z);
    if (st == PT_OK && !h->edges && !(h->edges = calloc(1, sizeof *h->edges))) st = pt_fail(err, PT_ENOMEM, "out of memory");
    return st == PT_ENOTFOUND || st == PT_EMALFORMED || st == PT_ETOOBIG ? PT_EINVAL : st;
}

static pt_status prepare_buckets(history_run *h, pt_error *err)
{
    query_history *q = &h->q;
    const unsigned *fns = q->n_fns ? q->fns : query_plain_fns;
    q->n_fns = q->n_fns ? q->n_fns : query_n_plain_fns;
    for (size_t i = 0; i < q->n_fns; i++) {
        h->fns[i] = fns[i];
        h->columns[i] = query_fn_name(fns[i]);
    }
    if (q->zone.len) return zone_edges(h, err);
    if (q->interval_ms <= 0) q->interval_ms = (q->to_ms - q->from_ms) / (int64_t)(q->max_points ? q->max_points : 1000) + 1;
    if (q->to_ms > q->from_ms && (q->to_ms - q->from_ms - 1) / q->interval_ms >= QUERY_BUCKETS_MAX)
        return pt_fail(err, PT_EINVAL, "more than %d intervals; take longer ones", QUERY_BUCKETS_MAX);
    return PT_OK;
}

static pt_status prepare(history_run *h, const query_history *q, pt_error *err)
{
    h->q = *q;
    h->q.interval = q->interval.len ? pt_arena_dup(&h->run.arena, q->interval) : PT_NONE;
    h->q.zone = q->zone.len ? pt_arena_dup(&h->run.arena, q->zone) : PT_NONE;
    if ((q->interval.len && !h->q.interval.ptr) || (q->zone.len && !h->q.zone.ptr)) return pt_fail(err, PT_ENOMEM, "out of memory");
    if (q->from_ms > q->to_ms) return pt_fail(err, PT_EINVAL, "from lies behind to");
    pt_status st = q->shape == QUERY_BUCKETS ? prepare_buckets(h, err) : PT_OK;
    if (st == PT_OK)
        st = q->tag_id ? query__select_id(&h->run, q->tag_id, &h->tags, err) : query__select(&h->run, q->paths, q->n_paths, &h->tags, err);
    h->q.paths = NULL;
    h->q.fns = NULL;
    return st;
}

static pt_status step_first(query_run *r, pt_buf *out, pt_error *err)
{
    static const query_series_kind kinds[] = {
        [QUERY_SAMPLES] = QUERY_OF_SAMPLES, [QUERY_BUCKETS] = QUERY_OF_BUCKETS, [QUERY_DURATIONS] = QUERY_OF_STATES
    };
    history_run *h = (history_run *)r;
    query_sink_begin(r->sink, out, kinds[h->q.shape], h->q.from_ms, h->q.to_ms, h->columns, h->q.n_fns);
    r->step = step_history;
    return step_history(r, out, err);
}

pt_status query_history_open(const query_source *src, const query_scope *scope, const query_history *q, query_sink *sink, query_run **out,
                             pt_error *err)
{
    history_run *h = (history_run *)query__run_new(sizeof *h, src, scope, sink);
    *out = NULL;
    if (!h) return pt_fail(err, PT_ENOMEM, "out of memory");
    h->run.step = step_first;
    h->run.free = free_history;
    pt_status st = prepare(h, q, err);
    if (st != PT_OK) query_close(&h->run);
    else *out = &h->run;
    return st;
}
