/* sparkplug/document.c -- DataSets and Template instances as canonical JSON.
 *
 * A document is written as it is checked; after PT_EMALFORMED the buffer holds a part of one and must be dropped. */
#include "sparkplug/value_internal.h"

static pt_status put_dataset(pt_json *j, const spb_dataset *ds);
static pt_status put_template(pt_json *j, const spb_template *t);

static pt_status put_cell(pt_json *j, const spb_cell *cell, uint32_t type)
{
    spb_value v;
    if (!spb_datatype_is_basic(type)) return PT_EMALFORMED; /* tck-id-payloads-dataset-types-value */
    pt_status st = spb__read_wire(cell->wire, &cell->value, type, &v, NULL);
    if (st == PT_OK) spb_value_json(j, &v);
    return st;
}

static pt_status put_dataset(pt_json *j, const spb_dataset *ds)
{
    /* tck-id-payloads-dataset-column-num-headers, -dataset-types-num */
    if (ds->n_columns != ds->n_types || (ds->has_num_of_columns && ds->num_of_columns != ds->n_columns)) return PT_EMALFORMED;
    pt_json_object(j);
    pt_json_key(j, "columns");
    pt_json_array(j);
    for (uint32_t i = 0; i < ds->n_columns; i++)
        pt_json_str(j, ds->columns[i]);
    pt_json_end_array(j);
    pt_json_key(j, "types");
    pt_json_array(j);
    for (uint32_t i = 0; i < ds->n_types; i++) {
        if (!spb_datatype_is_basic(ds->types[i])) return PT_EMALFORMED;
        pt_json_str(j, pt_cstr(spb_datatype_name(ds->types[i])));
    }
    pt_json_end_array(j);
    pt_json_key(j, "rows");
    pt_json_array(j);
    for (uint32_t r = 0; r < ds->n_rows; r++) {
        if (ds->row_cells[r] != ds->n_columns) return PT_EMALFORMED;
        pt_json_array(j);
        for (uint32_t c = 0; c < ds->n_columns; c++) {
            pt_status st = put_cell(j, &ds->rows[r][c], ds->types[c]);
            if (st) return st;
        }
        pt_json_end_array(j);
    }
    pt_json_end_array(j);
    pt_json_end_object(j);
    return pt_buf_status(j->out);
}

static pt_status put_member(pt_json *j, const spb_metric *m)
{
    uint32_t type = m->flags & SPB_HAS_DATATYPE ? m->datatype : spb__type_of_wire(m->wire);
    if (!(m->flags & SPB_HAS_NAME)) return PT_EMALFORMED;
    pt_json_key_slice(j, m->name);
    if (!(m->flags & SPB_IS_NULL) && m->wire == SPB_WIRE_DATASET && type == SPB_DATASET) return put_dataset(j, m->value.dataset);
    if (!(m->flags & SPB_IS_NULL) && m->wire == SPB_WIRE_TEMPLATE && type == SPB_TEMPLATE) return put_template(j, m->value.tmpl);
    spb_value v;
    pt_status st = spb__read_wire(m->flags & SPB_IS_NULL ? SPB_WIRE_NONE : m->wire, &m->value, type, &v, NULL);
    if (st == PT_OK) spb_value_json(j, &v);
    return st;
}

static pt_status put_template(pt_json *j, const spb_template *t)
{
    pt_status st = PT_OK;
    pt_json_object(j);
    pt_json_member_str(j, "template_ref", t->template_ref);
    pt_json_member_str(j, "version", t->version);
    pt_json_key(j, "members");
    pt_json_object(j);
    for (uint32_t i = 0; i < t->n_metrics; i++) {
        if ((st = put_member(j, &t->metrics[i])) != PT_OK) return st;
    }
    pt_json_end_object(j);
    pt_json_key(j, "parameters");
    pt_json_object(j);
    for (uint32_t i = 0; i < t->n_parameters; i++) {
        const spb_parameter *p = &t->parameters[i];
        if (!p->name.ptr) return PT_EMALFORMED; /* tck-id-payloads-template-parameter-name-required */
        pt_json_key_slice(j, p->name);
        if ((st = put_cell(j, &p->cell, p->has_type ? p->type : spb__type_of_wire(p->cell.wire))) != PT_OK) return st;
    }
    pt_json_end_object(j);
    pt_json_end_object(j);
    return pt_buf_status(j->out);
}

pt_status spb_document_dataset(const spb_dataset *ds, pt_buf *out)
{
    pt_json j;
    pt_json_init(&j, out);
    return put_dataset(&j, ds);
}

pt_status spb_document_template(const spb_template *t, pt_buf *out)
{
    pt_json j;
    pt_json_init(&j, out);
    return put_template(&j, t);
}
