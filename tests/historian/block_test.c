/* tests/historian/block_test.c -- blocks of every type come back bit for bit; damaged ones are refused. */
#include "base/random.h"
#include "historian/block.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdlib.h>

static hist__codec *codec;

static bool same_row(const hist_sample *a, const hist_sample *b)
{
    return a->time_ms == b->time_ms && a->tag_id == b->tag_id && a->flags == b->flags && hist__same_content(a, b);
}

static size_t round_trip(const char *what, const hist_sample *s, size_t n)
{
    pt_buf blob;
    pt_buf_init(&blob, HIST__BLOCK_BYTES_MAX);
    CHECK_OK_FATAL(hist__block_encode(codec, 77, s, n, &blob));
    hist__rows rows;
    hist__rows_init(&rows);
    uint32_t tag = 0;
    pt_error err = { 0 };
    CHECK_ROW(what, hist__block_decode(codec, blob.ptr, blob.len, &tag, &rows, &err) == PT_OK);
    CHECK_INT(tag, 77);
    CHECK_ROW(what, rows.n == n);
    for (size_t i = 0; i < n && i < rows.n; i++) {
        if (same_row(&s[i], &rows.s[i])) continue;
        CHECK_ROW(what, !"rows differ");
        break;
    }
    size_t len = blob.len;
    pt_random rnd = pt_random_seed(len);
    for (unsigned k = 0; k < 20; k++) { /* one flipped bit is always found */
        size_t at = pt_random_below(&rnd, len);
        blob.ptr[at] = (char)(blob.ptr[at] ^ (1 << pt_random_below(&rnd, 8)));
        size_t before = rows.n;
        CHECK_ROW(what, hist__block_decode(codec, blob.ptr, len, NULL, &rows, NULL) != PT_OK && rows.n == before);
        hist__rows_reset(&rows);
        CHECK_OK_FATAL(hist__block_encode(codec, 77, s, n, &blob));
    }
    hist__rows_fini(&rows);
    pt_buf_fini(&blob);
    return len;
}

static hist_sample row(int64_t t, uint8_t type, uint64_t word)
{
    return (hist_sample){ .time_ms = t, .tag_id = 77, .type = type, .as.u64 = word };
}

static uint64_t word64(double v)
{
    uint64_t w;
    memcpy(&w, &v, sizeof w);
    return w;
}

static uint64_t word32(float v)
{
    uint32_t w;
    memcpy(&w, &v, sizeof w);
    return w;
}

enum { N = 1024 };
static hist_sample s[N];

static void a_two_decimal_sine_takes_under_two_bytes(void)
{
    pt_random rnd = pt_random_seed(5);
    for (size_t i = 0; i < N; i++) {
        int64_t t = 1700000000000 + (int64_t)i * 1000 + (int64_t)pt_random_below(&rnd, 8);
        s[i] = row(t, SPB_DOUBLE, word64(round(5000 + 500 * sin((double)i / 50)) / 100));
    }
    size_t len = round_trip("sine", s, N);
    CHECK(len < N * 2);
    for (size_t i = 0; i < N; i++) s[i] = row(s[i].time_ms, SPB_FLOAT, word32((float)(round(5000 + 500 * sin((double)i / 50)) / 100)));
    CHECK(round_trip("float sine", s, N) <= len);
}

static void every_family_round_trips(void)
{
    pt_random rnd = pt_random_seed(9);
    static const uint8_t ints[] = { SPB_INT8, SPB_INT64, SPB_UINT8, SPB_UINT64, SPB_DATETIME, SPB_BOOLEAN };
    for (size_t k = 0; k < PT_COUNT_OF(ints); k++) {
        for (size_t i = 0; i < N; i++) {
            uint64_t v = ints[k] == SPB_BOOLEAN ? pt_random_below(&rnd, 2) : pt_random_u64(&rnd);
            s[i] = row((int64_t)i * 10, ints[k], v);
        }
        round_trip(spb_datatype_name(ints[k]), s, N);
    }
    for (size_t i = 0; i < N; i++) s[i] = row((int64_t)i, SPB_DOUBLE, pt_random_u64(&rnd)); /* NaNs of all kinds among them */
    CHECK(round_trip("random bits", s, N) < N * 8 + 300);
    for (size_t i = 0; i < N; i++) s[i] = row((int64_t)i, SPB_FLOAT, (uint32_t)pt_random_u64(&rnd));
    CHECK(round_trip("random float bits", s, N) < N * 4 + 300);
    for (size_t i = 0; i < N; i++) s[i] = row((int64_t)i, SPB_DOUBLE, word64(20 + 3 * sin((double)i / 30) + pt_random_unit(&rnd) * 0.01));
    CHECK(round_trip("noisy sine", s, N) < N * 8);
    for (size_t i = 0; i < N; i++) s[i] = row((int64_t)i, SPB_DOUBLE, word64(i % 50 == 3 ? NAN : i % 70 == 5 ? -0.0 : (double)i / 8));
    CHECK(round_trip("decimals with NaN and -0", s, N) < N * 4);
    for (size_t i = 0; i < N; i++) s[i] = row((int64_t)i, SPB_DOUBLE, word64(i % 3 ? INFINITY : -INFINITY));
    round_trip("infinities", s, N);
    for (size_t i = 0; i < N; i++) s[i] = row((int64_t)i, SPB_DOUBLE, word64(1.0 / 3.0));
    CHECK(round_trip("a constant that is no decimal", s, N) < 60);
    for (size_t n = 1; n < 40; n++) {
        for (size_t i = 0; i < n; i++) s[i] = row((int64_t)(i * i * 1000) - 5, SPB_DOUBLE, word64((double)i * 0.1));
        round_trip("short", s, n);
    }
}

static void strings_share_a_dictionary(void)
{
    static const char *const states[] = { "RUNNING", "STOPPED", "", "FAULT: the infeed is blocked" };
    for (size_t i = 0; i < N; i++) {
        s[i] = row((int64_t)i * 100, SPB_STRING, 0);
        s[i].as.ptr = states[i / 30 % 4];
        s[i].len = (uint32_t)strlen(s[i].as.ptr);
    }
    CHECK(round_trip("states", s, N) < 200);
    static char text[N][24];
    for (size_t i = 0; i < N; i++) {
        s[i].type = SPB_BYTES;
        s[i].len = (uint32_t)snprintf(text[i], sizeof text[i], "batch-%zu-%zx", i, i * 2654435761u);
        s[i].as.ptr = text[i];
    }
    CHECK(round_trip("all different", s, N) < N * 20);
}

static void nulls_states_and_qualities_are_kept(void)
{
    for (size_t i = 0; i < N; i++) {
        s[i] = row((int64_t)i * 100, i % 2 ? SPB_INT32 : SPB_INT16, i);
        s[i].quality = (uint8_t)(i % 4);
        if (i % 5 == 0) s[i].flags = HIST_NULL, s[i].as.u64 = 0;
        if (i % 7 == 0) s[i].flags = HIST_STATE, s[i].as.u64 = 0, s[i].quality = SPB_STALE;
        if (i % 11 == 0) s[i].flags |= HIST_HISTORICAL;
        if (i % 7 == 0 && i) s[i].time_ms = s[i - 1].time_ms; /* a state change in the millisecond of a sample */
    }
    round_trip("mixed kinds", s, N);
    for (size_t i = 0; i < N; i++) s[i] = (hist_sample){ .time_ms = (int64_t)i, .tag_id = 77, .type = SPB_STRING, .flags = HIST_NULL };
    CHECK(round_trip("only nulls", s, N) < 40);
}

static void cutting_keeps_families_apart(void)
{
    for (size_t i = 0; i < 100; i++) s[i] = row((int64_t)i, i < 60 ? SPB_INT32 : SPB_DOUBLE, 0);
    s[3].flags = HIST_NULL;
    s[3].type = SPB_STRING;
    CHECK_INT(hist__block_cut(s, 100, 1024), 60);
    CHECK_INT(hist__block_cut(s, 100, 10), 10);
    CHECK_INT(hist__block_cut(s + 60, 40, 1024), 40);
}

static void the_summary_is_the_brute_force_one(void)
{
    hist__summary sum;
    s[0] = row(1000, SPB_DOUBLE, word64(2.0));
    s[1] = row(2000, SPB_DOUBLE, word64(4.0));
    s[2] = row(2500, SPB_DOUBLE, word64(100.0));
    s[2].quality = SPB_BAD;
    s[3] = row(3000, SPB_DOUBLE, word64(NAN));
    s[4] = row(4000, SPB_DOUBLE, word64(-1.0));
    s[4].quality = SPB_UNCERTAIN;
    s[5] = row(6000, SPB_DOUBLE, 0);
    s[5].flags = HIST_STATE;
    hist__summarize(s, 6, &sum);
    CHECK_INT(sum.rows, 6);
    CHECK_INT(sum.samples, 5);
    CHECK_INT(sum.good, 3);
    CHECK_INT(sum.bad, 1);
    CHECK_INT(sum.uncertain, 1);
    CHECK_INT(sum.nums, 3);
    CHECK(sum.min == -1 && sum.max == 4 && sum.sum == 5 && sum.first == 2 && sum.last == -1);
    CHECK_INT(sum.area_ms, 1000 + 500 + 2000);
    CHECK(sum.area == 2.0 * 1000 + 4.0 * 500 - 1.0 * 2000);
    CHECK(!sum.open);
    double mean = 5.0 / 3;
    CHECK(fabs(sum.m2 - ((2 - mean) * (2 - mean) + (4 - mean) * (4 - mean) + (-1 - mean) * (-1 - mean))) < 1e-9);
}

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
    static const struct { const char *what; uint8_t type; uint64_t words[4]; bool columns; } rows[] = {
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
        for (size_t i = 0; i < 100; i++) s[i] = row((int64_t)i * 7 - 200, rows[k].type, rows[k].words[i % 4]);
        CHECK_ROW(rows[k].what, as_columns(rows[k].what, 100) == (rows[k].columns ? 100 : 0));
    }
    static const struct { const char *what; uint8_t quality, flags; size_t first, columns; } marks[] = {
        { "good", SPB_GOOD, 0, 0, 100 }, { "historical", SPB_GOOD, HIST_HISTORICAL, 0, 100 }, { "uncertain", SPB_UNCERTAIN, 0, 0, 0 },
        { "bad", SPB_BAD, 0, 0, 0 }, { "one stale", SPB_STALE, 0, 99, 0 }, { "one null", SPB_GOOD, HIST_NULL, 99, 0 }, { "one state", SPB_GOOD, HIST_STATE, 99, 0 },
    };
    for (size_t k = 0; k < PT_COUNT_OF(marks); k++) {
        for (size_t i = 0; i < 100; i++) {
            s[i] = row((int64_t)i, SPB_INT32, i);
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
    static const struct { const char *what; int64_t times[3]; bool ascending; } rows[] = {
        { "all of time", { INT64_MIN, 0, INT64_MAX }, true }, { "round the end", { INT64_MAX - 1, INT64_MAX, INT64_MIN }, false },
        { "equal", { 1, 2, 2 }, false }, { "back", { 1, 3, 2 }, false }, { "far back", { 5, INT64_MIN, 6 }, false }, { "a step", { -1, 0, 1 }, true },
    };
    pt_buf blob;
    hist__rows out;
    pt_buf_init(&blob, HIST__BLOCK_BYTES_MAX);
    hist__rows_init(&out);
    for (size_t k = 0; k < PT_COUNT_OF(rows); k++) {
        for (size_t i = 0; i < 3; i++) s[i] = row(rows[k].times[i], SPB_DOUBLE, word64((double)i));
        CHECK_OK_FATAL(hist__block_encode(codec, 77, s, 3, &blob));
        CHECK_ROW(rows[k].what, hist__block_decode(codec, blob.ptr, blob.len, NULL, &out, NULL) == (rows[k].ascending ? PT_OK : PT_ECORRUPT));
    }
    hist__rows_fini(&out);
    pt_buf_fini(&blob);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(good_numbers_come_as_columns_and_nothing_else_does),
        PT_TEST(times_that_do_not_ascend_are_refused),
        PT_TEST(a_two_decimal_sine_takes_under_two_bytes),
        PT_TEST(every_family_round_trips),
        PT_TEST(strings_share_a_dictionary),
        PT_TEST(nulls_states_and_qualities_are_kept),
        PT_TEST(cutting_keeps_families_apart),
        PT_TEST(the_summary_is_the_brute_force_one),
    };
    if (hist__codec_new(&codec) != PT_OK) return 1;
    int rc = pt_test_main("historian/block", tests, PT_COUNT_OF(tests), argc, argv);
    hist__codec_free(codec);
    return rc;
}
