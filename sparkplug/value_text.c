/* sparkplug/value_text.c -- a value as JSON and as plain text. */
#include "sparkplug/value_internal.h"
#include "base/base64.h"
#include "base/utf8.h"

#include <inttypes.h>

static void array_json(pt_json *j, const spb_value *v)
{
    size_t at = 0;
    spb_value element;
    pt_json_array(j);
    while (spb_array_next(v->type, v->as.bytes, &at, &element))
        spb_value_json(j, &element);
    pt_json_end_array(j);
}

void spb_value_json(pt_json *j, const spb_value *v)
{
    if (v->is_null) {
        pt_json_null(j);
        return;
    }
    switch (spb_datatype_class(v->type)) {
    case SPB_CLASS_SIGNED: pt_json_i64(j, v->as.i64); break;
    case SPB_CLASS_UNSIGNED: pt_json_u64(j, v->as.u64); break;
    case SPB_CLASS_FLOAT: pt_json_f32(j, v->as.f32); break;
    case SPB_CLASS_DOUBLE: pt_json_f64(j, v->as.f64); break;
    case SPB_CLASS_BOOLEAN: pt_json_bool(j, v->as.boolean); break;
    case SPB_CLASS_STRING: pt_json_str(j, (pt_slice){ v->as.bytes.ptr ? v->as.bytes.ptr : "", v->as.bytes.len }); break;
    case SPB_CLASS_BYTES: pt_json_base64(j, v->as.bytes); break;
    case SPB_CLASS_DATASET:
    case SPB_CLASS_TEMPLATE:
        if (v->as.bytes.len) pt_json_raw(j, v->as.bytes);
        else pt_json_null(j);
        break;
    case SPB_CLASS_ARRAY: array_json(j, v); break;
    case SPB_CLASS_NONE: pt_json_null(j); break;
    }
}

/* Text as it is, invalid bytes replaced by U+FFFD. */
static void utf8_text(pt_buf *out, pt_slice s)
{
    size_t from = 0, i = 0;
    while (i < s.len) {
        size_t n = pt_utf8_next(s.ptr + i, s.len - i, NULL);
        if (n) {
            i += n;
            continue;
        }
        pt_buf_add(out, s.ptr + from, i - from);
        pt_buf_cstr(out, "\xEF\xBF\xBD");
        from = ++i;
    }
    if (s.len > from) pt_buf_add(out, s.ptr + from, s.len - from);
}

void spb_value_text(pt_buf *out, const spb_value *v)
{
    char number[32];
    pt_json j;
    if (v->is_null) return;
    switch (spb_datatype_class(v->type)) {
    case SPB_CLASS_SIGNED: pt_buf_printf(out, "%" PRId64, v->as.i64); break;
    case SPB_CLASS_UNSIGNED: pt_buf_printf(out, "%" PRIu64, v->as.u64); break;
    case SPB_CLASS_FLOAT: pt_buf_add(out, number, pt_f32_text(v->as.f32, number)); break;
    case SPB_CLASS_DOUBLE: pt_buf_add(out, number, pt_f64_text(v->as.f64, number)); break;
    case SPB_CLASS_BOOLEAN: pt_buf_cstr(out, v->as.boolean ? "true" : "false"); break;
    case SPB_CLASS_STRING: utf8_text(out, v->as.bytes); break;
    case SPB_CLASS_BYTES: pt_base64_add(out, v->as.bytes); break;
    case SPB_CLASS_DATASET:
    case SPB_CLASS_TEMPLATE: pt_buf_slice(out, v->as.bytes); break;
    case SPB_CLASS_ARRAY:
        pt_json_init(&j, out);
        array_json(&j, v);
        break;
    case SPB_CLASS_NONE: break;
    }
}
