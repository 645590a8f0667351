/* tests/host/cli/verb_replay_test.c -- replay of a running host's own history, and of its files without it. See data_test.c for what a
 * replay says. */
#include "tests/host/cli/plant.h"
#include "tests/host/cli/verb.h"

#include <stdio.h>

static void help_and_wrong_calls(void)
{
#define RANGE "--from", "0", "--to", "1"
    static const wrong_call rows[] = {
        { { "replay" }, "replay run is expected" },
        { { "replay", "ls" }, "replay run is expected" },
        { { "replay", "run", "--to-stdout", "csv" }, "--from and --to are needed" },
        { { "replay", "run", "--from", "1", "--to", "1", "--to-stdout", "csv" }, "--from must be before --to" },
        { { "replay", "run", RANGE }, "--to-stdout jsonl or --to-stdout csv is needed" },
        { { "replay", "run", RANGE, "--to-stdout", "xml" }, "--to-stdout jsonl or --to-stdout csv is needed" },
        { { "replay", "run", RANGE, "--speed", "0" }, "--speed is max or a number" },
        { { "replay", "run", RANGE, "--speed", "1001" }, "--speed is max or a number from 0.01 to 1000" },
        { { "replay", "run", RANGE, "--max-gap", "5" }, "--max-gap: '5' is no duration" },
        { { "replay", "run", RANGE, "--loop", "x" }, "--loop is a number" },
    };
    check_help(&cli_verb_replay);
    check_wrong_calls(rows, PT_COUNT_OF(rows));
    CHECK_HOST_ABSENT("replay", "run", RANGE, "--to-stdout", "csv");
}

static void the_hosts_own_history_is_found_beside_it(void)
{
    outcome o;
    CHECK(UNTIL(has_points, &o, "history", LEVEL, "--from", "now-5m"));
    outcome_release(&o);
    o = CLI("replay", "run", "--from", "now-5m", "--to", "now", "--speed", "max", "--to-stdout", "csv");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, LEVEL);
    outcome_release(&o);
    o = CLI("replay", "run", "--from", "now-5m", "--to", "now", "--speed", "max", "--select", "**/SP", "--no-events", "--to-stdout",
            "jsonl");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "\"path\":\"" SETPOINT "\"");
    CHECK(!outcome_says(&o.out, LEVEL) && !outcome_says(&o.out, "\"kind\":\"event\""));
    pt_slice rest = pt_buf_view(&o.out), line;
    while (rest.len && pt_slice_split(&rest, '\n', &line)) { /* every line is JSON of its own */
        json_t *v = line.len ? json_loadb(line.ptr, line.len, 0, NULL) : json_true();
        CHECK(v != NULL);
        json_decref(v);
    }
    outcome_release(&o);
    o = CLI("replay", "run", "--from", "0", "--to", "1", "--speed", "max", "--to-stdout", "jsonl"); /* nothing was recorded then */
    CHECK_CODE(o, 0);
    CHECK_INT(o.out.len, 0);
    outcome_release(&o);
}

static void history_replays_beside_the_host_and_without_it(void)
{
    const char *const replay[] = { "--data",   plant_data(), "replay",  "run", "--from",      "now-5m", "--to", "now",
                                   "--select", "G/**",       "--speed", "max", "--to-stdout", "jsonl",  NULL };
    outcome beside = run_plantree(NULL, replay);
    CHECK_INT(beside.code, 0);
    CHECK_SAYS(beside.out, "\"kind\":\"birth\"");
    CHECK_SAYS(beside.out, "\"path\":\"" LEVEL "\"");
    CHECK_INT(plant_end(PLANT_HOST, SIGTERM), 0);
    outcome o = run_plantree(NULL, replay);
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "\"path\":\"" LEVEL "\"");
    outcome_release(&o);
    outcome_release(&beside);
    o = RUN("--data", "/nonexistent/x", "replay", "run", "--from", "0", "--to", "1", "--to-stdout", "csv");
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "/nonexistent/x");
    outcome_release(&o);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(help_and_wrong_calls), PT_TEST(the_hosts_own_history_is_found_beside_it),
                                     PT_TEST(history_replays_beside_the_host_and_without_it) };
    return plant_main("host/cli/verb_replay", tests, PT_COUNT_OF(tests), argc, argv);
}
