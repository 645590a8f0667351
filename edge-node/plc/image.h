/* edge-node/plc/image.h -- the four Modbus tables as clients see them, and what a request does to them.
 *
 * The image is renewed from the line as a whole (plc_image_refresh), so one request never sees half a value. Requests
 * are judged here before libmodbus answers them: it then only ever gets complete ones, inside the tables. One owner thread.
 *
 * A write may cover several points, or half of one (function 6 on a Float): the other half is taken from the image. It
 * is applied to the line completely or, if any point refuses its value, not at all. */
#ifndef PLC_IMAGE_H
#define PLC_IMAGE_H
#include "edge-node/plc/ledger.h"
#include "edge-node/plc/line.h"

typedef struct plc_image {
    uint8_t coils[PLC_BIT_SPACE_SIZE], discretes[PLC_BIT_SPACE_SIZE]; /* one bit per byte, as libmodbus keeps them */
    uint16_t inputs[PLC_SPACE_SIZE], holdings[PLC_SPACE_SIZE];
    plc_value seen[PLC_POINT_COUNT]; /* what the tables hold, for telling changes */
    bool primed;
} plc_image;

/* Renew every register; what differs from before (at first: everything) goes into the ledger (may be NULL) with `unit` and
 * `wall_ms`. PT_OK or the ledger's failure; the tables are renewed in any case. */
PT_MUST_CHECK pt_status plc_image_refresh(plc_image *im, const plc_line *l, plc_ledger *ledger, unsigned unit, int64_t wall_ms);

/* A Modbus request, taken apart. */
typedef struct plc_request {
    uint8_t function;
    bool reads, writes;
    plc_space read_space, write_space;
    uint16_t read_at, read_count, write_at, write_count; /* counts are 0 unless reads / writes */
    const uint8_t *data;                                 /* of a write: borrowed from the PDU */
} plc_request;

/* Parse a PDU (function code and what follows). Returns 0, or the Modbus exception code to answer: 1 unknown function,
 * 2 outside the tables, 3 a count or length that is wrong. Functions 1-6, 15, 16, 22 and 23 are known. */
unsigned plc_request_parse(const uint8_t *pdu, size_t len, plc_request *out);

/* Apply the write of a parsed request to the line. Returns 0, or the exception code: 2 an address that is read only or empty,
 * 3 a value out of its range. Unless 0, nothing has changed. Does not touch the tables. */
unsigned plc_request_apply(const plc_request *r, const plc_image *im, plc_line *l);
#endif
