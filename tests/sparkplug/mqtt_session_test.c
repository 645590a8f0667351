/* tests/sparkplug/mqtt_session_test.c -- the MQTT session against a real mosquitto. */
#include "tests/sparkplug/mqtt_user.h"
#include "tests/support/broker.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void both_versions_connect_subscribe_publish_and_stop(void)
{
    pt_broker *b = pt_broker_start(NULL);
    for (int version = 3; version <= 5; version += 2) {
        user u;
        spb_mqtt_stats stats;
        int64_t token = 0;
        user_init(&u, pt_broker_url(b), "test/#");
        spb_mqtt_options o = user_options("both", version);
        user_start(&u, &o);
        CHECK_WITHIN_FATAL(5000, u.ready == 1);
        CHECK_INT(u.connected, 1);
        CHECK_OK(spb_mqtt_publish(u.session, "test/a", PT_LIT("zero\0nul"), 0, false, &token));
        CHECK_INT(token, 1);
        CHECK_OK(spb_mqtt_publish(u.session, "test/b", PT_LIT(""), 1, true, &token));
        CHECK_INT(token, 2);
        CHECK_WITHIN_FATAL(5000, user_kept(&u, 2) && u.sent_ok == 2);
        CHECK_STR(u.kept[0].topic, "test/a");
        CHECK(pt_slice_eq(u.kept[0].payload, PT_LIT("zero\0nul")));
        CHECK(u.kept[0].qos == 0 && !u.kept[0].retained && u.kept[0].received_wall_ms > 1600000000000 && u.kept[0].received_mono_us > 0);
        CHECK(u.kept[1].qos == 1 && u.kept[1].payload.len == 0);
        CHECK(spb_mqtt_message_weight(&u.kept[0]) > 14);
        spb_mqtt_stats_get(u.session, &stats);
        CHECK(stats.ready && stats.connects == 1 && stats.failures == 0 && stats.losses == 0 && stats.send_pending == 0);
        CHECK(stats.messages_in == 2 && stats.messages_out == 2 && stats.send_pending_bytes == 0 && stats.bytes_in == 8);
        spb_mqtt_stop(u.session, false, 500);
        spb_mqtt_stop(u.session, false, 500);
        CHECK(user_reason_has(&u, "stopped"));
        CHECK_STATUS(spb_mqtt_publish(u.session, "test/a", PT_LIT("x"), 0, false, NULL), PT_ESTATE);
        CHECK_STATUS(spb_mqtt_start(u.session), PT_ESTATE);
        user_end(&u);
    }
    pt_broker_stop(b);
}

/* The Will of each attempt is the one prepared for it; a drop is published, a stop is not. */
static void a_drop_delivers_that_attempts_will(void)
{
    pt_broker *b = pt_broker_start(NULL);
    for (int version = 3; version <= 5; version += 2) {
        pt_observer *seen = pt_observer_start(b, "test/will");
        user u;
        user_init(&u, pt_broker_url(b), "x");
        spb_mqtt_options o = user_options("dropper", version);
        user_start(&u, &o);
        CHECK_WITHIN_FATAL(5000, u.ready == 1);
        spb_mqtt_drop(u.session);
        CHECK_WITHIN_FATAL(5000, u.ready == 2);
        CHECK_INT(u.lost, 1);
        CHECK(user_reason_has(&u, "dropped"));
        CHECK_WITHIN_FATAL(2000, pt_observer_count(seen) == 1);
        CHECK_STR(pt_observer_at(seen, 0)->payload, "will-1");
        spb_mqtt_drop(u.session);
        CHECK_WITHIN_FATAL(5000, pt_observer_count(seen) == 2 && u.ready == 3);
        CHECK_STR(pt_observer_at(seen, 1)->payload, "will-2");
        CHECK_INT(pt_observer_at(seen, 1)->qos, 1);
        user_end(&u);
        CHECK_INT(pt_observer_count(seen), 2);
        pt_observer_stop(seen);
    }
    pt_broker_stop(b);
}

/* tck-id-operational-behavior-edge-node-intentional-disconnect-packet: MQTT 5 may leave with the Will. */
static void mqtt5_disconnects_with_the_will_when_asked(void)
{
    pt_broker *b = pt_broker_start(NULL);
    pt_observer *seen = pt_observer_start(b, "test/#");
    user u;
    user_init(&u, pt_broker_url(b), NULL);
    spb_mqtt_options o = user_options("leaver", 5);
    user_start(&u, &o);
    CHECK_WITHIN_FATAL(5000, u.ready == 1);
    CHECK_OK(spb_mqtt_publish(u.session, "test/last", PT_LIT("words"), 1, false, NULL));
    spb_mqtt_stop(u.session, true, 2000);
    CHECK_INT(u.sent_ok, 1); /* drained before the end */
    CHECK_WITHIN_FATAL(2000, pt_observer_count(seen) == 2);
    CHECK_STR(pt_observer_at(seen, 0)->payload, "words");
    CHECK_STR(pt_observer_at(seen, 1)->payload, "will-1");
    user_end(&u);
    pt_observer_stop(seen);
    pt_broker_stop(b);
}

static void disconnect_can_reconnect_at_once_or_stay_away(void)
{
    pt_broker *b = pt_broker_start(NULL);
    user u;
    user_init(&u, pt_broker_url(b), "x");
    spb_mqtt_options o = user_options("walker", 3);
    o.reconnect_min_ms = 20000; /* only "at once" can come back in time */
    o.reconnect_max_ms = 20000;
    user_start(&u, &o);
    CHECK_WITHIN_FATAL(5000, u.ready == 1);
    spb_mqtt_disconnect(u.session, true, true, false, 100);
    CHECK_STATUS(spb_mqtt_publish(u.session, "t", PT_LIT("x"), 0, false, NULL), PT_ESTATE); /* from the call on */
    CHECK_WITHIN_FATAL(5000, u.ready == 2);
    CHECK(user_reason_has(&u, "disconnected"));
    spb_mqtt_disconnect(u.session, false, false, false, 100);
    CHECK_WITHIN_FATAL(5000, u.lost == 2);
    CHECK(PT_NOT_WITHIN(200, u.prepared == 3)); /* parked */
    spb_mqtt_disconnect(u.session, true, false, false, 0);
    CHECK_WITHIN_FATAL(5000, u.ready == 3);
    u.disconnect_on_lost = true; /* a server walk: lost asks for the next at once */
    pt_broker_kill9(b);
    pt_broker_restart(b);
    CHECK_WITHIN_FATAL(5000, u.ready == 4);
    user_end(&u);
    pt_broker_stop(b);
}

static void a_broker_absent_at_first_is_waited_for(void)
{
    pt_broker *b = pt_broker_prepare(NULL);
    user u;
    spb_mqtt_stats stats;
    user_init(&u, pt_broker_url(b), "x");
    spb_mqtt_options o = user_options("early", 3);
    user_start(&u, &o);
    CHECK_WITHIN_FATAL(10000, u.lost >= 2);
    CHECK(user_reason_has(&u, "cannot connect"));
    CHECK_WITHIN(1000, u.unsent == u.lost); /* a bdSeq of these can be used again */
    CHECK_STATUS(spb_mqtt_publish(u.session, "t", PT_LIT("x"), 0, false, NULL), PT_ESTATE);
    pt_broker_restart(b);
    CHECK_WITHIN_FATAL(10000, u.ready == 1);
    spb_mqtt_stats_get(u.session, &stats);
    CHECK(stats.failures >= 2 && stats.failures == (uint64_t)u.lost && stats.connects == 1);
    user_end(&u);
    pt_broker_stop(b);
}

static void a_killed_broker_comes_back_and_so_do_we(void)
{
    pt_broker *b = pt_broker_start(NULL);
    user u;
    spb_mqtt_stats stats;
    user_init(&u, pt_broker_url(b), "x");
    spb_mqtt_options o = user_options("phoenix", 5);
    user_start(&u, &o);
    CHECK_WITHIN_FATAL(5000, u.ready == 1);
    for (int round = 1; round <= 3; round++) {
        pt_broker_kill9(b);
        CHECK_WITHIN_FATAL(5000, u.lost >= round);
        pt_broker_restart(b);
        CHECK_WITHIN_FATAL(10000, u.ready == round + 1);
    }
    spb_mqtt_stats_get(u.session, &stats);
    CHECK_INT(stats.losses, 3);
    user_end(&u);
    pt_broker_stop(b);
}

static void a_server_gone_silent_is_noticed_by_the_keep_alive(void)
{
    pt_broker *b = pt_broker_start(NULL);
    user u;
    user_init(&u, pt_broker_url(b), "x");
    spb_mqtt_options o = user_options("listener", 5);
    o.keep_alive_ms = 1000;
    user_start(&u, &o);
    CHECK_WITHIN_FATAL(5000, u.ready == 1);
    CHECK(PT_NOT_WITHIN(2500, u.lost > 0)); /* answered pings keep it */
    pt_broker_freeze(b);
    CHECK_WITHIN_FATAL(10000, u.lost >= 1);
    pt_broker_thaw(b);
    CHECK_WITHIN(10000, u.ready == 2);
    user_end(&u);
    pt_broker_stop(b);
}

static void a_stop_does_not_wait_for_a_frozen_server_longer_than_asked(void)
{
    pt_broker *b = pt_broker_start(NULL);
    for (int version = 3; version <= 5; version += 2) {
        static char payload[200000];
        user u;
        user_init(&u, pt_broker_url(b), "x");
        spb_mqtt_options o = user_options("stopper", version);
        user_start(&u, &o);
        CHECK_WITHIN_FATAL(5000, u.ready == 1);
        pt_broker_freeze(b);
        for (int i = 0; i < 50; i++) /* more than the socket takes */
            CHECK_OK(spb_mqtt_publish(u.session, "test/x", pt_slice_of(payload, sizeof payload), i % 2, false, NULL));
        int64_t start = pt_test_now_ms();
        spb_mqtt_stop(u.session, version == 5, 300);
        int64_t took = pt_test_now_ms() - start;
        CHECK(took >= 300 && took < 3000);
        CHECK_INT(u.sent_ok + u.sent_failed, 50);
        pt_broker_thaw(b);
        user_end(&u);
    }
    pt_broker_stop(b);
}

static void a_server_that_does_not_answer_is_given_up_in_time(void)
{
    pt_broker *b = pt_broker_start(NULL);
    user u;
    user_init(&u, pt_broker_url(b), "x");
    spb_mqtt_options o = user_options("patient", 3);
    o.connect_timeout_ms = 2500;
    pt_broker_freeze(b); /* the kernel accepts, nobody reads */
    user_start(&u, &o);
    CHECK_WITHIN_FATAL(5000, u.lost >= 1);
    CHECK(user_reason_has(&u, "no CONNACK in time"));
    CHECK_INT(u.unsent, 0); /* a CONNECT may have been written */
    pt_broker_thaw(b);
    CHECK_WITHIN_FATAL(10000, u.ready == 1);
    user_end(&u);
    pt_broker_stop(b);
}

/* mosquitto's acl_file cannot refuse subscriptions, its dynamic security plugin can. */
static const char *dynamic_security(void)
{
    static const char *const places[] = { "/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so",
                                          "/usr/lib/aarch64-linux-gnu/mosquitto_dynamic_security.so",
                                          "/usr/lib/mosquitto_dynamic_security.so" };
    for (size_t i = 0; i < PT_COUNT_OF(places); i++) {
        if (access(places[i], R_OK) == 0) return places[i];
    }
    return NULL;
}

/* tck-id-message-flow-edge-node-birth-publish-connect: nothing before every subscription is granted. */
static void a_refused_subscription_is_never_ready(void)
{
    static const char rights[] =
        "{\"defaultACLAccess\":{\"publishClientSend\":true,\"publishClientReceive\":true,\"subscribe\":false,\"unsubscribe\":true},"
        "\"groups\":[{\"groupname\":\"all\",\"roles\":[{\"rolename\":\"reader\"}]}],\"anonymousGroup\":\"all\","
        "\"roles\":[{\"rolename\":\"reader\",\"acls\":[{\"acltype\":\"subscribePattern\",\"topic\":\"allowed/#\",\"allow\":true}]}]}";
    char file[300], config[700];
    const char *plugin = dynamic_security();
    CHECK_FATAL(plugin != NULL);
    snprintf(file, sizeof file, "%s/rights.json", pt_test_dir());
    FILE *f = fopen(file, "w");
    CHECK_FATAL(f != NULL);
    fputs(rights, f);
    CHECK_FATAL(fclose(f) == 0);
    snprintf(config, sizeof config, "plugin %s\nplugin_opt_config_file %s", plugin, file);
    pt_broker *strict = pt_broker_start(config);
    for (int version = 3; version <= 5; version += 2) {
        for (size_t n = 1; n <= 2; n++) { /* Paho reports one filter and several in different ways */
            user u;
            user_init(&u, pt_broker_url(strict), "denied/#");
            u.no_will = true;
            u.n_filters = n;
            u.filters[n - 1] = (spb_mqtt_filter){ "denied/#", 1 };
            if (n == 2) u.filters[0] = (spb_mqtt_filter){ "allowed/#", 1 };
            spb_mqtt_options o = user_options("strict", version);
            user_start(&u, &o);
            CHECK_WITHIN(5000, u.lost >= 1);
            CHECK(u.ready == 0 && u.connected >= 1);
            CHECK(user_reason_has(&u, "subscription to 'denied/#' refused"));
            user_end(&u);
        }
    }
    pt_broker_stop(strict);
}

static void a_wrong_password_is_refused_and_the_right_one_works(void)
{
    char file[300], config[400], command[700];
    pt_broker *b = pt_broker_prepare(NULL);
    snprintf(file, sizeof file, "%s/passwd", pt_broker_dir(b));
    snprintf(command, sizeof command, "mosquitto_passwd -b -c %s ann secret", file);
    CHECK_FATAL(system(command) == 0);
    snprintf(config, sizeof config, "allow_anonymous false\npassword_file %s", file);
    pt_broker *locked = pt_broker_start(config);
    for (int version = 3; version <= 5; version += 2) {
        user u;
        user_init(&u, pt_broker_url(locked), "x");
        spb_mqtt_options o = user_options("ann", version);
        o.user = "ann";
        o.password = "wrong";
        user_start(&u, &o);
        CHECK_WITHIN_FATAL(5000, u.lost >= 1);
        CHECK(user_reason_has(&u, "refused") && u.connected == 0 && u.unsent == 0);
        user_end(&u);
        user_init(&u, pt_broker_url(locked), "x");
        o.password = "secret";
        user_start(&u, &o);
        CHECK_WITHIN_FATAL(5000, u.ready == 1);
        user_end(&u);
    }
    pt_broker_stop(locked);
    pt_broker_stop(b);
}

static void the_send_bound_is_kept_and_nothing_is_queued_beyond_it(void)
{
    pt_broker *b = pt_broker_start(NULL);
    user u;
    spb_mqtt_stats stats;
    char payload[1000] = { 0 };
    user_init(&u, pt_broker_url(b), NULL);
    spb_mqtt_options o = user_options("bounded", 3);
    o.send_max = 50;
    user_start(&u, &o);
    CHECK_WITHIN_FATAL(5000, u.ready == 1);
    pt_broker_freeze(b);
    int accepted = 0;
    pt_status st = PT_OK;
    while (st == PT_OK && accepted < 1000) {
        st = spb_mqtt_publish(u.session, "test/q", pt_slice_of(payload, sizeof payload), 1, false, NULL);
        accepted += st == PT_OK;
    }
    CHECK_STATUS(st, PT_EFULL);
    CHECK_INT(accepted, 50);
    spb_mqtt_stats_get(u.session, &stats);
    CHECK(stats.send_pending == 50 && stats.send_refused == 1 && stats.send_pending_bytes == 50 * 1006);
    pt_broker_thaw(b);
    CHECK_WITHIN_FATAL(10000, u.sent_ok == 50);
    CHECK_OK(spb_mqtt_publish(u.session, "test/q", PT_LIT("again"), 1, false, NULL));
    CHECK_WITHIN(5000, u.sent_ok == 51);
    CHECK_INT(u.last_sent, 51);
    user_end(&u);

    user_init(&u, pt_broker_url(b), NULL); /* the same in bytes */
    o.send_max = 1000;
    o.send_max_bytes = 5000;
    user_start(&u, &o);
    CHECK_WITHIN_FATAL(5000, u.ready == 1);
    pt_broker_freeze(b);
    for (accepted = 0; spb_mqtt_publish(u.session, "test/q", pt_slice_of(payload, sizeof payload), 1, false, NULL) == PT_OK;)
        accepted++;
    CHECK_INT(accepted, 4);
    pt_broker_kill9(b); /* what was pending is reported as failed, once each */
    CHECK_WITHIN_FATAL(5000, u.lost >= 1);
    CHECK_INT(u.sent_ok + u.sent_failed, 4);
    user_end(&u);
    pt_broker_stop(b);
}

/* tck-id-message-flow-phid-sparkplug-clean-session-311, tck-id-message-flow-phid-sparkplug-clean-session-50 (hosts) and the same of edges:
 * in mosquitto's words p is the protocol (2: 3.1.1), c the clean session or start, k the keep alive. */
static void every_connection_is_clean(void)
{
    static const struct {
        const char *rule, *says;
        int version;
    } rows_of[] = { { "tck-id-principles-persistence-clean-session-311", "(p2, c1, k7)", 3 },
                    { "tck-id-principles-persistence-clean-session-50", "(p5, c1, k7)", 5 } };
    pt_broker *b = pt_broker_start(NULL);
    for (size_t i = 0; i < PT_COUNT_OF(rows_of); i++) {
        user u;
        user_init(&u, pt_broker_url(b), "test/#");
        spb_mqtt_options o = user_options("clean", rows_of[i].version);
        o.keep_alive_ms = 6500;
        user_start(&u, &o);
        CHECK_WITHIN_FATAL(5000, u.ready == 1);
        spb_mqtt_drop(u.session);
        CHECK_WITHIN_FATAL(5000, u.ready == 2);
        CHECK_ROW(rows_of[i].rule, PT_WITHIN(2000, pt_broker_log_count(b, rows_of[i].says) == 2));
        user_end(&u);
        pt_broker_publish(b, "test/missed", PT_LIT("while away"), 1, false);
        user_init(&u, pt_broker_url(b), "test/#"); /* nothing was kept for it */
        user_start(&u, &o);
        CHECK_WITHIN_FATAL(5000, u.ready == 1);
        CHECK_OK(spb_mqtt_publish(u.session, "test/now", PT_LIT("x"), 1, false, NULL));
        CHECK_WITHIN_FATAL(5000, user_kept(&u, 1));
        CHECK_STR(u.kept[0].topic, "test/now");
        user_end(&u);
    }
    pt_broker_stop(b);
}

typedef struct publisher {
    user *u;
    atomic_bool *stop;
    atomic_int accepted;
} publisher;

static void *publish_until_told(void *arg)
{
    publisher *p = arg;
    while (!atomic_load(p->stop)) {
        if (spb_mqtt_publish(p->u->session, "test/storm", PT_LIT("payload"), 1, false, NULL) == PT_OK) atomic_fetch_add(&p->accepted, 1);
    }
    return NULL;
}

/* Four threads publish while the connection goes away again and again: each accepted message is reported exactly once. */
static void publishers_survive_losses_and_every_token_is_answered(void)
{
    pt_broker *b = pt_broker_start(NULL);
    user u;
    atomic_bool stop = false;
    pthread_t threads[4];
    publisher p[4];
    user_init(&u, pt_broker_url(b), "test/#");
    u.drop_messages = true;
    spb_mqtt_options o = user_options("storm", 3);
    o.send_max = 200;
    user_start(&u, &o);
    CHECK_WITHIN_FATAL(5000, u.ready == 1);
    for (size_t i = 0; i < 4; i++) {
        p[i] = (publisher){ &u, &stop, 0 };
        CHECK_FATAL(pthread_create(&threads[i], NULL, publish_until_told, &p[i]) == 0);
    }
    for (int round = 1; round <= 5; round++) {
        int before = u.sent_ok;
        CHECK_WITHIN(10000, u.sent_ok > before + 50);
        if (round % 2) spb_mqtt_drop(u.session);
        else spb_mqtt_disconnect(u.session, true, true, false, 50);
        CHECK_WITHIN_FATAL(10000, u.ready == round + 1);
    }
    atomic_store(&stop, true);
    int accepted = 0;
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        accepted += p[i].accepted;
    }
    spb_mqtt_stop(u.session, false, 2000);
    CHECK_INT(u.sent_ok + u.sent_failed, accepted);
    user_end(&u);
    pt_broker_stop(b);
}

static void a_preparation_that_refuses_is_asked_again_later(void)
{
    user u;
    user_init(&u, "tcp://127.0.0.1:1", "x");
    u.refuse = true;
    spb_mqtt_options o = user_options("unprepared", 3);
    o.reconnect_min_ms = 20;
    o.reconnect_max_ms = 40;
    user_start(&u, &o);
    CHECK_WITHIN(5000, u.prepared >= 3);
    CHECK_INT(u.lost, 0);
    user_end(&u);
}

static void a_session_never_started_and_a_useless_url_do_no_harm(void)
{
    user u;
    spb_mqtt *s = NULL;
    pt_error err;
    user_init(&u, "carrier-pigeon://x", "x");
    const spb_mqtt_callbacks cb = user_callbacks(&u);
    spb_mqtt_options o = user_options("idle", 3);
    CHECK_OK_FATAL(spb_mqtt_new(&o, &cb, pt_clock_system(), NULL, &s, &err));
    spb_mqtt_stop(s, false, 0);
    spb_mqtt_free(s);
    spb_mqtt_free(NULL);
    user_start(&u, &o);
    CHECK_WITHIN(5000, u.lost >= 2);
    CHECK(user_reason_has(&u, "is not usable") && u.unsent >= 2);
    user_end(&u);
}

static void bad_options_are_named(void)
{
    user u;
    spb_mqtt *s = NULL;
    pt_error err;
    const spb_mqtt_callbacks cb = user_callbacks(&u), none = { 0 };
    const spb_mqtt_options good = user_options("id", 3);
    struct {
        const char *says;
        spb_mqtt_options o;
    } rows[8];
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++)
        rows[i].o = good;
    rows[0].says = "client id", rows[0].o.client_id = "";
    rows[1].says = "version", rows[1].o.version = 4;
    rows[2].says = "keep alive", rows[2].o.keep_alive_ms = 70000000;
    rows[3].says = "time-out", rows[3].o.connect_timeout_ms = 0;
    rows[4].says = "reconnect", rows[4].o.reconnect_max_ms = 1;
    rows[5].says = "send bounds", rows[5].o.send_max = 0;
    rows[6].says = "password", rows[6].o.password = "x";
    rows[7].says = "certificate", rows[7].o.tls_cert = "x";
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        CHECK_STATUS(spb_mqtt_new(&rows[i].o, &cb, pt_clock_system(), NULL, &s, &err), PT_EINVAL);
        CHECK_ROW(rows[i].says, strstr(err.text, rows[i].says) != NULL);
    }
    CHECK_STATUS(spb_mqtt_new(&good, &none, pt_clock_system(), NULL, &s, &err), PT_EINVAL);
}

static void many_sessions_live_in_one_process(void)
{
    enum { N = 20 };
    static user users[N];
    static char ids[N][16];
    pt_broker *b = pt_broker_start(NULL);
    for (int i = 0; i < N; i++) {
        snprintf(ids[i], sizeof ids[i], "many-%d", i);
        user_init(&users[i], pt_broker_url(b), "test/#");
        users[i].drop_messages = true;
        spb_mqtt_options o = user_options(ids[i], i % 2 ? 3 : 5);
        user_start(&users[i], &o);
    }
    for (int i = 0; i < N; i++)
        CHECK_WITHIN_FATAL(10000, users[i].ready == 1);
    CHECK_OK(spb_mqtt_publish(users[0].session, "test/all", PT_LIT("x"), 1, false, NULL));
    for (int i = 0; i < N; i++)
        CHECK_WITHIN(5000, users[i].messages == 1);
    spb_mqtt_drop(users[3].session); /* only that one goes */
    CHECK_WITHIN(5000, users[3].ready == 2);
    for (int i = 0; i < N; i++)
        CHECK_INT(users[i].lost, i == 3);
    for (int i = 0; i < N; i++)
        user_end(&users[i]);
    pt_broker_stop(b);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(both_versions_connect_subscribe_publish_and_stop),
        PT_TEST(a_drop_delivers_that_attempts_will),
        PT_TEST(mqtt5_disconnects_with_the_will_when_asked),
        PT_TEST(disconnect_can_reconnect_at_once_or_stay_away),
        PT_TEST(a_broker_absent_at_first_is_waited_for),
        PT_TEST(a_killed_broker_comes_back_and_so_do_we),
        PT_TEST(a_server_gone_silent_is_noticed_by_the_keep_alive),
        PT_TEST(a_stop_does_not_wait_for_a_frozen_server_longer_than_asked),
        PT_TEST(a_server_that_does_not_answer_is_given_up_in_time),
        PT_TEST(a_refused_subscription_is_never_ready),
        PT_TEST(a_wrong_password_is_refused_and_the_right_one_works),
        PT_TEST(the_send_bound_is_kept_and_nothing_is_queued_beyond_it),
        PT_TEST(every_connection_is_clean),
        PT_TEST(publishers_survive_losses_and_every_token_is_answered),
        PT_TEST(a_preparation_that_refuses_is_asked_again_later),
        PT_TEST(a_session_never_started_and_a_useless_url_do_no_harm),
        PT_TEST(bad_options_are_named),
        PT_TEST(many_sessions_live_in_one_process),
    };
    return pt_test_main("sparkplug/mqtt_session", tests, PT_COUNT_OF(tests), argc, argv);
}
