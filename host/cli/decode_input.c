/* host/cli/decode_input.c -- what a user has at hand: text, a file of bytes, or a capture that may still be running. */
#include "host/cli/decode.h"
#include "base/base64.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdlib.h>

enum { INPUT_MAX = 64 << 20, LINE_FAULTS_SHOWN = 20 };

static const char capture_hint[] = "%J and %j of mosquitto_sub cannot carry bytes; record with "
                                   "-F '{\"tst\":\"%I\",\"topic\":\"%t\",\"qos\":%q,\"retain\":%r,\"payload\":\"%x\"}'";

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Pairs of digits; blanks, ':' and a "0x" in front are no part of them. */
static bool from_hex(pt_slice text, pt_buf *out)
{
    int high = -1;
    pt_buf_reset(out);
    if (pt_slice_starts(text, PT_LIT("0x")) || pt_slice_starts(text, PT_LIT("0X"))) text = pt_slice_from(text, 2);
    for (size_t i = 0; i < text.len; i++) {
        int d = hex_digit(text.ptr[i]);
        if (d < 0 && high < 0 && (is_blank(text.ptr[i]) || text.ptr[i] == ':')) continue;
        if (d < 0) return false;
        if (high >= 0) pt_buf_char(out, (char)(high << 4 | d));
        high = high < 0 ? d : -1;
    }
    return high < 0 && out->len > 0 && pt_buf_status(out) == PT_OK;
}

static bool is_state_text(pt_slice s)
{
    return (s.len && s.ptr[0] == '{') || pt_slice_eq_cstr(s, "ONLINE") || pt_slice_eq_cstr(s, "OFFLINE");
}

/* Almost any word is base64 of something: it must give what a payload begins with, one of its five fields, or a STATE. */
static bool begins_like_a_payload(pt_slice s)
{
    return memchr("\x08\x12\x18\x22\x2a", s.ptr[0], 5) != NULL || is_state_text(s);
}

static bool from_base64(pt_slice text, pt_buf *out)
{
    pt_buf joined; /* lines are folded */
    size_t len = 0;
    bool ok = false;
    pt_buf_init(&joined, INPUT_MAX);
    for (size_t i = 0; i < text.len; i++)
        if (!is_blank(text.ptr[i])) pt_buf_char(&joined, text.ptr[i]);
    pt_slice s = pt_buf_view(&joined);
    pt_buf_reset(out);
    if (pt_buf_status(&joined) == PT_OK && s.len && pt_buf_reserve(out, s.len / 4 * 3 + 3) == PT_OK &&
        pt_base64_decode(s, out->ptr, &len)) {
        out->len = len;
        ok = len > 0 && begins_like_a_payload(pt_buf_view(out));
    }
    pt_buf_fini(&joined);
    return ok;
}

static pt_slice trimmed(pt_slice s)
{
    while (s.len && is_blank(s.ptr[0]))
        s = pt_slice_from(s, 1);
    while (s.len && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* The payload a text stands for: itself for STATE, else hex or base64. False: none of them. */
static bool from_text(pt_slice text, pt_buf *room, pt_slice *payload)
{
    pt_slice s = trimmed(text);
    if (is_state_text(s)) {
        *payload = s;
        return true;
    }
    if (!from_hex(s, room) && !from_base64(s, room)) return false;
    *payload = pt_buf_view(room);
    return true;
}

/* ---- a capture ---- */

typedef struct capture {
    cli *c;
    decode_each *each;
    void *ctx;
    pt_buf bytes, text; /* of the payload */
    size_t line, faults;
} capture;

static int line_fault(capture *k, const char *why)
{
    if (k->faults++ < LINE_FAULTS_SHOWN) (void)cli_fail(k->c, PT_EXIT_FAILED, "line %zu: %s", k->line, why);
    return CLI_GO_ON;
}

/* false and *why: there is no payload in the line that can be had whole. */
static bool payload_of(capture *k, const json_t *v, pt_slice *payload, const char **why)
{
    const json_t *p = json_object_get(v, "payload"), *length = json_object_get(v, "payloadlen");
    *payload = PT_LIT("");
    if (!p) *why = "there is no \"payload\"";
    if (!p || json_is_null(p)) return p != NULL;
    if (!json_is_string(p)) { /* STATE, as %J has it */
        pt_buf_reset(&k->text);
        pt_json j;
        pt_json_init(&j, &k->text);
        cli_json_value(&j, p);
        *payload = pt_buf_view(&k->text);
        return true;
    }
    pt_slice s = pt_slice_of(json_string_value(p), json_string_length(p));
    if (s.len == 0 || from_text(s, &k->bytes, payload)) return true;
    *payload = s;
    if (json_is_integer(length) && (size_t)json_integer_value(length) == s.len) return true; /* the text is the payload */
    *why = capture_hint;
    return false;
}

static int small(const json_t *v, int most)
{
    return json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) <= most ? (int)json_integer_value(v)
           : json_is_boolean(v)                                                              ? json_is_true(v)
                                                                                             : -1;
}

static json_t *parse_line(pt_slice line)
{
    json_error_t err;
    json_t *v = json_loadb(line.ptr, line.len, JSON_ALLOW_NUL, &err);
    if (json_is_object(v)) return v;
    json_decref(v);
    return NULL;
}

static int capture_line(capture *k, pt_slice line)
{
    const char *why = NULL;
    k->line++;
    if (trimmed(line).len == 0) return CLI_GO_ON;
    json_t *v = parse_line(line);
    if (!v) return line_fault(k, pt_utf8_valid(line) ? "not a JSON object" : capture_hint);
    const json_t *topic = json_object_get(v, "topic"), *time = json_object_get(v, "tst");
    decode_message m = { .line = k->line, .time = json_string_value(time) };
    m.topic = json_is_string(topic) ? pt_slice_of(json_string_value(topic), json_string_length(topic)) : PT_NONE;
    m.qos = small(json_object_get(v, "qos"), 2);
    m.retain = small(json_object_get(v, "retain"), 1);
    int rc = payload_of(k, v, &m.payload, &why) ? k->each(k->ctx, &m) : line_fault(k, why);
    json_decref(v);
    return rc;
}

/* ---- reading ---- */

/* Up to a line's end, which is kept, or to the end of all (`whole`). PT_EEMPTY: nothing was left. */
static pt_status read_on(FILE *f, bool whole, pt_buf *to)
{
    size_t before = to->len;
    int ch;
    while ((ch = getc_unlocked(f)) != EOF) {
        if (pt_buf_char(to, (char)ch)) return pt_buf_status(to);
        if (ch == '\n' && !whole) break;
    }
    return ferror(f) ? PT_EIO : to->len == before ? PT_EEMPTY : PT_OK;
}

static int not_read(const cli *c, const char *what, pt_status st)
{
    if (st == PT_ETOOBIG) return cli_fail(c, PT_EXIT_FAILED, "%s: more than %d MiB in one piece", what, INPUT_MAX >> 20);
    return cli_fail(c, PT_EXIT_FAILED, "%s: %s", what, st == PT_EIO ? strerror(errno) : pt_status_name(st));
}

static int read_capture(capture *k, FILE *f, const char *what, pt_buf *line)
{
    pt_status st = PT_OK;
    int rc = CLI_GO_ON;
    while (st == PT_OK && (rc = capture_line(k, pt_buf_view(line))) == CLI_GO_ON) {
        pt_buf_reset(line);
        st = read_on(f, false, line);
    }
    if (rc != CLI_GO_ON) return rc;
    if (st != PT_EEMPTY) return not_read(k->c, what, st);
    if (k->faults > LINE_FAULTS_SHOWN)
        (void)cli_fail(k->c, PT_EXIT_FAILED, "%zu lines more could not be read", k->faults - LINE_FAULTS_SHOWN);
    return k->faults ? PT_EXIT_FAILED : CLI_GO_ON;
}

static int read_file(capture *k, FILE *f, const char *what)
{
    pt_buf text;
    pt_status st;
    pt_buf_init(&text, INPUT_MAX);
    do { /* the first line that is not blank */
        k->line += text.len > 0;
        pt_buf_reset(&text);
        st = read_on(f, false, &text);
    } while (st == PT_OK && trimmed(pt_buf_view(&text)).len == 0);
    json_t *v = st == PT_OK ? parse_line(pt_buf_view(&text)) : NULL;
    bool is_capture = json_object_get(v, "topic") || json_object_get(v, "payload");
    /* A first line spoilt by bytes, too: it begins as mosquitto_sub's do. */
    if (!v) is_capture = pt_slice_starts(trimmed(pt_buf_view(&text)), PT_LIT("{\"tst\":"));
    json_decref(v);
    int rc;
    if (is_capture) {
        rc = read_capture(k, f, what, &text);
    } else {
        decode_message m = { .qos = -1, .retain = -1 };
        if (st == PT_OK && (st = read_on(f, true, &text)) == PT_EEMPTY) st = PT_OK;
        m.payload = pt_buf_view(&text);
        if (st == PT_OK) (void)from_text(m.payload, &k->bytes, &m.payload); /* else the bytes themselves */
        rc = st == PT_OK || st == PT_EEMPTY ? k->each(k->ctx, &m) : not_read(k->c, what, st);
    }
    pt_buf_fini(&text);
    return rc;
}

int decode_input(cli *c, const char *what, decode_each *each, void *ctx)
{
    capture k = { .c = c, .each = each, .ctx = ctx };
    decode_message m = { .qos = -1, .retain = -1 };
    int rc;
    pt_buf_init(&k.bytes, INPUT_MAX);
    pt_buf_init(&k.text, INPUT_MAX);
    FILE *f = strcmp(what, "-") == 0 ? stdin : fopen(what, "rb");
    int why = errno;
    if (f) rc = read_file(&k, f, f == stdin ? "standard input" : what);
    else if (from_text(pt_cstr(what), &k.bytes, &m.payload)) rc = each(ctx, &m);
    else if (why != ENOENT && why != ENAMETOOLONG) rc = cli_fail(c, PT_EXIT_FAILED, "%s: %s", what, strerror(why));
    else rc = cli_usage(c, "'%.100s' is no file, no hex text (pairs of digits) and no base64 text", what);
    if (f && f != stdin) (void)fclose(f); /* only read */
    pt_buf_fini(&k.bytes);
    pt_buf_fini(&k.text);
    return rc;
}
