/* tests/fuzz/edge_receive_fuzz.c -- whatever arrives on an edge node's topics: no crash, no command that was not checked.
 *
 * The first byte chooses the topic; the rest is the payload. */
#include "edge-node/edge.h"

#include <stdlib.h>

static pt_status publish(void *ctx, const char *topic, pt_slice payload, int qos, bool retain)
{
    (void)ctx;
    (void)topic;
    (void)payload;
    (void)qos;
    (void)retain;
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

static edge_node *node;
static edge_model *model;

static void command(void *ctx, const edge_command *c)
{
    (void)ctx;
    char buf[4096];
    edge_metric_view v;
    if (edge_node_view(node, c->metric, buf, sizeof buf, &v) != PT_OK || !v.writable || v.value.type != c->value->type || c->value->is_null)
        abort();
    edge_sample s = { .metric = c->metric, .timestamp_ms = 1700000000000, .value = *c->value };
    if (edge_node_set(node, &s) != PT_OK) abort(); /* a command that was let through must fit */
}

static void start(void)
{
    static _Alignas(16) char model_memory[1 << 20], node_memory[64 << 10];
    static const edge_metric_def members[] = { { .name = "rpm", .type = SPB_INT32, .writable = true },
                                               { .name = "on", .type = SPB_BOOLEAN, .writable = true } };
    static const edge_metric_def outer[] = { { .name = "m", .type = SPB_TEMPLATE, .tmpl = "T" } };
    uint32_t d, x;
    pt_status st = edge_model_init(model_memory, sizeof model_memory, NULL, &model, NULL);
    if (!st) st = edge_model_device(model, "d", &d, NULL);
    if (!st) st = edge_model_template(model, &(edge_template_def){ "T", NULL, members, 2, NULL, 0 }, NULL);
    if (!st) st = edge_model_template(model, &(edge_template_def){ "U", NULL, outer, 1, NULL, 0 }, NULL);
    if (!st) st = edge_model_metric(model, d, &(edge_metric_def){ .name = "u", .type = SPB_TEMPLATE, .tmpl = "U" }, &x, NULL);
    for (uint32_t type = SPB_INT8; !st && type < SPB_DATATYPE_COUNT; type++)
        if (spb_datatype_is_metric(type) && type != SPB_TEMPLATE)
            st = edge_model_metric(model, d,
                                   &(edge_metric_def){
                                       .name = spb_datatype_name(type), .type = (spb_datatype)type, .writable = true, .capacity = 64 },
                                   &x, NULL);
    if (!st) st = edge_model_seal(model, NULL, NULL);
    edge_node_options o = { .group = "G",
                            .node = "E",
                            .primary_host = "H",
                            .clock = pt_clock_system(),
                            .transport = { NULL, publish, disconnect },
                            .storage = { NULL, load, store },
                            .command = command };
    o.session.servers = 1;
    o.session.legacy_state = true;
    if (!st) st = edge_node_init(node_memory, sizeof node_memory, &o, model, &node, NULL);
    if (!st) st = edge_node_start(node, NULL);
    if (st) abort();
    edge_node_device_online(node, d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const topics[] = { "spBv1.0/G/NCMD/E", "spBv1.0/G/DCMD/E/d", "spBv1.0/STATE/H", "STATE/H", "spBv1.0/G/NDEATH/E" };
    if (!node) start();
    if (size == 0) return 0;
    if (edge_node_state(node) != EDGE_ONLINE) {
        edge_connect c;
        edge_node_lost(node, false);
        if (edge_node_prepare(node, &c) == PT_OK) {
            edge_node_connected(node);
            edge_node_ready(node);
            edge_node_receive(node, PT_LIT("STATE/H"), PT_LIT("ONLINE"), true);
        }
    }
    edge_node_receive(node, pt_cstr(topics[data[0] % PT_COUNT_OF(topics)]), pt_slice_of(data + 1, size - 1), false);
    edge_node_poll(node);
    return 0;
}
