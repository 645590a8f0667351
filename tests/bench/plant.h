/* tests/bench/plant.h -- a plant of simulated edge nodes as ready-made MQTT PUBLISH packets (QoS 0).
 *
 * Node i is spBv1.0/bench/.../n0000i with `metrics` node metrics of the mixed set (generate.h), by alias in DATA, with
 * datatype and timestamp. Messages go round-robin over the nodes; a node's k-th message has its k-th period's timestamp,
 * so no two samples of a tag share a time. Everything is encoded beforehand: sending costs the publisher nothing but send(). */
#ifndef PT_BENCH_PLANT_H
#define PT_BENCH_PLANT_H
#include "base/buf.h"
#include "tests/bench/generate.h"

typedef struct bench_plant_node bench_plant_node;
typedef struct bench_plant {
    bench_plant_node *list; /* owned */
    gen_mixed values;
    uint32_t nodes, metrics;
    uint64_t messages; /* DATA made so far */
    int64_t last_ms;   /* the newest timestamp made */
    pt_arena arena;
    pt_buf payload;
} bench_plant;

PT_MUST_CHECK pt_status bench_plant_init(bench_plant *p, uint64_t seed, uint32_t nodes, uint32_t metrics, int64_t start_ms,
                                         int64_t period_ms);
void bench_plant_fini(bench_plant *p);

/* NBIRTHs of all nodes (next bdSeq, seq 0). */
PT_MUST_CHECK pt_status bench_plant_births(bench_plant *p, pt_buf *out);
/* NDEATHs of all nodes, with the bdSeq of their births. */
PT_MUST_CHECK pt_status bench_plant_deaths(bench_plant *p, pt_buf *out);
/* `n` NDATAs of `per_message` metrics each (<= metrics), round-robin over nodes and each node's metrics. */
PT_MUST_CHECK pt_status bench_plant_data(bench_plant *p, uint64_t n, uint32_t per_message, pt_buf *out);

/* Walk packets: topic and payload of the one at *at, and behind it. False at the end. */
bool bench_packet_next(pt_slice packets, size_t *at, pt_slice *topic, pt_slice *payload);
#endif
