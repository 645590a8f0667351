/* edge-node/bdseq_file.c -- see bdseq_file.h. The first number is written beside, synced, renamed, the directory synced; later ones replace
 * the four bytes in place, which needs no room on a full disk and are within one sector: old or new, never half. */
#include "edge-node/bdseq_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_LEN 4 /* "7  \n" */

pt_status edge_bdseq_file_init(edge_bdseq_file *f, const char *dir)
{
    if (snprintf(f->dir, sizeof f->dir, "%s", dir) >= (int)sizeof f->dir) return PT_ETOOBIG;
    snprintf(f->path, sizeof f->path, "%s/bdseq", f->dir);
    snprintf(f->temporary, sizeof f->temporary, "%s.new", f->path);
    return PT_OK;
}

static pt_status load(void *ctx, uint8_t *next)
{
    const edge_bdseq_file *f = ctx;
    char text[16];
    int fd = open(f->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return pt_status_from_errno(errno);
    ssize_t got = read(fd, text, sizeof text);
    int e = errno;
    if (close(fd) != 0 || got < 0) return pt_status_from_errno(e);
    pt_slice s = pt_slice_of(text, (size_t)got);
    if (s.len && s.ptr[s.len - 1] == '\n') s.len--;
    while (s.len && s.ptr[s.len - 1] == ' ')
        s.len--;
    uint64_t v = 0;
    if (!pt_slice_to_u64(s, &v) || v > 255) return PT_ECORRUPT;
    *next = (uint8_t)v;
    return PT_OK;
}

static pt_status sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return pt_status_from_errno(errno);
    pt_status st = fsync(fd) == 0 ? PT_OK : pt_status_from_errno(errno);
    if (close(fd) != 0 && st == PT_OK) st = pt_status_from_errno(errno);
    return st;
}

/* PT_ENOTFOUND: there is no file of the right form yet. */
static pt_status replace(const edge_bdseq_file *f, const char *text)
{
    struct stat is;
    int fd = open(f->path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return PT_ENOTFOUND;
    pt_status st = fstat(fd, &is) == 0 && S_ISREG(is.st_mode) && is.st_size == TEXT_LEN ? PT_OK : PT_ENOTFOUND;
    if (st == PT_OK) {
        ssize_t put = pwrite(fd, text, TEXT_LEN, 0);
        if (put != TEXT_LEN) st = put < 0 ? pt_status_from_errno(errno) : PT_ENOSPC;
        if (st == PT_OK && fsync(fd) != 0) st = pt_status_from_errno(errno);
    }
    if (close(fd) != 0 && st == PT_OK) st = pt_status_from_errno(errno);
    return st;
}

static pt_status store(void *ctx, uint8_t next)
{
    const edge_bdseq_file *f = ctx;
    char text[8];
    int len = snprintf(text, sizeof text, "%-3u\n", next);
    pt_status st = replace(f, text);
    if (st != PT_ENOTFOUND) return st;
    int fd = open(f->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0) return pt_status_from_errno(errno);
    st = PT_OK;
    ssize_t put = write(fd, text, (size_t)len);
    if (put != len) st = put < 0 ? pt_status_from_errno(errno) : PT_ENOSPC;
    if (st == PT_OK && fsync(fd) != 0) st = pt_status_from_errno(errno);
    if (close(fd) != 0 && st == PT_OK) st = pt_status_from_errno(errno);
    if (st == PT_OK && rename(f->temporary, f->path) != 0) st = pt_status_from_errno(errno);
    return st == PT_OK ? sync_dir(f->dir) : st;
}

edge_storage edge_bdseq_file_storage(edge_bdseq_file *f)
{
    return (edge_storage){ f, load, store };
}
