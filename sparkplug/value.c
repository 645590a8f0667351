/* sparkplug/value.c -- what is asked of a value whatever it is: quality, equality, its number. */
#include "sparkplug/value_internal.h"

static const char *const quality_names[] = { "GOOD", "UNCERTAIN", "BAD", "STALE" };

const char *spb_quality_name(spb_quality q)
{
    return (unsigned)q < PT_COUNT_OF(quality_names) ? quality_names[q] : "BAD";
}

char spb_quality_letter(spb_quality q)
{
    return spb_quality_name(q)[0];
}

spb_quality spb_metric_quality(const spb_metric *m)
{
    if (!m->properties) return SPB_GOOD;
    const spb_property *p = spb_property_find(m->properties, PT_LIT("Quality"));
    if (!p) return SPB_GOOD;
    if (p->is_null || (p->wire != SPB_WIRE_INT && p->wire != SPB_WIRE_LONG)) return SPB_BAD;
    uint64_t code = p->wire == SPB_WIRE_INT ? p->value.u32 : p->value.u64;
    return code == 192 ? SPB_GOOD : code == 500 ? SPB_STALE : SPB_BAD;
}

bool spb_value_equal(const spb_value *a, const spb_value *b)
{
    if (a->type != b->type || a->is_null != b->is_null) return false;
    if (a->is_null) return true;
    switch (spb_datatype_class(a->type)) {
    case SPB_CLASS_SIGNED: return a->as.i64 == b->as.i64;
    case SPB_CLASS_UNSIGNED: return a->as.u64 == b->as.u64;
    case SPB_CLASS_FLOAT: return spb__bits32(a->as.f32) == spb__bits32(b->as.f32);
    case SPB_CLASS_DOUBLE: return spb__bits64(a->as.f64) == spb__bits64(b->as.f64);
    case SPB_CLASS_BOOLEAN: return a->as.boolean == b->as.boolean;
    case SPB_CLASS_STRING:
    case SPB_CLASS_BYTES:
    case SPB_CLASS_DATASET:
    case SPB_CLASS_TEMPLATE:
    case SPB_CLASS_ARRAY: return pt_slice_eq(a->as.bytes, b->as.bytes);
    case SPB_CLASS_NONE: break;
    }
    return false;
}

bool spb_value_number(const spb_value *v, double *out)
{
    if (v->is_null) return false;
    switch (spb_datatype_class(v->type)) {
    case SPB_CLASS_SIGNED: *out = (double)v->as.i64; return true;
    case SPB_CLASS_UNSIGNED: *out = (double)v->as.u64; return true;
    case SPB_CLASS_FLOAT: *out = (double)v->as.f32; return true;
    case SPB_CLASS_DOUBLE: *out = v->as.f64; return true;
    case SPB_CLASS_BOOLEAN: *out = v->as.boolean ? 1.0 : 0.0; return true;
    default: return false;
    }
}
