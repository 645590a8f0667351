/* tests/host/cli/verb_write_test.c -- a write ends with what became of it: confirmed 0, deviates 1, refused 3, timed out 4. */
#include "tests/host/cli/plant.h"
#include "tests/host/cli/scripted_host.h"
#include "tests/host/cli/verb.h"

static void help_and_wrong_calls(void)
{
    static const wrong_call rows[] = {
        { { "write" }, "a path and a value are needed" },
        { { "write", "a" }, "a path and a value are needed" },
        { { "write", "a", "1", "2" }, "a path and a value are needed" },
        { { "write", "a", "1", "--wait", "5" }, "--wait: '5' is no duration" },
        { { "write", "a", "1", "--reason" }, "--reason needs a value" },
    };
    check_help(&cli_verb_write);
    check_wrong_calls(rows, PT_COUNT_OF(rows));
    CHECK_HOST_ABSENT("write", "a", "1");
}

/* The outcome of the write with this reason is an event: the plant was tried by writes of its own before. */
static bool has_the_tests_outcome(const json_t *v)
{
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *detail = json_object_get(json_array_get(v, i), "detail");
        const char *reason = cli_str(detail, "reason"), *state = cli_str(detail, "state");
        if (reason && state && strcmp(reason, "test") == 0 && strcmp(state, "confirmed") == 0) return true;
    }
    return false;
}

static void confirmed_is_zero_and_the_plc_holds_the_value(void)
{
    CHECK_FATAL(plant_takes_commands());
    outcome o = CLI("write", SETPOINT, "4", "--reason", "test");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, SETPOINT " = 4: confirmed");
    outcome_release(&o);
    o = CLI("read", SETPOINT);
    CHECK_SAYS(o.out, "    4  m     GOOD");
    outcome_release(&o);
    CHECK(UNTIL(has_the_tests_outcome, &o, "events", "--type", "write"));
    outcome_release(&o);
    o = CLI("write", VALVE, "false", "--json");
    CHECK_CODE(o, 0);
    json_t *v = outcome_json(&o);
    check_shape(v, "id:* state:s tag_id:i reported:b sent_ms:i done_ms:i");
    CHECK_STR(pt_cstr(cli_str(v, "state")), "confirmed");
    CHECK(json_is_false(json_object_get(v, "reported")));
    json_decref(v);
    outcome_release(&o);
}

/* The PLC's register holds whole tens: 1234 is stored as 123, and reported as 1230; 5678 as 568. */
static void deviates_is_one_and_what_the_plant_reports_is_said(void)
{
    outcome o = CLI("write", BATCH, "1234");
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.out, BATCH " = 1234: deviates, the plant reports 1230");
    outcome_release(&o);
    o = CLI("read", BATCH);
    CHECK_SAYS(o.out, "  1230  ");
    outcome_release(&o);
    o = CLI("write", BATCH, "5678", "--json");
    CHECK_CODE(o, 1);
    json_t *v = outcome_json(&o);
    CHECK_STR(pt_cstr(cli_str(v, "state")), "deviates");
    CHECK(json_number_value(json_object_get(v, "reported")) == 5680);
    json_decref(v);
    outcome_release(&o);
    o = CLI("write", BATCH, "2340");
    CHECK_CODE(o, 0);
    outcome_release(&o);
}

static void refused_is_three_and_says_why(void)
{
    static const struct {
        const char *path, *value, *says;
    } rows[] = {
        { LEVEL, "4", "403 Forbidden" }, /* read-only */
        { SETPOINT, "much", "422" },     /* no Float */
        { SETPOINT, "9", "9 is outside the limits 0 to 5" },
        { VALVE, "7", "422" }, /* no Boolean */
        { "G/e/nowhere", "4", "404 Not Found" },
        { "G/e/filler", "4", "404 Not Found" }, /* a folder */
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        outcome o = CLI("write", rows[i].path, rows[i].value);
        CHECK_CODE(o, 3);
        CHECK_SAYS(o.err, rows[i].says);
        CHECK_INT(o.out.len, 0);
        outcome_release(&o);
    }
    outcome o = CLI("write", LEVEL, "4", "--json");
    CHECK_CODE(o, 3);
    json_t *v = outcome_json(&o); /* the problem document */
    check_shape(v, "type:s title:s status:i detail:s");
    json_decref(v);
    outcome_release(&o);
}

static void timed_out_is_four_when_the_node_does_not_move(void)
{
    plant_signal(PLANT_EDGE, SIGSTOP);
    outcome o = CLI("write", SETPOINT, "3", "--wait", "300ms");
    plant_signal(PLANT_EDGE, SIGCONT);
    CHECK_CODE(o, 4);
    CHECK_SAYS(o.out, SETPOINT " = 3: sent, not confirmed in time\n");
    outcome_release(&o);
    o = CLI("write", GAIN, "5000", "--wait", "300ms"); /* the PLC takes 1000 at most, and nobody reports anything */
    CHECK_CODE(o, 4);
    outcome_release(&o);
}

static void a_write_ends_with_what_became_of_it(void)
{
    static const struct {
        const char *path, *wait;
        int code;
        const char *want;
    } rows[] = {
        { "now", "5s", 0, "now = 4: confirmed\n" },
        { "later", "5s", 0, "later = 4: confirmed\n" },
        { "never", "300ms", 4, "never = 4: sent, not confirmed in time\n" },
        { "other", "5s", 1, "other = 4: deviates, the plant reports 3.5\n" },
        { "timeout", "5s", 4, "timeout = 4: timeout\n" },
        { "refused", "5s", 3, "" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        outcome o = SCRIPTED("write", rows[i].path, "4", "--wait", rows[i].wait, "--reason", "test");
        CHECK_ROW(rows[i].path, o.code == rows[i].code);
        CHECK_STR(pt_buf_view(&o.out), rows[i].want);
        if (o.code == 3) CHECK_SAYS(o.err, "the host says 403 Forbidden: the tag is not writable");
        outcome_release(&o);
    }
    outcome o = SCRIPTED("write", "now", "4", "--json");
    CHECK_STR(pt_buf_view(&o.out), "{\"id\":\"1\",\"state\":\"confirmed\"}\n");
    outcome_release(&o);
}

static void written_values_keep_their_kind(void)
{
    static const struct {
        const char *value, *option, *body;
    } rows[] = {
        { "4", NULL, "{\"path\":\"now\",\"value\":4}" },
        { "-4.50", NULL, "{\"path\":\"now\",\"value\":-4.50}" },
        { "true", NULL, "{\"path\":\"now\",\"value\":true}" },
        { "18446744073709551615", NULL, "{\"path\":\"now\",\"value\":18446744073709551615}" },
        { "007", NULL, "{\"path\":\"now\",\"value\":\"007\"}" },
        { "hello \"you\"", NULL, "{\"path\":\"now\",\"value\":\"hello \\\"you\\\"\"}" },
        { "\"4\"", NULL, "{\"path\":\"now\",\"value\":\"4\"}" },
        { "4", "--string", "{\"path\":\"now\",\"value\":\"4\"}" },
        { "", NULL, "{\"path\":\"now\",\"value\":\"\"}" },
        { "-", NULL, "{\"path\":\"now\",\"value\":\"-\"}" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        outcome o = SCRIPTED("write", "now", rows[i].value, rows[i].option);
        CHECK_ROW(rows[i].value, o.code == 0);
        CHECK_STR(pt_cstr(scripted_seen()->body), rows[i].body);
        outcome_release(&o);
    }
}

static void a_dead_node_refuses_writes(void)
{
    outcome o;
    CHECK_INT(plant_end(PLANT_EDGE, SIGKILL), 128 + SIGKILL);
    CHECK(UNTIL(is_offline, &o, "nodes"));
    outcome_release(&o);
    o = CLI("write", SETPOINT, "3");
    CHECK_CODE(o, 3);
    CHECK_SAYS(o.err, "409 Conflict");
    outcome_release(&o);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(help_and_wrong_calls),
        PT_TEST(confirmed_is_zero_and_the_plc_holds_the_value),
        PT_TEST(deviates_is_one_and_what_the_plant_reports_is_said),
        PT_TEST(refused_is_three_and_says_why),
        PT_TEST(timed_out_is_four_when_the_node_does_not_move),
        PT_TEST(a_write_ends_with_what_became_of_it),
        PT_TEST(written_values_keep_their_kind),
        PT_TEST(a_dead_node_refuses_writes),
    };
    return plant_main("host/cli/verb_write", tests, PT_COUNT_OF(tests), argc, argv);
}
