/* tests/sparkplug/payload_compare.c */
#include "tests/sparkplug/payload_compare.h"

static bool same(pt_slice a, pt_slice b)
{
    return (a.ptr == NULL) == (b.ptr == NULL) && pt_slice_eq(a, b);
}

static bool same_set(const spb_property_set *a, const spb_property_set *b);
static bool same_template(const spb_template *a, const spb_template *b);
static bool same_dataset(const spb_dataset *a, const spb_dataset *b);

static bool same_value(uint8_t wa, const spb_wire_value *a, uint8_t wb, const spb_wire_value *b)
{
    if (wa != wb) return false;
    switch (wa) {
    case SPB_WIRE_INT: return a->u32 == b->u32;
    case SPB_WIRE_LONG: return a->u64 == b->u64;
    case SPB_WIRE_FLOAT: return memcmp(&a->f32, &b->f32, 4) == 0;
    case SPB_WIRE_DOUBLE: return memcmp(&a->f64, &b->f64, 8) == 0;
    case SPB_WIRE_BOOL: return a->boolean == b->boolean;
    case SPB_WIRE_STRING:
    case SPB_WIRE_BYTES: return same(a->bytes, b->bytes);
    case SPB_WIRE_DATASET: return same_dataset(a->dataset, b->dataset);
    case SPB_WIRE_TEMPLATE: return same_template(a->tmpl, b->tmpl);
    case SPB_WIRE_PROPERTYSET: return same_set(a->set, b->set);
    case SPB_WIRE_PROPERTYSETS:
        if (a->sets->n != b->sets->n) return false;
        for (uint32_t i = 0; i < a->sets->n; i++) {
            if (!same_set(&a->sets->items[i], &b->sets->items[i])) return false;
        }
        return true;
    default: return true;
    }
}

static bool same_set(const spb_property_set *a, const spb_property_set *b)
{
    if (!a || !b) return a == b;
    if (a->n != b->n || a->mismatch != b->mismatch) return false;
    for (uint32_t i = 0; i < a->n; i++) {
        const spb_property *p = &a->items[i], *q = &b->items[i];
        if (!same(p->key, q->key) || p->has_type != q->has_type || p->type != q->type || p->is_null != q->is_null ||
            !same_value(p->wire, &p->value, q->wire, &q->value))
            return false;
    }
    return true;
}

static bool same_metadata(const spb_metadata *a, const spb_metadata *b)
{
    if (!a || !b) return a == b;
    return same(a->content_type, b->content_type) && same(a->file_name, b->file_name) && same(a->file_type, b->file_type) &&
           same(a->md5, b->md5) && same(a->description, b->description) && a->has_size == b->has_size && a->size == b->size &&
           a->has_seq == b->has_seq && a->seq == b->seq && a->has_multi_part == b->has_multi_part && a->is_multi_part == b->is_multi_part;
}

static bool same_dataset(const spb_dataset *a, const spb_dataset *b)
{
    if (a->has_num_of_columns != b->has_num_of_columns || a->num_of_columns != b->num_of_columns || a->n_columns != b->n_columns ||
        a->n_types != b->n_types || a->n_rows != b->n_rows)
        return false;
    for (uint32_t i = 0; i < a->n_columns; i++) {
        if (!same(a->columns[i], b->columns[i])) return false;
    }
    for (uint32_t i = 0; i < a->n_types; i++) {
        if (a->types[i] != b->types[i]) return false;
    }
    for (uint32_t r = 0; r < a->n_rows; r++) {
        if (a->row_cells[r] != b->row_cells[r]) return false;
        for (uint32_t c = 0; c < a->row_cells[r]; c++) {
            const spb_cell *p = &a->rows[r][c], *q = &b->rows[r][c];
            if (!same_value(p->wire, &p->value, q->wire, &q->value)) return false;
        }
    }
    return true;
}

static bool same_metric(const spb_metric *a, const spb_metric *b)
{
    return same(a->name, b->name) && a->alias == b->alias && a->timestamp == b->timestamp && a->datatype == b->datatype &&
           a->flags == b->flags && same_metadata(a->metadata, b->metadata) && same_set(a->properties, b->properties) &&
           same_value(a->wire, &a->value, b->wire, &b->value);
}

static bool same_template(const spb_template *a, const spb_template *b)
{
    if (!same(a->version, b->version) || !same(a->template_ref, b->template_ref) || a->has_is_definition != b->has_is_definition ||
        a->is_definition != b->is_definition || a->n_metrics != b->n_metrics || a->n_parameters != b->n_parameters)
        return false;
    for (uint32_t i = 0; i < a->n_metrics; i++) {
        if (!same_metric(&a->metrics[i], &b->metrics[i])) return false;
    }
    for (uint32_t i = 0; i < a->n_parameters; i++) {
        const spb_parameter *p = &a->parameters[i], *q = &b->parameters[i];
        if (!same(p->name, q->name) || p->has_type != q->has_type || p->type != q->type ||
            !same_value(p->cell.wire, &p->cell.value, q->cell.wire, &q->cell.value))
            return false;
    }
    return true;
}

const char *payload_difference(const spb_payload *a, const spb_payload *b)
{
    if (a->has_timestamp != b->has_timestamp || a->timestamp != b->timestamp) return "timestamp";
    if (a->has_seq != b->has_seq || a->seq != b->seq) return "seq";
    if (!same(a->uuid, b->uuid)) return "uuid";
    if (!same(a->body, b->body)) return "body";
    if (a->n_metrics != b->n_metrics) return "number of metrics";
    for (uint32_t i = 0; i < a->n_metrics; i++) {
        if (!same_metric(&a->metrics[i], &b->metrics[i])) return "a metric";
    }
    return NULL;
}

static bool is_limit(pt_status st)
{
    return st == PT_ETOOBIG || st == PT_ENOMEM;
}

/* An unequal PropertySet cannot be written back as it came. */
static bool set_is_lossy(const spb_property_set *set)
{
    if (!set) return false;
    if (set->mismatch) return true;
    for (uint32_t i = 0; i < set->n; i++) {
        const spb_property *p = &set->items[i];
        if (p->wire == SPB_WIRE_PROPERTYSET && set_is_lossy(p->value.set)) return true;
        for (uint32_t k = 0; p->wire == SPB_WIRE_PROPERTYSETS && k < p->value.sets->n; k++) {
            if (set_is_lossy(&p->value.sets->items[k])) return true;
        }
    }
    return false;
}

static bool metrics_are_lossy(const spb_metric *m, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (set_is_lossy(m[i].properties)) return true;
        if (m[i].wire == SPB_WIRE_TEMPLATE && metrics_are_lossy(m[i].value.tmpl->metrics, m[i].value.tmpl->n_metrics)) return true;
    }
    return false;
}

static const char *encodings_disagree(const spb_payload *p, const spb_limits *limits, size_t arena_limit)
{
    pt_buf one, two, exact;
    pt_arena arena;
    spb_payload again;
    const char *why = NULL;
    pt_buf_init(&one, (size_t)64 << 20);
    pt_buf_init(&two, (size_t)64 << 20);
    pt_arena_init(&arena, arena_limit);
    pt_status s1 = spb_payload_encode(p, &one), s2 = spb_payload_encode_pbc(p, &two);
    pt_buf_init(&exact, one.len);
    pt_status st;
    if (s1 || s2) why = "an encoder failed";
    else if (!pt_slice_eq(pt_buf_view(&one), pt_buf_view(&two))) why = "the encoders' bytes differ";
    else if (spb_payload_encode(p, &exact) || !pt_slice_eq(pt_buf_view(&one), pt_buf_view(&exact)))
        why = "encoding into a buffer of exactly that size differs";
    else if (one.len && (st = spb_payload_decode(pt_buf_view(&one), limits, &arena, &again, NULL)) != PT_OK)
        why = is_limit(st) ? NULL : "the encoding does not decode";
    else if (one.len && !metrics_are_lossy(p->metrics, p->n_metrics)) why = payload_difference(p, &again);
    pt_buf_fini(&one);
    pt_buf_fini(&two);
    pt_buf_fini(&exact);
    pt_arena_fini(&arena);
    return why;
}

const char *payload_codecs_disagree(pt_slice bytes, const spb_limits *limits, size_t arena_limit)
{
    pt_arena a, b;
    spb_payload one, two;
    const char *why = NULL;
    pt_arena_init(&a, arena_limit);
    pt_arena_init(&b, arena_limit);
    pt_status s1 = spb_payload_decode(bytes, limits, &a, &one, NULL);
    pt_status s2 = spb_payload_decode_pbc(bytes, limits, &b, &two, NULL);
    if (s1 != s2) why = is_limit(s1) || is_limit(s2) ? NULL : s1 ? "only protobuf-c accepts it" : "only the reader accepts it";
    else if (s1 == PT_OK && (why = payload_difference(&one, &two)) == NULL) why = encodings_disagree(&one, limits, arena_limit);
    pt_arena_fini(&a);
    pt_arena_fini(&b);
    return why;
}
