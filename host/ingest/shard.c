/* host/ingest/shard.c -- the thread that owns a share of the nodes: takes what its mailbox holds, runs the tracker over it, stores the
 * batch. */
#include "host/ingest/shard.h"

#include "base/thread.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { IDLE_MS = 500, GATHER_FEW = 8, GATHER_FEW_MS = 1, GATHER_MS = 5, PATHS_MS = 1000 };

void host__nap(int64_t ms)
{
    struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
    nanosleep(&ts, NULL);
}

void host__call_leave(host__call *c)
{
    pt_monitor_lock(&c->m);
    uint32_t left = --c->left;
    if (left == 1) pt_monitor_wake_one(&c->m);
    pt_monitor_unlock(&c->m);
    if (left > 0) return;
    pt_monitor_fini(&c->m);
    free(c->group);
    free(c->edge);
    free(c);
}

static void shard_lock(host__shard *s)
{
    for (int i = 0; i < 1000 && atomic_load(&s->readers) > 0; i++)
        sched_yield();
    pthread_mutex_lock(&s->lock);
}

/* Too many nodes to remember, or no memory: counted in g->shed all the same, and their seq tells. */
void host__shard_let_go(host__shard *s, const spb_topic *t)
{
    enum { NODES_MAX = 20000 };
    char buf[2048];
    if (t->group.len + 1 + t->edge.len > sizeof buf) return;
    memcpy(buf, t->group.ptr, t->group.len);
    buf[t->group.len] = '\0';
    memcpy(buf + t->group.len + 1, t->edge.ptr, t->edge.len);
    pt_slice key = pt_slice_of(buf, t->group.len + 1 + t->edge.len);
    uint64_t n = 0;
    uint32_t held = 0;
    pthread_mutex_lock(&s->shed_lock);
    pt_status st = pt_map_get(&s->shed, key, &n) || s->shed.count < NODES_MAX ? pt_map_put(&s->shed, key, n + 1, NULL) : PT_EFULL;
    bool tell = pt_log_allow(&s->shed_limit, 0, pt_mono_ms(s->g->clock), 10000, &held);
    pthread_mutex_unlock(&s->shed_lock);
    if (st == PT_OK) atomic_store(&s->has_shed, true);
    if (tell)
        pt_logf(s->g->log, PT_LOG_ERROR, "HOST-OVERLOAD",
                "the queue is full: messages are let go, among them of %.*s/%.*s (%u more lines held back)", PT_SLICE_ARGS(t->group),
                PT_SLICE_ARGS(t->edge), held);
}

/* What had to be let go while the mailbox was full comes behind what filled it. */
static void run_shed(host__shard *s)
{
    pt_map gone;
    pt_slice key;
    uint64_t messages;
    size_t it = 0;
    if (!atomic_exchange(&s->has_shed, false)) return;
    pthread_mutex_lock(&s->shed_lock);
    gone = s->shed;
    pt_map_init(&s->shed, PT_MAP_COPY_KEYS);
    pthread_mutex_unlock(&s->shed_lock);
    shard_lock(s);
    while (pt_map_each(&gone, &it, &key, NULL, &messages)) {
        size_t n = strlen(key.ptr);
        if (s->conformance) host_conformance_missed_of(s->conformance, pt_slice_of(key.ptr, n), pt_slice_from(key, n + 1));
        host_tracker_shed(s->tracker, pt_slice_of(key.ptr, n), pt_slice_from(key, n + 1), messages, pt_wall_ms(s->g->clock),
                          pt_mono_ms(s->g->clock));
    }
    pthread_mutex_unlock(&s->lock);
    pt_map_fini(&gone);
    host__shard_store(s);
}

static void run_packet(host__shard *s, const host_mail *mail, pt_slice text, pt_slice payload)
{
    spb_topic topic;
    if (spb_topic_parse(&spb_namespace_b, text, &topic, NULL) != PT_OK) return; /* it parsed when it was pushed */
    host_message m = { .topic = topic,
                       .payload = payload,
                       .wall_ms = mail->wall_ms,
                       .mono_ms = mail->mono_ms,
                       .server = mail->server,
                       .retained = mail->retained };
    host_tracker_message(s->tracker, &m, &s->arena);
}

/* One record; the call it asks for, if any, which is answered after the batch is stored. */
static host__call *run_mail(host__shard *s, const host_mail *m, pt_slice topic, pt_slice payload)
{
    if (m->control == 0) {
        run_packet(s, m, topic, payload);
    } else if (m->control == HOST__CONTROL_CALL) {
        host__call *c = m->call;
        if (c->rebirth)
            c->status =
                host_tracker_rebirth(s->tracker, pt_cstr(c->group), pt_cstr(c->edge), pt_wall_ms(s->g->clock), pt_mono_ms(s->g->clock));
        if (c->remap) {
            s->map = c->map;
            host_tracker_remap(s->tracker, pt_wall_ms(s->g->clock), pt_mono_ms(s->g->clock), &s->arena);
        }
        return c;
    } else {
        int64_t wall = pt_wall_ms(s->g->clock), mono = pt_mono_ms(s->g->clock);
        if (s->conformance) host_conformance_missed(s->conformance); /* between the connections we heard nothing */
        if (m->control == HOST__CONTROL_READY) host_tracker_server_ready(s->tracker, m->server, wall, mono);
        else host_tracker_server_lost(s->tracker, m->server, wall, mono);
    }
    return NULL;
}

/* All that was taken, in batches; what they borrow from `rest` lives until the next take. Returns how many messages there were. */
static size_t run_all(host__shard *s, pt_slice rest)
{
    size_t total = 0;
    int64_t newest = 0;
    while (rest.len) {
        host__call *c = NULL;
        host_mail m;
        pt_slice topic, payload;
        shard_lock(s);
        for (size_t i = 0; i < HOST__BATCH_PACKETS && !c && s->n_samples < HOST__BATCH_UPDATES && s->n_live < HOST__BATCH_UPDATES &&
                           host_mail_next(&rest, &m, &topic, &payload);
             i++) {
            if (m.control == 0) newest = m.mono_ms;
            c = run_mail(s, &m, topic, payload);
            total++;
        }
        pthread_mutex_unlock(&s->lock);
        host__shard_store(s);
        if (c) host__call_leave(c);
    }
    if (newest) s->lag_ms = pt_mono_ms(s->g->clock) - newest;
    return total;
}

static void *shard_main(void *arg)
{
    host__shard *s = arg;
    host_ingest *g = s->g;
    int64_t due = INT64_MAX, paths_due = 0;
    for (;;) {
        int64_t now = pt_mono_ms(g->clock), wait = due == INT64_MAX ? IDLE_MS : due > now ? due - now : 0;
        if (wait > IDLE_MS) wait = IDLE_MS;
        bool closed = false;
        pt_slice mail = host_mailbox_take(s->box, wait, &closed);
        size_t n = run_all(s, mail);
        run_shed(s);
        if (n == 0 && closed) break;
        /* Let the next messages gather: waking a thread for each of them costs ten times what they cost themselves. */
        if (n > 0 && n < HOST__BATCH_PACKETS && !closed) host__nap(n < GATHER_FEW ? GATHER_FEW_MS : GATHER_MS);
        shard_lock(s);
        now = pt_mono_ms(g->clock);
        due = host_tracker_due(s->tracker);
        bool ticked = due <= now;
        if (ticked) {
            host_tracker_tick(s->tracker, pt_wall_ms(g->clock), now, &s->arena);
            due = host_tracker_due(s->tracker);
        }
        if (s == g->shards && paths_due <= now) { /* one of them is enough */
            host__shard_paths(s);
            paths_due = now + PATHS_MS;
            ticked = true;
        }
        pthread_mutex_unlock(&s->lock);
        if (ticked) host__shard_store(s);
    }
    return NULL;
}

pt_status host__shard_init(host_ingest *g, host__shard *s)
{
    s->g = g;
    s->map = g->opt.map;
    pt_arena_init(&s->arena, 1024u << 20);
    pt_map_init(&s->shed, PT_MAP_COPY_KEYS);
    if (pthread_mutex_init(&s->lock, NULL) != 0) return PT_ENOMEM;
    if (pthread_mutex_init(&s->shed_lock, NULL) != 0) return PT_ENOMEM;
    pt_status st = host_mailbox_new(g->opt.queue_bytes / g->n_shards / 2, g->clock, &s->box);
    if (st != PT_OK) return st;
    host_tracker_options o = g->opt.tracker;
    o.rebirth_global_per_s /= g->n_shards;
    o.seed += (uint64_t)(s - g->shards) * 7919;
    if (g->opt.conformance && (st = host__shard_judge(s)) != PT_OK) return st;
    host_sink sink = host__shard_sink(s);
    return host_tracker_new(&o, &sink, &s->tracker);
}

pt_status host__shard_start(host__shard *s)
{
    char name[24];
    snprintf(name, sizeof name, "pt-shard-%u", (unsigned)(s - s->g->shards));
    pt_status st = pt_thread_start(&s->thread, name, 0, shard_main, s, NULL);
    s->started = st == PT_OK;
    return st;
}

static void drop_mail(const host_mail *m)
{
    if (m->control == HOST__CONTROL_CALL) host__call_leave(m->call);
}

void host__shard_fini(host__shard *s)
{
    host_mailbox_free(s->box, drop_mail);
    host_tracker_free(s->tracker);
    host_conformance_free(s->conformance);
    pt_arena_fini(&s->arena);
    free(s->live);
    free(s->samples);
    free(s->owners);
    free(s->events);
    pt_map_fini(&s->shed);
    if (s->g) {
        pthread_mutex_destroy(&s->lock);
        pthread_mutex_destroy(&s->shed_lock);
    }
}
