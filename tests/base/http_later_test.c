/* base/daemon/http_later.c: answers that come later hold no thread, are bounded, and end by their owner, the clock, the client or the stop.
 *
 * One handler thread only: whatever would wait in it would hold everything up. */
#include "tests/base/client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MANY = 500 };

static pt_http_server *server;
static pt_metrics *metrics;
static pt_fake_clock fake;
static uint16_t port;
static _Atomic int begun, refused, released, ends[3];
static pt_http_later *waiting[MANY + 8];
static int64_t timeout_ms;

static void on_ended(void *ctx, pt_http_request *rq, pt_http_end why)
{
    static const char *const said[] = { "too late", "nobody there", "stopping" };
    CHECK(ctx == waiting);
    ends[why]++;
    pt_http_reply(rq, 202, "text/plain", pt_cstr(said[why]));
}

static void on_release(void *ctx)
{
    CHECK(ctx == waiting);
    released++;
}

static void on_later(void *ctx, pt_http_request *rq)
{
    static const pt_http_later_ops ops = { on_ended, on_release };
    (void)ctx;
    pt_http_later *l = pt_http_later_begin(rq, timeout_ms, &ops, waiting);
    if (!l) {
        refused++;
        return;
    }
    waiting[begun] = l; /* one handler thread: nobody else writes */
    begun++;
}

static void on_quick(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    pt_http_reply(rq, 200, "text/plain", PT_LIT("quick"));
}

static void start(int64_t timeout, uint32_t max, const pt_clock *clock)
{
    static const pt_http_route routes[] = { { "GET", "/later", on_later, NULL }, { "GET", "/quick", on_quick, NULL } };
    pt_http_options o = { .listen = "127.0.0.1:0", .threads = 1, .max_connections = MANY + 16, .max_waiting = max };
    pt_error err = { 0 };
    begun = refused = released = ends[0] = ends[1] = ends[2] = 0;
    timeout_ms = timeout;
    CHECK_OK_FATAL(pt_metrics_new(&metrics));
    CHECK_OK_FATAL(pt_http_start(&o, routes, PT_COUNT_OF(routes), NULL, metrics, clock, NULL, &server, &port, &err));
}

static void finish(void)
{
    pt_http_stop(server);
    pt_metrics_free(metrics);
}

static bool have(void *ctx)
{
    return begun == *(int *)ctx;
}

static bool quick(void)
{
    answer a = client_ask(port, (ask){ .target = "/quick" });
    bool ok = a.status == 200;
    client_release(&a);
    return ok;
}

static bool metric_is(const char *line)
{
    pt_buf out;
    pt_buf_init(&out, 1u << 20);
    pt_metrics_text(metrics, &out);
    pt_buf_char(&out, '\0');
    bool ok = pt_buf_status(&out) == PT_OK && strstr(out.ptr, line);
    pt_buf_fini(&out);
    return ok;
}

static void five_hundred_wait_and_others_are_answered_before_any_of_them(void)
{
    static int fds[MANY];
    int many = MANY;
    start(600000, 0, pt_clock_system());
    for (int i = 0; i < MANY; i++)
        fds[i] = client_send_get(port, "/later");
    CHECK_FATAL(client_wait(have, &many));
    CHECK(quick()); /* and nobody of the 500 has an answer: they are all still here to be taken */
    CHECK(metric_is("plantree_http_waiting 500\n"));
    for (int i = 0; i < MANY; i++) {
        pt_http_request *rq = pt_http_later_take(waiting[i]);
        CHECK_FATAL(rq != NULL);
        pt_http_reply(rq, 200, "text/plain", PT_LIT("at last"));
    }
    for (int i = 0; i < MANY; i++) {
        CHECK(client_read_until(fds[i], "at last"));
        close(fds[i]);
    }
    CHECK_INT(released, MANY);
    CHECK(metric_is("plantree_http_waiting 0\n"));
    finish();
}

static void more_than_may_wait_are_refused_with_a_time_to_come_back_and_counted(void)
{
    int two = 2;
    start(600000, 2, pt_clock_system());
    int a = client_send_get(port, "/later"), b = client_send_get(port, "/later");
    CHECK_FATAL(client_wait(have, &two));
    answer third = client_ask(port, (ask){ .target = "/later" });
    CHECK_INT(third.status, 503);
    CHECK(client_header(&third, "Retry-After: 1"));
    CHECK(client_has(&third, "urn:plantree:problem:too-busy"));
    client_release(&third);
    CHECK(metric_is("plantree_http_waiting_refused_total 1\n"));
    finish(); /* the two are answered */
    CHECK(client_read_until(a, "stopping") && client_read_until(b, "stopping"));
    CHECK_INT(ends[PT_HTTP_STOPPING], 2);
    for (int i = 0; i < 2; i++)
        CHECK(pt_http_later_take(waiting[i]) == NULL); /* its owner comes after the stop */
    CHECK_INT(released, 2);
    close(a);
    close(b);
}

static bool all_released(void *ctx)
{
    return released == *(int *)ctx;
}

static void the_clock_of_the_server_ends_a_wait(void)
{
    int one = 1;
    pt_fake_clock_init(&fake, 1000000);
    start(20, 0, &fake.clock);
    int fd = client_send_get(port, "/later");
    CHECK_FATAL(client_wait(have, &one));
    CHECK(quick());
    CHECK_INT(ends[PT_HTTP_TIMED_OUT], 0); /* the clock stands still */
    pt_fake_clock_advance(&fake, 20);
    CHECK(client_read_until(fd, "too late"));
    CHECK_INT(released, 0); /* the owner still holds it */
    CHECK(pt_http_later_take(waiting[0]) == NULL);
    CHECK(client_wait(all_released, &one)); /* the server's thread, which has answered, may let go last */
    close(fd);
    finish();
}

static bool gone(void *ctx)
{
    (void)ctx;
    return ends[PT_HTTP_CLIENT_GONE] == 1;
}

static void a_client_that_goes_is_noticed_while_nothing_is_sent(void)
{
    int one = 1;
    start(600000, 0, pt_clock_system());
    int fd = client_send_get(port, "/later");
    CHECK_FATAL(client_wait(have, &one));
    close(fd);
    CHECK(client_wait(gone, NULL));
    CHECK(pt_http_later_take(waiting[0]) == NULL);
    finish();
    CHECK_INT(released, 1);
}

static void the_connection_of_a_later_answer_asks_again(void)
{
    int one = 1, two = 2;
    start(600000, 0, pt_clock_system());
    int fd = client_send_get(port, "/later");
    const char *again = "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n";
    CHECK_FATAL(client_wait(have, &one));
    pt_http_request *rq = pt_http_later_take(waiting[0]);
    CHECK_FATAL(rq != NULL);
    pt_http_reply(rq, 200, "text/plain", PT_LIT("first"));
    CHECK(client_read_until(fd, "first"));
    CHECK(write(fd, again, strlen(again)) == (ssize_t)strlen(again));
    CHECK_FATAL(client_wait(have, &two));
    rq = pt_http_later_take(waiting[1]);
    CHECK_FATAL(rq != NULL);
    pt_http_problem(rq, 504, "no-answer", "second");
    CHECK(client_read_until(fd, "second"));
    close(fd);
    finish();
}

static void *take_all(void *arg)
{
    for (int i = *(int *)arg; i < MANY; i += 2) {
        pt_http_request *rq = pt_http_later_take(waiting[i]);
        if (rq) pt_http_reply(rq, 200, "text/plain", PT_LIT("taken"));
    }
    return NULL;
}

static void owners_and_the_stop_at_the_same_time_answer_each_request_once(void)
{
    static int fds[MANY];
    int many = MANY, first[2] = { 0, 1 };
    pthread_t takers[2];
    start(600000, 0, pt_clock_system());
    for (int i = 0; i < MANY; i++)
        fds[i] = client_send_get(port, "/later");
    CHECK_FATAL(client_wait(have, &many));
    for (int i = 0; i < 2; i++)
        CHECK_FATAL(pthread_create(&takers[i], NULL, take_all, &first[i]) == 0);
    finish();
    for (int i = 0; i < 2; i++)
        pthread_join(takers[i], NULL);
    CHECK_INT(released, MANY);
    for (int i = 0; i < MANY; i++) {
        CHECK(client_read_until(fds[i], "HTTP/1.1 20"));
        close(fds[i]);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(five_hundred_wait_and_others_are_answered_before_any_of_them),
        PT_TEST(more_than_may_wait_are_refused_with_a_time_to_come_back_and_counted),
        PT_TEST(the_clock_of_the_server_ends_a_wait),
        PT_TEST(a_client_that_goes_is_noticed_while_nothing_is_sent),
        PT_TEST(the_connection_of_a_later_answer_asks_again),
        PT_TEST(owners_and_the_stop_at_the_same_time_answer_each_request_once),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int rc = pt_test_main("base/http_later", tests, PT_COUNT_OF(tests), argc, argv);
    curl_global_cleanup();
    return rc;
}
