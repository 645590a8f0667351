/* tests/support/broker.h -- a private mosquitto on a free loopback port, and an observer of what it delivers.
 *
 *     pt_broker *b = pt_broker_start(NULL);
 *     ... connect to pt_broker_url(b) ...
 *     pt_broker_kill9(b); pt_broker_restart(b);     same port
 *     pt_broker_stop(b);
 *
 * One thread. Processes die with the test program, also when it is killed. A broker that cannot be started ends the
 * test. */
#ifndef PT_TEST_BROKER_H
#define PT_TEST_BROKER_H
#include "base/slice.h"

typedef struct pt_broker pt_broker;

/* A TCP port on 127.0.0.1 nobody listens on now. */
int pt_free_port(void);

/* `config`: more lines for mosquitto.conf, or NULL. They stand behind
 *     listener PORT 127.0.0.1
 * so options of a listener are that one's, until a further `listener` line. Anonymous access is allowed unless the
 * lines mention allow_anonymous. Listening when it returns. */
pt_broker *pt_broker_start(const char *config);
/* The same without starting it: for a broker that is absent at first. pt_broker_restart starts it. */
pt_broker *pt_broker_prepare(const char *config);
int pt_broker_port(const pt_broker *b);
const char *pt_broker_url(const pt_broker *b); /* "tcp://127.0.0.1:PORT" */
const char *pt_broker_dir(const pt_broker *b); /* its directory, for files the config names; removed at exit */

void pt_broker_halt(pt_broker *b);    /* SIGTERM: clients get their connections closed */
void pt_broker_kill9(pt_broker *b);   /* SIGKILL */
void pt_broker_restart(pt_broker *b); /* after one of them, on the same port; retained messages are gone */
void pt_broker_freeze(pt_broker *b);  /* SIGSTOP: accepts at TCP level, answers nothing */
void pt_broker_thaw(pt_broker *b);
void pt_broker_stop(pt_broker *b); /* ends it and frees `b`; NULL is allowed */

/* How often `text` stands in the broker's log ("Client x disconnected."). */
size_t pt_broker_log_count(const pt_broker *b, const char *text);

/* A foreign MQTT 5 client (mosquitto_sub) that records everything, retain flags as published. */
typedef struct pt_observer pt_observer;
typedef struct pt_observed {
    const char *topic;
    pt_slice payload;
    int qos;
    bool retain;
} pt_observed;

/* Subscribed when it returns. */
pt_observer *pt_observer_start(const pt_broker *b, const char *filter);
/* Messages so far, in order of arrival; valid until pt_observer_stop. */
size_t pt_observer_count(pt_observer *o);
const pt_observed *pt_observer_at(pt_observer *o, size_t i); /* NULL beyond the end */
/* How many arrived on exactly `topic`. */
size_t pt_observer_count_topic(pt_observer *o, const char *topic);
void pt_observer_stop(pt_observer *o);

/* Publish with mosquitto_pub and wait until it is done. */
void pt_broker_publish(const pt_broker *b, const char *topic, pt_slice payload, int qos, bool retain);
#endif
