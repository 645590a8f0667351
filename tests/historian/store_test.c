/* tests/historian/store_test.c -- the store through its public header: what goes in comes out, once, in order, also after a restart. */
#include "base/random.h"
#include "historian/store.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const int64_t NOW = 1750000000000;
static pt_fake_clock fake;

static const char *new_dir(void)
{
    static char path[512];
    static unsigned n;
    static const char *home;
    if (!home) home = pt_test_dir();
    snprintf(path, sizeof path, "%s/h%u", home, n++);
    return path;
}

static hist *open_at(const char *dir, const hist_options *from)
{
    hist_options o;
    if (from) o = *from;
    else hist_options_init(&o);
    o.dir = dir;
    hist *h = NULL;
    pt_error err = { 0 };
    pt_status st = hist_open(&o, &fake.clock, NULL, &h, &err);
    if (st != PT_OK) printf("open: %s\n", err.text);
    CHECK_OK_FATAL(st);
    return h;
}

static void close_ok(hist *h)
{
    pt_error err = { 0 };
    CHECK_OK(hist_close(h, 10000, &err));
}

static uint32_t tag(hist *h, const char *metric, spb_datatype type)
{
    hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_LIT("d"), pt_cstr(metric) };
    char path[200];
    snprintf(path, sizeof path, "g/e/d/%s", metric);
    uint32_t id = 0;
    CHECK_OK_FATAL(hist_tag_ensure(h, &key, pt_cstr(path), type, PT_LIT("m"), &id));
    return id;
}

static hist_sample f64(uint32_t id, int64_t t, double v)
{
    return (hist_sample){ .tag_id = id, .time_ms = t, .type = SPB_DOUBLE, .as.f64 = v };
}

static size_t read_all(hist *h, uint32_t id, int64_t from, int64_t to, bool states, hist_sample *out, size_t max)
{
    hist_cursor *c = NULL;
    size_t total = 0, n = 0;
    pt_error err = { 0 };
    CHECK_OK_FATAL(hist_cursor_open(h, id, from, to, states, &c, &err));
    do {
        pt_status st = hist_cursor_next(c, out + total, max - total > 7 ? 7 : max - total, &n, &err);
        if (st != PT_OK) printf("cursor: %s\n", err.text);
        CHECK_OK_FATAL(st);
        total += n;
    } while (n && total < max);
    hist_cursor_close(c);
    return total;
}

static void flush(hist *h)
{
    pt_error err = { 0 };
    pt_status st = hist_flush(h, 20000, &err);
    if (st != PT_OK) printf("flush: %s\n", err.text);
    CHECK_OK(st);
}

static void seal(hist *h)
{
    pt_error err = { 0 };
    pt_status st = hist_seal(h, &err);
    if (st != PT_OK) printf("seal: %s\n", err.text);
    CHECK_OK(st);
}

static hist_sample buf[200000];

static void samples_come_back_before_and_after_sealing_and_reopening(void)
{
    const char *dir = new_dir();
    hist *h = open_at(dir, NULL);
    uint32_t a = tag(h, "a", SPB_DOUBLE), b = tag(h, "b", SPB_STRING);
    CHECK_INT(a, 1);
    CHECK_INT(b, 2);
    for (int i = 0; i < 5000; i++) {
        hist_sample s[2] = { f64(a, NOW + i * 1000, i * 0.5), { .tag_id = b, .time_ms = NOW + i * 1000, .type = SPB_STRING, .as.ptr = i % 2 ? "on" : "off", .len = i % 2 ? 2 : 3 } };
        CHECK_OK(hist_append(h, s, 2));
    }
    flush(h);
    for (int round = 0; round < 4; round++) {
        size_t n = read_all(h, a, NOW, NOW + 5000000, true, buf, 10000);
        CHECK_INT(n, 5000);
        for (size_t i = 0; i < n; i++) {
            if (buf[i].time_ms == NOW + (int64_t)i * 1000 && buf[i].as.f64 == (double)i * 0.5) continue;
            CHECK(!"sample differs");
            break;
        }
        hist_cursor *c = NULL;
        CHECK_OK_FATAL(hist_cursor_open(h, b, NOW + 1000, NOW + 3000, true, &c, NULL));
        CHECK_OK(hist_cursor_next(c, buf, 100, &n, NULL));
        CHECK_INT(n, 2);
        CHECK(n == 2 && buf[0].len == 2 && memcmp(buf[0].as.ptr, "on", 2) == 0 && buf[1].len == 3 && memcmp(buf[1].as.ptr, "off", 3) == 0);
        hist_cursor_close(c);
        pt_arena arena;
        pt_arena_init(&arena, 1 << 20);
        hist_tag t;
        CHECK_OK(hist_tag_by_path(h, PT_LIT("g/e/d/a"), &arena, &t));
        CHECK_INT(t.samples, 5000);
        CHECK_INT(t.first_ms, NOW);
        CHECK_INT(t.last_ms, NOW + 4999000);
        CHECK_STR(t.unit, "m");
        pt_arena_fini(&arena);
        if (round == 0) seal(h);
        else {
            close_ok(h);
            h = open_at(dir, NULL);
        }
    }
    hist_stats st;
    hist_stats_get(h, &st);
    CHECK(st.blocks >= 8 && st.tags == 2);
    close_ok(h);
}

static void the_same_sample_again_is_a_duplicate_and_another_replaces(void)
{
    const char *dir = new_dir();
    hist *h = open_at(dir, NULL);
    uint32_t a = tag(h, "a", SPB_DOUBLE);
    for (int round = 0; round < 3; round++) {
        hist_sample s[] = { f64(a, NOW, 1), f64(a, NOW + 1, 2), f64(a, NOW, 1), f64(a, NOW + 1, 3), f64(a, NOW - 5, 9), f64(a, NOW + 1, 3) };
        CHECK_OK(hist_append(h, s, PT_COUNT_OF(s)));
        flush(h);
        hist_stats st;
        hist_stats_get(h, &st);
        CHECK_INT(st.appended, (round + 1) * 6);
        CHECK_INT(st.stored, 3);
        CHECK_INT(st.duplicates, round == 0 ? 2 : round == 1 ? 2 + 4 : 2 + 8);
        CHECK_INT(st.replaced, round == 0 ? 1 : round == 1 ? 3 : 5);
        CHECK_INT(read_all(h, a, INT64_MIN, INT64_MAX, true, buf, 100), 3);
        CHECK(buf[0].as.f64 == 9 && buf[1].as.f64 == 1 && buf[2].as.f64 == 3);
        if (round == 0) seal(h);
    }
    close_ok(h);
}

static void state_rows_are_kept_apart_from_samples(void)
{
    hist *h = open_at(new_dir(), NULL);
    uint32_t a = tag(h, "a", SPB_DOUBLE);
    hist_sample s[] = { f64(a, NOW, 1), { .tag_id = a, .time_ms = NOW, .type = SPB_DOUBLE, .flags = HIST_STATE, .quality = SPB_STALE },
                        { .tag_id = a, .time_ms = NOW + 5, .type = SPB_DOUBLE, .flags = HIST_STATE, .quality = SPB_STALE } };
    CHECK_OK(hist_append(h, s, 3));
    flush(h);
    for (int round = 0; round < 2; round++) {
        CHECK_INT(read_all(h, a, 0, INT64_MAX, false, buf, 100), 1);
        CHECK_INT(read_all(h, a, 0, INT64_MAX, true, buf, 100), 3);
        pt_arena arena;
        pt_arena_init(&arena, 4096);
        hist_sample v;
        CHECK_OK(hist_value_at(h, a, NOW + 100, &arena, &v));
        CHECK_INT(v.time_ms, NOW);
        CHECK_STATUS(hist_value_at(h, a, NOW - 1, &arena, &v), PT_EEMPTY);
        pt_arena_fini(&arena);
        seal(h);
    }
    close_ok(h);
}

static void events_and_tags_survive_with_their_paths(void)
{
    const char *dir = new_dir();
    hist *h = open_at(dir, NULL);
    uint32_t a = tag(h, "a", SPB_DOUBLE);
    hist_event e = { .time_ms = NOW, .type = PT_LIT("nbirth"), .node = PT_LIT("g/e"), .detail = PT_LIT("{\"x\":1}") };
    CHECK_OK(hist_event_append(h, &e));
    e.type = PT_LIT("write");
    e.time_ms++;
    CHECK_OK(hist_event_append(h, &e));
    flush(h);
    pt_fake_clock_advance(&fake, 1000);
    hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_LIT("d"), PT_LIT("a") };
    uint32_t again = 0;
    CHECK_OK(hist_tag_ensure(h, &key, PT_LIT("new/path"), SPB_FLOAT, PT_LIT("bar"), &again));
    CHECK_INT(again, a);
    flush(h);
    close_ok(h);
    h = open_at(dir, NULL);
    pt_arena arena;
    pt_arena_init(&arena, 1 << 20);
    hist_tag t;
    CHECK_OK(hist_tag_by_path(h, PT_LIT("new/path"), &arena, &t));
    CHECK_INT(t.tag_id, a);
    CHECK_INT(t.type, SPB_FLOAT);
    CHECK_OK(hist_tag_by_path(h, PT_LIT("g/e/d/a"), &arena, &t)); /* the path it had */
    CHECK_STR(t.path, "new/path");
    CHECK_STATUS(hist_tag_by_path(h, PT_LIT("nope"), &arena, &t), PT_ENOTFOUND);
    pt_arena_fini(&arena);
    close_ok(h);
}

typedef struct counted {
    unsigned n;
    char text[200];
} counted;
static bool count_event(void *ctx, const hist_event *e)
{
    counted *c = ctx;
    c->n++;
    size_t at = strlen(c->text);
    snprintf(c->text + at, sizeof c->text - at, "%llu:%.*s ", (unsigned long long)e->seq, PT_SLICE_ARGS(e->type));
    return true;
}

static void events_are_filtered(void)
{
    hist *h = open_at(new_dir(), NULL);
    static const char *const types[] = { "nbirth", "dbirth", "ndeath", "write" };
    for (int i = 0; i < 8; i++) {
        hist_event e = { .time_ms = NOW + i, .type = pt_cstr(types[i % 4]), .node = i < 4 ? PT_LIT("g/1") : PT_LIT("g/2") };
        if (i == 3) e.path = PT_LIT("a/b/c");
        CHECK_OK(hist_event_append(h, &e));
    }
    flush(h);
    static const struct {
        const char *row;
        hist_event_filter f;
        const char *want;
    } rows[] = {
        { "all", { .to_ms = INT64_MAX }, "1:nbirth 2:dbirth 3:ndeath 4:write 5:nbirth 6:dbirth 7:ndeath 8:write " },
        { "types", { .to_ms = INT64_MAX, .types = { "ndeath,write", 12 } }, "3:ndeath 4:write 7:ndeath 8:write " },
        { "node", { .to_ms = INT64_MAX, .node = { "g/2", 3 }, .limit = 2 }, "5:nbirth 6:dbirth " },
        { "newest", { .to_ms = INT64_MAX, .newest_first = true, .limit = 1 }, "8:write " },
        { "after", { .to_ms = INT64_MAX, .after_seq = 6 }, "7:ndeath 8:write " },
        { "path", { .to_ms = INT64_MAX, .path = { "a/**", 4 } }, "4:write " },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        counted c = { 0 };
        CHECK_OK(hist_events(h, &rows[i].f, count_event, &c, NULL));
        CHECK_ROW(rows[i].row, strcmp(c.text, rows[i].want) == 0);
    }
    close_ok(h);
}

static void a_second_writer_is_refused_and_a_reader_is_not(void)
{
    const char *dir = new_dir();
    hist *h = open_at(dir, NULL);
    uint32_t a = tag(h, "a", SPB_DOUBLE);
    hist_options o;
    hist_options_init(&o);
    o.dir = dir;
    hist *second = NULL;
    pt_error err = { 0 };
    CHECK_STATUS(hist_open(&o, &fake.clock, NULL, &second, &err), PT_EBUSY);
    CHECK(strstr(err.text, "pid ") != NULL);
    hist_sample s = f64(a, NOW, 1);
    CHECK_OK(hist_append(h, &s, 1));
    flush(h);
    o.read_only = true;
    hist *reader = open_at(dir, &o);
    CHECK_STATUS(hist_append(reader, &s, 1), PT_EREADONLY);
    for (int i = 1; i < 4000; i++) { /* the reader follows through commits and sealing */
        s = f64(a, NOW + i, i);
        CHECK_OK(hist_append(h, &s, 1));
        if (i % 400) continue;
        flush(h);
        if (i % 1200 == 0) seal(h);
        CHECK_INT(read_all(reader, a, 0, INT64_MAX, true, buf, 10000), i + 1);
        uint32_t late = tag(h, i == 400 ? "late" : "later", SPB_DOUBLE);
        hist_sample x = f64(late, NOW + i, 5);
        CHECK_OK(hist_append(h, &x, 1));
        flush(h);
        CHECK(read_all(reader, late, 0, INT64_MAX, true, buf, 10000) >= 1);
        pt_arena arena;
        pt_arena_init(&arena, 1 << 20);
        hist_tag t;
        CHECK_OK(hist_tag_by_path(reader, PT_LIT("g/e/d/a"), &arena, &t));
        CHECK_INT(t.samples, i + 1);
        pt_arena_fini(&arena);
    }
    close_ok(reader);
    close_ok(h);
}

static void bad_calls_are_refused_whole(void)
{
    hist_options o;
    hist_options_init(&o);
    o.buffer_bytes = 65536;
    o.commit_interval_ms = 60000;
    hist *h = open_at(new_dir(), &o);
    uint32_t a = tag(h, "a", SPB_DOUBLE);
    hist_sample s[2] = { f64(a, NOW, 1), f64(a + 1, NOW, 1) };
    CHECK_STATUS(hist_append(h, s, 2), PT_ENOTFOUND);
    s[1] = f64(a, NOW, 1);
    s[1].type = SPB_PROPERTYSET;
    CHECK_STATUS(hist_append(h, s, 2), PT_EINVAL);
    hist_stats st;
    hist_stats_get(h, &st);
    CHECK_INT(st.appended, 0);
    close_ok(h);
}

typedef struct seen {
    hist_bucket b[5000];
    size_t n;
} seen;
static bool keep_bucket(void *ctx, const hist_bucket *b)
{
    seen *s = ctx;
    if (s->n < PT_COUNT_OF(s->b)) s->b[s->n++] = *b;
    return true;
}

static bool near(double a, double b)
{
    return (isnan(a) && isnan(b)) || a == b || fabs(a - b) <= 1e-9 * (fabs(a) + fabs(b));
}

static void buckets_agree_with_brute_force(void)
{
    hist *h = open_at(new_dir(), NULL);
    uint32_t a = tag(h, "a", SPB_DOUBLE);
    pt_random rnd = pt_random_seed(11);
    enum { N = 9000 };
    static hist_sample all[N];
    int64_t t = NOW;
    for (int i = 0; i < N; i++) {
        t += 1 + (int64_t)pt_random_below(&rnd, 50);
        if (i == 4000) t += 100000;
        all[i] = f64(a, t, (double)pt_random_below(&rnd, 1000) / 10);
        uint64_t k = pt_random_below(&rnd, 30);
        if (k == 0) all[i].quality = SPB_BAD;
        if (k == 1) all[i].as.f64 = NAN;
        if (k == 2) all[i].flags = HIST_NULL, all[i].as.u64 = 0;
        if (k == 3) all[i].flags = HIST_STATE, all[i].quality = SPB_STALE, all[i].as.u64 = 0;
    }
    CHECK_OK(hist_append(h, all, N));
    flush(h);
    fake.now_wall_ms = t + 10000000;
    static seen got;
    for (int round = 0; round < 3; round++) {
        static const int64_t widths[] = { 333, 5000, 100000, 10000000 };
        for (size_t w = 0; w < PT_COUNT_OF(widths); w++) {
            int64_t from = NOW + (int64_t)pt_random_below(&rnd, 50000), to = from + (t - from) + (int64_t)pt_random_below(&rnd, 9000) - 4500;
            got.n = 0;
            CHECK_OK(hist_buckets(h, a, from, to, widths[w], keep_bucket, &got, NULL));
            CHECK_INT(got.n, (to - from + widths[w] - 1) / widths[w]);
            for (size_t k = 0; k < got.n; k++) {
                const hist_bucket *b = &got.b[k];
                int64_t lo = from + (int64_t)k * widths[w], hi = lo + widths[w] < to ? lo + widths[w] : to;
                uint64_t count = 0, good = 0, nums = 0;
                double sum = 0, min = NAN, max = NAN, area = 0, m2 = 0;
                int64_t area_ms = 0;
                for (int i = 0; i < N; i++) {
                    double v = 0;
                    bool usable = hist__usable_number(&all[i], &v);
                    int64_t begin = all[i].time_ms, end = i + 1 < N ? all[i + 1].time_ms : fake.now_wall_ms;
                    if (usable && begin < hi && end > lo) { /* holds during part of the bucket */
                        int64_t x = begin > lo ? begin : lo, y = end < hi ? end : hi;
                        area += v * (double)(y - x);
                        area_ms += y - x;
                    }
                    if (begin < lo || begin >= hi) continue;
                    count += !hist__is_state(&all[i]);
                    good += !hist__is_state(&all[i]) && all[i].quality == SPB_GOOD;
                    if (!usable) continue;
                    nums++;
                    sum += v;
                    min = nums == 1 || v < min ? v : min;
                    max = nums == 1 || v > max ? v : max;
                }
                for (int i = 0; i < N; i++) {
                    double v = 0;
                    if (all[i].time_ms >= lo && all[i].time_ms < hi && hist__usable_number(&all[i], &v)) m2 += (v - sum / (double)nums) * (v - sum / (double)nums);
                }
                bool same = b->t_ms == lo && b->end_ms == hi && b->count == count && b->good == good && b->nums == nums && b->area_ms == area_ms && near(b->area, area) &&
                            (nums == 0 || (near(b->sum, sum) && b->min == min && b->max == max && fabs(b->m2 - m2) <= 1e-6 * (1 + m2)));
                CHECK(same);
                if (!same) {
                    printf("round %d width %lld bucket %zu: count %llu/%llu nums %llu/%llu area %f/%f ms %lld/%lld\n", round, (long long)widths[w], k, (unsigned long long)b->count,
                           (unsigned long long)count, (unsigned long long)b->nums, (unsigned long long)nums, b->area, area, (long long)b->area_ms, (long long)area_ms);
                    break;
                }
            }
        }
        if (round == 0) seal(h);
        if (round == 1) { /* a late row inside a block: its summary must not be used */
            all[100].as.f64 = 5000;
            all[100].flags = all[100].quality = 0;
            CHECK_OK(hist_append(h, &all[100], 1));
            flush(h);
        }
    }
    fake.now_wall_ms = NOW;
    close_ok(h);
}

typedef struct reduced {
    hist_sample s[3000];
    size_t n;
} reduced;
static bool keep_sample(void *ctx, const hist_sample *s)
{
    reduced *r = ctx;
    if (r->n < PT_COUNT_OF(r->s)) r->s[r->n++] = *s;
    return true;
}

static void a_reduced_range_keeps_every_peak(void)
{
    hist *h = open_at(new_dir(), NULL);
    uint32_t a = tag(h, "a", SPB_DOUBLE), b = tag(h, "b", SPB_STRING);
    for (int i = 0; i < 100000; i++) buf[i] = f64(a, NOW + i * 100, i == 77777 ? 1e6 : i == 5 ? -1e6 : sin(i * 0.001));
    CHECK_OK(hist_append(h, buf, 100000));
    for (int i = 0; i < 10000; i++) buf[i] = (hist_sample){ .tag_id = b, .time_ms = NOW + i, .type = SPB_STRING, .as.ptr = i / 100 % 2 ? "x" : "y", .len = 1 };
    CHECK_OK(hist_append(h, buf, 10000));
    flush(h);
    static reduced r;
    uint64_t raw = 0;
    CHECK_OK(hist_reduce(h, a, 0, INT64_MAX, 400, keep_sample, &r, &raw, NULL));
    CHECK_INT(raw, 100000);
    CHECK(r.n > 200 && r.n <= 400);
    bool high = false, low = false, ordered = true;
    for (size_t i = 0; i < r.n; i++) {
        high |= r.s[i].as.f64 == 1e6;
        low |= r.s[i].as.f64 == -1e6;
        ordered &= i == 0 || r.s[i - 1].time_ms < r.s[i].time_ms;
    }
    CHECK(high && low && ordered);
    CHECK(r.s[0].time_ms == NOW && r.s[r.n - 1].time_ms == NOW + 9999900);
    r.n = 0;
    CHECK_OK(hist_reduce(h, a, NOW, NOW + 1000, 400, keep_sample, &r, &raw, NULL));
    CHECK_INT(r.n, 10);
    r.n = 0;
    CHECK_OK(hist_reduce(h, b, 0, INT64_MAX, 400, keep_sample, &r, &raw, NULL));
    CHECK_INT(r.n, 100);
    close_ok(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(samples_come_back_before_and_after_sealing_and_reopening),
        PT_TEST(the_same_sample_again_is_a_duplicate_and_another_replaces),
        PT_TEST(state_rows_are_kept_apart_from_samples),
        PT_TEST(events_and_tags_survive_with_their_paths),
        PT_TEST(events_are_filtered),
        PT_TEST(a_second_writer_is_refused_and_a_reader_is_not),
        PT_TEST(bad_calls_are_refused_whole),
        PT_TEST(buckets_agree_with_brute_force),
        PT_TEST(a_reduced_range_keeps_every_peak),
    };
    pt_fake_clock_init(&fake, NOW);
    return pt_test_main("historian/store", tests, PT_COUNT_OF(tests), argc, argv);
}
