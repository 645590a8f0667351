/* tests/base/queue_test.c */
#include "base/clock.h"
#include "base/queue.h"
#include "tests/support/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static int items[1000];

static void order_is_kept_and_bounds_hold(void)
{
    pt_queue *q;
    void *got[10];
    pt_queue_stats s;
    CHECK_OK_FATAL(pt_queue_new(3, 100, &q));
    CHECK_OK(pt_queue_try_push(q, &items[0], 40));
    CHECK_OK(pt_queue_try_push(q, &items[1], 60));
    CHECK_STATUS(pt_queue_try_push(q, &items[2], 1), PT_EFULL); /* weight */
    CHECK_OK(pt_queue_try_push(q, &items[2], 0));
    CHECK_STATUS(pt_queue_try_push(q, &items[3], 0), PT_EFULL); /* items */
    CHECK_STATUS(pt_queue_push(q, &items[3], 0, 1), PT_ETIMEOUT);
    pt_queue_stats_get(q, &s);
    CHECK(s.items == 3 && s.weight == 100 && s.max_items == 3 && s.max_weight == 100 && s.pushed == 3 && s.refused == 3);
    CHECK_INT(pt_queue_pop(q, got, 2, 0, NULL), 2);
    CHECK(got[0] == &items[0] && got[1] == &items[1]);
    CHECK_INT(pt_queue_pop(q, got, 10, 0, NULL), 1);
    CHECK_INT(pt_queue_pop(q, got, 10, 0, NULL), 0);
    CHECK_INT(pt_queue_pop(q, got, 10, 1, NULL), 0);
    CHECK_OK(pt_queue_try_push(q, &items[0], 1000)); /* heavier than the bound, but alone */
    CHECK_STATUS(pt_queue_try_push(q, &items[1], 0), PT_OK);
    CHECK_STATUS(pt_queue_try_push(q, &items[1], 1), PT_EFULL);
    pt_queue_free(q, NULL);
    CHECK_STATUS(pt_queue_new(0, 1, &q), PT_EINVAL);
    CHECK_STATUS(pt_queue_new(SIZE_MAX, 1, &q), PT_ETOOBIG);
    pt_queue_free(NULL, NULL);
}

static int dropped;
static void drop(void *item)
{
    (void)item;
    dropped++;
}

static void after_the_close_the_rest_is_drained(void)
{
    pt_queue *q;
    void *got[4];
    bool closed = true;
    CHECK_OK_FATAL(pt_queue_new(4, 4, &q));
    CHECK_OK(pt_queue_try_push(q, &items[0], 1));
    CHECK_OK(pt_queue_try_push(q, &items[1], 1));
    pt_queue_close(q);
    pt_queue_close(q);
    CHECK_STATUS(pt_queue_try_push(q, &items[2], 1), PT_ECLOSED);
    CHECK_STATUS(pt_queue_push(q, &items[2], 1, -1), PT_ECLOSED);
    CHECK_INT(pt_queue_pop(q, got, 1, -1, &closed), 1);
    CHECK(!closed);
    dropped = 0;
    pt_queue_free(q, drop);
    CHECK_INT(dropped, 1);
    CHECK_OK_FATAL(pt_queue_new(4, 4, &q));
    pt_queue_close(q);
    CHECK_INT(pt_queue_pop(q, got, 1, -1, &closed), 0);
    CHECK(closed);
    pt_queue_free(q, NULL);
}

enum { PRODUCERS = 4, CONSUMERS = 3, EACH = 20000 };
static _Atomic uint64_t sum_in, sum_out;
static _Atomic int count_out;

static void *produce(void *arg)
{
    pt_queue *q = arg;
    for (uintptr_t i = 1; i <= EACH; i++) {
        if (pt_queue_push(q, (void *)i, i % 7, -1)) abort();
        sum_in += i;
    }
    return NULL;
}

static void *consume(void *arg)
{
    pt_queue *q = arg;
    void *got[16];
    bool closed = false;
    while (!closed) {
        size_t n = pt_queue_pop(q, got, 16, 50, &closed);
        for (size_t i = 0; i < n; i++)
            sum_out += (uintptr_t)got[i];
        count_out += (int)n;
    }
    return NULL;
}

static void many_threads_lose_and_double_nothing(void)
{
    pt_queue *q;
    pthread_t p[PRODUCERS], c[CONSUMERS];
    CHECK_OK_FATAL(pt_queue_new(8, 20, &q));
    for (int i = 0; i < CONSUMERS; i++)
        CHECK_FATAL(pthread_create(&c[i], NULL, consume, q) == 0);
    for (int i = 0; i < PRODUCERS; i++)
        CHECK_FATAL(pthread_create(&p[i], NULL, produce, q) == 0);
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(p[i], NULL);
    pt_queue_close(q);
    for (int i = 0; i < CONSUMERS; i++)
        pthread_join(c[i], NULL);
    CHECK_INT(count_out, PRODUCERS * EACH);
    CHECK(sum_in == sum_out);
    pt_queue_free(q, NULL);
}

static void *wait_for_room(void *arg)
{
    return (void *)(uintptr_t)pt_queue_push(arg, &items[0], 1, -1);
}

static void a_close_wakes_who_waits_for_room(void)
{
    pt_queue *q;
    pthread_t t;
    void *st;
    CHECK_OK_FATAL(pt_queue_new(1, 1, &q));
    CHECK_OK(pt_queue_try_push(q, &items[0], 1));
    CHECK_FATAL(pthread_create(&t, NULL, wait_for_room, q) == 0);
    pt_queue_close(q); /* before or while it waits: the same answer */
    pthread_join(t, &st);
    CHECK_INT((uintptr_t)st, PT_ECLOSED);
    pt_queue_free(q, NULL);
}

static void a_timeout_is_neither_early_nor_endless(void)
{
    pt_queue *q;
    void *got[1];
    CHECK_OK_FATAL(pt_queue_new(1, 1, &q));
    int64_t before = pt_mono_ms(pt_clock_system());
    CHECK_INT(pt_queue_pop(q, got, 1, 20, NULL), 0);
    int64_t took = pt_mono_ms(pt_clock_system()) - before;
    CHECK(took >= 19 && took < 5000);
    pt_queue_free(q, NULL);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(order_is_kept_and_bounds_hold), PT_TEST(after_the_close_the_rest_is_drained),
                                     PT_TEST(many_threads_lose_and_double_nothing), PT_TEST(a_close_wakes_who_waits_for_room),
                                     PT_TEST(a_timeout_is_neither_early_nor_endless) };
    return pt_test_main("base/queue", tests, PT_COUNT_OF(tests), argc, argv);
}
