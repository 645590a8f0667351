/* host/cli/verb_durations.c -- how long each value held, from the host or from a data directory. */
#include "historian/read/aggregate.h"
#include "host/cli/cli.h"
#include "host/cli/data.h"

#include <stdlib.h>

enum { MAX_OUT = 1 << 30 };

static bool add_state(void *ctx, const hist_sample *value, int64_t ms, uint64_t times)
{
    pt_json *j = ctx;
    spb_value v;
    pt_json_object(j);
    pt_json_key(j, "value");
    if (value) {
        hist_sample_value(value, &v);
        spb_value_json(j, &v);
    } else {
        pt_json_null(j);
    }
    pt_json_member_i64(j, "duration_ms", ms);
    pt_json_member_u64(j, "times", times);
    pt_json_end_object(j);
    return pt_buf_status(j->out) == PT_OK;
}

/* One series as the host would give it. */
static int of_files(cli *c, hist *h, const char *path, int64_t from_ms, int64_t to_ms, pt_json *j)
{
    hist_tag tag;
    pt_arena arena;
    pt_error err = { 0 };
    pt_arena_init(&arena, 1 << 20);
    pt_status st = hist_tag_by_path(h, pt_cstr(path), &arena, &tag);
    if (st == PT_OK) {
        pt_json_object(j);
        pt_json_member_cstr(j, "path", path);
        pt_json_member_u64(j, "tag_id", tag.tag_id);
        pt_json_member_str(j, "unit", tag.unit.len ? tag.unit : PT_NONE);
        pt_json_member_cstr(j, "type", spb_datatype_name(tag.type));
        pt_json_key(j, "states");
        pt_json_array(j);
        st = hist_durations(h, tag.tag_id, from_ms, to_ms, add_state, j, &err);
        pt_json_end_array(j);
        pt_json_end_object(j);
    } else if (st == PT_ENOTFOUND) {
        (void)pt_fail(&err, st, "there is no such tag in %s", c->data_dir);
    }
    pt_arena_fini(&arena);
    return st == PT_OK ? CLI_GO_ON : cli_fail(c, PT_EXIT_FAILED, "%s: %s", path, err.text[0] ? err.text : pt_status_name(st));
}

/* Likewise, what the host says of one path. */
static int of_host(cli *c, const char *path, int64_t from_ms, int64_t to_ms, pt_json *j)
{
    pt_buf target;
    cli_answer a = { 0 };
    pt_buf_init(&target, 1 << 16);
    pt_buf_cstr(&target, "/api/v1/durations");
    cli_query(&target, "path", path);
    cli_query_ms(&target, "from", from_ms);
    cli_query_ms(&target, "to", to_ms);
    char *text = pt_buf_take(&target, NULL);
    int rc = text ? cli_get(c, text, &a) : cli_fail(c, PT_EXIT_FAILED, "out of memory");
    free(text);
    if (rc == CLI_GO_ON) rc = cli_answer_json(c, &a);
    const json_t *series = rc == CLI_GO_ON ? json_object_get(a.json, "series") : NULL;
    for (size_t k = 0; k < json_array_size(series); k++)
        cli_json_value(j, json_array_get(series, k));
    cli_release(&a);
    return rc;
}

static void print_span(cli_table *t, int64_t ms)
{
    char text[40];
    snprintf(text, sizeof text, "%lld:%02d:%02d.%03d", (long long)(ms / 3600000), (int)(ms / 60000 % 60), (int)(ms / 1000 % 60),
             (int)(ms % 1000));
    cli_table_cstr(t, text);
}

static int print(cli *c, const json_t *v, int64_t span_ms)
{
    static const char *const heads[] = { "PATH", "VALUE", "DURATION", "SHARE", "TIMES" };
    cli_table *t = cli_table_new(heads, "llrrr", PT_COUNT_OF(heads));
    const json_t *series = json_object_get(v, "series");
    if (!t) return cli_fail(c, PT_EXIT_FAILED, "out of memory");
    for (size_t i = 0; i < json_array_size(series); i++) {
        const json_t *s = json_array_get(series, i), *states = json_object_get(s, "states");
        for (size_t k = 0; k < json_array_size(states); k++) {
            const json_t *state = json_array_get(states, k);
            char share[32];
            int64_t ms = cli_i64(state, "duration_ms");
            cli_table_cstr(t, cli_str(s, "path"));
            cli_table_json(t, json_object_get(state, "value"));
            print_span(t, ms);
            snprintf(share, sizeof share, "%.2f %%", 100.0 * (double)ms / (double)span_ms);
            cli_table_cstr(t, share);
            cli_table_json(t, json_object_get(state, "times"));
        }
    }
    return cli_table_end(c, t);
}

static int run(cli *c, int argc, char **argv)
{
    const char *from = NULL, *to = NULL;
    int64_t from_ms = 0, to_ms = 0;
    hist *h = NULL;
    cli_answer all = { 0 };
    pt_json j;
    const cli_option options[] = { { .name = "--from", .value = &from }, { .name = "--to", .value = &to }, { 0 } };
    int rc = cli_options(c, &argc, argv, options);
    if (rc == CLI_GO_ON && argc < 2) rc = cli_usage(c, "which path?");
    if (rc == CLI_GO_ON) rc = cli_range(c, from, to, &from_ms, &to_ms);
    if (rc == CLI_GO_ON && c->data_dir) rc = cli_data_open(c, true, &h);
    if (rc != CLI_GO_ON) return rc;
    pt_buf_init(&all.body, MAX_OUT);
    pt_json_init(&j, &all.body);
    pt_json_object(&j);
    pt_json_member_i64(&j, "from_ms", from_ms);
    pt_json_member_i64(&j, "to_ms", to_ms);
    pt_json_key(&j, "series");
    pt_json_array(&j);
    for (int i = 1; i < argc && rc == CLI_GO_ON; i++)
        rc = h ? of_files(c, h, argv[i], from_ms, to_ms, &j) : of_host(c, argv[i], from_ms, to_ms, &j);
    pt_json_end_array(&j);
    pt_json_end_object(&j);
    if (rc == CLI_GO_ON && pt_buf_status(&all.body)) rc = cli_fail(c, PT_EXIT_FAILED, "out of memory");
    if (rc == CLI_GO_ON && !c->json) rc = cli_answer_json(c, &all);
    if (rc == CLI_GO_ON) rc = c->json ? cli_put_json(c, &all) : print(c, all.json, to_ms - from_ms);
    cli_release(&all);
    return h ? cli_data_close(c, h, rc) : rc;
}

const cli_verb cli_verb_durations = {
    "durations", "how long each value held: running and stopped, open and closed",
    "Usage: plantree durations PATH... [--from T] [--to T] [--json] [--data DIR]\n"
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
