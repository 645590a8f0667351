/* edge-node/poller.h -- runs drivers: one thread per connection, a schedule per device and scan time, writes in between.
 *
 * A device is brought online in the node after its first complete successful poll, and taken offline when its driver says it is lost;
 * then it is tried again with growing, jittered pauses. Writes go to the channel's thread through a bounded queue and run before the next
 * poll. */
#ifndef EDGE_POLLER_H
#define EDGE_POLLER_H
#include "edge-node/convert.h"
#include "edge-node/driver.h"
#include "edge-node/edge.h"

typedef struct edge_poller edge_poller;

typedef struct edge_poller_device {
    const edge_driver *driver;
    edge_driver_config config;    /* tags and options borrowed until edge_poller_free */
    const edge_convert *converts; /* one per tag */
    const uint32_t *metrics;      /* the node's metric of each tag */
    uint32_t device;              /* the node's device */
    int64_t retry_min_ms, retry_max_ms;
} edge_poller_device;

typedef struct edge_poller_options {
    edge_node *node; /* outlives the poller */
    const pt_clock *clock;
    const pt_log *log;
    void (*wake)(void *ctx); /* new values are there: somebody should call edge_node_poll */
    void *wake_ctx;
    uint64_t seed;
} edge_poller_options;

/* Opens every device's driver. PT_EINVAL names device and tag. Nothing runs yet. */
PT_MUST_CHECK pt_status edge_poller_new(const edge_poller_options *o, const edge_poller_device *devices, uint32_t n, edge_poller **out,
                                        pt_error *err);
PT_MUST_CHECK pt_status edge_poller_start(edge_poller *p);
void edge_poller_stop(edge_poller *p); /* waits for the threads: at most about one driver timeout */
void edge_poller_free(edge_poller *p); /* stops first; NULL is fine */

/* What became of a queued write: PT_OK done; PT_EREFUSED: the PLC answered an exception; PT_ESTATE: the device was lost meanwhile;
 * PT_ETIMEOUT, PT_EIO: no answer; PT_ECLOSED: the drivers stop. Runs once, on the line's thread or in edge_poller_stop, with its lock held:
 * it must not wait nor call the poller. */
typedef void edge_written(void *ctx, pt_status st, const pt_error *why);
/* Queue a write of a value of the metric's type to the tag behind `metric`; `written` (NULL: nobody asks) is called when and only when
 * this returns PT_OK, perhaps before it returns. PT_ENOTFOUND: no tag of a driver; PT_EREFUSED: not writable, limits; PT_ESTATE: the device
 * is lost or switched off; PT_EFULL: too many writes wait. */
PT_MUST_CHECK pt_status edge_poller_write(edge_poller *p, uint32_t metric, const spb_value *v, edge_written *written, void *ctx,
                                          pt_error *err);
/* By an operator: a device switched off is offline and not polled until switched on. PT_ENOTFOUND. */
PT_MUST_CHECK pt_status edge_poller_switch(edge_poller *p, uint32_t device, bool on);

typedef struct edge_poller_stats {
    const char *id, *driver, *channel;
    uint32_t device;
    bool alive, off;
    char last_error[256]; /* empty: none since it came alive */
    uint64_t polls, failures, overruns, writes, writes_failed, bad_readings;
    int64_t last_poll_us; /* how long the last poll took */
    edge_driver_stats io;
} edge_poller_stats;
uint32_t edge_poller_devices(const edge_poller *p);
void edge_poller_stats_get(edge_poller *p, uint32_t index, edge_poller_stats *out);
#endif
