/* Modbus addresses, layouts and plans: what needs no network. */
#include "edge-node/modbus_plan.h"
#include "tests/support/check.h"

#include <math.h>

static void addresses_name_table_register_and_bit(void)
{
    static const struct {
        const char *text;
        bool good;
        edge_mb_table table;
        int address, bit;
    } rows[] = { { "holding:0", true, EDGE_MB_HOLDING, 0, -1 },
                 { "coil:65535", true, EDGE_MB_COIL, 65535, -1 },
                 { "input:7.15", true, EDGE_MB_INPUT, 7, 15 },
                 { "discrete:3", true, EDGE_MB_DISCRETE, 3, -1 },
                 { "holding:0x0010", true, EDGE_MB_HOLDING, 16, -1 },
                 { "input:0XfF.3", true, EDGE_MB_INPUT, 255, 3 },
                 { "holding:40001", true, EDGE_MB_HOLDING, 40001, -1 },
                 { "40001", true, EDGE_MB_HOLDING, 0, -1 },
                 { "400001", true, EDGE_MB_HOLDING, 0, -1 },
                 { "4x0001", true, EDGE_MB_HOLDING, 0, -1 },
                 { "465536", true, EDGE_MB_HOLDING, 65535, -1 },
                 { "30010.15", true, EDGE_MB_INPUT, 9, 15 },
                 { "10003", true, EDGE_MB_DISCRETE, 2, -1 },
                 { "00001", true, EDGE_MB_COIL, 0, -1 },
                 { "0x0001", true, EDGE_MB_COIL, 0, -1 },
                 { "40000", false, 0, 0, 0 },
                 { "465537", false, 0, 0, 0 },
                 { "20001", false, 0, 0, 0 },
                 { "4001", false, 0, 0, 0 },
                 { "4x", false, 0, 0, 0 },
                 { "00001.2", false, 0, 0, 0 },
                 { "holding:0x", false, 0, 0, 0 },
                 { "holding:0x1g", false, 0, 0, 0 },
                 { "holding:0x10000", false, 0, 0, 0 },
                 { "holding:65536", false, 0, 0, 0 },
                 { "holding:5.16", false, 0, 0, 0 },
                 { "coil:5.1", false, 0, 0, 0 },
                 { "register:5", false, 0, 0, 0 },
                 { "holding", false, 0, 0, 0 },
                 { "holding:", false, 0, 0, 0 },
                 { "holding:-1", false, 0, 0, 0 },
                 { "", false, 0, 0, 0 } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        edge_mb_table table = 0;
        uint16_t address = 0;
        int bit = 0;
        pt_status st = edge_mb_address(pt_cstr(rows[i].text), &table, &address, &bit, NULL);
        CHECK_ROW(rows[i].text, st == (rows[i].good ? PT_OK : PT_EINVAL));
        if (rows[i].good) CHECK_ROW(rows[i].text, table == rows[i].table && address == rows[i].address && bit == rows[i].bit);
    }
}

static void all_types_and_orders_come_back_as_they_went(void)
{
    static const struct {
        uint8_t raw;
        spb_value v;
    } rows[] = { { SPB_INT16, { .type = SPB_INT16, .as = { .i64 = -12345 } } },
                 { SPB_UINT16, { .type = SPB_UINT16, .as = { .u64 = 54321 } } },
                 { SPB_INT32, { .type = SPB_INT32, .as = { .i64 = -2000000001 } } },
                 { SPB_UINT32, { .type = SPB_UINT32, .as = { .u64 = 4000000001u } } },
                 { SPB_INT64, { .type = SPB_INT64, .as = { .i64 = INT64_MIN + 5 } } },
                 { SPB_UINT64, { .type = SPB_UINT64, .as = { .u64 = UINT64_MAX - 7 } } },
                 { SPB_FLOAT, { .type = SPB_FLOAT, .as = { .f32 = -2.75f } } },
                 { SPB_DOUBLE, { .type = SPB_DOUBLE, .as = { .f64 = 3.141592653589793 } } } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++)
        for (int order = EDGE_MB_BIG; order <= EDGE_MB_WORD_SWAP; order++) {
            edge_mb_tag t = { .raw = rows[i].raw, .count = edge_mb_registers(rows[i].raw), .order = (edge_mb_order)order, .bit = -1 };
            uint16_t regs[4] = { 0 };
            char text[8];
            spb_value out;
            CHECK_OK(edge_mb_encode(&t, &rows[i].v, regs));
            CHECK_OK(edge_mb_decode(&t, regs, text, &out));
            CHECK_ROW(spb_datatype_name(rows[i].raw), out.type == rows[i].v.type && out.as.u64 == rows[i].v.as.u64);
        }
}

static void the_four_orders_are_the_usual_ones(void)
{
    static const struct {
        edge_mb_order order;
        uint16_t regs[2];
    } rows[] = { { EDGE_MB_BIG, { 0x0a0b, 0x0c0d } },
                 { EDGE_MB_LITTLE, { 0x0d0c, 0x0b0a } },
                 { EDGE_MB_BYTE_SWAP, { 0x0b0a, 0x0d0c } },
                 { EDGE_MB_WORD_SWAP, { 0x0c0d, 0x0a0b } } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        edge_mb_tag t = { .raw = SPB_UINT32, .count = 2, .order = rows[i].order, .bit = -1 };
        char text[4];
        spb_value v;
        CHECK_OK(edge_mb_decode(&t, rows[i].regs, text, &v));
        CHECK_INT(v.as.u64, 0x0a0b0c0d);
    }
}

static void texts_end_at_nul_and_blanks_and_must_be_utf8(void)
{
    edge_mb_tag t = { .raw = SPB_STRING, .count = 4, .bit = -1 };
    uint16_t regs[4] = { 0x4162, 0x6320, 0x2000, 0x5858 };
    char text[8];
    spb_value v;
    CHECK_OK(edge_mb_decode(&t, regs, text, &v));
    CHECK_STR(v.as.bytes, "Abc");
    regs[0] = 0xc328;
    CHECK_STATUS(edge_mb_decode(&t, regs, text, &v), PT_EMALFORMED);
    spb_value in = { .type = SPB_STRING, .as = { .bytes = PT_LIT("12345678") } };
    CHECK_OK(edge_mb_encode(&t, &in, regs));
    CHECK_INT(regs[3], 0x3738);
    in.as.bytes = PT_LIT("123456789");
    CHECK_STATUS(edge_mb_encode(&t, &in, regs), PT_ETOOBIG);
}

static void bit_fields_leave_the_other_bits_alone(void)
{
    edge_mb_tag t = { .raw = SPB_UINT16, .count = 1, .bit = 4, .bits = 3 };
    uint16_t reg = 0xffff;
    spb_value v = { .type = SPB_UINT16, .as = { .u64 = 2 } };
    char text[2];
    CHECK_OK(edge_mb_encode(&t, &v, &reg));
    CHECK_INT(reg, 0xffaf);
    CHECK_OK(edge_mb_decode(&t, &reg, text, &v));
    CHECK_INT(v.as.u64, 2);
    v.as.u64 = 8;
    CHECK_STATUS(edge_mb_encode(&t, &v, &reg), PT_ETOOBIG);
}

static void neighbours_share_a_request_within_the_limits(void)
{
    edge_mb_tag tags[] = {
        { .table = EDGE_MB_HOLDING, .address = 10, .count = 2, .bit = -1 },
        { .table = EDGE_MB_HOLDING, .address = 0, .count = 4, .bit = -1 },
        { .table = EDGE_MB_HOLDING, .address = 20, .count = 1, .bit = -1 },
        { .table = EDGE_MB_HOLDING, .address = 300, .count = 2, .bit = -1 },
        { .table = EDGE_MB_COIL, .address = 0, .count = 1, .bit = -1 },
        { .table = EDGE_MB_COIL, .address = 60, .count = 1, .bit = -1 },
        { .table = EDGE_MB_HOLDING, .address = 20, .count = 1, .bit = 3 },
    };
    uint32_t order[PT_COUNT_OF(tags)] = { 0, 1, 2, 3, 4, 5, 6 };
    edge_mb_block blocks[PT_COUNT_OF(tags)];
    uint32_t n = edge_mb_plan(tags, order, PT_COUNT_OF(tags), 125, 2000, 8, blocks);
    CHECK_INT(n, 3);
    CHECK(blocks[0].table == EDGE_MB_COIL && blocks[0].count == 61 && blocks[0].n == 2);
    CHECK(blocks[1].address == 0 && blocks[1].count == 21 && blocks[1].n == 4);
    CHECK(blocks[2].address == 300 && blocks[2].count == 2);
    n = edge_mb_plan(tags, order, PT_COUNT_OF(tags), 8, 2000, 8, blocks);
    for (uint32_t i = 0; i < n; i++)
        CHECK(blocks[i].table == EDGE_MB_COIL || blocks[i].count <= 8);
    n = edge_mb_plan(tags, order, PT_COUNT_OF(tags), 125, 2000, 0, blocks);
    CHECK_INT(n, 6);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(addresses_name_table_register_and_bit), PT_TEST(all_types_and_orders_come_back_as_they_went),
        PT_TEST(the_four_orders_are_the_usual_ones),    PT_TEST(texts_end_at_nul_and_blanks_and_must_be_utf8),
        PT_TEST(bit_fields_leave_the_other_bits_alone), PT_TEST(neighbours_share_a_request_within_the_limits),
    };
    return pt_test_main("edge-node/modbus_plan", tests, PT_COUNT_OF(tests), argc, argv);
}
