/* base/timestamp.c -- times, durations and sizes as text, no locale, no time zone database. */
#include "base/timestamp.h"

#include "base/calendar.h"

#include <inttypes.h>
#include <stdio.h>

static const int64_t MS_DAY = 86400000;
static const int64_t MAX_TIME = 8640000000000000; /* 100 million days, as in ECMAScript: sums of times cannot overflow */

size_t pt_rfc3339_format(int64_t ms, char out[PT_RFC3339_MAX])
{
    int64_t days = pt_floor_div(ms, MS_DAY), rest = ms % MS_DAY;
    if (rest < 0) rest += MS_DAY;
    pt_date d = pt_date_of_days(days);
    if (d.year < 0 || d.year > 9999) return (size_t)snprintf(out, PT_RFC3339_MAX, "%" PRId64, ms);
    return (size_t)snprintf(out, PT_RFC3339_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)d.year, (int)d.month, (int)d.day,
                            (int)(rest / 3600000), (int)(rest / 60000 % 60), (int)(rest / 1000 % 60), (int)(rest % 1000));
}

static bool digits(pt_slice *s, size_t n, int64_t *out)
{
    int64_t v = 0;
    if (s->len < n) return false;
    for (size_t i = 0; i < n; i++) {
        if (s->ptr[i] < '0' || s->ptr[i] > '9') return false;
        v = v * 10 + (s->ptr[i] - '0');
    }
    *s = pt_slice_from(*s, n);
    *out = v;
    return true;
}

static bool skip(pt_slice *s, char c)
{
    if (s->len == 0 || s->ptr[0] != c) return false;
    *s = pt_slice_from(*s, 1);
    return true;
}

static bool parse_rfc3339(pt_slice s, int64_t *out)
{
    static const int month_days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int64_t y, mo, d, h = 0, mi = 0, sec = 0, frac = 0, offset = 0;
    if (!digits(&s, 4, &y) || !skip(&s, '-') || !digits(&s, 2, &mo) || !skip(&s, '-') || !digits(&s, 2, &d)) return false;
    if (mo < 1 || mo > 12 || d < 1 || d > month_days[mo - 1]) return false;
    if (mo == 2 && d == 29 && !((y % 4 == 0 && y % 100 != 0) || y % 400 == 0)) return false;
    if (s.len) {
        if (!skip(&s, 'T') && !skip(&s, 't') && !skip(&s, ' ')) return false;
        if (!digits(&s, 2, &h) || !skip(&s, ':') || !digits(&s, 2, &mi)) return false;
        if (skip(&s, ':') && !digits(&s, 2, &sec)) return false;
        if (h > 23 || mi > 59 || sec > 60) return false;
        if (skip(&s, '.')) {
            size_t n = 0;
            while (s.len && s.ptr[0] >= '0' && s.ptr[0] <= '9' && n < 9) {
                if (n < 3) frac = frac * 10 + (s.ptr[0] - '0');
                s = pt_slice_from(s, 1);
                n++;
            }
            if (n == 0) return false;
            for (; n < 3; n++)
                frac *= 10;
        }
        if (skip(&s, 'Z') || skip(&s, 'z')) {
            offset = 0;
        } else if (s.len && (s.ptr[0] == '+' || s.ptr[0] == '-')) {
            bool neg = s.ptr[0] == '-';
            int64_t oh, om = 0;
            s = pt_slice_from(s, 1);
            if (!digits(&s, 2, &oh)) return false;
            if (skip(&s, ':') ? !digits(&s, 2, &om) : (s.len && !digits(&s, 2, &om))) return false;
            if (oh > 23 || om > 59) return false;
            offset = (oh * 60 + om) * 60000 * (neg ? -1 : 1);
        } else {
            return false; /* a time of day without a zone is ambiguous */
        }
    }
    if (s.len) return false;
    *out = pt_days_of_date(y, mo, d) * MS_DAY + h * 3600000 + mi * 60000 + sec * 1000 + frac - offset;
    return true;
}

static pt_status parse_now(pt_slice rest, int64_t now_ms, int64_t *out, pt_error *err)
{
    int64_t t = now_ms;
    while (rest.len) {
        pt_slice_holds(rest);
        char op = rest.ptr[0];
        rest = pt_slice_from(rest, 1);
        if (op == '/') {
            if (rest.len != 1) return pt_fail(err, PT_EMALFORMED, "after 'now/' comes one of d h m");
            int64_t unit = rest.ptr[0] == 'd' ? MS_DAY : rest.ptr[0] == 'h' ? 3600000 : rest.ptr[0] == 'm' ? 60000 : 0;
            if (!unit) return pt_fail(err, PT_EMALFORMED, "after 'now/' comes one of d h m");
            t -= ((t % unit) + unit) % unit;
            break;
        }
        if (op != '+' && op != '-') return pt_fail(err, PT_EMALFORMED, "after 'now' comes +, - or /");
        size_t n = 0;
        while (n < rest.len && rest.ptr[n] != '+' && rest.ptr[n] != '-' && rest.ptr[n] != '/')
            n++;
        int64_t by;
        pt_status st = pt_duration_parse((pt_slice){ rest.ptr, n }, &by, err);
        if (st) return st;
        if (by > MAX_TIME || (t = op == '+' ? t + by : t - by) > MAX_TIME || t < -MAX_TIME)
            return pt_fail(err, PT_EMALFORMED, "the time is too far away");
        rest = pt_slice_from(rest, n);
    }
    *out = t;
    return PT_OK;
}

pt_status pt_time_parse(pt_slice s, int64_t now_ms, int64_t *out_ms, pt_error *err)
{
    if (pt_slice_starts(s, PT_LIT("now"))) return parse_now(pt_slice_from(s, 3), now_ms, out_ms, err);
    int64_t ms;
    if (pt_slice_to_i64(s, &ms)) {
        if (ms > MAX_TIME || ms < -MAX_TIME) return pt_fail(err, PT_EMALFORMED, "the time is too far away");
        *out_ms = ms;
        return PT_OK;
    }
    if (parse_rfc3339(s, out_ms)) return PT_OK;
    return pt_fail(err, PT_EMALFORMED, "'%.*s' is no time: use RFC 3339 with a zone, epoch milliseconds, now, or now-8h",
                   (int)(s.len > 60 ? 60 : s.len), s.ptr ? s.ptr : "");
}

typedef struct unit {
    const char *name;
    int64_t factor;
} unit;

static const unit durations[] = { { "ms", 1 },      { "s", 1000 },     { "m", 60000 },     { "min", 60000 },
                                  { "h", 3600000 }, { "d", 86400000 }, { "w", 604800000 }, { "y", 31536000000 } };
static const unit sizes[] = { { "", 1 },
                              { "B", 1 },
                              { "kB", 1000 },
                              { "KB", 1000 },
                              { "MB", 1000000 },
                              { "GB", 1000000000 },
                              { "TB", 1000000000000 },
                              { "KiB", 1024 },
                              { "MiB", 1048576 },
                              { "GiB", 1073741824 },
                              { "TiB", 1099511627776 } };

/* "12.5ms" at the front of *s; units from the table. */
static bool quantity(pt_slice *s, const unit *units, size_t n_units, int64_t *out)
{
    size_t i = 0, point = 0;
    while (i < s->len && ((s->ptr[i] >= '0' && s->ptr[i] <= '9') || (s->ptr[i] == '.' && !point++)))
        i++;
    size_t j = i;
    while (j < s->len && ((s->ptr[j] | 32) >= 'a' && (s->ptr[j] | 32) <= 'z'))
        j++;
    double v;
    if (i == 0 || !pt_slice_to_f64((pt_slice){ s->ptr, i }, &v)) return false;
    for (size_t u = 0; u < n_units; u++) {
        if (!pt_slice_eq_cstr((pt_slice){ s->ptr + i, j - i }, units[u].name)) continue;
        double r = v * (double)units[u].factor;
        if (r > 9e18) return false;
        *out = (int64_t)(r + 0.5);
        *s = pt_slice_from(*s, j);
        return true;
    }
    return false;
}

pt_status pt_duration_parse(pt_slice s, int64_t *out_ms, pt_error *err)
{
    pt_slice whole = s;
    int64_t total = 0, part;
    if (pt_slice_eq(s, PT_LIT("0"))) {
        *out_ms = 0;
        return PT_OK;
    }
    do {
        if (!quantity(&s, durations, PT_COUNT_OF(durations), &part) || part > INT64_MAX - total)
            return pt_fail(err, PT_EMALFORMED, "'%.*s' is no duration: use a number with ms, s, m, h, d, w or y",
                           (int)(whole.len > 60 ? 60 : whole.len), whole.ptr ? whole.ptr : "");
        total += part;
    } while (s.len);
    *out_ms = total;
    return PT_OK;
}

pt_status pt_bytes_parse(pt_slice s, uint64_t *out, pt_error *err)
{
    pt_slice whole = s;
    int64_t v;
    if (!quantity(&s, sizes, PT_COUNT_OF(sizes), &v) || s.len)
        return pt_fail(err, PT_EMALFORMED, "'%.*s' is no size: use a number with KiB, MiB, GiB, kB, MB, GB or none",
                       (int)(whole.len > 60 ? 60 : whole.len), whole.ptr ? whole.ptr : "");
    *out = (uint64_t)v;
    return PT_OK;
}

size_t pt_duration_format(int64_t ms, char out[32])
{
    static const unit order[] = { { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 } };
    for (size_t i = 0; ms > 0 && i < PT_COUNT_OF(order); i++) {
        if (ms % order[i].factor == 0) return (size_t)snprintf(out, 32, "%" PRId64 "%s", ms / order[i].factor, order[i].name);
    }
    return (size_t)snprintf(out, 32, "%" PRId64 "ms", ms);
}

size_t pt_bytes_format(uint64_t n, char out[32])
{
    static const char *const units[2][5] = { { "", "KiB", "MiB", "GiB", "TiB" }, { "", "kB", "MB", "GB", "TB" } };
    size_t best = 0;
    for (int decimal = 0; decimal < 2; decimal++) {
        char text[32];
        uint64_t rest = n, step = decimal ? 1000 : 1024;
        size_t u = 0;
        while (u < 4 && rest && rest % step == 0) {
            rest /= step;
            u++;
        }
        size_t len = (size_t)snprintf(text, sizeof text, "%" PRIu64 "%s", rest, units[decimal][u]);
        if (best && len >= best) continue;
        best = len;
        memcpy(out, text, len + 1);
    }
    return best;
}
