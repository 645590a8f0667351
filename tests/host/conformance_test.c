/* tests/host/conformance_test.c -- what nodes do against the specification is found, counted and kept within bounds. */
#include "host/ingest/conformance.h"

#include "tests/host/rig.h"
#include "tests/host/wire.h"
#include "tests/support/check.h"

#include <stdio.h>

#define BIRTH "ts=1700000000000 seq=0 bdSeq:4=l7@1700000000000 Node_Control/Rebirth:11=b0@1700000000000 a#1:10=d1@1700000000000 "
#define TS    "ts=1700000000000 "

typedef struct scene {
    host_conformance *c;
    pt_arena arena;
    unsigned news;
    int64_t wall_ms, mono_ms;
} scene;

static void on_news(void *ctx, const host_judged *n, const host_finding *f)
{
    scene *s = ctx;
    CHECK(n->n_findings > 0 && f->times == 1 && !f->advice);
    s->news++;
}

static void scene_open(scene *s, const host_conformance_options *o)
{
    host_conformance_options plain;
    *s = (scene){ .wall_ms = 1700000000000, .mono_ms = 1000 };
    host_conformance_options_init(&plain);
    CHECK_OK_FATAL(host_conformance_new(o ? o : &plain, on_news, s, &s->c));
    pt_arena_init(&s->arena, 64u << 20);
}

static void scene_close(scene *s)
{
    host_conformance_free(s->c);
    pt_arena_fini(&s->arena);
}

/* A message in the words of wire.h. */
static void say(scene *s, const char *topic_text, const char *words)
{
    pt_buf b;
    spb_topic topic;
    spb_payload p;
    pt_buf_init(&b, 1 << 20);
    wire_payload(words, &b);
    CHECK_OK_FATAL(spb_topic_parse(&spb_namespace_b, pt_cstr(topic_text), &topic, NULL));
    pt_status st = spb_payload_decode(pt_buf_view(&b), &spb_limits_default, &s->arena, &p, NULL);
    host_conformance_take(s->c, &topic, st == PT_OK ? &p : NULL, pt_buf_view(&b), s->wall_ms, s->mono_ms);
    s->wall_ms++;
    pt_buf_fini(&b);
    pt_arena_reset(&s->arena);
}

typedef struct seen {
    host_judged n;
    char rules[4000]; /* the first id of each fault, and how often: "tck-id-x*2 " */
    unsigned advices;
} seen;

static void look(void *ctx, const host_judged *n)
{
    seen *s = ctx;
    *s = (seen){ .n = *n };
    for (uint32_t i = 0; i < n->n_findings; i++) {
        const host_finding *f = &n->findings[i];
        size_t len = strlen(s->rules);
        s->advices += f->advice;
        if (f->advice) continue;
        snprintf(s->rules + len, sizeof s->rules - len, "%.*s*%llu ", (int)strcspn(f->rule, " "), f->rule, (unsigned long long)f->times);
        CHECK(f->times && f->first_ms <= f->last_ms && f->topic && f->text[0]);
    }
}

static seen node(scene *s, const char *edge)
{
    seen got = { .advices = 0 };
    CHECK_OK(host_conformance_node(s->c, PT_LIT("g"), pt_cstr(edge), look, &got));
    return got;
}

static void each_fault_is_one_kind_with_its_first_message(void)
{
    static const struct {
        const char *row, *messages[5]; /* "VERB words"; topics are of g/e, devices d */
        const char *rules;
    } rows[] = {
        { "a good session", { "NBIRTH " BIRTH, "NDATA " TS "seq=1 #1=d2@1700000000001", "NDEATH bdSeq:4=l7@1700000000000" }, "" },
        { "a wrong number, twice",
          { "NBIRTH " BIRTH, "NDATA " TS "seq=3 #1=d2@1700000000001", "NDATA " TS "seq=9 #1=d2@1700000000001" },
          "tck-id-payloads-sequence-num-incrementing*2 " },
        { "no number", { "NBIRTH " BIRTH, "NDATA " TS "#1=d2@1700000000001" }, "tck-id-payloads-sequence-num-always-included*1 " },
        { "data of a device that was not born",
          { "NBIRTH " BIRTH, "DDATA " TS "seq=1 x=d1@1700000000001" },
          "tck-id-payloads-ddata-order*1 tck-id-operational-behavior-data-publish-dbirth*1 " },
        { "not to be decoded",
          { "NBIRTH hex=12ff", "NDATA hex=12ff" },
          "tck-id-message-flow-edge-node-birth-publish-nbirth-payload*1 *1 " },
        { "from the middle on", { "NDATA " TS "seq=77 #5=d2@1700000000001", "DDATA " TS "seq=78 #6=d2@1700000000001" }, "" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        scene s;
        scene_open(&s, NULL);
        for (size_t k = 0; k < PT_COUNT_OF(rows[i].messages) && rows[i].messages[k]; k++) {
            const char *m = rows[i].messages[k];
            char topic[100];
            int verb = (int)strcspn(m, " ");
            snprintf(topic, sizeof topic, "spBv1.0/g/%.*s/e%s", verb, m, m[0] == 'D' ? "/d" : "");
            say(&s, topic, m + verb + 1);
        }
        seen got = node(&s, "e");
        if (strcmp(got.rules, rows[i].rules) != 0) printf("[%s] %s\n", rows[i].row, got.rules);
        CHECK_ROW(rows[i].row, strcmp(got.rules, rows[i].rules) == 0);
        CHECK_ROW(rows[i].row, s.news == got.n.n_findings - got.advices);
        CHECK_ROW(rows[i].row, got.n.judged == got.n.messages);
        scene_close(&s);
    }
}

static void the_first_message_of_a_kind_is_kept_with_its_metric(void)
{
    scene s;
    scene_open(&s, NULL);
    say(&s, "spBv1.0/g/NBIRTH/e", BIRTH);
    say(&s, "spBv1.0/g/NDATA/e", TS "seq=5 #1=d2@1700000000001");
    say(&s, "spBv1.0/g/NDATA/e", TS "seq=9 #1=d3@1700000000001");
    seen got = node(&s, "e");
    const host_finding *f = &got.n.findings[0];
    CHECK_STR(pt_cstr(f->topic), "spBv1.0/g/NDATA/e");
    CHECK_INT(f->first_ms, 1700000000001);
    CHECK_INT(f->last_ms, 1700000000002);
    CHECK(f->n_bytes == f->total_bytes && f->n_bytes > 10);
    pt_buf out;
    pt_json j;
    pt_buf_init(&out, 1 << 16);
    pt_json_init(&j, &out);
    host_judged_json(&j, &got.n, true);
    const char *text = (pt_buf_char(&out, '\0'), out.ptr);
    CHECK(strstr(text, "\"group\":\"g\",\"edge\":\"e\"") != NULL);
    CHECK(strstr(text, "\"messages\":3,\"judged\":3,\"birth_heard\":true") != NULL);
    CHECK(strstr(text, "\"rules\":[\"tck-id-payloads-sequence-num-incrementing\",") != NULL);
    CHECK(strstr(text, "\"times\":2,\"first_ms\":1700000000001,\"last_ms\":1700000000002,\"topic\":\"spBv1.0/g/NDATA/e\"") != NULL);
    pt_buf_fini(&out);
    scene_close(&s);
}

static void a_gap_of_ours_is_no_fault_of_theirs(void)
{
    scene s;
    scene_open(&s, NULL);
    say(&s, "spBv1.0/g/NBIRTH/e", BIRTH);
    say(&s, "spBv1.0/g/NBIRTH/other", BIRTH);
    host_conformance_missed(s.c); /* of the connection */
    say(&s, "spBv1.0/g/NDATA/e", TS "seq=40 #9=d2@1700000000001");
    CHECK(!node(&s, "e").n.begun);
    say(&s, "spBv1.0/g/NBIRTH/e", BIRTH);
    host_conformance_missed_of(s.c, PT_LIT("g"), PT_LIT("e")); /* of one node's messages */
    say(&s, "spBv1.0/g/NDATA/e", TS "seq=40 #9=d2@1700000000001");
    CHECK_STR(pt_cstr(node(&s, "e").rules), "");
    host_conformance_missed_of(s.c, PT_LIT("g"), PT_LIT("nobody"));
    scene_close(&s);
}

static void beyond_the_rate_data_is_left_out_and_counted_and_births_are_not(void)
{
    host_conformance_options o;
    scene s;
    host_conformance_options_init(&o);
    o.node_per_s = 1; /* ten at once */
    scene_open(&s, &o);
    say(&s, "spBv1.0/g/NBIRTH/e", BIRTH);
    for (int i = 1; i <= 100; i++) {
        char words[100];
        snprintf(words, sizeof words, TS "seq=%d #1=d2@1700000000001", i);
        say(&s, "spBv1.0/g/NDATA/e", words);
    }
    seen got = node(&s, "e");
    CHECK_INT(got.n.messages, 101);
    CHECK_INT(got.n.judged, 11);
    CHECK_STR(pt_cstr(got.rules), "");
    s.mono_ms += 2000;
    say(&s, "spBv1.0/g/NDATA/e", TS "seq=101 #1=d2@1700000000001");
    say(&s, "spBv1.0/g/NDATA/e", TS "seq=103 #1=d2@1700000000001"); /* right behind one that was judged */
    say(&s, "spBv1.0/g/NDATA/e", TS "seq=109 #1=d2@1700000000001"); /* no tokens are left */
    got = node(&s, "e");
    CHECK_INT(got.n.judged, 13);
    CHECK_STR(pt_cstr(got.rules), "tck-id-payloads-sequence-num-incrementing*1 ");
    say(&s, "spBv1.0/g/NBIRTH/e", "ts=1700000000000 seq=5 bdSeq:4=l7@1700000000000 Node_Control/Rebirth:11=b0@1700000000000");
    CHECK_INT(node(&s, "e").n.judged, 14);
    scene_close(&s);
}

static void everything_that_is_kept_has_a_bound(void)
{
    host_conformance_options o;
    scene s;
    host_conformance_options_init(&o);
    o.nodes_max = 2;
    o.metrics_max = 8;
    o.first_bytes_max = 60;
    scene_open(&s, &o);
    say(&s, "spBv1.0/g/NBIRTH/a", BIRTH);
    say(&s, "spBv1.0/g/NBIRTH/a", BIRTH); /* counts once */
    say(&s, "spBv1.0/g/NBIRTH/b", BIRTH "x:10=d1@1700000000000 y:10=d1@1700000000000 z:10=d1@1700000000000");
    CHECK(node(&s, "b").n.too_large);
    say(&s, "spBv1.0/g/NDATA/b", TS "seq=9 #1=d2@1700000000001"); /* not followed, so not judged */
    CHECK_STR(pt_cstr(node(&s, "b").rules), "");
    CHECK_INT(node(&s, "b").n.judged, 1);
    say(&s, "spBv1.0/g/NBIRTH/c", BIRTH); /* one node too many */
    CHECK_INT(host_conformance_not_followed(s.c), 1);
    seen none;
    CHECK_STATUS(host_conformance_node(s.c, PT_LIT("g"), PT_LIT("c"), look, &none), PT_ENOTFOUND);
    say(&s, "spBv1.0/g/NDATA/a", TS "seq=9 #1=d2@1700000000001");
    say(&s, "spBv1.0/g/NDATA/a", "hex=12ff");
    say(&s, "spBv1.0/g/DDATA/a/d", TS "seq=10 #1=d2@1700000000001 xxxxxxxxxxxxxxxxxxxxxxxx:12=sxxxxxxxxxxxxxxxxxxxx@1700000000001");
    uint64_t kept = 0, empty = 0;
    seen got = node(&s, "a");
    for (uint32_t i = 0; i < got.n.n_findings; i++) {
        kept += got.n.findings[i].n_bytes;
        empty += got.n.findings[i].n_bytes == 0;
        CHECK(got.n.findings[i].total_bytes > 0);
    }
    CHECK(kept <= 60 && empty > 0);
    say(&s, "spBv1.0/g/NBIRTH/b", BIRTH); /* smaller now: there is room */
    CHECK(!node(&s, "b").n.too_large);
    scene_close(&s);
}

/* ---- on the way that all messages take ------------------------------------------------------------------------ */

static void ingest_judges_what_it_gets_and_tells_new_kinds_once(void)
{
    rig r;
    seen got;
    rig_open(&r);
    r.options.conformance = true;
    rig_start(&r);
    rig_push(&r, "spBv1.0/g/NBIRTH/e", BIRTH);
    rig_push(&r, "spBv1.0/g/NDATA/e", TS "seq=1 #1=d2@1700000000001");
    for (int i = 0; i < 3; i++)
        rig_push(&r, "spBv1.0/g/NDATA/e", "hex=12ff");
    rig_settle(&r);
    CHECK_OK(host_ingest_judged(r.ingest, PT_LIT("g"), PT_LIT("e"), look, &got));
    CHECK_STR(pt_cstr(got.rules), "*3 ");
    CHECK_INT(rig_count(&r, r.events, "conformance"), 1);
    CHECK_STATUS(host_ingest_judged(r.ingest, PT_LIT("g"), PT_LIT("nobody"), look, &got), PT_ENOTFOUND);
    CHECK_OK(host_ingest_judged_each(r.ingest, look, &got));
    rig_close(&r);
}

static void switched_off_nothing_is_judged(void)
{
    rig r;
    seen got;
    rig_open(&r);
    r.options.conformance = false;
    rig_start(&r);
    rig_push(&r, "spBv1.0/g/NBIRTH/e", "hex=12ff");
    rig_settle(&r);
    CHECK_STATUS(host_ingest_judged(r.ingest, PT_LIT("g"), PT_LIT("e"), look, &got), PT_EUNSUPPORTED);
    CHECK_STATUS(host_ingest_judged_each(r.ingest, look, &got), PT_EUNSUPPORTED);
    CHECK_INT(rig_count(&r, r.events, "conformance"), 0);
    rig_close(&r);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(each_fault_is_one_kind_with_its_first_message),
        PT_TEST(the_first_message_of_a_kind_is_kept_with_its_metric),
        PT_TEST(a_gap_of_ours_is_no_fault_of_theirs),
        PT_TEST(beyond_the_rate_data_is_left_out_and_counted_and_births_are_not),
        PT_TEST(everything_that_is_kept_has_a_bound),
        PT_TEST(ingest_judges_what_it_gets_and_tells_new_kinds_once),
        PT_TEST(switched_off_nothing_is_judged),
    };
    return pt_test_main("host/conformance", tests, PT_COUNT_OF(tests), argc, argv);
}
