/* uns/map_template.c -- templates of target paths: parsed once, evaluated per source into lists of slices. The language is in uns/map.h. */
#include "uns/map_internal.h"
#include "base/assert.h"

#include <stdio.h>

typedef enum ref_kind {
    REF_TEXT,
    REF_CAPTURE,
    REF_GROUP,
    REF_EDGE,
    REF_DEVICE,
    REF_METRIC,
    REF_TOPIC,
    REF_TEMPLATE,
    REF_DATATYPE,
    REF_PROPERTY
} ref_kind;
typedef struct ref {
    ref_kind kind;
    uint8_t capture;
    bool spread;
    pt_slice text; /* TEXT (vars too), PROPERTY's key */
} ref;

typedef enum filter_kind {
    F_LOWER,
    F_UPPER,
    F_TRIM,
    F_SLUG,
    F_FIRST,
    F_LAST,
    F_NTH,
    F_SLICE,
    F_SPLIT,
    F_REPLACE,
    F_MAP,
    F_DEFAULT,
    F_COUNT
} filter_kind;
typedef struct filter {
    filter_kind kind;
    pt_slice a, b;
    int64_t from, to;
    bool has_to;
} filter;

enum { REFS_MAX = 8, FILTERS_MAX = 8, PARTS_MAX = 256 };

typedef struct part {
    bool literal;
    pt_slice text; /* literal; of an expression its source text, for messages */
    ref *refs;
    filter *filters;
    uint8_t n_refs, n_filters;
} part;
typedef struct segment {
    part *parts;
    uint32_t n;
    bool optional;
} segment;
struct uns__template {
    segment *segments;
    uint32_t n;
};

/* ---- parsing ---- */

typedef struct parser {
    uns_map *m;
    const uns__captures *names;
    pt_slice text;
    size_t at;
    pt_error *err;
} parser;

static char peek(const parser *p)
{
    return p->at < p->text.len ? p->text.ptr[p->at] : '\0';
}
static void blanks(parser *p)
{
    while (peek(p) == ' ')
        p->at++;
}
static bool eat(parser *p, const char *word)
{
    blanks(p);
    if (!pt_slice_starts(pt_slice_from(p->text, p->at), pt_cstr(word))) return false;
    p->at += strlen(word);
    return true;
}
static pt_status bad(const parser *p, const char *what)
{
    return pt_fail_at(p->err, PT_EINVAL, p->at, "%s", what);
}

static pt_status quoted(parser *p, pt_slice *out)
{
    if (!eat(p, "'")) return bad(p, "a text in '...' is wanted here");
    size_t len = pt_slice_find(pt_slice_from(p->text, p->at), '\'');
    if (p->at + len == p->text.len) return bad(p, "text without a closing '");
    *out = pt_arena_dup(&p->m->arena, pt_slice_of(p->text.ptr + p->at, len));
    p->at += len + 1;
    return out->ptr ? PT_OK : PT_ENOMEM;
}

static pt_slice word(parser *p, const char *ends)
{
    blanks(p);
    size_t start = p->at;
    while (p->at < p->text.len && !strchr(ends, p->text.ptr[p->at]))
        p->at++;
    size_t end = p->at;
    while (end > start && p->text.ptr[end - 1] == ' ')
        end--;
    return pt_slice_of(p->text.ptr + start, end - start);
}

static pt_status integer(parser *p, int64_t *out)
{
    pt_slice w = word(p, ",)");
    return pt_slice_to_i64(w, out) && *out >= -1000000 && *out <= 1000000 ? PT_OK : bad(p, "a whole number is wanted here");
}

static pt_status parse_ref(parser *p, ref *out)
{
    static const char *const builtins[] = { "group", "edge", "device", "metric", "topic", "template", "datatype" };
    *out = (ref){ .kind = REF_TEXT };
    blanks(p);
    if (peek(p) == '\'') return quoted(p, &out->text);
    size_t start = p->at;
    pt_slice name = word(p, "|?}");
    if (name.len > 3 && memcmp(name.ptr + name.len - 3, "...", 3) == 0) {
        out->spread = true;
        name.len -= 3;
    }
    for (uint8_t i = 0; i < p->names->n; i++) {
        if (!pt_slice_eq(name, p->names->name[i])) continue;
        out->kind = REF_CAPTURE;
        out->capture = i;
        return PT_OK;
    }
    for (unsigned i = 0; i < PT_COUNT_OF(builtins); i++) {
        if (pt_slice_eq_cstr(name, builtins[i])) return (void)(out->kind = (ref_kind)(REF_GROUP + i)), PT_OK;
    }
    if (pt_slice_starts(name, PT_LIT("prop.")) && name.len > 5) {
        out->kind = REF_PROPERTY;
        out->text = pt_arena_dup(&p->m->arena, pt_slice_from(name, 5));
        return out->text.ptr ? PT_OK : PT_ENOMEM;
    }
    if (pt_slice_starts(name, PT_LIT("vars."))) {
        const pt_slice *value = uns__map_var(p->m, pt_slice_from(name, 5));
        if (value) return (void)(out->text = *value), PT_OK;
    }
    return pt_fail_at(p->err, PT_EINVAL, start, "unknown placeholder '%.*s'", PT_SLICE_ARGS(name));
}

static pt_status parse_arguments(parser *p, filter *f)
{
    pt_status st = PT_OK;
    if (f->kind < F_NTH) return PT_OK;
    if (!eat(p, "(")) return bad(p, "this filter wants arguments");
    if (f->kind == F_NTH || f->kind == F_SLICE) {
        st = integer(p, &f->from);
        if (!st && f->kind == F_SLICE && eat(p, ",")) {
            f->has_to = true;
            st = integer(p, &f->to);
        }
    } else if (f->kind == F_MAP) {
        size_t start = (blanks(p), p->at);
        pt_slice name = word(p, ")}");
        f->a = pt_arena_dup(&p->m->arena, name);
        if (!uns__map_has_table(p->m, name)) return pt_fail_at(p->err, PT_EINVAL, start, "unknown table '%.*s'", PT_SLICE_ARGS(name));
    } else {
        st = quoted(p, &f->a);
        if (!st && f->kind == F_REPLACE) st = eat(p, ",") ? quoted(p, &f->b) : bad(p, "replace wants two texts");
        if (!st && f->kind != F_DEFAULT && !f->a.len) return bad(p, "an empty text cannot be searched for");
    }
    if (!st && !eat(p, ")")) return bad(p, "')' is wanted here");
    return st;
}

static pt_status parse_filter(parser *p, filter *out)
{
    static const char *const names[F_COUNT] = { "lower", "upper", "trim",  "slug",    "first", "last",
                                                "nth",   "slice", "split", "replace", "map",   "default" };
    size_t start = (blanks(p), p->at);
    pt_slice name = word(p, "(|} ");
    *out = (filter){ .kind = F_COUNT };
    for (unsigned i = 0; i < F_COUNT; i++) {
        if (pt_slice_eq_cstr(name, names[i])) out->kind = (filter_kind)i;
    }
    if (out->kind == F_COUNT) return pt_fail_at(p->err, PT_EINVAL, start, "unknown filter '%.*s'", PT_SLICE_ARGS(name));
    return parse_arguments(p, out);
}

static pt_status parse_expression(parser *p, part *out) /* behind the '{' */
{
    ref refs[REFS_MAX];
    filter filters[FILTERS_MAX];
    size_t start = p->at;
    *out = (part){ 0 };
    do {
        if (out->n_refs == REFS_MAX) return bad(p, "too many alternatives");
        pt_status st = parse_ref(p, &refs[out->n_refs++]);
        if (st) return st;
    } while (eat(p, "??"));
    while (eat(p, "|")) {
        if (out->n_filters == FILTERS_MAX) return bad(p, "too many filters");
        pt_status st = parse_filter(p, &filters[out->n_filters++]);
        if (st) return st;
    }
    if (!eat(p, "}")) return bad(p, "'|', '\?\?' or '}' is wanted here");
    out->text = pt_arena_dup(&p->m->arena, pt_slice_of(p->text.ptr + start, p->at - 1 - start));
    out->refs = pt_arena_array(&p->m->arena, out->n_refs, sizeof *refs);
    out->filters = pt_arena_array(&p->m->arena, out->n_filters, sizeof *filters);
    if (!out->text.ptr || !out->refs || !out->filters) return PT_ENOMEM;
    memcpy(out->refs, refs, out->n_refs * sizeof *refs);
    memcpy(out->filters, filters, out->n_filters * sizeof *filters);
    return PT_OK;
}

static pt_status parse_literal(parser *p, part *out)
{
    char *text = pt_arena_alloc(&p->m->arena, p->text.len - p->at);
    size_t n = 0;
    if (!text) return PT_ENOMEM;
    for (; p->at < p->text.len; p->at++) {
        char c = peek(p);
        if (c == '{' || c == '/') break;
        if (c == '}') return bad(p, "'}' without '{'");
        if (c == '?') {
            if (p->at + 1 != p->text.len && p->text.ptr[p->at + 1] != '/') return bad(p, "'?' stands at the end of a segment only");
            break;
        }
        if (c == '\\') {
            p->at++;
            if (!(c = peek(p)) || !strchr("{}?/\\", c)) return bad(p, "'\\' stands before { } ? / \\ only");
        }
        text[n++] = c;
    }
    *out = (part){ .literal = true, .text = { text, n } };
    return PT_OK;
}

static bool gives_list(const part *x)
{
    bool list = false;
    for (unsigned i = 0; i < x->n_refs; i++)
        list |= x->refs[i].spread;
    for (unsigned i = 0; i < x->n_filters; i++) {
        if (x->filters[i].kind == F_SPLIT) list = true;
        if (x->filters[i].kind == F_FIRST || x->filters[i].kind == F_LAST || x->filters[i].kind == F_NTH) list = false;
    }
    return list;
}

static pt_status parse_segment(parser *p, segment *out)
{
    part parts[32];
    uint32_t n = 0;
    bool list = false;
    size_t start = p->at;
    *out = (segment){ 0 };
    while (p->at < p->text.len && peek(p) != '/') {
        if (n == PT_COUNT_OF(parts)) return bad(p, "too many parts in one segment");
        if (peek(p) == '?') {
            out->optional = true;
            p->at++;
            if (p->at < p->text.len && peek(p) != '/') return bad(p, "'?' stands at the end of a segment only");
            break;
        }
        bool expr = peek(p) == '{';
        if (expr) p->at++;
        pt_status st = expr ? parse_expression(p, &parts[n]) : parse_literal(p, &parts[n]);
        if (st) return st;
        list |= expr && gives_list(&parts[n]);
        n++;
    }
    if (!n) return bad(p, "empty segment");
    if (list && n > 1) return pt_fail_at(p->err, PT_EINVAL, start, "a list must be the whole segment");
    out->parts = pt_arena_array(&p->m->arena, n, sizeof *parts);
    if (!out->parts) return PT_ENOMEM;
    memcpy(out->parts, parts, n * sizeof *parts);
    out->n = n;
    return PT_OK;
}

pt_status uns__template_parse(uns_map *m, pt_slice text, const uns__captures *names, uns__template **out, pt_error *err)
{
    segment segments[UNS_DEPTH_MAX];
    parser p = { m, names, text, 0, err };
    uns__template *t = pt_arena_zalloc(&m->arena, sizeof *t);
    if (!t) return pt_fail(err, PT_ENOMEM, "out of memory");
    if (!text.len) return bad(&p, "empty template");
    if (text.len > UNS_PATH_MAX * 4) return pt_fail(err, PT_ETOOBIG, "template of %zu bytes", text.len);
    for (;;) {
        if (t->n == UNS_DEPTH_MAX) return bad(&p, "too many segments");
        pt_status st = parse_segment(&p, &segments[t->n]);
        if (st == PT_ENOMEM) return pt_fail(err, st, "out of memory");
        if (st) return st;
        t->n++;
        if (p.at == text.len) break;
        p.at++; /* the '/' */
    }
    t->segments = pt_arena_array(&m->arena, t->n, sizeof *segments);
    if (!t->segments) return pt_fail(err, PT_ENOMEM, "out of memory");
    memcpy(t->segments, segments, t->n * sizeof *segments);
    *out = t;
    return PT_OK;
}

/* ---- evaluation ---- */

typedef struct value {
    pt_slice item[UNS__LIST_MAX];
    uint32_t n;
    bool list;
    bool missing;  /* no such table key: only default helps */
    bool plumbing; /* item 0 is our own `_sparkplug` */
} value;

typedef struct evaluation {
    const uns_map *m;
    const uns_source *s;
    const pt_slice *taken;
    const char *fault; /* first thing wrong, static */
    bool partial;      /* something was asked for that the source leaves open */
    size_t used;
    char scratch[UNS__SCRATCH];
} evaluation;

static char *room(evaluation *e, size_t n)
{
    if (n > sizeof e->scratch - e->used) {
        e->fault = "text too long";
        return NULL;
    }
    char *p = e->scratch + e->used;
    e->used += n;
    return p;
}

static void push(evaluation *e, value *v, pt_slice s)
{
    if (v->n == UNS__LIST_MAX) e->fault = "too many parts";
    else v->item[v->n++] = s;
}

static bool is_empty(const value *v)
{
    return v->missing || v->n == 0 || (v->n == 1 && v->item[0].len == 0);
}

static pt_slice text_of(evaluation *e, const ref *r)
{
    pt_slice text = PT_NONE;
    if (e->s->partial && (r->kind == REF_TEMPLATE || r->kind == REF_PROPERTY)) e->partial = true;
    switch (r->kind) {
    case REF_TEXT: return r->text;
    case REF_CAPTURE: return e->taken[r->capture];
    case REF_GROUP: return e->s->group;
    case REF_EDGE: return e->s->edge;
    case REF_DEVICE: return e->s->device;
    case REF_METRIC: return e->s->metric;
    case REF_TOPIC: return e->s->topic;
    case REF_TEMPLATE: return e->s->template_ref;
    case REF_DATATYPE: return e->s->topic.len ? PT_NONE : pt_cstr(spb_datatype_name(e->s->type));
    case REF_PROPERTY: break;
    }
    if (!e->s->property || !e->s->property(e->s->property_ctx, r->text, &text)) return PT_NONE;
    return text;
}

static void split_into(evaluation *e, value *v, pt_slice text, pt_slice by)
{
    while (text.len >= by.len) {
        const char *p = text.len ? memmem(text.ptr, text.len, by.ptr, by.len) : NULL;
        if (!p) break;
        push(e, v, pt_slice_of(text.ptr, (size_t)(p - text.ptr)));
        text = pt_slice_from(text, (size_t)(p - text.ptr) + by.len);
    }
    push(e, v, text);
}

static void load(evaluation *e, const ref *r, value *v)
{
    pt_slice text = text_of(e, r);
    *v = (value){ .list = r->spread };
    if (!text.len) return;
    if (!r->spread) {
        push(e, v, text);
        return;
    }
    if (r->kind == REF_METRIC && uns__is_plumbing(e->s->device, e->s->metric)) {
        push(e, v, PT_LIT("_sparkplug"));
        v->plumbing = true;
    }
    split_into(e, v, text, PT_LIT("/"));
}

static char cased(char c, filter_kind kind)
{
    if (kind != F_UPPER && c >= 'A' && c <= 'Z') return (char)(c - 'A' + 'a');
    if (kind == F_UPPER && c >= 'a' && c <= 'z') return (char)(c - 'a' + 'A');
    return c;
}

static pt_slice recased(evaluation *e, pt_slice s, filter_kind kind)
{
    char *p = room(e, s.len);
    size_t n = 0;
    for (size_t i = 0; p && i < s.len; i++) {
        char c = cased(s.ptr[i], kind);
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (kind == F_SLUG && !plain) {
            if (n && p[n - 1] != '-') p[n++] = '-';
        } else {
            p[n++] = c;
        }
    }
    if (p && kind == F_SLUG && n && p[n - 1] == '-') n--;
    return pt_slice_of(p, p ? n : 0);
}

static pt_slice trimmed(pt_slice s)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = pt_slice_from(s, 1);
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static pt_slice replaced(evaluation *e, pt_slice s, pt_slice a, pt_slice b)
{
    size_t start = e->used;
    while (s.len >= a.len) {
        const char *hit = memmem(s.ptr, s.len, a.ptr, a.len);
        if (!hit) break;
        size_t before = (size_t)(hit - s.ptr);
        char *p = room(e, before + b.len);
        if (!p) return PT_NONE;
        memcpy(p, s.ptr, before);
        if (b.len) memcpy(p + before, b.ptr, b.len);
        s = pt_slice_from(s, before + a.len);
    }
    char *p = room(e, s.len);
    if (!p) return PT_NONE;
    if (s.len) memcpy(p, s.ptr, s.len);
    return pt_slice_of(e->scratch + start, e->used - start);
}

static bool starts_character(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

static int64_t characters(pt_slice s)
{
    int64_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += starts_character(s.ptr[i]);
    return n;
}

static size_t byte_of(pt_slice s, int64_t character)
{
    size_t i = 0;
    for (; i < s.len; i++) {
        if (starts_character(s.ptr[i]) && character-- == 0) break;
    }
    return i;
}

/* [from, to) of a list's items or a text's characters. */
static void cut(value *v, int64_t from, int64_t to, bool has_to)
{
    int64_t n = v->list ? (int64_t)v->n : v->n ? characters(v->item[0]) : 0;
    if (!has_to) to = n;
    if (from < 0) from += n;
    if (to < 0) to += n;
    if (from < 0) from = 0;
    if (to > n) to = n;
    if (from >= to) {
        v->n = 0;
    } else if (v->list) {
        memmove(v->item, v->item + from, (size_t)(to - from) * sizeof *v->item);
        v->n = (uint32_t)(to - from);
    } else {
        size_t a = byte_of(v->item[0], from), b = byte_of(v->item[0], to);
        v->item[0] = pt_slice_of(v->item[0].ptr + a, b - a);
    }
}

static void pick(value *v, int64_t i)
{
    cut(v, i, i + 1, i != -1);
    v->list = false;
}

static void each_item(evaluation *e, const filter *f, value *v)
{
    for (uint32_t i = 0; i < v->n; i++) {
        pt_slice *s = &v->item[i];
        if (f->kind == F_TRIM) *s = trimmed(*s);
        else if (f->kind == F_REPLACE) *s = replaced(e, *s, f->a, f->b);
        else if (f->kind != F_MAP) *s = recased(e, *s, f->kind);
        else {
            const pt_slice *to = uns__map_entry_of(e->m, f->a, *s);
            v->missing |= !to;
            *s = to ? *to : PT_NONE;
        }
    }
}

static void run_filter(evaluation *e, const filter *f, value *v)
{
    value old;
    switch (f->kind) {
    case F_FIRST: pick(v, 0); break;
    case F_LAST: pick(v, -1); break;
    case F_NTH: pick(v, f->from); break;
    case F_SLICE: cut(v, f->from, f->to, f->has_to); break;
    case F_SPLIT:
        old = *v;
        v->n = 0;
        v->list = true;
        for (uint32_t i = 0; i < old.n; i++)
            split_into(e, v, old.item[i], f->a);
        break;
    case F_DEFAULT:
        if (!is_empty(v)) break;
        *v = (value){ .n = 1, .item = { f->a }, .list = v->list };
        break;
    default: each_item(e, f, v); break;
    }
}

static void evaluate(evaluation *e, const part *x, value *v)
{
    pt_assert(x->n_refs > 0);
    for (unsigned i = 0; i < x->n_refs; i++) {
        load(e, &x->refs[i], v);
        if (!is_empty(v)) break;
    }
    for (unsigned i = 0; i < x->n_filters && !e->fault; i++)
        run_filter(e, &x->filters[i], v);
    if (v->missing) v->n = 0;
}

/* A segment of several parts: their texts behind one another. */
static pt_slice joined(evaluation *e, const segment *g, const part **without)
{
    value v;
    pt_slice part_text[32];
    size_t len = 0;
    bool any = false;
    for (uint32_t i = 0; i < g->n; i++) {
        part_text[i] = g->parts[i].text;
        if (!g->parts[i].literal) {
            evaluate(e, &g->parts[i], &v);
            part_text[i] = is_empty(&v) ? PT_NONE : v.item[0];
            if (is_empty(&v)) *without = &g->parts[i];
            any |= !is_empty(&v);
        } else if (g->n == 1) {
            any = true;
        }
        len += part_text[i].len;
    }
    char *p = room(e, len);
    if (!p || !any) return PT_NONE; /* only literals around nothing: "press-{n}" without n is nothing */
    pt_slice all = { p, len };
    for (uint32_t i = 0; i < g->n; i++) {
        if (part_text[i].len) memcpy(p, part_text[i].ptr, part_text[i].len);
        p += part_text[i].len;
    }
    return all;
}

static bool add_segment(evaluation *e, const segment *g, uns__path *path, uns_mapping *out)
{
    value v = { .n = 0 };
    const part *without = NULL;
    if (g->n == 1 && !g->parts[0].literal) {
        evaluate(e, &g->parts[0], &v);
        without = &g->parts[0];
    } else {
        pt_slice text = joined(e, g, &without);
        if (text.len && !without) push(e, &v, text);
    }
    if (e->fault) {
        snprintf(out->reason, sizeof out->reason, "%s", e->fault);
        return false;
    }
    if (is_empty(&v)) {
        if (g->optional) return true;
        snprintf(out->reason, sizeof out->reason, "{%.*s} is empty", without ? (int)(without->text.len < 80 ? without->text.len : 80) : 0,
                 without ? without->text.ptr : "");
        return false;
    }
    bool literal = g->n == 1 && g->parts[0].literal;
    for (uint32_t i = 0; i < v.n; i++)
        uns__path_add(path, v.item[i], literal || (i == 0 && v.plumbing && pt_slice_eq(v.item[i], PT_LIT("_sparkplug"))));
    return true;
}

bool uns__template_apply(const uns_map *m, const uns__template *t, const uns_source *s, const pt_slice *taken, uns_mapping *out)
{
    evaluation e; /* not zeroed as a whole: the scratch is large */
    uns__path path = { .buf = out->path, .empty = m->empty };
    e.m = m;
    e.s = s;
    e.taken = taken;
    e.fault = NULL;
    e.partial = false;
    bool ok = true;
    for (uint32_t i = 0; ok && i < t->n; i++) {
        e.used = 0;
        ok = add_segment(&e, &t->segments[i], &path, out);
    }
    out->partial = e.partial;
    if (!ok) return false;
    if (!path.len && !path.fault) path.fault = "empty path";
    if (path.fault) {
        snprintf(out->reason, sizeof out->reason, "%s", path.fault);
        return false;
    }
    out->path[path.len] = '\0';
    out->len = path.len;
    return true;
}
