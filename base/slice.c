/* base/slice.c -- the few slice operations that are not one line. */
#include "base/slice.h"

#include <math.h>
#include <stdlib.h>

uint64_t pt_slice_hash(pt_slice s, uint64_t seed)
{
    uint64_t h = 0xcbf29ce484222325u ^ seed;
    size_t i = 0;
    for (; i + 8 <= s.len; i += 8) {
        uint64_t w;
        memcpy(&w, s.ptr + i, 8);
        h = (h ^ w) * 0x9e3779b97f4a7c15u;
        h ^= h >> 32;
    }
    for (; i < s.len; i++) {
        h = (h ^ (unsigned char)s.ptr[i]) * 0x100000001b3u;
    }
    h ^= s.len;
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdu;
    h ^= h >> 33;
    return h;
}

bool pt_slice_split(pt_slice *rest, char sep, pt_slice *piece)
{
    if (!rest->ptr) return false;
    size_t at = pt_slice_find(*rest, sep);
    *piece = (pt_slice){ rest->ptr, at };
    *rest = at == rest->len ? PT_NONE : pt_slice_from(*rest, at + 1);
    return true;
}

char *pt_slice_dup(pt_slice s)
{
    char *p = malloc(s.len + 1);
    if (!p) return NULL;
    if (s.len) memcpy(p, s.ptr, s.len);
    p[s.len] = '\0';
    return p;
}

bool pt_slice_to_u64(pt_slice s, uint64_t *out)
{
    uint64_t v = 0;
    pt_slice_holds(s);
    if (s.len == 0) return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') return false;
        uint64_t d = (uint64_t)(s.ptr[i] - '0');
        if (v > (UINT64_MAX - d) / 10) return false;
        v = v * 10 + d;
    }
    *out = v;
    return true;
}

bool pt_slice_to_i64(pt_slice s, int64_t *out)
{
    bool neg = s.len > 0 && s.ptr[0] == '-';
    uint64_t v;
    if (!pt_slice_to_u64(neg ? pt_slice_from(s, 1) : s, &v)) return false;
    if (v > (uint64_t)INT64_MAX + (neg ? 1u : 0u)) return false;
    *out = neg ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

bool pt_slice_to_f64(pt_slice s, double *out)
{
    char buf[64];
    char *end;
    if (s.len == 0 || s.len >= sizeof buf || (unsigned char)s.ptr[0] <= ' ') return false; /* strtod would skip blanks */
    memcpy(buf, s.ptr, s.len);
    buf[s.len] = '\0';
    if (strlen(buf) != s.len || strpbrk(buf, "xX(")) return false; /* no hexadecimal numbers, no nan(...) */
    double v = strtod(buf, &end);
    if (*end != '\0' || end == buf) return false;
    if (isinf(v) && !strpbrk(buf, "iI")) return false; /* too large for a double */
    *out = v;
    return true;
}
