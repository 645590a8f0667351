/* base/monitor.c -- see monitor.h. Locks are taken in this order: a monitor, then a fake clock's; the clock wakes without its own. */
#include "base/monitor.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

typedef struct waiter {
    pt_clock_waiter in_clock; /* first member */
    pt_monitor *m;
    pt_condition *c;
} waiter;

pt_status pt_condition_init(pt_condition *c)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0) return PT_ENOMEM;
    int rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    if (rc == 0) rc = pthread_cond_init(&c->cond, &attr);
    (void)pthread_condattr_destroy(&attr);
    return rc == 0 ? PT_OK : PT_ENOMEM;
}

void pt_condition_fini(pt_condition *c)
{
    (void)pthread_cond_destroy(&c->cond);
}

pt_status pt_monitor_init(pt_monitor *m)
{
    if (pthread_mutex_init(&m->mutex, NULL) != 0) return PT_ENOMEM;
    pt_status st = pt_condition_init(&m->changed);
    if (st != PT_OK) (void)pthread_mutex_destroy(&m->mutex);
    return st;
}

void pt_monitor_fini(pt_monitor *m)
{
    pt_condition_fini(&m->changed);
    (void)pthread_mutex_destroy(&m->mutex);
}

int64_t pt_deadline(const pt_clock *clock, int64_t timeout_ms)
{
    int64_t now = pt_mono_ms(clock);
    return timeout_ms < 0 || timeout_ms > PT_NEVER - now ? PT_NEVER : now + timeout_ms;
}

void pt_monitor_lock(pt_monitor *m)
{
    (void)pthread_mutex_lock(&m->mutex); /* a default mutex that is used rightly does not fail */
}

void pt_monitor_unlock(pt_monitor *m)
{
    (void)pthread_mutex_unlock(&m->mutex);
}

void pt_condition_wait(pt_condition *c, pt_monitor *m)
{
    (void)pthread_cond_wait(&c->cond, &m->mutex);
}

void pt_condition_wake_one(pt_condition *c)
{
    (void)pthread_cond_signal(&c->cond);
}

void pt_condition_wake_all(pt_condition *c)
{
    (void)pthread_cond_broadcast(&c->cond);
}

/* A clock that runs: sleep for as long as it has left. */
static bool sleep_until(pt_condition *c, pt_monitor *m, int64_t left_ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at); /* cannot fail for this id */
    at.tv_sec += (time_t)(left_ms / 1000);
    at.tv_nsec += (long)(left_ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return pthread_cond_timedwait(&c->cond, &m->mutex, &at) != ETIMEDOUT;
}

/* With the lock, so that who looked at the clock before it moved is asleep by now and hears it. */
static void wake(pt_clock_waiter *w)
{
    waiter *self = (waiter *)(void *)w;
    pt_monitor_lock(self->m);
    pt_condition_wake_all(self->c);
    pt_monitor_unlock(self->m);
}

/* A clock that is moved by somebody. */
static bool wait_for_hands(pt_condition *c, pt_monitor *m, const pt_clock *clock, int64_t deadline_ms)
{
    waiter self = { .in_clock = { .wake = wake }, .m = m, .c = c };
    clock->enter(clock, &self.in_clock);
    if (pt_mono_ms(clock) < deadline_ms) pt_condition_wait(c, m);
    pt_monitor_unlock(m); /* a wake under way wants it */
    clock->leave(clock, &self.in_clock);
    pt_monitor_lock(m);
    return pt_mono_ms(clock) < deadline_ms;
}

bool pt_condition_wait_until(pt_condition *c, pt_monitor *m, const pt_clock *clock, int64_t deadline_ms)
{
    if (deadline_ms == PT_NEVER) {
        pt_condition_wait(c, m);
        return true;
    }
    int64_t left = deadline_ms - pt_mono_ms(clock);
    if (left <= 0) return false;
    return clock->enter ? wait_for_hands(c, m, clock, deadline_ms) : sleep_until(c, m, left);
}
