/* tests/historian/text_support.c */
#include "tests/historian/text_support.h"

bool gather(void *ctx, pt_slice bytes)
{
    return pt_buf_slice(ctx, bytes) == PT_OK;
}

void export_all(hist *h, hist_format format, pt_buf *to)
{
    hist_export_options o = { .format = format, .from_ms = INT64_MIN, .to_ms = INT64_MAX, .write = gather, .ctx = to };
    uint64_t n = 0;
    pt_error err = { 0 };
    pt_buf_reset(to);
    CHECK_OK(hist_export(h, &o, &n, &err));
    CHECK_INT(n, 12 * 200);
}

ptrdiff_t read_some(void *ctx, char *to, size_t cap)
{
    source *s = ctx;
    size_t n = s->text.len - s->at < 997 ? s->text.len - s->at : 997; /* records fall across readings */
    if (s->fail_at && s->at >= s->fail_at) return -1;
    if (n > cap) n = cap;
    memcpy(to, s->text.ptr + s->at, n);
    s->at += n;
    return (ptrdiff_t)n;
}

pt_status import_text(hist *h, hist_format format, const char *records, bool skip_faults, hist_import_report *r, pt_error *err)
{
    source in = { .text = pt_cstr(records) };
    hist_import_options o = { .format = format, .skip_faults = skip_faults, .read = read_some, .ctx = &in };
    return hist_import(h, &o, r, err);
}
