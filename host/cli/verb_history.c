/* host/cli/verb_history.c -- recorded values, raw or per interval, from the host or from a data directory. */
#include "historian/read/zone.h"
#include "host/cli/ask.h"

#define CLI_MAX_PATHS 1024

/* What the call says, and room for what the question borrows. */
typedef struct call {
    cli_question q;
    bool table;
    unsigned fns[QUERY_FNS];
    pt_slice paths[CLI_MAX_PATHS];
} call;

static int parse_fns(cli *c, const char *text, call *k)
{
    pt_error err = { 0, "" };
    k->q.history.fns = k->fns;
    if (query_fns_parse(pt_cstr(text), k->fns, &k->q.history.n_fns, &err) == PT_OK) return CLI_GO_ON;
    return cli_usage(c, "--fn: %s", err.text);
}

static int parse_format(cli *c, const char *text, call *k)
{
    k->table = !c->json && (!text || strcmp(text, "table") == 0);
    k->q.format = text || !c->json ? QUERY_CSV : QUERY_JSON;
    if (!text || k->table || query_format_parse(pt_cstr(text), &k->q.format) == PT_OK) return CLI_GO_ON;
    return cli_usage(c, "--format is table, csv, json or jsonl, not '%s'", text);
}

/* Intervals of a zone's calendar: seen to be right before anything is asked. */
static int parse_zone(cli *c, const char *tz, const char *interval, query_history *q)
{
    hist_zone *z = NULL;
    hist_span span;
    pt_error err = { 0, "" };
    if (!interval) return cli_usage(c, "--tz needs --interval");
    if (hist_span_parse(pt_cstr(interval), &span, &err) != PT_OK) return cli_usage(c, "--interval: %s", err.text);
    if (c->data_dir && hist_zone_open(NULL, pt_cstr(tz), &z, &err) != PT_OK) return cli_usage(c, "--tz: %s", err.text);
    hist_zone_close(z);
    q->zone = pt_cstr(tz);
    q->interval = pt_cstr(interval);
    return CLI_GO_ON;
}

static int parse_points(cli *c, const char *points, const char *reduce, query_history *q)
{
    uint64_t n = 0;
    if (points && (!pt_slice_to_u64(pt_cstr(points), &n) || n < 2 || n > QUERY_POINTS_MAX))
        return cli_usage(c, "--max-points is a number from 2 to %d, not '%s'", QUERY_POINTS_MAX, points);
    if (reduce && !points) return cli_usage(c, "--reduce needs --max-points");
    if (reduce && strcmp(reduce, "lttb") != 0 && strcmp(reduce, "minmax") != 0)
        return cli_usage(c, "--reduce is minmax or lttb, not '%s'", reduce);
    q->max_points = (uint32_t)n;
    q->lttb = reduce && strcmp(reduce, "lttb") == 0;
    return CLI_GO_ON;
}

static int parse(cli *c, int argc, char **argv, call *k)
{
    const char *from = NULL, *to = NULL, *interval = NULL, *tz = NULL, *fn = NULL, *points = NULL, *reduce = NULL, *format = NULL;
    const cli_option options[] = {
        { .name = "--from", .value = &from },     { .name = "--to", .value = &to },         { .name = "--interval", .value = &interval },
        { .name = "--tz", .value = &tz },         { .name = "--fn", .value = &fn },         { .name = "--max-points", .value = &points },
        { .name = "--reduce", .value = &reduce }, { .name = "--format", .value = &format }, { 0 }
    };
    query_history *q = &k->q.history;
    int rc = cli_options(c, &argc, argv, options);
    if (rc == CLI_GO_ON && argc < 2) rc = cli_usage(c, "which path?");
    if (rc == CLI_GO_ON && argc - 1 > CLI_MAX_PATHS) rc = cli_usage(c, "more than %d paths; a pattern may say the same", CLI_MAX_PATHS);
    if (rc == CLI_GO_ON) rc = cli_range(c, from, to, &q->from_ms, &q->to_ms);
    if (rc == CLI_GO_ON && tz) rc = parse_zone(c, tz, interval, q);
    else if (rc == CLI_GO_ON) rc = cli_duration(c, "--interval", interval, 0, &q->interval_ms);
    if (rc == CLI_GO_ON) rc = parse_format(c, format, k);
    if (rc == CLI_GO_ON && interval && !tz && q->interval_ms <= 0) rc = cli_usage(c, "--interval must be longer than nothing");
    if (rc == CLI_GO_ON && fn && !interval) rc = cli_usage(c, "--fn needs --interval");
    if (rc == CLI_GO_ON && interval && points) rc = cli_usage(c, "either --interval or --max-points");
    if (rc == CLI_GO_ON && interval) rc = parse_fns(c, fn ? fn : "count,min,max,avg", k);
    if (rc == CLI_GO_ON) rc = parse_points(c, points, reduce, q);
    if (rc != CLI_GO_ON) return rc;
    q->shape = interval ? QUERY_BUCKETS : QUERY_SAMPLES;
    for (int i = 1; i < argc; i++)
        k->paths[q->n_paths++] = pt_cstr(argv[i]);
    q->paths = k->paths;
    return CLI_GO_ON;
}

static int run(cli *c, int argc, char **argv)
{
    static const char *const heads[] = { "TIME", "PATH", "VALUE", "QUALITY" };
    size_t shown = PT_COUNT_OF(heads);
    const cli_view samples = { heads, "llrl", PT_COUNT_OF(heads), cli_view_plain, &shown };
    const cli_view buckets = { .row = cli_view_plain };
    call k = { .q = { .of = CLI_ASK_HISTORY } };
    int rc = parse(c, argc, argv, &k);
    if (rc != CLI_GO_ON) return rc;
    if (!k.table) return cli_ask_print(c, &k.q);
    return cli_ask_table(c, &k.q, k.q.history.shape == QUERY_BUCKETS ? &buckets : &samples);
}

const cli_verb cli_verb_history = {
    "history", "recorded values, raw or per interval",
    "Usage: plantree history PATH|GLOB... [--from T] [--to T] [--max-points N [--reduce HOW] | --interval D [--tz ZONE] [--fn LIST]]\n"
    "                        [--format table|csv|json|jsonl] [--data DIR]\n"
    "\n"
    "Every recorded sample of the tags in [from, to); default is the last hour. Patterns (Acme/**/Temp) take all tags that match, '!' in\n"
    "front of one excludes. As CSV they can be imported again as they are: flags is N for\n"
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
    "                   time,path and LIST), jsonl (an object per row) or json (columns per tag)\n"
    "                   Answers of any length take little memory; of json, what comes later in it waits in a file in TMPDIR\n"
    "  --data DIR       read the historian's directory itself, beside a running host or without one\n"
    "\n"
    "Examples:\n"
    "  plantree history Acme/gw-1/filler/Level/PV --from now-1m\n"
    "  plantree history Acme/gw-1/filler/Level/PV --from 2026-11-20T22:00:00Z --to 2026-11-21T06:00:00Z --format csv > night.csv\n"
    "  plantree history Acme/gw-1/filler/Level/PV --from now-8h --interval 15m --fn avg,max\n",
    run
};
