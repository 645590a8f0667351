/* edge-node/modbus_plan.c -- see modbus_plan.h. */
#include "edge-node/modbus_plan.h"

#include "base/utf8.h"

#include <stdlib.h>

/* Decimal, or hexadecimal behind 0x as many register maps print it. */
static bool number_of(pt_slice text, uint64_t *out)
{
    if (text.len < 3 || text.ptr[0] != '0' || (text.ptr[1] != 'x' && text.ptr[1] != 'X')) return pt_slice_to_u64(text, out);
    if (text.len > 6) return false;
    *out = 0;
    for (size_t i = 2; i < text.len; i++) {
        char c = text.ptr[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0) return false;
        *out = *out << 4 | (uint64_t)digit;
    }
    return true;
}

/* 40001, 400001, 4x0001: the first digit is the table, the others count from 1. */
static bool numbered(pt_slice text, edge_mb_table *table, uint64_t *address)
{
    bool x = text.len > 2 && (text.ptr[1] == 'x' || text.ptr[1] == 'X');
    if (x ? text.len > 7 : text.len != 5 && text.len != 6) return false;
    switch (text.ptr[0]) {
    case '0': *table = EDGE_MB_COIL; break;
    case '1': *table = EDGE_MB_DISCRETE; break;
    case '3': *table = EDGE_MB_INPUT; break;
    case '4': *table = EDGE_MB_HOLDING; break;
    default: return false;
    }
    if (!pt_slice_to_u64(pt_slice_from(text, x ? 2 : 1), address) || *address < 1 || *address > 65536) return false;
    --*address;
    return true;
}

pt_status edge_mb_address(pt_slice text, edge_mb_table *table, uint16_t *address, int *bit, pt_error *err)
{
    static const struct {
        const char *name;
        edge_mb_table table;
    } tables[] = { { "coil", EDGE_MB_COIL }, { "discrete", EDGE_MB_DISCRETE }, { "input", EDGE_MB_INPUT }, { "holding", EDGE_MB_HOLDING } };
    size_t colon = pt_slice_find(text, ':');
    size_t start = colon < text.len ? colon + 1 : 0;
    pt_slice name = { text.ptr, colon }, number = pt_slice_from(text, start);
    size_t dot = pt_slice_find(number, '.');
    pt_slice digits = { number.ptr, dot };
    edge_mb_table which = EDGE_MB_COIL;
    uint64_t a = 0, b = 0;
    if (colon < text.len) {
        size_t t = 0;
        while (t < PT_COUNT_OF(tables) && !pt_slice_eq_cstr(name, tables[t].name))
            t++;
        if (t == PT_COUNT_OF(tables))
            return pt_fail(err, PT_EINVAL, "'%.*s' is no address: coil:N, discrete:N, input:N or holding:N", PT_SLICE_ARGS(text));
        which = tables[t].table;
        if (!number_of(digits, &a) || a > 65535)
            return pt_fail(err, PT_EINVAL, "address in '%.*s' must be from 0 to 65535", PT_SLICE_ARGS(text));
    } else if (!numbered(digits, &which, &a)) {
        return pt_fail(err, PT_EINVAL,
                       "'%.*s' is no address: coil:N, discrete:N, input:N or holding:N from 0, or 40001, 400001, 4x0001 from 1",
                       PT_SLICE_ARGS(text));
    }
    if (dot < number.len) {
        bool registers = which == EDGE_MB_INPUT || which == EDGE_MB_HOLDING;
        if (!registers || !pt_slice_to_u64(pt_slice_from(number, dot + 1), &b) || b > 15)
            return pt_fail(err, PT_EINVAL, "bit in '%.*s' must be from 0 to 15, of a register", PT_SLICE_ARGS(text));
    }
    *table = which;
    *address = (uint16_t)a;
    *bit = dot < number.len ? (int)b : -1;
    return PT_OK;
}

uint16_t edge_mb_registers(uint8_t raw)
{
    switch (raw) {
    case SPB_INT8:
    case SPB_UINT8:
    case SPB_INT16:
    case SPB_UINT16:
    case SPB_BOOLEAN: return 1;
    case SPB_INT32:
    case SPB_UINT32:
    case SPB_FLOAT: return 2;
    case SPB_INT64:
    case SPB_UINT64:
    case SPB_DOUBLE:
    case SPB_DATETIME: return 4;
    default: return 0;
    }
}

static uint16_t swapped(uint16_t v)
{
    return (uint16_t)(v << 8 | v >> 8);
}

static bool words_reversed(edge_mb_order o)
{
    return o == EDGE_MB_LITTLE || o == EDGE_MB_WORD_SWAP;
}

static bool bytes_swapped(edge_mb_order o)
{
    return o == EDGE_MB_LITTLE || o == EDGE_MB_BYTE_SWAP;
}

static uint64_t join(const edge_mb_tag *t, const uint16_t *regs, uint16_t n)
{
    uint64_t v = 0;
    for (uint16_t i = 0; i < n; i++) {
        uint16_t w = regs[words_reversed(t->order) ? n - 1 - i : i];
        v = v << 16 | (bytes_swapped(t->order) ? swapped(w) : w);
    }
    return v;
}

static void split(const edge_mb_tag *t, uint64_t v, uint16_t *regs, uint16_t n)
{
    for (uint16_t i = 0; i < n; i++) {
        uint16_t w = (uint16_t)(v >> (16 * (n - 1 - i)));
        regs[words_reversed(t->order) ? n - 1 - i : i] = bytes_swapped(t->order) ? swapped(w) : w;
    }
}

static pt_status decode_text(const edge_mb_tag *t, const uint16_t *regs, char *text, spb_value *out)
{
    size_t len = 0;
    for (uint16_t i = 0; i < t->count; i++) {
        uint16_t w = bytes_swapped(t->order) ? swapped(regs[i]) : regs[i];
        text[len++] = (char)(w >> 8);
        text[len++] = (char)(w & 0xff);
    }
    size_t end = 0;
    while (end < len && text[end])
        end++;
    while (end > 0 && text[end - 1] == ' ')
        end--;
    pt_slice s = pt_slice_of(text, end);
    if (!pt_utf8_valid(s)) return PT_EMALFORMED;
    *out = (spb_value){ .type = SPB_STRING, .as = { .bytes = s } };
    return PT_OK;
}

/* --- arrays: elements behind each other, each laid out like a single value; Sparkplug's form is packed, little-endian --- */

static edge_mb_tag element_of(const edge_mb_tag *t)
{
    edge_mb_tag one = *t;
    one.array = 0;
    one.bit = -1;
    one.count = edge_mb_registers(t->raw);
    return one;
}

static size_t element_size(uint8_t raw)
{
    return raw == SPB_FLOAT ? 4 : raw == SPB_DOUBLE ? 8 : spb_datatype_bits(raw) / 8;
}

/* Bit `i` of a row of bits, 16 in a register, the least significant first. */
static uint16_t *bit_at(const edge_mb_tag *t, uint16_t *regs, uint32_t i, uint16_t *mask)
{
    i += t->bit > 0 ? (uint32_t)t->bit : 0;
    *mask = (uint16_t)(1u << (i % 16));
    if (bytes_swapped(t->order)) *mask = swapped(*mask);
    return &regs[i / 16];
}

static void decode_array(const edge_mb_tag *t, const uint16_t *regs, char *text, spb_value *out)
{
    size_t len = 0;
    if (t->raw == SPB_BOOLEAN) { /* count, then bits, the most significant first */
        len = 4 + (t->elements + 7u) / 8;
        memset(text, 0, len);
        text[0] = (char)(t->elements & 0xff);
        text[1] = (char)(t->elements >> 8);
        for (uint32_t i = 0; i < t->elements; i++) {
            uint16_t mask;
            if (*bit_at(t, (uint16_t *)(uintptr_t)regs, i, &mask) & mask) text[4 + i / 8] |= (char)(0x80u >> i % 8);
        }
    } else {
        edge_mb_tag one = element_of(t);
        for (uint16_t i = 0; i < t->elements; i++) {
            uint64_t bits = join(&one, regs + (size_t)i * one.count, one.count);
            for (size_t k = 0; k < element_size(t->raw); k++, bits >>= 8)
                text[len++] = (char)(bits & 0xff);
        }
    }
    *out = (spb_value){ .type = t->array, .as = { .bytes = pt_slice_of(text, len) } };
}

static pt_status encode_array(const edge_mb_tag *t, pt_slice bytes, uint16_t *regs)
{
    uint32_t n = 0;
    if (spb_array_count(t->array, bytes, &n, NULL) != PT_OK || n != t->elements) return PT_ETOOBIG;
    if (t->raw == SPB_BOOLEAN) {
        for (uint32_t i = 0; i < n; i++) {
            uint16_t mask, *reg = bit_at(t, regs, i, &mask);
            *reg = (uint16_t)((bytes.ptr[4 + i / 8] & (0x80 >> i % 8)) ? *reg | mask : *reg & ~mask);
        }
        return PT_OK;
    }
    edge_mb_tag one = element_of(t);
    size_t size = element_size(t->raw);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t bits = 0;
        for (size_t k = size; k > 0; k--)
            bits = bits << 8 | (uint8_t)bytes.ptr[i * size + k - 1];
        if (size == 1 && t->raw == SPB_INT8) bits = (uint16_t)(int8_t)bits;
        split(&one, bits, regs + (size_t)i * one.count, one.count);
    }
    return PT_OK;
}

pt_status edge_mb_decode(const edge_mb_tag *t, const uint16_t *regs, char *text, spb_value *out)
{
    if (t->array) {
        decode_array(t, regs, text, out);
        return PT_OK;
    }
    if (t->raw == SPB_STRING) return decode_text(t, regs, text, out);
    spb_value v = { .type = t->raw };
    if (t->bit >= 0) {
        uint16_t w = bytes_swapped(t->order) ? swapped(regs[0]) : regs[0];
        uint16_t field = (uint16_t)((w >> t->bit) & ((1u << t->bits) - 1u));
        if (t->raw == SPB_BOOLEAN) v.as.boolean = field != 0;
        else v.as.u64 = field;
        *out = v;
        return PT_OK;
    }
    uint64_t raw = join(t, regs, t->count);
    switch (t->raw) {
    case SPB_BOOLEAN: v.as.boolean = raw != 0; break;
    case SPB_INT8: v.as.i64 = (int8_t)raw; break; /* NOLINT(bugprone-signed-char-misuse): a number, and its sign is meant */
    case SPB_UINT8: v.as.u64 = (uint8_t)raw; break;
    case SPB_INT16: v.as.i64 = (int16_t)raw; break;
    case SPB_INT32: v.as.i64 = (int32_t)raw; break;
    case SPB_FLOAT: {
        uint32_t bits = (uint32_t)raw;
        memcpy(&v.as.f32, &bits, sizeof bits);
        break;
    }
    case SPB_DOUBLE: memcpy(&v.as.f64, &raw, sizeof raw); break;
    default: v.as.u64 = raw; break;
    }
    *out = v;
    return PT_OK;
}

pt_status edge_mb_encode(const edge_mb_tag *t, const spb_value *v, uint16_t *regs)
{
    if (t->array) return encode_array(t, v->as.bytes, regs);
    if (t->raw == SPB_STRING) {
        if (v->as.bytes.len > (size_t)t->count * 2) return PT_ETOOBIG;
        for (uint16_t i = 0; i < t->count; i++) {
            size_t at = (size_t)i * 2;
            uint16_t hi = at < v->as.bytes.len ? (uint8_t)v->as.bytes.ptr[at] : 0,
                     lo = at + 1 < v->as.bytes.len ? (uint8_t)v->as.bytes.ptr[at + 1] : 0;
            uint16_t w = (uint16_t)(hi << 8 | lo);
            regs[i] = bytes_swapped(t->order) ? swapped(w) : w;
        }
        return PT_OK;
    }
    if (t->bit >= 0) {
        uint64_t field = t->raw == SPB_BOOLEAN ? v->as.boolean : v->as.u64;
        if (field >> t->bits) return PT_ETOOBIG;
        uint16_t w = bytes_swapped(t->order) ? swapped(regs[0]) : regs[0];
        uint16_t mask = (uint16_t)(((1u << t->bits) - 1u) << t->bit);
        w = (uint16_t)((w & ~mask) | ((field << t->bit) & mask));
        regs[0] = bytes_swapped(t->order) ? swapped(w) : w;
        return PT_OK;
    }
    uint64_t raw = 0;
    switch (t->raw) {
    case SPB_BOOLEAN: raw = v->as.boolean; break;
    case SPB_FLOAT: {
        uint32_t bits;
        memcpy(&bits, &v->as.f32, sizeof bits);
        raw = bits;
        break;
    }
    case SPB_DOUBLE: memcpy(&raw, &v->as.f64, sizeof raw); break;
    default: raw = v->as.u64; break;
    }
    split(t, raw, regs, t->count);
    return PT_OK;
}

static bool is_bits(edge_mb_table t)
{
    return t == EDGE_MB_COIL || t == EDGE_MB_DISCRETE;
}

static bool before(const edge_mb_tag *a, const edge_mb_tag *b)
{
    if (a->table != b->table) return a->table < b->table;
    return a->address < b->address;
}

uint32_t edge_mb_plan(const edge_mb_tag *tags, uint32_t *order, uint32_t n, uint16_t max_registers, uint16_t max_bits, uint16_t gap,
                      edge_mb_block *blocks)
{
    /* shell sort: no memory, and lists come nearly sorted */
    for (uint32_t step = n / 2; step > 0; step /= 2)
        for (uint32_t i = step; i < n; i++) {
            uint32_t x = order[i], j = i;
            for (; j >= step && before(&tags[x], &tags[order[j - step]]); j -= step)
                order[j] = order[j - step];
            order[j] = x;
        }
    uint32_t made = 0;
    for (uint32_t i = 0; i < n; i++) {
        const edge_mb_tag *t = &tags[order[i]];
        uint32_t end = (uint32_t)t->address + t->count;
        if (made) {
            edge_mb_block *b = &blocks[made - 1];
            uint32_t limit = is_bits(t->table) ? max_bits : max_registers, reach = is_bits(t->table) ? gap * 8u : gap;
            uint32_t b_end = (uint32_t)b->address + b->count;
            if (b->table == t->table && t->address <= b_end + reach && (end > b_end ? end : b_end) - b->address <= limit) {
                if (end > b_end) b->count = (uint16_t)(end - b->address);
                b->n++;
                continue;
            }
        }
        blocks[made++] = (edge_mb_block){ t->table, t->address, t->count, i, 1 };
    }
    return made;
}
