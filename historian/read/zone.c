/* historian/read/zone.c -- TZif files and their rule as one list of changes; edges of calendar intervals. */
#include "historian/read/zone.h"

#include "base/calendar.h"
#include "base/timestamp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 20, YEAR_LAST = 2200, DAY_S = 86400 };
#define DAY_MS INT64_C(86400000)

typedef struct change {
    int64_t at_s; /* from here on, UTC */
    int32_t offset_s;
} change;

struct hist_zone {
    int32_t first_s; /* before the first change */
    change *changes; /* owned, ascending */
    size_t n, cap;
};

void hist_zone_close(hist_zone *z)
{
    if (!z) return;
    free(z->changes);
    free(z);
}

/* ---- months -------------------------------------------------------------------------------------------------- */

/* Months since year 0 of the day. */
static int64_t month_of(int64_t days)
{
    pt_date d = pt_date_of_days(days);
    return d.year * 12 + d.month - 1;
}

static int64_t day_of_month(int64_t months)
{
    return pt_days_of_date(pt_floor_div(months, 12), months - pt_floor_div(months, 12) * 12 + 1, 1);
}

/* ---- the list of changes ---------------------------------------------------------------------------------- */

static pt_status add(hist_zone *z, int64_t at_s, int32_t offset_s)
{
    if (z->n && z->changes[z->n - 1].at_s >= at_s) return PT_OK; /* the rule begins within the list */
    if (offset_s == (z->n ? z->changes[z->n - 1].offset_s : z->first_s)) return PT_OK;
    if (z->n == z->cap) {
        size_t cap = z->cap ? z->cap * 2 : 256;
        change *all = realloc(z->changes, cap * sizeof *all);
        if (!all) return PT_ENOMEM;
        z->changes = all;
        z->cap = cap;
    }
    z->changes[z->n++] = (change){ at_s, offset_s };
    return PT_OK;
}

/* Index of the change that holds at `s`; -1: before the first. */
static int64_t find(const hist_zone *z, int64_t s)
{
    size_t lo = 0, hi = z->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (z->changes[mid].at_s <= s) lo = mid + 1;
        else hi = mid;
    }
    return (int64_t)lo - 1;
}

static int32_t offset_at(const hist_zone *z, int64_t index)
{
    return index < 0 ? z->first_s : z->changes[index].offset_s;
}

int32_t hist_zone_offset(const hist_zone *z, int64_t utc_ms)
{
    return offset_at(z, find(z, pt_floor_div(utc_ms, 1000)));
}

/* ---- the rule at the end of a file: CET-1CEST,M3.5.0,M10.5.0/3 --------------------------------------------- */

typedef struct date_rule {
    enum { JULIAN, DAY, MONTH } kind;
    int64_t month, week, day, time_s;
} date_rule;

static bool get_name(pt_slice *s)
{
    size_t n = 0;
    if (s->len && s->ptr[0] == '<') {
        while (n < s->len && s->ptr[n] != '>')
            n++;
        if (n++ == s->len) return false;
    } else {
        while (n < s->len && ((s->ptr[n] | 32) >= 'a' && (s->ptr[n] | 32) <= 'z'))
            n++;
        if (n < 3) return false;
    }
    *s = pt_slice_from(*s, n);
    return true;
}

static bool get_char(pt_slice *s, char c)
{
    if (!s->len || s->ptr[0] != c) return false;
    *s = pt_slice_from(*s, 1);
    return true;
}

static bool get_number(pt_slice *s, int64_t max, int64_t *out)
{
    size_t n = 0;
    *out = 0;
    while (n < s->len && n < 5 && s->ptr[n] >= '0' && s->ptr[n] <= '9')
        *out = *out * 10 + (s->ptr[n++] - '0');
    *s = pt_slice_from(*s, n);
    return n > 0 && *out <= max;
}

/* [+-]hh[:mm[:ss]] */
static bool get_time(pt_slice *s, int64_t *out)
{
    int64_t part[3] = { 0 };
    bool minus = get_char(s, '-');
    if (!minus) get_char(s, '+');
    for (int i = 0; i < 3; i++) {
        if (i && !get_char(s, ':')) break;
        if (!get_number(s, i ? 59 : 167, &part[i])) return false;
    }
    *out = part[0] * 3600 + part[1] * 60 + part[2];
    if (minus) *out = -*out;
    return true;
}

static bool get_rule(pt_slice *s, date_rule *r)
{
    *r = (date_rule){ .kind = DAY, .time_s = 7200 };
    if (!get_char(s, ',')) return false;
    if (get_char(s, 'M')) {
        r->kind = MONTH;
        if (!get_number(s, 12, &r->month) || r->month < 1 || !get_char(s, '.') || !get_number(s, 5, &r->week) || r->week < 1 ||
            !get_char(s, '.') || !get_number(s, 6, &r->day))
            return false;
    } else {
        if (get_char(s, 'J')) r->kind = JULIAN;
        if (!get_number(s, 365, &r->day)) return false;
    }
    return !get_char(s, '/') || get_time(s, &r->time_s);
}

/* Local second of the rule's moment in a year. */
static int64_t moment(const date_rule *r, int64_t year)
{
    int64_t day = 0;
    if (r->kind == MONTH) {
        int64_t first = pt_days_of_date(year, r->month, 1),
                next = r->month == 12 ? pt_days_of_date(year + 1, 1, 1) : pt_days_of_date(year, r->month + 1, 1);
        int64_t weekday = (first % 7 + 7 + 4) % 7; /* 1970-01-01 was a Thursday */
        day = first + (r->day - weekday + 7) % 7 + (r->week - 1) * 7;
        while (day >= next)
            day -= 7;
    } else if (r->kind == JULIAN) { /* February 29 is never counted */
        bool leap = pt_days_of_date(year, 3, 1) - pt_days_of_date(year, 2, 1) == 29;
        day = pt_days_of_date(year, 1, 1) + r->day - 1 + (leap && r->day > 59);
    } else {
        day = pt_days_of_date(year, 1, 1) + r->day;
    }
    return day * DAY_S + r->time_s;
}

static pt_status add_rule(hist_zone *z, pt_slice text)
{
    int64_t standard = 0, summer = 0;
    date_rule begin, end;
    if (text.len == 0) return PT_OK;
    if (!get_name(&text) || !get_time(&text, &standard)) return PT_EMALFORMED;
    standard = -standard; /* POSIX counts westward */
    if (text.len == 0) return z->n ? PT_OK : (z->first_s = (int32_t)standard, PT_OK);
    summer = standard + 3600;
    if (!get_name(&text)) return PT_EMALFORMED;
    if (text.len && text.ptr[0] != ',') {
        if (!get_time(&text, &summer)) return PT_EMALFORMED;
        summer = -summer;
    }
    if (!get_rule(&text, &begin) || !get_rule(&text, &end) || text.len) return PT_EMALFORMED;
    int64_t year = z->n ? pt_floor_div(month_of(pt_floor_div(z->changes[z->n - 1].at_s, DAY_S)), 12) : 1970;
    pt_status st = PT_OK;
    for (; st == PT_OK && year < YEAR_LAST; year++) {
        change a = { moment(&begin, year) - standard, (int32_t)summer }, b = { moment(&end, year) - summer, (int32_t)standard };
        if (b.at_s < a.at_s) { /* the southern half */
            change c = a;
            a = b;
            b = c;
        }
        st = add(z, a.at_s, a.offset_s);
        if (st == PT_OK) st = add(z, b.at_s, b.offset_s);
    }
    return st;
}

/* ---- the file ---------------------------------------------------------------------------------------------- */

static int64_t big(const uint8_t *p, unsigned n)
{
    uint64_t v = n == 4 && p[0] & 0x80 ? UINT64_MAX : 0;
    while (n--)
        v = v << 8 | *p++;
    return (int64_t)v;
}

typedef struct header {
    uint64_t utc_local, standard_wall, leaps, times, types, chars;
} header;

static bool get_header(const uint8_t *p, size_t len, header *h)
{
    if (len < 44 || memcmp(p, "TZif", 4) != 0) return false;
    uint64_t *all[] = { &h->utc_local, &h->standard_wall, &h->leaps, &h->times, &h->types, &h->chars };
    for (size_t i = 0; i < PT_COUNT_OF(all); i++) {
        *all[i] = (uint64_t)big(p + 20 + 4 * i, 4);
        if (*all[i] > 100000) return false;
    }
    return h->types > 0;
}

static size_t body_size(const header *h, size_t width)
{
    return h->times * width + h->times + h->types * 6 + h->chars + h->leaps * (width + 4) + h->standard_wall + h->utc_local;
}

static pt_status parse(hist_zone *z, const uint8_t *p, size_t len)
{
    header h;
    if (!get_header(p, len, &h) || p[4] < '2') return PT_EMALFORMED; /* version 1 has no 64-bit data; nobody writes it any more */
    size_t skip = 44 + body_size(&h, 4);
    if (skip > len || !get_header(p + skip, len - skip, &h)) return PT_EMALFORMED;
    p += skip + 44;
    len -= skip + 44;
    size_t size = body_size(&h, 8);
    if (size > len) return PT_EMALFORMED;
    const uint8_t *index = p + h.times * 8, *types = index + h.times;
    z->first_s = (int32_t)big(types, 4);
    pt_status st = PT_OK;
    int64_t before = INT64_MIN;
    for (uint64_t i = 0; st == PT_OK && i < h.times; i++) {
        int64_t at = big(p + i * 8, 8);
        if (index[i] >= h.types || at <= before) return PT_EMALFORMED;
        before = at;
        st = add(z, at, (int32_t)big(types + index[i] * 6, 4));
    }
    if (st != PT_OK) return st;
    const char *rule = (const char *)p + size;
    size_t left = len - size;
    if (left < 2 || rule[0] != '\n') return PT_EMALFORMED;
    const char *end = memchr(rule + 1, '\n', left - 1);
    return end ? add_rule(z, pt_slice_of(rule + 1, (size_t)(end - rule - 1))) : PT_EMALFORMED;
}

static bool is_name(pt_slice name)
{
    if (name.len == 0 || name.len > 100 || name.ptr[0] == '/' || name.ptr[0] == '.') return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9');
        if (!letter && (c == 0 || !strchr("_+-/", c))) return false; /* no dot: no way out of the directory */
    }
    return true;
}

static pt_status read_file(const char *path, uint8_t **out, size_t *len, pt_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return pt_fail_errno(err, errno, path);
    uint8_t *bytes = malloc(FILE_MAX);
    pt_status st = bytes ? PT_OK : pt_fail(err, PT_ENOMEM, "out of memory");
    size_t n = 0;
    while (st == PT_OK && n < FILE_MAX) {
        ssize_t got = read(fd, bytes + n, FILE_MAX - n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) st = pt_fail(err, errno == EISDIR ? PT_ENOTFOUND : pt_status_from_errno(errno), "%s: %s", path, pt_errno_text(errno));
        if (got <= 0) break;
        n += (size_t)got;
    }
    close(fd);
    if (st != PT_OK) {
        free(bytes);
        return st;
    }
    *out = bytes;
    *len = n;
    return PT_OK;
}

pt_status hist_zone_open(const char *dir, pt_slice name, hist_zone **out, pt_error *err)
{
    char path[600];
    uint8_t *bytes = NULL;
    size_t len = 0;
    if (!is_name(name)) return pt_fail(err, PT_EINVAL, "'%.*s' is no name of a time zone (such as Europe/Berlin)", PT_SLICE_ARGS(name));
    hist_zone *z = calloc(1, sizeof *z);
    if (!z) return pt_fail(err, PT_ENOMEM, "out of memory");
    pt_status st = PT_OK;
    if (!pt_slice_eq_cstr(name, "UTC")) {
        int n = snprintf(path, sizeof path, "%s/%.*s", dir ? dir : "/usr/share/zoneinfo", PT_SLICE_ARGS(name));
        st = n < (int)sizeof path ? read_file(path, &bytes, &len, err) : pt_fail(err, PT_EINVAL, "the name of the time zone is too long");
        if (st == PT_ENOTFOUND) pt_fail(err, st, "time zone %.*s: there is no %s (package tzdata)", PT_SLICE_ARGS(name), path);
        if (st == PT_OK) {
            st = parse(z, bytes, len);
            if (st != PT_OK) pt_fail(err, st, "%s: not a time zone file", path);
        }
        free(bytes);
    }
    if (st != PT_OK) {
        hist_zone_close(z);
        return st;
    }
    *out = z;
    return PT_OK;
}

/* ---- intervals ---------------------------------------------------------------------------------------------- */

pt_status hist_span_parse(pt_slice text, hist_span *out, pt_error *err)
{
    static const struct {
        const char *unit;
        int64_t months;
    } units[] = { { "mo", 1 }, { "y", 12 } };
    *out = (hist_span){ 0 };
    for (size_t i = 0; i < PT_COUNT_OF(units); i++) {
        size_t len = strlen(units[i].unit);
        uint64_t n = 0;
        if (text.len <= len || memcmp(text.ptr + text.len - len, units[i].unit, len) != 0) continue;
        if (!pt_slice_to_u64(pt_slice_of(text.ptr, text.len - len), &n)) continue;
        if (n < 1 || n > 12000) return pt_fail(err, PT_EINVAL, "'%.*s': 1 to 12000 months or years", PT_SLICE_ARGS(text));
        out->months = (int64_t)n * units[i].months;
        return PT_OK;
    }
    pt_status st = pt_duration_parse(text, &out->ms, err);
    if (st != PT_OK) return st;
    bool fits = out->ms > 0 && (out->ms < DAY_MS ? DAY_MS % out->ms == 0 : out->ms % DAY_MS == 0);
    return fits ? PT_OK : pt_fail(err, PT_EINVAL, "'%.*s' neither divides a day nor is whole days, months or years", PT_SLICE_ARGS(text));
}

/* Which interval a moment of wall-clock time (ms since 1970 as if it were UTC) is in; and where the interval begins. */
static int64_t label_of(hist_span span, int64_t local_ms)
{
    if (span.months) return pt_floor_div(month_of(pt_floor_div(local_ms, DAY_MS)), span.months);
    int64_t shift = span.ms == 7 * DAY_MS ? 3 * DAY_MS : 0; /* 1970-01-01 was a Thursday */
    return pt_floor_div(local_ms + shift, span.ms);
}

static int64_t start_of(hist_span span, int64_t label)
{
    if (span.months) return day_of_month(label * span.months) * DAY_MS;
    return label * span.ms - (span.ms == 7 * DAY_MS ? 3 * DAY_MS : 0);
}

typedef struct edge_list {
    int64_t *at;
    size_t n, cap, max;
} edge_list;

static pt_status add_edge(edge_list *l, int64_t at, pt_error *err)
{
    if (l->n == l->max) return pt_fail(err, PT_ETOOBIG, "more than %zu intervals", l->max);
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 64;
        int64_t *all = realloc(l->at, cap * sizeof *all);
        if (!all) return pt_fail(err, PT_ENOMEM, "out of memory");
        l->at = all;
        l->cap = cap;
    }
    l->at[l->n++] = at;
    return PT_OK;
}

pt_status hist_zone_edges(const hist_zone *z, hist_span span, int64_t from_ms, int64_t to_ms, size_t max, int64_t **edges, size_t *n,
                          pt_error *err)
{
    const int64_t far = INT64_C(8000000000000000); /* year 255000: the calendar's arithmetic stays in range */
    edge_list l = { .max = max };
    *edges = NULL;
    *n = 0;
    if (span.ms <= 0 && span.months <= 0) return pt_fail(err, PT_EINVAL, "the interval must be positive");
    if (from_ms >= to_ms) return PT_OK;
    if (from_ms < -far || to_ms > far) return pt_fail(err, PT_ETOOBIG, "the range is too long");
    int64_t index = find(z, pt_floor_div(from_ms, 1000)), offset_ms = (int64_t)offset_at(z, index) * 1000,
            label = label_of(span, from_ms + offset_ms);
    pt_status st = add_edge(&l, from_ms, err);
    while (st == PT_OK) {
        int64_t change_ms = index + 1 < (int64_t)z->n && z->changes[index + 1].at_s < far / 1000 ? z->changes[index + 1].at_s * 1000 : far;
        int64_t next = start_of(span, label + 1) - offset_ms;
        if (next < change_ms) {
            if (next >= to_ms) break;
            label++;
            if (next > l.at[l.n - 1]) st = add_edge(&l, next, err);
            continue;
        }
        if (change_ms >= to_ms) break;
        int64_t new_ms = (int64_t)offset_at(z, ++index) * 1000, there = label_of(span, change_ms + new_ms);
        bool again = new_ms < offset_ms && span.ms > 0 && span.ms <= offset_ms - new_ms; /* a whole interval comes a second time */
        offset_ms = new_ms;
        if (again) label = there;
        if ((again && start_of(span, there) - offset_ms == change_ms) || there > label) {
            label = there;
            if (change_ms > l.at[l.n - 1]) st = add_edge(&l, change_ms, err);
        }
    }
    if (st == PT_OK) st = add_edge(&l, to_ms, err);
    if (st != PT_OK) {
        free(l.at);
        return st;
    }
    *edges = l.at;
    *n = l.n;
    return PT_OK;
}
