/* tests/historian/commit_test.c -- a batch on its way to disk: what is new, the same again or a replacement; tried again after a failure,
 * once. */
#include "base/random.h"
#include "tests/historian/support.h"

#include <stdio.h>

static void the_same_sample_again_is_a_duplicate_and_another_replaces(void)
{
    hist *h = open_store(new_dir(), 1024);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    for (int round = 0; round < 3; round++) {
        hist_sample
            s[] = { f64(a, NOW, 1), f64(a, NOW + 1, 2), f64(a, NOW, 1), f64(a, NOW + 1, 3), f64(a, NOW - 5, 9), f64(a, NOW + 1, 3) },
            out[10];
        append(h, s, PT_COUNT_OF(s));
        flush(h);
        hist_stats st;
        hist_stats_get(h, &st);
        CHECK_INT(st.appended, (round + 1) * 6);
        CHECK_INT(st.stored, 3);
        CHECK_INT(st.duplicates, round == 0 ? 2 : round == 1 ? 2 + 4 : 2 + 8);
        CHECK_INT(st.replaced, round == 0 ? 1 : round == 1 ? 3 : 5);
        CHECK_INT(read_rows(h, a, INT64_MIN, INT64_MAX, true, out, 10), 3);
        CHECK(out[0].as.f64 == 9 && out[1].as.f64 == 1 && out[2].as.f64 == 3);
        if (round == 0) seal(h);
    }
    close_ok(h);
}

/* What becomes of each sample of one batch, after some are pending and some are in blocks. */
static void late_samples_are_compared_with_all_places(void)
{
    hist *h = open_bare(new_dir(), 64);
    uint32_t a = make_tag(h, "a", SPB_STRING);
    for (int i = 0; i < 10; i++)
        append_one(h, str(a, NOW + i * 10, "old"));
    commit_bare(h);
    CHECK_OK_FATAL(hist__seal(h, &a, 1, NULL));
    for (int i = 10; i < 20; i++)
        append_one(h, str(a, NOW + i * 10, "old"));
    commit_bare(h);
    hist_sample historical = str(a, NOW + 6, "new"), in[] = {
        str(a, NOW + 30, "old"),  /* in a block: the same */
        str(a, NOW + 40, "new"),  /* in a block: another */
        str(a, NOW + 130, "old"), /* pending: the same */
        str(a, NOW + 140, "new"), /* pending: another */
        str(a, NOW + 35, "new"),  /* between */
        str(a, NOW + 35, "new"),  /* again in the same batch */
        str(a, NOW + 35, "old"),  /* and differently */
        str(a, NOW + 40, "new"),  /* again what came in the same batch */
        state_row(a, NOW + 30),   /* not the sample's key */
        str(a, NOW + 500, "new"), /* newer than all: not looked at */
        str(a, NOW + 500, "new"),
    };
    historical.flags = HIST_HISTORICAL;
    append(h, in, PT_COUNT_OF(in));
    append_one(h, historical);
    take_batch(h);
    pt_error err = { 0 };
    CHECK_OK(hist__batch_commit(h, &err));
    CHECK_INT(h->writer.batch.duplicates, 5);
    CHECK_INT(h->writer.batch.replaced, 3);
    CHECK_INT(h->writer.batch.historical, 1);
    CHECK_OK(hist__batch_apply(h));
    hist__batch_free(&h->writer.buffer, &h->writer.batch);
    hist_sample out[100];
    size_t n = read_rows(h, a, INT64_MIN, INT64_MAX, true, out, 100);
    CHECK_INT(n, 20 + 4);
    CHECK(out[1].time_ms == NOW + 6 && out[1].flags == HIST_HISTORICAL);
    CHECK(hist__is_state(&out[5]) && out[5].time_ms == NOW + 30);
    CHECK_STR(pt_slice_of(out[6].as.ptr, out[6].len), "old"); /* at + 35 the last one stays */
    CHECK_STR(pt_slice_of(out[7].as.ptr, out[7].len), "new");
    CHECK_INT(hist__pending_stored(&h->pending, a).samples, 20 + 3);
    hist__bare_free(h);
}

static void what_lies_in_blocks_is_found_by_its_key(void)
{
    hist *h = open_bare(new_dir(), 32);
    uint32_t a = make_tag(h, "a", SPB_INT64), b = make_tag(h, "b", SPB_INT64);
    for (int i = 0; i < 200; i++)
        append_one(h, i64(a, NOW + i * 10 + (i >= 100 ? WEEK : 0), i));
    append_one(h, state_row(a, NOW + 50));
    commit_bare(h);
    CHECK_OK_FATAL(hist__seal(h, &a, 1, NULL));
    for (int i = 0; i < 200; i++) {
        int64_t t = NOW + i * 10 + (i >= 100 ? WEEK : 0);
        const hist_sample *s = hist__find_in_blocks(h, a, t, false);
        CHECK(s && s->as.i64 == i);
        CHECK(!hist__find_in_blocks(h, a, t + 1, false));
        CHECK((hist__find_in_blocks(h, a, t, true) != NULL) == (i == 5));
    }
    CHECK(!hist__find_in_blocks(h, a, INT64_MIN, false) && !hist__find_in_blocks(h, a, NOW + 3 * WEEK, false) &&
          !hist__find_in_blocks(h, b, NOW, false));
    hist__bare_free(h);
}

static void tags_and_events_come_before_the_samples_and_share_the_numbers(void)
{
    const char *dir = new_dir();
    hist *h = open_bare(dir, 64);
    for (int round = 0; round < 3; round++) {
        uint32_t a = make_tag(h, round ? "a" : "b", SPB_DOUBLE);
        hist_event e = { .time_ms = NOW + round, .type = PT_LIT("write") };
        for (int i = 0; i < 5; i++)
            append_one(h, f64(a, NOW + round * 10 + i, i));
        CHECK_OK(hist_event_append(h, &e));
        CHECK_OK(hist_event_append(h, &e));
        append_one(h, f64(a, NOW + round * 10, 0)); /* a duplicate has no number */
        commit_bare(h);
        CHECK_INT(h->journal.next_seq, 1 + (round + 1) * 7);
    }
    CHECK_INT(sql_number(file_in(dir, "catalog.db"), "SELECT group_concat(seq) = '1,2,8,9,15,16' FROM event"), 1);
    CHECK_INT(sql_number(file_in(dir, "journal.db"), "SELECT group_concat(seq || ':' || n) = '3:5,10:5,17:5' FROM journal"), 1);
    CHECK_INT(sql_number(file_in(dir, "journal.db"), "SELECT count(*) FROM journal WHERE wall_ms = 1750000000000"), 3);
    CHECK_INT(h->journal.last, 3);
    hist__bare_free(h);
}

static void a_commit_that_failed_is_repeated_without_counting_twice(void)
{
    const char *dir = new_dir();
    hist *h = open_bare(dir, 64);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    append_one(h, f64(a, NOW, 1));
    commit_bare(h);
    hist_event e = { .time_ms = NOW, .type = PT_LIT("write") };
    hist_sample s[] = { f64(a, NOW + 5, 1), f64(a, NOW, 1), f64(a, NOW, 2), f64(a, NOW + 6, 3) };
    append(h, s, 4);
    CHECK_OK(hist_event_append(h, &e));
    run_sql(file_in(dir, "journal.db"), "ALTER TABLE journal RENAME TO hidden");
    take_batch(h);
    for (int k = 0; k < 3; k++) {
        pt_error err = { 0 };
        CHECK(hist__batch_commit(h, &err) != PT_OK);
        CHECK(strstr(err.text, "journal") != NULL);
        CHECK_INT(h->journal.last, 1);
        CHECK_INT(h->journal.count, 1);
        CHECK_INT(h->journal.next_seq, 2);
    }
    CHECK_INT(count_rows(h, a), 1); /* nothing is visible that is not durable */
    run_sql(file_in(dir, "journal.db"), "ALTER TABLE hidden RENAME TO journal");
    CHECK_OK(hist__batch_commit(h, NULL));
    CHECK_INT(h->writer.batch.duplicates, 1);
    CHECK_INT(h->writer.batch.replaced, 1);
    CHECK_OK(hist__batch_apply(h));
    hist__batch_free(&h->writer.buffer, &h->writer.batch);
    CHECK_INT(count_rows(h, a), 3);
    CHECK_INT(sql_number(file_in(dir, "catalog.db"), "SELECT count(*) * 100 + max(seq) FROM event"),
              102); /* the event once, under its first number */
    CHECK_INT(sql_number(file_in(dir, "journal.db"), "SELECT max(seq) FROM journal"), 3);
    CHECK_INT(h->journal.next_seq, 6);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);

    append_one(h, f64(a, NOW + 7, 3)); /* a full disk keeps the connection, everything else makes a new one */
    take_batch(h);
    sqlite3 *before = h->journal.db;
    CHECK_OK(hist__db_exec(h->journal.db, "PRAGMA max_page_count=1", NULL));
    char big[50000];
    pt_random rnd = pt_random_seed(1);
    for (size_t i = 0; i < sizeof big - 1; i++)
        big[i] = (char)('a' + pt_random_below(&rnd, 26));
    big[sizeof big - 1] = 0;
    hist__batch_free(&h->writer.buffer, &h->writer.batch);
    append_one(h, str(a, NOW + 7, big));
    take_batch(h);
    CHECK_STATUS(hist__batch_commit(h, NULL), PT_ENOSPC);
    CHECK(h->journal.db == before);
    CHECK_OK(hist__db_exec(h->journal.db, "PRAGMA max_page_count=1000000", NULL));
    CHECK_OK(hist__batch_commit(h, NULL));
    CHECK_OK(hist__batch_apply(h));
    CHECK_INT(count_rows(h, a), 4);
    hist__bare_free(h);
}

static void a_batch_of_nothing_but_duplicates_writes_no_row(void)
{
    const char *dir = new_dir();
    hist *h = open_bare(dir, 64);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < HIST__CHUNK + 10; i++)
            append_one(h, f64(a, NOW + i, 1)); /* two chunks */
        commit_bare(h);
    }
    CHECK_INT(sql_number(file_in(dir, "journal.db"), "SELECT count(*) FROM journal"), 2);
    CHECK_INT(h->journal.last, 2);
    hist__bare_free(h);
}

static void full_tags_are_put_on_the_list_once(void)
{
    hist *h = open_bare(new_dir(), 32);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE), b = make_tag(h, "b", SPB_STRING), c = make_tag(h, "c", SPB_DOUBLE);
    char big[1000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = 0;
    for (int i = 0; i < 100; i++)
        append_one(h, f64(a, NOW + i, i));
    for (int i = 0; i < 31; i++)
        append_one(h, f64(c, NOW + i, i));
    commit_bare(h);
    CHECK_INT(h->writer.n_seal, 1);
    CHECK_INT(h->writer.seal_list[0], a);
    h->o.block_samples = 8192; /* bytes fill a block too */
    for (unsigned i = 0; i < HIST__BLOCK_VALUE_BYTES / 1000 + 10; i++)
        append_one(h, str(b, NOW + i, big));
    commit_bare(h);
    CHECK_INT(h->writer.n_seal, 2);
    CHECK_INT(h->writer.seal_list[1], b);
    hist__bare_free(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(the_same_sample_again_is_a_duplicate_and_another_replaces),
        PT_TEST(late_samples_are_compared_with_all_places),
        PT_TEST(what_lies_in_blocks_is_found_by_its_key),
        PT_TEST(tags_and_events_come_before_the_samples_and_share_the_numbers),
        PT_TEST(a_commit_that_failed_is_repeated_without_counting_twice),
        PT_TEST(a_batch_of_nothing_but_duplicates_writes_no_row),
        PT_TEST(full_tags_are_put_on_the_list_once),
    };
    setup();
    return pt_test_main("historian/commit", tests, PT_COUNT_OF(tests), argc, argv);
}
