/* host/nodes/rebirth.c -- asking for rebirths without melting the plant.
 *
 * A request is wanted, waits for its time, is sent, and is open until the NBIRTH:
 *   per node   the first at once (plus jitter), the next not before rebirth_per_node, doubling while they come thick, up to rebirth_max
 *   all nodes  a token bucket of rebirth_global_per_s
 *   server     nothing before our STATE birth is acknowledged there (tck-id-host-topic-phid-birth-message)
 * Another host's request seen on the wire counts as ours. */
#include "host/nodes/tracker_internal.h"

#define REBIRTH "Node Control/Rebirth"

/* Distance the next request must keep from the last one. */
static int64_t distance(const host_tracker *t, const host_node *n)
{
    int64_t d = t->opt.rebirth_per_node_ms;
    for (uint32_t i = 1; i < n->rebirth_unanswered && d < t->opt.rebirth_max_ms; i++)
        d *= 2;
    return d < t->opt.rebirth_max_ms ? d : t->opt.rebirth_max_ms;
}

void host__want_rebirth(host_tracker *t, host_node *n, host_cause cause, int64_t mono_ms)
{
    if (!t->opt.commands || n->rebirth_due != INT64_MAX) return; /* one request per trouble */
    int64_t due = mono_ms;
    if (t->opt.rebirth_jitter_ms > 0) due += (int64_t)pt_random_below(&t->random, (uint64_t)t->opt.rebirth_jitter_ms + 1);
    if (n->rebirth_sent_mono != INT64_MIN) {
        int64_t apart = distance(t, n);
        if (!n->rebirth_open && mono_ms - n->rebirth_sent_mono > 4 * apart) n->rebirth_unanswered = 0; /* a quiet spell: start afresh */
        else if (due < n->rebirth_sent_mono + apart) due = n->rebirth_sent_mono + apart;
    }
    n->rebirth_due = due;
    n->rebirth_cause = cause;
    host__set_timer(t, n);
}

/* A node that goes on talking is asked again after half a minute at the latest. */
void host__rebirth_hurry(host_tracker *t, host_node *n)
{
    enum { TALKING_MS = 30000 };
    int64_t most = TALKING_MS > t->opt.rebirth_per_node_ms ? TALKING_MS : t->opt.rebirth_per_node_ms;
    if (n->rebirth_due != INT64_MAX && n->rebirth_sent_mono != INT64_MIN && n->rebirth_due - n->rebirth_sent_mono > most)
        n->rebirth_due = n->rebirth_sent_mono + most;
}

void host__rebirth_answered(host_node *n)
{
    /* What a birth cures may be asked for again soon; what it does not cure, ever more slowly. */
    bool cured = n->last_cause == HOST_CAUSE_REORDER_TIMEOUT || n->last_cause == HOST_CAUSE_SEQ_GAP ||
                 n->last_cause == HOST_CAUSE_UNKNOWN_NODE || n->last_cause == HOST_CAUSE_HOST_RESTART ||
                 n->last_cause == HOST_CAUSE_NO_BIRTH_AFTER_STATE || n->last_cause == HOST_CAUSE_OPERATOR ||
                 n->last_cause == HOST_CAUSE_OVERLOAD || n->last_cause == HOST_CAUSE_DOUBTFUL_DEATH || n->last_cause == HOST_CAUSE_SILENT;
    if (cured) n->rebirth_unanswered = n->rebirth_unanswered > 0 ? 1 : 0;
    n->rebirth_due = INT64_MAX;
    n->rebirth_open = false;
    n->silent_due = INT64_MAX;
}

/* One metric as an NCMD to the node's server (tck-id-payloads-ncmd-timestamp, -seq). */
pt_status host__send_ncmd(host_tracker *t, host_node *n, const spb_metric *m, int64_t wall_ms)
{
    spb_metric copy = *m;
    spb_payload p = { .timestamp = (uint64_t)wall_ms, .has_timestamp = true, .metrics = &copy, .n_metrics = 1 };
    pt_buf_reset(&t->payload);
    pt_buf_reset(&t->topic);
    pt_status st = spb_payload_encode(&p, &t->payload);
    if (st != PT_OK) return st;
    spb_topic topic = { .verb = SPB_NCMD, .group = n->group_slice, .edge = n->edge_slice };
    size_t len = 0;
    st = spb_topic_format(&spb_namespace_b, &topic, NULL, 0, &len);
    if (st != PT_OK && st != PT_ETOOBIG) return st;
    if ((st = pt_buf_reserve(&t->topic, len + 1)) != PT_OK) return st;
    if ((st = spb_topic_format(&spb_namespace_b, &topic, t->topic.ptr, len + 1, &len)) != PT_OK) return st;
    t->topic.len = len;
    return t->sink.command(t->sink.ctx, n->server, pt_buf_view(&t->topic), pt_buf_view(&t->payload));
}

/* tck-id-operational-behavior-data-commands-ncmd-rebirth-verb, -name, -value; tck-id-payloads-ncmd-timestamp, -seq */
pt_status host__send_rebirth(host_tracker *t, host_node *n, host_cause cause, int64_t wall_ms, int64_t mono_ms)
{
    spb_metric m = { .name = PT_LIT(REBIRTH),
                     .timestamp = (uint64_t)wall_ms,
                     .flags = SPB_HAS_NAME | SPB_HAS_TIMESTAMP,
                     .wire = SPB_WIRE_BOOL,
                     .value = { .boolean = true } };
    if (t->opt.cmd_datatype) {
        m.datatype = SPB_BOOLEAN;
        m.flags |= SPB_HAS_DATATYPE;
    }
    pt_status st = host__send_ncmd(t, n, &m, wall_ms);
    if (st != PT_OK) return st;
    n->rebirth_due = INT64_MAX;
    n->rebirth_sent_mono = mono_ms;
    n->last_rebirth_ms = wall_ms;
    n->last_cause = cause;
    n->rebirth_open = true;
    if (n->rebirth_unanswered < 30) n->rebirth_unanswered++;
    n->own_echoes++;
    n->counts.rebirths_sent++;
    t->stats.rebirths[cause]++;
    pt_json j;
    host__detail_begin(t, &j);
    pt_json_member_cstr(&j, "cause", host_cause_name(cause));
    pt_json_member_u64(&j, "attempt", n->rebirth_unanswered);
    host__detail_send(t, &j, HOST_EVENT_REBIRTH_REQUEST, n, PT_NONE, wall_ms);
    return PT_OK;
}

void host__rebirth_tick(host_tracker *t, host_node *n, int64_t wall_ms, int64_t mono_ms)
{
    if (n->rebirth_due > mono_ms || n->server >= HOST_SERVERS_MAX || !t->server[n->server].ready) return;
    double rate = t->opt.rebirth_global_per_s, burst = rate > 1 ? rate : 1;
    t->tokens += (double)(mono_ms - t->tokens_mono) * rate / 1000.0;
    t->tokens_mono = mono_ms;
    if (t->tokens > burst) t->tokens = burst;
    if (t->tokens < 1.0) {
        int64_t wait = rate > 0 ? (int64_t)((1.0 - t->tokens) * 1000.0 / rate) + 1 : 60000;
        n->rebirth_due = mono_ms + wait;
        return;
    }
    if (host__send_rebirth(t, n, n->rebirth_cause, wall_ms, mono_ms) != PT_OK) {
        n->rebirth_due = mono_ms + t->opt.rebirth_per_node_ms; /* it did not get out: again later */
        return;
    }
    t->tokens -= 1.0;
    /* Unanswered while it matters: ask again at growing distances. */
    if (n->state != HOST_NODE_ONLINE && n->state != HOST_NODE_OFFLINE) host__want_rebirth(t, n, n->last_cause, mono_ms);
}
