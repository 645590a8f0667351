/* tests/bench/generate.c */
#include "tests/bench/generate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct gen_tag {
    pt_random random;
    int64_t n; /* samples given */
    int64_t counter;
    double level, amplitude, turn; /* sine: offset, amplitude, radians per sample; set-point: level */
    uint32_t bad;                  /* samples left of a bad stretch */
    uint8_t bad_quality;
    bool on;
};

spb_datatype gen_mixed_type(uint32_t id)
{
    switch (id % 6) {
    case 1:
    case 4: return SPB_DOUBLE; /* sine */
    case 2:
    case 5: return SPB_INT64; /* counter */
    case 3: return SPB_BOOLEAN;
    default: return SPB_DOUBLE; /* set-point */
    }
}

pt_status gen_mixed_init(gen_mixed *g, uint64_t seed, uint32_t tags, int64_t start_ms, int64_t period_ms)
{
    *g = (gen_mixed){ .tags = calloc(tags, sizeof *g->tags), .n = tags, .start_ms = start_ms, .period_ms = period_ms };
    if (!g->tags) return PT_ENOMEM;
    for (uint32_t i = 0; i < tags; i++) {
        gen_tag *t = &g->tags[i];
        t->random = pt_random_seed(seed * 0x9e3779b97f4a7c15u + i);
        t->level = floor(pt_random_unit(&t->random) * 10000) / 100;
        t->amplitude = 1 + pt_random_unit(&t->random) * 50;
        t->turn = 0.002 + pt_random_unit(&t->random) * 0.05;
        t->counter = (int64_t)pt_random_below(&t->random, 1000000);
    }
    return PT_OK;
}

void gen_mixed_fini(gen_mixed *g)
{
    free(g->tags);
    *g = (gen_mixed){ 0 };
}

static double cents(double v)
{
    return round(v * 100) / 100;
}

void gen_mixed_next(gen_mixed *g, uint32_t id, hist_sample *out)
{
    gen_tag *t = &g->tags[id - 1];
    uint64_t dice = pt_random_u64(&t->random);
    int64_t span = g->period_ms > 32 ? 15 : (g->period_ms - 1) / 2; /* a poll's jitter either way; times still ascend */
    int64_t jitter = (int64_t)(dice % (uint64_t)(2 * span + 1)) - span;
    *out = (hist_sample){ .tag_id = id, .time_ms = g->start_ms + t->n * g->period_ms + jitter, .type = (uint8_t)gen_mixed_type(id) };
    switch (id % 6) {
    case 1:
    case 4:
        out->as.f64 = cents(t->level + t->amplitude * sin(t->turn * (double)t->n) + (double)((int64_t)(dice >> 8) % 41 - 20) / 100);
        break;
    case 2:
    case 5:
        t->counter += (int64_t)(dice >> 8) % 64;
        out->as.i64 = t->counter;
        break;
    case 3:
        if ((dice >> 8) % 200 == 0) t->on = !t->on;
        out->as.boolean = t->on;
        break;
    default:
        if ((dice >> 8) % 500 == 0) t->level = cents(pt_random_unit(&t->random) * 100);
        out->as.f64 = t->level;
        break;
    }
    if (!t->bad && (dice >> 32) % 2000 == 0) {
        t->bad = 1 + (uint32_t)((dice >> 48) % 40);
        t->bad_quality = (dice >> 47) & 1 ? SPB_BAD : SPB_UNCERTAIN;
    }
    out->quality = t->bad ? t->bad_quality : SPB_GOOD;
    if (t->bad) t->bad--;
    t->n++;
}

/* A number whose varint has a random length: as many bits as the dice say. */
static uint64_t ragged(pt_random *r, unsigned max_bits)
{
    return pt_random_u64(r) >> (64 - 1 - pt_random_below(r, max_bits));
}

static void random_value(pt_random *r, pt_arena *arena, spb_metric *m)
{
    static const char *const texts[] = { "Running", "Idle", "Changeover: waiting for material", "E-1024 guard open" };
    (void)arena;
    switch (pt_random_below(r, 10)) {
    case 0:
    case 1:
        m->datatype = SPB_INT32;
        m->wire = SPB_WIRE_INT;
        m->value.u32 = (uint32_t)ragged(r, 32);
        break;
    case 2:
    case 3:
        m->datatype = SPB_INT64;
        m->wire = SPB_WIRE_LONG;
        m->value.u64 = ragged(r, 56);
        break;
    case 4:
    case 5:
        m->datatype = SPB_FLOAT;
        m->wire = SPB_WIRE_FLOAT;
        m->value.f32 = (float)(pt_random_unit(r) * 1000);
        break;
    case 6:
    case 7:
        m->datatype = SPB_DOUBLE;
        m->wire = SPB_WIRE_DOUBLE;
        m->value.f64 = cents(pt_random_unit(r) * 1000);
        break;
    case 8:
        m->datatype = SPB_BOOLEAN;
        m->wire = SPB_WIRE_BOOL;
        m->value.boolean = pt_random_below(r, 2) != 0;
        break;
    default:
        m->datatype = SPB_STRING;
        m->wire = SPB_WIRE_STRING;
        m->value.bytes = pt_cstr(texts[pt_random_below(r, PT_COUNT_OF(texts))]);
        break;
    }
}

enum { NOW_BASE = 1763848992 }; /* 2025-11-22, in seconds */

static pt_status begin(pt_arena *arena, pt_random *r, uint32_t n, spb_payload *out)
{
    *out = (spb_payload){ .has_timestamp = true, .has_seq = true, .n_metrics = n };
    out->timestamp = (uint64_t)NOW_BASE * 1000 + pt_random_below(r, 1000000);
    out->seq = pt_random_below(r, 256);
    out->metrics = pt_arena_zalloc(arena, n * sizeof *out->metrics);
    return out->metrics ? PT_OK : PT_ENOMEM;
}

pt_status gen_data(pt_arena *arena, pt_random *r, uint32_t n, bool datatypes, spb_payload *out)
{
    pt_status st = begin(arena, r, n, out);
    if (st) return st;
    for (uint32_t i = 0; i < n; i++) {
        spb_metric *m = &out->metrics[i];
        m->alias = ragged(r, 14);
        m->timestamp = out->timestamp - pt_random_below(r, 1000);
        m->flags = SPB_HAS_ALIAS | SPB_HAS_TIMESTAMP;
        random_value(r, arena, m);
        if (datatypes) m->flags |= SPB_HAS_DATATYPE;
    }
    return PT_OK;
}

static pt_status properties(pt_arena *arena, pt_random *r, spb_metric *m)
{
    static const char *const units[] = { "m", "m/s", "degC", "bar", "1/min" };
    spb_property_set *set = pt_arena_zalloc(arena, sizeof *set);
    spb_property *p = pt_arena_zalloc(arena, 4 * sizeof *p);
    if (!set || !p) return PT_ENOMEM;
    p[0] = (spb_property){ .key = PT_LIT("engUnit"), .type = SPB_STRING, .has_type = true, .wire = SPB_WIRE_STRING };
    p[0].value.bytes = pt_cstr(units[pt_random_below(r, PT_COUNT_OF(units))]);
    p[1] = (spb_property){ .key = PT_LIT("engLow"), .type = SPB_DOUBLE, .has_type = true, .wire = SPB_WIRE_DOUBLE };
    p[2] = (spb_property){ .key = PT_LIT("engHigh"), .type = SPB_DOUBLE, .has_type = true, .wire = SPB_WIRE_DOUBLE };
    p[2].value.f64 = 100;
    p[3] = (spb_property){ .key = PT_LIT("documentation"), .type = SPB_STRING, .has_type = true, .wire = SPB_WIRE_STRING };
    p[3].value.bytes = PT_LIT("Measured at the outlet");
    *set = (spb_property_set){ .items = p, .n = 4 };
    m->properties = set;
    return PT_OK;
}

pt_status gen_birth(pt_arena *arena, pt_random *r, uint32_t n, spb_payload *out)
{
    pt_status st = begin(arena, r, n, out);
    for (uint32_t i = 0; !st && i < n; i++) {
        spb_metric *m = &out->metrics[i];
        char name[64];
        int len = snprintf(name, sizeof name, "Area %u/Machine %u/Value %u", i / 100, i / 10 % 10, i);
        m->name = pt_arena_dup(arena, pt_slice_of(name, (size_t)len));
        if (!m->name.ptr) return PT_ENOMEM;
        m->alias = i + 1;
        m->timestamp = out->timestamp;
        m->flags = SPB_HAS_NAME | SPB_HAS_ALIAS | SPB_HAS_TIMESTAMP | SPB_HAS_DATATYPE;
        random_value(r, arena, m);
        st = properties(arena, r, m);
    }
    return st;
}
