/* A whole node on a fake clock: the messages it publishes, byte by byte where it matters, and their order and numbers. */
#include "tests/edge-node/rig.h"

#include <stdio.h>

static rig *r;
static void open_rig(void)
{
    static rig storage;
    r = &storage;
    rig_init(r);
}

static void the_will_is_the_ndeath_of_this_session(void)
{
    open_rig();
    r->has_stored = true;
    r->stored = 7;
    rig_start(r);
    rig_connect(r);
    CHECK_STR(pt_cstr(r->connect.will_topic), "spBv1.0/G/NDEATH/E");
    CHECK_HEX(r->connect.will_payload, "120b0a05626453657120045807");
    CHECK_INT(r->stored, 8);
    CHECK_INT(r->connect.n_filters, 3);
    CHECK_STR(pt_cstr(r->connect.filters[0]), "spBv1.0/G/NCMD/E");
    CHECK_STR(pt_cstr(r->connect.filters[1]), "spBv1.0/G/DCMD/E/+");
    CHECK_STR(pt_cstr(r->connect.filters[2]), "spBv1.0/G/NDEATH/E");
    rig_fini(r);
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
        CHECK((p->metrics[i].flags & (SPB_HAS_NAME | SPB_HAS_TIMESTAMP | SPB_HAS_DATATYPE)) == (SPB_HAS_NAME | SPB_HAS_TIMESTAMP | SPB_HAS_DATATYPE));
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

static void seq_counts_every_message_and_wraps(void)
{
    open_rig();
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    rig_connect(r);
    for (int i = 0; i < 600; i++) {
        rig_set(r, r->count, rig_i64(i));
        edge_node_poll(r->node);
        if (i % 100 == 50) {
            edge_node_device_offline(r->node, r->device);
            edge_node_device_online(r->node, r->device);
        }
    }
    uint64_t want = 0;
    for (const rig_message *m; (m = rig_next(r)); want = (want + 1) % 256)
        CHECK_INT(rig_decode(r, m)->seq, want);
    rig_fini(r);
}

static void a_message_that_was_not_taken_uses_no_number_and_loses_nothing(void)
{
    open_rig();
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    rig_connect(r);
    edge_node_poll(r->node);
    rig_skip(r);
    r->publish_room = 0;
    for (int i = 0; i < 5; i++) {
        rig_set(r, r->count, rig_i64(i));
        CHECK_INT(edge_node_poll(r->node), 20); /* comes back soon */
    }
    CHECK(rig_next(r) == NULL);
    r->publish_room = UINT32_MAX;
    edge_node_poll(r->node);
    const spb_payload *p = rig_decode(r, rig_next(r));
    CHECK_INT(p->seq, 2);
    CHECK_INT(p->n_metrics, 5);
    rig_fini(r);
}

static void births_that_stop_half_way_begin_again_from_the_nbirth(void)
{
    open_rig();
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    r->publish_room = 1;
    rig_connect(r);
    CHECK_INT(edge_node_state(r->node), EDGE_BIRTHING);
    rig_set(r, r->count, rig_i64(1));
    edge_node_poll(r->node);
    CHECK_INT(rig_next(r)->verb, SPB_NBIRTH);
    CHECK(rig_next(r) == NULL); /* no DATA before the last DBIRTH */
    r->publish_room = UINT32_MAX;
    pt_fake_clock_advance(&r->clock, 100);
    edge_node_poll(r->node);
    const rig_message *m = rig_next(r);
    CHECK(m->verb == SPB_NBIRTH && rig_decode(r, m)->seq == 0);
    m = rig_next(r);
    CHECK(m->verb == SPB_DBIRTH && rig_decode(r, m)->seq == 1);
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

static void devices_come_and_go_with_their_plc(void)
{
    open_rig();
    rig_start(r);
    rig_connect(r);
    edge_node_poll(r->node);
    CHECK_INT(rig_next(r)->verb, SPB_NBIRTH);
    CHECK(rig_next(r) == NULL);
    edge_node_device_online(r->node, r->device);
    const rig_message *m = rig_next(r);
    CHECK(m->verb == SPB_DBIRTH && rig_decode(r, m)->seq == 1);
    rig_set(r, r->count, rig_i64(5));
    edge_node_device_offline(r->node, r->device);
    CHECK_INT(rig_next(r)->verb, SPB_DDATA); /* its last value, then its death */
    m = rig_next(r);
    CHECK_STR(pt_cstr(m->topic), "spBv1.0/G/DDEATH/E/filler");
    CHECK(m->qos == 0 && !m->retain);
    const spb_payload *p = rig_decode(r, m);
    CHECK(p->has_seq && p->seq == 3 && p->has_timestamp && p->n_metrics == 0);
    rig_set(r, r->count, rig_i64(6));
    edge_node_poll(r->node);
    CHECK(rig_next(r) == NULL); /* no DDATA for a dead device */
    edge_node_device_online(r->node, r->device);
    m = rig_next(r);
    CHECK(m->verb == SPB_DBIRTH && rig_metric(rig_decode(r, m), "Count")->value.u64 == 6);
    rig_fini(r);
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

static spb_metric write_metric(const char *name, spb_wire wire, spb_wire_value v)
{
    return (spb_metric){ .name = pt_cstr(name), .flags = SPB_HAS_NAME, .wire = (uint8_t)wire, .value = v };
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
    spb_metric by_alias = { .alias = rig_alias_of(r, r->flag), .flags = SPB_HAS_ALIAS, .wire = SPB_WIRE_BOOL, .value = { .boolean = true } };
    rig_command(r, "filler", &by_alias, 1);
    CHECK_INT(r->commands, 2);
    CHECK_INT(r->command.metric, r->flag);
    spb_metric bad[] = {
        write_metric("Temp", SPB_WIRE_DOUBLE, (spb_wire_value){ .f64 = 1 }),                        /* not writable */
        write_metric("Nothing", SPB_WIRE_DOUBLE, (spb_wire_value){ .f64 = 1 }),                     /* unknown */
        write_metric("Flag", SPB_WIRE_STRING, (spb_wire_value){ .bytes = PT_LIT("true") }),         /* type */
        write_metric("Flag", SPB_WIRE_NONE, (spb_wire_value){ .u64 = 0 }),                          /* no value */
        write_metric("Name", SPB_WIRE_STRING, (spb_wire_value){ .bytes = PT_LIT("0123456789012345678901234567890123456789") }),
        write_metric("Name", SPB_WIRE_STRING, (spb_wire_value){ .bytes = PT_LIT("\xc3\x28") }),     /* not UTF-8 */
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

static void a_stop_ends_with_ddeath_ndeath_disconnect(void)
{
    open_rig();
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    rig_connect(r);
    edge_node_poll(r->node);
    rig_set(r, r->count, rig_i64(5));
    rig_skip(r);
    edge_node_stop(r->node);
    CHECK_INT(rig_next(r)->verb, SPB_DDATA);
    CHECK_INT(rig_next(r)->verb, SPB_DDEATH);
    const rig_message *m = rig_next(r);
    CHECK(m->verb == SPB_NDEATH && m->qos == 1 && !m->retain);
    CHECK_HEX(pt_slice_of(m->bytes, m->len), "120b0a05626453657120045800");
    CHECK(rig_next(r) == NULL);
    CHECK(r->disconnects == 1 && !r->last_again && !r->last_with_will);
    edge_node_lost(r->node, false);
    CHECK_INT(edge_node_state(r->node), EDGE_STOPPED);
    CHECK_STATUS(edge_node_prepare(r->node, &r->connect), PT_ESTATE);
    rig_fini(r);
}

static void without_storage_for_the_bdseq_there_is_no_connect(void)
{
    open_rig();
    r->store_answer = PT_ENOSPC;
    rig_start(r);
    CHECK_STATUS(edge_node_prepare(r->node, &r->connect), PT_ENOSPC);
    r->store_answer = PT_OK;
    CHECK_OK(edge_node_prepare(r->node, &r->connect));
    CHECK_HEX(r->connect.will_payload, "120b0a05626453657120045800");
    rig_fini(r);
}

static void the_primary_hosts_state_opens_and_ends_the_session(void)
{
    open_rig();
    r->options.primary_host = "scada";
    rig_start(r);
    rig_connect(r);
    CHECK_STR(pt_cstr(r->connect.filters[3]), "spBv1.0/STATE/scada");
    CHECK_INT(edge_node_state(r->node), EDGE_WAIT_HOST);
    rig_state(r, "other", true, 5);
    edge_node_receive(r->node, PT_LIT("spBv1.0/STATE/scada"), PT_LIT("{\"online\":\"true\",\"timestamp\":5}"), true);
    edge_node_receive(r->node, PT_LIT("spBv1.0/STATE/scada"), PT_LIT(""), true);
    edge_node_receive(r->node, PT_LIT("STATE/scada"), PT_LIT("ONLINE"), true);
    edge_node_poll(r->node);
    CHECK(rig_next(r) == NULL);
    rig_state(r, "scada", true, 5);
    CHECK_INT(rig_next(r)->verb, SPB_NBIRTH);
    rig_state(r, "other", false, 6);
    CHECK(rig_next(r) == NULL);
    rig_state(r, "scada", false, 5);
    CHECK_INT(rig_next(r)->verb, SPB_NDEATH);
    CHECK(r->disconnects == 1 && r->last_again);
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

static void two_nodes_in_one_process_may_have_devices_of_one_name(void)
{
    static rig first, second;
    rig *both[] = { &first, &second };
    for (int i = 0; i < 2; i++) {
        rig_init(both[i]);
        both[i]->options.node = i ? "E2" : "E1";
        rig_start(both[i]);
        edge_node_device_online(both[i]->node, both[i]->device);
        rig_connect(both[i]);
        rig_skip(both[i]);
    }
    rig_set(&first, first.count, rig_i64(1));
    rig_set(&second, second.count, rig_i64(2));
    for (int i = 0; i < 2; i++) {
        edge_node_poll(both[i]->node);
        const rig_message *m = rig_next(both[i]);
        CHECK_STR(pt_cstr(m->topic), i ? "spBv1.0/G/DDATA/E2/filler" : "spBv1.0/G/DDATA/E1/filler");
        const spb_payload *p = rig_decode(both[i], m);
        CHECK(p->seq == 2 && p->metrics[0].value.u64 == (uint64_t)i + 1);
        rig_fini(both[i]);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(the_will_is_the_ndeath_of_this_session),
        PT_TEST(births_come_first_complete_and_in_order),
        PT_TEST(data_carries_changes_only_by_alias),
        PT_TEST(two_nodes_in_one_process_may_have_devices_of_one_name),
        PT_TEST(node_metrics_go_out_as_ndata),
        PT_TEST(names_and_datatypes_are_sent_when_the_settings_say_so),
        PT_TEST(seq_counts_every_message_and_wraps),
        PT_TEST(a_message_that_was_not_taken_uses_no_number_and_loses_nothing),
        PT_TEST(births_that_stop_half_way_begin_again_from_the_nbirth),
        PT_TEST(values_in_one_message_are_in_order_of_time),
        PT_TEST(devices_come_and_go_with_their_plc),
        PT_TEST(a_rebirth_command_gives_births_with_the_same_bdseq),
        PT_TEST(false_or_foreign_rebirth_commands_are_ignored),
        PT_TEST(writes_reach_the_application_only_when_they_are_right),
        PT_TEST(a_written_value_goes_out_when_it_changed_something),
        PT_TEST(a_stop_ends_with_ddeath_ndeath_disconnect),
        PT_TEST(without_storage_for_the_bdseq_there_is_no_connect),
        PT_TEST(the_primary_hosts_state_opens_and_ends_the_session),
    };
    return pt_test_main("edge-node/node", tests, PT_COUNT_OF(tests), argc, argv);
}
