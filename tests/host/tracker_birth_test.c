/* host/nodes/tracker_birth.c: the metric table of a birth, its aliases, and what changed. Notation: script.h. */
#include "tests/host/script.h"
#include "tests/support/check.h"

/* Every row starts with server 0 ready. Node tags: bdSeq is tag 1. */
static const script_row rows[] = {
    { "guide 19: a birth makes the node known and its values current",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t#5:10=d1.5@98000 > *nbirth +g/e ~1=7@99000 2=1.5@98000" },
    { "guide 23: an unchanged value in a birth is no new sample; after a death history says it is good again",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1.5@98000 > *nbirth +g/e ~1=7@99000 2=1.5@98000\n"
      "NBIRTH g/e | ts=99500 seq=0 bd=7 t:10=d1.5@98000 > *nbirth ~1=7@99500 ~2=1.5@98000\n"
      "NDEATH g/e | bd=7 > stale(1,2)@100000 m2:S@100000 -g/e *ndeath\n"
      "wait 1000 >\n"
      "NBIRTH g/e | ts=100900 seq=0 bd=8 t:10=d1.5@98000 > *nbirth +g/e ~1=8@100900 ~2=1.5@98000 m2:G@100900" },
    { "guide 9: a transient value is never history; after a death history says all the same that it is good again, once",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000!t > *nbirth +g/e ~1=7@99000 ~2=1@98000\n"
      "NDEATH g/e | bd=7 > stale(1,2)@100000 m2:S@100000 -g/e *ndeath\n"
      "wait 1000 >\n"
      "NBIRTH g/e | ts=100900 seq=0 bd=8 t:10=d2@100900!t > *nbirth +g/e ~1=8@100900 ~2=2@100900 m2:G@100900\n"
      "NDATA g/e | ts=100950 seq=1 t=d3@100950!t > ~2=3@100950\n"
      "NBIRTH g/e | ts=100960 seq=0 bd=8 t:10=d4@100960!t > *nbirth ~1=8@100960 ~2=4@100960\n"
      "NDEATH g/e | bd=8 > stale(1,2)@101000 m2:S@101000 -g/e *ndeath\n"
      "wait 1000 >\n"
      "NBIRTH g/e | ts=101900 seq=0 bd=9 t:10=d5@101900!t;Quality:3=i0 > *nbirth +g/e ~1=9@101900 ~2=5@101900!B m2:B@101900" },
    { "guide 10: aliases are cleared by an NBIRTH",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t#5:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NBIRTH g/e | ts=99100 seq=0 bd=7 u#6:10=d1@98000 t#7:10=d1@98000 > *metadata-changed *nbirth ~1=7@99100 3=1@98000 ~2=1@98000\n"
      "NDATA g/e | ts=99201 seq=1 #5=d2@98001 #6=d2@98001 > !unknown-alias 3=2@98001 NCMD:g/e@0 *rebirth-request" },
    { "guide 10: a DBIRTH replaces the aliases of its device only",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "DBIRTH g/e/a | ts=99000 seq=1 t#5:10=d1@98000 > +g/e/a *dbirth 2=1@98000\n"
      "DBIRTH g/e/b | ts=99000 seq=2 t#6:10=d1@98000 > +g/e/b *dbirth 3=1@98000\n"
      "DBIRTH g/e/a | ts=99000 seq=3 t#7:10=d1@98001 > *dbirth 2=1@98001\n"
      "DDATA g/e/b | ts=99000 seq=4 #6=d2@98002 > 3=2@98002\n"
      "DDATA g/e/a | ts=99000 seq=5 #7=d2@98002 > 2=2@98002\n"
      "DDATA g/e/a | ts=99000 seq=6 #6=d3@98003 > !foreign-alias NCMD:g/e@0 *rebirth-request" },
    { "guide 10: a DBIRTH with another device's alias is refused once with a rebirth, then the alias means nothing",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "DBIRTH g/e/a | ts=99000 seq=1 t#5:10=d1@98000 > +g/e/a *dbirth 2=1@98000\n"
      "DBIRTH g/e/b | ts=99000 seq=2 t#5:10=d1@98000 > !duplicate-alias NCMD:g/e@0 *rebirth-request\n"
      "NBIRTH g/e | ts=99001 seq=0 bd=7 > stale(2)@100000 -g/e/a *nbirth ~1=7@99001\n"
      "DBIRTH g/e/a | ts=99001 seq=1 t#5:10=d1@98000 > +g/e/a *dbirth ~2=1@98000\n"
      "DBIRTH g/e/b | ts=99001 seq=2 t#5:10=d1@98000 u#6:10=d2@98000 > !duplicate-alias +g/e/b *dbirth 3=1@98000 4=2@98000\n"
      "DDATA g/e/b | ts=99001 seq=3 #5=d8@98000 #6=d3@98001 > !ambiguous-alias 4=3@98001" },
    { "guide 25.33: another session's alias conflict is refused once again",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "DBIRTH g/e/a | ts=99000 seq=1 t#5:10=d1@98000 > +g/e/a *dbirth 2=1@98000\n"
      "DBIRTH g/e/b | ts=99000 seq=2 t#5:10=d1@98000 > !duplicate-alias NCMD:g/e@0 *rebirth-request\n"
      "NBIRTH g/e | ts=99001 seq=0 bd=8 > stale(2)@100000 -g/e/a *nbirth ~1=8@99001\n"
      "DBIRTH g/e/a | ts=99001 seq=1 t#5:10=d1@98000 > +g/e/a *dbirth ~2=1@98000\n"
      "DBIRTH g/e/b | ts=99001 seq=2 t#5:10=d1@98000 > !duplicate-alias\n"
      "wait 5000 > NCMD:g/e@0 *rebirth-request" },
    { "guide 10: an NBIRTH clears the aliases of devices, too: two of them change theirs for each other's",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "DBIRTH g/e/a | ts=99000 seq=1 t#5:10=d1@98000 > +g/e/a *dbirth 2=1@98000\n"
      "DBIRTH g/e/b | ts=99000 seq=2 t#6:10=d1@98000 > +g/e/b *dbirth 3=1@98000\n"
      "NBIRTH g/e | ts=99001 seq=0 bd=7 > stale(2)@100000 -g/e/a stale(3)@100000 -g/e/b *nbirth ~1=7@99001\n"
      "DBIRTH g/e/a | ts=99001 seq=1 t#6:10=d1@98000 > +g/e/a *dbirth ~2=1@98000\n"
      "DBIRTH g/e/b | ts=99001 seq=2 t#5:10=d1@98000 > +g/e/b *dbirth ~3=1@98000\n"
      "DDATA g/e/a | ts=99002 seq=3 #6=d2@99002 > 2=2@99002" },
    { "one alias twice in a birth means nothing: never a wrong value",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a#5:10=d1@98000 b#5:10=d2@98000 > !duplicate-alias *nbirth +g/e ~1=7@99000 2=1@98000 3=2@98000\n"
      "NDATA g/e | ts=99001 seq=1 #5=d9@98001 b=d3@98001 > !ambiguous-alias 3=3@98001" },
    { "one name twice in a birth: the first",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 a:10=d2@98000 > !duplicate-name *nbirth +g/e ~1=7@99000 2=1@98000" },
    { "guide 4: unknown and missing datatypes of a birth",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:99=d1@98000 b=d1@98000 c:0=d1@98000 d:20=d1@98000 ok:10=d1@98000 > !bad-type !bad-type !bad-type !bad-type *nbirth +g/e ~1=7@99000 2=1@98000" },
    { "guide 23: session plumbing has values but no history",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 Node_Control/Rebirth:11=b0@1 Properties/OS:12=sx@1 > *nbirth +g/e ~1=7@99000 ~2=false@1 ~3=x@1" },
};

static void every_rule_holds(void)
{
    script_rows(rows, PT_COUNT_OF(rows));
}

static void a_rebirth_with_the_same_metrics_asks_for_no_tag(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    script_init(&s, &o);
    script_run(&s, "again", "ready 0 >\nNBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000;engUnit:12=sm > *nbirth +g/e ~1=7@99000 2=1@98000");
    uint32_t calls = s.tag_calls;
    script_run(&s, "again", "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000;engUnit:12=sm > *nbirth ~1=7@99000 ~2=1@98000");
    CHECK_INT(s.tag_calls, calls);
    s.details = true;
    script_run(&s, "diff",
               "NBIRTH g/e | ts=99100 seq=0 bd=7 b:10=d1@98000 a:10=d1@98000;engUnit:12=scm > "
               "*metadata-changed{\"added_count\":1,\"added\":[\"b\"],\"reunited_count\":1,\"reunited\":[\"a\"]} "
               "*nbirth{\"bd_seq\":7,\"seq\":0,\"metrics\":3,\"rebirth\":true,\"server\":0} ~1=7@99100 3=1@98000 ~2=1@98000\n"
               "NBIRTH g/e | ts=99100 seq=0 bd=7 a:9=f1@98000;engUnit:12=scm > absent(3)@100000 "
               "*metadata-changed{\"removed_count\":1,\"removed\":[\"b\"],\"retyped_count\":1,\"retyped\":[\"a\"]} "
               "*nbirth{\"bd_seq\":7,\"seq\":0,\"metrics\":2,\"rebirth\":true,\"server\":0} ~1=7@99100 2=1@98000");
    script_fini(&s);
}

static void limits_on_nodes_devices_and_metrics_are_counted(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    o.nodes_max = 1;
    o.devices_max = 1;
    o.metrics_max = 2;
    script_init(&s, &o);
    script_run(&s, "limits",
               "ready 0 >\n"
               "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 b:10=d1@98000 > *quarantine *nbirth +g/e ~1=7@99000 2=1@98000\n"
               "DBIRTH g/e/d | ts=99000 seq=1 > +g/e/d *dbirth\n"
               "DBIRTH g/e/f | ts=99000 seq=2 > !too-many\n"
               "NBIRTH g/x | ts=99000 seq=0 bd=7 > !too-many");
    script_fini(&s);
}

static void a_birth_beyond_a_limit_is_said_in_plain_words_with_the_way_out(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    o.metrics_max = 2;
    o.limits.payload_bytes = 200;
    script_init(&s, &o);
    s.details = true;
    script_run(
        &s, "metrics",
        "ready 0 >\n"
        "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 b:10=d1@98000 c:10=d1@98000 > "
        "*quarantine{\"reason\":\"birth-too-big\",\"metrics_refused\":2,\"text\":\"more metrics than sparkplug.limits.metrics allows; those beyond it are not followed. "
        "Raise the limit, or spread them over devices\"} *nbirth{\"bd_seq\":7,\"seq\":0,\"metrics\":2,\"rebirth\":false,\"server\":0} +g/e ~1=7@99000 2=1@98000");
    s.details = false;
    char line[1000];
    snprintf(line, sizeof line, "DBIRTH g/e/d | ts=99000 seq=1 t:12=s%0200d > !too-big *quarantine NCMD:g/e@0 *rebirth-request", 0);
    script_run(&s, "bytes", line);
    snprintf(line, sizeof line, "NBIRTH g/f | ts=99000 seq=0 t:12=s%0200d > !too-big *quarantine NCMD:g/f@0 *rebirth-request", 0);
    script_run(&s, "bytes", line);
    script_fini(&s);
}

/* Definitions are versioned by the hash of their bytes: another one under the same name is told, the same one is not. */
static void a_definition_that_is_not_what_it_was_is_told(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    script_init(&s, &o);
    s.details = true;
#define NBIRTH(members) "NBIRTH g/e | ts=99000 seq=0 bd=7 M:19=T{d}(" members ")@1 N:19=T{d}(on:11=-!n)@1 > "
#define SAID            "*nbirth{\"bd_seq\":7,\"seq\":0,\"metrics\":1,\"rebirth\":true,\"server\":0} ~1=7@99000"
    script_run(&s, "first",
               "ready 0 >\n" NBIRTH(
                   "rpm:10=-!n") "*nbirth{\"bd_seq\":7,\"seq\":0,\"metrics\":1,\"rebirth\":false,\"server\":0} +g/e ~1=7@99000");
    host_node *n = host_tracker_at(s.tracker, 0);
    uint64_t first = 0, second = 0, other = 0;
    CHECK(pt_map_get(&n->templates, PT_LIT("M"), &first) && pt_map_get(&n->templates, PT_LIT("N"), &other));
    CHECK(first != other);
    script_run(&s, "again", NBIRTH("rpm:10=-!n") SAID);
    CHECK(pt_map_get(&n->templates, PT_LIT("M"), &second) && first == second);
    script_run(&s, "another", NBIRTH("rpm:9=-!n") "*metadata-changed{\"redefined_count\":1,\"redefined\":[\"M\"]} " SAID);
    CHECK(pt_map_get(&n->templates, PT_LIT("M"), &second) && first != second);
    script_run(&s, "gone", "NBIRTH g/e | ts=99000 seq=0 bd=7 > " SAID);
    CHECK(!pt_map_get(&n->templates, PT_LIT("M"), &second));
    s.details = false;
    script_run(&s, "in a DBIRTH, where it should not be: the node's all the same",
               "DBIRTH g/e/d | ts=99000 seq=1 M:19=T{d}(rpm:10=-!n)@1 > +g/e/d *dbirth");
    CHECK(pt_map_get(&n->templates, PT_LIT("M"), &second) && first == second);
    script_run(&s, "another device says otherwise",
               "DBIRTH g/e/f | ts=99000 seq=2 M:19=T{d}(rpm:9=-!n)@1 > *metadata-changed +g/e/f *dbirth");
    script_run(&s, "the same device says otherwise",
               "DBIRTH g/e/f | ts=99000 seq=3 x:10=d1@1 M:19=T{d}(rpm:10=-!n)@1 > *metadata-changed *dbirth 2=1@1");
    script_fini(&s);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_rule_holds),
        PT_TEST(a_rebirth_with_the_same_metrics_asks_for_no_tag),
        PT_TEST(limits_on_nodes_devices_and_metrics_are_counted),
        PT_TEST(a_birth_beyond_a_limit_is_said_in_plain_words_with_the_way_out),
        PT_TEST(a_definition_that_is_not_what_it_was_is_told),
    };
    return pt_test_main("host/tracker_birth", tests, PT_COUNT_OF(tests), argc, argv);
}
