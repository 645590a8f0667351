/* Births, data and deaths as they are composed, on a fake clock: all datatypes, arrays, DataSets, templates, properties, quality, metadata.
 */
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
    { SPB_UINT64_ARRAY,
      SPB_WIRE_BYTES,
      { .type = SPB_UINT64_ARRAY, .as = { .bytes = { "\x34\0\0\0\0\0\0\0", 8 } } },
      0,
      "3400000000000000" },
    { SPB_FLOAT_ARRAY, SPB_WIRE_BYTES, { .type = SPB_FLOAT_ARRAY, .as = { .bytes = { "\xa4\x70\x9d\x3f", 4 } } }, 0, "a4709d3f" },
    { SPB_DOUBLE_ARRAY,
      SPB_WIRE_BYTES,
      { .type = SPB_DOUBLE_ARRAY, .as = { .bytes = { "\xd7\xa2\x05\x68\x5b\xb5\x28\x40", 8 } } },
      0,
      "d7a205685bb52840" },
    { SPB_BOOLEAN_ARRAY, SPB_WIRE_BYTES, { .type = SPB_BOOLEAN_ARRAY, .as = { .bytes = { "\x0c\0\0\0\x34\xd0", 6 } } }, 0, "0c00000034d0" },
    { SPB_STRING_ARRAY,
      SPB_WIRE_BYTES,
      { .type = SPB_STRING_ARRAY, .as = { .bytes = { "ABC\0hello\0", 10 } } },
      0,
      "4142430068656c6c6f00" },
    { SPB_DATETIME_ARRAY,
      SPB_WIRE_BYTES,
      { .type = SPB_DATETIME_ARRAY, .as = { .bytes = { "\xc7\xd0\x90\x75\x24\x01\x00\x00", 8 } } },
      0,
      "c7d0907524010000" },
};

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

static void value_is(const char *row, const spb_metric *m, size_t i)
{
    char raw[32];
    CHECK_ROW(row, m && m->wire == scalars[i].wire && !(m->flags & SPB_IS_NULL));
    if (!m || m->wire != scalars[i].wire) return;
    if (scalars[i].bytes) CHECK_ROW(row, pt_slice_eq(m->value.bytes, pt_unhex(scalars[i].bytes, raw, sizeof raw)));
    else if (m->wire == SPB_WIRE_INT || m->wire == SPB_WIRE_FLOAT) CHECK_ROW(row, m->value.u32 == (uint32_t)scalars[i].wire_bits);
    else if (m->wire == SPB_WIRE_BOOL) CHECK_ROW(row, m->value.boolean);
    else CHECK_ROW(row, m->value.u64 == scalars[i].wire_bits);
}

static edge_model *templates(uint32_t *instance)
{
    static const spb_value four = { .type = SPB_INT32, .as = { .i64 = 4 } };
    static const edge_parameter_def pole[] = { { "pole", { .type = SPB_INT32, .as = { .i64 = 4 } } },
                                               { "maker", { .type = SPB_STRING, .is_null = true } } };
    static const edge_parameter_def six[] = { { "pole", { .type = SPB_INT32, .as = { .i64 = 6 } } } };
    static const edge_metric_def drive[] = { { .name = "amps", .type = SPB_DOUBLE, .filter = { .deadband = 0.5 } },
                                             { .name = "fault", .type = SPB_BOOLEAN, .writable = true } };
    static const edge_metric_def motor[] = { { .name = "rpm", .type = SPB_INT32, .initial = &four },
                                             { .name = "drive", .type = SPB_TEMPLATE, .tmpl = "DriveT" } };
    edge_model *m = model();
    CHECK_OK_FATAL(edge_model_template(m, &(edge_template_def){ "DriveT", NULL, drive, 2, NULL, 0 }, NULL));
    CHECK_OK_FATAL(edge_model_template(m, &(edge_template_def){ "MotorT", "1", motor, 2, pole, 2 }, NULL));
    CHECK_OK_FATAL(edge_model_metric(
        m, r->device, &(edge_metric_def){ .name = "Motor1", .type = SPB_TEMPLATE, .tmpl = "MotorT", .parameters = six, .n_parameters = 1 },
        instance, NULL));
    return m;
}

static void births_come_first_complete_and_in_order(void)
{
    open_rig();
    rig_start(r);
    rig_set(r, r->temp, rig_f64(10));
    pt_fake_clock_advance(&r->clock, 1000);
    rig_set(r, r->temp, rig_f64(20));
    edge_node_device_online(r->node, r->device);
    rig_connect(r);
    edge_node_poll(r->node);
    const rig_message *m = rig_next(r);
    CHECK_INT(m->verb, SPB_NBIRTH);
    CHECK_STR(pt_cstr(m->topic), "spBv1.0/G/NBIRTH/E");
    CHECK(m->qos == 0 && !m->retain);
    const spb_payload *p = rig_decode(r, m);
    CHECK(p->has_seq && p->seq == 0);
    CHECK(p->has_timestamp && p->timestamp == (uint64_t)pt_wall_ms(&r->clock.clock));
    const spb_metric *bd = rig_metric(p, "bdSeq"), *rb = rig_metric(p, "Node Control/Rebirth"), *up = rig_metric(p, "Uptime");
    CHECK_FATAL(bd && rb && up);
    CHECK(bd->datatype == SPB_INT64 && bd->wire == SPB_WIRE_LONG && bd->value.u64 == 0 && !(bd->flags & SPB_HAS_ALIAS));
    CHECK(rb->datatype == SPB_BOOLEAN && rb->wire == SPB_WIRE_BOOL && !rb->value.boolean && !(rb->flags & SPB_HAS_ALIAS));
    CHECK((up->flags & SPB_IS_NULL) && up->wire == SPB_WIRE_NONE && (up->flags & SPB_HAS_ALIAS));
    for (uint32_t i = 0; i < p->n_metrics; i++)
        CHECK((p->metrics[i].flags & (SPB_HAS_NAME | SPB_HAS_TIMESTAMP | SPB_HAS_DATATYPE)) ==
              (SPB_HAS_NAME | SPB_HAS_TIMESTAMP | SPB_HAS_DATATYPE));
    m = rig_next(r);
    CHECK_STR(pt_cstr(m->topic), "spBv1.0/G/DBIRTH/E/filler");
    CHECK(m->qos == 0 && !m->retain);
    p = rig_decode(r, m);
    CHECK(p->seq == 1 && p->n_metrics == 4);
    const spb_metric *t = rig_metric(p, "Temp");
    CHECK_FATAL(t != NULL);
    CHECK(t->wire == SPB_WIRE_DOUBLE && t->value.f64 == 20 && t->datatype == SPB_DOUBLE);
    for (uint32_t i = 1; i < p->n_metrics; i++)
        CHECK(p->metrics[i - 1].timestamp <= p->metrics[i].timestamp);
    /* what was acquired before the births is history now; what they carried is not said again */
    m = rig_next(r);
    CHECK_INT(m->verb, SPB_DDATA);
    p = rig_decode(r, m);
    CHECK(p->n_metrics == 1 && (p->metrics[0].flags & SPB_IS_HISTORICAL) && p->metrics[0].value.f64 == 10);
    CHECK(rig_next(r) == NULL);
    rig_fini(r);
}

static void data_carries_changes_only_by_alias(void)
{
    open_rig();
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    rig_connect(r);
    edge_node_poll(r->node);
    rig_skip(r);
    rig_set(r, r->temp, rig_f64(20));
    rig_set(r, r->temp, rig_f64(20.4)); /* inside the deadband */
    rig_set(r, r->count, rig_i64(-1));
    rig_set(r, r->count, rig_i64(-1));
    edge_node_poll(r->node);
    const spb_payload *p = rig_decode(r, rig_next(r));
    CHECK(p->seq == 2 && p->has_timestamp && p->n_metrics == 2);
    const spb_metric *t = rig_alias(p, rig_alias_of(r, r->temp)), *c = rig_alias(p, rig_alias_of(r, r->count));
    CHECK_FATAL(t && c);
    CHECK(!(t->flags & SPB_HAS_NAME) && !(t->flags & SPB_HAS_DATATYPE) && (t->flags & SPB_HAS_TIMESTAMP) && t->value.f64 == 20);
    CHECK(c->wire == SPB_WIRE_LONG && c->value.u64 == UINT64_MAX);
    CHECK(rig_next(r) == NULL);
    edge_node_poll(r->node);
    CHECK(rig_next(r) == NULL); /* nothing changed, nothing said */
    rig_set(r, r->temp, rig_f64(20.6));
    edge_node_poll(r->node);
    CHECK(rig_decode(r, rig_next(r))->seq == 3);
    rig_fini(r);
}

static void names_and_datatypes_are_sent_when_the_settings_say_so(void)
{
    open_rig();
    r->options.no_aliases = true;
    r->options.data_datatype = true;
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    rig_connect(r);
    rig_set(r, r->flag, rig_bool(false));
    edge_node_poll(r->node);
    const spb_payload *birth = rig_decode(r, rig_next(r));
    CHECK(!(rig_metric(birth, "Uptime")->flags & SPB_HAS_ALIAS));
    rig_next(r);
    const spb_payload *p = rig_decode(r, rig_next(r));
    CHECK_STR(p->metrics[0].name, "Flag");
    CHECK(p->metrics[0].datatype == SPB_BOOLEAN && p->metrics[0].wire == SPB_WIRE_BOOL && !(p->metrics[0].flags & SPB_HAS_ALIAS));
    rig_fini(r);
}

static void node_metrics_go_out_as_ndata(void)
{
    open_rig();
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    rig_connect(r);
    rig_skip(r);
    uint32_t uptime = edge_node_find(r->node, PT_LIT(""), PT_LIT("Uptime"));
    rig_set(r, uptime, rig_i64(7));
    rig_set(r, uptime, rig_i64(7));
    rig_set(r, r->count, rig_i64(1));
    edge_node_poll(r->node);
    const rig_message *m = rig_next(r);
    CHECK_STR(pt_cstr(m->topic), "spBv1.0/G/NDATA/E");
    CHECK(m->qos == 0 && !m->retain);
    const spb_payload *p = rig_decode(r, m);
    CHECK(p->has_seq && p->seq == 2 && p->has_timestamp && p->n_metrics == 1 && p->metrics[0].value.u64 == 7);
    CHECK(p->timestamp == (uint64_t)pt_wall_ms(&r->clock.clock) && p->metrics[0].timestamp == p->timestamp);
    m = rig_next(r);
    CHECK_STR(pt_cstr(m->topic), "spBv1.0/G/DDATA/E/filler");
    CHECK(m->qos == 0 && !m->retain && rig_decode(r, m)->seq == 3);
    rig_fini(r);
}

static void values_in_one_message_are_in_order_of_time(void)
{
    open_rig();
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    rig_connect(r);
    edge_node_poll(r->node);
    rig_skip(r);
    rig_set(r, r->count, rig_i64(1));
    pt_fake_clock_step_wall(&r->clock, -86400000); /* a clock that steps back starts another message */
    rig_set(r, r->count, rig_i64(2));
    pt_fake_clock_advance(&r->clock, 5);
    rig_set(r, r->count, rig_i64(3));
    edge_node_poll(r->node);
    const spb_payload *a = rig_decode(r, rig_next(r)), *b = rig_decode(r, rig_next(r));
    CHECK_INT(a->n_metrics, 1);
    CHECK_INT(b->n_metrics, 2);
    CHECK(b->metrics[0].timestamp < b->metrics[1].timestamp);
    rig_fini(r);
}

static void every_datatype_travels_in_its_field_in_births_and_data(void)
{
    edge_model *m = model();
    uint32_t metric[PT_COUNT_OF(scalars)];
    for (size_t i = 0; i < PT_COUNT_OF(scalars); i++)
        CHECK_OK_FATAL(edge_model_metric(m, r->device,
                                         &(edge_metric_def){ .name = spb_datatype_name(scalars[i].type),
                                                             .type = scalars[i].type,
                                                             .initial = i % 2 ? &scalars[i].v : NULL },
                                         &metric[i], NULL));
    const spb_payload *p = born();
    for (size_t i = 0; i < PT_COUNT_OF(scalars); i++) {
        const char *name = spb_datatype_name(scalars[i].type);
        const spb_metric *x = rig_metric(p, name);
        CHECK_ROW(name, x && x->datatype == scalars[i].type && (x->flags & SPB_HAS_TIMESTAMP));
        if (i % 2) value_is(name, x, i);
        else CHECK_ROW(name, x && (x->flags & SPB_IS_NULL) && x->wire == SPB_WIRE_NONE);
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
    CHECK(ds->has_num_of_columns && ds->num_of_columns == 2 && ds->n_columns == 2 && ds->n_types == 2 && ds->n_rows == 1 &&
          ds->row_cells[0] == 2);
    CHECK(ds->types[0] == SPB_INT32 && ds->types[1] == SPB_STRING && ds->rows[0][0].wire == SPB_WIRE_INT &&
          ds->rows[0][1].wire == SPB_WIRE_STRING);
    rig_fini(r);
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
    CHECK(p->metrics[1].wire == SPB_WIRE_TEMPLATE && p->metrics[1].datatype == SPB_TEMPLATE && t->has_is_definition && t->is_definition &&
          !t->template_ref.ptr);
    CHECK_STR(t->version, "1");
    CHECK_INT(t->n_metrics, 2);
    CHECK(t->metrics[0].datatype == SPB_INT32 && t->metrics[0].value.u32 == 4);
    CHECK(t->metrics[1].datatype == SPB_TEMPLATE && !t->metrics[1].value.tmpl->is_definition &&
          pt_slice_eq_cstr(t->metrics[1].value.tmpl->template_ref, "DriveT"));
    CHECK_INT(t->n_parameters, 2);
    CHECK(t->parameters[0].has_type && t->parameters[0].type == SPB_INT32 && t->parameters[0].cell.value.u32 == 4 &&
          t->parameters[1].cell.wire == SPB_WIRE_NONE);
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
    CHECK_OK_FATAL(
        edge_model_metric(m, r->device,
                          &(edge_metric_def){ .name = "T", .type = SPB_DOUBLE, .properties = props, .n_properties = 5, .metadata = &md },
                          &temp, NULL));
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
        CHECK(x->properties->items[0].type == SPB_INT32 && x->properties->items[0].wire == SPB_WIRE_INT &&
              x->properties->items[0].value.u32 == rows[i].code);
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

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(births_come_first_complete_and_in_order),
        PT_TEST(data_carries_changes_only_by_alias),
        PT_TEST(names_and_datatypes_are_sent_when_the_settings_say_so),
        PT_TEST(node_metrics_go_out_as_ndata),
        PT_TEST(values_in_one_message_are_in_order_of_time),
        PT_TEST(every_datatype_travels_in_its_field_in_births_and_data),
        PT_TEST(a_dataset_goes_out_whole),
        PT_TEST(definitions_are_in_the_nbirth_and_instances_are_complete_in_births),
        PT_TEST(members_report_by_exception_inside_their_instance),
        PT_TEST(properties_are_in_births_and_quality_wherever_it_is_not_good),
    };
    return pt_test_main("edge-node/compose", tests, PT_COUNT_OF(tests), argc, argv);
}
