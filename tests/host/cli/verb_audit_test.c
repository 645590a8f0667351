/* tests/host/cli/verb_audit_test.c -- the audit of a running host, of its files, and of a backup in which somebody changed a row. */
#include "tests/host/cli/plant.h"
#include "tests/host/cli/scripted_host.h"
#include "tests/host/cli/verb.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

static void help_and_wrong_calls(void)
{
    static const wrong_call rows[] = {
        { { "audit", "x" }, "no argument is expected, but 'x' was given" },
        { { "audit", "--after", "x" }, "--after is the number of a row, not 'x'" },
        { { "audit", "--after", "9223372036854775808" }, "--after is the number of a row" },
        { { "audit", "--limit", "0" }, "--limit is a number from 1 to 10000" },
        { { "audit", "--limit", "10001" }, "--limit is a number from 1 to 10000" },
        { { "audit", "--verify", "--limit", "3" }, "--verify reads every row" },
        { { "audit", "--verify", "--after", "3" }, "--verify reads every row" },
    };
    check_help(&cli_verb_audit);
    check_wrong_calls(rows, PT_COUNT_OF(rows));
    CHECK_HOST_ABSENT("audit");
    CHECK_HOST_ABSENT("audit", "--verify");
}

/* A write leaves two rows, asked for and how it ended; the host and its files say the same. */
static void a_write_is_accounted_for(void)
{
    CHECK_FATAL(plant_takes_commands());
    outcome o = CLI("write", SETPOINT, "2.5", "--reason", "a test"), files;
    CHECK_CODE(o, 0);
    outcome_release(&o);
    o = CLI("audit", "--json");
    json_t *v = outcome_json(&o);
    size_t n = json_array_size(v), asked = n, ended = n;
    for (size_t i = 0; i < n; i++) {
        const json_t *r = json_array_get(v, i);
        check_shape(r,
                    "seq:i time_ms:i principal:s auth_kind:s address:s action:s object:s before:* after:* reason:s outcome:s request_id:s");
        CHECK_INT(cli_i64(r, "seq"), i + 1);
        if (strcmp(cli_str(r, "object"), SETPOINT) != 0 || strcmp(cli_str(r, "action"), "write") != 0) continue;
        if (strcmp(cli_str(r, "outcome"), "requested") == 0) asked = i;
        if (strcmp(cli_str(r, "outcome"), "confirmed") == 0) ended = i;
    }
    CHECK_FATAL(asked < ended && ended < n);
    CHECK_STR(pt_cstr(cli_str(json_array_get(v, asked), "reason")), "a test");
    CHECK(json_number_value(json_object_get(json_array_get(v, asked), "after")) == 2.5);
    files = RUN("audit", "--data", plant_data(), "--json");
    CHECK_STR(pt_buf_view(&files.out), o.out.ptr);
    outcome_release(&files);
    outcome_release(&o);
    json_decref(v);
    char after[24];
    snprintf(after, sizeof after, "%zu", asked);
    o = CLI("audit", "--after", after, "--limit", "1", "--json");
    v = outcome_json(&o);
    CHECK_INT(json_array_size(v), 1);
    CHECK_INT(cli_i64(json_array_get(v, 0), "seq"), asked + 1);
    json_decref(v);
    outcome_release(&o);
    o = CLI("audit");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "SEQ  TIME");
    CHECK_SAYS(o.out, "write   " SETPOINT);
    CHECK_SAYS(o.out, "requested  a test\n");
    outcome_release(&o);
}

static void change_a_row(const char *dir)
{
    char path[500];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/audit.db", dir);
    CHECK_FATAL(sqlite3_open(path, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "PRAGMA journal_mode=WAL; DROP TRIGGER audit_no_update; UPDATE audit SET after = '9' WHERE seq = 2", NULL, NULL,
                       NULL) == SQLITE_OK);
    CHECK(sqlite3_close(db) == SQLITE_OK);
}

static bool unlink_audit(const char *dir)
{
    char path[500];
    snprintf(path, sizeof path, "%s/audit.db", dir);
    return unlink(path) == 0;
}

/* As in a read-only directory no -shm can be made: a symbolic link stands in its place. */
static void no_file_beside_it(const char *dir, bool so)
{
    char shm[500], wal[500];
    snprintf(shm, sizeof shm, "%s/audit.db-shm", dir);
    snprintf(wal, sizeof wal, "%s/audit.db-wal", dir);
    if (so)
        CHECK((unlink(wal) == 0 || errno == ENOENT) && (unlink(shm) == 0 || errno == ENOENT) &&
              symlink("nowhere/at/all", shm) == 0); /* readers leave empty ones */
    else CHECK(unlink(shm) == 0 && unlink(wal) == 0);
}

static void write_beside(const char *dir, const char *end)
{
    char path[500];
    snprintf(path, sizeof path, "%s/audit.db%s", dir, end);
    FILE *f = fopen(path, "w");
    CHECK_FATAL(f && fputs("more", f) >= 0 && fclose(f) == 0);
}

static void a_row_changed_in_a_backup_is_named(void)
{
    char copy[420];
    snprintf(copy, sizeof copy, "%s/backup", plant_dir());
    outcome o = CLI("audit", "--verify");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, " rows are whole; the newest has the hash ");
    outcome_release(&o);
    o = CLI("backup", copy);
    CHECK_CODE(o, 0);
    outcome_release(&o);
    o = RUN("audit", "--verify", "--data", copy, "--json");
    CHECK_CODE(o, 0);
    json_t *v = outcome_json(&o);
    check_shape(v, "whole:b rows:i newest_hash:s detail:s?");
    CHECK(cli_i64(v, "rows") >= 2 && json_is_true(json_object_get(v, "whole")));
    json_decref(v);
    outcome_release(&o);
    o = RUN("verify", "--data", copy);
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, " rows of the audit are whole\n");
    outcome_release(&o);
    change_a_row(copy);
    o = RUN("audit", "--verify", "--data", copy);
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.out, "1 rows are whole");
    CHECK_SAYS(o.out, "row 2 is not what was written");
    outcome_release(&o);
    o = RUN("verify", "--data", copy);
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.out, "audit.db: audit: row 2 is not what was written");
    outcome_release(&o);
    o = RUN("verify", "--data", copy, "--repair"); /* which nothing can */
    CHECK_CODE(o, 1);
    outcome_release(&o);
    no_file_beside_it(copy, true);
    o = RUN("verify", "--data", copy);
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.out, "audit.db: audit: row 2 is not what was written");
    CHECK_SAYS(o.out, ": 1 faults\n");
    outcome_release(&o);
    o = RUN("audit", "--data", copy);
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "confirmed");
    outcome_release(&o);
    write_beside(copy, "-wal");
    o = RUN("verify", "--data", copy); /* what it can't read it does not pass */
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.out, "audit.db: unable to open database file");
    outcome_release(&o);
    no_file_beside_it(copy, false);
    CHECK(unlink_audit(copy));
    o = RUN("audit", "--data", copy);
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "audit.db: No such file or directory");
    outcome_release(&o);
    o = RUN("verify", "--data", copy); /* a historian alone has none */
    CHECK_CODE(o, 0);
    outcome_release(&o);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(help_and_wrong_calls),
        PT_TEST(a_write_is_accounted_for),
        PT_TEST(a_row_changed_in_a_backup_is_named),
    };
    return plant_main("host/cli/audit", tests, PT_COUNT_OF(tests), argc, argv);
}
