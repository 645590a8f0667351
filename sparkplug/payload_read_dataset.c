/* sparkplug/payload_read_dataset.c -- the zero-copy reader's DataSets: typed columns, rows of cells. */
#include "sparkplug/payload_reader.h"

/* ---- cells: DataSetValue (fields from 1) and Template.Parameter's value (from 3) ---- */

pt_status spb__read_cell_field(reader *r, uint64_t field, uint64_t tag, const spb__byte **at, const spb__byte *end, spb_cell *cell)
{
    static const uint8_t wires[] = { SPB_WIRE_INT,  SPB_WIRE_LONG,   SPB_WIRE_FLOAT,    SPB_WIRE_DOUBLE,
                                     SPB_WIRE_BOOL, SPB_WIRE_STRING, SPB_WIRE_EXTENSION };
    static const uint8_t types[] = { SPB__VARINT, SPB__VARINT, SPB__FIXED32, SPB__FIXED64, SPB__VARINT, SPB__LEN, SPB__LEN };
    const spb__byte *p = *at;
    uint32_t f32;
    uint64_t v;
    pt_slice s;
    uint8_t wire = wires[field];
    spb_wire_value value = { 0 };
    if ((tag & 7) != types[field]) return bad(r, p, "value field with a wrong wire type");
    switch (types[field]) {
    case SPB__VARINT:
        p = spb__varint(p, end, &v);
        if (!p) return bad(r, *at, "bad varint");
        if (wire == SPB_WIRE_INT) value.u32 = (uint32_t)v;
        else if (wire == SPB_WIRE_BOOL) value.boolean = v != 0;
        else value.u64 = v;
        break;
    case SPB__FIXED32:
        p = spb__fixed32(p, end, &f32);
        if (!p) return bad(r, *at, "truncated float");
        memcpy(&value.f32, &f32, 4);
        break;
    case SPB__FIXED64:
        p = spb__fixed64(p, end, &v);
        if (!p) return bad(r, *at, "truncated double");
        memcpy(&value.f64, &v, 8);
        break;
    default:
        p = spb__len(p, end, &s);
        if (!p) return bad(r, *at, "bad length");
        if (wire == SPB_WIRE_STRING) {
            value.bytes = s;
        } else {
            uint32_t none;
            if (!count_fields(s, 0, &none)) return bad(r, begin(s), "bad extension");
        }
        break;
    }
    cell->wire = wire;
    cell->value = value;
    *at = p;
    return PT_OK;
}

static pt_status read_cell(reader *r, pt_slice msg, spb_cell *out)
{
    const spb__byte *p = begin(msg), *end = finish(msg), *from;
    spb_cell cell = { 0 };
    uint64_t tag;
    while (p < end) {
        from = p;
        if (!(p = spb__tag(p, end, &tag))) return bad(r, from, "bad tag in a data set value");
        uint64_t field = tag >> 3;
        if (field <= 7) {
            pt_status st = spb__read_cell_field(r, field - 1, tag, &p, end, &cell);
            if (st) return st;
        } else if (!(p = spb__skip(tag, p, end))) {
            return bad(r, from, "bad field in a data set value");
        }
    }
    *out = cell;
    return PT_OK;
}

/* ---- DataSet ---- */

static pt_status read_row(reader *r, pt_slice msg, uint32_t n, spb_cell *cells)
{
    const spb__byte *p = begin(msg), *end = finish(msg), *from;
    uint32_t i = 0;
    uint64_t tag;
    pt_slice s;
    while (p < end) {
        from = p;
        if (!(p = spb__tag(p, end, &tag))) return bad(r, from, "bad tag in a row");
        if (tag == L(1)) {
            if (!(p = spb__len(p, end, &s)) || i == n) return bad(r, from, "bad length in a row");
            pt_status st = read_cell(r, s, &cells[i++]);
            if (st) return st;
        } else if (!(p = other_field(tag, 1, p, end))) {
            return bad(r, from, "bad field in a row");
        }
    }
    return PT_OK;
}

/* Packed `types`; count only when `out` is NULL. */
static bool packed_types(pt_slice s, uint32_t *out, uint32_t *n)
{
    const spb__byte *p = begin(s), *end = finish(s);
    uint64_t v;
    while (p < end) {
        if (!(p = spb__varint(p, end, &v))) return false;
        if (out) out[*n] = (uint32_t)v;
        (*n)++;
    }
    return true;
}

static pt_status count_dataset(reader *r, pt_slice msg, spb_dataset *ds)
{
    const spb__byte *p = begin(msg), *end = finish(msg), *from;
    uint64_t tag;
    pt_slice s;
    while (p < end) {
        from = p;
        if (!(p = spb__tag(p, end, &tag))) return bad(r, from, "bad tag in a data set");
        if (tag == L(3)) {
            if (!(p = spb__len(p, end, &s)) || !packed_types(s, NULL, &ds->n_types)) return bad(r, from, "bad packed types");
            continue;
        }
        if (!(p = spb__skip(tag, p, end))) return bad(r, from, "bad field in a data set");
        ds->n_columns += tag == L(2);
        ds->n_types += tag == V(3);
        ds->n_rows += tag == L(4);
    }
    uint32_t most = r->limits->dataset_cells;
    if (ds->n_columns > most || ds->n_types > most || ds->n_rows > most)
        return too_many(r, begin(msg), "a data set with more cells than allowed");
    return PT_OK;
}

pt_status spb__read_dataset(reader *r, pt_slice msg, spb_dataset *out)
{
    const spb__byte *p = begin(msg), *end = finish(msg), *from;
    spb_dataset ds = { 0 };
    uint32_t columns = 0, types = 0, rows = 0, cells = 0;
    uint64_t tag, v;
    pt_slice s;
    pt_status st = count_dataset(r, msg, &ds);
    if (st) return st;
    ds.columns = pt_arena_array(r->arena, ds.n_columns, sizeof *ds.columns);
    ds.types = pt_arena_array(r->arena, ds.n_types, sizeof *ds.types);
    ds.rows = pt_arena_array(r->arena, ds.n_rows, sizeof *ds.rows);
    ds.row_cells = pt_arena_array(r->arena, ds.n_rows, sizeof *ds.row_cells);
    if (!ds.columns || !ds.types || !ds.rows || !ds.row_cells) return no_memory(r);
    while (p < end) {
        from = p;
        if (!(p = spb__tag(p, end, &tag))) return bad(r, from, "bad tag in a data set");
        switch (tag) {
        case V(1):
            if (!(p = spb__varint(p, end, &ds.num_of_columns))) return bad(r, from, "bad varint");
            ds.has_num_of_columns = true;
            break;
        case L(2):
            if (!(p = spb__len(p, end, &ds.columns[columns++]))) return bad(r, from, "bad length");
            break;
        case V(3):
            if (!(p = spb__varint(p, end, &v))) return bad(r, from, "bad varint");
            ds.types[types++] = (uint32_t)v;
            break;
        case L(3):
            if (!(p = spb__len(p, end, &s)) || !packed_types(s, ds.types, &types)) return bad(r, from, "bad packed types");
            break;
        case L(4): {
            uint32_t n;
            if (!(p = spb__len(p, end, &s)) || !count_fields(s, L(1), &n)) return bad(r, from, "bad row");
            if (n > r->limits->dataset_cells - cells) return too_many(r, from, "a data set with more cells than allowed");
            cells += n;
            ds.row_cells[rows] = n;
            if (!(ds.rows[rows] = pt_arena_array(r->arena, n, sizeof(spb_cell)))) return no_memory(r);
            if ((st = read_row(r, s, n, ds.rows[rows])) != PT_OK) return st;
            rows++;
            break;
        }
        default:
            if (!(p = other_field(tag, 4, p, end))) return bad(r, from, "bad field in a data set");
        }
    }
    *out = ds;
    return PT_OK;
}
