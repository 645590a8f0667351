/* sparkplug/state.c -- write the STATE payload, and read it with a small JSON scanner that allocates nothing.
 *
 * The scanner is a cursor: each step moves it past what it read or fails without a result. Values of keys that are
 * not ours are skipped, nested at most MAX_DEPTH deep. */
#include "sparkplug/state.h"
#include "base/utf8.h"

#include <inttypes.h>

enum { MAX_DEPTH = 32, KEY_MAX = 16 };

typedef struct cursor {
    const char *start, *at, *end;
    pt_error *err;
} cursor;

pt_status spb_state_format(const spb_state *s, pt_buf *out)
{
    if (s->legacy) return pt_buf_cstr(out, s->online ? "ONLINE" : "OFFLINE");
    return pt_buf_printf(out, "{\"online\":%s,\"timestamp\":%" PRIu64 "}", s->online ? "true" : "false", s->timestamp_ms);
}

static pt_status bad(cursor *c, const char *why)
{
    return pt_fail_at(c->err, PT_EMALFORMED, (size_t)(c->at - c->start), "%s", why);
}

static void blanks(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r'))
        c->at++;
}

static bool take(cursor *c, char want)
{
    blanks(c);
    if (c->at == c->end || *c->at != want) return false;
    c->at++;
    return true;
}

static bool word(cursor *c, const char *w)
{
    size_t n = strlen(w);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, w, n) != 0) return false;
    c->at += n;
    return true;
}

static bool hex4(cursor *c, uint32_t *out)
{
    uint32_t v = 0;
    if (c->end - c->at < 4) return false;
    for (int i = 0; i < 4; i++) {
        char h = *c->at++;
        uint32_t d = h >= '0' && h <= '9'   ? (uint32_t)(h - '0')
                     : h >= 'a' && h <= 'f' ? (uint32_t)(h - 'a' + 10)
                     : h >= 'A' && h <= 'F' ? (uint32_t)(h - 'A' + 10)
                                            : 16;
        if (d > 15) return false;
        v = v << 4 | d;
    }
    *out = v;
    return true;
}

/* A string; its text goes to `text` as far as it is ASCII and fits, otherwise *len becomes KEY_MAX + 1: no key of ours.
 */
static pt_status string(cursor *c, char text[KEY_MAX], size_t *len)
{
    size_t n = 0;
    if (!take(c, '"')) return bad(c, "expected a string");
    while (c->at < c->end && *c->at != '"') {
        uint32_t code = (unsigned char)*c->at;
        if (code < 0x20) return bad(c, "control character in a string");
        if (code == '\\') {
            c->at++;
            if (c->at == c->end) return bad(c, "unfinished escape");
            char e = *c->at++;
            if (e == 'u') {
                if (!hex4(c, &code)) return bad(c, "bad \\u escape");
            } else if (e == '"' || e == '\\' || e == '/') {
                code = (unsigned char)e;
            } else if (e == 'b' || e == 'f' || e == 'n' || e == 'r' || e == 't') {
                code = 1; /* a control character; only that it is none of our letters matters */
            } else {
                return bad(c, "bad escape");
            }
        } else {
            size_t w = code < 0x80 ? 1 : pt_utf8_next(c->at, (size_t)(c->end - c->at), &code);
            if (!w) return bad(c, "not UTF-8");
            c->at += w;
        }
        if (n < KEY_MAX && code > 1 && code < 0x80) text[n++] = (char)code;
        else n = KEY_MAX + 1;
    }
    if (!take(c, '"')) return bad(c, "unfinished string");
    *len = n;
    return PT_OK;
}

static bool digits(cursor *c)
{
    const char *from = c->at;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9')
        c->at++;
    return c->at > from;
}

/* Any JSON number; *whole when it has neither fraction nor exponent. */
static pt_status number(cursor *c, pt_slice *text, bool *whole)
{
    const char *from = c->at;
    *whole = true;
    if (c->at < c->end && *c->at == '-') c->at++;
    const char *first = c->at;
    if (!digits(c) || (*first == '0' && c->at - first > 1)) return bad(c, "bad number");
    if (c->at < c->end && *c->at == '.') {
        *whole = false;
        c->at++;
        if (!digits(c)) return bad(c, "bad number");
    }
    if (c->at < c->end && (*c->at == 'e' || *c->at == 'E')) {
        *whole = false;
        c->at++;
        if (c->at < c->end && (*c->at == '+' || *c->at == '-')) c->at++;
        if (!digits(c)) return bad(c, "bad number");
    }
    *text = pt_slice_of(from, (size_t)(c->at - from));
    return PT_OK;
}

static pt_status skip_value(cursor *c, int depth);

static pt_status skip_members(cursor *c, char close, int depth)
{
    char key[KEY_MAX];
    size_t n;
    pt_status st;
    if (depth == MAX_DEPTH) return bad(c, "nested too deep");
    if (take(c, close)) return PT_OK;
    do {
        if (close == '}') {
            if ((st = string(c, key, &n)) != PT_OK) return st;
            if (!take(c, ':')) return bad(c, "expected ':'");
        }
        if ((st = skip_value(c, depth + 1)) != PT_OK) return st;
    } while (take(c, ','));
    return take(c, close) ? PT_OK : bad(c, "expected ',' or the end");
}

static pt_status skip_value(cursor *c, int depth)
{
    char text[KEY_MAX];
    size_t n;
    pt_slice num;
    bool whole;
    blanks(c);
    if (c->at == c->end) return bad(c, "value missing");
    switch (*c->at) {
    case '{': c->at++; return skip_members(c, '}', depth);
    case '[': c->at++; return skip_members(c, ']', depth);
    case '"': return string(c, text, &n);
    default:
        if (word(c, "true") || word(c, "false") || word(c, "null")) return PT_OK;
        return number(c, &num, &whole);
    }
}

static pt_status read_online(cursor *c, spb_state *s)
{
    blanks(c);
    if (word(c, "true")) s->online = true;
    else if (word(c, "false")) s->online = false;
    else return bad(c, "\"online\" is not true or false");
    return PT_OK;
}

static pt_status read_timestamp(cursor *c, spb_state *s)
{
    pt_slice text;
    bool whole = false;
    blanks(c);
    const char *from = c->at;
    if (c->at == c->end || *c->at == '"') return bad(c, "\"timestamp\" is not a number");
    pt_status st = number(c, &text, &whole);
    if (st) return st;
    if (!whole || !pt_slice_to_u64(text, &s->timestamp_ms) || s->timestamp_ms > INT64_MAX) {
        c->at = from;
        return bad(c, "\"timestamp\" is not a whole number of milliseconds");
    }
    return PT_OK;
}

pt_status spb_state_parse(pt_slice text, spb_state *out, pt_error *err)
{
    cursor c = { .err = err };
    spb_state s = { 0 };
    bool has_online = false, has_timestamp = false;
    char key[KEY_MAX];
    size_t n;
    pt_status st;

    if (text.len == 0) return pt_fail(err, PT_EEMPTY, "empty: a cleared retained message");
    if (pt_slice_eq_cstr(text, "ONLINE") || pt_slice_eq_cstr(text, "OFFLINE")) {
        *out = (spb_state){ .online = text.len == 6, .legacy = true };
        return PT_OK;
    }
    c.start = c.at = text.ptr;
    c.end = text.ptr + text.len;
    if (!take(&c, '{')) return bad(&c, "not a JSON object");
    if (!take(&c, '}')) {
        do {
            if ((st = string(&c, key, &n)) != PT_OK) return st;
            if (!take(&c, ':')) return bad(&c, "expected ':'");
            bool is_online = n == 6 && memcmp(key, "online", 6) == 0;
            bool is_timestamp = n == 9 && memcmp(key, "timestamp", 9) == 0;
            if ((is_online && has_online) || (is_timestamp && has_timestamp)) return bad(&c, "a key is repeated");
            st = is_online ? read_online(&c, &s) : is_timestamp ? read_timestamp(&c, &s) : skip_value(&c, 0);
            if (st) return st;
            has_online |= is_online;
            has_timestamp |= is_timestamp;
        } while (take(&c, ','));
        if (!take(&c, '}')) return bad(&c, "expected ',' or '}'");
    }
    blanks(&c);
    if (c.at != c.end) return bad(&c, "text after the object");
    if (!has_online) return bad(&c, "\"online\" is missing");
    if (!has_timestamp) return bad(&c, "\"timestamp\" is missing");
    *out = s;
    return PT_OK;
}
