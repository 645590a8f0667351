#include "tests/host/plant.h"

#include "edge-node/edge.h"
#include "host/nodes/node.h"
#include "host/session/presence.h"

#include <stdio.h>
#include <stdlib.h>

enum { EDGES = 3, DEVICES = 2, METRICS = 3, MODEL_BYTES = 400000, TAGS_MAX = 512, STEP_MS = 20, HOST_ID_LEN = 1 };
#define HOST        "h"
#define STATE_TOPIC "spBv1.0/STATE/h"

typedef struct plant plant;

/* A message on its way. */
typedef struct flight {
    int64_t at_ms; /* monotonic time of delivery */
    uint64_t order;
    int to;        /* -1: host; else edge */
    uint32_t link; /* of the receiver's connection when it was sent: an older one does not get it */
    char *topic, *payload;
    size_t payload_len;
    bool retained;
} flight;

typedef struct edge {
    plant *plant;
    int index;
    void *model_memory, *node_memory;
    edge_node *node;
    uint32_t device[DEVICES], metric[DEVICES][METRICS], own;
    uint8_t bdseq;
    bool has_bdseq, primary;
    enum { DOWN, PREPARED, UP } link;
    uint32_t link_no;     /* counts connections */
    int64_t next_ms;      /* of the link: next attempt, or ready */
    edge_connect connect; /* the Will of the running connection */
    char will_topic[128], will[64];
    size_t will_len;
    bool ask_lost, lost_again;
    int64_t topic_last[2 + DEVICES * 3]; /* delivery order per topic */
    int64_t poll_ms;
} edge;

typedef struct shown { /* what the host shows of a tag */
    char name[96];
    spb_value value;
    spb_quality quality;
    bool has, stale;
} shown;

struct plant {
    pt_random random;
    pt_fake_clock clock;
    bool stormy;
    edge edges[EDGES];
    flight *flights; /* a heap by (at, order) */
    size_t n_flights, cap_flights;
    uint64_t order;
    /* host */
    host_tracker *tracker;
    host_presence presence;
    bool host_up;
    uint32_t host_link;
    int64_t host_next_ms, host_ack_ms;
    char retained_state[80];
    shown tags[TAGS_MAX];
    uint32_t n_tags;
    pt_arena arena;
    plant_result *out;
    uint64_t rebirths_quiet;
    int64_t quiet_since_ms;
    bool failed, tracing;
};

static uint64_t roll(plant *p, uint64_t n)
{
    return pt_random_below(&p->random, n);
}
static bool chance(plant *p, double probability)
{
    return pt_random_unit(&p->random) < probability;
}
static int64_t mono(plant *p)
{
    return pt_mono_ms(&p->clock.clock);
}
static int64_t wall(plant *p)
{
    return pt_wall_ms(&p->clock.clock);
}
static void fail(plant *p, const char *fmt, ...) PT_PRINTF(2, 3);
static void fail(plant *p, const char *fmt, ...)
{
    va_list ap;
    if (p->failed) return;
    p->failed = true;
    va_start(ap, fmt);
    vsnprintf(p->out->text, sizeof p->out->text, fmt, ap);
    va_end(ap);
}

/* ---- broker model ---- */

static bool before(const flight *a, const flight *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

/* PLANT_TRACE=1: what happens, one line each. */
static void trace(plant *p, const char *fmt, ...) PT_PRINTF(2, 3);
static void trace(plant *p, const char *fmt, ...)
{
    va_list ap;
    if (!p->tracing) return;
    fprintf(stderr, "%8lld ", (long long)mono(p));
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

static void send_to(plant *p, int to, uint32_t link, const char *topic, pt_slice payload, bool retained, int64_t at_ms)
{
    if (p->n_flights == p->cap_flights) {
        p->cap_flights = p->cap_flights ? p->cap_flights * 2 : 256;
        p->flights = realloc(p->flights, p->cap_flights * sizeof *p->flights);
        if (!p->flights) abort();
    }
    flight f = { .at_ms = at_ms,
                 .order = p->order++,
                 .to = to,
                 .link = link,
                 .topic = pt_slice_dup(pt_cstr(topic)),
                 .payload = pt_slice_dup(payload),
                 .payload_len = payload.len,
                 .retained = retained };
    size_t i = p->n_flights++;
    for (; i > 0 && before(&f, &p->flights[(i - 1) / 2]); i = (i - 1) / 2)
        p->flights[i] = p->flights[(i - 1) / 2];
    p->flights[i] = f;
}

static flight pop_flight(plant *p)
{
    flight top = p->flights[0], last = p->flights[--p->n_flights];
    size_t i = 0;
    for (;;) {
        size_t c = 2 * i + 1;
        if (c >= p->n_flights) break;
        if (c + 1 < p->n_flights && before(&p->flights[c + 1], &p->flights[c])) c++;
        if (!before(&p->flights[c], &last)) break;
        p->flights[i] = p->flights[c];
        i = c;
    }
    if (p->n_flights) p->flights[i] = last;
    return top;
}

/* An edge's message at the broker: on to the host, in order per topic, perhaps late, perhaps not at all. */
static pt_status on_publish(void *ctx, const char *topic, pt_slice payload, int qos, bool retain)
{
    edge *e = ctx;
    plant *p = e->plant;
    spb_topic t;
    (void)retain;
    if (e->link != UP) return PT_EIO;
    if (p->stormy && chance(p, 0.002)) return PT_EFULL;
    if (spb_topic_parse(&spb_namespace_b, pt_cstr(topic), &t, NULL) != PT_OK) {
        fail(p, "edge %d published on %s", e->index, topic);
        return PT_EIO;
    }
    p->out->messages++;
    if (p->stormy && qos == 0 && chance(p, 0.01)) {
        p->out->lost++;
        trace(p, "LOST %s", topic);
        return PT_OK;
    }
    int64_t at = mono(p) + 1 + (int64_t)roll(p, p->stormy && chance(p, 0.1) ? 600 : 5);
    unsigned slot = t.verb == SPB_NBIRTH                          ? 0
                    : t.verb == SPB_NDATA || t.verb == SPB_NDEATH ? 1
                                                                  : 2 + (t.device.ptr[t.device.len - 1] - '0') * 3u +
                                                                        (t.verb == SPB_DBIRTH  ? 0
                                                                         : t.verb == SPB_DDATA ? 1
                                                                                               : 2);
    if (at < e->topic_last[slot]) at = e->topic_last[slot];
    e->topic_last[slot] = at;
    if (p->host_up) send_to(p, -1, p->host_link, topic, payload, false, at);
    return PT_OK;
}

static void on_disconnect(void *ctx, bool again, bool with_will)
{
    edge *e = ctx;
    (void)with_will;
    e->ask_lost = true;
    e->lost_again = again;
}

static pt_status load_bdseq(void *ctx, uint8_t *next)
{
    edge *e = ctx;
    if (!e->has_bdseq) return PT_ENOTFOUND;
    *next = e->bdseq;
    return PT_OK;
}
static pt_status store_bdseq(void *ctx, uint8_t next)
{
    edge *e = ctx;
    e->has_bdseq = true;
    e->bdseq = next;
    return PT_OK;
}

/* The broker says STATE to everybody and keeps it. */
static void state_at_broker(plant *p, bool online, int64_t t)
{
    snprintf(p->retained_state, sizeof p->retained_state, "{\"online\":%s,\"timestamp\":%lld}", online ? "true" : "false", (long long)t);
    for (int i = 0; i < EDGES; i++)
        if (p->edges[i].link == UP && p->edges[i].primary)
            send_to(p, i, p->edges[i].link_no, STATE_TOPIC, pt_cstr(p->retained_state), false, mono(p) + 1 + (int64_t)roll(p, 5));
    if (p->host_up) send_to(p, -1, p->host_link, STATE_TOPIC, pt_cstr(p->retained_state), false, mono(p) + 2);
}

/* ---- edges ---- */

static void edge_build(edge *e)
{
    plant *p = e->plant;
    pt_error err = { 0, "" };
    edge_model *m;
    edge_model_limits limits = { .devices = 4, .metrics = 40, .templates = 1, .ring_samples = 8 };
    char name[32];
    pt_status st = edge_model_init(e->model_memory, MODEL_BYTES, &limits, &m, &err);
    for (uint32_t d = 0; st == PT_OK && d < DEVICES; d++) {
        snprintf(name, sizeof name, "d%u", d);
        st = edge_model_device(m, name, &e->device[d], &err);
        for (uint32_t k = 0; st == PT_OK && k < METRICS; k++) {
            snprintf(name, sizeof name, "m%u", k);
            edge_metric_def def = { .name = name, .type = k == 0 ? SPB_DOUBLE : k == 1 ? SPB_INT32 : SPB_BOOLEAN };
            st = edge_model_metric(m, e->device[d], &def, &e->metric[d][k], &err);
        }
    }
    edge_metric_def own = { .name = "Load", .type = SPB_UINT32 };
    if (st == PT_OK) st = edge_model_metric(m, EDGE_NODE_DEVICE, &own, &e->own, &err);
    if (st == PT_OK) st = edge_model_seal(m, NULL, &err);
    edge_node_options o = { .group = "g", .node = NULL, .primary_host = e->primary ? HOST : NULL, .clock = &p->clock.clock };
    snprintf(name, sizeof name, "e%d", e->index);
    o.node = name;
    o.session = (edge_session_config){ .servers = 1, .rebirth_debounce_ms = 500 };
    o.no_aliases = e->index == 2;
    o.transport = (edge_transport){ .ctx = e, .publish = on_publish, .disconnect = on_disconnect };
    o.storage = (edge_storage){ .ctx = e, .bdseq_load = load_bdseq, .bdseq_store = store_bdseq };
    if (st == PT_OK && !e->node_memory) e->node_memory = malloc(edge_node_size(&o));
    if (st == PT_OK) st = edge_node_init(e->node_memory, edge_node_size(&o), &o, m, &e->node, &err);
    if (st == PT_OK) st = edge_node_start(e->node, &err);
    if (st != PT_OK) {
        fprintf(stderr, "plant: edge: %s\n", err.text);
        abort();
    }
    for (uint32_t d = 0; d < DEVICES; d++)
        edge_node_device_online(e->node, e->device[d]);
}

/* The connection is gone: the broker says the Will (after a while, when nobody told it), the edge starts over. */
static void edge_cut(edge *e, bool clean)
{
    plant *p = e->plant;
    bool was = e->link != DOWN;
    trace(p, "edge %d cut, %s", e->index, clean ? "asked" : "unasked");
    if (e->link == UP && !clean && p->host_up)
        send_to(p, -1, p->host_link, e->will_topic, pt_slice_of(e->will, e->will_len), false,
                mono(p) + 1 + (int64_t)roll(p, p->stormy ? 4000 : 5));
    e->link = DOWN;
    e->link_no++;
    e->ask_lost = false;
    e->next_ms = mono(p) + (e->lost_again ? 10 : 200 + (int64_t)roll(p, 2000));
    e->lost_again = false;
    if (was) edge_node_lost(e->node, false);
}

static void edge_step(edge *e)
{
    plant *p = e->plant;
    int64_t now = mono(p);
    if (e->ask_lost) edge_cut(e, true);
    if (e->link == DOWN && now >= e->next_ms) {
        if (edge_node_prepare(e->node, &e->connect) == PT_OK) {
            snprintf(e->will_topic, sizeof e->will_topic, "%s", e->connect.will_topic);
            e->will_len = e->connect.will_payload.len;
            memcpy(e->will, e->connect.will_payload.ptr, e->will_len);
            e->link = PREPARED;
            e->next_ms = now + 5 + (int64_t)roll(p, 100);
        } else {
            e->next_ms = now + 1000;
        }
    } else if (e->link == PREPARED && now >= e->next_ms) {
        e->link = UP;
        edge_node_connected(e->node);
        edge_node_ready(e->node);
        if (e->primary && p->retained_state[0]) send_to(p, e->index, e->link_no, STATE_TOPIC, pt_cstr(p->retained_state), true, now + 1);
    }
    if (p->stormy && e->link == UP && chance(p, 0.0006)) {
        p->out->reconnects++;
        edge_cut(e, false);
    }
    if (p->stormy && chance(p, 0.0002)) { /* the process dies and comes back; only its bdSeq is on disk */
        p->out->reconnects++;
        if (e->link == UP && p->host_up)
            send_to(p, -1, p->host_link, e->will_topic, pt_slice_of(e->will, e->will_len), false, now + 1 + (int64_t)roll(p, 4000));
        edge_node_fini(e->node);
        e->link = DOWN;
        e->link_no++;
        e->ask_lost = false;
        e->next_ms = now + (int64_t)roll(p, 3000);
        edge_build(e);
    }
    /* the process */
    for (uint32_t d = 0; d < DEVICES; d++) {
        if (p->stormy && chance(p, 0.001)) {
            if (edge_node_device_is_online(e->node, e->device[d])) edge_node_device_offline(e->node, e->device[d]);
            else edge_node_device_online(e->node, e->device[d]);
        }
        for (uint32_t k = 0; k < METRICS; k++) {
            if (!chance(p, 0.01)) continue;
            edge_sample s = { .metric = e->metric[d][k], .quality = SPB_GOOD, .timestamp_ms = wall(p) };
            s.value.type = (uint8_t)(k == 0 ? SPB_DOUBLE : k == 1 ? SPB_INT32 : SPB_BOOLEAN);
            if (k == 0) s.value.as.f64 = (double)roll(p, 1000) / 8;
            else if (k == 1) s.value.as.i64 = (int64_t)roll(p, 1000) - 500;
            else s.value.as.boolean = roll(p, 2) != 0;
            if (edge_node_set(e->node, &s) != PT_OK) fail(p, "edge_node_set");
        }
    }
    if (chance(p, 0.02)) {
        edge_sample s = {
            .metric = e->own, .quality = SPB_GOOD, .timestamp_ms = wall(p), .value = { .type = SPB_UINT32, .as.u64 = roll(p, 1000000) }
        };
        if (edge_node_set(e->node, &s) != PT_OK) fail(p, "edge_node_set");
    }
    (void)edge_node_poll(e->node);
}

/* ---- the host ---- */

static uint32_t on_tag(void *ctx, const host_tag_birth *b, bool *historise)
{
    plant *p = ctx;
    char name[96];
    (void)historise;
    snprintf(name, sizeof name, "%.*s/%.*s/%.*s", PT_SLICE_ARGS(b->edge), PT_SLICE_ARGS(b->device), PT_SLICE_ARGS(b->metric));
    for (uint32_t i = 0; i < p->n_tags; i++)
        if (strcmp(p->tags[i].name, name) == 0) return i + 1;
    if (p->n_tags == TAGS_MAX) {
        fail(p, "more tags than metrics: %s", name);
        return 0;
    }
    memcpy(p->tags[p->n_tags].name, name, sizeof name);
    return ++p->n_tags;
}

static void on_updates(void *ctx, const host_update *u, size_t n)
{
    plant *p = ctx;
    for (; n > 0; n--, u++) {
        p->out->samples++;
        if (!(u->flags & HOST_LIVE)) continue;
        shown *s = &p->tags[u->tag_id - 1];
        spb_class c = spb_datatype_class(u->value.type);
        s->value = u->value;
        if (c == SPB_CLASS_STRING || c == SPB_CLASS_BYTES) s->value.is_null = true; /* borrowed; the plant has none */
        s->quality = (spb_quality)u->quality;
        s->has = true;
        s->stale = false;
    }
}

static void set_stale(plant *p, const uint32_t *ids, size_t n, bool stale)
{
    for (size_t i = 0; i < n; i++)
        p->tags[ids[i] - 1].stale = stale;
}
static void on_stale(void *ctx, host_node *node, const uint32_t *ids, size_t n, int64_t at)
{
    (void)node, (void)at;
    set_stale(ctx, ids, n, true);
}
static void on_fresh(void *ctx, host_node *node, const uint32_t *ids, size_t n, int64_t at)
{
    plant *p = ctx;
    (void)node, (void)at;
    set_stale(p, ids, n, false);
    p->out->resumed++;
}
static void on_event(void *ctx, host_event_type type, host_node *node, pt_slice device, int64_t at, pt_slice detail)
{
    plant *p = ctx;
    (void)at;
    trace(p, "event %s %s%s%.*s %.*s", host_event_type_name(type), node->edge, device.len ? "/" : "", PT_SLICE_ARGS(device),
          PT_SLICE_ARGS(detail));
}
static void on_state(void *ctx, host_node *n, pt_slice device, bool online, int64_t at, const char *reason)
{
    (void)ctx, (void)n, (void)device, (void)online, (void)at, (void)reason;
}
static void on_bad(void *ctx, const host_node *n, const spb_topic *topic, host_reject why, const char *text)
{
    plant *p = ctx;
    trace(p, "bad %s %s: %s", n ? n->edge : "?", host_reject_name(why), text);
    (void)topic;
    if (why == HOST_REJECT_MALFORMED || why == HOST_REJECT_BAD_VALUE || why == HOST_REJECT_BAD_TYPE || why == HOST_REJECT_DUPLICATE_NAME ||
        why == HOST_REJECT_AMBIGUOUS_ALIAS)
        fail(p, "an honest edge was refused: %s: %s", host_reject_name(why), text);
}
static pt_status on_command(void *ctx, uint16_t server, pt_slice topic, pt_slice payload)
{
    plant *p = ctx;
    spb_topic t;
    char name[128];
    (void)server;
    if (spb_topic_parse(&spb_namespace_b, topic, &t, NULL) != PT_OK || t.verb != SPB_NCMD) {
        fail(p, "the host published on %.*s", PT_SLICE_ARGS(topic));
        return PT_OK;
    }
    p->out->rebirths++;
    if (!p->stormy && mono(p) - p->quiet_since_ms > 35000) p->rebirths_quiet++;
    snprintf(name, sizeof name, "%.*s", PT_SLICE_ARGS(topic));
    edge *e = &p->edges[t.edge.ptr[1] - '0'];
    if (e->link == UP && !(p->stormy && chance(p, 0.05)))
        send_to(p, e->index, e->link_no, name, payload, false, mono(p) + 1 + (int64_t)roll(p, 20));
    send_to(p, -1, p->host_link, name, payload, false, mono(p) + 2); /* we subscribe to everything */
    return PT_OK;
}

static void tracker_make(plant *p)
{
    host_tracker_options o;
    host_tracker_options_init(&o);
    o.seed = pt_random_u64(&p->random);
    host_sink sink = { p, on_tag, on_updates, on_stale, on_fresh, on_stale, on_event, on_state, on_command, on_bad, NULL };
    if (host_tracker_new(&o, &sink, &p->tracker) != PT_OK) abort();
}

static void host_disconnect(plant *p)
{
    if (!p->host_up) return;
    trace(p, "host disconnected");
    p->host_up = false;
    p->host_link++;
    p->host_next_ms = mono(p) + 500 + (int64_t)roll(p, 3000);
    int64_t t = p->presence.t;
    host_presence_lost(&p->presence);
    host_tracker_server_lost(p->tracker, 0, wall(p), mono(p));
    state_at_broker(p, false, t); /* the Will */
}

static void host_connect(plant *p)
{
    trace(p, "host connects");
    int64_t now = mono(p);
    int64_t t = host_presence_connect(&p->presence, wall(p));
    p->host_up = true;
    p->host_link++;
    if (host_presence_subscribed(&p->presence, now) != HOST_DO_PUBLISH_BIRTH) fail(p, "no STATE after the subscription");
    state_at_broker(p, true, t);
    p->host_ack_ms = now + 5;
}

/* Everything in memory is gone; what host/session/sessions.c would have written is given to a new tracker. */
static void host_restart(plant *p)
{
    host_disconnect(p);
    host_tracker *old = p->tracker;
    tracker_make(p);
    const host_node *n;
    for (size_t i = 0; (n = host_tracker_at(old, i)) != NULL; i++) {
        host_saved_unit units[1 + DEVICES];
        if (!n->resume || n->n_units > PT_COUNT_OF(units)) continue;
        for (uint32_t k = 0; k < n->n_units; k++)
            units[k] =
                (host_saved_unit){ n->units[k]->id_slice, pt_slice_of(n->units[k]->birth, n->units[k]->birth_len), n->units[k]->resumable };
        host_saved s = { .kind = HOST_SAVED_SESSION,
                         .group = n->group_slice,
                         .edge = n->edge_slice,
                         .has_bd_seq = n->has_bd_seq,
                         .bd_seq = n->bd_seq,
                         .next_seq = n->next_seq,
                         .born_wall_ms = n->born_wall_ms,
                         .birth_ts = n->birth_ts,
                         .last_wall_ms = n->last_message_ms,
                         .alive_wall_ms = n->alive_ms,
                         .last_payload_ms = n->last_payload_ms,
                         .messages = n->session_messages,
                         .units = units,
                         .n_units = n->n_units };
        if (host_tracker_restore(p->tracker, &s, wall(p), mono(p), &p->arena) != PT_OK) fail(p, "restore of %s", n->edge);
    }
    for (uint32_t i = 0; i < p->n_tags; i++)
        p->tags[i].stale = true;
    host_tracker_free(old);
    p->out->restarts++;
    trace(p, "host restarted");
}

static void host_step(plant *p)
{
    int64_t now = mono(p);
    if (!p->host_up && now >= p->host_next_ms) host_connect(p);
    if (p->host_up && p->host_ack_ms <= now) {
        p->host_ack_ms = INT64_MAX;
        host_presence_acknowledged(&p->presence, now);
    }
    host_presence_action a = host_presence_tick(&p->presence, now);
    if (a == HOST_DO_OPEN) host_tracker_server_ready(p->tracker, 0, wall(p), now);
    if (a == HOST_DO_PUBLISH_BIRTH) state_at_broker(p, true, p->presence.t);
    if (host_tracker_due(p->tracker) <= now) host_tracker_tick(p->tracker, wall(p), now, &p->arena);
    pt_arena_reset(&p->arena);
    const host_node *n;
    for (size_t i = 0; (n = host_tracker_at(p->tracker, i)) != NULL; i++)
        if (!host__counts_close(n)) fail(p, "accounting of %s is open after a timer", n->edge);
    if (p->stormy && p->host_up && chance(p, 0.0003)) host_disconnect(p);
    if (p->stormy && chance(p, 0.0002)) host_restart(p);
}

static void deliver(plant *p, const flight *f)
{
    if (f->to >= 0) {
        edge *e = &p->edges[f->to];
        trace(p, "edge %d gets %s (link %s)", e->index, f->topic, e->link == UP && e->link_no == f->link ? "up" : "gone");
        if (e->link == UP && e->link_no == f->link)
            edge_node_receive(e->node, pt_cstr(f->topic), pt_slice_of(f->payload, f->payload_len), f->retained);
        return;
    }
    if (!p->host_up || p->host_link != f->link) return;
    host_message m = {
        .payload = pt_slice_of(f->payload, f->payload_len), .wall_ms = wall(p), .mono_ms = mono(p), .retained = f->retained
    };
    if (spb_topic_parse(&spb_namespace_b, pt_cstr(f->topic), &m.topic, NULL) != PT_OK) {
        fail(p, "topic %s", f->topic);
        return;
    }
    if (m.topic.verb == SPB_STATE) {
        spb_state s;
        if (spb_state_parse(m.payload, &s, NULL) == PT_OK &&
            host_presence_seen(&p->presence, &s, f->retained, mono(p)) == HOST_DO_PUBLISH_BIRTH)
            state_at_broker(p, true, p->presence.t);
        return;
    }
    if (p->tracing) {
        spb_payload seen;
        bool ok = spb_payload_decode(m.payload, &spb_limits_default, &p->arena, &seen, NULL) == PT_OK;
        trace(p, "host gets %s seq %lld ts %lld", f->topic, ok && seen.has_seq ? (long long)seen.seq : -1,
              ok && seen.has_timestamp ? (long long)seen.timestamp - 1700000000000 : -1);
    }
    host_tracker_message(p->tracker, &m, &p->arena);
    pt_arena_reset(&p->arena);
    const host_node *n = host_tracker_find(p->tracker, m.topic.group, m.topic.edge);
    if (n && !host__counts_close(n)) fail(p, "accounting of %s is open after %s", n->edge, f->topic);
}

/* ---- truth ---- */

static void compare(plant *p)
{
    char buf[64];
    for (int i = 0; i < EDGES && !p->failed; i++) {
        edge *e = &p->edges[i];
        const host_node *n = host_tracker_find(p->tracker, PT_LIT("g"), pt_slice_of((char[]){ 'e', (char)('0' + i) }, 2));
        edge_node_stats st;
        edge_node_stats_get(e->node, &st);
        if (st.state != EDGE_ONLINE) fail(p, "edge %d is %s at the end", i, edge_state_name(st.state));
        if (!n || n->state != HOST_NODE_ONLINE) {
            fail(p, "the host shows edge %d as %s", i, n ? host_node_state_name(n->state) : "unknown");
            return;
        }
        if (n->bd_seq != st.bd_seq || n->next_seq != st.seq)
            fail(p, "edge %d: bdSeq %u seq %u, host %u %u", i, st.bd_seq, st.seq, n->bd_seq, n->next_seq);
        for (uint32_t d = 0; d < DEVICES; d++) {
            bool truth = edge_node_device_is_online(e->node, e->device[d]), host = false;
            char id[4] = { 'd', (char)('0' + d), 0, 0 };
            for (uint32_t k = 1; k < n->n_units; k++)
                if (strcmp(n->units[k]->id, id) == 0) host = n->units[k]->online;
            if (truth != host)
                fail(p, "device e%d/%s is %s, the host shows %s", i, id, truth ? "online" : "offline", host ? "online" : "offline");
        }
        for (uint32_t t = 0; t < p->n_tags; t++) {
            shown *s = &p->tags[t];
            if (s->name[1] - '0' != i) continue;
            char *device = s->name + 3, *metric = strchr(device, '/');
            pt_slice dev = pt_slice_of(device, (size_t)(metric - device));
            uint32_t k = edge_node_find(e->node, dev, pt_cstr(metric + 1));
            edge_metric_view v;
            if (k == EDGE_NO_METRIC || edge_node_view(e->node, k, buf, sizeof buf, &v) != PT_OK) continue; /* bdSeq */
            if (dev.len && !v.online) {
                if (!s->stale && s->has) fail(p, "%s of an offline device is not stale", s->name);
                continue;
            }
            if (s->stale) fail(p, "%s is stale", s->name);
            if (s->has && !v.value.is_null && !s->value.is_null && !spb_value_equal(&s->value, &v.value)) {
                char a[40] = "", b[40] = "";
                pt_buf x;
                pt_buf_init(&x, 64);
                spb_value_text(&x, &s->value);
                snprintf(a, sizeof a, "%.*s", PT_SLICE_ARGS(pt_buf_view(&x)));
                pt_buf_reset(&x);
                spb_value_text(&x, &v.value);
                snprintf(b, sizeof b, "%.*s", PT_SLICE_ARGS(pt_buf_view(&x)));
                pt_buf_fini(&x);
                fail(p, "%s is %s, the host shows %s", s->name, b, a);
            }
        }
    }
    if (p->rebirths_quiet) fail(p, "%llu rebirth requests long after the last fault", (unsigned long long)p->rebirths_quiet);
}

static void run_until(plant *p, int64_t end_ms)
{
    while (mono(p) < end_ms && !p->failed) {
        int64_t next = mono(p) + STEP_MS;
        while (p->n_flights && p->flights[0].at_ms <= next) {
            flight f = pop_flight(p);
            if (f.at_ms > mono(p)) pt_fake_clock_advance(&p->clock, f.at_ms - mono(p));
            deliver(p, &f);
            free(f.topic);
            free(f.payload);
        }
        if (next > mono(p)) pt_fake_clock_advance(&p->clock, next - mono(p));
        for (int i = 0; i < EDGES; i++)
            edge_step(&p->edges[i]);
        host_step(p);
    }
}

void plant_run(uint64_t seed, int64_t stormy_ms, int64_t quiet_ms, plant_result *out)
{
    static plant storage;
    plant *p = &storage;
    memset(p, 0, sizeof *p);
    *out = (plant_result){ .ok = false };
    p->out = out;
    p->tracing = getenv("PLANT_TRACE") != NULL;
    p->random = pt_random_seed(seed);
    p->stormy = true;
    p->host_ack_ms = INT64_MAX;
    pt_fake_clock_init(&p->clock, 1700000000000);
    pt_arena_init(&p->arena, 16u << 20);
    host_presence_init(&p->presence, true, 300, 0);
    tracker_make(p);
    for (int i = 0; i < EDGES; i++) {
        edge *e = &p->edges[i];
        e->plant = p;
        e->index = i;
        e->primary = i == 1;
        e->model_memory = malloc(MODEL_BYTES);
        edge_build(e);
    }
    run_until(p, stormy_ms);
    p->stormy = false;
    p->quiet_since_ms = mono(p);
    run_until(p, stormy_ms + quiet_ms);
    /* let what is on its way arrive, with nothing new behind it */
    while (p->n_flights && !p->failed) {
        flight f = pop_flight(p);
        if (f.at_ms > mono(p)) pt_fake_clock_advance(&p->clock, f.at_ms - mono(p));
        deliver(p, &f);
        free(f.topic);
        free(f.payload);
    }
    compare(p);
    out->ok = !p->failed;
    for (size_t i = 0; i < p->n_flights; i++) {
        free(p->flights[i].topic);
        free(p->flights[i].payload);
    }
    for (int i = 0; i < EDGES; i++) {
        edge_node_fini(p->edges[i].node);
        free(p->edges[i].node_memory);
        free(p->edges[i].model_memory);
    }
    free(p->flights);
    host_tracker_free(p->tracker);
    pt_arena_fini(&p->arena);
}
