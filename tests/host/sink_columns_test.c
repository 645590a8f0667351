/* host/query/sink_columns.c: a series as columns, the first as it comes, the rest behind it. */
#include "host/query/sink.h"
#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>

static const query_series series = { .path = { "a", 1 }, .tag_id = 7, .type = SPB_DOUBLE };

static hist_sample at(int64_t ms, double v)
{
    return (hist_sample){ .time_ms = ms, .type = SPB_DOUBLE, .quality = SPB_GOOD, .as.f64 = v };
}

/* All that comes after the last row. */
static void end(query_sink *s, pt_buf *out, const query_series_end *e)
{
    pt_error err = { 0, "" };
    pt_status st = PT_OK;
    while (st == PT_OK)
        st = query_sink_series_end(s, out, e, &err);
    CHECK_STATUS(st, PT_ECLOSED);
    query_sink_end(s, out);
}

static void an_empty_series_has_empty_columns(void)
{
    query_sink *s = query_sink_new(QUERY_JSON, false);
    pt_buf out;
    pt_error err = { 0, "" };
    pt_buf_init(&out, 4096);
    query_sink_begin(s, &out, QUERY_OF_SAMPLES, 1, 2, NULL, 0);
    CHECK_OK(query_sink_series(s, &out, &series, &err));
    end(s, &out, &(query_series_end){ .reduced = "raw", .damaged = 2 });
    CHECK_STR(pt_buf_view(&out),
              "{\"from_ms\":1,\"to_ms\":2,\"series\":[{\"path\":\"a\",\"tag_id\":7,\"unit\":null,\"type\":\"Double\",\"t\":[],\"v\":[],"
              "\"q\":\"\",\"raw_count\":0,\"reduced\":\"raw\",\"breaks\":[],\"damaged\":2}]}");
    pt_buf_fini(&out);
    query_sink_free(s);
}

static void what_the_columns_leave_open_and_states_stand_behind_them(void)
{
    query_sink *s = query_sink_new(QUERY_JSON, false);
    pt_buf out;
    pt_error err = { 0, "" };
    const hist_sample rows[] = {
        at(1, 0.5),
        { .time_ms = 2, .type = SPB_INT32, .quality = SPB_BAD, .flags = HIST_HISTORICAL, .as.i64 = 3 },
        { .time_ms = 3, .flags = HIST_STATE, .quality = SPB_STALE },
        { .time_ms = 4, .flags = HIST_STATE, .quality = SPB_GOOD },
        { .time_ms = 5, .flags = HIST_STATE, .quality = SPB_STALE },
    };
    pt_buf_init(&out, 4096);
    query_sink_begin(s, &out, QUERY_OF_SAMPLES, 0, 9, NULL, 0);
    CHECK_OK(query_sink_series(s, &out, &series, &err));
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++)
        CHECK_OK(query_sink_sample(s, &out, &rows[i], &err));
    CHECK_INT(query_sink_rows(s), 2);
    end(s, &out, &(query_series_end){ .reduced = "minmax", .raw_count = 9 });
    CHECK(strstr(out.ptr, "\"t\":[1,2],\"v\":[0.5,3],\"q\":\"GB\",\"raw_count\":9,\"reduced\":\"minmax\",\"breaks\":[3,5],"
                          "\"types\":[[1,\"Int32\"]],\"flags\":[[1,\"H\"]]}]}") != NULL);
    pt_buf_fini(&out);
    query_sink_free(s);
}

static void buckets_are_a_column_each(void)
{
    static const char *const columns[] = { "count", "max", "last" };
    const query_number rows[][3] = { { { QUERY_U64, { .u64 = 2 } }, { QUERY_F64, { .f64 = 0.1 } }, { QUERY_F32, { .f64 = (double)0.1f } } },
                                     { { QUERY_U64, { .u64 = 0 } }, { QUERY_NO_NUMBER, { 0 } }, { QUERY_NO_NUMBER, { 0 } } } };
    static const struct {
        query_series s;
        const char *says;
    } heads[] = { { { .path = { "a", 1 }, .interval_ms = 60000 }, ",\"interval_ms\":60000,\"t\":[0,1]" },
                  { { .path = { "a", 1 }, .interval = { "1d", 2 }, .zone = { "UTC", 3 } },
                    ",\"interval\":\"1d\",\"tz\":\"UTC\",\"t\":[0,1]" } };
    for (size_t k = 0; k < PT_COUNT_OF(heads); k++) {
        query_sink *s = query_sink_new(QUERY_JSON, false);
        pt_buf out;
        pt_error err = { 0, "" };
        pt_buf_init(&out, 4096);
        query_sink_begin(s, &out, QUERY_OF_BUCKETS, 0, 9, columns, 3);
        for (int twice = 0; twice < 2; twice++) {
            CHECK_OK(query_sink_series(s, &out, &heads[k].s, &err));
            for (size_t i = 0; i < 2; i++)
                CHECK_OK(query_sink_bucket(s, &out, (int64_t)i, rows[i], &err));
            pt_status st = PT_OK;
            while (st == PT_OK)
                st = query_sink_series_end(s, &out, &(query_series_end){ .reduced = NULL }, &err);
        }
        query_sink_end(s, &out);
        const char *tail = ",\"count\":[2,0],\"max\":[0.1,null],\"last\":[0.1,null]}";
        const char *first = strstr(out.ptr, heads[k].says);
        CHECK(first && strncmp(first + strlen(heads[k].says), tail, strlen(tail)) == 0 &&
              first[strlen(heads[k].says) + strlen(tail)] == ',');
        CHECK(first && strstr(first + 1, heads[k].says) != NULL);
        pt_buf_fini(&out);
        query_sink_free(s);
    }
}

/* A caller whose step is one long walk: times wait like the other columns, and the answer is the same. */
static void many_rows_at_once_are_the_same_as_a_few_at_a_time(void)
{
    enum { N = 100000 };
    pt_buf answers[2];
    setenv("TMPDIR", pt_test_dir(), 1);
    for (int few = 0; few < 2; few++) {
        query_sink *s = query_sink_new(QUERY_JSON, false);
        pt_buf step;
        pt_error err = { 0, "" };
        pt_buf_init(&answers[few], 64u << 20);
        pt_buf_init(&step, 8u << 20);
        query_sink_begin(s, &step, QUERY_OF_SAMPLES, 0, 9, NULL, 0);
        CHECK_OK(query_sink_series(s, &step, &series, &err));
        for (int i = 0; i < N; i++) {
            hist_sample h = at(1700000000000 + i, i % 7 / 10.0);
            CHECK_OK_FATAL(query_sink_sample(s, &step, &h, &err));
            if (few && i % 1000 == 999) {
                pt_buf_slice(&answers[few], pt_buf_view(&step));
                pt_buf_reset(&step);
            }
        }
        CHECK(step.len < 400000);
        end(s, &step, &(query_series_end){ .reduced = "raw", .raw_count = N });
        pt_buf_slice(&answers[few], pt_buf_view(&step));
        pt_buf_fini(&step);
        query_sink_free(s);
    }
    CHECK(answers[0].len > 15 * N && pt_slice_eq(pt_buf_view(&answers[0]), pt_buf_view(&answers[1])));
    pt_buf_fini(&answers[0]);
    pt_buf_fini(&answers[1]);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(an_empty_series_has_empty_columns),
        PT_TEST(what_the_columns_leave_open_and_states_stand_behind_them),
        PT_TEST(buckets_are_a_column_each),
        PT_TEST(many_rows_at_once_are_the_same_as_a_few_at_a_time),
    };
    return pt_test_main("host/sink_columns", tests, PT_COUNT_OF(tests), argc, argv);
}
