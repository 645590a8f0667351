/* edge-node/model.h -- inside the edge library: devices, metrics and their values, in one block of the caller's memory.
 *
 * Metrics are numbered in order of definition. A template instance is followed by its members, nested ones included, so the members of
 * an instance are one contiguous run behind it. by_name is sorted by (device, path) after sealing, by_number by number.
 * Each device has a ring of values not yet sent (ring.h). The node's lock guards everything after sealing. */
#ifndef EDGE_MODEL_H
#define EDGE_MODEL_H
#include "edge-node/codec.h"
#include "edge-node/edge.h"
#include "edge-node/ring.h"

enum { /* edge__metric.flags */
       EDGE__WRITABLE = 1u << 0,
       EDGE__TRANSIENT = 1u << 1,
       EDGE__NO_ALIAS = 1u << 2, /* bdSeq, Node Control/Rebirth, template members */
       EDGE__EVERY = 1u << 3,    /* no report by exception */
       EDGE__CONTROL = 1u << 4,  /* the node's own: bdSeq, Node Control, Backfill */
       EDGE__REPORTED = 1u << 5, /* reported_* is valid */
       EDGE__NULL = 1u << 6,     /* the current value is null */
       EDGE__REPORTED_NULL = 1u << 7
};

typedef struct edge__metric {
    pt_slice name; /* NUL-terminated; of a template member: without the instance's */
    pt_slice path; /* "instance/member" for members, else the name; NUL-terminated */
    uint32_t device;
    uint32_t parent;  /* instance metric, or EDGE_NO_METRIC */
    uint32_t members; /* of an instance: how many metrics behind this one belong to it */
    uint32_t tmpl;    /* of an instance: template index, else UINT32_MAX */
    uint32_t number;  /* edge_names; also the alias */
    uint16_t flags;
    uint8_t type, quality, reported_quality;
    edge_filter filter;
    uint64_t bits; /* current scalar: spb_value.as of the type */
    int64_t ts;    /* when it was acquired; < 0: never */
    uint64_t reported_bits;
    int64_t reported_ts;
    int64_t birth_ts; /* time of the value the last birth carried */
    char *blob;       /* current string, bytes, array, DataSet */
    uint32_t blob_len, blob_cap;
    pt_slice properties, metadata; /* encoded, without Quality */
    edge__parameter *parameters;   /* of an instance: all of its template's, overrides applied */
    uint32_t n_parameters;
    void *user;
} edge__metric;

typedef struct edge__tmember {
    edge_metric_def def; /* name and initial point into the model's memory; properties are encoded below */
    uint32_t tmpl;       /* UINT32_MAX unless type is SPB_TEMPLATE */
    pt_slice properties;
} edge__tmember;

typedef struct edge__tmpl {
    pt_slice name, version;
    edge__tmember *members;
    edge__parameter *parameters;
    uint32_t n_members, n_parameters;
    uint32_t deep; /* members with those of nested templates */
} edge__tmpl;

typedef struct edge__device {
    pt_slice id; /* NUL-terminated; empty for the node itself */
    uint32_t n_metrics;
    uint32_t *sorted;  /* its top-level metrics; order is made anew for each birth */
    bool online, born; /* born: its DBIRTH was published in this session */
    edge__ring ring;
} edge__device;

struct edge_model {
    char *memory;
    size_t size, used;
    edge_model_limits limits;
    edge__device *devices; /* [0] is the node */
    edge__metric *metrics;
    edge__tmpl *templates;
    uint32_t n_devices, n_metrics, n_templates;
    uint32_t *by_name, *by_number;
    int64_t created_ms; /* timestamp of template definitions; set by the node */
    bool sealed;
    size_t birth_bytes;              /* no birth of this model is larger */
    size_t blob_max;                 /* largest value */
    size_t template_bytes;           /* largest encoded template */
    uint32_t nest;                   /* deepest template in template */
    char *payload, *scratch, *batch; /* one message; encoded templates, one region for each depth; samples for the journal */
    size_t payload_cap, batch_cap;
    /* the node's own metrics, made by edge_model_seal */
    uint32_t m_bdseq, m_rebirth, m_next_server, m_backfill_from, m_backfill_pending, m_backfill_done;
};

void *edge__alloc(edge_model *m, size_t size); /* zeroed, 16-aligned; NULL when used up */
/* Sort indices with no extra memory; `less` is a strict order. */
void edge__sort(uint32_t *items, uint32_t n, bool (*less)(const void *ctx, uint32_t a, uint32_t b), const void *ctx);

/* Does a metric store bytes (string, bytes, array, DataSet) rather than a scalar? */
static inline bool edge__is_blob(uint8_t type)
{
    spb_class c = spb_datatype_class(type);
    return c == SPB_CLASS_STRING || c == SPB_CLASS_BYTES || c == SPB_CLASS_ARRAY || c == SPB_CLASS_DATASET;
}
spb_value edge__scalar(uint8_t type, uint64_t bits, bool null);
uint64_t edge__bits(const spb_value *v);
spb_value edge__current(const edge__metric *x); /* borrows the metric's bytes */
/* Put a value in, without report by exception: initial values, the node's own metrics. Type and size were checked. */
void edge__put(edge__metric *x, const spb_value *v, spb_quality q, int64_t ts);
/* PT_EINVAL, PT_ETOOBIG: what edge_node_set promises. */
pt_status edge__check_value(const edge__metric *x, const spb_value *v);
uint32_t edge__find_number(const edge_model *m, uint32_t number);
#endif
