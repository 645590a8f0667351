/* edge-node/config_csv.c -- tags in CSV: what engineers keep in a spreadsheet. One header line with key names, one line per tag.
 *
 * Columns are the keys of a tag and of its device's driver; an empty cell is a key that is not given. Cells may be quoted as
 * RFC 4180 has it. The file is turned into the same YAML lines a person would have written, so that checks and defaults are the same. */
#include "edge-node/config.h"

#include "base/csv.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CSV_BYTES_MAX (64u << 20)
#define COLUMNS_MAX   64

static const pt_csv DIALECT = { .separator = ',', .quote = '"', .trim = true };

/* The file's text. false: it cannot be read, or is too long. */
static bool read_all(const char *path, pt_buf *text)
{
    FILE *in = fopen(path, "rb");
    if (!in) return false;
    char chunk[8192];
    size_t got;
    while ((got = fread(chunk, 1, sizeof chunk, in)) > 0)
        pt_buf_add(text, chunk, got);
    bool bad = ferror(in) != 0;
    if (fclose(in) != 0) bad = true;
    return !bad && pt_buf_status(text) == PT_OK;
}

/* A file's records, one after the other. */
typedef struct reader {
    const char *path; /* as the configuration names it */
    pt_buf text;
    size_t at;           /* where the next record begins */
    uint32_t line, next; /* of the present record and of the next one */
    pt_arena cells;      /* of the present record */
    pt_buf *faults;
} reader;

/* The next record's cells as texts that end with a NUL; *n: how many, 0 at the end of the file. false: the rest can't be read, which is
 * said. */
static bool next_record(reader *r, char *cells[COLUMNS_MAX], uint32_t *n)
{
    static const char *const WHY[] = { [PT_CSV_OPEN] = "a quoted cell does not end",
                                       [PT_CSV_TEXT_BEHIND] = "there is text behind a closing quote",
                                       [PT_CSV_MANY] = "there are too many cells",
                                       [PT_CSV_ENOMEM] = "out of memory" };
    pt_slice rest = pt_slice_from(pt_buf_view(&r->text), r->at), fields[COLUMNS_MAX];
    pt_csv_scan scan = { 0 };
    *n = 0;
    if (rest.len == 0) return true;
    size_t len = pt_csv_length(&DIALECT, &scan, rest), count = 0, at = 0;
    if (len == 0) len = rest.len;
    pt_arena_reset(&r->cells);
    pt_slice record = pt_csv_trim(pt_slice_of(rest.ptr, len));
    pt_csv_fault fault = pt_csv_split(&DIALECT, record, &r->cells, fields, COLUMNS_MAX, &count, &at);
    r->line = r->next;
    for (size_t i = 0; i < len; i++)
        r->next += rest.ptr[i] == '\n';
    r->at += len;
    if (memchr(record.ptr, 0, record.len)) { /* cells are texts that end with one */
        pt_buf_printf(r->faults, "%s:%u:1: a NUL in the text\n", r->path, r->line);
        return false;
    }
    for (size_t i = 0; fault == PT_CSV_OK && i < count; i++) {
        pt_slice copy = pt_arena_dup(&r->cells, fields[i]);
        if (!copy.ptr) fault = PT_CSV_ENOMEM;
        cells[i] = (char *)copy.ptr;
    }
    if (fault != PT_CSV_OK) {
        uint32_t line = r->line;
        for (size_t i = 0; i < at; i++)
            line += record.ptr[i] == '\n';
        pt_buf_printf(r->faults, "%s:%u:1: %s\n", r->path, line, WHY[fault]);
        return false;
    }
    *n = (uint32_t)count;
    return true;
}

static const char *keep(edge_config_file *f, const char *text)
{
    pt_slice s = pt_arena_dup(&f->arena, pt_cstr(text));
    return s.ptr;
}

static const pt_config_field *tag_field(const char *key)
{
    for (const pt_config_field *x = edge__tag_fields; x->key; x++)
        if (strcmp(x->key, key) == 0 && x->type != PT_CFG_NODE) return x;
    return NULL;
}

static const edge_driver_key *driver_key(const edge_device_config *d, const char *key, size_t *index)
{
    for (*index = 0; d->driver->tag_keys[*index].key; (*index)++)
        if (strcmp(d->driver->tag_keys[*index].key, key) == 0) return &d->driver->tag_keys[*index];
    return NULL;
}

/* One common key from text, through the binder: `key: 'text'` as a map of its own. */
static bool bind_line(edge_config_file *f, edge_device_config *d, edge_tag_config *t, const pt_buf *yaml, pt_buf *faults)
{
    pt_config *cfg = NULL;
    pt_buf inner;
    pt_buf_init(&inner, 64 * 1024);
    edge_tag_config bound;
    pt_status st = pt_config_load_text("tag", pt_buf_view(yaml), edge__tag_fields, &bound, sizeof bound, NULL, NULL, &cfg, &inner);
    if (st != PT_OK) {
        pt_slice rest = pt_buf_view(&inner), one;
        while (rest.ptr && rest.len && pt_slice_split(&rest, '\n', &one)) {
            const char *text = one.len ? strstr(one.ptr, ": ") : NULL;
            size_t skip = text ? (size_t)(text + 2 - one.ptr) : 0;
            if (one.len > skip) edge__tag_fault(f, d, t, faults, "%.*s", (int)(one.len - skip), one.ptr + skip);
        }
    } else {
        uint32_t line = t->csv_line;
        *t = bound;
        t->csv_line = line;
        const char **texts[] = { &t->name, &t->type, &t->tmpl, &t->unit, &t->description, &t->scan };
        for (size_t i = 0; i < PT_COUNT_OF(texts); i++)
            if (*texts[i]) *texts[i] = keep(f, *texts[i]);
        pt_config_free(cfg);
    }
    pt_buf_fini(&inner);
    return st == PT_OK;
}

/* Texts are quoted; numbers and words are not, unless they hold what would mean something in YAML: then the binder says what is wrong. */
static void quote(pt_buf *out, const pt_config_field *field, const char *text)
{
    const char *key = field->key;
    if (field->type != PT_CFG_STRING &&
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.+-_%") == strlen(text) && strcmp(text, "-") != 0) {
        pt_buf_printf(out, "%s: %s\n", key, text);
        return;
    }
    pt_buf_printf(out, "%s: '", key);
    for (; *text; text++) {
        if (*text == '\'') pt_buf_char(out, '\'');
        pt_buf_char(out, *text == '\n' ? ' ' : *text);
    }
    pt_buf_cstr(out, "'\n");
}

static bool read_line(edge_config_file *f, edge_device_config *d, edge_tag_config *t, const char **columns, char **cells, uint32_t n,
                      pt_buf *faults)
{
    size_t n_keys = edge_driver_keys_count(d->driver->tag_keys), k;
    edge_option *options = pt_arena_zalloc(&f->arena, (n_keys + 1) * sizeof *options);
    pt_buf yaml;
    bool good = options != NULL;
    pt_buf_init(&yaml, 256 * 1024);
    for (uint32_t i = 0; i < n; i++) {
        pt_error err = { 0 };
        if (!*cells[i]) continue;
        if (strcmp(columns[i], "name") == 0) t->name = keep(f, cells[i]);
        if (tag_field(columns[i])) {
            quote(&yaml, tag_field(columns[i]), cells[i]);
        } else if (driver_key(d, columns[i], &k) && options &&
                   edge_option_parse(&d->driver->tag_keys[k], keep(f, cells[i]), &options[k], &err) != PT_OK) {
            edge__tag_fault(f, d, t, faults, "%s", err.text);
            good = false;
        }
    }
    for (k = 0; options && k < n_keys; k++) {
        const edge_driver_key *key = &d->driver->tag_keys[k];
        if (options[k].set) continue;
        if (key->required) {
            edge__tag_fault(f, d, t, faults, "%s is missing", key->key);
            good = false;
        }
        pt_error err;
        if (key->def && edge_option_parse(key, key->def, &options[k], &err) != PT_OK) good = false;
    }
    good = good && bind_line(f, d, t, &yaml, faults) && edge__tag_finish(f, d, t, faults);
    t->options = options;
    pt_buf_fini(&yaml);
    return good;
}

/* The header; false when a column is no key, which is said. */
static bool read_header(edge_config_file *f, edge_device_config *d, reader *r, const char *columns[COLUMNS_MAX], uint32_t *n)
{
    char *cells[COLUMNS_MAX];
    const size_t before = r->faults->len;
    if (!next_record(r, cells, n)) return false;
    if (*n == 0) pt_buf_printf(r->faults, "%s:1:1: the first line must name the columns\n", r->path);
    for (uint32_t i = 0; i < *n; i++) {
        size_t k;
        if (!tag_field(cells[i]) && !driver_key(d, cells[i], &k))
            pt_buf_printf(r->faults, "%s:1:1: '%s' is no key of a tag\n", r->path, cells[i]);
        columns[i] = keep(f, cells[i]);
        if (!columns[i]) return false;
    }
    return r->faults->len == before;
}

/* What can be read of the file, behind the tags the device has. PT_ENOMEM; faults are said. */
static pt_status read_tags(edge_config_file *f, edge_device_config *d, reader *r)
{
    const char *columns[COLUMNS_MAX];
    char *cells[COLUMNS_MAX];
    size_t lines = 1;
    uint32_t n = 0, got = 0;
    for (size_t i = 0; i < r->text.len; i++)
        lines += r->text.ptr[i] == '\n';
    edge_tag_config *tags = pt_arena_zalloc(&f->arena, (d->n_tags + lines + 1) * sizeof *tags);
    if (!tags) return PT_ENOMEM;
    if (d->n_tags) memcpy(tags, d->tags, d->n_tags * sizeof *tags);
    d->tags = tags;
    if (!read_header(f, d, r, columns, &n)) return pt_buf_status(r->faults) == PT_OK ? PT_OK : PT_ENOMEM;
    while (pt_buf_status(r->faults) == PT_OK && next_record(r, cells, &got) && got > 0) {
        bool any = false;
        for (uint32_t i = 0; i < got; i++)
            any = any || *cells[i];
        if (!any) continue;
        if (got != n) {
            pt_buf_printf(r->faults, "%s:%u:1: %u cells where the header has %u\n", r->path, r->line, got, n);
            break;
        }
        edge_tag_config *t = &tags[d->n_tags];
        t->csv_line = r->line;
        if (read_line(f, d, t, columns, cells, n, r->faults)) d->n_tags++;
        else memset(t, 0, sizeof *t);
    }
    return pt_buf_status(r->faults) == PT_OK ? PT_OK : PT_ENOMEM;
}

pt_status edge_config_tags_csv(edge_config_file *f, edge_device_config *d, const char *path, pt_buf *faults)
{
    char full[4096];
    const char *slash = strrchr(f->path, '/');
    if (path[0] == '/' || !slash) snprintf(full, sizeof full, "%s", path);
    else snprintf(full, sizeof full, "%.*s/%s", (int)(slash - f->path), f->path, path);
    reader r = { .path = path, .next = 1, .faults = faults };
    pt_buf_init(&r.text, CSV_BYTES_MAX);
    pt_arena_init(&r.cells, 4 * (size_t)CSV_BYTES_MAX);
    pt_status st = PT_OK;
    if (read_all(full, &r.text)) {
        st = read_tags(f, d, &r);
    } else {
        pt_yaml_fault(pt_config_yaml(f->cfg), d->node, faults, "tags_file '%s' cannot be read", full);
        st = PT_EIO;
    }
    pt_arena_fini(&r.cells);
    pt_buf_fini(&r.text);
    return st;
}

/* --- export --- */

static void cell(pt_buf *out, const char *text, bool *first)
{
    if (!*first) pt_buf_char(out, ',');
    *first = false;
    if (text) pt_csv_field(out, &DIALECT, pt_cstr(text));
}

void edge_config_export_csv(const edge_config_file *f, const edge_device_config *d, pt_buf *out)
{
    (void)f;
    bool first = true;
    for (const pt_config_field *x = edge__tag_fields; x->key; x++)
        if (x->type != PT_CFG_NODE) cell(out, x->key, &first);
    for (const edge_driver_key *k = d->driver->tag_keys; k->key; k++)
        cell(out, k->key, &first);
    pt_buf_char(out, '\n');
    for (uint32_t i = 0; i < d->n_tags; i++) {
        const edge_tag_config *t = &d->tags[i];
        first = true;
        for (const pt_config_field *x = edge__tag_fields; x->key; x++) {
            const char *at = (const char *)t + x->offset;
            char text[64] = "";
            double v;
            int64_t n;
            bool b;
            switch (x->type) {
            case PT_CFG_STRING: {
                const char *s;
                memcpy(&s, at, sizeof s);
                cell(out, s, &first);
                continue;
            }
            case PT_CFG_DOUBLE:
                memcpy(&v, at, sizeof v);
                if (v == v) pt_f64_text(v, text);
                break;
            case PT_CFG_DURATION:
                memcpy(&n, at, sizeof n);
                if (n && !(x->offset == offsetof(edge_tag_config, poll_ms) && t->scan)) snprintf(text, sizeof text, "%lldms", (long long)n);
                break;
            case PT_CFG_INT:
                memcpy(&n, at, sizeof n);
                snprintf(text, sizeof text, "%lld", (long long)n);
                break;
            case PT_CFG_BOOL:
                memcpy(&b, at, sizeof b);
                snprintf(text, sizeof text, "%s", b ? "true" : "");
                break;
            default: continue;
            }
            cell(out, text, &first);
        }
        for (size_t k = 0; d->driver->tag_keys[k].key; k++)
            cell(out, t->options && t->options[k].set ? t->options[k].text : "", &first);
        pt_buf_char(out, '\n');
    }
}
