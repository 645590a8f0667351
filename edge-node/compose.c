/* edge-node/compose.c -- births, data, deaths and history as payloads: the one birth composer.
 *
 * A message is composed in the model's payload buffer and handed to the transport at once, under the lock, with the sequence number of that
 * moment; what it carried leaves the ring only when the transport took it. */
#include "edge-node/node.h"

#include "base/varint.h"

bool edge__hidden(const edge_node *n, uint32_t metric)
{
    const edge_model *m = n->model;
    return !n->has_journal && (metric == m->m_backfill_from || metric == m->m_backfill_pending || metric == m->m_backfill_done);
}

pt_slice edge__ndeath(char *buf, size_t cap, uint8_t bd_seq)
{
    /* exactly one metric, by name, Int64, no seq, no timestamp: tck-id-payloads-ndeath-bdseq, tck-id-payloads-ndeath-seq */
    edge__writer w;
    edge__writer_init(&w, buf, cap);
    spb_value v = { .type = SPB_INT64, .as = { .i64 = bd_seq } };
    edge__metric_pb p = { .name = PT_LIT("bdSeq") };
    edge__metric_type(&p, SPB_INT64);
    edge__metric_set(&p, &v, false);
    if (edge__writer_begin(&w, -1) != PT_OK || edge__writer_metric(&w, &p) != PT_OK) return PT_NONE;
    return edge__writer_view(&w);
}

/* A value about to be written: from a metric's current state, from the ring or from the journal. */
typedef struct item {
    uint32_t metric;
    spb_value value;
    spb_quality quality;
    int64_t ts;
} item;

typedef struct style_of {
    bool birth, historical;
    int64_t stamp_ms; /* births: timestamp of what was never set */
} style_of;

typedef struct members_ctx {
    edge_node *n;
    const style_of *style;
    uint32_t instance, depth;
    const item *items; /* DATA: what changed */
    uint32_t n_items;
} members_ctx;

static bool write_members(void *ctx, edge__template_out *out);

/* Encode instance `index` into the scratch region of its depth. Births: all members; DATA: those among `items`. */
static pt_status instance_value(edge_node *n, const style_of *style, uint32_t index, uint32_t depth, const item *items, uint32_t n_items,
                                pt_slice *out)
{
    const edge_model *m = n->model;
    const edge__metric *x = &m->metrics[index];
    const edge__tmpl *t = &m->templates[x->tmpl];
    members_ctx ctx = { n, style, index, depth, items, n_items };
    /* tck-id-payloads-template-instance-ref, -is-definition, -members-birth, -members-data */
    edge__template tv = { .version = t->version,
                          .ref = t->name,
                          .is_definition = false,
                          .uint32_long = n->o.uint32_long,
                          .parameters = x->parameters,
                          .n_parameters = style->birth ? x->n_parameters : 0,
                          .members = write_members,
                          .ctx = &ctx };
    size_t cap = m->template_bytes + 64, len = 0;
    char *buf = m->scratch + cap * depth;
    pt_status st = edge__encode_template(&tv, buf, cap, &len);
    if (st == PT_OK) *out = pt_slice_of(buf, len);
    return st;
}

/* Quality and properties; `buf` takes the set when Quality has to go in front. */
static pt_status put_properties(edge__metric_pb *p, const edge__metric *x, spb_quality q, bool birth, char *buf, size_t cap)
{
    if (q == SPB_GOOD) {
        if (birth) p->properties = x->properties;
        return PT_OK;
    }
    size_t len = 0;
    pt_slice set = birth && x->properties.len + 64 <= cap ? x->properties : PT_NONE;
    pt_status st = edge__encode_quality(q, set, buf, cap, &len);
    if (st == PT_OK) p->properties = pt_slice_of(buf, len);
    return st;
}

#define PROPERTIES_BUF 4096

static bool write_members(void *ctx, edge__template_out *out)
{
    const members_ctx *c = ctx;
    const edge_model *m = c->n->model;
    const edge__metric *inst = &m->metrics[c->instance];
    for (uint32_t i = c->instance + 1; i <= c->instance + inst->members; i++) {
        const edge__metric *x = &m->metrics[i];
        if (x->parent != c->instance) continue;
        edge__metric_pb p = { .name = x->name, .has_timestamp = true };
        spb_value v;
        pt_slice bytes = PT_NONE;
        spb_quality q = (spb_quality)x->quality;
        int64_t ts = x->ts;
        if (x->type == SPB_TEMPLATE) {
            uint32_t inside = 0;
            ts = 0;
            for (uint32_t k = 0; k < c->n_items; k++)
                if (c->items[k].metric > i && c->items[k].metric <= i + x->members) {
                    inside++;
                    if (c->items[k].ts > ts) ts = c->items[k].ts;
                }
            if (!c->style->birth && !inside) continue;
            if (instance_value(c->n, c->style, i, c->depth + 1, c->items, c->n_items, &bytes) != PT_OK) return false;
            v = (spb_value){ .type = SPB_TEMPLATE, .as = { .bytes = bytes } };
            q = SPB_GOOD;
            if (c->style->birth) ts = c->style->stamp_ms;
        } else if (c->style->birth) {
            v = edge__current(x);
            if (ts < 0) ts = c->style->stamp_ms;
        } else {
            uint32_t k = 0;
            while (k < c->n_items && c->items[k].metric != i)
                k++;
            if (k == c->n_items) continue;
            v = c->items[k].value;
            q = c->items[k].quality;
            ts = c->items[k].ts;
        }
        p.timestamp = (uint64_t)ts;
        if (c->style->birth || c->n->o.data_datatype) edge__metric_type(&p, x->type);
        char buf[PROPERTIES_BUF];
        if (put_properties(&p, x, q, c->style->birth, buf, sizeof buf) != PT_OK) return false;
        edge__metric_set(&p, &v, c->n->o.uint32_long);
        if (!edge__template_member(out, &p)) return false;
    }
    return true;
}

/* Write one metric: births name and alias, data alias or name (tck-id-payloads-alias-birth-requirement, -alias-data-cmd-requirement). */
static pt_status write_metric(edge_node *n, edge__writer *w, const style_of *style, uint32_t index, const item *items, uint32_t n_items)
{
    const edge_model *m = n->model;
    const edge__metric *x = &m->metrics[index];
    edge__metric_pb p = { .has_timestamp = true };
    bool alias = !n->o.no_aliases && !(x->flags & EDGE__NO_ALIAS);
    if (alias) {
        p.has_alias = true;
        p.alias = x->number;
    }
    if (style->birth || !alias) p.name = x->name;
    if (style->birth || n->o.data_datatype) edge__metric_type(&p, x->type);
    if (style->historical) p.has_is_historical = p.is_historical = true;
    if (x->flags & EDGE__TRANSIENT) p.has_is_transient = p.is_transient = true;
    if (style->birth) p.metadata = x->metadata;
    char buf[PROPERTIES_BUF];
    pt_status st;
    spb_value v;
    spb_quality q = SPB_GOOD;
    int64_t ts;
    if (x->type == SPB_TEMPLATE) {
        pt_slice bytes = PT_NONE;
        if ((st = instance_value(n, style, index, 0, items, n_items, &bytes)) != PT_OK) return st;
        v = (spb_value){ .type = SPB_TEMPLATE, .as = { .bytes = bytes } };
        ts = x->ts;
        for (uint32_t i = 0; i < n_items; i++)
            if (items[i].ts > ts || i == 0) ts = items[i].ts;
    } else if (n_items) {
        v = items[0].value;
        q = items[0].quality;
        ts = items[0].ts;
    } else {
        v = edge__current(x);
        q = (spb_quality)x->quality;
        ts = x->ts;
    }
    if (ts < 0) ts = style->stamp_ms;
    p.timestamp = (uint64_t)ts; /* tck-id-payloads-name-birth-data-requirement */
    if ((st = put_properties(&p, x, q, style->birth, buf, sizeof buf)) != PT_OK) return st;
    edge__metric_set(&p, &v, n->o.uint32_long);
    return edge__writer_metric(w, &p);
}

/* --- births --- */

typedef struct order_ctx {
    const edge_model *m;
    int64_t stamp_ms;
} order_ctx;

static bool older(const void *ctx, uint32_t a, uint32_t b)
{
    const order_ctx *c = ctx;
    const edge__metric *x = &c->m->metrics[a], *y = &c->m->metrics[b];
    int64_t p = x->ts < 0 ? c->stamp_ms : x->ts, q = y->ts < 0 ? c->stamp_ms : y->ts;
    return p != q ? p < q : a < b;
}

static pt_status write_birth_metrics(edge_node *n, edge__writer *w, uint32_t device, int64_t stamp_ms)
{
    edge_model *m = n->model;
    edge__device *d = &m->devices[device];
    order_ctx order = { m, stamp_ms };
    style_of st = { .birth = true, .stamp_ms = stamp_ms };
    for (uint32_t k = 0; k < d->n_metrics; k++) { /* an instance is as old as its newest member */
        edge__metric *x = &m->metrics[d->sorted[k]];
        if (x->type != SPB_TEMPLATE) continue;
        x->ts = -1;
        for (uint32_t j = d->sorted[k] + 1; j <= d->sorted[k] + x->members; j++)
            if (m->metrics[j].ts > x->ts) x->ts = m->metrics[j].ts;
    }
    edge__sort(d->sorted, d->n_metrics, older, &order); /* tck-id-operational-behavior-data-publish-nbirth-order */
    for (uint32_t k = 0; k < d->n_metrics; k++) {
        if (edge__hidden(n, d->sorted[k])) continue;
        pt_status rc = write_metric(n, w, &st, d->sorted[k], NULL, 0);
        if (rc != PT_OK) return rc;
    }
    return PT_OK;
}

/* After a birth the current values are the reported ones, and what waits in the ring is older than them. */
static void birth_is_out(edge_model *m, uint32_t device)
{
    edge__device *d = &m->devices[device];
    for (uint32_t i = 0; i < m->n_metrics; i++) {
        edge__metric *x = &m->metrics[i];
        if (x->device != device || x->type == SPB_TEMPLATE) continue;
        x->reported_bits = x->bits;
        x->reported_ts = x->birth_ts = x->ts;
        x->reported_quality = x->quality;
        x->flags = (uint16_t)(x->flags & ~(EDGE__REPORTED | EDGE__REPORTED_NULL));
        if (x->ts >= 0) x->flags |= EDGE__REPORTED;
        if (x->flags & EDGE__NULL) x->flags |= EDGE__REPORTED_NULL;
    }
    d->ring.historical = d->ring.tail;
    d->born = true;
}

static bool definition_members(void *ctx, edge__template_out *out)
{
    const members_ctx *c = ctx;
    const edge_model *m = c->n->model;
    const edge__tmpl *t = &m->templates[c->instance];
    for (uint32_t i = 0; i < t->n_members; i++) {
        const edge__tmember *x = &t->members[i];
        edge__metric_pb p = {
            .name = pt_cstr(x->def.name), .has_timestamp = true, .timestamp = (uint64_t)c->style->stamp_ms, .properties = x->properties
        };
        edge__metric_type(&p, x->def.type);
        if (x->tmpl != UINT32_MAX) { /* an instance of the inner template; its members may be empty in a definition */
            size_t cap = m->template_bytes + 64, len = 0;
            char *buf = m->scratch + cap * (c->depth + 1);
            const edge__tmpl *inner = &m->templates[x->tmpl];
            edge__template tv = { .version = inner->version, .ref = inner->name, .is_definition = false };
            if (edge__encode_template(&tv, buf, cap, &len) != PT_OK) return false;
            p.which_value = edge_pb_Payload_Metric_template_value_tag;
            p.value.template_value = pt_slice_of(buf, len);
        } else {
            spb_value none = { .type = (uint8_t)x->def.type, .is_null = true };
            edge__metric_set(&p, x->def.initial ? x->def.initial : &none, c->n->o.uint32_long);
        }
        if (!edge__template_member(out, &p)) return false;
    }
    return true;
}

static pt_status write_definitions(edge_node *n, edge__writer *w, int64_t stamp_ms)
{
    edge_model *m = n->model;
    style_of st = { .birth = true, .stamp_ms = stamp_ms };
    for (uint32_t i = 0; i < m->n_templates; i++) { /* tck-id-payloads-template-definition-nbirth, -is-definition, -ref */
        const edge__tmpl *t = &m->templates[i];
        members_ctx ctx = { n, &st, i, 0, NULL, 0 };
        edge__template tv = { .version = t->version,
                              .is_definition = true,
                              .parameters = t->parameters,
                              .n_parameters = t->n_parameters,
                              .uint32_long = n->o.uint32_long,
                              .members = definition_members,
                              .ctx = &ctx };
        size_t len = 0;
        pt_status rc = edge__encode_template(&tv, m->scratch, m->template_bytes + 64, &len);
        if (rc != PT_OK) return rc;
        edge__metric_pb p = { .name = t->name, .has_timestamp = true, .timestamp = (uint64_t)stamp_ms };
        edge__metric_type(&p, SPB_TEMPLATE);
        p.which_value = edge_pb_Payload_Metric_template_value_tag;
        p.value.template_value = pt_slice_of(m->scratch, len);
        if ((rc = edge__writer_metric(w, &p)) != PT_OK) return rc;
    }
    return PT_OK;
}

pt_status edge__send_nbirth(edge_node *n, uint8_t bd_seq, int64_t stamp_ms)
{
    edge_model *m = n->model;
    edge__writer w;
    m->metrics[m->m_bdseq].bits = bd_seq;
    int64_t first = m->created_ms < stamp_ms ? m->created_ms : stamp_ms; /* definitions go in front, so they must not be newer */
    for (uint32_t i = 0; i < m->n_metrics; i++)
        if (m->metrics[i].device == EDGE_NODE_DEVICE && m->metrics[i].ts >= 0 && m->metrics[i].ts < first) first = m->metrics[i].ts;
    edge__writer_init(&w, m->payload, m->payload_cap);
    pt_status st = edge__writer_begin(&w, stamp_ms);
    if (st == PT_OK) st = write_definitions(n, &w, first);
    if (st == PT_OK) st = write_birth_metrics(n, &w, EDGE_NODE_DEVICE, stamp_ms);
    if (st != PT_OK) return st;
    n->session.seq = 0; /* tck-id-payloads-nbirth-seq */
    if ((st = edge__publish(n, SPB_NBIRTH, EDGE_NODE_DEVICE, &w)) != PT_OK) return st;
    edge_session_nbirth_sent(&n->session);
    for (uint32_t i = 0; i < m->n_devices; i++)
        m->devices[i].born = false;
    birth_is_out(m, EDGE_NODE_DEVICE);
    return PT_OK;
}

pt_status edge__send_dbirth(edge_node *n, uint32_t device, int64_t stamp_ms)
{
    edge_model *m = n->model;
    edge__writer w;
    edge__writer_init(&w, m->payload, m->payload_cap);
    pt_status st = edge__writer_begin(&w, stamp_ms);
    if (st == PT_OK) st = write_birth_metrics(n, &w, device, stamp_ms);
    if (st == PT_OK) st = edge__publish(n, SPB_DBIRTH, device, &w);
    if (st == PT_OK) birth_is_out(m, device);
    return st;
}

pt_status edge__send_ddeath(edge_node *n, uint32_t device)
{
    edge__writer w;
    edge__writer_init(&w, n->model->payload, n->model->payload_cap);
    pt_status st = edge__writer_begin(&w, pt_wall_ms(n->o.clock)); /* tck-id-payloads-ddeath-timestamp, -seq */
    if (st == PT_OK) st = edge__publish(n, SPB_DDEATH, device, &w);
    if (st == PT_OK) n->model->devices[device].born = false;
    return st;
}

/* --- batches for the journal: number, time, quality, type and value of each sample, all of one device --- */

typedef struct batch_out {
    char *at, *end;
    uint32_t n;
    int64_t first_ms, last_ms, prev_ms;
} batch_out;

static void batch_open(batch_out *b, edge_model *m)
{
    *b = (batch_out){ .at = m->batch, .end = m->batch + m->batch_cap };
}

static void put_varint(char **at, uint64_t v)
{
    *at = (char *)pt_varint_put((uint8_t *)*at, v);
}

static bool get_varint(const char **at, const char *end, uint64_t *out)
{
    const uint8_t *behind = pt_varint_get((const uint8_t *)*at, (const uint8_t *)end, out);
    if (behind) *at = (const char *)behind;
    return behind != NULL;
}

static unsigned scalar_bytes(uint8_t type)
{
    switch (spb_datatype_class(type)) {
    case SPB_CLASS_BOOLEAN: return 1;
    case SPB_CLASS_FLOAT: return 4;
    case SPB_CLASS_DOUBLE: return 8;
    default: return spb_datatype_bits(type) / 8;
    }
}

static bool batch_add(batch_out *b, const edge__metric *x, const edge__record *rec)
{
    if ((size_t)(b->end - b->at) < 40 + (size_t)rec->len) return false;
    put_varint(&b->at, x->number);
    int64_t delta = rec->ts - b->prev_ms;
    put_varint(&b->at, ((uint64_t)delta << 1) ^ (uint64_t)(delta >> 63));
    b->prev_ms = rec->ts;
    *b->at++ = (char)x->type;
    *b->at++ = (char)(rec->quality | (rec->null ? 0x80 : 0));
    if (!rec->null) {
        if (edge__is_blob(x->type)) {
            put_varint(&b->at, rec->len);
            memcpy(b->at, rec->value, rec->len);
            b->at += rec->len;
        } else {
            unsigned len = scalar_bytes(x->type);
            memcpy(b->at, rec->value, len); /* little-endian */
            b->at += len;
        }
    }
    if (b->n == 0 || rec->ts < b->first_ms) b->first_ms = rec->ts;
    if (b->n == 0 || rec->ts > b->last_ms) b->last_ms = rec->ts;
    b->n++;
    return true;
}

static pt_status batch_close(edge_node *n, batch_out *b, bool delivered)
{
    if (b->n == 0) return PT_OK;
    edge_model *m = n->model;
    pt_status st =
        n->journal.append(n->journal.ctx, pt_slice_of(m->batch, (size_t)(b->at - m->batch)), b->n, b->first_ms, b->last_ms, delivered);
    if (st != PT_OK) n->stats.dropped_journal += delivered ? 0 : b->n;
    else if (!delivered) n->stats.samples_stored += b->n;
    batch_open(b, m);
    return st;
}

static void journal_record(edge_node *n, batch_out *b, const edge__record *rec, bool delivered)
{
    const edge__metric *x = &n->model->metrics[rec->metric];
    if (x->flags & EDGE__TRANSIENT) return;
    if (batch_add(b, x, rec)) return;
    pt_status st = batch_close(n, b, delivered); /* counted there */
    (void)st;
    if (!batch_add(b, x, rec)) n->stats.dropped_journal++;
}

void edge__to_journal(edge_node *n, uint32_t device)
{
    edge__ring *r = &n->model->devices[device].ring;
    if (!n->has_journal || r->count == 0) return;
    batch_out b;
    batch_open(&b, n->model);
    uint64_t at = r->head;
    for (const edge__record *rec; (rec = edge__ring_next(r, &at));)
        journal_record(n, &b, rec, false);
    pt_status st = batch_close(n, &b, false);
    (void)st; /* refused samples are counted */
    edge__ring_clear(r);
}

/* --- data --- */

static item item_of(const edge_model *m, const edge__record *rec)
{
    const edge__metric *x = &m->metrics[rec->metric];
    item it = { .metric = rec->metric, .quality = (spb_quality)rec->quality, .ts = rec->ts };
    if (edge__is_blob(x->type)) {
        it.value = (spb_value){ .type = x->type, .is_null = rec->null, .as = { .bytes = pt_slice_of(rec->value, rec->len) } };
    } else {
        uint64_t bits = 0;
        memcpy(&bits, rec->value, sizeof bits);
        it.value = edge__scalar(x->type, bits, rec->null);
    }
    return it;
}

static uint32_t root_of(const edge_model *m, uint32_t metric)
{
    while (m->metrics[metric].parent != EDGE_NO_METRIC)
        metric = m->metrics[metric].parent;
    return metric;
}

pt_status edge__send_data(edge_node *n, uint32_t device)
{
    edge_model *m = n->model;
    edge__ring *r = &m->devices[device].ring;
    if (r->count == 0) return PT_EEMPTY;
    edge__writer w;
    edge__writer_init(&w, m->payload, m->payload_cap);
    pt_status st = edge__writer_begin(&w, pt_wall_ms(n->o.clock));
    if (st != PT_OK) return st;
    item run[EDGE__RUN_MAX];
    uint64_t at = r->head, end = r->head;
    uint32_t taken = 0, historical = 0, carried = 0;
    int64_t last_ts = INT64_MIN;
    while (w.metrics < n->o.message_metrics && w.len < m->limits.message_bytes) {
        bool old = at < r->historical;
        const edge__record *rec = edge__ring_next(r, &at);
        if (!rec) break;
        style_of s = { .historical = old };
        if (old && rec->ts == m->metrics[rec->metric].birth_ts) { /* the birth has said it */
            end = at;
            taken++;
            carried++;
            continue;
        }
        if (!old && rec->ts < last_ts) break; /* tck-id-operational-behavior-data-publish-dbirth-order */
        uint32_t root = root_of(m, rec->metric), k = 1;
        run[0] = item_of(m, rec);
        uint64_t after = at;
        if (root != rec->metric) { /* members of one instance read at one time travel together */
            for (uint64_t peek = at; k < EDGE__RUN_MAX; after = peek, k++) {
                bool peek_old = peek < r->historical;
                const edge__record *more = edge__ring_next(r, &peek);
                if (!more || peek_old != old || more->ts != rec->ts || root_of(m, more->metric) != root) break;
                bool again = false;
                for (uint32_t i = 0; i < k; i++)
                    again = again || run[i].metric == more->metric;
                if (again) break;
                run[k] = item_of(m, more);
            }
        }
        if ((st = write_metric(n, &w, &s, root, run, k)) != PT_OK) break;
        at = end = after;
        taken += k;
        historical += old ? k : 0;
        if (!old) last_ts = rec->ts;
    }
    if (w.metrics == 0 && taken == 0) { /* cannot happen with buffers sized by the model; never loop on it */
        n->stats.dropped_ring++;
        edge__ring_drop(r, at, 1);
        return st;
    }
    if (w.metrics && (st = edge__publish(n, device ? SPB_DDATA : SPB_NDATA, device, &w)) != PT_OK) return st;
    n->stats.samples_sent += taken - historical - carried;
    n->stats.samples_historical += historical;
    if (n->has_journal) {
        batch_out b;
        batch_open(&b, m);
        uint64_t pos = r->head;
        for (uint32_t i = 0; i < taken; i++) {
            const edge__record *rec = edge__ring_next(r, &pos);
            if (rec) journal_record(n, &b, rec, true);
        }
        pt_status kept = batch_close(n, &b, true);
        (void)kept; /* not kept for backfill, but delivered */
    }
    edge__ring_drop(r, end, taken);
    return PT_OK;
}

void edge__enqueue(edge_node *n, uint32_t metric, const spb_value *v, spb_quality q, int64_t ts)
{
    edge_model *m = n->model;
    const edge__metric *x = &m->metrics[metric];
    edge__device *d = &m->devices[x->device];
    bool blob = edge__is_blob(x->type);
    uint32_t len = v->is_null ? 0 : blob ? (uint32_t)v->as.bytes.len : 8;
    if (!blob) len = 8;
    edge__record *rec = edge__ring_push(&d->ring, len);
    if (!rec && edge_session_may_send(&n->session) && d->born) {
        while (!rec && edge__send_data(n, x->device) == PT_OK)
            rec = edge__ring_push(&d->ring, len);
    }
    if (!rec && n->has_journal) {
        edge__to_journal(n, x->device);
        rec = edge__ring_push(&d->ring, len);
    }
    while (!rec && d->ring.count) { /* the oldest goes: what is newest matters most */
        uint64_t at = d->ring.head;
        if (edge__ring_next(&d->ring, &at)) edge__ring_drop(&d->ring, at, 1);
        n->stats.dropped_ring++;
        rec = edge__ring_push(&d->ring, len);
    }
    if (!rec) {
        n->stats.dropped_ring++;
        return;
    }
    rec->metric = metric;
    rec->ts = ts;
    rec->quality = (uint8_t)q;
    rec->null = v->is_null;
    if (blob) {
        if (len) memcpy(rec->value, v->as.bytes.ptr, len);
    } else {
        uint64_t bits = edge__bits(v);
        memcpy(rec->value, &bits, sizeof bits);
    }
}

/* --- history --- */

static bool history_next(const edge_model *m, const char **at, const char *end, int64_t *last_ms, item *out, bool *known)
{
    uint64_t number, zigzag, len;
    if (!get_varint(at, end, &number) || !get_varint(at, end, &zigzag) || end - *at < 2) return false;
    *last_ms += (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
    uint8_t type = (uint8_t) * (*at)++, flags = (uint8_t) * (*at)++;
    bool null = (flags & 0x80) != 0;
    *out = (item){ .quality = (spb_quality)(flags & 3), .ts = *last_ms };
    if (null) {
        out->value = (spb_value){ .type = type, .is_null = true };
    } else if (edge__is_blob(type)) {
        if (!get_varint(at, end, &len) || len > (uint64_t)(end - *at)) return false;
        out->value = (spb_value){ .type = type, .as = { .bytes = pt_slice_of(*at, (size_t)len) } };
        *at += len;
    } else {
        unsigned n = scalar_bytes(type);
        if (n == 0 || end - *at < (ptrdiff_t)n) return false;
        uint64_t bits = 0;
        memcpy(&bits, *at, n);
        if (spb_datatype_class(type) == SPB_CLASS_SIGNED && n < 8 && bits >> (8 * n - 1)) bits |= ~(uint64_t)0 << (8 * n);
        out->value = edge__scalar(type, bits, false);
        *at += n;
    }
    out->metric = number > UINT32_MAX ? EDGE_NO_METRIC : edge__find_number(m, (uint32_t)number);
    *known = out->metric != EDGE_NO_METRIC && m->metrics[out->metric].type == type &&
             !(edge__is_blob(type) && out->value.as.bytes.len > m->metrics[out->metric].blob_cap);
    return true;
}

static pt_status send_history(edge_node *n, pt_slice batch, edge_history_cursor *cursor)
{
    edge_model *m = n->model;
    if (cursor->offset >= batch.len) return PT_EEMPTY;
    if (!edge_session_may_send(&n->session)) return PT_ESTATE;
    const char *at = batch.ptr + cursor->offset, *end = batch.ptr + batch.len;
    int64_t last_ms = cursor->last_ms;
    uint32_t device = UINT32_MAX, unknown = 0;
    edge__writer w;
    edge__writer_init(&w, m->payload, m->payload_cap);
    pt_status st = edge__writer_begin(&w, pt_wall_ms(n->o.clock));
    if (st != PT_OK) return st;
    style_of s = { .historical = true };
    while (at < end && w.metrics < n->o.message_metrics && w.len < m->limits.message_bytes) {
        item it;
        bool known = false;
        const char *next = at;
        int64_t next_ms = last_ms;
        if (!history_next(m, &next, end, &next_ms, &it, &known)) { /* damaged: the rest of it is gone */
            unknown++;
            at = end;
            break;
        }
        if (known) {
            uint32_t on = m->metrics[it.metric].device;
            if (!m->devices[on].born) {
                if (w.metrics) break;
                return PT_EBUSY;
            }
            if (device != UINT32_MAX && on != device) break;
            device = on;
            if (write_metric(n, &w, &s, root_of(m, it.metric), &it, 1) != PT_OK) {
                if (w.metrics) break; /* it begins the next message */
                unknown++;            /* not even alone: cannot happen with buffers sized by the model; never loop on it */
            }
        } else {
            unknown++;
        }
        at = next;
        last_ms = next_ms;
    }
    if (w.metrics && (st = edge__publish(n, device ? SPB_DDATA : SPB_NDATA, device, &w)) != PT_OK) return st;
    cursor->offset = (size_t)(at - batch.ptr);
    cursor->last_ms = last_ms;
    cursor->sent += w.metrics;
    n->stats.samples_historical += w.metrics;
    n->stats.dropped_unknown += unknown;
    return PT_OK;
}

pt_status edge_node_send_history(edge_node *n, pt_slice batch, edge_history_cursor *at)
{
    pthread_mutex_lock(&n->lock);
    pt_status st = send_history(n, batch, at);
    pthread_mutex_unlock(&n->lock);
    return st;
}
