/* tests/base/config_document_test.c -- the reference page written from a binder's table. */
#include "base/daemon/config.h"
#include "tests/support/check.h"

#include <math.h>

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

#define HEAD "| Key | Type | Default | Range | A change counts | Meaning |\n|---|---|---|---|---|---|\n"

static void expect(const pt_config_field *table, const char *want)
{
    pt_buf out;
    pt_buf_init(&out, 65536);
    pt_config_document(table, "test.yaml", PT_CFG_AT_START, &out);
    CHECK_STR(pt_buf_view(&out), want);
    pt_buf_fini(&out);
}

static void the_reference_is_written_from_the_table(void)
{
    expect(fields,
           "## test.yaml\n\n" HEAD "| `version` | whole number | required | 1 to 1 | at a start | Always 1. |\n"
           "| `id` | text | `gw` |  | at a start | Id. |\n"
           "| `role` | one of `primary`, `active`, `passive` | `passive` |  | at a start | Role. |\n"
           "| `aliases` | true or false | `true` |  | at a start | Use aliases. |\n"
           "| `bytes` | size | `512MiB` | 1MiB to 1TiB | at a start | Room. |\n"
           "| `mqtt` | group |  |  | at a start | The broker. |\n"
           "| `tags` | list of groups |  |  | at a start | Tags. |\n"
           "| `rules` | see text |  |  | at a start | Rules. |\n"
           "\n### `mqtt`\n\nThe broker.\n\n" HEAD "| `mqtt.servers` | list of texts | `tcp://127.0.0.1:1883` |  | at a start | Brokers. |\n"
           "| `mqtt.keep_alive` | duration | `30s` | 1s to 1h | at a start | Keep-alive \\| seconds. |\n"
           "\n### `tags`\n\nTags.\n\n" HEAD "| `tags[].name` | text | required | 1 to 8 bytes | at a start | Name. |\n"
           "| `tags[].low` | number | `1.5` |  | at a start | Low end. |\n");
}

static void what_is_unset_by_default_shows_no_default(void)
{
    static const pt_config_field table[] = {
        { .key = "a", .type = PT_CFG_DOUBLE, .def = "nan", .min = -0.5, .max = 2.25, .doc = "Not set." },
        { .key = "b", .type = PT_CFG_STRING, .def = "", .doc = "Empty." },
        { .key = "c", .type = PT_CFG_INT },
        { 0 },
    };
    expect(table, "## test.yaml\n\n" HEAD "| `a` | number |  | -0.5 to 2.25 | at a start | Not set. |\n"
                  "| `b` | text |  |  | at a start | Empty. |\n"
                  "| `c` | whole number |  |  | at a start |  |\n");
}

static void a_cell_stays_in_one_line(void)
{
    static const pt_config_field table[] = { { .key = "a", .type = PT_CFG_BOOL, .doc = "One\ntwo | three." }, { 0 } };
    expect(table, "## test.yaml\n\n" HEAD "| `a` | true or false |  |  | at a start | One two \\| three. |\n");
}

static void groups_in_groups_carry_the_whole_path(void)
{
    static const pt_config_field leaf[] = { { .key = "z", .type = PT_CFG_BOOL, .doc = "Z." }, { 0 } };
    static const pt_config_field list[] = { { .key = "y", .type = PT_CFG_LIST, .sub = leaf, .size = 1 }, { 0 } };
    static const pt_config_field table[] = { { .key = "x", .type = PT_CFG_SECTION, .sub = list }, { 0 } };
    expect(table, "## test.yaml\n\n" HEAD "| `x` | group |  |  | at a start |  |\n"
                  "\n### `x`\n\n" HEAD "| `x.y` | list of groups |  |  | at a start |  |\n"
                  "\n### `x.y`\n\n" HEAD "| `x.y[].z` | true or false |  |  | at a start | Z. |\n");
}

static void a_change_counts_when_the_row_or_what_stands_above_it_says_so(void)
{
    typedef struct inner {
        int64_t now, later;
        const char *text;
    } inner;
    typedef struct outer {
        inner live;
        double number;
        pt_config_list words, pairs;
        bool flag;
    } outer;
    static const pt_config_field below[] = {
        { .key = "now", .type = PT_CFG_INT, .offset = offsetof(inner, now) },
        { .key = "later", .type = PT_CFG_INT, .offset = offsetof(inner, later), .taken = PT_CFG_AT_START },
        { .key = "text", .type = PT_CFG_STRING, .offset = offsetof(inner, text), .taken = PT_CFG_AT_START },
        { 0 },
    };
    static const pt_config_field table[] = {
        { .key = "live", .type = PT_CFG_SECTION, .offset = offsetof(outer, live), .sub = below, .taken = PT_CFG_AT_RELOAD },
        { .key = "number", .type = PT_CFG_DOUBLE, .offset = offsetof(outer, number) },
        { .key = "words", .type = PT_CFG_STRINGS, .offset = offsetof(outer, words) },
        { .key = "pairs", .type = PT_CFG_LIST, .offset = offsetof(outer, pairs), .sub = below, .size = sizeof(inner) },
        { .key = "flag", .type = PT_CFG_BOOL, .offset = offsetof(outer, flag), .taken = PT_CFG_AT_RELOAD },
        { 0 },
    };
    const char *one[] = { "a", "b" }, *two[] = { "a", "c" };
    inner pair = { .now = 1 }, other = { .now = 2 };
    const outer was = { .number = (double)NAN, .words = { one, 2 }, .pairs = { &pair, 1 } };
    outer rows[] = { was, was, was, was, was, was, was, was };
    static const char *const want[] = { "", "", "live.later", "live.text", "number", "words", "words", "pairs" };
    rows[1].live.now = 7;
    rows[1].flag = true;
    rows[2].live.later = 7;
    rows[3].live.text = "x";
    rows[4].number = 1;
    rows[5].words.items = two;
    rows[6].words.n = 1;
    rows[7].pairs.items = &other;
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_buf out;
        pt_buf_init(&out, 4096);
        pt_config_at_start(table, &was, &rows[i], &out);
        CHECK_STR(pt_buf_view(&out), want[i]);
        pt_buf_fini(&out);
    }
    expect(table + 4, "## test.yaml\n\n" HEAD "| `flag` | true or false |  |  | at a reload |  |\n");
}

static void a_page_that_does_not_fit_is_said(void)
{
    pt_buf out;
    pt_buf_init(&out, 100);
    pt_config_document(fields, "test.yaml", PT_CFG_AT_START, &out);
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
        PT_TEST(a_change_counts_when_the_row_or_what_stands_above_it_says_so),
        PT_TEST(a_page_that_does_not_fit_is_said),
    };
    return pt_test_main("base/config_document", tests, PT_COUNT_OF(tests), argc, argv);
}
