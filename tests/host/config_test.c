/* tests/host/config_test.c -- host.yaml as a structure: defaults, values, and faults named at their place. */
#include "host/config.h"
#include "tests/support/check.h"

#include <stdlib.h>

static pt_buf faults;

static pt_status load(const char *text, host_config *c, pt_config **cfg)
{
    pt_buf_reset(&faults);
    *cfg = NULL;
    return pt_config_load_text("host.yaml", pt_cstr(text), host_config_table, c, sizeof *c, host_config_check, NULL, cfg, &faults);
}

static void an_empty_file_is_a_passive_host_on_loopback(void)
{
    host_config c;
    pt_config *cfg;
    pt_buf_init(&faults, 1 << 16);
    CHECK_OK_FATAL(load("", &c, &cfg));
    CHECK_INT(c.host.role, HOST_PASSIVE);
    CHECK_STR(pt_cstr(c.host.id), "plantree");
    CHECK_INT(c.mqtt.servers.n, 1);
    CHECK_STR(pt_cstr(((const char *const *)c.mqtt.servers.items)[0]), "tcp://127.0.0.1:1883");
    CHECK_STR(pt_cstr(c.http.listen), "127.0.0.1:8080");
    CHECK(!c.mqtt.embedded_broker && c.writes.enabled && c.sparkplug.cmd_datatype && !c.sparkplug.cmd_alias);
    CHECK_INT(c.sparkplug.reorder_timeout_ms, 2000);
    CHECK_INT(c.sparkplug.rebirth.per_node_ms, 5000);
    CHECK_INT(c.data.commit_interval_ms, 250);
    CHECK_INT(c.data.retention.age_ms, 0);
    CHECK_INT(c.ingest.shards, 2);
    CHECK(c.map != NULL);
    uns_map_free(c.map);
    pt_config_free(cfg);
    pt_buf_fini(&faults);
}

static void what_is_given_is_taken(void)
{
    host_config c;
    pt_config *cfg;
    pt_buf_init(&faults, 1 << 16);
    CHECK_OK_FATAL(load("version: 1\nhost: { id: control-room, role: primary, state: never }\n"
                        "mqtt: { servers: ['tcp://127.0.0.1:1883', 'ssl://b:8883'], version: 5, keep_alive: 5s, tls: { ca: /ca.pem } }\n"
                        "sparkplug: { reorder_timeout: 0s, uint32_encoding: long, legacy_state: true, rebirth: { global_per_s: 2.5 }, limits: { devices: 3 } }\n"
                        "data: { dir: /d, synchronous: normal, retention: { age: 5y, bytes: 200GiB } }\nwrites: { enabled: false }\ningest: { shards: 4, queue: 1GiB }\n",
                        &c, &cfg));
    CHECK_INT(c.host.role, HOST_PRIMARY);
    CHECK_INT(c.host.state, 2);
    CHECK_INT(c.mqtt.servers.n, 2);
    CHECK_INT(c.mqtt.version, 1);
    CHECK_INT(c.mqtt.keep_alive_ms, 5000);
    CHECK_STR(pt_cstr(c.mqtt.tls.ca), "/ca.pem");
    CHECK_INT(c.sparkplug.reorder_timeout_ms, 0);
    CHECK(c.sparkplug.uint32_encoding == 1 && c.sparkplug.legacy_state && c.sparkplug.rebirth.global_per_s == 2.5);
    CHECK_INT(c.sparkplug.limits.devices, 3);
    CHECK_INT(c.data.synchronous, 1);
    CHECK_INT(c.data.retention.age_ms, INT64_C(5) * 365 * 86400000);
    CHECK_INT(c.data.retention.bytes, INT64_C(200) << 30);
    CHECK(!c.writes.enabled);
    CHECK_INT(c.ingest.queue_bytes, 1 << 30);
    uns_map_free(c.map);
    pt_config_free(cfg);
    pt_buf_fini(&faults);
}

static const struct {
    const char *text, *fault;
} rows[] = {
    { "host: { id: 'a/b' }", "host.yaml:1:" },
    { "host: { id: 'a/b' }", "host.id" },
    { "host:\n  id: x\n  role: boss", "host.yaml:3:" },
    { "version: 2", "version" },
    { "unknown: 1", "unknown" },
    { "mqtt: { servers: [] }", "mqtt.servers: give 1 to 8 servers" },
    { "mqtt: { servers: [a, b, c, d, e, f, g, h, i] }", "mqtt.servers" },
    { "mqtt: { servers: ['carrier-pigeon://x'] }", "host.yaml:1:" },
    { "mqtt: { reconnect_min: 2s, reconnect_max: 1s }", "mqtt.reconnect_min is larger" },
    { "mqtt: { servers: ['tcp://broker:1883'], embedded_broker: true }", "mqtt.embedded_broker: the first server must be" },
    { "sparkplug: { reorder_timeout: fast }", "reorder_timeout" },
    { "sparkplug: { rebirth: { global_per_s: 0 } }", "global_per_s" },
    { "data: { commit_interval: 1ms }", "commit_interval" },
    { "data: { dir: '' }", "dir" },
    { "http: { listen: nowhere }", "host.yaml:1:17: listen:" },
    { "rules:\n  - { from: { spb: { group: '{' } }, to: x }", "host.yaml:2:" },
    { "host: { id: a }\nhost: { id: b }", "host.yaml:2:" },
    { "host: [", "host.yaml:" },
};

static void every_fault_is_named_at_its_place(void)
{
    pt_buf_init(&faults, 1 << 16);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        host_config c = { 0 };
        pt_config *cfg;
        pt_status st = load(rows[i].text, &c, &cfg);
        char *text = pt_slice_dup(pt_buf_view(&faults));
        pt_check_at(st != PT_OK && text && strstr(text, rows[i].fault), false, rows[i].text, 0, "%s: %s", pt_status_name(st), text ? text : "");
        free(text);
        uns_map_free(c.map);
        if (st == PT_OK) pt_config_free(cfg);
    }
    pt_buf_fini(&faults);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(an_empty_file_is_a_passive_host_on_loopback), PT_TEST(what_is_given_is_taken), PT_TEST(every_fault_is_named_at_its_place) };
    return pt_test_main("host/config", tests, PT_COUNT_OF(tests), argc, argv);
}
