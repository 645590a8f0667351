/* tests/fuzz/hist_file_fuzz.c -- damage to the files of a directory: opening, reading, verifying and repairing never crash, and a wrong answer never comes
 * without an error: what is read is a subset of what was written, and all of it where verify has nothing to say.
 *
 * The input is a list of patches of 5 bytes: which file, where (3 bytes, modulo its size), what. */
#include "historian/maintain.h"
#include "historian/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SAMPLES = 600 };
static const int64_t NOW = 1750000000000;
static char home[100];
static char files[3][80];
static uint8_t *contents[3];
static size_t sizes[3];
static bool ready;

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
    return hist_open(&o, pt_clock_system(), NULL, &h, NULL) == PT_OK ? h : NULL;
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
    snprintf(home, sizeof home, "%s/hist-file-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"); /* no disk is waited for */
    if (!mkdtemp(home) || atexit(remove_home) != 0) abort();
    hist *h = open_at();
    if (!h) abort();
    hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_NONE, PT_LIT("m") };
    uint32_t id = 0;
    if (hist_tag_ensure(h, &key, PT_LIT("m"), SPB_INT64, PT_NONE, &id) != PT_OK) abort();
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

/* How many samples can be read, each of them one that was written; -1 when an error was said on the way. */
static int read_all(void)
{
    hist *h = open_at();
    if (!h) return -1;
    hist_cursor *c = NULL;
    const hist_sample *rows = NULL;
    size_t n = 0;
    int total = 0;
    bool said = hist__tag_count(h) >= 1 && hist_cursor_open(h, 1, INT64_MIN, INT64_MAX, true, &c, NULL) != PT_OK;
    for (int k = 0; c && k < 1000; k++) {
        pt_status st = hist_cursor_view(c, &rows, &n, NULL);
        said |= st != PT_OK;
        if (st != PT_OK) continue;
        if (n == 0) break;
        for (size_t i = 0; i < n; i++, total++) {
            int64_t at = (rows[i].time_ms - NOW) / 1000;
            if (at < 0 || at >= SAMPLES || rows[i].time_ms != NOW + at * 1000 || rows[i].as.i64 != at * 3) abort();
        }
    }
    hist_cursor_close(c);
    (void)!hist_close(h, 200, NULL);
    return said ? -1 : total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!ready) prepare();
    if (size < 5 || size > 200) return 0;
    clean();
    for (int i = 0; i < 3; i++) {
        uint8_t *whole = contents[i];
        uint8_t *copy = malloc(sizes[i]);
        if (!copy) abort();
        memcpy(copy, whole, sizes[i]);
        for (size_t at = 0; at + 5 <= size; at += 5) {
            if (data[at] % 3 == i) copy[(data[at + 1] | (size_t)data[at + 2] << 8 | (size_t)data[at + 3] << 16) % sizes[i]] = data[at + 4];
        }
        contents[i] = copy;
        if (!write_file(i)) abort();
        contents[i] = whole;
        free(copy);
    }
    hist_verify_report r;
    hist_verify_options o = { 0 };
    bool sound = hist_verify(home, &o, &r, NULL) == PT_OK && r.faults == 0;
    int before = read_all();
    if (sound && before != SAMPLES) abort();
    o.repair = true;
    bool repaired = hist_verify(home, &o, &r, NULL) == PT_OK;
    o.repair = false;
    if (repaired && (hist_verify(home, &o, &r, NULL) != PT_OK || r.faults)) abort();
    int after = read_all();
    if (repaired && after < 0) abort();
    return 0;
}
