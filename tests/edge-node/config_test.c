/* edge.yaml: faults with their place, the reference, what needs a restart. */
#include "tests/edge-node/load.h"

static void faults_name_line_column_and_reason(void)
{
    static const struct {
        const char *text, *want; /* want: "line:column: part of the message" */
        const char *part;
    } rows[] = {
        { HEAD "devices:\n  - { id: d, driver: sim, tags: [ { name: A, type: Float, deadbnd: 1 } ] }\n", ":5:", "deadbnd" },
        { HEAD "devices:\n  - { id: d, driver: simm }\n", ":5:22: ", "no driver 'simm'" },
        { HEAD "devices:\n  - { id: d, driver: sim, tags: [ { name: A, type: Flaot } ] }\n", ":5:", "'Flaot' is no datatype" },
        { HEAD "devices:\n  - { id: d, driver: sim, poll: 5 }\n", ":5:", "poll" },
        { HEAD "devices:\n  - { id: d/x, driver: sim }\n", ":5:", "d/x" },
        { HEAD "devices:\n  - { id: d, driver: sim }\n  - { id: D, driver: sim }\n", ":6:", "case" },
        { HEAD "devices:\n  - { id: d, driver: sim, tags: [ { name: A, type: Float, scan: fast } ] }\n", ":5:", "no scan class 'fast'" },
        { HEAD "devices:\n  - { id: d, driver: sim, tags: [ { name: A, type: Float, deadband: 1, exc_dev: 1 } ] }\n",
          ":5:", "exclude each other" },
        { HEAD "devices:\n  - { id: d, driver: sim, tags: [ { name: A, type: Float, deadband_percent: 1 } ] }\n",
          ":5:", "needs low and high" },
        { HEAD "devices:\n  - { id: d, driver: sim, tags: [ { name: A, type: Float, low: 5, high: 1 } ] }\n",
          ":5:", "low must be below high" },
        { HEAD "devices:\n  - { id: d, driver: sim, tags: [ { name: A, type: Float, scale: 0 } ] }\n", ":5:", "scale must not be 0" },
        { HEAD "devices:\n  - { id: d, driver: sim, tags: [ { name: A, type: Float }, { name: a, type: Float } ] }\n", ":1:1",
          "differ in case only" },
        { HEAD "devices:\n  - id: d\n    driver: modbus-tcp\n    address: 10.0.0.1\n    tags:\n      - { name: A, type: Float }\n",
          ":9:", "register is missing" },
        { HEAD
          "devices:\n  - id: d\n    driver: modbus-tcp\n    address: 10.0.0.1\n    tags:\n      - { name: A, type: Float, register: 'holding:70000' }\n",
          ":9:", "0 to 65535" },
        { HEAD
          "devices:\n  - id: d\n    driver: modbus-tcp\n    address: 10.0.0.1\n    tags:\n      - { name: A, type: Float, register: 'coil:7' }\n",
          ":9:", "Boolean" },
        { HEAD
          "devices:\n  - id: d\n    driver: modbus-tcp\n    address: 10.0.0.1\n    tags:\n      - { name: A, type: Int16, register: 'input:7', write: true }\n",
          ":9:", "inputs cannot be written" },
        { HEAD "devices:\n  - { id: d, driver: modbus-tcp, address: 'host:0' }\n", ":5:", "host:port" },
        { HEAD "devices:\n  - { id: d, driver: modbus-tcp }\n", ":5:", "address is missing" },
        { HEAD "devices:\n  - { id: d, driver: sim, tags: [ { name: M, type: Template, template: T } ] }\n", ":5:", "no template 'T'" },
        { HEAD "templates:\n  - { name: T, members: [ { name: x, type: Template, template: T } ] }\n", ":5:", "not defined before it" },
        { "version: 1\nnode: { group: a/b, id: E }\nmqtt: { servers: ['tcp://127.0.0.1:1'] }\n", ":2:", "group" },
        { "version: 2\nnode: { group: a, id: E }\nmqtt: { servers: ['tcp://127.0.0.1:1'] }\n", ":1:", "version" },
        { "version: 1\nnode: { group: a, id: E }\n", "", "mqtt" },
        { HEAD "nodde: 1\n", ":4:1: ", "nodde" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        loaded l = load(rows[i].text);
        char *text = pt_slice_dup(pt_buf_view(&l.faults));
        char row[200];
        snprintf(row, sizeof row, "%s -> %.120s", rows[i].part, text ? text : "");
        CHECK_ROW(row, l.st == PT_EMALFORMED || l.st == PT_EEXISTS || l.st == PT_EINVAL);
        CHECK_ROW(row, text && strncmp(text, l.path, strlen(l.path)) == 0 && strstr(text, rows[i].part) && strstr(text, rows[i].want));
        free(text);
        unload(&l);
    }
}

static void all_faults_of_a_file_are_told_at_once(void)
{
    loaded l =
        load(HEAD "devices:\n  - { id: d, driver: sim, tags: [ { name: A, type: X }, { name: B, type: Y } ] }\n  - { id: e, driver: z }\n");
    char *text = pt_slice_dup(pt_buf_view(&l.faults));
    CHECK(text && strstr(text, "'X'") && strstr(text, "'Y'") && strstr(text, "'z'"));
    free(text);
    unload(&l);
}

static void every_key_is_documented(void)
{
    pt_buf out;
    pt_buf_init(&out, 1 << 20);
    edge_config_document(&out);
    pt_buf_char(&out, 0);
    CHECK_OK_FATAL(pt_buf_status(&out));
    static const char *const keys[] = { "primary_host", "rebirth_debounce", "max_age", "deadband_percent", "tags_file", "write_low" };
    for (size_t i = 0; i < PT_COUNT_OF(keys); i++)
        CHECK_ROW(keys[i], strstr(out.ptr, keys[i]) != NULL);
    pt_buf_fini(&out);
}

static void every_change_that_needs_a_restart_is_named(void)
{
    static const char *const parts[][3] = {
        /* key, one text, another */
        { "node.id", "node: { group: G, id: A }", "node: { group: G, id: B }" },
        { "mqtt.servers", "mqtt: { servers: ['tcp://a:1'] }", "mqtt: { servers: ['tcp://a:1', 'tcp://b:1'] }" },
        { "mqtt.reconnect_min", "mqtt: { servers: ['tcp://a:1'] }", "mqtt: { servers: ['tcp://a:1'], reconnect_min: 2s }" },
        { "mqtt.reconnect_max", "mqtt: { servers: ['tcp://a:1'] }", "mqtt: { servers: ['tcp://a:1'], reconnect_max: 2s }" },
        { "mqtt.connect_timeout", "mqtt: { servers: ['tcp://a:1'] }", "mqtt: { servers: ['tcp://a:1'], connect_timeout: 2s }" },
        { "mqtt.tls.ca", "mqtt: { servers: ['tcp://a:1'] }", "mqtt: { servers: ['tcp://a:1'], tls: { ca: x.crt } }" },
        { "mqtt.tls.insecure", "mqtt: { servers: ['tcp://a:1'] }", "mqtt: { servers: ['tcp://a:1'], tls: { insecure: true } }" },
        { "sparkplug.primary_host", "sparkplug: { aliases: true }", "sparkplug: { primary_host: h }" },
        { "sparkplug.uint32_encoding", "sparkplug: { aliases: true }", "sparkplug: { uint32_encoding: long }" },
        { "spool.rate, spool.commit_interval", "spool: { dir: d }", "spool: { dir: d, rate: 5, commit_interval: 1s }" },
        { "spool.overflow", "spool: { dir: d }", "spool: { dir: d, overflow: drop-newest }" },
        { "http.listen", "http: { listen: '' }", "http: { listen: '127.0.0.1:8085' }" },
        { "", "devices: []", "devices: [ { id: d, driver: sim, tags: [] } ]" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(parts); i++) {
        loaded l[2];
        for (int k = 0; k < 2; k++) {
            char text[512];
            snprintf(text, sizeof text, "version: 1\n%s%s%s\n", i == 0 ? "" : "node: { group: G, id: E }\n",
                     strncmp(parts[i][0], "mqtt", 4) == 0 ? "" : "mqtt: { servers: ['tcp://a:1'] }\n", parts[i][k + 1]);
            l[k] = load(text);
            CHECK_FATAL(l[k].st == PT_OK);
        }
        pt_buf out;
        pt_buf_init(&out, 4096);
        edge_config_fixed_changes(&l[0].file->c, &l[1].file->c, &out);
        CHECK_STR(pt_buf_view(&out), parts[i][0]);
        pt_buf_reset(&out);
        edge_config_fixed_changes(&l[1].file->c, &l[1].file->c, &out);
        CHECK_INT(out.len, 0);
        pt_buf_fini(&out);
        unload(&l[0]);
        unload(&l[1]);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(faults_name_line_column_and_reason),
        PT_TEST(all_faults_of_a_file_are_told_at_once),
        PT_TEST(every_key_is_documented),
        PT_TEST(every_change_that_needs_a_restart_is_named),
    };
    return pt_test_main("edge-node/config", tests, PT_COUNT_OF(tests), argc, argv);
}
