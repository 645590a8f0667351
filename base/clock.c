/* base/clock.c -- the system's clocks and the tests' clock. */
#include "base/clock.h"

#include <time.h>

static int64_t system_wall_ms(const pt_clock *c)
{
    struct timespec ts;
    (void)c;
    clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail for this id */
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t system_mono_us(const pt_clock *c)
{
    struct timespec ts;
    (void)c;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

const pt_clock *pt_clock_system(void)
{
    static const pt_clock clock = { .wall_ms = system_wall_ms, .mono_us = system_mono_us };
    return &clock;
}

static int64_t fake_wall_ms(const pt_clock *c)
{
    return ((const pt_fake_clock *)(const void *)c)->now_wall_ms;
}

static int64_t fake_mono_us(const pt_clock *c)
{
    return ((const pt_fake_clock *)(const void *)c)->now_mono_us;
}

/* The clock is const to those who only read it; its waiters are not part of what it shows. */
static pt_fake_clock *fake_of(const pt_clock *c)
{
    return (pt_fake_clock *)(uintptr_t)c;
}

static void fake_enter(const pt_clock *c, pt_clock_waiter *w)
{
    pt_fake_clock *f = fake_of(c);
    pthread_mutex_lock(&f->lock);
    w->pins = 0;
    w->prev = NULL;
    w->next = f->waiters;
    if (w->next) w->next->prev = w;
    f->waiters = w;
    f->n_waiters++;
    pthread_mutex_unlock(&f->lock);
}

static void fake_leave(const pt_clock *c, pt_clock_waiter *w)
{
    pt_fake_clock *f = fake_of(c);
    pthread_mutex_lock(&f->lock);
    while (w->pins)
        pthread_cond_wait(&f->unpinned, &f->lock);
    if (w->next) w->next->prev = w->prev;
    if (w->prev) w->prev->next = w->next;
    else f->waiters = w->next;
    f->n_waiters--;
    pthread_mutex_unlock(&f->lock);
}

void pt_fake_clock_init(pt_fake_clock *f, int64_t wall_ms)
{
    *f = (pt_fake_clock){ .clock = { fake_wall_ms, fake_mono_us, fake_enter, fake_leave },
                          .now_wall_ms = wall_ms,
                          .lock = PTHREAD_MUTEX_INITIALIZER,
                          .unpinned = PTHREAD_COND_INITIALIZER };
}

/* Each is woken without the clock's lock, for it takes the waiter's; the pin keeps it in the list meanwhile. Who comes later sees the new
 * time already. */
void pt_fake_clock_advance(pt_fake_clock *f, int64_t ms)
{
    f->now_wall_ms += ms;
    f->now_mono_us += ms * 1000;
    pthread_mutex_lock(&f->lock);
    for (pt_clock_waiter *w = f->waiters; w; w = w->next) {
        w->pins++;
        pthread_mutex_unlock(&f->lock);
        w->wake(w);
        pthread_mutex_lock(&f->lock);
        if (--w->pins == 0) pthread_cond_broadcast(&f->unpinned);
    }
    pthread_mutex_unlock(&f->lock);
}

unsigned pt_fake_clock_waiters(pt_fake_clock *f)
{
    pthread_mutex_lock(&f->lock);
    unsigned n = f->n_waiters;
    pthread_mutex_unlock(&f->lock);
    return n;
}

void pt_fake_clock_step_wall(pt_fake_clock *f, int64_t by_ms)
{
    f->now_wall_ms += by_ms;
}
