/* tests/historian/retention_test.c -- old weeks go as files with what of them is not in blocks yet, and what is left is counted right. */
#include "tests/historian/support.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void what_is_left_is_counted_as_after_a_restart(void)
{
    const char *dir = new_dir();
    hist *h = open_store(dir, 16);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE), b = make_tag(h, "b", SPB_DOUBLE), c = make_tag(h, "c", SPB_DOUBLE),
             d = make_tag(h, "d", SPB_DOUBLE);
    for (int w = 0; w < 6; w++)
        append_one(h, f64(a, NOW + w * WEEK, w));
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
        check_stored(h, a, 3, NOW + 3 * WEEK, NOW + 5 * WEEK);
        check_stored(h, b, 0, 0, 0);
        check_stored(h, c, 1, NOW + 4 * WEEK, NOW + 4 * WEEK);
        check_stored(h, d, 1, NOW + 5 * WEEK + 7, NOW + 5 * WEEK + 7);
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
    for (int i = 0; i < 100; i++)
        append_one(h, f64(a, NOW + i, 1));
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
    for (int i = 0; i < 10; i++)
        append_one(h, f64(a, NOW + 500 + i, 2)); /* a late batch of that week */
    flush(h);
    seal(h);
    CHECK_INT(count_rows(h, a), 11);
    CHECK_INT(count_rows(reader, a), 11); /* not what the unlinked file said */
    check_stored(h, a, 11, NOW + 500, NOW + 4 * WEEK);
    check_stored(reader, a, 11, NOW + 500, NOW + 4 * WEEK);
    CHECK_OK(hist_retention_apply(h, &ask, &out, NULL));
    append_one(h, f64(a, NOW + 4 * WEEK + 1, 1));
    flush(h);
    seal(h);
    CHECK_INT(count_rows(h, a), 2);
    CHECK_INT(count_rows(reader, a), 2);
    check_stored(reader, a, 2, NOW + 4 * WEEK, NOW + 4 * WEEK + 1);
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
    CHECK_OK_FATAL(hist_cursor_open(h, hist_of_tag(1), INT64_MIN, INT64_MAX, true, &c, NULL));
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
    flush(h);
    CHECK_INT(sql_number(catalog, "SELECT min(seq) FROM event"), 5);
    ask.before_ms = NOW + 100 * DAY;
    CHECK_OK(hist_retention_apply(h, &ask, &out, NULL));
    CHECK_INT(out.events, 6);
    CHECK_INT(sql_number(catalog, "SELECT min(seq) FROM event"),
              11); /* the newest, which told of the first time: it keeps the numbers going */
    close_ok(h);
}

static void the_options_keep_it_going_by_themselves(void)
{
    const char *dir = new_dir();
    hist *h = open_bare(dir, 64);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    for (int w = 0; w < 6; w++)
        append_one(h, f64(a, NOW + w * WEEK, w));
    commit_bare(h);
    CHECK_OK_FATAL(hist__seal_due(h, true, NULL));
    fake.now_wall_ms = NOW + 5 * WEEK;
    CHECK_OK(hist__retention_tick(h, NULL)); /* nothing asked for */
    CHECK_INT(h->weeks.n, 6);
    h->o.retention_age_ms = 3 * WEEK;
    CHECK_OK(hist__retention_tick(h, NULL));
    CHECK_INT(h->weeks.n, 4);
    struct stat info;
    CHECK_FATAL(stat(partition_in(dir, NOW + 5 * WEEK), &info) == 0);
    h->o.retention_bytes = (uint64_t)info.st_size; /* the write-ahead logs count too: about one file each */
    CHECK_OK(hist__retention_tick(h, NULL));
    CHECK_INT(h->weeks.n, 1);
    CHECK_INT(h->weeks.list[0].start_ms, hist__partition_start(NOW + 5 * WEEK));
    commit_bare(h);
    CHECK_INT(sql_number(file_in(dir, "catalog.db"), "SELECT count(*) FROM event WHERE type='history-pruned'"), 2);
    h->o.retention_bytes = 0;
    append_one(h, f64(a, NOW, 1)); /* late: it is in no block, and its week has no file */
    append_one(h, f64(a, NOW + 5 * WEEK + 1, 1));
    commit_bare(h);
    CHECK_INT(hist__pending_stored(&h->pending, a).pending, 2);
    CHECK_OK(hist__retention_tick(h, NULL));
    CHECK_INT(hist__pending_stored(&h->pending, a).pending, 0);
    CHECK_INT(h->weeks.n, 1);
    check_stored(h, a, 2, NOW + 5 * WEEK, NOW + 5 * WEEK + 1);
    CHECK_OK(hist__retention_tick(h, NULL)); /* nothing to go, nothing to tell */
    commit_bare(h);
    CHECK_INT(sql_number(file_in(dir, "catalog.db"), "SELECT count(*) FROM event WHERE type='history-pruned'"), 3);
    fake.now_wall_ms = NOW;
    hist__bare_free(h);
}

/* Three sealed weeks, and rows that are not sealed: two of the first week (one of them replaces), one of a week that has no file, three of
 * the present one. */
static hist *store_with_late_samples(const char *dir)
{
    hist *h = open_store(dir, 16);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE), b = make_tag(h, "b", SPB_STRING);
    fake.now_wall_ms = NOW + 10 * WEEK;
    for (int w = 0; w < 3; w++) {
        append_one(h, f64(a, NOW + w * WEEK, w));
        append_one(h, str(b, NOW + w * WEEK, "x"));
    }
    flush(h);
    seal(h);
    append_one(h, f64(a, NOW, 77));
    append_one(h, f64(a, NOW + 5, 5));
    append_one(h, state_row(b, NOW + 5 * WEEK));
    for (int i = 0; i < 3; i++)
        append_one(h, f64(a, NOW + 10 * WEEK - i, i));
    flush(h);
    return h;
}

static void what_is_not_sealed_goes_with_its_week(void)
{
    const char *dir = new_dir();
    hist *h = store_with_late_samples(dir);
    hist_retention ask = { .before_ms = NOW + 7 * WEEK, .dry_run = true };
    hist_retention_result would, out;
    CHECK_OK(hist_retention_apply(h, &ask, &would, NULL));
    CHECK_INT(would.partitions, 4);
    CHECK_INT(would.blocks, 6);
    CHECK_INT(would.unsealed, 3);
    CHECK_INT(would.oldest_ms, hist__partition_start(NOW + 10 * WEEK));
    CHECK_INT(count_rows(h, 1), 7);
    CHECK(access(partition_in(dir, NOW + 5 * WEEK), F_OK) != 0); /* only said: nothing is written for it */
    ask.dry_run = false;
    CHECK_OK(hist_retention_apply(h, &ask, &out, NULL));
    CHECK(out.partitions == 4 && out.unsealed == 3 && out.blocks == 6 && out.bytes == would.bytes && out.oldest_ms == would.oldest_ms);
    for (int round = 0; round < 2; round++) {
        check_stored(h, 1, 3, NOW + 10 * WEEK - 2, NOW + 10 * WEEK);
        check_stored(h, 2, 0, 0, 0);
        CHECK_INT(count_rows(h, 2), 0);
        seal(h);
        for (int w = 0; w < 10; w++)
            CHECK(access(partition_in(dir, NOW + w * WEEK), F_OK) != 0);
        CHECK_OK(hist_retention_apply(h, &ask, &out, NULL));
        CHECK(out.partitions == 0 && out.unsealed == 0);
        close_ok(h);
        CHECK_INT(faults_in(dir, false, true, NULL), 0);
        h = open_store(dir, 16);
    }
    close_ok(h);
    fake.now_wall_ms = NOW;
}

static void what_is_not_sealed_goes_by_size_with_the_file_of_its_week(void)
{
    hist *h = store_with_late_samples(new_dir());
    hist_retention ask = { .before_ms = INT64_MIN, .max_bytes = UINT64_C(1) << 40 };
    hist_retention_result out;
    CHECK_OK(hist_retention_apply(h, &ask, &out, NULL));
    CHECK(out.partitions == 0 && out.unsealed == 0);
    CHECK_INT(count_rows(h, 1), 7);
    ask.max_bytes = 1;
    CHECK_OK(hist_retention_apply(h, &ask, &out, NULL));
    CHECK(out.partitions == 3 && out.unsealed == 2);
    CHECK_OK(hist_retention_apply(h, &ask, &out, NULL)); /* what had no file then has one now */
    CHECK(out.partitions == 1 && out.unsealed == 0);
    CHECK_INT(count_rows(h, 1), 3);
    close_ok(h);
    fake.now_wall_ms = NOW;
}

/* Sealing makes files larger: no reason to let a week go that was not named. */
static void what_goes_by_size_is_what_was_said_before(void)
{
    const char *dir = new_dir();
    hist_options o = options_for(dir, 1024);
    o.seal_age_ms = INT64_MAX;
    fake.now_wall_ms = NOW + 8 * WEEK;
    hist *h = open_with(&o);
    for (int w = 0; w < 8; w++) {
        for (uint32_t k = 0; k < 200; k++) { /* one full block, and 199 slow tags with long texts that wait */
            char name[20];
            snprintf(name, sizeof name, "t%u", k);
            uint32_t id = make_tag(h, name, k ? SPB_STRING : SPB_DOUBLE);
            for (int i = 0; i < (k ? 1 : 1024); i++) {
                static char text[600];
                for (size_t c = 0; c < sizeof text; c++)
                    text[c] = (char)('a' + (k * 31 + (unsigned)w * 7 + c * c) % 26);
                hist_sample s = f64(id, NOW + w * WEEK + i, (double)(i * 7919 % 1000) / 10);
                if (k) s = (hist_sample){ .tag_id = id, .time_ms = NOW + w * WEEK, .type = SPB_STRING, .as.ptr = text, .len = sizeof text };
                append_one(h, s);
            }
        }
        flush(h);
    }
    hist_retention ask = { .before_ms = INT64_MIN, .dry_run = true };
    hist_retention_result would, out;
    ask.max_bytes = 1;
    CHECK_OK(hist_retention_apply(h, &ask, &would, NULL));
    ask.max_bytes = would.bytes / 2; /* of all weeks that may go */
    CHECK_OK(hist_retention_apply(h, &ask, &would, NULL));
    CHECK(would.partitions > 1 && would.partitions < 8 && would.unsealed > 0 && would.blocks > 0);
    ask.dry_run = false;
    CHECK_OK(hist_retention_apply(h, &ask, &out, NULL));
    CHECK(memcmp(&would, &out, sizeof out) == 0);
    close_ok(h);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
    fake.now_wall_ms = NOW;
}

static void what_stays_is_not_sealed_for_it(void)
{
    const char *dir = new_dir();
    hist *h = store_with_late_samples(dir);
    hist_tag_storage s;
    hist_retention ask = { .before_ms = NOW - WEEK };
    hist_retention_result out;
    CHECK_OK(hist_retention_apply(h, &ask, &out, NULL));
    CHECK(out.partitions == 0 && out.unsealed == 0 && out.oldest_ms == hist__partition_start(NOW));
    CHECK_OK(hist_tag_storage_get(h, 1, &s, NULL));
    CHECK_INT(s.unsealed, 5);
    close_ok(h);
    fake.now_wall_ms = NOW;
}

/* Killed after a week was dropped and before the journal was told what is sealed: the rows are replayed. */
static void a_dropped_week_stays_away_after_a_crash(void)
{
    const char *dir = new_dir();
    hist *h = open_bare(dir, 16);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    for (int w = 0; w < 6; w++)
        append_one(h, f64(a, NOW + w * WEEK, w));
    commit_bare(h);
    CHECK_OK_FATAL(hist__seal_due(h, true, NULL));
    fake.now_wall_ms = NOW + 5 * WEEK;
    h->o.retention_age_ms = 3 * WEEK;
    CHECK_OK(hist__retention_tick(h, NULL));
    CHECK_INT(h->weeks.n, 4);
    hist__bare_free(h);
    CHECK_INT(sql_number(file_in(dir, "journal.db"), "SELECT value FROM meta WHERE key='sealed_id'"), 0);
    h = open_store(dir, 16);
    check_stored(h, a, 4, NOW + 2 * WEEK, NOW + 5 * WEEK);
    append_one(h, f64(a, NOW, 1)); /* that is new, and stays */
    flush(h);
    CHECK_INT(count_rows(h, a), 5);
    close_ok(h);
    h = open_store(dir, 16);
    CHECK_INT(count_rows(h, a), 5);
    close_ok(h);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
    fake.now_wall_ms = NOW;
}

static void a_repair_does_not_bring_a_dropped_week_back(void)
{
    const char *dir = new_dir();
    fake.now_wall_ms = NOW + 5 * WEEK;
    hist *h = open_store(dir, 16);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    for (int w = 0; w < 6; w++)
        append_one(h, f64(a, NOW + w * WEEK, w));
    flush(h);
    seal(h);
    hist_retention ask = { .before_ms = NOW + 4 * WEEK };
    hist_retention_result out;
    CHECK_OK(hist_retention_apply(h, &ask, &out, NULL));
    CHECK_INT(out.partitions, 4);
    append_one(h, f64(a, NOW + WEEK + 9, 9)); /* late, after that */
    flush(h);
    close_ok(h);
    for (int round = 0; round < 3; round++) { /* the last time the journal is rebuilt as well, without its mark */
        run_sql(partition_in(dir, NOW + 5 * WEEK), "UPDATE data SET data=x'00'");
        if (round == 2) run_sql(file_in(dir, "journal.db"), "DELETE FROM meta");
        CHECK(faults_in(dir, true, false, NULL) > 0);
        h = open_store(dir, 16);
        check_stored(h, a, 3, NOW + WEEK + 9,
                     NOW + 5 * WEEK); /* what the damaged block held comes back from the journal, the dropped weeks do not */
        seal(h);
        close_ok(h);
        CHECK_INT(faults_in(dir, false, true, NULL), 0);
    }
    fake.now_wall_ms = NOW;
}

static void what_was_dropped_is_told(void)
{
    hist *h = store_with_late_samples(new_dir());
    char detail[300], want[300], path[100];
    hist_retention ask = { .before_ms = NOW + 7 * WEEK, .dry_run = true };
    hist_retention_result out;
    CHECK_OK(hist_retention_apply(h, &ask, &out, NULL));
    ask.dry_run = false;
    ask.before_ms = NOW - WEEK;
    CHECK_OK(hist_retention_apply(h, &ask, &out, NULL));
    flush(h);
    CHECK_INT(events_of(h, "history-pruned", detail, path), 0); /* nothing went */
    ask.before_ms = NOW + 7 * WEEK;
    CHECK_OK(hist_retention_apply(h, &ask, &out, NULL));
    flush(h);
    CHECK_INT(events_of(h, "history-pruned", detail, path), 1);
    snprintf(want, sizeof want,
             "{\"before_ms\":%lld,\"max_bytes\":0,\"partitions\":4,\"blocks\":6,\"bytes\":%llu,\"events\":0,\"unsealed\":3}",
             (long long)ask.before_ms, (unsigned long long)out.bytes);
    CHECK_STR(pt_cstr(detail), want);
    CHECK_STR(pt_cstr(path), "");
    close_ok(h);
    fake.now_wall_ms = NOW;
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
        PT_TEST(what_is_not_sealed_goes_with_its_week),
        PT_TEST(what_is_not_sealed_goes_by_size_with_the_file_of_its_week),
        PT_TEST(what_goes_by_size_is_what_was_said_before),
        PT_TEST(what_stays_is_not_sealed_for_it),
        PT_TEST(a_dropped_week_stays_away_after_a_crash),
        PT_TEST(a_repair_does_not_bring_a_dropped_week_back),
        PT_TEST(what_was_dropped_is_told),
    };
    setup();
    return pt_test_main("historian/retention", tests, PT_COUNT_OF(tests), argc, argv);
}
