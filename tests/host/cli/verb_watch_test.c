/* tests/host/cli/verb_watch_test.c */
#include "tests/host/cli/plant.h"
#include "tests/host/cli/scripted_host.h"
#include "tests/host/cli/verb.h"

#include "base/clock.h"

static void help_and_wrong_calls(void)
{
    static const wrong_call rows[] = {
        { { "watch" }, "which paths?" },
        { { "watch", "a", "--rate", "21" }, "--rate is a number from 1 to 20" },
        { { "watch", "a", "--rate", "0" }, "--rate is a number from 1 to 20" },
        { { "watch", "a", "--count", "0" }, "--count is a number from 1 on" },
        { { "watch", "a", "--count", "x" }, "--count is a number from 1 on" },
        { { "watch", "a", "--for", "10" }, "--for: '10' is no duration" },
    };
    check_help(&cli_verb_watch);
    check_wrong_calls(rows, PT_COUNT_OF(rows));
    CHECK_HOST_ABSENT("watch", "**");
}

static void values_of_the_plant_come_line_by_line(void)
{
    outcome o = CLI("watch", "G/**/Level/*", "--count", "4");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "Z  " SETPOINT "  ");
    CHECK_SAYS(o.out, "Z  " LEVEL "  ");
    outcome_release(&o);
    o = CLI("watch", LEVEL, "--changes", "--count", "2", "--json");
    CHECK_CODE(o, 0);
    pt_slice rest = pt_buf_view(&o.out), line;
    int n = 0;
    while (rest.len && pt_slice_split(&rest, '\n', &line)) {
        if (!line.len) continue;
        json_t *v = json_loadb(line.ptr, line.len, 0, NULL);
        check_shape(v, "path:s tag_id:i value:n type:s unit:s quality:s timestamp_ms:i");
        CHECK_STR(pt_cstr(cli_str(v, "path")), LEVEL);
        json_decref(v);
        n++;
    }
    CHECK_INT(n, 2);
    outcome_release(&o);
    o = CLI("watch", "**", "!G/e/filler/**", "!G/e/Backfill/**", "--for", "300ms");
    CHECK_CODE(o, 0);
    CHECK(!outcome_says(&o.out, "filler"));
    outcome_release(&o);
}

static void a_glob_of_nothing_is_silence(void)
{
    outcome o = CLI("watch", "G/nowhere/**", "--for", "300ms");
    CHECK_CODE(o, 0);
    CHECK_INT(o.out.len + o.err.len, 0);
    outcome_release(&o);
}

static void watching_prints_a_line_for_each_value(void)
{
    outcome o = SCRIPTED("watch", "a/**", "--count", "3");
    CHECK_INT(o.code, 0);
    CHECK_STR(pt_buf_view(&o.out), "2025-11-22T22:03:12.123Z  a/b  0.5 m\n"
                                   "2025-11-22T22:03:12.123Z  a/c  x?y  STALE\n"
                                   "2025-11-22T22:03:13.000Z  a/b  0.1 m\n");
    outcome_release(&o);
    o = SCRIPTED("watch", "a/**", "--count", "1", "--json");
    CHECK_STR(pt_buf_view(&o.out), "{\"path\":\"a/b\",\"tag_id\":7,\"value\":0.5,\"type\":\"Double\",\"unit\":\"m\",\"quality\":\"GOOD\","
                                   "\"timestamp_ms\":1763848992123}\n");
    outcome_release(&o);
    o = SCRIPTED("watch", "a/**", "--for", "200ms");
    CHECK_INT(o.code, 0);
    outcome_release(&o);
    o = SCRIPTED("watch", "refuse");
    CHECK_INT(o.code, 3);
    CHECK_SAYS(o.err, "show a token");
    outcome_release(&o);
}

static void with_retry_a_host_that_is_not_there_is_waited_for(void)
{
    int64_t before = pt_mono_ms(pt_clock_system());
    outcome o = run_plantree("PLANTREE_URL=" NO_HOST, (const char *const[]){ "watch", "**", "--retry", "--for", "400ms", NULL });
    CHECK_INT(o.code, 0);
    CHECK(pt_mono_ms(pt_clock_system()) - before >= 390);
    outcome_release(&o);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(help_and_wrong_calls),
        PT_TEST(values_of_the_plant_come_line_by_line),
        PT_TEST(a_glob_of_nothing_is_silence),
        PT_TEST(watching_prints_a_line_for_each_value),
        PT_TEST(with_retry_a_host_that_is_not_there_is_waited_for),
    };
    return plant_main("host/cli/verb_watch", tests, PT_COUNT_OF(tests), argc, argv);
}
