/* tests/edge-node/plc/image_test.c -- requests as bytes, judged without a socket. */
#include "edge-node/plc/image.h"
#include "tests/support/check.h"

static unsigned parse(const char *hex, plc_request *r)
{
    static char buf[512]; /* r->data points into it */
    pt_slice pdu = pt_unhex(hex, buf, sizeof buf);
    return plc_request_parse((const uint8_t *)pdu.ptr, pdu.len, r);
}

static const struct {
    const char *rule, *pdu;
    unsigned want;
} rows[] = {
    { "reads of each table", "03 0000 0002", 0 },
    { "reads of each table", "04 0000 0040", 0 },
    { "reads of each table", "01 0000 0010", 0 },
    { "reads of each table", "02 0000 0001", 0 },
    { "a read past the end is an illegal address", "03 003f 0002", 2 },
    { "a read past the end is an illegal address", "01 0010 0001", 2 },
    { "a read past the end is an illegal address", "04 ffff 0001", 2 },
    { "a count of none or too many is an illegal value", "03 0000 0000", 3 },
    { "a count of none or too many is an illegal value", "03 0000 007e", 3 },
    { "a count of none or too many is an illegal value", "02 0000 07d1", 3 },
    { "a request cut short is an illegal value", "03 0000 00", 3 },
    { "a request cut short is an illegal value", "03", 3 },
    { "a request cut short is an illegal value", "10 0002 0002 04 4060 00", 3 },
    { "a request cut short is an illegal value", "17 0000 0001 0002 0002 04 4060", 3 },
    { "a request with more than it needs is an illegal value", "03 0000 0001 00", 3 },
    { "byte count and count agree", "10 0002 0002 02 4060", 3 },
    { "a coil is written with ff00 or 0000", "05 0000 0001", 3 },
    { "a coil is written with ff00 or 0000", "05 0000 ff00", 0 },
    { "unknown functions", "07 0000 0000", 1 },
    { "unknown functions", "2b 0e01 0000", 1 },
    { "unknown functions", "63", 1 },
    { "unknown functions", "00 0000 0000", 1 },
    { "writes of each kind", "06 0002 4060", 0 },
    { "writes of each kind", "0f 0000 0003 01 05", 0 },
    { "writes of each kind", "10 0002 0002 04 4060 0000", 0 },
    { "writes of each kind", "16 0002 ffff 0000", 0 },
    { "writes of each kind", "17 0000 0002 0002 0002 04 4060 0000", 0 },
};

static void requests_are_judged_by_shape(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        plc_request r;
        unsigned got = parse(rows[i].pdu, &r);
        pt_check_at(got == rows[i].want, false, __FILE__, __LINE__, "[%s] %s gives %u, not %u", rows[i].rule, rows[i].pdu, got,
                    rows[i].want);
    }
    plc_request r;
    CHECK_INT(plc_request_parse(NULL, 0, &r), 1);
}

typedef struct world {
    plc_line line;
    plc_image image;
} world;

static void world_init(world *w)
{
    memset(w, 0, sizeof *w);
    plc_line_init(&w->line, 1);
    CHECK_OK(plc_image_refresh(&w->image, &w->line, NULL, 0, 0));
}

static unsigned write_to(world *w, const char *hex)
{
    plc_request r;
    CHECK_FATAL(parse(hex, &r) == 0);
    unsigned code = plc_request_apply(&r, &w->image, &w->line);
    CHECK_OK(plc_image_refresh(&w->image, &w->line, NULL, 0, 0));
    return code;
}

static void a_float_is_written_whole_or_by_halves(void)
{
    world w;
    world_init(&w);
    CHECK_INT(write_to(&w, "10 0002 0002 04 4060 0000"), 0); /* 3.5 */
    CHECK(w.line.level_sp == 3.5);
    CHECK_INT(w.image.holdings[2], 0x4060);
    CHECK_INT(write_to(&w, "06 0002 4040"), 0); /* high half alone: 3.0 */
    CHECK(w.line.level_sp == 3.0);
    CHECK_INT(write_to(&w, "16 0002 ffbf 0000"), 0); /* mask away one bit: 2.0 */
    CHECK(w.line.level_sp == 2.0);
}

static void several_points_are_written_all_or_none(void)
{
    world w;
    world_init(&w);
    /* holding 2..9: level 3.5, valve 50, speed 30, temperature 99 (too hot) */
    CHECK_INT(write_to(&w, "10 0002 0008 10 4060 0000 4248 0000 41f0 0000 42c6 0000"), 3);
    CHECK(w.line.level_sp == 2.5 && w.line.speed_sp == 24 && w.line.temp_sp == 65);
    CHECK_INT(write_to(&w, "10 0002 0008 10 4060 0000 4248 0000 41f0 0000 42a0 0000"), 0);
    CHECK(w.line.level_sp == 3.5 && w.line.speed_sp == 30 && w.line.temp_sp == 80);
    CHECK_INT(write_to(&w, "0f 0000 0004 01 06"), 0);
    CHECK(!w.line.line_run && w.line.pump_run && w.line.auto_mode && !w.line.valve_open);
}

static void what_is_read_only_or_empty_cannot_be_written(void)
{
    world w;
    world_init(&w);
    CHECK_INT(write_to(&w, "06 0000 4060"), 2);                        /* Level/PV */
    CHECK_INT(write_to(&w, "06 003f 0001"), 2);                        /* nothing there */
    CHECK_INT(write_to(&w, "05 000f ff00"), 2);                        /* nothing there */
    CHECK_INT(write_to(&w, "10 0000 0004 08 4060 0000 4060 0000"), 2); /* starts in Level/PV, ends in Level/SP */
    CHECK(w.line.level_sp == 2.5);
    CHECK_INT(write_to(&w, "10 0002 0002 04 7fc0 0000"), 3); /* not a number */
    CHECK_INT(write_to(&w, "10 0002 0002 04 40c0 0000"), 3); /* 6 m in a 5 m tank */
    CHECK(w.line.level_sp == 2.5);
}

static void the_tables_hold_what_the_line_holds(void)
{
    world w;
    world_init(&w);
    CHECK_INT(w.image.coils[PLC_LINE_RUN], 1);
    CHECK_INT(w.image.holdings[2], 0x4020);
    CHECK_INT(w.image.holdings[20], 'L' << 8 | '1');
    w.line.level_high = true;
    CHECK_OK(plc_image_refresh(&w.image, &w.line, NULL, 0, 0));
    CHECK_INT(w.image.discretes[0], 1);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(requests_are_judged_by_shape), PT_TEST(a_float_is_written_whole_or_by_halves),
                                     PT_TEST(several_points_are_written_all_or_none), PT_TEST(what_is_read_only_or_empty_cannot_be_written),
                                     PT_TEST(the_tables_hold_what_the_line_holds) };
    return pt_test_main("plc/image", tests, PT_COUNT_OF(tests), argc, argv);
}
