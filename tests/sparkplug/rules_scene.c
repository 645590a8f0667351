/* tests/sparkplug/rules_scene.c */
#include "tests/sparkplug/rules_scene.h"

#include <stdio.h>

static spb_metric metric(const char *name, uint32_t type, uint8_t wire, uint64_t value)
{
    spb_metric m = { .name = pt_cstr(name),
                     .timestamp = NOW,
                     .datatype = type,
                     .wire = wire,
                     .flags = SPB_HAS_NAME | SPB_HAS_TIMESTAMP | SPB_HAS_DATATYPE };
    if (wire == SPB_WIRE_LONG) m.value.u64 = value;
    else m.value.u32 = (uint32_t)value;
    return m;
}

static spb_metric aliased(spb_metric m, uint64_t alias)
{
    m.flags |= SPB_HAS_ALIAS;
    m.alias = alias;
    return m;
}

static spb_metric by_alias(uint64_t alias, uint8_t wire, uint64_t value)
{
    spb_metric m = metric("", 0, wire, value);
    m.name = PT_NONE;
    m.alias = alias;
    m.flags = SPB_HAS_ALIAS | SPB_HAS_TIMESTAMP;
    return m;
}

void scene_init(scene *s)
{
    *s = (scene){ 0 };
    s->set = (spb_property_set){ s->props, 2, false };
    s->props[0] = (spb_property){ .key = PT_LIT("Quality"), .has_type = true, .type = SPB_INT32, .wire = SPB_WIRE_INT, .value.u32 = 500 };
    s->props[1] = (spb_property){
        .key = PT_LIT("engUnit"), .has_type = true, .type = SPB_STRING, .wire = SPB_WIRE_STRING, .value.bytes = PT_LIT("m")
    };
    s->columns[0] = PT_LIT("a"), s->columns[1] = PT_LIT("b");
    s->types[0] = s->types[1] = SPB_INT32;
    s->cells[0] = s->cells[1] = (spb_cell){ SPB_WIRE_INT, { .u32 = 1 } };
    s->rows[0] = s->cells;
    s->row_cells[0] = 2;
    s->ds = (spb_dataset){ .has_num_of_columns = true,
                           .num_of_columns = 2,
                           .columns = s->columns,
                           .types = s->types,
                           .n_columns = 2,
                           .n_types = 2,
                           .n_rows = 1,
                           .rows = s->rows,
                           .row_cells = s->row_cells };
    s->member_def[0] = s->member[0] = metric("rpm", SPB_INT32, SPB_WIRE_INT, 1);
    s->member_def[1] = s->member[1] = metric("amps", SPB_INT32, SPB_WIRE_INT, 1);
    s->param_def = s->param =
        (spb_parameter){ .name = PT_LIT("poles"), .has_type = true, .type = SPB_INT32, .cell = { SPB_WIRE_INT, { .u32 = 4 } } };
    s->def = (spb_template){ .version = PT_LIT("1"),
                             .has_is_definition = true,
                             .is_definition = true,
                             .metrics = s->member_def,
                             .n_metrics = 2,
                             .parameters = &s->param_def,
                             .n_parameters = 1 };
    s->inst = (spb_template){ .template_ref = PT_LIT("MotorT"),
                              .has_is_definition = true,
                              .metrics = s->member,
                              .n_metrics = 2,
                              .parameters = &s->param,
                              .n_parameters = 1 };
    s->node[0] = metric("bdSeq", SPB_INT64, SPB_WIRE_LONG, 7);
    s->node[1] = metric("Node Control/Rebirth", SPB_BOOLEAN, SPB_WIRE_BOOL, 0);
    s->node[2] = aliased(metric("Level", SPB_INT32, SPB_WIRE_INT, 5), 0);
    s->node[2].properties = &s->set;
    s->node[3] = metric("MotorT", SPB_TEMPLATE, SPB_WIRE_TEMPLATE, 0);
    s->node[3].value.tmpl = &s->def;
    s->node[4] = metric("Motor1", SPB_TEMPLATE, SPB_WIRE_TEMPLATE, 0);
    s->node[4].value.tmpl = &s->inst;
    s->node[5] = metric("Table", SPB_DATASET, SPB_WIRE_DATASET, 0);
    s->node[5].value.dataset = &s->ds;
    s->node[6] = metric("Nothing", SPB_DOUBLE, SPB_WIRE_NONE, 0);
    s->node[6].flags |= SPB_HAS_NULL | SPB_IS_NULL;
    s->device[0] = aliased(metric("Temp", SPB_INT32, SPB_WIRE_INT, 20), 1);
    s->device[1] = aliased(metric("Level", SPB_INT32, SPB_WIRE_INT, 1), 2); /* the same name as the node's: other scope */
    s->device[2] = metric("Switch", SPB_BOOLEAN, SPB_WIRE_BOOL, 0);
    s->ndata[0] = by_alias(0, SPB_WIRE_INT, 6);
    s->ndata[1] = by_alias(0, SPB_WIRE_INT, 5);
    s->ndata[1].timestamp = NOW - 5000; /* historical ones may be older */
    s->ndata[1].flags |= SPB_HAS_HISTORICAL | SPB_IS_HISTORICAL;
    s->ddata[0] = by_alias(1, SPB_WIRE_INT, 21);
    s->ddata[1] = metric("Switch", 0, SPB_WIRE_BOOL, 1);
    s->ddata[1].flags = SPB_HAS_NAME | SPB_HAS_TIMESTAMP;
    s->cmd[0] = metric("Switch", SPB_BOOLEAN, SPB_WIRE_BOOL, 1);
    s->cmd[0].flags = SPB_HAS_NAME; /* tck-id-payloads-name-cmd-requirement: no metric timestamp needed */
    s->will[0] = s->death[0] = metric("bdSeq", SPB_INT64, SPB_WIRE_LONG, 7);
    s->will[0].flags = s->death[0].flags = SPB_HAS_NAME | SPB_HAS_DATATYPE;
    s->nbirth = (spb_payload){ NOW, 0, true, true, PT_NONE, PT_NONE, s->node, 7 };
    s->dbirth = (spb_payload){ NOW, 1, true, true, PT_NONE, PT_NONE, s->device, 3 };
    s->p_ndata = (spb_payload){ NOW, 2, true, true, PT_NONE, PT_NONE, s->ndata, 2 };
    s->p_ddata = (spb_payload){ NOW, 3, true, true, PT_NONE, PT_NONE, s->ddata, 2 };
    s->p_ncmd = (spb_payload){ NOW, 0, true, false, PT_NONE, PT_NONE, s->cmd, 1 };
    s->ddeath = (spb_payload){ NOW, 4, true, true, PT_NONE, PT_NONE, NULL, 0 };
    s->ndeath = (spb_payload){ 0, 0, false, false, PT_NONE, PT_NONE, s->death, 1 };
    s->p_will = (spb_payload){ 0, 0, false, false, PT_NONE, PT_NONE, s->will, 1 };
    s->will_delivery = (spb_delivery){ true, 1, false };
    s->delivery = (spb_delivery){ true, 0, false };
}

static void note(void *ctx, const spb_finding *f)
{
    findings *all = ctx;
    size_t len = strlen(all->rules);
    snprintf(all->rules + len, sizeof all->rules - len, "%s ", f->rule);
    all->n++;
    all->advice += f->advice;
    CHECK(f->text[0] != '\0');
}

/* The whole session; which messages is said by the verbs, 'w' being the Will: "wNDndcex" (lower case: data, command, deaths). */
findings scene_play(const scene *s, const char *script)
{
    static const pt_slice g = { "g", 1 }, e = { "e", 1 }, d = { "d", 1 };
    findings all = { .n = 0 };
    spb_rules *r = NULL;
    size_t total = 0;
    CHECK_OK_FATAL(spb_rules_new(&r));
    for (const char *p = script; *p; p++) {
        spb_topic t = { .group = g, .edge = e };
        const spb_payload *m = NULL;
        switch (*p) {
        case 'w': total += spb_rules_connect(r, &s->p_will, s->will_delivery, note, &all); continue;
        case 'N': t.verb = SPB_NBIRTH, m = &s->nbirth; break;
        case 'D': t.verb = SPB_DBIRTH, t.device = d, m = &s->dbirth; break;
        case 'n': t.verb = SPB_NDATA, m = &s->p_ndata; break;
        case 'd': t.verb = SPB_DDATA, t.device = d, m = &s->p_ddata; break;
        case 'c': t.verb = SPB_NCMD, m = &s->p_ncmd; break;
        case 'C': t.verb = SPB_DCMD, t.device = d, m = &s->p_ncmd; break;
        case 'e': t.verb = SPB_DDEATH, t.device = d, m = &s->ddeath; break;
        default: t.verb = SPB_NDEATH, m = &s->ndeath; break;
        }
        total += spb_rules_check(r, &t, m, t.verb == SPB_NDEATH ? (spb_delivery){ 0 } : s->delivery, note, &all);
    }
    CHECK_INT(total, all.n);
    spb_rules_free(r);
    return all;
}

bool findings_have(const char *rules, pt_slice rule)
{
    pt_slice rest = pt_cstr(rules), piece;
    while (rest.len && pt_slice_split(&rest, ' ', &piece)) {
        if (pt_slice_eq(piece, rule)) return true;
    }
    return false;
}

void scene_expect(const scene_change *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        scene s;
        scene_init(&s);
        rows[i].change(&s);
        findings f = scene_play(&s, SCENE_SESSION);
        pt_slice rest = pt_cstr(rows[i].rules), rule;
        while (pt_slice_split(&rest, ' ', &rule)) {
            char shown[200];
            snprintf(shown, sizeof shown, "%.*s, found: %.100s", PT_SLICE_ARGS(rule), f.rules);
            CHECK_ROW(shown, findings_have(f.rules, rule));
        }
    }
}
