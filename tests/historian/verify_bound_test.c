/* tests/historian/verify_bound_test.c -- raw samples the journal still has, held against the blocks that left some out: the stated bound is
 * true, or verify says where it is not. */
#include "historian/format/format.h"
#include "historian/files/pages.h"
#include "tests/historian/format_decoder.h"
#include "tests/historian/support.h"

#include <math.h>
#include <stdio.h>

enum { N = 2000 };

static double wave(int i)
{
    return 50 + 40 * sin(i / 80.0) + (i * 7919 % 13) * 0.05;
}

/* Tag 1 is thinned, tag 2 is not; the journal keeps everything. */
static hist *thinned(const char *dir)
{
    static const hist_deviation rule = { .tags = "g/e/d/thin", .exc_dev = 0.25, .comp_dev = 1 };
    hist_options o = options_for(dir, 256);
    o.deviations = &rule;
    o.n_deviations = 1;
    hist *h = open_with(&o);
    uint32_t thin = make_tag(h, "thin", SPB_DOUBLE), plain = make_tag(h, "plain", SPB_DOUBLE);
    for (int i = 0; i < N; i++) {
        append_one(h, f64(thin, NOW + i * 1000000, wave(i))); /* 23 days: several files */
        append_one(h, f64(plain, NOW + i * 1000000, wave(i)));
        if (i % 97 == 0) append_one(h, str(thin, NOW + i * 1000000 + 1, "a text between"));
        if (i == N / 2) flush(h);
    }
    flush(h);
    seal(h);
    return h;
}

typedef struct noted {
    unsigned n;
    char first[300], file[60];
} noted;

static void note(void *ctx, const char *file, const char *text)
{
    noted *t = ctx;
    if (t->n++ == 0) {
        snprintf(t->first, sizeof t->first, "%s", text);
        snprintf(t->file, sizeof t->file, "%s", file);
    }
}

static hist_verify_report look(const char *dir, noted *t)
{
    hist_verify_options o = { .fault = note, .ctx = t };
    hist_verify_report r;
    *t = (noted){ 0 };
    CHECK_OK(hist_verify(dir, &o, &r, NULL));
    CHECK_INT(r.faults, t->n);
    return r;
}

static void every_raw_sample_of_a_thinned_tag_is_compared(void)
{
    const char *dir = new_dir();
    noted t;
    hist *h = thinned(dir);
    CHECK(count_rows(h, 1) < N / 2 && count_rows(h, 2) == N);
    hist_verify_report r = look(dir, &t); /* beside the writer */
    CHECK_INT(r.faults, 0);
    CHECK_INT(r.compared, N + (N + 96) / 97);
    close_ok(h);
    CHECK_INT(look(dir, &t).faults, 0);
    run_sql(file_in(dir, "journal.db"),
            "DELETE FROM journal WHERE id < (SELECT max(id) FROM journal)"); /* trimmed: there is less to compare with */
    r = look(dir, &t);
    CHECK(r.faults == 0 && r.compared < N);
}

static void without_deviations_nothing_is_compared(void)
{
    const char *dir = new_dir();
    noted t;
    close_ok(filled_store(dir));
    hist_verify_report r = look(dir, &t);
    CHECK(r.faults == 0 && r.compared == 0);
}

/* Tag 1's first block in place of itself after `change`, its index row with the right length and summary. */
static void rewrite(const char *path, void (*change)(hist__rows *rows))
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    hist__codec *codec = NULL;
    hist__rows rows;
    pt_buf blob;
    hist__rows_init(&rows);
    pt_buf_init(&blob, 1 << 20);
    CHECK_OK_FATAL(hist__codec_new(&codec));
    CHECK_FATAL(hist__pages_open(path, &db, SQLITE_OPEN_READWRITE) == SQLITE_OK);
    CHECK_FATAL(
        sqlite3_prepare_v2(db, "SELECT id, data FROM data WHERE id=(SELECT id FROM block WHERE tag_id=1 ORDER BY rows DESC, t0 LIMIT 1)",
                           -1, &q, NULL) == SQLITE_OK);
    CHECK_FATAL(sqlite3_step(q) == SQLITE_ROW);
    int64_t id = sqlite3_column_int64(q, 0);
    CHECK_OK_FATAL(hist__block_decode(codec, sqlite3_column_blob(q, 1), (size_t)sqlite3_column_bytes(q, 1), NULL, &rows, NULL));
    CHECK(rows.deviation > 0 && rows.deviation <= 1.5);
    fd_result second; /* the other decoder sees the bound and the marks as well */
    fd_block(sqlite3_column_blob(q, 1), (size_t)sqlite3_column_bytes(q, 1), &second);
    CHECK(second.fault == NULL && second.n == rows.n && second.deviation == rows.deviation);
    for (size_t i = 0; i < second.n && i < rows.n; i++)
        CHECK(second.rows[i].flags == rows.s[i].flags && second.rows[i].word == rows.s[i].as.u64);
    fd_free(&second);
    sqlite3_finalize(q);
    change(&rows);
    CHECK_OK_FATAL(hist__block_encode_within(codec, 1, rows.s, rows.n, rows.deviation, &blob));
    CHECK_FATAL(sqlite3_prepare_v2(db, "UPDATE data SET data=?1 WHERE id=?2", -1, &q, NULL) == SQLITE_OK);
    sqlite3_bind_blob(q, 1, blob.ptr, (int)blob.len, SQLITE_STATIC);
    sqlite3_bind_int64(q, 2, id);
    CHECK_FATAL(sqlite3_step(q) == SQLITE_DONE);
    sqlite3_finalize(q);
    sqlite3_close(db);
    pt_buf_fini(&blob);
    hist__rows_fini(&rows);
    hist__codec_free(codec);
}

static void same(hist__rows *r)
{
    (void)r;
}
static void state_half(hist__rows *r)
{
    r->deviation /= 2;
}
static void claim_nothing_left_out(hist__rows *r)
{
    for (size_t i = 0; i < r->n; i++)
        r->s[i].flags &= (uint8_t)~HIST_THINNED;
}
static void not_know(hist__rows *r)
{
    r->deviation = INFINITY;
}
static void lose_a_row(hist__rows *r)
{
    memmove(&r->s[1], &r->s[2], (r->n - 2) * sizeof *r->s);
    r->n--;
}

static void a_bound_that_is_not_true_is_named(void)
{
    static const struct {
        const char *row;
        void (*change)(hist__rows *r);
        const char *why; /* NULL: the bound holds, whatever else is said about the block */
    } rows[] = {
        { "the block as it was", same, NULL },
        { "half of the deviation", state_half, "from what stands for it, the block states" },
        { "no marks of what was left out", claim_nothing_left_out, "is not there" },
        { "a kept sample is gone", lose_a_row, "from what stands for it" },
        { "a block that does not know", not_know, NULL },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        const char *dir = new_dir();
        close_ok(thinned(dir));
        rewrite(partition_in(dir, NOW + 8 * DAY), rows[i].change);
        hist_verify_options o = { 0 };
        hist_verify_report r;
        CHECK_OK(hist_verify(dir, &o, &r, NULL));
        /* Index and statistics are brought in line by a repair; what remains is about the bound. */
        o.repair = true;
        if (r.faults) CHECK_OK(hist_verify(dir, &o, &r, NULL));
        run_sql(file_in(dir, "journal.db"),
                "UPDATE meta SET value=(SELECT max(id) FROM journal) WHERE key='sealed_id'"); /* a repair has them looked for again; here
                                                                                                 they are said to be there */
        noted t;
        r = look(dir, &t);
        CHECK_ROW(rows[i].row, (r.faults > 0) == (rows[i].why != NULL));
        if (rows[i].why) {
            CHECK_ROW(rows[i].row, strcmp(t.file, "journal.db") == 0 &&
                                       strstr(t.first, "tag 1: the sample of the journal at ") == t.first &&
                                       strstr(t.first, rows[i].why) != NULL);
        }
    }
}

static void what_is_not_there_to_compare_with_is_no_fault(void)
{
    const char *dir = new_dir();
    noted t;
    hist *h = thinned(dir);
    fake.now_wall_ms = NOW + 23 * DAY;
    hist_retention ask = { .before_ms = NOW + 10 * DAY };
    hist_retention_result out;
    CHECK_OK(hist_retention_apply(h, &ask, &out, NULL));
    CHECK(out.partitions >= 1);
    close_ok(h);
    hist_verify_report r = look(dir, &t);
    CHECK(r.faults == 0 && r.compared > 0 && r.compared < N);
    fake.now_wall_ms = NOW;
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_raw_sample_of_a_thinned_tag_is_compared),
        PT_TEST(without_deviations_nothing_is_compared),
        PT_TEST(a_bound_that_is_not_true_is_named),
        PT_TEST(what_is_not_there_to_compare_with_is_no_fault),
    };
    setup();
    return pt_test_main("historian/verify_bound", tests, PT_COUNT_OF(tests), argc, argv);
}
