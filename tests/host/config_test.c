/* host/config.c: every key of host.yaml with its default, its range, and the rules between keys. */
#include "host/config.h"
#include "tests/support/check.h"

#include <stdio.h>

typedef struct loaded {
    host_config config;
    pt_config *cfg;
    pt_buf faults;
    pt_status st;
} loaded;

static void load(loaded *l, const char *yaml)
{
    memset(l, 0, sizeof *l);
    pt_buf_init(&l->faults, 1u << 16);
    l->st = pt_config_load_text("host.yaml", pt_cstr(yaml), host_config_table, &l->config, sizeof l->config, host_config_check, NULL,
                                &l->cfg, &l->faults);
}

static void unload(loaded *l)
{
    uns_map_free(l->config.map);
    pt_config_free(l->cfg);
    pt_buf_fini(&l->faults);
}

static bool has_fault(const loaded *l, const char *text)
{
    return memmem(l->faults.ptr, l->faults.len, text, strlen(text)) != NULL;
}

/* "a.b.c" and a value to "a: { b: { c: VALUE } }". */
static const char *yaml_of(const char *key, const char *value, char *buf, size_t cap)
{
    char tail[8] = "";
    size_t n = (size_t)snprintf(buf, cap, "version: 1\n");
    for (const char *dot; (dot = strchr(key, '.')); key = dot + 1) {
        n += (size_t)snprintf(buf + n, cap - n, "%.*s: { ", (int)(dot - key), key);
        strcat(tail, " }");
    }
    snprintf(buf + n, cap - n, "%s: %s%s\n", key, value, tail);
    return buf;
}

/* Values that are taken, and values that are not; separated by '|'. Behind the key its default, as `plantree-host` without a file has it.
 */
static const struct {
    const char *key, *good, *bad;
} keys[] = {
    { "host.id", "a|plantree|'two words'", "''|a/b|a+b|a#b" },
    { "host.role", "passive|active|primary", "boss|Primary|''" },
    { "host.state", "auto|always|never", "sometimes" },
    { "mqtt.servers", "tcp://h:1|[tcp://h:1]|[ssl://h:1, ws://h:1, wss://h:1]",
      "[]|http://h:1|[tcp://h:1, tcp://]|h:1|tcp://h:0|tcp://h:70000" },
    { "mqtt.version", "3.1.1|5", "4|5.0|3.1" },
    { "mqtt.embedded_broker", "false", "yes|1|maybe" },
    { "mqtt.keep_alive", "1s|30s|1h", "999ms|0s|3601s|30|-1s" },
    { "mqtt.reconnect_min", "10ms|1s|30s", "9ms|0ms|31s|2h" },
    { "mqtt.reconnect_max", "500ms|1h", "9ms|499ms|3601s" },
    { "mqtt.client_id", "abc", "[a]|{ a: b }" },
    { "mqtt.user", "abc", "[a]" },
    { "mqtt.password", "abc|'file:/x'|'env:X'", "[a]" },
    { "mqtt.tls.ca", "/x", "[a]" },
    { "mqtt.tls.cert", "/x", "[a]" },
    { "mqtt.tls.key", "/x", "[a]" },
    { "mqtt.tls.key_password", "x", "[a]" },
    { "mqtt.tls.insecure", "true|false", "no" },
    { "sparkplug.reorder_timeout", "0s|2s|10m", "601s|soon" },
    { "sparkplug.reorder_bytes", "1KiB|4MiB|0B", "-1B|much" },
    { "sparkplug.payload_bytes", "1KiB|256MiB", "1023B|257MiB" },
    { "sparkplug.hold_off", "0s|1m", "61s" },
    { "sparkplug.birth_wait", "0s|10m", "601s" },
    { "sparkplug.silence", "0s|10m|7d", "8d" },
    { "sparkplug.clock_skew", "0s|1m|30d", "much" },
    { "sparkplug.cmd_datatype", "true|false", "1" },
    { "sparkplug.cmd_alias", "true|false", "1" },
    { "sparkplug.uint32_encoding", "int|long", "short" },
    { "sparkplug.legacy_state", "true|false", "1" },
    { "sparkplug.conformance", "true|false", "1" },
    { "sparkplug.rebirth.per_node", "0s|1d", "25h" },
    { "sparkplug.rebirth.max", "0s|1d", "25h" },
    { "sparkplug.rebirth.jitter", "0s|1m", "61s" },
    { "sparkplug.rebirth.global_per_s", "0.01|50|100000", "0|0.009|100001|nan|many" },
    { "sparkplug.limits.nodes", "1|1000000", "0|1000001|1.5|many" },
    { "sparkplug.limits.devices", "1|100000", "0|100001" },
    { "sparkplug.limits.metrics", "1|10000000", "0|10000001" },
    { "data.dir", "/x|x", "''|[a]" },
    { "data.commit_interval", "10ms|1m", "9ms|61s" },
    { "data.synchronous", "full|normal|'off'", "half" },
    { "data.buffer", "1MiB|1GiB", "1023KiB|0B" },
    { "data.pending_memory", "1MiB|4GiB", "1023KiB|0B|big|-1B" },
    { "data.retention.age", "1d|400d", "long" },
    { "data.retention.bytes", "1GiB|5TiB", "big" },
    { "data.change_log.age", "0s|1d", "long" },
    { "data.change_log.bytes", "0B|1GiB", "big|-1B" },
    { "data.deviation", "[]|[ { tags: 'g/**', comp_dev: 0.5 } ]",
      "[ { comp_dev: 1 } ]|[ { tags: '**' } ]|[ { tags: '**', comp_dev: 1, comp_dev_percent: 1 } ]|7" },
    { "uns.escape", "percent", "none" },
    { "uns.on_unmapped", "literal|quarantine|drop", "keep" },
    { "uns.empty", "drop|underscore|reject", "keep" },
    { "uns.vars", "{ site: north }", "[a]" },
    { "uns.tables", "{ lines: { a: b } }", "[a]|{ lines: a }" },
    { "uns.on_collision", "quarantine", "replace" },
    { "uns.on_takeover", "adopt|quarantine", "replace" },
    { "uns.takeover_after", "0|30s|24h", "-1s|25h" },
    { "rules", "[]|[ { id: r, from: { spb: { group: g } }, to: '{group}/{metric...}' } ]",
      "[ { from: { spb: { group: g } } } ]|[ { id: r, to: '{group' } ]|{ a: b }" },
    { "writes.enabled", "true|false", "1" },
    { "writes.confirm_timeout", "100ms|10m", "99ms|601s" },
    { "ingest.shards", "1|64", "0|65" },
    { "ingest.queue", "1MiB|1GiB", "1023KiB" },
    { "ingest.queue_wait", "0s|1m", "61s" },
    { "ingest.full_wait", "0s|1h", "3601s" },
    { "http.connections_per_address", "0|64|1024", "-1|1025|many" },
    { "http.listen", "'127.0.0.1:0'|'0.0.0.0:8080'|'[::1]:8080'", "''|nowhere|'127.0.0.1:70000'" },
    { "version", "1", "0|2|x" },
};

static void every_key_takes_what_is_in_its_range_and_names_the_place_of_what_is_not(void)
{
    char yaml[600], row[300], line[40];
    for (size_t i = 0; i < PT_COUNT_OF(keys); i++) {
        const char *lists[2] = { keys[i].good, keys[i].bad },
                   *last = strrchr(keys[i].key, '.') ? strrchr(keys[i].key, '.') + 1 : keys[i].key;
        bool first_line = strcmp(keys[i].key, "version") == 0, plain = strcmp(keys[i].key, "rules") != 0 &&
                                                                       strcmp(keys[i].key, "uns.tables") != 0 &&
                                                                       strcmp(keys[i].key, "data.deviation") != 0;
        for (int bad = 0; bad < 2; bad++) {
            pt_slice rest = pt_cstr(lists[bad]), one;
            while (rest.ptr && pt_slice_split(&rest, '|', &one)) {
                loaded l;
                char value[200];
                snprintf(value, sizeof value, "%.*s", PT_SLICE_ARGS(one));
                if (first_line) snprintf(yaml, sizeof yaml, "version: %s\n", value);
                else yaml_of(keys[i].key, value, yaml, sizeof yaml);
                load(&l, yaml);
                snprintf(row, sizeof row, "%s: %s -> %.*s", keys[i].key, value, PT_SLICE_ARGS(pt_buf_view(&l.faults)));
                CHECK_ROW(row, (l.st == PT_OK) == !bad);
                CHECK_ROW(row, (l.faults.len == 0) == !bad);
                snprintf(line, sizeof line, "host.yaml:%d:", first_line ? 1 : 2);
                if (bad) CHECK_ROW(row, has_fault(&l, line));
                if (bad && plain) CHECK_ROW(row, has_fault(&l, last) || has_fault(&l, value));
                unload(&l);
            }
        }
    }
}

static unsigned untested(const pt_config_field *table, const char *above)
{
    unsigned n = 0;
    for (const pt_config_field *f = table; f->type != PT_CFG_END; f++) {
        char key[200];
        bool found = false;
        snprintf(key, sizeof key, "%s%s%s", above, *above ? "." : "", f->key);
        CHECK_ROW(key, f->doc && f->doc[0]);
        if (f->type == PT_CFG_SECTION) {
            n += untested(f->sub, key);
            continue;
        }
        for (size_t i = 0; i < PT_COUNT_OF(keys); i++)
            found = found || strcmp(keys[i].key, key) == 0;
        CHECK_ROW(key, found);
        n += !found;
    }
    return n;
}

static void no_key_is_without_a_range_test_and_a_sentence(void)
{
    CHECK_INT(untested(host_config_table, ""), 0);
}

static void without_a_file_everything_has_its_default(void)
{
    loaded l;
    load(&l, "");
    CHECK_STATUS(l.st, PT_OK);
    const host_config *c = &l.config;
    CHECK_STR(pt_cstr(c->host.id), "plantree");
    CHECK_INT(c->host.role, HOST_PASSIVE); /* sends nothing until told to */
    CHECK_INT(c->mqtt.servers.n, 1);
    CHECK_STR(pt_cstr(((const char *const *)c->mqtt.servers.items)[0]), "tcp://127.0.0.1:1883");
    CHECK_INT(c->mqtt.version, 0);
    CHECK_INT(c->mqtt.keep_alive_ms, 30000);
    CHECK_INT(c->mqtt.reconnect_min_ms, 500);
    CHECK_INT(c->mqtt.reconnect_max_ms, 30000);
    CHECK(!c->mqtt.embedded_broker && !c->mqtt.tls.insecure && !c->mqtt.user && !c->mqtt.password);
    CHECK_INT(c->sparkplug.reorder_timeout_ms, 2000);
    CHECK_INT(c->sparkplug.reorder_bytes, 4 << 20);
    CHECK_INT(c->sparkplug.payload_bytes, 16 << 20);
    CHECK_INT(c->sparkplug.hold_off_ms, 1000);
    CHECK_INT(c->sparkplug.birth_wait_ms, 5000);
    CHECK_INT(c->sparkplug.silence_ms, 0);
    CHECK_INT(c->sparkplug.clock_skew_ms, 60000);
    CHECK(c->sparkplug.cmd_datatype && !c->sparkplug.cmd_alias && !c->sparkplug.legacy_state);
    CHECK_INT(c->sparkplug.rebirth.per_node_ms, 5000);
    CHECK_INT(c->sparkplug.rebirth.max_ms, 300000);
    CHECK_INT(c->sparkplug.rebirth.jitter_ms, 100);
    CHECK(c->sparkplug.rebirth.global_per_s > 49.9 && c->sparkplug.rebirth.global_per_s < 50.1);
    CHECK_INT(c->sparkplug.limits.nodes, 20000);
    CHECK_INT(c->data.commit_interval_ms, 250);
    CHECK_INT(c->data.synchronous, 0);
    CHECK_INT(c->data.retention.age_ms, 0);
    CHECK_INT(c->data.retention.bytes, 0);
    CHECK(c->writes.enabled);
    CHECK_INT(c->writes.confirm_ms, 5000);
    CHECK_INT(c->ingest.shards, 2);
    CHECK_STR(pt_cstr(c->http.listen), "127.0.0.1:8080"); /* loopback: nobody else's business until somebody says so */
    unload(&l);
}

static void what_is_given_is_taken(void)
{
    loaded l;
    load(
        &l,
        "version: 1\nhost: { id: control-room, role: primary, state: never }\n"
        "mqtt: { servers: ['tcp://127.0.0.1:1883', 'ssl://b:8883'], version: 5, keep_alive: 5s, tls: { ca: /ca.pem } }\n"
        "sparkplug: { reorder_timeout: 0s, uint32_encoding: long, legacy_state: true, rebirth: { global_per_s: 2.5 }, limits: { devices: 3 } }\n"
        "data: { dir: /d, synchronous: normal, retention: { age: 5y, bytes: 200GiB } }\nwrites: { enabled: false }\ningest: { shards: 4, queue: 1GiB }\n");
    CHECK_STATUS(l.st, PT_OK);
    const host_config c = l.config;
    CHECK_INT(c.host.role, HOST_PRIMARY);
    CHECK_INT(c.host.state, 2);
    CHECK_INT(c.mqtt.servers.n, 2);
    CHECK_INT(c.mqtt.version, 1);
    CHECK_INT(c.mqtt.keep_alive_ms, 5000);
    CHECK_STR(pt_cstr(c.mqtt.tls.ca), "/ca.pem");
    CHECK_INT(c.sparkplug.reorder_timeout_ms, 0);
    CHECK(c.sparkplug.uint32_encoding == 1 && c.sparkplug.legacy_state && c.sparkplug.rebirth.global_per_s > 2.4 &&
          c.sparkplug.rebirth.global_per_s < 2.6);
    CHECK_INT(c.sparkplug.limits.devices, 3);
    CHECK_INT(c.data.synchronous, 1);
    CHECK_INT(c.data.retention.age_ms, INT64_C(5) * 365 * 86400000);
    CHECK_INT(c.data.retention.bytes, INT64_C(200) << 30);
    CHECK(!c.writes.enabled);
    CHECK_INT(c.ingest.queue_bytes, 1 << 30);
    unload(&l);
}

static void keys_that_do_not_go_together_are_named(void)
{
    static const struct {
        const char *yaml, *want, *place;
    } rows[] = {
        { "mqtt: { servers: [tcp://h:1,tcp://h:2,tcp://h:3,tcp://h:4,tcp://h:5,tcp://h:6,tcp://h:7,tcp://h:8,tcp://h:9] }\n",
          "mqtt.servers: give 1 to 8 servers", "host.yaml:1:" },
        { "version: 1\n\nmqtt: { reconnect_min: 5s, reconnect_max: 4s }\n", "mqtt.reconnect_min is larger than mqtt.reconnect_max",
          "host.yaml:3:" },
        { "mqtt: { servers: ['tcp://10.0.0.1:1883'], embedded_broker: true }\n", "the first server must be tcp://127.0.0.1:PORT",
          "host.yaml:1:" },
        { "mqtt: { servers: ['ssl://127.0.0.1:8883'], embedded_broker: true }\n", "the first server must be tcp://127.0.0.1:PORT",
          "host.yaml:1:" },
        { "\nhost: { id: 'a#b' }\n", "host.id:", "host.yaml:2:" },
        { "hots: { id: a }\n", "hots", "host.yaml:1:1" },
        { "host: { id: a, rôle: primary }\n", "r", "host.yaml:1:" },
        { "host: { id: a }\nhost: { id: b }\n", "host", "host.yaml:2:" },
        { "host: [\n", "", "host.yaml:" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        loaded l;
        load(&l, rows[i].yaml);
        CHECK_ROW(rows[i].yaml, l.st != PT_OK);
        CHECK_ROW(rows[i].yaml, has_fault(&l, rows[i].want));
        CHECK_ROW(rows[i].yaml, has_fault(&l, rows[i].place));
        unload(&l);
    }
    loaded l;
    load(&l, "mqtt: { servers: ['tcp://127.0.0.1:1999', 'ssl://far:8883'], embedded_broker: true }\n"); /* only the first is ours */
    CHECK_STATUS(l.st, PT_OK);
    unload(&l);
}

static void all_faults_of_a_file_are_told_at_once(void)
{
    loaded l;
    load(&l, "version: 1\nhost: { role: boss }\nmqtt: { keep_alive: 1ms }\nwrites: { enable: true }\n"); /* keys by themselves */
    CHECK(l.st != PT_OK);
    CHECK(has_fault(&l, "host.yaml:2:") && has_fault(&l, "host.yaml:3:") && has_fault(&l, "host.yaml:4:"));
    unload(&l);
    load(
        &l,
        "version: 1\nhost: { id: a/b }\nmqtt: { reconnect_min: 1h }\nhttp: { listen: nowhere }\nrules: [ { id: r, to: '{' } ]\n"); /* and
                                                                                                                                      what
                                                                                                                                      is
                                                                                                                                      behind
                                                                                                                                      them
                                                                                                                                    */
    CHECK(l.st != PT_OK);
    CHECK(has_fault(&l, "host.yaml:2:") && has_fault(&l, "host.yaml:3:") && has_fault(&l, "host.yaml:4:") && has_fault(&l, "host.yaml:5:"));
    unload(&l);
}

static void rules_become_the_map_that_the_owner_frees(void)
{
    loaded l;
    load(&l, "uns: { vars: { site: north } }\nrules: [ { id: r, from: { spb: { group: g } }, to: '{vars.site}/{metric...}' } ]\n");
    CHECK_STATUS(l.st, PT_OK);
    CHECK(l.config.map != NULL);
    unload(&l);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_key_takes_what_is_in_its_range_and_names_the_place_of_what_is_not),
        PT_TEST(no_key_is_without_a_range_test_and_a_sentence),
        PT_TEST(without_a_file_everything_has_its_default),
        PT_TEST(what_is_given_is_taken),
        PT_TEST(keys_that_do_not_go_together_are_named),
        PT_TEST(all_faults_of_a_file_are_told_at_once),
        PT_TEST(rules_become_the_map_that_the_owner_frees),
    };
    return pt_test_main("host/config", tests, PT_COUNT_OF(tests), argc, argv);
}
