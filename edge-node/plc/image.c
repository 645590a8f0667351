/* edge-node/plc/image.c */
#include "edge-node/plc/image.h"

enum { ILLEGAL_FUNCTION = 1, ILLEGAL_ADDRESS = 2, ILLEGAL_VALUE = 3 };

pt_status plc_image_refresh(plc_image *im, const plc_line *l, plc_ledger *ledger, unsigned unit, int64_t wall_ms)
{
    pt_status st = PT_OK;
    for (unsigned i = 0; i < PLC_POINT_COUNT; i++) {
        const plc_point *p = &plc_points[i];
        plc_value v;
        plc_line_get(l, (plc_point_id)i, &v);
        switch (p->space) {
        case PLC_COIL: im->coils[p->address] = v.b; break;
        case PLC_DISCRETE: im->discretes[p->address] = v.b; break;
        case PLC_INPUT: plc_encode(p, &v, im->inputs + p->address); break;
        case PLC_HOLDING: plc_encode(p, &v, im->holdings + p->address); break;
        }
        if (im->primed && plc_value_same(p, &v, &im->seen[i])) continue;
        im->seen[i] = v;
        if (ledger && st == PT_OK) st = plc_ledger_add(ledger, unit, wall_ms, p, &v);
    }
    im->primed = true;
    return st;
}

static uint16_t word(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static unsigned table_size(plc_space s)
{
    return s == PLC_COIL || s == PLC_DISCRETE ? PLC_BIT_SPACE_SIZE : PLC_SPACE_SIZE;
}

static unsigned inside(plc_space s, unsigned at, unsigned count, unsigned most)
{
    if (count < 1 || count > most) return ILLEGAL_VALUE;
    return at + count <= table_size(s) ? 0 : ILLEGAL_ADDRESS;
}

/* The functions that read, 1 to 4. Each of the three below: the exception, or 0. */
static unsigned parse_read(plc_request *r, size_t len, uint16_t at, uint16_t count)
{
    static const plc_space spaces[] = { PLC_COIL, PLC_DISCRETE, PLC_HOLDING, PLC_INPUT };
    r->reads = true;
    r->read_space = spaces[r->function - 1];
    r->read_at = at;
    r->read_count = count;
    return len == 5 ? inside(r->read_space, at, count, r->function <= 2 ? 2000 : 125) : ILLEGAL_VALUE;
}

/* One place (5, 6, 22) or several (15, 16). */
static unsigned parse_write(plc_request *r, const uint8_t *pdu, size_t len, uint16_t at, uint16_t second)
{
    bool bits = r->function == 5 || r->function == 15, several = r->function >= 15 && r->function <= 16;
    size_t bytes = bits ? (second + 7u) / 8u : 2u * second;
    r->writes = true;
    r->write_space = bits ? PLC_COIL : PLC_HOLDING;
    r->write_at = at;
    r->write_count = several ? second : 1;
    r->data = pdu + (several ? 6 : 3);
    if (several) {
        if (len < 6 || pdu[5] != bytes || len != 6 + bytes) return ILLEGAL_VALUE;
        return inside(r->write_space, at, second, bits ? 1968 : 123);
    }
    if (len != (r->function == 22 ? 7u : 5u) || (r->function == 5 && second != 0xff00 && second != 0)) return ILLEGAL_VALUE;
    return inside(r->write_space, at, 1, 1);
}

static unsigned parse_both(plc_request *r, const uint8_t *pdu, size_t len, uint16_t at, uint16_t count)
{
    if (len < 10) return ILLEGAL_VALUE;
    r->reads = r->writes = true;
    r->read_space = r->write_space = PLC_HOLDING;
    r->read_at = at;
    r->read_count = count;
    r->write_at = word(pdu + 5);
    r->write_count = word(pdu + 7);
    r->data = pdu + 10;
    if (pdu[9] != 2u * r->write_count || len != 10u + 2u * r->write_count) return ILLEGAL_VALUE;
    unsigned exception = inside(PLC_HOLDING, at, count, 125);
    return exception ? exception : inside(PLC_HOLDING, r->write_at, r->write_count, 121);
}

unsigned plc_request_parse(const uint8_t *pdu, size_t len, plc_request *out)
{
    plc_request r = { .function = len ? pdu[0] : 0 };
    bool reads = r.function >= 1 && r.function <= 4;
    bool writes = r.function == 5 || r.function == 6 || r.function == 15 || r.function == 16 || r.function == 22;
    if (!reads && !writes && r.function != 23) return ILLEGAL_FUNCTION;
    if (len < 5) return ILLEGAL_VALUE; /* all of them start with two words */
    uint16_t at = word(pdu + 1), second = word(pdu + 3);
    unsigned exception = reads    ? parse_read(&r, len, at, second)
                         : writes ? parse_write(&r, pdu, len, at, second)
                                  : parse_both(&r, pdu, len, at, second);
    if (exception) return exception;
    *out = r;
    return 0;
}

/* The bit or register the request writes at its n-th place. */
static uint16_t written(const plc_request *r, const plc_image *im, unsigned n)
{
    switch (r->function) {
    case 5: return word(r->data) == 0xff00;
    case 15: return (r->data[n / 8] >> (n % 8)) & 1;
    case 22: {
        uint16_t and_mask = word(r->data), or_mask = word(r->data + 2);
        return (uint16_t)((im->holdings[r->write_at] & and_mask) | (or_mask & ~and_mask));
    }
    default: return word(r->data + 2 * n);
    }
}

unsigned plc_request_apply(const plc_request *r, const plc_image *im, plc_line *l)
{
    struct {
        plc_point_id id;
        plc_value value;
    } change[PLC_SPACE_SIZE];
    unsigned changes = 0;
    for (unsigned n = 0; r->writes && n < r->write_count;) {
        unsigned at = r->write_at + n;
        plc_point_id id = plc_point_at(r->write_space, at);
        if (id == PLC_POINT_COUNT || !plc_points[id].writable) return ILLEGAL_ADDRESS;
        const plc_point *p = &plc_points[id];
        change[changes].id = id;
        if (p->type == PLC_BOOL) {
            memset(&change[changes].value, 0, sizeof change[changes].value);
            change[changes].value.b = written(r, im, n) != 0;
            n++;
        } else {
            uint16_t regs[PLC_SPACE_SIZE];
            memcpy(regs, im->holdings + p->address, p->words * sizeof *regs);
            for (unsigned w = at - p->address; w < p->words && n < r->write_count; w++, n++)
                regs[w] = written(r, im, n);
            plc_decode(p, regs, &change[changes].value);
        }
        if (plc_line_allows(id, &change[changes].value) != PT_OK) return ILLEGAL_VALUE;
        changes++;
    }
    for (unsigned i = 0; i < changes; i++) {
        if (plc_line_set(l, change[i].id, &change[i].value) != PT_OK) return ILLEGAL_VALUE; /* allowed a moment ago: not reached */
    }
    return 0;
}
