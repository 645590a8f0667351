/* host/backfill.c: asking for what may have been missed. Notation: script.h. */
#include "tests/host/script.h"
#include "tests/support/check.h"

/* Every row starts with server 0 ready. Node tags: bdSeq is tag 1. */
static const script_row rows[] = {
    { "decision 7: after a gap the node is asked for what is missing since its last message, and says when it is done",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 Node_Control/Backfill_From:13=-!n Backfill/Pending:4=l0@1!t > *nbirth +g/e ~1=7@99000 2=1@98000 ~3=@99000 ~4=0@1\n"
      "NDATA g/e | ts=99500 seq=1 a=d2@99500 > 2=2@99500\n"
      "NDATA g/e | ts=99600 seq=3 a=d4@99600 > *seq-gap\n"
      "wait 2000 > *reorder-timeout !reorder-discarded stale(1,2,3,4)@102000 m2:S@102000 m4:S@102000 -g/e NCMD:g/e@0 *rebirth-request\n"
      "NBIRTH g/e | ts=102100 seq=0 bd=7 a:10=d4@99600 Node_Control/Backfill_From:13=-!n Backfill/Pending:4=l0@1!t > *nbirth +g/e ~1=7@102100 2=4@99600 m2:G@102100 ~3=@102100 ~4=0@1 m4:G@102100\n"
      "wait 199 >\n"
      "wait 1 > BACKFILL:g/e=98500 *backfill\n"
      "NDATA g/e | ts=102300 seq=1 a=d2@99500!h a=d3@99550!h Backfill/Pending=l2@102300!t > h2=2@99500 h2=3@99550 ~4=2@102300\n"
      "NDATA g/e | ts=102400 seq=2 Backfill/Pending=l0@102400!t > *backfill ~4=0@102400\n"
      "NBIRTH g/e | ts=103000 seq=0 bd=7 a:10=d4@99600 Node_Control/Backfill_From:13=-!n Backfill/Pending:4=l0@1!t > *nbirth ~1=7@103000 ~2=4@99600 ~3=@103000 ~4=0@1\n"
      "wait 1000 >" },
    { "decision 7: a new session after a death, too; nodes that announce nothing are not asked",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 Node_Control/Backfill_From:13=-!n Backfill/Pending:4=l0@1!t > *nbirth +g/e ~1=7@99000 ~2=@99000 ~3=0@1\n"
      "NDEATH g/e | bd=7 > stale(1,2,3)@100000 m3:S@100000 -g/e *ndeath\n"
      "NBIRTH g/e | ts=102100 seq=0 bd=8 Node_Control/Backfill_From:13=-!n Backfill/Pending:4=l0@1!t > *nbirth +g/e ~1=8@102100 ~2=@102100 ~3=0@1 m3:G@102100\n"
      "wait 200 > BACKFILL:g/e=98000 *backfill\n"
      "NBIRTH g/f | ts=99000 seq=0 bd=7 > *nbirth +g/f ~4=7@99000\n"
      "NDEATH g/f | bd=7 > stale(4)@100200 -g/f *ndeath\n"
      "NBIRTH g/f | ts=102100 seq=0 bd=8 > *nbirth +g/f ~4=8@102100\n"
      "wait 1000 >" },
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
    return pt_test_main("host/backfill", tests, PT_COUNT_OF(tests), argc, argv);
}
