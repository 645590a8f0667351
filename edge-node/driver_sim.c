/* edge-node/driver_sim.c -- a device that is made up: signals for demonstrations, training and tests. Deterministic with its seed. */
#include "base/random.h"
#include "edge-node/driver.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { T_SIGNAL, T_PERIOD, T_VALUE };
enum { S_SINE, S_RAMP, S_SQUARE, S_TRIANGLE, S_RANDOM, S_WALK, S_COUNTER, S_CONSTANT };

static const char *const signals[] = { "sine", "ramp", "square", "triangle", "random", "walk", "counter", "constant", NULL };

static const edge_driver_key device_keys[] = { { 0 } };
static const edge_driver_key tag_keys[] = {
    [T_SIGNAL] = { .key = "signal",
                   .type = EDGE_KEY_ENUM,
                   .def = "sine",
                   .names = signals,
                   .doc =
                       "Shape between `low` and `high`: sine, ramp, square, triangle, random, walk; counter goes up by one each poll; constant keeps `value` or what was written." },
    [T_PERIOD] = { .key = "period", .type = EDGE_KEY_DURATION, .def = "60s", .min = 10, .max = 86400000, .doc = "Period of the signal." },
    [T_VALUE] = { .key = "value", .type = EDGE_KEY_TEXT, .def = "0", .max = 200, .doc = "Value of a constant." },
    { 0 }
};

typedef struct sim_tag {
    double now;     /* walk, counter, constant numbers */
    char text[256]; /* constant text */
    bool written;
} sim_tag;

typedef struct sim {
    edge_driver_config c;
    pt_random random;
    int64_t start_ms;
    sim_tag *tags;
    _Atomic uint64_t requests;
    char channel[160];
} sim;

static void sim_close(void *device)
{
    sim *s = device;
    if (!s) return;
    free(s->tags);
    free(s);
}

static pt_status sim_open(const edge_driver_config *c, void **device, uint32_t *bad_tag, pt_error *err)
{
    *bad_tag = UINT32_MAX;
    sim *s = calloc(1, sizeof *s);
    if (s) s->tags = calloc(c->n_tags + 1u, sizeof *s->tags);
    if (!s || !s->tags) {
        sim_close(s);
        return pt_fail(err, PT_ENOMEM, "out of memory");
    }
    s->c = *c;
    s->random = pt_random_seed(c->seed);
    s->start_ms = pt_mono_ms(c->clock);
    snprintf(s->channel, sizeof s->channel, "sim:%s", c->device);
    for (uint32_t i = 0; i < c->n_tags; i++) {
        const edge_driver_tag *t = &c->tags[i];
        spb_class k = spb_datatype_class(t->type);
        bool text = k == SPB_CLASS_STRING;
        bool number =
            k == SPB_CLASS_SIGNED || k == SPB_CLASS_UNSIGNED || k == SPB_CLASS_FLOAT || k == SPB_CLASS_DOUBLE || k == SPB_CLASS_BOOLEAN;
        const edge_option *value = &t->options[T_VALUE];
        *bad_tag = i;
        if (!text && !number) {
            sim_close(s);
            return pt_fail(err, PT_EINVAL, "the sim driver has numbers, Booleans and texts only");
        }
        s->tags[i].now = t->low;
        snprintf(s->tags[i].text, sizeof s->tags[i].text, "%s", value->text);
        if (number && t->options[T_SIGNAL].i == S_CONSTANT && !pt_slice_to_f64(pt_cstr(value->text), &s->tags[i].now)) {
            bool yes = strcmp(value->text, "true") == 0;
            if (!yes && strcmp(value->text, "false") != 0) {
                sim_close(s);
                return pt_fail(err, PT_EINVAL, "value '%s' is no number", value->text);
            }
            s->tags[i].now = yes;
        }
    }
    *device = s;
    return PT_OK;
}

static const char *sim_channel(void *device)
{
    return ((sim *)device)->channel;
}

static pt_status sim_channel_new(void *device, void **channel)
{
    *channel = device; /* nothing to connect to */
    return PT_OK;
}

static void sim_channel_free(void *channel)
{
    (void)channel;
}

static double shape(sim *s, uint32_t i)
{
    const edge_driver_tag *t = &s->c.tags[i];
    sim_tag *x = &s->tags[i];
    double period = (double)t->options[T_PERIOD].i, high = t->high;
    if (t->low == 0 && t->high == 0) high = 1;
    double phase = fmod((double)(pt_mono_ms(s->c.clock) - s->start_ms), period) / period, span = high - t->low;
    if (x->written) return x->now;
    switch (t->options[T_SIGNAL].i) {
    case S_SINE: return t->low + span * (0.5 + 0.5 * sin(phase * 6.283185307179586));
    case S_RAMP: return t->low + span * phase;
    case S_SQUARE: return phase < 0.5 ? high : t->low;
    case S_TRIANGLE: return t->low + span * (phase < 0.5 ? 2 * phase : 2 - 2 * phase);
    case S_RANDOM: return t->low + span * pt_random_unit(&s->random);
    case S_WALK:
        x->now += span * 0.02 * (pt_random_unit(&s->random) - 0.5);
        x->now = x->now < t->low ? t->low : x->now > high ? high : x->now;
        return x->now;
    case S_COUNTER: return x->now += 1;
    default: return x->now;
    }
}

static pt_status sim_poll(void *device, void *channel, int64_t poll_ms, bool probe, const edge_driver_sink *sink, pt_error *err)
{
    (void)channel;
    (void)probe;
    (void)err;
    sim *s = device;
    s->requests++;
    for (uint32_t i = 0; i < s->c.n_tags; i++) {
        const edge_driver_tag *t = &s->c.tags[i];
        if (t->poll_ms != poll_ms) continue;
        spb_value v = { .type = SPB_DOUBLE };
        if (spb_datatype_class(t->type) == SPB_CLASS_STRING)
            v = (spb_value){ .type = (uint8_t)t->type, .as = { .bytes = pt_cstr(s->tags[i].text) } };
        else if (t->type == SPB_BOOLEAN)
            v = (spb_value){ .type = SPB_BOOLEAN, .as = { .boolean = shape(s, i) > (t->low + (t->high > t->low ? t->high : 1)) / 2 } };
        else v.as.f64 = shape(s, i);
        sink->reading(sink->ctx, i, SPB_GOOD, &v);
    }
    return PT_OK;
}

static pt_status sim_write(void *device, void *channel, uint32_t tag, const spb_value *v, pt_error *err)
{
    (void)channel;
    sim *s = device;
    sim_tag *x = &s->tags[tag];
    double number;
    if (spb_datatype_class(v->type) == SPB_CLASS_STRING) {
        if (v->as.bytes.len >= sizeof x->text) return pt_fail(err, PT_EREFUSED, "text longer than %zu bytes", sizeof x->text - 1);
        memcpy(x->text, v->as.bytes.ptr, v->as.bytes.len);
        x->text[v->as.bytes.len] = 0;
        return PT_OK;
    }
    if (!spb_value_number(v, &number)) return pt_fail(err, PT_EREFUSED, "a %s is no number", spb_datatype_name(v->type));
    x->now = number;
    x->written = s->c.tags[tag].options[T_SIGNAL].i != S_COUNTER && s->c.tags[tag].options[T_SIGNAL].i != S_WALK;
    return PT_OK;
}

static void sim_stats(void *device, edge_driver_stats *out)
{
    *out = (edge_driver_stats){ .requests = ((sim *)device)->requests };
}

const edge_driver edge_driver_sim = {
    .name = "sim",
    .doc = "Made-up signals: no PLC, no network.",
    .device_keys = device_keys,
    .tag_keys = tag_keys,
    .open = sim_open,
    .close = sim_close,
    .channel = sim_channel,
    .channel_new = sim_channel_new,
    .channel_free = sim_channel_free,
    .poll = sim_poll,
    .write = sim_write,
    .stats = sim_stats,
};
