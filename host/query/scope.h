/* host/query/scope.h -- who asks, and how much of the plant exists for them.
 *
 * Every run of host/query/query.h is filtered by a scope in this one place; the change log (changes.h) takes none yet. What lies outside
 * does not exist: it is not listed, not counted, and asking for it by name is answered like a name that nobody has. A scope borrows its
 * texts and the scopes it links to; make one per request, or keep it as long as they live. Runs copy it. Pure; any thread. */
#ifndef HOST_QUERY_SCOPE_H
#define HOST_QUERY_SCOPE_H
#include "base/slice.h"

typedef enum query_role { QUERY_VIEWER, QUERY_OPERATOR, QUERY_ENGINEER, QUERY_ADMIN } query_role;

typedef struct query_scope {
    pt_slice principal; /* the name that stands in the audit */
    query_role role;
    const pt_slice *paths; /* globs over UNS paths (base/glob.h), one with a leading '!' excludes; none: the whole plant */
    size_t n_paths;
    const struct query_scope *or_else; /* NULL, or: what its patterns select is there, too; of it only paths and or_else count */
    const struct query_scope *within;  /* NULL, or: nothing outside of this one is there */
} query_scope;

/* The whole plant: what the programs themselves and a reader of files have. */
extern const query_scope query_everything;

bool query_is_everything(const query_scope *s);
/* May this path be seen? What has no path (quarantined, unmapped) is seen by those who see everything. */
bool query_sees(const query_scope *s, pt_slice path);

#endif
