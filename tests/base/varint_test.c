/* tests/base/varint_test.c -- numbers as varints and back, and every way in which bytes are none. */
#include "base/random.h"
#include "base/varint.h"
#include "tests/support/check.h"

static const struct {
    uint64_t v;
    size_t n;
    uint8_t bytes[PT_VARINT_MAX];
} rows[] = {
    { 0, 1, { 0 } },
    { 1, 1, { 1 } },
    { 127, 1, { 0x7f } },
    { 128, 2, { 0x80, 1 } },
    { 300, 2, { 0xac, 2 } },
    { 16384, 3, { 0x80, 0x80, 1 } },
    { UINT64_C(1) << 56, 9, { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1 } },
    { UINT64_MAX, 10, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1 } },
};

static void known_numbers_are_written_and_read(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        uint8_t bytes[PT_VARINT_MAX];
        uint64_t v = 0;
        CHECK_INT(pt_varint_put(bytes, rows[i].v) - bytes, rows[i].n);
        CHECK(memcmp(bytes, rows[i].bytes, rows[i].n) == 0);
        CHECK(pt_varint_get(bytes, bytes + rows[i].n, &v) == bytes + rows[i].n);
        CHECK(v == rows[i].v);
    }
}

static void every_number_comes_back_wherever_the_bytes_end(void)
{
    pt_random rnd = pt_random_seed(1);
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t want = pt_random_u64(&rnd) >> pt_random_below(&rnd, 64), v = ~want;
        uint8_t bytes[3 * PT_VARINT_MAX];
        memset(bytes, 0xff, sizeof bytes); /* what follows is not looked at */
        size_t n = (size_t)(pt_varint_put(bytes, want) - bytes);
        for (size_t behind = 0; behind < 12; behind++) {
            CHECK(pt_varint_get(bytes, bytes + n + behind, &v) == bytes + n);
            CHECK(v == want);
        }
        for (size_t cut = 0; cut < n; cut++) {
            v = 77;
            CHECK(pt_varint_get(bytes, bytes + cut, &v) == NULL);
            CHECK(v == 77);
        }
    }
}

static void more_than_ten_bytes_are_none_and_bits_beyond_64_are_dropped(void)
{
    uint8_t bytes[16];
    uint64_t v = 0;
    memset(bytes, 0x80, sizeof bytes);
    bytes[10] = 0;
    CHECK(pt_varint_get(bytes, bytes + sizeof bytes, &v) == NULL);
    bytes[9] = 0x7f;
    CHECK(pt_varint_get(bytes, bytes + sizeof bytes, &v) == bytes + 10);
    CHECK(v == UINT64_C(1) << 63);
    bytes[2] = 0; /* needless zero groups */
    CHECK(pt_varint_get(bytes, bytes + sizeof bytes, &v) == bytes + 3);
    CHECK(v == 0);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(known_numbers_are_written_and_read), PT_TEST(every_number_comes_back_wherever_the_bytes_end),
                                     PT_TEST(more_than_ten_bytes_are_none_and_bits_beyond_64_are_dropped) };
    return pt_test_main("base/varint", tests, PT_COUNT_OF(tests), argc, argv);
}
