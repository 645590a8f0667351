/* tests/support/read_only.c -- a directory that turns read-only under a running program, and writable again.
 *
 * A file system that finds an error in itself is remounted read-only while files are open on it; from then on the kernel answers EROFS. A
 * test cannot have that done to it, so this library is preloaded into the program and gives the kernel's answer while the file named by
 * PT_READ_ONLY_FLAG exists, for everything beneath PT_READ_ONLY_DIR (absolute). Reading goes on, as it does there. */
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static bool is_read_only(void)
{
    const char *flag = getenv("PT_READ_ONLY_FLAG");
    return flag && access(flag, F_OK) == 0;
}

static bool beneath(const char *path)
{
    const char *dir = getenv("PT_READ_ONLY_DIR");
    return dir && path && strncmp(path, dir, strlen(dir)) == 0;
}

static bool refuse_path(const char *path)
{
    if (!beneath(path) || !is_read_only()) return false;
    errno = EROFS;
    return true;
}

static bool refuse_fd(int fd)
{
    char link[64], path[4096];
    if (!is_read_only()) return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return false;
    path[n] = '\0';
    return refuse_path(path);
}

#define NEXT(result, name, ...)         \
    static result (*next)(__VA_ARGS__); \
    if (!next) *(void **)&next = dlsym(RTLD_NEXT, #name)

#define WITH_FD(result, name, args, call, ...) \
    result name args                           \
    {                                          \
        NEXT(result, name, __VA_ARGS__);       \
        return refuse_fd(fd) ? -1 : next call; \
    }
#define WITH_PATH(name, args, call, ...)           \
    int name args                                  \
    {                                              \
        NEXT(int, name, __VA_ARGS__);              \
        return refuse_path(path) ? -1 : next call; \
    }
WITH_FD(ssize_t, write, (int fd, const void *data, size_t n), (fd, data, n), int, const void *, size_t)
WITH_FD(ssize_t, pwrite, (int fd, const void *data, size_t n, off_t at), (fd, data, n, at), int, const void *, size_t, off_t)
WITH_FD(ssize_t, pwrite64, (int fd, const void *data, size_t n, off_t at), (fd, data, n, at), int, const void *, size_t, off_t)
WITH_FD(int, ftruncate, (int fd, off_t n), (fd, n), int, off_t)
WITH_FD(int, ftruncate64, (int fd, off_t n), (fd, n), int, off_t)
WITH_FD(int, posix_fallocate, (int fd, off_t at, off_t n), (fd, at, n), int, off_t, off_t)
WITH_PATH(unlink, (const char *path), (path), const char *)
WITH_PATH(mkdir, (const char *path, mode_t mode), (path, mode), const char *, mode_t)
WITH_PATH(rename, (const char *path, const char *to), (path, to), const char *, const char *)

/* The mode is read whether or not it was given: open() has it in a register then. */
#define OPEN(name)                                                                    \
    int name(const char *path, int flags, ...)                                        \
    {                                                                                 \
        NEXT(int, name, const char *, int, ...);                                      \
        va_list ap;                                                                   \
        va_start(ap, flags);                                                          \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(ap, int) : 0;    \
        va_end(ap);                                                                   \
        bool writes = (flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC); \
        return writes && refuse_path(path) ? -1 : next(path, flags, mode);            \
    }
OPEN(open)
OPEN(open64)
