/* tests/host/audit_test.c -- the audit keeps every row, refuses changes, and notices those made around it. */
#include "host/control/audit.h"
#include "tests/support/check.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[256];

static void fresh_dir(void)
{
    snprintf(dir, sizeof dir, "/tmp/plantree-audit-XXXXXX");
    CHECK_FATAL(mkdtemp(dir) != NULL);
}

static const char *file(void)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/audit.db", dir);
    return path;
}

static void remove_dir(void)
{
    static const char *const ends[] = { "", "-wal", "-shm" };
    char path[320];
    for (size_t i = 0; i < PT_COUNT_OF(ends); i++) {
        snprintf(path, sizeof path, "%s%s", file(), ends[i]);
        (void)unlink(path);
    }
    CHECK(rmdir(dir) == 0);
}

static host_audit *open_audit(void)
{
    host_audit *a = NULL;
    pt_error err = { 0, "" };
    pt_status st = host_audit_open(dir, &a, &err);
    pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "%s", err.text);
    return a;
}

static void add(host_audit *a, const char *object, const char *before, const char *after, const char *outcome)
{
    host_audit_row r = { .at_ms = 1000,
                         .principal = PT_LIT("anonymous"),
                         .auth_kind = PT_LIT("none"),
                         .address = PT_LIT("127.0.0.1"),
                         .action = PT_LIT("write"),
                         .object = pt_cstr(object),
                         .before = pt_cstr(before),
                         .after = pt_cstr(after),
                         .reason = PT_LIT("why"),
                         .outcome = pt_cstr(outcome) };
    CHECK_OK(host_audit_append(a, &r, NULL));
}

typedef struct seen {
    char text[2000];
    unsigned stop_after;
} seen;

static bool note(void *ctx, const host_audit_row *r)
{
    seen *s = ctx;
    size_t n = strlen(s->text);
    snprintf(s->text + n, sizeof s->text - n, "%llu:%lld:%.*s:%.*s:%.*s>%.*s:%.*s:%.*s:%.*s ", (unsigned long long)r->seq,
             (long long)r->at_ms, PT_SLICE_ARGS(r->principal), PT_SLICE_ARGS(r->object), PT_SLICE_ARGS(r->before), PT_SLICE_ARGS(r->after),
             PT_SLICE_ARGS(r->reason), PT_SLICE_ARGS(r->outcome), PT_SLICE_ARGS(r->request_id));
    return s->stop_after == 0 || --s->stop_after > 0;
}

static void rows_are(host_audit *a, uint64_t after, uint32_t limit, const char *want)
{
    seen s = { "", 0 };
    CHECK_OK(host_audit_each(a, after, limit, note, &s, NULL));
    CHECK_STR(pt_cstr(s.text), want);
}

static void what_is_appended_is_read_back_in_order_and_survives_the_process(void)
{
    char newest[65], again[65];
    uint64_t rows = 0;
    fresh_dir();
    host_audit *a = open_audit();
    CHECK_OK(host_audit_verify(a, &rows, newest, NULL));
    CHECK_INT(rows, 0);
    add(a, "g/e/a", "1", "2.5", "requested");
    add(a, "g/e/a", "1", "2.5", "confirmed");
    host_audit_row bare = { .at_ms = -5, .action = PT_LIT("config-reload") };
    CHECK_OK(host_audit_append(a, &bare, NULL));
    rows_are(a, 0, 0, "1:1000:anonymous:g/e/a:1>2.5:why:requested: 2:1000:anonymous:g/e/a:1>2.5:why:confirmed: 3:-5:::>::: ");
    rows_are(a, 1, 1, "2:1000:anonymous:g/e/a:1>2.5:why:confirmed: ");
    rows_are(a, UINT64_MAX, 0, "");
    seen s = { "", 1 };
    CHECK_OK(host_audit_each(a, 0, 0, note, &s, NULL));
    CHECK(strchr(s.text, '2') != NULL && strstr(s.text, "confirmed") == NULL);
    CHECK_OK(host_audit_verify(a, &rows, newest, NULL));
    CHECK_INT(rows, 3);
    host_audit_close(a);
    a = open_audit();
    CHECK_OK(host_audit_verify(a, &rows, again, NULL));
    CHECK_STR(pt_cstr(again), newest);
    add(a, "g/e/b", "", "1", "refused");
    CHECK_OK(host_audit_verify(a, &rows, again, NULL));
    CHECK_INT(rows, 4);
    host_audit_close(a);
    host_audit_close(NULL);
    remove_dir();
}

static int run_sql(const char *sql)
{
    sqlite3 *db = NULL;
    CHECK_FATAL(sqlite3_open(file(), &db) == SQLITE_OK);
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_close(db);
    return rc;
}

/* Rows as an earlier version left them in the file. Their hashes are those Python's hashlib gives for the canonical form. */
static void a_chain_of_an_earlier_version_is_whole_and_goes_on(void)
{
    static const char FIRST[] = "2ce0e13113050dd76ae0e0c55829b8d23a8322902005ac8d4eb6e534aacc7052";
    static const char SECOND[] = "c36793c76226f131ac8d5e5c6aaf0a82841802c0969d5a2e06182d3dc7ee1dad";
    char sql[800], newest[65];
    uint64_t n = 0;
    pt_error err = { 0, "" };
    fresh_dir();
    host_audit_close(open_audit());
    snprintf(
        sql, sizeof sql,
        "INSERT INTO audit VALUES(1, 1000, 'anonymous','none','127.0.0.1','write','g/e/a','1','2.5','why','requested','77', zeroblob(32), x'%s');"
        "INSERT INTO audit VALUES(2, -5, '','','','config-reload','','','','ü','','', x'%s', x'%s');",
        FIRST, FIRST, SECOND);
    CHECK_INT(run_sql(sql), SQLITE_OK);
    host_audit *a = open_audit();
    CHECK_OK(host_audit_verify(a, &n, newest, &err));
    CHECK_INT(n, 2);
    CHECK_STR(pt_cstr(newest), SECOND);
    add(a, "g/e/b", "", "1", "refused");
    CHECK_OK(host_audit_verify(a, &n, newest, &err));
    CHECK_INT(n, 3);
    host_audit_close(a);
    remove_dir();
}

static void changing_and_deleting_rows_is_refused(void)
{
    fresh_dir();
    host_audit *a = open_audit();
    add(a, "g/e/a", "1", "2", "requested");
    CHECK_INT(run_sql("UPDATE audit SET reason='another'"), SQLITE_CONSTRAINT);
    CHECK_INT(run_sql("DELETE FROM audit"), SQLITE_CONSTRAINT);
    CHECK_INT(
        run_sql(
            "INSERT OR REPLACE INTO audit SELECT 1, at, 'me', auth_kind, address, action, object, before, after, reason, outcome, request_id, prev_hash, hash FROM audit") ==
            SQLITE_OK,
        1);
    uint64_t rows;
    char newest[65];
    pt_error err = { 0, "" };
    CHECK_STATUS(host_audit_verify(a, &rows, newest, &err), PT_ECORRUPT); /* REPLACE goes around the triggers, not around the chain */
    host_audit_close(a);
    remove_dir();
}

static void a_change_around_the_triggers_is_named(void)
{
    static const struct {
        const char *sql;
        uint64_t whole;
        const char *says; /* NULL: not noticed */
    } rows[] = {
        { "UPDATE audit SET after='3' WHERE seq=2", 1, "row 2" },
        { "UPDATE audit SET at=at+1 WHERE seq=3", 2, "row 3" },
        { "UPDATE audit SET before=before||after, after='' WHERE seq=1", 0, "row 1" },
        { "UPDATE audit SET hash=zeroblob(32) WHERE seq=2", 1, "row 2" },
        { "UPDATE audit SET prev_hash=x'00' WHERE seq=2", 1, "row 2" },
        { "DELETE FROM audit WHERE seq=2", 1, "row 3" },
        { "DELETE FROM audit WHERE seq=1", 0, "row 2" },
        { "DELETE FROM audit WHERE seq=4", 3, NULL }, /* the newest hash has changed: that is why it is shown */
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char newest[65], other[65], sql[400];
        uint64_t n = 0;
        pt_error err = { 0, "" };
        fresh_dir();
        host_audit *a = open_audit();
        for (int k = 0; k < 4; k++)
            add(a, "g/e/a", "1", "2", "requested");
        CHECK_OK(host_audit_verify(a, &n, newest, NULL));
        host_audit_close(a);
        snprintf(sql, sizeof sql, "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; %s", rows[i].sql);
        CHECK_INT(run_sql(sql), SQLITE_OK);
        a = open_audit();
        CHECK_ROW(rows[i].sql, host_audit_verify(a, &n, other, &err) == (rows[i].says ? PT_ECORRUPT : PT_OK));
        CHECK_ROW(rows[i].sql, n == rows[i].whole);
        CHECK_ROW(rows[i].sql, !rows[i].says || strstr(err.text, rows[i].says));
        CHECK_ROW(rows[i].sql, strcmp(newest, other) != 0);
        host_audit_close(a);
        remove_dir();
    }
}

static void a_file_of_another_kind_a_missing_directory_and_a_row_too_long_are_refused(void)
{
    host_audit *a = NULL;
    pt_error err = { 0, "" };
    CHECK(host_audit_open("/nowhere/at/all", &a, &err) != PT_OK);
    CHECK(a == NULL && strstr(err.text, "audit.db") != NULL);
    fresh_dir();
    CHECK_INT(run_sql("CREATE TABLE something(x)"), SQLITE_OK);
    CHECK_STATUS(host_audit_open(dir, &a, &err), PT_ECORRUPT);
    remove_dir();
    fresh_dir();
    FILE *f = fopen(file(), "w");
    CHECK_FATAL(f && fputs("this is no database, but long enough to be looked at as if it were one", f) >= 0 && fclose(f) == 0);
    CHECK_STATUS(host_audit_open(dir, &a, &err), PT_ECORRUPT);
    remove_dir();
    fresh_dir();
    a = open_audit();
    char *long_text = calloc(1, (1 << 20) + 1);
    CHECK_FATAL(long_text != NULL);
    memset(long_text, 'x', 1 << 20);
    host_audit_row r = { .action = PT_LIT("write"), .reason = pt_cstr(long_text) };
    CHECK(host_audit_append(a, &r, &err) != PT_OK);
    free(long_text);
    add(a, "g/e/a", "1", "2", "requested"); /* nothing of it stays */
    rows_are(a, 0, 0, "1:1000:anonymous:g/e/a:1>2:why:requested: ");
    host_audit_close(a);
    remove_dir();
}

static void a_copy_is_whole_while_rows_are_added_and_never_goes_over_another(void)
{
    char from[256], newest[65], copied[65];
    uint64_t rows = 0;
    pt_error err = { 0, "" };
    fresh_dir();
    snprintf(from, sizeof from, "%s", dir);
    host_audit *a = open_audit(), *copy = NULL;
    add(a, "g/e/a", "1", "2", "requested");
    add(a, "g/e/a", "1", "2", "confirmed"); /* in the write-ahead log, the audit open */
    CHECK_OK(host_audit_verify(a, &rows, newest, NULL));
    fresh_dir();
    CHECK_OK(host_audit_copy(from, dir, &err));
    CHECK_STATUS(host_audit_copy(from, dir, &err), PT_EEXISTS);
    CHECK(strstr(err.text, "is there already") != NULL);
    add(a, "g/e/a", "2", "3", "requested");
    CHECK_OK_FATAL(host_audit_read(dir, &copy, NULL));
    CHECK_OK(host_audit_verify(copy, &rows, copied, NULL));
    CHECK_INT(rows, 2);
    CHECK_STR(pt_cstr(copied), newest);
    host_audit_close(copy);
    copy = open_audit(); /* a host may go on with it */
    add(copy, "g/e/b", "1", "2", "requested");
    CHECK_OK(host_audit_verify(copy, &rows, copied, NULL));
    CHECK_INT(rows, 3);
    host_audit_close(copy);
    CHECK_STATUS(host_audit_copy(dir, "/nowhere/at/all", &err), PT_EIO);
    remove_dir();
    host_audit_close(a);
    snprintf(dir, sizeof dir, "%s", from);
    remove_dir();
}

static void an_audit_opened_to_be_read_is_never_made_nor_written(void)
{
    host_audit *a = NULL;
    pt_error err = { 0, "" };
    fresh_dir();
    CHECK_STATUS(host_audit_read(dir, &a, &err), PT_ENOTFOUND);
    CHECK_STATUS(host_audit_copy(dir, "/tmp", &err), PT_ENOTFOUND);
    CHECK(access(file(), F_OK) != 0);
    a = open_audit();
    add(a, "g/e/a", "1", "2", "requested");
    host_audit_close(a);
    CHECK_OK_FATAL(host_audit_read(dir, &a, &err));
    host_audit_row r = { .action = PT_LIT("write") };
    CHECK_STATUS(host_audit_append(a, &r, &err), PT_EREADONLY);
    rows_are(a, 0, 0, "1:1000:anonymous:g/e/a:1>2:why:requested: ");
    host_audit_close(a);
    remove_dir();
}

/* As in a read-only directory no -shm can be made: a symbolic link stands in its place. */
static void an_audit_beside_which_no_file_can_be_made_is_read(void)
{
    char shm[320], wal[320], newest[65];
    uint64_t rows = 0;
    host_audit *a = NULL;
    pt_error err = { 0, "" };
    snprintf(dir, sizeof dir, "/tmp/plantree-audit-50%%3f?#XXXXXX"); /* what means something in a URI */
    CHECK_FATAL(mkdtemp(dir) != NULL);
    snprintf(shm, sizeof shm, "%s-shm", file());
    snprintf(wal, sizeof wal, "%s-wal", file());
    a = open_audit();
    add(a, "g/e/a", "1", "2", "requested");
    add(a, "g/e/a", "1", "2", "confirmed");
    host_audit_close(a);
    CHECK_FATAL(access(shm, F_OK) != 0 && access(wal, F_OK) != 0 && symlink("nowhere/at/all", shm) == 0);
    CHECK_OK_FATAL(host_audit_read(dir, &a, &err));
    CHECK_OK(host_audit_verify(a, &rows, newest, &err));
    CHECK_INT(rows, 2);
    host_audit_close(a);
    a = NULL;
    FILE *f = fopen(wal, "w"); /* with something in it the file is not all: refused, and not as if there were none */
    CHECK_FATAL(f && fputs("more", f) >= 0 && fclose(f) == 0);
    pt_status st = host_audit_read(dir, &a, &err);
    CHECK(st != PT_OK && st != PT_ENOTFOUND && a == NULL);
    CHECK(strstr(err.text, "audit.db: unable to open database file") != NULL);
    remove_dir();
}

static void a_row_that_cannot_be_written_leaves_the_chain_as_it_was(void)
{
    uint64_t rows = 0;
    char newest[65];
    pt_error err = { 0, "" };
    fresh_dir();
    host_audit *a = open_audit();
    add(a, "g/e/a", "1", "2", "requested");
    sqlite3 *other = NULL; /* a writer that holds the file for longer than the audit waits */
    CHECK_FATAL(sqlite3_open(file(), &other) == SQLITE_OK);
    CHECK_INT(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    host_audit_row r = { .action = PT_LIT("write") };
    CHECK_STATUS(host_audit_append(a, &r, &err), PT_EBUSY);
    CHECK(strstr(err.text, "audit.db") != NULL);
    CHECK_INT(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    add(a, "g/e/a", "2", "3", "requested");
    CHECK_OK(host_audit_verify(a, &rows, newest, &err));
    CHECK_INT(rows, 2);
    host_audit_close(a);
    remove_dir();
}

static void two_that_append_at_the_same_time_make_one_chain(void)
{
    char newest[65];
    uint64_t rows = 0;
    fresh_dir();
    host_audit *host = open_audit(), *command = open_audit();
    for (int i = 0; i < 3; i++) {
        add(host, "h", "", "", "done");
        add(command, "c", "", "", "done");
    }
    rows_are(host, 0, 0,
             "1:1000:anonymous:h:>:why:done: 2:1000:anonymous:c:>:why:done: 3:1000:anonymous:h:>:why:done: "
             "4:1000:anonymous:c:>:why:done: 5:1000:anonymous:h:>:why:done: 6:1000:anonymous:c:>:why:done: ");
    CHECK_OK(host_audit_verify(host, &rows, newest, NULL));
    CHECK_INT(rows, 6);
    host_audit_close(command);
    host_audit_close(host);
    remove_dir();
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(what_is_appended_is_read_back_in_order_and_survives_the_process),
        PT_TEST(a_chain_of_an_earlier_version_is_whole_and_goes_on),
        PT_TEST(two_that_append_at_the_same_time_make_one_chain),
        PT_TEST(changing_and_deleting_rows_is_refused),
        PT_TEST(a_change_around_the_triggers_is_named),
        PT_TEST(a_file_of_another_kind_a_missing_directory_and_a_row_too_long_are_refused),
        PT_TEST(a_copy_is_whole_while_rows_are_added_and_never_goes_over_another),
        PT_TEST(an_audit_opened_to_be_read_is_never_made_nor_written),
        PT_TEST(an_audit_beside_which_no_file_can_be_made_is_read),
        PT_TEST(a_row_that_cannot_be_written_leaves_the_chain_as_it_was),
    };
    return pt_test_main("host/audit", tests, PT_COUNT_OF(tests), argc, argv);
}
