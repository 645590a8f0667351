/* tests/historian/store_test.c -- the store as a whole through its public header: opening, locking, statistics, closing. */
#include "tests/historian/support.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void samples_come_back_before_and_after_sealing_and_reopening(void)
{
    static hist_sample buf[10000];
    const char *dir = new_dir();
    hist *h = open_store(dir, 1024);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE), b = make_tag(h, "b", SPB_STRING);
    CHECK_INT(a, 1);
    CHECK_INT(b, 2);
    for (int i = 0; i < 5000; i++) {
        hist_sample s[2] = {
            f64(a, NOW + i * 1000, i * 0.5),
            { .tag_id = b, .time_ms = NOW + i * 1000, .type = SPB_STRING, .as.ptr = i % 2 ? "on" : "off", .len = i % 2 ? 2 : 3 }
        };
        CHECK_OK(hist_append(h, s, 2));
    }
    flush(h);
    for (int round = 0; round < 4; round++) {
        size_t n = read_rows(h, a, NOW, NOW + 5000000, true, buf, 10000);
        CHECK_INT(n, 5000);
        for (size_t i = 0; i < n; i++) {
            if (buf[i].time_ms == NOW + (int64_t)i * 1000 && buf[i].as.f64 == (double)i * 0.5) continue;
            CHECK(!"sample differs");
            break;
        }
        hist_cursor *c = NULL;
        CHECK_OK_FATAL(hist_cursor_open(h, hist_of_tag(b), NOW + 1000, NOW + 3000, true, &c, NULL));
        CHECK_OK(hist_cursor_next(c, buf, 100, &n, NULL));
        CHECK_INT(n, 2);
        CHECK(n == 2 && buf[0].len == 2 && memcmp(buf[0].as.ptr, "on", 2) == 0 && buf[1].len == 3 && memcmp(buf[1].as.ptr, "off", 3) == 0);
        hist_cursor_close(c);
        pt_arena arena;
        pt_arena_init(&arena, 1 << 20);
        hist_tag t;
        CHECK_OK(hist_tag_by_path(h, PT_LIT("g/e/d/a"), &arena, &t));
        CHECK_INT(t.samples, 5000);
        CHECK_INT(t.first_ms, NOW);
        CHECK_INT(t.last_ms, NOW + 4999000);
        CHECK_STR(t.unit, "m");
        pt_arena_fini(&arena);
        if (round == 0) seal(h);
        else {
            close_ok(h);
            h = open_store(dir, 1024);
        }
    }
    hist_stats st;
    hist_stats_get(h, &st);
    CHECK(st.blocks >= 8 && st.tags == 2);
    close_ok(h);
}

static void a_second_writer_is_refused_and_a_reader_is_not(void)
{
    static hist_sample buf[10000];
    const char *dir = new_dir();
    hist *h = open_store(dir, 1024);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    hist_options o;
    hist_options_init(&o);
    o.dir = dir;
    hist *second = NULL;
    pt_error err = { 0 };
    CHECK_STATUS(hist_open(&o, &fake.clock, NULL, &second, &err), PT_EBUSY);
    CHECK(strstr(err.text, "pid ") != NULL);
    hist_sample s = f64(a, NOW, 1);
    CHECK_OK(hist_append(h, &s, 1));
    flush(h);
    hist *reader = open_reader(dir);
    CHECK_STATUS(hist_append(reader, &s, 1), PT_EREADONLY);
    for (int i = 1; i < 4000; i++) { /* the reader follows through commits and sealing */
        s = f64(a, NOW + i, i);
        CHECK_OK(hist_append(h, &s, 1));
        if (i % 400) continue;
        flush(h);
        if (i % 1200 == 0) seal(h);
        CHECK_INT(read_rows(reader, a, 0, INT64_MAX, true, buf, 10000), i + 1);
        uint32_t late = make_tag(h, i == 400 ? "late" : "later", SPB_DOUBLE);
        hist_sample x = f64(late, NOW + i, 5);
        CHECK_OK(hist_append(h, &x, 1));
        flush(h);
        CHECK(read_rows(reader, late, 0, INT64_MAX, true, buf, 10000) >= 1);
        pt_arena arena;
        pt_arena_init(&arena, 1 << 20);
        hist_tag t;
        CHECK_OK(hist_tag_by_path(reader, PT_LIT("g/e/d/a"), &arena, &t));
        CHECK_INT(t.samples, i + 1);
        pt_arena_fini(&arena);
    }
    close_ok(reader);
    close_ok(h);
}

static void options_out_of_range_are_refused(void)
{
    const char *dir = new_dir();
    for (int i = 0; i < 9; i++) {
        hist_options o = options_for(dir, 64);
        hist *h = NULL;
        pt_error err = { 0 };
        switch (i) {
        case 0: o.dir = NULL; break;
        case 1: o.dir = ""; break;
        case 2: o.commit_interval_ms = 9; break;
        case 3: o.commit_interval_ms = 60001; break;
        case 4: o.block_samples = 15; break;
        case 5: o.block_samples = HIST__BLOCK_ROWS_MAX; break;
        case 6: o.buffer_bytes = 65535; break;
        case 7: o.seal_age_ms = -1; break;
        default: o.retention_age_ms = -1; break;
        }
        CHECK_STATUS(hist_open(&o, &fake.clock, NULL, &h, &err), PT_EINVAL);
        CHECK(h == NULL && err.text[0] && access(dir, F_OK) != 0);
    }
}

static void a_directory_that_cannot_be_one_is_said(void)
{
    const char *dir = new_dir(), *file = file_in(dir, "file"), *below = file_in(dir, "no/such/place");
    CHECK_FATAL(mkdir(dir, 0755) == 0);
    FILE *f = fopen(file, "w");
    CHECK_FATAL(f && fclose(f) == 0);
    const struct {
        const char *dir;
        bool read_only;
        pt_status st;
    } rows[] = { { file, false, PT_EINVAL }, { below, false, PT_ENOTFOUND }, { below, true, PT_ENOTFOUND }, { dir, true, PT_ENOTFOUND } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        hist_options o = options_for(rows[i].dir, 64);
        hist *h = NULL;
        pt_error err = { 0 };
        o.read_only = rows[i].read_only;
        CHECK_ROW(rows[i].dir, hist_open(&o, &fake.clock, NULL, &h, &err) == rows[i].st);
        CHECK_ROW(rows[i].dir, h == NULL && strstr(err.text, rows[i].dir) != NULL);
    }
}

static void a_damaged_or_newer_catalogue_or_journal_stops_the_start(void)
{
    static const char *const names[] = { "catalog.db", "journal.db" };
    for (size_t i = 0; i < PT_COUNT_OF(names); i++) {
        const char *dir = new_dir();
        close_ok(open_store(dir, 64));
        run_sql(file_in(dir, names[i]), "PRAGMA user_version=9");
        for (int read_only = 0; read_only < 2; read_only++) {
            hist_options o = options_for(dir, 64);
            hist *h = NULL;
            pt_error err = { 0 };
            o.read_only = read_only;
            CHECK_ROW(names[i], hist_open(&o, &fake.clock, NULL, &h, &err) == PT_EUNSUPPORTED);
            CHECK_ROW(names[i], strstr(err.text, names[i]) != NULL && strstr(err.text, "format 9") != NULL);
        }
        run_sql(file_in(dir, names[i]), "PRAGMA user_version=1");
        spoil(file_in(dir, names[i]), 0, "garbage instead of a header");
        hist_options o = options_for(dir, 64);
        hist *h = NULL;
        pt_error err = { 0 };
        CHECK_ROW(names[i], hist_open(&o, &fake.clock, NULL, &h, &err) == PT_ECORRUPT);
        hist *free_again = NULL;
        CHECK_OK(hist__bare_new(dir, NULL, true, &free_again, &err)); /* nothing is left open: the lock is free */
        hist__bare_free(free_again);
    }
}

static void statistics_add_up(void)
{
    const char *dir = new_dir();
    hist *h = open_store(dir, 64);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    hist_stats st;
    for (int i = 0; i < 300; i++)
        append_one(h, f64(a, NOW + i % 200 + (i % 2 ? WEEK : 0), i % 5));
    hist_stats_get(h, &st);
    CHECK_INT(st.appended, 300);
    CHECK(st.appended == st.stored + st.duplicates + st.replaced + st.buffered + st.lost);
    flush(h);
    seal(h);
    hist_stats_get(h, &st);
    CHECK(st.appended == st.stored + st.duplicates + st.replaced && st.buffered == 0 && st.buffered_bytes == 0);
    CHECK_INT(st.stored, count_rows(h, a));
    CHECK(st.tags == 1 && st.commits >= 1 && st.commit_errors == 0 && st.error == PT_OK && st.last_commit_ms == NOW &&
          st.commit_seconds_sum >= st.commit_seconds_max && st.commit_seconds_max > 0);
    CHECK_INT(st.blocks, sql_number(partition_in(dir, NOW), "SELECT count(*) FROM block") +
                             sql_number(partition_in(dir, NOW + WEEK), "SELECT count(*) FROM block"));
    CHECK_INT(st.block_bytes, sql_number(partition_in(dir, NOW), "SELECT sum(bytes) FROM block") +
                                  sql_number(partition_in(dir, NOW + WEEK), "SELECT sum(bytes) FROM block"));
    uint64_t bytes = 0;
    static const char *const suffix[] = { "", "-wal", "-shm" };
    const char *files[] = { file_in(dir, "catalog.db"), file_in(dir, "journal.db"), partition_in(dir, NOW), partition_in(dir, NOW + WEEK) };
    for (size_t f = 0; f < PT_COUNT_OF(files); f++) {
        for (size_t k = 0; k < PT_COUNT_OF(suffix); k++) {
            char path[500];
            struct stat info;
            snprintf(path, sizeof path, "%s%s", files[f], suffix[k]);
            if (stat(path, &info) == 0) bytes += (uint64_t)info.st_size;
        }
    }
    CHECK_INT(st.file_bytes, bytes);
    close_ok(h);
}

static void closing_leaves_nothing_beside_the_files(void)
{
    const char *dir = new_dir();
    hist *h = filled_store(dir);
    for (uint32_t tag = 1; tag <= 3; tag++)
        CHECK_INT(count_rows(h, tag), 3000); /* connections of readers are kept open */
    close_ok(h);
    const char *files[] = { file_in(dir, "catalog.db"), file_in(dir, "journal.db"), partition_in(dir, NOW),
                            partition_in(dir, NOW + 2 * WEEK) };
    for (size_t f = 0; f < PT_COUNT_OF(files); f++) {
        char wal[800];
        snprintf(wal, sizeof wal, "%s-wal", files[f]);
        CHECK_ROW(files[f], access(files[f], F_OK) == 0 && access(wal, F_OK) != 0);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(samples_come_back_before_and_after_sealing_and_reopening),
        PT_TEST(a_second_writer_is_refused_and_a_reader_is_not),
        PT_TEST(options_out_of_range_are_refused),
        PT_TEST(a_directory_that_cannot_be_one_is_said),
        PT_TEST(a_damaged_or_newer_catalogue_or_journal_stops_the_start),
        PT_TEST(statistics_add_up),
        PT_TEST(closing_leaves_nothing_beside_the_files),
    };
    setup();
    return pt_test_main("historian/store", tests, PT_COUNT_OF(tests), argc, argv);
}
