/* base/backoff.h -- waiting times between attempts: exponential with full jitter on the upper half. Pure. */
#ifndef PT_BACKOFF_H
#define PT_BACKOFF_H
#include "base/random.h"

typedef struct pt_backoff {
    int64_t min_ms, max_ms; /* 0 < min <= max */
    uint32_t failures;      /* since the last success */
    pt_random random;
} pt_backoff;

static inline void pt_backoff_reset(pt_backoff *b)
{
    b->failures = 0;
}
/* How long to wait after one more failure: between half and all of min * 2^n, capped at max. */
static inline int64_t pt_backoff_next(pt_backoff *b)
{
    int64_t full = b->min_ms;
    for (uint32_t i = 0; i < b->failures && full < b->max_ms; i++)
        full *= 2;
    if (full > b->max_ms) full = b->max_ms;
    if (b->failures < 63) b->failures++;
    return full - (int64_t)(pt_random_unit(&b->random) * (double)full / 2);
}
#endif
