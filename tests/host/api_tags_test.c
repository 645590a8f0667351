/* tests/host/api_tags_test.c -- the tree, now and as of a past time, and current values. */
#include "tests/base/client.h"
#include "tests/host/stage.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <stdlib.h>

static stage st;

static answer get(const char *target)
{
    return client_ask(st.app.http_port, (ask){ .method = "GET", .target = target });
}

/* The answer as "path state tag?," per node. */
static void tree_is(const char *target, const char *want)
{
    answer a = get(target);
    pt_buf got;
    pt_buf_init(&got, 65536);
    CHECK_INT(a.status, 200);
    json_t *root = json_loadb(a.body.ptr, a.body.len, 0, NULL), *n;
    size_t i;
    json_array_foreach(root, i, n) pt_buf_printf(&got, "%s%s %s", i ? ", " : "", json_string_value(json_object_get(n, "path")),
                                                 json_string_value(json_object_get(n, "state")));
    pt_check_at(pt_slice_eq_cstr(pt_buf_view(&got), want), false, __FILE__, __LINE__, "%s\n  want %s\n  got  %.*s", target, want,
                PT_SLICE_ARGS(pt_buf_view(&got)));
    json_decref(root);
    pt_buf_fini(&got);
    client_release(&a);
}

static void status_is(const char *target, int status, const char *part)
{
    stage_asks(&st, &(stage_ask){ "GET", target, NULL, status, part }, 1);
}

static void the_tree_is_shown_as_it_was(void)
{
    char target[200];
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    int64_t before = pt_wall_ms(pt_clock_system());
    stage_play(
        &st, "births",
        "pause 5\nNBIRTH g/n | seq=0 bd=1 x:10=d1\nDBIRTH g/n/d | seq=1 a:10=d1 b:10=d2 Device_Control/Reboot:11=b0\nhistory g/n/d/b = [2]\n"
        "NBIRTH g/m | seq=0 bd=1 Node_Control/Reboot:11=b0\nDBIRTH g/m/d | seq=1 a:10=d1\nhistory g/m/d/a = [1]\npause 5");
    int64_t born = pt_wall_ms(pt_clock_system());
    stage_play(&st, "death", "pause 5\nDDEATH g/n/d | seq=2\nvalue g/n/d/a = 1 STALE\npause 5");
    int64_t dead = pt_wall_ms(pt_clock_system());
    stage_play(&st, "rebirth", "pause 5\nDBIRTH g/n/d | seq=3 a:10=d5 c:10=d7\nvalue g/n/d/a = 5 GOOD\nhistory g/n/d/c = [7]\npause 5");
    tree_is("/api/v1/tree?path=g&depth=3",
            "g/m live, g/m/d live, g/m/d/a live, g/n live, g/n/d live, g/n/d/a live, g/n/d/b absent, g/n/d/c live, g/n/x live");
    CHECK_OK(hist_flush(st.app.history, 5000, NULL));
    int64_t now = pt_wall_ms(pt_clock_system());
    const struct {
        int64_t at;
        const char *query, *want;
    } rows[] = {
        { before, "", "" },
        { born, "&path=g&depth=3", "g/m live, g/m/d live, g/m/d/a live, g/n live, g/n/d live, g/n/d/a live, g/n/d/b live, g/n/x live" },
        { born, "", "g live" },
        { born, "&path=g/n/d&depth=1", "g/n/d/a live, g/n/d/b live" },
        { born, "&path=g/n/d&depth=3&hidden=1",
          "g/n/d/_sparkplug live, g/n/d/_sparkplug/Device Control live, g/n/d/_sparkplug/Device Control/Reboot live, g/n/d/a live, g/n/d/b live" },
        { born, "&path=g/m/_sparkplug&depth=3&hidden=1",
          "g/m/_sparkplug/Node Control live, g/m/_sparkplug/Node Control/Reboot live, g/m/_sparkplug/bdSeq live" }, /* nothing of the node
                                                                                                                       itself has history:
                                                                                                                       its device's had */
        { dead, "&path=g&depth=3", "g/m live, g/m/d live, g/m/d/a live, g/n live, g/n/d stale, g/n/d/a stale, g/n/d/b stale, g/n/x live" },
        { now, "&path=g/n/d/", "g/n/d/a live, g/n/d/b stale, g/n/d/c live" },
        { born, "&path=_source/spb/g/n/d", "_source/spb/g/n/d/a live, _source/spb/g/n/d/b live" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        snprintf(target, sizeof target, "/api/v1/tree?at=%lld%s", (long long)rows[i].at, rows[i].query);
        tree_is(target, rows[i].want);
    }
    snprintf(target, sizeof target, "/api/v1/tree?path=g/n/d/c&at=%lld", (long long)born);
    status_is(target, 404, "there was nothing at g/n/d/c");
    status_is("/api/v1/tree?at=yesterday", 400, "at: ");
    status_is("/api/v1/tree?at=now%2B1h", 400, "future");
    status_is("/api/v1/tree?depth=65", 400, "depth");
    status_is("/api/v1/tree?hidden=2", 400, "hidden");
    status_is("/api/v1/tree?path=nowhere", 404, "there is nothing at nowhere");
    stage_close(&st);
}

static void values_are_found_by_path_pattern_and_id(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    stage_play(
        &st, "birth",
        "NBIRTH g/v | ts=1000 seq=0 bd=1 a:10=d1@900;engUnit:12=sm;engLow:10=d0;engHigh:10=d5 b:8=l18446744073709551615@900 e\\:1:10=d3@900\nvalue g/v/a = 1 GOOD");
    status_is("/api/v1/values?paths=g/v/a,g/v/none", 200, "[{\"path\":\"g/v/a\",\"tag_id\":");
    status_is(
        "/api/v1/values?paths=g/v/a", 200,
        "\"value\":1,\"type\":\"Double\",\"unit\":\"m\",\"quality\":\"GOOD\",\"timestamp_ms\":900,\"stale_since_ms\":null,\"writable\":true");
    status_is("/api/v1/values?paths=g/v/*", 200, "\"value\":18446744073709551615,");
    status_is("/api/v1/values?paths=g/v/b&int64=string", 200, "\"value\":\"18446744073709551615\",");
    status_is("/api/v1/values?paths=nowhere", 200, "[]");
    status_is("/api/v1/values", 400, "paths is missing");
    status_is("/api/v1/values?paths=a&int64=maybe", 400, "int64 must be");
    status_is("/api/v1/values?path=a", 400, "path");
    status_is("/api/v1/tags/by-path/g/v/a", 200,
              "\"eng_low\":0,\"eng_high\":5,\"source\":{\"group\":\"g\",\"edge\":\"v\",\"device\":null,\"metric\":\"a\"}");
    status_is("/api/v1/tags/by-path/g/v/none", 404, "no such tag");
    status_is("/api/v1/tags/4294967296", 404, "no such tag");
    status_is("/api/v1/tags/x", 404, "no such tag");
    const stage_ask posts[] = {
        { "POST", "/api/v1/values", "{\"paths\":[\"g/v/b\",\"nowhere\",\"\"]}", 200, "[{\"path\":\"g/v/b\"" },
        { "POST", "/api/v1/values", "{\"paths\":[]}", 200, "[]" },
        { "POST", "/api/v1/values", "{\"paths\":\"g/v/b\"}", 400, "the body must be" },
        { "POST", "/api/v1/values", "{\"paths\":[", 400, "the body must be" },
        { "POST", "/api/v1/values", "", 400, "the body must be" },
    };
    stage_asks(&st, posts, PT_COUNT_OF(posts));
    stage_close(&st);
}

static void start(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    stage_play(
        &st, "births",
        "NBIRTH g/$ | ts=1000 seq=0 bd=7 a:10=d1.5@1000;engUnit:12=sbar big:4=l9007199254740993@1000 Node_Control/Rebirth:11=b0@1000\n"
        "DBIRTH g/$/d | ts=1001 seq=1 Motor/rpm:3=i100@1001 Motor/on:11=b1@1001 s:12=sx@1001\nvalue g/$/d/s = \"x\" GOOD");
}

static void the_tree_is_walked_level_by_level(void)
{
    start();
    json_t *t = stage_json(&st, "/api/v1/tree");
    CHECK_INT(json_array_size(t), 1);
    const json_t *g = json_array_get(t, 0);
    CHECK_STR(pt_cstr(stage_keys(g)), "path name kind class state children tag_id");
    CHECK_STR(pt_cstr(json_string_value(json_object_get(g, "path"))), "g");
    CHECK(json_is_null(json_object_get(g, "tag_id")));
    json_decref(t);
    static const stage_question rows[] = {
        { "GET",
          "/api/v1/tree?path=g/e1/d/Motor",
          NULL,
          200,
          { "\"path\":\"g/e1/d/Motor/on\"", "\"path\":\"g/e1/d/Motor/rpm\"", "\"children\":0" },
          NULL },
        { "GET", "/api/v1/tree?path=g/e1/d/Motor/", NULL, 200, { "\"path\":\"g/e1/d/Motor/on\"" }, NULL },
        { "GET", "/api/v1/tree?path=&depth=3", NULL, 200, { "\"path\":\"g\"", "\"path\":\"g/e1\"", "\"path\":\"g/e1/d\"" }, NULL },
        { "GET", "/api/v1/tree?path=g/e1&hidden=1", NULL, 200, { "\"name\":\"_sparkplug\"" }, NULL },
        { "GET", "/api/v1/tree?path=g/nowhere", NULL, 404, { "there is nothing at g/nowhere" }, NULL },
        { "GET", "/api/v1/tree?depth=x", NULL, 400, { "depth must be a whole number up to " }, NULL },
        { "GET", "/api/v1/tree?depth=-1", NULL, 400, { "depth" }, NULL },
        { "GET", "/api/v1/tree?depth=100000", NULL, 400, { "depth" }, NULL },
        { "GET", "/api/v1/tree?hidden=yes", NULL, 400, { "hidden must be 0 or 1" }, NULL },
    };
    stage_answers(&st, rows, PT_COUNT_OF(rows));
    t = stage_json(&st, "/api/v1/tree?path=g/e1");
    for (size_t i = 0; i < json_array_size(t); i++) /* plumbing is hidden until asked for */
        CHECK(strstr(json_string_value(json_object_get(json_array_get(t, i), "name")), "_sparkplug") == NULL);
    json_decref(t);
    stage_close(&st);
}

static void an_empty_plant_has_an_empty_tree(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    static const stage_question rows[] = {
        { "GET", "/api/v1/tree", NULL, 200, { "[]" }, NULL },
        { "GET", "/api/v1/tree?path=/", NULL, 200, { "[]" }, NULL },
        { "GET", "/api/v1/values?paths=**", NULL, 200, { "[]" }, NULL },
    };
    stage_answers(&st, rows, PT_COUNT_OF(rows));
    stage_close(&st);
}

static void values_come_by_path_and_by_pattern_and_unknown_ones_are_left_out(void)
{
    start();
    json_t *v = stage_json(&st, "/api/v1/values?paths=g/e1/a,g/e1/nothing,g/e1/d/Motor/*");
    CHECK_INT(json_array_size(v), 3);
    const json_t *a = json_array_get(v, 0);
    CHECK_STR(pt_cstr(stage_keys(a)), "path tag_id value type unit quality timestamp_ms stale_since_ms writable");
    CHECK_STR(pt_cstr(json_string_value(json_object_get(a, "unit"))), "bar");
    CHECK_STR(pt_cstr(json_string_value(json_object_get(a, "type"))), "Double");
    CHECK_INT(json_integer_value(json_object_get(a, "timestamp_ms")), 1000);
    CHECK(json_is_null(json_object_get(a, "stale_since_ms")));
    json_decref(v);
    static const stage_question rows[] = {
        { "GET", "/api/v1/values?paths=", NULL, 400, { "paths is missing" }, NULL },
        { "GET", "/api/v1/values?paths=g/e1/big", NULL, 200, { "\"value\":9007199254740993" }, NULL },
        { "GET", "/api/v1/values?paths=g/e1/big&int64=string", NULL, 200, { "\"value\":\"9007199254740993\"" }, NULL },
        { "GET", "/api/v1/values?paths=g/e1/big&int64=number", NULL, 200, { "\"value\":9007199254740993" }, NULL },
        { "POST", "/api/v1/values", "{\"paths\":[\"g/e1/d/s\",\"no\"]}", 200, { "\"path\":\"g/e1/d/s\"" }, NULL },
        { "POST", "/api/v1/values?int64=string", "{\"paths\":[\"g/e1/big\"]}", 200, { "\"9007199254740993\"" }, NULL },
        { "POST", "/api/v1/values", "{\"paths\":[]}", 200, { "[]" }, NULL },
        { "POST", "/api/v1/values", "[\"g/e1/a\"]", 400, { "the body must be" }, NULL },
    };
    stage_answers(&st, rows, PT_COUNT_OF(rows));

    char *many = malloc(5001 * 5 + 100); /* one path too many */
    CHECK_FATAL(many != NULL);
    size_t n = (size_t)sprintf(many, "{\"paths\":[");
    for (int i = 0; i < 5001; i++)
        n += (size_t)sprintf(many + n, "%s\"x\"", i ? "," : "");
    strcpy(many + n, "]}");
    const stage_question toomany[] = { { "POST", "/api/v1/values", many, 400, { "at most 5000 paths" }, NULL } };
    stage_answers(&st, toomany, 1);
    free(many);

    stage_publish(&st, "spBv1.0/g/NDEATH/e1", "bd=7");
    stage_play(&st, "stale", "value g/e1/a = 1.5 STALE");
    v = stage_json(&st, "/api/v1/values?paths=g/e1/a");
    CHECK(json_integer_value(json_object_get(json_array_get(v, 0), "stale_since_ms")) > 1000);
    json_decref(v);
    stage_close(&st);
}

static void one_tag_is_told_with_its_source_by_id_and_by_path(void)
{
    start();
    char target[100];
    json_t *t = stage_json(&st, "/api/v1/tags/by-path/g/e1/d/Motor/rpm");
    CHECK_STR(pt_cstr(stage_keys(t)), "path tag_id value type unit quality timestamp_ms stale_since_ms writable state description source");
    const json_t *source = json_object_get(t, "source");
    CHECK_STR(pt_cstr(stage_keys(source)), "group edge device metric");
    CHECK_STR(pt_cstr(json_string_value(json_object_get(source, "metric"))), "Motor/rpm");
    CHECK_STR(pt_cstr(json_string_value(json_object_get(t, "state"))), "live");
    snprintf(target, sizeof target, "/api/v1/tags/%lld", (long long)json_integer_value(json_object_get(t, "tag_id")));
    json_t *same = stage_json(&st, target);
    CHECK(json_equal(t, same));
    json_decref(t);
    json_decref(same);
    static const stage_question rows[] = {
        { "GET", "/api/v1/tags/0", NULL, 404, { "there is no such tag" }, NULL },
        { "GET", "/api/v1/tags/4294967295", NULL, 404, { "no such tag" }, NULL },
        { "GET", "/api/v1/tags/4294967297", NULL, 404, { "no such tag" }, NULL }, /* not tag 1 */
        { "GET", "/api/v1/tags/by-path/g/e1/nothing", NULL, 404, { "no such tag" }, NULL },
        { "GET", "/api/v1/tags/by-path/g/e1/d", NULL, 404, { "no such tag" }, NULL }, /* a folder */
    };
    stage_answers(&st, rows, PT_COUNT_OF(rows));
    stage_close(&st);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(the_tree_is_shown_as_it_was),
        PT_TEST(values_are_found_by_path_pattern_and_id),
        PT_TEST(the_tree_is_walked_level_by_level),
        PT_TEST(an_empty_plant_has_an_empty_tree),
        PT_TEST(values_come_by_path_and_by_pattern_and_unknown_ones_are_left_out),
        PT_TEST(one_tag_is_told_with_its_source_by_id_and_by_path),
    };
    return pt_test_main("host/api_tags", tests, PT_COUNT_OF(tests), argc, argv);
}
