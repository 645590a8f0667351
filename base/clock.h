/* base/clock.h -- time comes from here and nowhere else.
 *
 * Wall time is milliseconds since 1970-01-01 UTC and may step; monotonic time is milliseconds
 * (microseconds for measuring) since an arbitrary start and never goes back. Everything that needs time takes a
 * `const pt_clock *`, so that tests turn the hands themselves. Any thread may ask. */
#ifndef PT_CLOCK_H
#define PT_CLOCK_H
#include <pthread.h>
#include <stdint.h>

/* A thread that waits for a clock (base/monitor.h fills it in). The clock calls `wake` when its hands were moved, on the thread that moved
 * them and without locks of its own; `pins` and the links belong to the clock. */
typedef struct pt_clock_waiter {
    void (*wake)(struct pt_clock_waiter *w);
    struct pt_clock_waiter *next, *prev;
    unsigned pins;
} pt_clock_waiter;

typedef struct pt_clock {
    int64_t (*wall_ms)(const struct pt_clock *clock);
    int64_t (*mono_us)(const struct pt_clock *clock);
    /* For a clock that does not run by itself; both NULL: it runs, and who waits for it sleeps. `leave` returns when no wake is under way;
     * it is called without any lock a wake takes. */
    void (*enter)(const struct pt_clock *clock, pt_clock_waiter *w);
    void (*leave)(const struct pt_clock *clock, pt_clock_waiter *w);
} pt_clock;

static inline int64_t pt_wall_ms(const pt_clock *c)
{
    return c->wall_ms(c);
}
static inline int64_t pt_mono_us(const pt_clock *c)
{
    return c->mono_us(c);
}
static inline int64_t pt_mono_ms(const pt_clock *c)
{
    return c->mono_us(c) / 1000;
}

/* The machine's clocks; static, valid for ever. */
const pt_clock *pt_clock_system(void);

/* A clock that stands still until told otherwise. Use as `&fake.clock`. Set and read from one
 * thread, or with atomics as here: advancing while other threads read is allowed. Advancing wakes who waits for it (base/monitor.h) and
 * returns when all were woken; the advancing thread holds no monitor. */
typedef struct pt_fake_clock {
    pt_clock clock; /* first member */
    _Atomic int64_t now_wall_ms;
    _Atomic int64_t now_mono_us;
    pthread_mutex_t lock; /* guards the waiters' links and pins */
    pthread_cond_t unpinned;
    pt_clock_waiter *waiters;
    unsigned n_waiters;
} pt_fake_clock;

void pt_fake_clock_init(pt_fake_clock *f, int64_t wall_ms);    /* mono starts at 0 */
void pt_fake_clock_advance(pt_fake_clock *f, int64_t ms);      /* both hands, ms >= 0 */
void pt_fake_clock_step_wall(pt_fake_clock *f, int64_t by_ms); /* wall only, either way: NTP steps */
/* How many threads wait for it now. A test that advances for one of them first waits until it is there. */
unsigned pt_fake_clock_waiters(pt_fake_clock *f);
#endif
