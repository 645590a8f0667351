/* host/tracker.c: messages of every verb, servers that come and go, and what the callers ask for. Notation: script.h. */
#include "tests/host/script.h"
#include "tests/support/check.h"

/* Every row starts with server 0 ready. Node tags: bdSeq is tag 1. */
static const script_row rows[] = {
    { "guide 3.6: an empty or malformed payload",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | > !malformed\n"
      "NDATA g/e | hex=12ff > !malformed\n"
      "NDATA g/e | ts=99001 seq=1 a=d2@98001 > 2=2@98001" },
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
    { "guide 18.2: nothing is sent before STATE is acknowledged",
      "lost 0 >\n"
      "NDATA g/e | ts=99001 seq=9 t=d2@98002 > !not-born\n"
      "wait 30000 >\n"
      "ready 0 > NCMD:g/e@0 *rebirth-request" },
};

static void every_rule_holds(void)
{
    script_rows(rows, PT_COUNT_OF(rows));
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_rule_holds),
    };
    return pt_test_main("host/tracker", tests, PT_COUNT_OF(tests), argc, argv);
}
