/* The pure session: every rule of establishment, rebirth, primary host and server walking, with times chosen by the test. */
#include "edge-node/session.h"
#include "tests/support/check.h"

typedef struct bench {
    edge_session s;
    edge_actions a;
    edge_now now;
} bench;

static void start(bench *b, edge_session_config c)
{
    edge_session_init(&b->s, &c);
    b->now = (edge_now){ 1700000000000, 50000 };
    edge_session_handle(&b->s, &(edge_event){ .type = EDGE_EV_START, .bd_seq = 7 }, b->now, &b->a);
}

static void ev(bench *b, edge_event_type t)
{
    edge_session_handle(&b->s, &(edge_event){ .type = t }, b->now, &b->a);
}

static void state(bench *b, bool online, int64_t ts)
{
    edge_session_handle(&b->s, &(edge_event){ .type = EDGE_EV_STATE, .online = online, .timestamp_ms = ts, .retained = true }, b->now,
                        &b->a);
}

static bool did(const bench *b, edge_action_type t)
{
    for (uint32_t i = 0; i < b->a.n; i++)
        if (b->a.items[i].type == t) return true;
    return false;
}

static void later(bench *b, int64_t ms)
{
    b->now.mono_ms += ms;
    b->now.wall_ms += ms;
    ev(b, EDGE_EV_TICK);
}

static void ready(bench *b)
{
    ev(b, EDGE_EV_PREPARE);
    ev(b, EDGE_EV_CONNECTED);
    ev(b, EDGE_EV_READY);
}

/* What the shell does with a BIRTH action. */
static void born(bench *b)
{
    CHECK(did(b, EDGE_ACT_BIRTH));
    edge_session_nbirth_sent(&b->s);
    ev(b, EDGE_EV_BORN);
    CHECK_INT(b->s.state, EDGE_ONLINE);
}

static void a_connection_takes_the_stored_bdseq_and_stores_the_next_first(void)
{
    bench b;
    start(&b, (edge_session_config){ .servers = 1 });
    ev(&b, EDGE_EV_PREPARE);
    CHECK_INT(b.a.n, 2);
    CHECK(b.a.items[0].type == EDGE_ACT_PERSIST && b.a.items[0].bd_seq == 8);
    CHECK(b.a.items[1].type == EDGE_ACT_CONNECT && b.a.items[1].bd_seq == 7);
    ev(&b, EDGE_EV_LOST);
    ev(&b, EDGE_EV_PREPARE);
    CHECK_INT(b.a.items[1].bd_seq, 8);
    edge_session_handle(&b.s, &(edge_event){ .type = EDGE_EV_LOST, .unsent = true }, b.now, &b.a);
    ev(&b, EDGE_EV_PREPARE); /* no CONNECT carried 8 */
    CHECK_INT(b.a.items[1].bd_seq, 8);
}

static void bdseq_wraps_from_255_to_0(void)
{
    bench b;
    start(&b, (edge_session_config){ .servers = 1 });
    b.s.bd_next = 255;
    ev(&b, EDGE_EV_PREPARE);
    CHECK_INT(b.a.items[1].bd_seq, 255);
    CHECK_INT(b.a.items[0].bd_seq, 0);
}

static void a_number_that_could_not_be_stored_is_not_used(void)
{
    bench b;
    start(&b, (edge_session_config){ .servers = 1 });
    ev(&b, EDGE_EV_PREPARE);
    ev(&b, EDGE_EV_PERSIST_FAILED);
    ev(&b, EDGE_EV_PREPARE);
    CHECK_INT(b.a.items[1].bd_seq, 7);
}

static void nothing_is_born_before_every_subscription_is_granted(void)
{
    bench b;
    start(&b, (edge_session_config){ .servers = 1 });
    ev(&b, EDGE_EV_PREPARE);
    ev(&b, EDGE_EV_CONNECTED);
    CHECK(!did(&b, EDGE_ACT_BIRTH));
    CHECK_INT(b.s.state, EDGE_SUBSCRIBING);
    ev(&b, EDGE_EV_READY);
    CHECK_INT(b.a.items[0].bd_seq, 7);
    born(&b);
    CHECK(edge_session_may_send(&b.s));
    CHECK_INT(edge_session_seq(&b.s), 1);
}

static void births_wait_for_the_primary_host(void)
{
    bench b;
    start(&b, (edge_session_config){ .servers = 1, .primary_host = true });
    ready(&b);
    CHECK_INT(b.s.state, EDGE_WAIT_HOST);
    state(&b, false, 1000);
    CHECK_INT(b.s.state, EDGE_WAIT_HOST);
    CHECK_INT(b.a.n, 0); /* one server: stay, no reconnect loop */
    later(&b, 3600000);
    CHECK_INT(b.s.state, EDGE_WAIT_HOST);
    state(&b, true, 1000); /* Will and birth share one timestamp: >= */
    born(&b);
}

static void a_state_before_the_suback_is_remembered(void)
{
    bench b;
    start(&b, (edge_session_config){ .servers = 1, .primary_host = true });
    ev(&b, EDGE_EV_PREPARE);
    ev(&b, EDGE_EV_CONNECTED);
    state(&b, true, 5);
    CHECK_INT(b.a.n, 0);
    ev(&b, EDGE_EV_READY);
    born(&b);
}

static void the_last_timestamp_outlives_the_connection(void)
{
    bench b;
    start(&b, (edge_session_config){ .servers = 1, .primary_host = true });
    ready(&b);
    state(&b, true, 2000);
    born(&b);
    ev(&b, EDGE_EV_LOST);
    ready(&b);
    CHECK_INT(b.s.state, EDGE_WAIT_HOST); /* a STATE of the previous session does not count */
    state(&b, true, 1999);
    CHECK_INT(b.s.state, EDGE_WAIT_HOST);
    CHECK_INT(b.s.stats.state_older, 1);
    state(&b, true, 2000);
    born(&b);
}

static void an_offline_host_ends_the_session_at_once(void)
{
    bench b;
    start(&b, (edge_session_config){ .servers = 2, .primary_host = true, .mqtt5 = true });
    ready(&b);
    state(&b, true, 2000);
    born(&b);
    state(&b, false, 1999); /* a late Will */
    CHECK_INT(b.a.n, 0);
    CHECK_INT(b.s.state, EDGE_ONLINE);
    state(&b, false, 2000);
    CHECK_INT(b.a.n, 2);
    CHECK(b.a.items[0].type == EDGE_ACT_NDEATH && b.a.items[0].bd_seq == 7);
    CHECK(b.a.items[1].type == EDGE_ACT_DISCONNECT && b.a.items[1].with_will && b.a.items[1].again);
    CHECK(!edge_session_may_send(&b.s));
    ev(&b, EDGE_EV_LOST);
    ev(&b, EDGE_EV_PREPARE);
    CHECK_INT(b.a.items[1].server, 1);
    CHECK_INT(b.a.items[1].bd_seq, 8);
}

static void host_bounces_in_all_orders_end_in_the_right_state(void)
{
    /* a host goes and comes back; its Will and its new birth, retained or live, arrive in any order */
    static const struct {
        const char *row;
        struct {
            bool online;
            int64_t ts;
        } states[3];
        edge_state want;
    } rows[] = {
        { "Will, then birth", { { false, 100 }, { true, 200 }, { true, 200 } }, EDGE_LEAVING },
        { "birth, then the late Will", { { true, 200 }, { false, 100 }, { true, 200 } }, EDGE_ONLINE },
        { "clean death, then birth", { { false, 150 }, { true, 200 }, { true, 200 } }, EDGE_LEAVING },
        { "birth, death and Will late", { { true, 200 }, { false, 150 }, { false, 100 } }, EDGE_ONLINE },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        bench b;
        start(&b, (edge_session_config){ .servers = 1, .primary_host = true });
        ready(&b);
        state(&b, true, 100);
        born(&b);
        edge_state end = EDGE_ONLINE;
        for (int k = 0; k < 3 && end == EDGE_ONLINE; k++) {
            state(&b, rows[i].states[k].online, rows[i].states[k].ts);
            end = b.s.state;
        }
        CHECK_ROW(rows[i].row, end == rows[i].want);
        if (end != EDGE_LEAVING) continue;
        ev(&b, EDGE_EV_LOST);
        ready(&b);
        state(&b, true, 200);
        CHECK_ROW(rows[i].row, did(&b, EDGE_ACT_BIRTH));
    }
}

static void several_servers_are_walked_while_the_host_is_away(void)
{
    bench b;
    start(&b, (edge_session_config){ .servers = 3, .primary_host = true });
    ready(&b);
    state(&b, false, 10);
    CHECK_INT(b.a.n, 1); /* never an NDEATH where no NBIRTH was */
    CHECK_INT(b.a.items[0].type, EDGE_ACT_DISCONNECT);
    ev(&b, EDGE_EV_LOST);
    ready(&b);
    CHECK_INT(b.s.server, 1);
    later(&b, 30000); /* no STATE at all on this one */
    CHECK(did(&b, EDGE_ACT_DISCONNECT));
    ev(&b, EDGE_EV_LOST);
    ev(&b, EDGE_EV_PREPARE);
    CHECK_INT(b.s.server, 2);
    ev(&b, EDGE_EV_LOST); /* refused */
    ready(&b);
    CHECK_INT(b.s.server, 0);
    state(&b, true, 5); /* older than what this server said: tck PrimaryHostTest */
    CHECK_INT(b.s.state, EDGE_WAIT_HOST);
    state(&b, true, 11);
    born(&b);
}

static void timestamps_of_the_host_are_kept_per_server(void)
{
    bench b;
    start(&b, (edge_session_config){ .servers = 2, .primary_host = true });
    ready(&b);
    state(&b, true, 5000);
    born(&b);
    ev(&b, EDGE_EV_NEXT_SERVER);
    CHECK(did(&b, EDGE_ACT_NDEATH));
    ev(&b, EDGE_EV_LOST);
    ready(&b);
    CHECK_INT(b.s.server, 1);
    state(&b, true, 3); /* the host's timestamp there is another one */
    born(&b);
}

static void rebirths_are_debounced_and_the_last_request_is_kept(void)
{
    bench b;
    start(&b, (edge_session_config){ .servers = 1, .rebirth_debounce_ms = 2000 });
    ready(&b);
    born(&b);
    later(&b, 5000);
    ev(&b, EDGE_EV_REBIRTH);
    born(&b);
    for (int i = 0; i < 20; i++) {
        later(&b, 50);
        ev(&b, EDGE_EV_REBIRTH);
        CHECK_INT(b.a.n, 0);
        CHECK(!edge_session_may_send(&b.s)); /* DATA stops at once */
    }
    CHECK_INT(edge_session_deadline(&b.s), b.now.mono_ms + 1000);
    later(&b, 1000);
    born(&b);
    later(&b, 10000);
    CHECK_INT(b.a.n, 0); /* one more, not twenty */
    CHECK_INT(b.s.stats.rebirths, 2);
    CHECK_INT(b.s.stats.rebirths_coalesced, 19);
}

static void a_rebirth_keeps_the_bdseq(void)
{
    bench b;
    start(&b, (edge_session_config){ .servers = 1 });
    ready(&b);
    born(&b);
    b.s.seq = 77;
    ev(&b, EDGE_EV_REBIRTH);
    CHECK_INT(b.a.n, 1); /* no NDEATH, no reconnect */
    CHECK_INT(b.a.items[0].bd_seq, 7);
    born(&b);
    CHECK_INT(edge_session_seq(&b.s), 1);
}

static void a_request_before_the_births_needs_no_second_one(void)
{
    bench b;
    start(&b, (edge_session_config){ .servers = 1, .primary_host = true, .birth_settle_ms = 5 });
    ready(&b);
    ev(&b, EDGE_EV_REBIRTH);
    CHECK_INT(b.a.n, 0);
    state(&b, true, 1);
    CHECK_INT(b.s.state, EDGE_BIRTHING);
    CHECK_INT(b.a.n, 0);
    ev(&b, EDGE_EV_REBIRTH);
    int64_t stamp = b.now.wall_ms;
    later(&b, 6);
    CHECK_INT(b.a.items[0].stamp_ms, stamp); /* stamped, then settled: guide 25.15 */
    born(&b);
    later(&b, 60000);
    CHECK_INT(b.a.n, 0);
}

static void births_the_connection_had_no_room_for_are_tried_again(void)
{
    bench b;
    start(&b, (edge_session_config){ .servers = 1 });
    ready(&b);
    ev(&b, EDGE_EV_BIRTH_FAILED);
    CHECK_INT(b.s.state, EDGE_BIRTHING);
    later(&b, 100);
    born(&b);
}

static void our_own_ndeath_with_the_current_number_means_rebirth(void)
{
    bench b;
    start(&b, (edge_session_config){ .servers = 1 });
    ready(&b);
    born(&b);
    edge_session_handle(&b.s, &(edge_event){ .type = EDGE_EV_NDEATH, .bd_seq = 6 }, b.now, &b.a);
    CHECK_INT(b.a.n, 0);
    edge_session_handle(&b.s, &(edge_event){ .type = EDGE_EV_NDEATH, .bd_seq = -1 }, b.now, &b.a);
    CHECK_INT(b.a.n, 0);
    edge_session_handle(&b.s, &(edge_event){ .type = EDGE_EV_NDEATH, .bd_seq = 7 }, b.now, &b.a);
    born(&b);
}

static void a_stop_says_ddeaths_ndeath_disconnect_in_this_order(void)
{
    for (int v5 = 0; v5 < 2; v5++) {
        bench b;
        start(&b, (edge_session_config){ .servers = 1, .mqtt5 = v5 });
        ready(&b);
        born(&b);
        ev(&b, EDGE_EV_STOP);
        CHECK_INT(b.a.n, 3);
        CHECK_INT(b.a.items[0].type, EDGE_ACT_DDEATHS);
        CHECK_INT(b.a.items[1].type, EDGE_ACT_NDEATH);
        CHECK_INT(b.a.items[2].type, EDGE_ACT_DISCONNECT);
        CHECK_INT(b.a.items[2].with_will, v5);
        CHECK(!b.a.items[2].again);
        edge_session_handle(&b.s, &(edge_event){ .type = EDGE_EV_NDEATH, .bd_seq = 7 }, b.now, &b.a); /* the echo */
        CHECK_INT(b.a.n, 0);
        ev(&b, EDGE_EV_LOST);
        CHECK_INT(b.s.state, EDGE_STOPPED);
        ev(&b, EDGE_EV_PREPARE);
        CHECK_INT(b.a.n, 0);
    }
}

static void a_stop_before_the_births_says_nothing(void)
{
    bench b;
    start(&b, (edge_session_config){ .servers = 1, .primary_host = true });
    ev(&b, EDGE_EV_STOP);
    CHECK_INT(b.s.state, EDGE_STOPPED);
    start(&b, (edge_session_config){ .servers = 1, .primary_host = true });
    ready(&b);
    ev(&b, EDGE_EV_STOP);
    CHECK_INT(b.a.n, 1);
    CHECK_INT(b.a.items[0].type, EDGE_ACT_DISCONNECT);
}

static void the_old_state_texts_count_only_when_enabled(void)
{
    for (int on = 0; on < 2; on++) {
        bench b;
        start(&b, (edge_session_config){ .servers = 1, .primary_host = true, .legacy_state = on });
        ready(&b);
        edge_session_handle(&b.s, &(edge_event){ .type = EDGE_EV_STATE, .online = true, .legacy = true }, b.now, &b.a);
        CHECK_INT(b.s.stats.legacy_states, 1);
        CHECK_INT(b.s.state, on ? EDGE_BIRTHING : EDGE_WAIT_HOST);
        if (!on) continue;
        born(&b);
        edge_session_handle(&b.s, &(edge_event){ .type = EDGE_EV_STATE, .online = false, .legacy = true }, b.now, &b.a);
        CHECK(did(&b, EDGE_ACT_NDEATH));
    }
}

static void a_host_whose_clock_went_back_counts_after_a_while_when_allowed(void)
{
    bench b;
    edge_event live = { .type = EDGE_EV_STATE, .online = true, .timestamp_ms = 100 };
    start(&b, (edge_session_config){ .servers = 1, .primary_host = true, .accept_older_after_ms = 10000 });
    ready(&b);
    state(&b, false, 90000000);
    edge_session_handle(&b.s, &live, b.now, &b.a);
    CHECK_INT(b.s.state, EDGE_WAIT_HOST);
    later(&b, 9999);
    CHECK_INT(b.s.state, EDGE_WAIT_HOST);
    later(&b, 1);
    born(&b);
    start(&b, (edge_session_config){ .servers = 1, .primary_host = true });
    ready(&b);
    state(&b, false, 90000000);
    edge_session_handle(&b.s, &live, b.now, &b.a);
    later(&b, 86400000);
    CHECK_INT(b.s.state, EDGE_WAIT_HOST);
}

static void a_wall_clock_that_steps_a_day_moves_no_deadline(void)
{
    for (int sign = -1; sign <= 1; sign += 2) {
        bench b;
        start(&b, (edge_session_config){ .servers = 1, .rebirth_debounce_ms = 2000, .birth_settle_ms = 4 });
        ready(&b);
        b.now.wall_ms += sign * 86400000ll;
        later(&b, 5);
        born(&b);
        ev(&b, EDGE_EV_REBIRTH);
        b.now.wall_ms -= sign * 86400000ll;
        later(&b, 2000);
        later(&b, 5);
        born(&b);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_connection_takes_the_stored_bdseq_and_stores_the_next_first),
        PT_TEST(bdseq_wraps_from_255_to_0),
        PT_TEST(a_number_that_could_not_be_stored_is_not_used),
        PT_TEST(nothing_is_born_before_every_subscription_is_granted),
        PT_TEST(births_wait_for_the_primary_host),
        PT_TEST(a_state_before_the_suback_is_remembered),
        PT_TEST(the_last_timestamp_outlives_the_connection),
        PT_TEST(an_offline_host_ends_the_session_at_once),
        PT_TEST(host_bounces_in_all_orders_end_in_the_right_state),
        PT_TEST(several_servers_are_walked_while_the_host_is_away),
        PT_TEST(timestamps_of_the_host_are_kept_per_server),
        PT_TEST(rebirths_are_debounced_and_the_last_request_is_kept),
        PT_TEST(a_rebirth_keeps_the_bdseq),
        PT_TEST(a_request_before_the_births_needs_no_second_one),
        PT_TEST(births_the_connection_had_no_room_for_are_tried_again),
        PT_TEST(our_own_ndeath_with_the_current_number_means_rebirth),
        PT_TEST(a_stop_says_ddeaths_ndeath_disconnect_in_this_order),
        PT_TEST(a_stop_before_the_births_says_nothing),
        PT_TEST(the_old_state_texts_count_only_when_enabled),
        PT_TEST(a_host_whose_clock_went_back_counts_after_a_while_when_allowed),
        PT_TEST(a_wall_clock_that_steps_a_day_moves_no_deadline),
    };
    return pt_test_main("edge-node/session", tests, PT_COUNT_OF(tests), argc, argv);
}
