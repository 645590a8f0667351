/* base/slice.h -- a borrowed run of bytes: pointer and length, not NUL-terminated.
 *
 * A slice owns nothing. It is valid as long as the bytes it was made from; every header
 * that returns one says whose those are. ptr may be NULL only when len is 0. A NULL ptr means
 * "absent", a non-NULL ptr with len 0 means "present and empty": Sparkplug needs both. */
#ifndef PT_SLICE_H
#define PT_SLICE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct pt_slice {
    const char *ptr;
    size_t len;
} pt_slice;

#define PT_LIT(s)        ((pt_slice){ "" s, sizeof(s) - 1 })  /* of a string literal */
#define PT_NONE          ((pt_slice){ NULL, 0 })              /* absent */
#define PT_SLICE_ARGS(s) (int)(s).len, (s).ptr ? (s).ptr : "" /* for "%.*s" */

static inline pt_slice pt_slice_of(const void *ptr, size_t len)
{
    return (pt_slice){ (const char *)ptr, len };
}
static inline pt_slice pt_cstr(const char *s)
{
    return (pt_slice){ s, s ? strlen(s) : 0 };
}
/* Said to the analyzer, which follows pointers and lengths apart: bytes have a place. */
#ifdef __clang_analyzer__
#define pt_slice_holds(s) ((s).ptr || !(s).len ? (void)0 : __builtin_unreachable())
#else
#define pt_slice_holds(s) ((void)0)
#endif
static inline bool pt_slice_eq(pt_slice a, pt_slice b)
{
    pt_slice_holds(a);
    pt_slice_holds(b);
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
static inline bool pt_slice_eq_cstr(pt_slice a, const char *s)
{
    return pt_slice_eq(a, pt_cstr(s));
}
static inline bool pt_slice_starts(pt_slice s, pt_slice prefix)
{
    return s.len >= prefix.len && memcmp(s.ptr ? s.ptr : "", prefix.ptr ? prefix.ptr : "", prefix.len) == 0;
}
static inline pt_slice pt_slice_from(pt_slice s, size_t start) /* the part from byte `start` <= len on */
{
    return (pt_slice){ s.ptr ? s.ptr + start : NULL, s.len - start };
}
/* Bytewise order, a prefix sorts first: <0, 0, >0. */
static inline int pt_slice_cmp(pt_slice a, pt_slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}
/* Index of the first `c`, or s.len. */
static inline size_t pt_slice_find(pt_slice s, char c)
{
    pt_slice_holds(s);
    const char *p = s.len ? (const char *)memchr(s.ptr, c, s.len) : NULL;
    return p ? (size_t)(p - s.ptr) : s.len;
}
/* 64-bit hash of the bytes (seeded FNV-1a with a final mix); for tables, not for secrets. */
uint64_t pt_slice_hash(pt_slice s, uint64_t seed);

/* Cut the next piece of *rest up to `sep` into *piece and move *rest behind the separator.
 * false when nothing is left; "a//b" yields "a", "", "b"; "a/" yields "a", "". Start with a
 * non-empty slice; *rest becomes absent (NULL) after the last piece. */
bool pt_slice_split(pt_slice *rest, char sep, pt_slice *piece);

/* Heap copy with a final NUL (not counted in len); NULL when out of memory. Free with free(). */
char *pt_slice_dup(pt_slice s);

/* Whole-slice numbers; false (and *out untouched) on anything but a complete number in range. */
bool pt_slice_to_u64(pt_slice s, uint64_t *out); /* decimal digits only */
bool pt_slice_to_i64(pt_slice s, int64_t *out);  /* optional '-' */
bool pt_slice_to_f64(pt_slice s, double *out);   /* C locale, decimal; inf and nan accepted in any case; up to 63 bytes */
#endif
