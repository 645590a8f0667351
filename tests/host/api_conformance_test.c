/* host/http/api_conformance.c: what nodes do against the specification, over HTTP. */
#include "tests/host/stage.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

static stage st;

static void all_nodes_in_short_and_one_with_its_findings(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    stage_play(&st, "births",
               "NBIRTH g/$ | ts=1000 seq=0 bd=7 t:10=d1@1000\nNDATA g/$ | hex=12ff\nnode rejected_by.malformed.messages = 1");
    json_t *all = stage_json(&st, "/api/v1/conformance"), *n = stage_json(&st, "/api/v1/nodes/g/e1/conformance");
    CHECK_INT(json_array_size(all), 1);
    CHECK_STR(pt_cstr(stage_keys(json_array_get(all, 0))),
              "group edge since_ms messages judged birth_heard too_large kinds advice_kinds times last_ms left_out");
    CHECK_INT(json_integer_value(json_object_get(n, "messages")), 2);
    CHECK_INT(json_integer_value(json_object_get(n, "judged")), 2);
    const json_t *findings = json_object_get(n, "findings"), *last = json_array_get(findings, json_array_size(findings) - 1);
    CHECK(json_array_size(findings) >= 2); /* a birth of 1970 without Rebirth, and one that is no payload */
    CHECK_STR(pt_cstr(json_string_value(json_object_get(last, "text"))), "the payload is not Sparkplug's: its protobuf does not decode");
    CHECK_STR(pt_cstr(json_string_value(json_object_get(last, "topic"))), "spBv1.0/g/NDATA/e1");
    CHECK_STR(pt_cstr(json_string_value(json_object_get(last, "bytes"))), "12ff");
    json_decref(all);
    json_decref(n);
    static const stage_question none[] = {
        { "GET", "/api/v1/nodes/g/nobody/conformance", NULL, 404, { "not-found", "nothing was heard of such an edge node" }, NULL },
    };
    stage_answers(&st, none, PT_COUNT_OF(none));
    stage_close(&st);
}

static void switched_off_it_says_which_key(void)
{
    static const stage_question off[] = {
        { "GET", "/api/v1/nodes/g/e1/conformance", NULL, 409, { "conflict", "sparkplug.conformance" }, NULL },
        { "GET", "/api/v1/conformance", NULL, 409, { "conflict", "sparkplug.conformance" }, NULL },
    };
    stage_open(&st, "sparkplug: { conformance: false }\n", NULL);
    stage_start(&st);
    stage_answers(&st, off, PT_COUNT_OF(off));
    stage_close(&st);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(all_nodes_in_short_and_one_with_its_findings),
        PT_TEST(switched_off_it_says_which_key),
    };
    return pt_test_main("host/api_conformance", tests, PT_COUNT_OF(tests), argc, argv);
}
