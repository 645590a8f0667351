/* uns/map_pattern.c -- patterns of ids, metric names and topics. The language is in uns/map.h. */
#include "uns/map_internal.h"
#include "base/assert.h"

static bool is_word(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}
static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

static bool of_class(pt_slice s, uint8_t cls)
{
    pt_slice_holds(s);
    if (cls == UNS__UUID && s.len != 36) return false;
    for (size_t i = 0; cls != UNS__ANY && i < s.len; i++) {
        char c = s.ptr[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool ok = cls == UNS__INT     ? c >= '0' && c <= '9'
                  : cls == UNS__ALNUM ? is_word(c) && c != '_'
                  : cls == UNS__WORD  ? is_word(c)
                  : cls == UNS__HEX   ? is_hex(c)
                                      : (dash ? c == '-' : is_hex(c));
        if (!ok) return false;
    }
    return true;
}

static bool class_of(pt_slice name, uint8_t *cls)
{
    static const char *const names[] = { "", "int", "alnum", "word", "hex", "uuid" };
    for (unsigned i = UNS__INT; i <= UNS__UUID; i++) {
        if (pt_slice_eq_cstr(name, names[i])) return (void)(*cls = (uint8_t)i), true;
    }
    return false;
}

static pt_status capture_of(uns__captures *names, pt_slice name, size_t at, uint8_t *capture, pt_error *err)
{
    if (pt_slice_eq(name, PT_LIT("_"))) {
        *capture = UNS__ANONYMOUS;
        return PT_OK;
    }
    for (size_t i = 0; i < name.len; i++) {
        if (!is_word(name.ptr[i]))
            return pt_fail_at(err, PT_EINVAL, at, "placeholder '%.*s': letters, digits and '_' only", PT_SLICE_ARGS(name));
    }
    if (!name.len) return pt_fail_at(err, PT_EINVAL, at, "placeholder without a name");
    for (uint8_t i = 0; i < names->n; i++) {
        if (pt_slice_eq(names->name[i], name)) return (void)(*capture = i), PT_OK;
    }
    if (names->n == UNS_CAPTURES_MAX) return pt_fail_at(err, PT_ETOOBIG, at, "more than %u placeholders", UNS_CAPTURES_MAX);
    names->name[names->n] = name;
    *capture = names->n++;
    return PT_OK;
}

static pt_status placeholder(pt_slice text, size_t *at, uns__captures *names, uns__item *out, pt_error *err)
{
    size_t start = *at;
    pt_assert(out != NULL);
    if (text.ptr[start] == '*') {
        bool rest = start + 1 < text.len && text.ptr[start + 1] == '*';
        *out = (uns__item){ .kind = rest ? UNS__IS_REST : UNS__IS_ONE, .capture = UNS__ANONYMOUS };
        *at += rest ? 2 : 1;
        return PT_OK;
    }
    size_t end = start + pt_slice_find(pt_slice_from(text, start), '}');
    if (end == text.len) return pt_fail_at(err, PT_EINVAL, start, "'{' without '}'");
    pt_slice name = pt_slice_of(text.ptr + start + 1, end - start - 1);
    *out = (uns__item){ .kind = UNS__IS_ONE };
    if (name.len > 3 && memcmp(name.ptr + name.len - 3, "...", 3) == 0) {
        out->kind = UNS__IS_REST;
        name.len -= 3;
    }
    size_t colon = pt_slice_find(name, ':');
    if (colon < name.len && !class_of(pt_slice_from(name, colon + 1), &out->cls))
        return pt_fail_at(err, PT_EINVAL, start + 2 + colon, "no class '%.*s': int, alnum, word, hex or uuid",
                          PT_SLICE_ARGS(pt_slice_from(name, colon + 1)));
    name.len = colon;
    *at = end + 1;
    return capture_of(names, name, start + 1, &out->capture, err);
}

static pt_status literal(pt_arena *a, pt_slice text, size_t *at, uns__item *out, pt_error *err)
{
    char *p = pt_arena_alloc(a, text.len - *at);
    size_t n = 0;
    pt_assert(out != NULL);
    if (!p) return pt_fail_at(err, PT_ENOMEM, *at, "out of memory");
    for (; *at < text.len; ++*at) {
        char c = text.ptr[*at];
        if (c == '{' || c == '*') break;
        if (c == '}') return pt_fail_at(err, PT_EINVAL, *at, "'}' without '{'");
        if (c == '\\') {
            if (++*at == text.len || !strchr("{}*\\", text.ptr[*at]))
                return pt_fail_at(err, PT_EINVAL, *at - 1, "'\\' stands before { } * \\ only");
            c = text.ptr[*at];
        }
        p[n++] = c;
    }
    *out = (uns__item){ .kind = UNS__IS_LITERAL, .text = pt_slice_of(p, n) };
    return PT_OK;
}

static void add_stops(uns__pattern *p)
{
    for (uint32_t i = 1; i + 1 < p->n; i++) { /* literals with a placeholder on either side */
        const uns__item *it = &p->items[i];
        for (size_t k = 0; it->kind == UNS__IS_LITERAL && k < it->text.len; k++)
            p->stop[(unsigned char)it->text.ptr[k] / 64] |= UINT64_C(1) << ((unsigned char)it->text.ptr[k] % 64);
    }
}

pt_status uns__pattern_parse(pt_arena *a, pt_slice text, bool slashes, uns__captures *names, uns__pattern *out, pt_error *err)
{
    size_t at = 0;
    if (!text.len) return pt_fail_at(err, PT_EINVAL, 0, "empty pattern");
    if (text.len > UNS_PATH_MAX * 4) return pt_fail_at(err, PT_ETOOBIG, 0, "pattern of %zu bytes", text.len);
    *out = (uns__pattern){ .items = pt_arena_array(a, text.len, sizeof *out->items) };
    if (!out->items) return pt_fail_at(err, PT_ENOMEM, 0, "out of memory");
    while (at < text.len) {
        uns__item *it = &out->items[out->n], *before = out->n ? it - 1 : NULL;
        size_t start = at;
        bool place = text.ptr[at] == '{' || text.ptr[at] == '*';
        if (before && before->kind == UNS__IS_REST) return pt_fail_at(err, PT_EINVAL, start, "nothing can follow '...' or '**'");
        if (place && before && before->kind != UNS__IS_LITERAL)
            return pt_fail_at(err, PT_EINVAL, start, "two placeholders without a literal between them");
        pt_status st = place ? placeholder(text, &at, names, it, err) : literal(a, text, &at, it, err);
        if (st) return st;
        out->n++;
    }
    add_stops(out);
    if (slashes) out->stop['/' / 64] |= UINT64_C(1) << ('/' % 64);
    return PT_OK;
}

static bool stops(const uns__pattern *p, char c)
{
    return p->stop[(unsigned char)c / 64] >> ((unsigned char)c % 64) & 1;
}

static bool take(const uns__item *it, pt_slice text, pt_slice *taken)
{
    if (!text.len || !of_class(text, it->cls)) return false;
    if (it->capture == UNS__ANONYMOUS) return true;
    if (taken[it->capture].ptr) return pt_slice_eq(taken[it->capture], text);
    taken[it->capture] = text;
    return true;
}

/* How far a placeholder before literal `next` reaches: to its first occurrence, or for the last item to the one at the very end. */
static bool reach(pt_slice rest, pt_slice next, bool last, size_t *len)
{
    pt_slice_holds(rest);
    pt_slice_holds(next);
    if (last) {
        if (rest.len < next.len || !rest.ptr || memcmp(rest.ptr + rest.len - next.len, next.ptr, next.len) != 0) return false;
        *len = rest.len - next.len;
        return true;
    }
    const char *p = memmem(rest.ptr, rest.len, next.ptr, next.len);
    if (!p) return false;
    *len = (size_t)(p - rest.ptr);
    return true;
}

bool uns__pattern_match(const uns__pattern *p, pt_slice text, pt_slice *taken)
{
    for (uint32_t i = 0; i < p->n; i++) {
        const uns__item *it = &p->items[i];
        size_t len = text.len;
        if (it->kind == UNS__IS_LITERAL) {
            if (!pt_slice_starts(text, it->text)) return false;
            text = pt_slice_from(text, it->text.len);
            continue;
        }
        if (!text.len) return false;
        if (it->kind == UNS__IS_REST) return take(it, text, taken);
        if (i + 1 < p->n && !reach(text, it[1].text, i + 2 == p->n, &len)) return false;
        pt_slice_holds(text);
        for (size_t k = 0; k < len; k++) {
            if (stops(p, text.ptr[k])) return false;
        }
        if (!take(it, pt_slice_of(text.ptr, len), taken)) return false;
        text = pt_slice_from(text, len);
    }
    return text.len == 0;
}

static bool repeats(const uns__pattern *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        for (uint32_t k = i + 1; p->items[i].kind != UNS__IS_LITERAL && k < p->n; k++) {
            if (p->items[k].kind != UNS__IS_LITERAL && p->items[i].capture != UNS__ANONYMOUS && p->items[k].capture == p->items[i].capture)
                return true;
        }
    }
    return false;
}

bool uns__pattern_covers(const uns__pattern *a, const uns__pattern *b)
{
    bool free_run = !(a->stop[0] | a->stop[1] | a->stop[2] | a->stop[3]);
    if (a->n == 1 && a->items[0].cls == UNS__ANY && (a->items[0].kind == UNS__IS_REST || (a->items[0].kind == UNS__IS_ONE && free_run)))
        return true;
    if (a->n != b->n || repeats(a)) return false;
    for (uint32_t i = 0; i < a->n; i++) {
        const uns__item *x = &a->items[i], *y = &b->items[i];
        if (x->kind != y->kind || !pt_slice_eq(x->text, y->text) || (x->cls != UNS__ANY && x->cls != y->cls)) return false;
    }
    return true;
}
