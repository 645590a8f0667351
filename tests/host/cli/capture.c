/* tests/host/cli/capture.c */
#include "tests/host/cli/capture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <unistd.h>

static int saved[2];
static FILE *files[2]; /* NULL: somebody's own file */

static void redirect(int i, int fd)
{
    FILE *stream = i ? stderr : stdout;
    fflush(stream);
    saved[i] = dup(i + 1);
    if (saved[i] < 0 || dup2(fd, i + 1) < 0) abort();
}

void capture_begin(void)
{
    for (int i = 0; i < 2; i++) {
        if (!(files[i] = tmpfile())) abort();
        redirect(i, fileno(files[i]));
    }
}

void capture_begin_to(const char *path)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) abort();
    files[0] = NULL;
    redirect(0, fd);
    close(fd);
    if (!(files[1] = tmpfile())) abort();
    redirect(1, fileno(files[1]));
}

outcome capture_end(int code)
{
    outcome o = { .code = code };
    pt_buf *bufs[2] = { &o.out, &o.err };
    for (int i = 0; i < 2; i++) {
        FILE *stream = i ? stderr : stdout;
        char piece[8192];
        size_t n;
        fflush(stream);
        clearerr(stream);
        __fpurge(stream); /* what could not be written was the test */
        if (dup2(saved[i], i + 1) < 0) abort();
        close(saved[i]);
        pt_buf_init(bufs[i], 64 << 20);
        if (files[i]) rewind(files[i]);
        while (files[i] && (n = fread(piece, 1, sizeof piece, files[i])) > 0) {
            if (pt_buf_add(bufs[i], piece, n)) abort();
        }
        if (files[i]) fclose(files[i]);
        if (pt_buf_reserve(bufs[i], 1)) abort();
        bufs[i]->ptr[bufs[i]->len] = '\0';
    }
    return o;
}
