/* sparkplug/value_parse.c -- an operator's text as a value of exactly one type. Nothing is rounded away silently:
 * an integer must fit, a float's text may only lose digits a float cannot hold. */
#include "sparkplug/value_internal.h"
#include "base/timestamp.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>

static bool is_integer(pt_slice s)
{
    size_t i = s.len && s.ptr[0] == '-' ? 1 : 0;
    if (i == s.len) return false;
    for (; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') return false;
    }
    return true;
}

static pt_status not_a(uint32_t type, pt_slice text, pt_error *err)
{
    pt_slice shown = { text.ptr, text.len > 64 ? 64 : text.len };
    return pt_fail(err, PT_EMALFORMED, "'%.*s' is not a %s", PT_SLICE_ARGS(shown), spb_datatype_name(type));
}

static pt_status out_of_range(uint32_t type, pt_slice text, pt_error *err)
{
    pt_slice shown = { text.ptr, text.len > 64 ? 64 : text.len };
    return pt_fail(err, PT_ETOOBIG, "%.*s does not fit a %s", PT_SLICE_ARGS(shown), spb_datatype_name(type));
}

static pt_status parse_signed(uint32_t type, pt_slice text, spb_value *v, pt_error *err)
{
    unsigned bits = spb_datatype_bits(type);
    if (!is_integer(text)) return not_a(type, text, err);
    if (!pt_slice_to_i64(text, &v->as.i64) || v->as.i64 != spb__sign_extend((uint64_t)v->as.i64, bits))
        return out_of_range(type, text, err);
    return PT_OK;
}

static pt_status parse_unsigned(uint32_t type, pt_slice text, spb_value *v, pt_error *err)
{
    unsigned bits = spb_datatype_bits(type);
    int64_t ms;
    if (type == SPB_DATETIME && !is_integer(text) && text.len && text.ptr[0] >= '0' && text.ptr[0] <= '9') {
        pt_status st = pt_time_parse(text, 0, &ms, err);
        if (st) return st;
        if (ms < 0) return out_of_range(type, text, err);
        v->as.u64 = (uint64_t)ms;
        return PT_OK;
    }
    if (!is_integer(text)) return not_a(type, text, err);
    if (!pt_slice_to_u64(text, &v->as.u64) || (bits < 64 && v->as.u64 >> bits)) return out_of_range(type, text, err);
    return PT_OK;
}

/* strtod's grammar (C locale: no program of ours sets another) without hexadecimal, nan(...), leading blanks and
 * trailing text. */
static bool is_decimal(pt_slice text, char copy[64])
{
    char *end;
    if (text.len == 0 || text.len >= 64) return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == 'x' || c == 'X' || c == '(' || c <= ' ') return false;
        copy[i] = c;
    }
    copy[text.len] = '\0';
    (void)strtod(copy, &end);
    return end == copy + text.len;
}

static pt_status parse_float(uint32_t type, pt_slice text, spb_value *v, pt_error *err)
{
    char copy[64];
    if (!is_decimal(text, copy)) return not_a(type, text, err);
    const char *digits = copy + (copy[0] == '-' || copy[0] == '+');
    bool said = *digits == 'i' || *digits == 'I'; /* infinity in words */
    if (type == SPB_FLOAT) v->as.f32 = strtof(copy, NULL);
    else v->as.f64 = strtod(copy, NULL);
    bool infinite = type == SPB_FLOAT ? isinf(v->as.f32) : isinf(v->as.f64);
    return infinite && !said ? out_of_range(type, text, err) : PT_OK;
}

static bool is_uuid(pt_slice s)
{
    if (s.len != 36) return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (dash ? c != '-' : !hex) return false;
    }
    return true;
}

pt_status spb_value_parse(uint32_t type, pt_slice text, spb_value *out, pt_error *err)
{
    spb_value v = { .type = (uint8_t)type };
    pt_status st = PT_OK;
    switch (spb_datatype_class(type)) {
    case SPB_CLASS_SIGNED: st = parse_signed(type, text, &v, err); break;
    case SPB_CLASS_UNSIGNED: st = parse_unsigned(type, text, &v, err); break;
    case SPB_CLASS_FLOAT:
    case SPB_CLASS_DOUBLE: st = parse_float(type, text, &v, err); break;
    case SPB_CLASS_BOOLEAN:
        v.as.boolean = pt_slice_eq_cstr(text, "true") || pt_slice_eq_cstr(text, "1");
        if (!v.as.boolean && !pt_slice_eq_cstr(text, "false") && !pt_slice_eq_cstr(text, "0")) st = not_a(type, text, err);
        break;
    case SPB_CLASS_STRING:
        if (!pt_utf8_valid(text)) return pt_fail(err, PT_EMALFORMED, "not valid UTF-8");
        if (type == SPB_UUID && !is_uuid(text)) return not_a(type, text, err);
        v.as.bytes = (pt_slice){ text.ptr ? text.ptr : "", text.len };
        break;
    case SPB_CLASS_BYTES:
    case SPB_CLASS_DATASET:
    case SPB_CLASS_TEMPLATE:
    case SPB_CLASS_ARRAY: return pt_fail(err, PT_EUNSUPPORTED, "a %s cannot be given as text", spb_datatype_name(type));
    case SPB_CLASS_NONE: return pt_fail(err, PT_EMALFORMED, "%u is not a datatype of a value", (unsigned)type);
    }
    if (st) return st;
    *out = v;
    return PT_OK;
}
