/* tests/host/cli/data_test.c -- history, events and replay out of a data directory, with and without a writer beside. */
#include "historian/historian.h"
#include "tests/host/cli/run.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>

static char dir[300];
static hist *writer;
static pt_fake_clock clock_;
enum { T0 = 1763848992 }; /* seconds */
#define AT(ms) ((int64_t)T0 * 1000 + (ms))

static void open_writer(void)
{
    hist_options o;
    pt_error err = { 0 };
    hist_options_init(&o);
    o.dir = dir;
    o.commit_interval_ms = 10;
    pt_fake_clock_init(&clock_, AT(100000));
    pt_status st = hist_open(&o, pt_clock_system(), NULL, &writer, &err);
    pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "hist_open: %s", err.text);
}

static uint32_t tag(const char *device, const char *metric, const char *path, spb_datatype type, const char *unit)
{
    const hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), pt_cstr(device), pt_cstr(metric) };
    uint32_t id = 0;
    CHECK_OK_FATAL(hist_tag_ensure(writer, &key, pt_cstr(path), type, pt_cstr(unit), &id));
    return id;
}

static void sample(uint32_t id, int64_t ms, spb_value v, spb_quality q)
{
    hist_sample s;
    hist_sample_from_value(&s, id, ms, &v, q);
    CHECK_OK_FATAL(hist_append(writer, &s, 1));
}

static void fill(void)
{
    pt_error err = { 0 };
    uint32_t level = tag("d", "Level", "g/e/d/Level", SPB_DOUBLE, "m"), name = tag("d", "Name, \"x\"", "g/e/d/Name, \"x\"", SPB_STRING, "");
    for (int i = 0; i < 3000; i++)
        sample(level, AT(i * 10), (spb_value){ .type = SPB_DOUBLE, .as.f64 = i / 10.0 }, i % 1000 == 999 ? SPB_UNCERTAIN : SPB_GOOD);
    sample(level, AT(30000), (spb_value){ .type = SPB_DOUBLE, .is_null = true }, SPB_BAD);
    sample(name, AT(5), (spb_value){ .type = SPB_STRING, .as.bytes = PT_LIT("a, \"b\"\n") }, SPB_GOOD);
    const hist_event birth = { .time_ms = AT(0), .type = PT_LIT("nbirth"), .node = PT_LIT("g/e"), .detail = PT_LIT("{\"bd_seq\":1}") };
    const hist_event death = { .time_ms = AT(40000), .type = PT_LIT("ddeath"), .node = PT_LIT("g/e"), .device = PT_LIT("d") };
    CHECK_OK_FATAL(hist_event_append(writer, &birth));
    CHECK_OK_FATAL(hist_event_append(writer, &death));
    CHECK_OK_FATAL(hist_flush(writer, 10000, &err));
}

static outcome data(const char *const *args)
{
    const char *all[32] = { "--data", dir };
    size_t n = 2;
    for (; *args && n < 31; args++)
        all[n++] = *args;
    return run_plantree(NULL, all);
}
#define DATA(...) data((const char *const[]){ __VA_ARGS__, NULL })
#define RANGE     "--from", "2025-11-22T22:03:12Z", "--to", "2025-11-22T22:05:00Z"

static size_t lines(const pt_buf *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->len; i++)
        n += b->ptr[i] == '\n';
    return n;
}

static void history_is_read_beside_the_writer(void)
{
    outcome o = DATA("history", "g/e/d/Level", RANGE, "--format", "csv");
    CHECK_INT(o.code, 0);
    CHECK_INT(lines(&o.out), 3002);
    CHECK(outcome_says(
        &o.out,
        "time,path,value,quality,type,flags,base64\n2025-11-22T22:03:12.000Z,g/e/d/Level,0,GOOD,Double,,\n2025-11-22T22:03:12.010Z,g/e/d/Level,0.1,GOOD,Double,,\n"));
    CHECK(outcome_says(&o.out, "22:03:21.990Z,g/e/d/Level,99.9,UNCERTAIN,Double,,\n"));
    CHECK(outcome_says(&o.out, "22:03:42.000Z,g/e/d/Level,,BAD,Double,N,\n"));
    outcome_release(&o);
    o = DATA("history", "g/e/d/Name, \"x\"", RANGE, "--format", "csv");
    CHECK_STR(
        pt_buf_view(&o.out),
        "time,path,value,quality,type,flags,base64\n2025-11-22T22:03:12.005Z,\"g/e/d/Name, \"\"x\"\"\",\"a, \"\"b\"\"\n\",GOOD,String,,\n");
    outcome_release(&o);
    o = DATA("history", "g/e/d/Level", "--from", "2025-11-22T22:03:12Z", "--to", "2025-11-22T22:03:12.025Z", "--json");
    CHECK_STR(
        pt_buf_view(&o.out),
        "{\"from_ms\":1763848992000,\"to_ms\":1763848992025,\"series\":[{\"path\":\"g/e/d/Level\",\"tag_id\":1,\"unit\":\"m\","
        "\"type\":\"Double\",\"t\":[1763848992000,1763848992010,1763848992020],\"v\":[0,0.1,0.2],\"q\":\"GGG\",\"raw_count\":3,\"reduced\":\"raw\",\"breaks\":[]}]}\n");
    outcome_release(&o);
    o = DATA("history", "g/e/d/none", RANGE);
    CHECK_INT(o.code, 1);
    CHECK(outcome_says(&o.err, "there is no tag g/e/d/none"));
    outcome_release(&o);
}

static void intervals_and_reductions_are_answered(void)
{
    outcome o = DATA("history", "g/e/d/Level", "--from", "2025-11-22T22:03:12Z", "--to", "2025-11-22T22:04:02Z", "--interval", "10s",
                     "--fn", "count,avg,max,last", "--format", "csv");
    CHECK_INT(o.code, 0);
    CHECK(outcome_says(&o.out, "time,path,count,avg,max,last\n"
                               "2025-11-22T22:03:12.000Z,g/e/d/Level,1000,49.95,99.9,99.9\n"
                               "2025-11-22T22:03:22.000Z,g/e/d/Level,1000,149.95"));
    CHECK_INT(lines(&o.out), 6);
    outcome_release(&o);
    o = DATA("history", "g/e/d/Level", "--from", "2025-11-22T22:03:12Z", "--to", "2025-11-22T22:04:02Z", "--interval", "25s", "--fn",
             "count,min", "--json");
    CHECK_STR(pt_buf_view(&o.out), "{\"from_ms\":1763848992000,\"to_ms\":1763849042000,\"series\":[{\"path\":\"g/e/d/Level\",\"tag_id\":1,"
                                   "\"unit\":\"m\",\"type\":\"Double\",\"interval_ms\":25000,\"t\":[1763848992000,1763849017000],"
                                   "\"count\":[2500,501],\"min\":[0,250]}]}\n");
    outcome_release(&o);
    o = DATA("history", "g/e/d/Level", RANGE, "--max-points", "100", "--json");
    CHECK_INT(o.code, 0);
    CHECK(o.out.len < 10000 && outcome_says(&o.out, "\"raw_count\":3001"));
    outcome_release(&o);
}

static void intervals_of_a_time_zone_are_those_of_its_calendar(void)
{
    outcome o = DATA("history", "g/e/d/Level", "--from", "2025-10-25T22:00:00Z", "--to", "2025-11-30T23:00:00Z", "--interval", "1mo",
                     "--tz", "Europe/Berlin", "--fn", "count,last", "--format", "csv");
    CHECK_INT(o.code, 0);
    CHECK(outcome_says(&o.out, "2025-10-25T22:00:00.000Z,g/e/d/Level,0,\n2025-10-31T23:00:00.000Z,g/e/d/Level,3001,299.9\n"));
    CHECK_INT(lines(&o.out), 3);
    outcome_release(&o);
    o = DATA("history", "g/e/d/Level", "--from", "2025-10-25T22:00:00Z", "--to", "2025-10-27T23:00:00Z", "--interval", "1d", "--tz",
             "Europe/Berlin", "--fn", "count", "--json");
    CHECK(outcome_says(&o.out, "\"interval\":\"1d\",\"tz\":\"Europe/Berlin\",\"t\":[1761429600000,1761519600000],")); /* 25 hours */
    outcome_release(&o);
    o = DATA("history", "g/e/d/Level", RANGE, "--interval", "7m", "--tz", "Europe/Berlin");
    CHECK_INT(o.code, 2);
    CHECK(outcome_says(&o.err, "7m"));
    outcome_release(&o);
    o = DATA("history", "g/e/d/Level", RANGE, "--interval", "1d", "--tz", "Europe/Atlantis");
    CHECK_INT(o.code, 2);
    CHECK(outcome_says(&o.err, "Europe/Atlantis"));
    outcome_release(&o);
    o = DATA("history", "g/e/d/Level", RANGE, "--tz", "UTC");
    CHECK_INT(o.code, 2);
    CHECK(outcome_says(&o.err, "--tz needs --interval"));
    outcome_release(&o);
}

/* One tag each; the last four are of one tag, whose type changes. */
static const struct {
    const char *path;
    spb_datatype type;
    uint64_t bits;  /* of a number */
    pt_slice bytes; /* of all else */
    uint8_t flags;
} odd[] = {
    { "odd/i64", SPB_INT64, UINT64_C(1) << 63, { 0 }, 0 },
    { "odd/u64", SPB_UINT64, UINT64_MAX, { 0 }, 0 },
    { "odd/u64h", SPB_UINT64, UINT64_C(1) << 63, { 0 }, HIST_HISTORICAL },
    { "odd/i8", SPB_INT8, (uint64_t)-128, { 0 }, 0 },
    { "odd/f32", SPB_FLOAT, 0x3dcccccdu, { 0 }, 0 },
    { "odd/nan32", SPB_FLOAT, 0xffc00001u, { 0 }, 0 },
    { "odd/nan64", SPB_DOUBLE, 0xfff8000000000000u, { 0 }, HIST_HISTORICAL },
    { "odd/nan", SPB_DOUBLE, 0x7ff8000000000000u, { 0 }, 0 },
    { "odd/-0", SPB_DOUBLE, UINT64_C(1) << 63, { 0 }, 0 },
    { "odd/time", SPB_DATETIME, 1763848992123, { 0 }, 0 },
    { "odd/bool", SPB_BOOLEAN, 1, { 0 }, 0 },
    { "odd/null", SPB_INT32, 0, { 0 }, HIST_NULL | HIST_HISTORICAL },
    { "odd/empty", SPB_STRING, 0, { "", 0 }, 0 },
    { "odd/text", SPB_STRING, 0, { " a, \"b\"\r\n ", 10 }, 0 },
    { "odd/no text", SPB_STRING, 0, { "\xff\xfe", 2 }, 0 },
    { "odd/bytes", SPB_BYTES, 0, { "\0\xff", 2 }, 0 },
    { "odd/array", SPB_UINT64_ARRAY, 0, { "\xff\xff\xff\xff\xff\xff\xff\xff\1\0\0\0\0\0\0\0", 16 }, 0 },
    { "odd/nans", SPB_DOUBLE_ARRAY, 0, { "\0\0\0\0\0\0\xf8\xff", 8 }, 0 },
    { "odd/no array", SPB_BOOLEAN_ARRAY, 0, { "", 0 }, 0 },
    { "odd/document", SPB_TEMPLATE, 0, { "{\"members\":{\"a\":1.50}}", 22 }, 0 },
    { "odd/no document", SPB_TEMPLATE, 0, { "", 0 }, 0 },
    { "odd/types", SPB_INT32, 7, { 0 }, 0 },
    { "odd/types", SPB_DOUBLE, 0x401c000000000000u, { 0 }, 0 },
    { "odd/types", SPB_STRING, 0, { "7", 1 }, HIST_HISTORICAL },
    { "odd/types", SPB_STRING, 0, { 0 }, HIST_NULL },
};

static hist_sample odd_sample(size_t i, uint32_t id)
{
    hist_sample s = { .tag_id = id,
                      .time_ms = AT((int64_t)i),
                      .type = (uint8_t)odd[i].type,
                      .quality = i % 5 == 4 ? SPB_UNCERTAIN : SPB_GOOD,
                      .flags = odd[i].flags,
                      .as.u64 = odd[i].bits };
    if (odd[i].bytes.ptr) {
        s.as.ptr = odd[i].bytes.ptr;
        s.len = (uint32_t)odd[i].bytes.len;
    }
    return s;
}

static bool is_odd_sample(size_t i, const hist_sample *s)
{
    hist_sample want = odd_sample(i, s->tag_id);
    if (s->time_ms != want.time_ms || s->type != want.type || s->quality != want.quality || s->flags != want.flags) return false;
    if (odd[i].bytes.ptr) return pt_slice_eq(pt_slice_of(s->as.ptr, s->len), odd[i].bytes);
    return (want.flags & HIST_NULL) || s->as.u64 == want.as.u64;
}

static void write_file(const char *path, const pt_buf *text)
{
    FILE *f = fopen(path, "w");
    CHECK_FATAL(f && fwrite(text->ptr, 1, text->len, f) == text->len && fclose(f) == 0);
}

static void check_odd_samples(const char *where)
{
    pt_error err = { 0 };
    hist *h = NULL;
    hist_options o;
    pt_arena arena;
    hist_options_init(&o);
    o.dir = where;
    o.read_only = true;
    CHECK_OK_FATAL(hist_open(&o, pt_clock_system(), NULL, &h, &err));
    pt_arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < PT_COUNT_OF(odd); i++) {
        hist_tag t;
        hist_sample s;
        CHECK_OK_FATAL(hist_tag_by_path(h, pt_cstr(odd[i].path), &arena, &t));
        CHECK_OK(hist_value_at(h, hist_of_tag(t.tag_id), AT((int64_t)i), &arena, &s));
        CHECK_ROW(odd[i].path, is_odd_sample(i, &s));
    }
    pt_arena_fini(&arena);
    CHECK_OK(hist_close(h, 1000, &err));
}

/* What the call says, imported into a directory of its own, is `odd` again. */
static void check_import(const char *const *args, const char *name, const char *format)
{
    char file[320], fresh[320];
    snprintf(file, sizeof file, "%s/%s.%s", pt_test_dir(), name, format);
    snprintf(fresh, sizeof fresh, "%s/%s-%s", pt_test_dir(), name, format);
    outcome a = run_plantree(NULL, args);
    CHECK_INT(a.code, 0);
    write_file(file, &a.out);
    outcome b = run_plantree(NULL, (const char *const[]){ "import", file, "--data", fresh, "--format", format, NULL });
    if (b.code) printf("%s", b.err.ptr);
    CHECK_INT(b.code, 0);
    outcome_release(&a);
    outcome_release(&b);
    check_odd_samples(fresh);
}

static void a_history_as_csv_is_imported_without_a_loss(void)
{
    const char *args[64] = { "--data", dir, "history", "--format", "csv", RANGE };
    size_t n = 9;
    pt_error err = { 0 };
    for (size_t i = 0; i < PT_COUNT_OF(odd); i++) {
        hist_sample s = odd_sample(i, tag("o", odd[i].path, odd[i].path, odd[i].type, ""));
        CHECK_OK_FATAL(hist_append(writer, &s, 1));
        if (strcmp(args[n - 1], odd[i].path) != 0) args[n++] = odd[i].path;
    }
    CHECK_OK_FATAL(hist_flush(writer, 10000, &err));
    check_import(args, "history", "csv");
}

static void a_replay_is_imported_without_a_loss(void)
{
    static const char *const formats[] = { "csv", "jsonl" };
    for (size_t i = 0; i < PT_COUNT_OF(formats); i++) {
        const char *const args[] = { "--data", dir, "replay", "run", RANGE, "--speed", "max", "--to-stdout", formats[i], NULL };
        check_import(args, "replay", formats[i]); /* with two events among them */
    }
}

/* JSON says the same in lists beside its columns, and no more than it must. */
static void a_history_as_json_says_what_its_columns_leave_open(void)
{
    outcome o = DATA("history", RANGE, "odd/types", "--json");
    CHECK(outcome_says(
        &o.out,
        "\"type\":\"String\",\"t\":[1763848992021,1763848992022,1763848992023,1763848992024],\"v\":[7,7,\"7\",null],\"q\":\"GGGU\",\"raw_count\":4,\"reduced\":\"raw\",\"breaks\":[],"
        "\"types\":[[0,\"Int32\"],[1,\"Double\"],[2,\"String\"]],\"flags\":[[2,\"H\"],[3,\"\"]]}]}\n"));
    outcome_release(&o);
    o = DATA("history", RANGE, "odd/nan64", "odd/no document", "odd/nan", "--json");
    CHECK(outcome_says(
        &o.out,
        "\"v\":[\"NaN\"],\"q\":\"G\",\"raw_count\":1,\"reduced\":\"raw\",\"breaks\":[],\"flags\":[[0,\"H\"]],\"base64\":[[0,\"AAAAAAAA+P8=\"]]},{"));
    CHECK(outcome_says(&o.out, "\"v\":[null],\"q\":\"G\",\"raw_count\":1,\"reduced\":\"raw\",\"breaks\":[],\"base64\":[[0,\"\"]]},{"));
    CHECK(outcome_says(&o.out, "\"v\":[\"NaN\"],\"q\":\"G\",\"raw_count\":1,\"reduced\":\"raw\",\"breaks\":[]}]}\n"));
    outcome_release(&o);
    o = DATA("history", RANGE, "odd/types", "no/such", "--json");
    CHECK_INT(o.code, 1);
    CHECK_INT(o.out.len, 0); /* no document for a call that fails */
    outcome_release(&o);
}

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* One and a half million samples are 30 MB of JSON, 21 of which come before the rest; what is not written yet waits in a file. */
static void a_long_history_is_written_in_little_memory(void)
{
    enum { N = 1500000, AT_ONCE = 10000, LIMIT_KB = 8192 };
    static hist_sample some[AT_ONCE];
    hist *h = writer;
    const char *const formats[] = { "json", "csv" };
    uint32_t id = tag("d", "Long", "g/e/d/Long", SPB_DOUBLE, "");
    pt_error err = { 0 };
    for (int i = 0; i < N; i += AT_ONCE) {
        for (int k = 0; k < AT_ONCE; k++)
            some[k] = (hist_sample){ .tag_id = id, .time_ms = AT(i + k) + 86400000, .type = SPB_DOUBLE, .as.f64 = (i + k) % 1000 / 10.0 };
        CHECK_OK_FATAL(hist_append(h, some, AT_ONCE));
    }
    CHECK_OK_FATAL(hist_flush(h, 20000, &err));
    CHECK_OK_FATAL(hist_seal(h, &err)); /* a reader holds what is not in blocks in memory */
    for (size_t i = 0; i < PT_COUNT_OF(formats); i++) {
        const char *const args[] = { "--data", dir,          "history",  "g/e/d/Long", "--from", "2025-11-23",
                                     "--to",   "2025-11-26", "--format", formats[i],   NULL };
        outcome o = SANITIZED ? run_plantree(NULL, args) : run_plantree_within(LIMIT_KB, args);
        if (o.code) printf("%s: %s", formats[i], o.err.ptr);
        CHECK_INT(o.code, 0);
        CHECK(o.out.len > 20000000);
        if (i == 0)
            CHECK(outcome_says(&o.out, "],\"q\":\"GGGG") &&
                  outcome_says(&o.out, "GGG\",\"raw_count\":1500000,\"reduced\":\"raw\",\"breaks\":[]}]}\n"));
        outcome_release(&o);
    }
}

static void events_have_the_contracts_shape(void)
{
    outcome o = DATA("events", RANGE, "--json");
    CHECK_INT(o.code, 0);
    CHECK_STR(
        pt_buf_view(&o.out),
        "[{\"seq\":1,\"time_ms\":1763848992000,\"type\":\"nbirth\",\"node\":\"g/e\",\"device\":null,\"path\":null,\"detail\":{\"bd_seq\":1}},"
        "{\"seq\":2,\"time_ms\":1763849032000,\"type\":\"ddeath\",\"node\":\"g/e\",\"device\":\"d\",\"path\":null,\"detail\":{}}]\n");
    outcome_release(&o);
    o = DATA("events", RANGE, "--type", "ddeath");
    CHECK_INT(lines(&o.out), 2);
    CHECK(outcome_says(&o.out, "  2  2025-11-22T22:03:52.000Z  ddeath  g/e   d       -     -\n"));
    outcome_release(&o);
}

static void a_replay_gives_the_same_bytes_every_time(void)
{
    static const char *const formats[] = { "jsonl", "csv" };
    for (size_t i = 0; i < 2; i++) {
        outcome a = DATA("replay", "run", RANGE, "--speed", "max", "--to-stdout", formats[i]);
        outcome b = DATA("replay", "run", RANGE, "--speed", "max", "--to-stdout", formats[i]);
        CHECK_INT(a.code, 0);
        CHECK(a.out.len > 100000);
        CHECK(pt_slice_eq(pt_buf_view(&a.out), pt_buf_view(&b.out)));
        outcome_release(&a);
        outcome_release(&b);
    }
    outcome o =
        DATA("replay", "run", RANGE, "--speed=max", "--to-stdout=jsonl", "--select", "g/**", "--select", "!**/Level", "--no-events");
    CHECK_INT(lines(&o.out), 1);
    CHECK(outcome_says(&o.out, "\"kind\":\"value\",\"path\":\"g/e/d/Name, \\\"x\\\"\""));
    outcome_release(&o);
    o = DATA("replay", "run", RANGE, "--speed=max", "--to-stdout=csv", "--select", "**/Level", "--loop", "2", "--no-events");
    CHECK_INT(lines(&o.out), 1 + 2 * 3001);
    outcome_release(&o);
}

static void a_paced_replay_keeps_its_pace(void)
{
    int64_t before = pt_mono_ms(pt_clock_system());
    outcome o = DATA("replay", "run", "--from", "2025-11-22T22:03:12Z", "--to", "2025-11-22T22:03:22Z", "--speed", "50", "--to-stdout",
                     "jsonl", "--select", "**/Level", "--no-events");
    int64_t took = pt_mono_ms(pt_clock_system()) - before;
    CHECK_INT(o.code, 0);
    CHECK_INT(lines(&o.out), 1000);
    CHECK(took >= 190 && took < 5000); /* 9.99 s at 50 times the speed */
    CHECK(outcome_says(&o.out, "\"w\":\""));
    outcome_release(&o);
}

static void a_directory_that_is_none_is_said(void)
{
    outcome o = run_plantree(NULL, (const char *const[]){ "--data", "/nonexistent/x", "events", NULL });
    CHECK_INT(o.code, 1);
    CHECK(outcome_says(&o.err, "/nonexistent/x"));
    outcome_release(&o);
    o = run_plantree(NULL, (const char *const[]){ "--data", pt_test_dir(), "history", "a", NULL });
    CHECK_INT(o.code, 1);
    CHECK(o.err.len > 0);
    outcome_release(&o);
}

static void the_rest_works_on_after_the_writer_is_gone(void)
{
    pt_error err = { 0 };
    CHECK_OK(hist_close(writer, 10000, &err));
    writer = NULL;
    history_is_read_beside_the_writer();
    events_have_the_contracts_shape();
    a_replay_gives_the_same_bytes_every_time();
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(open_writer),
        PT_TEST(fill),
        PT_TEST(history_is_read_beside_the_writer),
        PT_TEST(intervals_and_reductions_are_answered),
        PT_TEST(intervals_of_a_time_zone_are_those_of_its_calendar),
        PT_TEST(events_have_the_contracts_shape),
        PT_TEST(a_history_as_csv_is_imported_without_a_loss),
        PT_TEST(a_replay_is_imported_without_a_loss),
        PT_TEST(a_history_as_json_says_what_its_columns_leave_open),
        PT_TEST(a_long_history_is_written_in_little_memory),
        PT_TEST(a_replay_gives_the_same_bytes_every_time),
        PT_TEST(a_paced_replay_keeps_its_pace),
        PT_TEST(a_directory_that_is_none_is_said),
        PT_TEST(the_rest_works_on_after_the_writer_is_gone),
    };
    snprintf(dir, sizeof dir, "%s/data", pt_test_dir());
    int rc = pt_test_main("host/cli/data", tests, PT_COUNT_OF(tests), argc, argv);
    if (writer) {
        pt_status st = hist_close(writer, 1000, NULL);
        rc = rc || st;
    }
    return rc;
}
