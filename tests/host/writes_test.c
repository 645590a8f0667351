/* host/control/writes.c: what the plant's answer makes of a write, who is told, and what a stop or an end leaves in the audit. */
#include "host/control/writes.h"
#include "tests/host/writes_bench.h"
#include "tests/host/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void newer_data_with_the_value_confirms(void)
{
    bench b;
    uint64_t n[HOST_WRITE_STATES];
    bench_open(&b);
    host_write_result r = writes_ask(&b, "g/e/d", "2.5");
    CHECK(r.state == HOST_WRITE_SENT && r.done_ms == 0 && r.sent_ms == 1000000);
    writes_seen(&b, r.tag_id + 1, 2.5); /* another tag */
    CHECK_INT(writes_get(&b, r.id).state, HOST_WRITE_SENT);
    pt_fake_clock_advance(&b.clock, 40);
    writes_seen(&b, r.tag_id, 2.5);
    r = writes_get(&b, r.id);
    CHECK(r.state == HOST_WRITE_CONFIRMED && !r.unchanged && strcmp(r.seen, "2.5") == 0 && r.done_ms == 1000040);
    host_writes_counts(b.w, n);
    CHECK(n[HOST_WRITE_SENT] == 0 && n[HOST_WRITE_CONFIRMED] == 1);
    writes_seen(&b, r.tag_id, 9); /* later values are not its business */
    writes_pass(&b, 10000);
    CHECK_INT(writes_get(&b, r.id).state, HOST_WRITE_CONFIRMED);
    bench_close(&b);
}

static void another_value_deviates_unless_a_better_one_follows_within_a_second(void)
{
    bench b;
    bench_open(&b);
    host_write_result r = writes_ask(&b, "g/e/d", "2.5");
    writes_seen(&b, r.tag_id, 2);
    CHECK_INT(writes_get(&b, r.id).state, HOST_WRITE_SENT); /* it may have been on its way */
    writes_pass(&b, 999);
    CHECK_INT(writes_get(&b, r.id).state, HOST_WRITE_SENT);
    writes_pass(&b, 1);
    r = writes_get(&b, r.id);
    CHECK(r.state == HOST_WRITE_DEVIATES && strcmp(r.seen, "2") == 0 && strstr(r.text, "another value"));
    r = writes_ask(&b, "g/e/d", "2.5");
    writes_seen(&b, r.tag_id, 2);
    writes_pass(&b, 999);
    writes_seen(&b, r.tag_id, 2.5);
    CHECK_INT(writes_get(&b, r.id).state, HOST_WRITE_CONFIRMED);
    bench_close(&b);
}

static void silence_times_out_and_says_that_nothing_is_known(void)
{
    bench b;
    bench_open(&b);
    host_write_result r = writes_ask(&b, "g/e/d", "2.5");
    writes_pass(&b, 4999);
    CHECK_INT(writes_get(&b, r.id).state, HOST_WRITE_SENT);
    writes_pass(&b, 1);
    r = writes_get(&b, r.id);
    CHECK(r.state == HOST_WRITE_TIMEOUT && !r.seen[0] && strstr(r.text, "may or may not have been carried out"));
    bench_close(&b);
}

static void the_value_that_stands_there_is_confirmed_as_unchanged_after_a_second_unless_another_write_is_open(void)
{
    bench b;
    bench_open(&b);
    host_write_result r = writes_ask(&b, "g/e/d", "0.1");
    writes_pass(&b, 999);
    CHECK_INT(writes_get(&b, r.id).state, HOST_WRITE_SENT);
    writes_pass(&b, 1);
    r = writes_get(&b, r.id);
    CHECK(r.state == HOST_WRITE_CONFIRMED && r.unchanged && strcmp(r.seen, "0.1") == 0);
    host_write_result one = writes_ask(&b, "g/e/d", "0.1"), two = writes_ask(&b, "g/e/d", "7");
    writes_pass(&b, 1000);
    CHECK_INT(writes_get(&b, one.id).state, HOST_WRITE_SENT); /* who knows what the other one does */
    writes_pass(&b, 4000);
    CHECK_INT(writes_get(&b, one.id).state, HOST_WRITE_TIMEOUT);
    CHECK_INT(writes_get(&b, two.id).state, HOST_WRITE_TIMEOUT);
    bench_close(&b);
}

static void expected_is_compared_as_a_value(void)
{
    static const struct {
        const char *path, *json, *expected;
        bool sent;
    } rows[] = {
        { "g/e/d", "1", "0.1", true },       { "g/e/d", "1", "0.10", true },      { "g/e/d", "1", "1e-1", true },
        { "g/e/d", "1", "0.2", false },      { "g/e/d", "1", "\"0.1\"", false },  { "g/e/f", "1", "0.1", true },
        { "g/e/i32", "1", "5", true },       { "g/e/i32", "1", "5.5", false },    { "g/e/i32", "1", "null", false },
        { "g/e/on", "true", "false", true }, { "g/e/on", "true", "true", false }, { "g/e/s", "\"x\"", "\"text\"", true },
        { "g/e/s", "\"x\"", "text", false }, { "g/e/nul", "1", "null", true },    { "g/e/nul", "1", "0", false },
    };
    bench b;
    bench_open(&b);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char row[400];
        host_write_request rq = writes_request(rows[i].path, rows[i].json);
        host_write_result r;
        rq.has_expected = true;
        rq.expected_json = pt_cstr(rows[i].expected);
        CHECK_OK(host_writes_start(b.w, &rq, NULL, NULL, &r, NULL));
        snprintf(row, sizeof row, "%s, expected %s: %s", rows[i].path, rows[i].expected, r.text);
        CHECK_ROW(row, r.state == (rows[i].sent ? HOST_WRITE_SENT : HOST_WRITE_REFUSED));
        if (!rows[i].sent) CHECK_ROW(row, r.refusal == HOST_WRITE_CONFLICT);
        writes_pass(&b, 6000);
    }
    bench_close(&b);
}

typedef struct asker {
    bench *b;
    pthread_t thread;
    host_write_result r;
} asker;

static void *ask_main(void *arg)
{
    asker *a = arg;
    host_write_request rq = writes_request("g/e/d", "2.5");
    rq.key = PT_LIT("one");
    if (host_writes_start(a->b->w, &rq, NULL, NULL, &a->r, NULL) != PT_OK) a->r.id = 0;
    return NULL;
}

static void one_idempotency_key_sends_once_also_when_asked_at_the_same_time(void)
{
    enum { ASKERS = 8 };
    bench b;
    asker askers[ASKERS];
    bench_open(&b);
    for (int i = 0; i < ASKERS; i++) {
        askers[i] = (asker){ .b = &b };
        CHECK_FATAL(pthread_create(&askers[i].thread, NULL, ask_main, &askers[i]) == 0);
    }
    for (int i = 0; i < ASKERS; i++)
        pthread_join(askers[i].thread, NULL);
    CHECK_INT(b.sent, 1);
    for (int i = 0; i < ASKERS; i++)
        CHECK(askers[i].r.id == askers[0].r.id && askers[i].r.id != 0);
    host_write_result now; /* an asker may have come before the first one's target was found */
    CHECK_OK(host_writes_get(b.w, askers[0].r.id, &now));
    writes_seen(&b, now.tag_id, 2.5);
    askers[1] = (asker){ .b = &b };
    ask_main(&askers[1]); /* later: the outcome */
    CHECK(askers[1].r.id == askers[0].r.id && askers[1].r.state == HOST_WRITE_CONFIRMED);

    host_write_request other = writes_request("g/e/d", "3");
    host_write_result r;
    other.key = PT_LIT("one");
    CHECK_OK(host_writes_start(b.w, &other, NULL, NULL, &r, NULL));
    CHECK(r.state == HOST_WRITE_REFUSED && r.refusal == HOST_WRITE_CONFLICT && strstr(r.text, "belongs to another write"));
    CHECK_INT(b.sent, 1);

    writes_pass(&b, 600001); /* after ten minutes it is forgotten */
    CHECK_INT(writes_ask(&b, "g/e/dev/sp", "2").state, HOST_WRITE_SENT);
    CHECK_STATUS(host_writes_get(b.w, askers[0].r.id, &r), PT_ENOTFOUND);
    CHECK_OK(host_writes_start(b.w, &other, NULL, NULL, &r, NULL));
    CHECK_INT(r.state, HOST_WRITE_SENT);
    bench_close(&b);
}

static bool count_event(void *ctx, const hist_event *e)
{
    char *text = ctx;
    CHECK_STR(e->type, "write");
    CHECK_STR(e->node, "g/e");
    CHECK_STR(e->path, "g/e/d");
    snprintf(text + strlen(text), 4000 - strlen(text), "%.*s\n", PT_SLICE_ARGS(e->detail));
    return true;
}

static bool audit_row(void *ctx, const host_audit_row *row)
{
    char *text = ctx;
    snprintf(text + strlen(text), 2000 - strlen(text), "%.*s %.*s %.*s->%.*s %.*s;", PT_SLICE_ARGS(row->action), PT_SLICE_ARGS(row->object),
             PT_SLICE_ARGS(row->before), PT_SLICE_ARGS(row->after), PT_SLICE_ARGS(row->outcome));
    return true;
}

static void every_request_and_every_outcome_is_an_event_an_audit_row_and_told_live(void)
{
    bench b;
    pt_error err = { 0, "" };
    char events[4000] = "", audit[2000] = "";
    hist_event_filter f = { .from_ms = INT64_MIN, .to_ms = INT64_MAX, .types = PT_LIT("write"), .limit = 100 };
    bench_open(&b);
    host_write_result r = writes_ask(&b, "g/e/d", "2.5");
    CHECK_INT(b.told, 1);
    CHECK(strstr(b.last_told, "\"state\":\"sent\"") && strstr(b.last_told, "\"reason\":\"because\"") &&
          strstr(b.last_told, "\"who\":\"10.0.0.9\"") && strstr(b.last_told, "\"value\":2.5"));
    writes_seen(&b, r.tag_id, 2.5);
    host_writes_tick(b.w);
    CHECK_INT(b.told, 2);
    CHECK(strstr(b.last_told, "\"state\":\"confirmed\"") && strstr(b.last_told, "\"reported\":2.5"));
    (void)writes_ask(&b, "g/e/d", "\"warm\"");
    CHECK_INT(b.told, 3);
    host_writes_tick(b.w);
    CHECK_INT(b.told, 3); /* once each */
    CHECK_OK(hist_flush(b.r.history, 10000, &err));
    CHECK_OK(hist_events(b.r.history, &f, count_event, events, &err));
    CHECK(strstr(events, "\"sent\"") && strstr(events, "\"confirmed\"") && strstr(events, "\"refused\""));
    CHECK_OK(host_audit_each(b.audit, 0, 100, audit_row, audit, &err));
    CHECK_STR(pt_cstr(audit), "write g/e/d 0.1->2.5 requested;write g/e/d 0.1->2.5 confirmed;write g/e/d 0.1->\"warm\" refused;");
    bench_close(&b);
}

typedef struct heard {
    _Atomic int times;
    host_write_result r;
} heard;

static void on_done(void *ctx, const host_write_result *r)
{
    heard *h = ctx;
    h->r = *r;
    h->times++;
}

static void whoever_asked_hears_the_outcome_once_and_of_a_refusal_at_once(void)
{
    static heard h[3];
    bench b;
    bench_open(&b);
    host_write_request rq = writes_request("g/e/d", "2.5"), wrong = writes_request("g/e/d", "\"warm\"");
    host_write_result r;
    _Atomic uint64_t id = 0;
    rq.key = PT_LIT("one");
    CHECK_OK(host_writes_start(b.w, &rq, on_done, &h[0], &r, &id));
    CHECK(r.state == HOST_WRITE_SENT && id == r.id && h[0].times == 0);
    CHECK_OK(host_writes_start(b.w, &rq, on_done, &h[1], &r, &id)); /* the same said again hears the same */
    CHECK(r.state == HOST_WRITE_SENT && id == r.id && b.sent == 1);
    CHECK_OK(host_writes_start(b.w, &wrong, on_done, &h[2], &r, NULL));
    CHECK_INT(r.state, HOST_WRITE_REFUSED);
    writes_seen(&b, (uint32_t)writes_get(&b, id).tag_id, 2.5);
    for (int i = 0; i < 2; i++)
        CHECK(h[i].times == 1 && h[i].r.state == HOST_WRITE_CONFIRMED && h[i].r.id == id);
    writes_pass(&b, 10000);
    CHECK(h[0].times == 1 && h[1].times == 1 && h[2].times == 0);
    bench_close(&b);
}

static void more_than_may_wait_for_one_write_are_refused(void)
{
    static heard h;
    bench b;
    bench_open(&b);
    host_write_request rq = writes_request("g/e/d", "2.5");
    host_write_result r = { 0 };
    rq.key = PT_LIT("one");
    for (int i = 0; i < 64; i++) {
        CHECK_OK(host_writes_start(b.w, &rq, on_done, &h, &r, NULL));
        CHECK_INT(r.state, HOST_WRITE_SENT);
    }
    CHECK_OK(host_writes_start(b.w, &rq, on_done, &h, &r, NULL));
    CHECK(r.state == HOST_WRITE_REFUSED && r.refusal == HOST_WRITE_BUSY);
    writes_pass(&b, 6000);
    CHECK(h.times == 64 && h.r.state == HOST_WRITE_TIMEOUT);
    bench_close(&b);
}

static void a_stop_ends_every_open_write_as_unknown_and_takes_no_more(void)
{
    static heard h;
    bench b;
    pt_error err = { 0, "" };
    char rows[2000] = "";
    uint64_t n[HOST_WRITE_STATES];
    bench_open(&b);
    host_write_request rq = writes_request("g/e/d", "2.5");
    host_write_result r;
    CHECK_OK(host_writes_start(b.w, &rq, on_done, &h, &r, NULL));
    CHECK_INT(writes_ask(&b, "g/e/i8", "2").state, HOST_WRITE_SENT);
    host_writes_stop(b.w);
    CHECK(h.times == 1 && h.r.state == HOST_WRITE_UNKNOWN && strstr(h.r.text, "may or may not"));
    r = writes_ask(&b, "g/e/d", "3");
    CHECK(r.state == HOST_WRITE_REFUSED && r.refusal == HOST_WRITE_NOT_READY && strstr(r.text, "stopping"));
    CHECK_INT(b.sent, 2);
    host_writes_counts(b.w, n);
    CHECK(n[HOST_WRITE_SENT] == 0 && n[HOST_WRITE_UNKNOWN] == 2);
    CHECK_OK(host_audit_each(b.audit, 0, 100, audit_row, rows, &err));
    CHECK_STR(pt_cstr(rows), "write g/e/d 0.1->2.5 requested;write g/e/i8 5->2 requested;write g/e/i8 5->2 unknown (host stopped);"
                             "write g/e/d 0.1->2.5 unknown (host stopped);");
    bench_close(&b);
}

static void what_a_killed_host_left_open_is_closed_in_the_audit_once(void)
{
    bench b;
    pt_error err = { 0, "" };
    char rows[2000] = "";
    uint64_t n = 0;
    bench_open(&b);
    host_write_result done = writes_ask(&b, "g/e/d", "2.5");
    writes_seen(&b, done.tag_id, 2.5);
    writes_pass(&b, 100);
    CHECK_INT(writes_ask(&b, "g/e/i8", "2").state, HOST_WRITE_SENT);
    host_writes_free(b.w); /* nothing is said: as after kill -9 */
    CHECK_OK_FATAL(host_writes_new(&b.options, b.r.tree, b.r.history, b.audit, NULL, NULL, NULL, NULL, &b.clock.clock, NULL, &b.w));
    CHECK_OK(host_writes_close_killed(b.w, &n, &err));
    CHECK_INT(n, 1);
    CHECK_OK(host_writes_close_killed(b.w, &n, &err));
    CHECK_INT(n, 0);
    CHECK_OK(host_audit_each(b.audit, 0, 100, audit_row, rows, &err));
    CHECK_STR(pt_cstr(rows), "write g/e/d 0.1->2.5 requested;write g/e/d 0.1->2.5 confirmed;write g/e/i8 5->2 requested;"
                             "write g/e/i8 5->2 unknown (host was killed);");
    bench_close(&b);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(newer_data_with_the_value_confirms),
        PT_TEST(another_value_deviates_unless_a_better_one_follows_within_a_second),
        PT_TEST(silence_times_out_and_says_that_nothing_is_known),
        PT_TEST(the_value_that_stands_there_is_confirmed_as_unchanged_after_a_second_unless_another_write_is_open),
        PT_TEST(expected_is_compared_as_a_value),
        PT_TEST(one_idempotency_key_sends_once_also_when_asked_at_the_same_time),
        PT_TEST(every_request_and_every_outcome_is_an_event_an_audit_row_and_told_live),
        PT_TEST(whoever_asked_hears_the_outcome_once_and_of_a_refusal_at_once),
        PT_TEST(more_than_may_wait_for_one_write_are_refused),
        PT_TEST(a_stop_ends_every_open_write_as_unknown_and_takes_no_more),
        PT_TEST(what_a_killed_host_left_open_is_closed_in_the_audit_once),
    };
    return pt_test_main("host/writes", tests, PT_COUNT_OF(tests), argc, argv);
}
