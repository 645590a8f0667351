/* NCMD and DCMD: rebirths, writes and their refusals, members of templates. */
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

static spb_metric write_metric(const char *name, spb_wire wire, spb_wire_value v)
{
    return (spb_metric){ .name = pt_cstr(name), .flags = SPB_HAS_NAME, .wire = (uint8_t)wire, .value = v };
}

static const spb_payload *born(void)
{
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    rig_connect(r);
    rig_next(r);
    return rig_decode(r, rig_next(r));
}

static edge_model *model(void)
{
    open_rig();
    edge_model *m = rig_model(r, NULL);
    CHECK_OK_FATAL(edge_model_device(m, "d", &r->device, NULL));
    return m;
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

static void a_rebirth_command_gives_births_with_the_same_bdseq(void)
{
    static const char *const forms[] = { "121a0a144e6f646520436f6e74726f6c2f52656269727468200b7001", /* V7: as the Java TCK sends it */
                                         "0880d095ffbc3112210a144e6f646520436f6e74726f6c2f526562697274681880d095ffbc31200b7001" };
    for (size_t i = 0; i < PT_COUNT_OF(forms); i++) {
        char raw[128];
        open_rig();
        r->has_stored = true;
        r->stored = 255;
        rig_start(r);
        edge_node_device_online(r->node, r->device);
        rig_connect(r);
        rig_set(r, r->count, rig_i64(5));
        edge_node_poll(r->node);
        rig_skip(r);
        edge_node_receive(r->node, PT_LIT("spBv1.0/G/NCMD/E"), pt_unhex(forms[i], raw, sizeof raw), false);
        const rig_message *m = rig_next(r);
        CHECK_INT(m->verb, SPB_NBIRTH);
        const spb_payload *p = rig_decode(r, m);
        CHECK(p->seq == 0 && rig_metric(p, "bdSeq")->value.u64 == 255);
        CHECK(!rig_metric(p, "Node Control/Rebirth")->value.boolean);
        CHECK_INT(rig_next(r)->verb, SPB_DBIRTH);
        CHECK(rig_next(r) == NULL); /* no NDEATH, no reconnect */
        CHECK_INT(r->disconnects, 0);
        rig_fini(r);
    }
}

static void false_or_foreign_rebirth_commands_are_ignored(void)
{
    open_rig();
    rig_start(r);
    rig_connect(r);
    rig_skip(r);
    rig_ncmd_bool(r, "Node Control/Rebirth", false);
    rig_ncmd_bool(r, "node control/rebirth", true);
    char raw[64];
    pt_slice good = pt_unhex("121a0a144e6f646520436f6e74726f6c2f52656269727468200b7001", raw, sizeof raw);
    edge_node_receive(r->node, PT_LIT("spBv1.0/G/NCMD/F"), good, false);
    edge_node_receive(r->node, PT_LIT("spBv1.0/H/NCMD/E"), good, false);
    edge_node_receive(r->node, PT_LIT("spBv1.0/G/NDATA/E"), good, false);
    edge_node_receive(r->node, PT_LIT("nonsense"), good, false);
    CHECK(rig_next(r) == NULL);
    rig_fini(r);
}

static void writes_reach_the_application_only_when_they_are_right(void)
{
    open_rig();
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    rig_connect(r);
    rig_skip(r);
    spb_metric good = write_metric("Name", SPB_WIRE_STRING, (spb_wire_value){ .bytes = PT_LIT("batch 7") });
    rig_command(r, "filler", &good, 1);
    CHECK_INT(r->commands, 1);
    CHECK_INT(r->command.metric, r->name);
    CHECK_STR(r->command_value.as.bytes, "batch 7");
    CHECK(rig_next(r) == NULL); /* nothing is echoed by itself */
    spb_metric by_alias = {
        .alias = rig_alias_of(r, r->flag), .flags = SPB_HAS_ALIAS, .wire = SPB_WIRE_BOOL, .value = { .boolean = true }
    };
    rig_command(r, "filler", &by_alias, 1);
    CHECK_INT(r->commands, 2);
    CHECK_INT(r->command.metric, r->flag);
    spb_metric bad[] = {
        write_metric("Temp", SPB_WIRE_DOUBLE, (spb_wire_value){ .f64 = 1 }),                /* not writable */
        write_metric("Nothing", SPB_WIRE_DOUBLE, (spb_wire_value){ .f64 = 1 }),             /* unknown */
        write_metric("Flag", SPB_WIRE_STRING, (spb_wire_value){ .bytes = PT_LIT("true") }), /* type */
        write_metric("Flag", SPB_WIRE_NONE, (spb_wire_value){ .u64 = 0 }),                  /* no value */
        write_metric("Name", SPB_WIRE_STRING, (spb_wire_value){ .bytes = PT_LIT("0123456789012345678901234567890123456789") }),
        write_metric("Name", SPB_WIRE_STRING, (spb_wire_value){ .bytes = PT_LIT("\xc3\x28") }), /* not UTF-8 */
        write_metric("bdSeq", SPB_WIRE_LONG, (spb_wire_value){ .u64 = 1 }),
    };
    rig_command(r, "filler", bad, PT_COUNT_OF(bad));
    rig_command(r, "nobody", &good, 1);
    rig_command(r, NULL, &good, 1); /* a device's metric in an NCMD */
    CHECK_INT(r->commands, 2);
    edge_node_device_offline(r->node, r->device);
    rig_command(r, "filler", &good, 1); /* commands for an offline device are ignored */
    CHECK_INT(r->commands, 2);
    edge_node_stats s;
    edge_node_stats_get(r->node, &s);
    CHECK(s.commands == 2 && s.commands_refused == 10);
    rig_fini(r);
}

static void a_written_value_goes_out_when_it_changed_something(void)
{
    open_rig();
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    rig_set(r, r->flag, rig_bool(false));
    rig_connect(r);
    edge_node_poll(r->node);
    rig_skip(r);
    rig_set(r, r->flag, rig_bool(false)); /* the write changed nothing */
    edge_node_poll(r->node);
    CHECK(rig_next(r) == NULL);
    rig_set(r, r->flag, rig_bool(true));
    edge_node_poll(r->node);
    CHECK(rig_decode(r, rig_next(r))->metrics[0].value.boolean);
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

/* A reload may come between two metrics of one command: the second one's index would be another tag's. */
static struct {
    edge_model *next;
    uint32_t calls, model;
} swap;

static void replace_model(void *ctx, const edge_command *c)
{
    edge_model *old = NULL;
    swap.calls++;
    swap.model = c->model;
    if (swap.calls == 1) CHECK_OK(edge_node_replace_model(((rig *)ctx)->node, swap.next, &old));
}

static void a_model_that_is_replaced_meanwhile_ends_the_command(void)
{
    open_rig();
    memset(&swap, 0, sizeof swap);
    r->options.command = replace_model;
    r->options.command_ctx = r;
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    rig_connect(r);
    void *first = r->model_memory;
    uint32_t d, x;
    swap.next = rig_model(r, NULL); /* smaller: the old indices are beyond it */
    CHECK_OK(edge_model_device(swap.next, "filler", &d, NULL));
    CHECK_OK(edge_model_metric(swap.next, d, &(edge_metric_def){ .name = "Flag", .type = SPB_BOOLEAN, .writable = true }, &x, NULL));
    CHECK_OK(edge_model_seal(swap.next, NULL, NULL));
    CHECK_INT(edge_node_model_number(r->node), 0);
    spb_metric both[] = { write_metric("Name", SPB_WIRE_STRING, (spb_wire_value){ .bytes = PT_LIT("a") }),
                          write_metric("Flag", SPB_WIRE_BOOL, (spb_wire_value){ .boolean = true }) };
    rig_command(r, "filler", both, 2);
    CHECK_INT(swap.calls, 1);
    CHECK_INT(swap.model, 0);
    CHECK_INT(edge_node_model_number(r->node), 1);
    rig_command(r, "filler", &both[1], 1); /* the next one is the new model's */
    CHECK_INT(swap.calls, 2);
    CHECK_INT(swap.model, 1);
    edge_node_stats s;
    edge_node_stats_get(r->node, &s);
    CHECK(s.commands == 2 && s.commands_refused == 1);
    free(first);
    rig_fini(r);
}

static void a_device_is_born_again_when_a_host_asks_for_it_alone(void)
{
    open_rig();
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    rig_connect(r);
    rig_set(r, r->count, rig_i64(5));
    edge_node_poll(r->node);
    rig_skip(r);
    spb_metric m = write_metric("Device Control/Rebirth", SPB_WIRE_BOOL, (spb_wire_value){ .boolean = false });
    rig_command(r, "filler", &m, 1); /* false: nothing */
    CHECK(rig_next(r) == NULL);
    m.value.boolean = true;
    rig_command(r, "filler", &m, 1);
    const rig_message *b = rig_next(r);
    CHECK_FATAL(b != NULL && b->verb == SPB_DBIRTH);
    CHECK(rig_decode(r, b)->seq == 3 && rig_metric(rig_decode(r, b), "Count")->value.u64 == 5); /* NBIRTH, DBIRTH, DDATA before */
    CHECK(rig_next(r) == NULL);
    rig_fini(r);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_rebirth_command_gives_births_with_the_same_bdseq),    PT_TEST(false_or_foreign_rebirth_commands_are_ignored),
        PT_TEST(writes_reach_the_application_only_when_they_are_right), PT_TEST(a_written_value_goes_out_when_it_changed_something),
        PT_TEST(a_model_that_is_replaced_meanwhile_ends_the_command),   PT_TEST(a_device_is_born_again_when_a_host_asks_for_it_alone),
        PT_TEST(members_can_be_written_through_the_instance),
    };
    return pt_test_main("edge-node/commands", tests, PT_COUNT_OF(tests), argc, argv);
}
