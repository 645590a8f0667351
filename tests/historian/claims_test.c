/* tests/historian/claims_test.c -- who owned a path when, and a path's history over all that owned it. */
#include "base/random.h"
#include "historian/read/aggregate.h"
#include "tests/historian/support.h"

#include <stdio.h>
#include <stdlib.h>

static uint32_t ensure_as(hist *h, const char *source, const char *metric, const char *path)
{
    hist_tag_key key = { pt_cstr(source), PT_LIT("g"), PT_LIT("e"), PT_LIT("d"), pt_cstr(metric) };
    uint32_t id = 0;
    CHECK_OK_FATAL(hist_tag_ensure(h, &key, pt_cstr(path), SPB_DOUBLE, PT_LIT(""), &id));
    return id;
}

static uint32_t ensure(hist *h, const char *metric, const char *path)
{
    return ensure_as(h, "spb", metric, path);
}

/* "1 0..10, 2 10.." in ms since `since`. */
static void check_claims(hist *h, const char *row, const char *path, int64_t since, const char *want)
{
    pt_arena arena;
    hist_claim *c = NULL;
    size_t n = 0, len = 0;
    char got[300] = "";
    pt_arena_init(&arena, 1 << 20);
    CHECK_ROW(row, hist_path_claims(h, pt_cstr(path), &arena, &c, &n, NULL) == PT_OK);
    for (size_t i = 0; i < n && len < sizeof got - 60; i++) {
        len += (size_t)snprintf(got + len, 60, "%s%u %lld..", i ? ", " : "", c[i].tag_id, (long long)(c[i].from_ms - since));
        if (c[i].to_ms != INT64_MAX) len += (size_t)snprintf(got + len, 30, "%lld", (long long)(c[i].to_ms - since));
    }
    if (strcmp(got, want) != 0) printf("[%s] %s is %s, not %s\n", row, path, got, want);
    CHECK_ROW(row, strcmp(got, want) == 0);
    pt_arena_fini(&arena);
}

static void a_path_has_one_owner_at_a_time(void)
{
    const char *dir = new_dir();
    hist *h = open_store(dir, 64);
    int64_t t0 = pt_wall_ms(&fake.clock);
    uint32_t a = ensure(h, "a", "p"), b = ensure(h, "b", "p");
    CHECK_INT(hist_path_owner(h, PT_LIT("p")), a); /* not taken by asking for it */
    CHECK_INT(hist_path_owner(h, PT_LIT("")), 0);
    check_claims(h, "before the commit", "p", t0, "1 0..");
    flush(h);
    static const struct {
        const char *row, *path;
        uint32_t tag;
        const char *p, *q;
    } steps[] = {
        { "taken", "p", 2, "1 0..10, 2 10..", "" },
        { "the same again", "p", 2, "1 0..10, 2 10..", "" },
        { "the old one goes elsewhere", "q", 1, "1 0..10, 2 10..", "1 30.." },
        { "made way", "", 2, "1 0..10, 2 10..40", "1 30.." },
        { "back at its first", "p", 1, "1 0..10, 2 10..40, 1 50..", "1 30..50" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(steps); i++) {
        pt_fake_clock_advance(&fake, 10);
        CHECK_OK(hist_path_take(h, pt_cstr(steps[i].path), steps[i].tag, pt_wall_ms(&fake.clock)));
        for (int round = 0; round < 4; round++) { /* in memory; on disk; beside a writer; after a restart */
            hist *seen = round == 2 ? open_reader(dir) : h;
            check_claims(seen, steps[i].row, "p", t0, steps[i].p);
            check_claims(seen, steps[i].row, "q", t0, steps[i].q);
            if (round == 2) close_ok(seen);
            if (round == 0) flush(h);
            if (round < 2) continue;
            close_ok(h);
            h = open_store(dir, 64);
        }
    }
    CHECK_STATUS(hist_path_take(h, PT_LIT("p"), 0, 0), PT_ENOTFOUND);
    CHECK_STATUS(hist_path_take(h, PT_LIT("p"), 99, 0), PT_ENOTFOUND);
    hist *reader = open_reader(dir);
    CHECK_STATUS(hist_path_take(reader, PT_LIT("p"), b, 0), PT_EREADONLY);
    close_ok(reader);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
    close_ok(h);
}

static void a_claim_begins_when_the_owner_before_was_away(void)
{
    const char *dir = new_dir();
    hist *h = open_store(dir, 64);
    int64_t t0 = pt_wall_ms(&fake.clock);
    uint32_t a = ensure(h, "a", "p"), b = ensure(h, "b", "p"), c = ensure(h, "c", "p");
    flush(h);
    pt_fake_clock_advance(&fake, 100);
    CHECK_OK(hist_path_take(h, PT_LIT("p"), b, t0 + 40)); /* away since then */
    check_claims(h, "since it was away", "p", t0, "1 0..40, 2 40..");
    close_ok(h);
    h = open_store(dir, 64);
    check_claims(h, "after a restart", "p", t0, "1 0..40, 2 40..");
    CHECK_OK(hist_path_take(h, PT_LIT("p"), c, t0 - 1000)); /* not before it got it */
    check_claims(h, "not before", "p", t0, "1 0..40, 2 40..41, 3 41..");
    flush(h);
    pt_fake_clock_advance(&fake, 100);
    CHECK_OK(hist_path_take(h, PT_LIT("p"), a, t0 + 100000)); /* not in the future */
    check_claims(h, "not in the future", "p", t0, "1 0..40, 2 40..41, 3 41..200, 1 200..");
    flush(h);
    check_claims(h, "on disk", "p", t0, "1 0..40, 2 40..41, 3 41..200, 1 200..");
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
    close_ok(h);
}

static void an_import_makes_way_for_a_source_and_not_the_other_way(void)
{
    hist *h = open_store(new_dir(), 64);
    int64_t t0 = pt_wall_ms(&fake.clock);
    ensure_as(h, "import", "p", "p");
    flush(h);
    pt_fake_clock_advance(&fake, 10);
    ensure_as(h, "import", "other", "p");
    check_claims(h, "another import", "p", t0, "1 0..");
    ensure(h, "a", "p");
    check_claims(h, "a source", "p", t0, "1 0..1, 3 1..");
    ensure_as(h, "import", "p", "p");
    check_claims(h, "imported again", "p", t0, "1 0..1, 3 1..");
    close_ok(h);
}

static void a_directory_of_before_gives_a_path_to_the_later_tag(void)
{
    const char *dir = new_dir();
    hist *h = open_store(dir, 64);
    int64_t t0 = pt_wall_ms(&fake.clock);
    ensure(h, "a", "p");
    pt_fake_clock_advance(&fake, 10);
    ensure(h, "b", "other");
    close_ok(h);
    char sql[200];
    snprintf(sql, sizeof sql, "UPDATE tag SET path='p' WHERE tag_id=2; UPDATE tag_path SET path='p' WHERE tag_id=2");
    run_sql(file_in(dir, "catalog.db"), sql);
    hist *reader = open_reader(dir);
    check_claims(reader, "read only", "p", t0, "1 0..10, 2 10..");
    CHECK_INT(hist_path_owner(reader, PT_LIT("p")), 2);
    close_ok(reader);
    h = open_store(dir, 64);
    check_claims(h, "opened", "p", t0, "1 0..10, 2 10..");
    flush(h);
    CHECK_INT(sql_number(file_in(dir, "catalog.db"), "SELECT count(*) FROM tag_path WHERE path='p' AND to_ms IS NULL"), 1);
    close_ok(h);
}

/* ---- a line answers as one tag would that had its rows ---------------------------------------------------------- */

typedef struct text {
    char *s; /* owned */
    size_t len, cap;
} text;

static void put(text *t, const char *fmt, ...) PT_PRINTF(2, 3);
static void put(text *t, const char *fmt, ...)
{
    va_list ap;
    if (t->len + 400 > t->cap) {
        t->cap = t->cap ? t->cap * 2 : 1 << 16;
        t->s = realloc(t->s, t->cap);
        CHECK_FATAL(t->s != NULL);
    }
    va_start(ap, fmt);
    t->len += (size_t)vsnprintf(t->s + t->len, 400, fmt, ap);
    va_end(ap);
}

static bool one_row(void *ctx, const hist_sample *s)
{
    put(ctx, "%lld %g %u %u;", (long long)s->time_ms, s->flags & HIST_STATE ? -1 : s->as.f64, s->quality, s->flags & HIST_STATE);
    return true;
}

static bool one_bucket(void *ctx, const hist_bucket *b)
{
    put(ctx, "%lld %llu %llu %g %g %.9g %g %g %.9g %lld %lld;", (long long)b->t_ms, (unsigned long long)b->count,
        (unsigned long long)b->good, b->min, b->max, b->sum, b->first, b->last, b->area, (long long)b->area_ms, (long long)b->good_ms);
    return true;
}

static bool one_point(void *ctx, int64_t t_ms, double value, bool there)
{
    put(ctx, "%lld %.9g;", (long long)t_ms, there ? value : -1);
    return true;
}

static bool one_state(void *ctx, const hist_sample *value, int64_t ms, uint64_t times)
{
    put(ctx, "%g %lld %llu;", value ? value->as.f64 : -1, (long long)ms, (unsigned long long)times);
    return true;
}

/* Every question there is, over [from, to), as text. */
static void ask(hist *h, hist_line line, int64_t from, int64_t to, text *out)
{
    hist_cursor *c = NULL;
    const hist_sample *rows;
    size_t n = 1;
    uint64_t raw = 0;
    int64_t edges[] = { from, from + (to - from) / 3, from + (to - from) / 2, to };
    out->len = 0;
    CHECK_OK_FATAL(hist_cursor_open(h, line, from, to, true, &c, NULL));
    while (n && hist_cursor_view(c, &rows, &n, NULL) == PT_OK) {
        for (size_t i = 0; i < n; i++)
            one_row(out, &rows[i]);
    }
    hist_cursor_close(c);
    CHECK_OK(hist_buckets(h, line, from, to, (to - from) / 7 + 1, one_bucket, out, NULL));
    CHECK_OK(hist_buckets(h, line, from, to, 50000, one_bucket, out, NULL));
    CHECK_OK(hist_buckets_at(h, line, edges, PT_COUNT_OF(edges), one_bucket, out, NULL));
    CHECK_OK(hist_reduce(h, line, from, to, 40, one_row, out, &raw, NULL));
    put(out, "raw %llu;", (unsigned long long)raw);
    CHECK_OK(hist_lttb(h, line, from, to, 30, one_row, out, &raw, NULL));
    CHECK_OK(hist_interpolate(h, line, from, to, (to - from) / 9 + 1, true, one_point, out, NULL));
    CHECK_OK(hist_durations(h, line, from, to, one_state, out, NULL));
    pt_arena arena;
    pt_arena_init(&arena, 1 << 20);
    for (int64_t at = from; at < to; at += (to - from) / 11 + 1) {
        hist_sample s = { .as.f64 = -1 };
        spb_quality q = SPB_STALE;
        pt_status value = hist_value_at(h, line, at, &arena, &s), state = hist_state_at(h, line, at, &q, NULL);
        put(out, "%d %g %d %d;", value, s.as.f64, state, q);
    }
    pt_arena_fini(&arena);
}

static void a_line_answers_as_one_tag_with_its_rows_would(void)
{
    enum { TAGS = 3, ROWS = 3000, STEP = 100 };
    hist *h = open_store(new_dir(), 256);
    pt_random rnd = pt_random_seed(5);
    uint32_t like = ensure(h, "like", "like"), ids[TAGS];
    const int64_t t0 = pt_wall_ms(&fake.clock), begins[] = { INT64_MIN, t0 + 70017, t0 + 150000, t0 + 180000, t0 + 240003 };
    for (int i = 0; i < TAGS; i++) {
        char name[2] = { (char)('a' + i), 0 };
        ids[i] = ensure(h, name, name);
    }
    hist_claim claims[PT_COUNT_OF(begins)] = { { ids[0], 0, 0 }, { ids[1], 0, 0 }, { 0, 0, 0 }, { ids[2], 0, 0 }, { ids[0], 0, 0 } };
    for (size_t i = 0; i < PT_COUNT_OF(begins); i++) {
        claims[i].from_ms = begins[i];
        claims[i].to_ms = i + 1 < PT_COUNT_OF(begins) ? begins[i + 1] : INT64_MAX;
        if (i == 0) continue;
        hist_sample edge = {
            .tag_id = like, .time_ms = begins[i], .type = SPB_BOOLEAN, .quality = SPB_STALE, .flags = HIST_STATE | HIST_NULL
        };
        append(h, &edge, 1);
    }
    hist_line line = { .tag_id = ids[0], .claims = claims, .n = PT_COUNT_OF(claims) };
    for (int k = 0; k < ROWS; k++) {
        for (int i = 0; i < TAGS; i++) { /* all of them go on all the time, whoever owns the path */
            hist_sample s = f64(ids[i], t0 + (int64_t)k * STEP + i, (double)pt_random_below(&rnd, 50));
            if (pt_random_below(&rnd, 40) == 0) s.quality = SPB_BAD;
            append(h, &s, 1);
            size_t at = 0;
            while (at + 1 < PT_COUNT_OF(claims) && s.time_ms >= claims[at].to_ms)
                at++;
            if (claims[at].tag_id != ids[i]) continue;
            s.tag_id = like;
            append(h, &s, 1);
        }
    }
    flush(h);
    fake.now_wall_ms = t0 + ROWS * STEP + 1000000;
    text got = { 0 }, want = { 0 };
    for (int round = 0; round < 2; round++) { /* from memory, and from blocks */
        for (int i = 0; i < 60; i++) {
            int64_t from = t0 - 5000 + (int64_t)pt_random_below(&rnd, ROWS * STEP),
                    to = from + 1 + (int64_t)pt_random_below(&rnd, ROWS * STEP);
            if (i == 0) from = t0 - 1000, to = t0 + ROWS * STEP + 1000;
            if (i > 0 && i < 5) from = begins[i];
            if (from >= to) to = from + 1000;
            ask(h, line, from, to, &got);
            ask(h, hist_of_tag(like), from, to, &want);
            bool same = got.len == want.len && memcmp(got.s, want.s, got.len) == 0;
            char row[80];
            snprintf(row, sizeof row, "round %d, range %d, %lld..%lld", round, i, (long long)(from - t0), (long long)(to - t0));
            CHECK_ROW(row, same);
            for (size_t k = 0; !same && k < got.len && k < want.len; k++) {
                if (got.s[k] == want.s[k]) continue;
                printf("got %.60s\nwant %.60s\n", got.s + (k > 20 ? k - 20 : 0), want.s + (k > 20 ? k - 20 : 0));
                break;
            }
        }
        seal(h);
    }
    free(got.s);
    free(want.s);
    close_ok(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_path_has_one_owner_at_a_time),
        PT_TEST(a_claim_begins_when_the_owner_before_was_away),
        PT_TEST(an_import_makes_way_for_a_source_and_not_the_other_way),
        PT_TEST(a_directory_of_before_gives_a_path_to_the_later_tag),
        PT_TEST(a_line_answers_as_one_tag_with_its_rows_would),
    };
    setup();
    return pt_test_main("historian/claims", tests, PT_COUNT_OF(tests), argc, argv);
}
