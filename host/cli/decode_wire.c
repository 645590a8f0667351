/* host/cli/decode_wire.c -- the fields of a payload one by one, named by the descriptors in protobuf-c's generated code.
 *
 * Unpacking by protobuf-c gives the last of what is repeated and says neither where a field stood nor where the damage is; its descriptors
 * know every field. So the bytes are walked here and the schema is asked there. */
#include "host/cli/decode.h"
#include "base/timestamp.h"
#include "base/utf8.h"
#include "base/varint.h"

#include "sparkplug_b_bytes.pb-c.h"

#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>

enum { VARINT = 0, FIXED64 = 1, LEN = 2, FIXED32 = 5, FIELDS_MAX = 1000000, DEPTH_MAX = 100, IDS = 32, SHOWN_BYTES = 64 };

typedef unsigned char byte;

static const byte *begin(const decode_wire *w)
{
    return (const byte *)w->payload.ptr;
}

static uint32_t seen_before(const decode_wire *w, size_t parent, const ProtobufCFieldDescriptor *f)
{
    uint32_t n = 0;
    for (size_t i = parent == DECODE_TOP ? 0 : parent; i < w->n; i++)
        n += w->fields[i].parent == parent && w->fields[i].known == f;
    return n;
}

/* Damage at byte `at`, in the field number `id` of message `d`, which is `parent`. id 0: the field is not known yet. */
static void damage(decode_wire *w, const byte *at, const ProtobufCMessageDescriptor *d, size_t parent, uint64_t id, const char *fmt, ...)
    PT_PRINTF(6, 7);
static void damage(decode_wire *w, const byte *at, const ProtobufCMessageDescriptor *d, size_t parent, uint64_t id, const char *fmt, ...)
{
    va_list ap;
    char in[DECODE_PATH_MAX] = "payload";
    const ProtobufCFieldDescriptor *f = id && id <= UINT32_MAX ? protobuf_c_message_descriptor_get_field(d, (unsigned)id) : NULL;
    if (parent != DECODE_TOP) decode_path(w, parent, in);
    const char *dot = parent == DECODE_TOP ? "" : ".", *before = parent == DECODE_TOP ? "" : in;
    if (!id) snprintf(w->damaged_path, sizeof w->damaged_path, "%s", in);
    else if (f && f->label == PROTOBUF_C_LABEL_REPEATED)
        snprintf(w->damaged_path, sizeof w->damaged_path, "%.400s%s%.60s[%" PRIu32 "]", before, dot, f->name, seen_before(w, parent, f));
    else if (f) snprintf(w->damaged_path, sizeof w->damaged_path, "%.400s%s%.60s", before, dot, f->name);
    else snprintf(w->damaged_path, sizeof w->damaged_path, "%.400s%s#%" PRIu64, before, dot, id);
    w->damaged = true;
    w->damaged_at = (size_t)(at - begin(w));
    va_start(ap, fmt);
    if (vsnprintf(w->why, sizeof w->why, fmt, ap) < 0) w->why[0] = '\0';
    va_end(ap);
}

static bool wire_type_fits(const ProtobufCFieldDescriptor *f, unsigned wire_type)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_FLOAT: return wire_type == FIXED32;
    case PROTOBUF_C_TYPE_DOUBLE: return wire_type == FIXED64;
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE: return wire_type == LEN;
    default: return wire_type == VARINT || (wire_type == LEN && f->label == PROTOBUF_C_LABEL_REPEATED); /* packed */
    }
}

/* The value at `p`: f->number or f->value_at, and where it ends. NULL: damaged, said. */
static const byte *read_value(decode_wire *w, const ProtobufCMessageDescriptor *d, decode_field *f, const byte *p, const byte *end)
{
    uint64_t length = 0;
    uint32_t bits32;
    const byte *q;
    f->value_at = (size_t)(p - begin(w));
    switch (f->wire_type) {
    case VARINT:
        if ((q = pt_varint_get(p, end, &f->number))) return q;
        damage(w, p, d, f->parent, f->id, "the varint does not end within %s", end - p < 10 ? "the message" : "10 bytes");
        return NULL;
    case FIXED64:
        if (end - p < 8) break;
        memcpy(&f->number, p, 8);
        f->number = le64toh(f->number);
        return p + 8;
    case FIXED32:
        if (end - p < 4) break;
        memcpy(&bits32, p, 4);
        f->number = le32toh(bits32);
        return p + 4;
    default:
        if (!(q = pt_varint_get(p, end, &length)) || q - p > 5) {
            damage(w, p, d, f->parent, f->id, "the length does not end");
            return NULL;
        }
        f->value_at = (size_t)(q - begin(w));
        if (length <= (uint64_t)(end - q)) return q + length;
        damage(w, p, d, f->parent, f->id, "a length of %" PRIu64 " bytes, but %td are left", length, end - q);
        return NULL;
    }
    damage(w, p, d, f->parent, f->id, "%d bytes are expected, but %td are left", f->wire_type == FIXED64 ? 8 : 4, end - p);
    return NULL;
}

/* The tag at `p`. NULL: damaged, said. */
static const byte *read_tag(decode_wire *w, const ProtobufCMessageDescriptor *d, decode_field *f, const byte *p, const byte *end)
{
    uint64_t tag = 0;
    const byte *q = pt_varint_get(p, end, &tag);
    if (!q || q - p > 5) {
        damage(w, p, d, f->parent, 0, "a field's tag does not end");
        return NULL;
    }
    f->id = (uint32_t)(tag >> 3);
    f->wire_type = tag & 7;
    f->known = f->id ? protobuf_c_message_descriptor_get_field(d, f->id) : NULL;
    if (!f->id || tag >> 3 > 536870911u) {
        damage(w, p, d, f->parent, 0, "field number %" PRIu64 " is none", tag >> 3);
    } else if (f->wire_type == 3 || f->wire_type == 4) {
        damage(w, p, d, f->parent, f->id, "a group (wire type %d), which Sparkplug does not have", f->wire_type);
    } else if (f->wire_type > 5) {
        damage(w, p, d, f->parent, f->id, "wire type %d is none", f->wire_type);
    } else if (f->known && !wire_type_fits(f->known, f->wire_type)) {
        damage(w, p, d, f->parent, f->id, "wire type %d (%s) is not this field's", f->wire_type, decode_wire_type(f->wire_type));
    } else {
        return q;
    }
    return NULL;
}

static bool is_message(const decode_field *f)
{
    return f->known && f->known->type == PROTOBUF_C_TYPE_MESSAGE;
}

static pt_status append(decode_wire *w, const decode_field *f)
{
    if (w->n == w->room) {
        size_t room = w->room ? w->room * 2 : 64;
        decode_field *more = realloc(w->fields, room * sizeof *more);
        if (!more) return PT_ENOMEM;
        w->fields = more;
        w->room = room;
    }
    w->fields[w->n++] = *f;
    return PT_OK;
}

static pt_status read_message(decode_wire *w, const ProtobufCMessageDescriptor *d, size_t parent, const byte *p, const byte *end,
                              unsigned depth)
{
    uint32_t repeats[IDS] = { 0 };
    while (p < end) {
        decode_field f = { .offset = (size_t)(p - begin(w)), .parent = parent, .depth = (uint8_t)depth };
        const byte *value = read_tag(w, d, &f, p, end);
        if (!value || !(p = read_value(w, d, &f, value, end))) return PT_OK;
        f.end = (size_t)(p - begin(w));
        if (f.known && f.id < IDS && f.known->label == PROTOBUF_C_LABEL_REPEATED) f.index = repeats[f.id]++;
        if (w->n == FIELDS_MAX) {
            damage(w, begin(w) + f.offset, d, parent, f.id, "more than %d fields", FIELDS_MAX);
            return PT_OK;
        }
        pt_status st = append(w, &f);
        if (st) return st;
        if (!is_message(&f) || !f.known) continue;
        if (depth == DEPTH_MAX) {
            damage(w, begin(w) + f.offset, d, parent, f.id, "messages are nested deeper than %d", DEPTH_MAX);
            return PT_OK;
        }
        st = read_message(w, f.known->descriptor, w->n - 1, begin(w) + f.value_at, p, depth + 1);
        if (st || w->damaged) return st;
    }
    return PT_OK;
}

pt_status decode_wire_read(decode_wire *w, pt_slice payload)
{
    *w = (decode_wire){ .payload = { payload.ptr ? payload.ptr : "", payload.len } };
    const byte *from = begin(w);
    if (payload.len == 0) {
        damage(w, from, &spb__pbc__payload__descriptor, DECODE_TOP, 0, "the payload is empty");
        return PT_OK;
    }
    return read_message(w, &spb__pbc__payload__descriptor, DECODE_TOP, from, from + payload.len, 0);
}

void decode_wire_free(decode_wire *w)
{
    free(w->fields);
    *w = (decode_wire){ 0 };
}

void decode_path(const decode_wire *w, size_t field, char out[DECODE_PATH_MAX])
{
    size_t up[DEPTH_MAX + 1], n = 0, len = 0;
    for (size_t i = field; i != DECODE_TOP && n <= DEPTH_MAX; i = w->fields[i].parent)
        up[n++] = i;
    out[0] = '\0';
    while (n-- && len < DECODE_PATH_MAX - 1) {
        const decode_field *f = &w->fields[up[n]];
        const char *dot = len ? "." : "";
        int k;
        if (!f->known) k = snprintf(out + len, DECODE_PATH_MAX - len, "%s#%" PRIu32, dot, f->id);
        else if (f->known->label == PROTOBUF_C_LABEL_REPEATED)
            k = snprintf(out + len, DECODE_PATH_MAX - len, "%s%s[%" PRIu32 "]", dot, f->known->name, f->index);
        else k = snprintf(out + len, DECODE_PATH_MAX - len, "%s%s", dot, f->known->name);
        if (k < 0) return;
        len += (size_t)k;
    }
}

const char *decode_wire_type(uint8_t wire_type)
{
    static const char *const names[] = { "varint", "fixed64", "bytes", "group", "end of group", "fixed32" };
    return wire_type < PT_COUNT_OF(names) ? names[wire_type] : "?";
}

pt_slice decode_bytes(const decode_wire *w, const decode_field *f)
{
    return pt_slice_of(w->payload.ptr + f->offset, f->end - f->offset);
}

pt_slice decode_value_bytes(const decode_wire *w, const decode_field *f)
{
    return pt_slice_of(w->payload.ptr + f->value_at, f->end - f->value_at);
}

/* The code is generated with strings as bytes; the schema has bytes in these two places only. */
bool decode_is_text(const decode_field *f)
{
    return f->known && f->known->type == PROTOBUF_C_TYPE_BYTES && strcmp(f->known->name, "body") != 0 &&
           strcmp(f->known->name, "bytes_value") != 0;
}

void decode_hex(pt_buf *out, pt_slice bytes, size_t most)
{
    for (size_t i = 0; i < bytes.len && i < most; i++)
        pt_buf_printf(out, "%02x", (byte)bytes.ptr[i]);
    if (bytes.len > most) pt_buf_printf(out, "... (%zu bytes)", bytes.len);
}

static void quoted(pt_buf *out, pt_slice s)
{
    pt_buf_char(out, '"');
    for (size_t i = 0; i < s.len;) {
        size_t n = pt_utf8_next(s.ptr + i, s.len - i, NULL);
        byte c = (byte)s.ptr[i];
        if (!n || c < 0x20 || c == 0x7f) pt_buf_printf(out, "\\x%02x", c);
        else if (c == '"' || c == '\\') pt_buf_printf(out, "\\%c", c);
        else pt_buf_add(out, s.ptr + i, n);
        i += n ? n : 1;
    }
    pt_buf_char(out, '"');
    if (!pt_utf8_valid(s)) pt_buf_cstr(out, " (not UTF-8)");
}

static void time_text(pt_buf *out, uint64_t ms)
{
    char time[PT_RFC3339_MAX];
    if (ms > INT64_MAX) return;
    pt_rfc3339_format((int64_t)ms, time);
    pt_buf_printf(out, " = %s", time);
}

static void varint_text(const decode_field *f, pt_buf *out)
{
    pt_buf_printf(out, "%" PRIu64, f->number);
    if (!f->known) return;
    const char *name = f->known->name;
    if (f->known->type == PROTOBUF_C_TYPE_BOOL) pt_buf_cstr(out, f->number ? " = true" : " = false");
    else if (strcmp(name, "timestamp") == 0) time_text(out, f->number);
    else if (f->number > UINT32_MAX && f->known->type == PROTOBUF_C_TYPE_UINT32)
        pt_buf_printf(out, " = %" PRIu32 " in the field's 32 bits", (uint32_t)f->number);
    else if (strcmp(name, "datatype") == 0 || strcmp(name, "type") == 0 || strcmp(name, "types") == 0)
        pt_buf_printf(out, " = %s", spb_datatype_name((uint32_t)f->number));
}

void decode_value_text(const decode_wire *w, const decode_field *f, pt_buf *out)
{
    char number[32];
    uint32_t bits32 = (uint32_t)f->number;
    float f32;
    double f64;
    memcpy(&f32, &bits32, sizeof f32);
    memcpy(&f64, &f->number, sizeof f64);
    switch (f->wire_type) {
    case VARINT: varint_text(f, out); break;
    case FIXED32:
        if (f->known) pt_buf_add(out, number, pt_f32_text(f32, number));
        else pt_buf_printf(out, "0x%08" PRIx32, bits32);
        break;
    case FIXED64:
        if (f->known) pt_buf_add(out, number, pt_f64_text(f64, number));
        else pt_buf_printf(out, "0x%016" PRIx64, f->number);
        break;
    default:
        if (is_message(f)) pt_buf_printf(out, "message of %zu bytes", f->end - f->value_at);
        else if (decode_is_text(f)) quoted(out, decode_value_bytes(w, f));
        else decode_hex(out, decode_value_bytes(w, f), SHOWN_BYTES);
    }
}

size_t decode_find(const decode_wire *w, size_t parent, const char *name)
{
    size_t found = DECODE_TOP, end = parent == DECODE_TOP ? w->payload.len : w->fields[parent].end;
    for (size_t i = parent == DECODE_TOP ? 0 : parent + 1; i < w->n && w->fields[i].offset < end; i++) {
        const decode_field *f = &w->fields[i];
        if (f->parent == parent && f->known && strcmp(f->known->name, name) == 0) found = i;
    }
    return found;
}

size_t decode_metric(decode_wire *w, uint32_t index)
{
    if (w->asked >= w->n || w->fields[w->asked].index > index) w->asked = 0;
    for (size_t i = w->asked; i < w->n; i++) { /* asked in order: one walk for all */
        const decode_field *f = &w->fields[i];
        if (f->parent == DECODE_TOP && f->id == 2 && f->index == index) return w->asked = i;
    }
    return DECODE_TOP;
}
