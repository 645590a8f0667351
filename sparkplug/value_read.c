/* sparkplug/value_read.c -- from the wire field to the typed value, and back.
 *
 * Reading is liberal, because producers differ (the spec says UInt32 in int_value, most write long_value; negative
 * small integers come sign-extended or masked). Writing is strict. */
#include "sparkplug/value_internal.h"

#include <float.h>
#include <math.h>

static pt_status mismatch(uint8_t wire, uint32_t type, pt_error *err)
{
    static const char *const fields[] = { "no value",          "int_value",          "long_value",     "float_value",   "double_value",
                                          "boolean_value",     "string_value",       "bytes_value",    "dataset_value", "template_value",
                                          "propertyset_value", "propertysets_value", "extension_value" };
    return pt_fail(err, PT_EMALFORMED, "%s in %s", spb_datatype_name(type), wire < PT_COUNT_OF(fields) ? fields[wire] : "an unknown field");
}

/* Int8..Int32: the low bits, read as signed. Not clamped when the rest is their sign extension, to 32 or 64 bits, or
 * zero. */
static void read_signed(uint64_t raw, unsigned bits, spb_value *out)
{
    uint64_t mask = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
    int64_t v = spb__sign_extend(raw, bits);
    out->as.i64 = v;
    out->clamped = raw != (raw & mask) && raw != (uint64_t)v && raw != (uint32_t)(int32_t)v;
}

static void read_unsigned(uint64_t raw, unsigned bits, spb_value *out)
{
    uint64_t mask = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
    out->as.u64 = raw & mask;
    out->clamped = raw > mask;
}

static float narrow(double d)
{
    if (d > (double)FLT_MAX && d < (double)FLT_MAX * (1.0 + 0x1p-25)) return FLT_MAX; /* rounds down, not to infinity */
    if (d < -(double)FLT_MAX && d > -(double)FLT_MAX * (1.0 + 0x1p-25)) return -FLT_MAX;
    if (d > (double)FLT_MAX) return INFINITY;
    if (d < -(double)FLT_MAX) return -INFINITY;
    return (float)d;
}

pt_status spb__read_wire(uint8_t wire, const spb_wire_value *w, uint32_t type, spb_value *out, pt_error *err)
{
    spb_value v = { .type = (uint8_t)type };
    spb_class class = spb_datatype_class(type);
    if (class == SPB_CLASS_NONE) return pt_fail(err, PT_EMALFORMED, "%u is not a datatype of a value", (unsigned)type);
    if (wire == SPB_WIRE_NONE) {
        v.is_null = true;
        *out = v;
        return PT_OK;
    }
    switch (class) {
    case SPB_CLASS_SIGNED:
    case SPB_CLASS_UNSIGNED: {
        if (wire != SPB_WIRE_INT && wire != SPB_WIRE_LONG) return mismatch(wire, type, err);
        uint64_t raw = wire == SPB_WIRE_INT ? w->u32 : w->u64;
        if (class == SPB_CLASS_SIGNED) read_signed(raw, spb_datatype_bits(type), &v);
        else read_unsigned(raw, spb_datatype_bits(type), &v);
        break;
    }
    case SPB_CLASS_FLOAT:
        if (wire == SPB_WIRE_FLOAT) v.as.f32 = w->f32;
        else if (wire == SPB_WIRE_DOUBLE) v.as.f32 = narrow(w->f64);
        else return mismatch(wire, type, err);
        break;
    case SPB_CLASS_DOUBLE:
        if (wire == SPB_WIRE_DOUBLE) v.as.f64 = w->f64;
        else if (wire == SPB_WIRE_FLOAT) v.as.f64 = (double)w->f32;
        else return mismatch(wire, type, err);
        break;
    case SPB_CLASS_BOOLEAN:
        if (wire != SPB_WIRE_BOOL) return mismatch(wire, type, err);
        v.as.boolean = w->boolean;
        break;
    case SPB_CLASS_STRING:
        if (wire != SPB_WIRE_STRING) return mismatch(wire, type, err);
        v.as.bytes = w->bytes;
        break;
    case SPB_CLASS_BYTES:
    case SPB_CLASS_ARRAY: {
        if (wire != SPB_WIRE_BYTES) return mismatch(wire, type, err);
        uint32_t count;
        if (class == SPB_CLASS_ARRAY) {
            pt_status st = spb_array_count(type, w->bytes, &count, err);
            if (st) return st;
        }
        v.as.bytes = w->bytes;
        break;
    }
    default: return mismatch(wire, type, err);
    }
    *out = v;
    return PT_OK;
}

spb_datatype spb__type_of_wire(uint8_t wire)
{
    static const uint8_t types[] = {
        [SPB_WIRE_NONE] = SPB_INT32,      [SPB_WIRE_INT] = SPB_INT32,        [SPB_WIRE_LONG] = SPB_INT64,    [SPB_WIRE_FLOAT] = SPB_FLOAT,
        [SPB_WIRE_DOUBLE] = SPB_DOUBLE,   [SPB_WIRE_BOOL] = SPB_BOOLEAN,     [SPB_WIRE_STRING] = SPB_STRING, [SPB_WIRE_BYTES] = SPB_BYTES,
        [SPB_WIRE_DATASET] = SPB_DATASET, [SPB_WIRE_TEMPLATE] = SPB_TEMPLATE
    };
    return wire < PT_COUNT_OF(types) ? (spb_datatype)types[wire] : SPB_UNKNOWN;
}

/* A document in the arena; built in a buffer bounded by what the arena may still give. */
static pt_status read_document(const spb_metric *m, uint32_t type, pt_arena *arena, spb_value *out, pt_error *err)
{
    uint8_t want = type == SPB_DATASET ? SPB_WIRE_DATASET : SPB_WIRE_TEMPLATE;
    if (m->wire != want) return mismatch(m->wire, type, err);
    pt_buf text;
    pt_buf_init(&text, arena->limit - arena->used);
    pt_status st = type == SPB_DATASET ? spb_document_dataset(m->value.dataset, &text) : spb_document_template(m->value.tmpl, &text);
    if (st == PT_OK) {
        pt_slice doc = pt_arena_dup(arena, pt_buf_view(&text));
        if (doc.ptr) *out = (spb_value){ .type = (uint8_t)type, .as.bytes = doc };
        else st = PT_ENOMEM;
    } else if (st == PT_ETOOBIG) {
        st = PT_ENOMEM;
    }
    pt_buf_fini(&text);
    return st ? pt_fail(err, st, "%s cannot be made a document: %s", spb_datatype_name(type), pt_status_name(st)) : PT_OK;
}

pt_status spb_metric_value(const spb_metric *m, uint32_t type, pt_arena *arena, spb_value *out, pt_error *err)
{
    if (m->flags & SPB_IS_NULL) return spb__read_wire(SPB_WIRE_NONE, &m->value, type, out, err);
    if (m->wire != SPB_WIRE_NONE && (type == SPB_DATASET || type == SPB_TEMPLATE)) return read_document(m, type, arena, out, err);
    return spb__read_wire(m->wire, &m->value, type, out, err);
}

pt_status spb_property_value(const spb_property *p, uint32_t type, spb_value *out, pt_error *err)
{
    if (p->has_type) type = p->type;
    if (type == SPB_UNKNOWN && !p->has_type) type = spb__type_of_wire(p->wire);
    if (type == SPB_PROPERTYSET || type == SPB_PROPERTYSETLIST) return pt_fail(err, PT_EUNSUPPORTED, "a property set is not one value");
    if (!spb_datatype_is_basic(type)) /* tck-id-payloads-metric-propertyvalue-type-value */
        return pt_fail(err, PT_EMALFORMED, "%u is not a datatype of a property", (unsigned)type);
    return spb__read_wire(p->is_null ? SPB_WIRE_NONE : p->wire, &p->value, type, out, err);
}

pt_status spb_metric_set_value(spb_metric *m, const spb_value *v, bool uint32_long)
{
    spb_wire_value w = { 0 };
    uint8_t wire = SPB_WIRE_NONE;
    if (v->is_null) {
        m->flags |= SPB_HAS_NULL | SPB_IS_NULL;
        m->wire = SPB_WIRE_NONE;
        m->value = w;
        return PT_OK;
    }
    switch (spb_datatype_class(v->type)) {
    case SPB_CLASS_SIGNED:
        wire = v->type == SPB_INT64 ? SPB_WIRE_LONG : SPB_WIRE_INT;
        if (wire == SPB_WIRE_INT) w.u32 = (uint32_t)(uint64_t)v->as.i64; /* two's complement, sign-extended to 32 bits */
        else w.u64 = (uint64_t)v->as.i64;
        break;
    case SPB_CLASS_UNSIGNED:
        wire = v->type == SPB_UINT64 || v->type == SPB_DATETIME || (v->type == SPB_UINT32 && uint32_long) ? SPB_WIRE_LONG : SPB_WIRE_INT;
        if (wire == SPB_WIRE_INT) w.u32 = (uint32_t)v->as.u64;
        else w.u64 = v->as.u64;
        break;
    case SPB_CLASS_FLOAT:
        wire = SPB_WIRE_FLOAT;
        w.f32 = v->as.f32;
        break;
    case SPB_CLASS_DOUBLE:
        wire = SPB_WIRE_DOUBLE;
        w.f64 = v->as.f64;
        break;
    case SPB_CLASS_BOOLEAN:
        wire = SPB_WIRE_BOOL;
        w.boolean = v->as.boolean;
        break;
    case SPB_CLASS_STRING:
        wire = SPB_WIRE_STRING;
        w.bytes = v->as.bytes;
        break;
    case SPB_CLASS_BYTES:
    case SPB_CLASS_ARRAY:
        wire = SPB_WIRE_BYTES;
        w.bytes = v->as.bytes;
        break;
    case SPB_CLASS_DATASET:
    case SPB_CLASS_TEMPLATE: return PT_EUNSUPPORTED;
    case SPB_CLASS_NONE: return PT_EINVAL;
    }
    m->flags &= (uint16_t) ~(SPB_HAS_NULL | SPB_IS_NULL);
    m->wire = wire;
    m->value = w;
    return PT_OK;
}
