/* base/daemon/percent.c -- both directions of percent-encoding. */
#include "base/daemon/percent.h"

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

bool pt_percent_decode(pt_slice raw, bool plus, char *out, size_t *len)
{
    size_t n = 0;
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.ptr[i];
        if (c == '%') {
            int high = i + 2 < raw.len ? nibble(raw.ptr[i + 1]) : -1;
            int low = high >= 0 ? nibble(raw.ptr[i + 2]) : -1;
            if (low < 0) return false;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        out[n++] = c;
    }
    *len = n;
    return true;
}

void pt_percent_encode(pt_buf *out, pt_slice s, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        bool plain = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain || (c == '/' && keep_slash)) {
            pt_buf_char(out, (char)c);
        } else {
            char code[3] = { '%', digits[c >> 4], digits[c & 15] };
            pt_buf_add(out, code, 3);
        }
    }
}
