/* edge-node/convert.h -- from what a driver reads to what a tag means, and back for writes. Pure. */
#ifndef EDGE_CONVERT_H
#define EDGE_CONVERT_H
#include "sparkplug/value.h"

typedef struct edge_convert {
    uint8_t type;         /* the metric's */
    bool scaled;          /* value = raw * scale + offset */
    double scale, offset; /* scale is not 0 */
    bool clamped;         /* readings outside are set to the limit */
    double clamp_low, clamp_high;
    bool limited; /* writes outside are refused */
    double write_low, write_high;
} edge_convert;

/* A number as another type of number: integers keep all 64 bits, others are rounded half away from zero. PT_ETOOBIG: outside the type, or
 * NaN for an integer; PT_EMALFORMED: not a number. */
PT_MUST_CHECK pt_status edge_value_as(uint8_t type, const spb_value *v, spb_value *out);
/* A reading. PT_ETOOBIG: outside the metric's type; PT_EMALFORMED: text for a number or the other way round. Bytes are borrowed. */
PT_MUST_CHECK pt_status edge_convert_in(const edge_convert *c, const spb_value *raw, spb_value *out);
/* A value to write, of the metric's type: limits checked, then for scaled tags a Double in raw units. PT_EREFUSED: outside the limits. */
PT_MUST_CHECK pt_status edge_convert_out(const edge_convert *c, const spb_value *v, spb_value *raw, pt_error *err);
#endif
