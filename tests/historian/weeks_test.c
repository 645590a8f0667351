/* tests/historian/weeks_test.c -- which week a time is in, what its file is called, and which weeks there are. */
#include "base/random.h"
#include "tests/historian/support.h"

#include <stdio.h>
#include <stdlib.h>

static void every_time_is_in_exactly_one_partition(void)
{
    static const int64_t times[] = {
        INT64_MIN,         INT64_MIN + 1, -1,       0, HIST__EARLY_MS - 1, HIST__EARLY_MS, HIST__EARLY_MS + 1, HIST__EARLY_MS + WEEK, NOW,
        HIST__LATE_MS - 1, HIST__LATE_MS, INT64_MAX
    };
    pt_random rnd = pt_random_seed(1);
    for (unsigned i = 0; i < 20000; i++) {
        int64_t t = i < PT_COUNT_OF(times) ? times[i]
                    : i % 2                ? (int64_t)pt_random_u64(&rnd)
                                           : HIST__EARLY_MS + (int64_t)pt_random_below(&rnd, (uint64_t)(HIST__LATE_MS - HIST__EARLY_MS));
        int64_t start = hist__partition_start(t), end = hist__partition_end(start), back = 1;
        char name[40];
        hist__partition_name(start, name);
        bool ok = start <= t && (t < end || end == INT64_MAX) && hist__partition_parse(name, &back) && back == start;
        ok = ok && (start == HIST__EARLY_START || hist__partition_start(start - 1) != start) &&
             (end == INT64_MAX || hist__partition_start(end) == end);
        CHECK(ok);
        if (!ok) printf("%lld: %s %lld..%lld\n", (long long)t, name, (long long)start, (long long)end);
    }
}

static void names_say_the_week(void)
{
    static const struct {
        int64_t t;
        const char *name;
    } rows[] = {
        { INT64_MIN, "blocks-early.db" }, { HIST__EARLY_MS - 1, "blocks-early.db" }, { HIST__EARLY_MS, "blocks-946684800.db" },
        { NOW, "blocks-1749686400.db" },  { HIST__LATE_MS, "blocks-late.db" },
    };
    char name[40];
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        hist__partition_name(hist__partition_start(rows[i].t), name);
        CHECK_STR(pt_cstr(name), rows[i].name);
    }
    static const char *const foreign[] = { "",
                                           "blocks-.db",
                                           "blocks-1749686400",
                                           "blocks-1749686400.db-wal",
                                           "blocks-1749686401.db",
                                           "blocks--1.db",
                                           "blocks-x.db",
                                           "blocks-1749686400.db.damaged-1",
                                           "blocks-4102444800.db",
                                           "blocks-99999999999999999999.db",
                                           "catalog.db",
                                           "xblocks-1749686400.db",
                                           "blocks-0.db" };
    int64_t start = 5;
    for (size_t i = 0; i < PT_COUNT_OF(foreign); i++)
        CHECK_ROW(foreign[i], !hist__partition_parse(foreign[i], &start));
}

static void only_our_files_are_found(void)
{
    const char *dir = new_dir();
    hist *h = open_bare(dir, 64);
    static const char *const names[] = { "blocks-1749686400.db", "blocks-early.db", "blocks-1749686400.db-wal",
                                         "blocks-7.db",          "notes.txt",       "blocks-late.db" };
    for (size_t i = 0; i < PT_COUNT_OF(names); i++) {
        FILE *f = fopen(file_in(dir, names[i]), "w");
        CHECK_FATAL(f && fclose(f) == 0);
    }
    pt_error err = { 0 };
    for (int round = 0; round < 2; round++) { /* a second look adds nothing */
        CHECK_OK(hist__weeks_scan(&h->weeks, &err));
        CHECK_INT(h->weeks.n, 3);
        CHECK(h->weeks.list[0].start_ms == HIST__EARLY_START && h->weeks.list[1].start_ms == INT64_C(1749686400000) &&
              h->weeks.list[2].start_ms == HIST__LATE_MS);
    }
    hist__bare_free(h);
    h = NULL;
}

static hist__weeks three_weeks(const char *dir)
{
    static const int64_t order[] = { 1, 0, 2 };
    hist__weeks w;
    CHECK_OK_FATAL(hist__weeks_init(&w, dir));
    for (size_t i = 0; i < PT_COUNT_OF(order); i++)
        CHECK_OK_FATAL(hist__weeks_add(&w, hist__partition_start(NOW + order[i] * WEEK)));
    return w;
}

static void a_list_has_the_weeks_that_a_range_touches(void)
{
    int64_t first = hist__partition_start(NOW);
    static const struct {
        const char *row;
        int64_t from, to; /* against the first week's start */
        size_t n, at;
    } rows[] = {
        { "before all", -WEEK, 0, 0, 0 },         { "one ms of the first", -5, 1, 1, 0 },
        { "the first alone", 0, WEEK, 1, 0 },     { "over a border", WEEK - 1, WEEK + 1, 2, 0 },
        { "the last two", WEEK, 9 * WEEK, 2, 1 }, { "behind all", 3 * WEEK, 4 * WEEK, 0, 0 },
    };
    hist__weeks w = three_weeks("unused");
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        int64_t *starts = NULL;
        size_t n = 9;
        CHECK_OK(hist__weeks_between(&w, first + rows[i].from, first + rows[i].to, &starts, &n));
        CHECK_ROW(rows[i].row, n == rows[i].n);
        for (size_t k = 0; k < n && k < rows[i].n; k++)
            CHECK_ROW(rows[i].row, starts[k] == first + (int64_t)(rows[i].at + k) * WEEK);
        free(starts);
    }
    hist__weeks_fini(&w);
}

static void sizes_are_of_the_weeks_that_are_there(void)
{
    int64_t first = hist__partition_start(NOW);
    uint64_t blocks = 0, bytes = 0;
    hist__week week;
    hist__weeks w = three_weeks("unused");
    hist__weeks_set_size(&w, first, 5, 500);
    hist__weeks_add_size(&w, first, -2, -150);
    hist__weeks_add_size(&w, first + WEEK, 4, 400);
    hist__weeks_add_size(&w, first + 7 * WEEK, 1, 100); /* is not on the list */
    hist__weeks_size(&w, &blocks, &bytes);
    CHECK(blocks == 7 && bytes == 750);
    hist__weeks_drop(&w, first + WEEK);
    hist__weeks_size(&w, &blocks, &bytes);
    CHECK(blocks == 3 && bytes == 350);
    CHECK_INT(hist__weeks_count(&w), 2);
    CHECK(hist__weeks_at(&w, 1, &week) && week.start_ms == first + 2 * WEEK && !hist__weeks_at(&w, 2, &week));
    hist__weeks_clear_sizes(&w);
    hist__weeks_size(&w, &blocks, &bytes);
    CHECK(blocks == 0 && bytes == 0);
    hist__weeks_fini(&w);
}

static void a_week_made_anew_is_another_generation_and_marked(void)
{
    int64_t first = hist__partition_start(NOW);
    hist__week before, after;
    hist__weeks w = three_weeks("unused");
    CHECK_FATAL(hist__weeks_at(&w, 0, &before));
    CHECK_OK(hist__weeks_add(&w, first)); /* it is there: nothing changes */
    CHECK(hist__weeks_at(&w, 0, &after) && after.generation == before.generation && !hist__weeks_mended(&w, first));
    hist__weeks_renew(&w, first, 3, 300);
    CHECK(hist__weeks_at(&w, 0, &after) && after.generation > before.generation && after.blocks == 3 && after.bytes == 300);
    CHECK(hist__weeks_mended(&w, first) && !hist__weeks_mended(&w, first + WEEK) && !hist__weeks_mended(&w, first + 8 * WEEK));
    hist__weeks_fini(&w);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_time_is_in_exactly_one_partition),
        PT_TEST(names_say_the_week),
        PT_TEST(only_our_files_are_found),
        PT_TEST(a_list_has_the_weeks_that_a_range_touches),
        PT_TEST(sizes_are_of_the_weeks_that_are_there),
        PT_TEST(a_week_made_anew_is_another_generation_and_marked),
    };
    setup();
    return pt_test_main("historian/weeks", tests, PT_COUNT_OF(tests), argc, argv);
}
