/* host/cli/verb_durations.c -- how long each value held, from the host or from a data directory. */
#include "host/cli/ask.h"

#define CLI_MAX_PATHS 1024

/* path,value,duration_ms,times: the duration as hours, and its share of the range. */
static void row(void *ctx, cli_table *t, const pt_slice *cells, size_t n)
{
    const int64_t span_ms = *(const int64_t *)ctx;
    char text[40];
    uint64_t ms = 0;
    if (n < 4 || !pt_slice_to_u64(cells[2], &ms)) return;
    cli_table_cell(t, cells[0]);
    cli_table_cell(t, cells[1].len ? cells[1] : PT_LIT("-"));
    snprintf(text, sizeof text, "%llu:%02d:%02d.%03d", (unsigned long long)(ms / 3600000), (int)(ms / 60000 % 60), (int)(ms / 1000 % 60),
             (int)(ms % 1000));
    cli_table_cstr(t, text);
    snprintf(text, sizeof text, "%.2f %%", 100.0 * (double)ms / (double)span_ms);
    cli_table_cstr(t, text);
    cli_table_cell(t, cells[3]);
}

static int run(cli *c, int argc, char **argv)
{
    static const char *const heads[] = { "PATH", "VALUE", "DURATION", "SHARE", "TIMES" };
    const char *from = NULL, *to = NULL;
    pt_slice paths[CLI_MAX_PATHS];
    cli_question q = { .of = CLI_ASK_HISTORY, .history = { .shape = QUERY_DURATIONS, .paths = paths }, .format = QUERY_JSON };
    const cli_option options[] = { { .name = "--from", .value = &from }, { .name = "--to", .value = &to }, { 0 } };
    int rc = cli_options(c, &argc, argv, options);
    if (rc == CLI_GO_ON && argc < 2) rc = cli_usage(c, "which path?");
    if (rc == CLI_GO_ON && argc - 1 > CLI_MAX_PATHS) rc = cli_usage(c, "more than %d paths; a pattern may say the same", CLI_MAX_PATHS);
    if (rc == CLI_GO_ON) rc = cli_range(c, from, to, &q.history.from_ms, &q.history.to_ms);
    if (rc != CLI_GO_ON) return rc;
    for (int i = 1; i < argc; i++)
        paths[q.history.n_paths++] = pt_cstr(argv[i]);
    if (c->json) return cli_ask_print(c, &q);
    int64_t span_ms = q.history.to_ms - q.history.from_ms;
    q.format = QUERY_CSV;
    return cli_ask_table(c, &q, &(cli_view){ heads, "llrrr", PT_COUNT_OF(heads), row, &span_ms });
}

const cli_verb cli_verb_durations = {
    "durations", "how long each value held: running and stopped, open and closed",
    "Usage: plantree durations PATH|GLOB... [--from T] [--to T] [--json] [--data DIR]\n"
    "\n"
    "Of each tag, every value it had in [from, to), in order of appearance: how long it held, its share of the range, and how often it began.\n"
    "What was before the range counts from its start, the last value until now or the range's end. '-': there was no usable value (none yet,\n"
    "null, NaN, BAD or STALE). A tag may have 10000 different values at most.\n"
    "\n"
    "Examples:\n"
    "  plantree durations Acme/gw-1/filler/State --from now/d\n"
    "  plantree durations Acme/gw-1/filler/Valve/Open --from now-8h --json\n",
    run
};
