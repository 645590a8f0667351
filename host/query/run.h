/* host/query/run.h -- inside host/query/: what every run has, and the tags that a request selects. */
#ifndef HOST_QUERY_RUN_H
#define HOST_QUERY_RUN_H
#include "base/arena.h"
#include "host/query/query.h"

struct query_run {
    /* Append some more; PT_ECLOSED: that was all. */
    pt_status (*step)(query_run *r, pt_buf *out, pt_error *err);
    void (*free)(query_run *r); /* what the kind of run owns beside this struct, which comes first in it */
    query_source src;
    query_scope scope; /* its texts are copied */
    pt_arena arena;    /* of the request's copies */
    query_sink *sink;  /* owned */
    uint64_t damaged;
};

/* Make the part that all runs have; `size` of the whole. The sink is taken. NULL: out of memory, and the sink is gone. */
query_run *query__run_new(size_t size, const query_source *src, const query_scope *scope, query_sink *sink);

/* A tag of a request: what it is called there, and what it is. */
typedef struct query_tag {
    pt_slice path, unit; /* of the run's arena */
    uint32_t tag_id;
    spb_datatype type;
    hist_line line; /* what is read: of a path all that owned it, in the run's arena */
} query_tag;

typedef struct query_tags {
    query_tag *items; /* owned */
    size_t n, cap;
} query_tags;

/* Paths in the order asked for, a glob's in their order, each once. A path stands for the tags that own and owned it; it is described as
 * its present, or last, owner. Globs leave plumbing (below _sparkplug) out unless they name it. PT_ENOTFOUND, PT_ETOOBIG, PT_ENOMEM with
 * the reason. */
PT_MUST_CHECK pt_status query__select(query_run *r, const pt_slice *paths, size_t n, query_tags *out, pt_error *err);
PT_MUST_CHECK pt_status query__select_id(query_run *r, uint32_t tag_id, query_tags *out, pt_error *err);
#endif
