/* tests/bench/plant_bench.c -- the complete host under a plant's loads: a storm of births (P12), an idle day (P11), a stalled disk (P10).
 */
#include "tests/bench/plant.h"
#include "tests/bench/process.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <time.h>

static void nap(double s)
{
    if (s <= 0) return;
    struct timespec ts = { (time_t)s, (long)((s - (double)(time_t)s) * 1e9) };
    (void)nanosleep(&ts, NULL);
}

/* What each of them needs: a broker, a host, a plant, a publisher. */
typedef struct stage {
    const bench_run *run;
    bench_broker broker;
    bench_host host;
    bench_plant plant;
    pt_buf packets;
    int fd;
} stage;

static pt_status stage_open(stage *s, const bench_run *run, uint32_t nodes, uint32_t metrics, int64_t period_ms, pt_error *err)
{
    *s = (stage){ .run = run, .fd = -1 };
    pt_buf_init(&s->packets, 1u << 30);
    pt_status st = bench_plant_init(&s->plant, run->seed, nodes, metrics, ((int64_t)time(NULL) - 600) * 1000, period_ms);
    if (st) return pt_fail(err, st, "the plant could not be made");
    if ((st = bench_broker_start(run, &s->broker, err)) != PT_OK) return st;
    if ((st = bench_host_start(run, s->broker.port, "host", &s->host, err)) != PT_OK) return st;
    return bench_publisher_open(s->broker.port, "bench-plant", &s->fd, err);
}

static void stage_close(stage *s)
{
    bench_publisher_close(s->fd);
    bench_host_stop(s->run, &s->host);
    bench_broker_stop(&s->broker);
    bench_plant_fini(&s->plant);
    pt_buf_fini(&s->packets);
}

static pt_status send_packets(stage *s, pt_error *err)
{
    pt_status st = pt_buf_status(&s->packets) ? pt_fail(err, PT_ENOMEM, "packets") : PT_OK;
    if (!st) st = bench_publisher_send(s->fd, pt_buf_view(&s->packets), err);
    pt_buf_reset(&s->packets);
    return st;
}

static pt_status births(stage *s, pt_error *err)
{
    pt_status st = bench_plant_births(&s->plant, &s->packets);
    return st ? pt_fail(err, st, "births") : send_packets(s, err);
}

/* Poll until `online` nodes are online and `samples` received; *slowest is the longest answer on the way. */
static pt_status wait_for(stage *s, uint64_t online, uint64_t samples, double seconds, bench_nodes *n, double *slowest, pt_error *err)
{
    for (double end = bench_now() + seconds;;) {
        double took = 0;
        pt_status st = bench_host_nodes(&s->host, n, &took, err);
        if (st) return st;
        if (slowest && took > *slowest) *slowest = took;
        if (n->online == online && n->received >= samples) return PT_OK;
        if (bench_now() > end) break;
        nap(0.02);
    }
    return pt_fail(err, PT_ETIMEOUT, "%llu nodes online, %llu samples received after %.0f s", (unsigned long long)n->online,
                   (unsigned long long)n->received, seconds);
}

/* ---- P12 ---- */

enum { STORM_NODES = 1000, STORM_METRICS = 50 };

static pt_status one_storm(stage *s, bench_series *took, bench_series *answer, uint64_t *gaps, pt_error *err)
{
    bench_nodes before, n;
    double slowest = 0;
    pt_status st = bench_plant_deaths(&s->plant, &s->packets);
    if (st) return pt_fail(err, st, "deaths");
    if ((st = send_packets(s, err)) != PT_OK) return st;
    if ((st = wait_for(s, 0, 0, 20, &before, NULL, err)) != PT_OK) return st;
    if ((st = bench_plant_births(&s->plant, &s->packets)) != PT_OK) return pt_fail(err, st, "births");
    double start = bench_now();
    if ((st = send_packets(s, err)) != PT_OK) return st;
    st = wait_for(s, STORM_NODES, before.received + STORM_NODES * STORM_METRICS, 30, &n, &slowest, err);
    if (st) return st;
    bench_add(took, bench_now() - start);
    bench_add(answer, slowest * 1e3);
    *gaps += n.seq_gaps - before.seq_gaps;
    return PT_OK;
}

static pt_status run_storm(bench_run *run, pt_error *err)
{
    stage s;
    bench_series took = { .n = 0 }, answer = { .n = 0 }, five = { { 5 }, 1 }, hundred = { { 100 }, 1 };
    bench_nodes n;
    uint64_t gaps = 0;
    char note[200];
    pt_status st = stage_open(&s, run, STORM_NODES, STORM_METRICS, 1000, err);
    if (!st) st = births(&s, err);
    if (!st) st = wait_for(&s, STORM_NODES, STORM_NODES * STORM_METRICS, 30, &n, NULL, err);
    for (unsigned i = 0; !st && i < run->repetitions; i++)
        st = one_storm(&s, &took, &answer, &gaps, err);
    if (!st) {
        snprintf(note, sizeof note, "sequence gaps %llu", (unsigned long long)gaps);
        bench_case k = { .name = "storm",
                         .variant = "online",
                         .goal = "P12",
                         .unit = "s",
                         .target = 1,
                         .at_most = true,
                         .note = note,
                         .input = "1,000 nodes of 50 metrics die and are born again at once, through mosquitto",
                         .ours = "until all are online with their values",
                         .reference = "the limit" };
        bench_report(run, &k, &took, &five);
        k = (bench_case){ .name = "storm",
                          .variant = "http",
                          .goal = "P12",
                          .unit = "ms",
                          .target = 1,
                          .at_most = true,
                          .input = "the same storm; /api/v1/nodes (1,000 nodes) asked every 20 ms meanwhile",
                          .ours = "slowest answer",
                          .reference = "the limit" };
        bench_report(run, &k, &answer, &hundred);
    }
    stage_close(&s);
    return st;
}

/* ---- P11 ---- */

static pt_status run_idle(bench_run *run, pt_error *err)
{
    enum { NODES = 100, METRICS = 100, PER_MESSAGE = 20 };
    stage s;
    bench_nodes n;
    bench_series cpu = { .n = 0 }, memory = { .n = 0 }, five = { { 5 }, 1 }, hundred = { { 100 }, 1 };
    unsigned seconds = run->quick ? 6 : 30;
    pt_status st = stage_open(&s, run, NODES, METRICS, 1000, err);
    if (!st) st = births(&s, err);
    if (!st) st = wait_for(&s, NODES, NODES * METRICS, 10, &n, NULL, err);
    double used = s.host.pid ? bench_process_cpu(s.host.pid) : 0, start = bench_now(), mark = start;
    for (unsigned i = 0; !st && i < seconds * 10; i++) { /* every 100 ms a tenth of the plant's messages: 1 Hz per tag */
        if ((st = bench_plant_data(&s.plant, NODES * METRICS / PER_MESSAGE / 10, PER_MESSAGE, &s.packets)) != PT_OK)
            (void)pt_fail(err, st, "data");
        if (!st) st = send_packets(&s, err);
        nap(start + (i + 1) * 0.1 - bench_now());
        if ((i + 1) % (seconds * 2)) continue; /* five stretches */
        double now = bench_now(), u = bench_process_cpu(s.host.pid);
        uint64_t resident = 0, peak;
        bench_add(&cpu, 100 * (u - used) / (now - mark));
        if (bench_process_memory(s.host.pid, &resident, &peak)) bench_add(&memory, (double)resident / 1e6);
        used = u;
        mark = now;
    }
    if (!st) st = wait_for(&s, NODES, NODES * METRICS * (seconds + 1), 5, &n, NULL, err);
    if (!st) {
        bench_case k = { .name = "idle",
                         .variant = "cpu",
                         .goal = "P11",
                         .unit = "% of one core",
                         .target = 1,
                         .at_most = true,
                         .input = "100 nodes of 100 tags at 1 Hz in messages of 20 metrics; five stretches of the run",
                         .ours = "plantree-host",
                         .reference = "the limit" };
        bench_report(run, &k, &cpu, &five);
        k.variant = "memory";
        k.unit = "MB resident";
        bench_report(run, &k, &memory, &hundred);
    }
    stage_close(&s);
    return st;
}

/* ---- P10 ---- */

/* Write locks on every database of a directory: what a stalled disk or a careless backup looks like to the writer. */
enum { DATABASES = 64 };
typedef struct locks {
    sqlite3 *db[DATABASES];
    unsigned n;
} locks;

static void hold(locks *l, const char *path)
{
    sqlite3 *db = NULL;
    if (l->n < DATABASES && sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
        sqlite3_busy_timeout(db, 1000) == SQLITE_OK && sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK)
        l->db[l->n++] = db;
    else (void)sqlite3_close(db);
}

static void hold_all(locks *l, const char *dir, unsigned depth)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    while (d && (e = readdir(d)) != NULL) {
        char path[1024];
        size_t n = strlen(e->d_name);
        if (e->d_name[0] == '.' || snprintf(path, sizeof path, "%s/%s", dir, e->d_name) >= (int)sizeof path) continue;
        if (n > 3 && strcmp(e->d_name + n - 3, ".db") == 0) hold(l, path);
        else if (e->d_type == DT_DIR && depth) hold_all(l, path, depth - 1);
    }
    if (d) (void)closedir(d);
}

static void let_go(locks *l)
{
    while (l->n) {
        sqlite3 *db = l->db[--l->n];
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        (void)sqlite3_close(db);
    }
}

enum { STALL_NODES = 50, STALL_METRICS = 20, STALL_RATE = 100000 };

typedef struct stall_result {
    uint64_t sent, received, gaps, rejected, peak;
    double seconds;
    unsigned locked;
} stall_result;

/* `seconds` of messages at the rate; with `stall` the databases are locked from 1.5 s to 3.5 s. */
static pt_status one_stall(const bench_run *run, unsigned seconds, bool stall, stall_result *out, pt_error *err)
{
    stage s;
    locks l = { .n = 0 };
    bench_nodes before, n;
    pt_buf all;
    *out = (stall_result){ .sent = (uint64_t)STALL_RATE * seconds };
    pt_buf_init(&all, 1u << 30);
    pt_status st = stage_open(&s, run, STALL_NODES, STALL_METRICS, 10, err);
    if (!st) st = births(&s, err);
    if (!st) st = wait_for(&s, STALL_NODES, STALL_NODES * STALL_METRICS, 10, &before, NULL, err);
    if (!st && (st = bench_plant_data(&s.plant, out->sent, 1, &all)) != PT_OK) (void)pt_fail(err, st, "data");
    double start = bench_now();
    size_t at = 0;
    for (uint64_t k = 0; !st && at < all.len;) { /* 1 ms of messages at a time, never faster than the rate */
        pt_slice topic, payload;
        size_t from = at;
        for (unsigned i = 0; i < STALL_RATE / 1000 && bench_packet_next(pt_buf_view(&all), &at, &topic, &payload); i++)
            k++;
        st = bench_publisher_send(s.fd, pt_slice_of(all.ptr + from, at - from), err);
        double now = bench_now() - start;
        if (stall && now > 1.5 && !out->locked) {
            hold_all(&l, s.host.data, 4);
            out->locked = l.n;
        }
        if (now > 3.5) let_go(&l);
        nap(start + (double)k / STALL_RATE - bench_now());
    }
    out->seconds = bench_now() - start;
    let_go(&l);
    if (!st && stall && !out->locked) st = pt_fail(err, PT_ESTATE, "no database to lock");
    for (double end = bench_now() + 4; !st && bench_now() < end; nap(0.1)) {
        st = bench_host_nodes(&s.host, &n, NULL, err);
        if (n.received - before.received >= out->sent) break;
    }
    if (!st) {
        uint64_t resident;
        (void)bench_process_memory(s.host.pid, &resident, &out->peak);
        out->received = n.received - before.received;
        out->gaps = n.seq_gaps;
        out->rejected = n.rejected;
    }
    pt_buf_fini(&all);
    stage_close(&s);
    return st;
}

static pt_status run_stall(bench_run *run, pt_error *err)
{
    bench_series got = { .n = 0 }, sent = { .n = 0 };
    stall_result control, r = { 0 };
    char note[300], input[200];
    unsigned seconds = run->quick ? 4 : 8;
    pt_status st = one_stall(run, seconds, false, &control, err);
    if (!st) st = one_stall(run, seconds, true, &r, err);
    if (st) return st;
    bench_add(&got, (double)r.received);
    bench_add(&sent, (double)r.sent);
    snprintf(input, sizeof input, "%u s at %.0f messages/s (asked for %u), 50 nodes; %u databases held locked by another process for 2 s",
             seconds, (double)r.sent / r.seconds, STALL_RATE, r.locked);
    snprintf(note, sizeof note,
             "sequence gaps %llu, rejected %llu, peak memory %.0f MB; the same without the stall: %llu of %llu received, gaps %llu",
             (unsigned long long)r.gaps, (unsigned long long)r.rejected, (double)r.peak / 1e6, (unsigned long long)control.received,
             (unsigned long long)control.sent, (unsigned long long)control.gaps);
    bench_case k = { .name = "stall",
                     .variant = "messages",
                     .goal = "P10",
                     .unit = "messages",
                     .target = 1,
                     .input = input,
                     .note = note,
                     .ours = "received and counted by the host",
                     .reference = "sent" };
    bench_report(run, &k, &got, &sent);
    return PT_OK;
}

const bench_entry plant_bench[] = { { "storm", "1,000 nodes born again at once", run_storm },
                                    { "idle", "10,000 tags at 1 Hz", run_idle },
                                    { "stall", "SQLite stalled for 2 s at full rate", run_stall },
                                    { 0 } };
