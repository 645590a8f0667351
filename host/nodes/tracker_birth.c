/* host/nodes/tracker_birth.c -- what a birth says: the metric table of a node or device, its aliases, and what changed.
 *
 * The new table is built beside the old one and takes its place only when it is complete, so a refused birth changes nothing.
 * Metrics whose type and metadata are as before keep their tag without asking. */
#include "host/nodes/tracker_internal.h"

#include "base/utf8.h"
#include <stdio.h>
#include <stdlib.h>

typedef struct entry {
    host_metric hm;
    const spb_metric *m; /* NULL: a member that has no value of its own here */
    const host_metric *old;
} entry;

typedef struct building {
    host_tracker *t;
    host_node *n;
    host_unit *u;
    const host__msg *msg;
    pt_arena *arena;  /* scratch */
    pt_arena strings; /* of the new table */
    entry *entries;   /* in arena */
    uint32_t n_entries, cap;
    pt_map names;        /* name -> index; borrows strings */
    pt_map templates;    /* those of this birth; the node's afterwards: an NBIRTH replaces them, a DBIRTH (it should have none) adds */
    pt_slice *redefined; /* names of definitions that are not what they were; in arena */
    uint32_t n_redefined, cap_redefined;
    uint32_t too_many; /* metrics beyond the limit */
    bool failed;
} building;

static void free_metrics(host_metric *metrics, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        host__file_drop(&metrics[i]);
        free(metrics[i].object);
    }
    free(metrics);
}

void host__unit_free(host_unit *u)
{
    if (!u) return;
    free_metrics(u->metrics, u->n);
    pt_map_fini(&u->by_name);
    pt_arena_fini(&u->strings);
    free(u->birth);
    free(u->id);
    free(u);
}

static bool is_plumbing(const host_unit *u, pt_slice name)
{
    if (u->id_slice.len) return pt_slice_starts(name, PT_LIT("Device Control/"));
    return pt_slice_eq_cstr(name, "bdSeq") || pt_slice_starts(name, PT_LIT("Node Control/")) ||
           pt_slice_starts(name, PT_LIT("Properties/"));
}

static pt_slice text_property(const spb_property_set *set, const char *key)
{
    const spb_property *p = set ? spb_property_find(set, pt_cstr(key)) : NULL;
    if (!p || p->is_null || p->wire != SPB_WIRE_STRING || !pt_utf8_valid(p->value.bytes)) return PT_LIT("");
    return p->value.bytes;
}

static bool number_property(const spb_property_set *set, const char *key, double *out)
{
    const spb_property *p = set ? spb_property_find(set, pt_cstr(key)) : NULL;
    if (!p || p->is_null) return false;
    if (p->wire == SPB_WIRE_DOUBLE) *out = p->value.f64;
    else if (p->wire == SPB_WIRE_FLOAT) *out = (double)p->value.f32;
    else if (p->wire == SPB_WIRE_INT) *out = (double)(int32_t)p->value.u32;
    else if (p->wire == SPB_WIRE_LONG) *out = (double)(int64_t)p->value.u64;
    else return false;
    return true;
}

static void read_metadata(const spb_metric *m, host_tag_birth *b)
{
    const spb_property_set *set = m ? m->properties : NULL;
    b->unit = text_property(set, "engUnit");
    b->description = text_property(set, "description");
    if (b->description.len == 0) b->description = text_property(set, "documentation");
    if (b->description.len == 0 && m && m->metadata && m->metadata->description.ptr && pt_utf8_valid(m->metadata->description))
        b->description = m->metadata->description;
    number_property(set, "engLow", &b->eng_low);
    number_property(set, "engHigh", &b->eng_high);
    const spb_property *ro = set ? spb_property_find(set, PT_LIT("readOnly")) : NULL;
    b->writable = !(ro && !ro->is_null && ro->wire == SPB_WIRE_BOOL && ro->value.boolean);
}

static uint64_t metadata_hash(const host_tag_birth *b)
{
    uint64_t h = pt_slice_hash(b->unit, 0x756e6974u + b->type);
    h = pt_slice_hash(b->description, h);
    h = pt_slice_hash(pt_slice_of(&b->eng_low, sizeof b->eng_low), h);
    h = pt_slice_hash(pt_slice_of(&b->eng_high, sizeof b->eng_high), h);
    return pt_slice_hash(pt_slice_of(b->writable ? "w" : "r", 1), h);
}

static void describe(const building *b, const entry *e, host_tag_birth *out)
{
    *out = (host_tag_birth){ .group = b->n->group_slice,
                             .edge = b->n->edge_slice,
                             .device = b->u->id_slice,
                             .metric = e->hm.name,
                             .type = (spb_datatype)e->hm.type,
                             .restored = b->msg->restored,
                             .plumbing = (e->hm.flags & HOST_METRIC_PLUMBING) != 0 };
    read_metadata(e->m, out);
    if (e->m) out->properties = e->m->properties;
    if (e->m && e->m->wire == SPB_WIRE_TEMPLATE && e->m->value.tmpl) out->template_ref = e->m->value.tmpl->template_ref;
    if (out->plumbing)
        out->writable = pt_slice_find(e->hm.name, '/') < e->hm.name.len && !pt_slice_starts(e->hm.name, PT_LIT("Properties/"));
}

static bool grow(building *b)
{
    if (b->n_entries < b->cap) return true;
    uint32_t cap = b->cap ? b->cap * 2 : 64;
    entry *grown = pt_arena_array(b->arena, cap, sizeof *grown);
    if (!grown) return false;
    if (b->n_entries) memcpy(grown, b->entries, b->n_entries * sizeof *grown);
    b->entries = grown;
    b->cap = cap;
    return true;
}

static void reject(building *b, pt_slice prefix, const spb_metric *m, host_reject why)
{
    const char *what = why == HOST_REJECT_DUPLICATE_NAME ? "the birth has it twice"
                       : why == HOST_REJECT_BAD_TYPE     ? "no datatype, or an unknown one"
                       : why == HOST_REJECT_BAD_NAME     ? "the name is empty or not UTF-8"
                                                         : "a birth must name its metrics";
    b->n->counts.samples++;
    if (why == HOST_REJECT_TOO_MANY) host__reject_sample(b->t, b->n, why); /* told once for all of them */
    else host__refuse_metric(b->t, b->n, b->msg, prefix, m, why, what);
}

/* Enter metric `m` as `name` (already in b->strings). */
static void enter(building *b, const spb_metric *m, pt_slice name, uint32_t type, uint8_t flags)
{
    if (pt_map_get(&b->names, name, &(uint64_t){ 0 })) {
        reject(b, PT_NONE, m, HOST_REJECT_DUPLICATE_NAME);
        return;
    }
    if (b->n_entries >= b->t->opt.metrics_max) {
        reject(b, PT_NONE, m, HOST_REJECT_TOO_MANY);
        b->too_many++;
        return;
    }
    if (!grow(b) || pt_map_put(&b->names, name, b->n_entries, NULL) != PT_OK) {
        b->failed = true;
        return;
    }
    entry *e = &b->entries[b->n_entries++];
    *e = (entry){ .hm = { .name = name, .type = (uint8_t)type, .flags = flags }, .m = m };
    if (m && (m->flags & SPB_HAS_ALIAS)) {
        e->hm.alias = m->alias;
        e->hm.flags |= HOST_METRIC_ALIAS;
    }
    if (is_plumbing(b->u, name)) e->hm.flags |= HOST_METRIC_PLUMBING | HOST_METRIC_NO_HISTORY;
    if (!b->u->id_slice.len && pt_slice_eq_cstr(name, "Backfill/Pending") && type == SPB_INT64) e->hm.flags |= HOST_METRIC_BACKFILL;
    host_tag_birth tb;
    describe(b, e, &tb);
    e->hm.meta = metadata_hash(&tb);
    e->hm.unit = tb.unit.len ? pt_arena_dup(&b->strings, tb.unit) : PT_LIT("");
    if (tb.unit.len && !e->hm.unit.ptr) b->failed = true;
}

static pt_slice join(pt_arena *a, pt_slice prefix, pt_slice name)
{
    if (prefix.len == 0) return pt_arena_dup(a, name);
    char *p = pt_arena_alloc(a, prefix.len + 1 + name.len + 1);
    if (!p) return PT_NONE;
    memcpy(p, prefix.ptr, prefix.len);
    p[prefix.len] = '/';
    memcpy(p + prefix.len + 1, name.ptr, name.len);
    p[prefix.len + 1 + name.len] = '\0';
    return pt_slice_of(p, prefix.len + 1 + name.len);
}

/* A definition (guide 7): its name is the template's; members give types to instances that leave them out. */
static void define(building *b, const spb_metric *m)
{
    host_node *n = b->n;
    pt_buf bytes;
    pt_buf_init(&bytes, 16u << 20);
    uint64_t hash = 0;
    if (spb_metric_encode(m, &bytes) == PT_OK) hash = pt_slice_hash(pt_buf_view(&bytes), 0);
    pt_buf_fini(&bytes);
    uint64_t was;
    if (pt_map_put(&b->templates, m->name, hash, NULL) != PT_OK) b->failed = true;
    if (pt_map_get(&n->templates, m->name, &was) && was != hash) {
        if (b->n_redefined == b->cap_redefined) {
            uint32_t cap = b->cap_redefined ? b->cap_redefined * 2 : 8;
            pt_slice *grown = pt_arena_array(b->arena, cap, sizeof *grown);
            if (!grown) {
                b->failed = true;
                return;
            }
            if (b->n_redefined) memcpy(grown, b->redefined, b->n_redefined * sizeof *grown);
            b->redefined = grown;
            b->cap_redefined = cap;
        }
        b->redefined[b->n_redefined++] = m->name;
    }
    for (uint32_t i = 0; i < m->value.tmpl->n_metrics; i++) {
        const spb_metric *member = &m->value.tmpl->metrics[i];
        pt_slice key = join(b->arena, m->name, member->name);
        if (!key.ptr) b->failed = true;
        else if ((member->flags & SPB_HAS_DATATYPE) && pt_map_put(&n->template_members, key, member->datatype, NULL) != PT_OK)
            b->failed = true;
    }
    n->counts.samples++;
    n->counts.not_kept++;
}

static uint32_t member_type(building *b, pt_slice ref, const spb_metric *member)
{
    if (member->flags & SPB_HAS_DATATYPE) return member->datatype;
    pt_slice key = join(b->arena, ref, member->name);
    uint64_t type = 0;
    if (key.ptr) pt_map_get(&b->n->template_members, key, &type);
    return (uint32_t)type;
}

static void add(building *b, const spb_metric *m, pt_slice prefix, uint32_t type, uint8_t flags)
{
    if (!(m->flags & SPB_HAS_NAME) || m->name.len == 0 || !pt_utf8_valid(m->name)) {
        reject(b, prefix, m, (m->flags & SPB_HAS_NAME) ? HOST_REJECT_BAD_NAME : HOST_REJECT_NO_IDENTITY);
        return;
    }
    if (!spb_datatype_is_metric(type)) {
        reject(b, prefix, m, HOST_REJECT_BAD_TYPE);
        return;
    }
    bool instance = type == SPB_TEMPLATE && m->wire == SPB_WIRE_TEMPLATE && m->value.tmpl && !(m->flags & SPB_IS_NULL);
    if (instance && m->value.tmpl->is_definition) {
        if (prefix.len == 0) define(b, m);
        return;
    }
    pt_slice name = join(&b->strings, prefix, m->name);
    if (!name.ptr) {
        b->failed = true;
        return;
    }
    enter(b, m, name, type, flags);
    if (!instance) return;
    const spb_template *tm = m->value.tmpl;
    for (uint32_t i = 0; i < tm->n_metrics && !b->failed; i++)
        add(b, &tm->metrics[i], name, member_type(b, tm->template_ref, &tm->metrics[i]), HOST_METRIC_MEMBER);
}

/* Aliases of the new table into the node's map. An alias of another unit refuses the birth once; when a rebirth did not cure it, and for
 * two metrics of one birth, the alias means nothing and its data is rejected rather than guessed. */
static pt_status place_aliases(building *b, uint32_t unit_index)
{
    host_node *n = b->n;
    uint64_t owner;
    for (uint32_t i = 0; i < b->n_entries && !n->alias_conflict; i++) {
        const host_metric *hm = &b->entries[i].hm;
        if ((hm->flags & HOST_METRIC_ALIAS) && pt_map_get_u64(&n->aliases, hm->alias, &owner) && owner != HOST_ALIAS_AMBIGUOUS &&
            (uint32_t)(owner >> 32) != unit_index)
            return PT_EEXISTS;
    }
    for (uint32_t i = 0; i < b->u->n; i++) {
        const host_metric *hm = &b->u->metrics[i];
        if ((hm->flags & HOST_METRIC_ALIAS) && pt_map_get_u64(&n->aliases, hm->alias, &owner) && (uint32_t)(owner >> 32) == unit_index &&
            owner != HOST_ALIAS_AMBIGUOUS)
            pt_map_del_u64(&n->aliases, hm->alias, NULL);
    }
    for (uint32_t i = 0; i < b->n_entries; i++) {
        const host_metric *hm = &b->entries[i].hm;
        if (!(hm->flags & HOST_METRIC_ALIAS)) continue;
        uint64_t mine = (uint64_t)unit_index << 32 | i;
        bool taken = pt_map_get_u64(&n->aliases, hm->alias, &owner);
        if (taken) {
            spb_topic topic = { .verb = b->msg->verb, .group = n->group_slice, .edge = n->edge_slice, .device = b->u->id_slice };
            n->counts.duplicate_aliases++;
            char text[300];
            snprintf(text, sizeof text, "metric '%.*s' has alias %llu of another one; data by this alias is ignored",
                     (int)(hm->name.len < 200 ? hm->name.len : 200), hm->name.ptr, (unsigned long long)hm->alias);
            b->t->sink.bad(b->t->sink.ctx, n, &topic, HOST_REJECT_DUPLICATE_ALIAS, text);
        }
        if (pt_map_put_u64(&n->aliases, hm->alias, taken ? HOST_ALIAS_AMBIGUOUS : mine, NULL) != PT_OK) return PT_ENOMEM;
    }
    return PT_OK;
}

/* ---- birth diff ---- */

enum { DIFF_NAMES = 20 };

typedef struct diff {
    uint32_t added, removed, retyped, reunited;
} diff;

static void names_of(building *b, pt_json *j, const char *key, int which)
{
    uint32_t shown = 0;
    pt_json_key(j, key);
    pt_json_array(j);
    for (uint32_t i = 0; which != 1 && i < b->n_entries && shown < DIFF_NAMES; i++) {
        const entry *e = &b->entries[i];
        bool hit = which == 0 ? !e->old : e->old && (which == 2 ? e->old->type != e->hm.type : !pt_slice_eq(e->old->unit, e->hm.unit));
        if (hit) {
            pt_json_str(j, e->hm.name);
            shown++;
        }
    }
    for (uint32_t i = 0; which == 1 && i < b->u->n && shown < DIFF_NAMES; i++)
        if (!pt_map_get(&b->names, b->u->metrics[i].name, &(uint64_t){ 0 })) {
            pt_json_str(j, b->u->metrics[i].name);
            shown++;
        }
    pt_json_end_array(j);
}

static void tell_diff(building *b, const diff *d)
{
    host_tracker *t = b->t;
    pt_json j;
    host__detail_begin(t, &j);
    const struct {
        const char *count, *list;
        uint32_t n;
    } rows[] = { { "added_count", "added", d->added },
                 { "removed_count", "removed", d->removed },
                 { "retyped_count", "retyped", d->retyped },
                 { "reunited_count", "reunited", d->reunited } };
    for (int i = 0; i < 4; i++) {
        if (rows[i].n == 0) continue;
        pt_json_member_u64(&j, rows[i].count, rows[i].n);
        names_of(b, &j, rows[i].list, i);
    }
    if (b->n_redefined) {
        pt_json_member_u64(&j, "redefined_count", b->n_redefined);
        pt_json_key(&j, "redefined"); /* templates */
        pt_json_array(&j);
        for (uint32_t i = 0; i < b->n_redefined && i < DIFF_NAMES; i++)
            pt_json_str(&j, b->redefined[i]);
        pt_json_end_array(&j);
    }
    host__detail_send(t, &j, HOST_EVENT_METADATA_CHANGED, b->n, b->u->id_slice.len ? b->u->id_slice : PT_NONE, b->msg->wall_ms);
}

/* A birth beyond a limit, in plain words and with the way out: counted by the caller, here an event. */
void host__birth_too_big(host_tracker *t, host_node *n, pt_slice device, uint64_t metrics, const char *text, int64_t wall_ms)
{
    pt_json j;
    host__detail_begin(t, &j);
    pt_json_member_cstr(&j, "reason", "birth-too-big");
    if (metrics) pt_json_member_u64(&j, "metrics_refused", metrics);
    pt_json_member_cstr(&j, "text", text);
    host__detail_send(t, &j, HOST_EVENT_QUARANTINE, n, device, wall_ms);
}

/* Old and new side by side: tags kept, tags new, tags gone. */
static void match(building *b, diff *d)
{
    host_tracker *t = b->t;
    host_unit *u = b->u;
    for (uint32_t i = 0; i < b->n_entries; i++) {
        entry *e = &b->entries[i];
        uint64_t at;
        if (pt_map_get(&u->by_name, e->hm.name, &at)) {
            const host_metric *old = &u->metrics[at];
            e->old = old;
            if (old->type != e->hm.type) d->retyped++;
            else if (!pt_slice_eq(old->unit, e->hm.unit)) d->reunited++;
            if (old->type == e->hm.type) {
                e->hm.last_ms = old->last_ms;
                e->hm.last_bits = old->last_bits;
                e->hm.flags |= old->flags & HOST_METRIC_LAST;
            }
            if (old->meta == e->hm.meta && old->tag_id && !b->msg->remap) {
                e->hm.tag_id = old->tag_id;
                e->hm.flags |= old->flags & HOST_METRIC_NO_HISTORY;
                continue;
            }
        } else {
            d->added++;
        }
        host_tag_birth tb;
        describe(b, e, &tb);
        bool historise = true;
        e->hm.tag_id = t->sink.tag(t->sink.ctx, &tb, &historise);
        if (!historise) e->hm.flags |= HOST_METRIC_NO_HISTORY;
    }
    t->n_ids = 0; /* what is gone, and what the rules no longer keep */
    if (u->n > t->ids_cap) {
        uint32_t *grown = realloc(t->ids, u->n * sizeof *grown);
        if (!grown) return;
        t->ids = grown;
        t->ids_cap = u->n;
    }
    for (uint32_t i = 0; i < u->n; i++) {
        uint64_t at;
        bool there = pt_map_get(&b->names, u->metrics[i].name, &at);
        if (there && b->entries[at].hm.tag_id) continue;
        d->removed += !there;
        if (u->metrics[i].tag_id) t->ids[t->n_ids++] = u->metrics[i].tag_id;
    }
    if (t->n_ids) t->sink.absent(t->sink.ctx, b->n, t->ids, t->n_ids, b->msg->wall_ms);
}

/* ---- values ---- */

static int64_t birth_time(const building *b)
{
    const spb_payload *p = b->msg->payload;
    return p->has_timestamp && p->timestamp <= INT64_MAX ? (int64_t)p->timestamp : b->msg->wall_ms;
}

static void values(building *b)
{
    host_unit *u = b->u;
    int64_t at = birth_time(b);
    if (at <= u->stale_ms) at = u->stale_ms + 1;
    for (uint32_t i = 0; i < b->n_entries; i++) {
        const spb_metric *m = b->entries[i].m;
        host_metric *hm = &u->metrics[i];
        if (!m) continue;
        bool ok = host__sample(b->t, b->n, hm, m, b->msg, true, b->arena);
        /* History says STALE, and holds no newer value that ends it: say that it is valid again. */
        bool newer = hm->last_ms > u->stale_ms && !(m->flags & SPB_IS_TRANSIENT);
        if (!ok || u->stale_ms == INT64_MIN || !hm->tag_id || (hm->flags & HOST_METRIC_NO_HISTORY) || newer) continue;
        host_update mark = { .tag_id = hm->tag_id,
                             .flags = HOST_STORE | HOST_MARK,
                             .quality = (uint8_t)spb_metric_quality(m),
                             .time_ms = at,
                             .value = { .type = hm->type, .is_null = true },
                             .node = b->n };
        if (!host__push(b->t, &mark)) break;
    }
    u->stale_ms = INT64_MIN;
}

/* Definitions first: instances may stand before them. */
static void add_all(building *b)
{
    const spb_payload *p = b->msg->payload;
    for (uint32_t pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < p->n_metrics && !b->failed; i++) {
            const spb_metric *pm = &p->metrics[i];
            bool definition = pm->wire == SPB_WIRE_TEMPLATE && pm->value.tmpl && pm->value.tmpl->is_definition;
            if (definition == (pass == 0)) add(b, pm, PT_NONE, (pm->flags & SPB_HAS_DATATYPE) ? pm->datatype : 0, 0);
        }
}

/* A node's definitions replace those of before, a device's join them. */
static void keep_templates(building *b)
{
    host_node *n = b->n;
    pt_slice name;
    uint64_t hash;
    size_t it = 0;
    if (b->u == n->units[0]) {
        pt_map_fini(&n->templates);
        n->templates = b->templates;
        return;
    }
    while (pt_map_each(&b->templates, &it, &name, NULL, &hash))
        if (pt_map_put(&n->templates, name, hash, NULL) != PT_OK) break; /* out of memory: only a later change of it goes untold */
    pt_map_fini(&b->templates);
}

pt_status host__birth(host_tracker *t, host_node *n, host_unit *u, const host__msg *m, pt_arena *arena)
{
    building b = { .t = t, .n = n, .u = u, .msg = m, .arena = arena };
    uint64_t unit_index = 0;
    if (u != n->units[0]) pt_map_get(&n->devices, u->id_slice, &unit_index);
    pt_arena_init(&b.strings, 512u << 20);
    pt_map_init(&b.names, PT_MAP_BORROW_KEYS);
    pt_map_init(&b.templates, PT_MAP_COPY_KEYS);
    host_node_counts before = n->counts;
    add_all(&b);
    host_metric *metrics = b.failed ? NULL : calloc(b.n_entries ? b.n_entries : 1, sizeof *metrics);
    char *bytes = malloc(m->bytes.len ? m->bytes.len : 1);
    pt_status st = metrics && bytes ? place_aliases(&b, (uint32_t)unit_index) : PT_ENOMEM;
    if (st != PT_OK) {
        n->counts = before; /* the caller books the message as a whole */
        free(metrics);
        free(bytes);
        pt_map_fini(&b.names);
        pt_map_fini(&b.templates);
        pt_arena_fini(&b.strings);
        return st;
    }
    if (m->bytes.len) memcpy(bytes, m->bytes.ptr, m->bytes.len); /* before the old ones go: a remap reads those */
    diff d = { 0, 0, 0, 0 };
    bool known = u->n > 0;
    match(&b, &d);
    if (!known) d = (diff){ 0, 0, 0, 0 }; /* all of a first birth is new */
    if ((d.added || d.removed || d.retyped || d.reunited || b.n_redefined) && !m->restored) tell_diff(&b, &d);
    if (b.too_many && !m->restored)
        host__birth_too_big(
            t, n, u->id_slice.len ? u->id_slice : PT_NONE, b.too_many,
            "more metrics than sparkplug.limits.metrics allows; those beyond it are not followed. Raise the limit, or spread them over devices",
            m->wall_ms);
    keep_templates(&b);
    for (uint32_t i = 0; i < b.n_entries; i++) {
        metrics[i] = b.entries[i].hm;
        uint64_t at;
        bool carry = m->remap && metrics[i].type == SPB_TEMPLATE && pt_map_get(&u->by_name, metrics[i].name, &at) && u->metrics[at].object;
        if (carry) { /* the present object, not the one of the birth */
            metrics[i].object = u->metrics[at].object;
            metrics[i].object_len = u->metrics[at].object_len;
            u->metrics[at].object = NULL;
        } else if (b.entries[i].m && metrics[i].type == SPB_TEMPLATE) {
            host__object_keep(&metrics[i], b.entries[i].m);
        }
    }
    free_metrics(u->metrics, u->n);
    free(u->birth);
    pt_map_fini(&u->by_name);
    pt_arena_fini(&u->strings);
    u->metrics = metrics;
    u->n = b.n_entries;
    u->by_name = b.names;
    u->strings = b.strings;
    u->birth = bytes;
    u->birth_len = m->bytes.len;
    u->birth_ms = birth_time(&b);
    u->born = true;
    u->unmarked = false;
    if (m->restored) return PT_OK;
    u->doubted = false;
    if (!u->online) {
        u->online = true;
        u->since_ms = m->wall_ms;
        if (u != n->units[0]) t->sink.state(t->sink.ctx, n, u->id_slice, true, m->wall_ms, "dbirth");
    }
    values(&b);
    return PT_OK;
}
