/* host/session/session.c: one server's connection on a real broker. Which bytes begin it: connect_test.c; when STATE is published:
 * presence_test.c.
 */
#include "host/session/session.h"
#include "tests/host/rig.h"
#include "tests/host/wire.h"
#include "tests/support/broker.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct bench {
    rig r;
    pt_broker *broker;
    pt_observer *seen;
    host_session *s;
    pthread_t ticker;
    _Atomic bool stop;
    _Atomic unsigned online, offline, conflicts;
    _Atomic int64_t used; /* the last STATE timestamp to be kept */
} bench;

static void *tick(void *arg)
{
    bench *b = arg;
    while (!b->stop) {
        host_session_tick(b->s);
        nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
    }
    return NULL;
}

static void on_event(void *ctx, host_event_type type, uint16_t server, const char *text)
{
    bench *b = ctx;
    CHECK(server == 0 && text != NULL);
    if (type == HOST_EVENT_HOST_ONLINE) atomic_fetch_add(&b->online, 1);
    if (type == HOST_EVENT_HOST_OFFLINE) atomic_fetch_add(&b->offline, 1);
    if (type == HOST_EVENT_HOST_ID_IN_USE) atomic_fetch_add(&b->conflicts, 1);
}

static void on_timestamp(void *ctx, uint16_t server, int64_t t)
{
    bench *b = ctx;
    CHECK_INT(server, 0);
    CHECK(t >= b->used);
    b->used = t;
}

static void bench_open(bench *b, pt_broker *broker, host_session_options o)
{
    memset(b, 0, sizeof *b);
    rig_open(&b->r);
    rig_make(&b->r);
    CHECK_OK_FATAL(host_ingest_start(b->r.ingest));
    b->broker = broker;
    o.server = pt_broker_url(broker);
    o.host_id = "desk";
    const char *user = o.mqtt.user, *password = o.mqtt.password;
    uint32_t send_max = o.mqtt.send_max;
    int version = o.mqtt.version;
    spb_mqtt_options_init(&o.mqtt);
    o.mqtt.client_id = "session-under-test";
    o.mqtt.version = version ? version : 5;
    o.mqtt.reconnect_min_ms = 50;
    o.mqtt.reconnect_max_ms = 200;
    o.mqtt.user = user;
    o.mqtt.password = password;
    if (send_max) o.mqtt.send_max = send_max;
    host_session_callbacks cb = { .ctx = b, .event = on_event, .timestamp = on_timestamp };
    CHECK_OK_FATAL(host_session_new(&o, b->r.ingest, &cb, pt_clock_system(), &b->r.log, &b->s, NULL));
    CHECK_OK_FATAL(host_session_start(b->s));
    CHECK_FATAL(pthread_create(&b->ticker, NULL, tick, b) == 0);
}

/* No more ticks but the test's own. */
static void bench_still(bench *b)
{
    if (!b->stop) {
        b->stop = true;
        pthread_join(b->ticker, NULL);
    }
}

static void bench_close(bench *b)
{
    host_session_stop(b->s, 2000);
    bench_still(b);
    host_ingest_stop(b->r.ingest);
    host_session_free(b->s);
    rig_close(&b->r);
    pt_observer_stop(b->seen);
    pt_broker_stop(b->broker);
}

static host_presence_phase phase(bench *b)
{
    host_session_stats st;
    host_session_stats_get(b->s, &st);
    return st.phase;
}

static pt_status command(bench *b)
{
    return host_session_command(b->s, PT_LIT("spBv1.0/g/NCMD/e"), PT_LIT("x"));
}

static void commands_go_out_only_between_the_acknowledged_birth_and_the_end(void)
{
    bench b;
    host_session_stats st;
    bench_open(&b, pt_broker_prepare(NULL), (host_session_options){ .publish_state = true });
    CHECK_STATUS(command(&b), PT_ESTATE); /* nobody is there */
    CHECK_WITHIN(10000, (host_session_stats_get(b.s, &st), st.mqtt.failures > 0));
    pt_broker_restart(b.broker);
    CHECK_WITHIN_FATAL(15000, phase(&b) == HOST_ONLINE); /* it keeps trying */
    b.seen = pt_observer_start(b.broker, "#");
    CHECK_OK(command(&b));
    CHECK_WITHIN(5000, pt_observer_count_topic(b.seen, "spBv1.0/g/NCMD/e") == 1);
    host_session_stop(b.s, 2000);
    CHECK_STATUS(command(&b), PT_EREFUSED);
    host_session_stats_get(b.s, &st);
    CHECK(st.commands == 1 && st.commands_refused == 2 && st.phase == HOST_STOPPING);
    CHECK_STR(pt_cstr(st.server), pt_broker_url(b.broker));
    CHECK_WITHIN(5000, pt_observer_count_topic(b.seen, "spBv1.0/STATE/desk") == 2); /* retained birth, then the death */
    bool dead = false;
    for (size_t i = 0; i < pt_observer_count(b.seen); i++) {
        const pt_observed *m = pt_observer_at(b.seen, i);
        if (strcmp(m->topic, "spBv1.0/STATE/desk") == 0)
            dead = memmem(m->payload.ptr, m->payload.len, "\"online\":false", 14) && m->retain && m->qos == 1;
    }
    CHECK(dead);
    bench_close(&b);
}

static void a_lost_connection_is_told_to_ingest_and_to_the_operator_and_made_again(void)
{
    bench b;
    host_session_stats st;
    char text[100];
    bench_open(&b, pt_broker_start(NULL), (host_session_options){ .publish_state = true });
    CHECK_WITHIN_FATAL(15000, phase(&b) == HOST_ONLINE);
    CHECK_WITHIN(5000, b.online == 1);
    pt_buf birth;
    pt_buf_init(&birth, 1000);
    wire_payload("ts=1000 seq=0 bd=1", &birth);
    pt_broker_publish(b.broker, "spBv1.0/g/NBIRTH/e", pt_buf_view(&birth), 0, false);
    pt_buf_fini(&birth);
    CHECK_WITHIN(5000, rig_node(&b.r, "g", "e").state == HOST_NODE_ONLINE);
    pt_broker_kill9(b.broker);
    CHECK_WITHIN(10000, rig_node(&b.r, "g", "e").state == HOST_NODE_UNKNOWN); /* tck-not-testable-1 */
    CHECK_WITHIN(5000, b.offline == 1);
    CHECK(rig_said(&b.r, "HOST-OFFLINE server tcp://"));
    CHECK_STR(pt_cstr(rig_value(&b.r, "g/e/_sparkplug/bdSeq", text, sizeof text)), "1 STALE");
    CHECK_STATUS(command(&b), PT_ESTATE);
    pt_broker_restart(b.broker);
    CHECK_WITHIN_FATAL(15000, phase(&b) == HOST_ONLINE);
    CHECK_WITHIN(5000, b.online == 2);
    host_session_stats_get(b.s, &st);
    CHECK(st.mqtt.connects == 2 && st.mqtt.losses == 1);
    bench_close(&b);
}

static void a_passive_session_listens_and_publishes_no_state(void)
{
    bench b;
    bench_open(&b, pt_broker_start(NULL), (host_session_options){ .publish_state = false });
    b.seen = pt_observer_start(b.broker, "#");
    CHECK_WITHIN_FATAL(15000, phase(&b) == HOST_ONLINE);
    pt_broker_publish(b.broker, "spBv1.0/g/NDEATH/e", PT_LIT("x"), 0, false);
    host_ingest_stats g;
    CHECK_WITHIN(5000, (host_ingest_stats_get(b.r.ingest, &g), g.packets == 1));
    host_session_stop(b.s, 2000);
    pt_broker_publish(b.broker, "end", PT_LIT("x"), 0, false);
    CHECK_WITHIN(5000, pt_observer_count_topic(b.seen, "end") == 1);
    CHECK_INT(pt_observer_count(b.seen), 2); /* those two are not ours */
    bench_close(&b);
}

static void the_old_state_of_sparkplug_2_is_said_too_when_wanted(void)
{
    bench b;
    bench_open(&b, pt_broker_prepare(NULL), (host_session_options){ .publish_state = true, .legacy_state = true });
    pt_broker_restart(b.broker);
    b.seen = pt_observer_start(b.broker, "STATE/#");
    CHECK_WITHIN_FATAL(15000, pt_observer_count(b.seen) >= 1);
    const pt_observed *m = pt_observer_at(b.seen, 0);
    CHECK_STR(pt_cstr(m->topic), "STATE/desk");
    CHECK_STR(m->payload, "ONLINE");
    CHECK(m->retain && m->qos == 1);
    CHECK_WITHIN(10000, phase(&b) == HOST_ONLINE);
    host_session_stop(b.s, 2000);
    CHECK_WITHIN_FATAL(5000, pt_observer_count(b.seen) == 2);
    CHECK_STR(pt_observer_at(b.seen, 1)->payload, "OFFLINE");
    bench_close(&b);
}

static void who_is_not_let_in_tries_again_and_says_so(void)
{
    bench b;
    host_session_stats st;
    bench_open(&b, pt_broker_start("allow_anonymous false\n"),
               (host_session_options){ .publish_state = true, .mqtt = { .user = "desk", .password = "wrong" } });
    CHECK_WITHIN(15000, (host_session_stats_get(b.s, &st), st.mqtt.failures >= 2));
    CHECK(st.phase != HOST_ONLINE && st.phase != HOST_BORN && st.mqtt.connects == 0);
    CHECK(rig_said(&b.r, pt_broker_url(b.broker)));
    CHECK_STATUS(command(&b), PT_ESTATE);
    bench_close(&b);
}

static void a_state_that_does_not_parse_is_counted_and_logged_once(void)
{
    bench b;
    host_session_stats st;
    bench_open(&b, pt_broker_start(NULL), (host_session_options){ .publish_state = true });
    CHECK_WITHIN_FATAL(15000, phase(&b) == HOST_ONLINE);
    for (int i = 0; i < 5; i++)
        pt_broker_publish(b.broker, "spBv1.0/STATE/other", PT_LIT("{\"online\":maybe}"), 1, false);
    CHECK_WITHIN(5000, (host_session_stats_get(b.s, &st), st.state_garbage == 5));
    CHECK(st.state_seen >= 6); /* and our own */
    pthread_mutex_lock(&b.r.lock);
    const char *first = strstr(b.r.said, "SPB-STATE-GARBAGE");
    CHECK(first && !strstr(first + 1, "SPB-STATE-GARBAGE"));
    pthread_mutex_unlock(&b.r.lock);
    CHECK_INT(phase(&b), HOST_ONLINE);
    bench_close(&b);
}

static void our_state_corrected_by_another_s_death_is_said_again(void)
{
    bench b;
    host_session_stats st;
    char text[100];
    bench_open(&b, pt_broker_start(NULL), (host_session_options){ .publish_state = true });
    b.seen = pt_observer_start(b.broker, "spBv1.0/STATE/desk");
    CHECK_WITHIN_FATAL(15000, phase(&b) == HOST_ONLINE);
    host_session_stats_get(b.s, &st);
    snprintf(text, sizeof text, "{\"online\":false,\"timestamp\":%lld}",
             (long long)st.t); /* the will of our own connection of before, say */
    pt_broker_publish(b.broker, "spBv1.0/STATE/desk", pt_cstr(text), 1, true);
    CHECK_WITHIN(10000, (host_session_stats_get(b.s, &st), st.corrections == 1));
    const pt_observed *m = NULL;
    CHECK_WITHIN(5000, (m = pt_observer_at(b.seen, pt_observer_count(b.seen) - 1)) &&
                           memmem(m->payload.ptr, m->payload.len, "\"online\":true", 13)); /* the retained truth */
    bench_close(&b);
}

static void say_state(bench *b, const char *host, bool online, int64_t t)
{
    char text[100], topic[100];
    snprintf(topic, sizeof topic, "spBv1.0/STATE/%s", host);
    snprintf(text, sizeof text, "{\"online\":%s,\"timestamp\":%lld}", online ? "true" : "false", (long long)t);
    pt_broker_publish(b->broker, topic, pt_cstr(text), 1, true);
}

static void a_correction_and_an_alarm_between_two_ticks_are_both_made(void)
{
    for (int order = 0; order < 2; order++) {
        bench b;
        host_session_stats st;
        bench_open(&b, pt_broker_start(NULL), (host_session_options){ .publish_state = true });
        b.seen = pt_observer_start(b.broker, "spBv1.0/STATE/desk");
        CHECK_WITHIN_FATAL(15000, phase(&b) == HOST_ONLINE);
        bench_still(&b);
        host_session_stats_get(b.s, &st);
        int64_t t = st.t;
        say_state(&b, "desk", order == 1, order == 1 ? t + 1000 : t); /* another host with our id; a death that is not ours */
        CHECK_WITHIN_FATAL(10000, (host_session_stats_get(b.s, &st), order == 1 ? st.conflicts : st.corrections) >= 1);
        say_state(&b, "desk", order == 0, order == 0 ? t + 1000 : t);
        CHECK_WITHIN_FATAL(10000, (host_session_stats_get(b.s, &st), st.conflicts >= 1 && st.corrections == 1));
        CHECK_INT(b.conflicts, 0);
        CHECK_WITHIN_FATAL(10000, pt_observer_count(b.seen) == 3); /* our birth and both of these */
        size_t before = 3;
        host_session_tick(b.s);
        CHECK_WITHIN(10000, pt_observer_count(b.seen) == before + 1);
        const pt_observed *m = pt_observer_at(b.seen, before);
        CHECK(m && memmem(m->payload.ptr, m->payload.len, "\"online\":true", 13));
        CHECK_INT(b.conflicts, 1);
        CHECK_INT(b.offline, 0); /* we are online all the while */
        CHECK(rig_said(&b.r, "HOST-ID-IN-USE"));
        bench_close(&b);
    }
}

static void another_host_s_death_is_no_matter_of_ours(void)
{
    bench b;
    host_session_stats st;
    bench_open(&b, pt_broker_start(NULL), (host_session_options){ .publish_state = true });
    b.seen = pt_observer_start(b.broker, "spBv1.0/STATE/#");
    CHECK_WITHIN_FATAL(15000, phase(&b) == HOST_ONLINE);
    CHECK_WITHIN_FATAL(10000, (host_session_stats_get(b.s, &st), st.state_seen >= 1)); /* our own */
    uint64_t seen = st.state_seen;
    say_state(&b, "other", false, st.t);
    CHECK_WITHIN_FATAL(10000, (host_session_stats_get(b.s, &st), st.state_seen > seen));
    bench_still(&b);
    host_session_tick(b.s); /* nothing was left for it to do */
    say_state(&b, "end", true, st.t);
    CHECK_WITHIN_FATAL(10000, pt_observer_count_topic(b.seen, "spBv1.0/STATE/end") == 1);
    host_session_stats_get(b.s, &st);
    CHECK(st.corrections == 0 && st.conflicts == 0);
    CHECK_INT(pt_observer_count_topic(b.seen, "spBv1.0/STATE/desk"), 1);
    bench_close(&b);
}

static void *stop_main(void *arg)
{
    bench *b = arg;
    host_session_stop(b->s, 5000);
    return NULL;
}

static void death_by_will(int version)
{
    bench b;
    pthread_t stopper;
    host_session_stats st;
    bench_open(&b, pt_broker_start(NULL), (host_session_options){ .publish_state = true, .mqtt = { .version = version, .send_max = 1 } });
    b.seen = pt_observer_start(b.broker, "spBv1.0/STATE/desk");
    CHECK_WITHIN_FATAL(15000, phase(&b) == HOST_ONLINE);
    bench_still(&b);
    host_session_stats_get(b.s, &st);
    say_state(&b, "desk", false, st.t);
    CHECK_WITHIN_FATAL(10000, (host_session_stats_get(b.s, &st), st.corrections == 1 && st.mqtt.send_pending == 0));
    pt_broker_freeze(b.broker);
    host_session_tick(b.s); /* the correction: until it is acknowledged nothing else has room */
    CHECK_FATAL(pthread_create(&stopper, NULL, stop_main, &b) == 0);
    CHECK_WITHIN(10000, (host_session_stats_get(b.s, &st), st.mqtt.send_refused == 1)); /* the death */
    pt_broker_thaw(b.broker);
    pthread_join(stopper, NULL);
    const pt_observed *m = NULL;
    CHECK_WITHIN(10000, pt_observer_count(b.seen) == 4 && (m = pt_observer_at(b.seen, 3)) != NULL);
    CHECK(m && memmem(m->payload.ptr, m->payload.len, "\"online\":false", 14) && m->retain);
    bench_close(&b);
}

static void a_death_that_cannot_be_handed_over_is_left_to_the_will(void)
{
    death_by_will(3);
    death_by_will(5);
}

/* The n-th STATE seen: 0 until it is there, negative when it says offline. */
static int64_t state_at(bench *b, size_t n)
{
    const pt_observed *m = pt_observer_at(b->seen, n);
    long long t = 0;
    char text[100];
    if (!m) return 0;
    snprintf(text, sizeof text, "%.*s", PT_SLICE_ARGS(m->payload));
    if (sscanf(text, "{\"online\":true,\"timestamp\":%lld}", &t) == 1) return t;
    return sscanf(text, "{\"online\":false,\"timestamp\":%lld}", &t) == 1 ? -t : 0;
}

/* tck-id-operational-behavior-host-application-multi-server-timestamp, -host-topic-phid-birth-payload-timestamp */
static void what_the_server_keeps_of_us_from_a_clock_that_was_ahead_is_followed(void)
{
    for (int version = 3; version <= 5; version += 2) {
        bench b;
        pt_broker *broker = pt_broker_start(NULL);
        int64_t ahead = pt_wall_ms(pt_clock_system()) + 3600000;
        b.broker = broker;
        say_state(&b, "desk", true, ahead);
        bench_open(&b, broker, (host_session_options){ .publish_state = true, .hold_off_ms = 1000, .mqtt = { .version = version } });
        CHECK_WITHIN_FATAL(15000, phase(&b) == HOST_ONLINE && b.used > ahead);
        b.seen = pt_observer_start(b.broker, "spBv1.0/STATE/desk");
        CHECK_WITHIN(10000, state_at(&b, 0) == ahead + 1); /* retained */
        CHECK_INT(b.used, ahead + 1);
        CHECK(rig_said(&b.r, "HOST-CLOCK"));
        host_session_stats st;
        host_session_stats_get(b.s, &st);
        CHECK(st.t == ahead + 1 && st.conflicts == 0);
        host_session_stop(b.s, 2000);
        CHECK_WITHIN(10000, state_at(&b, 1) == -(ahead + 1));
        bench_close(&b);
    }
}

static void the_timestamps_of_runs_before_are_followed(void)
{
    bench b;
    int64_t ahead = pt_wall_ms(pt_clock_system()) + 3600000;
    bench_open(&b, pt_broker_start(NULL), (host_session_options){ .publish_state = true, .last_t = ahead });
    CHECK_WITHIN_FATAL(15000, phase(&b) == HOST_ONLINE);
    CHECK_INT(b.used, ahead + 1);
    CHECK(rig_said(&b.r, "HOST-CLOCK"));
    bench_close(&b);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(commands_go_out_only_between_the_acknowledged_birth_and_the_end),
        PT_TEST(a_lost_connection_is_told_to_ingest_and_to_the_operator_and_made_again),
        PT_TEST(a_passive_session_listens_and_publishes_no_state),
        PT_TEST(the_old_state_of_sparkplug_2_is_said_too_when_wanted),
        PT_TEST(who_is_not_let_in_tries_again_and_says_so),
        PT_TEST(a_state_that_does_not_parse_is_counted_and_logged_once),
        PT_TEST(our_state_corrected_by_another_s_death_is_said_again),
        PT_TEST(a_correction_and_an_alarm_between_two_ticks_are_both_made),
        PT_TEST(another_host_s_death_is_no_matter_of_ours),
        PT_TEST(a_death_that_cannot_be_handed_over_is_left_to_the_will),
        PT_TEST(what_the_server_keeps_of_us_from_a_clock_that_was_ahead_is_followed),
        PT_TEST(the_timestamps_of_runs_before_are_followed),
    };
    return pt_test_main("host/session", tests, PT_COUNT_OF(tests), argc, argv);
}
