/* tests/bench/plant.c */
#include "tests/bench/plant.h"

#include <stdio.h>
#include <stdlib.h>

struct bench_plant_node {
    uint8_t seq, bd_seq;
    uint32_t next;   /* metric of the next message */
    int64_t time_ms; /* of the newest message */
};

pt_status bench_plant_init(bench_plant *p, uint64_t seed, uint32_t nodes, uint32_t metrics, int64_t start_ms, int64_t period_ms)
{
    *p = (bench_plant){ .nodes = nodes, .metrics = metrics, .last_ms = start_ms };
    pt_arena_init(&p->arena, 64u << 20);
    pt_buf_init(&p->payload, 64u << 20);
    pt_status st = gen_mixed_init(&p->values, seed, nodes * metrics, start_ms, period_ms);
    if (st) return st;
    if (!(p->list = calloc(nodes, sizeof *p->list))) return PT_ENOMEM;
    for (uint32_t i = 0; i < nodes; i++)
        p->list[i].time_ms = start_ms - 20; /* births come before every sample */
    return PT_OK;
}

void bench_plant_fini(bench_plant *p)
{
    free(p->list);
    gen_mixed_fini(&p->values);
    pt_arena_fini(&p->arena);
    pt_buf_fini(&p->payload);
}

static void packet(pt_buf *out, const char *topic, size_t topic_len, pt_slice payload)
{
    size_t left = 2 + topic_len + payload.len;
    pt_buf_char(out, 0x30);
    do {
        pt_buf_char(out, (char)((left & 127) | (left > 127 ? 128 : 0)));
        left >>= 7;
    } while (left);
    pt_buf_char(out, (char)(topic_len >> 8));
    pt_buf_char(out, (char)topic_len);
    pt_buf_add(out, topic, topic_len);
    pt_buf_slice(out, payload);
}

static pt_status publish(bench_plant *p, const char *verb, uint32_t node, const spb_payload *m, pt_buf *out)
{
    char topic[64];
    int n = snprintf(topic, sizeof topic, "spBv1.0/bench/%s/n%05u", verb, node);
    pt_buf_reset(&p->payload);
    pt_status st = spb_payload_encode(m, &p->payload);
    if (st) return st;
    packet(out, topic, (size_t)n, pt_buf_view(&p->payload));
    return pt_buf_status(out);
}

static void set_value(spb_metric *m, const hist_sample *s)
{
    m->datatype = s->type;
    m->flags |= SPB_HAS_DATATYPE;
    if (s->type == SPB_DOUBLE) {
        m->wire = SPB_WIRE_DOUBLE;
        m->value.f64 = s->as.f64;
    } else if (s->type == SPB_INT64) {
        m->wire = SPB_WIRE_LONG;
        m->value.u64 = s->as.u64;
    } else {
        m->wire = SPB_WIRE_BOOL;
        m->value.boolean = s->as.boolean;
    }
}

static spb_metric bd_seq_metric(const bench_plant_node *n, int64_t time_ms)
{
    return (spb_metric){ .name = PT_LIT("bdSeq"),
                         .timestamp = (uint64_t)time_ms,
                         .datatype = SPB_INT64,
                         .wire = SPB_WIRE_LONG,
                         .flags = SPB_HAS_NAME | SPB_HAS_TIMESTAMP | SPB_HAS_DATATYPE,
                         .value.u64 = n->bd_seq };
}

static pt_status birth(bench_plant *p, uint32_t node, pt_buf *out)
{
    bench_plant_node *n = &p->list[node];
    pt_arena_reset(&p->arena);
    spb_metric *m = pt_arena_zalloc(&p->arena, (p->metrics + 2) * sizeof *m);
    if (!m) return PT_ENOMEM;
    n->bd_seq++;
    n->seq = 0;
    n->time_ms++;
    m[0] = bd_seq_metric(n, n->time_ms);
    m[1] = (spb_metric){ .name = PT_LIT("Node Control/Rebirth"),
                         .timestamp = (uint64_t)n->time_ms,
                         .datatype = SPB_BOOLEAN,
                         .wire = SPB_WIRE_BOOL,
                         .flags = SPB_HAS_NAME | SPB_HAS_TIMESTAMP | SPB_HAS_DATATYPE };
    for (uint32_t i = 0; i < p->metrics; i++) {
        spb_metric *x = &m[i + 2];
        hist_sample s = { .type = (uint8_t)gen_mixed_type(node * p->metrics + i + 1) };
        char name[32];
        int len = snprintf(name, sizeof name, "Unit %u/Value %u", i / 10, i);
        *x = (spb_metric){ .name = pt_arena_dup(&p->arena, pt_slice_of(name, (size_t)len)),
                           .alias = i + 1,
                           .timestamp = (uint64_t)n->time_ms,
                           .flags = SPB_HAS_NAME | SPB_HAS_ALIAS | SPB_HAS_TIMESTAMP };
        if (!x->name.ptr) return PT_ENOMEM;
        set_value(x, &s);
    }
    spb_payload out_payload = {
        .timestamp = (uint64_t)n->time_ms, .has_timestamp = true, .seq = n->seq, .has_seq = true, .metrics = m, .n_metrics = p->metrics + 2
    };
    return publish(p, "NBIRTH", node, &out_payload, out);
}

pt_status bench_plant_births(bench_plant *p, pt_buf *out)
{
    pt_status st = PT_OK;
    for (uint32_t i = 0; !st && i < p->nodes; i++)
        st = birth(p, i, out);
    return st;
}

pt_status bench_plant_deaths(bench_plant *p, pt_buf *out)
{
    pt_status st = PT_OK;
    for (uint32_t i = 0; !st && i < p->nodes; i++) {
        spb_metric m = bd_seq_metric(&p->list[i], p->list[i].time_ms);
        spb_payload death = { .timestamp = (uint64_t)p->list[i].time_ms, .has_timestamp = true, .metrics = &m, .n_metrics = 1 };
        st = publish(p, "NDEATH", i, &death, out);
    }
    return st;
}

pt_status bench_plant_data(bench_plant *p, uint64_t count, uint32_t per_message, pt_buf *out)
{
    pt_status st = PT_OK;
    for (uint64_t k = 0; !st && k < count; k++) {
        uint32_t node = (uint32_t)(p->messages++ % p->nodes);
        bench_plant_node *n = &p->list[node];
        pt_arena_reset(&p->arena);
        spb_metric *m = pt_arena_zalloc(&p->arena, per_message * sizeof *m);
        if (!m) return PT_ENOMEM;
        int64_t newest = 0;
        for (uint32_t i = 0; i < per_message; i++) {
            hist_sample s;
            uint32_t metric = n->next++ % p->metrics;
            gen_mixed_next(&p->values, node * p->metrics + metric + 1, &s);
            m[i].alias = metric + 1;
            m[i].timestamp = (uint64_t)s.time_ms;
            m[i].flags = SPB_HAS_ALIAS | SPB_HAS_TIMESTAMP;
            set_value(&m[i], &s);
            if (s.time_ms > newest) newest = s.time_ms;
        }
        if (newest > n->time_ms) n->time_ms = newest;
        if (newest > p->last_ms) p->last_ms = newest;
        spb_payload data = { .timestamp = (uint64_t)n->time_ms,
                             .has_timestamp = true,
                             .seq = ++n->seq,
                             .has_seq = true,
                             .metrics = m,
                             .n_metrics = per_message };
        st = publish(p, "NDATA", node, &data, out);
    }
    return st;
}

bool bench_packet_next(pt_slice packets, size_t *at, pt_slice *topic, pt_slice *payload)
{
    const unsigned char *p = (const unsigned char *)packets.ptr + *at;
    size_t left = 0, i = 1;
    if (*at >= packets.len) return false;
    for (unsigned shift = 0;; shift += 7, i++) {
        left |= (size_t)(p[i] & 127) << shift;
        if (p[i] < 128) break;
    }
    i++;
    size_t n = (size_t)p[i] << 8 | p[i + 1];
    *topic = pt_slice_of(p + i + 2, n);
    *payload = pt_slice_of(p + i + 2 + n, left - 2 - n);
    *at += i + left;
    return true;
}
