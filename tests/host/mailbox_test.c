/* tests/host/mailbox_test.c */
#include "host/ingest/mailbox.h"
#include "tests/support/check.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

static pt_status push(host_mailbox *b, uint16_t server, const char *topic, const char *payload, int64_t timeout_ms)
{
    host_mail m = { .server = server, .wall_ms = 7 };
    return host_mailbox_push(b, &m, pt_cstr(topic), pt_cstr(payload), timeout_ms, NULL);
}

static void what_is_pushed_is_taken_whole_and_in_order(void)
{
    host_mailbox *b;
    host_mail m;
    pt_slice topic = PT_NONE, payload = PT_NONE;
    bool closed;
    CHECK_OK_FATAL(host_mailbox_new(1 << 20, pt_clock_system(), &b));
    CHECK(host_mailbox_take(b, 0, &closed).len == 0 && !closed);
    CHECK_OK(push(b, 1, "a/topic", "odd", 0));
    CHECK_OK(push(b, 2, "", "", 0));
    CHECK_OK(push(b, 3, "x", "a longer payload", 0));
    host_mailbox_stats s;
    host_mailbox_stats_get(b, &s);
    CHECK_INT(s.items, 3);
    pt_slice rest = host_mailbox_take(b, 0, &closed);
    CHECK_OK(push(b, 4, "later", "later", 0)); /* does not disturb what was taken */
    CHECK(host_mail_next(&rest, &m, &topic, &payload) && m.server == 1 && m.wall_ms == 7);
    CHECK_STR(topic, "a/topic");
    CHECK_STR(payload, "odd");
    CHECK(host_mail_next(&rest, &m, &topic, &payload) && m.server == 2 && topic.len == 0 && payload.len == 0);
    CHECK(host_mail_next(&rest, &m, &topic, &payload) && m.server == 3);
    CHECK_STR(payload, "a longer payload");
    CHECK(!host_mail_next(&rest, &m, &topic, &payload));
    rest = host_mailbox_take(b, 0, &closed);
    CHECK(host_mail_next(&rest, &m, &topic, &payload) && m.server == 4);
    host_mailbox_free(b, NULL);
}

static void a_full_box_refuses_until_it_is_taken(void)
{
    static char big[5000];
    host_mailbox *b;
    bool closed;
    memset(big, 'x', sizeof big - 1);
    CHECK_OK_FATAL(host_mailbox_new(1000, pt_clock_system(), &b));
    CHECK_OK(push(b, 1, "t", big, 0)); /* larger than the limit, but nothing waits */
    CHECK_STATUS(push(b, 2, "t", "p", 0), PT_ETIMEOUT);
    CHECK_STATUS(push(b, 2, "t", "p", 2), PT_ETIMEOUT);
    CHECK(host_mailbox_take(b, 0, &closed).len > 4999);
    CHECK_OK(push(b, 3, "t", "p", 0));
    CHECK_STATUS(push(b, 4, "t", big, 0), PT_ETIMEOUT);
    host_mailbox_free(b, NULL);
}

static unsigned dropped;
static void drop(const host_mail *m)
{
    dropped += m->server;
}

static void after_close_what_is_inside_can_still_be_taken(void)
{
    host_mailbox *b;
    bool closed;
    CHECK_OK_FATAL(host_mailbox_new(1000, pt_clock_system(), &b));
    CHECK_OK(push(b, 5, "t", "p", 0));
    host_mailbox_close(b);
    CHECK_STATUS(push(b, 6, "t", "p", -1), PT_ECLOSED);
    CHECK(host_mailbox_take(b, -1, &closed).len > 0 && closed);
    CHECK(host_mailbox_take(b, -1, &closed).len == 0 && closed);
    host_mailbox_free(b, drop);
    CHECK_INT(dropped, 0);
    CHECK_OK_FATAL(host_mailbox_new(1000, pt_clock_system(), &b));
    CHECK_OK(push(b, 5, "t", "p", 0));
    host_mailbox_free(b, drop);
    CHECK_INT(dropped, 5);
}

enum { PUSHERS = 3, EACH = 20000 };
static host_mailbox *shared;
static atomic_uint failed;

static void *pusher(void *arg)
{
    uint16_t who = *(uint16_t *)arg;
    for (int i = 0; i < EACH; i++) {
        char text[32];
        snprintf(text, sizeof text, "%u:%d", who, i);
        if (push(shared, who, text, text, -1) != PT_OK) atomic_fetch_add(&failed, 1);
    }
    return NULL;
}

static void many_pushers_and_one_taker_lose_nothing_and_keep_each_order(void)
{
    pthread_t t[PUSHERS];
    uint16_t who[PUSHERS];
    int next[PUSHERS] = { 0 };
    unsigned total = 0, bad = 0;
    CHECK_OK_FATAL(host_mailbox_new(2000, pt_clock_system(), &shared)); /* small: pushers wait often */
    for (uint16_t i = 0; i < PUSHERS; i++) {
        who[i] = i;
        CHECK_FATAL(pthread_create(&t[i], NULL, pusher, &who[i]) == 0);
    }
    while (total < PUSHERS * EACH) {
        bool closed;
        host_mail m;
        pt_slice topic, payload, rest = host_mailbox_take(shared, 5000, &closed);
        if (!rest.len) break;
        while (host_mail_next(&rest, &m, &topic, &payload)) {
            char text[32];
            snprintf(text, sizeof text, "%u:%d", m.server, next[m.server]++);
            bad += !pt_slice_eq_cstr(payload, text) || !pt_slice_eq_cstr(topic, text);
            total++;
        }
    }
    CHECK_INT(total, PUSHERS * EACH);
    CHECK_INT(bad, 0);
    CHECK_INT(atomic_load(&failed), 0);
    for (int i = 0; i < PUSHERS; i++)
        CHECK(pthread_join(t[i], NULL) == 0);
    host_mailbox_free(shared, NULL);
}

enum { HOUR_MS = 3600000 };

static void *take_within_an_hour(void *arg)
{
    bool closed;
    CHECK(host_mailbox_take(arg, HOUR_MS, &closed).len == 0 && !closed);
    return NULL;
}

static void *push_within_an_hour(void *arg)
{
    int64_t waited_us = 0;
    CHECK_STATUS(host_mailbox_push(arg, &(host_mail){ .server = 2 }, PT_LIT("t"), PT_LIT("p"), HOUR_MS, &waited_us), PT_ETIMEOUT);
    CHECK(waited_us == (int64_t)HOUR_MS * 1000);
    return NULL;
}

/* By the clock the box was given. */
static void waits_for_news_and_for_room_end_when_their_time_is_over(void)
{
    void *(*const waits[])(void *) = { take_within_an_hour, push_within_an_hour };
    for (size_t i = 0; i < PT_COUNT_OF(waits); i++) {
        pt_fake_clock clock;
        host_mailbox *b;
        pthread_t t;
        pt_fake_clock_init(&clock, 0);
        CHECK_OK_FATAL(host_mailbox_new(1, &clock.clock, &b));
        if (i == 1) CHECK_OK(push(b, 1, "t", "p", 0));
        CHECK_FATAL(pthread_create(&t, NULL, waits[i], b) == 0);
        while (pt_fake_clock_waiters(&clock) == 0)
            sched_yield();
        pt_fake_clock_advance(&clock, HOUR_MS);
        CHECK(pthread_join(t, NULL) == 0);
        host_mailbox_free(b, NULL);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(what_is_pushed_is_taken_whole_and_in_order),
        PT_TEST(a_full_box_refuses_until_it_is_taken),
        PT_TEST(after_close_what_is_inside_can_still_be_taken),
        PT_TEST(many_pushers_and_one_taker_lose_nothing_and_keep_each_order),
        PT_TEST(waits_for_news_and_for_room_end_when_their_time_is_over),
    };
    return pt_test_main("host/mailbox", tests, PT_COUNT_OF(tests), argc, argv);
}
