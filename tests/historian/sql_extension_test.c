/* tests/historian/sql_extension_test.c -- plantree_sqlite.so loaded by a foreign SQLite: this program's own connection, and the stock
 * shell. */
#include "tests/historian/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char so[600];
static const char *dir;

/* One number, or the message in `why`. */
static int64_t ask(sqlite3 *db, const char *sql, char why[300])
{
    sqlite3_stmt *q = NULL;
    int64_t n = INT64_MIN;
    why[0] = 0;
    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW) n = sqlite3_column_int64(q, 0);
    else snprintf(why, 300, "%s", sqlite3_errmsg(db));
    sqlite3_finalize(q);
    return n;
}

static sqlite3 *loaded(void)
{
    sqlite3 *db = NULL;
    char *why = NULL;
    CHECK_FATAL(sqlite3_open(":memory:", &db) == SQLITE_OK && sqlite3_enable_load_extension(db, 1) == SQLITE_OK);
    if (sqlite3_load_extension(db, so, NULL, &why) != SQLITE_OK) printf("%s\n", why);
    CHECK_FATAL(why == NULL);
    return db;
}

static void fill(void)
{
    const char *bin = getenv("PLANTREE_BIN");
    snprintf(so, sizeof so, "%s/../lib/plantree_sqlite.so", bin ? bin : "build/bin");
    CHECK_FATAL(access(so, R_OK) == 0);
    unsetenv("PLANTREE_DATA");
    dir = new_dir();
    close_ok(filled_store(dir));
}

static void a_directory_is_opened_by_name(void)
{
    sqlite3 *db = loaded();
    char why[300], sql[300];
    ask(db, "SELECT count(*) FROM history", why);
    CHECK(strstr(why, "no such table") != NULL); /* nothing opened yet */
    ask(db, "SELECT plantree_open(NULL)", why);
    CHECK(strstr(why, "a directory, please") != NULL);
    ask(db, "SELECT plantree_open('/no/such/place')", why);
    CHECK(strstr(why, "/no/such/place") != NULL);
    snprintf(sql, sizeof sql, "SELECT plantree_open('%s') = 'ok'", dir);
    CHECK_INT(ask(db, sql, why), 1);
    CHECK_INT(ask(db, "SELECT count(*) FROM history", why), 9000);
    CHECK_INT(ask(db, "SELECT sum(count) FROM bucket(1750000000000, 1760000000000, 86400000)", why), 9000);
    CHECK_INT(ask(db, "SELECT count(*) FROM tag", why), 3);
    CHECK_INT(ask(db, "SELECT count(*) FROM tag_path", why), 3);
    CHECK_INT(ask(db, "SELECT count(*) FROM event", why), 0);
    CHECK_INT(ask(db, "SELECT count(*) FROM tag JOIN history USING(tag_id) WHERE tag.path='g/e/d/t1' AND time_ms < 1750086400000", why),
              120);
    ask(db, "DELETE FROM history", why);
    CHECK(why[0]);
    const char *other = new_dir(); /* another directory takes the place of the first */
    hist *h = open_store(other, 64);
    append_one(h, f64(make_tag(h, "x", SPB_DOUBLE), NOW, 1));
    flush(h);
    snprintf(sql, sizeof sql, "SELECT plantree_open('%s') = 'ok'", other);
    CHECK_INT(ask(db, sql, why), 1);
    CHECK_INT(ask(db, "SELECT count(*) FROM history", why), 1);
    append_one(h, f64(1, NOW + 1, 1)); /* beside a running host it follows */
    flush(h);
    CHECK_INT(ask(db, "SELECT count(*) FROM history", why), 2);
    seal(h);
    append_one(h, f64(1, NOW + 2, 1));
    flush(h);
    CHECK_INT(ask(db, "SELECT count(*) FROM history", why), 3);
    CHECK(sqlite3_close(db) == SQLITE_OK);
    close_ok(h);
}

static void the_environment_may_name_the_directory(void)
{
    char why[300], *message = NULL;
    CHECK_FATAL(setenv("PLANTREE_DATA", dir, 1) == 0);
    sqlite3 *db = loaded();
    CHECK_INT(ask(db, "SELECT count(*) FROM history WHERE tag_id=2", why), 3000);
    CHECK(sqlite3_close(db) == SQLITE_OK);
    CHECK_FATAL(setenv("PLANTREE_DATA", "/no/such/place", 1) == 0);
    CHECK_FATAL(sqlite3_open(":memory:", &db) == SQLITE_OK && sqlite3_enable_load_extension(db, 1) == SQLITE_OK);
    CHECK(sqlite3_load_extension(db, so, NULL, &message) != SQLITE_OK); /* said while loading, not later */
    CHECK(message && strstr(message, "PLANTREE_DATA: ") != NULL && strstr(message, "/no/such/place") != NULL);
    sqlite3_free(message);
    sqlite3_close(db);
    unsetenv("PLANTREE_DATA");
}

static void a_view_may_not_open_directories(void)
{
    sqlite3 *db = loaded();
    char why[300];
    char *message = NULL;
    CHECK(sqlite3_exec(db, "CREATE VIEW trap AS SELECT plantree_open('/etc')", NULL, NULL, &message) == SQLITE_OK);
    sqlite3_free(message);
    ask(db, "SELECT * FROM trap", why);
    CHECK(strstr(why, "unsafe use of plantree_open") != NULL); /* a foreign database file must not make us read anything */
    sqlite3_close(db);
}

static void the_stock_shell_loads_it(void)
{
#ifdef __SANITIZE_ADDRESS__
    printf("the stock shell is not sanitized, the extension is: left out; ");
    return;
#endif
    if (access("/usr/bin/sqlite3", X_OK) != 0) {
        printf("no sqlite3 shell here: left out; ");
        return;
    }
    char command[2000], line[200] = "";
    snprintf(
        command, sizeof command,
        "/usr/bin/sqlite3 :memory: \".load %.580s\" \"SELECT plantree_open('%.200s')\" \"SELECT count(*), sum(value) FROM history WHERE path='g/e/d/t1'\" 2>&1 | tail -1",
        so, dir);
    FILE *p = popen(command, "r");
    CHECK_FATAL(p != NULL);
    CHECK(fgets(line, sizeof line, p) != NULL);
    CHECK_INT(pclose(p), 0);
    CHECK_STR(pt_cstr(line), "3000|1124625.0\n");
    snprintf(
        command, sizeof command,
        "PLANTREE_DATA='%.200s' /usr/bin/sqlite3 :memory: \".load %.580s\" \"EXPLAIN QUERY PLAN SELECT * FROM history WHERE path='x' AND time_ms > 5\" 2>&1",
        dir, so);
    p = popen(command, "r");
    CHECK_FATAL(p != NULL);
    char all[1000];
    size_t n = fread(all, 1, sizeof all - 1, p);
    all[n] = 0;
    CHECK_INT(pclose(p), 0);
    CHECK(strstr(all, "path=? time_ms>=?") != NULL);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(fill),
        PT_TEST(a_directory_is_opened_by_name),
        PT_TEST(the_environment_may_name_the_directory),
        PT_TEST(a_view_may_not_open_directories),
        PT_TEST(the_stock_shell_loads_it),
    };
    (void)argc;
    setup();
    return pt_test_main("historian/sql_extension", tests, PT_COUNT_OF(tests), 1, argv);
}
