/* tests/sparkplug/payload_pbc_read_test.c -- the decoder through protobuf-c: what is asked of both, and as the reader's oracle. */
#include "base/random.h"
#include "tests/sparkplug/payload_cases.h"
#include "tests/sparkplug/payload_compare.h"
#include "tests/sparkplug/vectors.h"

#include <stdlib.h>

enum { ARENA = PAYLOAD_CASES_ARENA };

static void every_prefix_of_every_vector_is_handled_alike(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(spb_vectors); i++) {
        char bytes[256];
        pt_slice whole = pt_unhex(spb_vectors[i].hex, bytes, sizeof bytes);
        for (size_t n = 0; n < whole.len; n++) {
            char *exact = malloc(n ? n : 1); /* its own block: a sanitizer sees a read beyond */
            CHECK_FATAL(exact != NULL);
            memcpy(exact, whole.ptr, n);
            const char *why = payload_codecs_disagree(pt_slice_of(exact, n), NULL, ARENA);
            CHECK_ROW(why ? why : spb_vectors[i].name, why == NULL);
            free(exact);
        }
    }
}

/* Seeded mutations of the vectors: flipped bits, copied, removed and inserted pieces. */
static void both_decoders_agree_on_random_mutations(void)
{
    static const spb_limits small = { 4096, 64, 64, 8 };
    pt_random r = pt_random_seed(20261123);
    for (int round = 0; round < 200000; round++) {
        char buf[1024];
        pt_slice in = pt_unhex(spb_vectors[pt_random_below(&r, PT_COUNT_OF(spb_vectors))].hex, buf, sizeof buf);
        size_t n = in.len;
        for (uint64_t k = 1 + pt_random_below(&r, 6); k > 0; k--) {
            size_t at = pt_random_below(&r, n ? n : 1), len = pt_random_below(&r, 12);
            switch (pt_random_below(&r, 5)) {
            case 0:
                if (n) buf[at] = (char)(buf[at] ^ (1 << pt_random_below(&r, 8)));
                break;
            case 1:
                if (n) buf[at] = (char)pt_random_u64(&r);
                break;
            case 2: /* remove a piece */
                if (len > n - at) len = n - at;
                memmove(buf + at, buf + at + len, n - at - len);
                n -= len;
                break;
            case 3: /* double a piece */
                if (len > n - at) len = n - at;
                if (n + len > sizeof buf) break;
                memmove(buf + at + len, buf + at, n - at);
                n += len;
                break;
            default: /* splice another vector behind */
                if (n < 500) n += pt_unhex(spb_vectors[pt_random_below(&r, PT_COUNT_OF(spb_vectors))].hex, buf + n, 256).len;
                break;
            }
        }
        char *exact = malloc(n ? n : 1);
        CHECK_FATAL(exact != NULL);
        memcpy(exact, buf, n);
        const char *why = payload_codecs_disagree(pt_slice_of(exact, n), round % 2 ? &small : NULL, 1 << 20);
        free(exact);
        if (why) {
            CHECK_ROW(why, why == NULL);
            pt_check_hex_at(pt_slice_of(buf, n), "", __FILE__, __LINE__);
            return;
        }
    }
    CHECK(true);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(every_prefix_of_every_vector_is_handled_alike),
                                     PT_TEST(both_decoders_agree_on_random_mutations) };
    return payload_decoder_main("sparkplug/payload_pbc_read", spb_payload_decode_pbc, tests, PT_COUNT_OF(tests), argc, argv);
}
