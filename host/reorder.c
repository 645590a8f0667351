/* host/reorder.c -- messages held back for an earlier one: 256 slots by seq, bounded in bytes, in use only during a gap. */
#include "host/node.h"

#include <stdlib.h>

/* PT_OK: held. PT_EEXISTS: one with this seq is there. PT_EFULL: beyond the byte bound. PT_ENOMEM. */
pt_status host__hold(host_tracker *t, host_node *n, const host__msg *m, uint8_t seq)
{
    size_t bytes = m->device.len + m->bytes.len;
    if (n->held && n->held[seq].bytes) return PT_EEXISTS;
    if (n->held_bytes + bytes > t->opt.reorder_bytes) return PT_EFULL;
    if (!n->held) {
        n->held = calloc(256, sizeof *n->held);
        if (!n->held) return PT_ENOMEM;
    }
    char *copy = malloc(bytes ? bytes : 1);
    if (!copy) return PT_ENOMEM;
    if (m->device.len) memcpy(copy, m->device.ptr, m->device.len);
    if (m->bytes.len) memcpy(copy + m->device.len, m->bytes.ptr, m->bytes.len);
    n->held[seq] = (host_held){ .verb = m->verb,
                                .bytes = copy,
                                .device_len = m->device.len,
                                .payload_len = m->bytes.len,
                                .wall_ms = m->wall_ms,
                                .mono_ms = m->mono_ms,
                                .samples = m->payload->n_metrics };
    n->n_held++;
    n->held_bytes += bytes;
    return PT_OK;
}

bool host__held_take(host_node *n, uint8_t seq, host_held *out)
{
    if (!n->held || !n->held[seq].bytes) return false;
    *out = n->held[seq];
    n->held[seq].bytes = NULL;
    n->n_held--;
    n->held_bytes -= out->device_len + out->payload_len;
    if (n->n_held == 0) {
        free(n->held);
        n->held = NULL;
    }
    return true;
}

uint32_t host__held_drop(host_tracker *t, host_node *n, host_reject why)
{
    uint32_t dropped = 0;
    for (unsigned s = 0; s < 256 && n->n_held > 0; s++) {
        host_held h;
        if (!host__held_take(n, (uint8_t)s, &h)) continue;
        spb_topic topic = { .verb = h.verb,
                            .group = n->group_slice,
                            .edge = n->edge_slice,
                            .device = pt_slice_of(h.bytes, h.device_len) };
        host__reject_message(t, n, &topic, why, h.samples, "held back for a message that never came");
        free(h.bytes);
        dropped++;
    }
    n->reorder_due = INT64_MAX;
    return dropped;
}
