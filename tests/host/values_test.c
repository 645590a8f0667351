/* host/query/values.c: current values by path, pattern and id. */
#include "tests/host/asked.h"

#include <stdio.h>

static void values_come_in_the_order_asked_for_and_unknown_ones_are_left_out(void)
{
    static const pt_slice some[] = { { "a/s", 3 }, { "nowhere", 7 }, { "a/deep/*", 8 }, { "", 0 } };
    asked r;
    asked_open(&r, false);
    CHECK_TEXT(asked_values(&r, &query_everything, &(query_values){ .paths = some, .n_paths = 4 }, QUERY_CSV),
               "path,value,unit,quality,time,stale_since,type\na/s,on,,GOOD,1970-01-01T00:00:04.000Z,,String\n"
               "a/deep/c,7,,BAD,1970-01-01T00:00:03.000Z,,Int32\n");
    CHECK_TEXT(
        asked_values(&r, &query_everything, &(query_values){ .tag_id = 1 }, QUERY_JSON),
        "[{\"path\":\"a/b\",\"tag_id\":1,\"value\":9.5,\"type\":\"Double\",\"unit\":\"m\",\"quality\":\"GOOD\",\"timestamp_ms\":10000,"
        "\"stale_since_ms\":null,\"writable\":false}]");
    CHECK(strstr(asked_values(&r, &query_everything, &(query_values){ .paths = some, .n_paths = 1, .full = true }, QUERY_LINES),
                 "\"source\":{\"group\":\"g\",\"edge\":\"e\",\"device\":\"d\",\"metric\":\"s\"}}\n") != NULL);
    asked_close(&r);
}

static void a_tag_asked_for_by_itself_must_be_there(void)
{
    static const pt_slice no[] = { { "a/*", 3 } }; /* no glob, when everything of one tag is asked */
    asked r;
    asked_open(&r, false);
    CHECK(strstr(asked_values(&r, &query_everything, &(query_values){ .tag_id = 77 }, QUERY_JSON), "there is no such tag") != NULL);
    CHECK(strstr(asked_values(&r, &query_everything, &(query_values){ .paths = no, .n_paths = 1, .full = true }, QUERY_JSON),
                 "there is no such tag") != NULL);
    r.src.tree = NULL;
    CHECK(strstr(asked_values(&r, &query_everything, &(query_values){ .tag_id = 1 }, QUERY_JSON), "a running host's") != NULL);
    asked_close(&r);
}

/* No bound hides any of them. */
static void all_values_of_many_come(void)
{
    enum { N = 12000 };
    static const pt_slice many[] = { { "many/**", 7 } };
    asked r;
    char path[40], metric[20];
    unsigned steps = 0;
    asked_open(&r, false);
    for (int i = 0; i < N; i++) {
        snprintf(metric, sizeof metric, "m%d", i);
        snprintf(path, sizeof path, "many/%d/m%d", i / 100, i);
        (void)asked_tag(&r, "e", metric, path, SPB_DOUBLE, "");
    }
    query_run *run = NULL;
    pt_error err = { 0, "" };
    const query_values q = { .paths = many, .n_paths = 1 };
    pt_status st = query_values_open(&r.src, &query_everything, &q, query_sink_new(QUERY_LINES, false), &run, &err);
    const char *got = asked_run(st, run, &err, &steps);
    size_t lines = 0;
    for (const char *p = got; *p; p++)
        lines += *p == '\n';
    CHECK(lines == N && steps > 10);
    asked_close(&r);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(values_come_in_the_order_asked_for_and_unknown_ones_are_left_out),
        PT_TEST(a_tag_asked_for_by_itself_must_be_there),
        PT_TEST(all_values_of_many_come),
    };
    return pt_test_main("host/values", tests, PT_COUNT_OF(tests), argc, argv);
}
