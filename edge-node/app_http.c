/* edge-node/app_http.c -- the status page's HTTP interface: what the node is doing, its tags, writes, switches, Prometheus metrics. */
#include "edge-node/app.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define VALUE_BUF       65536
#define WRITE_WAIT_MS   5000
#define WRITES_WAIT_MAX 200

static void put_value(pt_json *j, const spb_value *v)
{
    if (!v->is_null && spb_datatype_class(v->type) == SPB_CLASS_DATASET) {
        pt_json_base64(j, v->as.bytes); /* encoded; a host shows it as a table */
        return;
    }
    spb_value_json(j, v);
}

static void put_devices(edge_app *a, pt_json *j)
{
    pt_json_key(j, "devices");
    pt_json_array(j);
    for (uint32_t i = 0; i < edge_poller_devices(a->poller); i++) {
        edge_poller_stats s;
        edge_poller_stats_get(a->poller, i, &s);
        pt_json_object(j);
        pt_json_member_cstr(j, "device", s.id);
        pt_json_member_cstr(j, "state", edge_node_device_is_online(a->node, s.device) ? "online" : "offline");
        pt_json_member_bool(j, "off", s.off);
        pt_json_member_cstr(j, "driver", s.driver);
        pt_json_member_cstr(j, "channel", s.channel);
        pt_json_member_cstr(j, "last_error", s.last_error[0] ? s.last_error : NULL);
        pt_json_member_u64(j, "polls", s.polls);
        pt_json_member_u64(j, "failures", s.failures);
        pt_json_member_u64(j, "overruns", s.overruns);
        pt_json_member_i64(j, "last_poll_us", s.last_poll_us);
        pt_json_member_u64(j, "writes", s.writes);
        pt_json_member_u64(j, "writes_failed", s.writes_failed);
        pt_json_member_u64(j, "bad_readings", s.bad_readings);
        pt_json_member_u64(j, "requests", s.io.requests);
        pt_json_member_u64(j, "exceptions", s.io.exceptions);
        pt_json_member_u64(j, "timeouts", s.io.timeouts);
        pt_json_member_u64(j, "errors", s.io.errors);
        pt_json_end_object(j);
    }
    pt_json_end_array(j);
}

static void put_samples(pt_json *j, const edge_node_stats *n)
{
    pt_json_key(j, "samples");
    pt_json_object(j);
    pt_json_member_u64(j, "read", n->samples_in);
    pt_json_member_u64(j, "unchanged", n->samples_filtered);
    pt_json_member_u64(j, "sent", n->samples_sent);
    pt_json_member_u64(j, "historical", n->samples_historical);
    pt_json_member_u64(j, "stored", n->samples_stored);
    pt_json_member_u64(j, "dropped_ring", n->dropped_ring);
    pt_json_member_u64(j, "dropped_journal", n->dropped_journal);
    pt_json_member_u64(j, "dropped_unknown", n->dropped_unknown);
    pt_json_end_object(j);
}

static void put_spool(pt_json *j, edge_app *a)
{
    edge_spool_stats sp;
    edge_spool_stats_get(a->spool, &sp);
    pt_json_key(j, "spool");
    pt_json_object(j);
    pt_json_member_u64(j, "pending", sp.pending_samples);
    pt_json_member_u64(j, "kept", sp.stored_samples);
    pt_json_member_u64(j, "bytes", sp.stored_bytes);
    pt_json_member_u64(j, "queue_bytes", sp.queue_bytes);
    pt_json_member_u64(j, "sent", sp.sent);
    pt_json_member_u64(j, "dropped_overflow", sp.dropped_overflow);
    pt_json_member_u64(j, "dropped_age", sp.dropped_age);
    pt_json_member_u64(j, "dropped_memory", sp.dropped_memory);
    pt_json_member_cstr(j, "error", sp.failing ? sp.error : NULL);
    pt_json_end_object(j);
}

static void put_traffic(pt_json *j, const edge_node_stats *n, const edge_link_stats *l)
{
    pt_json_key(j, "mqtt");
    pt_json_object(j);
    pt_json_member_u64(j, "connects", l->mqtt.connects);
    pt_json_member_u64(j, "failures", l->mqtt.failures);
    pt_json_member_u64(j, "losses", l->mqtt.losses);
    pt_json_member_u64(j, "messages_out", l->mqtt.messages_out);
    pt_json_member_u64(j, "bytes_out", l->mqtt.bytes_out);
    pt_json_member_u64(j, "messages_in", l->mqtt.messages_in);
    pt_json_member_u64(j, "send_pending", l->mqtt.send_pending);
    pt_json_end_object(j);
    pt_json_key(j, "state_seen");
    pt_json_object(j);
    pt_json_member_u64(j, "older", n->session.state_older);
    pt_json_member_u64(j, "legacy", n->session.legacy_states);
    pt_json_end_object(j);
    pt_json_key(j, "commands");
    pt_json_object(j);
    pt_json_member_u64(j, "accepted", n->commands);
    pt_json_member_u64(j, "refused", n->commands_refused);
    pt_json_member_u64(j, "bad_messages", n->messages_bad);
    pt_json_end_object(j);
}

static void get_status(void *ctx, pt_http_request *rq)
{
    edge_app *a = ctx;
    pt_buf out;
    pt_json j;
    edge_node_stats n;
    edge_link_stats l;
    pt_buf_init(&out, 4u << 20);
    pt_json_init(&j, &out);
    edge_node_stats_get(a->node, &n);
    edge_link_stats_get(a->link, &l);
    pthread_rwlock_rdlock(&a->lock);
    const edge_config *c = &a->running->c;
    pt_json_object(&j);
    pt_json_member_cstr(&j, "version", PLANTREE_VERSION);
    pt_json_member_cstr(&j, "group", c->node.group);
    pt_json_member_cstr(&j, "edge", c->node.id);
    pt_json_member_cstr(&j, "state", edge_state_name(n.state));
    pt_json_member_cstr(&j, "server", n.server < c->mqtt.servers.n ? ((const char **)c->mqtt.servers.items)[n.server] : NULL);
    pt_json_member_bool(&j, "connected", l.mqtt.ready);
    pt_json_member_cstr(&j, "last_loss", l.last_loss[0] ? l.last_loss : NULL);
    pt_json_member_cstr(&j, "primary_host", c->sparkplug.primary_host && *c->sparkplug.primary_host ? c->sparkplug.primary_host : NULL);
    pt_json_member_u64(&j, "bd_seq", n.bd_seq);
    pt_json_member_u64(&j, "seq", n.seq);
    pt_json_member_i64(&j, "born_ms", n.born_ms);
    pt_json_member_i64(&j, "started_ms", a->started_ms);
    pt_json_member_u64(&j, "births", n.births);
    pt_json_member_u64(&j, "rebirth_requests", n.session.rebirth_requests);
    pt_json_member_u64(&j, "metrics", n.metrics);
    put_samples(&j, &n);
    put_spool(&j, a);
    put_traffic(&j, &n, &l);
    put_devices(a, &j);
    pt_json_member_u64(&j, "reloads", a->reloads);
    pt_json_member_u64(&j, "reloads_refused", a->reloads_refused);
    pt_json_member_str(&j, "reload_faults", a->last_reload_faults.len ? pt_buf_view(&a->last_reload_faults) : PT_NONE);
    pt_json_end_object(&j);
    pthread_rwlock_unlock(&a->lock);
    pt_http_reply_json(rq, 200, &out);
    pt_buf_fini(&out);
}

static void put_tag(pt_json *j, const edge_metric_view *v)
{
    pt_json_object(j);
    pt_json_member_str(j, "device", v->device.len ? v->device : PT_NONE);
    pt_json_member_str(j, "name", v->name);
    pt_json_member_cstr(j, "type", spb_datatype_name(v->value.type));
    pt_json_member_u64(j, "alias", v->alias);
    pt_json_key(j, "value");
    put_value(j, &v->value);
    pt_json_member_cstr(j, "quality", v->timestamp_ms < 0 || !v->online ? "STALE" : spb_quality_name(v->quality));
    if (v->timestamp_ms < 0) pt_json_member_null(j, "timestamp_ms");
    else pt_json_member_i64(j, "timestamp_ms", v->timestamp_ms);
    pt_json_member_bool(j, "writable", v->writable);
    pt_json_end_object(j);
}

static void get_tags(void *ctx, pt_http_request *rq)
{
    edge_app *a = ctx;
    pt_buf out;
    pt_json j;
    char *buf = malloc(VALUE_BUF);
    if (!buf) {
        pt_http_problem(rq, 500, "out-of-memory", "out of memory");
        return;
    }
    pt_slice device = pt_http_query(rq, "device");
    pt_buf_init(&out, 256u << 20);
    pt_json_init(&j, &out);
    pt_json_array(&j);
    pthread_rwlock_rdlock(&a->lock); /* names live as long as the model */
    edge_metric_view v;
    for (uint32_t i = 0;; i++) {
        pt_status st = edge_node_view(a->node, i, buf, VALUE_BUF, &v);
        if (st == PT_ENOTFOUND) break;
        if (st != PT_OK || v.value.type == SPB_TEMPLATE) continue;
        if (device.ptr && !pt_slice_eq(device, v.device)) continue;
        put_tag(&j, &v);
    }
    pthread_rwlock_unlock(&a->lock);
    pt_json_end_array(&j);
    pt_http_reply_json(rq, 200, &out);
    pt_buf_fini(&out);
    free(buf);
}

/* {"value": ...} as text that spb_value_parse understands. */
static bool value_text(pt_slice body, char *text, size_t cap, pt_error *err)
{
    json_error_t je;
    json_t *doc = json_loadb(body.ptr ? body.ptr : "", body.len, JSON_REJECT_DUPLICATES, &je);
    json_t *v = json_is_object(doc) ? json_object_get(doc, "value") : NULL;
    bool good = true;
    if (!doc) good = pt_fail(err, PT_EMALFORMED, "not JSON: %s", je.text) == PT_OK;
    else if (json_is_boolean(v)) snprintf(text, cap, "%s", json_is_true(v) ? "true" : "false");
    else if (json_is_integer(v)) snprintf(text, cap, "%lld", (long long)json_integer_value(v));
    else if (json_is_real(v)) snprintf(text, cap, "%.17g", json_real_value(v));
    else if (json_is_string(v) && json_string_length(v) < cap) memcpy(text, json_string_value(v), json_string_length(v) + 1);
    else good = pt_fail(err, PT_EMALFORMED, "{\"value\": ..} with a number, text or Boolean is needed") == PT_OK;
    json_decref(doc);
    return good;
}

static void reply_ok(pt_http_request *rq, const char *status)
{
    pt_buf out;
    pt_json j;
    pt_buf_init(&out, 4096);
    pt_json_init(&j, &out);
    pt_json_object(&j);
    pt_json_member_cstr(&j, "status", status);
    pt_json_end_object(&j);
    pt_http_reply_json(rq, 200, &out);
    pt_buf_fini(&out);
}

static void answer_write(pt_http_request *rq, pt_status st, const pt_error *why)
{
    switch (st) {
    case PT_OK: reply_ok(rq, "written"); return;
    case PT_ENOTFOUND: pt_http_problem(rq, 404, "no-such-tag", "%s", why->text); return;
    case PT_EREFUSED: pt_http_problem(rq, 403, "write-refused", "%s", why->text); return;
    case PT_ESTATE: pt_http_problem(rq, 409, "device-offline", "%s", why->text); return;
    case PT_EFULL:
        pt_http_set_header(rq, "Retry-After", "1");
        pt_http_problem(rq, 503, "too-many-writes", "%s", why->text);
        return;
    case PT_ECLOSED: pt_http_problem(rq, 503, "not-ready", "%s", why->text); return;
    case PT_ETIMEOUT: pt_http_problem(rq, 504, "no-answer", "%s", why->text); return;
    default: pt_http_problem(rq, 502, "write-failed", "%s", why->text[0] ? why->text : pt_status_name(st)); return;
    }
}

/* The PLC has answered, or its line gave up; ctx is the answer that waits for it. */
static void on_written(void *ctx, pt_status st, const pt_error *why)
{
    pt_http_request *rq = pt_http_later_take(ctx);
    if (rq) answer_write(rq, st, why);
}

/* Nothing is taken back: the write stands in its line, and may still be done. */
static void on_wait_ended(void *ctx, pt_http_request *rq, pt_http_end why)
{
    (void)ctx;
    if (why == PT_HTTP_STOPPING)
        pt_http_problem(rq, 503, "not-ready", "the edge node is stopping; the write may or may not have been carried out");
    else pt_http_problem(rq, 504, "no-answer", "no answer from the device within %d ms; the write may still be carried out", WRITE_WAIT_MS);
}

/* With the lock: the metric behind the address, and the text as a value of its type. */
static pt_status find_and_parse(edge_app *a, pt_http_request *rq, const char *text, uint32_t *metric, spb_value *value, pt_error *err)
{
    char buf[64];
    edge_metric_view v;
    pt_slice device = pt_http_param(rq, "device"), tag = pt_http_param(rq, "tag");
    *metric = edge_node_find(a->node, device, tag);
    if (*metric == EDGE_NO_METRIC)
        return pt_fail(err, PT_ENOTFOUND, "device '%.*s' has no tag '%.*s'", PT_SLICE_ARGS(device), PT_SLICE_ARGS(tag));
    pt_status st = edge_node_view(a->node, *metric, buf, sizeof buf, &v);
    if (st == PT_ETOOBIG) { /* its present text is longer than we care for here; the type is all we need */
        char *large = malloc(VALUE_BUF);
        st = large ? edge_node_view(a->node, *metric, large, VALUE_BUF, &v) : PT_ENOMEM;
        free(large);
    }
    if (st != PT_OK) return st;
    return spb_value_parse(v.value.type, pt_cstr(text), value, err) == PT_OK ? PT_OK : PT_EMALFORMED;
}

static void put_tag_value(void *ctx, pt_http_request *rq)
{
    static const pt_http_later_ops ops = { .ended = on_wait_ended };
    edge_app *a = ctx;
    char text[8192];
    pt_error err = { 0 };
    uint32_t metric;
    spb_value value;
    if (!value_text(pt_http_body(rq), text, sizeof text, &err)) {
        pt_http_problem(rq, 400, "bad-value", "%s", err.text);
        return;
    }
    pthread_rwlock_rdlock(&a->lock);
    pt_status st = find_and_parse(a, rq, text, &metric, &value, &err);
    pthread_rwlock_unlock(&a->lock);
    if (st == PT_EMALFORMED) {
        pt_http_problem(rq, 422, "bad-value", "%s", err.text);
        return;
    }
    if (st != PT_OK) {
        answer_write(rq, st, &err);
        return;
    }
    pt_http_later *later = pt_http_later_begin(rq, WRITE_WAIT_MS, &ops, NULL);
    if (!later) return;              /* answered */
    pthread_rwlock_rdlock(&a->lock); /* a reload may have come: the tag is found again */
    st = find_and_parse(a, rq, text, &metric, &value, &err);
    if (st == PT_OK) st = edge_poller_write(a->poller, metric, &value, on_written, later, &err);
    pthread_rwlock_unlock(&a->lock);
    if (st != PT_OK) on_written(later, st, &err);
}

static void switch_device(edge_app *a, pt_http_request *rq, bool on)
{
    pt_slice device = pt_http_param(rq, "device");
    pthread_rwlock_rdlock(&a->lock);
    uint32_t d = edge_node_find_device(a->node, device);
    pt_status st = d == UINT32_MAX || d == EDGE_NODE_DEVICE ? PT_ENOTFOUND : edge_poller_switch(a->poller, d, on);
    pthread_rwlock_unlock(&a->lock);
    if (st != PT_OK) pt_http_problem(rq, 404, "no-such-device", "no device '%.*s'", PT_SLICE_ARGS(device));
    else reply_ok(rq, on ? "on" : "off");
}

static void post_offline(void *ctx, pt_http_request *rq)
{
    switch_device(ctx, rq, false);
}
static void post_online(void *ctx, pt_http_request *rq)
{
    switch_device(ctx, rq, true);
}

static void post_rebirth(void *ctx, pt_http_request *rq)
{
    edge_app *a = ctx;
    edge_node_request_rebirth(a->node);
    edge_link_wake(a->link);
    reply_ok(rq, "requested");
}

static void get_metrics(void *ctx, pt_http_request *rq)
{
    edge_app *a = ctx;
    pt_buf out;
    pt_buf_init(&out, 16u << 20);
    pt_metrics_text(a->metrics, &out);
    pt_http_reply(rq, pt_buf_status(&out) == PT_OK ? 200 : 500, "text/plain; version=0.0.4", pt_buf_view(&out));
    pt_buf_fini(&out);
}

static void get_health(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    pt_http_reply(rq, 200, "text/plain", PT_LIT("ok\n"));
}

static void single(pt_buf *out, const char *name, const char *type, const char *help, double v)
{
    pt_metrics_head(out, name, type, help);
    pt_metrics_sample(out, name, NULL, v);
}

static void collect(void *ctx, pt_buf *out)
{
    edge_app *a = ctx;
    edge_node_stats n;
    edge_link_stats l;
    edge_node_stats_get(a->node, &n);
    edge_link_stats_get(a->link, &l);
    single(out, "plantree_edge_online", "gauge", "1 while births are published and data flows.", n.state == EDGE_ONLINE);
    single(out, "plantree_edge_tags", "gauge", "Metrics of the node and its devices.", n.metrics);
    single(out, "plantree_edge_samples_read_total", "counter", "Values read from drivers.", (double)n.samples_in);
    single(out, "plantree_edge_samples_unchanged_total", "counter", "Values not reported: inside their band.", (double)n.samples_filtered);
    single(out, "plantree_edge_samples_sent_total", "counter", "Values published live.", (double)n.samples_sent);
    single(out, "plantree_edge_samples_historical_total", "counter", "Values published as historical.", (double)n.samples_historical);
    single(out, "plantree_edge_samples_stored_total", "counter", "Values stored while they could not be sent.", (double)n.samples_stored);
    pt_metrics_head(out, "plantree_edge_samples_dropped_total", "counter", "Values lost, by reason.");
    pt_metrics_sample(out, "plantree_edge_samples_dropped_total", "reason=\"memory\"", (double)n.dropped_ring);
    pt_metrics_sample(out, "plantree_edge_samples_dropped_total", "reason=\"journal\"", (double)n.dropped_journal);
    pt_metrics_sample(out, "plantree_edge_samples_dropped_total", "reason=\"unknown-metric\"", (double)n.dropped_unknown);
    edge_spool_stats sp;
    edge_spool_stats_get(a->spool, &sp);
    pt_metrics_sample(out, "plantree_edge_samples_dropped_total", "reason=\"spool-overflow\"", (double)sp.dropped_overflow);
    pt_metrics_sample(out, "plantree_edge_samples_dropped_total", "reason=\"spool-age\"", (double)sp.dropped_age);
    pt_metrics_sample(out, "plantree_edge_samples_dropped_total", "reason=\"spool-memory\"", (double)sp.dropped_memory);
    single(out, "plantree_edge_spool_pending_samples", "gauge", "Stored samples that wait to be sent.", (double)sp.pending_samples);
    single(out, "plantree_edge_spool_bytes", "gauge", "Bytes of stored samples, delivered ones included.", (double)sp.stored_bytes);
    single(out, "plantree_edge_spool_failing", "gauge", "1 while the spool cannot be written.", sp.failing);
    single(out, "plantree_edge_queue_bytes", "gauge", "Values waiting in memory.", (double)n.ring_bytes);
    single(out, "plantree_edge_births_total", "counter", "Complete birth sequences.", (double)n.births);
    single(out, "plantree_edge_rebirth_requests_total", "counter", "Rebirth requests received.", (double)n.session.rebirth_requests);
    single(out, "plantree_edge_commands_total", "counter", "Writes accepted.", (double)n.commands);
    single(out, "plantree_edge_commands_refused_total", "counter", "Writes refused.", (double)n.commands_refused);
    single(out, "plantree_edge_bad_messages_total", "counter", "Messages that do not parse.", (double)n.messages_bad);
    single(out, "plantree_mqtt_connects_total", "counter", "Connections made.", (double)l.mqtt.connects);
    single(out, "plantree_mqtt_losses_total", "counter", "Connections lost.", (double)l.mqtt.losses);
    single(out, "plantree_mqtt_connect_failures_total", "counter", "Attempts that failed.", (double)l.mqtt.failures);
    single(out, "plantree_mqtt_messages_sent_total", "counter", "Messages published.", (double)l.mqtt.messages_out);
    single(out, "plantree_mqtt_bytes_sent_total", "counter", "Payload bytes published.", (double)l.mqtt.bytes_out);
    single(out, "plantree_mqtt_send_pending", "gauge", "Messages handed to the client and not yet done.", l.mqtt.send_pending);
    pthread_rwlock_rdlock(&a->lock);
    static const char *const heads[][2] = { { "plantree_edge_device_online", "gauge" },
                                            { "plantree_edge_driver_requests_total", "counter" },
                                            { "plantree_edge_driver_exceptions_total", "counter" },
                                            { "plantree_edge_driver_timeouts_total", "counter" },
                                            { "plantree_edge_driver_errors_total", "counter" },
                                            { "plantree_edge_poll_seconds", "gauge" } };
    static const char *const helps[] = {
        "1 while the device answers.",        "Requests to the PLC.",        "Exceptions it answered.", "Requests without an answer.",
        "Failed connections and bad frames.", "How long the last poll took."
    };
    for (size_t h = 0; h < PT_COUNT_OF(heads); h++) {
        pt_metrics_head(out, heads[h][0], heads[h][1], helps[h]);
        for (uint32_t i = 0; i < edge_poller_devices(a->poller); i++) {
            edge_poller_stats s;
            pt_buf label;
            edge_poller_stats_get(a->poller, i, &s);
            double v[] = { edge_node_device_is_online(a->node, s.device),
                           (double)s.io.requests,
                           (double)s.io.exceptions,
                           (double)s.io.timeouts,
                           (double)s.io.errors,
                           (double)s.last_poll_us / 1e6 };
            pt_buf_init(&label, 4096);
            pt_metrics_label(&label, "device", pt_cstr(s.id), true);
            pt_buf_char(&label, 0);
            if (pt_buf_status(&label) == PT_OK) pt_metrics_sample(out, heads[h][0], label.ptr, v[h]);
            pt_buf_fini(&label);
        }
    }
    pthread_rwlock_unlock(&a->lock);
}

static const char *const tags_query[] = { "device", NULL };
static const char *const no_query[] = { NULL };
static const pt_http_route routes[] = {
    { "GET", "/api/v1/status", get_status, no_query },
    { "GET", "/api/v1/tags", get_tags, tags_query },
    { "PUT", "/api/v1/tags/{device}/{tag...}", put_tag_value, no_query },
    { "POST", "/api/v1/devices/{device}/offline", post_offline, no_query },
    { "POST", "/api/v1/devices/{device}/online", post_online, no_query },
    { "POST", "/api/v1/rebirth", post_rebirth, no_query },
    { "GET", "/metrics", get_metrics, no_query },
    { "GET", "/healthz", get_health, no_query },
};

static const char *const vital[] = { "/healthz", "/metrics", NULL };

pt_status edge_app_http_start(edge_app *a, pt_error *err)
{
    pt_http_options o = { .listen = a->file->c.http.listen,
                          .max_body = 64 * 1024,
                          .max_connections = 256,
                          .connections_per_address = 64,
                          .max_waiting = WRITES_WAIT_MAX,
                          .threads = 2,
                          .vital = vital,
                          .server_name = "plantree-edge/" PLANTREE_VERSION };
    pt_status st = pt_metrics_collect(a->metrics, collect, a);
    if (st != PT_OK) return pt_fail(err, st, "out of memory");
    if (!o.listen || !*o.listen) return PT_OK;
    return pt_http_start(&o, routes, PT_COUNT_OF(routes), a, a->metrics, a->clock, a->log, &a->http, &a->http_port, err);
}
