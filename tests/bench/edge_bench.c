/* tests/bench/edge_bench.c -- plantree-edge with 10,000 Modbus tags over 50 devices at 1 s: resident memory and CPU against the goal.
 *
 * One plantree-plc with 50 lines is a gateway of 50 units; each device reads 200 tags of its unit (a register may be read under several
 * names), all of them reported when they change, through a real mosquitto, with the journal on. The reference is the goal itself. */
#include "tests/bench/process.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEVICES  50
#define TAGS     200
#define GOAL_MIB 30.0
#define GOAL_CPU 0.15 /* of one core */

static void nap_ms(long ms)
{
    struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };
    (void)nanosleep(&ts, NULL);
}

static const struct {
    const char *reg, *type;
} points[] = { { "input:12", "UInt32" }, { "input:24", "Double" }, { "input:2", "Float" },  { "input:14", "UInt64" },
               { "input:18", "UInt32" }, { "input:22", "Int32" },  { "input:10", "Float" }, { "holding:0", "Float" },
               { "holding:4", "Float" }, { "input:8", "Float" } };

static pt_status write_config(const char *path, const char *spool, uint16_t mqtt, uint16_t plc, uint16_t http, pt_error *err)
{
    FILE *f = fopen(path, "w");
    if (!f) return pt_fail(err, PT_EIO, "%s cannot be written", path);
    fprintf(
        f,
        "version: 1\nnode: { group: Bench, id: edge }\nmqtt: { servers: ['tcp://127.0.0.1:%u'] }\nspool: { dir: '%s', max_bytes: 64MiB }\n"
        "http: { listen: '127.0.0.1:%u' }\ndevices:\n",
        mqtt, spool, http);
    for (int d = 0; d < DEVICES; d++)
        fprintf(f, "  - { id: line%02d, driver: modbus-tcp, address: '127.0.0.1:%u', unit: %d, poll: 1s, tags_file: tags.csv }\n", d, plc,
                d + 1);
    if (fclose(f) != 0) return pt_fail(err, PT_EIO, "%s cannot be written", path);
    char tags[600];
    snprintf(tags, sizeof tags, "%.*s/tags.csv", (int)(strrchr(path, '/') - path), path);
    if (!(f = fopen(tags, "w"))) return pt_fail(err, PT_EIO, "%s cannot be written", tags);
    fputs("name,type,register,unit,low,high\n", f);
    for (size_t t = 0; t < TAGS; t++)
        fprintf(f, "Group%zu/Tag%03zu,%s,%s,m,0,100\n", t / 20, t, points[t % PT_COUNT_OF(points)].type,
                points[t % PT_COUNT_OF(points)].reg);
    return fclose(f) == 0 ? PT_OK : pt_fail(err, PT_EIO, "%s cannot be written", tags);
}

/* "key":number in a JSON text: enough for our own status page. */
static double figure(const pt_buf *json, const char *key)
{
    const char *at = json->len ? strstr(json->ptr, key) : NULL;
    return at ? strtod(at + strlen(key), NULL) : -1;
}

static pt_status status(uint16_t http, double *sent, double *read_, double *dropped, pt_error *err)
{
    pt_buf body;
    long code = 0;
    pt_buf_init(&body, 4u << 20);
    pt_status st = bench_get(http, "/api/v1/status", &body, &code, NULL, err);
    if (!st) pt_buf_char(&body, 0);
    if (!st && code != 200) st = pt_fail(err, PT_EIO, "status page answers %ld", code);
    if (!st) {
        *sent = figure(&body, "\"sent\":");
        *read_ = figure(&body, "\"read\":");
        *dropped = figure(&body, "\"dropped_ring\":") + figure(&body, "\"dropped_journal\":");
    }
    pt_buf_fini(&body);
    return st;
}

static pt_status measure(const bench_run *run, pid_t edge, uint16_t http, pt_error *err)
{
    double sent = 0, was_read = 0, dropped = 0;
    double deadline = bench_now() + 20;
    pt_status st = PT_EIO;
    while (bench_now() < deadline && bench_alive(edge)) { /* all devices found and born */
        st = status(http, &sent, &was_read, &dropped, err);
        if (!st && sent > DEVICES * TAGS) break;
        nap_ms(100);
    }
    if (st) return err->text[0] ? st : pt_fail(err, st, "plantree-edge ended");
    if (sent <= DEVICES * TAGS) return pt_fail(err, PT_ETIMEOUT, "the edge does not publish");
    bench_series memory = { 0 }, cpu = { 0 }, goal_memory = { 0 }, goal_cpu = { 0 };
    unsigned repetitions = run->quick ? 3 : run->repetitions;
    double s0 = sent, r0 = was_read, begin = bench_now();
    for (unsigned i = 0; i < repetitions; i++) {
        double c0 = bench_process_cpu(edge), t0 = bench_now();
        nap_ms(3000);
        uint64_t resident = 0, peak = 0;
        double c1 = bench_process_cpu(edge), t1 = bench_now();
        if (c0 < 0 || c1 < 0 || !bench_process_memory(edge, &resident, &peak)) return pt_fail(err, PT_EIO, "the edge is gone");
        bench_add(&memory, (double)resident / 1048576);
        bench_add(&cpu, (c1 - c0) / (t1 - t0) * 100);
        bench_add(&goal_memory, GOAL_MIB);
        bench_add(&goal_cpu, GOAL_CPU * 100);
    }
    if ((st = status(http, &sent, &was_read, &dropped, err)) != PT_OK) return st;
    char note[200];
    double seconds = bench_now() - begin;
    snprintf(note, sizeof note, "%.0f tags read and %.0f values published per second, %.0f dropped", (was_read - r0) / seconds,
             (sent - s0) / seconds, dropped);
    bench_case c = { .name = "edge",
                     .variant = "memory",
                     .goal = "edge-30MiB",
                     .input = "10,000 Modbus tags, 50 devices, 1 s, journal on",
                     .ours = "plantree-edge, resident",
                     .reference = "goal",
                     .unit = "MiB",
                     .target = 1,
                     .at_most = true,
                     .note = note };
    bench_report(run, &c, &memory, &goal_memory);
    c.variant = "cpu";
    c.goal = "edge-15%";
    c.ours = "plantree-edge, share of one core";
    c.unit = "percent";
    bench_report(run, &c, &cpu, &goal_cpu);
    return PT_OK;
}

static pt_status run_edge(bench_run *run, pt_error *err)
{
    bench_broker broker = { 0 };
    char dir[512], config[600], spool[600], log[600], plc_log[600], program[512], plc_program[512], listen[64], lines[8];
    pid_t edge = 0, plc = 0;
    pt_status st = bench_dir(run, "edge", dir, sizeof dir, err);
    if (st) return st;
    uint16_t plc_port = bench_free_port(), http = bench_free_port();
    snprintf(config, sizeof config, "%s/edge.yaml", dir);
    snprintf(spool, sizeof spool, "%s/spool", dir);
    snprintf(log, sizeof log, "%s/edge.log", dir);
    snprintf(plc_log, sizeof plc_log, "%s/plc.log", dir);
    snprintf(program, sizeof program, "%s/plantree-edge", run->bin);
    snprintf(plc_program, sizeof plc_program, "%s/plantree-plc", run->bin);
    snprintf(listen, sizeof listen, "127.0.0.1:%u", plc_port);
    snprintf(lines, sizeof lines, "%d", DEVICES);
    st = bench_broker_start(run, &broker, err);
    if (!st) st = write_config(config, spool, broker.port, plc_port, http, err);
    const char *plc_argv[] = { plc_program, "--listen", listen, "--lines", lines, "--speed", "5", "--scan", "500", NULL };
    const char *edge_argv[] = { program, "--config", config, NULL };
    if (!st) st = bench_spawn(plc_argv, plc_log, &plc, err);
    if (!st) st = bench_spawn(edge_argv, log, &edge, err);
    if (!st) {
        nap_ms(500);
        st = measure(run, edge, http, err);
    }
    bench_stop(&edge, 5);
    bench_stop(&plc, 5);
    bench_broker_stop(&broker);
    bench_remove(run, dir);
    return st;
}

const bench_entry edge_bench[] = { { "edge", "plantree-edge with 10,000 Modbus tags: memory and CPU", run_edge }, { 0 } };
