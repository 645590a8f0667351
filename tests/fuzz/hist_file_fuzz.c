/* tests/fuzz/hist_file_fuzz.c -- damage to the files of a directory: opening, reading, verifying and repairing never crash, and a wrong
 * answer never comes without an error: rows, buckets, values, tags and events are those that were written, all of them, or a reader was
 * told of damage, and then verify tells of it, too.
 *
 * The input is a list of patches of 5 bytes: which file, where (3 bytes, modulo its size), what. With one byte over, the pages' checksums
 * are made to fit again: nothing can know then that a name or a sum was changed, but still nothing may crash, rows are right (their blocks
 * have checksums), and where verify has nothing to say they are all there. */
#include "historian/maintain.h"
#include "historian/files/pages.h"
#include "historian/write/write.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SAMPLES = 600, EVENTS = 20 };
static const int64_t NOW = 1750000000000;
static char home[100];
static char files[3][160];
static uint8_t *contents[3];
static size_t sizes[3];
static bool ready, logged, fitted;

/* What the command line takes as damage, too. */
static void hear(void *ctx, pt_log_level level, const char *id, const char *text)
{
    (void)ctx, (void)id, (void)text;
    logged |= level == PT_LOG_ERROR;
}
static const pt_log LOG = { .write = hear, .level = PT_LOG_ERROR };

static hist_sample nth(int i)
{
    return (hist_sample){ .tag_id = 1, .time_ms = NOW + i * 1000, .type = SPB_INT64, .as.i64 = i * 3 };
}

static hist *open_at(void)
{
    hist_options o;
    hist *h = NULL;
    hist_options_init(&o);
    o.dir = home;
    o.block_samples = 64;
    o.synchronous = HIST_SYNC_OFF;
    return hist_open(&o, pt_clock_system(), &LOG, &h, NULL) == PT_OK ? h : NULL;
}

static bool write_file(int i)
{
    int fd = open(files[i], O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0) return false;
    bool ok = write(fd, contents[i], sizes[i]) == (ssize_t)sizes[i];
    close(fd);
    return ok;
}

static void clean(void)
{
    DIR *d = opendir(home);
    if (!d) abort();
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] != '.') unlinkat(dirfd(d), e->d_name, 0);
    }
    closedir(d);
}

static void remove_home(void)
{
    clean();
    rmdir(home);
}

static void prepare(void)
{
    char name[40];
    snprintf(home, sizeof home, "%s/hist-file-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"); /* no disk is waited for */
    if (!mkdtemp(home) || atexit(remove_home) != 0) abort();
    hist *h = open_at();
    if (!h) abort();
    hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_NONE, PT_LIT("m") };
    uint32_t id = 0;
    if (hist_tag_ensure(h, &key, PT_LIT("m"), SPB_INT64, PT_LIT("bar"), &id) != PT_OK) abort();
    for (int i = 0; i < EVENTS; i++) {
        hist_event e = { .time_ms = NOW + i, .type = PT_LIT("nbirth"), .node = PT_LIT("g/e") };
        if (hist_event_append(h, &e) != PT_OK) abort();
    }
    for (int i = 0; i < SAMPLES; i++) {
        hist_sample s = nth(i);
        if (hist_append(h, &s, 1) != PT_OK) abort();
        if (i == SAMPLES - 50 && (hist_flush(h, 10000, NULL) != PT_OK || hist_seal(h, NULL) != PT_OK)) abort();
    }
    if (hist_close(h, 10000, NULL) != PT_OK) abort();
    hist__partition_name(hist__partition_start(NOW), name);
    const char *names[] = { name, "journal.db", "catalog.db" };
    for (int i = 0; i < 3; i++) {
        struct stat info;
        snprintf(files[i], sizeof files[i], "%s/%s", home, names[i]);
        if (stat(files[i], &info) != 0) abort();
        sizes[i] = (size_t)info.st_size;
        contents[i] = malloc(sizes[i]);
        FILE *f = fopen(files[i], "rb");
        if (!f || !contents[i] || fread(contents[i], 1, sizes[i], f) != sizes[i]) abort();
        fclose(f);
    }
    ready = true;
}

/* What a reader was told, and whether something was said to be damaged on the way. */
typedef struct answer {
    bool said;
    int samples, tags, events, buckets;
} answer;

static int64_t value_of(int64_t time_ms)
{
    int64_t i = (time_ms - NOW) / 1000;
    if (i < 0 || i >= SAMPLES || time_ms != NOW + i * 1000) abort();
    return i * 3;
}

static void ask_rows(hist *h, answer *a)
{
    hist_cursor *c = NULL;
    const hist_sample *rows = NULL;
    size_t n = 0;
    a->said |= hist_cursor_open(h, hist_of_tag(1), INT64_MIN, INT64_MAX, true, &c, NULL) != PT_OK;
    for (int k = 0; c && k < 1000; k++) {
        pt_status st = hist_cursor_view(c, &rows, &n, NULL);
        a->said |= st != PT_OK;
        if (st != PT_OK) continue;
        if (n == 0) break;
        for (size_t i = 0; i < n; i++, a->samples++) {
            if (rows[i].tag_id != 1 || rows[i].type != SPB_INT64 || rows[i].quality != SPB_GOOD || rows[i].flags ||
                rows[i].as.i64 != value_of(rows[i].time_ms))
                abort();
        }
    }
    hist_cursor_close(c);
}

static bool on_tag(void *ctx, const hist_tag *t)
{
    answer *a = ctx;
    if (!fitted && (t->tag_id != 1 || !pt_slice_eq_cstr(t->path, "m") || !pt_slice_eq_cstr(t->unit, "bar") || t->type != SPB_INT64))
        abort();
    a->tags++;
    return true;
}

static bool on_event(void *ctx, const hist_event *e)
{
    answer *a = ctx;
    if (!fitted && (!pt_slice_eq_cstr(e->type, "nbirth") || e->time_ms != NOW + a->events || !pt_slice_eq_cstr(e->node, "g/e"))) abort();
    a->events++;
    return true;
}

static bool on_bucket(void *ctx, const hist_bucket *b)
{
    answer *a = ctx;
    double first = (double)(a->buckets++ * 100 * 3);
    if (b->count != 100 || b->nums != 100 || b->first != first || b->min != first || b->max != first + 297 || b->sum != 100 * first + 14850)
        a->buckets = -1000000;
    return true;
}

/* Every kind of question, once. Rows, tags and events are right whatever is said; sums are, when nothing is. */
static answer read_all(void)
{
    answer a = { .said = false };
    logged = false;
    hist *h = open_at();
    if (!h) return (answer){ .said = true };
    hist_event_filter all = { .from_ms = INT64_MIN, .to_ms = INT64_MAX };
    hist_sample s;
    pt_arena arena;
    pt_arena_init(&arena, 1 << 20);
    a.said |= hist_tag_each(h, on_tag, &a) != PT_OK;
    a.said |= hist_events(h, &all, on_event, &a, NULL) != PT_OK;
    if (a.tags) {
        ask_rows(h, &a);
        a.said |= hist_buckets(h, hist_of_tag(1), NOW, NOW + SAMPLES * 1000, 100000, on_bucket, &a, NULL) != PT_OK;
        pt_status st = hist_value_at(h, hist_of_tag(1), NOW + 123456, &arena, &s);
        a.said |= st != PT_OK && st != PT_EEMPTY;
        if (st == PT_OK && s.as.i64 != value_of(s.time_ms)) abort();
        if (!fitted && !a.said && !logged && (st != PT_OK || s.time_ms != NOW + 123000)) abort();
    }
    pt_arena_fini(&arena);
    (void)hist_close(h, 200, NULL);
    a.said |= logged;
    return a;
}

static bool whole(const answer *a)
{
    if (fitted) return a->samples == SAMPLES;
    return a->samples == SAMPLES && a->tags == 1 && a->events == EVENTS && a->buckets == SAMPLES / 100;
}

static void fit_sums(uint8_t *file, size_t size)
{
    size_t page = (size_t)file[16] << 8 | file[17];
    for (size_t i = 0; page >= 512 && (i + 1) * page <= size; i++)
        hist__store64(file + (i + 1) * page - HIST__PAGE_RESERVE, XXH64(file + i * page, page - HIST__PAGE_RESERVE, i + 1));
}

/* Patched so that a file calls itself one of before pages had sums: what comes of that is another file's answer. */
static bool forged(int i, const uint8_t *copy)
{
    static const uint8_t format[] = { 3, 3, 2 };
    return copy[20] != 8 && copy[63] < format[i] && sizes[i] > 100;
}

/* After a repair nothing is damaged any more; names may be those of a changed byte, which verify has said. */
static void repaired_is_readable(void)
{
    hist *h = open_at();
    answer a = { .said = false };
    if (!h) abort();
    if (hist__tag_count(h)) ask_rows(h, &a);
    if (a.said) abort();
    (void)hist_close(h, 200, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!ready) prepare();
    if (size < 5 || size > 200) return 0;
    fitted = size % 5 == 1;
    clean();
    for (int i = 0; i < 3; i++) {
        uint8_t *kept = contents[i];
        uint8_t *copy = malloc(sizes[i]);
        if (!copy) abort();
        memcpy(copy, kept, sizes[i]);
        for (size_t at = 0; at + 5 <= size; at += 5) {
            if (data[at] % 3 == i) copy[(data[at + 1] | (size_t)data[at + 2] << 8 | (size_t)data[at + 3] << 16) % sizes[i]] = data[at + 4];
        }
        contents[i] = copy;
        bool skip = !fitted && forged(i, copy);
        if (fitted) fit_sums(copy, sizes[i]);
        if (!write_file(i)) abort();
        contents[i] = kept;
        free(copy);
        if (skip) return 0;
    }
    hist_verify_report r;
    hist_verify_options o = { 0 };
    bool sound = hist_verify(home, &o, &r, NULL) == PT_OK && r.faults == 0;
    answer before = read_all();
    if (before.said ? sound && !fitted : (sound || !fitted) && !whole(&before)) abort();
    o.repair = true;
    bool repaired = hist_verify(home, &o, &r, NULL) == PT_OK;
    o.repair = false;
    if (repaired && (hist_verify(home, &o, &r, NULL) != PT_OK || r.faults)) abort();
    if (repaired) repaired_is_readable();
    return 0;
}
