/* base/daemon/config_document.c -- what a table says of itself: the reference page, one section of Markdown per group of keys; and which
 * changes need a start. */
#include "base/daemon/config.h"
#include "base/json.h" /* pt_f64_text */
#include "base/timestamp.h"

#include <stdio.h> /* snprintf */

enum { MAX_PATH = 256 };

static const char *type_name(const pt_config_field *f)
{
    static const char *const names[] = {
        [PT_CFG_STRING] = "text",       [PT_CFG_BOOL] = "true or false",  [PT_CFG_INT] = "whole number", [PT_CFG_DOUBLE] = "number",
        [PT_CFG_DURATION] = "duration", [PT_CFG_BYTES] = "size",          [PT_CFG_ENUM] = "one of",      [PT_CFG_STRINGS] = "list of texts",
        [PT_CFG_SECTION] = "group",     [PT_CFG_LIST] = "list of groups", [PT_CFG_NODE] = "see text"
    };
    return (size_t)f->type < PT_COUNT_OF(names) && names[f->type] ? names[f->type] : "?";
}

/* Text inside a Markdown table cell. */
static void cell(pt_buf *out, const char *s)
{
    for (; *s; s++) {
        if (*s == '|') pt_buf_char(out, '\\');
        pt_buf_char(out, *s == '\n' ? ' ' : *s);
    }
}

static void type_cell(const pt_config_field *f, pt_buf *out)
{
    pt_buf_cstr(out, type_name(f));
    for (int i = 0; f->type == PT_CFG_ENUM && f->names[i]; i++)
        pt_buf_printf(out, "%s `%s`", i ? "," : "", f->names[i]);
}

static void limit(const pt_config_field *f, double v, pt_buf *out)
{
    char text[32];
    if (f->type == PT_CFG_DURATION) pt_duration_format((int64_t)v, text);
    else if (f->type == PT_CFG_BYTES) pt_bytes_format((uint64_t)v, text);
    else pt_f64_text(v, text);
    pt_buf_cstr(out, text);
}

static void range_cell(const pt_config_field *f, pt_buf *out)
{
    if (f->min == 0 && f->max == 0) return;
    limit(f, f->min, out);
    pt_buf_cstr(out, " to ");
    limit(f, f->max, out);
    if (f->type == PT_CFG_STRING) pt_buf_cstr(out, " bytes");
}

static pt_config_taken taken(const pt_config_field *f, pt_config_taken above)
{
    return f->taken ? f->taken : above;
}

static void table_of(const pt_config_field *table, const char *path, pt_config_taken above, pt_buf *out)
{
    pt_buf_cstr(out, "| Key | Type | Default | Range | A change counts | Meaning |\n|---|---|---|---|---|---|\n");
    for (const pt_config_field *f = table; f->type != PT_CFG_END; f++) {
        pt_buf_printf(out, "| `%s%s` | ", path, f->key);
        type_cell(f, out);
        pt_buf_cstr(out, " | ");
        if (f->required) pt_buf_cstr(out, "required");
        else if (f->def && *f->def && strcmp(f->def, "nan") != 0) pt_buf_printf(out, "`%s`", f->def);
        pt_buf_cstr(out, " | ");
        range_cell(f, out);
        pt_buf_cstr(out, taken(f, above) == PT_CFG_AT_RELOAD ? " | at a reload | " : " | at a start | ");
        cell(out, f->doc ? f->doc : "");
        pt_buf_cstr(out, " |\n");
    }
    for (const pt_config_field *f = table; f->type != PT_CFG_END; f++) {
        char below[MAX_PATH];
        if ((f->type != PT_CFG_SECTION && f->type != PT_CFG_LIST) || !f->sub) continue;
        bool list = f->type == PT_CFG_LIST;
        int n = snprintf(below, sizeof below, "%s%s%s.", path, f->key, list ? "[]" : "");
        if (n < 0 || (size_t)n >= sizeof below) continue;
        pt_buf_printf(out, "\n### `%s%s`\n\n", path, f->key);
        if (f->doc) {
            cell(out, f->doc);
            pt_buf_cstr(out, "\n\n");
        }
        table_of(f->sub, below, taken(f, above), out);
    }
}

void pt_config_document(const pt_config_field *table, const char *title, pt_config_taken above, pt_buf *out)
{
    pt_buf_printf(out, "## %s\n\n", title);
    table_of(table, "", above, out);
}

/* ---- what a reload cannot take over ------------------------------------------------------------------------------ */

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_double(double a, double b)
{
    return a == b || (a != a && b != b);
}

/* a, b: the structures that the fields of the row's table lie in. */
static bool same_field(const pt_config_field *f, const char *a, const char *b)
{
    const void *x = a + f->offset, *y = b + f->offset;
    const pt_config_list *p = x, *q = y;
    switch (f->type) {
    case PT_CFG_STRING: return same_text(*(const char *const *)x, *(const char *const *)y);
    case PT_CFG_BOOL: return *(const bool *)x == *(const bool *)y;
    case PT_CFG_ENUM: return *(const int *)x == *(const int *)y;
    case PT_CFG_INT:
    case PT_CFG_DURATION: return *(const int64_t *)x == *(const int64_t *)y;
    case PT_CFG_BYTES: return *(const uint64_t *)x == *(const uint64_t *)y;
    case PT_CFG_DOUBLE: return same_double(*(const double *)x, *(const double *)y);
    case PT_CFG_STRINGS:
        for (uint32_t i = 0; p->n == q->n && i < p->n; i++)
            if (!same_text(((const char *const *)p->items)[i], ((const char *const *)q->items)[i])) return false;
        return p->n == q->n;
    case PT_CFG_LIST:
        for (uint32_t i = 0; p->n == q->n && i < p->n; i++)
            for (const pt_config_field *sub = f->sub; sub->key; sub++)
                if (!same_field(sub, (const char *)p->items + i * f->size, (const char *)q->items + i * f->size)) return false;
        return p->n == q->n;
    case PT_CFG_END:
    case PT_CFG_SECTION:
    case PT_CFG_NODE: break;
    }
    return true;
}

static void differing(const pt_config_field *table, const char *a, const char *b, const char *path, pt_config_taken above, pt_buf *out)
{
    for (const pt_config_field *f = table; f->type != PT_CFG_END; f++) {
        char name[MAX_PATH];
        int n = snprintf(name, sizeof name, "%s%s%s", path, f->key, f->type == PT_CFG_SECTION ? "." : "");
        if (n < 0 || (size_t)n >= sizeof name) continue;
        if (f->type == PT_CFG_SECTION) differing(f->sub, a + f->offset, b + f->offset, name, taken(f, above), out);
        else if (taken(f, above) == PT_CFG_AT_START && !same_field(f, a, b)) pt_buf_printf(out, "%s%s", out->len ? ", " : "", name);
    }
}

void pt_config_at_start(const pt_config_field *table, const void *was, const void *is, pt_buf *out)
{
    differing(table, was, is, "", PT_CFG_AT_START, out);
}
