/* historian/format/block_encode.c -- the columns of a block: kinds of rows, times, values, each in the encoding that is smallest; see
 * docs/file-format.md, chapter 3. */
#include "historian/format/block_format.h"

#include <stdlib.h>

static pt_status put(pt_buf *out, const uint8_t *from, const uint8_t *to)
{
    return pt_buf_add(out, from, (size_t)(to - from));
}

static pt_status put_varint(pt_buf *out, uint64_t v)
{
    uint8_t tmp[PT_VARINT_MAX];
    return put(out, tmp, pt_varint_put(tmp, v));
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
    uint32_t kinds[HIST__KINDS_MAX];
    size_t count = 0, at = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t key = kind_key(&s[i]);
        if (count == 0 || kinds[at] != key) {
            for (at = 0; at < count && kinds[at] != key; at++) {}
            if (at == count) {
                if (count == HIST__KINDS_MAX) return PT_EUNSUPPORTED;
                kinds[count++] = key;
            }
        }
        c->index[i] = at;
    }
    uint8_t head[1 + 3 * HIST__KINDS_MAX], *p = head;
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
    size_t probes = n < PROBES ? n : PROBES, need[HIST__DECIMALS_MAX + 2] = { 0 };
    for (size_t i = 0; i < probes; i++) {
        uint64_t m;
        unsigned e = 0, limit = wide ? HIST__DECIMALS_MAX : 9;
        while (e <= limit && !decimal(wide, words[i * n / probes], hist__powers[e], &m))
            e++;
        need[e <= limit ? e : HIST__DECIMALS_MAX + 1]++;
    }
    size_t covered = 0;
    for (unsigned e = 0; e <= HIST__DECIMALS_MAX; e++) {
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
    const double power = hist__powers[e];
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
    uint8_t head[2] = { wide ? HIST__ENC_F64_DECIMAL : HIST__ENC_F32_DECIMAL, (uint8_t)e };
    pt_status st = pt_buf_add(out, head, sizeof head);
    if (st == PT_OK) st = put_ints(c, c->ints, n, false, out);
    if (st == PT_OK) st = put_varint(out, exceptions);
    for (size_t k = 0, next = 0; st == PT_OK && k < exceptions; k++) {
        uint8_t tmp[PT_VARINT_MAX + 8], *p = pt_varint_put(tmp, c->index[k] - next);
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
        for (size_t b = 0; b < width; b++)
            planes[b * n + i] = (uint8_t)(w >> (8 * b));
    }
}

/* Byte planes under zstd, with or without XOR against the value before; the smaller one. */
static pt_status put_planes(hist__codec *c, bool wide, size_t n, pt_buf *out)
{
    size_t width = wide ? 8 : 4, size = n * width, bound = ZSTD_compressBound(size), best = SIZE_MAX;
    pt_status st = hist__codec_compressor(c) ? hist__codec_bytes(c, bound) : PT_ENOMEM;
    size_t start = out->len;
    for (int exclusive_or = 0; st == PT_OK && exclusive_or <= 1; exclusive_or++) {
        transpose(c->words, n, width, exclusive_or, c->bytes);
        size_t len = ZSTD_compressCCtx(c->compress, c->packed, bound, c->bytes, size, HIST__ZSTD_LEVEL);
        if (ZSTD_isError(len)) return PT_ENOMEM;
        if (len >= best) continue;
        best = len;
        out->len = start;
        uint8_t head[2] = { wide ? HIST__ENC_F64_PLANES : HIST__ENC_F32_PLANES, exclusive_or ? HIST__PLANES_XOR : 0 };
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
    uint8_t kind = wide ? HIST__ENC_F64_WORDS : HIST__ENC_F32_WORDS;
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
    while (slots < values * 2)
        slots *= 2;
    uint32_t *table = calloc(slots, sizeof *table); /* index + 1 into `first` */
    const hist_sample **first = calloc(values ? values : 1, sizeof *first);
    pt_status st = table && first ? PT_OK : PT_ENOMEM;
    for (size_t i = 0; st == PT_OK && i < n; i++) {
        if (!hist__has_value(&s[i])) continue;
        size_t h = (size_t)XXH64(s[i].as.ptr ? s[i].as.ptr : "", s[i].len, 0) & (slots - 1);
        for (; table[h]; h = (h + 1) & (slots - 1)) {
            const hist_sample *d = first[table[h] - 1];
            if (pt_slice_eq(pt_slice_of(d->as.ptr, d->len), pt_slice_of(s[i].as.ptr, s[i].len))) break;
        }
        if (!table[h]) {
            first[count] = &s[i];
            c->ints[count] = s[i].len;
            total += s[i].len;
            table[h] = (uint32_t)++count;
        }
        c->words[at++] = table[h] - 1;
    }
    uint8_t kind = HIST__ENC_BYTES;
    if (st == PT_OK) st = pt_buf_add(out, &kind, 1);
    if (st == PT_OK) st = put_varint(out, count);
    if (st == PT_OK) st = put_ints(c, c->ints, count, false, out);
    if (st == PT_OK) st = put_ints(c, c->words, values, false, out);
    size_t bound = ZSTD_compressBound(total);
    if (st == PT_OK) st = hist__codec_compressor(c) ? hist__codec_bytes(c, bound + 1) : PT_ENOMEM;
    if (st == PT_OK) {
        size_t len = 0;
        for (size_t k = 0; k < count; k++) {
            if (first[k]->len) memcpy(c->bytes + len, first[k]->as.ptr, first[k]->len);
            len += first[k]->len;
        }
        size_t packed = total > 32 ? ZSTD_compressCCtx(c->compress, c->packed, bound, c->bytes, total, HIST__ZSTD_LEVEL) : total;
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
    pt_status st = hist__codec_words(c, n);
    if (st != PT_OK) return st;
    pt_buf_reset(out);
    uint8_t head[10 + 2 * PT_VARINT_MAX] = { HIST__BLOCK_MAGIC, HIST__BLOCK_EXACT }, *p = head + 2;
    if (deviation >= 0) {
        uint64_t word;
        memcpy(&word, &deviation, sizeof word);
        head[1] = HIST__BLOCK_WITHIN;
        hist__store64(p, word);
        p += 8;
    }
    p = pt_varint_put(pt_varint_put(p, tag_id), n);
    if ((st = put(out, head, p)) != PT_OK) return st;
    if ((st = put_kinds(c, s, n, out)) != PT_OK) return st;

    hist__family family = HIST__NO_VALUES;
    for (size_t i = 0; i < n; i++)
        c->words[i] = (uint64_t)s[i].time_ms;
    if ((st = put_ints(c, c->words, n, true, out)) != PT_OK) return st;
    size_t values = 0;
    for (size_t i = 0; i < n; i++) {
        if (!hist__has_value(&s[i])) continue;
        family = hist__family_of_type(s[i].type);
        c->words[values++] = s[i].as.u64;
    }
    uint8_t kind = values == 0 ? HIST__ENC_NONE : HIST__ENC_INT;
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
