/* edge-node/node.h -- inside the edge library: the node's state, shared by node.c, compose.c and commands.c.
 *
 * Every function here is called with the node's lock held. */
#ifndef EDGE_NODE_H
#define EDGE_NODE_H
#include "edge-node/model.h"
#include "sparkplug/topic.h"

#include <pthread.h>

#define EDGE__TOPIC_MAX 1024
#define EDGE__RUN_MAX   64 /* template members of one instance sent together */

struct edge_node {
    pthread_mutex_t lock; /* guards everything below */
    edge_node_options o;
    edge_journal journal;
    bool has_journal;
    char *group, *node, *primary_host; /* in the node's block */
    edge_model *model;
    uint32_t model_number; /* how often it was replaced */
    edge_session session;
    edge_node_stats stats;
    int64_t birth_stamp_ms;
    bool started, congested; /* congested: the connection had no room; look again soon */
    char will_topic[EDGE__TOPIC_MAX], filters[5][EDGE__TOPIC_MAX], topic[EDGE__TOPIC_MAX];
    char will[64];
    pt_log_limit limit;
};

edge_now edge__now(const edge_node *n);
/* Report an event to the session and carry out its actions. */
void edge__event(edge_node *n, const edge_event *ev);
/* Format into n->topic. */
const char *edge__topic(edge_node *n, spb_verb verb, uint32_t device);
/* Publish n->model's finished payload with the current seq; the seq is used up only on PT_OK. */
PT_MUST_CHECK pt_status edge__publish(edge_node *n, spb_verb verb, uint32_t device, edge__writer *w);

/* compose.c */
PT_MUST_CHECK pt_status edge__send_nbirth(edge_node *n, uint8_t bd_seq, int64_t stamp_ms);
PT_MUST_CHECK pt_status edge__send_dbirth(edge_node *n, uint32_t device, int64_t stamp_ms);
PT_MUST_CHECK pt_status edge__send_ddeath(edge_node *n, uint32_t device);
/* One message of waiting values; PT_EEMPTY: none wait. */
PT_MUST_CHECK pt_status edge__send_data(edge_node *n, uint32_t device);
/* All waiting values of a device into the journal, undelivered. */
void edge__to_journal(edge_node *n, uint32_t device);
/* Put a value into the ring, making room by sending, storing or (counted) dropping. */
void edge__enqueue(edge_node *n, uint32_t metric, const spb_value *v, spb_quality q, int64_t ts);
/* The NDEATH payload (Will and explicit): one metric, bdSeq, no seq. */
pt_slice edge__ndeath(char *buf, size_t cap, uint8_t bd_seq);
/* Metrics a birth leaves out: backfill controls without a journal. */
bool edge__hidden(const edge_node *n, uint32_t metric);

/* commands.c: takes and releases the lock itself. device is one of the model with this number. */
void edge__commands(edge_node *n, uint32_t device, uint32_t model_number, pt_slice payload);
#endif
