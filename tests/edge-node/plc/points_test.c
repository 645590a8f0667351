/* tests/edge-node/plc/points_test.c */
#include "edge-node/plc/points.h"
#include "tests/support/check.h"

static void no_two_points_share_a_register_and_all_lie_inside_their_table(void)
{
    for (unsigned i = 0; i < PLC_POINT_COUNT; i++) {
        const plc_point *p = &plc_points[i];
        CHECK_FATAL(p->name != NULL);
        unsigned size = p->type == PLC_BOOL ? PLC_BIT_SPACE_SIZE : PLC_SPACE_SIZE;
        CHECK_ROW(p->name, p->words >= 1 && (unsigned)p->address + p->words <= size);
        for (unsigned a = 0; a < p->words; a++)
            CHECK_ROW(p->name, plc_point_at(p->space, p->address + a) == (plc_point_id)i);
        for (unsigned k = 0; k < i; k++)
            CHECK_ROW(p->name, strcmp(p->name, plc_points[k].name) != 0);
    }
    CHECK_INT(plc_point_at(PLC_HOLDING, 63), PLC_POINT_COUNT);
}

static void widths_follow_the_types(void)
{
    static const unsigned words[] = { 1, 1, 1, 2, 2, 4, 2, 4 };
    for (unsigned i = 0; i < PLC_POINT_COUNT; i++) {
        const plc_point *p = &plc_points[i];
        if (p->type == PLC_TEXT) CHECK_ROW(p->name, p->words * 2u == PLC_TEXT_MAX);
        else CHECK_ROW(p->name, p->words == words[p->type]);
    }
}

static void values_come_back_from_their_registers_in_both_word_orders(void)
{
    uint16_t regs[16];
    plc_value v = { .f = 2.5 }, back;
    plc_encode(&plc_points[PLC_LEVEL_SP], &v, regs);
    CHECK_INT(regs[0], 0x4020);
    CHECK_INT(regs[1], 0x0000);
    plc_encode(&plc_points[PLC_CONVEYOR_LOAD], &v, regs);
    CHECK_INT(regs[0], 0x0000);
    CHECK_INT(regs[1], 0x4020);
    plc_decode(&plc_points[PLC_CONVEYOR_LOAD], regs, &back);
    CHECK(back.f == 2.5);

    v = (plc_value){ .i = -400 };
    plc_encode(&plc_points[PLC_FILL_ERROR], &v, regs);
    CHECK_INT(regs[0], 0xffff);
    CHECK_INT(regs[1], 0xfe70);
    plc_decode(&plc_points[PLC_FILL_ERROR], regs, &back);
    CHECK_INT(back.i, -400);

    v = (plc_value){ .u = 0x0123456789abcdefu };
    plc_encode(&plc_points[PLC_FILL_TOTAL], &v, regs);
    CHECK_INT(regs[0], 0x0123);
    CHECK_INT(regs[3], 0xcdef);
    plc_decode(&plc_points[PLC_FILL_TOTAL], regs, &back);
    CHECK(back.u == v.u);

    memset(&v, 0, sizeof v);
    strcpy(v.text, "L1-00017-APPLE");
    plc_encode(&plc_points[PLC_BATCH_ID], &v, regs);
    CHECK_INT(regs[0], 'L' << 8 | '1');
    CHECK_INT(regs[7], 0);
    plc_decode(&plc_points[PLC_BATCH_ID], regs, &back);
    CHECK_STR(pt_cstr(back.text), "L1-00017-APPLE");
    CHECK(plc_value_same(&plc_points[PLC_BATCH_ID], &v, &back));
}

static void texts_are_the_shortest_that_read_back(void)
{
    char out[32];
    plc_value v = { .f = (double)2.501f };
    (void)plc_value_text(&plc_points[PLC_LEVEL], &v, out);
    CHECK_STR(pt_cstr(out), "2.501");
    v = (plc_value){ .b = true };
    (void)plc_value_text(&plc_points[PLC_JAM], &v, out);
    CHECK_STR(pt_cstr(out), "true");
    v = (plc_value){ .i = -7 };
    (void)plc_value_text(&plc_points[PLC_FILL_ERROR], &v, out);
    CHECK_STR(pt_cstr(out), "-7");
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(no_two_points_share_a_register_and_all_lie_inside_their_table),
                                     PT_TEST(widths_follow_the_types), PT_TEST(values_come_back_from_their_registers_in_both_word_orders),
                                     PT_TEST(texts_are_the_shortest_that_read_back) };
    return pt_test_main("plc/points", tests, PT_COUNT_OF(tests), argc, argv);
}
