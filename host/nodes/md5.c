/* host/nodes/md5.c -- RFC 1321, section 3. */
#include "host/nodes/md5.h"

#include <stdio.h>

static const uint32_t SINE[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1,
    0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453,
    0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a, 0xfffa3942,
    0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05,
    0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d,
    0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};
static const uint8_t TURN[4][4] = { { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 } };

static void mix(uint32_t state[4], const unsigned char *block)
{
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], w[16];
    for (unsigned i = 0; i < 16; i++)
        w[i] =
            (uint32_t)block[4 * i] | (uint32_t)block[4 * i + 1] << 8 | (uint32_t)block[4 * i + 2] << 16 | (uint32_t)block[4 * i + 3] << 24;
    for (unsigned i = 0; i < 64; i++) {
        uint32_t f;
        unsigned k;
        switch (i / 16) {
        case 0:
            f = (b & c) | (~b & d);
            k = i;
            break;
        case 1:
            f = (d & b) | (~d & c);
            k = 5 * i + 1;
            break;
        case 2:
            f = b ^ c ^ d;
            k = 3 * i + 5;
            break;
        default:
            f = c ^ (b | ~d);
            k = 7 * i;
            break;
        }
        f += a + SINE[i] + w[k % 16];
        a = d;
        d = c;
        c = b;
        unsigned turn = TURN[i / 16][i % 4];
        b += f << turn | f >> (32 - turn);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

void host_md5_init(host_md5 *m)
{
    *m = (host_md5){ .state = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 } };
}

void host_md5_add(host_md5 *m, pt_slice bytes)
{
    size_t at = m->len % 64;
    m->len += bytes.len;
    while (bytes.len) {
        size_t n = bytes.len < 64 - at ? bytes.len : 64 - at;
        memcpy(m->block + at, bytes.ptr, n);
        bytes = pt_slice_from(bytes, n);
        at += n;
        if (at < 64) break;
        mix(m->state, m->block);
        at = 0;
    }
}

void host_md5_hex(const host_md5 *m, char hex[33])
{
    host_md5 end = *m;
    unsigned char pad[72] = { 0x80 };
    size_t n = (end.len % 64 < 56 ? 56 : 120) - end.len % 64;
    for (unsigned i = 0; i < 8; i++)
        pad[n + i] = (unsigned char)(m->len * 8 >> 8 * i);
    host_md5_add(&end, pt_slice_of(pad, n + 8));
    for (unsigned i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned)(end.state[i / 4] >> 8 * (i % 4)) & 0xffu);
}
