/* edge-node/model.c -- building and sealing a model; see edge.h and model.h. */
#include "edge-node/model.h"

#include "base/utf8.h"
#include "sparkplug/topic.h"

#include <ctype.h>

#define CAPACITY_DEFAULT 256u
#define CONTROL_METRICS  6u
#define NEST_MAX         8
#define PROPERTIES_MAX   4000 /* compose.c puts Quality in front of them in 4 KiB */

void *edge__alloc(edge_model *m, size_t size)
{
    size_t n = (size + 15u) & ~(size_t)15u;
    if (n < size || n > m->size - m->used) return NULL;
    void *p = m->memory + m->used;
    m->used += n;
    memset(p, 0, n);
    return p;
}

static pt_slice copy(edge_model *m, pt_slice s)
{
    char *p = edge__alloc(m, s.len + 1);
    if (!p) return PT_NONE;
    if (s.len) memcpy(p, s.ptr, s.len);
    return pt_slice_of(p, s.len);
}

static pt_status no_memory(const edge_model *m, pt_error *err)
{
    return pt_fail(err, PT_ENOMEM, "the model's memory block of %zu bytes is used up", m->size);
}

void edge__sort(uint32_t *items, uint32_t n, bool (*less)(const void *ctx, uint32_t a, uint32_t b), const void *ctx)
{
    /* heapsort: no memory, no recursion, no bad case */
    for (uint32_t build = n / 2, end = n; end > 1;) {
        uint32_t hole, value;
        if (build > 0) {
            hole = --build;
            value = items[hole];
        } else {
            value = items[--end];
            items[end] = items[0];
            hole = 0;
        }
        for (uint32_t child = 2 * hole + 1; child < end; child = 2 * hole + 1) {
            if (child + 1 < end && less(ctx, items[child], items[child + 1])) child++;
            if (!less(ctx, value, items[child])) break;
            items[hole] = items[child];
            hole = child;
        }
        items[hole] = value;
    }
}

/* --- values --- */

uint64_t edge__bits(const spb_value *v)
{
    uint64_t bits = 0;
    switch (spb_datatype_class(v->type)) {
    case SPB_CLASS_FLOAT: memcpy(&bits, &v->as.f32, sizeof v->as.f32); return bits;
    case SPB_CLASS_DOUBLE: memcpy(&bits, &v->as.f64, sizeof v->as.f64); return bits;
    case SPB_CLASS_BOOLEAN: return v->as.boolean;
    case SPB_CLASS_SIGNED:
    case SPB_CLASS_UNSIGNED: return v->as.u64;
    default: return 0;
    }
}

spb_value edge__scalar(uint8_t type, uint64_t bits, bool null)
{
    spb_value v = { .type = type, .is_null = null };
    switch (spb_datatype_class(type)) {
    case SPB_CLASS_FLOAT: memcpy(&v.as.f32, &bits, sizeof v.as.f32); break;
    case SPB_CLASS_DOUBLE: memcpy(&v.as.f64, &bits, sizeof v.as.f64); break;
    case SPB_CLASS_BOOLEAN: v.as.boolean = bits != 0; break;
    default: v.as.u64 = bits; break;
    }
    return v;
}

spb_value edge__current(const edge__metric *x)
{
    bool null = (x->flags & EDGE__NULL) != 0;
    if (!edge__is_blob(x->type)) return edge__scalar(x->type, x->bits, null);
    return (spb_value){ .type = x->type, .is_null = null, .as = { .bytes = pt_slice_of(x->blob ? x->blob : "", x->blob_len) } };
}

pt_status edge__check_value(const edge__metric *x, const spb_value *v)
{
    if (v->type != x->type || x->type == SPB_TEMPLATE) return PT_EINVAL;
    if (v->is_null) return PT_OK;
    unsigned bits = spb_datatype_bits(v->type);
    switch (spb_datatype_class(v->type)) {
    case SPB_CLASS_SIGNED:
        if (bits < 64 && (v->as.i64 >= (int64_t)1 << (bits - 1) || v->as.i64 < -((int64_t)1 << (bits - 1)))) return PT_EINVAL;
        return PT_OK;
    case SPB_CLASS_UNSIGNED: return bits < 64 && v->as.u64 >> bits ? PT_EINVAL : PT_OK;
    case SPB_CLASS_STRING:
        if (v->as.bytes.len > x->blob_cap) return PT_ETOOBIG;
        return pt_utf8_valid(v->as.bytes) ? PT_OK : PT_EINVAL;
    case SPB_CLASS_BYTES: return v->as.bytes.len > x->blob_cap ? PT_ETOOBIG : PT_OK;
    case SPB_CLASS_ARRAY: {
        if (v->as.bytes.len > x->blob_cap) return PT_ETOOBIG;
        size_t len = v->as.bytes.len;
        const unsigned char *p = (const unsigned char *)v->as.bytes.ptr;
        switch (v->type) {
        case SPB_BOOLEAN_ARRAY: {
            if (len < 4) return PT_EINVAL;
            uint64_t n = p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24;
            return len == 4 + (n + 7) / 8 ? PT_OK : PT_EINVAL;
        }
        case SPB_STRING_ARRAY: return len == 0 || p[len - 1] == 0 ? PT_OK : PT_EINVAL;
        case SPB_INT16_ARRAY:
        case SPB_UINT16_ARRAY: return len % 2 ? PT_EINVAL : PT_OK;
        case SPB_INT32_ARRAY:
        case SPB_UINT32_ARRAY:
        case SPB_FLOAT_ARRAY: return len % 4 ? PT_EINVAL : PT_OK;
        case SPB_INT64_ARRAY:
        case SPB_UINT64_ARRAY:
        case SPB_DOUBLE_ARRAY:
        case SPB_DATETIME_ARRAY: return len % 8 ? PT_EINVAL : PT_OK;
        default: return PT_OK;
        }
    }
    case SPB_CLASS_DATASET:
        if (v->as.bytes.len > x->blob_cap) return PT_ETOOBIG;
        return edge__check_dataset(v->as.bytes) == PT_OK ? PT_OK : PT_EINVAL;
    default: return PT_OK;
    }
}

void edge__put(edge__metric *x, const spb_value *v, spb_quality q, int64_t ts)
{
    x->quality = (uint8_t)q;
    x->ts = ts;
    if (v->is_null) {
        x->flags |= EDGE__NULL;
        return;
    }
    x->flags &= (uint16_t)~EDGE__NULL;
    if (!edge__is_blob(x->type)) {
        x->bits = edge__bits(v);
        return;
    }
    uint32_t len = v->as.bytes.len < x->blob_cap ? (uint32_t)v->as.bytes.len : x->blob_cap;
    if (len) memcpy(x->blob, v->as.bytes.ptr, len);
    x->blob_len = len;
}

/* --- building --- */

pt_status edge_model_init(void *memory, size_t size, const edge_model_limits *limits, edge_model **out, pt_error *err)
{
    uintptr_t skew = (16u - ((uintptr_t)memory & 15u)) & 15u;
    if (!memory || size < skew + sizeof(edge_model) + 16) return pt_fail(err, PT_ENOMEM, "a model needs more than %zu bytes", size);
    edge_model head = { .memory = (char *)memory + skew, .size = size - skew };
    head.limits = limits ? *limits : (edge_model_limits){ 0 };
    if (!head.limits.devices) head.limits.devices = 16;
    if (!head.limits.metrics) head.limits.metrics = 1000;
    if (!head.limits.templates) head.limits.templates = 16;
    if (!head.limits.ring_samples) head.limits.ring_samples = 4;
    if (!head.limits.message_bytes) head.limits.message_bytes = 64 * 1024;
    edge_model *m = edge__alloc(&head, sizeof *m);
    if (!m) return no_memory(&head, err);
    *m = head;
    m->devices = edge__alloc(m, ((size_t)m->limits.devices + 1) * sizeof *m->devices);
    m->metrics = edge__alloc(m, ((size_t)m->limits.metrics + CONTROL_METRICS) * sizeof *m->metrics);
    m->templates = edge__alloc(m, (size_t)m->limits.templates * sizeof *m->templates);
    if (!m->devices || !m->metrics || !m->templates) return no_memory(m, err);
    m->devices[0].id = PT_LIT("");
    m->devices[0].online = true;
    m->n_devices = 1;
    *out = m;
    return PT_OK;
}

size_t edge_model_memory_used(const edge_model *m)
{
    return m->used;
}

static bool same_folded(pt_slice a, pt_slice b)
{
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++)
        if (tolower((unsigned char)a.ptr[i]) != tolower((unsigned char)b.ptr[i])) return false;
    return true;
}

pt_status edge_model_device(edge_model *m, const char *id, uint32_t *device, pt_error *err)
{
    pt_slice s = pt_cstr(id);
    if (m->sealed) return pt_fail(err, PT_ESTATE, "the model is sealed");
    pt_error why = { 0 };
    if (spb_id_check(s, false, &why) != PT_OK) /* tck-id-topic-structure-namespace-valid-device-id */
        return pt_fail(err, PT_EINVAL, "device id '%.100s': %s", id ? id : "", why.text);
    for (uint32_t i = 1; i < m->n_devices; i++)
        if (same_folded(m->devices[i].id, s))
            return pt_fail(err, PT_EEXISTS, "device '%s' differs from '%s' in case only or not at all", id, m->devices[i].id.ptr);
    if (m->n_devices > m->limits.devices) return pt_fail(err, PT_EFULL, "more than %u devices (limit 'devices')", m->limits.devices);
    edge__device *d = &m->devices[m->n_devices];
    d->id = copy(m, s);
    if (!d->id.ptr) return no_memory(m, err);
    *device = m->n_devices++;
    return PT_OK;
}

static uint32_t find_template(const edge_model *m, const char *name)
{
    for (uint32_t i = 0; name && i < m->n_templates; i++)
        if (pt_slice_eq_cstr(m->templates[i].name, name)) return i;
    return UINT32_MAX;
}

static pt_status check_name(pt_slice name, pt_error *err)
{
    if (name.len == 0 || name.len > 4096) return pt_fail(err, PT_EINVAL, "a metric name has 1 to 4096 bytes");
    if (!pt_utf8_valid(name)) return pt_fail(err, PT_EINVAL, "metric name '%.*s' is not UTF-8", PT_SLICE_ARGS(name));
    return PT_OK;
}

static pt_status encode_into(edge_model *m, const edge_metric_def *def, pt_slice *properties, pt_slice *metadata, pt_error *err)
{
    size_t len = 0;
    if (def->n_properties) {
        for (uint32_t i = 0; i < def->n_properties; i++)
            for (uint32_t j = 0; j < i; j++)
                if (pt_slice_eq(def->properties[i].key, def->properties[j].key))
                    return pt_fail(err, PT_EEXISTS, "metric '%s': property '%.*s' twice", def->name, PT_SLICE_ARGS(def->properties[i].key));
        /* encoded where it stays: the free end of the block */
        pt_status st = edge__encode_properties(def->properties, def->n_properties, SPB_GOOD, m->memory + m->used, m->size - m->used, &len);
        if (st == PT_EINVAL) return pt_fail(err, st, "metric '%s' has a property whose type is none for properties", def->name);
        if (st != PT_OK) return no_memory(m, err);
        if (len > PROPERTIES_MAX)
            return pt_fail(err, PT_ETOOBIG, "metric '%s': properties take more than %d bytes", def->name, PROPERTIES_MAX);
        *properties = pt_slice_of(m->memory + m->used, len);
        m->used += (len + 15u) & ~(size_t)15u;
        if (m->used > m->size) m->used = m->size;
    }
    if (def->metadata) {
        if (edge__encode_metadata(def->metadata, m->memory + m->used, m->size - m->used, &len) != PT_OK) return no_memory(m, err);
        *metadata = pt_slice_of(m->memory + m->used, len);
        m->used += (len + 15u) & ~(size_t)15u;
        if (m->used > m->size) m->used = m->size;
    }
    return PT_OK;
}

static pt_status copy_value(edge_model *m, const spb_value *in, spb_value *out, pt_error *err)
{
    *out = *in;
    if (in->is_null || !edge__is_blob(in->type)) return PT_OK;
    out->as.bytes = copy(m, in->as.bytes);
    return out->as.bytes.ptr ? PT_OK : no_memory(m, err);
}

static pt_status copy_parameters(edge_model *m, const char *owner, const edge_parameter_def *in, uint32_t n, edge__parameter **out,
                                 pt_error *err)
{
    edge__parameter *p = edge__alloc(m, (size_t)n * sizeof *p + 1);
    if (!p) return no_memory(m, err);
    for (uint32_t i = 0; i < n; i++) {
        if (!in[i].name || !spb_datatype_is_basic(in[i].value.type))
            return pt_fail(err, PT_EINVAL, "template '%s': a parameter needs a name and a basic type", owner);
        p[i].name = copy(m, pt_cstr(in[i].name));
        if (!p[i].name.ptr) return no_memory(m, err);
        pt_status st = copy_value(m, &in[i].value, &p[i].value, err);
        if (st != PT_OK) return st;
    }
    *out = p;
    return PT_OK;
}

pt_status edge_model_template(edge_model *m, const edge_template_def *def, pt_error *err)
{
    if (m->sealed) return pt_fail(err, PT_ESTATE, "the model is sealed");
    pt_status st = check_name(pt_cstr(def->name), err);
    if (st != PT_OK) return st;
    if (find_template(m, def->name) != UINT32_MAX) return pt_fail(err, PT_EEXISTS, "template '%s' twice", def->name);
    if (m->n_templates >= m->limits.templates)
        return pt_fail(err, PT_EFULL, "more than %u templates (limit 'templates')", m->limits.templates);
    edge__tmpl *t = &m->templates[m->n_templates];
    *t = (edge__tmpl){ .name = copy(m, pt_cstr(def->name)), .n_members = def->n_members, .n_parameters = def->n_parameters };
    if (def->version) t->version = copy(m, pt_cstr(def->version));
    t->members = edge__alloc(m, (size_t)def->n_members * sizeof *t->members + 1);
    if (!t->name.ptr || (def->version && !t->version.ptr) || !t->members) return no_memory(m, err);
    if ((st = copy_parameters(m, def->name, def->parameters, def->n_parameters, &t->parameters, err)) != PT_OK) return st;
    for (uint32_t i = 0; i < def->n_members; i++) {
        const edge_metric_def *d = &def->members[i];
        edge__tmember *x = &t->members[i];
        if ((st = check_name(pt_cstr(d->name), err)) != PT_OK) return st;
        if (!spb_datatype_is_metric(d->type))
            return pt_fail(err, PT_EINVAL, "template '%s': member '%s' has no metric type", def->name, d->name);
        for (uint32_t j = 0; j < i; j++)
            if (same_folded(pt_cstr(d->name), pt_cstr(def->members[j].name)))
                return pt_fail(err, PT_EEXISTS, "template '%s': member '%s' twice", def->name, d->name);
        x->def = *d;
        x->tmpl = UINT32_MAX;
        if (d->type == SPB_TEMPLATE) { /* only templates added before: no cycle can be written */
            x->tmpl = find_template(m, d->tmpl);
            if (x->tmpl == UINT32_MAX)
                return pt_fail(err, PT_EINVAL, "template '%s': member '%s' is of template '%s', which is not defined before it", def->name,
                               d->name, d->tmpl ? d->tmpl : "");
            t->deep += m->templates[x->tmpl].deep;
            x->def.tmpl = m->templates[x->tmpl].name.ptr;
        }
        t->deep++;
        pt_slice name = copy(m, pt_cstr(d->name));
        if (!name.ptr) return no_memory(m, err);
        x->def.name = name.ptr;
        if (d->initial) {
            spb_value *v = edge__alloc(m, sizeof *v);
            if (!v) return no_memory(m, err);
            if ((st = copy_value(m, d->initial, v, err)) != PT_OK) return st;
            x->def.initial = v;
        }
        pt_slice metadata = PT_NONE;
        if ((st = encode_into(m, d, &x->properties, &metadata, err)) != PT_OK) return st;
        x->def.properties = NULL;
        x->def.n_properties = 0;
        x->def.metadata = NULL;
    }
    m->n_templates++;
    return PT_OK;
}

static pt_status add_metric(edge_model *m, uint32_t device, const edge_metric_def *def, uint32_t parent, pt_slice properties, bool control,
                            uint32_t depth, uint32_t *metric, pt_error *err);

static pt_status add_instance(edge_model *m, edge__metric *x, uint32_t index, const edge_metric_def *def, uint32_t depth, pt_error *err)
{
    const edge__tmpl *t = &m->templates[x->tmpl];
    if (depth > NEST_MAX) return pt_fail(err, PT_ETOOBIG, "template '%s': nested deeper than %d", t->name.ptr, NEST_MAX);
    x->parameters = edge__alloc(m, (size_t)t->n_parameters * sizeof *x->parameters + 1);
    if (!x->parameters) return no_memory(m, err);
    x->n_parameters = t->n_parameters;
    for (uint32_t i = 0; i < t->n_parameters; i++)
        x->parameters[i] = t->parameters[i];
    for (uint32_t i = 0; i < def->n_parameters; i++) {
        uint32_t at = 0;
        while (at < t->n_parameters && !pt_slice_eq_cstr(t->parameters[at].name, def->parameters[i].name))
            at++;
        if (at == t->n_parameters || t->parameters[at].value.type != def->parameters[i].value.type)
            return pt_fail(err, PT_EINVAL, "'%s': template '%s' has no such parameter '%s' of that type", def->name, t->name.ptr,
                           def->parameters[i].name);
        pt_status st = copy_value(m, &def->parameters[i].value, &x->parameters[at].value, err);
        if (st != PT_OK) return st;
    }
    for (uint32_t i = 0; i < t->n_members; i++) {
        uint32_t child = 0;
        pt_status st = add_metric(m, x->device, &t->members[i].def, index, t->members[i].properties, false, depth + 1, &child, err);
        if (st != PT_OK) return st;
    }
    x->members = m->n_metrics - index - 1;
    return PT_OK;
}

static pt_status add_metric(edge_model *m, uint32_t device, const edge_metric_def *def, uint32_t parent, pt_slice properties, bool control,
                            uint32_t depth, uint32_t *metric, pt_error *err)
{
    pt_slice name = pt_cstr(def->name);
    pt_status st = check_name(name, err);
    if (st != PT_OK) return st;
    if (!spb_datatype_is_metric(def->type))
        return pt_fail(err, PT_EINVAL, "metric '%s': datatype %d is none for metrics", def->name, (int)def->type);
    if (m->n_metrics >= m->limits.metrics + (control ? CONTROL_METRICS : 0))
        return pt_fail(err, PT_EFULL, "more than %u metrics (limit 'metrics')", m->limits.metrics);
    if (depth > m->nest) m->nest = depth;
    uint32_t index = m->n_metrics;
    edge__metric *x = &m->metrics[index];
    *x = (edge__metric){ .device = device,
                         .parent = parent,
                         .tmpl = UINT32_MAX,
                         .type = (uint8_t)def->type,
                         .filter = def->filter,
                         .ts = -1,
                         .birth_ts = -1,
                         .flags = EDGE__NULL,
                         .user = def->user,
                         .properties = properties };
    if (def->writable) x->flags |= EDGE__WRITABLE;
    if (def->transient) x->flags |= EDGE__TRANSIENT;
    if (def->on_value_only) x->flags |= EDGE__EVERY;
    if (control) x->flags |= EDGE__CONTROL;
    if (parent != EDGE_NO_METRIC) {
        x->flags |= EDGE__NO_ALIAS;
        pt_slice base = m->metrics[parent].path;
        char *p = edge__alloc(m, base.len + 1 + name.len + 1);
        if (!p) return no_memory(m, err);
        memcpy(p, base.ptr, base.len);
        p[base.len] = '/';
        memcpy(p + base.len + 1, name.ptr, name.len);
        x->path = pt_slice_of(p, base.len + 1 + name.len);
        x->name = pt_slice_of(p + base.len + 1, name.len);
    } else {
        x->name = x->path = copy(m, name);
        if (!x->name.ptr) return no_memory(m, err);
    }
    if (def->n_properties || def->metadata)
        if ((st = encode_into(m, def, &x->properties, &x->metadata, err)) != PT_OK) return st;
    if (edge__is_blob(x->type)) {
        x->blob_cap = def->capacity ? def->capacity : CAPACITY_DEFAULT;
        x->blob = edge__alloc(m, x->blob_cap);
        if (!x->blob) return no_memory(m, err);
    }
    m->n_metrics++;
    if (x->type == SPB_TEMPLATE) {
        x->tmpl = find_template(m, def->tmpl);
        if (x->tmpl == UINT32_MAX) return pt_fail(err, PT_EINVAL, "metric '%s': no template '%s'", def->name, def->tmpl ? def->tmpl : "");
        x->flags &= (uint16_t)~EDGE__NULL;
        if ((st = add_instance(m, x, index, def, depth, err)) != PT_OK) return st;
    } else if (def->initial) {
        if ((st = edge__check_value(x, def->initial)) != PT_OK)
            return pt_fail(err, st == PT_ETOOBIG ? PT_ETOOBIG : PT_EINVAL, "metric '%s': its initial value does not fit its type",
                           def->name);
        edge__put(x, def->initial, SPB_GOOD, -1);
    }
    *metric = index;
    return PT_OK;
}

pt_status edge_model_metric(edge_model *m, uint32_t device, const edge_metric_def *def, uint32_t *metric, pt_error *err)
{
    if (m->sealed) return pt_fail(err, PT_ESTATE, "the model is sealed");
    if (device >= m->n_devices) return pt_fail(err, PT_EINVAL, "no device %u", device);
    return add_metric(m, device, def, EDGE_NO_METRIC, PT_NONE, false, 0, metric, err);
}

/* --- sealing --- */

static bool path_less(const void *ctx, uint32_t a, uint32_t b)
{
    const edge_model *m = ctx;
    const edge__metric *x = &m->metrics[a], *y = &m->metrics[b];
    if (x->device != y->device) return x->device < y->device;
    return pt_slice_cmp(x->path, y->path) < 0;
}

static bool folded_less(const void *ctx, uint32_t a, uint32_t b)
{
    const edge_model *m = ctx;
    const edge__metric *x = &m->metrics[a], *y = &m->metrics[b];
    if (x->device != y->device) return x->device < y->device;
    size_t n = x->path.len < y->path.len ? x->path.len : y->path.len;
    for (size_t i = 0; i < n; i++) {
        int p = tolower((unsigned char)x->path.ptr[i]), q = tolower((unsigned char)y->path.ptr[i]);
        if (p != q) return p < q;
    }
    return x->path.len < y->path.len;
}

static bool number_less(const void *ctx, uint32_t a, uint32_t b)
{
    const edge_model *m = ctx;
    return m->metrics[a].number < m->metrics[b].number;
}

static pt_status add_controls(edge_model *m, pt_error *err)
{
    static const spb_value no = { .type = SPB_BOOLEAN }, zero = { .type = SPB_INT64 }, epoch = { .type = SPB_DATETIME };
    const struct {
        uint32_t *index;
        edge_metric_def def;
        uint16_t flags;
    } rows[] = {
        { &m->m_bdseq, { .name = "bdSeq", .type = SPB_INT64, .initial = &zero }, EDGE__NO_ALIAS },
        /* tck-id-operational-behavior-data-commands-rebirth-name, -name-aliases, -datatype, -value */
        { &m->m_rebirth, { .name = "Node Control/Rebirth", .type = SPB_BOOLEAN, .writable = true, .initial = &no }, EDGE__NO_ALIAS },
        { &m->m_next_server, { .name = "Node Control/Next Server", .type = SPB_BOOLEAN, .writable = true, .initial = &no }, 0 },
        { &m->m_backfill_from,
          { .name = "Node Control/Backfill From",
            .type = SPB_DATETIME,
            .writable = true,
            .transient = true,
            .on_value_only = true,
            .initial = &epoch },
          0 },
        { &m->m_backfill_pending,
          { .name = "Backfill/Pending", .type = SPB_INT64, .transient = true, .on_value_only = true, .initial = &zero },
          0 },
        { &m->m_backfill_done,
          { .name = "Backfill/Done Through", .type = SPB_DATETIME, .transient = true, .on_value_only = true, .initial = &epoch },
          0 },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_status st = add_metric(m, EDGE_NODE_DEVICE, &rows[i].def, EDGE_NO_METRIC, PT_NONE, true, 0, rows[i].index, err);
        if (st != PT_OK) return st;
        m->metrics[*rows[i].index].flags |= rows[i].flags;
    }
    return PT_OK;
}

/* What one metric can take in a birth: its name, properties, value and the fixed fields. */
static size_t metric_bytes(const edge__metric *x)
{
    size_t n = x->name.len + x->properties.len + x->metadata.len + x->blob_cap + 120;
    for (uint32_t i = 0; i < x->n_parameters; i++)
        n += x->parameters[i].name.len + (edge__is_blob(x->parameters[i].value.type) ? x->parameters[i].value.as.bytes.len : 0) + 40;
    return n;
}

static size_t template_bytes(const edge__tmpl *t)
{
    size_t n = t->name.len + t->version.len + 120;
    for (uint32_t i = 0; i < t->n_members; i++) {
        const edge__tmember *x = &t->members[i];
        n += strlen(x->def.name) + x->properties.len + (x->def.capacity ? x->def.capacity : CAPACITY_DEFAULT) + 160;
    }
    for (uint32_t i = 0; i < t->n_parameters; i++)
        n += t->parameters[i].name.len + (edge__is_blob(t->parameters[i].value.type) ? t->parameters[i].value.as.bytes.len : 0) + 40;
    return n;
}

static pt_status size_device(edge_model *m, uint32_t device, pt_error *err)
{
    edge__device *d = &m->devices[device];
    size_t birth = 64, ring = 0;
    uint32_t top = 0;
    for (uint32_t i = 0; i < m->n_metrics; i++) {
        const edge__metric *x = &m->metrics[i];
        if (x->device != device) continue;
        size_t bytes = metric_bytes(x);
        birth += bytes;
        top += x->parent == EDGE_NO_METRIC;
        ring += edge__record_size(edge__is_blob(x->type) ? x->blob_cap : 8);
        if (x->blob_cap > m->blob_max) m->blob_max = x->blob_cap;
        if (x->type == SPB_TEMPLATE && x->parent == EDGE_NO_METRIC) {
            size_t all = bytes;
            for (uint32_t j = i + 1; j <= i + x->members; j++)
                all += metric_bytes(&m->metrics[j]);
            if (all > m->template_bytes) m->template_bytes = all;
        }
    }
    if (device == EDGE_NODE_DEVICE)
        for (uint32_t i = 0; i < m->n_templates; i++) {
            size_t all = template_bytes(&m->templates[i]);
            birth += all + 64;
            if (all > m->template_bytes) m->template_bytes = all;
        }
    if (birth > m->birth_bytes) m->birth_bytes = birth;
    d->n_metrics = top;
    d->sorted = edge__alloc(m, (size_t)top * sizeof *d->sorted + 1);
    ring *= m->limits.ring_samples;
    if (ring < 4096) ring = 4096;
    d->ring.cap = ring & ~(size_t)7u;
    d->ring.block = edge__alloc(m, d->ring.cap);
    if (!d->sorted || !d->ring.block) return no_memory(m, err);
    top = 0;
    for (uint32_t i = 0; i < m->n_metrics; i++)
        if (m->metrics[i].device == device && m->metrics[i].parent == EDGE_NO_METRIC) d->sorted[top++] = i;
    return PT_OK;
}

pt_status edge_model_seal(edge_model *m, const edge_names *names, pt_error *err)
{
    if (m->sealed) return pt_fail(err, PT_ESTATE, "the model is sealed");
    pt_status st = add_controls(m, err);
    if (st != PT_OK) return st;
    m->by_name = edge__alloc(m, (size_t)m->n_metrics * sizeof *m->by_name);
    m->by_number = edge__alloc(m, (size_t)m->n_metrics * sizeof *m->by_number);
    if (!m->by_name || !m->by_number) return no_memory(m, err);
    for (uint32_t i = 0; i < m->n_metrics; i++)
        m->by_name[i] = m->by_number[i] = i;
    edge__sort(m->by_name, m->n_metrics, folded_less, m); /* tck-id-case-sensitivity-metric-names */
    for (uint32_t i = 1; i < m->n_metrics; i++) {
        const edge__metric *x = &m->metrics[m->by_name[i - 1]], *y = &m->metrics[m->by_name[i]];
        if (x->device == y->device && same_folded(x->path, y->path))
            return pt_fail(err, PT_EEXISTS, "metrics '%s' and '%s'%s%s differ in case only or not at all", x->path.ptr, y->path.ptr,
                           x->device ? " of device " : "", m->devices[x->device].id.ptr);
    }
    for (uint32_t t = 0; t < m->n_templates; t++) /* a definition is a metric of the NBIRTH too */
        for (uint32_t i = 0; i < m->n_metrics; i++)
            if (m->metrics[i].device == EDGE_NODE_DEVICE && same_folded(m->templates[t].name, m->metrics[i].path))
                return pt_fail(err, PT_EEXISTS, "template '%s' and a node metric have the same name", m->templates[t].name.ptr);
    edge__sort(m->by_name, m->n_metrics, path_less, m);
    for (uint32_t i = 0; i < m->n_metrics; i++) {
        edge__metric *x = &m->metrics[i];
        x->number = i + 1;
        if (names && (st = names->number(names->ctx, m->devices[x->device].id, x->path, &x->number)) != PT_OK)
            return pt_fail(err, st, "no stable number for metric '%s': %s", x->path.ptr, pt_status_name(st));
    }
    edge__sort(m->by_number, m->n_metrics, number_less, m);
    for (uint32_t i = 0; i < m->n_devices; i++)
        if ((st = size_device(m, i, err)) != PT_OK) return st;
    m->payload_cap = (m->birth_bytes > m->limits.message_bytes ? m->birth_bytes : m->limits.message_bytes) + 64;
    m->batch_cap = m->limits.message_bytes + m->blob_max + 64;
    m->payload = edge__alloc(m, m->payload_cap);
    m->batch = edge__alloc(m, m->batch_cap);
    m->scratch = edge__alloc(m, (m->template_bytes + 64) * (m->nest + 2));
    if (!m->payload || !m->batch || !m->scratch) return no_memory(m, err);
    m->sealed = true;
    return PT_OK;
}

/* --- finding --- */

uint32_t edge_model_find(const edge_model *m, uint32_t device, pt_slice name)
{
    uint32_t low = 0, high = m->sealed ? m->n_metrics : 0;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const edge__metric *x = &m->metrics[m->by_name[mid]];
        int c = x->device != device ? (x->device < device ? -1 : 1) : pt_slice_cmp(x->path, name);
        if (c == 0) return m->by_name[mid];
        if (c < 0) low = mid + 1;
        else high = mid;
    }
    return EDGE_NO_METRIC;
}

uint32_t edge__find_number(const edge_model *m, uint32_t number)
{
    uint32_t low = 0, high = m->n_metrics;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        uint32_t at = m->metrics[m->by_number[mid]].number;
        if (at == number) return m->by_number[mid];
        if (at < number) low = mid + 1;
        else high = mid;
    }
    return EDGE_NO_METRIC;
}

uint32_t edge_model_find_device(const edge_model *m, pt_slice id)
{
    for (uint32_t i = 0; i < m->n_devices; i++)
        if (pt_slice_eq(m->devices[i].id, id)) return i;
    return UINT32_MAX;
}
