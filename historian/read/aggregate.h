/* historian/read/aggregate.h -- aggregates by name, over buckets of any edges; interpolation; time in each state; LTTB.
 *
 * Treatment of quality: a value counts when it is usable: GOOD or UNCERTAIN, not null, not NaN (OPC UA Part 13 with TreatUncertainAsBad =
 * false and UseSlopedExtrapolation = false); PercentGood and DurationGood are of values of any type, all else of numbers. BAD and STALE
 * samples and STATE rows end the time for which the value before them holds; they add to count and to the quality counts only.
 * Time-weighted figures hold a value until the next row (stepped), and never beyond now. */
#ifndef HIST_AGGREGATE_H
#define HIST_AGGREGATE_H
#include "historian/historian.h"

typedef enum hist_fn {                        /* name, OPC UA Part 13 alias */
                       HIST_FN_NUMBERS,       /* numbers, Count: usable ones */
                       HIST_FN_MIN,           /* min, Minimum */
                       HIST_FN_MAX,           /* max, Maximum */
                       HIST_FN_AVG,           /* avg, Average */
                       HIST_FN_TWA,           /* twa, TimeAverage */
                       HIST_FN_SUM,           /* sum */
                       HIST_FN_TOTAL,         /* total, Total: area in value x seconds */
                       HIST_FN_FIRST,         /* first, Start */
                       HIST_FN_LAST,          /* last, End */
                       HIST_FN_DELTA,         /* delta, Delta: last - first */
                       HIST_FN_RANGE,         /* range, Range: max - min */
                       HIST_FN_STDDEV,        /* stddev, StandardDeviationSample: n - 1; needs two values */
                       HIST_FN_STDDEV_POP,    /* stddev_pop, StandardDeviationPopulation */
                       HIST_FN_PERCENT_GOOD,  /* percent_good, PercentGood: of the bucket's time, that with a usable value of any type */
                       HIST_FN_DURATION_GOOD, /* duration_good, DurationGood: ms of it */
                       HIST_FN_SAMPLES,       /* samples: of any kind and quality, STATE rows aside; what SQL, HTTP and CLI call count */
                       HIST_FN_COUNT_         /* how many there are */
} hist_fn;
PT_MUST_CHECK pt_status hist_fn_parse(pt_slice name, hist_fn *out); /* either name; PT_ENOTFOUND */
const char *hist_fn_name(hist_fn fn);
/* false: the bucket has no such value (no usable numbers, too few). */
bool hist_fn_value(hist_fn fn, const hist_bucket *b, double *out);

/* Buckets between given edges (ascending, n + 1 of them for n buckets): days of a time zone with its clock changes, shifts, batches. */
PT_MUST_CHECK pt_status hist_buckets_at(hist *h, hist_line line, const int64_t *edges, size_t n_edges,
                                        bool (*each)(void *ctx, const hist_bucket *b), void *ctx, pt_error *err);

/* The value at from, from + interval, ... before `to` (OPC UA Interpolative). `linear`: on the line between the usable numbers around it,
 * else the one before (stepped). `there` is false where nothing holds: before the first, and inside a stretch that is not usable. */
PT_MUST_CHECK pt_status hist_interpolate(hist *h, hist_line line, int64_t from_ms, int64_t to_ms, int64_t interval_ms, bool linear,
                                         bool (*each)(void *ctx, int64_t t_ms, double value, bool there), void *ctx, pt_error *err);

/* How long each value held in [from, to), and how often it began: any type; `value` NULL: no usable value. Values in order of first
 * appearance, at most 10000 different ones (PT_ETOOBIG). What was before `from` counts from the start, a value or none; the last one until
 * now or `to`. */
PT_MUST_CHECK pt_status hist_durations(hist *h, hist_line line, int64_t from_ms, int64_t to_ms,
                                       bool (*each)(void *ctx, const hist_sample *value, int64_t ms, uint64_t times), void *ctx,
                                       pt_error *err);

/* At most `points` samples that look like the whole: largest triangle three buckets (Steinarsson 2013), over the extremes of four times as
 * many slices of time (MinMaxLTTB), so that memory is bounded. Beside them, in their place, at most as many samples that are no usable
 * numbers and STATE rows. */
PT_MUST_CHECK pt_status hist_lttb(hist *h, hist_line line, int64_t from_ms, int64_t to_ms, uint32_t points,
                                  bool (*each)(void *ctx, const hist_sample *s), void *ctx, uint64_t *raw_count, pt_error *err);
#endif
