/* tests/sparkplug/document_test.c -- DataSets and Templates as JSON. */
#include "sparkplug/value.h"
#include "tests/sparkplug/vectors.h"
#include "tests/support/check.h"

static spb_payload decode(const char *hex, pt_arena *arena)
{
    spb_payload p = { 0 };
    char *bytes = pt_arena_alloc(arena, strlen(hex));
    CHECK_FATAL(bytes != NULL);
    CHECK_OK_FATAL(spb_payload_decode(pt_unhex(hex, bytes, strlen(hex)), NULL, arena, &p, NULL));
    return p;
}

static void the_vectors_become_documents(void)
{
    pt_arena arena;
    spb_value v;
    pt_arena_init(&arena, 1 << 20);
    spb_payload p = decode(spb_vectors[9].hex, &arena);
    CHECK_OK(spb_metric_value(&p.metrics[0], SPB_DATASET, &arena, &v, NULL));
    CHECK_STR(v.as.bytes, "{\"columns\":[\"n\",\"s\"],\"types\":[\"Int32\",\"String\"],\"rows\":[[-5,\"a\"]]}");
    p = decode(spb_vectors[10].hex, &arena);
    CHECK_OK(spb_metric_value(&p.metrics[0], SPB_TEMPLATE, &arena, &v, NULL));
    CHECK_STR(v.as.bytes, "{\"template_ref\":null,\"version\":\"1\",\"members\":{\"rpm\":0},\"parameters\":{\"pole\":4}}");
    CHECK_OK(spb_metric_value(&p.metrics[1], SPB_TEMPLATE, &arena, &v, NULL));
    CHECK_STR(v.as.bytes, "{\"template_ref\":\"MotorT\",\"version\":\"1\",\"members\":{\"rpm\":1500},\"parameters\":{\"pole\":6}}");
    CHECK_STATUS(spb_metric_value(&p.metrics[1], SPB_DATASET, &arena, &v, NULL), PT_EMALFORMED);
    pt_arena_fini(&arena);
}

/* A data set of the given shape with one Int32 column per name; returns spb_document_dataset's status. */
static pt_status shape(bool has_n, uint64_t n, uint32_t columns, uint32_t types, uint32_t type, uint32_t cells, uint8_t wire, pt_buf *out)
{
    pt_slice names[3] = { PT_LIT("a"), PT_LIT("b"), PT_LIT("c") };
    uint32_t codes[3] = { type, type, type };
    spb_cell row[3] = { { wire, { .u32 = 1 } }, { wire, { .u32 = 2 } }, { wire, { .u32 = 3 } } }, *rows[1] = { row };
    spb_dataset ds = { .num_of_columns = n,
                       .has_num_of_columns = has_n,
                       .columns = names,
                       .types = codes,
                       .n_columns = columns,
                       .n_types = types,
                       .n_rows = 1,
                       .rows = rows,
                       .row_cells = &cells };
    pt_buf_reset(out);
    return spb_document_dataset(&ds, out);
}

static void data_sets_whose_sizes_disagree_are_bad(void)
{
    pt_buf out;
    pt_buf_init(&out, 1000);
    CHECK_OK(shape(true, 2, 2, 2, SPB_INT32, 2, SPB_WIRE_INT, &out));
    CHECK_STR(pt_buf_view(&out), "{\"columns\":[\"a\",\"b\"],\"types\":[\"Int32\",\"Int32\"],\"rows\":[[1,2]]}");
    CHECK_OK(shape(false, 0, 2, 2, SPB_INT32, 2, SPB_WIRE_INT, &out));
    CHECK_OK(shape(true, 0, 0, 0, SPB_INT32, 0, SPB_WIRE_INT, &out));
    CHECK_STR(pt_buf_view(&out), "{\"columns\":[],\"types\":[],\"rows\":[[]]}");
    CHECK_OK(shape(true, 1, 1, 1, SPB_STRING, 1, SPB_WIRE_NONE, &out)); /* some producers' null */
    CHECK_STR(pt_buf_view(&out), "{\"columns\":[\"a\"],\"types\":[\"String\"],\"rows\":[[null]]}");
    CHECK_ROW("tck-id-payloads-dataset-column-size", shape(true, 3, 2, 2, SPB_INT32, 2, SPB_WIRE_INT, &out) == PT_EMALFORMED);
    CHECK_ROW("tck-id-payloads-dataset-column-size",
              shape(true, (uint64_t)1 << 63, 2, 2, SPB_INT32, 2, SPB_WIRE_INT, &out) == PT_EMALFORMED);
    CHECK_ROW("tck-id-payloads-dataset-column-num-headers", shape(false, 0, 3, 2, SPB_INT32, 2, SPB_WIRE_INT, &out) == PT_EMALFORMED);
    CHECK_ROW("tck-id-payloads-dataset-types-num", shape(true, 2, 2, 3, SPB_INT32, 2, SPB_WIRE_INT, &out) == PT_EMALFORMED);
    CHECK_ROW("tck-id-payloads-dataset-types-def", shape(true, 2, 2, 0, SPB_INT32, 2, SPB_WIRE_INT, &out) == PT_EMALFORMED);
    CHECK_ROW("tck-id-payloads-dataset-parameter-type-req", shape(false, 0, 1, 0, SPB_INT32, 1, SPB_WIRE_INT, &out) == PT_EMALFORMED);
    CHECK_ROW("tck-id-payloads-dataset-types-value", shape(true, 2, 2, 2, SPB_DATASET, 2, SPB_WIRE_INT, &out) == PT_EMALFORMED);
    CHECK_ROW("tck-id-payloads-dataset-types-value", shape(true, 2, 2, 2, 0, 2, SPB_WIRE_INT, &out) == PT_EMALFORMED);
    CHECK_ROW("a short row", shape(true, 2, 2, 2, SPB_INT32, 1, SPB_WIRE_INT, &out) == PT_EMALFORMED);
    CHECK_ROW("a long row", shape(true, 2, 2, 2, SPB_INT32, 3, SPB_WIRE_INT, &out) == PT_EMALFORMED);
    CHECK_ROW("tck-id-payloads-template-dataset-value", shape(true, 2, 2, 2, SPB_INT32, 2, SPB_WIRE_EXTENSION, &out) == PT_EMALFORMED);
    CHECK_ROW("a cell of another type", shape(true, 2, 2, 2, SPB_STRING, 2, SPB_WIRE_INT, &out) == PT_EMALFORMED);
    pt_buf_fini(&out);
}

static void nested_templates_and_data_sets_nest_in_the_document(void)
{
    uint32_t cells = 0;
    spb_dataset empty = { .row_cells = &cells };
    spb_metric leaf = { .name = PT_LIT("amps"), .flags = SPB_HAS_NAME, .wire = SPB_WIRE_DOUBLE, .value.f64 = 1.5 };
    spb_template drive = { .template_ref = PT_LIT("DriveT"), .metrics = &leaf, .n_metrics = 1 };
    spb_metric members[4] = {
        { .name = PT_LIT("drive"),
          .flags = SPB_HAS_NAME | SPB_HAS_DATATYPE,
          .datatype = SPB_TEMPLATE,
          .wire = SPB_WIRE_TEMPLATE,
          .value.tmpl = &drive },
        { .name = PT_LIT("log"), .flags = SPB_HAS_NAME, .wire = SPB_WIRE_DATASET, .value.dataset = &empty },
        { .name = PT_LIT("off"), .flags = SPB_HAS_NAME | SPB_HAS_DATATYPE | SPB_HAS_NULL | SPB_IS_NULL, .datatype = SPB_TEMPLATE },
        { .name = PT_LIT("\"q\""),
          .flags = SPB_HAS_NAME | SPB_HAS_DATATYPE,
          .datatype = SPB_UINT8,
          .wire = SPB_WIRE_INT,
          .value.u32 = 200 },
    };
    spb_template motor = { .template_ref = PT_LIT("MotorT"), .metrics = members, .n_metrics = 4 };
    pt_buf out;
    pt_buf_init(&out, 1000);
    CHECK_OK(spb_document_template(&motor, &out));
    CHECK_STR(pt_buf_view(&out), "{\"template_ref\":\"MotorT\",\"version\":null,\"members\":{"
                                 "\"drive\":{\"template_ref\":\"DriveT\",\"version\":null,\"members\":{\"amps\":1.5},\"parameters\":{}},"
                                 "\"log\":{\"columns\":[],\"types\":[],\"rows\":[]},\"off\":null,\"\\\"q\\\"\":200},\"parameters\":{}}");
    pt_buf_fini(&out);
    pt_buf_init(&out, 60);
    CHECK_STATUS(spb_document_template(&motor, &out), PT_ETOOBIG);
    pt_buf_fini(&out);
}

static void members_and_parameters_need_names_and_fitting_types(void)
{
    spb_metric nameless = { .wire = SPB_WIRE_INT },
               mismatch = { .name = PT_LIT("m"), .flags = SPB_HAS_NAME | SPB_HAS_DATATYPE, .datatype = SPB_STRING, .wire = SPB_WIRE_INT };
    spb_parameter no_name = { .type = SPB_INT32, .has_type = true },
                  array = { .name = PT_LIT("p"), .type = SPB_INT8_ARRAY, .has_type = true };
    spb_template t[4] = { { .metrics = &nameless, .n_metrics = 1 },
                          { .metrics = &mismatch, .n_metrics = 1 },
                          { .parameters = &no_name, .n_parameters = 1 },
                          { .parameters = &array, .n_parameters = 1 } };
    static const char *const rules[4] = { "a member without a name", "a member of another type",
                                          "tck-id-payloads-template-parameter-name-required",
                                          "tck-id-payloads-template-parameter-type-value" };
    for (size_t i = 0; i < 4; i++) {
        pt_buf out;
        pt_buf_init(&out, 1000);
        CHECK_ROW(rules[i], spb_document_template(&t[i], &out) == PT_EMALFORMED);
        pt_buf_fini(&out);
    }
}

static void a_document_needs_room_in_the_arena(void)
{
    for (size_t limit = 0; limit < 1200; limit += 16) {
        pt_arena big, small;
        spb_value v;
        pt_arena_init(&big, 1 << 20);
        pt_arena_init(&small, limit);
        spb_payload p = decode(spb_vectors[10].hex, &big);
        pt_status st = spb_metric_value(&p.metrics[1], SPB_TEMPLATE, &small, &v, NULL);
        CHECK(st == PT_OK || st == PT_ENOMEM);
        CHECK((st == PT_OK) == (limit >= 96));
        pt_arena_fini(&small);
        pt_arena_fini(&big);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(the_vectors_become_documents),
        PT_TEST(data_sets_whose_sizes_disagree_are_bad),
        PT_TEST(nested_templates_and_data_sets_nest_in_the_document),
        PT_TEST(members_and_parameters_need_names_and_fitting_types),
        PT_TEST(a_document_needs_room_in_the_arena),
    };
    return pt_test_main("sparkplug/document", tests, PT_COUNT_OF(tests), argc, argv);
}
