/* edge-node/plc/points.c */
#include "edge-node/plc/points.h"

#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>

#define RO false, 0, 0
#define BIT(space, addr, rw, name, meaning)                            \
    {                                                                  \
        space, addr, 1, PLC_BOOL, PLC_BIG, rw, 0, 1, name, "", meaning \
    }

const plc_point plc_points[PLC_POINT_COUNT] = {
    [PLC_LINE_RUN] = BIT(PLC_COIL, 0, true, "Line/Run", "run the line: the conveyor and the filler"),
    [PLC_PUMP_RUN] = BIT(PLC_COIL, 1, true, "Pump/Run", "run the feed pump"),
    [PLC_AUTO] = BIT(PLC_COIL, 2, true, "Mode/Auto", "1: the controller moves the feed valve; 0: the written position stands"),
    [PLC_VALVE_OPEN] = BIT(PLC_COIL, 3, true, "Valve/Open", "shut-off valve before the tank; closed means no inflow"),
    [PLC_COUNTER_RESET] = BIT(PLC_COIL, 4, true, "Filler/Reset", "write 1: Filler/Count starts again at 0; falls back to 0 by itself"),
    [PLC_ALARM_ACK] = BIT(PLC_COIL, 5, true, "Alarm/Ack", "write 1: clears a jam; falls back to 0 by itself"),
    [PLC_HEATER_ON] = BIT(PLC_COIL, 6, true, "Heater/On", "heat the product towards Temperature/SP"),

    [PLC_LEVEL_HIGH] = BIT(PLC_DISCRETE, 0, false, "Alarm/Level High", "level above 4.5 m; clears below 4.4 m"),
    [PLC_LEVEL_LOW] = BIT(PLC_DISCRETE, 1, false, "Alarm/Level Low", "level below 0.5 m; clears above 0.6 m"),
    [PLC_JAM] = BIT(PLC_DISCRETE, 2, false, "Alarm/Jam", "a bottle is stuck and the conveyor stands"),
    [PLC_OVERTEMP] = BIT(PLC_DISCRETE, 3, false, "Alarm/Overtemp", "motor above 80 degC; clears below 75 degC"),
    [PLC_PUMP_RUNNING] = BIT(PLC_DISCRETE, 4, false, "Pump/Running", "the pump delivers"),
    [PLC_CONVEYOR_RUNNING] = BIT(PLC_DISCRETE, 5, false, "Conveyor/Running", "the conveyor moves"),
    [PLC_STARVED] = BIT(PLC_DISCRETE, 6, false, "Filler/Starved", "level below 0.3 m: the filler waits for product"),
    [PLC_HEARTBEAT] = BIT(PLC_DISCRETE, 7, false, "Heartbeat", "changes every second of plant time"),

    [PLC_IN_LEVEL] = { PLC_INPUT, 0, 2, PLC_FLOAT, PLC_BIG, RO, "Level/Measured", "m", "tank level, as holding:0" },
    [PLC_INFLOW] = { PLC_INPUT, 2, 2, PLC_FLOAT, PLC_BIG, RO, "Inflow/PV", "m3/h", "into the tank" },
    [PLC_OUTFLOW] = { PLC_INPUT, 4, 2, PLC_FLOAT, PLC_BIG, RO, "Outflow/PV", "m3/h", "out of the tank: filler and recirculation" },
    [PLC_CONVEYOR_SPEED] = { PLC_INPUT, 6, 2, PLC_FLOAT, PLC_BIG, RO, "Conveyor/Speed", "m/min", "follows its set-point with a ramp" },
    [PLC_PRODUCT_TEMP] = { PLC_INPUT, 8, 2, PLC_FLOAT, PLC_BIG, RO, "Temperature/PV", "degC", "product" },
    [PLC_MOTOR_TEMP] = { PLC_INPUT, 10, 2, PLC_FLOAT, PLC_BIG, RO, "Motor/Temperature", "degC", "conveyor motor" },
    [PLC_FILL_COUNT] = { PLC_INPUT, 12, 2, PLC_UINT32, PLC_BIG, RO, "Filler/Count", "", "bottles since the last reset" },
    [PLC_FILL_TOTAL] = { PLC_INPUT, 14, 4, PLC_UINT64, PLC_BIG, RO, "Filler/Total", "", "bottles since start" },
    [PLC_BATCH_COUNT] = { PLC_INPUT, 18, 2, PLC_UINT32, PLC_BIG, RO, "Batch/Count", "", "bottles of the running batch" },
    [PLC_FILL_RATE] = { PLC_INPUT, 20, 1, PLC_UINT16, PLC_BIG, RO, "Filler/Rate", "1/min", "bottles per minute" },
    [PLC_STATE] = { PLC_INPUT, 21, 1, PLC_UINT16, PLC_BIG, RO, "Line/State", "", "0 stopped, 1 ramping, 2 running, 3 jammed, 4 starved" },
    [PLC_FILL_ERROR] = { PLC_INPUT, 22, 2, PLC_INT32, PLC_BIG, RO, "Filler/Error", "ul", "last bottle's content minus 500 ml" },
    [PLC_ENERGY] = { PLC_INPUT, 24, 4, PLC_DOUBLE, PLC_BIG, RO, "Line/Energy", "kWh", "counted since start" },
    [PLC_AMBIENT] = { PLC_INPUT, 28, 1, PLC_INT16, PLC_BIG, RO, "Ambient/Temperature", "0.1 degC", "hall; a tenth of a degree per count" },
    [PLC_ALARM_WORD] = { PLC_INPUT, 29, 1, PLC_UINT16, PLC_BIG, RO, "Alarm/Word", "",
                         "bit 0 level high, 1 level low, 2 jam, 3 over-temperature" },
    [PLC_UPTIME] = { PLC_INPUT, 30, 2, PLC_UINT32, PLC_BIG, RO, "Line/Uptime", "s", "plant time since start" },
    [PLC_CONVEYOR_LOAD] = { PLC_INPUT, 32, 2, PLC_FLOAT, PLC_WORD_SWAP, RO, "Conveyor/Load", "%", "motor load; low word first (CDAB)" },
    [PLC_BATCH_ID] = { PLC_INPUT, 40, 10, PLC_TEXT, PLC_BIG, RO, "Batch/Running", "", "as holding:20" },

    [PLC_LEVEL] = { PLC_HOLDING, 0, 2, PLC_FLOAT, PLC_BIG, RO, "Level/PV", "m", "tank level, 0..5 m, measured (noise about 1 mm)" },
    [PLC_LEVEL_SP] = { PLC_HOLDING, 2, 2, PLC_FLOAT, PLC_BIG, true, 0, 5, "Level/SP", "m", "level set-point" },
    [PLC_VALVE] = { PLC_HOLDING, 4, 2, PLC_FLOAT, PLC_BIG, true, 0, 100, "Valve/Position", "%",
                    "feed valve; in auto mode the controller overwrites it" },
    [PLC_SPEED_SP] = { PLC_HOLDING, 6, 2, PLC_FLOAT, PLC_BIG, true, 0, 40, "Conveyor/Speed SP", "m/min",
                       "24 is nominal, above 36 the motor overheats" },
    [PLC_TEMP_SP] = { PLC_HOLDING, 8, 2, PLC_FLOAT, PLC_BIG, true, 5, 95, "Temperature/SP", "degC", "product temperature set-point" },
    [PLC_KP] = { PLC_HOLDING, 10, 2, PLC_FLOAT, PLC_BIG, true, 0, 1000, "Level/Kp", "%/m", "controller gain" },
    [PLC_TI] = { PLC_HOLDING, 12, 2, PLC_FLOAT, PLC_BIG, true, 0.1, 10000, "Level/Ti", "s", "controller integral time" },
    [PLC_BATCH_SIZE] = { PLC_HOLDING, 14, 2, PLC_UINT32, PLC_BIG, true, 1, 1000000, "Batch/Size", "",
                         "bottles in a batch; a new batch follows the full one" },
    [PLC_HOLD_BATCH_ID] = { PLC_HOLDING, 20, 10, PLC_TEXT, PLC_BIG, RO, "Batch/Id", "", "running batch, for example L1-00017-APPLE" },
};

const char *plc_space_name(plc_space s)
{
    static const char *const names[] = { "coil", "discrete", "input", "holding" };
    return names[s];
}

const char *plc_type_name(plc_type t)
{
    static const char *const names[] = { "Boolean", "Int16", "UInt16", "Int32", "UInt32", "UInt64", "Float", "Double", "String" };
    return names[t];
}

plc_point_id plc_point_at(plc_space space, unsigned address)
{
    for (unsigned i = 0; i < PLC_POINT_COUNT; i++) {
        const plc_point *p = &plc_points[i];
        if (p->space == space && address >= p->address && address < (unsigned)p->address + p->words) return (plc_point_id)i;
    }
    return PLC_POINT_COUNT;
}

/* The value's bits as one number, most significant word first. */
static uint64_t to_bits(const plc_point *p, const plc_value *v)
{
    switch (p->type) {
    case PLC_FLOAT: {
        float f = (float)v->f;
        uint32_t bits;
        memcpy(&bits, &f, sizeof bits);
        return bits;
    }
    case PLC_DOUBLE: {
        uint64_t bits;
        memcpy(&bits, &v->f, sizeof bits);
        return bits;
    }
    case PLC_INT16:
    case PLC_INT32: return (uint64_t)v->i;
    case PLC_BOOL: return v->b;
    default: return v->u;
    }
}

void plc_encode(const plc_point *p, const plc_value *v, uint16_t *regs)
{
    if (p->type == PLC_TEXT) {
        char text[2 * PLC_TEXT_MAX] = { 0 };
        memcpy(text, v->text, strnlen(v->text, PLC_TEXT_MAX));
        for (unsigned i = 0; i < p->words; i++)
            regs[i] = (uint16_t)((uint8_t)text[2 * i] << 8 | (uint8_t)text[2 * i + 1]);
        return;
    }
    uint64_t bits = to_bits(p, v);
    for (unsigned i = 0; i < p->words; i++) {
        unsigned at = p->order == PLC_BIG ? p->words - 1u - i : i;
        regs[at] = (uint16_t)(bits >> (16 * i));
    }
}

void plc_decode(const plc_point *p, const uint16_t *regs, plc_value *out)
{
    memset(out, 0, sizeof *out);
    if (p->type == PLC_TEXT) {
        for (unsigned i = 0; i < p->words; i++) {
            out->text[2 * i] = (char)(regs[i] >> 8);
            out->text[2 * i + 1] = (char)(regs[i] & 0xff);
        }
        return;
    }
    uint64_t bits = 0;
    for (unsigned i = 0; i < p->words; i++) {
        unsigned at = p->order == PLC_BIG ? i : p->words - 1u - i;
        bits = bits << 16 | regs[at];
    }
    switch (p->type) {
    case PLC_FLOAT: {
        uint32_t low = (uint32_t)bits;
        float f;
        memcpy(&f, &low, sizeof f);
        out->f = (double)f;
        break;
    }
    case PLC_DOUBLE: memcpy(&out->f, &bits, sizeof out->f); break;
    case PLC_INT16: out->i = (int16_t)bits; break;
    case PLC_INT32: out->i = (int32_t)bits; break;
    case PLC_BOOL: out->b = bits != 0; break;
    default: out->u = bits; break;
    }
}

bool plc_value_same(const plc_point *p, const plc_value *a, const plc_value *b)
{
    if (p->type == PLC_TEXT) return strncmp(a->text, b->text, PLC_TEXT_MAX) == 0;
    return to_bits(p, a) == to_bits(p, b);
}

size_t plc_value_text(const plc_point *p, const plc_value *v, char out[32])
{
    switch (p->type) {
    case PLC_BOOL: return (size_t)snprintf(out, 32, "%s", v->b ? "true" : "false");
    case PLC_INT16:
    case PLC_INT32: return (size_t)snprintf(out, 32, "%" PRId64, v->i);
    case PLC_FLOAT: return pt_f32_text((float)v->f, out);
    case PLC_DOUBLE: return pt_f64_text(v->f, out);
    case PLC_TEXT: return (size_t)snprintf(out, 32, "%.*s", (int)PLC_TEXT_MAX, v->text);
    default: return (size_t)snprintf(out, 32, "%" PRIu64, v->u);
    }
}
