/* host/session/session.c -- one server's connection.
 *
 * lock guards presence, the will and birth texts and the counters; nothing is published and no callback called while it is held: Paho
 * calls us with a lock of its own held, and takes that lock to publish. speaking is held around each STATE, from the decision to the
 * publish, so that no birth overtakes our death; the receive thread never takes it, but leaves what it decided to the next tick. */
#include "host/session/session.h"

#include "base/monitor.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct host_session {
    host_session_options opt;
    host_ingest *ingest;
    host_session_callbacks cb;
    const pt_clock *clock;
    const pt_log *log;
    spb_mqtt *mqtt;
    char *topic, *legacy_topic, *all; /* STATE topics of ours; all of the namespace */
    pt_slice state_prefix;            /* of `topic`: without the host id */
    spb_mqtt_filter filters[2];
    pthread_mutex_t speaking; /* outside of lock */
    pt_monitor m;             /* "the lock"; woken by the death's PUBACK and by the end of the connection */
    bool lock_made;
    host_presence presence;
    pt_buf will; /* payload of the Will; stays put during an attempt */
    int64_t birth_token, death_token;
    bool death_sent, death_acked;
    bool sending;     /* a STATE is being published and its token is not known yet */
    int64_t early[8]; /* the latest tokens acknowledged meanwhile */
    unsigned n_early;
    bool say_birth, say_conflict, reconnect; /* what the receive thread decided */
    bool told_clock;                         /* that it is behind what we said before */
    bool told_ready;                         /* ingest knows the server as ready */
    int64_t since_ms;
    uint64_t commands, commands_refused, state_garbage, state_seen;
    pt_log_limit limit;
};

static pt_status publish_state(host_session *s, bool online, int64_t t, int64_t *token)
{
    char text[80];
    pt_buf b;
    pt_buf_init(&b, sizeof text);
    spb_state st = { .online = online, .timestamp_ms = (uint64_t)t };
    pt_status rc = spb_state_format(&st, &b);
    if (rc == PT_OK) rc = spb_mqtt_publish(s->mqtt, s->topic, pt_buf_view(&b), 1, true, token);
    pt_buf_fini(&b);
    if (rc == PT_OK && s->opt.legacy_state) {
        pt_status legacy = spb_mqtt_publish(s->mqtt, s->legacy_topic, pt_cstr(online ? "ONLINE" : "OFFLINE"), 1, true, NULL);
        if (legacy != PT_OK) pt_logf(s->log, PT_LOG_WARN, "HOST-STATE-LEGACY", "%s: %s", s->legacy_topic, pt_status_name(legacy));
    }
    if (rc != PT_OK) pt_logf(s->log, PT_LOG_WARN, "HOST-STATE", "STATE could not be sent to %s: %s", s->opt.server, pt_status_name(rc));
    return rc;
}

static void tell(host_session *s, host_event_type type, const char *text)
{
    if (s->cb.event) s->cb.event(s->cb.ctx, type, s->opt.index, text);
}

/* Publish a STATE and find out about its PUBACK, which may come before its token is known. With `speaking`, without the lock. */
static bool speak(host_session *s, bool online, int64_t t)
{
    pt_monitor_lock(&s->m);
    s->sending = true;
    s->n_early = 0;
    pt_monitor_unlock(&s->m);
    int64_t token = -1;
    pt_status rc = publish_state(s, online, t, &token);
    pt_monitor_lock(&s->m);
    bool acked = false;
    for (unsigned i = 0; i < s->n_early && i < PT_COUNT_OF(s->early); i++)
        acked = acked || s->early[i] == token;
    s->sending = false;
    if (rc == PT_OK && online && s->birth_token < 0 && t == s->presence.t) { /* a correction does not count again */
        s->birth_token = token;
        if (acked) host_presence_acknowledged(&s->presence, pt_mono_ms(s->clock));
    }
    if (rc == PT_OK && !online) {
        s->death_token = token;
        s->death_sent = true;
        s->death_acked = acked;
    }
    pt_monitor_unlock(&s->m);
    return rc == PT_OK;
}

/* Do what presence decided; called without the locks, and not by the receive thread. */
static void act(host_session *s, host_presence_action a, int64_t t)
{
    if (a == HOST_DO_PUBLISH_BIRTH) {
        pthread_mutex_lock(&s->speaking);
        pt_monitor_lock(&s->m);
        bool still = s->presence.phase != HOST_STOPPING && s->presence.t == t;
        pt_monitor_unlock(&s->m);
        if (still) (void)speak(s, true, t); /* a failure is logged there; the connection's end is noticed by itself */
        pthread_mutex_unlock(&s->speaking);
    }
    if (a == HOST_DO_TELL_CONFLICT) {
        pt_logf(s->log, PT_LOG_ERROR, "HOST-ID-IN-USE", "server %s: another host application uses the id %s; give each its own host.id",
                s->opt.server, s->opt.host_id);
        tell(s, HOST_EVENT_HOST_ID_IN_USE, "another host application uses this host id; give each its own host.id");
    }
    if (a == HOST_DO_OPEN) {
        pt_logf(s->log, PT_LOG_INFO, "HOST-ONLINE", "server %s: online as %s", s->opt.server, s->opt.host_id);
        host_ingest_server(s->ingest, s->opt.index, true);
        tell(s, HOST_EVENT_HOST_ONLINE, s->opt.server);
    }
}

/* ---- callbacks of spb_mqtt ---------------------------------------------------------------------- */

static pt_status on_prepare(void *ctx, spb_mqtt_connect *out)
{
    host_session *s = ctx;
    pt_monitor_lock(&s->m);
    int64_t now = pt_wall_ms(s->clock), t = host_presence_connect(&s->presence, now);
    bool behind = s->opt.publish_state && t - now > 1000, tell_clock = behind && !s->told_clock;
    s->told_clock = behind;
    pt_buf_reset(&s->will);
    spb_state st = { .online = false, .timestamp_ms = (uint64_t)t };
    pt_status rc = spb_state_format(&st, &s->will);
    s->birth_token = -1;
    s->say_birth = s->say_conflict = s->reconnect = false;
    pt_monitor_unlock(&s->m);
    if (tell_clock)
        pt_logf(
            s->log, PT_LOG_WARN, "HOST-CLOCK",
            "server %s: this machine's clock is %lld s behind the STATE we said there before; STATE goes on from that time, since edge nodes ignore an older one. Set the clock (NTP)",
            s->opt.server, (long long)(t - now) / 1000);
    if (s->opt.publish_state && s->cb.timestamp) s->cb.timestamp(s->cb.ctx, s->opt.index, t);
    if (rc != PT_OK) return rc;
    *out = (spb_mqtt_connect){ .server = s->opt.server, .filters = s->filters, .n_filters = 2 };
    if (s->opt.publish_state) {
        out->will_topic = s->topic;
        out->will_payload = pt_buf_view(&s->will);
        out->will_qos = 1;
        out->will_retain = true;
    }
    return PT_OK;
}

static void on_ready(void *ctx)
{
    host_session *s = ctx;
    pt_monitor_lock(&s->m);
    host_presence_action a = host_presence_subscribed(&s->presence, pt_mono_ms(s->clock));
    int64_t t = s->presence.t;
    s->since_ms = pt_wall_ms(s->clock);
    s->told_ready = true;
    pt_monitor_unlock(&s->m);
    act(s, a, t);
}

static void on_lost(void *ctx, const char *reason)
{
    host_session *s = ctx;
    pt_monitor_lock(&s->m);
    bool was = s->told_ready;
    s->told_ready = false;
    host_presence_lost(&s->presence);
    s->since_ms = pt_wall_ms(s->clock);
    pt_monitor_wake_one(&s->m);
    pt_monitor_unlock(&s->m);
    if (!was) return;
    pt_logf(s->log, PT_LOG_WARN, "HOST-OFFLINE", "server %s: connection lost: %s", s->opt.server, reason ? reason : "");
    host_ingest_server(s->ingest, s->opt.index, false); /* tck-not-testable-1: everything learned there is stale now */
    tell(s, HOST_EVENT_HOST_OFFLINE, reason ? reason : "connection lost");
}

static void on_sent(void *ctx, int64_t token, bool ok)
{
    host_session *s = ctx;
    pt_monitor_lock(&s->m);
    if (ok && s->sending) s->early[s->n_early++ % PT_COUNT_OF(s->early)] = token;
    if (ok && token == s->birth_token) host_presence_acknowledged(&s->presence, pt_mono_ms(s->clock));
    if (s->death_sent && token == s->death_token) {
        s->death_acked = true;
        pt_monitor_wake_one(&s->m);
    }
    pt_monitor_unlock(&s->m);
}

static void on_state_message(host_session *s, const spb_mqtt_message *m, pt_slice host)
{
    spb_state st;
    pt_error err = { 0, "" };
    pt_status rc = spb_state_parse(m->payload, &st, &err);
    pt_monitor_lock(&s->m);
    s->state_seen++;
    if (rc != PT_OK) {
        bool log = rc == PT_EMALFORMED && pt_log_allow(&s->limit, pt_slice_hash(host, 0), pt_mono_ms(s->clock), 60000, NULL);
        s->state_garbage += rc == PT_EMALFORMED;
        pt_monitor_unlock(&s->m);
        if (log)
            pt_logf(s->log, PT_LOG_WARN, "SPB-STATE-GARBAGE", "server %s: STATE of host %.*s: %s", s->opt.server, PT_SLICE_ARGS(host),
                    err.text);
        return;
    }
    host_presence_action a = HOST_DO_NOTHING;
    if (pt_slice_eq_cstr(host, s->opt.host_id)) a = host_presence_seen(&s->presence, &st, m->retained, pt_mono_ms(s->clock));
    s->say_birth = s->say_birth || a == HOST_DO_PUBLISH_BIRTH;
    s->say_conflict = s->say_conflict || a == HOST_DO_TELL_CONFLICT;
    s->reconnect = s->reconnect || a == HOST_DO_RECONNECT;
    pt_monitor_unlock(&s->m);
}

/* Receive thread: pass the message on. */
static void on_message(void *ctx, spb_mqtt_message *m)
{
    host_session *s = ctx;
    spb_topic topic;
    if (pt_slice_starts(m->topic, s->state_prefix) && spb_topic_parse(&spb_namespace_b, m->topic, &topic, NULL) == PT_OK &&
        topic.verb == SPB_STATE)
        on_state_message(s, m, topic.host);
    host_packet p = { .topic = m->topic,
                      .payload = m->payload,
                      .wall_ms = m->received_wall_ms,
                      .mono_ms = m->received_mono_us / 1000,
                      .server = s->opt.index,
                      .retained = m->retained };
    host_ingest_push(s->ingest, &p);
    spb_mqtt_message_free(m); /* here, on the thread that allocated it: Paho's heap has one lock */
}

/* ---- life ------------------------------------------------------------------------------------------ */

static char *text(const char *fmt, const char *a, const char *b)
{
    size_t n = strlen(fmt) + strlen(a) + strlen(b) + 1;
    char *p = malloc(n);
    if (p) snprintf(p, n, fmt, a, b);
    return p;
}

pt_status host_session_new(const host_session_options *o, host_ingest *ingest, const host_session_callbacks *cb, const pt_clock *clock,
                           const pt_log *log, host_session **out, pt_error *err)
{
    host_session *s = calloc(1, sizeof *s);
    if (!s) return PT_ENOMEM;
    s->opt = *o;
    s->ingest = ingest;
    if (cb) s->cb = *cb;
    s->clock = clock;
    s->log = log;
    s->birth_token = -1;
    s->since_ms = pt_wall_ms(clock);
    pt_buf_init(&s->will, 128);
    host_presence_init(&s->presence, o->publish_state, o->hold_off_ms, o->last_t);
    pt_status st = PT_ENOMEM;
    if (pt_monitor_init(&s->m) != PT_OK) goto fail;
    if (pthread_mutex_init(&s->speaking, NULL) != 0) {
        pt_monitor_fini(&s->m);
        goto fail;
    }
    s->lock_made = true;
    const spb_namespace *ns = &spb_namespace_b;
    s->all = text("%s/%s", ns->prefix, "#");
    s->legacy_topic = text("%s/%s", ns->state, o->host_id);
    s->topic = s->legacy_topic ? text("%s/%s", ns->prefix, s->legacy_topic) : NULL;
    if (!s->topic || !s->all) goto fail;
    s->state_prefix = pt_slice_of(s->topic, strlen(s->topic) - strlen(o->host_id));
    s->filters[0] = (spb_mqtt_filter){ s->all, 1 };
    s->filters[1] = (spb_mqtt_filter){ s->topic, 1 };
    spb_mqtt_callbacks callbacks = {
        .ctx = s, .prepare = on_prepare, .ready = on_ready, .lost = on_lost, .message = on_message, .sent = on_sent
    };
    st = spb_mqtt_new(&o->mqtt, &callbacks, clock, log, &s->mqtt, err);
    if (st != PT_OK) goto fail;
    *out = s;
    return PT_OK;
fail:
    host_session_free(s);
    return st;
}

pt_status host_session_start(host_session *s)
{
    return spb_mqtt_start(s->mqtt);
}

void host_session_tick(host_session *s)
{
    pt_monitor_lock(&s->m);
    bool birth = s->say_birth, conflict = s->say_conflict, reconnect = s->reconnect && s->presence.phase != HOST_STOPPING;
    host_presence_action a = host_presence_tick(&s->presence, pt_mono_ms(s->clock));
    s->say_birth = s->say_conflict = s->reconnect = false;
    int64_t t = s->presence.t;
    pt_monitor_unlock(&s->m);
    if (reconnect) {
        pt_logf(s->log, PT_LOG_WARN, "HOST-STATE",
                "server %s keeps a later STATE of ours than this connection's; connecting again with a later one", s->opt.server);
        spb_mqtt_drop(s->mqtt); /* and not a DISCONNECT, which would want a death before it: the Will is that */
        return;
    }
    if (birth) act(s, HOST_DO_PUBLISH_BIRTH, t);
    if (conflict) act(s, HOST_DO_TELL_CONFLICT, t);
    act(s, a, t);
}

pt_status host_session_command(host_session *s, pt_slice topic, pt_slice payload)
{
    pt_monitor_lock(&s->m);
    host_presence_phase phase = s->presence.phase;
    pt_monitor_unlock(&s->m);
    char *name = phase == HOST_ONLINE ? pt_slice_dup(topic) : NULL;
    pt_status st = phase == HOST_STOPPING ? PT_EREFUSED : phase != HOST_ONLINE ? PT_ESTATE : PT_ENOMEM;
    if (name) st = spb_mqtt_publish(s->mqtt, name, payload, 0, false, NULL); /* tck-id-payloads-ncmd-qos, -retain; -dcmd- */
    free(name);
    pt_monitor_lock(&s->m);
    if (st == PT_OK) s->commands++;
    else s->commands_refused++;
    pt_monitor_unlock(&s->m);
    return st;
}

void host_session_stats_get(host_session *s, host_session_stats *out)
{
    *out = (host_session_stats){ .server = s->opt.server };
    spb_mqtt_stats_get(s->mqtt, &out->mqtt);
    pt_monitor_lock(&s->m);
    out->phase = s->presence.phase;
    out->t = s->presence.t;
    out->since_ms = s->since_ms;
    out->conflict = s->presence.conflict;
    out->corrections = s->presence.corrections;
    out->conflicts = s->presence.conflicts;
    out->commands = s->commands;
    out->commands_refused = s->commands_refused;
    out->state_garbage = s->state_garbage;
    out->state_seen = s->state_seen;
    pt_monitor_unlock(&s->m);
}

void host_session_stop(host_session *s, int64_t wait_ms)
{
    pthread_mutex_lock(&s->speaking);
    pt_monitor_lock(&s->m);
    bool online = s->presence.phase == HOST_BORN || s->presence.phase == HOST_ONLINE, first = s->presence.phase != HOST_STOPPING;
    int64_t t = host_presence_stop(&s->presence, pt_wall_ms(s->clock)); /* first the flag, then the death */
    pt_monitor_unlock(&s->m);
    bool due = first && online && s->opt.publish_state;
    if (due && s->cb.timestamp) s->cb.timestamp(s->cb.ctx, s->opt.index, t);
    bool sent = due && speak(s, false, t);
    pthread_mutex_unlock(&s->speaking);
    pt_monitor_lock(&s->m);
    if (sent) {
        int64_t until = pt_deadline(s->clock, wait_ms);
        while (!s->death_acked && s->told_ready && pt_monitor_wait_until(&s->m, s->clock, until)) {}
        if (!s->death_acked) pt_logf(s->log, PT_LOG_WARN, "HOST-STATE", "server %s did not acknowledge our death", s->opt.server);
    }
    pt_monitor_unlock(&s->m);
    spb_mqtt_stop(s->mqtt, due && !sent, wait_ms); /* else the Will says it */
}

void host_session_free(host_session *s)
{
    if (!s) return;
    spb_mqtt_free(s->mqtt);
    if (s->lock_made) {
        pthread_mutex_destroy(&s->speaking);
        pt_monitor_fini(&s->m);
    }
    pt_buf_fini(&s->will);
    free(s->topic);
    free(s->legacy_topic);
    free(s->all);
    free(s);
}
