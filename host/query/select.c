/* host/query/select.c -- from what a request names to tags: the one place where a path becomes a tag. */
#include "base/glob.h"
#include "host/query/run.h"

#include <stdlib.h>
#include <string.h>

typedef struct selecting {
    query_run *r;
    query_tags *out;
    const pt_slice *paths; /* all of the request: exclusions count for every glob */
    size_t n;
    pt_slice glob;
    bool plumbing; /* the glob names it */
    pt_status status;
} selecting;

/* `line` NULL: all that owned the path. */
static pt_status add(query_run *r, query_tags *out, pt_slice path, const hist_tag *tag, const hist_line *line)
{
    hist_line owners;
    if (!line) {
        pt_status st = hist_path_line(r->src.history, path, &r->arena, &owners, NULL);
        if (st != PT_OK) return st;
        line = &owners;
    }

    if (out->n == QUERY_SERIES_MAX) return PT_ETOOBIG;
    if (out->n == out->cap) {
        size_t cap = out->cap ? out->cap * 2 : 16;
        query_tag *grown = realloc(out->items, cap * sizeof *grown);
        if (!grown) return PT_ENOMEM;
        out->items = grown;
        out->cap = cap;
    }
    query_tag *t = &out->items[out->n];
    *t = (query_tag){ .path = pt_arena_dup(&r->arena, path),
                      .unit = pt_arena_dup(&r->arena, tag->unit),
                      .tag_id = tag->tag_id,
                      .type = tag->type,
                      .line = *line };
    if ((path.len && !t->path.ptr) || (tag->unit.len && !t->unit.ptr)) return PT_ENOMEM;
    out->n++;
    return PT_OK;
}

static bool is_excluded(const selecting *s, pt_slice path)
{
    for (size_t i = 0; i < s->n; i++) {
        pt_slice p = s->paths[i];
        if (p.len && p.ptr[0] == '!' && pt_glob_match(pt_slice_from(p, 1), path)) return true;
    }
    return false;
}

static bool one_of_glob(void *ctx, const hist_tag *tag)
{
    selecting *s = ctx;
    if (!tag->path.len || !query_sees(&s->r->scope, tag->path) || !pt_glob_match(s->glob, tag->path) || is_excluded(s, tag->path))
        return true;
    if (!s->plumbing && memmem(tag->path.ptr, tag->path.len, "_sparkplug/", 11)) return true;
    s->status = add(s->r, s->out, tag->path, tag, NULL);
    return s->status == PT_OK;
}

static int by_path(const void *a, const void *b)
{
    pt_slice x = ((const query_tag *)a)->path, y = ((const query_tag *)b)->path;
    int order = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);
    return order ? order : (x.len > y.len) - (x.len < y.len);
}

static pt_status select_glob(selecting *s, pt_error *err)
{
    size_t first = s->out->n;
    s->plumbing = memmem(s->glob.ptr, s->glob.len, "_sparkplug", 10) != NULL;
    pt_status st = hist_tag_each(s->r->src.history, one_of_glob, s);
    if (st == PT_OK) st = s->status;
    if (st == PT_ETOOBIG) return pt_fail(err, st, "'%.*s' selects more than %d tags", PT_SLICE_ARGS(s->glob), QUERY_SERIES_MAX);
    if (st != PT_OK) return pt_fail(err, st, "the tags cannot be read: %s", pt_status_name(st));
    if (s->out->n == first) return pt_fail(err, PT_ENOTFOUND, "'%.*s' selects no tag", PT_SLICE_ARGS(s->glob));
    qsort(s->out->items + first, s->out->n - first, sizeof *s->out->items, by_path);
    return PT_OK;
}

static pt_status select_path(selecting *s, pt_slice path, pt_error *err)
{
    hist_tag tag;
    pt_status st =
        path.len && query_sees(&s->r->scope, path) ? hist_tag_by_path(s->r->src.history, path, &s->r->arena, &tag) : PT_ENOTFOUND;
    if (st == PT_OK) st = add(s->r, s->out, path, &tag, NULL);
    if (st == PT_ENOTFOUND) return pt_fail(err, st, "there is no tag %.*s", PT_SLICE_ARGS(path));
    return st == PT_OK ? st : pt_fail(err, st, "%.*s: %s", PT_SLICE_ARGS(path), pt_status_name(st));
}

static int by_id(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Each tag once, where it was named first. */
static pt_status leave_out_repeated(query_tags *t)
{
    if (t->n < 2) return PT_OK;
    uint32_t *seen = malloc(t->n * sizeof *seen);
    if (!seen) return PT_ENOMEM;
    for (size_t i = 0; i < t->n; i++)
        seen[i] = t->items[i].tag_id;
    qsort(seen, t->n, sizeof *seen, by_id);
    size_t distinct = 1;
    for (size_t i = 1; i < t->n; i++)
        distinct += seen[i] != seen[i - 1];
    if (distinct < t->n) {
        size_t kept = 0;
        for (size_t i = 0; i < t->n; i++) {
            bool again = false;
            for (size_t k = 0; k < kept && !again; k++)
                again = t->items[k].tag_id == t->items[i].tag_id;
            if (!again) t->items[kept++] = t->items[i];
        }
        t->n = kept;
    }
    free(seen);
    return PT_OK;
}

pt_status query__select(query_run *r, const pt_slice *paths, size_t n, query_tags *out, pt_error *err)
{
    selecting s = { .r = r, .out = out, .paths = paths, .n = n };
    pt_status st = PT_OK;
    if (pt_glob_only_excludes(paths, n)) {
        if (n == 0) return pt_fail(err, PT_EINVAL, "which tag? a path, or a pattern");
        s.glob = PT_LIT("**");
        st = select_glob(&s, err);
    }
    for (size_t i = 0; i < n && st == PT_OK; i++) {
        if (paths[i].len && paths[i].ptr[0] == '!') continue;
        s.glob = paths[i];
        st = pt_glob_is_literal(paths[i]) ? select_path(&s, paths[i], err) : select_glob(&s, err);
    }
    if (st == PT_OK && (st = leave_out_repeated(out)) != PT_OK) return pt_fail(err, st, "out of memory");
    return st;
}

pt_status query__select_id(query_run *r, uint32_t tag_id, query_tags *out, pt_error *err)
{
    hist_tag tag;
    pt_status st = hist_tag_by_id(r->src.history, tag_id, &r->arena, &tag);
    if (st == PT_OK && !query_sees(&r->scope, tag.path)) st = PT_ENOTFOUND;
    hist_line line = hist_of_tag(tag_id);
    if (st == PT_OK) st = add(r, out, tag.path, &tag, &line);
    if (st == PT_ENOTFOUND) return pt_fail(err, st, "there is no tag of the id %u", tag_id);
    return st == PT_OK ? st : pt_fail(err, st, "tag %u: %s", tag_id, pt_status_name(st));
}
