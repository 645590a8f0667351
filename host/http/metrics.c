/* host/http/metrics.c -- what a scrape shows (uns-and-api.md 5.7). Names: plantree_*, base units, counters end in _total. */
#include "host/http/parts.h"

#include <stdio.h>

static void one(pt_buf *out, const char *name, const char *type, const char *help, double v)
{
    pt_metrics_head(out, name, type, help);
    pt_metrics_sample(out, name, NULL, v);
}

static void labelled(pt_buf *out, const char *name, const char *key, const char *value, double v)
{
    char label[128];
    snprintf(label, sizeof label, "%s=\"%s\"", key, value);
    pt_metrics_sample(out, name, label, v);
}

static void sparkplug(const host_ingest_stats *s, pt_buf *out)
{
    pt_metrics_head(out, "plantree_mqtt_messages_received_total", "counter", "Messages received, by Sparkplug verb.");
    for (unsigned v = 0; v < SPB_STATE; v++)
        labelled(out, "plantree_mqtt_messages_received_total", "type", spb_verb_name((spb_verb)v), (double)s->tracker.messages[v]);
    labelled(out, "plantree_mqtt_messages_received_total", "type", "STATE", (double)s->state_messages);
    labelled(out, "plantree_mqtt_messages_received_total", "type", "foreign", (double)s->foreign);
    labelled(out, "plantree_mqtt_messages_received_total", "type", "bad-topic", (double)s->bad_topic);
    one(out, "plantree_mqtt_received_bytes_total", "counter", "Bytes of topics and payloads received.", (double)s->bytes);
    pt_metrics_head(out, "plantree_spb_messages_rejected_total", "counter", "Messages that were not applied, by reason.");
    for (unsigned r = 0; r < HOST_REJECT_COUNT; r++)
        labelled(out, "plantree_spb_messages_rejected_total", "reason", host_reject_name((host_reject)r),
                 (double)s->tracker.rejected_messages[r]);
    pt_metrics_head(out, "plantree_spb_samples_rejected_total", "counter", "Metrics in messages that became no sample, by reason.");
    for (unsigned r = 0; r < HOST_REJECT_COUNT; r++)
        labelled(out, "plantree_spb_samples_rejected_total", "reason", host_reject_name((host_reject)r),
                 (double)s->tracker.rejected_samples[r]);
    pt_metrics_head(out, "plantree_spb_decode_errors_total", "counter", "Payloads that do not decode.");
    labelled(out, "plantree_spb_decode_errors_total", "reason", "malformed", (double)s->tracker.rejected_messages[HOST_REJECT_MALFORMED]);
    labelled(out, "plantree_spb_decode_errors_total", "reason", "too-big", (double)s->tracker.rejected_messages[HOST_REJECT_TOO_BIG]);
    pt_metrics_head(out, "plantree_spb_rebirth_requests_total", "counter", "Rebirth requests sent, by cause.");
    for (unsigned c = 1; c < HOST_CAUSE_COUNT; c++)
        labelled(out, "plantree_spb_rebirth_requests_total", "reason", host_cause_name((host_cause)c), (double)s->tracker.rebirths[c]);
    one(out, "plantree_spb_seq_gaps_total", "counter", "Gaps seen in sequence numbers.", (double)s->tracker.seq_gaps);
    one(out, "plantree_spb_values_masked_total", "counter", "Integers wider than their datatype, masked.", (double)s->tracker.clamped);
    one(out, "plantree_spb_arrival_stamped_total", "counter", "Samples without any timestamp, stamped with their arrival.",
        (double)s->tracker.arrival_stamped);
    pt_metrics_head(out, "plantree_spb_nodes", "gauge", "Edge nodes known.");
    labelled(out, "plantree_spb_nodes", "state", "online", s->tracker.nodes_online);
    labelled(out, "plantree_spb_nodes", "state", "offline", s->tracker.nodes - s->tracker.nodes_online);
}

static void ingest(const host_ingest_stats *s, pt_buf *out)
{
    one(out, "plantree_ingest_queue_messages", "gauge", "Messages waiting for their shard.", (double)s->queue_items);
    one(out, "plantree_ingest_queue_bytes", "gauge", "Bytes waiting for their shard.", (double)s->queue_bytes);
    one(out, "plantree_ingest_queue_bytes_max", "gauge", "The most that ever waited.", (double)s->queue_max_bytes);
    one(out, "plantree_ingest_waits_total", "counter", "Times a full queue made the MQTT reader wait.", (double)s->waits);
    one(out, "plantree_ingest_wait_seconds_total", "counter", "How long the MQTT reader waited.", (double)s->wait_us / 1e6);
    one(out, "plantree_ingest_shed_total", "counter", "Messages let go because the queue stayed full.", (double)s->shed);
    one(out, "plantree_ingest_history_waits_total", "counter", "Times history had no room for a batch.", (double)s->history_waits);
    one(out, "plantree_ingest_lag_seconds", "gauge", "Age of the newest message when it was handed to history.", (double)s->lag_ms / 1e3);
    one(out, "plantree_ingest_samples_lost_total", "counter", "Samples that history did not take.", (double)s->samples_lost);
    one(out, "plantree_ingest_events_lost_total", "counter", "Events that history did not take.", (double)s->events_lost);
}

static void sessions(const host_parts *host, pt_buf *out)
{
    char label[600];
    host_session_stats st[HOST_SERVERS_MAX];
    for (uint32_t i = 0; i < host->n_sessions; i++)
        host_session_stats_get(host->sessions[i], &st[i]);
#define EACH(name, type, help, expr)                         \
    pt_metrics_head(out, name, type, help);                  \
    for (uint32_t i = 0; i < host->n_sessions; i++) {        \
        snprintf(label, sizeof label, "server=\"%u\"", i);   \
        pt_metrics_sample(out, name, label, (double)(expr)); \
    }
    EACH("plantree_mqtt_connected", "gauge", "1 while the server is connected and subscribed.", st[i].mqtt.ready)
    EACH("plantree_mqtt_connects_total", "counter", "Connections made.", st[i].mqtt.connects)
    EACH("plantree_mqtt_connect_failures_total", "counter", "Attempts to connect that failed.", st[i].mqtt.failures)
    EACH("plantree_mqtt_connections_lost_total", "counter", "Connections lost.", st[i].mqtt.losses)
    EACH("plantree_mqtt_messages_sent_total", "counter", "Messages sent.", st[i].mqtt.messages_out)
    EACH("plantree_mqtt_send_refused_total", "counter", "Messages not sent because too many were waiting.", st[i].mqtt.send_refused)
    EACH("plantree_spb_state_corrections_total", "counter", "Times our STATE was corrected.", st[i].corrections)
    EACH("plantree_spb_state_conflicts_total", "counter", "Times another host was seen with our id.", st[i].conflicts)
    EACH("plantree_spb_state_garbage_total", "counter", "STATE messages that do not parse.", st[i].state_garbage)
    EACH("plantree_spb_commands_total", "counter", "Commands sent.", st[i].commands)
    EACH("plantree_spb_commands_refused_total", "counter", "Commands that could not be sent.", st[i].commands_refused)
#undef EACH
}

static void historian(const host_parts *host, pt_buf *out)
{
    hist_stats h;
    hist_stats_get(host->history, &h);
    one(out, "plantree_historian_samples_written_total", "counter", "Samples stored.", (double)h.stored);
    one(out, "plantree_historian_samples_duplicate_total", "counter", "Samples that were there already.", (double)h.duplicates);
    one(out, "plantree_historian_samples_replaced_total", "counter", "Samples that replaced another of the same time.", (double)h.replaced);
    one(out, "plantree_historian_samples_exception_total", "counter",
        "Stored samples that exception deviation left out of history (data.deviation).", (double)h.left_out_exception);
    one(out, "plantree_historian_samples_compression_total", "counter",
        "Stored samples that compression deviation left out of history (data.deviation).", (double)h.left_out_compression);
    one(out, "plantree_historian_dropped_total", "counter", "Samples the historian lost.", (double)h.lost);
    one(out, "plantree_historian_queue_depth", "gauge", "Samples not yet committed.", (double)h.buffered);
    one(out, "plantree_historian_queue_bytes", "gauge", "Their bytes.", (double)h.buffered_bytes);
    one(out, "plantree_historian_commits_total", "counter", "Commits.", (double)h.commits);
    one(out, "plantree_historian_commit_errors_total", "counter", "Commits that failed and will be tried again.", (double)h.commit_errors);
    one(out, "plantree_historian_commit_seconds_total", "counter", "Time spent in commits.", h.commit_seconds_sum);
    one(out, "plantree_historian_commit_seconds_max", "gauge", "The longest commit.", h.commit_seconds_max);
    one(out, "plantree_historian_db_bytes", "gauge", "Size of the files.", (double)h.file_bytes);
    one(out, "plantree_historian_blocks", "gauge", "Sealed blocks.", (double)h.blocks);
    one(out, "plantree_historian_events_total", "counter", "Events stored.", (double)h.events);
    one(out, "plantree_historian_failing", "gauge", "1 while commits fail.", h.error != PT_OK);
}

static void others(const host_parts *host, uint64_t quarantined, pt_buf *out)
{
    uns_stats u;
    uns_stats_get(host->tree, &u);
    pt_metrics_head(out, "plantree_uns_tags", "gauge", "Tags in the tree, by state.");
    labelled(out, "plantree_uns_tags", "state", "live", u.live);
    labelled(out, "plantree_uns_tags", "state", "stale", u.stale);
    labelled(out, "plantree_uns_tags", "state", "absent", u.absent);
    one(out, "plantree_uns_collisions_total", "counter", "Tags whose path belongs to another.", (double)u.collisions);
    one(out, "plantree_uns_quarantined_total", "counter", "Metrics without a place in the tree.", (double)quarantined);
    one(out, "plantree_uns_oversized_total", "counter", "Values too long to be kept as current value.", (double)u.oversized);
    host_live_stats l;
    host_live_stats_get(host->live, &l);
    one(out, "plantree_sse_clients", "gauge", "Live streams.", l.streams);
    one(out, "plantree_sse_conflated_total", "counter", "Values that a newer one overtook before they were sent.", (double)l.conflated);
    uint64_t w[HOST_WRITE_STATES];
    host_writes_counts(host->writes, w);
    pt_metrics_head(out, "plantree_writes_total", "counter", "Writes by outcome.");
    for (unsigned i = 1; i < HOST_WRITE_STATES; i++)
        labelled(out, "plantree_writes_total", "outcome", host_write_state_name((host_write_state)i), (double)w[i]);
    one(out, "plantree_writes_open", "gauge", "Writes that wait for their confirmation.", (double)w[0]);
    pt_metrics_head(out, "plantree_build_info", "gauge", "The program.");
    pt_metrics_sample(out, "plantree_build_info", "version=\"" PLANTREE_VERSION "\"", 1);
}

typedef enum node_what { NODE_ONLINE, NODE_REBIRTHS, NODE_LAST_CAUSE } node_what;
typedef struct node_rows {
    pt_buf *out;
    node_what what;
} node_rows;

static void node_row(void *ctx, const host_node *n)
{
    node_rows *r = ctx;
    pt_buf label;
    pt_buf_init(&label, 4096);
    char name[2200];
    snprintf(name, sizeof name, "%s/%s", n->group, n->edge);
    pt_metrics_label(&label, "node", pt_cstr(name), true);
    if (r->what == NODE_LAST_CAUSE) pt_metrics_label(&label, "cause", pt_cstr(host_cause_name(n->last_cause)), false);
    pt_buf_char(&label, '\0');
    if (pt_buf_status(&label) == PT_OK) {
        if (r->what == NODE_ONLINE) pt_metrics_sample(r->out, "plantree_node_online", label.ptr, n->state == HOST_NODE_ONLINE);
        if (r->what == NODE_REBIRTHS)
            pt_metrics_sample(r->out, "plantree_node_rebirth_requests_total", label.ptr, (double)n->counts.rebirths_sent);
        if (r->what == NODE_LAST_CAUSE && n->last_cause != HOST_CAUSE_NONE)
            pt_metrics_sample(r->out, "plantree_node_rebirth_last_cause", label.ptr, 1);
    }
    pt_buf_fini(&label);
}

void host__collect_metrics(void *ctx, pt_buf *out)
{
    const host_parts *host = ctx;
    host_ingest_stats s;
    host_ingest_stats_get(host->ingest, &s);
    sparkplug(&s, out);
    ingest(&s, out);
    sessions(host, out);
    historian(host, out);
    others(host, s.quarantined, out);
    if (s.tracker.nodes < 1000) {
        static const struct {
            const char *name, *type, *help;
        } heads[] = {
            [NODE_ONLINE] = { "plantree_node_online", "gauge", "1 while the edge node is online; only below 1000 nodes." },
            [NODE_REBIRTHS] = { "plantree_node_rebirth_requests_total", "counter",
                                "Rebirth requests sent to the edge node; only below 1000 nodes." },
            [NODE_LAST_CAUSE] = { "plantree_node_rebirth_last_cause", "gauge",
                                  "1 for the cause of the last of them; only below 1000 nodes." },
        };
        for (node_what w = NODE_ONLINE; w <= NODE_LAST_CAUSE; w++) {
            node_rows r = { out, w };
            pt_metrics_head(out, heads[w].name, heads[w].type, heads[w].help);
            host_ingest_nodes(host->ingest, node_row, &r);
        }
    }
}
