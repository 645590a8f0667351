/* host/http/json.c */
#include "host/http/json.h"

#include <stdio.h>

static void array(pt_json *j, const spb_value *v)
{
    size_t at = 0;
    spb_value element;
    pt_json_array(j);
    while (spb_array_next(v->type, v->as.bytes, &at, &element))
        host__json_value(j, &element, true);
    pt_json_end_array(j);
}

void host__json_value(pt_json *j, const spb_value *v, bool int64_string)
{
    char text[32];
    if (int64_string && !v->is_null) {
        spb_class c = spb_datatype_class(v->type);
        if (c == SPB_CLASS_ARRAY) {
            array(j, v);
            return;
        }
        if (c == SPB_CLASS_SIGNED && (v->as.i64 > (1ll << 53) || v->as.i64 < -(1ll << 53))) {
            int n = snprintf(text, sizeof text, "%lld", (long long)v->as.i64);
            pt_json_str(j, pt_slice_of(text, (size_t)n));
            return;
        }
        if (c == SPB_CLASS_UNSIGNED && v->as.u64 > 1ull << 53) {
            int n = snprintf(text, sizeof text, "%llu", (unsigned long long)v->as.u64);
            pt_json_str(j, pt_slice_of(text, (size_t)n));
            return;
        }
    }
    spb_value_json(j, v);
}
