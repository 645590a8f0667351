/* tests/historian/maintain_test.c -- verify finds what is wrong and repair brings it back; backup, retention, deletion. */
#include "historian/maintain.h"
#include "historian/store.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const int64_t NOW = 1750000000000, DAY = 86400000;
static pt_fake_clock fake;
static const char *home;

static void print_fault(void *ctx, const char *file, const char *text)
{
    if (*(bool *)ctx) printf("  %s: %s\n", file, text);
}

static const char *dir_of(const char *name)
{
    static char path[4][512];
    static unsigned k;
    k = (k + 1) % 4;
    snprintf(path[k], sizeof path[k], "%s/%s", home, name);
    return path[k];
}

static hist *open_at(const char *dir)
{
    hist_options o;
    hist *h = NULL;
    hist_options_init(&o);
    o.dir = dir;
    o.block_samples = 128;
    CHECK_OK_FATAL(hist_open(&o, &fake.clock, NULL, &h, NULL));
    return h;
}

/* Three tags over 25 days, sealed for the most part. */
static hist *filled(const char *dir)
{
    hist *h = open_at(dir);
    for (int t = 0; t < 3; t++) {
        char name[10];
        uint32_t id = 0;
        snprintf(name, sizeof name, "t%d", t);
        hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_NONE, pt_cstr(name) };
        CHECK_OK_FATAL(hist_tag_ensure(h, &key, pt_cstr(name), SPB_DOUBLE, PT_NONE, &id));
    }
    for (int i = 0; i < 3000; i++) {
        for (uint32_t id = 1; id <= 3; id++) {
            hist_sample s = { .tag_id = id, .time_ms = NOW + (int64_t)i * 720000, .type = SPB_DOUBLE, .as.f64 = i * 0.25 };
            CHECK_OK(hist_append(h, &s, 1));
        }
        if (i == 2900) {
            CHECK_OK(hist_flush(h, 10000, NULL));
            CHECK_OK(hist_seal(h, NULL));
        }
    }
    CHECK_OK(hist_flush(h, 10000, NULL));
    return h;
}

static bool add_count(void *ctx, const hist_bucket *b)
{
    *(uint64_t *)ctx += b->count;
    return true;
}

static uint64_t count(hist *h, uint32_t tag)
{
    uint64_t n = 0;
    pt_error err = { 0 };
    pt_status st = hist_buckets(h, tag, NOW - DAY, NOW + 50 * DAY, DAY, add_count, &n, &err);
    if (st != PT_OK) printf("count: %s\n", err.text);
    CHECK_OK(st);
    return n;
}

static uint64_t faults(const char *dir, bool repair, bool say, hist_verify_report *r)
{
    hist_verify_options o = { .repair = repair, .fault = print_fault, .ctx = &say };
    pt_error err = { 0 };
    pt_status st = hist_verify(dir, &o, r, &err);
    if (st != PT_OK) printf("verify: %s\n", err.text);
    CHECK_OK(st);
    return r->faults;
}

static void a_sound_directory_verifies_also_beside_its_writer(void)
{
    const char *dir = dir_of("sound");
    hist_verify_report r;
    hist *h = filled(dir);
    CHECK_INT(faults(dir, false, true, &r), 0);
    CHECK(r.blocks > 60 && r.rows == 2901 * 3 && r.tags == 3 && r.journal_rows > 0);
    hist_verify_options o = { .repair = true };
    pt_error err = { 0 };
    CHECK_STATUS(hist_verify(dir, &o, &r, &err), PT_EBUSY);
    CHECK_OK(hist_close(h, 10000, NULL));
    CHECK_INT(faults(dir, false, true, &r), 0);
    CHECK_STATUS(hist_verify(dir_of("nowhere"), &o, &r, &err), PT_ENOTFOUND);
}

static char *partition_of(const char *dir, int64_t t)
{
    static char path[600];
    char name[40];
    hist__partition_name(hist__partition_start(t), name);
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    char *text = NULL;
    CHECK_FATAL(sqlite3_open(path, &db) == SQLITE_OK);
    bool ok = sqlite3_exec(db, sql, NULL, NULL, &text) == SQLITE_OK;
    if (!ok) printf("%s: %s\n", sql, text);
    CHECK(ok);
    sqlite3_free(text);
    sqlite3_close(db);
}

static void every_kind_of_damage_is_found_and_repaired(void)
{
    static const struct {
        const char *row, *sql;
        int lost_tags; /* tags that lose a block */
    } rows[] = {
        { "a flipped byte in a block", "UPDATE data SET data=cast(substr(data,1,20)||x'5a'||substr(data,22) AS BLOB) WHERE id=7", 1 },
        { "a block row is gone", "DELETE FROM block WHERE tag_id=2 AND t0=(SELECT max(t0) FROM block WHERE tag_id=2)", 0 },
        { "a data row is gone", "DELETE FROM data WHERE id=3", 1 },
        { "a wrong summary", "UPDATE block SET max=max+1 WHERE tag_id=1", 0 },
        { "a wrong count", "UPDATE block SET samples=samples+1 WHERE tag_id=1", 0 },
        { "wrong statistics", "UPDATE tag_stat SET samples=5", 0 },
        { "statistics are gone", "DELETE FROM tag_stat", 0 },
        { "blocks of another tag", "UPDATE OR REPLACE block SET tag_id=3 WHERE tag_id=1", 0 },
        { "the index is gone", "DELETE FROM block", 0 },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char name[20];
        snprintf(name, sizeof name, "damage%zu", i);
        const char *dir = dir_of(name);
        hist_verify_report r;
        CHECK_OK(hist_close(filled(dir), 10000, NULL));
        run_sql(partition_of(dir, NOW + 10 * DAY), rows[i].sql);
        CHECK_ROW(rows[i].row, faults(dir, false, false, &r) > 0);
        CHECK_ROW(rows[i].row, faults(dir, true, false, &r) > 0 && r.repaired >= 1);
        CHECK_ROW(rows[i].row, faults(dir, false, true, &r) == 0);
        hist *h = open_at(dir);
        uint64_t total = count(h, 1) + count(h, 2) + count(h, 3);
        CHECK_ROW(rows[i].row, rows[i].lost_tags ? total < 9000 && total >= 9000 - 128 : total == 9000);
        CHECK_OK(hist_close(h, 1000, NULL));
    }
}

static void a_garbled_file_is_set_aside_and_the_host_still_starts(void)
{
    const char *dir = dir_of("garbled");
    hist_verify_report r;
    CHECK_OK(hist_close(filled(dir), 10000, NULL));
    const char *path = partition_of(dir, NOW + 10 * DAY);
    FILE *f = fopen(path, "r+b");
    CHECK_FATAL(f != NULL);
    CHECK(fwrite("garbage instead of a header", 1, 27, f) == 27);
    fclose(f);
    hist *h = open_at(dir); /* recording goes on */
    hist_sample s = { .tag_id = 1, .time_ms = NOW + 40 * DAY, .type = SPB_DOUBLE, .as.f64 = 1 };
    CHECK_OK(hist_append(h, &s, 1));
    CHECK_OK(hist_flush(h, 5000, NULL));
    CHECK_OK(hist_close(h, 5000, NULL));
    CHECK(faults(dir, false, false, &r) > 0);
    CHECK(faults(dir, true, false, &r) > 0);
    CHECK_INT(faults(dir, false, true, &r), 0);
    h = open_at(dir);
    CHECK(count(h, 1) > 1500);
    CHECK_OK(hist_close(h, 1000, NULL));
    char aside[700];
    snprintf(aside, sizeof aside, "%s.damaged-1", path);
    CHECK(access(aside, F_OK) == 0);
}

static void a_reader_says_the_damaged_block_and_goes_on_behind_it(void)
{
    const char *dir = dir_of("reader");
    CHECK_OK(hist_close(filled(dir), 10000, NULL));
    run_sql(partition_of(dir, NOW + 10 * DAY), "UPDATE data SET data=cast(substr(data,1,20)||x'5a'||substr(data,22) AS BLOB) WHERE id=(SELECT min(id) FROM block WHERE tag_id=1)");
    hist *h = open_at(dir);
    hist_cursor *c = NULL;
    const hist_sample *rows = NULL;
    size_t n = 1, total = 0, damaged = 0;
    int64_t last = INT64_MIN;
    bool ordered = true;
    CHECK_OK_FATAL(hist_cursor_open(h, 1, INT64_MIN, INT64_MAX, true, &c, NULL));
    while (n || damaged == 0) {
        pt_error err = { 0 };
        pt_status st = hist_cursor_view(c, &rows, &n, &err);
        if (st == PT_ECORRUPT) {
            damaged++;
            CHECK(strstr(err.text, "tag 1, block at") != NULL);
            n = 1;
            continue;
        }
        CHECK_OK_FATAL(st);
        for (size_t i = 0; i < n; i++) {
            ordered &= rows[i].time_ms > last;
            last = rows[i].time_ms;
        }
        total += n;
        if (n == 0) break;
    }
    hist_cursor_close(c);
    CHECK_INT(damaged, 1);
    CHECK(ordered && total < 3000 && total >= 3000 - 128);
    CHECK_OK(hist_close(h, 1000, NULL));
}

static void a_damaged_journal_row_costs_only_itself(void)
{
    const char *dir = dir_of("journal");
    char path[600];
    hist_verify_report r;
    CHECK_OK(hist_close(filled(dir), 10000, NULL));
    snprintf(path, sizeof path, "%s/journal.db", dir);
    run_sql(path, "UPDATE journal SET data=x'00' WHERE id=(SELECT max(id) FROM journal)");
    CHECK(faults(dir, false, false, &r) == 1);
    CHECK(faults(dir, true, false, &r) == 1 && r.lost_journal_rows == 1);
    CHECK_INT(faults(dir, false, true, &r), 0);
    hist *h = open_at(dir);
    CHECK(count(h, 1) >= 2901);
    CHECK_OK(hist_close(h, 1000, NULL));
}

static void a_backup_taken_under_load_is_whole(void)
{
    const char *dir = dir_of("busy");
    hist_verify_report r;
    hist *h = filled(dir);
    for (int i = 0; i < 2000; i++) {
        hist_sample s = { .tag_id = 1, .time_ms = NOW + 30 * DAY + i, .type = SPB_DOUBLE, .as.f64 = i };
        CHECK_OK(hist_append(h, &s, 1)); /* being committed while we copy */
    }
    pt_error err = { 0 };
    CHECK_OK(hist_backup(dir, dir_of("copy"), NULL, NULL, &err));
    CHECK_STATUS(hist_backup(dir, dir_of("copy"), NULL, NULL, &err), PT_EEXISTS);
    CHECK_OK(hist_close(h, 10000, NULL));
    CHECK_INT(faults(dir_of("copy"), false, true, &r), 0);
    h = open_at(dir_of("copy"));
    CHECK_INT(count(h, 2), 3000);
    CHECK(count(h, 1) >= 3000);
    CHECK_OK(hist_close(h, 1000, NULL));
}

static void retention_drops_whole_weeks_and_can_be_asked_first(void)
{
    const char *dir = dir_of("retention");
    hist_verify_report r;
    fake.now_wall_ms = NOW + 25 * DAY;
    hist *h = filled(dir);
    hist_stats before, after;
    hist_stats_get(h, &before);
    hist_retention ask = { .before_ms = NOW + 15 * DAY, .dry_run = true };
    hist_retention_result out;
    pt_error err = { 0 };
    CHECK_OK(hist_retention_apply(h, &ask, &out, &err));
    CHECK_INT(out.partitions, 2);
    CHECK_INT(count(h, 1), 3000);
    ask.dry_run = false;
    CHECK_OK(hist_retention_apply(h, &ask, &out, &err));
    CHECK_INT(out.partitions, 2);
    hist_stats_get(h, &after);
    CHECK_INT(before.blocks - after.blocks, out.blocks);
    uint64_t left = count(h, 1);
    CHECK(left < 2000 && left > 1000);
    pt_arena arena;
    pt_arena_init(&arena, 1 << 16);
    hist_tag t;
    CHECK_OK(hist_tag_by_id(h, 1, &arena, &t));
    CHECK_INT(t.samples, left);
    pt_arena_fini(&arena);
    ask = (hist_retention){ .before_ms = INT64_MIN, .max_bytes = 1 };
    CHECK_OK(hist_retention_apply(h, &ask, &out, &err));
    CHECK(count(h, 1) > 0 && count(h, 1) < left); /* the present week stays */
    CHECK_OK(hist_close(h, 1000, NULL));
    CHECK_INT(faults(dir, false, true, &r), 0);
    fake.now_wall_ms = NOW;
}

static void a_deleted_tag_is_gone_also_after_a_restart(void)
{
    const char *dir = dir_of("delete");
    hist_verify_report r;
    hist *h = filled(dir);
    uint64_t rows = 0;
    pt_error err = { 0 };
    CHECK_OK(hist_tag_delete(h, 2, NOW + 5 * DAY, NOW + 6 * DAY, &rows, &err));
    CHECK_INT(rows, 120);
    CHECK_INT(count(h, 2), 2880);
    CHECK_OK(hist_tag_delete(h, 2, INT64_MIN, INT64_MAX, &rows, &err));
    CHECK_INT(rows, 2880);
    for (int round = 0; round < 2; round++) {
        CHECK_INT(count(h, 2), 0);
        CHECK_INT(count(h, 1), 3000);
        CHECK_OK(hist_close(h, 1000, NULL));
        CHECK_INT(faults(dir, false, true, &r), 0);
        h = open_at(dir);
    }
    hist_sample s = { .tag_id = 2, .time_ms = NOW, .type = SPB_DOUBLE, .as.f64 = 1 };
    CHECK_OK(hist_append(h, &s, 1));
    CHECK_OK(hist_flush(h, 5000, NULL));
    CHECK_INT(count(h, 2), 1);
    CHECK_OK(hist_close(h, 1000, NULL));
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_sound_directory_verifies_also_beside_its_writer),
        PT_TEST(every_kind_of_damage_is_found_and_repaired),
        PT_TEST(a_garbled_file_is_set_aside_and_the_host_still_starts),
        PT_TEST(a_reader_says_the_damaged_block_and_goes_on_behind_it),
        PT_TEST(a_damaged_journal_row_costs_only_itself),
        PT_TEST(a_backup_taken_under_load_is_whole),
        PT_TEST(retention_drops_whole_weeks_and_can_be_asked_first),
        PT_TEST(a_deleted_tag_is_gone_also_after_a_restart),
    };
    pt_fake_clock_init(&fake, NOW);
    home = pt_test_dir();
    return pt_test_main("historian/maintain", tests, PT_COUNT_OF(tests), argc, argv);
}
