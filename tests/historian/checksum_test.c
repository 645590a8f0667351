/* tests/historian/checksum_test.c -- XXH64 against the vectors of xxHash's own sanity check. */
#include "base/random.h"
#include "historian/format/bits.h"
#include "tests/support/check.h"

#include <stdio.h>

/* The sanity buffer of xxhsum: every byte the top one of a running product. */
static void fill(uint8_t *bytes, size_t n)
{
    uint64_t g = 2654435761u;
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (uint8_t)(g >> 56);
        g *= 11400714785074694797u;
    }
}

static void the_published_vectors_come_out(void)
{
    static const struct {
        size_t n;
        uint64_t seed, want;
    } rows[] = {
        { 0, 0, 0xef46db3751d8e999u },
        { 0, 2654435761u, 0xac75fda2929b17efu },
        { 1, 0, 0xe934a84adb052768u },
        { 1, 2654435761u, 0x5014607643a9b4c3u },
        { 4, 0, 0x9136a0dca57457eeu },
        { 14, 0, 0x8282dcc4994e35c8u },
        { 14, 2654435761u, 0xc3bd6bf63deb6df0u },
        { 222, 0, 0xb641ae8cb691c174u },
        { 222, 2654435761u, 0x20cb8ab7ae10c14au },
    };
    uint8_t bytes[222];
    fill(bytes, sizeof bytes);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char row[60];
        snprintf(row, sizeof row, "%zu bytes, seed %llu", rows[i].n, (unsigned long long)rows[i].seed);
        CHECK_ROW(row, hist__xxh64(bytes, rows[i].n, rows[i].seed) == rows[i].want);
    }
    CHECK(hist__xxh64("a", 1, 0) == 0xd24ec4f1a98c6e5bu);
    CHECK(hist__xxh64("abc", 3, 0) == 0x44bc2cf5ad770999u);
}

static void only_the_bytes_count_not_where_they_lie(void)
{
    uint8_t bytes[300];
    pt_random rnd = pt_random_seed(1);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)pt_random_u64(&rnd);
    for (size_t n = 0; n <= 100; n++) {
        uint64_t want = hist__xxh64(bytes, n, 7);
        for (size_t shift = 1; shift < 9; shift++) {
            uint8_t moved[128];
            memcpy(moved + shift, bytes, n);
            CHECK(hist__xxh64(moved + shift, n, 7) == want);
        }
        for (size_t at = 0; at < n; at++) { /* and each of them does */
            bytes[at] ^= 0x10;
            CHECK(hist__xxh64(bytes, n, 7) != want);
            bytes[at] ^= 0x10;
        }
        CHECK_INT(hist__checksum(bytes, n), (uint32_t)hist__xxh64(bytes, n, 0));
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(the_published_vectors_come_out), PT_TEST(only_the_bytes_count_not_where_they_lie) };
    return pt_test_main("historian/checksum", tests, PT_COUNT_OF(tests), argc, argv);
}
