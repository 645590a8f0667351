/* historian/read/log.h -- everything committed, in commit order, from any point on: the change log.
 *
 * Every committed sample and event has a number `seq`, global, increasing and never reused. Events of a commit come before its samples. The
 * log reaches back as far as the journal does (log_bytes, log_age_ms of hist_options); beyond, history is in the blocks, without numbers. A
 * consumer keeps the last seq it has dealt with and asks for what came after. */
#ifndef HIST_LOG_H
#define HIST_LOG_H
#include "historian/historian.h"

typedef struct hist_change {
    uint64_t seq;
    const hist_sample *sample; /* one of the two; valid during the call */
    const hist_event *event;
} hist_change;

typedef struct hist_log_range {
    uint64_t oldest;     /* the first change that can be read; newest + 1 when there is none */
    uint64_t newest;     /* the last committed one; 0: none yet */
    uint64_t next_after; /* pass this as `after` next time */
} hist_log_range;

/* Changes with seq > `after`, at most `limit` (0: no bound), until `each` returns false (that change counts as dealt with). Memory: one
 * journal row. PT_OK also when there is nothing new. PT_ESTATE: what follows `after` is not kept any more; range->oldest says where reading
 * can begin. */
PT_MUST_CHECK pt_status hist_log_read(hist *h, uint64_t after, uint64_t limit, bool (*each)(void *ctx, const hist_change *c), void *ctx,
                                      hist_log_range *range, pt_error *err);
#endif
