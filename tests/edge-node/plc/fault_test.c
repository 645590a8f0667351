/* tests/edge-node/plc/fault_test.c */
#include "edge-node/plc/fault.h"
#include "tests/support/check.h"

static void settings_are_parsed_alone_or_joined(void)
{
    plc_faults f = { 0 };
    CHECK_OK(plc_fault_parse(&f, PT_LIT("delay=250,exception=4@holding:0"), NULL));
    CHECK_OK(plc_fault_parse(&f, PT_LIT("exception=2@7"), NULL));
    CHECK_OK(plc_fault_parse(&f, PT_LIT("drop-every=10"), NULL));
    CHECK_INT(f.delay_ms, 250);
    CHECK_INT(f.exceptions, 2);
    CHECK_INT(f.drop_every, 10);
    CHECK(f.on);
}

static void nonsense_is_refused_with_a_reason(void)
{
    static const char *const bad[] = { "",
                                       "delay",
                                       "delay=",
                                       "delay=x",
                                       "delay=-1",
                                       "delay=600001",
                                       "exception=4",
                                       "exception=0@1",
                                       "exception=12@1",
                                       "exception=4@coils:1",
                                       "exception=4@holding:",
                                       "exception=4@65536",
                                       "drop-every=0",
                                       "sleep=1",
                                       "delay=1,," };
    for (size_t i = 0; i < PT_COUNT_OF(bad); i++) {
        plc_faults f = { 0 };
        pt_error err = { 0 };
        CHECK_ROW(bad[i], plc_fault_parse(&f, pt_cstr(bad[i]), &err) != PT_OK);
        CHECK_ROW(bad[i], err.text[0] != '\0');
        CHECK_ROW(bad[i], !f.on);
    }
}

static void exceptions_hit_every_request_that_touches_the_address(void)
{
    plc_faults f = { 0 };
    CHECK_OK(plc_fault_parse(&f, PT_LIT("exception=4@holding:3"), NULL));
    plc_request r = { .reads = true, .read_space = PLC_HOLDING, .read_at = 0, .read_count = 4 };
    CHECK_INT(plc_fault_exception(&f, &r), 4);
    r.read_count = 3;
    CHECK_INT(plc_fault_exception(&f, &r), 0);
    r.read_at = 3;
    r.read_space = PLC_INPUT;
    CHECK_INT(plc_fault_exception(&f, &r), 0);
    plc_request w = { .writes = true, .write_space = PLC_HOLDING, .write_at = 2, .write_count = 2 };
    CHECK_INT(plc_fault_exception(&f, &w), 4);
    f.on = false;
    CHECK_INT(plc_fault_exception(&f, &w), 0);
}

static void every_nth_request_is_dropped_or_closes(void)
{
    plc_faults f = { 0 };
    CHECK_INT(plc_fault_next(&f), PLC_ANSWER);
    CHECK_OK(plc_fault_parse(&f, PT_LIT("drop-every=2,close-every=5"), NULL));
    static const plc_fault_action want[] = { PLC_ANSWER, PLC_SILENCE, PLC_ANSWER, PLC_SILENCE, PLC_CLOSE, PLC_SILENCE };
    for (size_t i = 0; i < PT_COUNT_OF(want); i++)
        CHECK_INT(plc_fault_next(&f), want[i]);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(settings_are_parsed_alone_or_joined), PT_TEST(nonsense_is_refused_with_a_reason),
                                     PT_TEST(exceptions_hit_every_request_that_touches_the_address),
                                     PT_TEST(every_nth_request_is_dropped_or_closes) };
    return pt_test_main("plc/fault", tests, PT_COUNT_OF(tests), argc, argv);
}
