/* host/http/api_history.c: samples, aggregates and events of the past. */
#include "historian/files/pages.h"
#include "tests/base/client.h"
#include "tests/host/stage.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <glob.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static stage st;

/* g/e1/a: 1 at 1000 ... 5 at 5000, then stale; s: text. */
static void start(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    stage_play(
        &st, "samples",
        "NBIRTH g/$ | ts=1000 seq=0 bd=7 a:9=f1@1000;engUnit:12=sbar s:12=sx@1000 big:4=l9007199254740993@1000\n"
        "NDATA g/$ | ts=2000 seq=1 a=f2@2000\nNDATA g/$ | ts=3000 seq=2 a=f3@3000\nNDATA g/$ | ts=4000 seq=3 a=-@4000!n\nNDATA g/$ | ts=5000 seq=4 a=f5.5@5000\n"
        "history g/$/a = [1,2,3,null,5.5]");
}

static bool series_is(const char *target, const char *column, const char *want)
{
    json_t *h = stage_json(&st, target);
    char *got = json_dumps(json_object_get(json_array_get(json_object_get(h, "series"), 0), column),
                           JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));
    bool same = got && strcmp(got, want) == 0;
    pt_check_at(same, false, target, 0, "%s is %s, not %s", column, got ? got : "(none)", want);
    free(got);
    json_decref(h);
    return same;
}

static void a_series_is_columns_of_times_values_and_qualities(void)
{
    start();
    json_t *h = stage_json(&st, "/api/v1/history?path=g/e1/a&from=0&to=10000");
    CHECK_STR(pt_cstr(stage_keys(h)), "from_ms to_ms series");
    CHECK_INT(json_integer_value(json_object_get(h, "to_ms")), 10000);
    const json_t *s = json_array_get(json_object_get(h, "series"), 0);
    CHECK_STR(pt_cstr(stage_keys(s)), "path tag_id unit type t v q raw_count reduced breaks");
    CHECK_STR(pt_cstr(json_string_value(json_object_get(s, "unit"))), "bar");
    CHECK_STR(pt_cstr(json_string_value(json_object_get(s, "q"))), "GGGGG");
    CHECK_STR(pt_cstr(json_string_value(json_object_get(s, "reduced"))), "raw");
    CHECK_INT(json_integer_value(json_object_get(s, "raw_count")), 5);
    char by_id[120];
    snprintf(by_id, sizeof by_id, "/api/v1/history?tag_id=%lld&from=0&to=10000",
             (long long)json_integer_value(json_object_get(s, "tag_id")));
    json_t *same = stage_json(&st, by_id);
    CHECK(json_equal(h, same));
    json_decref(same);
    json_decref(h);
    series_is("/api/v1/history?path=g/e1/a&from=2000&to=4000", "t", "[2000,3000]"); /* [from, to) */
    series_is("/api/v1/history?path=g/e1/a&from=1970-01-01T00:00:02Z&to=1970-01-01T00:00:03Z", "v", "[2]");
    series_is("/api/v1/history?path=g/e1/a&from=6000&to=7000", "t", "[]");
    series_is("/api/v1/history?path=g/e1/a&from=5000&to=5000", "t", "[]");
    series_is("/api/v1/history?path=g/e1/a", "t", "[]"); /* the last hour */
    series_is("/api/v1/history?path=g/e1/s&from=0&to=9999", "v", "[\"x\"]");
    series_is("/api/v1/history?path=g/e1/big&from=0&to=9999", "v", "[9007199254740993]");
    series_is("/api/v1/history?path=g/e1/big&from=0&to=9999&int64=string", "v", "[\"9007199254740993\"]");
    stage_close(&st);
}

/* Lists of [index, text], there only where they say something. */
static void what_the_columns_leave_open_stands_beside_them(void)
{
    static const hist_tag_key key = { { "spb", 3 }, { "g", 1 }, { "e", 1 }, { "d", 1 }, { "odd", 3 } };
    hist_sample some[] = { { .time_ms = 1, .type = SPB_INT32, .as.i64 = 7 },
                           { .time_ms = 2, .type = SPB_DOUBLE, .as.u64 = 0xfff8000000000000u },
                           { .time_ms = 3, .type = SPB_DOUBLE, .as.f64 = 7, .flags = HIST_HISTORICAL },
                           { .time_ms = 4, .type = SPB_DOUBLE, .flags = HIST_NULL | HIST_HISTORICAL },
                           { .time_ms = 5, .type = SPB_STRING, .as.ptr = "\xff", .len = 1 },
                           { .time_ms = 6, .type = SPB_TEMPLATE, .as.ptr = "none", .len = 4 } };
    uint32_t id = 0;
    start();
    CHECK_OK_FATAL(hist_tag_ensure(st.app.history, &key, PT_LIT("odd"), SPB_INT32, PT_LIT(""), &id));
    for (size_t i = 0; i < PT_COUNT_OF(some); i++)
        some[i].tag_id = id;
    CHECK_OK_FATAL(hist_append(st.app.history, some, PT_COUNT_OF(some)));
    CHECK_OK_FATAL(hist_flush(st.app.history, 10000, NULL));
    series_is("/api/v1/history?path=odd&from=0&to=9", "v", "[7,\"NaN\",7,null,\"\xef\xbf\xbd\",null]");
    series_is("/api/v1/history?path=odd&from=0&to=9", "types", "[[1,\"Double\"],[4,\"String\"],[5,\"Template\"]]");
    series_is("/api/v1/history?path=odd&from=0&to=9", "flags", "[[2,\"H\"],[4,\"\"]]");
    series_is("/api/v1/history?path=odd&from=0&to=9", "base64", "[[1,\"AAAAAAAA+P8=\"],[4,\"/w==\"],[5,\"bm9uZQ==\"]]");
    series_is("/api/v1/history?path=odd&from=2&to=9&max_points=100", "types", "[[0,\"Double\"],[3,\"String\"],[4,\"Template\"]]");
    json_t *h = stage_json(&st, "/api/v1/history?path=odd&from=0&to=2");
    CHECK_STR(pt_cstr(stage_keys(json_array_get(json_object_get(h, "series"), 0))), "path tag_id unit type t v q raw_count reduced breaks");
    json_decref(h);
    stage_close(&st);
}

static void many_points_are_reduced_to_as_many_as_asked_for(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    char words[200];
    stage_publish(&st, "spBv1.0/g/NBIRTH/e1", "ts=1000 seq=0 bd=7 a:10=d0@1000");
    for (int i = 1; i <= 20; i++) {
        size_t n = (size_t)snprintf(words, sizeof words, "ts=%d seq=%d", 1000 + i * 10, i);
        for (int k = 0; k < 5; k++)
            n += (size_t)snprintf(words + n, sizeof words - n, " a=d%d@%d", i == 10 && k == 2 ? 99 : i, 1000 + i * 10 + k);
        stage_publish(&st, "spBv1.0/g/NDATA/e1", words);
    }
    stage_play(&st, "all there", "value g/e1/a = 20 GOOD");
    json_t *h = NULL;
    for (int64_t until = pt_test_now_ms() + 5000; pt_test_now_ms() < until; json_decref(h), h = NULL) {
        h = stage_json(&st, "/api/v1/history?path=g/e1/a&from=0&to=10000&max_points=20");
        if (json_integer_value(json_object_get(json_array_get(json_object_get(h, "series"), 0), "raw_count")) == 101) break;
    }
    CHECK_FATAL(h != NULL);
    const json_t *s = json_array_get(json_object_get(h, "series"), 0), *v = json_object_get(s, "v");
    CHECK_STR(pt_cstr(json_string_value(json_object_get(s, "reduced"))), "minmax");
    CHECK(json_array_size(v) > 0 && json_array_size(v) <= 20);
    CHECK(json_array_size(v) == json_array_size(json_object_get(s, "t")) &&
          json_array_size(v) == strlen(json_string_value(json_object_get(s, "q"))));
    bool peak = false;
    for (size_t i = 0; i < json_array_size(v); i++)
        peak = peak || (int)json_number_value(json_array_get(v, i)) == 99;
    CHECK(peak); /* what stands out is kept */
    series_is("/api/v1/history?path=g/e1/a&from=0&to=10000&max_points=20&reduce=lttb", "reduced", "\"lttb\"");
    json_decref(h);
    stage_close(&st);
}

static void going_stale_is_a_break_of_the_line_and_no_sample(void)
{
    start();
    stage_play(&st, "death", "NDEATH g/e1 | bd=7\nvalue g/e1/a = 5.5 STALE");
    json_t *h = NULL;
    for (int64_t until = pt_test_now_ms() + 5000; pt_test_now_ms() < until; json_decref(h), h = NULL) {
        h = stage_json(&st, "/api/v1/history?path=g/e1/a&from=0&to=now%2B1h");
        if (json_array_size(json_object_get(json_array_get(json_object_get(h, "series"), 0), "breaks")) == 1) break;
    }
    CHECK_FATAL(h != NULL);
    const json_t *s = json_array_get(json_object_get(h, "series"), 0);
    CHECK_INT(json_array_size(json_object_get(s, "v")), 5);
    CHECK_STR(pt_cstr(json_string_value(json_object_get(s, "q"))), "GGGGG");
    json_decref(h);
    stage_close(&st);
}

static void a_question_that_cannot_be_answered_names_its_parameter(void)
{
    start();
    static const stage_question rows[] = {
        { "GET", "/api/v1/history", NULL, 400, { "path or tag_id is missing" }, NULL },
        { "GET", "/api/v1/history?path=", NULL, 400, { "path or tag_id is missing" }, NULL },
        { "GET", "/api/v1/history?path=g/e1/no", NULL, 404, { "there is no tag g/e1/no" }, NULL },
        { "GET", "/api/v1/history?tag_id=4000000", NULL, 404, { "there is no tag" }, NULL },
        { "GET", "/api/v1/history?tag_id=4294967296", NULL, 400, { "tag_id must be a whole number up to 4294967295" }, NULL },
        { "GET", "/api/v1/history?tag_id=-1", NULL, 400, { "tag_id" }, NULL },
        { "GET", "/api/v1/history?path=g/e1/a&from=5&to=4", NULL, 400, { "from lies behind to" }, NULL },
        { "GET", "/api/v1/history?path=g/e1/a&from=yesterday", NULL, 400, { "from: 'yesterday' is no time" }, NULL },
        { "GET", "/api/v1/history?path=g/e1/a&to=99999999999999999999", NULL, 400, { "to: " }, NULL },
        { "GET", "/api/v1/history?path=g/e1/a&from=-9223372036854775808", NULL, 400, { "from: " }, NULL },
        { "GET", "/api/v1/history?path=g/e1/a&max_points=1000001", NULL, 400, { "max_points must be a whole number up to 1000000" }, NULL },
        { "GET", "/api/v1/history?path=g/e1/a&max_points=many", NULL, 400, { "max_points" }, NULL },
        { "GET", "/api/v1/history?path=g/e1/a&int64=x", NULL, 400, { "int64" }, NULL },
        { "GET", "/api/v1/history?path=g/e1/a&interval=1s", NULL, 400, { "'interval'" }, NULL },
        { "GET", "/api/v1/aggregate?path=g/e1/a&interval=soon", NULL, 400, { "interval: " }, NULL },
        { "GET", "/api/v1/aggregate?path=g/e1/a&interval=-5s", NULL, 400, { "interval: " }, NULL },
        { "GET",
          "/api/v1/aggregate?path=g/e1/a&fn=min,median",
          NULL,
          400,
          { "fn: 'median' is not one of count, good, numbers, min" },
          NULL },
        { "GET", "/api/v1/aggregate?path=g/e1/a&from=0&to=now&interval=1ms", NULL, 400, { "more than 1000000 intervals" }, NULL },
        { "GET", "/api/v1/aggregate?path=g/e1/a&max_points=1000001", NULL, 400, { "max_points" }, NULL },
        { "GET", "/api/v1/history?path=g/e1/a&max_points=10&reduce=best", NULL, 400, { "reduce must be minmax or lttb" }, NULL },
        { "GET", "/api/v1/durations?path=no", NULL, 404, { "there is no tag no" }, NULL },
        { "GET", "/api/v1/aggregate?interval=1s", NULL, 400, { "path or tag_id is missing" }, NULL },
        { "GET", "/api/v1/aggregate?path=no", NULL, 404, { "there is no tag no" }, NULL },
        { "GET", "/api/v1/events?limit=100001&order=newest", NULL, 400, { "limit must be a whole number from 1 to 100000" }, NULL },
        { "GET", "/api/v1/events?after=x", NULL, 400, { "after" }, NULL },
        { "GET", "/api/v1/events?from=x", NULL, 400, { "from: " }, NULL },
        { "GET", "/api/v1/events?order=random", NULL, 400, { "order must be oldest or newest" }, NULL },
    };
    stage_answers(&st, rows, PT_COUNT_OF(rows));
    stage_close(&st);
}

/* Repeated paths, patterns, exclusions, a list in the body: a series each, in the order asked for. What is not taken is refused. */
static void several_series_are_one_question(void)
{
    start();
#define RANGE "from=0&to=99999"
    static const struct {
        const char *method, *target, *body, *paths;
    } rows[] = {
        { "GET", "/api/v1/history?path=g/e1/s&path=g/e1/a&" RANGE, NULL, "g/e1/s g/e1/a " },
        { "GET", "/api/v1/history?path=g/e1/*&" RANGE, NULL, "g/e1/a g/e1/big g/e1/s " },
        { "GET", "/api/v1/history?path=**&path=!g/e1/s&" RANGE, NULL, "g/e1/a g/e1/big " },
        { "GET", "/api/v1/history?path=g/e1/s&path=g/**&" RANGE, NULL, "g/e1/s g/e1/a g/e1/big " },
        { "POST", "/api/v1/history?" RANGE, "{\"paths\":[\"g/e1/big\",\"g/e1/a\"]}", "g/e1/big g/e1/a " },
        { "POST", "/api/v1/aggregate?interval=1m&" RANGE, "{\"paths\":[\"g/*/a\"]}", "g/e1/a " },
        { "GET", "/api/v1/durations?path=g/e1/s&path=g/e1/a&" RANGE, NULL, "g/e1/s g/e1/a " },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        answer a = client_ask(st.app.http_port, (ask){ .method = rows[i].method, .target = rows[i].target, .body = rows[i].body });
        json_t *h = json_loadb(a.body.ptr, a.body.len, 0, NULL);
        char paths[200] = "";
        size_t k;
        const json_t *series;
        json_array_foreach(json_object_get(h, "series"), k, series)
        {
            strcat(strcat(paths, json_string_value(json_object_get(series, "path"))), " ");
        }
        CHECK_ROW(rows[i].target, a.status == 200);
        pt_check_at(strcmp(paths, rows[i].paths) == 0, false, rows[i].target, 0, "'%s', not '%s'", paths, rows[i].paths);
        json_decref(h);
        client_release(&a);
    }
    static const stage_question refused[] = {
        { "GET", "/api/v1/history?path=g/e1/a&from=0&from=1", NULL, 400, { "given twice: query parameter 'from'" }, NULL },
        { "GET", "/api/v1/history?path=g/nothing/*", NULL, 404, { "'g/nothing/*' selects no tag" }, NULL },
        { "POST", "/api/v1/history", "{\"paths\":[]}", 400, { "with 1 to 10000 paths" }, NULL },
        { "POST", "/api/v1/history", "{\"paths\":[\"g/e1/a\"],\"from\":0}", 400, { "the body must be" }, NULL },
        { "GET", "/api/v1/history?path=g/e1/a&format=xml", NULL, 400, { "format must be json, jsonl or csv" }, NULL },
    };
    stage_answers(&st, refused, PT_COUNT_OF(refused));
    stage_close(&st);
#undef RANGE
}

static void the_same_rows_come_as_csv_and_as_lines(void)
{
    start();
    static const stage_question rows[] = {
        { "GET",
          "/api/v1/history?path=g/e1/a&from=4000&to=9999&format=csv",
          NULL,
          200,
          { "time,path,value,quality,type,flags,base64\n1970-01-01T00:00:04.000Z,g/e1/a,,GOOD,Float,N,\n1970-01-01T00:00:05.000Z,g/e1/a,5.5,GOOD,Float,,\n" },
          NULL },
        { "GET",
          "/api/v1/history?path=g/e1/a&from=5000&to=9999&format=jsonl",
          NULL,
          200,
          { "{\"time\":\"1970-01-01T00:00:05.000Z\",\"path\":\"g/e1/a\",\"tag_id\":",
            "\"value\":5.5,\"quality\":\"GOOD\",\"flags\":\"\"}\n" },
          NULL },
        { "GET",
          "/api/v1/aggregate?path=g/e1/a&from=0&to=6000&interval=3s&fn=max&format=csv",
          NULL,
          200,
          { "time,path,max\n", "03.000Z,g/e1/a,5.5\n" },
          NULL },
        { "GET",
          "/api/v1/durations?path=g/e1/s&from=0&to=6000&format=csv",
          NULL,
          200,
          { "path,value,duration_ms,times\n", "g/e1/s,x,5000,1\n" },
          NULL },
        { "GET",
          "/api/v1/events?type=nbirth&format=csv",
          NULL,
          200,
          { "seq,time,type,node,device,path,detail\n", ",nbirth,g/e1,,,\"{\"\"bd_seq\"\":7," },
          NULL },
        { "GET",
          "/api/v1/values?paths=g/e1/a&format=csv",
          NULL,
          200,
          { "path,value,unit,quality,time,stale_since,type\ng/e1/a,5.5,bar,GOOD,1970" },
          NULL },
        { "GET",
          "/api/v1/tree?path=g/e1&format=csv",
          NULL,
          200,
          { "path,name,kind,class,state,children,tag_id\ng/e1/a,a,tag,functional,live,0," },
          NULL },
    };
    stage_answers(&st, rows, PT_COUNT_OF(rows));
    stage_close(&st);
}

/* One block of two cannot be read: the rest is given, and how much is missing is said. */
static void a_damaged_block_is_counted_in_the_answer(void)
{
    glob_t found;
    char pattern[600];
    sqlite3 *db = NULL;
    start();
    json_t *h = stage_json(&st, "/api/v1/history?path=g/e1/a&from=0&to=10000");
    CHECK(json_object_get(json_array_get(json_object_get(h, "series"), 0), "damaged") == NULL);
    json_decref(h);
    CHECK_OK(hist_seal(st.app.history, NULL));
    snprintf(pattern, sizeof pattern, "%s/blocks-*.db", st.config.data.dir);
    CHECK_FATAL(glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc == 1);
    CHECK_FATAL(hist__pages_open(found.gl_pathv[0], &db, SQLITE_OPEN_READWRITE) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "UPDATE data SET data=x'b701' WHERE id IN (SELECT min(id) FROM data)", NULL, NULL, NULL) == SQLITE_OK);
    CHECK(sqlite3_changes(db) == 1 && sqlite3_close(db) == SQLITE_OK);
    globfree(&found);
    unsigned damaged = 0;
    static const char *const paths[] = { "a", "s", "big" };
    for (size_t i = 0; i < PT_COUNT_OF(paths); i++) {
        char target[100];
        snprintf(target, sizeof target, "/api/v1/history?path=g/e1/%s&from=0&to=10000", paths[i]);
        h = stage_json(&st, target);
        damaged += (unsigned)json_integer_value(json_object_get(json_array_get(json_object_get(h, "series"), 0), "damaged"));
        json_decref(h);
    }
    CHECK_INT(damaged, 1);
    stage_close(&st);
}

static void aggregates_are_columns_by_bucket(void)
{
    start();
    json_t *h = stage_json(&st, "/api/v1/aggregate?path=g/e1/a&from=0&to=6000&interval=2s");
    const json_t *s = json_array_get(json_object_get(h, "series"), 0);
    CHECK_STR(pt_cstr(stage_keys(s)), "path tag_id unit type interval_ms t count good min max sum avg first last");
    CHECK_INT(json_integer_value(json_object_get(s, "interval_ms")), 2000);
    json_decref(h);
    series_is("/api/v1/aggregate?path=g/e1/a&from=0&to=6000&interval=2s", "t", "[0,2000,4000]");
    series_is("/api/v1/aggregate?path=g/e1/a&from=0&to=6000&interval=2000", "count", "[1,2,2]"); /* plain numbers are ms */
    h = stage_json(&st, "/api/v1/aggregate?path=g/e1/a&from=0&to=100000&interval=1&fn=count");   /* however many, all of them */
    CHECK_INT(json_array_size(json_object_get(json_array_get(json_object_get(h, "series"), 0), "count")), 100000);
    json_decref(h);
    stage_asks(&st,
               &(stage_ask){ "GET", "/api/v1/aggregate?path=g/e1/a&from=0&to=1000001&interval=1", NULL, 400,
                             "more than 1000000 intervals" },
               1);
    series_is("/api/v1/aggregate?path=g/e1/a&from=0&to=6000&interval=2s", "max", "[1,3,5.5]");
    series_is("/api/v1/aggregate?path=g/e1/a&from=0&to=6000&interval=2s", "sum", "[1,5,5.5]");
    series_is("/api/v1/aggregate?path=g/e1/a&from=0&to=6000&interval=2s&fn=Count,count", "numbers",
              "[1,2,1]"); /* OPC UA's Count leaves the null out */
    series_is("/api/v1/aggregate?path=g/e1/a&from=0&to=6000&interval=2s&fn=Count,count", "count", "[1,2,2]");
    h = stage_json(&st, "/api/v1/aggregate?path=g/e1/a&from=0&to=6000&interval=2s&fn=max,min");
    CHECK_STR(pt_cstr(stage_keys(json_array_get(json_object_get(h, "series"), 0))), "path tag_id unit type interval_ms t max min");
    json_decref(h);
    h = stage_json(&st,
                   "/api/v1/aggregate?path=g/e1/a&from=0&to=6000&max_points=3&fn=count"); /* the interval out of the number of points */
    s = json_array_get(json_object_get(h, "series"), 0);
    CHECK_INT(json_integer_value(json_object_get(s, "interval_ms")), 2001);
    CHECK(json_array_size(json_object_get(s, "t")) <= 3);
    json_decref(h);
    series_is("/api/v1/aggregate?path=g/e1/s&from=0&to=2000&interval=1s&fn=count,avg", "avg", "[null,null]"); /* texts have no mean */
    stage_close(&st);
}

static void values_between_samples_lie_on_the_line(void)
{
    start();
    /* 1 at 1000, 2 at 2000, 3 at 3000, null at 4000, 5.5 at 5000 */
    series_is("/api/v1/aggregate?path=g/e1/a&from=500&to=5500&interval=1s&fn=interpolated,count", "interpolated",
              "[null,1.5,2.5,3,null]"); /* 3 holds until the null */
    series_is("/api/v1/aggregate?path=g/e1/a&from=1000&to=3000&interval=500&fn=Interpolative", "interpolated", "[1,1.5,2,2.5]");
    series_is("/api/v1/aggregate?path=g/e1/a&from=0&to=172800000&interval=1d&tz=UTC&fn=interpolated", "interpolated", "[null,5.5]");
    stage_close(&st);
}

static void each_state_has_its_time(void)
{
    start();
    series_is(
        "/api/v1/durations?path=g/e1/a&from=1000&to=6000", "states",
        "[{\"value\":1,\"duration_ms\":1000,\"times\":1},{\"value\":2,\"duration_ms\":1000,\"times\":1},{\"value\":3,\"duration_ms\":1000,\"times\":1},"
        "{\"value\":5.5,\"duration_ms\":1000,\"times\":1},{\"value\":null,\"duration_ms\":1000,\"times\":1}]");
    series_is(
        "/api/v1/durations?path=g/e1/s&from=0&to=3000", "states",
        "[{\"value\":\"x\",\"duration_ms\":2000,\"times\":1},{\"value\":null,\"duration_ms\":1000,\"times\":1}]"); /* before the first */
    stage_close(&st);
}

static void events_are_filtered_paged_and_ordered(void)
{
    start();
    stage_play(&st, "more", "NDEATH g/e1 | bd=7\nNBIRTH g/e1 | ts=6000 seq=0 bd=8 a:9=f1@6000\nNBIRTH g/other | ts=1000 seq=0 bd=1");
    json_t *e = NULL;
    for (int64_t until = pt_test_now_ms() + 5000; pt_test_now_ms() < until; json_decref(e), e = NULL)
        if (json_array_size(e = stage_json(&st, "/api/v1/events?type=nbirth")) == 3) break;
    CHECK_FATAL(e != NULL);
    const json_t *first = json_array_get(e, 0), *second = json_array_get(e, 1);
    CHECK_STR(pt_cstr(stage_keys(first)), "seq time_ms type node device path detail");
    CHECK_STR(pt_cstr(json_string_value(json_object_get(first, "node"))), "g/e1");
    CHECK(json_is_null(json_object_get(first, "device")) && json_is_object(json_object_get(first, "detail")));
    long long a = json_integer_value(json_object_get(first, "seq")), b = json_integer_value(json_object_get(second, "seq"));
    CHECK(a < b); /* oldest first */
    json_decref(e);

    char target[200];
    snprintf(target, sizeof target, "/api/v1/events?type=nbirth&after=%lld", a);
    e = stage_json(&st, target);
    CHECK_INT(json_array_size(e), 2);
    CHECK_INT(json_integer_value(json_object_get(json_array_get(e, 0), "seq")), b);
    json_decref(e);
    e = stage_json(&st, "/api/v1/events?type=nbirth&order=newest&limit=1");
    CHECK_INT(json_array_size(e), 1);
    CHECK_STR(pt_cstr(json_string_value(json_object_get(json_array_get(e, 0), "node"))), "g/other");
    json_decref(e);
    static const struct {
        const char *target;
        size_t n;
    } rows[] = {
        { "/api/v1/events?node=g%2Fe1&type=nbirth,ndeath", 3 },
        { "/api/v1/events?node=g%2Fnobody", 0 },
        { "/api/v1/events?type=no-such-type", 0 },
        { "/api/v1/events?type=nbirth&to=1000", 0 }, /* events have the time of their arrival here */
        { "/api/v1/events?type=nbirth&from=now-1h&to=now%2B1h", 3 },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        e = stage_json(&st, rows[i].target);
        CHECK_ROW(rows[i].target, json_array_size(e) == rows[i].n);
        json_decref(e);
    }
    stage_close(&st);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_series_is_columns_of_times_values_and_qualities),
        PT_TEST(what_the_columns_leave_open_stands_beside_them),
        PT_TEST(many_points_are_reduced_to_as_many_as_asked_for),
        PT_TEST(going_stale_is_a_break_of_the_line_and_no_sample),
        PT_TEST(a_question_that_cannot_be_answered_names_its_parameter),
        PT_TEST(several_series_are_one_question),
        PT_TEST(the_same_rows_come_as_csv_and_as_lines),
        PT_TEST(a_damaged_block_is_counted_in_the_answer),
        PT_TEST(aggregates_are_columns_by_bucket),
        PT_TEST(values_between_samples_lie_on_the_line),
        PT_TEST(each_state_has_its_time),
        PT_TEST(events_are_filtered_paged_and_ordered),
    };
    return pt_test_main("host/api_history", tests, PT_COUNT_OF(tests), argc, argv);
}
