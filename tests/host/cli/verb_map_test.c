/* tests/host/cli/verb_map_test.c -- plantree map check and test on files; no host is needed. */
#include "tests/host/cli/map_files.h"
#include "tests/host/cli/verb.h"

#include <stdlib.h>

static char config[400];

static void help_and_wrong_calls(void)
{
    static const wrong_call rows[] = {
        { { "map" }, "say what to do: check, test or plan" },
        { { "map", "draw" }, "say what to do: check, test or plan" },
        { { "map", "check", "x" }, "say what to do: check, test or plan" },
        { { "map", "check" }, "--config FILE is needed" },
        { { "map", "plan", "--config", "x" }, "--data DIR is needed" },
        { { "map", "test", "--config", "x", "--group", "g" }, "--group, --edge and --metric are needed" },
        { { "map", "test", "--config", "x", "--group", "g", "--edge", "e", "--metric", "m", "--type", "Decimal" },
          "'Decimal' is no Sparkplug datatype" },
    };
    check_help(&cli_verb_map);
    check_wrong_calls(rows, PT_COUNT_OF(rows));
}

static void good_rules_pass_and_a_fault_is_named_at_its_place(void)
{
    map_file(config, MAP_RULES);
    outcome o = RUN("map", "check", "--config", config);
    CHECK_INT(o.code, 0);
    CHECK_SAYS(o.out, "2 rules, no fault, 0 warnings\n");
    outcome_release(&o);
    o = RUN("map", "check", "--config", config, "--json");
    CHECK_INT(o.code, 0);
    CHECK_STR(pt_buf_view(&o.out), "{\"rules\":2,\"warnings\":[]}\n");
    outcome_release(&o);
    map_file(config, "rules:\n  - { id: a, to: '{lne}' }\n");
    o = RUN("map", "check", "--config", config);
    CHECK_INT(o.code, 2);
    CHECK_SAYS(o.err, "host.yaml:2:20: unknown placeholder 'lne'");
    outcome_release(&o);
    o = RUN("map", "check", "--config", "/nonexistent/host.yaml");
    CHECK_INT(o.code, 2);
    CHECK_SAYS(o.err, "/nonexistent/host.yaml:1:1: cannot be opened");
    outcome_release(&o);
}

static void a_rule_that_can_never_match_is_warned_of(void)
{
    map_file(config, "version: 1\nrules:\n  - { id: all, from: { spb: { group: '{g}' } }, to: '{g}/{metric...}' }\n"
                     "  - { id: lost, from: { spb: { group: Lyon } }, to: 'x/{metric...}' }\n");
    outcome o = RUN("map", "check", "--config", config);
    CHECK_INT(o.code, 0);
    CHECK_SAYS(o.out, "2 rules, no fault, 1 warning\n");
    CHECK_SAYS(o.err, "host.yaml:4:");
    CHECK_SAYS(o.err, "lost");
    outcome_release(&o);
    o = RUN("map", "check", "--config", config, "--json");
    json_t *v = outcome_json(&o);
    CHECK_INT(json_array_size(json_object_get(v, "warnings")), 1);
    CHECK_INT(o.err.len, 0);
    json_decref(v);
    outcome_release(&o);
}

static void a_metric_is_tried_without_a_host(void)
{
    map_file(config, MAP_RULES);
    outcome o = RUN("map", "test", "--config", config, "--group", "Lyon", "--edge", "e", "--device", "L1_P", "--metric", "a/b");
    CHECK_INT(o.code, 0);
    CHECK_STR(pt_buf_view(&o.out), "plumbing: no, by its metric\npress: matches, line=L1, m=P\nmapped: lyon/line-1/a/b\n");
    outcome_release(&o);
    o = RUN("map", "test", "--config", config, "--group", "Lyon", "--edge", "e", "--device", "L1_P", "--metric", "a/b", "--json");
    CHECK_INT(o.code, 0);
    CHECK_STR(pt_buf_view(&o.out),
              "{\"rules\":[{\"rule\":\"plumbing\",\"matched\":false,\"differs_in\":\"metric\"},"
              "{\"rule\":\"press\",\"matched\":true,\"captures\":\"line=L1, m=P\"}],\"outcome\":\"mapped\",\"rule\":\"press\","
              "\"path\":\"lyon/line-1/a/b\",\"reason\":null}\n");
    outcome_release(&o);
    o = RUN("map", "test", "--config", config, "--group", "Lyon", "--edge", "e", "--metric", "Node Control/Rebirth");
    CHECK_INT(o.code, 0); /* ignored on purpose is an answer */
    CHECK_SAYS(o.out, "\nignored\n");
    outcome_release(&o);
}

static void a_metric_without_a_path_is_a_failure(void)
{
    map_file(
        config,
        "version: 1\nuns: { on_unmapped: quarantine }\nrules:\n  - { id: none, from: { spb: { group: Lyon } }, to: '{prop.x}/{metric}' }\n");
    outcome o = RUN("map", "test", "--config", config, "--group", "Lyon", "--edge", "e", "--metric", "a");
    CHECK_INT(o.code, 1);
    CHECK_STR(pt_buf_view(&o.out), "none: matches\nquarantined ({prop.x} is empty)\n");
    outcome_release(&o);
}

/* The example of docs/mapping.md, as a reader would copy it. */
static void the_pages_example_has_no_fault(void)
{
    static char page[1 << 16];
    const char *src = getenv("PLANTREE_SRC");
    char path[4096];
    snprintf(path, sizeof path, "%s/docs/mapping.md", src ? src : ".");
    FILE *f = fopen(path, "r");
    CHECK_FATAL(f != NULL);
    size_t n = fread(page, 1, sizeof page - 1, f);
    fclose(f);
    page[n] = '\0';
    char *example = strstr(page, "```yaml\n"), *end = example ? strstr(example + 8, "```") : NULL;
    CHECK_FATAL(example && end);
    *end = '\0';
    map_file(config, example + 8);
    outcome o = RUN("map", "check", "--config", config);
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "5 rules, no fault, 0 warnings\n");
    outcome_release(&o);
    o = RUN("map", "test", "--config", config, "--group", "Lyon", "--edge", "gw-4", "--device", "L1_Press", "--metric", "Motor/Temp");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "mapped: acme/lyon/press-shop/line-1/press/Motor/Temp\n");
    outcome_release(&o);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(help_and_wrong_calls),
        PT_TEST(good_rules_pass_and_a_fault_is_named_at_its_place),
        PT_TEST(a_rule_that_can_never_match_is_warned_of),
        PT_TEST(a_metric_is_tried_without_a_host),
        PT_TEST(a_metric_without_a_path_is_a_failure),
        PT_TEST(the_pages_example_has_no_fault),
    };
    return pt_test_main("host/cli/verb_map", tests, PT_COUNT_OF(tests), argc, argv);
}
