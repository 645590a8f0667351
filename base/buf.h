/* base/buf.h -- a growing byte buffer that cannot be made without a maximum.
 *
 * Owner thread only. After a failed append the buffer is in the FAILED state: its contents are
 * freed, every further append fails with the same status, and pt_buf_status says why. So a
 * writer appends freely and checks once at the end. */
#ifndef PT_BUF_H
#define PT_BUF_H
#include "base/slice.h"
#include "base/status.h"

typedef struct pt_buf {
    char *ptr;
    size_t len, cap;
    size_t max;       /* bytes; contents never exceed it */
    pt_status status; /* PT_OK, PT_ETOOBIG or PT_ENOMEM */
} pt_buf;

void pt_buf_init(pt_buf *b, size_t max);
void pt_buf_fini(pt_buf *b);
void pt_buf_reset(pt_buf *b); /* empty it, keep the storage, clear a failure */

static inline pt_status pt_buf_status(const pt_buf *b)
{
    return b->status;
}
static inline pt_slice pt_buf_view(const pt_buf *b) /* borrows; valid until the next append */
{
    return (pt_slice){ b->ptr ? b->ptr : "", b->len };
}

/* Room for `n` more bytes at b->ptr + b->len; the caller then adds to b->len. */
pt_status pt_buf_reserve(pt_buf *b, size_t n);
pt_status pt_buf_add(pt_buf *b, const void *bytes, size_t n);
pt_status pt_buf_slice(pt_buf *b, pt_slice s);
pt_status pt_buf_cstr(pt_buf *b, const char *s);
pt_status pt_buf_char(pt_buf *b, char c);
pt_status pt_buf_printf(pt_buf *b, const char *fmt, ...) PT_PRINTF(2, 3);

/* Move the bytes out; the caller frees them with free(). The buffer is empty afterwards.
 * *len may be NULL. A final NUL (not counted) is there. NULL if the buffer has failed. */
char *pt_buf_take(pt_buf *b, size_t *len);
#endif
