/* tests/historian/zone_test.c -- days of 23 and 25 hours, months, and files that are none. */
#include "historian/read/zone.h"
#include "base/timestamp.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const int64_t HOUR = 3600000, DAY = 86400000;

static int64_t at(const char *text)
{
    int64_t ms = 0;
    pt_error err = { 0 };
    CHECK_OK_FATAL(pt_time_parse(pt_cstr(text), 0, &ms, &err));
    return ms;
}

static hist_zone *zone(const char *name)
{
    hist_zone *z = NULL;
    pt_error err = { 0 };
    pt_status st = hist_zone_open(NULL, pt_cstr(name), &z, &err);
    if (st != PT_OK) printf("%s\n", err.text);
    CHECK_OK_FATAL(st);
    return z;
}

static size_t edges_of(const char *name, const char *span, const char *from, const char *to, int64_t *out, size_t cap)
{
    hist_zone *z = zone(name);
    hist_span s;
    int64_t *edges = NULL;
    size_t n = 0;
    CHECK_OK_FATAL(hist_span_parse(pt_cstr(span), &s, NULL));
    CHECK_OK_FATAL(hist_zone_edges(z, s, at(from), at(to), cap, &edges, &n, NULL));
    if (n) memcpy(out, edges, n * sizeof *out);
    free(edges);
    hist_zone_close(z);
    return n;
}

static void days_have_23_and_25_hours_when_the_clock_is_changed(void)
{
    int64_t e[20];
    CHECK_INT(edges_of("Europe/Berlin", "1d", "2026-03-27T23:00:00Z", "2026-03-30T22:00:00Z", e, 20), 4);
    CHECK_INT(e[1] - e[0], 24 * HOUR);
    CHECK_INT(e[2] - e[1], 23 * HOUR);
    CHECK_INT(e[3] - e[2], 24 * HOUR);
    CHECK_INT(edges_of("Europe/Berlin", "1d", "2026-10-23T22:00:00Z", "2026-10-26T23:00:00Z", e, 20), 4);
    CHECK_INT(e[2] - e[1], 25 * HOUR);
    CHECK_INT(edges_of("America/New_York", "1d", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z", e, 20), 2);
    CHECK_INT(e[1] - e[0], 25 * HOUR);
    /* midnight itself is skipped there: the day begins at one o'clock */
    CHECK_INT(edges_of("America/Sao_Paulo", "1d", "2018-11-03T03:00:00Z", "2018-11-05T02:00:00Z", e, 20), 3);
    CHECK_INT(e[1] - e[0], 24 * HOUR);
    CHECK_INT(e[2] - e[1], 23 * HOUR);
}

static void hours_and_shifts_follow_the_wall_clock(void)
{
    int64_t e[200];
    CHECK_INT(edges_of("Europe/Berlin", "1h", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", e, 200), 24);
    CHECK_INT(edges_of("Europe/Berlin", "1h", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", e, 200), 26);
    for (int i = 1; i < 26; i++)
        CHECK_INT(e[i] - e[i - 1], HOUR);
    CHECK_INT(edges_of("Europe/Berlin", "15m", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", e, 200), 101);
    CHECK_INT(edges_of("Europe/Berlin", "8h", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", e, 200), 4);
    CHECK_INT(e[1], at("2026-10-25T07:00:00Z")); /* 08:00 there, after nine hours */
    CHECK_INT(edges_of("Europe/Berlin", "2h", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", e, 200), 13);
    CHECK_INT(e[2] - e[1], HOUR); /* 02:00 to 04:00, of which one hour was */
    CHECK_INT(edges_of("Asia/Kolkata", "1h", "2026-01-01T00:00:00Z", "2026-01-01T03:00:00Z", e, 200), 5);
    CHECK_INT(e[1], at("2026-01-01T00:30:00Z"));
    CHECK_INT(edges_of("Australia/Lord_Howe", "1h", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z", e, 200),
              25); /* half an hour is turned back */
}

static void weeks_months_and_years_are_those_of_the_calendar(void)
{
    int64_t e[40];
    CHECK_INT(edges_of("Europe/Berlin", "1w", "2026-03-17T00:00:00Z", "2026-04-01T00:00:00Z", e, 40), 4);
    CHECK_INT(e[1], at("2026-03-22T23:00:00Z")); /* Monday, 23 March */
    CHECK_INT(e[2], at("2026-03-29T22:00:00Z"));
    CHECK_INT(edges_of("Europe/Berlin", "1mo", "2025-12-31T23:00:00Z", "2026-12-31T23:00:00Z", e, 40), 13);
    CHECK_INT(e[1] - e[0], 31 * DAY);
    CHECK_INT(e[2] - e[1], 28 * DAY);
    CHECK_INT(e[3] - e[2], 31 * DAY - HOUR);
    CHECK_INT(e[10] - e[9], 31 * DAY + HOUR);
    CHECK_INT(edges_of("UTC", "3mo", "2024-02-15T00:00:00Z", "2024-12-31T00:00:00Z", e, 40), 5);
    CHECK_INT(e[1], at("2024-04-01T00:00:00Z"));
    CHECK_INT(edges_of("UTC", "1y", "2023-06-01T00:00:00Z", "2025-06-01T00:00:00Z", e, 40), 4);
    CHECK_INT(e[2] - e[1], 366 * DAY);
    CHECK_INT(edges_of("UTC", "1d", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", e, 40), 0);
}

/* Every hour of 80 years, in zones of both halves of the earth, against the C library (which changes the process's zone: only a test may).
 */
static void offsets_are_those_of_the_c_library(void)
{
    static const char *const names[] = { "Europe/Berlin",  "America/New_York", "America/Sao_Paulo", "Australia/Sydney",
                                         "Asia/Kathmandu", "Pacific/Apia",     "Africa/Casablanca", "Europe/Dublin" };
    for (size_t i = 0; i < PT_COUNT_OF(names); i++) {
        hist_zone *z = zone(names[i]);
        setenv("TZ", names[i], 1);
        tzset();
        unsigned wrong = 0;
        for (int64_t s = 0; s < INT64_C(80) * 365 * 86400; s += 3 * 3600) {
            time_t t = (time_t)s;
            struct tm tm;
            localtime_r(&t, &tm);
            wrong += tm.tm_gmtoff != hist_zone_offset(z, s * 1000);
        }
        CHECK_ROW(names[i], wrong == 0);
        hist_zone_close(z);
    }
    unsetenv("TZ");
}

static void what_is_no_zone_is_refused(void)
{
    static const struct {
        const char *name;
        pt_status st;
    } rows[] = { { "", PT_EINVAL },
                 { "../etc/passwd", PT_EINVAL },
                 { "/etc/localtime", PT_EINVAL },
                 { "Europe/../../x", PT_EINVAL },
                 { "Europe/Atlantis", PT_ENOTFOUND },
                 { "Europe", PT_ENOTFOUND },
                 { "CET-1", PT_ENOTFOUND } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        hist_zone *z = NULL;
        pt_error err = { 0 };
        CHECK_ROW(rows[i].name, hist_zone_open(NULL, pt_cstr(rows[i].name), &z, &err) == rows[i].st && z == NULL && err.text[0]);
    }
    const char *dir = pt_test_dir();
    char path[600];
    snprintf(path, sizeof path, "%s/Bad", dir);
    static uint8_t bytes[100000];
    FILE *f = fopen("/usr/share/zoneinfo/Europe/Berlin", "r");
    CHECK_FATAL(f != NULL);
    size_t len = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    for (size_t cut = 0; cut < len; cut += 7) { /* a file cut anywhere is none */
        hist_zone *z = NULL;
        f = fopen(path, "w");
        CHECK_FATAL(f && fwrite(bytes, 1, cut, f) == cut && fclose(f) == 0);
        CHECK_STATUS(hist_zone_open(dir, PT_LIT("Bad"), &z, NULL), PT_EMALFORMED);
    }
}

static void intervals_are_read(void)
{
    static const struct {
        const char *text;
        int64_t ms, months;
        bool good;
    } rows[] = { { "15m", 900000, 0, true }, { "1d", 86400000, 0, true }, { "2w", 14 * 86400000LL, 0, true },
                 { "1mo", 0, 1, true },      { "2y", 0, 24, true },       { "7m", 0, 0, false },
                 { "36h", 0, 0, false },     { "0mo", 0, 0, false },      { "mo", 0, 0, false },
                 { "soon", 0, 0, false },    { "0s", 0, 0, false } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        hist_span s;
        pt_error err = { 0 };
        bool good = hist_span_parse(pt_cstr(rows[i].text), &s, &err) == PT_OK;
        CHECK_ROW(rows[i].text, good == rows[i].good && (good ? s.ms == rows[i].ms && s.months == rows[i].months : err.text[0] != 0));
    }
    hist_zone *z = zone("UTC");
    int64_t *e = NULL;
    size_t n = 0;
    CHECK_STATUS(hist_zone_edges(z, (hist_span){ .ms = 1000 }, 0, 1000000, 100, &e, &n, NULL), PT_ETOOBIG);
    CHECK_STATUS(hist_zone_edges(z, (hist_span){ 0 }, 0, 1000000, 100, &e, &n, NULL), PT_EINVAL);
    CHECK_STATUS(hist_zone_edges(z, (hist_span){ .ms = DAY }, INT64_MIN, INT64_MAX, 100, &e, &n, NULL), PT_ETOOBIG);
    hist_zone_close(z);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(days_have_23_and_25_hours_when_the_clock_is_changed),
        PT_TEST(hours_and_shifts_follow_the_wall_clock),
        PT_TEST(weeks_months_and_years_are_those_of_the_calendar),
        PT_TEST(offsets_are_those_of_the_c_library),
        PT_TEST(what_is_no_zone_is_refused),
        PT_TEST(intervals_are_read),
    };
    (void)argc;
    return pt_test_main("historian/zone", tests, PT_COUNT_OF(tests), 1, argv);
}
