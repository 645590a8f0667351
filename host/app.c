/* host/app.c -- putting it together and taking it apart. */
#include "host/app.h"

#include "host/web/assets.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <errno.h>

enum { HTTP_CONNECTIONS = 512 }; /* half of the descriptors a process usually has */

/* ---- what ingest tells us ------------------------------------------------------------------------ */

static void on_values(void *ctx, const uns_update *u, size_t n)
{
    host_app *app = ctx;
    host_writes_see(app->writes, u, n);
    host_live_values(app->live, u, n);
}

static void on_tags(void *ctx, const uint32_t *ids, size_t n)
{
    host_app *app = ctx;
    host_live_tags(app->live, ids, n);
}

static void live_event(host_app *app, const char *type, pt_slice node, pt_slice device, int64_t at_ms, pt_slice detail)
{
    pt_buf b;
    pt_json j;
    pt_buf_init(&b, 1u << 20);
    pt_json_init(&j, &b);
    pt_json_object(&j);
    pt_json_member_i64(&j, "time_ms", at_ms);
    pt_json_member_cstr(&j, "type", type);
    pt_json_member_str(&j, "node", node);
    pt_json_member_str(&j, "device", device.len ? device : PT_NONE);
    pt_json_member_null(&j, "path");
    pt_json_key(&j, "detail");
    pt_json_raw(&j, detail);
    pt_json_end_object(&j);
    if (pt_buf_status(&b) == PT_OK) host_live_text(app->live, "event", pt_buf_view(&b));
    pt_buf_fini(&b);
}

static void on_event(void *ctx, host_event_type type, pt_slice node, pt_slice device, int64_t at_ms, pt_slice detail)
{
    live_event(ctx, host_event_type_name(type), node, device, at_ms, detail);
}

static void on_state(void *ctx, pt_slice node, pt_slice device, bool online, int64_t at_ms, const char *reason)
{
    host_app *app = ctx;
    pt_buf b;
    pt_json j;
    pt_buf_init(&b, 16384);
    pt_json_init(&j, &b);
    pt_json_array(&j);
    pt_json_object(&j);
    pt_json_member_str(&j, "node", node);
    if (device.len) pt_json_member_str(&j, "device", device);
    pt_json_member_cstr(&j, "state", online ? "online" : "offline");
    pt_json_member_i64(&j, "at", at_ms);
    pt_json_member_cstr(&j, "reason", reason);
    pt_json_end_object(&j);
    pt_json_end_array(&j);
    if (pt_buf_status(&b) == PT_OK) host_live_text(app->live, "state", pt_buf_view(&b));
    pt_buf_fini(&b);
}

static pt_status send_command(void *ctx, uint16_t server, pt_slice topic, pt_slice payload)
{
    host_app *app = ctx;
    if (server >= app->n_sessions) return PT_ESTATE;
    return host_session_command(app->sessions[server], topic, payload);
}

static pt_status on_command(void *ctx, uint16_t server, pt_slice topic, pt_slice payload)
{
    host_app *app = ctx;
    pt_status st = send_command(app, server, topic, payload);
    if (st != PT_OK) pt_logf(app->log, PT_LOG_WARN, "HOST-COMMAND", "%.*s could not be sent: %s", PT_SLICE_ARGS(topic), pt_status_name(st));
    return st;
}

static void on_write(void *ctx, pt_slice json)
{
    host_app *app = ctx;
    host_live_text(app->live, "write", json);
}

static void on_session_event(void *ctx, host_event_type type, uint16_t server, const char *text)
{
    host_app *app = ctx;
    pt_buf b;
    pt_json j;
    pt_buf_init(&b, 4096);
    pt_json_init(&j, &b);
    pt_json_object(&j);
    pt_json_member_cstr(&j, "host", app->config->host.id);
    pt_json_member_u64(&j, "server", server);
    pt_json_member_cstr(&j, "text", text);
    pt_json_end_object(&j);
    int64_t now = pt_wall_ms(app->clock);
    hist_event e = { .time_ms = now, .type = pt_cstr(host_event_type_name(type)), .detail = pt_buf_view(&b) };
    pt_status st = hist_event_append(app->history, &e);
    if (st != PT_OK) pt_logf(app->log, PT_LOG_WARN, "HOST-EVENT-LOST", "%s: %s", host_event_type_name(type), pt_status_name(st));
    live_event(app, host_event_type_name(type), PT_NONE, PT_NONE, now, pt_buf_view(&b));
    pt_buf_fini(&b);
}

static void on_state_timestamp(void *ctx, uint16_t server, int64_t t)
{
    host_app *app = ctx;
    host_sessions_state_used(app->saved, ((const char *const *)app->config->mqtt.servers.items)[server], t);
}

/* ---- the tree of before ---------------------------------------------------------------------------- */

typedef struct loading {
    host_app *app;
    pt_arena arena;
    uint64_t tags, values;
    int64_t now_ms;
} loading;

static bool load_tag(void *ctx, const hist_tag *tag)
{
    loading *l = ctx;
    bool plumbing = tag->key.device.len
                        ? pt_slice_starts(tag->key.metric, PT_LIT("Device Control/"))
                        : pt_slice_eq_cstr(tag->key.metric, "bdSeq") || pt_slice_starts(tag->key.metric, PT_LIT("Node Control/")) ||
                              pt_slice_starts(tag->key.metric, PT_LIT("Properties/"));
    uns_tag_def def = { .tag_id = tag->tag_id,
                        .path = tag->path,
                        .group = tag->key.group,
                        .edge = tag->key.edge,
                        .device = tag->key.device,
                        .metric = tag->key.metric,
                        .type = tag->type,
                        .unit = tag->unit,
                        .cls = UNS_FUNCTIONAL,
                        .hidden = plumbing };
    if (uns_tag_put(l->app->tree, &def) != PT_OK) return true;
    l->tags++;
    uns_stale(l->app->tree, &tag->tag_id, 1, l->now_ms); /* away, as far as is known, since now */
    hist_sample s;
    pt_arena_reset(&l->arena);
    if (hist_value_at(l->app->history, hist_of_tag(tag->tag_id), l->now_ms, &l->arena, &s) != PT_OK) return true;
    uns_update u = { .tag_id = tag->tag_id, .quality = SPB_STALE, .time_ms = s.time_ms };
    hist_sample_value(&s, &u.value);
    uns_apply(l->app->tree, &u, 1);
    l->values++;
    return true;
}

/* What was known before the restart is there at once, as stale. */
static void load_tree(host_app *app)
{
    loading l = { .app = app, .now_ms = pt_wall_ms(app->clock) };
    pt_arena_init(&l.arena, 256u << 20);
    pt_status st = hist_tag_each(app->history, load_tag, &l);
    pt_arena_fini(&l.arena);
    if (st != PT_OK) pt_logf(app->log, PT_LOG_WARN, "HOST-LOAD", "the tags of before could not all be read: %s", pt_status_name(st));
    else if (l.tags)
        pt_logf(app->log, PT_LOG_INFO, "HOST-LOAD", "%llu tags known, %llu with a last value", (unsigned long long)l.tags,
                (unsigned long long)l.values);
}

/* Rules count for every tag there is, also of nodes that are gone for good. */
static void place_known(host_app *app, const uns_map *map)
{
    host_paths_moved m;
    pt_status st = host_ingest_place(app->ingest, map, &m);
    if (st != PT_OK)
        pt_logf(app->log, PT_LOG_ERROR, "UNS-RULES", "known tags could not all be placed by the rules: %s", pt_status_name(st));
    if (m.left || m.placed || m.waiting)
        pt_logf(
            app->log, PT_LOG_INFO, "UNS-RULES",
            "by the rules %llu tags left their paths, %llu have one now, %llu wait for one that another tag has; %llu move with their births",
            (unsigned long long)m.left, (unsigned long long)m.placed, (unsigned long long)m.waiting, (unsigned long long)m.left_alone);
}

/* ---- opening --------------------------------------------------------------------------------------- */

static bool is_active(const host_config *c)
{
    return c->host.role != HOST_PASSIVE;
}

static host_paths_options paths_options(const host_config *c)
{
    return (host_paths_options){ .adopt = c->uns.on_takeover == HOST_TAKEOVER_ADOPT, .takeover_after_ms = c->uns.takeover_after_ms };
}

static void tracker_options(const host_config *c, host_tracker_options *o)
{
    host_tracker_options_init(o);
    o->reorder_timeout_ms = c->sparkplug.reorder_timeout_ms;
    o->reorder_bytes = c->sparkplug.reorder_bytes;
    o->rebirth_per_node_ms = c->sparkplug.rebirth.per_node_ms;
    o->rebirth_max_ms = c->sparkplug.rebirth.max_ms;
    o->rebirth_jitter_ms = c->sparkplug.rebirth.jitter_ms;
    o->rebirth_global_per_s = c->sparkplug.rebirth.global_per_s;
    o->birth_wait_ms = c->sparkplug.birth_wait_ms;
    o->silence_ms = c->sparkplug.silence_ms;
    o->clock_skew_ms = c->sparkplug.clock_skew_ms;
    o->commands = is_active(c);
    o->cmd_datatype = c->sparkplug.cmd_datatype;
    o->nodes_max = (uint32_t)c->sparkplug.limits.nodes;
    o->devices_max = (uint32_t)c->sparkplug.limits.devices;
    o->metrics_max = (uint32_t)c->sparkplug.limits.metrics;
    o->limits.payload_bytes = (size_t)c->sparkplug.payload_bytes;
}

static void writes_options(const host_config *c, host_writes_options *o)
{
    *o = (host_writes_options){ .allowed = is_active(c) && c->writes.enabled,
                                .not_allowed = is_active(c) ? "writes are switched off (writes.enabled)"
                                                            : "this host is passive (host.role): it sends nothing to the plant",
                                .confirm_ms = c->writes.confirm_ms,
                                .cmd_datatype = c->sparkplug.cmd_datatype,
                                .cmd_alias = c->sparkplug.cmd_alias,
                                .uint32_long = c->sparkplug.uint32_encoding == HOST_UINT32_LONG };
}

static pt_status open_history(host_app *app, pt_error *err)
{
    const host_config *c = app->config;
    hist_options o;
    hist_options_init(&o);
    o.dir = c->data.dir;
    o.commit_interval_ms = c->data.commit_interval_ms;
    o.synchronous = (hist_synchronous)c->data.synchronous;
    o.buffer_bytes = c->data.buffer_bytes;
    o.pending_bytes = c->data.pending_bytes;
    o.retention_age_ms = c->data.retention.age_ms;
    o.retention_bytes = c->data.retention.bytes;
    o.log_age_ms = c->data.change_log.age_ms;
    o.log_bytes = c->data.change_log.bytes;
    o.n_deviations = c->data.deviation.n;
    hist_deviation *deviations = calloc(o.n_deviations + 1, sizeof *deviations);
    if (!deviations) return pt_fail(err, PT_ENOMEM, "out of memory");
    for (size_t i = 0; i < o.n_deviations; i++) {
        const host_deviation *d = &((const host_deviation *)c->data.deviation.items)[i];
        deviations[i] = (hist_deviation){ .tags = d->tags,
                                          .exc_min_ms = d->exc_min_ms,
                                          .exc_max_ms = d->exc_max_ms,
                                          .comp_min_ms = d->comp_min_ms,
                                          .comp_max_ms = d->comp_max_ms };
        deviations[i].exc_dev = d->exc_dev == d->exc_dev ? d->exc_dev : d->exc_dev_percent * d->span / 100;
        deviations[i].comp_dev = d->comp_dev == d->comp_dev ? d->comp_dev : d->comp_dev_percent * d->span / 100;
    }
    o.deviations = deviations;
    /* /var/lib/plantree or demo-data/host: the parents may be missing on a first start */
    char path[4096];
    int n = snprintf(path, sizeof path, "%s", o.dir);
    for (int i = 1; i > 0 && i < n && n < (int)sizeof path; i++) {
        if (path[i] != '/') continue;
        path[i] = '\0';
        if (mkdir(path, 0755) != 0 && errno != EEXIST) break; /* hist_open says what is wrong */
        path[i] = '/';
    }
    pt_status st = hist_open(&o, app->clock, app->log, &app->history, err);
    free(deviations); /* hist_open copies */
    return st;
}

static pt_status open_session(host_app *app, uint32_t i, pt_error *err)
{
    const host_config *c = app->config;
    char id[300];
    const char *base = c->mqtt.client_id ? c->mqtt.client_id : NULL;
    if (base) snprintf(id, sizeof id, i ? "%s-%u" : "%s", base, i + 1);
    else snprintf(id, sizeof id, i ? "plantree-host-%s-%u" : "plantree-host-%s", c->host.id, i + 1);
    app->client_ids[i] = pt_slice_dup(pt_cstr(id));
    if (!app->client_ids[i]) return PT_ENOMEM;
    host_session_options o = { .index = (uint16_t)i,
                               .server = ((const char *const *)c->mqtt.servers.items)[i],
                               .host_id = c->host.id,
                               .publish_state = c->host.state == HOST_PUBLISH_ALWAYS ||
                                                (c->host.state == HOST_PUBLISH_AUTO && c->host.role == HOST_PRIMARY),
                               .legacy_state = c->sparkplug.legacy_state,
                               .hold_off_ms = c->sparkplug.hold_off_ms,
                               .last_t = host_sessions_state(app->saved, ((const char *const *)c->mqtt.servers.items)[i]) };
    spb_mqtt_options_init(&o.mqtt);
    o.mqtt.client_id = app->client_ids[i];
    o.mqtt.version = c->mqtt.version == HOST_MQTT_5 ? 5 : 3;
    o.mqtt.keep_alive_ms = c->mqtt.keep_alive_ms;
    o.mqtt.reconnect_min_ms = c->mqtt.reconnect_min_ms;
    o.mqtt.reconnect_max_ms = c->mqtt.reconnect_max_ms;
    o.mqtt.user = c->mqtt.user;
    o.mqtt.password = app->password;
    o.mqtt.tls_ca = c->mqtt.tls.ca;
    o.mqtt.tls_cert = c->mqtt.tls.cert;
    o.mqtt.tls_key = c->mqtt.tls.key;
    o.mqtt.tls_key_password = app->key_password;
    o.mqtt.tls_insecure = c->mqtt.tls.insecure;
    o.mqtt.read_ahead = true;
    o.mqtt.random_seed = (uint64_t)pt_wall_ms(app->clock) + i;
    host_session_callbacks cb = { .ctx = app, .event = on_session_event, .timestamp = on_state_timestamp };
    pt_status st = host_session_new(&o, app->ingest, &cb, app->clock, app->log, &app->sessions[i], err);
    if (st == PT_OK) app->n_sessions = i + 1;
    return st;
}

pt_status host_app_open(host_app *app, const host_config *config, const pt_clock *clock, const pt_log *log, pt_error *err)
{
    memset(app, 0, sizeof *app);
    app->config = config;
    app->clock = clock;
    app->log = log;
    app->started_ms = pt_wall_ms(clock);
    app->started_mono = pt_mono_ms(clock);
    app->turned_mono = app->started_mono;
    pt_status st = open_history(app, err);
    if (st == PT_OK) st = host_audit_open(config->data.dir, &app->audit, err);
    if (st == PT_OK && config->mqtt.password) st = pt_config_secret(config->mqtt.password, &app->password, err);
    if (st == PT_OK && config->mqtt.tls.key_password) st = pt_config_secret(config->mqtt.tls.key_password, &app->key_password, err);
    if (st == PT_OK) st = pt_metrics_new(&app->metrics);
    if (st == PT_OK) st = pt_metrics_collect(app->metrics, host__collect_metrics, &app->parts);
    if (st == PT_OK) st = uns_tree_new(&app->tree);
    if (st == PT_OK) st = host_live_new(app->tree, clock, &app->live);
    if (st == PT_OK) {
        load_tree(app);
        host_writes_options w;
        writes_options(config, &w);
        st = host_writes_new(&w, app->tree, app->history, app->audit, send_command, app, on_write, app, clock, log, &app->writes);
    }
    if (st == PT_OK) {
        host_ingest_options o;
        host_ingest_options_init(&o);
        o.shards = (uint32_t)config->ingest.shards;
        o.queue_bytes = config->ingest.queue_bytes;
        o.full_wait_ms = config->ingest.full_wait_ms;
        o.queue_wait_ms = config->ingest.queue_wait_ms;
        o.map = config->map;
        o.conformance = config->sparkplug.conformance;
        o.paths = paths_options(config);
        tracker_options(config, &o.tracker);
        o.tracker.seed = (uint64_t)app->started_ms;
        host_outputs out = {
            .ctx = app, .values = on_values, .tags = on_tags, .event = on_event, .state = on_state, .command = on_command
        };
        st = host_ingest_new(&o, app->tree, app->history, &out, clock, log, &app->ingest);
    }
    if (st == PT_OK) place_known(app, config->map);
    if (st == PT_OK) host_writes_bind(app->writes, app->ingest);
    if (st == PT_OK) st = host_writes_close_killed(app->writes, NULL, err);
    if (st == PT_OK) st = host_sessions_new(config->data.dir, app->ingest, app->history, clock, log, &app->saved);
    if (st == PT_OK) (void)host_sessions_load(app->saved); /* none is no fault */
    for (uint32_t i = 0; st == PT_OK && i < config->mqtt.servers.n; i++)
        st = open_session(app, i, err);
    if (st == PT_OK && config->mqtt.embedded_broker)
        st = host_broker_new(((const char *const *)config->mqtt.servers.items)[0], config->data.dir, clock, log, &app->broker, err);
    if (st != PT_OK) {
        if (err && !err->text[0]) pt_fail(err, st, "%s", pt_status_name(st));
        pt_error ignored;
        (void)host_app_stop(app, &ignored);
    }
    return st;
}

/* All of it stands until the server has stopped. */
static void lend_parts(host_app *app)
{
    const host_config *c = app->config;
    app->parts = (host_parts){ .clock = app->clock,
                               .log = app->log,
                               .metrics = app->metrics,
                               .tree = app->tree,
                               .history = app->history,
                               .ingest = app->ingest,
                               .live = app->live,
                               .audit = app->audit,
                               .writes = app->writes,
                               .sessions = app->sessions,
                               .n_sessions = app->n_sessions,
                               .host_id = c->host.id,
                               .role = host_role_name((host_role)c->host.role),
                               .data_dir = c->data.dir,
                               .started_ms = app->started_ms,
                               .started_mono = app->started_mono,
                               .turned_mono = &app->turned_mono };
}

pt_status host_app_start(host_app *app, pt_error *err)
{
    lend_parts(app);
    pt_status st = host_ingest_start(app->ingest);
    if (st == PT_OK) st = host_sessions_start(app->saved);
    if (st != PT_OK) return pt_fail(err, st, "the ingest threads could not be started");
    pt_http_options o = { .listen = app->config->http.listen,
                          .max_body = 1u << 20,
                          .max_connections = HTTP_CONNECTIONS,
                          .threads = 16, /* questions of history read disks */
                          .connections_per_address = (uint32_t)app->config->http.connections_per_address,
                          .max_waiting = HTTP_CONNECTIONS,
                          .vital = host__vital_routes,
                          .server_name = "plantree-host/" PLANTREE_VERSION };
    st = pt_http_start(&o, host__routes, host__n_routes, &app->parts, app->metrics, app->clock, app->log, &app->http, &app->http_port, err);
    if (st != PT_OK) return st;
    if (app->broker) (void)host_broker_wait(app->broker, 3000); /* the sessions keep trying if it is not there yet */
    for (uint32_t i = 0; i < app->n_sessions; i++)
        if ((st = host_session_start(app->sessions[i])) != PT_OK) return pt_fail(err, st, "the MQTT session could not be started");
    pt_logf(app->log, PT_LOG_INFO, "HOST-START", "plantree-host " PLANTREE_VERSION ", host id %s, data %s, http port %u, %u server%s",
            app->config->host.id, app->config->data.dir, app->http_port, app->n_sessions, app->n_sessions == 1 ? "" : "s");
    return PT_OK;
}

void host_app_tick(host_app *app)
{
    app->turned_mono = pt_mono_ms(app->clock);
    for (uint32_t i = 0; i < app->n_sessions; i++)
        host_session_tick(app->sessions[i]);
    host_writes_tick(app->writes);
    if (app->broker) host_broker_tick(app->broker);
}

void host_app_reload(host_app *app, const host_config *c)
{
    const host_config *old = app->config;
    pt_buf later;
    pt_buf_init(&later, 4096);
    host_config_at_start(old, c, &later);
    if (later.len)
        pt_logf(app->log, PT_LOG_WARN, "HOST-RELOAD", "these settings have changed and are taken at the next start only: %.*s",
                PT_SLICE_ARGS(pt_buf_view(&later)));
    pt_buf_fini(&later);
    host_tracker_options t;
    tracker_options(c, &t);
    t.commands = is_active(old);
    t.seed = (uint64_t)app->started_ms;
    host_paths_options paths = paths_options(c);
    host_ingest_configure(app->ingest, &t, &paths);
    host_writes_options w;
    writes_options(c, &w);
    w.allowed = w.allowed && is_active(old);
    host_writes_configure(app->writes, &w);
    place_known(app, c->map);
    pt_status remapped = host_ingest_remap(app->ingest, c->map);
    if (remapped != PT_OK) pt_logf(app->log, PT_LOG_ERROR, "HOST-RELOAD", "mapping rules: %s", pt_status_name(remapped));
    pt_logf(app->log, PT_LOG_INFO, "HOST-RELOAD", "the other sparkplug, writes, uns and rules settings are taken over");
    (void)host_audit_note(app->audit, app->clock, app->log, PT_NONE, "config-reload", PT_NONE,
                          remapped == PT_OK ? "done" : pt_status_name(remapped));
    int64_t now = pt_wall_ms(app->clock);
    hist_event e = { .time_ms = now, .type = PT_LIT("config-reload"), .detail = PT_LIT("{}") };
    pt_status st = hist_event_append(app->history, &e);
    if (st != PT_OK) pt_logf(app->log, PT_LOG_WARN, "HOST-EVENT-LOST", "config-reload: %s", pt_status_name(st));
    live_event(app, "config-reload", PT_NONE, PT_NONE, now, PT_LIT("{}"));
}

pt_status host_app_stop(host_app *app, pt_error *err)
{
    pt_status st = PT_OK;
    if (app->writes) host_writes_stop(app->writes); /* while audit, history and HTTP can still be told */
    for (uint32_t i = 0; i < app->n_sessions; i++)
        host_session_stop(app->sessions[i], 2000);
    if (app->ingest) host_ingest_stop(app->ingest);
    host_sessions_stop(app->saved);
    pt_http_stop(app->http);
    app->http = NULL;
    if (app->history) st = hist_close(app->history, 10000, err);
    app->history = NULL;
    for (uint32_t i = 0; i < app->n_sessions; i++)
        host_session_free(app->sessions[i]);
    for (uint32_t i = 0; i < HOST_SERVERS_MAX; i++)
        free(app->client_ids[i]);
    host_sessions_free(app->saved);
    host_ingest_free(app->ingest);
    host_writes_free(app->writes);
    host_audit_close(app->audit);
    host_live_free(app->live);
    uns_tree_free(app->tree);
    host_broker_free(app->broker);
    pt_metrics_free(app->metrics);
    free(app->password);
    free(app->key_password);
    memset(app, 0, sizeof *app);
    return st;
}
