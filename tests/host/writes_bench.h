/* tests/host/writes_bench.h -- writes over a rig with one edge node, a send function that records, and a clock that stands still until told
 * otherwise. */
#ifndef HOST_TEST_WRITES_BENCH_H
#define HOST_TEST_WRITES_BENCH_H
#include "host/control/writes.h"
#include "tests/host/rig.h"

#include <stdatomic.h>

typedef struct bench {
    rig r;
    pt_fake_clock clock;
    host_audit *audit;
    host_writes *w;
    host_writes_options options;
    pt_status send_answer;
    _Atomic unsigned sent, told;
    uint16_t server;
    char topic[200], payload[1000];
    size_t payload_len;
    char last_told[2000];
} bench;

void bench_open(bench *b); /* the node g/e, device dev */
void bench_close(bench *b);
host_write_request writes_request(const char *path, const char *json); /* because, by 10.0.0.9 */
host_write_result writes_ask(bench *b, const char *path, const char *json);
host_write_result writes_get(bench *b, uint64_t id);
void writes_seen(bench *b, uint32_t tag, double v); /* the plant reports it */
void writes_pass(bench *b, int64_t ms);             /* and a tick */
#endif
