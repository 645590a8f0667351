/* host/nodes/doubt.c: a node that may be gone without a word that proves it. Notation: script.h. */
#include "tests/host/script.h"
#include "tests/support/check.h"

#include <stdio.h>

#define BORN    "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1.5@98000 > *nbirth +g/e ~1=7@99000 2=1.5@98000\n"
#define DOUBTED "!death-of-other-session stale(1,2)@100000 m2:S@100000 *doubtful NCMD:g/e@0 *rebirth-request\n"

/* Every row starts with server 0 ready; birth_wait is 5 s. */
static const script_row rows[] = {
    { "an NDEATH without bdSeq: stale at once, asked once, off line when nothing comes",
      BORN "NDEATH g/e | x:4=l7 > " DOUBTED "wait 4999 >\n"
           "wait 1 > -g/e *ndeath\n"
           "wait 600000 >" },
    { "with another bdSeq", BORN "NDEATH g/e | bd=8 > " DOUBTED "wait 5000 > -g/e *ndeath" },
    { "with the word in another case", BORN "NDEATH g/e | bdseq:8=l7 > " DOUBTED "wait 5000 > -g/e *ndeath" },
    { "with a number that is none", BORN "NDEATH g/e | bdSeq:10=d7 > " DOUBTED "wait 5000 > -g/e *ndeath" },
    { "with text", BORN "NDEATH g/e | bdSeq:12=s7 > " DOUBTED "wait 5000 > -g/e *ndeath" },
    { "with null", BORN "NDEATH g/e | bdSeq:8=-!n > " DOUBTED "wait 5000 > -g/e *ndeath" },
    { "with no metric at all", BORN "NDEATH g/e | ts=99500 > " DOUBTED "wait 5000 > -g/e *ndeath" },
    { "one that does not decode",
      BORN "NDEATH g/e | hex=12ff > !malformed stale(1,2)@100000 m2:S@100000 *doubtful NCMD:g/e@0 *rebirth-request\n"
           "wait 5000 > -g/e *ndeath" },
    { "one that is empty", BORN "NDEATH g/e | > !malformed stale(1,2)@100000 m2:S@100000 *doubtful NCMD:g/e@0 *rebirth-request\n"
                                "wait 5000 > -g/e *ndeath" },
    { "devices go with their node",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "DBIRTH g/e/d | ts=99000 seq=1 t:10=d1.5@98000 > +g/e/d *dbirth 2=1.5@98000\n"
      "NDEATH g/e | bd=3 > !death-of-other-session stale(2)@100000 m2:S@100000 stale(1)@100000 *doubtful NCMD:g/e@0 "
      "*rebirth-request\n"
      "wait 5000 > -g/e/d -g/e *ndeath" },
    { "a birth ends the doubt, and history says that the values hold again",
      BORN "NDEATH g/e | x:4=l7 > " DOUBTED "wait 1000 >\n"
           "NBIRTH g/e | ts=101000 seq=0 bd=7 t:10=d1.5@98000 > *nbirth ~1=7@101000 ~2=1.5@98000 m2:G@101000\n"
           "wait 600000 >" },
    { "the next message in turn ends it, too", BORN "NDEATH g/e | x:4=l7 > " DOUBTED "wait 1000 >\n"
                                                    "NDATA g/e | ts=101000 seq=1 t=d2@101000 > fresh(1,2)@101000 +g/e 2=2@101000\n"
                                                    "wait 600000 >" },
    { "one out of turn does not", BORN "NDEATH g/e | x:4=l7 > " DOUBTED "NDATA g/e | ts=101000 seq=2 t=d2@101000 > *seq-gap\n"
                                       "wait 2000 > *reorder-timeout !reorder-discarded -g/e" },
    { "a second doubt changes nothing", BORN "NDEATH g/e | x:4=l7 > " DOUBTED "wait 1000 >\n"
                                             "NDEATH g/e | bd=3 > !death-of-other-session\n"
                                             "wait 4000 > -g/e *ndeath" },
    { "a fitting NDEATH ends the session at once", BORN "NDEATH g/e | x:4=l7 > " DOUBTED "wait 1000 >\n"
                                                        "NDEATH g/e | bd=7 > -g/e *ndeath\n"
                                                        "wait 600000 >" },
    { "a death of a session that another has replaced: doubted, but never taken for dead",
      "NBIRTH g/e | ts=99000 seq=0 bd=6 > *nbirth +g/e ~1=6@99000\n"
      "NBIRTH g/e | ts=99500 seq=0 bd=7 > *nbirth ~1=7@99500\n"
      "NDEATH g/e | bd=6 > !death-of-other-session stale(1)@100000 *doubtful NCMD:g/e@0 *rebirth-request\n"
      "wait 3600000 >\n"
      "NDATA g/e | ts=3700000 seq=1 > fresh(1)@3700000 +g/e" },
    { "the same where that session had died already: its will comes after the next birth",
      "NBIRTH g/e | ts=99000 seq=0 bd=6 > *nbirth +g/e ~1=6@99000\n"
      "NDEATH g/e | bd=6 > stale(1)@100000 -g/e *ndeath\n"
      "NBIRTH g/e | ts=99500 seq=0 bd=7 > *nbirth +g/e ~1=7@99500\n"
      "NDEATH g/e | bd=6 > !death-of-other-session stale(1)@100000 *doubtful NCMD:g/e@0 *rebirth-request\n"
      "wait 3600000 >" },
    { "a retained death is of an unknown age: no doubt", BORN "retained NDEATH g/e | bd=7 > !retained\n"
                                                              "retained NDEATH g/e | bd=6 > !retained\n"
                                                              "wait 600000 >" },
    { "a death of the server the node has left: no doubt",
      "ready 1 >\n" BORN "NBIRTH g/e@1 | ts=99500 seq=0 bd=8 t:10=d3@98002 > *nbirth ~1=8@99500 2=3@98002\n"
      "NDEATH g/e@0 | bd=7 > !death-of-other-session\n"
      "NDEATH g/e@0 | hex=12ff > !malformed\n"
      "wait 600000 >" },
    { "taken for dead, but it only had nothing to say: it goes on, and is asked for its birth",
      BORN "NDEATH g/e | x:4=l7 > " DOUBTED "wait 5000 > -g/e *ndeath\n"
           "wait 60000 >\n"
           "NDATA g/e | ts=165000 seq=1 t=d2@165000 > fresh(1,2)@165000 +g/e 2=2@165000 NCMD:g/e@0 *rebirth-request" },
    { "taken for dead, and then a message out of turn: asked",
      BORN "NDEATH g/e | x:4=l7 > " DOUBTED "wait 5000 > -g/e *ndeath\n"
           "wait 60000 >\n"
           "NDATA g/e | ts=165000 seq=99 t=d2@165000 > !offline NCMD:g/e@0 *rebirth-request" },
    { "taken for dead, and then its fitting death: it does not go on",
      BORN "NDEATH g/e | x:4=l7 > " DOUBTED "wait 5000 > -g/e *ndeath\n"
           "NDEATH g/e | bd=7 >\n"
           "wait 60000 >\n"
           "NDATA g/e | ts=165000 seq=99 t=d2@165000 > !offline NCMD:g/e@0 *rebirth-request" },
    { "the connection is lost in doubt: the session may go on all the same",
      BORN "wait 20000 >\n"
           "NDEATH g/e | x:4=l7 > !death-of-other-session stale(1,2)@120000 m2:S@120000 *doubtful NCMD:g/e@0 *rebirth-request\n"
           "lost 0 > -g/e\n"
           "ready 0 >\n"
           "NDATA g/e | ts=120001 seq=1 t=d2@120000 > fresh(1,2)@120000 +g/e 2=2@120000\n"
           "wait 600000 >" },
    { "nobody is blamed for a request that still waits for its turn",
      BORN "NDEATH g/e | x:4=l7 > " DOUBTED "wait 1000 >\n"
           "NBIRTH g/e | ts=101000 seq=0 bd=7 t:10=d2@101000 > *nbirth ~1=7@101000 2=2@101000\n"
           "NDEATH g/e | x:4=l7 > !death-of-other-session stale(1,2)@101000 m2:S@101000 *doubtful\n"
           "wait 4000 > NCMD:g/e@0 *rebirth-request\n"
           "wait 4999 >\n"
           "wait 1 > -g/e *ndeath" },
};

static void every_rule_holds(void)
{
    script_rows(rows, PT_COUNT_OF(rows));
}

/* With sparkplug.silence 16 s: looked at every second at most. */
static const script_row silence_rows[] = {
    { "no limit is passed while messages come", "ready 0 >\n" BORN "wait 15000 >\n"
                                                "NDATA g/e | ts=115000 seq=1 t=d2@115000 > 2=2@115000\n"
                                                "wait 15000 >\n"
                                                "NDATA g/e | ts=130000 seq=2 t=d3@130000 > 2=3@130000" },
    { "silent for as long as the limit: doubtful, asked once, then off line",
      "ready 0 >\n" BORN "wait 15999 >\n"
      "wait 1 > stale(1,2)@116000 m2:S@116000 *doubtful NCMD:g/e@0 *rebirth-request\n"
      "wait 4999 >\n"
      "wait 1 > -g/e *ndeath\n"
      "wait 600000 >" },
    { "a node that answers is on line again, and doubtful again after the next silence",
      "ready 0 >\n" BORN "wait 16000 > stale(1,2)@116000 m2:S@116000 *doubtful NCMD:g/e@0 *rebirth-request\n"
      "wait 100 >\n"
      "NBIRTH g/e | ts=116100 seq=0 bd=7 t:10=d1.5@98000 > *nbirth ~1=7@116100 ~2=1.5@98000 m2:G@116100\n"
      "wait 15900 >\n"
      "wait 1100 > stale(1,2)@133001 m2:S@133001 *doubtful NCMD:g/e@0 *rebirth-request" },
    { "a node that is not on line is not silent", "ready 0 >\n" BORN "NDEATH g/e | bd=7 > stale(1,2)@100000 m2:S@100000 -g/e *ndeath\n"
                                                  "wait 600000 >" },
};

static void silence_is_a_doubt_where_a_limit_is_set(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(silence_rows); i++) {
        host_tracker_options o;
        script s;
        script_options(&o);
        o.silence_ms = 16000;
        script_init(&s, &o);
        script_run(&s, silence_rows[i].rule, silence_rows[i].script);
        script_fini(&s);
    }
}

static void the_limit_can_come_and_go_while_nodes_are_on_line(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    script_init(&s, &o);
    script_run(&s, "off", "ready 0 >\n" BORN "wait 600000 >");
    o.silence_ms = 1000;
    host_tracker_configure(s.tracker, &o);
    script_run(&s, "on", "wait 0 > stale(1,2)@700000 m2:S@700000 *doubtful NCMD:g/e@0 *rebirth-request");
    script_run(&s, "heard", "NDATA g/e | ts=700000 seq=1 t=d2@700000 > fresh(1,2)@700000 +g/e 2=2@700000");
    o.silence_ms = 0;
    host_tracker_configure(s.tracker, &o);
    script_run(&s, "off again", "wait 600000 >");
    script_fini(&s);
}

static void the_event_says_what_the_doubt_is(void)
{
    static const struct {
        const char *death, *detail;
    } deaths[] = {
        { "NDEATH g/e | x:4=l7", "{\"cause\":\"doubtful-death\",\"text\":\"NDEATH without bdSeq\"}" },
        { "NDEATH g/e | bd=9", "{\"cause\":\"doubtful-death\",\"text\":\"NDEATH with bdSeq 9; the session's is 7\"}" },
        { "NDEATH g/e | bd=6", "{\"cause\":\"doubtful-death\",\"text\":\"NDEATH with bdSeq 6, of a session before the present one, 7\"}" },
        { "NDEATH g/e | hex=12ff", "{\"cause\":\"doubtful-death\",\"text\":\"NDEATH that does not decode\"}" },
        { "wait 61000", "{\"cause\":\"silent\",\"text\":\"no message for 61 s\"}" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(deaths); i++) {
        host_tracker_options o;
        script s;
        char step[200];
        script_options(&o);
        o.commands = false; /* a passive host doubts and does not ask */
        o.silence_ms = 61000;
        script_init(&s, &o);
        script_run(&s, "born",
                   "NBIRTH g/e | ts=99000 seq=0 bd=6 > *nbirth +g/e ~1=6@99000\n"
                   "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth ~1=7@99000");
        int64_t at = s.wall_ms + (deaths[i].death[0] == 'w' ? 61000 : 0);
        const char *bad = deaths[i].death[0] == 'w' ? "" : strstr(deaths[i].death, "hex") ? "!malformed " : "!death-of-other-session ";
        snprintf(step, sizeof step, "%s > %sstale(1)@%lld *doubtful", deaths[i].death, bad, (long long)at);
        script_run(&s, deaths[i].death, step);
        CHECK_STR(pt_buf_view(&s.last_detail), deaths[i].detail);
        script_fini(&s);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_rule_holds),
        PT_TEST(silence_is_a_doubt_where_a_limit_is_set),
        PT_TEST(the_limit_can_come_and_go_while_nodes_are_on_line),
        PT_TEST(the_event_says_what_the_doubt_is),
    };
    return pt_test_main("host/doubt", tests, PT_COUNT_OF(tests), argc, argv);
}
