/* edge-node/plc/line.c -- the equations.
 *
 * Always true between calls: 0 <= level <= TANK_HEIGHT; 0 <= valve, valve_pos <= 100; speed >= 0; counters only grow, but for
 * fill_count on a reset and batch_count at a batch change. Numbers are chosen so that a set-point change is seen in seconds. */
#include "edge-node/plc/line.h"

#include <math.h>
#include <stdio.h>

#define TANK_AREA         0.2    /* m2 */
#define TANK_HEIGHT       5.0    /* m */
#define FEED_MAX          36.0   /* m3/h with pump on and valve fully open */
#define RECIRCULATION     4.0    /* m3/h per square root of a metre */
#define BOTTLE            0.0005 /* m3 */
#define BOTTLES_PER_METRE 10.0
#define VALVE_LAG_S       1.0
#define RAMP              4.0   /* m/min per second */
#define SPEED_NOMINAL     24.0  /* m/min */
#define STARVED_BELOW     0.3   /* m */
#define JAM_EVERY_S       900.0 /* mean running time between jams */
#define PRODUCT_LAG_S     60.0
#define MOTOR_LAG_S       45.0

static double clamp(double v, double low, double high)
{
    return v < low ? low : v > high ? high : v;
}

/* Roughly normal, mean 0, standard deviation about `sigma`, never beyond 3 sigma. */
static double noise(plc_line *l, double sigma)
{
    double sum = pt_random_unit(&l->random) + pt_random_unit(&l->random) + pt_random_unit(&l->random);
    return (sum - 1.5) * 2.0 * sigma;
}

/* Sensors have a resolution: what they report is a multiple of `step`. */
static double quantised(double v, double step)
{
    return round(v / step) * step;
}

static double next_jam(plc_line *l)
{
    return -JAM_EVERY_S * log(1.0 - pt_random_unit(&l->random));
}

static void read_sensors(plc_line *l)
{
    l->seen_level = clamp(quantised(l->level + noise(l, 0.0008), 0.001), 0, TANK_HEIGHT);
    l->seen_inflow = clamp(quantised(l->inflow + (l->inflow > 0 ? noise(l, 0.03) : 0), 0.01), 0, FEED_MAX);
    l->seen_outflow = clamp(quantised(l->outflow + (l->outflow > 0 ? noise(l, 0.03) : 0), 0.01), 0, FEED_MAX);
    l->seen_product_temp = quantised(l->product_temp + noise(l, 0.04), 0.1);
    l->seen_motor_temp = quantised(l->motor_temp + noise(l, 0.1), 0.1);
}

void plc_line_init(plc_line *l, uint64_t seed)
{
    memset(l, 0, sizeof *l);
    l->random = pt_random_seed(seed);
    l->line_run = l->pump_run = l->auto_mode = l->valve_open = l->heater_on = true;
    l->level = l->level_sp = 2.5;
    l->speed_sp = l->speed = SPEED_NOMINAL;
    l->temp_sp = 65;
    l->kp = 120;
    l->ti = 60;
    l->batch_size = 500;
    l->batch_number = 1;
    l->product_temp = 63;
    l->ambient = 21.5;
    l->motor_temp = 40;
    l->valve = l->valve_pos = l->integral = 37;
    l->next_jam_s = next_jam(l);
    read_sensors(l);
}

/* PI with the integral held inside what the valve can do, so that it does not wind up. */
static void control_level(plc_line *l, double dt)
{
    if (l->auto_mode) {
        double error = l->level_sp - l->seen_level;
        double integral = l->integral + l->kp * error * dt / l->ti;
        double out = l->kp * error + integral;
        if ((out < 100 || error < 0) && (out > 0 || error > 0)) l->integral = clamp(integral, 0, 100);
        l->valve = quantised(clamp(l->kp * error + l->integral, 0, 100), 0.01);
    } else {
        l->integral = l->valve; /* bumpless when auto mode comes back */
    }
    l->valve_pos += (l->valve - l->valve_pos) * (1 - exp(-dt / VALVE_LAG_S));
}

static void one_bottle(plc_line *l)
{
    l->fill_count++;
    l->fill_total++;
    l->batch_count++;
    l->fill_error = (int32_t)lround(noise(l, 400));
    if (l->batch_count >= l->batch_size) {
        l->batch_count = 0;
        l->batch_number++;
    }
}

static void move_conveyor(plc_line *l, double dt)
{
    if (l->jam_left_s > 0) {
        l->jam_left_s -= dt;
        if (l->jam_left_s <= 0) {
            l->jam_left_s = 0;
            l->next_jam_s = next_jam(l);
        }
    } else if (l->speed > 1) {
        l->next_jam_s -= dt;
        if (l->next_jam_s <= 0) l->jam_left_s = 15 + 30 * pt_random_unit(&l->random);
    }
    bool go = l->line_run && l->jam_left_s <= 0 && !l->overtemp;
    double want = go ? l->speed_sp : 0;
    double step = (l->jam_left_s > 0 ? 5 * RAMP : RAMP) * dt; /* a jam stops it hard */
    l->speed = l->speed < want ? fmin(want, l->speed + step) : fmax(want, l->speed - step);
}

static void fill(plc_line *l, double dt)
{
    l->starved = l->level < (l->starved ? STARVED_BELOW + 0.1 : STARVED_BELOW);
    double rate = l->starved ? 0 : l->speed * BOTTLES_PER_METRE / 60; /* bottles per second */
    l->bottle += rate * dt;
    while (l->bottle >= 1) {
        l->bottle -= 1;
        one_bottle(l);
    }
    double wanted = rate * BOTTLE * 3600 + RECIRCULATION * sqrt(l->level);
    double available = l->level * TANK_AREA / dt * 3600;
    l->outflow = fmin(wanted, available);
}

void plc_line_step(plc_line *l, double dt)
{
    double second = floor(l->time_s);
    l->time_s += dt;
    if (floor(l->time_s) > second) l->ambient = clamp(l->ambient + noise(l, 0.02), 15, 30);

    control_level(l, dt);
    move_conveyor(l, dt);
    fill(l, dt);
    l->inflow = l->pump_run && l->valve_open ? FEED_MAX * l->valve_pos / 100 : 0;
    l->level = clamp(l->level + (l->inflow - l->outflow) / 3600 * dt / TANK_AREA, 0, TANK_HEIGHT);

    double product_goal = l->heater_on ? l->temp_sp : l->ambient;
    l->product_temp += (product_goal - l->product_temp) * (1 - exp(-dt / PRODUCT_LAG_S));
    double relative = l->speed / SPEED_NOMINAL;
    l->load = l->jam_left_s > 0 && l->speed > 0 ? 160 : 55 * relative * relative + (l->speed > 0 ? 5 : 0);
    l->motor_temp += (l->ambient + 0.46 * l->load - l->motor_temp) * (1 - exp(-dt / MOTOR_LAG_S));
    double power_kw = 0.02 * l->load + (l->pump_run ? 0.4 + 0.05 * l->inflow : 0) + (l->heater_on ? 6 : 0);
    l->energy += power_kw * dt / 3600;

    l->level_high = l->level > (l->level_high ? 4.4 : 4.5);
    l->level_low = l->level < (l->level_low ? 0.6 : 0.5);
    l->overtemp = l->motor_temp > (l->overtemp ? 75 : 80);
    read_sensors(l);
}

static plc_state state_of(const plc_line *l)
{
    if (l->jam_left_s > 0) return PLC_JAMMED;
    if (l->speed <= 0) return PLC_STOPPED;
    if (l->starved) return PLC_WAITING_FOR_PRODUCT;
    return fabs(l->speed - l->speed_sp) < 1e-9 ? PLC_RUNNING : PLC_RAMPING;
}

static void batch_text(const plc_line *l, char out[PLC_TEXT_MAX + 1])
{
    static const char *const products[] = { "APPLE", "PEAR", "CHERRY", "QUINCE" };
    (void)snprintf(out, PLC_TEXT_MAX + 1, "L1-%05u-%s", l->batch_number % 100000u, products[(l->batch_number - 1) % PT_COUNT_OF(products)]);
}

void plc_line_get(const plc_line *l, plc_point_id id, plc_value *v)
{
    memset(v, 0, sizeof *v);
    switch (id) {
    case PLC_LINE_RUN: v->b = l->line_run; break;
    case PLC_PUMP_RUN: v->b = l->pump_run; break;
    case PLC_AUTO: v->b = l->auto_mode; break;
    case PLC_VALVE_OPEN: v->b = l->valve_open; break;
    case PLC_COUNTER_RESET:
    case PLC_ALARM_ACK: v->b = false; break; /* pulses: done when written */
    case PLC_HEATER_ON: v->b = l->heater_on; break;
    case PLC_LEVEL_HIGH: v->b = l->level_high; break;
    case PLC_LEVEL_LOW: v->b = l->level_low; break;
    case PLC_JAM: v->b = l->jam_left_s > 0; break;
    case PLC_OVERTEMP: v->b = l->overtemp; break;
    case PLC_PUMP_RUNNING: v->b = l->inflow > 0; break;
    case PLC_CONVEYOR_RUNNING: v->b = l->speed > 0; break;
    case PLC_STARVED: v->b = l->starved; break;
    case PLC_HEARTBEAT: v->b = fmod(l->time_s, 2) >= 1; break;
    case PLC_IN_LEVEL:
    case PLC_LEVEL: v->f = l->seen_level; break;
    case PLC_INFLOW: v->f = l->seen_inflow; break;
    case PLC_OUTFLOW: v->f = l->seen_outflow; break;
    case PLC_CONVEYOR_SPEED: v->f = quantised(l->speed, 0.01); break;
    case PLC_PRODUCT_TEMP: v->f = l->seen_product_temp; break;
    case PLC_MOTOR_TEMP: v->f = l->seen_motor_temp; break;
    case PLC_FILL_COUNT: v->u = l->fill_count; break;
    case PLC_FILL_TOTAL: v->u = l->fill_total; break;
    case PLC_BATCH_COUNT: v->u = l->batch_count; break;
    case PLC_FILL_RATE: v->u = l->starved ? 0 : (uint64_t)lround(l->speed * BOTTLES_PER_METRE); break;
    case PLC_STATE: v->u = (uint64_t)state_of(l); break;
    case PLC_FILL_ERROR: v->i = l->fill_error; break;
    case PLC_ENERGY: v->f = quantised(l->energy, 0.0001); break;
    case PLC_AMBIENT: v->i = lround(l->ambient * 10); break;
    case PLC_ALARM_WORD:
        v->u = (unsigned)l->level_high | (unsigned)l->level_low << 1 | (unsigned)(l->jam_left_s > 0) << 2 | (unsigned)l->overtemp << 3;
        break;
    case PLC_UPTIME: v->u = (uint64_t)l->time_s & UINT32_MAX; break;
    case PLC_CONVEYOR_LOAD: v->f = quantised(l->load, 0.1); break;
    case PLC_BATCH_ID:
    case PLC_HOLD_BATCH_ID: batch_text(l, v->text); break;
    case PLC_LEVEL_SP: v->f = l->level_sp; break;
    case PLC_VALVE: v->f = l->valve; break;
    case PLC_SPEED_SP: v->f = l->speed_sp; break;
    case PLC_TEMP_SP: v->f = l->temp_sp; break;
    case PLC_KP: v->f = l->kp; break;
    case PLC_TI: v->f = l->ti; break;
    case PLC_BATCH_SIZE: v->u = l->batch_size; break;
    case PLC_POINT_COUNT: break;
    }
}

pt_status plc_line_allows(plc_point_id id, const plc_value *v)
{
    const plc_point *p = &plc_points[id];
    if (!p->writable) return PT_EREFUSED;
    if (p->type == PLC_BOOL) return PT_OK;
    double number = p->type == PLC_FLOAT ? v->f : (double)v->u;
    double low = p->type == PLC_FLOAT ? (double)(float)p->low : p->low;
    return number >= low && number <= p->high ? PT_OK : PT_ETOOBIG; /* NaN fails both */
}

pt_status plc_line_set(plc_line *l, plc_point_id id, const plc_value *v)
{
    pt_status st = plc_line_allows(id, v);
    if (st != PT_OK) return st;
    switch (id) {
    case PLC_LINE_RUN: l->line_run = v->b; break;
    case PLC_PUMP_RUN: l->pump_run = v->b; break;
    case PLC_AUTO: l->auto_mode = v->b; break;
    case PLC_VALVE_OPEN: l->valve_open = v->b; break;
    case PLC_COUNTER_RESET:
        if (v->b) l->fill_count = 0;
        break;
    case PLC_ALARM_ACK:
        if (v->b && l->jam_left_s > 0) {
            l->jam_left_s = 0;
            l->next_jam_s = next_jam(l);
        }
        break;
    case PLC_HEATER_ON: l->heater_on = v->b; break;
    case PLC_LEVEL_SP: l->level_sp = v->f; break;
    case PLC_VALVE: l->valve = v->f; break;
    case PLC_SPEED_SP: l->speed_sp = v->f; break;
    case PLC_TEMP_SP: l->temp_sp = v->f; break;
    case PLC_KP: l->kp = v->f; break;
    case PLC_TI: l->ti = v->f; break;
    case PLC_BATCH_SIZE: l->batch_size = (uint32_t)v->u; break;
    default: return PT_EREFUSED; /* not reached: the table says which are writable */
    }
    return PT_OK;
}
