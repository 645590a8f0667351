/* tests/historian/block_decode_test.c -- good numbers come as columns; rows whose times do not ascend are refused. */
#include "tests/historian/block_rows.h"
#include "tests/support/check.h"

static hist__codec *codec;
static hist_sample s[100];

/* How many columns the rows come back as; their times and values are compared. */
static size_t as_columns(const char *what, size_t n)
{
    pt_buf blob;
    hist__rows rows;
    hist__columns c;
    uint32_t tag = 0;
    pt_buf_init(&blob, HIST__BLOCK_BYTES_MAX);
    hist__rows_init(&rows);
    CHECK_OK_FATAL(hist__block_encode(codec, 77, s, n, &blob));
    CHECK_OK_FATAL(hist__block_decode_numbers(codec, blob.ptr, blob.len, &tag, &rows, &c, NULL));
    CHECK_INT(tag, 77);
    CHECK_ROW(what, c.n + rows.n == n && (c.n == 0 || rows.n == 0));
    for (size_t i = 0; i < c.n; i++) {
        double v = 0;
        CHECK_ROW(what, hist__usable_number(&s[i], &v) && c.times[i] == s[i].time_ms && word64(c.values[i]) == word64(v));
    }
    size_t found = c.n;
    hist__rows_fini(&rows);
    pt_buf_fini(&blob);
    return found;
}

static void good_numbers_come_as_columns_and_nothing_else_does(void)
{
    static const struct {
        const char *what;
        uint8_t type;
        uint64_t words[4];
        bool columns;
    } rows[] = {
        { "two decimals", SPB_DOUBLE, { 0x3ff3333333333333, 0xbff8000000000000, 0, 0x8000000000000000 }, true },
        { "beyond 2^51", SPB_DOUBLE, { 0x4330000000000001, 0xc330000000000003, 0x4320000000000001, 0xc32fffffffffffff }, true },
        { "infinite", SPB_DOUBLE, { 0x7ff0000000000000, 0xfff0000000000000, 0, 1 }, true },
        { "NaN", SPB_DOUBLE, { 0, 0, 0x7ff0000000000001, 0 }, false },
        { "negative NaN", SPB_DOUBLE, { 0xfff8000000000000, 0, 0, 0 }, false },
        { "floats", SPB_FLOAT, { 0x3f99999a, 0xbfc00000, 0x7f800000, 0x80000000 }, true },
        { "float NaN", SPB_FLOAT, { 0x3f99999a, 0xff800001, 0, 0 }, false },
        { "signed", SPB_INT64, { UINT64_MAX, (uint64_t)INT64_MIN, INT64_MAX, 5 }, true },
        { "unsigned", SPB_UINT64, { UINT64_MAX, (uint64_t)INT64_MIN, INT64_MAX, 5 }, true },
        { "Booleans", SPB_BOOLEAN, { 0, 1, 1, 0 }, true },
        { "times", SPB_DATETIME, { 1700000000000, 0, UINT64_MAX, 1 }, true },
    };
    for (size_t k = 0; k < PT_COUNT_OF(rows); k++) {
        for (size_t i = 0; i < 100; i++)
            s[i] = block_row((int64_t)i * 7 - 200, rows[k].type, rows[k].words[i % 4]);
        CHECK_ROW(rows[k].what, as_columns(rows[k].what, 100) == (rows[k].columns ? 100 : 0));
    }
    static const struct {
        const char *what;
        uint8_t quality, flags;
        size_t first, columns;
    } marks[] = {
        { "good", SPB_GOOD, 0, 0, 100 },
        { "historical", SPB_GOOD, HIST_HISTORICAL, 0, 100 },
        { "uncertain", SPB_UNCERTAIN, 0, 0, 0 },
        { "bad", SPB_BAD, 0, 0, 0 },
        { "one stale", SPB_STALE, 0, 99, 0 },
        { "one null", SPB_GOOD, HIST_NULL, 99, 0 },
        { "one state", SPB_GOOD, HIST_STATE, 99, 0 },
    };
    for (size_t k = 0; k < PT_COUNT_OF(marks); k++) {
        for (size_t i = 0; i < 100; i++) {
            s[i] = block_row((int64_t)i, SPB_INT32, i);
            if (i < marks[k].first) continue;
            s[i].quality = marks[k].quality;
            s[i].flags = marks[k].flags;
            if (s[i].flags & (HIST_NULL | HIST_STATE)) s[i].as.u64 = 0;
        }
        CHECK_ROW(marks[k].what, as_columns(marks[k].what, 100) == marks[k].columns);
    }
}

static void times_that_do_not_ascend_are_refused(void)
{
    static const struct {
        const char *what;
        int64_t times[3];
        bool ascending;
    } rows[] = {
        { "all of time", { INT64_MIN, 0, INT64_MAX }, true },
        { "round the end", { INT64_MAX - 1, INT64_MAX, INT64_MIN }, false },
        { "equal", { 1, 2, 2 }, false },
        { "back", { 1, 3, 2 }, false },
        { "far back", { 5, INT64_MIN, 6 }, false },
        { "a step", { -1, 0, 1 }, true },
    };
    pt_buf blob;
    hist__rows out;
    pt_buf_init(&blob, HIST__BLOCK_BYTES_MAX);
    hist__rows_init(&out);
    for (size_t k = 0; k < PT_COUNT_OF(rows); k++) {
        for (size_t i = 0; i < 3; i++)
            s[i] = block_row(rows[k].times[i], SPB_DOUBLE, word64((double)i));
        CHECK_OK_FATAL(hist__block_encode(codec, 77, s, 3, &blob));
        CHECK_ROW(rows[k].what,
                  hist__block_decode(codec, blob.ptr, blob.len, NULL, &out, NULL) == (rows[k].ascending ? PT_OK : PT_ECORRUPT));
    }
    hist__rows_fini(&out);
    pt_buf_fini(&blob);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(good_numbers_come_as_columns_and_nothing_else_does),
        PT_TEST(times_that_do_not_ascend_are_refused),
    };
    if (hist__codec_new(&codec) != PT_OK) return 1;
    int rc = pt_test_main("historian/block_decode", tests, PT_COUNT_OF(tests), argc, argv);
    hist__codec_free(codec);
    return rc;
}
