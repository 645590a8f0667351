/* tests/host/cli/main_test.c -- the command itself: overview, version, finding the verb, options before it, and where the host is looked
 * for. */
#include "tests/host/cli/scripted_host.h"
#include "tests/host/cli/verb.h"

#include <stdio.h>

static const cli_verb *const verbs[] = { CLI_EACH_VERB(CLI_VERB_ADDRESS) };

static void the_overview_names_every_verb_with_its_summary(void)
{
    outcome asked[] = { RUN("--help"), RUN("-h"), RUN("help") };
    for (size_t k = 0; k < PT_COUNT_OF(asked); k++) {
        CHECK_INT(asked[k].code, 0);
        for (size_t i = 0; i < PT_COUNT_OF(verbs); i++) {
            char line[200];
            snprintf(line, sizeof line, "\n  %-9s %s\n", verbs[i]->name, verbs[i]->summary);
            CHECK_ROW(verbs[i]->name, outcome_says(&asked[k].out, line));
        }
        CHECK_SAYS(asked[k].out, "PLANTREE_URL");
        CHECK_SAYS(asked[k].out, "Exit codes: 0 ok, 1 failed, 2 usage, 3 refused, 4 timed out or host not reached.");
        outcome_release(&asked[k]);
    }
}

static void without_a_verb_the_overview_is_an_error(void)
{
    outcome o = RUN("--json");
    CHECK_INT(o.code, 2);
    CHECK_INT(o.out.len, 0);
    CHECK_SAYS(o.err, "Usage: plantree VERB");
    outcome_release(&o);
}

static void an_unknown_verb_or_option_is_said(void)
{
    static const struct {
        const char *args[4];
        const char *says;
    } rows[] = {
        { { "frobnicate" }, "plantree: there is no verb 'frobnicate'\n" },
        { { "histroy" }, "plantree: there is no verb 'histroy'; did you mean 'history'?" },
        { { "help", "frobnicate" }, "plantree: there is no verb 'frobnicate'" },
        { { "nod\033es" }, "there is no verb 'nod?es'" },
        { { "--frob", "nodes" }, "unknown option '--frob'" },
        { { "--url" }, "--url needs a value" },
        { { "--timeout", "5", "nodes" }, "--timeout: '5' is no duration" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        outcome o = run_plantree(NULL, rows[i].args);
        CHECK_ROW(rows[i].says, o.code == 2 && o.out.len == 0);
        CHECK_ROW(rows[i].says, outcome_says(&o.err, rows[i].says));
        CHECK_ROW(rows[i].says, outcome_says(&o.err, "See: plantree --help\n"));
        outcome_release(&o);
    }
}

static void the_version_is_one_line(void)
{
    outcome o = RUN("--version");
    CHECK_INT(o.code, 0);
    CHECK_STR(pt_buf_view(&o.out), "plantree " PLANTREE_VERSION "\n");
    outcome_release(&o);
}

static void common_options_stand_before_the_verb_or_behind_it(void)
{
    outcome before = RUN("--url", scripted_url(), "--json", "nodes"), behind = RUN("nodes", "--json", "--url", scripted_url());
    CHECK_INT(before.code, 0);
    CHECK_STR(pt_buf_view(&before.out), NODES "\n");
    CHECK(pt_slice_eq(pt_buf_view(&before.out), pt_buf_view(&behind.out)));
    outcome_release(&before);
    outcome_release(&behind);
}

static void the_host_is_found_by_option_then_environment_then_default(void)
{
    char env[100];
    snprintf(env, sizeof env, "PLANTREE_URL=%s/", scripted_url()); /* a final '/' does not matter */
    outcome o = run_plantree(env, (const char *const[]){ "nodes", "--json", NULL });
    CHECK_CODE(o, 0);
    outcome_release(&o);
    o = run_plantree("PLANTREE_URL=" NO_HOST, (const char *const[]){ "nodes", "--url", scripted_url(), NULL });
    CHECK_CODE(o, 0);
    outcome_release(&o);
    o = run_plantree("PLANTREE_URL=" NO_HOST, (const char *const[]){ "nodes", NULL });
    CHECK_CODE(o, 4);
    outcome_release(&o);
    o = run_plantree("PLANTREE_URL=", (const char *const[]){ "nodes", "--timeout", "1ms", "--help", NULL }); /* empty is none */
    CHECK_CODE(o, 0);
    outcome_release(&o);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(the_overview_names_every_verb_with_its_summary),
        PT_TEST(without_a_verb_the_overview_is_an_error),
        PT_TEST(an_unknown_verb_or_option_is_said),
        PT_TEST(the_version_is_one_line),
        PT_TEST(common_options_stand_before_the_verb_or_behind_it),
        PT_TEST(the_host_is_found_by_option_then_environment_then_default),
    };
    return scripted_main("host/cli/main", tests, PT_COUNT_OF(tests), argc, argv);
}
