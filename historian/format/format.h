/* historian/format/format.h -- what the bytes of the historian's files mean: rows, sealed blocks, journal rows, and which samples are left
 * out.
 *
 * The one header of this folder for its neighbours (historian/format/sample.h is for everybody); the others are its own. Nothing here does
 * I/O, reads a clock or keeps state outside what the caller owns: a function may be called from any thread, with a codec or rows of its
 * own. The byte layouts are in docs/file-format.md, chapters 3 and 4. */
#ifndef HIST_FORMAT_H
#define HIST_FORMAT_H
#include "base/arena.h"
#include "base/buf.h"
#include "historian/format/sample.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <xxhash.h>

/* ---- bytes ---------------------------------------------------------------------------------------------------
 *
 * Everything on disk is little-endian. A hist_sample's union is read and written as one 64-bit word (a Float in the low four bytes, a
 * Boolean as 0 or 1), which the assertion below makes right. */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "samples keep their value word in memory as on disk");

static inline uint32_t hist__load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline uint64_t hist__load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline void hist__store32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, sizeof v);
}
static inline void hist__store64(uint8_t *p, uint64_t v)
{
    memcpy(p, &v, sizeof v);
}

/* What blocks and journal rows end with: the low 32 bits of XXH64 with seed 0. */
static inline uint32_t hist__checksum(const void *bytes, size_t n)
{
    return (uint32_t)XXH64(bytes, n, 0);
}

/* Two at once: every 64-bit processor this runs on has registers of 16 bytes, and the compiler makes do where one has not. */
typedef uint64_t hist__words2 __attribute__((vector_size(16)));
typedef int64_t hist__ints2 __attribute__((vector_size(16)));
typedef double hist__doubles2 __attribute__((vector_size(16)));

/* ---- rows ----------------------------------------------------------------------------------------------------
 *
 * Value words are canonical here and everywhere below hist_append: a Float in the low 32 bits, a Boolean 0 or 1, no value: 0. */

typedef enum hist__family { HIST__NO_VALUES, HIST__INT, HIST__F64, HIST__F32, HIST__BYTES } hist__family;
/* Of the sample's value; NO_VALUES for null and state rows and for types that can't be stored. */
extern const uint8_t hist__families[SPB_DATATYPE_COUNT];
static inline hist__family hist__family_of_type(uint32_t type)
{
    return (hist__family)(type < SPB_DATATYPE_COUNT ? hist__families[type] : HIST__NO_VALUES);
}
static inline bool hist__has_value(const hist_sample *s)
{
    return (s->flags & (HIST_NULL | HIST_STATE)) == 0;
}
static inline bool hist__is_state(const hist_sample *s)
{
    return (s->flags & HIST_STATE) != 0;
}
/* Order of rows: by time, a sample before a state change of the same millisecond. */
static inline int hist__key_cmp(int64_t a_ms, bool a_state, int64_t b_ms, bool b_state)
{
    return a_ms != b_ms ? (a_ms < b_ms ? -1 : 1) : (int)a_state - (int)b_state;
}
/* Same content, the HISTORICAL mark left aside: storing `b` over `a` changes nothing anybody asks for. */
bool hist__same_content(const hist_sample *a, const hist_sample *b);
/* As a number for aggregates: a value that is GOOD or UNCERTAIN, of a number type, and not NaN. */
bool hist__usable_number(const hist_sample *s, double *out);

/* Rows with their bytes. `s` and `bytes` are owned; the rows' pointers go into `bytes`. */
typedef struct hist__rows {
    hist_sample *s;
    size_t n, cap;
    double deviation; /* the largest that the blocks these rows were decoded from state; 0: nothing was left out */
    pt_arena bytes;
} hist__rows;
void hist__rows_init(hist__rows *r);
void hist__rows_fini(hist__rows *r);
void hist__rows_reset(hist__rows *r); /* empty, storage kept */
PT_MUST_CHECK pt_status hist__rows_reserve(hist__rows *r, size_t more);
/* Append copies; byte values are copied into r->bytes. */
PT_MUST_CHECK pt_status hist__rows_add(hist__rows *r, const hist_sample *s, size_t n);
/* Whether keys ascend and are unique, as blocks and pending rows must be. */
bool hist__keys_ascend(const hist_sample *s, size_t n);
/* Sort by key; of equal keys the later added one stays. */
PT_MUST_CHECK pt_status hist__rows_sort(hist__rows *r);
/* Among rows in ascending order: the first at or after that time, n: none. */
size_t hist__rows_lower(const hist_sample *s, size_t n, int64_t time_ms);
/* And the last one at or before it, STATE rows only when `states`; NULL: none. */
const hist_sample *hist__rows_last(const hist_sample *s, size_t n, int64_t at_ms, bool states);
PT_MUST_CHECK pt_status hist__sample_dup(const hist_sample *s, pt_arena *arena, hist_sample *out); /* with its bytes. PT_ENOMEM */

/* ---- blocks --------------------------------------------------------------------------------------------------
 *
 * A sealed block: some samples of one tag, in one compressed and checksummed run of bytes. They are ascending by key (time, STATE last at
 * equal times), keys are unique, and all values in a block belong to one family: integers (Boolean and DateTime among them), Double, Float,
 * or byte strings. */

#define HIST__BLOCK_ROWS_MAX    16384u      /* rows in one block */
#define HIST__BLOCK_BYTES_MAX   (64u << 20) /* encoded; a single long value may fill it */
#define HIST__VALUE_BYTES_MAX   (16u << 20) /* one String, Bytes, array or document */
#define HIST__BLOCK_VALUE_BYTES (1u << 20)  /* a block of byte strings is cut at this many */

/* What a block says about itself without being decoded. Numbers are of usable rows (hist__usable_number). */
typedef struct hist__summary {
    int64_t t0, t1;                       /* of the first and last row */
    uint32_t rows;                        /* all */
    uint32_t samples;                     /* without STATE rows */
    uint32_t good, uncertain, bad, stale; /* of the samples */
    uint32_t nulls;                       /* samples without a value */
    uint32_t nums;                        /* usable numbers; the rest is 0 when there are none */
    int64_t num_t0, num_t1;               /* of the first and last usable number */
    double min, max, sum, first, last;
    double m2;       /* sum of squared distances from the mean */
    double area;     /* sum of value x ms until the next row (on the line to it where that is HIST_THINNED), over all rows but the last */
    int64_t area_ms; /* ms that `area` covers: those after a usable number */
    bool open;       /* the last row is a usable number: it holds on behind t1 */
    bool line;       /* the first row is a Double or Float with HIST_THINNED: a straight line leads to it from the row before the block */
} hist__summary;
void hist__summarize(const hist_sample *s, size_t n, hist__summary *out);

/* Room and contexts for one thread's encoding and decoding. */
typedef struct hist__codec hist__codec;
PT_MUST_CHECK pt_status hist__codec_new(hist__codec **out);
void hist__codec_free(hist__codec *c);

/* How many of the first rows go into one block: at most `max` (one more when a state change of the same millisecond follows, so that
 * blocks never share a time), of one family, within HIST__BLOCK_VALUE_BYTES. At least 1; max >= 1. */
size_t hist__block_cut(const hist_sample *s, size_t n, size_t max);
/* Encode rows that fit one block (hist__block_cut) into `out`, which is emptied first. PT_ENOMEM, PT_ETOOBIG. */
PT_MUST_CHECK pt_status hist__block_encode(hist__codec *c, uint32_t tag_id, const hist_sample *s, size_t n, pt_buf *out);
/* The same, stating that samples left out are not farther than `deviation` (0..infinity) from what stands for them; for rows with
 * HIST_THINNED. */
PT_MUST_CHECK pt_status hist__block_encode_within(hist__codec *c, uint32_t tag_id, const hist_sample *s, size_t n, double deviation,
                                                  pt_buf *out);
/* Append the rows to `out`; *tag_id may be NULL. PT_ECORRUPT with the reason, PT_EUNSUPPORTED for a newer version, PT_ENOMEM; `out` has
 * then no new rows. */
PT_MUST_CHECK pt_status hist__block_decode(hist__codec *c, const void *bytes, size_t len, uint32_t *tag_id, hist__rows *out, pt_error *err);
/* Of a block's values, from its head alone; NO_VALUES: none of its rows has one. The checksum is looked at. PT_ECORRUPT. */
PT_MUST_CHECK pt_status hist__block_family(const void *bytes, size_t len, hist__family *out, pt_error *err);

/* Rows that are all GOOD usable numbers, none of them HIST_THINNED: what sums over them need. */
typedef struct hist__columns {
    const int64_t *times; /* ascending */
    const double *values;
    size_t n;
} hist__columns;
/* As hist__block_decode, but a block of such rows is not made into rows: `out` stays as it is and *columns has them (n > 0), until the
 * codec is used again. Else columns->n is 0. `columns` may be NULL: rows in any case. */
PT_MUST_CHECK pt_status hist__block_decode_numbers(hist__codec *c, const void *bytes, size_t len, uint32_t *tag_id, hist__rows *out,
                                                   hist__columns *columns, pt_error *err);

/* ---- journal rows --------------------------------------------------------------------------------------------
 *
 * Samples of many tags in arrival order, compact and checksummed. Cheap to write: about ten bytes and a few nanoseconds per sample. */

/* Append the row's bytes to `out`. PT_ENOMEM, PT_ETOOBIG. */
PT_MUST_CHECK pt_status hist__journal_encode(const hist_sample *s, size_t n, pt_buf *out);
/* Several rows in one, compressed: what sealed rows become. `rows` holds them one behind the other, each with its length (a varint) before
 * it; they have `samples` in all, and their change numbers follow without a gap. PT_ENOMEM, PT_ETOOBIG. */
PT_MUST_CHECK pt_status hist__journal_pack(const pt_buf *rows, uint64_t samples, pt_buf *out);
bool hist__journal_is_packed(const void *bytes, size_t len);
/* Append the row's samples to `out`; of a packed row, those of all rows in it. PT_ECORRUPT, PT_EUNSUPPORTED (a newer version), PT_ENOMEM;
 * `out` has then no new rows. */
PT_MUST_CHECK pt_status hist__journal_decode(const void *bytes, size_t len, hist__rows *out, pt_error *err);

/* ---- leaving samples out -------------------------------------------------------------------------------------
 *
 * Exception and compression deviation, with PI's names and rules.
 *
 * It happens when a tag's committed samples are sealed: the journal, and with it the change log, has every sample. Runs of usable numbers
 * of one type, quality and flags are thinned; everything else (nulls, BAD, STALE, STATE rows, texts, NaN and infinities) and the first and
 * last of each run stay.
 *
 *   exception    a sample passes when it is more than exc_dev from the last that passed and not within exc_min of it, or exc_max after it;
 * the sample before it passes with it. compression  of those that passed, one is kept when the next would leave the swinging door: the
 * slopes from the kept one before that miss no sample between by more than comp_dev. Not within comp_min of the one before; no gap longer
 * than comp_max where there are samples. Types that are stepped (all but Double and Float): kept when it is more than comp_dev from the
 * kept one before.
 *
 * A kept sample behind which others were left out carries HIST_THINNED: up to it, Double and Float go in a straight line from the row
 * before, other types hold the value of the row before. Each block states the largest distance of any sample left out from what so stands
 * for it; with exc_min and comp_min 0 it is at most comp_dev + 2 exc_dev. A late sample that falls between two kept ones is left out when
 * it is within that; otherwise it is kept and what the block states grows by its distance (to infinity: unknown, when it is no usable
 * number). */
enum { HIST__KEPT, HIST__EXCEPTION, HIST__COMPRESSION }; /* what became of a row, and why */

/* Judge n rows (ascending unique keys): why[i] is one of the above. The first and the last row are kept. Returns the largest distance. */
double hist__thin(const hist_deviation *d, const hist_sample *s, size_t n, uint8_t *why);

/* Does a thinned stretch end at this row in a straight line? */
static inline bool hist__is_line(const hist_sample *s)
{
    return (s->flags & HIST_THINNED) && (s->type == SPB_DOUBLE || s->type == SPB_FLOAT);
}

/* How far `s` is from what stands for it between rows a and b; b carries HIST_THINNED. Infinite when it can't be said: another type or
 * quality, no number. */
double hist__distance(const hist_sample *a, const hist_sample *b, const hist_sample *s);

/* Put n late rows among the rows of blocks, which state `rows->deviation`: those left out are counted in *left, the others are appended to
 * `rows` (which must be sorted afterwards) and may widen rows->deviation. `thin` false: nothing is left out. */
PT_MUST_CHECK pt_status hist__thin_late(hist__rows *rows, const hist_sample *s, size_t n, bool thin, uint64_t *left);
#endif
