/* tests/historian/sample_test.c -- a value becomes a sample and a sample the same value again. */
#include "historian/format/format.h"
#include "tests/historian/samples.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>

static spb_value back_and_forth(const spb_value *v, hist_sample *s)
{
    spb_value out;
    hist_sample_from_value(s, 9, NOW, v, SPB_UNCERTAIN);
    CHECK_INT(s->tag_id, 9);
    CHECK_INT(s->time_ms, NOW);
    CHECK_INT(s->quality, SPB_UNCERTAIN);
    CHECK_INT(s->type, v->type);
    hist_sample_value(s, &out);
    CHECK_INT(out.type, v->type);
    return out;
}

static void integers_keep_all_their_bits(void)
{
    static const uint8_t types[] = {
        SPB_INT8, SPB_INT16, SPB_INT32, SPB_INT64, SPB_UINT8, SPB_UINT16, SPB_UINT32, SPB_UINT64, SPB_DATETIME
    };
    static const uint64_t words[] = {
        0, 1, 0x7f, UINT64_C(0xffffffffffffffff), UINT64_C(0x8000000000000000), UINT64_C(0x123456789abcdef0)
    };
    for (size_t t = 0; t < PT_COUNT_OF(types); t++) {
        for (size_t k = 0; k < PT_COUNT_OF(words); k++) {
            hist_sample s;
            spb_value v = { .type = types[t], .as.u64 = words[k] }, out = back_and_forth(&v, &s);
            CHECK_ROW(spb_datatype_name(types[t]), !out.is_null && out.as.u64 == words[k]);
        }
    }
}

static void floats_booleans_and_bytes_keep_theirs(void)
{
    hist_sample s;
    spb_value v = { .type = SPB_FLOAT, .as.f32 = -0.1f }, out = back_and_forth(&v, &s);
    CHECK(out.as.f32 == -0.1f);
    v = (spb_value){ .type = SPB_DOUBLE, .as.f64 = NAN };
    out = back_and_forth(&v, &s);
    CHECK(isnan(out.as.f64));
    for (int b = 0; b < 2; b++) {
        v = (spb_value){ .type = SPB_BOOLEAN, .as.boolean = b };
        out = back_and_forth(&v, &s);
        CHECK(out.as.boolean == (b == 1));
        CHECK_INT(s.as.u64, b);
    }
    static const uint8_t types[] = { SPB_STRING, SPB_TEXT, SPB_UUID, SPB_BYTES, SPB_FILE, SPB_INT32_ARRAY, SPB_DATASET, SPB_TEMPLATE };
    for (size_t t = 0; t < PT_COUNT_OF(types); t++) {
        v = (spb_value){ .type = types[t], .as.bytes = pt_slice_of("a\0b", 3) };
        out = back_and_forth(&v, &s);
        CHECK_ROW(spb_datatype_name(types[t]), pt_slice_eq(out.as.bytes, v.as.bytes));
    }
    v = (spb_value){ .type = SPB_STRING }; /* empty, without an address */
    out = back_and_forth(&v, &s);
    CHECK(s.as.ptr != NULL && out.as.bytes.len == 0 && !out.is_null);
}

static void no_value_stays_no_value(void)
{
    hist_sample s;
    spb_value v = { .type = SPB_INT32, .is_null = true, .as.u64 = 77 }, out = back_and_forth(&v, &s);
    CHECK(out.is_null && s.flags == HIST_NULL && s.as.u64 == 0);
    v = (spb_value){ .type = SPB_PROPERTYSET };
    out = back_and_forth(&v, &s);
    CHECK(out.is_null); /* a type that can't be stored has no value, never a wrong one */
    s = state_row(9, NOW);
    hist_sample_value(&s, &out);
    CHECK(out.is_null);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(integers_keep_all_their_bits), PT_TEST(floats_booleans_and_bytes_keep_theirs),
                                     PT_TEST(no_value_stays_no_value) };
    return pt_test_main("historian/sample", tests, PT_COUNT_OF(tests), argc, argv);
}
