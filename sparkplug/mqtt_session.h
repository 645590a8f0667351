/* sparkplug/mqtt_session.h -- one MQTT connection at a time, on Paho's asynchronous client, that reconnects by itself.
 *
 * The session owns connect, reconnect (exponential back-off with jitter) and the Will: before every attempt it asks
 * `prepare` for the whole CONNECT, so bdSeq and STATE timestamps are never stale. After CONNACK it subscribes to what
 * `prepare` listed and reports `ready` only when every filter is granted; until then nothing may be published.
 *
 *   IDLE --start--> WAITING --timer--> CONNECTING --CONNACK--> SUBSCRIBING --SUBACK--> READY
 *     any --loss, refusal, disconnect(again)--> WAITING       any --stop--> STOPPED
 *
 * Threads: `message` runs on Paho's receive thread and must only take the message and enqueue it. All other callbacks
 * run on the session's own thread, one at a time, in order, with no lock held. publish/disconnect/stats may be called from any thread,
 * callbacks included; stop and free must not be called from a callback. */
#ifndef SPB_MQTT_SESSION_H
#define SPB_MQTT_SESSION_H
#include "base/clock.h"
#include "base/log.h"
#include "base/slice.h"
#include "base/status.h"

typedef struct spb_mqtt spb_mqtt;

/* A received message. Whoever holds it owns its buffers and must pass it to spb_mqtt_message_free. The struct itself may be
 * copied and moved; the one given to the `message` callback lives only during the call. */
typedef struct spb_mqtt_message {
    pt_slice topic, payload;
    int64_t received_wall_ms, received_mono_us;
    int qos;
    bool retained, duplicate;
    void *owner_[2]; /* private: Paho's buffers */
} spb_mqtt_message;
void spb_mqtt_message_free(spb_mqtt_message *m);
/* Memory held by the message: weight for a bounded queue. */
size_t spb_mqtt_message_weight(const spb_mqtt_message *m);

typedef struct spb_mqtt_filter {
    const char *filter;
    int qos; /* 0 or 1; a granted QoS below it is accepted and logged, a failure code is not */
} spb_mqtt_filter;

/* The next CONNECT, filled by `prepare`. Pointers must stay valid until the attempt ends (ready or lost). */
typedef struct spb_mqtt_connect {
    const char *server;       /* tcp:// ssl:// ws:// wss:// mqtt:// mqtts:// URL */
    const char *will_topic;   /* NULL: no Will */
    pt_slice will_payload;
    int will_qos;
    bool will_retain;
    const spb_mqtt_filter *filters;
    size_t n_filters;
} spb_mqtt_connect;

typedef struct spb_mqtt_callbacks {
    void *ctx;
    /* Before each attempt. PT_OK: go; anything else: wait one back-off period and ask again (logged). */
    pt_status (*prepare)(void *ctx, spb_mqtt_connect *out);
    void (*connected)(void *ctx);                   /* CONNACK ok; optional */
    void (*ready)(void *ctx);                       /* all subscriptions granted */
    void (*lost)(void *ctx, const char *reason);    /* attempt failed, connection lost, or disconnect asked for; once per prepare */
    void (*message)(void *ctx, spb_mqtt_message *m); /* takes ownership; receive thread */
    /* Paho's word on publish `token`: QoS 0 written to the socket, QoS 1 acknowledged; ok = false: failed or connection lost. Optional. */
    void (*sent)(void *ctx, int64_t token, bool ok);
} spb_mqtt_callbacks;

typedef struct spb_mqtt_options {
    const char *client_id;     /* stable and unique; copied */
    int version;               /* 3 (3.1.1) or 5 */
    int64_t keep_alive_ms;     /* rounded up to seconds; default 30 s */
    int64_t connect_timeout_ms; /* default 10 s */
    int64_t reconnect_min_ms, reconnect_max_ms; /* default 1 s and 60 s */
    const char *user, *password;                /* NULL: none; copied */
    const char *tls_ca, *tls_cert, *tls_key, *tls_key_password; /* PEM files; copied; used with ssl:// wss:// mqtts:// */
    bool tls_insecure;         /* do not verify the server: for labs; logged at every connect */
    uint32_t send_max;         /* messages handed to Paho and not yet done; default 10000 */
    uint64_t send_max_bytes;   /* the same in bytes; default 64 MiB */
    uint64_t random_seed;      /* for jitter */
} spb_mqtt_options;
void spb_mqtt_options_init(spb_mqtt_options *o); /* the defaults */

typedef struct spb_mqtt_stats {
    bool ready;
    uint64_t connects, failures, losses;          /* CONNACKs; failed attempts; lost connections */
    uint64_t messages_in, bytes_in, messages_out, bytes_out;
    uint64_t send_refused;                        /* publishes answered PT_EFULL */
    uint32_t send_pending;
    uint64_t send_pending_bytes;
} spb_mqtt_stats;

/* clock and log are borrowed and outlive the session. Nothing is connected yet. PT_EINVAL for bad options with the reason. */
PT_MUST_CHECK pt_status spb_mqtt_new(const spb_mqtt_options *options, const spb_mqtt_callbacks *callbacks,
                                     const pt_clock *clock, const pt_log *log, spb_mqtt **out, pt_error *err);
PT_MUST_CHECK pt_status spb_mqtt_start(spb_mqtt *s); /* starts the session thread; once */

/* Hand a message to Paho in call order. *token (may be NULL) identifies it in `sent`.
 * PT_ESTATE: not ready (or not connected). PT_EFULL: the send bound is reached, nothing was queued: the caller must not have used up a seq for it.
 * PT_ETOOBIG: topic or payload beyond MQTT's limits. PT_EIO: Paho refused; the connection is being dropped. */
PT_MUST_CHECK pt_status spb_mqtt_publish(spb_mqtt *s, const char *topic, pt_slice payload, int qos, bool retain, int64_t *token);

/* Ask the session thread to end the connection. `reconnect`: then go on as after a loss, at once (`reset_backoff`) or after back-off.
 * with_will: MQTT 5 reason 0x04 "disconnect with will message"; ignored on 3.1.1. Pending QoS 1 publishes get up to drain_ms. */
void spb_mqtt_disconnect(spb_mqtt *s, bool reconnect, bool reset_backoff, bool with_will, int64_t drain_ms);
/* Drop the TCP connection without DISCONNECT, so that the broker publishes the Will; then reconnect. For tests and replay. */
void spb_mqtt_drop(spb_mqtt *s);

void spb_mqtt_stats_get(spb_mqtt *s, spb_mqtt_stats *out);
/* Disconnect (draining up to drain_ms), end the thread, no callback after it returns. Repeatable. */
void spb_mqtt_stop(spb_mqtt *s, bool with_will, int64_t drain_ms);
void spb_mqtt_free(spb_mqtt *s); /* stopped first if it was not; NULL is allowed */
#endif
