/* sparkplug/payload_pbc_read.c -- the decoder through protobuf-c, from its generated structures to our model.
 *
 * protobuf-c recurses without a bound, knows no limits, and takes field number 0 and any wire type for a bool, so a
 * walk over the nesting comes first. Its allocations come
 * from the arena and are never freed one by one. The generated code treats strings as bytes (CMakeLists.txt), because
 * protobuf-c's strings end at the first NUL. */
#include "sparkplug/payload.h"
#include "sparkplug/wire.h"
#include "base/utf8.h"

#include "sparkplug_b_bytes.pb-c.h"

typedef Spb__Pbc__Payload pbc_payload;
typedef Spb__Pbc__Payload__Metric pbc_metric;
typedef Spb__Pbc__Payload__MetaData pbc_metadata;
typedef Spb__Pbc__Payload__PropertySet pbc_set;
typedef Spb__Pbc__Payload__PropertyValue pbc_property;
typedef Spb__Pbc__Payload__DataSet pbc_dataset;
typedef Spb__Pbc__Payload__DataSet__DataSetValue pbc_cell;
typedef Spb__Pbc__Payload__Template pbc_template;
typedef Spb__Pbc__Payload__Template__Parameter pbc_parameter;

/* ---- limits, before protobuf-c sees a byte ---- */

typedef enum kind { PAYLOAD, METRIC, METADATA, TEMPLATE, PARAMETER, SET, PROPERTY, SETS, DATASET, ROW, CELL, EXTENSION, LEAF } kind;

typedef struct walk {
    const spb_limits *limits;
    uint32_t metrics;
    uint32_t cells; /* of the current data set */
    bool bad;       /* something protobuf-c lets pass was seen */
} walk;

static kind child_of(kind k, uint64_t field)
{
    switch (k) {
    case PAYLOAD: return field == 2 ? METRIC : LEAF;
    case TEMPLATE: return field == 2 ? METRIC : field == 3 ? PARAMETER : LEAF;
    case METRIC:
        return field == 8 ? METADATA : field == 9 ? SET : field == 17 ? DATASET : field == 18 ? TEMPLATE : field == 19 ? EXTENSION : LEAF;
    case SET: return field == 2 ? PROPERTY : LEAF;
    case PROPERTY: return field == 9 ? SET : field == 10 ? SETS : field == 11 ? EXTENSION : LEAF;
    case SETS: return field == 1 ? SET : LEAF;
    case DATASET: return field == 4 ? ROW : LEAF;
    case ROW: return field == 1 ? CELL : LEAF;
    case CELL: return field == 7 ? EXTENSION : LEAF;
    case PARAMETER: return field == 9 ? EXTENSION : LEAF;
    default: return LEAF;
    }
}

static bool is_bool(kind k, uint64_t field)
{
    return (k == METRIC && ((field >= 5 && field <= 7) || field == 14)) || (k == METADATA && field == 1) || (k == TEMPLATE && field == 5) ||
           (k == PARAMETER && field == 7) || (k == PROPERTY && (field == 2 || field == 7)) || (k == CELL && field == 5);
}

static uint32_t packed_count(pt_slice s)
{
    uint32_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += (spb__byte)s.ptr[i] < 0x80;
    return n;
}

/* False when a limit is exceeded. Bytes that do not parse end the walk: protobuf-c will say so. */
static bool within_limits(walk *w, kind k, pt_slice msg, uint32_t depth)
{
    const spb__byte *p = (const spb__byte *)msg.ptr, *end = p + msg.len;
    uint32_t columns = 0, types = 0, rows = 0;
    uint64_t tag;
    if ((k == SET || k == TEMPLATE) && depth++ >= w->limits->depth) return false;
    if (k == DATASET) w->cells = 0;
    while (p < end) {
        if (!(p = spb__varint(p, end, &tag))) return true;
        w->bad |= tag < 8;
        const spb__byte *value = p;
        if (!(p = spb__skip(tag, p, end))) return true;
        uint64_t field = tag >> 3;
        columns += k == DATASET && field == 2;
        types += k == DATASET && tag == SPB__TAG(3, SPB__VARINT);
        rows += k == DATASET && field == 4;
        w->cells += k == ROW && field == 1;
        w->bad |= is_bool(k, field) && (tag & 7) != SPB__VARINT;
        if ((tag & 7) != SPB__LEN) continue;
        pt_slice s = PT_NONE;
        if (!spb__len(value, end, &s)) return true;
        if (k == DATASET && field == 3) types += packed_count(s);
        kind child = child_of(k, field);
        w->metrics += child == METRIC;
        if (child != LEAF && !within_limits(w, child, s, depth)) return false;
    }
    uint32_t most = w->limits->dataset_cells;
    return w->metrics <= w->limits->metrics && columns <= most && types <= most && rows <= most && w->cells <= most;
}

/* ---- protobuf-c structures to the model ---- */

typedef struct builder {
    pt_arena *arena;
    bool no_memory;
} builder;

static void *arena_alloc(void *data, size_t size)
{
    builder *b = data;
    void *p = pt_arena_alloc(b->arena, size);
    if (!p) b->no_memory = true;
    return p;
}

static void arena_free(void *data, void *p)
{
    (void)data, (void)p;
}

static void *array(builder *b, size_t n, size_t size)
{
    void *p = pt_arena_array(b->arena, n, size);
    if (p) memset(p, 0, n * size);
    else b->no_memory = true;
    return p;
}

static pt_slice slice_of(ProtobufCBinaryData d)
{
    return pt_slice_of(d.data ? (const char *)d.data : "", d.len);
}

static pt_slice optional(protobuf_c_boolean has, ProtobufCBinaryData d)
{
    return has ? slice_of(d) : PT_NONE;
}

static void to_set(builder *b, const pbc_set *in, spb_property_set *out);

static void to_property(builder *b, const pbc_property *in, spb_property *out)
{
    out->has_type = in->has_type;
    out->type = in->has_type ? in->type : 0;
    out->is_null = in->has_is_null && in->is_null;
    switch (in->value_case) {
    case SPB__PBC__PAYLOAD__PROPERTY_VALUE__VALUE_INT_VALUE:
        out->wire = SPB_WIRE_INT;
        out->value.u32 = in->int_value;
        break;
    case SPB__PBC__PAYLOAD__PROPERTY_VALUE__VALUE_LONG_VALUE:
        out->wire = SPB_WIRE_LONG;
        out->value.u64 = in->long_value;
        break;
    case SPB__PBC__PAYLOAD__PROPERTY_VALUE__VALUE_FLOAT_VALUE:
        out->wire = SPB_WIRE_FLOAT;
        out->value.f32 = in->float_value;
        break;
    case SPB__PBC__PAYLOAD__PROPERTY_VALUE__VALUE_DOUBLE_VALUE:
        out->wire = SPB_WIRE_DOUBLE;
        out->value.f64 = in->double_value;
        break;
    case SPB__PBC__PAYLOAD__PROPERTY_VALUE__VALUE_BOOLEAN_VALUE:
        out->wire = SPB_WIRE_BOOL;
        out->value.boolean = in->boolean_value;
        break;
    case SPB__PBC__PAYLOAD__PROPERTY_VALUE__VALUE_STRING_VALUE:
        out->wire = SPB_WIRE_STRING;
        out->value.bytes = slice_of(in->string_value);
        break;
    case SPB__PBC__PAYLOAD__PROPERTY_VALUE__VALUE_PROPERTYSET_VALUE:
        out->wire = SPB_WIRE_PROPERTYSET;
        if ((out->value.set = array(b, 1, sizeof *out->value.set))) to_set(b, in->propertyset_value, out->value.set);
        break;
    case SPB__PBC__PAYLOAD__PROPERTY_VALUE__VALUE_PROPERTYSETS_VALUE: {
        spb_property_sets *sets = array(b, 1, sizeof *sets);
        out->wire = SPB_WIRE_PROPERTYSETS;
        out->value.sets = sets;
        size_t n = in->propertysets_value->n_propertyset;
        if (!sets || !(sets->items = array(b, n, sizeof *sets->items))) break;
        sets->n = (uint32_t)n;
        for (size_t i = 0; i < n; i++)
            to_set(b, in->propertysets_value->propertyset[i], &sets->items[i]);
        break;
    }
    case SPB__PBC__PAYLOAD__PROPERTY_VALUE__VALUE_EXTENSION_VALUE: out->wire = SPB_WIRE_EXTENSION; break;
    default: break;
    }
}

static void to_set(builder *b, const pbc_set *in, spb_property_set *out)
{
    size_t most = in->n_keys > in->n_values ? in->n_keys : in->n_values;
    *out = (spb_property_set){ array(b, most, sizeof(spb_property)), 0, in->n_keys != in->n_values };
    if (!out->items) return;
    out->n = (uint32_t)(in->n_keys < in->n_values ? in->n_keys : in->n_values);
    for (size_t i = 0; i < in->n_values; i++)
        to_property(b, in->values[i], &out->items[i]);
    for (size_t i = 0; i < in->n_keys; i++)
        out->items[i].key = slice_of(in->keys[i]);
}

static void to_metadata(const pbc_metadata *in, spb_metadata *out)
{
    *out = (spb_metadata){ .content_type = optional(in->has_content_type, in->content_type),
                           .file_name = optional(in->has_file_name, in->file_name),
                           .file_type = optional(in->has_file_type, in->file_type),
                           .md5 = optional(in->has_md5, in->md5),
                           .description = optional(in->has_description, in->description),
                           .size = in->has_size ? in->size : 0,
                           .seq = in->has_seq ? in->seq : 0,
                           .has_size = in->has_size,
                           .has_seq = in->has_seq,
                           .has_multi_part = in->has_is_multi_part,
                           .is_multi_part = in->has_is_multi_part && in->is_multi_part };
}

static void to_cell(const pbc_cell *in, spb_cell *out)
{
    switch (in->value_case) {
    case SPB__PBC__PAYLOAD__DATA_SET__DATA_SET_VALUE__VALUE_INT_VALUE: *out = (spb_cell){ SPB_WIRE_INT, { .u32 = in->int_value } }; break;
    case SPB__PBC__PAYLOAD__DATA_SET__DATA_SET_VALUE__VALUE_LONG_VALUE:
        *out = (spb_cell){ SPB_WIRE_LONG, { .u64 = in->long_value } };
        break;
    case SPB__PBC__PAYLOAD__DATA_SET__DATA_SET_VALUE__VALUE_FLOAT_VALUE:
        *out = (spb_cell){ SPB_WIRE_FLOAT, { .f32 = in->float_value } };
        break;
    case SPB__PBC__PAYLOAD__DATA_SET__DATA_SET_VALUE__VALUE_DOUBLE_VALUE:
        *out = (spb_cell){ SPB_WIRE_DOUBLE, { .f64 = in->double_value } };
        break;
    case SPB__PBC__PAYLOAD__DATA_SET__DATA_SET_VALUE__VALUE_BOOLEAN_VALUE:
        *out = (spb_cell){ SPB_WIRE_BOOL, { .boolean = in->boolean_value } };
        break;
    case SPB__PBC__PAYLOAD__DATA_SET__DATA_SET_VALUE__VALUE_STRING_VALUE:
        *out = (spb_cell){ SPB_WIRE_STRING, { .bytes = slice_of(in->string_value) } };
        break;
    case SPB__PBC__PAYLOAD__DATA_SET__DATA_SET_VALUE__VALUE_EXTENSION_VALUE: out->wire = SPB_WIRE_EXTENSION; break;
    default: break;
    }
}

static void to_dataset(builder *b, const pbc_dataset *in, spb_dataset *out)
{
    out->has_num_of_columns = in->has_num_of_columns;
    out->num_of_columns = in->has_num_of_columns ? in->num_of_columns : 0;
    out->columns = array(b, in->n_columns, sizeof *out->columns);
    out->types = array(b, in->n_types, sizeof *out->types);
    out->rows = array(b, in->n_rows, sizeof *out->rows);
    out->row_cells = array(b, in->n_rows, sizeof *out->row_cells);
    if (b->no_memory) return;
    out->n_columns = (uint32_t)in->n_columns;
    out->n_types = (uint32_t)in->n_types;
    out->n_rows = (uint32_t)in->n_rows;
    for (size_t i = 0; i < in->n_columns; i++)
        out->columns[i] = slice_of(in->columns[i]);
    for (size_t i = 0; i < in->n_types; i++)
        out->types[i] = in->types[i];
    for (size_t r = 0; r < in->n_rows; r++) {
        size_t n = in->rows[r]->n_elements;
        if (!(out->rows[r] = array(b, n, sizeof(spb_cell)))) return;
        out->row_cells[r] = (uint32_t)n;
        for (size_t c = 0; c < n; c++)
            to_cell(in->rows[r]->elements[c], &out->rows[r][c]);
    }
}

static void to_parameter(const pbc_parameter *in, spb_parameter *out)
{
    out->name = optional(in->has_name, in->name);
    out->has_type = in->has_type;
    out->type = in->has_type ? in->type : 0;
    switch (in->value_case) {
    case SPB__PBC__PAYLOAD__TEMPLATE__PARAMETER__VALUE_INT_VALUE: out->cell = (spb_cell){ SPB_WIRE_INT, { .u32 = in->int_value } }; break;
    case SPB__PBC__PAYLOAD__TEMPLATE__PARAMETER__VALUE_LONG_VALUE:
        out->cell = (spb_cell){ SPB_WIRE_LONG, { .u64 = in->long_value } };
        break;
    case SPB__PBC__PAYLOAD__TEMPLATE__PARAMETER__VALUE_FLOAT_VALUE:
        out->cell = (spb_cell){ SPB_WIRE_FLOAT, { .f32 = in->float_value } };
        break;
    case SPB__PBC__PAYLOAD__TEMPLATE__PARAMETER__VALUE_DOUBLE_VALUE:
        out->cell = (spb_cell){ SPB_WIRE_DOUBLE, { .f64 = in->double_value } };
        break;
    case SPB__PBC__PAYLOAD__TEMPLATE__PARAMETER__VALUE_BOOLEAN_VALUE:
        out->cell = (spb_cell){ SPB_WIRE_BOOL, { .boolean = in->boolean_value } };
        break;
    case SPB__PBC__PAYLOAD__TEMPLATE__PARAMETER__VALUE_STRING_VALUE:
        out->cell = (spb_cell){ SPB_WIRE_STRING, { .bytes = slice_of(in->string_value) } };
        break;
    case SPB__PBC__PAYLOAD__TEMPLATE__PARAMETER__VALUE_EXTENSION_VALUE: out->cell.wire = SPB_WIRE_EXTENSION; break;
    default: break;
    }
}

static void to_metric(builder *b, const pbc_metric *in, spb_metric *out);

static void to_template(builder *b, const pbc_template *in, spb_template *out)
{
    out->version = optional(in->has_version, in->version);
    out->template_ref = optional(in->has_template_ref, in->template_ref);
    out->has_is_definition = in->has_is_definition;
    out->is_definition = in->has_is_definition && in->is_definition;
    out->metrics = array(b, in->n_metrics, sizeof *out->metrics);
    out->parameters = array(b, in->n_parameters, sizeof *out->parameters);
    if (b->no_memory) return;
    out->n_metrics = (uint32_t)in->n_metrics;
    out->n_parameters = (uint32_t)in->n_parameters;
    for (size_t i = 0; i < in->n_metrics; i++)
        to_metric(b, in->metrics[i], &out->metrics[i]);
    for (size_t i = 0; i < in->n_parameters; i++)
        to_parameter(in->parameters[i], &out->parameters[i]);
}

static uint16_t flags_of(const pbc_metric *in)
{
    unsigned f = 0;
    if (in->has_name) f |= SPB_HAS_NAME;
    if (in->has_alias) f |= SPB_HAS_ALIAS;
    if (in->has_timestamp) f |= SPB_HAS_TIMESTAMP;
    if (in->has_datatype) f |= SPB_HAS_DATATYPE;
    if (in->has_is_historical) f |= SPB_HAS_HISTORICAL | (in->is_historical ? SPB_IS_HISTORICAL : 0);
    if (in->has_is_transient) f |= SPB_HAS_TRANSIENT | (in->is_transient ? SPB_IS_TRANSIENT : 0);
    if (in->has_is_null) f |= SPB_HAS_NULL | (in->is_null ? SPB_IS_NULL : 0);
    return (uint16_t)f;
}

static void to_value(builder *b, const pbc_metric *in, spb_metric *out)
{
    switch (in->value_case) {
    case SPB__PBC__PAYLOAD__METRIC__VALUE_INT_VALUE:
        out->wire = SPB_WIRE_INT;
        out->value.u32 = in->int_value;
        break;
    case SPB__PBC__PAYLOAD__METRIC__VALUE_LONG_VALUE:
        out->wire = SPB_WIRE_LONG;
        out->value.u64 = in->long_value;
        break;
    case SPB__PBC__PAYLOAD__METRIC__VALUE_FLOAT_VALUE:
        out->wire = SPB_WIRE_FLOAT;
        out->value.f32 = in->float_value;
        break;
    case SPB__PBC__PAYLOAD__METRIC__VALUE_DOUBLE_VALUE:
        out->wire = SPB_WIRE_DOUBLE;
        out->value.f64 = in->double_value;
        break;
    case SPB__PBC__PAYLOAD__METRIC__VALUE_BOOLEAN_VALUE:
        out->wire = SPB_WIRE_BOOL;
        out->value.boolean = in->boolean_value;
        break;
    case SPB__PBC__PAYLOAD__METRIC__VALUE_STRING_VALUE:
        out->wire = SPB_WIRE_STRING;
        out->value.bytes = slice_of(in->string_value);
        break;
    case SPB__PBC__PAYLOAD__METRIC__VALUE_BYTES_VALUE:
        out->wire = SPB_WIRE_BYTES;
        out->value.bytes = slice_of(in->bytes_value);
        break;
    case SPB__PBC__PAYLOAD__METRIC__VALUE_DATASET_VALUE:
        out->wire = SPB_WIRE_DATASET;
        if ((out->value.dataset = array(b, 1, sizeof *out->value.dataset))) to_dataset(b, in->dataset_value, out->value.dataset);
        break;
    case SPB__PBC__PAYLOAD__METRIC__VALUE_TEMPLATE_VALUE:
        out->wire = SPB_WIRE_TEMPLATE;
        if ((out->value.tmpl = array(b, 1, sizeof *out->value.tmpl))) to_template(b, in->template_value, out->value.tmpl);
        break;
    case SPB__PBC__PAYLOAD__METRIC__VALUE_EXTENSION_VALUE: out->wire = SPB_WIRE_EXTENSION; break;
    default: break;
    }
}

static void to_metric(builder *b, const pbc_metric *in, spb_metric *out)
{
    unsigned flags = flags_of(in);
    out->name = optional(in->has_name, in->name);
    out->alias = in->has_alias ? in->alias : 0;
    out->timestamp = in->has_timestamp ? in->timestamp : 0;
    out->datatype = in->has_datatype ? in->datatype : 0;
    if (in->metadata && (out->metadata = array(b, 1, sizeof *out->metadata))) to_metadata(in->metadata, out->metadata);
    if (in->properties && (out->properties = array(b, 1, sizeof *out->properties))) to_set(b, in->properties, out->properties);
    to_value(b, in, out);
    if ((flags & SPB_HAS_NAME) && !pt_utf8_valid(out->name)) flags |= SPB_BAD_UTF8;
    if (out->wire == SPB_WIRE_STRING && !pt_utf8_valid(out->value.bytes)) flags |= SPB_BAD_UTF8;
    out->flags = (uint16_t)flags;
}

pt_status spb_payload_decode_pbc(pt_slice bytes, const spb_limits *limits, pt_arena *arena, spb_payload *out, pt_error *err)
{
    builder b = { .arena = arena };
    ProtobufCAllocator allocator = { arena_alloc, arena_free, &b };
    walk w = { .limits = limits ? limits : &spb_limits_default };
    spb_payload msg = { 0 };
    if (bytes.len == 0) return pt_fail(err, PT_EMALFORMED, "empty payload");
    if (bytes.len > w.limits->payload_bytes)
        return pt_fail(err, PT_ETOOBIG, "payload of %zu bytes, at most %zu are allowed", bytes.len, w.limits->payload_bytes);
    if (!within_limits(&w, PAYLOAD, bytes, 0)) return pt_fail(err, PT_ETOOBIG, "more metrics, cells or nesting than allowed");
    if (w.bad) return pt_fail(err, PT_EMALFORMED, "field number 0, or a bool field with a wrong wire type");
    pbc_payload *in = spb__pbc__payload__unpack(&allocator, bytes.len, (const uint8_t *)bytes.ptr);
    if (!in) {
        if (b.no_memory) return pt_fail(err, PT_ENOMEM, "the payload needs more memory than its arena allows");
        return pt_fail(err, PT_EMALFORMED, "protobuf-c cannot parse the payload");
    }
    msg.has_timestamp = in->has_timestamp;
    msg.timestamp = in->has_timestamp ? in->timestamp : 0;
    msg.has_seq = in->has_seq;
    msg.seq = in->has_seq ? in->seq : 0;
    msg.uuid = optional(in->has_uuid, in->uuid);
    msg.body = optional(in->has_body, in->body);
    if ((msg.metrics = array(&b, in->n_metrics, sizeof *msg.metrics))) {
        msg.n_metrics = (uint32_t)in->n_metrics;
        for (size_t i = 0; i < in->n_metrics && !b.no_memory; i++)
            to_metric(&b, in->metrics[i], &msg.metrics[i]);
    }
    if (b.no_memory) return pt_fail(err, PT_ENOMEM, "the payload needs more memory than its arena allows");
    *out = msg;
    return PT_OK;
}
