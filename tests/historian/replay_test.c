/* tests/historian/replay_test.c -- a recorded range comes back in the order it happened, complete, and the same bytes each time. */
#include "base/random.h"
#include "historian/files/pages.h"
#include "historian/read/replay.h"
#include "historian/write/write.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>

enum { TAGS = 6, PER_TAG = 60000 }; /* more than one slice holds */
static const int64_t NOW = 1750000000000;
static pt_fake_clock fake;
static char dir[512];
static hist *h;

static void fill(void)
{
    hist_options o;
    pt_random rnd = pt_random_seed(4);
    hist_options_init(&o);
    snprintf(dir, sizeof dir, "%s/h", pt_test_dir());
    o.dir = dir;
    CHECK_OK_FATAL(hist_open(&o, &fake.clock, NULL, &h, NULL));
    for (uint32_t t = 0; t < TAGS; t++) {
        char metric[30], path[60];
        uint32_t id = 0;
        snprintf(metric, sizeof metric, "m%u", t);
        snprintf(path, sizeof path, "plant/line%u/%s", t % 2, metric);
        if (t == 5) snprintf(path, sizeof path, "plant/_sparkplug/%s", metric);
        hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), t % 2 ? PT_LIT("e1") : PT_LIT("e0"), t == 2 ? PT_LIT("dev") : PT_LIT(""),
                             pt_cstr(metric) };
        CHECK_OK_FATAL(hist_tag_ensure(h, &key, pt_cstr(path), SPB_DOUBLE, PT_NONE, &id));
        int64_t at = NOW;
        for (int i = 0; i < PER_TAG; i++) {
            at += (int64_t)pt_random_below(&rnd, 20) + (i == 30000 ? INT64_C(9) * 86400000 : 0) + 1;
            hist_sample s = { .tag_id = id, .time_ms = at, .type = SPB_DOUBLE, .as.f64 = i * 0.5 };
            CHECK_OK(hist_append(h, &s, 1));
        }
    }
    for (int i = 0; i < 50; i++) {
        hist_event e = { .time_ms = NOW + i * 1000,
                         .type = i % 2 ? PT_LIT("ndeath") : PT_LIT("nbirth"),
                         .node = i % 4 < 2 ? PT_LIT("g/e0") : PT_LIT("g/e1"),
                         .detail = PT_LIT("{\"k\":1}") };
        CHECK_OK(hist_event_append(h, &e));
    }
    CHECK_OK(hist_flush(h, 20000, NULL));
}

typedef struct run_result {
    uint64_t values, events, hash;
    bool ordered;
    unsigned tags; /* bit per tag seen */
} run_result;

static run_result play(const hist_replay_options *o, bool csv)
{
    run_result r = { .ordered = true, .hash = 1469598103934665603u };
    hist_replay *p = NULL;
    hist_replay_item item;
    pt_error err = { 0 };
    pt_buf line;
    int64_t last = INT64_MIN;
    uint64_t index = 0;
    pt_status st;
    pt_buf_init(&line, 1 << 20);
    CHECK_OK_FATAL(hist_replay_open(h, o, &p, &err));
    while ((st = hist_replay_next(p, &item, &err)) == PT_OK) {
        r.ordered &= item.time_ms >= last && item.index == index++ && item.time_ms >= o->from_ms && item.time_ms < o->to_ms;
        last = item.time_ms;
        r.values += item.kind == HIST_REPLAY_VALUE;
        r.events += item.kind == HIST_REPLAY_EVENT;
        if (item.kind == HIST_REPLAY_VALUE) r.tags |= 1u << item.tag->tag_id;
        pt_buf_reset(&line);
        if (csv) hist_replay_csv(&item, -1, &line);
        else hist_replay_jsonl(&item, -1, &line);
        r.ordered &= pt_buf_status(&line) == PT_OK && line.len > 0 && line.ptr[line.len - 1] == '\n';
        r.hash = pt_slice_hash(pt_buf_view(&line), r.hash);
    }
    CHECK_STATUS(st, PT_EEMPTY);
    hist_replay_close(p);
    pt_buf_fini(&line);
    return r;
}

static void everything_comes_in_order_and_the_same_twice(void)
{
    hist_replay_options o = { .from_ms = INT64_MIN, .to_ms = INT64_MAX, .events = true };
    run_result a = play(&o, false), b;
    CHECK(a.ordered);
    CHECK_INT(a.values, (TAGS - 1) * PER_TAG); /* not the plumbing */
    CHECK_INT(a.events, 50);
    CHECK_OK(hist_seal(h, NULL));
    b = play(&o, false);
    CHECK(b.hash == a.hash);
    CHECK_OK(hist_close(h, 10000, NULL));
    hist_options ro;
    hist_options_init(&ro);
    ro.dir = dir;
    ro.read_only = true;
    CHECK_OK_FATAL(hist_open(&ro, &fake.clock, NULL, &h, NULL));
    b = play(&o, false);
    CHECK(b.hash == a.hash);
    CHECK(play(&o, true).hash != a.hash);
}

static void ranges_and_patterns_select(void)
{
    pt_slice line0[] = { PT_LIT("plant/line0/**") }, not1[] = { PT_LIT("!plant/line1/**"), PT_LIT("!**/_sparkplug/**") },
             plumbing[] = { PT_LIT("**/_sparkplug/**") };
    hist_replay_options o = { .from_ms = NOW + 100, .to_ms = NOW + 5000, .select = line0, .n_select = 1 };
    run_result r = play(&o, false);
    CHECK(r.ordered && r.values > 500 && r.events == 0);
    CHECK_INT(r.tags, 1 << 1 | 1 << 3 | 1 << 5);
    o.select = not1;
    o.n_select = 2;
    CHECK_INT(play(&o, false).tags, 1 << 1 | 1 << 3 | 1 << 5);
    o.select = plumbing;
    o.n_select = 1;
    CHECK_INT(play(&o, false).tags, 1 << 6);
    o = (hist_replay_options){ .from_ms = NOW, .to_ms = NOW + 60000, .select = line0, .n_select = 1, .events = true };
    CHECK_INT(play(&o, false).events, 26); /* those of the nodes that have a selected tag */
    o = (hist_replay_options){ .from_ms = NOW + INT64_C(400) * 86400000, .to_ms = INT64_MAX };
    CHECK_INT(play(&o, false).values, 0);
}

/* A store of its own: the damage is not to be in the way of the others. */
static void damaged_blocks_are_said_with_their_place_and_the_rest_is_replayed(void)
{
    const char *at = pt_test_dir();
    hist_options o;
    hist *damaged = NULL;
    hist_options_init(&o);
    o.dir = at;
    o.block_samples = 100;
    CHECK_OK_FATAL(hist_open(&o, &fake.clock, NULL, &damaged, NULL));
    for (uint32_t t = 1; t <= 2; t++) {
        uint32_t id = 0;
        hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_NONE, t == 1 ? PT_LIT("a") : PT_LIT("b") };
        CHECK_OK_FATAL(hist_tag_ensure(damaged, &key, t == 1 ? PT_LIT("a") : PT_LIT("b"), SPB_INT64, PT_NONE, &id));
        for (int i = 0; i < 1000; i++) {
            hist_sample s = { .tag_id = id, .time_ms = NOW + i * 1000, .type = SPB_INT64, .as.i64 = i };
            CHECK_OK(hist_append(damaged, &s, 1));
        }
    }
    CHECK_OK(hist_flush(damaged, 10000, NULL));
    CHECK_OK(hist_seal(damaged, NULL));
    char path[600], name[40];
    sqlite3 *db = NULL;
    hist__partition_name(hist__partition_start(NOW), name);
    snprintf(path, sizeof path, "%s/%s", at, name);
    CHECK_FATAL(hist__pages_open(path, &db, SQLITE_OPEN_READWRITE) == SQLITE_OK);
    CHECK_FATAL(sqlite3_exec(db,
                             "UPDATE data SET data=x'00' WHERE id IN (SELECT id FROM block WHERE tag_id=1 ORDER BY t0 LIMIT 3 OFFSET 2)",
                             NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
    hist_replay_options all = { .from_ms = INT64_MIN, .to_ms = INT64_MAX };
    hist_replay *p = NULL;
    hist_replay_item item;
    pt_error err = { 0 };
    uint64_t values = 0, said = 0;
    pt_status st;
    CHECK_OK_FATAL(hist_replay_open(damaged, &all, &p, NULL));
    while ((st = hist_replay_next(p, &item, &err)) != PT_EEMPTY) {
        CHECK_FATAL(st == PT_OK || st == PT_ECORRUPT);
        if (st == PT_ECORRUPT && said++ == 0) CHECK(strstr(err.text, "tag 1, block at 1750000200000..") != NULL);
        values += st == PT_OK;
    }
    hist_replay_close(p);
    CHECK(said >= 1);
    CHECK_INT(values, 2000 - 300); /* what lies behind the damage too */
    CHECK_OK(hist_close(damaged, 1000, NULL));
}

static void end(void)
{
    CHECK_OK(hist_close(h, 1000, NULL));
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(fill),
        PT_TEST(everything_comes_in_order_and_the_same_twice),
        PT_TEST(ranges_and_patterns_select),
        PT_TEST(damaged_blocks_are_said_with_their_place_and_the_rest_is_replayed),
        PT_TEST(end),
    };
    (void)argc;
    pt_fake_clock_init(&fake, NOW);
    return pt_test_main("historian/replay", tests, PT_COUNT_OF(tests), 1, argv);
}
