/* uns/uns.h -- the plant's tree of tags with their current values.
 *
 * A path is segments joined by '/'; a node may hold a value and children. Tags are known by tag_id (the historian's, dense from 1);
 * the tree gives each a path, metadata and its current value. Two views of one store: the UNS view (mapped paths) and the source view
 * `_source/spb/<group>/<edge>/<device|_node>/<metric...>` (uns-and-api.md 1.5).
 *
 * Threads: any thread; one readers-writer lock inside, writers first. Updates come in batches (a whole message) under one lock. Callbacks
 * run under the lock: they must be quick and must not call back into the tree. Strings inside are owned copies, bounded by UNS_VALUE_MAX.
 *
 * Memory: about 200 bytes per tag for both views together, plus each distinct string once, plus the bytes of text values.
 * uns_apply allocates only when a text value outgrows its buffer. */
#ifndef UNS_UNS_H
#define UNS_UNS_H
#include "sparkplug/value.h"

#define UNS_PATH_MAX    1024u /* bytes of a path */
#define UNS_SEGMENT_MAX 256u
#define UNS_DEPTH_MAX   64u
#define UNS_VALUE_MAX \
    (256u * 1024u) /* bytes of a text or document kept as current value; longer ones are become null + BAD and are counted */

typedef struct uns_tree uns_tree;

typedef enum uns_class { UNS_FUNCTIONAL, UNS_INFORMATIVE, UNS_DESCRIPTIVE, UNS_EDGE, UNS_ADHOC } uns_class;
const char *uns_class_name(uns_class c); /* "functional" ... */
typedef enum uns_state { UNS_LIVE, UNS_STALE_STATE, UNS_ABSENT, UNS_ARCHIVED } uns_state;
const char *uns_state_name(uns_state s); /* "live" "stale" "absent" "archived" */

/* ---- paths ---- */
/* The literal mapping: group/edge[/device]/metric..., each segment percent-escaped (uns-and-api.md 1.9), metric split at '/',
 * empty segments dropped; session plumbing of a node (bdSeq, Node Control/..., Properties/...) and `Device Control/...` goes below
 * `_sparkplug`. An id or name that equals one of our own words (`_source` in front, `_sparkplug`, `_node`) gets its '_' escaped, so nothing
 * from outside can pose as them. Writes a NUL; *len without it. PT_ETOOBIG: a cap; PT_EMALFORMED: invalid UTF-8, or no name left
 * (quarantine it: put it with an empty path). */
PT_MUST_CHECK pt_status uns_path_literal(pt_slice group, pt_slice edge, pt_slice device, pt_slice metric, char *buf, size_t cap,
                                         size_t *len, pt_error *err);
/* Percent-escape one segment / undo it, appending to `out`; reversible for all bytes (invalid UTF-8 is escaped too). PT_ETOOBIG, PT_ENOMEM
 * of the buffer; unescape: PT_EMALFORMED for a '%' without two hex digits. */
PT_MUST_CHECK pt_status uns_segment_escape(pt_slice raw, pt_buf *out);
PT_MUST_CHECK pt_status uns_segment_unescape(pt_slice escaped, pt_buf *out);

/* ---- building ---- */
typedef struct uns_tag_def {
    uint32_t tag_id;
    pt_slice path; /* UNS path; empty: source view only (unmapped, quarantined). In a view of such a tag: its source path */
    pt_slice group, edge, device, metric; /* source; device empty for node metrics. group and edge empty: a plain topic (metric) */
    spb_datatype type;
    pt_slice unit, description; /* empty when unknown */
    double eng_low, eng_high;   /* valid when eng_high > eng_low */
    bool writable;
    uns_class cls;
    bool hidden; /* plumbing: not listed unless asked */
    bool there;  /* its source says so just now: it is in a birth. False in a put: nothing is said */
} uns_tag_def;

typedef struct uns_update {
    uint32_t tag_id;
    spb_quality quality;
    int64_t time_ms; /* source time */
    spb_value value; /* bytes are copied */
} uns_update;

PT_MUST_CHECK pt_status uns_tree_new(uns_tree **out);
void uns_tree_free(uns_tree *t);

/* Add the tag or bring it up to date (path, type, unit ...); keeps the current value when the type stays. A new tag is stale and without
 * value until its first update. PT_EEXISTS: another tag owns the path (first owner keeps it; the newcomer is in the source view,
 * quarantined; counted). PT_EINVAL: tag_id 0, a path with empty or too long segments or below `_source`, or a source that has another id.
 * PT_ETOOBIG: names beyond 64 KiB, ids too long to show, tag_id beyond 16 M. PT_ENOMEM. After all but PT_EEXISTS nothing has changed. */
PT_MUST_CHECK pt_status uns_tag_put(uns_tree *t, const uns_tag_def *def);
/* Move the tag to another path; an empty one: source view only. Its value stays. PT_EEXISTS: another tag owns the path, nothing has
 * changed. PT_ENOTFOUND: no such tag; PT_EINVAL: no path of ours; PT_ENOMEM. */
PT_MUST_CHECK pt_status uns_tag_place(uns_tree *t, uint32_t tag_id, pt_slice path);
/* New current values, in order; the state becomes live unless the quality is STALE. Unknown tag ids are skipped and counted. A text that is
 * too long (or for which memory is short) becomes null with quality BAD and is counted. Values are not compared with what was there: late
 * ones are the caller's to hold back. */
void uns_apply(uns_tree *t, const uns_update *updates, size_t n);
/* Death: quality STALE and stale_since = at_ms; the value and its time stay (never a fake value). Already stale ones keep their first
 * stale_since. */
void uns_stale(uns_tree *t, const uint32_t *tag_ids, size_t n, int64_t at_ms);
/* No longer in the newest birth: state absent. */
void uns_absent(uns_tree *t, const uint32_t *tag_ids, size_t n, int64_t at_ms);

/* ---- reading ---- */
typedef struct uns_tag_view { /* slices valid only inside the callback */
    uns_tag_def def;
    uns_state state;
    bool has_value; /* a value was ever seen */
    spb_value value;
    spb_quality quality;
    int64_t time_ms;
    spb_quality last_quality; /* of the newest value itself: what quality was before uns_stale or uns_absent */
    int64_t stale_since_ms;   /* valid when quality is STALE */
    uint64_t change;          /* rises with every change of this tag; for live readers */
} uns_tag_view;

/* PT_ENOTFOUND: no such tag. `path` may be a source path (`_source/...`). */
PT_MUST_CHECK pt_status uns_read(uns_tree *t, pt_slice path, void (*see)(void *ctx, const uns_tag_view *v), void *ctx);
PT_MUST_CHECK pt_status uns_read_id(uns_tree *t, uint32_t tag_id, void (*see)(void *ctx, const uns_tag_view *v), void *ctx);

/* All tags changed after `since` (0: all), in order of id; returns the value for the next call. What changed twice is seen once. */
PT_MUST_CHECK uint64_t uns_changes(uns_tree *t, uint64_t since, void (*see)(void *ctx, const uns_tag_view *v), void *ctx);

typedef struct uns_node_view {
    pt_slice path, name; /* valid inside the callback; name is the last segment, unescaped for people */
    const char *kind;    /* "folder" or "tag" (a tag may have children too) */
    uns_class cls;
    uns_state state;   /* of the tag; of a folder: live when any tag below is live, else stale, else absent */
    uint32_t children; /* visible ones */
    uint32_t tag_id;   /* 0: folder */
} uns_node_view;
/* Nodes below `path` (empty: the root; `_source`...: the source view) down to `depth` levels, parents before children, children in bytewise
 * order of name. `see` returns false to stop. PT_ENOTFOUND: no such node. */
PT_MUST_CHECK pt_status uns_children(uns_tree *t, pt_slice path, uint32_t depth, bool hidden,
                                     bool (*see)(void *ctx, const uns_node_view *v), void *ctx);
/* Tags whose path matches any of the globs and none of those with a leading '!', in path order (segment by segment). Literal segments are
 * looked up, not searched. Globs that begin with `_source/` select by source path (the view's path is the UNS path all the same, when there
 * is one). Out of memory, or a glob of more than 63 segments: nothing is seen. */
void uns_select(uns_tree *t, const pt_slice *globs, size_t n, bool hidden, bool (*see)(void *ctx, const uns_tag_view *v), void *ctx);

typedef struct uns_stats {
    uint32_t tags, live, stale, absent, nodes;        /* nodes: of both views */
    uint64_t updates, unknown, collisions, oversized; /* unknown: ids nobody put */
} uns_stats;
void uns_stats_get(uns_tree *t, uns_stats *out);
#endif
