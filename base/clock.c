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
    static const pt_clock clock = { system_wall_ms, system_mono_us };
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

void pt_fake_clock_init(pt_fake_clock *f, int64_t wall_ms)
{
    f->clock = (pt_clock){ fake_wall_ms, fake_mono_us };
    f->now_wall_ms = wall_ms;
    f->now_mono_us = 0;
}

void pt_fake_clock_advance(pt_fake_clock *f, int64_t ms)
{
    f->now_wall_ms += ms;
    f->now_mono_us += ms * 1000;
}

void pt_fake_clock_step_wall(pt_fake_clock *f, int64_t by_ms)
{
    f->now_wall_ms += by_ms;
}
