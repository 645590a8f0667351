/* tests/historian/verify_test.c -- a sound directory has no faults, and every kind of damage is named with its place. */
#include "historian/format/format.h"
#include "tests/historian/support.h"

#include <stdio.h>
#include <unistd.h>

static void a_sound_directory_verifies_also_beside_its_writer(void)
{
    const char *dir = new_dir();
    hist_verify_report r;
    hist *h = filled_store(dir);
    CHECK_INT(faults_in(dir, false, true, &r), 0);
    CHECK(r.blocks > 60 && r.rows == 2901 * 3 && r.tags == 3 && r.journal_rows > 0);
    hist_verify_options o = { .repair = true };
    pt_error err = { 0 };
    CHECK_STATUS(hist_verify(dir, &o, &r, &err), PT_EBUSY);
    close_ok(h);
    CHECK_INT(faults_in(dir, false, true, &r), 0);
    CHECK_STATUS(hist_verify(new_dir(), &o, &r, &err), PT_ENOTFOUND);
}

typedef struct noted {
    unsigned n;
    char text[4000];
} noted;

static void note(void *ctx, const char *file, const char *what)
{
    noted *t = ctx;
    size_t at = strlen(t->text);
    t->n++;
    snprintf(t->text + at, sizeof t->text - at, "%s: %s\n", file, what);
}

static void every_kind_of_damage_is_named(void)
{
    static const struct {
        const char *row, *file, *sql, *why; /* file NULL: the partition */
    } rows[] = {
        { "a flipped byte in a block", NULL, "UPDATE data SET data=cast(substr(data,1,20)||x'5a'||substr(data,22) AS BLOB) WHERE id=7",
          "damaged block: checksum" },
        { "a block row is gone", NULL, "DELETE FROM block WHERE tag_id=2 AND t0=(SELECT max(t0) FROM block WHERE tag_id=2)",
          "1 blocks are in no index" },
        { "a data row is gone", NULL, "DELETE FROM data WHERE id=3", "its data is missing" },
        { "a wrong minimum", NULL, "UPDATE block SET min=min-1 WHERE tag_id=1", "tag 1, block at" },
        { "a wrong sum", NULL, "UPDATE block SET sum=sum*1.001 WHERE tag_id=1", "the summary is not that of its rows" },
        { "a wrong area", NULL, "UPDATE block SET area_ms=area_ms+1 WHERE tag_id=1", "the summary is not that of its rows" },
        { "a wrong quality count", NULL, "UPDATE block SET good=good-1, bad=bad+1 WHERE tag_id=1", "the summary is not that of its rows" },
        { "a wrong length", NULL, "UPDATE block SET bytes=bytes+1 WHERE tag_id=1", "wrong length" },
        { "another time", NULL, "UPDATE block SET t1=t1+1 WHERE tag_id=1", "the summary is not that of its rows" },
        { "blocks of another tag", NULL, "UPDATE OR REPLACE block SET tag_id=3 WHERE tag_id=1", "it belongs to tag 1" },
        { "overlapping blocks", NULL, "UPDATE block SET t1=t1+100000000 WHERE tag_id=2", "overlaps the block before" },
        { "no tag at all", NULL, "UPDATE block SET tag_id=-1 WHERE tag_id=1", "a block of tag -1" },
        { "wrong statistics", NULL, "UPDATE tag_stat SET samples=5", "statistics do not add up (5 samples" },
        { "another first time", NULL, "UPDATE tag_stat SET first_ms=first_ms+1 WHERE tag_id=1",
          "tag 1: statistics say other first and last times" },
        { "another last time", NULL, "UPDATE tag_stat SET last_ms=last_ms-1 WHERE tag_id=2",
          "tag 2: statistics say other first and last times" },
        { "another end", NULL, "UPDATE tag_stat SET max_ms=max_ms+1 WHERE tag_id=2", "tag 2: statistics say other first and last times" },
        { "statistics are gone", NULL, "DELETE FROM tag_stat WHERE tag_id=2", "tag 2: no statistics" },
        { "statistics of nothing", NULL, "DELETE FROM block WHERE tag_id=3", "1 tags have statistics but no blocks" },
        { "no table of blocks", NULL, "DROP TABLE block", "no such table" },
        { "a garbled journal row", "journal.db", "UPDATE journal SET data=x'a701ff' WHERE id=(SELECT max(id) FROM journal)",
          "damaged journal row" },
        { "a wrong count", "journal.db", "UPDATE journal SET n=n+1 WHERE id=(SELECT max(id) FROM journal)", "samples," },
        { "numbers that go back", "journal.db", "UPDATE journal SET seq=1", "change number 1 after" },
        { "no mark", "journal.db", "DELETE FROM meta", "no sealed_id" },
        { "an impossible id", "catalog.db", "INSERT INTO tag VALUES(0,'','','','','','',0,'',0)", "tags with an impossible id" },
        { "an unknown type", "catalog.db", "UPDATE tag SET type=77 WHERE tag_id=2", "1 tags with an unknown type" },
        { "a tag without its path", "catalog.db", "DELETE FROM tag_path WHERE tag_id=1", "1 tags whose path interval is missing" },
        { "a path without its tag", "catalog.db", "INSERT INTO tag_path VALUES(9,0,NULL,'x')", "1 paths of unknown tags" },
        { "samples of a tag that is gone", "catalog.db", "DELETE FROM tag WHERE tag_id=3; DELETE FROM tag_path WHERE tag_id=3",
          "samples refer to tag 3" },
        { "a newer format", "catalog.db", "PRAGMA user_version=9", "format 9" },
    };
    const char *sound = new_dir();
    close_ok(filled_store(sound));
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        const char *dir = new_dir();
        CHECK_OK_FATAL(hist_backup(sound, dir, NULL, NULL, NULL));
        const char *path = rows[i].file ? file_in(dir, rows[i].file) : partition_in(dir, NOW + 10 * DAY);
        run_sql(path, rows[i].sql);
        noted t = { 0 };
        hist_verify_options o = { .fault = note, .ctx = &t };
        hist_verify_report r;
        CHECK_OK(hist_verify(dir, &o, &r, NULL));
        CHECK_ROW(rows[i].row, r.faults > 0 && r.faults == t.n);
        CHECK_ROW(rows[i].row, strstr(t.text, rows[i].why) != NULL && strstr(t.text, path + strlen(dir) + 1) != NULL);
        if (!strstr(t.text, rows[i].why)) printf("[%s]\n%s", rows[i].row, t.text);
    }
}

/* A bug rather than damage: the page's checksum is right, but an index does not lead to what the table has. */
static void an_index_that_leads_elsewhere_is_a_fault(void)
{
    const char *dir = new_dir(), *path = file_in(dir, "catalog.db");
    hist_verify_report r;
    close_ok(filled_store(dir));
    CHECK_INT(faults_in(dir, false, true, &r), 0);
    int64_t root = sql_number(path, "SELECT rootpage FROM sqlite_master WHERE name='tag_path_path'");
    uint8_t page[4096];
    FILE *f = fopen(path, "r+b");
    CHECK_FATAL(f && fseek(f, (long)(root - 1) * 4096, SEEK_SET) == 0 && fread(page, 1, sizeof page, f) == sizeof page);
    uint8_t *name = memmem(page, sizeof page, "g/e/d/", 6);
    CHECK_FATAL(name != NULL);
    name[0] = 'f';
    hist__store64(page + 4088, XXH64(page, 4088, (uint64_t)root));
    CHECK_FATAL(fseek(f, (long)(root - 1) * 4096, SEEK_SET) == 0 && fwrite(page, 1, sizeof page, f) == sizeof page && fclose(f) == 0);
    CHECK(faults_in(dir, false, false, &r) > 0);
}

static void damage_to_any_page_is_a_fault_or_harmless_and_never_an_end(void)
{
    const char *sound = new_dir();
    hist_verify_report want, r;
    close_ok(filled_store(sound));
    CHECK_INT(faults_in(sound, false, true, &want), 0);
    for (long at = 0; at < 60; at++) {
        const char *dir = new_dir();
        CHECK_OK_FATAL(hist_backup(sound, dir, NULL, NULL, NULL));
        spoil(partition_in(dir, NOW + 10 * DAY), at * 1111, "nonsense that is no page of a database, in the middle of one");
        if (faults_in(dir, false, false, &r)) continue;
        CHECK(r.blocks == want.blocks && r.rows == want.rows); /* free room of a page */
    }
}

static void missing_files_are_said(void)
{
    const char *dir = new_dir();
    close_ok(filled_store(dir));
    CHECK_FATAL(unlink(file_in(dir, "journal.db")) == 0);
    noted t = { 0 };
    hist_verify_options o = { .fault = note, .ctx = &t };
    hist_verify_report r;
    CHECK_OK(hist_verify(dir, &o, &r, NULL));
    CHECK_INT(r.faults, 1);
    CHECK(strstr(t.text, "journal.db: ") != NULL && strstr(t.text, "no such file") != NULL);
}

static void count_calls(void *ctx, const char *file, uint64_t done, uint64_t total)
{
    (void)file;
    *(unsigned *)ctx += done <= total;
}

static void progress_is_told_on_long_files(void)
{
    const char *dir = new_dir();
    hist *h = open_store(dir, 16);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    for (int i = 0; i < 16 * 5000; i++)
        append_one(h, f64(a, NOW + i, i % 7));
    flush(h);
    seal(h);
    close_ok(h);
    unsigned calls = 0;
    hist_verify_options o = { .progress = count_calls, .ctx = &calls };
    hist_verify_report r;
    CHECK_OK(hist_verify(dir, &o, &r, NULL));
    CHECK(r.faults == 0 && r.blocks >= 4096 && calls >= 1);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_sound_directory_verifies_also_beside_its_writer),
        PT_TEST(every_kind_of_damage_is_named),
        PT_TEST(an_index_that_leads_elsewhere_is_a_fault),
        PT_TEST(damage_to_any_page_is_a_fault_or_harmless_and_never_an_end),
        PT_TEST(missing_files_are_said),
        PT_TEST(progress_is_told_on_long_files),
    };
    setup();
    return pt_test_main("historian/verify", tests, PT_COUNT_OF(tests), argc, argv);
}
