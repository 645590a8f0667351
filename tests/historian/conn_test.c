/* tests/historian/conn_test.c -- read connections are reused for the same file, bounded, and never for a file made anew. */
#include "tests/historian/support.h"

#include <unistd.h>

static hist *sealed_weeks(const char *dir, unsigned weeks)
{
    hist *h = open_bare(dir, 64);
    uint32_t tag = make_tag(h, "a", SPB_DOUBLE);
    for (unsigned w = 0; w < weeks; w++)
        append_one(h, f64(tag, NOW + (int64_t)w * WEEK, w));
    commit_bare(h);
    CHECK_OK_FATAL(hist__seal(h, &tag, 1, NULL));
    hist__pool_close(&h->weeks);
    return h;
}

static unsigned idle(hist *h)
{
    unsigned n = 0;
    for (const hist__conn *c = h->weeks.idle; c; c = c->next)
        n++;
    CHECK_INT(n, h->weeks.n_idle);
    return n;
}

static void a_connection_given_back_is_taken_again(void)
{
    hist *h = sealed_weeks(new_dir(), 2);
    int64_t week = hist__partition_start(NOW), next = hist__partition_start(NOW + WEEK);
    hist__conn *a = NULL, *b = NULL, *c = NULL;
    pt_error err = { 0 };
    CHECK_OK_FATAL(hist__conn_take(&h->weeks, week, &a, &err));
    CHECK_OK_FATAL(hist__conn_take(&h->weeks, week, &b, &err)); /* two at once are two */
    CHECK(a != b && a->db != b->db);
    hist__conn_give(&h->weeks, a);
    hist__conn_give(&h->weeks, b);
    hist__conn_give(&h->weeks, NULL);
    CHECK_INT(idle(h), 2);
    CHECK_OK_FATAL(hist__conn_take(&h->weeks, next, &c, &err)); /* another file: not one of them */
    CHECK(c != a && c != b);
    hist__conn *again = NULL;
    CHECK_OK_FATAL(hist__conn_take(&h->weeks, week, &again, &err));
    CHECK(again == a || again == b);
    CHECK_INT(idle(h), 1);
    hist__conn_close(again); /* as after an error */
    hist__conn_give(&h->weeks, c);
    CHECK_INT(idle(h), 2);
    hist__pool_close(&h->weeks);
    CHECK_INT(idle(h), 0);
    CHECK_STATUS(hist__conn_take(&h->weeks, hist__partition_start(NOW + 9 * WEEK), &a, &err), PT_ENOTFOUND);
    hist__bare_free(h);
}

static void the_pool_keeps_those_used_last(void)
{
    enum { WEEKS = HIST__IDLE_CONNS + 5 };
    hist *h = sealed_weeks(new_dir(), WEEKS);
    hist__conn *all[WEEKS];
    for (unsigned w = 0; w < WEEKS; w++)
        CHECK_OK_FATAL(hist__conn_take(&h->weeks, hist__partition_start(NOW + (int64_t)w * WEEK), &all[w], NULL));
    for (unsigned w = 0; w < WEEKS; w++)
        hist__conn_give(&h->weeks, all[w]);
    CHECK_INT(idle(h), HIST__IDLE_CONNS);
    for (const hist__conn *c = h->weeks.idle; c; c = c->next)
        CHECK(c->start_ms >= hist__partition_start(NOW + 5 * WEEK)); /* the first five are gone */
    hist__bare_free(h);
}

static void a_file_made_anew_is_opened_anew(void)
{
    hist *h = sealed_weeks(new_dir(), 1);
    int64_t week = hist__partition_start(NOW);
    hist__conn *old = NULL, *fresh = NULL;
    CHECK_OK_FATAL(hist__conn_take(&h->weeks, week, &old, NULL));
    hist__conn_give(&h->weeks, old);
    h->weeks.list[0].generation = ++h->weeks.next_generation; /* as when retention dropped it and a late sample made it again */
    CHECK_OK_FATAL(hist__conn_take(&h->weeks, week, &fresh, NULL));
    CHECK(fresh != old);
    CHECK_INT(fresh->generation, h->weeks.list[0].generation);
    hist__conn_give(&h->weeks, fresh);
    hist__bare_free(h);
}

static void a_damaged_or_vanished_file_is_said(void)
{
    const char *dir = new_dir();
    hist *h = sealed_weeks(dir, 2);
    hist__part_forget(&h->writer, hist__partition_start(NOW));
    hist__part_forget(&h->writer, hist__partition_start(NOW + WEEK));
    const char *path = partition_in(dir, NOW), *gone = partition_in(dir, NOW + WEEK);
    spoil(path, 0, "garbage instead of a header");
    CHECK_FATAL(unlink(gone) == 0);
    hist__conn *c = NULL;
    pt_error err = { 0 };
    CHECK_STATUS(hist__conn_take(&h->weeks, hist__partition_start(NOW), &c, &err), PT_ECORRUPT);
    CHECK(c == NULL && err.text[0]);
    CHECK_STATUS(hist__conn_take(&h->weeks, hist__partition_start(NOW + WEEK), &c, &err), PT_ENOTFOUND);
    CHECK(c == NULL && strstr(err.text, gone) != NULL);
    CHECK_INT(idle(h), 0);
    hist__bare_free(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_connection_given_back_is_taken_again),
        PT_TEST(the_pool_keeps_those_used_last),
        PT_TEST(a_file_made_anew_is_opened_anew),
        PT_TEST(a_damaged_or_vanished_file_is_said),
    };
    setup();
    return pt_test_main("historian/conn", tests, PT_COUNT_OF(tests), argc, argv);
}
