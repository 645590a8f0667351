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

static void every_change_is_kept_with_its_time(void)
{
    const char *dir = new_dir(), *catalog = file_in(dir, "catalog.db");
    hist *h = open_bare(dir, 64);
    int64_t t0 = pt_wall_ms(&fake.clock);
    ensure(h, "a", "p/1", SPB_DOUBLE, "m");
    commit_bare(h);
    int64_t generation = sql_number(catalog, "SELECT value FROM meta WHERE key='tag_generation'");
    ensure(h, "a", "p/1", SPB_DOUBLE, "m"); /* nothing new: nothing written */
    CHECK(!hist__catalog_is_dirty(&h->catalog));
    commit_bare(h);
    CHECK_INT(sql_number(catalog, "SELECT value FROM meta WHERE key='tag_generation'"), generation);
    pt_fake_clock_advance(&fake, 10);
    ensure(h, "a", "p/2", SPB_DOUBLE, "m");
    CHECK(hist__catalog_is_dirty(&h->catalog));
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
        CHECK(hist__catalog_commit(&h->catalog, NULL, 1, &err) != PT_OK);
        CHECK(strstr(err.text, "tag_path") != NULL);
        CHECK(hist__catalog_is_dirty(&h->catalog));
        CHECK_INT(sql_number(catalog, "SELECT count(*) FROM tag"), 0); /* all or nothing */
    }
    ensure(h, "a", "b", SPB_DOUBLE, ""); /* changed meanwhile */
    run_sql(catalog, "ALTER TABLE hidden RENAME TO tag_path");
    CHECK_OK(hist__catalog_commit(&h->catalog, NULL, 1, NULL));
    CHECK(!hist__catalog_is_dirty(&h->catalog));
    CHECK_INT(sql_number(catalog, "SELECT path = 'b' FROM tag"), 1);
    CHECK_INT(faults_in(dir, false, true, NULL), 0);
    hist__bare_free(h);
}

typedef struct rooms {
    uint32_t asked, most;
} rooms;

static pt_status room(void *ctx, uint32_t tag_id)
{
    rooms *r = ctx;
    r->asked = tag_id;
    return tag_id > r->most ? PT_ENOMEM : PT_OK;
}

static void an_id_is_given_out_only_when_there_is_room_for_it_elsewhere(void)
{
    static hist__catalog c;
    const hist_options o = options_for(new_dir(), 64);
    rooms r = { .most = 2 };
    uint32_t id = 0;
    CHECK_OK_FATAL(hist__catalog_init(&c, &o, room, &r));
    for (uint32_t i = 1; i <= 3; i++) {
        char name[] = { 't', (char)('0' + i), 0 };
        hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_LIT("d"), pt_cstr(name) };
        pt_status st = hist__catalog_ensure(&c, &key, pt_cstr(name), SPB_DOUBLE, PT_NONE, NOW, true, &id);
        CHECK_STATUS(st, i <= 2 ? PT_OK : PT_ENOMEM);
        CHECK_INT(r.asked, i);
        CHECK_INT(hist__catalog_count(&c), i <= 2 ? i : 2);
        CHECK_STATUS(hist__catalog_ensure(&c, &key, pt_cstr(name), SPB_DOUBLE, PT_NONE, NOW, false, &id), i <= 2 ? PT_OK : PT_EREADONLY);
    }
    id = hist__catalog_owner(&c, PT_LIT("t2")); /* in memory alone: no file was opened */
    CHECK_INT(id, 2);
    CHECK(hist__catalog_is_dirty(&c));
    pt_arena arena;
    hist_tag tag;
    pt_arena_init(&arena, 1000);
    CHECK_OK(hist__catalog_tag(&c, 2, &arena, &tag));
    CHECK_STR(tag.path, "t2");
    CHECK_STATUS(hist__catalog_tag(&c, 3, &arena, &tag), PT_ENOTFOUND);
    pt_arena_fini(&arena);
    hist__catalog_fini(&c);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_change_is_kept_with_its_time),
        PT_TEST(an_id_lost_in_a_crash_is_given_out_again),
        PT_TEST(tags_that_could_not_be_written_stay_to_be_written),
        PT_TEST(an_id_is_given_out_only_when_there_is_room_for_it_elsewhere),
    };
    setup();
    return pt_test_main("historian/catalog", tests, PT_COUNT_OF(tests), argc, argv);
}
