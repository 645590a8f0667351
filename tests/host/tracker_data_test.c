/* host/nodes/tracker_data.c: DATA, metric by metric. Notation: script.h. */
#include "tests/host/script.h"
#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>

/* Every row starts with server 0 ready. Node tags: bdSeq is tag 1. */
static const script_row rows[] = {
    { "guide 13: values by alias, by name, by both",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t#5:10=d1.5@98000 u:12=sx@98000 > *nbirth +g/e ~1=7@99000 2=1.5@98000 3=x@98000\n"
      "NDATA g/e | ts=99001 seq=1 #5=d2@98001 u=sy@98002 > 2=2@98001 3=y@98002\n"
      "NDATA g/e | ts=99001 seq=2 t#5=d3@98003 > 2=3@98003" },
    { "guide 10: alias 0 is an alias", "NBIRTH g/e | ts=99000 seq=0 bd=7 t#0:10=d1.5@98000 > *nbirth +g/e ~1=7@99000 2=1.5@98000\n"
                                       "NDATA g/e | ts=99001 seq=1 #0=d2@98001 > 2=2@98001" },
    { "guide 10: name and alias in conflict: the name counts",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t#5:10=d1@98000 u#6:10=d2@98000 > *nbirth +g/e ~1=7@99000 2=1@98000 3=2@98000\n"
      "NDATA g/e | ts=99001 seq=1 u#5=d9@98001 > 3=9@98001" },
    { "guide 19: metric timestamps frozen at process start are data like others",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@50 > *nbirth +g/e ~1=7@99000 2=1@50\n"
      "NDATA g/e | ts=99001 seq=1 t=d2@50 > 2=2@50\n"
      "NDATA g/e | ts=99001 seq=2 t=d3@40 > 2=3@40" },
    { "guide 10: unknown alias: the metric is skipped, the rest kept, one request, never an alias_17 tag",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t#5:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 seq=1 #17=d9@98001 #5=d2@98001 > !unknown-alias 2=2@98001 NCMD:g/e@0 *rebirth-request\n"
      "NDATA g/e | ts=99001 seq=2 #17=d9@98001 #5=d3@98002 > !unknown-alias 2=3@98002" },
    { "guide 19: unknown metric name: skipped, one request",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t#5:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 seq=1 x:10=d9@98001 t=d2@98001 > !unknown-metric 2=2@98001 NCMD:g/e@0 *rebirth-request" },
    { "guide 25.39: bdSeq repeated in DATA is tolerated and not stored",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "DBIRTH g/e/d | ts=99000 seq=1 u:10=d1@98000 > +g/e/d *dbirth 3=1@98000\n"
      "DDATA g/e/d | ts=99001 seq=2 bd=7 u=d2@98001 > 3=2@98001" },
    { "guide 4: a wire field that does not fit skips that metric only",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 b:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000 3=1@98000\n"
      "NDATA g/e | ts=99001 seq=1 a=sno@98001 b=d2@98001 > !bad-value 3=2@98001" },
    { "guide 25.1: UInt32 in either field; 25.2: negative small integers three ways",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 u:7=l4294967295@1 v:7=i4294967295@1 i:1=i4294967254@1 > "
      "*nbirth +g/e ~1=7@99000 2=4294967295@1 3=4294967295@1 4=-42@1\n"
      "NDATA g/e | ts=99001 seq=1 i=i214@2 u=i7@2 > 4=-42@2 2=7@2\n"
      "NDATA g/e | ts=99001 seq=2 i=l-42@3 > 4=-42@3" },
    { "guide 4: DATA whose datatype contradicts the birth: the birth's word, and a request",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:3=i1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 seq=1 a:7=i4294967295@98001 > 2=-1@98001 NCMD:g/e@0 *rebirth-request" },
    { "guide 9: historical goes to history only, transient is live only, null is a value state",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 seq=1 a=d5@97000!h > h2=5@97000\n"
      "NDATA g/e | ts=99001 seq=2 a=d6@98001!t > ~2=6@98001\n"
      "NDATA g/e | ts=99001 seq=3 a=-@98002!n > 2=@98002\n"
      "NDATA g/e | ts=99001 seq=4 a=d7@98003!n > 2=@98003\n"
      "NDATA g/e | ts=99001 seq=5 a=d7@98004!H > 2=7@98004" },
    { "guide 8: quality: 0 BAD, 192 GOOD, 500 STALE, others BAD, absent GOOD again",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000;Quality:3=i0 > *nbirth +g/e ~1=7@99000 2=1@98000!B\n"
      "NDATA g/e | ts=99001 seq=1 a=d2@98001;Quality:3=i500 > 2=2@98001!S\n"
      "NDATA g/e | ts=99001 seq=2 a=d3@98002;Quality:4=l192 > 2=3@98002\n"
      "NDATA g/e | ts=99001 seq=3 a=d4@98003;Quality:3=i7 > 2=4@98003!B\n"
      "NDATA g/e | ts=99001 seq=4 a=d5@98004 > 2=5@98004" },
    { "guide 19: timestamps: metric, then payload, then arrival",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1 > *nbirth +g/e ~1=7@99000 2=1@99000\n"
      "NDATA g/e | ts=99001 seq=1 a=d2 > 2=2@99001\n"
      "NDATA g/e | seq=2 a=d3 > 2=3@100000?\n"
      "NDATA g/e | seq=3 a=d4@18446744073709551615 > 2=4@100000?" },
    { "guide 25.3: out-of-range small integers are masked, not refused",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:5=i300@98000 > *nbirth +g/e ~1=7@99000 2=44@98000" },
};

static void every_rule_holds(void)
{
    script_rows(rows, PT_COUNT_OF(rows));
}

/* The payload may be larger where the limit was raised; history's longest value stays what it is. */
static void a_value_that_is_too_long_is_refused_alone(void)
{
    static const size_t lengths[] = { HOST_VALUE_MAX, HOST_VALUE_MAX + 1 };
    char *text = malloc(HOST_VALUE_MAX + 1);
    CHECK_FATAL(text != NULL);
    memset(text, 'y', HOST_VALUE_MAX + 1);
    for (size_t i = 0; i < PT_COUNT_OF(lengths); i++) {
        host_tracker_options o;
        script s;
        pt_buf bytes;
        script_options(&o);
        o.limits.payload_bytes = 64u << 20;
        script_init(&s, &o);
        script_run(&s, "born",
                   "NBIRTH g/e | ts=99000 seq=0 bd=7 t:12=sx@98000 u:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=x@98000 3=1@98000");
        spb_metric metrics[] = {
            { .flags = SPB_HAS_NAME | SPB_HAS_TIMESTAMP,
              .name = PT_LIT("t"),
              .timestamp = 98001,
              .wire = SPB_WIRE_STRING,
              .value.bytes = pt_slice_of(text, lengths[i]) },
            { .flags = SPB_HAS_NAME | SPB_HAS_TIMESTAMP, .name = PT_LIT("u"), .timestamp = 98001, .wire = SPB_WIRE_DOUBLE, .value.f64 = 2 }
        };
        spb_payload p = { .has_timestamp = true, .timestamp = 99001, .has_seq = true, .seq = 1, .metrics = metrics, .n_metrics = 2 };
        pt_buf_init(&bytes, 64u << 20);
        CHECK_OK_FATAL(spb_payload_encode(&p, &bytes));
        host_message m = { .topic = { .verb = SPB_NDATA, .group = PT_LIT("g"), .edge = PT_LIT("e") },
                           .payload = pt_buf_view(&bytes),
                           .wall_ms = s.wall_ms,
                           .mono_ms = s.mono_ms };
        host_tracker_message(s.tracker, &m, &s.arena);
        const host_node *n = host_tracker_find(s.tracker, PT_LIT("g"), PT_LIT("e"));
        CHECK_INT(n->counts.rejected_samples[HOST_REJECT_TOO_BIG], i);
        CHECK_INT(n->counts.stored, 4 - i); /* two of the birth, u, and t unless it is too long */
        CHECK(host__counts_close(n));
        pt_buf_fini(&bytes);
        script_fini(&s);
    }
    free(text);
}

static void what_is_skipped_is_told_by_its_name_or_alias(void)
{
    static char endless[1000];
    static const struct {
        const char *message, *word, *text;
    } bad[] = {
        { "NDATA g/e | ts=99001 seq=1 nope=d2@1", "unknown-metric", "metric 'nope': not in the birth" },
        { "NDATA g/e | ts=99001 seq=1 nope#77=d2@1", "unknown-alias", "metric 'nope', alias 77: in no birth of the session" },
        { "NDATA g/e | ts=99001 seq=1 #17=d2@1", "unknown-alias", "alias 17: in no birth of the session" },
        { "NDATA g/e | ts=99001 seq=1 #5=d2@1", "ambiguous-alias", "alias 5: several metrics of the birth have it" },
        { "NDATA g/e | ts=99001 seq=1 =d2@1", "no-identity", "a metric without name and alias: it cannot be known which metric is meant" },
        { "NDATA g/e | ts=99001 seq=1 #1=sno@1", "bad-value", "metric 'temp', alias 1: Double in string_value" },
        { "NDATA g/e | ts=99001 seq=1 m=T{M}(speed=d1)", "unknown-metric", "metric 'm/speed': not in the birth" },
        { "NBIRTH g/e | ts=99001 seq=0 bd=7 a:99=d1@1", "bad-type", "metric 'a': no datatype, or an unknown one" },
        { "NBIRTH g/e | ts=99001 seq=0 bd=7 a:10=d1@1 a:10=d2@1", "duplicate-name", "metric 'a': the birth has it twice" },
        { "NBIRTH g/e | ts=99001 seq=0 bd=7 #3:10=d1@1", "no-identity", "alias 3: a birth must name its metrics" },
        { endless, "unknown-metric", NULL },
    };
    snprintf(endless, sizeof endless, "NDATA g/e | ts=99001 seq=1 %0900d=d2@1", 7);
    for (size_t i = 0; i < PT_COUNT_OF(bad); i++) {
        host_tracker_options o;
        script s;
        char word[60];
        script_options(&o);
        o.commands = false;
        script_init(&s, &o);
        script_run(
            &s, "born",
            "NBIRTH g/e | ts=99000 seq=0 bd=7 temp#1:10=d1@98000 x#5:10=d1@98000 y#5:10=d1@98000 m:19=T{M}(rpm:10=d1)@98000 > "
            "!duplicate-alias *nbirth +g/e ~1=7@99000 2=1@98000 3=1@98000 4=1@98000 5={\"template_ref\":\"M\",\"version\":null,\"members\":{\"rpm\":1},"
            "\"parameters\":{}}@98000 6=1@99000");
        script_step(&s, bad[i].message);
        snprintf(word, sizeof word, "!%s", bad[i].word);
        CHECK_ROW(bad[i].message, s.words.len > 0 && memmem(s.words.ptr, s.words.len, word, strlen(word)) != NULL);
        if (bad[i].text) CHECK_STR(pt_cstr(s.last_bad), bad[i].text);
        else CHECK_INT(strlen(s.last_bad), strlen("metric '': not in the birth") + 200);
        CHECK(host__counts_close(host_tracker_at(s.tracker, 0)));
        script_fini(&s);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_rule_holds),
        PT_TEST(a_value_that_is_too_long_is_refused_alone),
        PT_TEST(what_is_skipped_is_told_by_its_name_or_alias),
    };
    return pt_test_main("host/tracker_data", tests, PT_COUNT_OF(tests), argc, argv);
}
