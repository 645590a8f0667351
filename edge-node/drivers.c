/* edge-node/drivers.c -- the list of drivers, and their keys' values. */
#include "edge-node/driver.h"

#include "base/timestamp.h"

static const edge_driver *const drivers[] = { &edge_driver_modbus_tcp, &edge_driver_modbus_rtu, &edge_driver_sim };

const edge_driver *edge_driver_find(pt_slice name)
{
    for (size_t i = 0; i < PT_COUNT_OF(drivers); i++)
        if (pt_slice_eq_cstr(name, drivers[i]->name)) return drivers[i];
    return NULL;
}

const edge_driver *edge_driver_at(size_t index)
{
    return index < PT_COUNT_OF(drivers) ? drivers[index] : NULL;
}

size_t edge_driver_keys_count(const edge_driver_key *keys)
{
    size_t n = 0;
    while (keys[n].key)
        n++;
    return n;
}

static pt_status check_range(const edge_driver_key *key, double v, pt_error *err)
{
    if ((key->min == 0 && key->max == 0) || (v >= key->min && v <= key->max)) return PT_OK;
    return pt_fail(err, PT_EINVAL, "%s must be from %g to %g", key->key, key->min, key->max);
}

pt_status edge_option_parse(const edge_driver_key *key, const char *text, edge_option *out, pt_error *err)
{
    edge_option o = { .set = true, .text = text };
    pt_slice s = pt_cstr(text);
    pt_error inner = { 0 };
    switch (key->type) {
    case EDGE_KEY_TEXT:
        if (check_range(key, (double)s.len, NULL) != PT_OK)
            return pt_fail(err, PT_EINVAL, "%s must have %g to %g bytes", key->key, key->min, key->max);
        break;
    case EDGE_KEY_INT:
        if (!pt_slice_to_i64(s, &o.i)) return pt_fail(err, PT_EINVAL, "%s must be a whole number, not '%s'", key->key, text);
        o.d = (double)o.i;
        break;
    case EDGE_KEY_DOUBLE:
        if (!pt_slice_to_f64(s, &o.d)) return pt_fail(err, PT_EINVAL, "%s must be a number, not '%s'", key->key, text);
        break;
    case EDGE_KEY_BOOL:
        o.i = pt_slice_eq_cstr(s, "true");
        if (!o.i && !pt_slice_eq_cstr(s, "false")) return pt_fail(err, PT_EINVAL, "%s must be true or false, not '%s'", key->key, text);
        break;
    case EDGE_KEY_DURATION:
        if (pt_duration_parse(s, &o.i, &inner) != PT_OK) return pt_fail(err, PT_EINVAL, "%s: %s", key->key, inner.text);
        o.d = (double)o.i;
        break;
    case EDGE_KEY_ENUM:
        while (key->names[o.i] && !pt_slice_eq_cstr(s, key->names[o.i]))
            o.i++;
        if (!key->names[o.i]) return pt_fail(err, PT_EINVAL, "%s: '%s' is none of the words allowed", key->key, text);
        break;
    default: return pt_fail(err, PT_EINVAL, "%s: unknown kind of key", key->key);
    }
    if (key->type == EDGE_KEY_INT || key->type == EDGE_KEY_DOUBLE || key->type == EDGE_KEY_DURATION) {
        pt_status st = check_range(key, o.d, err);
        if (st != PT_OK) return st;
    }
    *out = o;
    return PT_OK;
}
