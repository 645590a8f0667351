/* tests/host/cli/verb_rebirth_test.c */
#include "tests/host/cli/plant.h"
#include "tests/host/cli/scripted_host.h"
#include "tests/host/cli/verb.h"

#include <time.h>

static void help_and_wrong_calls(void)
{
    static const wrong_call rows[] = {
        { { "rebirth" }, "one edge node is needed, as GROUP/EDGE" },
        { { "rebirth", "g/e", "x" }, "one edge node is needed" },
        { { "rebirth", "g" }, "'g' is not GROUP/EDGE" },
        { { "rebirth", "g/e/d" }, "'g/e/d' is not GROUP/EDGE" },
        { { "rebirth", "/e" }, "'/e' is not GROUP/EDGE" },
        { { "rebirth", "g/" }, "'g/' is not GROUP/EDGE" },
    };
    check_help(&cli_verb_rebirth);
    check_wrong_calls(rows, PT_COUNT_OF(rows));
    CHECK_HOST_ABSENT("rebirth", "g/e");
}

static bool has_operator(const json_t *v)
{
    bool found = false;
    for (size_t i = 0; i < json_array_size(v); i++) {
        const char *cause = cli_str(json_object_get(json_array_get(v, i), "detail"), "cause");
        found |= cause && strcmp(cause, "operator") == 0;
    }
    return found;
}

static bool born_again(const json_t *v)
{
    bool found = false;
    for (size_t i = 0; i < json_array_size(v); i++)
        found |= json_is_true(json_object_get(json_object_get(json_array_get(v, i), "detail"), "rebirth"));
    return found;
}

/* A request is merged with one that waits already, and any birth answers both: so it is asked again until the events show it as ours. */
static bool ask_until_seen(void)
{
    int64_t deadline = pt_mono_ms(pt_clock_system()) + 60000;
    const struct timespec pause = { 0, 100000000 };
    bool seen = false;
    while (!seen && pt_mono_ms(pt_clock_system()) < deadline) {
        outcome o = CLI("rebirth", "G/e");
        CHECK_CODE(o, 0);
        outcome_release(&o);
        o = CLI("events", "--type", "rebirth-request", "--json");
        json_t *v = json_loads(o.out.ptr, 0, NULL);
        seen = v && has_operator(v);
        json_decref(v);
        outcome_release(&o);
        if (!seen) nanosleep(&pause, NULL);
    }
    return seen;
}

static void a_rebirth_is_requested_and_comes(void)
{
    CHECK_FATAL(plant_takes_commands());
    outcome o = CLI("rebirth", "G/e", "--json");
    CHECK_CODE(o, 0);
    json_t *v = outcome_json(&o);
    check_shape(v, "group:s edge:s requested:b");
    json_decref(v);
    outcome_release(&o);
    CHECK(ask_until_seen());
    CHECK(UNTIL(born_again, &o, "events", "--type", "nbirth"));
    outcome_release(&o);
}

static void an_unknown_node_is_a_failure(void)
{
    outcome o = CLI("rebirth", "G/nobody");
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "404 Not Found");
    CHECK_INT(o.out.len, 0);
    outcome_release(&o);
}

static void a_rebirth_names_its_node(void)
{
    outcome o = SCRIPTED("rebirth", "Acme:Osaka/gw 1");
    CHECK_INT(o.code, 0);
    CHECK_STR(pt_cstr(scripted_seen()->target), "/api/v1/nodes/Acme:Osaka/gw 1/rebirth");
    CHECK_STR(pt_buf_view(&o.out), "A rebirth is requested from Acme:Osaka/gw 1.\n");
    outcome_release(&o);
    o = SCRIPTED("rebirth", "g/gone");
    CHECK_INT(o.code, 1);
    CHECK_SAYS(o.err, "there is no node g/gone");
    outcome_release(&o);
    o = SCRIPTED("rebirth", "g/e", "--json");
    CHECK_STR(pt_buf_view(&o.out), "{\"state\":\"requested\"}\n");
    outcome_release(&o);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(help_and_wrong_calls),
        PT_TEST(a_rebirth_is_requested_and_comes),
        PT_TEST(an_unknown_node_is_a_failure),
        PT_TEST(a_rebirth_names_its_node),
    };
    return plant_main("host/cli/verb_rebirth", tests, PT_COUNT_OF(tests), argc, argv);
}
