/* edge-node/plc/line.h -- a small bottling line as a set of equations: no clock, no I/O, no heap.
 *
 *              feed valve (PI controller)                       conveyor, ramped
 *   supply --[pump]--[shut-off]--> TANK 0.2 m2 x 5 m --> FILLER 0.5 l, 10 bottles a metre --> batches
 *                                    |  ^ heater
 *                                    +--> recirculation, grows with the square root of the level
 *
 * The caller moves time with plc_line_step. Equal seeds, equal steps and equal writes give equal runs, bit for bit. Sensor
 * noise, jams and fill errors come from the seed. One owner thread; several lines may live side by side. */
#ifndef PLC_LINE_H
#define PLC_LINE_H
#include "base/random.h"
#include "edge-node/plc/points.h"

typedef enum plc_state { PLC_STOPPED, PLC_RAMPING, PLC_RUNNING, PLC_JAMMED, PLC_WAITING_FOR_PRODUCT } plc_state;

typedef struct plc_line {
    pt_random random;
    double time_s; /* plant time since start */
    /* what writes change */
    bool line_run, pump_run, auto_mode, valve_open, heater_on;
    double level_sp, speed_sp, temp_sp; /* m, m/min, degC */
    double kp, ti;                      /* percent per metre, seconds */
    uint32_t batch_size;                /* bottles */
    /* the plant itself */
    double level;            /* m, true */
    double valve, valve_pos; /* percent: asked for; where the actuator is */
    double integral;         /* percent */
    double inflow, outflow;  /* m3/h */
    double speed;            /* m/min */
    double product_temp, motor_temp, ambient;
    double load;       /* percent of the nominal motor power */
    double energy;     /* kWh */
    double bottle;     /* the fraction of a bottle that is under way */
    double next_jam_s; /* running seconds until the next one */
    double jam_left_s; /* until the operator has cleared it; > 0 exactly while jammed */
    bool overtemp, level_high, level_low, starved;
    uint32_t fill_count, batch_count, batch_number;
    uint64_t fill_total;
    int32_t fill_error; /* microlitres */
    /* what the sensors say, renewed each step */
    double seen_level, seen_inflow, seen_outflow, seen_product_temp, seen_motor_temp;
} plc_line;

/* A running line: 2.5 m, automatic, nominal speed. */
void plc_line_init(plc_line *l, uint64_t seed);

/* Move plant time on by dt_s seconds, 0 < dt_s <= 1. */
void plc_line_step(plc_line *l, double dt_s);

/* The point's present value. */
void plc_line_get(const plc_line *l, plc_point_id id, plc_value *out);

/* PT_OK: *v may be written to the point. PT_EREFUSED: it is read only. PT_ETOOBIG: outside low..high, or not a number. Changes nothing. */
PT_MUST_CHECK pt_status plc_line_allows(plc_point_id id, const plc_value *v);

/* Write a point. As plc_line_allows; unless PT_OK nothing has changed. */
PT_MUST_CHECK pt_status plc_line_set(plc_line *l, plc_point_id id, const plc_value *v);
#endif
