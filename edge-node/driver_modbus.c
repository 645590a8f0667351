/* edge-node/driver_modbus.c -- Modbus TCP and Modbus RTU on libmodbus; addresses and layouts are modbus_plan's.
 *
 * A channel is one libmodbus context: `tcp:host:port`, or a serial line. It connects when the first request needs it and is closed after
 * any failure of transport, so that a late answer is never taken for the next one's. Exceptions leave it open: they mean that the
 * PLC lives and dislikes the request. A block of several tags that is answered "illegal data address" is read tag by tag from then on. */
#include "edge-node/convert.h"
#include "edge-node/driver.h"
#include "edge-node/modbus_plan.h"

#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>

enum { D_ADDRESS, D_UNIT, D_TIMEOUT, D_RETRIES, D_MAX_REGISTERS, D_MAX_BITS, D_GAP, D_BAUD, D_PARITY, D_DATA_BITS, D_STOP_BITS };
enum { T_REGISTER, T_ORDER, T_RAW, T_LENGTH, T_BITS, T_ELEMENTS };

/* The words in the order of edge_mb_order, and once more as the letters makers of PLCs write. */
static const char *const orders[] = { "big", "little", "byte-swap", "word-swap", "ABCD", "DCBA", "BADC", "CDAB", NULL };
static const char *const raws[] = { "int16", "uint16", "int32", "uint32", "int64", "uint64", "float", "double", "bool", "string", NULL };
static const uint8_t raw_types[] = { SPB_INT16,  SPB_UINT16, SPB_INT32,  SPB_UINT32,  SPB_INT64,
                                     SPB_UINT64, SPB_FLOAT,  SPB_DOUBLE, SPB_BOOLEAN, SPB_STRING };
static const char *const parities[] = { "none", "even", "odd", NULL };

#define COMMON_KEYS                                                                                                    \
    [D_UNIT] = { .key = "unit",                                                                                        \
                 .type = EDGE_KEY_INT,                                                                                 \
                 .def = "1",                                                                                           \
                 .min = 0,                                                                                             \
                 .max = 255,                                                                                           \
                 .doc = "Unit (slave) address behind the connection." },                                               \
    [D_TIMEOUT] = { .key = "timeout",                                                                                  \
                    .type = EDGE_KEY_DURATION,                                                                         \
                    .def = "1s",                                                                                       \
                    .min = 10,                                                                                         \
                    .max = 60000,                                                                                      \
                    .doc = "How long one answer may take; also for connecting." },                                     \
    [D_RETRIES] = { .key = "retries",                                                                                  \
                    .type = EDGE_KEY_INT,                                                                              \
                    .def = "1",                                                                                        \
                    .max = 10,                                                                                         \
                    .doc = "Further attempts of a request that was not answered, before the device counts as lost." }, \
    [D_MAX_REGISTERS] = { .key = "max_registers",                                                                      \
                          .type = EDGE_KEY_INT,                                                                        \
                          .def = "125",                                                                                \
                          .min = 1,                                                                                    \
                          .max = 125,                                                                                  \
                          .doc = "Registers read in one request at most." },                                           \
    [D_MAX_BITS] = { .key = "max_bits",                                                                                \
                     .type = EDGE_KEY_INT,                                                                             \
                     .def = "2000",                                                                                    \
                     .min = 1,                                                                                         \
                     .max = 2000,                                                                                      \
                     .doc = "Coils or discrete inputs read in one request at most." },                                 \
    [D_GAP] = { .key = "max_gap", .type = EDGE_KEY_INT, .def = "8", .max = 100, .doc = "Unused registers read along to save a request." }

static const edge_driver_key tcp_keys[] = { [D_ADDRESS] = { .key = "address",
                                                            .type = EDGE_KEY_TEXT,
                                                            .required = true,
                                                            .min = 1,
                                                            .max = 250,
                                                            .doc = "host:port of the PLC or gateway; port 502 when left out." },
                                            COMMON_KEYS,
                                            { 0 } };
static const edge_driver_key rtu_keys[] = {
    [D_ADDRESS] = { .key = "address",
                    .type = EDGE_KEY_TEXT,
                    .required = true,
                    .min = 1,
                    .max = 250,
                    .doc = "Serial line, for instance /dev/ttyUSB0. Devices with the same line share it." },
    COMMON_KEYS,
    [D_BAUD] = { .key = "baud", .type = EDGE_KEY_INT, .def = "19200", .min = 300, .max = 921600, .doc = "Bits per second." },
    [D_PARITY] = { .key = "parity", .type = EDGE_KEY_ENUM, .def = "even", .names = parities, .doc = "none, even or odd." },
    [D_DATA_BITS] = { .key = "data_bits", .type = EDGE_KEY_INT, .def = "8", .min = 7, .max = 8, .doc = "Data bits." },
    [D_STOP_BITS] = { .key = "stop_bits", .type = EDGE_KEY_INT, .def = "1", .min = 1, .max = 2, .doc = "Stop bits." },
    { 0 }
};
static const edge_driver_key tag_keys[] = {
    [T_REGISTER] = { .key = "register",
                     .type = EDGE_KEY_TEXT,
                     .required = true,
                     .min = 6,
                     .max = 24,
                     .doc =
                         "coil:N, discrete:N, input:N or holding:N, counted from 0, decimal or 0x hexadecimal, or 40001, 400001, 4x0001 counted from 1; a bit of a "
                         "register: holding:N.B, bit 0 the least significant." },
    [T_ORDER] = { .key = "order",
                  .type = EDGE_KEY_ENUM,
                  .def = "big",
                  .names = orders,
                  .doc =
                      "Order of the bytes ABCD of a value in its registers: big ABCD, little DCBA, byte-swap BADC, word-swap CDAB (low word first)." },
    [T_RAW] = { .key = "raw",
                .type = EDGE_KEY_ENUM,
                .names = raws,
                .doc = "What the registers hold, when it is not the tag's own type: for scaled tags above all." },
    [T_LENGTH] = { .key = "length", .type = EDGE_KEY_INT, .min = 1, .max = 250, .doc = "Bytes of a String, two in a register." },
    [T_BITS] = { .key = "bits",
                 .type = EDGE_KEY_INT,
                 .def = "1",
                 .min = 1,
                 .max = 16,
                 .doc = "Width of a bit field that starts at the bit named in `register`." },
    [T_ELEMENTS] = { .key = "elements",
                     .type = EDGE_KEY_INT,
                     .min = 1,
                     .max = 2000,
                     .doc =
                         "How many elements an array has, one behind the other from `register` on. Read in one request: max_registers and max_bits are its limits." },
    { 0 }
};

typedef struct scan {
    int64_t poll_ms;
    uint32_t first, n;     /* in order[] */
    edge_mb_block *blocks; /* owned */
    bool *apart;           /* this block's tags are read one by one */
    uint32_t n_blocks;
} scan;

typedef struct device {
    edge_driver_config c;
    bool rtu;
    char channel[300], host[256], service[16];
    edge_mb_tag *tags;
    uint32_t *order;
    scan *scans;
    uint32_t n_scans;
    _Atomic uint64_t requests, exceptions, timeouts, errors;
} device;

typedef struct channel {
    modbus_t *ctx;
    bool connected;
    device config; /* of the device that made it: address and line settings; borrowed pointers */
} channel;

static void mb_close(void *p)
{
    device *d = p;
    if (!d) return;
    for (uint32_t i = 0; d->scans && i < d->n_scans; i++) {
        free(d->scans[i].blocks);
        free(d->scans[i].apart);
    }
    free(d->scans);
    free(d->order);
    free(d->tags);
    free(d);
}

static pt_status parse_address(device *d, pt_error *err)
{
    pt_slice a = pt_cstr(d->c.options[D_ADDRESS].text);
    if (d->rtu) {
        snprintf(d->channel, sizeof d->channel, "rtu:%s", a.ptr);
        return PT_OK;
    }
    pt_slice host = a, port = PT_LIT("502");
    const char *colon = strrchr(a.ptr, ':');
    const char *bracket = strrchr(a.ptr, ']');
    if (colon && (!bracket || colon > bracket) && (bracket || strchr(a.ptr, ':') == colon)) {
        host.len = (size_t)(colon - a.ptr);
        port = pt_cstr(colon + 1);
    }
    if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']') host = pt_slice_of(host.ptr + 1, host.len - 2);
    uint64_t number = 0;
    if (!pt_slice_to_u64(port, &number) || number == 0 || number > 65535 || host.len == 0)
        return pt_fail(err, PT_EINVAL, "address '%s' is not host:port", a.ptr);
    snprintf(d->host, sizeof d->host, "%.*s", PT_SLICE_ARGS(host));
    snprintf(d->service, sizeof d->service, "%u", (unsigned)number);
    snprintf(d->channel, sizeof d->channel, "tcp:%s:%s", d->host, d->service);
    return PT_OK;
}

static pt_status parse_array(const edge_driver_tag *in, edge_mb_tag *t, pt_error *err)
{
    bool bit_table = t->table == EDGE_MB_COIL || t->table == EDGE_MB_DISCRETE;
    t->array = (uint8_t)in->type;
    t->raw = (uint8_t)spb_datatype_element(in->type);
    t->elements = (uint16_t)in->options[T_ELEMENTS].i;
    if (t->raw == SPB_STRING) return pt_fail(err, PT_EINVAL, "type %s cannot be read from registers", spb_datatype_name(in->type));
    if (!in->options[T_ELEMENTS].set) return pt_fail(err, PT_EINVAL, "an array needs `elements`, their number");
    if (in->options[T_RAW].set || in->options[T_LENGTH].set)
        return pt_fail(err, PT_EINVAL, "raw and length are for single values; an array's elements are of its type");
    if (bit_table && t->raw != SPB_BOOLEAN) return pt_fail(err, PT_EINVAL, "coils and discrete inputs are Boolean");
    if (t->bit >= 0 && t->raw != SPB_BOOLEAN) return pt_fail(err, PT_EINVAL, "bits of registers are a BooleanArray");
    uint32_t count = bit_table               ? t->elements
                     : t->raw == SPB_BOOLEAN ? ((t->bit > 0 ? (uint32_t)t->bit : 0) + t->elements + 15u) / 16
                                             : (uint32_t)t->elements * edge_mb_registers(t->raw);
    t->count = count > UINT16_MAX ? UINT16_MAX : (uint16_t)count;
    return PT_OK;
}

static pt_status parse_layout(const edge_driver_tag *in, edge_mb_tag *t, pt_error *err)
{
    pt_status st = edge_mb_address(pt_cstr(in->options[T_REGISTER].text), &t->table, &t->address, &t->bit, err);
    if (st != PT_OK) return st;
    t->order = (edge_mb_order)(in->options[T_ORDER].i % 4);
    t->bits = (int)in->options[T_BITS].i;
    bool bit_table = t->table == EDGE_MB_COIL || t->table == EDGE_MB_DISCRETE;
    t->raw = (uint8_t)in->type;
    if (spb_datatype_class(in->type) == SPB_CLASS_ARRAY) return parse_array(in, t, err);
    if (in->options[T_ELEMENTS].set) return pt_fail(err, PT_EINVAL, "`elements` is for arrays");
    if (in->type == SPB_TEXT || in->type == SPB_UUID) t->raw = SPB_STRING;
    if (in->options[T_RAW].set) t->raw = raw_types[in->options[T_RAW].i];
    else if (in->scaled && !bit_table && spb_datatype_class(in->type) != SPB_CLASS_FLOAT &&
             spb_datatype_class(in->type) != SPB_CLASS_DOUBLE)
        t->raw = (uint8_t)in->type;
    if (bit_table) {
        t->count = 1;
        t->raw = SPB_BOOLEAN;
        if (in->type != SPB_BOOLEAN) return pt_fail(err, PT_EINVAL, "coils and discrete inputs are Boolean");
        return PT_OK;
    }
    if (t->bit >= 0) {
        t->count = 1;
        if (t->bit + t->bits > 16) return pt_fail(err, PT_EINVAL, "the bit field ends beyond bit 15");
        bool number = spb_datatype_class(in->type) == SPB_CLASS_UNSIGNED || spb_datatype_class(in->type) == SPB_CLASS_SIGNED;
        if (in->type != SPB_BOOLEAN && !number && !in->scaled) return pt_fail(err, PT_EINVAL, "a bit field is Boolean or an integer");
        t->raw = in->type == SPB_BOOLEAN ? SPB_BOOLEAN : SPB_UINT16;
        return PT_OK;
    }
    if (t->raw == SPB_STRING) {
        if (!in->options[T_LENGTH].set) return pt_fail(err, PT_EINVAL, "a String needs `length`, in bytes");
        t->count = (uint16_t)((in->options[T_LENGTH].i + 1) / 2);
    } else {
        t->count = edge_mb_registers(t->raw);
        if (t->count == 0) return pt_fail(err, PT_EINVAL, "type %s cannot be read from registers", spb_datatype_name(in->type));
    }
    bool text = spb_datatype_class(in->type) == SPB_CLASS_STRING;
    if (text != (t->raw == SPB_STRING)) return pt_fail(err, PT_EINVAL, "raw and type: text and number");
    return PT_OK;
}

/* A value is read in one request, and written in one: what belongs together is of one moment. */
static pt_status parse_tag(const device *d, const edge_driver_tag *in, edge_mb_tag *t, pt_error *err)
{
    pt_status st = parse_layout(in, t, err);
    if (st != PT_OK) return st;
    bool bits = t->table == EDGE_MB_COIL || t->table == EDGE_MB_DISCRETE;
    int64_t most = d->c.options[bits ? D_MAX_BITS : D_MAX_REGISTERS].i,
            writable = bits ? MODBUS_MAX_WRITE_BITS : MODBUS_MAX_WRITE_REGISTERS;
    if ((uint32_t)t->address + t->count > 65536)
        return pt_fail(err, PT_EINVAL, "the value ends beyond %s 65535", bits ? "bit" : "register");
    if (t->count > most)
        return pt_fail(err, PT_EINVAL, "%u %s in one request; %s is %d", (unsigned)t->count, bits ? "bits" : "registers",
                       bits ? "max_bits" : "max_registers", (int)most);
    if (in->writable && (t->table == EDGE_MB_INPUT || t->table == EDGE_MB_DISCRETE))
        return pt_fail(err, PT_EINVAL, "inputs cannot be written");
    if (in->writable && t->count > writable)
        return pt_fail(err, PT_EINVAL, "Modbus writes at most %d %s at once, not %u", (int)writable, bits ? "bits" : "registers",
                       (unsigned)t->count);
    return PT_OK;
}

static pt_status plan(device *d)
{
    uint32_t n = d->c.n_tags, placed = 0;
    d->order = calloc(n + 1u, sizeof *d->order);
    d->scans = calloc(n + 1u, sizeof *d->scans);
    if (!d->order || !d->scans) return PT_ENOMEM;
    for (uint32_t i = 0; i < n; i++) {
        int64_t ms = d->c.tags[i].poll_ms;
        bool known = false;
        for (uint32_t k = 0; k < d->n_scans; k++)
            known = known || d->scans[k].poll_ms == ms;
        if (known) continue;
        scan *s = &d->scans[d->n_scans++];
        *s = (scan){ .poll_ms = ms, .first = placed };
        for (uint32_t k = i; k < n; k++)
            if (d->c.tags[k].poll_ms == ms) d->order[placed++] = k;
        s->n = placed - s->first;
        s->blocks = calloc(s->n, sizeof *s->blocks);
        s->apart = calloc(s->n, sizeof *s->apart);
        if (!s->blocks || !s->apart) return PT_ENOMEM;
        s->n_blocks = edge_mb_plan(d->tags, d->order + s->first, s->n, (uint16_t)d->c.options[D_MAX_REGISTERS].i,
                                   (uint16_t)d->c.options[D_MAX_BITS].i, (uint16_t)d->c.options[D_GAP].i, s->blocks);
    }
    return PT_OK;
}

static pt_status mb_open(const edge_driver_config *c, bool rtu, void **out, uint32_t *bad_tag, pt_error *err)
{
    *bad_tag = UINT32_MAX;
    device *d = calloc(1, sizeof *d);
    if (!d) return pt_fail(err, PT_ENOMEM, "out of memory");
    d->c = *c;
    d->rtu = rtu;
    pt_status st = parse_address(d, err);
    d->tags = calloc(c->n_tags + 1u, sizeof *d->tags);
    if (st == PT_OK && !d->tags) st = pt_fail(err, PT_ENOMEM, "out of memory");
    for (uint32_t i = 0; st == PT_OK && i < c->n_tags; i++) {
        *bad_tag = i;
        st = parse_tag(d, &c->tags[i], &d->tags[i], err);
    }
    if (st == PT_OK) *bad_tag = UINT32_MAX;
    if (st == PT_OK && (st = plan(d)) != PT_OK) st = pt_fail(err, st, "out of memory");
    if (st != PT_OK) {
        mb_close(d);
        return st;
    }
    *out = d;
    return PT_OK;
}

static pt_status tcp_open(const edge_driver_config *c, void **out, uint32_t *bad_tag, pt_error *err)
{
    return mb_open(c, false, out, bad_tag, err);
}
static pt_status rtu_open(const edge_driver_config *c, void **out, uint32_t *bad_tag, pt_error *err)
{
    return mb_open(c, true, out, bad_tag, err);
}

static const char *mb_channel(void *p)
{
    return ((device *)p)->channel;
}

static pt_status mb_channel_new(void *p, void **out)
{
    device *d = p;
    channel *ch = calloc(1, sizeof *ch);
    if (!ch) return PT_ENOMEM;
    ch->config = *d;
    *out = ch;
    return PT_OK;
}

static void hang_up(channel *ch)
{
    if (ch->ctx) {
        if (ch->connected) modbus_close(ch->ctx);
        modbus_free(ch->ctx);
    }
    ch->ctx = NULL;
    ch->connected = false;
}

static void mb_channel_free(void *p)
{
    channel *ch = p;
    if (!ch) return;
    hang_up(ch);
    free(ch);
}

static void set_timeout(modbus_t *ctx, int64_t ms)
{
    modbus_set_response_timeout(ctx, (uint32_t)(ms / 1000), (uint32_t)(ms % 1000 * 1000));
}

/* Connected, speaking to the device's unit. */
static pt_status reach(device *d, channel *ch, pt_error *err)
{
    if (!ch->ctx) {
        const device *line = &ch->config;
        if (line->rtu) {
            static const char parity[] = { 'N', 'E', 'O' };
            const edge_option *o = line->c.options;
            ch->ctx =
                modbus_new_rtu(o[D_ADDRESS].text, (int)o[D_BAUD].i, parity[o[D_PARITY].i], (int)o[D_DATA_BITS].i, (int)o[D_STOP_BITS].i);
        } else {
            ch->ctx = modbus_new_tcp_pi(line->host, line->service);
        }
        if (!ch->ctx) return pt_fail(err, PT_EIO, "%s: %s", line->channel, modbus_strerror(errno));
    }
    set_timeout(ch->ctx, d->c.options[D_TIMEOUT].i);
    if (modbus_set_slave(ch->ctx, (int)d->c.options[D_UNIT].i) != 0)
        return pt_fail(err, PT_EINVAL, "unit %d: %s", (int)d->c.options[D_UNIT].i, modbus_strerror(errno));
    if (!ch->connected) {
        if (modbus_connect(ch->ctx) != 0) {
            int e = errno;
            hang_up(ch);
            d->errors++;
            return pt_fail(err, e == ETIMEDOUT ? PT_ETIMEOUT : PT_EIO, "%s: cannot connect: %s", d->channel, modbus_strerror(e));
        }
        ch->connected = true;
    }
    return PT_OK;
}

static bool is_exception(int e)
{
    return e >= EMBXILFUN && e <= EMBXGTAR;
}

/* One request with retries. `regs` takes registers, `bits` coils. PT_EREFUSED: an exception, its errno in *exception. */
static pt_status request(device *d, channel *ch, edge_mb_table table, uint16_t address, uint16_t count, uint16_t *regs, uint8_t *bits,
                         bool probe, int *exception, pt_error *err)
{
    int64_t attempts = 1 + (probe ? 0 : d->c.options[D_RETRIES].i);
    pt_status st = PT_EIO;
    *exception = 0;
    while (attempts-- > 0) {
        if ((st = reach(d, ch, err)) != PT_OK) continue;
        d->requests++;
        errno = 0;
        int got = table == EDGE_MB_COIL       ? modbus_read_bits(ch->ctx, address, count, bits)
                  : table == EDGE_MB_DISCRETE ? modbus_read_input_bits(ch->ctx, address, count, bits)
                  : table == EDGE_MB_INPUT    ? modbus_read_input_registers(ch->ctx, address, count, regs)
                                              : modbus_read_registers(ch->ctx, address, count, regs);
        if (got == count) return PT_OK;
        int e = errno;
        if (is_exception(e)) {
            d->exceptions++;
            *exception = e;
            return pt_fail(err, PT_EREFUSED, "%s unit %d: %s", d->channel, (int)d->c.options[D_UNIT].i, modbus_strerror(e));
        }
        hang_up(ch);
        if (e == ETIMEDOUT) d->timeouts++;
        else d->errors++;
        st = pt_fail(err, e == ETIMEDOUT ? PT_ETIMEOUT : PT_EIO, "%s unit %d: %s", d->channel, (int)d->c.options[D_UNIT].i,
                     modbus_strerror(e));
    }
    return st;
}

static bool is_bit_table(edge_mb_table t)
{
    return t == EDGE_MB_COIL || t == EDGE_MB_DISCRETE;
}

/* Coils as a row of bits in registers, the first one the least significant. */
static void pack(const uint8_t *bits, uint16_t n, uint16_t *regs)
{
    memset(regs, 0, (n + 15u) / 16 * sizeof *regs);
    for (uint16_t i = 0; i < n; i++)
        if (bits[i]) regs[i / 16] |= (uint16_t)(1u << i % 16);
}

static void deliver(device *d, uint32_t tag, const uint16_t *regs, const uint8_t *bits, const edge_driver_sink *sink)
{
    char text[512];
    uint16_t row[MODBUS_MAX_READ_BITS / 16 + 1];
    const edge_mb_tag *t = &d->tags[tag];
    spb_value v = { .type = SPB_BOOLEAN };
    if (is_bit_table(t->table) && t->array) {
        pack(bits, t->count, row);
        regs = row;
    }
    if (is_bit_table(t->table) && !t->array) v.as.boolean = bits[0] != 0;
    else if (edge_mb_decode(t, regs, text, &v) != PT_OK) {
        sink->reading(sink->ctx, tag, SPB_BAD, NULL); /* registers that hold no text */
        return;
    }
    sink->reading(sink->ctx, tag, SPB_GOOD, &v);
}

typedef struct tally {
    uint32_t good, refused;
} tally;

static pt_status read_one_by_one(device *d, channel *ch, const scan *s, const edge_mb_block *b, const edge_driver_sink *sink, tally *n,
                                 pt_error *err)
{
    uint16_t regs[MODBUS_MAX_READ_REGISTERS];
    uint8_t bits[MODBUS_MAX_READ_BITS] = { 0 };
    for (uint32_t i = 0; i < b->n; i++) {
        uint32_t tag = d->order[s->first + b->first + i];
        const edge_mb_tag *t = &d->tags[tag];
        int exception = 0;
        pt_status st = request(d, ch, t->table, t->address, t->count, regs, bits, false, &exception, err);
        if (st == PT_OK) {
            n->good++;
            deliver(d, tag, regs, bits, sink);
        } else if (st == PT_EREFUSED) {
            n->refused++;
            sink->reading(sink->ctx, tag, SPB_BAD, NULL); /* exception codes as quality */
        } else {
            return st;
        }
    }
    return PT_OK;
}

static pt_status read_block(device *d, channel *ch, scan *s, uint32_t index, bool probe, const edge_driver_sink *sink, tally *n,
                            pt_error *err)
{
    const edge_mb_block *b = &s->blocks[index];
    uint16_t regs[MODBUS_MAX_READ_REGISTERS];
    uint8_t bits[MODBUS_MAX_READ_BITS] = { 0 };
    int exception = 0;
    if (s->apart[index]) return read_one_by_one(d, ch, s, b, sink, n, err);
    pt_status st = request(d, ch, b->table, b->address, b->count, regs, bits, probe, &exception, err);
    if (st == PT_EREFUSED && exception == EMBXILADD && b->n > 1) { /* a gap the PLC will not read, or one tag that is not there */
        s->apart[index] = true;
        pt_logf(d->c.log, PT_LOG_INFO, "EDGE-MODBUS-APART", "%s: %u registers from %u are refused as one; reading %u tags one by one",
                d->c.device, (unsigned)b->count, (unsigned)b->address, b->n);
        return read_one_by_one(d, ch, s, b, sink, n, err);
    }
    if (st == PT_EREFUSED && (exception == EMBXGPATH || exception == EMBXGTAR)) return PT_EIO; /* the gateway speaks, the PLC does not */
    if (st != PT_OK && st != PT_EREFUSED) return st;
    for (uint32_t i = 0; i < b->n; i++) {
        uint32_t tag = d->order[s->first + b->first + i];
        uint32_t at = (uint32_t)d->tags[tag].address - b->address;
        if (st == PT_OK) {
            n->good++;
            deliver(d, tag, regs + (is_bit_table(b->table) ? 0 : at), bits + (is_bit_table(b->table) ? at : 0), sink);
        } else {
            n->refused++;
            sink->reading(sink->ctx, tag, SPB_BAD, NULL);
        }
    }
    return PT_OK;
}

static pt_status mb_poll(void *p, void *chp, int64_t poll_ms, bool probe, const edge_driver_sink *sink, pt_error *err)
{
    device *d = p;
    tally n = { 0, 0 };
    for (uint32_t k = 0; k < d->n_scans; k++) {
        scan *s = &d->scans[k];
        if (s->poll_ms != poll_ms) continue;
        for (uint32_t i = 0; i < s->n_blocks; i++) {
            pt_status st = read_block(d, chp, s, i, probe && i == 0, sink, &n, err);
            if (st != PT_OK) return st;
        }
    }
    if (n.good == 0 && n.refused > 0) return PT_EREFUSED; /* *err has the last exception */
    return PT_OK;
}

/* A checked value as the raw type the registers hold. */
static pt_status to_raw(const edge_mb_tag *t, const spb_value *v, spb_value *out)
{
    *out = (spb_value){ .type = t->raw };
    if (t->raw == SPB_STRING || v->type == t->raw || t->array) {
        out->as = v->as;
        return PT_OK;
    }
    return edge_value_as(t->raw, v, out);
}

static pt_status mb_write(void *p, void *chp, uint32_t tag, const spb_value *v, pt_error *err)
{
    device *d = p;
    channel *ch = chp;
    const edge_mb_tag *t = &d->tags[tag];
    uint16_t regs[MODBUS_MAX_READ_REGISTERS] = { 0 };
    uint8_t bits[MODBUS_MAX_READ_BITS] = { 0 };
    bool coils = t->table == EDGE_MB_COIL, row = t->array && t->raw == SPB_BOOLEAN;
    spb_value raw;
    int exception = 0;
    pt_status st = to_raw(t, v, &raw);
    if (st == PT_OK && !coils && (t->bit >= 0 || row)) { /* the other bits of the registers stay */
        st = request(d, ch, t->table, t->address, t->count, regs, NULL, false, &exception, err);
        if (st != PT_OK) return st;
    }
    if (st == PT_OK && (!coils || row)) st = edge_mb_encode(t, &raw, regs);
    if (st != PT_OK && t->array) return pt_fail(err, PT_EREFUSED, "the array must have %u elements", (unsigned)t->elements);
    if (st != PT_OK) return pt_fail(err, PT_EREFUSED, "the value does not fit the registers");
    for (uint16_t i = 0; coils && row && i < t->count; i++)
        bits[i] = (regs[i / 16] >> i % 16) & 1;
    if ((st = reach(d, ch, err)) != PT_OK) return st;
    d->requests++;
    errno = 0;
    int done = coils && row    ? modbus_write_bits(ch->ctx, t->address, t->count, bits)
               : coils         ? modbus_write_bit(ch->ctx, t->address, raw.as.boolean)
               : t->count == 1 ? modbus_write_register(ch->ctx, t->address, regs[0])
                               : modbus_write_registers(ch->ctx, t->address, t->count, regs);
    if (done >= 1) return PT_OK;
    int e = errno;
    if (is_exception(e)) {
        d->exceptions++;
        return pt_fail(err, PT_EREFUSED, "%s unit %d: %s", d->channel, (int)d->c.options[D_UNIT].i, modbus_strerror(e));
    }
    hang_up(ch);
    if (e == ETIMEDOUT) d->timeouts++;
    else d->errors++;
    return pt_fail(err, e == ETIMEDOUT ? PT_ETIMEOUT : PT_EIO, "%s unit %d: %s", d->channel, (int)d->c.options[D_UNIT].i,
                   modbus_strerror(e));
}

static void mb_stats(void *p, edge_driver_stats *out)
{
    device *d = p;
    *out = (edge_driver_stats){ d->requests, d->exceptions, d->timeouts, d->errors };
}

#define MODBUS_OPS                                                                                                                  \
    .tag_keys = tag_keys, .close = mb_close, .channel = mb_channel, .channel_new = mb_channel_new, .channel_free = mb_channel_free, \
    .poll = mb_poll, .write = mb_write, .stats = mb_stats

const edge_driver edge_driver_modbus_tcp = {
    .name = "modbus-tcp", .doc = "Modbus TCP, PLCs and gateways.", .device_keys = tcp_keys, .open = tcp_open, MODBUS_OPS
};
const edge_driver edge_driver_modbus_rtu = {
    .name = "modbus-rtu", .doc = "Modbus RTU on a serial line.", .device_keys = rtu_keys, .open = rtu_open, MODBUS_OPS
};
