/* edge-node/plc/ledger.h -- the ground truth on disk: every change of a value that Modbus clients can see.
 *
 *     time_ms,address,value,name
 *     1763848992123,holding:0,2.501,Level/PV
 *
 * With several lines the unit stands before the address: `3/holding:0`. Times are wall-clock milliseconds at which the new value stood in
 * the tables; between two lines of one address the first one's value stands. Texts are written bare: none of ours holds a comma or a quote.
 * Reads, when they are recorded, stand between them as `time_ms,read,holding:0,16`: a client was given 16 registers from there, with the
 * values of the lines above. One owner thread. */
#ifndef PLC_LEDGER_H
#define PLC_LEDGER_H
#include "edge-node/plc/points.h"

typedef struct plc_ledger plc_ledger;

/* Create or empty the file and write its header. PT_OK, or the failure with its reason in *err. */
PT_MUST_CHECK pt_status plc_ledger_open(const char *path, plc_ledger **out, pt_error *err);
/* unit 0: not written. */
PT_MUST_CHECK pt_status plc_ledger_add(plc_ledger *g, unsigned unit, int64_t wall_ms, const plc_point *p, const plc_value *v);
PT_MUST_CHECK pt_status plc_ledger_read(plc_ledger *g, unsigned unit, int64_t wall_ms, plc_space space, unsigned address, unsigned count);
/* Hand what was added to the file, so that other programs can read it. Once failed, always failed. */
PT_MUST_CHECK pt_status plc_ledger_flush(plc_ledger *g);
/* Flush, close, free; NULL is fine. */
pt_status plc_ledger_close(plc_ledger *g);
#endif
