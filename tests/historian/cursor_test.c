/* tests/historian/cursor_test.c -- samples one after the other, copied or in place, and the one that was valid at a time. */
#include "base/random.h"
#include "historian/read/scan.h"
#include "tests/historian/support.h"

#include <stdio.h>

static void state_rows_are_kept_apart_from_samples(void)
{
    hist *h = open_store(new_dir(), 1024);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    hist_sample s[] = { f64(a, NOW, 1), state_row(a, NOW), state_row(a, NOW + 5) }, out[10];
    append(h, s, 3);
    flush(h);
    for (int round = 0; round < 2; round++) {
        CHECK_INT(read_rows(h, a, 0, INT64_MAX, false, out, 10), 1);
        CHECK_INT(read_rows(h, a, 0, INT64_MAX, true, out, 10), 3);
        CHECK(!hist__is_state(&out[0]) && hist__is_state(&out[1]) && out[1].time_ms == NOW && hist__is_state(&out[2]));
        pt_arena arena;
        pt_arena_init(&arena, 4096);
        hist_sample v;
        CHECK_OK(hist_value_at(h, hist_of_tag(a), NOW + 100, &arena, &v));
        CHECK_INT(v.time_ms, NOW);
        CHECK_STATUS(hist_value_at(h, hist_of_tag(a), NOW - 1, &arena, &v), PT_EEMPTY);
        pt_arena_fini(&arena);
        seal(h);
    }
    close_ok(h);
}

/* Some rows pending, some in blocks, over several weeks and beyond the ends of the calendar. */
static size_t scattered(hist *h, uint32_t tag, hist_sample *s)
{
    static const int64_t places[] = { INT64_MIN,     -5,           HIST__EARLY_MS - 1, HIST__EARLY_MS, NOW, NOW + 1, NOW + 3 * WEEK,
                                      HIST__LATE_MS, INT64_MAX - 1 };
    size_t n = 0;
    for (size_t i = 0; i < PT_COUNT_OF(places); i++) {
        s[n++] = f64(tag, places[i], (double)i);
        if (i % 3 == 0) s[n++] = state_row(tag, places[i]);
    }
    for (size_t i = 0; i < n; i += 2)
        append_one(h, s[i]);
    flush(h);
    seal(h);
    for (size_t i = 1; i < n; i += 2)
        append_one(h, s[i]);
    flush(h);
    return n;
}

static void any_range_is_read_in_any_helpings(void)
{
    hist *h = open_store(new_dir(), 16);
    uint32_t tag = make_tag(h, "a", SPB_DOUBLE);
    hist_sample s[20], out[40];
    size_t n = scattered(h, tag, s);
    for (size_t from = 0; from < n; from++) {
        for (size_t to = from; to < n; to++) {
            for (int states = 0; states < 2; states++) {
                size_t want = 0, got, total = 0;
                for (size_t i = 0; i < n; i++)
                    want += s[i].time_ms >= s[from].time_ms && s[i].time_ms < s[to].time_ms && (states || !hist__is_state(&s[i]));
                for (size_t max = 1; max < 4; max++) {
                    hist_cursor *c = NULL;
                    total = 0;
                    CHECK_OK_FATAL(hist_cursor_open(h, hist_of_tag(tag), s[from].time_ms, s[to].time_ms, states, &c, NULL));
                    while (hist_cursor_next(c, out + total, max, &got, NULL) == PT_OK && got)
                        total += got;
                    CHECK_INT(total, want);
                    CHECK_OK(hist_cursor_next(c, out, max, &got, NULL)); /* the end stays the end */
                    CHECK_INT(got, 0);
                    hist_cursor_close(c);
                }
                hist_cursor *c = NULL;
                const hist_sample *rows = NULL;
                total = 0;
                CHECK_OK_FATAL(hist_cursor_open(h, hist_of_tag(tag), s[from].time_ms, s[to].time_ms, states, &c, NULL));
                while (hist_cursor_view(c, &rows, &got, NULL) == PT_OK && got)
                    total += got;
                CHECK_INT(total, want);
                hist_cursor_close(c);
            }
        }
    }
    close_ok(h);
}

static void helpings_and_views_may_be_mixed(void)
{
    hist *h = open_store(new_dir(), 16);
    uint32_t tag = make_tag(h, "a", SPB_INT64);
    for (int i = 0; i < 500; i++)
        append_one(h, i64(tag, NOW + i, i));
    flush(h);
    seal(h);
    hist_cursor *c = NULL;
    int64_t want = 0;
    CHECK_OK_FATAL(hist_cursor_open(h, hist_of_tag(tag), INT64_MIN, INT64_MAX, true, &c, NULL));
    for (unsigned k = 0;; k++) {
        hist_sample out[5];
        const hist_sample *rows = out;
        size_t n = 0;
        CHECK_OK_FATAL(k % 3 ? hist_cursor_next(c, out, 1 + k % 5, &n, NULL) : hist_cursor_view(c, &rows, &n, NULL));
        if (n == 0) break;
        for (size_t i = 0; i < n; i++)
            CHECK_INT(rows[i].as.i64, want++);
    }
    CHECK_INT(want, 500);
    hist_cursor_close(c);
    hist_cursor_close(NULL);
    close_ok(h);
}

static void bad_calls_are_refused(void)
{
    hist *h = open_store(new_dir(), 16);
    uint32_t tag = make_tag(h, "a", SPB_INT64);
    hist_cursor *c = NULL;
    hist_sample s;
    size_t n = 7;
    pt_arena arena;
    pt_error err = { 0 };
    pt_arena_init(&arena, 4096);
    CHECK_STATUS(hist_cursor_open(h, hist_of_tag(0), 0, 1, true, &c, &err), PT_ENOTFOUND);
    CHECK_STATUS(hist_cursor_open(h, hist_of_tag(tag + 1), 0, 1, true, &c, &err), PT_ENOTFOUND);
    CHECK(strstr(err.text, "tag 2") != NULL);
    CHECK_STATUS(hist_value_at(h, hist_of_tag(0), 0, &arena, &s), PT_ENOTFOUND);
    CHECK_STATUS(hist_value_at(h, hist_of_tag(tag + 1), 0, &arena, &s), PT_ENOTFOUND);
    CHECK_STATUS(hist_value_at(h, hist_of_tag(tag), INT64_MAX, &arena, &s), PT_EEMPTY);
    CHECK_OK_FATAL(hist_cursor_open(h, hist_of_tag(tag), 5, 5, true, &c, &err)); /* an empty range is one */
    CHECK_STATUS(hist_cursor_next(c, &s, 0, &n, &err), PT_EINVAL);
    CHECK_OK(hist_cursor_next(c, &s, 1, &n, &err));
    CHECK_INT(n, 0);
    hist_cursor_close(c);
    CHECK_OK_FATAL(hist_cursor_open(h, hist_of_tag(tag), 6, 5, true, &c, &err));
    CHECK_OK(hist_cursor_next(c, &s, 1, &n, &err));
    CHECK_INT(n, 0);
    hist_cursor_close(c);
    pt_arena_fini(&arena);
    close_ok(h);
}

static void the_value_at_a_time_is_the_newest_before_it_wherever_it_lies(void)
{
    static const char *const words[] = { "a", "bb", "ccc" };
    const char *dir = new_dir();
    hist *h = open_store(dir, 16);
    uint32_t tag = make_tag(h, "a", SPB_STRING);
    pt_random rnd = pt_random_seed(8);
    enum { N = 300 };
    hist_sample s[N];
    int64_t t = NOW;
    for (int i = 0; i < N; i++) {
        t += 1 + (int64_t)pt_random_below(&rnd, i % 50 ? 1000 : (uint64_t)WEEK * 2);
        s[i] = i % 7 && !(i > 100 && i < 150) ? str(tag, t, words[i % 3]) : state_row(tag, t); /* whole blocks of STATE rows among them */
    }
    bool later[N] = { false };
    for (int i = 0; i < N; i++) {
        later[i] = pt_random_below(&rnd, 3) == 0 || i > 250;
        if (!later[i]) append_one(h, s[i]);
    }
    flush(h);
    seal(h);
    for (int i = 0; i < N; i++) {
        if (later[i]) append_one(h, s[i]);
    }
    flush(h);
    hist *reader = open_reader(dir);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < N; i++) {
            for (int states = 0; states < 2; states++) {
                for (int d = -1; d < 2; d++) {
                    const hist_sample *want = NULL;
                    for (int k = 0; k < N && s[k].time_ms <= s[i].time_ms + d; k++) {
                        if (states || !hist__is_state(&s[k])) want = &s[k];
                    }
                    pt_arena arena;
                    hist_sample got;
                    pt_arena_init(&arena, 1 << 16);
                    pt_status st = hist__row_before(i % 2 ? h : reader, hist_of_tag(tag), s[i].time_ms + d, states, &arena, &got, NULL);
                    CHECK(want ? st == PT_OK && got.time_ms == want->time_ms && hist__same_content(want, &got) : st == PT_EEMPTY);
                    pt_arena_fini(&arena);
                }
            }
        }
        seal(h);
    }
    close_ok(reader);
    close_ok(h);
}

static void a_damaged_block_is_named_by_the_value_at_a_time(void)
{
    const char *dir = new_dir();
    close_ok(filled_store(dir));
    run_sql(partition_in(dir, NOW), "UPDATE data SET data=cast(substr(data,1,20)||x'5a'||substr(data,22) AS BLOB)");
    hist *h = open_store(dir, 128);
    pt_arena arena;
    hist_sample s;
    pt_error err = { 0 };
    pt_arena_init(&arena, 1 << 16);
    CHECK_STATUS(hist__row_before(h, hist_of_tag(1), NOW + 1, false, &arena, &s, &err), PT_ECORRUPT); /* never the value before it */
    CHECK(strstr(err.text, "tag 1, block at") != NULL);
    CHECK_OK(hist_value_at(h, hist_of_tag(1), INT64_MAX, &arena, &s));
    pt_arena_fini(&arena);
    close_ok(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(state_rows_are_kept_apart_from_samples),
        PT_TEST(any_range_is_read_in_any_helpings),
        PT_TEST(helpings_and_views_may_be_mixed),
        PT_TEST(bad_calls_are_refused),
        PT_TEST(the_value_at_a_time_is_the_newest_before_it_wherever_it_lies),
        PT_TEST(a_damaged_block_is_named_by_the_value_at_a_time),
    };
    setup();
    return pt_test_main("historian/cursor", tests, PT_COUNT_OF(tests), argc, argv);
}
