/* host/nodes/object.c: template instances are whole objects. Notation: script.h. */
#include "host/nodes/tracker_internal.h"
#include "tests/host/script.h"
#include "tests/host/wire.h"
#include "tests/support/check.h"

#include <stdlib.h>

/* Every row starts with server 0 ready. Node tags: bdSeq is tag 1. */
static const script_row rows[] = {
    { "guide 7: template instance members are tags; definitions are not; members' types from the definition",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 M:19=T{d}(rpm:10=-!n,on:11=-!n)@1 m1:19=T{M}(rpm:10=d5@1,on:11=b1@1)@1 > "
      "*nbirth +g/e ~1=7@99000 2={\"template_ref\":\"M\",\"version\":null,\"members\":{\"rpm\":5,\"on\":true},\"parameters\":{}}@1 3=5@1 4=true@1\n"
      "NDATA g/e | ts=99001 seq=1 m1=T{M}(rpm=d6@2)@2 > 2={\"template_ref\":\"M\",\"version\":null,\"members\":{\"rpm\":6,\"on\":true},\"parameters\":{}}@2 3=6@2" },
};

static void every_rule_holds(void)
{
    script_rows(rows, PT_COUNT_OF(rows));
}

static void definitions_die_with_the_birth_that_does_not_repeat_them(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    script_init(&s, &o);
    script_run(&s, "guide 19: an NBIRTH clears the template definitions",
               "ready 0 >\n"
               "NBIRTH g/e | ts=99000 seq=0 bd=7 M:19=T{d}(rpm:9=-!n)@1 m1:19=T{M}(rpm=f5@1)@1 > "
               "*nbirth +g/e ~1=7@99000 2={\"template_ref\":\"M\",\"version\":null,\"members\":{\"rpm\":5},\"parameters\":{}}@1 3=5@1");
    CHECK_INT(host_tracker_at(s.tracker, 0)->counts.rejected_samples[HOST_REJECT_BAD_TYPE], 0);
    script_run(&s, "without the definition nobody knows the member's type",
               "NBIRTH g/e | ts=99000 seq=0 bd=7 m1:19=T{M}(rpm=f6@2)@2 > !bad-type absent(3)@100000 *metadata-changed "
               "*nbirth ~1=7@99000 2={\"template_ref\":\"M\",\"version\":null,\"members\":{\"rpm\":6},\"parameters\":{}}@2");
    CHECK_INT(host_tracker_at(s.tracker, 0)->counts.rejected_samples[HOST_REJECT_BAD_TYPE], 1);
    script_fini(&s);
}

/* The only metric of these payload words. */
static const spb_metric *metric(const char *words, pt_arena *arena)
{
    pt_buf b;
    spb_payload *p = pt_arena_zalloc(arena, sizeof *p);
    pt_buf_init(&b, 4u << 20);
    wire_payload(words, &b);
    pt_slice bytes = pt_arena_dup(arena, pt_buf_view(&b));
    pt_buf_fini(&b);
    CHECK_FATAL(p && bytes.ptr);
    CHECK_OK_FATAL(spb_payload_decode(bytes, &spb_limits_default, arena, p, NULL));
    CHECK_FATAL(p->n_metrics == 1);
    return &p->metrics[0];
}

/* A template as "ref(name:type=value ...)"; nested likewise. */
static void show(const spb_template *t, pt_buf *out)
{
    pt_buf_printf(out, "%.*s(", PT_SLICE_ARGS(t->template_ref));
    for (uint32_t i = 0; i < t->n_metrics; i++) {
        const spb_metric *m = &t->metrics[i];
        pt_buf_printf(out, "%s%.*s:%u=", i ? " " : "", PT_SLICE_ARGS(m->name), m->datatype);
        if (m->flags & SPB_IS_NULL) pt_buf_cstr(out, "null");
        else if (m->wire == SPB_WIRE_DOUBLE) pt_buf_printf(out, "%g", m->value.f64);
        else if (m->wire == SPB_WIRE_BOOL) pt_buf_cstr(out, m->value.boolean ? "true" : "false");
        else if (m->wire == SPB_WIRE_TEMPLATE) show(m->value.tmpl, out);
    }
    pt_buf_char(out, ')');
}

static void what_data_leaves_out_is_taken_from_what_was_known(void)
{
    static const struct {
        const char *what, *birth, *data, *want;
    } steps[] = {
        { "a member changes, the other stays, types stay", "m:19=T{M}(a:10=d1,b:11=b1)", "m:19=T{M}(a=d2)", "M(a:10=2 b:11=true)" },
        { "nothing is left out", "m:19=T{M}(a:10=d1,b:11=b1)", "m:19=T{M}(b=b0,a=d3)", "M(a:10=3 b:11=false)" },
        { "the old order counts, new members stand behind", "m:19=T{M}(b:10=d1,a:10=d2)", "m:19=T{M}(z:10=d9,a=d3)",
          "M(b:10=1 a:10=3 z:10=9)" },
        { "a member becomes null", "m:19=T{M}(a:10=d1,b:11=b1)", "m:19=T{M}(a=-!n)", "M(a:10=null b:11=true)" },
        { "an instance inside an instance", "m:19=T{M}(in:19=T{N}(x:10=d1,y:10=d2),a:10=d3)", "m:19=T{M}(in=T{N}(y=d5))",
          "M(in:19=N(x:10=1 y:10=5) a:10=3)" },
        { "no member at all", "m:19=T{M}(a:10=d1)", "m:19=T{M}()", "M(a:10=1)" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(steps); i++) {
        host_metric hm = { 0 };
        pt_arena arena;
        pt_buf text;
        pt_arena_init(&arena, 1u << 20);
        pt_buf_init(&text, 10000);
        const spb_metric *birth = metric(steps[i].birth, &arena), *data = metric(steps[i].data, &arena);
        CHECK_ROW(steps[i].what, host__object_merge(&hm, data, &arena) == data); /* nothing is known: as it comes */
        host__object_keep(&hm, birth);
        CHECK_ROW(steps[i].what, hm.object != NULL);
        const spb_metric *whole = host__object_merge(&hm, data, &arena);
        show(whole->value.tmpl, &text);
        CHECK_STR(pt_buf_view(&text), steps[i].want);
        host__object_keep(&hm, whole); /* and the same again out of what is kept */
        pt_buf_reset(&text);
        show(host__object_merge(&hm, data, &arena)->value.tmpl, &text);
        CHECK_ROW(steps[i].what, pt_slice_eq_cstr(pt_buf_view(&text), steps[i].want));
        free(hm.object);
        pt_buf_fini(&text);
        pt_arena_fini(&arena);
    }
}

static void what_is_no_instance_is_left_as_it_is(void)
{
    host_metric hm = { 0 };
    pt_arena arena;
    pt_arena_init(&arena, 1u << 20);
    const spb_metric *plain = metric("m:10=d1", &arena), *null = metric("m:19=-!n", &arena),
                     *instance = metric("m:19=T{M}(a:10=d1)", &arena);
    host__object_keep(&hm, plain);
    host__object_keep(&hm, null);
    CHECK(hm.object == NULL);
    host__object_keep(&hm, instance);
    char *kept = hm.object;
    CHECK_FATAL(kept != NULL);
    host__object_keep(&hm, null); /* null is a value state: the members are known all the same */
    CHECK(hm.object == kept);
    CHECK(host__object_merge(&hm, plain, &arena) == plain && host__object_merge(&hm, null, &arena) == null);
    hm.object_len = 3; /* what cannot be read is as if nothing was known */
    CHECK(host__object_merge(&hm, instance, &arena) == instance);
    free(hm.object);
    pt_arena_fini(&arena);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_rule_holds),
        PT_TEST(definitions_die_with_the_birth_that_does_not_repeat_them),
        PT_TEST(what_data_leaves_out_is_taken_from_what_was_known),
        PT_TEST(what_is_no_instance_is_left_as_it_is),
    };
    return pt_test_main("host/object", tests, PT_COUNT_OF(tests), argc, argv);
}
