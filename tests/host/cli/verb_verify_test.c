/* tests/host/cli/verb_verify_test.c -- verify and backup: beside a running host, and on a copy that gets damaged. */
#include "historian/files/pages.h"
#include "host/access/access.h"
#include "tests/host/cli/plant.h"
#include "tests/host/cli/verb.h"

#include <dirent.h>
#include <glob.h>
#include <sqlite3.h>
#include <stdio.h>

static char dir[400], copy[400];

static void help_and_wrong_calls(void)
{
    static const wrong_call rows[] = {
        { { "verify", "x" }, "no argument is expected, but 'x' was given" },
        { { "backup" }, "one argument is expected: the directory to make" },
        { { "backup", "a", "b" }, "one argument is expected: the directory to make" },
    };
    check_help(&cli_verb_verify);
    check_help(&cli_verb_backup);
    check_wrong_calls(rows, PT_COUNT_OF(rows));
    CHECK_HOST_ABSENT("verify");
    CHECK_HOST_ABSENT("backup", "x");
}

static void the_running_hosts_files_are_whole(void)
{
    outcome o;
    CHECK(UNTIL(has_points, &o, "history", LEVEL, "--from", "now-5m"));
    outcome_release(&o);
    o = CLI("verify");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, ": 0 faults\n");
    outcome_release(&o);
    o = CLI("verify", "--json");
    CHECK_CODE(o, 0);
    json_t *v = outcome_json(&o);
    check_shape(v, "files:i tags:i events:i journal_rows:i blocks:i rows:i fault_count:i repaired:i lost_blocks:i faults:a");
    CHECK(cli_i64(v, "tags") >= 5 && cli_i64(v, "fault_count") == 0);
    json_decref(v);
    outcome_release(&o);
}

static void a_running_hosts_files_are_not_repaired_under_it(void)
{
    outcome o = CLI("verify", "--repair");
    CHECK_CODE(o, 3);
    CHECK_SAYS(o.err, "is held by another process");
    outcome_release(&o);
}

static void a_backup_beside_the_host_is_whole_and_holds_the_samples(void)
{
    char path[420], second[420];
    snprintf(path, sizeof path, "%s/backup", plant_dir());
    snprintf(second, sizeof second, "%s/backup2", plant_dir());
    const access_options a = { .dir = plant_data(), .clock = pt_clock_system(), .make = true };
    host_access *people = NULL;
    CHECK_OK_FATAL(access_open(&a, &people, NULL)); /* users go along */
    access_close(people);
    outcome o = CLI("backup", path);
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, path);
    const access_options copied = { .dir = path, .clock = pt_clock_system() };
    CHECK_OK_FATAL(access_open(&copied, &people, NULL));
    access_close(people);
    outcome_release(&o);
    o = RUN("--data", path, "verify");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, ": 0 faults\n");
    outcome_release(&o);
    o = RUN("--data", path, "history", LEVEL, "--from", "now-5m", "--format", "csv");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, LEVEL);
    outcome_release(&o);
    o = CLI("backup", path); /* not over another one */
    CHECK_CODE(o, 3);
    CHECK_SAYS(o.err, "already");
    outcome_release(&o);
    o = CLI("backup", second, "--json");
    CHECK_CODE(o, 0);
    json_t *v = outcome_json(&o);
    CHECK_STR(pt_cstr(cli_str(v, "backup")), second);
    CHECK_STR(pt_cstr(cli_str(v, "data_dir")), plant_data());
    json_decref(v);
    outcome_release(&o);
    o = CLI("backup", "/proc/nowhere");
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "/proc/nowhere: No such file or directory");
    outcome_release(&o);
}

static void without_a_host_or_a_directory_it_is_said(void)
{
    outcome o = RUN("verify", "--data", "/nonexistent/x");
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "/nonexistent/x");
    outcome_release(&o);
    o = RUN("backup", "y", "--data", "/nonexistent/x");
    CHECK_CODE(o, 1);
    outcome_release(&o);
}

/* A page's content grows from its end: the last bytes of the pages behind the first, one after the other, until verify sees it. */
static bool damage(void)
{
    char path[700] = "";
    unsigned char head[18];
    const struct dirent *e;
    DIR *d = opendir(copy);
    CHECK_FATAL(d != NULL);
    while ((e = readdir(d))) {
        size_t n = strlen(e->d_name);
        if (n > 10 && strncmp(e->d_name, "blocks-", 7) == 0 && strcmp(e->d_name + n - 3, ".db") == 0)
            snprintf(path, sizeof path, "%s/%s", copy, e->d_name);
    }
    closedir(d);
    FILE *f = fopen(path, "r+b");
    CHECK_FATAL(f && fread(head, 1, sizeof head, f) == sizeof head && fseek(f, 0, SEEK_END) == 0);
    long size = ftell(f), page = head[16] << 8 | head[17]; /* SQLite's header */
    bool hurt = false;
    for (long at = 2 * page; at <= size && !hurt; at += page) {
        CHECK(fseek(f, at - 16, SEEK_SET) == 0 && fwrite("!!!!!!!!", 1, 8, f) == 8 && fflush(f) == 0);
        outcome o = RUN("verify", "--data", copy, "--json");
        hurt = o.code == 1;
        json_t *v = outcome_json(&o);
        CHECK((cli_i64(v, "fault_count") > 0) == hurt && (json_array_size(json_object_get(v, "faults")) > 0) == hurt);
        if (hurt) check_shape(json_array_get(json_object_get(v, "faults"), 0), "file:s fault:s");
        json_decref(v);
        outcome_release(&o);
    }
    fclose(f);
    return hurt;
}

static void verify_finds_and_repairs_damage(void)
{
    char csv[420];
    snprintf(csv, sizeof csv, "%s/in.csv", plant_dir());
    snprintf(dir, sizeof dir, "%s/whole", plant_dir());
    snprintf(copy, sizeof copy, "%s/copy", plant_dir());
    FILE *f = fopen(csv, "w");
    CHECK_FATAL(f && fprintf(f, "time,path,value,quality\n") > 0);
    for (int i = 0; i < 3000; i++)
        fprintf(f, "%lld,acme/line%d/level,%d.25,GOOD\n", 1750000000000LL + i * 1000LL, i % 2, i);
    CHECK(fclose(f) == 0);
    outcome o = RUN("import", csv, "--data", dir);
    CHECK_CODE(o, 0);
    outcome_release(&o);
    o = RUN("backup", copy, "--data", dir);
    CHECK_CODE(o, 0);
    outcome_release(&o);
    CHECK_FATAL(damage());
    o = RUN("verify", "--data", copy);
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.out, "blocks-");
    outcome_release(&o);
    o = RUN("verify", "--data", copy, "--repair");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "rebuilt");
    outcome_release(&o);
    o = RUN("verify", "--data", copy);
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "0 faults");
    outcome_release(&o);
    o = RUN("verify", "--data", dir); /* the original was not touched */
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "0 faults");
    outcome_release(&o);
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    CHECK_FATAL(hist__pages_open(path, &db, SQLITE_OPEN_READWRITE) == SQLITE_OK);
    CHECK(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
    CHECK(sqlite3_close(db) == SQLITE_OK);
}

/* Each gives what can be read, says that something could not be, and ends with 1. */
static void a_damaged_block_is_told_by_every_reader(void)
{
    char path[500], csv[420], other[420];
    glob_t found;
    snprintf(csv, sizeof csv, "%s/in.csv", plant_dir());
    snprintf(other, sizeof other, "%s/block", plant_dir());
    outcome o = RUN("import", csv, "--data", other);
    CHECK_CODE(o, 0);
    outcome_release(&o);
    snprintf(path, sizeof path, "%s/blocks-*.db", other);
    CHECK_FATAL(glob(path, 0, NULL, &found) == 0 && found.gl_pathc == 1);
    run_sql(found.gl_pathv[0], "UPDATE data SET data=x'b701' WHERE id=(SELECT min(id) FROM data)");
    globfree(&found);
    snprintf(path, sizeof path, "%s/journal.db", other); /* later: the journal does not hold them any more */
    run_sql(path, "UPDATE meta SET value=(SELECT max(id) FROM journal) WHERE key='sealed_id'; DELETE FROM journal");
    o = RUN("history", "acme/line0/level", "acme/line1/level", "--from", "2025-06-15T00:00:00Z", "--to", "2025-06-16T00:00:00Z", "--format",
            "csv", "--data", other);
    size_t lines = 0;
    for (size_t i = 0; i < o.out.len; i++)
        lines += o.out.ptr[i] == '\n';
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "block at ");
    CHECK(lines > 1000 && lines < 3001);
    outcome_release(&o);
    o = RUN("export", "--data", other);
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "block at ");
    outcome_release(&o);
    o = RUN("sql", "SELECT count(*) FROM history", "--data", other);
    CHECK_CODE(o, 1);
    outcome_release(&o);
}

static void a_damaged_journal_row_is_told_by_every_reader(void)
{
    static const char *const verbs[][4] = { { "export" },
                                            { "sql", "SELECT count(*) FROM history" },
                                            { "history", "acme/line0/level", "--from", "now-20y" },
                                            { "durations", "acme/line0/level" } };
    char path[500], csv[420], other[420];
    snprintf(csv, sizeof csv, "%s/in.csv", plant_dir());
    snprintf(other, sizeof other, "%s/journal", plant_dir());
    snprintf(path, sizeof path, "%s/journal.db", other);
    outcome o = RUN("import", csv, "--data", other);
    CHECK_CODE(o, 0);
    outcome_release(&o);
    run_sql(path, "UPDATE meta SET value=0 WHERE key='sealed_id'; UPDATE journal SET data=x'a701' WHERE id=1");
    for (size_t i = 0; i < PT_COUNT_OF(verbs); i++) {
        o = RUN(verbs[i][0], "--data", other, verbs[i][1], verbs[i][2], verbs[i][3]);
        CHECK_ROW(verbs[i][0], o.code == 1);
        CHECK_ROW(verbs[i][0], outcome_says(&o.err, "HIST-DAMAGED-JOURNAL journal row 1 can't be read"));
        outcome_release(&o);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(help_and_wrong_calls),
        PT_TEST(the_running_hosts_files_are_whole),
        PT_TEST(a_running_hosts_files_are_not_repaired_under_it),
        PT_TEST(a_backup_beside_the_host_is_whole_and_holds_the_samples),
        PT_TEST(without_a_host_or_a_directory_it_is_said),
        PT_TEST(verify_finds_and_repairs_damage),
        PT_TEST(a_damaged_block_is_told_by_every_reader),
        PT_TEST(a_damaged_journal_row_is_told_by_every_reader),
    };
    return plant_main("host/cli/verb_verify", tests, PT_COUNT_OF(tests), argc, argv);
}
