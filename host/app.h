/* host/app.h -- plantree-host put together: history, tree, ingest, sessions, live stream, writes, HTTP.
 *
 * main gives it a configuration; tests and benchmarks may, too. Order of life: new opens everything on disk, start connects and serves,
 * stop says our death, drains and closes. One owner thread; HTTP handlers see its `parts` only. */
#ifndef HOST_APP_H
#define HOST_APP_H
#include "host/session/broker.h"
#include "host/config.h"
#include "host/http/parts.h"
#include "host/session/session.h"
#include "host/session/sessions.h"
#include "host/control/writes.h"

typedef struct host_app {
    const host_config *config; /* of the start; borrowed */
    const pt_clock *clock;
    const pt_log *log;
    pt_metrics *metrics;
    uns_tree *tree;
    hist *history;
    host_live *live;
    host_audit *audit;
    host_writes *writes;
    host_ingest *ingest;
    host_session *sessions[HOST_SERVERS_MAX];
    uint32_t n_sessions;
    host_sessions *saved;
    host_broker *broker;
    pt_http_server *http;
    host_parts parts; /* what HTTP and the metrics borrow of all this */
    uint16_t http_port;
    int64_t started_ms, started_mono;
    _Atomic int64_t turned_mono; /* main's loop went round: healthz */
    char *client_ids[HOST_SERVERS_MAX], *password, *key_password;
} host_app;

/* Open history (waiting is the caller's business: PT_EREADONLY, PT_ENOSPC, PT_EIO may pass), load the tree, build the rest.
 * PT_EBUSY: another host holds the directory. `app` is zero-filled first. */
PT_MUST_CHECK pt_status host_app_open(host_app *app, const host_config *config, const pt_clock *clock, const pt_log *log, pt_error *err);
/* Broker, HTTP, threads, sessions. */
PT_MUST_CHECK pt_status host_app_start(host_app *app, pt_error *err);
/* What time brings; every 100 ms or so. */
void host_app_tick(host_app *app);
/* Take over what can change while running; what has changed beside that is named in the log. `config` must outlive the app. */
void host_app_reload(host_app *app, const host_config *config);
/* Death messages, drain, close. The worst that happened. */
pt_status host_app_stop(host_app *app, pt_error *err);
#endif
