/* edge-node/app.c -- see app.h. Start order: lock, configuration, model, node, poller, status page, link. Stop order: poller, link
 * (deaths), the rest. */
#include "edge-node/app.h"

#include "base/daemon/program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define STOP_WAIT_MS 3000
#define YEAR_2020_MS 1577836800000ll

static pt_status make_dir(const char *path, pt_error *err)
{
    char part[512];
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part) return pt_fail(err, PT_ETOOBIG, "spool.dir is too long");
    for (char *p = part + 1;; p++) {
        char stop = *p;
        if (stop != '/' && stop) continue;
        *p = 0;
        if (mkdir(part, 0750) != 0 && errno != EEXIST)
            return pt_fail(err, pt_status_from_errno(errno), "spool.dir %s: %s", part, pt_errno_text(errno));
        *p = stop;
        if (!stop) return PT_OK;
    }
}

static void on_command(void *ctx, const edge_command *c)
{
    edge_app *a = ctx;
    pt_error err = { 0 };
    pthread_rwlock_rdlock(&a->lock);
    pt_status st = PT_ESTATE;
    if (a->poller && edge_node_model_number(a->node) != c->model) /* a reload came between: the index would be another tag's */
        st = pt_fail(&err, PT_ESTATE, "the configuration was replaced meanwhile");
    else if (a->poller) st = edge_poller_write(a->poller, c->metric, c->value, NULL, NULL, &err);
    pthread_rwlock_unlock(&a->lock);
    if (st != PT_OK)
        pt_logf(a->log, PT_LOG_WARN, "EDGE-WRITE-REFUSED", "write not passed on: %s", err.text[0] ? err.text : pt_status_name(st));
}

static pt_status open_spool(edge_app *a, const edge_config *c, pt_error *err)
{
    edge_spool_options o = { .dir = c->spool.dir,
                             .max_bytes = c->spool.max_bytes,
                             .max_age_ms = c->spool.max_age_ms,
                             .drop_newest = c->spool.overflow == EDGE_DROP_NEWEST,
                             .rate = c->spool.rate,
                             .commit_interval_ms = c->spool.commit_interval_ms,
                             .replay_window_ms = 2 * c->mqtt.keep_alive_ms + 5000,
                             .clock = a->clock,
                             .log = a->log };
    return edge_spool_open(&o, &a->spool, err);
}

/* The model with the spool's numbers, which are the same after every restart. */
static pt_status build_setup(edge_app *a, const edge_config_file *file, edge_setup **out, pt_buf *faults)
{
    edge_names names = edge_spool_names(a->spool);
    pt_status st = edge_spool_names_begin(a->spool);
    if (st == PT_OK) st = edge_setup_build(file, &names, a->clock, a->log, out, faults);
    pt_status end = edge_spool_names_end(a->spool);
    if (st == PT_OK && end != PT_OK) {
        edge_setup_free(*out);
        *out = NULL;
        st = end;
    }
    if (st != PT_OK && faults->len == 0)
        pt_buf_printf(faults, "%s:1:1: the spool cannot keep the tags' numbers: %s\n", a->config_path, pt_status_name(st));
    return st;
}

static pt_status start_node(edge_app *a, const edge_config *c, pt_error *err)
{
    edge_node_options o = { .group = c->node.group,
                            .node = c->node.id,
                            .primary_host = c->sparkplug.primary_host,
                            .no_aliases = !c->sparkplug.aliases,
                            .data_datatype = c->sparkplug.data_datatype,
                            .uint32_long = c->sparkplug.uint32_encoding == EDGE_UINT32_LONG,
                            .clock = a->clock,
                            .log = a->log,
                            .transport = edge_link_transport(a->link),
                            .storage = edge_bdseq_file_storage(&a->bdseq),
                            .command = on_command,
                            .command_ctx = a };
    edge_journal journal = edge_spool_journal(a->spool);
    o.journal = &journal;
    o.session = (edge_session_config){ .servers = c->mqtt.servers.n,
                                       .mqtt5 = c->mqtt.version == EDGE_MQTT_5,
                                       .legacy_state = c->sparkplug.legacy_state,
                                       .host_wait_ms = c->sparkplug.host_wait_ms,
                                       .rebirth_debounce_ms = c->sparkplug.rebirth_debounce_ms,
                                       .birth_settle_ms = c->sparkplug.birth_settle_ms,
                                       .accept_older_after_ms = c->sparkplug.accept_older_after_ms };
    size_t size = edge_node_size(&o);
    a->node_memory = calloc(1, size);
    if (!a->node_memory) return pt_fail(err, PT_ENOMEM, "out of memory");
    pt_status st = edge_node_init(a->node_memory, size, &o, a->setup->model, &a->node, err);
    return st == PT_OK ? edge_node_start(a->node, err) : st;
}

static pt_status make_link(edge_app *a, const edge_config *c, pt_error *err)
{
    spb_mqtt_options o;
    char id[1200], *password = NULL, *key_password = NULL;
    spb_mqtt_options_init(&o);
    snprintf(id, sizeof id, "plantree-edge/%s/%s", c->node.group, c->node.id); /* stable and unique */
    o.client_id = c->mqtt.client_id && *c->mqtt.client_id ? c->mqtt.client_id : id;
    o.version = c->mqtt.version == EDGE_MQTT_5 ? 5 : 3;
    o.keep_alive_ms = c->mqtt.keep_alive_ms;
    o.connect_timeout_ms = c->mqtt.connect_timeout_ms;
    o.reconnect_min_ms = c->mqtt.reconnect_min_ms;
    o.reconnect_max_ms = c->mqtt.reconnect_max_ms;
    o.user = c->mqtt.user;
    o.tls_ca = c->mqtt.tls.ca;
    o.tls_cert = c->mqtt.tls.cert;
    o.tls_key = c->mqtt.tls.key;
    o.tls_insecure = c->mqtt.tls.insecure;
    o.random_seed = (uint64_t)pt_mono_us(a->clock) ^ (uint64_t)getpid() << 32;
    pt_status st = PT_OK;
    if (c->mqtt.password) st = pt_config_secret(c->mqtt.password, &password, err);
    if (st == PT_OK && c->mqtt.tls.key_password) st = pt_config_secret(c->mqtt.tls.key_password, &key_password, err);
    o.password = password;
    o.tls_key_password = key_password;
    if (st == PT_OK) st = edge_link_new(&o, (const char *const *)c->mqtt.servers.items, c->mqtt.servers.n, a->clock, a->log, &a->link, err);
    free(password);
    free(key_password);
    return st;
}

static pt_status make_poller(edge_app *a, const edge_setup *s, edge_poller **out, pt_error *err)
{
    edge_poller_options o = { .node = a->node,
                              .clock = a->clock,
                              .log = a->log,
                              .wake = edge_link_wake,
                              .wake_ctx = a->link,
                              .seed = (uint64_t)pt_wall_ms(a->clock) };
    return edge_poller_new(&o, s->devices, s->n_devices, out, err);
}

pt_status edge_app_start(edge_app *a, pt_error *err)
{
    pt_buf faults;
    char lock_path[560];
    pt_buf_init(&faults, 1u << 20);
    pt_buf_init(&a->last_reload_faults, 1u << 20);
    a->lock_fd = -1;
    a->started_ms = pt_wall_ms(a->clock);
    if (a->started_ms < YEAR_2020_MS)
        pt_logf(a->log, PT_LOG_WARN, "EDGE-CLOCK", "the clock says a time before 2020: timestamps will be wrong until it is set");
    if (pthread_rwlock_init(&a->lock, NULL) != 0) return pt_fail(err, PT_ENOMEM, "no lock");
    pt_status st = pt_metrics_new(&a->metrics);
    if (st != PT_OK) return pt_fail(err, st, "out of memory");
    st = edge_config_load(a->config_path, &a->file, &faults);
    if (st == PT_OK) {
        const edge_config *c = &a->file->c;
        a->running = a->file;
        st = make_dir(c->spool.dir, err);
        snprintf(lock_path, sizeof lock_path, "%s/lock", c->spool.dir);
        if (st == PT_OK) st = pt_lock_file(lock_path, &a->lock_fd, err);
        if (st == PT_OK && edge_bdseq_file_init(&a->bdseq, c->spool.dir) != PT_OK) st = pt_fail(err, PT_ETOOBIG, "spool.dir is too long");
        if (st == PT_OK) st = open_spool(a, c, err);
        if (st == PT_OK) st = build_setup(a, a->file, &a->setup, &faults);
    }
    if (faults.len) {
        fprintf(stderr, "%.*s", PT_SLICE_ARGS(pt_buf_view(&faults)));
        pt_fail(err, PT_EINVAL, "the configuration has faults");
        st = PT_EINVAL;
    }
    pt_buf_fini(&faults);
    if (st != PT_OK) return st;
    if ((st = make_link(a, &a->file->c, err)) != PT_OK) return st;
    if ((st = start_node(a, &a->file->c, err)) != PT_OK) return st;
    if ((st = make_poller(a, a->setup, &a->poller, err)) != PT_OK) return st;
    if ((st = edge_app_http_start(a, err)) != PT_OK) return st;
    if (a->http) pt_logf(a->log, PT_LOG_INFO, "EDGE-HTTP", "status on %s (port %u)", a->file->c.http.listen, a->http_port);
    if ((st = edge_spool_start(a->spool, a->node)) != PT_OK) return pt_fail(err, st, "the spool's thread does not start");
    if ((st = edge_link_start(a->link, a->node, err)) != PT_OK) return st;
    st = edge_poller_start(a->poller);
    return st == PT_OK ? PT_OK : pt_fail(err, st, "the driver threads do not start");
}

static void refused(edge_app *a, const pt_buf *faults, const char *why)
{
    pthread_rwlock_wrlock(&a->lock);
    a->reloads_refused++;
    pt_buf_reset(&a->last_reload_faults);
    pt_buf_slice(&a->last_reload_faults, faults->len ? pt_buf_view(faults) : pt_cstr(why));
    pthread_rwlock_unlock(&a->lock);
    pt_slice rest = pt_buf_view(faults), line;
    while (rest.ptr && rest.len && pt_slice_split(&rest, '\n', &line))
        if (line.len) pt_logf(a->log, PT_LOG_ERROR, "EDGE-RELOAD-FAULT", "%.*s", PT_SLICE_ARGS(line));
    pt_logf(a->log, PT_LOG_ERROR, "EDGE-RELOAD-REFUSED", "%s; the previous configuration stays", why);
}

/* What a reload cannot change is said, key by key, and kept. */
static void say_restart(edge_app *a, const edge_config *is)
{
    pt_buf keys;
    pt_buf_init(&keys, 16384);
    edge_config_fixed_changes(&a->running->c, is, &keys);
    if (keys.len)
        pt_logf(a->log, PT_LOG_WARN, "EDGE-RELOAD-RESTART", "these changes need a restart and were not taken: %.*s",
                PT_SLICE_ARGS(pt_buf_view(&keys)));
    pt_buf_fini(&keys);
}

void edge_app_reload(edge_app *a)
{
    pt_buf faults;
    pt_error err = { 0 };
    edge_config_file *file = NULL;
    edge_setup *setup = NULL;
    edge_poller *poller = NULL;
    pt_buf_init(&faults, 1u << 20);
    pt_notify("RELOADING=1");
    pt_status st = edge_config_load(a->config_path, &file, &faults);
    if (st == PT_OK) st = build_setup(a, file, &setup, &faults);
    if (st == PT_OK && (st = make_poller(a, setup, &poller, &err)) != PT_OK) pt_buf_printf(&faults, "%s\n", err.text);
    if (st != PT_OK) {
        refused(a, &faults, "the new configuration has faults");
        edge_setup_free(setup);
        edge_config_free(file);
        pt_buf_fini(&faults);
        pt_notify("READY=1");
        return;
    }
    pt_buf_fini(&faults);
    say_restart(a, &file->c);
    edge_poller_stop(a->poller); /* may wait for a PLC: before the lock, not in it */
    pthread_rwlock_wrlock(&a->lock);
    for (uint32_t i = 0; i < edge_poller_devices(a->poller); i++) { /* what an operator switched off stays off */
        edge_poller_stats was;
        edge_poller_stats_get(a->poller, i, &was);
        uint32_t device = was.off ? edge_model_find_device(setup->model, pt_cstr(was.id)) : UINT32_MAX;
        if (device != UINT32_MAX && edge_poller_switch(poller, device, false) != PT_OK)
            pt_logf(a->log, PT_LOG_WARN, "EDGE-RELOAD-SWITCH", "device %s was switched off and is on again", was.id);
    }
    edge_poller_free(a->poller); /* drivers let go of their connections; values stay */
    edge_model *old = NULL;
    st = edge_node_replace_model(a->node, setup->model, &old);
    edge_setup *gone = st == PT_OK ? a->setup : setup;
    edge_config_file *gone_file = st == PT_OK ? a->file : file;
    if (st == PT_OK) {
        a->setup = setup;
        a->file = file;
    }
    a->poller = poller;
    if (edge_poller_start(poller) != PT_OK) pt_logf(a->log, PT_LOG_ERROR, "EDGE-RELOAD-THREADS", "the driver threads do not start");
    a->reloads++;
    pt_buf_reset(&a->last_reload_faults);
    pthread_rwlock_unlock(&a->lock);
    edge_setup_free(gone);
    if (gone_file != a->running) edge_config_free(gone_file);
    edge_link_wake(a->link);
    pt_logf(a->log, PT_LOG_INFO, "EDGE-RELOADED", "%u devices", setup->n_devices);
    pt_notify("READY=1");
}

void edge_app_stop(edge_app *a)
{
    if (a->poller) edge_poller_stop(a->poller);
    if (a->link && a->node) edge_link_stop(a->link, STOP_WAIT_MS);
    if (a->spool) edge_spool_stop(a->spool);
    if (a->http) pt_http_stop(a->http);
    if (a->poller) edge_poller_free(a->poller);
    if (a->node) edge_node_fini(a->node);
    edge_link_free(a->link);
    edge_spool_close(a->spool);
    edge_setup_free(a->setup);
    if (a->running != a->file) edge_config_free(a->running);
    edge_config_free(a->file);
    if (a->metrics) pt_metrics_free(a->metrics);
    free(a->node_memory);
    pt_buf_fini(&a->last_reload_faults);
    if (a->lock_fd >= 0 && close(a->lock_fd) != 0) pt_logf(a->log, PT_LOG_WARN, "EDGE-LOCK", "lock file: %s", pt_errno_text(errno));
}
