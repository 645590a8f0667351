/* host/ingest/batch.c -- from the tracker's decisions to current values and history, a batch at a time. */
#include "host/ingest/shard.h"

#include <stdio.h>
#include <stdlib.h>

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

static void apply_live(host__shard *s)
{
    if (s->applied == s->n_live) return;
    uns_apply(s->g->tree, s->live + s->applied, s->n_live - s->applied);
    s->applied = s->n_live;
}

static void add_event(host__shard *s, host_event_type type, const host_node *n, pt_slice device, int64_t at_ms, pt_slice detail);
static void add_event_of(host__shard *s, host_event_type type, pt_slice node, pt_slice device, int64_t at_ms, pt_slice detail);

/* No place in the tree: counted, told, not kept. */
static void quarantine(host__shard *s, const host_tag_birth *b, const uns_mapping *m)
{
    const host_node *n = host_tracker_find(s->tracker, b->group, b->edge);
    pt_buf detail;
    pt_json j;
    s->quarantined++;
    if (!n || !pt_log_allow(&s->limit, n->key ^ 0x7175617261ull, pt_mono_ms(s->g->clock), 60000, NULL)) return;
    pt_logf(s->g->log, PT_LOG_WARN, "UNS-QUARANTINE", "node %s/%s, metric %.*s: %s", n->group, n->edge, PT_SLICE_ARGS(b->metric),
            m->reason);
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
static void place(const host__shard *s, const host_tag_birth *b, uns_mapping *m)
{
    uns_source source = { .group = b->group,
                          .edge = b->edge,
                          .device = b->device,
                          .metric = b->metric,
                          .type = b->type,
                          .template_ref = b->template_ref,
                          .property = property_text,
                          .property_ctx = (void *)(uintptr_t)b->properties };
    host_paths_map(s->map, &source, m);
}

/* A path has another owner, or one more waits for it. */
static void on_path(void *ctx, const host_path_change *c)
{
    host__shard *s = ctx;
    bool taken = c->type == HOST_EVENT_PATH_TAKEOVER;
    pt_buf name, detail;
    pt_json j;
    pt_logf(s->g->log, PT_LOG_WARN, taken ? "UNS-TAKEOVER" : "UNS-COLLISION",
            taken ? "node %.*s/%.*s: tag %u takes %.*s over from tag %u, which is away or was imported; the path's history goes on with it"
                  : "node %.*s/%.*s: tag %u maps to %.*s, which tag %u has; it stays in the source view until that one is away",
            PT_SLICE_ARGS(c->group), PT_SLICE_ARGS(c->edge), c->tag_id, PT_SLICE_ARGS(c->path), c->other);
    pt_buf_init(&name, 4096);
    pt_buf_init(&detail, 16384);
    pt_buf_slice(&name, c->group);
    pt_buf_char(&name, '/');
    pt_buf_slice(&name, c->edge);
    pt_json_init(&j, &detail);
    pt_json_object(&j);
    pt_json_member_str(&j, "path", c->path);
    pt_json_member_str(&j, "metric", c->metric);
    pt_json_member_u64(&j, "tag_id", c->tag_id);
    pt_json_member_u64(&j, taken ? "from_tag_id" : "owner_tag_id", c->other);
    pt_json_end_object(&j);
    if (pt_buf_status(&detail) == PT_OK && pt_buf_status(&name) == PT_OK)
        add_event_of(s, c->type, pt_buf_view(&name), c->device, pt_wall_ms(s->g->clock), pt_buf_view(&detail));
    else s->events_lost++;
    pt_buf_fini(&name);
    pt_buf_fini(&detail);
}

void host__shard_paths(host__shard *s)
{
    host_paths_tick(s->g->paths, on_path, s);
}

static uint32_t on_tag(void *ctx, const host_tag_birth *b, bool *historise)
{
    host__shard *s = ctx;
    host_ingest *g = s->g;
    uns_mapping m;
    place(s, b, &m);
    if (m.outcome == UNS_QUARANTINED) quarantine(s, b, &m);
    if (m.outcome != UNS_MAPPED && m.outcome != UNS_LITERAL) return 0;
    *historise = !m.no_history;
    hist_tag_key key = { .source = PT_LIT("spb"), .group = b->group, .edge = b->edge, .device = b->device, .metric = b->metric };
    uns_tag_def def = { .path = pt_slice_of(m.path, m.len),
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
                        .hidden = b->plumbing,
                        .there = !b->restored };
    uint32_t id = 0;
    bool in_tree = false;
    pt_status st = host_paths_born(g->paths, &key, &def, on_path, s, &id, &in_tree);
    if (st != PT_OK && !in_tree) {
        pt_logf(g->log, PT_LOG_ERROR, "HOST-TAG", "tag %s: the catalogue says %s; its samples are not kept", m.path, pt_status_name(st));
        return 0;
    }
    if (st != PT_OK) pt_logf(g->log, PT_LOG_WARN, "UNS-TAG", "tag %s is not in the tree: %s", m.path, pt_status_name(st));
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
    host__shard *s = ctx;
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
    host__shard *s = ctx;
    (void)n;
    apply_live(s);
    uns_stale(s->g->tree, ids, count, at_ms);
    if (s->g->out.tags) s->g->out.tags(s->g->out.ctx, ids, count);
}

typedef struct refresh {
    host__shard *s;
    uint32_t id;
    spb_quality quality; /* of the value before it went stale */
    bool added;
} refresh;

static void refresh_one(void *ctx, const uns_tag_view *v)
{
    refresh *r = ctx;
    host__shard *s = r->s;
    r->quality = v->last_quality;
    if (!v->has_value) return;
    spb_value value = v->value;
    if (is_bytes(&value)) {
        value.as.bytes = pt_arena_dup(&s->arena, value.as.bytes);
        if (!value.as.bytes.ptr) return;
    }
    if (!room((void **)&s->live, &s->cap_live, s->n_live, sizeof *s->live)) return;
    s->live[s->n_live++] = (uns_update){ .tag_id = r->id, .quality = r->quality, .time_ms = v->time_ms, .value = value };
    r->added = true;
}

/* The same of a value that the tree knows as stale only, since it was loaded at our start: history knows. */
static spb_quality last_quality(host__shard *s, uint32_t id, int64_t at_ms)
{
    hist_sample h;
    if (hist_value_at(s->g->history, hist_of_tag(id), at_ms, &s->arena, &h) != PT_OK) return SPB_GOOD;
    return (spb_quality)h.quality;
}

static void on_fresh(void *ctx, host_node *n, const uint32_t *ids, size_t count, int64_t at_ms)
{
    host__shard *s = ctx;
    (void)n;
    apply_live(s);
    for (size_t i = 0; i < count; i++) {
        refresh r = { s, ids[i], SPB_STALE, false };
        pt_status st = uns_read_id(s->g->tree, ids[i], refresh_one, &r);
        if (st != PT_OK) continue;
        if (r.quality == SPB_STALE) r.quality = last_quality(s, ids[i], at_ms);
        if (r.added) s->live[s->n_live - 1].quality = r.quality;
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
    host__shard *s = ctx;
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

/* `node` is "group/edge". All is copied. */
static void add_event_of(host__shard *s, host_event_type type, pt_slice node, pt_slice device, int64_t at_ms, pt_slice detail)
{
    pt_slice name = pt_arena_dup(&s->arena, node), dev = device.len ? pt_arena_dup(&s->arena, device) : PT_NONE;
    pt_slice copy = pt_arena_dup(&s->arena, detail);
    if (!name.ptr || !copy.ptr || !room((void **)&s->events, &s->cap_events, s->n_events, sizeof *s->events)) {
        s->events_lost++;
        return;
    }
    s->events[s->n_events++] = (host__batch_event){ .type = type, .node = name, .device = dev, .detail = copy, .at_ms = at_ms };
}

static void add_event(host__shard *s, host_event_type type, const host_node *n, pt_slice device, int64_t at_ms, pt_slice detail)
{
    pt_slice name = node_name(n, &s->arena);
    if (name.ptr) add_event_of(s, type, name, device, at_ms, detail);
    else s->events_lost++;
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
        [HOST_EVENT_DOUBTFUL] = { "HOST-DOUBTFUL", PT_LOG_WARN },
    };
    host__shard *s = ctx;
    const char *id = lines[type].id ? lines[type].id : "HOST-EVENT";
    pt_logf(s->g->log, lines[type].id ? lines[type].level : PT_LOG_INFO, id, "node %s/%s%s%.*s: %.*s", n->group, n->edge,
            device.len ? "/" : "", PT_SLICE_ARGS(device), PT_SLICE_ARGS(detail));
    add_event(s, type, n, device, at_ms, detail);
}

static void on_state(void *ctx, host_node *n, pt_slice device, bool online, int64_t at_ms, const char *reason)
{
    host__shard *s = ctx;
    if (online && device.len == 0 && strcmp(reason, "nbirth") != 0)
        pt_logf(s->g->log, PT_LOG_INFO, "HOST-RESUMED", "node %s/%s: %s", n->group, n->edge, reason);
    if (!s->g->out.state) return;
    pt_slice name = node_name(n, &s->arena);
    if (name.ptr) s->g->out.state(s->g->out.ctx, name, device, online, at_ms, reason);
}

static pt_status on_command(void *ctx, uint16_t server, pt_slice topic, pt_slice payload)
{
    host__shard *s = ctx;
    return s->g->out.command ? s->g->out.command(s->g->out.ctx, server, topic, payload) : PT_OK;
}

/* Once per node, reason and minute. */
static void on_bad(void *ctx, const host_node *n, const spb_topic *t, host_reject why, const char *text)
{
    host__shard *s = ctx;
    uint32_t held = 0;
    uint64_t subject = (n ? n->key : pt_slice_hash(t->edge, 1)) ^ ((uint64_t)why + 1) * 0x9e3779b97f4a7c15u;
    if (!pt_log_allow(&s->limit, subject, pt_mono_ms(s->g->clock), 60000, &held)) return;
    pt_logf(s->g->log, PT_LOG_WARN, "SPB-BAD-INPUT", "%s of %.*s/%.*s%s%.*s: %s: %s (%u more like it held back)", spb_verb_name(t->verb),
            PT_SLICE_ARGS(t->group), PT_SLICE_ARGS(t->edge), t->device.len ? "/" : "", PT_SLICE_ARGS(t->device), host_reject_name(why),
            text, held);
}

static void on_message(void *ctx, const host_message *m, const spb_payload *p, const char *why)
{
    const host__shard *s = ctx;
    (void)why;
    if (s->conformance) host_conformance_take(s->conformance, &m->topic, p, m->payload, m->wall_ms, m->mono_ms);
}

/* A kind of fault that the node did not have before. */
static void on_finding(void *ctx, const host_judged *n, const host_finding *f)
{
    host__shard *s = ctx;
    const host_node *node = host_tracker_find(s->tracker, n->group, n->edge);
    pt_buf detail;
    pt_json j;
    pt_logf(s->g->log, PT_LOG_INFO, "SPB-CONFORMANCE", "node %.*s/%.*s: %s%s%s%s (plantree conformance %.*s/%.*s)", PT_SLICE_ARGS(n->group),
            PT_SLICE_ARGS(n->edge), f->metric ? "metric " : "", f->metric ? f->metric : "", f->metric ? ": " : "", f->text,
            PT_SLICE_ARGS(n->group), PT_SLICE_ARGS(n->edge));
    pt_buf_init(&detail, 65536);
    pt_json_init(&j, &detail);
    pt_json_object(&j);
    pt_json_member_cstr(&j, "rule", f->rule);
    pt_json_member_cstr(&j, "text", f->text);
    pt_json_member_cstr(&j, "metric", f->metric);
    pt_json_member_cstr(&j, "topic", f->topic);
    pt_json_end_object(&j);
    if (node && pt_buf_status(&detail) == PT_OK) add_event(s, HOST_EVENT_CONFORMANCE, node, PT_NONE, f->first_ms, pt_buf_view(&detail));
    else s->events_lost++;
    pt_buf_fini(&detail);
}

pt_status host__shard_judge(host__shard *s)
{
    host_conformance_options o;
    host_conformance_options_init(&o);
    o.nodes_max = o.nodes_max / s->g->n_shards + 1;
    o.metrics_max = o.metrics_max / s->g->n_shards + 1;
    o.metrics_per_s = o.metrics_per_s / s->g->n_shards + 1;
    o.first_bytes_max /= s->g->n_shards;
    return host_conformance_new(&o, on_finding, s, &s->conformance);
}

host_sink host__shard_sink(host__shard *s)
{
    return (host_sink){ .ctx = s,
                        .tag = on_tag,
                        .updates = on_updates,
                        .stale = on_stale,
                        .fresh = on_fresh,
                        .absent = on_absent,
                        .event = on_event,
                        .state = on_state,
                        .command = on_command,
                        .bad = on_bad,
                        .message = s->conformance ? on_message : NULL };
}

/* ---- storing a batch ---------------------------------------------------------------------------- */

/* History may be full for a while (a stalled disk): wait for it, then give up and say what was lost. */
static bool append_samples(host__shard *s)
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
        host__nap(2);
    }
}

static void append_event(host__shard *s, const host__batch_event *e)
{
    host_ingest *g = s->g;
    hist_event h = {
        .time_ms = e->at_ms, .type = pt_cstr(host_event_type_name(e->type)), .node = e->node, .device = e->device, .detail = e->detail
    };
    pt_status st;
    int64_t start = pt_mono_ms(g->clock);
    while ((st = hist_event_append(g->history, &h)) == PT_EFULL && pt_mono_ms(g->clock) - start < g->opt.full_wait_ms)
        host__nap(2);
    if (st != PT_OK) {
        s->events_lost++;
        pt_logf(g->log, PT_LOG_ERROR, "HOST-EVENT-LOST", "event %s: history says %s", host_event_type_name(e->type), pt_status_name(st));
    }
    if (g->out.event) g->out.event(g->out.ctx, e->type, e->node, e->device, e->at_ms, e->detail);
}

void host__shard_store(host__shard *s)
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
