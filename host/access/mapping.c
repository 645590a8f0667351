/* host/access/mapping.c -- rows against facts. */
#include "host/access/mapping.h"

#include "base/utf8.h"

static const char *const froms[ACCESS_FROMS] = { "group", "subject", "san", "claim" };

const char *access_from_name(access_from from)
{
    return froms[from];
}

bool access_from_parse(pt_slice text, access_from *out)
{
    for (unsigned i = 0; i < ACCESS_FROMS; i++) {
        if (!pt_slice_eq_cstr(text, froms[i])) continue;
        *out = (access_from)i;
        return true;
    }
    return false;
}

pt_status access_map_check(const access_map_row *rows, size_t n, pt_error *err)
{
    if (n > ACCESS_MAP_MAX) return pt_fail(err, PT_ETOOBIG, "access.map: more than %d rows", ACCESS_MAP_MAX);
    for (size_t i = 0; i < n; i++) {
        pt_error why = { 0 };
        const access_map_row *r = &rows[i];
        if ((unsigned)r->from >= ACCESS_FROMS || (unsigned)r->role > QUERY_ADMIN)
            return pt_fail(err, PT_EINVAL, "access.map: row %zu: no such origin or role", i + 1);
        if (r->value.len == 0 || !pt_utf8_valid(r->value))
            return pt_fail(err, PT_EINVAL, "access.map: row %zu: value must be UTF-8 and not empty", i + 1);
        for (size_t k = 0; k < r->at.n_paths; k++)
            if (access_pattern_check(r->at.paths[k], &why) != PT_OK)
                return pt_fail(err, PT_EINVAL, "access.map: row %zu: %s", i + 1, why.text);
    }
    return PT_OK;
}

static bool holds(const access_map_row *row, const access_identity *id)
{
    bool any = pt_slice_eq_cstr(row->value, "*");
    for (size_t i = 0; i < id->n_facts && i < ACCESS_FACTS_MAX; i++) {
        const access_fact *f = &id->facts[i];
        if (f->from == row->from && f->value.len && (any || pt_slice_eq(f->value, row->value))) return true;
    }
    return false;
}

size_t access_map_rights(const access_map_row *rows, size_t n, const access_identity *id, access_right *out, size_t cap)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        if (!holds(&rows[i], id)) continue;
        if (found < cap) out[found] = (access_right){ rows[i].role, rows[i].at };
        found++;
    }
    return found;
}
