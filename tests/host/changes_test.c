/* tests/host/changes_test.c -- pages of the change log: what an item says, where a page ends, and from where it can be read. */
#include "host/query/changes.h"
#include "tests/support/check.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static hist *h;
static uint32_t ids[2]; /* a/one, b/two */

static uint32_t tag(const char *path, spb_datatype type)
{
    const hist_tag_key key = { PT_LIT("mqtt"), PT_NONE, PT_NONE, PT_NONE, pt_cstr(path) };
    uint32_t id = 0;
    CHECK_OK_FATAL(hist_tag_ensure(h, &key, pt_cstr(path), type, PT_LIT(""), &id));
    return id;
}

static void start(uint64_t log_bytes)
{
    char dir[600];
    static int n;
    hist_options o;
    hist_options_init(&o);
    snprintf(dir, sizeof dir, "%s/h%d", pt_test_dir(), n++);
    o.dir = dir;
    o.commit_interval_ms = 10;
    o.synchronous = HIST_SYNC_OFF;
    o.log_bytes = log_bytes;
    CHECK_OK_FATAL(hist_open(&o, pt_clock_system(), NULL, &h, NULL));
    ids[0] = tag("a/one", SPB_INT64);
    ids[1] = tag("b/two", SPB_INT64);
}

static void commit(void)
{
    CHECK_OK_FATAL(hist_flush(h, 10000, NULL));
}

/* Samples 1..n of both tags, in turn. */
static void fill(int n)
{
    for (int i = 1; i <= n; i++) {
        hist_sample s = { .time_ms = i, .tag_id = ids[(i + 1) % 2], .type = SPB_INT64, .as.i64 = i };
        CHECK_OK_FATAL(hist_append(h, &s, 1));
    }
    commit();
}

static void end(void)
{
    CHECK_OK(hist_close(h, 1000, NULL));
}

/* A page's answer; NULL and the status when there is none. */
static json_t *page(const host_changes_query *q, size_t max, pt_status *st, pt_error *err)
{
    pt_buf out;
    hist_log_range range;
    pt_buf_init(&out, max);
    *st = host_changes_page(h, q, &out, &range, err);
    json_t *j = *st == PT_OK ? json_loadb(out.ptr, out.len, 0, NULL) : NULL;
    if (*st == PT_OK) CHECK_FATAL(j != NULL && (uint64_t)json_integer_value(json_object_get(j, "next_after")) == range.next_after);
    pt_buf_fini(&out);
    return j;
}

/* "seq seq ...; next_after" */
static const char *numbers(const host_changes_query *q, size_t max)
{
    static char text[4000];
    pt_status st;
    pt_error err = { 0, "" };
    json_t *j = page(q, max, &st, &err), *item;
    size_t i, n = 0;
    text[0] = '\0';
    json_array_foreach(json_object_get(j, "items"), i, item) n +=
        (size_t)snprintf(text + n, sizeof text - n, "%s%lld", i ? " " : "", (long long)json_integer_value(json_object_get(item, "seq")));
    snprintf(text + n, sizeof text - n, j ? "; %lld" : "none", (long long)json_integer_value(json_object_get(j, "next_after")));
    json_decref(j);
    return text;
}
#define NUMBERS(max, ...) pt_cstr(numbers(&(host_changes_query){ __VA_ARGS__ }, max))
enum { ROOM = 1 << 20 };

static void a_page_goes_on_where_the_one_before_ended(void)
{
    start(1 << 20);
    CHECK_STR(NUMBERS(ROOM, .from_oldest = true), "; 0"); /* nothing yet */
    fill(7);
    CHECK_STR(NUMBERS(ROOM, .from_oldest = true), "1 2 3 4 5 6 7; 7");
    CHECK_STR(NUMBERS(ROOM, .after = 0, .limit = 3), "1 2 3; 3");
    CHECK_STR(NUMBERS(ROOM, .after = 3, .limit = 3), "4 5 6; 6");
    CHECK_STR(NUMBERS(ROOM, .after = 6, .limit = 3), "7; 7");
    CHECK_STR(NUMBERS(ROOM, .after = 7, .limit = 3), "; 7");
    end();
}

static void a_selection_moves_on_over_what_it_leaves_out(void)
{
    start(1 << 20);
    const hist_event events[] = { { .time_ms = 1, .type = PT_LIT("nbirth"), .node = PT_LIT("g/e") },
                                  { .time_ms = 1, .type = PT_LIT("write"), .path = PT_LIT("a/one") } };
    for (size_t i = 0; i < PT_COUNT_OF(events); i++)
        CHECK_OK_FATAL(hist_event_append(h, &events[i]));
    commit(); /* 1, 2 */
    fill(5);  /* 3 .. 7: a b a b a */
    CHECK_STR(NUMBERS(ROOM, .select = PT_LIT("a/**")), "2 3 5 7; 7");
    CHECK_STR(NUMBERS(ROOM, .select = PT_LIT("b/*")), "4 6; 7");
    CHECK_STR(NUMBERS(ROOM, .select = PT_LIT("b/*"), .limit = 1), "4; 4");
    CHECK_STR(NUMBERS(ROOM, .select = PT_LIT("nowhere")), "; 7");
    CHECK_STR(NUMBERS(ROOM, .select = PT_LIT("!a/*")), "4 6; 7");
    CHECK_STR(NUMBERS(ROOM, .select = PT_LIT("**,!b/two")), "2 3 5 7; 7");
    CHECK_STR(NUMBERS(ROOM, .select = PT_LIT("a/one,b/two")), "2 3 4 5 6 7; 7");
    CHECK_STR(NUMBERS(ROOM, .select = PT_LIT("")), "1 2 3 4 5 6 7; 7");
    CHECK_STR(NUMBERS(ROOM, .select = PT_LIT("b/*"), .look_at = 3), "; 3"); /* nothing of it in three: the number moves */
    CHECK_STR(NUMBERS(ROOM, .select = PT_LIT("b/*"), .after = 3, .look_at = 3), "4 6; 6");
    end();
}

/* Everything is given, in however many pages, and each page makes a step. */
static void a_page_ends_when_it_is_full(void)
{
    start(1 << 20);
    fill(20);
    static const struct {
        size_t page, max;
    } rows[] = { { 1, ROOM }, { 300, ROOM }, { 1 << 20, 700 } };
    for (size_t k = 0; k < PT_COUNT_OF(rows); k++) {
        host_changes_query q = { .page_bytes = rows[k].page };
        pt_error err = { 0, "" };
        pt_status st;
        size_t pages = 0, items = 0;
        for (json_t *j; q.after < 20 && pages < 30; pages++) {
            j = page(&q, rows[k].max, &st, &err);
            CHECK_FATAL(j != NULL);
            size_t n = json_array_size(json_object_get(j, "items"));
            CHECK(n > 0 && (k != 0 || n == 1));
            CHECK_INT(json_integer_value(json_object_get(json_array_get(json_object_get(j, "items"), 0), "seq")), q.after + 1);
            q.after += n;
            CHECK_INT(json_integer_value(json_object_get(j, "next_after")), q.after);
            items += n;
            json_decref(j);
        }
        CHECK_INT(items, 20);
        CHECK(pages > 4);
    }
    end();
}

static void check_item(size_t i, const json_t *item, const char *want)
{
    char *got = json_dumps(item, JSON_COMPACT | JSON_REAL_PRECISION(12));
    pt_check_at(got && strcmp(got, want) == 0, false, __FILE__, __LINE__, "item %zu is %s, not %s", i, got ? got : "(none)", want);
    free(got);
}

/* What JSON does not give back stands beside it. */
static void items_say_everything_of_a_sample(void)
{
    start(1 << 20);
    const hist_event e = {
        .time_ms = 9, .type = PT_LIT("ddeath"), .node = PT_LIT("g/e"), .device = PT_LIT("d"), .detail = PT_LIT("{\"x\":1}")
    };
    const hist_sample some[] = {
        { .time_ms = 1, .type = SPB_DOUBLE, .as.f64 = 1.5, .quality = SPB_GOOD },
        { .time_ms = 2, .type = SPB_DOUBLE, .as.u64 = 0xfff8000000000000u, .quality = SPB_BAD },
        { .time_ms = 3, .type = SPB_INT64, .as.i64 = 9007199254740993, .flags = HIST_HISTORICAL },
        { .time_ms = 4, .type = SPB_DOUBLE, .flags = HIST_NULL },
        { .time_ms = 5, .type = SPB_STRING, .as.ptr = "\xff", .len = 1 },
        { .time_ms = 6, .type = SPB_TEMPLATE, .as.ptr = "none", .len = 4 },
        { .time_ms = 7, .quality = SPB_STALE, .flags = HIST_STATE, .type = SPB_DOUBLE },
    };
    static const char *const want[] = {
        "{\"seq\":1,\"event\":{\"time_ms\":9,\"type\":\"ddeath\",\"node\":\"g/e\",\"device\":\"d\",\"path\":null,\"detail\":{\"x\":1}}}",
        "{\"seq\":2,\"tag_id\":1,\"path\":\"a/one\",\"time_ms\":1,\"type\":\"Double\",\"value\":1.5,\"quality\":\"GOOD\",\"flags\":\"\"}",
        "{\"seq\":3,\"tag_id\":1,\"path\":\"a/one\",\"time_ms\":2,\"type\":\"Double\",\"value\":\"NaN\",\"base64\":\"AAAAAAAA+P8=\",\"quality\":\"BAD\",\"flags\":\"\"}",
        "{\"seq\":4,\"tag_id\":1,\"path\":\"a/one\",\"time_ms\":3,\"type\":\"Int64\",\"value\":9007199254740993,\"quality\":\"GOOD\",\"flags\":\"H\"}",
        "{\"seq\":5,\"tag_id\":1,\"path\":\"a/one\",\"time_ms\":4,\"type\":\"Double\",\"value\":null,\"quality\":\"GOOD\",\"flags\":\"N\"}",
        "{\"seq\":6,\"tag_id\":1,\"path\":\"a/one\",\"time_ms\":5,\"type\":\"String\",\"value\":\"\xef\xbf\xbd\",\"base64\":\"/w==\",\"quality\":\"GOOD\",\"flags\":\"\"}",
        "{\"seq\":7,\"tag_id\":1,\"path\":\"a/one\",\"time_ms\":6,\"type\":\"Template\",\"value\":null,\"base64\":\"bm9uZQ==\",\"quality\":\"GOOD\",\"flags\":\"\"}",
        "{\"seq\":8,\"tag_id\":1,\"path\":\"a/one\",\"time_ms\":7,\"type\":\"Double\",\"value\":null,\"quality\":\"STALE\",\"flags\":\"S\"}",
    };
    CHECK_OK_FATAL(hist_event_append(h, &e));
    for (size_t i = 0; i < PT_COUNT_OF(some); i++) {
        hist_sample s = some[i];
        s.tag_id = ids[0];
        CHECK_OK_FATAL(hist_append(h, &s, 1));
    }
    commit();
    pt_error err = { 0, "" };
    pt_status st;
    json_t *j = page(&(host_changes_query){ .from_oldest = true }, ROOM, &st, &err);
    CHECK_INT(json_array_size(json_object_get(j, "items")), PT_COUNT_OF(want));
    for (size_t i = 0; i < PT_COUNT_OF(want); i++)
        check_item(i, json_array_get(json_object_get(j, "items"), i), want[i]);
    json_decref(j);
    j = page(&(host_changes_query){ .after = 3, .limit = 1, .int64_string = true }, ROOM, &st, &err);
    CHECK_STR(pt_cstr(json_string_value(json_object_get(json_array_get(json_object_get(j, "items"), 0), "value"))), "9007199254740993");
    json_decref(j);
    end();
}

/* Ten thousand control characters are 60,000 in JSON. */
static void a_value_that_has_no_room_as_json_is_there_as_bytes(void)
{
    char zeros[10000] = "";
    const hist_sample s = { .time_ms = 1, .tag_id = 1, .type = SPB_STRING, .as.ptr = zeros, .len = sizeof zeros };
    pt_error err = { 0, "" };
    pt_status st;
    start(1 << 20);
    CHECK_OK_FATAL(hist_append(h, &s, 1));
    fill(2);
    json_t *j = page(&(host_changes_query){ .from_oldest = true }, 20000, &st, &err);
    CHECK_INT(json_array_size(json_object_get(j, "items")), 3);
    const json_t *item = json_array_get(json_object_get(j, "items"), 0);
    CHECK(json_is_null(json_object_get(item, "value")));
    CHECK_INT(json_string_length(json_object_get(item, "base64")), 13336);
    json_decref(j);
    CHECK(page(&(host_changes_query){ .from_oldest = true }, 10000, &st, &err) == NULL); /* no room at all */
    CHECK_STATUS(st, PT_ETOOBIG);
    CHECK_STR(pt_cstr(err.text), "change 1 does not fit into memory");
    hist_sample again = s;
    again.time_ms = 10;
    CHECK_OK_FATAL(hist_append(h, &again, 1));
    commit();
    CHECK_STR(NUMBERS(10000, .after = 1), "2 3; 3"); /* what is before such a one is given */
    end();
}

static void a_reader_that_fell_behind_is_told_where_it_can_begin(void)
{
    pt_error err = { 0, "" };
    pt_status st;
    start(0);
    for (int k = 0; k < 5; k++) {
        hist_sample s = { .time_ms = 100 + k, .tag_id = ids[0], .type = SPB_INT64, .as.i64 = k };
        CHECK_OK_FATAL(hist_append(h, &s, 1));
        commit();
        CHECK_OK(hist_seal(h, NULL));
    }
    CHECK_STR(NUMBERS(ROOM, .from_oldest = true), "5; 5"); /* the newest row is kept */
    CHECK(page(&(host_changes_query){ .after = 2 }, ROOM, &st, &err) == NULL);
    CHECK_STATUS(st, PT_ESTATE);
    CHECK_STR(pt_cstr(err.text),
              "what follows 2 is not kept any more; the oldest change is 5: go on after 4, and take what lies before from history");
    CHECK(page(&(host_changes_query){ .after = 0 }, ROOM, &st, &err) == NULL); /* 0 is a number like others */
    CHECK_STATUS(st, PT_ESTATE);
    CHECK_STR(NUMBERS(ROOM, .after = 4), "5; 5");
    CHECK(page(&(host_changes_query){ .after = 6 }, ROOM, &st, &err) == NULL);
    CHECK_STATUS(st, PT_EINVAL);
    CHECK_STR(pt_cstr(err.text), "the newest change is 5; a number of 6 is another historian's");
    end();
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_page_goes_on_where_the_one_before_ended),
        PT_TEST(a_selection_moves_on_over_what_it_leaves_out),
        PT_TEST(a_page_ends_when_it_is_full),
        PT_TEST(items_say_everything_of_a_sample),
        PT_TEST(a_value_that_has_no_room_as_json_is_there_as_bytes),
        PT_TEST(a_reader_that_fell_behind_is_told_where_it_can_begin),
    };
    return pt_test_main("host/changes", tests, PT_COUNT_OF(tests), argc, argv);
}
