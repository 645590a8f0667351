/* host/nodes/tracker.c -- messages in, decisions out: the session rules of every edge node.
 *
 * Invariants between calls:
 *   1. a node that is not ONLINE has no unit online and holds nothing back but early messages;
 *   2. reorder_due is set exactly while something is ahead of a gap;
 *   3. received = accepted + rejected + held, for messages and for samples (host__counts_close);
 *   4. at most one rebirth request is wanted per node. */
#include "host/nodes/tracker_internal.h"

#include "base/assert.h"

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
                                 .file_bytes = HOST_VALUE_MAX,
                                 .files_bytes = 64u << 20,
                                 .file_age_ms = 600000,
                                 .seed = 1,
                                 .limits = spb_limits_default };
}

pt_status host_tracker_new(const host_tracker_options *o, const host_sink *sink, host_tracker **out)
{
    host_tracker *t = calloc(1, sizeof *t);
    if (!t) return PT_ENOMEM;
    t->opt = *o;
    t->silence_due = o->silence_ms > 0 ? 0 : INT64_MAX;
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

void host_tracker_free(host_tracker *t)
{
    if (!t) return;
    for (size_t i = 0; i < t->n; i++)
        host__node_free(t->nodes[i]);
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
    t->silence_due = o->silence_ms > 0 ? 0 : INT64_MAX;
}

/* ---- entry points ----------------------------------------------------------------------------- */

/* The first three invariants above. */
static bool holds(const host_node *n)
{
    if (n->state != HOST_NODE_ONLINE) {
        for (uint32_t k = 0; k < n->n_units; k++)
            if (n->units[k]->online) return false;
        if (n->n_held != n->n_early) return false;
    }
    return (n->n_held > n->n_early) == (n->reorder_due != INT64_MAX) && host__counts_close(n);
}

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
    if (!n) n = host__node_make(t, m->topic.group, m->topic.edge);
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
    if (t->sink.message) t->sink.message(t->sink.ctx, m, st == PT_OK ? &p : NULL, err.text);
    host__msg msg = {
        .verb = verb, .device = m->topic.device, .payload = &p, .bytes = m->payload, .wall_ms = m->wall_ms, .mono_ms = m->mono_ms
    };
    if (st != PT_OK) {
        host__reject_message(t, n, &m->topic, st == PT_EMALFORMED ? HOST_REJECT_MALFORMED : HOST_REJECT_TOO_BIG, 0, err.text);
        if (st == PT_ETOOBIG && (verb == SPB_NBIRTH || verb == SPB_DBIRTH))
            host__birth_too_big(
                t, n, verb == SPB_DBIRTH ? m->topic.device : PT_NONE, 0,
                "the birth is larger than sparkplug.payload_bytes or than what a payload may hold; nothing of it is followed. Raise the limit, or spread the metrics over devices",
                m->wall_ms);
        if (verb == SPB_NBIRTH) { /* its aliases are not the ones we know: nothing of this node can be believed any more */
            host__node_down(t, n, HOST_NODE_WANTED, m->wall_ms, "malformed birth");
            n->server = m->server;
            n->resume = false;
        }
        if (verb == SPB_NBIRTH || (verb != SPB_NDEATH && n->state == HOST_NODE_ONLINE))
            host__want_rebirth(t, n, HOST_CAUSE_MALFORMED, m->mono_ms);
        if (verb == SPB_NDEATH && m->server == n->server)
            host__doubt(t, n, HOST_CAUSE_DOUBTFUL_DEATH, true, "NDEATH that does not decode", m->wall_ms, m->mono_ms);
    } else if (verb == SPB_NBIRTH && (!p.has_seq || p.seq > 255)) {
        host__reject_message(t, n, &m->topic, p.has_seq ? HOST_REJECT_BAD_SEQ : HOST_REJECT_NO_SEQ, p.n_metrics,
                             "NBIRTH without a valid seq");
        host__node_down(t, n, HOST_NODE_WANTED, m->wall_ms, "NBIRTH without a valid seq");
        n->server = m->server;
        n->resume = false;
        host__want_rebirth(t, n, HOST_CAUSE_MALFORMED, m->mono_ms);
    } else if (verb == SPB_NBIRTH) {
        host__nbirth(t, n, &msg, m->server, arena);
    } else if (verb == SPB_NDEATH) {
        host__ndeath(t, n, m, &p);
    } else {
        host__sequenced(t, n, &msg, m, arena);
    }
    host__flush(t);
    n->last_message_ms = m->wall_ms;
    n->last_message_mono = m->mono_ms;
    if (n->rebirth_due <= m->mono_ms) host__rebirth_tick(t, n, m->wall_ms, m->mono_ms);
    host__set_timer(t, n);
    pt_assert(holds(n));
}

static void node_tick(host_tracker *t, host_node *n, int64_t wall_ms, int64_t mono_ms)
{
    bool ready = n->server < HOST_SERVERS_MAX && t->server[n->server].ready;
    if (n->early_due <= mono_ms) host__early_over(t, n, wall_ms, mono_ms);
    if (n->doubt_due <= mono_ms) host__doubt_tick(t, n, wall_ms, mono_ms);
    if (n->reorder_due <= mono_ms) host__gap_lost(t, n, HOST_CAUSE_REORDER_TIMEOUT, 0, wall_ms, mono_ms);
    if (n->mark_due <= mono_ms) {
        n->mark_due = INT64_MAX;
        for (uint32_t i = 1; i < n->n_units; i++)
            if (!n->units[i]->online) host__unit_offline(t, n, n->units[i], n->units[i]->since_ms, true, "not born again");
    }
    if (ready && n->silent_due <= mono_ms) {
        n->silent_due = INT64_MAX;
        if (n->state == HOST_NODE_UNKNOWN) {
            n->resume = false;
            n->state = HOST_NODE_WANTED;
            host__want_rebirth(t, n, HOST_CAUSE_NO_BIRTH_AFTER_STATE, mono_ms);
        } else if (n->state == HOST_NODE_OFFLINE) { /* dead when we last knew: one question is enough */
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
    host__detail_begin(t, &j);
    pt_json_member_u64(&j, "missing", messages);
    pt_json_member_cstr(&j, "cause", host_cause_name(HOST_CAUSE_OVERLOAD));
    host__detail_send(t, &j, HOST_EVENT_SEQ_GAP, n, PT_NONE, wall_ms);
    n->counts.seq_gaps++;
    t->stats.seq_gaps++;
    n->resume = false;
    if (n->state != HOST_NODE_UNKNOWN) { /* else its next message, or its silence after our STATE, is what asks */
        host__node_down(t, n, HOST_NODE_WANTED, wall_ms,
                        host_cause_name(HOST_CAUSE_OVERLOAD)); /* a birth or a death may have been among them */
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
    if (t->silence_due <= mono_ms) host__silence_scan(t, wall_ms, mono_ms);
    for (host_node *n = t->timed, *next; n; n = next) {
        next = n->timed_next;
        if (host__node_due(t, n) > mono_ms) continue;
        node_tick(t, n, wall_ms, mono_ms);
        host__flush(t);
        host__set_timer(t, n);
        pt_assert(holds(n));
    }
}

pt_status host_tracker_restore(host_tracker *t, const host_saved *s, int64_t wall_ms, int64_t mono_ms, pt_arena *arena)
{
    if (host_tracker_find(t, s->group, s->edge)) return PT_EEXISTS;
    host_node *n = host__node_make(t, s->group, s->edge);
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
    bool session = s->kind == HOST_SAVED_SESSION;
    n->since_ms = session ? s->last_wall_ms : s->since_ms;
    if (s->kind == HOST_SAVED_DOWN) n->state = HOST_NODE_OFFLINE;
    for (uint32_t i = 0; i < s->n_units; i++) {
        const host_saved_unit *su = &s->units[i];
        host_unit *u = host__unit(n, i ? su->id : PT_LIT(""), true);
        if (!u) return PT_EFULL;
        u->since_ms = n->since_ms;
        u->stale_ms = n->since_ms;
        if (su->birth.len == 0) continue;
        spb_payload p;
        host__msg m = { .verb = i ? SPB_DBIRTH : SPB_NBIRTH,
                        .device = su->id,
                        .payload = &p,
                        .bytes = su->birth,
                        .wall_ms = wall_ms,
                        .mono_ms = mono_ms,
                        .restored = true };
        pt_status st = spb_payload_decode(su->birth, &t->opt.limits, arena, &p, NULL);
        if (st == PT_OK) st = host__birth(t, n, u, &m, arena);
        if (st != PT_OK) return st;
        u->born = false;
        u->resumable = session && su->online;
    }
    n->resume = session && s->n_units > 0 && s->units[0].birth.len > 0;
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
        bool restored = n->counts.messages == 0 && n->units[0]->birth; /* and not heard since: it may have come while we were away */
        if (restored || (n->state == HOST_NODE_UNKNOWN && (n->counts.births > 0 || n->resume)))
            n->silent_due = mono_ms + t->opt.birth_wait_ms;
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
        if (n->state == HOST_NODE_ONLINE || n->state == HOST_NODE_WANTED)
            host__node_down(t, n, HOST_NODE_UNKNOWN, wall_ms, "connection lost");
        n->resume = whole;
        n->alive_ms = wall_ms;
        n->alive_mono_ms = mono_ms;
        n->rebirth_due = n->silent_due = INT64_MAX;
        n->rebirth_open = false;
        n->own_echoes = 0;
        host__flush(t);
        host__set_timer(t, n);
        pt_assert(holds(n));
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
