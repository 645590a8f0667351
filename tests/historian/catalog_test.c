/* tests/historian/catalog_test.c -- tags keep their number for ever, their paths, types and units with the times they had them. */
#include "tests/historian/support.h"

#include <stdio.h>

static uint32_t ensure(hist *h, const char *metric, const char *path, spb_datatype type, const char *unit)
{
    hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_LIT("d"), pt_cstr(metric) };
    uint32_t id = 0;
    CHECK_OK_FATAL(hist_tag_ensure(h, &key, pt_cstr(path), type, pt_cstr(unit), &id));
    return id;
}

static void check_owner(hist *h, const char *path, uint32_t want)
{
    pt_arena arena;
    hist_tag t = { 0 };
    pt_arena_init(&arena, 1 << 20);
    pt_status st = hist_tag_by_path(h, pt_cstr(path), &arena, &t);
    CHECK_ROW(path, want ? st == PT_OK && t.tag_id == want : st == PT_ENOTFOUND);
    pt_arena_fini(&arena);
}

static void events_and_tags_survive_with_their_paths(void)
{
    const char *dir = new_dir();
    hist *h = open_store(dir, 1024);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE);
    hist_event e = { .time_ms = NOW, .type = PT_LIT("nbirth"), .node = PT_LIT("g/e"), .detail = PT_LIT("{\"x\":1}") };
    CHECK_OK(hist_event_append(h, &e));
    e.type = PT_LIT("write");
    e.time_ms++;
    CHECK_OK(hist_event_append(h, &e));
    flush(h);
    pt_fake_clock_advance(&fake, 1000);
    CHECK_INT(ensure(h, "a", "new/path", SPB_FLOAT, "bar"), a);
    flush(h);
    close_ok(h);
    h = open_store(dir, 1024);
    pt_arena arena;
    pt_arena_init(&arena, 1 << 20);
    hist_tag t;
    CHECK_OK(hist_tag_by_path(h, PT_LIT("new/path"), &arena, &t));
    CHECK_INT(t.tag_id, a);
    CHECK_INT(t.type, SPB_FLOAT);
    CHECK_STR(t.unit, "bar");
    CHECK_STR(t.key.source, "spb");
    CHECK_STR(t.key.metric, "a");
    CHECK(t.first_ms > t.last_ms && t.samples == 0);              /* none yet */
    CHECK_OK(hist_tag_by_path(h, PT_LIT("g/e/d/a"), &arena, &t)); /* the path it had */
    CHECK_STR(t.path, "new/path");
    CHECK_STATUS(hist_tag_by_path(h, PT_LIT("nope"), &arena, &t), PT_ENOTFOUND);
    CHECK_STATUS(hist_tag_by_id(h, 0, &arena, &t), PT_ENOTFOUND);
    CHECK_STATUS(hist_tag_by_id(h, 2, &arena, &t), PT_ENOTFOUND);
    pt_arena_fini(&arena);
    close_ok(h);
}

static void every_change_is_kept_with_its_time(void)
{
    const char *dir = new_dir(), *catalog = file_in(dir, "catalog.db");
    hist *h = open_bare(dir, 64);
    int64_t t0 = pt_wall_ms(&fake.clock);
    ensure(h, "a", "p/1", SPB_DOUBLE, "m");
    commit_bare(h);
    int64_t generation = sql_number(catalog, "SELECT value FROM meta WHERE key='tag_generation'");
    ensure(h, "a", "p/1", SPB_DOUBLE, "m"); /* nothing new: nothing written */
    CHECK(!hist__catalog_is_dirty(h));
    commit_bare(h);
    CHECK_INT(sql_number(catalog, "SELECT value FROM meta WHERE key='tag_generation'"), generation);
    pt_fake_clock_advance(&fake, 10);
    ensure(h, "a", "p/2", SPB_DOUBLE, "m");
    CHECK(hist__catalog_is_dirty(h));
    commit_bare(h);
    CHECK_INT(sql_number(catalog, "SELECT value FROM meta WHERE key='tag_generation'"), generation + 1);
    pt_fake_clock_advance(&fake, 10);
    ensure(h, "a", "p/2", SPB_INT32, "m");
    commit_bare(h);
    pt_fake_clock_advance(&fake, 10);
    ensure(h, "a", "p/1", SPB_INT32, "bar"); /* back to a path it had */
    commit_bare(h);
    char sql[300];
    snprintf(
        sql, sizeof sql,
        "SELECT group_concat(path || ' ' || (from_ms-%lld) || ' ' || coalesce(to_ms-%lld, '-')) = 'p/1 0 10,p/2 10 30,p/1 30 -' FROM tag_path",
        (long long)t0, (long long)t0);
    CHECK_INT(sql_number(catalog, sql), 1);
    snprintf(sql, sizeof sql, "SELECT group_concat(type || ' ' || unit || ' ' || (from_ms-%lld)) = '10 m 0,3 m 20,3 bar 30' FROM tag_meta",
             (long long)t0);
    CHECK_INT(sql_number(catalog, sql), 1);
    snprintf(sql, sizeof sql, "SELECT created_ms = %lld AND path = 'p/1' AND type = 3 AND unit = 'bar' FROM tag", (long long)t0);
    CHECK_INT(sql_number(catalog, sql), 1);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
    hist__bare_free(h);
}

static void a_path_belongs_to_the_tag_that_has_it_now(void)
{
    const char *dir = new_dir();
    hist *h = open_store(dir, 64);
    uint32_t a = ensure(h, "a", "line/level", SPB_DOUBLE, ""), b = ensure(h, "b", "line/other", SPB_DOUBLE, "");
    flush(h);
    check_owner(h, "line/level", a);
    pt_fake_clock_advance(&fake, 10);
    ensure(h, "a", "line/old", SPB_DOUBLE, ""); /* b takes over the place of a */
    ensure(h, "b", "line/level", SPB_DOUBLE, "");
    flush(h);
    for (int round = 0; round < 2; round++) {
        check_owner(h, "line/level", b);
        check_owner(h, "line/old", a);
        check_owner(h, "line/other", b); /* nobody has it any more: the one that had it last */
        close_ok(h);
        h = open_store(dir, 64);
    }
    close_ok(h);
}

static void an_id_lost_in_a_crash_is_given_out_again(void)
{
    const char *dir = new_dir();
    hist *h = open_bare(dir, 64);
    CHECK_INT(ensure(h, "a", "a", SPB_DOUBLE, ""), 1);
    commit_bare(h);
    CHECK_INT(ensure(h, "b", "b", SPB_DOUBLE, ""), 2);
    hist__bare_free(h); /* before the commit */
    h = open_bare(dir, 64);
    CHECK_INT(hist__tag_count(h), 1);
    CHECK_INT(ensure(h, "c", "c", SPB_DOUBLE, ""), 2);
    CHECK_INT(ensure(h, "a", "a", SPB_DOUBLE, ""), 1);
    hist__bare_free(h);
}

static void tags_that_could_not_be_written_stay_to_be_written(void)
{
    const char *dir = new_dir(), *catalog = file_in(dir, "catalog.db");
    hist *h = open_bare(dir, 64);
    ensure(h, "a", "a", SPB_DOUBLE, "");
    run_sql(catalog, "ALTER TABLE tag_path RENAME TO hidden");
    for (int k = 0; k < 2; k++) {
        pt_error err = { 0 };
        CHECK(hist__catalog_commit(h, NULL, 1, &err) != PT_OK);
        CHECK(strstr(err.text, "tag_path") != NULL);
        CHECK(hist__catalog_is_dirty(h));
        CHECK_INT(sql_number(catalog, "SELECT count(*) FROM tag"), 0); /* all or nothing */
    }
    ensure(h, "a", "b", SPB_DOUBLE, ""); /* changed meanwhile */
    run_sql(catalog, "ALTER TABLE hidden RENAME TO tag_path");
    CHECK_OK(hist__catalog_commit(h, NULL, 1, NULL));
    CHECK(!hist__catalog_is_dirty(h));
    CHECK_INT(sql_number(catalog, "SELECT path = 'b' FROM tag"), 1);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
    hist__bare_free(h);
}

static bool count_tags(void *ctx, const hist_tag *t)
{
    uint32_t *n = ctx;
    CHECK_INT(t->tag_id, ++*n);
    return t->tag_id != 5000;
}

static void many_tags_with_any_names_are_told_apart(void)
{
    const char *dir = new_dir();
    hist *h = open_bare(dir, 64);
    char longest[3000];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    uint32_t first = ensure(h, longest, "long", SPB_DOUBLE, "");
    longest[0] = 'y';
    CHECK(ensure(h, longest, "longer", SPB_DOUBLE, "") != first);
    hist_tag_key split[] = { { PT_LIT("spb"), PT_LIT("ab"), PT_LIT("c"), PT_LIT(""), PT_LIT("m") },
                             { PT_LIT("spb"), PT_LIT("a"), PT_LIT("bc"), PT_LIT(""), PT_LIT("m") },
                             { PT_LIT("spb"), PT_LIT("ab"), PT_LIT(""), PT_LIT("c"), PT_LIT("m") },
                             { PT_LIT("mqtt"), PT_LIT("ab"), PT_LIT("c"), PT_LIT(""), PT_LIT("m") } };
    for (size_t i = 0; i < PT_COUNT_OF(split); i++) { /* where one part ends and the next begins matters */
        uint32_t id = 0;
        CHECK_OK(hist_tag_ensure(h, &split[i], PT_LIT("same/path"), SPB_DOUBLE, PT_NONE, &id));
        CHECK_INT(id, 3 + i);
    }
    for (uint32_t i = 7; i <= HIST__SEGMENT + 2000; i++) { /* more than one piece of the tables */
        char name[20];
        snprintf(name, sizeof name, "n%u", i);
        CHECK_INT(ensure(h, name, name, SPB_DOUBLE, ""), i);
    }
    commit_bare(h);
    hist__bare_free(h);
    h = open_store(dir, 64);
    CHECK_INT(hist__tag_count(h), HIST__SEGMENT + 2000);
    CHECK_INT(ensure(h, longest, "longer", SPB_DOUBLE, ""), 2);
    check_owner(h, "n6000", 6000);
    uint32_t n = 0;
    CHECK_OK(hist_tag_each(h, count_tags, &n));
    CHECK_INT(n, 5000); /* it stopped when told */
    close_ok(h);
}

static void a_reader_sees_new_tags_and_makes_none(void)
{
    const char *dir = new_dir();
    hist *h = open_store(dir, 64);
    ensure(h, "a", "a", SPB_DOUBLE, "");
    flush(h);
    hist *reader = open_reader(dir);
    hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_LIT("d"), PT_LIT("a") };
    uint32_t id = 0;
    CHECK_OK(hist_tag_ensure(reader, &key, PT_LIT("a"), SPB_DOUBLE, PT_LIT(""), &id)); /* nothing to change */
    CHECK_INT(id, 1);
    key.metric = PT_LIT("b");
    CHECK_STATUS(hist_tag_ensure(reader, &key, PT_LIT("b"), SPB_DOUBLE, PT_LIT(""), &id), PT_EREADONLY);
    pt_fake_clock_advance(&fake, 10);
    CHECK_INT(ensure(h, "b", "b", SPB_DOUBLE, ""), 2);
    ensure(h, "a", "moved", SPB_FLOAT, "bar");
    flush(h);
    check_owner(reader, "b", 2);
    check_owner(reader, "moved", 1);
    check_owner(reader, "a", 1);
    close_ok(reader);
    close_ok(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(events_and_tags_survive_with_their_paths),
        PT_TEST(every_change_is_kept_with_its_time),
        PT_TEST(a_path_belongs_to_the_tag_that_has_it_now),
        PT_TEST(an_id_lost_in_a_crash_is_given_out_again),
        PT_TEST(tags_that_could_not_be_written_stay_to_be_written),
        PT_TEST(many_tags_with_any_names_are_told_apart),
        PT_TEST(a_reader_sees_new_tags_and_makes_none),
    };
    setup();
    return pt_test_main("historian/catalog", tests, PT_COUNT_OF(tests), argc, argv);
}
