/* host/ingest/ingest.c -- messages to their shards, and what readers and callers want of them. */
#include "host/ingest/shard.h"

#include <stdlib.h>

/* ---- entry points ------------------------------------------------------------------------------ */

void host_ingest_options_init(host_ingest_options *o)
{
    *o = (host_ingest_options){ .shards = 2,
                                .queue_bytes = 256u << 20,
                                .full_wait_ms = 30000,
                                .queue_wait_ms = -1,
                                .paths = { .adopt = true, .takeover_after_ms = 30000 } };
    o->conformance = true;
    host_tracker_options_init(&o->tracker);
}

pt_status host_ingest_new(const host_ingest_options *o, uns_tree *tree, hist *history, const host_outputs *out, const pt_clock *clock,
                          const pt_log *log, host_ingest **ing)
{
    host_ingest *g = calloc(1, sizeof *g);
    if (!g) return PT_ENOMEM;
    g->opt = *o;
    g->tree = tree;
    g->history = history;
    g->out = *out;
    g->clock = clock;
    g->log = log;
    g->n_shards = o->shards ? o->shards : 1;
    g->shards = calloc(g->n_shards, sizeof *g->shards);
    g->paths = host_paths_new(&o->paths, tree, history, clock);
    pt_status st = g->shards && g->paths ? PT_OK : PT_ENOMEM;
    for (uint32_t i = 0; st == PT_OK && i < g->n_shards; i++)
        st = host__shard_init(g, &g->shards[i]);
    if (st != PT_OK) {
        host_ingest_free(g);
        return st;
    }
    *ing = g;
    return PT_OK;
}

pt_status host_ingest_start(host_ingest *g)
{
    for (uint32_t i = 0; i < g->n_shards; i++) {
        pt_status st = host__shard_start(&g->shards[i]);
        if (st != PT_OK) return st;
    }
    return PT_OK;
}

static host__shard *shard_of(host_ingest *g, pt_slice group, pt_slice edge)
{
    return &g->shards[pt_slice_hash(edge, pt_slice_hash(group, 0)) % g->n_shards];
}

static pt_status push_mail(host__shard *s, const host_mail *m, pt_slice topic, pt_slice payload, int64_t timeout_ms)
{
    int64_t waited = 0;
    pt_status st = host_mailbox_push(s->box, m, topic, payload, timeout_ms, &waited);
    if (waited && timeout_ms) {
        s->g->waits++;
        s->g->wait_us += (uint64_t)waited;
    }
    if (st == PT_ENOMEM) pt_logf(s->g->log, PT_LOG_ERROR, "HOST-MEMORY", "no memory for a message of %zu bytes", payload.len);
    return st;
}

void host_ingest_push(host_ingest *g, const host_packet *p)
{
    spb_topic t;
    pt_status st = spb_topic_parse(&spb_namespace_b, p->topic, &t, NULL);
    g->packets++;
    g->bytes += p->topic.len + p->payload.len;
    if (st != PT_OK || t.verb == SPB_STATE) {
        if (st == PT_ENOTFOUND) g->foreign++;
        else if (st != PT_OK) g->bad_topic++;
        else g->state_messages++;
        return;
    }
    host_mail m = { .wall_ms = p->wall_ms, .mono_ms = p->mono_ms, .server = p->server, .retained = p->retained };
    host__shard *s = shard_of(g, t.group, t.edge);
    st = push_mail(s, &m, p->topic, p->payload, s->shedding ? 0 : g->opt.queue_wait_ms);
    s->shedding = st == PT_ETIMEOUT;
    if (st == PT_ECLOSED) {
        g->after_close++;
    } else if (st != PT_OK) {
        g->shed++;
        host__shard_let_go(s, &t);
    }
}

void host_ingest_server(host_ingest *g, uint16_t server, bool ready)
{
    host_mail m = { .control = ready ? HOST__CONTROL_READY : HOST__CONTROL_LOST, .server = server };
    for (uint32_t i = 0; i < g->n_shards; i++)
        (void)push_mail(&g->shards[i], &m, PT_NONE, PT_NONE, -1); /* false only after close */
}

static host__call *call_new(uint32_t shards)
{
    host__call *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    if (pt_monitor_init(&c->m) != PT_OK) {
        free(c);
        return NULL;
    }
    c->left = shards + 1;
    return c;
}

/* Wait for the shards, then give up our share. */
static pt_status call_wait(host__call *c, const pt_clock *clock, int64_t timeout_ms)
{
    int64_t until = pt_deadline(clock, timeout_ms);
    pt_monitor_lock(&c->m);
    while (c->left > 1 && pt_monitor_wait_until(&c->m, clock, until)) {}
    pt_status st = c->left == 1 ? c->status : PT_ETIMEOUT;
    pt_monitor_unlock(&c->m);
    host__call_leave(c);
    return st;
}

pt_status host_ingest_drain(host_ingest *g, int64_t timeout_ms)
{
    host__call *c = call_new(g->n_shards);
    if (!c) return PT_ENOMEM;
    host_mail m = { .control = HOST__CONTROL_CALL, .call = c };
    for (uint32_t i = 0; i < g->n_shards; i++)
        if (push_mail(&g->shards[i], &m, PT_NONE, PT_NONE, timeout_ms) != PT_OK) host__call_leave(c);
    return call_wait(c, g->clock, timeout_ms);
}

pt_status host_ingest_rebirth(host_ingest *g, pt_slice group, pt_slice edge)
{
    host__call *c = call_new(1);
    if (!c) return PT_ENOMEM;
    c->rebirth = true;
    c->status = PT_ETIMEOUT;
    c->group = pt_slice_dup(group);
    c->edge = pt_slice_dup(edge);
    host_mail m = { .control = HOST__CONTROL_CALL, .call = c };
    if (!c->group || !c->edge || push_mail(shard_of(g, group, edge), &m, PT_NONE, PT_NONE, 2000) != PT_OK) host__call_leave(c);
    return call_wait(c, g->clock, 5000);
}

pt_status host_ingest_restore(host_ingest *g, const host_saved *saved)
{
    host__shard *s = shard_of(g, saved->group, saved->edge);
    pthread_mutex_lock(&s->lock);
    pt_status st = host_tracker_restore(s->tracker, saved, pt_wall_ms(g->clock), pt_mono_ms(g->clock), &s->arena);
    pthread_mutex_unlock(&s->lock);
    return st;
}

void host_ingest_close(host_ingest *g)
{
    atomic_store(&g->closed, true);
    for (uint32_t i = 0; i < g->n_shards; i++)
        if (g->shards[i].box) host_mailbox_close(g->shards[i].box);
}

void host_ingest_stop(host_ingest *g)
{
    host_ingest_close(g);
    for (uint32_t i = 0; i < g->n_shards; i++) {
        if (g->shards[i].started) pthread_join(g->shards[i].thread, NULL);
        g->shards[i].started = false;
    }
}

void host_ingest_free(host_ingest *g)
{
    if (!g) return;
    if (g->shards) host_ingest_stop(g);
    for (uint32_t i = 0; g->shards && i < g->n_shards; i++)
        host__shard_fini(&g->shards[i]);
    free(g->shards);
    host_paths_free(g->paths);
    free(g);
}

/* ---- readers ------------------------------------------------------------------------------------ */

static void reader_enter(host__shard *s)
{
    atomic_fetch_add(&s->readers, 1);
    pthread_mutex_lock(&s->lock);
}

static void reader_leave(host__shard *s)
{
    pthread_mutex_unlock(&s->lock);
    atomic_fetch_sub(&s->readers, 1);
}

pt_status host_ingest_place(host_ingest *g, const uns_map *map, host_paths_moved *moved)
{
    return host_paths_rules(g->paths, map, moved);
}

pt_status host_ingest_retire(host_ingest *g, uint32_t tag_id, pt_error *err)
{
    return host_paths_retire(g->paths, tag_id, err);
}

pt_status host_ingest_remap(host_ingest *g, const uns_map *map)
{
    host__call *c = call_new(g->n_shards);
    if (!c) return PT_ENOMEM;
    c->remap = true;
    c->map = map;
    host_mail m = { .control = HOST__CONTROL_CALL, .call = c };
    for (uint32_t i = 0; i < g->n_shards; i++)
        if (push_mail(&g->shards[i], &m, PT_NONE, PT_NONE, -1) != PT_OK) host__call_leave(c);
    return call_wait(c, g->clock, 60000);
}

void host_ingest_nodes(host_ingest *g, void (*see)(void *ctx, const host_node *n), void *ctx)
{
    for (uint32_t i = 0; i < g->n_shards; i++) {
        host__shard *s = &g->shards[i];
        reader_enter(s);
        const host_node *n;
        for (size_t k = 0; (n = host_tracker_at(s->tracker, k)) != NULL; k++)
            see(ctx, n);
        reader_leave(s);
    }
}

pt_status host_ingest_node(host_ingest *g, pt_slice group, pt_slice edge, void (*see)(void *ctx, const host_node *n), void *ctx)
{
    host__shard *s = shard_of(g, group, edge);
    reader_enter(s);
    const host_node *n = host_tracker_find(s->tracker, group, edge);
    if (n) see(ctx, n);
    reader_leave(s);
    return n ? PT_OK : PT_ENOTFOUND;
}

void host_ingest_configure(host_ingest *g, const host_tracker_options *o, const host_paths_options *paths)
{
    host_paths_configure(g->paths, paths);
    host_tracker_options share = *o;
    share.rebirth_global_per_s /= g->n_shards;
    for (uint32_t i = 0; i < g->n_shards; i++) {
        reader_enter(&g->shards[i]);
        host_tracker_configure(g->shards[i].tracker, &share);
        reader_leave(&g->shards[i]);
    }
}

pt_status host_ingest_judged(host_ingest *g, pt_slice group, pt_slice edge, void (*see)(void *ctx, const host_judged *n), void *ctx)
{
    host__shard *s = shard_of(g, group, edge);
    if (!s->conformance) return PT_EUNSUPPORTED;
    reader_enter(s);
    pt_status st = host_conformance_node(s->conformance, group, edge, see, ctx);
    reader_leave(s);
    return st;
}

pt_status host_ingest_judged_each(host_ingest *g, void (*see)(void *ctx, const host_judged *n), void *ctx)
{
    for (uint32_t i = 0; i < g->n_shards; i++) {
        host__shard *s = &g->shards[i];
        if (!s->conformance) return PT_EUNSUPPORTED;
        reader_enter(s);
        host_conformance_each(s->conformance, see, ctx);
        reader_leave(s);
    }
    return PT_OK;
}

void host_ingest_stats_get(host_ingest *g, host_ingest_stats *out)
{
    *out = (host_ingest_stats){ .packets = g->packets,
                                .bytes = g->bytes,
                                .foreign = g->foreign,
                                .bad_topic = g->bad_topic,
                                .state_messages = g->state_messages,
                                .after_close = g->after_close,
                                .waits = g->waits,
                                .wait_us = g->wait_us,
                                .shed = g->shed };
    for (uint32_t i = 0; i < g->n_shards; i++) {
        host__shard *s = &g->shards[i];
        host_tracker_stats t;
        host_mailbox_stats q;
        reader_enter(s);
        host_tracker_stats_get(s->tracker, &t);
        reader_leave(s);
        host_mailbox_stats_get(s->box, &q);
        for (unsigned k = 0; k < SPB_VERB_COUNT; k++)
            out->tracker.messages[k] += t.messages[k];
        for (unsigned k = 0; k < HOST_REJECT_COUNT; k++) {
            out->tracker.rejected_messages[k] += t.rejected_messages[k];
            out->tracker.rejected_samples[k] += t.rejected_samples[k];
        }
        for (unsigned k = 0; k < HOST_CAUSE_COUNT; k++)
            out->tracker.rebirths[k] += t.rebirths[k];
        out->tracker.seq_gaps += t.seq_gaps;
        out->tracker.clamped += t.clamped;
        out->tracker.arrival_stamped += t.arrival_stamped;
        out->tracker.nodes += t.nodes;
        out->tracker.nodes_online += t.nodes_online;
        out->history_waits += s->history_waits;
        out->samples_lost += s->samples_lost;
        out->events_lost += s->events_lost;
        out->marks += s->marks;
        out->quarantined += s->quarantined;
        out->queue_items += q.items;
        out->queue_bytes += q.bytes;
        out->queue_max_bytes += q.max_bytes;
        if (s->lag_ms > out->lag_ms) out->lag_ms = s->lag_ms;
    }
}
