/* edge-node/link.h -- an edge node on a real broker: sparkplug/mqtt_session as its transport, and the thread that sends and keeps time. */
#ifndef EDGE_LINK_H
#define EDGE_LINK_H
#include "edge-node/edge.h"
#include "sparkplug/mqtt_session.h"

typedef struct edge_link edge_link;

/* servers: URLs in walking order, copied; options: as for spb_mqtt_new. Nothing runs yet. */
PT_MUST_CHECK pt_status edge_link_new(const spb_mqtt_options *options, const char *const *servers, uint32_t n_servers,
                                      const pt_clock *clock, const pt_log *log, edge_link **out, pt_error *err);
edge_transport edge_link_transport(edge_link *l); /* for edge_node_options */
/* Start connecting for `node`, which was started and outlives the link. */
PT_MUST_CHECK pt_status edge_link_start(edge_link *l, edge_node *node, pt_error *err);
/* New values are there: send soon. Any thread; cheap. */
void edge_link_wake(void *link);
/* edge_node_stop, wait up to wait_ms for the deaths to go out, disconnect, end the threads. */
void edge_link_stop(edge_link *l, int64_t wait_ms);
void edge_link_free(edge_link *l); /* stopped before; NULL is fine */

typedef struct edge_link_stats {
    spb_mqtt_stats mqtt;
    uint64_t dropped_messages; /* received, no room in the queue: commands are small and rare, so this is abuse */
    char last_loss[200];       /* why the last connection or attempt ended; empty: none did */
} edge_link_stats;
void edge_link_stats_get(edge_link *l, edge_link_stats *out);
#endif
