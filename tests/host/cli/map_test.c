/* tests/host/cli/map_test.c -- plantree map check, test and plan on files. */
#include "historian/historian.h"
#include "tests/host/cli/run.h"
#include "tests/support/check.h"

#include <stdio.h>

static char config[400], data[400];

static void write_config(const char *text)
{
    snprintf(config, sizeof config, "%s/host.yaml", pt_test_dir());
    FILE *f = fopen(config, "w");
    CHECK_FATAL(f != NULL);
    fputs(text, f);
    CHECK_FATAL(fclose(f) == 0);
}

static const char rules[] = "version: 1\n"
                            "uns: { tables: { lines: { L1: line-1 } } }\n"
                            "rules:\n"
                            "  - { id: plumbing, from: { spb: { metric: 'Node Control/**' } }, action: ignore }\n"
                            "  - { id: press, from: { spb: { group: Lyon, device: '{line}_{m}' } }, to: 'lyon/{line|map(lines)}/{metric...}' }\n";

static void good_rules_pass_and_a_fault_is_named_at_its_place(void)
{
    write_config(rules);
    outcome o = run_plantree(NULL, (const char *const[]){ "map", "check", "--config", config, NULL });
    CHECK_INT(o.code, 0);
    CHECK(outcome_says(&o.out, "2 rules, no fault, 0 warnings"));
    outcome_release(&o);
    write_config("rules:\n  - { id: a, to: '{lne}' }\n");
    o = run_plantree(NULL, (const char *const[]){ "map", "check", "--config", config, NULL });
    CHECK_INT(o.code, 2);
    CHECK(outcome_says(&o.err, "host.yaml:2:20: unknown placeholder 'lne'"));
    outcome_release(&o);
}

static void a_metric_is_tried_without_a_host(void)
{
    write_config(rules);
    outcome o = run_plantree(NULL, (const char *const[]){ "map", "test", "--config", config, "--group", "Lyon", "--edge", "e", "--device", "L1_P", "--metric", "a/b", NULL });
    CHECK_INT(o.code, 0);
    CHECK(outcome_says(&o.out, "plumbing: no, by its metric") && outcome_says(&o.out, "press: matches, line=L1, m=P") && outcome_says(&o.out, "mapped: lyon/line-1/a/b"));
    outcome_release(&o);
    o = run_plantree(NULL, (const char *const[]){ "map", "test", "--config", config, "--group", "Lyon", "--edge", "e", NULL });
    CHECK_INT(o.code, 2);
    outcome_release(&o);
}

static void add_tag(hist *h, const char *device, const char *metric, const char *path)
{
    const hist_tag_key key = { PT_LIT("spb"), PT_LIT("Lyon"), PT_LIT("e"), pt_cstr(device), pt_cstr(metric) };
    uint32_t id;
    CHECK_OK_FATAL(hist_tag_ensure(h, &key, pt_cstr(path), SPB_DOUBLE, PT_NONE, &id));
}

static void a_plan_says_which_tags_stay_move_and_collide(void)
{
    hist_options ho;
    hist *h = NULL;
    pt_error err = { 0 };
    write_config(rules);
    snprintf(data, sizeof data, "%s/data", pt_test_dir());
    hist_options_init(&ho);
    ho.dir = data;
    CHECK_OK_FATAL(hist_open(&ho, pt_clock_system(), NULL, &h, &err));
    add_tag(h, "L1_A", "T", "Lyon/e/L1_A/T");
    add_tag(h, "L1_B", "T", "Lyon/e/L1_B/T"); /* the rule leaves the machine out: both want lyon/line-1/T */
    add_tag(h, "L9_A", "T", "Lyon/e/L9_A/T"); /* no such line: literal, as it is */
    add_tag(h, "", "Node Control/Rebirth", "Lyon/e/_sparkplug/Node Control/Rebirth");
    CHECK_OK_FATAL(hist_close(h, 10000, &err));
    outcome o = run_plantree(NULL, (const char *const[]){ "map", "plan", "--config", config, "--data", data, NULL });
    CHECK_INT(o.code, 0);
    CHECK(outcome_says(&o.out, "4 tags: 1 stay, 1 move, 1 ignored, 0 without a path, 1 collisions"));
    CHECK(outcome_says(&o.out, "Lyon/e/L1_A/T -> lyon/line-1/T  (press)"));
    CHECK(outcome_says(&o.out, "Lyon/e/L1_B/T -> lyon/line-1/T  (press, with tag 1)"));
    outcome_release(&o);
    o = run_plantree(NULL, (const char *const[]){ "map", "plan", "--config", config, "--data", data, "--json", NULL });
    CHECK_INT(o.code, 0);
    CHECK(outcome_says(&o.out, "{\"tags\":4,\"same\":1,\"moved\":1,\"ignored\":1,\"unmapped\":0,\"collisions\":1,"));
    outcome_release(&o);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(good_rules_pass_and_a_fault_is_named_at_its_place),
        PT_TEST(a_metric_is_tried_without_a_host),
        PT_TEST(a_plan_says_which_tags_stay_move_and_collide),
    };
    return pt_test_main("cli/map", tests, PT_COUNT_OF(tests), argc, argv);
}
