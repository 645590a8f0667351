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

unsigned plc_request_parse(const uint8_t *pdu, size_t len, plc_request *out)
{
    plc_request r = { .function = len ? pdu[0] : 0 };
    if (len < 5 && r.function >= 1 && r.function <= 23) { /* all known functions start with two words */
        switch (r.function) {
        case 1:
        case 2:
        case 3:
        case 4:
        case 5:
        case 6:
        case 15:
        case 16:
        case 22:
        case 23: return ILLEGAL_VALUE;
        default: return ILLEGAL_FUNCTION;
        }
    }
    if (len < 5) return ILLEGAL_FUNCTION;
    uint16_t at = word(pdu + 1), second = word(pdu + 3);
    unsigned exception = 0;
    switch (r.function) {
    case 1:
    case 2:
    case 3:
    case 4: {
        static const plc_space spaces[] = { PLC_COIL, PLC_DISCRETE, PLC_HOLDING, PLC_INPUT };
        r.reads = true;
        r.read_space = spaces[r.function - 1];
        r.read_at = at;
        r.read_count = second;
        exception = len == 5 ? inside(r.read_space, at, second, r.function <= 2 ? 2000 : 125) : ILLEGAL_VALUE;
        break;
    }
    case 5:
    case 6:
        r.writes = true;
        r.write_space = r.function == 5 ? PLC_COIL : PLC_HOLDING;
        r.write_at = at;
        r.write_count = 1;
        r.data = pdu + 3;
        if (len != 5 || (r.function == 5 && second != 0xff00 && second != 0)) exception = ILLEGAL_VALUE;
        else exception = inside(r.write_space, at, 1, 1);
        break;
    case 15:
    case 16: {
        r.writes = true;
        r.write_space = r.function == 15 ? PLC_COIL : PLC_HOLDING;
        r.write_at = at;
        r.write_count = second;
        r.data = pdu + 6;
        size_t bytes = r.function == 15 ? (second + 7u) / 8u : 2u * second;
        if (len < 6 || pdu[5] != bytes || len != 6 + bytes) exception = ILLEGAL_VALUE;
        else exception = inside(r.write_space, at, second, r.function == 15 ? 1968 : 123);
        break;
    }
    case 22:
        r.writes = true;
        r.write_space = PLC_HOLDING;
        r.write_at = at;
        r.write_count = 1;
        r.data = pdu + 3;
        exception = len == 7 ? inside(PLC_HOLDING, at, 1, 1) : ILLEGAL_VALUE;
        break;
    case 23:
        if (len < 10) return ILLEGAL_VALUE;
        r.reads = r.writes = true;
        r.read_space = r.write_space = PLC_HOLDING;
        r.read_at = at;
        r.read_count = second;
        r.write_at = word(pdu + 5);
        r.write_count = word(pdu + 7);
        r.data = pdu + 10;
        if (pdu[9] != 2u * r.write_count || len != 10u + 2u * r.write_count) exception = ILLEGAL_VALUE;
        else exception = inside(PLC_HOLDING, at, second, 125);
        if (!exception) exception = inside(PLC_HOLDING, r.write_at, r.write_count, 121);
        break;
    default: return ILLEGAL_FUNCTION;
    }
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
