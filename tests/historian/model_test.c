/* tests/historian/model_test.c -- random streams against a plain array: every answer must be the same, at every stage of a sample's life.
 *
 * Late, duplicate, replacing and equal-time samples, state rows, nulls, NaN, type changes, strings, gaps, times from 1890 to 2150; between
 * the steps the store is flushed, sealed, closed and opened again, also beside a reader. One seed repeats a run exactly. */
#include "base/random.h"
#include "historian/write/write.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { TAGS = 5, ROWS_MAX = 60000 };
static const int64_t NOW = 1750000000000;
static pt_fake_clock fake;

typedef struct model {
    hist_sample *s; /* ascending by key; strings live in `strings` for ever */
    size_t n;
    uint64_t samples;
} model;
static model m[TAGS + 1];
static const char *const strings[] = { "", "a", "RUN", "STOP", "a longer text that tells the state of the machine in words", "\xc3\xa4" };
static uint64_t stored, duplicates, replaced;

static int cmp(const hist_sample *a, const hist_sample *b)
{
    return hist__key_cmp(a->time_ms, hist__is_state(a), b->time_ms, hist__is_state(b));
}

static void model_put(const hist_sample *s)
{
    model *t = &m[s->tag_id];
    size_t at = t->n;
    while (at > 0 && cmp(&t->s[at - 1], s) > 0)
        at--;
    if (at > 0 && cmp(&t->s[at - 1], s) == 0) {
        hist_sample *old = &t->s[at - 1];
        if (hist__same_content(old, s)) {
            duplicates++;
            return;
        }
        replaced++;
        *old = *s;
        return;
    }
    CHECK_FATAL(t->n < ROWS_MAX);
    memmove(&t->s[at + 1], &t->s[at], (t->n - at) * sizeof *t->s);
    t->s[at] = *s;
    t->n++;
    t->samples += !hist__is_state(s);
    stored++;
}

static hist_sample random_sample(pt_random *r, uint32_t tag, int64_t *clock_ms, unsigned wildness)
{
    hist_sample s = { .tag_id = tag };
    uint64_t k = pt_random_below(r, 100);
    *clock_ms += (int64_t)pt_random_below(r, k == 0 ? INT64_C(3) * 86400000 : 2000);
    s.time_ms = *clock_ms;
    if (k < wildness) s.time_ms -= (int64_t)pt_random_below(r, k % 2 ? 20000 : INT64_C(20) * 86400000); /* late */
    if (k == 50 && wildness) s.time_ms = (int64_t)pt_random_below(r, 4) * INT64_C(2000000000000) - INT64_C(2500000000000);
    static const uint8_t types[] = { SPB_DOUBLE, SPB_INT64, SPB_FLOAT, SPB_STRING, SPB_BOOLEAN };
    s.type = types[(tag + (pt_random_below(r, 200) < wildness / 4 ? 1 : 0)) % PT_COUNT_OF(types)];
    s.quality = (uint8_t)(pt_random_below(r, 10) ? SPB_GOOD : pt_random_below(r, 4));
    uint64_t kind = pt_random_below(r, 40);
    if (kind == 0) s.flags = HIST_NULL;
    if (kind == 1) s.flags = HIST_STATE;
    if (kind == 2) s.flags = HIST_HISTORICAL;
    if (!hist__has_value(&s)) return s;
    switch (s.type) {
    case SPB_DOUBLE:
        s.as.f64 = pt_random_below(r, 60)  ? (double)pt_random_below(r, 5000) / 100
                   : pt_random_below(r, 2) ? (double)NAN
                                           : pt_random_unit(r);
        break;
    case SPB_FLOAT: s.as.f32 = (float)pt_random_below(r, 500) / 10; break;
    case SPB_INT64: s.as.i64 = pt_random_below(r, 50) ? (int64_t)pt_random_below(r, 100) - 50 : (int64_t)pt_random_u64(r); break;
    case SPB_BOOLEAN: s.as.u64 = pt_random_below(r, 2); break;
    default: s.as.ptr = strings[pt_random_below(r, PT_COUNT_OF(strings))]; s.len = (uint32_t)strlen(s.as.ptr);
    }
    return s;
}

static bool same_rows(const hist_sample *a, const hist_sample *b)
{
    return a->time_ms == b->time_ms && a->tag_id == b->tag_id && hist__is_state(a) == hist__is_state(b) && hist__same_content(a, b);
}

static bool check_range(hist *h, uint32_t tag, int64_t from, int64_t to, bool states, size_t step)
{
    static hist_sample out[500];
    hist_cursor *c = NULL;
    pt_error err = { 0 };
    size_t at = 0, n = 0;
    const model *t = &m[tag];
    if (hist_cursor_open(h, hist_of_tag(tag), from, to, states, &c, &err) != PT_OK) return false;
    bool ok = true;
    while (ok) {
        ok = hist_cursor_next(c, out, step, &n, &err) == PT_OK;
        if (!ok || n == 0) break;
        for (size_t i = 0; i < n && ok; i++) {
            while (at < t->n && (t->s[at].time_ms < from || (!states && hist__is_state(&t->s[at]))))
                at++;
            ok = at < t->n && t->s[at].time_ms < to && same_rows(&t->s[at], &out[i]);
            at++;
        }
    }
    while (at < t->n && (t->s[at].time_ms < from || (!states && hist__is_state(&t->s[at]))))
        at++;
    if (ok && at < t->n && t->s[at].time_ms < to) ok = false;
    hist_cursor_close(c);
    if (!ok) printf("tag %u, range %lld..%lld, row %zu of %zu differs %s\n", tag, (long long)from, (long long)to, at, t->n, err.text);
    return ok;
}

static bool check_at(hist *h, uint32_t tag, int64_t t_ms)
{
    const model *t = &m[tag];
    const hist_sample *want = NULL;
    for (size_t i = 0; i < t->n && t->s[i].time_ms <= t_ms; i++) {
        if (!hist__is_state(&t->s[i])) want = &t->s[i];
    }
    pt_arena arena;
    pt_arena_init(&arena, 1 << 20);
    hist_sample got;
    pt_status st = hist_value_at(h, hist_of_tag(tag), t_ms, &arena, &got);
    bool ok = want ? st == PT_OK && same_rows(want, &got) : st == PT_EEMPTY;
    pt_arena_fini(&arena);
    if (!ok) printf("tag %u at %lld: %s\n", tag, (long long)t_ms, pt_status_name(st));
    return ok;
}

typedef struct sums {
    uint64_t count, nums;
    double sum, min, max;
} sums;
static bool add_bucket(void *ctx, const hist_bucket *b)
{
    sums *s = ctx;
    s->count += b->count;
    if (b->nums) {
        s->sum += b->sum;
        s->min = s->nums == 0 || b->min < s->min ? b->min : s->min;
        s->max = s->nums == 0 || b->max > s->max ? b->max : s->max;
    }
    s->nums += b->nums;
    return true;
}

static bool check_buckets(hist *h, uint32_t tag, int64_t from, int64_t to, int64_t width)
{
    sums got = { 0 }, want = { 0 };
    if (hist_buckets(h, hist_of_tag(tag), from, to, width, add_bucket, &got, NULL) != PT_OK) return false;
    for (size_t i = 0; i < m[tag].n; i++) {
        const hist_sample *s = &m[tag].s[i];
        double v;
        if (s->time_ms < from || s->time_ms >= to) continue;
        want.count += !hist__is_state(s);
        if (!hist__usable_number(s, &v)) continue;
        want.min = want.nums == 0 || v < want.min ? v : want.min;
        want.max = want.nums == 0 || v > want.max ? v : want.max;
        want.sum += v;
        want.nums++;
    }
    bool ok = got.count == want.count && got.nums == want.nums && got.min == want.min && got.max == want.max &&
              fabs(got.sum - want.sum) <= 1e-9 * (1 + fabs(want.sum)) + 1e5 * (tag % 5 == 1);
    if (!ok)
        printf("tag %u buckets %lld..%lld by %lld: count %llu/%llu sum %f/%f\n", tag, (long long)from, (long long)to, (long long)width,
               (unsigned long long)got.count, (unsigned long long)want.count, got.sum, want.sum);
    return ok;
}

static bool check_all(hist *h, pt_random *r, bool counts)
{
    bool ok = true;
    for (uint32_t tag = 1; tag <= TAGS && ok; tag++) {
        const model *t = &m[tag];
        ok = check_range(h, tag, INT64_MIN, INT64_MAX, true, 500);
        for (int k = 0; k < 4 && ok && t->n; k++) {
            int64_t from = t->s[pt_random_below(r, t->n)].time_ms + (int64_t)pt_random_below(r, 3) - 1,
                    to = t->s[pt_random_below(r, t->n)].time_ms + (int64_t)pt_random_below(r, 3) - 1;
            ok = check_range(h, tag, from, to, k % 2, 1 + pt_random_below(r, 60)) && check_at(h, tag, from);
            if (from < to && ok) ok = check_buckets(h, tag, from, to, (to - from) / (int64_t)(1 + pt_random_below(r, 50)) + 1);
        }
        pt_arena arena;
        pt_arena_init(&arena, 1 << 20);
        hist_tag info;
        if (ok && counts) ok = hist_tag_by_id(h, tag, &arena, &info) == PT_OK && info.samples == t->samples;
        if (!ok)
            printf("%s tag %u: %llu samples, %llu expected\n", h->lock_fd < 0 ? "reader" : "writer", tag, (unsigned long long)info.samples,
                   (unsigned long long)t->samples);
        pt_arena_fini(&arena);
    }
    return ok;
}

static const char *home;

static void run(uint64_t seed, unsigned steps, uint32_t block, unsigned wildness)
{
    pt_random r = pt_random_seed(seed);
    char dir[512];
    snprintf(dir, sizeof dir, "%s/m%llu", home, (unsigned long long)seed);
    hist_options o, ro;
    hist_options_init(&o);
    o.dir = dir;
    o.block_samples = block;
    o.commit_interval_ms = 10;
    o.synchronous = HIST_SYNC_OFF;
    o.pending_bytes = seed % 3 ? 48 << 20 : 20000; /* some runs seal under pressure all the time */
    ro = o;
    ro.read_only = true;
    hist *h = NULL, *reader = NULL;
    pt_error err = { 0 };
    CHECK_OK_FATAL(hist_open(&o, &fake.clock, NULL, &h, &err));
    int64_t clocks[TAGS + 1];
    for (uint32_t tag = 1; tag <= TAGS; tag++) {
        char name[20];
        uint32_t id = 0;
        snprintf(name, sizeof name, "t%u", tag);
        hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_NONE, pt_cstr(name) };
        CHECK_OK_FATAL(hist_tag_ensure(h, &key, pt_cstr(name), SPB_DOUBLE, PT_NONE, &id));
        CHECK_INT(id, tag);
        if (!m[tag].s) m[tag].s = malloc(ROWS_MAX * sizeof(hist_sample));
        CHECK_FATAL(m[tag].s != NULL);
        m[tag].n = m[tag].samples = 0;
        clocks[tag] = NOW + (int64_t)tag * 1000;
    }
    stored = duplicates = replaced = 0;
    uint64_t before[3] = { 0 };
    bool ok = true;
    for (unsigned step = 0; step < steps && ok; step++) {
        static hist_sample batch[400];
        size_t n = 1 + pt_random_below(&r, 400);
        for (size_t i = 0; i < n; i++) {
            uint32_t tag = 1 + (uint32_t)pt_random_below(&r, TAGS);
            batch[i] = random_sample(&r, tag, &clocks[tag], wildness);
            if (wildness && m[tag].n && pt_random_below(&r, 15) == 0)
                batch[i] = m[tag].s[pt_random_below(&r, m[tag].n)]; /* again, the same */
            if (wildness && i && pt_random_below(&r, 30) == 0) batch[i].time_ms = batch[i - 1].time_ms;
            model_put(&batch[i]);
        }
        CHECK_OK_FATAL(hist_append(h, batch, n));
        uint64_t what = pt_random_below(&r, 12);
        if (what < 6) CHECK_OK(hist_flush(h, 20000, &err));
        if (what == 1) CHECK_OK(hist_seal(h, &err));
        if (what == 2) {
            hist_stats st;
            hist_stats_get(h, &st);
            ok = st.appended == st.stored + st.duplicates + st.replaced + st.buffered && st.stored == stored - before[0] &&
                 st.duplicates == duplicates - before[1] && st.replaced == replaced - before[2];
            if (!ok)
                printf("stored %llu/%llu duplicates %llu/%llu replaced %llu/%llu\n", (unsigned long long)st.stored,
                       (unsigned long long)(stored - before[0]), (unsigned long long)st.duplicates,
                       (unsigned long long)(duplicates - before[1]), (unsigned long long)st.replaced,
                       (unsigned long long)(replaced - before[2]));
            CHECK_OK(hist_close(h, 20000, &err));
            CHECK_OK_FATAL(hist_open(&o, &fake.clock, NULL, &h, &err));
            before[0] = stored;
            before[1] = duplicates;
            before[2] = replaced;
            ok = ok && check_all(h, &r, true);
        }
        if (what == 3 && !reader) CHECK_OK_FATAL(hist_open(&ro, &fake.clock, NULL, &reader, &err));
        if (what < 6 && ok && what % 2) ok = check_all(h, &r, true);
        if (what < 6 && ok && reader) ok = check_all(reader, &r, false);
        if (what == 5 && reader && pt_random_below(&r, 2)) {
            CHECK_OK(hist_close(reader, 0, NULL));
            reader = NULL;
        }
        if (!ok) printf("seed %llu, step %u\n", (unsigned long long)seed, step);
    }
    CHECK(ok);
    CHECK_OK(hist_close(reader, 0, NULL));
    CHECK_OK(hist_close(h, 20000, &err));
}

static void ordered_streams_are_kept(void)
{
    for (uint64_t seed = 1; seed <= 3; seed++)
        run(seed, 40, 64, 0);
}

static void wild_streams_are_kept(void)
{
    const char *rounds = getenv("PLANTREE_MODEL_ROUNDS");
    uint64_t end = rounds ? strtoull(rounds, NULL, 10) : 8;
    for (uint64_t seed = 1; seed <= end; seed++)
        run(100 + seed, 40, seed % 2 ? 32 : 256, 20);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(ordered_streams_are_kept), PT_TEST(wild_streams_are_kept) };
    pt_fake_clock_init(&fake, NOW);
    home = pt_test_dir();
    int rc = pt_test_main("historian/model", tests, PT_COUNT_OF(tests), argc, argv);
    for (uint32_t tag = 0; tag <= TAGS; tag++)
        free(m[tag].s);
    return rc;
}
