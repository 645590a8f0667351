/* base/utf8.c -- a table-free checker; runs of ASCII are passed eight bytes at a time. */
#include "base/utf8.h"

size_t pt_utf8_next(const char *ptr, size_t len, uint32_t *code)
{
    const unsigned char *p = (const unsigned char *)ptr;
    if (len == 0) return 0;
    uint32_t c = p[0];
    size_t n = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xF0 && c < 0xF5 ? 4 : 0;
    if (n == 0 || n > len) return 0;
    if (n > 1) c &= 0x7Fu >> n;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
        c = c << 6 | (p[i] & 0x3Fu);
    }
    if (n == 3 && (c < 0x800 || (c >= 0xD800 && c < 0xE000))) return 0;
    if (n == 4 && (c < 0x10000 || c > 0x10FFFF)) return 0;
    if (code) *code = c;
    return n;
}

bool pt_utf8_valid(pt_slice s)
{
    size_t i = 0;
    while (i < s.len) {
        uint64_t w;
        while (i + 8 <= s.len && (memcpy(&w, s.ptr + i, 8), (w & 0x8080808080808080u) == 0))
            i += 8;
        if (i >= s.len) break;
        size_t n = (unsigned char)s.ptr[i] < 0x80 ? 1 : pt_utf8_next(s.ptr + i, s.len - i, NULL);
        if (!n) return false;
        i += n;
    }
    return true;
}
