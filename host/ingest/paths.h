/* host/ingest/paths.h -- which source has a path of the tree, while the plant runs.
 *
 * A path has one owner. The owner keeps it as long as it is there: its node is on line and its newest birth has the metric. A source that
 * maps to the path of one that is there waits, in the source view. When the owner has not been there for takeover_after, whoever waits, or
 * is born, takes the path over: the path's history goes on with the newcomer. Two gateways that take turns are followed so. After a start
 * of the host nobody was there yet: owners have takeover_after to be heard of.
 *
 * Threads: any; a lock inside, taken before those of history and tree. */
#ifndef HOST_PATHS_H
#define HOST_PATHS_H
#include "base/clock.h"
#include "historian/historian.h"
#include "host/nodes/words.h"
#include "uns/map.h"
#include "uns/uns.h"

typedef struct host_paths_options {
    bool adopt;                /* false: a path is never taken over, the newcomer waits until it is made way for by hand */
    int64_t takeover_after_ms; /* >= 0 */
} host_paths_options;

enum { HOST_PATHS_WAITING_MAX = 100000 }; /* tags that wait; beyond, one that comes is told and not remembered until reborn */

/* Something happened to a path: HOST_EVENT_PATH_COLLISION (tag_id waits for `other`) or HOST_EVENT_PATH_TAKEOVER (tag_id has it, `other`
 * had it). Slices are valid during the call, which is made with the lock held. */
typedef struct host_path_change {
    host_event_type type;
    uint32_t tag_id, other;
    pt_slice path, group, edge, device, metric; /* of tag_id */
} host_path_change;
typedef void host_path_said(void *ctx, const host_path_change *c);

typedef struct host_paths host_paths;
/* tree, history and clock are borrowed. NULL: out of memory. */
host_paths *host_paths_new(const host_paths_options *o, uns_tree *tree, hist *history, const pt_clock *clock);
void host_paths_free(host_paths *p); /* NULL allowed */
void host_paths_configure(host_paths *p, const host_paths_options *o);

/* The source `key`, defined by `def` (its path is the one it maps to, tag_id is ignored; `there`: not only known of before), was born: into
 * catalogue and tree, with the path or without. *tag_id is its number. The catalogue's and the tree's errors; *in_tree: where the error is
 * from. */
PT_MUST_CHECK pt_status host_paths_born(host_paths *p, const hist_tag_key *key, const uns_tag_def *def, host_path_said *said, void *ctx,
                                        uint32_t *tag_id, bool *in_tree);
/* Paths whose owners have been away for long enough go to one of those that wait. Cheap when nobody waits; to be called about every second.
 */
void host_paths_tick(host_paths *p, host_path_said *said, void *ctx);
/* The source's place by the rules; `map` NULL: the literal one. */
void host_paths_map(const uns_map *map, const uns_source *source, uns_mapping *out);

typedef struct host_paths_moved {
    uint64_t left, placed, waiting; /* tags that gave up a path that is no longer theirs; that got one; whose path another has */
    uint64_t left_alone;            /* whose rule depends on what only their birth says: they move with it */
} host_paths_moved;
/* Every known tag to where the rules put it, nodes that are away and never come back included. What its birth says besides identity and
 * type is not known here: tags whose path depends on that stay until they are born. The first error of catalogue or tree. */
PT_MUST_CHECK pt_status host_paths_rules(host_paths *p, const uns_map *map, host_paths_moved *moved);
/* By hand: the tag owns no path from now on, and does not wait for one. It comes back with its next birth. PT_ENOTFOUND; PT_EBUSY: its
 * source is there just now, with the reason; the catalogue's and the tree's errors. */
PT_MUST_CHECK pt_status host_paths_retire(host_paths *p, uint32_t tag_id, pt_error *err);
/* Tags that wait; *forgotten: those that came beyond HOST_PATHS_WAITING_MAX, or for whom memory was short. */
uint32_t host_paths_waiting(host_paths *p, uint64_t *forgotten);
#endif
