/* tests/historian/rows_test.c -- a run of rows: copies with their bytes, sorted by key, the newest of equal keys kept. */
#include "base/random.h"
#include "historian/format/format.h"
#include "tests/historian/samples.h"
#include "tests/support/check.h"

#include <stdio.h>

static void sorting_keeps_the_newest_of_equal_keys(void)
{
    hist__rows rows;
    hist__rows_init(&rows);
    hist_sample in[] = { i64(1, 5, 1), i64(1, 3, 2), i64(1, 5, 3), i64(1, 1, 4), i64(1, 5, 5) };
    in[3].flags = HIST_STATE;
    CHECK_OK(hist__rows_add(&rows, in, 5));
    CHECK_OK(hist__rows_sort(&rows));
    CHECK_INT(rows.n, 3);
    CHECK_INT(rows.s[0].time_ms, 1);
    CHECK_INT(rows.s[1].as.u64, 2);
    CHECK_INT(rows.s[2].as.u64, 5);
    hist__rows_fini(&rows);
}

static void any_order_sorts_to_what_insertion_one_by_one_gives(void)
{
    pt_random rnd = pt_random_seed(3);
    for (unsigned round = 0; round < 300; round++) {
        enum { MAX = 200 };
        hist_sample want[MAX];
        size_t n = 1 + pt_random_below(&rnd, MAX), kept = 0;
        hist__rows rows;
        hist__rows_init(&rows);
        for (size_t i = 0; i < n; i++) {
            hist_sample s = i64(1, (int64_t)pt_random_below(&rnd, n) - 20, (int64_t)i);
            if (pt_random_below(&rnd, 4) == 0) s.flags = HIST_STATE;
            CHECK_OK_FATAL(hist__rows_add(&rows, &s, 1));
            size_t at = 0;
            while (at < kept && hist__key_cmp(want[at].time_ms, hist__is_state(&want[at]), s.time_ms, hist__is_state(&s)) < 0)
                at++;
            bool equal = at < kept && hist__key_cmp(want[at].time_ms, hist__is_state(&want[at]), s.time_ms, hist__is_state(&s)) == 0;
            if (!equal) {
                memmove(&want[at + 1], &want[at], (kept - at) * sizeof *want);
                kept++;
            }
            want[at] = s;
        }
        CHECK_OK(hist__rows_sort(&rows));
        bool same = rows.n == kept;
        for (size_t i = 0; same && i < kept; i++)
            same = rows.s[i].time_ms == want[i].time_ms && rows.s[i].flags == want[i].flags && rows.s[i].as.i64 == want[i].as.i64;
        CHECK(same);
        hist__rows_fini(&rows);
    }
}

static void bytes_are_copied_and_values_are_not_touched(void)
{
    hist__rows rows;
    hist__rows_init(&rows);
    char word[20] = "gone soon";
    hist_sample in[] = { str(1, 1, word), i64(1, 2, -7), str(1, 3, "") };
    hist_sample null = { .tag_id = 1, .time_ms = 4, .type = SPB_STRING, .flags = HIST_NULL };
    CHECK_OK(hist__rows_add(&rows, in, 3));
    CHECK_OK(hist__rows_add(&rows, &null, 1));
    memset(word, 'x', sizeof word);
    CHECK_INT(rows.n, 4);
    CHECK_STR(pt_slice_of(rows.s[0].as.ptr, rows.s[0].len), "gone soon");
    CHECK_INT(rows.s[1].as.i64, -7);
    CHECK_INT(rows.s[2].len, 0);
    CHECK_INT(rows.s[3].flags, HIST_NULL);
    hist__rows_reset(&rows);
    CHECK_INT(rows.n, 0);
    CHECK(rows.cap >= 4); /* the room stays */
    hist__rows_fini(&rows);
}

static void room_grows_for_what_is_asked(void)
{
    hist__rows rows;
    hist__rows_init(&rows);
    static const size_t more[] = { 0, 1, 255, 256, 257, 100000 };
    for (size_t i = 0; i < PT_COUNT_OF(more); i++) {
        CHECK_OK(hist__rows_reserve(&rows, more[i]));
        CHECK(rows.cap - rows.n >= more[i]);
    }
    CHECK_OK(hist__rows_sort(&rows)); /* nothing to sort */
    CHECK_INT(rows.n, 0);
    hist__rows_fini(&rows);
}

static void rows_are_found_by_time(void)
{
    static const struct {
        int64_t at;
        size_t lower;
        int last, last_sample; /* -1: none */
    } rows[] = { { INT64_MIN, 0, -1, -1 }, { 10, 0, 0, 0 }, { 11, 1, 0, 0 },       { 20, 1, 2, 1 },
                 { 21, 3, 2, 1 },          { 30, 3, 3, 1 }, { INT64_MAX, 4, 3, 1 } };
    const hist_sample s[] = { i64(1, 10, 1), i64(1, 20, 2), state_row(1, 20), state_row(1, 30) };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        const hist_sample *last = hist__rows_last(s, 4, rows[i].at, true), *sample = hist__rows_last(s, 4, rows[i].at, false);
        CHECK_INT(hist__rows_lower(s, 4, rows[i].at), rows[i].lower);
        CHECK_INT(last ? last - s : -1, rows[i].last);
        CHECK_INT(sample ? sample - s : -1, rows[i].last_sample);
    }
    CHECK_INT(hist__rows_lower(NULL, 0, 5), 0);
    CHECK(hist__rows_last(NULL, 0, 5, true) == NULL);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(sorting_keeps_the_newest_of_equal_keys),
        PT_TEST(any_order_sorts_to_what_insertion_one_by_one_gives),
        PT_TEST(bytes_are_copied_and_values_are_not_touched),
        PT_TEST(room_grows_for_what_is_asked),
        PT_TEST(rows_are_found_by_time),
    };
    return pt_test_main("historian/rows", tests, PT_COUNT_OF(tests), argc, argv);
}
