/* The edge's codec against the guide's byte vectors (chapter 26) and the damage it must survive. */
#include "edge-node/codec.h"
#include "tests/support/check.h"

#include <stdio.h>

#define T0 1700000000000

static char buf[4096], sub[2048];

static edge__metric_pb named(const char *name, uint32_t type, const spb_value *v)
{
    edge__metric_pb m = { .name = pt_cstr(name), .has_timestamp = true, .timestamp = T0 };
    edge__metric_type(&m, type);
    edge__metric_set(&m, v, false);
    return m;
}

static void an_ndeath_is_thirteen_known_bytes(void)
{
    edge__writer w;
    edge__writer_init(&w, buf, sizeof buf);
    edge__metric_pb m = { .name = PT_LIT("bdSeq") };
    edge__metric_type(&m, SPB_INT64);
    edge__metric_set(&m, &(spb_value){ .type = SPB_INT64, .as = { .i64 = 7 } }, false);
    CHECK_OK(edge__writer_begin(&w, -1));
    CHECK_OK(edge__writer_metric(&w, &m));
    edge__writer_end(&w, -1);
    CHECK_HEX(edge__writer_view(&w), "120b0a05626453657120045807");
}

static void a_minimal_nbirth_writes_its_zeros(void)
{
    edge__writer w;
    edge__writer_init(&w, buf, sizeof buf);
    edge__metric_pb bd = named("bdSeq", SPB_INT64, &(spb_value){ .type = SPB_INT64, .as = { .i64 = 7 } });
    edge__metric_pb rb = named("Node Control/Rebirth", SPB_BOOLEAN, &(spb_value){ .type = SPB_BOOLEAN });
    CHECK_OK(edge__writer_begin(&w, T0));
    CHECK_OK(edge__writer_metric(&w, &bd));
    CHECK_OK(edge__writer_metric(&w, &rb));
    edge__writer_end(&w, 0);
    CHECK_HEX(edge__writer_view(&w), "0880d095ffbc3112120a0562645365711880d095ffbc312004580712210a144e6f646520436f6e74726f6c2f52656269"
                                     "7274681880d095ffbc31200b70001800");
}

static void small_integers_are_sign_extended_and_null_has_no_value(void)
{
    static const struct {
        const char *name;
        spb_value v;
    } rows[] = { { "i8", { .type = SPB_INT8, .as = { .i64 = -42 } } },  { "i16", { .type = SPB_INT16, .as = { .i64 = -30000 } } },
                 { "i32", { .type = SPB_INT32, .as = { .i64 = -1 } } }, { "u32", { .type = SPB_UINT32, .as = { .u64 = 4294967295u } } },
                 { "d", { .type = SPB_DOUBLE, .as = { .f64 = 1.5 } } }, { "s", { .type = SPB_STRING, .is_null = true } } };
    edge__writer w;
    edge__writer_init(&w, buf, sizeof buf);
    CHECK_OK(edge__writer_begin(&w, T0));
    for (uint32_t i = 0; i < PT_COUNT_OF(rows); i++) {
        edge__metric_pb m = named(rows[i].name, rows[i].v.type, &rows[i].v);
        m.has_alias = true;
        m.alias = i + 1;
        CHECK_OK(edge__writer_metric(&w, &m));
    }
    edge__writer_end(&w, 1);
    CHECK_HEX(edge__writer_view(&w), "0880d095ffbc3112150a02693810011880d095ffbc31200150d6ffffff0f12160a0369313610021880d095ffbc312002"
                                     "50d095feff0f12160a0369333210031880d095ffbc31200350ffffffff0f12160a0375333210041880d095ffbc312007"
                                     "50ffffffff0f12170a016410051880d095ffbc31200a69000000000000f83f12100a017310061880d095ffbc31200c38"
                                     "011801");
}

static void uint32_goes_to_long_value_when_asked(void)
{
    edge__metric_pb m = { 0 };
    edge__metric_set(&m, &(spb_value){ .type = SPB_UINT32, .as = { .u64 = 4294967295u } }, true);
    CHECK_INT(m.which_value, edge_pb_Payload_Metric_long_value_tag);
    CHECK(m.value.long_value == 4294967295u);
    edge__metric_set(&m, &(spb_value){ .type = SPB_UINT16, .as = { .u64 = 9 } }, true);
    CHECK_INT(m.which_value, edge_pb_Payload_Metric_int_value_tag);
}

static void quality_is_an_int32_and_stands_first(void)
{
    edge_property unit = { .key = PT_LIT("engUnit"), .value = { .type = SPB_STRING, .as = { .bytes = PT_LIT("degC") } } };
    size_t len = 0;
    CHECK_OK_FATAL(edge__encode_properties(&unit, 1, SPB_STALE, sub, sizeof sub, &len));
    edge__writer w;
    edge__writer_init(&w, buf, sizeof buf);
    edge__metric_pb m = named("t", SPB_FLOAT, &(spb_value){ .type = SPB_FLOAT, .as = { .f32 = 12.5f } });
    m.properties = pt_slice_of(sub, len);
    CHECK_OK(edge__writer_begin(&w, T0));
    CHECK_OK(edge__writer_metric(&w, &m));
    edge__writer_end(&w, 4);
    CHECK_HEX(edge__writer_view(&w), "0880d095ffbc3112360a01741880d095ffbc3120094a230a075175616c6974790a07656e67556e69741205080318f403"
                                     "1208080c42046465674365000048411804");
}

static void a_dataset_is_the_guides_bytes_and_is_checked(void)
{
    pt_slice columns[] = { PT_LIT("n"), PT_LIT("s") };
    uint8_t types[] = { SPB_INT32, SPB_STRING };
    spb_value cells[] = { { .type = SPB_INT32, .as = { .i64 = -5 } }, { .type = SPB_STRING, .as = { .bytes = PT_LIT("a") } } };
    edge_dataset ds = { columns, types, 2, 1, cells };
    size_t len = 0;
    CHECK_OK_FATAL(edge_dataset_encode(&ds, sub, sizeof sub, &len));
    CHECK_HEX(pt_slice_of(sub, len), "080212016e1201731803180c220d0a0608fbffffff0f0a03320161");
    CHECK_OK(edge__check_dataset(pt_slice_of(sub, len)));
    types[1] = SPB_BYTES;
    CHECK_STATUS(edge_dataset_encode(&ds, sub, sizeof sub, &len), PT_EINVAL);
    types[1] = SPB_STRING;
    cells[0].is_null = true;
    CHECK_STATUS(edge_dataset_encode(&ds, sub, sizeof sub, &len), PT_EINVAL);
    cells[0].is_null = false;
    CHECK_STATUS(edge_dataset_encode(&ds, sub, 10, &len), PT_ETOOBIG);
    char raw[64];
    CHECK_STATUS(edge__check_dataset(pt_unhex("08ffffffffffffffff7f 12016e 1803", raw, sizeof raw)), PT_EMALFORMED);
    CHECK_STATUS(edge__check_dataset(pt_unhex("0801 12016e 1803 2200", raw, sizeof raw)), PT_EMALFORMED); /* a row without a cell */
    CHECK_STATUS(edge__check_dataset(pt_unhex("0801 12016e 1813", raw, sizeof raw)), PT_EMALFORMED);      /* a column of type 19 */
}

static bool rpm(void *ctx, edge__template_out *out)
{
    const int64_t *v = ctx;
    edge__metric_pb m = named("rpm", SPB_INT32, &(spb_value){ .type = SPB_INT32, .as = { .i64 = *v } });
    return edge__template_member(out, &m);
}

static void template_definition_and_instance_are_the_guides_bytes(void)
{
    edge__writer w;
    edge__writer_init(&w, buf, sizeof buf);
    CHECK_OK(edge__writer_begin(&w, T0));
    for (int i = 0; i < 2; i++) {
        int64_t v = i ? 1500 : 0;
        edge__parameter pole = { PT_LIT("pole"), { .type = SPB_INT32, .as = { .i64 = i ? 6 : 4 } } };
        edge__template t = { .version = PT_LIT("1"),
                             .ref = i ? PT_LIT("MotorT") : PT_NONE,
                             .is_definition = !i,
                             .parameters = &pole,
                             .n_parameters = 1,
                             .members = rpm,
                             .ctx = &v };
        size_t len = 0;
        CHECK_OK_FATAL(edge__encode_template(&t, sub, sizeof sub, &len));
        edge__metric_pb m =
            named(i ? "Motor1" : "MotorT", SPB_TEMPLATE, &(spb_value){ .type = SPB_TEMPLATE, .as = { .bytes = pt_slice_of(sub, len) } });
        m.has_is_null = false;
        CHECK_OK(edge__writer_metric(&w, &m));
    }
    edge__writer_end(&w, 0);
    CHECK_HEX(edge__writer_view(&w), "0880d095ffbc3112370a064d6f746f72541880d095ffbc3120139201230a013112100a0372706d1880d095ffbc312003"
                                     "50001a0a0a04706f6c6510031804280112400a064d6f746f72311880d095ffbc31201392012c0a013112110a0372706d"
                                     "1880d095ffbc31200350dc0b1a0a0a04706f6c651003180622064d6f746f725428001800");
}

static void a_full_buffer_keeps_the_metrics_before(void)
{
    edge__writer w;
    edge__writer_init(&w, buf, 60);
    edge__metric_pb m = named("a", SPB_INT64, &(spb_value){ .type = SPB_INT64, .as = { .i64 = 1 } });
    CHECK_OK(edge__writer_begin(&w, T0));
    CHECK_OK(edge__writer_metric(&w, &m));
    size_t before = w.len;
    m.name = PT_LIT("a name that is much too long for the rest of the room here");
    CHECK_STATUS(edge__writer_metric(&w, &m), PT_ETOOBIG);
    CHECK_INT(w.len, before);
    edge__writer_end(&w, 255);
    CHECK_INT(w.len, before + 3);
}

static edge__command_metric last;
static uint32_t seen;
static void note(void *ctx, const edge__command_metric *m)
{
    (void)ctx;
    last = *m;
    seen++;
}

static void a_rebirth_command_is_read_in_the_forms_hosts_send(void)
{
    char raw[128];
    static const char *const forms[] = { "0880d095ffbc3112210a144e6f646520436f6e74726f6c2f526562697274681880d095ffbc31200b7001",
                                         "121a0a144e6f646520436f6e74726f6c2f52656269727468200b7001",
                                         "12180a144e6f646520436f6e74726f6c2f526562697274687001" };
    for (size_t i = 0; i < PT_COUNT_OF(forms); i++) {
        seen = 0;
        CHECK_OK(edge__decode_metrics(pt_unhex(forms[i], raw, sizeof raw), 10, note, NULL));
        CHECK_INT(seen, 1);
        CHECK_STR(last.name, "Node Control/Rebirth");
        CHECK(last.wire == SPB_WIRE_BOOL && last.value.boolean);
    }
}

static void bad_payloads_are_refused_without_harm(void)
{
    static const char *const rows[] = { "",
                                        "12ff",
                                        "12ffffffff0f",
                                        "18ffffffffffffffffffff01",
                                        "0b",
                                        "1203920192",
                                        "120101",
                                        "1205 0a01 78 4005" /* metadata as a number */,
                                        "1202 0805" /* name as a number */,
                                        "1002" /* metrics as a number */ };
    char raw[64];
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++)
        CHECK_ROW(rows[i], edge__decode_metrics(pt_unhex(rows[i], raw, sizeof raw), 10, note, NULL) == PT_EMALFORMED);
    char many[64];
    memset(many, 0, sizeof many);
    for (size_t i = 0; i < sizeof many; i += 2)
        many[i] = 0x12;
    CHECK_STATUS(edge__decode_metrics(pt_slice_of(many, sizeof many), 10, note, NULL), PT_ETOOBIG);
}

static void command_values_must_fit_their_type(void)
{
    static const struct {
        uint32_t type;
        spb_wire wire;
        uint64_t raw;
        pt_status want;
        int64_t value;
    } rows[] = {
        { SPB_INT8, SPB_WIRE_INT, 0xffffffd6u, PT_OK, -42 },
        { SPB_INT8, SPB_WIRE_INT, 0xd6, PT_OK, -42 },
        { SPB_INT8, SPB_WIRE_INT, 300, PT_ETOOBIG, 0 },
        { SPB_INT8, SPB_WIRE_LONG, (uint64_t)-42, PT_OK, -42 },
        { SPB_INT16, SPB_WIRE_INT, 70000, PT_ETOOBIG, 0 },
        { SPB_INT32, SPB_WIRE_INT, 0xffffffffu, PT_OK, -1 },
        { SPB_INT32, SPB_WIRE_LONG, 1ull << 40, PT_ETOOBIG, 0 },
        { SPB_UINT8, SPB_WIRE_INT, 256, PT_ETOOBIG, 0 },
        { SPB_UINT8, SPB_WIRE_INT, 255, PT_OK, 255 },
        { SPB_UINT32, SPB_WIRE_LONG, 0xffffffffu, PT_OK, 0xffffffffll },
        { SPB_UINT32, SPB_WIRE_LONG, 1ull << 32, PT_ETOOBIG, 0 },
        { SPB_INT64, SPB_WIRE_LONG, (uint64_t)-1, PT_OK, -1 },
        { SPB_INT64, SPB_WIRE_INT, 5, PT_OK, 5 },
        { SPB_BOOLEAN, SPB_WIRE_INT, 1, PT_EMALFORMED, 0 },
        { SPB_STRING, SPB_WIRE_INT, 1, PT_EMALFORMED, 0 },
        { SPB_DOUBLE, SPB_WIRE_LONG, 1, PT_EMALFORMED, 0 },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        edge__command_metric m = { .wire = (uint8_t)rows[i].wire };
        if (rows[i].wire == SPB_WIRE_INT) m.value.u32 = (uint32_t)rows[i].raw;
        else m.value.u64 = rows[i].raw;
        spb_value v = { 0 };
        char row[40];
        snprintf(row, sizeof row, "%s row %zu", spb_datatype_name(rows[i].type), i);
        CHECK_ROW(row, edge__command_value(&m, rows[i].type, &v) == rows[i].want);
        if (rows[i].want == PT_OK) CHECK_ROW(row, v.as.i64 == rows[i].value);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(an_ndeath_is_thirteen_known_bytes),
        PT_TEST(a_minimal_nbirth_writes_its_zeros),
        PT_TEST(small_integers_are_sign_extended_and_null_has_no_value),
        PT_TEST(uint32_goes_to_long_value_when_asked),
        PT_TEST(quality_is_an_int32_and_stands_first),
        PT_TEST(a_dataset_is_the_guides_bytes_and_is_checked),
        PT_TEST(template_definition_and_instance_are_the_guides_bytes),
        PT_TEST(a_full_buffer_keeps_the_metrics_before),
        PT_TEST(a_rebirth_command_is_read_in_the_forms_hosts_send),
        PT_TEST(bad_payloads_are_refused_without_harm),
        PT_TEST(command_values_must_fit_their_type),
    };
    return pt_test_main("edge-node/codec", tests, PT_COUNT_OF(tests), argc, argv);
}
