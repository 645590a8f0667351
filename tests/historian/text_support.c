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

static bool same_sample(const hist_sample *x, const hist_sample *y)
{
    bool bytes = hist__family_of_type(x->type) == HIST__BYTES && hist__has_value(x);
    return x->time_ms == y->time_ms && x->type == y->type && x->quality == y->quality && x->flags == y->flags &&
           (bytes ? pt_slice_eq(pt_slice_of(x->as.ptr, x->len), pt_slice_of(y->as.ptr, y->len))
                  : !hist__has_value(x) || x->as.u64 == y->as.u64);
}

typedef struct both {
    hist *b;
    bool states;
    hist_tag tags[40];
    size_t n;
    pt_arena arena;
} both;

static bool note_tag(void *ctx, const hist_tag *t)
{
    both *o = ctx;
    CHECK_FATAL(o->n < PT_COUNT_OF(o->tags));
    o->tags[o->n] = *t;
    o->tags[o->n++].path = pt_arena_dup(&o->arena, t->path);
    return true;
}

void same_samples(hist *a, hist *b, bool states)
{
    both o = { .b = b };
    pt_arena_init(&o.arena, 1 << 20);
    CHECK_OK_FATAL(hist_tag_each(a, note_tag, &o));
    for (size_t i = 0; i < o.n; i++) {
        hist_tag t;
        hist_cursor *x = NULL, *y = NULL;
        hist_sample p, q;
        size_t got = 1, there = 1;
        bool same = hist_tag_by_path(b, o.tags[i].path, &o.arena, &t) == PT_OK;
        CHECK_ROW(o.tags[i].path.ptr, same);
        if (!same) continue;
        CHECK_OK_FATAL(hist_cursor_open(a, hist_of_tag(o.tags[i].tag_id), INT64_MIN, INT64_MAX, states, &x, NULL));
        CHECK_OK_FATAL(hist_cursor_open(b, hist_of_tag(t.tag_id), INT64_MIN, INT64_MAX, true, &y, NULL));
        while (same && got) {
            CHECK_OK_FATAL(hist_cursor_next(x, &p, 1, &got, NULL));
            CHECK_OK_FATAL(hist_cursor_next(y, &q, 1, &there, NULL));
            same = got == there && (!got || same_sample(&p, &q));
        }
        CHECK_ROW(o.tags[i].path.ptr, same);
        if (!same)
            printf("%lld %u %u %u, and %lld %u %u %u\n", (long long)p.time_ms, p.type, p.quality, p.flags, (long long)q.time_ms, q.type,
                   q.quality, q.flags);
        hist_cursor_close(x);
        hist_cursor_close(y);
    }
    pt_arena_fini(&o.arena);
}
