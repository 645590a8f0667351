/* host/http/live.h -- the live stream: what changed, for any number of slow or fast readers (Server-Sent Events).
 *
 * Shards append to one ring: "tag 7 changed", or a ready text (event, state). A reader keeps a place in the ring and, at its own pace,
 * collects what lies between: values are conflated (the tree has the newest), texts are never. Its place is the SSE id `<epoch>-<place>`,
 * so a reader that comes back inside the ring goes on exactly where it was; beyond it, it gets `reset` and a snapshot.
 * A slow reader costs the shards nothing. Threads: any. */
#ifndef HOST_LIVE_H
#define HOST_LIVE_H
#include "base/clock.h"
#include "base/daemon/http.h"
#include "uns/uns.h"

typedef struct host_live host_live;

PT_MUST_CHECK pt_status host_live_new(uns_tree *tree, const pt_clock *clock, host_live **out);
void host_live_free(host_live *l); /* after the HTTP server has stopped */

void host_live_values(host_live *l, const uns_update *u, size_t n);
void host_live_tags(host_live *l, const uint32_t *ids, size_t n);
/* kind: "state", "event", "write" ...: the SSE event name (static). json is copied. */
void host_live_text(host_live *l, const char *kind, pt_slice json);

typedef struct host_live_query {
    pt_slice select; /* comma-separated globs; absent: everything */
    bool events, tree, snapshot, int64_string;
    uint32_t rate;          /* 1..20 per second */
    pt_slice last_event_id; /* absent: none */
} host_live_query;
/* Answers the request with a stream. */
void host_live_serve(host_live *l, pt_http_request *rq, const host_live_query *q);
/* Another selection for a running stream; PT_ENOTFOUND. */
PT_MUST_CHECK pt_status host_live_select(host_live *l, pt_slice sid, const pt_slice *globs, size_t n);

typedef struct host_live_stats {
    uint32_t streams;
    uint64_t appended, conflated;
} host_live_stats;
void host_live_stats_get(host_live *l, host_live_stats *out);
#endif
