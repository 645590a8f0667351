/* The bdSeq's file: old or new, never half; a bad one is said, not guessed. */
#include "edge-node/bdseq_file.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static edge_bdseq_file file;
static char beside[580]; /* where its first number is written */

static edge_storage open_in(const char *dir)
{
    CHECK_OK_FATAL(edge_bdseq_file_init(&file, dir));
    snprintf(beside, sizeof beside, "%s.new", file.path);
    return edge_bdseq_file_storage(&file);
}

static void write_raw(const char *text)
{
    FILE *f = fopen(file.path, "w");
    CHECK_FATAL(f != NULL);
    fputs(text, f);
    CHECK_FATAL(fclose(f) == 0);
}

static void what_was_stored_is_there_after_a_restart(void)
{
    const char *dir = pt_test_dir();
    edge_storage s = open_in(dir);
    uint8_t next = 77;
    CHECK_STATUS(s.bdseq_load(s.ctx, &next), PT_ENOTFOUND);
    for (int i = 0; i < 256; i += 51) {
        CHECK_OK(s.bdseq_store(s.ctx, (uint8_t)i));
        edge_storage again = open_in(dir);
        CHECK_OK(again.bdseq_load(again.ctx, &next));
        CHECK_INT(next, i);
    }
    CHECK(access(beside, F_OK) != 0); /* nothing left beside it */
}

static void a_file_that_holds_no_number_is_corrupt(void)
{
    static const char *const rows[] = { "", "256\n", "-1\n", "seven\n", "12 13\n", "99999999999999999999\n" };
    edge_storage s = open_in(pt_test_dir());
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        uint8_t next = 0;
        write_raw(rows[i]);
        CHECK_ROW(rows[i], s.bdseq_load(s.ctx, &next) == PT_ECORRUPT);
    }
    uint8_t next = 0;
    write_raw("255");
    CHECK_OK(s.bdseq_load(s.ctx, &next));
    CHECK_INT(next, 255);
}

static void a_write_that_was_cut_short_leaves_the_old_number(void)
{
    edge_storage s = open_in(pt_test_dir());
    uint8_t next = 0;
    CHECK_OK(s.bdseq_store(s.ctx, 41));
    FILE *f = fopen(beside, "w"); /* killed between write and rename */
    CHECK_FATAL(f != NULL && fputs("4", f) >= 0 && fclose(f) == 0);
    CHECK_OK(s.bdseq_load(s.ctx, &next));
    CHECK_INT(next, 41);
    CHECK_OK(s.bdseq_store(s.ctx, 42));
    CHECK_OK(s.bdseq_load(s.ctx, &next));
    CHECK_INT(next, 42);
}

/* A full disk has no room for a second file, and no byte more for this one. */
static void later_numbers_replace_the_first_one_in_place(void)
{
    edge_storage s = open_in(pt_test_dir());
    struct stat first, now;
    uint8_t next = 0;
    write_raw("7\n"); /* as an earlier version left it: replaced once */
    CHECK_OK(s.bdseq_load(s.ctx, &next));
    CHECK_INT(next, 7);
    CHECK_OK(s.bdseq_store(s.ctx, 8));
    CHECK_FATAL(stat(file.path, &first) == 0);
    static const uint8_t numbers[] = { 9, 10, 99, 100, 255, 0 };
    for (size_t i = 0; i < sizeof numbers; i++) {
        CHECK_OK(s.bdseq_store(s.ctx, numbers[i]));
        CHECK_OK(s.bdseq_load(s.ctx, &next));
        CHECK_INT(next, numbers[i]);
        CHECK(stat(file.path, &now) == 0 && now.st_ino == first.st_ino && now.st_size == first.st_size);
    }
    CHECK(mkdir(beside, 0700) == 0); /* nothing can be written beside it */
    CHECK_OK(s.bdseq_store(s.ctx, 1));
    CHECK(rmdir(beside) == 0);
}

static void a_directory_that_is_gone_is_an_error(void)
{
    char dir[300];
    snprintf(dir, sizeof dir, "%s/absent", pt_test_dir());
    edge_storage s = open_in(dir);
    CHECK(s.bdseq_store(s.ctx, 1) != PT_OK);
    char too_long[700];
    memset(too_long, 'x', sizeof too_long - 1);
    too_long[sizeof too_long - 1] = 0;
    CHECK_STATUS(edge_bdseq_file_init(&file, too_long), PT_ETOOBIG);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(what_was_stored_is_there_after_a_restart),
        PT_TEST(a_file_that_holds_no_number_is_corrupt),
        PT_TEST(a_write_that_was_cut_short_leaves_the_old_number),
        PT_TEST(later_numbers_replace_the_first_one_in_place),
        PT_TEST(a_directory_that_is_gone_is_an_error),
    };
    return pt_test_main("edge-node/bdseq_file", tests, PT_COUNT_OF(tests), argc, argv);
}
