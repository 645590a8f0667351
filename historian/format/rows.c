/* historian/format/rows.c -- a growing run of samples with the bytes they point to. */
#include "historian/format/format.h"

#include "base/assert.h"

#include <stdlib.h>

void hist__rows_init(hist__rows *r)
{
    *r = (hist__rows){ 0 };
    pt_arena_init(&r->bytes, SIZE_MAX / 2);
}

void hist__rows_fini(hist__rows *r)
{
    free(r->s);
    pt_arena_fini(&r->bytes);
    r->s = NULL;
    r->n = r->cap = 0;
}

void hist__rows_reset(hist__rows *r)
{
    r->n = 0;
    r->deviation = 0;
    pt_arena_reset(&r->bytes);
}

pt_status hist__rows_reserve(hist__rows *r, size_t more)
{
    if (more <= r->cap - r->n) return PT_OK;
    size_t cap = r->cap ? r->cap : 256;
    while (cap < r->n + more)
        cap *= 2;
    hist_sample *s = realloc(r->s, cap * sizeof *s);
    if (!s) return PT_ENOMEM;
    r->s = s;
    r->cap = cap;
    return PT_OK;
}

pt_status hist__rows_add(hist__rows *r, const hist_sample *s, size_t n)
{
    pt_status st = hist__rows_reserve(r, n);
    if (st != PT_OK) return st;
    for (size_t i = 0; i < n; i++) {
        hist_sample *to = &r->s[r->n + i];
        *to = s[i];
        if (!hist__has_value(to) || hist__family_of_type(to->type) != HIST__BYTES) continue;
        pt_slice copy = pt_arena_dup(&r->bytes, pt_slice_of(s[i].as.ptr, s[i].len));
        if (!copy.ptr) return PT_ENOMEM;
        to->as.ptr = copy.ptr;
    }
    r->n += n;
    return PT_OK;
}

static int key_cmp(const hist_sample *a, const hist_sample *b)
{
    return hist__key_cmp(a->time_ms, hist__is_state(a), b->time_ms, hist__is_state(b));
}

/* Stable bottom-up merge of s into order; `tmp` has room for n. */
static void merge_sort(hist_sample *s, hist_sample *tmp, size_t n)
{
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t lo = 0; lo < n; lo += 2 * width) {
            size_t mid = lo + width < n ? lo + width : n, hi = lo + 2 * width < n ? lo + 2 * width : n;
            size_t a = lo, b = mid, at = lo;
            while (a < mid && b < hi)
                tmp[at++] = key_cmp(&s[b], &s[a]) < 0 ? s[b++] : s[a++];
            while (a < mid)
                tmp[at++] = s[a++];
            while (b < hi)
                tmp[at++] = s[b++];
        }
        memcpy(s, tmp, n * sizeof *s);
    }
}

bool hist__keys_ascend(const hist_sample *s, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (key_cmp(&s[i - 1], &s[i]) >= 0) return false;
    return true;
}

pt_status hist__rows_sort(hist__rows *r)
{
    if (hist__keys_ascend(r->s, r->n)) return PT_OK;
    hist_sample *tmp = malloc(r->n * sizeof *tmp);
    if (!tmp) return PT_ENOMEM;
    merge_sort(r->s, tmp, r->n);
    free(tmp);
    size_t kept = 0;
    for (size_t i = 0; i < r->n; i++) {
        if (kept && key_cmp(&r->s[kept - 1], &r->s[i]) == 0) kept--;
        r->s[kept++] = r->s[i];
    }
    r->n = kept;
    pt_assert(hist__keys_ascend(r->s, r->n));
    return PT_OK;
}

size_t hist__rows_lower(const hist_sample *s, size_t n, int64_t time_ms)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s[mid].time_ms < time_ms) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

const hist_sample *hist__rows_last(const hist_sample *s, size_t n, int64_t at_ms, bool states)
{
    for (size_t i = n; i-- > 0;) {
        if (s[i].time_ms <= at_ms && (states || !hist__is_state(&s[i]))) return &s[i];
    }
    return NULL;
}

pt_status hist__sample_dup(const hist_sample *s, pt_arena *arena, hist_sample *out)
{
    *out = *s;
    if (!hist__has_value(s) || hist__family_of_type(s->type) != HIST__BYTES) return PT_OK;
    pt_slice copy = pt_arena_dup(arena, pt_slice_of(s->as.ptr, s->len));
    if (!copy.ptr) return PT_ENOMEM;
    out->as.ptr = copy.ptr;
    return PT_OK;
}
