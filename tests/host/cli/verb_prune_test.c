/* tests/host/cli/verb_prune_test.c -- what goes is said first, and goes only with --yes. */
#include "tests/host/cli/verb.h"
#include "tests/support/broker.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[400], csv[400];

/* Ten years of ten samples a week for two tags, up to now. */
static void fill(void)
{
    static int made;
    snprintf(dir, sizeof dir, "%s/prune-%d", pt_test_dir(), ++made);
    snprintf(csv, sizeof csv, "%s/prune-%d.csv", pt_test_dir(), made);
    int64_t now = pt_wall_ms(pt_clock_system()), week = 7 * 86400000LL;
    FILE *f = fopen(csv, "w");
    CHECK_FATAL(f != NULL);
    fprintf(f, "time,path,value\n");
    for (int i = 5199; i >= 0; i--)
        fprintf(f, "%lld,a/keep,%d.5\n%lld,a/trial,%d\n", (long long)(now - i * week / 10), i, (long long)(now - i * week / 10), i);
    CHECK_FATAL(fclose(f) == 0);
    outcome o = RUN("import", csv, "--data", dir);
    CHECK_CODE(o, 0);
    outcome_release(&o);
}

static int64_t samples_of(const char *path)
{
    char query[200];
    snprintf(query, sizeof query, "SELECT count(*) AS n FROM history WHERE path='%s'", path);
    outcome o = RUN("sql", "--data", dir, "--json", query);
    CHECK_CODE(o, 0);
    json_t *v = outcome_json(&o);
    int64_t n = cli_i64(json_array_get(v, 0), "n");
    json_decref(v);
    outcome_release(&o);
    return n;
}

static void help_and_wrong_calls(void)
{
    static const wrong_call rows[] = {
        { { "prune", "--keep", "1y" }, "--data DIR is needed" },
        { { "prune", "--data", "d" }, "what goes?" },
        { { "prune", "--data", "d", "--keep", "soon" }, "--keep: 'soon' is no duration" },
        { { "prune", "--data", "d", "--max-bytes", "many" }, "--max-bytes: 'many' is no size" },
        { { "prune", "--data", "d", "--from", "0", "--keep", "1y" }, "--from and --to need paths" },
        { { "prune", "a/b", "--data", "d" }, "--from is needed" },
        { { "prune", "a/b", "--data", "d", "--from", "0", "--keep", "1y" }, "are of the whole, not of tags" },
    };
    check_help(&cli_verb_prune);
    check_wrong_calls(rows, PT_COUNT_OF(rows));
    outcome o = RUN("prune", "--data", "/nowhere/at/all", "--keep", "1y");
    CHECK_CODE(o, 1);
    CHECK(access("/nowhere", F_OK) != 0);
    outcome_release(&o);
}

static void old_weeks_go_only_when_it_is_meant(void)
{
    fill();
    outcome o = RUN("prune", "--data", dir, "--keep", "1092d", "--json");
    CHECK_CODE(o, 0);
    json_t *v = outcome_json(&o);
    check_shape(v, "dry_run:b weeks:i blocks:i bytes:i unsealed:i events:i oldest_ms:i");
    CHECK(json_is_true(json_object_get(v, "dry_run")) && cli_i64(v, "weeks") > 360 && cli_i64(v, "bytes") > 0);
    int64_t would = cli_i64(v, "weeks");
    json_decref(v);
    outcome_release(&o);
    CHECK_INT(samples_of("a/keep"), 5200);
    o = RUN("prune", "--data", dir, "--keep", "1092d", "--yes", "--json");
    CHECK_CODE(o, 0);
    v = outcome_json(&o);
    CHECK(json_is_false(json_object_get(v, "dry_run")));
    CHECK_INT(cli_i64(v, "weeks"), would);
    json_decref(v);
    outcome_release(&o);
    CHECK(samples_of("a/keep") >= 1560 && samples_of("a/keep") <= 1570); /* 156 weeks, and what is left of the one before */
    o = RUN("prune", "--data", dir, "--keep", "1092d");
    CHECK_SAYS(o.out, "0 weeks with 0 blocks, 0 bytes, 0 samples that are not in blocks yet, and 0 events would go; then the oldest is ");
    outcome_release(&o);
    o = RUN("verify", "--data", dir);
    CHECK_CODE(o, 0);
    outcome_release(&o);
}

static void a_tags_samples_go_and_no_others(void)
{
    fill();
    outcome o = RUN("prune", "a/trial", "--data", dir, "--from", "0", "--to", "now-1d");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "a/trial: 5198 samples would go");
    outcome_release(&o);
    CHECK_INT(samples_of("a/trial"), 5200);
    o = RUN("prune", "a/trial", "--data", dir, "--from", "0", "--to", "now-1d", "--yes");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "a/trial: 5198 samples are gone");
    outcome_release(&o);
    CHECK_INT(samples_of("a/trial"), 2);
    CHECK_INT(samples_of("a/keep"), 5200);
    o = RUN("prune", "a/none", "--data", dir, "--from", "0");
    CHECK_CODE(o, 2);
    CHECK_SAYS(o.err, "there is no such tag");
    outcome_release(&o);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(help_and_wrong_calls),
        PT_TEST(old_weeks_go_only_when_it_is_meant),
        PT_TEST(a_tags_samples_go_and_no_others),
    };
    return pt_test_main("host/cli/verb_prune", tests, PT_COUNT_OF(tests), argc, argv);
}
