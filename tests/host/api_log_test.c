/* tests/host/api_log_test.c -- GET /api/v1/log: everything committed, in commit order. */
#include "historian/maintain.h"
#include "tests/base/client.h"
#include "tests/host/stage.h"
#include "tests/support/wait.h"

#include <stdio.h>
#include <string.h>

static stage st;

static long long number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

/* g/e1/a: five samples, and a birth among them. */
static void start(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    stage_play(
        &st, "samples",
        "NBIRTH g/$ | ts=1000 seq=0 bd=7 a:9=f1@1000 big:4=l9007199254740993@1000\n"
        "NDATA g/$ | ts=2000 seq=1 a=f2@2000\nNDATA g/$ | ts=3000 seq=2 a=f3@3000\nNDATA g/$ | ts=4000 seq=3 a=-@4000!n\nNDATA g/$ | ts=5000 seq=4 a=f5.5@5000!h\n"
        "history g/$/a = [1,2,3,null,5.5]");
    CHECK_OK_FATAL(hist_flush(st.app.history, 10000, NULL));
}

static void two_pages_are_one_reading_without_a_gap(void)
{
    char target[200];
    start();
    json_t *all = stage_json(&st, "/api/v1/log"), *items = json_object_get(all, "items");
    CHECK_STR(pt_cstr(stage_keys(all)), "items next_after oldest newest");
    CHECK_INT(number(all, "oldest"), 1);
    CHECK_FATAL(json_array_size(items) >= 7);
    for (size_t i = 0; i < json_array_size(items); i++)
        CHECK_INT(number(json_array_get(items, i), "seq"), i + 1);
    CHECK_INT(number(all, "next_after"), json_array_size(items));
    CHECK_INT(number(all, "newest"), number(all, "next_after"));

    json_t *one = stage_json(&st, "/api/v1/log?limit=3&after=0");
    CHECK_INT(json_array_size(json_object_get(one, "items")), 3);
    CHECK_INT(number(one, "next_after"), 3);
    json_t *two = stage_json(&st, "/api/v1/log?limit=100000&after=3");
    CHECK_OK_FATAL(json_array_extend(json_object_get(one, "items"), json_object_get(two, "items")) == 0 ? PT_OK : PT_ENOMEM);
    CHECK_FATAL(json_array_size(json_object_get(one, "items")) >= json_array_size(items));
    for (size_t i = 0; i < json_array_size(items); i++)
        CHECK(json_equal(json_array_get(json_object_get(one, "items"), i), json_array_get(items, i)));
    snprintf(target, sizeof target, "/api/v1/log?after=%lld", number(two, "next_after"));
    json_decref(two);
    json_decref(one);
    one = stage_json(&st, target); /* nothing new: the number stays */
    CHECK(json_array_size(json_object_get(one, "items")) == 0 && strstr(target, "after=") &&
          number(one, "next_after") == strtoll(strstr(target, "after=") + 6, NULL, 10));
    json_decref(one);
    json_decref(all);
    stage_close(&st);
}

static void samples_and_events_are_there_as_other_answers_write_them(void)
{
    start();
    json_t *all = stage_json(&st, "/api/v1/log"), *births = stage_json(&st, "/api/v1/events?type=nbirth"), *item;
    const json_t *birth = json_array_get(births, 0), *found = NULL;
    static const char *const values[] = { "1.0", "2.0", "3.0", "null", "5.5" }, *const flags[] = { "", "", "", "N", "H" };
    size_t i, n = 0;
    json_array_foreach(json_object_get(all, "items"), i, item)
    {
        const char *path = json_string_value(json_object_get(item, "path"));
        if (json_object_get(item, "event") && number(item, "seq") == number(birth, "seq")) found = json_object_get(item, "event");
        if (!path || strcmp(path, "g/e1/a") != 0) continue;
        CHECK_FATAL(n < PT_COUNT_OF(values));
        char *value = json_dumps(json_object_get(item, "value"), JSON_ENCODE_ANY);
        CHECK_STR(pt_cstr(stage_keys(item)), "seq tag_id path time_ms type value quality flags");
        CHECK_ROW(values[n], strcmp(value, values[n]) == 0 || strtod(value, NULL) == strtod(values[n], NULL));
        CHECK_STR(pt_cstr(json_string_value(json_object_get(item, "flags"))), flags[n]);
        CHECK_STR(pt_cstr(json_string_value(json_object_get(item, "type"))), "Float");
        CHECK_STR(pt_cstr(json_string_value(json_object_get(item, "quality"))), "GOOD");
        CHECK_INT(number(item, "time_ms"), 1000 * ++n);
        free(value);
    }
    CHECK_INT(n, 5);
    CHECK_FATAL(found != NULL);
    CHECK_STR(pt_cstr(stage_keys(found)), "time_ms type node device path detail");
    json_object_set_new((json_t *)(uintptr_t)found, "seq", json_integer(number(birth, "seq")));
    CHECK(json_equal(found, birth));
    json_decref(births);
    json_decref(all);
    stage_close(&st);
}

static void a_selection_leaves_out_and_moves_on(void)
{
    start();
    json_t *all = stage_json(&st, "/api/v1/log"), *some = stage_json(&st, "/api/v1/log?select=g/*/big,no/**&int64=string");
    CHECK_INT(json_array_size(json_object_get(some, "items")), 1);
    CHECK(number(some, "next_after") >= number(all, "next_after"));
    const json_t *item = json_array_get(json_object_get(some, "items"), 0);
    CHECK_STR(pt_cstr(json_string_value(json_object_get(item, "value"))), "9007199254740993");
    json_decref(some);
    some = stage_json(&st, "/api/v1/log?select=**,!**/a");
    CHECK_INT(json_array_size(json_object_get(some, "items")), 1); /* events without a path are not selected */
    CHECK_INT(number(json_array_get(json_object_get(some, "items"), 0), "value"), 9007199254740993);
    json_decref(some);
    json_decref(all);
    stage_close(&st);
}

static void what_json_does_not_give_back_stands_beside_it(void)
{
    static const hist_tag_key key = { { "spb", 3 }, { "g", 1 }, { "e", 1 }, { "d", 1 }, { "odd", 3 } };
    const hist_sample some[] = { { .time_ms = 2, .type = SPB_DOUBLE, .as.u64 = 0xfff8000000000000u },
                                 { .time_ms = 5, .type = SPB_STRING, .as.ptr = "\xff", .len = 1 },
                                 { .time_ms = 6, .type = SPB_TEMPLATE, .as.ptr = "none", .len = 4 },
                                 { .time_ms = 7, .type = SPB_UINT64, .as.u64 = UINT64_MAX },
                                 { .time_ms = 8, .type = SPB_DOUBLE, .quality = SPB_STALE, .flags = HIST_STATE } };
    uint32_t id = 0;
    start();
    CHECK_OK_FATAL(hist_tag_ensure(st.app.history, &key, PT_LIT("odd"), SPB_DOUBLE, PT_LIT(""), &id));
    for (size_t i = 0; i < PT_COUNT_OF(some); i++) {
        hist_sample s = some[i];
        s.tag_id = id;
        CHECK_OK_FATAL(hist_append(st.app.history, &s, 1));
    }
    CHECK_OK_FATAL(hist_flush(st.app.history, 10000, NULL));
    static const stage_question rows[] = {
        { "GET",
          "/api/v1/log?select=odd",
          NULL,
          200,
          { "\"time_ms\":2,\"type\":\"Double\",\"value\":\"NaN\",\"base64\":\"AAAAAAAA+P8=\",\"quality\":\"GOOD\",\"flags\":\"\"}",
            "\"value\":\"\xef\xbf\xbd\",\"base64\":\"/w==\"", "\"value\":null,\"base64\":\"bm9uZQ==\"",
            "\"value\":18446744073709551615,\"quality\"",
            "\"time_ms\":8,\"type\":\"Double\",\"value\":null,\"quality\":\"STALE\",\"flags\":\"S\"}" },
          NULL },
        { "GET", "/api/v1/log?select=odd&int64=string", NULL, 200, { "\"value\":\"18446744073709551615\",\"quality\"" }, NULL },
    };
    stage_answers(&st, rows, PT_COUNT_OF(rows));
    stage_close(&st);
}

/* What a tag's deletion takes out of the log is as far back as one can go then. */
static void a_reader_that_fell_behind_is_told_where_to_begin(void)
{
    uint64_t removed = 0;
    pt_arena arena;
    hist_tag tag;
    pt_error err = { 0, "" };
    start();
    pt_arena_init(&arena, 1 << 16);
    CHECK_OK_FATAL(hist_tag_by_path(st.app.history, PT_LIT("g/e1/a"), &arena, &tag));
    CHECK_OK_FATAL(hist_tag_delete(st.app.history, tag.tag_id, INT64_MIN, INT64_MAX, &removed, &err));
    pt_arena_fini(&arena);
    json_t *log = stage_json(&st, "/api/v1/log"); /* without a number it begins where it can */
    long long oldest = number(log, "oldest");
    CHECK(oldest > 1);
    json_decref(log);
    answer a = client_ask(st.app.http_port, (ask){ .method = "GET", .target = "/api/v1/log?after=0" });
    CHECK_INT(a.status, 410);
    CHECK(client_header(&a, "Content-Type: application/problem+json"));
    json_t *j = json_loadb(a.body.ptr, a.body.len, 0, NULL);
    CHECK_STR(pt_cstr(stage_keys(j)), "type title status detail instance oldest newest");
    CHECK_STR(pt_cstr(json_string_value(json_object_get(j, "type"))), "urn:plantree:problem:gone");
    CHECK_INT(number(j, "oldest"), oldest);
    CHECK(number(j, "newest") >= oldest - 1);
    CHECK(client_has(&a, "what follows 0 is not kept any more; the oldest change is "));
    char target[100];
    snprintf(target, sizeof target, "/api/v1/log?after=%lld", oldest - 1);
    stage_asks(&st, &(stage_ask){ "GET", target, NULL, 200, "\"next_after\":" }, 1);
    json_decref(j);
    client_release(&a);
    stage_close(&st);
}

static void a_question_that_cannot_be_answered_names_its_parameter(void)
{
    start();
    static const stage_question rows[] = {
        { "GET",
          "/api/v1/log?after=1000000",
          NULL,
          400,
          { "after: the newest change is ", "a number of 1000000 is another historian's", "\"oldest\":1,\"newest\":" },
          NULL },
        { "GET", "/api/v1/log?after=9223372036854775807", NULL, 400, { "another historian's" }, NULL },
        { "GET", "/api/v1/log?after=9223372036854775808", NULL, 400, { "after must be a whole number up to 9223372036854775807" }, NULL },
        { "GET", "/api/v1/log?after=-1", NULL, 400, { "after must be a whole number" }, NULL },
        { "GET", "/api/v1/log?after=", NULL, 400, { "after must be a whole number" }, NULL },
        { "GET", "/api/v1/log?limit=0", NULL, 400, { "limit must be a whole number from 1 to 100000" }, NULL },
        { "GET", "/api/v1/log?limit=100001", NULL, 400, { "limit must be a whole number up to 100000" }, NULL },
        { "GET", "/api/v1/log?int64=x", NULL, 400, { "int64 must be string or number" }, NULL },
        { "GET", "/api/v1/log?from=0", NULL, 400, { "'from'" }, NULL },
        { "POST", "/api/v1/log", "{}", 405, { "not possible" }, NULL },
    };
    stage_answers(&st, rows, PT_COUNT_OF(rows));
    stage_close(&st);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(two_pages_are_one_reading_without_a_gap),
        PT_TEST(samples_and_events_are_there_as_other_answers_write_them),
        PT_TEST(a_selection_leaves_out_and_moves_on),
        PT_TEST(what_json_does_not_give_back_stands_beside_it),
        PT_TEST(a_reader_that_fell_behind_is_told_where_to_begin),
        PT_TEST(a_question_that_cannot_be_answered_names_its_parameter),
    };
    return pt_test_main("host/api_log", tests, PT_COUNT_OF(tests), argc, argv);
}
