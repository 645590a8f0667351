/* host/nodes/object.c -- template instances as whole objects.
 *
 * A birth carries every member, DATA any subset (guide 7). The instance's own value is the whole object, so what DATA leaves out is taken
 * from what was known: kept as one encoded metric per instance, nested instances inside it. */
#include "host/nodes/tracker_internal.h"

#include <stdlib.h>

enum { OBJECT_MAX = 1 << 20 }; /* bytes; larger objects are shown as they come */

static bool is_instance(const spb_metric *m)
{
    return m->wire == SPB_WIRE_TEMPLATE && m->value.tmpl && !(m->flags & SPB_IS_NULL);
}

/* The metric `bytes` holds, in `arena`. */
static const spb_metric *decode(pt_slice bytes, pt_arena *arena)
{
    char *p = pt_arena_alloc(arena, bytes.len + 11), *at = p;
    spb_payload payload;
    if (!p) return NULL;
    *at++ = 0x12; /* Payload.metrics */
    size_t n = bytes.len;
    for (; n >= 0x80; n >>= 7)
        *at++ = (char)(n | 0x80);
    *at++ = (char)n;
    memcpy(at, bytes.ptr, bytes.len);
    if (spb_payload_decode(pt_slice_of(p, (size_t)(at - p) + bytes.len), &spb_limits_default, arena, &payload, NULL) != PT_OK) return NULL;
    return payload.n_metrics == 1 ? &payload.metrics[0] : NULL;
}

/* `fresh` over `old`: members by name, in the old order; a member that is new stands at the end. Depth is bounded by the decoder's. */
static const spb_metric *overlay(const spb_metric *old, const spb_metric *fresh, pt_arena *arena)
{
    if (!is_instance(old) || !is_instance(fresh)) return fresh;
    const spb_template *a = old->value.tmpl, *b = fresh->value.tmpl;
    spb_metric *out = pt_arena_zalloc(arena, sizeof *out);
    spb_template *t = pt_arena_zalloc(arena, sizeof *t);
    spb_metric *members = pt_arena_array(arena, (size_t)a->n_metrics + b->n_metrics + 1, sizeof *members);
    if (!out || !t || !members) return fresh;
    *out = *fresh;
    *t = *b;
    if (!t->version.ptr) t->version = a->version;
    if (!t->template_ref.ptr) t->template_ref = a->template_ref;
    if (t->n_parameters == 0) {
        t->parameters = a->parameters;
        t->n_parameters = a->n_parameters;
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < a->n_metrics; i++) {
        members[n] = a->metrics[i];
        for (uint32_t k = 0; k < b->n_metrics; k++) {
            if (!pt_slice_eq(a->metrics[i].name, b->metrics[k].name)) continue;
            uint32_t type = a->metrics[i].datatype;
            members[n] = *overlay(&a->metrics[i], &b->metrics[k], arena);
            if (!(members[n].flags & SPB_HAS_DATATYPE)) { /* DATA may leave it out */
                members[n].datatype = type;
                members[n].flags |= SPB_HAS_DATATYPE;
            }
        }
        n++;
    }
    for (uint32_t k = 0; k < b->n_metrics; k++) {
        bool known = false;
        for (uint32_t i = 0; i < a->n_metrics && !known; i++)
            known = pt_slice_eq(a->metrics[i].name, b->metrics[k].name);
        if (!known) members[n++] = b->metrics[k];
    }
    t->metrics = members;
    t->n_metrics = n;
    out->value.tmpl = t;
    return out;
}

const spb_metric *host__object_merge(const host_metric *hm, const spb_metric *m, pt_arena *arena)
{
    if (!hm->object || !is_instance(m)) return m;
    const spb_metric *old = decode(pt_slice_of(hm->object, hm->object_len), arena);
    return old ? overlay(old, m, arena) : m;
}

void host__object_keep(host_metric *hm, const spb_metric *whole)
{
    pt_buf b;
    size_t len = 0;
    if (!is_instance(whole)) return;
    pt_buf_init(&b, OBJECT_MAX);
    char *bytes = spb_metric_encode(whole, &b) == PT_OK ? pt_buf_take(&b, &len) : NULL;
    pt_buf_fini(&b);
    if (!bytes) return;
    free(hm->object);
    hm->object = bytes;
    hm->object_len = (uint32_t)len;
}

/* A birth enters the members behind their instance, the outer one first. */
uint32_t host_object_of(const host_unit *u, uint32_t at)
{
    pt_slice name = u->metrics[at].name;
    for (uint32_t i = (u->metrics[at].flags & HOST_METRIC_MEMBER) ? at : 0; i-- > 0;) {
        const host_metric *hm = &u->metrics[i];
        if (hm->type == SPB_TEMPLATE && hm->name.len < name.len && name.ptr[hm->name.len] == '/' && pt_slice_starts(name, hm->name))
            return i;
    }
    return at;
}

pt_slice host_object_template(const host_metric *hm, pt_arena *arena)
{
    const spb_metric *m = hm->object ? decode(pt_slice_of(hm->object, hm->object_len), arena) : NULL;
    return m && is_instance(m) && m->value.tmpl->template_ref.len ? m->value.tmpl->template_ref : PT_NONE;
}
