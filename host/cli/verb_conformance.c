/* host/cli/verb_conformance.c -- what an edge node does against the specification, as a table, as JSON, or as a report for its vendor. */
#include "base/file.h"
#include "host/cli/cli.h"

#include <stdlib.h>
#include <string.h>

enum { HEX_LINE = 32 }; /* bytes */

static void when(pt_buf *out, int64_t ms)
{
    char text[PT_RFC3339_MAX];
    pt_rfc3339_format(ms, text);
    pt_buf_cstr(out, text);
}

static void ids(pt_buf *out, const json_t *f, const char *between)
{
    const json_t *rules = json_object_get(f, "rules");
    for (size_t i = 0; i < json_array_size(rules); i++)
        pt_buf_printf(out, "%s%s", i ? between : "", json_string_value(json_array_get(rules, i)));
    if (!json_array_size(rules)) pt_buf_cstr(out, "-");
}

/* "0a12..", so many bytes a line. */
static void hex_block(pt_buf *out, const char *hex, int64_t total)
{
    size_t n = strlen(hex) / 2;
    pt_buf_cstr(out, "\n```\n");
    for (size_t i = 0; i < n; i++)
        pt_buf_printf(out, "%.2s%s", hex + 2 * i, i + 1 == n || (i + 1) % HEX_LINE == 0 ? "\n" : " ");
    pt_buf_cstr(out, "```\n");
    if (n < (size_t)total) pt_buf_printf(out, "\nThe first %zu of %lld bytes.\n", n, (long long)total);
}

static void finding(pt_buf *out, size_t number, const json_t *f)
{
    const char *metric = cli_str(f, "metric"), *topic = cli_str(f, "topic"), *hex = cli_str(f, "bytes"), *text = cli_str(f, "text");
    pt_buf_printf(out, "\n## %zu. %s\n\n* Rules: ", number, text ? text : "");
    ids(out, f, ", ");
    pt_buf_printf(out, "%s\n* Times: %lld\n* First: ", json_is_true(json_object_get(f, "advice")) ? " (a recommendation)" : "",
                  (long long)cli_i64(f, "times"));
    when(out, cli_i64(f, "first_ms"));
    pt_buf_cstr(out, "\n* Last: ");
    when(out, cli_i64(f, "last_ms"));
    if (topic) {
        pt_buf_cstr(out, "\n* Topic of the first: `");
        cli_printable(out, pt_cstr(topic));
        pt_buf_char(out, '`');
    }
    if (json_object_get(f, "metric_index")) {
        pt_buf_printf(out, "\n* Metric of the first: number %lld of the payload, from 0", (long long)cli_i64(f, "metric_index"));
        if (metric) {
            pt_buf_cstr(out, ", `");
            cli_printable(out, pt_cstr(metric));
            pt_buf_char(out, '`');
        }
    }
    pt_buf_char(out, '\n');
    if (hex && *hex) hex_block(out, hex, cli_i64(f, "message_bytes"));
}

static void report(pt_buf *out, const json_t *n, int64_t now_ms)
{
    const json_t *findings = json_object_get(n, "findings");
    int64_t messages = cli_i64(n, "messages"), judged = cli_i64(n, "judged"), left_out = cli_i64(n, "left_out");
    const char *group = cli_str(n, "group"), *edge = cli_str(n, "edge");
    pt_buf_cstr(out, "# Sparkplug conformance of edge node `");
    cli_printable(out, pt_cstr(group ? group : ""));
    pt_buf_char(out, '/');
    cli_printable(out, pt_cstr(edge ? edge : ""));
    pt_buf_cstr(out, "`\n\nHeard from ");
    when(out, cli_i64(n, "since_ms"));
    pt_buf_cstr(out, " to ");
    when(out, now_ms);
    pt_buf_printf(out, " by plantree " PLANTREE_VERSION ". Judged: %lld of %lld messages", (long long)judged, (long long)messages);
    if (judged < messages) pt_buf_cstr(out, "; data messages beyond some thousand metrics a second are judged in samples");
    pt_buf_printf(out,
                  ".\n\nIds are those of the assertions of the Sparkplug Specification, version 3.0. Decode a message with\n"
                  "`plantree decode --topic TOPIC HEX`.\n\nFindings: %lld kinds, and %lld recommendations.\n",
                  (long long)cli_i64(n, "kinds"), (long long)cli_i64(n, "advice_kinds"));
    if (json_is_true(json_object_get(n, "too_large")))
        pt_buf_cstr(out, "\nThe node announces more metrics than are followed: its data is not judged.\n");
    else if (!json_is_true(json_object_get(n, "birth_heard")))
        pt_buf_cstr(out, "\nNo birth of the node was heard yet: what its data says is judged with its next one.\n");
    if (!json_array_size(findings)) pt_buf_cstr(out, "\nNothing was found.\n");
    for (size_t i = 0; i < json_array_size(findings); i++)
        finding(out, i + 1, json_array_get(findings, i));
    if (left_out) pt_buf_printf(out, "\n%lld findings of further kinds are not shown: no more kinds are kept.\n", (long long)left_out);
}

static int table(cli *c, const json_t *n)
{
    static const char *const heads[] = { "KIND", "TIMES", "FIRST", "LAST", "METRIC", "WHAT", "RULES" };
    const json_t *findings = json_object_get(n, "findings");
    cli_table *t = cli_table_new(heads, "lrlllll", PT_COUNT_OF(heads));
    pt_buf rules;
    pt_buf_init(&rules, 1u << 16);
    for (size_t i = 0; t && i < json_array_size(findings); i++) {
        const json_t *f = json_array_get(findings, i);
        cli_table_cstr(t, json_is_true(json_object_get(f, "advice")) ? "advice" : "fault");
        cli_table_i64(t, cli_i64(f, "times"));
        cli_table_time(t, cli_i64(f, "first_ms"));
        cli_table_time(t, cli_i64(f, "last_ms"));
        cli_table_cstr(t, cli_str(f, "metric"));
        cli_table_cstr(t, cli_str(f, "text"));
        pt_buf_reset(&rules);
        ids(&rules, f, " ");
        cli_table_cell(t, pt_buf_view(&rules));
    }
    pt_buf_fini(&rules);
    return t ? cli_table_end(c, t) : cli_fail(c, PT_EXIT_FAILED, "out of memory");
}

static int write_report(cli *c, const json_t *n, const char *file)
{
    pt_buf out;
    pt_buf_init(&out, 64u << 20);
    report(&out, n, c->now_ms);
    int rc = CLI_GO_ON;
    pt_error err = { 0 };
    if (pt_buf_status(&out)) rc = cli_fail(c, PT_EXIT_FAILED, "out of memory");
    else if (strcmp(file, "-") == 0) rc = cli_put(c, &out);
    else if (pt_file_write(file, 0644, pt_buf_view(&out), &err) != PT_OK) rc = cli_fail(c, PT_EXIT_FAILED, "%s", err.text);
    pt_buf_fini(&out);
    return rc == CLI_GO_ON ? PT_EXIT_OK : rc;
}

/* Scripts want to know by the exit code. */
static int verdict(const json_t *n)
{
    return cli_i64(n, "kinds") ? PT_EXIT_FAILED : PT_EXIT_OK;
}

static int run(cli *c, int argc, char **argv)
{
    const char *file = NULL;
    bool check = false;
    const cli_option options[] = { { .name = "--report", .value = &file }, { .name = "--check", .flag = &check }, { 0 } };
    cli_answer a = { 0 };
    char *target = NULL;
    int rc = cli_options(c, &argc, argv, options);
    if (rc != CLI_GO_ON) return rc;
    if (argc != 2) return cli_usage(c, "one edge node is needed, as GROUP/EDGE");
    rc = cli_node_target(c, argv[1], "/conformance", &target);
    if (rc == CLI_GO_ON) rc = cli_get(c, target, &a);
    if (rc == CLI_GO_ON) rc = cli_answer_json(c, &a);
    if (rc == CLI_GO_ON) {
        rc = file ? write_report(c, a.json, file) : c->json ? cli_put_json(c, &a) : table(c, a.json);
        if (rc == PT_EXIT_OK && check) rc = verdict(a.json);
    }
    free(target);
    cli_release(&a);
    return rc;
}

const cli_verb cli_verb_conformance = {
    "conformance", "what an edge node does against the Sparkplug specification",
    "Usage: plantree conformance GROUP/EDGE [--report FILE] [--check] [--json]\n"
    "\n"
    "The host judges what every edge node publishes by the rules of the Sparkplug specification, all day. This shows each kind of\n"
    "fault it saw of the node since it started: how often, since when, in which metric. `plantree nodes --conformance` shows all nodes.\n"
    "\n"
    "  --report FILE  a report for the node's vendor (Markdown): the rules by their ids, and the first message of each kind in\n"
    "                 hex; - for standard output\n"
    "  --check        exit code 1 when there is a fault; recommendations are none\n"
    "\n"
    "Faults are told and nothing else: the host goes on working with what it gets as well as it can.\n"
    "\n"
    "Examples:\n"
    "  plantree conformance Acme/gw-1\n"
    "  plantree conformance Acme/gw-1 --report gw-1.md\n",
    run
};
