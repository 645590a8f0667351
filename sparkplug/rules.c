/* sparkplug/rules.c -- rules of messages, sessions and metrics. Content of metrics: rules_value.c. */
#include "sparkplug/rules_internal.h"
#include "sparkplug/sequence.h"
#include "base/utf8.h"

#include <stdlib.h>

enum { MEMORY = 64 << 20, KEY_MAX_BYTES = 1 << 20 };
#define MS_2000 UINT64_C(946684800000)
#define MS_2200 UINT64_C(7258118400000)

/* The ids that differ by message type. */
static const struct {
    const char *timestamp, *seq, *increment, *delivery;
} ids[SPB_VERB_COUNT] = {
    [SPB_NBIRTH] = { "tck-id-topics-nbirth-timestamp tck-id-payloads-nbirth-timestamp",
                     "tck-id-payloads-sequence-num-always-included tck-id-payloads-sequence-num-req-nbirth "
                     "tck-id-payloads-nbirth-seq "
                     "tck-id-message-flow-edge-node-birth-publish-nbirth-payload-seq",
                     "tck-id-topics-nbirth-seq-num",
                     "tck-id-topics-nbirth-mqtt tck-id-payloads-nbirth-qos tck-id-payloads-nbirth-retain "
                     "tck-id-message-flow-edge-node-birth-publish-nbirth-qos "
                     "tck-id-message-flow-edge-node-birth-publish-nbirth-retained" },
    [SPB_DBIRTH] = { "tck-id-topics-dbirth-timestamp tck-id-payloads-dbirth-timestamp",
                     "tck-id-payloads-sequence-num-always-included tck-id-topics-dbirth-seq tck-id-payloads-dbirth-seq",
                     "tck-id-payloads-sequence-num-incrementing tck-id-topics-dbirth-seq tck-id-payloads-dbirth-seq-inc "
                     "tck-id-message-flow-device-birth-publish-dbirth-payload-seq",
                     "tck-id-topics-dbirth-mqtt tck-id-payloads-dbirth-qos tck-id-payloads-dbirth-retain "
                     "tck-id-message-flow-device-birth-publish-dbirth-qos "
                     "tck-id-message-flow-device-birth-publish-dbirth-retained" },
    [SPB_NDATA] = { "tck-id-topics-ndata-timestamp tck-id-payloads-ndata-timestamp",
                    "tck-id-payloads-sequence-num-always-included tck-id-topics-ndata-seq-num tck-id-payloads-ndata-seq",
                    "tck-id-payloads-sequence-num-incrementing tck-id-topics-ndata-seq-num tck-id-payloads-ndata-seq-inc",
                    "tck-id-topics-ndata-mqtt tck-id-payloads-ndata-qos tck-id-payloads-ndata-retain" },
    [SPB_DDATA] = { "tck-id-topics-ddata-timestamp tck-id-payloads-ddata-timestamp",
                    "tck-id-payloads-sequence-num-always-included tck-id-topics-ddata-seq-num tck-id-payloads-ddata-seq",
                    "tck-id-payloads-sequence-num-incrementing tck-id-topics-ddata-seq-num tck-id-payloads-ddata-seq-inc",
                    "tck-id-topics-ddata-mqtt tck-id-payloads-ddata-qos tck-id-payloads-ddata-retain" },
    [SPB_DDEATH] = { "tck-id-payloads-ddeath-timestamp",
                     "tck-id-payloads-sequence-num-always-included tck-id-topics-ddeath-seq-num tck-id-payloads-ddeath-seq "
                     "tck-id-payloads-ddeath-seq-number",
                     "tck-id-payloads-sequence-num-incrementing tck-id-topics-ddeath-seq-num tck-id-payloads-ddeath-seq-inc",
                     "tck-id-topics-ddeath-mqtt" },
    [SPB_NCMD] = { "tck-id-topics-ncmd-timestamp", NULL, NULL, "tck-id-topics-ncmd-mqtt" },
    [SPB_DCMD] = { "tck-id-topics-dcmd-timestamp", NULL, NULL, "tck-id-topics-dcmd-mqtt" },
};

static void tell(spb__check *c, const char *rule, const char *text, bool advice)
{
    const spb_finding f = { rule, text, advice, c->metric ? c->metric->name : PT_NONE, c->metric ? c->index : 0, c->metric != NULL };
    c->findings++;
    if (c->report) c->report(c->ctx, &f);
}

void spb__broken(spb__check *c, const char *rule, const char *text)
{
    tell(c, rule, text, false);
}

void spb__advise(spb__check *c, const char *rule, const char *text)
{
    tell(c, rule, text, true);
}

pt_slice spb__pair(spb_rules *r, pt_slice a, pt_slice b)
{
    pt_buf_reset(&r->key);
    pt_buf_slice(&r->key, a);
    pt_buf_char(&r->key, '\0');
    pt_buf_slice(&r->key, b);
    return pt_buf_view(&r->key); /* too long for the buffer: empty, which no metric is */
}

pt_status spb_rules_new(spb_rules **out)
{
    spb_rules *r = calloc(1, sizeof *r);
    if (!r) return PT_ENOMEM;
    pt_arena_init(&r->arena, MEMORY);
    pt_map_init(&r->metrics, PT_MAP_COPY_KEYS);
    pt_map_init(&r->aliases, PT_MAP_U64_KEYS);
    pt_map_init(&r->devices, PT_MAP_COPY_KEYS);
    pt_map_init(&r->definitions, PT_MAP_COPY_KEYS);
    pt_map_init(&r->members, PT_MAP_COPY_KEYS);
    pt_map_init(&r->scratch, PT_MAP_COPY_KEYS);
    pt_buf_init(&r->key, KEY_MAX_BYTES);
    *out = r;
    return PT_OK;
}

static void forget(spb_rules *r)
{
    pt_map_reset(&r->metrics);
    pt_map_reset(&r->aliases);
    pt_map_reset(&r->devices);
    pt_map_reset(&r->definitions);
    pt_map_reset(&r->members);
    pt_arena_reset(&r->arena);
}

void spb_rules_free(spb_rules *r)
{
    if (!r) return;
    pt_map_fini(&r->metrics);
    pt_map_fini(&r->aliases);
    pt_map_fini(&r->devices);
    pt_map_fini(&r->definitions);
    pt_map_fini(&r->members);
    pt_map_fini(&r->scratch);
    pt_arena_fini(&r->arena);
    pt_buf_fini(&r->key);
    free(r);
}

/* ---- bdSeq ---- */

static const spb_metric *find(const spb_payload *p, const char *name)
{
    for (uint32_t i = 0; i < p->n_metrics; i++) {
        if (pt_slice_eq_cstr(p->metrics[i].name, name)) return &p->metrics[i];
    }
    return NULL;
}

/* 0..255, an Int64 in long_value. */
static bool bd_seq_of(const spb_metric *m, uint64_t *out)
{
    if (!m || m->datatype != SPB_INT64 || m->wire != SPB_WIRE_LONG || m->value.u64 > 255) return false;
    *out = m->value.u64;
    return true;
}

size_t spb_rules_connect(spb_rules *r, const spb_payload *will, spb_delivery delivery, spb_finding_fn report, void *ctx)
{
    spb__check c = { .r = r, .report = report, .ctx = ctx, .verb = SPB_NDEATH };
    uint64_t bd_seq;
    if (delivery.known && delivery.qos != 1)
        spb__broken(&c, "tck-id-message-flow-edge-node-birth-publish-will-message-qos tck-id-payloads-ndeath-will-message-qos",
                    "the Will's QoS is not 1");
    if (delivery.known && delivery.retain)
        spb__broken(&c,
                    "tck-id-message-flow-edge-node-birth-publish-will-message-will-retained "
                    "tck-id-payloads-ndeath-will-message-retain",
                    "the Will is retained");
    if (will->n_metrics != 1) spb__broken(&c, "tck-id-topics-ndeath-payload", "the Will has not exactly one metric");
    if (will->has_seq) spb__broken(&c, "tck-id-topics-ndeath-seq tck-id-payloads-ndeath-seq", "the Will has a sequence number");
    if (!bd_seq_of(find(will, "bdSeq"), &bd_seq)) {
        spb__broken(&c, "tck-id-message-flow-edge-node-birth-publish-will-message-payload-bdSeq",
                    "the Will has no bdSeq of type Int64 within 0 to 255");
        r->has_bd_seq = false;
    } else {
        if (r->has_will && bd_seq != (r->bd_seq + 1) % 256)
            spb__broken(&c,
                        "tck-id-message-flow-edge-node-birth-publish-will-message-payload-bdSeq "
                        "tck-id-topics-nbirth-bdseq-increment",
                        "bdSeq is not one more than at the CONNECT before");
        r->bd_seq = bd_seq;
        r->has_bd_seq = true;
    }
    r->has_will = r->has_bd_seq;
    r->born = r->data_seen = false;
    forget(r);
    return c.findings;
}

/* ---- the message as a whole ---- */

static void check_time(spb__check *c, uint64_t ms, const char *rule)
{
    if (ms < MS_2000 || ms > MS_2200) spb__broken(c, rule, "the timestamp cannot be milliseconds since 1970 in UTC");
}

static void check_seq(spb__check *c, const spb_payload *p)
{
    spb_rules *r = c->r;
    if (c->verb == SPB_NDEATH || spb__is_command(c->verb)) {
        if (p->has_seq && c->verb == SPB_NDEATH)
            spb__broken(c, "tck-id-topics-ndeath-seq tck-id-payloads-ndeath-seq", "NDEATH has a sequence number");
        return;
    }
    if (!p->has_seq || p->seq > 255) {
        spb__broken(c, ids[c->verb].seq, p->has_seq ? "the sequence number is above 255" : "the sequence number is missing");
        return;
    }
    if (c->verb == SPB_NBIRTH ? p->seq != 0 : r->born && !r->any_seq && p->seq != r->next_seq)
        spb__broken(c, ids[c->verb].increment,
                    c->verb == SPB_NBIRTH ? "the NBIRTH's sequence number is not 0" : "the sequence number is not one more than the last");
    r->any_seq = false;
    r->next_seq = spb_seq_next((uint8_t)p->seq);
}

static void check_ndeath(spb__check *c, const spb_payload *p)
{
    uint64_t bd_seq;
    if (p->n_metrics != 1) spb__broken(c, "tck-id-topics-ndeath-payload", "NDEATH has not exactly one metric");
    if (!bd_seq_of(find(p, "bdSeq"), &bd_seq))
        spb__broken(c, "tck-id-topics-ndeath-payload tck-id-payloads-ndeath-bdseq", "NDEATH has no bdSeq of type Int64 within 0 to 255");
    else if (c->r->has_bd_seq && bd_seq != c->r->bd_seq)
        spb__broken(c, "tck-id-payloads-ndeath-bdseq", "NDEATH's bdSeq is not that of the session");
    c->r->born = false;
    forget(c->r);
}

static void check_nbirth(spb__check *c, const spb_payload *p)
{
    spb_rules *r = c->r;
    uint64_t bd_seq = 0;
    const spb_metric *rebirth = find(p, "Node Control/Rebirth");
    if (!bd_seq_of(find(p, "bdSeq"), &bd_seq))
        spb__broken(c,
                    "tck-id-topics-nbirth-bdseq-included tck-id-payloads-nbirth-bdseq "
                    "tck-id-message-flow-edge-node-birth-publish-nbirth-payload-bdSeq",
                    "NBIRTH has no bdSeq of type Int64 within 0 to 255");
    else if (r->has_bd_seq && bd_seq != r->bd_seq)
        spb__broken(c,
                    "tck-id-topics-nbirth-bdseq-matching tck-id-payloads-nbirth-bdseq-repeat "
                    "tck-id-message-flow-edge-node-birth-publish-nbirth-payload-bdSeq "
                    "tck-id-operational-behavior-data-commands-rebirth-action-3",
                    "bdSeq is not the Will's");
    else {
        r->bd_seq = bd_seq;
        r->has_bd_seq = true;
    }
    if (!rebirth) {
        spb__broken(c,
                    "tck-id-topics-nbirth-rebirth-metric tck-id-payloads-nbirth-rebirth-req "
                    "tck-id-operational-behavior-data-commands-rebirth-name",
                    "NBIRTH has no Node Control/Rebirth");
    } else {
        c->metric = rebirth;
        c->index = (uint32_t)(rebirth - p->metrics);
        if (rebirth->flags & SPB_HAS_ALIAS)
            spb__broken(c, "tck-id-operational-behavior-data-commands-rebirth-name-aliases", "Node Control/Rebirth has an alias");
        if (rebirth->datatype != SPB_BOOLEAN)
            spb__broken(c, "tck-id-topics-nbirth-rebirth-metric tck-id-operational-behavior-data-commands-rebirth-datatype",
                        "Node Control/Rebirth is not a Boolean");
        if (rebirth->wire != SPB_WIRE_BOOL || rebirth->value.boolean)
            spb__broken(c,
                        "tck-id-topics-nbirth-rebirth-metric tck-id-payloads-nbirth-rebirth-req "
                        "tck-id-operational-behavior-data-commands-rebirth-value",
                        "Node Control/Rebirth is not false");
        c->metric = NULL;
    }
    forget(r);
    for (uint32_t i = 0; i < p->n_metrics; i++)
        spb__learn_definition(r, &p->metrics[i]);
    r->born = true;
    r->data_seen = false;
}

static void forget_device(spb_rules *r, pt_slice device)
{
    size_t it = 0;
    pt_slice key;
    uint64_t number, value;
    while (pt_map_each(&r->metrics, &it, &key, &number, &value)) {
        if (pt_slice_eq(((const spb__known *)(uintptr_t)value)->device, device)) (void)pt_map_del(&r->metrics, key, NULL);
    }
    for (it = 0; pt_map_each(&r->aliases, &it, &key, &number, &value);) {
        if (pt_slice_eq(((const spb__known *)(uintptr_t)value)->device, device)) (void)pt_map_del_u64(&r->aliases, number, NULL);
    }
}

static void check_device_order(spb__check *c)
{
    spb_rules *r = c->r;
    uint64_t seen;
    if (c->verb == SPB_DBIRTH) {
        if (!r->born) spb__broken(c, "tck-id-message-flow-device-birth-publish-nbirth-wait", "DBIRTH before the NBIRTH");
        if (r->data_seen) spb__advise(c, "tck-id-payloads-dbirth-order", "DBIRTH after DATA");
        forget_device(r, c->device);
        if (pt_map_put(&r->devices, c->device, 1, NULL)) r->born = false; /* out of memory: nothing is known, nothing is judged */
    } else if (c->verb == SPB_DDATA && r->born && !pt_map_get(&r->devices, c->device, &seen)) {
        spb__broken(c, "tck-id-payloads-ddata-order tck-id-operational-behavior-data-publish-dbirth", "DDATA of a device that is not born");
    } else if (c->verb == SPB_DDEATH) {
        (void)pt_map_del(&r->devices, c->device, NULL);
        forget_device(r, c->device);
    }
    if ((c->verb == SPB_NDATA || c->verb == SPB_DDATA)) {
        if (!r->born)
            spb__broken(c, c->verb == SPB_NDATA ? "tck-id-payloads-ndata-order" : "tck-id-payloads-ddata-order", "DATA before the NBIRTH");
        r->data_seen = true;
    }
}

/* ---- metrics ---- */

static void remember(spb__check *c, const spb_metric *m)
{
    spb_rules *r = c->r;
    uint64_t other = 0;
    spb__known *k = pt_arena_zalloc(&r->arena, sizeof *k);
    if (!k) return;
    k->name = pt_arena_dup(&r->arena, m->name);
    k->device = pt_arena_dup(&r->arena, c->device);
    k->type = m->datatype;
    k->has_alias = (m->flags & SPB_HAS_ALIAS) != 0;
    if (!k->name.ptr || !k->device.ptr) return;
    if (k->has_alias) {
        if (pt_map_get_u64(&r->aliases, m->alias, &other)) {
            const spb__known *o = (const spb__known *)(uintptr_t)other;
            if (!pt_slice_eq(o->name, k->name) || !pt_slice_eq(o->device, k->device))
                spb__broken(c, "tck-id-payloads-alias-uniqueness", "the alias is another metric's of this edge node");
        } else if (pt_map_put_u64(&r->aliases, m->alias, (uint64_t)(uintptr_t)k, NULL)) {
            return;
        }
    }
    if (pt_map_put(&r->metrics, spb__pair(r, k->device, k->name), (uint64_t)(uintptr_t)k, NULL)) return;
    char *lower = pt_arena_alloc(&r->arena, m->name.len + 1);
    for (size_t i = 0; lower && i < m->name.len; i++)
        lower[i] = m->name.ptr[i] >= 'A' && m->name.ptr[i] <= 'Z' ? (char)(m->name.ptr[i] + 32) : m->name.ptr[i];
    if (lower && pt_map_get(&r->scratch, pt_slice_of(lower, m->name.len), &other) && other != pt_slice_hash(m->name, 0))
        spb__advise(c, "tck-id-case-sensitivity-metric-names", "two metric names are equal but for their case");
    if (lower) (void)(pt_map_put(&r->scratch, pt_slice_of(lower, m->name.len), pt_slice_hash(m->name, 0), NULL) == PT_OK);
}

static void check_birth_metric(spb__check *c, const spb_metric *m)
{
    bool node = c->verb == SPB_NBIRTH;
    if (!(m->flags & SPB_HAS_NAME)) {
        spb__broken(c, m->flags & SPB_HAS_ALIAS ? "tck-id-payloads-alias-birth-requirement" : "tck-id-payloads-name-requirement",
                    "a metric without a name");
        return;
    }
    if (!(m->flags & SPB_HAS_DATATYPE))
        spb__broken(c,
                    node ? "tck-id-payloads-metric-datatype-req tck-id-topics-nbirth-metrics"
                         : "tck-id-payloads-metric-datatype-req tck-id-topics-dbirth-metrics",
                    "the datatype is missing");
    bool null = m->flags & SPB_IS_NULL;
    if (null == (m->wire != SPB_WIRE_NONE))
        spb__broken(c,
                    node ? "tck-id-operational-behavior-data-publish-nbirth-values"
                         : "tck-id-operational-behavior-data-publish-dbirth-values",
                    null ? "a null metric has a value" : "neither a value nor is_null");
    remember(c, m);
}

static void check_data_metric(spb__check *c, const spb_metric *m)
{
    spb_rules *r = c->r;
    uint64_t known = 0;
    bool command = spb__is_command(c->verb);
    if (!(m->flags & (SPB_HAS_NAME | SPB_HAS_ALIAS))) {
        spb__broken(c, "tck-id-payloads-name-requirement", "a metric with neither name nor alias");
        return;
    }
    if ((m->flags & SPB_HAS_NAME) && (m->flags & SPB_HAS_ALIAS))
        spb__broken(c, "tck-id-payloads-alias-data-cmd-requirement", "a metric with an alias has a name too");
    if (m->flags & SPB_HAS_DATATYPE) spb__advise(c, "tck-id-payloads-metric-datatype-not-req", "the datatype need not be sent");
    if (!r->born || command) return;
    bool found = m->flags & SPB_HAS_ALIAS ? pt_map_get_u64(&r->aliases, m->alias, &known)
                                          : pt_map_get(&r->metrics, spb__pair(r, c->device, m->name), &known);
    if (found) found = pt_slice_eq(((const spb__known *)(uintptr_t)known)->device, c->device);
    if (!found)
        spb__broken(c,
                    c->verb == SPB_NDATA ? "tck-id-operational-behavior-data-publish-nbirth tck-id-topics-nbirth-metric-reqs"
                                         : "tck-id-operational-behavior-data-publish-dbirth tck-id-topics-dbirth-metric-reqs",
                    "a metric that was not in the birth");
}

static void check_metrics(spb__check *c, const spb_payload *p)
{
    bool timed = spb__is_birth(c->verb) || c->verb == SPB_NDATA || c->verb == SPB_DDATA;
    bool node = !spb_verb_is_device(c->verb);
    uint64_t last = 0;
    pt_map_reset(&c->r->scratch);
    for (c->index = 0; c->index < p->n_metrics; c->index++) {
        const spb_metric *m = c->metric = &p->metrics[c->index];
        if (m->flags & SPB_HAS_TIMESTAMP) check_time(c, m->timestamp, "tck-id-payloads-metric-timestamp-in-UTC");
        else if (timed) spb__broken(c, "tck-id-payloads-name-birth-data-requirement", "the timestamp is missing");
        if (timed && !(m->flags & SPB_IS_HISTORICAL) && (m->flags & SPB_HAS_TIMESTAMP)) {
            if (m->timestamp < last)
                spb__broken(c,
                            node ? "tck-id-operational-behavior-data-publish-nbirth-order"
                                 : "tck-id-operational-behavior-data-publish-dbirth-order",
                            "metrics are not in chronological order");
            else last = m->timestamp;
        }
        if ((m->flags & SPB_HAS_DATATYPE) && !spb_datatype_is_metric(m->datatype))
            spb__broken(c, "tck-id-payloads-metric-datatype-value", "not a datatype a metric can have");
        if (spb__is_birth(c->verb)) check_birth_metric(c, m);
        else check_data_metric(c, m);
        spb__check_content(c, m, 0);
    }
    c->metric = NULL;
}

size_t spb_rules_check(spb_rules *r, const spb_topic *topic, const spb_payload *p, spb_delivery delivery, spb_finding_fn report, void *ctx)
{
    spb__check c = { .r = r, .report = report, .ctx = ctx, .verb = topic->verb, .device = topic->device.ptr ? topic->device : PT_LIT("") };
    if (topic->verb == SPB_STATE) return 0;
    if (delivery.known && ids[c.verb].delivery && (delivery.qos != 0 || delivery.retain))
        spb__broken(&c, ids[c.verb].delivery, delivery.retain ? "published retained" : "not published at QoS 0");
    if (p->has_timestamp) check_time(&c, p->timestamp, "tck-id-payloads-timestamp-in-UTC");
    else if (ids[c.verb].timestamp) spb__broken(&c, ids[c.verb].timestamp, "the payload's timestamp is missing");
    check_seq(&c, p);
    if (c.verb == SPB_NDEATH) {
        check_ndeath(&c, p);
        return c.findings;
    }
    if (c.verb == SPB_NBIRTH) check_nbirth(&c, p);
    check_device_order(&c);
    check_metrics(&c, p);
    return c.findings;
}
