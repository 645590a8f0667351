/* host/session/session.h -- the host's MQTT connection to one server: STATE, subscriptions, and the way out for commands.
 *
 * One per server, independent of the others. The rules are in host/session/presence.h; this is the shell around spb_mqtt:
 *   CONNECT with Will {"online":false,"timestamp":T} retained, QoS 1 (tck-id-host-topic-phid-death-required)
 *   SUBSCRIBE spBv1.0/# and spBv1.0/STATE/<id>, both granted   (tck-id-host-topic-phid-birth-sub-required)
 *   PUBLISH the birth, first of all, then wait for its PUBACK and the hold-off; then commands may go out
 *
 * Threads: messages arrive on Paho's receive thread and go straight to ingest; host_session_command may be called from any thread. */
#ifndef HOST_SESSION_H
#define HOST_SESSION_H
#include "host/ingest/ingest.h"
#include "host/session/presence.h"
#include "sparkplug/mqtt_session.h"

typedef struct host_session host_session;

typedef struct host_session_options {
    uint16_t index;      /* of the server */
    const char *server;  /* URL; borrowed */
    const char *host_id; /* borrowed */
    bool publish_state;
    bool legacy_state;   /* also STATE/<id> ONLINE/OFFLINE of Sparkplug 2.x */
    int64_t hold_off_ms; /* commands wait this long after the birth */
    int64_t last_t;      /* the largest STATE timestamp of runs before on this server; 0: none is known */
    spb_mqtt_options mqtt;
} host_session_options;

typedef struct host_session_callbacks {
    void *ctx;
    /* What an operator wants to know; session's or receive thread. type: HOST_EVENT_HOST_ONLINE, _OFFLINE or _ID_IN_USE. */
    void (*event)(void *ctx, host_event_type type, uint16_t server, const char *text);
    /* A STATE timestamp that is about to be used; to be given as last_t after a restart. May be NULL. */
    void (*timestamp)(void *ctx, uint16_t server, int64_t t);
} host_session_callbacks;

typedef struct host_session_stats {
    spb_mqtt_stats mqtt;
    host_presence_phase phase;
    int64_t t, since_ms; /* of the present phase's connection state */
    bool conflict;
    uint64_t corrections, conflicts, commands, commands_refused, state_garbage, state_seen;
    const char *server;
} host_session_stats;

/* ingest, clock, log are borrowed and outlive it. */
PT_MUST_CHECK pt_status host_session_new(const host_session_options *o, host_ingest *ingest, const host_session_callbacks *cb,
                                         const pt_clock *clock, const pt_log *log, host_session **out, pt_error *err);
PT_MUST_CHECK pt_status host_session_start(host_session *s);
/* What time brings: the hold-off, delayed self-corrections. Call every 100 ms or so. */
void host_session_tick(host_session *s);
/* Publish an NCMD or DCMD, QoS 0, not retained. PT_ESTATE before the birth is acknowledged; PT_EFULL; PT_EREFUSED while stopping. */
PT_MUST_CHECK pt_status host_session_command(host_session *s, pt_slice topic, pt_slice payload);
void host_session_stats_get(host_session *s, host_session_stats *out);
/* Graceful death: {"online":false,"timestamp":now} retained, QoS 1, acknowledged (at most wait_ms), then DISCONNECT; with
 * the Will when the death could not be handed over. */
void host_session_stop(host_session *s, int64_t wait_ms);
void host_session_free(host_session *s);
#endif
