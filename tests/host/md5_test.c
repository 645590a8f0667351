/* tests/host/md5_test.c -- the sums of RFC 1321, A.5, in one piece and in many. */
#include "host/nodes/md5.h"
#include "tests/support/check.h"

static const struct {
    const char *text, *sum;
} rows[] = {
    { "", "d41d8cd98f00b204e9800998ecf8427e" },
    { "a", "0cc175b9c0f1b6a831c399e269772661" },
    { "abc", "900150983cd24fb0d6963f7d28e17f72" },
    { "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
    { "abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b" },
    { "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f" },
    { "12345678901234567890123456789012345678901234567890123456789012345678901234567890", "57edf4a22be3c955ac49da2e2107b67a" },
};

static void the_sums_of_the_rfc_are_found(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        host_md5 m;
        char hex[33];
        host_md5_init(&m);
        host_md5_add(&m, pt_cstr(rows[i].text));
        host_md5_hex(&m, hex);
        CHECK_ROW(rows[i].text, strcmp(hex, rows[i].sum) == 0);
    }
}

static void the_pieces_do_not_matter_and_asking_changes_nothing(void)
{
    char hex[33];
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++)
        for (size_t piece = 1; piece < 80; piece++) {
            host_md5 m;
            host_md5_init(&m);
            for (pt_slice rest = pt_cstr(rows[i].text); rest.len;) {
                size_t n = piece < rest.len ? piece : rest.len;
                host_md5_add(&m, pt_slice_of(rest.ptr, n));
                rest = pt_slice_from(rest, n);
                host_md5_hex(&m, hex);
            }
            host_md5_hex(&m, hex);
            CHECK_ROW(rows[i].text, strcmp(hex, rows[i].sum) == 0);
        }
}

static void lengths_around_a_block_are_padded_right(void)
{
    /* md5sum of so many letters x */
    static const struct {
        size_t n;
        const char *sum;
    } lengths[] = {
        { 55, "04364420e25c512fd958a70738aa8f72" },  { 56, "668a72d5ba17f08e62dabcafad6db14b" },
        { 57, "693037871c4a9d3d8685018905cb530a" },  { 63, "7dc2ca208106a2f703567bdff99d8981" },
        { 64, "c1bb4f81d892b2d57947682aeb252456" },  { 65, "1bc932052302d074bdec39795fe00cf6" },
        { 119, "ab347a5f68c8a443cfcddc633f12c24f" }, { 120, "fb98667f98096de92620b64f46e1c5b5" },
        { 128, "d69cb61a6ee87200676eb0d4b90edbcb" }, { 129, "3926841d393c00c3f36260e5ace10dc1" },
    };
    static char text[200];
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < PT_COUNT_OF(lengths); i++) {
        host_md5 m;
        char hex[33];
        host_md5_init(&m);
        host_md5_add(&m, pt_slice_of(text, lengths[i].n));
        host_md5_hex(&m, hex);
        CHECK_STR(pt_cstr(hex), lengths[i].sum);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(the_sums_of_the_rfc_are_found), PT_TEST(the_pieces_do_not_matter_and_asking_changes_nothing),
                                     PT_TEST(lengths_around_a_block_are_padded_right) };
    return pt_test_main("host/md5", tests, PT_COUNT_OF(tests), argc, argv);
}
