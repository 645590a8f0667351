/* host/query/sink_rows.c: rows as CSV that can be imported again, and as JSON Lines. */
#include "host/query/sink.h"
#include "tests/support/check.h"

static const query_series series = { .path = { "a, \"b\"", 6 }, .tag_id = 7, .type = SPB_DOUBLE };

static void check(query_format f, const hist_sample *rows, size_t n, const char *want)
{
    query_sink *s = query_sink_new(f, false);
    pt_buf out;
    pt_error err = { 0, "" };
    pt_buf_init(&out, 1u << 20);
    query_sink_begin(s, &out, QUERY_OF_SAMPLES, 0, 9, NULL, 0);
    CHECK_OK(query_sink_series(s, &out, &series, &err));
    for (size_t i = 0; i < n; i++)
        CHECK_OK(query_sink_sample(s, &out, &rows[i], &err));
    CHECK_STATUS(query_sink_series_end(s, &out, &(query_series_end){ .reduced = "raw" }, &err), PT_ECLOSED);
    query_sink_end(s, &out);
    CHECK_STR(pt_buf_view(&out), want);
    pt_buf_fini(&out);
    query_sink_free(s);
}

static void samples_are_quoted_where_they_must_be(void)
{
    const hist_sample rows[] = {
        { .time_ms = 1763848992123, .type = SPB_DOUBLE, .quality = SPB_GOOD, .as.f64 = 1.5 },
        { .time_ms = 0, .type = SPB_STRING, .quality = SPB_UNCERTAIN, .as.ptr = "x\ny,\"", .len = 5 },
        { .time_ms = -1, .type = SPB_DOUBLE, .quality = SPB_BAD, .flags = HIST_NULL | HIST_HISTORICAL },
        { .time_ms = 1, .type = SPB_DOUBLE, .quality = SPB_GOOD, .as.u64 = 0xfff8000000000000u },
        { .time_ms = 2, .flags = HIST_STATE, .quality = SPB_STALE },
        { .time_ms = 3, .type = SPB_UINT64, .quality = SPB_GOOD, .as.u64 = UINT64_MAX },
    };
    check(
        QUERY_CSV, rows, PT_COUNT_OF(rows),
        "time,path,value,quality,type,flags,base64\n2025-11-22T22:03:12.123Z,\"a, \"\"b\"\"\",1.5,GOOD,Double,,\n"
        "1970-01-01T00:00:00.000Z,\"a, \"\"b\"\"\",\"x\ny,\"\"\",UNCERTAIN,String,,\n1969-12-31T23:59:59.999Z,\"a, \"\"b\"\"\",,BAD,Double,NH,\n"
        "1970-01-01T00:00:00.001Z,\"a, \"\"b\"\"\",NaN,GOOD,Double,,AAAAAAAA+P8=\n"
        "1970-01-01T00:00:00.003Z,\"a, \"\"b\"\"\",18446744073709551615,GOOD,UInt64,,\n");
    check(
        QUERY_LINES, rows + 2, 2,
        "{\"time\":\"1969-12-31T23:59:59.999Z\",\"path\":\"a, \\\"b\\\"\",\"tag_id\":7,\"type\":\"Double\",\"value\":null,\"quality\":\"BAD\",\"flags\":\"NH\"}\n"
        "{\"time\":\"1970-01-01T00:00:00.001Z\",\"path\":\"a, \\\"b\\\"\",\"tag_id\":7,\"type\":\"Double\",\"value\":\"NaN\",\"base64\":\"AAAAAAAA+P8=\",\"quality\":\"GOOD\",\"flags\":\"\"}\n");
}

static void buckets_and_states_are_rows_too(void)
{
    static const char *const columns[] = { "count", "avg" };
    const query_number row[] = { { QUERY_U64, { .u64 = 3 } }, { QUERY_NO_NUMBER, { 0 } } };
    const hist_sample on = { .type = SPB_STRING, .as.ptr = "on", .len = 2 };
    static const struct {
        query_format f;
        const char *bucket, *state;
    } want[] = {
        { QUERY_CSV, "time,path,count,avg\n1970-01-01T00:00:00.005Z,\"a, \"\"b\"\"\",3,\n",
          "path,value,duration_ms,times\n\"a, \"\"b\"\"\",on,9,2\n\"a, \"\"b\"\"\",,1,1\n" },
        { QUERY_LINES, "{\"time\":\"1970-01-01T00:00:00.005Z\",\"path\":\"a, \\\"b\\\"\",\"tag_id\":7,\"count\":3,\"avg\":null}\n",
          "{\"path\":\"a, \\\"b\\\"\",\"tag_id\":7,\"value\":\"on\",\"duration_ms\":9,\"times\":2}\n{\"path\":\"a, \\\"b\\\"\",\"tag_id\":7,\"value\":null,\"duration_ms\":1,\"times\":1}\n" }
    };
    for (size_t i = 0; i < PT_COUNT_OF(want); i++) {
        for (int states = 0; states < 2; states++) {
            query_sink *s = query_sink_new(want[i].f, false);
            pt_buf out;
            pt_error err = { 0, "" };
            pt_buf_init(&out, 4096);
            query_sink_begin(s, &out, states ? QUERY_OF_STATES : QUERY_OF_BUCKETS, 0, 9, columns, 2);
            CHECK_OK(query_sink_series(s, &out, &series, &err));
            if (states) {
                CHECK_OK(query_sink_state(s, &out, &on, 9, 2, &err));
                CHECK_OK(query_sink_state(s, &out, NULL, 1, 1, &err));
            } else {
                CHECK_OK(query_sink_bucket(s, &out, 5, row, &err));
            }
            CHECK_STR(pt_buf_view(&out), states ? want[i].state : want[i].bucket);
            pt_buf_fini(&out);
            query_sink_free(s);
        }
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(samples_are_quoted_where_they_must_be),
        PT_TEST(buckets_and_states_are_rows_too),
    };
    return pt_test_main("host/sink_rows", tests, PT_COUNT_OF(tests), argc, argv);
}
