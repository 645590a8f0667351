/* edge-node/plc/fault.c */
#include "edge-node/plc/fault.h"

static pt_status parse_exception(plc_faults *f, pt_slice text, pt_error *err)
{
    size_t at = pt_slice_find(text, '@');
    uint64_t code = 0, address = 0;
    if (at == text.len) return pt_fail(err, PT_EMALFORMED, "exception needs CODE@ADDR, as in exception=4@holding:0");
    if (!pt_slice_to_u64(pt_slice_of(text.ptr, at), &code) || code < 1 || code > 11)
        return pt_fail(err, PT_EMALFORMED, "exception code '%.*s' is not a number from 1 to 11", (int)at, text.ptr);
    pt_slice where = pt_slice_from(text, at + 1);
    size_t colon = pt_slice_find(where, ':');
    bool any = colon == where.len;
    plc_space space = PLC_COIL;
    if (!any) {
        pt_slice name = pt_slice_of(where.ptr, colon);
        while (space <= PLC_HOLDING && !pt_slice_eq_cstr(name, plc_space_name(space)))
            space++;
        if (space > PLC_HOLDING)
            return pt_fail(err, PT_EMALFORMED, "no table '%.*s' (coil, discrete, input, holding)", PT_SLICE_ARGS(name));
        where = pt_slice_from(where, colon + 1);
    }
    if (!pt_slice_to_u64(where, &address) || address > UINT16_MAX)
        return pt_fail(err, PT_EMALFORMED, "address '%.*s' is not a number from 0 to 65535", PT_SLICE_ARGS(where));
    if (f->exceptions == PLC_FAULT_EXCEPTIONS) return pt_fail(err, PT_EFULL, "at most %u exceptions", PLC_FAULT_EXCEPTIONS);
    f->exception[f->exceptions].code = (uint8_t)code;
    f->exception[f->exceptions].any_space = any;
    f->exception[f->exceptions].space = any ? PLC_COIL : space;
    f->exception[f->exceptions].address = (uint16_t)address;
    f->exceptions++;
    return PT_OK;
}

static pt_status parse_count(pt_slice key, pt_slice text, uint64_t low, uint64_t high, uint32_t *out, pt_error *err)
{
    uint64_t n = 0;
    if (!pt_slice_to_u64(text, &n))
        return pt_fail(err, PT_EMALFORMED, "%.*s needs a number, not '%.*s'", PT_SLICE_ARGS(key), PT_SLICE_ARGS(text));
    if (n < low || n > high)
        return pt_fail(err, PT_ETOOBIG, "%.*s must be from %llu to %llu", PT_SLICE_ARGS(key), (unsigned long long)low,
                       (unsigned long long)high);
    *out = (uint32_t)n;
    return PT_OK;
}

pt_status plc_fault_parse(plc_faults *f, pt_slice text, pt_error *err)
{
    if (text.len == 0) return pt_fail(err, PT_EMALFORMED, "empty fault");
    pt_slice one;
    while (pt_slice_split(&text, ',', &one)) {
        size_t eq = pt_slice_find(one, '=');
        pt_slice key = pt_slice_of(one.ptr, eq), value = eq < one.len ? pt_slice_from(one, eq + 1) : PT_NONE;
        pt_status st;
        if (pt_slice_eq_cstr(key, "delay")) st = parse_count(key, value, 0, PLC_FAULT_DELAY_MAX, &f->delay_ms, err);
        else if (pt_slice_eq_cstr(key, "exception")) st = parse_exception(f, value, err);
        else if (pt_slice_eq_cstr(key, "drop-every")) st = parse_count(key, value, 1, UINT32_MAX, &f->drop_every, err);
        else if (pt_slice_eq_cstr(key, "close-every")) st = parse_count(key, value, 1, UINT32_MAX, &f->close_every, err);
        else st = pt_fail(err, PT_EMALFORMED, "no fault '%.*s' (delay, exception, drop-every, close-every)", PT_SLICE_ARGS(key));
        if (st != PT_OK) return st;
    }
    f->on = true;
    return PT_OK;
}

plc_fault_action plc_fault_next(plc_faults *f)
{
    if (!f->on) return PLC_ANSWER;
    f->requests++;
    if (f->close_every && f->requests % f->close_every == 0) return PLC_CLOSE;
    if (f->drop_every && f->requests % f->drop_every == 0) return PLC_SILENCE;
    return PLC_ANSWER;
}

static bool covers(plc_space space, unsigned at, unsigned count, plc_space want, bool any, unsigned address)
{
    return (any || space == want) && address >= at && address < at + count;
}

unsigned plc_fault_exception(const plc_faults *f, const plc_request *r)
{
    for (unsigned i = 0; f->on && i < f->exceptions; i++) {
        plc_space s = f->exception[i].space;
        bool any = f->exception[i].any_space;
        unsigned a = f->exception[i].address;
        if ((r->reads && covers(r->read_space, r->read_at, r->read_count, s, any, a)) ||
            (r->writes && covers(r->write_space, r->write_at, r->write_count, s, any, a)))
            return f->exception[i].code;
    }
    return 0;
}
