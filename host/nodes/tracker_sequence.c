/* host/nodes/tracker_sequence.c -- messages that carry a seq: in turn, ahead of a gap, behind, or of a session not born yet.
 *
 *   seq == next_seq       applied, then whatever was held back for it
 *   ahead by 1..127       held back; the first of them arms the gap's timer (tck-id-operational-behavior-host-reordering-start)
 *   behind, newer stamp   ahead by more than half the circle: the gap is lost at once
 *   behind, older stamp   a duplicate, or very late: refused */
#include "host/nodes/tracker_internal.h"

#include <stdlib.h>

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
    host__detail_begin(t, &j);
    pt_json_member_u64(&j, "metrics", u->n);
    host__detail_send(t, &j, HOST_EVENT_DBIRTH, n, u->id_slice, m->wall_ms);
}

/* tck-id-operational-behavior-edge-node-termination-host-action-ddeath-devices-offline: stamped with the payload's time. */
static void on_ddeath(host_tracker *t, host_node *n, const host__msg *m)
{
    n->counts.accepted++;
    host_unit *u = host__unit(n, m->device, false);
    if (!u || !u->online) return;
    int64_t at = m->payload->has_timestamp && m->payload->timestamp <= INT64_MAX ? (int64_t)m->payload->timestamp : m->wall_ms;
    host__unit_offline(t, n, u, at, true, "ddeath");
    pt_json j;
    host__detail_begin(t, &j);
    pt_json_member_u64(&j, "seq", m->payload->seq);
    host__detail_send(t, &j, HOST_EVENT_DDEATH, n, u->id_slice, at);
}

/* The message whose turn it is. */
static void apply(host_tracker *t, host_node *n, const host__msg *m, pt_arena *arena)
{
    spb_topic topic = { .verb = m->verb, .group = n->group_slice, .edge = n->edge_slice, .device = m->device };
    host__doubt_over(t, n, m->wall_ms);
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
void host__drain(host_tracker *t, host_node *n, pt_arena *arena)
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
void host__gap_lost(host_tracker *t, host_node *n, host_cause cause, unsigned beyond, int64_t wall_ms, int64_t mono_ms)
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
    host__detail_begin(t, &j);
    pt_json_member_u64(&j, "expected_seq", n->next_seq);
    pt_json_member_u64(&j, "missing", holes);
    pt_json_member_u64(&j, "discarded", held);
    pt_json_member_cstr(&j, "cause", host_cause_name(cause));
    host__detail_send(t, &j, HOST_EVENT_REORDER_TIMEOUT, n, PT_NONE, wall_ms);
    host__node_down(t, n, HOST_NODE_WANTED, wall_ms, host_cause_name(cause));
    host__want_rebirth(t, n, cause, mono_ms);
}

void host__gap_noted(host_tracker *t, host_node *n, uint8_t got, int64_t wall_ms)
{
    n->counts.seq_gaps++;
    t->stats.seq_gaps++;
    pt_json j;
    host__detail_begin(t, &j);
    pt_json_member_u64(&j, "expected_seq", n->next_seq);
    pt_json_member_u64(&j, "got_seq", got);
    host__detail_send(t, &j, HOST_EVENT_SEQ_GAP, n, PT_NONE, wall_ms);
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
 * this one any more until its NBIRTH comes, or is known to be lost. Otherwise one that is young in its session, while births are in the
 * air. */
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
void host__early_over(host_tracker *t, host_node *n, int64_t wall_ms, int64_t mono_ms)
{
    bool other = n->suspect;
    host__early_expire(t, n, other ? INT64_MAX : mono_ms);
    n->suspect = false;
    if (!other || n->state != HOST_NODE_ONLINE) return;
    host__gap_noted(t, n, n->next_seq, wall_ms);
    host__node_down(t, n, HOST_NODE_WANTED, wall_ms, "another session, whose NBIRTH is lost");
    host__want_rebirth(t, n, HOST_CAUSE_SEQ_GAP, mono_ms);
}

void host__sequenced(host_tracker *t, host_node *n, const host__msg *m, const host_message *raw, pt_arena *arena)
{
    const spb_payload *p = m->payload;
    if (!p->has_seq || p->seq > 255) {
        host__reject_message(t, n, &raw->topic, p->has_seq ? HOST_REJECT_BAD_SEQ : HOST_REJECT_NO_SEQ, p->n_metrics,
                             p->has_seq ? "seq above 255" : "no seq");
        return;
    }
    if (raw->server == n->server && host__continues(n, m)) {
        bool dead = n->state == HOST_NODE_OFFLINE;
        host__resume(t, n, m);
        if (dead) host__want_rebirth(t, n, n->doubt_cause, m->mono_ms); /* so that events, too, say that it lives */
    }
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
        host_cause cause = n->resume && !dead ? HOST_CAUSE_HOST_RESTART : dead ? HOST_CAUSE_DATA_BEFORE_BIRTH : HOST_CAUSE_UNKNOWN_NODE;
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
            host__drain(t, n, arena);
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
    if (first) host__gap_noted(t, n, seq, m->wall_ms);
    if (st == PT_OK) { /* the timer is armed once, by the message that showed the gap (-host-reordering-start) */
        if (first) n->reorder_due = m->mono_ms + t->opt.reorder_timeout_ms;
        return;
    }
    host__reject_message(t, n, &raw->topic, HOST_REJECT_REORDER, p->n_metrics, "a message is missing and no more can be held back");
    host__gap_lost(t, n, HOST_CAUSE_SEQ_GAP, ahead, m->wall_ms, m->mono_ms);
}
