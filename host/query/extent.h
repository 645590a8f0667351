/* host/query/extent.h -- which folders and edge nodes there are for a scope: those with a tag that it sees.
 *
 * For a scope that sees everything nothing is built and everything is there. Costs a walk over all tags otherwise: made once per request.
 */
#ifndef HOST_QUERY_EXTENT_H
#define HOST_QUERY_EXTENT_H
#include "base/map.h"
#include "host/query/query.h"

typedef struct query_extent {
    bool everything;
    pt_map tree;  /* each visible tag and all above it -> visible children */
    pt_map nodes; /* GROUP/EDGE of its tags */
} query_extent;

/* hidden: plumbing is in the tree, too. PT_ENOMEM. Release with query_extent_fini, also after a failure. */
PT_MUST_CHECK pt_status query_extent_init(query_extent *e, const query_source *src, const query_scope *scope, bool hidden);
void query_extent_fini(query_extent *e);
/* Is there a node of the tree for this scope? *children (when the scope does not see everything): those it sees. */
bool query_extent_has_path(const query_extent *e, pt_slice path, uint32_t *children);
bool query_extent_has_node(const query_extent *e, pt_slice node); /* "group/edge" */
#endif
