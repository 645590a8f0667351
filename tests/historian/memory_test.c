/* tests/historian/memory_test.c -- every allocation of our own code fails once: a clean error, nothing leaked, and what was acknowledged is
 * there.
 *
 * The linker wraps the allocators of everything linked statically: the historian and its base, not SQLite (failure_test.c does that) or
 * zstd. */
#include "historian/read/aggregate.h"
#include "historian/maintain.h"
#include "historian/exchange/transfer.h"
#include "historian/read/zone.h"
#include "tests/historian/support.h"
#include "tests/support/check.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void __wrap_free(void *p);

static atomic_ulong calls, fail_at; /* fail_at 0: never; else this call fails, and it only */
static atomic_long outstanding;
static bool granted(void)
{
    return atomic_fetch_add(&calls, 1) + 1 != atomic_load(&fail_at);
}
static void *counted(void *p)
{
    if (p) atomic_fetch_add(&outstanding, 1);
    return p;
}
void *__wrap_malloc(size_t n)
{
    return granted() ? counted(__real_malloc(n)) : NULL;
}
void *__wrap_calloc(size_t n, size_t size)
{
    return granted() ? counted(__real_calloc(n, size)) : NULL;
}
void *__wrap_realloc(void *p, size_t n)
{
    if (!granted()) return NULL;
    void *q = __real_realloc(p, n);
    return p ? q : counted(q);
}
void __wrap_free(void *p)
{
    if (p) atomic_fetch_sub(&outstanding, 1);
    __real_free(p);
}

enum { SAMPLES = 400 };

typedef struct life {
    hist *h;
    uint32_t number, text;
    uint64_t appended, acknowledged; /* Doubles that hist_append took, and of those: that a flush confirmed */
    pt_status st;
    const char *at; /* the step that failed */
    char input[400];
    size_t given;
} life;

static bool any_bucket(void *ctx, const hist_bucket *b)
{
    *(uint64_t *)ctx += b->count;
    return true;
}
static bool any_sample(void *ctx, const hist_sample *s)
{
    *(uint64_t *)ctx += s->tag_id != 0;
    return true;
}
static bool any_duration(void *ctx, const hist_sample *value, int64_t ms, uint64_t times)
{
    *(uint64_t *)ctx += value && ms && times;
    return true;
}
static bool any_bytes(void *ctx, pt_slice bytes)
{
    *(uint64_t *)ctx += bytes.len;
    return true;
}
static ptrdiff_t give_input(void *ctx, char *to, size_t cap)
{
    life *l = ctx;
    size_t n = strlen(l->input) - l->given;
    if (n > cap) n = cap;
    memcpy(to, l->input + l->given, n);
    l->given += n;
    return (ptrdiff_t)n;
}

static bool step(life *l, const char *at, pt_status st)
{
    l->st = st;
    l->at = at;
    return st == PT_OK;
}

static bool put(life *l, int from, int to)
{
    for (int i = from; i < to; i++) {
        hist_sample s = { .tag_id = l->number, .time_ms = NOW + i * 1000, .type = SPB_DOUBLE, .as.f64 = i % 7 };
        hist_sample t = { .tag_id = l->text,
                          .time_ms = NOW + i * 1000,
                          .type = SPB_STRING,
                          .as.ptr = i % 30 < 15 ? "RUN" : "STOP",
                          .len = i % 30 < 15 ? 3 : 4 };
        if (!step(l, "append", hist_append(l->h, &s, 1))) return false;
        l->appended++;
        if (!step(l, "append", hist_append(l->h, &t, 1))) return false;
    }
    if (!step(l, "flush", hist_flush(l->h, 20000, NULL))) return false;
    l->acknowledged = l->appended;
    return true;
}

static void query(life *l)
{
    uint64_t n = 0;
    pt_arena a;
    hist_sample s;
    pt_arena_init(&a, 1 << 16);
    hist_cursor *c = NULL;
    if (step(l, "cursor", hist_cursor_open(l->h, hist_of_tag(l->text), NOW, NOW + 1000000000, true, &c, NULL))) {
        const hist_sample *rows = NULL;
        size_t got = 1;
        while (l->st == PT_OK && got)
            step(l, "cursor view", hist_cursor_view(c, &rows, &got, NULL));
        hist_cursor_close(c);
    }
    if (l->st == PT_OK) step(l, "buckets", hist_buckets(l->h, hist_of_tag(l->number), NOW, NOW + 400000, 7000, any_bucket, &n, NULL));
    if (l->st == PT_OK) step(l, "value at", hist_value_at(l->h, hist_of_tag(l->text), NOW + 90500, &a, &s));
    if (l->st == PT_OK) step(l, "lttb", hist_lttb(l->h, hist_of_tag(l->number), NOW, NOW + 400000, 20, any_sample, &n, &n, NULL));
    if (l->st == PT_OK) step(l, "durations", hist_durations(l->h, hist_of_tag(l->text), NOW, NOW + 400000, any_duration, &n, NULL));
    pt_arena_fini(&a);
    if (l->st != PT_OK) return;
    hist_zone *z = NULL;
    int64_t *edges = NULL;
    size_t n_edges = 0;
    if (step(l, "zone", hist_zone_open(NULL, PT_LIT("Europe/Berlin"), &z, NULL))) {
        if (step(l, "edges", hist_zone_edges(z, (hist_span){ .ms = 3600000 }, NOW, NOW + 100000000, 1000, &edges, &n_edges, NULL)))
            step(l, "buckets at", hist_buckets_at(l->h, hist_of_tag(l->number), edges, n_edges, any_bucket, &n, NULL));
        free(edges);
        hist_zone_close(z);
    }
}

static void transfer(life *l)
{
    uint64_t n = 0, samples = 0;
    hist_export_options e = { .format = HIST_JSONL, .from_ms = NOW, .to_ms = NOW + 50000, .write = any_bytes, .ctx = &n };
    if (!step(l, "export", hist_export(l->h, &e, &samples, NULL))) return;
    snprintf(
        l->input, sizeof l->input,
        "{\"time\":%lld,\"path\":\"in/a\",\"value\":1.5}\n{\"time\":%lld,\"path\":\"in/b\",\"type\":\"String\",\"value\":\"x\"}\n"
        "{\"time\":%lld,\"path\":\"in/c\",\"type\":\"Int32Array\",\"value\":[1,2]}\n{\"time\":%lld,\"path\":\"in/c\",\"type\":\"StringArray\",\"value\":[\"a\"]}\n",
        (long long)NOW, (long long)NOW + 5, (long long)NOW, (long long)NOW + 5);
    hist_import_report r;
    hist_import_options i = { .format = HIST_JSONL, .read = give_input, .ctx = l };
    step(l, "import", hist_import(l->h, &i, &r, NULL));
}

static void live(life *l, const char *dir)
{
    static const hist_deviation rule = { .tags = "g/e/t", .exc_dev = 0.5, .comp_dev = 0.5 };
    hist_options o;
    hist_options_init(&o);
    o.dir = dir;
    o.commit_interval_ms = 10;
    o.synchronous = HIST_SYNC_OFF;
    o.block_samples = 64;
    o.deviations = &rule;
    o.n_deviations = 1;
    if (!step(l, "open", hist_open(&o, &fake.clock, NULL, &l->h, NULL))) return;
    hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_NONE, PT_LIT("n") };
    if (!step(l, "tag", hist_tag_ensure(l->h, &key, PT_LIT("g/e/number"), SPB_DOUBLE, PT_NONE, &l->number))) return;
    key.metric = PT_LIT("t");
    if (!step(l, "tag", hist_tag_ensure(l->h, &key, PT_LIT("g/e/t"), SPB_STRING, PT_NONE, &l->text))) return;
    hist_event e = { .time_ms = NOW, .type = PT_LIT("nbirth"), .node = PT_LIT("g/e") };
    if (!step(l, "event", hist_event_append(l->h, &e))) return;
    if (!put(l, 0, 50) || !put(l, 100, SAMPLES)) return;
    if (!step(l, "seal", hist_seal(l->h, NULL))) return;
    if (!put(l, 50, 100)) return; /* late: into the blocks */
    if (!step(l, "seal", hist_seal(l->h, NULL))) return;
    query(l);
    if (l->st == PT_OK) transfer(l);
}

static void verify(life *l, const char *dir)
{
    hist_verify_options o = { 0 };
    hist_verify_report r;
    if (step(l, "verify", hist_verify(dir, &o, &r, NULL)) && r.faults) l->st = PT_ECORRUPT;
}

/* One life with the n-th allocation failing; false when there were fewer. */
static const char *home;
static bool one(unsigned long n, unsigned *failures)
{
    char dir[600], what[80];
    snprintf(dir, sizeof dir, "%s/life%lu", home, n);
    life l = { 0 };
    long before = atomic_load(&outstanding);
    atomic_store(&calls, 0);
    atomic_store(&fail_at, n);
    live(&l, dir);
    snprintf(what, sizeof what, "allocation %lu, %s: %s", n, l.at, pt_status_name(l.st));
    CHECK_ROW(what, l.st == PT_OK || l.st == PT_ENOMEM);
    *failures += l.st != PT_OK;
    pt_status closed = hist_close(l.h, 20000, NULL);
    CHECK_ROW(what, closed == PT_OK || closed == PT_ENOMEM);
    life v = { 0 };
    if (l.h) {
        verify(&v, dir);
        snprintf(what, sizeof what, "allocation %lu, %s: %s, then verify: %s", n, l.at, pt_status_name(l.st), pt_status_name(v.st));
        CHECK_ROW(what, v.st == PT_OK || v.st == PT_ENOMEM);
    }
    bool reached = atomic_load(&calls) >= n;
    atomic_store(&fail_at, 0);
    CHECK_ROW(what, atomic_load(&outstanding) == before);
    if (l.acknowledged) { /* with memory again: sound, and all that was acknowledged */
        verify(&v, dir);
        CHECK_ROW(what, v.st == PT_OK);
        hist_options o;
        hist *h = NULL;
        hist_options_init(&o);
        o.dir = dir;
        o.read_only = true;
        CHECK_OK_FATAL(hist_open(&o, &fake.clock, NULL, &h, NULL));
        uint64_t rows = count_rows(h, l.number);
        CHECK_ROW(what, rows >= l.acknowledged && rows <= SAMPLES);
        close_ok(h);
    }
    CHECK_ROW(what, atomic_load(&outstanding) == before);
    char command[700];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    CHECK(system(command) == 0);
    return reached;
}

static void every_allocation_fails_once_and_nothing_is_lost(void)
{
    unsigned failures = 0;
    unsigned long n = 1;
    home = pt_test_dir();
    bool all = getenv("PLANTREE_SWEEP") != NULL; /* each of about a thousand; else, behind the first 150, every fourth */
    while (n < 20000 && one(n, &failures))
        n += all || n < 150 ? 1 : 4;
    printf(" (%lu allocations, %u seen by the caller) ", n - 1, failures);
    CHECK(n > 500 && n < 20000 && failures > 40);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_allocation_fails_once_and_nothing_is_lost),
    };
    setup();
    return pt_test_main("historian/memory", tests, PT_COUNT_OF(tests), argc, argv);
}
