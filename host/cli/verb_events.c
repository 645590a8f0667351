/* host/cli/verb_events.c -- what happened: births, deaths, gaps, writes. From the host, or from a data directory. */
#include "host/cli/ask.h"
#include "host/nodes/tracker.h"

/* The name of each type there is: the host's, then the historian's own; NULL behind the last. */
static const char *type_name(size_t i)
{
    static const char *const own[] = { "history-pruned", "history-deleted" };
    if (i < HOST_EVENT_TYPE_COUNT) return host_event_type_name((host_event_type)i);
    return i - HOST_EVENT_TYPE_COUNT < PT_COUNT_OF(own) ? own[i - HOST_EVENT_TYPE_COUNT] : NULL;
}

static bool is_type(pt_slice word)
{
    const char *name;
    for (size_t i = 0; (name = type_name(i)); i++) {
        if (pt_slice_eq_cstr(word, name)) return true;
    }
    return false;
}

/* A type that is none of ours is likely a slip; but the events may be of another build, so it is asked for all the same. */
static void note_unknown_types(const cli *c, const char *types)
{
    pt_slice rest = pt_cstr(types), word;
    pt_buf unknown, all;
    const char *name;
    pt_buf_init(&unknown, 1 << 16);
    pt_buf_init(&all, 1 << 12);
    while (pt_slice_split(&rest, ',', &word)) {
        if (is_type(word)) continue;
        pt_buf_cstr(&unknown, unknown.len ? "', '" : "'");
        pt_buf_slice(&unknown, word);
    }
    for (size_t i = 0; (name = type_name(i)); i++)
        pt_buf_printf(&all, "%s%s", i ? ", " : "", name);
    if (unknown.len)
        (void)cli_fail(c, PT_EXIT_OK, "no events of type %.*s' are written by this build; there are %.*s",
                       PT_SLICE_ARGS(pt_buf_view(&unknown)), PT_SLICE_ARGS(pt_buf_view(&all)));
    pt_buf_fini(&unknown);
    pt_buf_fini(&all);
}

static int run(cli *c, int argc, char **argv)
{
    static const char *const heads[] = { "SEQ", "TIME", "TYPE", "NODE", "DEVICE", "PATH", "DETAIL" };
    const char *from = NULL, *to = NULL, *limit = NULL, *types = NULL, *node = NULL, *path = NULL;
    cli_question q = { .of = CLI_ASK_EVENTS, .format = QUERY_JSON };
    uint64_t n = 0;
    const cli_option options[] = { { .name = "--from", .value = &from },
                                   { .name = "--to", .value = &to },
                                   { .name = "--type", .value = &types },
                                   { .name = "--path", .value = &path },
                                   { .name = "--node", .value = &node },
                                   { .name = "--limit", .value = &limit },
                                   { 0 } };
    int rc = cli_options(c, &argc, argv, options);
    if (rc == CLI_GO_ON && argc > 1) rc = cli_usage(c, "no argument is expected, but '%s' was given", argv[1]);
    if (rc == CLI_GO_ON) rc = cli_range(c, from, to, &q.events.from_ms, &q.events.to_ms);
    if (rc == CLI_GO_ON && limit && (!pt_slice_to_u64(pt_cstr(limit), &n) || n == 0 || n > QUERY_EVENTS_MAX))
        rc = cli_usage(c, "--limit is a number from 1 to %d, not '%s'", QUERY_EVENTS_MAX, limit);
    if (rc != CLI_GO_ON) return rc;
    q.events.types = pt_cstr(types);
    q.events.node = pt_cstr(node);
    q.events.path = pt_cstr(path);
    q.events.limit = (uint32_t)n;
    q.events.newest_first = n > 0;
    note_unknown_types(c, types);
    if (c->json) return cli_ask_print(c, &q);
    q.format = QUERY_CSV;
    return cli_ask_table(c, &q, &(cli_view){ heads, "rllllll", PT_COUNT_OF(heads), cli_view_plain, NULL });
}

const cli_verb cli_verb_events = {
    "events", "what happened: births, deaths, gaps, writes, ...",
    "Usage: plantree events [--from T] [--to T] [--type LIST] [--node GROUP/EDGE] [--path GLOB] [--limit N] [--json] [--data DIR]\n"
    "\n"
    "Default range: the last hour. Types: nbirth ndeath dbirth ddeath rebirth-request seq-gap reorder-timeout host-online\n"
    "host-offline host-id-in-use write metadata-changed path-collision path-takeover quarantine duplicate-node clock-skew backfill config-reload\n"
    "doubtful conformance\n"
    "history-pruned history-deleted; several are separated by commas. Any other type is asked for as well,\n"
    "and noted on standard error. Oldest first; --limit N gives the newest N, newest first.\n"
    "\n"
    "Examples:\n"
    "  plantree events --from now-8h --type ndeath,ddeath\n"
    "  plantree events --node Acme/gw-1 --json\n"
    "  plantree events --data /var/lib/plantree --from now/d      (no host running)\n",
    run
};
