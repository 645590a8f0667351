/* host/query/changes.h -- the historian's change log as JSON: what GET /api/v1/log answers, and `plantree log` makes of a directory itself.
 */
#ifndef HOST_CHANGES_H
#define HOST_CHANGES_H
#include "base/json.h"
#include "historian/read/log.h"

/* A page ends at the first of these that is reached, however few items it has then. */
enum { HOST_CHANGES_PAGE_BYTES = 16 << 20, HOST_CHANGES_LOOKED_AT = 1000000 };

typedef struct host_changes_query {
    bool from_oldest;  /* from the first change that is kept, instead of behind `after` */
    bool int64_string; /* integers beyond 2^53 as JSON strings */
    uint64_t after;
    uint64_t limit;    /* items; 0: no bound */
    uint64_t look_at;  /* changes, whether selected or not; 0: HOST_CHANGES_LOOKED_AT */
    size_t page_bytes; /* 0: HOST_CHANGES_PAGE_BYTES */
    pt_slice select;   /* comma-separated path globs; '!' before one excludes, exclusions alone: all others. Absent or empty: everything */
} host_changes_query;

/* Appends {"items":[...],"next_after":N,"oldest":N,"newest":N} to `out`, whose maximum bounds a single item: one whose value has no room as
 * JSON has null and its bytes as base64. range->next_after is that of the answer; equal to `after`: nothing was new. PT_ESTATE: what
 * follows `after` is not kept any more. PT_EINVAL: `after` lies behind the newest. Both with *range and a text for the reader. */
PT_MUST_CHECK pt_status host_changes_page(hist *h, const host_changes_query *q, pt_buf *out, hist_log_range *range, pt_error *err);

/* The members of an event as the API writes it, without its number. */
void host_event_members(pt_json *j, const hist_event *e);
#endif
