/* sparkplug/value.h -- a typed value: what a metric means, whatever field it came in.
 *
 * An spb_value is the currency between sparkplug, uns, historian and host. Scalars are inside; strings, bytes,
 * arrays and documents are slices that borrow (message bytes, arena, database row): every interface says how long. */
#ifndef SPB_VALUE_H
#define SPB_VALUE_H
#include "base/json.h"
#include "sparkplug/payload.h"

typedef enum spb_quality { SPB_GOOD = 0, SPB_UNCERTAIN = 1, SPB_BAD = 2, SPB_STALE = 3 } spb_quality;
const char *spb_quality_name(spb_quality q); /* "GOOD" "UNCERTAIN" "BAD" "STALE" */
char spb_quality_letter(spb_quality q);      /* 'G' 'U' 'B' 'S' */

typedef struct spb_value {
    uint8_t type; /* spb_datatype; decides which member is valid through spb_datatype_class */
    bool is_null; /* no member valid */
    bool clamped; /* out-of-width integer was masked: producer error, count it */
    union {
        int64_t i64;    /* SIGNED */
        uint64_t u64;   /* UNSIGNED, DateTime */
        float f32;      /* FLOAT */
        double f64;     /* DOUBLE */
        bool boolean;   /* BOOLEAN */
        pt_slice bytes; /* STRING: text. BYTES, ARRAY: raw. DATASET, TEMPLATE: canonical JSON document (spb_document_*) */
    } as;
} spb_value;

/* Read metric `m` as datatype `type` (the birth's), liberally (implementer's guide 4): sign-extended, masked and
 * long encodings of small integers; either integer field for 5..8 and 13; either float field for 9 and 10.
 * is_null wins over a value; neither value nor is_null: null.
 * PT_OK; PT_EMALFORMED: wire field and type do not go together, or an array's length is wrong;
 * DATASET and TEMPLATE become JSON documents in `arena`; other types do not touch it (it may be NULL then). */
PT_MUST_CHECK pt_status spb_metric_value(const spb_metric *m, uint32_t type, pt_arena *arena, spb_value *out, pt_error *err);

/* The same for a property's value: its own type, or `type` when it carries none (pass the birth's, or 0). Basic types
 * only; property sets: PT_EUNSUPPORTED. */
PT_MUST_CHECK pt_status spb_property_value(const spb_property *p, uint32_t type, spb_value *out, pt_error *err);

/* Put a scalar, string, bytes or array value into m->wire / m->value in the field the specification names
 * (tck-id-payloads-metric-...). `uint32_long`: UInt32 goes to long_value (for Tahu-like receivers). Documents:
 * PT_EUNSUPPORTED. */
PT_MUST_CHECK pt_status spb_metric_set_value(spb_metric *m, const spb_value *v, bool uint32_long);

/* Quality property of a metric: absent = GOOD; 192 GOOD, 0 BAD, 500 STALE, others BAD; any integer type accepted. */
spb_quality spb_metric_quality(const spb_metric *m);

/* JSON form: integers as numbers, NaN and infinities as strings, Bytes base64, arrays as JSON arrays, documents raw. */
void spb_value_json(pt_json *j, const spb_value *v);
/* Plain text for CSV and tables: null is empty, Boolean true/false, bytes base64. */
void spb_value_text(pt_buf *out, const spb_value *v);
/* Parse operator's text (CLI, HTTP string) or JSON scalar text as a value of exactly `type`: integers in range, no
 * silent narrowing. Strings are taken whole. PT_EMALFORMED / PT_ETOOBIG (out of range) with the reason. Borrowed from
 * `text`. */
PT_MUST_CHECK pt_status spb_value_parse(uint32_t type, pt_slice text, spb_value *out, pt_error *err);
/* Same type, same bits (floats compared by bits, so NaN equals itself). */
bool spb_value_equal(const spb_value *a, const spb_value *b);
/* As a number for trends and aggregates: false for null, text, bytes, arrays, documents. Boolean 0/1. */
bool spb_value_number(const spb_value *v, double *out);

/* Canonical JSON documents: DataSet {"columns":[..],"types":["Int32",..],"rows":[[..]]};
 * Template {"template_ref":"..","version":"..","members":{..},"parameters":{..}}, absent texts null, keys in wire
 * order. A member or parameter without a datatype is read as the widest type of its field (Int32, Int64, Double, ...):
 * fill it in from the definition before. PT_EMALFORMED: sizes that do not agree, a cell that is not of its column's
 * type, a member without a name. */
PT_MUST_CHECK pt_status spb_document_dataset(const spb_dataset *ds, pt_buf *out);
PT_MUST_CHECK pt_status spb_document_template(const spb_template *t, pt_buf *out);

/* Arrays: read element `i` of a checked array value; count of elements. */
PT_MUST_CHECK pt_status spb_array_count(uint32_t type, pt_slice bytes, uint32_t *count, pt_error *err);
/* Elements in order; StringArray elements borrow `bytes`. *at starts at 0. False at the end. */
bool spb_array_next(uint32_t type, pt_slice bytes, size_t *at, spb_value *element);
/* Append the packed form of `n` elements (each of the element type). */
PT_MUST_CHECK pt_status spb_array_encode(uint32_t type, const spb_value *elements, uint32_t n, pt_buf *out);
#endif
