/* sparkplug/payload_read.c -- the zero-copy reader of exactly the Sparkplug B message.
 *
 * One function per message. Each first counts what repeats, takes one array for it from the arena, then reads. Slices
 * point into the message. A known field with the wrong wire type makes the payload malformed, an unknown field is
 * skipped. As protobuf has it: the last scalar and the last member of a oneof win, a repeated metadata or properties is
 * merged.
 *
 * Built for speed (docs/performance.md, P1): the common field costs a one-byte tag, a jump and one varint. */
#include "sparkplug/payload.h"
#include "sparkplug/wire.h"
#include "base/utf8.h"

const spb_limits spb_limits_default = { .payload_bytes = (size_t)16 << 20, .metrics = 1000000, .dataset_cells = 1000000, .depth = 32 };

typedef struct reader {
    const spb__byte *start; /* of the payload, for error offsets */
    const spb_limits *limits;
    pt_arena *arena;
    pt_error *err;
    uint32_t metrics; /* counted so far, template members included */
} reader;

#define V(field)   SPB__TAG(field, SPB__VARINT)
#define L(field)   SPB__TAG(field, SPB__LEN)
#define F32(field) SPB__TAG(field, SPB__FIXED32)
#define F64(field) SPB__TAG(field, SPB__FIXED64)

static __attribute__((cold, noinline)) pt_status bad(const reader *r, const spb__byte *p, const char *what)
{
    return pt_fail_at(r->err, PT_EMALFORMED, (size_t)(p - r->start), "%s", what);
}

static __attribute__((cold, noinline)) pt_status too_many(const reader *r, const spb__byte *p, const char *what)
{
    return pt_fail_at(r->err, PT_ETOOBIG, (size_t)(p - r->start), "%s", what);
}

static __attribute__((cold, noinline)) pt_status no_memory(const reader *r)
{
    return pt_fail(r->err, PT_ENOMEM, "the payload needs more memory than its arena allows");
}

static const spb__byte *begin(pt_slice s)
{
    return (const spb__byte *)s.ptr;
}
static const spb__byte *finish(pt_slice s)
{
    return (const spb__byte *)s.ptr + s.len;
}

/* A field that none of a message's cases took. `last` is the message's highest field number. */
static const spb__byte *other_field(uint64_t tag, uint64_t last, const spb__byte *p, const spb__byte *end)
{
    return tag >> 3 <= last ? NULL : spb__skip(tag, p, end);
}

/* Count the fields with `tag` in the message; false when its fields cannot be walked. */
static bool count_fields(pt_slice s, uint64_t tag, uint32_t *n)
{
    const spb__byte *p = begin(s), *end = finish(s);
    uint32_t count = 0;
    uint64_t t;
    while (p < end) {
        if (!(p = spb__tag(p, end, &t)) || !(p = spb__skip(t, p, end))) return false;
        count += t == tag;
    }
    *n = count;
    return true;
}

static inline bool is_ascii(pt_slice s)
{
    uint64_t a = 0, b;
    if (s.len < 8) {
        for (size_t i = 0; i < s.len; i++)
            a |= (spb__byte)s.ptr[i];
        return a < 0x80;
    }
    for (size_t i = 0; i + 8 < s.len; i += 8) {
        memcpy(&b, s.ptr + i, 8);
        a |= b;
    }
    memcpy(&b, s.ptr + s.len - 8, 8);
    return ((a | b) & 0x8080808080808080u) == 0;
}

static inline bool is_utf8(pt_slice s)
{
    return is_ascii(s) || pt_utf8_valid(s);
}

static pt_status read_set(reader *r, pt_slice s, uint32_t depth, spb_property_set *out);
static pt_status read_template(reader *r, pt_slice s, uint32_t depth, spb_template *out);

/* ---- cells: DataSetValue (fields from 1) and Template.Parameter's value (from 3) ---- */

static pt_status read_cell_field(reader *r, uint64_t field, uint64_t tag, const spb__byte **at, const spb__byte *end, spb_cell *cell)
{
    static const uint8_t wires[] = { SPB_WIRE_INT,  SPB_WIRE_LONG,   SPB_WIRE_FLOAT,    SPB_WIRE_DOUBLE,
                                     SPB_WIRE_BOOL, SPB_WIRE_STRING, SPB_WIRE_EXTENSION };
    static const uint8_t types[] = { SPB__VARINT, SPB__VARINT, SPB__FIXED32, SPB__FIXED64, SPB__VARINT, SPB__LEN, SPB__LEN };
    const spb__byte *p = *at;
    uint32_t f32;
    uint64_t v;
    pt_slice s;
    uint8_t wire = wires[field];
    spb_wire_value value = { 0 };
    if ((tag & 7) != types[field]) return bad(r, p, "value field with a wrong wire type");
    switch (types[field]) {
    case SPB__VARINT:
        p = spb__varint(p, end, &v);
        if (!p) return bad(r, *at, "bad varint");
        if (wire == SPB_WIRE_INT) value.u32 = (uint32_t)v;
        else if (wire == SPB_WIRE_BOOL) value.boolean = v != 0;
        else value.u64 = v;
        break;
    case SPB__FIXED32:
        p = spb__fixed32(p, end, &f32);
        if (!p) return bad(r, *at, "truncated float");
        memcpy(&value.f32, &f32, 4);
        break;
    case SPB__FIXED64:
        p = spb__fixed64(p, end, &v);
        if (!p) return bad(r, *at, "truncated double");
        memcpy(&value.f64, &v, 8);
        break;
    default:
        p = spb__len(p, end, &s);
        if (!p) return bad(r, *at, "bad length");
        if (wire == SPB_WIRE_STRING) {
            value.bytes = s;
        } else {
            uint32_t none;
            if (!count_fields(s, 0, &none)) return bad(r, begin(s), "bad extension");
        }
        break;
    }
    cell->wire = wire;
    cell->value = value;
    *at = p;
    return PT_OK;
}

static pt_status read_cell(reader *r, pt_slice msg, spb_cell *out)
{
    const spb__byte *p = begin(msg), *end = finish(msg), *from;
    spb_cell cell = { 0 };
    uint64_t tag;
    while (p < end) {
        from = p;
        if (!(p = spb__tag(p, end, &tag))) return bad(r, from, "bad tag in a data set value");
        uint64_t field = tag >> 3;
        if (field <= 7) {
            pt_status st = read_cell_field(r, field - 1, tag, &p, end, &cell);
            if (st) return st;
        } else if (!(p = spb__skip(tag, p, end))) {
            return bad(r, from, "bad field in a data set value");
        }
    }
    *out = cell;
    return PT_OK;
}

/* ---- DataSet ---- */

static pt_status read_row(reader *r, pt_slice msg, uint32_t n, spb_cell *cells)
{
    const spb__byte *p = begin(msg), *end = finish(msg), *from;
    uint32_t i = 0;
    uint64_t tag;
    pt_slice s;
    while (p < end) {
        from = p;
        if (!(p = spb__tag(p, end, &tag))) return bad(r, from, "bad tag in a row");
        if (tag == L(1)) {
            if (!(p = spb__len(p, end, &s)) || i == n) return bad(r, from, "bad length in a row");
            pt_status st = read_cell(r, s, &cells[i++]);
            if (st) return st;
        } else if (!(p = other_field(tag, 1, p, end))) {
            return bad(r, from, "bad field in a row");
        }
    }
    return PT_OK;
}

/* Packed `types`; count only when `out` is NULL. */
static bool packed_types(pt_slice s, uint32_t *out, uint32_t *n)
{
    const spb__byte *p = begin(s), *end = finish(s);
    uint64_t v;
    while (p < end) {
        if (!(p = spb__varint(p, end, &v))) return false;
        if (out) out[*n] = (uint32_t)v;
        (*n)++;
    }
    return true;
}

static pt_status count_dataset(reader *r, pt_slice msg, spb_dataset *ds)
{
    const spb__byte *p = begin(msg), *end = finish(msg), *from;
    uint64_t tag;
    pt_slice s;
    while (p < end) {
        from = p;
        if (!(p = spb__tag(p, end, &tag))) return bad(r, from, "bad tag in a data set");
        if (tag == L(3)) {
            if (!(p = spb__len(p, end, &s)) || !packed_types(s, NULL, &ds->n_types)) return bad(r, from, "bad packed types");
            continue;
        }
        if (!(p = spb__skip(tag, p, end))) return bad(r, from, "bad field in a data set");
        ds->n_columns += tag == L(2);
        ds->n_types += tag == V(3);
        ds->n_rows += tag == L(4);
    }
    uint32_t most = r->limits->dataset_cells;
    if (ds->n_columns > most || ds->n_types > most || ds->n_rows > most)
        return too_many(r, begin(msg), "a data set with more cells than allowed");
    return PT_OK;
}

static pt_status read_dataset(reader *r, pt_slice msg, spb_dataset *out)
{
    const spb__byte *p = begin(msg), *end = finish(msg), *from;
    spb_dataset ds = { 0 };
    uint32_t columns = 0, types = 0, rows = 0, cells = 0;
    uint64_t tag, v;
    pt_slice s;
    pt_status st = count_dataset(r, msg, &ds);
    if (st) return st;
    ds.columns = pt_arena_array(r->arena, ds.n_columns, sizeof *ds.columns);
    ds.types = pt_arena_array(r->arena, ds.n_types, sizeof *ds.types);
    ds.rows = pt_arena_array(r->arena, ds.n_rows, sizeof *ds.rows);
    ds.row_cells = pt_arena_array(r->arena, ds.n_rows, sizeof *ds.row_cells);
    if (!ds.columns || !ds.types || !ds.rows || !ds.row_cells) return no_memory(r);
    while (p < end) {
        from = p;
        if (!(p = spb__tag(p, end, &tag))) return bad(r, from, "bad tag in a data set");
        switch (tag) {
        case V(1):
            if (!(p = spb__varint(p, end, &ds.num_of_columns))) return bad(r, from, "bad varint");
            ds.has_num_of_columns = true;
            break;
        case L(2):
            if (!(p = spb__len(p, end, &ds.columns[columns++]))) return bad(r, from, "bad length");
            break;
        case V(3):
            if (!(p = spb__varint(p, end, &v))) return bad(r, from, "bad varint");
            ds.types[types++] = (uint32_t)v;
            break;
        case L(3):
            if (!(p = spb__len(p, end, &s)) || !packed_types(s, ds.types, &types)) return bad(r, from, "bad packed types");
            break;
        case L(4): {
            uint32_t n;
            if (!(p = spb__len(p, end, &s)) || !count_fields(s, L(1), &n)) return bad(r, from, "bad row");
            if (n > r->limits->dataset_cells - cells) return too_many(r, from, "a data set with more cells than allowed");
            cells += n;
            ds.row_cells[rows] = n;
            if (!(ds.rows[rows] = pt_arena_array(r->arena, n, sizeof(spb_cell)))) return no_memory(r);
            if ((st = read_row(r, s, n, ds.rows[rows])) != PT_OK) return st;
            rows++;
            break;
        }
        default:
            if (!(p = other_field(tag, 4, p, end))) return bad(r, from, "bad field in a data set");
        }
    }
    *out = ds;
    return PT_OK;
}

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
        if ((st = read_dataset(r, s, ds)) != PT_OK) return st;
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
            if (!(p = spb__varint(p, end, &v))) return bad(r, from, "bad varint");
            flags = (flags & ~(unsigned)SPB_IS_HISTORICAL) | SPB_HAS_HISTORICAL | (v ? SPB_IS_HISTORICAL : 0);
            break;
        case V(6):
            if (!(p = spb__varint(p, end, &v))) return bad(r, from, "bad varint");
            flags = (flags & ~(unsigned)SPB_IS_TRANSIENT) | SPB_HAS_TRANSIENT | (v ? SPB_IS_TRANSIENT : 0);
            break;
        case V(7):
            if (!(p = spb__varint(p, end, &v))) return bad(r, from, "bad varint");
            flags = (flags & ~(unsigned)SPB_IS_NULL) | SPB_HAS_NULL | (v ? SPB_IS_NULL : 0);
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
    if ((flags & SPB_HAS_NAME) && !is_utf8(m->name)) flags |= SPB_BAD_UTF8;
    if (m->wire == SPB_WIRE_STRING && !is_utf8(m->value.bytes)) flags |= SPB_BAD_UTF8;
    m->flags = (uint16_t)flags;
    return PT_OK;
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
            if ((st = read_cell_field(r, field - 3, tag, &p, end, &out->cell)) != PT_OK) return st;
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
