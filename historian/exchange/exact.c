/* historian/exchange/exact.c -- which values their text holds exactly, and the rest as bytes. */
#include "base/base64.h"
#include "historian/exchange/exact.h"
#include "base/utf8.h"
#include "historian/format/format.h"

#include <jansson.h>
#include <stdlib.h>

enum { ARRAY_MAX = 64 << 20 };

static bool plain_f32(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return v == v || bits == 0x7fc00000u;
}

static bool plain_f64(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return v == v || bits == 0x7ff8000000000000u;
}

/* Elements one by one into `out`; false where one's text would not read back. */
static bool encode_again(uint32_t type, pt_slice bytes, pt_buf *out)
{
    spb_value *all = NULL, v;
    uint32_t n = 0;
    size_t at = 0;
    bool ok = spb_array_count(type, bytes, &n, NULL) == PT_OK && (all = malloc((n + (size_t)1) * sizeof *all)) != NULL;
    for (uint32_t i = 0; ok && i < n; i++) {
        ok = spb_array_next(type, bytes, &at, &v);
        if (ok && v.type == SPB_FLOAT) ok = plain_f32(v.as.f32);
        else if (ok && v.type == SPB_DOUBLE) ok = plain_f64(v.as.f64);
        else if (ok && v.type == SPB_STRING) ok = pt_utf8_valid(v.as.bytes);
        if (ok) all[i] = v;
    }
    ok = ok && spb_array_encode(type, all, n, out) == PT_OK;
    free(all);
    return ok;
}

/* Padding that is not zero, a last string without its end and the like: no list of elements says so. */
static bool array_exact(const hist_sample *s)
{
    pt_buf again;
    pt_slice bytes = pt_slice_of(s->as.ptr, s->len);
    pt_buf_init(&again, ARRAY_MAX);
    bool same = encode_again(s->type, bytes, &again) && pt_slice_eq(pt_buf_view(&again), bytes);
    pt_buf_fini(&again);
    return same;
}

bool hist_text_exact(const hist_sample *s)
{
    if (!hist__has_value(s)) return true;
    switch (spb_datatype_class(s->type)) {
    case SPB_CLASS_FLOAT: return plain_f32(s->as.f32);
    case SPB_CLASS_DOUBLE: return plain_f64(s->as.f64);
    case SPB_CLASS_STRING: return pt_utf8_valid(pt_slice_of(s->as.ptr, s->len));
    case SPB_CLASS_ARRAY: return array_exact(s);
    default: return true;
    }
}

static bool is_document(uint32_t type)
{
    spb_class c = spb_datatype_class(type);
    return c == SPB_CLASS_DATASET || c == SPB_CLASS_TEMPLATE;
}

/* A list or an object on one line, as an import reads it. Integers as reals: jansson knows none beyond 2^63. */
static bool is_json(const hist_sample *s)
{
    if (memchr(s->as.ptr, '\n', s->len) || memchr(s->as.ptr, '\r', s->len)) return false;
    json_t *v = json_loadb(s->as.ptr, s->len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
    json_decref(v);
    return v != NULL;
}

bool hist_json_exact(const hist_sample *s)
{
    if (hist__has_value(s) && is_document(s->type)) return s->len > 0 && is_json(s);
    return hist_text_exact(s);
}

void hist_value_for_json(const hist_sample *s, spb_value *out)
{
    hist_sample_value(s, out);
    if (!out->is_null && is_document(s->type) && !hist_json_exact(s)) out->is_null = true;
}

void hist_value_base64(const hist_sample *s, pt_buf *out)
{
    char le[8];
    size_t width = s->type == SPB_FLOAT ? 4 : s->type == SPB_DOUBLE ? 8 : 0;
    for (size_t i = 0; i < width; i++)
        le[i] = (char)(s->as.u64 >> 8 * i);
    pt_base64_add(out, width ? pt_slice_of(le, width) : pt_slice_of(s->as.ptr, s->len));
}

void hist_value_base64_cell(const hist_sample *s, pt_buf *out)
{
    size_t before = out->len;
    hist_value_base64(s, out);
    if (out->len == before) pt_buf_char(out, '=');
}

const char *hist_flags_text(uint8_t flags, char out[5])
{
    size_t n = 0;
    if (flags & HIST_NULL) out[n++] = 'N';
    if (flags & HIST_HISTORICAL) out[n++] = 'H';
    if (flags & HIST_STATE) out[n++] = 'S';
    if (flags & HIST_THINNED) out[n++] = 'L';
    out[n] = 0;
    return out;
}

/* ---- arrays ---------------------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

pt_slice hist__json_bare(pt_slice s)
{
    while (s.len && is_blank(s.ptr[0]))
        s = pt_slice_from(s, 1);
    while (s.len && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* Room for one more element. */
static pt_status grow(pt_buf *all, spb_value **next)
{
    pt_status st = pt_buf_reserve(all, sizeof **next);
    if (st != PT_OK) return st;
    *next = (spb_value *)(void *)(all->ptr + all->len);
    all->len += sizeof **next;
    return PT_OK;
}

/* Numbers and Booleans: their texts stand between commas; NaN and the like in quotes. */
static pt_status plain_elements(spb_datatype inner, pt_slice json, pt_buf *all, pt_error *err)
{
    pt_slice rest = hist__json_bare(pt_slice_of(json.ptr + 1, json.len - 2)), piece;
    pt_status st = PT_OK;
    while (st == PT_OK && rest.len) {
        spb_value *v = NULL;
        (void)pt_slice_split(&rest, ',', &piece);
        piece = hist__json_bare(piece);
        if (rest.ptr && !rest.len) return pt_fail(err, PT_EMALFORMED, "a list that ends with a comma");
        if (piece.len >= 2 && piece.ptr[0] == '"' && piece.ptr[piece.len - 1] == '"') piece = pt_slice_of(piece.ptr + 1, piece.len - 2);
        if ((st = grow(all, &v)) == PT_OK) st = spb_value_parse(inner, piece, v, err);
    }
    return st;
}

/* The texts stay with `list`. */
static pt_status text_elements(const json_t *list, pt_buf *all, pt_error *err)
{
    pt_status st = PT_OK;
    for (size_t i = 0; st == PT_OK && i < json_array_size(list); i++) {
        const json_t *text = json_array_get(list, i);
        spb_value *v = NULL;
        if (!json_is_string(text)) return pt_fail(err, PT_EMALFORMED, "element %zu of the list is no text", i);
        if ((st = grow(all, &v)) == PT_OK)
            *v = (spb_value){ .type = SPB_STRING, .as.bytes = pt_slice_of(json_string_value(text), json_string_length(text)) };
    }
    return st;
}

pt_status hist__array_of_json(uint32_t type, pt_slice json, pt_buf *out, pt_error *err)
{
    spb_datatype inner = spb_datatype_element(type);
    pt_buf all;
    json_t *list = NULL;
    pt_status st = PT_OK;
    json = hist__json_bare(json);
    if (json.len < 2 || json.ptr[0] != '[' || json.ptr[json.len - 1] != ']') return pt_fail(err, PT_EMALFORMED, "the value is no list");
    pt_buf_init(&all, SIZE_MAX / 4);
    if (inner == SPB_STRING) {
        list = json_loadb(json.ptr, json.len, JSON_ALLOW_NUL, NULL);
        st = list ? text_elements(list, &all, err) : pt_fail(err, PT_EMALFORMED, "the value is no list");
    } else {
        st = plain_elements(inner, json, &all, err);
    }
    if (st == PT_OK) {
        st = spb_array_encode(type, (const spb_value *)(const void *)pt_buf_view(&all).ptr, (uint32_t)(all.len / sizeof(spb_value)), out);
        if (st != PT_OK) (void)pt_fail(err, st, "an array of these elements: %s", pt_status_name(st));
    }
    json_decref(list);
    pt_buf_fini(&all);
    return st == PT_EINVAL ? PT_EMALFORMED : st;
}

/* ---- notes beside columns -------------------------------------------------------------------------------------- */

const char *const hist_note_names[HIST_NOTES] = { "types", "flags", "base64" };

static void note(hist_notes *o, unsigned list, pt_slice text)
{
    pt_json j;
    pt_json_init(&j, o->lists[list]);
    j.comma = o->any[list];
    pt_json_array(&j);
    pt_json_u64(&j, o->n);
    pt_json_str(&j, text);
    pt_json_end_array(&j);
    o->any[list] = true;
}

void hist_notes_add(hist_notes *o, const hist_sample *s)
{
    uint8_t flags = s->flags & (HIST_HISTORICAL | HIST_THINNED);
    char text[5];
    if (s->type != o->type) note(o, HIST_NOTE_TYPES, pt_cstr(spb_datatype_name(s->type)));
    if (flags != o->flags) note(o, HIST_NOTE_FLAGS, pt_cstr(hist_flags_text(flags, text)));
    o->type = s->type;
    o->flags = flags;
    if (!hist_json_exact(s)) {
        pt_buf bytes;
        pt_buf_init(&bytes, ARRAY_MAX * 2);
        hist_value_base64(s, &bytes);
        note(o, HIST_NOTE_BASE64, pt_buf_view(&bytes));
        if (pt_buf_status(&bytes) != PT_OK) (void)pt_buf_reserve(o->lists[HIST_NOTE_BASE64], SIZE_MAX / 2); /* carries the failure on */
        pt_buf_fini(&bytes);
    }
    o->n++;
}
