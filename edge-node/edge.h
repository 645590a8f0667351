/* edge-node/edge.h (installed as <plantree/edge.h>) -- a Sparkplug B 3.0 edge node to build into a program.
 *
 *     edge_model: what the node has   -- devices, metrics, templates; built once, sealed, then only values change
 *     edge_node:  what the node does  -- session, births, deaths, data, commands; one per Sparkplug edge node
 *
 * Clock, connection and storage come from the caller as small tables of functions, memory as one block each: after
 * edge_node_start nothing is allocated. A limit that is reached is an error that names it. docs/embedding.md has a complete program.
 *
 * Threads: everything that takes an edge_node may be called from any thread; one lock inside it makes births atomic and gives
 * every message its sequence number at the moment of sending. Callbacks of edge_transport, edge_storage and edge_journal run
 * with that lock held and must not call back into the node; edge_node_options.command runs with no lock held.
 * A model belongs to its builder until edge_node_init, then to the node. */
#ifndef PLANTREE_EDGE_H
#define PLANTREE_EDGE_H
#include "base/clock.h"
#include "base/log.h"
#include "base/slice.h"
#include "base/status.h"
#include "edge-node/filter.h"
#include "edge-node/session.h"
#include "edge-node/types.h"

typedef struct edge_model edge_model;
typedef struct edge_node edge_node;

#define EDGE_NODE_DEVICE 0u /* "device" 0 is the edge node itself: its metrics go into NBIRTH and NDATA */
#define EDGE_NO_METRIC   UINT32_MAX

/* ---- model ---- */

typedef struct edge_model_limits {
    uint32_t devices, metrics, templates; /* 0: 16, 1000, 16; template members and node control metrics count as metrics */
    uint32_t ring_samples;                /* values kept per metric while they can't be sent, on average; 0: 4 */
    uint32_t message_bytes;               /* DATA messages are cut at about this size; 0: 64 KiB */
} edge_model_limits;

typedef struct edge_metric_def {
    const char *name;                /* 'a/b/c', UTF-8, unique on its device whatever the case of its letters */
    spb_datatype type;               /* 1..19, 22..34 */
    const char *tmpl;                /* type SPB_TEMPLATE: name of a template added before */
    bool writable;                   /* commands may write it */
    bool transient;                  /* is_transient: of live interest only, never stored or spooled */
    bool on_value_only;              /* send every value, also an unchanged one */
    edge_filter filter;              /* report by exception; zero: every change */
    uint32_t capacity;               /* longest string, bytes, array or encoded DataSet; 0: 256 */
    const edge_property *properties; /* copied */
    uint32_t n_properties;
    const spb_metadata *metadata;                /* NULL: none; copied */
    const spb_value *initial;                    /* NULL: null; copied */
    const struct edge_parameter_def *parameters; /* type SPB_TEMPLATE: values that differ from the definition's */
    uint32_t n_parameters;
    void *user; /* handed back in commands */
} edge_metric_def;

typedef struct edge_parameter_def {
    const char *name;
    spb_value value; /* basic type */
} edge_parameter_def;

typedef struct edge_template_def {
    const char *name, *version;     /* version NULL: none */
    const edge_metric_def *members; /* a member of type SPB_TEMPLATE is an instance of another template added before */
    uint32_t n_members;
    const edge_parameter_def *parameters; /* a null value: no default */
    uint32_t n_parameters;
} edge_template_def; /* copied, but what members say of parameters must stay until the model is sealed */

/* All model memory comes from `memory`, which must stay until edge_model's node is gone. PT_ENOMEM: too small. */
PT_MUST_CHECK pt_status edge_model_init(void *memory, size_t size, const edge_model_limits *limits, edge_model **out, pt_error *err);
/* PT_EINVAL bad id or definition, PT_EEXISTS name taken (or differs in case only), PT_EFULL a limit of edge_model_limits,
 * PT_ENOMEM the memory block, PT_ESTATE sealed; *err names the thing and the limit. */
PT_MUST_CHECK pt_status edge_model_device(edge_model *m, const char *id, uint32_t *device, pt_error *err);
PT_MUST_CHECK pt_status edge_model_template(edge_model *m, const edge_template_def *def, pt_error *err);
PT_MUST_CHECK pt_status edge_model_metric(edge_model *m, uint32_t device, const edge_metric_def *def, uint32_t *metric, pt_error *err);
/* Index of a metric by name, of a template's member by "instance/member"; EDGE_NO_METRIC. After sealing. */
uint32_t edge_model_find(const edge_model *m, uint32_t device, pt_slice name);
uint32_t edge_model_find_device(const edge_model *m, pt_slice id); /* UINT32_MAX: none */
size_t edge_model_memory_used(const edge_model *m);

/* Stable numbers for names, so that aliases and stored samples mean the same after a restart: 1..2^31, one per (device, metric).
 * `device` is empty for the node's own metrics. */
typedef struct edge_names {
    void *ctx;
    pt_status (*number)(void *ctx, pt_slice device, pt_slice metric, uint32_t *number);
} edge_names;
/* Check names against each other, give numbers (by order of definition when names is NULL), size the buffers. Nothing can be added
 * afterwards. */
PT_MUST_CHECK pt_status edge_model_seal(edge_model *m, const edge_names *names, pt_error *err);

/* ---- what the caller provides ---- */

typedef struct edge_transport {
    void *ctx;
    /* Queue one message for the wire, in call order, without waiting. PT_EFULL: no room now; anything else but PT_OK: the connection
     * is as good as gone, edge_node_lost follows. */
    pt_status (*publish)(void *ctx, const char *topic, pt_slice payload, int qos, bool retain);
    /* End the connection when what was published is out; edge_node_lost must follow. again: then connect again without back-off,
     * asking edge_node_prepare. with_will: MQTT 5 reason 0x04. */
    void (*disconnect)(void *ctx, bool again, bool with_will);
} edge_transport;

typedef struct edge_storage {
    void *ctx;
    pt_status (*bdseq_load)(void *ctx, uint8_t *next); /* PT_ENOTFOUND: a first start, 0 */
    pt_status (*bdseq_store)(void *ctx, uint8_t next); /* durable when it returns PT_OK */
} edge_storage;

/* Store and forward; optional. A batch is opaque bytes for edge_node_send_history, all samples of one device. */
typedef struct edge_journal {
    void *ctx;
    /* Take a copy quickly, without disk work. delivered: it was published just now, keep it for backfill; else it still has to be sent. */
    pt_status (*append)(void *ctx, pt_slice batch, uint32_t samples, int64_t first_ms, int64_t last_ms, bool delivered);
    /* Host asks for everything since from_ms again. */
    void (*backfill)(void *ctx, int64_t from_ms);
    /* A connection ended: what was delivered shortly before may not have arrived. */
    void (*lost)(void *ctx);
} edge_journal;

/* A write from a host, after all checks: known, writable, type and range right. The application applies it and then reports the new
 * value with edge_node_set; nothing is echoed by itself. metric's own index and its def.user; value borrows. */
typedef struct edge_command {
    uint32_t device, metric;
    void *user;
    const spb_value *value;
    uint32_t model; /* edge_node_model_number then: an index means something in that model only */
} edge_command;

typedef struct edge_node_options {
    const char *group, *node;    /* ids; copied */
    const char *primary_host;    /* NULL or empty: births don't wait */
    edge_session_config session; /* servers, debounce, settle, ...; primary_host there is set from the name here */
    bool no_aliases;
    bool data_datatype;       /* datatype on DATA metrics too */
    bool uint32_long;         /* UInt32 in long_value */
    uint32_t message_metrics; /* DATA messages are cut at this many metrics; 0: 500 */
    const pt_clock *clock;
    const pt_log *log; /* may be NULL */
    edge_transport transport;
    edge_storage storage;
    const edge_journal *journal;                       /* NULL: none; copied */
    void (*command)(void *ctx, const edge_command *c); /* NULL: all writes are refused */
    void *command_ctx;
} edge_node_options;

/* ---- node ---- */

size_t edge_node_size(const edge_node_options *o); /* bytes edge_node_init needs */
PT_MUST_CHECK pt_status edge_node_init(void *memory, size_t size, const edge_node_options *o, edge_model *model, edge_node **out,
                                       pt_error *err);
/* Reads the stored bdSeq and lets connections begin: the transport calls edge_node_prepare from now on. */
PT_MUST_CHECK pt_status edge_node_start(edge_node *n, pt_error *err);
/* Deaths are published, the connection is ended; stopped when edge_node_state says EDGE_STOPPED. Values set meanwhile go to the journal. */
void edge_node_stop(edge_node *n);
void edge_node_fini(edge_node *n); /* after the transport has stopped */

/* From the transport. prepare: the CONNECT to make now; slices and pointers live until the next prepare. PT_ESTATE: none now.
 * Anything else: the bdSeq could not be stored; wait and ask again. */
typedef struct edge_connect {
    uint32_t server;        /* index */
    const char *will_topic; /* QoS 1, not retained */
    pt_slice will_payload;
    const char *filters[5]; /* all QoS 1 */
    uint32_t n_filters;
} edge_connect;
PT_MUST_CHECK pt_status edge_node_prepare(edge_node *n, edge_connect *out);
void edge_node_connected(edge_node *n);
void edge_node_ready(edge_node *n);
void edge_node_lost(edge_node *n, bool unsent);
void edge_node_receive(edge_node *n, pt_slice topic, pt_slice payload, bool retained);

/* Timers and sending: call it when edge_node_set has new values and at the latest after the returned milliseconds (1..1000). */
int64_t edge_node_poll(edge_node *n);

/* ---- values ---- */

/* A device starts offline. Online: DBIRTH (now, or with the next births). Offline: DDEATH (tck-id-operational-behavior-device-ddeath). */
void edge_node_device_online(edge_node *n, uint32_t device);
void edge_node_device_offline(edge_node *n, uint32_t device);
bool edge_node_device_is_online(edge_node *n, uint32_t device);

/* A new value; reported if it passes the metric's filter. PT_EINVAL: type is not the metric's, not UTF-8, a bad array length;
 * PT_ETOOBIG: longer than its capacity. Sending happens in edge_node_poll. timestamp_ms: time of acquisition, UTC. */
typedef struct edge_sample {
    uint32_t metric;
    spb_quality quality;
    int64_t timestamp_ms;
    spb_value value;
} edge_sample;
PT_MUST_CHECK pt_status edge_node_set(edge_node *n, const edge_sample *s);
/* The same for many under one lock; the first bad one is named by *bad (may be NULL), the others are still taken. */
PT_MUST_CHECK pt_status edge_node_set_many(edge_node *n, const edge_sample *s, uint32_t count, uint32_t *bad);

/* One message of stored samples, is_historical. *at starts zeroed. PT_OK: a message went out, or samples nobody knows any more were
 * dropped and counted; PT_EEMPTY: the batch is done; PT_ESTATE: not online; PT_EBUSY: its device is not; PT_EFULL: later. */
typedef struct edge_history_cursor {
    size_t offset;
    int64_t last_ms;
    uint32_t sent;
} edge_history_cursor;
PT_MUST_CHECK pt_status edge_node_send_history(edge_node *n, pt_slice batch, edge_history_cursor *at);
/* The journal's state for the node metrics Backfill/Pending and Backfill/Done Through. */
void edge_node_backfill_progress(edge_node *n, int64_t pending, int64_t done_through_ms);

/* Put another model in place: values of metrics with the same device, name and type go over, then births (no reconnect). The old model
 * is handed back. PT_ESTATE: the new one is not sealed. */
PT_MUST_CHECK pt_status edge_node_replace_model(edge_node *n, edge_model *model, edge_model **old);
/* How often it was replaced. The rest of a command that was being read meanwhile is refused. */
uint32_t edge_node_model_number(edge_node *n);

/* ---- looking ---- */

void edge_node_request_rebirth(edge_node *n); /* as if a host had asked */
edge_state edge_node_state(edge_node *n);

typedef struct edge_node_stats {
    edge_session_stats session;
    edge_state state;
    uint32_t server;
    uint8_t bd_seq, seq;
    uint32_t devices, devices_online, metrics;
    int64_t born_ms; /* wall time of the last births; 0: never */
    uint64_t births, messages, bytes, samples_in, samples_sent, samples_historical, samples_filtered;
    uint64_t samples_stored;                                 /* handed to the journal undelivered */
    uint64_t dropped_ring, dropped_journal, dropped_unknown; /* lost: ring full without journal; journal refused; metric gone */
    uint64_t publish_full, publish_failed;
    uint64_t commands, commands_refused, messages_bad;
    uint64_t ring_bytes; /* waiting now */
} edge_node_stats;
void edge_node_stats_get(edge_node *n, edge_node_stats *out);

/* A metric as it is now, copied under the lock. name lives as long as the model. */
typedef struct edge_metric_view {
    pt_slice device, name;
    spb_value value; /* bytes are in the caller's buffer */
    spb_quality quality;
    int64_t timestamp_ms;
    uint64_t alias;
    bool writable, online;
    void *user;
} edge_metric_view;
/* PT_ENOTFOUND: no such index, PT_ETOOBIG: `buf` is too small for the value. */
PT_MUST_CHECK pt_status edge_node_view(edge_node *n, uint32_t metric, void *buf, size_t cap, edge_metric_view *out);
uint32_t edge_node_find(edge_node *n, pt_slice device, pt_slice name); /* EDGE_NO_METRIC; empty device: the node's own */
uint32_t edge_node_find_device(edge_node *n, pt_slice id);
#endif
