/* host/nodes/reorder.c -- messages held back: 256 slots by seq, bounded in bytes, there only while something is held.
 *
 * Two kinds. AHEAD: an earlier message of the session is missing. EARLY: of a session whose NBIRTH has not come yet -- topics are
 * ordered, sessions are not, so a DBIRTH may overtake its NBIRTH. Early ones wait for that NBIRTH as long as a gap may last, and are
 * refused for the reason they were kept apart for when it does not come. */
#include "host/nodes/tracker_internal.h"

#include "base/assert.h"

#include <stdlib.h>

/* The counts are those of the slots, and the slots are there only while one is used. */
static bool holds(const host_node *n)
{
    size_t held = 0, early = 0, bytes = 0;
    for (unsigned s = 0; n->held && s < 256; s++) {
        const host_held *h = &n->held[s];
        if (!h->bytes) continue;
        held++;
        early += h->early;
        bytes += h->device_len + h->payload_len;
    }
    return held == n->n_held && early == n->n_early && bytes == n->held_bytes && (early > 0 || n->early_due == INT64_MAX);
}

/* PT_OK: held. PT_EEXISTS: one with this seq is there. PT_EFULL: beyond the byte bound. PT_ENOMEM. */
pt_status host__hold(host_tracker *t, host_node *n, const host__msg *m, uint8_t seq, bool early, host_reject why)
{
    size_t bytes = m->device.len + m->bytes.len;
    if (n->held && n->held[seq].bytes) {
        if (early || !n->held[seq].early) return PT_EEXISTS;
        host_held old; /* what is ahead now is surer than what was early */
        (void)host__held_take(n, seq, true, &old);
        host__held_refuse(t, n, &old, old.why);
    }
    if (n->held_bytes + bytes > t->opt.reorder_bytes) return PT_EFULL;
    if (!n->held) {
        n->held = calloc(256, sizeof *n->held);
        if (!n->held) return PT_ENOMEM;
    }
    char *copy = malloc(bytes ? bytes : 1);
    if (!copy) return PT_ENOMEM;
    if (m->device.len) memcpy(copy, m->device.ptr, m->device.len);
    if (m->bytes.len) memcpy(copy + m->device.len, m->bytes.ptr, m->bytes.len);
    n->held[seq] =
        (host_held){ .verb = m->verb,
                     .bytes = copy,
                     .device_len = m->device.len,
                     .payload_len = m->bytes.len,
                     .wall_ms = m->wall_ms,
                     .mono_ms = m->mono_ms,
                     .payload_ms = m->payload->has_timestamp && m->payload->timestamp <= INT64_MAX ? (int64_t)m->payload->timestamp : 0,
                     .samples = m->payload->n_metrics,
                     .early = early,
                     .why = why };
    n->n_held++;
    n->n_early += early;
    n->held_bytes += bytes;
    if (early && m->mono_ms + t->opt.reorder_timeout_ms < n->early_due) n->early_due = m->mono_ms + t->opt.reorder_timeout_ms;
    pt_assert(holds(n) && n->held_bytes <= t->opt.reorder_bytes);
    return PT_OK;
}

bool host__held_take(host_node *n, uint8_t seq, bool early, host_held *out)
{
    if (!n->held || !n->held[seq].bytes || n->held[seq].early != early) return false;
    *out = n->held[seq];
    n->held[seq].bytes = NULL;
    n->n_held--;
    n->n_early -= early;
    n->held_bytes -= out->device_len + out->payload_len;
    if (n->n_held == 0) {
        free(n->held);
        n->held = NULL;
    }
    if (n->n_early == 0) n->early_due = INT64_MAX;
    pt_assert(holds(n));
    return true;
}

/* Booked and freed. */
void host__held_refuse(host_tracker *t, host_node *n, host_held *h, host_reject why)
{
    spb_topic topic = { .verb = h->verb, .group = n->group_slice, .edge = n->edge_slice, .device = pt_slice_of(h->bytes, h->device_len) };
    host__reject_message(t, n, &topic, why, h->samples,
                         h->early ? "held back for an NBIRTH that never came" : "held back for a message that never came");
    free(h->bytes);
}

/* All that is ahead; early ones stay. */
void host__held_drop(host_tracker *t, host_node *n, host_reject why)
{
    host_held h;
    for (unsigned s = 0; s < 256 && n->n_held > n->n_early; s++)
        if (host__held_take(n, (uint8_t)s, false, &h)) host__held_refuse(t, n, &h, why);
    n->reorder_due = INT64_MAX;
}

/* Early ones that have waited long enough by `mono_ms` (INT64_MAX: all). */
void host__early_expire(host_tracker *t, host_node *n, int64_t mono_ms)
{
    int64_t due = INT64_MAX;
    host_held h;
    for (unsigned s = 0; s < 256 && n->n_early > 0; s++) {
        if (!n->held[s].bytes || !n->held[s].early) continue;
        int64_t until = n->held[s].mono_ms + t->opt.reorder_timeout_ms;
        if (until > mono_ms) {
            if (until < due) due = until;
        } else if (host__held_take(n, (uint8_t)s, true, &h)) {
            host__held_refuse(t, n, &h, h.why);
        }
    }
    n->early_due = due;
}

/* The NBIRTH of `birth_ts` has come: what was sent with or after it is ahead now, the rest is of the past. */
void host__held_adopt(host_tracker *t, host_node *n)
{
    for (unsigned s = 0; s < 256 && n->n_held > 0; s++) {
        host_held *h = &n->held[s], out;
        if (!h->bytes) continue;
        if (n->birth_ts > 0 && h->payload_ms >= n->birth_ts && !spb_seq_is_behind(n->next_seq, (uint8_t)s)) {
            n->n_early -= h->early;
            h->early = false;
        } else if (host__held_take(n, (uint8_t)s, h->early, &out)) {
            host__held_refuse(t, n, &out, out.early ? out.why : HOST_REJECT_OLD_SESSION);
        }
    }
    n->reorder_due = INT64_MAX;
    if (n->n_early == 0) n->early_due = INT64_MAX;
    pt_assert(holds(n));
}
