/* tests/historian/pages_test.c -- a page is what was written there, or reading it is an error; and every other program reads our files as
 * ever. */
#include "historian/files/pages.h"
#include "historian/format/format.h"
#include "tests/historian/older.h"
#include "tests/historian/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *place(void)
{
    const char *dir = new_dir();
    CHECK_FATAL(mkdir(dir, 0755) == 0);
    return dir;
}

static uint8_t *load(const char *path, size_t *size)
{
    struct stat info;
    CHECK_FATAL(stat(path, &info) == 0);
    *size = (size_t)info.st_size;
    uint8_t *p = malloc(*size + 1);
    FILE *f = fopen(path, "rb");
    CHECK_FATAL(p && f && fread(p, 1, *size, f) == *size && fclose(f) == 0);
    return p;
}

static void store(const char *path, const uint8_t *p, size_t size)
{
    FILE *f = fopen(path, "wb");
    CHECK_FATAL(f && fwrite(p, 1, size, f) == size && fclose(f) == 0);
}

/* Pages of a file by what stands at their end. */
typedef struct sums {
    size_t pages, right, none;
} sums;
static sums sums_of(const char *path)
{
    size_t size = 0;
    uint8_t *p = load(path, &size);
    size_t page = (size_t)p[16] << 8 | p[17];
    sums s = { .pages = size / page };
    CHECK_INT(p[20], HIST__PAGE_RESERVE);
    for (size_t i = 0; i < s.pages; i++) {
        uint64_t sum = hist__load64(p + (i + 1) * page - HIST__PAGE_RESERVE);
        s.none += sum == 0;
        s.right += sum == XXH64(p + i * page, page - HIST__PAGE_RESERVE, i + 1);
    }
    free(p);
    return s;
}

/* A catalogue with some tags' worth of rows, closed. */
static const char *small_file(const char *dir)
{
    const char *path = file_in(dir, "catalog.db");
    sqlite3 *db = NULL;
    CHECK_OK_FATAL(hist__db_open(path, HIST__CATALOG, false, &db, NULL));
    CHECK_OK(hist__db_exec(
        db,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 300) INSERT INTO event SELECT i, i, 'nbirth', 'g/e', NULL, 'p' || i, '{}' FROM n",
        NULL));
    hist__db_close(db);
    return path;
}

/* The sum over all rows, or -1 for an error; *err says which. */
static int64_t total(const char *path, pt_error *err)
{
    sqlite3 *db = NULL;
    int64_t n = -1;
    *err = (pt_error){ 0 };
    pt_status st = hist__db_open(path, HIST__CATALOG, true, &db, err);
    if (st == PT_OK)
        st = hist__db_number(db, "SELECT sum(seq * 3 + time_ms + length(path) + length(type)) FROM event NOT INDEXED", &n, err);
    hist__db_close(db);
    return st == PT_OK ? n : -1;
}

static void any_changed_byte_is_an_error_or_was_not_asked_for(void)
{
    const char *path = small_file(place());
    pt_error err;
    size_t size = 0, noticed = 0;
    int64_t right = total(path, &err);
    CHECK(right > 0);
    sums s = sums_of(path);
    CHECK(s.pages > 5 && s.right == s.pages);
    uint8_t *p = load(path, &size);
    for (size_t at = 0; at < size; at += 13) {
        p[at] ^= 0x04;
        store(path, p, size);
        int64_t n = total(path, &err);
        CHECK(n == right || n == -1);
        noticed += n == -1;
        p[at] ^= 0x04;
    }
    CHECK(noticed * 13 > 5 * 4096); /* the first page and those of the table; the others are those of tables and indexes not read */
    free(p);
}

static void the_error_names_the_file_and_the_page(void)
{
    const char *path = small_file(place());
    pt_error err;
    spoil(path, 4096 + 4000, "?");
    CHECK_INT(total(path, &err),
              3 * 300 * 301 / 2 + 300 * 301 / 2 + 9 * 2 + 90 * 3 + 201 * 4 + 300 * 6); /* page 2 is no part of the answer */
    path = small_file(place());
    int64_t root = sql_number(path, "SELECT rootpage FROM sqlite_master WHERE name='event'");
    spoil(path, (long)(root - 1) * 4096 + 4000, "?");
    CHECK_INT(total(path, &err), -1);
    char want[200];
    snprintf(want, sizeof want, "%s: page %lld is not what was written there", path, (long long)root);
    CHECK(strncmp(err.text, want, strlen(want)) == 0);
}

static void a_page_in_the_place_of_another_is_damage(void)
{
    const char *path = small_file(place());
    pt_error err;
    size_t size = 0;
    int64_t root = sql_number(path, "SELECT rootpage FROM sqlite_master WHERE name='event'");
    uint8_t *p = load(path, &size);
    memcpy(p + (root - 1) * 4096, p + 4096, 4096);
    store(path, p, size);
    free(p);
    CHECK_INT(total(path, &err), -1);
    CHECK(strstr(err.text, "is not what was written there") != NULL);
}

static void a_row_changed_by_a_program_without_sums_is_damage(void)
{
    const char *path = small_file(place());
    pt_error err;
    sqlite3 *db = NULL;
    CHECK_FATAL(sqlite3_open(path, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "UPDATE event SET time_ms=5 WHERE seq=7", NULL, NULL, NULL) == SQLITE_OK);
    CHECK(sqlite3_close(db) == SQLITE_OK);
    CHECK_INT(total(path, &err), -1);
    CHECK(strstr(err.text, "is not what was written there") != NULL);
}

static void other_programs_read_the_files_as_they_are(void)
{
    const char *dir = new_dir();
    close_ok(filled_store(dir));
    const char *files[] = { file_in(dir, "catalog.db"), file_in(dir, "journal.db"), partition_in(dir, NOW + 10 * DAY) };
    for (size_t i = 0; i < PT_COUNT_OF(files); i++) {
        sqlite3 *db = NULL;
        sqlite3_stmt *q = NULL;
        CHECK_FATAL(sqlite3_open_v2(files[i], &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK);
        CHECK_FATAL(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW);
        CHECK_STR(pt_cstr((const char *)sqlite3_column_text(q, 0)), "ok");
        sqlite3_finalize(q);
        CHECK_INT(hist__pages_damaged(db), 0); /* not one of ours: nothing is known */
        CHECK(!hist__pages_reserved(db));
        CHECK(sqlite3_close(db) == SQLITE_OK);
        sums s = sums_of(files[i]);
        CHECK_ROW(files[i], s.pages > 2 && s.right == s.pages);
    }
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
}

static void copy_file(const char *from, const char *to)
{
    size_t size = 0;
    uint8_t *p = load(from, &size);
    store(to, p, size);
    free(p);
}

/* The host is killed, and before it starts again somebody looks with sqlite3, which brings the -wal to its end. */
static void a_wal_that_another_program_finished_is_no_damage(void)
{
    const char *dir = new_dir(), *killed = place();
    hist *h = filled_store(dir);
    static const char *const names[] = { "catalog.db", "journal.db" };
    for (size_t i = 0; i < PT_COUNT_OF(names); i++) {
        char wal[40];
        snprintf(wal, sizeof wal, "%s-wal", names[i]);
        copy_file(file_in(dir, names[i]), file_in(killed, names[i]));
        copy_file(file_in(dir, wal), file_in(killed, wal));
    }
    for (int week = 0; week < 5; week++) {
        const char *from = partition_in(dir, NOW + week * WEEK), *to = partition_in(killed, NOW + week * WEEK);
        char wal_from[800], wal_to[800];
        if (access(from, F_OK) != 0) continue;
        snprintf(wal_from, sizeof wal_from, "%s-wal", from);
        snprintf(wal_to, sizeof wal_to, "%s-wal", to);
        copy_file(from, to);
        if (access(wal_from, F_OK) == 0) copy_file(wal_from, wal_to);
        sqlite3 *db = NULL;
        CHECK_FATAL(sqlite3_open(to, &db) == SQLITE_OK);
        CHECK(sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL) == SQLITE_OK);
        CHECK(sqlite3_close(db) == SQLITE_OK);
    }
    close_ok(h);
    sqlite3 *db = NULL;
    CHECK_FATAL(sqlite3_open(file_in(killed, "journal.db"), &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "SELECT count(*) FROM journal; PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL) == SQLITE_OK);
    CHECK(sqlite3_close(db) == SQLITE_OK);
    CHECK(sums_of(file_in(killed, "journal.db")).none > 0);
    CHECK_INT(faults_in(killed, false, true, NULL), 0);
    h = open_store(killed, 128);
    for (uint32_t tag = 1; tag <= 3; tag++)
        CHECK_INT(count_rows(h, tag), 3000);
    seal(h);
    close_ok(h);
    CHECK_INT(faults_in(killed, false, true, NULL), 0);
    sums s = sums_of(file_in(killed, "journal.db"));
    CHECK_INT(s.right + s.none, s.pages);
}

static int byte_20(const char *path)
{
    size_t size = 0;
    uint8_t *p = load(path, &size);
    int reserved = p[20];
    free(p);
    return reserved;
}

static void files_of_older_formats_are_read_and_brought_forward(void)
{
    const char *dir = new_dir();
    close_ok(filled_store(dir));
    const char *catalog = file_in(dir, "catalog.db"), *journal = file_in(dir, "journal.db"), *week = partition_in(dir, NOW + 10 * DAY);
    make_older(catalog, 1);
    make_older(journal, 2);
    make_older(week, 2);
    CHECK_INT(byte_20(catalog) + byte_20(journal) + byte_20(week), 0);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
    const char *copy = new_dir();
    CHECK_OK(hist_backup(dir, copy, NULL, NULL, NULL)); /* as it is */
    CHECK_INT(faults_in(copy, false, true, NULL), 0);
    CHECK_INT(sql_number(file_in(copy, "catalog.db"), "PRAGMA user_version"), 1);
    hist *h = open_reader(dir); /* a reader changes nothing */
    for (uint32_t tag = 1; tag <= 3; tag++)
        CHECK_INT(count_rows(h, tag), 3000);
    close_ok(h);
    CHECK_INT(sql_number(catalog, "PRAGMA user_version"), 1);
    h = open_store(dir, 128);
    for (uint32_t tag = 1; tag <= 3; tag++)
        CHECK_INT(count_rows(h, tag), 3000);
    append_one(h, f64(1, NOW + 10 * DAY + 1, 77)); /* into the older week */
    flush(h);
    seal(h);
    CHECK_INT(count_rows(h, 1), 3001);
    close_ok(h);
    CHECK_INT(sql_number(catalog, "PRAGMA user_version"), 2);
    CHECK_INT(sql_number(journal, "PRAGMA user_version"), 3);
    CHECK_INT(sql_number(week, "PRAGMA user_version"), 2);
    sums c = sums_of(catalog), j = sums_of(journal);
    CHECK(c.right == c.pages && j.right == j.pages);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
}

static void a_file_whose_header_denies_the_sums_is_refused(void)
{
    const char *path = small_file(place());
    size_t size = 0;
    pt_error err;
    uint8_t *p = load(path, &size);
    p[20] = 0;
    store(path, p, size);
    free(p);
    CHECK_INT(total(path, &err), -1);
    CHECK(strstr(err.text, "its pages have no room for a checksum") != NULL);
}

/* The reader opened it while it was empty, and finds its first page in the -wal. */
static void a_file_that_is_made_under_a_readers_eyes_has_its_sums(void)
{
    const char *path = file_in(place(), "catalog.db");
    sqlite3 *reader = NULL, *writer = NULL;
    int64_t n = 0;
    FILE *f = fopen(path, "w");
    CHECK_FATAL(f && fclose(f) == 0);
    CHECK_FATAL(hist__pages_open(path, &reader, SQLITE_OPEN_READONLY) == SQLITE_OK);
    CHECK_OK_FATAL(hist__db_open(path, HIST__CATALOG, false, &writer, NULL));
    CHECK_OK(hist__db_number(reader, "SELECT count(*) FROM sqlite_master", &n, NULL));
    CHECK(n > 3);
    CHECK(hist__pages_reserved(reader));
    CHECK(sqlite3_close(reader) == SQLITE_OK);
    hist__db_close(writer);
}

/* A page that the end of the file cuts through is no page of zeros. */
static void a_page_that_is_cut_off_is_damage(void)
{
    const char *path = small_file(place());
    pt_error err;
    size_t size = 0;
    int64_t root = sql_number(path, "SELECT rootpage FROM sqlite_master WHERE name='event'"), right = total(path, &err);
    free(load(path, &size));
    for (off_t at = (off_t)size - 100; at > (off_t)root * 4096; at -= 1000) {
        CHECK_FATAL(truncate(path, at) == 0);
        int64_t got = total(path, &err);
        CHECK(got == -1 || got == right);
    }
}

/* More pages than SQLite keeps in memory: they reach the copy in any order. */
static void every_page_of_a_backup_has_its_sum(void)
{
    const char *dir = new_dir(), *copy = new_dir();
    hist *h = open_store(dir, 512);
    uint32_t tag = make_tag(h, "noise", SPB_DOUBLE);
    uint64_t x = 88172645463325252u;
    for (int i = 0; i < 600000; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        append_one(h, f64(tag, NOW + i, (double)(x >> 11)));
    }
    flush(h);
    seal(h);
    CHECK_OK(hist_backup(dir, copy, NULL, NULL, NULL));
    close_ok(h);
    sums s = sums_of(partition_in(copy, NOW));
    CHECK(s.pages > 250 && s.right == s.pages);
    s = sums_of(file_in(copy, "journal.db"));
    CHECK_INT(s.right, s.pages);
    CHECK_INT(faults_in(copy, false, true, NULL), 0);
}

static void a_damaged_page_of_the_journal_does_not_keep_the_plant_from_being_recorded(void)
{
    const char *dir = new_dir(), *journal = file_in(dir, "journal.db");
    close_ok(filled_store(dir));
    int64_t root = sql_number(journal, "SELECT rootpage FROM sqlite_master WHERE name='journal'");
    spoil(journal, (long)(root - 1) * 4096 + 30, "?");
    hist_verify_report r;
    CHECK(faults_in(dir, false, false, &r) > 0);
    heard log;
    heard_init(&log);
    hist_options o = options_for(dir, 128);
    hist *h = NULL;
    pt_error err = { 0 };
    CHECK_OK_FATAL(hist_open(&o, &fake.clock, &log.log, &h, &err));
    CHECK(heard_id(&log, "HIST-DAMAGED-FILE") && heard_id(&log, "HIST-JOURNAL-REBUILT"));
    append_one(h, f64(1, NOW + 40 * DAY, 1));
    flush(h);
    close_ok(h);
    CHECK(access(file_in(dir, "journal.db.damaged-1"), F_OK) == 0);
    CHECK_INT(faults_in(dir, false, true, &r), 0);
}

/* Reads the tag to its end or the first error. */
static pt_status read_whole(hist *h, uint32_t tag, size_t *rows, pt_error *err)
{
    hist_sample s[100];
    hist_cursor *c = NULL;
    size_t n = 1;
    *rows = 0;
    pt_status st = hist_cursor_open(h, hist_of_tag(tag), INT64_MIN, INT64_MAX, false, &c, err);
    while (st == PT_OK && n && (st = hist_cursor_next(c, s, PT_COUNT_OF(s), &n, err)) == PT_OK)
        *rows += n;
    hist_cursor_close(c);
    return st;
}

enum { DETAIL = 1500, EVENTS = 40 };

static bool count_event(void *ctx, const hist_event *e)
{
    CHECK(pt_slice_eq_cstr(e->type, "nbirth") && pt_slice_eq_cstr(e->node, "g/e") && e->detail.len == DETAIL &&
          !memchr(e->detail.ptr, 0, e->detail.len));
    ++*(int *)ctx;
    return true;
}

static bool count_tag(void *ctx, const hist_tag *t)
{
    *(int *)ctx += t->samples == 3000;
    return true;
}

/* Everything is answered and right: true; something is said to be damaged: false. A wrong answer fails the test. */
static bool answers_are_right(const char *dir)
{
    heard log;
    hist *h = NULL;
    hist_event_filter all = { .from_ms = INT64_MIN, .to_ms = INT64_MAX };
    int events = 0, tags = 0;
    heard_init(&log);
    hist_options o = options_for(dir, 128);
    o.read_only = true;
    if (hist_open(&o, &fake.clock, &log.log, &h, NULL) != PT_OK) return false;
    bool right = hist_tag_each(h, count_tag, &tags) == PT_OK && hist_events(h, &all, count_event, &events, NULL) == PT_OK;
    for (uint32_t tag = 1; right && tag <= 3; tag++) {
        size_t rows = 0;
        right = read_whole(h, tag, &rows, NULL) == PT_OK;
        if (right) CHECK_INT(rows, 3000);
    }
    close_ok(h);
    if (log.ids[0]) return false;
    if (right) CHECK(events == EVENTS && tags == 3);
    return right;
}

/* What the writer touches later, too: pointer maps, sealed rows, the first page. */
static void whatever_page_of_the_journal_is_damaged_recording_goes_on(void)
{
    const char *sound = new_dir();
    hist *h = filled_store(sound);
    close_ok(h);
    int64_t pages = sql_number(file_in(sound, "journal.db"), "PRAGMA page_count");
    for (int64_t page = 0; page < pages; page += page < 3 ? 1 : 7) {
        const char *dir = new_dir();
        pt_error err = { 0 };
        hist_options o = options_for(dir, 128);
        CHECK_OK_FATAL(hist_backup(sound, dir, NULL, NULL, NULL));
        spoil(file_in(dir, "journal.db"), (long)page * 4096 + (page ? 40 : 26), "?");
        CHECK_OK_FATAL(hist_open(&o, &fake.clock, NULL, &h, &err));
        append_one(h, f64(1, NOW + 40 * DAY, 1));
        CHECK_OK(hist_flush(h, 10000, &err));
        CHECK_OK(hist_seal(h, &err));
        CHECK_OK(hist_close(h, 10000, &err));
        CHECK_INT(faults_in(dir, false, true, NULL), 0);
    }
}

/* A late sample wants to go into a block beside a damaged page. */
static void a_damaged_week_does_not_keep_samples_from_being_sealed(void)
{
    const char *dir = new_dir(), *week = partition_in(dir, NOW + 10 * DAY);
    close_ok(filled_store(dir));
    int64_t pages = sql_number(week, "PRAGMA page_count");
    CHECK(pages > 4);
    for (int64_t page = 1; page < pages; page++)
        spoil(week, (long)page * 16384 + 16380, "?"); /* no page is what its sum says */
    heard log;
    heard_init(&log);
    hist_options o = options_for(dir, 128);
    hist *h = NULL;
    pt_error err = { 0 };
    CHECK_OK_FATAL(hist_open(&o, &fake.clock, &log.log, &h, &err));
    append_one(h, f64(1, NOW + 10 * DAY + 77, 1));
    append_one(h, f64(2, NOW + 60 * DAY, 2));
    flush(h);
    CHECK_OK(hist_seal(h, &err));
    CHECK(heard_id(&log, "HIST-WEEK-REBUILT"));
    hist_sample s;
    CHECK(read_rows(h, 1, NOW + 10 * DAY + 77, NOW + 10 * DAY + 78, false, &s, 1) == 1 && s.as.f64 == 1);
    CHECK_INT(count_rows(h, 2), 3001); /* the blocks themselves are right, and say so */
    close_ok(h);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
}

/* Sectors that the disk gives back as zeros, the sum at the page's end among them. */
static void zeros_at_the_end_of_a_page_are_no_missing_sum(void)
{
    const char *sound = new_dir();
    close_ok(filled_store(sound));
    hist *h = open_store(sound, 128);
    static char detail[DETAIL]; /* longer than two sectors: the end of one may be all that is lost */
    memset(detail, 'x', sizeof detail);
    for (int i = 0; i < EVENTS; i++) {
        hist_event e = {
            .time_ms = NOW + i, .type = PT_LIT("nbirth"), .node = PT_LIT("g/e"), .detail = pt_slice_of(detail, sizeof detail)
        };
        CHECK_OK(hist_event_append(h, &e));
    }
    close_ok(h);
    static const size_t lost[] = { 512, 1024, 4096, 8192 };
    char week[40];
    hist__partition_name(hist__partition_start(NOW + 10 * DAY), week);
    const char *names[] = { "catalog.db", week };
    unsigned tried = 0, said = 0;
    for (size_t f = 0; f < PT_COUNT_OF(names); f++) {
        size_t size = 0;
        uint8_t *whole = load(file_in(sound, names[f]), &size);
        size_t page = (size_t)whole[16] << 8 | whole[17];
        for (size_t k = 0; k < PT_COUNT_OF(lost); k++) {
            for (size_t at = 1; lost[k] <= page && at < size / page; at++) {
                const char *dir = new_dir();
                uint8_t *copy = malloc(size);
                CHECK_FATAL(copy != NULL);
                CHECK_OK_FATAL(hist_backup(sound, dir, NULL, NULL, NULL));
                memcpy(copy, whole, size);
                memset(copy + (at + 1) * page - lost[k], 0, lost[k]);
                store(file_in(dir, names[f]), copy, size);
                free(copy);
                tried++;
                said += !answers_are_right(dir);
            }
        }
        free(whole);
    }
    printf(" (%u pages, %u said) ", tried, said);
    CHECK(said * 2 > tried);
}

static void a_damaged_page_hides_no_block(void)
{
    const char *dir = new_dir(), *week = partition_in(dir, NOW + 10 * DAY);
    close_ok(filled_store(dir));
    int64_t root = sql_number(week, "SELECT rootpage FROM sqlite_master WHERE name='block'");
    size_t size = 0;
    uint8_t *p = load(week, &size);
    uint8_t *cells = p + (root - 1) * 16384 + 3; /* the page's count of rows, big-endian: one less, and SQLite finds nothing wrong */
    CHECK_FATAL(cells[1] > 1);
    cells[1]--;
    store(week, p, size);
    free(p);
    hist *h = open_reader(dir);
    size_t rows = 0;
    pt_error err = { 0 };
    CHECK_STATUS(read_whole(h, 3, &rows, &err), PT_ECORRUPT);
    CHECK(strstr(err.text, "is not what was written there") != NULL);
    close_ok(h);
    hist_verify_report r;
    CHECK(faults_in(dir, true, false, &r) > 0);
    CHECK_INT(faults_in(dir, false, true, &r), 0);
    h = open_store(dir, 128);
    for (uint32_t tag = 1; tag <= 3; tag++)
        CHECK_INT(count_rows(h, tag), 3000);
    close_ok(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(any_changed_byte_is_an_error_or_was_not_asked_for),
        PT_TEST(the_error_names_the_file_and_the_page),
        PT_TEST(a_page_in_the_place_of_another_is_damage),
        PT_TEST(a_row_changed_by_a_program_without_sums_is_damage),
        PT_TEST(a_damaged_page_hides_no_block),
        PT_TEST(other_programs_read_the_files_as_they_are),
        PT_TEST(a_wal_that_another_program_finished_is_no_damage),
        PT_TEST(files_of_older_formats_are_read_and_brought_forward),
        PT_TEST(a_file_whose_header_denies_the_sums_is_refused),
        PT_TEST(every_page_of_a_backup_has_its_sum),
        PT_TEST(a_file_that_is_made_under_a_readers_eyes_has_its_sums),
        PT_TEST(a_page_that_is_cut_off_is_damage),
        PT_TEST(zeros_at_the_end_of_a_page_are_no_missing_sum),
        PT_TEST(a_damaged_week_does_not_keep_samples_from_being_sealed),
        PT_TEST(whatever_page_of_the_journal_is_damaged_recording_goes_on),
        PT_TEST(a_damaged_page_of_the_journal_does_not_keep_the_plant_from_being_recorded),
    };
    setup();
    return pt_test_main("historian/pages", tests, PT_COUNT_OF(tests), argc, argv);
}
