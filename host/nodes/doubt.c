/* host/nodes/doubt.c -- a node that may be gone without a word that proves it.
 *
 *   ONLINE --an NDEATH that cannot be placed, or silence--> doubtful --its next message in turn, or its birth--> ONLINE
 *                                                              |  birth_wait without either
 *                                                              v
 *                                                           OFFLINE --the next message in turn--> ONLINE
 *
 * A doubtful node is still ONLINE to the tracker: its session may go on. But its values are STALE from the moment of the doubt, and it is
 * asked for a rebirth once. */
#include "host/nodes/tracker_internal.h"

#include <stdio.h>

void host__doubt(host_tracker *t, host_node *n, host_cause cause, bool deadline, const char *text, int64_t wall_ms, int64_t mono_ms)
{
    if (n->state != HOST_NODE_ONLINE) return;
    if (deadline && n->doubt_due == INT64_MAX) n->doubt_due = mono_ms + t->opt.birth_wait_ms;
    if (n->doubtful) return;
    n->doubtful = true;
    n->doubt_cause = cause;
    for (uint32_t i = n->n_units; i-- > 0;)
        host__unit_doubted(t, n, n->units[i], wall_ms);
    pt_json j;
    host__detail_begin(t, &j);
    pt_json_member_cstr(&j, "cause", host_cause_name(cause));
    pt_json_member_cstr(&j, "text", text);
    host__detail_send(t, &j, HOST_EVENT_DOUBTFUL, n, PT_NONE, wall_ms);
    host__want_rebirth(t, n, cause, mono_ms);
}

void host__doubt_clear(host_node *n)
{
    n->doubtful = false;
    n->doubt_due = INT64_MAX;
}

/* A message in turn: the session goes on, and nothing of it was missed. */
void host__doubt_over(host_tracker *t, host_node *n, int64_t wall_ms)
{
    if (!n->doubtful) return;
    host__doubt_clear(n);
    if (n->rebirth_cause == n->doubt_cause) n->rebirth_due = INT64_MAX; /* it has answered before it was asked */
    for (uint32_t i = 0; i < n->n_units; i++) {
        host_unit *u = n->units[i];
        if (!u->doubted) continue;
        u->doubted = false;
        if (host__unit_ids(t, u)) t->sink.fresh(t->sink.ctx, n, t->ids, t->n_ids, wall_ms);
    }
    t->sink.state(t->sink.ctx, n, PT_NONE, true, wall_ms, "heard again");
}

/* Neither a message nor a birth came: taken for dead. Its tables stay, for the case that it only had nothing to say. */
void host__doubt_tick(host_tracker *t, host_node *n, int64_t wall_ms, int64_t mono_ms)
{
    host_cause cause = n->doubt_cause;
    int64_t wait = t->opt.birth_wait_ms > 0 ? t->opt.birth_wait_ms : 1;
    if (n->rebirth_due != INT64_MAX) { /* the request waits for its turn: nobody is blamed for not answering it */
        n->doubt_due = (n->rebirth_due > mono_ms ? n->rebirth_due : mono_ms) + wait;
        return;
    }
    if (n->rebirth_open && n->rebirth_sent_mono + wait > mono_ms) { /* or not long enough ago */
        n->doubt_due = n->rebirth_sent_mono + wait;
        return;
    }
    for (uint32_t i = 0; i < n->n_units; i++)
        n->units[i]->resumable = n->units[i]->online;
    host__node_down(t, n, HOST_NODE_OFFLINE, wall_ms, host_cause_name(cause));
    n->resume = true;
    n->rebirth_due = INT64_MAX;
    n->rebirth_open = false;
    pt_json j;
    host__detail_begin(t, &j);
    pt_json_member_bool(&j, "assumed", true);
    pt_json_member_cstr(&j, "cause", host_cause_name(cause));
    pt_json_member_bool(&j, "was_online", true);
    host__detail_send(t, &j, HOST_EVENT_NDEATH, n, PT_NONE, wall_ms);
}

/* Who has been silent for too long? Looked at when the first node may be, and at most sixteen times per limit: no timer per node. */
void host__silence_scan(host_tracker *t, int64_t wall_ms, int64_t mono_ms)
{
    int64_t limit = t->opt.silence_ms, next = mono_ms + limit;
    if (limit <= 0) {
        t->silence_due = INT64_MAX;
        return;
    }
    for (size_t i = 0; i < t->n; i++) {
        host_node *n = t->nodes[i];
        if (n->state != HOST_NODE_ONLINE || n->doubtful) continue;
        int64_t due = n->last_message_mono + limit;
        if (due > mono_ms) {
            if (due < next) next = due;
            continue;
        }
        char text[80];
        snprintf(text, sizeof text, "no message for %lld s", (long long)((mono_ms - n->last_message_mono) / 1000));
        host__doubt(t, n, HOST_CAUSE_SILENT, true, text, wall_ms, mono_ms);
        host__flush(t);
        host__set_timer(t, n);
    }
    t->silence_due = next > mono_ms + limit / 16 ? next : mono_ms + limit / 16 + 1;
}
