/* tests/historian/pending_test.c -- the rows that wait for their block: in key order, equal keys replaced, bytes accounted for. */
#include "base/random.h"
#include "tests/historian/support.h"

static void rows_stay_in_order_whatever_the_order_of_arrival(void)
{
    static const char *const words[] = { "", "on", "a longer word" };
    pt_random rnd = pt_random_seed(4);
    for (unsigned round = 0; round < 40; round++) {
        enum { MAX = 400 };
        hist_sample want[MAX];
        size_t n = 0;
        hist *h = open_bare(new_dir(), 64);
        uint32_t tag = make_tag(h, "a", SPB_INT64);
        hist__hot *hot = hist__hot_at(h, tag);
        for (unsigned i = 0; i < MAX; i++) {
            int64_t t = round % 2 ? (int64_t)pt_random_below(&rnd, 200)
                                  : (int64_t)i - (int64_t)(pt_random_below(&rnd, 5) ? 0 : pt_random_below(&rnd, 60));
            hist_sample s = i % 3 ? i64(tag, t, i) : str(tag, t, words[i % PT_COUNT_OF(words)]);
            if (pt_random_below(&rnd, 6) == 0) s = state_row(tag, t);
            size_t at = 0;
            while (at < n && hist__key_cmp(want[at].time_ms, hist__is_state(&want[at]), s.time_ms, hist__is_state(&s)) < 0)
                at++;
            bool equal = at < n && hist__key_cmp(want[at].time_ms, hist__is_state(&want[at]), s.time_ms, hist__is_state(&s)) == 0,
                 known = !equal;
            if (!equal) {
                memmove(&want[at + 1], &want[at], (n - at) * sizeof *want);
                n++;
            }
            want[at] = s;
            CHECK_OK_FATAL(hist__pending_put(h, &s, 100 + i, &known));
            CHECK(known == equal);
        }
        bool same = hot->n == n;
        for (size_t i = 0; same && i < n; i++)
            same = hot->rows[i].time_ms == want[i].time_ms && hist__is_state(&hot->rows[i]) == hist__is_state(&want[i]) &&
                   hist__same_content(&hot->rows[i], &want[i]);
        CHECK(same);
        CHECK_INT(hot->first_row, 100); /* the journal row of the first of them: it may not be trimmed before */
        for (int64_t t = -1; t < MAX + 1; t++) {
            size_t lower = 0;
            while (lower < n && want[lower].time_ms < t)
                lower++;
            CHECK_INT(hist__pending_lower(hot, t), lower);
            for (int state = 0; state < 2; state++) {
                const hist_sample *found = hist__pending_find(hot, t, state), *wanted = NULL;
                for (size_t i = 0; i < n; i++) {
                    if (want[i].time_ms == t && hist__is_state(&want[i]) == (state == 1)) wanted = &want[i];
                }
                CHECK((found != NULL) == (wanted != NULL) && (!found || hist__same_content(found, wanted)));
            }
        }
        hist__bare_free(h);
    }
}

static void rows_before_a_time_are_dropped_with_their_bytes(void)
{
    static const struct {
        int64_t before;
        uint32_t left;
        uint64_t bytes;
    } rows[] = { { 0, 6, 12 }, { 1, 6, 12 }, { 3, 4, 8 }, { 6, 1, 2 }, { 100, 0, 0 }, { INT64_MAX, 0, 0 } };
    for (size_t k = 0; k < PT_COUNT_OF(rows); k++) {
        hist *h = open_bare(new_dir(), 64);
        uint32_t tag = make_tag(h, "a", SPB_STRING);
        hist__hot *hot = hist__hot_at(h, tag);
        bool known;
        for (int64_t t = 1; t <= 6; t++) {
            hist_sample s = str(tag, t, "x");
            CHECK_OK(hist__pending_put(h, &s, 7, &known));
        }
        uint64_t other = h->pending_bytes - 12;
        hist__pending_drop(h, tag, rows[k].before);
        CHECK_INT(hot->n, rows[k].left);
        CHECK_INT(hot->value_bytes, rows[k].bytes);
        CHECK_INT(h->pending_bytes, other + rows[k].bytes);
        CHECK(hot->n == 0 || hot->rows[0].time_ms >= rows[k].before || rows[k].before <= 1);
        CHECK_INT(hot->first_row, hot->n ? 7 : 0);
        hist__bare_free(h);
    }
}

static void memory_is_counted_and_given_back(void)
{
    hist *h = open_bare(new_dir(), 64);
    uint32_t a = make_tag(h, "a", SPB_STRING), b = make_tag(h, "b", SPB_INT64);
    bool known;
    hist_sample s = str(a, 1, "12345");
    CHECK_OK(hist__pending_put(h, &s, 7, &known));
    uint64_t rows = (uint64_t)hist__hot_at(h, a)->cap * sizeof(hist_sample);
    CHECK_INT(h->pending_bytes, rows + 6);
    s = str(a, 1, "123456789"); /* replaced: only the new one counts */
    CHECK_OK(hist__pending_put(h, &s, 8, &known));
    CHECK(known);
    CHECK_INT(h->pending_bytes, rows + 10);
    CHECK_INT(hist__hot_at(h, a)->value_bytes, 10);
    CHECK_INT(hist__hot_at(h, a)->first_row, 7);
    for (int i = 0; i < 64; i++) {
        s = i64(b, i, i);
        CHECK_OK(hist__pending_put(h, &s, 9, &known));
    }
    CHECK_INT(hist__hot_at(h, b)->cap, 64); /* never more room than a block needs */
    hist__pending_clear(h, a);
    CHECK_INT(hist__hot_at(h, a)->n, 0);
    CHECK_INT(hist__hot_at(h, a)->first_row, 0);
    CHECK_INT(hist__hot_at(h, a)->cap, 0);
    hist__pending_clear(h, b); /* a full one keeps its room */
    CHECK_INT(hist__hot_at(h, b)->cap, 64);
    CHECK_INT(h->pending_bytes, 64 * sizeof(hist_sample));
    h->o.pending_bytes = 0;
    hist__pending_clear(h, b); /* unless memory is short */
    CHECK_INT(h->pending_bytes, 0);
    hist__pending_free(h);
    hist__bare_free(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(rows_stay_in_order_whatever_the_order_of_arrival),
                                     PT_TEST(rows_before_a_time_are_dropped_with_their_bytes), PT_TEST(memory_is_counted_and_given_back) };
    setup();
    return pt_test_main("historian/pending", tests, PT_COUNT_OF(tests), argc, argv);
}
