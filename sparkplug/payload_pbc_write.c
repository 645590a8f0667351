/* sparkplug/payload_pbc_write.c -- the encoder through protobuf-c: our model to its structures, then one pack.
 *
 * The structures live in an arena of this call and borrow every text and byte string from the model. */
#include "sparkplug/payload.h"

#include "sparkplug_b_bytes.pb-c.h"

typedef Spb__Pbc__Payload pbc_payload;
typedef Spb__Pbc__Payload__Metric pbc_metric;
typedef Spb__Pbc__Payload__MetaData pbc_metadata;
typedef Spb__Pbc__Payload__PropertySet pbc_set;
typedef Spb__Pbc__Payload__PropertySetList pbc_sets;
typedef Spb__Pbc__Payload__PropertyValue pbc_property;
typedef Spb__Pbc__Payload__DataSet pbc_dataset;
typedef Spb__Pbc__Payload__DataSet__Row pbc_row;
typedef Spb__Pbc__Payload__DataSet__DataSetValue pbc_cell;
typedef Spb__Pbc__Payload__Template pbc_template;
typedef Spb__Pbc__Payload__Template__Parameter pbc_parameter;

/* Some structure of each kind, initialised, or NULL. */
#define NEW(arena, type, INIT) init_as((arena), sizeof(type), &(const type)INIT)

static void *init_as(pt_arena *arena, size_t size, const void *initial)
{
    void *p = pt_arena_alloc(arena, size);
    if (p) memcpy(p, initial, size);
    return p;
}

static ProtobufCBinaryData data_of(pt_slice s)
{
    return (ProtobufCBinaryData){ s.len, (uint8_t *)(uintptr_t)(s.ptr ? s.ptr : "") };
}

static ProtobufCBinaryData optional(pt_slice s, protobuf_c_boolean *has)
{
    *has = s.ptr != NULL;
    return data_of(s);
}

static pbc_set *from_set(pt_arena *a, const spb_property_set *in);

static bool from_property(pt_arena *a, const spb_property *in, pbc_property *out)
{
    out->has_type = in->has_type;
    out->type = in->type;
    out->has_is_null = in->is_null;
    out->is_null = in->is_null;
    switch (in->wire) {
    case SPB_WIRE_INT:
        out->value_case = SPB__PBC__PAYLOAD__PROPERTY_VALUE__VALUE_INT_VALUE;
        out->int_value = in->value.u32;
        return true;
    case SPB_WIRE_LONG:
        out->value_case = SPB__PBC__PAYLOAD__PROPERTY_VALUE__VALUE_LONG_VALUE;
        out->long_value = in->value.u64;
        return true;
    case SPB_WIRE_FLOAT:
        out->value_case = SPB__PBC__PAYLOAD__PROPERTY_VALUE__VALUE_FLOAT_VALUE;
        out->float_value = in->value.f32;
        return true;
    case SPB_WIRE_DOUBLE:
        out->value_case = SPB__PBC__PAYLOAD__PROPERTY_VALUE__VALUE_DOUBLE_VALUE;
        out->double_value = in->value.f64;
        return true;
    case SPB_WIRE_BOOL:
        out->value_case = SPB__PBC__PAYLOAD__PROPERTY_VALUE__VALUE_BOOLEAN_VALUE;
        out->boolean_value = in->value.boolean;
        return true;
    case SPB_WIRE_STRING:
        out->value_case = SPB__PBC__PAYLOAD__PROPERTY_VALUE__VALUE_STRING_VALUE;
        out->string_value = data_of(in->value.bytes);
        return true;
    case SPB_WIRE_PROPERTYSET:
        out->value_case = SPB__PBC__PAYLOAD__PROPERTY_VALUE__VALUE_PROPERTYSET_VALUE;
        out->propertyset_value = from_set(a, in->value.set);
        return out->propertyset_value != NULL;
    case SPB_WIRE_PROPERTYSETS: {
        pbc_sets *list = NEW(a, pbc_sets, SPB__PBC__PAYLOAD__PROPERTY_SET_LIST__INIT);
        if (!list) return false;
        list->n_propertyset = in->value.sets->n;
        if (!(list->propertyset = pt_arena_array(a, list->n_propertyset, sizeof *list->propertyset))) return false;
        for (uint32_t i = 0; i < in->value.sets->n; i++) {
            if (!(list->propertyset[i] = from_set(a, &in->value.sets->items[i]))) return false;
        }
        out->value_case = SPB__PBC__PAYLOAD__PROPERTY_VALUE__VALUE_PROPERTYSETS_VALUE;
        out->propertysets_value = list;
        return true;
    }
    case SPB_WIRE_EXTENSION:
        out->value_case = SPB__PBC__PAYLOAD__PROPERTY_VALUE__VALUE_EXTENSION_VALUE;
        out->extension_value = NEW(a, Spb__Pbc__Payload__PropertyValue__PropertyValueExtension,
                                   SPB__PBC__PAYLOAD__PROPERTY_VALUE__PROPERTY_VALUE_EXTENSION__INIT);
        return out->extension_value != NULL;
    default: return true;
    }
}

static pbc_set *from_set(pt_arena *a, const spb_property_set *in)
{
    pbc_set *out = NEW(a, pbc_set, SPB__PBC__PAYLOAD__PROPERTY_SET__INIT);
    if (!out) return NULL;
    out->keys = pt_arena_array(a, in->n, sizeof *out->keys);
    out->values = pt_arena_array(a, in->n, sizeof *out->values);
    if (!out->keys || !out->values) return NULL;
    out->n_keys = out->n_values = in->n;
    for (uint32_t i = 0; i < in->n; i++) {
        out->keys[i] = data_of(in->items[i].key);
        out->values[i] = NEW(a, pbc_property, SPB__PBC__PAYLOAD__PROPERTY_VALUE__INIT);
        if (!out->values[i] || !from_property(a, &in->items[i], out->values[i])) return NULL;
    }
    return out;
}

static pbc_metadata *from_metadata(pt_arena *a, const spb_metadata *in)
{
    pbc_metadata *out = NEW(a, pbc_metadata, SPB__PBC__PAYLOAD__META_DATA__INIT);
    if (!out) return NULL;
    out->has_is_multi_part = in->has_multi_part;
    out->is_multi_part = in->is_multi_part;
    out->content_type = optional(in->content_type, &out->has_content_type);
    out->has_size = in->has_size;
    out->size = in->size;
    out->has_seq = in->has_seq;
    out->seq = in->seq;
    out->file_name = optional(in->file_name, &out->has_file_name);
    out->file_type = optional(in->file_type, &out->has_file_type);
    out->md5 = optional(in->md5, &out->has_md5);
    out->description = optional(in->description, &out->has_description);
    return out;
}

static bool from_cell(pt_arena *a, const spb_cell *in, pbc_cell *out)
{
    switch (in->wire) {
    case SPB_WIRE_INT:
        out->value_case = SPB__PBC__PAYLOAD__DATA_SET__DATA_SET_VALUE__VALUE_INT_VALUE;
        out->int_value = in->value.u32;
        return true;
    case SPB_WIRE_LONG:
        out->value_case = SPB__PBC__PAYLOAD__DATA_SET__DATA_SET_VALUE__VALUE_LONG_VALUE;
        out->long_value = in->value.u64;
        return true;
    case SPB_WIRE_FLOAT:
        out->value_case = SPB__PBC__PAYLOAD__DATA_SET__DATA_SET_VALUE__VALUE_FLOAT_VALUE;
        out->float_value = in->value.f32;
        return true;
    case SPB_WIRE_DOUBLE:
        out->value_case = SPB__PBC__PAYLOAD__DATA_SET__DATA_SET_VALUE__VALUE_DOUBLE_VALUE;
        out->double_value = in->value.f64;
        return true;
    case SPB_WIRE_BOOL:
        out->value_case = SPB__PBC__PAYLOAD__DATA_SET__DATA_SET_VALUE__VALUE_BOOLEAN_VALUE;
        out->boolean_value = in->value.boolean;
        return true;
    case SPB_WIRE_STRING:
        out->value_case = SPB__PBC__PAYLOAD__DATA_SET__DATA_SET_VALUE__VALUE_STRING_VALUE;
        out->string_value = data_of(in->value.bytes);
        return true;
    case SPB_WIRE_EXTENSION:
        out->value_case = SPB__PBC__PAYLOAD__DATA_SET__DATA_SET_VALUE__VALUE_EXTENSION_VALUE;
        out->extension_value = NEW(a, Spb__Pbc__Payload__DataSet__DataSetValue__DataSetValueExtension,
                                   SPB__PBC__PAYLOAD__DATA_SET__DATA_SET_VALUE__DATA_SET_VALUE_EXTENSION__INIT);
        return out->extension_value != NULL;
    default: return true;
    }
}

static pbc_dataset *from_dataset(pt_arena *a, const spb_dataset *in)
{
    pbc_dataset *out = NEW(a, pbc_dataset, SPB__PBC__PAYLOAD__DATA_SET__INIT);
    if (!out) return NULL;
    out->has_num_of_columns = in->has_num_of_columns;
    out->num_of_columns = in->num_of_columns;
    out->columns = pt_arena_array(a, in->n_columns, sizeof *out->columns);
    out->rows = pt_arena_array(a, in->n_rows, sizeof *out->rows);
    if (!out->columns || !out->rows) return NULL;
    out->n_columns = in->n_columns;
    out->n_types = in->n_types;
    out->types = in->types;
    out->n_rows = in->n_rows;
    for (uint32_t i = 0; i < in->n_columns; i++)
        out->columns[i] = data_of(in->columns[i]);
    for (uint32_t r = 0; r < in->n_rows; r++) {
        pbc_row *row = out->rows[r] = NEW(a, pbc_row, SPB__PBC__PAYLOAD__DATA_SET__ROW__INIT);
        if (!row || !(row->elements = pt_arena_array(a, in->row_cells[r], sizeof *row->elements))) return NULL;
        row->n_elements = in->row_cells[r];
        for (uint32_t c = 0; c < in->row_cells[r]; c++) {
            row->elements[c] = NEW(a, pbc_cell, SPB__PBC__PAYLOAD__DATA_SET__DATA_SET_VALUE__INIT);
            if (!row->elements[c] || !from_cell(a, &in->rows[r][c], row->elements[c])) return NULL;
        }
    }
    return out;
}

static bool from_parameter(pt_arena *a, const spb_parameter *in, pbc_parameter *out)
{
    out->name = optional(in->name, &out->has_name);
    out->has_type = in->has_type;
    out->type = in->type;
    switch (in->cell.wire) {
    case SPB_WIRE_INT:
        out->value_case = SPB__PBC__PAYLOAD__TEMPLATE__PARAMETER__VALUE_INT_VALUE;
        out->int_value = in->cell.value.u32;
        return true;
    case SPB_WIRE_LONG:
        out->value_case = SPB__PBC__PAYLOAD__TEMPLATE__PARAMETER__VALUE_LONG_VALUE;
        out->long_value = in->cell.value.u64;
        return true;
    case SPB_WIRE_FLOAT:
        out->value_case = SPB__PBC__PAYLOAD__TEMPLATE__PARAMETER__VALUE_FLOAT_VALUE;
        out->float_value = in->cell.value.f32;
        return true;
    case SPB_WIRE_DOUBLE:
        out->value_case = SPB__PBC__PAYLOAD__TEMPLATE__PARAMETER__VALUE_DOUBLE_VALUE;
        out->double_value = in->cell.value.f64;
        return true;
    case SPB_WIRE_BOOL:
        out->value_case = SPB__PBC__PAYLOAD__TEMPLATE__PARAMETER__VALUE_BOOLEAN_VALUE;
        out->boolean_value = in->cell.value.boolean;
        return true;
    case SPB_WIRE_STRING:
        out->value_case = SPB__PBC__PAYLOAD__TEMPLATE__PARAMETER__VALUE_STRING_VALUE;
        out->string_value = data_of(in->cell.value.bytes);
        return true;
    case SPB_WIRE_EXTENSION:
        out->value_case = SPB__PBC__PAYLOAD__TEMPLATE__PARAMETER__VALUE_EXTENSION_VALUE;
        out->extension_value = NEW(a, Spb__Pbc__Payload__Template__Parameter__ParameterValueExtension,
                                   SPB__PBC__PAYLOAD__TEMPLATE__PARAMETER__PARAMETER_VALUE_EXTENSION__INIT);
        return out->extension_value != NULL;
    default: return true;
    }
}

static pbc_metric *from_metric(pt_arena *a, const spb_metric *in);

static pbc_template *from_template(pt_arena *a, const spb_template *in)
{
    pbc_template *out = NEW(a, pbc_template, SPB__PBC__PAYLOAD__TEMPLATE__INIT);
    if (!out) return NULL;
    out->version = optional(in->version, &out->has_version);
    out->template_ref = optional(in->template_ref, &out->has_template_ref);
    out->has_is_definition = in->has_is_definition;
    out->is_definition = in->is_definition;
    out->metrics = pt_arena_array(a, in->n_metrics, sizeof *out->metrics);
    out->parameters = pt_arena_array(a, in->n_parameters, sizeof *out->parameters);
    if (!out->metrics || !out->parameters) return NULL;
    out->n_metrics = in->n_metrics;
    out->n_parameters = in->n_parameters;
    for (uint32_t i = 0; i < in->n_metrics; i++) {
        if (!(out->metrics[i] = from_metric(a, &in->metrics[i]))) return NULL;
    }
    for (uint32_t i = 0; i < in->n_parameters; i++) {
        out->parameters[i] = NEW(a, pbc_parameter, SPB__PBC__PAYLOAD__TEMPLATE__PARAMETER__INIT);
        if (!out->parameters[i] || !from_parameter(a, &in->parameters[i], out->parameters[i])) return NULL;
    }
    return out;
}

static bool from_value(pt_arena *a, const spb_metric *in, pbc_metric *out)
{
    switch (in->wire) {
    case SPB_WIRE_INT:
        out->value_case = SPB__PBC__PAYLOAD__METRIC__VALUE_INT_VALUE;
        out->int_value = in->value.u32;
        return true;
    case SPB_WIRE_LONG:
        out->value_case = SPB__PBC__PAYLOAD__METRIC__VALUE_LONG_VALUE;
        out->long_value = in->value.u64;
        return true;
    case SPB_WIRE_FLOAT:
        out->value_case = SPB__PBC__PAYLOAD__METRIC__VALUE_FLOAT_VALUE;
        out->float_value = in->value.f32;
        return true;
    case SPB_WIRE_DOUBLE:
        out->value_case = SPB__PBC__PAYLOAD__METRIC__VALUE_DOUBLE_VALUE;
        out->double_value = in->value.f64;
        return true;
    case SPB_WIRE_BOOL:
        out->value_case = SPB__PBC__PAYLOAD__METRIC__VALUE_BOOLEAN_VALUE;
        out->boolean_value = in->value.boolean;
        return true;
    case SPB_WIRE_STRING:
        out->value_case = SPB__PBC__PAYLOAD__METRIC__VALUE_STRING_VALUE;
        out->string_value = data_of(in->value.bytes);
        return true;
    case SPB_WIRE_BYTES:
        out->value_case = SPB__PBC__PAYLOAD__METRIC__VALUE_BYTES_VALUE;
        out->bytes_value = data_of(in->value.bytes);
        return true;
    case SPB_WIRE_DATASET:
        out->value_case = SPB__PBC__PAYLOAD__METRIC__VALUE_DATASET_VALUE;
        return (out->dataset_value = from_dataset(a, in->value.dataset)) != NULL;
    case SPB_WIRE_TEMPLATE:
        out->value_case = SPB__PBC__PAYLOAD__METRIC__VALUE_TEMPLATE_VALUE;
        return (out->template_value = from_template(a, in->value.tmpl)) != NULL;
    case SPB_WIRE_EXTENSION:
        out->value_case = SPB__PBC__PAYLOAD__METRIC__VALUE_EXTENSION_VALUE;
        out->extension_value =
            NEW(a, Spb__Pbc__Payload__Metric__MetricValueExtension, SPB__PBC__PAYLOAD__METRIC__METRIC_VALUE_EXTENSION__INIT);
        return out->extension_value != NULL;
    default: return true;
    }
}

static pbc_metric *from_metric(pt_arena *a, const spb_metric *in)
{
    pbc_metric *out = NEW(a, pbc_metric, SPB__PBC__PAYLOAD__METRIC__INIT);
    if (!out) return NULL;
    unsigned f = in->flags;
    out->has_name = (f & SPB_HAS_NAME) != 0;
    out->name = data_of(in->name);
    out->has_alias = (f & SPB_HAS_ALIAS) != 0;
    out->alias = in->alias;
    out->has_timestamp = (f & SPB_HAS_TIMESTAMP) != 0;
    out->timestamp = in->timestamp;
    out->has_datatype = (f & SPB_HAS_DATATYPE) != 0;
    out->datatype = in->datatype;
    out->has_is_historical = (f & SPB_HAS_HISTORICAL) != 0;
    out->is_historical = (f & SPB_IS_HISTORICAL) != 0;
    out->has_is_transient = (f & SPB_HAS_TRANSIENT) != 0;
    out->is_transient = (f & SPB_IS_TRANSIENT) != 0;
    out->has_is_null = (f & SPB_HAS_NULL) != 0;
    out->is_null = (f & SPB_IS_NULL) != 0;
    if (in->metadata && !(out->metadata = from_metadata(a, in->metadata))) return NULL;
    if (in->properties && !(out->properties = from_set(a, in->properties))) return NULL;
    return from_value(a, in, out) ? out : NULL;
}

static pbc_payload *from_payload(pt_arena *a, const spb_payload *in)
{
    pbc_payload *out = NEW(a, pbc_payload, SPB__PBC__PAYLOAD__INIT);
    if (!out || !(out->metrics = pt_arena_array(a, in->n_metrics, sizeof *out->metrics))) return NULL;
    out->has_timestamp = in->has_timestamp;
    out->timestamp = in->timestamp;
    out->has_seq = in->has_seq;
    out->seq = in->seq;
    out->uuid = optional(in->uuid, &out->has_uuid);
    out->body = optional(in->body, &out->has_body);
    out->n_metrics = in->n_metrics;
    for (uint32_t i = 0; i < in->n_metrics; i++) {
        if (!(out->metrics[i] = from_metric(a, &in->metrics[i]))) return NULL;
    }
    return out;
}

pt_status spb_payload_encode_pbc(const spb_payload *p, pt_buf *out)
{
    pt_arena arena;
    pt_arena_init(&arena, (size_t)1 << 32);
    pt_status st = PT_ENOMEM;
    const pbc_payload *msg = from_payload(&arena, p);
    if (msg) {
        size_t n = spb__pbc__payload__get_packed_size(msg);
        st = pt_buf_reserve(out, n);
        if (st == PT_OK) out->len += spb__pbc__payload__pack(msg, (uint8_t *)out->ptr + out->len);
    }
    pt_arena_fini(&arena);
    return st;
}
