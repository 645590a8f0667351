/* host/query/run.c -- the part that every run has. */
#include "host/query/run.h"

#include <stdlib.h>

enum { ARENA_MAX = 256 << 20 };

static pt_status copy_part(pt_arena *arena, query_scope *s)
{
    pt_slice *paths = s->n_paths ? pt_arena_alloc(arena, s->n_paths * sizeof *paths) : NULL;
    if (s->n_paths && !paths) return PT_ENOMEM;
    for (size_t i = 0; paths && i < s->n_paths; i++) {
        paths[i] = pt_arena_dup(arena, s->paths[i]);
        if (!paths[i].ptr) return PT_ENOMEM;
    }
    s->paths = paths;
    return PT_OK;
}

/* A copy of what *link points to, in its place. */
static query_scope *copy_linked(pt_arena *arena, const query_scope **link)
{
    query_scope *copy = pt_arena_alloc(arena, sizeof *copy);
    if (!copy) return NULL;
    *copy = **link;
    *link = copy;
    return copy;
}

static pt_status copy_scope(query_run *r, const query_scope *scope)
{
    r->scope = *scope;
    r->scope.principal = pt_arena_dup(&r->arena, scope->principal);
    for (query_scope *in = &r->scope; in;) {
        pt_status st = copy_part(&r->arena, in);
        for (query_scope *part = in; st == PT_OK && part->or_else;) {
            part = copy_linked(&r->arena, &part->or_else);
            st = part ? copy_part(&r->arena, part) : PT_ENOMEM;
        }
        if (st != PT_OK) return st;
        if (!in->within) break;
        in = copy_linked(&r->arena, &in->within);
        if (!in) return PT_ENOMEM;
    }
    return PT_OK;
}

query_run *query__run_new(size_t size, const query_source *src, const query_scope *scope, query_sink *sink)
{
    query_run *r = sink ? calloc(1, size) : NULL;
    if (!r) {
        query_sink_free(sink);
        return NULL;
    }
    r->src = *src;
    r->sink = sink;
    pt_arena_init(&r->arena, ARENA_MAX);
    if (copy_scope(r, scope) != PT_OK) {
        query_close(r);
        return NULL;
    }
    return r;
}

pt_status query_step(query_run *r, pt_buf *out, pt_error *err)
{
    pt_status st = r->step(r, out, err);
    if ((st == PT_OK || st == PT_ECLOSED) && pt_buf_status(out)) st = pt_fail(err, pt_buf_status(out), "a part of the answer is too large");
    return st;
}

uint64_t query_damaged(const query_run *r)
{
    return r->damaged;
}

void query_close(query_run *r)
{
    if (!r) return;
    if (r->free) r->free(r);
    query_sink_free(r->sink);
    pt_arena_fini(&r->arena);
    free(r);
}
