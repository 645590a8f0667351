/* edge-node/bdseq_file.c -- see bdseq_file.h. The first number becomes a file as base/file.h has it; later ones replace
 * the four bytes in place, which needs no room on a full disk and are within one sector: old or new, never half. */
#include "edge-node/bdseq_file.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_LEN 4 /* "7  \n" */

pt_status edge_bdseq_file_init(edge_bdseq_file *f, const char *dir)
{
    if (snprintf(f->path, sizeof f->path, "%s/bdseq", dir) >= (int)sizeof f->path) return PT_ETOOBIG;
    return PT_OK;
}

static pt_status load(void *ctx, uint8_t *next)
{
    const edge_bdseq_file *f = ctx;
    pt_buf text;
    pt_buf_init(&text, 16);
    pt_status st = pt_file_read(f->path, &text, NULL);
    if (st == PT_ETOOBIG) st = PT_ECORRUPT;
    pt_slice s = pt_buf_view(&text);
    if (s.len && s.ptr[s.len - 1] == '\n') s.len--;
    while (s.len && s.ptr[s.len - 1] == ' ')
        s.len--;
    uint64_t v = 0;
    if (st == PT_OK && (!pt_slice_to_u64(s, &v) || v > 255)) st = PT_ECORRUPT;
    if (st == PT_OK) *next = (uint8_t)v;
    pt_buf_fini(&text);
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
    return st == PT_ENOTFOUND ? pt_file_write(f->path, 0640, pt_slice_of(text, (size_t)len), NULL) : st;
}

edge_storage edge_bdseq_file_storage(edge_bdseq_file *f)
{
    return (edge_storage){ f, load, store };
}
