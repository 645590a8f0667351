/* tests/base/queue_test.c */
#include "base/queue.h"
#include "tests/support/check.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static int items[5];

static void order_is_kept_and_bounds_hold(void)
{
    pt_queue *q;
    void *got[10];
    CHECK_OK_FATAL(pt_queue_new(3, 100, &q));
    CHECK_INT(pt_queue_pop(q, got, 10), 0);
    CHECK_OK(pt_queue_try_push(q, &items[0], 40));
    CHECK_OK(pt_queue_try_push(q, &items[1], 60));
    CHECK_STATUS(pt_queue_try_push(q, &items[2], 1), PT_EFULL); /* weight */
    CHECK_OK(pt_queue_try_push(q, &items[2], 0));
    CHECK_STATUS(pt_queue_try_push(q, &items[3], 0), PT_EFULL); /* items */
    CHECK_INT(pt_queue_pop(q, got, 2), 2);
    CHECK(got[0] == &items[0] && got[1] == &items[1]);
    CHECK_INT(pt_queue_pop(q, got, 10), 1);
    CHECK(got[0] == &items[2]);
    CHECK_INT(pt_queue_pop(q, got, 10), 0);
    CHECK_OK(pt_queue_try_push(q, &items[0], 1000)); /* heavier than the bound, but alone */
    CHECK_OK(pt_queue_try_push(q, &items[1], 0));
    CHECK_STATUS(pt_queue_try_push(q, &items[1], 1), PT_EFULL);
    CHECK_INT(pt_queue_pop(q, got, 1), 1);
    CHECK_OK(pt_queue_try_push(q, &items[2], 100)); /* room again, and all of it */
    pt_queue_free(q, NULL);
    CHECK_STATUS(pt_queue_new(0, 1, &q), PT_EINVAL);
    CHECK_STATUS(pt_queue_new(1, 0, &q), PT_EINVAL);
    CHECK_STATUS(pt_queue_new(SIZE_MAX, 1, &q), PT_ETOOBIG);
    pt_queue_free(NULL, NULL);
}

static int dropped;
static void drop(void *item)
{
    dropped += item != &items[0];
}

static void what_is_still_inside_is_dropped_with_it(void)
{
    pt_queue *q;
    void *got[1];
    CHECK_OK_FATAL(pt_queue_new(4, 4, &q));
    for (int i = 0; i < 3; i++)
        CHECK_OK(pt_queue_try_push(q, &items[i], 1));
    CHECK_INT(pt_queue_pop(q, got, 1), 1);
    dropped = 0;
    pt_queue_free(q, drop);
    CHECK_INT(dropped, 2);
}

enum { PRODUCERS = 4, CONSUMERS = 3, EACH = 20000 };
static _Atomic uint64_t sum_in, sum_out;
static _Atomic int count_out;

static void *produce(void *arg)
{
    pt_queue *q = arg;
    for (uintptr_t i = 1; i <= EACH; i++) {
        while (pt_queue_try_push(q, (void *)i, i % 7) != PT_OK)
            sched_yield();
        sum_in += i;
    }
    return NULL;
}

static void *consume(void *arg)
{
    pt_queue *q = arg;
    void *got[16];
    while (count_out < PRODUCERS * EACH) {
        size_t n = pt_queue_pop(q, got, 16);
        for (size_t i = 0; i < n; i++)
            sum_out += (uintptr_t)got[i];
        count_out += (int)n;
        if (!n) sched_yield();
    }
    return NULL;
}

static void many_threads_lose_and_double_nothing(void)
{
    pt_queue *q;
    void *got[1];
    pthread_t p[PRODUCERS], c[CONSUMERS];
    CHECK_OK_FATAL(pt_queue_new(8, 20, &q));
    for (int i = 0; i < CONSUMERS; i++)
        CHECK_FATAL(pthread_create(&c[i], NULL, consume, q) == 0);
    for (int i = 0; i < PRODUCERS; i++)
        CHECK_FATAL(pthread_create(&p[i], NULL, produce, q) == 0);
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(p[i], NULL);
    for (int i = 0; i < CONSUMERS; i++)
        pthread_join(c[i], NULL);
    CHECK_INT(count_out, PRODUCERS * EACH);
    CHECK(sum_in == sum_out);
    CHECK_INT(pt_queue_pop(q, got, 1), 0);
    pt_queue_free(q, NULL);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(order_is_kept_and_bounds_hold), PT_TEST(what_is_still_inside_is_dropped_with_it),
                                     PT_TEST(many_threads_lose_and_double_nothing) };
    return pt_test_main("base/queue", tests, PT_COUNT_OF(tests), argc, argv);
}
