/* tests/historian/journal_db_test.c -- rows of the journal: appended whole or not at all, sealed, and let go. */
#include "tests/historian/support.h"

static hist *with_tag(const char *dir)
{
    hist *h = open_bare(dir, 32);
    CHECK_INT(make_tag(h, "a", SPB_DOUBLE), 1);
    return h;
}

static void commit_row(hist *h, int64_t t)
{
    append_one(h, f64(1, t, 1));
    commit_bare(h);
}

static void the_change_log_is_kept_by_size_and_age_and_its_last_row_for_ever(void)
{
    const char *dir = new_dir(), *journal = file_in(dir, "journal.db");
    hist *h = with_tag(dir);
    for (int i = 0; i < 6; i++) {
        commit_row(h, NOW + i);
        pt_fake_clock_advance(&fake, 1000);
    }
    uint64_t row = h->journal.rows[h->journal.first].bytes;
    CHECK_OK(hist__seal_due(h, true, NULL));
    h->o.log_bytes = row * 4;
    CHECK_OK(hist__journal_trim(&h->journal, pt_wall_ms(&fake.clock), NULL));
    CHECK_INT(sql_number(journal, "SELECT group_concat(id) = '3,4,5,6' FROM journal"), 1);
    CHECK_INT(h->journal.count, 4);
    CHECK_INT(h->journal.bytes, row * 4);
    h->o.log_age_ms = 3000;
    CHECK_OK(hist__journal_trim(&h->journal, pt_wall_ms(&fake.clock), NULL));
    CHECK_INT(sql_number(journal, "SELECT group_concat(id) = '5,6' FROM journal"), 1);
    pt_fake_clock_advance(&fake, 100000);
    CHECK_OK(hist__journal_trim(&h->journal, pt_wall_ms(&fake.clock), NULL));
    CHECK_OK(hist__journal_trim(&h->journal, pt_wall_ms(&fake.clock), NULL));        /* nothing more to do */
    CHECK_INT(sql_number(journal, "SELECT group_concat(id) = '6' FROM journal"), 1); /* it keeps the numbering going */
    commit_row(h, NOW + 10);
    CHECK_INT(h->journal.last, 7);
    hist__bare_free(h);
    h = open_bare(dir, 32);
    CHECK_INT(h->journal.next_seq, 8);
    CHECK_INT(hist__pending_stored(&h->pending, 1).pending, 1);
    hist__bare_free(h);
}

static void an_empty_journal_has_nothing_to_seal(void)
{
    hist *h = open_bare(new_dir(), 32);
    CHECK_INT(h->journal.count, 0);
    CHECK_INT(hist__journal_until(&h->journal, INT64_MAX, UINT64_MAX), 0);
    hist__bare_free(h);
}

static void a_trim_that_fails_is_tried_again(void)
{
    const char *dir = new_dir(), *journal = file_in(dir, "journal.db");
    hist *h = with_tag(dir);
    commit_row(h, NOW);
    commit_row(h, NOW + 1);
    CHECK_OK(hist__seal_due(h, true, NULL));
    h->o.log_bytes = 0;
    run_sql(journal, "ALTER TABLE meta RENAME TO hidden");
    pt_error err = { 0 };
    CHECK(hist__journal_trim(&h->journal, pt_wall_ms(&fake.clock), &err) != PT_OK);
    CHECK(strstr(err.text, "meta") != NULL && h->journal.trim_due && h->journal.count == 2);
    run_sql(journal, "ALTER TABLE hidden RENAME TO meta");
    CHECK_OK(hist__journal_trim(&h->journal, pt_wall_ms(&fake.clock), &err));
    CHECK(!h->journal.trim_due && h->journal.count == 1);
    CHECK_INT(sql_number(journal, "SELECT value FROM meta WHERE key='sealed_id'"), 2);
    hist__bare_free(h);
}

static void the_list_of_rows_moves_without_growing(void)
{
    hist *h = with_tag(new_dir());
    for (int64_t id = 1; id <= 100000; id++) {
        CHECK_OK_FATAL(hist__journal_note(&h->journal, id, NOW, 10));
        if (h->journal.count > 100) { /* as trimming does */
            h->journal.first++;
            h->journal.count--;
            h->journal.bytes -= 10;
        }
    }
    CHECK(h->journal.cap <= 512);
    CHECK_INT(h->journal.rows[h->journal.first].id, 100000 - 99);
    CHECK_INT(h->journal.rows[h->journal.first + h->journal.count - 1].id, 100000);
    CHECK_INT(h->journal.bytes, 1000);
    hist__bare_free(h);
}

static void an_append_that_fails_changes_nothing(void)
{
    hist *h = with_tag(new_dir());
    commit_row(h, NOW);
    uint64_t bytes = h->journal.bytes, unsealed = h->journal.unsealed_bytes;
    int64_t first = 0;
    pt_error err = { 0 };
    append_one(h, f64(1, NOW + 1, 2));
    CHECK_OK_FATAL(
        hist__db_exec(h->journal.db, "CREATE TEMP TRIGGER no BEFORE INSERT ON main.journal BEGIN SELECT RAISE(ABORT, 'no'); END", &err));
    CHECK(hist__journal_append(&h->journal, h->writer.buffer.in.chunks, 2, NOW, &first, &err) != PT_OK && err.text[0]);
    CHECK(h->journal.count == 1 && h->journal.last == 1 && h->journal.bytes == bytes && h->journal.unsealed_bytes == unsealed);
    CHECK(sqlite3_get_autocommit(h->journal.db));
    CHECK_OK_FATAL(hist__db_exec(h->journal.db, "DROP TRIGGER no", &err));
    CHECK_OK(hist__journal_append(&h->journal, h->writer.buffer.in.chunks, 2, NOW, &first, &err));
    CHECK(first == 2 && h->journal.count == 2 && h->journal.last == 2);
    hist__batch_free(&h->writer.buffer, &h->writer.buffer.in);
    hist__bare_free(h);
}

static void rows_are_sealed_from_the_oldest_by_age_or_bytes(void)
{
    static const struct {
        const char *row;
        int64_t sealed, too_old; /* too_old: against NOW */
        uint64_t shed;
        int64_t until;
    } rows[] = {
        { "nothing is due", 0, -1, 0, 0 },       { "by age", 0, 2, 0, 3 },         { "by bytes", 0, -1, 15, 2 },
        { "the later of both", 0, 0, 25, 3 },    { "all of it", 0, -1, 99999, 5 }, { "behind what is sealed", 3, -1, 5, 4 },
        { "everything is sealed", 5, 99, 9, 0 },
    };
    hist_options o = options_for("unused", 64);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        hist__journal j;
        hist__journal_init(&j, &o);
        for (int64_t id = 1; id <= 5; id++)
            CHECK_OK_FATAL(hist__journal_note(&j, id, NOW + id - 1, 10));
        hist__journal_seal_before(&j, (uint64_t)rows[i].sealed + 1);
        CHECK_ROW(rows[i].row, j.trim_due == (rows[i].sealed > 0) && j.unsealed_bytes == 10 * (uint64_t)(5 - rows[i].sealed));
        CHECK_ROW(rows[i].row, hist__journal_until(&j, NOW + rows[i].too_old, rows[i].shed) == rows[i].until);
        hist__journal_seal_before(&j, (uint64_t)rows[i].sealed); /* goes up only */
        CHECK_ROW(rows[i].row, j.sealed == rows[i].sealed);
        hist__journal_fini(&j);
    }
}

typedef struct walk {
    int64_t ids[4];
    uint64_t seqs[4];
    size_t n, most;
} walk;

static pt_status note_row(void *ctx, int64_t id, uint64_t seq, const void *bytes, size_t len, pt_error *err)
{
    walk *w = ctx;
    CHECK(bytes != NULL && len > 0);
    if (w->n == w->most) return pt_fail(err, PT_ESTATE, "enough");
    w->ids[w->n] = id;
    w->seqs[w->n++] = seq;
    return PT_OK;
}

static void rows_are_walked_in_order_by_the_writer_and_by_a_reader_of_the_file(void)
{
    static const struct {
        int64_t after, until;
        size_t most, n;
        pt_status status;
    } rows[] = { { 0, INT64_MAX, 4, 3, PT_OK }, { 1, 2, 4, 1, PT_OK }, { 3, INT64_MAX, 4, 0, PT_OK }, { 0, INT64_MAX, 2, 2, PT_ESTATE } };
    const char *dir = new_dir();
    hist *h = open_bare(dir, 64);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    for (int64_t i = 0; i < 3; i++) { /* two samples a row */
        append_one(h, f64(a, NOW + 2 * i, 1));
        append_one(h, f64(a, NOW + 2 * i + 1, 1));
        commit_bare(h);
    }
    hist_options o = options_for(dir, 64);
    hist__journal reader;
    int64_t sealed = -1, last = -1;
    hist__journal_init(&reader, &o);
    CHECK_OK_FATAL(hist__journal_look(&reader, &sealed, &last, NULL));
    CHECK(sealed == 0 && last == 3);
    append_one(h, f64(a, NOW + 9, 1));
    commit_bare(h); /* not seen: the look is of then */
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        walk w = { .most = rows[i].most };
        CHECK_STATUS(hist__journal_replay(&reader, rows[i].after, rows[i].until, note_row, &w, NULL), rows[i].status);
        CHECK_INT(w.n, rows[i].n);
        for (size_t k = 0; k < w.n; k++)
            CHECK(w.ids[k] == rows[i].after + 1 + (int64_t)k && w.seqs[k] == 2 * (uint64_t)w.ids[k] - 1);
    }
    hist__journal_look_end(&reader);
    CHECK_OK(hist__journal_look(&reader, &sealed, &last, NULL));
    CHECK_INT(last, 4);
    hist__journal_look_end(&reader);
    walk w = { .most = 4 };
    CHECK_OK(hist__journal_replay(&h->journal, 0, INT64_MAX, note_row, &w, NULL));
    CHECK_INT(w.n, 4);
    hist__journal_fini(&reader);
    hist__bare_free(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(the_change_log_is_kept_by_size_and_age_and_its_last_row_for_ever),
        PT_TEST(rows_are_walked_in_order_by_the_writer_and_by_a_reader_of_the_file),
        PT_TEST(an_empty_journal_has_nothing_to_seal),
        PT_TEST(a_trim_that_fails_is_tried_again),
        PT_TEST(the_list_of_rows_moves_without_growing),
        PT_TEST(an_append_that_fails_changes_nothing),
        PT_TEST(rows_are_sealed_from_the_oldest_by_age_or_bytes),
    };
    setup();
    return pt_test_main("historian/journal_db", tests, PT_COUNT_OF(tests), argc, argv);
}
