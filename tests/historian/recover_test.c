/* tests/historian/recover_test.c -- from the files to memory: after a crash at any step, with damaged rows, and for a reader beside the
 * writer. */
#include "tests/historian/support.h"
#include "tests/support/wait.h"

#include <stdio.h>
#include <unistd.h>

static void what_is_in_the_journal_and_in_blocks_is_counted_once(void)
{
    const char *dir = new_dir();
    hist *h = open_bare(dir, 64);
    uint32_t a = make_tag(h, "a", SPB_STRING);
    for (int i = 0; i < 10; i++)
        append_one(h, str(a, NOW + i, "one"));
    append_one(h, state_row(a, NOW + 20));
    commit_bare(h);
    append_one(h, str(a, NOW + 3, "two")); /* replaced before it was sealed: the first row of the journal is outdated */
    commit_bare(h);
    CHECK_OK_FATAL(hist__seal(h, &a, 1, NULL)); /* and here the process dies: the journal was not told */
    append_one(h, str(a, NOW + 4, "three"));    /* but this still went into it */
    append_one(h, str(a, NOW + 30, "four"));
    commit_bare(h);
    hist__bare_free(h);
    for (int round = 0; round < 3; round++) {
        h = open_bare(dir, 64);
        CHECK_INT(h->journal.sealed, 0);
        CHECK_INT(hist__pending_stored(&h->pending, a).samples, 11);
        CHECK_INT(hist__pending_stored(&h->pending, a).first_ms, NOW);
        CHECK_INT(hist__pending_stored(&h->pending, a).last_ms, NOW + 30);
        CHECK_INT(hist__mark_at(&h->writer, a)->max_ms, NOW + 30);
        CHECK_INT(h->journal.next_seq, 15);
        hist_sample out[20];
        CHECK_INT(read_rows(h, a, INT64_MIN, INT64_MAX, true, out, 20), 12);
        CHECK_STR(pt_slice_of(out[3].as.ptr, out[3].len), "two");
        hist_sample late = str(a, NOW + 5, "one"); /* the same again is still a duplicate */
        append_one(h, late);
        take_batch(h);
        CHECK_OK(hist__batch_commit(h, NULL));
        CHECK_INT(h->writer.batch.duplicates, 1);
        CHECK_OK(hist__batch_apply(h));
        if (round == 1) CHECK_OK(hist__seal_due(h, true, NULL)); /* merged, again without a word to the journal */
        hist__bare_free(h);
    }
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
}

static void a_damaged_row_of_the_journal_is_said_and_left_behind(void)
{
    const char *dir = new_dir(), *journal = file_in(dir, "journal.db");
    hist *h = open_bare(dir, 64);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    for (int i = 0; i < 3; i++) {
        append_one(h, f64(a, NOW + i, i));
        commit_bare(h);
    }
    hist__bare_free(h);
    run_sql(journal, "UPDATE journal SET data=x'a701' WHERE id=2");
    heard log;
    heard_init(&log);
    pt_error err = { 0 };
    CHECK_OK_FATAL(hist__bare_new(dir, &log.log, true, &h, &err));
    CHECK_OK(hist__recover(h, &err));
    CHECK(heard_id(&log, "HIST-DAMAGED-JOURNAL") && strstr(log.last, "row 2") != NULL);
    CHECK_INT(hist__pending_stored(&h->pending, a).pending, 2);
    hist__bare_free(h);
    CHECK_INT(sql_number(journal, "SELECT count(*) FROM damaged WHERE id=2 AND data=x'a701'"),
              1); /* its bytes stay when the row is trimmed */
}

/* A catalogue out of an older backup beside newer samples: no new tag may take the number, and with it the history, of a forgotten one. */
static void tags_that_the_catalogue_forgot_keep_their_numbers(void)
{
    for (int sealed = 0; sealed < 3; sealed++) { /* in the journal, in blocks, and of a number that is no tag's */
        const char *dir = new_dir();
        hist *h = open_bare(dir, 64);
        heard log;
        pt_error err = { 0 };
        uint32_t a = make_tag(h, "a", SPB_DOUBLE), b = make_tag(h, "b", SPB_DOUBLE), c = make_tag(h, "c", SPB_DOUBLE), d = 0;
        for (int i = 0; i < 100; i++) {
            append_one(h, f64(a, NOW + i, i));
            append_one(h, f64(c, NOW + i, i));
        }
        commit_bare(h);
        if (sealed) CHECK_OK_FATAL(hist__seal_due(h, true, &err));
        hist__bare_free(h);
        run_sql(file_in(dir, "catalog.db"), "DELETE FROM tag WHERE tag_id > 1; DELETE FROM tag_path WHERE tag_id > 1");
        if (sealed == 2) run_sql(partition_in(dir, NOW), "UPDATE tag_stat SET tag_id=4000000000 WHERE tag_id=3");
        h = open_reader(dir); /* nothing is made by a reader */
        CHECK_INT(hist__tag_count(h), 1);
        close_ok(h);
        heard_init(&log);
        CHECK_OK_FATAL(hist__bare_new(dir, &log.log, true, &h, &err));
        CHECK_OK(hist__recover(h, &err));
        CHECK(heard_id(&log, "HIST-LOST-TAGS") == (sealed < 2 || hist__tag_count(h) > 1));
        d = make_tag(h, "d", SPB_DOUBLE);
        if (sealed < 2) {
            CHECK_INT(d, 4);
            CHECK_INT(count_rows(h, c), 100);
            pt_arena arena;
            hist_tag t;
            pt_arena_init(&arena, 1 << 16);
            CHECK_OK_FATAL(hist_tag_by_id(h, b, &arena, &t));
            CHECK_STR(t.path, "_lost/tag-2");
            pt_arena_fini(&arena);
        }
        hist__bare_free(h);
    }
}

static void a_newer_format_of_a_row_stops_the_start(void)
{
    const char *dir = new_dir();
    hist *h = open_bare(dir, 64);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    append_one(h, f64(a, NOW, 1));
    commit_bare(h);
    hist__bare_free(h);
    uint8_t row[11] = { 0xa7, 3, 1, 0, 0, 0, 0 }; /* version 3, whatever it holds */
    hist__store32(row + 7, hist__checksum(row, 7));
    char sql[120];
    snprintf(sql, sizeof sql, "UPDATE journal SET data=x'%02x%02x%02x%02x%02x%02x%02x%02x%02x%02x%02x'", row[0], row[1], row[2], row[3],
             row[4], row[5], row[6], row[7], row[8], row[9], row[10]);
    run_sql(file_in(dir, "journal.db"), sql);
    hist_options o = options_for(dir, 64);
    pt_error err = { 0 };
    h = NULL;
    CHECK_STATUS(hist_open(&o, &fake.clock, NULL, &h, &err), PT_EUNSUPPORTED); /* never trimmed as if it were read */
    CHECK(strstr(err.text, "version 3") != NULL);
}

static void one_damaged_week_does_not_keep_the_others_away(void)
{
    const char *dir = new_dir();
    hist *h = open_bare(dir, 64);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    for (int w = 0; w < 3; w++)
        append_one(h, f64(a, NOW + w * WEEK, w));
    commit_bare(h);
    CHECK_OK_FATAL(hist__seal_due(h, true, NULL));
    CHECK_OK_FATAL(hist__journal_trim(&h->journal, pt_wall_ms(h->clock), NULL));
    hist__bare_free(h);
    spoil(partition_in(dir, NOW + WEEK), 0, "garbage instead of a header");
    heard log;
    heard_init(&log);
    CHECK_OK_FATAL(hist__bare_new(dir, &log.log, true, &h, NULL));
    CHECK_OK(hist__recover(h, NULL));
    CHECK(heard_id(&log, "HIST-DAMAGED-FILE"));
    CHECK_INT(hist__pending_stored(&h->pending, a).samples, 2);
    hist__bare_free(h);
}

static void the_numbering_goes_on_behind_the_highest_of_rows_and_events(void)
{
    static const struct {
        const char *row;
        int samples, events_after;
        int64_t next;
    } rows[] = { { "nothing yet", 0, 0, 1 }, { "events only", 0, 3, 4 }, { "samples last", 5, 0, 6 }, { "events last", 5, 2, 8 } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        const char *dir = new_dir();
        hist *h = open_bare(dir, 64);
        uint32_t a = make_tag(h, "a", SPB_DOUBLE);
        for (int k = 0; k < rows[i].samples; k++)
            append_one(h, f64(a, NOW + k, k));
        commit_bare(h);
        for (int k = 0; k < rows[i].events_after; k++) {
            hist_event e = { .time_ms = NOW, .type = PT_LIT("write") };
            CHECK_OK(hist_event_append(h, &e));
        }
        commit_bare(h);
        hist__bare_free(h);
        h = open_bare(dir, 64);
        CHECK_ROW(rows[i].row, (int64_t)h->journal.next_seq == rows[i].next);
        hist__bare_free(h);
    }
}

static void a_reader_follows_row_by_row_and_begins_again_after_sealing(void)
{
    const char *dir = new_dir();
    hist *h = open_bare(dir, 64);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    append_one(h, f64(a, NOW, 0));
    commit_bare(h);
    hist *reader = open_reader(dir);
    CHECK_INT(hist__journal_last(&reader->journal), 1);
    for (int i = 1; i < 30; i++) {
        append_one(h, f64(a, NOW + i, i));
        commit_bare(h);
        if (i % 7 == 0) {
            CHECK_OK_FATAL(hist__seal_due(h, true, NULL));
            if (i % 14 == 0)
                CHECK_OK_FATAL(hist__journal_trim(&h->journal, pt_wall_ms(h->clock), NULL)); /* else the reader finds rows in both places */
        }
        CHECK_OK(hist__journal_refresh(reader, NULL));
        CHECK_INT(hist__journal_last(&reader->journal), i + 1);
        CHECK_INT(hist__pending_stored(&reader->pending, a).samples, i + 1);
        CHECK_INT(count_rows(reader, a), i + 1);
    }
    uint32_t b = make_tag(h, "b", SPB_DOUBLE); /* a tag made since */
    append_one(h, f64(b, NOW, 0));
    commit_bare(h);
    CHECK_OK(hist__journal_refresh(reader, NULL));
    CHECK_INT(hist__tag_count(reader), 2);
    CHECK_INT(count_rows(reader, b), 1);
    close_ok(reader);
    hist__bare_free(h);
}

/* Of ten tags nearly all is in blocks, but one slow tag's first sample keeps their rows in the journal. */
static void rows_that_are_in_blocks_are_looked_for_a_block_at_a_time(void)
{
    enum { TAGS = 10, SAMPLES = 2000, BLOCK = 256 };
    const char *dir = new_dir();
    hist *h = open_store(dir, BLOCK);
    uint32_t slow = make_tag(h, "slow", SPB_DOUBLE), tags[TAGS];
    append_one(h, f64(slow, NOW, 1));
    for (unsigned t = 0; t < TAGS; t++) {
        char name[10];
        snprintf(name, sizeof name, "f%u", t);
        tags[t] = make_tag(h, name, SPB_DOUBLE);
    }
    for (int i = 0; i < SAMPLES; i++) {
        for (unsigned t = 0; t < TAGS; t++)
            append_one(h, f64(tags[t], NOW + i, (double)(i + (int)t)));
        if (i % 100 == 99) flush(h);
    }
    hist_stats st;
    CHECK_WITHIN_FATAL(10000, (hist_stats_get(h, &st), st.blocks >= TAGS * (SAMPLES / BLOCK)));
    close_ok(h);
    for (int writer = 0; writer < 2; writer++) {
        hist_options o = options_for(dir, BLOCK);
        o.read_only = !writer;
        h = open_with(&o);
        CHECK(h->writer.look.count > 0 && h->writer.look.count < TAGS * SAMPLES / 100);
        for (unsigned t = 0; t < TAGS; t++)
            CHECK_INT(count_rows(h, tags[t]), SAMPLES);
        CHECK_INT(count_rows(h, slow), 1);
        close_ok(h);
    }
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(what_is_in_the_journal_and_in_blocks_is_counted_once),
        PT_TEST(a_damaged_row_of_the_journal_is_said_and_left_behind),
        PT_TEST(tags_that_the_catalogue_forgot_keep_their_numbers),
        PT_TEST(a_newer_format_of_a_row_stops_the_start),
        PT_TEST(one_damaged_week_does_not_keep_the_others_away),
        PT_TEST(the_numbering_goes_on_behind_the_highest_of_rows_and_events),
        PT_TEST(a_reader_follows_row_by_row_and_begins_again_after_sealing),
        PT_TEST(rows_that_are_in_blocks_are_looked_for_a_block_at_a_time),
    };
    setup();
    return pt_test_main("historian/recover", tests, PT_COUNT_OF(tests), argc, argv);
}
