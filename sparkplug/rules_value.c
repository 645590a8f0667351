/* sparkplug/rules_value.c -- rules of property sets, data sets and templates. */
#include "sparkplug/rules_internal.h"
#include "base/utf8.h"

enum { DEPTH = 64 };

static void check_set(spb__check *c, const spb_property_set *set, unsigned depth)
{
    if (depth > DEPTH) return;
    if (set->mismatch)
        spb__broken(c, "tck-id-payloads-propertyset-keys-array-size tck-id-payloads-propertyset-values-array-size",
                    "keys and values differ in number");
    for (uint32_t i = 0; i < set->n; i++) {
        const spb_property *p = &set->items[i];
        if (spb__is_birth(c->verb) && !p->has_type)
            spb__broken(c, "tck-id-payloads-metric-propertyvalue-type-req", "a property without a type");
        if (p->has_type && !spb_datatype_is_basic(p->type) && p->type != SPB_PROPERTYSET && p->type != SPB_PROPERTYSETLIST)
            spb__broken(c, "tck-id-payloads-metric-propertyvalue-type-value", "not a datatype a property can have");
        if (pt_slice_eq_cstr(p->key, "Quality")) {
            if (p->has_type && p->type != SPB_INT32)
                spb__broken(c, "tck-id-payloads-propertyset-quality-value-type", "Quality is not an Int32");
            if (p->wire != SPB_WIRE_INT || (p->value.u32 != 0 && p->value.u32 != 192 && p->value.u32 != 500))
                spb__broken(c, "tck-id-payloads-propertyset-quality-value-value", "Quality is not 0, 192 or 500 in int_value");
        }
        if (p->wire == SPB_WIRE_PROPERTYSET) check_set(c, p->value.set, depth + 1);
        for (uint32_t k = 0; p->wire == SPB_WIRE_PROPERTYSETS && k < p->value.sets->n; k++)
            check_set(c, &p->value.sets->items[k], depth + 1);
    }
}

static void check_dataset(spb__check *c, const spb_dataset *ds)
{
    if (!ds->has_num_of_columns || ds->num_of_columns != ds->n_columns)
        spb__broken(c, "tck-id-payloads-dataset-column-size", "num_of_columns is not the number of columns");
    if (ds->n_types == 0 && ds->n_columns > 0)
        spb__broken(c, "tck-id-payloads-dataset-parameter-type-req tck-id-payloads-dataset-types-def", "a data set without types");
    if (ds->n_columns != ds->n_types)
        spb__broken(c, "tck-id-payloads-dataset-column-num-headers tck-id-payloads-dataset-types-num",
                    "columns and types differ in number");
    for (uint32_t i = 0; i < ds->n_types; i++) {
        if (!spb_datatype_is_basic(ds->types[i])) {
            spb__broken(c, "tck-id-payloads-dataset-types-value", "not a datatype a column can have");
            break;
        }
    }
    for (uint32_t r = 0; r < ds->n_rows; r++) {
        for (uint32_t i = 0; i < ds->row_cells[r]; i++) {
            uint8_t wire = ds->rows[r][i].wire;
            if (wire == SPB_WIRE_NONE || wire == SPB_WIRE_EXTENSION) {
                spb__broken(c, "tck-id-payloads-template-dataset-value", "a cell without a value of the six kinds");
                return;
            }
        }
    }
}

/* template NUL kind name, kind being 'm' or 'p'. */
static pt_slice part_key(spb_rules *r, pt_slice template, char kind, pt_slice name)
{
    pt_buf_reset(&r->key);
    pt_buf_slice(&r->key, template);
    pt_buf_char(&r->key, '\0');
    pt_buf_char(&r->key, kind);
    pt_buf_slice(&r->key, name);
    return pt_buf_view(&r->key);
}

void spb__learn_definition(spb_rules *r, const spb_metric *m)
{
    if (m->wire != SPB_WIRE_TEMPLATE || !m->value.tmpl->is_definition || !m->name.ptr) return;
    const spb_template *t = m->value.tmpl;
    spb__definition *d = pt_arena_zalloc(&r->arena, sizeof *d);
    if (!d || pt_map_put(&r->definitions, m->name, (uint64_t)(uintptr_t)d, NULL)) return;
    for (uint32_t i = 0; i < t->n_metrics; i++) {
        uint64_t had = 0;
        if (pt_map_put(&r->members, part_key(r, m->name, 'm', t->metrics[i].name), 1, &had)) return;
        d->members += had == 0;
    }
    for (uint32_t i = 0; i < t->n_parameters; i++) {
        uint64_t had = 0;
        if (pt_map_put(&r->members, part_key(r, m->name, 'p', t->parameters[i].name), 1, &had)) return;
        d->parameters += had == 0;
    }
}

static void check_parameters(spb__check *c, const spb_template *t)
{
    for (uint32_t i = 0; i < t->n_parameters; i++) {
        const spb_parameter *p = &t->parameters[i];
        if (!p->name.ptr) spb__broken(c, "tck-id-payloads-template-parameter-name-required", "a parameter without a name");
        if (p->name.ptr && !pt_utf8_valid(p->name))
            spb__broken(c, "tck-id-payloads-template-parameter-name-type", "a parameter's name is not UTF-8");
        if (!p->has_type && spb__is_birth(c->verb))
            spb__broken(c, "tck-id-payloads-template-parameter-type-req", "a parameter without a type");
        if (p->has_type && !spb_datatype_is_basic(p->type))
            spb__broken(c, "tck-id-payloads-template-parameter-type-value", "not a datatype a parameter can have");
        if (p->cell.wire == SPB_WIRE_EXTENSION)
            spb__broken(c, "tck-id-payloads-template-parameter-value", "a parameter's value is an extension");
    }
}

/* An instance against its definition. `inner`: a member of a definition is an instance whose own members may be
 * missing. */
static void check_instance(spb__check *c, const spb_template *t, bool inner)
{
    spb_rules *r = c->r;
    uint64_t found = 0;
    pt_map seen;
    if (!t->template_ref.ptr || !t->template_ref.len) {
        spb__broken(c, "tck-id-payloads-template-instance-ref tck-id-payloads-template-ref-instance", "an instance without a template_ref");
        return;
    }
    if (!pt_utf8_valid(t->template_ref)) spb__broken(c, "tck-id-payloads-template-ref-instance", "template_ref is not UTF-8");
    if (!r->born) return;
    if (!pt_map_get(&r->definitions, t->template_ref, &found)) {
        spb__broken(c, "tck-id-payloads-template-definition-nbirth tck-id-topics-nbirth-templates",
                    "the instance's definition was not in the NBIRTH");
        return;
    }
    const spb__definition *d = (const spb__definition *)(uintptr_t)found;
    uint32_t distinct = 0;
    pt_map_init(&seen, PT_MAP_BORROW_KEYS);
    for (uint32_t i = 0; i < t->n_metrics; i++) {
        uint64_t had = 0;
        if (!pt_map_get(&r->members, part_key(r, t->template_ref, 'm', t->metrics[i].name), &found))
            spb__broken(c, "tck-id-payloads-template-instance-members tck-id-payloads-template-definition-members",
                        "a member that is not in the definition");
        else if (pt_map_put(&seen, t->metrics[i].name, 1, &had) == PT_OK) distinct += had == 0;
    }
    if (spb__is_birth(c->verb) && !inner && !(c->metric->flags & SPB_IS_NULL) && distinct < d->members)
        spb__broken(c, "tck-id-payloads-template-instance-members-birth", "a birth's instance lacks members of its definition");
    for (uint32_t i = 0; i < t->n_parameters; i++) {
        if (t->parameters[i].name.ptr && !pt_map_get(&r->members, part_key(r, t->template_ref, 'p', t->parameters[i].name), &found))
            spb__broken(c, "tck-id-payloads-template-instance-parameters tck-id-payloads-template-definition-parameters",
                        "a parameter that is not in the definition");
    }
    pt_map_fini(&seen);
}

static void check_template(spb__check *c, const spb_template *t, bool inner, unsigned depth)
{
    if (depth > DEPTH) return;
    if (!t->has_is_definition)
        spb__broken(c,
                    "tck-id-payloads-template-is-definition tck-id-payloads-template-instance-is-definition "
                    "tck-id-payloads-template-is-definition-instance",
                    "is_definition is missing");
    if (t->version.ptr && !pt_utf8_valid(t->version)) spb__broken(c, "tck-id-payloads-template-version", "the version is not UTF-8");
    check_parameters(c, t);
    if (t->is_definition) {
        if (c->verb != SPB_NBIRTH) spb__broken(c, "tck-id-payloads-template-definition-nbirth-only", "a definition outside an NBIRTH");
        if (depth > 0)
            spb__broken(c, "tck-id-payloads-template-instance-is-definition tck-id-payloads-template-is-definition-instance",
                        "a template within a template is an instance, not a definition");
        if (t->template_ref.ptr)
            spb__broken(c, "tck-id-payloads-template-definition-ref tck-id-payloads-template-ref-definition",
                        "a definition has a template_ref");
    } else {
        check_instance(c, t, inner);
    }
    for (uint32_t i = 0; i < t->n_metrics; i++) {
        const spb_metric *m = &t->metrics[i];
        if (m->properties) check_set(c, m->properties, 0);
        if (m->wire == SPB_WIRE_DATASET) check_dataset(c, m->value.dataset);
        if (m->wire == SPB_WIRE_TEMPLATE) check_template(c, m->value.tmpl, inner || t->is_definition, depth + 1);
    }
}

void spb__check_content(spb__check *c, const spb_metric *m, unsigned depth)
{
    if (m->properties) check_set(c, m->properties, depth);
    if (m->wire == SPB_WIRE_DATASET) check_dataset(c, m->value.dataset);
    if (m->wire == SPB_WIRE_TEMPLATE) check_template(c, m->value.tmpl, false, depth);
}
