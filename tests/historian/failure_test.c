/* tests/historian/failure_test.c -- the disk refuses the 1st, 2nd, 3rd ... write or sync, once or from then on; memory inside SQLite
 * likewise.
 *
 * The same short life of a store is run for each number. Whatever fails, the store answers with a status,
 * and after the disk works again everything acknowledged is there, verify is clean, and the rest can be written. PLANTREE_SWEEP=1 tries
 * every number. */
#include "historian/maintain.h"
#include "historian/write/write.h"
#include "tests/historian/older.h"
#include "tests/support/check.h"
#include "tests/support/sqlite_faults.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const int64_t NOW = 1750000000000;
static pt_fake_clock fake;
static const char *home;

static bool sticky; /* the disk or memory at work does not come back by itself */

/* ---- a short life -------------------------------------------------------------------------------------------- */

enum { ROUNDS = 6, PER_ROUND = 50 };

static pt_status open_at(const char *dir, hist **h, pt_error *err)
{
    hist_options o;
    hist_options_init(&o);
    o.dir = dir;
    o.block_samples = 32;
    o.commit_interval_ms = 10;
    o.log_bytes = 0;
    return hist_open(&o, &fake.clock, NULL, h, err);
}

static hist_sample nth(int i)
{
    return (hist_sample){
        .tag_id = 1 + (uint32_t)(i % 2), .time_ms = NOW + (i % 7 == 6 ? i - 20 : i) * INT64_C(10000) + i % 3, .type = SPB_INT64, .as.i64 = i
    };
}

/* Acknowledged, or failing for good: no use waiting for a disk that stays broken. */
static bool flushed(hist *h)
{
    pt_error err = { 0 };
    for (int k = 0; k < 200; k++) {
        if (hist_flush(h, 30, &err) == PT_OK) return true;
        if (sticky && sqlite_faults_struck()) return false;
    }
    return false;
}

/* Returns how many samples were acknowledged; whatever fails on the way ends it. */
static int live(const char *dir)
{
    hist *h = NULL;
    pt_error err = { 0 };
    int acked = 0;
    if (open_at(dir, &h, &err) != PT_OK) return 0;
    bool ok = true;
    for (int t = 0; ok && t < 2; t++) {
        uint32_t id = 0;
        hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_NONE, t ? PT_LIT("b") : PT_LIT("a") };
        ok = hist_tag_ensure(h, &key, t ? PT_LIT("b") : PT_LIT("a"), SPB_INT64, PT_NONE, &id) == PT_OK;
    }
    for (int r = 0; ok && r < ROUNDS; r++) {
        for (int i = 0; ok && i < PER_ROUND; i++) {
            hist_sample s = nth(r * PER_ROUND + i);
            ok = hist_append(h, &s, 1) == PT_OK;
        }
        hist_event e = { .time_ms = NOW + r, .type = PT_LIT("write") };
        ok = ok && hist_event_append(h, &e) == PT_OK && flushed(h);
        if (ok) acked = (r + 1) * PER_ROUND;
        if (ok && r % 2) ok = hist_seal(h, &err) == PT_OK || !sticky; /* a seal that failed once changes nothing */
    }
    pt_status st = hist_close(h, 200, &err);
    (void)st; /* may well fail: that is what is tried */
    return acked;
}

static bool look(const char *dir, int acked, const char *row)
{
    hist *h = NULL;
    pt_error err = { 0 };
    hist_verify_report r = { 0 };
    hist_verify_options o = { 0 };
    pt_status st = open_at(dir, &h, &err);
    if (st != PT_OK) printf("[%s] %s\n", row, err.text);
    CHECK_ROW(row, st == PT_OK);
    if (st != PT_OK) return false;
    bool there[ROUNDS * PER_ROUND] = { false };
    uint64_t wrong = 0;
    for (uint32_t tag = 1; tag <= hist__tag_count(h); tag++) {
        hist_cursor *c = NULL;
        const hist_sample *rows = NULL;
        size_t n = 0;
        if (hist_cursor_open(h, hist_of_tag(tag), INT64_MIN, INT64_MAX, true, &c, &err) != PT_OK) return false;
        while ((st = hist_cursor_view(c, &rows, &n, &err)) == PT_OK && n) {
            for (size_t i = 0; i < n; i++) {
                int k = (int)rows[i].as.i64;
                bool ours = k >= 0 && k < ROUNDS * PER_ROUND && !there[k] && nth(k).time_ms == rows[i].time_ms;
                wrong += !ours;
                if (ours) there[k] = true;
            }
        }
        wrong += st != PT_OK;
        hist_cursor_close(c);
    }
    int missing = 0;
    for (int i = 0; i < acked; i++)
        missing += !there[i];
    st = hist_close(h, 5000, &err);
    pt_status verified = hist_verify(dir, &o, &r, &err);
    bool ok = wrong == 0 && missing == 0 && st == PT_OK && verified == PT_OK && r.faults == 0;
    if (!ok)
        printf("[%s] wrong %llu, missing %d of %d, close %s, verify %s with %llu faults\n", row, (unsigned long long)wrong, missing, acked,
               pt_status_name(st), pt_status_name(verified), (unsigned long long)r.faults);
    CHECK_ROW(row, ok);
    return ok;
}

static void sweep(sqlite_fault kind, bool stays, int code, const char *name, long stride)
{
    static unsigned serial;
    if (getenv("PLANTREE_SWEEP")) stride = 1;
    for (long at = 1;; at += stride) {
        char dir[512], row[80];
        snprintf(dir, sizeof dir, "%s/f%u", home, serial++);
        snprintf(row, sizeof row, "%s %ld%s", name, at, stays ? " and all behind it" : "");
        sqlite_faults_arm(kind, at, stays, code);
        sticky = stays;
        int acked = live(dir);
        sqlite_faults_off();
        sticky = false;
        bool struck = sqlite_faults_struck() > 0;
        if (access(dir, F_OK) == 0 && !look(dir, acked, row)) return;
        if (!struck) { /* the number is beyond what a whole life needs */
            CHECK_INT(acked, ROUNDS * PER_ROUND);
            return;
        }
        if (access(dir, F_OK) != 0) continue;
        CHECK_ROW(row, live(dir) == ROUNDS * PER_ROUND); /* and life goes on */
    }
}

static void a_write_that_fails_once_is_tried_again(void)
{
    sweep(SQLITE_FAULT_WRITES, false, SQLITE_IOERR_WRITE, "write", 61);
}
static void a_disk_that_is_full_from_then_on_loses_nothing_acknowledged(void)
{
    sweep(SQLITE_FAULT_WRITES, true, SQLITE_FULL, "full at write", 83);
}
static void a_sync_that_fails_is_not_taken_for_durable(void)
{
    sweep(SQLITE_FAULT_SYNCS, false, 0, "sync", 17);
    sweep(SQLITE_FAULT_SYNCS, true, 0, "sync", 23);
}
static void memory_that_fails_inside_sqlite_is_survived(void)
{
    sweep(SQLITE_FAULT_ALLOCATIONS, false, 0, "allocation", 397);
}

/* Catalogue and journal are written anew when a directory of an older format is opened. */
static void a_directory_that_cannot_be_brought_forward_stays_what_it_was(void)
{
    char base[400], path[500], name[40];
    snprintf(base, sizeof base, "%s/older", home);
    CHECK_INT(live(base), ROUNDS * PER_ROUND);
    snprintf(path, sizeof path, "%s/catalog.db", base);
    make_older(path, 1);
    snprintf(path, sizeof path, "%s/journal.db", base);
    make_older(path, 2);
    hist__partition_name(hist__partition_start(NOW), name);
    snprintf(path, sizeof path, "%s/%s", base, name);
    make_older(path, 2);
    for (int kind = SQLITE_FAULT_WRITES; kind <= SQLITE_FAULT_ALLOCATIONS; kind++) {
        bool struck = true;
        long stride = getenv("PLANTREE_SWEEP") ? 1 : kind == SQLITE_FAULT_ALLOCATIONS ? 97 : 7;
        for (long at = 1; struck; at += stride) {
            char dir[500], row[80];
            hist *h = NULL;
            snprintf(dir, sizeof dir, "%s/forward-%d-%ld", home, kind, at);
            snprintf(row, sizeof row, "bringing forward, fault %d at %ld", kind, at);
            CHECK_OK_FATAL(hist_backup(base, dir, NULL, NULL, NULL));
            sqlite_faults_arm((sqlite_fault)kind, at, at % 2 == 0, SQLITE_FULL);
            if (open_at(dir, &h, NULL) == PT_OK) (void)hist_close(h, 200, NULL);
            sqlite_faults_off();
            struck = sqlite_faults_struck() > 0;
            if (!look(dir, ROUNDS * PER_ROUND, row)) return;
        }
    }
}

/* What retention is for when the disk is full. */
static void a_full_disk_does_not_keep_old_weeks(void)
{
    const int64_t week = INT64_C(7) * 86400000;
    char dir[400];
    hist *h = NULL;
    hist_retention ask = { .before_ms = NOW - week };
    hist_retention_result gone;
    snprintf(dir, sizeof dir, "%s/full", home);
    CHECK_OK_FATAL(open_at(dir, &h, NULL));
    uint32_t id = 0;
    hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_NONE, PT_LIT("a") };
    CHECK_OK_FATAL(hist_tag_ensure(h, &key, PT_LIT("a"), SPB_INT64, PT_NONE, &id));
    hist_sample s = { .tag_id = id, .type = SPB_INT64 };
    for (int w = 0; w < 6; w++) {
        s.time_ms = NOW - w * week;
        CHECK_OK(hist_append(h, &s, 1));
    }
    CHECK_OK(hist_flush(h, 5000, NULL));
    CHECK_OK(hist_seal(h, NULL));
    s.time_ms = NOW - 9 * week; /* late, and not in a block */
    CHECK_OK(hist_append(h, &s, 1));
    CHECK_OK(hist_flush(h, 5000, NULL));
    sqlite_faults_arm(SQLITE_FAULT_WRITES, 1, true, SQLITE_FULL);
    CHECK_OK(hist_retention_apply(h, &ask, &gone, NULL));
    CHECK(sqlite_faults_struck() > 0);
    CHECK(gone.partitions == 4 && gone.blocks == 4 && gone.unsealed == 0);
    sqlite_faults_off();
    CHECK_OK(hist_flush(h, 5000, NULL));
    CHECK_OK(hist_retention_apply(h, &ask, &gone, NULL)); /* with room again it goes too */
    CHECK(gone.partitions == 1 && gone.unsealed == 1);
    pt_arena arena;
    hist_tag tag;
    pt_arena_init(&arena, 1 << 16);
    CHECK_OK(hist_tag_by_id(h, id, &arena, &tag));
    CHECK_INT(tag.samples, 2);
    pt_arena_fini(&arena);
    CHECK_OK(hist_close(h, 5000, NULL));
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_write_that_fails_once_is_tried_again),
        PT_TEST(a_disk_that_is_full_from_then_on_loses_nothing_acknowledged),
        PT_TEST(a_sync_that_fails_is_not_taken_for_durable),
        PT_TEST(memory_that_fails_inside_sqlite_is_survived),
        PT_TEST(a_directory_that_cannot_be_brought_forward_stays_what_it_was),
        PT_TEST(a_full_disk_does_not_keep_old_weeks),
    };
    pt_fake_clock_init(&fake, NOW);
    if (!sqlite_faults_install()) return 1;
    home = pt_test_dir();
    return pt_test_main("historian/failure", tests, PT_COUNT_OF(tests), argc, argv);
}
