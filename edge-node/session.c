/* edge-node/session.c -- see session.h and the implementer's guide, sections 14 to 16.
 *
 * Always true between events: (1) nbirth_sent implies a connection; (2) an explicit NDEATH is only asked for when nbirth_sent;
 * (3) bd_seq is the number in the Will of the current connection; (4) rebirth_pending only in ONLINE, with a deadline. */
#include "edge-node/session.h"

#include <stddef.h>
#include <string.h>

#define NEVER                INT64_MAX
#define HOST_WAIT_DEFAULT_MS 30000
#define BIRTH_RETRY_MS       100

const char *edge_state_name(edge_state s)
{
    static const char *const names[] = { "stopped",  "connecting", "subscribing", "waiting-for-host",
                                         "birthing", "online",     "leaving",     "stopping" };
    return (size_t)s < sizeof names / sizeof names[0] ? names[s] : "unknown";
}

void edge_session_init(edge_session *s, const edge_session_config *config)
{
    memset(s, 0, sizeof *s);
    s->config = *config;
    if (s->config.servers == 0) s->config.servers = 1;
    if (s->config.servers > EDGE_SERVERS_MAX) s->config.servers = EDGE_SERVERS_MAX;
    if (s->config.host_wait_ms <= 0) s->config.host_wait_ms = HOST_WAIT_DEFAULT_MS;
    s->deadline_mono_ms = NEVER;
    s->older_since_mono_ms = -1;
}

static edge_action *add(edge_actions *out, edge_action_type type)
{
    edge_action *a = &out->items[out->n < EDGE_ACTIONS_MAX ? out->n++ : EDGE_ACTIONS_MAX - 1];
    *a = (edge_action){ .type = type };
    return a;
}

static void next_server(edge_session *s)
{
    s->server = (s->server + 1) % s->config.servers;
    s->stats.walks += s->config.servers > 1;
}

/* --- births --- */

static void send_birth(edge_session *s, edge_actions *out)
{
    edge_action *a = add(out, EDGE_ACT_BIRTH);
    a->bd_seq = s->bd_seq; /* the one of the Will: tck-id-operational-behavior-data-commands-rebirth-action-3 */
    a->stamp_ms = s->birth_stamp_ms;
    s->deadline_mono_ms = NEVER;
}

static void start_birth(edge_session *s, edge_now now, edge_actions *out)
{
    s->state = EDGE_BIRTHING;
    s->rebirth_pending = false;
    s->birth_stamp_ms = now.wall_ms;
    if (s->config.birth_settle_ms > 0) {
        s->deadline_mono_ms = now.mono_ms + s->config.birth_settle_ms + 1;
        return;
    }
    send_birth(s, out);
}

/* A request in the quiet time after a birth waits for its end; several become one, none is lost. */
static void request_rebirth(edge_session *s, edge_now now, edge_actions *out)
{
    if (s->state != EDGE_ONLINE) return; /* before that, births are coming anyway and are newer than the request */
    int64_t due = s->last_birth_mono_ms + s->config.rebirth_debounce_ms;
    if (now.mono_ms >= due) {
        s->stats.rebirths++;
        start_birth(s, now, out);
        return;
    }
    if (s->rebirth_pending) s->stats.rebirths_coalesced++;
    s->rebirth_pending = true;
    s->deadline_mono_ms = due;
}

void edge_session_nbirth_sent(edge_session *s)
{
    s->nbirth_sent = true;
    s->seq = 1; /* tck-id-payloads-nbirth-seq: the NBIRTH itself carried 0 */
}

/* --- leaving a server --- */

static void leave(edge_session *s, edge_state next, edge_actions *out)
{
    bool again = next == EDGE_LEAVING;
    if (s->nbirth_sent) {
        if (next == EDGE_STOPPING) add(out, EDGE_ACT_DDEATHS);
        add(out, EDGE_ACT_NDEATH)->bd_seq =
            s->bd_seq; /* before DISCONNECT: tck-id-operational-behavior-edge-node-intentional-disconnect-ndeath */
    }
    edge_action *a = add(out, EDGE_ACT_DISCONNECT);
    a->with_will = s->config.mqtt5; /* tck-id-payloads-ndeath-will-message-publisher-disconnect-mqtt50 */
    a->again = again;
    s->state = next;
    s->nbirth_sent = false;
    s->rebirth_pending = false;
    s->deadline_mono_ms = NEVER;
}

static void walk(edge_session *s, edge_actions *out)
{
    leave(s, EDGE_LEAVING, out);
    next_server(s);
}

/* --- the primary host --- */

static void host_wait(edge_session *s, edge_now now)
{
    s->state = EDGE_WAIT_HOST;
    s->deadline_mono_ms = s->config.servers > 1 ? now.mono_ms + s->config.host_wait_ms : NEVER;
}

static void evaluate_host(edge_session *s, edge_now now, edge_actions *out)
{
    if (s->state != EDGE_WAIT_HOST) return;
    if (s->host_online) start_birth(s, now, out);
    else if (s->host_seen && s->config.servers > 1) /* tck-id-operational-behavior-primary-application-state-with-multiple-servers-walk */
        walk(s, out);
}

static void host_is(edge_session *s, bool online, int64_t ts, edge_now now, edge_actions *out)
{
    s->older_since_mono_ms = -1;
    if (ts >= 0) {
        s->host[s->server].last_ms = ts;
        s->host[s->server].any = true;
        if (online) {
            s->host[s->server].last_online_ms = ts;
            s->host[s->server].any_online = true;
        }
    }
    s->host_seen = true;
    s->host_online = online;
    if (s->state == EDGE_WAIT_HOST) {
        evaluate_host(s, now, out);
    } else if (!online && (s->state == EDGE_ONLINE || s->state == EDGE_BIRTHING)) {
        /* tck-id-message-flow-edge-node-birth-publish-phid-offline,
         * tck-id-operational-behavior-edge-node-termination-host-offline-reconnect */
        walk(s, out);
    }
}

static void on_state(edge_session *s, const edge_event *ev, edge_now now, edge_actions *out)
{
    if (!s->config.primary_host) return;
    if (s->state != EDGE_SUBSCRIBING && s->state != EDGE_WAIT_HOST && s->state != EDGE_BIRTHING && s->state != EDGE_ONLINE) return;
    if (ev->legacy) {
        s->stats.legacy_states++;
        if (s->config.legacy_state) host_is(s, ev->online, -1, now, out);
        return;
    }
    int64_t ts = ev->timestamp_ms;
    bool newer = !s->host[s->server].any || ts >= s->host[s->server].last_ms;
    if (!ev->online && s->host[s->server].any_online && ts < s->host[s->server].last_online_ms) newer = false;
    if (newer) {
        host_is(s, ev->online, ts, now, out);
        return;
    }
    /* a late Will, or a host whose clock went back: tck-id-operational-behavior-edge-node-termination-host-offline-timestamp */
    s->stats.state_older++;
    if (!ev->online) {
        s->older_since_mono_ms = -1; /* opposed */
        return;
    }
    if (s->config.accept_older_after_ms > 0 && !ev->retained && s->state == EDGE_WAIT_HOST) {
        s->older_since_mono_ms = now.mono_ms;
        s->older_ts_ms = ts;
        int64_t due = now.mono_ms + s->config.accept_older_after_ms;
        if (due < s->deadline_mono_ms) s->deadline_mono_ms = due;
    }
}

/* --- events --- */

static void on_tick(edge_session *s, edge_now now, edge_actions *out)
{
    if (now.mono_ms < s->deadline_mono_ms) return;
    switch (s->state) {
    case EDGE_BIRTHING: send_birth(s, out); break;
    case EDGE_ONLINE:
        s->deadline_mono_ms = NEVER;
        if (s->rebirth_pending) {
            s->stats.rebirths++;
            start_birth(s, now, out);
        }
        break;
    case EDGE_WAIT_HOST:
        if (s->older_since_mono_ms >= 0 && now.mono_ms - s->older_since_mono_ms >= s->config.accept_older_after_ms) {
            s->stats.state_accepted_older++;
            host_is(s, true, s->older_ts_ms, now, out);
        } else if (s->config.servers > 1) {
            walk(s, out);
        } else {
            s->deadline_mono_ms = NEVER;
        }
        break;
    case EDGE_STOPPED:
    case EDGE_CONNECTING:
    case EDGE_SUBSCRIBING:
    case EDGE_LEAVING:
    case EDGE_STOPPING:
    default: s->deadline_mono_ms = NEVER; break;
    }
}

static void on_prepare(edge_session *s, edge_actions *out)
{
    if (s->state != EDGE_CONNECTING) return;
    s->bd_seq = s->bd_next;
    s->bd_next = (uint8_t)(s->bd_seq + 1u); /* tck-id-topics-nbirth-bdseq-increment */
    add(out, EDGE_ACT_PERSIST)->bd_seq = s->bd_next;
    edge_action *c = add(out, EDGE_ACT_CONNECT);
    c->bd_seq = s->bd_seq;
    c->server = s->server;
    s->nbirth_sent = false;
    s->host_online = s->host_seen = false; /* births need an online STATE of this MQTT session */
    s->older_since_mono_ms = -1;
    s->seq = 0;
}

static void on_lost(edge_session *s, const edge_event *ev, edge_actions *out)
{
    bool established = s->state != EDGE_CONNECTING;
    s->nbirth_sent = false;
    s->rebirth_pending = false;
    s->host_online = s->host_seen = false;
    s->deadline_mono_ms = NEVER;
    switch (s->state) {
    case EDGE_STOPPED: return;
    case EDGE_STOPPING:
        s->state = EDGE_STOPPED;
        add(out, EDGE_ACT_HALT);
        return;
    case EDGE_LEAVING: /* the server was chosen when leaving */ break;
    case EDGE_CONNECTING:
        if (ev->unsent) s->bd_next = s->bd_seq; /* no CONNECT carried it */
        next_server(s);
        break;
    case EDGE_SUBSCRIBING: next_server(s); break;
    case EDGE_WAIT_HOST:
    case EDGE_BIRTHING:
    case EDGE_ONLINE:
    default: break; /* the same server first */
    }
    s->stats.losses += established;
    s->state = EDGE_CONNECTING;
}

void edge_session_handle(edge_session *s, const edge_event *ev, edge_now now, edge_actions *out)
{
    out->n = 0;
    switch (ev->type) {
    case EDGE_EV_START:
        if (s->state != EDGE_STOPPED) return;
        s->state = EDGE_CONNECTING;
        s->bd_next = (uint8_t)ev->bd_seq;
        return;
    case EDGE_EV_PREPARE: on_prepare(s, out); return;
    case EDGE_EV_PERSIST_FAILED: s->bd_next = s->bd_seq; return;
    case EDGE_EV_CONNECTED:
        if (s->state == EDGE_CONNECTING) s->state = EDGE_SUBSCRIBING;
        return;
    case EDGE_EV_READY:
        if (s->state != EDGE_SUBSCRIBING && s->state != EDGE_CONNECTING) return;
        if (!s->config.primary_host) {
            start_birth(s, now, out);
            return;
        }
        host_wait(s, now); /* tck-id-message-flow-edge-node-birth-publish-phid-wait */
        evaluate_host(s, now, out);
        return;
    case EDGE_EV_LOST: on_lost(s, ev, out); return;
    case EDGE_EV_STATE: on_state(s, ev, now, out); return;
    case EDGE_EV_REBIRTH:
        s->stats.rebirth_requests++;
        request_rebirth(s, now, out);
        return;
    case EDGE_EV_MODEL_CHANGED:
        if (s->state == EDGE_ONLINE) start_birth(s, now, out);
        return;
    case EDGE_EV_NEXT_SERVER:
        if (s->state == EDGE_ONLINE || s->state == EDGE_WAIT_HOST || s->state == EDGE_BIRTHING) walk(s, out);
        return;
    case EDGE_EV_NDEATH: /* a late Will or a forged one; another session's number is none of ours */
        if (ev->bd_seq != s->bd_seq || !s->nbirth_sent) return;
        s->stats.own_ndeaths++;
        request_rebirth(s, now, out);
        return;
    case EDGE_EV_BORN:
        if (s->state != EDGE_BIRTHING) return;
        s->state = EDGE_ONLINE;
        s->last_birth_mono_ms = now.mono_ms;
        s->stats.births++;
        s->deadline_mono_ms = NEVER;
        return;
    case EDGE_EV_BIRTH_FAILED:
        if (s->state == EDGE_BIRTHING) s->deadline_mono_ms = now.mono_ms + BIRTH_RETRY_MS;
        return;
    case EDGE_EV_TICK: on_tick(s, now, out); return;
    case EDGE_EV_STOP:
        if (s->state == EDGE_STOPPED || s->state == EDGE_STOPPING) return;
        if (s->state == EDGE_CONNECTING) {
            s->state = EDGE_STOPPED;
            s->deadline_mono_ms = NEVER;
            add(out, EDGE_ACT_HALT);
            return;
        }
        if (s->state == EDGE_LEAVING) {
            s->state = EDGE_STOPPING;
            return;
        }
        leave(s, EDGE_STOPPING, out);
        return;
    default: return;
    }
}
