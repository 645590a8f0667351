/* tests/host/stage.h -- a whole host on a private broker, played at by scripted edge nodes and asked over HTTP.
 *
 * Edge messages are published by mosquitto_pub with bytes of tests/host/wire.h: nothing on the edge's side is ours.
 * Scene lines (`$` is the scene's own edge node id, so scenes do not meet):
 *     VERB g/$[/d] | payload words        publish; `retain VERB ...` retained
 *     raw TOPIC | text                    publish this text
 *     hex TOPIC | 0a0b..                  publish these bytes
 *     node MEMBER[.MEMBER] = JSON         GET /api/v1/nodes/g/$ until it is so
 *     device d MEMBER = JSON              the same inside its device
 *     value PATH = JSON QUALITY           GET /api/v1/values until it is so
 *     absent PATH                         no such tag, now
 *     history PATH = [JSON,...]           the `v` column over all time
 *     ncmd N                              exactly N NCMDs were published for the node
 *     count NAME N                        node.rejected_by.NAME.messages + samples is N
 *     pause MS                            for timers of the host; not a synchronisation
 *     post TARGET BODY = STATUS           any POST
 *     events TYPE N                       at least N events of the type for the node
 * In expected texts blanks stand for themselves. */
#ifndef HOST_TEST_STAGE_H
#define HOST_TEST_STAGE_H
#include "host/app.h"
#include "tests/support/broker.h"
#include <pthread.h>

typedef struct stage {
    pt_broker *broker;
    pt_observer *observer;
    host_app app;
    host_config config;
    pt_config *cfg;
    pt_log_fd log;
    bool up;      /* the host is open */
    bool ticking; /* ticker runs */
    pthread_t ticker;
    _Atomic bool stop;
    char dir[512];
    unsigned scene;
} stage;

/* `more`: YAML lines of host.yaml beside mqtt, data, http; NULL: a primary host with quick timers. */
void stage_open(stage *s, const char *more, const char *broker_config);
void stage_start(stage *s);  /* the host; online when it returns */
void stage_halt(stage *s);   /* the host, gracefully */
void stage_close(stage *s);
/* One request and what its answer must be: the status, and a text in the body (NULL: any). body NULL: no body; it is sent as JSON. */
typedef struct stage_ask {
    const char *method, *target, *body;
    long status;
    const char *part;
} stage_ask;
void stage_asks(stage *s, const stage_ask *rows, size_t n);
/* Plays the scene under the edge id it returns (static storage). */
void stage_play(stage *s, const char *name, const char *lines);
#endif
