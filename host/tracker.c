/* host/tracker.c -- messages in, decisions out: the session rules of every edge node.
 *
 * Invariants between calls:
 *   1. a node that is not ONLINE has no unit online and holds nothing back but early messages;
 *   2. reorder_due is set exactly while something is ahead of a gap;
 *   3. received = accepted + rejected + held, for messages and for samples (host__counts_close);
 *   4. at most one rebirth request is wanted per node. */
#include "host/node.h"

#include <stdlib.h>

void host_tracker_options_init(host_tracker_options *o)
{
    *o = (host_tracker_options){ .reorder_timeout_ms = 2000,
                                 .reorder_bytes = 4u << 20,
                                 .rebirth_per_node_ms = 5000,
                                 .rebirth_max_ms = 300000,
                                 .rebirth_global_per_s = 50,
                                 .rebirth_jitter_ms = 100,
                                 .birth_wait_ms = 5000,
                                 .clock_skew_ms = 60000,
                                 .commands = true,
                                 .cmd_datatype = true,
                                 .nodes_max = 20000,
                                 .devices_max = 1000,
                                 .metrics_max = 200000,
                                 .seed = 1,
                                 .limits = spb_limits_default };
}

pt_status host_tracker_new(const host_tracker_options *o, const host_sink *sink, host_tracker **out)
{
    host_tracker *t = calloc(1, sizeof *t);
    if (!t) return PT_ENOMEM;
    t->opt = *o;
    t->sink = *sink;
    t->tokens = o->rebirth_global_per_s > 1 ? o->rebirth_global_per_s : 1;
    t->random = pt_random_seed(o->seed);
    pt_map_init(&t->by_key, PT_MAP_COPY_KEYS);
    pt_buf_init(&t->detail, 256u << 10);
    pt_buf_init(&t->topic, SPB_TOPIC_MAX + 1);
    pt_buf_init(&t->payload, 64u << 10);
    *out = t;
    return PT_OK;
}

static void node_free(host_node *n)
{
    if (!n) return;
    for (uint32_t i = 0; i < n->n_units; i++)
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

void host_tracker_free(host_tracker *t)
{
    if (!t) return;
    for (size_t i = 0; i < t->n; i++)
        node_free(t->nodes[i]);
    free(t->nodes);
    free(t->updates);
    free(t->ids);
    pt_map_fini(&t->by_key);
    pt_buf_fini(&t->detail);
    pt_buf_fini(&t->topic);
    pt_buf_fini(&t->payload);
    free(t);
}

void host_tracker_configure(host_tracker *t, const host_tracker_options *o)
{
    t->opt = *o;
}

/* ---- nodes ------------------------------------------------------------------------------------ */

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

static host_node *node_make(host_tracker *t, pt_slice group, pt_slice edge)
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
    n->early_due = n->reorder_due = n->rebirth_due = n->silent_due = n->mark_due = n->backfill_due = INT64_MAX;
    n->rebirth_sent_mono = INT64_MIN;
    pt_map_init(&n->devices, PT_MAP_COPY_KEYS);
    pt_map_init(&n->aliases, PT_MAP_U64_KEYS);
    pt_map_init(&n->templates, PT_MAP_COPY_KEYS);
    pt_map_init(&n->template_members, PT_MAP_COPY_KEYS);
    n->group = pt_slice_dup(group);
    n->edge = pt_slice_dup(edge);
    n->units = calloc(1, sizeof *n->units);
    if (n->units) n->units[0] = calloc(1, sizeof *n->units[0]);
    if (!n->group || !n->edge || !n->units || !n->units[0]) goto fail;
    n->n_units = 1;
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
    node_free(n);
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
static bool collect_ids(host_tracker *t, const host_unit *u)
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
static void unit_offline(host_tracker *t, host_node *n, host_unit *u, int64_t at_ms, bool mark, const char *reason)
{
    bool was = u->online;
    u->online = false;
    u->born = false;
    if (was) {
        u->since_ms = at_ms;
        host__flush(t);
        if (collect_ids(t, u)) t->sink.stale(t->sink.ctx, n, t->ids, t->n_ids, at_ms);
        if (mark) mark_stale(t, n, u, at_ms);
        else u->unmarked = true;
        if (u != n->units[0]) t->sink.state(t->sink.ctx, n, u->id_slice, false, at_ms, reason);
    } else if (mark && u->unmarked) {
        mark_stale(t, n, u, u->since_ms);
    }
}

/* The node leaves ONLINE (or WANTED): every unit offline and stale, nothing held back. */
static void node_down(host_tracker *t, host_node *n, host_node_state to, int64_t at_ms, const char *reason)
{
    bool was = n->state == HOST_NODE_ONLINE;
    n->state = to;
    n->suspect = false;
    host__held_drop(t, n, HOST_REJECT_REORDER);
    n->mark_due = INT64_MAX;
    for (uint32_t i = n->n_units; i-- > 0;)
        unit_offline(t, n, n->units[i], at_ms, true, reason);
    if (was) {
        host__backfill_mark(n);
        n->since_ms = at_ms;
        t->stats.nodes_online--;
        t->sink.state(t->sink.ctx, n, PT_NONE, false, at_ms, reason);
    }
}

static pt_json *detail_begin(host_tracker *t, pt_json *j)
{
    pt_buf_reset(&t->detail);
    pt_json_init(j, &t->detail);
    pt_json_object(j);
    return j;
}

static void detail_send(host_tracker *t, pt_json *j, host_event_type type, host_node *n, pt_slice device, int64_t at_ms)
{
    pt_json_end_object(j);
    t->sink.event(t->sink.ctx, type, n, device, at_ms, pt_buf_status(&t->detail) == PT_OK ? pt_buf_view(&t->detail) : PT_LIT("{}"));
}

/* ---- timers ----------------------------------------------------------------------------------- */

static int64_t node_due(const host_tracker *t, const host_node *n)
{
    int64_t due = n->reorder_due < n->early_due ? n->reorder_due : n->early_due;
    bool ready = n->server < HOST_SERVERS_MAX && t->server[n->server].ready;
    if (ready && n->rebirth_due < due) due = n->rebirth_due;
    if (ready && n->silent_due < due) due = n->silent_due;
    if (ready && n->backfill_due < due) due = n->backfill_due;
    if (n->mark_due < due) due = n->mark_due;
    return due;
}

void host__set_timer(host_tracker *t, host_node *n)
{
    bool want = node_due(t, n) != INT64_MAX;
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
    int64_t due = INT64_MAX;
    for (const host_node *n = t->timed; n; n = n->timed_next) {
        int64_t d = node_due(t, n);
        if (d < due) due = d;
    }
    return due;
}

/* ---- births and deaths of nodes --------------------------------------------------------------- */

/* Two programs with one id: a session number comes back that an NBIRTH had already replaced, without a death between. */
static void watch_for_twins(host_tracker *t, host_node *n, bool has_bd, uint8_t bd, int64_t wall_ms)
{
    enum { WINDOW_MS = 10 * 60 * 1000 };
    if (!has_bd || !n->has_bd_seq || n->bd_seq == bd || n->state != HOST_NODE_ONLINE) return;
    bool back = false;
    for (unsigned i = 0; i < n->n_recent; i++)
        if (n->recent_bd[i] == bd && wall_ms - n->recent_ms[i] < WINDOW_MS) back = true;
    memmove(n->recent_bd + 1, n->recent_bd, sizeof n->recent_bd - sizeof n->recent_bd[0]);
    memmove(n->recent_ms + 1, n->recent_ms, sizeof n->recent_ms - sizeof n->recent_ms[0]);
    n->recent_bd[0] = n->bd_seq;
    n->recent_ms[0] = wall_ms;
    if (n->n_recent < PT_COUNT_OF(n->recent_bd)) n->n_recent++;
    if (!back || (n->duplicate_ms && wall_ms - n->duplicate_ms < 60000)) return;
    n->duplicate_ms = wall_ms;
    pt_json j;
    detail_begin(t, &j);
    pt_json_member_u64(&j, "bd_seq", bd);
    pt_json_member_u64(&j, "other_bd_seq", n->bd_seq);
    pt_json_member_cstr(&j, "text", "two edge nodes take turns under this id; give each its own edge node id");
    detail_send(t, &j, HOST_EVENT_DUPLICATE_NODE, n, PT_NONE, wall_ms);
}

static void watch_clock(host_tracker *t, host_node *n, const host__msg *m)
{
    if (!m->payload->has_timestamp || m->payload->timestamp > INT64_MAX) return;
    n->skew_ms = (int64_t)m->payload->timestamp - m->wall_ms;
    bool off = t->opt.clock_skew_ms > 0 && (n->skew_ms > t->opt.clock_skew_ms || n->skew_ms < -t->opt.clock_skew_ms);
    if (off && !n->skew_told) {
        pt_json j;
        detail_begin(t, &j);
        pt_json_member_i64(&j, "skew_ms", n->skew_ms);
        pt_json_member_cstr(&j, "text",
                            n->skew_ms > 0 ? "the edge's clock is ahead of the host's; its samples lie in the future. Synchronise the clocks"
                                           : "the edge's clock is behind the host's, or its birth was delayed. Synchronise the clocks");
        detail_send(t, &j, HOST_EVENT_CLOCK_SKEW, n, PT_NONE, m->wall_ms);
    }
    n->skew_told = off;
}

/* bdSeq of a birth or death: the metric of that name in any integer field, or a lone nameless one (guide 25.11). */
static bool find_bd_seq(const spb_payload *p, bool death, uint8_t *out)
{
    const spb_metric *found = NULL;
    for (uint32_t i = 0; i < p->n_metrics && !found; i++)
        if (pt_slice_eq_cstr(p->metrics[i].name, "bdSeq")) found = &p->metrics[i];
    if (!found && death && p->n_metrics == 1 && !(p->metrics[0].flags & SPB_HAS_NAME)) found = &p->metrics[0];
    if (!found || (found->flags & SPB_IS_NULL)) return false;
    if (found->wire == SPB_WIRE_LONG) *out = (uint8_t)found->value.u64;
    else if (found->wire == SPB_WIRE_INT) *out = (uint8_t)found->value.u32;
    else return false;
    return true;
}

static void drain(host_tracker *t, host_node *n, pt_arena *arena);
static void note_gap(host_tracker *t, host_node *n, uint8_t got, int64_t wall_ms);

/* The seq next_seq is waiting before. */
static uint8_t first_held(const host_node *n)
{
    for (unsigned d = 1; d < 128; d++) {
        const host_held *h = &n->held[(uint8_t)(n->next_seq + d)];
        if (h->bytes && !h->early) return (uint8_t)(n->next_seq + d);
    }
    return n->next_seq;
}

/* tck-id-message-flow-edge-node-birth...: a birth is always accepted, whatever state and seq were before. */
static void on_nbirth(host_tracker *t, host_node *n, const host__msg *m, uint16_t server, pt_arena *arena)
{
    uint8_t bd = 0;
    bool has_bd = find_bd_seq(m->payload, false, &bd);
    if (!m->restored) {
        watch_for_twins(t, n, has_bd, bd, m->wall_ms);
        watch_clock(t, n, m);
    }
    bool asked = n->rebirth_open, again = n->state == HOST_NODE_ONLINE && has_bd == n->has_bd_seq && bd == n->bd_seq;
    if (n->state == HOST_NODE_ONLINE && !again) host__backfill_mark(n); /* another session without a death between */
    n->trust_old = n->trust_old || (n->old_drops && n->state == HOST_NODE_WANTED);
    n->old_drops = false;
    host__rebirth_answered(n);
    /* Every device needs its DBIRTH now; aliases and definitions die with the session. */
    for (uint32_t i = 1; i < n->n_units; i++)
        unit_offline(t, n, n->units[i], m->wall_ms, false, "nbirth");
    n->mark_due = n->n_units > 1 ? m->mono_ms + t->opt.birth_wait_ms : INT64_MAX;
    pt_map_reset(&n->aliases);
    pt_map_reset(&n->templates);
    pt_map_reset(&n->template_members);

    bool was = n->state == HOST_NODE_ONLINE;
    n->state = HOST_NODE_ONLINE;
    if (!was) {
        n->since_ms = m->wall_ms;
        t->stats.nodes_online++;
    }
    n->server = server;
    n->has_bd_seq = has_bd;
    n->bd_unsure = false;
    n->bd_seq = bd;
    n->last_seq = (uint8_t)m->payload->seq;
    n->next_seq = (uint8_t)(m->payload->seq + 1u); /* any base is accepted: tck-id-payloads-nbirth-seq */
    n->born_wall_ms = m->wall_ms;
    n->born_mono_ms = m->mono_ms;
    n->birth_ts = m->payload->has_timestamp && m->payload->timestamp <= INT64_MAX ? (int64_t)m->payload->timestamp : 0;
    n->suspect = false;
    host__held_adopt(t, n);
    n->session_messages = 1;
    n->resume = false;
    if (n->birth_ts) n->last_payload_ms = n->birth_ts;
    n->counts.accepted++;
    n->counts.expected++;
    n->counts.births++;

    host_unit *u = n->units[0];
    if (!u->online) u->since_ms = m->wall_ms;
    if (host__birth(t, n, u, m, arena) != PT_OK) {
        /* Out of memory: without its tables the session is useless; ask again later. */
        node_down(t, n, HOST_NODE_WANTED, m->wall_ms, "birth too big");
        host__want_rebirth(t, n, HOST_CAUSE_MALFORMED, m->mono_ms);
        return;
    }
    if (m->restored) return;
    host__backfill_born(t, n, m->mono_ms);
    pt_json j;
    detail_begin(t, &j);
    if (has_bd) pt_json_member_u64(&j, "bd_seq", bd);
    else pt_json_member_null(&j, "bd_seq");
    pt_json_member_u64(&j, "seq", n->last_seq);
    pt_json_member_u64(&j, "metrics", u->n);
    pt_json_member_bool(&j, "rebirth", again);
    if (asked) pt_json_member_cstr(&j, "requested", host_cause_name(n->last_cause));
    pt_json_member_u64(&j, "server", server);
    detail_send(t, &j, HOST_EVENT_NBIRTH, n, PT_NONE, m->wall_ms);
    if (!was) t->sink.state(t->sink.ctx, n, PT_NONE, true, m->wall_ms, "nbirth");
    if (n->held) { /* what overtook it */
        host__flush(t);
        drain(t, n, arena);
        if (n->n_held > n->n_early) note_gap(t, n, first_held(n), m->wall_ms);
    }
}

/* tck-id-operational-behavior-edge-node-termination-host-action-ndeath-node-offline: stamped with the host's time. */
static void on_ndeath(host_tracker *t, host_node *n, const host_message *m, const spb_payload *p)
{
    uint8_t bd = 0;
    bool has_bd = find_bd_seq(p, true, &bd);
    /* After a session was taken to go on, a later bdSeq counts, too: should it have been another session after all, it must be able to die. */
    bool later = n->bd_unsure && has_bd && (uint8_t)(bd - n->bd_seq) < 128;
    if (n->has_bd_seq && (!has_bd || bd != n->bd_seq) && !later) {
        host__reject_message(t, n, &m->topic, HOST_REJECT_BAD_DEATH, 0, has_bd ? "NDEATH of another session" : "NDEATH without bdSeq");
        return;
    }
    n->counts.accepted++;
    if (n->state == HOST_NODE_OFFLINE) return; /* explicit NDEATH and Will: once is enough */
    bool session = n->state != HOST_NODE_UNKNOWN || n->resume;
    if (!n->has_bd_seq && has_bd && n->state == HOST_NODE_UNKNOWN) {
        n->has_bd_seq = true;
        n->bd_seq = bd;
    }
    n->rebirth_due = n->silent_due = INT64_MAX;
    n->rebirth_open = false;
    n->resume = false;
    n->server = m->server;
    n->counts.deaths++;
    bool was = n->state == HOST_NODE_ONLINE;
    node_down(t, n, HOST_NODE_OFFLINE, m->wall_ms, "ndeath");
    if (!was) n->since_ms = m->wall_ms;
    if (!session && !has_bd) return;
    pt_json j;
    detail_begin(t, &j);
    if (has_bd) pt_json_member_u64(&j, "bd_seq", bd);
    pt_json_member_bool(&j, "was_online", was);
    detail_send(t, &j, HOST_EVENT_NDEATH, n, PT_NONE, m->wall_ms);
}

/* ---- sequenced messages ----------------------------------------------------------------------- */

static void on_dbirth(host_tracker *t, host_node *n, const host__msg *m, const spb_topic *topic, pt_arena *arena)
{
    host_unit *u = host__unit(n, m->device, true);
    if (!u) {
        host__reject_message(t, n, topic, HOST_REJECT_TOO_MANY, m->payload->n_metrics, "more devices than the limit");
        return;
    }
    pt_status st = host__birth(t, n, u, m, arena);
    if (st == PT_EEXISTS) {
        host__reject_message(t, n, topic, HOST_REJECT_DUPLICATE_ALIAS, m->payload->n_metrics, "DBIRTH with an alias of another device");
        host__want_rebirth(t, n, HOST_CAUSE_DUPLICATE_ALIAS, m->mono_ms);
        n->alias_conflict = true;
        return;
    }
    if (st != PT_OK) {
        host__reject_message(t, n, topic, HOST_REJECT_TOO_BIG, m->payload->n_metrics, "DBIRTH too big");
        return;
    }
    n->counts.accepted++;
    if (m->restored) return;
    pt_json j;
    detail_begin(t, &j);
    pt_json_member_u64(&j, "metrics", u->n);
    detail_send(t, &j, HOST_EVENT_DBIRTH, n, u->id_slice, m->wall_ms);
}

/* tck-id-operational-behavior-edge-node-termination-host-action-ddeath-devices-offline: stamped with the payload's time. */
static void on_ddeath(host_tracker *t, host_node *n, const host__msg *m)
{
    n->counts.accepted++;
    host_unit *u = host__unit(n, m->device, false);
    if (!u || !u->online) return;
    int64_t at = m->payload->has_timestamp && m->payload->timestamp <= INT64_MAX ? (int64_t)m->payload->timestamp : m->wall_ms;
    unit_offline(t, n, u, at, true, "ddeath");
    pt_json j;
    detail_begin(t, &j);
    pt_json_member_u64(&j, "seq", m->payload->seq);
    detail_send(t, &j, HOST_EVENT_DDEATH, n, u->id_slice, at);
}

/* The message whose turn it is. */
static void apply(host_tracker *t, host_node *n, const host__msg *m, pt_arena *arena)
{
    spb_topic topic = { .verb = m->verb, .group = n->group_slice, .edge = n->edge_slice, .device = m->device };
    n->last_seq = (uint8_t)m->payload->seq;
    n->next_seq = spb_seq_next(n->last_seq);
    n->session_messages++;
    n->counts.expected++;
    if (m->payload->has_timestamp && m->payload->timestamp <= INT64_MAX) n->last_payload_ms = (int64_t)m->payload->timestamp;
    if (m->verb == SPB_DBIRTH) {
        on_dbirth(t, n, m, &topic, arena);
    } else if (m->verb == SPB_DDEATH) {
        on_ddeath(t, n, m);
    } else {
        host_unit *u = host__unit(n, m->device, false);
        if (!u || !u->born) {
            host__reject_message(t, n, &topic, HOST_REJECT_DEVICE_NOT_BORN, m->payload->n_metrics, "DDATA for a device without DBIRTH");
            host__want_rebirth(t, n, HOST_CAUSE_DATA_BEFORE_BIRTH, m->mono_ms);
            return;
        }
        n->counts.accepted++;
        host__data(t, n, u, m, arena);
    }
}

/* Apply what was held back and is due now; then the timer belongs to the oldest gap left. */
static void drain(host_tracker *t, host_node *n, pt_arena *arena)
{
    host_held h;
    while (n->state == HOST_NODE_ONLINE && host__held_take(n, n->next_seq, false, &h)) {
        spb_payload p;
        pt_slice bytes = pt_slice_of(h.bytes + h.device_len, h.payload_len);
        host__msg m = { .verb = h.verb,
                        .device = pt_slice_of(h.bytes, h.device_len),
                        .payload = &p,
                        .bytes = bytes,
                        .wall_ms = h.wall_ms,
                        .mono_ms = h.mono_ms };
        pt_status st = spb_payload_decode(bytes, &t->opt.limits, arena, &p, NULL);
        if (st == PT_OK) {
            n->counts.reordered++;
            apply(t, n, &m, arena);
        } else { /* it decoded on arrival: only memory can be short now */
            spb_topic topic = { .verb = h.verb, .group = n->group_slice, .edge = n->edge_slice, .device = m.device };
            n->next_seq = spb_seq_next(n->next_seq);
            n->counts.expected++;
            host__reject_message(t, n, &topic, HOST_REJECT_TOO_BIG, h.samples, "no memory to decode");
        }
        host__flush(t); /* updates borrow h.bytes */
        free(h.bytes);
    }
    n->reorder_due = INT64_MAX;
    if (n->n_held == n->n_early) return;
    int64_t oldest = INT64_MAX;
    for (unsigned s = 0; s < 256; s++)
        if (n->held[s].bytes && !n->held[s].early && n->held[s].mono_ms < oldest) oldest = n->held[s].mono_ms;
    n->reorder_due = oldest + t->opt.reorder_timeout_ms;
}

/* The missing message did not come: one rebirth, nothing held back is shown as live
 * (tck-id-operational-behavior-host-reordering-rebirth). */
static void gap_lost(host_tracker *t, host_node *n, host_cause cause, unsigned beyond, int64_t wall_ms, int64_t mono_ms)
{
    unsigned top = beyond; /* seqs from next_seq up to here were due */
    unsigned held = n->n_held - n->n_early;
    for (unsigned d = 1; d < 128 && n->held; d++) {
        const host_held *h = &n->held[(uint8_t)(n->next_seq + d)];
        if (h->bytes && !h->early && d > top) top = d;
    }
    unsigned holes = top + 1 - held - (beyond ? 1 : 0);
    n->counts.holes += holes;
    n->counts.expected += top + 1;
    pt_json j;
    detail_begin(t, &j);
    pt_json_member_u64(&j, "expected_seq", n->next_seq);
    pt_json_member_u64(&j, "missing", holes);
    pt_json_member_u64(&j, "discarded", held);
    pt_json_member_cstr(&j, "cause", host_cause_name(cause));
    detail_send(t, &j, HOST_EVENT_REORDER_TIMEOUT, n, PT_NONE, wall_ms);
    node_down(t, n, HOST_NODE_WANTED, wall_ms, host_cause_name(cause));
    host__want_rebirth(t, n, cause, mono_ms);
}

static void note_gap(host_tracker *t, host_node *n, uint8_t got, int64_t wall_ms)
{
    n->counts.seq_gaps++;
    t->stats.seq_gaps++;
    pt_json j;
    detail_begin(t, &j);
    pt_json_member_u64(&j, "expected_seq", n->next_seq);
    pt_json_member_u64(&j, "got_seq", got);
    detail_send(t, &j, HOST_EVENT_SEQ_GAP, n, PT_NONE, wall_ms);
}

/* Sent before the NBIRTH it arrives behind: a straggler of the run before (guide 19). Only shortly after the birth, and not again for a
 * node where dropping led into the next gap: its clock does not work the way this rule needs. */
static bool is_straggler(const host_tracker *t, const host_node *n, const host__msg *m)
{
    int64_t window = t->opt.reorder_timeout_ms > 2000 ? t->opt.reorder_timeout_ms : 2000;
    return m->payload->has_timestamp && n->birth_ts > 0 && !n->trust_old && m->mono_ms - n->born_mono_ms < window &&
           m->payload->timestamp < (uint64_t)n->birth_ts;
}

/* Sent after everything that was applied: then it is not behind, but ahead by more than half the circle. So many messages are missing that
 * the rest of the circle would pass for duplicates, and then the stream for whole. */
static bool is_newer(const host_node *n, const host__msg *m)
{
    return m->payload->has_timestamp && m->payload->timestamp <= INT64_MAX && (int64_t)m->payload->timestamp > n->last_payload_ms;
}

/* A message that does not fit the present session, but could be one of a session whose NBIRTH it has overtaken. True: held back.
 * While ONLINE that is one with a seq of before and a time of after: it proves that another session has begun, so nothing is applied to
 * this one any more until its NBIRTH comes, or is known to be lost. Otherwise one that is young in its session, while births are in the air. */
static bool keep_early(host_tracker *t, host_node *n, const host__msg *m, host_reject why)
{
    enum { YOUNG = 32 };
    if (!m->payload->has_timestamp || t->opt.reorder_timeout_ms == 0) return false;
    if (n->state == HOST_NODE_ONLINE) {
        if (!n->suspect && (int64_t)m->payload->timestamp <= n->last_payload_ms) return false; /* sent before what we have: a duplicate */
    } else if (m->payload->seq > YOUNG || (m->verb != SPB_DBIRTH && n->n_early == 0 && !n->rebirth_open && n->state != HOST_NODE_OFFLINE)) {
        return false;
    }
    if (host__hold(t, n, m, (uint8_t)m->payload->seq, true, why) != PT_OK) return false;
    n->suspect = n->state == HOST_NODE_ONLINE;
    return true;
}

/* Nothing came for the early ones. Where they spoke of another session, its NBIRTH is lost. */
static void early_over(host_tracker *t, host_node *n, int64_t wall_ms, int64_t mono_ms)
{
    bool other = n->suspect;
    host__early_expire(t, n, other ? INT64_MAX : mono_ms);
    n->suspect = false;
    if (!other || n->state != HOST_NODE_ONLINE) return;
    note_gap(t, n, n->next_seq, wall_ms);
    node_down(t, n, HOST_NODE_WANTED, wall_ms, "another session, whose NBIRTH is lost");
    host__want_rebirth(t, n, HOST_CAUSE_SEQ_GAP, mono_ms);
}

/* Does a session of before a disconnect or restart go on? Only when nothing was sent meanwhile, and then the next seq fits. It fits by
 * chance, too, once in 256 sessions; so a node that would have sent something in that time, by its own rate, is not believed. */
static bool continues(const host_node *n, const host__msg *m)
{
    if (!n->resume || m->payload->seq != n->next_seq) return false;
    int64_t lived = n->alive_mono_ms - n->born_mono_ms, away = m->mono_ms - n->alive_mono_ms;
    if (away > lived) return false; /* away for longer than the session had been known */
    if (lived < 2000) lived = 2000;
    uint64_t births = 0;
    for (uint32_t i = 0; i < n->n_units; i++)
        births += n->units[i]->resumable;
    uint64_t data = n->session_messages > births ? n->session_messages - births : 0;
    return (double)data * (double)away / (double)lived < 1.0;
}

static void resume(host_tracker *t, host_node *n, const host__msg *m)
{
    n->state = HOST_NODE_ONLINE;
    n->resume = false;
    n->bd_unsure = true;
    host__backfill_clear(n);
    n->since_ms = m->wall_ms;
    n->rebirth_due = n->silent_due = INT64_MAX;
    t->stats.nodes_online++;
    for (uint32_t i = 0; i < n->n_units; i++) {
        host_unit *u = n->units[i];
        if (!u->resumable) continue;
        u->online = u->born = true;
        u->resumable = false;
        u->since_ms = m->wall_ms;
        if (collect_ids(t, u)) t->sink.fresh(t->sink.ctx, n, t->ids, t->n_ids, m->wall_ms);
        t->sink.state(t->sink.ctx, n, i ? u->id_slice : PT_NONE, true, m->wall_ms, "session continues");
    }
}

static void on_sequenced(host_tracker *t, host_node *n, const host__msg *m, const host_message *raw, pt_arena *arena)
{
    const spb_payload *p = m->payload;
    if (!p->has_seq || p->seq > 255) {
        host__reject_message(t, n, &raw->topic, p->has_seq ? HOST_REJECT_BAD_SEQ : HOST_REJECT_NO_SEQ, p->n_metrics,
                             p->has_seq ? "seq above 255" : "no seq");
        return;
    }
    if (n->state == HOST_NODE_UNKNOWN && raw->server == n->server && continues(n, m)) resume(t, n, m);
    if (n->state != HOST_NODE_ONLINE) {
        bool dead = n->state == HOST_NODE_OFFLINE;
        /* The NDEATH may have overtaken the last data of its own session: no request for those. */
        int64_t grace = t->opt.reorder_timeout_ms > 2000 ? t->opt.reorder_timeout_ms : 2000;
        if (dead && p->has_timestamp && raw->wall_ms - n->since_ms < grace && (int64_t)p->timestamp - n->skew_ms <= n->since_ms) {
            host__reject_message(t, n, &raw->topic, HOST_REJECT_OFFLINE, p->n_metrics, "data of a dead node, sent before its death");
            return;
        }
        if (!keep_early(t, n, m, dead ? HOST_REJECT_OFFLINE : HOST_REJECT_NOT_BORN))
            host__reject_message(t, n, &raw->topic, dead ? HOST_REJECT_OFFLINE : HOST_REJECT_NOT_BORN, p->n_metrics,
                                 dead ? "data of a dead node" : "data of a node without NBIRTH");
        host_cause cause = n->resume ? HOST_CAUSE_HOST_RESTART : dead ? HOST_CAUSE_DATA_BEFORE_BIRTH : HOST_CAUSE_UNKNOWN_NODE;
        if (n->state == HOST_NODE_WANTED && n->rebirth_cause != HOST_CAUSE_NONE) cause = n->rebirth_cause;
        n->server = raw->server; /* where it lives now */
        n->resume = false;
        n->state = HOST_NODE_WANTED;
        n->silent_due = INT64_MAX;
        host__want_rebirth(t, n, cause, m->mono_ms);
        host__rebirth_hurry(t, n); /* it talks: perhaps only our request was lost */
        return;
    }
    if (raw->server != n->server) {
        host__reject_message(t, n, &raw->topic, HOST_REJECT_OTHER_SERVER, p->n_metrics, "the node is online on another server");
        return;
    }
    if (is_straggler(t, n, m)) {
        n->old_drops = true;
        host__reject_message(t, n, &raw->topic, HOST_REJECT_OLD_SESSION, p->n_metrics, "sent before the NBIRTH");
        return;
    }
    uint8_t seq = (uint8_t)p->seq;
    unsigned ahead = spb_seq_ahead(n->next_seq, seq);
    if (n->suspect && keep_early(t, n, m, HOST_REJECT_NOT_BORN)) return;
    if (ahead == 0) {
        apply(t, n, m, arena);
        if (n->held) {
            host__flush(t);
            drain(t, n, arena);
        }
        return;
    }
    if (ahead >= 128 && keep_early(t, n, m, HOST_REJECT_DUPLICATE_SEQ)) return;
    pt_status st = ahead < 128 ? PT_OK : is_newer(n, m) ? PT_EFULL : PT_EEXISTS;
    if (st == PT_OK) st = t->opt.reorder_timeout_ms > 0 ? host__hold(t, n, m, seq, false, HOST_REJECT_REORDER) : PT_EFULL;
    if (st == PT_EEXISTS) { /* behind, or already held */
        n->counts.duplicates++;
        host__reject_message(t, n, &raw->topic, HOST_REJECT_DUPLICATE_SEQ, p->n_metrics, "a duplicate, or very late");
        return;
    }
    bool first = n->reorder_due == INT64_MAX;
    if (first) note_gap(t, n, seq, m->wall_ms);
    if (st == PT_OK) { /* the timer is armed once, by the message that showed the gap (-host-reordering-start) */
        if (first) n->reorder_due = m->mono_ms + t->opt.reorder_timeout_ms;
        return;
    }
    host__reject_message(t, n, &raw->topic, HOST_REJECT_REORDER, p->n_metrics, "a message is missing and no more can be held back");
    gap_lost(t, n, HOST_CAUSE_SEQ_GAP, ahead, m->wall_ms, m->mono_ms);
}

/* ---- entry points ----------------------------------------------------------------------------- */

/* Somebody's NCMD. Ours come back too; a rebirth request of another host serves us as well. */
static void on_command(host_tracker *t, host_node *n, const host_message *m, pt_arena *arena)
{
    spb_payload p;
    if (!n || m->topic.verb != SPB_NCMD || spb_payload_decode(m->payload, &t->opt.limits, arena, &p, NULL) != PT_OK) return;
    bool rebirth = false;
    for (uint32_t i = 0; i < p.n_metrics; i++)
        if (pt_slice_eq_cstr(p.metrics[i].name, "Node Control/Rebirth") && p.metrics[i].wire == SPB_WIRE_BOOL && p.metrics[i].value.boolean)
            rebirth = true;
    if (!rebirth) return;
    if (n->own_echoes > 0) {
        n->own_echoes--;
        return;
    }
    if (n->rebirth_due == INT64_MAX) return;
    n->rebirth_due = INT64_MAX;
    n->rebirth_sent_mono = m->mono_ms;
    n->rebirth_open = true;
    n->counts.rebirths_ridden++;
    if (n->state != HOST_NODE_ONLINE) host__want_rebirth(t, n, n->rebirth_cause, m->mono_ms);
}

void host_tracker_message(host_tracker *t, const host_message *m, pt_arena *arena)
{
    spb_verb verb = m->topic.verb;
    if (verb >= SPB_STATE) return;
    t->stats.messages[verb]++;
    host_node *n = host_tracker_find(t, m->topic.group, m->topic.edge);
    if (verb == SPB_NCMD || verb == SPB_DCMD) {
        if (!m->retained) on_command(t, n, m, arena);
        if (n) host__set_timer(t, n);
        return;
    }
    if (!n) n = node_make(t, m->topic.group, m->topic.edge);
    if (!n) {
        host__reject_message(t, NULL, &m->topic, HOST_REJECT_TOO_MANY, 0, "more edge nodes than the limit");
        return;
    }
    n->counts.messages++;
    if (n->state == HOST_NODE_UNKNOWN && !n->resume && n->counts.messages == 1) n->server = m->server;
    if (m->retained) { /* nobody may publish births or data retained; its age is unknown, so it is not believed */
        host__reject_message(t, n, &m->topic, HOST_REJECT_RETAINED, 0, "retained message of an edge node");
        if (n->state == HOST_NODE_UNKNOWN && verb != SPB_NDEATH) host__want_rebirth(t, n, HOST_CAUSE_UNKNOWN_NODE, m->mono_ms);
        if (n->rebirth_due <= m->mono_ms) host__rebirth_tick(t, n, m->wall_ms, m->mono_ms);
        host__set_timer(t, n);
        return;
    }
    spb_payload p;
    pt_error err = { 0, "" };
    pt_status st = spb_payload_decode(m->payload, &t->opt.limits, arena, &p, &err);
    host__msg msg = { .verb = verb,
                      .device = m->topic.device,
                      .payload = &p,
                      .bytes = m->payload,
                      .wall_ms = m->wall_ms,
                      .mono_ms = m->mono_ms };
    if (st != PT_OK) {
        host__reject_message(t, n, &m->topic, st == PT_EMALFORMED ? HOST_REJECT_MALFORMED : HOST_REJECT_TOO_BIG, 0, err.text);
        if (verb == SPB_NBIRTH) { /* its aliases are not the ones we know: nothing of this node can be believed any more */
            node_down(t, n, HOST_NODE_WANTED, m->wall_ms, "malformed birth");
            n->server = m->server;
            n->resume = false;
        }
        if (verb == SPB_NBIRTH || (verb == SPB_DBIRTH && n->state == HOST_NODE_ONLINE)) host__want_rebirth(t, n, HOST_CAUSE_MALFORMED, m->mono_ms);
    } else if (verb == SPB_NBIRTH && (!p.has_seq || p.seq > 255)) {
        host__reject_message(t, n, &m->topic, p.has_seq ? HOST_REJECT_BAD_SEQ : HOST_REJECT_NO_SEQ, p.n_metrics, "NBIRTH without a valid seq");
        node_down(t, n, HOST_NODE_WANTED, m->wall_ms, "NBIRTH without a valid seq");
        n->server = m->server;
        n->resume = false;
        host__want_rebirth(t, n, HOST_CAUSE_MALFORMED, m->mono_ms);
    } else if (verb == SPB_NBIRTH) {
        on_nbirth(t, n, &msg, m->server, arena);
    } else if (verb == SPB_NDEATH) {
        on_ndeath(t, n, m, &p);
    } else {
        on_sequenced(t, n, &msg, m, arena);
    }
    host__flush(t);
    n->last_message_ms = m->wall_ms;
    n->last_message_mono = m->mono_ms;
    if (n->rebirth_due <= m->mono_ms) host__rebirth_tick(t, n, m->wall_ms, m->mono_ms);
    host__set_timer(t, n);
}

static void node_tick(host_tracker *t, host_node *n, int64_t wall_ms, int64_t mono_ms)
{
    bool ready = n->server < HOST_SERVERS_MAX && t->server[n->server].ready;
    if (n->early_due <= mono_ms) early_over(t, n, wall_ms, mono_ms);
    if (n->reorder_due <= mono_ms) gap_lost(t, n, HOST_CAUSE_REORDER_TIMEOUT, 0, wall_ms, mono_ms);
    if (n->mark_due <= mono_ms) {
        n->mark_due = INT64_MAX;
        for (uint32_t i = 1; i < n->n_units; i++)
            if (!n->units[i]->online) unit_offline(t, n, n->units[i], n->units[i]->since_ms, true, "not born again");
    }
    if (ready && n->silent_due <= mono_ms) {
        n->silent_due = INT64_MAX;
        if (n->state == HOST_NODE_UNKNOWN) {
            n->resume = false;
            n->state = HOST_NODE_WANTED;
            host__want_rebirth(t, n, HOST_CAUSE_NO_BIRTH_AFTER_STATE, mono_ms);
        }
    }
    if (n->rebirth_due <= mono_ms) host__rebirth_tick(t, n, wall_ms, mono_ms);
    if (n->backfill_due <= mono_ms) host__backfill_tick(t, n, wall_ms, mono_ms);
}

void host_tracker_shed(host_tracker *t, pt_slice group, pt_slice edge, uint64_t messages, int64_t wall_ms, int64_t mono_ms)
{
    host_node *n = host_tracker_find(t, group, edge);
    t->stats.rejected_messages[HOST_REJECT_OVERLOAD] += messages;
    if (!n) return;
    n->counts.messages += messages;
    n->counts.rejected_messages[HOST_REJECT_OVERLOAD] += messages;
    pt_json j;
    detail_begin(t, &j);
    pt_json_member_u64(&j, "missing", messages);
    pt_json_member_cstr(&j, "cause", host_cause_name(HOST_CAUSE_OVERLOAD));
    detail_send(t, &j, HOST_EVENT_SEQ_GAP, n, PT_NONE, wall_ms);
    n->counts.seq_gaps++;
    t->stats.seq_gaps++;
    n->resume = false;
    if (n->state != HOST_NODE_UNKNOWN) { /* else its next message, or its silence after our STATE, is what asks */
        node_down(t, n, HOST_NODE_WANTED, wall_ms, host_cause_name(HOST_CAUSE_OVERLOAD)); /* a birth or a death may have been among them */
        host__want_rebirth(t, n, HOST_CAUSE_OVERLOAD, mono_ms);
        if (n->rebirth_due <= mono_ms) host__rebirth_tick(t, n, wall_ms, mono_ms);
    }
    host__set_timer(t, n);
}

void host_tracker_remap(host_tracker *t, int64_t wall_ms, int64_t mono_ms, pt_arena *arena)
{
    for (size_t i = 0; i < t->n; i++) {
        host_node *n = t->nodes[i];
        for (uint32_t k = 0; k < n->n_units; k++) {
            host_unit *u = n->units[k];
            spb_payload p;
            if (!u->birth || spb_payload_decode(pt_slice_of(u->birth, u->birth_len), &t->opt.limits, arena, &p, NULL) != PT_OK) continue;
            host__msg m = { .verb = k ? SPB_DBIRTH : SPB_NBIRTH,
                            .device = u->id_slice,
                            .payload = &p,
                            .bytes = pt_slice_of(u->birth, u->birth_len),
                            .wall_ms = wall_ms,
                            .mono_ms = mono_ms,
                            .restored = true,
                            .remap = true };
            bool born = u->born;
            if (host__birth(t, n, u, &m, arena) != PT_OK) continue; /* out of memory: the old tags stay */
            u->born = born;
        }
    }
}

void host_tracker_tick(host_tracker *t, int64_t wall_ms, int64_t mono_ms, pt_arena *arena)
{
    (void)arena;
    for (host_node *n = t->timed, *next; n; n = next) {
        next = n->timed_next;
        if (node_due(t, n) > mono_ms) continue;
        node_tick(t, n, wall_ms, mono_ms);
        host__flush(t);
        host__set_timer(t, n);
    }
}

pt_status host_tracker_restore(host_tracker *t, const host_saved *s, int64_t wall_ms, int64_t mono_ms, pt_arena *arena)
{
    if (host_tracker_find(t, s->group, s->edge)) return PT_EEXISTS;
    host_node *n = node_make(t, s->group, s->edge);
    if (!n) return PT_EFULL;
    n->server = s->server;
    n->has_bd_seq = s->has_bd_seq;
    n->bd_seq = s->bd_seq;
    n->next_seq = s->next_seq;
    n->last_seq = (uint8_t)(s->next_seq - 1u);
    n->born_wall_ms = s->born_wall_ms;
    n->birth_ts = s->birth_ts;
    n->born_mono_ms = mono_ms - (wall_ms - s->born_wall_ms);
    n->last_message_ms = s->last_wall_ms;
    n->last_message_mono = mono_ms - (wall_ms - s->last_wall_ms);
    n->session_messages = s->messages;
    n->alive_ms = s->alive_wall_ms;
    n->alive_mono_ms = mono_ms - (wall_ms - s->alive_wall_ms);
    n->last_payload_ms = n->backfill_from = s->last_payload_ms;
    n->since_ms = s->last_wall_ms;
    for (uint32_t i = 0; i < s->n_units; i++) {
        const host_saved_unit *su = &s->units[i];
        host_unit *u = host__unit(n, i ? su->id : PT_LIT(""), true);
        if (!u) return PT_EFULL;
        u->since_ms = s->last_wall_ms;
        u->stale_ms = s->last_wall_ms;
        if (su->birth.len == 0) continue;
        spb_payload p;
        host__msg m = { .verb = i ? SPB_DBIRTH : SPB_NBIRTH, .device = su->id, .payload = &p, .bytes = su->birth, .wall_ms = wall_ms, .mono_ms = mono_ms, .restored = true };
        pt_status st = spb_payload_decode(su->birth, &t->opt.limits, arena, &p, NULL);
        if (st == PT_OK) st = host__birth(t, n, u, &m, arena);
        if (st != PT_OK) return st;
        u->born = false;
        u->resumable = su->online;
    }
    n->resume = s->n_units > 0 && s->units[0].birth.len > 0;
    return PT_OK;
}

void host_tracker_server_ready(host_tracker *t, uint16_t server, int64_t wall_ms, int64_t mono_ms)
{
    (void)wall_ms;
    if (server >= HOST_SERVERS_MAX) return;
    t->server[server].ready = true;
    for (size_t i = 0; i < t->n; i++) {
        host_node *n = t->nodes[i];
        if (n->server != server) continue;
        if (n->state == HOST_NODE_UNKNOWN && (n->counts.births > 0 || n->resume)) n->silent_due = mono_ms + t->opt.birth_wait_ms;
        host__set_timer(t, n);
    }
}

void host_tracker_server_lost(host_tracker *t, uint16_t server, int64_t wall_ms, int64_t mono_ms)
{
    if (server >= HOST_SERVERS_MAX) return;
    t->server[server].ready = false;
    for (size_t i = 0; i < t->n; i++) {
        host_node *n = t->nodes[i];
        if (n->server != server) continue;
        host__early_expire(t, n, INT64_MAX);
        bool whole = n->state == HOST_NODE_ONLINE && n->n_held == 0;
        for (uint32_t k = 0; k < n->n_units; k++)
            n->units[k]->resumable = whole && n->units[k]->online;
        if (n->state == HOST_NODE_ONLINE || n->state == HOST_NODE_WANTED) node_down(t, n, HOST_NODE_UNKNOWN, wall_ms, "connection lost");
        n->resume = whole;
        n->alive_ms = wall_ms;
        n->alive_mono_ms = mono_ms;
        n->rebirth_due = n->silent_due = INT64_MAX;
        n->rebirth_open = false;
        n->own_echoes = 0;
        host__flush(t);
        host__set_timer(t, n);
    }
}

pt_status host_tracker_rebirth(host_tracker *t, pt_slice group, pt_slice edge, int64_t wall_ms, int64_t mono_ms)
{
    host_node *n = host_tracker_find(t, group, edge);
    if (!n) return PT_ENOTFOUND;
    if (!t->opt.commands) return PT_EREFUSED;
    if (n->server >= HOST_SERVERS_MAX || !t->server[n->server].ready) return PT_ESTATE;
    pt_status st = host__send_rebirth(t, n, HOST_CAUSE_OPERATOR, wall_ms, mono_ms);
    host__set_timer(t, n);
    return st;
}
