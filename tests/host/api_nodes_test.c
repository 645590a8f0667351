/* host/http/api_nodes.c: edge nodes and their accounts, rebirth requests, the state of the whole. */
#include "tests/host/stage.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <string.h>

static stage st;

static void a_node_is_told_with_its_accounts_and_devices(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    stage_play(
        &st, "births",
        "NBIRTH g/$ | ts=1000 seq=0 bd=7 t:10=d1@1000\nDBIRTH g/$/d | ts=1001 seq=1 u:10=d1@1001 v:10=d1@1001\nDDATA g/$/d | ts=1002 seq=2 u=d2@1002 x=d3@1002\n"
        "NDATA g/$ | hex=12ff\ndevice d state = \"online\"\nnode rejected_by.malformed.messages = 1\nnode samples.rejected = 1");
    json_t *n = stage_json(&st, "/api/v1/nodes/g/e1");
    CHECK_STR(
        pt_cstr(stage_keys(n)),
        "group edge state phase since_ms bd_seq seq metrics server last_message_ms clock_skew_ms rebirths backfills births deaths seq_gaps duplicates "
        "samples messages rejected_by templates devices");
    CHECK_STR(pt_cstr(stage_keys(json_object_get(n, "rebirths"))), "requested by_others last_cause last_ms open");
    CHECK_STR(pt_cstr(stage_keys(json_object_get(n, "samples"))), "received stored historical duplicate rejected not_kept lost masked");
    CHECK_STR(pt_cstr(stage_keys(json_object_get(n, "messages"))), "received accepted rejected held expected missing reordered");
    CHECK_STR(pt_cstr(stage_keys(json_object_get(n, "rejected_by"))), "malformed unknown-metric"); /* only what happened */
    const json_t *d = json_array_get(json_object_get(n, "devices"), 0);
    CHECK_STR(pt_cstr(stage_keys(d)), "device state since_ms metrics");
    CHECK_INT(json_integer_value(json_object_get(d, "metrics")), 2);
    CHECK_INT(json_integer_value(json_object_get(n, "metrics")), 4); /* bdSeq among them */
    const json_t *m = json_object_get(n, "messages");
    CHECK_INT(json_integer_value(json_object_get(m, "received")),
              json_integer_value(json_object_get(m, "accepted")) + json_integer_value(json_object_get(m, "rejected")));
    json_decref(n);
    static const stage_question none[] = {
        { "GET", "/api/v1/nodes/g/nobody", NULL, 404, { "not-found", "no such edge node is known" }, NULL },
        { "GET", "/api/v1/nodes/G/e1", NULL, 404, { 0 }, NULL },
        { "GET", "/api/v1/nodes/g", NULL, 404, { 0 }, NULL },
    };
    stage_answers(&st, none, PT_COUNT_OF(none));
    stage_close(&st);
}

static void a_node_known_by_its_data_alone_has_no_session_yet(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    stage_play(
        &st, "data",
        "NDATA g/$ | ts=1000 seq=9 t=d1@1000\nnode state = \"offline\"\nnode phase = \"rebirth-wanted\"\nnode bd_seq = null\nnode seq = null\n"
        "node rebirths.last_cause = \"unknown-node\"\nnode rebirths.open = true\nncmd 1");
    stage_close(&st);
}

static void nodes_are_listed_by_group_and_edge(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    static const stage_question empty[] = { { "GET", "/api/v1/nodes", NULL, 200, { "[]" }, NULL } };
    stage_answers(&st, empty, 1);
    static const char *const topics[] = { "spBv1.0/b/NBIRTH/a", "spBv1.0/a/NBIRTH/z", "spBv1.0/a b/NBIRTH/\xc3\xa4", "spBv1.0/a/NBIRTH/b" };
    for (size_t i = 0; i < PT_COUNT_OF(topics); i++)
        stage_publish(&st, topics[i], "ts=1000 seq=0 bd=1");
    json_t *all = NULL;
    for (int64_t until = pt_test_now_ms() + 5000; pt_test_now_ms() < until; json_decref(all), all = NULL)
        if (json_array_size(all = stage_json(&st, "/api/v1/nodes")) == 4) break;
    CHECK_FATAL(json_array_size(all) == 4);
    static const char *const want[] = { "a/b", "a/z", "a b/\xc3\xa4", "b/a" };
    for (size_t i = 0; i < 4; i++) {
        char name[100];
        const json_t *n = json_array_get(all, i);
        snprintf(name, sizeof name, "%s/%s", json_string_value(json_object_get(n, "group")), json_string_value(json_object_get(n, "edge")));
        CHECK_STR(pt_cstr(name), want[i]);
    }
    json_decref(all);
    static const stage_question one[] = { { "GET", "/api/v1/nodes/a%20b/%C3%A4", NULL, 200, { "\"edge\":\"\xc3\xa4\"" }, NULL } };
    stage_answers(&st, one, 1);
    stage_close(&st);
}

static void a_rebirth_is_asked_for_at_once_or_refused_with_the_reason(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    stage_play(&st, "birth", "NBIRTH g/$ | ts=1000 seq=0 bd=7\nnode state = \"online\"");
    static const stage_question ask[] = {
        { "POST", "/api/v1/nodes/g/e1/rebirth", "", 202, { "{\"group\":\"g\",\"edge\":\"e1\",\"requested\":true}" }, NULL },
        { "POST", "/api/v1/nodes/g/e1/rebirth", "{}", 202, { 0 }, NULL }, /* an operator may insist */
        { "POST", "/api/v1/nodes/g/nobody/rebirth", "", 404, { "no such edge node" }, NULL },
        { "GET", "/api/v1/nodes/g/e1/rebirth", NULL, 405, { 0 }, NULL },
    };
    stage_answers(&st, ask, PT_COUNT_OF(ask));
    stage_play(&st, "asked", "");
    CHECK_WITHIN(5000, pt_observer_count_topic(st.observer, "spBv1.0/g/NCMD/e1") == 2);
    json_t *n = stage_json(&st, "/api/v1/nodes/g/e1");
    CHECK_STR(pt_cstr(json_string_value(json_object_get(json_object_get(n, "rebirths"), "last_cause"))), "operator");
    json_decref(n);
    pt_broker_halt(st.broker);
    host_session_stats s;
    CHECK_WITHIN_FATAL(10000, (host_session_stats_get(st.app.sessions[0], &s), s.phase != HOST_ONLINE && s.phase != HOST_BORN));
    CHECK_OK(host_ingest_drain(st.app.ingest, 5000));
    static const stage_question gone[] = { { "POST", "/api/v1/nodes/g/e1/rebirth", "", 409, { "source-offline", "not connected" }, NULL } };
    stage_answers(&st, gone, 1);
    stage_close(&st);
}

static void the_status_is_the_state_of_all_parts(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    stage_play(&st, "birth", "NBIRTH g/$ | ts=1000 seq=0 bd=7 t:10=d1@1000\nnode state = \"online\"\nhistory g/$/t = [1]");
    json_t *s = stage_json(&st, "/api/v1/status");
    CHECK_STR(pt_cstr(stage_keys(s)), "version host_id role started_ms data_dir servers ingest historian tags");
    CHECK_STR(pt_cstr(json_string_value(json_object_get(s, "role"))), "primary");
    CHECK(json_string_value(json_object_get(s, "data_dir"))[0] == '/');
    const json_t *server = json_array_get(json_object_get(s, "servers"), 0);
    CHECK_STR(pt_cstr(stage_keys(server)), "server phase since_ms state_timestamp_ms conflict connects losses messages_in messages_out");
    CHECK_STR(pt_cstr(json_string_value(json_object_get(server, "phase"))), "online");
    CHECK_STR(pt_cstr(json_string_value(json_object_get(server, "server"))), pt_broker_url(st.broker));
    CHECK_STR(pt_cstr(stage_keys(json_object_get(s, "ingest"))),
              "nodes nodes_online packets bytes queue_bytes waits history_waits samples_lost events_lost marks");
    CHECK_INT(json_integer_value(json_object_get(json_object_get(s, "ingest"), "nodes_online")), 1);
    CHECK_STR(
        pt_cstr(stage_keys(json_object_get(s, "historian"))),
        "appended stored duplicates replaced left_out_exception left_out_compression buffered lost commits commit_errors last_commit_ms tags events file_bytes state"); /* failing_since_ms only while it is */
    CHECK_STR(pt_cstr(json_string_value(json_object_get(json_object_get(s, "historian"), "state"))), "ok");
    CHECK_STR(pt_cstr(stage_keys(json_object_get(s, "tags"))), "all live stale absent");
    CHECK_INT(json_integer_value(json_object_get(json_object_get(s, "tags"), "live")), 2);
    json_decref(s);
    stage_close(&st);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_node_is_told_with_its_accounts_and_devices), PT_TEST(a_node_known_by_its_data_alone_has_no_session_yet),
        PT_TEST(nodes_are_listed_by_group_and_edge),           PT_TEST(a_rebirth_is_asked_for_at_once_or_refused_with_the_reason),
        PT_TEST(the_status_is_the_state_of_all_parts),
    };
    return pt_test_main("host/api_nodes", tests, PT_COUNT_OF(tests), argc, argv);
}
