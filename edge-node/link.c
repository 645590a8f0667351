/* edge-node/link.c -- see link.h.
 *
 * Received messages go through a bounded queue to the pump thread; each carries the number of the connection it came over, so that one
 * which waited while the connection changed is dropped: a STATE counts in its own MQTT session only. */
#include "edge-node/link.h"

#include "base/monitor.h"
#include "base/queue.h"
#include "base/thread.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define QUEUE_ITEMS    1000
#define QUEUE_BYTES    (8u << 20)
#define DRAIN_MS       2000
#define STOPPED_ASK_MS 10

typedef struct incoming {
    spb_mqtt_message m;
    uint32_t connection;
} incoming;

struct edge_link {
    spb_mqtt *mqtt;
    edge_node *node;
    char **servers;
    uint32_t n_servers;
    const pt_clock *clock;
    const pt_log *log;
    spb_mqtt_filter filters[8];
    pt_queue *queue;
    _Atomic uint32_t connection;
    _Atomic uint64_t dropped;
    pthread_t pump;
    bool running;
    pt_monitor m; /* guards woken, stop, last_loss */
    bool woken, stop;
    char last_loss[200];
};

/* --- the node's transport; the node's lock is held --- */

static pt_status publish(void *ctx, const char *topic, pt_slice payload, int qos, bool retain)
{
    return spb_mqtt_publish(((edge_link *)ctx)->mqtt, topic, payload, qos, retain, NULL);
}

static void disconnect(void *ctx, bool again, bool with_will)
{
    spb_mqtt_disconnect(((edge_link *)ctx)->mqtt, again, again, with_will, DRAIN_MS);
}

edge_transport edge_link_transport(edge_link *l)
{
    return (edge_transport){ l, publish, disconnect };
}

/* --- the session's callbacks --- */

static pt_status prepare(void *ctx, spb_mqtt_connect *out)
{
    edge_link *l = ctx;
    edge_connect c;
    pt_status st = edge_node_prepare(l->node, &c);
    if (st != PT_OK) return st;
    l->connection++;
    *out = (spb_mqtt_connect){ .server = l->servers[c.server < l->n_servers ? c.server : 0],
                               .will_topic = c.will_topic,
                               .will_payload = c.will_payload,
                               .will_qos = 1,
                               .will_retain = false,
                               .filters = l->filters,
                               .n_filters = c.n_filters };
    for (uint32_t i = 0; i < c.n_filters; i++)
        l->filters[i] = (spb_mqtt_filter){ c.filters[i], 1 };
    return PT_OK;
}

static void connected(void *ctx)
{
    edge_node_connected(((edge_link *)ctx)->node);
}

static void ready(void *ctx)
{
    edge_node_ready(((edge_link *)ctx)->node);
    edge_link_wake(ctx);
}

static void lost(void *ctx, const char *reason)
{
    edge_link *l = ctx;
    bool unsent = spb_mqtt_unsent(l->mqtt); /* no CONNECT was written: its bdSeq can be used again */
    pt_monitor_lock(&l->m);
    snprintf(l->last_loss, sizeof l->last_loss, "%s", reason);
    pt_monitor_unlock(&l->m);
    edge_node_lost(l->node, unsent);
    edge_link_wake(l);
}

static void message(void *ctx, spb_mqtt_message *m)
{
    edge_link *l = ctx;
    incoming *in = malloc(sizeof *in);
    if (in) {
        in->m = *m;
        in->connection = l->connection;
        if (pt_queue_try_push(l->queue, in, spb_mqtt_message_weight(m)) == PT_OK) {
            edge_link_wake(l);
            return;
        }
    }
    free(in);
    spb_mqtt_message_free(m);
    l->dropped++;
}

static void drop(void *item)
{
    incoming *in = item;
    spb_mqtt_message_free(&in->m);
    free(in);
}

/* --- the pump --- */

static void receive_all(edge_link *l)
{
    void *item;
    while (pt_queue_pop(l->queue, &item, 1) == 1) {
        incoming *in = item;
        if (in->connection == l->connection) edge_node_receive(l->node, in->m.topic, in->m.payload, in->m.retained);
        drop(in);
    }
}

static void *pump(void *ctx)
{
    edge_link *l = ctx;
    for (;;) {
        receive_all(l);
        int64_t wait = edge_node_poll(l->node);
        int64_t until = pt_deadline(l->clock, wait);
        pt_monitor_lock(&l->m);
        while (!l->woken && !l->stop && pt_monitor_wait_until(&l->m, l->clock, until)) {}
        l->woken = false;
        bool stop = l->stop;
        pt_monitor_unlock(&l->m);
        if (stop) return NULL;
    }
}

void edge_link_wake(void *link)
{
    edge_link *l = link;
    pt_monitor_lock(&l->m);
    if (!l->woken) {
        l->woken = true;
        pt_monitor_wake_one(&l->m);
    }
    pt_monitor_unlock(&l->m);
}

/* --- life --- */

pt_status edge_link_new(const spb_mqtt_options *options, const char *const *servers, uint32_t n_servers, const pt_clock *clock,
                        const pt_log *log, edge_link **out, pt_error *err)
{
    if (n_servers == 0 || n_servers > EDGE_SERVERS_MAX) return pt_fail(err, PT_EINVAL, "1 to %d servers are needed", EDGE_SERVERS_MAX);
    edge_link *l = calloc(1, sizeof *l);
    if (!l) return pt_fail(err, PT_ENOMEM, "out of memory");
    if (pt_monitor_init(&l->m) != PT_OK) {
        free(l);
        return pt_fail(err, PT_ENOMEM, "no lock");
    }
    l->clock = clock;
    l->log = log;
    pt_status st = pt_queue_new(QUEUE_ITEMS, QUEUE_BYTES, &l->queue);
    l->servers = calloc(n_servers, sizeof *l->servers);
    if (!l->servers) st = PT_ENOMEM;
    for (uint32_t i = 0; st == PT_OK && i < n_servers; i++) {
        l->servers[i] = pt_slice_dup(pt_cstr(servers[i]));
        l->n_servers = i + 1;
        if (!l->servers[i]) st = PT_ENOMEM;
    }
    spb_mqtt_callbacks cb = { .ctx = l, .prepare = prepare, .connected = connected, .ready = ready, .lost = lost, .message = message };
    if (st == PT_OK) st = spb_mqtt_new(options, &cb, clock, log, &l->mqtt, err);
    else pt_fail(err, st, "out of memory");
    if (st != PT_OK) {
        edge_link_free(l);
        return st;
    }
    *out = l;
    return PT_OK;
}

pt_status edge_link_start(edge_link *l, edge_node *node, pt_error *err)
{
    l->node = node;
    pt_status st = pt_thread_start(&l->pump, "pt-edge-pump", 0, pump, l, err);
    if (st != PT_OK) return st;
    l->running = true;
    st = spb_mqtt_start(l->mqtt);
    return st == PT_OK ? PT_OK : pt_fail(err, st, "the MQTT session does not start: %s", pt_status_name(st));
}

void edge_link_stop(edge_link *l, int64_t wait_ms)
{
    if (l->node) {
        edge_node_stop(l->node);
        int64_t until = pt_mono_ms(l->clock) + wait_ms;
        while (edge_node_state(l->node) != EDGE_STOPPED &&
               pt_mono_ms(l->clock) < until) { /* asked without our lock: the node calls us with its own held */
            int64_t again = pt_deadline(l->clock, STOPPED_ASK_MS);
            pt_monitor_lock(&l->m);
            (void)!pt_monitor_wait_until(&l->m, l->clock, again < until ? again : until); /* early is fine */
            pt_monitor_unlock(&l->m);
        }
    }
    pt_monitor_lock(&l->m);
    l->stop = true;
    pt_monitor_wake_one(&l->m);
    pt_monitor_unlock(&l->m);
    if (l->running) pthread_join(l->pump, NULL);
    l->running = false;
    spb_mqtt_stop(l->mqtt, false, 0);
}

void edge_link_free(edge_link *l)
{
    if (!l) return;
    spb_mqtt_free(l->mqtt);
    pt_queue_free(l->queue, drop);
    for (uint32_t i = 0; l->servers && i < l->n_servers; i++)
        free(l->servers[i]);
    free(l->servers);
    pt_monitor_fini(&l->m);
    free(l);
}

void edge_link_stats_get(edge_link *l, edge_link_stats *out)
{
    *out = (edge_link_stats){ .dropped_messages = l->dropped };
    spb_mqtt_stats_get(l->mqtt, &out->mqtt);
    pt_monitor_lock(&l->m);
    memcpy(out->last_loss, l->last_loss, sizeof out->last_loss);
    pt_monitor_unlock(&l->m);
}
