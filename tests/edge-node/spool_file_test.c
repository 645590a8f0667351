/* The spool's SQLite file by itself: batches and their states, names, marks and age, transactions, opening what was left. */
#include "edge-node/spool_file.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>

#define WINDOW 1000

static edge__spool_file f;
static char dir[300];

static void open_again(void)
{
    pt_error err = { 0 };
    pt_status st = edge__spool_file_open(&f, dir, WINDOW, &err);
    pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "opens: %s", err.text);
}

static void open_fresh(void)
{
    snprintf(dir, sizeof dir, "%s", pt_test_dir());
    open_again();
}

static void shut(void)
{
    CHECK_OK(edge__spool_file_close(&f));
}

/* A batch of n samples that begins at first_ms and takes 10 ms. */
static void add(uint32_t n, int64_t first_ms, bool delivered, int64_t sent_ms)
{
    char bytes[20];
    snprintf(bytes, sizeof bytes, "%lld", (long long)first_ms);
    CHECK_OK(edge__spool_file_add(&f,
                                  &(edge__spool_batch){ .first_ms = first_ms,
                                                        .last_ms = first_ms + 10,
                                                        .samples = n,
                                                        .delivered = delivered,
                                                        .sent_ms = sent_ms,
                                                        .data = pt_slice_of(bytes, 10) },
                                  NULL));
}

static edge__spool_sums sums(void)
{
    edge__spool_sums s = { 0 };
    CHECK_OK(edge__spool_file_sums(&f, &s, NULL));
    return s;
}

/* The first_ms of all that wait, in the order in which they are to be sent. */
static const char *waiting(void)
{
    static char text[400];
    edge__spool_batch b = { .id = 0 };
    pt_status st;
    text[0] = 0;
    while ((st = edge__spool_file_next(&f, b.id, &b, NULL)) == PT_OK) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%s%lld", len ? " " : "", strtoll(b.data.ptr, NULL, 10));
        free((char *)(uintptr_t)b.data.ptr);
    }
    CHECK_STATUS(st, PT_ENOTFOUND);
    return text;
}

static void batches_wait_are_delivered_and_wait_again(void)
{
    int64_t first = 0;
    open_fresh();
    CHECK_OK(edge__spool_file_first_waiting(&f, &first, NULL));
    CHECK_INT(first, -1);
    CHECK_INT(sums().newest_ms, -1);
    add(3, 100, false, 0);
    add(4, 300, true, 5000);
    add(5, 200, false, 0); /* later in, older samples: still behind */
    CHECK_STR(pt_cstr(waiting()), "100 200");
    CHECK_OK(edge__spool_file_first_waiting(&f, &first, NULL));
    CHECK_INT(first, 100);
    edge__spool_sums s = sums();
    CHECK(s.samples == 12 && s.bytes == 30 && s.pending == 8 && s.newest_ms == 310);
    CHECK_OK(edge__spool_file_sent(&f, 1, 6000, NULL));
    CHECK_STR(pt_cstr(waiting()), "200");
    CHECK_OK(edge__spool_file_lost(&f, 5001, NULL)); /* the connection ended: what was sent since then */
    CHECK_STR(pt_cstr(waiting()), "100 200");
    CHECK_OK(edge__spool_file_lost(&f, 5000, NULL));
    CHECK_STR(pt_cstr(waiting()), "100 300 200");
    for (int64_t id = 1; id <= 3; id++)
        CHECK_OK(edge__spool_file_sent(&f, id, 7000, NULL));
    CHECK_INT(sums().pending, 0);
    CHECK_OK(edge__spool_file_backfill(&f, 210, NULL)); /* by the samples' time: all that reach beyond it */
    CHECK_STR(pt_cstr(waiting()), "300 200");
    CHECK_INT(sums().pending, 9);
    shut();
}

static void what_is_as_old_as_allowed_goes_by_marks(void)
{
    edge__spool_sums gone = { 0 };
    open_fresh();
    add(1, 100, false, 0);
    CHECK_OK(edge__spool_file_expire(&f, 1000, 5000, &gone, NULL)); /* marks: batch 1 was there at 1000 */
    add(2, 100, true, 1500);
    CHECK_OK(edge__spool_file_expire(&f, 2000, 5000, &gone, NULL));
    CHECK_OK(edge__spool_file_expire(&f, 3000, 5000, &gone, NULL)); /* nothing new: its first mark counts */
    add(4, 99999999, false, 0);                                     /* the samples' own times mean nothing here */
    CHECK_OK(edge__spool_file_expire(&f, 5999, 5000, &gone, NULL));
    CHECK_INT(gone.samples, 0);
    CHECK_OK(edge__spool_file_expire(&f, 6000, 5000, &gone, NULL));
    CHECK(gone.samples == 1 && gone.pending == 1 && gone.bytes == 10);
    CHECK_OK(edge__spool_file_expire(&f, 7000, 5000, &gone, NULL));
    CHECK(gone.samples == 3 && gone.pending == 1);
    CHECK_OK(edge__spool_file_expire(&f, 10998, 5000, &gone, NULL));
    CHECK_INT(sums().samples, 4);
    CHECK_OK(edge__spool_file_expire(&f, 10999, 5000, &gone, NULL));
    CHECK(sums().samples == 0 && gone.samples == 7 && gone.pending == 5);
    shut();
}

static void the_oldest_goes_first_delivered_or_waiting(void)
{
    edge__spool_sums gone = { 0 };
    open_fresh();
    add(1, 100, false, 0);
    add(2, 200, true, 10);
    add(4, 300, true, 20);
    add(8, 400, false, 0);
    CHECK_OK(edge__spool_file_drop_oldest(&f, true, &gone, NULL));
    CHECK(gone.samples == 2 && gone.pending == 0);
    CHECK_OK(edge__spool_file_drop_oldest(&f, true, &gone, NULL));
    CHECK_STATUS(edge__spool_file_drop_oldest(&f, true, &gone, NULL), PT_ENOTFOUND);
    CHECK_OK(edge__spool_file_drop_oldest(&f, false, &gone, NULL));
    CHECK(gone.samples == 7 && gone.pending == 1 && gone.bytes == 30);
    CHECK_STR(pt_cstr(waiting()), "400");
    shut();
}

static void numbers_of_names_are_made_once_and_kept(void)
{
    uint32_t a = 0, b = 0, c = 0;
    open_fresh();
    CHECK_OK(edge__spool_file_number(&f, PT_LIT("filler"), PT_LIT("Temp"), &a));
    CHECK_OK(edge__spool_file_number(&f, PT_NONE, PT_LIT("Temp"), &b)); /* the node's own */
    CHECK(a > 0 && b > a);
    shut();
    open_again();
    CHECK_OK(edge__spool_file_number(&f, PT_LIT("filler"), PT_LIT("Temp"), &c));
    CHECK_INT(c, a);
    CHECK_OK(edge__spool_file_number(&f, PT_NONE, PT_LIT("Temp"), &c));
    CHECK_INT(c, b);
    CHECK_OK(edge__spool_file_number(&f, PT_LIT("filler"), PT_LIT("temp"), &c)); /* names are what they are */
    CHECK(c > b);
    shut();
}

static void a_transaction_is_whole_or_not_at_all(void)
{
    open_fresh();
    CHECK_OK(edge__spool_file_begin(&f, NULL));
    add(1, 100, false, 0);
    edge__spool_file_rollback(&f);
    edge__spool_file_rollback(&f); /* none is open: nothing */
    CHECK_INT(sums().samples, 0);
    CHECK_OK(edge__spool_file_begin(&f, NULL));
    pt_error err = { 0 };
    CHECK(edge__spool_file_begin(&f, &err) != PT_OK);
    CHECK(strstr(err.text, "spool.db") && strstr(err.text, "BEGIN")); /* file, statement, SQLite's words */
    add(2, 100, false, 0);
    CHECK_OK(edge__spool_file_commit(&f, NULL));
    shut();
    open_again();
    CHECK_INT(sums().samples, 2);
    shut();
}

static void after_an_unclean_end_the_window_is_sent_again_and_own_time_goes_on(void)
{
    edge__spool_sums gone = { 0 };
    open_fresh();
    CHECK_INT(f.own_ms, 0);
    add(1, 100, true, 3000);
    add(2, 200, true, 4000);
    add(4, 300, true, 4500);
    shut();
    open_again(); /* killed: what was sent within the window before the last */
    CHECK_INT(f.own_ms, 4500);
    CHECK_STR(pt_cstr(waiting()), "200 300");
    CHECK_OK(edge__spool_file_sent(&f, 2, 4600, NULL));
    CHECK_OK(edge__spool_file_sent(&f, 3, 4600, NULL));
    CHECK_OK(edge__spool_file_expire(&f, 9000, 1000000, &gone, NULL));
    CHECK_OK(edge__spool_file_clean(&f, NULL));
    shut();
    open_again(); /* left cleanly: nothing */
    CHECK_INT(f.own_ms, 9000);
    CHECK_STR(pt_cstr(waiting()), "");
    shut();
}

static void a_file_that_is_no_spool_is_refused(void)
{
    char path[400];
    pt_error err = { 0 };
    snprintf(dir, sizeof dir, "%s", pt_test_dir());
    snprintf(path, sizeof path, "%s/spool.db", dir);
    FILE *file = fopen(path, "w");
    CHECK_FATAL(file != NULL);
    for (int i = 0; i < 500; i++)
        fputs("this is no database\n", file);
    CHECK(fclose(file) == 0);
    CHECK_STATUS(edge__spool_file_open(&f, dir, WINDOW, &err), PT_ECORRUPT);
    CHECK(strstr(err.text, path) != NULL);
    open_fresh();
    CHECK(sqlite3_exec(f.db, "PRAGMA user_version = 99", NULL, NULL, NULL) == SQLITE_OK);
    shut();
    CHECK_STATUS(edge__spool_file_open(&f, dir, WINDOW, &err), PT_ECORRUPT);
    CHECK(strstr(err.text, "version 99, this program knows 3") != NULL);
    CHECK(edge__spool_file_open(&f, "/nowhere", WINDOW, &err) != PT_OK);
    CHECK_OK(edge__spool_file_close(&f)); /* of what was not opened: nothing */
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(batches_wait_are_delivered_and_wait_again),  PT_TEST(what_is_as_old_as_allowed_goes_by_marks),
        PT_TEST(the_oldest_goes_first_delivered_or_waiting), PT_TEST(numbers_of_names_are_made_once_and_kept),
        PT_TEST(a_transaction_is_whole_or_not_at_all),       PT_TEST(after_an_unclean_end_the_window_is_sent_again_and_own_time_goes_on),
        PT_TEST(a_file_that_is_no_spool_is_refused),
    };
    return pt_test_main("edge-node/spool_file", tests, PT_COUNT_OF(tests), argc, argv);
}
