/* historian/exchange/import.c -- records in, tags found or made, samples appended in batches, every batch durable before it is reported. */
#include "base/base64.h"
#include "base/csv.h"
#include "base/map.h"
#include "base/timestamp.h"
#include "historian/format/format.h"
#include "historian/exchange/exact.h"
#include "historian/exchange/transfer.h"

#include <jansson.h>
#include <stdlib.h>
#include <stdio.h>

enum { READ_AT_ONCE = 65536, RECORD_MAX = 48 << 20, BATCH = 2000, BATCH_BYTES = 4 << 20, COLUMNS_MAX = 64 };

typedef enum column {
    C_TIME,
    C_SOURCE,
    C_GROUP,
    C_EDGE,
    C_DEVICE,
    C_METRIC,
    C_PATH,
    C_UNIT,
    C_TYPE,
    C_VALUE,
    C_QUALITY,
    C_FLAGS,
    C_NODE,
    C_BASE64,
    C_KIND,
    COLUMNS
} column;
static const char *const NAMES[COLUMNS] = { "time", "source", "group",   "edge",  "device", "metric", "path", "unit",
                                            "type", "value",  "quality", "flags", "node",   "base64", "kind" };

/* One record as texts; absent where the record has no such field. */
typedef struct record {
    pt_slice f[COLUMNS];
    bool is_null;          /* JSON null, or a JSON record without a value */
    bool is_text, is_real; /* in JSON: the value stood between quotes; it is a number with a fraction or an exponent */
    bool nothing;          /* there is no value: is_null, the flags say so, or an empty field that may mean it */
    bool is_base64;        /* the value is base64 of its bytes whatever its type */
    bool replayed;         /* written by `plantree replay`: there may be events among the samples */
} record;

typedef struct in {
    hist *h;
    const hist_import_options *o;
    hist_import_report *r;
    pt_buf text; /* unread input; the present record is its start */
    bool end;
    uint64_t consumed;    /* bytes of input before `text` */
    uint64_t line;        /* of the present record's beginning */
    pt_csv_scan scan;     /* of the present record; of JSON Lines only how far */
    size_t again;         /* CSV: where to go on behind a fault, seen from the present record's beginning; 0: behind that record */
    int map[COLUMNS_MAX]; /* CSV: column number to `column`, -1: not ours */
    int columns;
    bool have_header, replayed;
    hist__rows batch;
    pt_buf began;     /* a byte per tag number: 1 the tag's history does not begin with a null of no type, 2 it does, 0 not looked at */
    pt_map paths;     /* path -> has it had several owners? */
    pt_arena scratch; /* of one record */
    json_t *json;     /* owned: the present JSONL record */
} in;

/* ---- reading records ----------------------------------------------------------------------------------------- */

/* Read more. *full: there is no room for it. */
static pt_status fill(in *s, bool *full, pt_error *err)
{
    *full = s->text.len > RECORD_MAX - READ_AT_ONCE;
    if (*full) return PT_OK;
    pt_status st = pt_buf_reserve(&s->text, READ_AT_ONCE);
    if (st != PT_OK) return pt_fail(err, st, "line %llu: out of memory", (unsigned long long)s->line);
    ptrdiff_t n = s->o->read(s->o->ctx, s->text.ptr + s->text.len, READ_AT_ONCE);
    if (n < 0) return pt_fail(err, PT_EIO, "the input could not be read");
    s->end = n == 0;
    s->text.len += (size_t)n;
    return PT_OK;
}

static size_t record_length(pt_csv_scan *c, hist_format format, pt_slice text, bool end)
{
    size_t len = 0;
    if (format == HIST_CSV) {
        len = pt_csv_length(&pt_csv_rfc4180, c, text);
    } else {
        const char *newline = c->at < text.len ? memchr(text.ptr + c->at, '\n', text.len - c->at) : NULL;
        len = newline ? (size_t)(newline - text.ptr) + 1 : 0;
        c->at = text.len;
    }
    return len == 0 && end ? text.len : len;
}

size_t hist_record_length(hist_format format, pt_slice text, bool end)
{
    pt_csv_scan c = { 0 };
    return record_length(&c, format, text, end);
}

static uint64_t newlines(pt_slice text)
{
    uint64_t n = 0;
    for (const char *p = text.ptr, *end = p + text.len; p < end && (p = memchr(p, '\n', (size_t)(end - p))); p++)
        n++;
    return n;
}

/* What a stray quote holds together may be records: they are read again, from the line on that follows the place. */
static void read_again(in *s, pt_slice line, size_t place)
{
    const char *next = memchr(line.ptr + place, '\n', line.len - place);
    s->again = next ? (size_t)(next - line.ptr) + 1 : 0;
}

/* The quoted field that begins at `from` makes no sense. */
static pt_status bad_quotes(in *s, pt_slice line, size_t from, const char *why, pt_error *err)
{
    uint64_t began = s->line + newlines(pt_slice_of(line.ptr, from));
    read_again(s, line, from);
    if (began == s->line) return pt_fail(err, PT_EMALFORMED, "a quoted field %s", why);
    return pt_fail(err, PT_EMALFORMED, "the quoted field that begins in line %llu %s", (unsigned long long)began, why);
}

/* Cut a CSV record into fields; quoted ones are unquoted into the scratch arena. */
static pt_status csv_fields(in *s, pt_slice line, pt_slice *f, int *fields, pt_error *err)
{
    size_t n = 0, at = 0;
    switch (pt_csv_split(&pt_csv_rfc4180, line, &s->scratch, f, COLUMNS_MAX, &n, &at)) {
    case PT_CSV_OK: *fields = (int)n; return PT_OK;
    case PT_CSV_OPEN: return bad_quotes(s, line, at, s->end ? "does not end" : "is too long, or does not end", err);
    case PT_CSV_TEXT_BEHIND: return bad_quotes(s, line, at, "has text behind its closing quote", err);
    case PT_CSV_MANY: read_again(s, line, 0); return pt_fail(err, PT_EMALFORMED, "more than %d columns", COLUMNS_MAX);
    case PT_CSV_ENOMEM: break;
    }
    return pt_fail(err, PT_ENOMEM, "out of memory");
}

static pt_status read_header(in *s, pt_slice line, pt_error *err)
{
    pt_slice f[COLUMNS_MAX];
    bool have[COLUMNS] = { false };
    pt_error why = { 0 };
    pt_status st = csv_fields(s, line, f, &s->columns, &why);
    if (st != PT_OK) return pt_fail(err, st, "line %llu, which names the columns: %.150s", (unsigned long long)s->line, why.text);
    for (int i = 0; i < s->columns; i++) {
        s->map[i] = -1;
        for (int k = 0; k < COLUMNS; k++) {
            if (pt_slice_eq_cstr(f[i], NAMES[k])) s->map[i] = k;
        }
        if (pt_slice_eq_cstr(f[i], "original_time")) {
            s->map[i] = C_TIME;
            s->replayed = true;
        }
        if (s->map[i] >= 0) have[s->map[i]] = true;
    }
    s->have_header = true;
    if (have[C_TIME] && have[C_VALUE] && (have[C_PATH] || have[C_METRIC])) return PT_OK;
    return pt_fail(err, PT_EMALFORMED, "the first line must name the columns: time, path (or metric) and value at least");
}

static pt_status parse_csv(in *s, pt_slice line, record *r, pt_error *err)
{
    pt_slice f[COLUMNS_MAX];
    int n = 0;
    pt_status st = csv_fields(s, line, f, &n, err);
    if (st != PT_OK) return st;
    if (n != s->columns) {
        read_again(s, line, 0);
        return pt_fail(err, PT_EMALFORMED, "%d field%s, the header has %d", n, n == 1 ? "" : "s", s->columns);
    }
    for (int i = 0; i < n; i++) {
        if (s->map[i] >= 0) r->f[s->map[i]] = f[i];
    }
    r->replayed = s->replayed;
    if (r->f[C_BASE64].len) {
        r->f[C_VALUE] = r->f[C_BASE64];
        r->is_base64 = true;
    }
    return PT_OK;
}

/* A JSON scalar as the text spb_value_parse reads. */
static pt_status json_text(in *s, json_t *v, pt_slice *out, bool *is_null)
{
    char text[64];
    size_t n = 0;
    switch (json_typeof(v)) {
    case JSON_STRING: *out = pt_slice_of(json_string_value(v), json_string_length(v)); return PT_OK;
    case JSON_INTEGER: n = (size_t)snprintf(text, sizeof text, "%lld", (long long)json_integer_value(v)); break;
    case JSON_REAL: n = pt_f64_text(json_real_value(v), text); break;
    case JSON_TRUE: *out = PT_LIT("true"); return PT_OK;
    case JSON_FALSE: *out = PT_LIT("false"); return PT_OK;
    case JSON_NULL:
        *is_null = true;
        *out = PT_LIT("");
        return PT_OK;
    default: {
        char *dump = json_dumps(v, JSON_COMPACT);
        if (!dump) return PT_ENOMEM;
        *out = pt_arena_dup(&s->scratch, pt_cstr(dump));
        free(dump);
        return out->ptr ? PT_OK : PT_ENOMEM;
    }
    }
    *out = pt_arena_dup(&s->scratch, pt_slice_of(text, n));
    return out->ptr ? PT_OK : PT_ENOMEM;
}

/* Behind the quote that ends the text that begins at `at`, in JSON that has been parsed. */
static size_t behind_text(pt_slice line, size_t at)
{
    for (at++; at < line.len && line.ptr[at] != '"'; at++)
        at += line.ptr[at] == '\\';
    return at + 1;
}

/* The value of a member of the outermost object as it stands in a line that has been parsed; absent: its name is written with escapes. */
static pt_slice member_as_it_stands(pt_slice line, pt_slice name)
{
    size_t depth = 0, from = 0;
    for (size_t i = 0; i < line.len; i++) {
        char c = line.ptr[i];
        if (from && depth == 1 && (c == ',' || c == '}')) return hist__json_bare(pt_slice_of(line.ptr + from, i - from));
        if (c == '"') {
            size_t end = behind_text(line, i), colon = end;
            while (colon < line.len && memchr(" \t\r\n", line.ptr[colon], 4))
                colon++;
            bool ours = !from && depth == 1 && colon < line.len && line.ptr[colon] == ':' &&
                        pt_slice_eq(pt_slice_of(line.ptr + i + 1, end - i - 2), name);
            if (ours) from = colon + 1;
            i = ours ? colon : end - 1;
        }
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
    }
    return PT_NONE;
}

/* The line with integers of 19 digits and more as texts: jansson holds none above 2^63 - 1. */
static pt_slice quote_large(in *s, pt_slice line)
{
    char *to = pt_arena_alloc(&s->scratch, line.len + line.len / 8 + 2); /* two quotes for 19 digits and a separator */
    size_t n = 0, run = 0;
    bool quoted = false;
    if (!to) return PT_NONE;
    for (size_t i = 0; i < line.len; i += run) {
        char c = line.ptr[i];
        bool number = !quoted && (c == '-' || (c >= '0' && c <= '9'));
        for (run = 1; number && i + run < line.len && line.ptr[i + run] >= '0' && line.ptr[i + run] <= '9'; run++) {}
        bool fraction = i + run < line.len && memchr(".eE", line.ptr[i + run], 3) != NULL, large = number && run >= 19 && !fraction;
        if (number && fraction) /* its later digits are not looked at by themselves */
            while (i + run < line.len && memchr("+-.eE0123456789", line.ptr[i + run], 15))
                run++;
        if (quoted && c == '\\' && i + 1 < line.len) run = 2;
        else if (c == '"') quoted = !quoted;
        if (large) to[n++] = '"';
        memcpy(to + n, line.ptr + i, run);
        n += run;
        if (large) to[n++] = '"';
    }
    return pt_slice_of(to, n);
}

static pt_status parse_json(in *s, pt_slice line, record *r, pt_error *err)
{
    const pt_slice as_it_stands = line;
    json_error_t why;
    json_decref(s->json);
    s->json = json_loadb(line.ptr, line.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    if (!s->json && json_error_code(&why) == json_error_numeric_overflow) {
        line = quote_large(s, line);
        if (!line.ptr) return PT_ENOMEM;
        s->json = json_loadb(line.ptr, line.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    }
    if (!s->json) return pt_fail(err, PT_EMALFORMED, "%.150s", why.text);
    if (!json_is_object(s->json)) return pt_fail(err, PT_EMALFORMED, "not an object");
    static const struct {
        const char *name;
        column to;
    } also[] = { { "orig", C_TIME }, { "dev", C_DEVICE } };
    bool ignored = false;
    pt_status st = PT_OK;
    for (int k = 0; st == PT_OK && k < COLUMNS; k++) {
        json_t *v = json_object_get(s->json, NAMES[k]);
        for (size_t a = 0; !v && a < PT_COUNT_OF(also); a++) {
            if ((int)also[a].to == k) v = json_object_get(s->json, also[a].name);
        }
        if (k == C_VALUE && (json_is_array(v) || json_is_object(v)))
            r->f[k] = member_as_it_stands(as_it_stands, PT_LIT("value")); /* jansson would write its numbers in another way */
        if (v && !r->f[k].len) st = json_text(s, v, &r->f[k], k == C_VALUE ? &r->is_null : &ignored);
        if (k == C_VALUE) {
            r->is_null = r->is_null || !v;
            r->is_real = json_is_real(v);
            r->is_text = json_is_string(v) && (line.ptr == as_it_stands.ptr ||
                                               pt_slice_starts(member_as_it_stands(as_it_stands, PT_LIT("value")), PT_LIT("\"")));
        }
    }
    r->replayed = json_object_get(s->json, "orig") != NULL;
    json_t *raw = json_object_get(s->json, "base64");
    if (st == PT_OK && json_is_string(raw)) {
        r->f[C_VALUE] = pt_slice_of(json_string_value(raw), json_string_length(raw));
        r->is_base64 = true;
        r->is_null = false;
    }
    return st == PT_OK ? st : pt_fail(err, st, "out of memory");
}

/* ---- a record as a sample ------------------------------------------------------------------------------------ */

/* A type for a value that comes without one and whose tag has none; of no value nothing is known yet. */
static uint32_t guess_type(const record *r)
{
    double d;
    pt_slice text = r->f[C_VALUE];
    if (r->nothing) return SPB_UNKNOWN;
    if (r->is_base64) return SPB_STRING;
    if (r->is_text)
        return pt_slice_eq_cstr(text, "NaN") || pt_slice_eq_cstr(text, "Infinity") || pt_slice_eq_cstr(text, "-Infinity") ? SPB_DOUBLE
                                                                                                                          : SPB_STRING;
    if (pt_slice_eq_cstr(text, "true") || pt_slice_eq_cstr(text, "false")) return SPB_BOOLEAN;
    return pt_slice_to_f64(text, &d) ? SPB_DOUBLE : SPB_STRING;
}

/* The type of a value that comes without one: its tag's, but a whole number that a Double would round is kept as it is. */
static uint32_t type_without_rounding(uint32_t type, record *r)
{
    const int64_t exact = INT64_C(1) << 53;
    pt_slice digits = pt_slice_starts(r->f[C_VALUE], PT_LIT("+")) ? pt_slice_from(r->f[C_VALUE], 1) : r->f[C_VALUE];
    int64_t i;
    uint64_t u;
    if ((type != SPB_DOUBLE && type != SPB_FLOAT) || r->nothing || r->is_base64 || r->is_real) return type;
    if (pt_slice_to_i64(digits, &i)) type = i < -exact || i > exact ? SPB_INT64 : type;
    else if (pt_slice_to_u64(digits, &u)) type = SPB_UINT64;
    if (type == SPB_INT64 || type == SPB_UINT64) r->f[C_VALUE] = digits;
    return type;
}

static bool parse_odd_nan(pt_slice text, hist_sample *out)
{
    if (!pt_slice_starts(text, PT_LIT("nan:"))) return false;
    size_t digits = text.len - 4;
    if (digits != (out->type == SPB_DOUBLE ? 16u : 8u)) return false;
    uint64_t v = 0;
    for (size_t i = 4; i < text.len; i++) {
        char c = text.ptr[i];
        int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (d < 0) return false;
        v = v << 4 | (uint64_t)d;
    }
    out->as.u64 = v;
    return true;
}

/* The bytes of a value: of a float little-endian, of all else as it is stored. */
static pt_status parse_bytes(in *s, pt_slice text, hist_sample *out, pt_error *err)
{
    size_t len = 0, width = out->type == SPB_FLOAT ? 4 : out->type == SPB_DOUBLE ? 8 : 0;
    char *to = pt_arena_alloc(&s->scratch, text.len + 4);
    if (!to) return pt_fail(err, PT_ENOMEM, "out of memory");
    if (!pt_base64_decode(text, to, &len)) return pt_fail(err, PT_EMALFORMED, "the value is not base64");
    if (!width && hist__family_of_type(out->type) != HIST__BYTES)
        return pt_fail(err, PT_EMALFORMED, "a %s can't be base64", spb_datatype_name(out->type));
    if (width && len != width) return pt_fail(err, PT_EMALFORMED, "a %s of %zu bytes", spb_datatype_name(out->type), len);
    for (size_t i = 0; i < width; i++)
        out->as.u64 |= (uint64_t)(unsigned char)to[i] << 8 * i;
    if (width) return PT_OK;
    out->as.ptr = to;
    out->len = (uint32_t)len;
    return PT_OK;
}

/* The list of an array's elements, as `history` and `replay` write it. */
static pt_status parse_list(in *s, pt_slice text, hist_sample *out, pt_error *err)
{
    pt_buf packed;
    pt_buf_init(&packed, RECORD_MAX);
    pt_status st = hist__array_of_json(out->type, text, &packed, err);
    char *to = st == PT_OK ? pt_arena_alloc(&s->scratch, packed.len + 1) : NULL;
    if (st == PT_OK && !to) st = pt_fail(err, PT_ENOMEM, "out of memory");
    if (st == PT_OK) {
        memcpy(to, pt_buf_view(&packed).ptr, packed.len);
        out->as.ptr = to;
        out->len = (uint32_t)packed.len;
    }
    pt_buf_fini(&packed);
    return st;
}

static pt_status parse_value(in *s, const record *r, hist_sample *out, pt_error *err)
{
    pt_slice text = r->f[C_VALUE];
    spb_class class = spb_datatype_class(out->type);
    if (class == SPB_CLASS_ARRAY && !r->is_base64 && pt_slice_starts(text, PT_LIT("["))) return parse_list(s, text, out, err);
    if (r->is_base64 || class == SPB_CLASS_BYTES || class == SPB_CLASS_ARRAY) return parse_bytes(s, text, out, err);
    if (hist__family_of_type(out->type) == HIST__BYTES) { /* texts and documents as they are */
        if (text.len > HIST__VALUE_BYTES_MAX) return pt_fail(err, PT_ETOOBIG, "a value of %zu bytes", text.len);
        out->as.ptr = text.ptr ? text.ptr : "";
        out->len = (uint32_t)text.len;
        return PT_OK;
    }
    if (class == SPB_CLASS_NONE) return pt_fail(err, PT_EMALFORMED, "type %u has no values", out->type);
    if ((out->type == SPB_DOUBLE || out->type == SPB_FLOAT) && parse_odd_nan(text, out)) return PT_OK;
    if ((out->type == SPB_DOUBLE || out->type == SPB_FLOAT) &&
        pt_slice_eq_cstr(text, "NaN")) { /* the canonical one, whatever strtod makes */
        out->as.u64 = out->type == SPB_DOUBLE ? 0x7ff8000000000000u : 0x7fc00000u;
        return PT_OK;
    }
    spb_value v;
    pt_status st = spb_value_parse(out->type, text, &v, err);
    if (st != PT_OK) return st;
    hist_sample plain;
    hist_sample_from_value(&plain, out->tag_id, out->time_ms, &v, SPB_GOOD);
    out->as = plain.as;
    return PT_OK;
}

static pt_status parse_quality(pt_slice text, uint8_t *out, pt_error *err)
{
    *out = SPB_GOOD;
    if (text.len == 0) return PT_OK;
    for (unsigned q = SPB_GOOD; q <= SPB_STALE; q++) {
        const char *name = spb_quality_name((spb_quality)q);
        if (pt_slice_eq_cstr(text, name) || (text.len == 1 && text.ptr[0] == name[0])) {
            *out = (uint8_t)q;
            return PT_OK;
        }
    }
    return pt_fail(err, PT_EMALFORMED, "quality '%.*s'", (int)(text.len > 20 ? 20 : text.len), text.ptr);
}

/* Does the tag's history begin with a null that came before its type was known? */
static bool began_with_nothing(in *s, const hist_tag *t)
{
    hist_sample first;
    if (t->tag_id >= s->began.len) {
        size_t more = t->tag_id + 1 - s->began.len;
        if (pt_buf_reserve(&s->began, more) != PT_OK) return false;
        memset(s->began.ptr + s->began.len, 0, more);
        s->began.len += more;
    }
    char *known = &s->began.ptr[t->tag_id];
    if (!*known)
        *known = t->samples && hist_value_at(s->h, hist_of_tag(t->tag_id), t->first_ms, &s->scratch, &first) == PT_OK &&
                         first.type == SPB_UNKNOWN
                     ? 2
                     : 1;
    return *known == 2;
}

/* The type of a null that comes without one: its tag's, but one that is there already stays as it is: the same file again changes nothing.
 */
static uint32_t type_of_null(in *s, const hist_tag *t, int64_t time_ms)
{
    hist_sample there;
    bool untyped = began_with_nothing(s, t) && hist_value_at(s->h, hist_of_tag(t->tag_id), time_ms, &s->scratch, &there) == PT_OK &&
                   there.time_ms == time_ms && there.type == SPB_UNKNOWN;
    return untyped ? SPB_UNKNOWN : (uint32_t)t->type;
}

/* The path had several owners: the sample is the one's that had it then, or the present one's where nobody had it. */
static pt_status owner_of_then(in *s, pt_slice path, int64_t time_ms, hist_tag *t)
{
    uint64_t several = 0;
    hist_line line = { 0 };
    if (pt_map_get(&s->paths, path, &several) && !several) return PT_OK;
    pt_status st = hist_path_line(s->h, path, &s->scratch, &line, NULL);
    if (st == PT_OK) st = pt_map_put(&s->paths, path, line.n > 1, NULL);
    for (size_t i = 0; st == PT_OK && i < line.n; i++) {
        const hist_claim *c = &line.claims[i];
        if (time_ms >= c->from_ms && (time_ms < c->to_ms || c->to_ms == INT64_MAX) && c->tag_id && c->tag_id != t->tag_id)
            return hist_tag_by_id(s->h, c->tag_id, &s->scratch, t);
    }
    return st;
}

/* Which tag: by its whole identity when the record says where it comes from, else the one that had the path then, else a new one of source
 * "import". */
static pt_status find_tag(in *s, record *r, int64_t time_ms, uint32_t *type, uint32_t *tag_id, pt_error *err)
{
    hist_tag_key key = { r->f[C_SOURCE], r->f[C_GROUP], r->f[C_EDGE], r->f[C_DEVICE], r->f[C_METRIC] };
    pt_slice path = r->f[C_PATH].len ? r->f[C_PATH] : r->f[C_METRIC];
    if (r->f[C_NODE].len && !key.edge.len) {
        key.edge = r->f[C_NODE];
        if (!pt_slice_split(&key.edge, '/', &key.group)) key.group = PT_NONE;
        if (!key.source.len) key.source = PT_LIT("spb");
    }
    bool named = r->f[C_TYPE].len > 0;
    if (named) {
        spb_datatype t = SPB_UNKNOWN;
        if (!pt_slice_eq_cstr(r->f[C_TYPE], "Unknown") && spb_datatype_parse(r->f[C_TYPE], &t) != PT_OK)
            return pt_fail(err, PT_EMALFORMED, "type '%.*s'", (int)(r->f[C_TYPE].len > 40 ? 40 : r->f[C_TYPE].len), r->f[C_TYPE].ptr);
        *type = t;
    }
    hist_tag t = { 0 };
    pt_status known = path.len ? hist_tag_by_path(s->h, path, &s->scratch, &t) : PT_ENOTFOUND;
    if (known == PT_OK && !key.source.len) known = owner_of_then(s, path, time_ms, &t);
    if (known != PT_OK && known != PT_ENOTFOUND) return pt_fail(err, known, "looking for a tag: %s", pt_status_name(known));
    bool typed = known == PT_OK && t.type != SPB_UNKNOWN;
    if (!named) *type = typed ? (uint32_t)t.type : guess_type(r);
    if (known == PT_OK && (!key.source.len || (pt_slice_eq(key.source, t.key.source) && pt_slice_eq(key.group, t.key.group) &&
                                               pt_slice_eq(key.edge, t.key.edge) && pt_slice_eq(key.device, t.key.device) &&
                                               pt_slice_eq(key.metric, t.key.metric)))) {
        *tag_id = t.tag_id; /* the tag's present type and unit stay: old samples do not change what it is today */
        if (typed && !named && r->nothing) *type = type_of_null(s, &t, time_ms);
        if (typed || *type == SPB_UNKNOWN) return PT_OK;
        key = t.key; /* so far there were nulls of no type: this one decides */
        path = t.path;
        r->f[C_UNIT] = t.unit;
    }
    if (!key.source.len) key = (hist_tag_key){ .source = PT_LIT("import"), .metric = path };
    if (!key.metric.len) key.metric = path;
    pt_slice *parts[] = { &key.group, &key.edge, &key.device };
    for (size_t i = 0; i < PT_COUNT_OF(parts); i++) {
        if (!parts[i]->ptr) *parts[i] = PT_LIT("");
    }
    pt_status st = hist_tag_ensure(s->h, &key, path, (spb_datatype)*type, r->f[C_UNIT].ptr ? r->f[C_UNIT] : PT_LIT(""), tag_id);
    return st == PT_OK ? st : pt_fail(err, st, "making a tag: %s", pt_status_name(st));
}

static pt_status parse_sample(in *s, record *r, hist_sample *out, pt_error *err)
{
    uint32_t type = SPB_UNKNOWN;
    *out = (hist_sample){ 0 };
    if (!r->f[C_TIME].len) return pt_fail(err, PT_EMALFORMED, "no time");
    if (!r->f[C_PATH].len && !r->f[C_METRIC].len) return pt_fail(err, PT_EMALFORMED, "neither path nor metric");
    if (pt_slice_starts(r->f[C_TIME], PT_LIT("now"))) return pt_fail(err, PT_EMALFORMED, "'now' is no time of a sample");
    pt_status st = pt_time_parse(r->f[C_TIME], 0, &out->time_ms, err);
    for (size_t i = 0; st == PT_OK && i < r->f[C_FLAGS].len; i++) {
        char c = r->f[C_FLAGS].ptr[i];
        out->flags |= (uint8_t)(c == 'N' ? HIST_NULL : c == 'H' ? HIST_HISTORICAL : c == 'S' ? HIST_STATE : c == 'L' ? HIST_THINNED : 0);
    }
    if (st == PT_OK) st = parse_quality(r->f[C_QUALITY], &out->quality, err);
    r->nothing = r->is_null || !hist__has_value(out) || (!r->f[C_FLAGS].ptr && !r->f[C_VALUE].len && !r->is_text);
    if (st == PT_OK) st = find_tag(s, r, out->time_ms, &type, &out->tag_id, err);
    if (st != PT_OK) return st;
    if (!r->f[C_TYPE].len) type = type_without_rounding(type, r);
    out->type = (uint8_t)type;
    if (r->is_null && !(out->flags & HIST_STATE)) out->flags |= HIST_NULL;
    /* Without a flags column an empty field of a type that has no empty text is null. */
    if (!r->f[C_FLAGS].ptr && r->f[C_VALUE].len == 0 && hist__family_of_type(type) != HIST__BYTES) out->flags |= HIST_NULL;
    if (hist__has_value(out) && (st = parse_value(s, r, out, err)) != PT_OK) return st;
    double number;
    if (out->flags & HIST_THINNED && !hist__usable_number(out, &number))
        return pt_fail(err, PT_EMALFORMED, "the flag L, but no good or uncertain number");
    return PT_OK;
}

/* ---- batches ------------------------------------------------------------------------------------------------- */

/* Append what is gathered, waiting for room, and make it durable; all before `offset`, where s->line begins, is then safe. */
static pt_status commit(in *s, uint64_t offset, pt_error *err)
{
    pt_status st;
    while ((st = hist_append(s->h, s->batch.s, s->batch.n)) == PT_EFULL) {
        if ((st = hist_flush(s->h, 60000, err)) != PT_OK) return st;
    }
    if (st != PT_OK) return pt_fail(err, st, "appending: %s", pt_status_name(st));
    if ((st = hist_flush(s->h, 60000, err)) != PT_OK) return st;
    s->r->samples += s->batch.n;
    s->r->offset = offset;
    s->r->line = s->line;
    hist__rows_reset(&s->batch);
    if (s->o->progress) s->o->progress(s->o->ctx, s->r);
    return PT_OK;
}

static pt_status note_fault(in *s, const pt_error *why, pt_error *err)
{
    uint64_t n = s->r->faults++;
    if (n < HIST_IMPORT_NAMED) {
        s->r->faults_at[n].line = s->line;
        snprintf(s->r->faults_at[n].why, sizeof s->r->faults_at[n].why, "%.190s", why->text);
    }
    return s->o->skip_faults ? PT_OK : pt_fail(err, PT_EMALFORMED, "line %llu: %.200s", (unsigned long long)s->line, why->text);
}

/* A birth, a death or another event of a replay: no sample. */
static bool is_event(const record *r)
{
    return r->replayed &&
           (pt_slice_eq_cstr(r->f[C_KIND], "birth") || pt_slice_eq_cstr(r->f[C_KIND], "death") || pt_slice_eq_cstr(r->f[C_KIND], "event"));
}

static pt_status take_record(in *s, pt_slice line, pt_error *err)
{
    record r = { 0 };
    pt_error why = { 0 };
    hist_sample sample;
    s->again = 0;
    if (line.len == 0) return PT_OK;
    s->r->records++;
    pt_arena_reset(&s->scratch);
    if (s->o->format == HIST_CSV && !s->have_header) {
        s->r->header = true;
        return read_header(s, line, err);
    }
    pt_status st = s->o->format == HIST_CSV ? parse_csv(s, line, &r, &why) : parse_json(s, line, &r, &why);
    if (st == PT_OK && is_event(&r)) return PT_OK;
    if (st == PT_OK) st = parse_sample(s, &r, &sample, &why);
    if (st == PT_EMALFORMED || st == PT_ETOOBIG || st == PT_EUNSUPPORTED) return note_fault(s, &why, err);
    if (st == PT_OK) st = hist__rows_add(&s->batch, &sample, 1);
    return st == PT_OK ? st
                       : pt_fail(err, st, "line %llu: %.200s", (unsigned long long)s->line, why.text[0] ? why.text : pt_status_name(st));
}

/* Keep the beginning of a record, read more behind it. *len: nothing more fits, but this much may be taken for a record whose quotes never
 * end. */
static pt_status read_on(in *s, size_t at, size_t *len, pt_error *err)
{
    bool full = false;
    if (at) {
        memmove(s->text.ptr, s->text.ptr + at, s->text.len - at);
        s->text.len -= at;
        s->consumed += at;
    }
    pt_status st = fill(s, &full, err);
    if (st != PT_OK || !full) return st;
    if (s->scan.place == PT_CSV_QUOTED && memchr(s->text.ptr + s->scan.opened, '\n', s->text.len - s->scan.opened)) *len = s->text.len;
    return *len ? PT_OK
                : pt_fail(err, PT_EMALFORMED, "line %llu: a record of more than %d MiB", (unsigned long long)s->line, RECORD_MAX >> 20);
}

static pt_status run(in *s, pt_error *err)
{
    pt_status st = PT_OK;
    size_t at = 0;
    for (;;) {
        size_t len = record_length(&s->scan, s->o->format, pt_slice_from(pt_buf_view(&s->text), at), s->end);
        if (len == 0 && s->end) break;
        if (len == 0) {
            if ((st = read_on(s, at, &len, err)) != PT_OK) return st;
            at = 0;
            if (len == 0) continue;
        }
        if ((st = take_record(s, pt_csv_trim(pt_slice_of(s->text.ptr + at, len)), err)) != PT_OK) break;
        if (s->again) len = s->again;
        s->line += newlines(pt_slice_of(s->text.ptr + at, len));
        s->scan = (pt_csv_scan){ 0 };
        at += len;
        if (s->batch.n >= BATCH || s->batch.bytes.used >= BATCH_BYTES) {
            if ((st = commit(s, s->consumed + at, err)) != PT_OK) return st;
        }
    }
    pt_status last = s->batch.n || st == PT_OK ? commit(s, s->consumed + at, st == PT_OK ? err : NULL) : PT_OK;
    return st == PT_OK ? last : st;
}

uint64_t hist_text_sum(pt_slice first, pt_slice last)
{
    return XXH64(last.ptr, last.len, XXH64(first.ptr, first.len, 0));
}

pt_status hist_import(hist *h, const hist_import_options *o, hist_import_report *report, pt_error *err)
{
    const uint64_t line = o->start_line ? o->start_line : 1;
    *report = (hist_import_report){ .offset = o->start_offset, .line = line };
    in s = { .h = h, .o = o, .r = report, .consumed = o->start_offset, .line = 1 };
    pt_buf_init(&s.text, RECORD_MAX);
    hist__rows_init(&s.batch);
    pt_buf_init(&s.began, UINT32_MAX);
    pt_map_init(&s.paths, PT_MAP_COPY_KEYS);
    pt_arena_init(&s.scratch, RECORD_MAX * (size_t)2);
    pt_status st = pt_buf_reserve(&s.text, READ_AT_ONCE);
    if (st == PT_OK && o->format == HIST_CSV && o->header.len) st = read_header(&s, pt_csv_trim(o->header), err);
    s.line = line;
    pt_arena_reset(&s.scratch);
    if (st == PT_OK) st = run(&s, err);
    json_decref(s.json);
    pt_arena_fini(&s.scratch);
    hist__rows_fini(&s.batch);
    pt_buf_fini(&s.began);
    pt_map_fini(&s.paths);
    pt_buf_fini(&s.text);
    return st;
}
