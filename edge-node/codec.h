/* edge-node/codec.h -- the edge's payload codec on nanopb: no heap, caller's buffers only.
 *
 * Writing: a payload is built front to back in one buffer, metric by metric, so a message that grows too big stops at
 * the last whole metric and can be sent as it is. Fields appear in ascending number, present ones only, zeros written,
 * so the bytes equal those of every other conforming encoder (implementer's guide, chapter 26).
 *
 * Sub-messages (property sets, metadata, data sets, templates) are encoded into bytes of their own first and then borrowed
 * by the metric as slices. Nothing here locks, logs or reads a clock; any thread. */
#ifndef EDGE_CODEC_H
#define EDGE_CODEC_H
#include "edge-node/types.h"
#include "sparkplug_b.pb.h"

typedef edge_pb_Payload_Metric edge__metric_pb; /* zero-initialise; slices with ptr NULL are absent */

/* A payload under construction. */
typedef struct edge__writer {
    char *buf;
    size_t cap, len;
    uint32_t metrics; /* written so far */
} edge__writer;

void edge__writer_init(edge__writer *w, void *buf, size_t cap);
/* Starts a payload; `timestamp_ms` < 0: none on the wire (tck-id-payloads-timestamp-in-UTC is the caller's clock). PT_ETOOBIG. */
PT_MUST_CHECK pt_status edge__writer_begin(edge__writer *w, int64_t timestamp_ms);
/* PT_ETOOBIG: the metric does not fit beside the room `edge__writer_end` needs; the payload is as before. */
PT_MUST_CHECK pt_status edge__writer_metric(edge__writer *w, const edge__metric_pb *m);
/* `seq` < 0: none (NDEATH). Always fits after a begin that fitted. */
void edge__writer_end(edge__writer *w, int seq);
static inline pt_slice edge__writer_view(const edge__writer *w)
{
    return pt_slice_of(w->buf, w->len);
}

/* Put `v` into the field the specification names for its type; strings, bytes, arrays and encoded documents are borrowed.
 * uint32_long: UInt32 in long_value. is_null is set for null values (tck-id-operational-behavior-data-publish-nbirth-values). */
void edge__metric_set(edge__metric_pb *m, const spb_value *v, bool uint32_long);
void edge__metric_type(edge__metric_pb *m, uint32_t datatype);

/* Encode a PropertySet (without tag and length). `quality`: put Quality first when it is not GOOD (type 3, 0 or 500:
 * tck-id-payloads-propertyset-quality-value-type). PT_ETOOBIG; PT_EINVAL: a type that is no property type, or deeper than 8. */
PT_MUST_CHECK pt_status edge__encode_properties(const edge_property *items, uint32_t n, spb_quality quality, void *buf, size_t cap,
                                                size_t *len);
/* The same from an already encoded set: Quality is put in front of it. */
PT_MUST_CHECK pt_status edge__encode_quality(spb_quality quality, pt_slice properties, void *buf, size_t cap, size_t *len);

PT_MUST_CHECK pt_status edge__encode_metadata(const spb_metadata *md, void *buf, size_t cap, size_t *len);

/* PT_EINVAL: a column type that is not basic, a cell of another type, a null cell. */
PT_MUST_CHECK pt_status edge__encode_dataset(const edge_dataset *ds, bool uint32_long, void *buf, size_t cap, size_t *len);
/* Check foreign bytes as a DataSet message: widths agree, types basic. PT_EMALFORMED. */
PT_MUST_CHECK pt_status edge__check_dataset(pt_slice bytes);

typedef struct edge__parameter {
    pt_slice name;
    spb_value value; /* basic type; null: no value on the wire */
} edge__parameter;
/* A Template message. `members` writes them through edge__template_member; NULL: none. */
typedef struct edge__template_out edge__template_out;
typedef struct edge__template {
    pt_slice version, ref; /* absent: ptr NULL */
    bool is_definition;
    const edge__parameter *parameters;
    uint32_t n_parameters;
    bool uint32_long;
    bool (*members)(void *ctx, edge__template_out *out); /* false: give up (PT_ETOOBIG or PT_EINVAL) */
    void *ctx;
} edge__template;
PT_MUST_CHECK pt_status edge__encode_template(const edge__template *t, void *buf, size_t cap, size_t *len);
bool edge__template_member(edge__template_out *out, const edge__metric_pb *m);

/* --- reading commands --- */
typedef struct edge__command_metric {
    pt_slice name; /* absent: ptr NULL. Borrows the payload */
    bool has_alias, has_datatype, is_null;
    uint64_t alias;
    uint32_t datatype;
    uint8_t wire;         /* spb_wire */
    spb_wire_value value; /* strings and bytes borrow; DATASET and TEMPLATE: encoded message in `bytes` */
} edge__command_metric;
/* Calls `each` for every metric of a payload, in order; a metric with bytes that do not parse fails the whole payload, but metrics
 * before it have been reported: look first, act later. PT_EMALFORMED (empty input too), PT_ETOOBIG more than `max_metrics`. */
PT_MUST_CHECK pt_status edge__decode_metrics(pt_slice payload, uint32_t max_metrics, void (*each)(void *ctx, const edge__command_metric *m),
                                             void *ctx);
/* Members of an encoded Template, the same way. */
PT_MUST_CHECK pt_status edge__decode_members(pt_slice template_bytes, uint32_t max_metrics,
                                             void (*each)(void *ctx, const edge__command_metric *m), void *ctx);
/* Read the command's value as exactly `type`: integers must be in range, nothing is narrowed silently.
 * PT_EMALFORMED: other kind of value. PT_ETOOBIG: out of range. */
PT_MUST_CHECK pt_status edge__command_value(const edge__command_metric *m, uint32_t type, spb_value *out);
#endif
