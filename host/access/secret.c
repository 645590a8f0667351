/* host/access/secret.c -- random texts and their hashes. 32 random bytes need no slow hash: nobody tries them all. */
#include "host/access/internal.h"

#include <sodium.h>

_Static_assert(ACCESS_SECRET_TEXT == sodium_base64_ENCODED_LEN(32, sodium_base64_VARIANT_URLSAFE_NO_PADDING), "43 characters and NUL");

void access__hash_secret(pt_slice secret, unsigned char out[ACCESS__HASH_LEN])
{
    /* fails for lengths that make no sense only */
    (void)crypto_generichash(out, ACCESS__HASH_LEN, (const unsigned char *)(secret.ptr ? secret.ptr : ""), secret.len, NULL, 0);
}

void access__new_secret(char text[ACCESS_SECRET_TEXT])
{
    unsigned char bytes[32];
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2base64(text, ACCESS_SECRET_TEXT, bytes, sizeof bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof bytes);
}

bool access__token_parts(pt_slice text, uint64_t *id, pt_slice *secret)
{
    static const pt_slice head = { "plantree_", 9 };
    if (!pt_slice_starts(text, head)) return false;
    pt_slice rest = pt_slice_from(text, head.len);
    size_t end = pt_slice_find(rest, '_');
    if (end == rest.len || !pt_slice_to_u64(pt_slice_of(rest.ptr, end), id) || *id == 0 || *id > INT64_MAX) return false;
    *secret = pt_slice_from(rest, end + 1);
    return secret->len == ACCESS_SECRET_TEXT - 1;
}

bool access_is_token(pt_slice text)
{
    uint64_t id;
    pt_slice secret;
    return access__token_parts(text, &id, &secret);
}
