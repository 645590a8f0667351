/* tests/historian/scan_test.c -- one tag's range in time order: rows or whole blocks, every row once whatever is sealed or dropped
 * meanwhile. */
#include "base/random.h"
#include "historian/read/scan.h"
#include "tests/historian/support.h"

#include <stdio.h>

static void a_reader_says_the_damaged_block_and_goes_on_behind_it(void)
{
    const char *dir = new_dir();
    close_ok(filled_store(dir));
    run_sql(
        partition_in(dir, NOW + 10 * DAY),
        "UPDATE data SET data=cast(substr(data,1,20)||x'5a'||substr(data,22) AS BLOB) WHERE id=(SELECT min(id) FROM block WHERE tag_id=1)");
    hist *h = open_store(dir, 128);
    hist_cursor *c = NULL;
    const hist_sample *rows = NULL;
    size_t n = 1, total = 0, damaged = 0;
    int64_t last = INT64_MIN;
    bool ordered = true;
    CHECK_OK_FATAL(hist_cursor_open(h, hist_of_tag(1), INT64_MIN, INT64_MAX, true, &c, NULL));
    while (n || damaged == 0) {
        pt_error err = { 0 };
        pt_status st = hist_cursor_view(c, &rows, &n, &err);
        if (st == PT_ECORRUPT) {
            damaged++;
            CHECK(strstr(err.text, "tag 1, block at") != NULL);
            n = 1;
            continue;
        }
        CHECK_OK_FATAL(st);
        for (size_t i = 0; i < n; i++) {
            ordered &= rows[i].time_ms > last;
            last = rows[i].time_ms;
        }
        total += n;
        if (n == 0) break;
    }
    hist_cursor_close(c);
    CHECK_INT(damaged, 1);
    CHECK(ordered && total < 3000 && total >= 3000 - 128);
    close_ok(h);
}

typedef struct walked {
    uint64_t rows, blocks, block_rows;
    bool ordered;
    int64_t last;
} walked;

static walked walk(hist *h, uint32_t tag, int64_t from, int64_t to, bool summaries, bool expand)
{
    walked w = { .ordered = true, .last = INT64_MIN };
    hist__scan *s = NULL;
    hist__piece piece;
    pt_status st;
    CHECK_OK_FATAL(hist__scan_open(h, hist_of_tag(tag), from, to, summaries, &s, NULL));
    while ((st = hist__scan_next(s, &piece, NULL)) == PT_OK) {
        if (piece.is_block) {
            w.blocks++;
            w.block_rows += piece.summary.rows;
            w.ordered = w.ordered && piece.summary.t0 > w.last && piece.summary.t0 >= from && piece.summary.t1 < to;
            if (!expand) {
                w.last = piece.summary.t1;
                continue;
            }
            uint32_t rows = piece.summary.rows;
            CHECK_OK_FATAL(hist__scan_expand(s, &piece, NULL));
            CHECK(!piece.is_block && piece.n == rows);
        }
        CHECK(piece.n > 0);
        for (size_t i = 0; i < piece.n; i++) {
            w.ordered = w.ordered && piece.rows[i].time_ms > w.last && piece.rows[i].time_ms >= from && piece.rows[i].time_ms < to;
            w.last = piece.rows[i].time_ms;
        }
        w.rows += piece.n;
    }
    CHECK_STATUS(st, PT_EEMPTY);
    CHECK_STATUS(hist__scan_next(s, &piece, NULL), PT_EEMPTY);
    hist__scan_close(s);
    return w;
}

static void many_pages_of_blocks_are_walked(void)
{
    hist *h = open_store(new_dir(), 16);
    uint32_t tag = make_tag(h, "a", SPB_INT64);
    enum { N = 16 * 1300 };
    for (int i = 0; i < N; i++)
        append_one(h, i64(tag, NOW + (int64_t)i * 60000, i)); /* 14 days: three files */
    flush(h);
    seal(h);
    walked rows = walk(h, tag, INT64_MIN, INT64_MAX, false, false);
    CHECK(rows.rows == N && rows.blocks == 0 && rows.ordered);
    walked blocks = walk(h, tag, INT64_MIN, INT64_MAX, true, false);
    CHECK(blocks.rows == 0 && blocks.blocks >= 1300 && blocks.block_rows == N && blocks.ordered);
    walked both = walk(h, tag, INT64_MIN, INT64_MAX, true, true);
    CHECK(both.rows == N && both.blocks == blocks.blocks && both.ordered);
    walked part = walk(h, tag, NOW + 60000 * 5, NOW + INT64_C(60000) * (N - 5), true, false); /* the ends are inside of blocks */
    CHECK(part.rows > 0 && part.blocks == blocks.blocks - 2 && part.rows + part.block_rows == N - 10 && part.ordered);
    CHECK(walk(h, tag, NOW, NOW, false, false).rows == 0);
    close_ok(h);
}

static void a_pending_row_opens_the_block_it_falls_into(void)
{
    hist *h = open_store(new_dir(), 16);
    uint32_t tag = make_tag(h, "a", SPB_INT64);
    for (int i = 0; i < 160; i++)
        append_one(h, i64(tag, NOW + i * 10, i));
    flush(h);
    seal(h);
    append_one(h, i64(tag, NOW + 505, 1));  /* between two rows of a block */
    append_one(h, i64(tag, NOW + 800, -1)); /* in place of one */
    append_one(h, i64(tag, NOW + 5000, 1)); /* behind all */
    append_one(h, i64(tag, NOW - 5000, 1));
    flush(h);
    walked w = walk(h, tag, INT64_MIN, INT64_MAX, true, false);
    CHECK_INT(w.blocks, 8);
    CHECK_INT(w.rows + w.block_rows, 163);
    CHECK(w.ordered);
    hist_sample out[200];
    CHECK_INT(read_rows(h, tag, NOW + 500, NOW + 810, true, out, 200), 32);
    CHECK(out[1].time_ms == NOW + 505 && out[31].time_ms == NOW + 800 && out[31].as.i64 == -1);
    close_ok(h);
}

/* What was there when the scan was opened is seen once and in order, whatever the writer does between the pieces. */
static void sealing_meanwhile_hides_nothing_and_shows_nothing_twice(void)
{
    pt_random rnd = pt_random_seed(17);
    for (unsigned round = 0; round < 30; round++) {
        enum { N = 3000 };
        static bool there[N];
        const char *dir = new_dir();
        hist *h = open_store(dir, 16 + (uint32_t)pt_random_below(&rnd, 30));
        uint32_t tag = make_tag(h, "a", SPB_INT64);
        memset(there, 0, sizeof there);
        for (unsigned part = 0; part < 6; part++) {
            for (unsigned i = 0; i < 150; i++) {
                unsigned k = (unsigned)pt_random_below(&rnd, N);
                append_one(h, i64(tag, NOW + (int64_t)k * 500000, (int64_t)k));
                there[k] = true;
            }
            flush(h);
            if (part % 2 == 0) seal(h);
        }
        static bool before[N], seen_now[N];
        memcpy(before, there, sizeof before);
        memset(seen_now, 0, sizeof seen_now);
        hist *from = round % 2 ? open_reader(dir) : h;
        hist__scan *s = NULL;
        hist__piece piece;
        bool ok = true;
        int64_t last = -1;
        CHECK_OK_FATAL(hist__scan_open(from, hist_of_tag(tag), INT64_MIN, INT64_MAX, round % 3 == 0, &s, NULL));
        while (hist__scan_next(s, &piece, NULL) == PT_OK) {
            if (piece.is_block) CHECK_OK_FATAL(hist__scan_expand(s, &piece, NULL));
            for (size_t i = 0; i < piece.n; i++) {
                int64_t k = piece.rows[i].as.i64;
                ok = ok && k > last && k < N && piece.rows[i].time_ms == NOW + k * 500000;
                last = k;
                if (ok) seen_now[k] = true;
            }
            if (pt_random_below(&rnd, 4)) continue;
            for (unsigned i = 0; i < 20; i++) { /* late rows cut the blocks anew */
                unsigned k = (unsigned)pt_random_below(&rnd, N);
                append_one(h, i64(tag, NOW + (int64_t)k * 500000, (int64_t)k));
                there[k] = true;
            }
            flush(h);
            seal(h);
        }
        hist__scan_close(s);
        for (int k = 0; k < N; k++)
            ok = ok && (!before[k] || seen_now[k]) && (!seen_now[k] || there[k]);
        CHECK(ok);
        if (!ok) printf("round %u\n", round);
        if (from != h) close_ok(from);
        close_ok(h);
    }
}

static void a_block_of_another_tag_is_not_taken_for_ours(void)
{
    const char *dir = new_dir();
    close_ok(filled_store(dir));
    run_sql(
        partition_in(dir, NOW + 10 * DAY),
        "UPDATE block SET id=(SELECT min(id) FROM block WHERE tag_id=2) WHERE tag_id=1 AND t0=(SELECT min(t0) FROM block WHERE tag_id=1)");
    hist *h = open_store(dir, 128);
    for (int summaries = 0; summaries < 2; summaries++) {
        hist__scan *s = NULL;
        hist__piece piece;
        pt_error err = { 0 };
        unsigned damaged = 0;
        CHECK_OK_FATAL(hist__scan_open(h, hist_of_tag(1), INT64_MIN, INT64_MAX, summaries, &s, NULL));
        for (;;) {
            pt_status st = hist__scan_next(s, &piece, &err);
            if (st == PT_EEMPTY) break;
            if (st == PT_OK && piece.is_block) st = hist__scan_expand(s, &piece, &err);
            damaged += st == PT_ECORRUPT;
            if (st == PT_ECORRUPT) CHECK(strstr(err.text, "it belongs to tag 2") != NULL);
        }
        CHECK_INT(damaged, 1);
        hist__scan_close(s);
    }
    hist__scan_close(NULL);
    close_ok(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_reader_says_the_damaged_block_and_goes_on_behind_it), PT_TEST(many_pages_of_blocks_are_walked),
        PT_TEST(a_pending_row_opens_the_block_it_falls_into),           PT_TEST(sealing_meanwhile_hides_nothing_and_shows_nothing_twice),
        PT_TEST(a_block_of_another_tag_is_not_taken_for_ours),
    };
    setup();
    return pt_test_main("historian/scan", tests, PT_COUNT_OF(tests), argc, argv);
}
