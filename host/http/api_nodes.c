/* host/http/api_nodes.c -- edge nodes, their accounting, rebirth requests, and the state of the whole. */
#include "host/http/api.h"

#include <stdio.h>
#include <stdlib.h>

static void counts(pt_json *j, const host_node *n)
{
    const host_node_counts *c = &n->counts;
    uint64_t rejected = 0, refused = 0;
    for (unsigned i = 0; i < HOST_REJECT_COUNT; i++) {
        rejected += c->rejected_samples[i];
        refused += c->rejected_messages[i];
    }
    pt_json_key(j, "samples");
    pt_json_object(j);
    pt_json_member_u64(j, "received", c->samples);
    pt_json_member_u64(j, "stored", c->stored);
    pt_json_member_u64(j, "historical", c->historical);
    pt_json_member_u64(j, "duplicate", c->duplicate);
    pt_json_member_u64(j, "rejected", rejected);
    pt_json_member_u64(j, "not_kept", c->not_kept);
    pt_json_member_u64(j, "lost", c->lost);
    pt_json_member_u64(j, "masked", c->clamped);
    pt_json_end_object(j);
    pt_json_key(j, "messages");
    pt_json_object(j);
    pt_json_member_u64(j, "received", c->messages);
    pt_json_member_u64(j, "accepted", c->accepted);
    pt_json_member_u64(j, "rejected", refused);
    pt_json_member_u64(j, "held", n->n_held);
    pt_json_member_u64(j, "expected", c->expected);
    pt_json_member_u64(j, "missing", c->holes);
    pt_json_member_u64(j, "reordered", c->reordered);
    pt_json_end_object(j);
    pt_json_key(j, "rejected_by");
    pt_json_object(j);
    for (unsigned i = 0; i < HOST_REJECT_COUNT; i++) {
        if (!c->rejected_messages[i] && !c->rejected_samples[i]) continue;
        pt_json_key(j, host_reject_name((host_reject)i));
        pt_json_object(j);
        pt_json_member_u64(j, "messages", c->rejected_messages[i]);
        pt_json_member_u64(j, "samples", c->rejected_samples[i]);
        pt_json_end_object(j);
    }
    pt_json_end_object(j);
}

/* Template definitions, each with the hash that is its version. */
static void templates(pt_json *j, const host_node *n)
{
    pt_slice name;
    uint64_t hash;
    size_t it = 0;
    char hex[17];
    pt_json_key(j, "templates");
    pt_json_array(j);
    while (pt_map_each(&n->templates, &it, &name, NULL, &hash)) {
        snprintf(hex, sizeof hex, "%016llx", (unsigned long long)hash);
        pt_json_object(j);
        pt_json_member_str(j, "name", name);
        pt_json_member_cstr(j, "hash", hex);
        pt_json_end_object(j);
    }
    pt_json_end_array(j);
}

static void node_json(pt_json *j, const host_node *n)
{
    uint64_t metrics = 0;
    for (uint32_t i = 0; i < n->n_units; i++)
        metrics += n->units[i]->n;
    pt_json_object(j);
    pt_json_member_str(j, "group", n->group_slice);
    pt_json_member_str(j, "edge", n->edge_slice);
    pt_json_member_cstr(j, "state", n->state == HOST_NODE_ONLINE ? "online" : "offline");
    pt_json_member_cstr(j, "phase", n->doubtful ? "doubtful" : host_node_state_name(n->state));
    pt_json_member_i64(j, "since_ms", n->since_ms);
    if (n->has_bd_seq) pt_json_member_u64(j, "bd_seq", n->bd_seq);
    else pt_json_member_null(j, "bd_seq");
    if (n->counts.births || n->has_bd_seq) pt_json_member_u64(j, "seq", n->last_seq);
    else pt_json_member_null(j, "seq");
    pt_json_member_u64(j, "metrics", metrics);
    pt_json_member_u64(j, "server", n->server);
    pt_json_member_i64(j, "last_message_ms", n->last_message_ms);
    if (n->counts.births) pt_json_member_i64(j, "clock_skew_ms", n->skew_ms);
    pt_json_key(j, "rebirths");
    pt_json_object(j);
    pt_json_member_u64(j, "requested", n->counts.rebirths_sent);
    pt_json_member_u64(j, "by_others", n->counts.rebirths_ridden);
    pt_json_member_cstr(j, "last_cause", n->last_cause == HOST_CAUSE_NONE ? NULL : host_cause_name(n->last_cause));
    pt_json_member_i64(j, "last_ms", n->last_rebirth_ms);
    pt_json_member_bool(j, "open", n->rebirth_open);
    pt_json_end_object(j);
    pt_json_member_u64(j, "backfills", n->counts.backfills);
    pt_json_member_u64(j, "births", n->counts.births);
    pt_json_member_u64(j, "deaths", n->counts.deaths);
    pt_json_member_u64(j, "seq_gaps", n->counts.seq_gaps);
    pt_json_member_u64(j, "duplicates", n->counts.duplicates);
    counts(j, n);
    templates(j, n);
    pt_json_key(j, "devices");
    pt_json_array(j);
    for (uint32_t i = 1; i < n->n_units; i++) {
        const host_unit *u = n->units[i];
        pt_json_object(j);
        pt_json_member_str(j, "device", u->id_slice);
        pt_json_member_cstr(j, "state", u->online ? "online" : "offline");
        pt_json_member_i64(j, "since_ms", u->since_ms);
        pt_json_member_u64(j, "metrics", u->n);
        pt_json_end_object(j);
    }
    pt_json_end_array(j);
    pt_json_end_object(j);
}

/* Nodes are written under their shard's lock, one text each, and put in order afterwards. */
typedef struct row {
    char *key, *json;
    size_t len;
} row;
typedef struct rows {
    row *items;
    size_t n, cap;
    pt_status status;
} rows;

static void add_row(void *ctx, const host_node *n)
{
    rows *r = ctx;
    pt_buf b;
    pt_json j;
    if (r->status != PT_OK) return;
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        row *grown = realloc(r->items, cap * sizeof *grown);
        if (!grown) {
            r->status = PT_ENOMEM;
            return;
        }
        r->items = grown;
        r->cap = cap;
    }
    pt_buf_init(&b, 64u << 20);
    pt_json_init(&j, &b);
    node_json(&j, n);
    row out = { .key = malloc(n->group_slice.len + n->edge_slice.len + 2) };
    out.json = pt_buf_take(&b, &out.len);
    if (!out.key || !out.json) {
        free(out.key);
        free(out.json);
        r->status = PT_ENOMEM;
        return;
    }
    memcpy(out.key, n->group, n->group_slice.len);
    out.key[n->group_slice.len] = '\x01';
    memcpy(out.key + n->group_slice.len + 1, n->edge, n->edge_slice.len + 1);
    r->items[r->n++] = out;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const row *)a)->key, ((const row *)b)->key);
}

void api__nodes(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    rows r = { .status = PT_OK };
    pt_buf out;
    pt_json j;
    api__begin(rq);
    host_ingest_nodes(host->ingest, add_row, &r);
    if (r.n) qsort(r.items, r.n, sizeof *r.items, by_key);
    pt_buf_init(&out, API_JSON_MAX);
    pt_json_init(&j, &out);
    pt_json_array(&j);
    for (size_t i = 0; i < r.n; i++) {
        pt_json_raw(&j, pt_slice_of(r.items[i].json, r.items[i].len));
        free(r.items[i].json);
        free(r.items[i].key);
    }
    free(r.items);
    pt_json_end_array(&j);
    if (r.status == PT_OK) pt_http_reply_json(rq, 200, &out);
    else pt_http_problem(rq, 500, "internal", "out of memory");
    pt_buf_fini(&out);
}

static void one_node(void *ctx, const host_node *n)
{
    node_json(ctx, n);
}

void api__node(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    pt_buf out;
    pt_json j;
    api__begin(rq);
    pt_buf_init(&out, 64u << 20);
    pt_json_init(&j, &out);
    if (host_ingest_node(host->ingest, pt_http_param(rq, "group"), pt_http_param(rq, "edge"), one_node, &j) == PT_OK)
        pt_http_reply_json(rq, 200, &out);
    else pt_http_problem(rq, 404, "not-found", "no such edge node is known");
    pt_buf_fini(&out);
}

void api__rebirth(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    api__begin(rq);
    if (!api__unsafe_allowed(rq)) return;
    pt_slice group = pt_http_param(rq, "group"), edge = pt_http_param(rq, "edge");
    char node[600];
    int n = snprintf(node, sizeof node, "%.*s/%.*s", PT_SLICE_ARGS(group), PT_SLICE_ARGS(edge));
    pt_status st = host_ingest_rebirth(host->ingest, group, edge);
    (void)host_audit_note(host->audit, host->clock, host->log, pt_cstr(pt_http_peer(rq)), "rebirth",
                          pt_slice_of(node, n < (int)sizeof node ? (size_t)n : sizeof node - 1),
                          st == PT_OK ? "requested" : pt_status_name(st));
    switch (st) {
    case PT_OK: {
        pt_buf out;
        pt_json j;
        pt_buf_init(&out, 8192);
        pt_json_init(&j, &out);
        pt_json_object(&j);
        pt_json_member_str(&j, "group", group);
        pt_json_member_str(&j, "edge", edge);
        pt_json_member_bool(&j, "requested", true);
        pt_json_end_object(&j);
        pt_http_reply_json(rq, 202, &out);
        pt_buf_fini(&out);
        return;
    }
    case PT_ENOTFOUND: pt_http_problem(rq, 404, "not-found", "no such edge node is known"); return;
    case PT_EREFUSED: pt_http_problem(rq, 403, "write-rejected", "this host is passive (host.role): it sends nothing to the plant"); return;
    case PT_ESTATE:
        pt_http_problem(rq, 409, "source-offline", "the node's MQTT server is not connected, or our STATE is not acknowledged yet");
        return;
    case PT_ETIMEOUT:
    case PT_EFULL: pt_http_problem(rq, 503, "not-ready", "the host is too busy"); return;
    default: pt_http_problem(rq, 500, "internal", "the request could not be made"); return;
    }
}

static const char *phase_name(host_presence_phase p)
{
    static const char *const names[] = { "down", "connecting", "born", "online", "stopping" };
    return (unsigned)p < PT_COUNT_OF(names) ? names[p] : "unknown";
}

static void put_servers(pt_json *j, const host_parts *host)
{
    pt_json_key(j, "servers");
    pt_json_array(j);
    for (uint32_t i = 0; i < host->n_sessions; i++) {
        host_session_stats s;
        host_session_stats_get(host->sessions[i], &s);
        pt_json_object(j);
        pt_json_member_cstr(j, "server", s.server);
        pt_json_member_cstr(j, "phase", phase_name(s.phase));
        pt_json_member_i64(j, "since_ms", s.since_ms);
        pt_json_member_i64(j, "state_timestamp_ms", s.t);
        pt_json_member_bool(j, "conflict", s.conflict);
        pt_json_member_u64(j, "connects", s.mqtt.connects);
        pt_json_member_u64(j, "losses", s.mqtt.losses);
        pt_json_member_u64(j, "messages_in", s.mqtt.messages_in);
        pt_json_member_u64(j, "messages_out", s.mqtt.messages_out);
        pt_json_end_object(j);
    }
    pt_json_end_array(j);
}

static void put_ingest(pt_json *j, const host_parts *host)
{
    host_ingest_stats g;
    host_ingest_stats_get(host->ingest, &g);
    pt_json_key(j, "ingest");
    pt_json_object(j);
    pt_json_member_u64(j, "nodes", g.tracker.nodes);
    pt_json_member_u64(j, "nodes_online", g.tracker.nodes_online);
    pt_json_member_u64(j, "packets", g.packets);
    pt_json_member_u64(j, "bytes", g.bytes);
    pt_json_member_u64(j, "queue_bytes", g.queue_bytes);
    pt_json_member_u64(j, "waits", g.waits);
    pt_json_member_u64(j, "history_waits", g.history_waits);
    pt_json_member_u64(j, "samples_lost", g.samples_lost);
    pt_json_member_u64(j, "events_lost", g.events_lost);
    pt_json_member_u64(j, "marks", g.marks);
    pt_json_end_object(j);
}

static void put_historian(pt_json *j, const host_parts *host)
{
    hist_stats h;
    hist_stats_get(host->history, &h);
    pt_json_key(j, "historian");
    pt_json_object(j);
    pt_json_member_u64(j, "appended", h.appended);
    pt_json_member_u64(j, "stored", h.stored);
    pt_json_member_u64(j, "duplicates", h.duplicates);
    pt_json_member_u64(j, "replaced", h.replaced);
    pt_json_member_u64(j, "left_out_exception", h.left_out_exception);
    pt_json_member_u64(j, "left_out_compression", h.left_out_compression);
    pt_json_member_u64(j, "buffered", h.buffered);
    pt_json_member_u64(j, "lost", h.lost);
    pt_json_member_u64(j, "commits", h.commits);
    pt_json_member_u64(j, "commit_errors", h.commit_errors);
    pt_json_member_i64(j, "last_commit_ms", h.last_commit_ms);
    pt_json_member_u64(j, "tags", h.tags);
    pt_json_member_u64(j, "events", h.events);
    pt_json_member_u64(j, "file_bytes", h.file_bytes);
    pt_json_member_cstr(j, "state", pt_status_name(h.error));
    if (h.error != PT_OK) pt_json_member_i64(j, "failing_since_ms", h.error_since_ms);
    pt_json_end_object(j);
}

void api__status(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    pt_buf out;
    pt_json j;
    uns_stats u;
    api__begin(rq);
    uns_stats_get(host->tree, &u);
    char *dir = realpath(host->data_dir, NULL);
    pt_buf_init(&out, 1u << 20);
    pt_json_init(&j, &out);
    pt_json_object(&j);
    pt_json_member_cstr(&j, "version", PLANTREE_VERSION);
    pt_json_member_cstr(&j, "host_id", host->host_id);
    pt_json_member_cstr(&j, "role", host->role);
    pt_json_member_i64(&j, "started_ms", host->started_ms);
    pt_json_member_cstr(&j, "data_dir", dir ? dir : host->data_dir); /* absolute */
    put_servers(&j, host);
    put_ingest(&j, host);
    put_historian(&j, host);
    pt_json_key(&j, "tags");
    pt_json_object(&j);
    pt_json_member_u64(&j, "all", u.tags);
    pt_json_member_u64(&j, "live", u.live);
    pt_json_member_u64(&j, "stale", u.stale);
    pt_json_member_u64(&j, "absent", u.absent);
    pt_json_end_object(&j);
    pt_json_end_object(&j);
    pt_http_reply_json(rq, 200, &out);
    pt_buf_fini(&out);
    free(dir);
}
