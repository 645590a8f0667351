/* tests/host/rules_test.c -- mapping rules out of YAML, and faults at their places. */
#include "host/rules.h"
#include "tests/support/check.h"

static pt_status build(const char *text, pt_yaml **y, uns_map **map, pt_buf *faults, bool lint)
{
    pt_buf_init(faults, 64 * 1024);
    *y = NULL;
    *map = NULL;
    CHECK_OK_FATAL(pt_yaml_read_text("host.yaml", pt_cstr(text), y, faults));
    host_rules_source s;
    pt_status st = host_rules_find(*y, &s, faults);
    if (!st) st = host_rules_build(&s, map, faults);
    if (!st && lint) host_rules_lint(&s, *map, faults);
    return st;
}

static void the_rules_of_a_file_map_a_plant(void)
{
    static const char text[] = "uns:\n"
                               "  vars: { enterprise: acme }\n"
                               "  tables: { lines: { L1: line-1, L2: line-2 } }\n"
                               "rules:\n"
                               "  - id: no-plumbing\n"
                               "    from: { spb: { metric: 'Node Control/**' } }\n"
                               "    action: ignore\n"
                               "  - id: presses\n"
                               "    from: { spb: { group: 'Lyon', edge: 'gw-{n:int}', device: '{line}_{machine}' } }\n"
                               "    to: '{vars.enterprise}/lyon/{line|map(lines)}/{machine|lower}/{metric...}'\n"
                               "    class: informative\n"
                               "    historise: false\n";
    pt_yaml *y;
    uns_map *m;
    pt_buf faults;
    uns_mapping out;
    CHECK_OK(build(text, &y, &m, &faults, true));
    CHECK_STR(pt_buf_view(&faults), "");
    CHECK_INT(uns_map_count(m), 2);
    uns_source s = { .group = PT_LIT("Lyon"), .edge = PT_LIT("gw-4"), .device = PT_LIT("L2_Press"), .metric = PT_LIT("Motor/T") };
    uns_map_apply(m, &s, &out);
    CHECK_STR(pt_cstr(out.path), "acme/lyon/line-2/press/Motor/T");
    CHECK(out.has_class && out.cls == UNS_INFORMATIVE && out.no_history);
    s.metric = PT_LIT("Node Control/Rebirth");
    uns_map_apply(m, &s, &out);
    CHECK(out.outcome == UNS_IGNORED);
    uns_map_free(m);
    pt_yaml_free(y);
    pt_buf_fini(&faults);
}

static void no_rules_are_a_literal_plant(void)
{
    pt_yaml *y;
    uns_map *m;
    pt_buf faults;
    CHECK_OK(build("version: 1\nrules: []\n", &y, &m, &faults, true));
    CHECK_INT(uns_map_count(m), 0);
    uns_map_free(m);
    pt_yaml_free(y);
    pt_buf_fini(&faults);
}

static const struct {
    const char *text, *fault;
} bad[] = {
    { "rules: 3\n", "host.yaml:1:8: rules: a list is wanted here\n" },
    { "rules: [ x ]\n", "host.yaml:1:10: a rule is a map: { id, from, to }\n" },
    { "rules:\n  - id: a\n    form: x\n", "host.yaml:3:5: unknown key; a rule has id, from, to, action, class and historise\n" },
    { "rules:\n  - id: a\n    from: { spb: { grop: x } }\n    to: x\n",
      "host.yaml:3:20: unknown key; from.spb has group, edge, device and metric\n" },
    { "rules:\n  - id: a\n    from: { spb: { group: '{x}{y}' } }\n    to: x\n",
      "host.yaml:3:31: two placeholders without a literal between them\n" },
    { "rules:\n  - id: a\n    to: '{lne}/x'\n", "host.yaml:3:11: unknown placeholder 'lne'\n" },
    { "rules:\n  - id: a\n    to: x{lne}\n", "host.yaml:3:11: unknown placeholder 'lne'\n" },
    { "rules:\n  - id: a\n", "host.yaml:2:5: a rule needs a path, or the action ignore\n" },
    { "rules:\n  - to: x\n", "host.yaml:2:5: a rule needs an id\n" },
    { "rules:\n  - { id: a, to: x }\n  - { id: a, to: y }\n", "host.yaml:3:11: there is a rule 'a' already\n" },
    { "rules:\n  - { id: a, to: x, publish: { topic: x } }\n", "host.yaml:2:21: not supported by this version\n" },
    { "rules:\n  - { id: a, to: x, class: odd }\n", "host.yaml:2:28: class: functional, informative, descriptive, edge or adhoc\n" },
    { "rules:\n  - { id: a, to: '{edge|map(t)}' }\n", "host.yaml:2:29: unknown table 't'\n" },
    { "uns: { on_unmapped: keep }\n", "host.yaml:1:21: on_unmapped: literal, quarantine or drop\n" },
    { "uns: { vars: [ a ] }\n", "host.yaml:1:14: uns.vars: a map of names to texts is wanted here\n" },
};

static void a_fault_is_named_at_its_place(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(bad); i++) {
        pt_yaml *y;
        uns_map *m;
        pt_buf faults;
        CHECK_ROW(bad[i].text, build(bad[i].text, &y, &m, &faults, false) == PT_EMALFORMED && !m);
        CHECK_STR(pt_buf_view(&faults), bad[i].fault);
        pt_yaml_free(y);
        pt_buf_fini(&faults);
    }
}

static void a_rule_that_can_never_match_is_warned_of(void)
{
    pt_yaml *y;
    uns_map *m;
    pt_buf faults;
    CHECK_OK(
        build("rules:\n  - { id: all, to: '{metric...}' }\n  - { id: never, from: { spb: { edge: e } }, to: x }\n", &y, &m, &faults, true));
    CHECK_STR(pt_buf_view(&faults), "host.yaml:3:11: rule 'never' can never match: 'all' before it takes everything\n");
    uns_map_free(m);
    pt_yaml_free(y);
    pt_buf_fini(&faults);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(the_rules_of_a_file_map_a_plant),
        PT_TEST(no_rules_are_a_literal_plant),
        PT_TEST(a_fault_is_named_at_its_place),
        PT_TEST(a_rule_that_can_never_match_is_warned_of),
    };
    return pt_test_main("host/rules", tests, PT_COUNT_OF(tests), argc, argv);
}
