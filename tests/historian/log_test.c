/* tests/historian/log_test.c -- the change log: every change once, in order, from any point, also while it is being written and trimmed. */
#include "historian/read/log.h"
#include "historian/maintain.h"
#include "historian/write/write.h"
#include "tests/support/check.h"

#include <stdio.h>

static const int64_t NOW = 1750000000000;
static pt_fake_clock fake;

typedef struct tally {
    uint64_t last, samples, events, disorder;
    int64_t next_value;
    uint64_t stop_after;
} tally;

static bool count_change(void *ctx, const hist_change *c)
{
    tally *t = ctx;
    t->disorder += c->seq <= t->last;
    t->last = c->seq;
    if (c->sample) {
        t->disorder += c->sample->as.i64 != t->next_value++;
        t->samples++;
    }
    t->events += c->event != NULL;
    return t->stop_after == 0 || t->samples + t->events < t->stop_after;
}

static hist *open_at(const char *dir, uint64_t log_bytes)
{
    hist_options o;
    hist *h = NULL;
    hist_options_init(&o);
    o.dir = dir;
    o.block_samples = 50;
    o.commit_interval_ms = 10;
    o.log_bytes = log_bytes;
    CHECK_OK_FATAL(hist_open(&o, &fake.clock, NULL, &h, NULL));
    return h;
}

static void put(hist *h, int from, int n)
{
    static uint32_t id;
    hist_tag_key key = { PT_LIT("mqtt"), PT_NONE, PT_NONE, PT_NONE, PT_LIT("a/b") };
    CHECK_OK_FATAL(hist_tag_ensure(h, &key, PT_LIT("a/b"), SPB_INT64, PT_NONE, &id));
    for (int i = from; i < from + n; i++) {
        hist_sample s = { .tag_id = id, .time_ms = NOW + i, .type = SPB_INT64, .as.i64 = i };
        CHECK_OK(hist_append(h, &s, 1));
        CHECK_OK(hist_append(h, &s, 1)); /* a duplicate is no change */
        if (i % 100 == 0) {
            hist_event e = { .time_ms = NOW + i, .type = PT_LIT("write") };
            CHECK_OK(hist_event_append(h, &e));
        }
    }
    CHECK_OK(hist_flush(h, 10000, NULL));
}

static void every_change_is_read_once_from_any_point(void)
{
    const char *dir = pt_test_dir();
    hist *h = open_at(dir, 1 << 30);
    hist_log_range r;
    tally t = { 0 };
    CHECK_OK(hist_log_read(h, 0, 0, count_change, &t, &r, NULL));
    CHECK_INT(r.newest, 0);
    for (int k = 0; k < 10; k++) {
        put(h, k * 100, 100);
        if (k % 3 == 2) CHECK_OK(hist_seal(h, NULL));
        if (k == 6) {
            CHECK_OK(hist_close(h, 1000, NULL));
            h = open_at(dir, 1 << 30);
        }
        CHECK_OK(hist_log_read(h, t.last, 0, count_change, &t, &r, NULL)); /* a consumer that follows */
        CHECK_INT(r.next_after, t.last);
        CHECK_INT(t.samples, (k + 1) * 100);
        CHECK_INT(t.events, k + 1);
    }
    CHECK_INT(t.disorder, 0);
    CHECK_INT(r.oldest, 1);
    CHECK_INT(r.newest, 1010);
    tally again = { .stop_after = 7 }; /* in small helpings from the start */
    for (int k = 0; k < 1000 && again.last < r.newest; k++) {
        again.stop_after = again.samples + again.events + 7;
        CHECK_OK(hist_log_read(h, again.last, 5, count_change, &again, &r, NULL));
    }
    CHECK(again.samples == 1000 && again.events == 10 && again.disorder == 0);
    CHECK_OK(hist_close(h, 1000, NULL));
}

static void what_was_trimmed_is_said(void)
{
    hist *h = open_at(pt_test_dir(), 0);
    for (int k = 0; k < 5; k++) {
        put(h, k * 100, 100);
        CHECK_OK(hist_seal(h, NULL));
    }
    hist_log_range r;
    tally t = { 0 };
    pt_error err = { 0 };
    CHECK_STATUS(hist_log_read(h, 0, 0, count_change, &t, &r, &err), PT_ESTATE);
    CHECK(r.oldest > 1 && r.newest == 505);
    t.next_value = 500 - (int64_t)(r.newest - r.oldest + 1);
    CHECK_OK(hist_log_read(h, r.oldest - 1, 0, count_change, &t, &r, &err));
    CHECK_INT(t.last, 505);
    CHECK_INT(t.disorder, 0);
    CHECK_OK(hist_close(h, 1000, NULL));
}

static void say(hist *h, int64_t at_ms)
{
    hist_event e = { .time_ms = at_ms, .type = PT_LIT("write") };
    CHECK_OK(hist_event_append(h, &e));
    CHECK_OK(hist_flush(h, 10000, NULL));
}

static uint64_t events_left(const char *dir)
{
    sqlite3 *db = NULL;
    int64_t n = 0;
    char path[600];
    snprintf(path, sizeof path, "%s/catalog.db", dir);
    CHECK_OK_FATAL(hist__db_open(path, HIST__CATALOG, true, &db, NULL));
    CHECK_OK(hist__db_number(db, "SELECT count(*) FROM event", &n, NULL));
    hist__db_close(db);
    return (uint64_t)n;
}

/* Events that are old by their time, but new in the log: retention leaves them as long as the log reaches back to them. */
static void retention_makes_no_holes(void)
{
    char dir[520];
    snprintf(dir, sizeof dir, "%s/holes", pt_test_dir());
    hist *h = open_at(dir, 1 << 30);
    hist_retention r = { .before_ms = NOW - 1000 };
    hist_retention_result out;
    hist_log_range range;
    for (int i = 0; i < 10; i++) {
        put(h, 1 + i, 1);
        say(h, i % 2 ? NOW - 5000 : NOW);
    }
    for (int i = 0; i < 3; i++)
        say(h, NOW - 5000); /* behind the last sample */
    CHECK_OK(hist_retention_apply(h, &r, &out, NULL));
    CHECK_INT(out.events, 0);
    tally t = { .next_value = 1 };
    CHECK_OK(hist_log_read(h, 0, 0, count_change, &t, &range, NULL));
    CHECK(t.samples == 10 && t.events == 13 && t.disorder == 0 && range.oldest == 1 && range.next_after == range.newest);
    CHECK_OK(hist_close(h, 1000, NULL));
    h = open_at(dir, 0); /* now nothing but the last row is kept of the log */
    CHECK_OK(hist_seal(h, NULL));
    CHECK_OK(hist_retention_apply(h, &r, &out, NULL));
    CHECK(out.events == 4); /* of the five old ones the last has a number behind that row's */
    CHECK_OK(hist_log_read(h, 22, 0, count_change, &t, &range, NULL));
    CHECK(range.oldest > 1 && range.next_after == range.newest);
    CHECK_OK(hist_close(h, 1000, NULL));
}

/* Of events alone the oldest may go: reading begins behind them, and does not wait for what will not come. */
static void events_without_samples_can_be_followed(void)
{
    char dir[520];
    snprintf(dir, sizeof dir, "%s/events", pt_test_dir());
    hist *h = open_at(dir, 1 << 30);
    hist_retention r = { .before_ms = NOW - 1000 };
    hist_retention_result out;
    hist_log_range range;
    tally t = { 0 };
    pt_error err = { 0 };
    for (int i = 0; i < 6; i++)
        say(h, i < 3 ? NOW - 5000 : NOW);
    CHECK_OK(hist_retention_apply(h, &r, &out, NULL));
    CHECK_INT(out.events, 3);
    CHECK_OK(hist_flush(h, 10000, NULL)); /* one tells of the three */
    CHECK_STATUS(hist_log_read(h, 0, 0, count_change, &t, &range, &err), PT_ESTATE);
    CHECK_INT(range.oldest, 4);
    CHECK_OK(hist_log_read(h, range.oldest - 1, 0, count_change, &t, &range, NULL));
    CHECK(t.events == 4 && t.disorder == 0 && range.next_after == range.newest && range.newest == 7);
    for (int i = 0; i < 2; i++) { /* numbers that nobody has */
        CHECK_OK(hist_log_read(h, i ? UINT64_MAX : UINT64_MAX - 1, 0, count_change, &t, &range, NULL));
        CHECK(t.events == 4 && range.newest == 7);
    }
    CHECK_OK(hist_close(h, 1000, NULL));
}

/* As an older build's retention left them: numbers behind the last row are missing. */
static void a_hole_is_stepped_over(void)
{
    char dir[520], path[600];
    snprintf(dir, sizeof dir, "%s/hole", pt_test_dir());
    snprintf(path, sizeof path, "%s/catalog.db", dir);
    hist *h = open_at(dir, 1 << 30);
    put(h, 1, 5);
    for (int i = 0; i < 5; i++)
        say(h, NOW);
    CHECK_OK(hist_close(h, 1000, NULL));
    sqlite3 *db = NULL;
    CHECK_OK_FATAL(hist__db_open(path, HIST__CATALOG, false, &db, NULL));
    CHECK_OK(hist__db_exec(db, "DELETE FROM event WHERE seq IN (7, 8)", NULL));
    hist__db_close(db);
    CHECK_INT(events_left(dir), 3);
    h = open_at(dir, 1 << 30);
    hist_log_range range;
    tally t = { .next_value = 1 };
    CHECK_OK(hist_log_read(h, 0, 0, count_change, &t, &range, NULL));
    CHECK(t.samples == 5 && t.events == 3 && t.disorder == 0 && range.next_after == 10);
    CHECK_OK(hist_close(h, 1000, NULL));
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_change_is_read_once_from_any_point), PT_TEST(what_was_trimmed_is_said), PT_TEST(retention_makes_no_holes),
        PT_TEST(events_without_samples_can_be_followed),   PT_TEST(a_hole_is_stepped_over),
    };
    pt_fake_clock_init(&fake, NOW);
    return pt_test_main("historian/log", tests, PT_COUNT_OF(tests), argc, argv);
}
