/* tests/base/config_test.c -- the binder: values, defaults and every fault with its place. */
#include "base/daemon/config.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct tag {
    const char *name;
    double low;
} tag;

typedef struct mqtt {
    pt_config_list servers;
    int64_t keep_alive_ms;
} mqtt;

typedef struct conf {
    int64_t version;
    const char *id;
    int role;
    bool aliases;
    uint64_t bytes;
    mqtt mqtt;
    pt_config_list tags;
    const pt_yaml_node *rules;
} conf;

static const char *const roles[] = { "primary", "active", "passive", NULL };
static const pt_config_field tag_fields[] = {
    { .key = "name", .type = PT_CFG_STRING, .offset = offsetof(tag, name), .required = true, .min = 1, .max = 8, .doc = "Name." },
    { .key = "low", .type = PT_CFG_DOUBLE, .offset = offsetof(tag, low), .def = "1.5", .doc = "Low end." },
    { 0 },
};
static const pt_config_field mqtt_fields[] = {
    { .key = "servers", .type = PT_CFG_STRINGS, .offset = offsetof(mqtt, servers), .def = "tcp://127.0.0.1:1883", .doc = "Brokers." },
    { .key = "keep_alive",
      .type = PT_CFG_DURATION,
      .offset = offsetof(mqtt, keep_alive_ms),
      .def = "30s",
      .min = 1000,
      .max = 3600000,
      .doc = "Keep-alive | seconds." },
    { 0 },
};
static const pt_config_field fields[] = {
    { .key = "version", .type = PT_CFG_INT, .offset = offsetof(conf, version), .required = true, .min = 1, .max = 1, .doc = "Always 1." },
    { .key = "id", .type = PT_CFG_STRING, .offset = offsetof(conf, id), .def = "gw", .doc = "Id." },
    { .key = "role", .type = PT_CFG_ENUM, .offset = offsetof(conf, role), .def = "passive", .names = roles, .doc = "Role." },
    { .key = "aliases", .type = PT_CFG_BOOL, .offset = offsetof(conf, aliases), .def = "true", .doc = "Use aliases." },
    { .key = "bytes",
      .type = PT_CFG_BYTES,
      .offset = offsetof(conf, bytes),
      .def = "512MiB",
      .min = 1048576,
      .max = 1099511627776,
      .doc = "Room." },
    { .key = "mqtt", .type = PT_CFG_SECTION, .offset = offsetof(conf, mqtt), .sub = mqtt_fields, .doc = "The broker." },
    { .key = "tags", .type = PT_CFG_LIST, .offset = offsetof(conf, tags), .sub = tag_fields, .size = sizeof(tag), .doc = "Tags." },
    { .key = "rules", .type = PT_CFG_NODE, .offset = offsetof(conf, rules), .doc = "Rules." },
    { 0 },
};

static void values_and_defaults_are_bound(void)
{
    conf c;
    pt_config *cfg = NULL;
    pt_buf faults;
    pt_buf_init(&faults, 65536);
    CHECK_OK_FATAL(pt_config_load_text("t.yaml",
                                       PT_LIT("version: 1\nrole: primary\nmqtt: { servers: [a, 'b'] }\ntags:\n  - { name: x }\n"
                                              "  - name: y\n    low: -2e3\nrules: [1]\n"),
                                       fields, &c, sizeof c, NULL, NULL, &cfg, &faults));
    CHECK_INT(c.version, 1);
    CHECK_STR(pt_cstr(c.id), "gw");
    CHECK_INT(c.role, 0);
    CHECK(c.aliases);
    CHECK_INT(c.bytes, 512 << 20);
    CHECK_INT(c.mqtt.servers.n, 2);
    CHECK_STR(pt_cstr(((const char **)c.mqtt.servers.items)[1]), "b");
    CHECK_INT(c.mqtt.keep_alive_ms, 30000);
    CHECK_INT(c.tags.n, 2);
    CHECK(((tag *)c.tags.items)[0].low == 1.5);
    CHECK(((tag *)c.tags.items)[1].low == -2000);
    CHECK(c.rules && c.rules->kind == PT_YAML_LIST && c.rules->line == 8);
    CHECK_INT(faults.len, 0);
    pt_config_free(cfg);
    pt_buf_fini(&faults);
}

static void each_fault_names_its_place(void)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "version: 1\nrole: primry\n", "t.yaml:2:7: role: 'primry' is not one of primary, active, passive; did you mean 'primary'?\n" },
        { "version: 1\nmqtt:\n  keep_alve: 30s\n", "t.yaml:3:3: unknown key 'keep_alve'; did you mean 'keep_alive'?\n" },
        { "version: 1\nzzz: 1\n", "t.yaml:2:1: unknown key 'zzz'\n" },
        { "version: 1\nid: a\nid: b\n", "t.yaml:3:1: duplicate key 'id', first given in line 2\n" },
        { "version: one\n", "t.yaml:1:10: version: 'one' is not a whole number\n" },
        { "version: '1'\n", "t.yaml:1:10: version: '1' is not a whole number\n" },
        { "version: 2\n", "t.yaml:1:10: version: 2 is out of range: 1 to 1\n" },
        { "id: a\n", "t.yaml:1:1: missing key 'version'\n" },
        { "", "t.yaml:1:1: missing key 'version'\n" },
        { "version: 1\naliases: yes\n",
          "t.yaml:2:10: plain 'yes' is true or false to some YAML readers: write true or false, or quote it\n" },
        { "version: 1\naliases: 1\n", "t.yaml:2:10: aliases: '1' is neither true nor false\n" },
        { "version: 1\nid:\n", "t.yaml:2:4: id: a value is needed\n" },
        { "version: 1\nid: [a]\n", "t.yaml:2:5: id: a single value is needed, not a list\n" },
        { "version: 1\nmqtt: 7\n", "t.yaml:2:7: mqtt: a group of keys is needed, not a single value\n" },
        { "version: 1\ntags: { a: 1 }\n", "t.yaml:2:7: tags: a list is needed, not a group of keys\n" },
        { "version: 1\ntags: [ 5 ]\n", "t.yaml:2:9: tags: each item is a group of keys, not a single value\n" },
        { "version: 1\ntags: [ { low: 5 } ]\n", "t.yaml:2:9: missing key 'name'\n" },
        { "version: 1\ntags: [ { name: 123456789 } ]\n", "t.yaml:2:17: name: 9 bytes long, allowed are 1 to 8\n" },
        { "version: 1\ntags: [ { name: a, low: .nan } ]\n", "t.yaml:2:25: low: '.nan' is not a number\n" },
        { "version: 1\nmqtt: { keep_alive: 30 }\n",
          "t.yaml:2:21: keep_alive: '30' is no duration: use a number with ms, s, m, h, d, w or y\n" },
        { "version: 1\nmqtt: { keep_alive: 2h }\n", "t.yaml:2:21: keep_alive: 2h is out of range: 1s to 1h\n" },
        { "version: 1\nbytes: many\n", "t.yaml:2:8: bytes: 'many' is no size: use a number with KiB, MiB, GiB, kB, MB, GB or none\n" },
        { "version: 1\nbytes: 5\n", "t.yaml:2:8: bytes: 5 is out of range: 1MiB to 1TiB\n" },
        { "version: 1\nmqtt: { servers: { a: b } }\n", "t.yaml:2:18: servers: a list of texts is needed, not a group of keys\n" },
        { "version: 1\nmqtt: { servers: [ [a] ] }\n", "t.yaml:2:20: servers: a list of texts is needed, but this is a list\n" },
        { "version: 1\nid: a\nid: b\nrol: x\naliases: no\nmqtt: { keep_alive: &a 5 }\n",
          "t.yaml:3:1: duplicate key 'id', first given in line 2\n"
          "t.yaml:4:1: unknown key 'rol'; did you mean 'role'?\n"
          "t.yaml:5:10: plain 'no' is true or false to some YAML readers: write true or false, or quote it\n"
          "t.yaml:6:21: anchors ('&a') are not supported\n"
          "t.yaml:6:21: keep_alive: '5' is no duration: use a number with ms, s, m, h, d, w or y\n" },
        { "[1]\n", "t.yaml:1:1: a group of keys is needed, not a list\n" },
        { "version: x\nid: []\nrol: primary\n",
          "t.yaml:1:10: version: 'x' is not a whole number\nt.yaml:2:5: id: a single value is needed, not a list\n"
          "t.yaml:3:1: unknown key 'rol'; did you mean 'role'?\n" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        conf c;
        pt_config *cfg = NULL;
        pt_buf faults;
        pt_buf_init(&faults, 65536);
        CHECK_STATUS(pt_config_load_text("t.yaml", pt_cstr(rows[i].text), fields, &c, sizeof c, NULL, NULL, &cfg, &faults), PT_EMALFORMED);
        CHECK(cfg == NULL);
        CHECK_STR(pt_buf_view(&faults), rows[i].want);
        pt_buf_fini(&faults);
    }
}

static void cross_check(const pt_yaml *y, void *bound, pt_buf *faults, void *ctx)
{
    const conf *c = bound;
    ++*(int *)ctx;
    if (c->role == 0 && !c->aliases)
        pt_yaml_fault(y, pt_yaml_get(pt_yaml_root(y), "aliases"), faults, "a primary host needs %s", "aliases");
}

static void rules_across_fields_are_the_callers(void)
{
    conf c;
    pt_config *cfg = NULL;
    pt_buf faults;
    int calls = 0;
    pt_buf_init(&faults, 65536);
    CHECK_STATUS(pt_config_load_text("t", PT_LIT("version: 1\nrole: primary\naliases: false\n"), fields, &c, sizeof c, cross_check, &calls,
                                     &cfg, &faults),
                 PT_EMALFORMED);
    CHECK_STR(pt_buf_view(&faults), "t:3:10: a primary host needs aliases\n");
    CHECK_STATUS(pt_config_load_text("t", PT_LIT("version: x\n"), fields, &c, sizeof c, cross_check, &calls, &cfg, &faults), PT_EMALFORMED);
    CHECK_INT(calls, 1); /* not over values that did not bind */
    pt_buf_reset(&faults);
    CHECK_OK_FATAL(pt_config_load_text("t", PT_LIT("version: 1\n"), fields, &c, sizeof c, cross_check, &calls, &cfg, &faults));
    CHECK_STR(pt_cstr(pt_yaml_name(pt_config_yaml(cfg))), "t");
    pt_config_free(cfg);
    pt_config_free(NULL);
    pt_buf_fini(&faults);
}

static void a_subtree_binds_with_a_table_of_its_own(void)
{
    static const char *const theirs[] = { "id", "driver", NULL };
    typedef struct outer {
        const pt_yaml_node *device;
    } outer;
    static const pt_config_field outer_fields[] = {
        { .key = "device", .type = PT_CFG_NODE, .offset = offsetof(outer, device), .doc = "D." }, { 0 }
    };
    outer o;
    tag t = { 0 };
    pt_config *cfg = NULL;
    pt_buf faults;
    pt_buf_init(&faults, 65536);
    CHECK_OK_FATAL(pt_config_load_text("t", PT_LIT("device: { id: 5, driver: x, name: pump, low: 3 }\n"), outer_fields, &o, sizeof o, NULL,
                                       NULL, &cfg, &faults));
    CHECK_OK(pt_config_bind(cfg, o.device, tag_fields, &t, theirs, &faults));
    CHECK_STR(pt_cstr(t.name), "pump");
    CHECK(t.low == 3);
    CHECK_STATUS(pt_config_bind(cfg, o.device, tag_fields, &t, NULL, &faults), PT_EMALFORMED);
    CHECK_STR(pt_buf_view(&faults), "t:1:11: unknown key 'id'\nt:1:18: unknown key 'driver'\n");
    pt_config_free(cfg);
    pt_buf_fini(&faults);
}

static void write_file(const char *path, const char *bytes, size_t n)
{
    FILE *f = fopen(path, "w");
    CHECK_FATAL(f && fwrite(bytes, 1, n, f) == n && fclose(f) == 0);
}

static void secrets_come_from_files_and_the_environment(void)
{
    char path[300], ref[320], *s = NULL;
    pt_error err = { 0 };
    snprintf(path, sizeof path, "%s/secret", pt_test_dir());
    snprintf(ref, sizeof ref, "file:%s", path);
    CHECK_STATUS(pt_config_secret(ref, &s, &err), PT_ENOTFOUND);
    CHECK(strstr(err.text, "No such file"));
    write_file(path, "geheim\r\n", 8);
    CHECK_OK_FATAL(pt_config_secret(ref, &s, &err));
    CHECK_STR(pt_cstr(s), "geheim");
    free(s);
    write_file(path, "two\nlines\n\n", 11);
    CHECK_OK_FATAL(pt_config_secret(ref, &s, &err));
    CHECK_STR(pt_cstr(s), "two\nlines\n"); /* one newline is cut, not all */
    free(s);
    write_file(path, "\n", 1);
    CHECK_STATUS(pt_config_secret(ref, &s, &err), PT_EMALFORMED);
    write_file(path, "a\0b", 3);
    CHECK_STATUS(pt_config_secret(ref, &s, &err), PT_EMALFORMED);
    char *big = calloc(1, 70000);
    CHECK_FATAL(big != NULL);
    memset(big, 'x', 70000);
    write_file(path, big, 65536);
    CHECK_OK_FATAL(pt_config_secret(ref, &s, &err));
    CHECK_INT(strlen(s), 65536);
    free(s);
    write_file(path, big, 65537);
    CHECK_STATUS(pt_config_secret(ref, &s, &err), PT_ETOOBIG);
    free(big);
    setenv("PT_TEST_SECRET", "from env", 1);
    CHECK_OK_FATAL(pt_config_secret("env:PT_TEST_SECRET", &s, &err));
    CHECK_STR(pt_cstr(s), "from env");
    free(s);
    CHECK_STATUS(pt_config_secret("env:PT_TEST_NO_SECRET", &s, &err), PT_ENOTFOUND);
    CHECK_OK_FATAL(pt_config_secret("plain", &s, &err));
    CHECK_STR(pt_cstr(s), "plain");
    free(s);
}

static void check_addresses(const pt_yaml *y, void *bound, pt_buf *faults, void *ctx)
{
    (void)bound;
    pt_config_check_network(y, *(bool *)ctx, faults);
}

static void addresses_that_cannot_work_are_faults(void)
{
    static const pt_config_field table[] = { { .key = "mqtt", .type = PT_CFG_NODE, .doc = "." },
                                             { .key = "http", .type = PT_CFG_NODE, .offset = 8, .doc = "." },
                                             { 0 } };
    static const struct {
        const char *text, *fault;
    } cases[] = {
        { "mqtt: { servers: ['tcp://a:1883', 'ssl://b', 'wss://[::1]:443/mqtt', 'mqtts://h'] }\nhttp: { listen: '[::1]:0' }\n", "" },
        { "mqtt: { servers: 5 }\n", "t:1:18: servers: '5' is no URL of an MQTT server: use tcp://HOST:PORT, or ssl, ws, wss\n" },
        { "mqtt: { servers: ['tcp://a', 'http://b'] }\n",
          "t:1:30: servers: 'http://b' is no URL of an MQTT server: use tcp://HOST:PORT, or ssl, ws, wss\n" },
        { "mqtt: { servers: 'tcp://:1883' }\n", "t:1:18: servers: 'tcp://:1883' has no host\n" },
        { "mqtt: { servers: 'tcp://a:99999' }\n", "t:1:18: servers: 'tcp://a:99999' has no port from 1 to 65535\n" },
        { "http: { listen: here }\n", "t:1:17: listen: 'here' is no address to listen on: use ADDRESS:PORT, say 127.0.0.1:8080\n" },
        { "http: { listen: '' }\n", "t:1:17: listen: '' is no address to listen on: use ADDRESS:PORT, say 127.0.0.1:8080\n" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(cases); i++) {
        const pt_yaml_node *bound[2];
        pt_config *cfg = NULL;
        pt_buf faults;
        pt_buf_init(&faults, 4096);
        bool empty_ok = false;
        pt_status st =
            pt_config_load_text("t", pt_cstr(cases[i].text), table, bound, sizeof bound, check_addresses, &empty_ok, &cfg, &faults);
        CHECK_STR(pt_buf_view(&faults), cases[i].fault);
        CHECK_STATUS(st, *cases[i].fault ? PT_EMALFORMED : PT_OK);
        if (st == PT_OK) pt_config_free(cfg);
        pt_buf_fini(&faults);
    }
    const pt_yaml_node *bound[2];
    pt_config *cfg = NULL;
    pt_buf faults;
    pt_buf_init(&faults, 4096);
    bool empty_ok = true;
    CHECK_OK_FATAL(
        pt_config_load_text("t", PT_LIT("http: { listen: '' }\n"), table, bound, sizeof bound, check_addresses, &empty_ok, &cfg, &faults));
    pt_config_free(cfg);
    pt_buf_fini(&faults);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(values_and_defaults_are_bound),
                                     PT_TEST(each_fault_names_its_place),
                                     PT_TEST(rules_across_fields_are_the_callers),
                                     PT_TEST(a_subtree_binds_with_a_table_of_its_own),
                                     PT_TEST(secrets_come_from_files_and_the_environment),
                                     PT_TEST(addresses_that_cannot_work_are_faults) };
    return pt_test_main("base/config", tests, PT_COUNT_OF(tests), argc, argv);
}
