/* historian/format/sample.c -- between the historian's compact sample and the value everybody else uses. */
#include "historian/format/format.h"

void hist_sample_from_value(hist_sample *s, uint32_t tag_id, int64_t time_ms, const spb_value *v, spb_quality q)
{
    *s = (hist_sample){ .time_ms = time_ms, .tag_id = tag_id, .type = v->type, .quality = (uint8_t)q };
    if (v->is_null) {
        s->flags = HIST_NULL;
        return;
    }
    switch (hist__family_of_type(v->type)) {
    case HIST__BYTES:
        s->as.ptr = v->as.bytes.ptr ? v->as.bytes.ptr : "";
        s->len = v->as.bytes.len > UINT32_MAX ? UINT32_MAX : (uint32_t)v->as.bytes.len; /* too long either way: hist_append refuses it */
        break;
    case HIST__F32: s->as.f32 = v->as.f32; break;
    case HIST__F64: s->as.f64 = v->as.f64; break;
    case HIST__INT:
        if (v->type == SPB_BOOLEAN) s->as.u64 = v->as.boolean ? 1 : 0;
        else s->as.u64 = v->as.u64;
        break;
    default: s->flags = HIST_NULL; break; /* a type that has no values */
    }
}

void hist_sample_value(const hist_sample *s, spb_value *out)
{
    *out = (spb_value){ .type = s->type, .is_null = !hist__has_value(s) };
    if (out->is_null) return;
    switch (hist__family_of_type(s->type)) {
    case HIST__BYTES: out->as.bytes = pt_slice_of(s->as.ptr, s->len); break;
    case HIST__F32: out->as.f32 = s->as.f32; break;
    case HIST__F64: out->as.f64 = s->as.f64; break;
    case HIST__INT:
        if (s->type == SPB_BOOLEAN) out->as.boolean = s->as.u64 != 0;
        else out->as.u64 = s->as.u64;
        break;
    default: out->is_null = true; break;
    }
}
