/* tests/bench/pipeline_bench.c -- the host's pipeline fed without a broker: decode, sequence, alias, tree, durable history (P5).
 *
 * Packets wait in memory; the feeder does what the receive thread does and its CPU time is not counted. What is counted is everything
 * behind it: shard, historian's writer, commits with synchronous=FULL, until hist_flush says all is durable.
 *
 * The goal is 5 M metrics/s, whatever the machine. It was set on one where protobuf-c with malloc decodes a metric of such messages in 122
 * ns, 8.2 M/s; so that a run says something on any other, protobuf-c decodes the same messages in turn with the pipeline, and 0.61 of its
 * rate is reported beside the goal. */
#include "base/log.h"
#include "host/ingest/ingest.h"
#include "sparkplug_b_bytes.pb-c.h"
#include "tests/bench/plant.h"
#include "tests/bench/process.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

typedef struct pipeline_case {
    const bench_run *run;
    pt_buf births, data;
    uint64_t messages, metrics, birth_metrics;
    uint32_t shards;
    bench_series wall;
    uint64_t stored, lost, gaps;
    unsigned n;
} pipeline_case;

static void feed(host_ingest *g, pt_slice packets)
{
    size_t at = 0;
    pt_slice topic, payload;
    struct timespec now;
    while (bench_packet_next(packets, &at, &topic, &payload)) {
        host_packet p = { .topic = topic, .payload = payload };
        (void)clock_gettime(CLOCK_REALTIME, &now);
        p.wall_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        p.mono_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
        host_ingest_push(g, &p);
    }
}

static pt_status settled(host_ingest *g, hist *h, pt_error *err)
{
    pt_status st = host_ingest_drain(g, 60000);
    if (st) return pt_fail(err, st, "the pipeline did not drain");
    return hist_flush(h, 60000, err);
}

static pt_status timed(pipeline_case *c, host_ingest *g, hist *h, double *per_core, pt_error *err)
{
    feed(g, pt_buf_view(&c->births));
    pt_status st = settled(g, h, err);
    if (st) return st;
    double cpu = bench_cpu_process(), own = bench_cpu_thread(), wall = bench_now();
    feed(g, pt_buf_view(&c->data));
    st = settled(g, h, err);
    if (st) return st;
    wall = bench_now() - wall;
    cpu = bench_cpu_process() - cpu - (bench_cpu_thread() - own);
    *per_core = (double)c->metrics / cpu;
    if (c->n++) bench_add(&c->wall, (double)c->metrics / wall); /* the first is the warm-up */
    host_ingest_stats is;
    hist_stats hs;
    host_ingest_stats_get(g, &is);
    hist_stats_get(h, &hs);
    c->stored = hs.stored + hs.replaced;
    c->lost += is.samples_lost + hs.lost;
    c->gaps += is.tracker.seq_gaps;
    return PT_OK;
}

static double pipeline(void *ctx, pt_error *err)
{
    pipeline_case *c = ctx;
    char dir[600];
    double per_core = -1;
    uns_tree *tree = NULL;
    hist *h = NULL;
    host_ingest *g = NULL;
    hist_options ho;
    host_ingest_options io;
    host_outputs out = { 0 };
    pt_log_fd log;
    pt_log_fd_init(&log, 2, false, PT_LOG_ERROR, pt_clock_system());
    if (bench_dir(c->run, "pipeline", dir, sizeof dir, err)) return -1;
    hist_options_init(&ho);
    ho.dir = dir;
    host_ingest_options_init(&io);
    io.shards = c->shards;
    pt_status st = uns_tree_new(&tree);
    if (!st) st = hist_open(&ho, pt_clock_system(), &log.log, &h, err);
    if (!st) st = host_ingest_new(&io, tree, h, &out, pt_clock_system(), &log.log, &g);
    if (!st) st = host_ingest_start(g);
    if (!st) st = timed(c, g, h, &per_core, err);
    host_ingest_free(g);
    if (h && hist_close(h, 60000, err)) st = PT_EIO;
    uns_tree_free(tree);
    bench_remove(c->run, dir);
    return st ? -1 : per_core;
}

/* Nothing but decoding, of as many messages as take a moment. */
static double protobuf_c(const pipeline_case *c, pt_error *err)
{
    enum { MESSAGES = 20000 };
    size_t at = 0;
    uint64_t metrics = 0;
    pt_slice topic, payload, packets = pt_buf_view(&c->data);
    double cpu = bench_cpu_thread();
    for (unsigned i = 0; i < MESSAGES && bench_packet_next(packets, &at, &topic, &payload); i++) {
        Spb__Pbc__Payload *p = spb__pbc__payload__unpack(NULL, payload.len, (const uint8_t *)payload.ptr);
        if (!p) return (void)pt_fail(err, PT_EMALFORMED, "protobuf-c refuses a message"), -1;
        metrics += p->n_metrics;
        spb__pbc__payload__free_unpacked(p, NULL);
    }
    return (double)metrics / (bench_cpu_thread() - cpu);
}

static pt_status measure(bench_run *run, uint32_t per_message, uint64_t messages, pt_error *err)
{
    enum { NODES = 50, METRICS = 20 };
    bench_plant p;
    char input[200], note[200];
    pipeline_case c = { .run = run, .messages = messages, .metrics = messages * per_message, .shards = 1 };
    pt_buf_init(&c.births, 16u << 20);
    pt_buf_init(&c.data, 2047u << 20);
    int64_t samples = (int64_t)(c.metrics / (NODES * METRICS)), period = 3600000 / (samples ? samples : 1);
    if (period < 8) period = 8;
    pt_status st = bench_plant_init(&p, run->seed, NODES, METRICS, ((int64_t)time(NULL) - 7200) * 1000, period);
    if (!st) st = bench_plant_births(&p, &c.births);
    if (!st) st = bench_plant_data(&p, messages, per_message, &c.data);
    bench_plant_fini(&p);
    if (st) {
        (void)pt_fail(err, st, "the data could not be made");
    } else {
        bench_series ours = { .n = 0 }, reference = { .n = 0 }, five = { .n = 0 };
        for (unsigned i = 0; i <= run->repetitions && !st; i++) {
            double decoded = protobuf_c(&c, err), v = decoded < 0 ? -1 : pipeline(&c, err);
            if (v < 0) st = PT_EIO;
            if (i == 0) continue;
            bench_add(&ours, v);
            bench_add(&reference, decoded);
            bench_add(&five, 5e6);
        }
        bench_figure wall = bench_figure_of(&c.wall);
        snprintf(input, sizeof input,
                 "%llu NDATA of %u metrics, 50 nodes of 20 tags of the mixed set; one shard, synchronous=FULL, until flushed",
                 (unsigned long long)messages, per_message);
        snprintf(note, sizeof note, "%.3g metrics/s by the wall clock (%.3g .. %.3g); samples lost %llu, sequence gaps %llu", wall.median,
                 wall.min, wall.max, (unsigned long long)c.lost, (unsigned long long)c.gaps);
        bool one = per_message == 1;
        bench_case k = { .name = "pipeline",
                         .variant = one ? "data-1" : "data-20-proportion",
                         .goal = "",
                         .unit = "metrics/s per core",
                         .target = 0,
                         .input = input,
                         .note = note,
                         .ours = "host pipeline into durable history, CPU of all its threads",
                         .reference = "protobuf-c with malloc, decoding the same messages" };
        if (!st) bench_report(run, &k, &ours, &reference);
        k.variant = "data-20";
        k.goal = "P5";
        k.target = 1;
        k.reference = "5 M";
        k.note = NULL;
        if (!st && !one) bench_report(run, &k, &ours, &five);
    }
    pt_buf_fini(&c.births);
    pt_buf_fini(&c.data);
    return st;
}

static pt_status run_pipeline(bench_run *run, pt_error *err)
{
    pt_status st = measure(run, 20, run->quick ? 100000 : 250000, err);
    if (!st) st = measure(run, 1, run->quick ? 300000 : 1000000, err);
    return st;
}

const bench_entry pipeline_bench[] = { { "pipeline", "the host's pipeline without a broker into durable history", run_pipeline }, { 0 } };
