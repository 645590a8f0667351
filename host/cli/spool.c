/* host/cli/spool.c -- text of any length in bounded memory. */
#include "host/cli/data.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { IN_MEMORY = 64 << 10, ONE_PIECE = 128 << 20 };

void cli_spool_init(cli_spool *s)
{
    *s = (cli_spool){ 0 };
    pt_buf_init(&s->text, ONE_PIECE);
    pt_json_init(&s->j, &s->text);
}

void cli_spool_fini(cli_spool *s)
{
    pt_buf_fini(&s->text);
    if (s->file) fclose(s->file); /* nothing in it is wanted any more */
    s->file = NULL;
}

/* In TMPDIR, else /tmp. It has no name any more when it is given out: nothing stays behind, however we end. NULL: see errno. */
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

static int failed(const cli *c)
{
    return cli_fail(c, PT_EXIT_FAILED, "a temporary file for the answer: %s", strerror(errno));
}

int cli_spool_ease(cli_spool *s, const cli *c)
{
    if (pt_buf_status(&s->text)) return cli_fail(c, PT_EXIT_FAILED, "out of memory");
    if (s->text.len < IN_MEMORY) return CLI_GO_ON;
    if (!s->file && !(s->file = open_unnamed())) return failed(c);
    if (fwrite(s->text.ptr, 1, s->text.len, s->file) != s->text.len) return failed(c);
    pt_buf_reset(&s->text);
    return CLI_GO_ON;
}

static int put_piece(cli_spool *s, const cli *c)
{
    int rc = cli_put(c, &s->text);
    pt_buf_reset(&s->text);
    return rc == PT_EXIT_OK ? CLI_GO_ON : rc;
}

int cli_spool_put(cli_spool *s, const cli *c)
{
    int rc = CLI_GO_ON;
    pt_buf last = s->text; /* behind what is in the file */
    if (pt_buf_status(&last)) return cli_fail(c, PT_EXIT_FAILED, "out of memory");
    if (!s->file) return put_piece(s, c);
    pt_buf_init(&s->text, ONE_PIECE);
    if (fseek(s->file, 0, SEEK_SET)) rc = failed(c);
    for (size_t n = 1; rc == CLI_GO_ON && n;) {
        if (pt_buf_reserve(&s->text, IN_MEMORY)) rc = cli_fail(c, PT_EXIT_FAILED, "out of memory");
        else s->text.len = n = fread(s->text.ptr, 1, IN_MEMORY, s->file);
        if (rc == CLI_GO_ON && ferror(s->file)) rc = failed(c);
        if (rc == CLI_GO_ON) rc = put_piece(s, c);
    }
    pt_buf_fini(&s->text);
    s->text = last;
    return rc == CLI_GO_ON ? put_piece(s, c) : rc;
}
