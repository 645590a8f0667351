/* The poller and the Modbus driver against plantree-plc's real server: values, exceptions, writes, a PLC that goes, is slow, shares a gateway. */
#include "edge-node/plc/server.h"
#include "edge-node/poller.h"
#include "tests/edge-node/rig.h"
#include "tests/support/wait.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A PLC in a thread. */
typedef struct plc {
    plc_server *server;
    pthread_t thread;
    int wake[2];
    uint16_t port;
    plc_server_stats stats; /* at its end */
} plc;

static void *turn(void *ctx)
{
    plc *p = ctx;
    char byte;
    pt_error err;
    while (plc_server_turn(p->server, p->wake[0], &err) == PT_OK)
        if (read(p->wake[0], &byte, 1) == 1) break;
    return NULL;
}

static void plc_start(plc *p, uint16_t port, uint8_t lines, const char *fault)
{
    pt_error err = { 0 };
    plc_server_options o = { .host = "127.0.0.1", .port = port, .unit = 1, .lines = lines, .seed = 1, .speed = 1, .scan_ms = 20, .clock = pt_clock_system() };
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

static void plc_stop(plc *p)
{
    CHECK(write(p->wake[1], "x", 1) == 1);
    pthread_join(p->thread, NULL);
    plc_server_stats_get(p->server, &p->stats); /* of the thread, until it is joined */
    plc_server_close(p->server);
    close(p->wake[0]);
    close(p->wake[1]);
}

/* A node with devices polled by the real driver. */
typedef struct tag_row {
    const char *name, *reg, *raw;
    spb_datatype type;
    bool write;
} tag_row;

#define TAGS_MAX 16
typedef struct bench {
    edge_poller *poller;
    edge_poller_device devices[8];
    edge_driver_tag tags[8][TAGS_MAX];
    edge_convert converts[8][TAGS_MAX];
    uint32_t metrics[8][TAGS_MAX];
    edge_option device_options[8][12], tag_options[8][TAGS_MAX][6];
    char addresses[8][40], units[8][16];
    uint32_t n;
} bench;

static rig *r;
static bench *b;

static void begin(void)
{
    static rig storage;
    static bench bench_storage;
    r = &storage;
    b = &bench_storage;
    memset(b, 0, sizeof *b);
    rig_init(r);
    r->options.clock = pt_clock_system();
    rig_model(r, NULL);
}

static void options_of(const edge_driver_key *keys, edge_option *out, const char *const *pairs)
{
    for (size_t i = 0; keys[i].key; i++) {
        const char *text = keys[i].def;
        for (size_t k = 0; pairs[k]; k += 2)
            if (strcmp(pairs[k], keys[i].key) == 0) text = pairs[k + 1];
        if (text) CHECK_OK_FATAL(edge_option_parse(&keys[i], text, &out[i], NULL));
    }
}

static uint32_t device(const char *id, uint16_t port, int unit, const char *timeout, const tag_row *rows, uint32_t n)
{
    uint32_t at = b->n++, d;
    edge_poller_device *x = &b->devices[at];
    snprintf(b->addresses[at], sizeof b->addresses[at], "127.0.0.1:%u", port);
    snprintf(b->units[at], sizeof b->units[at], "%d", unit);
    CHECK_OK_FATAL(edge_model_device(r->model, id, &d, NULL));
    const char *pairs[] = { "address", b->addresses[at], "unit", b->units[at], "timeout", timeout, "retries", "0", NULL };
    options_of(edge_driver_modbus_tcp.device_keys, b->device_options[at], pairs);
    for (uint32_t i = 0; i < n; i++) {
        const char *tag_pairs[] = { "register", rows[i].reg, rows[i].raw ? "raw" : "none", rows[i].raw, NULL };
        options_of(edge_driver_modbus_tcp.tag_keys, b->tag_options[at][i], tag_pairs);
        b->tags[at][i] = (edge_driver_tag){ .name = rows[i].name, .type = rows[i].type, .writable = rows[i].write, .poll_ms = 50, .options = b->tag_options[at][i] };
        b->converts[at][i] = (edge_convert){ .type = (uint8_t)rows[i].type };
        CHECK_OK_FATAL(edge_model_metric(r->model, d, &(edge_metric_def){ .name = rows[i].name, .type = rows[i].type, .writable = rows[i].write }, &b->metrics[at][i], NULL));
    }
    *x = (edge_poller_device){ .driver = &edge_driver_modbus_tcp, .config = { .device = id, .options = b->device_options[at], .tags = b->tags[at], .n_tags = n, .clock = pt_clock_system() },
                               .converts = b->converts[at], .metrics = b->metrics[at], .device = d, .retry_min_ms = 50, .retry_max_ms = 200 };
    return d;
}

static void run(void)
{
    pt_error err = { 0 };
    rig_start(r);
    rig_connect(r);
    edge_poller_options o = { .node = r->node, .clock = pt_clock_system() };
    pt_status st = edge_poller_new(&o, b->devices, b->n, &b->poller, &err);
    pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "poller: %s", err.text);
    CHECK_OK_FATAL(edge_poller_start(b->poller));
}

static void end(void)
{
    edge_poller_free(b->poller);
    rig_fini(r);
}

static edge_metric_view view(uint32_t metric)
{
    static char buf[300];
    edge_metric_view v = { .timestamp_ms = -1 };
    CHECK_OK(edge_node_view(r->node, metric, buf, sizeof buf, &v));
    return v;
}

static edge_poller_stats stats(uint32_t i)
{
    edge_poller_stats s;
    edge_poller_stats_get(b->poller, i, &s);
    return s;
}

static const tag_row line[] = { { "Level/PV", "holding:0", NULL, SPB_FLOAT, false },
                                { "Level/SP", "holding:2", NULL, SPB_FLOAT, true },
                                { "Pump", "coil:1", NULL, SPB_BOOLEAN, true },
                                { "Energy", "input:24", NULL, SPB_DOUBLE, false } };

static void a_real_plc_is_read_and_written(void)
{
    plc p;
    begin();
    plc_start(&p, 0, 1, NULL);
    uint32_t d = device("line", p.port, 1, "500ms", line, PT_COUNT_OF(line));
    run();
    CHECK_WITHIN_FATAL(5000, edge_node_device_is_online(r->node, d));
    CHECK(view(b->metrics[0][0]).value.as.f32 > 0.5f && view(b->metrics[0][0]).quality == SPB_GOOD);
    spb_value v = { .type = SPB_FLOAT, .as = { .f32 = 3.25f } };
    pt_error err = { 0 };
    CHECK_OK(edge_poller_write(b->poller, b->metrics[0][1], &v, 3000, &err));
    CHECK_WITHIN(3000, view(b->metrics[0][1]).value.as.f32 == 3.25f);
    CHECK_STATUS(edge_poller_write(b->poller, b->metrics[0][0], &v, 3000, &err), PT_EREFUSED); /* not writable */
    v.as.f32 = 99; /* the PLC allows 0..5 and answers an exception */
    CHECK_STATUS(edge_poller_write(b->poller, b->metrics[0][1], &v, 3000, &err), PT_EREFUSED);
    CHECK(edge_node_device_is_online(r->node, d));
    CHECK_INT(stats(0).failures, 0);
    end();
    plc_stop(&p);
}

static void a_plc_that_goes_takes_only_its_device_down_and_comes_back(void)
{
    plc p, q;
    begin();
    plc_start(&p, 0, 1, NULL);
    plc_start(&q, 0, 1, NULL);
    uint32_t d = device("gone", p.port, 1, "300ms", line, 2), stays = device("stays", q.port, 1, "300ms", line, 2);
    run();
    CHECK_WITHIN_FATAL(5000, edge_node_device_is_online(r->node, d) && edge_node_device_is_online(r->node, stays));
    plc_stop(&p);
    CHECK_WITHIN_FATAL(5000, !edge_node_device_is_online(r->node, d));
    CHECK(edge_node_device_is_online(r->node, stays));
    CHECK(stats(0).last_error[0] != 0);
    pt_error err;
    spb_value v = { .type = SPB_FLOAT, .as = { .f32 = 1 } };
    CHECK_STATUS(edge_poller_write(b->poller, b->metrics[0][1], &v, 1000, &err), PT_ESTATE);
    uint64_t failures = stats(0).failures;
    CHECK_WITHIN(3000, stats(0).failures >= failures + 3); /* tried again and again */
    plc_start(&p, p.port, 1, NULL);
    CHECK_WITHIN_FATAL(5000, edge_node_device_is_online(r->node, d));
    edge_poller_stop(b->poller);
    size_t births = 0, deaths = 0;
    for (const rig_message *m; (m = rig_next(r));) {
        births += m->verb == SPB_DBIRTH && strcmp(m->device, "gone") == 0;
        deaths += m->verb == SPB_DDEATH;
        CHECK(m->verb != SPB_DDEATH || strcmp(m->device, "gone") == 0);
        CHECK(m->verb != SPB_NDEATH);
    }
    CHECK(births == 2 && deaths == 1);
    end();
    plc_stop(&p);
    plc_stop(&q);
}

static void an_exception_is_the_quality_of_its_tags_only(void)
{
    static const tag_row rows[] = { { "good", "holding:0", NULL, SPB_FLOAT, false }, { "absent", "holding:3000", NULL, SPB_INT16, false }, { "near", "holding:4", NULL, SPB_FLOAT, false } };
    plc p;
    begin();
    plc_start(&p, 0, 1, "exception=2@holding:4");
    uint32_t d = device("line", p.port, 1, "500ms", rows, PT_COUNT_OF(rows));
    run();
    CHECK_WITHIN_FATAL(5000, edge_node_device_is_online(r->node, d));
    CHECK_INT(view(b->metrics[0][0]).quality, SPB_GOOD); /* read apart from its neighbour that is refused */
    CHECK(view(b->metrics[0][1]).quality == SPB_BAD && view(b->metrics[0][1]).value.is_null);
    CHECK_INT(view(b->metrics[0][2]).quality, SPB_BAD);
    end();
    plc_stop(&p);
}

static void a_plc_that_answers_nothing_but_exceptions_is_dead(void)
{
    plc p;
    begin();
    plc_start(&p, 0, 1, NULL);
    uint32_t d = device("line", p.port, 1, "500ms", &(tag_row){ "absent", "holding:3000", NULL, SPB_INT16, false }, 1);
    run();
    CHECK_WITHIN(5000, stats(0).failures >= 2);
    CHECK(!edge_node_device_is_online(r->node, d));
    end();
    plc_stop(&p);
}

static void units_behind_one_gateway_share_a_connection(void)
{
    plc p;
    begin();
    plc_start(&p, 0, 3, NULL);
    uint32_t d[4];
    for (int i = 0; i < 4; i++) {
        static const char *const ids[] = { "u1", "u2", "u3", "nobody" };
        d[i] = device(ids[i], p.port, i < 3 ? i + 1 : 77, "300ms", line, PT_COUNT_OF(line));
    }
    run();
    CHECK_WITHIN_FATAL(5000, edge_node_device_is_online(r->node, d[0]) && edge_node_device_is_online(r->node, d[1]) && edge_node_device_is_online(r->node, d[2]));
    CHECK_WITHIN(5000, stats(3).failures >= 2); /* the gateway says there is nobody: exception 11 */
    CHECK(!edge_node_device_is_online(r->node, d[3]));
    end();
    plc_stop(&p);
    CHECK_INT(p.stats.accepted, 1);
}

static void a_slow_plc_delays_no_other(void)
{
    plc slow, fast;
    begin();
    plc_start(&slow, 0, 1, "delay=400");
    plc_start(&fast, 0, 1, NULL);
    device("slow", slow.port, 1, "2s", line, PT_COUNT_OF(line));
    uint32_t d = device("fast", fast.port, 1, "2s", line, PT_COUNT_OF(line));
    run();
    CHECK_WITHIN_FATAL(5000, edge_node_device_is_online(r->node, d));
    uint64_t polls = stats(1).polls, others = stats(0).polls;
    CHECK_WITHIN(3000, stats(1).polls >= polls + 20);
    CHECK(stats(0).polls <= others + 2);
    end();
    plc_stop(&slow);
    plc_stop(&fast);
}

static void a_plc_that_does_not_answer_in_time_is_lost_and_the_edge_lives(void)
{
    plc p;
    begin();
    plc_start(&p, 0, 1, "delay=400");
    uint32_t d = device("line", p.port, 1, "100ms", line, 2);
    run();
    CHECK_WITHIN(5000, stats(0).io.timeouts >= 3);
    CHECK(!edge_node_device_is_online(r->node, d));
    CHECK(strstr(stats(0).last_error, "unit 1") != NULL);
    end();
    plc_stop(&p);
}

static void a_device_switched_off_is_left_alone_until_switched_on(void)
{
    plc p;
    begin();
    plc_start(&p, 0, 1, NULL);
    uint32_t d = device("line", p.port, 1, "500ms", line, 2);
    run();
    CHECK_WITHIN_FATAL(5000, edge_node_device_is_online(r->node, d));
    CHECK_OK(edge_poller_switch(b->poller, d, false));
    CHECK_WITHIN(2000, !edge_node_device_is_online(r->node, d) && stats(0).off);
    uint64_t polls = stats(0).polls;
    int64_t until = pt_test_now_ms() + 200;
    CHECK_WITHIN(1000, pt_test_now_ms() > until);
    CHECK(stats(0).polls <= polls + 1);
    CHECK_OK(edge_poller_switch(b->poller, d, true));
    CHECK_WITHIN(2000, edge_node_device_is_online(r->node, d));
    CHECK_STATUS(edge_poller_switch(b->poller, 99, true), PT_ENOTFOUND);
    end();
    plc_stop(&p);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_real_plc_is_read_and_written),
        PT_TEST(a_plc_that_goes_takes_only_its_device_down_and_comes_back),
        PT_TEST(an_exception_is_the_quality_of_its_tags_only),
        PT_TEST(a_plc_that_answers_nothing_but_exceptions_is_dead),
        PT_TEST(units_behind_one_gateway_share_a_connection),
        PT_TEST(a_slow_plc_delays_no_other),
        PT_TEST(a_plc_that_does_not_answer_in_time_is_lost_and_the_edge_lives),
        PT_TEST(a_device_switched_off_is_left_alone_until_switched_on),
    };
    return pt_test_main("edge-node/modbus", tests, PT_COUNT_OF(tests), argc, argv);
}
