/* tests/host/cli/verb_tag_test.c -- tags of a running plant: listed, whose path it is, retired. */
#include "tests/host/cli/plant.h"
#include "tests/host/cli/scripted_host.h"
#include "tests/host/cli/verb.h"

#include <stdio.h>

static void help_and_wrong_calls(void)
{
    static const wrong_call rows[] = {
        { { "tag" }, "ls, history-of or retire?" },
        { { "tag", "frob" }, "'frob' is not one of ls, history-of, retire" },
        { { "tag", "history-of" }, "history-of needs one path" },
        { { "tag", "retire" }, "retire needs the number of a tag" },
        { { "tag", "retire", "x" }, "retire needs the number of a tag" },
        { { "tag", "retire", "3", "--data", "/tmp" }, "retire is for a running host" },
    };
    check_help(&cli_verb_tag);
    check_wrong_calls(rows, PT_COUNT_OF(rows));
    CHECK_HOST_ABSENT("tag", "ls");
    CHECK_HOST_ABSENT("tag", "retire", "3");
}

static void the_host_and_its_files_list_the_same_tags(void)
{
    outcome o = CLI("tag", "ls", "G/e/filler/**");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "TAG  PATH");
    CHECK_SAYS(o.out, LEVEL);
    outcome_release(&o);
    o = CLI("tag", "ls", "nowhere/**", "--json");
    CHECK_CODE(o, 0);
    CHECK_STR(pt_buf_view(&o.out), "[]\n");
    outcome_release(&o);
    o = CLI("tag", "history-of", LEVEL);
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "TAG  FROM");
    CHECK_SAYS(o.out, "  -   " LEVEL);
    outcome_release(&o);
    o = CLI("tag", "history-of", LEVEL, "--data", plant_data(), "--json");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "\"to_ms\":null,\"path\":\"" LEVEL "\"");
    outcome_release(&o);
    o = CLI("tag", "history-of", "no/such");
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "there is no tag no/such");
    outcome_release(&o);
}

static bool retired(const char *number)
{
    outcome o = CLI("tag", "retire", number);
    bool done = o.code == 0;
    if (!done) CHECK_CODE(o, 3);
    if (!done) CHECK_SAYS(o.err, "is in the newest birth of a node that is on line");
    outcome_release(&o);
    return done;
}

static void a_tag_is_retired_when_its_source_is_gone_and_comes_back_with_it(void)
{
    char number[30];
    outcome o = CLI("tag", "history-of", GAIN, "--json");
    CHECK_CODE(o, 0);
    json_t *v = outcome_json(&o);
    snprintf(number, sizeof number, "%lld", (long long)cli_i64(json_array_get(v, 0), "tag_id"));
    json_decref(v);
    outcome_release(&o);
    CHECK(!retired(number)); /* its source is there */
    CHECK_INT(plant_end(PLANT_EDGE, SIGKILL), 128 + SIGKILL);
    CHECK(UNTIL(is_offline, &o, "nodes"));
    outcome_release(&o);
    CHECK(retired(number));
    o = CLI("read", GAIN);
    CHECK_CODE(o, 1);
    outcome_release(&o);
    o = CLI("history", GAIN, "--from", "now-1h");
    CHECK_CODE(o, 0);
    outcome_release(&o);
    o = CLI("audit");
    CHECK_SAYS(o.out, "tag-retire");
    outcome_release(&o);
    o = CLI("tag", "retire", "99999");
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "there is no such tag");
    outcome_release(&o);
    plant_start(PLANT_EDGE);
    CHECK(UNTIL(is_good, &o, "read", LEVEL));
    outcome_release(&o);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(help_and_wrong_calls),
        PT_TEST(the_host_and_its_files_list_the_same_tags),
        PT_TEST(a_tag_is_retired_when_its_source_is_gone_and_comes_back_with_it),
    };
    return plant_main("host/cli/verb_tag", tests, PT_COUNT_OF(tests), argc, argv);
}
