#include "tests/host/wire.h"
#include "tests/support/check.h"

#include <stdlib.h>

void wire_varint(pt_buf *b, uint64_t v)
{
    while (v >= 0x80) {
        pt_buf_char(b, (char)(v | 0x80));
        v >>= 7;
    }
    pt_buf_char(b, (char)v);
}

static void tag(pt_buf *b, unsigned field, unsigned wire)
{
    wire_varint(b, field << 3 | wire);
}

static void bytes_field(pt_buf *b, unsigned field, pt_slice s)
{
    tag(b, field, 2);
    wire_varint(b, s.len);
    pt_buf_slice(b, s);
}

static unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10) & 15u;
}

/* `_` is a blank, \xHH a byte. */
static void text_of(pt_slice s, pt_buf *out)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\\' && i + 3 < s.len && s.ptr[i + 1] == 'x') {
            pt_buf_char(out, (char)(hex_digit(s.ptr[i + 2]) << 4 | hex_digit(s.ptr[i + 3])));
            i += 3;
        } else {
            pt_buf_char(out, s.ptr[i] == '_' ? ' ' : s.ptr[i]);
        }
    }
}

static void hex_of(pt_slice s, pt_buf *out)
{
    for (size_t i = 0; i + 1 < s.len; i += 2)
        pt_buf_char(out, (char)(hex_digit(s.ptr[i]) << 4 | hex_digit(s.ptr[i + 1])));
}

static uint64_t number(pt_slice s)
{
    char buf[40];
    snprintf(buf, sizeof buf, "%.*s", PT_SLICE_ARGS(s));
    return buf[0] == '-' ? (uint64_t)strtoll(buf, NULL, 10) : strtoull(buf, NULL, 10);
}

static void metrics(pt_buf *out, unsigned field, pt_slice words);

/* Fields `base`.. are those of the oneof: 10 in a metric, 3 in a property. */
static void value(pt_buf *b, pt_slice v, unsigned base)
{
    pt_slice rest = v.len ? pt_slice_from(v, 1) : v;
    char num[64];
    snprintf(num, sizeof num, "%.*s", PT_SLICE_ARGS(rest));
    pt_buf tmp;
    pt_buf_init(&tmp, 1 << 20);
    switch (v.len ? v.ptr[0] : '-') {
    case 'i':
        tag(b, base, 0);
        wire_varint(b, number(rest));
        break;
    case 'l':
        tag(b, base + 1, 0);
        wire_varint(b, number(rest));
        break;
    case 'f': {
        float f = strtof(num, NULL);
        tag(b, base + 2, 5);
        pt_buf_add(b, &f, sizeof f);
        break;
    }
    case 'd': {
        double d = strtod(num, NULL);
        tag(b, base + 3, 1);
        pt_buf_add(b, &d, sizeof d);
        break;
    }
    case 'b':
        tag(b, base + 4, 0);
        wire_varint(b, number(rest));
        break;
    case 's':
        text_of(rest, &tmp);
        bytes_field(b, base + 5, pt_buf_view(&tmp));
        break;
    case 'x':
        hex_of(rest, &tmp);
        bytes_field(b, 16, pt_buf_view(&tmp));
        break;
    case 'D': /* raw DataSet bytes */
        hex_of(rest, &tmp);
        bytes_field(b, 17, pt_buf_view(&tmp));
        break;
    case 'T': { /* T{ref}(metrics) or T{d}(metrics) */
        size_t close = pt_slice_find(rest, '}');
        pt_slice ref = pt_slice_of(rest.ptr + 1, close - 1), inner = pt_slice_of(rest.ptr + close + 2, rest.len - close - 3);
        char *copy = pt_slice_dup(inner);
        for (char *c = copy; *c; c++)
            if (*c == ',') *c = ' ';
        bool definition = pt_slice_eq_cstr(ref, "d");
        metrics(&tmp, 2, pt_slice_of(copy, inner.len));
        if (!definition) bytes_field(&tmp, 4, ref);
        tag(&tmp, 5, 0);
        wire_varint(&tmp, definition);
        bytes_field(b, 18, pt_buf_view(&tmp));
        free(copy);
        break;
    }
    default: break;
    }
    pt_buf_fini(&tmp);
}

static pt_slice cut(pt_slice *s, const char *stops)
{
    size_t i = 0;
    int depth = 0;
    while (i < s->len && (depth > 0 || !strchr(stops, s->ptr[i]))) {
        if (s->ptr[i] == '(') depth++;
        if (s->ptr[i] == ')') depth--;
        i++;
    }
    pt_slice head = pt_slice_of(s->ptr, i);
    *s = pt_slice_from(*s, i);
    return head;
}

static void properties(pt_buf *b, pt_slice s)
{
    pt_buf keys, values;
    pt_buf_init(&keys, 1 << 20);
    pt_buf_init(&values, 1 << 20);
    while (s.len && s.ptr[0] == ';') {
        s = pt_slice_from(s, 1);
        pt_slice key = cut(&s, ":=;"), type = PT_NONE, v = PT_NONE;
        if (s.len && s.ptr[0] == ':') {
            s = pt_slice_from(s, 1);
            type = cut(&s, "=;");
        }
        if (s.len && s.ptr[0] == '=') {
            s = pt_slice_from(s, 1);
            v = cut(&s, ";");
        }
        pt_buf one, name;
        pt_buf_init(&one, 1 << 16);
        pt_buf_init(&name, 1 << 16);
        if (type.ptr) {
            tag(&one, 1, 0);
            wire_varint(&one, number(type));
        }
        value(&one, v, 3);
        text_of(key, &name);
        bytes_field(&keys, 1, pt_buf_view(&name));
        bytes_field(&values, 2, pt_buf_view(&one));
        pt_buf_fini(&one);
        pt_buf_fini(&name);
    }
    pt_buf_slice(&keys, pt_buf_view(&values));
    bytes_field(b, 9, pt_buf_view(&keys));
    pt_buf_fini(&keys);
    pt_buf_fini(&values);
}

/* seq/size/md5, each may be empty. */
static void part_of_file(pt_buf *b, pt_slice s)
{
    pt_buf md;
    pt_slice seq = PT_NONE, size = PT_NONE, sum = PT_NONE;
    pt_buf_init(&md, 1 << 16);
    (void)(pt_slice_split(&s, '/', &seq) && pt_slice_split(&s, '/', &size) && pt_slice_split(&s, '/', &sum));
    tag(&md, 1, 0);
    wire_varint(&md, 1);
    if (size.len) {
        tag(&md, 3, 0);
        wire_varint(&md, number(size));
    }
    if (seq.len) {
        tag(&md, 4, 0);
        wire_varint(&md, number(seq));
    }
    if (sum.len) bytes_field(&md, 7, sum);
    bytes_field(b, 8, pt_buf_view(&md));
    pt_buf_fini(&md);
}

static void metric(pt_buf *out, unsigned field, pt_slice s)
{
    pt_buf b, name;
    pt_buf_init(&b, 1 << 20);
    pt_buf_init(&name, 1 << 20);
    pt_slice n = cut(&s, "#:="), alias = PT_NONE, type = PT_NONE, v, at = PT_NONE, flags = PT_NONE, part = PT_NONE;
    if (s.len && s.ptr[0] == '#') {
        s = pt_slice_from(s, 1);
        alias = cut(&s, ":=");
    }
    if (s.len && s.ptr[0] == ':') {
        s = pt_slice_from(s, 1);
        type = cut(&s, "=");
    }
    CHECK_FATAL(s.len > 0 && s.ptr[0] == '=');
    s = pt_slice_from(s, 1);
    v = cut(&s, "@!%;");
    if (s.len && s.ptr[0] == '@') {
        s = pt_slice_from(s, 1);
        at = cut(&s, "!%;");
    }
    if (s.len && s.ptr[0] == '!') {
        s = pt_slice_from(s, 1);
        flags = cut(&s, "%;");
    }
    if (s.len && s.ptr[0] == '%') {
        s = pt_slice_from(s, 1);
        part = cut(&s, ";");
    }
    if (n.len) {
        text_of(n, &name);
        bytes_field(&b, 1, pt_buf_view(&name));
    }
    if (alias.ptr) {
        tag(&b, 2, 0);
        wire_varint(&b, number(alias));
    }
    if (at.ptr) {
        tag(&b, 3, 0);
        wire_varint(&b, number(at));
    }
    if (type.ptr) {
        tag(&b, 4, 0);
        wire_varint(&b, number(type));
    }
    for (size_t i = 0; i < flags.len; i++) {
        char c = flags.ptr[i];
        tag(&b, c == 'h' || c == 'H' ? 5 : c == 't' ? 6 : 7, 0);
        wire_varint(&b, c == 'H' ? 0 : 1);
    }
    if (part.ptr) part_of_file(&b, part);
    if (s.len) properties(&b, s);
    value(&b, v, 10);
    bytes_field(out, field, pt_buf_view(&b));
    pt_buf_fini(&b);
    pt_buf_fini(&name);
}

static void metrics(pt_buf *out, unsigned field, pt_slice words)
{
    pt_slice w;
    while (words.len) {
        while (words.len && words.ptr[0] == ' ')
            words = pt_slice_from(words, 1);
        if (!words.len) break;
        w = cut(&words, " ");
        metric(out, field, w);
    }
}

void wire_payload(const char *text, pt_buf *out)
{
    pt_slice rest = pt_cstr(text);
    pt_slice seq = PT_NONE;
    while (rest.len) {
        while (rest.len && rest.ptr[0] == ' ')
            rest = pt_slice_from(rest, 1);
        if (!rest.len) break;
        pt_slice w = cut(&rest, " ");
        if (pt_slice_starts(w, PT_LIT("ts="))) {
            tag(out, 1, 0);
            wire_varint(out, number(pt_slice_from(w, 3)));
        } else if (pt_slice_starts(w, PT_LIT("seq="))) {
            seq = pt_slice_from(w, 4);
        } else if (pt_slice_starts(w, PT_LIT("bd="))) {
            char m[64];
            snprintf(m, sizeof m, "bdSeq:4=l%.*s", PT_SLICE_ARGS(pt_slice_from(w, 3)));
            metric(out, 2, pt_cstr(m));
        } else if (pt_slice_starts(w, PT_LIT("hex="))) {
            hex_of(pt_slice_from(w, 4), out);
        } else {
            metric(out, 2, w);
        }
    }
    if (seq.ptr) {
        tag(out, 3, 0);
        wire_varint(out, number(seq));
    }
    CHECK_FATAL(pt_buf_status(out) == PT_OK);
}
