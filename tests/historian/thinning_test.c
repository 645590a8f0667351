/* tests/historian/thinning_test.c -- in a store, what is left out stays within what the blocks state, and is counted. */
#include "historian/read/aggregate.h"
#include "historian/maintain.h"
#include "historian/files/pages.h"
#include "historian/write/write.h"
#include "historian/exchange/transfer.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { N = 3000 };
static const int64_t NOW = 1750000000000;
static pt_fake_clock fake;

static hist_sample number(int64_t t, double v)
{
    return (hist_sample){ .tag_id = 1, .time_ms = t, .type = SPB_DOUBLE, .as.f64 = v };
}

static hist *open_with(const char *dir, double comp_dev)
{
    static hist_deviation rules[2];
    hist_options o;
    hist *h = NULL;
    hist_options_init(&o);
    rules[0] = (hist_deviation){ .tags = "thin/**", .exc_dev = comp_dev / 4, .comp_dev = comp_dev };
    rules[1] = (hist_deviation){ .tags = "other", .exc_dev = -1, .comp_dev = 1000 };
    o.dir = dir;
    o.block_samples = 256;
    o.deviations = comp_dev >= 0 ? rules : NULL;
    o.n_deviations = comp_dev >= 0 ? 2 : 0;
    pt_error err = { 0 };
    pt_status st = hist_open(&o, &fake.clock, NULL, &h, &err);
    if (st != PT_OK) printf("%s\n", err.text);
    CHECK_OK_FATAL(st);
    return h;
}

static uint32_t tag_at(hist *h, const char *path, spb_datatype type)
{
    uint32_t id = 0;
    hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_NONE, pt_cstr(path) };
    CHECK_OK_FATAL(hist_tag_ensure(h, &key, pt_cstr(path), type, PT_NONE, &id));
    return id;
}

static hist_verify_report verified(const char *dir)
{
    hist_verify_options o = { 0 };
    hist_verify_report r;
    CHECK_OK(hist_verify(dir, &o, &r, NULL));
    return r;
}

static double wave(int i)
{
    return sin(i * 0.02) * 40 + sin(i * 1.7) * 0.3;
}

static const char *under(const char *name)
{
    static char path[2][600];
    static unsigned k;
    k ^= 1;
    snprintf(path[k], sizeof path[k], "%s/%s", pt_test_dir(), name);
    return path[k];
}

static uint64_t read_all(hist *h, uint32_t tag, hist_sample *out, size_t cap)
{
    hist_cursor *c = NULL;
    size_t n = 0, all = 0;
    CHECK_OK_FATAL(hist_cursor_open(h, hist_of_tag(tag), INT64_MIN, INT64_MAX, true, &c, NULL));
    do {
        CHECK_OK_FATAL(hist_cursor_next(c, out + all, cap - all, &n, NULL));
        all += n;
    } while (n);
    hist_cursor_close(c);
    return all;
}

static void fill(hist *h, uint32_t thin, uint32_t plain, int from, int to)
{
    for (int i = from; i < to; i++) {
        hist_sample s[2] = { number(NOW + i * 1000, wave(i)), number(NOW + i * 1000, wave(i)) };
        s[0].tag_id = thin;
        s[1].tag_id = plain;
        CHECK_OK(hist_append(h, s, 2));
    }
    CHECK_OK(hist_flush(h, 10000, NULL));
}

static bool store_twa(void *ctx, const hist_bucket *b)
{
    CHECK(b->area_ms > 0);
    *(double *)ctx = b->area / (double)b->area_ms;
    return true;
}

static void history_is_thinned_when_sealed_and_all_is_accounted_for(void)
{
    static hist_sample out[N + 10];
    const char *dir = under("account");
    hist *h = open_with(dir, 1);
    uint32_t thin = tag_at(h, "thin/a", SPB_DOUBLE), plain = tag_at(h, "plain", SPB_DOUBLE);
    for (int i = 0; i < N; i += 500) {
        fill(h, thin, plain, i, i + 500);
        CHECK_OK(hist_seal(h, NULL));
    }
    hist_stats st;
    hist_stats_get(h, &st);
    uint64_t left = st.left_out_exception + st.left_out_compression, kept = read_all(h, thin, out, N + 10);
    CHECK(st.left_out_exception > 0 && st.left_out_compression > 0 && kept < N / 4);
    CHECK_INT(st.stored, 2 * N);
    CHECK_INT(kept + left, N);
    CHECK_INT(read_all(h, plain, out, N + 10), N); /* the rule is not for this one */
    pt_arena a;
    pt_arena_init(&a, 1 << 16);
    hist_tag t;
    CHECK_OK(hist_tag_by_id(h, thin, &a, &t));
    CHECK_INT(t.samples, kept);
    CHECK_INT(t.first_ms, NOW);
    CHECK_INT(t.last_ms, NOW + (N - 1) * 1000);
    double exact = 0, lossy = 0;
    for (int k = 0; k < 20; k++) { /* the same over any range, whole blocks and parts of them: a line leads from sample to sample */
        int64_t lo = NOW + k * 61357, hi = lo + 900000 + k * 5000;
        CHECK_OK(hist_buckets(h, hist_of_tag(thin), lo, hi, hi - lo, store_twa, &lossy, NULL));
        CHECK_OK(hist_buckets(h, hist_of_tag(plain), lo, hi, hi - lo, store_twa, &exact, NULL));
        CHECK(fabs(exact - lossy) < 1.5);
    }
    CHECK_OK(hist_close(h, 10000, NULL));
    hist_verify_report r = verified(dir);
    CHECK_INT(r.faults, 0);
    CHECK_INT(r.compared, N);

    h = open_with(dir, -1); /* reopened: the counts come from the files */
    CHECK_OK(hist_tag_by_id(h, thin, &a, &t));
    CHECK_INT(t.samples, kept);
    CHECK_INT(read_all(h, thin, out, N + 10), kept);
    CHECK_OK(hist_close(h, 10000, NULL));
    pt_arena_fini(&a);
}

static void late_samples_keep_the_bound_true(void)
{
    const char *dir = under("late");
    static hist_sample out[N + 10];
    hist *h = open_with(dir, 1);
    uint32_t thin = tag_at(h, "thin/a", SPB_DOUBLE), plain = tag_at(h, "plain", SPB_DOUBLE);
    fill(h, thin, plain, 0, N / 2);
    fill(h, thin, plain, N / 2 + 1, N);
    CHECK_OK(hist_seal(h, NULL));
    uint64_t before = read_all(h, thin, out, N + 10);
    fill(h, thin, plain, 100, 900); /* an edge sends again what it sent, of which most was left out */
    CHECK_OK(hist_seal(h, NULL));
    CHECK_INT(read_all(h, thin, out, N + 10), before);
    hist_sample odd = number(NOW + 1000500, 999); /* far from the line */
    odd.tag_id = thin;
    CHECK_OK(hist_append(h, &odd, 1));
    odd = number(NOW + 700500, (wave(700) + wave(701)) / 2); /* near enough */
    odd.tag_id = thin;
    CHECK_OK(hist_append(h, &odd, 1));
    CHECK_OK(hist_flush(h, 10000, NULL));
    CHECK_OK(hist_seal(h, NULL));
    uint64_t now = read_all(h, thin, out, N + 10);
    CHECK_INT(now, before + 1);
    hist_stats st;
    hist_stats_get(h, &st);
    CHECK_INT(st.left_out_exception + st.left_out_compression + now, st.stored - (N - 1));
    hist_sample state = { .tag_id = thin, .time_ms = NOW + 2000500, .type = SPB_DOUBLE, .flags = HIST_STATE, .quality = SPB_STALE };
    CHECK_OK(hist_append(h, &state, 1));
    CHECK_OK(hist_flush(h, 10000, NULL));
    CHECK_OK(hist_seal(h, NULL));
    CHECK_OK(hist_close(h, 10000, NULL));
    hist_verify_report r = verified(dir);
    CHECK_INT(r.faults, 0);
    CHECK(r.compared > N);
}

static void replay_after_a_crash_counts_nothing_twice(void)
{
    const char *dir = under("crash");
    static hist_sample out[N + 10];
    hist *h = open_with(dir, 1);
    uint32_t thin = tag_at(h, "thin/a", SPB_DOUBLE), plain = tag_at(h, "plain", SPB_DOUBLE);
    fill(h, thin, plain, 0, 1000);
    CHECK_OK(hist_seal(h, NULL));
    uint64_t kept = read_all(h, thin, out, N + 10);
    CHECK_OK(hist_close(h, 10000, NULL));
    /* As if killed between the partition's commit and the journal being told. */
    char path[700];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/journal.db", dir);
    CHECK_FATAL(hist__pages_open(path, &db, SQLITE_OPEN_READWRITE) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "UPDATE meta SET value=0 WHERE key='sealed_id'", NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
    h = open_with(dir, 1);
    CHECK_INT(read_all(h, thin, out, N + 10), kept);
    CHECK_OK(hist_seal(h, NULL));
    CHECK_INT(read_all(h, thin, out, N + 10), kept);
    hist_stats st;
    hist_stats_get(h, &st);
    CHECK_INT(st.left_out_exception + st.left_out_compression, 0);
    CHECK_OK(hist_close(h, 10000, NULL));
    CHECK_INT(verified(dir).faults, 0);
}

/* A block that states less than it left out. */
/* A partition of format 1, as an older build wrote it, is read as it is and brought forward when it is written to. */
static void an_older_partition_is_brought_forward(void)
{
    const char *dir = under("older");
    static hist_sample out[N + 10];
    hist *h = open_with(dir, -1);
    uint32_t thin = tag_at(h, "thin/a", SPB_DOUBLE), plain = tag_at(h, "plain", SPB_DOUBLE);
    fill(h, thin, plain, 0, 300);
    CHECK_OK(hist_seal(h, NULL));
    CHECK_OK(hist_close(h, 10000, NULL));
    char path[700], name[40];
    hist__partition_name(hist__partition_start(NOW), name);
    snprintf(path, sizeof path, "%s/%s", dir, name);
    sqlite3 *db = NULL;
    CHECK_FATAL(hist__pages_open(path, &db, SQLITE_OPEN_READWRITE) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "DROP TABLE left_out; PRAGMA user_version=1", NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
    CHECK_INT(verified(dir).faults, 0);
    h = open_with(dir, 1);
    CHECK_INT(read_all(h, thin, out, N + 10), 300);
    fill(h, thin, plain, 300, 600);
    CHECK_OK(hist_seal(h, NULL));
    uint64_t n = read_all(h, thin, out, N + 10);
    CHECK(n > 300 && n < 450);
    CHECK_OK(hist_close(h, 10000, NULL));
    CHECK_INT(verified(dir).faults, 0);
}

/* The rows of two weeks are sealed; the second week's file cannot be made. What the first week left out stays left out, counted once, when
 * it is tried again. */
static void a_sealing_that_fails_half_way_counts_nothing_twice(void)
{
    static hist_sample out[N + 10];
    const char *dir = under("half-way");
    char second[700];
    hist *h = open_with(dir, 1);
    uint32_t thin = tag_at(h, "thin/a", SPB_DOUBLE);
    int64_t border = hist__partition_end(hist__partition_start(NOW));
    hist_stats before, after;
    snprintf(second, sizeof second, "%s/blocks-%lld.db", dir, (long long)(border / 1000));
    CHECK_FATAL(mkdir(second, 0700) == 0);
    for (int i = -100; i < 100; i++) {
        hist_sample s = number(border + i * 1000, wave(i));
        s.tag_id = thin;
        CHECK_OK(hist_append(h, &s, 1));
    }
    CHECK_OK(hist_flush(h, 10000, NULL));
    CHECK(hist_seal(h, NULL) != PT_OK);
    hist_stats_get(h, &before);
    CHECK(before.left_out_compression > 50 && before.left_out_compression < 100);
    size_t had = read_all(h, thin, out, PT_COUNT_OF(out));
    CHECK(had > 100 && had < 150); /* the second week's are all there still */
    CHECK(hist_seal(h, NULL) != PT_OK);
    CHECK_INT(read_all(h, thin, out, PT_COUNT_OF(out)), had);
    CHECK(rmdir(second) == 0);
    CHECK_OK(hist_seal(h, NULL));
    hist_stats_get(h, &after);
    uint64_t left = after.left_out_compression + after.left_out_exception, kept = read_all(h, thin, out, PT_COUNT_OF(out));
    CHECK_INT(left + kept, 200);
    CHECK(kept < had && after.left_out_compression >= before.left_out_compression);
    hist_tag_storage storage;
    CHECK_OK(hist_tag_storage_get(h, thin, &storage, NULL));
    CHECK_INT(storage.left_out_compression + storage.left_out_exception, left);
    CHECK_OK(hist_close(h, 10000, NULL));
    CHECK_INT(verified(dir).faults, 0);
}

/* In the journal stands a value far from the line, and behind it the one that took its place and was left out. */
static void a_value_that_was_replaced_does_not_come_back(void)
{
    static hist_sample out[200];
    for (int sealed_first = 0; sealed_first < 2; sealed_first++) {
        const char *dir = under(sealed_first ? "replaced-late" : "replaced");
        hist *h = open_with(dir, 1);
        uint32_t slow = tag_at(h, "slow", SPB_DOUBLE), thin = tag_at(h, "thin/a", SPB_DOUBLE);
        hist_sample s = number(NOW, 1), odd = number(NOW + 5000, 100), right = number(NOW + 5000, 1);
        s.tag_id = slow; /* its row keeps those behind it in the journal */
        CHECK_OK(hist_append(h, &s, 1));
        odd.tag_id = right.tag_id = thin;
        for (int i = 0; i < 256; i++) {
            s = number(NOW + i * 1000, 1);
            s.tag_id = thin;
            CHECK_OK(hist_append(h, &s, 1));
            if (i != (sealed_first ? 255 : 10)) continue;
            CHECK_OK(hist_flush(h, 10000, NULL));
            hist_stats st;
            if (sealed_first) CHECK_WITHIN_FATAL(10000, (hist_stats_get(h, &st), st.blocks > 0));
            CHECK_OK(hist_append(h, &odd, 1));
            CHECK_OK(hist_flush(h, 10000, NULL));
            CHECK_OK(hist_append(h, &right, 1));
            CHECK_OK(hist_flush(h, 10000, NULL));
        }
        CHECK_OK(hist_flush(h, 10000, NULL));
        hist_stats st;
        CHECK_WITHIN_FATAL(10000, (hist_stats_get(h, &st), st.blocks > 0));
        for (int round = 0; round < 4; round++) { /* the writer; a reader beside it; opened again; sealed */
            hist *reader = NULL;
            hist_options o;
            hist_options_init(&o);
            o.dir = dir;
            o.read_only = true;
            if (round == 1) CHECK_OK_FATAL(hist_open(&o, &fake.clock, NULL, &reader, NULL));
            uint64_t n = read_all(reader ? reader : h, thin, out, PT_COUNT_OF(out)), wrong = 0;
            for (uint64_t i = 0; i < n; i++)
                wrong += out[i].as.f64 != 1;
            CHECK(n >= 2 && n < 20 && wrong == 0);
            if (reader) CHECK_OK(hist_close(reader, 1000, NULL));
            if (round == 1) {
                CHECK_OK(hist_close(h, 10000, NULL));
                h = open_with(dir, 1);
            }
            if (round == 2) CHECK_OK(hist_seal(h, NULL));
        }
        CHECK_OK(hist_close(h, 10000, NULL));
        CHECK_INT(verified(dir).faults, 0);
    }
}

static bool collect(void *ctx, pt_slice bytes)
{
    return pt_buf_slice(ctx, bytes) == PT_OK;
}

static void export_to(hist *h, hist_format format, pt_buf *to)
{
    hist_export_options o = { .format = format, .from_ms = INT64_MIN, .to_ms = INT64_MAX, .write = collect, .ctx = to };
    uint64_t n = 0;
    pt_buf_init(to, 16 << 20);
    CHECK_OK_FATAL(hist_export(h, &o, &n, NULL));
}

static ptrdiff_t give_text(void *ctx, char *to, size_t cap)
{
    pt_slice *rest = ctx;
    size_t n = rest->len < cap ? rest->len : cap;
    if (n) memcpy(to, rest->ptr, n);
    *rest = pt_slice_from(*rest, n);
    return (ptrdiff_t)n;
}

/* Exported and imported they stand for the same: the line, too. How far it was from what went is not known any more: nothing more goes
 * because of it. */
static void thinned_samples_are_exported_and_imported_with_their_lines(void)
{
    static hist_sample a[N + 10], b[N + 10];
    hist *h = open_with(under("out"), 1);
    uint32_t thin = tag_at(h, "thin/a", SPB_DOUBLE), plain = tag_at(h, "plain", SPB_DOUBLE);
    fill(h, thin, plain, 0, N);
    CHECK_OK(hist_seal(h, NULL));
    uint64_t kept = read_all(h, thin, a, N + 10);
    CHECK(kept < N / 4);
    for (int format = HIST_CSV; format <= HIST_JSONL; format++) {
        const char *dir = under(format == HIST_CSV ? "in-csv" : "in-jsonl");
        pt_buf text, again;
        export_to(h, (hist_format)format, &text);
        hist *to = open_with(dir, -1);
        pt_slice rest = pt_buf_view(&text);
        hist_import_options o = { .format = (hist_format)format, .read = give_text, .ctx = &rest };
        hist_import_report r;
        CHECK_OK(hist_import(to, &o, &r, NULL));
        CHECK_INT(r.samples, kept + N);
        for (int round = 0; round < 3; round++) { /* not sealed; sealed; opened again with a rule that leaves out */
            double was = 0, is = 0;
            CHECK_INT(read_all(to, thin, b, N + 10), kept);
            size_t differ = 0;
            for (size_t i = 0; i < kept; i++)
                differ += !hist__same_content(&a[i], &b[i]) || a[i].flags != b[i].flags || a[i].time_ms != b[i].time_ms;
            CHECK_INT(differ, 0);
            for (int k = 0; k < 20; k++) {
                int64_t lo = NOW + k * 61357, hi = lo + 900000 + k * 5000;
                CHECK_OK(hist_buckets(h, hist_of_tag(thin), lo, hi, hi - lo, store_twa, &was, NULL));
                CHECK_OK(hist_buckets(to, hist_of_tag(thin), lo, hi, hi - lo, store_twa, &is, NULL));
                CHECK(fabs(was - is) < 1e-9);
            }
            export_to(to, (hist_format)format, &again);
            CHECK(pt_slice_eq(pt_buf_view(&text), pt_buf_view(&again)));
            pt_buf_fini(&again);
            if (round == 0) CHECK_OK(hist_seal(to, NULL));
            if (round == 1) {
                CHECK_OK(hist_close(to, 10000, NULL));
                CHECK_INT(verified(dir).faults, 0);
                to = open_with(dir, 1);
            }
        }
        hist_sample late = number(a[kept / 2].time_ms - 500, 1e6); /* far from the line */
        late.tag_id = thin;
        CHECK_OK(hist_append(to, &late, 1));
        CHECK_OK(hist_flush(to, 10000, NULL));
        CHECK_OK(hist_seal(to, NULL));
        CHECK_INT(read_all(to, thin, b, N + 10), kept + 1);
        CHECK_OK(hist_close(to, 10000, NULL));
        CHECK_INT(verified(dir).faults, 0);
        pt_buf_fini(&text);
    }
    CHECK_OK(hist_close(h, 10000, NULL));
}

/* A kept sample is replaced by a bad one: no bound is known there any more. What comes late is kept, also when the process died before it
 * was in a block. */
static void behind_an_unknown_bound_nothing_is_left_out(void)
{
    static hist_sample out[N + 10];
    const char *dir = under("unknown");
    hist *h = open_with(dir, 1);
    uint32_t thin = tag_at(h, "thin/a", SPB_DOUBLE), plain = tag_at(h, "plain", SPB_DOUBLE);
    fill(h, thin, plain, 0, 200);
    CHECK_OK(hist_seal(h, NULL));
    uint64_t kept = read_all(h, thin, out, N + 10);
    hist_sample bad = number(out[kept / 2].time_ms, 0), late = number(out[kept - 2].time_ms + 500, 1e6);
    bad.tag_id = late.tag_id = thin;
    bad.quality = SPB_BAD;
    CHECK_OK(hist_append(h, &bad, 1));
    CHECK_OK(hist_flush(h, 10000, NULL));
    CHECK_OK(hist_seal(h, NULL));
    CHECK_INT(read_all(h, thin, out, N + 10), kept);
    CHECK_OK(hist_append(h, &late, 1));
    CHECK_OK(hist_close(h, 10000, NULL));
    h = open_with(dir, 1); /* from the journal */
    CHECK_INT(read_all(h, thin, out, N + 10), kept + 1);
    CHECK_OK(hist_seal(h, NULL));
    CHECK_INT(read_all(h, thin, out, N + 10), kept + 1);
    CHECK_OK(hist_close(h, 10000, NULL));
    CHECK_INT(verified(dir).faults, 0);
}

/* The block of numbers is parted by it, and what was left out before it is still no fault. */
static void a_late_text_between_numbers_is_no_fault(void)
{
    static hist_sample out[N + 10];
    const char *dir = under("late-text");
    hist *h = open_with(dir, 1);
    uint32_t thin = tag_at(h, "thin/a", SPB_DOUBLE), plain = tag_at(h, "plain", SPB_DOUBLE);
    fill(h, thin, plain, 0, 500);
    CHECK_OK(hist_seal(h, NULL));
    uint64_t kept = read_all(h, thin, out, N + 10);
    size_t at = 1;
    while (at < kept && out[at].time_ms - out[at - 1].time_ms < 4000)
        at++;
    CHECK_FATAL(at < kept);
    hist_sample text = { .tag_id = thin, .time_ms = out[at].time_ms - 500, .type = SPB_STRING, .as.ptr = "fault", .len = 5 };
    CHECK_OK(hist_append(h, &text, 1));
    CHECK_OK(hist_flush(h, 10000, NULL));
    CHECK_OK(hist_seal(h, NULL));
    CHECK_INT(read_all(h, thin, out, N + 10), kept + 1);
    CHECK_OK(hist_close(h, 10000, NULL));
    CHECK_INT(verified(dir).faults, 0);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(history_is_thinned_when_sealed_and_all_is_accounted_for),
        PT_TEST(late_samples_keep_the_bound_true),
        PT_TEST(replay_after_a_crash_counts_nothing_twice),
        PT_TEST(an_older_partition_is_brought_forward),
        PT_TEST(a_sealing_that_fails_half_way_counts_nothing_twice),
        PT_TEST(a_value_that_was_replaced_does_not_come_back),
        PT_TEST(thinned_samples_are_exported_and_imported_with_their_lines),
        PT_TEST(behind_an_unknown_bound_nothing_is_left_out),
        PT_TEST(a_late_text_between_numbers_is_no_fault),
    };
    (void)argc;
    pt_fake_clock_init(&fake, NOW);
    return pt_test_main("historian/thinning", tests, PT_COUNT_OF(tests), 1, argv);
}
