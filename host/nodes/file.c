/* host/nodes/file.c -- byte strings that come in parts (MetaData is_multi_part; the specification has no rule for putting them together).
 *
 * Part 0 begins a file, each further part must be the next one. MetaData's size is that of the whole, md5 its sum. The file is whole when
 * its size is reached, or, without a size, when its sum is right; a part 0 with neither is refused, since the end could not be known. A
 * part out of order, bytes beyond the size or a part that contradicts those before end the file; the next part 0 begins another.
 *
 * Bounds: file_bytes for one, files_bytes for all of a tracker together; one that got no part for file_age_ms makes room for others. */
#include "host/nodes/tracker_internal.h"

#include <nettle/md5.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct host_file {
    host_file *prev, *next; /* in t->files, newest part first */
    host_tracker *tracker;
    host_metric *metric; /* whose `file` this is */
    char *bytes;         /* owned */
    size_t len, cap;     /* cap is booked in t->files_bytes */
    uint64_t next_seq, size;
    bool has_size;
    char md5[33];       /* "": not said yet */
    struct md5_ctx sum; /* of the bytes so far: a check against transmission faults and nothing else */
    int64_t last_mono;
};

static void unlink_file(host_file *f)
{
    if (f->prev) f->prev->next = f->next;
    else f->tracker->files = f->next;
    if (f->next) f->next->prev = f->prev;
    f->prev = f->next = NULL;
}

static void link_file(host_file *f)
{
    f->next = f->tracker->files;
    if (f->next) f->next->prev = f;
    f->tracker->files = f;
}

void host__file_drop(host_metric *hm)
{
    host_file *f = hm->file;
    if (!f) return;
    unlink_file(f);
    f->tracker->files_bytes -= f->cap;
    free(f->bytes);
    free(f);
    hm->file = NULL;
}

/* Room for `n` more bytes, if need be by letting go of files that wait for a part for too long. */
static bool make_room(host_tracker *t, host_file *f, size_t n, int64_t mono_ms)
{
    if (f->len + n <= f->cap) return true;
    size_t cap = f->cap ? f->cap : 4096;
    while (cap < f->len + n)
        cap *= 2;
    if (cap > t->opt.file_bytes) cap = (size_t)t->opt.file_bytes;
    for (host_file *old = t->files, *next; old && t->files_bytes - f->cap + cap > t->opt.files_bytes; old = next) {
        next = old->next;
        if (old != f && mono_ms - old->last_mono >= t->opt.file_age_ms) host__file_drop(old->metric);
    }
    if (t->files_bytes - f->cap + cap > t->opt.files_bytes) return false;
    char *grown = realloc(f->bytes, cap);
    if (!grown) return false;
    t->files_bytes += cap - f->cap;
    f->bytes = grown;
    f->cap = cap;
    return true;
}

/* What this part says about the whole agrees with what is known of it. */
static bool agrees(host_file *f, const spb_metadata *md)
{
    if (md->has_size) {
        if (f->has_size && f->size != md->size) return false;
        f->has_size = true;
        f->size = md->size;
    }
    if (md->md5.len == 0) return true;
    if (md->md5.len != 32 || (f->md5[0] && strncasecmp(f->md5, md->md5.ptr, 32) != 0)) return false;
    memcpy(f->md5, md->md5.ptr, 32);
    return true;
}

static bool is_sum_right(const host_file *f)
{
    struct md5_ctx end = f->sum; /* asking for the sum begins another */
    uint8_t sum[MD5_DIGEST_SIZE];
    char hex[2 * MD5_DIGEST_SIZE + 1];
    md5_digest(&end, sizeof sum, sum);
    for (unsigned i = 0; i < MD5_DIGEST_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", sum[i]);
    return strcasecmp(hex, f->md5) == 0;
}

static host_file *begin(host_tracker *t, host_metric *hm)
{
    host__file_drop(hm);
    host_file *f = calloc(1, sizeof *f);
    if (!f) return NULL;
    f->tracker = t;
    f->metric = hm;
    md5_init(&f->sum);
    hm->file = f;
    link_file(f);
    return f;
}

static host__file_result refuse(host_metric *hm, host_reject why, host_reject *out)
{
    host__file_drop(hm);
    *out = why;
    return HOST__FILE_REFUSED;
}

host__file_result host__file_part(host_tracker *t, host_metric *hm, const spb_metadata *md, pt_slice part, int64_t mono_ms, pt_arena *arena,
                                  pt_slice *whole, host_reject *why)
{
    uint64_t seq = md->has_seq ? md->seq : 0;
    host_file *f = hm->file;
    if (f && mono_ms - f->last_mono >= t->opt.file_age_ms) {
        host__file_drop(hm);
        f = NULL;
    }
    if (seq == 0) f = begin(t, hm);
    else if (!f || seq != f->next_seq) return refuse(hm, HOST_REJECT_FILE_PART, why);
    if (!f) return refuse(hm, HOST_REJECT_FILE_TOO_BIG, why);
    if (!agrees(f, md) || (!f->has_size && !f->md5[0])) return refuse(hm, HOST_REJECT_FILE_PART, why);
    if (f->has_size && f->len + part.len > f->size) return refuse(hm, HOST_REJECT_FILE_SUM, why);
    if ((f->has_size && f->size > t->opt.file_bytes) || part.len > t->opt.file_bytes - f->len)
        return refuse(hm, HOST_REJECT_FILE_TOO_BIG, why);
    f->last_mono = mono_ms;
    if (!make_room(t, f, part.len, mono_ms)) return refuse(hm, HOST_REJECT_FILE_TOO_BIG, why);
    if (part.len) memcpy(f->bytes + f->len, part.ptr, part.len);
    f->len += part.len;
    f->next_seq = seq + 1;
    if (part.len) md5_update(&f->sum, part.len, (const uint8_t *)part.ptr);
    bool right = !f->md5[0] || is_sum_right(f);
    if (f->has_size ? f->len < f->size : !right) return HOST__FILE_MORE;
    if (!right) return refuse(hm, HOST_REJECT_FILE_SUM, why);
    *whole = f->len ? pt_arena_dup(arena, pt_slice_of(f->bytes, f->len)) : PT_LIT("");
    host__file_drop(hm);
    if (whole->ptr) return HOST__FILE_WHOLE;
    *why = HOST_REJECT_FILE_TOO_BIG;
    return HOST__FILE_REFUSED;
}
