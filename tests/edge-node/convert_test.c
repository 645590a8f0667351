/* From raw readings to a tag's value and back. */
#include "edge-node/convert.h"
#include "tests/support/check.h"

#include <math.h>

static void readings_are_scaled_clamped_and_kept_in_range(void)
{
    edge_convert c = { .type = SPB_DOUBLE, .scaled = true, .scale = 0.1, .offset = -40 };
    spb_value raw = { .type = SPB_INT16, .as = { .i64 = 650 } }, v;
    CHECK_OK(edge_convert_in(&c, &raw, &v));
    CHECK(fabs(v.as.f64 - 25) < 1e-12 && v.type == SPB_DOUBLE);
    c.clamped = true;
    c.clamp_high = 20;
    CHECK_OK(edge_convert_in(&c, &raw, &v));
    CHECK(v.as.f64 == 20);
    c = (edge_convert){ .type = SPB_UINT8 };
    raw.as.i64 = 256;
    CHECK_STATUS(edge_convert_in(&c, &raw, &v), PT_ETOOBIG);
    raw.as.i64 = -1;
    CHECK_STATUS(edge_convert_in(&c, &raw, &v), PT_ETOOBIG);
    c = (edge_convert){ .type = SPB_UINT64 };
    raw = (spb_value){ .type = SPB_INT64, .as = { .i64 = INT64_MAX } };
    CHECK_OK(edge_convert_in(&c, &raw, &v));
    CHECK(v.as.u64 == INT64_MAX); /* not through a double */
    raw = (spb_value){ .type = SPB_STRING, .as = { .bytes = PT_LIT("5") } };
    CHECK_STATUS(edge_convert_in(&c, &raw, &v), PT_EMALFORMED);
    raw = (spb_value){ .type = SPB_DOUBLE, .as = { .f64 = NAN } };
    CHECK_STATUS(edge_convert_in(&c, &raw, &v), PT_ETOOBIG);
}

static void writes_are_limited_and_scaled_back(void)
{
    edge_convert c = { .type = SPB_DOUBLE, .scaled = true, .scale = 0.1, .offset = -40, .limited = true, .write_low = 0, .write_high = 30 };
    spb_value v = { .type = SPB_DOUBLE, .as = { .f64 = 25 } }, raw;
    CHECK_OK(edge_convert_out(&c, &v, &raw, NULL));
    CHECK(fabs(raw.as.f64 - 650) < 1e-9);
    v.as.f64 = 30.01;
    CHECK_STATUS(edge_convert_out(&c, &v, &raw, NULL), PT_EREFUSED);
    v.as.f64 = NAN;
    CHECK_STATUS(edge_convert_out(&c, &v, &raw, NULL), PT_EREFUSED);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(readings_are_scaled_clamped_and_kept_in_range),
        PT_TEST(writes_are_limited_and_scaled_back),
    };
    return pt_test_main("edge-node/convert", tests, PT_COUNT_OF(tests), argc, argv);
}
