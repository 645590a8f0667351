/* tests/historian/replay_text_test.c -- replayed items as JSON Lines and CSV, in the documented form whatever is in them. */
#include "historian/read/replay.h"
#include "tests/historian/support.h"

#include <stdio.h>

static void the_lines_have_the_documented_form(void)
{
    hist_tag tag = { .tag_id = 1,
                     .key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_LIT("d"), PT_LIT("a,b") },
                     .path = PT_LIT("x/\"y\"") };
    hist_sample s = { .tag_id = 1, .time_ms = 1763676001250, .type = SPB_DOUBLE, .as.f64 = 1.5 };
    hist_event e = {
        .seq = 1, .time_ms = 1763676001250, .type = PT_LIT("ddeath"), .node = PT_LIT("g/e"), .device = PT_LIT("d"), .detail = PT_LIT("{}")
    };
    hist_replay_item v = { .index = 17, .time_ms = s.time_ms, .kind = HIST_REPLAY_VALUE, .tag = &tag, .sample = &s },
                     d = { .index = 18, .time_ms = s.time_ms, .kind = HIST_REPLAY_EVENT, .event = &e };
    pt_buf out;
    pt_buf_init(&out, 1 << 16);
    hist_replay_jsonl(&v, 1763676001250, &out);
    CHECK_STR(
        pt_buf_view(&out),
        "{\"i\":17,\"v\":\"2025-11-20T22:00:01.250Z\",\"w\":\"2025-11-20T22:00:01.250Z\",\"kind\":\"value\",\"path\":\"x/\\\"y\\\"\",\"node\":\"g/e\",\"dev\":\"d\",\"metric\":\"a,b\","
        "\"type\":\"Double\",\"value\":1.5,\"quality\":\"GOOD\",\"orig\":\"2025-11-20T22:00:01.250Z\"}\n");
    pt_buf_reset(&out);
    hist_replay_jsonl(&d, -1, &out);
    CHECK_STR(
        pt_buf_view(&out),
        "{\"i\":18,\"v\":\"2025-11-20T22:00:01.250Z\",\"kind\":\"death\",\"node\":\"g/e\",\"dev\":\"d\",\"type\":\"ddeath\",\"detail\":{},\"orig\":\"2025-11-20T22:00:01.250Z\"}\n");
    pt_buf_reset(&out);
    hist_replay_csv(&v, -1, &out);
    CHECK_STR(pt_buf_view(&out),
              "17,2025-11-20T22:00:01.250Z,,value,\"x/\"\"y\"\"\",g,e,d,\"a,b\",Double,1.5,GOOD,2025-11-20T22:00:01.250Z,,,spb\r\n");
    pt_buf_reset(&out);
    hist_replay_csv(&d, -1, &out);
    CHECK_STR(pt_buf_view(&out), "18,2025-11-20T22:00:01.250Z,,death,,g,e,d,,ddeath,{},,2025-11-20T22:00:01.250Z,,,\r\n");
    pt_buf_fini(&out);
}

static bool says(const pt_buf *b, const char *what)
{
    return memmem(b->ptr, b->len, what, strlen(what)) != NULL;
}

static void plain_topics_have_no_node(void)
{
    hist_tag tag = { .tag_id = 1, .key = { PT_LIT("mqtt"), PT_LIT(""), PT_LIT(""), PT_LIT(""), PT_LIT("a/b") }, .path = PT_LIT("a/b") };
    hist_sample s = str(1, NOW, "line\n\"two\", \xc3\xa4");
    hist_replay_item v = { .index = 0, .time_ms = NOW, .kind = HIST_REPLAY_VALUE, .tag = &tag, .sample = &s };
    pt_buf out;
    pt_buf_init(&out, 1 << 16);
    hist_replay_jsonl(&v, -1, &out);
    CHECK_STR(
        pt_buf_view(&out),
        "{\"i\":0,\"v\":\"2025-06-15T15:06:40.000Z\",\"kind\":\"value\",\"path\":\"a/b\",\"metric\":\"a/b\",\"type\":\"String\",\"value\":\"line\\n\\\"two\\\", \xc3\xa4\",\"quality\":\"GOOD\",\"source\":\"mqtt\",\"orig\":\"2025-06-15T15:06:40.000Z\"}\n");
    pt_buf_reset(&out);
    hist_sample mark = state_row(1, NOW);
    v.sample = &mark;
    hist_replay_jsonl(&v, -1, &out);
    CHECK(says(&out, "\"value\":null,\"quality\":\"STALE\",\"flags\":\"S\","));
    pt_buf_reset(&out);
    mark.flags |= HIST_HISTORICAL;
    hist_replay_csv(&v, -1, &out);
    CHECK(says(&out, ",,STALE,2025-06-15T15:06:40.000Z,HS,,mqtt\r\n"));
    pt_buf_reset(&out);
    hist_sample odd = { .tag_id = 1, .time_ms = NOW, .type = SPB_DOUBLE, .as.u64 = 0xfff8000000000000u };
    v.sample = &odd;
    hist_replay_csv(&v, -1, &out);
    CHECK(says(&out, ",Double,NaN,GOOD,2025-06-15T15:06:40.000Z,,AAAAAAAA+P8=,mqtt\r\n"));
    pt_buf_reset(&out);
    hist_replay_jsonl(&v, -1, &out);
    CHECK(says(&out, "\"value\":\"NaN\",\"quality\":\"GOOD\",\"base64\":\"AAAAAAAA+P8=\",\"source\":\"mqtt\","));
    v.sample = &s;
    pt_buf_reset(&out);
    hist_replay_csv(&v, NOW + 5, &out);
    CHECK_STR(
        pt_buf_view(&out),
        "0,2025-06-15T15:06:40.000Z,2025-06-15T15:06:40.005Z,value,a/b,,,,a/b,String,\"line\n\"\"two\"\", \xc3\xa4\",GOOD,2025-06-15T15:06:40.000Z,,,mqtt\r\n");
    pt_buf_fini(&out);
}

static void kinds_of_events_are_told(void)
{
    static const struct {
        const char *type, *kind;
    } rows[] = { { "nbirth", "birth" }, { "dbirth", "birth" }, { "ndeath", "death" },
                 { "ddeath", "death" }, { "write", "event" },  { "birth", "event" } };
    pt_buf out;
    pt_buf_init(&out, 1 << 16);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        hist_event e = { .seq = 1, .time_ms = NOW, .type = pt_cstr(rows[i].type) };
        hist_replay_item item = { .index = i, .time_ms = NOW, .kind = HIST_REPLAY_EVENT, .event = &e };
        char want[200];
        pt_buf_reset(&out);
        hist_replay_jsonl(&item, -1, &out);
        snprintf(want, sizeof want,
                 "{\"i\":%zu,\"v\":\"2025-06-15T15:06:40.000Z\",\"kind\":\"%s\",\"type\":\"%s\",\"orig\":\"2025-06-15T15:06:40.000Z\"}\n",
                 i, rows[i].kind, rows[i].type);
        CHECK_STR(pt_buf_view(&out), want);
        pt_buf_reset(&out);
        hist_replay_csv(&item, -1, &out);
        snprintf(want, sizeof want, "%zu,2025-06-15T15:06:40.000Z,,%s,,,,,,%s,,,2025-06-15T15:06:40.000Z,,,\r\n", i, rows[i].kind,
                 rows[i].type);
        CHECK_STR(pt_buf_view(&out), want);
    }
    pt_buf_fini(&out);
}

static unsigned fields(pt_slice line)
{
    unsigned n = 1;
    bool quoted = false;
    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] == '"') quoted = !quoted;
        n += line.ptr[i] == ',' && !quoted;
    }
    return n;
}

static void every_line_has_the_headers_columns(void)
{
    pt_buf header, out;
    pt_buf_init(&header, 1 << 10);
    pt_buf_init(&out, 1 << 20);
    hist_replay_csv_header(&header);
    unsigned want = fields(pt_buf_view(&header));
    CHECK_INT(want, 16);
    hist_tag tag = { .tag_id = 1, .key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_LIT("d"), PT_LIT("m") }, .path = PT_LIT("p") };
    static const uint8_t types[] = { SPB_INT8,   SPB_UINT64,   SPB_FLOAT, SPB_DOUBLE,      SPB_BOOLEAN,
                                     SPB_STRING, SPB_DATETIME, SPB_BYTES, SPB_INT32_ARRAY, SPB_TEXT };
    for (size_t t = 0; t < PT_COUNT_OF(types); t++) {
        for (int null = 0; null < 2; null++) {
            hist_sample s = { .tag_id = 1, .time_ms = NOW, .type = types[t], .flags = null ? HIST_NULL : 0 };
            if (hist__family_of_type(types[t]) == HIST__BYTES) s.as.ptr = "\1\0\0\0,\"\n\1", s.len = 8;
            hist_replay_item item = { .index = t, .time_ms = NOW, .kind = HIST_REPLAY_VALUE, .tag = &tag, .sample = &s };
            pt_buf_reset(&out);
            hist_replay_csv(&item, NOW, &out);
            CHECK_ROW(spb_datatype_name(types[t]), pt_buf_status(&out) == PT_OK && fields(pt_buf_view(&out)) == want);
            CHECK_ROW(spb_datatype_name(types[t]), out.len > 2 && memcmp(out.ptr + out.len - 2, "\r\n", 2) == 0);
        }
    }
    pt_buf_fini(&out);
    pt_buf_fini(&header);
}

static void a_line_that_does_not_fit_is_a_failure_not_a_shorter_line(void)
{
    hist_tag tag = { .tag_id = 1, .key = { PT_LIT("mqtt"), PT_LIT(""), PT_LIT(""), PT_LIT(""), PT_LIT("m") }, .path = PT_LIT("p") };
    char word[500];
    memset(word, 'x', sizeof word - 1);
    word[sizeof word - 1] = 0;
    hist_sample s = str(1, NOW, word);
    hist_replay_item item = { .time_ms = NOW, .kind = HIST_REPLAY_VALUE, .tag = &tag, .sample = &s };
    for (int csv = 0; csv < 2; csv++) {
        pt_buf out;
        pt_buf_init(&out, 300);
        if (csv) hist_replay_csv(&item, -1, &out);
        else hist_replay_jsonl(&item, -1, &out);
        CHECK_STATUS(pt_buf_status(&out), PT_ETOOBIG);
        pt_buf_fini(&out);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(the_lines_have_the_documented_form),
        PT_TEST(plain_topics_have_no_node),
        PT_TEST(kinds_of_events_are_told),
        PT_TEST(every_line_has_the_headers_columns),
        PT_TEST(a_line_that_does_not_fit_is_a_failure_not_a_shorter_line),
    };
    return pt_test_main("historian/replay_text", tests, PT_COUNT_OF(tests), argc, argv);
}
