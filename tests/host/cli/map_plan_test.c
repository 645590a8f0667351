/* tests/host/cli/map_plan_test.c -- plantree map plan: what a rule set would do to the tags of a data directory. */
#include "historian/historian.h"
#include "tests/host/cli/map_files.h"
#include "tests/host/cli/verb.h"

static char config[400], data[400];

static void add_tag(hist *h, const char *device, const char *metric, const char *path)
{
    const hist_tag_key key = { PT_LIT("spb"), PT_LIT("Lyon"), PT_LIT("e"), pt_cstr(device), pt_cstr(metric) };
    uint32_t id;
    CHECK_OK_FATAL(hist_tag_ensure(h, &key, pt_cstr(path), SPB_DOUBLE, PT_NONE, &id));
}

static hist *open_data(void)
{
    hist_options ho;
    hist *h = NULL;
    pt_error err = { 0 };
    snprintf(data, sizeof data, "%s/data", pt_test_dir());
    hist_options_init(&ho);
    ho.dir = data;
    CHECK_OK_FATAL(hist_open(&ho, pt_clock_system(), NULL, &h, &err));
    return h;
}

static void a_plan_says_which_tags_stay_move_and_collide(void)
{
    pt_error err = { 0 };
    hist *h = open_data();
    map_file(config, MAP_RULES);
    add_tag(h, "L1_A", "T", "Lyon/e/L1_A/T");
    add_tag(h, "L1_B", "T", "Lyon/e/L1_B/T"); /* the rule leaves the machine out: both want lyon/line-1/T */
    add_tag(h, "L9_A", "T", "Lyon/e/L9_A/T"); /* no such line: literal, as it is */
    add_tag(h, "", "Node Control/Rebirth", "Lyon/e/_sparkplug/Node Control/Rebirth");
    CHECK_OK_FATAL(hist_close(h, 10000, &err));
    outcome o = RUN("map", "plan", "--config", config, "--data", data);
    CHECK_INT(o.code, 0);
    CHECK_SAYS(o.out, "4 tags: 1 stay, 1 move, 1 ignored, 0 without a path, 1 collisions\n");
    CHECK_SAYS(o.out, "Lyon/e/L1_A/T -> lyon/line-1/T  (press)\n");
    CHECK_SAYS(o.out, "Lyon/e/L1_B/T -> lyon/line-1/T  (press, with tag 1)\n");
    outcome_release(&o);
    o = RUN("map", "plan", "--config", config, "--data", data, "--json");
    CHECK_INT(o.code, 0);
    CHECK_SAYS(o.out, "{\"tags\":4,\"same\":1,\"moved\":1,\"ignored\":1,\"unmapped\":0,\"collisions\":1,");
    json_t *v = outcome_json(&o), *examples = json_object_get(v, "examples");
    check_shape(json_array_get(json_object_get(examples, "moved"), 0), "tag_id:i from:s to:s rule:s");
    check_shape(json_array_get(json_object_get(examples, "collisions"), 0), "tag_id:i from:s to:s rule:s with_tag_id:i");
    CHECK_INT(json_array_size(json_object_get(examples, "unmapped")), 0);
    json_decref(v);
    outcome_release(&o);
}

static void tags_that_lose_their_path_are_named_with_the_reason_ten_of_them(void)
{
    pt_error err = { 0 };
    hist *h = open_data();
    map_file(config, "version: 1\nuns: { on_unmapped: quarantine }\nrules:\n"
                     "  - { id: none, from: { spb: { group: Lyon } }, to: '{prop.x}/{metric}' }\n");
    for (int i = 0; i < 13; i++) {
        char metric[20], path[40];
        snprintf(metric, sizeof metric, "m%d", i);
        snprintf(path, sizeof path, "Lyon/e/%s", metric);
        add_tag(h, "", metric, path);
    }
    CHECK_OK_FATAL(hist_close(h, 10000, &err));
    outcome o = RUN("map", "plan", "--config", config, "--data", data);
    CHECK_INT(o.code, 0);
    CHECK_SAYS(o.out, "13 tags: 0 stay, 0 move, 0 ignored, 13 without a path, 0 collisions\n");
    CHECK_SAYS(o.out, "Lyon/e/m0  ({prop.x} is empty)\n");
    CHECK_SAYS(o.out, "unmapped   and 3 more\n");
    outcome_release(&o);
}

static void a_directory_that_is_none_is_said(void)
{
    map_file(config, MAP_RULES);
    outcome o = RUN("map", "plan", "--config", config, "--data", "/nonexistent/x");
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "/nonexistent/x");
    CHECK_INT(o.out.len, 0);
    outcome_release(&o);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_plan_says_which_tags_stay_move_and_collide),
        PT_TEST(tags_that_lose_their_path_are_named_with_the_reason_ten_of_them),
        PT_TEST(a_directory_that_is_none_is_said),
    };
    return pt_test_main("host/cli/map_plan", tests, PT_COUNT_OF(tests), argc, argv);
}
