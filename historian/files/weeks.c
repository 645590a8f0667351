/* historian/files/weeks.c */
#include "historian/files/weeks.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- names and times ---------------------------------------------------------------------------------------- */

int64_t hist__partition_start(int64_t time_ms)
{
    if (time_ms < HIST__EARLY_MS) return HIST__EARLY_START;
    if (time_ms >= HIST__LATE_MS) return HIST__LATE_MS;
    int64_t start = time_ms - time_ms % HIST__PARTITION_MS;
    return start < HIST__EARLY_MS ? HIST__EARLY_MS : start;
}

int64_t hist__partition_end(int64_t start_ms)
{
    if (start_ms == HIST__EARLY_START) return HIST__EARLY_MS;
    if (start_ms >= HIST__LATE_MS) return INT64_MAX;
    int64_t end = start_ms - start_ms % HIST__PARTITION_MS + HIST__PARTITION_MS;
    return end > HIST__LATE_MS ? HIST__LATE_MS : end;
}

void hist__partition_name(int64_t start_ms, char out[40])
{
    if (start_ms == HIST__EARLY_START) snprintf(out, 40, "blocks-early.db");
    else if (start_ms >= HIST__LATE_MS) snprintf(out, 40, "blocks-late.db");
    else snprintf(out, 40, "blocks-%lld.db", (long long)(start_ms / 1000));
}

bool hist__partition_parse(const char *name, int64_t *start_ms)
{
    pt_slice s = pt_cstr(name);
    if (pt_slice_eq_cstr(s, "blocks-early.db")) {
        *start_ms = HIST__EARLY_START;
        return true;
    }
    if (pt_slice_eq_cstr(s, "blocks-late.db")) {
        *start_ms = HIST__LATE_MS;
        return true;
    }
    uint64_t seconds = 0;
    if (!pt_slice_starts(s, PT_LIT("blocks-")) || s.len <= 10 || memcmp(s.ptr + s.len - 3, ".db", 3) != 0) return false;
    if (!pt_slice_to_u64(pt_slice_of(s.ptr + 7, s.len - 10), &seconds) || seconds > UINT64_C(4102444800)) return false;
    int64_t ms = (int64_t)seconds * 1000;
    if (hist__partition_start(ms) != ms || ms >= HIST__LATE_MS) return false;
    *start_ms = ms;
    return true;
}

/* ---- the list ------------------------------------------------------------------------------------------------ */

pt_status hist__weeks_init(hist__weeks *w, const char *dir)
{
    *w = (hist__weeks){ .dir = dir };
    return pthread_mutex_init(&w->lock, NULL) == 0 ? PT_OK : PT_ENOMEM;
}

void hist__weeks_fini(hist__weeks *w)
{
    hist__pool_close(w);
    free(w->list);
    pthread_mutex_destroy(&w->lock);
}

/* The lock is held. */
static hist__week *find(hist__weeks *w, int64_t start_ms)
{
    for (size_t i = 0; i < w->n; i++) {
        if (w->list[i].start_ms == start_ms) return &w->list[i];
    }
    return NULL;
}

static int by_start(const void *a, const void *b)
{
    int64_t x = ((const hist__week *)a)->start_ms, y = ((const hist__week *)b)->start_ms;
    return (x > y) - (x < y);
}

/* The lock is held. */
static pt_status add(hist__weeks *w, int64_t start_ms)
{
    if (find(w, start_ms)) return PT_OK;
    hist__week *all = realloc(w->list, (w->n + 1) * sizeof *all);
    if (!all) return PT_ENOMEM;
    w->list = all;
    all[w->n++] = (hist__week){ .start_ms = start_ms, .generation = ++w->next_generation };
    qsort(all, w->n, sizeof *all, by_start);
    return PT_OK;
}

pt_status hist__weeks_add(hist__weeks *w, int64_t start_ms)
{
    pthread_mutex_lock(&w->lock);
    pt_status st = add(w, start_ms);
    pthread_mutex_unlock(&w->lock);
    return st;
}

/* The lock is held. A file that is another one than before is a new generation: connections to the old one are not used any more. */
static pt_status note_file(hist__weeks *w, int64_t start_ms, uint64_t file)
{
    pt_status st = add(w, start_ms);
    if (st != PT_OK) return st;
    hist__week *week = find(w, start_ms);
    if (week->file && week->file != file) week->generation = ++w->next_generation;
    week->file = file;
    week->seen = true;
    return PT_OK;
}

pt_status hist__weeks_scan(hist__weeks *w, pt_error *err)
{
    DIR *d = opendir(w->dir);
    if (!d) return pt_fail_errno(err, errno, w->dir);
    pt_status st = PT_OK;
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->n; i++)
        w->list[i].seen = false;
    for (struct dirent *e; st == PT_OK && (e = readdir(d));) {
        int64_t start = 0;
        struct stat info;
        if (hist__partition_parse(e->d_name, &start) && fstatat(dirfd(d), e->d_name, &info, 0) == 0)
            st = note_file(w, start, (uint64_t)info.st_ino);
    }
    size_t kept = 0;
    for (size_t i = 0; st == PT_OK && i < w->n; i++) {
        if (w->list[i].seen) w->list[kept++] = w->list[i];
    }
    if (st == PT_OK) w->n = kept;
    pthread_mutex_unlock(&w->lock);
    closedir(d);
    return st == PT_OK ? st : pt_fail(err, st, "%s: out of memory", w->dir);
}

void hist__weeks_drop(hist__weeks *w, int64_t start_ms)
{
    pthread_mutex_lock(&w->lock);
    hist__week *week = find(w, start_ms);
    if (week) {
        size_t i = (size_t)(week - w->list);
        memmove(week, week + 1, (w->n - i - 1) * sizeof *week);
        w->n--;
    }
    pthread_mutex_unlock(&w->lock);
    hist__pool_close_week(w, start_ms);
}

void hist__weeks_renew(hist__weeks *w, int64_t start_ms, uint64_t blocks, uint64_t bytes)
{
    pthread_mutex_lock(&w->lock);
    hist__week *week = find(w, start_ms);
    if (week) {
        week->generation = ++w->next_generation;
        week->blocks = blocks;
        week->bytes = bytes;
        week->mended = true;
    }
    pthread_mutex_unlock(&w->lock);
}

bool hist__weeks_mended(hist__weeks *w, int64_t start_ms)
{
    pthread_mutex_lock(&w->lock);
    const hist__week *week = find(w, start_ms);
    bool mended = week && week->mended;
    pthread_mutex_unlock(&w->lock);
    return mended;
}

bool hist__weeks_at(hist__weeks *w, size_t i, hist__week *out)
{
    pthread_mutex_lock(&w->lock);
    bool there = i < w->n;
    if (there) *out = w->list[i];
    pthread_mutex_unlock(&w->lock);
    return there;
}

size_t hist__weeks_count(hist__weeks *w)
{
    pthread_mutex_lock(&w->lock);
    size_t n = w->n;
    pthread_mutex_unlock(&w->lock);
    return n;
}

pt_status hist__weeks_between(hist__weeks *w, int64_t from_ms, int64_t to_ms, int64_t **starts, size_t *n)
{
    pthread_mutex_lock(&w->lock);
    size_t all = w->n;
    *n = 0;
    *starts = all ? malloc(all * sizeof **starts) : NULL;
    for (size_t i = 0; *starts && i < all; i++) {
        int64_t start = w->list[i].start_ms;
        if (start < to_ms && hist__partition_end(start) > from_ms) (*starts)[(*n)++] = start;
    }
    pthread_mutex_unlock(&w->lock);
    return all && !*starts ? PT_ENOMEM : PT_OK;
}

/* ---- sizes --------------------------------------------------------------------------------------------------- */

void hist__weeks_set_size(hist__weeks *w, int64_t start_ms, uint64_t blocks, uint64_t bytes)
{
    pthread_mutex_lock(&w->lock);
    hist__week *week = find(w, start_ms);
    if (week) {
        week->blocks = blocks;
        week->bytes = bytes;
    }
    pthread_mutex_unlock(&w->lock);
}

void hist__weeks_add_size(hist__weeks *w, int64_t start_ms, int64_t blocks, int64_t bytes)
{
    pthread_mutex_lock(&w->lock);
    hist__week *week = find(w, start_ms);
    if (week) {
        week->blocks = (uint64_t)((int64_t)week->blocks + blocks);
        week->bytes = (uint64_t)((int64_t)week->bytes + bytes);
    }
    pthread_mutex_unlock(&w->lock);
}

void hist__weeks_clear_sizes(hist__weeks *w)
{
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->n; i++)
        w->list[i].blocks = w->list[i].bytes = 0;
    pthread_mutex_unlock(&w->lock);
}

void hist__weeks_size(hist__weeks *w, uint64_t *blocks, uint64_t *bytes)
{
    *blocks = *bytes = 0;
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->n; i++) {
        *blocks += w->list[i].blocks;
        *bytes += w->list[i].bytes;
    }
    pthread_mutex_unlock(&w->lock);
}
