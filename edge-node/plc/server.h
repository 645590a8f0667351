/* edge-node/plc/server.h -- one or more lines behind a Modbus TCP port: one thread, poll, up to PLC_CONNECTIONS_MAX connections.
 *
 * Several lines answer as several units of one gateway: unit, unit + 1, ... with seeds seed, seed + 1, ...
 *
 * Every `scan_ms` the line is moved on to where the clock (times `speed`) says it should be and the tables are renewed, as a
 * PLC's cycle does. Requests are cut out of the stream here and judged by image.h; libmodbus carries out and answers those
 * that are right. A peer that is slow, silent or talks nonsense costs a buffer of its own and nothing else: no call here waits for one.
 * When all places are taken, the connection that was idle longest makes room. */
#ifndef PLC_SERVER_H
#define PLC_SERVER_H
#include "base/log.h"
#include "edge-node/plc/fault.h"

#define PLC_CONNECTIONS_MAX 64u
#define PLC_LINES_MAX       247u
#define PLC_STEP_S          0.05 /* of plant time: the line's fixed step, whatever the speed */

typedef struct plc_server plc_server;

typedef struct plc_server_options {
    const char *host; /* numeric address or name to listen on */
    uint16_t port;    /* 0: any free one */
    uint8_t unit;     /* of the first line, 1..247; it answers unit 0 and 255 too */
    uint8_t lines;    /* 1.. as many as units up to 247 allow */
    uint64_t seed;
    double speed;     /* 0.01..1000 */
    uint32_t scan_ms; /* 1..10000 */
    plc_faults faults;
    plc_ledger *ledger;    /* borrowed, may be NULL */
    bool record_reads;     /* what clients were given goes into the ledger too */
    const pt_clock *clock; /* borrowed */
    const pt_log *log;     /* borrowed, may be NULL */
} plc_server_options;

/* Bind, listen, set up the line and publish its first image. PT_OK, or the failure with its reason. Copies the options. */
PT_MUST_CHECK pt_status plc_server_open(const plc_server_options *options, plc_server **out, pt_error *err);

uint16_t plc_server_port(const plc_server *s);       /* the real one */
const char *plc_server_address(const plc_server *s); /* numeric, borrowed */

/* Do what is due and wait for the network no longer than the next thing due, or until `wake_fd` (-1: none) is readable.
 * PT_OK; anything else (the ledger cannot be written, the listening socket is broken) is the end. */
PT_MUST_CHECK pt_status plc_server_turn(plc_server *s, int wake_fd, pt_error *err);

/* Switch the faults on or off; returns whether they are on now. Always off when none were given. */
bool plc_server_toggle_faults(plc_server *s);

typedef struct plc_server_stats {
    uint64_t requests, exceptions, dropped; /* dropped: no answer, by fault */
    uint64_t accepted, evicted, broken;     /* connections; broken: closed for a bad frame or a failed send */
    unsigned connections;                   /* now */
    uint64_t steps;
} plc_server_stats;
void plc_server_stats_get(const plc_server *s, plc_server_stats *out);

/* Close all sockets, free; NULL is fine. The ledger stays open. */
void plc_server_close(plc_server *s);
#endif
