/* tests/bench/soak_bench.c -- a day of a plant at high speed: the host's pipeline, tree and history on a fake clock; is memory flat?
 *
 * 50 nodes of 20 tags at 1 Hz, every node dying and being born again once an hour. Each simulated hour the resident memory is noted; ours
 * is the largest of the last half of the day, the reference the largest of the first hours after warm-up. Quick: three hours. */
#include "base/log.h"
#include "host/ingest/ingest.h"
#include "tests/bench/plant.h"
#include "tests/bench/process.h"

#include <time.h>
#include <unistd.h>

enum { NODES = 50, METRICS = 20, HOUR = 3600, HOURS_MAX = 24 };

typedef struct soak {
    const bench_run *run;
    pt_fake_clock clock;
    bench_plant plant;
    pt_buf packets;
    uns_tree *tree;
    hist *history;
    host_ingest *ingest;
} soak;

static void push_all(soak *s)
{
    size_t at = 0;
    pt_slice topic, payload;
    while (bench_packet_next(pt_buf_view(&s->packets), &at, &topic, &payload)) {
        host_packet p = {
            .topic = topic, .payload = payload, .wall_ms = pt_wall_ms(&s->clock.clock), .mono_ms = pt_mono_ms(&s->clock.clock)
        };
        host_ingest_push(s->ingest, &p);
    }
    pt_buf_reset(&s->packets);
}

/* An hour of messages, a second at a time; a pause for the shards each simulated minute keeps their clock near the messages'. */
static pt_status one_hour(soak *s, pt_error *err)
{
    pt_status st = PT_OK;
    for (unsigned second = 0; !st && second < HOUR; second++) {
        if (second == HOUR / 2) {
            st = bench_plant_deaths(&s->plant, &s->packets);
            if (!st) st = bench_plant_births(&s->plant, &s->packets);
        }
        if (!st) st = bench_plant_data(&s->plant, NODES, METRICS, &s->packets);
        if (st) return pt_fail(err, st, "the data could not be made");
        push_all(s);
        pt_fake_clock_advance(&s->clock, 1000);
        if (second % 60 == 59) st = host_ingest_drain(s->ingest, 60000);
    }
    if (st) return pt_fail(err, st, "the pipeline did not drain");
    return hist_flush(s->history, 60000, err);
}

static pt_status open_all(soak *s, const char *dir, const pt_log *log, pt_error *err)
{
    hist_options ho;
    host_ingest_options io;
    host_outputs out = { 0 };
    int64_t start = ((int64_t)time(NULL) - 2 * 86400) * 1000;
    hist_options_init(&ho);
    ho.dir = dir;
    host_ingest_options_init(&io);
    pt_fake_clock_init(&s->clock, start);
    pt_buf_init(&s->packets, 64u << 20);
    pt_status st = bench_plant_init(&s->plant, s->run->seed, NODES, METRICS, start, 1000);
    if (!st) st = uns_tree_new(&s->tree);
    if (!st) st = hist_open(&ho, &s->clock.clock, log, &s->history, err);
    if (!st) st = host_ingest_new(&io, s->tree, s->history, &out, &s->clock.clock, log, &s->ingest);
    if (!st) st = host_ingest_start(s->ingest);
    if (!st) st = bench_plant_births(&s->plant, &s->packets);
    if (!st) push_all(s);
    return st;
}

static void close_all(soak *s)
{
    host_ingest_free(s->ingest);
    if (s->history) (void)hist_close(s->history, 60000, NULL);
    uns_tree_free(s->tree);
    bench_plant_fini(&s->plant);
    pt_buf_fini(&s->packets);
}

static double largest(const uint64_t *v, unsigned from, unsigned to)
{
    uint64_t m = 0;
    for (unsigned i = from; i < to; i++)
        m = v[i] > m ? v[i] : m;
    return (double)m / 1e6;
}

static pt_status run_soak(bench_run *run, pt_error *err)
{
    soak s = { .run = run };
    char dir[600], note[400], input[200];
    uint64_t memory[HOURS_MAX] = { 0 }, peak;
    unsigned hours = run->quick ? 4 : HOURS_MAX, half = hours / 2;
    pt_log_fd log;
    pt_log_fd_init(&log, 2, false, PT_LOG_ERROR, pt_clock_system());
    pt_status st = bench_dir(run, "soak", dir, sizeof dir, err);
    if (st) return st;
    if ((st = open_all(&s, dir, &log.log, err)) != PT_OK && err && !err->text[0])
        (void)pt_fail(err, st, "the pipeline could not be set up");
    double start = bench_now();
    for (unsigned h = 0; !st && h < hours; h++) {
        st = one_hour(&s, err);
        (void)bench_process_memory(getpid(), &memory[h], &peak);
        if (!st) bench_say(run, "hour %u: %.1f MB", h + 1, (double)memory[h] / 1e6);
    }
    double took = bench_now() - start;
    if (!st) {
        host_ingest_stats is;
        hist_stats hs;
        host_ingest_stats_get(s.ingest, &is);
        hist_stats_get(s.history, &hs);
        bench_series ours = { .n = 0 }, reference = { .n = 0 };
        bench_add(&ours, largest(memory, half, hours));
        bench_add(&reference, largest(memory, hours > 8 ? 2 : 1, half));
        snprintf(input, sizeof input, "%u h of 1,000 tags at 1 Hz in %.0f s, all nodes reborn every hour; fake clock", hours, took);
        snprintf(note, sizeof note, "%llu samples stored, %llu lost, sequence gaps %llu, %.3g MB of files",
                 (unsigned long long)(hs.stored + hs.replaced), (unsigned long long)(is.samples_lost + hs.lost),
                 (unsigned long long)is.tracker.seq_gaps, (double)hs.file_bytes / 1e6);
        bench_case k = { .name = "soak",
                         .variant = "memory",
                         .goal = "",
                         .unit = "MB resident",
                         .target = 1.1,
                         .at_most = true,
                         .input = input,
                         .note = note,
                         .ours = "second half, largest",
                         .reference = "first half after warm-up, largest" };
        bench_report(run, &k, &ours, &reference);
    }
    close_all(&s);
    bench_remove(run, dir);
    return st;
}

const bench_entry soak_bench[] = { { "soak", "a day of a plant at high speed: memory", run_soak }, { 0 } };
