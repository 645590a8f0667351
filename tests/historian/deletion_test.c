/* tests/historian/deletion_test.c -- one tag's samples go block by block, and what is left is counted right. */
#include "base/random.h"
#include "historian/read/log.h"
#include "tests/historian/support.h"

#include <stdio.h>

static void a_deleted_tag_is_gone_also_after_a_restart(void)
{
    const char *dir = new_dir();
    hist_verify_report r;
    hist *h = filled_store(dir);
    uint64_t rows = 0;
    pt_error err = { 0 };
    CHECK_OK(hist_tag_delete(h, 2, NOW + 5 * DAY, NOW + 6 * DAY, &rows, &err));
    CHECK_INT(rows, 120);
    CHECK_INT(count_rows(h, 2), 2880);
    CHECK_OK(hist_tag_delete(h, 2, INT64_MIN, INT64_MAX, &rows, &err));
    CHECK_INT(rows, 2880);
    for (int round = 0; round < 2; round++) {
        CHECK_INT(count_rows(h, 2), 0);
        CHECK_INT(count_rows(h, 1), 3000);
        close_ok(h);
        CHECK_INT(faults_in(dir, false, true, &r), 0);
        h = open_store(dir, 128);
    }
    hist_sample s = { .tag_id = 2, .time_ms = NOW, .type = SPB_DOUBLE, .as.f64 = 1 };
    CHECK_OK(hist_append(h, &s, 1));
    CHECK_OK(hist_flush(h, 5000, NULL));
    CHECK_INT(count_rows(h, 2), 1);
    close_ok(h);
}

/* Random deletions against a plain list. */
static void any_deletion_leaves_exactly_the_rest(void)
{
    pt_random rnd = pt_random_seed(31);
    for (unsigned round = 0; round < 25; round++) {
        enum { N = 400 };
        static hist_sample s[N], got[N];
        const char *dir = new_dir();
        hist *h = open_store(dir, 16 + (uint32_t)pt_random_below(&rnd, 100));
        uint32_t a = make_tag(h, "a", SPB_DOUBLE), other = make_tag(h, "b", SPB_DOUBLE);
        int64_t t = NOW;
        size_t n = N;
        for (size_t i = 0; i < N; i++) {
            t += 1 + (int64_t)pt_random_below(&rnd, i % 60 ? 60000 : (uint64_t)WEEK);
            s[i] = pt_random_below(&rnd, 5) ? f64(a, t, (double)i) : state_row(a, t);
            append_one(h, s[i]);
            append_one(h, f64(other, t, 1));
            if (i == 300) {
                flush(h);
                seal(h);
            }
        }
        flush(h);
        for (unsigned k = 0; k < 4; k++) {
            if (k == 2) { /* smaller blocks from now on: taking rows away may make more of them */
                close_ok(h);
                h = open_store(dir, 16);
            }
            int64_t from = n ? s[pt_random_below(&rnd, n)].time_ms : 0,
                    to = from + (int64_t)pt_random_below(&rnd, k % 2 ? (uint64_t)WEEK : 3000000);
            if (round % 8 == 7 && k == 3) from = INT64_MIN, to = INT64_MAX;
            uint64_t rows = 0, want = 0, samples = 0;
            size_t kept = 0;
            for (size_t i = 0; i < n; i++) {
                if (s[i].time_ms >= from && s[i].time_ms < to) want++;
                else s[kept++] = s[i];
            }
            n = kept;
            CHECK_OK(hist_tag_delete(h, a, from, to, &rows, NULL));
            CHECK_INT(rows, want);
            size_t m = read_rows(h, a, INT64_MIN, INT64_MAX, true, got, N);
            bool same = m == n;
            int64_t first = 0, last = 0;
            for (size_t i = 0; same && i < n; i++)
                same = s[i].time_ms == got[i].time_ms && hist__same_content(&s[i], &got[i]);
            for (size_t i = 0; i < n; i++) {
                if (hist__is_state(&s[i])) continue;
                if (samples++ == 0) first = s[i].time_ms;
                last = s[i].time_ms;
            }
            CHECK(same);
            check_stored(h, a, samples, first, last);
            CHECK_INT(count_rows(h, other), N);
        }
        close_ok(h);
        CHECK_INT(faults_in(dir, false, true, NULL), 0);
        h = open_store(dir, 64);
        CHECK_INT(count_rows(h, a), n);
        close_ok(h);
    }
}

static bool count_change(void *ctx, const hist_change *c)
{
    *(uint64_t *)ctx += c->sample != NULL && c->sample->as.f64 == 77;
    return true;
}

static void the_change_log_goes_on_behind_a_deletion(void)
{
    const char *dir = new_dir();
    hist *h = open_store(dir, 64);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    for (int i = 0; i < 10; i++)
        append_one(h, f64(a, NOW + i, i));
    flush(h);
    uint64_t rows = 0, n = 0;
    hist_log_range r;
    CHECK_OK(hist_tag_delete(h, a, NOW, NOW + 5, &rows, NULL));
    flush(h);
    CHECK_STATUS(hist_log_read(h, 3, 0, count_change, &n, &r, NULL), PT_ESTATE); /* what was deleted is not there any more either */
    CHECK_INT(r.oldest, 11);
    CHECK_INT(r.newest, 11); /* the deletion is one itself */
    CHECK_OK(hist_log_read(h, 10, 0, count_change, &n, &r, NULL));
    close_ok(h);
    h = open_store(dir, 64);
    append_one(h, f64(a, NOW + 20, 77));
    flush(h);
    CHECK_OK(hist_log_read(h, 10, 0, count_change, &n, &r, NULL));
    CHECK(n == 1 && r.next_after == 12 && r.newest == 12);
    close_ok(h);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
}

static void deleting_really_frees_space(void)
{
    const char *dir = new_dir();
    hist *h = open_store(dir, 64);
    uint32_t a = make_tag(h, "a", SPB_STRING), b = make_tag(h, "b", SPB_DOUBLE);
    pt_random rnd = pt_random_seed(2);
    char word[2001];
    word[2000] = 0;
    for (int i = 0; i < 500; i++) {
        for (int k = 0; k < 2000; k++)
            word[k] = (char)('!' + pt_random_below(&rnd, 90));
        append_one(h, str(a, NOW + i, word));
        append_one(h, f64(b, NOW + i, i));
    }
    flush(h);
    seal(h);
    hist_stats before, after;
    uint64_t rows = 0;
    hist_stats_get(h, &before);
    CHECK_OK(hist_tag_delete(h, a, INT64_MIN, INT64_MAX, &rows, NULL));
    hist_stats_get(h, &after);
    CHECK_INT(rows, 500);
    CHECK(after.file_bytes < before.file_bytes / 4); /* of the journal as well */
    CHECK_INT(count_rows(h, b), 500);
    CHECK_STATUS(hist_tag_delete(h, 9, 0, 1, &rows, NULL), PT_ENOTFOUND);
    CHECK_OK(hist_tag_delete(h, b, 0, 1, &rows, NULL));
    CHECK_INT(rows, 0);
    close_ok(h);
}

static void what_was_deleted_is_told(void)
{
    hist *h = open_store(new_dir(), 64);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    char detail[300], path[100];
    uint64_t rows = 0;
    for (int i = 0; i < 10; i++)
        append_one(h, f64(a, NOW + i, i));
    append_one(h, state_row(a, NOW + 10));
    flush(h);
    CHECK_OK(hist_tag_delete(h, a, NOW + 100, NOW + 200, &rows, NULL));
    flush(h);
    CHECK_INT(events_of(h, "history-deleted", detail, path), 0); /* there was nothing */
    CHECK_OK(hist_tag_delete(h, a, NOW + 8, NOW + 20, &rows, NULL));
    flush(h);
    CHECK_INT(events_of(h, "history-deleted", detail, path), 1);
    CHECK_STR(pt_cstr(detail), "{\"tag_id\":1,\"from_ms\":1750000000008,\"to_ms\":1750000000020,\"samples\":3}");
    CHECK_STR(pt_cstr(path), "g/e/d/a");
    CHECK_OK(hist_tag_delete(h, a, INT64_MIN, INT64_MAX, &rows, NULL));
    flush(h);
    CHECK_INT(events_of(h, "history-deleted", detail, path), 2);
    CHECK_STR(pt_cstr(detail), "{\"tag_id\":1,\"from_ms\":null,\"to_ms\":null,\"samples\":8}");
    close_ok(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_deleted_tag_is_gone_also_after_a_restart),
        PT_TEST(any_deletion_leaves_exactly_the_rest),
        PT_TEST(the_change_log_goes_on_behind_a_deletion),
        PT_TEST(deleting_really_frees_space),
        PT_TEST(what_was_deleted_is_told),
    };
    setup();
    return pt_test_main("historian/deletion", tests, PT_COUNT_OF(tests), argc, argv);
}
