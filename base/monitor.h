/* base/monitor.h -- a lock, what is waited for under it, and the one way to wait with a time.
 *
 *   pt_monitor_lock(&m);
 *   int64_t until = pt_deadline(clock, timeout_ms);
 *   while (!ready && pt_monitor_wait_until(&m, clock, until)) {}
 *   ... ready, or the time is over ...
 *   pt_monitor_unlock(&m);
 *
 * Deadlines are monotonic milliseconds of the clock that was handed in. The machine's clock runs while we sleep; a pt_fake_clock wakes its
 * waiters when it is advanced, so a test moves time and does not wait for it. Waiting may end early: ask again in a loop, as above.
 *
 * Caller's storage, initialised before and finished after all use by threads. A second thing to wait for under the same lock is a
 * pt_condition of its own. Not recursive. */
#ifndef PT_MONITOR_H
#define PT_MONITOR_H
#include "base/clock.h"
#include "base/status.h"
#include <stdbool.h>

#define PT_NEVER INT64_MAX /* a deadline that does not come */

typedef struct pt_condition {
    pthread_cond_t cond;
} pt_condition;

typedef struct pt_monitor {
    pthread_mutex_t mutex;
    pt_condition changed;
} pt_monitor;

/* PT_ENOMEM: the system has no more of them; then there is nothing to finish. */
PT_MUST_CHECK pt_status pt_monitor_init(pt_monitor *m);
void pt_monitor_fini(pt_monitor *m); /* nobody holds or waits */
PT_MUST_CHECK pt_status pt_condition_init(pt_condition *c);
void pt_condition_fini(pt_condition *c);

/* timeout_ms from now by the clock; < 0: PT_NEVER. */
int64_t pt_deadline(const pt_clock *clock, int64_t timeout_ms);

void pt_monitor_lock(pt_monitor *m);
void pt_monitor_unlock(pt_monitor *m);

/* With the lock, which is given away meanwhile and held again on return. false: the deadline is over (then nothing was waited for if it was
 * over before). true: woken, or early. PT_NEVER waits until woken. */
PT_MUST_CHECK bool pt_condition_wait_until(pt_condition *c, pt_monitor *m, const pt_clock *clock, int64_t deadline_ms);
void pt_condition_wait(pt_condition *c, pt_monitor *m);
void pt_condition_wake_one(pt_condition *c);
void pt_condition_wake_all(pt_condition *c);

/* The same for the monitor's own condition. */
PT_MUST_CHECK static inline bool pt_monitor_wait_until(pt_monitor *m, const pt_clock *clock, int64_t deadline_ms)
{
    return pt_condition_wait_until(&m->changed, m, clock, deadline_ms);
}
static inline void pt_monitor_wait(pt_monitor *m)
{
    pt_condition_wait(&m->changed, m);
}
static inline void pt_monitor_wake_one(pt_monitor *m)
{
    pt_condition_wake_one(&m->changed);
}
static inline void pt_monitor_wake_all(pt_monitor *m)
{
    pt_condition_wake_all(&m->changed);
}
#endif
