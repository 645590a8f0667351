/* tests/historian/backup_test.c -- a copy taken while the host writes is whole, and never goes over another. */
#include "tests/historian/support.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void a_backup_taken_under_load_is_whole(void)
{
    const char *dir = new_dir(), *copy = new_dir();
    hist_verify_report r;
    hist *h = filled_store(dir);
    for (int i = 0; i < 2000; i++) {
        hist_sample s = { .tag_id = 1, .time_ms = NOW + 30 * DAY + i, .type = SPB_DOUBLE, .as.f64 = i };
        CHECK_OK(hist_append(h, &s, 1)); /* being committed while we copy */
    }
    pt_error err = { 0 };
    CHECK_OK(hist_backup(dir, copy, NULL, NULL, &err));
    CHECK_STATUS(hist_backup(dir, copy, NULL, NULL, &err), PT_EEXISTS);
    close_ok(h);
    CHECK_INT(faults_in(copy, false, true, &r), 0);
    h = open_store(copy, 128);
    CHECK_INT(count_rows(h, 2), 3000);
    CHECK(count_rows(h, 1) >= 3000);
    close_ok(h);
}

typedef struct race { /* what goes on while pages are copied */
    hist *h;
    unsigned calls;
    char files[400];
} race;

static void go_on_writing(void *ctx, const char *file, uint64_t done, uint64_t total)
{
    race *r = ctx;
    size_t at = strlen(r->files);
    CHECK(done <= total);
    snprintf(r->files + at, sizeof r->files - at, "%s ", file);
    for (int i = 0; i < 200; i++)
        append_one(r->h, f64(1, NOW + 60 * DAY + r->calls * 1000 + i, i));
    flush(r->h);
    seal(r->h); /* between two files: rows move from the journal into blocks, a new week among them */
    r->calls++;
}

static void what_moves_between_the_files_meanwhile_is_in_the_copy_once(void)
{
    const char *dir = new_dir(), *copy = new_dir();
    race r = { .h = filled_store(dir) };
    pt_error err = { 0 };
    CHECK_OK(hist_backup(dir, copy, go_on_writing, &r, &err));
    CHECK(r.calls >= 6);
    CHECK(strstr(r.files, "journal.db ") == r.files && strstr(r.files, "blocks-1749686400.db ") &&
          strstr(r.files, "catalog.db ") == r.files + strlen(r.files) - 11);
    close_ok(r.h);
    CHECK_INT(faults_in(copy, false, true, NULL), 0);
    hist *h = open_store(copy, 128);
    CHECK(count_rows(h, 1) >= 3000 && count_rows(h, 1) <= 3000 + r.calls * 200);
    CHECK_INT(count_rows(h, 2), 3000);
    append_one(h, f64(2, NOW - 5, 1)); /* and it can be gone on with */
    flush(h);
    seal(h);
    close_ok(h);
    CHECK_INT(faults_in(copy, false, true, NULL), 0);
}

static void places_that_cannot_take_it_are_said(void)
{
    const char *dir = new_dir(), *copy = new_dir(), *file;
    pt_error err = { 0 };
    close_ok(open_store(dir, 64));
    CHECK_STATUS(hist_backup(file_in(dir, "nowhere"), copy, NULL, NULL, &err), PT_ENOTFOUND);
    CHECK(strstr(err.text, "nowhere") != NULL);
    CHECK_STATUS(hist_backup(dir, file_in(copy, "no/such"), NULL, NULL, &err), PT_ENOTFOUND);
    CHECK_STATUS(hist_backup(dir, dir, NULL, NULL, &err), PT_EEXISTS);
    file = file_in(dir, "a file");
    FILE *f = fopen(file, "w");
    CHECK_FATAL(f && fclose(f) == 0);
    CHECK(hist_backup(dir, file, NULL, NULL, &err) != PT_OK);
    CHECK(strstr(err.text, "a file") != NULL);
    hist *busy = open_store(copy, 64); /* a host writes there */
    CHECK_STATUS(hist_backup(dir, copy, NULL, NULL, &err), PT_EBUSY);
    close_ok(busy);
    run_sql(file_in(dir, "journal.db"), "PRAGMA user_version=9");
    CHECK_STATUS(hist_backup(dir, new_dir(), NULL, NULL, &err), PT_EUNSUPPORTED);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_backup_taken_under_load_is_whole),
        PT_TEST(what_moves_between_the_files_meanwhile_is_in_the_copy_once),
        PT_TEST(places_that_cannot_take_it_are_said),
    };
    setup();
    return pt_test_main("historian/backup", tests, PT_COUNT_OF(tests), argc, argv);
}
