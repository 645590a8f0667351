/* edge-node/setup.c -- from a loaded configuration to a sealed model and the poller's devices; see config.h.
 *
 * The model lives in one block; how large it must be is found by trying: a model is built in a fraction of a second. */
#include "edge-node/config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

typedef struct builder {
    edge_setup *s;
    const edge_config_file *f;
    const pt_clock *clock;
    const pt_log *log;
    pt_buf *faults;
    bool no_memory;
} builder;

#define PROPERTIES_PER_TAG 64

static void fault_node(builder *b, const pt_yaml_node *at, const char *text)
{
    pt_yaml_fault(pt_config_yaml(b->f->cfg), at, b->faults, "%s", text);
}

/* PT_OK goes on; the rest is a fault at `at`, or the sign to try with more memory. */
static bool good(builder *b, pt_status st, const pt_yaml_node *at, const char *text)
{
    if (st == PT_OK) return true;
    if (st == PT_ENOMEM) b->no_memory = true;
    else fault_node(b, at, text);
    return false;
}

/* --- properties --- */

static bool guess(builder *b, const pt_yaml_node *n, spb_value *v)
{
    (void)b;
    int64_t i;
    double d;
    if (!n->quoted && (pt_slice_eq_cstr(n->text, "true") || pt_slice_eq_cstr(n->text, "false")))
        *v = (spb_value){ .type = SPB_BOOLEAN, .as = { .boolean = n->text.ptr[0] == 't' } };
    else if (!n->quoted && pt_slice_to_i64(n->text, &i)) *v = (spb_value){ .type = SPB_INT64, .as = { .i64 = i } };
    else if (!n->quoted && pt_slice_to_f64(n->text, &d)) *v = (spb_value){ .type = SPB_DOUBLE, .as = { .f64 = d } };
    else *v = (spb_value){ .type = SPB_STRING, .as = { .bytes = n->text } };
    return true;
}

static const edge_property *property_map(builder *b, const pt_yaml_node *map, uint32_t depth);

static bool property(builder *b, pt_slice key, const pt_yaml_node *n, edge_property *p, uint32_t depth)
{
    *p = (edge_property){ .key = key };
    if (n->kind == PT_YAML_SCALAR) return guess(b, n, &p->value);
    if (depth > 6) {
        fault_node(b, n, "properties are nested too deeply");
        return false;
    }
    if (n->kind == PT_YAML_MAP) {
        p->value.type = SPB_PROPERTYSET;
        p->n = n->n;
        p->items = property_map(b, n, depth + 1);
        return p->items != NULL;
    }
    edge_property *sets = pt_arena_zalloc(&b->s->arena, (n->n + 1u) * sizeof *sets);
    if (!sets) return false;
    p->value.type = SPB_PROPERTYSETLIST;
    p->n = n->n;
    p->items = sets;
    for (uint32_t i = 0; i < n->n; i++) {
        if (n->items[i]->kind != PT_YAML_MAP) {
            fault_node(b, n->items[i], "a list of properties holds maps");
            return false;
        }
        sets[i].n = n->items[i]->n;
        sets[i].items = property_map(b, n->items[i], depth + 1);
        if (!sets[i].items) return false;
    }
    return true;
}

static const edge_property *property_map(builder *b, const pt_yaml_node *map, uint32_t depth)
{
    edge_property *p = pt_arena_zalloc(&b->s->arena, (map->n + 1u) * sizeof *p);
    for (uint32_t i = 0; p && i < map->n; i++)
        if (!property(b, map->keys[i]->text, map->items[i], &p[i], depth)) return NULL;
    return p;
}

static uint32_t tag_properties(builder *b, const edge_tag_config *t, edge_property *p)
{
    uint32_t n = 0;
    if (t->unit) p[n++] = (edge_property){ .key = PT_LIT("engUnit"), .value = { .type = SPB_STRING, .as = { .bytes = pt_cstr(t->unit) } } };
    if (!isnan(t->low)) p[n++] = (edge_property){ .key = PT_LIT("engLow"), .value = { .type = SPB_DOUBLE, .as = { .f64 = t->low } } };
    if (!isnan(t->high)) p[n++] = (edge_property){ .key = PT_LIT("engHigh"), .value = { .type = SPB_DOUBLE, .as = { .f64 = t->high } } };
    if (t->description)
        p[n++] =
            (edge_property){ .key = PT_LIT("documentation"), .value = { .type = SPB_STRING, .as = { .bytes = pt_cstr(t->description) } } };
    if (t->properties && t->properties->kind != PT_YAML_MAP) {
        fault_node(b, t->properties, "properties must be a map");
    } else if (t->properties) {
        for (uint32_t i = 0; i < t->properties->n && n < PROPERTIES_PER_TAG; i++)
            n += property(b, t->properties->keys[i]->text, t->properties->items[i], &p[n], 0);
        if (n == PROPERTIES_PER_TAG) fault_node(b, t->properties, "more than 63 properties");
    }
    return n;
}

/* What cannot be written says so in its birth, unless the configuration says something about it itself. */
static uint32_t mark_read_only(const edge_tag_config *t, edge_property *p, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (pt_slice_eq_cstr(p[i].key, "readOnly")) return n;
    if (!t->write && n < PROPERTIES_PER_TAG)
        p[n++] = (edge_property){ .key = PT_LIT("readOnly"), .value = { .type = SPB_BOOLEAN, .as = { .boolean = true } } };
    return n;
}

/* --- tags --- */

static edge_metric_def def_of(const edge_tag_config *t, edge_property *p, uint32_t n_properties)
{
    spb_datatype type = SPB_UNKNOWN;
    if (spb_datatype_parse(pt_cstr(t->type), &type) != PT_OK) type = SPB_UNKNOWN;
    edge_metric_def d = { .name = t->name,
                          .type = type,
                          .tmpl = t->tmpl,
                          .writable = t->write,
                          .transient = t->transient,
                          .on_value_only = t->every,
                          .capacity = (uint32_t)t->max_length,
                          .properties = p,
                          .n_properties = n_properties };
    if (!isnan(t->deadband)) d.filter.deadband = t->deadband;
    if (!isnan(t->deadband_percent)) d.filter.deadband = t->deadband_percent / 100 * (t->high - t->low);
    if (!isnan(t->exc_dev)) d.filter = (edge_filter){ .exc_dev = t->exc_dev, .exc_min_ms = t->exc_min_ms, .exc_max_ms = t->exc_max_ms };
    return d;
}

static edge_convert convert_of(const edge_tag_config *t, spb_datatype type)
{
    edge_convert c = { .type = (uint8_t)type, .scale = 1 };
    c.scaled = !isnan(t->scale) || !isnan(t->offset);
    if (!isnan(t->scale)) c.scale = t->scale;
    if (!isnan(t->offset)) c.offset = t->offset;
    c.clamped = !isnan(t->clamp_low);
    if (c.clamped) {
        c.clamp_low = t->clamp_low;
        c.clamp_high = t->clamp_high;
    }
    c.limited = t->write && (!isnan(t->write_low) || !isnan(t->write_high));
    c.write_low = isnan(t->write_low) ? -INFINITY : t->write_low;
    c.write_high = isnan(t->write_high) ? INFINITY : t->write_high;
    return c;
}

typedef struct tag_lists { /* of one device, in step */
    edge_driver_tag *tags;
    edge_convert *converts;
    uint32_t *metrics;
    const edge_tag_config **from;
    uint32_t n, cap;
} tag_lists;

static void add_tag(tag_lists *l, const char *name, const edge_tag_config *t, spb_datatype type, int64_t poll_ms,
                    const edge_option *options, uint32_t metric, const edge_tag_config *from)
{
    if (l->n == l->cap) return; /* counted before: cannot happen */
    l->converts[l->n] = convert_of(t, type);
    l->tags[l->n] = (edge_driver_tag){ .name = name,
                                       .type = type,
                                       .scaled = l->converts[l->n].scaled || l->converts[l->n].clamped,
                                       .writable = t->write,
                                       .poll_ms = poll_ms,
                                       .low = isnan(t->low) ? 0 : t->low,
                                       .high = isnan(t->high) ? 0 : t->high,
                                       .options = options };
    l->metrics[l->n] = metric;
    l->from[l->n] = from;
    l->n++;
}

/* --- templates --- */

static const pt_yaml_node *template_node(builder *b, const char *name)
{
    const pt_yaml_node *list = b->f->c.templates;
    for (uint32_t i = 0; list && list->kind == PT_YAML_LIST && i < list->n; i++) {
        const pt_yaml_node *n = list->items[i]->kind == PT_YAML_MAP ? pt_yaml_get(list->items[i], "name") : NULL;
        if (n && n->kind == PT_YAML_SCALAR && pt_slice_eq_cstr(n->text, name)) return list->items[i];
    }
    return NULL;
}

typedef struct parameter_config {
    const char *name, *type, *value;
} parameter_config;
static const pt_config_field parameter_fields[] = {
    { .key = "name", .type = PT_CFG_STRING, .offset = offsetof(parameter_config, name), .required = true, .min = 1, .max = 512 },
    { .key = "type", .type = PT_CFG_STRING, .offset = offsetof(parameter_config, type), .required = true },
    { .key = "value", .type = PT_CFG_STRING, .offset = offsetof(parameter_config, value) },
    { 0 }
};

typedef struct template_config {
    const char *name, *version;
    pt_config_list parameters;
    const pt_yaml_node *members;
} template_config;
static const pt_config_field template_fields[] = {
    { .key = "name", .type = PT_CFG_STRING, .offset = offsetof(template_config, name), .required = true, .min = 1, .max = 512 },
    { .key = "version", .type = PT_CFG_STRING, .offset = offsetof(template_config, version), .max = 200 },
    { .key = "parameters",
      .type = PT_CFG_LIST,
      .offset = offsetof(template_config, parameters),
      .sub = parameter_fields,
      .size = sizeof(parameter_config) },
    { .key = "members", .type = PT_CFG_NODE, .offset = offsetof(template_config, members), .required = true },
    { 0 }
};

static bool basic_value(const char *text, spb_datatype type, spb_value *v)
{
    pt_slice s = pt_cstr(text);
    *v = (spb_value){ .type = (uint8_t)type };
    unsigned bits = spb_datatype_bits(type);
    double d;
    switch (spb_datatype_class(type)) {
    case SPB_CLASS_SIGNED:
        return pt_slice_to_i64(s, &v->as.i64) &&
               (bits == 64 || (v->as.i64 >= -((int64_t)1 << (bits - 1)) && v->as.i64 < (int64_t)1 << (bits - 1)));
    case SPB_CLASS_UNSIGNED: return pt_slice_to_u64(s, &v->as.u64) && (bits == 64 || !(v->as.u64 >> bits));
    case SPB_CLASS_FLOAT:
        if (!pt_slice_to_f64(s, &d)) return false;
        v->as.f32 = (float)d;
        return true;
    case SPB_CLASS_DOUBLE: return pt_slice_to_f64(s, &v->as.f64);
    case SPB_CLASS_BOOLEAN: v->as.boolean = pt_slice_eq_cstr(s, "true"); return v->as.boolean || pt_slice_eq_cstr(s, "false");
    default: v->as.bytes = s; return true;
    }
}

static bool add_template(builder *b, const pt_yaml_node *node)
{
    template_config t = { 0 };
    pt_error err = { 0 };
    if (pt_config_bind(b->f->cfg, node, template_fields, &t, NULL, b->faults) != PT_OK) return false;
    if (t.members->kind != PT_YAML_LIST) {
        fault_node(b, t.members, "members must be a list");
        return false;
    }
    edge_metric_def *members = pt_arena_zalloc(&b->s->arena, (t.members->n + 1u) * sizeof *members);
    edge_parameter_def *parameters = pt_arena_zalloc(&b->s->arena, (t.parameters.n + 1u) * sizeof *parameters);
    if (!members || !parameters) return false;
    for (uint32_t i = 0; i < t.parameters.n; i++) {
        const parameter_config *p = (const parameter_config *)t.parameters.items + i;
        spb_datatype type;
        parameters[i].name = p->name;
        if (spb_datatype_parse(pt_cstr(p->type), &type) != PT_OK || !spb_datatype_is_basic(type)) {
            fault_node(b, node, "a parameter has a basic type");
            return false;
        }
        parameters[i].value = (spb_value){ .type = (uint8_t)type, .is_null = true };
        if (p->value && !basic_value(p->value, type, &parameters[i].value)) {
            fault_node(b, node, "a parameter's value does not fit its type");
            return false;
        }
    }
    for (uint32_t i = 0; i < t.members->n; i++) {
        edge_tag_config *m = pt_arena_zalloc(&b->s->arena, sizeof *m);
        edge_property *p = pt_arena_zalloc(&b->s->arena, PROPERTIES_PER_TAG * sizeof *p);
        if (!m || !p || pt_config_bind(b->f->cfg, t.members->items[i], edge__tag_fields, m, NULL, b->faults) != PT_OK) return false;
        m->node = t.members->items[i];
        edge_device_config none = { .poll_ms = 1000 };
        if (!edge__tag_finish((edge_config_file *)(uintptr_t)b->f, &none, m, b->faults)) return false;
        members[i] = def_of(m, p, tag_properties(b, m, p));
        members[i].user = m;
    }
    edge_template_def def = { t.name, t.version, members, t.members->n, parameters, t.parameters.n };
    return good(b, edge_model_template(b->s->model, &def, &err), node, err.text);
}

/* Driver tags of an instance's members; `path` is relative to the instance. */
static void instance_tags(builder *b, const edge_device_config *d, const edge_tag_config *inst, const char *tmpl, const char *base,
                          const char *prefix, uint32_t device, tag_lists *l)
{
    const pt_yaml_node *node = template_node(b, tmpl), *members = node ? pt_yaml_get(node, "members") : NULL;
    for (uint32_t i = 0; members && members->kind == PT_YAML_LIST && i < members->n; i++) {
        edge_tag_config *m = pt_arena_zalloc(&b->s->arena, sizeof *m);
        edge_device_config as = { .poll_ms = d->poll_ms };
        if (!m || pt_config_bind(b->f->cfg, members->items[i], edge__tag_fields, m, NULL, b->faults) != PT_OK) return;
        m->node = members->items[i];
        if (!edge__tag_finish((edge_config_file *)(uintptr_t)b->f, &as, m, b->faults)) return;
        size_t size = strlen(base) + strlen(prefix) + strlen(m->name) + 3;
        char *path = pt_arena_alloc(&b->s->arena, size);
        if (!path) return;
        snprintf(path, size, "%s%s%s", prefix, *prefix ? "/" : "", m->name);
        if (m->tmpl) {
            instance_tags(b, d, inst, m->tmpl, base, path, device, l);
            continue;
        }
        const pt_yaml_node *keys = inst->members && inst->members->kind == PT_YAML_MAP ? pt_yaml_get(inst->members, path) : NULL;
        if (!keys) continue; /* keeps its default */
        size_t n = edge_driver_keys_count(d->driver->tag_keys);
        edge_option *o = pt_arena_zalloc(&b->s->arena, (n + 1) * sizeof *o);
        for (size_t k = 0; o && k < n; k++) {
            const pt_yaml_node *v = keys->kind == PT_YAML_MAP ? pt_yaml_get(keys, d->driver->tag_keys[k].key) : NULL;
            const char *text = v && v->kind == PT_YAML_SCALAR ? v->text.ptr : d->driver->tag_keys[k].def;
            pt_error err = { 0 };
            if (!text && d->driver->tag_keys[k].required)
                pt_yaml_fault(pt_config_yaml(b->f->cfg), keys, b->faults, "%s is missing", d->driver->tag_keys[k].key);
            else if (text && edge_option_parse(&d->driver->tag_keys[k], text, &o[k], &err) != PT_OK) fault_node(b, v ? v : keys, err.text);
        }
        spb_datatype type = SPB_UNKNOWN;
        if (spb_datatype_parse(pt_cstr(m->type), &type) != PT_OK) return;
        char *full = pt_arena_alloc(&b->s->arena, size);
        if (!full || !o) return;
        snprintf(full, size, "%s/%s", base, path);
        add_tag(l, full, m, type, m->poll_ms, o, EDGE_NO_METRIC, inst);
    }
}

/* Keys of one member: the driver's, and no others. */
static void check_keys(builder *b, const edge_device_config *d, const pt_yaml_node *keys)
{
    size_t n = edge_driver_keys_count(d->driver->tag_keys);
    for (uint32_t i = 0; keys->kind == PT_YAML_MAP && i < keys->n; i++) {
        bool known = false;
        for (size_t k = 0; k < n; k++)
            known = known || pt_slice_eq_cstr(keys->keys[i]->text, d->driver->tag_keys[k].key);
        if (!known)
            pt_yaml_fault(pt_config_yaml(b->f->cfg), keys->keys[i], b->faults,
                          "'%.*s' is no key of driver %s; write, unit and the like belong to the member in the template",
                          PT_SLICE_ARGS(keys->keys[i]->text), d->driver->name);
    }
}

static void check_member_keys(builder *b, const edge_device_config *d, const edge_tag_config *t, const tag_lists *l)
{
    if (!t->members) return;
    if (t->members->kind != PT_YAML_MAP) {
        fault_node(b, t->members, "members must be a map from member to driver keys");
        return;
    }
    for (uint32_t i = 0; i < t->members->n; i++) {
        bool known = false;
        check_keys(b, d, t->members->items[i]);
        char full[4400];
        snprintf(full, sizeof full, "%s/%.*s", t->name, PT_SLICE_ARGS(t->members->keys[i]->text));
        for (uint32_t k = 0; k < l->n; k++)
            known = known || strcmp(l->tags[k].name, full) == 0;
        if (!known) fault_node(b, t->members->keys[i], "the template has no such member");
    }
}

static uint32_t instance_parameters(builder *b, const edge_tag_config *t, edge_parameter_def *out, uint32_t cap)
{
    const pt_yaml_node *node = template_node(b, t->tmpl);
    template_config tc = { 0 };
    uint32_t n = 0;
    if (!t->parameters) return 0;
    if (!node || t->parameters->kind != PT_YAML_MAP || pt_config_bind(b->f->cfg, node, template_fields, &tc, NULL, b->faults) != PT_OK) {
        fault_node(b, t->parameters, "parameters must be a map of the template's parameters");
        return 0;
    }
    for (uint32_t i = 0; i < t->parameters->n && n < cap; i++) {
        spb_datatype type = SPB_UNKNOWN;
        for (uint32_t k = 0; k < tc.parameters.n; k++) {
            const parameter_config *p = (const parameter_config *)tc.parameters.items + k;
            if (pt_slice_eq_cstr(t->parameters->keys[i]->text, p->name) && spb_datatype_parse(pt_cstr(p->type), &type) != PT_OK)
                type = SPB_UNKNOWN;
        }
        out[n].name = t->parameters->keys[i]->text.ptr;
        if (type == SPB_UNKNOWN || t->parameters->items[i]->kind != PT_YAML_SCALAR ||
            !basic_value(t->parameters->items[i]->text.ptr, type, &out[n].value))
            fault_node(b, t->parameters->keys[i], "no such parameter, or its value does not fit its type");
        else n++;
    }
    return n;
}

/* --- devices --- */

static bool lists_init(builder *b, tag_lists *l, uint32_t cap)
{
    l->cap = cap;
    l->tags = pt_arena_zalloc(&b->s->arena, (cap + 1u) * sizeof *l->tags);
    l->converts = pt_arena_zalloc(&b->s->arena, (cap + 1u) * sizeof *l->converts);
    l->metrics = pt_arena_zalloc(&b->s->arena, (cap + 1u) * sizeof *l->metrics);
    l->from = pt_arena_zalloc(&b->s->arena, (cap + 1u) * sizeof *l->from);
    return l->tags && l->converts && l->metrics && l->from;
}

static uint32_t members_of(builder *b, const char *tmpl, uint32_t depth)
{
    const pt_yaml_node *node = tmpl ? template_node(b, tmpl) : NULL, *members = node ? pt_yaml_get(node, "members") : NULL;
    uint32_t n = 0;
    for (uint32_t i = 0; depth < 10 && members && members->kind == PT_YAML_LIST && i < members->n; i++) {
        const pt_yaml_node *inner = members->items[i]->kind == PT_YAML_MAP ? pt_yaml_get(members->items[i], "template") : NULL;
        n += 1 + (inner && inner->kind == PT_YAML_SCALAR ? members_of(b, inner->text.ptr, depth + 1) : 0);
    }
    return n;
}

static void add_device(builder *b, const edge_device_config *d, edge_poller_device *out)
{
    uint32_t device, cap = d->n_tags;
    pt_error err = { 0 };
    for (uint32_t i = 0; i < d->n_tags; i++)
        cap += members_of(b, d->tags[i].tmpl, 0);
    tag_lists l = { 0 };
    if (!lists_init(b, &l, cap)) {
        fault_node(b, d->node, "out of memory");
        return;
    }
    if (!good(b, edge_model_device(b->s->model, d->id, &device, &err), d->node, err.text)) return;
    for (uint32_t i = 0; i < d->n_tags; i++) {
        const edge_tag_config *t = &d->tags[i];
        edge_property p[PROPERTIES_PER_TAG];
        edge_parameter_def parameters[64];
        uint32_t metric, first = l.n;
        edge_metric_def def = def_of(t, p, mark_read_only(t, p, tag_properties(b, t, p)));
        if (t->tmpl) {
            def.parameters = parameters;
            def.n_parameters = instance_parameters(b, t, parameters, 64);
        }
        pt_status st = edge_model_metric(b->s->model, device, &def, &metric, &err);
        if (st == PT_ENOMEM) {
            b->no_memory = true;
            return;
        }
        if (st != PT_OK) {
            edge__tag_fault(b->f, d, t, b->faults, "%s", err.text);
            continue;
        }
        if (t->tmpl) {
            instance_tags(b, d, t, t->tmpl, t->name, "", device, &l);
            check_member_keys(b, d, t, &l);
        } else {
            add_tag(&l, t->name, t, def.type, t->poll_ms, t->options, metric, t);
        }
        (void)first;
    }
    *out = (edge_poller_device){
        .driver = d->driver,
        .config = { .device = d->id, .options = d->options, .tags = l.tags, .n_tags = l.n, .clock = b->clock, .log = b->log },
        .converts = l.converts,
        .metrics = l.metrics,
        .device = device,
        .retry_min_ms = d->retry_min_ms,
        .retry_max_ms = d->retry_max_ms
    };
    void *probe = NULL;
    uint32_t bad = UINT32_MAX;
    err.text[0] = 0;
    if (d->driver->open(&out->config, &probe, &bad, &err) != PT_OK) {
        if (bad != UINT32_MAX && bad < l.n)
            edge__tag_fault(b->f, d, l.from[bad], b->faults, "%s%s%s", l.from[bad]->tmpl ? l.tags[bad].name : "",
                            l.from[bad]->tmpl ? ": " : "", err.text);
        else fault_node(b, d->node, err.text);
    } else {
        d->driver->close(probe);
    }
}

static void add_node_metrics(builder *b)
{
    struct utsname u;
    pt_error err = { 0 };
    uint32_t metric;
    static const spb_value none = { .type = SPB_STRING };
    struct {
        const char *name;
        spb_value v;
    } rows[] = {
        { "Properties/Software", none }, { "Properties/OS", none }, { "Properties/OS Version", none }, { "Properties/Hardware", none }
    };
    if (uname(&u) != 0) memset(&u, 0, sizeof u);
    rows[0].v.as.bytes = PT_LIT("plantree-edge " PLANTREE_VERSION);
    rows[1].v.as.bytes = pt_cstr(u.sysname);
    rows[2].v.as.bytes = pt_cstr(u.release);
    rows[3].v.as.bytes = pt_cstr(u.machine);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        edge_metric_def d = { .name = rows[i].name, .type = SPB_STRING, .initial = &rows[i].v };
        if (!good(b, edge_model_metric(b->s->model, EDGE_NODE_DEVICE, &d, &metric, &err), NULL, err.text)) return;
    }
    const pt_yaml_node *map = b->f->c.properties;
    if (map && map->kind != PT_YAML_MAP) fault_node(b, map, "properties must be a map");
    for (uint32_t i = 0; map && map->kind == PT_YAML_MAP && i < map->n; i++) {
        char name[512];
        spb_value v;
        if (map->items[i]->kind != PT_YAML_SCALAR || map->keys[i]->text.len > 400) {
            fault_node(b, map->items[i], "a node property is a single value");
            continue;
        }
        snprintf(name, sizeof name, "Properties/%.*s", PT_SLICE_ARGS(map->keys[i]->text));
        guess(b, map->items[i], &v);
        edge_metric_def d = { .name = name, .type = (spb_datatype)v.type, .initial = &v, .capacity = 1024 };
        if (!good(b, edge_model_metric(b->s->model, EDGE_NODE_DEVICE, &d, &metric, &err), map->items[i], err.text)) return;
    }
}

static pt_status build(builder *b, size_t size, const edge_names *names)
{
    edge_setup *s = b->s;
    const edge_config *c = &b->f->c;
    pt_error err = { 0 };
    uint32_t metrics = 64 + (c->properties ? c->properties->n : 0),
             templates = c->templates && c->templates->kind == PT_YAML_LIST ? c->templates->n : 0;
    for (uint32_t i = 0; i < c->n_devices; i++)
        for (uint32_t k = 0; k < c->devices[i].n_tags; k++)
            metrics += 1 + members_of(b, c->devices[i].tags[k].tmpl, 0);
    s->memory = calloc(1, size);
    if (!s->memory) return PT_ENOMEM;
    edge_model_limits limits = { .devices = c->n_devices + 1, .metrics = metrics, .templates = templates + 1 };
    if (edge_model_init(s->memory, size, &limits, &s->model, &err) != PT_OK) {
        b->no_memory = true;
        return PT_ENOMEM;
    }
    if (c->templates && c->templates->kind != PT_YAML_LIST) fault_node(b, c->templates, "templates must be a list");
    for (uint32_t i = 0; c->templates && i < templates && !b->no_memory; i++)
        if (!add_template(b, c->templates->items[i])) break;
    if (!b->no_memory) add_node_metrics(b);
    s->devices = pt_arena_zalloc(&s->arena, (c->n_devices + 1u) * sizeof *s->devices);
    if (!s->devices) return PT_ENOMEM;
    for (uint32_t i = 0; i < c->n_devices && !b->no_memory; i++)
        add_device(b, &c->devices[i], &s->devices[i]);
    s->n_devices = c->n_devices;
    if (b->no_memory) return PT_ENOMEM;
    if (b->faults->len) return PT_EMALFORMED;
    pt_status st = edge_model_seal(s->model, names, &err);
    if (st == PT_ENOMEM) b->no_memory = true;
    if (st != PT_OK && st != PT_ENOMEM) pt_buf_printf(b->faults, "%s:1:1: %s\n", b->f->path, err.text);
    if (st != PT_OK) return st;
    for (uint32_t i = 0; i < s->n_devices; i++) { /* members got their numbers with their instance */
        edge_poller_device *d = &s->devices[i];
        uint32_t *at = (uint32_t *)(uintptr_t)d->metrics;
        for (uint32_t k = 0; k < d->config.n_tags; k++)
            if (at[k] == EDGE_NO_METRIC) at[k] = edge_model_find(s->model, d->device, pt_cstr(d->config.tags[k].name));
    }
    return PT_OK;
}

pt_status edge_setup_build(const edge_config_file *f, const edge_names *names, const pt_clock *clock, const pt_log *log, edge_setup **out,
                           pt_buf *faults)
{
    pt_status st = PT_ENOMEM;
    for (size_t size = 512 * 1024; size <= (size_t)4 << 30; size *= 2) {
        edge_setup *s = calloc(1, sizeof *s);
        if (!s) return PT_ENOMEM;
        pt_arena_init(&s->arena, (size_t)4 << 30);
        s->file = f;
        builder b = { .s = s, .f = f, .clock = clock, .log = log, .faults = faults };
        st = build(&b, size, names);
        if (st == PT_OK) {
            *out = s;
            return PT_OK;
        }
        edge_setup_free(s);
        if (!b.no_memory) return st;
        pt_buf_reset(faults);
    }
    pt_buf_printf(faults, "%s:1:1: the tags need more than 4 GiB\n", f->path);
    return st;
}

void edge_setup_free(edge_setup *s)
{
    if (!s) return;
    pt_arena_fini(&s->arena);
    free(s->memory);
    free(s);
}
