/* host/query/spool.c -- text of any length in bounded memory. */
#include "host/query/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IN_MEMORY = 64 << 10, ONE_PIECE = 128 << 20 };

void query_spool_init(query_spool *s)
{
    *s = (query_spool){ .file = NULL };
    pt_buf_init(&s->text, ONE_PIECE);
}

void query_spool_fini(query_spool *s)
{
    pt_buf_fini(&s->text);
    if (s->file) (void)fclose(s->file); /* nothing in it is wanted any more */
    s->file = NULL;
}

void query_spool_reset(query_spool *s)
{
    if (s->file) (void)fclose(s->file);
    s->file = NULL;
    s->reading = false;
    pt_buf_reset(&s->text);
}

/* It has no name any more when it is given out: nothing stays behind, however we end. */
static FILE *open_unnamed(void)
{
    char path[4096];
    const char *dir = getenv("TMPDIR");
    int n = snprintf(path, sizeof path, "%s/plantree-XXXXXX", dir && dir[0] ? dir : "/tmp");
    if (n < 0 || (size_t)n >= sizeof path) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    int fd = mkstemp(path);
    if (fd < 0) return NULL;
    FILE *f = unlink(path) == 0 ? fdopen(fd, "w+") : NULL;
    if (!f) close(fd);
    return f;
}

static pt_status failed(pt_error *err)
{
    int code = errno;
    char text[128];
    return pt_fail(err, pt_status_from_errno(code), "a temporary file for the answer: %s", strerror_r(code, text, sizeof text));
}

pt_status query_spool_ease(query_spool *s, pt_error *err)
{
    if (pt_buf_status(&s->text)) return pt_fail(err, pt_buf_status(&s->text), "a part of the answer is too large for memory");
    if (s->text.len < IN_MEMORY) return PT_OK;
    if (!s->file && !(s->file = open_unnamed())) return failed(err);
    if (fwrite(s->text.ptr, 1, s->text.len, s->file) != s->text.len) return failed(err);
    pt_buf_reset(&s->text);
    return PT_OK;
}

pt_status query_spool_read(query_spool *s, pt_buf *out, pt_error *err)
{
    if (s->file && !s->reading && fseek(s->file, 0, SEEK_SET)) return failed(err);
    s->reading = true;
    if (s->file) {
        pt_status st = pt_buf_reserve(out, IN_MEMORY);
        if (st) return pt_fail(err, st, "out of memory");
        size_t n = fread(out->ptr + out->len, 1, IN_MEMORY, s->file);
        if (ferror(s->file)) return failed(err);
        out->len += n;
        if (n) return PT_OK;
    }
    pt_buf_slice(out, pt_buf_view(&s->text)); /* behind what is in the file: less than 64 KiB and one value */
    return pt_buf_status(out) ? pt_fail(err, pt_buf_status(out), "out of memory") : PT_ECLOSED;
}
