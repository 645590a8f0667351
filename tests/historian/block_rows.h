/* tests/historian/block_rows.h -- rows of one tag for the block codec's tests. */
#ifndef HIST_TEST_BLOCK_ROWS_H
#define HIST_TEST_BLOCK_ROWS_H
#include "historian/format/format.h"

#include <string.h>

static inline hist_sample block_row(int64_t t, uint8_t type, uint64_t word)
{
    return (hist_sample){ .time_ms = t, .tag_id = 77, .type = type, .as.u64 = word };
}

static inline uint64_t word64(double v)
{
    uint64_t w;
    memcpy(&w, &v, sizeof w);
    return w;
}

static inline uint64_t word32(float v)
{
    uint32_t w;
    memcpy(&w, &v, sizeof w);
    return w;
}
#endif
