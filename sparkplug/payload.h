/* sparkplug/payload.h -- the Sparkplug B payload as flat C structures, and its codecs.
 *
 * The model mirrors the wire: presence is kept (an absent field is not a zero), values stay in the protobuf
 * field they came in. Typed, checked values are made from it by sparkplug/value.h.
 *
 * A decoded payload lives in a caller's arena; slices in it borrow the message bytes. Both must outlive it.
 * Nothing here locks, logs or reads a clock: any thread.
 *
 * Two decoders give the same model: spb_payload_decode, our zero-copy reader, and spb_payload_decode_pbc through
 * protobuf-c, the oracle of the differential tests. Likewise two encoders that give the same bytes.
 * Schema and rules: Sparkplug 3.0 chapter 6; sparkplug/sparkplug_b.proto. */
#ifndef SPB_PAYLOAD_H
#define SPB_PAYLOAD_H
#include "base/arena.h"
#include "base/buf.h"
#include "sparkplug/datatype.h"

typedef struct spb_metric spb_metric;
typedef struct spb_property_set spb_property_set;

/* Which member of the value oneof is present: the protobuf field. NONE: no value on the wire. */
typedef enum spb_wire {
    SPB_WIRE_NONE,
    SPB_WIRE_INT,          /* u32 */
    SPB_WIRE_LONG,         /* u64 */
    SPB_WIRE_FLOAT,        /* f32 */
    SPB_WIRE_DOUBLE,       /* f64 */
    SPB_WIRE_BOOL,         /* boolean */
    SPB_WIRE_STRING,       /* bytes: text as sent, UTF-8 not guaranteed (see spb_metric.flags) */
    SPB_WIRE_BYTES,        /* bytes */
    SPB_WIRE_DATASET,      /* dataset */
    SPB_WIRE_TEMPLATE,     /* tmpl */
    SPB_WIRE_PROPERTYSET,  /* properties only: set */
    SPB_WIRE_PROPERTYSETS, /* properties only: sets */
    SPB_WIRE_EXTENSION     /* an extension message; contents skipped */
} spb_wire;

typedef struct spb_dataset spb_dataset;
typedef struct spb_template spb_template;
typedef struct spb_property_sets spb_property_sets;

typedef union spb_wire_value {
    uint32_t u32;
    uint64_t u64;
    float f32;
    double f64;
    bool boolean;
    pt_slice bytes;
    spb_dataset *dataset;
    spb_template *tmpl;
    spb_property_set *set;
    spb_property_sets *sets;
} spb_wire_value;

typedef struct spb_property {
    pt_slice key;
    uint32_t type; /* datatype code; 0 when absent */
    bool has_type;
    bool is_null;
    uint8_t wire; /* spb_wire */
    spb_wire_value value;
} spb_property;

/* keys and values are paired here; unequal counts on the wire make the set invalid (tck-id-payloads-propertyset-...).
 */
struct spb_property_set {
    spb_property *items;
    uint32_t n;
    bool mismatch; /* keys and values had different counts; items holds the shorter */
};
struct spb_property_sets {
    spb_property_set *items;
    uint32_t n;
};

typedef struct spb_metadata {
    pt_slice content_type, file_name, file_type, md5, description; /* absent: ptr NULL */
    uint64_t size, seq;
    bool has_size, has_seq, has_multi_part, is_multi_part;
} spb_metadata;

typedef struct spb_cell { /* a DataSet element or a template parameter value */
    uint8_t wire;         /* NONE: null cell */
    spb_wire_value value;
} spb_cell;

struct spb_dataset {
    uint64_t num_of_columns; /* as sent; never used for allocation */
    bool has_num_of_columns;
    pt_slice *columns;
    uint32_t *types;
    uint32_t n_columns, n_types, n_rows;
    spb_cell **rows;     /* n_rows rows */
    uint32_t *row_cells; /* cells in each row */
};

typedef struct spb_parameter {
    pt_slice name;
    uint32_t type;
    bool has_type;
    spb_cell cell;
} spb_parameter;

struct spb_template {
    pt_slice version, template_ref; /* absent: ptr NULL */
    bool has_is_definition, is_definition;
    spb_metric *metrics;
    spb_parameter *parameters;
    uint32_t n_metrics, n_parameters;
};

/* spb_metric.flags */
enum {
    SPB_HAS_NAME = 1u << 0,
    SPB_HAS_ALIAS = 1u << 1,
    SPB_HAS_TIMESTAMP = 1u << 2,
    SPB_HAS_DATATYPE = 1u << 3,
    SPB_HAS_HISTORICAL = 1u << 4, /* the field was on the wire */
    SPB_IS_HISTORICAL = 1u << 5,
    SPB_HAS_TRANSIENT = 1u << 6,
    SPB_IS_TRANSIENT = 1u << 7,
    SPB_HAS_NULL = 1u << 8,
    SPB_IS_NULL = 1u << 9,
    SPB_BAD_UTF8 = 1u << 10 /* name or string value is not valid UTF-8 (decoders only) */
};

struct spb_metric {
    pt_slice name;
    uint64_t alias;
    uint64_t timestamp; /* ms UTC */
    uint32_t datatype;  /* as sent, any uint32 */
    uint16_t flags;
    uint8_t wire; /* spb_wire */
    spb_wire_value value;
    spb_property_set *properties; /* NULL when absent */
    spb_metadata *metadata;       /* NULL when absent */
};

typedef struct spb_payload {
    uint64_t timestamp, seq;
    bool has_timestamp, has_seq;
    pt_slice uuid, body; /* absent: ptr NULL */
    spb_metric *metrics;
    uint32_t n_metrics;
} spb_payload;

/* Limits of one decode; a limit reached fails the payload with PT_ETOOBIG. */
typedef struct spb_limits {
    size_t payload_bytes;   /* default 16 MiB */
    uint32_t metrics;       /* in the whole payload, template members included; default 1,000,000 */
    uint32_t dataset_cells; /* rows x columns of one DataSet; default 1,000,000 */
    uint32_t depth;         /* nested templates and property sets; default 32 */
} spb_limits;
extern const spb_limits spb_limits_default;

/* Decode `bytes`. Memory comes from `arena` (its limit is part of the defence: PT_ENOMEM). limits NULL: the defaults.
 *
 * PT_OK          *out is complete.
 * PT_EMALFORMED  not a payload; *err says why and at which byte. Empty input is malformed.
 * PT_ETOOBIG     a limit; PT_ENOMEM the arena.
 * Invalid UTF-8 is not an error: the metric is flagged SPB_BAD_UTF8. Unknown fields are skipped; a known field with
 * another wire type, a group and field number 0 are malformed. What is repeated is merged as protobuf has it: the last
 * scalar and the last member of a oneof count, a second metadata or properties adds to the first. */
PT_MUST_CHECK pt_status spb_payload_decode(pt_slice bytes, const spb_limits *limits, pt_arena *arena, spb_payload *out, pt_error *err);
PT_MUST_CHECK pt_status spb_payload_decode_pbc(pt_slice bytes, const spb_limits *limits, pt_arena *arena, spb_payload *out, pt_error *err);

/* Append the encoding to `out`: fields in ascending number, present ones only, zeros written. What a decoder cannot
 * keep does not come back: unknown fields, the content of extensions, the surplus of an unequal property set. A buffer
 * of exactly the size is enough. PT_OK, PT_ETOOBIG / PT_ENOMEM of the buffer. */
PT_MUST_CHECK pt_status spb_payload_encode(const spb_payload *p, pt_buf *out);
PT_MUST_CHECK pt_status spb_payload_encode_pbc(const spb_payload *p, pt_buf *out);
/* One metric's encoding without its tag and length: template documents, definition hashes. */
PT_MUST_CHECK pt_status spb_metric_encode(const spb_metric *m, pt_buf *out);

/* The property `key` (last one wins), or NULL. */
const spb_property *spb_property_find(const spb_property_set *set, pt_slice key);
#endif
