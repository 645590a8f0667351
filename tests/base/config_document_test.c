/* tests/base/config_document_test.c -- the reference page written from a binder's table. */
#include "base/daemon/config.h"
#include "tests/support/check.h"

static const char *const roles[] = { "primary", "active", "passive", NULL };
static const pt_config_field tag_fields[] = {
    { .key = "name", .type = PT_CFG_STRING, .required = true, .min = 1, .max = 8, .doc = "Name." },
    { .key = "low", .type = PT_CFG_DOUBLE, .def = "1.5", .doc = "Low end." },
    { 0 },
};
static const pt_config_field mqtt_fields[] = {
    { .key = "servers", .type = PT_CFG_STRINGS, .def = "tcp://127.0.0.1:1883", .doc = "Brokers." },
    { .key = "keep_alive", .type = PT_CFG_DURATION, .def = "30s", .min = 1000, .max = 3600000, .doc = "Keep-alive | seconds." },
    { 0 },
};
static const pt_config_field fields[] = {
    { .key = "version", .type = PT_CFG_INT, .required = true, .min = 1, .max = 1, .doc = "Always 1." },
    { .key = "id", .type = PT_CFG_STRING, .def = "gw", .doc = "Id." },
    { .key = "role", .type = PT_CFG_ENUM, .def = "passive", .names = roles, .doc = "Role." },
    { .key = "aliases", .type = PT_CFG_BOOL, .def = "true", .doc = "Use aliases." },
    { .key = "bytes", .type = PT_CFG_BYTES, .def = "512MiB", .min = 1048576, .max = 1099511627776, .doc = "Room." },
    { .key = "mqtt", .type = PT_CFG_SECTION, .sub = mqtt_fields, .doc = "The broker." },
    { .key = "tags", .type = PT_CFG_LIST, .sub = tag_fields, .size = 16, .doc = "Tags." },
    { .key = "rules", .type = PT_CFG_NODE, .doc = "Rules." },
    { 0 },
};

#define HEAD "| Key | Type | Default | Range | Meaning |\n|---|---|---|---|---|\n"

static void expect(const pt_config_field *table, const char *want)
{
    pt_buf out;
    pt_buf_init(&out, 65536);
    pt_config_document(table, "test.yaml", &out);
    CHECK_STR(pt_buf_view(&out), want);
    pt_buf_fini(&out);
}

static void the_reference_is_written_from_the_table(void)
{
    expect(fields, "## test.yaml\n\n" HEAD "| `version` | whole number | required | 1 to 1 | Always 1. |\n"
                   "| `id` | text | `gw` |  | Id. |\n"
                   "| `role` | one of `primary`, `active`, `passive` | `passive` |  | Role. |\n"
                   "| `aliases` | true or false | `true` |  | Use aliases. |\n"
                   "| `bytes` | size | `512MiB` | 1MiB to 1TiB | Room. |\n"
                   "| `mqtt` | group |  |  | The broker. |\n"
                   "| `tags` | list of groups |  |  | Tags. |\n"
                   "| `rules` | see text |  |  | Rules. |\n"
                   "\n### `mqtt`\n\nThe broker.\n\n" HEAD "| `mqtt.servers` | list of texts | `tcp://127.0.0.1:1883` |  | Brokers. |\n"
                   "| `mqtt.keep_alive` | duration | `30s` | 1s to 1h | Keep-alive \\| seconds. |\n"
                   "\n### `tags`\n\nTags.\n\n" HEAD "| `tags[].name` | text | required | 1 to 8 bytes | Name. |\n"
                   "| `tags[].low` | number | `1.5` |  | Low end. |\n");
}

static void what_is_unset_by_default_shows_no_default(void)
{
    static const pt_config_field table[] = {
        { .key = "a", .type = PT_CFG_DOUBLE, .def = "nan", .min = -0.5, .max = 2.25, .doc = "Not set." },
        { .key = "b", .type = PT_CFG_STRING, .def = "", .doc = "Empty." },
        { .key = "c", .type = PT_CFG_INT },
        { 0 },
    };
    expect(table, "## test.yaml\n\n" HEAD "| `a` | number |  | -0.5 to 2.25 | Not set. |\n"
                  "| `b` | text |  |  | Empty. |\n"
                  "| `c` | whole number |  |  |  |\n");
}

static void a_cell_stays_in_one_line(void)
{
    static const pt_config_field table[] = { { .key = "a", .type = PT_CFG_BOOL, .doc = "One\ntwo | three." }, { 0 } };
    expect(table, "## test.yaml\n\n" HEAD "| `a` | true or false |  |  | One two \\| three. |\n");
}

static void groups_in_groups_carry_the_whole_path(void)
{
    static const pt_config_field leaf[] = { { .key = "z", .type = PT_CFG_BOOL, .doc = "Z." }, { 0 } };
    static const pt_config_field list[] = { { .key = "y", .type = PT_CFG_LIST, .sub = leaf, .size = 1 }, { 0 } };
    static const pt_config_field table[] = { { .key = "x", .type = PT_CFG_SECTION, .sub = list }, { 0 } };
    expect(table, "## test.yaml\n\n" HEAD "| `x` | group |  |  |  |\n"
                  "\n### `x`\n\n" HEAD "| `x.y` | list of groups |  |  |  |\n"
                  "\n### `x.y`\n\n" HEAD "| `x.y[].z` | true or false |  |  | Z. |\n");
}

static void a_page_that_does_not_fit_is_said(void)
{
    pt_buf out;
    pt_buf_init(&out, 100);
    pt_config_document(fields, "test.yaml", &out);
    CHECK_STATUS(pt_buf_status(&out), PT_ETOOBIG);
    pt_buf_fini(&out);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(the_reference_is_written_from_the_table),
        PT_TEST(what_is_unset_by_default_shows_no_default),
        PT_TEST(a_cell_stays_in_one_line),
        PT_TEST(groups_in_groups_carry_the_whole_path),
        PT_TEST(a_page_that_does_not_fit_is_said),
    };
    return pt_test_main("base/config_document", tests, PT_COUNT_OF(tests), argc, argv);
}
