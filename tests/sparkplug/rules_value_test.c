/* tests/sparkplug/rules_value_test.c -- each assertion about property sets, data sets and templates: one change breaks exactly it. */
#include "tests/sparkplug/rules_scene.h"

/* One change each. */
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

static void one_change_breaks_its_rule(void)
{
    static const scene_change rows[] = {
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
        { "tck-id-payloads-template-is-definition tck-id-payloads-template-instance-is-definition tck-id-payloads-template-is-definition-instance",
          is_definition_missing },
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
    };
    scene_expect(rows, PT_COUNT_OF(rows));
}

static void sets_in_sets_are_judged_too(void)
{
    scene s;
    spb_property bad = { .key = PT_LIT("inner"), .wire = SPB_WIRE_INT };
    spb_property_set inner = { &bad, 1, false }, second = { NULL, 0, true };
    spb_property_set both[] = { inner, second };
    spb_property_sets list = { both, 2 };
    scene_init(&s);
    s.props[1] = (spb_property){
        .key = PT_LIT("more"), .has_type = true, .type = SPB_PROPERTYSET, .wire = SPB_WIRE_PROPERTYSET, .value.set = &inner
    };
    findings f = scene_play(&s, SCENE_SESSION);
    CHECK(findings_have(f.rules, PT_LIT("tck-id-payloads-metric-propertyvalue-type-req")) && f.n == 1);
    s.props[1] = (spb_property){
        .key = PT_LIT("more"), .has_type = true, .type = SPB_PROPERTYSETLIST, .wire = SPB_WIRE_PROPERTYSETS, .value.sets = &list
    };
    f = scene_play(&s, SCENE_SESSION);
    CHECK(findings_have(f.rules, PT_LIT("tck-id-payloads-metric-propertyvalue-type-req")));
    CHECK(findings_have(f.rules, PT_LIT("tck-id-payloads-propertyset-keys-array-size")) && f.n == 2);
}

static void a_definition_within_a_template_is_found(void)
{
    scene s;
    spb_template inner = { .has_is_definition = true, .is_definition = true };
    scene_init(&s);
    s.member[1].datatype = s.member_def[1].datatype = SPB_TEMPLATE;
    s.member[1].wire = SPB_WIRE_TEMPLATE;
    s.member[1].value.tmpl = &inner;
    findings f = scene_play(&s, SCENE_SESSION);
    CHECK(findings_have(f.rules, PT_LIT("tck-id-payloads-template-instance-is-definition")));
}

/* No decoder gives such a thing; a caller's own structures might. */
static void templates_nested_without_end_end(void)
{
    scene s;
    spb_template ring = { .template_ref = PT_LIT("MotorT"), .has_is_definition = true };
    scene_init(&s);
    s.member[0].wire = SPB_WIRE_TEMPLATE;
    s.member[0].value.tmpl = &ring;
    ring.metrics = s.member;
    ring.n_metrics = 1;
    findings f = scene_play(&s, "wN");
    CHECK(findings_have(f.rules, PT_LIT("tck-id-payloads-template-instance-members-birth")));
}

static void an_instance_that_names_a_member_twice_still_lacks_the_other(void)
{
    scene s;
    scene_init(&s);
    s.member[1].name = s.member[0].name;
    findings f = scene_play(&s, SCENE_SESSION);
    CHECK(findings_have(f.rules, PT_LIT("tck-id-payloads-template-instance-members-birth")));
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(one_change_breaks_its_rule),
        PT_TEST(sets_in_sets_are_judged_too),
        PT_TEST(a_definition_within_a_template_is_found),
        PT_TEST(templates_nested_without_end_end),
        PT_TEST(an_instance_that_names_a_member_twice_still_lacks_the_other),
    };
    return pt_test_main("sparkplug/rules_value", tests, PT_COUNT_OF(tests), argc, argv);
}
