/* uns/map.c -- the rule set: building, lint, and finding the rule of a source. */
#include "uns/map_internal.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const slot_names[UNS__SLOTS] = { "group", "edge", "device", "metric", "topic" };

const char *uns_outcome_name(uns_outcome o)
{
    static const char *const names[] = { "mapped", "literal", "ignored", "quarantined", "dropped" };
    return (unsigned)o < PT_COUNT_OF(names) ? names[o] : "quarantined";
}

/* ---- building ---- */

pt_status uns_map_new(uns_empty empty, uns_unmapped on_unmapped, uns_map **out)
{
    uns_map *m = calloc(1, sizeof *m);
    if (!m) return PT_ENOMEM;
    pt_arena_init(&m->arena, 256u << 20);
    pt_map_init(&m->vars, PT_MAP_COPY_KEYS);
    pt_map_init(&m->entries, PT_MAP_COPY_KEYS);
    pt_map_init(&m->tables, PT_MAP_COPY_KEYS);
    m->empty = empty;
    m->on_unmapped = on_unmapped;
    *out = m;
    return PT_OK;
}

void uns_map_free(uns_map *m)
{
    if (!m) return;
    pt_map_fini(&m->vars);
    pt_map_fini(&m->entries);
    pt_map_fini(&m->tables);
    pt_arena_fini(&m->arena);
    free(m->rules);
    free(m);
}

static pt_status keep(uns_map *m, pt_map *in, pt_slice key, pt_slice value)
{
    if (pt_map_get(in, key, NULL)) return PT_EEXISTS;
    pt_slice *copy = pt_arena_alloc(&m->arena, sizeof *copy);
    if (!copy) return PT_ENOMEM;
    *copy = pt_arena_dup(&m->arena, value);
    if (!copy->ptr) return PT_ENOMEM;
    return pt_map_put(in, key, (uint64_t)(uintptr_t)copy, NULL);
}

pt_status uns_map_var(uns_map *m, pt_slice name, pt_slice value)
{
    return keep(m, &m->vars, name, value);
}

enum { KEY_MAX = 2048 };

static pt_slice entry_key(char *buf, pt_slice table, pt_slice key)
{
    if (table.len + key.len + 1 > KEY_MAX) return PT_NONE;
    if (table.len) memcpy(buf, table.ptr, table.len);
    buf[table.len] = '\0';
    if (key.len) memcpy(buf + table.len + 1, key.ptr, key.len);
    return pt_slice_of(buf, table.len + key.len + 1);
}

pt_status uns_map_entry(uns_map *m, pt_slice table, pt_slice key, pt_slice value)
{
    char buf[KEY_MAX];
    pt_slice k = entry_key(buf, table, key);
    if (!k.ptr) return PT_ETOOBIG;
    pt_status st = keep(m, &m->entries, k, value);
    return st ? st : pt_map_put(&m->tables, table, 1, NULL);
}

const pt_slice *uns__map_var(const uns_map *m, pt_slice name)
{
    return pt_map_get_ptr(&m->vars, name);
}
bool uns__map_has_table(const uns_map *m, pt_slice table)
{
    return pt_map_get(&m->tables, table, NULL);
}
const pt_slice *uns__map_entry_of(const uns_map *m, pt_slice table, pt_slice key)
{
    char buf[KEY_MAX];
    pt_slice k = entry_key(buf, table, key);
    return k.ptr ? pt_map_get_ptr(&m->entries, k) : NULL;
}

static pt_slice def_slot(const uns_rule_def *d, unsigned slot)
{
    const pt_slice all[UNS__SLOTS] = { d->group, d->edge, d->device, d->metric, d->topic };
    return all[slot];
}

static pt_status own_strings(uns_map *m, uns_rule_def *d)
{
    pt_slice *all[] = { &d->id, &d->group, &d->edge, &d->device, &d->metric, &d->topic, &d->to };
    for (size_t i = 0; i < PT_COUNT_OF(all); i++) {
        if (!all[i]->ptr) continue;
        *all[i] = pt_arena_dup(&m->arena, *all[i]);
        if (!all[i]->ptr) return PT_ENOMEM;
    }
    return PT_OK;
}

static pt_status check_def(const uns_map *m, const uns_rule_def *d, const char **field, pt_error *err)
{
    *field = "id";
    if (!d->id.len) return pt_fail(err, PT_EINVAL, "a rule needs an id");
    for (uint32_t i = 0; i < m->n; i++) {
        if (pt_slice_eq(m->rules[i]->def.id, d->id))
            return pt_fail(err, PT_EEXISTS, "there is a rule '%.*s' already", PT_SLICE_ARGS(d->id));
    }
    if (m->n == UNS_RULES_MAX) return pt_fail(err, PT_ETOOBIG, "more than %u rules", UNS_RULES_MAX);
    *field = "topic";
    if (d->topic.ptr && (d->group.ptr || d->edge.ptr || d->device.ptr || d->metric.ptr))
        return pt_fail(err, PT_EINVAL, "a rule is for Sparkplug or for plain topics, not for both");
    *field = "to";
    if (d->ignore && d->to.ptr) return pt_fail(err, PT_EINVAL, "what is ignored has no path");
    if (!d->ignore && !d->to.len) return pt_fail(err, PT_EINVAL, "a rule needs a path, or the action ignore");
    return PT_OK;
}

static pt_status compile(uns_map *m, uns__rule *r, const char **field, pt_error *err)
{
    for (unsigned s = 0; s < UNS__SLOTS; s++) {
        pt_slice text = def_slot(&r->def, s);
        *field = slot_names[s];
        if (!text.ptr) continue;
        r->slot[s] = pt_arena_zalloc(&m->arena, sizeof *r->slot[s]);
        if (!r->slot[s]) return pt_fail(err, PT_ENOMEM, "out of memory");
        pt_status st = uns__pattern_parse(&m->arena, text, s >= UNS__METRIC, &r->names, r->slot[s], err);
        if (st) return st;
    }
    *field = "to";
    return r->def.ignore ? PT_OK : uns__template_parse(m, r->def.to, &r->names, &r->to, err);
}

pt_status uns_map_rule(uns_map *m, const uns_rule_def *def, const char **field, pt_error *err)
{
    pt_status st = check_def(m, def, field, err);
    if (st) return st;
    if (m->n == m->cap) {
        uint32_t cap = m->cap ? m->cap * 2 : 16;
        uns__rule **rules = realloc(m->rules, cap * sizeof(uns__rule *));
        if (!rules) return pt_fail(err, PT_ENOMEM, "out of memory");
        m->rules = rules;
        m->cap = cap;
    }
    uns__rule *r = pt_arena_zalloc(&m->arena, sizeof *r);
    if (!r) return pt_fail(err, PT_ENOMEM, "out of memory");
    r->def = *def;
    if ((st = own_strings(m, &r->def)) != PT_OK) return pt_fail(err, st, "out of memory");
    if ((st = compile(m, r, field, err)) != PT_OK) return st;
    m->rules[m->n++] = r;
    *field = NULL;
    return PT_OK;
}

uint32_t uns_map_count(const uns_map *m)
{
    return m->n;
}

/* ---- lint ---- */

static unsigned placeholders(const uns__rule *r)
{
    unsigned n = 0;
    for (unsigned s = 0; s < UNS__SLOTS; s++) {
        for (uint32_t i = 0; r->slot[s] && i < r->slot[s]->n; i++)
            n += r->slot[s]->items[i].kind != UNS__IS_LITERAL && r->slot[s]->items[i].capture != UNS__ANONYMOUS;
    }
    return n;
}

static bool takes_all_of(const uns__rule *a, const uns__rule *b)
{
    if ((a->slot[UNS__TOPIC] != NULL) != (b->slot[UNS__TOPIC] != NULL)) return false;
    if (placeholders(a) != a->names.n) return false; /* a repeated name narrows it */
    for (unsigned s = 0; s < UNS__SLOTS; s++) {
        if (a->slot[s] && (!b->slot[s] || !uns__pattern_covers(a->slot[s], b->slot[s]))) return false;
    }
    return true;
}

void uns_map_lint(const uns_map *m, void (*warn)(void *ctx, pt_slice rule, pt_slice earlier), void *ctx)
{
    for (uint32_t j = 1; j < m->n; j++) {
        for (uint32_t i = 0; i < j; i++) {
            if (!takes_all_of(m->rules[i], m->rules[j])) continue;
            warn(ctx, m->rules[j]->def.id, m->rules[i]->def.id);
            break;
        }
    }
}

/* ---- applying ---- */

static bool matches(const uns__rule *r, const uns_source *s, pt_slice *taken, const char **slot)
{
    const pt_slice texts[UNS__SLOTS] = { s->group, s->edge, s->device, s->metric, s->topic };
    *slot = "source";
    if ((r->slot[UNS__TOPIC] != NULL) != (s->topic.len != 0)) return false;
    for (unsigned i = 0; i < r->names.n; i++)
        taken[i] = PT_NONE;
    for (unsigned i = 0; i < UNS__SLOTS; i++) {
        *slot = slot_names[i];
        if (r->slot[i] && !uns__pattern_match(r->slot[i], texts[i], taken)) return false;
    }
    return true;
}

static void literal_path(const uns_map *m, const uns_source *s, uns_mapping *out)
{
    pt_error err = { 0 };
    pt_status st = PT_OK;
    if (s->topic.len) {
        uns__path p = { .buf = out->path, .empty = m->empty };
        pt_slice rest = s->topic, piece;
        while (pt_slice_split(&rest, '/', &piece))
            uns__path_add(&p, piece, false);
        if (!p.len && !p.fault) p.fault = "empty path";
        if (p.fault) st = pt_fail(&err, PT_EMALFORMED, "%s", p.fault);
        out->len = p.len;
    } else {
        st = uns_path_literal(s->group, s->edge, s->device, s->metric, out->path, sizeof out->path, &out->len, &err);
    }
    out->outcome = st ? UNS_QUARANTINED : UNS_LITERAL;
    if (st) {
        out->len = 0;
        snprintf(out->reason, sizeof out->reason, "%.120s", err.text);
    }
    out->path[out->len] = '\0';
}

static void settle(const uns_map *m, const uns__rule *r, const uns_source *s, const pt_slice *taken, uns_mapping *out)
{
    if (r) {
        out->rule = r->def.id;
        out->has_class = r->def.has_class;
        out->cls = r->def.cls;
        out->no_history = r->def.no_history;
        out->outcome = r->def.ignore ? UNS_IGNORED : UNS_MAPPED;
        if (r->def.ignore || uns__template_apply(m, r->to, s, taken, out)) return;
        out->len = 0;
        out->path[0] = '\0';
        out->has_class = out->no_history = false;
    }
    if (m->on_unmapped == UNS_UNMAPPED_LITERAL) literal_path(m, s, out);
    else out->outcome = m->on_unmapped == UNS_UNMAPPED_DROP ? UNS_DROPPED : UNS_QUARANTINED;
}

static void reset(uns_mapping *out)
{
    out->outcome = UNS_QUARANTINED;
    out->rule = PT_NONE;
    out->has_class = out->no_history = out->partial = false;
    out->cls = UNS_FUNCTIONAL;
    out->len = 0;
    out->path[0] = out->reason[0] = '\0';
}

void uns_map_apply(const uns_map *m, const uns_source *s, uns_mapping *out)
{
    pt_slice taken[UNS_CAPTURES_MAX];
    const char *slot;
    const uns__rule *found = NULL;
    reset(out);
    for (uint32_t i = 0; !found && i < m->n; i++) {
        if (matches(m->rules[i], s, taken, &slot)) found = m->rules[i];
    }
    settle(m, found, s, taken, out);
}

static void captures_text(const uns__rule *r, const pt_slice *taken, char *buf, size_t cap)
{
    size_t n = 0;
    buf[0] = '\0';
    for (unsigned i = 0; i < r->names.n && n < cap; i++) {
        int k = snprintf(buf + n, cap - n, "%s%.*s=%.*s", i ? ", " : "", PT_SLICE_ARGS(r->names.name[i]), PT_SLICE_ARGS(taken[i]));
        if (k > 0) n += (size_t)k;
    }
}

void uns_map_explain(const uns_map *m, const uns_source *s, void (*see)(void *ctx, pt_slice rule, bool matched, const char *text),
                     void *ctx, uns_mapping *out)
{
    pt_slice taken[UNS_CAPTURES_MAX];
    const uns__rule *found = NULL;
    reset(out);
    for (uint32_t i = 0; !found && i < m->n; i++) {
        char text[2048];
        const char *slot;
        bool matched = matches(m->rules[i], s, taken, &slot);
        if (matched) captures_text(m->rules[i], taken, text, sizeof text);
        see(ctx, m->rules[i]->def.id, matched, matched ? text : slot);
        if (matched) found = m->rules[i];
    }
    settle(m, found, s, taken, out);
}
