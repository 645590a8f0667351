/* tests/host/cli/verb_conformance_test.c -- our own edge node has no fault; a foreign one gets a report. */
#include "tests/host/cli/plant.h"
#include "tests/host/cli/scripted_host.h"
#include "tests/host/cli/verb.h"

#include <stdio.h>

static void help_and_wrong_calls(void)
{
    static const wrong_call rows[] = {
        { { "conformance" }, "one edge node is needed, as GROUP/EDGE" },
        { { "conformance", "g" }, "'g' is not GROUP/EDGE" },
        { { "conformance", "g/e", "x" }, "one edge node is needed" },
    };
    check_help(&cli_verb_conformance);
    check_wrong_calls(rows, PT_COUNT_OF(rows));
    CHECK_HOST_ABSENT("conformance", "g/e");
}

static void our_own_edge_node_has_no_fault(void)
{
    outcome o = CLI("conformance", "G/e", "--json");
    CHECK_CODE(o, 0);
    json_t *v = outcome_json(&o);
    CHECK_INT(cli_i64(v, "kinds"), 0);
    CHECK(cli_i64(v, "judged") > 0);
    CHECK_INT(cli_i64(v, "judged"), cli_i64(v, "messages"));
    CHECK(json_is_true(json_object_get(v, "birth_heard")));
    json_decref(v);
    outcome_release(&o);
    o = CLI("conformance", "G/e", "--check");
    CHECK_CODE(o, 0);
    outcome_release(&o);
    o = CLI("nodes", "--conformance");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "NODE  MESSAGES");
    CHECK_SAYS(o.out, "\nG/e");
    outcome_release(&o);
    o = CLI("conformance", "G/nobody");
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "nothing was heard of such an edge node");
    outcome_release(&o);
}

static void a_report_names_rules_times_and_bytes(void)
{
    char file[400], text[8192];
    snprintf(file, sizeof file, "%s/report.md", plant_dir());
    outcome o = SCRIPTED("conformance", "g/e", "--report", file);
    CHECK_CODE(o, 0);
    outcome_release(&o);
    FILE *f = fopen(file, "r");
    CHECK_FATAL(f != NULL);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    (void)fclose(f);
    static const char *const says[] = {
        "# Sparkplug conformance of edge node `g/e`\n",
        "Heard from 2025-11-22T22:03:12.123Z to ",
        "Judged: 90 of 100 messages; data messages beyond some thousand metrics a second are judged in samples.",
        "Findings: 1 kinds, and 1 recommendations.",
        "\n## 1. the sequence number is not one more than the last\n",
        "* Rules: tck-id-a, tck-id-b\n* Times: 7\n* First: 2025-11-22T22:03:12.123Z\n* Last: 2025-11-22T22:03:13.000Z\n",
        "* Topic of the first: `spBv1.0/g/NDATA/e`\n",
        "* Metric of the first: number 3 of the payload, from 0, `a?[31m/b`\n",
        "```\n0a 12 ff\n```\n\nThe first 3 of 40 bytes.\n",
        "\n## 2. an old datatype\n\n* Rules: tck-id-c (a recommendation)\n",
        "5 findings of further kinds are not shown",
    };
    for (size_t i = 0; i < PT_COUNT_OF(says); i++)
        CHECK_ROW(says[i], strstr(text, says[i]) != NULL);
    o = SCRIPTED("conformance", "g/e", "--report", "/nowhere/at/all.md");
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "/nowhere/at/all.md");
    outcome_release(&o);
    o = SCRIPTED("conformance", "g/e", "--check");
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.out, "KIND    TIMES  FIRST");
    CHECK_SAYS(o.out, "\nfault       7  2025-11-22T22:03:12.123Z  2025-11-22T22:03:13.000Z  a?[31m/b");
    outcome_release(&o);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(help_and_wrong_calls),
        PT_TEST(our_own_edge_node_has_no_fault),
        PT_TEST(a_report_names_rules_times_and_bytes),
    };
    return plant_main("host/cli/verb_conformance", tests, PT_COUNT_OF(tests), argc, argv);
}
