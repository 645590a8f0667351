/* tests/host/paths_test.c -- a path has one owner: who keeps it, who waits, who takes it over, and what the path's history is then. */
#include "host/ingest/paths.h"

#include "historian/maintain.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>

enum { NOW = 1750000000, AFTER = 30000, PATHS = 2, SOURCES = 4 }; /* NOW in s; the last source is an import */

typedef struct scene {
    char dir[100];
    pt_fake_clock fake;
    hist *h;
    uns_tree *tree;
    host_paths *paths;
    bool adopt;
    char said[4000]; /* "takeover 2<1 collision 3<2 " */
} scene;

static void heard(void *ctx, const host_path_change *c)
{
    scene *s = ctx;
    size_t n = strlen(s->said);
    if (n + 60 > sizeof s->said) n = 0; /* the random lives do not read it */
    snprintf(s->said + n, sizeof s->said - n, "%s %u<%u ", c->type == HOST_EVENT_PATH_TAKEOVER ? "takeover" : "collision", c->tag_id,
             c->other);
}

static bool load(void *ctx, const hist_tag *t)
{
    scene *s = ctx;
    uns_tag_def d = {
        .tag_id = t->tag_id, .path = t->path, .group = t->key.group, .edge = t->key.edge, .metric = t->key.metric, .type = t->type
    };
    CHECK_OK(uns_tag_put(s->tree, &d));
    uns_stale(s->tree, &t->tag_id, 1, pt_wall_ms(&s->fake.clock));
    return true;
}

static void start(scene *s)
{
    hist_options o;
    pt_error err = { 0 };
    hist_options_init(&o);
    o.dir = s->dir;
    CHECK_OK_FATAL(hist_open(&o, &s->fake.clock, NULL, &s->h, &err));
    CHECK_OK_FATAL(uns_tree_new(&s->tree));
    s->paths = host_paths_new(&(host_paths_options){ .adopt = s->adopt, .takeover_after_ms = AFTER }, s->tree, s->h, &s->fake.clock);
    CHECK_FATAL(s->paths != NULL);
    CHECK_OK(hist_tag_each(s->h, load, s));
}

static void stop(scene *s)
{
    host_paths_free(s->paths);
    uns_tree_free(s->tree);
    CHECK_OK(hist_close(s->h, 10000, NULL));
}

static void scene_open(scene *s, bool adopt)
{
    *s = (scene){ .adopt = adopt };
    snprintf(s->dir, sizeof s->dir, "/tmp/plantree-paths-XXXXXX");
    CHECK_FATAL(mkdtemp(s->dir) != NULL);
    pt_fake_clock_init(&s->fake, (int64_t)NOW * 1000);
    start(s);
}

static void scene_close(scene *s)
{
    char command[200];
    stop(s);
    snprintf(command, sizeof command, "rm -rf '%s'", s->dir);
    CHECK_INT(system(command), 0);
}

static hist_tag_key key_of(char source, char name[2])
{
    name[0] = source;
    name[1] = 0;
    return (hist_tag_key){ source == 'i' ? PT_LIT("import") : PT_LIT("spb"), PT_LIT("g"), pt_cstr(name), PT_LIT(""), PT_LIT("m") };
}

/* Source 'a'.. is born with that path; 'i' imports under it. Its tag. */
static uint32_t born(scene *s, char source, const char *path)
{
    char name[2];
    hist_tag_key key = key_of(source, name);
    uns_tag_def d = { .path = pt_cstr(path), .group = key.group, .edge = key.edge, .metric = key.metric, .type = SPB_DOUBLE };
    d.there = true;
    uint32_t id = 0;
    bool in_tree = false;
    if (source == 'i') CHECK_OK(hist_tag_ensure(s->h, &key, d.path, SPB_DOUBLE, PT_LIT(""), &id));
    else CHECK_OK(host_paths_born(s->paths, &key, &d, heard, s, &id, &in_tree));
    return id;
}

static void away(scene *s, uint32_t id)
{
    uns_stale(s->tree, &id, 1, pt_wall_ms(&s->fake.clock));
}

static void pass(scene *s, int64_t ms)
{
    pt_fake_clock_advance(&s->fake, ms);
}

static void value(scene *s, uint32_t id, double v)
{
    hist_sample x = { .tag_id = id, .time_ms = pt_wall_ms(&s->fake.clock), .type = SPB_DOUBLE, .as.f64 = v };
    CHECK_OK(hist_append(s->h, &x, 1));
    CHECK_OK(hist_flush(s->h, 10000, NULL));
    pass(s, 1);
}

static void see_id(void *ctx, const uns_tag_view *v)
{
    *(uint32_t *)ctx = v->def.tag_id;
}

static uint32_t in_tree(scene *s, const char *path)
{
    uint32_t id = 0;
    return uns_read(s->tree, pt_cstr(path), see_id, &id) == PT_OK ? id : 0;
}

/* All that shows the path means the same tag. */
static void check_owner(scene *s, const char *row, const char *path, uint32_t want)
{
    CHECK_ROW(row, hist_path_owner(s->h, pt_cstr(path)) == want);
    uint32_t shown = in_tree(s, path);
    CHECK_ROW(row, shown == want || (shown == 0 && want));
}

/* "1 2 S 3": the path's history; S a break. */
static void check_history(scene *s, const char *path, const char *want)
{
    char got[400] = "";
    pt_arena arena;
    hist_line line;
    hist_cursor *c = NULL;
    const hist_sample *rows;
    size_t n = 1, len = 0;
    pt_arena_init(&arena, 1 << 20);
    CHECK_OK_FATAL(hist_path_line(s->h, pt_cstr(path), &arena, &line, NULL));
    CHECK_OK_FATAL(hist_cursor_open(s->h, line, INT64_MIN, INT64_MAX, true, &c, NULL));
    while (n && hist_cursor_view(c, &rows, &n, NULL) == PT_OK) {
        for (size_t i = 0; i < n && len < sizeof got - 40; i++)
            len += (size_t)(rows[i].flags & HIST_STATE ? snprintf(got + len, 40, "S ") : snprintf(got + len, 40, "%g ", rows[i].as.f64));
    }
    hist_cursor_close(c);
    pt_arena_fini(&arena);
    CHECK_STR(pt_cstr(got), want);
}

static void a_gateway_is_replaced_and_the_path_goes_on(void)
{
    scene s;
    scene_open(&s, true);
    uint32_t a = born(&s, 'a', "line/temp");
    value(&s, a, 1);
    away(&s, a);
    pass(&s, AFTER);
    uint32_t b = born(&s, 'b', "line/temp");
    CHECK_STR(pt_cstr(s.said), "takeover 2<1 ");
    check_owner(&s, "taken", "line/temp", b);
    value(&s, b, 2);
    check_history(&s, "line/temp", "1 S 2 ");
    stop(&s);
    start(&s);
    check_owner(&s, "after a restart", "line/temp", b);
    CHECK_INT(in_tree(&s, "_source/spb/g/a/_node/m"), a);
    check_history(&s, "line/temp", "1 S 2 ");
    /* The old one comes back while the new one is there: it waits. Then they take turns. */
    born(&s, 'b', "line/temp");
    s.said[0] = 0;
    born(&s, 'a', "line/temp");
    CHECK_STR(pt_cstr(s.said), "collision 1<2 ");
    value(&s, b, 3);
    away(&s, b);
    host_paths_tick(s.paths, heard, &s);
    check_owner(&s, "not yet", "line/temp", b);
    pass(&s, AFTER);
    host_paths_tick(s.paths, heard, &s);
    check_owner(&s, "back again", "line/temp", a);
    value(&s, a, 4);
    check_history(&s, "line/temp", "1 S 2 3 S 4 ");
    scene_close(&s);
}

static void what_was_imported_makes_way_at_once_whatever_the_order(void)
{
    scene s;
    scene_open(&s, true);
    uint32_t i = born(&s, 'i', "line/temp");
    value(&s, i, 1);
    uint32_t a = born(&s, 'a', "line/temp");
    check_owner(&s, "taken from the import", "line/temp", a);
    value(&s, a, 2);
    check_history(&s, "line/temp", "1 S 2 ");
    CHECK_INT(born(&s, 'i', "line/temp"), i); /* imported again: the source keeps its path */
    check_owner(&s, "kept", "line/temp", a);
    scene_close(&s);
}

static void nobody_takes_over_when_it_is_forbidden_and_a_hand_may(void)
{
    scene s;
    scene_open(&s, false);
    uint32_t a = born(&s, 'a', "p");
    away(&s, a);
    pass(&s, 10 * AFTER);
    uint32_t b = born(&s, 'b', "p");
    host_paths_tick(s.paths, heard, &s);
    check_owner(&s, "forbidden", "p", a);
    CHECK_STR(pt_cstr(s.said), "collision 2<1 ");
    CHECK_OK(hist_path_take(s.h, PT_LIT(""), a, 0));
    CHECK_OK(uns_tag_place(s.tree, a, PT_LIT("")));
    host_paths_tick(s.paths, heard, &s);
    check_owner(&s, "made way", "p", b);
    scene_close(&s);
}

static void after_a_start_of_the_host_an_owner_has_time_to_be_heard_of(void)
{
    scene s;
    scene_open(&s, true);
    uint32_t a = born(&s, 'a', "p"), b = born(&s, 'b', "p");
    stop(&s);
    pass(&s, 100 * AFTER);
    start(&s);
    born(&s, 'b', "p"); /* it is the first to be heard */
    check_owner(&s, "not yet", "p", a);
    pass(&s, AFTER / 2);
    born(&s, 'a', "p");
    pass(&s, AFTER);
    host_paths_tick(s.paths, heard, &s);
    check_owner(&s, "the owner is there", "p", a);
    CHECK(b != a);
    scene_close(&s);
}

static void rules_count_for_tags_that_never_come_back(void)
{
    scene s;
    const char *field;
    pt_error err = { 0 };
    host_paths_moved moved;
    uns_map *map = NULL;
    scene_open(&s, true);
    uint32_t a = born(&s, 'a', "g/a/m"), b = born(&s, 'b', "g/b/m"), c = born(&s, 'c', "g/c/m"), i = born(&s, 'i', "im/port");
    value(&s, a, 1);
    stop(&s);
    start(&s);
    CHECK_OK(host_paths_rules(s.paths, NULL, &moved)); /* the literal places: nothing to do */
    CHECK_INT(moved.left + moved.placed + moved.waiting + moved.left_alone, 0);
    CHECK_OK_FATAL(uns_map_new(UNS_EMPTY_DROP, UNS_UNMAPPED_LITERAL, &map));
    const uns_rule_def rules[] = {
        { .id = PT_LIT("swap1"), .edge = PT_LIT("a"), .to = PT_LIT("g/b/m") },
        { .id = PT_LIT("swap2"), .edge = PT_LIT("b"), .to = PT_LIT("g/a/m") },
        { .id = PT_LIT("birth"), .edge = PT_LIT("c"), .to = PT_LIT("{prop.place}/m") },
    };
    for (size_t k = 0; k < PT_COUNT_OF(rules); k++)
        CHECK_OK_FATAL(uns_map_rule(map, &rules[k], &field, &err));
    CHECK_OK(host_paths_rules(s.paths, map, &moved));
    CHECK_INT(moved.left, 2);
    CHECK_INT(moved.placed, 2);
    CHECK_INT(moved.left_alone, 1);
    for (int round = 0; round < 2; round++) {
        check_owner(&s, "changed places", "g/b/m", a);
        check_owner(&s, "changed places", "g/a/m", b);
        check_owner(&s, "only its birth knows", "g/c/m", c);
        check_owner(&s, "not of the rules", "im/port", i);
        check_history(&s, "g/a/m", "1 S ");
        stop(&s);
        start(&s);
    }
    uns_map_free(map);
    scene_close(&s);
}

static void by_other_rules_the_owner_keeps_its_place_before_those_that_wait(void)
{
    scene s;
    const char *field;
    pt_error err = { 0 };
    host_paths_moved moved;
    uns_map *map = NULL;
    const uns_rule_def rule = { .id = PT_LIT("all"), .group = PT_LIT("g"), .to = PT_LIT("there") };
    scene_open(&s, true);
    uint32_t a = born(&s, 'a', "here");
    value(&s, a, 1);
    away(&s, a);
    pass(&s, AFTER);
    uint32_t b = born(&s, 'b', "here");
    value(&s, b, 2);
    CHECK_OK_FATAL(uns_map_new(UNS_EMPTY_DROP, UNS_UNMAPPED_LITERAL, &map));
    CHECK_OK_FATAL(uns_map_rule(map, &rule, &field, &err));
    CHECK_OK(host_paths_rules(s.paths, map, &moved));
    CHECK(moved.left == 1 && moved.placed == 1 && moved.waiting == 1);
    check_owner(&s, "the owner moves", "there", b);
    check_owner(&s, "and leaves", "here", 0);
    check_history(&s, "there", "2 ");
    check_history(&s, "here", "1 S 2 S ");
    uns_map_free(map);
    scene_close(&s);
}

/* ---- random lives against a model ------------------------------------------------------------------------------ */

typedef struct model {
    bool there[SOURCES];
    int64_t since[SOURCES]; /* away since */
    int maps[SOURCES];      /* to which path; -1: not born yet */
    int owner[PATHS];       /* source; -1 */
    int waits[SOURCES];     /* for which path; -1 */
    uint32_t ids[SOURCES];
} model;

static bool replaceable(const scene *s, const model *m, int owner)
{
    return owner < 0 || owner == SOURCES - 1 || (!m->there[owner] && pt_wall_ms(&s->fake.clock) - m->since[owner] >= AFTER);
}

static void model_leave(model *m, int source)
{
    for (int p = 0; p < PATHS; p++)
        if (m->owner[p] == source) m->owner[p] = -1;
}

/* Whoever loses a path waits for it. */
static void model_take(model *m, int source, int path)
{
    int old = m->owner[path];
    if (old >= 0 && old < SOURCES - 1) m->waits[old] = path;
    m->owner[path] = source;
    m->waits[source] = -1;
}

static void model_born(const scene *s, model *m, int source, int path)
{
    bool import = source == SOURCES - 1;
    if (!import) m->there[source] = true;
    m->maps[source] = path;
    if (m->owner[path] == source) {
        m->waits[source] = -1;
        return;
    }
    bool free_path = m->owner[path] < 0 || (!import && replaceable(s, m, m->owner[path]));
    model_leave(m, source); /* it maps elsewhere now */
    m->waits[source] = free_path || import ? -1 : path;
    if (free_path) model_take(m, source, path);
}

/* Of those that wait for a path one gets it, whichever. */
static void model_tick(scene *s, model *m, const char *const *names)
{
    for (int p = 0; p < PATHS; p++) {
        uint32_t got = hist_path_owner(s->h, pt_cstr(names[p]));
        for (int w = 0; w < SOURCES; w++) {
            if (m->waits[w] != p || !m->there[w] || m->ids[w] != got || !replaceable(s, m, m->owner[p])) continue;
            model_take(m, w, p);
            break;
        }
        bool open = replaceable(s, m, m->owner[p]);
        for (int w = 0; w < SOURCES; w++) {
            if (m->waits[w] != p) continue;
            CHECK(!(open && m->there[w])); /* it was free and one waited: it would have gone to one */
        }
    }
}

static void random_lives_follow_the_rules(void)
{
    static const char *const names[PATHS] = { "p/one", "p/two" };
    for (unsigned seed = 1; seed <= 40; seed++) {
        scene s;
        model m = { .owner = { -1, -1 }, .waits = { -1, -1, -1, -1 } };
        unsigned x = seed * 2654435761u;
        char row[80];
        scene_open(&s, true);
        for (int step = 0; step < 120; step++) {
            x = x * 1664525u + 1013904223u;
            int source = (int)(x >> 28) % SOURCES, path = source == SOURCES - 1 ? 0 : (int)(x >> 20) % PATHS, what = (int)(x >> 12) % 10;
            if (what < 5) {
                m.ids[source] = born(&s, source == SOURCES - 1 ? 'i' : (char)('a' + source), names[path]);
                model_born(&s, &m, source, path);
            } else if (what < 7 && m.ids[source] && source < SOURCES - 1) {
                if (m.there[source]) m.since[source] = pt_wall_ms(&s.fake.clock);
                m.there[source] = false;
                away(&s, m.ids[source]);
            } else if (what < 8) {
                pass(&s, AFTER);
            } else if (what < 9) {
                host_paths_tick(s.paths, heard, &s);
                model_tick(&s, &m, names);
            } else {
                stop(&s);
                start(&s);
                for (int i = 0; i < SOURCES; i++) {
                    m.there[i] = false;
                    m.waits[i] = -1;
                    m.since[i] = pt_wall_ms(&s.fake.clock);
                }
            }
            pass(&s, 1);
            for (int p = 0; p < PATHS; p++) {
                snprintf(row, sizeof row, "seed %u step %d %s", seed, step, names[p]);
                check_owner(&s, row, names[p], m.owner[p] < 0 ? 0 : m.ids[m.owner[p]]);
            }
        }
        /* The claims: in order, none over another, the last one the owner's. */
        CHECK_OK(hist_flush(s.h, 10000, NULL));
        for (int p = 0; p < PATHS; p++) {
            pt_arena arena;
            hist_claim *c = NULL;
            size_t n = 0;
            pt_arena_init(&arena, 1 << 20);
            CHECK_OK(hist_path_claims(s.h, pt_cstr(names[p]), &arena, &c, &n, NULL));
            for (size_t i = 0; i < n; i++)
                CHECK_ROW(row, c[i].from_ms < c[i].to_ms && (i == 0 || c[i - 1].to_ms <= c[i].from_ms));
            uint32_t last = n && c[n - 1].to_ms == INT64_MAX ? c[n - 1].tag_id : 0;
            CHECK_ROW(row, last == (m.owner[p] < 0 ? 0 : m.ids[m.owner[p]]));
            pt_arena_fini(&arena);
        }
        scene_close(&s);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_gateway_is_replaced_and_the_path_goes_on),
        PT_TEST(what_was_imported_makes_way_at_once_whatever_the_order),
        PT_TEST(nobody_takes_over_when_it_is_forbidden_and_a_hand_may),
        PT_TEST(after_a_start_of_the_host_an_owner_has_time_to_be_heard_of),
        PT_TEST(rules_count_for_tags_that_never_come_back),
        PT_TEST(by_other_rules_the_owner_keeps_its_place_before_those_that_wait),
        PT_TEST(random_lives_follow_the_rules),
    };
    return pt_test_main("host/paths", tests, PT_COUNT_OF(tests), argc, argv);
}
