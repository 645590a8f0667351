/* edge-node/plc/points.h -- the points of the simulated bottling line and where they lie in the Modbus tables.
 *
 * A point is one value with a name: it has a table (coil, discrete, input, holding), an address, a type and, for values
 * of several registers, a word order. The table `plc_points` is the one source of the register map: the register image, the
 * ledger, `plantree-plc --registers` and docs/plc.md come from it. Everything here is pure; any thread may call it.
 *
 * Bytes inside a register are high byte first, as Modbus wants. PLC_BIG puts the high word at the lower address (ABCD),
 * PLC_WORD_SWAP the low word (CDAB). Texts are ASCII, two characters to a register, filled up with NUL. */
#ifndef PLC_POINTS_H
#define PLC_POINTS_H
#include "base/slice.h"
#include "base/status.h"

typedef enum plc_space { PLC_COIL, PLC_DISCRETE, PLC_INPUT, PLC_HOLDING } plc_space;
typedef enum plc_type { PLC_BOOL, PLC_INT16, PLC_UINT16, PLC_INT32, PLC_UINT32, PLC_UINT64, PLC_FLOAT, PLC_DOUBLE, PLC_TEXT } plc_type;
typedef enum plc_order { PLC_BIG, PLC_WORD_SWAP } plc_order;

#define PLC_TEXT_MAX       20u /* bytes of the longest text */
#define PLC_SPACE_SIZE     64u /* addresses 0..63 exist in each register table, 0..15 in each bit table */
#define PLC_BIT_SPACE_SIZE 16u

typedef enum plc_point_id {
    PLC_LINE_RUN,
    PLC_PUMP_RUN,
    PLC_AUTO,
    PLC_VALVE_OPEN,
    PLC_COUNTER_RESET,
    PLC_ALARM_ACK,
    PLC_HEATER_ON,
    PLC_LEVEL_HIGH,
    PLC_LEVEL_LOW,
    PLC_JAM,
    PLC_OVERTEMP,
    PLC_PUMP_RUNNING,
    PLC_CONVEYOR_RUNNING,
    PLC_STARVED,
    PLC_HEARTBEAT,
    PLC_IN_LEVEL,
    PLC_INFLOW,
    PLC_OUTFLOW,
    PLC_CONVEYOR_SPEED,
    PLC_PRODUCT_TEMP,
    PLC_MOTOR_TEMP,
    PLC_FILL_COUNT,
    PLC_FILL_TOTAL,
    PLC_BATCH_COUNT,
    PLC_FILL_RATE,
    PLC_STATE,
    PLC_FILL_ERROR,
    PLC_ENERGY,
    PLC_AMBIENT,
    PLC_ALARM_WORD,
    PLC_UPTIME,
    PLC_CONVEYOR_LOAD,
    PLC_BATCH_ID,
    PLC_LEVEL,
    PLC_LEVEL_SP,
    PLC_VALVE,
    PLC_SPEED_SP,
    PLC_TEMP_SP,
    PLC_KP,
    PLC_TI,
    PLC_BATCH_SIZE,
    PLC_HOLD_BATCH_ID,
    PLC_POINT_COUNT
} plc_point_id;

/* Which member counts follows from the point's type: b for PLC_BOOL, i and u for the integers, f for both floats. */
typedef struct plc_value {
    union {
        bool b;
        int64_t i;
        uint64_t u;
        double f;
        char text[PLC_TEXT_MAX + 1]; /* NUL-terminated */
    };
} plc_value;

typedef struct plc_point {
    plc_space space;
    uint16_t address; /* first, counted from 0 as on the wire */
    uint16_t words;   /* registers (or bits: 1) it takes */
    plc_type type;
    plc_order order;
    bool writable;
    double low, high; /* of a writable number: what a write must keep to */
    const char *name, *unit, *meaning;
} plc_point;

extern const plc_point plc_points[PLC_POINT_COUNT]; /* indexed by plc_point_id */

const char *plc_space_name(plc_space s); /* "coil" "discrete" "input" "holding" */
const char *plc_type_name(plc_type t);   /* Sparkplug's names: "Boolean" ... "String" */

/* The point that covers `address`, or PLC_POINT_COUNT. */
plc_point_id plc_point_at(plc_space space, unsigned address);

/* Value to the point's registers and back; `regs` has room for point->words. Register points only. */
void plc_encode(const plc_point *p, const plc_value *v, uint16_t *regs);
void plc_decode(const plc_point *p, const uint16_t *regs, plc_value *out);

bool plc_value_same(const plc_point *p, const plc_value *a, const plc_value *b); /* bit for bit */

/* As the ledger writes it: true/false, integers, the shortest decimals that read back as the same float or double, bare text.
 * NUL-terminated; returns the length. */
size_t plc_value_text(const plc_point *p, const plc_value *v, char out[32]);
#endif
