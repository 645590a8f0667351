/* tests/historian/repair_test.c -- what can be read of a damaged file is in the new one; the old one and what could not be read are put
 * aside. */
#include "tests/historian/support.h"

#include <stdio.h>
#include <unistd.h>

static void every_kind_of_damage_is_found_and_repaired(void)
{
    static const struct {
        const char *row, *sql;
        bool lost; /* a block, which the journal still has */
    } rows[] = {
        { "a flipped byte in a block", "UPDATE data SET data=cast(substr(data,1,20)||x'5a'||substr(data,22) AS BLOB) WHERE id=7", true },
        { "a block row is gone", "DELETE FROM block WHERE tag_id=2 AND t0=(SELECT max(t0) FROM block WHERE tag_id=2)", false },
        { "a data row is gone", "DELETE FROM data WHERE id=3", true },
        { "a wrong summary", "UPDATE block SET max=max+1 WHERE tag_id=1", false },
        { "a wrong count", "UPDATE block SET samples=samples+1 WHERE tag_id=1", false },
        { "wrong statistics", "UPDATE tag_stat SET samples=5", false },
        { "statistics are gone", "DELETE FROM tag_stat", false },
        { "blocks of another tag", "UPDATE OR REPLACE block SET tag_id=3 WHERE tag_id=1", false },
        { "the index is gone", "DELETE FROM block", false },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows) * 2; i++) {
        const char *dir = new_dir(), *row = rows[i / 2].row;
        bool journal = i % 2 == 0;
        hist_verify_report r;
        close_ok(filled_store(dir));
        run_sql(partition_in(dir, NOW + 10 * DAY), rows[i / 2].sql);
        if (!journal)
            run_sql(file_in(dir, "journal.db"),
                    "DELETE FROM journal WHERE id <= (SELECT value FROM meta WHERE key='sealed_id')"); /* days later */
        CHECK_ROW(row, faults_in(dir, false, false, &r) > 0);
        CHECK_ROW(row, faults_in(dir, true, false, &r) > 0 && r.repaired >= 1);
        CHECK_ROW(row, faults_in(dir, false, true, &r) == 0);
        hist *h = open_store(dir, 128);
        for (int again = 0; again < 2; again++) {
            uint64_t total = count_rows(h, 1) + count_rows(h, 2) + count_rows(h, 3);
            CHECK_ROW(row, rows[i / 2].lost && !journal ? total < 9000 && total >= 9000 - 128 : total == 9000);
            seal(h); /* what came back from the journal goes into blocks like all the rest */
        }
        close_ok(h);
        CHECK_ROW(row, faults_in(dir, false, true, &r) == 0);
    }
}

static void a_garbled_file_is_set_aside_and_the_host_still_starts(void)
{
    const char *dir = new_dir();
    hist_verify_report r;
    close_ok(filled_store(dir));
    const char *path = partition_in(dir, NOW + 10 * DAY);
    FILE *f = fopen(path, "r+b");
    CHECK_FATAL(f != NULL);
    CHECK(fwrite("garbage instead of a header", 1, 27, f) == 27);
    fclose(f);
    hist *h = open_store(dir, 128); /* recording goes on */
    hist_sample s = { .tag_id = 1, .time_ms = NOW + 40 * DAY, .type = SPB_DOUBLE, .as.f64 = 1 };
    CHECK_OK(hist_append(h, &s, 1));
    CHECK_OK(hist_flush(h, 5000, NULL));
    close_ok(h);
    CHECK(faults_in(dir, false, false, &r) > 0);
    CHECK(faults_in(dir, true, false, &r) > 0);
    CHECK_INT(faults_in(dir, false, true, &r), 0);
    h = open_store(dir, 128);
    CHECK(count_rows(h, 1) > 1500);
    close_ok(h);
    char aside[700];
    snprintf(aside, sizeof aside, "%s.damaged-1", path);
    CHECK(access(aside, F_OK) == 0);
}

static void a_damaged_journal_row_costs_only_itself(void)
{
    const char *dir = new_dir();
    hist_verify_report r;
    close_ok(filled_store(dir));
    run_sql(file_in(dir, "journal.db"), "UPDATE journal SET data=x'00' WHERE id=(SELECT max(id) FROM journal)");
    CHECK(faults_in(dir, false, false, &r) == 1);
    CHECK(faults_in(dir, true, false, &r) == 1 && r.lost_journal_rows == 1);
    CHECK_INT(faults_in(dir, false, true, &r), 0);
    hist *h = open_store(dir, 128);
    CHECK(count_rows(h, 1) >= 2901);
    close_ok(h);
}

static void a_journal_without_its_mark_is_replayed_and_nothing_is_twice(void)
{
    const char *dir = new_dir();
    close_ok(filled_store(dir));
    run_sql(file_in(dir, "journal.db"), "DELETE FROM meta");
    CHECK(faults_in(dir, true, false, NULL) > 0);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
    hist *h = open_store(dir, 128);
    for (uint32_t id = 1; id <= 3; id++)
        CHECK_INT(count_rows(h, id), 3000);
    close_ok(h);
}

static void change_numbers_are_not_used_again_after_a_repair(void)
{
    const char *dir = new_dir(), *journal = file_in(dir, "journal.db");
    hist *h = open_bare(dir, 64);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    for (int i = 0; i < 10; i++)
        append_one(h, f64(a, NOW + i, i));
    commit_bare(h);
    for (int i = 10; i < 30; i++)
        append_one(h, f64(a, NOW + i, i));
    commit_bare(h);
    uint64_t next = h->journal.next_seq;
    hist__bare_free(h);
    run_sql(journal, "UPDATE journal SET data=x'00' WHERE id=2"); /* the newest row, and with it the highest number */
    CHECK_INT(faults_in(dir, true, false, NULL), 1);
    CHECK_INT(sql_number(journal, "SELECT count(*) FROM damaged WHERE id=2 AND seq=11"), 1);
    h = open_bare(dir, 64);
    CHECK(h->journal.next_seq >= next);
    CHECK(h->journal.last >= 2); /* nor the row's number: a reader may have seen it */
    hist__bare_free(h);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
}

static void a_catalogue_gets_back_what_follows_from_the_rest(void)
{
    static const char *const damage[] = {
        "INSERT INTO tag VALUES(0,'','','','','','',0,'',0)",
        "UPDATE tag SET type=77 WHERE tag_id=2",
        "DELETE FROM tag_path WHERE tag_id=1",
        "UPDATE tag_path SET path='other' WHERE tag_id=1",
        "INSERT INTO tag_path VALUES(9,0,NULL,'x')",
        "DELETE FROM tag WHERE tag_id=3; DELETE FROM tag_path WHERE tag_id=3",
    };
    for (size_t i = 0; i < PT_COUNT_OF(damage); i++) {
        const char *dir = new_dir();
        hist_verify_report r;
        close_ok(filled_store(dir));
        run_sql(file_in(dir, "catalog.db"), damage[i]);
        CHECK_ROW(damage[i], faults_in(dir, true, false, &r) > 0 && r.repaired == 1);
        CHECK_ROW(damage[i], faults_in(dir, false, true, NULL) == 0);
        hist *h = open_store(dir, 128);
        for (uint32_t id = 1; id <= 3; id++)
            CHECK_ROW(damage[i], count_rows(h, id) == 3000); /* samples of a lost tag keep its number */
        close_ok(h);
    }
}

static void damaged_pages_of_the_catalogue_cost_only_what_is_on_them(void)
{
    enum { TAGS = 300 };
    const char *sound = new_dir();
    hist *h = open_store(sound, 64);
    for (uint32_t t = 1; t <= TAGS; t++) {
        char name[60];
        snprintf(name, sizeof name, "a tag with a rather long name, number %u", t);
        append_one(h, f64(make_tag(h, name, SPB_DOUBLE), NOW, t));
        hist_event e = { .time_ms = NOW + t, .type = PT_LIT("write"), .detail = PT_LIT("{\"something\":\"to fill a page with\"}") };
        CHECK_OK(hist_event_append(h, &e));
    }
    flush(h);
    seal(h);
    close_ok(h);
    unsigned repaired = 0, named = 0, events = 0;
    for (int page = 0; page < 60; page++) {
        const char *dir = new_dir(), *catalog = file_in(dir, "catalog.db");
        char junk[801];
        hist_verify_options o = { .repair = true };
        hist_verify_report r;
        pt_error err = { 0 };
        CHECK_OK_FATAL(hist_backup(sound, dir, NULL, NULL, NULL));
        if (sql_number(catalog, "PRAGMA page_count") <= page) break;
        memset(junk, page % 2 ? '#' : 1, sizeof junk - 1);
        junk[sizeof junk - 1] = 0;
        spoil(catalog, page * 4096 + (page ? 0 : 1000), junk);
        pt_status st = hist_verify(dir, &o, &r, &err);
        if (st == PT_ECORRUPT) { /* not even its tables can be told any more: said, and the file left where it is */
            CHECK(err.text[0] && access(catalog, F_OK) == 0);
            continue;
        }
        CHECK_OK_FATAL(st);
        repaired += r.repaired > 0;
        CHECK_INT(faults_in(dir, false, true, NULL), 0);
        h = open_store(dir, 64);
        CHECK_INT(hist__tag_count(h), TAGS);
        for (uint32_t t = 1; t <= TAGS; t++) {
            pt_arena arena;
            hist_tag tag;
            pt_arena_init(&arena, 1 << 16);
            CHECK_INT(count_rows(h, t), 1); /* whatever became of its name */
            CHECK_OK(hist_tag_by_id(h, t, &arena, &tag));
            bool lost = pt_slice_starts(tag.path, PT_LIT("recovered/tag-"));
            CHECK(lost || pt_slice_starts(tag.path, PT_LIT("g/e/d/a tag")));
            named += !lost;
            pt_arena_fini(&arena);
        }
        events += (unsigned)sql_number(catalog, "SELECT count(*) FROM event");
        close_ok(h);
    }
    CHECK(repaired > 10 && named > repaired * TAGS * 3 / 4 && events > repaired * TAGS * 3 / 4);
}

/* One letter of a column's name, as a flipped byte in the schema makes it: the content is all there. */
static void mangled_names_of_columns_cost_nothing(void)
{
    static const struct {
        const char *file, *from, *to; /* file NULL: the partition */
    } rows[] = {
        { "catalog.db", "group_id TEXT", "groop_id TEXT" },
        { "catalog.db", "tag_id INTEGER PRIMARY KEY, source", "tag_xx INTEGER PRIMARY KEY, source" },
        { "catalog.db", "detail TEXT", "detayl TEXT" },
        { "journal.db", "wall_ms INTEGER", "wall_xx INTEGER" },
        { "journal.db", "data BLOB", "dada BLOB" },
        { NULL, "data BLOB NOT NULL", "dada BLOB NOT NULL" },
        { NULL, "area_ms INTEGER", "area_xx INTEGER" },
        { NULL, "max_ms INTEGER", "max_xx INTEGER" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        const char *dir = new_dir(), *path;
        char sql[300];
        close_ok(filled_store(dir));
        path = rows[i].file ? file_in(dir, rows[i].file) : partition_in(dir, NOW + 10 * DAY);
        snprintf(sql, sizeof sql, "PRAGMA writable_schema=1; UPDATE sqlite_master SET sql=replace(sql, '%s', '%s')", rows[i].from,
                 rows[i].to);
        run_sql(path, sql);
        CHECK_ROW(rows[i].from, faults_in(dir, false, false, NULL) > 0);
        CHECK_ROW(rows[i].from, faults_in(dir, true, false, NULL) > 0);
        CHECK_ROW(rows[i].from, faults_in(dir, false, true, NULL) == 0);
        hist *h = open_store(dir, 128);
        for (uint32_t id = 1; id <= 3; id++)
            CHECK_ROW(rows[i].from, count_rows(h, id) == 3000);
        pt_arena arena;
        hist_tag tag;
        pt_arena_init(&arena, 1 << 16);
        CHECK_ROW(rows[i].from, hist_tag_by_path(h, PT_LIT("g/e/d/t1"), &arena, &tag) == PT_OK && tag.tag_id == 2);
        pt_arena_fini(&arena);
        close_ok(h);
    }
}

static void a_catalogue_that_cannot_be_opened_must_come_from_a_backup(void)
{
    const char *dir = new_dir();
    hist_verify_report r;
    hist_verify_options o = { .repair = true };
    pt_error err = { 0 };
    close_ok(filled_store(dir));
    spoil(file_in(dir, "catalog.db"), 0, "garbage instead of a header");
    CHECK_STATUS(hist_verify(dir, &o, &r, &err), PT_ECORRUPT); /* names of tags are nowhere else */
    CHECK(access(file_in(dir, "catalog.db"), F_OK) == 0);
}

/* A journal whose ids have come far, its first page of rows lost: the others are all found. */
static void rows_behind_a_lost_page_are_found_wherever_they_are(void)
{
    const char *dir = new_dir(), *path = file_in(dir, "journal.db");
    hist_verify_report r;
    close_ok(filled_store(dir));
    sqlite3 *db = NULL;
    pt_buf empty;
    pt_buf_init(&empty, 100);
    CHECK_OK(hist__journal_encode(NULL, 0, &empty));
    CHECK_OK_FATAL(hist__db_open(path, HIST__JOURNAL, false, &db, NULL));
    CHECK_OK(hist__db_exec(
        db,
        "DELETE FROM journal; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 3000) INSERT INTO journal SELECT 5000000+i, 100000+i, 0, 1, zeroblob(60) FROM n",
        NULL));
    sqlite3_stmt *put = NULL;
    CHECK_OK(hist__db_prepare(db, "UPDATE journal SET data=?1", &put, NULL));
    CHECK(sqlite3_bind_blob(put, 1, empty.ptr, (int)empty.len, SQLITE_STATIC) == SQLITE_OK);
    CHECK_OK(hist__db_run(db, put, NULL));
    sqlite3_finalize(put);
    CHECK_OK(hist__db_exec(db, "UPDATE meta SET value=5003000 WHERE key='sealed_id'", NULL));
    int64_t leaf = 0;
    CHECK_OK(hist__db_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL));
    hist__db_close(db);
    pt_buf_fini(&empty);
    /* The lowest leaf: the first child of the root. */
    int64_t root = sql_number(path, "SELECT rootpage FROM sqlite_master WHERE name='journal'");
    uint8_t page[4096];
    FILE *f = fopen(path, "r+b");
    CHECK_FATAL(f && fseek(f, (long)(root - 1) * 4096, SEEK_SET) == 0 && fread(page, 1, 4096, f) == 4096 && page[0] == 5);
    size_t cell = (size_t)page[12] << 8 | page[13];
    leaf = (int64_t)page[cell] << 24 | (int64_t)page[cell + 1] << 16 | (int64_t)page[cell + 2] << 8 | page[cell + 3];
    memset(page, 0, sizeof page);
    CHECK_FATAL(fseek(f, (long)(leaf - 1) * 4096, SEEK_SET) == 0 && fwrite(page, 1, 4096, f) == 4096 && fclose(f) == 0);
    CHECK(faults_in(dir, true, false, &r) > 0);
    int64_t kept = sql_number(path, "SELECT count(*) FROM journal");
    CHECK(kept > 2600 && kept < 3001);
    CHECK(sql_number(path, "SELECT max(id) FROM journal") > 5900000); /* numbers of rows that may have been there are not used again */
    CHECK_INT(faults_in(dir, false, true, &r), 0);
}

static void a_file_of_a_newer_format_is_not_repaired(void)
{
    const char *dir = new_dir(), *path = file_in(dir, "journal.db");
    hist_verify_report r;
    hist_verify_options o = { .repair = true };
    pt_error err = { 0 };
    close_ok(filled_store(dir));
    run_sql(path, "PRAGMA user_version=99");
    CHECK_STATUS(hist_verify(dir, &o, &r, &err), PT_EUNSUPPORTED);
    CHECK_INT(sql_number(path, "PRAGMA user_version"), 99);
    CHECK(access(file_in(dir, "journal.db.damaged-1"), F_OK) != 0);
}

static void repairing_again_keeps_what_was_put_aside_before(void)
{
    const char *dir = new_dir(), *path;
    hist_verify_report r;
    close_ok(filled_store(dir));
    path = partition_in(dir, NOW + 10 * DAY);
    for (int round = 1; round <= 3; round++) {
        run_sql(path, "UPDATE data SET data=cast(substr(data,1,20)||x'5a5a'||substr(data,23) AS BLOB) WHERE id=(SELECT max(id) FROM data)");
        CHECK(faults_in(dir, true, false, &r) > 0);
        CHECK_INT(r.lost_blocks, 1);
        CHECK_INT(sql_number(path, "SELECT count(*) FROM damaged"), round);
        char aside[500];
        snprintf(aside, sizeof aside, "%s.damaged-%d", path, round);
        CHECK(access(aside, F_OK) == 0);
        CHECK_INT(faults_in(dir, false, true, &r), 0);
        CHECK_INT(r.damaged_before, round);
    }
}

static void what_was_left_out_on_request_stays_accounted_for(void)
{
    const char *dir = new_dir(), *path;
    close_ok(filled_store(dir));
    path = partition_in(dir, NOW + 10 * DAY);
    run_sql(path, "INSERT INTO left_out VALUES(2, 30, 4); DELETE FROM tag_stat");
    CHECK(faults_in(dir, true, false, NULL) > 0);
    CHECK_INT(sql_number(path, "SELECT tag_id * 10000 + exception * 100 + compression FROM left_out"), 23004);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
}

static void pages_that_cannot_be_read_cost_only_what_is_on_them(void)
{
    const char *sound = new_dir();
    close_ok(filled_store(sound));
    for (long page = 0; page < 8; page++) {
        const char *dir = new_dir();
        char zeros[401];
        CHECK_OK_FATAL(hist_backup(sound, dir, NULL, NULL, NULL));
        memset(zeros, '#', sizeof zeros - 1);
        zeros[sizeof zeros - 1] = 0;
        if (sql_number(partition_in(dir, NOW + 10 * DAY), "PRAGMA page_count") <= page) break;
        spoil(partition_in(dir, NOW + 10 * DAY), page * 16384, zeros);
        CHECK(faults_in(dir, true, false, NULL) > 0);
        CHECK_INT(faults_in(dir, false, true, NULL), 0);
        hist *h = open_store(dir, 128);
        uint64_t total = count_rows(h, 1) + count_rows(h, 2) + count_rows(h, 3);
        CHECK(total >= 9000 - 3 * 840 && total <= 9000); /* the other weeks are not touched */
        close_ok(h);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_kind_of_damage_is_found_and_repaired),
        PT_TEST(a_garbled_file_is_set_aside_and_the_host_still_starts),
        PT_TEST(a_damaged_journal_row_costs_only_itself),
        PT_TEST(a_journal_without_its_mark_is_replayed_and_nothing_is_twice),
        PT_TEST(change_numbers_are_not_used_again_after_a_repair),
        PT_TEST(a_catalogue_gets_back_what_follows_from_the_rest),
        PT_TEST(damaged_pages_of_the_catalogue_cost_only_what_is_on_them),
        PT_TEST(mangled_names_of_columns_cost_nothing),
        PT_TEST(a_catalogue_that_cannot_be_opened_must_come_from_a_backup),
        PT_TEST(rows_behind_a_lost_page_are_found_wherever_they_are),
        PT_TEST(a_file_of_a_newer_format_is_not_repaired),
        PT_TEST(repairing_again_keeps_what_was_put_aside_before),
        PT_TEST(what_was_left_out_on_request_stays_accounted_for),
        PT_TEST(pages_that_cannot_be_read_cost_only_what_is_on_them),
    };
    setup();
    return pt_test_main("historian/repair", tests, PT_COUNT_OF(tests), argc, argv);
}
