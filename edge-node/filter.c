/* edge-node/filter.c -- see filter.h. A NaN is worth sending when the other one is a number. */
#include "edge-node/filter.h"

#include <math.h>

edge_verdict edge_filter_decide(const edge_filter *f, double last, int64_t last_ms, double value, int64_t now_ms)
{
    bool differs = !(value == last) && !(isnan(value) && isnan(last));
    double by = fabs(value - last); /* NaN and infinities: not <= any band */
    if (f->exc_dev > 0) {
        int64_t since = now_ms - last_ms;
        if (f->exc_max_ms > 0 && since >= f->exc_max_ms) return EDGE_REPORT;
        if (!differs || by <= f->exc_dev || (since >= 0 && since < f->exc_min_ms)) return EDGE_KEEP_QUIET;
        return EDGE_REPORT_BOTH;
    }
    return differs && !(by <= f->deadband) ? EDGE_REPORT : EDGE_KEEP_QUIET;
}
