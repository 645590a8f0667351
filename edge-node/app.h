/* edge-node/app.h -- plantree-edge put together: configuration, node, link, poller, journal, status page. Used by main.c and app_http.c. */
#ifndef EDGE_APP_H
#define EDGE_APP_H
#include "base/daemon/http.h"
#include "base/daemon/metrics.h"
#include "edge-node/bdseq_file.h"
#include "edge-node/config.h"
#include "edge-node/link.h"
#include "edge-node/spool.h"

#include <pthread.h>

typedef struct edge_app {
    const char *config_path;
    const pt_clock *clock;
    const pt_log *log;
    pthread_rwlock_t lock; /* read: using poller, setup, file; write: a reload puts others in place */
    edge_config_file *file;
    edge_config_file *running; /* the one of the start: node, mqtt, sparkplug, spool and http are as they stand there; may be `file` */
    edge_setup *setup;
    edge_poller *poller;
    edge_node *node;
    void *node_memory;
    edge_link *link;
    edge_spool *spool;
    edge_bdseq_file bdseq;
    int lock_fd;
    pt_metrics *metrics;
    pt_http_server *http;
    uint16_t http_port;
    int64_t started_ms;
    uint64_t reloads, reloads_refused;
    pt_buf last_reload_faults; /* under lock */
} edge_app;

/* Everything up and running, or the reason; then edge_app_stop still has to be called. */
PT_MUST_CHECK pt_status edge_app_start(edge_app *a, pt_error *err);
/* SIGHUP: the new configuration, or the old one goes on. */
void edge_app_reload(edge_app *a);
void edge_app_stop(edge_app *a);

PT_MUST_CHECK pt_status edge_app_http_start(edge_app *a, pt_error *err);
#endif
