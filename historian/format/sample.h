/* historian/format/sample.h -- one sample of one tag, and what may be left out of many: the part of the format that the historian's users
 * see.
 *
 * Plain values without state; every function may be called from any thread. */
#ifndef HIST_SAMPLE_H
#define HIST_SAMPLE_H
#include "sparkplug/value.h"

enum {
    HIST_NULL = 1u << 0,       /* a sample without a value (is_null) */
    HIST_HISTORICAL = 1u << 1, /* arrived flagged is_historical */
    HIST_STATE = 1u << 2,      /* a quality change without a sample: node death, stale; no value; never counted as data */
    HIST_THINNED = 1u << 3     /* samples between the row before and this one were left out (historian/format/format.h): set on reading, and
                                * by an import on what was exported so; never by a source */
};

typedef struct hist_sample { /* 32 bytes; the hot path's unit */
    int64_t time_ms;
    uint32_t tag_id;
    uint8_t type;    /* spb_datatype */
    uint8_t quality; /* spb_quality */
    uint8_t flags;
    uint8_t reserved;
    union {
        int64_t i64;
        uint64_t u64;
        float f32;
        double f64;
        bool boolean;
        const char *ptr; /* STRING, BYTES, ARRAY, DATASET, TEMPLATE: `len` bytes */
    } as;
    uint32_t len;
} hist_sample;

/* Between the two forms; slices borrow. */
void hist_sample_from_value(hist_sample *s, uint32_t tag_id, int64_t time_ms, const spb_value *v, spb_quality q);
void hist_sample_value(const hist_sample *s, spb_value *out);

/* Leaving samples of some tags out on request; rules and bound in historian/format/format.h. A deviation that is NaN or negative: that
 * test is not made. */
typedef struct hist_deviation {
    const char *tags;         /* glob over the tag's present path (base/glob.h); the first rule that matches counts */
    double exc_dev, comp_dev; /* in the tag's unit */
    int64_t exc_min_ms, exc_max_ms, comp_min_ms, comp_max_ms; /* 0: none */
} hist_deviation;
#endif
