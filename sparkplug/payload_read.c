/* sparkplug/payload_read.c -- the zero-copy reader of exactly the Sparkplug B message.
 *
 * One function per message. Each first counts what repeats, takes one array for it from the arena, then reads. Slices
 * point into the message. A known field with the wrong wire type makes the payload malformed, an unknown field is
 * skipped. As protobuf has it: the last scalar and the last member of a oneof win, a repeated metadata or properties is
 * merged.
 *
 * Built for speed (docs/performance.md, P1): the common field costs a one-byte tag, a jump and one varint. */
#include "sparkplug/payload_reader.h"
#include "base/assert.h"

const spb_limits spb_limits_default = { .payload_bytes = (size_t)16 << 20, .metrics = 1000000, .dataset_cells = 1000000, .depth = 32 };

static pt_status read_set(reader *r, pt_slice s, uint32_t depth, spb_property_set *out);
static pt_status read_template(reader *r, pt_slice s, uint32_t depth, spb_template *out);

/* ---- properties ---- */
static pt_status read_sets(reader *r, pt_slice msg, uint32_t depth, spb_property_sets *out)
{
    const spb__byte *p = begin(msg), *end = finish(msg), *from;
    uint32_t n, i = 0;
    uint64_t tag;
    pt_slice s;
    if (!count_fields(msg, L(1), &n)) return bad(r, begin(msg), "bad property set list");
    spb_property_set *items = pt_arena_array(r->arena, n, sizeof *items);
    if (!items) return no_memory(r);
    while (p < end) {
        from = p;
        if (!(p = spb__tag(p, end, &tag))) return bad(r, from, "bad tag in a property set list");
        if (tag == L(1)) {
            if (!(p = spb__len(p, end, &s))) return bad(r, from, "bad length");
            pt_status st = read_set(r, s, depth, &items[i++]);
            if (st) return st;
        } else if (!(p = other_field(tag, 1, p, end))) {
            return bad(r, from, "bad field in a property set list");
        }
    }
    *out = (spb_property_sets){ items, n };
    return PT_OK;
}

/* Fills everything but the key. */
static pt_status read_property(reader *r, pt_slice msg, uint32_t depth, spb_property *out)
{
    const spb__byte *p = begin(msg), *end = finish(msg), *from;
    uint32_t f32;
    uint64_t tag, v;
    pt_slice s;
    pt_status st;
    while (p < end) {
        from = p;
        if (!(p = spb__tag(p, end, &tag))) return bad(r, from, "bad tag in a property value");
        switch (tag) {
        case V(1):
            if (!(p = spb__varint(p, end, &v))) return bad(r, from, "bad varint");
            out->type = (uint32_t)v;
            out->has_type = true;
            break;
        case V(2):
            if (!(p = spb__varint(p, end, &v))) return bad(r, from, "bad varint");
            out->is_null = v != 0;
            break;
        case V(3):
            if (!(p = spb__varint(p, end, &v))) return bad(r, from, "bad varint");
            out->wire = SPB_WIRE_INT;
            out->value = (spb_wire_value){ .u32 = (uint32_t)v };
            break;
        case V(4):
            if (!(p = spb__varint(p, end, &v))) return bad(r, from, "bad varint");
            out->wire = SPB_WIRE_LONG;
            out->value = (spb_wire_value){ .u64 = v };
            break;
        case F32(5):
            if (!(p = spb__fixed32(p, end, &f32))) return bad(r, from, "truncated float");
            out->wire = SPB_WIRE_FLOAT;
            memcpy(&out->value.f32, &f32, 4);
            break;
        case F64(6):
            if (!(p = spb__fixed64(p, end, &v))) return bad(r, from, "truncated double");
            out->wire = SPB_WIRE_DOUBLE;
            memcpy(&out->value.f64, &v, 8);
            break;
        case V(7):
            if (!(p = spb__varint(p, end, &v))) return bad(r, from, "bad varint");
            out->wire = SPB_WIRE_BOOL;
            out->value = (spb_wire_value){ .boolean = v != 0 };
            break;
        case L(8):
            if (!(p = spb__len(p, end, &s))) return bad(r, from, "bad length");
            out->wire = SPB_WIRE_STRING;
            out->value = (spb_wire_value){ .bytes = s };
            break;
        case L(9): {
            spb_property_set *set = pt_arena_alloc(r->arena, sizeof *set);
            if (!set) return no_memory(r);
            if (!(p = spb__len(p, end, &s))) return bad(r, from, "bad length");
            if ((st = read_set(r, s, depth, set)) != PT_OK) return st;
            out->wire = SPB_WIRE_PROPERTYSET;
            out->value = (spb_wire_value){ .set = set };
            break;
        }
        case L(10): {
            spb_property_sets *sets = pt_arena_alloc(r->arena, sizeof *sets);
            if (!sets) return no_memory(r);
            if (!(p = spb__len(p, end, &s))) return bad(r, from, "bad length");
            if ((st = read_sets(r, s, depth, sets)) != PT_OK) return st;
            out->wire = SPB_WIRE_PROPERTYSETS;
            out->value = (spb_wire_value){ .sets = sets };
            break;
        }
        case L(11): {
            uint32_t none;
            if (!(p = spb__len(p, end, &s)) || !count_fields(s, 0, &none)) return bad(r, from, "bad extension");
            out->wire = SPB_WIRE_EXTENSION;
            out->value = (spb_wire_value){ 0 };
            break;
        }
        default:
            if (!(p = other_field(tag, 11, p, end))) return bad(r, from, "bad field in a property value");
        }
    }
    return PT_OK;
}

/* `depth` is that of the message around the set. */
static pt_status read_set(reader *r, pt_slice msg, uint32_t depth, spb_property_set *out)
{
    const spb__byte *p = begin(msg), *end = finish(msg), *from;
    uint32_t keys = 0, values = 0;
    uint64_t tag;
    pt_slice s;
    if (depth >= r->limits->depth) return too_many(r, p, "property sets nested deeper than allowed");
    while (p < end) {
        from = p;
        if (!(p = spb__tag(p, end, &tag)) || !(p = spb__skip(tag, p, end))) return bad(r, from, "bad field in a property set");
        keys += tag == L(1);
        values += tag == L(2);
    }
    uint32_t most = keys > values ? keys : values;
    spb_property *items = pt_arena_array(r->arena, most, sizeof *items);
    if (!items) return no_memory(r);
    memset(items, 0, most * sizeof *items);
    out->items = items;
    out->n = keys < values ? keys : values;
    out->mismatch = keys != values;
    p = begin(msg);
    keys = values = 0;
    while (p < end) {
        from = p;
        if (!(p = spb__tag(p, end, &tag))) return bad(r, from, "bad tag in a property set");
        if (tag == L(1)) {
            if (!(p = spb__len(p, end, &items[keys++].key))) return bad(r, from, "bad length");
        } else if (tag == L(2)) {
            if (!(p = spb__len(p, end, &s))) return bad(r, from, "bad length");
            pt_status st = read_property(r, s, depth + 1, &items[values++]);
            if (st) return st;
        } else if (!(p = other_field(tag, 2, p, end))) {
            return bad(r, from, "bad field in a property set");
        }
    }
    return PT_OK;
}

/* A metric's properties, for the first or another time. Merging two protobuf messages is reading their bytes joined;
 * *joined holds those so far. */
static pt_status read_properties(reader *r, pt_slice s, uint32_t depth, pt_slice *joined, spb_metric *m)
{
    spb_property_set *set = m->properties ? m->properties : pt_arena_alloc(r->arena, sizeof *set);
    if (!set) return no_memory(r);
    pt_status st = read_set(r, s, depth, set); /* checks the new part alone, as it must stand alone */
    if (st) return st;
    if (m->properties && joined->len + s.len) {
        char *both = pt_arena_alloc(r->arena, joined->len + s.len);
        if (!both) return no_memory(r);
        if (joined->len) memcpy(both, joined->ptr, joined->len);
        if (s.len) memcpy(both + joined->len, s.ptr, s.len);
        s = pt_slice_of(both, joined->len + s.len);
        if ((st = read_set(r, s, depth, set)) != PT_OK) return st;
    }
    m->properties = set;
    *joined = s;
    return PT_OK;
}

static pt_status read_metadata(reader *r, pt_slice msg, spb_metadata *md)
{
    const spb__byte *p = begin(msg), *end = finish(msg), *from;
    uint64_t tag, v;
    while (p < end) {
        from = p;
        if (!(p = spb__tag(p, end, &tag))) return bad(r, from, "bad tag in metadata");
        switch (tag) {
        case V(1):
            if (!(p = spb__varint(p, end, &v))) return bad(r, from, "bad varint");
            md->is_multi_part = v != 0;
            md->has_multi_part = true;
            break;
        case L(2):
            if (!(p = spb__len(p, end, &md->content_type))) return bad(r, from, "bad length");
            break;
        case V(3):
            if (!(p = spb__varint(p, end, &md->size))) return bad(r, from, "bad varint");
            md->has_size = true;
            break;
        case V(4):
            if (!(p = spb__varint(p, end, &md->seq))) return bad(r, from, "bad varint");
            md->has_seq = true;
            break;
        case L(5):
            if (!(p = spb__len(p, end, &md->file_name))) return bad(r, from, "bad length");
            break;
        case L(6):
            if (!(p = spb__len(p, end, &md->file_type))) return bad(r, from, "bad length");
            break;
        case L(7):
            if (!(p = spb__len(p, end, &md->md5))) return bad(r, from, "bad length");
            break;
        case L(8):
            if (!(p = spb__len(p, end, &md->description))) return bad(r, from, "bad length");
            break;
        default:
            if (!(p = other_field(tag, 8, p, end))) return bad(r, from, "bad field in metadata");
        }
    }
    return PT_OK;
}

/* ---- Metric ---- */

/* The fields a metric rarely has. */
static __attribute__((noinline)) pt_status read_rare(reader *r, uint64_t tag, pt_slice s, uint32_t depth, pt_slice *joined, spb_metric *m)
{
    pt_status st;
    switch (tag) {
    case L(8):
        if (!m->metadata && !(m->metadata = pt_arena_zalloc(r->arena, sizeof *m->metadata))) return no_memory(r);
        return read_metadata(r, s, m->metadata);
    case L(17): {
        spb_dataset *ds = pt_arena_alloc(r->arena, sizeof *ds);
        if (!ds) return no_memory(r);
        if ((st = spb__read_dataset(r, s, ds)) != PT_OK) return st;
        m->wire = SPB_WIRE_DATASET;
        m->value = (spb_wire_value){ .dataset = ds };
        return PT_OK;
    }
    case L(18): {
        spb_template *t = pt_arena_zalloc(r->arena, sizeof *t);
        if (!t) return no_memory(r);
        if ((st = read_template(r, s, depth, t)) != PT_OK) return st;
        m->wire = SPB_WIRE_TEMPLATE;
        m->value = (spb_wire_value){ .tmpl = t };
        return PT_OK;
    }
    case L(19): {
        uint32_t none;
        if (!count_fields(s, 0, &none)) return bad(r, begin(s), "bad extension");
        m->wire = SPB_WIRE_EXTENSION;
        m->value = (spb_wire_value){ 0 };
        return PT_OK;
    }
    default: return read_properties(r, s, depth, joined, m);
    }
}

/* is_historical, is_transient, is_null: there, and whether. */
static inline const spb__byte *read_mark(const spb__byte *p, const spb__byte *end, uint64_t tag, unsigned *flags)
{
    static const unsigned has[] = { SPB_HAS_HISTORICAL, SPB_HAS_TRANSIENT, SPB_HAS_NULL };
    static const unsigned is[] = { SPB_IS_HISTORICAL, SPB_IS_TRANSIENT, SPB_IS_NULL };
    const size_t k = (tag - V(5)) >> 3;
    uint64_t v = 0;
    p = spb__varint(p, end, &v);
    *flags = (*flags & ~is[k]) | has[k] | (v ? is[k] : 0);
    return p;
}

/* All its fields are read: are its texts what they should be? */
static inline pt_status metric_read(spb_metric *m, unsigned flags)
{
    bool ok = (!(flags & SPB_HAS_NAME) || is_utf8(m->name)) && (m->wire != SPB_WIRE_STRING || is_utf8(m->value.bytes));
    m->flags = (uint16_t)(ok ? flags : flags | SPB_BAD_UTF8);
    return PT_OK;
}

static inline pt_status read_metric(reader *r, pt_slice msg, uint32_t depth, spb_metric *m)
{
    const spb__byte *p = begin(msg), *end = finish(msg), *from;
    unsigned flags = 0;
    uint32_t f32;
    uint64_t tag, v;
    pt_slice s, joined = PT_NONE;
    memset(m, 0, sizeof *m);
    while (p < end) {
        from = p;
        if (!(p = spb__tag(p, end, &tag))) return bad(r, from, "bad tag in a metric");
        switch (tag) {
        case L(1):
            if (!(p = spb__len(p, end, &m->name))) return bad(r, from, "bad length");
            flags |= SPB_HAS_NAME;
            break;
        case V(2):
            if (!(p = spb__varint(p, end, &m->alias))) return bad(r, from, "bad varint");
            flags |= SPB_HAS_ALIAS;
            break;
        case V(3):
            if (!(p = spb__varint(p, end, &m->timestamp))) return bad(r, from, "bad varint");
            flags |= SPB_HAS_TIMESTAMP;
            break;
        case V(4):
            if (!(p = spb__varint(p, end, &v))) return bad(r, from, "bad varint");
            m->datatype = (uint32_t)v;
            flags |= SPB_HAS_DATATYPE;
            break;
        case V(5):
        case V(6):
        case V(7):
            if (!(p = read_mark(p, end, tag, &flags))) return bad(r, from, "bad varint");
            break;
        case V(10):
            if (!(p = spb__varint(p, end, &v))) return bad(r, from, "bad varint");
            m->wire = SPB_WIRE_INT;
            m->value = (spb_wire_value){ .u32 = (uint32_t)v };
            break;
        case V(11):
            if (!(p = spb__varint(p, end, &v))) return bad(r, from, "bad varint");
            m->wire = SPB_WIRE_LONG;
            m->value = (spb_wire_value){ .u64 = v };
            break;
        case F32(12):
            if (!(p = spb__fixed32(p, end, &f32))) return bad(r, from, "truncated float");
            m->wire = SPB_WIRE_FLOAT;
            memcpy(&m->value.f32, &f32, 4);
            break;
        case F64(13):
            if (!(p = spb__fixed64(p, end, &v))) return bad(r, from, "truncated double");
            m->wire = SPB_WIRE_DOUBLE;
            memcpy(&m->value.f64, &v, 8);
            break;
        case V(14):
            if (!(p = spb__varint(p, end, &v))) return bad(r, from, "bad varint");
            m->wire = SPB_WIRE_BOOL;
            m->value = (spb_wire_value){ .boolean = v != 0 };
            break;
        case L(15):
        case L(16):
            if (!(p = spb__len(p, end, &s))) return bad(r, from, "bad length");
            m->wire = tag == L(15) ? SPB_WIRE_STRING : SPB_WIRE_BYTES;
            m->value = (spb_wire_value){ .bytes = s };
            break;
        case L(8):
        case L(9):
        case L(17):
        case L(18):
        case L(19): {
            if (!(p = spb__len(p, end, &s))) return bad(r, from, "bad length");
            pt_status st = read_rare(r, tag, s, depth, &joined, m);
            if (st) return st;
            break;
        }
        default:
            if (!(p = other_field(tag, 19, p, end))) return bad(r, from, "bad field in a metric");
        }
    }
    return metric_read(m, flags);
}

static pt_status take_metrics(reader *r, const spb__byte *at, uint32_t n, spb_metric **out)
{
    if (n > r->limits->metrics - r->metrics) return too_many(r, at, "more metrics than allowed");
    r->metrics += n;
    if (n == 0) return PT_OK;
    *out = pt_arena_array(r->arena, n, sizeof **out);
    return *out ? PT_OK : no_memory(r);
}

/* ---- Template ---- */

static pt_status read_parameter(reader *r, pt_slice msg, spb_parameter *out)
{
    const spb__byte *p = begin(msg), *end = finish(msg), *from;
    uint64_t tag, v;
    pt_status st;
    memset(out, 0, sizeof *out);
    while (p < end) {
        from = p;
        if (!(p = spb__tag(p, end, &tag))) return bad(r, from, "bad tag in a parameter");
        uint64_t field = tag >> 3;
        if (tag == L(1)) {
            if (!(p = spb__len(p, end, &out->name))) return bad(r, from, "bad length");
        } else if (tag == V(2)) {
            if (!(p = spb__varint(p, end, &v))) return bad(r, from, "bad varint");
            out->type = (uint32_t)v;
            out->has_type = true;
        } else if (field >= 3 && field <= 9) {
            if ((st = spb__read_cell_field(r, field - 3, tag, &p, end, &out->cell)) != PT_OK) return st;
        } else if (!(p = other_field(tag, 9, p, end))) {
            return bad(r, from, "bad field in a parameter");
        }
    }
    return PT_OK;
}

static pt_status read_template(reader *r, pt_slice msg, uint32_t depth, spb_template *t)
{
    const spb__byte *p = begin(msg), *end = finish(msg), *from;
    uint32_t metrics = 0, parameters = 0;
    uint64_t tag, v;
    pt_slice s;
    pt_status st;
    if (depth >= r->limits->depth) return too_many(r, p, "templates nested deeper than allowed");
    if (!count_fields(msg, L(2), &t->n_metrics) || !count_fields(msg, L(3), &t->n_parameters)) return bad(r, p, "bad field in a template");
    if ((st = take_metrics(r, p, t->n_metrics, &t->metrics)) != PT_OK) return st;
    if (t->n_parameters) {
        t->parameters = pt_arena_array(r->arena, t->n_parameters, sizeof *t->parameters);
        if (!t->parameters) return no_memory(r);
    }
    while (p < end) {
        from = p;
        if (!(p = spb__tag(p, end, &tag))) return bad(r, from, "bad tag in a template");
        switch (tag) {
        case L(1):
            if (!(p = spb__len(p, end, &t->version))) return bad(r, from, "bad length");
            break;
        case L(2):
            if (!(p = spb__len(p, end, &s))) return bad(r, from, "bad length");
            pt_assert(t->metrics != NULL); /* counted before */
            if ((st = read_metric(r, s, depth + 1, &t->metrics[metrics++])) != PT_OK) return st;
            break;
        case L(3):
            if (!(p = spb__len(p, end, &s))) return bad(r, from, "bad length");
            if ((st = read_parameter(r, s, &t->parameters[parameters++])) != PT_OK) return st;
            break;
        case L(4):
            if (!(p = spb__len(p, end, &t->template_ref))) return bad(r, from, "bad length");
            break;
        case V(5):
            if (!(p = spb__varint(p, end, &v))) return bad(r, from, "bad varint");
            t->is_definition = v != 0;
            t->has_is_definition = true;
            break;
        default:
            if (!(p = other_field(tag, 5, p, end))) return bad(r, from, "bad field in a template");
        }
    }
    return PT_OK;
}

/* ---- Payload ---- */

pt_status spb_payload_decode(pt_slice bytes, const spb_limits *limits, pt_arena *arena, spb_payload *out, pt_error *err)
{
    reader r = { begin(bytes), limits ? limits : &spb_limits_default, arena, err, 0 };
    const spb__byte *p = begin(bytes), *end, *from;
    spb_payload msg = { 0 };
    uint32_t metrics = 0;
    uint64_t tag;
    pt_slice s;
    pt_status st;
    if (bytes.len == 0) return pt_fail(err, PT_EMALFORMED, "empty payload");
    if (bytes.len > r.limits->payload_bytes)
        return pt_fail(err, PT_ETOOBIG, "payload of %zu bytes, at most %zu are allowed", bytes.len, r.limits->payload_bytes);
    end = finish(bytes);
    while (p < end) {
        from = p;
        if (!(p = spb__tag(p, end, &tag)) || !(p = spb__skip(tag, p, end))) return bad(&r, from, "bad field in the payload");
        msg.n_metrics += tag == L(2);
    }
    p = begin(bytes);
    if ((st = take_metrics(&r, p, msg.n_metrics, &msg.metrics)) != PT_OK) return st;
    while (p < end) {
        from = p;
        if (!(p = spb__tag(p, end, &tag))) return bad(&r, from, "bad tag in the payload");
        switch (tag) {
        case V(1):
            if (!(p = spb__varint(p, end, &msg.timestamp))) return bad(&r, from, "bad varint");
            msg.has_timestamp = true;
            break;
        case L(2):
            if (!(p = spb__len(p, end, &s))) return bad(&r, from, "bad length");
            pt_assert(msg.metrics != NULL); /* counted before */
            if ((st = read_metric(&r, s, 0, &msg.metrics[metrics++])) != PT_OK) return st;
            break;
        case V(3):
            if (!(p = spb__varint(p, end, &msg.seq))) return bad(&r, from, "bad varint");
            msg.has_seq = true;
            break;
        case L(4):
            if (!(p = spb__len(p, end, &msg.uuid))) return bad(&r, from, "bad length");
            break;
        case L(5):
            if (!(p = spb__len(p, end, &msg.body))) return bad(&r, from, "bad length");
            break;
        default:
            if (!(p = other_field(tag, 5, p, end))) return bad(&r, from, "bad field in the payload");
        }
    }
    *out = msg;
    return PT_OK;
}

const spb_property *spb_property_find(const spb_property_set *set, pt_slice key)
{
    if (!set) return NULL;
    for (uint32_t i = set->n; i-- > 0;) {
        if (pt_slice_eq(set->items[i].key, key)) return &set->items[i];
    }
    return NULL;
}
