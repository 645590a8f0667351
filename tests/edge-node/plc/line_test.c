/* tests/edge-node/plc/line_test.c -- the plant on a clock of its own: seconds pass in microseconds. */
#include "edge-node/plc/line.h"
#include "tests/support/check.h"

#include <math.h>

#define DT 0.05

static void run(plc_line *l, double seconds)
{
    for (int i = 0; i < (int)lround(seconds / DT); i++)
        plc_line_step(l, DT);
}

static double get_f(const plc_line *l, plc_point_id id)
{
    plc_value v;
    plc_line_get(l, id, &v);
    return v.f;
}
static uint64_t get_u(const plc_line *l, plc_point_id id)
{
    plc_value v;
    plc_line_get(l, id, &v);
    return v.u;
}
static bool get_b(const plc_line *l, plc_point_id id)
{
    plc_value v;
    plc_line_get(l, id, &v);
    return v.b;
}
static void set_f(plc_line *l, plc_point_id id, double f)
{
    CHECK_OK(plc_line_set(l, id, &(plc_value){ .f = f }));
}
static void set_b(plc_line *l, plc_point_id id, bool b)
{
    CHECK_OK(plc_line_set(l, id, &(plc_value){ .b = b }));
}

static void the_level_moves_to_a_new_set_point_and_stays_there(void)
{
    plc_line l;
    plc_line_init(&l, 1);
    l.next_jam_s = 1e9;
    run(&l, 60);
    CHECK(fabs(get_f(&l, PLC_LEVEL) - 2.5) < 0.05);
    set_f(&l, PLC_LEVEL_SP, 3.5);
    run(&l, 10);
    CHECK(get_f(&l, PLC_LEVEL) > 2.6); /* seen to move within seconds */
    run(&l, 170);
    CHECK(fabs(get_f(&l, PLC_LEVEL) - 3.5) < 0.05);
    for (int i = 0; i < 60; i++) {
        run(&l, 1);
        CHECK(fabs(get_f(&l, PLC_LEVEL) - 3.5) < 0.05);
    }
    set_f(&l, PLC_LEVEL_SP, 1.5);
    run(&l, 240);
    CHECK(fabs(get_f(&l, PLC_LEVEL) - 1.5) < 0.05);
}

static void the_same_seed_and_writes_give_the_same_run_another_seed_another(void)
{
    plc_line a, b, c;
    plc_line_init(&a, 42);
    plc_line_init(&b, 42);
    plc_line_init(&c, 43);
    for (int i = 0; i < 40000; i++) {
        if (i == 1000) {
            set_f(&a, PLC_LEVEL_SP, 3);
            set_f(&b, PLC_LEVEL_SP, 3);
        }
        plc_line_step(&a, DT);
        plc_line_step(&b, DT);
        plc_line_step(&c, DT);
    }
    bool differs = false;
    for (unsigned i = 0; i < PLC_POINT_COUNT; i++) {
        plc_value x, y, z;
        plc_line_get(&a, (plc_point_id)i, &x);
        plc_line_get(&b, (plc_point_id)i, &y);
        plc_line_get(&c, (plc_point_id)i, &z);
        CHECK_ROW(plc_points[i].name, plc_value_same(&plc_points[i], &x, &y));
        differs = differs || !plc_value_same(&plc_points[i], &x, &z);
    }
    CHECK(differs);
}

static void bottles_are_counted_into_batches_and_the_batch_id_changes(void)
{
    plc_line l;
    plc_line_init(&l, 1);
    l.next_jam_s = 1e9;
    CHECK_OK(plc_line_set(&l, PLC_BATCH_SIZE, &(plc_value){ .u = 100 }));
    plc_value first, second;
    plc_line_get(&l, PLC_BATCH_ID, &first);
    CHECK_STR(pt_cstr(first.text), "L1-00001-APPLE");
    run(&l, 60); /* 240 bottles a minute */
    CHECK(get_u(&l, PLC_FILL_COUNT) >= 239 && get_u(&l, PLC_FILL_COUNT) <= 241);
    CHECK_INT(get_u(&l, PLC_FILL_TOTAL), get_u(&l, PLC_FILL_COUNT));
    CHECK_INT(get_u(&l, PLC_BATCH_COUNT), get_u(&l, PLC_FILL_COUNT) - 200);
    plc_line_get(&l, PLC_HOLD_BATCH_ID, &second);
    CHECK_STR(pt_cstr(second.text), "L1-00003-CHERRY");
    set_b(&l, PLC_COUNTER_RESET, true);
    CHECK_INT(get_u(&l, PLC_FILL_COUNT), 0);
    CHECK(!get_b(&l, PLC_COUNTER_RESET));
    CHECK(get_u(&l, PLC_FILL_TOTAL) >= 239);
}

static void the_conveyor_ramps_and_stops(void)
{
    plc_line l;
    plc_line_init(&l, 1);
    l.next_jam_s = 1e9;
    set_b(&l, PLC_LINE_RUN, false);
    run(&l, 1);
    CHECK(fabs(get_f(&l, PLC_CONVEYOR_SPEED) - 20) < 0.3);
    CHECK_INT(get_u(&l, PLC_STATE), PLC_RAMPING);
    run(&l, 10);
    CHECK(get_f(&l, PLC_CONVEYOR_SPEED) == 0);
    CHECK_INT(get_u(&l, PLC_STATE), PLC_STOPPED);
    CHECK(!get_b(&l, PLC_CONVEYOR_RUNNING));
    uint64_t count = get_u(&l, PLC_FILL_COUNT);
    run(&l, 10);
    CHECK_INT(get_u(&l, PLC_FILL_COUNT), count);
    set_b(&l, PLC_LINE_RUN, true);
    run(&l, 10);
    CHECK(get_f(&l, PLC_CONVEYOR_SPEED) == 24);
    CHECK_INT(get_u(&l, PLC_STATE), PLC_RUNNING);
}

static void in_manual_mode_the_written_valve_position_stands_and_level_alarms_trip(void)
{
    plc_line l;
    plc_line_init(&l, 1);
    l.next_jam_s = 1e9;
    set_b(&l, PLC_AUTO, false);
    set_f(&l, PLC_VALVE, 100);
    run(&l, 180);
    CHECK(get_f(&l, PLC_VALVE) == 100);
    CHECK(get_b(&l, PLC_LEVEL_HIGH));
    CHECK(get_u(&l, PLC_ALARM_WORD) & 1);
    CHECK(get_f(&l, PLC_LEVEL) <= 5);
    set_b(&l, PLC_VALVE_OPEN, false);
    run(&l, 300);
    CHECK(get_f(&l, PLC_INFLOW) == 0);
    CHECK(!get_b(&l, PLC_LEVEL_HIGH));
    CHECK(get_b(&l, PLC_LEVEL_LOW));
    CHECK(get_b(&l, PLC_STARVED));
    CHECK_INT(get_u(&l, PLC_STATE), PLC_WAITING_FOR_PRODUCT);
    set_b(&l, PLC_VALVE_OPEN, true);
    set_b(&l, PLC_AUTO, true);
    run(&l, 240);
    CHECK(!get_b(&l, PLC_LEVEL_LOW));
    CHECK(fabs(get_f(&l, PLC_LEVEL) - 2.5) < 0.1);
}

static void a_jam_stops_the_conveyor_until_it_is_acknowledged_or_cleared(void)
{
    plc_line l;
    plc_line_init(&l, 1);
    l.next_jam_s = 1;
    run(&l, 5);
    CHECK(get_b(&l, PLC_JAM));
    CHECK(get_f(&l, PLC_CONVEYOR_SPEED) == 0);
    CHECK_INT(get_u(&l, PLC_STATE), PLC_JAMMED);
    set_b(&l, PLC_ALARM_ACK, true);
    CHECK(!get_b(&l, PLC_JAM));
    run(&l, 10);
    CHECK(get_f(&l, PLC_CONVEYOR_SPEED) == 24);
    l.next_jam_s = 0.1;
    run(&l, 2);
    CHECK(get_b(&l, PLC_JAM));
    l.next_jam_s = 1e9; /* nobody comes: the simulated operator does */
    double waited = 0;
    while (get_b(&l, PLC_JAM) && waited < 60) {
        run(&l, 1);
        waited += 1;
    }
    CHECK(waited >= 10 && waited <= 46);
}

static void a_line_driven_too_fast_overheats_stops_and_cools_down(void)
{
    plc_line l;
    plc_line_init(&l, 1);
    l.next_jam_s = 1e9;
    set_f(&l, PLC_SPEED_SP, 40);
    double waited = 0;
    while (!get_b(&l, PLC_OVERTEMP) && waited < 600) {
        run(&l, 1);
        waited += 1;
    }
    CHECK(get_b(&l, PLC_OVERTEMP));
    CHECK(get_f(&l, PLC_MOTOR_TEMP) > 79);
    run(&l, 3);
    CHECK(get_f(&l, PLC_CONVEYOR_SPEED) < 40);
    run(&l, 60);
    CHECK(!get_b(&l, PLC_OVERTEMP) || get_f(&l, PLC_MOTOR_TEMP) > 74);
}

static void the_product_follows_its_set_point_with_a_lag(void)
{
    plc_line l;
    plc_line_init(&l, 1);
    run(&l, 600);
    CHECK(fabs(get_f(&l, PLC_PRODUCT_TEMP) - 65) < 0.5);
    set_f(&l, PLC_TEMP_SP, 75);
    run(&l, 60); /* one time constant: 63 % of the way */
    CHECK(fabs(get_f(&l, PLC_PRODUCT_TEMP) - 71.3) < 0.7);
}

static void a_run_of_a_day_keeps_everything_in_its_bounds(void)
{
    plc_line l;
    plc_line_init(&l, 7);
    unsigned jams = 0;
    bool jammed = false;
    uint64_t total = 0;
    for (int i = 0; i < 24 * 3600 * 4; i++) {
        plc_line_step(&l, 0.25);
        bool now = get_b(&l, PLC_JAM);
        jams += now && !jammed;
        jammed = now;
        if (get_u(&l, PLC_FILL_TOTAL) < total || !(l.level >= 0 && l.level <= 5) || !(l.valve_pos >= 0 && l.valve_pos <= 100) ||
            l.speed < 0 || !(l.motor_temp > 10 && l.motor_temp < 120)) {
            CHECK_FATAL(!"out of bounds");
        }
        total = get_u(&l, PLC_FILL_TOTAL);
    }
    CHECK(jams > 30 && jams < 200);
    CHECK(total > 300000 && total < 346000);
}

static void writes_are_checked(void)
{
    plc_line l;
    plc_line_init(&l, 1);
    CHECK_STATUS(plc_line_set(&l, PLC_LEVEL_SP, &(plc_value){ .f = 5.01 }), PT_ETOOBIG);
    CHECK_STATUS(plc_line_set(&l, PLC_LEVEL_SP, &(plc_value){ .f = -0.01 }), PT_ETOOBIG);
    CHECK_STATUS(plc_line_set(&l, PLC_LEVEL_SP, &(plc_value){ .f = (double)NAN }), PT_ETOOBIG);
    CHECK_STATUS(plc_line_set(&l, PLC_BATCH_SIZE, &(plc_value){ .u = 0 }), PT_ETOOBIG);
    CHECK_STATUS(plc_line_set(&l, PLC_LEVEL, &(plc_value){ .f = 1 }), PT_EREFUSED);
    CHECK_STATUS(plc_line_set(&l, PLC_JAM, &(plc_value){ .b = true }), PT_EREFUSED);
    CHECK(l.level_sp == 2.5 && l.batch_size == 500);
    for (unsigned i = 0; i < PLC_POINT_COUNT; i++) { /* every writable point takes its own lower bound */
        const plc_point *p = &plc_points[i];
        plc_value v = { .u = (uint64_t)p->low };
        if (p->type == PLC_FLOAT) v.f = (double)(float)p->low;
        if (p->writable) CHECK_ROW(p->name, plc_line_set(&l, (plc_point_id)i, &v) == PT_OK);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(the_level_moves_to_a_new_set_point_and_stays_there),
        PT_TEST(the_same_seed_and_writes_give_the_same_run_another_seed_another),
        PT_TEST(bottles_are_counted_into_batches_and_the_batch_id_changes),
        PT_TEST(the_conveyor_ramps_and_stops),
        PT_TEST(in_manual_mode_the_written_valve_position_stands_and_level_alarms_trip),
        PT_TEST(a_jam_stops_the_conveyor_until_it_is_acknowledged_or_cleared),
        PT_TEST(a_line_driven_too_fast_overheats_stops_and_cools_down),
        PT_TEST(the_product_follows_its_set_point_with_a_lag),
        PT_TEST(a_run_of_a_day_keeps_everything_in_its_bounds),
        PT_TEST(writes_are_checked),
    };
    return pt_test_main("plc/line", tests, PT_COUNT_OF(tests), argc, argv);
}
