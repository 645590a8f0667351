/* tests/historian/dropped_test.c -- which samples of the journal belong to weeks that were dropped. */
#include "tests/historian/support.h"

#include <unistd.h>

static hist__dropped loaded(hist *h)
{
    hist__dropped d;
    CHECK_OK_FATAL(hist__dropped_load(h->journal.db, &d, NULL));
    return d;
}

static hist *store_with(const char *dir, uint32_t *tag, int samples)
{
    hist *h = open_bare(dir, 64);
    *tag = make_tag(h, "a", SPB_DOUBLE);
    for (int i = 0; i < samples; i++)
        append_one(h, f64(*tag, NOW + i, i));
    commit_bare(h);
    return h;
}

static void a_journal_of_which_nothing_was_dropped_has_no_table(void)
{
    uint32_t a;
    hist *h = store_with(new_dir(), &a, 1);
    hist__dropped d = loaded(h);
    CHECK(d.n == 0 && !d.weeks);
    CHECK(!hist__dropped_has(&d, NOW, 0));
    hist__bare_free(h);
}

static void the_week_and_the_change_number_decide(void)
{
    uint32_t a;
    hist *h = store_with(new_dir(), &a, 10); /* changes 1 to 10 */
    const int64_t weeks[] = { HIST__LATE_MS, NOW, HIST__EARLY_MS - 1, NOW + 2 * WEEK };
    for (size_t i = 0; i < PT_COUNT_OF(weeks); i++)
        CHECK_OK(hist__dropped_note(&h->journal, hist__partition_start(weeks[i]), NULL));
    hist__dropped d = loaded(h);
    CHECK_INT(d.n, 4);
    for (size_t i = 0; i < PT_COUNT_OF(weeks); i++) {
        CHECK(hist__dropped_has(&d, weeks[i], 1));
        CHECK(hist__dropped_has(&d, weeks[i], 10));
        CHECK(!hist__dropped_has(&d, weeks[i], 11));
    }
    CHECK(hist__dropped_has(&d, INT64_MIN, 1) && hist__dropped_has(&d, INT64_MAX, 1));
    CHECK(!hist__dropped_has(&d, NOW + WEEK, 1) && !hist__dropped_has(&d, hist__partition_start(NOW) - 1, 1) &&
          !hist__dropped_has(&d, NOW + 3 * WEEK, 1));
    hist__dropped_free(&d);
    append_one(h, f64(a, NOW + 100, 1));
    commit_bare(h);
    CHECK_OK(hist__dropped_note(&h->journal, hist__partition_start(NOW), NULL)); /* it had come back */
    d = loaded(h);
    CHECK_INT(d.n, 4);
    CHECK(hist__dropped_has(&d, NOW, 11) && !hist__dropped_has(&d, NOW, 12) && !hist__dropped_has(&d, NOW + 2 * WEEK, 11));
    hist__dropped_free(&d);
    hist__bare_free(h);
}

static void it_is_kept_as_long_as_the_journal_has_such_samples(void)
{
    uint32_t a;
    hist *h = store_with(new_dir(), &a, 10);
    CHECK_OK(hist__dropped_note(&h->journal, hist__partition_start(NOW), NULL));
    h->o.log_bytes = 0;
    append_one(h, f64(a, NOW + 5 * WEEK, 1));
    commit_bare(h);
    CHECK_OK(hist__seal_all(h, NULL)); /* all rows but the newest are trimmed */
    CHECK_OK(hist__dropped_note(&h->journal, hist__partition_start(NOW + 4 * WEEK), NULL));
    hist__dropped d = loaded(h);
    CHECK_INT(d.n, 1);
    CHECK(!hist__dropped_has(&d, NOW, 1) && hist__dropped_has(&d, NOW + 4 * WEEK, 11));
    hist__dropped_free(&d);
    hist__bare_free(h);
}

static void rows_packed_together_are_told_apart(void)
{
    const char *dir = new_dir(), *journal;
    static char text[40001];
    memset(text, 'x', sizeof text - 1);
    hist *h = open_bare(dir, 64);
    uint32_t a = make_tag(h, "a", SPB_STRING);
    for (int i = 0; i < 8; i++) {
        if (i == 3) CHECK_OK(hist__dropped_note(&h->journal, hist__partition_start(NOW), NULL)); /* the others come back to that week */
        append_one(h, str(a, NOW + i, text));
        commit_bare(h);
    }
    append_one(h, str(a, NOW + WEEK, "a"));
    commit_bare(h);
    CHECK_OK(hist__seal_all(h, NULL));
    CHECK_OK(hist__journal_compact(&h->journal, NULL));
    hist__bare_free(h);
    journal = file_in(dir, "journal.db");
    CHECK_INT(sql_number(journal, "SELECT n FROM journal ORDER BY id LIMIT 1"), 6); /* across the line */
    run_sql(journal, "UPDATE meta SET value=0 WHERE key='sealed_id'");
    CHECK(unlink(partition_in(dir, NOW)) == 0);
    h = open_store(dir, 64);
    hist_sample got[10];
    CHECK_INT(read_rows(h, a, INT64_MIN, INT64_MAX, true, got, 10), 6);
    CHECK_INT(got[0].time_ms, NOW + 3);
    close_ok(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_journal_of_which_nothing_was_dropped_has_no_table),
        PT_TEST(the_week_and_the_change_number_decide),
        PT_TEST(it_is_kept_as_long_as_the_journal_has_such_samples),
        PT_TEST(rows_packed_together_are_told_apart),
    };
    setup();
    return pt_test_main("historian/dropped", tests, PT_COUNT_OF(tests), argc, argv);
}
