/* tests/base/timestamp_test.c */
#include "base/timestamp.h"
#include "base/random.h"
#include "tests/support/check.h"

static const int64_t NOW = 1763848992123; /* 2025-11-22T22:03:12.123Z */

static void times_are_read_as_the_contract_writes_them(void)
{
    static const struct {
        const char *text;
        int64_t want;
    } rows[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "2025-11-22T22:03:12.123Z", 1763848992123 },
        { "2025-11-22 22:03:12.123z", 1763848992123 },
        { "2025-11-22t22:03:12.123999999Z", 1763848992123 },
        { "2025-11-22T22:03:12.1Z", 1763848992100 },
        { "2025-11-22T23:03:12.123+01:00", 1763848992123 },
        { "2025-11-22T16:33:12.123-0530", 1763848992123 },
        { "2025-11-22T23:03:12.123+01", 1763848992123 },
        { "2025-11-22T22:03Z", 1763848980000 },
        { "2025-11-22", 1763769600000 },
        { "2024-02-29", 1709164800000 },
        { "2000-02-29T00:00:00Z", 951782400000 },
        { "1969-12-31T23:59:59.999Z", -1 },
        { "0000-01-01T00:00:00Z", -62167219200000 },
        { "9999-12-31T23:59:59.999Z", 253402300799999 },
        { "2016-12-31T23:59:60Z", 1483228800000 },
        { "1763848992123", 1763848992123 },
        { "-5", -5 },
        { "0", 0 },
        { "now", 1763848992123 },
        { "now-8h", 1763848992123 - 28800000 },
        { "now+90s", 1763848992123 + 90000 },
        { "now-1h30m", 1763848992123 - 5400000 },
        { "now-1h-30m", 1763848992123 - 5400000 },
        { "now/d", 1763769600000 },
        { "now-1d/d", 1763683200000 },
        { "now/h", 1763848800000 },
        { "now/m", 1763848980000 },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        int64_t got = 77;
        pt_error err = { 0 };
        CHECK_ROW(rows[i].text, pt_time_parse(pt_cstr(rows[i].text), NOW, &got, &err) == PT_OK);
        CHECK_ROW(rows[i].text, got == rows[i].want);
    }
}

static void what_is_no_time_is_refused_and_nothing_is_written(void)
{
    static const struct {
        const char *text;
    } rows[] = {
        { "" },
        { " " },
        { "yesterday" },
        { "2025-11-22T22:03:12" },
        { "2025-13-01" },
        { "2025-00-01" },
        { "2025-11-31" },
        { "2023-02-29" },
        { "1900-02-29" },
        { "2025-11-22T24:00:00Z" },
        { "2025-11-22T22:60:00Z" },
        { "2025-11-22T22:03:61Z" },
        { "2025-11-22T22:03:12.Z" },
        { "2025-11-22T22:03:12.1234567890Z" },
        { "2025-11-22T22:03:12+1:00" },
        { "2025-11-22T22:03:12+24:00" },
        { "2025-11-22T22:03:12Zx" },
        { "2025-11-22T" },
        { "2025-11-2" },
        { "25-11-22" },
        { "now8h" },
        { "now-" },
        { "now-8" },
        { "now-8x" },
        { "now/" },
        { "now/w" },
        { "now/dd" },
        { "now--8h" },
        { "nowhere" },
        { "9223372036854775807" },
        { "99999999999999999999" },
        { "now+300000y" },
        { "now-9000000000000000000ms" },
        { "1.5" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        int64_t got = 77;
        pt_error err = { 0 };
        CHECK_ROW(rows[i].text, pt_time_parse(pt_slice_of(rows[i].text, strlen(rows[i].text)), NOW, &got, &err) == PT_EMALFORMED);
        CHECK_ROW(rows[i].text, got == 77 && err.text[0]);
        CHECK_ROW(rows[i].text, pt_time_parse(pt_slice_of(rows[i].text, strlen(rows[i].text)), NOW, &got, NULL) == PT_EMALFORMED);
    }
}

static void every_written_time_is_read_back(void)
{
    pt_random r = pt_random_seed(7);
    int bad = 0;
    for (int i = 0; i < 100000; i++) {
        char text[PT_RFC3339_MAX];
        int64_t ms = -62167219200000 + (int64_t)pt_random_below(&r, 315569519999999u), back = 0;
        size_t n = pt_rfc3339_format(ms, text);
        bad += n != 24 || pt_time_parse(pt_cstr(text), 0, &back, NULL) != PT_OK || back != ms;
    }
    CHECK_INT(bad, 0);
}

static void times_outside_the_calendar_are_plain_numbers(void)
{
    char text[PT_RFC3339_MAX];
    CHECK_INT(pt_rfc3339_format(253402300800000, text), 15);
    CHECK_STR(pt_cstr(text), "253402300800000");
    pt_rfc3339_format(INT64_MIN, text);
    CHECK_STR(pt_cstr(text), "-9223372036854775808");
    pt_rfc3339_format(INT64_MAX, text);
    CHECK_STR(pt_cstr(text), "9223372036854775807");
}

static void durations_have_units(void)
{
    static const struct {
        const char *text;
        int64_t want;
    } rows[] = {
        { "0", 0 },
        { "0s", 0 },
        { "250ms", 250 },
        { "30s", 30000 },
        { "15m", 900000 },
        { "15min", 900000 },
        { "8h", 28800000 },
        { "7d", 604800000 },
        { "2w", 1209600000 },
        { "5y", 157680000000 },
        { "1h30m", 5400000 },
        { "1.5h", 5400000 },
        { "0.5s", 500 },
        { "1d2h3m4s5ms", 93784005 },
        { "", -1 },
        { "5", -1 },
        { "-5s", -1 },
        { "5 s", -1 },
        { "s", -1 },
        { "5s ", -1 },
        { "5H", -1 },
        { "1e3s", -1 },
        { ".", -1 },
        { "1..5s", -1 },
        { "9999999999999999999y", -1 },
        { "200000000y200000000y", -1 },
        { "5sx", -1 },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        int64_t got = -1;
        pt_status st = pt_duration_parse(pt_cstr(rows[i].text), &got, NULL);
        CHECK_ROW(rows[i].text, st == (rows[i].want < 0 ? PT_EMALFORMED : PT_OK) && got == rows[i].want);
    }
}

static void durations_are_written_in_their_largest_exact_unit(void)
{
    static const struct {
        int64_t ms;
        const char *want;
    } rows[] = {
        { 0, "0ms" }, { 1, "1ms" }, { 1500, "1500ms" }, { 90000, "90s" }, { 60000, "1m" }, { 3600000, "1h" }, { 172800000, "2d" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char text[32];
        pt_duration_format(rows[i].ms, text);
        CHECK_STR(pt_cstr(text), rows[i].want);
    }
}

static void sizes_are_written_in_their_largest_exact_unit(void)
{
    static const struct {
        uint64_t n;
        const char *want;
    } rows[] = {
        { 0, "0" },
        { 1000, "1kB" },
        { 1000000000000000, "1000TB" },
        { 1024000, "1024kB" },
        { 1024, "1KiB" },
        { 1536, "1536" },
        { 536870912, "512MiB" },
        { 1ull << 50, "1024TiB" },
        { UINT64_MAX, "18446744073709551615" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char text[32];
        pt_bytes_format(rows[i].n, text);
        CHECK_STR(pt_cstr(text), rows[i].want);
    }
}

static void sizes_are_binary_or_decimal_as_written(void)
{
    static const struct {
        const char *text;
        int64_t want;
    } rows[] = {
        { "0", 0 },
        { "4096", 4096 },
        { "64KiB", 65536 },
        { "512MiB", 536870912 },
        { "200GiB", 214748364800 },
        { "1TiB", 1099511627776 },
        { "10kB", 10000 },
        { "5MB", 5000000 },
        { "1.5KiB", 1536 },
        { "7B", 7 },
        { "", -1 },
        { "KiB", -1 },
        { "5 MiB", -1 },
        { "5mib", -1 },
        { "-1", -1 },
        { "99999999TiB", -1 },
        { "1KiB2", -1 },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        uint64_t got = UINT64_MAX;
        pt_status st = pt_bytes_parse(pt_cstr(rows[i].text), &got, NULL);
        CHECK_ROW(rows[i].text, st == (rows[i].want < 0 ? PT_EMALFORMED : PT_OK) && got == (uint64_t)rows[i].want);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(times_are_read_as_the_contract_writes_them),
                                     PT_TEST(what_is_no_time_is_refused_and_nothing_is_written),
                                     PT_TEST(every_written_time_is_read_back),
                                     PT_TEST(times_outside_the_calendar_are_plain_numbers),
                                     PT_TEST(durations_have_units),
                                     PT_TEST(durations_are_written_in_their_largest_exact_unit),
                                     PT_TEST(sizes_are_binary_or_decimal_as_written),
                                     PT_TEST(sizes_are_written_in_their_largest_exact_unit) };
    return pt_test_main("base/timestamp", tests, PT_COUNT_OF(tests), argc, argv);
}
