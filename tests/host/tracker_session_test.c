/* host/nodes/tracker_session.c: when a session begins, ends, or turns out to continue. Notation: script.h. */
#include "tests/host/script.h"
#include "tests/support/check.h"

/* Every row starts with server 0 ready. Node tags: bdSeq is tag 1. */
static const script_row rows[] = {
    { "tck-id-operational-behavior-edge-node-termination-host-action-ndeath-node-offline",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1.5@98000 > *nbirth +g/e ~1=7@99000 2=1.5@98000\n"
      "wait 500 >\n"
      "NDEATH g/e | bd=7 > stale(1,2)@100500 m2:S@100500 -g/e *ndeath" },
    { "tck-id-operational-behavior-edge-node-termination-host-action-ndeath-devices-offline, -devices-tags-stale",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "DBIRTH g/e/d | ts=99000 seq=1 t:10=d1.5@98000 > +g/e/d *dbirth 2=1.5@98000\n"
      "NDEATH g/e | bd=7 > stale(2)@100000 m2:S@100000 -g/e/d stale(1)@100000 -g/e *ndeath" },
    { "guide 25.30: NDEATH of another session does not end this one, and is no more than a doubt",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1.5@98000 > *nbirth +g/e ~1=7@99000 2=1.5@98000\n"
      "NDEATH g/e | bd=6 > !death-of-other-session stale(1,2)@100000 m2:S@100000 *doubtful NCMD:g/e@0 *rebirth-request\n"
      "NDEATH g/e | x:4=l7 > !death-of-other-session\n"
      "NDATA g/e | ts=99001 seq=1 t=d2@98001 > fresh(1,2)@100000 +g/e 2=2@98001" },
    { "guide 25.11: bdSeq of a death in int_value, as UInt64, or nameless by alias",
      "NBIRTH g/e | ts=99000 seq=0 bdSeq:8=l7 > *nbirth +g/e ~1=7@99000\n"
      "NDEATH g/e | bdSeq:8=i7 > stale(1)@100000 -g/e *ndeath\n"
      "NBIRTH g/e | ts=99000 seq=0 bdSeq#9:8=l8 > *nbirth +g/e ~1=8@99000\n"
      "NDEATH g/e | #9=l8 > stale(1)@100000 -g/e *ndeath" },
    { "guide 25.30: a session begun unseen, while our connection was lost, ends with a later bdSeq",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "lost 0 > stale(1)@100000 -g/e\n"
      "ready 0 >\n"
      "NDEATH g/e | bd=6 > !death-of-other-session\n"
      "NDEATH g/e | bd=8 > *ndeath\n"
      "wait 600000 >" },
    { "guide 25.30: a session whose NBIRTH does not decode ends with a later bdSeq, and is not asked any more",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "NBIRTH g/e | hex=12ff > !malformed stale(1)@100000 -g/e NCMD:g/e@0 *rebirth-request\n"
      "NDEATH g/e | bd=8 > *ndeath\n"
      "wait 600000 >" },
    { "guide 25.30: and so does one whose NBIRTH had no seq",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "NBIRTH g/e | ts=99500 bd=8 > !no-seq stale(1)@100000 -g/e NCMD:g/e@0 *rebirth-request\n"
      "NDEATH g/e | bd=8 > *ndeath\n"
      "wait 600000 >" },
    { "guide 25.30: and one whose NBIRTH is lost, as its later messages show",
      "NBIRTH g/e | ts=99000 seq=0 bd=255 > *nbirth +g/e ~1=255@99000\n"
      "NDATA g/e | ts=99001 seq=1 >\n"
      "DBIRTH g/e/d | ts=99500 seq=1 t:10=d1@99500 >\n"
      "wait 2000 > !duplicate-seq *seq-gap stale(1)@102000 -g/e NCMD:g/e@0 *rebirth-request\n"
      "NDEATH g/e | bd=0 > *ndeath\n"
      "wait 600000 >" },
    { "guide 25.30: without a known bdSeq every death counts", "NBIRTH g/e | ts=99000 seq=0 t:10=d1@98000 > *nbirth +g/e 1=1@98000\n"
                                                               "NDEATH g/e | bd=3 > stale(1)@100000 m1:S@100000 -g/e *ndeath" },
    { "guide 19: the second NDEATH of a session is ignored", "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
                                                             "NDEATH g/e | bd=7 > stale(1)@100000 -g/e *ndeath\n"
                                                             "NDEATH g/e | bd=7 >" },
    { "guide 19: NDEATH of the old session behind the new NBIRTH does not end it",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "NBIRTH g/e | ts=99500 seq=0 bd=8 > *nbirth ~1=8@99500\n"
      "NDEATH g/e | bd=7 > !death-of-other-session stale(1)@100000 *doubtful NCMD:g/e@0 *rebirth-request\n"
      "wait 600000 >" },
    { "guide 19: a device is dead from NBIRTH until its DBIRTH",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "DBIRTH g/e/d | ts=99000 seq=1 t:10=d1.5@98000 > +g/e/d *dbirth 2=1.5@98000\n"
      "NBIRTH g/e | ts=99100 seq=0 bd=7 > stale(2)@100000 -g/e/d *nbirth ~1=7@99100\n"
      "DDATA g/e/d | ts=99200 seq=1 t=d3@98001 > !device-not-born NCMD:g/e@0 *rebirth-request" },
    { "guide 25.35: any seq of an NBIRTH is the base",
      "NBIRTH g/e | ts=99000 seq=200 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 seq=201 t=d2@98001 > 2=2@98001" },
    { "guide 19: an NBIRTH that does not decode ends the session: its aliases are unknown",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a#1:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NBIRTH g/e | hex=12ff > !malformed stale(1,2)@100000 m2:S@100000 -g/e NCMD:g/e@0 *rebirth-request\n"
      "NDATA g/e | ts=99001 seq=101 #1=d2@98001 > !not-born" },
    { "guide 19: an NBIRTH without seq is none", "NBIRTH g/e | ts=99000 bd=7 a:10=d1@98000 > !no-seq NCMD:g/e@0 *rebirth-request\n"
                                                 "NBIRTH g/e | ts=99000 seq=256 bd=7 a:10=d1@98000 > !bad-seq" },
    { "guide 22: the node lives on the server of its last NBIRTH",
      "ready 1 >\n"
      "NBIRTH g/e@0 | ts=99000 seq=0 bd=7 a:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e@1 | ts=99001 seq=1 a=d2@98001 > !other-server\n"
      "NBIRTH g/e@1 | ts=99500 seq=0 bd=8 a:10=d3@98002 > *nbirth ~1=8@99500 2=3@98002\n"
      "NDEATH g/e@0 | bd=7 > !death-of-other-session\n"
      "NDATA g/e@1 | ts=99501 seq=1 a=d4@98003 > 2=4@98003\n"
      "lost 0 >\n"
      "lost 1 > stale(1,2)@100000 m2:S@100000 -g/e" },
    { "guide 22: a node that is not on line lives where it talks now, and is asked there",
      "ready 1 >\n"
      "NBIRTH g/e@1 | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "NDEATH g/e@1 | bd=7 > stale(1)@100000 -g/e *ndeath\n"
      "wait 10000 >\n"
      "NDATA g/e@0 | ts=110000 seq=99 t=d2@1 > !offline NCMD:g/e@0 *rebirth-request\n"
      "NDATA g/e@1 | ts=110001 seq=99 t=d2@1 > !not-born\n"
      "wait 5000 > NCMD:g/e@1 *rebirth-request" },
    { "guide 22: a session goes on only on its own server", "ready 1 >\n"
                                                            "NBIRTH g/e@0 | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
                                                            "wait 10000 >\n"
                                                            "lost 0 > stale(1)@110000 -g/e\n"
                                                            "NDATA g/e@1 | ts=110001 seq=1 > !not-born NCMD:g/e@1 *rebirth-request" },
    { "issue 4: after a reconnect the session goes on when the next seq proves it",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "DBIRTH g/e/d | ts=99000 seq=1 t#4:10=d1.5@98000 > +g/e/d *dbirth 3=1.5@98000\n"
      "wait 10000 >\n"
      "lost 0 > stale(3)@110000 m3:S@110000 -g/e/d stale(1,2)@110000 m2:S@110000 -g/e\n"
      "wait 1000 >\n"
      "ready 0 >\n"
      "DDATA g/e/d | ts=111000 seq=2 #4=d2@110500 > fresh(1,2)@111000 +g/e fresh(3)@111000 +g/e/d 3=2@110500\n"
      "wait 60000 >" },
};

static void every_rule_holds(void)
{
    script_rows(rows, PT_COUNT_OF(rows));
}

static void two_nodes_with_one_id_are_noticed(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    script_init(&s, &o);
    script_run(&s, "twins",
               "ready 0 >\n"
               "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
               "NBIRTH g/e | ts=99001 seq=0 bd=30 > *nbirth ~1=30@99001\n"
               "NBIRTH g/e | ts=99002 seq=0 bd=7 > *duplicate-node *nbirth ~1=7@99002\n"
               "NBIRTH g/e | ts=99003 seq=0 bd=30 > *nbirth ~1=30@99003");
    script_fini(&s);
}

static void a_wrong_edge_clock_is_told_once(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    o.clock_skew_ms = 60000;
    script_init(&s, &o);
    script_run(&s, "skew",
               "ready 0 >\n"
               "NBIRTH g/e | ts=500000 seq=0 bd=7 > *clock-skew *nbirth +g/e ~1=7@500000\n"
               "NBIRTH g/e | ts=500001 seq=0 bd=7 > *nbirth ~1=7@500001\n"
               "NBIRTH g/e | ts=100000 seq=0 bd=7 > *nbirth ~1=7@100000");
    script_fini(&s);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_rule_holds),
        PT_TEST(two_nodes_with_one_id_are_noticed),
        PT_TEST(a_wrong_edge_clock_is_told_once),
    };
    return pt_test_main("host/tracker_session", tests, PT_COUNT_OF(tests), argc, argv);
}
