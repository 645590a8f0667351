/* tests/host/access/secret_test.c -- random texts, and the shape of a token. */
#include "tests/host/access/rig.h"

#include <sodium.h>
#include <stdio.h>

static void secrets_differ_and_are_url_safe(void)
{
    char a[ACCESS_SECRET_TEXT], b[ACCESS_SECRET_TEXT];
    for (int i = 0; i < 200; i++) {
        access__new_secret(a);
        access__new_secret(b);
        CHECK(strlen(a) == 43 && strcmp(a, b) != 0);
        CHECK(strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == 43);
    }
}

static void a_token_is_taken_apart(void)
{
#define SECRET "0123456789_-23456789_-234567890123456789abc"
    static const struct {
        const char *text;
        uint64_t id; /* 0: no token */
    } rows[] = { { "plantree_7_" SECRET, 7 },
                 { "plantree_9223372036854775807_" SECRET, INT64_MAX },
                 { "plantree_9223372036854775808_" SECRET, 0 },
                 { "plantree_0_" SECRET, 0 },
                 { "plantree_-7_" SECRET, 0 },
                 { "plantree__" SECRET, 0 },
                 { "plantree_7_" SECRET "x", 0 },
                 { "plantree_7_", 0 },
                 { "plantree_7", 0 },
                 { "Plantree_7_" SECRET, 0 },
                 { "", 0 } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        uint64_t id = 0;
        pt_slice secret;
        bool is = access__token_parts(pt_cstr(rows[i].text), &id, &secret);
        CHECK_ROW(rows[i].text, is == (rows[i].id != 0) && is == access_is_token(pt_cstr(rows[i].text)));
        if (is) CHECK_ROW(rows[i].text, id == rows[i].id && pt_slice_eq_cstr(secret, SECRET));
    }
}

/* BLAKE2b-256 of "abc", RFC 7693's algorithm with 32 bytes of digest. */
static void the_hash_is_blake2b(void)
{
    unsigned char hash[ACCESS__HASH_LEN];
    access__hash_secret(PT_LIT("abc"), hash);
    CHECK_HEX(pt_slice_of(hash, sizeof hash), "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(secrets_differ_and_are_url_safe), PT_TEST(a_token_is_taken_apart),
                                     PT_TEST(the_hash_is_blake2b) };
    if (sodium_init() < 0) return 1;
    return pt_test_main("access/secret", tests, PT_COUNT_OF(tests), argc, argv);
}
