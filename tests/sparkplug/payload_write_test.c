/* tests/sparkplug/payload_write_test.c -- our encoder: what is asked of both, and one metric by itself. */
#include "tests/sparkplug/payload_cases.h"

static void one_metric_encodes_without_its_frame(void)
{
    spb_metric m = {
        .name = PT_LIT("bdSeq"), .flags = SPB_HAS_NAME | SPB_HAS_DATATYPE, .datatype = SPB_INT64, .wire = SPB_WIRE_LONG, .value.u64 = 7
    };
    pt_buf out;
    pt_buf_init(&out, 100);
    CHECK_OK(spb_metric_encode(&m, &out));
    CHECK_HEX(pt_buf_view(&out), "0a05626453657120045807");
    pt_buf_fini(&out);
}

/* The fast path writes into room reserved for the upper bound; near the buffer's maximum it must give way to exact appends. */
static void the_last_metrics_before_the_maximum_are_not_refused(void)
{
    enum { N = 40 };
    spb_metric m[N];
    spb_payload p = { .metrics = m, .n_metrics = N };
    pt_buf all, exact;
    for (int i = 0; i < N; i++)
        m[i] = (spb_metric){ .flags = SPB_HAS_ALIAS, .alias = (uint64_t)i, .wire = SPB_WIRE_INT, .value.u32 = 1 };
    pt_buf_init(&all, 4096);
    CHECK_OK(spb_payload_encode(&p, &all));
    CHECK_INT(all.len, N * 6);
    for (size_t less = 0; less < 2; less++) {
        pt_buf_init(&exact, all.len - less);
        CHECK_STATUS(spb_payload_encode(&p, &exact), less ? PT_ETOOBIG : PT_OK);
        if (!less) CHECK(pt_slice_eq(pt_buf_view(&exact), pt_buf_view(&all)));
        pt_buf_fini(&exact);
    }
    pt_buf_fini(&all);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(one_metric_encodes_without_its_frame),
                                     PT_TEST(the_last_metrics_before_the_maximum_are_not_refused) };
    return payload_encoder_main("sparkplug/payload_write", spb_payload_encode, tests, PT_COUNT_OF(tests), argc, argv);
}
