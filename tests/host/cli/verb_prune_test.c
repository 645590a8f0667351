/* tests/host/cli/verb_prune_test.c -- what goes is said first, goes only with --yes, and leaves a trace in the audit and among the events.
 */
#include "historian/historian.h"
#include "tests/host/cli/verb.h"
#include "tests/support/broker.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[400], csv[400];

/* A new directory's file of samples, its header written. */
static FILE *begin_filling(void)
{
    static int made;
    snprintf(dir, sizeof dir, "%s/prune-%d", pt_test_dir(), ++made);
    snprintf(csv, sizeof csv, "%s/prune-%d.csv", pt_test_dir(), made);
    FILE *f = fopen(csv, "w");
    CHECK_FATAL(f && fprintf(f, "time,path,value\n") > 0);
    return f;
}

static void end_filling(FILE *f)
{
    CHECK_FATAL(fclose(f) == 0);
    outcome o = RUN("import", csv, "--data", dir);
    CHECK_CODE(o, 0);
    outcome_release(&o);
}

/* A year of a hundred samples a week for two tags, up to now. */
static void fill(void)
{
    FILE *f = begin_filling();
    int64_t now = pt_wall_ms(pt_clock_system()), week = 7 * 86400000LL;
    for (int i = 5199; i >= 0; i--)
        fprintf(f, "%lld,a/keep,%d.5\n%lld,a/trial,%d\n", (long long)(now - i * week / 100), i, (long long)(now - i * week / 100), i);
    end_filling(f);
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

static const char *audit_file(void)
{
    static char path[440];
    snprintf(path, sizeof path, "%s/audit.db", dir);
    return path;
}

static json_t *listed(outcome o)
{
    CHECK_CODE(o, 0);
    json_t *v = outcome_json(&o);
    outcome_release(&o);
    return v;
}

/* The audit has so many rows and is whole; the last of them. */
static json_t *last_audited(size_t rows)
{
    outcome o = RUN("audit", "--verify", "--data", dir);
    CHECK_CODE(o, 0);
    outcome_release(&o);
    json_t *v = listed(RUN("audit", "--data", dir, "--json"));
    CHECK_INT(json_array_size(v), rows);
    json_t *last = rows ? json_incref(json_array_get(v, rows - 1)) : NULL;
    json_decref(v);
    if (!last) return NULL;
    CHECK(strncmp(cli_str(last, "principal"), "cli:", 4) == 0 && cli_str(last, "principal")[4]);
    CHECK_STR(pt_cstr(cli_str(last, "auth_kind")), "os-user");
    CHECK_STR(pt_cstr(cli_str(last, "outcome")), "done");
    return last;
}

/* The only event of that type. */
static json_t *only_event(const char *type)
{
    json_t *v = listed(RUN("events", "--data", dir, "--type", type, "--json"));
    CHECK_INT(json_array_size(v), 1);
    json_t *e = json_incref(json_array_get(v, 0));
    json_decref(v);
    return e;
}

static void help_and_wrong_calls(void)
{
    static const wrong_call rows[] = {
        { { "prune", "--keep", "1y" }, "--data DIR is needed" },
        { { "prune", "--data", "d" }, "what goes?" },
        { { "prune", "--data", "d", "--keep", "soon" }, "--keep: 'soon' is no duration" },
        { { "prune", "--data", "d", "--max-bytes", "many" }, "--max-bytes: 'many' is no size" },
        { { "prune", "--data", "d", "--max-bytes", "0" },
          "--max-bytes 0 is not allowed, because 0 is no bound in data.retention; the smallest is 1" },
        { { "prune", "a/b", "--data", "d", "--from", "2000", "--to", "2000" }, "--from must be before --to" },
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
    outcome o = RUN("prune", "--data", dir, "--keep", "273d", "--json");
    CHECK_CODE(o, 0);
    json_t *v = outcome_json(&o);
    check_shape(v, "dry_run:b weeks:i blocks:i bytes:i unsealed:i events:i oldest_ms:i");
    CHECK(json_is_true(json_object_get(v, "dry_run")) && cli_i64(v, "weeks") > 10 && cli_i64(v, "bytes") > 0);
    int64_t would = cli_i64(v, "weeks");
    json_decref(v);
    outcome_release(&o);
    CHECK_INT(samples_of("a/keep"), 5200);
    CHECK(access(audit_file(), F_OK) != 0); /* who only asks is not noted */
    o = RUN("prune", "--data", dir, "--keep", "273d", "--yes", "--json");
    CHECK_CODE(o, 0);
    v = outcome_json(&o);
    CHECK(json_is_false(json_object_get(v, "dry_run")));
    CHECK_INT(cli_i64(v, "weeks"), would);
    json_decref(v);
    outcome_release(&o);
    CHECK(samples_of("a/keep") >= 3900 && samples_of("a/keep") <= 4000); /* 39 weeks, and what is left of the one before */
    o = RUN("prune", "--data", dir, "--keep", "273d");
    CHECK_SAYS(
        o.out,
        "0 weeks with 0 blocks, 0 bytes, 0 samples that are not in blocks yet, and 0 events would go; the oldest week left would begin on 20");
    outcome_release(&o);
    o = RUN("verify", "--data", dir);
    CHECK_CODE(o, 0);
    outcome_release(&o);
    json_t *row = last_audited(1), *after = json_object_get(row, "after"), *event = only_event("history-pruned"),
           *detail = json_object_get(event, "detail");
    CHECK_STR(pt_cstr(cli_str(row, "action")), "history-prune");
    CHECK_STR(pt_cstr(cli_str(row, "object")), "history");
    check_shape(after, "before_ms:i max_bytes:i weeks:i blocks:i bytes:i unsealed:i events:i oldest_ms:i");
    CHECK_INT(cli_i64(after, "weeks"), would);
    check_shape(detail, "before_ms:i max_bytes:i partitions:i blocks:i bytes:i events:i unsealed:i");
    CHECK(cli_i64(detail, "partitions") == would && cli_i64(detail, "before_ms") == cli_i64(after, "before_ms") &&
          cli_i64(detail, "bytes") == cli_i64(after, "bytes"));
    json_decref(event);
    json_decref(row);
    o = RUN("prune", "--data", dir, "--keep", "273d", "--yes");
    CHECK_CODE(o, 0);
    outcome_release(&o);
    json_decref(last_audited(1)); /* nothing went */
}

/* Committed and not in blocks yet, of a week that goes. */
static void late_samples_go_along(void)
{
    fill();
    hist_options o;
    hist *h = NULL;
    uint32_t id = 0;
    hist_options_init(&o);
    o.dir = dir;
    CHECK_OK_FATAL(hist_open(&o, pt_clock_system(), NULL, &h, NULL));
    hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_NONE, PT_LIT("late") };
    CHECK_OK_FATAL(hist_tag_ensure(h, &key, PT_LIT("a/late"), SPB_DOUBLE, PT_NONE, &id));
    for (int i = 0; i < 4; i++) {
        hist_sample s = { .tag_id = id,
                          .time_ms = pt_wall_ms(pt_clock_system()) - (i < 3 ? 20 : 0) * 365 * 86400000LL - i,
                          .type = SPB_DOUBLE,
                          .as.f64 = i };
        CHECK_OK(hist_append(h, &s, 1));
    }
    CHECK_OK(hist_close(h, 10000, NULL));
    json_t *v = listed(RUN("prune", "--data", dir, "--keep", "15y", "--json"));
    CHECK(cli_i64(v, "weeks") >= 1 && cli_i64(v, "blocks") == 0);
    CHECK_INT(cli_i64(v, "unsealed"), 3);
    json_decref(v);
    CHECK_INT(samples_of("a/late"), 4);
    outcome said = RUN("prune", "--data", dir, "--keep", "15y", "--yes");
    CHECK_CODE(said, 0);
    CHECK_SAYS(said.out, "3 samples that were not in blocks yet, and ");
    outcome_release(&said);
    CHECK_INT(samples_of("a/late"), 1);
    v = listed(RUN("prune", "--data", dir, "--keep", "15y", "--json"));
    CHECK(cli_i64(v, "weeks") == 0 && cli_i64(v, "unsealed") == 0);
    json_decref(v);
    json_decref(last_audited(1));
}

static void without_an_audit_nothing_goes(void)
{
    FILE *f = fopen(audit_file(), "w");
    CHECK_FATAL(f != NULL);
    CHECK(fputs("this is no audit, and it is longer than the header of one", f) > 0 && fclose(f) == 0);
    outcome o = RUN("prune", "a/trial", "--data", dir, "--from", "0", "--yes");
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "audit.db: ");
    outcome_release(&o);
    CHECK_INT(samples_of("a/trial"), 5200);
    o = RUN("prune", "a/trial", "--data", dir, "--from", "0");
    CHECK_CODE(o, 0);
    outcome_release(&o);
    CHECK(unlink(audit_file()) == 0);
}

static void a_tags_samples_go_and_no_others(void)
{
    fill();
    outcome o = RUN("prune", "a/trial", "--data", dir, "--from", "0", "--to", "now-1d");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "a/trial: 5185 samples would go");
    outcome_release(&o);
    CHECK_INT(samples_of("a/trial"), 5200);
    o = RUN("prune", "a/trial", "--data", dir, "--from", "0", "--to", "now-1d", "--yes");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "a/trial: 5185 samples are gone");
    outcome_release(&o);
    CHECK_INT(samples_of("a/trial"), 15);
    CHECK_INT(samples_of("a/keep"), 5200);
    o = RUN("prune", "a/none", "--data", dir, "--from", "0");
    CHECK_CODE(o, 2);
    CHECK_SAYS(o.err, "there is no such tag");
    outcome_release(&o);
    json_t *row = last_audited(1), *after = json_object_get(row, "after"), *event = only_event("history-deleted"),
           *detail = json_object_get(event, "detail");
    CHECK_STR(pt_cstr(cli_str(row, "action")), "history-delete");
    CHECK_STR(pt_cstr(cli_str(row, "object")), "a/trial");
    check_shape(after, "tag_id:i from_ms:i to_ms:i samples:i");
    CHECK_INT(cli_i64(after, "samples"), 5185);
    CHECK(json_equal(after, detail));
    CHECK_STR(pt_cstr(cli_str(event, "path")), "a/trial");
    json_decref(event);
    json_decref(row);
    o = RUN("prune", "a/trial", "a/keep", "--data", dir, "--from", "0", "--yes"); /* a row each */
    CHECK_CODE(o, 0);
    outcome_release(&o);
    row = last_audited(3);
    CHECK_STR(pt_cstr(cli_str(row, "object")), "a/keep");
    json_decref(row);
}

static void of_a_path_of_several_owners_nothing_goes_until_it_is_said_whose(void)
{
    fill();
    hist_options o;
    hist *h = NULL;
    uint32_t id = 0;
    hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_LIT(""), PT_LIT("m") };
    hist_options_init(&o);
    o.dir = dir;
    CHECK_OK_FATAL(hist_open(&o, pt_clock_system(), NULL, &h, NULL));
    CHECK_OK(hist_tag_ensure(h, &key, PT_LIT("a/trial"), SPB_DOUBLE, PT_LIT(""), &id)); /* the import makes way */
    hist_sample s = { .tag_id = id, .time_ms = pt_wall_ms(pt_clock_system()) + 1000, .type = SPB_DOUBLE };
    CHECK_OK(hist_append(h, &s, 1));
    CHECK_OK(hist_close(h, 10000, NULL));
    char number[20], says[80];
    snprintf(number, sizeof number, "%u", id);
    outcome r = RUN("prune", "a/trial", "--data", dir, "--from", "0");
    CHECK_CODE(r, 0);
    snprintf(says, sizeof says, "a/trial (tag %u): 1 samples would go", id);
    CHECK_SAYS(r.out, says);
    CHECK_SAYS(r.out, ": 5200 samples would go");
    outcome_release(&r);
    r = RUN("prune", "a/trial", "--data", dir, "--from", "0", "--yes");
    CHECK_CODE(r, 2);
    CHECK_SAYS(r.err, "(5200 samples)");
    snprintf(says, sizeof says, "%u (1 samples): give --tag-id N, or --all-owners", id);
    CHECK_SAYS(r.err, says);
    outcome_release(&r);
    r = RUN("prune", "--tag-id", number, "--data", dir, "--from", "0", "--yes");
    CHECK_CODE(r, 0);
    snprintf(says, sizeof says, "tag %u: 1 samples are gone", id);
    CHECK_SAYS(r.out, says);
    outcome_release(&r);
    r = RUN("prune", "a/trial", "--data", dir, "--from", "0", "--yes"); /* only one has any now */
    CHECK_CODE(r, 0);
    CHECK_SAYS(r.out, "a/trial: 5200 samples are gone");
    outcome_release(&r);
    static const struct {
        const char *id, *path, *says;
    } wrong[] = {
        { "x", NULL, "no tag's number" },
        { "0", NULL, "no tag's number" },
        { "9999", NULL, "there is no tag 9999" },
        { "1", "a/trial", "no path beside it" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(wrong); i++) {
        r = wrong[i].path ? RUN("prune", "--tag-id", wrong[i].id, "--data", dir, "--from", "0", wrong[i].path)
                          : RUN("prune", "--tag-id", wrong[i].id, "--data", dir, "--from", "0");
        CHECK_CODE(r, 2);
        CHECK_SAYS(r.err, wrong[i].says);
        outcome_release(&r);
    }
}

/* Without --to there is no end: not even now is one. */
static void without_an_end_everything_from_the_beginning_on_goes(void)
{
    int64_t now = pt_wall_ms(pt_clock_system());
    FILE *f = begin_filling();
    for (int day = -2; day <= 1; day++) /* tomorrow, too: some clocks are fast */
        fprintf(f, "%lld,a/trial,7\n", (long long)(now + day * 86400000LL));
    end_filling(f);
    outcome o = RUN("prune", "a/trial", "--data", dir, "--from", "now-36h");
    CHECK_SAYS(o.out, "a/trial: 3 samples would go");
    outcome_release(&o);
    o = RUN("prune", "a/trial", "--data", dir, "--from", "now-36h", "--yes");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "a/trial: 3 samples are gone");
    outcome_release(&o);
    json_t *row = last_audited(1), *after = json_object_get(row, "after"), *event = only_event("history-deleted");
    check_shape(after, "tag_id:i from_ms:i to_ms:i? samples:i");
    CHECK(json_is_null(json_object_get(after, "to_ms")));
    CHECK(json_equal(after, json_object_get(event, "detail")));
    json_decref(event);
    json_decref(row);
}

static void when_no_week_is_left_that_is_said(void)
{
    FILE *f = begin_filling();
    fprintf(f, "2020-01-01T00:00:00Z,a/b,7\n");
    end_filling(f);
    outcome o = RUN("prune", "--data", dir, "--keep", "1y");
    CHECK_SAYS(o.out, "would go; no week would be left\n");
    outcome_release(&o);
    o = RUN("prune", "--data", dir, "--keep", "1y", "--yes");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "are gone; no week is left\n");
    outcome_release(&o);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(help_and_wrong_calls),
        PT_TEST(old_weeks_go_only_when_it_is_meant),
        PT_TEST(late_samples_go_along),
        PT_TEST(without_an_audit_nothing_goes),
        PT_TEST(a_tags_samples_go_and_no_others),
        PT_TEST(of_a_path_of_several_owners_nothing_goes_until_it_is_said_whose),
        PT_TEST(without_an_end_everything_from_the_beginning_on_goes),
        PT_TEST(when_no_week_is_left_that_is_said),
    };
    return pt_test_main("host/cli/verb_prune", tests, PT_COUNT_OF(tests), argc, argv);
}
