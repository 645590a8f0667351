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
#define RANGE "--from", "2025-11-22T22:03:12Z", "--to", "2025-11-22T22:05:00Z"

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
    CHECK(outcome_says(&o.out, "time,path,value,quality\n2025-11-22T22:03:12.000Z,g/e/d/Level,0,GOOD\n2025-11-22T22:03:12.010Z,g/e/d/Level,0.1,GOOD\n"));
    CHECK(outcome_says(&o.out, "22:03:21.990Z,g/e/d/Level,99.9,UNCERTAIN\n"));
    CHECK(outcome_says(&o.out, "22:03:42.000Z,g/e/d/Level,,BAD\n"));
    outcome_release(&o);
    o = DATA("history", "g/e/d/Name, \"x\"", RANGE, "--format", "csv");
    CHECK_STR(pt_buf_view(&o.out), "time,path,value,quality\n2025-11-22T22:03:12.005Z,\"g/e/d/Name, \"\"x\"\"\",\"a, \"\"b\"\"\n\",GOOD\n");
    outcome_release(&o);
    o = DATA("history", "g/e/d/Level", "--from", "2025-11-22T22:03:12Z", "--to", "2025-11-22T22:03:12.025Z", "--json");
    CHECK_STR(pt_buf_view(&o.out), "{\"from_ms\":1763848992000,\"to_ms\":1763848992025,\"series\":[{\"path\":\"g/e/d/Level\",\"tag_id\":1,\"unit\":\"m\","
                                   "\"type\":\"Double\",\"t\":[1763848992000,1763848992010,1763848992020],\"v\":[0,0.1,0.2],\"q\":\"GGG\",\"raw_count\":3}]}\n");
    outcome_release(&o);
    o = DATA("history", "g/e/d/none", RANGE);
    CHECK_INT(o.code, 1);
    CHECK(outcome_says(&o.err, "there is no tag 'g/e/d/none' in "));
    outcome_release(&o);
}

static void intervals_and_reductions_are_answered(void)
{
    outcome o = DATA("history", "g/e/d/Level", "--from", "2025-11-22T22:03:12Z", "--to", "2025-11-22T22:04:02Z", "--interval", "10s", "--fn",
                     "count,avg,max,last", "--format", "csv");
    CHECK_INT(o.code, 0);
    CHECK(outcome_says(&o.out, "time,path,count,avg,max,last\n"
                               "2025-11-22T22:03:12.000Z,g/e/d/Level,1000,49.95,99.9,99.9\n"
                               "2025-11-22T22:03:22.000Z,g/e/d/Level,1000,149.95"));
    CHECK_INT(lines(&o.out), 6);
    outcome_release(&o);
    o = DATA("history", "g/e/d/Level", "--from", "2025-11-22T22:03:12Z", "--to", "2025-11-22T22:04:02Z", "--interval", "25s", "--fn", "count,min",
             "--json");
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
    outcome o = DATA("history", "g/e/d/Level", "--from", "2025-10-25T22:00:00Z", "--to", "2025-11-30T23:00:00Z", "--interval", "1mo", "--tz", "Europe/Berlin", "--fn", "count,last", "--format", "csv");
    CHECK_INT(o.code, 0);
    CHECK(outcome_says(&o.out, "2025-10-25T22:00:00.000Z,g/e/d/Level,0,\n2025-10-31T23:00:00.000Z,g/e/d/Level,3001,299.9\n"));
    CHECK_INT(lines(&o.out), 3);
    outcome_release(&o);
    o = DATA("history", "g/e/d/Level", "--from", "2025-10-25T22:00:00Z", "--to", "2025-10-27T23:00:00Z", "--interval", "1d", "--tz", "Europe/Berlin", "--fn", "count", "--json");
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

static void events_have_the_contracts_shape(void)
{
    outcome o = DATA("events", RANGE, "--json");
    CHECK_INT(o.code, 0);
    CHECK_STR(pt_buf_view(&o.out), "[{\"seq\":1,\"time_ms\":1763848992000,\"type\":\"nbirth\",\"node\":\"g/e\",\"device\":null,\"path\":null,\"detail\":{\"bd_seq\":1}},"
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
    outcome o = DATA("replay", "run", RANGE, "--speed=max", "--to-stdout=jsonl", "--select", "g/**", "--select", "!**/Level", "--no-events");
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
    outcome o = DATA("replay", "run", "--from", "2025-11-22T22:03:12Z", "--to", "2025-11-22T22:03:22Z", "--speed", "50", "--to-stdout", "jsonl",
                     "--select", "**/Level", "--no-events");
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
        PT_TEST(open_writer), PT_TEST(fill), PT_TEST(history_is_read_beside_the_writer), PT_TEST(intervals_and_reductions_are_answered), PT_TEST(intervals_of_a_time_zone_are_those_of_its_calendar),
        PT_TEST(events_have_the_contracts_shape), PT_TEST(a_replay_gives_the_same_bytes_every_time), PT_TEST(a_paced_replay_keeps_its_pace),
        PT_TEST(a_directory_that_is_none_is_said), PT_TEST(the_rest_works_on_after_the_writer_is_gone),
    };
    snprintf(dir, sizeof dir, "%s/data", pt_test_dir());
    int rc = pt_test_main("host/cli/data", tests, PT_COUNT_OF(tests), argc, argv);
    if (writer) {
        pt_status st = hist_close(writer, 1000, NULL);
        rc = rc || st;
    }
    return rc;
}
