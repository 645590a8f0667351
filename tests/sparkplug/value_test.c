/* tests/sparkplug/value_test.c -- what is asked of a value whatever it is: equality, its number, and a metric's quality. */
#include "sparkplug/value.h"
#include "tests/support/check.h"

#include <math.h>

static void values_are_equal_by_type_and_bits(void)
{
    spb_value a = { .type = SPB_DOUBLE, .as.f64 = NAN }, b = a, z = { .type = SPB_DOUBLE, .as.f64 = 0.0 },
              mz = { .type = SPB_DOUBLE, .as.f64 = -0.0 };
    spb_value i = { .type = SPB_INT32, .as.i64 = 5 }, l = { .type = SPB_INT64, .as.i64 = 5 };
    spb_value n = { .type = SPB_INT32, .is_null = true, .as.i64 = 1 }, n2 = { .type = SPB_INT32, .is_null = true };
    spb_value s = { .type = SPB_STRING, .as.bytes = PT_LIT("x") }, t = { .type = SPB_STRING, .as.bytes = PT_LIT("y") };
    CHECK(spb_value_equal(&a, &b));
    CHECK(!spb_value_equal(&z, &mz) && !spb_value_equal(&i, &l) && !spb_value_equal(&i, &n) && !spb_value_equal(&s, &t));
    CHECK(spb_value_equal(&n, &n2) && spb_value_equal(&i, &i) && spb_value_equal(&s, &s));
    spb_value f = { .type = SPB_FLOAT, .as.f32 = 1 }, u = { .type = SPB_UINT8, .as.u64 = 1 },
              yes = { .type = SPB_BOOLEAN, .as.boolean = true };
    CHECK(spb_value_equal(&f, &f) && spb_value_equal(&u, &u) && spb_value_equal(&yes, &yes));
}

static void numbers_come_from_numeric_types_only(void)
{
    const struct {
        spb_value v;
        bool is;
        double want;
    } rows[] = {
        { { .type = SPB_INT16, .as.i64 = -3 }, true, -3 },
        { { .type = SPB_UINT64, .as.u64 = 1u << 31 }, true, 2147483648.0 },
        { { .type = SPB_FLOAT, .as.f32 = 0.5f }, true, 0.5 },
        { { .type = SPB_DOUBLE, .as.f64 = 1e300 }, true, 1e300 },
        { { .type = SPB_BOOLEAN, .as.boolean = true }, true, 1 },
        { { .type = SPB_DATETIME, .as.u64 = 7 }, true, 7 },
        { { .type = SPB_INT16, .is_null = true }, false, 0 },
        { { .type = SPB_STRING, .as.bytes = PT_LIT("5") }, false, 0 },
        { { .type = SPB_INT8_ARRAY, .as.bytes = PT_LIT("5") }, false, 0 },
        { { .type = SPB_DATASET }, false, 0 },
        { { .type = SPB_BYTES }, false, 0 },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        double d = 0;
        CHECK(spb_value_number(&rows[i].v, &d) == rows[i].is);
        CHECK(d == rows[i].want);
    }
}

static void quality_is_read_from_its_property(void)
{
    const struct {
        const char *what;
        spb_property p;
        spb_quality want;
    } rows[] = {
        { "tck-id-payloads-propertyset-quality-value-value",
          { .key = PT_LIT("Quality"), .type = 3, .wire = SPB_WIRE_INT, .value.u32 = 192 },
          SPB_GOOD },
        { "tck-id-payloads-propertyset-quality-value-value",
          { .key = PT_LIT("Quality"), .type = 3, .wire = SPB_WIRE_INT, .value.u32 = 0 },
          SPB_BAD },
        { "tck-id-payloads-propertyset-quality-value-value",
          { .key = PT_LIT("Quality"), .type = 3, .wire = SPB_WIRE_INT, .value.u32 = 500 },
          SPB_STALE },
        { "another code", { .key = PT_LIT("Quality"), .type = 3, .wire = SPB_WIRE_INT, .value.u32 = 193 }, SPB_BAD },
        { "Int64 (other producers)", { .key = PT_LIT("Quality"), .type = 4, .wire = SPB_WIRE_LONG, .value.u64 = 192 }, SPB_GOOD },
        { "text", { .key = PT_LIT("Quality"), .type = 12, .wire = SPB_WIRE_STRING, .value.bytes = PT_LIT("GOOD") }, SPB_BAD },
        { "null", { .key = PT_LIT("Quality"), .type = 3, .is_null = true, .wire = SPB_WIRE_INT, .value.u32 = 192 }, SPB_BAD },
        { "another key", { .key = PT_LIT("quality"), .type = 3, .wire = SPB_WIRE_INT, .value.u32 = 0 }, SPB_GOOD },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        spb_property items[2] = { { .key = PT_LIT("engUnit") }, rows[i].p };
        spb_property_set set = { items, 2, false };
        spb_metric m = { .properties = &set };
        CHECK_ROW(rows[i].what, spb_metric_quality(&m) == rows[i].want);
    }
    spb_metric plain = { 0 };
    CHECK(spb_metric_quality(&plain) == SPB_GOOD);
    CHECK(spb_quality_letter(SPB_UNCERTAIN) == 'U' && spb_quality_letter(SPB_STALE) == 'S');
    CHECK_STR(pt_cstr(spb_quality_name(SPB_BAD)), "BAD");
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(values_are_equal_by_type_and_bits),
        PT_TEST(numbers_come_from_numeric_types_only),
        PT_TEST(quality_is_read_from_its_property),
    };
    return pt_test_main("sparkplug/value", tests, PT_COUNT_OF(tests), argc, argv);
}
