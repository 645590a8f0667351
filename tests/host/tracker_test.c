/* host/nodes/tracker.c: messages of every verb, servers that come and go, and what the callers ask for. Notation: script.h. */
#include "tests/host/script.h"
#include "tests/host/wire.h"
#include "tests/support/check.h"

/* Every row starts with server 0 ready. Node tags: bdSeq is tag 1. */
static const script_row rows[] = {
    { "guide 3.6: an empty or malformed payload", "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
                                                  "NDATA g/e | > !malformed NCMD:g/e@0 *rebirth-request\n"
                                                  "NDATA g/e | hex=12ff > !malformed\n"
                                                  "NDATA g/e | ts=99001 seq=1 a=d2@98001 > 2=2@98001" },
    { "guide 19: what does not decode of a node on line is counted, and asks for a rebirth by its distances",
      "NDATA g/e | hex=12ff > !malformed\n" /* who it is of, the next message says */
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "DBIRTH g/e/d | ts=99000 seq=1 t:10=d1.5@98000 > +g/e/d *dbirth 2=1.5@98000\n"
      "DDATA g/e/d | hex=12ff > !malformed NCMD:g/e@0 *rebirth-request\n"
      "DDEATH g/e/d | hex=12ff > !malformed\n"
      "NDATA g/e | hex=12ff > !malformed\n"
      "wait 5000 > NCMD:g/e@0 *rebirth-request\n"
      "NDEATH g/e | hex=12ff > !malformed stale(2)@105000 m2:S@105000 stale(1)@105000 *doubtful\n"
      "wait 10000 > NCMD:g/e@0 *rebirth-request\n"
      "wait 5000 > -g/e/d -g/e *ndeath\n"
      "wait 600000 >" },
    { "retained births are not believed, but the node is asked",
      "retained NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 > !retained NCMD:g/e@0 *rebirth-request\n"
      "NBIRTH g/e | ts=100000 seq=0 bd=7 a:10=d2@99999 > *nbirth +g/e ~1=7@100000 2=2@99999\n"
      "retained NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 > !retained" },
    { "tck-not-testable-1: connection loss makes everything learned through that server stale",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "DBIRTH g/e/d | ts=99000 seq=1 t:10=d1.5@98000 > +g/e/d *dbirth 3=1.5@98000\n"
      "lost 0 > stale(3)@100000 m3:S@100000 -g/e/d stale(1,2)@100000 m2:S@100000 -g/e" },
    { "issue 4: where it does not prove it, one rebirth, cause host-restart",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "lost 0 > stale(1,2)@100000 m2:S@100000 -g/e\n"
      "wait 1000 >\n"
      "ready 0 >\n"
      "NDATA g/e | ts=111000 seq=2 a=d2@110500 > !not-born NCMD:g/e@0 *rebirth-request\n"
      "wait 4000 >" },
    { "issue 4: a known node silent after our STATE is asked",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "lost 0 > stale(1,2)@100000 m2:S@100000 -g/e\n"
      "wait 1000 >\n"
      "ready 0 >\n"
      "wait 4999 >\n"
      "wait 1 > NCMD:g/e@0 *rebirth-request" },
    { "a request that is wanted dies with the connection; afterwards the node may be born by itself first",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "NBIRTH g/e | hex=12ff > !malformed stale(1)@100000 -g/e NCMD:g/e@0 *rebirth-request\n" /* and the next one is wanted */
      "lost 0 >\n"
      "wait 60000 >\n"
      "ready 0 >\n"
      "wait 4999 >\n"
      "wait 1 > NCMD:g/e@0 *rebirth-request" },
    { "guide 18.2: nothing is sent before STATE is acknowledged", "lost 0 >\n"
                                                                  "NDATA g/e | ts=99001 seq=9 t=d2@98002 > !not-born\n"
                                                                  "wait 30000 >\n"
                                                                  "ready 0 > NCMD:g/e@0 *rebirth-request" },
};

static void every_rule_holds(void)
{
    script_rows(rows, PT_COUNT_OF(rows));
}

static void messages_that_were_let_go_are_booked_and_their_node_is_asked(void)
{
    host_tracker_options o;
    host_tracker_stats st;
    script s;
    script_options(&o);
    script_init(&s, &o);
    script_run(&s, "shed", "ready 0 >\nNBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000");
    pt_buf_reset(&s.words);
    host_tracker_shed(s.tracker, PT_LIT("g"), PT_LIT("e"), 5, s.wall_ms, s.mono_ms);
    CHECK_STR(pt_buf_view(&s.words), "*seq-gap stale(1,2)@100000 m2:S@100000 -g/e NCMD:g/e@0 *rebirth-request");
    pt_buf_reset(&s.words);
    host_tracker_shed(s.tracker, PT_LIT("g"), PT_LIT("nobody"), 3, s.wall_ms, s.mono_ms); /* of a node not known: counted, nothing else */
    CHECK_STR(pt_buf_view(&s.words), "");
    const host_node *n = host_tracker_at(s.tracker, 0);
    CHECK(host__counts_close(n) && n->counts.messages == 6 && n->counts.rejected_messages[HOST_REJECT_OVERLOAD] == 5);
    host_tracker_stats_get(s.tracker, &st);
    CHECK_INT(st.rejected_messages[HOST_REJECT_OVERLOAD], 8);
    CHECK_INT(st.nodes, 1);
    script_run(&s, "guide 25.30: a birth may have been among them, so a later bdSeq counts", "NDEATH g/e | bd=9 > *ndeath\nwait 600000 >");
    script_run(&s, "shed", "NBIRTH g/e | ts=100000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@100000 ~2=1@98000 m2:G@100001");
    script_fini(&s);
}

static void an_operator_s_request_is_sent_at_once_or_refused(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    script_init(&s, &o);
    script_run(&s, "ask",
               "ask g/e > not-found\n"
               "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
               "ask g/e > wrong-state\n" /* no server to ask through */
               "ready 0 >\n"
               "ask g/e > NCMD:g/e@0 *rebirth-request\n"
               "ask g/e > NCMD:g/e@0 *rebirth-request\n" /* no distance is kept */
               "NBIRTH g/f@9 | ts=99000 seq=0 bd=7 > *nbirth +g/f ~2=7@99000\n"
               "ask g/f > wrong-state");
    script_fini(&s);
}

static void servers_beyond_the_number_we_follow_are_nothing(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    script_init(&s, &o);
    script_run(&s, "servers", "ready 8 >\nlost 8 >\nready 65535 >\nlost 7 >");
    script_fini(&s);
}

static void sessions_of_before_are_restored_once_and_only_when_their_births_decode(void)
{
    host_tracker_options o;
    script s;
    pt_buf nbirth, dbirth;
    script_options(&o);
    script_init(&s, &o);
    pt_buf_init(&nbirth, 1000);
    pt_buf_init(&dbirth, 1000);
    wire_payload("ts=99000 seq=0 bd=7 t#1:10=d1@98000", &nbirth);
    wire_payload("ts=99000 seq=1 u#2:10=d1@98000", &dbirth);
    host_saved_unit units[] = { { .id = PT_LIT(""), .birth = pt_buf_view(&nbirth), .online = true },
                                { .id = PT_LIT("d"), .birth = pt_buf_view(&dbirth), .online = true } };
    host_saved saved = { .kind = HOST_SAVED_SESSION,
                         .group = PT_LIT("g"),
                         .edge = PT_LIT("e"),
                         .has_bd_seq = true,
                         .bd_seq = 7,
                         .next_seq = 9,
                         .born_wall_ms = 50000,
                         .birth_ts = 50000,
                         .last_wall_ms = 99900,
                         .alive_wall_ms = 99900,
                         .last_payload_ms = 99900,
                         .messages = 4,
                         .units = units,
                         .n_units = 2 };
    CHECK_OK(host_tracker_restore(s.tracker, &saved, s.wall_ms, s.mono_ms, &s.arena));
    CHECK_STATUS(host_tracker_restore(s.tracker, &saved, s.wall_ms, s.mono_ms, &s.arena), PT_EEXISTS);
    const host_node *n = host_tracker_at(s.tracker, 0);
    CHECK(n->state == HOST_NODE_UNKNOWN && n->resume && n->n_units == 2 && !n->units[0]->online && n->units[1]->resumable &&
          n->counts.messages == 0);
    CHECK_STR(pt_buf_view(&s.words), ""); /* no value, no event: all that was told before */
    script_run(&s, "restored",
               "ready 0 >\n"
               "DDATA g/e/d | ts=100000 seq=9 #2=d2@100000 > fresh(1,2)@100000 +g/e fresh(3)@100000 +g/e/d 3=2@100000"); /* by an alias of
                                                                                                                            its birth */
    saved.edge = PT_LIT("bad");
    units[1].birth = PT_LIT("\x12\xff");
    CHECK_STATUS(host_tracker_restore(s.tracker, &saved, s.wall_ms, s.mono_ms, &s.arena), PT_EMALFORMED);
    pt_buf_fini(&nbirth);
    pt_buf_fini(&dbirth);
    script_fini(&s);
}

static void who_was_down_is_known_again_and_asked(void)
{
    static const struct {
        const char *what;
        host_saved_kind kind;
        host_node_state state;
        const char *script;
    } kinds[] = {
        { "down: once", HOST_SAVED_DOWN, HOST_NODE_OFFLINE,
          "ready 0 >\n"
          "wait 4999 >\n"
          "wait 1 > NCMD:g/e@0 *rebirth-request\n"
          "wait 3600000 >\n"
          "NBIRTH g/e | ts=3705000 seq=0 bd=8 t#1:10=d1@98000 > *nbirth +g/e ~1=8@3705000 2=1@98000 m2:G@3705000" },
        { "down: its data does not go on", HOST_SAVED_DOWN, HOST_NODE_OFFLINE,
          "ready 0 >\n"
          "NDATA g/e | ts=100000 seq=9 #1=d2@100000 > NCMD:g/e@0 *rebirth-request" },
        { "down: not asked when its death is heard again after its birth", HOST_SAVED_DOWN, HOST_NODE_OFFLINE,
          "ready 0 >\n"
          "NBIRTH g/e | ts=100000 seq=0 bd=8 t#1:10=d1@100000 > *nbirth +g/e ~1=8@100000 2=1@100000\n"
          "NDEATH g/e | bd=8 > stale(1,2)@100000 m2:S@100000 -g/e *ndeath\n"
          "wait 3600000 >" },
        { "waited for: until it answers", HOST_SAVED_WANTED, HOST_NODE_UNKNOWN,
          "ready 0 >\n"
          "wait 5000 > NCMD:g/e@0 *rebirth-request\n"
          "wait 5000 > NCMD:g/e@0 *rebirth-request\n"
          "NBIRTH g/e | ts=110000 seq=0 bd=7 t#1:10=d1@110000 > *nbirth +g/e ~1=7@110000 2=1@110000" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(kinds); i++) {
        host_tracker_options o;
        script s;
        pt_buf birth;
        script_options(&o);
        script_init(&s, &o);
        pt_buf_init(&birth, 1000);
        wire_payload("ts=99000 seq=0 bd=7 t#1:10=d1@98000", &birth);
        host_saved_unit unit = { .id = PT_LIT(""), .birth = pt_buf_view(&birth) };
        host_saved saved = { .kind = kinds[i].kind,
                             .group = PT_LIT("g"),
                             .edge = PT_LIT("e"),
                             .since_ms = 99500,
                             .has_bd_seq = true,
                             .bd_seq = 7,
                             .next_seq = 9,
                             .last_wall_ms = 99400,
                             .units = &unit,
                             .n_units = 1 };
        CHECK_OK(host_tracker_restore(s.tracker, &saved, s.wall_ms, s.mono_ms, &s.arena));
        const host_node *n = host_tracker_at(s.tracker, 0);
        CHECK_ROW(kinds[i].what, n->state == kinds[i].state && !n->resume && n->since_ms == 99500 && n->last_message_ms == 99400);
        script_run(&s, kinds[i].what, kinds[i].script);
        pt_buf_fini(&birth);
        script_fini(&s);
    }
}

static void new_settings_are_for_what_comes_and_sessions_go_on(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    script_init(&s, &o);
    script_run(&s, "before", "ready 0 >\nNBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000");
    o.reorder_timeout_ms = 100;
    o.nodes_max = 1;
    host_tracker_configure(s.tracker, &o);
    script_run(&s, "after",
               "NDATA g/e | ts=99001 seq=2 t=d3@98003 > *seq-gap\n"
               "wait 99 >\n"
               "wait 1 > *reorder-timeout !reorder-discarded stale(1,2)@100100 m2:S@100100 -g/e NCMD:g/e@0 *rebirth-request\n"
               "NBIRTH g/f | ts=99000 seq=0 bd=7 > !too-many");
    script_fini(&s);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_rule_holds),
        PT_TEST(messages_that_were_let_go_are_booked_and_their_node_is_asked),
        PT_TEST(an_operator_s_request_is_sent_at_once_or_refused),
        PT_TEST(servers_beyond_the_number_we_follow_are_nothing),
        PT_TEST(sessions_of_before_are_restored_once_and_only_when_their_births_decode),
        PT_TEST(who_was_down_is_known_again_and_asked),
        PT_TEST(new_settings_are_for_what_comes_and_sessions_go_on),
    };
    return pt_test_main("host/tracker", tests, PT_COUNT_OF(tests), argc, argv);
}
