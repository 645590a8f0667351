/* tests/historian/wal_test.c -- a -wal file that a killed host left behind and that was damaged since: what is lost is said, and what a
 * crash tears is not. */
#include "historian/files/wal.h"
#include "tests/historian/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COMMITS = 6, FRAME = 24 + 4096 };

static void copy_file(const char *from, const char *to)
{
    char buf[65536];
    size_t n;
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    CHECK_FATAL(in && out);
    while ((n = fread(buf, 1, sizeof buf, in)) > 0)
        CHECK_FATAL(fwrite(buf, 1, n, out) == n);
    CHECK_FATAL(fclose(in) == 0 && fclose(out) == 0);
}

/* A directory as kill -9 leaves it after COMMITS commits of one sample each, the -wal files with everything in them. *frames: of the
 * journal's. */
static const char *killed(uint64_t *frames)
{
    const char *dir = new_dir(), *copy = new_dir();
    static const char *const names[] = { "catalog.db", "catalog.db-wal", "journal.db", "journal.db-wal" };
    hist *h = open_bare(dir, 64);
    uint32_t tag = make_tag(h, "a", SPB_DOUBLE);
    CHECK_INT(tag, 1);
    for (int i = 0; i < COMMITS; i++) {
        append_one(h, f64(1, NOW + i, i));
        commit_bare(h);
    }
    CHECK_FATAL(mkdir(copy, 0755) == 0);
    for (size_t i = 0; i < PT_COUNT_OF(names); i++)
        copy_file(file_in(dir, names[i]), file_in(copy, names[i]));
    hist__bare_free(h);
    struct stat info;
    CHECK_FATAL(stat(file_in(copy, "journal.db-wal"), &info) == 0);
    *frames = ((uint64_t)info.st_size - 32) / FRAME;
    return copy;
}

static uint64_t lost(const char *dir)
{
    hist__wal w;
    CHECK_OK(hist__wal_look(file_in(dir, "journal.db"), &w, NULL));
    return w.commits;
}

static void whole_files_and_missing_ones_have_lost_nothing(void)
{
    uint64_t frames = 0;
    const char *dir = killed(&frames);
    CHECK(frames >= COMMITS);
    CHECK_INT(lost(dir), 0);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
    hist *h = open_store(dir, 64);
    CHECK_INT(count_rows(h, 1), COMMITS);
    close_ok(h); /* brings the -wal to its end and removes it */
    CHECK(access(file_in(dir, "journal.db-wal"), F_OK) != 0);
    CHECK_INT(lost(dir), 0);
}

static void a_damaged_frame_before_whole_commits_is_said_and_the_file_kept(void)
{
    uint64_t frames = 0;
    const char *dir = killed(&frames);
    spoil(file_in(dir, "journal.db-wal"), 32 + (long)(frames - 3) * FRAME + 1000, "?");
    hist__wal w;
    CHECK_OK(hist__wal_look(file_in(dir, "journal.db"), &w, NULL));
    CHECK_INT(w.frame, frames - 2);
    CHECK_INT(w.commits, 3);
    hist_verify_report r;
    CHECK_INT(faults_in(dir, false, false, &r), 1);
    heard log;
    heard_init(&log);
    hist_options o = options_for(dir, 64);
    hist *h = NULL;
    CHECK_OK_FATAL(hist_open(&o, &fake.clock, &log.log, &h, NULL)); /* recording goes on */
    CHECK(heard_id(&log, "HIST-DAMAGED-WAL"));
    CHECK(access(file_in(dir, "journal.db-wal.damaged-1"), F_OK) == 0);
    CHECK_INT(count_rows(h, 1), COMMITS - 3);
    append_one(h, f64(1, NOW + 100, 1));
    flush(h);
    close_ok(h);
    CHECK_INT(faults_in(dir, false, true, &r), 0);
}

static void a_repair_keeps_the_file_and_leaves_no_fault(void)
{
    uint64_t frames = 0;
    const char *dir = killed(&frames);
    hist_verify_report r;
    spoil(file_in(dir, "journal.db-wal"), 40, "??"); /* the first frame's header */
    CHECK(faults_in(dir, true, false, &r) > 0);
    CHECK(access(file_in(dir, "journal.db-wal.damaged-1"), F_OK) == 0);
    (void)faults_in(dir, true, false, &r); /* tables that were in the -wal only are made anew */
    CHECK_INT(faults_in(dir, false, true, &r), 0);
}

static void a_damaged_header_loses_all_of_it(void)
{
    uint64_t frames = 0;
    const char *dir = killed(&frames);
    spoil(file_in(dir, "journal.db-wal"), 24, "????");
    hist__wal w;
    CHECK_OK(hist__wal_look(file_in(dir, "journal.db"), &w, NULL));
    CHECK(w.frame == 0 && w.commits >= COMMITS);
}

/* What cannot be told from a commit that the crash itself tore. */
static void the_last_commit_may_be_torn(void)
{
    uint64_t frames = 0;
    const char *dir = killed(&frames);
    spoil(file_in(dir, "journal.db-wal"), 32 + (long)(frames - 1) * FRAME + 1000, "?");
    CHECK_INT(lost(dir), 0);
    CHECK_INT(truncate(file_in(dir, "journal.db-wal"), 32 + (long)(frames - 1) * FRAME + 1000), 0);
    CHECK_INT(lost(dir), 0);
    CHECK_INT(truncate(file_in(dir, "journal.db-wal"), 10), 0);
    CHECK_INT(lost(dir), 0);
    hist *h = open_store(dir, 64);
    close_ok(h);
}

/* Behind the frames of the present generation stand those of the one before: they are nobody's loss. */
static void frames_of_an_older_generation_do_not_count(void)
{
    const char *dir = new_dir(), *path = file_in(dir, "journal.db"), *copy = new_dir();
    CHECK_FATAL(mkdir(dir, 0755) == 0 && mkdir(copy, 0755) == 0);
    sqlite3 *db = NULL;
    CHECK_OK_FATAL(hist__db_open(path, HIST__JOURNAL, false, &db, NULL));
    for (int i = 0; i < 20; i++)
        CHECK_OK(hist__db_exec(db, "INSERT INTO journal(seq, n, wall_ms, data) VALUES(1,1,1,zeroblob(5000))", NULL));
    CHECK_OK(hist__db_exec(db, "PRAGMA wal_checkpoint(RESTART)", NULL));
    for (int i = 0; i < 3; i++)
        CHECK_OK(hist__db_exec(db, "UPDATE meta SET value=value+1", NULL)); /* from the file's start again */
    copy_file(path, file_in(copy, "journal.db"));
    copy_file(file_in(dir, "journal.db-wal"), file_in(copy, "journal.db-wal"));
    hist__db_close(db);
    struct stat info;
    CHECK_FATAL(stat(file_in(copy, "journal.db-wal"), &info) == 0);
    CHECK(info.st_size > 40 * FRAME);
    CHECK_INT(lost(copy), 0);
    spoil(file_in(copy, "journal.db-wal"), 32 + 20L * FRAME + 99, "?");
    CHECK_INT(lost(copy), 0);
    spoil(file_in(copy, "journal.db-wal"), 32 + 99, "?");
    CHECK_INT(lost(copy), 3);
}

/* All of it was taken over before the crash, and the frames stayed. Without them the file has everything. */
static void frames_that_are_in_the_file_already_take_nothing_from_it(void)
{
    const char *dir = new_dir(), *path = file_in(dir, "journal.db"), *copy = new_dir();
    CHECK_FATAL(mkdir(dir, 0755) == 0 && mkdir(copy, 0755) == 0);
    sqlite3 *db = NULL;
    CHECK_OK_FATAL(hist__db_open(path, HIST__JOURNAL, false, &db, NULL));
    for (int i = 0; i < 400; i++)
        CHECK_OK(hist__db_exec(db, "INSERT INTO journal(seq, n, wall_ms, data) VALUES(1,1,1,zeroblob(300))", NULL));
    CHECK_OK(hist__db_exec(db, "PRAGMA wal_checkpoint(PASSIVE)", NULL));
    copy_file(path, file_in(copy, "journal.db"));
    copy_file(file_in(dir, "journal.db-wal"), file_in(copy, "journal.db-wal"));
    hist__db_close(db);
    spoil(file_in(copy, "journal.db-wal"), 32 + 40L * FRAME + 99, "?");
    CHECK(lost(copy) > 300);
    CHECK_OK(hist__wal_keep(file_in(copy, "journal.db"), HIST__JOURNAL, NULL, NULL));
    CHECK_INT(sql_number(file_in(copy, "journal.db"), "SELECT count(*) FROM journal"), 400);
    CHECK_INT(lost(copy), 0);
}

/* A week that nobody writes to any more keeps its -wal from start to start: it is kept once. */
static void an_old_week_is_said_once(void)
{
    const char *dir = new_dir(), *copy = new_dir();
    hist *h = open_store(dir, 16);
    make_tag(h, "a", SPB_DOUBLE);
    for (int i = 0; i < 200; i++) {
        append_one(h, f64(1, NOW + i * 1000, i));
        if (i % 20 == 19) {
            flush(h);
            seal(h);
        }
    }
    CHECK_FATAL(mkdir(copy, 0755) == 0);
    char week[40];
    hist__partition_name(hist__partition_start(NOW), week);
    const char *names[] = { "catalog.db", "journal.db", week };
    for (size_t i = 0; i < PT_COUNT_OF(names); i++) {
        char wal[80];
        snprintf(wal, sizeof wal, "%s-wal", names[i]);
        copy_file(file_in(dir, names[i]), file_in(copy, names[i]));
        copy_file(file_in(dir, wal), file_in(copy, wal));
    }
    close_ok(h);
    char wal[800];
    snprintf(wal, sizeof wal, "%s-wal", partition_in(copy, NOW));
    spoil(wal, 32 + 9L * (24 + 16384) + 99, "?");
    for (int start = 0; start < 3; start++) {
        h = open_store(copy, 16);
        close_ok(h);
    }
    char name[900];
    snprintf(name, sizeof name, "%s.damaged-1", wal);
    CHECK(access(name, F_OK) == 0);
    snprintf(name, sizeof name, "%s.damaged-2", wal);
    CHECK(access(name, F_OK) != 0);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(whole_files_and_missing_ones_have_lost_nothing),
        PT_TEST(a_damaged_frame_before_whole_commits_is_said_and_the_file_kept),
        PT_TEST(a_repair_keeps_the_file_and_leaves_no_fault),
        PT_TEST(a_damaged_header_loses_all_of_it),
        PT_TEST(the_last_commit_may_be_torn),
        PT_TEST(frames_of_an_older_generation_do_not_count),
        PT_TEST(frames_that_are_in_the_file_already_take_nothing_from_it),
        PT_TEST(an_old_week_is_said_once),
    };
    setup();
    return pt_test_main("historian/wal", tests, PT_COUNT_OF(tests), argc, argv);
}
