/* host/query/past_tree.h -- inside host/query/: the tree as of a past time. */
#ifndef HOST_QUERY_PAST_TREE_H
#define HOST_QUERY_PAST_TREE_H
#include "host/query/query.h"

/* Tags that had a path at `at_ms`, with the path, type and quality of then; states are looked up below `below` only (empty: everywhere).
 * The caller frees the tree. PT_ENOMEM, or what reading history gave, with the reason. */
PT_MUST_CHECK pt_status query__past_tree(const query_source *src, int64_t at_ms, pt_slice below, uns_tree **out, pt_error *err);
#endif
