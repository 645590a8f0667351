/* historian/write/bare.c -- a store without its writer thread: made with its objects and locks, the directory's lock, freed again.
 *
 * What works on the files of a store that is not open (verify, backup) needs no more. */
#include "historian/write/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

void hist_options_init(hist_options *o)
{
    *o = (hist_options){
        .commit_interval_ms = 250,
        .synchronous = HIST_SYNC_FULL,
        .buffer_bytes = UINT64_C(256) << 20,
        .block_samples = 1024,
        .seal_age_ms = 3600000,
        .pending_bytes = UINT64_C(32) << 20,
        .log_bytes = UINT64_C(256) << 20,
        .log_age_ms = 86400000,
    };
}

char *hist__path(const hist *h, const char *name)
{
    return hist__path_in(h->dir, name);
}

/* ---- the lock file ------------------------------------------------------------------------------------------ */

static pt_status busy(const char *path, int fd, pt_error *err)
{
    char text[96] = { 0 };
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    for (ssize_t i = 0; i < n; i++) {
        if (text[i] == '\n') text[i] = 0;
    }
    return pt_fail(err, PT_EBUSY, "%s is held by another process (%s)", path, text[0] ? text : "unknown");
}

pt_status hist__lock_take(hist *h, pt_error *err)
{
    char *path = hist__path(h, "lock");
    if (!path) return pt_fail(err, PT_ENOMEM, "out of memory");
    pt_status st = PT_OK;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
        st = pt_fail_errno(err, errno, path);
    } else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        st = errno == EWOULDBLOCK ? busy(path, fd, err) : pt_fail_errno(err, errno, path);
        close(fd);
    } else {
        char text[160], host[100] = { 0 };
        if (gethostname(host, sizeof host - 1) != 0) host[0] = 0;
        int len = snprintf(text, sizeof text, "pid %ld on %s\n", (long)getpid(), host[0] ? host : "this host");
        /* Only a hint for people: the lock itself is held whether or not it can be written. */
        if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) != len)
            pt_logf(h->log, PT_LOG_DEBUG, "HIST-LOCK-TEXT", "%s: %s", path, pt_errno_text(errno));
        h->lock_fd = fd;
    }
    free(path);
    return st;
}

/* Before a tag's id is given out: room for what is kept of it outside the catalogue. */
static pt_status room(void *ctx, uint32_t tag_id)
{
    hist *h = ctx;
    pt_status st = hist__pending_reserve(&h->pending, tag_id);
    return st == PT_OK ? hist__writer_reserve(&h->writer, tag_id) : st;
}

static pt_status init_objects(hist *h)
{
    hist__journal_init(&h->journal, &h->o);
    if (hist__catalog_init(&h->catalog, &h->o, room, h) != PT_OK) return PT_ENOMEM;
    if (hist__pending_init(&h->pending, &h->o) == PT_OK) {
        if (hist__weeks_init(&h->weeks, h->dir) == PT_OK) {
            if (hist__writer_init(&h->writer) == PT_OK) return PT_OK;
            hist__weeks_fini(&h->weeks);
        }
        hist__pending_fini(&h->pending);
    }
    hist__catalog_fini(&h->catalog);
    return PT_ENOMEM;
}

/* Free everything; the writer has ended or was never started. */
static void destroy(hist *h)
{
    hist__catalog_close_reader(&h->catalog); /* readers first: who closes last brings the -wal to its end, and a reader may not */
    hist__pool_close(&h->weeks);
    hist__writer_fini(&h->writer);
    hist__journal_fini(&h->journal);
    hist__catalog_fini(&h->catalog);
    hist__pending_fini(&h->pending);
    hist__weeks_fini(&h->weeks);
    if (h->lock_fd >= 0) close(h->lock_fd);
    free(h->dir);
    free(h);
}

pt_status hist__new(const char *dir, const pt_clock *clock, const pt_log *log, hist **out, pt_error *err)
{
    hist *h = calloc(1, sizeof *h);
    if (!h) return pt_fail(err, PT_ENOMEM, "out of memory");
    hist_options_init(&h->o);
    h->clock = clock;
    h->log = log;
    h->lock_fd = -1;
    h->dir = pt_slice_dup(pt_cstr(dir));
    h->o.dir = h->dir;
    if (!h->dir || init_objects(h) != PT_OK) {
        free(h->dir);
        free(h);
        return pt_fail(err, PT_ENOMEM, "out of memory");
    }
    *out = h;
    return PT_OK;
}

void hist__bare_free(hist *h)
{
    if (h) destroy(h);
}

pt_status hist__bare_new(const char *dir, const pt_log *log, bool lock, hist **out, pt_error *err)
{
    hist *h = NULL;
    pt_status st = hist__new(dir, pt_clock_system(), log, &h, err);
    if (st == PT_OK && access(dir, F_OK) != 0) st = pt_fail(err, PT_ENOTFOUND, "%s: %s", dir, pt_errno_text(errno));
    if (st == PT_OK && lock) st = hist__lock_take(h, err);
    if (st != PT_OK) {
        hist__bare_free(h);
        return st;
    }
    *out = h;
    return PT_OK;
}
