/* tests/edge-node/plc_rig.c -- see plc_rig.h. */
#include "tests/edge-node/plc_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

const tag_row bench_line[4] = { { .name = "Level/PV", .reg = "holding:0", .type = SPB_FLOAT },
                                { .name = "Level/SP", .reg = "holding:2", .type = SPB_FLOAT, .write = true },
                                { .name = "Pump", .reg = "coil:1", .type = SPB_BOOLEAN, .write = true },
                                { .name = "Energy", .reg = "input:24", .type = SPB_DOUBLE } };

static void *turn(void *ctx)
{
    plc *p = ctx;
    char byte;
    pt_error err;
    while (plc_server_turn(p->server, p->wake[0], &err) == PT_OK)
        if (read(p->wake[0], &byte, 1) == 1) break;
    return NULL;
}

void plc_start(plc *p, uint16_t port, uint8_t lines, const char *fault)
{
    pt_error err = { 0 };
    plc_server_options o = {
        .host = "127.0.0.1", .port = port, .unit = 1, .lines = lines, .seed = 1, .speed = 1, .scan_ms = 20, .clock = pt_clock_system()
    };
    if (fault) {
        CHECK_OK_FATAL(plc_fault_parse(&o.faults, pt_cstr(fault), &err));
        o.faults.on = true;
    }
    pt_status st = plc_server_open(&o, &p->server, &err);
    pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "PLC: %s", err.text);
    p->port = plc_server_port(p->server);
    CHECK_FATAL(pipe2(p->wake, O_NONBLOCK) == 0);
    CHECK_FATAL(pthread_create(&p->thread, NULL, turn, p) == 0);
}

void plc_stop(plc *p)
{
    CHECK(write(p->wake[1], "x", 1) == 1);
    pthread_join(p->thread, NULL);
    plc_server_stats_get(p->server, &p->stats); /* of the thread, until it is joined */
    plc_server_close(p->server);
    close(p->wake[0]);
    close(p->wake[1]);
}

void bench_begin(bench *b)
{
    memset(b, 0, sizeof *b);
    rig_init(&b->r);
    b->r.options.clock = pt_clock_system();
    rig_model(&b->r, NULL);
}

void bench_options(const edge_driver_key *keys, edge_option *out, const char *const *pairs)
{
    for (size_t i = 0; keys[i].key; i++) {
        const char *text = keys[i].def;
        for (size_t k = 0; pairs[k]; k += 2)
            if (strcmp(pairs[k], keys[i].key) == 0) text = pairs[k + 1];
        if (text) CHECK_OK_FATAL(edge_option_parse(&keys[i], text, &out[i], NULL));
    }
}

uint32_t bench_device(bench *b, const char *id, uint16_t port, int unit, const char *timeout, const tag_row *rows, uint32_t n)
{
    uint32_t at = b->n++, d;
    edge_poller_device *x = &b->devices[at];
    snprintf(b->addresses[at], sizeof b->addresses[at], "127.0.0.1:%u", port);
    snprintf(b->units[at], sizeof b->units[at], "%d", unit);
    CHECK_OK_FATAL(edge_model_device(b->r.model, id, &d, NULL));
    const char *pairs[] = { "address", b->addresses[at], "unit", b->units[at], "timeout", timeout, "retries", "0", NULL };
    bench_options(edge_driver_modbus_tcp.device_keys, b->device_options[at], pairs);
    for (uint32_t i = 0; i < n; i++) {
        const char *tag_pairs[] = { "register",
                                    rows[i].reg,
                                    rows[i].raw ? "raw" : "none",
                                    rows[i].raw,
                                    rows[i].elements ? "elements" : "none",
                                    rows[i].elements,
                                    rows[i].order ? "order" : "none",
                                    rows[i].order,
                                    NULL };
        bench_options(edge_driver_modbus_tcp.tag_keys, b->tag_options[at][i], tag_pairs);
        b->tags[at][i] = (edge_driver_tag){
            .name = rows[i].name, .type = rows[i].type, .writable = rows[i].write, .poll_ms = 50, .options = b->tag_options[at][i]
        };
        b->converts[at][i] = (edge_convert){ .type = (uint8_t)rows[i].type };
        CHECK_OK_FATAL(edge_model_metric(b->r.model, d,
                                         &(edge_metric_def){ .name = rows[i].name, .type = rows[i].type, .writable = rows[i].write },
                                         &b->metrics[at][i], NULL));
    }
    *x = (edge_poller_device){
        .driver = &edge_driver_modbus_tcp,
        .config = { .device = id, .options = b->device_options[at], .tags = b->tags[at], .n_tags = n, .clock = pt_clock_system() },
        .converts = b->converts[at],
        .metrics = b->metrics[at],
        .device = d,
        .retry_min_ms = 50,
        .retry_max_ms = 200
    };
    return d;
}

void bench_run(bench *b)
{
    pt_error err = { 0 };
    rig_start(&b->r);
    rig_connect(&b->r);
    edge_poller_options o = { .node = b->r.node, .clock = pt_clock_system() };
    pt_status st = edge_poller_new(&o, b->devices, b->n, &b->poller, &err);
    pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "poller: %s", err.text);
    CHECK_OK_FATAL(edge_poller_start(b->poller));
}

void bench_end(bench *b)
{
    edge_poller_free(b->poller);
    rig_fini(&b->r);
}

edge_metric_view bench_view(bench *b, uint32_t metric)
{
    static char buf[300];
    edge_metric_view v = { .timestamp_ms = -1 };
    CHECK_OK(edge_node_view(b->r.node, metric, buf, sizeof buf, &v));
    return v;
}

edge_poller_stats bench_stats(bench *b, uint32_t i)
{
    edge_poller_stats s;
    edge_poller_stats_get(b->poller, i, &s);
    return s;
}

typedef struct outcome {
    pt_status status;
    pt_error err;
    _Atomic bool done;
} outcome;

static void on_written(void *ctx, pt_status st, const pt_error *why)
{
    outcome *o = ctx;
    o->status = st;
    o->err = *why;
    o->done = true;
}

pt_status bench_write(bench *b, uint32_t metric, const spb_value *v, pt_error *err)
{
    static outcome o; /* outlives a wait that gives up */
    o.done = false;
    pt_status st = edge_poller_write(b->poller, metric, v, on_written, &o, err);
    if (st != PT_OK) return st;
    if (!PT_WITHIN(10000, o.done)) return PT_ETIMEOUT;
    *err = o.err;
    return o.status;
}
