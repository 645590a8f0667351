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
#include <jansson.h>
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
void stage_start(stage *s); /* the host; online when it returns */
void stage_halt(stage *s);  /* the host, gracefully */
void stage_close(stage *s);
/* Plays the scene under the edge id it returns (static storage). */
void stage_play(stage *s, const char *name, const char *lines);

/* One request and what its answer must be. A problem (status 400 and above) is checked for its form: RFC 9457, our type, status, detail. */
typedef struct stage_question {
    const char *method, *target, *body;
    long status;
    const char *has[5]; /* texts in the body */
    const char *header; /* of the request */
} stage_question;
void stage_answers(stage *s, const stage_question *questions, size_t n);
/* The same with one text at most (NULL: any body). */
typedef struct stage_ask {
    const char *method, *target, *body;
    long status;
    const char *part;
} stage_ask;
void stage_asks(stage *s, const stage_ask *rows, size_t n);
/* The answer to a GET as JSON: fatal unless it is 200; json_decref. */
json_t *stage_json(stage *s, const char *target);
/* The member names of an object in their order: "a b c". Valid until the next call. */
const char *stage_keys(const json_t *object);
/* Payload words (wire.h) on a topic, QoS 0. */
void stage_publish(stage *s, const char *topic, const char *words);
#endif
