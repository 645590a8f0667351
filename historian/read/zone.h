/* historian/read/zone.h -- a time zone by its IANA name, and intervals aligned to its calendar: days of 23 and 25 hours, weeks, months,
 * years.
 *
 * Read from the system's TZif files (RFC 8536, package tzdata), 64-bit data and the rule behind it. The C library's zone is process-wide
 * state and is left alone. A zone is immutable once opened: any thread. "UTC" needs no file. */
#ifndef HIST_ZONE_H
#define HIST_ZONE_H
#include "base/slice.h"
#include "base/status.h"

typedef struct hist_zone hist_zone;

/* `dir` NULL: /usr/share/zoneinfo. PT_EINVAL: no name of a zone. PT_ENOTFOUND: none of this name here. PT_EMALFORMED: the file is damaged.
 */
PT_MUST_CHECK pt_status hist_zone_open(const char *dir, pt_slice name, hist_zone **out, pt_error *err);
void hist_zone_close(hist_zone *z);                           /* NULL allowed */
int32_t hist_zone_offset(const hist_zone *z, int64_t utc_ms); /* seconds east of UTC then */

/* An interval of wall-clock time: `ms`, or else `months` (years: 12). ms divides a day, or is whole days; 7 days: weeks from Monday, other
 * numbers of days are counted from 1970-01-01. */
typedef struct hist_span {
    int64_t ms, months;
} hist_span;
/* 90s, 15m, 8h, 1d, 2w; and 1mo, 3mo, 1y. PT_EMALFORMED / PT_EINVAL with the reason: 7m divides no day. */
PT_MUST_CHECK pt_status hist_span_parse(pt_slice text, hist_span *out, pt_error *err);

/* The edges of the intervals in [from, to): from, every beginning of an interval between, to. A day in which the clock is changed has 23 or
 * 25 hours; intervals of an hour or less come twice in the hour that does, longer ones keep their wall-clock beginnings. At most `max`
 * edges: PT_ETOOBIG. *edges is malloc'ed, owned by the caller; *n >= 2 when from < to, else 0. */
PT_MUST_CHECK pt_status hist_zone_edges(const hist_zone *z, hist_span span, int64_t from_ms, int64_t to_ms, size_t max, int64_t **edges,
                                        size_t *n, pt_error *err);
#endif
