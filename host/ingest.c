/* host/ingest.c -- mailboxes, shards and batches.
 *
 * Locks: shard.lock guards the tracker and what its sink writes (the batch under construction). A shard thread holds it while it runs the
 * tracker over a batch, never while it stores one. Readers announce themselves in shard.readers, and the thread lets them in between batches. */
#include "host/ingest.h"

#include "host/mailbox.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BATCH_PACKETS = 256, BATCH_UPDATES = 16384, IDLE_MS = 500, GATHER_FEW = 8, GATHER_FEW_MS = 1, GATHER_MS = 5, CONTROL_READY = 1, CONTROL_LOST = 2, CONTROL_CALL = 3 };

typedef struct batch_event {
    host_event_type type;
    pt_slice node, device, detail; /* in the batch arena */
    int64_t at_ms;
} batch_event;

/* Something a caller waits for while shard threads do it: a barrier, a rebirth request. Shared by the caller and `left` - 1 shards;
 * whoever is last frees it, so a caller that gives up leaves nothing behind. */
typedef struct call {
    pthread_mutex_t lock;
    pthread_cond_t done;
    uint32_t left;
    bool rebirth;     /* ask for one for group, edge */
    bool remap;       /* use `map` from now on; neither: only a barrier */
    const uns_map *map;
    pt_status status;
    char *group, *edge;
} call;

typedef struct shard {
    host_ingest *g;
    host_mailbox *box;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    _Atomic uint32_t readers;
    host_tracker *tracker;
    const uns_map *map;    /* NULL: literal paths */
    pt_arena arena;        /* of the batch */
    uns_update *live;      /* not yet applied to the tree */
    size_t n_live, cap_live;
    size_t applied;        /* of live: already in the tree */
    hist_sample *samples;  /* not yet appended */
    host_node **owners;    /* of samples; NULL: a mark, not counted */
    size_t n_samples, cap_samples;
    batch_event *events;
    size_t n_events, cap_events;
    pt_log_limit limit;
    _Atomic uint64_t history_waits, samples_lost, events_lost, marks, quarantined;
    _Atomic int64_t lag_ms;
    _Atomic bool shedding;      /* no room at the last push: do not wait again */
    _Atomic bool has_shed;
    pthread_mutex_t shed_lock;  /* innermost; guards: */
    pt_map shed;                /* GROUP NUL EDGE -> messages let go */
    pt_log_limit shed_limit;
} shard;

struct host_ingest {
    host_ingest_options opt;
    uns_tree *tree;
    hist *history;
    host_outputs out;
    const pt_clock *clock;
    const pt_log *log;
    shard *shards;
    uint32_t n_shards;
    _Atomic bool closed;
    _Atomic uint64_t packets, bytes, foreign, bad_topic, state_messages, after_close, waits, wait_us, shed;
};

/* ---- sink: what the tracker decides goes into the batch ---------------------------------------- */

static bool room(void **array, size_t *cap, size_t n, size_t size)
{
    if (n < *cap) return true;
    size_t bigger = *cap ? *cap * 2 : 1024;
    void *grown = realloc(*array, bigger * size);
    if (!grown) return false;
    *array = grown;
    *cap = bigger;
    return true;
}

static void apply_live(shard *s)
{
    if (s->applied == s->n_live) return;
    uns_apply(s->g->tree, s->live + s->applied, s->n_live - s->applied);
    s->applied = s->n_live;
}

static void add_event(shard *s, host_event_type type, const host_node *n, pt_slice device, int64_t at_ms, pt_slice detail);

/* No place in the tree: counted, told, not kept. */
static void quarantine(shard *s, const host_tag_birth *b, const uns_mapping *m)
{
    const host_node *n = host_tracker_find(s->tracker, b->group, b->edge);
    pt_buf detail;
    pt_json j;
    s->quarantined++;
    if (!n || !pt_log_allow(&s->limit, n->key ^ 0x7175617261ull, pt_mono_ms(s->g->clock), 60000, NULL)) return;
    pt_logf(s->g->log, PT_LOG_WARN, "UNS-QUARANTINE", "node %s/%s, metric %.*s: %s", n->group, n->edge, PT_SLICE_ARGS(b->metric), m->reason);
    pt_buf_init(&detail, 65536);
    pt_json_init(&j, &detail);
    pt_json_object(&j);
    pt_json_member_str(&j, "metric", b->metric);
    pt_json_member_str(&j, "rule", m->rule);
    pt_json_member_cstr(&j, "reason", m->reason);
    pt_json_end_object(&j);
    if (pt_buf_status(&detail) == PT_OK) add_event(s, HOST_EVENT_QUARANTINE, n, b->device, pt_wall_ms(s->g->clock), pt_buf_view(&detail));
    pt_buf_fini(&detail);
}

static bool property_text(void *ctx, pt_slice key, pt_slice *value)
{
    const spb_property *p = ctx ? spb_property_find(ctx, key) : NULL;
    if (!p || p->is_null || p->wire != SPB_WIRE_STRING) return false;
    *value = p->value.bytes;
    return true;
}

/* The tag's place by the rules, or the literal one. */
static void place(const shard *s, const host_tag_birth *b, uns_mapping *m)
{
    pt_error err = { 0, "" };
    if (s->map) {
        uns_source source = { .group = b->group,
                              .edge = b->edge,
                              .device = b->device,
                              .metric = b->metric,
                              .type = b->type,
                              .template_ref = b->template_ref,
                              .property = property_text,
                              .property_ctx = (void *)(uintptr_t)b->properties };
        uns_map_apply(s->map, &source, m);
        return;
    }
    *m = (uns_mapping){ .outcome = UNS_LITERAL };
    if (uns_path_literal(b->group, b->edge, b->device, b->metric, m->path, sizeof m->path, &m->len, &err) != PT_OK) {
        m->outcome = UNS_QUARANTINED;
        snprintf(m->reason, sizeof m->reason, "%.*s", (int)sizeof m->reason - 1, err.text);
    }
}

static uint32_t on_tag(void *ctx, const host_tag_birth *b, bool *historise)
{
    shard *s = ctx;
    host_ingest *g = s->g;
    uns_mapping m;
    place(s, b, &m);
    if (m.outcome == UNS_QUARANTINED) quarantine(s, b, &m);
    if (m.outcome != UNS_MAPPED && m.outcome != UNS_LITERAL) return 0;
    *historise = !m.no_history;
    const char *path = m.path;
    size_t len = m.len;
    pt_status st;
    uint32_t id = 0;
    hist_tag_key key = { .source = PT_LIT("spb"), .group = b->group, .edge = b->edge, .device = b->device, .metric = b->metric };
    st = hist_tag_ensure(g->history, &key, pt_slice_of(path, len), b->type, b->unit, &id);
    if (st != PT_OK) {
        pt_logf(g->log, PT_LOG_ERROR, "HOST-TAG", "tag %.*s: the catalogue says %s; its samples are not kept", (int)len, path, pt_status_name(st));
        return 0;
    }
    uns_tag_def def = { .tag_id = id,
                        .path = pt_slice_of(path, len),
                        .group = b->group,
                        .edge = b->edge,
                        .device = b->device,
                        .metric = b->metric,
                        .type = b->type,
                        .unit = b->unit,
                        .description = b->description,
                        .eng_low = b->eng_low,
                        .eng_high = b->eng_high,
                        .writable = b->writable,
                        .cls = m.has_class ? m.cls : UNS_FUNCTIONAL,
                        .hidden = b->plumbing };
    st = uns_tag_put(g->tree, &def);
    if (st == PT_EEXISTS) {
        const host_node *n = host_tracker_find(s->tracker, b->group, b->edge);
        pt_buf detail;
        pt_json j;
        pt_buf_init(&detail, 8192);
        pt_json_init(&j, &detail);
        pt_json_object(&j);
        pt_json_member_str(&j, "path", pt_slice_of(path, len));
        pt_json_member_str(&j, "metric", b->metric);
        pt_json_end_object(&j);
        if (n && pt_buf_status(&detail) == PT_OK)
            add_event(s, HOST_EVENT_PATH_COLLISION, n, b->device, pt_wall_ms(g->clock), pt_buf_view(&detail));
        pt_buf_fini(&detail);
    } else if (st != PT_OK) {
        pt_logf(g->log, PT_LOG_WARN, "UNS-TAG", "tag %.*s is not in the tree: %s", (int)len, path, pt_status_name(st));
    }
    return id;
}

static bool is_bytes(const spb_value *v)
{
    switch (spb_datatype_class(v->type)) {
    case SPB_CLASS_STRING:
    case SPB_CLASS_BYTES:
    case SPB_CLASS_DATASET:
    case SPB_CLASS_TEMPLATE:
    case SPB_CLASS_ARRAY: return !v->is_null;
    default: return false;
    }
}

static void on_updates(void *ctx, const host_update *u, size_t n)
{
    shard *s = ctx;
    for (; n > 0; n--, u++) {
        spb_value v = u->value;
        if (is_bytes(&v) && v.as.bytes.len) { /* borrowed for this call only; the batch lives longer */
            v.as.bytes = pt_arena_dup(&s->arena, v.as.bytes);
            if (!v.as.bytes.ptr) {
                if ((u->flags & HOST_STORE) && !(u->flags & HOST_MARK)) host_tracker_lost(u->node, 1);
                s->samples_lost++;
                continue;
            }
        }
        if ((u->flags & HOST_LIVE) && room((void **)&s->live, &s->cap_live, s->n_live, sizeof *s->live))
            s->live[s->n_live++] =
                (uns_update){ .tag_id = u->tag_id, .quality = (spb_quality)u->quality, .time_ms = u->time_ms, .value = v };
        if (!(u->flags & HOST_STORE)) continue;
        if (s->n_samples == s->cap_samples) {
            size_t cap = s->cap_samples;
            if (!room((void **)&s->samples, &cap, s->n_samples, sizeof *s->samples) ||
                !room((void **)&s->owners, &s->cap_samples, s->n_samples, sizeof *s->owners)) {
                if (!(u->flags & HOST_MARK)) host_tracker_lost(u->node, 1);
                s->samples_lost++;
                continue;
            }
        }
        hist_sample *out = &s->samples[s->n_samples];
        hist_sample_from_value(out, u->tag_id, u->time_ms, &v, (spb_quality)u->quality);
        if (u->flags & HOST_HISTORICAL) out->flags |= HIST_HISTORICAL;
        if (u->flags & HOST_MARK) {
            out->flags |= HIST_STATE;
            s->marks++;
        }
        s->owners[s->n_samples++] = (u->flags & HOST_MARK) ? NULL : u->node;
    }
}

static void on_stale(void *ctx, host_node *n, const uint32_t *ids, size_t count, int64_t at_ms)
{
    shard *s = ctx;
    (void)n;
    apply_live(s);
    uns_stale(s->g->tree, ids, count, at_ms);
    if (s->g->out.tags) s->g->out.tags(s->g->out.ctx, ids, count);
}

typedef struct refresh {
    shard *s;
    uint32_t id;
    spb_quality quality;
} refresh;

static void refresh_one(void *ctx, const uns_tag_view *v)
{
    refresh *r = ctx;
    shard *s = r->s;
    if (!v->has_value) return;
    spb_value value = v->value;
    if (is_bytes(&value)) {
        value.as.bytes = pt_arena_dup(&s->arena, value.as.bytes);
        if (!value.as.bytes.ptr) return;
    }
    if (!room((void **)&s->live, &s->cap_live, s->n_live, sizeof *s->live)) return;
    s->live[s->n_live++] = (uns_update){ .tag_id = r->id, .quality = r->quality, .time_ms = v->time_ms, .value = value };
}

/* The quality the value had before it went stale: history knows. */
static spb_quality last_quality(shard *s, uint32_t id, int64_t at_ms)
{
    hist_sample h;
    if (hist_value_at(s->g->history, id, at_ms, &s->arena, &h) != PT_OK) return SPB_GOOD;
    return (spb_quality)h.quality;
}

static void on_fresh(void *ctx, host_node *n, const uint32_t *ids, size_t count, int64_t at_ms)
{
    shard *s = ctx;
    (void)n;
    apply_live(s);
    for (size_t i = 0; i < count; i++) {
        refresh r = { s, ids[i], last_quality(s, ids[i], at_ms) };
        pt_status st = uns_read_id(s->g->tree, ids[i], refresh_one, &r);
        if (st != PT_OK) continue;
        size_t cap = s->cap_samples;
        if (s->n_samples == s->cap_samples && (!room((void **)&s->samples, &cap, s->n_samples, sizeof *s->samples) ||
                                               !room((void **)&s->owners, &s->cap_samples, s->n_samples, sizeof *s->owners)))
            continue;
        spb_value none = { .type = SPB_BOOLEAN, .is_null = true };
        hist_sample_from_value(&s->samples[s->n_samples], ids[i], at_ms, &none, r.quality);
        s->samples[s->n_samples].flags |= HIST_STATE;
        s->owners[s->n_samples++] = NULL;
        s->marks++;
    }
    apply_live(s);
    if (s->g->out.tags) s->g->out.tags(s->g->out.ctx, ids, count);
}

static void on_absent(void *ctx, host_node *n, const uint32_t *ids, size_t count, int64_t at_ms)
{
    shard *s = ctx;
    (void)n;
    apply_live(s);
    uns_absent(s->g->tree, ids, count, at_ms);
    if (s->g->out.tags) s->g->out.tags(s->g->out.ctx, ids, count);
}

static pt_slice node_name(const host_node *n, pt_arena *a)
{
    size_t len = n->group_slice.len + 1 + n->edge_slice.len;
    char *p = pt_arena_alloc(a, len + 1);
    if (!p) return PT_NONE;
    memcpy(p, n->group, n->group_slice.len);
    p[n->group_slice.len] = '/';
    memcpy(p + n->group_slice.len + 1, n->edge, n->edge_slice.len);
    p[len] = '\0';
    return pt_slice_of(p, len);
}

static void add_event(shard *s, host_event_type type, const host_node *n, pt_slice device, int64_t at_ms, pt_slice detail)
{
    pt_slice name = node_name(n, &s->arena), dev = device.len ? pt_arena_dup(&s->arena, device) : PT_NONE;
    pt_slice copy = pt_arena_dup(&s->arena, detail);
    if (!name.ptr || !copy.ptr || !room((void **)&s->events, &s->cap_events, s->n_events, sizeof *s->events)) {
        s->events_lost++;
        return;
    }
    s->events[s->n_events++] = (batch_event){ .type = type, .node = name, .device = dev, .detail = copy, .at_ms = at_ms };
}

static void on_event(void *ctx, host_event_type type, host_node *n, pt_slice device, int64_t at_ms, pt_slice detail)
{
    static const struct {
        const char *id;
        pt_log_level level;
    } lines[HOST_EVENT_TYPE_COUNT] = {
        [HOST_EVENT_NBIRTH] = { "HOST-NBIRTH", PT_LOG_INFO },
        [HOST_EVENT_NDEATH] = { "HOST-NDEATH", PT_LOG_INFO },
        [HOST_EVENT_DBIRTH] = { "HOST-DBIRTH", PT_LOG_INFO },
        [HOST_EVENT_DDEATH] = { "HOST-DDEATH", PT_LOG_INFO },
        [HOST_EVENT_REBIRTH_REQUEST] = { "HOST-REBIRTH", PT_LOG_INFO },
        [HOST_EVENT_SEQ_GAP] = { "SPB-SEQ-GAP", PT_LOG_WARN },
        [HOST_EVENT_REORDER_TIMEOUT] = { "SPB-REORDER-TIMEOUT", PT_LOG_WARN },
        [HOST_EVENT_METADATA_CHANGED] = { "HOST-METADATA", PT_LOG_INFO },
        [HOST_EVENT_DUPLICATE_NODE] = { "HOST-DUPLICATE-NODE", PT_LOG_WARN },
        [HOST_EVENT_CLOCK_SKEW] = { "HOST-CLOCK-SKEW", PT_LOG_WARN },
        [HOST_EVENT_BACKFILL] = { "HOST-BACKFILL", PT_LOG_INFO },
    };
    shard *s = ctx;
    const char *id = lines[type].id ? lines[type].id : "HOST-EVENT";
    pt_logf(s->g->log, lines[type].id ? lines[type].level : PT_LOG_INFO, id, "node %s/%s%s%.*s: %.*s", n->group, n->edge, device.len ? "/" : "",
            PT_SLICE_ARGS(device), PT_SLICE_ARGS(detail));
    add_event(s, type, n, device, at_ms, detail);
}

static void on_state(void *ctx, host_node *n, pt_slice device, bool online, int64_t at_ms, const char *reason)
{
    shard *s = ctx;
    if (online && device.len == 0 && strcmp(reason, "nbirth") != 0) pt_logf(s->g->log, PT_LOG_INFO, "HOST-RESUMED", "node %s/%s: %s", n->group, n->edge, reason);
    if (!s->g->out.state) return;
    pt_slice name = node_name(n, &s->arena);
    if (name.ptr) s->g->out.state(s->g->out.ctx, name, device, online, at_ms, reason);
}

static void on_command(void *ctx, uint16_t server, pt_slice topic, pt_slice payload)
{
    shard *s = ctx;
    if (s->g->out.command) s->g->out.command(s->g->out.ctx, server, topic, payload);
}

/* Once per node, reason and minute. */
static void on_bad(void *ctx, const host_node *n, const spb_topic *t, host_reject why, const char *text)
{
    shard *s = ctx;
    uint32_t held = 0;
    uint64_t subject = (n ? n->key : pt_slice_hash(t->edge, 1)) ^ ((uint64_t)why + 1) * 0x9e3779b97f4a7c15u;
    if (!pt_log_allow(&s->limit, subject, pt_mono_ms(s->g->clock), 60000, &held)) return;
    pt_logf(s->g->log, PT_LOG_WARN, "SPB-BAD-INPUT", "%s of %.*s/%.*s%s%.*s: %s: %s (%u more like it held back)", spb_verb_name(t->verb),
            PT_SLICE_ARGS(t->group), PT_SLICE_ARGS(t->edge), t->device.len ? "/" : "", PT_SLICE_ARGS(t->device), host_reject_name(why), text, held);
}

/* ---- storing a batch ---------------------------------------------------------------------------- */

static void nap(int64_t ms)
{
    struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
    nanosleep(&ts, NULL);
}

/* History may be full for a while (a stalled disk): wait for it, then give up and say what was lost. */
static bool append_samples(shard *s)
{
    host_ingest *g = s->g;
    int64_t start = 0;
    for (;;) {
        pt_status st = hist_append(g->history, s->samples, s->n_samples);
        if (st == PT_OK) return true;
        int64_t now = pt_mono_ms(g->clock);
        if (start == 0) {
            start = now;
            s->history_waits++;
        }
        if (st != PT_EFULL || now - start >= g->opt.full_wait_ms) {
            pt_logf(g->log, PT_LOG_ERROR, "HOST-SAMPLES-LOST", "%zu samples lost: history says %s", s->n_samples, pt_status_name(st));
            return false;
        }
        nap(2);
    }
}

static void append_event(shard *s, const batch_event *e)
{
    host_ingest *g = s->g;
    hist_event h = { .time_ms = e->at_ms, .type = pt_cstr(host_event_type_name(e->type)), .node = e->node, .device = e->device, .detail = e->detail };
    pt_status st;
    int64_t start = pt_mono_ms(g->clock);
    while ((st = hist_event_append(g->history, &h)) == PT_EFULL && pt_mono_ms(g->clock) - start < g->opt.full_wait_ms)
        nap(2);
    if (st != PT_OK) {
        s->events_lost++;
        pt_logf(g->log, PT_LOG_ERROR, "HOST-EVENT-LOST", "event %s: history says %s", host_event_type_name(e->type), pt_status_name(st));
    }
    if (g->out.event) g->out.event(g->out.ctx, e->type, e->node, e->device, e->at_ms, e->detail);
}

static void store(shard *s)
{
    host_ingest *g = s->g;
    apply_live(s);
    if (s->n_live && g->out.values) g->out.values(g->out.ctx, s->live, s->n_live);
    if (s->n_samples && !append_samples(s)) {
        pthread_mutex_lock(&s->lock);
        for (size_t i = 0; i < s->n_samples; i++)
            if (s->owners[i]) {
                host_tracker_lost(s->owners[i], 1);
                s->samples_lost++;
            }
        pthread_mutex_unlock(&s->lock);
    }
    for (size_t i = 0; i < s->n_events; i++)
        append_event(s, &s->events[i]);
    s->n_live = s->applied = s->n_samples = s->n_events = 0;
    pt_arena_reset(&s->arena);
}

/* ---- shard thread ------------------------------------------------------------------------------ */

static void call_leave(call *c)
{
    pthread_mutex_lock(&c->lock);
    uint32_t left = --c->left;
    if (left == 1) pthread_cond_signal(&c->done);
    pthread_mutex_unlock(&c->lock);
    if (left > 0) return;
    pthread_cond_destroy(&c->done);
    pthread_mutex_destroy(&c->lock);
    free(c->group);
    free(c->edge);
    free(c);
}

static void shard_lock(shard *s)
{
    for (int i = 0; i < 1000 && atomic_load(&s->readers) > 0; i++)
        sched_yield();
    pthread_mutex_lock(&s->lock);
}

/* What had to be let go while the mailbox was full comes behind what filled it. */
static void run_shed(shard *s)
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
        host_tracker_shed(s->tracker, pt_slice_of(key.ptr, n), pt_slice_from(key, n + 1), messages, pt_wall_ms(s->g->clock), pt_mono_ms(s->g->clock));
    }
    pthread_mutex_unlock(&s->lock);
    pt_map_fini(&gone);
    store(s);
}

static void run_packet(shard *s, const host_mail *mail, pt_slice text, pt_slice payload)
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
static call *run_mail(shard *s, const host_mail *m, pt_slice topic, pt_slice payload)
{
    if (m->control == 0) {
        run_packet(s, m, topic, payload);
    } else if (m->control == CONTROL_CALL) {
        call *c = m->call;
        if (c->rebirth)
            c->status = host_tracker_rebirth(s->tracker, pt_cstr(c->group), pt_cstr(c->edge), pt_wall_ms(s->g->clock), pt_mono_ms(s->g->clock));
        if (c->remap) {
            s->map = c->map;
            host_tracker_remap(s->tracker, pt_wall_ms(s->g->clock), pt_mono_ms(s->g->clock), &s->arena);
        }
        return c;
    } else {
        int64_t wall = pt_wall_ms(s->g->clock), mono = pt_mono_ms(s->g->clock);
        if (m->control == CONTROL_READY) host_tracker_server_ready(s->tracker, m->server, wall, mono);
        else host_tracker_server_lost(s->tracker, m->server, wall, mono);
    }
    return NULL;
}

/* All that was taken, in batches; what they borrow from `rest` lives until the next take. Returns how many messages there were. */
static size_t run_all(shard *s, pt_slice rest)
{
    size_t total = 0;
    int64_t newest = 0;
    while (rest.len) {
        call *c = NULL;
        host_mail m;
        pt_slice topic, payload;
        shard_lock(s);
        for (size_t i = 0; i < BATCH_PACKETS && !c && s->n_samples < BATCH_UPDATES && s->n_live < BATCH_UPDATES && host_mail_next(&rest, &m, &topic, &payload); i++) {
            if (m.control == 0) newest = m.mono_ms;
            c = run_mail(s, &m, topic, payload);
            total++;
        }
        pthread_mutex_unlock(&s->lock);
        store(s);
        if (c) call_leave(c);
    }
    if (newest) s->lag_ms = pt_mono_ms(s->g->clock) - newest;
    return total;
}

static void *shard_main(void *arg)
{
    shard *s = arg;
    host_ingest *g = s->g;
    int64_t due = INT64_MAX;
    for (;;) {
        int64_t now = pt_mono_ms(g->clock), wait = due == INT64_MAX ? IDLE_MS : due > now ? due - now : 0;
        if (wait > IDLE_MS) wait = IDLE_MS;
        bool closed = false;
        pt_slice mail = host_mailbox_take(s->box, wait, &closed);
        size_t n = run_all(s, mail);
        run_shed(s);
        if (n == 0 && closed) break;
        /* Let the next messages gather: waking a thread for each of them costs ten times what they cost themselves. */
        if (n > 0 && n < BATCH_PACKETS && !closed) nap(n < GATHER_FEW ? GATHER_FEW_MS : GATHER_MS);
        shard_lock(s);
        now = pt_mono_ms(g->clock);
        due = host_tracker_due(s->tracker);
        bool ticked = due <= now;
        if (ticked) {
            host_tracker_tick(s->tracker, pt_wall_ms(g->clock), now, &s->arena);
            due = host_tracker_due(s->tracker);
        }
        pthread_mutex_unlock(&s->lock);
        if (ticked) store(s);
    }
    return NULL;
}

/* ---- entry points ------------------------------------------------------------------------------ */

void host_ingest_options_init(host_ingest_options *o)
{
    *o = (host_ingest_options){ .shards = 2, .queue_bytes = 256u << 20, .full_wait_ms = 30000, .queue_wait_ms = -1 };
    host_tracker_options_init(&o->tracker);
}

static pt_status shard_init(host_ingest *g, shard *s)
{
    s->g = g;
    s->map = g->opt.map;
    pt_arena_init(&s->arena, 1024u << 20);
    pt_map_init(&s->shed, PT_MAP_COPY_KEYS);
    if (pthread_mutex_init(&s->lock, NULL) != 0) return PT_ENOMEM;
    if (pthread_mutex_init(&s->shed_lock, NULL) != 0) return PT_ENOMEM;
    pt_status st = host_mailbox_new(g->opt.queue_bytes / g->n_shards / 2, &s->box);
    if (st != PT_OK) return st;
    host_tracker_options o = g->opt.tracker;
    o.rebirth_global_per_s /= g->n_shards;
    o.seed += (uint64_t)(s - g->shards) * 7919;
    host_sink sink = { .ctx = s,
                       .tag = on_tag,
                       .updates = on_updates,
                       .stale = on_stale,
                       .fresh = on_fresh,
                       .absent = on_absent,
                       .event = on_event,
                       .state = on_state,
                       .command = on_command,
                       .bad = on_bad };
    return host_tracker_new(&o, &sink, &s->tracker);
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
    pt_status st = g->shards ? PT_OK : PT_ENOMEM;
    for (uint32_t i = 0; st == PT_OK && i < g->n_shards; i++)
        st = shard_init(g, &g->shards[i]);
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
        if (pthread_create(&g->shards[i].thread, NULL, shard_main, &g->shards[i]) != 0) return PT_ENOMEM;
        g->shards[i].started = true;
    }
    return PT_OK;
}

static shard *shard_of(host_ingest *g, pt_slice group, pt_slice edge)
{
    return &g->shards[pt_slice_hash(edge, pt_slice_hash(group, 0)) % g->n_shards];
}

static pt_status push_mail(shard *s, const host_mail *m, pt_slice topic, pt_slice payload, int64_t timeout_ms)
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

/* Too many nodes to remember, or no memory: counted in g->shed all the same, and their seq tells. */
static void let_go(shard *s, const spb_topic *t)
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
    if (tell) pt_logf(s->g->log, PT_LOG_ERROR, "HOST-OVERLOAD", "the queue is full: messages are let go, among them of %.*s/%.*s (%u more lines held back)", PT_SLICE_ARGS(t->group), PT_SLICE_ARGS(t->edge), held);
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
    shard *s = shard_of(g, t.group, t.edge);
    st = push_mail(s, &m, p->topic, p->payload, s->shedding ? 0 : g->opt.queue_wait_ms);
    s->shedding = st == PT_ETIMEOUT;
    if (st == PT_ECLOSED) {
        g->after_close++;
    } else if (st != PT_OK) {
        g->shed++;
        let_go(s, &t);
    }
}

void host_ingest_server(host_ingest *g, uint16_t server, bool ready)
{
    host_mail m = { .control = ready ? CONTROL_READY : CONTROL_LOST, .server = server };
    for (uint32_t i = 0; i < g->n_shards; i++)
        (void)push_mail(&g->shards[i], &m, PT_NONE, PT_NONE, -1); /* false only after close */
}

static call *call_new(uint32_t shards)
{
    call *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    pthread_condattr_t attr;
    if (pthread_mutex_init(&c->lock, NULL) != 0) {
        free(c);
        return NULL;
    }
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->done, &attr);
    pthread_condattr_destroy(&attr);
    c->left = shards + 1;
    return c;
}

/* Wait for the shards, then give up our share. */
static pt_status call_wait(call *c, int64_t timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&c->lock);
    int rc = 0;
    while (c->left > 1 && rc == 0)
        rc = pthread_cond_timedwait(&c->done, &c->lock, &until);
    pt_status st = c->left == 1 ? c->status : PT_ETIMEOUT;
    pthread_mutex_unlock(&c->lock);
    call_leave(c);
    return st;
}

pt_status host_ingest_drain(host_ingest *g, int64_t timeout_ms)
{
    call *c = call_new(g->n_shards);
    if (!c) return PT_ENOMEM;
    host_mail m = { .control = CONTROL_CALL, .call = c };
    for (uint32_t i = 0; i < g->n_shards; i++)
        if (push_mail(&g->shards[i], &m, PT_NONE, PT_NONE, timeout_ms) != PT_OK) call_leave(c);
    return call_wait(c, timeout_ms);
}

pt_status host_ingest_rebirth(host_ingest *g, pt_slice group, pt_slice edge)
{
    call *c = call_new(1);
    if (!c) return PT_ENOMEM;
    c->rebirth = true;
    c->status = PT_ETIMEOUT;
    c->group = pt_slice_dup(group);
    c->edge = pt_slice_dup(edge);
    host_mail m = { .control = CONTROL_CALL, .call = c };
    if (!c->group || !c->edge || push_mail(shard_of(g, group, edge), &m, PT_NONE, PT_NONE, 2000) != PT_OK) call_leave(c);
    return call_wait(c, 5000);
}

pt_status host_ingest_restore(host_ingest *g, const host_saved *saved)
{
    shard *s = shard_of(g, saved->group, saved->edge);
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

static void drop_mail(const host_mail *m)
{
    if (m->control == CONTROL_CALL) call_leave(m->call);
}

void host_ingest_free(host_ingest *g)
{
    if (!g) return;
    if (g->shards) host_ingest_stop(g);
    for (uint32_t i = 0; g->shards && i < g->n_shards; i++) {
        shard *s = &g->shards[i];
        host_mailbox_free(s->box, drop_mail);
        host_tracker_free(s->tracker);
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
    free(g->shards);
    free(g);
}

/* ---- readers ------------------------------------------------------------------------------------ */

static void reader_enter(shard *s)
{
    atomic_fetch_add(&s->readers, 1);
    pthread_mutex_lock(&s->lock);
}

static void reader_leave(shard *s)
{
    pthread_mutex_unlock(&s->lock);
    atomic_fetch_sub(&s->readers, 1);
}

pt_status host_ingest_remap(host_ingest *g, const uns_map *map)
{
    call *c = call_new(g->n_shards);
    if (!c) return PT_ENOMEM;
    c->remap = true;
    c->map = map;
    host_mail m = { .control = CONTROL_CALL, .call = c };
    for (uint32_t i = 0; i < g->n_shards; i++)
        if (push_mail(&g->shards[i], &m, PT_NONE, PT_NONE, -1) != PT_OK) call_leave(c);
    return call_wait(c, 60000);
}

void host_ingest_nodes(host_ingest *g, void (*see)(void *ctx, const host_node *n), void *ctx)
{
    for (uint32_t i = 0; i < g->n_shards; i++) {
        shard *s = &g->shards[i];
        reader_enter(s);
        const host_node *n;
        for (size_t k = 0; (n = host_tracker_at(s->tracker, k)) != NULL; k++)
            see(ctx, n);
        reader_leave(s);
    }
}

pt_status host_ingest_node(host_ingest *g, pt_slice group, pt_slice edge, void (*see)(void *ctx, const host_node *n), void *ctx)
{
    shard *s = shard_of(g, group, edge);
    reader_enter(s);
    const host_node *n = host_tracker_find(s->tracker, group, edge);
    if (n) see(ctx, n);
    reader_leave(s);
    return n ? PT_OK : PT_ENOTFOUND;
}

void host_ingest_configure(host_ingest *g, const host_tracker_options *o)
{
    host_tracker_options share = *o;
    share.rebirth_global_per_s /= g->n_shards;
    for (uint32_t i = 0; i < g->n_shards; i++) {
        reader_enter(&g->shards[i]);
        host_tracker_configure(g->shards[i].tracker, &share);
        reader_leave(&g->shards[i]);
    }
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
        shard *s = &g->shards[i];
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
