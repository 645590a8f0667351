/* tests/historian/retention_test.c -- old weeks go as files, one tag's samples block by block, and what is left is counted right. */
#include "base/random.h"
#include "historian/log.h"
#include "tests/historian/support.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void check_tag(hist *h, uint32_t tag, uint64_t samples, int64_t first_ms, int64_t last_ms)
{
    pt_arena arena;
    hist_tag t;
    pt_arena_init(&arena, 1 << 16);
    CHECK_OK(hist_tag_by_id(h, tag, &arena, &t));
    CHECK_INT(t.samples, samples);
    if (samples) {
        CHECK_INT(t.first_ms, first_ms);
        CHECK_INT(t.last_ms, last_ms);
    } else {
        CHECK(t.first_ms > t.last_ms);
    }
    pt_arena_fini(&arena);
}

static void retention_drops_whole_weeks_and_can_be_asked_first(void)
{
    const char *dir = new_dir();
    hist_verify_report r;
    fake.now_wall_ms = NOW + 25 * DAY;
    hist *h = filled_store(dir);
    hist_stats before, after;
    hist_stats_get(h, &before);
    hist_retention ask = { .before_ms = NOW + 15 * DAY, .dry_run = true };
    hist_retention_result out;
    pt_error err = { 0 };
    CHECK_OK(hist_retention_apply(h, &ask, &out, &err));
    CHECK_INT(out.partitions, 2);
    CHECK_INT(count_rows(h, 1), 3000);
    ask.dry_run = false;
    CHECK_OK(hist_retention_apply(h, &ask, &out, &err));
    CHECK_INT(out.partitions, 2);
    hist_stats_get(h, &after);
    CHECK_INT(before.blocks - after.blocks, out.blocks);
    uint64_t left = count_rows(h, 1);
    CHECK(left < 2000 && left > 1000);
    pt_arena arena;
    pt_arena_init(&arena, 1 << 16);
    hist_tag t;
    CHECK_OK(hist_tag_by_id(h, 1, &arena, &t));
    CHECK_INT(t.samples, left);
    hist_sample first[1];
    CHECK_INT(read_rows(h, 1, INT64_MIN, INT64_MAX, true, first, 1), 1);
    CHECK_INT(t.first_ms, first[0].time_ms);
    CHECK_INT(t.last_ms, NOW + INT64_C(2999) * 720000);
    pt_arena_fini(&arena);
    ask = (hist_retention){ .before_ms = INT64_MIN, .max_bytes = 1 };
    CHECK_OK(hist_retention_apply(h, &ask, &out, &err));
    CHECK(count_rows(h, 1) > 0 && count_rows(h, 1) < left); /* the present week stays */
    close_ok(h);
    CHECK_INT(faults_in(dir, false, true, &r), 0);
    fake.now_wall_ms = NOW;
}

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

static void what_is_left_is_counted_as_after_a_restart(void)
{
    const char *dir = new_dir();
    hist *h = open_store(dir, 16);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE), b = make_tag(h, "b", SPB_DOUBLE), c = make_tag(h, "c", SPB_DOUBLE), d = make_tag(h, "d", SPB_DOUBLE);
    for (int w = 0; w < 6; w++) append_one(h, f64(a, NOW + w * WEEK, w));
    append_one(h, f64(b, NOW, 1)); /* only in a week that goes */
    append_one(h, f64(c, NOW, 1));
    append_one(h, f64(c, NOW + 4 * WEEK, 1)); /* nothing for some weeks */
    append_one(h, f64(d, NOW, 1));
    flush(h);
    seal(h);
    append_one(h, f64(d, NOW + 5 * WEEK + 7, 1)); /* what is left is not in a block yet */
    flush(h);
    fake.now_wall_ms = NOW + 6 * WEEK;
    hist_retention ask = { .before_ms = NOW + 3 * WEEK };
    hist_retention_result out;
    CHECK_OK(hist_retention_apply(h, &ask, &out, NULL));
    CHECK_INT(out.partitions, 3);
    CHECK_INT(out.oldest_ms, hist__partition_start(NOW + 3 * WEEK));
    for (int round = 0; round < 2; round++) {
        check_tag(h, a, 3, NOW + 3 * WEEK, NOW + 5 * WEEK);
        check_tag(h, b, 0, 0, 0);
        check_tag(h, c, 1, NOW + 4 * WEEK, NOW + 4 * WEEK);
        check_tag(h, d, 1, NOW + 5 * WEEK + 7, NOW + 5 * WEEK + 7);
        close_ok(h);
        h = open_store(dir, 16);
    }
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
    close_ok(h);
    fake.now_wall_ms = NOW;
}

static void a_week_that_was_dropped_can_come_back(void)
{
    const char *dir = new_dir();
    fake.now_wall_ms = NOW + 4 * WEEK;
    hist *h = open_store(dir, 16);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    for (int i = 0; i < 100; i++) append_one(h, f64(a, NOW + i, 1));
    append_one(h, f64(a, NOW + 4 * WEEK, 1));
    flush(h);
    seal(h);
    hist *reader = open_reader(dir);
    CHECK_INT(count_rows(reader, a), 101); /* with an idle connection to the week from now on */
    hist_retention ask = { .before_ms = NOW + 2 * WEEK };
    hist_retention_result out;
    CHECK_OK(hist_retention_apply(h, &ask, &out, NULL));
    CHECK_INT(out.partitions, 1);
    CHECK(access(partition_in(dir, NOW), F_OK) != 0);
    CHECK_INT(count_rows(h, a), 1);
    for (int i = 0; i < 10; i++) append_one(h, f64(a, NOW + 500 + i, 2)); /* a late batch of that week */
    flush(h);
    seal(h);
    CHECK_INT(count_rows(h, a), 11);
    CHECK_INT(count_rows(reader, a), 11); /* not what the unlinked file said */
    check_tag(h, a, 11, NOW + 500, NOW + 4 * WEEK);
    check_tag(reader, a, 11, NOW + 500, NOW + 4 * WEEK);
    CHECK_OK(hist_retention_apply(h, &ask, &out, NULL));
    append_one(h, f64(a, NOW + 4 * WEEK + 1, 1));
    flush(h);
    seal(h);
    CHECK_INT(count_rows(h, a), 2);
    CHECK_INT(count_rows(reader, a), 2);
    check_tag(reader, a, 2, NOW + 4 * WEEK, NOW + 4 * WEEK + 1);
    close_ok(reader);
    close_ok(h);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
    fake.now_wall_ms = NOW;
}

static void a_cursor_that_is_open_ends_in_peace(void)
{
    const char *dir = new_dir();
    hist *h = filled_store(dir);
    fake.now_wall_ms = NOW + 25 * DAY;
    hist_cursor *c = NULL;
    const hist_sample *rows = NULL;
    size_t n = 0, total = 0;
    CHECK_OK_FATAL(hist_cursor_open(h, 1, INT64_MIN, INT64_MAX, true, &c, NULL));
    CHECK_OK(hist_cursor_view(c, &rows, &n, NULL));
    total = n;
    hist_retention ask = { .before_ms = NOW + 15 * DAY };
    hist_retention_result out;
    CHECK_OK(hist_retention_apply(h, &ask, &out, NULL));
    int64_t last = rows[n - 1].time_ms;
    while (hist_cursor_view(c, &rows, &n, NULL) == PT_OK && n) {
        CHECK(rows[0].time_ms > last);
        last = rows[n - 1].time_ms;
        total += n;
    }
    CHECK(total >= count_rows(h, 1) && last == NOW + INT64_C(2999) * 720000);
    hist_cursor_close(c);
    close_ok(h);
    fake.now_wall_ms = NOW;
}

static void events_go_with_their_time_but_the_newest(void)
{
    const char *dir = new_dir(), *catalog = file_in(dir, "catalog.db");
    hist *h = open_store(dir, 64);
    for (int i = 0; i < 10; i++) {
        hist_event e = { .time_ms = NOW + i * DAY, .type = PT_LIT("write") };
        CHECK_OK(hist_event_append(h, &e));
    }
    flush(h);
    hist_retention ask = { .before_ms = NOW + 4 * DAY, .dry_run = true };
    hist_retention_result out;
    CHECK_OK(hist_retention_apply(h, &ask, &out, NULL));
    CHECK_INT(out.events, 4);
    CHECK_INT(sql_number(catalog, "SELECT count(*) FROM event"), 10);
    ask.dry_run = false;
    CHECK_OK(hist_retention_apply(h, &ask, &out, NULL));
    CHECK_INT(out.events, 4);
    CHECK_INT(sql_number(catalog, "SELECT min(seq) FROM event"), 5);
    ask.before_ms = NOW + 100 * DAY;
    CHECK_OK(hist_retention_apply(h, &ask, &out, NULL));
    CHECK_INT(sql_number(catalog, "SELECT sum(seq) FROM event"), 10); /* it keeps the numbers going */
    close_ok(h);
}

static void the_options_keep_it_going_by_themselves(void)
{
    const char *dir = new_dir();
    hist *h = open_bare(dir, 64);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    for (int w = 0; w < 6; w++) append_one(h, f64(a, NOW + w * WEEK, w));
    commit_bare(h);
    CHECK_OK_FATAL(hist__seal_due(h, true, NULL));
    fake.now_wall_ms = NOW + 5 * WEEK;
    CHECK_OK(hist__retention_tick(h, NULL)); /* nothing asked for */
    CHECK_INT(h->n_partitions, 6);
    h->o.retention_age_ms = 3 * WEEK;
    CHECK_OK(hist__retention_tick(h, NULL));
    CHECK_INT(h->n_partitions, 4);
    struct stat info;
    CHECK_FATAL(stat(partition_in(dir, NOW + 5 * WEEK), &info) == 0);
    h->o.retention_bytes = (uint64_t)info.st_size; /* the write-ahead logs count too: about one file each */
    CHECK_OK(hist__retention_tick(h, NULL));
    CHECK_INT(h->n_partitions, 1);
    CHECK_INT(h->partitions[0].start_ms, hist__partition_start(NOW + 5 * WEEK));
    fake.now_wall_ms = NOW;
    hist__bare_free(h);
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
            int64_t from = n ? s[pt_random_below(&rnd, n)].time_ms : 0, to = from + (int64_t)pt_random_below(&rnd, k % 2 ? (uint64_t)WEEK : 3000000);
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
            for (size_t i = 0; same && i < n; i++) same = s[i].time_ms == got[i].time_ms && hist__same_content(&s[i], &got[i]);
            for (size_t i = 0; i < n; i++) {
                if (hist__is_state(&s[i])) continue;
                if (samples++ == 0) first = s[i].time_ms;
                last = s[i].time_ms;
            }
            CHECK(same);
            check_tag(h, a, samples, first, last);
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
    for (int i = 0; i < 10; i++) append_one(h, f64(a, NOW + i, i));
    flush(h);
    uint64_t rows = 0, n = 0;
    hist_log_range r;
    CHECK_OK(hist_tag_delete(h, a, NOW, NOW + 5, &rows, NULL));
    CHECK_STATUS(hist_log_read(h, 3, 0, count_change, &n, &r, NULL), PT_ESTATE); /* what was deleted is not there any more either */
    CHECK_INT(r.oldest, 11);
    CHECK_INT(r.newest, 10);
    CHECK_OK(hist_log_read(h, 10, 0, count_change, &n, &r, NULL));
    close_ok(h);
    h = open_store(dir, 64);
    append_one(h, f64(a, NOW + 20, 77));
    flush(h);
    CHECK_OK(hist_log_read(h, 10, 0, count_change, &n, &r, NULL));
    CHECK(n == 1 && r.next_after == 11 && r.newest == 11);
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
        for (int k = 0; k < 2000; k++) word[k] = (char)('!' + pt_random_below(&rnd, 90));
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

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(retention_drops_whole_weeks_and_can_be_asked_first),
        PT_TEST(what_is_left_is_counted_as_after_a_restart),
        PT_TEST(a_week_that_was_dropped_can_come_back),
        PT_TEST(a_cursor_that_is_open_ends_in_peace),
        PT_TEST(events_go_with_their_time_but_the_newest),
        PT_TEST(the_options_keep_it_going_by_themselves),
        PT_TEST(a_deleted_tag_is_gone_also_after_a_restart),
        PT_TEST(any_deletion_leaves_exactly_the_rest),
        PT_TEST(the_change_log_goes_on_behind_a_deletion),
        PT_TEST(deleting_really_frees_space),
    };
    setup();
    return pt_test_main("historian/retention", tests, PT_COUNT_OF(tests), argc, argv);
}
