/* base/json.c -- a comma before every value but the first of its level is all the state there is. */
#include "base/json.h"

#include "base/base64.h"
#include "base/utf8.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void pt_json_init(pt_json *j, pt_buf *out)
{
    *j = (pt_json){ out, false };
}

static void before(pt_json *j)
{
    if (j->comma) pt_buf_char(j->out, ',');
    j->comma = true;
}

static void open_with(pt_json *j, char c)
{
    before(j);
    pt_buf_char(j->out, c);
    j->comma = false;
}

static void close_with(pt_json *j, char c)
{
    pt_buf_char(j->out, c);
    j->comma = true;
}

void pt_json_object(pt_json *j)
{
    open_with(j, '{');
}
void pt_json_end_object(pt_json *j)
{
    close_with(j, '}');
}
void pt_json_array(pt_json *j)
{
    open_with(j, '[');
}
void pt_json_end_array(pt_json *j)
{
    close_with(j, ']');
}

static void quoted(pt_buf *b, pt_slice s)
{
    size_t from = 0, i = 0;
    pt_buf_char(b, '"');
    while (i < s.len) {
        unsigned char c = (unsigned char)s.ptr[i];
        size_t n = c < 0x80 ? 1 : pt_utf8_next(s.ptr + i, s.len - i, NULL);
        if (n && c >= 0x20 && c != '"' && c != '\\') {
            i += n;
            continue;
        }
        pt_buf_add(b, s.ptr + from, i - from);
        if (!n) pt_buf_cstr(b, "\xEF\xBF\xBD");
        else if (c == '"' || c == '\\') {
            pt_buf_char(b, '\\');
            pt_buf_char(b, (char)c);
        } else if (c == '\n') pt_buf_cstr(b, "\\n");
        else if (c == '\t') pt_buf_cstr(b, "\\t");
        else if (c == '\r') pt_buf_cstr(b, "\\r");
        else pt_buf_printf(b, "\\u%04x", c);
        from = ++i;
    }
    if (s.len > from) pt_buf_add(b, s.ptr + from, s.len - from);
    pt_buf_char(b, '"');
}

void pt_json_key_slice(pt_json *j, pt_slice key)
{
    before(j);
    quoted(j->out, key);
    pt_buf_char(j->out, ':');
    j->comma = false;
}

void pt_json_key(pt_json *j, const char *key)
{
    pt_json_key_slice(j, pt_cstr(key));
}

void pt_json_null(pt_json *j)
{
    before(j);
    pt_buf_cstr(j->out, "null");
}

void pt_json_bool(pt_json *j, bool v)
{
    before(j);
    pt_buf_cstr(j->out, v ? "true" : "false");
}

void pt_json_i64(pt_json *j, int64_t v)
{
    before(j);
    char text[32];
    pt_buf_add(j->out, text, pt_i64_text(v, text));
}

void pt_json_u64(pt_json *j, uint64_t v)
{
    before(j);
    char text[32];
    pt_buf_add(j->out, text, pt_u64_text(v, text));
}

/* The decimal point before the last `decimals` digits, 0: none; a number below 1 has a 0 before it. */
static size_t put_digits(bool minus, uint64_t v, unsigned decimals, char out[32])
{
    char text[24];
    size_t len = 0, at = 0;
    do {
        text[len++] = (char)('0' + v % 10);
        v /= 10;
    } while (v || len <= decimals);
    if (minus) out[at++] = '-';
    while (len) {
        out[at++] = text[--len];
        if (len && len == decimals) out[at++] = '.';
    }
    out[at] = '\0';
    return at;
}

size_t pt_u64_text(uint64_t v, char out[32])
{
    return put_digits(false, v, 0, out);
}

size_t pt_i64_text(int64_t v, char out[32])
{
    return put_digits(v < 0, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 0, out);
}

/* Most of a plant's numbers have a few decimals. r and 10^4 are exact, so their quotient is rounded once, as reading the text r * 10^-4
 * would be: if it is v, that text is v's, and with at most 15 digits no other is as short. 0: no answer. */
static size_t few_decimals(double v, char out[32])
{
    double a = fabs(v), scaled = a * 1e4;
    if (!(scaled < 1e15)) return 0;
    uint64_t r = (uint64_t)(scaled + 0.5);
    unsigned decimals = 4;
    if ((double)r / 1e4 != a || r == 0) return 0;
    for (; decimals && r % 10 == 0; decimals--)
        r /= 10;
    return put_digits(v < 0, r, decimals, out);
}

__extension__ typedef unsigned __int128 wide;

/* What the loop in pt_f64_text finds, for the numbers of ordinary size that are most of a plant's, by exact integer arithmetic and some ten
 * times faster. v = m / 2^sh; with the k for which v * 10^k has 17 whole digits, that is N / 2^sh, N = m * 10^k < 2^117. A rounding r of it
 * to 15, 16 or 17 digits reads back as v when it is less than half a step of m away: |r * 2^sh - N| < 10^k / 2, or just that far and m is
 * even. Returns 0 when it has no answer: outside [0.001, 10^9), and powers of two, below which the steps are smaller. */
static size_t ordinary(double v, char out[32])
{
    static const uint64_t tens[] = { 1,
                                     10,
                                     100,
                                     1000,
                                     10000,
                                     100000,
                                     1000000,
                                     10000000,
                                     100000000,
                                     1000000000,
                                     10000000000,
                                     100000000000,
                                     1000000000000,
                                     10000000000000,
                                     100000000000000,
                                     1000000000000000,
                                     10000000000000000,
                                     100000000000000000,
                                     1000000000000000000,
                                     10000000000000000000u };
    static const double steps[] = { 1e-2, 1e-1, 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8 };
    double a = fabs(v);
    uint64_t bits, m;
    if (!(a >= 1e-3 && a < 1e9)) return 0;
    memcpy(&bits, &a, sizeof bits);
    m = (bits & 0xfffffffffffffu) | 0x10000000000000u;
    if (m == 0x10000000000000u) return 0;
    unsigned sh = 1075 - (unsigned)(bits >> 52), k = 19;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && a >= steps[i]; i++)
        k--;
    wide n = (wide)m * tens[k], rest = n & (((wide)1 << sh) - 1);
    uint64_t q = (uint64_t)(n >> sh), r = 0;
    unsigned digits = 15;
    for (;; digits++) {
        uint64_t cut = tens[17 - digits], low = q % cut;
        r = q / cut;
        int half = digits == 17     ? (rest > (wide)1 << (sh - 1)) - (rest < (wide)1 << (sh - 1))
                   : low == cut / 2 ? rest != 0
                   : low > cut / 2  ? 1
                                    : -1;
        if (half > 0 || (half == 0 && (r & 1))) r++;
        wide back = (wide)r * cut << sh, off = 2 * (back > n ? back - n : n - back);
        if (digits == 17 || off < tens[k] || (off == tens[k] && !(m & 1))) break;
    }
    unsigned decimals = k - (17 - digits);
    while (decimals && r % 10 == 0) {
        r /= 10;
        decimals--;
    }
    return put_digits(v < 0, r, decimals, out);
}

size_t pt_f64_text(double v, char out[32])
{
    if (isnan(v)) return (size_t)snprintf(out, 32, "NaN");
    if (isinf(v)) return (size_t)snprintf(out, 32, v > 0 ? "Infinity" : "-Infinity");
    if (v == 0 && signbit(v)) return (size_t)snprintf(out, 32, "-0.0"); /* readers that tell integers apart would take -0 for 0 */
    if (v == (double)(int64_t)(fabs(v) < 1e15 ? v : 0) && fabs(v) < 1e15) return pt_i64_text((int64_t)v, out);
    int n = (int)few_decimals(v, out);
    if (!n) n = (int)ordinary(v, out);
    if (n) return (size_t)n;
    /* 15 digits always survive a normal double, so a shorter text is found by %g dropping its zeros; not so for subnormal ones. */
    for (int digits = fabs(v) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        n = snprintf(out, 32, "%.*g", digits, v);
        if (digits == 17 || strtod(out, NULL) == v) break;
    }
    return (size_t)n;
}

size_t pt_f32_text(float v, char out[32])
{
    if (isnan(v) || isinf(v) || (fabsf(v) < 0x1p24f && v == (float)(int64_t)v)) return pt_f64_text((double)v, out);
    int n = 0;
    for (int digits = fabsf(v) < FLT_MIN ? 1 : 6; digits <= 9; digits++) {
        n = snprintf(out, 32, "%.*g", digits, (double)v);
        if (digits == 9 || strtof(out, NULL) == v) break;
    }
    return (size_t)n;
}

void pt_json_f64(pt_json *j, double v)
{
    char text[32];
    size_t n = pt_f64_text(v, text);
    if (!isfinite(v)) {
        pt_json_str(j, pt_slice_of(text, n));
        return;
    }
    before(j);
    pt_buf_add(j->out, text, n);
}

void pt_json_f32(pt_json *j, float v)
{
    char text[32];
    size_t n = pt_f32_text(v, text);
    if (!isfinite(v)) {
        pt_json_str(j, pt_slice_of(text, n));
        return;
    }
    before(j);
    pt_buf_add(j->out, text, n);
}

void pt_json_str(pt_json *j, pt_slice v)
{
    before(j);
    if (!v.ptr) pt_buf_cstr(j->out, "null");
    else quoted(j->out, v);
}

void pt_json_base64(pt_json *j, pt_slice bytes)
{
    before(j);
    pt_buf_char(j->out, '"');
    pt_base64_add(j->out, bytes);
    pt_buf_char(j->out, '"');
}

void pt_json_raw(pt_json *j, pt_slice json)
{
    before(j);
    pt_buf_slice(j->out, json);
}

void pt_json_member_cstr(pt_json *j, const char *key, const char *v)
{
    pt_json_member_str(j, key, pt_cstr(v));
}
void pt_json_member_str(pt_json *j, const char *key, pt_slice v)
{
    pt_json_key(j, key);
    pt_json_str(j, v);
}
void pt_json_member_i64(pt_json *j, const char *key, int64_t v)
{
    pt_json_key(j, key);
    pt_json_i64(j, v);
}
void pt_json_member_u64(pt_json *j, const char *key, uint64_t v)
{
    pt_json_key(j, key);
    pt_json_u64(j, v);
}
void pt_json_member_f64(pt_json *j, const char *key, double v)
{
    pt_json_key(j, key);
    pt_json_f64(j, v);
}
void pt_json_member_bool(pt_json *j, const char *key, bool v)
{
    pt_json_key(j, key);
    pt_json_bool(j, v);
}
void pt_json_member_null(pt_json *j, const char *key)
{
    pt_json_key(j, key);
    pt_json_null(j);
}
