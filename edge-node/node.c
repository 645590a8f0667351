/* edge-node/node.c -- the edge node: the session's actions carried out, values in, timers. See edge.h. */
#include "edge-node/node.h"

#include "sparkplug/state.h"
#include "sparkplug/topic.h"

#include <stdio.h>

#define MESSAGE_METRICS_DEFAULT 500u
#define POLL_MAX_MS             1000
#define POLL_CONGESTED_MS       20
#define SEND_BURST              64 /* messages of one device at a time, so that all devices get their turn */

edge_now edge__now(const edge_node *n)
{
    return (edge_now){ pt_wall_ms(n->o.clock), pt_mono_ms(n->o.clock) };
}

const char *edge__topic(edge_node *n, spb_verb verb, uint32_t device)
{
    spb_topic t = { .verb = verb, .group = pt_cstr(n->group), .edge = pt_cstr(n->node) };
    size_t len = 0;
    if (spb_verb_is_device(verb)) t.device = n->model->devices[device].id;
    return spb_topic_format(&spb_namespace_b, &t, n->topic, sizeof n->topic, &len) == PT_OK ? n->topic : NULL;
}

pt_status edge__publish(edge_node *n, spb_verb verb, uint32_t device, edge__writer *w)
{
    edge__writer_end(w, edge_session_seq(&n->session));
    const char *topic = edge__topic(n, verb, device);
    if (!topic) return PT_EINVAL;
    /* QoS 0, not retained: tck-id-payloads-nbirth-qos, -retain and their sisters */
    pt_status st = n->o.transport.publish(n->o.transport.ctx, topic, edge__writer_view(w), 0, false);
    if (st != PT_OK) {
        n->congested = true;
        if (st == PT_EFULL) n->stats.publish_full++;
        else n->stats.publish_failed++;
        return st;
    }
    edge_session_sent(&n->session);
    n->stats.messages++;
    n->stats.bytes += w->len;
    return PT_OK;
}

/* --- actions --- */

static void birth(edge_node *n, const edge_action *a)
{
    pt_status st = edge__send_nbirth(n, a->bd_seq, a->stamp_ms);
    uint32_t devices = 0;
    for (uint32_t i = 1; st == PT_OK && i < n->model->n_devices; i++) {
        if (!n->model->devices[i].online) continue;
        st = edge__send_dbirth(n, i, a->stamp_ms); /* tck-id-payloads-dbirth-order */
        devices += st == PT_OK;
    }
    edge_event done = { .type = st == PT_OK ? EDGE_EV_BORN : EDGE_EV_BIRTH_FAILED };
    if (st == PT_OK) {
        n->stats.births++;
        n->stats.born_ms = pt_wall_ms(n->o.clock);
        pt_logf(n->o.log, PT_LOG_INFO, "EDGE-BORN", "%s/%s: NBIRTH bdSeq %u and %u DBIRTHs published", n->group, n->node, a->bd_seq,
                devices);
    } else {
        pt_logf(n->o.log, PT_LOG_WARN, "EDGE-BIRTH-FAILED", "%s/%s: births not taken (%s); trying again", n->group, n->node,
                pt_status_name(st));
    }
    edge__event(n, &done);
}

static void flush(edge_node *n)
{
    for (uint32_t i = 0; i < n->model->n_devices; i++) {
        if (!n->model->devices[i].born) continue;
        for (int k = 0; k < SEND_BURST && edge__send_data(n, i) == PT_OK; k++) {}
    }
}

static void ddeaths(edge_node *n)
{
    for (uint32_t i = 1; i < n->model->n_devices; i++)
        if (n->model->devices[i].born && edge__send_ddeath(n, i) != PT_OK) return; /* the NDEATH says it for all */
}

static void ndeath(edge_node *n, uint8_t bd_seq)
{
    char buf[64];
    pt_slice payload = edge__ndeath(buf, sizeof buf, bd_seq);
    const char *topic = edge__topic(n, SPB_NDEATH, EDGE_NODE_DEVICE);
    pt_status st = topic ? n->o.transport.publish(n->o.transport.ctx, topic, payload, 1, false) : PT_EINVAL;
    if (st != PT_OK)
        pt_logf(n->o.log, PT_LOG_WARN, "EDGE-NDEATH-FAILED", "%s/%s: explicit NDEATH not taken: %s", n->group, n->node, pt_status_name(st));
    else n->stats.messages++;
    for (uint32_t i = 0; i < n->model->n_devices; i++)
        n->model->devices[i].born = false;
}

static void perform(edge_node *n, const edge_action *a)
{
    switch (a->type) {
    case EDGE_ACT_BIRTH: birth(n, a); break;
    case EDGE_ACT_DDEATHS: ddeaths(n); break;
    case EDGE_ACT_NDEATH: ndeath(n, a->bd_seq); break;
    case EDGE_ACT_DISCONNECT: n->o.transport.disconnect(n->o.transport.ctx, a->again, a->with_will); break;
    case EDGE_ACT_PERSIST: /* prepare does these two */
    case EDGE_ACT_CONNECT:
    case EDGE_ACT_HALT:
    default: break;
    }
}

void edge__event(edge_node *n, const edge_event *ev)
{
    edge_actions actions;
    edge_state before = n->session.state;
    edge_session_handle(&n->session, ev, edge__now(n), &actions);
    if (n->session.state != before)
        pt_logf(n->o.log, PT_LOG_INFO, "EDGE-STATE", "%s/%s: %s -> %s", n->group, n->node, edge_state_name(before),
                edge_state_name(n->session.state));
    for (uint32_t i = 0; i < actions.n; i++)
        perform(n, &actions.items[i]);
}

static void event(edge_node *n, edge_event_type type)
{
    edge__event(n, &(edge_event){ .type = type });
}

/* --- life --- */

static size_t ids_size(const edge_node_options *o)
{
    return strlen(o->group ? o->group : "") + strlen(o->node ? o->node : "") + strlen(o->primary_host ? o->primary_host : "") + 3;
}

size_t edge_node_size(const edge_node_options *o)
{
    return sizeof(edge_node) + ids_size(o) + 64;
}

static char *put_text(char **at, const char *s)
{
    char *start = *at;
    size_t len = strlen(s) + 1;
    memcpy(start, s, len);
    *at += len;
    return start;
}

static pt_status format_filters(edge_node *n, pt_error *err)
{
    /* literal filters, QoS 1: tck-id-message-flow-edge-node-ncmd-subscribe, tck-id-message-flow-device-dcmd-subscribe */
    int len[5];
    len[0] = snprintf(n->filters[0], EDGE__TOPIC_MAX, "%s/%s/NCMD/%s", spb_namespace_b.prefix, n->group, n->node);
    len[1] = snprintf(n->filters[1], EDGE__TOPIC_MAX, "%s/%s/DCMD/%s/+", spb_namespace_b.prefix, n->group, n->node);
    len[2] = snprintf(n->filters[2], EDGE__TOPIC_MAX, "%s/%s/NDEATH/%s", spb_namespace_b.prefix, n->group, n->node);
    len[3] = snprintf(n->filters[3], EDGE__TOPIC_MAX, "%s/%s/%s", spb_namespace_b.prefix, spb_namespace_b.state, n->primary_host);
    len[4] = snprintf(n->filters[4], EDGE__TOPIC_MAX, "STATE/%s", n->primary_host);
    for (size_t i = 0; i < 5; i++)
        if (len[i] < 0 || len[i] >= EDGE__TOPIC_MAX) return pt_fail(err, PT_ETOOBIG, "topics longer than %d bytes", EDGE__TOPIC_MAX - 1);
    memcpy(n->will_topic, n->filters[2], sizeof n->will_topic);
    return PT_OK;
}

pt_status edge_node_init(void *memory, size_t size, const edge_node_options *o, edge_model *model, edge_node **out, pt_error *err)
{
    uintptr_t skew = (16u - ((uintptr_t)memory & 15u)) & 15u;
    if (!o->clock || !o->transport.publish || !o->transport.disconnect || !o->storage.bdseq_load || !o->storage.bdseq_store)
        return pt_fail(err, PT_EINVAL, "clock, transport and storage are needed");
    if (!model || !model->sealed) return pt_fail(err, PT_ESTATE, "the model is not sealed");
    if (spb_id_check(pt_cstr(o->group), true, err) != PT_OK || spb_id_check(pt_cstr(o->node), false, err) != PT_OK) return PT_EINVAL;
    bool host = o->primary_host && *o->primary_host;
    if (host && spb_id_check(pt_cstr(o->primary_host), false, err) != PT_OK) return PT_EINVAL;
    if (!memory || size < skew + sizeof(edge_node) + ids_size(o))
        return pt_fail(err, PT_ENOMEM, "the node needs %zu bytes", edge_node_size(o));
    edge_node *n = (edge_node *)(void *)((char *)memory + skew);
    memset(n, 0, sizeof *n);
    n->o = *o;
    if (!n->o.message_metrics) n->o.message_metrics = MESSAGE_METRICS_DEFAULT;
    char *at = (char *)(n + 1);
    n->group = put_text(&at, o->group);
    n->node = put_text(&at, o->node);
    n->primary_host = put_text(&at, host ? o->primary_host : "");
    if (o->journal) {
        n->journal = *o->journal;
        n->has_journal = true;
    }
    pt_status st = format_filters(n, err);
    if (st != PT_OK) return st;
    edge_session_config c = o->session;
    c.primary_host = host;
    edge_session_init(&n->session, &c);
    n->model = model;
    model->created_ms = pt_wall_ms(o->clock);
    for (uint32_t i = 0; i < model->n_metrics; i++)
        if (model->metrics[i].ts < 0 && !(model->metrics[i].flags & EDGE__NULL)) model->metrics[i].ts = model->created_ms;
    if (pthread_mutex_init(&n->lock, NULL) != 0) return pt_fail(err, PT_ENOMEM, "no lock");
    *out = n;
    return PT_OK;
}

pt_status edge_node_start(edge_node *n, pt_error *err)
{
    uint8_t next = 0;
    pt_status st = n->o.storage.bdseq_load(n->o.storage.ctx, &next);
    if (st == PT_ENOTFOUND) next = 0;
    else if (st != PT_OK) return pt_fail(err, st, "the stored bdSeq cannot be read: %s", pt_status_name(st));
    pthread_mutex_lock(&n->lock);
    edge__event(n, &(edge_event){ .type = EDGE_EV_START, .bd_seq = next });
    n->started = true;
    pthread_mutex_unlock(&n->lock);
    return PT_OK;
}

void edge_node_stop(edge_node *n)
{
    pthread_mutex_lock(&n->lock);
    if (edge_session_may_send(&n->session)) flush(n);
    event(n, EDGE_EV_STOP);
    for (uint32_t i = 0; i < n->model->n_devices; i++)
        edge__to_journal(n, i);
    pthread_mutex_unlock(&n->lock);
}

void edge_node_fini(edge_node *n)
{
    if (!n) return;
    for (uint32_t i = 0; i < n->model->n_devices; i++)
        edge__to_journal(n, i);
    pthread_mutex_destroy(&n->lock);
}

/* --- from the transport --- */

static pt_status prepare(edge_node *n, edge_connect *out)
{
    edge_actions actions;
    edge_event ev = { .type = EDGE_EV_PREPARE };
    edge_session_handle(&n->session, &ev, edge__now(n), &actions);
    *out = (edge_connect){ 0 };
    for (uint32_t i = 0; i < actions.n; i++) {
        const edge_action *a = &actions.items[i];
        if (a->type == EDGE_ACT_PERSIST) { /* durable before CONNECT: a later start must not repeat the number */
            pt_status st = n->o.storage.bdseq_store(n->o.storage.ctx, a->bd_seq);
            if (st == PT_OK) continue;
            event(n, EDGE_EV_PERSIST_FAILED);
            pt_logf(n->o.log, PT_LOG_ERROR, "EDGE-BDSEQ-STORE", "%s/%s: the next bdSeq %u cannot be stored (%s); not connecting", n->group,
                    n->node, a->bd_seq, pt_status_name(st));
            return st;
        }
        if (a->type != EDGE_ACT_CONNECT) continue;
        out->server = a->server;
        out->will_topic = n->will_topic;
        out->will_payload = edge__ndeath(n->will, sizeof n->will, a->bd_seq);
        edge__metric *bd = &n->model->metrics[n->model->m_bdseq];
        bd->bits = a->bd_seq;
        bd->ts = pt_wall_ms(n->o.clock);
        out->n_filters = !*n->primary_host ? 3 : n->session.config.legacy_state ? 5 : 4;
        for (uint32_t f = 0; f < out->n_filters; f++)
            out->filters[f] = n->filters[f];
        return PT_OK;
    }
    return PT_ESTATE;
}

pt_status edge_node_prepare(edge_node *n, edge_connect *out)
{
    pthread_mutex_lock(&n->lock);
    pt_status st = prepare(n, out);
    pthread_mutex_unlock(&n->lock);
    return st;
}

void edge_node_connected(edge_node *n)
{
    pthread_mutex_lock(&n->lock);
    event(n, EDGE_EV_CONNECTED);
    pthread_mutex_unlock(&n->lock);
}

void edge_node_ready(edge_node *n)
{
    pthread_mutex_lock(&n->lock);
    event(n, EDGE_EV_READY);
    pthread_mutex_unlock(&n->lock);
}

void edge_node_lost(edge_node *n, bool unsent)
{
    pthread_mutex_lock(&n->lock);
    bool was_born = n->session.nbirth_sent || n->session.state == EDGE_LEAVING || n->session.state == EDGE_STOPPING;
    edge__event(n, &(edge_event){ .type = EDGE_EV_LOST, .unsent = unsent });
    for (uint32_t i = 0; i < n->model->n_devices; i++)
        n->model->devices[i].born = false;
    if (was_born && n->has_journal && n->journal.lost) n->journal.lost(n->journal.ctx);
    pthread_mutex_unlock(&n->lock);
}

/* --- receiving --- */

static void on_state(edge_node *n, pt_slice host, pt_slice payload, bool retained)
{
    spb_state s;
    if (!*n->primary_host || !pt_slice_eq_cstr(host, n->primary_host))
        return; /* tck-id-message-flow-edge-node-birth-publish-phid-wait-id */
    pt_status st = spb_state_parse(payload, &s, NULL);
    if (st != PT_OK) {
        n->stats.messages_bad += st != PT_EEMPTY; /* a cleared retained message says nothing */
        return;
    }
    if (s.timestamp_ms > INT64_MAX) {
        n->stats.messages_bad++;
        return;
    }
    uint64_t older = n->session.stats.state_older;
    edge__event(n, &(edge_event){ .type = EDGE_EV_STATE,
                                  .online = s.online,
                                  .legacy = s.legacy,
                                  .retained = retained,
                                  .timestamp_ms = s.legacy ? -1 : (int64_t)s.timestamp_ms });
    if (n->session.stats.state_older != older && pt_log_allow(&n->limit, 1, pt_mono_ms(n->o.clock), 60000, NULL))
        pt_logf(n->o.log, PT_LOG_WARN, "EDGE-STATE-OLDER",
                "%s/%s: STATE of %s, online %s, is older than the last one and does not count: a late Will, or the host's clock went back",
                n->group, n->node, n->primary_host, s.online ? "true" : "false");
    if (s.legacy && pt_log_allow(&n->limit, 2, pt_mono_ms(n->o.clock), 60000, NULL))
        pt_logf(n->o.log, PT_LOG_WARN, "EDGE-STATE-LEGACY", "%s/%s: %s speaks the old STATE form '%.*s'%s", n->group, n->node,
                n->primary_host, PT_SLICE_ARGS(payload),
                n->session.config.legacy_state ? "" : ", which is not enabled (sparkplug.legacy_state)");
}

static void note_bdseq(void *ctx, const edge__command_metric *m)
{
    int *bd = ctx;
    if (!pt_slice_eq_cstr(m->name, "bdSeq")) return;
    if (m->wire == SPB_WIRE_LONG && m->value.u64 <= 255) *bd = (int)m->value.u64;
    if (m->wire == SPB_WIRE_INT && m->value.u32 <= 255) *bd = (int)m->value.u32;
}

void edge_node_receive(edge_node *n, pt_slice topic, pt_slice payload, bool retained)
{
    spb_topic t;
    pthread_mutex_lock(&n->lock);
    if (pt_slice_starts(topic, PT_LIT("STATE/"))) {
        on_state(n, pt_slice_from(topic, 6), payload, retained);
        pthread_mutex_unlock(&n->lock);
        return;
    }
    pt_status st = spb_topic_parse(&spb_namespace_b, topic, &t, NULL);
    bool ours = st == PT_OK && t.verb != SPB_STATE && pt_slice_eq_cstr(t.group, n->group) && pt_slice_eq_cstr(t.edge, n->node);
    uint32_t device = EDGE_NODE_DEVICE, number = n->model_number;
    if (st != PT_OK) {
        n->stats.messages_bad++;
    } else if (t.verb == SPB_STATE) {
        on_state(n, t.host, payload, retained);
    } else if (ours && t.verb == SPB_NDEATH) {
        int bd = -1;
        if (edge__decode_metrics(payload, 16, note_bdseq, &bd) != PT_OK) n->stats.messages_bad++;
        edge__event(n, &(edge_event){ .type = EDGE_EV_NDEATH, .bd_seq = bd });
    } else if (ours && t.verb == SPB_DCMD) {
        device = edge_model_find_device(n->model, t.device);
        if (device == UINT32_MAX || !n->model->devices[device].born) { /* commands for an offline device: ignore */
            n->stats.commands_refused++;
            ours = false;
        }
    }
    pthread_mutex_unlock(&n->lock);
    if (st == PT_OK && ours && (t.verb == SPB_NCMD || t.verb == SPB_DCMD)) edge__commands(n, device, number, payload);
}

/* --- timers, sending --- */

/* DBIRTH and DDEATH of devices that came or went. */
static void sync_devices(edge_node *n)
{
    if (!edge_session_may_send(&n->session)) return;
    for (uint32_t i = 1; i < n->model->n_devices; i++) {
        edge__device *d = &n->model->devices[i];
        pt_status st = PT_OK;
        if (d->online && !d->born) {
            st = edge__send_dbirth(n, i, pt_wall_ms(n->o.clock));
        } else if (!d->online && d->born) {
            while (edge__send_data(n, i) == PT_OK) {}
            st = edge__send_ddeath(n, i);
        }
        if (st != PT_OK) return; /* congested: edge_node_poll comes back soon */
    }
}

int64_t edge_node_poll(edge_node *n)
{
    pthread_mutex_lock(&n->lock);
    n->congested = false;
    edge_now now = edge__now(n);
    if (now.mono_ms >= edge_session_deadline(&n->session)) event(n, EDGE_EV_TICK);
    sync_devices(n);
    if (edge_session_may_send(&n->session)) {
        flush(n);
    } else if (n->session.state != EDGE_BIRTHING && n->session.state != EDGE_ONLINE) {
        for (uint32_t i = 0; i < n->model->n_devices; i++)
            edge__to_journal(n, i);
    }
    for (uint32_t i = 0; i < n->model->n_devices; i++) { /* a device that is away: its last values wait in the journal */
        const edge__device *d = &n->model->devices[i];
        if (!d->born && !d->online) edge__to_journal(n, i);
    }
    int64_t wait = POLL_MAX_MS, deadline = edge_session_deadline(&n->session);
    now = edge__now(n);
    if (deadline != INT64_MAX && deadline - now.mono_ms < wait) wait = deadline - now.mono_ms;
    if (n->congested && wait > POLL_CONGESTED_MS) wait = POLL_CONGESTED_MS;
    if (wait < 1) wait = 1;
    pthread_mutex_unlock(&n->lock);
    return wait;
}

static void device_is(edge_node *n, uint32_t device, bool online)
{
    pthread_mutex_lock(&n->lock);
    if (device > 0 && device < n->model->n_devices && n->model->devices[device].online != online) {
        n->model->devices[device].online = online;
        pt_logf(n->o.log, PT_LOG_INFO, online ? "EDGE-DEVICE-ONLINE" : "EDGE-DEVICE-OFFLINE", "%s/%s: device %s", n->group, n->node,
                n->model->devices[device].id.ptr);
        sync_devices(n);
    }
    pthread_mutex_unlock(&n->lock);
}

void edge_node_device_online(edge_node *n, uint32_t device)
{
    device_is(n, device, true);
}

void edge_node_device_offline(edge_node *n, uint32_t device)
{
    device_is(n, device, false);
}

bool edge_node_device_is_online(edge_node *n, uint32_t device)
{
    pthread_mutex_lock(&n->lock);
    bool online = device < n->model->n_devices && n->model->devices[device].online;
    pthread_mutex_unlock(&n->lock);
    return online;
}

/* --- values in --- */

static edge_verdict verdict(const edge__metric *x, const edge_sample *s)
{
    if ((x->flags & EDGE__EVERY) || !(x->flags & EDGE__REPORTED)) return EDGE_REPORT;
    if (s->quality != (spb_quality)x->reported_quality) return EDGE_REPORT;
    bool was_null = (x->flags & EDGE__REPORTED_NULL) != 0;
    if (s->value.is_null || was_null) return s->value.is_null == was_null ? EDGE_KEEP_QUIET : EDGE_REPORT;
    if (edge__is_blob(x->type)) /* what was reported is what is current: bytes have no band */
        return s->value.as.bytes.len == x->blob_len && (x->blob_len == 0 || memcmp(s->value.as.bytes.ptr, x->blob, x->blob_len) == 0)
                   ? EDGE_KEEP_QUIET
                   : EDGE_REPORT;
    spb_value last = edge__scalar(x->type, x->reported_bits, false);
    double a = 0, b = 0;
    bool banded = (x->filter.deadband > 0 || x->filter.exc_dev > 0) && spb_datatype_class(x->type) != SPB_CLASS_BOOLEAN &&
                  spb_value_number(&last, &a) && spb_value_number(&s->value, &b);
    if (!banded) return edge__bits(&s->value) == x->reported_bits ? EDGE_KEEP_QUIET : EDGE_REPORT; /* exact, 64 bits too */
    return edge_filter_decide(&x->filter, a, x->reported_ts, b, s->timestamp_ms);
}

static void reported(edge__metric *x, uint64_t bits, bool null, spb_quality q, int64_t ts)
{
    x->reported_bits = bits;
    x->reported_ts = ts;
    x->reported_quality = (uint8_t)q;
    x->flags = (uint16_t)(x->flags & ~EDGE__REPORTED_NULL);
    x->flags |= EDGE__REPORTED;
    if (null) x->flags |= EDGE__REPORTED_NULL;
}

static pt_status set_one(edge_node *n, const edge_sample *s)
{
    if (s->metric >= n->model->n_metrics) return PT_EINVAL;
    edge__metric *x = &n->model->metrics[s->metric];
    pt_status st = edge__check_value(x, &s->value);
    if (st != PT_OK) return st;
    n->stats.samples_in++;
    edge_verdict v = verdict(x, s);
    if (v == EDGE_KEEP_QUIET) {
        n->stats.samples_filtered++;
    } else {
        if (v == EDGE_REPORT_BOTH && x->ts > x->reported_ts && x->ts < s->timestamp_ms && x->quality == s->quality) {
            spb_value held = edge__current(x);
            edge__enqueue(n, s->metric, &held, (spb_quality)x->quality, x->ts);
        }
        edge__enqueue(n, s->metric, &s->value, s->quality, s->timestamp_ms);
    }
    edge__put(x, &s->value, s->quality, s->timestamp_ms);
    if (v != EDGE_KEEP_QUIET) reported(x, x->bits, s->value.is_null, s->quality, s->timestamp_ms);
    return PT_OK;
}

pt_status edge_node_set(edge_node *n, const edge_sample *s)
{
    pthread_mutex_lock(&n->lock);
    pt_status st = set_one(n, s);
    pthread_mutex_unlock(&n->lock);
    return st;
}

pt_status edge_node_set_many(edge_node *n, const edge_sample *s, uint32_t count, uint32_t *bad)
{
    pt_status first = PT_OK;
    pthread_mutex_lock(&n->lock);
    for (uint32_t i = 0; i < count; i++) {
        pt_status st = set_one(n, &s[i]);
        if (st == PT_OK || first != PT_OK) continue;
        first = st;
        if (bad) *bad = i;
    }
    pthread_mutex_unlock(&n->lock);
    return first;
}

void edge_node_backfill_progress(edge_node *n, int64_t pending, int64_t done_through_ms)
{
    edge_sample s = { .timestamp_ms = pt_wall_ms(n->o.clock) };
    pthread_mutex_lock(&n->lock);
    if (n->has_journal) {
        s.metric = n->model->m_backfill_pending;
        s.value = (spb_value){ .type = SPB_INT64, .as = { .i64 = pending } };
        pt_status st = set_one(n, &s);
        if (st == PT_OK && done_through_ms >= 0) {
            s.metric = n->model->m_backfill_done;
            s.value = (spb_value){ .type = SPB_DATETIME, .as = { .u64 = (uint64_t)done_through_ms } };
            st = set_one(n, &s);
        }
        (void)st; /* types are ours */
    }
    pthread_mutex_unlock(&n->lock);
}

/* --- another model --- */

static void carry_over(edge_model *to, const edge_model *from)
{
    for (uint32_t i = 0; i < to->n_devices; i++) {
        uint32_t old = edge_model_find_device(from, to->devices[i].id);
        if (i > 0) to->devices[i].online = old != UINT32_MAX && from->devices[old].online;
    }
    for (uint32_t i = 0; i < to->n_metrics; i++) {
        edge__metric *x = &to->metrics[i];
        uint32_t device = edge_model_find_device(from, to->devices[x->device].id);
        uint32_t old = device == UINT32_MAX ? EDGE_NO_METRIC : edge_model_find(from, device, x->path);
        if (old == EDGE_NO_METRIC) continue;
        const edge__metric *y = &from->metrics[old];
        if (y->type != x->type || x->type == SPB_TEMPLATE || y->ts < 0) continue;
        spb_value v = edge__current(y);
        if (edge__check_value(x, &v) == PT_OK) edge__put(x, &v, (spb_quality)y->quality, y->ts);
    }
}

pt_status edge_node_replace_model(edge_node *n, edge_model *model, edge_model **old)
{
    if (!model->sealed) return PT_ESTATE;
    pthread_mutex_lock(&n->lock);
    model->created_ms = pt_wall_ms(n->o.clock);
    if (edge_session_may_send(&n->session)) {
        flush(n);
        for (uint32_t i = 1; i < n->model->n_devices;
             i++) { /* a device that is no more has no births to say so: tck-id-operational-behavior-device-ddeath */
            const edge__device *d = &n->model->devices[i];
            if (d->born && edge_model_find_device(model, d->id) == UINT32_MAX && edge__send_ddeath(n, i) != PT_OK)
                pt_logf(n->o.log, PT_LOG_WARN, "EDGE-DDEATH-FAILED", "%s/%s: DDEATH of device %s, which is no more, not taken", n->group,
                        n->node, d->id.ptr);
        }
    }
    for (uint32_t i = 0; i < n->model->n_devices; i++) {
        edge__to_journal(n, i);
        n->stats.dropped_ring += n->model->devices[i].ring.count; /* without a journal they have no place to wait */
    }
    carry_over(model, n->model);
    *old = n->model;
    n->model = model;
    n->model_number++;
    event(n, EDGE_EV_MODEL_CHANGED);
    pthread_mutex_unlock(&n->lock);
    return PT_OK;
}

uint32_t edge_node_model_number(edge_node *n)
{
    pthread_mutex_lock(&n->lock);
    uint32_t number = n->model_number;
    pthread_mutex_unlock(&n->lock);
    return number;
}

/* --- looking --- */

void edge_node_request_rebirth(edge_node *n)
{
    pthread_mutex_lock(&n->lock);
    event(n, EDGE_EV_REBIRTH);
    pthread_mutex_unlock(&n->lock);
}

edge_state edge_node_state(edge_node *n)
{
    pthread_mutex_lock(&n->lock);
    edge_state s = n->session.state;
    pthread_mutex_unlock(&n->lock);
    return s;
}

void edge_node_stats_get(edge_node *n, edge_node_stats *out)
{
    pthread_mutex_lock(&n->lock);
    *out = n->stats;
    out->session = n->session.stats;
    out->state = n->session.state;
    out->server = n->session.server;
    out->bd_seq = n->session.bd_seq;
    out->seq = n->session.seq;
    out->devices = n->model->n_devices - 1;
    out->devices_online = 0;
    out->metrics = n->model->n_metrics;
    out->ring_bytes = 0;
    for (uint32_t i = 0; i < n->model->n_devices; i++) {
        if (i > 0) out->devices_online += n->model->devices[i].online;
        out->ring_bytes += n->model->devices[i].ring.tail - n->model->devices[i].ring.head;
    }
    pthread_mutex_unlock(&n->lock);
}

pt_status edge_node_view(edge_node *n, uint32_t metric, void *buf, size_t cap, edge_metric_view *out)
{
    pt_status st = PT_OK;
    pthread_mutex_lock(&n->lock);
    if (metric >= n->model->n_metrics) {
        st = PT_ENOTFOUND;
    } else {
        const edge__metric *x = &n->model->metrics[metric];
        const edge__device *d = &n->model->devices[x->device];
        edge_metric_view v = { .device = d->id,
                               .name = x->path,
                               .value = edge__current(x),
                               .quality = (spb_quality)x->quality,
                               .timestamp_ms = x->ts,
                               .alias = x->number,
                               .writable = (x->flags & EDGE__WRITABLE) != 0,
                               .online = d->online,
                               .user = x->user };
        if (edge__is_blob(x->type) && x->blob_len) {
            if (x->blob_len > cap) {
                st = PT_ETOOBIG;
            } else {
                memcpy(buf, x->blob, x->blob_len);
                v.value.as.bytes.ptr = buf;
            }
        }
        if (st == PT_OK) *out = v;
    }
    pthread_mutex_unlock(&n->lock);
    return st;
}

uint32_t edge_node_find(edge_node *n, pt_slice device, pt_slice name)
{
    pthread_mutex_lock(&n->lock);
    uint32_t d = edge_model_find_device(n->model, device);
    uint32_t found = d == UINT32_MAX ? EDGE_NO_METRIC : edge_model_find(n->model, d, name);
    pthread_mutex_unlock(&n->lock);
    return found;
}

uint32_t edge_node_find_device(edge_node *n, pt_slice id)
{
    pthread_mutex_lock(&n->lock);
    uint32_t d = edge_model_find_device(n->model, id);
    pthread_mutex_unlock(&n->lock);
    return d;
}
