/* tests/bench/historian_billion_bench.c -- 1,000,000,000 samples of 10,000 tags: ingest rate, size, memory, and query times cold and warm.
 *
 * Samples are made as they are appended (generate.h), so memory is the historian's. A cold query opens the directory anew after its files
 * were given up by the page cache (posix_fadvise, which a kernel may not heed for pages in use elsewhere); the warm one asks the same
 * again. */
#include "base/clock.h"
#include "historian/historian.h"
#include "tests/bench/bench.h"
#include "tests/bench/generate.h"
#include "tests/bench/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TAGS = 10000, PER_CALL = 20, PARTS = 10 };
#define PENDING (UINT64_C(512) << 20)
static const int64_t START = 1750000000000, PERIOD = 1000;

typedef struct billion {
    const bench_run *run;
    char dir[600];
    uint64_t samples;
    int64_t end_ms;
    double part_rate[PARTS], rate;
    uint64_t resident_before, peak;
    uint32_t tag; /* the next one to ask */
} billion;

static pt_status open_store(billion *b, bool read_only, hist **h, pt_error *err)
{
    hist_options o;
    hist_options_init(&o);
    o.dir = b->dir;
    o.read_only = read_only;
    o.pending_bytes =
        PENDING; /* so many tags at this rate: with the default of 32 MiB blocks are sealed a tenth full and merged again and again */
    return hist_open(&o, pt_clock_system(), NULL, h, err);
}

static pt_status make_tags(hist *h)
{
    pt_status st = PT_OK;
    for (uint32_t id = 1; st == PT_OK && id <= TAGS; id++) {
        char name[60];
        uint32_t given = 0;
        snprintf(name, sizeof name, "plant/area%u/line%u/tag%u", id / 1000, id / 100, id);
        hist_tag_key key = { PT_LIT("spb"), PT_LIT("bench"), PT_LIT("edge"), PT_NONE, pt_cstr(name) };
        st = hist_tag_ensure(h, &key, pt_cstr(name), gen_mixed_type(id), PT_NONE, &given);
        if (st == PT_OK && given != id) st = PT_ESTATE;
    }
    return st;
}

/* Second by second, all tags in turn. The time to make the samples is part of it: it is said in the note. */
static pt_status ingest(billion *b, hist *h, pt_error *err)
{
    gen_mixed g;
    pt_status st = gen_mixed_init(&g, b->run->seed, TAGS, START, PERIOD);
    uint64_t rounds = b->samples / TAGS, done = 0;
    double begin = bench_now();
    for (unsigned part = 0; st == PT_OK && part < PARTS; part++) {
        uint64_t until = rounds * (part + 1) / PARTS, from = done;
        double at = bench_now();
        for (; st == PT_OK && done < until; done++) {
            for (uint32_t id = 1; st == PT_OK && id <= TAGS; id += PER_CALL) {
                hist_sample s[PER_CALL];
                for (uint32_t k = 0; k < PER_CALL; k++)
                    gen_mixed_next(&g, id + k, &s[k]);
                while ((st = hist_append(h, s, PER_CALL)) == PT_EFULL)
                    usleep(1000);
            }
        }
        if (st == PT_OK) st = hist_flush(h, 600000, err);
        b->part_rate[part] = (double)((done - from) * TAGS) / (bench_now() - at);
        uint64_t resident = 0, peak = 0;
        if (bench_process_memory(getpid(), &resident, &peak) && resident > b->peak) b->peak = resident;
        bench_say(b->run, "%u %%: %.2f M samples/s, %.0f MB resident", (part + 1) * 100 / PARTS, b->part_rate[part] / 1e6,
                  (double)resident / 1e6);
    }
    if (st == PT_OK) st = hist_seal(h, err);
    b->rate = (double)(rounds * TAGS) / (bench_now() - begin);
    b->samples = rounds * TAGS;
    b->end_ms = START + (int64_t)rounds * PERIOD;
    gen_mixed_fini(&g);
    return st;
}

/* Bytes of the files whose names begin so; with `drop`, the page cache is asked to give them up. */
static double files(const char *dir, const char *prefix, bool drop)
{
    double total = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[900];
        struct stat info;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (strncmp(e->d_name, prefix, strlen(prefix)) != 0 || stat(path, &info) != 0 || !S_ISREG(info.st_mode)) continue;
        total += (double)info.st_size;
        int fd = drop ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (fd < 0) continue;
        (void)fdatasync(fd);
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        close(fd);
    }
    if (d) closedir(d);
    return total;
}

static bool count_bucket(void *ctx, const hist_bucket *k)
{
    *(uint64_t *)ctx += k->count;
    return true;
}

enum { RAW_RANGE, BUCKETS_1000, WHOLE_RANGE, VALUE_AT, QUERIES };
static const char *const QUERY[QUERIES][2] = {
    { "raw", "10,000 raw samples from the middle of one tag" },
    { "buckets", "1000 buckets of min/max/avg over the whole of one tag" },
    { "aggregate", "one aggregate over the whole of one tag, odd edges" },
    { "value-at", "the value of one tag at a time in the middle" },
};

static pt_status ask(billion *b, hist *h, int query, uint32_t tag, uint64_t *found, pt_error *err)
{
    int64_t span = b->end_ms - START, middle = START + span / 2;
    pt_status st = PT_OK;
    *found = 0;
    if (query == RAW_RANGE) {
        hist_cursor *c = NULL;
        const hist_sample *rows = NULL;
        size_t n = 1;
        st = hist_cursor_open(h, hist_of_tag(tag), middle - 5000 * PERIOD, middle + 5000 * PERIOD, false, &c, err);
        while (st == PT_OK && n && (st = hist_cursor_view(c, &rows, &n, err)) == PT_OK)
            *found += n;
        hist_cursor_close(c);
    } else if (query == BUCKETS_1000) {
        st = hist_buckets(h, hist_of_tag(tag), START, b->end_ms, span / 1000, count_bucket, found, err);
    } else if (query == WHOLE_RANGE) {
        st = hist_buckets(h, hist_of_tag(tag), START + 1234, b->end_ms - 1234, span, count_bucket, found, err);
    } else {
        pt_arena a;
        hist_sample s;
        pt_arena_init(&a, 1 << 16);
        st = hist_value_at(h, hist_of_tag(tag), middle, &a, &s);
        *found = st == PT_OK;
        pt_arena_fini(&a);
    }
    return st == PT_OK && *found == 0 ? pt_fail(err, PT_EEMPTY, "%s found nothing", QUERY[query][0]) : st;
}

static pt_status measure(billion *b, int query, pt_error *err)
{
    bench_series warm = { 0 }, cold = { 0 };
    uint64_t found = 0;
    pt_status st = PT_OK;
    for (unsigned i = 0; st == PT_OK && i < b->run->repetitions; i++) {
        hist *h = NULL;
        files(b->dir, "blocks-", true);
        if ((st = open_store(b, true, &h, err)) != PT_OK) break;
        b->tag = b->tag * 7919 % TAGS + 1; /* another tag each time: its blocks were not read before */
        double at = bench_now();
        st = ask(b, h, query, b->tag, &found, err);
        bench_add(&cold, (bench_now() - at) * 1e3);
        at = bench_now();
        if (st == PT_OK) st = ask(b, h, query, b->tag, &found, err);
        bench_add(&warm, (bench_now() - at) * 1e3);
        pt_status closed = hist_close(h, 1000, err);
        if (st == PT_OK) st = closed;
    }
    char note[100];
    snprintf(note, sizeof note, "the last one found %llu samples", (unsigned long long)found);
    bench_case c = { .name = "historian-billion",
                     .variant = QUERY[query][0],
                     .goal = "",
                     .input = QUERY[query][1],
                     .ours = "warm: asked again",
                     .reference = "cold: page cache given up",
                     .unit = "ms",
                     .note = note };
    if (st == PT_OK) bench_report(b->run, &c, &warm, &cold);
    return st;
}

static void report(const billion *b, const char *variant, const char *ours, double value, const char *reference, double other,
                   const char *unit, const char *note)
{
    char input[160];
    bench_series o = { 0 }, r = { 0 };
    bench_add(&o, value);
    bench_add(&r, other);
    snprintf(input, sizeof input, "%.4g samples of %d tags, mixed set, synchronous=FULL, 512 MiB for unsealed samples", (double)b->samples,
             TAGS);
    bench_case c = { .name = "historian-billion",
                     .variant = variant,
                     .goal = "",
                     .input = input,
                     .ours = ours,
                     .reference = reference,
                     .unit = unit,
                     .note = note };
    bench_report(b->run, &c, &o, &r);
}

static pt_status run_billion(bench_run *run, pt_error *err)
{
    billion b = { .run = run, .samples = run->samples ? run->samples : run->quick ? 20000000 : 1000000000, .tag = 1 };
    hist *h = NULL;
    uint64_t peak = 0;
    if (b.samples < (uint64_t)TAGS * 1000) b.samples = (uint64_t)TAGS * 1000;
    (void)bench_process_memory(getpid(), &b.resident_before, &peak);
    pt_status st = bench_dir(run, "billion", b.dir, sizeof b.dir, err);
    if (st == PT_OK) st = open_store(&b, false, &h, err);
    if (st == PT_OK) st = make_tags(h);
    if (st == PT_OK) st = ingest(&b, h, err);
    pt_status closed = hist_close(h, 600000, err);
    if (st == PT_OK) st = closed;
    if (st == PT_OK) {
        char note[160];
        double blocks = files(b.dir, "blocks-", false), journal = files(b.dir, "journal", false), all = files(b.dir, "", false);
        snprintf(note, sizeof note,
                 "making the samples included; %.3g GB of files, of which blocks %.3g GB, journal and change log %.3g GB", all / 1e9,
                 blocks / 1e9, journal / 1e9);
        report(&b, "ingest", "all of it, until sealed", b.rate, "the first tenth", b.part_rate[0], "samples/s", note);
        report(&b, "size", "sealed blocks", blocks / (double)b.samples, "goal P7 for the mixed set", 1.7, "bytes/sample", NULL);
        report(&b, "memory", "resident at most, at the end of a tenth", (double)b.peak / 1e6, "before", (double)b.resident_before / 1e6,
               "MB", NULL);
    }
    for (int q = 0; st == PT_OK && q < QUERIES; q++)
        st = measure(&b, q, err);
    bench_remove(run, b.dir);
    return st;
}

const bench_entry historian_billion_bench[] = {
    { "historian-billion", "1,000,000,000 samples of 10,000 tags (--samples N for another number)", run_billion },
    { 0 },
};
