/* The poller with the real Modbus driver against plantree-plc's server: a PLC that goes, is slow, refuses, is switched off. */
#include "tests/edge-node/plc_rig.h"

static bench b;

static void a_plc_that_goes_takes_only_its_device_down_and_comes_back(void)
{
    plc p, q;
    bench_begin(&b);
    plc_start(&p, 0, 1, NULL);
    plc_start(&q, 0, 1, NULL);
    uint32_t d = bench_device(&b, "gone", p.port, 1, "300ms", bench_line, 2),
             stays = bench_device(&b, "stays", q.port, 1, "300ms", bench_line, 2);
    bench_run(&b);
    CHECK_WITHIN_FATAL(5000, edge_node_device_is_online(b.r.node, d) && edge_node_device_is_online(b.r.node, stays));
    plc_stop(&p);
    CHECK_WITHIN_FATAL(5000, !edge_node_device_is_online(b.r.node, d));
    CHECK(edge_node_device_is_online(b.r.node, stays));
    CHECK(bench_stats(&b, 0).last_error[0] != 0);
    pt_error err;
    spb_value v = { .type = SPB_FLOAT, .as = { .f32 = 1 } };
    CHECK_STATUS(edge_poller_write(b.poller, b.metrics[0][1], &v, NULL, NULL, &err), PT_ESTATE);
    uint64_t failures = bench_stats(&b, 0).failures;
    CHECK_WITHIN(3000, bench_stats(&b, 0).failures >= failures + 3); /* tried again and again */
    plc_start(&p, p.port, 1, NULL);
    CHECK_WITHIN_FATAL(5000, edge_node_device_is_online(b.r.node, d));
    edge_poller_stop(b.poller);
    size_t births = 0, deaths = 0;
    for (const rig_message *m; (m = rig_next(&b.r));) {
        births += m->verb == SPB_DBIRTH && strcmp(m->device, "gone") == 0;
        deaths += m->verb == SPB_DDEATH;
        CHECK(m->verb != SPB_DDEATH || strcmp(m->device, "gone") == 0);
        CHECK(m->verb != SPB_NDEATH);
    }
    CHECK(births == 2 && deaths == 1);
    bench_end(&b);
    plc_stop(&p);
    plc_stop(&q);
}

static void a_plc_that_answers_nothing_but_exceptions_is_dead(void)
{
    plc p;
    bench_begin(&b);
    plc_start(&p, 0, 1, NULL);
    uint32_t d = bench_device(&b, "line", p.port, 1, "500ms", &(tag_row){ .name = "absent", .reg = "holding:3000", .type = SPB_INT16 }, 1);
    bench_run(&b);
    CHECK_WITHIN(5000, bench_stats(&b, 0).failures >= 2);
    CHECK(!edge_node_device_is_online(b.r.node, d));
    bench_end(&b);
    plc_stop(&p);
}

static void a_slow_plc_delays_no_other(void)
{
    plc slow, fast;
    bench_begin(&b);
    plc_start(&slow, 0, 1, "delay=400");
    plc_start(&fast, 0, 1, NULL);
    bench_device(&b, "slow", slow.port, 1, "2s", bench_line, 4);
    uint32_t d = bench_device(&b, "fast", fast.port, 1, "2s", bench_line, 4);
    bench_run(&b);
    CHECK_WITHIN_FATAL(5000, edge_node_device_is_online(b.r.node, d));
    uint64_t polls = bench_stats(&b, 1).polls, others = bench_stats(&b, 0).polls;
    CHECK_WITHIN(3000, bench_stats(&b, 1).polls >= polls + 20);
    CHECK(bench_stats(&b, 0).polls <= others + 2);
    bench_end(&b);
    plc_stop(&slow);
    plc_stop(&fast);
}

static void a_device_switched_off_is_left_alone_until_switched_on(void)
{
    plc p;
    bench_begin(&b);
    plc_start(&p, 0, 1, NULL);
    uint32_t d = bench_device(&b, "line", p.port, 1, "500ms", bench_line, 2);
    bench_run(&b);
    CHECK_WITHIN_FATAL(5000, edge_node_device_is_online(b.r.node, d));
    CHECK_OK(edge_poller_switch(b.poller, d, false));
    CHECK_WITHIN(2000, !edge_node_device_is_online(b.r.node, d) && bench_stats(&b, 0).off);
    uint64_t polls = bench_stats(&b, 0).polls;
    int64_t until = pt_test_now_ms() + 200;
    CHECK_WITHIN(1000, pt_test_now_ms() > until);
    CHECK(bench_stats(&b, 0).polls <= polls + 1);
    CHECK_OK(edge_poller_switch(b.poller, d, true));
    CHECK_WITHIN(2000, edge_node_device_is_online(b.r.node, d));
    CHECK_STATUS(edge_poller_switch(b.poller, 99, true), PT_ENOTFOUND);
    bench_end(&b);
    plc_stop(&p);
}

static void on_written(void *ctx, pt_status st, const pt_error *why)
{
    CHECK(st == PT_OK || (st == PT_ECLOSED && strstr(why->text, "the drivers stop")));
    (*(_Atomic int *)ctx)++;
}

static void writes_that_wait_when_the_drivers_stop_are_counted_as_failed(void)
{
    plc p;
    bench_begin(&b);
    plc_start(&p, 0, 1, "delay=100");
    uint32_t d = bench_device(&b, "slow", p.port, 1, "2s", bench_line, 2);
    bench_run(&b);
    CHECK_WITHIN_FATAL(5000, edge_node_device_is_online(b.r.node, d));
    spb_value v = { .type = SPB_FLOAT, .as = { .f32 = 3 } };
    pt_error err = { 0 };
    _Atomic int told = 0;
    for (int i = 0; i < 10; i++)
        CHECK_OK(edge_poller_write(b.poller, b.metrics[0][1], &v, on_written, (void *)&told, &err));
    edge_poller_stop(b.poller);
    edge_poller_stats s = bench_stats(&b, 0);
    CHECK_INT(s.writes + s.writes_failed, 10);
    CHECK(s.writes_failed > 0);
    CHECK_INT(told, 10); /* each, once */
    CHECK_STATUS(edge_poller_write(b.poller, b.metrics[0][1], &v, on_written, (void *)&told, &err), PT_ESTATE);
    CHECK_INT(told, 10); /* refused at once: nobody is told later */
    bench_end(&b);
    plc_stop(&p);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_plc_that_goes_takes_only_its_device_down_and_comes_back),    PT_TEST(a_plc_that_answers_nothing_but_exceptions_is_dead),
        PT_TEST(writes_that_wait_when_the_drivers_stop_are_counted_as_failed), PT_TEST(a_slow_plc_delays_no_other),
        PT_TEST(a_device_switched_off_is_left_alone_until_switched_on),
    };
    return pt_test_main("edge-node/poller", tests, PT_COUNT_OF(tests), argc, argv);
}
