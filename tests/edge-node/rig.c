/* tests/edge-node/rig.c -- see rig.h */
#include "tests/edge-node/rig.h"

#include <stdio.h>
#include <stdlib.h>

static pt_status publish(void *ctx, const char *topic, pt_slice payload, int qos, bool retain)
{
    rig *r = ctx;
    if (r->publish_answer != PT_OK) return r->publish_answer;
    if (r->publish_room == 0) return PT_EFULL;
    if (r->publish_room != UINT32_MAX) r->publish_room--;
    CHECK_FATAL(r->n_sent < RIG_MESSAGES);
    rig_message *m = &r->sent[r->n_sent++];
    spb_topic t;
    CHECK_OK(spb_topic_parse(&spb_namespace_b, pt_cstr(topic), &t, NULL));
    snprintf(m->topic, sizeof m->topic, "%s", topic);
    snprintf(m->device, sizeof m->device, "%.*s", PT_SLICE_ARGS(t.device));
    m->verb = t.verb;
    m->bytes = malloc(payload.len + 1);
    CHECK_FATAL(m->bytes != NULL);
    memcpy(m->bytes, payload.ptr, payload.len);
    m->len = payload.len;
    m->qos = qos;
    m->retain = retain;
    return PT_OK;
}

static void disconnect(void *ctx, bool again, bool with_will)
{
    rig *r = ctx;
    r->disconnects++;
    r->last_again = again;
    r->last_with_will = with_will;
}

static pt_status load(void *ctx, uint8_t *next)
{
    const rig *r = ctx;
    if (!r->has_stored) return PT_ENOTFOUND;
    *next = r->stored;
    return PT_OK;
}

static pt_status store(void *ctx, uint8_t next)
{
    rig *r = ctx;
    r->stores++;
    if (r->store_answer != PT_OK) return r->store_answer;
    r->stored = next;
    r->has_stored = true;
    return PT_OK;
}

static pt_status append(void *ctx, pt_slice batch, uint32_t samples, int64_t first_ms, int64_t last_ms, bool delivered)
{
    rig *r = ctx;
    CHECK(first_ms <= last_ms);
    if (r->journal_answer != PT_OK) return r->journal_answer;
    CHECK_FATAL(r->n_batches < PT_COUNT_OF(r->batches));
    rig_batch *b = &r->batches[r->n_batches++];
    b->bytes = pt_slice_dup(batch);
    b->len = batch.len;
    b->samples = samples;
    b->delivered = delivered;
    return PT_OK;
}

static void backfill(void *ctx, int64_t from_ms)
{
    ((rig *)ctx)->backfill_from = from_ms;
}

static void lost(void *ctx)
{
    ((rig *)ctx)->losts++;
}

static void command(void *ctx, const edge_command *c)
{
    rig *r = ctx;
    r->command = *c;
    r->command_value = *c->value;
    if (spb_datatype_class(c->value->type) == SPB_CLASS_STRING) {
        snprintf(r->command_text, sizeof r->command_text, "%.*s", PT_SLICE_ARGS(c->value->as.bytes));
        r->command_value.as.bytes = pt_cstr(r->command_text);
    }
    r->commands++;
}

void rig_init(rig *r)
{
    memset(r, 0, sizeof *r);
    pt_fake_clock_init(&r->clock, 1700000000000);
    pt_fake_clock_advance(&r->clock, 1000000);
    pt_arena_init(&r->arena, 64u << 20);
    r->publish_room = UINT32_MAX;
    r->backfill_from = -1;
    r->options = (edge_node_options){ .group = "G",
                                      .node = "E",
                                      .clock = &r->clock.clock,
                                      .transport = { r, publish, disconnect },
                                      .storage = { r, load, store },
                                      .command = command,
                                      .command_ctx = r };
    r->options.session.servers = 1;
}

edge_model *rig_model(rig *r, const edge_model_limits *limits)
{
    size_t size = 8u << 20;
    r->model_memory = malloc(size);
    CHECK_FATAL(r->model_memory != NULL);
    pt_error err;
    edge_model *m = NULL;
    CHECK_OK_FATAL(edge_model_init(r->model_memory, size, limits, &m, &err));
    r->model = m;
    return m;
}

void rig_usual_model(rig *r)
{
    edge_model *m = rig_model(r, NULL);
    uint32_t uptime;
    CHECK_OK_FATAL(edge_model_device(m, "filler", &r->device, NULL));
    CHECK_OK_FATAL(edge_model_metric(m, EDGE_NODE_DEVICE, &(edge_metric_def){ .name = "Uptime", .type = SPB_INT64 }, &uptime, NULL));
    CHECK_OK_FATAL(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "Temp", .type = SPB_DOUBLE, .filter = { .deadband = 0.5 } },
                                     &r->temp, NULL));
    CHECK_OK_FATAL(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "Count", .type = SPB_INT64 }, &r->count, NULL));
    CHECK_OK_FATAL(edge_model_metric(m, r->device,
                                     &(edge_metric_def){ .name = "Name", .type = SPB_STRING, .writable = true, .capacity = 32 }, &r->name,
                                     NULL));
    CHECK_OK_FATAL(
        edge_model_metric(m, r->device, &(edge_metric_def){ .name = "Flag", .type = SPB_BOOLEAN, .writable = true }, &r->flag, NULL));
}

void rig_start(rig *r)
{
    pt_error err = { 0 };
    if (!r->model) rig_usual_model(r);
    CHECK_OK_FATAL(edge_model_seal(r->model, NULL, &err));
    size_t size = edge_node_size(&r->options);
    r->node_memory = malloc(size);
    CHECK_FATAL(r->node_memory != NULL);
    CHECK_OK_FATAL(edge_node_init(r->node_memory, size, &r->options, r->model, &r->node, &err));
    CHECK_OK_FATAL(edge_node_start(r->node, &err));
}

void rig_connect(rig *r)
{
    CHECK_OK_FATAL(edge_node_prepare(r->node, &r->connect));
    edge_node_connected(r->node);
    edge_node_ready(r->node);
}

void rig_fini(rig *r)
{
    edge_node_fini(r->node);
    free(r->node_memory);
    free(r->model_memory);
    for (size_t i = 0; i < r->n_sent; i++)
        free(r->sent[i].bytes);
    for (size_t i = 0; i < r->n_batches; i++)
        free(r->batches[i].bytes);
    pt_arena_fini(&r->arena);
}

spb_value rig_f64(double v)
{
    return (spb_value){ .type = SPB_DOUBLE, .as = { .f64 = v } };
}
spb_value rig_i64(int64_t v)
{
    return (spb_value){ .type = SPB_INT64, .as = { .i64 = v } };
}
spb_value rig_bool(bool v)
{
    return (spb_value){ .type = SPB_BOOLEAN, .as = { .boolean = v } };
}
spb_value rig_text(const char *s)
{
    return (spb_value){ .type = SPB_STRING, .as = { .bytes = pt_cstr(s) } };
}

void rig_set(rig *r, uint32_t metric, spb_value v)
{
    edge_sample s = { .metric = metric, .timestamp_ms = pt_wall_ms(&r->clock.clock), .value = v };
    CHECK_OK(edge_node_set(r->node, &s));
}

const rig_message *rig_next(rig *r)
{
    return r->cursor < r->n_sent ? &r->sent[r->cursor++] : NULL;
}

void rig_skip(rig *r)
{
    r->cursor = r->n_sent;
}

const spb_payload *rig_decode(rig *r, const rig_message *m)
{
    pt_error err = { 0 };
    CHECK_FATAL(m != NULL);
    spb_payload *p = pt_arena_zalloc(&r->arena, sizeof *p);
    CHECK_FATAL(p != NULL);
    pt_status st = spb_payload_decode(pt_slice_of(m->bytes, m->len), &spb_limits_default, &r->arena, p, &err);
    pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "%s decodes: %s", m->topic, err.text);
    return p;
}

const spb_metric *rig_metric(const spb_payload *p, const char *name)
{
    for (uint32_t i = 0; i < p->n_metrics; i++)
        if (pt_slice_eq_cstr(p->metrics[i].name, name)) return &p->metrics[i];
    return NULL;
}

const spb_metric *rig_alias(const spb_payload *p, uint64_t alias)
{
    for (uint32_t i = 0; i < p->n_metrics; i++)
        if ((p->metrics[i].flags & SPB_HAS_ALIAS) && p->metrics[i].alias == alias) return &p->metrics[i];
    return NULL;
}

uint64_t rig_alias_of(rig *r, uint32_t metric)
{
    char buf[4096];
    edge_metric_view v;
    CHECK_OK_FATAL(edge_node_view(r->node, metric, buf, sizeof buf, &v));
    return v.alias;
}

void rig_state(rig *r, const char *host, bool online, int64_t ts)
{
    char topic[128], text[128];
    snprintf(topic, sizeof topic, "spBv1.0/STATE/%s", host);
    snprintf(text, sizeof text, "{\"online\":%s,\"timestamp\":%lld}", online ? "true" : "false", (long long)ts);
    edge_node_receive(r->node, pt_cstr(topic), pt_cstr(text), true);
}

void rig_command(rig *r, const char *device, spb_metric *metrics, uint32_t n)
{
    spb_payload p = { .timestamp = 1700000000000, .has_timestamp = true, .metrics = metrics, .n_metrics = n };
    pt_buf out;
    char topic[128];
    pt_buf_init(&out, 1 << 20);
    CHECK_OK(spb_payload_encode(&p, &out));
    if (device) snprintf(topic, sizeof topic, "spBv1.0/G/DCMD/E/%s", device);
    else snprintf(topic, sizeof topic, "spBv1.0/G/NCMD/E");
    edge_node_receive(r->node, pt_cstr(topic), pt_buf_view(&out), false);
    pt_buf_fini(&out);
}

void rig_ncmd_bool(rig *r, const char *metric, bool v)
{
    spb_metric m = { .name = pt_cstr(metric), .flags = SPB_HAS_NAME, .wire = SPB_WIRE_BOOL, .value = { .boolean = v } };
    rig_command(r, NULL, &m, 1);
}
