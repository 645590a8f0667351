/* tests/host/cli/verb_events_test.c */
#include "host/nodes/tracker.h"
#include "tests/host/cli/plant.h"
#include "tests/host/cli/verb.h"

static void help_and_wrong_calls(void)
{
    static const wrong_call rows[] = {
        { { "events", "x" }, "no argument is expected, but 'x' was given" },
        { { "events", "--limit", "x" }, "--limit is a number" },
        { { "events", "--limit", "0" }, "--limit is a number from 1 to 100000" },
        { { "events", "--limit", "100001" }, "--limit is a number from 1 to 100000" },
        { { "events", "--from", "now", "--to", "now-1h" }, "--from must be before --to" },
    };
    check_help(&cli_verb_events);
    check_wrong_calls(rows, PT_COUNT_OF(rows));
    CHECK_HOST_ABSENT("events");
    CHECK_HOST_ABSENT("events", "--json");
}

static void births_are_events_in_the_contracts_shape(void)
{
    outcome o;
    CHECK(UNTIL(has_any, &o, "events", "--type", "nbirth,dbirth"));
    json_t *v = outcome_json(&o), *first = json_array_get(v, 0);
    int64_t last = 0;
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *e = json_array_get(v, i);
        check_shape(e, "seq:i time_ms:i type:s node:s? device:s? path:s? detail:o");
        CHECK(cli_i64(e, "seq") > last);
        last = cli_i64(e, "seq");
    }
    CHECK_STR(pt_cstr(cli_str(first, "type")), "nbirth");
    CHECK_STR(pt_cstr(cli_str(first, "node")), "G/e");
    CHECK(json_is_null(json_object_get(first, "device")));
    check_shape(json_object_get(first, "detail"), "bd_seq:i metrics:i");
    json_decref(v);
    outcome_release(&o);
}

static void filters_and_limits_are_taken(void)
{
    outcome all, o;
    CHECK(UNTIL(has_any, &all, "events", "--type", "dbirth"));
    outcome_release(&all);
    o = CLI("events", "--limit", "1", "--json"); /* the newest */
    json_t *v = outcome_json(&o);
    CHECK_INT(json_array_size(v), 1);
    json_decref(v);
    outcome_release(&o);
    o = CLI("events", "--node", "G/e", "--json");
    v = outcome_json(&o);
    CHECK(json_array_size(v) >= 2);
    for (size_t i = 0; i < json_array_size(v); i++)
        CHECK_STR(pt_cstr(cli_str(json_array_get(v, i), "node")), "G/e");
    json_decref(v);
    outcome_release(&o);
    static const char *const nothing[][2] = { { "--node", "G/nobody" }, { "--path", "G/nowhere" }, { "--type", "quarantine" } };
    for (size_t i = 0; i < PT_COUNT_OF(nothing); i++) { /* nothing happened there: an empty list is an answer */
        o = CLI("events", nothing[i][0], nothing[i][1], "--json");
        CHECK_CODE(o, 0);
        CHECK_STR(pt_buf_view(&o.out), "[]\n");
        outcome_release(&o);
    }
    o = CLI("events", "--type", "nbirth");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "SEQ  TIME                      TYPE    NODE  DEVICE  PATH  DETAIL\n");
    CHECK_SAYS(o.out, "  nbirth  G/e   -       -     {\"bd_seq\":");
    outcome_release(&o);
}

static void the_help_names_every_type(void)
{
    for (int i = 0; i < HOST_EVENT_TYPE_COUNT; i++)
        CHECK_ROW(host_event_type_name((host_event_type)i), strstr(cli_verb_events.help, host_event_type_name((host_event_type)i)) != NULL);
}

/* The list is empty then, which alone would look like an answer; of a type we know it is one. */
static void a_type_that_nobody_writes_is_said(void)
{
    for (int files = 0; files < 2; files++) {
        const char *place = files ? "--data" : "--url", *where = files ? plant_data() : plant_url();
        outcome o = RUN(place, where, "events", "--type", "nbirht,ndeath,no\033ne", "--json");
        CHECK_CODE(o, 0);
        CHECK_SAYS(o.err, "no events of type 'nbirht', 'no?ne' are written by this build; there are nbirth, ndeath, ");
        CHECK_SAYS(o.err, ", history-pruned, history-deleted\n");
        CHECK_STR(pt_buf_view(&o.out), "[]\n");
        outcome_release(&o);
        o = RUN(place, where, "events", "--type", "foo");
        CHECK_CODE(o, 0);
        CHECK_SAYS(o.err, "'foo'");
        outcome_release(&o);
        o = RUN(place, where, "events", "--type", "quarantine,history-pruned,history-deleted");
        CHECK_CODE(o, 0);
        CHECK_INT(o.err.len, 0);
        outcome_release(&o);
        o = RUN(place, where, "events");
        CHECK_INT(o.err.len, 0);
        outcome_release(&o);
    }
}

static void a_death_is_an_event(void)
{
    outcome o;
    plant_end(PLANT_EDGE, SIGKILL);
    CHECK(UNTIL(has_any, &o, "events", "--type", "ndeath"));
    outcome_release(&o);
}

static void without_a_host_the_files_answer_the_same(void)
{
    outcome live = CLI("events", "--type", "nbirth,ndeath", "--json");
    CHECK_INT(plant_end(PLANT_HOST, SIGTERM), 0);
    outcome o = RUN("--data", plant_data(), "events", "--type", "nbirth,ndeath", "--json");
    CHECK_CODE(o, 0);
    CHECK(live.out.len > 3 && pt_slice_eq(pt_buf_view(&o.out), pt_buf_view(&live.out)));
    outcome_release(&o);
    outcome_release(&live);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(help_and_wrong_calls),
        PT_TEST(births_are_events_in_the_contracts_shape),
        PT_TEST(filters_and_limits_are_taken),
        PT_TEST(the_help_names_every_type),
        PT_TEST(a_type_that_nobody_writes_is_said),
        PT_TEST(a_death_is_an_event),
        PT_TEST(without_a_host_the_files_answer_the_same),
    };
    return plant_main("host/cli/verb_events", tests, PT_COUNT_OF(tests), argc, argv);
}
