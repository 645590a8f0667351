/* edge-node/codec.c -- see codec.h. Messages are nanopb's; what nanopb leaves to callbacks is here.
 *
 * Slices: an absent field has ptr NULL. A present, empty one has ptr non-NULL and len 0 and is written as length 0. */
#include "edge-node/codec.h"

#include <pb_decode.h>
#include <pb_encode.h>

#define DEPTH_MAX 8
#define END_ROOM  11 /* tag and longest varint of seq */

/* Reading goes over a cursor of our own, so that a field callback can borrow the bytes instead of copying them. */
typedef struct cursor {
    const pb_byte_t *at;
} cursor;

static bool cursor_read(pb_istream_t *stream, pb_byte_t *buf, size_t count)
{
    cursor *c = stream->state;
    if (buf) memcpy(buf, c->at, count);
    c->at += count;
    return true;
}

static pb_istream_t istream_of(cursor *c, pt_slice s)
{
    c->at = (const pb_byte_t *)s.ptr;
    return (pb_istream_t){ .callback = cursor_read, .state = c, .bytes_left = s.len };
}

static pb_ostream_t ostream_of(void *buf, size_t cap)
{
    return pb_ostream_from_buffer(buf, cap);
}

static bool slice_field(pb_istream_t *in, pb_ostream_t *out, const pb_field_iter_t *field)
{
    pt_slice *s = field->pData;
    if (out) {
        if (!s->ptr) return true;
        return pb_encode_tag_for_field(out, field) && pb_encode_string(out, (const pb_byte_t *)s->ptr, s->len);
    }
    if (in) {
        /* of a wrong wire type (a number where bytes belong) nanopb hands over a stream of its own with a copy of the scalar */
        if (in->callback != cursor_read) return false;
        const cursor *c = in->state;
        *s = pt_slice_of(c->at, in->bytes_left);
        if (PB_HTYPE(field->type) == PB_HTYPE_ONEOF) *(pb_size_t *)field->pSize = field->tag; /* nanopb leaves that to callbacks */
        return pb_read(in, NULL, in->bytes_left);
    }
    return true;
}

bool edge__pb_slice_field(pb_istream_t *in, pb_ostream_t *out, const pb_field_iter_t *field);
bool edge__pb_slice_field(pb_istream_t *in, pb_ostream_t *out, const pb_field_iter_t *field)
{
    return slice_field(in, out, field);
}

bool edge__pb_template_field(pb_istream_t *in, pb_ostream_t *out, const pb_field_iter_t *field);
bool edge__pb_template_field(pb_istream_t *in, pb_ostream_t *out, const pb_field_iter_t *field)
{
    if (field->tag == edge_pb_Payload_Template_version_tag || field->tag == edge_pb_Payload_Template_template_ref_tag)
        return slice_field(in, out, field);
    return pb_default_field_callback(in, out, field);
}

bool edge__pb_payload_field(pb_istream_t *in, pb_ostream_t *out, const pb_field_iter_t *field);
bool edge__pb_payload_field(pb_istream_t *in, pb_ostream_t *out, const pb_field_iter_t *field)
{
    if (field->tag == edge_pb_Payload_metrics_tag) return pb_default_field_callback(in, out, field);
    return slice_field(in, out, field);
}

/* --- payload writer --- */

void edge__writer_init(edge__writer *w, void *buf, size_t cap)
{
    *w = (edge__writer){ .buf = buf, .cap = cap };
}

pt_status edge__writer_begin(edge__writer *w, int64_t timestamp_ms)
{
    w->len = 0;
    w->metrics = 0;
    if (w->cap < END_ROOM) return PT_ETOOBIG;
    if (timestamp_ms < 0) return PT_OK;
    edge_pb_Payload p = { 0 };
    p.has_timestamp = true;
    p.timestamp = (uint64_t)timestamp_ms;
    pb_ostream_t out = ostream_of(w->buf, w->cap - END_ROOM);
    if (!pb_encode(&out, edge_pb_Payload_fields, &p)) return PT_ETOOBIG;
    w->len = out.bytes_written;
    return PT_OK;
}

pt_status edge__writer_metric(edge__writer *w, const edge__metric_pb *m)
{
    pb_ostream_t out = ostream_of(w->buf + w->len, w->cap - w->len - END_ROOM);
    if (!pb_encode_tag(&out, PB_WT_STRING, edge_pb_Payload_metrics_tag) || !pb_encode_submessage(&out, edge_pb_Payload_Metric_fields, m))
        return PT_ETOOBIG;
    w->len += out.bytes_written;
    w->metrics++;
    return PT_OK;
}

void edge__writer_end(edge__writer *w, int seq)
{
    if (seq < 0) return;
    edge_pb_Payload p = { 0 };
    p.has_seq = true;
    p.seq = (uint64_t)seq;
    pb_ostream_t out = ostream_of(w->buf + w->len, w->cap - w->len);
    if (pb_encode(&out, edge_pb_Payload_fields, &p)) w->len += out.bytes_written; /* END_ROOM was kept: cannot fail */
}

/* --- values --- */

void edge__metric_type(edge__metric_pb *m, uint32_t datatype)
{
    m->has_datatype = true;
    m->datatype = datatype;
}

/* A value lies in a oneof: of a metric, a property, a parameter or a cell. They have the same kinds of fields, which all begin where the
 * union begins, under different tags: which field it is, is spb_wire; the rest is these tables. */
#define BASIC_TAGS(message)                                                                                                             \
    [SPB_WIRE_INT] = message##_int_value_tag, [SPB_WIRE_LONG] = message##_long_value_tag, [SPB_WIRE_FLOAT] = message##_float_value_tag, \
    [SPB_WIRE_DOUBLE] = message##_double_value_tag, [SPB_WIRE_BOOL] = message##_boolean_value_tag,                                      \
    [SPB_WIRE_STRING] = message##_string_value_tag
static const pb_size_t metric_tags[SPB_WIRE_TEMPLATE + 1] = {
    BASIC_TAGS(edge_pb_Payload_Metric), [SPB_WIRE_BYTES] = edge_pb_Payload_Metric_bytes_value_tag,
    [SPB_WIRE_DATASET] = edge_pb_Payload_Metric_dataset_value_tag, [SPB_WIRE_TEMPLATE] = edge_pb_Payload_Metric_template_value_tag
};
static const pb_size_t property_tags[] = { BASIC_TAGS(edge_pb_Payload_PropertyValue) };
static const pb_size_t parameter_tags[] = { BASIC_TAGS(edge_pb_Payload_Template_Parameter) };
static const pb_size_t cell_tags[] = { BASIC_TAGS(edge_pb_Payload_DataSet_DataSetValue) };
static const uint8_t field_size[] = { [SPB_WIRE_INT] = 4,
                                      [SPB_WIRE_LONG] = 8,
                                      [SPB_WIRE_FLOAT] = 4,
                                      [SPB_WIRE_DOUBLE] = 8,
                                      [SPB_WIRE_BOOL] = sizeof(bool),
                                      [SPB_WIRE_STRING] = sizeof(pt_slice),
                                      [SPB_WIRE_BYTES] = sizeof(pt_slice),
                                      [SPB_WIRE_DATASET] = sizeof(pt_slice),
                                      [SPB_WIRE_TEMPLATE] = sizeof(pt_slice) };
/* Integers depend on their width besides. */
static const uint8_t class_wire[] = {
    [SPB_CLASS_SIGNED] = SPB_WIRE_INT,       [SPB_CLASS_UNSIGNED] = SPB_WIRE_INT, [SPB_CLASS_FLOAT] = SPB_WIRE_FLOAT,
    [SPB_CLASS_DOUBLE] = SPB_WIRE_DOUBLE,    [SPB_CLASS_BOOLEAN] = SPB_WIRE_BOOL, [SPB_CLASS_STRING] = SPB_WIRE_STRING,
    [SPB_CLASS_BYTES] = SPB_WIRE_BYTES,      [SPB_CLASS_ARRAY] = SPB_WIRE_BYTES,  [SPB_CLASS_DATASET] = SPB_WIRE_DATASET,
    [SPB_CLASS_TEMPLATE] = SPB_WIRE_TEMPLATE
};

/* The field for a type: 32 bits and less go to int_value, Int64, UInt64 and DateTime to long_value. */
static spb_wire wire_of(uint32_t type, bool uint32_long)
{
    if (type == SPB_INT64 || type == SPB_UINT64 || type == SPB_DATETIME || (type == SPB_UINT32 && uint32_long)) return SPB_WIRE_LONG;
    spb_class k = spb_datatype_class(type);
    return (size_t)k < sizeof class_wire ? (spb_wire)class_wire[k] : SPB_WIRE_NONE;
}

/* Put `v` into a oneof: its union and its selector. */
static void put_value(void *oneof, pb_size_t *which, const pb_size_t *tags, const spb_value *v, bool uint32_long)
{
    spb_wire wire = wire_of(v->type, uint32_long);
    spb_wire_value field = { .u64 = 0 };
    switch (wire) {
    case SPB_WIRE_INT: /* Int8..Int32 sign-extended to 32 bits */ field.u32 = (uint32_t)v->as.u64; break;
    case SPB_WIRE_LONG: field.u64 = v->as.u64; break;
    case SPB_WIRE_FLOAT: field.f32 = v->as.f32; break;
    case SPB_WIRE_DOUBLE: field.f64 = v->as.f64; break;
    case SPB_WIRE_BOOL: field.boolean = v->as.boolean; break;
    default: field.bytes = pt_slice_of(v->as.bytes.ptr ? v->as.bytes.ptr : "", v->as.bytes.len); break;
    }
    memcpy(oneof, &field, field_size[wire]);
    *which = tags[wire];
}

void edge__metric_set(edge__metric_pb *m, const spb_value *v, bool uint32_long)
{
    m->which_value = 0;
    m->has_is_null = m->is_null = v->is_null || wire_of(v->type, false) == SPB_WIRE_NONE;
    if (!m->is_null) put_value(&m->value, &m->which_value, metric_tags, v, uint32_long);
}

/* --- property sets --- */

typedef struct properties_out {
    const edge_property *items;
    uint32_t n, depth;
    spb_quality quality;
} properties_out;

static bool encode_set(pb_ostream_t *out, const properties_out *set);

static bool encode_value(pb_ostream_t *out, const edge_property *p, uint32_t depth)
{
    edge_pb_Payload_PropertyValue v = { 0 };
    v.has_type = true;
    v.type = p->value.type;
    if (p->value.type == SPB_PROPERTYSET || p->value.type == SPB_PROPERTYSETLIST) {
        /* nested messages are written field by field: their size is not known before */
        if (depth + 1 >= DEPTH_MAX) return false;
        if (!pb_encode_tag(out, PB_WT_VARINT, edge_pb_Payload_PropertyValue_type_tag) || !pb_encode_varint(out, v.type)) return false;
        bool list = p->value.type == SPB_PROPERTYSETLIST;
        properties_out inner = { p->items, p->n, depth + 1, SPB_GOOD };
        if (!list) {
            pb_ostream_t size = PB_OSTREAM_SIZING;
            return encode_set(&size, &inner) && pb_encode_tag(out, PB_WT_STRING, edge_pb_Payload_PropertyValue_propertyset_value_tag) &&
                   pb_encode_varint(out, size.bytes_written) && encode_set(out, &inner);
        }
        for (int pass = 0; pass < 2; pass++) {
            pb_ostream_t size = PB_OSTREAM_SIZING, *o = pass ? out : &size;
            for (uint32_t i = 0; i < p->n; i++) {
                properties_out one = { p->items[i].items, p->items[i].n, depth + 1, SPB_GOOD };
                pb_ostream_t s = PB_OSTREAM_SIZING;
                if (!encode_set(&s, &one) || !pb_encode_tag(o, PB_WT_STRING, edge_pb_Payload_PropertySetList_propertyset_tag) ||
                    !pb_encode_varint(o, s.bytes_written) || !encode_set(o, &one))
                    return false;
            }
            if (pass == 0 && (!pb_encode_tag(out, PB_WT_STRING, edge_pb_Payload_PropertyValue_propertysets_value_tag) ||
                              !pb_encode_varint(out, size.bytes_written)))
                return false;
        }
        return true;
    }
    if (!spb_datatype_is_basic(p->value.type)) return false;
    if (p->value.is_null) v.has_is_null = v.is_null = true;
    else put_value(&v.value, &v.which_value, property_tags, &p->value, false);
    return pb_encode(out, edge_pb_Payload_PropertyValue_fields, &v);
}

static bool encode_key(pb_ostream_t *out, pt_slice key)
{
    return pb_encode_tag(out, PB_WT_STRING, edge_pb_Payload_PropertySet_keys_tag) &&
           pb_encode_string(out, (const pb_byte_t *)key.ptr, key.len);
}

static bool encode_sized_value(pb_ostream_t *out, const edge_property *p, uint32_t depth)
{
    pb_ostream_t size = PB_OSTREAM_SIZING;
    return encode_value(&size, p, depth) && pb_encode_tag(out, PB_WT_STRING, edge_pb_Payload_PropertySet_values_tag) &&
           pb_encode_varint(out, size.bytes_written) && encode_value(out, p, depth);
}

static edge_property quality_property(spb_quality q)
{
    /* 192 GOOD, 0 BAD, 500 STALE; Sparkplug has no UNCERTAIN: BAD is the safe reading */
    int64_t code = q == SPB_GOOD ? 192 : q == SPB_STALE ? 500 : 0;
    return (edge_property){ .key = PT_LIT("Quality"), .value = { .type = SPB_INT32, .as = { .i64 = code } } };
}

static bool encode_set(pb_ostream_t *out, const properties_out *set)
{
    edge_property q = quality_property(set->quality);
    if (set->quality != SPB_GOOD && !encode_key(out, q.key)) return false;
    for (uint32_t i = 0; i < set->n; i++)
        if (!encode_key(out, set->items[i].key)) return false;
    if (set->quality != SPB_GOOD && !encode_sized_value(out, &q, 0)) return false;
    for (uint32_t i = 0; i < set->n; i++)
        if (!encode_sized_value(out, &set->items[i], set->depth)) return false;
    return true;
}

/* Encoding failed: because of room, or because of the data? A sizing run without a limit tells. */
static pt_status why_set(const properties_out *set)
{
    pb_ostream_t size = PB_OSTREAM_SIZING;
    return encode_set(&size, set) ? PT_ETOOBIG : PT_EINVAL;
}

pt_status edge__encode_properties(const edge_property *items, uint32_t n, spb_quality quality, void *buf, size_t cap, size_t *len)
{
    properties_out set = { items, n, 0, quality };
    pb_ostream_t out = ostream_of(buf, cap);
    if (!encode_set(&out, &set)) return why_set(&set);
    *len = out.bytes_written;
    return PT_OK;
}

pt_status edge__encode_quality(spb_quality quality, pt_slice properties, void *buf, size_t cap, size_t *len)
{
    /* keys and values are two repeated fields: a set in front of another one is their concatenation */
    properties_out set = { NULL, 0, 0, quality };
    pb_ostream_t out = ostream_of(buf, cap);
    if (!encode_set(&out, &set) || (properties.len && !pb_write(&out, (const pb_byte_t *)properties.ptr, properties.len)))
        return PT_ETOOBIG;
    *len = out.bytes_written;
    return PT_OK;
}

pt_status edge__encode_metadata(const spb_metadata *md, void *buf, size_t cap, size_t *len)
{
    edge_pb_Payload_MetaData m = { 0 };
    m.has_is_multi_part = md->has_multi_part;
    m.is_multi_part = md->is_multi_part;
    m.content_type = md->content_type;
    m.has_size = md->has_size;
    m.size = md->size;
    m.has_seq = md->has_seq;
    m.seq = md->seq;
    m.file_name = md->file_name;
    m.file_type = md->file_type;
    m.md5 = md->md5;
    m.description = md->description;
    pb_ostream_t out = ostream_of(buf, cap);
    if (!pb_encode(&out, edge_pb_Payload_MetaData_fields, &m)) return PT_ETOOBIG;
    *len = out.bytes_written;
    return PT_OK;
}

/* --- data sets --- */

typedef struct dataset_out {
    const edge_dataset *ds;
    uint32_t row;
    bool uint32_long, bad;
} dataset_out;

static bool dataset_columns(pb_ostream_t *out, const pb_field_iter_t *field, void *const *arg)
{
    const dataset_out *d = *arg;
    for (uint32_t i = 0; i < d->ds->n_columns; i++)
        if (!pb_encode_tag_for_field(out, field) || !pb_encode_string(out, (const pb_byte_t *)d->ds->columns[i].ptr, d->ds->columns[i].len))
            return false;
    return true;
}

static bool dataset_types(pb_ostream_t *out, const pb_field_iter_t *field, void *const *arg)
{
    const dataset_out *d = *arg;
    for (uint32_t i = 0; i < d->ds->n_columns; i++) /* not packed: proto2 */
        if (!pb_encode_tag(out, PB_WT_VARINT, field->tag) || !pb_encode_varint(out, d->ds->types[i])) return false;
    return true;
}

static bool row_elements(pb_ostream_t *out, const pb_field_iter_t *field, void *const *arg)
{
    const dataset_out *d = *arg;
    for (uint32_t i = 0; i < d->ds->n_columns; i++) {
        const spb_value *v = &d->ds->cells[(size_t)d->row * d->ds->n_columns + i];
        edge_pb_Payload_DataSet_DataSetValue c = { 0 };
        put_value(&c.value, &c.which_value, cell_tags, v, d->uint32_long);
        if (!pb_encode_tag_for_field(out, field) || !pb_encode_submessage(out, edge_pb_Payload_DataSet_DataSetValue_fields, &c))
            return false;
    }
    return true;
}

static bool dataset_rows(pb_ostream_t *out, const pb_field_iter_t *field, void *const *arg)
{
    const dataset_out *d = *arg;
    for (uint32_t i = 0; i < d->ds->n_rows; i++) {
        dataset_out one = { d->ds, i, d->uint32_long, false };
        edge_pb_Payload_DataSet_Row row = { 0 };
        row.elements.funcs.encode = row_elements;
        row.elements.arg = &one;
        if (!pb_encode_tag_for_field(out, field) || !pb_encode_submessage(out, edge_pb_Payload_DataSet_Row_fields, &row)) return false;
    }
    return true;
}

pt_status edge__encode_dataset(const edge_dataset *ds, bool uint32_long, void *buf, size_t cap, size_t *len)
{
    for (uint32_t i = 0; i < ds->n_columns; i++)
        if (!spb_datatype_is_basic(ds->types[i])) return PT_EINVAL;
    for (size_t i = 0; i < (size_t)ds->n_rows * ds->n_columns; i++)
        if (ds->cells[i].is_null || ds->cells[i].type != ds->types[i % ds->n_columns]) return PT_EINVAL;
    dataset_out d = { ds, 0, uint32_long, false };
    edge_pb_Payload_DataSet m = { 0 };
    m.has_num_of_columns = true;
    m.num_of_columns = ds->n_columns;
    m.columns.funcs.encode = dataset_columns;
    m.types.funcs.encode = dataset_types;
    m.rows.funcs.encode = dataset_rows;
    m.columns.arg = m.types.arg = m.rows.arg = &d;
    pb_ostream_t out = ostream_of(buf, cap);
    if (!pb_encode(&out, edge_pb_Payload_DataSet_fields, &m)) return PT_ETOOBIG;
    *len = out.bytes_written;
    return PT_OK;
}

pt_status edge_dataset_encode(const edge_dataset *ds, void *buf, size_t cap, size_t *len)
{
    return edge__encode_dataset(ds, false, buf, cap, len);
}

typedef struct dataset_in {
    uint64_t columns, types;
    uint64_t narrowest, widest; /* cells per row */
    bool any_row, bad;
} dataset_in;

static bool count_column(pb_istream_t *in, const pb_field_iter_t *field, void **arg)
{
    (void)field;
    dataset_in *d = *arg;
    d->columns++;
    return pb_read(in, NULL, in->bytes_left);
}

static bool count_type(pb_istream_t *in, const pb_field_iter_t *field, void **arg)
{
    (void)field;
    dataset_in *d = *arg;
    uint32_t type = 0;
    while (in->bytes_left) { /* packed and unpacked */
        if (!pb_decode_varint32(in, &type)) return false;
        if (!spb_datatype_is_basic(type)) d->bad = true;
        d->types++;
    }
    return true;
}

static bool count_cell(pb_istream_t *in, const pb_field_iter_t *field, void **arg)
{
    (void)field;
    uint64_t *cells = *arg;
    (*cells)++;
    edge_pb_Payload_DataSet_DataSetValue v = { 0 };
    return pb_decode(in, edge_pb_Payload_DataSet_DataSetValue_fields, &v);
}

static bool count_row(pb_istream_t *in, const pb_field_iter_t *field, void **arg)
{
    (void)field;
    dataset_in *d = *arg;
    uint64_t cells = 0;
    edge_pb_Payload_DataSet_Row row = { 0 };
    row.elements.funcs.decode = count_cell;
    row.elements.arg = &cells;
    if (!pb_decode(in, edge_pb_Payload_DataSet_Row_fields, &row)) return false;
    if (!d->any_row || cells < d->narrowest) d->narrowest = cells;
    if (!d->any_row || cells > d->widest) d->widest = cells;
    d->any_row = true;
    return true;
}

pt_status edge__check_dataset(pt_slice bytes)
{
    cursor c;
    pb_istream_t in = istream_of(&c, bytes);
    dataset_in d = { 0 };
    edge_pb_Payload_DataSet m = { 0 };
    m.columns.funcs.decode = count_column;
    m.types.funcs.decode = count_type;
    m.rows.funcs.decode = count_row;
    m.columns.arg = m.types.arg = m.rows.arg = &d;
    if (!pb_decode(&in, edge_pb_Payload_DataSet_fields, &m) || d.bad) return PT_EMALFORMED;
    if (!m.has_num_of_columns || m.num_of_columns != d.columns || d.columns != d.types) return PT_EMALFORMED;
    if (d.any_row && (d.narrowest != d.columns || d.widest != d.columns)) return PT_EMALFORMED;
    return PT_OK;
}

/* --- templates --- */

struct edge__template_out {
    pb_ostream_t *out;
    const pb_field_iter_t *field;
};

bool edge__template_member(edge__template_out *out, const edge__metric_pb *m)
{
    return pb_encode_tag_for_field(out->out, out->field) && pb_encode_submessage(out->out, edge_pb_Payload_Metric_fields, m);
}

static bool template_members(pb_ostream_t *out, const pb_field_iter_t *field, void *const *arg)
{
    const edge__template *t = *arg;
    edge__template_out o = { out, field };
    return !t->members || t->members(t->ctx, &o);
}

static bool template_parameters(pb_ostream_t *out, const pb_field_iter_t *field, void *const *arg)
{
    const edge__template *t = *arg;
    for (uint32_t i = 0; i < t->n_parameters; i++) {
        const edge__parameter *in = &t->parameters[i];
        edge_pb_Payload_Template_Parameter p = { 0 };
        p.name = in->name;
        p.has_type = true;
        p.type = in->value.type;
        if (!in->value.is_null) put_value(&p.value, &p.which_value, parameter_tags, &in->value, t->uint32_long);
        if (!pb_encode_tag_for_field(out, field) || !pb_encode_submessage(out, edge_pb_Payload_Template_Parameter_fields, &p)) return false;
    }
    return true;
}

pt_status edge__encode_template(const edge__template *t, void *buf, size_t cap, size_t *len)
{
    edge_pb_Payload_Template m = { 0 };
    edge__template copy = *t;
    m.version = t->version;
    m.template_ref = t->ref;
    m.has_is_definition = true;
    m.is_definition = t->is_definition;
    m.metrics.funcs.encode = template_members;
    m.parameters.funcs.encode = template_parameters;
    m.metrics.arg = m.parameters.arg = &copy;
    pb_ostream_t out = ostream_of(buf, cap);
    if (!pb_encode(&out, edge_pb_Payload_Template_fields, &m)) return PT_ETOOBIG;
    *len = out.bytes_written;
    return PT_OK;
}

/* --- reading --- */

typedef struct reader {
    uint32_t left;
    bool too_many;
    void (*each)(void *ctx, const edge__command_metric *m);
    void *ctx;
} reader;

static bool read_metric(pb_istream_t *in, const pb_field_iter_t *field, void **arg)
{
    (void)field;
    reader *r = *arg;
    if (r->left == 0) {
        r->too_many = true;
        return false;
    }
    r->left--;
    edge__metric_pb m = { 0 };
    if (!pb_decode(in, edge_pb_Payload_Metric_fields, &m)) return false;
    edge__command_metric out = { .name = m.name,
                                 .has_alias = m.has_alias,
                                 .alias = m.alias,
                                 .has_datatype = m.has_datatype,
                                 .datatype = m.datatype,
                                 .is_null = m.has_is_null && m.is_null };
    for (size_t wire = SPB_WIRE_INT; wire < PT_COUNT_OF(metric_tags); wire++)
        if (m.which_value && metric_tags[wire] == m.which_value) {
            out.wire = (uint8_t)wire;
            memcpy(&out.value, &m.value, field_size[wire]);
        }
    r->each(r->ctx, &out);
    return true;
}

pt_status edge__decode_metrics(pt_slice payload, uint32_t max_metrics, void (*each)(void *ctx, const edge__command_metric *m), void *ctx)
{
    if (payload.len == 0) return PT_EMALFORMED;
    reader r = { max_metrics, false, each, ctx };
    edge_pb_Payload p = { 0 };
    p.metrics.funcs.decode = read_metric;
    p.metrics.arg = &r;
    cursor c;
    pb_istream_t in = istream_of(&c, payload);
    if (pb_decode(&in, edge_pb_Payload_fields, &p)) return PT_OK;
    return r.too_many ? PT_ETOOBIG : PT_EMALFORMED;
}

pt_status edge__decode_members(pt_slice bytes, uint32_t max_metrics, void (*each)(void *ctx, const edge__command_metric *m), void *ctx)
{
    reader r = { max_metrics, false, each, ctx };
    edge_pb_Payload_Template t = { 0 };
    t.metrics.funcs.decode = read_metric;
    t.metrics.arg = &r;
    cursor c;
    pb_istream_t in = istream_of(&c, bytes);
    if (pb_decode(&in, edge_pb_Payload_Template_fields, &t)) return PT_OK;
    return r.too_many ? PT_ETOOBIG : PT_EMALFORMED;
}

static pt_status signed_value(const edge__command_metric *m, unsigned bits, int64_t *out)
{
    int64_t v;
    if (m->wire == SPB_WIRE_INT && bits == 64) v = m->value.u32; /* a negative Int64 needs the long field */
    else if (m->wire == SPB_WIRE_INT) v = (int32_t)m->value.u32;
    else if (m->wire == SPB_WIRE_LONG) v = (int64_t)m->value.u64;
    else return PT_EMALFORMED;
    if (bits < 64) {
        int64_t top = (int64_t)1 << (bits - 1);
        /* width-masked producers write 0xD6 for Int8 -42 */
        if (v >= top && v < 2 * top && m->wire == SPB_WIRE_INT && bits < 32) v -= 2 * top;
        if (v < -top || v >= top) return PT_ETOOBIG;
    }
    *out = v;
    return PT_OK;
}

static pt_status unsigned_value(const edge__command_metric *m, unsigned bits, uint64_t *out)
{
    uint64_t v;
    if (m->wire == SPB_WIRE_INT) v = m->value.u32;
    else if (m->wire == SPB_WIRE_LONG) v = m->value.u64;
    else return PT_EMALFORMED;
    if (bits < 64 && v >> bits) return PT_ETOOBIG;
    *out = v;
    return PT_OK;
}

pt_status edge__command_value(const edge__command_metric *m, uint32_t type, spb_value *out)
{
    spb_value v = { .type = (uint8_t)type };
    pt_status st = PT_OK;
    if (m->is_null) {
        v.is_null = true;
        *out = v;
        return PT_OK;
    }
    switch (spb_datatype_class(type)) {
    case SPB_CLASS_SIGNED: st = signed_value(m, spb_datatype_bits(type), &v.as.i64); break;
    case SPB_CLASS_UNSIGNED: st = unsigned_value(m, spb_datatype_bits(type), &v.as.u64); break;
    case SPB_CLASS_FLOAT:
        if (m->wire == SPB_WIRE_FLOAT) v.as.f32 = m->value.f32;
        else if (m->wire == SPB_WIRE_DOUBLE) v.as.f32 = (float)m->value.f64;
        else st = PT_EMALFORMED;
        break;
    case SPB_CLASS_DOUBLE:
        if (m->wire == SPB_WIRE_DOUBLE) v.as.f64 = m->value.f64;
        else if (m->wire == SPB_WIRE_FLOAT) v.as.f64 = (double)m->value.f32;
        else st = PT_EMALFORMED;
        break;
    case SPB_CLASS_BOOLEAN:
        st = m->wire == SPB_WIRE_BOOL ? PT_OK : PT_EMALFORMED;
        v.as.boolean = m->wire == SPB_WIRE_BOOL && m->value.boolean;
        break;
    case SPB_CLASS_STRING:
    case SPB_CLASS_BYTES:
    case SPB_CLASS_ARRAY:
    case SPB_CLASS_DATASET:
    case SPB_CLASS_TEMPLATE:
        if (m->wire != wire_of(type, false)) return PT_EMALFORMED;
        if (m->wire == SPB_WIRE_DATASET) st = edge__check_dataset(m->value.bytes);
        v.as.bytes = m->value.bytes;
        break;
    case SPB_CLASS_NONE:
    default: st = PT_EMALFORMED; break;
    }
    if (st == PT_OK) *out = v;
    return st;
}
