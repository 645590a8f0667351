/* edge.yaml: faults with their place, what is built from it, tags in CSV, templates. */
#include "edge-node/config.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>

#define HEAD "version: 1\nnode: { group: G, id: E }\nmqtt: { servers: ['tcp://127.0.0.1:1'] }\n"

static char path[300];
static int made;

static const char *write_file(const char *name, const char *text)
{
    static char file[300];
    static const char *dir; /* one for all files, so that they find each other */
    if (!dir) dir = pt_test_dir();
    snprintf(file, sizeof file, "%s/%s", dir, name);
    FILE *f = fopen(file, "w");
    CHECK_FATAL(f != NULL);
    fputs(text, f);
    CHECK_FATAL(fclose(f) == 0);
    return file;
}

typedef struct loaded {
    edge_config_file *file;
    edge_setup *setup;
    pt_buf faults;
    pt_status st;
} loaded;

static loaded load(const char *text)
{
    loaded l = { 0 };
    char name[32];
    pt_buf_init(&l.faults, 1 << 20);
    snprintf(name, sizeof name, "edge%d.yaml", made++);
    snprintf(path, sizeof path, "%s", write_file(name, text));
    l.st = edge_config_load(path, &l.file, &l.faults);
    if (l.st == PT_OK) l.st = edge_setup_build(l.file, NULL, pt_clock_system(), NULL, &l.setup, &l.faults);
    return l;
}

static void unload(loaded *l)
{
    edge_setup_free(l->setup);
    edge_config_free(l->file);
    pt_buf_fini(&l->faults);
}

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
        { HEAD "devices:\n  - { id: d, driver: sim, tags: [ { name: A, type: Float, deadband: 1, exc_dev: 1 } ] }\n", ":5:", "exclude each other" },
        { HEAD "devices:\n  - { id: d, driver: sim, tags: [ { name: A, type: Float, deadband_percent: 1 } ] }\n", ":5:", "needs low and high" },
        { HEAD "devices:\n  - { id: d, driver: sim, tags: [ { name: A, type: Float, low: 5, high: 1 } ] }\n", ":5:", "low must be below high" },
        { HEAD "devices:\n  - { id: d, driver: sim, tags: [ { name: A, type: Float, scale: 0 } ] }\n", ":5:", "scale must not be 0" },
        { HEAD "devices:\n  - { id: d, driver: sim, tags: [ { name: A, type: Float }, { name: a, type: Float } ] }\n", ":1:1", "differ in case only" },
        { HEAD "devices:\n  - id: d\n    driver: modbus-tcp\n    address: 10.0.0.1\n    tags:\n      - { name: A, type: Float }\n", ":9:", "register is missing" },
        { HEAD "devices:\n  - id: d\n    driver: modbus-tcp\n    address: 10.0.0.1\n    tags:\n      - { name: A, type: Float, register: 'holding:70000' }\n", ":9:", "0 to 65535" },
        { HEAD "devices:\n  - id: d\n    driver: modbus-tcp\n    address: 10.0.0.1\n    tags:\n      - { name: A, type: Float, register: 'coil:7' }\n", ":9:", "Boolean" },
        { HEAD "devices:\n  - id: d\n    driver: modbus-tcp\n    address: 10.0.0.1\n    tags:\n      - { name: A, type: Int16, register: 'input:7', write: true }\n", ":9:", "inputs cannot be written" },
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
        CHECK_ROW(row, text && strncmp(text, path, strlen(path)) == 0 && strstr(text, rows[i].part) && strstr(text, rows[i].want));
        free(text);
        unload(&l);
    }
}

static void all_faults_of_a_file_are_told_at_once(void)
{
    loaded l = load(HEAD "devices:\n  - { id: d, driver: sim, tags: [ { name: A, type: X }, { name: B, type: Y } ] }\n  - { id: e, driver: z }\n");
    char *text = pt_slice_dup(pt_buf_view(&l.faults));
    CHECK(text && strstr(text, "'X'") && strstr(text, "'Y'") && strstr(text, "'z'"));
    free(text);
    unload(&l);
}

static void scan_classes_bands_and_properties_reach_the_model(void)
{
    loaded l = load(HEAD "scan_classes: { fast: 50ms }\nproperties: { Site: Osaka, Line: 7 }\ndevices:\n  - id: d\n    driver: sim\n    poll: 2s\n    tags:\n"
                         "      - { name: A, type: Float, scan: fast, low: 0, high: 200, deadband_percent: 1, unit: bar, properties: { limits: { hi: 180 }, owner: me } }\n"
                         "      - { name: B, type: Int32, exc_dev: 2, exc_min: 1s, exc_max: 60s, write: true, low: 0, high: 5, scale: 0.5 }\n");
    CHECK_FATAL(l.st == PT_OK);
    CHECK_INT(l.setup->n_devices, 1);
    const edge_poller_device *d = &l.setup->devices[0];
    CHECK(d->config.tags[0].poll_ms == 50 && d->config.tags[1].poll_ms == 2000);
    CHECK(d->config.tags[1].scaled && d->config.tags[1].writable && d->converts[1].limited && d->converts[1].write_high == 5);
    CHECK(edge_model_find(l.setup->model, d->device, PT_LIT("A")) == d->metrics[0]);
    CHECK(edge_model_find(l.setup->model, EDGE_NODE_DEVICE, PT_LIT("Properties/Site")) != EDGE_NO_METRIC);
    CHECK(edge_model_find(l.setup->model, EDGE_NODE_DEVICE, PT_LIT("Properties/Line")) != EDGE_NO_METRIC);
    unload(&l);
}

static void templates_give_each_instance_its_registers(void)
{
    loaded l = load(HEAD "templates:\n  - name: DriveT\n    members: [ { name: amps, type: Float, deadband: 0.5 } ]\n"
                         "  - name: MotorT\n    version: '2'\n    parameters: [ { name: pole, type: Int32, value: 4 } ]\n    members:\n      - { name: rpm, type: Int32, unit: 1/min, write: true }\n      - { name: drive, type: Template, template: DriveT }\n"
                         "devices:\n  - id: d\n    driver: modbus-tcp\n    address: 127.0.0.1\n    tags:\n"
                         "      - { name: M1, type: Template, template: MotorT, parameters: { pole: 6 }, members: { rpm: { register: 'holding:0' }, drive/amps: { register: 'input:10', order: word-swap } } }\n");
    char *text = pt_slice_dup(pt_buf_view(&l.faults));
    pt_check_at(l.st == PT_OK, true, __FILE__, __LINE__, "%s", text ? text : "");
    free(text);
    const edge_poller_device *d = &l.setup->devices[0];
    CHECK_INT(d->config.n_tags, 2);
    CHECK_STR(pt_cstr(d->config.tags[0].name), "M1/rpm");
    CHECK(d->config.tags[0].writable);
    CHECK_STR(pt_cstr(d->config.tags[1].name), "M1/drive/amps");
    CHECK(d->metrics[1] == edge_model_find(l.setup->model, d->device, PT_LIT("M1/drive/amps")) && d->metrics[1] != EDGE_NO_METRIC);
    unload(&l);
    l = load(HEAD "templates:\n  - { name: T, members: [ { name: x, type: Float } ] }\ndevices:\n  - { id: d, driver: sim, tags: [ { name: M, type: Template, template: T, members: { y: { signal: sine } } } ] }\n");
    text = pt_slice_dup(pt_buf_view(&l.faults));
    CHECK(l.st != PT_OK && text && strstr(text, "no such member"));
    free(text);
    unload(&l);
}

static void tags_come_from_csv_and_go_there(void)
{
    write_file("tags.csv", "\xef\xbb\xbfname,type,register,order,unit,deadband,write,description\r\nLevel,Float,holding:0,word-swap,m,0.5,,\"a \"\"b\"\", c\"\r\n\r\nValve,Boolean,coil:3,,,,true,\r\n");
    loaded l = load(HEAD "devices:\n  - id: d\n    driver: modbus-tcp\n    address: 127.0.0.1\n    tags_file: tags.csv\n    tags:\n      - { name: Temp, type: Int16, register: 'input:1' }\n");
    char *text = pt_slice_dup(pt_buf_view(&l.faults));
    pt_check_at(l.st == PT_OK, true, __FILE__, __LINE__, "%s", text ? text : "");
    free(text);
    const edge_device_config *d = &l.file->c.devices[0];
    CHECK_INT(d->n_tags, 3);
    CHECK_STR(pt_cstr(d->tags[1].name), "Level");
    CHECK(d->tags[1].deadband == 0.5 && d->tags[2].write);
    CHECK_STR(pt_cstr(d->tags[1].description), "a \"b\", c");
    pt_buf out, again;
    pt_buf_init(&out, 1 << 20);
    edge_config_export_csv(l.file, d, &out);
    pt_buf_char(&out, 0);
    write_file("out.csv", out.ptr);
    loaded m = load(HEAD "devices:\n  - id: d\n    driver: modbus-tcp\n    address: 127.0.0.1\n    tags_file: out.csv\n");
    text = pt_slice_dup(pt_buf_view(&m.faults));
    pt_check_at(m.st == PT_OK, true, __FILE__, __LINE__, "%s", text ? text : "");
    free(text);
    pt_buf_init(&again, 1 << 20);
    edge_config_export_csv(m.file, &m.file->c.devices[0], &again);
    CHECK_STR(pt_buf_view(&again), out.ptr);
    pt_buf_fini(&out);
    pt_buf_fini(&again);
    unload(&l);
    unload(&m);
}

static void faults_in_csv_name_its_lines(void)
{
    write_file("bad.csv", "name,type,register\nA,Float,holding:0\nB,Nonsense,holding:2\nC,Float,nowhere\nD,Float\n");
    loaded l = load(HEAD "devices:\n  - { id: d, driver: modbus-tcp, address: 127.0.0.1, tags_file: bad.csv }\n");
    char *text = pt_slice_dup(pt_buf_view(&l.faults));
    CHECK(l.st != PT_OK && text && strstr(text, "bad.csv:3:1: tag 'B'") && strstr(text, "bad.csv:5:1: 2 cells where the header has 3"));
    free(text);
    unload(&l);
    write_file("bad.csv", "name,type,registr\nA,Float,holding:0\n");
    l = load(HEAD "devices:\n  - { id: d, driver: modbus-tcp, address: 127.0.0.1, tags_file: bad.csv }\n");
    text = pt_slice_dup(pt_buf_view(&l.faults));
    CHECK(text && strstr(text, "bad.csv:1:1: 'registr' is no key"));
    free(text);
    unload(&l);
    l = load(HEAD "devices:\n  - { id: d, driver: sim, tags_file: absent.csv }\n");
    CHECK(l.st != PT_OK);
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
        PT_TEST(scan_classes_bands_and_properties_reach_the_model),
        PT_TEST(templates_give_each_instance_its_registers),
        PT_TEST(tags_come_from_csv_and_go_there),
        PT_TEST(faults_in_csv_name_its_lines),
        PT_TEST(every_key_is_documented),
        PT_TEST(every_change_that_needs_a_restart_is_named),
    };
    return pt_test_main("edge-node/config", tests, PT_COUNT_OF(tests), argc, argv);
}
