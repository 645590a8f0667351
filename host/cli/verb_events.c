/* host/cli/verb_events.c -- what happened: births, deaths, gaps, writes. From the host, or from a data directory. */
#include "host/cli/cli.h"
#include "host/cli/data.h"
#include "host/nodes/tracker.h"

#include <stdlib.h>

enum { PAGE = 100000 }; /* the most the host gives at once */

static const char *const heads[] = { "SEQ", "TIME", "TYPE", "NODE", "DEVICE", "PATH", "DETAIL" };
static const char align[] = "rllllll";

/* One answer. `after` > 0: only what came behind that event. */
static int ask(cli *c, const cli_events *e, int64_t after, cli_answer *a)
{
    pt_buf target;
    pt_buf_init(&target, 1 << 16);
    pt_buf_cstr(&target, "/api/v1/events");
    cli_query_ms(&target, "from", e->from_ms);
    cli_query_ms(&target, "to", e->to_ms);
    cli_query(&target, "type", e->types);
    cli_query(&target, "path", e->path);
    cli_query(&target, "node", e->node);
    cli_query_ms(&target, "limit", e->limit ? (int64_t)e->limit : PAGE);
    if (e->limit) cli_query(&target, "order", "newest");
    if (after) cli_query_ms(&target, "after", after);
    char *text = pt_buf_take(&target, NULL);
    int rc = text ? cli_get(c, text, a) : cli_fail(c, PT_EXIT_FAILED, "out of memory");
    free(text);
    return rc == CLI_GO_ON ? cli_answer_json(c, a) : rc;
}

static void row(cli_table *t, const json_t *v)
{
    const json_t *detail = json_object_get(v, "detail");
    cli_table_json(t, json_object_get(v, "seq"));
    cli_table_time(t, cli_i64(v, "time_ms"));
    cli_table_cstr(t, cli_str(v, "type"));
    cli_table_cstr(t, cli_str(v, "node"));
    cli_table_cstr(t, cli_str(v, "device"));
    cli_table_cstr(t, cli_str(v, "path"));
    cli_table_json(t, json_object_size(detail) ? detail : NULL);
}

/* The host gives long lists in parts; a full part is followed by a question for what came behind it. */
static int from_host(cli *c, const cli_events *e)
{
    cli_table *t = NULL;
    pt_buf out;
    pt_json j;
    int64_t after = 0;
    int rc = CLI_GO_ON;
    bool more = true, failed = false;
    pt_buf_init(&out, 1 << 30);
    pt_json_init(&j, &out);
    pt_json_array(&j);
    for (int part = 0; rc == CLI_GO_ON && more; part++) {
        cli_answer a = { 0 };
        rc = ask(c, e, after, &a);
        if (rc == CLI_GO_ON && !c->json && !t && !(t = cli_table_new(heads, align, PT_COUNT_OF(heads))))
            rc = cli_fail(c, PT_EXIT_FAILED, "out of memory");
        failed = rc != CLI_GO_ON;
        const json_t *events = failed ? NULL : cli_items(a.json);
        size_t n = json_array_size(events);
        more = !e->limit && n >= PAGE;
        if (n) after = cli_i64(json_array_get(events, n - 1), "seq");
        for (size_t i = 0; t && i < n; i++)
            row(t, json_array_get(events, i));
        if (c->json && !failed && part == 0 && !more) { /* all in one answer: as it came */
            rc = cli_put_json(c, &a);
            cli_release(&a);
            pt_buf_fini(&out);
            return rc;
        }
        for (size_t i = 0; c->json && i < n; i++)
            cli_json_value(&j, json_array_get(events, i));
        cli_release(&a);
    }
    pt_json_end_array(&j);
    pt_buf_char(&out, '\n');
    if (c->json && !failed) rc = cli_put(c, &out);
    pt_buf_fini(&out);
    if (!t) return rc;
    int end = cli_table_end(c, t);
    return failed ? rc : end;
}

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
    const char *from = NULL, *to = NULL, *limit = NULL;
    cli_events e = { 0 };
    uint64_t n = 0;
    const cli_option options[] = { { .name = "--from", .value = &from },
                                   { .name = "--to", .value = &to },
                                   { .name = "--type", .value = &e.types },
                                   { .name = "--path", .value = &e.path },
                                   { .name = "--node", .value = &e.node },
                                   { .name = "--limit", .value = &limit },
                                   { 0 } };
    int rc = cli_options(c, &argc, argv, options);
    if (rc == CLI_GO_ON && argc > 1) rc = cli_usage(c, "no argument is expected, but '%s' was given", argv[1]);
    if (rc == CLI_GO_ON) rc = cli_range(c, from, to, &e.from_ms, &e.to_ms);
    if (rc == CLI_GO_ON && limit && (!pt_slice_to_u64(pt_cstr(limit), &n) || n == 0 || n > PAGE))
        rc = cli_usage(c, "--limit is a number from 1 to 100000, not '%s'", limit);
    if (rc != CLI_GO_ON) return rc;
    e.limit = (uint32_t)n;
    note_unknown_types(c, e.types);
    return c->data_dir ? cli_data_events(c, &e, heads, align) : from_host(c, &e);
}

const cli_verb cli_verb_events = {
    "events", "what happened: births, deaths, gaps, writes, ...",
    "Usage: plantree events [--from T] [--to T] [--type LIST] [--node GROUP/EDGE] [--path GLOB] [--limit N] [--json] [--data DIR]\n"
    "\n"
    "Default range: the last hour. Types: nbirth ndeath dbirth ddeath rebirth-request seq-gap reorder-timeout host-online\n"
    "host-offline host-id-in-use write metadata-changed path-collision quarantine duplicate-node clock-skew backfill config-reload\n"
    "history-pruned history-deleted; several are separated by commas. Any other type is asked for as well,\n"
    "and noted on standard error. Oldest first; --limit N gives the newest N, newest first.\n"
    "\n"
    "Examples:\n"
    "  plantree events --from now-8h --type ndeath,ddeath\n"
    "  plantree events --node Acme/gw-1 --json\n"
    "  plantree events --data /var/lib/plantree --from now/d      (no host running)\n",
    run
};
