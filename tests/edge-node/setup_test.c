/* What is built from edge.yaml: the model, the drivers' tags, templates and their instances. */
#include "tests/edge-node/load.h"

static void scan_classes_bands_and_properties_reach_the_model(void)
{
    loaded l = load(
        HEAD
        "scan_classes: { fast: 50ms }\nproperties: { Site: Osaka, Line: 7 }\ndevices:\n  - id: d\n    driver: sim\n    poll: 2s\n    tags:\n"
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
    loaded l = load(
        HEAD
        "templates:\n  - name: DriveT\n    members: [ { name: amps, type: Float, deadband: 0.5 } ]\n"
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
    l = load(
        HEAD
        "templates:\n  - { name: T, members: [ { name: x, type: Float } ] }\ndevices:\n  - { id: d, driver: sim, tags: [ { name: M, type: Template, template: T, members: { x: { signal: sine, write: true } } } ] }\n");
    text = pt_slice_dup(pt_buf_view(&l.faults));
    CHECK(l.st != PT_OK && text && strstr(text, "'write' is no key of driver sim"));
    free(text);
    unload(&l);
    l = load(
        HEAD
        "templates:\n  - { name: T, members: [ { name: x, type: Float } ] }\ndevices:\n  - { id: d, driver: sim, tags: [ { name: M, type: Template, template: T, members: { y: { signal: sine } } } ] }\n");
    text = pt_slice_dup(pt_buf_view(&l.faults));
    CHECK(l.st != PT_OK && text && strstr(text, "no such member"));
    free(text);
    unload(&l);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(scan_classes_bands_and_properties_reach_the_model),
        PT_TEST(templates_give_each_instance_its_registers),
    };
    return pt_test_main("edge-node/setup", tests, PT_COUNT_OF(tests), argc, argv);
}
