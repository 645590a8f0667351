/* tests/historian/samples.h -- samples, for tests with a store and without. */
#ifndef HIST_TEST_SAMPLES_H
#define HIST_TEST_SAMPLES_H
#include "historian/format/sample.h"

#include <string.h>

#define NOW  INT64_C(1750000000000)
#define DAY  INT64_C(86400000)
#define WEEK (7 * DAY)

static inline hist_sample f64(uint32_t tag, int64_t time_ms, double v)
{
    return (hist_sample){ .tag_id = tag, .time_ms = time_ms, .type = SPB_DOUBLE, .as.f64 = v };
}
static inline hist_sample i64(uint32_t tag, int64_t time_ms, int64_t v)
{
    return (hist_sample){ .tag_id = tag, .time_ms = time_ms, .type = SPB_INT64, .as.i64 = v };
}
static inline hist_sample str(uint32_t tag, int64_t time_ms, const char *v) /* borrows */
{
    return (hist_sample){ .tag_id = tag, .time_ms = time_ms, .type = SPB_STRING, .as.ptr = v, .len = (uint32_t)strlen(v) };
}
static inline hist_sample state_row(uint32_t tag, int64_t time_ms)
{
    return (hist_sample){ .tag_id = tag, .time_ms = time_ms, .type = SPB_DOUBLE, .flags = HIST_STATE, .quality = SPB_STALE };
}
#endif
