/* base/base64.c */
#include "base/base64.h"

void pt_base64_add(pt_buf *out, pt_slice bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = (const unsigned char *)bytes.ptr;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t n = bytes.len - i;
        uint32_t w = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (n > 2 ? p[i + 2] : 0);
        char four[4] = { digits[w >> 18], digits[w >> 12 & 63], n > 1 ? digits[w >> 6 & 63] : '=', n > 2 ? digits[w & 63] : '=' };
        pt_buf_add(out, four, 4);
    }
}

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool pt_base64_decode(pt_slice text, char *to, size_t *len)
{
    uint32_t acc = 0;
    unsigned bits = 0;
    size_t n = 0, i = 0;
    for (; i < text.len && text.ptr[i] != '='; i++) {
        int v = digit(text.ptr[i]);
        if (v < 0) return false;
        acc = acc << 6 | (uint32_t)v;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            to[n++] = (char)(acc >> bits);
            acc &= (1u << bits) - 1;
        }
    }
    for (; i < text.len; i++) {
        if (text.ptr[i] != '=') return false;
    }
    *len = n;
    return acc == 0;
}
