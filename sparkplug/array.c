/* sparkplug/array.c -- packed arrays of Sparkplug 3.0 chapter 6.4.16, all little-endian and back to back:
 *
 *     numbers    element element ...
 *     Boolean    count (uint32), then ceil(count / 8) bytes, the first boolean in bit 7
 *     String     bytes 00 bytes 00 ...        (the last 00 may be missing when read) */
#include "sparkplug/value_internal.h"

/* Bytes of one numeric element; 0 for Boolean and String. */
static size_t width_of(uint32_t type)
{
    switch (spb_datatype_element(type)) {
    case SPB_FLOAT: return 4;
    case SPB_DOUBLE: return 8;
    default: return spb_datatype_bits(spb_datatype_element(type)) / 8;
    }
}

pt_status spb_array_count(uint32_t type, pt_slice bytes, uint32_t *count, pt_error *err)
{
    uint64_t n = 0;
    if (spb_datatype_class(type) != SPB_CLASS_ARRAY) return pt_fail(err, PT_EINVAL, "%u is not an array datatype", (unsigned)type);
    size_t width = width_of(type);
    if (width) {
        if (bytes.len % width)
            return pt_fail(err, PT_EMALFORMED, "%s of %zu bytes: not a multiple of %zu", spb_datatype_name(type), bytes.len, width);
        n = bytes.len / width;
    } else if (type == SPB_BOOLEAN_ARRAY) {
        if (bytes.len < 4) return pt_fail(err, PT_EMALFORMED, "BooleanArray of %zu bytes has no count", bytes.len);
        n = spb__le(bytes.ptr, 4);
        if (bytes.len != 4 + (n + 7) / 8)
            return pt_fail(err, PT_EMALFORMED, "BooleanArray of %zu bytes cannot hold exactly %llu", bytes.len, (unsigned long long)n);
    } else {
        for (size_t i = 0; i < bytes.len; i++)
            n += bytes.ptr[i] == '\0';
        n += bytes.len && bytes.ptr[bytes.len - 1] != '\0';
    }
    if (n > UINT32_MAX) return pt_fail(err, PT_ETOOBIG, "more than 2^32 elements");
    *count = (uint32_t)n;
    return PT_OK;
}

bool spb_array_next(uint32_t type, pt_slice bytes, size_t *at, spb_value *element)
{
    spb_datatype inner = spb_datatype_element(type);
    spb_value v = { .type = (uint8_t)inner };
    size_t width = width_of(type);
    if (inner == SPB_UNKNOWN) return false;
    if (width) {
        if (*at > bytes.len || bytes.len - *at < width) return false;
        uint64_t raw = spb__le(bytes.ptr + *at, width);
        *at += width;
        switch (spb_datatype_class(inner)) {
        case SPB_CLASS_SIGNED: v.as.i64 = spb__sign_extend(raw, (unsigned)width * 8); break;
        case SPB_CLASS_FLOAT: v.as.f32 = spb__f32((uint32_t)raw); break;
        case SPB_CLASS_DOUBLE: v.as.f64 = spb__f64(raw); break;
        default: v.as.u64 = raw; break;
        }
    } else if (inner == SPB_BOOLEAN) {
        if (bytes.len < 4 || *at >= spb__le(bytes.ptr, 4) || 4 + *at / 8 >= bytes.len) return false;
        v.as.boolean = (unsigned char)bytes.ptr[4 + *at / 8] >> (7 - *at % 8) & 1;
        *at += 1;
    } else {
        if (*at >= bytes.len) return false;
        pt_slice rest = pt_slice_from(bytes, *at);
        v.as.bytes = pt_slice_of(rest.ptr, pt_slice_find(rest, '\0'));
        *at += v.as.bytes.len + 1;
    }
    *element = v;
    return true;
}

static pt_status encode_booleans(const spb_value *elements, uint32_t n, pt_buf *out)
{
    unsigned char count[4] = { (unsigned char)n, (unsigned char)(n >> 8), (unsigned char)(n >> 16), (unsigned char)(n >> 24) };
    pt_buf_add(out, count, 4);
    for (uint32_t i = 0; i < n; i += 8) {
        unsigned byte = 0;
        for (uint32_t k = i; k < n && k < i + 8; k++)
            byte |= (elements[k].as.boolean ? 0x80u : 0u) >> (k - i);
        pt_buf_char(out, (char)byte);
    }
    return pt_buf_status(out);
}

static uint64_t number_bits(const spb_value *v)
{
    switch (spb_datatype_class(v->type)) {
    case SPB_CLASS_SIGNED: return (uint64_t)v->as.i64;
    case SPB_CLASS_FLOAT: return spb__bits32(v->as.f32);
    case SPB_CLASS_DOUBLE: return spb__bits64(v->as.f64);
    default: return v->as.u64;
    }
}

pt_status spb_array_encode(uint32_t type, const spb_value *elements, uint32_t n, pt_buf *out)
{
    spb_datatype inner = spb_datatype_element(type);
    size_t width = width_of(type);
    if (inner == SPB_UNKNOWN) return PT_EINVAL;
    for (uint32_t i = 0; i < n; i++) {
        if (elements[i].type != inner || elements[i].is_null) return PT_EINVAL;
        pt_slice s = elements[i].as.bytes;
        if (inner == SPB_STRING && pt_slice_find(s, '\0') != s.len) return PT_EINVAL;
    }
    if (inner == SPB_BOOLEAN) return encode_booleans(elements, n, out);
    for (uint32_t i = 0; i < n; i++) {
        if (inner == SPB_STRING) {
            pt_buf_slice(out, elements[i].as.bytes);
            pt_buf_char(out, '\0');
            continue;
        }
        uint64_t raw = number_bits(&elements[i]);
        char le[8];
        for (size_t k = 0; k < width; k++)
            le[k] = (char)(raw >> (8 * k));
        pt_buf_add(out, le, width);
    }
    return pt_buf_status(out);
}
