/* tests/historian/tags_test.c -- tags as users of a store see them: found by path and number, by readers too, with what is stored of them.
 */
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
        PT_TEST(a_path_belongs_to_the_tag_that_has_it_now),
        PT_TEST(many_tags_with_any_names_are_told_apart),
        PT_TEST(a_reader_sees_new_tags_and_makes_none),
    };
    setup();
    return pt_test_main("historian/tags", tests, PT_COUNT_OF(tests), argc, argv);
}
