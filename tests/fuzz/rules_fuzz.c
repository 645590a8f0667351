/* tests/fuzz/rules_fuzz.c -- whatever decodes can be judged: a Will, a birth and any message, all of the same bytes. */
#include "sparkplug/rules.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *ctx, const spb_finding *f)
{
    if (!f->rule || !f->text) abort();
    ++*(size_t *)ctx;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pt_arena arena;
    spb_payload p;
    spb_rules *r = NULL;
    size_t told = 0, found = 0;
    if (size < 2) return 0;
    spb_topic any = { .verb = (spb_verb)(data[0] % SPB_VERB_COUNT), .group = PT_LIT("g"), .edge = PT_LIT("e") };
    const spb_topic birth = { .verb = SPB_NBIRTH, .group = PT_LIT("g"), .edge = PT_LIT("e") };
    if (spb_verb_is_device(any.verb)) any.device = PT_LIT("d");
    const spb_delivery delivery = { data[0] & 0x80, data[0] >> 5 & 1, data[0] >> 6 & 1 };
    pt_arena_init(&arena, 4u << 20);
    if (spb_payload_decode(pt_slice_of(data + 1, size - 1), NULL, &arena, &p, NULL) == PT_OK && spb_rules_new(&r) == PT_OK) {
        if (data[0] & 0x10) found += spb_rules_connect(r, &p, delivery, count, &told);
        found += spb_rules_check(r, &birth, &p, delivery, count, &told);
        found += spb_rules_check(r, &any, &p, delivery, count, &told);
        found += spb_rules_check(r, &any, &p, delivery, NULL, NULL);
        if (found < told) abort();
        spb_rules_free(r);
    }
    pt_arena_fini(&arena);
    return 0;
}
