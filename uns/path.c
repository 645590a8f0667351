/* uns/path.c -- percent escapes and the literal mapping from Sparkplug's three ids and a metric name to a path. */
#include "uns/map_internal.h"

#include "base/utf8.h"

#include <stdio.h>

static bool must_escape(const unsigned char *p, size_t i, size_t len)
{
    unsigned char c = p[i];
    if (c < 0x20 || c == 0x7F || c == '%' || c == '+' || c == '#' || c == '/') return true;
    if (c == '$') return i == 0;
    return c == ' ' && (i == 0 || i + 1 == len);
}

/* A sink that counts on when the storage is full, so that one pass both writes and measures. */
typedef struct sink {
    char *at;
    size_t cap, len;
} sink;

static inline void put(sink *s, char c)
{
    if (s->len < s->cap) s->at[s->len] = c;
    s->len++;
}

static void put_hex(sink *s, unsigned char c)
{
    static const char digits[] = "0123456789ABCDEF";
    put(s, '%');
    put(s, digits[c >> 4]);
    put(s, digits[c & 15]);
}

/* Invalid bytes are escaped too, so that the source view can show any name; *valid says whether there were some. */
static void escape_into(sink *s, pt_slice raw, bool *valid)
{
    const unsigned char *p = (const unsigned char *)raw.ptr;
    pt_slice_holds(raw);
    for (size_t i = 0; i < raw.len;) {
        if (p[i] < 0x80) {
            if (must_escape(p, i, raw.len)) put_hex(s, p[i]);
            else put(s, (char)p[i]);
            i++;
            continue;
        }
        uint32_t code = 0;
        size_t n = pt_utf8_next(raw.ptr + i, raw.len - i, &code);
        bool hex = n == 0 || code < 0xA0; /* not UTF-8, or a C1 control */
        if (n == 0) {
            *valid = false;
            n = 1;
        }
        for (size_t end = i + n; i < end; i++) {
            if (hex) put_hex(s, p[i]);
            else put(s, (char)p[i]);
        }
    }
}

pt_status uns_segment_escape(pt_slice raw, pt_buf *out)
{
    bool valid = true;
    if (raw.len > SIZE_MAX / 3) return PT_ETOOBIG;
    pt_status st = pt_buf_reserve(out, raw.len * 3);
    if (st) return st;
    sink s = { out->ptr + out->len, raw.len * 3, 0 };
    escape_into(&s, raw, &valid);
    out->len += s.len;
    return PT_OK;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

size_t uns__unescape(pt_slice escaped, char *to)
{
    size_t n = 0;
    for (size_t i = 0; i < escaped.len; i++) {
        if (escaped.ptr[i] == '%' && i + 2 < escaped.len) {
            int hi = hex_digit(escaped.ptr[i + 1]), lo = hex_digit(escaped.ptr[i + 2]);
            if (hi >= 0 && lo >= 0) {
                to[n++] = (char)(hi << 4 | lo);
                i += 2;
                continue;
            }
        }
        to[n++] = escaped.ptr[i];
    }
    return n;
}

pt_status uns_segment_unescape(pt_slice escaped, pt_buf *out)
{
    for (size_t i = 0; i < escaped.len; i++) {
        if (escaped.ptr[i] != '%') continue;
        if (i + 2 >= escaped.len || hex_digit(escaped.ptr[i + 1]) < 0 || hex_digit(escaped.ptr[i + 2]) < 0) return PT_EMALFORMED;
        i += 2;
    }
    pt_status st = pt_buf_reserve(out, escaped.len);
    if (st) return st;
    out->len += uns__unescape(escaped, out->ptr + out->len);
    return PT_OK;
}

/* ---- paths ---- */

/* One path under construction. */
typedef struct builder {
    sink out;
    unsigned depth;
    size_t segment_max, longest; /* longest segment seen */
    bool valid;
} builder;

static bool reserved(pt_slice raw, unsigned depth)
{
    return pt_slice_eq(raw, PT_LIT("_sparkplug")) || pt_slice_eq(raw, PT_LIT("_node")) ||
           (depth == 0 && pt_slice_eq(raw, PT_LIT("_source")));
}

/* Our own words as they are. */
static void add_word(builder *b, pt_slice word)
{
    if (b->depth++) put(&b->out, '/');
    for (size_t i = 0; i < word.len; i++)
        put(&b->out, word.ptr[i]);
}

/* A name from outside: escaped, and never mistaken for one of our own words. */
static void add_name(builder *b, pt_slice raw)
{
    bool own = reserved(raw, b->depth);
    if (b->depth++) put(&b->out, '/');
    size_t start = b->out.len;
    if (own) {
        put_hex(&b->out, '_');
        raw = pt_slice_from(raw, 1);
    }
    escape_into(&b->out, raw, &b->valid);
    if (b->out.len - start > b->longest) b->longest = b->out.len - start;
}

static bool under(pt_slice metric, pt_slice folder) /* "Folder" itself or "Folder/..." */
{
    return pt_slice_starts(metric, folder) && (metric.len == folder.len || metric.ptr[folder.len] == '/');
}

bool uns__is_plumbing(pt_slice device, pt_slice metric)
{
    if (device.len) return under(metric, PT_LIT("Device Control"));
    return pt_slice_eq(metric, PT_LIT("bdSeq")) || under(metric, PT_LIT("Node Control")) || under(metric, PT_LIT("Properties"));
}

pt_status uns_path_literal(pt_slice group, pt_slice edge, pt_slice device, pt_slice metric, char *buf, size_t cap, size_t *len,
                           pt_error *err)
{
    builder b = { .out = { buf, cap, 0 }, .valid = true };
    if (!group.len || !edge.len) return pt_fail(err, PT_EMALFORMED, "empty group or edge node id");
    add_name(&b, group);
    add_name(&b, edge);
    if (device.len) add_name(&b, device);
    if (uns__is_plumbing(device, metric)) add_word(&b, PT_LIT("_sparkplug"));
    unsigned ids = b.depth;
    pt_slice rest = metric, piece;
    while (rest.len && pt_slice_split(&rest, '/', &piece)) {
        if (piece.len) add_name(&b, piece);
        if (b.depth > UNS_DEPTH_MAX) return pt_fail(err, PT_ETOOBIG, "more than %u path segments", UNS_DEPTH_MAX);
    }
    if (b.depth == ids) return pt_fail(err, PT_EMALFORMED, "metric name without a path segment");
    if (!b.valid) return pt_fail(err, PT_EMALFORMED, "name is not valid UTF-8");
    if (b.longest > UNS_SEGMENT_MAX) return pt_fail(err, PT_ETOOBIG, "path segment of %zu bytes", b.longest);
    if (b.out.len > UNS_PATH_MAX) return pt_fail(err, PT_ETOOBIG, "path of %zu bytes", b.out.len);
    if (b.out.len >= cap) return pt_fail(err, PT_ETOOBIG, "no room for a path of %zu bytes", b.out.len);
    buf[b.out.len] = '\0';
    *len = b.out.len;
    return PT_OK;
}

pt_status uns__path_source(const uns_tag_def *def, char *buf, size_t *len)
{
    builder b = { .out = { buf, UNS__SOURCE_MAX, 0 }, .valid = true };
    if (def->group.len || def->edge.len) {
        add_word(&b, PT_LIT("spb"));
        add_name(&b, def->group);
        add_name(&b, def->edge);
        if (def->device.len) add_name(&b, def->device);
        else add_word(&b, PT_LIT("_node"));
    } else {
        add_word(&b, PT_LIT("mqtt"));
    }
    builder ids = b;
    pt_slice rest = def->metric, piece;
    if (!rest.len) add_name(&b, rest);
    while (rest.ptr && rest.len && b.depth < UNS_DEPTH_MAX && pt_slice_split(&rest, '/', &piece)) {
        add_name(&b, piece);
        if (rest.ptr && !rest.len) { /* a final '/' */
            add_name(&b, rest);
            break;
        }
    }
    if ((rest.ptr && rest.len) || b.out.len >= UNS__SOURCE_MAX) { /* too deep or long to spell out: ids and a digest */
        char digest[24];
        b = ids;
        int n = snprintf(digest, sizeof digest, "~%016llx", (unsigned long long)pt_slice_hash(def->metric, 1));
        add_word(&b, pt_slice_of(digest, (size_t)n));
    }
    if (b.out.len >= UNS__SOURCE_MAX) return PT_ETOOBIG;
    buf[b.out.len] = '\0';
    *len = b.out.len;
    return PT_OK;
}

void uns__path_add(uns__path *p, pt_slice name, bool own)
{
    if (p->fault) return;
    if (!name.len) {
        if (p->empty == UNS_EMPTY_REJECT) p->fault = "empty part of a name";
        if (p->empty != UNS_EMPTY_UNDERSCORE) return;
        name = PT_LIT("_");
    }
    builder b = { .out = { p->buf, UNS_PATH_MAX, p->len }, .depth = p->depth, .valid = true };
    if (own && p->depth == 0 && pt_slice_eq(name, PT_LIT("_source"))) {
        p->fault = "'_source' is the source view's";
        return;
    }
    if (own && reserved(name, p->depth)) add_word(&b, name);
    else add_name(&b, name);
    if (!b.valid) p->fault = "not valid UTF-8";
    if (b.longest > UNS_SEGMENT_MAX) p->fault = "path segment too long";
    if (b.depth > UNS_DEPTH_MAX) p->fault = "too many path segments";
    if (b.out.len > UNS_PATH_MAX) p->fault = "path too long";
    p->len = b.out.len;
    p->depth = b.depth;
}
