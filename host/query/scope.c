/* host/query/scope.c -- one rule: a tag is there when the scope's patterns select its path. */
#include "host/query/scope.h"

#include "base/glob.h"

const query_scope query_everything = { .role = QUERY_ADMIN };

bool query_is_everything(const query_scope *s)
{
    return s->n_paths == 0;
}

bool query_sees(const query_scope *s, pt_slice path)
{
    return query_is_everything(s) || (path.len && pt_glob_selects(s->paths, s->n_paths, path));
}
