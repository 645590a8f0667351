/* host/query/events.c: oldest first without a bound, newest first with one. */
#include "tests/host/asked.h"

#include <stdio.h>

static void events_are_filtered_and_ordered(void)
{
    static const struct {
        hist_event_filter f;
        const char *csv;
    } rows[] = {
        { { .to_ms = 9999 },
          "1,1970-01-01T00:00:01.000Z,nbirth,g/e,,,\n2,1970-01-01T00:00:02.000Z,write,,,a/b,\n3,1970-01-01T00:00:03.000Z,config-reload,,,,\n" },
        { { .to_ms = 9999, .newest_first = true, .limit = 2 },
          "3,1970-01-01T00:00:03.000Z,config-reload,,,,\n2,1970-01-01T00:00:02.000Z,write,,,a/b,\n" },
        { { .to_ms = 9999, .limit = 1, .after_seq = 1 }, "2,1970-01-01T00:00:02.000Z,write,,,a/b,\n" },
        { { .from_ms = 1500, .to_ms = 2500, .types = { "write,nbirth", 12 } }, "2,1970-01-01T00:00:02.000Z,write,,,a/b,\n" },
        { { .to_ms = 9999, .node = { "g/e", 3 } }, "1,1970-01-01T00:00:01.000Z,nbirth,g/e,,,\n" },
        { { .to_ms = 9999, .path = { "nowhere", 7 } }, "" },
    };
    asked r;
    asked_open(&r, false);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        const char *got = asked_events(&r, &query_everything, &rows[i].f, QUERY_CSV), *head = "seq,time,type,node,device,path,detail\n";
        CHECK_FATAL(strncmp(got, head, strlen(head)) == 0);
        CHECK_TEXT(got + strlen(head), rows[i].csv);
    }
    CHECK_TEXT(asked_events(&r, &query_everything, &(hist_event_filter){ .to_ms = 1 }, QUERY_JSON), "[]");
    CHECK_TEXT(asked_events(&r, &query_everything, &(hist_event_filter){ .to_ms = 1500 }, QUERY_JSON),
               "[{\"seq\":1,\"time_ms\":1000,\"type\":\"nbirth\",\"node\":\"g/e\",\"device\":null,\"path\":null,\"detail\":{}}]");
    asked_close(&r);
}

static void more_events_than_a_page_come_whole(void)
{
    enum { N = 7001 };
    asked r;
    unsigned steps = 0;
    asked_open(&r, false);
    for (int i = 0; i < N; i++) {
        const hist_event e = { .time_ms = 100000 + i, .type = PT_LIT("write"), .path = PT_LIT("a/s") };
        CHECK_OK_FATAL(hist_event_append(r.history, &e));
    }
    asked_flush(&r);
    query_run *run = NULL;
    pt_error err = { 0, "" };
    const hist_event_filter f = { .from_ms = 100000, .to_ms = INT64_MAX };
    pt_status st = query_events_open(&r.src, &query_everything, &f, query_sink_new(QUERY_LINES, false), &run, &err);
    const char *got = asked_run(st, run, &err, &steps);
    size_t lines = 0;
    for (const char *p = got; *p; p++)
        lines += *p == '\n';
    CHECK(lines == N && steps >= 4);
    asked_close(&r);
}

/* A bound counts what may be seen, not what was looked at. */
static void a_limit_counts_what_is_seen(void)
{
    static const pt_slice globs[] = { { "a/**", 4 } };
    const query_scope mine = { .paths = globs, .n_paths = 1 };
    asked r;
    asked_open(&r, true);
    const hist_event_filter f = { .to_ms = INT64_MAX, .newest_first = true, .limit = 2 };
    CHECK_TEXT(
        asked_events(&r, &mine, &f, QUERY_CSV),
        "seq,time,type,node,device,path,detail\n2,1970-01-01T00:00:02.000Z,write,,,a/b,\n1,1970-01-01T00:00:01.000Z,nbirth,g/e,,,\n");
    asked_close(&r);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(events_are_filtered_and_ordered),
        PT_TEST(more_events_than_a_page_come_whole),
        PT_TEST(a_limit_counts_what_is_seen),
    };
    return pt_test_main("host/events", tests, PT_COUNT_OF(tests), argc, argv);
}
