/* tests/host/cli/verb_nodes_test.c */
#include "tests/host/cli/plant.h"
#include "tests/host/cli/scripted_host.h"
#include "tests/host/cli/verb.h"

static void help_and_wrong_calls(void)
{
    static const wrong_call rows[] = { { { "nodes", "x" }, "no argument is expected, but 'x' was given" },
                                       { { "nodes", "--frob" }, "unknown option '--frob'" } };
    check_help(&cli_verb_nodes);
    check_wrong_calls(rows, PT_COUNT_OF(rows));
    CHECK_HOST_ABSENT("nodes");
    CHECK_HOST_ABSENT("nodes", "--json");
}

static void a_node_and_its_device_are_online_in_the_contracts_shape(void)
{
    outcome o = CLI("nodes", "--json");
    CHECK_CODE(o, 0);
    json_t *v = outcome_json(&o), *node = json_array_get(v, 0), *device = json_array_get(json_object_get(node, "devices"), 0);
    CHECK_INT(json_array_size(v), 1);
    check_shape(
        node,
        "group:s edge:s state:s since_ms:i bd_seq:i seq:i metrics:i last_message_ms:i rebirths:o seq_gaps:i duplicates:i samples:o devices:a");
    check_shape(json_object_get(node, "rebirths"), "requested:i last_cause:s? last_ms:i?");
    check_shape(json_object_get(node, "samples"), "received:i stored:i historical:i duplicate:i rejected:i");
    check_shape(device, "device:s state:s since_ms:i metrics:i");
    CHECK_STR(pt_cstr(cli_str(node, "group")), "G");
    CHECK_STR(pt_cstr(cli_str(node, "edge")), "e");
    CHECK_STR(pt_cstr(cli_str(node, "state")), "online");
    CHECK_STR(pt_cstr(cli_str(device, "device")), "filler");
    CHECK_STR(pt_cstr(cli_str(device, "state")), "online");
    CHECK_INT(cli_i64(device, "metrics"), 5);
    CHECK(cli_i64(json_object_get(node, "samples"), "received") > 0);
    json_decref(v);
    outcome_release(&o);
}

static void the_table_has_a_line_for_the_node_and_one_for_its_device(void)
{
    outcome o = CLI("nodes");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "NODE      STATE   SINCE ");
    CHECK_SAYS(o.out, "LAST HEARD ");
    CHECK_SAYS(o.out, "\nG/e       online  20");
    CHECK_SAYS(o.out, "\n  filler  online  20");
    outcome_release(&o);
}

static void tables_are_aligned_and_harmless(void)
{
    outcome o = SCRIPTED("nodes");
    CHECK_INT(o.code, 0);
    CHECK_STR(pt_buf_view(&o.out),
              "NODE      STATE     SINCE                     LAST HEARD                BDSEQ  SEQ  METRICS  REBIRTHS  LAST CAUSE  GAPS  "
              "DUPLICATES  RECEIVED  STORED  HISTORICAL  REJECTED\n"
              "g/e       doubtful  2025-11-22T22:03:12.123Z  2025-11-22T22:03:13.000Z      3   17       42         1  seq-gap        2  "
              "         0       100      98           1         1\n"
              "  d?[31m  offline   -                                                                    20\n");
    outcome_release(&o);
    o = SCRIPTED("nodes", "--json"); /* as the host said it */
    CHECK_STR(pt_buf_view(&o.out), NODES "\n");
    outcome_release(&o);
}

static void a_killed_node_is_offline_with_its_devices(void)
{
    outcome o;
    CHECK_INT(plant_end(PLANT_EDGE, SIGKILL), 128 + SIGKILL);
    CHECK(UNTIL(is_offline, &o, "nodes"));
    json_t *v = outcome_json(&o), *device = json_array_get(json_object_get(json_array_get(v, 0), "devices"), 0);
    CHECK_STR(pt_cstr(cli_str(device, "state")), "offline");
    json_decref(v);
    outcome_release(&o);
    plant_start(PLANT_EDGE);
    CHECK(UNTIL(is_online, &o, "nodes"));
    outcome_release(&o);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(help_and_wrong_calls),
        PT_TEST(a_node_and_its_device_are_online_in_the_contracts_shape),
        PT_TEST(the_table_has_a_line_for_the_node_and_one_for_its_device),
        PT_TEST(tables_are_aligned_and_harmless),
        PT_TEST(a_killed_node_is_offline_with_its_devices),
    };
    return plant_main("host/cli/verb_nodes", tests, PT_COUNT_OF(tests), argc, argv);
}
