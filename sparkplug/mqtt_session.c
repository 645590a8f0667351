/* sparkplug/mqtt_session.c -- the session thread: attempt after attempt, each from prepare to lost.
 *
 * Invariants: (1) between a prepare that answered PT_OK and its lost there is at most one Paho client; (2) every
 * publish that got PT_OK is in exactly one of `pending` and `done`, and is reported once, before the attempt's lost;
 * (3) callbacks run on this thread with `mutex` open. */
#include "sparkplug/mqtt_internal.h"

#include "base/thread.h"

#include <stdio.h>
#include <stdlib.h>

enum { DISCONNECT_MS = 1000, BREAK_MS = 3000, TOPIC_MAX = 65535, PAYLOAD_MAX = 268435455 - 65535 - 64 };

void spb_mqtt_options_init(spb_mqtt_options *o)
{
    *o = (spb_mqtt_options){ .version = 3,
                             .keep_alive_ms = 30000,
                             .connect_timeout_ms = 10000,
                             .reconnect_min_ms = 1000,
                             .reconnect_max_ms = 60000,
                             .send_max = 10000,
                             .send_max_bytes = (uint64_t)64 << 20 };
}

/* ---- lists of publishes ---- */

static void list_add(spb__out_list *l, spb__out *o)
{
    o->next = NULL;
    o->prev = l->last;
    if (l->last) l->last->next = o;
    else l->first = o;
    l->last = o;
}

static void list_remove(spb__out_list *l, spb__out *o)
{
    if (o->prev) o->prev->next = o->next;
    else l->first = o->next;
    if (o->next) o->next->prev = o->prev;
    else l->last = o->prev;
}

/* With the mutex: `o` is finished. Gives it to the session thread, or frees it when nobody wants to hear. */
static void finish(spb_mqtt *s, spb__out *o, bool ok)
{
    list_remove(&s->pending, o);
    s->n_pending--;
    s->pending_bytes -= o->bytes;
    o->ok = ok;
    if (s->cb.sent) list_add(&s->done, o);
    else free(o);
}

/* ---- from Paho's threads ---- */

void spb__mqtt_lost(spb_mqtt *s, bool down, const char *fmt, ...)
{
    va_list ap;
    pt_monitor_lock(&s->monitor);
    if (!s->lost) {
        va_start(ap, fmt);
        vsnprintf(s->reason, sizeof s->reason, fmt, ap);
        va_end(ap);
    }
    s->lost = true;
    s->down |= down;
    s->accepting = false;
    pt_monitor_wake_all(&s->monitor);
    pt_monitor_unlock(&s->monitor);
}

void spb__mqtt_unsent(spb_mqtt *s)
{
    pt_monitor_lock(&s->monitor);
    if (!s->lost) s->unsent = true;
    pt_monitor_unlock(&s->monitor);
}

void spb__mqtt_sent(spb__out *out, bool ok)
{
    spb_mqtt *s = out->session;
    pt_monitor_lock(&s->monitor);
    finish(s, out, ok);
    if (s->cb.sent || s->n_pending == 0) pt_monitor_wake_all(&s->monitor);
    pt_monitor_unlock(&s->monitor);
}

/* ---- waiting, on the session thread ---- */

static int64_t now_ms(const spb_mqtt *s)
{
    return pt_mono_ms(s->clock);
}

/* With the mutex, which is open while callbacks run and while waiting: report finished publishes, else wait for a
 * change or until `deadline_ms` on our clock. */
static void pump(spb_mqtt *s, int64_t deadline_ms)
{
    spb__out *o = s->done.first;
    if (o) {
        s->done = (spb__out_list){ NULL, NULL };
        pt_monitor_unlock(&s->monitor);
        while (o) {
            spb__out *next = o->next;
            s->cb.sent(s->cb.ctx, o->token, o->ok);
            free(o);
            o = next;
        }
        pt_monitor_lock(&s->monitor);
        return;
    }
    (void)!pt_monitor_wait_until(&s->monitor, s->clock, deadline_ms); /* the caller looks at the clock itself */
}

/* Somebody wants the attempt to end. */
static bool interrupted(const spb_mqtt *s)
{
    return s->stop || s->end || s->drop;
}

/* ---- one attempt ---- */

/* With the mutex: until *flag, loss, interruption or time-out. `wake`: Paho's receive thread may not know the socket
 * yet. */
static bool wait_for(spb_mqtt *s, const bool *flag, int64_t deadline_ms, bool wake, const char *late)
{
    int64_t now, nap = 1;
    while (!*flag && !s->lost && !interrupted(s) && (now = now_ms(s)) < deadline_ms) {
        pump(s, wake && now + nap < deadline_ms ? now + nap : deadline_ms);
        if (!wake || now_ms(s) - now < nap) continue;
        spb__wake();
        nap = nap < 500 ? nap * 2 : nap;
    }
    if (*flag && !s->lost && !interrupted(s)) return true;
    if (!s->lost && !interrupted(s)) {
        snprintf(s->reason, sizeof s->reason, "%s", late);
        s->lost = true;
    }
    return false;
}

/* With the mutex: every filter granted, or `lost` with the first refusal as the reason. */
static bool check_grants(spb_mqtt *s, const spb_mqtt_connect *c)
{
    for (size_t i = 0; i < c->n_filters; i++) {
        if (s->granted[i] >= 0x80 || s->granted[i] < 0) {
            snprintf(s->reason, sizeof s->reason, "subscription to '%s' refused (0x%02x)", c->filters[i].filter, (unsigned)s->granted[i]);
            s->lost = true;
            return false;
        }
        if (s->granted[i] < c->filters[i].qos)
            pt_logf(s->log, PT_LOG_WARN, "SPB-MQTT-QOS", "%s: '%s' granted at QoS %d, %d was asked for", s->options.client_id,
                    c->filters[i].filter, s->granted[i], c->filters[i].qos);
    }
    return true;
}

/* With the mutex: CONNECT to all subscriptions granted. */
static bool reach_ready(spb_mqtt *s, const spb_mqtt_connect *c)
{
    int64_t deadline = now_ms(s) + s->options.connect_timeout_ms;
    s->state = SPB__CONNECTING;
    pt_monitor_unlock(&s->monitor);
    pt_status st = spb__paho_connect(s, c);
    pt_monitor_lock(&s->monitor);
    if (st || !wait_for(s, &s->connack, deadline, true, "no CONNACK in time")) return false;
    s->connects++;
    s->state = SPB__SUBSCRIBING;
    pt_monitor_unlock(&s->monitor);
    if (s->cb.connected) s->cb.connected(s->cb.ctx);
    if (c->n_filters) st = spb__paho_subscribe(s, c);
    pt_monitor_lock(&s->monitor);
    if (st) return false;
    deadline = now_ms(s) + s->options.connect_timeout_ms;
    if (c->n_filters && (!wait_for(s, &s->suback, deadline, false, "no SUBACK in time") || !check_grants(s, c))) return false;
    if (s->lost || interrupted(s)) return false;
    s->state = SPB__READY;
    s->accepting = true;
    return true;
}

/* With the mutex: have the server drop us, and wait until it has. */
static void break_connection(spb_mqtt *s)
{
    if (!s->connack || s->down) return;
    pt_monitor_unlock(&s->monitor);
    pt_status st = spb__paho_break(s);
    pt_monitor_lock(&s->monitor);
    int64_t deadline = now_ms(s) + BREAK_MS;
    while (st == PT_OK && !s->down && now_ms(s) < deadline)
        pump(s, deadline);
}

/* With the mutex: finish what is pending within the asked time, then DISCONNECT. */
static void say_goodbye(spb_mqtt *s)
{
    int64_t deadline = now_ms(s) + s->drain_ms;
    bool with_will = s->with_will;
    while ((s->n_pending || s->done.first) && !s->lost && now_ms(s) < deadline)
        pump(s, deadline);
    if (s->lost || !s->connack) return;
    if (with_will && s->options.version == 3) { /* no DISCONNECT of 3.1.1 does that */
        break_connection(s);
        return;
    }
    pt_monitor_unlock(&s->monitor);
    pt_status st = spb__paho_disconnect(s, with_will);
    pt_monitor_lock(&s->monitor);
    deadline = now_ms(s) + DISCONNECT_MS;
    while (st == PT_OK && !s->disconnected && !s->lost && now_ms(s) < deadline)
        pump(s, deadline);
}

/* With the mutex: nothing of the attempt is left afterwards. */
static void tear_down(spb_mqtt *s)
{
    s->accepting = false;
    s->state = SPB__CLOSING;
    while (s->users)
        pt_monitor_wait(&s->monitor);
    pt_monitor_unlock(&s->monitor);
    spb__paho_destroy(s);
    pt_monitor_lock(&s->monitor);
    while (s->pending.first)                /* NOLINT(clang-analyzer-unix.Malloc): finish takes what it frees off the list */
        finish(s, s->pending.first, false); /* NOLINT(clang-analyzer-unix.Malloc): likewise */
    while (s->done.first)                   /* NOLINT(clang-analyzer-unix.Malloc): pump takes what it frees off the list */
        pump(s, PT_NEVER);
}

/* With the mutex. From a prepared CONNECT to lost. */
static void attempt(spb_mqtt *s, const spb_mqtt_connect *c)
{
    char reason[sizeof s->reason];
    s->connack = s->suback = s->lost = s->down = s->unsent = s->disconnected = false;
    s->reason[0] = '\0';
    s->n_filters = c->n_filters;
    free(s->granted);
    s->granted = calloc(c->n_filters ? c->n_filters : 1, sizeof *s->granted);
    if (!s->granted) {
        snprintf(s->reason, sizeof s->reason, "out of memory");
        s->lost = true;
    }
    bool ready = s->granted && reach_ready(s, c);
    if (ready) {
        pt_backoff_reset(&s->backoff);
        pt_logf(s->log, PT_LOG_INFO, "SPB-MQTT-READY", "%s: connected to %s, %zu subscriptions", s->options.client_id, c->server,
                c->n_filters);
        pt_monitor_unlock(&s->monitor);
        s->cb.ready(s->cb.ctx);
        pt_monitor_lock(&s->monitor);
        while (!s->lost && !interrupted(s))
            pump(s, PT_NEVER);
    }
    bool asked = interrupted(s) && !s->lost;
    if (asked ? s->drop && !s->stop : ready)
        break_connection(s); /* not asked and still up (Paho refused a message): the Will must speak, a DISCONNECT would
                                silence it */
    else if (asked) say_goodbye(s);
    tear_down(s);
    if (asked) snprintf(reason, sizeof reason, "%s", s->stop ? "stopped" : s->drop ? "dropped" : "disconnected");
    else snprintf(reason, sizeof reason, "%s", s->reason);
    if (ready && !asked) s->losses++;
    if (!ready && !asked) s->failures++;
    pt_logf(s->log, asked ? PT_LOG_INFO : PT_LOG_WARN, "SPB-MQTT-LOST", "%s: %s: %s", s->options.client_id, c->server, reason);
    pt_monitor_unlock(&s->monitor);
    s->cb.lost(s->cb.ctx, reason);
    pt_monitor_lock(&s->monitor);
}

/* ---- the thread ---- */

/* With the mutex: take the request to end, if there is one. True when the next attempt is to come at once. */
static bool take_request(spb_mqtt *s)
{
    bool was_parked = s->parked, at_once = s->end && s->reconnect && s->at_once;
    if (s->end) s->parked = !s->reconnect;
    if (at_once) pt_backoff_reset(&s->backoff);
    at_once |= was_parked && !s->parked;
    s->end = s->drop = false;
    return at_once;
}

/* With the mutex: until `at`, or as requests change it. */
static void wait_until(spb_mqtt *s, int64_t at)
{
    for (;;) {
        if (s->end || s->drop) at = take_request(s) ? now_ms(s) : at;
        if (s->stop || (!s->parked && now_ms(s) >= at)) return;
        s->state = s->parked ? SPB__IDLE : SPB__WAITING;
        pump(s, s->parked ? PT_NEVER : at);
    }
}

static void *run(void *arg)
{
    spb_mqtt *s = arg;
    int64_t at = now_ms(s);
    pt_monitor_lock(&s->monitor);
    for (;;) {
        wait_until(s, at);
        if (s->stop) break;
        spb_mqtt_connect c = { 0 };
        pt_monitor_unlock(&s->monitor);
        pt_status st = s->cb.prepare(s->cb.ctx, &c);
        if (st == PT_OK && (!c.server || (c.n_filters && !c.filters))) st = PT_EINVAL;
        if (st) pt_logf(s->log, PT_LOG_WARN, "SPB-MQTT-PREPARE", "%s: not connecting now: %s", s->options.client_id, pt_status_name(st));
        pt_monitor_lock(&s->monitor);
        if (st == PT_OK) attempt(s, &c);
        at = now_ms(s) + pt_backoff_next(&s->backoff); /* a request waiting may bring it forward */
    }
    s->state = SPB__STOPPED;
    pt_monitor_unlock(&s->monitor);
    return NULL;
}

/* ---- public ---- */

static char *dup(const char *s)
{
    return pt_slice_dup(pt_cstr(s));
}

/* Copies the strings; false when out of memory. */
static bool take_options(spb_mqtt_options *to, const spb_mqtt_options *from)
{
    const char *const *in[] = { &from->client_id, &from->user,    &from->password,        &from->tls_ca,
                                &from->tls_cert,  &from->tls_key, &from->tls_key_password };
    const char **out[] = { &to->client_id, &to->user, &to->password, &to->tls_ca, &to->tls_cert, &to->tls_key, &to->tls_key_password };
    bool ok = true;
    *to = *from;
    for (size_t i = 0; i < PT_COUNT_OF(in); i++) {
        *out[i] = *in[i] ? dup(*in[i]) : NULL;
        ok = ok && (!*in[i] || *out[i]);
    }
    return ok;
}

static void free_options(spb_mqtt_options *o)
{
    const char *all[] = { o->client_id, o->user, o->password, o->tls_ca, o->tls_cert, o->tls_key, o->tls_key_password };
    for (size_t i = 0; i < PT_COUNT_OF(all); i++)
        free((void *)(uintptr_t)all[i]);
}

static pt_status check_options(const spb_mqtt_options *o, const spb_mqtt_callbacks *cb, pt_error *err)
{
    if (!cb->prepare || !cb->ready || !cb->lost || !cb->message) return pt_fail(err, PT_EINVAL, "a callback is missing");
    if (!o->client_id || !o->client_id[0]) return pt_fail(err, PT_EINVAL, "the client id is missing");
    if (o->version != 3 && o->version != 5) return pt_fail(err, PT_EINVAL, "MQTT version %d is not 3 or 5", o->version);
    if (o->keep_alive_ms < 0 || o->keep_alive_ms > 65535000) return pt_fail(err, PT_EINVAL, "keep alive is not within 0 s and 65535 s");
    if (o->connect_timeout_ms <= 0) return pt_fail(err, PT_EINVAL, "the connect time-out is not positive");
    if (o->reconnect_min_ms <= 0 || o->reconnect_max_ms < o->reconnect_min_ms)
        return pt_fail(err, PT_EINVAL, "reconnect times are not 0 < min <= max");
    if (o->send_max == 0 || o->send_max > 1000000 || o->send_max_bytes == 0)
        return pt_fail(err, PT_EINVAL, "the send bounds are not within 1 to 1000000 messages and above 0 bytes");
    if (o->password && !o->user) return pt_fail(err, PT_EINVAL, "a password without a user");
    if (o->tls_cert && !o->tls_key) return pt_fail(err, PT_EINVAL, "a client certificate without its key");
    return PT_OK;
}

/* All of them or none. */
static bool init_locks(spb_mqtt *s)
{
    if (pt_monitor_init(&s->monitor) != PT_OK) return false;
    if (pthread_mutex_init(&s->stopping, NULL) == 0) return true;
    pt_monitor_fini(&s->monitor);
    return false;
}

pt_status spb_mqtt_new(const spb_mqtt_options *options, const spb_mqtt_callbacks *callbacks, const pt_clock *clock, const pt_log *log,
                       spb_mqtt **out, pt_error *err)
{
    pt_status st = check_options(options, callbacks, err);
    if (st) return st;
    spb_mqtt *s = calloc(1, sizeof *s);
    if (!s) return pt_fail(err, PT_ENOMEM, "out of memory");
    s->cb = *callbacks;
    s->clock = clock;
    s->log = log;
    s->backoff = (pt_backoff){ options->reconnect_min_ms, options->reconnect_max_ms, 0, pt_random_seed(options->random_seed) };
    if (!init_locks(s)) {
        free(s);
        return pt_fail(err, PT_ENOMEM, "no locks to be had");
    }
    if (!take_options(&s->options, options)) {
        spb_mqtt_free(s);
        return pt_fail(err, PT_ENOMEM, "out of memory");
    }
    *out = s;
    return PT_OK;
}

pt_status spb_mqtt_start(spb_mqtt *s)
{
    pt_status st = PT_ESTATE;
    pthread_mutex_lock(&s->stopping);
    pt_monitor_lock(&s->monitor);
    bool stopped = s->stop;
    pt_monitor_unlock(&s->monitor);
    if (!s->started && !stopped) {
        st = pt_thread_start(&s->thread, "pt-mqtt", 0, run, s, NULL);
        s->started = st == PT_OK;
    }
    pthread_mutex_unlock(&s->stopping);
    return st;
}

/* With the mutex: admit one more message to Paho. */
static pt_status admit(spb_mqtt *s, spb__out *o)
{
    if (!s->accepting) return PT_ESTATE;
    if (s->n_pending >= s->options.send_max ||
        (s->n_pending && s->pending_bytes + o->bytes > s->options.send_max_bytes)) { /* one message alone may always go */
        s->refused++;
        return PT_EFULL;
    }
    o->token = ++s->last_token;
    list_add(&s->pending, o);
    s->n_pending++;
    s->pending_bytes += o->bytes;
    s->out_messages++;
    s->out_bytes += o->bytes;
    s->users++;
    return PT_OK;
}

pt_status spb_mqtt_publish(spb_mqtt *s, const char *topic, pt_slice payload, int qos, bool retain, int64_t *token)
{
    size_t topic_len = strlen(topic);
    if (qos < 0 || qos > 1 || topic_len == 0) return PT_EINVAL;
    if (topic_len > TOPIC_MAX || payload.len > PAYLOAD_MAX) return PT_ETOOBIG;
    spb__out *o = calloc(1, sizeof *o);
    if (!o) return PT_ENOMEM;
    o->session = s;
    o->bytes = topic_len + payload.len;
    pt_monitor_lock(&s->monitor);
    pt_status st = admit(s, o);
    MQTTAsync client = s->client;
    int64_t my_token = o->token;
    pt_monitor_unlock(&s->monitor);
    if (st) {
        free(o);
        return st;
    }
    int rc = spb__paho_publish(client, s, o, topic, payload, qos, retain);
    bool full = rc == MQTTASYNC_MAX_BUFFERED_MESSAGES || rc == MQTTASYNC_NO_MORE_MSGIDS; /* bounds of Paho's, beyond ours */
    if (rc != MQTTASYNC_SUCCESS && !full) spb__mqtt_lost(s, false, "Paho refused a message (%d)", rc);
    pt_monitor_lock(&s->monitor);
    if (rc != MQTTASYNC_SUCCESS) { /* it was never Paho's: nobody else has finished it */
        list_remove(&s->pending, o);
        s->n_pending--;
        s->pending_bytes -= o->bytes;
        s->out_messages--;
        s->out_bytes -= o->bytes;
        s->refused += full;
        free(o);
    }
    if (--s->users == 0) pt_monitor_wake_all(&s->monitor);
    pt_monitor_unlock(&s->monitor);
    if (rc != MQTTASYNC_SUCCESS) return full ? PT_EFULL : PT_EIO;
    if (token) *token = my_token;
    return PT_OK;
}

void spb_mqtt_disconnect(spb_mqtt *s, bool reconnect, bool reset_backoff, bool with_will, int64_t drain_ms)
{
    pt_monitor_lock(&s->monitor);
    s->end = true;
    s->accepting = false;
    s->reconnect = reconnect;
    s->at_once = reset_backoff;
    s->with_will = with_will;
    s->drain_ms = drain_ms > 0 ? drain_ms : 0;
    pt_monitor_wake_all(&s->monitor);
    pt_monitor_unlock(&s->monitor);
}

void spb_mqtt_drop(spb_mqtt *s)
{
    pt_monitor_lock(&s->monitor);
    s->drop = true;
    s->accepting = false;
    pt_monitor_wake_all(&s->monitor);
    pt_monitor_unlock(&s->monitor);
}

bool spb_mqtt_unsent(spb_mqtt *s)
{
    pt_monitor_lock(&s->monitor);
    bool unsent = s->unsent;
    pt_monitor_unlock(&s->monitor);
    return unsent;
}

void spb_mqtt_stats_get(spb_mqtt *s, spb_mqtt_stats *out)
{
    pt_monitor_lock(&s->monitor);
    *out = (spb_mqtt_stats){ .ready = s->state == SPB__READY && !s->lost,
                             .connects = s->connects,
                             .failures = s->failures,
                             .losses = s->losses,
                             .messages_in = atomic_load(&s->in_messages),
                             .bytes_in = atomic_load(&s->in_bytes),
                             .messages_out = s->out_messages,
                             .bytes_out = s->out_bytes,
                             .send_refused = s->refused,
                             .send_pending = s->n_pending,
                             .send_pending_bytes = s->pending_bytes };
    pt_monitor_unlock(&s->monitor);
}

void spb_mqtt_stop(spb_mqtt *s, bool with_will, int64_t drain_ms)
{
    pt_monitor_lock(&s->monitor);
    if (!s->stop) {
        s->stop = true;
        s->accepting = false;
        s->with_will = with_will;
        s->drain_ms = drain_ms > 0 ? drain_ms : 0;
        pt_monitor_wake_all(&s->monitor);
    }
    pt_monitor_unlock(&s->monitor);
    pthread_mutex_lock(&s->stopping);
    if (s->started && !s->joined) {
        pthread_join(s->thread, NULL);
        s->joined = true;
    }
    pthread_mutex_unlock(&s->stopping);
}

void spb_mqtt_free(spb_mqtt *s)
{
    if (!s) return;
    spb_mqtt_stop(s, false, 0);
    free(s->granted);
    free_options(&s->options);
    pt_monitor_fini(&s->monitor);
    pthread_mutex_destroy(&s->stopping);
    free(s);
}
