/* historian/format/block_decode.c -- rows, or only their times and numbers, from the bytes of a block; every byte may be wrong. See
 * docs/file-format.md, chapter 3. */
#include "historian/format/block_format.h"

static bool get_kinds(hist__reader *r, uint8_t version, uint32_t kinds[HIST__KINDS_MAX], size_t *count)
{
    const uint8_t flags = HIST_NULL | HIST_HISTORICAL | HIST_STATE | (version == HIST__BLOCK_WITHIN ? HIST_THINNED : 0);
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
    if (e > HIST__DECIMALS_MAX || !hist__ints_decode(r, c->words, n)) return false;
    const double power = hist__powers[e];
    const uint64_t half = UINT64_C(1) << 51;
    uint64_t large = 0;
    for (size_t i = 0; wide && i < n; i++)
        large |= c->words[i] + half;
    size_t done = 0;
    if (wide &&
        large < 2 * half) { /* with its bits behind those of 1.5 * 2^52, an integer is a double without being converted: two at once */
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
    if (!p || flags > HIST__PLANES_XOR) return false;
    if ((*st = hist__codec_decompressor(c) ? hist__codec_bytes(c, size) : PT_ENOMEM) != PT_OK) return false;
    if (ZSTD_decompressDCtx(c->decompress, c->bytes, size, p, (size_t)len) != size) return false;
    uint64_t before = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t w = 0;
        for (size_t b = 0; b < width; b++)
            w |= (uint64_t)c->bytes[b * n + i] << (8 * b);
        if (flags & HIST__PLANES_XOR) w ^= before;
        c->words[i] = before = w;
    }
    return true;
}

/* Dictionary bytes go to out->bytes at *dictionary; c->words become the indexes, c->ints the lengths, c->index the offsets (the kinds,
 * which were there, are already in the rows). */
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
    char *d = hist__codec_decompressor(c) ? pt_arena_alloc(&out->bytes, (size_t)total) : NULL;
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
    case HIST__ENC_INT: return HIST__INT;
    case HIST__ENC_F64_DECIMAL:
    case HIST__ENC_F64_WORDS:
    case HIST__ENC_F64_PLANES: return HIST__F64;
    case HIST__ENC_F32_DECIMAL:
    case HIST__ENC_F32_WORDS:
    case HIST__ENC_F32_PLANES: return HIST__F32;
    case HIST__ENC_BYTES: return HIST__BYTES;
    default: return HIST__NO_VALUES;
    }
}

/* tag_id, type, quality, flags and reserved as they stand in a hist_sample. */
static inline uint64_t kind_word(uint32_t tag_id, uint32_t kind)
{
    return tag_id | (uint64_t)(kind >> 16 & 255u) << 32 | (uint64_t)(kind >> 8 & 255u) << 40 | (uint64_t)(kind & 255u) << 48;
}
_Static_assert(sizeof(hist_sample) == 32 && offsetof(hist_sample, tag_id) == 8 && offsetof(hist_sample, type) == 12 &&
                   offsetof(hist_sample, quality) == 13 && offsetof(hist_sample, flags) == 14 && offsetof(hist_sample, as) == 16 &&
                   offsetof(hist_sample, len) == 24,
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
    for (size_t i = 1; i < n; i++)
        steps |= times[i] - times[i - 1] - 1;
    if (steps < UINT64_C(1) << 48 && (int64_t)times[n - 1] >= (int64_t)times[0]) return true; /* so few short steps do not go round */
    bool ascending = true;
    for (size_t i = 1; i < n; i++)
        ascending &= (int64_t)times[i - 1] < (int64_t)times[i];
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
    const bool positive = hist__is_unsigned(type);
    uint64_t nan64 = 0, nan32 = 0; /* the top bit (bit 31) is set by what lies beyond infinity */
    if (family == HIST__F64)
        for (size_t i = 0; i < n; i++)
            nan64 |= (words[i] & INT64_MAX) + UINT64_C(0x000fffffffffffff);
    if (family == HIST__F32)
        for (size_t i = 0; i < n; i++)
            nan32 |= (words[i] & INT32_MAX) + 0x007fffffu;
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
    if (len < 8 || *(const uint8_t *)bytes != HIST__BLOCK_MAGIC) return corrupt(err, "not a block");
    if (hist__load32((const uint8_t *)bytes + len - 4) != hist__checksum(bytes, len - 4)) return corrupt(err, "checksum");
    *r = (hist__reader){ .p = (const uint8_t *)bytes + 1, .end = (const uint8_t *)bytes + len, .ok = true };
    out->version = hist__get_u8(r);
    if (out->version != HIST__BLOCK_EXACT && out->version != HIST__BLOCK_WITHIN)
        return pt_fail(err, PT_EUNSUPPORTED, "block version %u", out->version);
    r->end -= 4;
    if (out->version == HIST__BLOCK_WITHIN) {
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
    uint32_t kinds[HIST__KINDS_MAX];
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

pt_status hist__block_decode_numbers(hist__codec *c, const void *bytes, size_t len, uint32_t *tag_id, hist__rows *out,
                                     hist__columns *columns, pt_error *err)
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
    st = hist__codec_words(c, n);
    if (st == PT_OK) st = hist__rows_reserve(out, n);
    if (st != PT_OK) return st;

    uint32_t kinds[HIST__KINDS_MAX];
    size_t count = 0;
    if (!get_kinds(&r, version, kinds, &count) || (count > 1 && !get_kind_indexes(c, &r, n, count))) return corrupt(err, "kinds");
    hist_sample *s = out->s + out->n;
    /* Nearly every block: one kind of row, all with a number. Its rows are put together once, at the end, from the times (in c->ints) and
     * values. */
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
    if (!r.ok || encoding > HIST__ENC_BYTES) return corrupt(err, "value encoding");
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
        for (size_t i = 0; i < n; i++)
            values += hist__has_value(&s[i]);
    if ((values == 0) != (encoding == HIST__ENC_NONE)) return corrupt(err, "value count");

    char *dictionary = NULL;
    bool ok = true;
    switch (encoding) {
    case HIST__ENC_NONE: break;
    case HIST__ENC_INT: ok = hist__ints_decode(&r, c->words, values); break;
    case HIST__ENC_F64_WORDS: ok = hist__ints_decode(&r, c->words, values); break;
    case HIST__ENC_F32_WORDS:
        ok = hist__ints_decode(&r, c->words, values);
        for (size_t i = 0; ok && i < values; i++)
            ok = c->words[i] <= UINT32_MAX;
        break;
    case HIST__ENC_F64_DECIMAL: ok = get_decimals(c, &r, true, values); break;
    case HIST__ENC_F32_DECIMAL: ok = get_decimals(c, &r, false, values); break;
    case HIST__ENC_F64_PLANES: ok = get_planes(c, &r, true, values, &st); break;
    case HIST__ENC_F32_PLANES: ok = get_planes(c, &r, false, values, &st); break;
    default: ok = get_bytes(c, &r, values, out, &dictionary, &st); break;
    }
    if (st != PT_OK) return st;
    if (!ok) return corrupt(err, "values");
    if (r.p != r.end) return corrupt(err, "bytes left over");

    if (encoding == HIST__ENC_BYTES) {
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
        if (columns && (kinds[0] & 0xffffu & ~(uint32_t)HIST_HISTORICAL) == (uint32_t)SPB_GOOD << 8 &&
            to_numbers(c->words, n, kinds[0] >> 16)) {
            *columns = (hist__columns){ .times = (const int64_t *)times, .values = (const double *)(const void *)c->words, .n = n };
            return PT_OK;
        }
        const uint64_t *words = c->words;
        for (size_t i = 0; i < n; i++)
            put_row(&s[i], times[i], kind, words[i]);
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
