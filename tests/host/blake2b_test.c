/* tests/host/blake2b_test.c -- sums another implementation (Python's hashlib) gives for the same bytes. */
#include "host/control/blake2b.h"
#include "tests/support/check.h"

static void sums_of_all_lengths_around_a_block_are_right(void)
{
    static const struct {
        size_t n; /* bytes i * 7 + n */
        const char *sum;
    } rows[] = {
        { 0, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8" },
        { 1, "ee155ace9c40292074cb6aff8c9ccdd273c81648ff1149ef36bcea6ebb8a3e25" },
        { 3, "9facd640130c81e7f318a8d5c660bc1b0f5d03861ffbd4cc1358e0e904593c28" },
        { 64, "bb447dddb2721745b8e7c3b373d844b8f6e070ca7d5a7993e631ab94f364caab" },
        { 127, "f609ab2904b340cd075920018e0e3c6f6a90a3dae3edf03d3cccc0634a81ffe3" },
        { 128, "0702c64922fb7635a1b799668a7e89ba9c5fe55ed7bd2fdecb001544073afad9" },
        { 129, "490091b32bad7b3380c9e593d341bce9b73ff9d4ebcf0091ff932bdff7279897" },
        { 255, "b579b3e762db9a4a9def50ea22419ca669a4875f015a167f52baa86547df7554" },
        { 256, "3d0cb2693dfbac42af5a6cc960953fea8714aa39c4bcd054ef61d6b5e98ade4a" },
        { 257, "080f7f2ee61cc8ffcf2ad907f7a9824a8445c5e4b194a0106c65f9b9c1ea6787" },
        { 1000, "a2ae1ecc90361e0bb07dab9789a4b0a724ee3cf05623ac6cefa1e6af3da4aae8" },
    };
    for (size_t r = 0; r < PT_COUNT_OF(rows); r++) {
        char bytes[1000], hex[2 * HOST_BLAKE2B_LEN + 1];
        unsigned char sum[HOST_BLAKE2B_LEN];
        for (size_t i = 0; i < rows[r].n; i++)
            bytes[i] = (char)(i * 7 + rows[r].n);
        host_blake2b(pt_slice_of(bytes, rows[r].n), sum);
        for (unsigned i = 0; i < HOST_BLAKE2B_LEN; i++)
            snprintf(hex + 2 * i, 3, "%02x", sum[i]);
        CHECK_STR(pt_cstr(hex), rows[r].sum);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(sums_of_all_lengths_around_a_block_are_right) };
    return pt_test_main("host/blake2b", tests, PT_COUNT_OF(tests), argc, argv);
}
