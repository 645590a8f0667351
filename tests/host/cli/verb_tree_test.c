/* tests/host/cli/verb_tree_test.c */
#include "tests/host/cli/plant.h"
#include "tests/host/cli/scripted_host.h"
#include "tests/host/cli/verb.h"

#include <stdio.h>

static void help_and_wrong_calls(void)
{
    static const wrong_call rows[] = {
        { { "tree", "--depth", "0" }, "--depth is a number from 1 to 64, not '0'" },
        { { "tree", "--depth", "65" }, "--depth is a number from 1 to 64" },
        { { "tree", "--depth", "x" }, "--depth is a number from 1 to 64" },
        { { "tree", "a", "b" }, "one path at most" },
        { { "tree", "--at", "yesterday" }, "--at: 'yesterday' is no time" },
    };
    check_help(&cli_verb_tree);
    check_wrong_calls(rows, PT_COUNT_OF(rows));
    CHECK_HOST_ABSENT("tree");
}

static const json_t *node_at(const json_t *tree, const char *path)
{
    size_t i;
    json_t *n;
    json_array_foreach(tree, i, n)
    {
        if (strcmp(json_string_value(json_object_get(n, "path")), path) == 0) return n;
    }
    return NULL;
}

static void the_whole_tree_comes_in_the_contracts_shape_parents_first(void)
{
    outcome o = CLI("tree", "--json");
    CHECK_CODE(o, 0);
    json_t *v = outcome_json(&o);
    CHECK(json_array_size(v) >= 8);
    for (size_t i = 0; i < json_array_size(v); i++)
        check_shape(json_array_get(v, i), "path:s name:s kind:s class:s state:s children:i tag_id:i?");
    CHECK_STR(pt_cstr(cli_str(json_array_get(v, 0), "path")), "G");
    CHECK_STR(pt_cstr(cli_str(json_array_get(v, 1), "path")), "G/e");
    const json_t *folder = node_at(v, "G/e/filler/Level"), *tag = node_at(v, LEVEL);
    CHECK_FATAL(folder && tag);
    CHECK_STR(pt_cstr(cli_str(folder, "kind")), "folder");
    CHECK_INT(cli_i64(folder, "children"), 3);
    CHECK(json_is_null(json_object_get(folder, "tag_id")));
    CHECK_STR(pt_cstr(cli_str(tag, "kind")), "tag");
    CHECK_STR(pt_cstr(cli_str(tag, "name")), "PV");
    CHECK_STR(pt_cstr(cli_str(tag, "state")), "live");
    CHECK(cli_i64(tag, "tag_id") > 0);
    json_decref(v);
    outcome_release(&o);
}

static void depth_path_and_view_are_taken(void)
{
    outcome o = CLI("tree", "--depth", "2");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "\nG/    folder");
    CHECK_SAYS(o.out, "\n  e/  folder");
    CHECK(!outcome_says(&o.out, "filler"));
    outcome_release(&o);
    o = CLI("tree", "G/e/filler");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "\nLevel/  folder");
    CHECK_SAYS(o.out, "\n  PV    tag ");
    outcome_release(&o);
    o = CLI("tree", "--source", "spb/G/e", "--json");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "\"path\":\"_source/spb/G/e/filler/Level/PV\"");
    outcome_release(&o);
    o = CLI("tree", "--source", "_source/spb", "--depth", "1");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "\nG/ ");
    outcome_release(&o);
}

static void a_path_that_is_not_there_is_a_failure(void)
{
    outcome o = CLI("tree", "G/nowhere");
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "plantree tree: the host says 404 Not Found: there is nothing at G/nowhere");
    CHECK_INT(o.out.len, 0);
    outcome_release(&o);
}

static outcome tree_at(int64_t ms)
{
    char at[32];
    snprintf(at, sizeof at, "%lld", (long long)ms);
    return CLI("tree", "--at", at, "--json");
}

static bool level_was_stale(const json_t *v)
{
    const char *state = cli_str(node_at(v, LEVEL), "state");
    return state && strcmp(state, "stale") == 0;
}

static void the_tree_of_a_past_time_shows_what_was_there_and_how(void)
{
    outcome o, past;
    CHECK(UNTIL(has_points, &o, "history", LEVEL, "--from", "now-5m"));
    json_t *v = outcome_json(&o), *t = json_object_get(json_array_get(json_object_get(v, "series"), 0), "t");
    int64_t alive_ms = cli_int(json_array_get(t, json_array_size(t) - 1));
    json_decref(v);
    outcome_release(&o);
    CHECK_INT(plant_end(PLANT_EDGE, SIGKILL), 128 + SIGKILL);
    CHECK(UNTIL(is_stale, &o, "read", LEVEL));
    v = outcome_json(&o);
    int64_t dead_ms = cli_i64(json_array_get(v, 0), "stale_since_ms");
    json_decref(v);
    outcome_release(&o);

    past = tree_at(alive_ms + 1);
    CHECK_CODE(past, 0);
    v = outcome_json(&past);
    for (size_t i = 0; i < json_array_size(v); i++)
        check_shape(json_array_get(v, i), "path:s name:s kind:s class:s state:s children:i tag_id:i?");
    const json_t *tag = node_at(v, LEVEL), *folder = node_at(v, "G/e/filler/Level");
    CHECK_FATAL(tag && folder);
    CHECK_STR(pt_cstr(cli_str(tag, "state")), "live");
    CHECK_STR(pt_cstr(cli_str(folder, "kind")), "folder");
    CHECK_INT(cli_i64(folder, "children"), 3);
    json_decref(v);
    outcome_release(&past);

    char after[32];
    snprintf(after, sizeof after, "%lld", (long long)dead_ms + 1);
    CHECK(UNTIL(level_was_stale, &past, "tree", "--at", after)); /* once the death is committed */
    outcome_release(&past);
    past = CLI("tree", "--at", "now+1h");
    CHECK_CODE(past, 2);
    CHECK_SAYS(past.err, "400 Bad Request: at lies in the future");
    outcome_release(&past);

    past = tree_at(1000); /* nothing was there in 1970 */
    CHECK_CODE(past, 0);
    CHECK_STR(pt_buf_view(&past.out), "[]\n");
    outcome_release(&past);
    past = CLI("tree", "G/e/filler", "--at", "now", "--depth", "1");
    CHECK_CODE(past, 0);
    CHECK_SAYS(past.out, "\nLevel/  folder");
    CHECK(!outcome_says(&past.out, "PV"));
    outcome_release(&past);
    past = CLI("tree", "G/e/filler", "--at", "1000");
    CHECK_CODE(past, 1);
    CHECK_SAYS(past.err, "404 Not Found");
    outcome_release(&past);
    plant_start(PLANT_EDGE);
    CHECK(UNTIL(is_online, &o, "nodes"));
    outcome_release(&o);
}

static void the_table_indents_by_depth(void)
{
    outcome o = SCRIPTED("tree");
    CHECK_INT(o.code, 0);
    CHECK_STR(
        pt_buf_view(&o.out),
        "NAME  KIND    CLASS       STATE  TAG  CHILDREN\na/    folder  functional  live     -         1\n  b   tag     functional  live     7         0\n");
    outcome_release(&o);
    o = SCRIPTED("--json", "tree");
    CHECK_STR(pt_buf_view(&o.out), TREE "\n");
    outcome_release(&o);
    o = SCRIPTED("tree", "nowhere");
    CHECK_INT(o.code, 1);
    CHECK_SAYS(o.err, "plantree tree: the host says 404 Not Found: there is nothing below nowhere");
    outcome_release(&o);
    o = SCRIPTED("tree", "a/b c", "--depth", "3", "--at", "1970-01-01T00:00:01Z");
    CHECK_STR(pt_cstr(scripted_seen()->query), "path=a/b c&depth=3&at=1000");
    outcome_release(&o);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(help_and_wrong_calls),
        PT_TEST(the_whole_tree_comes_in_the_contracts_shape_parents_first),
        PT_TEST(depth_path_and_view_are_taken),
        PT_TEST(a_path_that_is_not_there_is_a_failure),
        PT_TEST(the_tree_of_a_past_time_shows_what_was_there_and_how),
        PT_TEST(the_table_indents_by_depth),
    };
    return plant_main("host/cli/verb_tree", tests, PT_COUNT_OF(tests), argc, argv);
}
