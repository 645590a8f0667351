/* tests/host/cli/verb_read_test.c */
#include "tests/host/cli/plant.h"
#include "tests/host/cli/scripted_host.h"
#include "tests/host/cli/verb.h"

#include <stdio.h>
#include <stdlib.h>

static void help_and_wrong_calls(void)
{
    static const wrong_call rows[] = { { { "read" }, "which path?" }, { { "read", "a", "--to", "now" }, "unknown option '--to'" } };
    check_help(&cli_verb_read);
    check_wrong_calls(rows, PT_COUNT_OF(rows));
    CHECK_HOST_ABSENT("read", "a/b");
}

static void values_come_in_the_contracts_shape(void)
{
    outcome o = CLI("read", LEVEL, SETPOINT, VALVE, "--json");
    CHECK_CODE(o, 0);
    json_t *v = outcome_json(&o);
    CHECK_INT(json_array_size(v), 3);
    for (size_t i = 0; i < json_array_size(v); i++)
        check_shape(json_array_get(v, i), "path:s tag_id:i value:* type:s unit:s? quality:s timestamp_ms:i stale_since_ms:i?");
    const json_t *level = json_array_get(v, 0), *valve = json_array_get(v, 2);
    CHECK_STR(pt_cstr(cli_str(level, "path")), LEVEL);
    CHECK_STR(pt_cstr(cli_str(level, "type")), "Float");
    CHECK_STR(pt_cstr(cli_str(level, "unit")), "m");
    CHECK_STR(pt_cstr(cli_str(level, "quality")), "GOOD");
    CHECK(json_is_null(json_object_get(level, "stale_since_ms")));
    double metres = json_number_value(json_object_get(level, "value"));
    CHECK(metres > 1 && metres < 4);
    CHECK_STR(pt_cstr(cli_str(valve, "type")), "Boolean");
    CHECK(json_is_boolean(json_object_get(valve, "value")));
    CHECK(json_is_null(json_object_get(valve, "unit")));
    json_decref(v);
    outcome_release(&o);
}

static void a_path_without_a_tag_is_said_and_the_rest_is_shown(void)
{
    outcome o = CLI("read", LEVEL, "G/e/nowhere");
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.out, "\n" LEVEL "  ");
    CHECK_SAYS(o.err, "plantree read: there is no tag 'G/e/nowhere'");
    outcome_release(&o);
    o = CLI("read", "G/e/nowhere", "--json");
    CHECK_CODE(o, 1);
    CHECK_STR(pt_buf_view(&o.out), "[]\n");
    outcome_release(&o);
    o = CLI("read", "G/e/filler"); /* a folder has no value */
    CHECK_CODE(o, 1);
    outcome_release(&o);
}

static void globs_and_more_paths_than_one_request_takes_are_read(void)
{
    static char names[120][100];
    const char *args[124] = { "read", "G/**/Level/*" };
    outcome o = CLI("read", "G/**/Level/*", "--json");
    CHECK_CODE(o, 0);
    json_t *v = outcome_json(&o);
    CHECK_INT(json_array_size(v), 3);
    json_decref(v);
    outcome_release(&o);
    for (size_t i = 0; i < 100; i++) { /* some kilobytes of address: several requests, one list */
        snprintf(names[i], sizeof names[i], "%s", i % 2 ? LEVEL : SETPOINT);
        args[2 + i] = names[i];
    }
    args[102] = "--json";
    args[103] = "--url";
    args[104] = plant_url();
    o = run_plantree(NULL, args);
    CHECK_CODE(o, 0);
    v = outcome_json(&o);
    CHECK(json_array_size(v) >= 5);
    json_decref(v);
    outcome_release(&o);
}

/* What answers a source path bears its path in the tree. */
static void source_paths_are_read_too(void)
{
    outcome o = CLI("read", "_source/spb/G/e/filler/Level/SP", "--json");
    CHECK_CODE(o, 0);
    json_t *v = outcome_json(&o);
    CHECK_STR(pt_cstr(cli_str(json_array_get(v, 0), "path")), SETPOINT);
    json_decref(v);
    outcome_release(&o);
    o = CLI("read", LEVEL, "_source/**/SP", "_source/spb/G/e/filler/none", VALVE);
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.out, LEVEL);
    CHECK_SAYS(o.out, SETPOINT);
    CHECK_SAYS(o.out, VALVE);
    CHECK_STR(pt_buf_view(&o.err), "plantree read: there is no tag '_source/spb/G/e/filler/none'\n");
    outcome_release(&o);
}

static void tables_show_the_first_known_values_and_what_is_missing(void)
{
    outcome o = SCRIPTED("read", "a/b", "a/none");
    CHECK_INT(o.code, 1);
    CHECK_SAYS(o.out, "a/b                       0.1  m     GOOD     2025-11-22T22:03:12.123Z  -");
    CHECK_SAYS(o.out, "STALE    1970-01-01T00:00:00.001Z  1970-01-01T00:00:00.002Z");
    CHECK_SAYS(o.err, "there is no tag 'a/none'");
    CHECK_STR(pt_cstr(scripted_seen()->target), "/api/v1/values");
    CHECK_STR(pt_cstr(scripted_seen()->query), "paths=a/b,a/none");
    outcome_release(&o);
    o = SCRIPTED("read", "a/b", "a/big", "--json");
    CHECK_INT(o.code, 0);
    CHECK_STR(pt_buf_view(&o.out), VALUES "\n");
    outcome_release(&o);
}

static void a_dead_nodes_value_stays_and_is_stale(void)
{
    outcome o;
    plant_end(PLANT_EDGE, SIGKILL);
    CHECK(UNTIL(is_stale, &o, "read", LEVEL));
    json_t *v = outcome_json(&o);
    CHECK(json_is_number(json_object_get(json_array_get(v, 0), "value"))); /* the last one known */
    CHECK(cli_i64(json_array_get(v, 0), "stale_since_ms") >= cli_i64(json_array_get(v, 0), "timestamp_ms"));
    json_decref(v);
    outcome_release(&o);
    o = CLI("read", LEVEL);
    CHECK_CODE(o, 0); /* a stale value is an answer */
    CHECK_SAYS(o.out, "  STALE    20");
    outcome_release(&o);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(help_and_wrong_calls),
        PT_TEST(values_come_in_the_contracts_shape),
        PT_TEST(a_path_without_a_tag_is_said_and_the_rest_is_shown),
        PT_TEST(globs_and_more_paths_than_one_request_takes_are_read),
        PT_TEST(source_paths_are_read_too),
        PT_TEST(tables_show_the_first_known_values_and_what_is_missing),
        PT_TEST(a_dead_nodes_value_stays_and_is_stale),
    };
    return plant_main("host/cli/verb_read", tests, PT_COUNT_OF(tests), argc, argv);
}
