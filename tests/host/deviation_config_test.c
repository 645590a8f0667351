/* tests/host/deviation_config_test.c -- data.deviation of host.yaml: what is read, and what is refused with its place. */
#include "host/config.h"
#include "tests/support/check.h"

#include <math.h>

static pt_status load(const char *text, host_config *c, pt_config **cfg, pt_buf *faults)
{
    pt_buf_reset(faults);
    return pt_config_load_text("host.yaml", pt_cstr(text), host_config_table, c, sizeof *c, host_config_check, NULL, cfg, faults);
}

static void settings_are_read_with_their_defaults(void)
{
    host_config c;
    pt_config *cfg = NULL;
    pt_buf faults;
    pt_buf_init(&faults, 1 << 16);
    CHECK_OK_FATAL(load(
        "version: 1\ndata:\n  change_log: { age: 48h, bytes: 1GiB }\n  deviation:\n    - { tags: 'a/**', exc_dev: 0.5, exc_min: 1s }\n    - { tags: '**', comp_dev_percent: 2, span: 50, comp_max: 1h }\n",
        &c, &cfg, &faults));
    CHECK_INT(c.data.deviation.n, 2);
    const host_deviation *d = c.data.deviation.items;
    CHECK_STR(pt_cstr(d[0].tags), "a/**");
    CHECK(d[0].exc_dev == 0.5 && d[0].exc_min_ms == 1000 && d[0].exc_max_ms == 600000 && isnan(d[0].comp_dev) &&
          d[0].comp_max_ms == 8 * 3600000);
    CHECK(d[1].comp_dev_percent == 2 && d[1].span == 50 && d[1].comp_max_ms == 3600000 && isnan(d[1].exc_dev));
    CHECK_INT(c.data.change_log.age_ms, 48 * 3600000);
    CHECK_INT(c.data.change_log.bytes, 1 << 30);
    uns_map_free(c.map);
    pt_config_free(cfg);
    CHECK_OK_FATAL(load("", &c, &cfg, &faults));
    CHECK_INT(c.data.deviation.n, 0);
    CHECK_INT(c.data.change_log.age_ms, 24 * 3600000);
    CHECK_INT(c.data.change_log.bytes, 256 << 20);
    uns_map_free(c.map);
    pt_config_free(cfg);
    pt_buf_fini(&faults);
}

static void what_makes_no_sense_is_refused_with_its_line(void)
{
    static const struct {
        const char *entry, *fault;
    } cases[] = {
        { "{ tags: x }", "give exc_dev" },
        { "{ exc_dev: 1 }", "tags" },
        { "{ tags: x, exc_dev: 1, exc_dev_percent: 1, span: 5 }", "either in the tag's unit or in percent" },
        { "{ tags: x, comp_dev_percent: 1 }", "percent needs span" },
        { "{ tags: x, comp_dev_percent: 1, span: 0 }", "percent needs span" },
        { "{ tags: x, comp_dev: -1 }", "must be a number from 0 on" },
        { "{ tags: x, comp_dev: 1, comp_max: soon }", "comp_max" },
    };
    pt_buf faults;
    pt_buf_init(&faults, 1 << 16);
    for (size_t i = 0; i < PT_COUNT_OF(cases); i++) {
        char text[300];
        host_config c;
        pt_config *cfg = NULL;
        snprintf(text, sizeof text, "version: 1\ndata:\n  deviation:\n    - %s\n", cases[i].entry);
        CHECK_ROW(cases[i].entry, load(text, &c, &cfg, &faults) == PT_EMALFORMED);
        pt_buf_char(&faults, '\0');
        CHECK_ROW(cases[i].entry, strstr(faults.ptr, "host.yaml:4:") != NULL && strstr(faults.ptr, cases[i].fault) != NULL);
        uns_map_free(c.map);
    }
    pt_buf_fini(&faults);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(settings_are_read_with_their_defaults),
        PT_TEST(what_makes_no_sense_is_refused_with_its_line),
    };
    (void)argc;
    return pt_test_main("host/deviation_config", tests, PT_COUNT_OF(tests), 1, argv);
}
