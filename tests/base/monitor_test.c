/* tests/base/monitor_test.c -- who waits is woken by what it waits for, or by its clock, and by nothing else. */
#include "base/monitor.h"
#include "tests/support/check.h"

#include <sched.h>

enum { WAITERS = 8, ROUNDS = 2000 };

typedef struct stand {
    pt_monitor m;
    pt_fake_clock clock;
    bool ready;
    int over, met; /* waits that ended by the deadline, and by what was waited for */
} stand;

typedef struct sleeper {
    stand *s;
    int64_t deadline_ms;
    pthread_t thread;
} sleeper;

static void open_stand(stand *s)
{
    *s = (stand){ .ready = false };
    pt_fake_clock_init(&s->clock, 1000);
    CHECK_OK_FATAL(pt_monitor_init(&s->m));
}

static void *sleep_on(void *ctx)
{
    sleeper *z = ctx;
    stand *s = z->s;
    pt_monitor_lock(&s->m);
    while (!s->ready && pt_monitor_wait_until(&s->m, &s->clock.clock, z->deadline_ms)) {}
    if (s->ready) s->met++;
    else s->over++;
    pt_monitor_unlock(&s->m);
    return NULL;
}

static void start(sleeper *z, stand *s, int64_t deadline_ms)
{
    *z = (sleeper){ .s = s, .deadline_ms = deadline_ms };
    CHECK_FATAL(pthread_create(&z->thread, NULL, sleep_on, z) == 0);
}

/* Until so many threads wait for the clock's hands. */
static void until_waiting(stand *s, unsigned n)
{
    while (pt_fake_clock_waiters(&s->clock) != n)
        sched_yield();
}

static int over(stand *s)
{
    pt_monitor_lock(&s->m);
    int n = s->over;
    pt_monitor_unlock(&s->m);
    return n;
}

static void a_deadline_is_reckoned_by_the_clock(void)
{
    pt_fake_clock f;
    pt_fake_clock_init(&f, 0);
    pt_fake_clock_advance(&f, 5000);
    CHECK_INT(pt_deadline(&f.clock, 0), 5000);
    CHECK_INT(pt_deadline(&f.clock, 250), 5250);
    CHECK(pt_deadline(&f.clock, -1) == PT_NEVER);
    CHECK(pt_deadline(&f.clock, INT64_MAX) == PT_NEVER);
    CHECK(pt_deadline(&f.clock, INT64_MAX - 5000) == PT_NEVER);
}

static void a_deadline_that_is_over_is_not_waited_for(void)
{
    stand s;
    open_stand(&s);
    pt_fake_clock_advance(&s.clock, 100);
    pt_monitor_lock(&s.m);
    CHECK(!pt_monitor_wait_until(&s.m, &s.clock.clock, 100));
    CHECK(!pt_monitor_wait_until(&s.m, &s.clock.clock, INT64_MIN / 2));
    CHECK(!pt_monitor_wait_until(&s.m, pt_clock_system(), pt_deadline(pt_clock_system(), 0)));
    pt_monitor_unlock(&s.m);
    pt_monitor_fini(&s.m);
}

static void the_machines_clock_ends_a_wait(void)
{
    stand s;
    open_stand(&s);
    const pt_clock *clock = pt_clock_system();
    int64_t until = pt_deadline(clock, 20);
    pt_monitor_lock(&s.m);
    while (pt_monitor_wait_until(&s.m, clock, until)) {}
    pt_monitor_unlock(&s.m);
    CHECK(pt_mono_ms(clock) >= until);
    pt_monitor_fini(&s.m);
}

/* Ten hours pass at once, and a second less wakes nobody for good. */
static void a_fake_clock_moved_past_the_deadline_ends_the_wait(void)
{
    enum { HOURS = 36000000 };
    stand s;
    sleeper z;
    open_stand(&s);
    start(&z, &s, HOURS);
    until_waiting(&s, 1);
    pt_fake_clock_advance(&s.clock, HOURS - 1000);
    until_waiting(&s, 1);
    CHECK_INT(over(&s), 0);
    pt_fake_clock_advance(&s.clock, 1000);
    CHECK(pthread_join(z.thread, NULL) == 0);
    CHECK_INT(s.over, 1);
    CHECK_INT(s.met, 0);
    CHECK_INT(pt_fake_clock_waiters(&s.clock), 0);
    pt_monitor_fini(&s.m);
}

static void each_waiter_has_its_own_deadline(void)
{
    stand s;
    sleeper z[WAITERS];
    open_stand(&s);
    for (int i = 0; i < WAITERS; i++)
        start(&z[i], &s, (i + 1) * 10);
    until_waiting(&s, WAITERS);
    for (int i = 0; i < WAITERS; i++) {
        pt_fake_clock_advance(&s.clock, 10);
        CHECK(pthread_join(z[i].thread, NULL) == 0);
        CHECK_INT(over(&s), i + 1);
    }
    pt_monitor_fini(&s.m);
}

static void what_is_waited_for_ends_the_wait_before_the_deadline(void)
{
    stand s;
    sleeper z[WAITERS];
    open_stand(&s);
    for (int i = 0; i < WAITERS; i++)
        start(&z[i], &s, i % 2 ? 10 : PT_NEVER);
    until_waiting(&s, WAITERS / 2); /* for ever is for no clock */
    pt_monitor_lock(&s.m);
    s.ready = true;
    pt_monitor_wake_all(&s.m);
    pt_monitor_unlock(&s.m);
    for (int i = 0; i < WAITERS; i++)
        CHECK(pthread_join(z[i].thread, NULL) == 0);
    CHECK_INT(s.met, WAITERS);
    CHECK_INT(s.over, 0);
    pt_monitor_fini(&s.m);
}

/* Two things under one lock. */
typedef struct pair {
    pt_monitor m;
    pt_condition full;
    int items, taken;
} pair;

static void *take_all(void *ctx)
{
    pair *p = ctx;
    pt_monitor_lock(&p->m);
    while (p->taken < ROUNDS) {
        while (!p->items)
            pt_monitor_wait(&p->m);
        p->items--;
        p->taken++;
        pt_condition_wake_one(&p->full);
    }
    pt_monitor_unlock(&p->m);
    return NULL;
}

static void a_second_condition_is_woken_by_itself(void)
{
    pair p = { .items = 0 };
    pthread_t taker;
    CHECK_OK_FATAL(pt_monitor_init(&p.m));
    CHECK_OK_FATAL(pt_condition_init(&p.full));
    CHECK_FATAL(pthread_create(&taker, NULL, take_all, &p) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        pt_monitor_lock(&p.m);
        while (p.items)
            pt_condition_wait(&p.full, &p.m);
        p.items++;
        pt_monitor_wake_one(&p.m);
        pt_monitor_unlock(&p.m);
    }
    CHECK(pthread_join(taker, NULL) == 0);
    CHECK_INT(p.taken, ROUNDS);
    pt_condition_fini(&p.full);
    pt_monitor_fini(&p.m);
}

/* Threads come and go while the hands move: no wake is lost, none reaches a waiter that has left. */
static void *wait_again_and_again(void *ctx)
{
    sleeper *z = ctx;
    for (int i = 0; i < ROUNDS; i++) {
        pt_monitor_lock(&z->s->m);
        int64_t until = pt_deadline(&z->s->clock.clock, 1 + i % 3);
        while (pt_monitor_wait_until(&z->s->m, &z->s->clock.clock, until)) {}
        z->s->over++;
        pt_monitor_unlock(&z->s->m);
    }
    return NULL;
}

static void no_wake_is_lost_while_waiters_come_and_go(void)
{
    stand s;
    sleeper z[WAITERS];
    open_stand(&s);
    for (int i = 0; i < WAITERS; i++) {
        z[i] = (sleeper){ .s = &s };
        CHECK_FATAL(pthread_create(&z[i].thread, NULL, wait_again_and_again, &z[i]) == 0);
    }
    while (over(&s) < WAITERS * ROUNDS)
        pt_fake_clock_advance(&s.clock, 1);
    for (int i = 0; i < WAITERS; i++)
        CHECK(pthread_join(z[i].thread, NULL) == 0);
    CHECK_INT(s.over, WAITERS * ROUNDS);
    CHECK_INT(pt_fake_clock_waiters(&s.clock), 0);
    pt_monitor_fini(&s.m);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_deadline_is_reckoned_by_the_clock),   PT_TEST(a_deadline_that_is_over_is_not_waited_for),
        PT_TEST(the_machines_clock_ends_a_wait),        PT_TEST(a_fake_clock_moved_past_the_deadline_ends_the_wait),
        PT_TEST(each_waiter_has_its_own_deadline),      PT_TEST(what_is_waited_for_ends_the_wait_before_the_deadline),
        PT_TEST(a_second_condition_is_woken_by_itself), PT_TEST(no_wake_is_lost_while_waiters_come_and_go),
    };
    return pt_test_main("base/monitor", tests, PT_COUNT_OF(tests), argc, argv);
}
