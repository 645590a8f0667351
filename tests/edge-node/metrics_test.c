/* Every kind of metric on the wire: all datatypes, arrays, DataSets, templates, properties, quality, metadata; names and limits. */
#include "tests/edge-node/rig.h"

#include <stdio.h>
#include <stdlib.h>

static rig *r;
static void open_rig(void)
{
    static rig storage;
    r = &storage;
    rig_init(r);
}

static edge_model *model(void)
{
    open_rig();
    edge_model *m = rig_model(r, NULL);
    CHECK_OK_FATAL(edge_model_device(m, "d", &r->device, NULL));
    return m;
}

static const spb_payload *born(void)
{
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    rig_connect(r);
    rig_next(r);
    return rig_decode(r, rig_next(r));
}

static const struct {
    spb_datatype type;
    spb_wire wire;
    spb_value v;
    uint64_t wire_bits;
    const char *bytes; /* hex */
} scalars[] = {
    { SPB_INT8, SPB_WIRE_INT, { .type = SPB_INT8, .as = { .i64 = -42 } }, 0xffffffd6u, NULL },
    { SPB_INT16, SPB_WIRE_INT, { .type = SPB_INT16, .as = { .i64 = -30000 } }, 0xffff8ad0u, NULL },
    { SPB_INT32, SPB_WIRE_INT, { .type = SPB_INT32, .as = { .i64 = -1 } }, 0xffffffffu, NULL },
    { SPB_INT64, SPB_WIRE_LONG, { .type = SPB_INT64, .as = { .i64 = -1 } }, UINT64_MAX, NULL },
    { SPB_UINT8, SPB_WIRE_INT, { .type = SPB_UINT8, .as = { .u64 = 255 } }, 255, NULL },
    { SPB_UINT16, SPB_WIRE_INT, { .type = SPB_UINT16, .as = { .u64 = 65535 } }, 65535, NULL },
    { SPB_UINT32, SPB_WIRE_INT, { .type = SPB_UINT32, .as = { .u64 = 4294967295u } }, 4294967295u, NULL },
    { SPB_UINT64, SPB_WIRE_LONG, { .type = SPB_UINT64, .as = { .u64 = UINT64_MAX } }, UINT64_MAX, NULL },
    { SPB_FLOAT, SPB_WIRE_FLOAT, { .type = SPB_FLOAT, .as = { .f32 = 1.5f } }, 0x3fc00000u, NULL },
    { SPB_DOUBLE, SPB_WIRE_DOUBLE, { .type = SPB_DOUBLE, .as = { .f64 = 1.5 } }, 0x3ff8000000000000u, NULL },
    { SPB_BOOLEAN, SPB_WIRE_BOOL, { .type = SPB_BOOLEAN, .as = { .boolean = true } }, 1, NULL },
    { SPB_STRING, SPB_WIRE_STRING, { .type = SPB_STRING, .as = { .bytes = { "a\0b", 3 } } }, 0, "610062" },
    { SPB_DATETIME, SPB_WIRE_LONG, { .type = SPB_DATETIME, .as = { .u64 = 1700000000000 } }, 1700000000000, NULL },
    { SPB_TEXT, SPB_WIRE_STRING, { .type = SPB_TEXT, .as = { .bytes = { "", 0 } } }, 0, "" },
    { SPB_UUID, SPB_WIRE_STRING, { .type = SPB_UUID, .as = { .bytes = { "x", 1 } } }, 0, "78" },
    { SPB_BYTES, SPB_WIRE_BYTES, { .type = SPB_BYTES, .as = { .bytes = { "\x00\xff", 2 } } }, 0, "00ff" },
    { SPB_FILE, SPB_WIRE_BYTES, { .type = SPB_FILE, .as = { .bytes = { "F", 1 } } }, 0, "46" },
    { SPB_INT8_ARRAY, SPB_WIRE_BYTES, { .type = SPB_INT8_ARRAY, .as = { .bytes = { "\xe9\x7b", 2 } } }, 0, "e97b" },
    { SPB_INT16_ARRAY, SPB_WIRE_BYTES, { .type = SPB_INT16_ARRAY, .as = { .bytes = { "\xd0\x8a\x30\x75", 4 } } }, 0, "d08a3075" },
    { SPB_INT32_ARRAY, SPB_WIRE_BYTES, { .type = SPB_INT32_ARRAY, .as = { .bytes = { "\xff\xff\xff\xff", 4 } } }, 0, "ffffffff" },
    { SPB_INT64_ARRAY, SPB_WIRE_BYTES, { .type = SPB_INT64_ARRAY, .as = { .bytes = { "\1\0\0\0\0\0\0\0", 8 } } }, 0, "0100000000000000" },
    { SPB_UINT8_ARRAY, SPB_WIRE_BYTES, { .type = SPB_UINT8_ARRAY, .as = { .bytes = { "\x17\xfa", 2 } } }, 0, "17fa" },
    { SPB_UINT16_ARRAY, SPB_WIRE_BYTES, { .type = SPB_UINT16_ARRAY, .as = { .bytes = { "\x1e\x00\x88\xcc", 4 } } }, 0, "1e0088cc" },
    { SPB_UINT32_ARRAY, SPB_WIRE_BYTES, { .type = SPB_UINT32_ARRAY, .as = { .bytes = { "\x34\0\0\0", 4 } } }, 0, "34000000" },
    { SPB_UINT64_ARRAY, SPB_WIRE_BYTES, { .type = SPB_UINT64_ARRAY, .as = { .bytes = { "\x34\0\0\0\0\0\0\0", 8 } } }, 0, "3400000000000000" },
    { SPB_FLOAT_ARRAY, SPB_WIRE_BYTES, { .type = SPB_FLOAT_ARRAY, .as = { .bytes = { "\xa4\x70\x9d\x3f", 4 } } }, 0, "a4709d3f" },
    { SPB_DOUBLE_ARRAY, SPB_WIRE_BYTES, { .type = SPB_DOUBLE_ARRAY, .as = { .bytes = { "\xd7\xa2\x05\x68\x5b\xb5\x28\x40", 8 } } }, 0, "d7a205685bb52840" },
    { SPB_BOOLEAN_ARRAY, SPB_WIRE_BYTES, { .type = SPB_BOOLEAN_ARRAY, .as = { .bytes = { "\x0c\0\0\0\x34\xd0", 6 } } }, 0, "0c00000034d0" },
    { SPB_STRING_ARRAY, SPB_WIRE_BYTES, { .type = SPB_STRING_ARRAY, .as = { .bytes = { "ABC\0hello\0", 10 } } }, 0, "4142430068656c6c6f00" },
    { SPB_DATETIME_ARRAY, SPB_WIRE_BYTES, { .type = SPB_DATETIME_ARRAY, .as = { .bytes = { "\xc7\xd0\x90\x75\x24\x01\x00\x00", 8 } } }, 0, "c7d0907524010000" },
};

static void value_is(const char *row, const spb_metric *m, size_t i)
{
    char raw[32];
    CHECK_ROW(row, m && m->wire == scalars[i].wire && !(m->flags & SPB_IS_NULL));
    if (!m || m->wire != scalars[i].wire) return;
    if (scalars[i].bytes)
        CHECK_ROW(row, pt_slice_eq(m->value.bytes, pt_unhex(scalars[i].bytes, raw, sizeof raw)));
    else if (m->wire == SPB_WIRE_INT || m->wire == SPB_WIRE_FLOAT)
        CHECK_ROW(row, m->value.u32 == (uint32_t)scalars[i].wire_bits);
    else if (m->wire == SPB_WIRE_BOOL)
        CHECK_ROW(row, m->value.boolean);
    else
        CHECK_ROW(row, m->value.u64 == scalars[i].wire_bits);
}

static void every_datatype_travels_in_its_field_in_births_and_data(void)
{
    edge_model *m = model();
    uint32_t metric[PT_COUNT_OF(scalars)];
    for (size_t i = 0; i < PT_COUNT_OF(scalars); i++)
        CHECK_OK_FATAL(edge_model_metric(m, r->device, &(edge_metric_def){ .name = spb_datatype_name(scalars[i].type), .type = scalars[i].type,
                                                                         .initial = i % 2 ? &scalars[i].v : NULL }, &metric[i], NULL));
    const spb_payload *p = born();
    for (size_t i = 0; i < PT_COUNT_OF(scalars); i++) {
        const char *name = spb_datatype_name(scalars[i].type);
        const spb_metric *x = rig_metric(p, name);
        CHECK_ROW(name, x && x->datatype == scalars[i].type && (x->flags & SPB_HAS_TIMESTAMP));
        if (i % 2)
            value_is(name, x, i);
        else
            CHECK_ROW(name, x && (x->flags & SPB_IS_NULL) && x->wire == SPB_WIRE_NONE);
        if (!(i % 2)) rig_set(r, metric[i], scalars[i].v);
    }
    edge_node_poll(r->node);
    p = rig_decode(r, rig_next(r));
    for (size_t i = 0; i < PT_COUNT_OF(scalars); i += 2)
        value_is(spb_datatype_name(scalars[i].type), rig_alias(p, rig_alias_of(r, metric[i])), i);
    for (size_t i = 0; i < PT_COUNT_OF(scalars); i++)
        rig_set(r, metric[i], (spb_value){ .type = (uint8_t)scalars[i].type, .is_null = true });
    edge_node_poll(r->node);
    p = rig_decode(r, rig_next(r));
    CHECK_INT(p->n_metrics, PT_COUNT_OF(scalars));
    for (uint32_t i = 0; i < p->n_metrics; i++)
        CHECK((p->metrics[i].flags & SPB_IS_NULL) && p->metrics[i].wire == SPB_WIRE_NONE);
    rig_fini(r);
}

static void values_that_do_not_fit_are_refused(void)
{
    edge_model *m = model();
    uint32_t small, text, array;
    CHECK_OK_FATAL(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "small", .type = SPB_INT8 }, &small, NULL));
    CHECK_OK_FATAL(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "text", .type = SPB_STRING, .capacity = 4 }, &text, NULL));
    CHECK_OK_FATAL(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "array", .type = SPB_INT32_ARRAY }, &array, NULL));
    born();
    const struct {
        edge_sample s;
        pt_status want;
    } rows[] = { { { .metric = small, .value = { .type = SPB_INT8, .as = { .i64 = 128 } } }, PT_EINVAL },
                 { { .metric = small, .value = { .type = SPB_INT16, .as = { .i64 = 1 } } }, PT_EINVAL },
                 { { .metric = text, .value = { .type = SPB_STRING, .as = { .bytes = PT_LIT("12345") } } }, PT_ETOOBIG },
                 { { .metric = text, .value = { .type = SPB_STRING, .as = { .bytes = PT_LIT("\xff") } } }, PT_EINVAL },
                 { { .metric = array, .value = { .type = SPB_INT32_ARRAY, .as = { .bytes = PT_LIT("123") } } }, PT_EINVAL },
                 { { .metric = 99999, .value = { .type = SPB_INT8 } }, PT_EINVAL } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++)
        CHECK_STATUS(edge_node_set(r->node, &rows[i].s), rows[i].want);
    rig_fini(r);
}

static void a_dataset_goes_out_whole(void)
{
    edge_model *m = model();
    uint32_t table;
    char bytes[256];
    size_t len = 0;
    pt_slice columns[] = { PT_LIT("n"), PT_LIT("s") };
    uint8_t types[] = { SPB_INT32, SPB_STRING };
    spb_value cells[] = { { .type = SPB_INT32, .as = { .i64 = -5 } }, { .type = SPB_STRING, .as = { .bytes = PT_LIT("a") } } };
    CHECK_OK_FATAL(edge_dataset_encode(&(edge_dataset){ columns, types, 2, 1, cells }, bytes, sizeof bytes, &len));
    CHECK_OK_FATAL(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "t", .type = SPB_DATASET }, &table, NULL));
    born();
    rig_set(r, table, (spb_value){ .type = SPB_DATASET, .as = { .bytes = pt_slice_of(bytes, len) } });
    edge_sample bad = { .metric = table, .value = { .type = SPB_DATASET, .as = { .bytes = PT_LIT("nonsense") } } };
    CHECK_STATUS(edge_node_set(r->node, &bad), PT_EINVAL);
    edge_node_poll(r->node);
    const spb_metric *x = &rig_decode(r, rig_next(r))->metrics[0];
    CHECK_FATAL(x->wire == SPB_WIRE_DATASET);
    const spb_dataset *ds = x->value.dataset;
    CHECK(ds->has_num_of_columns && ds->num_of_columns == 2 && ds->n_columns == 2 && ds->n_types == 2 && ds->n_rows == 1 && ds->row_cells[0] == 2);
    CHECK(ds->types[0] == SPB_INT32 && ds->types[1] == SPB_STRING && ds->rows[0][0].wire == SPB_WIRE_INT && ds->rows[0][1].wire == SPB_WIRE_STRING);
    rig_fini(r);
}

static edge_model *templates(uint32_t *instance)
{
    static const spb_value four = { .type = SPB_INT32, .as = { .i64 = 4 } };
    static const edge_parameter_def pole[] = { { "pole", { .type = SPB_INT32, .as = { .i64 = 4 } } }, { "maker", { .type = SPB_STRING, .is_null = true } } };
    static const edge_parameter_def six[] = { { "pole", { .type = SPB_INT32, .as = { .i64 = 6 } } } };
    static const edge_metric_def drive[] = { { .name = "amps", .type = SPB_DOUBLE, .filter = { .deadband = 0.5 } }, { .name = "fault", .type = SPB_BOOLEAN, .writable = true } };
    static const edge_metric_def motor[] = { { .name = "rpm", .type = SPB_INT32, .initial = &four }, { .name = "drive", .type = SPB_TEMPLATE, .tmpl = "DriveT" } };
    edge_model *m = model();
    CHECK_OK_FATAL(edge_model_template(m, &(edge_template_def){ "DriveT", NULL, drive, 2, NULL, 0 }, NULL));
    CHECK_OK_FATAL(edge_model_template(m, &(edge_template_def){ "MotorT", "1", motor, 2, pole, 2 }, NULL));
    CHECK_OK_FATAL(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "Motor1", .type = SPB_TEMPLATE, .tmpl = "MotorT", .parameters = six, .n_parameters = 1 }, instance, NULL));
    return m;
}

static void definitions_are_in_the_nbirth_and_instances_are_complete_in_births(void)
{
    uint32_t instance;
    templates(&instance);
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    rig_connect(r);
    const spb_payload *p = rig_decode(r, rig_next(r));
    CHECK_STR(p->metrics[0].name, "DriveT"); /* definitions first, the inner one before its user */
    CHECK_STR(p->metrics[1].name, "MotorT");
    const spb_template *t = p->metrics[1].value.tmpl;
    CHECK(p->metrics[1].wire == SPB_WIRE_TEMPLATE && p->metrics[1].datatype == SPB_TEMPLATE && t->has_is_definition && t->is_definition && !t->template_ref.ptr);
    CHECK_STR(t->version, "1");
    CHECK_INT(t->n_metrics, 2);
    CHECK(t->metrics[0].datatype == SPB_INT32 && t->metrics[0].value.u32 == 4);
    CHECK(t->metrics[1].datatype == SPB_TEMPLATE && !t->metrics[1].value.tmpl->is_definition && pt_slice_eq_cstr(t->metrics[1].value.tmpl->template_ref, "DriveT"));
    CHECK_INT(t->n_parameters, 2);
    CHECK(t->parameters[0].has_type && t->parameters[0].type == SPB_INT32 && t->parameters[0].cell.value.u32 == 4 && t->parameters[1].cell.wire == SPB_WIRE_NONE);
    for (uint32_t i = 1; i < p->n_metrics; i++)
        CHECK(p->metrics[i - 1].timestamp <= p->metrics[i].timestamp);
    p = rig_decode(r, rig_next(r));
    for (uint32_t i = 0; i < p->n_metrics; i++)
        CHECK(p->metrics[i].wire != SPB_WIRE_TEMPLATE || !p->metrics[i].value.tmpl->is_definition); /* definitions in NBIRTH only */
    const spb_metric *x = rig_metric(p, "Motor1");
    CHECK_FATAL(x && x->wire == SPB_WIRE_TEMPLATE);
    t = x->value.tmpl;
    CHECK(t->has_is_definition && !t->is_definition && pt_slice_eq_cstr(t->template_ref, "MotorT") && t->n_metrics == 2);
    CHECK_STR(t->metrics[0].name, "rpm");
    CHECK(!(t->metrics[0].flags & SPB_HAS_ALIAS) && t->metrics[0].datatype == SPB_INT32 && (t->metrics[0].flags & SPB_HAS_TIMESTAMP));
    CHECK_INT(t->metrics[1].value.tmpl->n_metrics, 2);
    CHECK(t->parameters[0].cell.value.u32 == 6);
    rig_fini(r);
}

static void members_report_by_exception_inside_their_instance(void)
{
    uint32_t instance;
    edge_model *m = templates(&instance);
    born();
    uint32_t rpm = edge_model_find(m, r->device, PT_LIT("Motor1/rpm")), amps = edge_model_find(m, r->device, PT_LIT("Motor1/drive/amps"));
    CHECK_FATAL(rpm != EDGE_NO_METRIC && amps != EDGE_NO_METRIC);
    rig_set(r, amps, rig_f64(10));
    rig_set(r, rpm, (spb_value){ .type = SPB_INT32, .as = { .i64 = 1500 } });
    edge_node_poll(r->node);
    const spb_payload *p = rig_decode(r, rig_next(r));
    CHECK_INT(p->n_metrics, 1); /* read at one time, sent as one instance */
    CHECK(p->metrics[0].alias == rig_alias_of(r, instance));
    const spb_template *t = p->metrics[0].value.tmpl;
    CHECK(t->has_is_definition && !t->is_definition && pt_slice_eq_cstr(t->template_ref, "MotorT") && t->n_metrics == 2);
    CHECK(t->metrics[0].value.u32 == 1500 && t->metrics[1].value.tmpl->metrics[0].value.f64 == 10);
    rig_set(r, amps, rig_f64(10.4));
    edge_node_poll(r->node);
    CHECK(rig_next(r) == NULL);
    rig_set(r, amps, rig_f64(11));
    edge_node_poll(r->node);
    t = rig_decode(r, rig_next(r))->metrics[0].value.tmpl;
    CHECK(t->n_metrics == 1 && t->metrics[0].value.tmpl->n_metrics == 1); /* a subset of the members */
    rig_fini(r);
}

static void members_can_be_written_through_the_instance(void)
{
    uint32_t instance;
    edge_model *m = templates(&instance);
    born();
    spb_metric fault = { .name = PT_LIT("fault"), .flags = SPB_HAS_NAME, .wire = SPB_WIRE_BOOL, .value = { .boolean = true } };
    spb_template inner = { .template_ref = PT_LIT("DriveT"), .has_is_definition = true, .metrics = &fault, .n_metrics = 1 };
    spb_metric drive = { .name = PT_LIT("drive"), .flags = SPB_HAS_NAME, .wire = SPB_WIRE_TEMPLATE, .value = { .tmpl = &inner } };
    spb_template outer = { .template_ref = PT_LIT("MotorT"), .has_is_definition = true, .metrics = &drive, .n_metrics = 1 };
    spb_metric motor = { .name = PT_LIT("Motor1"), .flags = SPB_HAS_NAME, .wire = SPB_WIRE_TEMPLATE, .value = { .tmpl = &outer } };
    rig_command(r, "d", &motor, 1);
    CHECK_INT(r->commands, 1);
    CHECK_INT(r->command.metric, edge_model_find(m, r->device, PT_LIT("Motor1/drive/fault")));
    spb_metric rpm = { .name = PT_LIT("rpm"), .flags = SPB_HAS_NAME, .wire = SPB_WIRE_INT, .value = { .u32 = 5 } };
    outer.metrics = &rpm;
    rig_command(r, "d", &motor, 1);
    CHECK_INT(r->commands, 1); /* not writable */
    rig_fini(r);
}

static void properties_are_in_births_and_quality_wherever_it_is_not_good(void)
{
    edge_model *m = model();
    uint32_t temp;
    edge_property inner[] = { { .key = PT_LIT("min"), .value = { .type = SPB_INT64, .as = { .i64 = 1 } } } };
    edge_property sets[] = { { .items = inner, .n = 1 }, { .items = inner, .n = 1 } };
    edge_property props[] = { { .key = PT_LIT("engUnit"), .value = { .type = SPB_STRING, .as = { .bytes = PT_LIT("degC") } } },
                              { .key = PT_LIT("engHigh"), .value = { .type = SPB_DOUBLE, .as = { .f64 = 100 } } },
                              { .key = PT_LIT("nothing"), .value = { .type = SPB_INT32, .is_null = true } },
                              { .key = PT_LIT("limits"), .value = { .type = SPB_PROPERTYSET }, .items = inner, .n = 1 },
                              { .key = PT_LIT("list"), .value = { .type = SPB_PROPERTYSETLIST }, .items = sets, .n = 2 } };
    spb_metadata md = { .content_type = PT_LIT("text/plain"), .size = 5, .has_size = true };
    CHECK_OK_FATAL(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "T", .type = SPB_DOUBLE, .properties = props, .n_properties = 5, .metadata = &md }, &temp, NULL));
    const spb_payload *p = born();
    const spb_metric *x = rig_metric(p, "T");
    CHECK_FATAL(x && x->properties && x->metadata);
    CHECK(x->properties->n == 5 && !x->properties->mismatch);
    for (uint32_t i = 0; i < x->properties->n; i++)
        CHECK(x->properties->items[i].has_type);
    CHECK(!spb_property_find(x->properties, PT_LIT("Quality")));
    CHECK(spb_property_find(x->properties, PT_LIT("nothing"))->is_null);
    CHECK_INT(spb_property_find(x->properties, PT_LIT("limits"))->value.set->n, 1);
    CHECK_INT(spb_property_find(x->properties, PT_LIT("list"))->value.sets->n, 2);
    CHECK_STR(x->metadata->content_type, "text/plain");
    static const struct {
        spb_quality q;
        uint32_t code;
    } rows[] = { { SPB_BAD, 0 }, { SPB_STALE, 500 } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        edge_sample s = { .metric = temp, .quality = rows[i].q, .timestamp_ms = pt_wall_ms(&r->clock.clock), .value = rig_f64(20) };
        CHECK_OK(edge_node_set(r->node, &s));
        edge_node_poll(r->node);
        x = &rig_decode(r, rig_next(r))->metrics[0];
        CHECK_FATAL(x->properties && x->properties->n == 1); /* the rest did not change */
        CHECK_STR(x->properties->items[0].key, "Quality");
        CHECK(x->properties->items[0].type == SPB_INT32 && x->properties->items[0].wire == SPB_WIRE_INT && x->properties->items[0].value.u32 == rows[i].code);
    }
    rig_ncmd_bool(r, "Node Control/Rebirth", true);
    rig_next(r);
    x = rig_metric(rig_decode(r, rig_next(r)), "T");
    CHECK(x->properties->n == 6 && spb_property_find(x->properties, PT_LIT("Quality"))->value.u32 == 500);
    edge_sample good = { .metric = temp, .timestamp_ms = pt_wall_ms(&r->clock.clock), .value = rig_f64(20) };
    CHECK_OK(edge_node_set(r->node, &good));
    edge_node_poll(r->node);
    CHECK(rig_decode(r, rig_next(r))->metrics[0].properties == NULL); /* absent means GOOD */
    rig_fini(r);
}

static void names_that_collide_and_ids_that_are_wrong_are_refused_at_load(void)
{
    edge_model *m = model();
    uint32_t x;
    pt_error err = { 0 };
    CHECK_STATUS(edge_model_device(m, "D", &x, &err), PT_EEXISTS); /* differs in case only */
    CHECK_STATUS(edge_model_device(m, "a/b", &x, &err), PT_EINVAL);
    CHECK_STATUS(edge_model_device(m, "a+b", &x, &err), PT_EINVAL);
    CHECK_STATUS(edge_model_device(m, "a#", &x, &err), PT_EINVAL);
    CHECK_STATUS(edge_model_device(m, "", &x, &err), PT_EINVAL);
    CHECK_STATUS(edge_model_device(m, "\xff", &x, &err), PT_EINVAL);
    CHECK_STATUS(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "", .type = SPB_INT8 }, &x, &err), PT_EINVAL);
    CHECK_STATUS(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "p", .type = SPB_PROPERTYSET }, &x, &err), PT_EINVAL);
    CHECK_STATUS(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "p", .type = SPB_UNKNOWN }, &x, &err), PT_EINVAL);
    CHECK_STATUS(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "p", .type = SPB_TEMPLATE, .tmpl = "none" }, &x, &err), PT_EINVAL);
    free(r->model_memory);
    m = rig_model(r, NULL);
    CHECK_OK(edge_model_device(m, "d", &r->device, &err));
    CHECK_OK(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "Temp", .type = SPB_INT8 }, &x, &err));
    CHECK_OK(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "temp", .type = SPB_INT8 }, &x, &err));
    CHECK_STATUS(edge_model_seal(m, NULL, &err), PT_EEXISTS);
    CHECK(strstr(err.text, "Temp") && strstr(err.text, "temp"));
    free(r->model_memory);
    m = rig_model(r, NULL);
    CHECK_OK(edge_model_metric(m, EDGE_NODE_DEVICE, &(edge_metric_def){ .name = "BDSEQ", .type = SPB_INT8 }, &x, &err));
    CHECK_STATUS(edge_model_seal(m, NULL, &err), PT_EEXISTS); /* reserved */
    free(r->model_memory);
    edge_node *n;
    char memory[64];
    rig_model(r, NULL);
    CHECK_OK(edge_model_seal(r->model, NULL, &err));
    static const char *const groups[] = { "", "a/b", "a+", "#", "STATE", "\xc3\x28" };
    for (size_t i = 0; i < PT_COUNT_OF(groups); i++) {
        edge_node_options o = r->options;
        o.group = groups[i];
        CHECK_ROW(groups[i], edge_node_init(memory, sizeof memory, &o, r->model, &n, &err) == PT_EINVAL);
        o.group = "G";
        o.node = i == 4 ? "x/" : groups[i];
        CHECK_ROW(groups[i], edge_node_init(memory, sizeof memory, &o, r->model, &n, &err) == PT_EINVAL);
    }
    free(r->model_memory);
    r->model_memory = NULL;
    pt_arena_fini(&r->arena);
}

static void aliases_are_unique_over_the_whole_node(void)
{
    open_rig();
    edge_model *m = rig_model(r, NULL);
    for (int d = 0; d < 5; d++) {
        char id[8];
        uint32_t device, x;
        snprintf(id, sizeof id, "d%d", d);
        CHECK_OK_FATAL(edge_model_device(m, id, &device, NULL));
        for (int k = 0; k < 20; k++) {
            char name[16];
            snprintf(name, sizeof name, "m%d", k);
            CHECK_OK_FATAL(edge_model_metric(m, device, &(edge_metric_def){ .name = name, .type = SPB_INT8 }, &x, NULL));
        }
    }
    rig_start(r);
    for (uint32_t d = 1; d <= 5; d++)
        edge_node_device_online(r->node, d);
    rig_connect(r);
    bool used[1000] = { false };
    for (const rig_message *msg; (msg = rig_next(r));) {
        const spb_payload *p = rig_decode(r, msg);
        for (uint32_t i = 0; i < p->n_metrics; i++) {
            if (!(p->metrics[i].flags & SPB_HAS_ALIAS)) continue;
            CHECK_FATAL(p->metrics[i].alias < 1000 && !used[p->metrics[i].alias]);
            used[p->metrics[i].alias] = true;
        }
    }
    rig_fini(r);
}

static void limits_are_errors_with_their_names(void)
{
    open_rig();
    pt_error err = { 0 };
    uint32_t x;
    edge_model *m = rig_model(r, &(edge_model_limits){ .devices = 1, .metrics = 2, .templates = 1 });
    CHECK_OK(edge_model_device(m, "a", &x, &err));
    CHECK_STATUS(edge_model_device(m, "b", &x, &err), PT_EFULL);
    CHECK(strstr(err.text, "'devices'") != NULL);
    CHECK_OK(edge_model_metric(m, 1, &(edge_metric_def){ .name = "1", .type = SPB_INT8 }, &x, &err));
    CHECK_OK(edge_model_metric(m, 1, &(edge_metric_def){ .name = "2", .type = SPB_INT8 }, &x, &err));
    CHECK_STATUS(edge_model_metric(m, 1, &(edge_metric_def){ .name = "3", .type = SPB_INT8 }, &x, &err), PT_EFULL);
    CHECK(strstr(err.text, "'metrics'") != NULL);
    char small[4096];
    edge_model *tiny = NULL;
    CHECK_STATUS(edge_model_init(small, sizeof small, NULL, &tiny, &err), PT_ENOMEM);
    free(r->model_memory);
    r->model_memory = NULL;
    pt_arena_fini(&r->arena);
}

static void a_full_ring_drops_the_oldest_and_counts_it(void)
{
    open_rig();
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    for (int i = 0; i < 1000; i++) {
        rig_set(r, r->count, rig_i64(i));
        pt_fake_clock_advance(&r->clock, 1);
    }
    edge_node_stats s;
    edge_node_stats_get(r->node, &s);
    CHECK(s.dropped_ring > 0);
    uint64_t dropped = s.dropped_ring;
    rig_connect(r);
    while (edge_node_poll(r->node) < 1000) {
    }
    uint64_t historical = 0, last = 0;
    for (const rig_message *m; (m = rig_next(r));) {
        if (m->verb != SPB_DDATA) continue;
        const spb_payload *p = rig_decode(r, m);
        for (uint32_t i = 0; i < p->n_metrics; i++) {
            CHECK((p->metrics[i].flags & SPB_IS_HISTORICAL) != 0);
            last = p->metrics[i].value.u64;
            historical++;
        }
    }
    CHECK_INT(historical + dropped, 999); /* the last one was in the birth */
    CHECK_INT(last, 998);
    rig_fini(r);
}

static void a_new_model_takes_over_values_with_births_and_no_reconnect(void)
{
    open_rig();
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    rig_connect(r);
    rig_set(r, r->temp, rig_f64(42));
    edge_node_poll(r->node);
    rig_skip(r);
    void *first = r->model_memory;
    edge_model *before = r->model, *old = NULL;
    edge_model *m = rig_model(r, NULL);
    uint32_t d, x;
    CHECK_OK(edge_model_device(m, "filler", &d, NULL));
    CHECK_OK(edge_model_metric(m, d, &(edge_metric_def){ .name = "Temp", .type = SPB_DOUBLE }, &x, NULL));
    CHECK_OK(edge_model_metric(m, d, &(edge_metric_def){ .name = "New", .type = SPB_INT8 }, &x, NULL));
    CHECK_STATUS(edge_node_replace_model(r->node, m, &old), PT_ESTATE);
    CHECK_OK(edge_model_seal(m, NULL, NULL));
    CHECK_OK(edge_node_replace_model(r->node, m, &old));
    CHECK(old == before);
    free(first);
    CHECK_INT(rig_next(r)->verb, SPB_NBIRTH);
    const spb_payload *p = rig_decode(r, rig_next(r));
    CHECK(rig_metric(p, "Temp")->value.f64 == 42 && (rig_metric(p, "New")->flags & SPB_IS_NULL) && !rig_metric(p, "Count"));
    CHECK_INT(r->disconnects, 0);
    rig_fini(r);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_datatype_travels_in_its_field_in_births_and_data),
        PT_TEST(values_that_do_not_fit_are_refused),
        PT_TEST(a_dataset_goes_out_whole),
        PT_TEST(definitions_are_in_the_nbirth_and_instances_are_complete_in_births),
        PT_TEST(members_report_by_exception_inside_their_instance),
        PT_TEST(members_can_be_written_through_the_instance),
        PT_TEST(properties_are_in_births_and_quality_wherever_it_is_not_good),
        PT_TEST(names_that_collide_and_ids_that_are_wrong_are_refused_at_load),
        PT_TEST(aliases_are_unique_over_the_whole_node),
        PT_TEST(limits_are_errors_with_their_names),
        PT_TEST(a_full_ring_drops_the_oldest_and_counts_it),
        PT_TEST(a_new_model_takes_over_values_with_births_and_no_reconnect),
    };
    return pt_test_main("edge-node/metrics", tests, PT_COUNT_OF(tests), argc, argv);
}
