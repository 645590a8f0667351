/* sparkplug/topic.c -- a topic is at most five levels; everything is decided by their number and the verb. */
#include "sparkplug/topic.h"
#include "base/utf8.h"

enum { MAX_LEVELS = 5 };

const spb_namespace spb_namespace_b = { "spBv1.0", "STATE" };

static const char *const verb_names[SPB_VERB_COUNT] = {
    [SPB_NBIRTH] = "NBIRTH", [SPB_NDEATH] = "NDEATH", [SPB_NDATA] = "NDATA", [SPB_NCMD] = "NCMD",   [SPB_DBIRTH] = "DBIRTH",
    [SPB_DDEATH] = "DDEATH", [SPB_DDATA] = "DDATA",   [SPB_DCMD] = "DCMD",   [SPB_STATE] = "STATE",
};

const char *spb_verb_name(spb_verb verb)
{
    return (unsigned)verb < SPB_VERB_COUNT ? verb_names[verb] : "unknown";
}

/* The verbs of edge topics; STATE is not one: it stands where a group would. */
static bool find_verb(pt_slice s, spb_verb *out)
{
    for (int v = SPB_NBIRTH; v <= SPB_DCMD; v++) {
        if (pt_slice_eq_cstr(s, verb_names[v])) {
            *out = (spb_verb)v;
            return true;
        }
    }
    return false;
}

/* `at` is where the id stands in the topic, for the error's offset. */
static pt_status check_id(pt_slice id, size_t at, pt_error *err)
{
    if (id.len == 0) return pt_fail_at(err, PT_EMALFORMED, at, "empty id");
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        if (c == '+' || c == '/' || c == '#') return pt_fail_at(err, PT_EMALFORMED, at + i, "character '%c' is not allowed in an id", c);
        if (c == '\0') return pt_fail_at(err, PT_EMALFORMED, at + i, "U+0000 is not allowed in an id");
    }
    if (!pt_utf8_valid(id)) return pt_fail_at(err, PT_EMALFORMED, at, "id is not valid UTF-8");
    if (id.len > SPB_TOPIC_MAX) return pt_fail_at(err, PT_EMALFORMED, at, "id is longer than an MQTT topic");
    return PT_OK;
}

pt_status spb_id_check(pt_slice id, bool is_group, pt_error *err)
{
    pt_status st = check_id(id, 0, err);
    if (st) return st;
    if (is_group && pt_slice_eq_cstr(id, "STATE"))
        return pt_fail(err, PT_EMALFORMED, "group id STATE cannot be told from a host's state topic");
    return PT_OK;
}

pt_status spb_topic_parse(const spb_namespace *ns, pt_slice text, spb_topic *out, pt_error *err)
{
    pt_slice level[MAX_LEVELS];
    size_t at[MAX_LEVELS];
    size_t prefix = strlen(ns->prefix), n = 0;
    if (!pt_slice_starts(text, pt_slice_of(ns->prefix, prefix)) || (text.len > prefix && text.ptr[prefix] != '/'))
        return pt_fail(err, PT_ENOTFOUND, "not in the namespace %s", ns->prefix);
    if (text.len > SPB_TOPIC_MAX) return pt_fail_at(err, PT_EMALFORMED, SPB_TOPIC_MAX, "longer than an MQTT topic");

    pt_slice rest = text, piece;
    while (pt_slice_split(&rest, '/', &piece)) {
        size_t start = (size_t)(piece.ptr - text.ptr);
        if (n == MAX_LEVELS) return pt_fail_at(err, PT_EMALFORMED, start, "more than %d levels", MAX_LEVELS);
        level[n] = piece;
        at[n] = start;
        if (n > 0) {
            pt_status st = check_id(piece, start, err);
            if (st) return st;
        }
        n++;
    }
    if (n >= 2 && pt_slice_eq_cstr(level[1], ns->state)) {
        if (n != 3) return pt_fail_at(err, PT_EMALFORMED, at[1], "a state topic has exactly 3 levels, not %zu", n);
        *out = (spb_topic){ .verb = SPB_STATE, .host = level[2] };
        return PT_OK;
    }
    if (n < 4) return pt_fail_at(err, PT_EMALFORMED, text.len, "only %zu levels", n);
    spb_verb verb;
    if (!find_verb(level[2], &verb))
        return pt_fail_at(err, PT_EMALFORMED, at[2], "unknown message type '%.*s'", (int)(level[2].len > 32 ? 32 : level[2].len),
                          level[2].ptr);
    if (spb_verb_is_device(verb) && n != 5) return pt_fail_at(err, PT_EMALFORMED, text.len, "%s needs a device id", verb_names[verb]);
    if (!spb_verb_is_device(verb) && n != 4) return pt_fail_at(err, PT_EMALFORMED, at[4], "%s has no device id", verb_names[verb]);
    *out = (spb_topic){ .verb = verb, .group = level[1], .edge = level[3] };
    if (n == 5) out->device = level[4];
    return PT_OK;
}

/* The levels behind the prefix, in order; false if an id is missing, not valid, or one too many. */
static bool levels_of(const spb_namespace *ns, const spb_topic *t, pt_slice level[4], size_t *n)
{
    if (t->verb == SPB_STATE) {
        level[0] = pt_cstr(ns->state);
        level[1] = t->host;
        *n = 2;
        return spb_id_check(t->host, false, NULL) == PT_OK && !t->group.ptr && !t->edge.ptr && !t->device.ptr;
    }
    if ((unsigned)t->verb >= SPB_VERB_COUNT || t->host.ptr) return false;
    if (spb_id_check(t->group, true, NULL) || pt_slice_eq_cstr(t->group, ns->state)) return false;
    if (spb_id_check(t->edge, false, NULL)) return false;
    level[0] = t->group;
    level[1] = pt_cstr(verb_names[t->verb]);
    level[2] = t->edge;
    level[3] = t->device;
    *n = spb_verb_is_device(t->verb) ? 4 : 3;
    return *n == 4 ? spb_id_check(t->device, false, NULL) == PT_OK : !t->device.ptr;
}

pt_status spb_topic_format(const spb_namespace *ns, const spb_topic *topic, char *buf, size_t cap, size_t *len)
{
    pt_slice level[4];
    size_t n = 0, need = strlen(ns->prefix);
    if (!levels_of(ns, topic, level, &n)) return PT_EINVAL;
    for (size_t i = 0; i < n; i++)
        need += 1 + level[i].len;
    if (need > SPB_TOPIC_MAX) return PT_EINVAL;
    *len = need;
    if (need >= cap) return PT_ETOOBIG;
    size_t at = strlen(ns->prefix);
    memcpy(buf, ns->prefix, at);
    for (size_t i = 0; i < n; i++) {
        buf[at++] = '/';
        memcpy(buf + at, level[i].ptr, level[i].len);
        at += level[i].len;
    }
    buf[at] = '\0';
    return PT_OK;
}
