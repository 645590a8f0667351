/* host/cli/verb_nodes.c -- edge nodes and devices with their state and counters. */
#include "host/cli/cli.h"

static void node_row(cli_table *t, const json_t *n)
{
    char name[512];
    const json_t *rebirths = json_object_get(n, "rebirths"), *samples = json_object_get(n, "samples");
    const char *group = cli_str(n, "group"), *edge = cli_str(n, "edge");
    snprintf(name, sizeof name, "%s/%s", group ? group : "?", edge ? edge : "?");
    cli_table_cstr(t, name);
    const char *phase = cli_str(n, "phase");
    bool doubtful = phase && strcmp(phase, "doubtful") == 0;
    cli_table_cstr(t, doubtful ? phase : cli_str(n, "state"));
    cli_table_time(t, cli_i64(n, "since_ms"));
    cli_table_time(t, cli_i64(n, "last_message_ms"));
    cli_table_json(t, json_object_get(n, "bd_seq"));
    cli_table_json(t, json_object_get(n, "seq"));
    cli_table_i64(t, cli_i64(n, "metrics"));
    cli_table_i64(t, cli_i64(rebirths, "requested"));
    cli_table_cstr(t, cli_str(rebirths, "last_cause"));
    cli_table_i64(t, cli_i64(n, "seq_gaps"));
    cli_table_i64(t, cli_i64(n, "duplicates"));
    cli_table_i64(t, cli_i64(samples, "received"));
    cli_table_i64(t, cli_i64(samples, "stored"));
    cli_table_i64(t, cli_i64(samples, "historical"));
    cli_table_i64(t, cli_i64(samples, "rejected"));
}

static void device_row(cli_table *t, const json_t *d)
{
    char name[512];
    const char *device = cli_str(d, "device");
    snprintf(name, sizeof name, "  %s", device ? device : "?");
    cli_table_cstr(t, name);
    cli_table_cstr(t, cli_str(d, "state"));
    cli_table_time(t, cli_i64(d, "since_ms"));
    cli_table_cell(t, PT_LIT(""));
    cli_table_cell(t, PT_LIT(""));
    cli_table_cell(t, PT_LIT(""));
    cli_table_i64(t, cli_i64(d, "metrics"));
    for (int i = 0; i < 8; i++)
        cli_table_cell(t, PT_LIT(""));
}

static int nodes(cli *c)
{
    static const char *const heads[] = { "NODE",       "STATE", "SINCE",      "LAST HEARD", "BDSEQ",  "SEQ",        "METRICS", "REBIRTHS",
                                         "LAST CAUSE", "GAPS",  "DUPLICATES", "RECEIVED",   "STORED", "HISTORICAL", "REJECTED" };
    cli_answer a;
    int rc = cli_get(c, "/api/v1/nodes", &a);
    if (rc == CLI_GO_ON && c->json) {
        rc = cli_put_json(c, &a);
    } else if (rc == CLI_GO_ON && (rc = cli_answer_json(c, &a)) == CLI_GO_ON) {
        const json_t *nodes = cli_items(a.json);
        cli_table *t = cli_table_new(heads, "llllrrrrlrrrrrr", PT_COUNT_OF(heads));
        for (size_t i = 0; t && i < json_array_size(nodes); i++) {
            const json_t *node = json_array_get(nodes, i), *devices = json_object_get(node, "devices");
            node_row(t, node);
            for (size_t k = 0; k < json_array_size(devices); k++)
                device_row(t, json_array_get(devices, k));
        }
        rc = t ? cli_table_end(c, t) : cli_fail(c, PT_EXIT_FAILED, "out of memory");
    }
    cli_release(&a);
    return rc;
}

static int conformance(cli *c)
{
    static const char *const heads[] = { "NODE", "MESSAGES", "JUDGED", "FAULTS", "TIMES", "LAST", "ADVICE" };
    cli_answer a;
    int rc = cli_get(c, "/api/v1/conformance", &a);
    if (rc == CLI_GO_ON && c->json) {
        rc = cli_put_json(c, &a);
    } else if (rc == CLI_GO_ON && (rc = cli_answer_json(c, &a)) == CLI_GO_ON) {
        const json_t *list = cli_items(a.json);
        cli_table *t = cli_table_new(heads, "lrrrrlr", PT_COUNT_OF(heads));
        for (size_t i = 0; t && i < json_array_size(list); i++) {
            const json_t *n = json_array_get(list, i);
            const char *group = cli_str(n, "group"), *edge = cli_str(n, "edge");
            char name[512];
            snprintf(name, sizeof name, "%s/%s", group ? group : "?", edge ? edge : "?");
            cli_table_cstr(t, name);
            cli_table_i64(t, cli_i64(n, "messages"));
            cli_table_i64(t, cli_i64(n, "judged"));
            cli_table_i64(t, cli_i64(n, "kinds"));
            cli_table_i64(t, cli_i64(n, "times"));
            if (cli_i64(n, "last_ms")) cli_table_time(t, cli_i64(n, "last_ms"));
            else cli_table_cstr(t, NULL);
            cli_table_i64(t, cli_i64(n, "advice_kinds"));
        }
        rc = t ? cli_table_end(c, t) : cli_fail(c, PT_EXIT_FAILED, "out of memory");
    }
    cli_release(&a);
    return rc;
}

static int run(cli *c, int argc, char **argv)
{
    bool judged = false;
    const cli_option options[] = { { .name = "--conformance", .flag = &judged }, { 0 } };
    int rc = cli_options(c, &argc, argv, options);
    if (rc != CLI_GO_ON) return rc;
    if (argc > 1) return cli_usage(c, "no argument is expected, but '%s' was given", argv[1]);
    return judged ? conformance(c) : nodes(c);
}

const cli_verb cli_verb_nodes = {
    "nodes", "edge nodes and devices: state, sequence, rebirths, samples",
    "Usage: plantree nodes [--conformance] [--json]\n"
    "\n"
    "Every edge node the host knows, with its devices: online, doubtful or offline and since when, when its last message came,\n"
    "its bdSeq and seq, how many metrics it announced, how often it was asked for a rebirth and why the last time, gaps in its\n"
    "sequence, duplicates, and what became of its samples.\n"
    "\n"
    "  --conformance  instead, what each does against the Sparkplug specification: kinds of faults, how often, when last\n"
    "                 (plantree conformance GROUP/EDGE shows them)\n"
    "\n"
    "Examples:\n"
    "  plantree nodes\n"
    "  plantree nodes --json | jq -r '.[] | select(.state == \"offline\") | .group + \"/\" + .edge'\n",
    run
};
