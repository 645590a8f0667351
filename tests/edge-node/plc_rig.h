/* tests/edge-node/plc_rig.h -- plantree-plc's server in a thread, and a node whose devices the real drivers poll. */
#ifndef EDGE_PLC_RIG_H
#define EDGE_PLC_RIG_H
#include "edge-node/plc/server.h"
#include "edge-node/poller.h"
#include "tests/edge-node/rig.h"
#include "tests/support/wait.h"

#include <pthread.h>

/* A PLC in a thread. */
typedef struct plc {
    plc_server *server;
    pthread_t thread;
    int wake[2];
    uint16_t port;
    plc_server_stats stats; /* at its end */
} plc;
void plc_start(plc *p, uint16_t port, uint8_t lines, const char *fault); /* port 0: any; fault as `plantree-plc --fault`, or NULL */
void plc_stop(plc *p);

typedef struct tag_row {
    const char *name, *reg, *raw;
    spb_datatype type;
    bool write;
    const char *elements, *order; /* NULL: not said */
} tag_row;

/* A node with devices polled by the real driver, every 50 ms. */
#define BENCH_TAGS 24
#define BENCH_KEYS 8
typedef struct bench {
    rig r;
    edge_poller *poller;
    edge_poller_device devices[8];
    edge_driver_tag tags[8][BENCH_TAGS];
    edge_convert converts[8][BENCH_TAGS];
    uint32_t metrics[8][BENCH_TAGS];
    edge_option device_options[8][12], tag_options[8][BENCH_TAGS][BENCH_KEYS];
    char addresses[8][40], units[8][16];
    uint32_t n;
} bench;
void bench_begin(bench *b);
/* A modbus-tcp device at 127.0.0.1:port, without retries; its index in the node. */
uint32_t bench_device(bench *b, const char *id, uint16_t port, int unit, const char *timeout, const tag_row *rows, uint32_t n);
void bench_run(bench *b);
void bench_end(bench *b);
edge_metric_view bench_view(bench *b, uint32_t metric); /* bytes live until the next call */
edge_poller_stats bench_stats(bench *b, uint32_t i);
/* Write and wait for what the PLC says: edge_poller_write's and edge_written's status and reason. */
pt_status bench_write(bench *b, uint32_t metric, const spb_value *v, pt_error *err);
/* Values of a driver's keys from pairs of texts, closed by NULL; the rest are defaults. */
void bench_options(const edge_driver_key *keys, edge_option *out, const char *const *pairs);

extern const tag_row bench_line[4]; /* Level/PV, Level/SP (written), Pump (written), Energy */
#endif
