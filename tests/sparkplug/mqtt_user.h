/* tests/sparkplug/mqtt_user.h -- a user of an MQTT session that records what it is told. */
#ifndef PT_TEST_MQTT_USER_H
#define PT_TEST_MQTT_USER_H
#include "sparkplug/mqtt_session.h"

#include <pthread.h>
#include <stdatomic.h>

/* The atomics may be read at any time, `kept` once user_kept says so. Each prepare must end in one lost: `bad_order`
 * counts those that did not, and user_end checks it. */
typedef struct user {
    spb_mqtt *session;
    char server[128], will[32];
    bool no_will, refuse;
    spb_mqtt_filter filters[2];
    size_t n_filters;
    bool drop_messages;
    _Atomic bool disconnect_on_lost; /* may be said while it runs */
    _Atomic int prepared, connected, ready, lost, sent_ok, sent_failed, messages, bad_order, unsent;
    _Atomic int64_t last_sent;
    pthread_mutex_t mutex;
    char reason[256];
    spb_mqtt_message kept[8];
    size_t n_kept;
} user;

extern const pt_log user_log; /* writes only when PLANTREE_TEST_LOG is set */

/* filter: NULL subscribes to nothing. */
void user_init(user *u, const char *server, const char *filter);
/* Quick reconnects; reads ahead when PLANTREE_TEST_READ_AHEAD is set. */
spb_mqtt_options user_options(const char *id, int version);
spb_mqtt_callbacks user_callbacks(user *u);
void user_start(user *u, const spb_mqtt_options *o);
/* Stops and frees the session. */
void user_end(user *u);
/* The last loss was for a reason with this text. */
bool user_reason_has(user *u, const char *text);
/* At least n messages are kept. */
bool user_kept(user *u, size_t n);
#endif
