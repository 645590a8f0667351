/* tests/historian/bucket_test.c -- numbers over intervals, from rows and from summaries, against the plain sum over the rows. */
#include "base/random.h"
#include "historian/read/aggregate.h"
#include "historian/format/format.h"
#include "historian/files/pages.h"
#include "tests/historian/support.h"

#include <math.h>
#include <stdio.h>

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
    hist *h = open_store(new_dir(), 1024);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
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
            int64_t from = NOW + (int64_t)pt_random_below(&rnd, 50000),
                    to = from + (t - from) + (int64_t)pt_random_below(&rnd, 9000) - 4500;
            got.n = 0;
            CHECK_OK(hist_buckets(h, hist_of_tag(a), from, to, widths[w], keep_bucket, &got, NULL));
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
                    if (all[i].time_ms >= lo && all[i].time_ms < hi && hist__usable_number(&all[i], &v))
                        m2 += (v - sum / (double)nums) * (v - sum / (double)nums);
                }
                bool same = b->t_ms == lo && b->end_ms == hi && b->count == count && b->good == good && b->nums == nums &&
                            b->area_ms == area_ms && b->good_ms == area_ms && near(b->area, area) &&
                            (nums == 0 || (near(b->sum, sum) && b->min == min && b->max == max && fabs(b->m2 - m2) <= 1e-6 * (1 + m2)));
                CHECK(same);
                if (!same) {
                    printf("round %d width %lld bucket %zu: count %llu/%llu nums %llu/%llu area %f/%f ms %lld/%lld\n", round,
                           (long long)widths[w], k, (unsigned long long)b->count, (unsigned long long)count, (unsigned long long)b->nums,
                           (unsigned long long)nums, b->area, area, (long long)b->area_ms, (long long)area_ms);
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

static void a_block_inside_a_bucket_is_not_decoded(void)
{
    const char *dir = new_dir();
    hist *h = open_store(dir, 64);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    for (int i = 0; i < 640; i++)
        append_one(h, f64(a, NOW + i * 1000, i));
    flush(h);
    seal(h);
    fake.now_wall_ms = NOW + 640000;
    run_sql(partition_in(dir, NOW), "UPDATE data SET data=x'00'"); /* nothing but the summaries can be read any more */
    static seen got;
    got.n = 0;
    CHECK_OK(hist_buckets(h, hist_of_tag(a), NOW, NOW + 640000, 640000, keep_bucket, &got, NULL));
    CHECK(got.n == 1 && got.b[0].count == 640 && got.b[0].sum == 639 * 320 && got.b[0].min == 0 && got.b[0].max == 639 &&
          got.b[0].first_ms == NOW && got.b[0].last_ms == NOW + 639000);
    CHECK(got.b[0].area_ms == 640000 && near(got.b[0].area, 639 * 320 * 1000.0));
    pt_error err = { 0 };
    got.n = 0;
    CHECK_STATUS(hist_buckets(h, hist_of_tag(a), NOW, NOW + 640000, 100000, keep_bucket, &got, &err),
                 PT_ECORRUPT); /* edges inside blocks need the rows: an error, no guess */
    CHECK(strstr(err.text, "tag 1, block at") != NULL);
    fake.now_wall_ms = NOW;
    close_ok(h);
}

static void what_held_before_the_range_counts_and_nothing_beyond_now(void)
{
    hist *h = open_store(new_dir(), 64);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE), b = make_tag(h, "b", SPB_DOUBLE), c = make_tag(h, "c", SPB_STRING);
    append_one(h, f64(a, NOW - 5000, 7));
    append_one(h, f64(b, NOW - 5000, 7));
    append_one(h, state_row(b, NOW - 1));
    append_one(h, str(c, NOW + 5, "x"));
    flush(h);
    fake.now_wall_ms = NOW + 2500;
    for (int round = 0; round < 2; round++) {
        static seen got;
        got.n = 0;
        CHECK_OK(hist_buckets(h, hist_of_tag(a), NOW, NOW + 4000, 1000, keep_bucket, &got, NULL));
        static const int64_t covered[] = { 1000, 1000, 500, 0 };
        CHECK_FATAL(got.n == 4);
        for (int k = 0; k < 4; k++) {
            CHECK(got.b[k].count == 0 && got.b[k].nums == 0 && isnan(got.b[k].avg));
            CHECK_INT(got.b[k].area_ms, covered[k]);
            CHECK(got.b[k].area == 7.0 * (double)covered[k]);
        }
        got.n = 0;
        CHECK_OK(hist_buckets(h, hist_of_tag(b), NOW, NOW + 1000, 1000, keep_bucket, &got, NULL)); /* the node was dead */
        CHECK(got.n == 1 && got.b[0].area_ms == 0);
        got.n = 0;
        CHECK_OK(hist_buckets(h, hist_of_tag(c), NOW, NOW + 1000, 1000, keep_bucket, &got, NULL));
        CHECK(got.n == 1 && got.b[0].count == 1 && got.b[0].good == 1 && got.b[0].nums == 0);
        CHECK(got.b[0].good_ms == 995 && got.b[0].area_ms == 0);
        got.n = 0;
        CHECK_OK(
            hist_buckets(h, hist_of_tag(c), NOW + 1000, NOW + 4000, 1000, keep_bucket, &got, NULL)); /* a text holds on like a number */
        CHECK(got.n == 3 && got.b[0].good_ms == 1000 && got.b[1].good_ms == 500 && got.b[2].good_ms == 0);
        seal(h);
    }
    fake.now_wall_ms = NOW;
    close_ok(h);
}

/* Of random rows: texts with now and then a number, of all qualities, nulls, STATE rows, gaps; long stretches that are all good, all bad,
 * all null or all NaN, so that blocks of each kind lie inside buckets. */
enum { TEXTS = 6000 };
static hist_sample texts[TEXTS];

static hist_sample random_text(pt_random *rnd, uint32_t tag, int64_t t, unsigned mood)
{
    static const uint8_t types[] = { SPB_STRING, SPB_TEXT, SPB_BYTES, SPB_DATASET };
    hist_sample s = str(tag, t, pt_random_below(rnd, 2) ? "RUN" : "");
    s.type = types[pt_random_below(rnd, PT_COUNT_OF(types))];
    if (mood == 0) return s;
    if (mood == 1) s.quality = SPB_UNCERTAIN;
    if (mood == 2) s.quality = SPB_BAD;
    if (mood == 3) s = (hist_sample){ .tag_id = tag, .time_ms = t, .type = SPB_STRING, .flags = HIST_NULL };
    if (mood == 4) s = f64(tag, t, (double)NAN);
    if (mood <= 4) return s;
    s.quality = (uint8_t)(pt_random_below(rnd, 3) ? SPB_GOOD : pt_random_below(rnd, 4));
    uint64_t k = pt_random_below(rnd, 20);
    if (k == 0) s = state_row(tag, t);
    if (k == 1) s = (hist_sample){ .tag_id = tag, .time_ms = t, .type = SPB_STRING, .flags = HIST_NULL };
    if (k == 2 && mood == 6) s = f64(tag, t, 5);
    if (k == 3 && mood == 6) s = f64(tag, t, (double)NAN);
    return s;
}

static int64_t good_time(int64_t lo, int64_t hi)
{
    int64_t ms = 0;
    for (int i = 0; i < TEXTS; i++) {
        double v = 0;
        int64_t from = texts[i].time_ms, to = i + 1 < TEXTS ? texts[i + 1].time_ms : fake.now_wall_ms;
        bool text = hist__has_value(&texts[i]) && texts[i].quality <= SPB_UNCERTAIN && hist__family_of_type(texts[i].type) == HIST__BYTES;
        if (!text && !hist__usable_number(&texts[i], &v)) continue;
        if (from < hi && to > lo) ms += (to < hi ? to : hi) - (from > lo ? from : lo);
    }
    return ms;
}

static bool check_good(void *ctx, const hist_bucket *b)
{
    unsigned *faults = ctx;
    double got = 0, percent = 0;
    int64_t want = good_time(b->t_ms, b->end_ms);
    bool same = hist_fn_value(HIST_FN_DURATION_GOOD, b, &got) && hist_fn_value(HIST_FN_PERCENT_GOOD, b, &percent) && b->good_ms == want &&
                got == (double)want && near(percent, 100 * (double)want / (double)(b->end_ms - b->t_ms));
    if (!same && (*faults)++ < 5)
        printf("bucket %lld..%lld: good for %lld ms, not %lld\n", (long long)b->t_ms, (long long)b->end_ms, (long long)b->good_ms,
               (long long)want);
    return true;
}

static void the_time_texts_are_good_agrees_with_brute_force(void)
{
    pt_random rnd = pt_random_seed(23);
    for (uint32_t round = 0; round < 6; round++) {
        hist *h = open_store(new_dir(), 20 + round * 30);
        uint32_t a = make_tag(h, "a", SPB_STRING);
        int64_t t = NOW;
        unsigned mood = 6, faults = 0;
        for (int i = 0; i < TEXTS; i++) {
            if (i % 300 == 0) mood = (unsigned)pt_random_below(&rnd, 7);
            t += 1 + (int64_t)pt_random_below(&rnd, i % 700 ? 2000 : 300000);
            texts[i] = random_text(&rnd, a, t, mood);
        }
        fake.now_wall_ms = t + 100000;
        append(h, texts, TEXTS / 2);
        flush(h);
        if (round % 2) seal(h);
        append(h, texts + TEXTS / 2, TEXTS / 2);
        flush(h);
        for (int stage = 0; stage < 3; stage++) {
            static const int64_t widths[] = { 700, 40000, 1000000,
                                              INT64_C(1) << 40 }; /* inside blocks, about as long, around many, all in one */
            for (size_t w = 0; w < PT_COUNT_OF(widths); w++) {
                int64_t from = NOW - 5000 + (int64_t)pt_random_below(&rnd, (uint64_t)(t - NOW) / 2),
                        to = widths[w] == 700 ? from + 700000 : t + 200000;
                CHECK_OK(hist_buckets(h, hist_of_tag(a), from, to, widths[w], check_good, &faults, NULL));
            }
            if (stage == 0) seal(h);
            if (stage == 1) { /* late rows inside blocks */
                for (int k = 0; k < 10; k++) {
                    hist_sample *s = &texts[pt_random_below(&rnd, TEXTS)];
                    *s = random_text(&rnd, a, s->time_ms, hist__is_state(s) ? 2 : 5);
                    if (hist__is_state(s)) *s = str(a, s->time_ms, "late");
                    append_one(h, *s);
                }
                flush(h);
            }
        }
        CHECK_INT(faults, 0);
        close_ok(h);
    }
    fake.now_wall_ms = NOW;
}

/* Of every block only the head can be read, though its checksum is right. */
static void leave_heads(const char *path)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *all = NULL, *put = NULL;
    uint8_t block[65536];
    CHECK_FATAL(hist__pages_open(path, &db, SQLITE_OPEN_READWRITE) == SQLITE_OK);
    CHECK_OK_FATAL(hist__db_prepare(db, "SELECT id, data FROM data", &all, NULL));
    CHECK_OK_FATAL(hist__db_prepare(db, "UPDATE data SET data=?2 WHERE id=?1", &put, NULL));
    while (sqlite3_step(all) == SQLITE_ROW) {
        int n = sqlite3_column_bytes(all, 1);
        CHECK_FATAL(n > 20 && n <= (int)sizeof block);
        memcpy(block, sqlite3_column_blob(all, 1), (size_t)n);
        memset(block + 12, 0x5a, (size_t)n - 16);
        hist__store32(block + n - 4, hist__checksum(block, (size_t)n - 4));
        sqlite3_bind_int64(put, 1, sqlite3_column_int64(all, 0));
        CHECK(sqlite3_bind_blob(put, 2, block, n, SQLITE_STATIC) == SQLITE_OK);
        CHECK_OK(hist__db_run(db, put, NULL));
    }
    sqlite3_finalize(all);
    sqlite3_finalize(put);
    CHECK(sqlite3_close(db) == SQLITE_OK);
}

static void good_texts_are_answered_from_the_summary(void)
{
    const char *dir = new_dir();
    hist *h = open_store(dir, 64);
    uint32_t a = make_tag(h, "a", SPB_STRING), b = make_tag(h, "b", SPB_STRING);
    for (int i = 0; i < 640; i++) {
        append_one(h, str(a, NOW + i * 1000, i % 7 ? "RUN" : "STOP"));
        append_one(h, i == 100 ? state_row(b, NOW + i * 1000) : str(b, NOW + i * 1000, "RUN"));
    }
    flush(h);
    seal(h);
    fake.now_wall_ms = NOW + 640000;
    leave_heads(partition_in(dir, NOW));
    static seen got;
    got.n = 0;
    CHECK_OK(hist_buckets(h, hist_of_tag(a), NOW, NOW + 640000, 640000, keep_bucket, &got, NULL));
    CHECK(got.n == 1 && got.b[0].count == 640 && got.b[0].good_ms == 640000 && got.b[0].area_ms == 0);
    CHECK_STATUS(hist_buckets(h, hist_of_tag(b), NOW, NOW + 640000, 640000, keep_bucket, &got, NULL),
                 PT_ECORRUPT); /* when it was not there, only the rows say */
    run_sql(partition_in(dir, NOW),
            "UPDATE data SET data=cast(substr(data,1,12)||x'5b'||substr(data,14) AS BLOB)"); /* the head is looked at with its checksum */
    CHECK_STATUS(hist_buckets(h, hist_of_tag(a), NOW, NOW + 640000, 640000, keep_bucket, &got, NULL), PT_ECORRUPT);
    fake.now_wall_ms = NOW;
    close_ok(h);
}

static void bad_intervals_are_refused(void)
{
    hist *h = open_store(new_dir(), 64);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    static const struct {
        const char *row;
        uint32_t tag;
        int64_t from, to, width;
        pt_status st;
    } rows[] = {
        { "no width", 1, 0, 10, 0, PT_EINVAL },
        { "a negative one", 1, 0, 10, -1, PT_EINVAL },
        { "too many", 1, 0, INT64_C(20000000), 1, PT_ETOOBIG },
        { "longer than a number of ms", 1, INT64_MIN, INT64_MAX, INT64_MAX, PT_ETOOBIG },
        { "no such tag", 2, 0, 10, 1, PT_ENOTFOUND },
        { "an empty range", 1, 10, 10, 1, PT_OK },
        { "a backward one", 1, 10, 5, 1, PT_OK },
    };
    static seen got;
    got.n = 0;
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_error err = { 0 };
        CHECK_ROW(rows[i].row, hist_buckets(h, hist_of_tag(rows[i].tag), rows[i].from, rows[i].to, rows[i].width, keep_bucket, &got,
                                            &err) == rows[i].st);
        CHECK_ROW(rows[i].row, got.n == 0 && (rows[i].st == PT_OK || err.text[0]));
    }
    const int64_t edges[] = { 0, 5, 5 }, far[] = { INT64_MIN, INT64_MAX };
    CHECK_STATUS(hist_buckets_at(h, hist_of_tag(a), edges, 3, keep_bucket, &got, NULL), PT_EINVAL);
    CHECK_STATUS(hist_buckets_at(h, hist_of_tag(a), far, 2, keep_bucket, &got, NULL), PT_ETOOBIG);
    CHECK_OK(hist_buckets_at(h, hist_of_tag(a), edges, 1, keep_bucket, &got, NULL));
    CHECK_INT(got.n, 0);
    close_ok(h);
}

/* An infinite value that ends where an interval begins takes no time of it; nor does one that a state ends in its own millisecond. */
static void what_is_infinite_counts_for_its_own_time_alone(void)
{
    static const double values[] = { 1, INFINITY, 2, 4 };
    static const int64_t times[] = { NOW, NOW + 60000, NOW + 120000, NOW + 150000 };
    hist *h = open_store(new_dir(), 64);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE), b = make_tag(h, "b", SPB_DOUBLE);
    fake.now_wall_ms = NOW + 1000000;
    for (int i = 0; i < 4; i++)
        append_one(h, f64(a, times[i], values[i]));
    append_one(h, f64(b, NOW, INFINITY));
    append_one(h, state_row(b, NOW));
    append_one(h, f64(b, NOW + 90000, 5));
    flush(h);
    for (int round = 0; round < 2; round++) {
        static seen got;
        got.n = 0;
        CHECK_OK(hist_buckets(h, hist_of_tag(a), NOW, NOW + 180000, 60000, keep_bucket, &got, NULL));
        CHECK_FATAL(got.n == 3);
        CHECK(got.b[0].area == 60000 && isinf(got.b[1].area) && got.b[2].area == 2.0 * 30000 + 4.0 * 30000 && got.b[2].area_ms == 60000);
        got.n = 0;
        CHECK_OK(
            hist_buckets(h, hist_of_tag(b), NOW, NOW + 120000, 120000, keep_bucket, &got, NULL)); /* from the summary in the second round */
        CHECK(got.n == 1 && got.b[0].area == 5.0 * 30000 && got.b[0].area_ms == 30000);
        seal(h);
    }
    close_ok(h);
    fake.now_wall_ms = NOW;
}

static bool stop_at_third(void *ctx, const hist_bucket *b)
{
    (void)b;
    return ++*(int *)ctx < 3;
}

static void it_stops_when_told(void)
{
    hist *h = open_store(new_dir(), 64);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    for (int i = 0; i < 100; i++)
        append_one(h, f64(a, NOW + i * 1000, i));
    flush(h);
    static const int64_t ranges[][2] = { { NOW, NOW + 100000 }, { NOW + 500000, NOW + 600000 }, { NOW - 200000, NOW - 100000 } };
    for (size_t i = 0; i < PT_COUNT_OF(ranges); i++) {
        int n = 0;
        CHECK_OK(hist_buckets(h, hist_of_tag(a), ranges[i][0], ranges[i][1], 1000, stop_at_third, &n, NULL));
        CHECK_INT(n, 3);
    }
    close_ok(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(buckets_agree_with_brute_force),
        PT_TEST(a_block_inside_a_bucket_is_not_decoded),
        PT_TEST(what_held_before_the_range_counts_and_nothing_beyond_now),
        PT_TEST(what_is_infinite_counts_for_its_own_time_alone),
        PT_TEST(the_time_texts_are_good_agrees_with_brute_force),
        PT_TEST(good_texts_are_answered_from_the_summary),
        PT_TEST(bad_intervals_are_refused),
        PT_TEST(it_stops_when_told),
    };
    setup();
    return pt_test_main("historian/bucket", tests, PT_COUNT_OF(tests), argc, argv);
}
