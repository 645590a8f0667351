/* historian/format/block.c -- what a row is to a block, what a block says about its rows, and the codec's room. Encoding and decoding have
 * a file each. */
#include "historian/format/block_format.h"
#include "historian/format/format.h"

#include <stdlib.h>

const double hist__powers[HIST__DECIMALS_MAX + 1] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15
};

pt_status hist__codec_new(hist__codec **out)
{
    hist__codec *c = calloc(1, sizeof *c);
    if (!c) return PT_ENOMEM;
    *out = c;
    return PT_OK;
}

void hist__codec_free(hist__codec *c)
{
    if (!c) return;
    ZSTD_freeCCtx(c->compress);
    ZSTD_freeDCtx(c->decompress);
    hist__ints_work_fini(&c->work);
    free(c->words);
    free(c->bytes);
    free(c);
}

bool hist__codec_compressor(hist__codec *c)
{
    return c->compress || (c->compress = ZSTD_createCCtx());
}

bool hist__codec_decompressor(hist__codec *c)
{
    return c->decompress || (c->decompress = ZSTD_createDCtx());
}

pt_status hist__codec_words(hist__codec *c, size_t n)
{
    if (n <= c->cap) return PT_OK;
    if (n < 1024) n = 1024;
    uint64_t *all = realloc(c->words, n * 5 * sizeof *all);
    if (!all) return PT_ENOMEM;
    c->words = all;
    c->ints = all + n;
    c->index = all + 2 * n;
    c->times = all + 3 * n;
    c->offsets = all + 4 * n;
    c->cap = n;
    return PT_OK;
}

pt_status hist__codec_bytes(hist__codec *c, size_t n)
{
    if (n <= c->bytes_cap) return PT_OK;
    uint8_t *all = realloc(c->bytes, n * 2);
    if (!all) return PT_ENOMEM;
    c->bytes = all;
    c->packed = all + n;
    c->bytes_cap = n;
    return PT_OK;
}

const uint8_t hist__families[SPB_DATATYPE_COUNT] = {
    [SPB_INT8] = HIST__INT,           [SPB_INT16] = HIST__INT,
    [SPB_INT32] = HIST__INT,          [SPB_INT64] = HIST__INT,
    [SPB_UINT8] = HIST__INT,          [SPB_UINT16] = HIST__INT,
    [SPB_UINT32] = HIST__INT,         [SPB_UINT64] = HIST__INT,
    [SPB_FLOAT] = HIST__F32,          [SPB_DOUBLE] = HIST__F64,
    [SPB_BOOLEAN] = HIST__INT,        [SPB_DATETIME] = HIST__INT,
    [SPB_STRING] = HIST__BYTES,       [SPB_TEXT] = HIST__BYTES,
    [SPB_UUID] = HIST__BYTES,         [SPB_DATASET] = HIST__BYTES,
    [SPB_BYTES] = HIST__BYTES,        [SPB_FILE] = HIST__BYTES,
    [SPB_TEMPLATE] = HIST__BYTES,     [SPB_INT8_ARRAY] = HIST__BYTES,
    [SPB_INT16_ARRAY] = HIST__BYTES,  [SPB_INT32_ARRAY] = HIST__BYTES,
    [SPB_INT64_ARRAY] = HIST__BYTES,  [SPB_UINT8_ARRAY] = HIST__BYTES,
    [SPB_UINT16_ARRAY] = HIST__BYTES, [SPB_UINT32_ARRAY] = HIST__BYTES,
    [SPB_UINT64_ARRAY] = HIST__BYTES, [SPB_FLOAT_ARRAY] = HIST__BYTES,
    [SPB_DOUBLE_ARRAY] = HIST__BYTES, [SPB_BOOLEAN_ARRAY] = HIST__BYTES,
    [SPB_STRING_ARRAY] = HIST__BYTES, [SPB_DATETIME_ARRAY] = HIST__BYTES,
};

bool hist__same_content(const hist_sample *a, const hist_sample *b)
{
    const uint8_t marks = (uint8_t) ~(HIST_HISTORICAL | HIST_THINNED);
    if (a->type != b->type || a->quality != b->quality || (a->flags & marks) != (b->flags & marks)) return false;
    if (!hist__has_value(a)) return true;
    if (hist__family_of_type(a->type) != HIST__BYTES) return a->as.u64 == b->as.u64;
    return a->len == b->len && (a->len == 0 || memcmp(a->as.ptr, b->as.ptr, a->len) == 0);
}

static inline bool usable_number(const hist_sample *s, double *out)
{
    if (!hist__has_value(s) || s->quality > SPB_UNCERTAIN) return false;
    switch (hist__family_of_type(s->type)) {
    case HIST__INT: *out = hist__is_unsigned(s->type) ? (double)s->as.u64 : (double)s->as.i64; return true;
    case HIST__F64: *out = s->as.f64; return *out == *out;
    case HIST__F32: *out = (double)s->as.f32; return *out == *out;
    default: return false;
    }
}

bool hist__usable_number(const hist_sample *s, double *out)
{
    return usable_number(s, out);
}

void hist__summarize(const hist_sample *s, size_t n, hist__summary *out)
{
    *out = (hist__summary){ 0 };
    if (n == 0) return;
    uint32_t quality[4] = { 0 };
    double first = 0, last = 0, min = 0, max = 0, sum = 0, off = 0, off2 = 0, area = 0;
    int64_t area_ms = 0;
    uint32_t nums = 0, states = 0, nulls = 0;
    bool held = false; /* the row before is a usable number, `last` */
    for (size_t i = 0; i < n; i++) {
        double v = 0;
        bool usable = usable_number(&s[i], &v);
        if (held && s[i].time_ms > s[i - 1].time_ms) { /* no time at all is nothing, of an infinite value too */
            int64_t dt = s[i].time_ms - s[i - 1].time_ms;
            area += (hist__is_line(&s[i]) ? (last + v) / 2 : last) * (double)dt;
            area_ms += dt;
        }
        if (hist__is_state(&s[i])) states++;
        else {
            quality[s[i].quality & 3]++;
            nulls += (s[i].flags & HIST_NULL) != 0;
        }
        held = usable;
        if (!held) continue;
        if (nums++ == 0) {
            first = min = max = v;
            out->num_t0 = s[i].time_ms;
        }
        out->num_t1 = s[i].time_ms;
        min = v < min ? v : min;
        max = v > max ? v : max;
        sum += v;
        off += v - first;
        off2 += (v - first) * (v - first);
        last = v;
    }
    out->t0 = s[0].time_ms;
    out->t1 = s[n - 1].time_ms;
    out->rows = (uint32_t)n;
    out->samples = (uint32_t)n - states;
    out->good = quality[SPB_GOOD];
    out->uncertain = quality[SPB_UNCERTAIN];
    out->bad = quality[SPB_BAD];
    out->stale = quality[SPB_STALE];
    out->nulls = nulls;
    out->nums = nums;
    out->open = held;
    out->line = hist__is_line(&s[0]);
    out->min = min;
    out->max = max;
    out->sum = sum;
    out->first = first;
    out->last = last;
    out->area = area;
    out->area_ms = area_ms;
    if (nums > 0) {
        double m2 = off2 - off * off / nums;
        out->m2 = m2 < 0 ? 0 : m2;
    }
}

size_t hist__block_cut(const hist_sample *s, size_t n, size_t max)
{
    hist__family family = HIST__NO_VALUES;
    size_t bytes = 0;
    if (max > HIST__BLOCK_ROWS_MAX) max = HIST__BLOCK_ROWS_MAX;
    for (size_t i = 0; i < n && i < max; i++) {
        if (!hist__has_value(&s[i])) continue;
        hist__family f = hist__family_of_type(s[i].type);
        if (family == HIST__NO_VALUES) family = f;
        else if (f != family) return i;
        if (f == HIST__BYTES) {
            if (bytes > 0 && bytes + s[i].len > HIST__BLOCK_VALUE_BYTES) return i;
            bytes += s[i].len;
        }
    }
    if (max < n && max < HIST__BLOCK_ROWS_MAX && s[max - 1].time_ms == s[max].time_ms) return max + 1;
    return n < max ? n : max;
}
