/* uns/select.c -- tags by glob, in path order, visiting only what can match.
 *
 * Each glob is cut into segments. While the walk goes down, a glob is a set of positions (bit i: "segment i is to be
 * matched next"; bit n: "all matched"), as in a small automaton: going down to a child maps the set through one segment.
 * A folder where every position of every glob is a plain name is entered by look-up instead of a scan. */
#include "uns/internal.h"

#include "base/glob.h"

#include <stdlib.h>

enum { SEGMENTS_MAX = 63 };

typedef struct glob {
    pt_slice text, segments[SEGMENTS_MAX];
    uint64_t any;     /* bit i: segment i is "**" */
    uint64_t literal; /* bit i: segment i is a plain name */
    unsigned n;
    bool exclude, source;
} glob;

typedef struct walk {
    const uns_tree *t;
    glob *globs;
    size_t n;
    uint64_t *sets; /* one row of n per level */
    bool hidden, source, go;
    bool (*see)(void *ctx, const uns_tag_view *v);
    void *ctx;
    size_t len;
    char path[UNS__PATH_ROOM];
} walk;

static bool compile(glob *g, pt_slice text)
{
    pt_slice piece;
    *g = (glob){ .exclude = text.len && text.ptr[0] == '!' };
    if (g->exclude) text = pt_slice_from(text, 1);
    g->text = text;
    g->source = uns__path_is_source(text);
    if (!text.len) return false;
    if (g->source && !pt_slice_split(&text, '/', &piece)) return false;
    while (text.ptr && pt_slice_split(&text, '/', &piece)) {
        bool any = pt_slice_eq(piece, PT_LIT("**"));
        if (any && g->n && (g->any >> (g->n - 1) & 1)) continue; /* two in a row are one */
        if (g->n == SEGMENTS_MAX) return false;                  /* deeper than any path with a value here */
        if (any) g->any |= UINT64_C(1) << g->n;
        if (pt_glob_is_literal(piece)) g->literal |= UINT64_C(1) << g->n;
        g->segments[g->n++] = piece;
    }
    return true;
}

/* "**" may match nothing: whoever stands before it also stands behind it. */
static uint64_t close_set(const glob *g, uint64_t set)
{
    uint64_t more = (set & g->any) << 1;
    return set | more; /* never two "**" in a row, so once is enough */
}

static uint64_t step(const glob *g, uint64_t set, pt_slice name)
{
    uint64_t to = set & g->any; /* "**" takes the name and stays */
    for (uint64_t rest = set & ~g->any & ~(UINT64_C(1) << g->n); rest; rest &= rest - 1) {
        unsigned i = (unsigned)__builtin_ctzll(rest);
        if ((g->literal >> i & 1) ? pt_slice_eq(g->segments[i], name) : pt_glob_match(g->segments[i], name)) to |= UINT64_C(1) << (i + 1);
    }
    return close_set(g, to);
}

static __attribute__((noinline)) void offer(walk *w, const uns__node *n, const uint64_t *row)
{
    bool wanted = false;
    const uns__tag *tag = uns__tag_at(w->t, n->tag);
    if (!w->hidden && tag->flags & UNS__HIDDEN) return;
    for (size_t i = 0; i < w->n; i++) {
        if (!(row[i] >> w->globs[i].n & 1)) continue;
        if (w->globs[i].exclude) return;
        wanted = true;
    }
    if (!wanted) return;
    uns_tag_view v;
    char path[UNS__PATH_ROOM];
    pt_slice shown = { w->path, w->len };
    if (w->source && tag->node) { /* its proper name, wherever it was found */
        size_t len = uns__node_path(w->t, tag->node, path + sizeof path);
        shown = pt_slice_of(path + sizeof path - len, len);
    }
    uns__tag_view_of(w->t, n->tag, shown, &v);
    w->go = w->see(w->ctx, &v);
}

static void walk_node(walk *w, uint32_t id, unsigned depth);

static void walk_child(walk *w, uint32_t id, unsigned depth)
{
    const uns__node *n = uns__node_at(w->t, id);
    const uint64_t *row = w->sets + depth * w->n;
    uint64_t *next = w->sets + (depth + 1) * w->n;
    bool alive = false;
    pt_slice name = uns__name_view(&w->t->names, n->name);
    for (size_t i = 0; i < w->n; i++) {
        next[i] = row[i] ? step(&w->globs[i], row[i], name) : 0;
        if (next[i] && !w->globs[i].exclude) alive = true;
    }
    if (!alive) return;
    size_t mark = w->len;
    if (mark) w->path[w->len++] = '/';
    memcpy(w->path + w->len, name.ptr, name.len);
    w->len += name.len;
    walk_node(w, id, depth + 1);
    w->len = mark;
}

/* The only children that can match are named: look them up. At most a handful, else scanning is as good. */
static bool by_look_up(const walk *w, uint32_t id, const uint64_t *row, uint32_t *kids, unsigned *n)
{
    enum { FEW = 32 };
    *n = 0;
    for (size_t i = 0; i < w->n; i++) {
        const glob *g = &w->globs[i];
        uint64_t rest = row[i] & ~(UINT64_C(1) << g->n);
        if (g->exclude) continue;
        if (rest & ~g->literal) return false;
        for (; rest; rest &= rest - 1) {
            if (*n == FEW) return false;
            uint32_t kid = uns__node_child(w->t, id, g->segments[__builtin_ctzll(rest)]);
            if (!kid) continue;
            unsigned at = 0;
            while (at < *n && kids[at] != kid && uns__node_order(w->t, kids[at], kid) < 0)
                at++;
            if (at < *n && kids[at] == kid) continue;
            memmove(&kids[at + 1], &kids[at], (*n - at) * sizeof *kids);
            kids[at] = kid;
            ++*n;
        }
    }
    return true;
}

static void walk_node(walk *w, uint32_t id, unsigned depth)
{
    const uns__node *n = uns__node_at(w->t, id);
    const uint64_t *row = w->sets + depth * w->n;
    uint32_t few[33];
    unsigned n_few;
    if (n->tag) offer(w, n, row);
    if (!n->folder || !w->go || (!w->hidden && !n->folder->visible)) return;
    if (by_look_up(w, id, row, few, &n_few)) {
        for (unsigned i = 0; w->go && i < n_few; i++)
            walk_child(w, few[i], depth);
    } else {
        for (uint32_t i = 0; w->go && i < n->folder->n; i++)
            walk_child(w, n->folder->kids[i], depth);
    }
}

static void walk_view(walk *w, bool source, const glob *globs, size_t n)
{
    bool wanted = false;
    w->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (globs[i].source != source) continue;
        w->globs[w->n] = globs[i];
        w->sets[w->n] = close_set(&globs[i], 1);
        w->n++;
        if (!globs[i].exclude) wanted = true;
    }
    if (!wanted) return;
    w->source = source;
    w->len = 0;
    if (source) {
        w->len = sizeof "_source" - 1;
        memcpy(w->path, "_source", w->len);
    }
    walk_node(w, source ? UNS__SOURCE_ROOT : UNS__ROOT, 0);
}

void uns_select(uns_tree *t, const pt_slice *globs, size_t n, bool hidden, bool (*see)(void *ctx, const uns_tag_view *v), void *ctx)
{
    size_t used = 0;
    if (!n || n > SIZE_MAX / sizeof(glob) / 2) return;
    glob *all = calloc(n * 2, sizeof *all);
    walk *w = calloc(1, sizeof *w);
    uint64_t *sets = calloc(n, (UNS_DEPTH_MAX + 2) * sizeof *sets);
    if (all && w && sets) {
        for (size_t i = 0; i < n; i++)
            used += compile(&all[used], globs[i]) ? 1 : 0;
        w->t = t;
        w->globs = all + n;
        w->sets = sets;
        w->hidden = hidden;
        w->go = true;
        w->see = see;
        w->ctx = ctx;
        uns__lock_sorted(t);
        walk_view(w, false, all, used);
        if (w->go) walk_view(w, true, all, used);
        (void)pthread_rwlock_unlock(&t->lock);
    }
    free(sets);
    free(w);
    free(all);
}
