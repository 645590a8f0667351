/* tests/historian/summary_test.c -- a summary survives its way through the columns of a partition. */
#include "tests/historian/support.h"

#include <math.h>

static void a_summary_survives_its_columns(void)
{
    hist *h = open_bare(new_dir(), 64);
    sqlite3_stmt *put = NULL, *get = NULL;
    CHECK_OK_FATAL(hist__db_exec(h->catalog.db, "CREATE TEMP TABLE s(" HIST__BLOCK_COLUMNS ")", NULL));
    CHECK_OK_FATAL(hist__db_prepare(h->catalog.db,
                                    "INSERT INTO s VALUES(?1,?2,1,2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21)",
                                    &put, NULL));
    hist_sample rows[] = { f64(1, 10, 2), f64(1, 20, -INFINITY), f64(1, 30, NAN), state_row(1, 40),
                           f64(1, 50, 5), f64(1, 60, 1),         f64(1, 70, 0),   f64(1, 80, 0) };
    rows[4].quality = SPB_BAD;
    rows[5].quality = SPB_UNCERTAIN;
    rows[6].flags = HIST_NULL;
    rows[7].flags = HIST_NULL;
    rows[7].quality = SPB_STALE;
    static const size_t lengths[] = { 8, 1, 6 };
    for (size_t k = 0; k < PT_COUNT_OF(lengths) + 1; k++) {
        hist__summary a, b;
        if (k < PT_COUNT_OF(lengths)) hist__summarize(rows, lengths[k], &a);
        else hist__summarize(rows + 3, 2, &a); /* no number at all */
        sqlite3_bind_int64(put, 1, a.t0);
        sqlite3_bind_int64(put, 2, a.t1);
        hist__summary_bind(put, 3, &a);
        CHECK_OK_FATAL(hist__db_run(h->catalog.db, put, NULL));
        bool row = false;
        CHECK_OK_FATAL(hist__db_prepare(h->catalog.db, "SELECT " HIST__BLOCK_COLUMNS " FROM s ORDER BY rowid DESC LIMIT 1", &get, NULL));
        CHECK_OK_FATAL(hist__db_step(h->catalog.db, get, &row, NULL));
        hist__summary_read(get, 0, &b);
        sqlite3_finalize(get);
        CHECK(a.t0 == b.t0 && a.t1 == b.t1 && a.rows == b.rows && a.samples == b.samples && a.good == b.good &&
              a.uncertain == b.uncertain && a.bad == b.bad && a.stale == b.stale);
        CHECK(a.nulls == b.nulls && a.nums == b.nums && a.open == b.open);
        if (a.nums == 0) continue;
        CHECK(a.num_t0 == b.num_t0 && a.num_t1 == b.num_t1 && a.area_ms == b.area_ms);
        const double x[] = { a.min, a.max, a.sum, a.first, a.last, a.m2, a.area },
                     y[] = { b.min, b.max, b.sum, b.first, b.last, b.m2, b.area };
        for (size_t i = 0; i < PT_COUNT_OF(x); i++)
            CHECK(x[i] == y[i] || (isnan(x[i]) && isnan(y[i])));
    }
    sqlite3_finalize(put);
    hist__bare_free(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_summary_survives_its_columns),
    };
    setup();
    return pt_test_main("historian/summary", tests, PT_COUNT_OF(tests), argc, argv);
}
