/* base/status.c -- names and texts of results. */
#include "base/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const names[PT_STATUS_COUNT] = {
    [PT_OK] = "ok",
    [PT_EINVAL] = "invalid",
    [PT_EMALFORMED] = "malformed",
    [PT_ETOOBIG] = "too-big",
    [PT_ENOMEM] = "no-memory",
    [PT_EFULL] = "full",
    [PT_EEMPTY] = "empty",
    [PT_ECLOSED] = "closed",
    [PT_ENOTFOUND] = "not-found",
    [PT_EEXISTS] = "exists",
    [PT_EBUSY] = "busy",
    [PT_EIO] = "io-error",
    [PT_ENOSPC] = "no-space",
    [PT_EREADONLY] = "read-only",
    [PT_ETIMEOUT] = "timeout",
    [PT_EREFUSED] = "refused",
    [PT_ESTATE] = "wrong-state",
    [PT_ECORRUPT] = "corrupt",
    [PT_EUNSUPPORTED] = "unsupported",
};

const char *pt_status_name(pt_status st)
{
    return (unsigned)st < PT_STATUS_COUNT ? names[st] : "unknown";
}

static void set_text(pt_error *err, size_t offset, const char *fmt, va_list ap)
{
    if (!err) return;
    err->offset = offset;
    if (vsnprintf(err->text, sizeof err->text, fmt, ap) < 0) err->text[0] = '\0';
}

pt_status(pt_fail)(pt_error *err, pt_status st, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set_text(err, 0, fmt, ap);
    va_end(ap);
    return st;
}

pt_status(pt_fail_at)(pt_error *err, pt_status st, size_t offset, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set_text(err, offset, fmt, ap);
    va_end(ap);
    return st;
}

pt_status pt_status_from_errno(int err)
{
    switch (err) {
    case 0: return PT_OK;
    case ENOSPC:
    case EDQUOT: return PT_ENOSPC;
    case EROFS:
    case EACCES:
    case EPERM: return PT_EREADONLY;
    case ENOENT: return PT_ENOTFOUND;
    case ENOMEM: return PT_ENOMEM;
    case EEXIST: return PT_EEXISTS;
    default: return PT_EIO;
    }
}

const char *pt_errno_text(int err)
{
    const char *text = strerrordesc_np(err);
    return text ? text : "unknown error";
}

pt_status pt_fail_errno(pt_error *err, int errnum, const char *place)
{
    return pt_fail(err, pt_status_from_errno(errnum), "%s: %s", place, pt_errno_text(errnum));
}
