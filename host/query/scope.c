/* host/query/scope.c -- one rule: a tag is there when the scope's patterns select its path. */
#include "host/query/scope.h"

#include "base/glob.h"

const query_scope query_everything = { .role = QUERY_ADMIN };

bool query_is_everything(const query_scope *s)
{
    for (const query_scope *in = s; in; in = in->within) {
        const query_scope *part = in;
        while (part && part->n_paths)
            part = part->or_else;
        if (!part) return false;
    }
    return true;
}

bool query_sees(const query_scope *s, pt_slice path)
{
    for (const query_scope *in = s; in; in = in->within) {
        const query_scope *part = in;
        while (part && part->n_paths && !(path.len && pt_glob_selects(part->paths, part->n_paths, path)))
            part = part->or_else;
        if (!part) return false;
    }
    return true;
}
