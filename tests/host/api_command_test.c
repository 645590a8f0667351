/* host/http/api_command.c: what a request to write or to stream must look like, and how it is answered. What becomes of a write:
 * writes_test.c.
 */
#include "tests/base/client.h"
#include "tests/host/stage.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static stage st;

static void start(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    stage_play(
        &st, "births",
        "NBIRTH g/$ | ts=1000 seq=0 bd=7 t:10=d0.1@1000 u:8=l1@1000 s:12=s1@1000 r:10=d1@1000;readOnly:11=b1\nvalue g/$/s = \"1\" GOOD");
}

static void a_body_that_is_no_write_is_refused_and_nothing_is_sent(void)
{
    start();
    static const stage_question rows[] = {
        { "POST", "/api/v1/writes", "", 400, { "bad-request", "the body is not JSON" }, NULL },
        { "POST", "/api/v1/writes", "{\"path\":", 400, { "the body is not JSON" }, NULL },
        { "POST", "/api/v1/writes", "[]", 400, { "path is missing" }, NULL },
        { "POST", "/api/v1/writes", "{\"value\":1}", 400, { "validation", "path is missing" }, NULL },
        { "POST", "/api/v1/writes", "{\"path\":7,\"value\":1}", 400, { "path is missing" }, NULL },
        { "POST", "/api/v1/writes", "{\"path\":\"g/e1/t\"}", 400, { "value" }, NULL },
        { "POST", "/api/v1/writes", "{\"path\":\"g/e1/t\",\"value\":{}}", 400, { "value" }, NULL },
        { "POST", "/api/v1/writes", "{\"path\":\"g/e1/t\",\"value\":[1]}", 400, { "value" }, NULL },
        { "POST", "/api/v1/writes", "{\"path\":\"g/e1/t\",\"value\":1,\"value\":2}", 400, { "not JSON" }, NULL }, /* which one? */
        { "POST",
          "/api/v1/writes",
          "{\"path\":\"g/e1/t\",\"value\":1,\"mode\":\"simulate\"}",
          400,
          { "mode: only execute is available" },
          NULL },
        { "POST", "/api/v1/writes", "{\"path\":\"g/e1/t\",\"value\":1,\"mode\":7}", 400, { "mode" }, NULL },
        { "POST", "/api/v1/writes", "{\"path\":\"g/e1/t\",\"value\":1,\"expected\":{\"value\":{}}}", 400, { "expected must be" }, NULL },
        { "POST", "/api/v1/writes", "{\"path\":\"g/e1/t\",\"value\":1,\"expected\":5}", 400, { "expected must be" }, NULL },
        { "POST", "/api/v1/writes?wait=long", "{\"path\":\"g/e1/t\",\"value\":1}", 400, { "wait: " }, NULL },
        { "POST", "/api/v1/writes?timeout=1s", "{\"path\":\"g/e1/t\",\"value\":1}", 400, { "'timeout'" }, NULL },
        { "GET", "/api/v1/writes/1", NULL, 404, { "there is no such write any more" }, NULL },
        { "GET", "/api/v1/writes/x", NULL, 404, { "no such write" }, NULL },
        { "GET", "/api/v1/writes", NULL, 405, { 0 }, NULL },
        { "POST", "/api/v1/writes", "{\"path\":\"g/e1/no\",\"value\":1}", 404, { "there is no tag g/e1/no" }, NULL },
        { "POST", "/api/v1/writes", "{\"path\":\"g/e1/r\",\"value\":1}", 403, { "write-rejected", "read-only" }, NULL },
        { "POST", "/api/v1/writes", "{\"path\":\"g/e1/t\",\"value\":null}", 422, { "validation", "null cannot be written" }, NULL },
        { "POST", "/api/v1/writes", "{\"path\":\"g/e1/t\",\"value\":\"warm\"}", 422, { "warm is no Double" }, NULL },
        { "POST", "/api/v1/writes", "{\"path\":\"g/e1/s\",\"value\":5}", 422, { "must be a JSON string" }, NULL },
        { "POST",
          "/api/v1/writes",
          "{\"path\":\"g/e1/t\",\"value\":1,\"expected\":{\"value\":7}}",
          409,
          { "conflict", "the current value is 0.1, not 7" },
          NULL },
    };
    stage_answers(&st, rows, PT_COUNT_OF(rows));
    CHECK_INT(pt_observer_count_topic(st.observer, "spBv1.0/g/NCMD/e1"), 0);
    stage_close(&st);
}

static void a_write_is_answered_with_its_state_and_found_again_by_its_id(void)
{
    start();
    answer a = client_ask(st.app.http_port, (ask){ .method = "POST",
                                                   .target = "/api/v1/writes?wait=0s",
                                                   .body = "{\"path\":\"g/e1/t\",\"value\":2.5,\"reason\":\"why not\"}",
                                                   .headers = { "Content-Type: application/json" } });
    CHECK_INT(a.status, 202); /* sent, not yet confirmed */
    json_t *w = json_loadb(a.body.ptr, a.body.len, 0, NULL);
    CHECK_FATAL(w != NULL);
    CHECK_STR(pt_cstr(stage_keys(w)), "id state tag_id reported unchanged detail sent_ms done_ms");
    CHECK_STR(pt_cstr(json_string_value(json_object_get(w, "state"))), "sent");
    CHECK(json_is_null(json_object_get(w, "done_ms")) && json_is_null(json_object_get(w, "reported")));
    client_release(&a);
    CHECK_WITHIN_FATAL(5000, pt_observer_count_topic(st.observer, "spBv1.0/g/NCMD/e1") == 1);
    stage_publish(&st, "spBv1.0/g/NDATA/e1", "ts=2000 seq=1 t=d2.5@2000");
    char target[100];
    snprintf(target, sizeof target, "/api/v1/writes/%lld", (long long)json_integer_value(json_object_get(w, "id")));
    json_decref(w);
    bool confirmed = false;
    for (int64_t until = pt_test_now_ms() + 5000; !confirmed && pt_test_now_ms() < until; json_decref(w)) {
        w = stage_json(&st, target);
        confirmed = strcmp(json_string_value(json_object_get(w, "state")), "confirmed") == 0;
        if (confirmed)
            CHECK(json_integer_value(json_object_get(w, "done_ms")) > 0 && json_number_value(json_object_get(w, "reported")) > 2.4);
    }
    CHECK(confirmed);
    json_t *e = NULL; /* requested, then confirmed */
    for (int64_t until = pt_test_now_ms() + 5000; pt_test_now_ms() < until; json_decref(e), e = NULL)
        if (json_array_size(e = stage_json(&st, "/api/v1/events?type=write&path=g%2Fe1%2Ft")) == 2) break;
    CHECK_FATAL(json_array_size(e) == 2);
    CHECK_STR(pt_cstr(json_string_value(json_object_get(json_object_get(json_array_get(e, 0), "detail"), "reason"))), "why not");
    CHECK_STR(pt_cstr(json_string_value(json_object_get(json_object_get(json_array_get(e, 0), "detail"), "who"))), "127.0.0.1");
    json_decref(e);
    stage_close(&st);
}

static bool waiting_is(const char *line)
{
    answer a = client_ask(st.app.http_port, (ask){ .target = "/metrics" });
    bool ok = client_has(&a, line);
    client_release(&a);
    return ok;
}

static void five_hundred_open_writes_hold_nobody_up(void)
{
    enum { WRITES = 500 };
    static int fds[WRITES];
    stage_open(&st, "host: { id: desk, role: primary }\nwrites: { enabled: true, confirm_timeout: 1m }\n", NULL);
    stage_start(&st);
    stage_play(&st, "births", "NBIRTH g/$ | ts=1000 seq=0 bd=7 t:10=d0.1@1000\nvalue g/$/t = 0.1 GOOD");
    for (int i = 0; i < WRITES; i++)
        fds[i] =
            client_send(st.app.http_port, "POST /api/v1/writes?wait=60s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                                          "Content-Length: 27\r\n\r\n{\"path\":\"g/e1/t\",\"value\":5}");
    CHECK_WITHIN_FATAL(60000, waiting_is("plantree_http_waiting 500\n") && waiting_is("plantree_writes_open 500\n"));
    static const stage_ask rows[] = {
        { "GET", "/healthz", NULL, 200, "ok" },
        { "GET", "/api/v1/values?paths=g/e1/t", NULL, 200, "GOOD" },
        { "POST", "/api/v1/writes?wait=0s", "{\"path\":\"g/e1/t\",\"value\":6}", 202, "sent" },
    };
    stage_asks(&st, rows, PT_COUNT_OF(rows));
    CHECK(waiting_is("plantree_http_waiting 500\n")); /* all that before any of them */
    stage_publish(&st, "spBv1.0/g/NDATA/e1", "ts=2000 seq=1 t=d5@2000");
    for (int i = 0; i < WRITES; i++) {
        CHECK(client_read_until(fds[i], "\"state\":\"confirmed\""));
        close(fds[i]);
    }
    stage_close(&st);
}

static void numbers_are_written_and_compared_as_they_stand_in_the_body(void)
{
    start();
    static const stage_question rows[] = {
        /* the last value of UInt64 is beyond what a JSON library's integers hold */
        { "POST", "/api/v1/writes?wait=0s", "{\"path\":\"g/e1/u\",\"value\":18446744073709551615}", 202, { "\"state\":\"sent\"" }, NULL },
        { "POST",
          "/api/v1/writes?wait=0s",
          "{\"path\":\"g/e1/u\",\"value\":18446744073709551616}",
          422,
          { "18446744073709551616 is no UInt64" },
          NULL },
        { "POST", "/api/v1/writes?wait=0s", "{\"path\":\"g/e1/u\",\"value\":-1}", 422, { "is no UInt64" }, NULL },
        { "POST", "/api/v1/writes?wait=0s", "{\"path\":\"g/e1/u\",\"value\":1.5}", 422, { "1.5 is no UInt64" }, NULL },
        { "POST",
          "/api/v1/writes?wait=0s",
          "{ \"reason\" : \"\\\"value\\\": 7 }\", \"expected\": {\"value\": 2}, \"value\" : 9, \"path\":\"g/e1/u\" }",
          409,
          { "the current value is 1, not 2" },
          NULL },
        { "POST",
          "/api/v1/writes?wait=0s",
          "{\"path\":\"g/e1/t\",\"value\":1,\"expected\":{\"value\":0.1}}",
          202,
          { "\"state\":\"sent\"" },
          NULL },
        { "POST",
          "/api/v1/writes?wait=0s",
          "{\"path\":\"g/e1/t\",\"value\":1,\"expected\":{\"value\":1e-1}}",
          202,
          { "\"state\":\"sent\"" },
          NULL },
        { "POST",
          "/api/v1/writes?wait=0s",
          "{\"path\":\"g/e1/u\",\"value\":2,\"expected\":{\"value\":1}}",
          202,
          { "\"state\":\"sent\"" },
          NULL },
        { "POST",
          "/api/v1/writes?wait=0s",
          "{\"path\":\"g/e1/s\",\"value\":\"2\",\"expected\":{\"value\":\"1\"}}",
          202,
          { "\"state\":\"sent\"" },
          NULL },
        { "POST",
          "/api/v1/writes?wait=0s",
          "{\"path\":\"g/e1/s\",\"value\":\"2\",\"expected\":{\"value\":1}}",
          409,
          { "conflict" },
          NULL }, /* a text is no number */
    };
    stage_answers(&st, rows, PT_COUNT_OF(rows));
    stage_close(&st);
}

static void a_stream_is_asked_for_with_known_words(void)
{
    start();
    static const stage_question rows[] = {
        { "GET", "/api/v1/stream?rate=21", NULL, 400, { "rate must be a whole number up to 20" }, NULL },
        { "GET", "/api/v1/stream?events=x", NULL, 400, { "events must be 0 or 1" }, NULL },
        { "GET", "/api/v1/stream?tree=x", NULL, 400, { "tree must be 0 or 1" }, NULL },
        { "GET", "/api/v1/stream?snapshot=x", NULL, 400, { "snapshot must be 0 or 1" }, NULL },
        { "GET", "/api/v1/stream?int64=x", NULL, 400, { "int64" }, NULL },
        { "GET", "/api/v1/stream?path=x", NULL, 400, { "'path'" }, NULL },
        { "PUT", "/api/v1/streams/zz", "{\"select\":[\"a\"]}", 404, { "there is no such stream" }, NULL },
        { "PUT", "/api/v1/streams/1", "{\"select\":\"a\"}", 400, { "the body must be" }, NULL },
        { "PUT", "/api/v1/streams/1", "{\"select\":[1]}", 400, { "the body must be" }, NULL },
        { "PUT", "/api/v1/streams/1", "{", 400, { "the body must be" }, NULL },
        { "PUT", "/api/v1/streams/1", "", 400, { "the body must be" }, NULL },
    };
    stage_answers(&st, rows, PT_COUNT_OF(rows));
    stage_close(&st);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_body_that_is_no_write_is_refused_and_nothing_is_sent),
        PT_TEST(a_write_is_answered_with_its_state_and_found_again_by_its_id),
        PT_TEST(five_hundred_open_writes_hold_nobody_up),
        PT_TEST(numbers_are_written_and_compared_as_they_stand_in_the_body),
        PT_TEST(a_stream_is_asked_for_with_known_words),
    };
    return pt_test_main("host/api_command", tests, PT_COUNT_OF(tests), argc, argv);
}
