/* tests/host/cli/verb_durations_test.c -- time in each state: exactly, from files; and the same answer from a running host. */
#include "tests/host/cli/plant.h"
#include "tests/host/cli/verb.h"

#include <stdio.h>

static void help_and_wrong_calls(void)
{
    static const wrong_call rows[] = {
        { { "durations" }, "which path?" },
        { { "durations", "a", "--from", "now", "--to", "now-1h" }, "--from must be before --to" },
        { { "durations", "a", "--interval", "1h" }, "unknown option '--interval'" },
    };
    check_help(&cli_verb_durations);
    check_wrong_calls(rows, PT_COUNT_OF(rows));
    CHECK_HOST_ABSENT("durations", "a");
}

static void each_value_has_its_time_and_share(void)
{
    char csv[420], dir[420];
    snprintf(csv, sizeof csv, "%s/states.csv", plant_dir());
    snprintf(dir, sizeof dir, "%s/states", plant_dir());
    FILE *f = fopen(csv, "w");
    CHECK_FATAL(f &&
                fputs("time,path,value,quality\n"
                      "2026-01-01T00:00:00Z,line/State,running,GOOD\n"
                      "2026-01-01T00:30:00Z,line/State,stopped,GOOD\n"
                      "2026-01-01T00:40:00Z,line/State,running,GOOD\n"
                      "2026-01-01T00:50:00Z,line/State,running,BAD\n"
                      "2026-01-01T00:55:30.250Z,line/State,stopped,GOOD\n",
                      f) >= 0 &&
                fclose(f) == 0);
    outcome o = RUN("import", csv, "--data", dir);
    CHECK_CODE(o, 0);
    outcome_release(&o);
    o = RUN("--data", dir, "durations", "line/State", "--from", "2026-01-01T00:10:00Z", "--to", "2026-01-01T01:00:00Z");
    CHECK_CODE(o, 0);
    CHECK_STR(pt_buf_view(&o.out), "PATH        VALUE       DURATION    SHARE  TIMES\n"
                                   "line/State  running  0:30:00.000  60.00 %      2\n"
                                   "line/State  stopped  0:14:29.750  28.99 %      2\n"
                                   "line/State  -        0:05:30.250  11.01 %      1\n");
    outcome_release(&o);
    o = RUN("--data", dir, "durations", "line/State", "line/*", "--from", "2026-01-01T00:10:00Z", "--to", "2026-01-01T01:00:00Z", "--json");
    CHECK_CODE(o, 0);
    json_t *v = outcome_json(&o);
    CHECK_INT(json_array_size(json_object_get(v, "series")), 1) /* each tag once */;
    const json_t *states = json_object_get(json_array_get(json_object_get(v, "series"), 0), "states");
    CHECK_INT(json_array_size(states), 3);
    CHECK_INT(cli_i64(json_array_get(states, 1), "duration_ms"), 869750);
    CHECK(json_is_null(json_object_get(json_array_get(states, 2), "value")));
    json_decref(v);
    outcome_release(&o);
    o = RUN("--data", dir, "durations", "line/Nothing");
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "there is no tag line/Nothing");
    outcome_release(&o);
    o = RUN("--data", dir, "history", "line/State", "--from", "2026-01-01T00:00:00Z", "--to", "2026-01-01T01:00:00Z", "--interval", "20m",
            "--fn", "interpolated,samples", "--format", "csv");
    CHECK_CODE(o, 0); /* a text is no number: no value, but a row */
    CHECK_SAYS(o.out, "2026-01-01T00:20:00.000Z,line/State,,1\n");
    outcome_release(&o);
}

static bool has_states(const json_t *v)
{
    return json_array_size(json_object_get(json_array_get(json_object_get(v, "series"), 0), "states")) > 0;
}

static void the_host_answers_as_its_files_do(void)
{
    char to[32];
    outcome o, files;
    CHECK(UNTIL(has_states, &o, "durations", VALVE, "--from", "now-5m"));
    json_t *v = outcome_json(&o);
    const json_t *s = json_array_get(json_object_get(v, "series"), 0);
    check_shape(v, "from_ms:i to_ms:i series:a");
    check_shape(s, "path:s tag_id:i unit:* type:s states:a");
    check_shape(json_array_get(json_object_get(s, "states"), 0), "value:* duration_ms:i times:i");
    int64_t to_ms = cli_i64(v, "from_ms") + 301000; /* before now, and its samples are on the disk */
    snprintf(to, sizeof to, "%lld", (long long)(to_ms - 2000));
    json_decref(v);
    outcome_release(&o);
    o = CLI("durations", VALVE, "--from", "0", "--to", to, "--json");
    files = RUN("--data", plant_data(), "durations", VALVE, "--from", "0", "--to", to, "--json");
    CHECK_CODE(o, 0);
    CHECK_STR(pt_buf_view(&files.out), o.out.ptr);
    outcome_release(&files);
    outcome_release(&o);
    o = CLI("durations", "G/e/nowhere");
    CHECK_CODE(o, 1);
    outcome_release(&o);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(help_and_wrong_calls), PT_TEST(each_value_has_its_time_and_share),
                                     PT_TEST(the_host_answers_as_its_files_do) };
    return plant_main("host/cli/durations", tests, PT_COUNT_OF(tests), argc, argv);
}
