/* tests/historian/partition_test.c -- merging rows into blocks so that the invariant of a partition always holds. */
#include "base/random.h"
#include "tests/historian/support.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

/* ---- sealing ------------------------------------------------------------------------------------------------- */

static void seal_tag(hist *h, uint32_t tag)
{
    pt_error err = { 0 };
    pt_status st = hist__seal(h, &tag, 1, &err);
    if (st != PT_OK) printf("seal: %s\n", err.text);
    CHECK_OK_FATAL(st);
    CHECK_INT(hist__pending_stored(&h->pending, tag).pending, 0);
}

static void rows_fill_blocks_evenly_and_small_ones_are_merged(void)
{
    const char *dir = new_dir();
    hist *h = open_bare(dir, 64);
    uint32_t tag = make_tag(h, "a", SPB_DOUBLE);
    const char *path = partition_in(dir, NOW);
    static const struct {
        const char *row;
        int from, n;
        const char *rows; /* of each block */
    } steps[] = {
        { "one small block", 0, 10, "10" },
        { "a small one takes what follows", 10000, 20, "30" },
        { "until it is half full", 30000, 10, "40" },
        { "behind that a new one begins", 40000, 5, "40,5" },
        { "what fills blocks of its own is not merged with it", 45000, 150, "40,5,50,50,50" },
        { "a late row changes only its block", 7500, 1, "41,5,50,50,50" },
        { "one before all others stands alone", -9000, 1, "1,41,5,50,50,50" },
        { "and takes what comes close to it", -8000, 1, "2,41,5,50,50,50" },
        { "late ones between blocks go to the small one before", 44100, 1, "2,41,6,50,50,50" },
        { "many late ones over several blocks are cut anew", -450, 60, "53,53,53,50,50" },
    };
    int64_t total = 0;
    for (size_t i = 0; i < PT_COUNT_OF(steps); i++) {
        char sql[100] = "SELECT group_concat(rows) = '", *end = sql + strlen(sql);
        for (int k = 0; k < steps[i].n; k++)
            append_one(h, f64(tag, NOW + steps[i].from + k * 1000, k));
        commit_bare(h);
        seal_tag(h, tag);
        total += steps[i].n;
        snprintf(end, 60, "%s' FROM block", steps[i].rows);
        CHECK_ROW(steps[i].row, sql_number(path, sql) == 1);
        if (sql_number(path, sql) != 1) printf("[%s] %s\n", steps[i].row, sql);
        CHECK_ROW(steps[i].row, sql_number(path, "SELECT sum(rows) FROM block") == total);
        CHECK_ROW(steps[i].row, faults_in(dir, false, true, NULL) == 0);
    }
    CHECK_INT(h->weeks.list[0].blocks, sql_number(path, "SELECT count(*) FROM block"));
    CHECK_INT(h->weeks.list[0].bytes, sql_number(path, "SELECT sum(bytes) FROM block"));
    hist__bare_free(h);
}

static void any_late_rows_keep_the_partition_sound(void)
{
    static const char *const words[] = { "RUN", "STOP", "" };
    const char *dir = new_dir();
    hist *h = open_bare(dir, 32);
    uint32_t tags[3];
    for (int t = 0; t < 3; t++)
        tags[t] = make_tag(h, (const char *[]){ "a", "b", "c" }[t], SPB_DOUBLE);
    pt_random rnd = pt_random_seed(12);
    for (unsigned round = 0; round < 60; round++) {
        for (unsigned i = 0; i < 80; i++) {
            uint32_t tag = tags[pt_random_below(&rnd, 3)];
            int64_t t = NOW + (int64_t)pt_random_below(&rnd, 4000) * (round % 5 ? 10 : 1000000);
            uint64_t kind = pt_random_below(&rnd, 12);
            append_one(h, kind == 0   ? state_row(tag, t)
                          : kind == 1 ? str(tag, t, words[i % 3])
                          : kind == 2 ? i64(tag, t, i)
                                      : f64(tag, t, (double)i / 4));
        }
        commit_bare(h);
        CHECK_OK_FATAL(hist__seal(h, tags, 3, NULL));
        hist__sealed_advance(h);
    }
    hist_verify_report r;
    CHECK_INT(faults_in(dir, false, true, &r), 0);
    CHECK(r.blocks > 50 && r.files > 8); /* over many weeks */
    uint64_t blocks = 0;
    for (size_t i = 0; i < h->weeks.n; i++)
        blocks += h->weeks.list[i].blocks;
    CHECK_INT(blocks, r.blocks);
    hist__bare_free(h);
}

static void a_block_that_cannot_be_read_is_put_aside_not_lost(void)
{
    const char *dir = new_dir();
    heard log;
    heard_init(&log);
    hist *h = open_bare(dir, 64);
    h->log = &log.log;
    uint32_t tag = make_tag(h, "a", SPB_DOUBLE);
    for (int i = 0; i < 40; i++)
        append_one(h, f64(tag, NOW + i * 1000, i));
    commit_bare(h);
    seal_tag(h, tag);
    const char *path = partition_in(dir, NOW);
    run_sql(path, "UPDATE data SET data=cast(substr(data,1,20)||x'5a'||substr(data,22) AS BLOB)");
    append_one(h, f64(tag, NOW + 500, 7)); /* falls into the damaged block's time */
    h->writer.look.valid = false;
    commit_bare(h);
    seal_tag(h, tag);
    CHECK(heard_id(&log, "HIST-DAMAGED-BLOCK"));
    CHECK_INT(sql_number(path, "SELECT count(*) FROM damaged WHERE tag_id=1 AND length(data) > 20 AND reason <> ''"), 1);
    CHECK_INT(sql_number(path, "SELECT rows FROM block"), 1);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
    hist__bare_free(h);
}

static void a_seal_that_fails_leaves_the_rows_pending(void)
{
    const char *dir = new_dir();
    hist *h = open_bare(dir, 64);
    uint32_t tag = make_tag(h, "a", SPB_DOUBLE);
    append_one(h, f64(tag, NOW, 1));
    append_one(h, f64(tag, NOW + WEEK, 2));
    commit_bare(h);
    const char *path = partition_in(dir, NOW + WEEK);
    run_sql(path, "CREATE TABLE foreign_table(a)"); /* no file of ours: left alone */
    pt_error err = { 0 };
    CHECK_STATUS(hist__seal(h, &tag, 1, &err), PT_ECORRUPT);
    CHECK(strstr(err.text, path) != NULL);
    CHECK_INT(hist__pending_stored(&h->pending, tag).pending, 1); /* the first week went through: what is in it waits no longer */
    CHECK_INT(count_rows(h, tag), 2);
    CHECK_FATAL(unlink(path) == 0);
    seal_tag(h, tag);
    CHECK_INT(count_rows(h, tag), 2);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);

    append_one(h, f64(tag, NOW + 1, 3)); /* a full disk: the same connection goes on afterwards */
    commit_bare(h);
    hist__part *part = NULL;
    for (size_t i = 0; i < HIST__OPEN_PARTS; i++) {
        if (h->writer.parts[i] && h->writer.parts[i]->start_ms == hist__partition_start(NOW)) part = h->writer.parts[i];
    }
    CHECK_FATAL(part != NULL);
    char sql[60];
    int64_t pages = 0;
    CHECK_OK(hist__db_number(part->db, "PRAGMA page_count", &pages, NULL));
    snprintf(sql, sizeof sql, "PRAGMA max_page_count=%lld", (long long)pages);
    CHECK_OK(hist__db_exec(part->db, sql, NULL));
    CHECK_OK(hist__db_exec(part->db, "CREATE TABLE filler(a); INSERT INTO filler VALUES(1)", NULL) == PT_ENOSPC ? PT_OK : PT_EIO);
    char big[60000];
    memset(big, 'x', sizeof big);
    pt_random rnd = pt_random_seed(3);
    for (size_t i = 0; i + 1 < sizeof big; i++)
        big[i] = (char)('!' + pt_random_below(&rnd, 90));
    big[sizeof big - 1] = 0;
    append_one(h, str(tag, NOW + 2, big));
    commit_bare(h);
    CHECK_STATUS(hist__seal(h, &tag, 1, &err), PT_ENOSPC);
    CHECK_INT(hist__pending_stored(&h->pending, tag).pending, 2);
    CHECK_INT(count_rows(h, tag), 4);
    CHECK_OK(hist__db_exec(part->db, "PRAGMA max_page_count=1000000", NULL));
    seal_tag(h, tag);
    CHECK_INT(count_rows(h, tag), 4);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
    hist__bare_free(h);
}

static void at_most_sixteen_files_are_open_for_writing(void)
{
    const char *dir = new_dir();
    hist *h = open_bare(dir, 64);
    uint32_t tag = make_tag(h, "a", SPB_DOUBLE);
    for (int round = 0; round < 2; round++) {
        for (int w = 0; w < 40; w++)
            append_one(h, f64(tag, NOW + w * WEEK + round, w));
        commit_bare(h);
        seal_tag(h, tag);
        unsigned open = 0;
        for (size_t i = 0; i < HIST__OPEN_PARTS; i++)
            open += h->writer.parts[i] != NULL;
        CHECK_INT(open, HIST__OPEN_PARTS);
    }
    CHECK_INT(h->weeks.n, 40);
    hist__parts_close(&h->writer);
    CHECK_INT(count_rows(h, tag), 80);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
    hist__bare_free(h);
}

static void statistics_of_a_partition_reach_the_tags(void)
{
    const char *dir = new_dir();
    hist *h = open_bare(dir, 64);
    uint32_t tag = make_tag(h, "a", SPB_DOUBLE), other = make_tag(h, "b", SPB_DOUBLE);
    append_one(h, state_row(tag, NOW));
    append_one(h, f64(tag, NOW + 10, 1));
    append_one(h, f64(tag, NOW + 20, 2));
    append_one(h, state_row(tag, NOW + 30));
    append_one(h, state_row(other, NOW));
    commit_bare(h);
    uint32_t both[] = { other, tag }; /* any order */
    CHECK_OK_FATAL(hist__seal(h, both, 2, NULL));
    hist__pending_reset(&h->pending); /* forget what is known */
    *hist__mark_at(&h->writer, tag) = *hist__mark_at(&h->writer, other) = (hist__mark){ 0 };
    CHECK_OK(hist__partition_stats(h, hist__partition_start(NOW), NULL));
    hist__stored stored = hist__pending_stored(&h->pending, tag);
    CHECK_INT(stored.samples, 2);
    CHECK_INT(stored.first_ms, NOW + 10);
    CHECK_INT(stored.last_ms, NOW + 20);
    const hist__mark *mark = hist__mark_at(&h->writer, tag);
    CHECK_INT(mark->max_ms, NOW + 30);
    CHECK_INT(mark->sealed_ms, NOW + 30);
    CHECK(mark->has_max && mark->has_sealed);
    CHECK_INT(hist__pending_stored(&h->pending, other).samples, 0);
    CHECK(hist__mark_at(&h->writer, other)->has_sealed);
    CHECK_STATUS(hist__partition_stats(h, hist__partition_start(NOW + WEEK), NULL), PT_ENOTFOUND);
    hist__bare_free(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(rows_fill_blocks_evenly_and_small_ones_are_merged), PT_TEST(any_late_rows_keep_the_partition_sound),
        PT_TEST(a_block_that_cannot_be_read_is_put_aside_not_lost), PT_TEST(a_seal_that_fails_leaves_the_rows_pending),
        PT_TEST(at_most_sixteen_files_are_open_for_writing),        PT_TEST(statistics_of_a_partition_reach_the_tags),
    };
    setup();
    return pt_test_main("historian/partition", tests, PT_COUNT_OF(tests), argc, argv);
}
