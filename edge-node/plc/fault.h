/* edge-node/plc/fault.h -- how a PLC misbehaves on request, for tests of whoever reads it. Pure; one owner thread.
 *
 *     delay=MS              answers come MS milliseconds late (each connection waits for itself)
 *     exception=CODE@ADDR   a request that touches ADDR gets exception CODE (1..11); ADDR is `holding:0`, or `0` in any table
 *     drop-every=N          every N-th request gets no answer
 *     close-every=N         every N-th request closes its connection */
#ifndef PLC_FAULT_H
#define PLC_FAULT_H
#include "edge-node/plc/image.h"

#define PLC_FAULT_EXCEPTIONS 16u
#define PLC_FAULT_DELAY_MAX  600000u /* ms */

typedef struct plc_faults {
    uint32_t delay_ms;
    uint32_t drop_every, close_every; /* 0: never */
    struct {
        uint8_t code;
        bool any_space;
        plc_space space;
        uint16_t address;
    } exception[PLC_FAULT_EXCEPTIONS];
    unsigned exceptions;
    bool on;           /* all of it; switched by SIGUSR1 */
    uint64_t requests; /* counted while on */
} plc_faults;

typedef enum plc_fault_action { PLC_ANSWER, PLC_SILENCE, PLC_CLOSE } plc_fault_action;

/* Add one setting, as above, or several joined by commas. PT_EMALFORMED, PT_ETOOBIG, PT_EFULL with the reason. */
PT_MUST_CHECK pt_status plc_fault_parse(plc_faults *f, pt_slice text, pt_error *err);

/* What happens to the next request; counts it. */
plc_fault_action plc_fault_next(plc_faults *f);

/* The exception code a request must get, or 0. */
unsigned plc_fault_exception(const plc_faults *f, const plc_request *r);
#endif
