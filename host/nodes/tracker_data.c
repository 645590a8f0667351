/* host/nodes/tracker_data.c -- DATA: each metric found by alias or name, read in the birth's datatype, and turned into one update. */
#include "host/nodes/tracker_internal.h"

#include <stdio.h>

#define YEAR_9999_MS 253402300799999ull

static bool has_bytes(const spb_value *v)
{
    switch (spb_datatype_class(v->type)) {
    case SPB_CLASS_STRING:
    case SPB_CLASS_BYTES:
    case SPB_CLASS_DATASET:
    case SPB_CLASS_TEMPLATE:
    case SPB_CLASS_ARRAY: return !v->is_null;
    default: return false;
    }
}

static uint64_t value_bits(const spb_value *v, spb_quality q)
{
    if (v->is_null) return 0x6e756c6cu + (uint64_t)q;
    if (has_bytes(v)) return pt_slice_hash(v->as.bytes, (uint64_t)q + 1);
    return v->as.u64 * 0x9e3779b97f4a7c15u + (uint64_t)q; /* one to one for each quality */
}

/* Scalars narrower than the union leave its other bytes as they were: make them comparable. */
static void tidy(spb_value *v)
{
    spb_class c = spb_datatype_class(v->type);
    if (v->is_null) v->as.u64 = 0;
    else if (c == SPB_CLASS_BOOLEAN) v->as.u64 = v->as.boolean ? 1 : 0;
    else if (c == SPB_CLASS_FLOAT) {
        float f = v->as.f32;
        v->as.u64 = 0;
        v->as.f32 = f;
    }
}

void host__refuse_metric(host_tracker *t, host_node *n, const host__msg *msg, pt_slice prefix, const spb_metric *m, host_reject why,
                         const char *what)
{
    enum { NAME_SHOWN = 200 }; /* bytes: a stranger may send any name */
    char text[3 * NAME_SHOWN], alias[40] = "";
    spb_topic topic = { .verb = msg->verb, .group = n->group_slice, .edge = n->edge_slice, .device = msg->device };
    host__reject_sample(t, n, why);
    if (msg->restored) return; /* told when it arrived */
    bool named = (m->flags & SPB_HAS_NAME) && m->name.len > 0;
    if (m->flags & SPB_HAS_ALIAS) snprintf(alias, sizeof alias, "%salias %llu", named ? ", " : "", (unsigned long long)m->alias);
    pt_slice p = pt_slice_of(prefix.ptr, prefix.len < NAME_SHOWN ? prefix.len : NAME_SHOWN);
    pt_slice name = pt_slice_of(m->name.ptr, !named ? 0 : m->name.len < NAME_SHOWN ? m->name.len : NAME_SHOWN);
    if (!named && !alias[0]) snprintf(text, sizeof text, "a metric without name and alias: %s", what);
    else if (!named) snprintf(text, sizeof text, "%s: %s", alias, what);
    else snprintf(text, sizeof text, "metric '%.*s%s%.*s'%s: %s", PT_SLICE_ARGS(p), p.len ? "/" : "", PT_SLICE_ARGS(name), alias, what);
    t->sink.bad(t->sink.ctx, n, &topic, why, text);
}

/* A sample that is refused for what its value is. By the name of the birth: the message may have an alias alone. */
static bool refuse_value(host_tracker *t, host_node *n, const host__msg *msg, const host_metric *hm, const spb_metric *m, host_reject why,
                         const char *what)
{
    spb_metric shown = *m;
    shown.name = hm->name;
    shown.flags |= SPB_HAS_NAME;
    host__refuse_metric(t, n, msg, PT_NONE, &shown, why, what);
    return false;
}

/* One metric's value: counted under exactly one heading. True: it is (or already was) known. */
bool host__sample(host_tracker *t, host_node *n, host_metric *hm, const spb_metric *m, const host__msg *msg, bool birth, pt_arena *arena)
{
    host_node_counts *c = &n->counts;
    c->samples++;
    spb_value v;
    if (!birth && (m->flags & SPB_HAS_DATATYPE) && m->datatype != hm->type) /* the birth's word counts */
        host__want_rebirth(t, n, HOST_CAUSE_TYPE_MISMATCH, msg->mono_ms);
    if (!birth && hm->type == SPB_TEMPLATE) {
        m = host__object_merge(hm, m, arena);
        if (!(m->flags & SPB_IS_HISTORICAL)) host__object_keep(hm, m);
    }
    pt_error err = { 0, "" };
    if (spb_metric_value(m, hm->type, arena, &v, &err) != PT_OK)
        return refuse_value(t, n, msg, hm, m, HOST_REJECT_BAD_VALUE, err.text[0] ? err.text : "the value does not go with its datatype");
    if (v.clamped) {
        c->clamped++;
        t->stats.clamped++;
    }
    tidy(&v);
    if (m->metadata && m->metadata->is_multi_part && !v.is_null && spb_datatype_class(v.type) == SPB_CLASS_BYTES) {
        host_reject why = HOST_REJECT_FILE_PART;
        host__file_result part = host__file_part(t, hm, m->metadata, v.as.bytes, msg->mono_ms, arena, &v.as.bytes, &why);
        if (part == HOST__FILE_REFUSED)
            return refuse_value(t, n, msg, hm, m, why, "a part of a file that cannot be put together; it is given up");
        if (part == HOST__FILE_MORE) { /* its last part will be the sample */
            c->not_kept++;
            return true;
        }
    }
    if (has_bytes(&v) && v.as.bytes.len > HOST_VALUE_MAX)
        return refuse_value(t, n, msg, hm, m, HOST_REJECT_TOO_BIG, "a value of more than 16 MiB");
    if ((hm->flags & HOST_METRIC_BACKFILL) && !birth && !(m->flags & SPB_IS_HISTORICAL)) host__backfill_progress(t, n, &v, msg->wall_ms);
    host_update u = { .tag_id = hm->tag_id, .quality = (uint8_t)spb_metric_quality(m), .value = v, .node = n };
    if ((m->flags & SPB_HAS_TIMESTAMP) && m->timestamp <= YEAR_9999_MS) {
        u.time_ms = (int64_t)m->timestamp;
    } else if (msg->payload->has_timestamp && msg->payload->timestamp <= YEAR_9999_MS) {
        u.time_ms = (int64_t)msg->payload->timestamp;
    } else {
        u.time_ms = msg->wall_ms;
        u.flags |= HOST_ARRIVAL;
        t->stats.arrival_stamped++;
    }
    if (hm->tag_id == 0) {
        c->not_kept++;
        return true;
    }
    bool keep = !(m->flags & SPB_IS_TRANSIENT) && !(hm->flags & HOST_METRIC_NO_HISTORY);
    if (m->flags & SPB_IS_HISTORICAL) {
        if (!keep) {
            c->not_kept++;
            return true;
        }
        u.flags |= HOST_STORE | HOST_HISTORICAL;
        if (!host__push(t, &u)) {
            c->lost++;
            return false;
        }
        c->stored++;
        c->historical++;
        return true;
    }
    uint64_t bits = value_bits(&v, (spb_quality)u.quality);
    bool same = (hm->flags & HOST_METRIC_LAST) && hm->last_ms == u.time_ms && hm->last_bits == bits;
    u.flags |= HOST_LIVE;
    if (keep && !same) u.flags |= HOST_STORE;
    if (!host__push(t, &u)) {
        c->lost++;
        return false;
    }
    hm->last_ms = u.time_ms;
    hm->last_bits = bits;
    hm->flags |= HOST_METRIC_LAST;
    if (!keep) c->not_kept++;
    else if (same) c->duplicate++;
    else c->stored++;
    return true;
}

/* Which metric of unit `u` is meant; NULL with the reason. A conflict of alias and name goes to the name (guide 10). */
static host_metric *find(host_node *n, host_unit *u, const spb_metric *m, host_reject *why)
{
    uint64_t at;
    if (m->flags & SPB_HAS_NAME) {
        if (pt_map_get(&u->by_name, m->name, &at)) return &u->metrics[at];
        *why = HOST_REJECT_UNKNOWN_METRIC;
        if (!(m->flags & SPB_HAS_ALIAS)) return NULL;
    } else if (!(m->flags & SPB_HAS_ALIAS)) {
        *why = HOST_REJECT_NO_IDENTITY;
        return NULL;
    }
    if (!pt_map_get_u64(&n->aliases, m->alias, &at)) {
        *why = HOST_REJECT_UNKNOWN_ALIAS;
        return NULL;
    }
    if (at == HOST_ALIAS_AMBIGUOUS) {
        *why = HOST_REJECT_AMBIGUOUS_ALIAS;
        return NULL;
    }
    if (n->units[at >> 32] != u) {
        *why = HOST_REJECT_FOREIGN_ALIAS;
        return NULL;
    }
    if ((m->flags & SPB_HAS_NAME)) return NULL; /* a name that was never born, riding on another metric's alias */
    return &u->metrics[(uint32_t)at];
}

static void refuse(host_tracker *t, host_node *n, const host__msg *msg, pt_slice prefix, const spb_metric *m, host_reject why)
{
    const char *what = why == HOST_REJECT_UNKNOWN_METRIC    ? "not in the birth"
                       : why == HOST_REJECT_UNKNOWN_ALIAS   ? "in no birth of the session"
                       : why == HOST_REJECT_AMBIGUOUS_ALIAS ? "several metrics of the birth have it"
                       : why == HOST_REJECT_FOREIGN_ALIAS   ? "it belongs to another device"
                                                            : "it cannot be known which metric is meant";
    n->counts.samples++;
    host__refuse_metric(t, n, msg, prefix, m, why, what);
    if (why == HOST_REJECT_UNKNOWN_ALIAS || why == HOST_REJECT_FOREIGN_ALIAS)
        host__want_rebirth(t, n, HOST_CAUSE_UNKNOWN_ALIAS, msg->mono_ms);
    else if (why == HOST_REJECT_UNKNOWN_METRIC) host__want_rebirth(t, n, HOST_CAUSE_UNKNOWN_METRIC, msg->mono_ms);
}

/* Members of a template instance: by name below the instance's, any subset. */
static void members(host_tracker *t, host_node *n, host_unit *u, pt_slice prefix, const spb_template *tm, const host__msg *msg,
                    pt_arena *arena)
{
    for (uint32_t i = 0; i < tm->n_metrics; i++) {
        const spb_metric *m = &tm->metrics[i];
        host_metric *hm = NULL;
        uint64_t at;
        if (m->flags & SPB_HAS_NAME) {
            char *p = pt_arena_alloc(arena, prefix.len + 1 + m->name.len);
            if (!p) {
                n->counts.samples++;
                n->counts.lost++;
                continue;
            }
            memcpy(p, prefix.ptr, prefix.len);
            p[prefix.len] = '/';
            if (m->name.len) memcpy(p + prefix.len + 1, m->name.ptr, m->name.len);
            if (pt_map_get(&u->by_name, pt_slice_of(p, prefix.len + 1 + m->name.len), &at)) hm = &u->metrics[at];
        }
        host_reject why = HOST_REJECT_UNKNOWN_METRIC;
        if (!hm && !(m->flags & SPB_HAS_NAME)) hm = find(n, u, m, &why);
        if (!hm) {
            refuse(t, n, msg, prefix, m, why);
            continue;
        }
        host__sample(t, n, hm, m, msg, false, arena);
        if (m->wire == SPB_WIRE_TEMPLATE && m->value.tmpl && !(m->flags & SPB_IS_NULL))
            members(t, n, u, hm->name, m->value.tmpl, msg, arena);
    }
}

void host__data(host_tracker *t, host_node *n, host_unit *u, const host__msg *msg, pt_arena *arena)
{
    for (uint32_t i = 0; i < msg->payload->n_metrics; i++) {
        const spb_metric *m = &msg->payload->metrics[i];
        host_reject why = HOST_REJECT_NO_IDENTITY;
        host_metric *hm = find(n, u, m, &why);
        if (!hm) {                                    /* never a tag `alias_17` */
            if (pt_slice_eq_cstr(m->name, "bdSeq")) { /* some producers repeat it in every message (guide 25.39) */
                n->counts.samples++;
                n->counts.not_kept++;
            } else {
                refuse(t, n, msg, PT_NONE, m, why);
            }
            continue;
        }
        host__sample(t, n, hm, m, msg, false, arena);
        if (m->wire == SPB_WIRE_TEMPLATE && m->value.tmpl && !(m->flags & SPB_IS_NULL))
            members(t, n, u, hm->name, m->value.tmpl, msg, arena);
    }
}
