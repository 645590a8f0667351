/* host/nodes/tracker_session.c -- NBIRTH and NDEATH of a node: when a session begins, ends, or turns out to continue. */
#include "host/nodes/tracker_internal.h"

#include <stdio.h>

/* Two programs with one id: a session number comes back that an NBIRTH had already replaced, without a death between. */
static void watch_for_twins(host_tracker *t, host_node *n, bool has_bd, uint8_t bd, int64_t wall_ms)
{
    enum { WINDOW_MS = 10 * 60 * 1000 };
    if (!has_bd || !n->has_bd_seq || n->bd_seq == bd) return;
    bool back = false, died = n->state != HOST_NODE_ONLINE;
    for (unsigned i = 0; i < n->n_recent && !died; i++)
        if (n->recent_bd[i] == bd && n->recent_ms[i] && wall_ms - n->recent_ms[i] < WINDOW_MS) back = true;
    memmove(n->recent_bd + 1, n->recent_bd, sizeof n->recent_bd - sizeof n->recent_bd[0]);
    memmove(n->recent_ms + 1, n->recent_ms, sizeof n->recent_ms - sizeof n->recent_ms[0]);
    n->recent_bd[0] = n->bd_seq;
    n->recent_ms[0] = died ? 0 : wall_ms;
    if (n->n_recent < PT_COUNT_OF(n->recent_bd)) n->n_recent++;
    if (!back || (n->duplicate_ms && wall_ms - n->duplicate_ms < 60000)) return;
    n->duplicate_ms = wall_ms;
    pt_json j;
    host__detail_begin(t, &j);
    pt_json_member_u64(&j, "bd_seq", bd);
    pt_json_member_u64(&j, "other_bd_seq", n->bd_seq);
    pt_json_member_cstr(&j, "text", "two edge nodes take turns under this id; give each its own edge node id");
    host__detail_send(t, &j, HOST_EVENT_DUPLICATE_NODE, n, PT_NONE, wall_ms);
}

static void watch_clock(host_tracker *t, host_node *n, const host__msg *m)
{
    if (!m->payload->has_timestamp || m->payload->timestamp > INT64_MAX) return;
    n->skew_ms = (int64_t)m->payload->timestamp - m->wall_ms;
    bool off = t->opt.clock_skew_ms > 0 && (n->skew_ms > t->opt.clock_skew_ms || n->skew_ms < -t->opt.clock_skew_ms);
    if (off && !n->skew_told) {
        pt_json j;
        host__detail_begin(t, &j);
        pt_json_member_i64(&j, "skew_ms", n->skew_ms);
        pt_json_member_cstr(&j, "text",
                            n->skew_ms > 0
                                ? "the edge's clock is ahead of the host's; its samples lie in the future. Synchronise the clocks"
                                : "the edge's clock is behind the host's, or its birth was delayed. Synchronise the clocks");
        host__detail_send(t, &j, HOST_EVENT_CLOCK_SKEW, n, PT_NONE, m->wall_ms);
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
void host__nbirth(host_tracker *t, host_node *n, const host__msg *m, uint16_t server, pt_arena *arena)
{
    uint8_t bd = 0;
    bool has_bd = find_bd_seq(m->payload, false, &bd);
    if (!m->restored) {
        watch_for_twins(t, n, has_bd, bd, m->wall_ms);
        watch_clock(t, n, m);
    }
    bool asked = n->rebirth_open, again = n->state == HOST_NODE_ONLINE && has_bd == n->has_bd_seq && bd == n->bd_seq;
    if (n->state == HOST_NODE_ONLINE && !again) host__backfill_mark(n); /* another session without a death between */
    if (!again) n->alias_conflict = false;                              /* another session may do better */
    n->trust_old = n->trust_old || (n->old_drops && n->state == HOST_NODE_WANTED);
    n->old_drops = false;
    host__rebirth_answered(n);
    host__doubt_clear(n);
    /* Every device needs its DBIRTH now; aliases and definitions die with the session. */
    for (uint32_t i = 1; i < n->n_units; i++)
        host__unit_offline(t, n, n->units[i], m->wall_ms, false, "nbirth");
    n->mark_due = n->n_units > 1 ? m->mono_ms + t->opt.birth_wait_ms : INT64_MAX;
    pt_map_reset(&n->aliases);
    pt_map_reset(&n->template_members); /* the definitions' hashes go with the birth: it tells which are new */

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
        host__node_down(t, n, HOST_NODE_WANTED, m->wall_ms, "birth too big");
        host__want_rebirth(t, n, HOST_CAUSE_MALFORMED, m->mono_ms);
        return;
    }
    if (m->restored) return;
    host__backfill_born(t, n, m->mono_ms);
    pt_json j;
    host__detail_begin(t, &j);
    if (has_bd) pt_json_member_u64(&j, "bd_seq", bd);
    else pt_json_member_null(&j, "bd_seq");
    pt_json_member_u64(&j, "seq", n->last_seq);
    pt_json_member_u64(&j, "metrics", u->n);
    pt_json_member_bool(&j, "rebirth", again);
    if (asked) pt_json_member_cstr(&j, "requested", host_cause_name(n->last_cause));
    pt_json_member_u64(&j, "server", server);
    host__detail_send(t, &j, HOST_EVENT_NBIRTH, n, PT_NONE, m->wall_ms);
    if (!was) t->sink.state(t->sink.ctx, n, PT_NONE, true, m->wall_ms, "nbirth");
    if (n->held) { /* what overtook it */
        host__flush(t);
        host__drain(t, n, arena);
        if (n->n_held > n->n_early) host__gap_noted(t, n, first_held(n), m->wall_ms);
    }
}

/* An NDEATH whose bdSeq is missing or another than the session's. Some libraries send such a one at every clean stop, so it is not passed
 * over; but a session that has replaced the one it names is not ended by it either, however long it has nothing to say. */
static void unplaced_death(host_tracker *t, host_node *n, const host_message *m, bool has_bd, uint8_t bd)
{
    char text[120] = "NDEATH without bdSeq";
    bool replaced = false;
    for (unsigned i = 0; has_bd && i < n->n_recent; i++)
        if (n->recent_bd[i] == bd) replaced = true;
    if (has_bd)
        snprintf(text, sizeof text,
                 replaced ? "NDEATH with bdSeq %u, of a session before the present one, %u" : "NDEATH with bdSeq %u; the session's is %u",
                 bd, n->bd_seq);
    host__reject_message(t, n, &m->topic, HOST_REJECT_BAD_DEATH, 0, text);
    if (m->server == n->server) host__doubt(t, n, HOST_CAUSE_DOUBTFUL_DEATH, !replaced, text, m->wall_ms, m->mono_ms);
}

/* tck-id-operational-behavior-edge-node-termination-host-action-ndeath-node-offline: stamped with the host's time. */
void host__ndeath(host_tracker *t, host_node *n, const host_message *m, const spb_payload *p)
{
    uint8_t bd = 0;
    bool has_bd = find_bd_seq(p, true, &bd);
    /* A later bdSeq counts, too, where the session of now may be another than the one we saw born: it was taken to go on after an absence,
     * or its NBIRTH was missed or refused. It must be able to die. */
    bool later = (n->bd_unsure || n->state != HOST_NODE_ONLINE) && has_bd && (uint8_t)(bd - n->bd_seq) < 128;
    if (n->has_bd_seq && (!has_bd || bd != n->bd_seq) && !later) {
        unplaced_death(t, n, m, has_bd, bd);
        return;
    }
    n->counts.accepted++;
    if (n->state == HOST_NODE_OFFLINE) { /* explicit NDEATH and Will: once is enough */
        n->resume = false;
        return;
    }
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
    host__node_down(t, n, HOST_NODE_OFFLINE, m->wall_ms, "ndeath");
    if (!was) n->since_ms = m->wall_ms;
    if (!session && !has_bd) return;
    pt_json j;
    host__detail_begin(t, &j);
    if (has_bd) pt_json_member_u64(&j, "bd_seq", bd);
    pt_json_member_bool(&j, "was_online", was);
    host__detail_send(t, &j, HOST_EVENT_NDEATH, n, PT_NONE, m->wall_ms);
}

/* Does a session of before a disconnect or restart go on? Only when nothing was sent meanwhile, and then the next seq fits. It fits by
 * chance, too, once in 256 sessions; so a node that would have sent something in that time, by its own rate, is not believed. One that was
 * taken for dead after a doubt was listened to all the time: there the next seq is proof. */
bool host__continues(const host_node *n, const host__msg *m)
{
    if (!n->resume || m->payload->seq != n->next_seq) return false;
    if (n->state == HOST_NODE_OFFLINE) return true;
    if (n->state != HOST_NODE_UNKNOWN) return false;
    int64_t lived = n->alive_mono_ms - n->born_mono_ms, away = m->mono_ms - n->alive_mono_ms;
    if (away > lived) return false; /* away for longer than the session had been known */
    if (lived < 2000) lived = 2000;
    uint64_t births = 0;
    for (uint32_t i = 0; i < n->n_units; i++)
        births += n->units[i]->resumable;
    uint64_t data = n->session_messages > births ? n->session_messages - births : 0;
    return (double)data * (double)away / (double)lived < 1.0;
}

void host__resume(host_tracker *t, host_node *n, const host__msg *m)
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
        if (host__unit_ids(t, u)) t->sink.fresh(t->sink.ctx, n, t->ids, t->n_ids, m->wall_ms);
        t->sink.state(t->sink.ctx, n, i ? u->id_slice : PT_NONE, true, m->wall_ms, "session continues");
    }
}
