/* sparkplug/mqtt_paho.c -- the only file that calls Paho: options in, callbacks out.
 *
 * What had to be known about Paho 1.3.12, and is settled here:
 * - It holds one process-wide lock around every callback (mqtt_internal.h says what follows from that).
 * - When the last client of the process is destroyed it stops its threads, for about a second, with its lock open: a
 * client made meanwhile is freed under its owner's feet. One client is therefore kept for the life of the process
 * (mqtt_wake.c).
 * - maxInflight differs between its clients and versions (10, 65535); 10 makes QoS 1 wait a round trip per 10 messages.
 * - With MQTT_C_CLIENT_TRACE=ON in the environment it writes to stdout, where our programs write data.
 * - It writes the entry and exit of its functions into a trace in memory, a third of what a message costs it, until the trace
 * level is ERROR; a still higher level is ignored.
 * - It leaves Nagle's algorithm on, so a small message right behind another can wait 40 ms for a delayed
 * acknowledgement, and gives its socket to nobody. The sockets of the process that are connected to the server's port
 * are found in /proc/self/fd and set to TCP_NODELAY; where there is no /proc the default stays.
 * - It has no call to drop a connection without a DISCONNECT. Publishing to a topic with a wildcard is an error for
 *   which MQTT makes the server close the connection, and after which it publishes the Will. */
#include "sparkplug/mqtt_internal.h"

#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_paho(void)
{
    MQTTAsync_init_options init = MQTTAsync_init_options_initializer;
    const char *trace = getenv("MQTT_C_CLIENT_TRACE");
    if (trace && strcmp(trace, "ON") == 0) unsetenv("MQTT_C_CLIENT_TRACE");
    init.do_openssl_init = 1;
    MQTTAsync_global_init(&init);
    spb__wake_init();
    MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_ERROR); /* exactly this one, and after the first client is made */
}

/* ---- the server's port, for TCP_NODELAY ---- */

static unsigned port_of(const char *url)
{
    static const struct {
        const char *scheme;
        unsigned port;
    } defaults[] = {
        { "tcp://", 1883 }, { "mqtt://", 1883 }, { "ssl://", 8883 }, { "mqtts://", 8883 }, { "ws://", 80 }, { "wss://", 443 }
    };
    unsigned port = 1883;
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    for (size_t i = 0; i < PT_COUNT_OF(defaults); i++) {
        if (strncmp(url, defaults[i].scheme, strlen(defaults[i].scheme)) == 0) port = defaults[i].port;
    }
    size_t n = strcspn(host, "/");
    for (size_t i = n; i-- > 0 && host[i] != ']';) {
        if (host[i] == ':') return (unsigned)strtoul(host + i + 1, NULL, 10);
    }
    return port;
}

static void set_nodelay(const char *url)
{
    unsigned port = port_of(url);
    DIR *dir = opendir("/proc/self/fd");
    if (!dir) return;
    const struct dirent *entry;
    while ((entry = readdir(dir))) {
        union {
            struct sockaddr sa;
            struct sockaddr_in in;
            struct sockaddr_in6 in6;
            struct sockaddr_storage room;
        } peer = { .room = { .ss_family = AF_UNSPEC } };
        socklen_t len = sizeof peer;
        int fd = (int)strtol(entry->d_name, NULL, 10), on = 1;
        if (entry->d_name[0] == '.' || getpeername(fd, &peer.sa, &len) != 0) continue;
        if ((peer.sa.sa_family == AF_INET && ntohs(peer.in.sin_port) == port) ||
            (peer.sa.sa_family == AF_INET6 && ntohs(peer.in6.sin6_port) == port))
            (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* best effort */
    }
    closedir(dir);
}

/* ---- callbacks: note and signal ---- */

static void note(spb_mqtt *s, bool *flag)
{
    pt_monitor_lock(&s->monitor);
    *flag = true;
    pt_monitor_wake_all(&s->monitor);
    pt_monitor_unlock(&s->monitor);
}

static void on_connection_lost(void *context, char *cause)
{
    spb__mqtt_lost(context, true, "connection lost%s%s", cause ? ": " : "", cause ? cause : "");
}

static void on_server_disconnect(void *context, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
    (void)properties;
    const char *text = MQTTReasonCode_toString(reason);
    spb__mqtt_lost(context, true, "the server disconnected: %s (0x%02x)", text ? text : "unknown reason", (unsigned)reason);
}

static int on_message(void *context, char *topic, int topic_len, MQTTAsync_message *message)
{
    spb_mqtt *s = context;
    spb_mqtt_message m = {
        .topic = pt_slice_of(topic, topic_len > 0 ? (size_t)topic_len : strlen(topic)),
        .payload = pt_slice_of(message->payload ? message->payload : "", (size_t)message->payloadlen),
        .received_wall_ms = pt_wall_ms(s->clock),
        .received_mono_us = pt_mono_us(s->clock),
        .qos = message->qos,
        .retained = message->retained != 0,
        .duplicate = message->dup != 0,
        .owner_ = { topic, message },
    };
    atomic_fetch_add_explicit(&s->in_messages, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->in_bytes, m.payload.len, memory_order_relaxed);
    if (s->options.read_ahead) spb__read_ahead();
    s->cb.message(s->cb.ctx, &m);
    return 1; /* topic and message are no longer Paho's */
}

void spb_mqtt_message_free(spb_mqtt_message *m)
{
    MQTTAsync_message *message = m->owner_[1];
    if (message) MQTTAsync_freeMessage(&message);
    if (m->owner_[0]) MQTTAsync_free(m->owner_[0]);
    m->owner_[0] = m->owner_[1] = NULL;
}

size_t spb_mqtt_message_weight(const spb_mqtt_message *m)
{
    return m->topic.len + m->payload.len + sizeof(MQTTAsync_message) + sizeof *m;
}

static void on_connack(void *context, MQTTAsync_successData *data)
{
    (void)data;
    note(context, &((spb_mqtt *)context)->connack);
}
static void on_connack5(void *context, MQTTAsync_successData5 *data)
{
    (void)data;
    note(context, &((spb_mqtt *)context)->connack);
}

static const char *refusal(int code)
{
    static const char *const texts[] = {
        NULL, "unacceptable protocol version", "client id rejected", "server unavailable", "bad user name or password", "not authorized"
    };
    return code > 0 && code < (int)PT_COUNT_OF(texts) ? texts[code] : NULL;
}

/* Paho's text for a failure before the CONNECT; a failure at once, in connect() itself, has none. All others may come
 * after it was written. */
static bool is_unsent(const char *message)
{
    return !message || strcmp(message, "TCP/TLS connect failure") == 0;
}

static void on_connect_failed(void *context, MQTTAsync_failureData *data)
{
    const char *refused = data ? refusal(data->code) : NULL;
    if (!refused && is_unsent(data ? data->message : NULL)) spb__mqtt_unsent(context);
    if (refused) spb__mqtt_lost(context, true, "connection refused: %s", refused);
    else
        spb__mqtt_lost(context, true, "cannot connect: %s (%d)", data && data->message ? data->message : "no reason given",
                       data ? data->code : 0);
}

static void on_connect_failed5(void *context, MQTTAsync_failureData5 *data)
{
    const char *text = data->reasonCode >= MQTTREASONCODE_UNSPECIFIED_ERROR ? MQTTReasonCode_toString(data->reasonCode) : NULL;
    const char *refused = data->code >= 128 ? MQTTReasonCode_toString((enum MQTTReasonCodes)data->code) : refusal(data->code);
    if (!text && !refused && is_unsent(data->message)) spb__mqtt_unsent(context);
    if (text || refused) spb__mqtt_lost(context, true, "connection refused: %s", text ? text : refused);
    else spb__mqtt_lost(context, true, "cannot connect: %s (%d)", data->message ? data->message : "no reason given", data->code);
}

static void grant(spb_mqtt *s, const int *codes, size_t n)
{
    pt_monitor_lock(&s->monitor);
    for (size_t i = 0; i < s->n_filters; i++)
        s->granted[i] = i < n ? codes[i] : 0x80;
    s->suback = true;
    pt_monitor_wake_all(&s->monitor);
    pt_monitor_unlock(&s->monitor);
}

static void on_suback(void *context, MQTTAsync_successData *data)
{
    spb_mqtt *s = context;
    if (s->n_filters == 1) grant(s, &data->alt.qos, 1);
    else grant(s, data->alt.qosList, data->alt.qosList ? s->n_filters : 0);
}

static void on_suback5(void *context, MQTTAsync_successData5 *data)
{
    spb_mqtt *s = context;
    _Static_assert(sizeof(enum MQTTReasonCodes) == sizeof(int), "reason codes are ints");
    if (s->n_filters == 1) grant(s, (const int *)&data->reasonCode, 1);
    else grant(s, (const int *)data->alt.sub.reasonCodes, data->alt.sub.reasonCodes ? (size_t)data->alt.sub.reasonCodeCount : 0);
}

static void on_subscribe_failed(void *context, MQTTAsync_failureData *data)
{
    (void)data;
    grant(context, NULL, 0);
}
static void on_subscribe_failed5(void *context, MQTTAsync_failureData5 *data)
{
    (void)data;
    grant(context, NULL, 0);
}

static void on_disconnected(void *context, MQTTAsync_successData *data)
{
    (void)data;
    note(context, &((spb_mqtt *)context)->disconnected);
}
static void on_disconnected5(void *context, MQTTAsync_successData5 *data)
{
    (void)data;
    note(context, &((spb_mqtt *)context)->disconnected);
}
static void on_disconnect_failed(void *context, MQTTAsync_failureData *data)
{
    (void)data;
    note(context, &((spb_mqtt *)context)->disconnected);
}
static void on_disconnect_failed5(void *context, MQTTAsync_failureData5 *data)
{
    (void)data;
    note(context, &((spb_mqtt *)context)->disconnected);
}

static void on_sent(void *context, MQTTAsync_successData *data)
{
    (void)data;
    spb__mqtt_sent(context, true);
}
static void on_sent5(void *context, MQTTAsync_successData5 *data)
{
    (void)data;
    spb__mqtt_sent(context, true);
}
static void on_send_failed(void *context, MQTTAsync_failureData *data)
{
    (void)data;
    spb__mqtt_sent(context, false);
}
static void on_send_failed5(void *context, MQTTAsync_failureData5 *data)
{
    (void)data;
    spb__mqtt_sent(context, false);
}

static int on_tls_error(const char *text, size_t len, void *context)
{
    const spb_mqtt *s = context;
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\0'))
        len--;
    pt_logf(s->log, PT_LOG_WARN, "SPB-MQTT-TLS", "%s: %.*s", s->options.client_id, (int)len, text);
    return 1;
}

/* ---- calls ---- */

static bool is_tls(const char *url)
{
    return strncmp(url, "ssl://", 6) == 0 || strncmp(url, "wss://", 6) == 0 || strncmp(url, "mqtts://", 8) == 0;
}

static int create(spb_mqtt *s, const char *server, MQTTAsync *client)
{
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
    options.MQTTVersion = s->options.version == 5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
    options.maxBufferedMessages = s->options.send_max < 1000000 ? (int)s->options.send_max + 100 : 1000100; /* 100 by default, online too */
    int rc = MQTTAsync_createWithOptions(client, server, s->options.client_id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &options);
    if (rc != MQTTASYNC_SUCCESS) return rc;
    if ((rc = MQTTAsync_setCallbacks(*client, s, on_connection_lost, on_message, NULL)) == MQTTASYNC_SUCCESS && s->options.version == 5)
        rc = MQTTAsync_setDisconnected(*client, s, on_server_disconnect);
    if (rc != MQTTASYNC_SUCCESS) MQTTAsync_destroy(client);
    return rc;
}

pt_status spb__paho_connect(spb_mqtt *s, const spb_mqtt_connect *c)
{
    static const MQTTAsync_connectOptions v3 = MQTTAsync_connectOptions_initializer, v5 = MQTTAsync_connectOptions_initializer5;
    const spb_mqtt_options *o = &s->options;
    MQTTAsync_connectOptions options = o->version == 5 ? v5 : v3;
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    MQTTAsync client = NULL;

    pthread_once(&once, init_paho);
    int rc = create(s, c->server, &client);
    if (rc != MQTTASYNC_SUCCESS) {
        spb__mqtt_unsent(s);
        spb__mqtt_lost(s, false, "server '%s' is not usable: %s (%d)", c->server, MQTTAsync_strerror(rc) ? MQTTAsync_strerror(rc) : "error",
                       rc);
        return PT_EINVAL;
    }
    pt_monitor_lock(&s->monitor);
    s->client = client;
    pt_monitor_unlock(&s->monitor);

    options.context = s;
    options.automaticReconnect = 0; /* it would send the old Will again */
    options.maxInflight = 1000;
    options.keepAliveInterval = (int)((o->keep_alive_ms + 999) / 1000);
    options.connectTimeout = (int)((o->connect_timeout_ms + 999) / 1000);
    options.username = o->user;
    options.password = o->password;
    if (o->version == 5) {
        options.MQTTVersion = MQTTVERSION_5;
        options.cleanstart = 1; /* and no session expiry property, which means 0 */
        options.onSuccess5 = on_connack5;
        options.onFailure5 = on_connect_failed5;
    } else {
        options.MQTTVersion = MQTTVERSION_3_1_1;
        options.cleansession = 1;
        options.onSuccess = on_connack;
        options.onFailure = on_connect_failed;
    }
    if (c->will_topic) {
        will.struct_version = 1;
        will.topicName = c->will_topic;
        will.message = NULL;
        will.payload.len = (int)c->will_payload.len;
        will.payload.data = c->will_payload.ptr;
        will.qos = c->will_qos;
        will.retained = c->will_retain;
        options.will = &will;
    }
    if (is_tls(c->server)) {
        tls.trustStore = o->tls_ca;
        tls.disableDefaultTrustStore = o->tls_ca != NULL;
        tls.keyStore = o->tls_cert;
        tls.privateKey = o->tls_key;
        tls.privateKeyPassword = o->tls_key_password;
        tls.enableServerCertAuth = !o->tls_insecure;
        tls.verify = !o->tls_insecure; /* the host name too */
        tls.ssl_error_cb = on_tls_error;
        tls.ssl_error_context = s;
        options.ssl = &tls;
        if (o->tls_insecure)
            pt_logf(s->log, PT_LOG_WARN, "SPB-MQTT-INSECURE", "%s: the certificate of %s is not verified", o->client_id, c->server);
    }
    if ((rc = MQTTAsync_connect(client, &options)) != MQTTASYNC_SUCCESS) {
        spb__mqtt_unsent(s);
        spb__mqtt_lost(s, false, "cannot connect: %s (%d)", MQTTAsync_strerror(rc) ? MQTTAsync_strerror(rc) : "error", rc);
        return PT_EIO;
    }
    return PT_OK;
}

pt_status spb__paho_subscribe(spb_mqtt *s, const spb_mqtt_connect *c)
{
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    int rc = MQTTASYNC_FAILURE;
    char **topics = calloc(c->n_filters, sizeof *topics);
    int *qos = calloc(c->n_filters, sizeof *qos);
    set_nodelay(c->server);
    if (topics && qos) {
        for (size_t i = 0; i < c->n_filters; i++) {
            topics[i] = (char *)(uintptr_t)c->filters[i].filter; /* Paho copies them */
            qos[i] = c->filters[i].qos;
        }
        response.context = s;
        if (s->options.version == 5) {
            response.onSuccess5 = on_suback5;
            response.onFailure5 = on_subscribe_failed5;
        } else {
            response.onSuccess = on_suback;
            response.onFailure = on_subscribe_failed;
        }
        rc = MQTTAsync_subscribeMany(s->client, (int)c->n_filters, topics, qos, &response);
    }
    free(topics);
    free(qos);
    if (rc == MQTTASYNC_SUCCESS) return PT_OK;
    spb__mqtt_lost(s, false, "cannot subscribe: %s (%d)", MQTTAsync_strerror(rc) ? MQTTAsync_strerror(rc) : "error", rc);
    return PT_EIO;
}

pt_status spb__paho_disconnect(spb_mqtt *s, bool with_will)
{
    static const MQTTAsync_disconnectOptions v3 = MQTTAsync_disconnectOptions_initializer, v5 = MQTTAsync_disconnectOptions_initializer5;
    MQTTAsync_disconnectOptions options = s->options.version == 5 ? v5 : v3;
    options.context = s;
    options.timeout = 0; /* what had to be waited for has been */
    if (s->options.version == 5) {
        options.onSuccess5 = on_disconnected5;
        options.onFailure5 = on_disconnect_failed5;
        if (with_will) options.reasonCode = MQTTREASONCODE_DISCONNECT_WITH_WILL_MESSAGE;
    } else {
        options.onSuccess = on_disconnected;
        options.onFailure = on_disconnect_failed;
    }
    return MQTTAsync_disconnect(s->client, &options) == MQTTASYNC_SUCCESS ? PT_OK : PT_ESTATE;
}

int spb__paho_publish(MQTTAsync client, const spb_mqtt *s, spb__out *out, const char *topic, pt_slice payload, int qos, bool retain)
{
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    response.context = out;
    if (s->options.version == 5) {
        response.onSuccess5 = on_sent5;
        response.onFailure5 = on_send_failed5;
    } else {
        response.onSuccess = on_sent;
        response.onFailure = on_send_failed;
    }
    return MQTTAsync_send(client, topic, (int)payload.len, payload.ptr ? payload.ptr : "", qos, retain, &response);
}

pt_status spb__paho_break(spb_mqtt *s)
{
    return MQTTAsync_send(s->client, "#", 0, "", 0, 0, NULL) == MQTTASYNC_SUCCESS ? PT_OK : PT_EIO;
}

void spb__paho_destroy(spb_mqtt *s)
{
    pt_monitor_lock(&s->monitor);
    MQTTAsync client = s->client;
    s->client = NULL;
    pt_monitor_unlock(&s->monitor);
    if (client) MQTTAsync_destroy(&client);
}
