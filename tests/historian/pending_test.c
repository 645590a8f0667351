/* tests/historian/pending_test.c -- the rows that wait for their block: in key order, equal keys replaced, bytes accounted for. */
#include "base/random.h"
#include "historian/write/pending.h"
#include "tests/historian/samples.h"
#include "tests/support/check.h"

enum { TAG = 1, OTHER = 2, BLOCK = 64 };

static hist_options options;

static void begin(hist__pending *p)
{
    hist_options_init(&options);
    options.block_samples = BLOCK;
    *p = (hist__pending){ 0 };
    CHECK_OK_FATAL(hist__pending_init(p, &options));
    CHECK_OK_FATAL(hist__pending_reserve(p, TAG));
    CHECK_OK_FATAL(hist__pending_reserve(p, OTHER));
}

static void put(hist__pending *p, hist_sample s, uint64_t row)
{
    CHECK_OK_FATAL(hist__pending_put(p, &s, row, false));
}

static const hist_sample *all_rows(hist__pending *p, uint32_t tag, size_t *n)
{
    return hist__pending_rows(p, tag, INT64_MIN, INT64_MAX, n);
}

static void rows_stay_in_order_whatever_the_order_of_arrival(void)
{
    static const char *const words[] = { "", "on", "a longer word" };
    static hist__pending p;
    pt_random rnd = pt_random_seed(4);
    for (unsigned round = 0; round < 40; round++) {
        enum { MAX = 400 };
        hist_sample want[MAX];
        size_t n = 0, got = 0, plain = 0;
        begin(&p);
        for (unsigned i = 0; i < MAX; i++) {
            int64_t t = round % 2 ? (int64_t)pt_random_below(&rnd, 200)
                                  : (int64_t)i - (int64_t)(pt_random_below(&rnd, 5) ? 0 : pt_random_below(&rnd, 60));
            hist_sample s = i % 3 ? i64(TAG, t, i) : str(TAG, t, words[i % PT_COUNT_OF(words)]);
            if (pt_random_below(&rnd, 6) == 0) s = state_row(TAG, t);
            size_t at = 0;
            while (at < n && hist__key_cmp(want[at].time_ms, hist__is_state(&want[at]), s.time_ms, hist__is_state(&s)) < 0)
                at++;
            bool equal = at < n && hist__key_cmp(want[at].time_ms, hist__is_state(&want[at]), s.time_ms, hist__is_state(&s)) == 0;
            if (!equal) {
                memmove(&want[at + 1], &want[at], (n - at) * sizeof *want);
                n++;
                plain += !hist__is_state(&s);
            }
            want[at] = s;
            put(&p, s, 100 + i);
            CHECK_INT(hist__pending_stored(&p, TAG).pending, n);
            CHECK_INT(hist__pending_stored(&p, TAG).samples, plain); /* one that takes another's place is no further one */
        }
        const hist_sample *rows = all_rows(&p, TAG, &got);
        bool same = got == n;
        for (size_t i = 0; same && i < n; i++)
            same = rows[i].time_ms == want[i].time_ms && hist__is_state(&rows[i]) == hist__is_state(&want[i]) &&
                   hist__same_content(&rows[i], &want[i]);
        CHECK(same);
        CHECK_INT(hist__pending_first_row(&p, TAG), 100); /* the journal row of the first of them: it may not be trimmed before */
        for (int64_t t = -1; t < MAX + 1; t++) {
            size_t lower = 0;
            while (lower < n && want[lower].time_ms < t)
                lower++;
            (void)hist__pending_rows(&p, TAG, t, INT64_MAX, &got);
            CHECK_INT(got, n - lower);
            for (int state = 0; state < 2; state++) {
                const hist_sample *found = hist__pending_find(&p, TAG, t, state), *wanted = NULL;
                for (size_t i = 0; i < n; i++) {
                    if (want[i].time_ms == t && hist__is_state(&want[i]) == (state == 1)) wanted = &want[i];
                }
                CHECK((found != NULL) == (wanted != NULL) && (!found || hist__same_content(found, wanted)));
            }
        }
        hist__pending_fini(&p);
    }
}

static void readers_get_copies_of_what_is_in_the_range(void)
{
    static const struct {
        int64_t from, to;
        size_t n;
    } ranges[] = { { INT64_MIN, INT64_MAX, 6 }, { 0, 60, 6 }, { 10, 20, 1 }, { 11, 20, 0 }, { 20, 41, 3 }, { 60, 10, 0 } };
    static const struct {
        int64_t at;
        bool states;
        int64_t found; /* -1: none */
    } times[] = { { 9, true, -1 }, { 10, false, 10 }, { 35, true, 30 }, { 35, false, 20 }, { INT64_MAX, false, INT64_MAX } };
    static hist__pending p;
    begin(&p);
    put(&p, str(TAG, 10, "ten"), 1);
    put(&p, str(TAG, 20, "twenty"), 1);
    put(&p, state_row(TAG, 30), 1);
    for (int64_t t = 40; t <= 60; t += 10)
        put(&p, str(TAG, t - (t == 60), "more"), 1);
    hist__rows out;
    pt_arena arena;
    hist__rows_init(&out);
    pt_arena_init(&arena, 1000);
    for (size_t i = 0; i < PT_COUNT_OF(ranges); i++) {
        hist__rows_reset(&out);
        CHECK_OK(hist__pending_copy(&p, TAG, ranges[i].from, ranges[i].to, &out));
        CHECK_INT(out.n, ranges[i].n);
    }
    put(&p, i64(TAG, INT64_MAX, 1), 1);
    for (size_t i = 0; i < PT_COUNT_OF(times); i++) {
        hist_sample s = { .time_ms = -1 };
        CHECK_INT(hist__pending_before(&p, TAG, times[i].at, times[i].states, &arena, &s), times[i].found < 0 ? PT_EEMPTY : PT_OK);
        CHECK_INT(s.time_ms, times[i].found);
    }
    hist_sample kept;
    CHECK_OK(hist__pending_before(&p, TAG, 20, false, &arena, &kept));
    hist__pending_clear(&p, (const uint32_t[]){ TAG }, 1);
    CHECK_STR(pt_slice_of(kept.as.ptr, kept.len), "twenty"); /* the bytes are the caller's */
    CHECK_INT(hist__pending_before(&p, TAG, INT64_MAX, true, &arena, &kept), PT_EEMPTY);
    CHECK_INT(hist__pending_stored(&p, TAG).samples, 6); /* stored all the same */
    hist__rows_fini(&out);
    pt_arena_fini(&arena);
    hist__pending_fini(&p);
}

static void many_at_once_are_counted_and_full_tags_named(void)
{
    static hist__pending p;
    hist_sample s[BLOCK + 6];
    uint32_t full[PT_COUNT_OF(s)];
    size_t n = 0;
    begin(&p);
    for (size_t i = 0; i < PT_COUNT_OF(s); i++)
        s[i] = i % 10 == 9 ? i64(OTHER, (int64_t)i, 1) : i64(TAG, (int64_t)i, 1);
    s[5].reserved = 1; /* a block has one of this key */
    CHECK_OK(hist__pending_add(&p, s, PT_COUNT_OF(s), 3, full, &n));
    CHECK_INT(n, 0);
    CHECK_INT(hist__pending_stored(&p, TAG).pending, BLOCK - 1);
    CHECK_INT(hist__pending_stored(&p, TAG).samples, BLOCK - 2);
    CHECK_INT(hist__pending_stored(&p, TAG).last_ms, BLOCK + 4);
    CHECK_INT(hist__pending_stored(&p, OTHER).samples, 7);
    CHECK_INT(hist__pending_stored(&p, OTHER).first_ms, 9);
    CHECK_INT(hist__pending_find(&p, TAG, 5, false)->reserved, 0);
    for (size_t i = 0; i < 3; i++)
        s[i] = i64(i < 2 ? TAG : OTHER, 1000 + (int64_t)i, 1);
    CHECK_OK(hist__pending_add(&p, s, 3, 4, full, &n));
    CHECK_INT(n, 2);
    CHECK(full[0] == TAG && full[1] == TAG);
    CHECK_INT(hist__pending_first_row(&p, TAG), 3);
    hist__pending_uncount(&p, OTHER, 3);
    CHECK_INT(hist__pending_stored(&p, OTHER).samples, 5);
    hist__pending_uncount(&p, OTHER, 9); /* never below nothing */
    CHECK_INT(hist__pending_stored(&p, OTHER).samples, 0);
    hist__pending_set_stored(&p, OTHER, 4, 10, 20);
    hist__pending_add_stored(&p, OTHER, 2, 5, 15);
    hist__stored t = hist__pending_stored(&p, OTHER);
    CHECK(t.samples == 6 && t.first_ms == 5 && t.last_ms == 20);
    hist__pending_fini(&p);
}

static void rows_before_a_time_are_dropped_with_their_bytes(void)
{
    static const struct {
        int64_t before;
        uint32_t left;
        uint64_t bytes;
    } rows[] = { { 0, 6, 12 }, { 1, 6, 12 }, { 3, 4, 8 }, { 6, 1, 2 }, { 100, 0, 0 }, { INT64_MAX, 0, 0 } };
    static hist__pending p;
    for (size_t k = 0; k < PT_COUNT_OF(rows); k++) {
        size_t n = 0;
        begin(&p);
        for (int64_t t = 1; t <= 6; t++)
            put(&p, str(TAG, t, "x"), 7);
        uint64_t other = hist__pending_bytes(&p) - 12;
        hist__pending_drop(&p, (const uint32_t[]){ OTHER, TAG }, 2, rows[k].before);
        const hist_sample *left = all_rows(&p, TAG, &n);
        CHECK_INT(n, rows[k].left);
        CHECK_INT(hist__pending_bytes(&p), other + rows[k].bytes);
        CHECK(n == 0 || left[0].time_ms >= rows[k].before || rows[k].before <= 1);
        CHECK_INT(hist__pending_first_row(&p, TAG), n ? 7 : 0);
        hist__pending_fini(&p);
    }
}

static void memory_is_counted_and_given_back(void)
{
    static hist__pending p;
    const uint64_t row = sizeof(hist_sample);
    begin(&p);
    put(&p, str(TAG, 1, "12345"), 7);
    CHECK_INT(hist__pending_bytes(&p), 2 * row + 6);
    put(&p, str(TAG, 1, "123456789"), 8); /* replaced: only the new one counts */
    CHECK_INT(hist__pending_bytes(&p), 2 * row + 10);
    CHECK_INT(hist__pending_first_row(&p, TAG), 7);
    for (int i = 0; i < BLOCK; i++)
        put(&p, i64(OTHER, i, i), 9);
    CHECK_INT(hist__pending_bytes(&p), (2 + BLOCK) * row + 10); /* never more room than a block needs */
    hist__pending_clear(&p, (const uint32_t[]){ TAG, OTHER }, 2);
    CHECK_INT(hist__pending_stored(&p, TAG).pending, 0);
    CHECK_INT(hist__pending_first_row(&p, TAG), 0);
    CHECK_INT(hist__pending_bytes(&p), BLOCK * row); /* a full one keeps its room */
    for (int i = 0; i < BLOCK; i++)
        put(&p, i64(OTHER, i, i), 9);
    options.pending_bytes = 0;
    hist__pending_clear(&p, (const uint32_t[]){ OTHER }, 1); /* unless memory is short */
    CHECK_INT(hist__pending_bytes(&p), 0);
    put(&p, str(TAG, 1, "12345"), 7);
    hist__pending_reset(&p);
    CHECK_INT(hist__pending_bytes(&p), 0);
    CHECK_INT(hist__pending_stored(&p, TAG).samples, 0);
    hist__pending_fini(&p);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(rows_stay_in_order_whatever_the_order_of_arrival),
                                     PT_TEST(readers_get_copies_of_what_is_in_the_range),
                                     PT_TEST(many_at_once_are_counted_and_full_tags_named),
                                     PT_TEST(rows_before_a_time_are_dropped_with_their_bytes), PT_TEST(memory_is_counted_and_given_back) };
    return pt_test_main("historian/pending", tests, PT_COUNT_OF(tests), argc, argv);
}
