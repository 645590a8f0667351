/* host/nodes/tracker_sequence.c: messages that carry a seq. Notation: script.h. */
#include "tests/host/script.h"
#include "tests/support/check.h"

/* Every row starts with server 0 ready. Node tags: bdSeq is tag 1. */
static const script_row rows[] = {
    { "tck-id-operational-behavior-edge-node-termination-host-action-ddeath-devices-offline, -ddeath-devices-tags-stale: payload time",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "DBIRTH g/e/d | ts=99000 seq=1 t:10=d1.5@98000 > +g/e/d *dbirth 2=1.5@98000\n"
      "DDEATH g/e/d | ts=99700 seq=2 > stale(2)@99700 m2:S@99700 -g/e/d *ddeath\n"
      "DDEATH g/e/d | ts=99800 seq=3 >\n"
      "NDATA g/e | ts=99900 seq=4 >" },
    { "guide 19: DDEATH without a payload time: the time it came",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "DBIRTH g/e/d | ts=99000 seq=1 t:10=d1.5@98000 > +g/e/d *dbirth 2=1.5@98000\n"
      "DDEATH g/e/d | seq=2 > stale(2)@100000 m2:S@100000 -g/e/d *ddeath" },
    { "guide 19: DDEATH of a device that was never born is ignored",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "DDEATH g/e/x | ts=99001 seq=1 >\n"
      "NDATA g/e | ts=99002 seq=2 t=d2@98001 > 2=2@98001\n"
      "wait 60000 >" },
    { "guide 23: a device that is not born again gets its STALE mark in history",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "DBIRTH g/e/d | ts=99000 seq=1 t:10=d1.5@98000 > +g/e/d *dbirth 2=1.5@98000\n"
      "NBIRTH g/e | ts=99100 seq=0 bd=7 > stale(2)@100000 -g/e/d *nbirth ~1=7@99100\n"
      "wait 6000 > m2:S@100000" },
    { "tck-id-payloads-sequence-num-incrementing: 255 is followed by 0",
      "NBIRTH g/e | ts=99000 seq=254 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 seq=255 t=d2@98001 > 2=2@98001\n"
      "NDATA g/e | ts=99001 seq=0 t=d3@98002 > 2=3@98002\n"
      "NDATA g/e | ts=99001 seq=1 t=d4@98003 > 2=4@98003" },
    { "guide 25.34: DBIRTH and DDEATH use up a seq, NDEATH, NCMD and DCMD do not",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NCMD g/e | ts=1 x=i1 >\n"
      "DCMD g/e/d | ts=1 x=i1 >\n"
      "DBIRTH g/e/d | ts=99000 seq=1 > +g/e/d *dbirth\n"
      "NDEATH g/e | bd=6 > !death-of-other-session stale(1,2)@100000 m2:S@100000 *doubtful NCMD:g/e@0 *rebirth-request\n"
      "DDEATH g/e/d | ts=99000 seq=2 > fresh(1,2)@100000 +g/e -g/e/d *ddeath\n"
      "NDATA g/e | ts=99001 seq=3 t=d2@98001 > 2=2@98001" },
    { "guide 19: another session whose NBIRTH is lost is noticed before its seq fits by chance",
      "NBIRTH g/e | ts=90000 seq=0 bd=7 a#1:10=d1@90000 b#2:10=d1@90000 > *nbirth +g/e ~1=7@90000 2=1@90000 3=1@90000\n"
      "NDATA g/e | ts=90001 seq=1 #1=d2@90001 > 2=2@90001\n"
      "NDATA g/e | ts=95000 seq=1 #2=d5@95000 >\n"
      "NDATA g/e | ts=95001 seq=2 #2=d6@95001 >\n"
      "NDATA g/e | ts=95002 seq=3 #2=d7@95002 >\n"
      "wait 2000 > !duplicate-seq !not-born !not-born *seq-gap stale(1,2,3)@102000 m2:S@102000 m3:S@102000 -g/e NCMD:g/e@0 *rebirth-request\n"
      "NBIRTH g/e | ts=102001 seq=0 bd=8 a#2:10=d8@102001 b#1:10=d9@102001 > *nbirth +g/e ~1=8@102001 2=8@102001 3=9@102001" },
    { "guide 20: behind is a duplicate", "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
                                         "NDATA g/e | ts=99001 seq=1 t=d2@98002 > 2=2@98002\n"
                                         "NDATA g/e | ts=99001 seq=1 t=d2@98002 > !duplicate-seq\n"
                                         "NDATA g/e | ts=99001 seq=130 t=d2@98002 > !duplicate-seq\n"
                                         "NDATA g/e | ts=99001 seq=3 t=d4@98004 > *seq-gap\n"
                                         "NDATA g/e | ts=99001 seq=3 t=d4@98004 > !duplicate-seq\n"
                                         "NDATA g/e | ts=99001 seq=2 t=d3@98003 > 2=3@98003 2=4@98004" },
    { "guide 20: more than half the circle lost at once is a gap, not a duplicate",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 seq=1 t=d2@98002 > 2=2@98002\n"
      "NDATA g/e | ts=99200 seq=201 t=d3@98200 > \n"
      "NDATA g/e | ts=99201 seq=2 t=d4@98201 >\n"
      "wait 2000 > !not-born !duplicate-seq *seq-gap stale(1,2)@102000 m2:S@102000 -g/e NCMD:g/e@0 *rebirth-request" },
    { "guide 19, spk 178: data sent before the NBIRTH it arrives behind",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NBIRTH g/e | ts=99500 seq=0 bd=7 t:10=d6@99400 > *nbirth ~1=7@99500 2=6@99400\n"
      "NDATA g/e | ts=99200 seq=1 t=d2@99200 > !old-session\n"
      "NDATA g/e | ts=99501 seq=1 t=d7@99401 > 2=7@99401" },
    { "guide 12: frozen payload timestamps: dropping once, believing after it led to a gap",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=50000 seq=1 t=d2@50000 > !old-session\n"
      "wait 3000 >\n"
      "NDATA g/e | ts=50000 seq=2 t=d3@50000 > *seq-gap\n"
      "wait 2000 > *reorder-timeout !reorder-discarded stale(1,2)@105000 m2:S@105000 -g/e NCMD:g/e@0 *rebirth-request\n"
      "NBIRTH g/e | ts=105000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@105000 ~2=1@98000 m2:G@105001\n"
      "NDATA g/e | ts=50000 seq=1 t=d2@50000 > 2=2@50000" },
    { "guide 19: data of a dead node sent before its death is dropped without a request; later data asks",
      "NBIRTH g/e | ts=100000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@100000 2=1@98000\n"
      "wait 1000 >\n"
      "NDEATH g/e | bd=7 > stale(1,2)@101000 m2:S@101000 -g/e *ndeath\n"
      "NDATA g/e | ts=100900 seq=1 t=d2@98002 > !offline\n"
      "NDATA g/e | ts=101500 seq=99 t=d2@98002 > !offline NCMD:g/e@0 *rebirth-request" },
    { "guide 20: data without seq or with one above 255",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 a=d2@98001 > !no-seq\n"
      "NDATA g/e | ts=99001 seq=256 a=d2@98001 > !bad-seq\n"
      "NDATA g/e | ts=99001 seq=1 a=d2@98001 > 2=2@98001" },
};

static void every_rule_holds(void)
{
    script_rows(rows, PT_COUNT_OF(rows));
}

static void with_timeout_0_a_gap_acts_at_once(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    o.reorder_timeout_ms = 0;
    script_init(&s, &o);
    script_run(&s, "timeout 0",
               "ready 0 >\n"
               "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
               "NDATA g/e | ts=99001 seq=3 t=d3@98003 > *seq-gap !reorder-discarded *reorder-timeout stale(1,2)@100000 m2:S@100000 -g/e "
               "NCMD:g/e@0 *rebirth-request");
    const host_node *n = host_tracker_at(s.tracker, 0);
    CHECK_INT(n->counts.holes, 2);
    CHECK_INT(n->counts.expected, 4);
    script_run(&s, "timeout 0: more than half the circle",
               "NBIRTH g/f | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/f ~3=7@99000 4=1@98000\n"
               "NDATA g/f | ts=98999 seq=201 t=d3@98003 > !old-session\n"
               "NDATA g/f | ts=99001 seq=201 t=d3@98003 > *seq-gap !reorder-discarded *reorder-timeout stale(3,4)@100000 m4:S@100000 -g/f "
               "NCMD:g/f@0 *rebirth-request");
    CHECK_INT(host_tracker_at(s.tracker, 1)->counts.holes, 200);
    script_fini(&s);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_rule_holds),
        PT_TEST(with_timeout_0_a_gap_acts_at_once),
    };
    return pt_test_main("host/tracker_sequence", tests, PT_COUNT_OF(tests), argc, argv);
}
