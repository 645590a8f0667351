/* host/http/api.c: routes, health, and what every answer has in common. */
#include "tests/base/client.h"
#include "tests/host/stage.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <stdio.h>

static stage st;

static bool answers(const char *target, long status)
{
    answer a = client_ask(st.app.http_port, (ask){ .method = "GET", .target = target });
    bool ok = a.status == status;
    client_release(&a);
    return ok;
}

static void health_readiness_and_version_say_what_is(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    static const stage_question well[] = {
        { "GET", "/healthz", NULL, 200, { "ok\n" }, NULL },
        { "GET",
          "/readyz",
          NULL,
          200,
          { "\"ready\":true", "{\"name\":\"historian\",\"ok\":true}", "{\"name\":\"broker\",\"ok\":true}",
            "{\"name\":\"host-id\",\"ok\":true}" },
          NULL },
        { "GET",
          "/api/v1/version",
          NULL,
          200,
          { "\"name\":\"plantree-host\"", "\"version\":\"" PLANTREE_VERSION "\"", "\"host_id\":\"stage\"", "\"started_ms\":" },
          NULL },
        { "GET", "/", NULL, 200, { "<!doctype html>" }, NULL },
    };
    stage_answers(&st, well, PT_COUNT_OF(well));

    pt_broker_halt(st.broker);
    CHECK_WITHIN(10000, answers("/readyz", 503));
    static const stage_question lonely[] = {
        { "GET",
          "/readyz",
          NULL,
          503,
          { "urn:plantree:problem:not-ready", "no MQTT server is connected", "{\"name\":\"broker\",\"ok\":false,\"detail\":" },
          NULL },
        { "GET", "/healthz", NULL, 200, { "ok\n" }, NULL }, /* nothing is wrong with us */
    };
    stage_answers(&st, lonely, PT_COUNT_OF(lonely));
    pt_broker_restart(st.broker);
    CHECK_WITHIN(15000, answers("/readyz", 200));
    stage_close(&st);
}

static void a_main_loop_that_does_not_turn_is_no_health(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    st.stop = true;
    pthread_join(st.ticker, NULL);
    st.ticking = false;
    st.app.turned_mono -= 6000; /* as if it had stood still for six seconds */
    static const stage_question stuck[] = { { "GET", "/healthz", NULL, 503, { "the main loop has not turned for 6" }, NULL } };
    stage_answers(&st, stuck, 1);
    stage_close(&st);
}

static void another_host_with_our_id_is_told_by_readiness(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    char text[100];
    bool told = false;
    for (int64_t until = pt_test_now_ms() + 15000; !told && pt_test_now_ms() < until;) { /* it insists on being the one */
        snprintf(text, sizeof text, "{\"online\":true,\"timestamp\":%lld}", (long long)pt_wall_ms(pt_clock_system()) + 1);
        pt_broker_publish(st.broker, "spBv1.0/STATE/stage", pt_cstr(text), 1, true);
        host_session_stats s;
        host_session_stats_get(st.app.sessions[0], &s);
        told = s.conflict;
    }
    CHECK(told);
    static const stage_question conflict[] = {
        { "GET",
          "/readyz",
          NULL,
          200,
          { "{\"name\":\"host-id\",\"ok\":false,\"detail\":\"another host application uses our id\"}" },
          NULL },
        { "GET", "/api/v1/status", NULL, 200, { "\"conflict\":true" }, NULL },
    };
    stage_answers(&st, conflict, PT_COUNT_OF(conflict));
    stage_close(&st);
}

static void what_is_not_there_is_a_problem_with_a_detail(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    static const stage_question rows[] = {
        { "GET", "/nothing", NULL, 404, { "urn:plantree:problem:not-found" }, NULL },
        { "GET", "/api/v1/nothing", NULL, 404, { "not-found" }, NULL },
        { "GET", "/api/v2/nodes", NULL, 404, { "not-found" }, NULL },
        { "DELETE", "/api/v1/nodes", NULL, 405, { 0 }, NULL },
        { "POST", "/api/v1/status", "{}", 405, { 0 }, NULL },
        { "GET", "/api/v1/tree?deep=1", NULL, 400, { "unknown query parameter 'deep'" }, NULL },
        { "GET", "/api/v1/nodes?group=g", NULL, 400, { "'group'" }, NULL },
        { "GET", "/ui/../../etc/passwd", NULL, 404, { 0 }, NULL },
    };
    stage_answers(&st, rows, PT_COUNT_OF(rows));
    stage_close(&st);
}

static void a_page_of_another_site_changes_nothing(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    stage_publish(&st, "spBv1.0/g/NBIRTH/e", "ts=1000 seq=0 bd=1 t:10=d1@1000");
    CHECK_WITHIN_FATAL(5000, answers("/api/v1/nodes/g/e", 200));
    char own[80], far[] = "Origin: http://evil.example";
    snprintf(own, sizeof own, "Origin: http://127.0.0.1:%u", st.app.http_port);
    const stage_question rows[] = {
        { "POST", "/api/v1/nodes/g/e/rebirth", "", 403, { "a page of another site may not" }, "Sec-Fetch-Site: cross-site" },
        { "POST", "/api/v1/nodes/g/e/rebirth", "", 403, { "forbidden" }, "Sec-Fetch-Site: same-site" },
        { "POST", "/api/v1/nodes/g/e/rebirth", "", 403, { "forbidden" }, far },
        { "POST", "/api/v1/nodes/g/e/rebirth", "", 403, { "forbidden" }, "Origin: null" },
        { "POST", "/api/v1/writes", "{\"path\":\"g/e/t\",\"value\":2}", 403, { "forbidden" }, far },
        { "PUT", "/api/v1/streams/1", "{\"select\":[]}", 403, { "forbidden" }, far },
        { "POST", "/api/v1/nodes/g/x/rebirth", "", 404, { "no such edge node" }, "Sec-Fetch-Site: same-origin" },
        { "POST", "/api/v1/nodes/g/x/rebirth", "", 404, { "no such edge node" }, "Sec-Fetch-Site: none" },
        { "POST", "/api/v1/nodes/g/x/rebirth", "", 404, { "no such edge node" }, own },
        { "POST", "/api/v1/nodes/g/x/rebirth", "", 404, { "no such edge node" }, NULL }, /* curl, scripts */
    };
    stage_answers(&st, rows, PT_COUNT_OF(rows));
    CHECK_INT(pt_observer_count_topic(st.observer, "spBv1.0/g/NCMD/e"), 0);
    CHECK_INT(pt_observer_count_topic(st.observer, "spBv1.0/g/DCMD/e"), 0);
    stage_close(&st);
}

static void every_answer_forbids_the_browser_what_it_need_not_do(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    static const char *const targets[] = { "/",
                                           "/healthz",
                                           "/readyz",
                                           "/metrics",
                                           "/api/v1/version",
                                           "/api/v1/status",
                                           "/api/v1/nodes",
                                           "/api/v1/tree",
                                           "/api/v1/values?paths=x",
                                           "/api/v1/events",
                                           "/api/v1/log",
                                           "/api/v1/history",
                                           "/api/v1/aggregate",
                                           "/api/v1/tags/1",
                                           "/api/v1/writes/1",
                                           "/api/v1/nodes/a/b" };
    for (size_t i = 0; i < PT_COUNT_OF(targets); i++) {
        answer a = client_ask(st.app.http_port, (ask){ .method = "GET", .target = targets[i] });
        CHECK_ROW(targets[i], client_header(&a, "Content-Security-Policy:"));
        CHECK_ROW(targets[i], client_header(&a, "Referrer-Policy: no-referrer"));
        CHECK_ROW(targets[i], client_header(&a, "Cross-Origin-Opener-Policy: same-origin"));
        CHECK_ROW(targets[i], !client_header(&a, "Access-Control-Allow-Origin:"));
        client_release(&a);
    }
    stage_close(&st);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(health_readiness_and_version_say_what_is),      PT_TEST(a_main_loop_that_does_not_turn_is_no_health),
        PT_TEST(another_host_with_our_id_is_told_by_readiness), PT_TEST(what_is_not_there_is_a_problem_with_a_detail),
        PT_TEST(a_page_of_another_site_changes_nothing),        PT_TEST(every_answer_forbids_the_browser_what_it_need_not_do),
    };
    return pt_test_main("host/api", tests, PT_COUNT_OF(tests), argc, argv);
}
