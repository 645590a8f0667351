/* sparkplug/mqtt_session.h -- one MQTT connection at a time, on Paho's asynchronous client, that reconnects by itself.
 *
 * The session owns connect, reconnect (exponential back-off with jitter) and the Will: before every attempt it asks
 * `prepare` for the whole CONNECT, so bdSeq and STATE timestamps are never stale. After CONNACK it subscribes to what
 * `prepare` listed and reports `ready` only when every filter is granted; until then nothing may be published.
 *
 *   IDLE --start--> WAITING --timer--> CONNECTING --CONNACK--> SUBSCRIBING --SUBACK--> READY
 *     any --loss, refusal, disconnect(again)--> WAITING       any --stop--> STOPPED
 *
 * Every CONNECT asks for a clean session (3.1.1) or a clean start without session expiry (5), as Sparkplug wants
 * (tck-id-principles-persistence-clean-session-311, -clean-session-50). A connection sets TCP_NODELAY where /proc is
 * there to find it.
 *
 * Threads: `message` runs on Paho's receive thread and must only take the message and enqueue it. All other callbacks
 * run on the session's own thread, one at a time, in order, with no lock held. publish/disconnect/stats may be called
 * from any thread, callbacks included; stop and free must not be called from a callback. */
#ifndef SPB_MQTT_SESSION_H
#define SPB_MQTT_SESSION_H
#include "base/clock.h"
#include "base/log.h"
#include "base/slice.h"
#include "base/status.h"

typedef struct spb_mqtt spb_mqtt;

/* A received message. Whoever holds it owns its buffers and must pass it to spb_mqtt_message_free. The struct itself
 * may be copied and moved; the one given to the `message` callback lives only during the call. */
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
    const char *server;     /* tcp:// ssl:// ws:// wss:// mqtt:// mqtts:// URL */
    const char *will_topic; /* NULL: no Will */
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
    void (*connected)(void *ctx); /* CONNACK ok; optional */
    void (*ready)(void *ctx);     /* all subscriptions granted */
    /* The attempt failed, the connection is gone, or its end was asked for, stop included: exactly once per prepare
     * that answered PT_OK, and after it has been said of every accepted publish that it was sent or not.
     * spb_mqtt_disconnect may be called in it, to go on at once with another server. */
    void (*lost)(void *ctx, const char *reason);
    /* Takes ownership of the message: copy *m, and free it in time with spb_mqtt_message_free. Runs on Paho's one
     * receive thread, under Paho's lock: whatever it waits for, all sessions of the process wait for. Messages can come
     * before `ready` (retained ones do) and until `lost`. */
    void (*message)(void *ctx, spb_mqtt_message *m);
    /* Paho's word on publish `token`: QoS 0 written to the socket, QoS 1 acknowledged; ok = false: failed or connection
     * lost. Optional. */
    void (*sent)(void *ctx, int64_t token, bool ok);
} spb_mqtt_callbacks;

typedef struct spb_mqtt_options {
    const char *client_id;                      /* stable and unique; copied */
    int version;                                /* 3 (3.1.1) or 5 */
    int64_t keep_alive_ms;                      /* rounded up to seconds; default 30 s; 0: none */
    int64_t connect_timeout_ms;                 /* to the CONNACK, and again to the SUBACK; default 10 s */
    int64_t reconnect_min_ms, reconnect_max_ms; /* default 1 s and 60 s */
    const char *user, *password;                /* NULL: none; copied */
    /* PEM files; copied; used with ssl:// wss:// mqtts://. tls_ca NULL: the system's authorities. The server's name is
     * verified too. */
    const char *tls_ca, *tls_cert, *tls_key, *tls_key_password;
    bool tls_insecure;       /* do not verify the server: for labs; logged at every connect */
    uint32_t send_max;       /* messages handed to Paho and not yet done; default 10000, at most 1000000 */
    uint64_t send_max_bytes; /* the same in bytes of topic and payload; default 64 MiB; one alone may be larger */
    uint64_t random_seed;    /* for jitter */
    /* For a session that receives much: once its first message is there, Paho's receive thread, which is one for all
     * sessions of the process, reads plain connections 64 KiB at a time (mqtt_read_ahead.c). Default off. */
    bool read_ahead;
} spb_mqtt_options;
void spb_mqtt_options_init(spb_mqtt_options *o); /* the defaults */

typedef struct spb_mqtt_stats {
    bool ready;
    uint64_t connects, failures, losses; /* CONNACKs; failed attempts; lost connections */
    uint64_t messages_in, bytes_in, messages_out, bytes_out;
    uint64_t send_refused; /* publishes answered PT_EFULL */
    uint32_t send_pending;
    uint64_t send_pending_bytes;
} spb_mqtt_stats;

/* clock and log are borrowed and outlive the session. Nothing is connected yet. PT_EINVAL for bad options with the
 * reason. */
PT_MUST_CHECK pt_status spb_mqtt_new(const spb_mqtt_options *options, const spb_mqtt_callbacks *callbacks, const pt_clock *clock,
                                     const pt_log *log, spb_mqtt **out, pt_error *err);
/* Starts the session thread; the first attempt comes at once. PT_ESTATE: started or stopped before. PT_ENOMEM: no
 * thread to be had. */
PT_MUST_CHECK pt_status spb_mqtt_start(spb_mqtt *s);

/* Hand a message to Paho in call order; topic and payload are copied. *token (may be NULL) identifies it in `sent`,
 * which may run before this returns; tokens count up from 1 over the life of the session.
 *
 * PT_ESTATE   not ready (or not connected).
 * PT_EFULL    the send bound is reached, nothing was queued: the caller must not have used up a seq for it.
 * PT_ETOOBIG  topic or payload beyond MQTT's limits.
 * PT_EINVAL   empty topic, QoS not 0 or 1.
 * PT_EIO      Paho refused; the connection is being dropped.
 *
 * It takes the lock Paho holds around `message`: do not call it with a lock held that `message` takes. */
PT_MUST_CHECK pt_status spb_mqtt_publish(spb_mqtt *s, const char *topic, pt_slice payload, int qos, bool retain, int64_t *token);

/* Ask the session thread to end the connection; from the call on publish answers PT_ESTATE. Pending publishes get up to
 * drain_ms to be sent and acknowledged, then a DISCONNECT goes out. `reconnect`: then go on as after a loss, at once
 * (`reset_backoff`) or after back-off; without it the session rests until asked again with `reconnect`. Not connected:
 * the wait ends, or the session rests. with_will: the server publishes the Will, on MQTT 5 by
 * DISCONNECT with reason 0x04 "disconnect with will message", on 3.1.1 because none goes out. */
void spb_mqtt_disconnect(spb_mqtt *s, bool reconnect, bool reset_backoff, bool with_will, int64_t drain_ms);
/* End the connection without DISCONNECT, so that the broker publishes the Will; then go on as after a loss. What is
 * pending may be lost. For tests and replay. (Paho has no such call: a protocol error makes the broker close the
 * connection.) */
void spb_mqtt_drop(spb_mqtt *s);

/* To be asked in `lost`: true when it is certain that the attempt that ended wrote no CONNECT (no address, no TCP or TLS connection), so
 * that what the CONNECT would have carried, a bdSeq, can be used for the next. */
bool spb_mqtt_unsent(spb_mqtt *s);

void spb_mqtt_stats_get(spb_mqtt *s, spb_mqtt_stats *out);
/* Disconnect (draining up to drain_ms), end the thread, no callback after it returns. Repeatable. */
void spb_mqtt_stop(spb_mqtt *s, bool with_will, int64_t drain_ms);
void spb_mqtt_free(spb_mqtt *s); /* stopped first if it was not; NULL is allowed */
#endif
