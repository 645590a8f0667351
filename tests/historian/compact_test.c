/* tests/historian/compact_test.c -- the change log is packed and reads the same; journal.db becomes small again. */
#include "historian/read/log.h"
#include "tests/historian/format_decoder.h"
#include "tests/historian/support.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

typedef struct sum {
    uint64_t n, events, next;
    uint64_t hash;
    bool gap;
} sum;

static bool add(void *ctx, const hist_change *c)
{
    sum *s = ctx;
    if (s->next && c->seq != s->next) s->gap = true;
    s->next = c->seq + 1;
    s->n++;
    if (c->event) s->events++;
    else s->hash = s->hash * 1099511628211u + (uint64_t)c->sample->time_ms * 31 + c->sample->as.u64 + c->sample->tag_id + c->seq;
    return true;
}

static sum read_log(hist *h, uint64_t after)
{
    sum s = { 0 };
    hist_log_range r;
    pt_error err = { 0 };
    pt_status st = hist_log_read(h, after, 0, add, &s, &r, &err);
    if (st != PT_OK) printf("%s\n", err.text);
    CHECK_OK(st);
    CHECK(!s.gap);
    return s;
}

/* 60 commits of 2000 samples of eight tags; an event after every twentieth. */
static hist *filled_log(const char *dir)
{
    hist *h = open_store(dir, 256);
    uint32_t tags[8];
    for (int t = 0; t < 8; t++) {
        char name[10];
        snprintf(name, sizeof name, "c%d", t);
        tags[t] = make_tag(h, name, SPB_DOUBLE);
    }
    for (int k = 0; k < 60; k++) {
        for (int i = 0; i < 250; i++) {
            for (int t = 0; t < 8; t++)
                append_one(h, f64(tags[t], NOW + (k * 250 + i) * 1000, (k * 250 + i) % 100 * 0.25));
        }
        if (k % 20 == 19) {
            hist_event e = { .time_ms = NOW, .type = PT_LIT("write") };
            CHECK_OK(hist_event_append(h, &e));
        }
        flush(h);
    }
    seal(h);
    return h;
}

static void packed_rows_read_as_they_were(void)
{
    const char *dir = new_dir();
    hist *h = filled_log(dir);
    close_ok(h);
    h = open_bare(dir, 256);
    sum before = read_log(h, 0), part = read_log(h, 70001);
    CHECK_INT(before.n, 120003);
    CHECK_INT(before.events, 3);
    for (int i = 0; i < 3; i++)
        CHECK_OK(hist__journal_compact(&h->journal, NULL));
    CHECK(h->journal.count < 60 / 4 &&
          h->journal.bytes < 120000 * 2); /* they were 60 rows and about 5 bytes a sample; a slow machine's writer has packed some before */
    CHECK_INT(sql_number(file_in(dir, "journal.db"), "SELECT count(*) FROM journal"), (int64_t)h->journal.count);
    CHECK_INT(sql_number(file_in(dir, "journal.db"), "SELECT sum(length(data)) FROM journal"), (int64_t)h->journal.bytes);
    for (size_t i = 1; i < h->journal.count; i++)
        CHECK(h->journal.rows[h->journal.first + i].id > h->journal.rows[h->journal.first + i - 1].id);
    sum after = read_log(h, 0), rest = read_log(h, 70001);
    CHECK(after.n == before.n && after.hash == before.hash && after.events == 3);
    CHECK(rest.n == part.n && rest.hash == part.hash);
    uint64_t rows = h->journal.count;
    CHECK_OK(hist__journal_compact(&h->journal, NULL)); /* nothing left to do */
    CHECK_INT(h->journal.count, rows);
    hist__bare_free(h);
    hist_verify_report r;
    CHECK_INT(faults_in(dir, false, true, &r), 0);

    h = open_store(dir, 256); /* opened again: numbers go on, nothing is stored twice */
    sum again = read_log(h, 0);
    CHECK(again.n == before.n && again.hash == before.hash);
    append_one(h, f64(1, NOW + 99999999, 1));
    flush(h);
    CHECK_INT(read_log(h, 0).n, before.n + 1);
    close_ok(h);
}

static void a_reader_that_falls_off_the_end_is_told_where_it_can_begin(void)
{
    const char *dir = new_dir();
    close_ok(filled_log(dir));
    hist *h = open_bare(dir, 256);
    CHECK_OK(hist__journal_compact(&h->journal, NULL));
    h->o.log_bytes = h->journal.bytes / 2; /* half of it must go */
    CHECK_OK(hist__journal_trim(&h->journal, pt_wall_ms(h->clock), NULL));
    sum s = { 0 };
    hist_log_range r;
    pt_error err = { 0 };
    CHECK_STATUS(hist_log_read(h, 5, 0, add, &s, &r, &err), PT_ESTATE);
    CHECK(r.oldest > 6 && r.newest == 120003 && s.n == 0);
    char want[30];
    snprintf(want, sizeof want, "up to %llu ", (unsigned long long)r.oldest - 1);
    CHECK(strstr(err.text, want) != NULL);
    CHECK_INT(read_log(h, r.oldest - 1).n, 120003 - r.oldest + 1); /* from there on all of it */
    hist__bare_free(h);
}

static void the_file_becomes_small_again(void)
{
    const char *dir = new_dir();
    close_ok(filled_log(dir));
    hist *h = open_bare(dir, 256);
    CHECK_OK(hist__db_exec(
        h->journal.db,
        "CREATE TABLE ballast(b); INSERT INTO ballast VALUES(zeroblob(60000000)); DROP TABLE ballast; PRAGMA wal_checkpoint(TRUNCATE)",
        NULL)); /* a flood that is over */
    struct stat big, small;
    CHECK_FATAL(stat(file_in(dir, "journal.db"), &big) == 0);
    for (int i = 0; i < 40; i++)
        CHECK_OK(hist__journal_compact(&h->journal, NULL));
    CHECK_OK(hist__db_exec(h->journal.db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL));
    CHECK_FATAL(stat(file_in(dir, "journal.db"), &small) == 0);
    CHECK(big.st_size > 60000000 && small.st_size < 14000000);
    hist__bare_free(h);
    hist_verify_report r;
    CHECK_INT(faults_in(dir, false, true, &r), 0);
}

/* A journal of format 1, as an older build left it, learns to give pages back. */
static void an_older_journal_is_brought_forward(void)
{
    const char *dir = new_dir();
    close_ok(filled_log(dir));
    run_sql(file_in(dir, "journal.db"),
            "PRAGMA user_version=1; PRAGMA journal_mode=DELETE; PRAGMA auto_vacuum=NONE; VACUUM; PRAGMA journal_mode=WAL");
    CHECK_INT(sql_number(file_in(dir, "journal.db"), "PRAGMA auto_vacuum"), 0);
    hist *h = open_store(dir, 256);
    CHECK_INT(read_log(h, 0).n, 120003);
    close_ok(h);
    CHECK_INT(sql_number(file_in(dir, "journal.db"), "PRAGMA auto_vacuum"), 2);
    CHECK_INT(sql_number(file_in(dir, "journal.db"), "PRAGMA user_version"), 3);
}

static void damage_in_a_packed_row_is_seen(void)
{
    pt_buf rows, packed;
    hist__rows out;
    hist_sample s[2] = { f64(1, NOW, 1), f64(2, NOW, 2) };
    pt_buf one;
    pt_buf_init(&one, 1 << 16);
    pt_buf_init(&rows, 1 << 16);
    pt_buf_init(&packed, 1 << 16);
    hist__rows_init(&out);
    CHECK_OK(hist__journal_encode(s, 2, &one));
    for (int i = 0; i < 3; i++) {
        pt_buf_char(&rows, (char)one.len);
        pt_buf_slice(&rows, pt_buf_view(&one));
    }
    CHECK_OK(hist__journal_pack(&rows, 6, &packed));
    CHECK_OK(hist__journal_decode(packed.ptr, packed.len, &out, NULL));
    CHECK_INT(out.n, 6);
    fd_result second;
    fd_journal_row((const uint8_t *)packed.ptr, packed.len, &second);
    CHECK(second.fault == NULL && second.n == 6);
    for (size_t i = 0; i < second.n; i++)
        CHECK(second.rows[i].tag_id == out.s[i].tag_id && second.rows[i].time_ms == out.s[i].time_ms &&
              second.rows[i].word == out.s[i].as.u64);
    fd_free(&second);
    CHECK(hist__journal_is_packed(packed.ptr, packed.len) && !hist__journal_is_packed(one.ptr, one.len));
    for (size_t i = 1; i < packed.len; i++) {
        packed.ptr[i] ^= 4;
        CHECK(hist__journal_decode(packed.ptr, packed.len, &out, NULL) != PT_OK && out.n == 6);
        packed.ptr[i] ^= 4;
        CHECK(hist__journal_decode(packed.ptr, i, &out, NULL) != PT_OK && out.n == 6);
    }
    CHECK_OK(hist__journal_pack(&rows, 5, &packed)); /* says less than it holds */
    CHECK_STATUS(hist__journal_decode(packed.ptr, packed.len, &out, NULL), PT_ECORRUPT);
    pt_buf_fini(&one);
    pt_buf_fini(&rows);
    pt_buf_fini(&packed);
    hist__rows_fini(&out);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(packed_rows_read_as_they_were),  PT_TEST(a_reader_that_falls_off_the_end_is_told_where_it_can_begin),
        PT_TEST(the_file_becomes_small_again),   PT_TEST(an_older_journal_is_brought_forward),
        PT_TEST(damage_in_a_packed_row_is_seen),
    };
    setup();
    return pt_test_main("historian/compact", tests, PT_COUNT_OF(tests), argc, argv);
}
