/* host/nodes/node.c -- the table of edge nodes and their devices, their accounts and timers, and how they go offline.
 *
 * Nodes are made at first sight and never forgotten, so a pointer to one stays valid as long as the tracker. */
#include "host/nodes/tracker_internal.h"

#include <stdlib.h>

static pt_status node_key(pt_slice group, pt_slice edge, char *buf, size_t cap, pt_slice *out)
{
    if (group.len + edge.len + 1 > cap) return PT_ETOOBIG;
    memcpy(buf, group.ptr, group.len);
    buf[group.len] = '\0'; /* ids have no NUL */
    memcpy(buf + group.len + 1, edge.ptr, edge.len);
    *out = pt_slice_of(buf, group.len + 1 + edge.len);
    return PT_OK;
}

host_node *host_tracker_find(host_tracker *t, pt_slice group, pt_slice edge)
{
    char buf[2048];
    pt_slice key;
    uint64_t i;
    if (node_key(group, edge, buf, sizeof buf, &key) != PT_OK || !pt_map_get(&t->by_key, key, &i)) return NULL;
    return t->nodes[i];
}

uint64_t host_node_key(pt_slice group, pt_slice edge)
{
    char buf[2048];
    pt_slice key;
    return node_key(group, edge, buf, sizeof buf, &key) == PT_OK ? pt_slice_hash(key, 0) : 0;
}

host_node *host_tracker_at(host_tracker *t, size_t i)
{
    return i < t->n ? t->nodes[i] : NULL;
}

host_unit *host__unit(host_node *n, pt_slice device, bool make)
{
    if (device.len == 0) return n->units[0];
    uint64_t i;
    if (pt_map_get(&n->devices, device, &i)) return n->units[i];
    if (!make || n->n_units > n->tracker->opt.devices_max) return NULL;
    host_unit **grown = realloc(n->units, (n->n_units + 1) * sizeof *grown);
    if (!grown) return NULL;
    n->units = grown;
    host_unit *u = calloc(1, sizeof *u);
    char *id = pt_slice_dup(device);
    if (!u || !id || pt_map_put(&n->devices, device, n->n_units, NULL) != PT_OK) {
        free(u);
        free(id);
        return NULL;
    }
    u->id = id;
    u->id_slice = pt_slice_of(id, device.len);
    u->stale_ms = INT64_MIN;
    pt_map_init(&u->by_name, PT_MAP_BORROW_KEYS);
    pt_arena_init(&u->strings, 512u << 20);
    n->units[n->n_units++] = u;
    return u;
}

void host__node_free(host_node *n)
{
    if (!n) return;
    for (uint32_t i = 0; n->units && i < n->n_units; i++)
        host__unit_free(n->units[i]);
    free(n->units);
    if (n->held) {
        for (unsigned s = 0; s < 256; s++)
            free(n->held[s].bytes);
        free(n->held);
    }
    pt_map_fini(&n->devices);
    pt_map_fini(&n->aliases);
    pt_map_fini(&n->templates);
    pt_map_fini(&n->template_members);
    free(n->group);
    free(n->edge);
    free(n);
}

host_node *host__node_make(host_tracker *t, pt_slice group, pt_slice edge)
{
    char buf[2048];
    pt_slice key;
    if (t->n >= t->opt.nodes_max || node_key(group, edge, buf, sizeof buf, &key) != PT_OK) return NULL;
    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 16;
        host_node **grown = realloc(t->nodes, cap * sizeof *grown);
        if (!grown) return NULL;
        t->nodes = grown;
        t->cap = cap;
    }
    host_node *n = calloc(1, sizeof *n);
    if (!n) return NULL;
    n->tracker = t;
    n->index = (uint32_t)t->n;
    n->key = pt_slice_hash(key, 0);
    n->early_due = n->reorder_due = n->rebirth_due = n->silent_due = n->mark_due = n->backfill_due = n->doubt_due = INT64_MAX;
    n->rebirth_sent_mono = INT64_MIN;
    pt_map_init(&n->devices, PT_MAP_COPY_KEYS);
    pt_map_init(&n->aliases, PT_MAP_U64_KEYS);
    pt_map_init(&n->templates, PT_MAP_COPY_KEYS);
    pt_map_init(&n->template_members, PT_MAP_COPY_KEYS);
    n->group = pt_slice_dup(group);
    n->edge = pt_slice_dup(edge);
    n->units = calloc(1, sizeof *n->units);
    if (n->units && (n->units[0] = calloc(1, sizeof *n->units[0]))) n->n_units = 1;
    if (!n->group || !n->edge || !n->units || !n->units[0]) goto fail;
    n->units[0]->stale_ms = INT64_MIN;
    n->units[0]->id_slice = PT_LIT("");
    pt_map_init(&n->units[0]->by_name, PT_MAP_BORROW_KEYS);
    pt_arena_init(&n->units[0]->strings, 512u << 20);
    n->group_slice = pt_slice_of(n->group, group.len);
    n->edge_slice = pt_slice_of(n->edge, edge.len);
    if (pt_map_put(&t->by_key, key, t->n, NULL) != PT_OK) goto fail;
    t->nodes[t->n++] = n;
    t->stats.nodes = (uint32_t)t->n;
    return n;
fail:
    host__node_free(n);
    return NULL;
}

/* ---- accounting ------------------------------------------------------------------------------- */

void host__reject_message(host_tracker *t, host_node *n, const spb_topic *topic, host_reject why, uint32_t samples, const char *text)
{
    t->stats.rejected_messages[why]++;
    t->stats.rejected_samples[why] += samples;
    if (n) {
        n->counts.rejected_messages[why]++;
        n->counts.samples += samples;
        n->counts.rejected_samples[why] += samples;
    }
    t->sink.bad(t->sink.ctx, n, topic, why, text);
}

void host__reject_sample(host_tracker *t, host_node *n, host_reject why)
{
    t->stats.rejected_samples[why]++;
    n->counts.rejected_samples[why]++;
}

bool host__counts_close(const host_node *n)
{
    const host_node_counts *c = &n->counts;
    uint64_t m = c->accepted + n->n_held, s = c->stored + c->duplicate + c->not_kept + c->lost;
    for (unsigned i = 0; i < HOST_REJECT_COUNT; i++) {
        m += c->rejected_messages[i];
        s += c->rejected_samples[i];
    }
    return m == c->messages && s == c->samples;
}

void host_tracker_lost(host_node *node, uint64_t samples)
{
    node->counts.stored -= samples;
    node->counts.lost += samples;
}

void host_tracker_stats_get(const host_tracker *t, host_tracker_stats *out)
{
    *out = t->stats;
}

/* ---- what leaves ------------------------------------------------------------------------------ */

bool host__push(host_tracker *t, const host_update *u)
{
    if (t->n_updates == t->updates_cap) {
        size_t cap = t->updates_cap ? t->updates_cap * 2 : 256;
        host_update *grown = realloc(t->updates, cap * sizeof *grown);
        if (!grown) return false;
        t->updates = grown;
        t->updates_cap = cap;
    }
    t->updates[t->n_updates++] = *u;
    return true;
}

void host__flush(host_tracker *t)
{
    if (t->n_updates) t->sink.updates(t->sink.ctx, t->updates, t->n_updates);
    t->n_updates = 0;
}

/* The unit's kept tags into t->ids. */
bool host__unit_ids(host_tracker *t, const host_unit *u)
{
    t->n_ids = 0;
    if (u->n > t->ids_cap) {
        uint32_t *grown = realloc(t->ids, u->n * sizeof *grown);
        if (!grown) return false;
        t->ids = grown;
        t->ids_cap = u->n;
    }
    for (uint32_t i = 0; i < u->n; i++)
        if (u->metrics[i].tag_id) t->ids[t->n_ids++] = u->metrics[i].tag_id;
    return t->n_ids > 0;
}

/* History learns that the unit's values are stale since `at_ms`: one mark per tag that has one. */
static void mark_stale(host_tracker *t, host_node *n, host_unit *u, int64_t at_ms)
{
    for (uint32_t i = 0; i < u->n; i++) {
        const host_metric *m = &u->metrics[i];
        if (!m->tag_id || (m->flags & HOST_METRIC_NO_HISTORY)) continue;
        host_update mark = { .tag_id = m->tag_id,
                             .flags = HOST_STORE | HOST_MARK,
                             .quality = SPB_STALE,
                             .time_ms = at_ms,
                             .value = { .type = m->type, .is_null = true },
                             .node = n };
        if (!host__push(t, &mark)) break; /* the current value is stale all the same */
    }
    host__flush(t);
    u->stale_ms = at_ms;
    u->unmarked = false;
}

/* tck-id-operational-behavior-edge-node-termination-host-action-ndeath-node-tags-stale, -devices-tags-stale, -ddeath-devices-tags-stale */
void host__unit_offline(host_tracker *t, host_node *n, host_unit *u, int64_t at_ms, bool mark, const char *reason)
{
    bool was = u->online;
    u->online = false;
    u->born = false;
    if (was) {
        u->since_ms = at_ms;
        host__flush(t);
        if (!u->doubted) { /* else it is stale and marked already */
            if (host__unit_ids(t, u)) t->sink.stale(t->sink.ctx, n, t->ids, t->n_ids, at_ms);
            if (mark) mark_stale(t, n, u, at_ms);
            else u->unmarked = true;
        }
        u->doubted = false;
        if (u != n->units[0]) t->sink.state(t->sink.ctx, n, u->id_slice, false, at_ms, reason);
    } else if (mark && u->unmarked) {
        mark_stale(t, n, u, u->since_ms);
    }
}

void host__unit_doubted(host_tracker *t, host_node *n, host_unit *u, int64_t at_ms)
{
    if (!u->online) return;
    host__flush(t);
    if (host__unit_ids(t, u)) t->sink.stale(t->sink.ctx, n, t->ids, t->n_ids, at_ms);
    mark_stale(t, n, u, at_ms);
    u->doubted = true;
}

/* The node leaves ONLINE (or WANTED): every unit offline and stale, nothing held back. */
void host__node_down(host_tracker *t, host_node *n, host_node_state to, int64_t at_ms, const char *reason)
{
    bool was = n->state == HOST_NODE_ONLINE;
    n->state = to;
    n->suspect = false;
    host__doubt_clear(n);
    host__held_drop(t, n, HOST_REJECT_REORDER);
    n->mark_due = INT64_MAX;
    for (uint32_t i = n->n_units; i-- > 0;)
        host__unit_offline(t, n, n->units[i], at_ms, true, reason);
    if (was) {
        host__backfill_mark(n);
        n->since_ms = at_ms;
        t->stats.nodes_online--;
        t->sink.state(t->sink.ctx, n, PT_NONE, false, at_ms, reason);
    }
}

pt_json *host__detail_begin(host_tracker *t, pt_json *j)
{
    pt_buf_reset(&t->detail);
    pt_json_init(j, &t->detail);
    pt_json_object(j);
    return j;
}

void host__detail_send(host_tracker *t, pt_json *j, host_event_type type, host_node *n, pt_slice device, int64_t at_ms)
{
    pt_json_end_object(j);
    t->sink.event(t->sink.ctx, type, n, device, at_ms, pt_buf_status(&t->detail) == PT_OK ? pt_buf_view(&t->detail) : PT_LIT("{}"));
}

/* ---- timers ----------------------------------------------------------------------------------- */

int64_t host__node_due(const host_tracker *t, const host_node *n)
{
    int64_t due = n->reorder_due < n->early_due ? n->reorder_due : n->early_due;
    bool ready = n->server < HOST_SERVERS_MAX && t->server[n->server].ready;
    if (ready && n->rebirth_due < due) due = n->rebirth_due;
    if (ready && n->silent_due < due) due = n->silent_due;
    if (ready && n->backfill_due < due) due = n->backfill_due;
    if (n->mark_due < due) due = n->mark_due;
    if (n->doubt_due < due) due = n->doubt_due;
    return due;
}

void host__set_timer(host_tracker *t, host_node *n)
{
    bool want = host__node_due(t, n) != INT64_MAX;
    if (want == n->timed) return;
    if (want) {
        n->timed_prev = NULL;
        n->timed_next = t->timed;
        if (t->timed) t->timed->timed_prev = n;
        t->timed = n;
    } else {
        if (n->timed_prev) n->timed_prev->timed_next = n->timed_next;
        else t->timed = n->timed_next;
        if (n->timed_next) n->timed_next->timed_prev = n->timed_prev;
    }
    n->timed = want;
}

int64_t host_tracker_due(const host_tracker *t)
{
    int64_t due = t->silence_due;
    for (const host_node *n = t->timed; n; n = n->timed_next) {
        int64_t d = host__node_due(t, n);
        if (d < due) due = d;
    }
    return due;
}
