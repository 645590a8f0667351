/* base/buf.c -- doubling growth under a hard maximum. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

void pt_buf_init(pt_buf *b, size_t max)
{
    *b = (pt_buf){ .max = max < SIZE_MAX / 2 ? max : SIZE_MAX / 2 }; /* room for the arithmetic of growing */
}

void pt_buf_fini(pt_buf *b)
{
    free(b->ptr);
    pt_buf_init(b, b->max);
}

void pt_buf_reset(pt_buf *b)
{
    b->len = 0;
    b->status = PT_OK;
}

static pt_status fail(pt_buf *b, pt_status st)
{
    free(b->ptr);
    b->ptr = NULL;
    b->len = b->cap = 0;
    b->status = st;
    return st;
}

pt_status pt_buf_reserve(pt_buf *b, size_t n)
{
    if (b->status) return b->status;
    if (n > b->max - b->len) return fail(b, PT_ETOOBIG); /* first: the storage may be larger than the maximum */
    if (n < b->cap - b->len) return PT_OK;               /* strictly: room for the NUL of pt_buf_take */
    size_t cap = b->cap ? b->cap : 128;
    while (cap - b->len <= n)
        cap = cap > b->max / 2 ? b->max + 1 : cap * 2;
    char *p = realloc(b->ptr, cap);
    if (!p) return fail(b, PT_ENOMEM);
    b->ptr = p;
    b->cap = cap;
    return PT_OK;
}

pt_status pt_buf_add(pt_buf *b, const void *bytes, size_t n)
{
    pt_status st = pt_buf_reserve(b, n);
    if (st) return st;
    if (n) memcpy(b->ptr + b->len, bytes, n);
    b->len += n;
    return PT_OK;
}

pt_status pt_buf_slice(pt_buf *b, pt_slice s)
{
    return pt_buf_add(b, s.ptr, s.len);
}

pt_status pt_buf_cstr(pt_buf *b, const char *s)
{
    return pt_buf_add(b, s, strlen(s));
}

pt_status pt_buf_char(pt_buf *b, char c)
{
    return pt_buf_add(b, &c, 1);
}

pt_status pt_buf_printf(pt_buf *b, const char *fmt, ...)
{
    char small[256];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    if (n < 0) return fail(b, PT_EINVAL);
    if ((size_t)n < sizeof small) return pt_buf_add(b, small, (size_t)n);
    pt_status st = pt_buf_reserve(b, (size_t)n);
    if (st) return st;
    va_start(ap, fmt);
    vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
    return PT_OK;
}

char *pt_buf_take(pt_buf *b, size_t *len)
{
    if (pt_buf_reserve(b, 0)) return NULL;
    if (!b->ptr && pt_buf_add(b, "", 0)) return NULL;
    char *p = b->ptr;
    if (!p) return NULL;
    p[b->len] = '\0';
    if (len) *len = b->len;
    b->ptr = NULL;
    b->len = b->cap = 0;
    return p;
}
