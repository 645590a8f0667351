/* historian/format/block.h -- a sealed block: some samples of one tag, in one compressed and checksummed run of bytes.
 *
 * Samples are ascending by key (time, STATE last at equal times), keys are unique, and all values in a block belong to one family: integers
 * (Boolean and DateTime among them), Double, Float, or byte strings. The byte layout is in docs/file-format.md, chapter 3.
 *
 * Value words are canonical here and everywhere below hist_append: a Float in the low 32 bits, a Boolean 0 or 1, no value: 0. */
#ifndef HIST_BLOCK_H
#define HIST_BLOCK_H
#include "base/arena.h"
#include "base/buf.h"
#include "historian/historian.h"
#include "historian/format/ints.h"

#define HIST__BLOCK_VERSION     2u
#define HIST__BLOCK_ROWS_MAX    16384u      /* rows in one block */
#define HIST__BLOCK_BYTES_MAX   (64u << 20) /* encoded; a single long value may fill it */
#define HIST__VALUE_BYTES_MAX   (16u << 20) /* one String, Bytes, array or document */
#define HIST__BLOCK_VALUE_BYTES (1u << 20)  /* a block of byte strings is cut at this many */

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
/* Sort by key; of equal keys the later added one stays. */
PT_MUST_CHECK pt_status hist__rows_sort(hist__rows *r);

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
 * codec is used again. Else columns->n is 0. */
PT_MUST_CHECK pt_status hist__block_decode_numbers(hist__codec *c, const void *bytes, size_t len, uint32_t *tag_id, hist__rows *out,
                                                   hist__columns *columns, pt_error *err);
#endif
