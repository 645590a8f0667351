/* tests/sparkplug/rules_test.c -- each assertion about messages and their metrics: the right session passes, one change breaks exactly it.
 */
#include "tests/sparkplug/rules_scene.h"

static void a_right_session_has_no_finding(void)
{
    scene s;
    scene_init(&s);
    findings f = scene_play(&s, SCENE_SESSION);
    CHECK_STR(pt_cstr(f.rules), "");
    s.will[0].value.u64 = 7;
    f = scene_play(&s, "wNDndexwx"); /* two sessions: but the second Will did not go on */
    CHECK(strstr(f.rules, "tck-id-topics-nbirth-bdseq-increment") != NULL && f.n == 1);
}

/* One change each. */
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
CHANGE(neither_value_nor_null, s->node[2].wire = SPB_WIRE_NONE)
CHANGE(null_with_value, s->device[0].flags |= SPB_HAS_NULL | SPB_IS_NULL)
CHANGE(names_differ_by_case, s->device[2].name = PT_LIT("TEMP"), s->ddata[1].name = PT_LIT("TEMP"))
CHANGE(node_data_not_born, s->ndata[0].alias = 55)
CHANGE(node_data_of_the_device, s->ndata[0].alias = 1)
CHANGE(device_data_not_born, s->ddata[1].name = PT_LIT("Switch2"))
CHANGE(not_chronological, s->node[4].timestamp = NOW - 1)
CHANGE(device_not_chronological, s->ddata[1].timestamp = NOW - 1)

static void one_change_breaks_its_rule(void)
{
    static const scene_change rows[] = {
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
        { "tck-id-payloads-sequence-num-always-included tck-id-payloads-sequence-num-req-nbirth tck-id-payloads-nbirth-seq",
          nbirth_seq_missing },
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
          "tck-id-message-flow-edge-node-birth-publish-nbirth-qos tck-id-message-flow-device-birth-publish-dbirth-qos",
          delivered_at_qos_1 },
        { "tck-id-payloads-nbirth-retain tck-id-payloads-dbirth-retain tck-id-payloads-ndata-retain tck-id-payloads-ddata-retain "
          "tck-id-message-flow-edge-node-birth-publish-nbirth-retained tck-id-message-flow-device-birth-publish-dbirth-retained",
          delivered_retained },
        { "tck-id-message-flow-edge-node-birth-publish-will-message-qos tck-id-payloads-ndeath-will-message-qos", will_qos_0 },
        { "tck-id-message-flow-edge-node-birth-publish-will-message-will-retained tck-id-payloads-ndeath-will-message-retain",
          will_retained },
        { "tck-id-message-flow-edge-node-birth-publish-will-message-payload-bdSeq", will_without_bdseq },
        { "tck-id-message-flow-edge-node-birth-publish-will-message-payload-bdSeq", will_bdseq_typed_uint64 },
        { "tck-id-payloads-ndeath-bdseq", ndeath_of_another_session },
        { "tck-id-topics-ndeath-payload", ndeath_empty },
        { "tck-id-topics-nbirth-bdseq-included tck-id-payloads-nbirth-bdseq tck-id-message-flow-edge-node-birth-publish-nbirth-payload-bdSeq",
          nbirth_without_bdseq },
        { "tck-id-topics-nbirth-bdseq-matching tck-id-payloads-nbirth-bdseq-repeat tck-id-operational-behavior-data-commands-rebirth-action-3",
          nbirth_bdseq_8 },
        { "tck-id-topics-nbirth-rebirth-metric tck-id-payloads-nbirth-rebirth-req tck-id-operational-behavior-data-commands-rebirth-name",
          nbirth_without_rebirth },
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
        { "tck-id-operational-behavior-data-publish-nbirth-values", neither_value_nor_null },
        { "tck-id-operational-behavior-data-publish-dbirth-values", null_with_value },
        { "tck-id-case-sensitivity-metric-names", names_differ_by_case },
        { "tck-id-operational-behavior-data-publish-nbirth tck-id-topics-nbirth-metric-reqs", node_data_not_born },
        { "tck-id-operational-behavior-data-publish-nbirth", node_data_of_the_device },
        { "tck-id-operational-behavior-data-publish-dbirth tck-id-topics-dbirth-metric-reqs", device_data_not_born },
        { "tck-id-operational-behavior-data-publish-nbirth-order", not_chronological },
        { "tck-id-operational-behavior-data-publish-dbirth-order", device_not_chronological },
    };
    scene_expect(rows, PT_COUNT_OF(rows));
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
        findings f = scene_play(&s, orders[i].script);
        CHECK_ROW(orders[i].rule, findings_have(f.rules, pt_cstr(orders[i].rule)));
        CHECK_ROW(orders[i].rule, (f.advice > 0) == orders[i].advice);
    }
}

static void a_rebirth_starts_anew_and_a_device_may_come_back(void)
{
    scene s;
    scene_init(&s);
    findings f = scene_play(&s, "wNDNDN");
    CHECK_STR(pt_cstr(f.rules), "");
    s.ddeath.seq = 2;
    f = scene_play(&s, "wNDe");
    CHECK_STR(pt_cstr(f.rules), "");
    f = scene_play(&s, "wNDC"); /* tck-id-payloads-template-instance-members-data: a part of the members is enough in DATA */
    CHECK_STR(pt_cstr(f.rules), "");
    s.ndata[0] = s.node[4];
    s.ndata[0].flags = SPB_HAS_NAME | SPB_HAS_TIMESTAMP;
    spb_template part = s.inst;
    part.n_metrics = 1;
    part.n_parameters = 0;
    s.ndata[0].value.tmpl = &part;
    f = scene_play(&s, "wNDn");
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
