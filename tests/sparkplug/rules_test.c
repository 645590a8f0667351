/* tests/sparkplug/rules_test.c -- each assertion: the right messages pass, one change breaks exactly it. */
#include "sparkplug/rules.h"
#include "tests/support/check.h"

#include <stdio.h>

#define NOW UINT64_C(1700000000000)

/* A right session: NBIRTH with a property set, a data set, a template definition and an instance; DBIRTH; then DATA of both, a command, deaths. */
typedef struct scene {
    spb_metric node[7], member_def[2], member[2], device[3], ndata[2], ddata[2], cmd[1], death[1], will[1];
    spb_template def, inst;
    spb_parameter param_def, param;
    spb_property props[2];
    spb_property_set set;
    pt_slice columns[2];
    uint32_t types[2], row_cells[1];
    spb_cell cells[2], *rows[1];
    spb_dataset ds;
    spb_payload nbirth, dbirth, p_ndata, p_ddata, p_ncmd, ddeath, ndeath, p_will;
    spb_delivery will_delivery, delivery;
} scene;

static spb_metric metric(const char *name, uint32_t type, uint8_t wire, uint64_t value)
{
    spb_metric m = { .name = pt_cstr(name), .timestamp = NOW, .datatype = type, .wire = wire,
                     .flags = SPB_HAS_NAME | SPB_HAS_TIMESTAMP | SPB_HAS_DATATYPE };
    if (wire == SPB_WIRE_LONG)
        m.value.u64 = value;
    else
        m.value.u32 = (uint32_t)value;
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

static void scene_init(scene *s)
{
    *s = (scene){ 0 };
    s->set = (spb_property_set){ s->props, 2, false };
    s->props[0] = (spb_property){ .key = PT_LIT("Quality"), .has_type = true, .type = SPB_INT32, .wire = SPB_WIRE_INT, .value.u32 = 500 };
    s->props[1] = (spb_property){ .key = PT_LIT("engUnit"), .has_type = true, .type = SPB_STRING, .wire = SPB_WIRE_STRING, .value.bytes = PT_LIT("m") };
    s->columns[0] = PT_LIT("a"), s->columns[1] = PT_LIT("b");
    s->types[0] = s->types[1] = SPB_INT32;
    s->cells[0] = s->cells[1] = (spb_cell){ SPB_WIRE_INT, { .u32 = 1 } };
    s->rows[0] = s->cells;
    s->row_cells[0] = 2;
    s->ds = (spb_dataset){ .has_num_of_columns = true, .num_of_columns = 2, .columns = s->columns, .types = s->types, .n_columns = 2,
                           .n_types = 2, .n_rows = 1, .rows = s->rows, .row_cells = s->row_cells };
    s->member_def[0] = s->member[0] = metric("rpm", SPB_INT32, SPB_WIRE_INT, 1);
    s->member_def[1] = s->member[1] = metric("amps", SPB_INT32, SPB_WIRE_INT, 1);
    s->param_def = s->param = (spb_parameter){ .name = PT_LIT("poles"), .has_type = true, .type = SPB_INT32, .cell = { SPB_WIRE_INT, { .u32 = 4 } } };
    s->def = (spb_template){ .version = PT_LIT("1"), .has_is_definition = true, .is_definition = true, .metrics = s->member_def, .n_metrics = 2,
                             .parameters = &s->param_def, .n_parameters = 1 };
    s->inst = (spb_template){ .template_ref = PT_LIT("MotorT"), .has_is_definition = true, .metrics = s->member, .n_metrics = 2,
                              .parameters = &s->param, .n_parameters = 1 };
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

typedef struct findings {
    char rules[4096];
    int n, advice;
} findings;

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
static findings play(const scene *s, const char *script)
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

#define SESSION "wNDndcCex"

static void a_right_session_has_no_finding(void)
{
    scene s;
    scene_init(&s);
    findings f = play(&s, SESSION);
    CHECK_STR(pt_cstr(f.rules), "");
    s.will[0].value.u64 = 7;
    f = play(&s, "wNDndexwx"); /* two sessions: but the second Will did not go on */
    CHECK(strstr(f.rules, "tck-id-topics-nbirth-bdseq-increment") != NULL && f.n == 1);
}

/* One change each. */
#define CHANGE(name, ...)                                                                                              \
    static void name(scene *s)                                                                                         \
    {                                                                                                                  \
        __VA_ARGS__;                                                                                                   \
    }
CHANGE(no_payload_time_nbirth, s->nbirth.has_timestamp = false)
CHANGE(no_payload_time_dbirth, s->dbirth.has_timestamp = false)
CHANGE(no_payload_time_ndata, s->p_ndata.has_timestamp = false)
CHANGE(no_payload_time_ddata, s->p_ddata.has_timestamp = false)
CHANGE(no_payload_time_ddeath, s->ddeath.has_timestamp = false)
CHANGE(no_payload_time_cmd, s->p_ncmd.has_timestamp = false)
CHANGE(seconds, s->nbirth.timestamp = NOW / 1000)
CHANGE(microseconds, s->node[2].timestamp = NOW * 1000)
CHANGE(metric_without_time, s->node[2].flags &= (uint16_t)~SPB_HAS_TIMESTAMP)
CHANGE(data_metric_without_time, s->ddata[0].flags &= (uint16_t)~SPB_HAS_TIMESTAMP)
CHANGE(nbirth_seq_missing, s->nbirth.has_seq = false)
CHANGE(nbirth_seq_256, s->nbirth.seq = 256)
CHANGE(nbirth_seq_5, s->nbirth.seq = 5, s->dbirth.seq = 6, s->p_ndata.seq = 7, s->p_ddata.seq = 8, s->ddeath.seq = 9)
CHANGE(dbirth_seq_missing, s->dbirth.has_seq = false)
CHANGE(dbirth_seq_2, s->dbirth.seq = 2)
CHANGE(ndata_seq_missing, s->p_ndata.has_seq = false)
CHANGE(ndata_seq_4, s->p_ndata.seq = 4)
CHANGE(ddata_seq_missing, s->p_ddata.has_seq = false)
CHANGE(ddata_seq_2, s->p_ddata.seq = 2)
CHANGE(ddeath_seq_missing, s->ddeath.has_seq = false)
CHANGE(ddeath_seq_9, s->ddeath.seq = 9)
CHANGE(ndeath_with_seq, s->ndeath.has_seq = true)
CHANGE(will_with_seq, s->p_will.has_seq = true)
CHANGE(delivered_at_qos_1, s->delivery.qos = 1)
CHANGE(delivered_retained, s->delivery.retain = true)
CHANGE(will_qos_0, s->will_delivery.qos = 0)
CHANGE(will_retained, s->will_delivery.retain = true)
CHANGE(will_without_bdseq, s->will[0].name = PT_LIT("bdseq"), s->node[0].value.u64 = 7)
CHANGE(will_bdseq_typed_uint64, s->will[0].datatype = SPB_UINT64)
CHANGE(ndeath_of_another_session, s->death[0].value.u64 = 6)
CHANGE(ndeath_empty, s->ndeath.n_metrics = 0)
CHANGE(nbirth_without_bdseq, s->node[0].name = PT_LIT("x"))
CHANGE(nbirth_bdseq_8, s->node[0].value.u64 = 8)
CHANGE(nbirth_without_rebirth, s->node[1].name = PT_LIT("Node Control/Reboot"))
CHANGE(rebirth_true, s->node[1].value.boolean = true)
CHANGE(rebirth_int, s->node[1].datatype = SPB_INT32)
CHANGE(rebirth_aliased, s->node[1].flags |= SPB_HAS_ALIAS, s->node[1].alias = 99)
CHANGE(nameless_birth_metric, s->node[2].flags &= (uint16_t)~SPB_HAS_NAME, s->node[2].name = PT_NONE)
CHANGE(birth_metric_without_anything, s->node[5].flags &= (uint16_t)~SPB_HAS_NAME, s->node[5].name = PT_NONE)
CHANGE(data_without_name_and_alias, s->ddata[1].flags &= (uint16_t)~SPB_HAS_NAME, s->ddata[1].name = PT_NONE)
CHANGE(alias_twice_in_a_birth, s->device[1].alias = 1)
CHANGE(alias_of_the_node, s->device[1].alias = 0)
CHANGE(data_with_name_and_alias, s->ddata[0].flags |= SPB_HAS_NAME, s->ddata[0].name = PT_LIT("Temp"))
CHANGE(datatype_99, s->node[2].datatype = 99)
CHANGE(datatype_propertyset, s->node[2].datatype = SPB_PROPERTYSET)
CHANGE(datatype_missing, s->node[2].flags &= (uint16_t)~SPB_HAS_DATATYPE)
CHANGE(device_datatype_missing, s->device[0].flags &= (uint16_t)~SPB_HAS_DATATYPE)
CHANGE(data_with_datatype, s->ddata[0].flags |= SPB_HAS_DATATYPE, s->ddata[0].datatype = SPB_INT32)
CHANGE(set_mismatch, s->set.mismatch = true)
CHANGE(property_untyped, s->props[1].has_type = false)
CHANGE(property_type_array, s->props[1].type = SPB_INT8_ARRAY)
CHANGE(quality_int64, s->props[0].type = SPB_INT64)
CHANGE(quality_193, s->props[0].value.u32 = 193)
CHANGE(quality_long, s->props[0].wire = SPB_WIRE_LONG, s->props[0].value.u64 = 192)
CHANGE(ds_count_missing, s->ds.has_num_of_columns = false)
CHANGE(ds_count_wrong, s->ds.num_of_columns = 3)
CHANGE(ds_headers, s->ds.n_columns = 1, s->ds.num_of_columns = 1)
CHANGE(ds_types_short, s->ds.n_types = 1)
CHANGE(ds_types_none, s->ds.n_types = 0)
CHANGE(ds_type_dataset, s->types[1] = SPB_DATASET)
CHANGE(ds_cell_empty, s->cells[1].wire = SPB_WIRE_NONE)
CHANGE(ds_cell_extension, s->cells[1].wire = SPB_WIRE_EXTENSION)
CHANGE(def_in_dbirth, s->device[0].datatype = SPB_TEMPLATE, s->device[0].wire = SPB_WIRE_TEMPLATE, s->device[0].value.tmpl = &s->def)
CHANGE(def_with_ref, s->def.template_ref = PT_LIT("MotorT"))
CHANGE(is_definition_missing, s->inst.has_is_definition = false)
CHANGE(instance_without_ref, s->inst.template_ref = PT_NONE)
CHANGE(instance_of_nothing, s->inst.template_ref = PT_LIT("PumpT"))
CHANGE(instance_member_unknown, s->member[1].name = PT_LIT("volts"))
CHANGE(instance_member_missing, s->inst.n_metrics = 1)
CHANGE(definition_member_missing, s->def.n_metrics = 1)
CHANGE(instance_parameter_unknown, s->param.name = PT_LIT("weight"))
CHANGE(definition_parameter_missing, s->def.n_parameters = 0)
CHANGE(parameter_nameless, s->param.name = PT_NONE)
CHANGE(parameter_name_no_utf8, s->param.name = PT_LIT("\xC3("), s->param_def.name = PT_LIT("\xC3("))
CHANGE(parameter_untyped, s->param.has_type = false)
CHANGE(parameter_type_uuid, s->param.type = SPB_UUID)
CHANGE(parameter_extension, s->param.cell.wire = SPB_WIRE_EXTENSION)
CHANGE(version_no_utf8, s->def.version = PT_LIT("\xFF"))
CHANGE(ref_no_utf8, s->inst.template_ref = PT_LIT("\xFF"), s->node[3].name = PT_LIT("\xFF"))
CHANGE(neither_value_nor_null, s->node[2].wire = SPB_WIRE_NONE)
CHANGE(null_with_value, s->device[0].flags |= SPB_HAS_NULL | SPB_IS_NULL)
CHANGE(names_differ_by_case, s->device[2].name = PT_LIT("TEMP"), s->ddata[1].name = PT_LIT("TEMP"))
CHANGE(node_data_not_born, s->ndata[0].alias = 55)
CHANGE(node_data_of_the_device, s->ndata[0].alias = 1)
CHANGE(device_data_not_born, s->ddata[1].name = PT_LIT("Switch2"))
CHANGE(not_chronological, s->node[4].timestamp = NOW - 1)
CHANGE(device_not_chronological, s->ddata[1].timestamp = NOW - 1)

static const struct {
    const char *rules; /* all must be found */
    void (*change)(scene *s);
} rows[] = {
    { "tck-id-topics-nbirth-timestamp tck-id-payloads-nbirth-timestamp", no_payload_time_nbirth },
    { "tck-id-topics-dbirth-timestamp tck-id-payloads-dbirth-timestamp", no_payload_time_dbirth },
    { "tck-id-topics-ndata-timestamp tck-id-payloads-ndata-timestamp", no_payload_time_ndata },
    { "tck-id-topics-ddata-timestamp tck-id-payloads-ddata-timestamp", no_payload_time_ddata },
    { "tck-id-payloads-ddeath-timestamp", no_payload_time_ddeath },
    { "tck-id-topics-ncmd-timestamp tck-id-topics-dcmd-timestamp", no_payload_time_cmd },
    { "tck-id-payloads-timestamp-in-UTC", seconds },
    { "tck-id-payloads-metric-timestamp-in-UTC", microseconds },
    { "tck-id-payloads-name-birth-data-requirement", metric_without_time },
    { "tck-id-payloads-name-birth-data-requirement", data_metric_without_time },
    { "tck-id-payloads-sequence-num-always-included tck-id-payloads-sequence-num-req-nbirth tck-id-payloads-nbirth-seq", nbirth_seq_missing },
    { "tck-id-payloads-nbirth-seq tck-id-message-flow-edge-node-birth-publish-nbirth-payload-seq", nbirth_seq_256 },
    { "tck-id-topics-nbirth-seq-num", nbirth_seq_5 },
    { "tck-id-payloads-sequence-num-always-included tck-id-topics-dbirth-seq tck-id-payloads-dbirth-seq", dbirth_seq_missing },
    { "tck-id-payloads-dbirth-seq-inc tck-id-message-flow-device-birth-publish-dbirth-payload-seq", dbirth_seq_2 },
    { "tck-id-topics-ndata-seq-num tck-id-payloads-ndata-seq", ndata_seq_missing },
    { "tck-id-payloads-sequence-num-incrementing tck-id-payloads-ndata-seq-inc", ndata_seq_4 },
    { "tck-id-topics-ddata-seq-num tck-id-payloads-ddata-seq", ddata_seq_missing },
    { "tck-id-payloads-sequence-num-incrementing tck-id-payloads-ddata-seq-inc", ddata_seq_2 },
    { "tck-id-topics-ddeath-seq-num tck-id-payloads-ddeath-seq tck-id-payloads-ddeath-seq-number", ddeath_seq_missing },
    { "tck-id-payloads-ddeath-seq-inc", ddeath_seq_9 },
    { "tck-id-topics-ndeath-seq tck-id-payloads-ndeath-seq", ndeath_with_seq },
    { "tck-id-topics-ndeath-seq tck-id-payloads-ndeath-seq", will_with_seq },
    { "tck-id-topics-nbirth-mqtt tck-id-payloads-nbirth-qos tck-id-topics-dbirth-mqtt tck-id-payloads-dbirth-qos tck-id-topics-ndata-mqtt "
      "tck-id-payloads-ndata-qos tck-id-topics-ddata-mqtt tck-id-payloads-ddata-qos tck-id-topics-ddeath-mqtt tck-id-topics-ncmd-mqtt tck-id-topics-dcmd-mqtt "
      "tck-id-message-flow-edge-node-birth-publish-nbirth-qos tck-id-message-flow-device-birth-publish-dbirth-qos", delivered_at_qos_1 },
    { "tck-id-payloads-nbirth-retain tck-id-payloads-dbirth-retain tck-id-payloads-ndata-retain tck-id-payloads-ddata-retain "
      "tck-id-message-flow-edge-node-birth-publish-nbirth-retained tck-id-message-flow-device-birth-publish-dbirth-retained", delivered_retained },
    { "tck-id-message-flow-edge-node-birth-publish-will-message-qos tck-id-payloads-ndeath-will-message-qos", will_qos_0 },
    { "tck-id-message-flow-edge-node-birth-publish-will-message-will-retained tck-id-payloads-ndeath-will-message-retain", will_retained },
    { "tck-id-message-flow-edge-node-birth-publish-will-message-payload-bdSeq", will_without_bdseq },
    { "tck-id-message-flow-edge-node-birth-publish-will-message-payload-bdSeq", will_bdseq_typed_uint64 },
    { "tck-id-payloads-ndeath-bdseq", ndeath_of_another_session },
    { "tck-id-topics-ndeath-payload", ndeath_empty },
    { "tck-id-topics-nbirth-bdseq-included tck-id-payloads-nbirth-bdseq tck-id-message-flow-edge-node-birth-publish-nbirth-payload-bdSeq", nbirth_without_bdseq },
    { "tck-id-topics-nbirth-bdseq-matching tck-id-payloads-nbirth-bdseq-repeat tck-id-operational-behavior-data-commands-rebirth-action-3", nbirth_bdseq_8 },
    { "tck-id-topics-nbirth-rebirth-metric tck-id-payloads-nbirth-rebirth-req tck-id-operational-behavior-data-commands-rebirth-name", nbirth_without_rebirth },
    { "tck-id-operational-behavior-data-commands-rebirth-value", rebirth_true },
    { "tck-id-operational-behavior-data-commands-rebirth-datatype", rebirth_int },
    { "tck-id-operational-behavior-data-commands-rebirth-name-aliases", rebirth_aliased },
    { "tck-id-payloads-alias-birth-requirement", nameless_birth_metric },
    { "tck-id-payloads-name-requirement", birth_metric_without_anything },
    { "tck-id-payloads-name-requirement", data_without_name_and_alias },
    { "tck-id-payloads-alias-uniqueness", alias_twice_in_a_birth },
    { "tck-id-payloads-alias-uniqueness", alias_of_the_node },
    { "tck-id-payloads-alias-data-cmd-requirement", data_with_name_and_alias },
    { "tck-id-payloads-metric-datatype-value", datatype_99 },
    { "tck-id-payloads-metric-datatype-value", datatype_propertyset },
    { "tck-id-payloads-metric-datatype-req tck-id-topics-nbirth-metrics", datatype_missing },
    { "tck-id-payloads-metric-datatype-req tck-id-topics-dbirth-metrics", device_datatype_missing },
    { "tck-id-payloads-metric-datatype-not-req", data_with_datatype },
    { "tck-id-payloads-propertyset-keys-array-size tck-id-payloads-propertyset-values-array-size", set_mismatch },
    { "tck-id-payloads-metric-propertyvalue-type-req", property_untyped },
    { "tck-id-payloads-metric-propertyvalue-type-value", property_type_array },
    { "tck-id-payloads-propertyset-quality-value-type", quality_int64 },
    { "tck-id-payloads-propertyset-quality-value-value", quality_193 },
    { "tck-id-payloads-propertyset-quality-value-value", quality_long },
    { "tck-id-payloads-dataset-column-size", ds_count_missing },
    { "tck-id-payloads-dataset-column-size", ds_count_wrong },
    { "tck-id-payloads-dataset-column-num-headers", ds_headers },
    { "tck-id-payloads-dataset-types-num", ds_types_short },
    { "tck-id-payloads-dataset-parameter-type-req tck-id-payloads-dataset-types-def", ds_types_none },
    { "tck-id-payloads-dataset-types-value", ds_type_dataset },
    { "tck-id-payloads-template-dataset-value", ds_cell_empty },
    { "tck-id-payloads-template-dataset-value", ds_cell_extension },
    { "tck-id-payloads-template-definition-nbirth-only", def_in_dbirth },
    { "tck-id-payloads-template-definition-ref tck-id-payloads-template-ref-definition", def_with_ref },
    { "tck-id-payloads-template-is-definition tck-id-payloads-template-instance-is-definition tck-id-payloads-template-is-definition-instance", is_definition_missing },
    { "tck-id-payloads-template-instance-ref tck-id-payloads-template-ref-instance", instance_without_ref },
    { "tck-id-payloads-template-definition-nbirth tck-id-topics-nbirth-templates", instance_of_nothing },
    { "tck-id-payloads-template-instance-members", instance_member_unknown },
    { "tck-id-payloads-template-instance-members-birth", instance_member_missing },
    { "tck-id-payloads-template-definition-members", definition_member_missing },
    { "tck-id-payloads-template-instance-parameters", instance_parameter_unknown },
    { "tck-id-payloads-template-definition-parameters", definition_parameter_missing },
    { "tck-id-payloads-template-parameter-name-required", parameter_nameless },
    { "tck-id-payloads-template-parameter-name-type", parameter_name_no_utf8 },
    { "tck-id-payloads-template-parameter-type-req", parameter_untyped },
    { "tck-id-payloads-template-parameter-type-value", parameter_type_uuid },
    { "tck-id-payloads-template-parameter-value", parameter_extension },
    { "tck-id-payloads-template-version", version_no_utf8 },
    { "tck-id-payloads-template-ref-instance", ref_no_utf8 },
    { "tck-id-operational-behavior-data-publish-nbirth-values", neither_value_nor_null },
    { "tck-id-operational-behavior-data-publish-dbirth-values", null_with_value },
    { "tck-id-case-sensitivity-metric-names", names_differ_by_case },
    { "tck-id-operational-behavior-data-publish-nbirth tck-id-topics-nbirth-metric-reqs", node_data_not_born },
    { "tck-id-operational-behavior-data-publish-nbirth", node_data_of_the_device },
    { "tck-id-operational-behavior-data-publish-dbirth tck-id-topics-dbirth-metric-reqs", device_data_not_born },
    { "tck-id-operational-behavior-data-publish-nbirth-order", not_chronological },
    { "tck-id-operational-behavior-data-publish-dbirth-order", device_not_chronological },
};

static bool has_rule(const char *rules, pt_slice rule)
{
    pt_slice rest = pt_cstr(rules), piece;
    while (rest.len && pt_slice_split(&rest, ' ', &piece)) {
        if (pt_slice_eq(piece, rule)) return true;
    }
    return false;
}

static void one_change_breaks_its_rule(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        scene s;
        scene_init(&s);
        rows[i].change(&s);
        findings f = play(&s, SESSION);
        pt_slice rest = pt_cstr(rows[i].rules), rule;
        while (pt_slice_split(&rest, ' ', &rule)) {
            char shown[200];
            snprintf(shown, sizeof shown, "%.*s, found: %.100s", PT_SLICE_ARGS(rule), f.rules);
            CHECK_ROW(shown, has_rule(f.rules, rule));
        }
    }
}

static const struct {
    const char *rule, *script;
    bool advice;
} orders[] = {
    { "tck-id-payloads-ndata-order", "wn", false },
    { "tck-id-payloads-ddata-order", "wd", false },
    { "tck-id-payloads-ddata-order", "wNd", false },
    { "tck-id-message-flow-device-birth-publish-nbirth-wait", "wD", false },
    { "tck-id-operational-behavior-data-publish-dbirth", "wNDed", false },
    { "tck-id-payloads-dbirth-order", "wNnD", true },
    { "tck-id-payloads-ndata-order", "wNDxn", false },
};

static void messages_out_of_order_are_found(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(orders); i++) {
        scene s;
        scene_init(&s);
        findings f = play(&s, orders[i].script);
        CHECK_ROW(orders[i].rule, has_rule(f.rules, pt_cstr(orders[i].rule)));
        CHECK_ROW(orders[i].rule, (f.advice > 0) == orders[i].advice);
    }
}

static void a_rebirth_starts_anew_and_a_device_may_come_back(void)
{
    scene s;
    scene_init(&s);
    findings f = play(&s, "wNDNDN");
    CHECK_STR(pt_cstr(f.rules), "");
    s.ddeath.seq = 2;
    f = play(&s, "wNDe");
    CHECK_STR(pt_cstr(f.rules), "");
    f = play(&s, "wNDC"); /* tck-id-payloads-template-instance-members-data: a part of the members is enough in DATA */
    CHECK_STR(pt_cstr(f.rules), "");
    s.ndata[0] = s.node[4];
    s.ndata[0].flags = SPB_HAS_NAME | SPB_HAS_TIMESTAMP;
    spb_template part = s.inst;
    part.n_metrics = 1;
    part.n_parameters = 0;
    s.ndata[0].value.tmpl = &part;
    f = play(&s, "wNDn");
    CHECK_STR(pt_cstr(f.rules), "");
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_right_session_has_no_finding),
        PT_TEST(one_change_breaks_its_rule),
        PT_TEST(messages_out_of_order_are_found),
        PT_TEST(a_rebirth_starts_anew_and_a_device_may_come_back),
    };
    return pt_test_main("sparkplug/rules", tests, PT_COUNT_OF(tests), argc, argv);
}
