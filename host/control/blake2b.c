/* host/control/blake2b.c -- RFC 7693, sections 2 and 3. */
#include "host/control/blake2b.h"

static const uint64_t IV[8] = { 0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                                0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179 };
static const uint8_t SIGMA[10][16] = {
    { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 }, { 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3 },
    { 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4 }, { 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8 },
    { 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13 }, { 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9 },
    { 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11 }, { 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10 },
    { 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5 }, { 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0 },
};

static uint64_t turn(uint64_t x, unsigned n)
{
    return x >> n | x << (64 - n);
}

static void mix(uint64_t v[16], unsigned a, unsigned b, unsigned c, unsigned d, uint64_t x, uint64_t y)
{
    v[a] += v[b] + x;
    v[d] = turn(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = turn(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = turn(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = turn(v[b] ^ v[c], 63);
}

static void compress(uint64_t h[8], const unsigned char block[128], uint64_t len, bool last)
{
    uint64_t v[16], m[16] = { 0 };
    for (unsigned i = 0; i < 128; i++)
        m[i / 8] |= (uint64_t)block[i] << 8 * (i % 8);
    for (unsigned i = 0; i < 8; i++) {
        v[i] = h[i];
        v[8 + i] = IV[i];
    }
    v[12] ^= len;
    if (last) v[14] = ~v[14];
    for (unsigned r = 0; r < 12; r++) {
        const uint8_t *s = SIGMA[r % 10];
        for (unsigned i = 0; i < 4; i++)
            mix(v, i, 4 + i, 8 + i, 12 + i, m[s[2 * i]], m[s[2 * i + 1]]);
        for (unsigned i = 0; i < 4; i++)
            mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[s[8 + 2 * i]], m[s[9 + 2 * i]]);
    }
    for (unsigned i = 0; i < 8; i++)
        h[i] ^= v[i] ^ v[8 + i];
}

void host_blake2b(pt_slice bytes, unsigned char out[HOST_BLAKE2B_LEN])
{
    uint64_t h[8], done = 0;
    memcpy(h, IV, sizeof h);
    h[0] ^= 0x01010000u ^ HOST_BLAKE2B_LEN;
    while (bytes.len > 128) {
        done += 128;
        compress(h, (const unsigned char *)bytes.ptr, done, false);
        bytes = pt_slice_from(bytes, 128);
    }
    unsigned char block[128] = { 0 };
    if (bytes.len) memcpy(block, bytes.ptr, bytes.len);
    compress(h, block, done + bytes.len, true);
    for (unsigned i = 0; i < HOST_BLAKE2B_LEN; i++)
        out[i] = (unsigned char)(h[i / 8] >> 8 * (i % 8));
}
