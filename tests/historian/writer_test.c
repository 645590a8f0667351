/* tests/historian/writer_test.c -- the thread that writes: by the interval, when asked, when much is buffered; failing, holding on,
 * recovering, closing. */
#include "tests/historian/support.h"
#include "tests/support/wait.h"

#include <stdio.h>
#include <stdlib.h>

static hist_stats stats(hist *h)
{
    hist_stats st;
    hist_stats_get(h, &st);
    return st;
}

static void the_interval_commits_without_being_asked(void)
{
    hist_options o = options_for(new_dir(), 64);
    o.commit_interval_ms = 10;
    hist *h = open_with(&o);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    append_one(h, f64(a, NOW, 1));
    CHECK_WITHIN(10000, stats(h).stored == 1);
    CHECK_INT(count_rows(h, a), 1);
    make_tag(h, "b", SPB_DOUBLE); /* a tag alone too */
    CHECK_WITHIN(10000, !hist__catalog_is_dirty(&h->catalog));
    for (int i = 1; i < 64; i++)
        append_one(h, f64(a, NOW + i, i)); /* a full block is sealed without being asked */
    CHECK_WITHIN(10000, stats(h).blocks == 1);
    close_ok(h);
}

static void much_buffered_does_not_wait_for_the_interval(void)
{
    hist_options o = options_for(new_dir(), 64);
    o.commit_interval_ms = 60000;
    o.buffer_bytes = 1 << 20;
    hist *h = open_with(&o);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    for (int i = 0; i < 5000; i++)
        append_one(h, f64(a, NOW + i, i));
    CHECK_WITHIN(10000, stats(h).stored > 0);
    flush(h);
    CHECK_INT(count_rows(h, a), 5000);
    close_ok(h);
}

/* The journal's table is taken away and given back: every write fails in between. */
static void a_disk_that_fails_is_said_and_everything_is_kept_until_it_works(void)
{
    const char *dir = new_dir(), *journal = file_in(dir, "journal.db");
    hist_options o = options_for(dir, 64);
    heard log;
    hist *h = NULL;
    o.commit_interval_ms = 10;
    o.buffer_bytes = 65536;
    heard_init(&log);
    CHECK_OK_FATAL(hist_open(&o, &fake.clock, &log.log, &h, NULL));
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    append_one(h, f64(a, NOW, -1));
    flush(h);
    run_sql(journal, "ALTER TABLE journal RENAME TO hidden");
    int taken = 0;
    pt_status st;
    for (st = PT_OK; st == PT_OK && taken < 100000; taken += st == PT_OK) {
        hist_sample s = f64(a, NOW + 1 + taken, taken);
        st = hist_append(h, &s, 1);
    }
    CHECK_STATUS(st, PT_EFULL); /* the bound: the caller decides */
    pt_error err = { 0 };
    st = hist_flush(h, 100, &err);
    CHECK(st != PT_OK && st != PT_ETIMEOUT && strstr(err.text, "journal") != NULL);
    CHECK_WITHIN(10000, stats(h).commit_errors >= 2); /* it goes on trying */
    hist_stats s = stats(h);
    CHECK(s.error != PT_OK && s.error_since_ms == NOW && strstr(s.error_text, "journal") != NULL && s.lost == 0);
    CHECK(s.appended == s.stored + s.buffered && s.stored == 1);
    CHECK(heard_id(&log, "HIST-WRITE-FAILED"));
    CHECK(hist_seal(h, &err) != PT_OK); /* what was appended before can't be written: neither can this */
    CHECK_INT(count_rows(h, a), 1);
    run_sql(journal, "ALTER TABLE hidden RENAME TO journal");
    CHECK_OK(hist_flush(h, 20000, &err));
    s = stats(h);
    CHECK(s.error == PT_OK && s.error_text[0] == 0 && s.error_since_ms == 0 && s.buffered == 0 && s.stored == (uint64_t)taken + 1);
    CHECK(heard_id(&log, "HIST-WRITE-RECOVERED"));
    CHECK_INT(count_rows(h, a), taken + 1);
    append_one(h, f64(a, NOW + 1000000, 1));
    close_ok(h);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
}

static void sealing_that_fails_is_an_error_state_too_and_commits_go_on(void)
{
    const char *dir = new_dir();
    hist_options o = options_for(dir, 16);
    heard log;
    hist *h = NULL;
    o.commit_interval_ms = 10;
    heard_init(&log);
    CHECK_OK_FATAL(hist_open(&o, &fake.clock, &log.log, &h, NULL));
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    run_sql(partition_in(dir, NOW), "CREATE TABLE foreign_table(a)"); /* a foreign file in the place of a partition */
    for (int i = 0; i < 16; i++)
        append_one(h, f64(a, NOW + i, i));
    flush(h);
    CHECK_WITHIN(10000,
                 stats(h).error == PT_ECORRUPT && heard_id(&log, "HIST-WRITE-FAILED")); /* the state is there first, then it is said */
    append_one(h, f64(a, NOW + 100, 1));
    flush(h);
    CHECK_INT(count_rows(h, a), 17); /* from the journal's rows in memory; the foreign file has nothing to say */
    CHECK_FATAL(remove(partition_in(dir, NOW)) == 0);
    CHECK_WITHIN(20000, (append_one(h, f64(a, NOW + 200, 1)), stats(h).error == PT_OK));
    CHECK_WITHIN(10000, heard_id(&log, "HIST-WRITE-RECOVERED"));
    CHECK_INT(count_rows(h, a), 18);
    close_ok(h);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
}

static void closing_commits_what_is_buffered(void)
{
    const char *dir = new_dir();
    hist_options o = options_for(dir, 64);
    o.commit_interval_ms = 60000;
    hist *h = open_with(&o);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    for (int i = 0; i < 1000; i++)
        append_one(h, f64(a, NOW + i, i));
    hist_event e = { .time_ms = NOW, .type = PT_LIT("stop") };
    CHECK_OK(hist_event_append(h, &e));
    CHECK_OK(hist_close(h, 0, NULL)); /* one try at once, whatever the time */
    h = open_store(dir, 64);
    CHECK_INT(count_rows(h, a), 1000);
    close_ok(h);
    CHECK_INT(sql_number(file_in(dir, "catalog.db"), "SELECT count(*) FROM event"), 1);
    CHECK_OK(hist_close(NULL, 0, NULL));
}

static void what_could_not_be_written_by_the_end_is_counted_and_said(void)
{
    const char *dir = new_dir(), *journal = file_in(dir, "journal.db");
    heard log;
    hist_options o = options_for(dir, 64);
    hist *h = NULL;
    heard_init(&log);
    CHECK_OK_FATAL(hist_open(&o, &fake.clock, &log.log, &h, NULL));
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    append_one(h, f64(a, NOW, 1));
    flush(h);
    run_sql(journal, "ALTER TABLE journal RENAME TO hidden");
    for (int i = 1; i <= 7; i++)
        append_one(h, f64(a, NOW + i, i));
    hist_event e = { .time_ms = NOW, .type = PT_LIT("stop") };
    CHECK_OK(hist_event_append(h, &e));
    pt_error err = { 0 };
    pt_status st = hist_close(h, 300, &err);
    CHECK(st != PT_OK && st != PT_ETIMEOUT);
    CHECK(strstr(err.text, "7 samples and 1 events could not be committed") != NULL && strstr(err.text, "journal") != NULL);
    CHECK(heard_id(&log, "HIST-LOST"));
    run_sql(journal, "ALTER TABLE hidden RENAME TO journal");
    h = open_store(dir, 64);
    CHECK_INT(count_rows(h, a), 1);
    close_ok(h);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(the_interval_commits_without_being_asked),
        PT_TEST(much_buffered_does_not_wait_for_the_interval),
        PT_TEST(a_disk_that_fails_is_said_and_everything_is_kept_until_it_works),
        PT_TEST(sealing_that_fails_is_an_error_state_too_and_commits_go_on),
        PT_TEST(closing_commits_what_is_buffered),
        PT_TEST(what_could_not_be_written_by_the_end_is_counted_and_said),
    };
    setup();
    return pt_test_main("historian/writer", tests, PT_COUNT_OF(tests), argc, argv);
}
