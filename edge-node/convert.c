/* edge-node/convert.c -- see convert.h. */
#include "edge-node/convert.h"

#include <math.h>

/* A number as `type`; integers are rounded half away from zero. */
static pt_status number_as(uint8_t type, double n, spb_value *out)
{
    spb_value v = { .type = type };
    unsigned bits = spb_datatype_bits(type);
    switch (spb_datatype_class(type)) {
    case SPB_CLASS_SIGNED: {
        double top = ldexp(1, (int)bits - 1), whole = round(n);
        if (!(whole >= -top && whole < top)) return PT_ETOOBIG; /* NaN too */
        v.as.i64 = (int64_t)whole;
        break;
    }
    case SPB_CLASS_UNSIGNED: {
        double top = ldexp(1, (int)bits), whole = round(n);
        if (!(whole >= 0 && whole < top)) return PT_ETOOBIG;
        v.as.u64 = (uint64_t)whole;
        break;
    }
    case SPB_CLASS_FLOAT: v.as.f32 = (float)n; break;
    case SPB_CLASS_DOUBLE: v.as.f64 = n; break;
    case SPB_CLASS_BOOLEAN: v.as.boolean = n != 0; break;
    default: return PT_EMALFORMED;
    }
    *out = v;
    return PT_OK;
}

/* Integer to integer keeps all 64 bits. */
static bool integer_as(uint8_t type, const spb_value *raw, spb_value *out, pt_status *st)
{
    spb_class from = spb_datatype_class(raw->type), to = spb_datatype_class(type);
    bool ints = (from == SPB_CLASS_SIGNED || from == SPB_CLASS_UNSIGNED) && (to == SPB_CLASS_SIGNED || to == SPB_CLASS_UNSIGNED);
    if (!ints) return false;
    unsigned bits = spb_datatype_bits(type);
    *st = PT_ETOOBIG;
    if (from == SPB_CLASS_SIGNED && raw->as.i64 < 0) {
        if (to == SPB_CLASS_UNSIGNED || (bits < 64 && raw->as.i64 < -((int64_t)1 << (bits - 1)))) return true;
    } else {
        unsigned room = to == SPB_CLASS_SIGNED ? bits - 1 : bits;
        if (room < 64 && raw->as.u64 >> room) return true;
    }
    *out = (spb_value){ .type = type, .as = { .u64 = raw->as.u64 } };
    *st = PT_OK;
    return true;
}

pt_status edge_value_as(uint8_t type, const spb_value *v, spb_value *out)
{
    pt_status st;
    double n;
    if (integer_as(type, v, out, &st)) return st;
    return spb_value_number(v, &n) ? number_as(type, n, out) : PT_EMALFORMED;
}

pt_status edge_convert_in(const edge_convert *c, const spb_value *raw, spb_value *out)
{
    double n;
    if (spb_datatype_class(c->type) == SPB_CLASS_STRING) {
        if (spb_datatype_class(raw->type) != SPB_CLASS_STRING) return PT_EMALFORMED;
        *out = *raw;
        out->type = c->type;
        return PT_OK;
    }
    if (!c->scaled && !c->clamped && raw->type == c->type) {
        *out = *raw;
        return PT_OK;
    }
    if (!c->scaled && !c->clamped) return edge_value_as(c->type, raw, out);
    if (!spb_value_number(raw, &n)) return PT_EMALFORMED;
    if (c->scaled) n = n * c->scale + c->offset;
    if (c->clamped) {
        if (n < c->clamp_low) n = c->clamp_low;
        if (n > c->clamp_high) n = c->clamp_high;
    }
    return number_as(c->type, n, out);
}

pt_status edge_convert_out(const edge_convert *c, const spb_value *v, spb_value *raw, pt_error *err)
{
    double n = 0;
    bool number = spb_value_number(v, &n);
    if (c->limited && number && !(n >= c->write_low && n <= c->write_high))
        return pt_fail(err, PT_EREFUSED, "%g is outside the limits %g to %g", n, c->write_low, c->write_high);
    if (!c->scaled || !number) {
        *raw = *v;
        return PT_OK;
    }
    *raw = (spb_value){ .type = SPB_DOUBLE, .as = { .f64 = (n - c->offset) / c->scale } };
    return PT_OK;
}
