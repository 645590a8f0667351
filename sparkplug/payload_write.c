/* sparkplug/payload_write.c -- the encoder: one pass forward, fields in ascending number.
 *
 * A nested message's length stands before it and is only known behind it. One byte is left for it; the rare message of
 * 128 bytes or more is moved up by what its length needs beyond that.
 *
 * A metric of the common kind (no metadata, data set, template or nested property set) is written with plain stores
 * into room reserved once for its upper bound. Everything else, and the last metrics before the buffer's maximum, goes
 * through exact appends, so that a buffer of exactly the encoded size is enough. */
#include "sparkplug/payload.h"
#include "sparkplug/wire.h"

enum {
    VARINT_MAX = 10,
    SIMPLE_MAX = 96,  /* tags, lengths and all scalars of a simple metric */
    PROPERTY_MAX = 48 /* the same of a property, in the keys and in the values */
};

/* ---- plain stores ---- */

static inline char *put_varint(char *p, uint64_t v)
{
    return (char *)pt_varint_put((uint8_t *)p, v);
}

static inline char *put_byte(char *p, unsigned b)
{
    *p = (char)b;
    return p + 1;
}

static inline char *put_bytes(char *p, pt_slice s)
{
    p = put_varint(p, s.len);
    if (s.len) memcpy(p, s.ptr, s.len);
    return p + s.len;
}

static inline char *put_f32(char *p, float f)
{
    uint32_t bits;
    memcpy(&bits, &f, 4);
    bits = htole32(bits);
    memcpy(p, &bits, 4);
    return p + 4;
}

static inline char *put_f64(char *p, double d)
{
    uint64_t bits;
    memcpy(&bits, &d, 8);
    bits = htole64(bits);
    memcpy(p, &bits, 8);
    return p + 8;
}

/* Room for a length has been left as one byte at `body - 1`; [body, end) is the message. Moves it if one byte is not
 * enough; up to 4 bytes of room behind `end` are needed. Returns the new end. */
static inline char *close_length(char *body, char *end)
{
    size_t n = (size_t)(end - body);
    if (n < 0x80) {
        body[-1] = (char)n;
        return end;
    }
    char len[VARINT_MAX];
    size_t extra = (size_t)(put_varint(len, n) - len) - 1;
    memmove(body + extra, body, n);
    memcpy(body - 1, len, extra + 1);
    return end + extra;
}

/* The metric's upper bound in bytes when it is of the common kind, else 0. */
static inline size_t simple_bound(const spb_metric *m)
{
    size_t n = SIMPLE_MAX;
    if (m->metadata || m->wire > SPB_WIRE_BYTES) return 0;
    if (m->flags & SPB_HAS_NAME) n += m->name.len;
    if (m->wire >= SPB_WIRE_STRING) n += m->value.bytes.len;
    for (uint32_t i = 0; m->properties && i < m->properties->n; i++) {
        const spb_property *p = &m->properties->items[i];
        if (p->wire > SPB_WIRE_STRING) return 0;
        n += PROPERTY_MAX + p->key.len + (p->wire == SPB_WIRE_STRING ? p->value.bytes.len : 0);
    }
    return n;
}

/* Name to is_null. */
static inline char *put_head(char *p, const spb_metric *m)
{
    unsigned f = m->flags;
    if (f & SPB_HAS_NAME) p = put_bytes(put_byte(p, 0x0a), m->name);
    if (f & SPB_HAS_ALIAS) p = put_varint(put_byte(p, 0x10), m->alias);
    if (f & SPB_HAS_TIMESTAMP) p = put_varint(put_byte(p, 0x18), m->timestamp);
    if (f & SPB_HAS_DATATYPE) p = put_varint(put_byte(p, 0x20), m->datatype);
    if (f & (SPB_HAS_HISTORICAL | SPB_HAS_TRANSIENT | SPB_HAS_NULL)) {
        if (f & SPB_HAS_HISTORICAL) p = put_byte(put_byte(p, 0x28), (f & SPB_IS_HISTORICAL) != 0);
        if (f & SPB_HAS_TRANSIENT) p = put_byte(put_byte(p, 0x30), (f & SPB_IS_TRANSIENT) != 0);
        if (f & SPB_HAS_NULL) p = put_byte(put_byte(p, 0x38), (f & SPB_IS_NULL) != 0);
    }
    return p;
}

/* A scalar or text in the fields numbered from `int_field` (below 16 all) on: int, long, float, double, bool, string.
 */
static inline char *put_scalar(char *p, unsigned int_field, uint8_t wire, const spb_wire_value *v)
{
    switch (wire) {
    case SPB_WIRE_INT: return put_varint(put_byte(p, int_field << 3 | SPB__VARINT), v->u32);
    case SPB_WIRE_LONG: return put_varint(put_byte(p, (int_field + 1) << 3 | SPB__VARINT), v->u64);
    case SPB_WIRE_FLOAT: return put_f32(put_byte(p, (int_field + 2) << 3 | SPB__FIXED32), v->f32);
    case SPB_WIRE_DOUBLE: return put_f64(put_byte(p, (int_field + 3) << 3 | SPB__FIXED64), v->f64);
    case SPB_WIRE_BOOL: return put_byte(put_byte(p, (int_field + 4) << 3 | SPB__VARINT), v->boolean);
    case SPB_WIRE_STRING: return put_bytes(put_byte(p, (int_field + 5) << 3 | SPB__LEN), v->bytes);
    default: return p;
    }
}

static char *put_simple_set(char *p, const spb_property_set *set)
{
    char *body = put_byte(p, 0x4a) + 1;
    p = body;
    for (uint32_t i = 0; i < set->n; i++)
        p = put_bytes(put_byte(p, 0x0a), set->items[i].key);
    for (uint32_t i = 0; i < set->n; i++) {
        const spb_property *q = &set->items[i];
        char *value = put_byte(p, 0x12) + 1;
        p = value;
        if (q->has_type) p = put_varint(put_byte(p, 0x08), q->type);
        if (q->is_null) p = put_byte(put_byte(p, 0x10), 1);
        p = close_length(value, put_scalar(p, 3, q->wire, &q->value));
    }
    return close_length(body, p);
}

static inline char *put_simple_value(char *p, const spb_metric *m)
{
    if (m->wire == SPB_WIRE_BYTES) return put_bytes(put_byte(put_byte(p, 0x82), 0x01), m->value.bytes);
    return put_scalar(p, 10, m->wire, &m->value);
}

/* ---- exact appends; the buffer remembers a failure ---- */

static void add_tag(pt_buf *b, uint64_t tag)
{
    char t[VARINT_MAX];
    pt_buf_add(b, t, (size_t)(put_varint(t, tag) - t));
}

static void add_varint(pt_buf *b, uint32_t field, uint64_t v)
{
    char t[2 * VARINT_MAX];
    pt_buf_add(b, t, (size_t)(put_varint(put_varint(t, SPB__TAG(field, SPB__VARINT)), v) - t));
}

static void add_slice(pt_buf *b, uint32_t field, pt_slice s)
{
    char t[2 * VARINT_MAX];
    pt_buf_add(b, t, (size_t)(put_varint(put_varint(t, SPB__TAG(field, SPB__LEN)), s.len) - t));
    pt_buf_slice(b, s);
}

/* Begin a nested message; returns where its body starts. */
static size_t open_message(pt_buf *b, uint32_t field)
{
    add_tag(b, SPB__TAG(field, SPB__LEN));
    pt_buf_char(b, '\0');
    return b->len;
}

static void close_message(pt_buf *b, size_t body)
{
    if (pt_buf_status(b)) return;
    size_t n = b->len - body;
    char len[VARINT_MAX];
    size_t extra = (size_t)(put_varint(len, n) - len) - 1;
    if (extra && pt_buf_reserve(b, extra)) return;
    close_length(b->ptr + body, b->ptr + b->len);
    b->len += extra;
}

/* A scalar or text in the field numbered from `int_field` on, in the order int, long, float, double, bool, string. */
static void add_value(pt_buf *b, uint32_t int_field, uint8_t wire, const spb_wire_value *v)
{
    char t[VARINT_MAX + 8];
    switch (wire) {
    case SPB_WIRE_INT: add_varint(b, int_field, v->u32); break;
    case SPB_WIRE_LONG: add_varint(b, int_field + 1, v->u64); break;
    case SPB_WIRE_FLOAT: pt_buf_add(b, t, (size_t)(put_f32(put_varint(t, SPB__TAG(int_field + 2, SPB__FIXED32)), v->f32) - t)); break;
    case SPB_WIRE_DOUBLE: pt_buf_add(b, t, (size_t)(put_f64(put_varint(t, SPB__TAG(int_field + 3, SPB__FIXED64)), v->f64) - t)); break;
    case SPB_WIRE_BOOL: add_varint(b, int_field + 4, v->boolean); break;
    case SPB_WIRE_STRING: add_slice(b, int_field + 5, v->bytes); break;
    default: break;
    }
}

static void add_empty(pt_buf *b, uint32_t field)
{
    add_slice(b, field, PT_LIT(""));
}

static void add_set_body(pt_buf *b, const spb_property_set *set);

static void add_property(pt_buf *b, const spb_property *p)
{
    size_t body;
    if (p->has_type) add_varint(b, 1, p->type);
    if (p->is_null) add_varint(b, 2, 1);
    switch (p->wire) {
    case SPB_WIRE_PROPERTYSET:
        body = open_message(b, 9);
        add_set_body(b, p->value.set);
        close_message(b, body);
        break;
    case SPB_WIRE_PROPERTYSETS:
        body = open_message(b, 10);
        for (uint32_t i = 0; i < p->value.sets->n; i++) {
            size_t inner = open_message(b, 1);
            add_set_body(b, &p->value.sets->items[i]);
            close_message(b, inner);
        }
        close_message(b, body);
        break;
    case SPB_WIRE_EXTENSION: add_empty(b, 11); break;
    default: add_value(b, 3, p->wire, &p->value); break;
    }
}

static void add_set_body(pt_buf *b, const spb_property_set *set)
{
    for (uint32_t i = 0; i < set->n; i++)
        add_slice(b, 1, set->items[i].key);
    for (uint32_t i = 0; i < set->n; i++) {
        size_t body = open_message(b, 2);
        add_property(b, &set->items[i]);
        close_message(b, body);
    }
}

static void add_metadata(pt_buf *b, const spb_metadata *md)
{
    size_t body = open_message(b, 8);
    if (md->has_multi_part) add_varint(b, 1, md->is_multi_part);
    if (md->content_type.ptr) add_slice(b, 2, md->content_type);
    if (md->has_size) add_varint(b, 3, md->size);
    if (md->has_seq) add_varint(b, 4, md->seq);
    if (md->file_name.ptr) add_slice(b, 5, md->file_name);
    if (md->file_type.ptr) add_slice(b, 6, md->file_type);
    if (md->md5.ptr) add_slice(b, 7, md->md5);
    if (md->description.ptr) add_slice(b, 8, md->description);
    close_message(b, body);
}

static void add_cell(pt_buf *b, uint32_t int_field, const spb_cell *cell)
{
    if (cell->wire == SPB_WIRE_EXTENSION) add_empty(b, int_field + 6);
    else add_value(b, int_field, cell->wire, &cell->value);
}

static void add_dataset(pt_buf *b, const spb_dataset *ds)
{
    size_t body = open_message(b, 17);
    if (ds->has_num_of_columns) add_varint(b, 1, ds->num_of_columns);
    for (uint32_t i = 0; i < ds->n_columns; i++)
        add_slice(b, 2, ds->columns[i]);
    for (uint32_t i = 0; i < ds->n_types; i++)
        add_varint(b, 3, ds->types[i]);
    for (uint32_t r = 0; r < ds->n_rows && !pt_buf_status(b); r++) {
        size_t row = open_message(b, 4);
        for (uint32_t c = 0; c < ds->row_cells[r]; c++) {
            size_t cell = open_message(b, 1);
            add_cell(b, 1, &ds->rows[r][c]);
            close_message(b, cell);
        }
        close_message(b, row);
    }
    close_message(b, body);
}

static void add_metric(pt_buf *b, const spb_metric *m);

static void add_template(pt_buf *b, const spb_template *t)
{
    size_t body = open_message(b, 18);
    if (t->version.ptr) add_slice(b, 1, t->version);
    for (uint32_t i = 0; i < t->n_metrics && !pt_buf_status(b); i++)
        add_metric(b, &t->metrics[i]);
    for (uint32_t i = 0; i < t->n_parameters; i++) {
        const spb_parameter *p = &t->parameters[i];
        size_t at = open_message(b, 3);
        if (p->name.ptr) add_slice(b, 1, p->name);
        if (p->has_type) add_varint(b, 2, p->type);
        add_cell(b, 3, &p->cell);
        close_message(b, at);
    }
    if (t->template_ref.ptr) add_slice(b, 4, t->template_ref);
    if (t->has_is_definition) add_varint(b, 5, t->is_definition);
    close_message(b, body);
}

static void add_metric_body(pt_buf *b, const spb_metric *m)
{
    unsigned f = m->flags;
    if (f & SPB_HAS_NAME) add_slice(b, 1, m->name);
    if (f & SPB_HAS_ALIAS) add_varint(b, 2, m->alias);
    if (f & SPB_HAS_TIMESTAMP) add_varint(b, 3, m->timestamp);
    if (f & SPB_HAS_DATATYPE) add_varint(b, 4, m->datatype);
    if (f & SPB_HAS_HISTORICAL) add_varint(b, 5, (f & SPB_IS_HISTORICAL) != 0);
    if (f & SPB_HAS_TRANSIENT) add_varint(b, 6, (f & SPB_IS_TRANSIENT) != 0);
    if (f & SPB_HAS_NULL) add_varint(b, 7, (f & SPB_IS_NULL) != 0);
    if (m->metadata) add_metadata(b, m->metadata);
    if (m->properties) {
        size_t at = open_message(b, 9);
        add_set_body(b, m->properties);
        close_message(b, at);
    }
    switch (m->wire) {
    case SPB_WIRE_BYTES: add_slice(b, 16, m->value.bytes); break;
    case SPB_WIRE_DATASET: add_dataset(b, m->value.dataset); break;
    case SPB_WIRE_TEMPLATE: add_template(b, m->value.tmpl); break;
    case SPB_WIRE_EXTENSION: add_empty(b, 19); break;
    default: add_value(b, 10, m->wire, &m->value); break;
    }
}

/* A metric as field 2 of a payload or template. */
static void add_metric(pt_buf *b, const spb_metric *m)
{
    size_t bound = simple_bound(m);
    if (bound && bound <= b->max - b->len) {
        if (bound >= b->cap - b->len && pt_buf_reserve(b, bound)) return;
        char *start = b->ptr + b->len;
        char *end = put_head(start + 2, m);
        if (m->properties) end = put_simple_set(end, m->properties);
        end = put_simple_value(end, m);
        *start = 0x12;
        b->len += (size_t)(close_length(start + 2, end) - start);
        return;
    }
    size_t body = open_message(b, 2);
    add_metric_body(b, m);
    close_message(b, body);
}

pt_status spb_metric_encode(const spb_metric *m, pt_buf *out)
{
    add_metric_body(out, m);
    return pt_buf_status(out);
}

pt_status spb_payload_encode(const spb_payload *p, pt_buf *out)
{
    if (p->has_timestamp) add_varint(out, 1, p->timestamp);
    for (uint32_t i = 0; i < p->n_metrics && !pt_buf_status(out); i++)
        add_metric(out, &p->metrics[i]);
    if (p->has_seq) add_varint(out, 3, p->seq);
    if (p->uuid.ptr) add_slice(out, 4, p->uuid);
    if (p->body.ptr) add_slice(out, 5, p->body);
    return pt_buf_status(out);
}
