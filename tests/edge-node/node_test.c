/* A whole node on a fake clock: the order and numbers of what it publishes, what becomes of what cannot be sent. */
#include "base/random.h"
#include "tests/edge-node/rig.h"

#include <stdio.h>
#include <stdlib.h>

static rig *r;
static void open_rig(void)
{
    static rig storage;
    r = &storage;
    rig_init(r);
}

static void the_will_is_the_ndeath_of_this_session(void)
{
    open_rig();
    r->has_stored = true;
    r->stored = 7;
    rig_start(r);
    rig_connect(r);
    CHECK_STR(pt_cstr(r->connect.will_topic), "spBv1.0/G/NDEATH/E");
    CHECK_HEX(r->connect.will_payload, "120b0a05626453657120045807");
    CHECK_INT(r->stored, 8);
    CHECK_INT(r->connect.n_filters, 3);
    CHECK_STR(pt_cstr(r->connect.filters[0]), "spBv1.0/G/NCMD/E");
    CHECK_STR(pt_cstr(r->connect.filters[1]), "spBv1.0/G/DCMD/E/+");
    CHECK_STR(pt_cstr(r->connect.filters[2]), "spBv1.0/G/NDEATH/E");
    rig_fini(r);
}

static void two_nodes_in_one_process_may_have_devices_of_one_name(void)
{
    static rig first, second;
    rig *both[] = { &first, &second };
    for (int i = 0; i < 2; i++) {
        rig_init(both[i]);
        both[i]->options.node = i ? "E2" : "E1";
        rig_start(both[i]);
        edge_node_device_online(both[i]->node, both[i]->device);
        rig_connect(both[i]);
        rig_skip(both[i]);
    }
    rig_set(&first, first.count, rig_i64(1));
    rig_set(&second, second.count, rig_i64(2));
    for (int i = 0; i < 2; i++) {
        edge_node_poll(both[i]->node);
        const rig_message *m = rig_next(both[i]);
        CHECK_STR(pt_cstr(m->topic), i ? "spBv1.0/G/DDATA/E2/filler" : "spBv1.0/G/DDATA/E1/filler");
        const spb_payload *p = rig_decode(both[i], m);
        CHECK(p->seq == 2 && p->metrics[0].value.u64 == (uint64_t)i + 1);
        rig_fini(both[i]);
    }
}

static void seq_counts_every_message_and_wraps(void)
{
    open_rig();
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    rig_connect(r);
    for (int i = 0; i < 600; i++) {
        rig_set(r, r->count, rig_i64(i));
        edge_node_poll(r->node);
        if (i % 100 == 50) {
            edge_node_device_offline(r->node, r->device);
            edge_node_device_online(r->node, r->device);
        }
    }
    uint64_t want = 0;
    for (const rig_message *m; (m = rig_next(r)); want = (want + 1) % 256)
        CHECK_INT(rig_decode(r, m)->seq, want);
    rig_fini(r);
}

static void a_message_that_was_not_taken_uses_no_number_and_loses_nothing(void)
{
    open_rig();
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    rig_connect(r);
    edge_node_poll(r->node);
    rig_skip(r);
    r->publish_room = 0;
    for (int i = 0; i < 5; i++) {
        rig_set(r, r->count, rig_i64(i));
        CHECK_INT(edge_node_poll(r->node), 20); /* comes back soon */
    }
    CHECK(rig_next(r) == NULL);
    r->publish_room = UINT32_MAX;
    edge_node_poll(r->node);
    const spb_payload *p = rig_decode(r, rig_next(r));
    CHECK_INT(p->seq, 2);
    CHECK_INT(p->n_metrics, 5);
    rig_fini(r);
}

static void births_that_stop_half_way_begin_again_from_the_nbirth(void)
{
    open_rig();
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    r->publish_room = 1;
    rig_connect(r);
    CHECK_INT(edge_node_state(r->node), EDGE_BIRTHING);
    rig_set(r, r->count, rig_i64(1));
    edge_node_poll(r->node);
    CHECK_INT(rig_next(r)->verb, SPB_NBIRTH);
    CHECK(rig_next(r) == NULL); /* no DATA before the last DBIRTH */
    r->publish_room = UINT32_MAX;
    pt_fake_clock_advance(&r->clock, 100);
    edge_node_poll(r->node);
    const rig_message *m = rig_next(r);
    CHECK(m->verb == SPB_NBIRTH && rig_decode(r, m)->seq == 0);
    m = rig_next(r);
    CHECK(m->verb == SPB_DBIRTH && rig_decode(r, m)->seq == 1);
    rig_fini(r);
}

static void devices_come_and_go_with_their_plc(void)
{
    open_rig();
    rig_start(r);
    rig_connect(r);
    edge_node_poll(r->node);
    CHECK_INT(rig_next(r)->verb, SPB_NBIRTH);
    CHECK(rig_next(r) == NULL);
    edge_node_device_online(r->node, r->device);
    const rig_message *m = rig_next(r);
    CHECK(m->verb == SPB_DBIRTH && rig_decode(r, m)->seq == 1);
    rig_set(r, r->count, rig_i64(5));
    edge_node_device_offline(r->node, r->device);
    CHECK_INT(rig_next(r)->verb, SPB_DDATA); /* its last value, then its death */
    m = rig_next(r);
    CHECK_STR(pt_cstr(m->topic), "spBv1.0/G/DDEATH/E/filler");
    CHECK(m->qos == 0 && !m->retain);
    const spb_payload *p = rig_decode(r, m);
    CHECK(p->has_seq && p->seq == 3 && p->has_timestamp && p->n_metrics == 0);
    rig_set(r, r->count, rig_i64(6));
    edge_node_poll(r->node);
    CHECK(rig_next(r) == NULL); /* no DDATA for a dead device */
    edge_node_device_online(r->node, r->device);
    m = rig_next(r);
    CHECK(m->verb == SPB_DBIRTH && rig_metric(rig_decode(r, m), "Count")->value.u64 == 6);
    rig_fini(r);
}

static void a_stop_ends_with_ddeath_ndeath_disconnect(void)
{
    open_rig();
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    rig_connect(r);
    edge_node_poll(r->node);
    rig_set(r, r->count, rig_i64(5));
    rig_skip(r);
    edge_node_stop(r->node);
    CHECK_INT(rig_next(r)->verb, SPB_DDATA);
    CHECK_INT(rig_next(r)->verb, SPB_DDEATH);
    const rig_message *m = rig_next(r);
    CHECK(m->verb == SPB_NDEATH && m->qos == 1 && !m->retain);
    CHECK_HEX(pt_slice_of(m->bytes, m->len), "120b0a05626453657120045800");
    CHECK(rig_next(r) == NULL);
    CHECK(r->disconnects == 1 && !r->last_again && !r->last_with_will);
    edge_node_lost(r->node, false);
    CHECK_INT(edge_node_state(r->node), EDGE_STOPPED);
    CHECK_STATUS(edge_node_prepare(r->node, &r->connect), PT_ESTATE);
    rig_fini(r);
}

static void without_storage_for_the_bdseq_there_is_no_connect(void)
{
    open_rig();
    r->store_answer = PT_ENOSPC;
    rig_start(r);
    CHECK_STATUS(edge_node_prepare(r->node, &r->connect), PT_ENOSPC);
    r->store_answer = PT_OK;
    CHECK_OK(edge_node_prepare(r->node, &r->connect));
    CHECK_HEX(r->connect.will_payload, "120b0a05626453657120045800");
    rig_fini(r);
}

static void the_primary_hosts_state_opens_and_ends_the_session(void)
{
    open_rig();
    r->options.primary_host = "scada";
    rig_start(r);
    rig_connect(r);
    CHECK_STR(pt_cstr(r->connect.filters[3]), "spBv1.0/STATE/scada");
    CHECK_INT(edge_node_state(r->node), EDGE_WAIT_HOST);
    rig_state(r, "other", true, 5);
    edge_node_receive(r->node, PT_LIT("spBv1.0/STATE/scada"), PT_LIT("{\"online\":\"true\",\"timestamp\":5}"), true);
    edge_node_receive(r->node, PT_LIT("spBv1.0/STATE/scada"), PT_LIT(""), true);
    edge_node_receive(r->node, PT_LIT("STATE/scada"), PT_LIT("ONLINE"), true);
    edge_node_poll(r->node);
    CHECK(rig_next(r) == NULL);
    rig_state(r, "scada", true, 5);
    CHECK_INT(rig_next(r)->verb, SPB_NBIRTH);
    rig_state(r, "other", false, 6);
    CHECK(rig_next(r) == NULL);
    rig_state(r, "scada", false, 5);
    CHECK_INT(rig_next(r)->verb, SPB_NDEATH);
    CHECK(r->disconnects == 1 && r->last_again);
    rig_fini(r);
}

static void a_full_ring_drops_the_oldest_and_counts_it(void)
{
    open_rig();
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    for (int i = 0; i < 1000; i++) {
        rig_set(r, r->count, rig_i64(i));
        pt_fake_clock_advance(&r->clock, 1);
    }
    edge_node_stats s;
    edge_node_stats_get(r->node, &s);
    CHECK(s.dropped_ring > 0);
    uint64_t dropped = s.dropped_ring;
    rig_connect(r);
    while (edge_node_poll(r->node) < 1000) {}
    uint64_t historical = 0, last = 0;
    for (const rig_message *m; (m = rig_next(r));) {
        if (m->verb != SPB_DDATA) continue;
        const spb_payload *p = rig_decode(r, m);
        for (uint32_t i = 0; i < p->n_metrics; i++) {
            CHECK((p->metrics[i].flags & SPB_IS_HISTORICAL) != 0);
            last = p->metrics[i].value.u64;
            historical++;
        }
    }
    CHECK_INT(historical + dropped, 999); /* the last one was in the birth */
    CHECK_INT(last, 998);
    rig_fini(r);
}

static void a_new_model_takes_over_values_with_births_and_no_reconnect(void)
{
    open_rig();
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    rig_connect(r);
    rig_set(r, r->temp, rig_f64(42));
    edge_node_poll(r->node);
    rig_skip(r);
    void *first = r->model_memory;
    edge_model *before = r->model, *old = NULL;
    edge_model *m = rig_model(r, NULL);
    uint32_t d, x;
    CHECK_OK(edge_model_device(m, "filler", &d, NULL));
    CHECK_OK(edge_model_metric(m, d, &(edge_metric_def){ .name = "Temp", .type = SPB_DOUBLE }, &x, NULL));
    CHECK_OK(edge_model_metric(m, d, &(edge_metric_def){ .name = "New", .type = SPB_INT8 }, &x, NULL));
    CHECK_STATUS(edge_node_replace_model(r->node, m, &old), PT_ESTATE);
    CHECK_OK(edge_model_seal(m, NULL, NULL));
    CHECK_OK(edge_node_replace_model(r->node, m, &old));
    CHECK(old == before);
    free(first);
    CHECK_INT(rig_next(r)->verb, SPB_NBIRTH);
    const spb_payload *p = rig_decode(r, rig_next(r));
    CHECK(rig_metric(p, "Temp")->value.f64 == 42 && (rig_metric(p, "New")->flags & SPB_IS_NULL) && !rig_metric(p, "Count"));
    CHECK_INT(r->disconnects, 0);
    rig_fini(r);
}

/* A node with one Double metric `x`, online; what was published of it since, oldest first. */
static uint32_t one_metric(const edge_metric_def *def)
{
    uint32_t x;
    open_rig();
    edge_model *m = rig_model(r, NULL);
    CHECK_OK_FATAL(edge_model_device(m, "d", &r->device, NULL));
    CHECK_OK_FATAL(edge_model_metric(m, r->device, def, &x, NULL));
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    return x;
}

typedef struct point {
    int64_t ms;
    double value;
} point;

static size_t published(point *out, size_t cap)
{
    size_t n = 0;
    for (const rig_message *m; (m = rig_next(r));) {
        if (m->verb != SPB_DDATA) continue;
        const spb_payload *p = rig_decode(r, m);
        for (uint32_t i = 0; i < p->n_metrics && n < cap; i++)
            out[n++] = (point){ (int64_t)p->metrics[i].timestamp, p->metrics[i].value.f64 };
    }
    return n;
}

static void put(uint32_t metric, int64_t ms, double value)
{
    edge_sample s = { .metric = metric, .timestamp_ms = ms, .value = rig_f64(value) };
    CHECK_OK(edge_node_set(r->node, &s));
    edge_node_poll(r->node);
}

static void an_exception_brings_the_value_before_it_along(void)
{
    static const point in[] = { { 1000, 10 }, { 1100, 10.5 }, { 1200, 10.9 }, { 1300, 15 },
                                { 1350, 20 }, { 1400, 15.5 }, { 2300, 15.3 }, { 2400, 18 } };
    static const point want[] = {
        { 1200, 10.9 }, { 1300, 15 }, { 2300, 15.3 }, { 2400, 18 }
    }; /* 1350 comes within exc_min; 2300 is due by exc_max; nothing stood between it and 2400 */
    uint32_t x = one_metric(
        &(edge_metric_def){ .name = "x", .type = SPB_DOUBLE, .filter = { .exc_dev = 1, .exc_min_ms = 100, .exc_max_ms = 1000 } });
    put(x, in[0].ms, in[0].value);
    rig_connect(r);
    rig_skip(r); /* the births have the first one */
    point out[8];
    for (size_t i = 1; i < PT_COUNT_OF(in); i++)
        put(x, in[i].ms, in[i].value);
    size_t n = published(out, PT_COUNT_OF(out));
    CHECK_INT(n, PT_COUNT_OF(want));
    for (size_t i = 0; i < n && i < PT_COUNT_OF(want); i++)
        CHECK(out[i].ms == want[i].ms && out[i].value == want[i].value);
    rig_fini(r);
}

static void straight_lines_between_exceptions_stay_near_what_was_read(void)
{
    enum { N = 3000 };
    static point in[N], out[N];
    const double dev = 0.5;
    pt_random random = pt_random_seed(5);
    uint32_t x = one_metric(&(edge_metric_def){ .name = "x", .type = SPB_DOUBLE, .filter = { .exc_dev = dev } });
    rig_connect(r);
    rig_skip(r);
    double v = 0;
    for (int i = 0; i < N; i++) {
        v += (pt_random_unit(&random) - 0.5) * (i % 500 > 450 ? 3 : 0.2); /* calm, with wild stretches */
        in[i] = (point){ 1700000000000 + i * 10, v };
        put(x, in[i].ms, v);
    }
    size_t n = published(out, N), at = 0;
    CHECK(n > 10 && n < N / 2);
    for (int i = 0; i < N && in[i].ms <= out[n - 1].ms; i++) { /* the band is around the last exception: line and reading both lie in it */
        while (at + 1 < n && out[at + 1].ms <= in[i].ms)
            at++;
        double line = out[at].value;
        if (at + 1 < n) line += (out[at + 1].value - line) * (double)(in[i].ms - out[at].ms) / (double)(out[at + 1].ms - out[at].ms);
        if (line - in[i].value > 2 * dev || in[i].value - line > 2 * dev) CHECK_INT(i, -1);
    }
    rig_fini(r);
}

static void every_value_goes_out_where_that_is_asked_for(void)
{
    uint32_t x = one_metric(&(edge_metric_def){ .name = "x", .type = SPB_DOUBLE, .on_value_only = true });
    point out[8];
    rig_connect(r);
    rig_skip(r);
    for (int i = 0; i < 5; i++)
        put(x, 1000 + i, 7);
    CHECK_INT(published(out, PT_COUNT_OF(out)), 5);
    rig_fini(r);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(the_will_is_the_ndeath_of_this_session),
        PT_TEST(two_nodes_in_one_process_may_have_devices_of_one_name),
        PT_TEST(seq_counts_every_message_and_wraps),
        PT_TEST(a_message_that_was_not_taken_uses_no_number_and_loses_nothing),
        PT_TEST(births_that_stop_half_way_begin_again_from_the_nbirth),
        PT_TEST(devices_come_and_go_with_their_plc),
        PT_TEST(a_stop_ends_with_ddeath_ndeath_disconnect),
        PT_TEST(without_storage_for_the_bdseq_there_is_no_connect),
        PT_TEST(the_primary_hosts_state_opens_and_ends_the_session),
        PT_TEST(an_exception_brings_the_value_before_it_along),
        PT_TEST(straight_lines_between_exceptions_stay_near_what_was_read),
        PT_TEST(every_value_goes_out_where_that_is_asked_for),
        PT_TEST(a_full_ring_drops_the_oldest_and_counts_it),
        PT_TEST(a_new_model_takes_over_values_with_births_and_no_reconnect),
    };
    return pt_test_main("edge-node/node", tests, PT_COUNT_OF(tests), argc, argv);
}
