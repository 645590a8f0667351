/* historian/block.c -- columns of a block: kinds of rows, times, values; see docs/file-format.md, chapter 3. */
#include "historian/block.h"
#include "historian/deviation.h"

#include <stdlib.h>
#include <zstd.h>

enum { MAGIC = 0xb7, KINDS_MAX = 255, ZSTD_LEVEL = 3, PLANES_XOR = 1 };
enum { NO_VALUES, INT, F64_DECIMAL, F64_WORDS, F64_PLANES, F32_DECIMAL, F32_WORDS, F32_PLANES, BYTES }; /* value encodings on disk */
enum { DECIMALS_MAX = 15 };
enum { EXACT = 1, WITHIN = 2 }; /* versions: every sample; some left out within a stated deviation */

static const double POWER[DECIMALS_MAX + 1] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };

struct hist__codec {
    ZSTD_CCtx *compress;     /* owned; NULL until needed */
    ZSTD_DCtx *decompress;   /* owned; NULL until needed */
    hist__ints_work work;
    uint64_t *words, *ints, *index; /* owned: one array cut in three; of `cap` numbers each */
    size_t cap;
    uint8_t *bytes, *packed; /* owned; of bytes_cap each */
    size_t bytes_cap;
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

static bool compressor(hist__codec *c)
{
    return c->compress || (c->compress = ZSTD_createCCtx());
}

static bool decompressor(hist__codec *c)
{
    return c->decompress || (c->decompress = ZSTD_createDCtx());
}

static pt_status reserve_words(hist__codec *c, size_t n)
{
    if (n <= c->cap) return PT_OK;
    if (n < 1024) n = 1024;
    uint64_t *all = realloc(c->words, n * 3 * sizeof *all);
    if (!all) return PT_ENOMEM;
    c->words = all;
    c->ints = all + n;
    c->index = all + 2 * n;
    c->cap = n;
    return PT_OK;
}

static pt_status reserve_bytes(hist__codec *c, size_t n)
{
    if (n <= c->bytes_cap) return PT_OK;
    uint8_t *all = realloc(c->bytes, n * 2);
    if (!all) return PT_ENOMEM;
    c->bytes = all;
    c->packed = all + n;
    c->bytes_cap = n;
    return PT_OK;
}

/* ---- what a row is ------------------------------------------------------------------------------------------ */

const uint8_t hist__families[SPB_DATATYPE_COUNT] = {
    [SPB_INT8] = HIST__INT, [SPB_INT16] = HIST__INT, [SPB_INT32] = HIST__INT, [SPB_INT64] = HIST__INT,
    [SPB_UINT8] = HIST__INT, [SPB_UINT16] = HIST__INT, [SPB_UINT32] = HIST__INT, [SPB_UINT64] = HIST__INT,
    [SPB_FLOAT] = HIST__F32, [SPB_DOUBLE] = HIST__F64, [SPB_BOOLEAN] = HIST__INT, [SPB_DATETIME] = HIST__INT,
    [SPB_STRING] = HIST__BYTES, [SPB_TEXT] = HIST__BYTES, [SPB_UUID] = HIST__BYTES,
    [SPB_DATASET] = HIST__BYTES, [SPB_BYTES] = HIST__BYTES, [SPB_FILE] = HIST__BYTES, [SPB_TEMPLATE] = HIST__BYTES,
    [SPB_INT8_ARRAY] = HIST__BYTES, [SPB_INT16_ARRAY] = HIST__BYTES, [SPB_INT32_ARRAY] = HIST__BYTES, [SPB_INT64_ARRAY] = HIST__BYTES,
    [SPB_UINT8_ARRAY] = HIST__BYTES, [SPB_UINT16_ARRAY] = HIST__BYTES, [SPB_UINT32_ARRAY] = HIST__BYTES, [SPB_UINT64_ARRAY] = HIST__BYTES,
    [SPB_FLOAT_ARRAY] = HIST__BYTES, [SPB_DOUBLE_ARRAY] = HIST__BYTES, [SPB_BOOLEAN_ARRAY] = HIST__BYTES,
    [SPB_STRING_ARRAY] = HIST__BYTES, [SPB_DATETIME_ARRAY] = HIST__BYTES,
};

static bool is_unsigned(uint32_t type)
{
    return (type >= SPB_UINT8 && type <= SPB_UINT64) || type == SPB_DATETIME;
}

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
    case HIST__INT: *out = is_unsigned(s->type) ? (double)s->as.u64 : (double)s->as.i64; return true;
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
        if (held) {
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

/* ---- encoding ----------------------------------------------------------------------------------------------- */

static pt_status put(pt_buf *out, const uint8_t *from, const uint8_t *to)
{
    return pt_buf_add(out, from, (size_t)(to - from));
}

static pt_status put_varint(pt_buf *out, uint64_t v)
{
    uint8_t tmp[HIST__VARINT_MAX];
    return put(out, tmp, hist__put_varint(tmp, v));
}

static pt_status put_ints(hist__codec *c, const uint64_t *v, size_t n, bool line, pt_buf *out)
{
    pt_status st = hist__ints_work_reserve(&c->work, n);
    if (st != PT_OK) return st;
    if ((st = pt_buf_reserve(out, hist__ints_bound(n))) != PT_OK) return st;
    out->len += hist__ints_encode(&c->work, v, n, line, (uint8_t *)out->ptr + out->len);
    return PT_OK;
}

static uint32_t kind_key(const hist_sample *s)
{
    return (uint32_t)s->type << 16 | (uint32_t)s->quality << 8 | s->flags;
}

static pt_status put_kinds(hist__codec *c, const hist_sample *s, size_t n, pt_buf *out)
{
    uint32_t kinds[KINDS_MAX];
    size_t count = 0, at = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t key = kind_key(&s[i]);
        if (count == 0 || kinds[at] != key) {
            for (at = 0; at < count && kinds[at] != key; at++) {}
            if (at == count) {
                if (count == KINDS_MAX) return PT_EUNSUPPORTED;
                kinds[count++] = key;
            }
        }
        c->index[i] = at;
    }
    uint8_t head[1 + 3 * KINDS_MAX], *p = head;
    *p++ = (uint8_t)count;
    for (size_t k = 0; k < count; k++) {
        *p++ = (uint8_t)(kinds[k] >> 16);
        *p++ = (uint8_t)(kinds[k] >> 8);
        *p++ = (uint8_t)kinds[k];
    }
    pt_status st = put(out, head, p);
    return st == PT_OK && count > 1 ? put_ints(c, c->index, n, false, out) : st;
}

/* The integer m with m / 10^e == the value, bit for bit. */
static inline bool decimal64(uint64_t word, double power, uint64_t *m)
{
    double v;
    memcpy(&v, &word, sizeof v);
    double scaled = v * power;
    if (!(scaled > -9007199254740992.0 && scaled < 9007199254740992.0)) return false;
    int64_t i = (int64_t)(scaled + (scaled < 0 ? -0.5 : 0.5));
    double back = (double)i / power;
    uint64_t back_word;
    memcpy(&back_word, &back, sizeof back_word);
    *m = (uint64_t)i;
    return back_word == word;
}

static inline bool decimal32(uint64_t word, double power, uint64_t *m)
{
    uint32_t low = (uint32_t)word;
    float v;
    memcpy(&v, &low, sizeof v);
    double scaled = (double)v * power;
    if (!(scaled > -2147483648.0 && scaled < 2147483648.0)) return false;
    int64_t i = (int64_t)(scaled + (scaled < 0 ? -0.5 : 0.5));
    float back = (float)((double)i / power);
    uint32_t back_word;
    memcpy(&back_word, &back, sizeof back_word);
    *m = (uint64_t)i;
    return back_word == low;
}

static bool decimal(bool wide, uint64_t word, double power, uint64_t *m)
{
    return wide ? decimal64(word, power, m) : decimal32(word, power, m);
}

/* The fewest decimals that most of 32 probes need; false when most have none. */
static bool decimals_of(bool wide, const uint64_t *words, size_t n, unsigned *out)
{
    enum { PROBES = 32 };
    size_t probes = n < PROBES ? n : PROBES, need[DECIMALS_MAX + 2] = { 0 };
    for (size_t i = 0; i < probes; i++) {
        uint64_t m;
        unsigned e = 0, limit = wide ? DECIMALS_MAX : 9;
        while (e <= limit && !decimal(wide, words[i * n / probes], POWER[e], &m)) e++;
        need[e <= limit ? e : DECIMALS_MAX + 1]++;
    }
    size_t covered = 0;
    for (unsigned e = 0; e <= DECIMALS_MAX; e++) {
        covered += need[e];
        if (covered * 8 >= probes * 7) {
            *out = e;
            return true;
        }
    }
    return false;
}

/* Decimal-scaled integers; *fits false when too many values are no such decimals. */
static pt_status put_decimals(hist__codec *c, bool wide, size_t n, pt_buf *out, bool *fits)
{
    unsigned e = 0;
    *fits = false;
    if (!decimals_of(wide, c->words, n, &e)) return PT_OK;
    size_t exceptions = 0;
    const double power = POWER[e];
    if (wide) {
        for (size_t i = 0; i < n; i++) {
            if (decimal64(c->words[i], power, &c->ints[i])) continue;
            c->index[exceptions++] = i;
            c->ints[i] = i ? c->ints[i - 1] : 0;
        }
    } else {
        for (size_t i = 0; i < n; i++) {
            if (decimal32(c->words[i], power, &c->ints[i])) continue;
            c->index[exceptions++] = i;
            c->ints[i] = i ? c->ints[i - 1] : 0;
        }
    }
    if (exceptions > n / 8) return PT_OK;
    uint8_t head[2] = { wide ? F64_DECIMAL : F32_DECIMAL, (uint8_t)e };
    pt_status st = pt_buf_add(out, head, sizeof head);
    if (st == PT_OK) st = put_ints(c, c->ints, n, false, out);
    if (st == PT_OK) st = put_varint(out, exceptions);
    for (size_t k = 0, next = 0; st == PT_OK && k < exceptions; k++) {
        uint8_t tmp[HIST__VARINT_MAX + 8], *p = hist__put_varint(tmp, c->index[k] - next);
        memcpy(p, &c->words[c->index[k]], wide ? 8 : 4);
        st = put(out, tmp, p + (wide ? 8 : 4));
        next = (size_t)c->index[k] + 1;
    }
    *fits = true;
    return st;
}

static void transpose(const uint64_t *words, size_t n, size_t width, bool exclusive_or, uint8_t *planes)
{
    uint64_t before = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t w = words[i] ^ (exclusive_or ? before : 0);
        before = words[i];
        for (size_t b = 0; b < width; b++) planes[b * n + i] = (uint8_t)(w >> (8 * b));
    }
}

/* Byte planes under zstd, with or without XOR against the value before; the smaller one. */
static pt_status put_planes(hist__codec *c, bool wide, size_t n, pt_buf *out)
{
    size_t width = wide ? 8 : 4, size = n * width, bound = ZSTD_compressBound(size), best = SIZE_MAX;
    pt_status st = compressor(c) ? reserve_bytes(c, bound) : PT_ENOMEM;
    size_t start = out->len;
    for (int exclusive_or = 0; st == PT_OK && exclusive_or <= 1; exclusive_or++) {
        transpose(c->words, n, width, exclusive_or, c->bytes);
        size_t len = ZSTD_compressCCtx(c->compress, c->packed, bound, c->bytes, size, ZSTD_LEVEL);
        if (ZSTD_isError(len)) return PT_ENOMEM;
        if (len >= best) continue;
        best = len;
        out->len = start;
        uint8_t head[2] = { wide ? F64_PLANES : F32_PLANES, exclusive_or ? PLANES_XOR : 0 };
        st = pt_buf_add(out, head, sizeof head);
        if (st == PT_OK) st = put_varint(out, len);
        if (st == PT_OK) st = pt_buf_add(out, c->packed, len);
    }
    return st;
}

/* Decimals, plain words or planes: what is smallest. Planes are tried only when the others stay near the raw size. */
static pt_status put_floats(hist__codec *c, bool wide, size_t n, pt_buf *out)
{
    size_t start = out->len;
    bool fits = false;
    pt_status st = put_decimals(c, wide, n, out, &fits);
    if (st != PT_OK) return st;
    size_t decimal_len = fits ? out->len - start : SIZE_MAX;
    if (decimal_len <= n * 3) return PT_OK;

    pt_buf other; /* a candidate beside the best so far */
    pt_buf_init(&other, HIST__BLOCK_BYTES_MAX);
    uint8_t kind = wide ? F64_WORDS : F32_WORDS;
    st = pt_buf_add(&other, &kind, 1);
    if (st == PT_OK) st = put_ints(c, c->words, n, false, &other);
    if (st == PT_OK && other.len < decimal_len) {
        out->len = start;
        st = pt_buf_slice(out, pt_buf_view(&other));
    }
    size_t best = out->len - start;
    if (st == PT_OK && best > n / 2 + 64) {
        pt_buf_reset(&other);
        st = put_planes(c, wide, n, &other);
        if (st == PT_OK && other.len < best) {
            out->len = start;
            st = pt_buf_slice(out, pt_buf_view(&other));
        }
    }
    pt_buf_fini(&other);
    return st;
}

/* A dictionary of the distinct values in order of appearance, then an index per value. */
static pt_status put_bytes(hist__codec *c, const hist_sample *s, size_t n, size_t values, pt_buf *out)
{
    size_t slots = 16, total = 0, count = 0, at = 0;
    while (slots < values * 2) slots *= 2;
    uint32_t *table = calloc(slots, sizeof *table);                /* index + 1 into `first` */
    const hist_sample **first = calloc(values ? values : 1, sizeof *first);
    pt_status st = table && first ? PT_OK : PT_ENOMEM;
    for (size_t i = 0; st == PT_OK && i < n; i++) {
        if (!hist__has_value(&s[i])) continue;
        size_t h = (size_t)hist__xxh64(s[i].as.ptr ? s[i].as.ptr : "", s[i].len, 0) & (slots - 1);
        for (; table[h]; h = (h + 1) & (slots - 1)) {
            const hist_sample *d = first[table[h] - 1];
            if (d->len == s[i].len && (d->len == 0 || memcmp(d->as.ptr, s[i].as.ptr, d->len) == 0)) break;
        }
        if (!table[h]) {
            first[count] = &s[i];
            c->ints[count] = s[i].len;
            total += s[i].len;
            table[h] = (uint32_t)++count;
        }
        c->words[at++] = table[h] - 1;
    }
    uint8_t kind = BYTES;
    if (st == PT_OK) st = pt_buf_add(out, &kind, 1);
    if (st == PT_OK) st = put_varint(out, count);
    if (st == PT_OK) st = put_ints(c, c->ints, count, false, out);
    if (st == PT_OK) st = put_ints(c, c->words, values, false, out);
    size_t bound = ZSTD_compressBound(total);
    if (st == PT_OK) st = compressor(c) ? reserve_bytes(c, bound + 1) : PT_ENOMEM;
    if (st == PT_OK) {
        size_t len = 0;
        for (size_t k = 0; k < count; k++) {
            if (first[k]->len) memcpy(c->bytes + len, first[k]->as.ptr, first[k]->len);
            len += first[k]->len;
        }
        size_t packed = total > 32 ? ZSTD_compressCCtx(c->compress, c->packed, bound, c->bytes, total, ZSTD_LEVEL) : total;
        if (ZSTD_isError(packed)) st = PT_ENOMEM;
        bool small = packed < total;
        if (st == PT_OK) st = put_varint(out, total);
        if (st == PT_OK) st = put_varint(out, small ? packed : total);
        if (st == PT_OK) st = pt_buf_add(out, small ? c->packed : c->bytes, small ? packed : total);
    }
    free(table);
    free(first);
    return st;
}

pt_status hist__block_encode(hist__codec *c, uint32_t tag_id, const hist_sample *s, size_t n, pt_buf *out)
{
    return hist__block_encode_within(c, tag_id, s, n, -1, out);
}

pt_status hist__block_encode_within(hist__codec *c, uint32_t tag_id, const hist_sample *s, size_t n, double deviation, pt_buf *out)
{
    if (n == 0 || n > HIST__BLOCK_ROWS_MAX) return PT_EINVAL;
    pt_status st = reserve_words(c, n);
    if (st != PT_OK) return st;
    pt_buf_reset(out);
    uint8_t head[10 + 2 * HIST__VARINT_MAX] = { MAGIC, EXACT }, *p = head + 2;
    if (deviation >= 0) {
        uint64_t word;
        memcpy(&word, &deviation, sizeof word);
        head[1] = WITHIN;
        hist__store64(p, word);
        p += 8;
    }
    p = hist__put_varint(hist__put_varint(p, tag_id), n);
    if ((st = put(out, head, p)) != PT_OK) return st;
    if ((st = put_kinds(c, s, n, out)) != PT_OK) return st;

    hist__family family = HIST__NO_VALUES;
    for (size_t i = 0; i < n; i++) c->words[i] = (uint64_t)s[i].time_ms;
    if ((st = put_ints(c, c->words, n, true, out)) != PT_OK) return st;
    size_t values = 0;
    for (size_t i = 0; i < n; i++) {
        if (!hist__has_value(&s[i])) continue;
        family = hist__family_of_type(s[i].type);
        c->words[values++] = s[i].as.u64;
    }
    uint8_t kind = values == 0 ? NO_VALUES : INT;
    if (values == 0) st = pt_buf_add(out, &kind, 1);
    else if (family == HIST__INT) {
        st = pt_buf_add(out, &kind, 1);
        if (st == PT_OK) st = put_ints(c, c->words, values, false, out);
    } else if (family == HIST__BYTES) st = put_bytes(c, s, n, values, out);
    else if (family == HIST__NO_VALUES) st = PT_EINVAL;
    else st = put_floats(c, family == HIST__F64, values, out);
    if (st != PT_OK) return st;

    uint8_t sum[4];
    hist__store32(sum, hist__checksum(out->ptr, out->len));
    return pt_buf_add(out, sum, sizeof sum);
}

/* ---- decoding ----------------------------------------------------------------------------------------------- */

static bool get_kinds(hist__reader *r, uint8_t version, uint32_t kinds[KINDS_MAX], size_t *count)
{
    const uint8_t flags = HIST_NULL | HIST_HISTORICAL | HIST_STATE | (version == WITHIN ? HIST_THINNED : 0);
    *count = hist__get_u8(r);
    const uint8_t *p = hist__get_bytes(r, *count * 3);
    if (!p || *count == 0) return false;
    for (size_t k = 0; k < *count; k++, p += 3) {
        kinds[k] = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        if (p[1] > SPB_STALE || p[0] >= SPB_DATATYPE_COUNT || (p[2] & ~flags)) return false;
    }
    return true;
}

/* Which kind each row is of, where there are several. */
static bool get_kind_indexes(hist__codec *c, hist__reader *r, size_t n, size_t count)
{
    if (!hist__ints_decode(r, c->index, n)) return false;
    for (size_t i = 0; i < n; i++) {
        if (c->index[i] >= count) return false;
    }
    return true;
}

static bool get_decimals(hist__codec *c, hist__reader *r, bool wide, size_t n)
{
    unsigned e = hist__get_u8(r);
    if (e > DECIMALS_MAX || !hist__ints_decode(r, c->words, n)) return false;
    const double power = POWER[e];
    const uint64_t half = UINT64_C(1) << 51;
    uint64_t large = 0;
    for (size_t i = 0; wide && i < n; i++) large |= c->words[i] + half;
    size_t done = 0;
    if (wide && large < 2 * half) { /* with its bits behind those of 1.5 * 2^52, an integer is a double without being converted: two at once */
        const double away = 6755399441055744.0;
        for (; done + 2 <= n; done += 2) {
            hist__words2 w;
            memcpy(&w, &c->words[done], sizeof w);
            hist__doubles2 v = ((hist__doubles2)(w + UINT64_C(0x4338000000000000)) - away) / power;
            memcpy(&c->words[done], &v, sizeof v);
        }
    }
    if (wide) {
        for (size_t i = done; i < n; i++) {
            double v = (double)(int64_t)c->words[i] / power;
            memcpy(&c->words[i], &v, sizeof v);
        }
    } else {
        for (size_t i = 0; i < n; i++) {
            float v = (float)((double)(int64_t)c->words[i] / power);
            uint32_t low;
            memcpy(&low, &v, sizeof low);
            c->words[i] = low;
        }
    }
    uint64_t exceptions = hist__get_varint(r), next = 0;
    if (exceptions > n) return false;
    for (uint64_t k = 0; k < exceptions; k++) {
        uint64_t gap = hist__get_varint(r);
        const uint8_t *p = hist__get_bytes(r, wide ? 8 : 4);
        if (!p || next >= n || gap >= n - next) return false;
        next += gap;
        c->words[next++] = wide ? hist__load64(p) : hist__load32(p);
    }
    return true;
}

static bool get_planes(hist__codec *c, hist__reader *r, bool wide, size_t n, pt_status *st)
{
    size_t width = wide ? 8 : 4, size = n * width;
    uint8_t flags = hist__get_u8(r);
    uint64_t len = hist__get_varint(r);
    const uint8_t *p = len <= HIST__BLOCK_BYTES_MAX ? hist__get_bytes(r, (size_t)len) : NULL;
    if (!p || flags > PLANES_XOR) return false;
    if ((*st = decompressor(c) ? reserve_bytes(c, size) : PT_ENOMEM) != PT_OK) return false;
    if (ZSTD_decompressDCtx(c->decompress, c->bytes, size, p, (size_t)len) != size) return false;
    uint64_t before = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t w = 0;
        for (size_t b = 0; b < width; b++) w |= (uint64_t)c->bytes[b * n + i] << (8 * b);
        if (flags & PLANES_XOR) w ^= before;
        c->words[i] = before = w;
    }
    return true;
}

/* Dictionary bytes go to out->bytes at *dictionary; c->words become the indexes, c->ints the lengths, c->index the offsets (the kinds, which
 * were there, are already in the rows). */
static bool get_bytes(hist__codec *c, hist__reader *r, size_t n, hist__rows *out, char **dictionary, pt_status *st)
{
    uint64_t count = hist__get_varint(r);
    if (count == 0 || count > n || !hist__ints_decode(r, c->ints, (size_t)count) || !hist__ints_decode(r, c->words, n)) return false;
    uint64_t total = hist__get_varint(r), stored = hist__get_varint(r), sum = 0;
    if (total > HIST__BLOCK_BYTES_MAX || stored > total) return false;
    const uint8_t *p = hist__get_bytes(r, (size_t)stored);
    if (!p) return false;
    for (size_t k = 0; k < count; k++) {
        if (c->ints[k] > total - sum) return false;
        c->index[k] = sum;
        sum += c->ints[k];
    }
    if (sum != total) return false;
    for (size_t i = 0; i < n; i++) {
        if (c->words[i] >= count) return false;
    }
    char *d = decompressor(c) ? pt_arena_alloc(&out->bytes, (size_t)total) : NULL;
    if (!d) {
        *st = PT_ENOMEM;
        return false;
    }
    if (stored == total) memcpy(d, p, (size_t)total);
    else if (ZSTD_decompressDCtx(c->decompress, d, (size_t)total, p, (size_t)stored) != total) return false;
    *dictionary = d;
    return true;
}

static pt_status corrupt(pt_error *err, const char *what)
{
    return pt_fail(err, PT_ECORRUPT, "damaged block: %s", what);
}

static hist__family family_of_encoding(uint8_t encoding)
{
    switch (encoding) {
    case INT: return HIST__INT;
    case F64_DECIMAL: case F64_WORDS: case F64_PLANES: return HIST__F64;
    case F32_DECIMAL: case F32_WORDS: case F32_PLANES: return HIST__F32;
    case BYTES: return HIST__BYTES;
    default: return HIST__NO_VALUES;
    }
}

/* tag_id, type, quality, flags and reserved as they stand in a hist_sample. */
static inline uint64_t kind_word(uint32_t tag_id, uint32_t kind)
{
    return tag_id | (uint64_t)(kind >> 16 & 255u) << 32 | (uint64_t)(kind >> 8 & 255u) << 40 | (uint64_t)(kind & 255u) << 48;
}
_Static_assert(sizeof(hist_sample) == 32 && offsetof(hist_sample, tag_id) == 8 && offsetof(hist_sample, type) == 12 && offsetof(hist_sample, quality) == 13 &&
                   offsetof(hist_sample, flags) == 14 && offsetof(hist_sample, as) == 16 && offsetof(hist_sample, len) == 24,
               "kind_word and the decoder write samples as four words");

static inline void put_row(hist_sample *s, uint64_t time, uint64_t kind, uint64_t word)
{
    uint8_t *to = (uint8_t *)s;
    hist__store64(to, time);
    hist__store64(to + 8, kind);
    hist__store64(to + 16, word);
    hist__store64(to + 24, 0);
}

static bool all_ascending(const uint64_t *times, size_t n)
{
    uint64_t steps = 0;
    for (size_t i = 1; i < n; i++) steps |= times[i] - times[i - 1] - 1;
    if (steps < UINT64_C(1) << 48 && (int64_t)times[n - 1] >= (int64_t)times[0]) return true; /* so few short steps do not go round */
    bool ascending = true;
    for (size_t i = 1; i < n; i++) ascending &= (int64_t)times[i - 1] < (int64_t)times[i];
    return ascending;
}

static inline double float_of(uint64_t word)
{
    uint32_t low = (uint32_t)word;
    float v;
    memcpy(&v, &low, sizeof v);
    return (double)v;
}

/* Value words to doubles where they stand; false, with the words as they were, when one of them is not a number. */
static bool to_numbers(uint64_t *words, size_t n, uint32_t type)
{
    const hist__family family = hist__family_of_type(type);
    const bool positive = is_unsigned(type);
    uint64_t nan64 = 0, nan32 = 0; /* the top bit (bit 31) is set by what lies beyond infinity */
    if (family == HIST__F64)
        for (size_t i = 0; i < n; i++) nan64 |= (words[i] & INT64_MAX) + UINT64_C(0x000fffffffffffff);
    if (family == HIST__F32)
        for (size_t i = 0; i < n; i++) nan32 |= (words[i] & INT32_MAX) + 0x007fffffu;
    if (nan64 >> 63 || nan32 >> 31) return false;
    for (size_t i = 0; family != HIST__F64 && i < n; i++) {
        double v = family == HIST__F32 ? float_of(words[i]) : positive ? (double)words[i] : (double)(int64_t)words[i];
        memcpy(&words[i], &v, sizeof v);
    }
    return true;
}

typedef struct head {
    uint8_t version;
    double deviation;
    uint64_t tag;
    size_t rows;
} head;

/* Up to the kinds, where *r stands then. `bytes` may be NULL when len is 0. */
static pt_status get_head(const void *bytes, size_t len, hist__reader *r, head *out, pt_error *err)
{
    *out = (head){ .deviation = 0 };
    if (len < 8 || *(const uint8_t *)bytes != MAGIC) return corrupt(err, "not a block");
    if (hist__load32((const uint8_t *)bytes + len - 4) != hist__checksum(bytes, len - 4)) return corrupt(err, "checksum");
    *r = (hist__reader){ .p = (const uint8_t *)bytes + 1, .end = (const uint8_t *)bytes + len, .ok = true };
    out->version = hist__get_u8(r);
    if (out->version != EXACT && out->version != WITHIN) return pt_fail(err, PT_EUNSUPPORTED, "block version %u", out->version);
    r->end -= 4;
    if (out->version == WITHIN) {
        const uint8_t *p = hist__get_bytes(r, 8);
        uint64_t word = p ? hist__load64(p) : UINT64_MAX;
        memcpy(&out->deviation, &word, sizeof out->deviation);
        if (!(out->deviation >= 0)) return corrupt(err, "deviation");
    }
    out->tag = hist__get_varint(r);
    uint64_t rows = hist__get_varint(r);
    if (!r->ok || out->tag > UINT32_MAX || rows == 0 || rows > HIST__BLOCK_ROWS_MAX) return corrupt(err, "counts");
    out->rows = (size_t)rows;
    return PT_OK;
}

pt_status hist__block_family(const void *bytes, size_t len, hist__family *out, pt_error *err)
{
    hist__reader r;
    head about;
    uint32_t kinds[KINDS_MAX];
    size_t count = 0;
    *out = HIST__NO_VALUES;
    pt_status st = get_head(bytes, len, &r, &about, err);
    if (st != PT_OK) return st;
    if (!get_kinds(&r, about.version, kinds, &count)) return corrupt(err, "kinds");
    for (size_t k = 0; k < count && *out == HIST__NO_VALUES; k++) {
        if (!(kinds[k] & (HIST_NULL | HIST_STATE))) *out = hist__family_of_type(kinds[k] >> 16);
    }
    return PT_OK;
}

pt_status hist__block_decode(hist__codec *c, const void *bytes, size_t len, uint32_t *tag_id, hist__rows *out, pt_error *err)
{
    return hist__block_decode_numbers(c, bytes, len, tag_id, out, NULL, err);
}

pt_status hist__block_decode_numbers(hist__codec *c, const void *bytes, size_t len, uint32_t *tag_id, hist__rows *out, hist__columns *columns, pt_error *err)
{
    if (columns) columns->n = 0;
    hist__reader r;
    head about;
    pt_status st = get_head(bytes, len, &r, &about, err);
    if (st != PT_OK) return st;
    const uint8_t version = about.version;
    const double deviation = about.deviation;
    const uint64_t tag = about.tag;
    const size_t n = about.rows;
    st = reserve_words(c, n);
    if (st == PT_OK) st = hist__rows_reserve(out, n);
    if (st != PT_OK) return st;

    uint32_t kinds[KINDS_MAX];
    size_t count = 0;
    if (!get_kinds(&r, version, kinds, &count) || (count > 1 && !get_kind_indexes(c, &r, n, count))) return corrupt(err, "kinds");
    hist_sample *s = out->s + out->n;
    /* Nearly every block: one kind of row, all with a number. Its rows are put together once, at the end, from the times (in c->ints) and values. */
    const uint64_t kind = kind_word((uint32_t)tag, kinds[0]);
    const bool plain = count == 1 && !(kinds[0] & (HIST_NULL | HIST_STATE)) && hist__family_of_type(kinds[0] >> 16) != HIST__BYTES;
    uint64_t *times = plain ? c->ints : c->words;
    if (!hist__ints_decode(&r, times, n)) return corrupt(err, "times");
    const bool ascending = all_ascending(times, n);
    if (plain && !ascending) return corrupt(err, "order of times");
    for (size_t i = 0; !plain && i < n; i++) { /* whole words: a sample put together byte by byte and then copied is four times slower */
        put_row(&s[i], times[i], count == 1 ? kind : kind_word((uint32_t)tag, kinds[c->index[i]]), 0);
    }
    for (size_t i = 1; !ascending && i < n; i++) {
        if (hist__key_cmp(s[i - 1].time_ms, hist__is_state(&s[i - 1]), s[i].time_ms, hist__is_state(&s[i])) >= 0)
            return corrupt(err, "order of times");
    }

    uint8_t encoding = hist__get_u8(&r);
    if (!r.ok || encoding > BYTES) return corrupt(err, "value encoding");
    hist__family family = family_of_encoding(encoding);
    size_t values = 0;
    bool uniform = count == 1, booleans = false;
    for (size_t k = 0; k < count; k++) { /* no kind of row may claim a family that is not there */
        uint32_t type = kinds[k] >> 16;
        if (kinds[k] & (HIST_NULL | HIST_STATE)) continue;
        if (hist__family_of_type(type) != family || family == HIST__NO_VALUES) return corrupt(err, "value family");
        booleans |= type == SPB_BOOLEAN;
    }
    if (uniform) values = kinds[0] & (HIST_NULL | HIST_STATE) ? 0 : n;
    else
        for (size_t i = 0; i < n; i++) values += hist__has_value(&s[i]);
    if ((values == 0) != (encoding == NO_VALUES)) return corrupt(err, "value count");

    char *dictionary = NULL;
    bool ok = true;
    switch (encoding) {
    case NO_VALUES: break;
    case INT: ok = hist__ints_decode(&r, c->words, values); break;
    case F64_WORDS: ok = hist__ints_decode(&r, c->words, values); break;
    case F32_WORDS:
        ok = hist__ints_decode(&r, c->words, values);
        for (size_t i = 0; ok && i < values; i++) ok = c->words[i] <= UINT32_MAX;
        break;
    case F64_DECIMAL: ok = get_decimals(c, &r, true, values); break;
    case F32_DECIMAL: ok = get_decimals(c, &r, false, values); break;
    case F64_PLANES: ok = get_planes(c, &r, true, values, &st); break;
    case F32_PLANES: ok = get_planes(c, &r, false, values, &st); break;
    default: ok = get_bytes(c, &r, values, out, &dictionary, &st); break;
    }
    if (st != PT_OK) return st;
    if (!ok) return corrupt(err, "values");
    if (r.p != r.end) return corrupt(err, "bytes left over");

    if (encoding == BYTES) {
        size_t at = 0;
        for (size_t i = 0; i < n; i++) {
            if (!hist__has_value(&s[i])) continue;
            size_t k = (size_t)c->words[at++];
            s[i].as.ptr = dictionary + c->index[k];
            s[i].len = (uint32_t)c->ints[k];
        }
    } else if (plain) {
        for (size_t i = 0; booleans && i < n; i++) {
            if (c->words[i] > 1) return corrupt(err, "a Boolean that is neither true nor false");
        }
        if (tag_id) *tag_id = (uint32_t)tag;
        if (columns && (kinds[0] & 0xffffu & ~(uint32_t)HIST_HISTORICAL) == (uint32_t)SPB_GOOD << 8 && to_numbers(c->words, n, kinds[0] >> 16)) {
            *columns = (hist__columns){ .times = (const int64_t *)times, .values = (const double *)(const void *)c->words, .n = n };
            return PT_OK;
        }
        const uint64_t *words = c->words;
        for (size_t i = 0; i < n; i++) put_row(&s[i], times[i], kind, words[i]);
    } else {
        for (size_t i = 0, at = 0; i < n; i++) {
            if (hist__has_value(&s[i])) s[i].as.u64 = c->words[at++];
        }
    }
    for (size_t i = 0; booleans && !plain && i < n; i++) {
        if (s[i].type == SPB_BOOLEAN && s[i].as.u64 > 1) return corrupt(err, "a Boolean that is neither true nor false");
    }
    if (tag_id) *tag_id = (uint32_t)tag;
    if (deviation > out->deviation) out->deviation = deviation;
    out->n += n;
    return PT_OK;
}
