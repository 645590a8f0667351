/* host/nodes/backfill.c: asking for what may have been missed. Notation: script.h. */
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

#define BIRTH "Node_Control/Backfill_From:13=-!n Backfill/Pending:4=l0@1!t"

static void a_death_before_it_is_done_asks_again_from_the_earlier_point(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    script_init(&s, &o);
    script_run(&s, "again",
               "ready 0 >\n"
               "NBIRTH g/e | ts=99000 seq=0 bd=7 " BIRTH " > *nbirth +g/e ~1=7@99000 ~2=@99000 ~3=0@1\n"
               "NDEATH g/e | bd=7 > stale(1,2,3)@100000 m3:S@100000 -g/e *ndeath\n"
               "NBIRTH g/e | ts=102000 seq=0 bd=8 " BIRTH " > *nbirth +g/e ~1=8@102000 ~2=@102000 ~3=0@1 m3:G@102000\n"
               "wait 200 > BACKFILL:g/e=98000 *backfill\n"
               "NDATA g/e | ts=105000 seq=1 Backfill/Pending=l5@105000!t > ~3=5@105000\n"
               "wait 800 >\n"
               "NDEATH g/e | bd=8 > stale(1,2,3)@101000 m3:S@101000 -g/e *ndeath\n"
               "wait 1000 >\n"
               "NBIRTH g/e | ts=106000 seq=0 bd=9 " BIRTH " > *nbirth +g/e ~1=9@106000 ~2=@106000 ~3=0@1 m3:G@106000\n"
               "wait 200 > BACKFILL:g/e=98000 *backfill");
    CHECK_INT(host_tracker_at(s.tracker, 0)->counts.backfills, 2);
    script_fini(&s);
}

static void the_datatype_is_left_out_of_the_request_when_commands_have_none(void)
{
    for (int datatype = 0; datatype < 2; datatype++) {
        host_tracker_options o;
        script s;
        spb_payload p;
        script_options(&o);
        o.cmd_datatype = datatype;
        script_init(&s, &o);
        script_run(&s, "cmd_datatype",
                   "ready 0 >\n"
                   "NBIRTH g/e | ts=99000 seq=0 bd=7 " BIRTH " > *nbirth +g/e ~1=7@99000 ~2=@99000 ~3=0@1\n"
                   "NDEATH g/e | bd=7 > stale(1,2,3)@100000 m3:S@100000 -g/e *ndeath\n"
                   "NBIRTH g/e | ts=102000 seq=0 bd=8 " BIRTH " > *nbirth +g/e ~1=8@102000 ~2=@102000 ~3=0@1 m3:G@102000\n"
                   "wait 200 > BACKFILL:g/e=98000 *backfill");
        CHECK_OK_FATAL(spb_payload_decode(pt_buf_view(&s.last_command), &spb_limits_default, &s.arena, &p, NULL));
        CHECK(p.n_metrics == 1 && ((p.metrics[0].flags & SPB_HAS_DATATYPE) != 0) == datatype && p.metrics[0].wire == SPB_WIRE_LONG);
        script_fini(&s);
    }
}

static void a_request_that_nobody_answers_is_given_up_after_ten_minutes(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    script_init(&s, &o);
    s.details = true;
    script_run(&s, "unanswered",
               "ready 0 >\n"
               "NDEATH g/e | bd=6 > *ndeath{\"bd_seq\":6,\"was_online\":false}");
    s.details = false;
    script_run(&s, "unanswered",
               "NBIRTH g/e | ts=99000 seq=0 bd=7 " BIRTH " > *nbirth +g/e ~1=7@99000 ~2=@99000 ~3=0@1\n"
               "NDEATH g/e | bd=7 > stale(1,2,3)@100000 m3:S@100000 -g/e *ndeath\n"
               "NBIRTH g/e | ts=102000 seq=0 bd=8 " BIRTH " > *nbirth +g/e ~1=8@102000 ~2=@102000 ~3=0@1 m3:G@102000");
    s.details = true;
    script_run(&s, "unanswered",
               "wait 200 > BACKFILL:g/e=98000 *backfill{\"state\":\"requested\",\"from_ms\":98000,\"historical\":0}\n"
               "wait 599999 >\n"
               "wait 1 > *backfill{\"state\":\"unanswered\",\"from_ms\":98000,\"historical\":0}\n"
               "wait 1000000 >");
    script_fini(&s);
}

static void a_passive_host_asks_for_nothing(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    o.commands = false;
    script_init(&s, &o);
    script_run(&s, "passive",
               "ready 0 >\n"
               "NBIRTH g/e | ts=99000 seq=0 bd=7 " BIRTH " > *nbirth +g/e ~1=7@99000 ~2=@99000 ~3=0@1\n"
               "NDEATH g/e | bd=7 > stale(1,2,3)@100000 m3:S@100000 -g/e *ndeath\n"
               "NBIRTH g/e | ts=102000 seq=0 bd=8 " BIRTH " > *nbirth +g/e ~1=8@102000 ~2=@102000 ~3=0@1 m3:G@102000\n"
               "wait 10000 >");
    script_fini(&s);
}

static void nothing_is_asked_of_a_server_that_is_not_ready(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    script_init(&s, &o);
    script_run(&s, "not ready",
               "NBIRTH g/e | ts=99000 seq=0 bd=7 " BIRTH " > *nbirth +g/e ~1=7@99000 ~2=@99000 ~3=0@1\n"
               "NDEATH g/e | bd=7 > stale(1,2,3)@100000 m3:S@100000 -g/e *ndeath\n"
               "NBIRTH g/e | ts=102000 seq=0 bd=8 " BIRTH " > *nbirth +g/e ~1=8@102000 ~2=@102000 ~3=0@1 m3:G@102000\n"
               "wait 5000 >\n"
               "ready 0 > BACKFILL:g/e=98000 *backfill");
    script_fini(&s);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_rule_holds),
        PT_TEST(a_death_before_it_is_done_asks_again_from_the_earlier_point),
        PT_TEST(the_datatype_is_left_out_of_the_request_when_commands_have_none),
        PT_TEST(a_request_that_nobody_answers_is_given_up_after_ten_minutes),
        PT_TEST(a_passive_host_asks_for_nothing),
        PT_TEST(nothing_is_asked_of_a_server_that_is_not_ready),
    };
    return pt_test_main("host/backfill", tests, PT_COUNT_OF(tests), argc, argv);
}
