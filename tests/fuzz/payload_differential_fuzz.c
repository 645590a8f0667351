/* tests/fuzz/payload_differential_fuzz.c -- both decoders and both encoders must agree on any bytes. */
#include "sparkplug/value.h"
#include "tests/sparkplug/payload_compare.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every metric as its own type and as each type there is: no reading may leave its bytes. */
static void read_all_ways(pt_slice in)
{
    pt_arena arena;
    spb_payload p;
    pt_arena_init(&arena, 4u << 20);
    if (spb_payload_decode(in, NULL, &arena, &p, NULL) == PT_OK) {
        for (uint32_t i = 0; i < p.n_metrics && i < 64; i++) {
            (void)spb_metric_quality(&p.metrics[i]);
            for (uint32_t type = 0; type <= SPB_DATATYPE_COUNT; type++) {
                spb_value v;
                pt_buf text;
                pt_buf_init(&text, 1u << 20);
                if (spb_metric_value(&p.metrics[i], type, &arena, &v, NULL) == PT_OK) {
                    pt_json j;
                    pt_json_init(&j, &text);
                    spb_value_json(&j, &v);
                    spb_value_text(&text, &v);
                }
                pt_buf_fini(&text);
            }
        }
    }
    pt_arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const spb_limits small = { 65536, 256, 256, 8 };
    pt_slice in = pt_slice_of(data, size);
    const char *why = payload_codecs_disagree(in, size % 2 ? &small : NULL, 16u << 20);
    if (why) {
        fprintf(stderr, "the codecs disagree: %s\n", why);
        abort();
    }
    if (size) read_all_ways(in);
    return 0;
}
