/* tests/bench/broker_bench.c -- the complete host behind a real mosquitto, against a Paho subscriber that only counts (P3, P4).
 *
 * One publisher sends prepared packets; what is timed is the way from the first packet to the last message at the receiver. The rate is
 * measured at full speed; CPU per message of 20 metrics at a speed that the machine sustains with all four programs on it. Broker, data and
 * publisher are the same for both sides, fresh for each repetition. */
#include "tests/bench/counter.h"
#include "tests/bench/plant.h"
#include "tests/bench/process.h"

#include <time.h>

typedef struct broker_case {
    const bench_run *run;
    pt_buf births, data, last;  /* last: one message more of each node, so that a loss at the end shows in the sequence */
    uint64_t messages, samples; /* in data */
    uint64_t nodes;
    uint32_t pace;                        /* messages per second; 0: as fast as the broker takes them */
    bench_series rate[2], cpu[2];         /* 0 ours, 1 reference: messages/s, us of CPU per message */
    uint64_t lost[2], gaps, unseen, peak; /* unseen: runs where a node lost messages without a gap */
} broker_case;

enum { OURS, REFERENCE };

static void nap_ms(long ms)
{
    struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };
    (void)nanosleep(&ts, NULL);
}

static pt_status send_births(const broker_case *c, uint16_t port, int *fd, pt_error *err)
{
    pt_status st = bench_publisher_open(port, "bench-plant", fd, err);
    if (!st) st = bench_publisher_send(*fd, pt_buf_view(&c->births), err);
    if (!st) st = bench_publisher_flush(*fd, err);
    return st;
}

/* All data, at the pace asked for: a millisecond's worth at a time. */
static pt_status send_data(const broker_case *c, int fd, pt_error *err)
{
    pt_slice all = pt_buf_view(&c->data), topic, payload;
    if (!c->pace) return bench_publisher_send(fd, all, err);
    pt_status st = PT_OK;
    double start = bench_now();
    size_t at = 0;
    for (uint64_t sent = 0; !st && at < all.len;) {
        size_t from = at;
        for (unsigned i = 0; i < c->pace / 1000 && bench_packet_next(all, &at, &topic, &payload); i++)
            sent++;
        st = bench_publisher_send(fd, pt_slice_of(all.ptr + from, at - from), err);
        if (bench_now() - start < (double)sent / c->pace) nap_ms(1);
    }
    return st;
}

static void book(broker_case *c, int side, double seconds, double cpu, uint64_t got)
{
    bench_add(&c->rate[side], (double)got / seconds);
    bench_add(&c->cpu[side], cpu * 1e6 / (double)got);
    c->lost[side] += c->messages - got;
}

static pt_status count_with(broker_case *c, bench_counter *k, uint16_t port, bool keep, pt_error *err)
{
    int fd = -1;
    pt_status st = send_births(c, port, &fd, err);
    for (double end = bench_now() + 5; !st && atomic_load(&k->shared->count) < c->nodes && bench_now() < end;)
        nap_ms(1);
    uint64_t before = atomic_load(&k->shared->count), seen = before;
    atomic_store(&k->shared->target, before + c->messages);
    double cpu = bench_process_cpu(k->pid), start = bench_now();
    if (!st) st = send_data(c, fd, err);
    double moved = bench_now();
    while (!st && seen < before + c->messages && bench_now() < moved + 2) {
        uint64_t now = atomic_load(&k->shared->count);
        if (now != seen) moved = bench_now();
        seen = now;
        nap_ms(5);
    }
    if (!st && keep) book(c, REFERENCE, atomic_load(&k->shared->last) - start, bench_process_cpu(k->pid) - cpu, seen - before);
    bench_publisher_close(fd);
    return st;
}

static pt_status reference(broker_case *c, bool keep, pt_error *err)
{
    bench_broker broker;
    bench_counter k = { 0 };
    pt_status st = bench_broker_start(c->run, &broker, err);
    if (st) return st;
    st = bench_counter_start(broker.port, &k, err);
    if (!st) st = count_with(c, &k, broker.port, keep, err);
    bench_counter_stop(&k);
    bench_broker_stop(&broker);
    return st;
}

/* Poll until every node is online; births cost nothing in the timed part. */
static pt_status wait_online(const broker_case *c, const bench_host *h, bench_nodes *n, pt_error *err)
{
    pt_status st = PT_OK;
    for (double end = bench_now() + 10; !st && bench_now() < end; nap_ms(20)) {
        st = bench_host_nodes(h, n, NULL, err);
        if (!st && n->online == c->nodes) return PT_OK;
    }
    return st ? st : pt_fail(err, PT_ETIMEOUT, "%llu of %llu nodes online", (unsigned long long)n->online, (unsigned long long)c->nodes);
}

/* The last messages at leisure: then a node that lost any must have a gap, unless it lost whole circles of 256. */
static pt_status audit(broker_case *c, const bench_host *h, int fd, pt_error *err)
{
    bench_nodes n = { 0 };
    uint64_t each = 1 + c->messages / c->nodes + 1, seen = 0; /* of a node: birth, data, the last */
    pt_status st = bench_publisher_send(fd, pt_buf_view(&c->last), err);
    for (double moved = bench_now(); !st && n.messages < each * c->nodes && bench_now() < moved + 1; nap_ms(20)) {
        st = bench_host_nodes(h, &n, NULL, err);
        if (n.messages != seen) moved = bench_now();
        seen = n.messages;
    }
    c->gaps += n.seq_gaps;
    if (!st && n.least_whole < each && (each - n.least_whole) % 256 != 0) c->unseen++;
    return st;
}

static pt_status feed_host(broker_case *c, bench_host *h, uint16_t port, bool keep, pt_error *err)
{
    int fd = -1;
    bench_nodes before = { 0 }, n;
    pt_status st = send_births(c, port, &fd, err);
    if (!st) st = wait_online(c, h, &before, err);
    n = before;
    double cpu = bench_process_cpu(h->pid), start = bench_now();
    if (!st) st = send_data(c, fd, err);
    double moved = bench_now();
    while (!st && n.messages - before.messages < c->messages && bench_now() < moved + 2) {
        uint64_t seen = n.messages;
        nap_ms(seen - before.messages < c->messages / 10 * 9 ? 50 : 5); /* looking costs the host time; the end must be seen in time */
        st = bench_host_nodes(h, &n, NULL, err);
        if (n.messages != seen) moved = bench_now();
    }
    double used = bench_process_cpu(h->pid) - cpu;
    uint64_t resident, peak = 0;
    if (!st && keep) {
        book(c, OURS, moved - start, used, n.messages - before.messages);
        if (bench_process_memory(h->pid, &resident, &peak) && peak > c->peak) c->peak = peak;
        st = audit(c, h, fd, err);
    }
    bench_publisher_close(fd);
    return st;
}

static pt_status ours(broker_case *c, bool keep, pt_error *err)
{
    bench_broker broker;
    bench_host h;
    pt_status st = bench_broker_start(c->run, &broker, err);
    if (st) return st;
    st = bench_host_start(c->run, broker.port, "host", &h, err);
    if (!st) {
        st = feed_host(c, &h, broker.port, keep, err);
        bench_host_stop(c->run, &h);
    }
    bench_broker_stop(&broker);
    return st;
}

static pt_status prepare(broker_case *c, const bench_run *run, uint32_t per_message, uint64_t messages, uint32_t pace)
{
    enum { NODES = 20, METRICS = 20 };
    bench_plant p;
    *c = (broker_case){ .run = run, .messages = messages, .samples = messages * per_message, .nodes = NODES, .pace = pace };
    pt_buf_init(&c->births, 16u << 20);
    pt_buf_init(&c->data, 2047u << 20);
    pt_buf_init(&c->last, 1u << 20);
    int64_t period = 300000 / (int64_t)(c->samples / (NODES * METRICS)); /* five minutes of the plant */
    if (period < 1) period = 1;
    pt_status st = bench_plant_init(&p, run->seed, NODES, METRICS, ((int64_t)time(NULL) - 360) * 1000, period);
    if (!st) st = bench_plant_births(&p, &c->births);
    if (!st) st = bench_plant_data(&p, messages, per_message, &c->data);
    if (!st) st = bench_plant_data(&p, NODES, per_message, &c->last);
    bench_plant_fini(&p);
    return st;
}

static pt_status measure(const bench_run *run, uint32_t per_message, uint64_t messages, uint32_t pace, unsigned rounds, pt_error *err)
{
    broker_case c;
    char input[200], note[300], speed[64] = "as fast as it goes";
    pt_status st = prepare(&c, run, per_message, messages, pace);
    if (st) (void)pt_fail(err, st, "the data could not be made");
    for (unsigned i = 0; !st && i < rounds; i++) {
        st = reference(&c, true, err);
        if (!st) st = ours(&c, true, err);
    }
    if (pace) snprintf(speed, sizeof speed, "%u messages/s", pace);
    snprintf(input, sizeof input, "%llu NDATA of %u metric%s from 20 nodes of 20 tags, QoS 0, one mosquitto, %s",
             (unsigned long long)messages, per_message, per_message == 1 ? "" : "s", speed);
    snprintf(
        note, sizeof note,
        "messages lost before the host %llu (sequence gaps %llu, runs with a loss unseen %llu), before the subscriber %llu; host's peak memory %.0f MB",
        (unsigned long long)c.lost[OURS], (unsigned long long)c.gaps, (unsigned long long)c.unseen, (unsigned long long)c.lost[REFERENCE],
        (double)c.peak / 1e6);
    bench_case k = {
        .name = "broker", .input = input, .ours = "plantree-host", .reference = "Paho subscriber that only counts", .note = note
    };
    if (!st) {
        if (!pace) {
            k.variant = "rate-1";
            k.goal = "P3";
            k.unit = "messages/s";
            k.target = 0.95;
            bench_report(run, &k, &c.rate[OURS], &c.rate[REFERENCE]);
        }
        k.variant = per_message == 1 ? "cpu-1" : "cpu-20";
        k.goal = per_message == 1 ? "" : "P4";
        k.unit = "us of CPU/message";
        k.target = per_message == 1 ? 0 : 1.3;
        k.at_most = true;
        bench_report(run, &k, &c.cpu[OURS], &c.cpu[REFERENCE]);
    }
    pt_buf_fini(&c.births);
    pt_buf_fini(&c.data);
    pt_buf_fini(&c.last);
    return st;
}

static pt_status run_broker(bench_run *run, pt_error *err)
{
    unsigned rounds = run->quick ? 2 : run->repetitions;
    pt_status st = measure(run, 1, run->quick ? 100000 : 500000, 0, rounds, err);
    if (!st) st = measure(run, 20, run->quick ? 60000 : 250000, 40000, rounds, err);
    return st;
}

const bench_entry broker_bench[] = { { "broker", "the complete host through mosquitto against a counting subscriber", run_broker }, { 0 } };
