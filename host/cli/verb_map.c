/* host/cli/verb_map.c -- check mapping rules and try them, without a host. */
#include "host/cli/map_plan.h"
#include "host/rules.h"

typedef struct rules {
    pt_yaml *yaml;
    uns_map *map;
    host_rules_source source;
    pt_buf faults;
} rules;

static void rules_fini(rules *r)
{
    uns_map_free(r->map);
    pt_yaml_free(r->yaml);
    pt_buf_fini(&r->faults);
}

/* Warnings and faults go to standard error as `file:line:column: message`. */
static void say_faults(const rules *r)
{
    pt_slice rest = pt_buf_view(&r->faults), line;
    pt_buf out;
    pt_buf_init(&out, 2u << 20);
    while (rest.len && pt_slice_split(&rest, '\n', &line)) {
        cli_printable(&out, line);
        pt_buf_char(&out, '\n');
    }
    (void)fwrite(pt_buf_view(&out).ptr, 1, pt_buf_view(&out).len, stderr);
    pt_buf_fini(&out);
}

static int rules_read(cli *c, const char *file, rules *r)
{
    *r = (rules){ .yaml = NULL };
    pt_buf_init(&r->faults, 1u << 20);
    if (!file) return cli_usage(c, "--config FILE is needed: the host's configuration");
    pt_status st = pt_yaml_read_file(file, &r->yaml, &r->faults);
    if (!st) st = host_rules_find(r->yaml, &r->source, &r->faults);
    if (!st) st = host_rules_build(&r->source, &r->map, &r->faults);
    if (!st) return CLI_GO_ON;
    say_faults(r);
    if (!r->faults.len) return cli_fail(c, PT_EXIT_FAILED, "%s: %s", file, pt_status_name(st));
    return PT_EXIT_USAGE;
}

static int run_check(cli *c, const rules *r, const char *file)
{
    pt_buf out;
    size_t warnings = 0;
    host_rules_source s = r->source;
    pt_buf lint;
    pt_buf_init(&lint, 1u << 20);
    host_rules_lint(&s, r->map, &lint);
    for (size_t i = 0; i < lint.len; i++)
        warnings += lint.ptr[i] == '\n';
    pt_buf_init(&out, 2u << 20);
    if (c->json) {
        pt_json j;
        pt_slice rest = pt_buf_view(&lint), line;
        pt_json_init(&j, &out);
        pt_json_object(&j);
        pt_json_member_u64(&j, "rules", uns_map_count(r->map));
        pt_json_key(&j, "warnings");
        pt_json_array(&j);
        while (rest.len && pt_slice_split(&rest, '\n', &line))
            pt_json_str(&j, line);
        pt_json_end_array(&j);
        pt_json_end_object(&j);
        pt_buf_char(&out, '\n');
    } else {
        cli_printable(&out, pt_cstr(file));
        pt_buf_printf(&out, ": %u rule%s, no fault, %zu warning%s\n", uns_map_count(r->map), uns_map_count(r->map) == 1 ? "" : "s",
                      warnings, warnings == 1 ? "" : "s");
    }
    int rc = cli_put(c, &out);
    if (!c->json) (void)fwrite(pt_buf_view(&lint).ptr, 1, pt_buf_view(&lint).len, stderr);
    pt_buf_fini(&lint);
    pt_buf_fini(&out);
    return rc;
}

typedef struct steps {
    cli *c;
    pt_json j;
    pt_buf out;
} steps;

static void step(void *ctx, pt_slice rule, bool matched, const char *text)
{
    steps *s = ctx;
    if (s->c->json) {
        pt_json_object(&s->j);
        pt_json_member_str(&s->j, "rule", rule);
        pt_json_member_bool(&s->j, "matched", matched);
        pt_json_member_cstr(&s->j, matched ? "captures" : "differs_in", text);
        pt_json_end_object(&s->j);
        return;
    }
    cli_printable(&s->out, rule);
    pt_buf_cstr(&s->out, matched ? ": matches" : ": no, by its ");
    if (matched && *text) pt_buf_cstr(&s->out, ", ");
    cli_printable(&s->out, pt_cstr(text));
    pt_buf_char(&s->out, '\n');
}

static int run_test(cli *c, const rules *r, const uns_source *source)
{
    uns_mapping m;
    steps s = { .c = c };
    pt_buf_init(&s.out, 8u << 20);
    pt_json_init(&s.j, &s.out);
    if (c->json) {
        pt_json_object(&s.j);
        pt_json_key(&s.j, "rules");
        pt_json_array(&s.j);
    }
    uns_map_explain(r->map, source, step, &s, &m);
    if (c->json) {
        pt_json_end_array(&s.j);
        pt_json_member_cstr(&s.j, "outcome", uns_outcome_name(m.outcome));
        pt_json_member_str(&s.j, "rule", m.rule);
        pt_json_member_str(&s.j, "path", m.len ? pt_slice_of(m.path, m.len) : PT_NONE);
        pt_json_member_cstr(&s.j, "reason", m.reason[0] ? m.reason : NULL);
        pt_json_end_object(&s.j);
        pt_buf_char(&s.out, '\n');
    } else {
        pt_buf_printf(&s.out, "%s", uns_outcome_name(m.outcome));
        if (m.len) {
            pt_buf_cstr(&s.out, ": ");
            cli_printable(&s.out, pt_slice_of(m.path, m.len));
        }
        if (m.reason[0]) {
            pt_buf_cstr(&s.out, " (");
            cli_printable(&s.out, pt_cstr(m.reason));
            pt_buf_char(&s.out, ')');
        }
        pt_buf_char(&s.out, '\n');
    }
    int rc = cli_put(c, &s.out);
    pt_buf_fini(&s.out);
    return rc != PT_EXIT_OK ? rc : m.len || m.outcome == UNS_IGNORED ? PT_EXIT_OK : PT_EXIT_FAILED;
}

static int run(cli *c, int argc, char **argv)
{
    const char *config = NULL, *group = NULL, *edge = NULL, *device = "", *metric = NULL, *type = NULL;
    const cli_option options[] = { { .name = "--config", .value = &config },
                                   { .name = "--group", .value = &group },
                                   { .name = "--edge", .value = &edge },
                                   { .name = "--device", .value = &device },
                                   { .name = "--metric", .value = &metric },
                                   { .name = "--type", .value = &type },
                                   { 0 } };
    rules r;
    int rc = cli_options(c, &argc, argv, options);
    if (rc != CLI_GO_ON) return rc;
    bool test = argc == 2 && strcmp(argv[1], "test") == 0, check = argc == 2 && strcmp(argv[1], "check") == 0;
    bool plan = argc == 2 && strcmp(argv[1], "plan") == 0;
    if (!test && !check && !plan) return cli_usage(c, "say what to do: check, test or plan");
    if (plan && !c->data_dir) return cli_usage(c, "--data DIR is needed: the data directory whose tags are looked at");
    if (test && (!group || !edge || !metric)) return cli_usage(c, "--group, --edge and --metric are needed");
    uns_source s = {
        .group = pt_cstr(group), .edge = pt_cstr(edge), .device = pt_cstr(device), .metric = pt_cstr(metric), .type = SPB_DOUBLE
    };
    if (type && spb_datatype_parse(pt_cstr(type), &s.type) != PT_OK) return cli_usage(c, "'%s' is no Sparkplug datatype", type);
    rc = rules_read(c, config, &r);
    if (rc == CLI_GO_ON) rc = test ? run_test(c, &r, &s) : plan ? cli_map_plan(c, r.map) : run_check(c, &r, config);
    rules_fini(&r);
    return rc;
}

const cli_verb cli_verb_map = {
    "map", "check mapping rules, try them, see what they would move",
    "Usage: plantree map check --config FILE [--json]\n"
    "       plantree map plan --config FILE --data DIR [--json]\n"
    "       plantree map test --config FILE --group G --edge E [--device D] --metric M [--type T] [--json]\n"
    "\n"
    "check  reads the rules of a host's configuration; faults are named as file:line:column (exit 2), rules that can never\n"
    "       match are warned of.\n"
    "test   says for one metric which rule takes it, with its captures, why the rules before did not, and the path that\n"
    "       comes out. Exit 1 when there is none.\n"
    "plan   says what the rules would do to the tags of a data directory: how many stay, move, lose their path or collide, with\n"
    "       examples. The directory is only read, beside a running host too. History belongs to the tag and moves with it.\n"
    "\n"
    "No host needs to run. A running one takes changed rules with SIGHUP.\n"
    "\n"
    "Example:\n"
    "  plantree map test --config host.yaml --group Lyon --edge gw-4 --device L1_Press --metric Motor/Temp\n",
    run
};
