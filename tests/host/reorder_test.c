/* host/nodes/reorder.c: messages held back for an earlier one, or for an NBIRTH that they have overtaken. Notation: script.h. */
#include "tests/host/script.h"
#include "tests/support/check.h"

/* Every row starts with server 0 ready. Node tags: bdSeq is tag 1. */
static const script_row rows[] = {
    { "tck-id-operational-behavior-host-reordering-success: the missing message comes in time, order is restored",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 seq=2 t=d3@98003 > *seq-gap\n"
      "wait 1900 >\n"
      "NDATA g/e | ts=99001 seq=1 t=d2@98002 > 2=2@98002 2=3@98003\n"
      "wait 60000 >" },
    { "tck-id-operational-behavior-host-reordering-start, -rebirth: one timer from the first gap, then one rebirth, nothing shown as live",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 seq=2 t=d3@98003 > *seq-gap\n"
      "wait 1500 >\n"
      "NDATA g/e | ts=99001 seq=3 t=d4@98004 >\n"
      "wait 499 >\n"
      "wait 1 > *reorder-timeout !reorder-discarded !reorder-discarded stale(1,2)@102000 m2:S@102000 -g/e NCMD:g/e@0 *rebirth-request\n"
      "wait 4000 >" },
    { "guide 20: a second gap runs from the message that showed it",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 seq=2 t=d3@98003 > *seq-gap\n"
      "wait 1000 >\n"
      "NDATA g/e | ts=99001 seq=4 t=d5@98005 >\n"
      "wait 500 >\n"
      "NDATA g/e | ts=99001 seq=1 t=d2@98002 > 2=2@98002 2=3@98003\n"
      "wait 1499 >\n"
      "NDATA g/e | ts=99001 seq=3 t=d4@98004 > 2=4@98004 2=5@98005\n"
      "wait 60000 >" },
    { "guide 20: reordering across the wrap", "NBIRTH g/e | ts=99000 seq=253 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
                                              "NDATA g/e | ts=99001 seq=0 t=d4@98004 > *seq-gap\n"
                                              "NDATA g/e | ts=99001 seq=255 t=d3@98003 >\n"
                                              "NDATA g/e | ts=99001 seq=1 t=d5@98005 >\n"
                                              "NDATA g/e | ts=99001 seq=254 t=d2@98002 > 2=2@98002 2=3@98003 2=4@98004 2=5@98005" },
    { "guide 20: DBIRTH and data may overtake their NBIRTH: they wait for it",
      "DBIRTH g/e/d | ts=99000 seq=1 t#5:10=d1@98000 > NCMD:g/e@0 *rebirth-request\n"
      "DDATA g/e/d | ts=99001 seq=2 #5=d2@98002 >\n"
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000 +g/e/d *dbirth 2=1@98000 2=2@98002\n"
      "wait 60000 >" },
    { "guide 20: so, too, after a death and in a rebirth",
      "NBIRTH g/e | ts=90000 seq=0 bd=7 > *nbirth +g/e ~1=7@90000\n"
      "DBIRTH g/e/d | ts=90000 seq=1 t#5:10=d1@90000 > +g/e/d *dbirth 2=1@90000\n"
      "DDATA g/e/d | ts=90001 seq=2 #5=d2@90001 > 2=2@90001\n"
      "DBIRTH g/e/d | ts=90002 seq=1 t#6:10=d3@90002 >\n"
      "NBIRTH g/e | ts=90002 seq=0 bd=7 > stale(2)@100000 -g/e/d *nbirth ~1=7@90002 +g/e/d *dbirth 2=3@90002\n"
      "NDEATH g/e | bd=7 > stale(2)@100000 m2:S@100000 -g/e/d stale(1)@100000 -g/e *ndeath\n"
      "wait 100 >\n"
      "DBIRTH g/e/d | ts=100050 seq=1 t#6:10=d4@100050 > NCMD:g/e@0 *rebirth-request\n"
      "NBIRTH g/e | ts=100050 seq=0 bd=8 > *nbirth +g/e ~1=8@100050 +g/e/d *dbirth 2=4@100050\n"
      "wait 60000 >" },
    { "guide 20: what waited for an NBIRTH in vain is refused for what it was",
      "DBIRTH g/e/d | ts=99000 seq=1 t#5:10=d1@98000 > NCMD:g/e@0 *rebirth-request\n"
      "wait 1999 >\n"
      "wait 1 > !not-born\n"
      "NBIRTH g/e | ts=100000 seq=0 bd=7 > *nbirth +g/e ~1=7@100000\n"
      "wait 60000 >" },
    { "guide 20: an NBIRTH never waits, and what was held back is of the past",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 seq=5 t=d4@98004 > *seq-gap\n"
      "NBIRTH g/e | ts=99500 seq=0 bd=7 t:10=d6@99400 > !old-session *nbirth ~1=7@99500 2=6@99400\n"
      "wait 60000 >\n"
      "NDATA g/e | ts=99501 seq=1 t=d7@99401 > 2=7@99401" },
};

static void every_rule_holds(void)
{
    script_rows(rows, PT_COUNT_OF(rows));
}

static void what_is_held_back_is_bounded(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    o.reorder_bytes = 30;
    script_init(&s, &o);
    script_run(&s, "bounded",
               "ready 0 >\n"
               "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
               "NDATA g/e | ts=99001 seq=2 t=d3@98003 > *seq-gap\n"
               "NDATA g/e | ts=99001 seq=3 t=d3@98004 > !reorder-discarded *reorder-timeout !reorder-discarded stale(1,2)@100000 "
               "m2:S@100000 -g/e NCMD:g/e@0 *rebirth-request");
    script_fini(&s);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_rule_holds),
        PT_TEST(what_is_held_back_is_bounded),
    };
    return pt_test_main("host/reorder", tests, PT_COUNT_OF(tests), argc, argv);
}
