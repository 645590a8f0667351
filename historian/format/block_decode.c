/* historian/format/block_decode.c -- rows, or only their times and numbers, from the bytes of a block; every byte may be wrong. See
 * docs/file-format.md, chapter 3. */
#include "historian/format/block_format.h"

/* What has been read of a block so far. The columns are the codec's: times, index (which kind each row is of; with one kind not filled) and
 * words (of the rows with a value, one behind the other) with, for byte strings, ints and offsets. */
typedef struct walk {
    hist__codec *c;
    hist__reader r;
    uint8_t version, encoding;
    double deviation;
    uint32_t tag;
    size_t rows, values;
    uint32_t kinds[HIST__KINDS_MAX]; /* type << 16 | quality << 8 | flags */
    size_t n_kinds;
    char *dictionary; /* in the arena that was handed in */
    pt_error *err;
} walk;

static pt_status corrupt(pt_error *err, const char *what)
{
    return pt_fail(err, PT_ECORRUPT, "damaged block: %s", what);
}

static inline bool has_value(uint32_t kind)
{
    return (kind & (HIST_NULL | HIST_STATE)) == 0;
}

static inline uint32_t kind_of(const walk *w, size_t row)
{
    return w->kinds[w->n_kinds == 1 ? 0 : w->c->index[row]];
}

/* ---- columns -------------------------------------------------------------------------------------------------- */

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

/* The dictionary goes to `to`; c->words become the rows' entries, c->ints the entries' lengths, c->offsets where they begin. */
static bool get_bytes(walk *w, size_t n, pt_arena *to, pt_status *st)
{
    hist__codec *c = w->c;
    hist__reader *r = &w->r;
    uint64_t count = hist__get_varint(r);
    if (count == 0 || count > n || !hist__ints_decode(r, c->ints, (size_t)count) || !hist__ints_decode(r, c->words, n)) return false;
    uint64_t total = hist__get_varint(r), stored = hist__get_varint(r), sum = 0;
    if (total > HIST__BLOCK_BYTES_MAX || stored > total) return false;
    const uint8_t *p = hist__get_bytes(r, (size_t)stored);
    if (!p) return false;
    for (size_t k = 0; k < count; k++) {
        if (c->ints[k] > total - sum) return false;
        c->offsets[k] = sum;
        sum += c->ints[k];
    }
    if (sum != total) return false;
    for (size_t i = 0; i < n; i++) {
        if (c->words[i] >= count) return false;
    }
    char *d = hist__codec_decompressor(c) ? pt_arena_alloc(to, (size_t)total) : NULL;
    if (!d) {
        *st = PT_ENOMEM;
        return false;
    }
    if (stored == total) memcpy(d, p, (size_t)total);
    else if (ZSTD_decompressDCtx(c->decompress, d, (size_t)total, p, (size_t)stored) != total) return false;
    w->dictionary = d;
    return true;
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
    const uint64_t type = kind >> 16 & 255u, quality = kind >> 8 & 255u, flags = kind & 255u;
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): all of them have 64 bits */
    return tag_id | type << 32 | quality << 40 | flags << 48;
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

/* ---- the walk ------------------------------------------------------------------------------------------------ */

/* Up to the kinds. `bytes` may be NULL when len is 0. */
static pt_status read_head(walk *w, const void *bytes, size_t len)
{
    if (len < 8 || *(const uint8_t *)bytes != HIST__BLOCK_MAGIC) return corrupt(w->err, "not a block");
    if (hist__load32((const uint8_t *)bytes + len - 4) != hist__checksum(bytes, len - 4)) return corrupt(w->err, "checksum");
    hist__reader *r = &w->r;
    *r = (hist__reader){ .p = (const uint8_t *)bytes + 1, .end = (const uint8_t *)bytes + len, .ok = true };
    w->version = hist__get_u8(r);
    if (w->version != HIST__BLOCK_EXACT && w->version != HIST__BLOCK_WITHIN)
        return pt_fail(w->err, PT_EUNSUPPORTED, "block version %u", w->version);
    r->end -= 4;
    w->deviation = 0;
    if (w->version == HIST__BLOCK_WITHIN) {
        const uint8_t *p = hist__get_bytes(r, 8);
        uint64_t word = p ? hist__load64(p) : UINT64_MAX;
        memcpy(&w->deviation, &word, sizeof w->deviation);
        if (!(w->deviation >= 0)) return corrupt(w->err, "deviation");
    }
    uint64_t tag = hist__get_varint(r), rows = hist__get_varint(r);
    if (!r->ok || tag > UINT32_MAX || rows == 0 || rows > HIST__BLOCK_ROWS_MAX) return corrupt(w->err, "counts");
    w->tag = (uint32_t)tag;
    w->rows = (size_t)rows;
    return PT_OK;
}

static pt_status read_kinds(walk *w)
{
    const uint8_t flags = HIST_NULL | HIST_HISTORICAL | HIST_STATE | (w->version == HIST__BLOCK_WITHIN ? HIST_THINNED : 0);
    w->n_kinds = hist__get_u8(&w->r);
    const uint8_t *p = hist__get_bytes(&w->r, w->n_kinds * 3);
    if (!p || w->n_kinds == 0) return corrupt(w->err, "kinds");
    for (size_t k = 0; k < w->n_kinds; k++, p += 3) {
        w->kinds[k] = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        if (p[1] > SPB_STALE || p[0] >= SPB_DATATYPE_COUNT || (p[2] & ~flags)) return corrupt(w->err, "kinds");
    }
    return PT_OK;
}

/* Which kind each row is of, where there are several. */
static pt_status read_kind_of_each(walk *w)
{
    if (w->n_kinds == 1) return PT_OK;
    if (!hist__ints_decode(&w->r, w->c->index, w->rows)) return corrupt(w->err, "kinds");
    for (size_t i = 0; i < w->rows; i++) {
        if (w->c->index[i] >= w->n_kinds) return corrupt(w->err, "kinds");
    }
    return PT_OK;
}

static pt_status read_times(walk *w)
{
    const uint64_t *times = w->c->times;
    if (!hist__ints_decode(&w->r, w->c->times, w->rows)) return corrupt(w->err, "times");
    if (all_ascending(times, w->rows)) return PT_OK;
    for (size_t i = 1; i < w->rows; i++) {
        bool state = (kind_of(w, i) & HIST_STATE) != 0, state_before = (kind_of(w, i - 1) & HIST_STATE) != 0;
        if (hist__key_cmp((int64_t)times[i - 1], state_before, (int64_t)times[i], state) >= 0) return corrupt(w->err, "order of times");
    }
    return PT_OK;
}

/* How the values are written, and how many there are. No kind of row may claim a family that is not there. */
static pt_status read_encoding(walk *w)
{
    w->encoding = hist__get_u8(&w->r);
    if (!w->r.ok || w->encoding > HIST__ENC_BYTES) return corrupt(w->err, "value encoding");
    const hist__family family = family_of_encoding(w->encoding);
    for (size_t k = 0; k < w->n_kinds; k++) {
        if (has_value(w->kinds[k]) && (family == HIST__NO_VALUES || hist__family_of_type(w->kinds[k] >> 16) != family))
            return corrupt(w->err, "value family");
    }
    w->values = w->n_kinds == 1 && has_value(w->kinds[0]) ? w->rows : 0;
    for (size_t i = 0; w->n_kinds > 1 && i < w->rows; i++)
        w->values += has_value(w->kinds[w->c->index[i]]);
    if ((w->values == 0) != (w->encoding == HIST__ENC_NONE)) return corrupt(w->err, "value count");
    return PT_OK;
}

static bool get_words32(hist__codec *c, hist__reader *r, size_t n)
{
    if (!hist__ints_decode(r, c->words, n)) return false;
    uint64_t all = 0;
    for (size_t i = 0; i < n; i++)
        all |= c->words[i];
    return all <= UINT32_MAX;
}

static pt_status read_values(walk *w, pt_arena *to)
{
    hist__codec *c = w->c;
    hist__reader *r = &w->r;
    const size_t n = w->values;
    pt_status st = PT_OK;
    bool ok = true;
    switch (w->encoding) {
    case HIST__ENC_NONE: break;
    case HIST__ENC_INT:
    case HIST__ENC_F64_WORDS: ok = hist__ints_decode(r, c->words, n); break;
    case HIST__ENC_F32_WORDS: ok = get_words32(c, r, n); break;
    case HIST__ENC_F64_DECIMAL: ok = get_decimals(c, r, true, n); break;
    case HIST__ENC_F32_DECIMAL: ok = get_decimals(c, r, false, n); break;
    case HIST__ENC_F64_PLANES: ok = get_planes(c, r, true, n, &st); break;
    case HIST__ENC_F32_PLANES: ok = get_planes(c, r, false, n, &st); break;
    default: ok = get_bytes(w, n, to, &st); break;
    }
    if (st != PT_OK) return st;
    if (!ok) return corrupt(w->err, "values");
    return r->p == r->end ? PT_OK : corrupt(w->err, "bytes left over");
}

static pt_status check_booleans(const walk *w)
{
    const uint64_t *words = w->c->words;
    uint64_t all = 0;
    bool any = false;
    for (size_t k = 0; k < w->n_kinds; k++)
        any |= has_value(w->kinds[k]) && w->kinds[k] >> 16 == SPB_BOOLEAN;
    if (any && w->n_kinds == 1) {
        for (size_t i = 0; i < w->rows; i++)
            all |= words[i];
    } else if (any) {
        for (size_t i = 0, at = 0; i < w->rows; i++) {
            uint32_t kind = kind_of(w, i);
            if (!has_value(kind)) continue;
            if (kind >> 16 == SPB_BOOLEAN) all |= words[at];
            at++;
        }
    }
    return all <= 1 ? PT_OK : corrupt(w->err, "a Boolean that is neither true nor false");
}

/* The whole block into the codec's columns, byte strings into `to`. */
static pt_status read_block(walk *w, const void *bytes, size_t len, pt_arena *to)
{
    pt_status st = read_head(w, bytes, len);
    if (st == PT_OK) st = hist__codec_words(w->c, w->rows);
    if (st == PT_OK) st = read_kinds(w);
    if (st == PT_OK) st = read_kind_of_each(w);
    if (st == PT_OK) st = read_times(w);
    if (st == PT_OK) st = read_encoding(w);
    if (st == PT_OK) st = read_values(w, to);
    return st == PT_OK ? check_booleans(w) : st;
}

/* ---- what is made of the columns ------------------------------------------------------------------------------ */

/* Nearly every block: one kind of row, all with a number. */
static void put_numbers(hist_sample *restrict s, const uint64_t *restrict times, const uint64_t *restrict words, size_t n, uint64_t kind)
{
    for (size_t i = 0; i < n; i++)
        put_row(&s[i], times[i], kind, words[i]);
}

static void put_any(const walk *w, hist_sample *s)
{
    const uint64_t *times = w->c->times, *words = w->c->words, *offsets = w->c->offsets, *lengths = w->c->ints;
    const bool texts = w->encoding == HIST__ENC_BYTES;
    const size_t n = w->rows;
    for (size_t i = 0; i < n; i++) {
        const uint32_t kind = kind_of(w, i);
        const bool full = has_value(kind);
        const uint64_t word = full ? *words++ : 0;
        put_row(&s[i], times[i], kind_word(w->tag, kind), full && !texts ? word : 0);
        if (!full || !texts) continue;
        s[i].as.ptr = w->dictionary + offsets[word];
        s[i].len = (uint32_t)lengths[word];
    }
}

static pt_status append_rows(const walk *w, hist__rows *out)
{
    pt_status st = hist__rows_reserve(out, w->rows);
    if (st != PT_OK) return st;
    if (w->n_kinds == 1 && has_value(w->kinds[0]) && w->encoding != HIST__ENC_BYTES)
        put_numbers(out->s + out->n, w->c->times, w->c->words, w->rows, kind_word(w->tag, w->kinds[0]));
    else put_any(w, out->s + out->n);
    if (w->deviation > out->deviation) out->deviation = w->deviation;
    out->n += w->rows;
    return PT_OK;
}

/* All GOOD, with a number each, none HIST_THINNED: words become doubles. */
static bool become_numbers(const walk *w)
{
    const uint32_t good = (uint32_t)SPB_GOOD << 8;
    return w->n_kinds == 1 && (w->kinds[0] & 0xffffu & ~(uint32_t)HIST_HISTORICAL) == good && w->encoding != HIST__ENC_BYTES &&
           to_numbers(w->c->words, w->rows, w->kinds[0] >> 16);
}

pt_status hist__block_family(const void *bytes, size_t len, hist__family *out, pt_error *err)
{
    walk w = { .err = err };
    *out = HIST__NO_VALUES;
    pt_status st = read_head(&w, bytes, len);
    if (st == PT_OK) st = read_kinds(&w);
    if (st != PT_OK) return st;
    for (size_t k = 0; k < w.n_kinds && *out == HIST__NO_VALUES; k++) {
        if (has_value(w.kinds[k])) *out = hist__family_of_type(w.kinds[k] >> 16);
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
    walk w;
    w.c = c;
    w.err = err;
    if (columns) columns->n = 0;
    pt_status st = read_block(&w, bytes, len, &out->bytes);
    if (st != PT_OK) return st;
    if (columns && become_numbers(&w))
        *columns = (hist__columns){ .times = (const int64_t *)c->times, .values = (const double *)(const void *)c->words, .n = w.rows };
    else st = append_rows(&w, out);
    if (st == PT_OK && tag_id) *tag_id = w.tag;
    return st;
}
