/* host/cli/verb_history.c -- recorded values, from the host or from a data directory. */
#include "host/cli/cli.h"
#include "historian/read/aggregate.h"
#include "historian/exchange/exact.h"
#include "host/cli/data.h"
#include "historian/read/zone.h"

#include <stdlib.h>

#define FN_NAMES \
    "count, numbers, min, max, avg, sum, first, last, twa, total, delta, range, stddev, stddev_pop, percent_good, duration_good, samples, interpolated"

/* --- from the host --- */

static char *target_of(const cli_history *q, size_t i, int64_t from_ms)
{
    pt_buf target;
    pt_buf_init(&target, 1 << 16);
    pt_buf_cstr(&target, q->interval_ms ? "/api/v1/aggregate" : "/api/v1/history");
    cli_query(&target, "path", q->paths[i]);
    cli_query_ms(&target, "from", from_ms);
    cli_query_ms(&target, "to", q->to_ms);
    if (q->max_points) cli_query_ms(&target, "max_points", q->max_points);
    if (q->lttb) cli_query(&target, "reduce", "lttb");
    if (!q->interval_ms && q->format != CLI_JSON) cli_query(&target, "int64", "string"); /* jansson holds none beyond 2^63 */
    if (q->zone) {
        cli_query(&target, "interval", q->interval);
        cli_query(&target, "tz", q->zone);
    } else if (q->interval_ms) {
        cli_query_ms(&target, "interval", q->interval_ms);
    }
    if (q->n_fns) {
        char fns[] = FN_NAMES; /* as long as all of them, each once */
        for (size_t k = 0, n = 0; k < q->n_fns; k++)
            n += (size_t)snprintf(fns + n, sizeof fns - n, "%s%s", k ? "," : "", q->fns[k]);
        cli_query(&target, "fn", fns);
    }
    return pt_buf_take(&target, NULL);
}

/* A list of notes beside the columns (historian/exchange/exact.h), walked along with them. */
typedef struct notes {
    const json_t *list;
    size_t next;
    const char *text; /* of the last item passed */
} notes;

/* Is there an item for this index? */
static bool note_at(notes *o, size_t index)
{
    const json_t *item = json_array_get(o->list, o->next);
    if (!item || cli_int(json_array_get(item, 0)) != (int64_t)index) return false;
    o->text = json_string_value(json_array_get(item, 1));
    o->next++;
    return o->text != NULL;
}

static bool is_number_in_text(const json_t *v)
{
    uint64_t u;
    int64_t i;
    pt_slice text = json_is_string(v) ? pt_slice_of(json_string_value(v), json_string_length(v)) : PT_NONE;
    return pt_slice_to_u64(text, &u) || pt_slice_to_i64(text, &i);
}

/* As the files' own text: the host was asked to give wide integers as texts, also among the elements of an array. */
static void value_text(pt_buf *out, const json_t *v, const char *type)
{
    pt_json j;
    if (!json_is_array(v) || strcmp(type, "StringArray") == 0) {
        cli_value_text(out, v);
        return;
    }
    pt_json_init(&j, out);
    pt_json_array(&j);
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *element = json_array_get(v, i);
        if (is_number_in_text(element)) pt_json_raw(&j, pt_cstr(json_string_value(element)));
        else cli_json_value(&j, element);
    }
    pt_json_end_array(&j);
}

/* No bytes at all: what JSON can only say as null, an empty document, is the empty text of CSV; else it is said. */
static pt_slice base64_cell(const char *text, const json_t *value)
{
    return text[0] ? pt_cstr(text) : json_is_null(value) ? PT_NONE : PT_LIT("=");
}

static void sample_rows(cli_rows *r, const json_t *s)
{
    const json_t *t = json_object_get(s, "t"), *v = json_object_get(s, "v");
    const char *path = cli_str(s, "path"), *q = cli_str(s, "q"), *type = cli_str(s, "type");
    size_t letters = q ? strlen(q) : 0;
    notes o[HIST_NOTES];
    pt_buf text;
    for (size_t k = 0; k < HIST_NOTES; k++)
        o[k] = (notes){ json_object_get(s, hist_note_names[k]), 0, k == HIST_NOTE_TYPES && type ? type : "" };
    pt_buf_init(&text, 64 << 20);
    for (size_t i = 0; i < json_array_size(t) && r->code == CLI_GO_ON; i++) {
        const json_t *value = json_array_get(v, i);
        bool bytes = note_at(&o[HIST_NOTE_BASE64], i);
        (void)note_at(&o[HIST_NOTE_TYPES], i);
        (void)note_at(&o[HIST_NOTE_FLAGS], i);
        char flags[8];
        snprintf(flags, sizeof flags, "%s%.4s", json_is_null(value) && !bytes ? "N" : "", o[HIST_NOTE_FLAGS].text);
        pt_buf_reset(&text);
        value_text(&text, value, o[HIST_NOTE_TYPES].text);
        const cli_sample sample = { .ms = cli_int(json_array_get(t, i)),
                                    .path = pt_cstr(path),
                                    .value = pt_buf_view(&text),
                                    .type = o[HIST_NOTE_TYPES].text,
                                    .flags = flags,
                                    .quality = letters ? cli_quality_word(i < letters ? q[i] : q[letters - 1]) : "GOOD",
                                    .base64 = bytes ? base64_cell(o[HIST_NOTE_BASE64].text, value) : PT_NONE };
        cli_rows_sample(r, &sample);
    }
    pt_buf_fini(&text);
}

static void bucket_rows(cli_rows *r, const json_t *s, const cli_history *q)
{
    const json_t *t = json_object_get(s, "t");
    for (size_t i = 0; i < json_array_size(t) && r->code == CLI_GO_ON; i++) {
        pt_buf text[CLI_MAX_FNS];
        pt_slice values[CLI_MAX_FNS];
        for (size_t k = 0; k < q->n_fns; k++) {
            pt_buf_init(&text[k], 1 << 20);
            cli_value_text(&text[k], json_array_get(json_object_get(s, q->fns[k]), i));
            values[k] = pt_buf_view(&text[k]);
        }
        cli_rows_bucket(r, cli_int(json_array_get(t, i)), pt_cstr(cli_str(s, "path")), values, q->n_fns);
        for (size_t k = 0; k < q->n_fns; k++)
            pt_buf_fini(&text[k]);
    }
}

/* A host gives long ranges in parts; said here, because JSON that was passed on as it came is the first part only. */
static int whole(const cli *c, const cli_answer *a)
{
    pt_slice body = pt_buf_view(&a->body), tail = body.len > 64 ? pt_slice_from(body, body.len - 64) : body; /* the last member */
    for (; tail.len > 0; tail = pt_slice_from(tail, 1)) {
        if (pt_slice_starts(tail, PT_LIT("\"next_from_ms\":")))
            return cli_fail(c, PT_EXIT_FAILED, "this is the first part: go on with --from at its next_from_ms, or use --format csv");
    }
    return CLI_GO_ON;
}

/* What one answer holds goes behind what the others did. */
static int add_series(cli *c, cli_answer *a, cli_spool *out)
{
    int rc = whole(c, a);
    if (rc == CLI_GO_ON) rc = cli_answer_json(c, a);
    const json_t *series = rc == CLI_GO_ON ? json_object_get(a->json, "series") : NULL;
    for (size_t k = 0; k < json_array_size(series); k++)
        cli_json_value(&out->j, json_array_get(series, k));
    return rc == CLI_GO_ON ? cli_spool_ease(out, c) : rc;
}

/* One answer per path; several are joined into one document of the same shape. */
static int as_json(cli *c, const cli_history *q)
{
    cli_spool out;
    int rc = CLI_GO_ON;
    cli_spool_init(&out);
    pt_json_object(&out.j);
    pt_json_member_i64(&out.j, "from_ms", q->from_ms);
    pt_json_member_i64(&out.j, "to_ms", q->to_ms);
    pt_json_key(&out.j, "series");
    pt_json_array(&out.j);
    for (size_t i = 0; i < q->n && rc == CLI_GO_ON; i++) {
        cli_answer a = { 0 };
        char *target = target_of(q, i, q->from_ms);
        rc = target ? cli_get(c, target, &a) : cli_fail(c, PT_EXIT_FAILED, "out of memory");
        free(target);
        if (rc == CLI_GO_ON && q->n == 1) {
            rc = cli_put_json(c, &a);
            int part = whole(c, &a);
            cli_release(&a);
            cli_spool_fini(&out);
            return part == CLI_GO_ON ? rc : part;
        }
        if (rc == CLI_GO_ON) rc = add_series(c, &a, &out);
        cli_release(&a);
    }
    pt_json_end_array(&out.j);
    pt_json_end_object(&out.j);
    pt_buf_char(&out.text, '\n');
    if (rc == CLI_GO_ON) rc = cli_spool_put(&out, c);
    cli_spool_fini(&out);
    return rc == CLI_GO_ON ? PT_EXIT_OK : rc;
}

/* Rows of one path; the host gives long ranges in parts, each naming where the next begins. */
static int path_rows(cli *c, const cli_history *q, size_t i, cli_rows *r)
{
    int64_t from_ms = q->from_ms;
    int rc = CLI_GO_ON;
    while (rc == CLI_GO_ON && from_ms < q->to_ms) {
        cli_answer a = { 0 };
        char *target = target_of(q, i, from_ms);
        rc = target ? cli_get(c, target, &a) : cli_fail(c, PT_EXIT_FAILED, "out of memory");
        free(target);
        if (rc == CLI_GO_ON) rc = cli_answer_json(c, &a);
        const json_t *series = rc == CLI_GO_ON ? json_object_get(a.json, "series") : NULL;
        int64_t next_ms = 0;
        for (size_t k = 0; k < json_array_size(series); k++) {
            const json_t *s = json_array_get(series, k);
            if (q->interval_ms) bucket_rows(r, s, q);
            else sample_rows(r, s);
            next_ms = cli_i64(s, "next_from_ms");
            if (cli_i64(s, "damaged")) {
                c->damaged = true;
                (void)cli_fail(c, PT_EXIT_FAILED, "%s: %lld blocks could not be read; what they hold is missing here", q->paths[i],
                               (long long)cli_i64(s, "damaged"));
            }
        }
        if (rc == CLI_GO_ON) rc = r->code;
        cli_release(&a);
        if (next_ms <= from_ms) break;
        from_ms = next_ms;
    }
    return rc;
}

static int from_host(cli *c, const cli_history *q)
{
    cli_rows r;
    int rc = CLI_GO_ON;
    if (q->format == CLI_JSON) return as_json(c, q);
    cli_rows_begin(&r, c, q);
    for (size_t i = 0; i < q->n && rc == CLI_GO_ON; i++)
        rc = path_rows(c, q, i, &r);
    int end = cli_rows_end(&r, rc != CLI_GO_ON);
    if (rc == CLI_GO_ON) rc = end;
    return rc == PT_EXIT_OK && c->damaged ? PT_EXIT_FAILED : rc;
}

/* --- the call --- */

static int parse_fns(cli *c, const char *text, cli_history *q)
{
    pt_slice rest = pt_cstr(text), word;
    while (rest.len && pt_slice_split(&rest, ',', &word)) {
        hist_fn fn;
        const char *name = CLI_INTERPOLATED;
        if (pt_slice_eq_cstr(word, CLI_COUNT)) name = CLI_COUNT;
        else if (hist_fn_parse(word, &fn) == PT_OK) name = hist_fn_name(fn);
        else if (!pt_slice_eq_cstr(word, name) && !pt_slice_eq_cstr(word, "Interpolative"))
            return cli_usage(c, "--fn: '%.*s' is not one of " FN_NAMES, PT_SLICE_ARGS(word));
        for (size_t k = 0; k < q->n_fns; k++) {
            if (strcmp(q->fns[k], name) == 0) return cli_usage(c, "--fn: %s is given twice", name);
        }
        q->fns[q->n_fns++] = name; /* each once: there is room for all of them */
    }
    return q->n_fns ? CLI_GO_ON : cli_usage(c, "--fn needs at least one of " FN_NAMES);
}

static int parse_format(cli *c, const char *text, cli_history *q)
{
    static const char *const names[] = { "table", "csv", "json" };
    q->format = c->json ? CLI_JSON : CLI_TABLE;
    if (!text) return CLI_GO_ON;
    for (size_t i = 0; i < PT_COUNT_OF(names); i++) {
        if (strcmp(text, names[i]) != 0) continue;
        q->format = (cli_format)i;
        return CLI_GO_ON;
    }
    return cli_usage(c, "--format is table, csv or json, not '%s'", text);
}

/* Intervals of a zone's calendar: seen to be right before anything is asked. */
static int parse_zone(cli *c, const char *tz, const char *interval, cli_history *q)
{
    hist_zone *z = NULL;
    hist_span span;
    pt_error err = { 0, "" };
    if (!interval) return cli_usage(c, "--tz needs --interval");
    if (hist_span_parse(pt_cstr(interval), &span, &err) != PT_OK) return cli_usage(c, "--interval: %s", err.text);
    if (c->data_dir && hist_zone_open(NULL, pt_cstr(tz), &z, &err) != PT_OK) return cli_usage(c, "--tz: %s", err.text);
    hist_zone_close(z);
    q->zone = tz;
    q->interval = interval;
    q->interval_ms = 1; /* buckets, not samples */
    return CLI_GO_ON;
}

static int run(cli *c, int argc, char **argv)
{
    const char *from = NULL, *to = NULL, *interval = NULL, *tz = NULL, *fn = NULL, *points = NULL, *reduce = NULL, *format = NULL;
    const cli_option options[] = {
        { .name = "--from", .value = &from },     { .name = "--to", .value = &to },         { .name = "--interval", .value = &interval },
        { .name = "--tz", .value = &tz },         { .name = "--fn", .value = &fn },         { .name = "--max-points", .value = &points },
        { .name = "--reduce", .value = &reduce }, { .name = "--format", .value = &format }, { 0 }
    };
    cli_history q = { 0 };
    uint64_t n = 0;
    int rc = cli_options(c, &argc, argv, options);
    if (rc == CLI_GO_ON && argc < 2) rc = cli_usage(c, "which path?");
    if (rc == CLI_GO_ON) rc = cli_range(c, from, to, &q.from_ms, &q.to_ms);
    if (rc == CLI_GO_ON && tz) rc = parse_zone(c, tz, interval, &q);
    else if (rc == CLI_GO_ON) rc = cli_duration(c, "--interval", interval, 0, &q.interval_ms);
    if (rc == CLI_GO_ON) rc = parse_format(c, format, &q);
    if (rc == CLI_GO_ON && interval && q.interval_ms <= 0) rc = cli_usage(c, "--interval must be longer than nothing");
    if (rc == CLI_GO_ON && fn && !interval) rc = cli_usage(c, "--fn needs --interval");
    if (rc == CLI_GO_ON && interval && points) rc = cli_usage(c, "either --interval or --max-points");
    if (rc == CLI_GO_ON && interval) rc = parse_fns(c, fn ? fn : "count,min,max,avg", &q);
    if (rc == CLI_GO_ON && points && (!pt_slice_to_u64(pt_cstr(points), &n) || n < 2 || n > 1000000))
        rc = cli_usage(c, "--max-points is a number from 2 to 1000000, not '%s'", points);
    if (rc == CLI_GO_ON && reduce && !points) rc = cli_usage(c, "--reduce needs --max-points");
    if (rc == CLI_GO_ON && reduce && strcmp(reduce, "lttb") != 0 && strcmp(reduce, "minmax") != 0)
        rc = cli_usage(c, "--reduce is minmax or lttb, not '%s'", reduce);
    if (rc != CLI_GO_ON) return rc;
    q.max_points = (uint32_t)n;
    q.lttb = reduce && strcmp(reduce, "lttb") == 0;
    q.paths = (const char *const *)argv + 1;
    q.n = (size_t)argc - 1;
    return c->data_dir ? cli_data_history(c, &q) : from_host(c, &q);
}

const cli_verb cli_verb_history = {
    "history", "recorded values, raw or per interval",
    "Usage: plantree history PATH... [--from T] [--to T] [--max-points N [--reduce HOW] | --interval D [--tz ZONE] [--fn LIST]]\n"
    "                        [--format table|csv|json] [--data DIR]\n"
    "\n"
    "Every recorded sample of the tags in [from, to); default is the last hour. As CSV they can be imported again as they are: flags is N for\n"
    "null and H for historical, base64 the value's own bytes where its text doesn't hold them (NaN with other bits, a text that is no UTF-8).\n"
    "What marks a state (STALE after a death) is in an export and in a replay.\n"
    "\n"
    "  --max-points N   reduce to about N points that keep minima and maxima, as a trend would show them\n"
    "  --reduce HOW     minmax (default), or lttb: the N numbers that look most like the whole, and at most N samples that are\n"
    "                   no numbers\n"
    "  --interval D     one row per interval instead of samples (1m, 15m, 8h, 1d)\n"
    "  --tz ZONE        intervals of this time zone's calendar (Europe/Berlin): 15m, 8h, 1d, 1w, 1mo, 1y; a day in which the clock is\n"
    "                   changed has 23 or 25 hours. Without it they are counted from the beginning of the range\n"
    "  --fn LIST        of an interval, as many as you like, each once: count (samples of any quality), numbers (usable ones), min,max,\n"
    "                   avg,sum,first,last,twa,total,delta,range,stddev,stddev_pop,percent_good,duration_good,samples (default\n"
    "                   count,min,max,avg), or interpolated: the value at its beginning, between numbers with fractions on the line;\n"
    "                   OPC UA names like TimeAverage are known too\n"
    "  --format F       table (default), csv (time,path,value,quality,type,flags,base64; times UTC in ms; of intervals\n"
    "                   time,path and LIST) or json\n"
    "                   JSON of any length takes little memory: what comes later in it waits in a file in TMPDIR\n"
    "  --data DIR       read the historian's directory itself, beside a running host or without one\n"
    "\n"
    "Examples:\n"
    "  plantree history Acme/gw-1/filler/Level/PV --from now-1m\n"
    "  plantree history Acme/gw-1/filler/Level/PV --from 2026-11-20T22:00:00Z --to 2026-11-21T06:00:00Z --format csv > night.csv\n"
    "  plantree history Acme/gw-1/filler/Level/PV --from now-8h --interval 15m --fn avg,max\n",
    run
};
