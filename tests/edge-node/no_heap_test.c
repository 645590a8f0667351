/* After edge_node_start the core touches no heap: every allocator is wrapped by the linker and counted while a node lives a full life. */
#include "edge-node/edge.h"
#include "tests/support/check.h"

#include <stdlib.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t m);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t m);
void *__wrap_realloc(void *p, size_t n);

static bool watching;
static unsigned calls;

void *__wrap_malloc(size_t n)
{
    calls += watching;
    return __real_malloc(n);
}
void *__wrap_calloc(size_t n, size_t m)
{
    calls += watching;
    return __real_calloc(n, m);
}
void *__wrap_realloc(void *p, size_t n)
{
    calls += watching;
    return __real_realloc(p, n);
}

static unsigned published;
static pt_status publish(void *ctx, const char *topic, pt_slice payload, int qos, bool retain)
{
    (void)ctx;
    (void)qos;
    (void)retain;
    published += topic && payload.len > 0;
    return PT_OK;
}
static void disconnect(void *ctx, bool again, bool with_will)
{
    (void)ctx;
    (void)again;
    (void)with_will;
}
static pt_status load(void *ctx, uint8_t *next)
{
    (void)ctx;
    *next = 0;
    return PT_OK;
}
static pt_status store(void *ctx, uint8_t next)
{
    (void)ctx;
    (void)next;
    return PT_OK;
}

static void a_whole_life_needs_no_heap(void)
{
    static _Alignas(16) char model_memory[1 << 20], node_memory[64 << 10];
    static const edge_metric_def members[] = { { .name = "rpm", .type = SPB_INT32, .writable = true } };
    edge_model *m;
    edge_node *n;
    uint32_t d, instance, text, table;
    edge_property unit = { .key = PT_LIT("engUnit"), .value = { .type = SPB_STRING, .as = { .bytes = PT_LIT("m") } } };
    watching = true;
    CHECK_OK_FATAL(edge_model_init(model_memory, sizeof model_memory, NULL, &m, NULL));
    CHECK_OK_FATAL(edge_model_device(m, "d", &d, NULL));
    CHECK_OK_FATAL(edge_model_template(m, &(edge_template_def){ "T", NULL, members, 1, NULL, 0 }, NULL));
    CHECK_OK_FATAL(edge_model_metric(m, d, &(edge_metric_def){ .name = "M", .type = SPB_TEMPLATE, .tmpl = "T" }, &instance, NULL));
    CHECK_OK_FATAL(edge_model_metric(m, d, &(edge_metric_def){ .name = "text", .type = SPB_STRING, .properties = &unit, .n_properties = 1 },
                                     &text, NULL));
    CHECK_OK_FATAL(edge_model_metric(m, d, &(edge_metric_def){ .name = "table", .type = SPB_DATASET }, &table, NULL));
    CHECK_OK_FATAL(edge_model_seal(m, NULL, NULL));
    edge_node_options o = { .group = "G",
                            .node = "E",
                            .primary_host = "H",
                            .clock = pt_clock_system(),
                            .transport = { NULL, publish, disconnect },
                            .storage = { NULL, load, store } };
    o.session.servers = 1;
    CHECK_OK_FATAL(edge_node_init(node_memory, sizeof node_memory, &o, m, &n, NULL));
    CHECK_OK_FATAL(edge_node_start(n, NULL));
    for (int round = 0; round < 3; round++) {
        edge_connect c;
        CHECK_OK_FATAL(edge_node_prepare(n, &c));
        edge_node_connected(n);
        edge_node_ready(n);
        edge_node_receive(n, PT_LIT("spBv1.0/STATE/H"), PT_LIT("{\"online\":true,\"timestamp\":5}"), true);
        edge_node_device_online(n, d);
        for (int i = 0; i < 300; i++) {
            char bytes[16];
            edge_sample s[] = {
                { .metric = text,
                  .timestamp_ms = 1700000000000 + i,
                  .quality = i % 3 ? SPB_GOOD : SPB_BAD,
                  .value = { .type = SPB_STRING, .as = { .bytes = pt_slice_of(bytes, (size_t)(i % 16)) } } },
                { .metric = instance + 1, .timestamp_ms = 1700000000000 + i, .value = { .type = SPB_INT32, .as = { .i64 = i } } }
            };
            memset(bytes, 'a' + i % 26, sizeof bytes);
            CHECK_OK(edge_node_set_many(n, s, 2, NULL));
            if (i % 7 == 0) edge_node_poll(n);
        }
        edge_node_receive(n, PT_LIT("spBv1.0/G/NCMD/E"), PT_LIT("\x12\x1a\x0a\x14Node Control/Rebirth\x20\x0b\x70\x01"), false);
        edge_node_receive(n, PT_LIT("spBv1.0/G/DCMD/E/d"), PT_LIT("\x12\x09\x0a\x04text\x7a\x01x"), false);
        edge_node_receive(n, PT_LIT("spBv1.0/G/DCMD/E/d"), PT_LIT("nonsense"), false);
        edge_node_device_offline(n, d);
        edge_node_poll(n);
        edge_node_lost(n, false);
    }
    edge_node_stop(n);
    edge_node_fini(n);
    watching = false;
    CHECK_INT(calls, 0);
    CHECK(published > 100);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(a_whole_life_needs_no_heap) };
    return pt_test_main("edge-node/no_heap", tests, PT_COUNT_OF(tests), argc, argv);
}
