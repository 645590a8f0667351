/* Our STATE on one server: each check names its requirement. */
#include "host/session/presence.h"
#include "tests/support/check.h"

static spb_state state(bool online, int64_t t)
{
    return (spb_state){ .online = online, .timestamp_ms = (uint64_t)t };
}

static void born(host_presence *p, int64_t wall, int64_t mono)
{
    host_presence_connect(p, wall);
    CHECK_INT(host_presence_subscribed(p, mono), HOST_DO_PUBLISH_BIRTH);
    host_presence_acknowledged(p, mono);
    CHECK_INT(host_presence_tick(p, mono), HOST_DO_OPEN);
}

static void a_birth_follows_the_subscriptions_and_opens_the_way_for_commands_when_acknowledged(void)
{
    host_presence p;
    host_presence_init(&p, true, 1000, 0);
    CHECK_INT(host_presence_connect(&p, 5000), 5000);
    /* tck-id-host-topic-phid-birth-message: nothing before; a retained death of the last session is ignored */
    spb_state s = state(false, 4000);
    CHECK_INT(host_presence_seen(&p, &s, false, 0), HOST_DO_NOTHING);
    CHECK_INT(host_presence_subscribed(&p, 10), HOST_DO_PUBLISH_BIRTH);
    CHECK_INT(p.t, 5000); /* tck-id-host-topic-phid-birth-payload-timestamp */
    CHECK_INT(host_presence_tick(&p, 5000), HOST_DO_NOTHING);
    host_presence_acknowledged(&p, 20);
    CHECK_INT(host_presence_due(&p), 1020);
    CHECK_INT(host_presence_tick(&p, 1019), HOST_DO_NOTHING);
    CHECK_INT(host_presence_tick(&p, 1020), HOST_DO_OPEN);
    CHECK_INT(host_presence_tick(&p, 2000), HOST_DO_NOTHING);
}

static void timestamps_of_one_server_never_go_back(void)
{
    host_presence p;
    host_presence_init(&p, true, 0, 0);
    CHECK_INT(host_presence_connect(&p, 5000), 5000);
    CHECK_INT(host_presence_connect(&p, 4000), 5001);
    CHECK_INT(host_presence_connect(&p, 5001), 5002);
    CHECK_INT(host_presence_connect(&p, 9000), 9000);
    CHECK_INT(host_presence_stop(&p, 8000), 9000);
}

static void timestamps_do_not_go_back_behind_runs_before_and_what_the_server_kept_of_them(void)
{
    host_presence p;
    host_presence_init(&p, true, 0, 9000); /* used before a restart, when the clock was ahead */
    CHECK_INT(host_presence_connect(&p, 5000), 9001);
    host_presence_init(&p, true, 0, 4000);
    CHECK_INT(host_presence_connect(&p, 5000), 5000);
    spb_state kept = state(false, 20000), same = state(true, 5000), never = state(false, INT64_C(1) << 60),
              legacy = { .online = true, .timestamp_ms = 20000, .legacy = true };
    CHECK_INT(host_presence_seen(&p, &legacy, true, 1), HOST_DO_NOTHING);
    CHECK_INT(host_presence_seen(&p, &same, true, 1), HOST_DO_NOTHING);
    CHECK_INT(host_presence_seen(&p, &never, true, 1), HOST_DO_NOTHING); /* no clock is there */
    CHECK_INT(host_presence_seen(&p, &kept, true, 1), HOST_DO_RECONNECT);
    CHECK_INT(host_presence_seen(&p, &kept, true, 1), HOST_DO_NOTHING); /* the copy through the other subscription */
    /* tck-id-host-topic-phid-birth-payload-timestamp: until then the birth is the Will's */
    CHECK_INT(host_presence_subscribed(&p, 2), HOST_DO_PUBLISH_BIRTH);
    CHECK_INT(p.t, 5000);
    host_presence_lost(&p);
    CHECK_INT(host_presence_connect(&p, 6000), 20001);
    host_presence_stop(&p, 7000);
    kept.timestamp_ms = 30000;
    CHECK_INT(host_presence_seen(&p, &kept, true, 3), HOST_DO_NOTHING);
    host_presence_init(&p, false, 0, 0); /* who says nothing is older than nobody */
    host_presence_connect(&p, 5000);
    CHECK_INT(host_presence_seen(&p, &kept, true, 1), HOST_DO_NOTHING);
}

static void our_own_id_shown_offline_is_corrected_with_the_same_timestamp(void)
{
    host_presence p;
    host_presence_init(&p, true, 0, 0);
    born(&p, 5000, 0);
    spb_state s = state(false, 5000), own = state(true, 5000);
    CHECK_INT(host_presence_seen(&p, &own, false, 1), HOST_DO_NOTHING);
    CHECK_INT(host_presence_seen(&p, &s, false, 1000), HOST_DO_PUBLISH_BIRTH);
    CHECK_INT(p.t, 5000);
    /* the copy through the second subscription: older than our correction, which has not come back yet */
    CHECK_INT(host_presence_seen(&p, &s, false, 1001), HOST_DO_NOTHING);
    CHECK_INT(host_presence_seen(&p, &own, false, 1002), HOST_DO_NOTHING);
    CHECK_INT(host_presence_due(&p), INT64_MAX);
    /* a second one, behind our echo, is a new one */
    CHECK_INT(host_presence_seen(&p, &s, false, 1003), HOST_DO_PUBLISH_BIRTH);
    /* an echo that never comes is looked after */
    CHECK_INT(host_presence_seen(&p, &s, false, 1010), HOST_DO_NOTHING);
    CHECK_INT(host_presence_due(&p), 3003);
    CHECK_INT(host_presence_tick(&p, 3003), HOST_DO_PUBLISH_BIRTH);
}

static void what_the_broker_kept_from_an_earlier_session_is_ignored(void)
{
    host_presence p;
    host_presence_init(&p, true, 0, 0);
    born(&p, 5000, 0);
    spb_state off = state(false, 4000), on = state(true, 4000), legacy = { .online = false, .legacy = true };
    CHECK_INT(host_presence_seen(&p, &off, true, 5), HOST_DO_NOTHING);
    CHECK_INT(host_presence_seen(&p, &on, true, 5), HOST_DO_NOTHING);
    CHECK_INT(host_presence_seen(&p, &legacy, false, 5), HOST_DO_NOTHING);
}

static void another_host_with_our_id_is_told_once_and_not_fought(void)
{
    host_presence p;
    host_presence_init(&p, true, 0, 0);
    born(&p, 5000, 0);
    spb_state on = state(true, 6000);
    CHECK_INT(host_presence_seen(&p, &on, false, 10), HOST_DO_TELL_CONFLICT);
    CHECK_INT(host_presence_seen(&p, &on, false, 20), HOST_DO_NOTHING);
    CHECK(p.conflict);
}

static void alternating_deaths_are_answered_ever_more_slowly(void)
{
    host_presence p;
    host_presence_init(&p, true, 0, 0);
    born(&p, 5000, 0);
    spb_state off = state(false, 6000);
    int published = 0, told = 0;
    spb_state own = state(true, 5000);
    for (int64_t now = 1000; now < 61000; now += 50) {
        CHECK_INT(host_presence_seen(&p, &own, false, now), HOST_DO_NOTHING);
        host_presence_action a = host_presence_tick(&p, now);
        published += a == HOST_DO_PUBLISH_BIRTH;
        told += a == HOST_DO_TELL_CONFLICT;
        a = host_presence_seen(&p, &off, false, now);
        published += a == HOST_DO_PUBLISH_BIRTH;
        told += a == HOST_DO_TELL_CONFLICT;
    }
    CHECK(told >= 1);
    CHECK(published >= 10 && published < 60);
}

static void a_stopping_host_is_not_revived_by_the_echo_of_its_death(void)
{
    host_presence p;
    host_presence_init(&p, true, 0, 0);
    born(&p, 5000, 0);
    CHECK_INT(host_presence_stop(&p, 7000), 7000); /* tck-id-host-topic-phid-death-payload-timestamp-disconnect-clean */
    spb_state off = state(false, 7000);
    CHECK_INT(host_presence_seen(&p, &off, false, 10), HOST_DO_NOTHING);
    CHECK_INT(host_presence_tick(&p, 100000), HOST_DO_NOTHING);
}

static void an_observer_publishes_no_state(void)
{
    host_presence p;
    host_presence_init(&p, false, 500, 0);
    host_presence_connect(&p, 5000);
    CHECK_INT(host_presence_subscribed(&p, 0), HOST_DO_NOTHING);
    spb_state off = state(false, 7000);
    CHECK_INT(host_presence_seen(&p, &off, false, 10), HOST_DO_NOTHING);
    CHECK_INT(host_presence_tick(&p, 500), HOST_DO_OPEN);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_birth_follows_the_subscriptions_and_opens_the_way_for_commands_when_acknowledged),
        PT_TEST(timestamps_of_one_server_never_go_back),
        PT_TEST(timestamps_do_not_go_back_behind_runs_before_and_what_the_server_kept_of_them),
        PT_TEST(our_own_id_shown_offline_is_corrected_with_the_same_timestamp),
        PT_TEST(what_the_broker_kept_from_an_earlier_session_is_ignored),
        PT_TEST(another_host_with_our_id_is_told_once_and_not_fought),
        PT_TEST(alternating_deaths_are_answered_ever_more_slowly),
        PT_TEST(a_stopping_host_is_not_revived_by_the_echo_of_its_death),
        PT_TEST(an_observer_publishes_no_state),
    };
    return pt_test_main("host/presence", tests, PT_COUNT_OF(tests), argc, argv);
}
