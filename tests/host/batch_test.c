/* host/ingest/batch.c: what the tracker decides, in the tree, in history and in the log. */
#include "host/rules.h"
#include "tests/host/rig.h"

#include <stdio.h>
#include <stdlib.h>

static void samples_go_where_their_flags_say(void)
{
    rig r;
    char text[400];
    rig_open(&r);
    rig_start(&r);
    rig_push(&r, "spBv1.0/g/NBIRTH/e", "ts=1000 seq=0 bd=7 a:10=d1@1000 Node_Control/Rebirth:11=b0@1000");
    rig_push(&r, "spBv1.0/g/NDATA/e", "ts=2000 seq=1 a=d5@500!h");
    rig_push(&r, "spBv1.0/g/NDATA/e", "ts=2001 seq=2 a=d6@2001!t");
    CHECK_STR(pt_cstr(rig_value(&r, "g/e/a", text, sizeof text)), "6 GOOD");
    CHECK_STR(pt_cstr(rig_history(&r, "g/e/a", text, sizeof text)), "5@500 1@1000"); /* the historical one; not the transient one */
    CHECK_STR(pt_cstr(rig_value(&r, "g/e/_sparkplug/Node Control/Rebirth", text, sizeof text)), "false GOOD");
    CHECK_STR(pt_cstr(rig_history(&r, "g/e/_sparkplug/Node Control/Rebirth", text, sizeof text)),
              ""); /* plumbing: a value and no history */
    rig_close(&r);
}

static void texts_and_arrays_outlive_their_messages(void)
{
    rig r;
    char text[400], words[200];
    rig_open(&r);
    r.options.shards = 1;
    rig_make(&r);
    rig_push(&r, "spBv1.0/g/NBIRTH/e", "ts=1000 seq=0 bd=7 s:12=sfirst@1000 b:17=x0102@1000");
    for (int i = 1; i <= 50; i++) { /* in one batch */
        snprintf(words, sizeof words, "ts=%d seq=%d s=svalue%d@%d b=x%02x%02x@%d", 1000 + i, i, i, 1000 + i, i, i, 1000 + i);
        rig_push(&r, "spBv1.0/g/NDATA/e", words);
    }
    CHECK_OK_FATAL(host_ingest_start(r.ingest));
    CHECK_STR(pt_cstr(rig_value(&r, "g/e/s", text, sizeof text)), "\"value50\" GOOD");
    CHECK_STR(pt_cstr(rig_value(&r, "g/e/b", text, sizeof text)), "\"MjI=\" GOOD");
    rig_history(&r, "g/e/s", text, sizeof text);
    CHECK(strstr(text, "\"first\"@1000 \"value1\"@1001 \"value2\"@1002") == text);
    rig_close(&r);
}

static void death_is_a_mark_and_coming_back_gives_the_quality_of_before(void)
{
    rig r;
    char text[400];
    rig_open(&r);
    rig_start(&r);
    r.ago_ms = 600000; /* a session that has lived for a while may be believed to go on */
    rig_push(&r, "spBv1.0/g/NBIRTH/e", "ts=1000 seq=0 bd=7 good:10=d1@1000 bad:10=d2@1000;Quality:3=i0 s:12=stext@1000");
    r.ago_ms = 0;
    rig_push(&r, "spBv1.0/g/NDATA/e", "ts=1001 seq=1 good=d3@1001");
    rig_settle(&r);
    host_ingest_server(r.ingest, 0, false);
    CHECK_STR(pt_cstr(rig_value(&r, "g/e/good", text, sizeof text)), "3 STALE");
    CHECK_STR(pt_cstr(rig_value(&r, "g/e/s", text, sizeof text)), "\"text\" STALE");
    CHECK_STR(pt_cstr(rig_value(&r, "g/e/bad", text, sizeof text)), "2 STALE");
    host_ingest_server(r.ingest, 0, true);
    rig_push(&r, "spBv1.0/g/NDATA/e", "ts=1002 seq=2 good=d4@1002");
    CHECK_STR(pt_cstr(rig_value(&r, "g/e/good", text, sizeof text)), "4 GOOD");
    CHECK_STR(pt_cstr(rig_value(&r, "g/e/s", text, sizeof text)), "\"text\" GOOD");
    CHECK_STR(pt_cstr(rig_value(&r, "g/e/bad", text, sizeof text)), "2 BAD");
    rig_history(&r, "g/e/bad", text, sizeof text);
    const char *stale = strstr(text, " S@"), *back = strstr(text, " B@");
    CHECK(stale && back && stale < back);
    CHECK_INT(r.n_commands, 0);
    rig_close(&r);
}

static void a_transient_value_that_changed_while_its_node_was_dead_is_good_again_in_history(void)
{
    rig r;
    char text[400];
    rig_open(&r);
    rig_start(&r);
    rig_push(&r, "spBv1.0/g/NBIRTH/e", "ts=1000 seq=0 bd=7 a:4=l1@1000!t");
    rig_push(&r, "spBv1.0/g/NDEATH/e", "bd=7");
    CHECK_STR(pt_cstr(rig_value(&r, "g/e/a", text, sizeof text)), "1 STALE");
    rig_push(&r, "spBv1.0/g/NBIRTH/e", "ts=1000 seq=0 bd=8 a:4=l2@9999999999999!t"); /* later than the death, whenever it was */
    rig_push(&r, "spBv1.0/g/NDATA/e", "ts=1001 seq=1 a=l3@9999999999999!t");
    CHECK_STR(pt_cstr(rig_value(&r, "g/e/a", text, sizeof text)), "3 GOOD");
    rig_history(&r, "g/e/a", text, sizeof text);
    const char *stale = strstr(text, "S@"), *back = strstr(text, " G@");
    CHECK(stale == text && back && !strchr(back + 1, ' '));
    rig_close(&r);
}

static uns_map *rules(const char *yaml, pt_yaml **y)
{
    pt_buf faults;
    host_rules_source s;
    uns_map *map = NULL;
    pt_buf_init(&faults, 65536);
    pt_status st = pt_yaml_read_text("host.yaml", pt_cstr(yaml), y, &faults);
    pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "%.*s", PT_SLICE_ARGS(pt_buf_view(&faults)));
    CHECK_OK_FATAL(host_rules_find(*y, &s, &faults));
    CHECK_OK_FATAL(host_rules_build(&s, &map, &faults));
    pt_buf_fini(&faults);
    return map;
}

static void rules_place_leave_out_and_refuse_tags(void)
{
    rig r;
    pt_yaml *y;
    char text[400];
    host_ingest_stats st;
    uns_map *map = rules("uns:\n  on_unmapped: quarantine\nrules:\n"
                         "  - { id: live, from: { spb: { metric: 'now/*' } }, to: 'plant/{metric...}', historise: false }\n"
                         "  - { id: none, from: { spb: { metric: 'no/**' } }, action: ignore }\n"
                         "  - { id: same, from: { spb: { metric: 'twin*' } }, to: 'plant/one' }\n"
                         "  - { id: rest, from: { spb: { metric: 'a' } }, to: 'plant/{edge}/{metric}' }\n",
                         &y);
    rig_open(&r);
    r.options.map = map;
    r.options.shards = 1;
    rig_start(&r);
    rig_push(&r, "spBv1.0/g/NBIRTH/e",
             "ts=1000 seq=0 a:10=d1@1000 now/x:10=d2@1000 no/y:10=d3@1000 z:10=d4@1000 twin1:10=d5@1000 twin2:10=d6@1000");
    rig_settle(&r);
    CHECK_STR(pt_cstr(rig_value(&r, "plant/e/a", text, sizeof text)), "1 GOOD");
    CHECK_STR(pt_cstr(rig_history(&r, "plant/e/a", text, sizeof text)), "1@1000");
    CHECK_STR(pt_cstr(rig_value(&r, "plant/now/x", text, sizeof text)), "2 GOOD");
    CHECK_STR(pt_cstr(rig_history(&r, "plant/now/x", text, sizeof text)), "");
    CHECK_STR(pt_cstr(rig_value(&r, "g/e/no/y", text, sizeof text)), "(absent)");
    CHECK_STR(pt_cstr(rig_value(&r, "g/e/z", text, sizeof text)), "(absent)");
    CHECK_STR(pt_cstr(rig_value(&r, "plant/one", text, sizeof text)), "5 GOOD"); /* the first */
    CHECK_STR(pt_cstr(rig_value(&r, "_source/spb/g/e/_node/twin2", text, sizeof text)), "6 GOOD");
    host_ingest_stats_get(r.ingest, &st);
    CHECK_INT(st.quarantined, 1);
    CHECK_INT(rig_count(&r, r.events, "quarantine"), 1);
    CHECK_INT(rig_count(&r, r.events, "path-collision"), 1);
    CHECK(rig_said(&r, "UNS-QUARANTINE node g/e, metric z"));
    host_node n = rig_node(&r, "g", "e");
    CHECK_INT(n.counts.not_kept, 3); /* x, y and z */

    CHECK_OK(host_ingest_remap(r.ingest, NULL)); /* other rules: every tag is placed anew */
    rig_push(&r, "spBv1.0/g/NDATA/e", "ts=1001 seq=1 a=d7@1001 z=d8@1001");
    CHECK_STR(pt_cstr(rig_value(&r, "g/e/a", text, sizeof text)), "7 GOOD");
    CHECK_STR(pt_cstr(rig_value(&r, "plant/e/a", text, sizeof text)), "(absent)");
    CHECK_STR(pt_cstr(rig_value(&r, "g/e/z", text, sizeof text)), "8 GOOD");
    CHECK_STR(pt_cstr(rig_history(&r, "g/e/a", text, sizeof text)), "1@1000 7@1001"); /* the same tag at another place */
    rig_close(&r);
    uns_map_free(map);
    pt_yaml_free(y);
}

static bool see_event(void *ctx, const hist_event *e)
{
    char *text = ctx;
    snprintf(text + strlen(text), 1000 - strlen(text), "%.*s %.*s/%.*s; ", PT_SLICE_ARGS(e->type), PT_SLICE_ARGS(e->node),
             PT_SLICE_ARGS(e->device));
    return true;
}

static void events_are_stored_with_node_and_device_and_told(void)
{
    rig r;
    char text[1000] = "";
    pt_error err = { 0, "" };
    hist_event_filter f = { .from_ms = INT64_MIN, .to_ms = INT64_MAX, .limit = 100 };
    rig_open(&r);
    rig_start(&r);
    rig_push(&r, "spBv1.0/g/NBIRTH/e", "ts=1000 seq=0 bd=7");
    rig_push(&r, "spBv1.0/g/DBIRTH/e/d", "ts=1001 seq=1");
    rig_push(&r, "spBv1.0/g/DDEATH/e/d", "ts=1002 seq=2");
    rig_push(&r, "spBv1.0/g/NDEATH/e", "bd=7");
    rig_settle(&r);
    CHECK_OK(hist_flush(r.history, 10000, &err));
    CHECK_OK(hist_events(r.history, &f, see_event, text, &err));
    CHECK_STR(pt_cstr(text), "ddeath g/e/d; nbirth g/e/; dbirth g/e/d; ndeath g/e/; "); /* by time: a DDEATH has that of its payload */
    CHECK_STR(pt_cstr(r.events), "nbirth dbirth ddeath ndeath ");
    CHECK_STR(pt_cstr(r.states), "+g/e +g/e/d -g/e/d -g/e ");
    rig_close(&r);
}

static size_t lines(rig *r, const char *text)
{
    size_t n = 0;
    pthread_mutex_lock(&r->lock);
    for (const char *at = r->said; (at = strstr(at, text)); at++)
        n++;
    pthread_mutex_unlock(&r->lock);
    return n;
}

static void bad_input_is_logged_once_per_node_and_reason(void)
{
    rig r;
    rig_open(&r);
    r.options.shards = 1;
    rig_start(&r);
    rig_push(&r, "spBv1.0/g/NBIRTH/e", "ts=1000 seq=0 bd=7");
    for (int i = 0; i < 20; i++)
        rig_push(&r, "spBv1.0/g/NDATA/e", "hex=12ff");
    rig_settle(&r);
    CHECK_INT(lines(&r, "SPB-BAD-INPUT"), 1);
    CHECK(rig_said(&r, "NDATA of g/e: malformed"));
    rig_push(&r, "spBv1.0/g/NDATA/e", "ts=1000");  /* another reason */
    rig_push(&r, "spBv1.0/g/NDATA/f", "hex=12ff"); /* another node */
    rig_settle(&r);
    CHECK_INT(lines(&r, "SPB-BAD-INPUT"), 3);
    CHECK_INT(rig_node(&r, "g", "e").counts.rejected_messages[HOST_REJECT_MALFORMED], 20); /* counted all the same */
    rig_close(&r);
}

static void a_skipped_metric_is_in_the_log_by_its_name_without_what_could_break_the_line(void)
{
    rig r;
    rig_open(&r);
    r.options.shards = 1;
    rig_start(&r);
    rig_push(&r, "spBv1.0/g/NBIRTH/e", "ts=1000 seq=0 bd=7 t#1:10=d1@1000");
    rig_push(&r, "spBv1.0/g/NDATA/e", "ts=1001 seq=1 no\\x0ape=d1@1001 other=d1@1001 #99=d1@1001 #1=sx@1001");
    rig_settle(&r);
    CHECK_INT(lines(&r, "SPB-BAD-INPUT"), 3); /* one per reason */
    CHECK(rig_said(&r, "NDATA of g/e: unknown-metric: metric 'no?pe': not in the birth"));
    CHECK(rig_said(&r, "NDATA of g/e: unknown-alias: alias 99: in no birth of the session"));
    CHECK(rig_said(&r, "NDATA of g/e: bad-value: metric 't', alias 1: Double in string_value"));
    CHECK_INT(rig_node(&r, "g", "e").counts.rejected_samples[HOST_REJECT_UNKNOWN_METRIC], 2);
    rig_close(&r);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(samples_go_where_their_flags_say),
        PT_TEST(texts_and_arrays_outlive_their_messages),
        PT_TEST(a_skipped_metric_is_in_the_log_by_its_name_without_what_could_break_the_line),
        PT_TEST(death_is_a_mark_and_coming_back_gives_the_quality_of_before),
        PT_TEST(a_transient_value_that_changed_while_its_node_was_dead_is_good_again_in_history),
        PT_TEST(rules_place_leave_out_and_refuse_tags),
        PT_TEST(events_are_stored_with_node_and_device_and_told),
        PT_TEST(bad_input_is_logged_once_per_node_and_reason),
    };
    return pt_test_main("host/batch", tests, PT_COUNT_OF(tests), argc, argv);
}
