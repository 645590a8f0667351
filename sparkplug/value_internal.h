/* sparkplug/value_internal.h -- what the value_*.c and document.c files share. */
#ifndef SPB_VALUE_INTERNAL_H
#define SPB_VALUE_INTERNAL_H
#include "sparkplug/value.h"

/* Read a wire field as `type`, any but DATASET and TEMPLATE; wire NONE is null. */
PT_MUST_CHECK pt_status spb__read_wire(uint8_t wire, const spb_wire_value *w, uint32_t type, spb_value *out, pt_error *err);

/* The type to assume for a field that came without one: the field's own signed or plain type. */
spb_datatype spb__type_of_wire(uint8_t wire);

/* Little-endian numbers at any alignment. */
static inline uint64_t spb__le(const char *p, size_t bytes)
{
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++)
        v |= (uint64_t)(unsigned char)p[i] << (8 * i);
    return v;
}
static inline float spb__f32(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}
static inline double spb__f64(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}
static inline uint32_t spb__bits32(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}
static inline uint64_t spb__bits64(double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}
/* The low `bits` of v as a signed number. */
static inline int64_t spb__sign_extend(uint64_t v, unsigned bits)
{
    uint64_t top = (uint64_t)1 << (bits - 1);
    uint64_t mask = top | (top - 1);
    v &= mask;
    return (int64_t)((v ^ top) - top);
}
#endif
