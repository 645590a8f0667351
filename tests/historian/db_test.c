/* tests/historian/db_test.c -- files are made with their mark and format, foreign, newer and damaged ones are left alone, and every result
 * is a status. */
#include "tests/historian/support.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *place(void)
{
    const char *dir = new_dir();
    CHECK_FATAL(mkdir(dir, 0755) == 0);
    return dir;
}

static void a_new_file_says_what_it_is(void)
{
    static const struct {
        hist__file kind;
        int64_t application, page;
        const char *table;
    } rows[] = {
        { HIST__CATALOG, 0x50546331, 4096, "SELECT count(*) FROM tag" },
        { HIST__JOURNAL, 0x50546a31, 4096, "SELECT count(*) FROM journal" },
        { HIST__PARTITION, 0x50546231, 16384, "SELECT count(*) FROM block" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        const char *path = file_in(place(), "x.db");
        sqlite3 *db = NULL;
        int64_t n = -1;
        CHECK_OK_FATAL(hist__db_open(path, rows[i].kind, false, &db, NULL));
        CHECK_OK(hist__db_number(db, "PRAGMA application_id", &n, NULL));
        CHECK_INT(n, rows[i].application);
        CHECK_OK(hist__db_number(db, "PRAGMA user_version", &n, NULL));
        CHECK_INT(n, hist__format(rows[i].kind));
        CHECK_OK(hist__db_number(db, "PRAGMA page_size", &n, NULL));
        CHECK_INT(n, rows[i].page);
        CHECK_OK(hist__db_number(db, rows[i].table, &n, NULL));
        CHECK_INT(n, 0);
        sqlite3 *reader = NULL, *again = NULL;
        CHECK_OK(hist__db_open(path, rows[i].kind, true, &reader, NULL));
        CHECK_STATUS(hist__db_exec(reader, "CREATE TABLE y(a)", NULL), PT_EREADONLY);
        CHECK_OK(hist__db_open(path, rows[i].kind, false, &again, NULL));
        hist__db_close(reader);
        hist__db_close(again);
        hist__db_close(db);
    }
    hist__db_close(NULL);
}

static void what_is_not_ours_is_refused_and_left_alone(void)
{
    static const struct {
        const char *row, *sql; /* NULL: no database at all */
        pt_status st;
        const char *why;
    } rows[] = {
        { "a newer format", "PRAGMA application_id=1347707441; PRAGMA user_version=9; CREATE TABLE a(b)", PT_EUNSUPPORTED,
          "format 9, this build knows 1" },
        { "another program's", "PRAGMA application_id=77; CREATE TABLE a(b)", PT_ECORRUPT, "not the file it should be" },
        { "a catalogue where blocks should be", "PRAGMA application_id=1347707697; PRAGMA user_version=1; CREATE TABLE a(b)", PT_ECORRUPT,
          "not the file it should be" },
        { "no mark at all", "CREATE TABLE a(b)", PT_ECORRUPT, "not the file it should be" },
        { "no database", NULL, PT_ECORRUPT, "" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        const char *path = file_in(place(), "x.db");
        char sql[200];
        if (rows[i].sql) {
            snprintf(sql, sizeof sql, "%s", rows[i].sql);
            run_sql(path, sql);
        } else {
            FILE *f = fopen(path, "w");
            CHECK_FATAL(f != NULL);
            for (int k = 0; k < 200; k++)
                fputs("this is no database", f);
            fclose(f);
        }
        struct stat before, after;
        CHECK_FATAL(stat(path, &before) == 0);
        for (int read_only = 0; read_only < 2; read_only++) {
            sqlite3 *db = NULL;
            pt_error err = { 0 };
            pt_status st = hist__db_open(path, HIST__PARTITION, read_only, &db, &err);
            CHECK_ROW(rows[i].row, st == rows[i].st && db == NULL);
            CHECK_ROW(rows[i].row, strstr(err.text, rows[i].why) != NULL);
            if (st != rows[i].st) printf("%s: %s\n", rows[i].row, err.text);
        }
        CHECK_FATAL(stat(path, &after) == 0);
        CHECK_ROW(rows[i].row, before.st_size == after.st_size);
    }
}

static void a_missing_or_empty_file_is_made_by_writers_only(void)
{
    const char *dir = place(), *path = file_in(dir, "x.db");
    sqlite3 *db = NULL;
    pt_error err = { 0 };
    CHECK_STATUS(hist__db_open(path, HIST__JOURNAL, true, &db, &err), PT_ENOTFOUND);
    CHECK(strstr(err.text, path) != NULL && access(path, F_OK) != 0);
    FILE *f = fopen(path, "w"); /* made, and the machine went down before anything was written */
    CHECK_FATAL(f && fclose(f) == 0);
    CHECK_STATUS(hist__db_open(path, HIST__JOURNAL, true, &db, &err), PT_ENOTFOUND);
    CHECK_OK(hist__db_open(path, HIST__JOURNAL, false, &db, &err));
    hist__db_close(db);
    CHECK_OK(hist__db_open(path, HIST__JOURNAL, true, &db, &err));
    hist__db_close(db);
    CHECK(hist__db_open(dir, HIST__JOURNAL, false, &db, &err) != PT_OK); /* a directory */
    CHECK(strstr(err.text, dir) != NULL);
    CHECK(hist__db_open(file_in(dir, "no/such/place.db"), HIST__JOURNAL, false, &db, &err) != PT_OK);
}

static void sqlites_results_become_statuses_with_a_sentence(void)
{
    const char *path = file_in(place(), "x.db");
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    int64_t n = 0;
    bool row = true;
    pt_error err = { 0 };
    CHECK_OK_FATAL(hist__db_open(path, HIST__JOURNAL, false, &db, NULL));
    CHECK_STATUS(hist__db_exec(db, "NONSENSE", &err), PT_EIO);
    CHECK(strstr(err.text, "NONSENSE") != NULL && strstr(err.text, "syntax error") != NULL);
    CHECK_STATUS(hist__db_prepare(db, "SELECT no_such_column", &q, &err), PT_EIO);
    CHECK_STATUS(hist__db_number(db, "SELECT 1 WHERE 0", &n, &err), PT_EEMPTY);
    CHECK_OK(hist__db_number(db, "SELECT -9223372036854775808", &n, &err));
    CHECK(n == INT64_MIN);

    CHECK_OK_FATAL(hist__db_prepare(db, "SELECT ?1, ?2", &q, &err));
    CHECK_OK(hist__db_bind_slice(q, 1, PT_LIT("text")));
    CHECK_OK(hist__db_bind_slice(q, 2, PT_NONE));
    CHECK_OK(hist__db_step(db, q, &row, &err));
    CHECK(row);
    CHECK_STR(hist__db_slice(q, 0), "text");
    CHECK(hist__db_slice(q, 1).ptr == NULL);
    CHECK_OK(hist__db_step(db, q, &row, &err));
    CHECK(!row);
    CHECK_OK(hist__db_step(db, q, &row, &err)); /* reset at the end: it begins again */
    CHECK(row);
    CHECK(hist__db_bind_slice(q, 1, PT_LIT("")) != PT_OK); /* not while it is being stepped */
    sqlite3_reset(q);
    CHECK_OK(hist__db_bind_slice(q, 1, PT_LIT("")));
    CHECK_OK(hist__db_step(db, q, &row, &err));
    CHECK(hist__db_slice(q, 0).ptr != NULL && hist__db_slice(q, 0).len == 0); /* empty is not absent */
    sqlite3_finalize(q);

    CHECK_OK_FATAL(hist__db_prepare(db, "INSERT INTO meta VALUES(?1, 1)", &q, &err));
    CHECK_OK(hist__db_bind_slice(q, 1, PT_LIT("key")));
    CHECK_OK(hist__db_run(db, q, &err));
    CHECK_STATUS(hist__db_run(db, q, &err), PT_EIO); /* twice the same key */
    CHECK(strstr(err.text, "UNIQUE") != NULL);
    CHECK_OK(hist__db_bind_slice(q, 1, PT_LIT("other")));
    CHECK_OK(hist__db_run(db, q, &err)); /* the failure left it ready for use */
    sqlite3_finalize(q);

    CHECK_OK(hist__db_exec(db, "PRAGMA max_page_count=1", &err)); /* a disk that is full */
    CHECK_STATUS(hist__db_exec(db, "CREATE TABLE big AS SELECT zeroblob(1000000) AS b", &err), PT_ENOSPC);
    CHECK(strstr(err.text, "full") != NULL);

    sqlite3 *other = NULL;
    CHECK_OK_FATAL(hist__db_open(path, HIST__JOURNAL, false, &other, NULL));
    sqlite3_busy_timeout(other, 0);
    CHECK_OK(hist__db_exec(db, "BEGIN IMMEDIATE", &err));
    CHECK_STATUS(hist__db_exec(other, "BEGIN IMMEDIATE", &err), PT_EBUSY);
    CHECK_OK(hist__db_exec(db, "COMMIT", &err));
    hist__db_close(other);
    hist__db_close(db);
}

static void odd_names_are_only_names(void)
{
    static const char *const names[] = { "a b.db", "100%25.db", "what?mode=memory.db", "a#b.db", "\xc3\xa4\xc3\xb6.db", "'quoted'.db" };
    const char *dir = place();
    for (size_t i = 0; i < PT_COUNT_OF(names); i++) {
        const char *path = file_in(dir, names[i]);
        sqlite3 *db = NULL;
        CHECK_OK(hist__db_open(path, HIST__CATALOG, false, &db, NULL));
        hist__db_close(db);
        CHECK_ROW(names[i], access(path, F_OK) == 0);
        CHECK_OK(hist__db_open(path, HIST__CATALOG, true, &db, NULL));
        hist__db_close(db);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_new_file_says_what_it_is),
        PT_TEST(what_is_not_ours_is_refused_and_left_alone),
        PT_TEST(a_missing_or_empty_file_is_made_by_writers_only),
        PT_TEST(sqlites_results_become_statuses_with_a_sentence),
        PT_TEST(odd_names_are_only_names),
    };
    setup();
    return pt_test_main("historian/db", tests, PT_COUNT_OF(tests), argc, argv);
}
