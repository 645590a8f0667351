/* base/file.c -- see file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STEP = 4096 };

pt_status pt_file_read(const char *path, pt_buf *out, pt_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return pt_fail_errno(err, errno, path);
    pt_status st = PT_OK;
    char some[STEP];
    for (;;) {
        ssize_t n = read(fd, some, sizeof some);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) st = pt_fail_errno(err, errno, path);
        if (n <= 0) break;
        st = pt_buf_add(out, some, (size_t)n);
        if (st == PT_ETOOBIG) (void)pt_fail(err, st, "%s: larger than %zu bytes", path, out->max);
        else if (st != PT_OK) (void)pt_fail(err, st, "%s: out of memory", path);
        if (st != PT_OK) break;
    }
    (void)close(fd); /* nothing was written */
    return st;
}

/* 0 or errno */
static int write_all(int fd, pt_slice s)
{
    while (s.len) {
        ssize_t n = write(fd, s.ptr, s.len);
        if (n == 0) return EIO;
        if (n < 0 && errno != EINTR) return errno;
        if (n > 0) s = pt_slice_from(s, (size_t)n);
    }
    return 0;
}

pt_status pt_folder_sync(const char *path, pt_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return pt_fail_errno(err, errno, path);
    int e = fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP ? 0 : errno;
    (void)close(fd); /* nothing was written through it */
    return e ? pt_fail_errno(err, e, path) : PT_OK;
}

static pt_status sync_folder_of(const char *path, pt_error *err)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (!slash) return pt_folder_sync(".", err);
    snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    return pt_folder_sync(folder, err);
}

pt_status pt_file_write(const char *path, unsigned mode, pt_slice content, pt_error *err)
{
    char fresh[PATH_MAX];
    if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
        return pt_fail(err, PT_ETOOBIG, "%.200s...: path too long", path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, (mode_t)mode);
    if (fd < 0) return pt_fail_errno(err, errno, fresh);
    int e = write_all(fd, content);
    if (e == 0 && fsync(fd) != 0) e = errno;
    if (close(fd) != 0 && e == 0) e = errno;
    if (e == 0 && rename(fresh, path) != 0) e = errno;
    if (e == 0) return sync_folder_of(path, err);
    (void)unlink(fresh); /* what failed is the error to tell */
    return pt_fail_errno(err, e, path);
}
