/* edge-node/filter.h -- report by exception: which values of a tag are worth sending. Pure.
 *
 * Deadband: a number is sent when it differs from the last sent one by more than `deadband`.
 * Exception reporting (PI): more than `exc_dev` from the last sent one, but not within exc_min_ms of it; after exc_max_ms without
 * one, the next value is sent anyway. When a value breaks out, the one just before it is sent too, so a straight line
 * between the stored points never leaves the band. Changes of quality, to and from null, and of anything that is no number are always sent.
 */
#ifndef EDGE_FILTER_H
#define EDGE_FILTER_H
#include <stdbool.h>
#include <stdint.h>

typedef struct edge_filter {
    double deadband;                /* >= 0, in units of the value */
    double exc_dev;                 /* > 0: exception reporting instead of the deadband */
    int64_t exc_min_ms, exc_max_ms; /* exc_max_ms 0: never by time */
} edge_filter;

typedef enum edge_verdict {
    EDGE_KEEP_QUIET,
    EDGE_REPORT,
    EDGE_REPORT_BOTH /* the previous value, then this one */
} edge_verdict;

/* Numbers only: the last reported value and its time, the new one. */
edge_verdict edge_filter_decide(const edge_filter *f, double last, int64_t last_ms, double value, int64_t now_ms);
#endif
