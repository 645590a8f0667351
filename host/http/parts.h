/* host/http/parts.h -- what the HTTP handlers borrow: the parts of a running host, and nothing of how it is put together.
 *
 * app.c fills it before the server starts and keeps all of it alive until the server has stopped. Handlers run on many threads and change
 * nothing here; each part says itself what may be called from where. */
#ifndef HOST_PARTS_H
#define HOST_PARTS_H
#include "base/daemon/http.h"
#include "historian/historian.h"
#include "host/control/audit.h"
#include "host/control/writes.h"
#include "host/http/live.h"
#include "host/ingest/ingest.h"
#include "host/session/session.h"

typedef struct host_parts {
    const pt_clock *clock;
    const pt_log *log;
    pt_metrics *metrics;
    uns_tree *tree;
    hist *history;
    host_ingest *ingest;
    host_live *live;
    host_audit *audit;
    host_writes *writes;
    host_session *const *sessions;
    uint32_t n_sessions;
    const char *host_id, *role, *data_dir; /* of the configuration at the start */
    int64_t started_ms, started_mono;
    const _Atomic int64_t *turned_mono; /* main's loop went round: healthz */
} host_parts;

/* api.c; ctx of every handler is the host_parts */
extern const pt_http_route host__routes[];
extern const size_t host__n_routes;
extern const char *const host__vital_routes[]; /* NULL-terminated */
/* metrics.c; ctx is the host_parts */
void host__collect_metrics(void *ctx, pt_buf *out);
#endif
