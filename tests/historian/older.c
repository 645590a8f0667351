/* tests/historian/older.c */
#include "tests/historian/older.h"
#include "tests/support/check.h"

#include <sqlite3.h>
#include <stdio.h>

static long long number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *q = NULL;
    CHECK_FATAL(sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW);
    long long n = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return n;
}

void make_older(const char *path, int format)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    char old[800], sql[2000];
    snprintf(old, sizeof old, "%s.old", path);
    CHECK_FATAL(rename(path, old) == 0);
    snprintf(sql, sizeof sql, "ATTACH '%s' AS old", old);
    CHECK_FATAL(sqlite3_open(path, &db) == SQLITE_OK && sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
    snprintf(sql, sizeof sql,
             "PRAGMA main.page_size=%lld; PRAGMA main.journal_mode=WAL; PRAGMA main.application_id=%lld; PRAGMA main.user_version=%d",
             number(db, "PRAGMA old.page_size"), number(db, "PRAGMA old.application_id"), format);
    CHECK_FATAL(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
    CHECK_FATAL(sqlite3_prepare_v2(db, "SELECT sql, type='table', name FROM old.sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC", -1,
                                   &q, NULL) == SQLITE_OK);
    while (sqlite3_step(q) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(q, 2);
        CHECK(sqlite3_exec(db, (const char *)sqlite3_column_text(q, 0), NULL, NULL, NULL) == SQLITE_OK);
        snprintf(sql, sizeof sql, "INSERT INTO main.%s SELECT * FROM old.%s", name, name);
        if (sqlite3_column_int(q, 1)) CHECK(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
    }
    sqlite3_finalize(q);
    CHECK(sqlite3_close(db) == SQLITE_OK && remove(old) == 0);
}
