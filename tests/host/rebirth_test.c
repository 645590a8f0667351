/* host/nodes/rebirth.c: who is asked for a rebirth, how often, and in which bytes. Notation: script.h. */
#include "tests/host/script.h"
#include "tests/support/check.h"

/* Every row starts with server 0 ready. Node tags: bdSeq is tag 1. */
static const script_row rows[] = {
    { "guide 19: unknown node: one rebirth request, data dropped, growing distances while unanswered",
      "NDATA g/e | ts=99001 seq=9 t=d2@98002 > !not-born NCMD:g/e@0 *rebirth-request\n"
      "NDATA g/e | ts=99001 seq=100 t=d2@98002 > !not-born\n"
      "wait 4999 >\n"
      "wait 1 > NCMD:g/e@0 *rebirth-request\n"
      "wait 9999 >\n"
      "wait 1 > NCMD:g/e@0 *rebirth-request\n"
      "wait 19999 >\n"
      "NBIRTH g/e | ts=134000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@134000 2=1@98000\n"
      "wait 100000 >" },
    { "guide 19: DBIRTH, DDATA, DDEATH of an unknown node ask for a rebirth; NDEATH is noted",
      "DBIRTH g/a/d | ts=99001 seq=99 t:10=d2@98002 > !not-born NCMD:g/a@0 *rebirth-request\n"
      "DDATA g/b/d | ts=99001 seq=9 t=d2@98002 > !not-born NCMD:g/b@0 *rebirth-request\n"
      "DDEATH g/c/d | ts=99001 seq=9 > !not-born NCMD:g/c@0 *rebirth-request\n"
      "NDEATH g/d | bd=3 > *ndeath" },
    { "guide 25.37: commands, deaths and nothing else never ask for a rebirth",
      "NCMD g/a | ts=1 x=i1 >\nDCMD g/a/d | ts=1 x=i1 >\nNDEATH g/a | bd=1 > *ndeath\nwait 10000 >" },
    { "guide 22: the request goes to the server the node lives on", "ready 1 >\n"
                                                                    "NBIRTH g/e@1 | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
                                                                    "ask g/e > NCMD:g/e@1 *rebirth-request" },
    { "guide 19: a death ends the requests", "NDATA g/e | ts=99001 seq=9 t=d2@98002 > !not-born NCMD:g/e@0 *rebirth-request\n"
                                             "NDEATH g/e | bd=3 > *ndeath\n"
                                             "wait 600000 >" },
    { "rebirth.max: a silent node is asked at growing distances, up to the largest",
      "NDATA g/e | ts=99001 seq=9 t=d2@98002 > !not-born NCMD:g/e@0 *rebirth-request\n"
      "wait 5000 > NCMD:g/e@0 *rebirth-request\n"
      "wait 10000 > NCMD:g/e@0 *rebirth-request\n"
      "wait 20000 > NCMD:g/e@0 *rebirth-request\n"
      "wait 40000 > NCMD:g/e@0 *rebirth-request\n"
      "wait 80000 > NCMD:g/e@0 *rebirth-request\n"
      "wait 160000 > NCMD:g/e@0 *rebirth-request\n"
      "wait 299999 >\n"
      "wait 1 > NCMD:g/e@0 *rebirth-request\n"
      "wait 299999 >\n"
      "wait 1 > NCMD:g/e@0 *rebirth-request" },
    { "a node that talks is asked after half a minute at the latest",
      "NDATA g/e | ts=99001 seq=99 t=d2@98002 > !not-born NCMD:g/e@0 *rebirth-request\n"
      "wait 75000 > NCMD:g/e@0 *rebirth-request NCMD:g/e@0 *rebirth-request NCMD:g/e@0 *rebirth-request NCMD:g/e@0 *rebirth-request\n"
      "NDATA g/e | ts=99002 seq=100 t=d2@98002 > !not-born\n"
      "wait 29999 >\n"
      "wait 1 > NCMD:g/e@0 *rebirth-request\n"
      "NDATA g/e | ts=99003 seq=101 t=d2@98002 > !not-born\n"
      "wait 29999 >\n"
      "wait 1 > NCMD:g/e@0 *rebirth-request\n"
      "wait 299999 >\n" /* silent again */
      "wait 1 > NCMD:g/e@0 *rebirth-request" },
    { "what a birth cures may be asked for again after the least distance",
      "NDATA g/e | ts=99001 seq=99 t=d2@98002 > !not-born NCMD:g/e@0 *rebirth-request\n"
      "wait 15000 > NCMD:g/e@0 *rebirth-request NCMD:g/e@0 *rebirth-request\n"
      "NBIRTH g/e | ts=115000 seq=0 bd=7 > *nbirth +g/e ~1=7@115000\n"
      "NDATA g/e | ts=115001 seq=2 > *seq-gap\n"
      "wait 2000 > *reorder-timeout !reorder-discarded stale(1)@117000 -g/e\n"
      "wait 2999 >\n"
      "wait 1 > NCMD:g/e@0 *rebirth-request\n"
      "NBIRTH g/e | ts=120000 seq=0 bd=7 > *nbirth +g/e ~1=7@120000\n"
      "wait 5000 >\n"
      "NDATA g/e | ts=125001 seq=2 > *seq-gap\n"
      "wait 2000 > *reorder-timeout !reorder-discarded stale(1)@127000 -g/e NCMD:g/e@0 *rebirth-request" },
    { "what it does not cure is asked for ever more slowly, until a quiet spell",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "NDATA g/e | ts=99001 seq=1 #9=d2@1 > !unknown-alias NCMD:g/e@0 *rebirth-request\n"
      "NBIRTH g/e | ts=99002 seq=0 bd=7 > *nbirth ~1=7@99002\n"
      "NDATA g/e | ts=99003 seq=1 #9=d2@1 > !unknown-alias\n"
      "wait 5000 > NCMD:g/e@0 *rebirth-request\n"
      "NBIRTH g/e | ts=99004 seq=0 bd=7 > *nbirth ~1=7@99004\n"
      "NDATA g/e | ts=99005 seq=1 #9=d2@1 > !unknown-alias\n"
      "wait 9999 >\n"
      "wait 1 > NCMD:g/e@0 *rebirth-request\n"
      "NBIRTH g/e | ts=115000 seq=0 bd=7 > *nbirth ~1=7@115000\n"
      "wait 80001 >\n" /* four times the distance of now, 20 s */
      "NDATA g/e | ts=195002 seq=1 #9=d2@1 > !unknown-alias NCMD:g/e@0 *rebirth-request\n"
      "NBIRTH g/e | ts=195003 seq=0 bd=7 > *nbirth ~1=7@195003\n"
      "NDATA g/e | ts=195004 seq=1 #9=d2@1 > !unknown-alias\n"
      "wait 4999 >\n"
      "wait 1 > NCMD:g/e@0 *rebirth-request" },
    { "issue 4: riding on another host's request", "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
                                                   "ask g/e > NCMD:g/e@0 *rebirth-request\n"
                                                   "NCMD g/e | ts=1 Node_Control/Rebirth:11=b1 >\n"
                                                   "NDATA g/e | ts=99001 seq=1 #99=d2@98001 > !unknown-alias\n"
                                                   "NCMD g/e | ts=1 Node_Control/Rebirth:11=b1 >\n"
                                                   "wait 4999 >\n"
                                                   "wait 30000 >" },
};

static void every_rule_holds(void)
{
    script_rows(rows, PT_COUNT_OF(rows));
}

static void a_rebirth_request_is_vector_v6(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    script_init(&s, &o);
    s.wall_ms = 1700000000000;
    script_run(&s, "V6", "ready 0 >\nNDATA g/e | ts=99001 seq=9 t=d2@98002 > !not-born NCMD:g/e@0 *rebirth-request");
    CHECK_HEX(pt_buf_view(&s.last_command), "0880d095ffbc3112210a144e6f646520436f6e74726f6c2f526562697274681880d095ffbc31200b7001");
    script_fini(&s);
    o.cmd_datatype = false;
    script_init(&s, &o);
    s.wall_ms = 1700000000000;
    script_run(&s, "V6 without datatype", "ready 0 >\nNDATA g/e | ts=99001 seq=9 t=d2@98002 > !not-born NCMD:g/e@0 *rebirth-request");
    CHECK_HEX(pt_buf_view(&s.last_command), "0880d095ffbc31121f0a144e6f646520436f6e74726f6c2f526562697274681880d095ffbc317001");
    script_fini(&s);
}

static void a_request_that_could_not_be_sent_is_none_and_is_made_again(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    script_init(&s, &o);
    s.command_answer = PT_EFULL;
    script_run(&s, "full",
               "ready 0 >\n"
               "NDATA g/e | ts=99001 seq=9 t=d2@98002 > !not-born\n"
               "ask g/e > full\n"
               "NCMD g/e | ts=1 Node_Control/Rebirth:11=b1 >"); /* not an echo of ours */
    const host_node *n = host_tracker_at(s.tracker, 0);
    CHECK(n->counts.rebirths_sent == 0 && n->counts.rebirths_ridden == 1 && n->own_echoes == 0);
    s.command_answer = PT_OK;
    script_run(&s, "room", "wait 4999 >\nwait 1 > NCMD:g/e@0 *rebirth-request");
    CHECK_INT(n->counts.rebirths_sent, 1);
    script_fini(&s);
}

static void a_passive_host_asks_for_nothing(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    o.commands = false;
    script_init(&s, &o);
    script_run(&s, "passive", "ready 0 >\nNDATA g/e | ts=99001 seq=9 t=d2@98002 > !not-born\nwait 100000 >\nask g/e > refused");
    script_fini(&s);
}

static void many_unknown_nodes_share_the_budget(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    o.rebirth_global_per_s = 10;
    o.rebirth_jitter_ms = 500;
    script_init(&s, &o);
    script_run(&s, "budget", "ready 0 >");
    char line[128];
    for (int i = 0; i < 200; i++) {
        snprintf(line, sizeof line, "NDATA g/n%d | ts=99001 seq=9 t=d2@98002 > !not-born", i);
        script_run(&s, "budget", line);
    }
    host_tracker_stats st;
    for (int second = 1; second <= 25; second++) {
        script_advance(&s, 1000);
        host_tracker_stats_get(s.tracker, &st);
        CHECK(st.rebirths[HOST_CAUSE_UNKNOWN_NODE] <= (uint64_t)(10 * second + 10));
    }
    int asked = 0;
    for (size_t i = 0; host_tracker_at(s.tracker, i); i++)
        asked += host_tracker_at(s.tracker, i)->counts.rebirths_sent > 0;
    CHECK(asked >= 100);
    script_fini(&s);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_rule_holds),
        PT_TEST(a_rebirth_request_is_vector_v6),
        PT_TEST(a_request_that_could_not_be_sent_is_none_and_is_made_again),
        PT_TEST(a_passive_host_asks_for_nothing),
        PT_TEST(many_unknown_nodes_share_the_budget),
    };
    return pt_test_main("host/rebirth", tests, PT_COUNT_OF(tests), argc, argv);
}
