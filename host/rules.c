/* host/rules.c */
#include "host/rules.h"

typedef struct reader {
    const host_rules_source *s;
    uns_map *map;
    pt_buf *faults;
    pt_status st; /* the worst so far: memory before malformed */
} reader;

static void fault(reader *r, const pt_yaml_node *at, const char *text)
{
    pt_yaml_fault(r->s->yaml, at, r->faults, "%s", text);
    if (!r->st) r->st = PT_EMALFORMED;
}

/* Inside a scalar, `offset` bytes into its text. */
static void fault_inside(reader *r, const pt_yaml_node *at, size_t offset, const char *text)
{
    pt_yaml_node inside = *at;
    inside.column += (uint32_t)offset + (at->quoted ? 1 : 0);
    fault(r, &inside, text);
}

static void failed(reader *r, const pt_yaml_node *at, pt_status st)
{
    if (st == PT_ENOMEM) r->st = st;
    else fault(r, at, st == PT_ETOOBIG ? "too long" : "given twice");
}

static bool is_map(reader *r, const pt_yaml_node *n, const char *what)
{
    if (n->kind == PT_YAML_MAP) return true;
    fault(r, n, what);
    return false;
}

static bool is_text(reader *r, const pt_yaml_node *n)
{
    if (n->kind == PT_YAML_SCALAR) return true;
    fault(r, n, "a text is wanted here");
    return false;
}

static void read_vars(reader *r, const pt_yaml_node *vars)
{
    if (!vars || !is_map(r, vars, "uns.vars: a map of names to texts is wanted here")) return;
    for (uint32_t i = 0; i < vars->n; i++) {
        if (!is_text(r, vars->items[i])) continue;
        pt_status st = uns_map_var(r->map, vars->keys[i]->text, vars->items[i]->text);
        if (st) failed(r, vars->keys[i], st);
    }
}

static void read_tables(reader *r, const pt_yaml_node *tables)
{
    if (!tables || !is_map(r, tables, "uns.tables: a map of tables is wanted here")) return;
    for (uint32_t i = 0; i < tables->n; i++) {
        const pt_yaml_node *t = tables->items[i];
        if (!is_map(r, t, "a map of texts to texts is wanted here")) continue;
        for (uint32_t k = 0; k < t->n; k++) {
            if (!is_text(r, t->items[k])) continue;
            pt_status st = uns_map_entry(r->map, tables->keys[i]->text, t->keys[k]->text, t->items[k]->text);
            if (st) failed(r, t->keys[k], st);
        }
    }
}

/* A rule's scalars by name, for faults that uns_map_rule reports by field. */
typedef struct rule_nodes {
    const pt_yaml_node *id, *group, *edge, *device, *metric, *to;
} rule_nodes;

static void read_spb(reader *r, const pt_yaml_node *spb, uns_rule_def *d, rule_nodes *n)
{
    if (!is_map(r, spb, "from.spb: a map of group, edge, device, metric is wanted here")) return;
    for (uint32_t i = 0; i < spb->n; i++) {
        pt_slice key = spb->keys[i]->text;
        const pt_yaml_node *v = spb->items[i];
        if (!is_text(r, v)) continue;
        if (pt_slice_eq(key, PT_LIT("group"))) d->group = v->text, n->group = v;
        else if (pt_slice_eq(key, PT_LIT("edge"))) d->edge = v->text, n->edge = v;
        else if (pt_slice_eq(key, PT_LIT("device"))) d->device = v->text, n->device = v;
        else if (pt_slice_eq(key, PT_LIT("metric"))) d->metric = v->text, n->metric = v;
        else fault(r, spb->keys[i], "unknown key; from.spb has group, edge, device and metric");
    }
}

static void read_from(reader *r, const pt_yaml_node *from, uns_rule_def *d, rule_nodes *n)
{
    if (!is_map(r, from, "from: { spb: { ... } } is wanted here")) return;
    for (uint32_t i = 0; i < from->n; i++) {
        if (pt_slice_eq(from->keys[i]->text, PT_LIT("spb"))) read_spb(r, from->items[i], d, n);
        else if (pt_slice_eq(from->keys[i]->text, PT_LIT("mqtt"))) fault(r, from->keys[i], "plain topics are not read by this version");
        else fault(r, from->keys[i], "unknown key; from has spb");
    }
}

static void read_class(reader *r, const pt_yaml_node *v, uns_rule_def *d)
{
    for (unsigned c = UNS_FUNCTIONAL; c <= UNS_ADHOC; c++) {
        if (!pt_slice_eq_cstr(v->text, uns_class_name((uns_class)c))) continue;
        d->has_class = true;
        d->cls = (uns_class)c;
        return;
    }
    fault(r, v, "class: functional, informative, descriptive, edge or adhoc");
}

static void read_key(reader *r, const pt_yaml_node *key, const pt_yaml_node *v, uns_rule_def *d, rule_nodes *n)
{
    static const char *const later[] = { "levels", "write", "publish", "contract",   "enforce", "stale_after",
                                         "kind",   "time",  "fields",  "event_type", "key" };
    if (pt_slice_eq(key->text, PT_LIT("from"))) {
        read_from(r, v, d, n);
        return;
    }
    for (size_t i = 0; i < PT_COUNT_OF(later); i++) {
        if (pt_slice_eq_cstr(key->text, later[i])) {
            fault(r, key, "not supported by this version");
            return;
        }
    }
    if (!is_text(r, v)) return;
    if (pt_slice_eq(key->text, PT_LIT("id"))) {
        d->id = v->text;
        n->id = v;
    } else if (pt_slice_eq(key->text, PT_LIT("to"))) {
        d->to = v->text;
        n->to = v;
    } else if (pt_slice_eq(key->text, PT_LIT("class"))) {
        read_class(r, v, d);
    } else if (pt_slice_eq(key->text, PT_LIT("action"))) {
        d->ignore = pt_slice_eq(v->text, PT_LIT("ignore"));
        if (!d->ignore) fault(r, v, "action: ignore is the only one");
    } else if (pt_slice_eq(key->text, PT_LIT("historise"))) {
        d->no_history = pt_slice_eq(v->text, PT_LIT("false"));
        if (!d->no_history && !pt_slice_eq(v->text, PT_LIT("true"))) fault(r, v, "historise: true or false");
    } else {
        fault(r, key, "unknown key; a rule has id, from, to, action, class and historise");
    }
}

static const pt_yaml_node *node_of(const rule_nodes *n, const char *field)
{
    const struct {
        const char *name;
        const pt_yaml_node *node;
    } all[] = { { "id", n->id },         { "group", n->group },   { "edge", n->edge },
                { "device", n->device }, { "metric", n->metric }, { "to", n->to } };
    for (size_t i = 0; field && i < PT_COUNT_OF(all); i++) {
        if (strcmp(field, all[i].name) == 0) return all[i].node;
    }
    return NULL;
}

static void read_rule(reader *r, const pt_yaml_node *rule)
{
    uns_rule_def d = { .id = PT_NONE };
    rule_nodes n = { .id = NULL };
    const char *field = NULL;
    pt_error err = { 0, "" };
    size_t before = r->faults->len;
    if (!is_map(r, rule, "a rule is a map: { id, from, to }")) return;
    for (uint32_t i = 0; i < rule->n; i++)
        read_key(r, rule->keys[i], rule->items[i], &d, &n);
    if (r->faults->len != before) return; /* what is missing may be what was refused */
    pt_status st = uns_map_rule(r->map, &d, &field, &err);
    if (st == PT_ENOMEM) r->st = st;
    if (!st || st == PT_ENOMEM) return;
    const pt_yaml_node *at = node_of(&n, field);
    if (at) fault_inside(r, at, err.offset, err.text);
    else fault(r, rule, err.text);
}

static int word_of(const pt_yaml *y, const pt_yaml_node *in, const char *key, const char *const words[3], pt_buf *faults)
{
    const pt_yaml_node *n = in ? pt_yaml_get(in, key) : NULL;
    for (int i = 0; n && i < 3; i++) {
        if (n->kind == PT_YAML_SCALAR && pt_slice_eq_cstr(n->text, words[i])) return i;
    }
    if (n) pt_yaml_fault(y, n, faults, "%s: %s, %s or %s", key, words[0], words[1], words[2]);
    return 0;
}

pt_status host_rules_find(const pt_yaml *y, host_rules_source *out, pt_buf *faults)
{
    static const char *const empties[] = { "drop", "underscore", "reject" }, *const unmapped[] = { "literal", "quarantine", "drop" };
    const pt_yaml_node *root = pt_yaml_root(y), *uns = root && root->kind == PT_YAML_MAP ? pt_yaml_get(root, "uns") : NULL;
    size_t before = faults->len;
    *out = (host_rules_source){ .yaml = y };
    if (!root || root->kind != PT_YAML_MAP) return PT_OK; /* an empty file */
    out->rules = pt_yaml_get(root, "rules");
    if (uns && uns->kind != PT_YAML_MAP) uns = NULL; /* the configuration's binder says so */
    out->empty = (uns_empty)word_of(y, uns, "empty", empties, faults);
    out->on_unmapped = (uns_unmapped)word_of(y, uns, "on_unmapped", unmapped, faults);
    if (uns) {
        out->vars = pt_yaml_get(uns, "vars");
        out->tables = pt_yaml_get(uns, "tables");
    }
    return faults->len == before ? PT_OK : PT_EMALFORMED;
}

pt_status host_rules_build(const host_rules_source *s, uns_map **out, pt_buf *faults)
{
    reader r = { .s = s, .faults = faults };
    pt_status st = uns_map_new(s->empty, s->on_unmapped, &r.map);
    if (st) return st;
    read_vars(&r, s->vars);
    read_tables(&r, s->tables);
    if (s->rules && s->rules->kind != PT_YAML_LIST) {
        fault(&r, s->rules, "rules: a list is wanted here");
    } else if (s->rules) {
        for (uint32_t i = 0; i < s->rules->n; i++)
            read_rule(&r, s->rules->items[i]);
    }
    if (r.st) {
        uns_map_free(r.map);
        return r.st;
    }
    *out = r.map;
    return PT_OK;
}

typedef struct linting {
    const host_rules_source *s;
    pt_buf *out;
} linting;

static void unreachable(void *ctx, pt_slice rule, pt_slice earlier)
{
    const linting *l = ctx;
    for (uint32_t i = 0; i < l->s->rules->n; i++) {
        const pt_yaml_node *id = pt_yaml_get(l->s->rules->items[i], "id");
        if (id && pt_slice_eq(id->text, rule))
            pt_yaml_fault(l->s->yaml, id, l->out, "rule '%.*s' can never match: '%.*s' before it takes everything", PT_SLICE_ARGS(rule),
                          PT_SLICE_ARGS(earlier));
    }
}

void host_rules_lint(const host_rules_source *s, const uns_map *m, pt_buf *warnings)
{
    linting l = { s, warnings };
    if (s->rules) uns_map_lint(m, unreachable, &l);
}
