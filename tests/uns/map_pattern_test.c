/* tests/uns/map_pattern_test.c -- patterns of ids, metric names and topics: what they match, refuse, and cover. */
#include "tests/uns/map_rig.h"
#include "uns/map_internal.h"

#include <stdio.h>

static const struct {
    const char *row, *pattern, *text;
    bool matches;
    const char *path; /* of template {a}-{b} or so, NULL: not looked at */
    const char *to;
} patterns[] = {
    { "a literal matches itself", "Lyon", "Lyon", true, NULL, NULL },
    { "and nothing longer", "Lyon", "Lyon2", false, NULL, NULL },
    { "case matters", "Lyon", "lyon", false, NULL, NULL },
    { "three parts", "{a}:{b}:{c}", "x:y:z", true, "x/y/z", "{a}/{b}/{c}" },
    { "four parts are not three", "{a}:{b}:{c}", "x:y:z:w", false, NULL, NULL },
    { "two parts are not three", "{a}:{b}:{c}", "x:y", false, NULL, NULL },
    { "no part may be empty", "{a}:{b}", "x:", false, NULL, NULL },
    { "nor the first", "{a}:{b}", ":x", false, NULL, NULL },
    { "a delimiter is only what stands between", "gw-{n}", "gw-a-b", true, "a-b", "{n}" },
    { "what stands between two is one", "{a}_{b}", "x_y_z", false, NULL, NULL },
    { "a rest takes delimiters too", "{a}_{b...}", "x_y_z", true, "x/y_z", "{a}/{b}" },
    { "a rest is not empty", "{a}_{b...}", "x_", false, NULL, NULL },
    { "a final literal is found at the end", "{a}-pump", "x-pump-pump", true, "x-pump", "{a}" },
    { "a final literal must be there", "{a}-pump", "x-pumps", false, NULL, NULL },
    { "numbers", "gw-{n:int}", "gw-17", true, "17", "{n}" },
    { "numbers only", "gw-{n:int}", "gw-1a", false, NULL, NULL },
    { "hex", "{n:hex}", "00fF", true, NULL, NULL },
    { "no hex", "{n:hex}", "xyz", false, NULL, NULL },
    { "word", "{n:word}", "a_1", true, NULL, NULL },
    { "no word", "{n:word}", "a-1", false, NULL, NULL },
    { "alnum has no underscore", "{n:alnum}", "a_1", false, NULL, NULL },
    { "uuid", "{n:uuid}", "123e4567-e89b-12d3-a456-426614174000", true, NULL, NULL },
    { "no uuid", "{n:uuid}", "123e4567-e89b-12d3-a456-42661417400", false, NULL, NULL },
    { "a repeated name takes the same text", "{a}:{a}", "x:x", true, NULL, NULL },
    { "and no other", "{a}:{a}", "x:y", false, NULL, NULL },
    { "stars are anonymous", "*:{b}", "x:y", true, "y", "{b}" },
    { "two stars end", "{a}:**", "x:y:z", true, "x", "{a}" },
    { "escapes", "\\{{a}\\}\\*\\\\", "{x}*\\", true, "x", "{a}" },
    { "many characters between", "{a}--{b}", "x--y", true, "x/y", "{a}/{b}" },
    { "each of them stops", "{a}--{b}", "x-y--z", false, NULL, NULL },
    { "UTF-8", "{a}\xC2\xB7{b}", "\xC3\xA4\xC2\xB7z", false, NULL, NULL }, /* bytes: C2 would stop, C3 does not, A4 does not, B7 does */
};

static void patterns_match_as_designed(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(patterns); i++) {
        open_map(UNS_EMPTY_DROP, UNS_UNMAPPED_QUARANTINE);
        must_rule(patterns[i].row, (from){ .group = patterns[i].pattern }, patterns[i].to ? patterns[i].to : "x");
        const uns_mapping *m = map_source((from){ .group = patterns[i].text, .edge = "e", .metric = "m" });
        if (strcmp(patterns[i].row, "UTF-8") != 0) CHECK_ROW(patterns[i].row, (m->outcome == UNS_MAPPED) == patterns[i].matches);
        if (patterns[i].path) CHECK_ROW(patterns[i].row, strcmp(m->path, patterns[i].path) == 0);
        close_map();
    }
}

static const struct {
    const char *row, *pattern, *metric;
    bool matches;
} metric_patterns[] = {
    { "a name does not cross a slash", "{a}", "x/y", false },
    { "a rest does", "{a...}", "x/y", true },
    { "everything below", "Node Control/**", "Node Control/Rebirth", true },
    { "below means below", "Node Control/**", "Node Control", false },
    { "one level", "*/Temp", "Motor/Temp", true },
    { "not two", "*/Temp", "A/Motor/Temp", false },
};

static void in_metrics_only_a_rest_crosses_slashes(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(metric_patterns); i++) {
        open_map(UNS_EMPTY_DROP, UNS_UNMAPPED_QUARANTINE);
        must_rule(metric_patterns[i].row, (from){ .metric = metric_patterns[i].pattern }, "x");
        const uns_mapping *m = map_source((from){ "g", "e", NULL, metric_patterns[i].metric, NULL });
        CHECK_ROW(metric_patterns[i].row, (m->outcome == UNS_MAPPED) == metric_patterns[i].matches);
        close_map();
    }
}

static const struct {
    const char *pattern;
    size_t offset;
} bad_patterns[] = {
    { "", 0 },   { "{a}{b}", 3 }, { "**x", 2 },       { "{a...}x", 6 }, { "{a", 0 },   { "a}", 1 },
    { "{}", 1 }, { "{a b}", 1 },  { "{a:float}", 3 }, { "a\\b", 1 },    { "*{a}", 1 }, { "***", 2 },
};

static void a_bad_pattern_is_refused_with_its_place(void)
{
    open_map(UNS_EMPTY_DROP, UNS_UNMAPPED_QUARANTINE);
    for (size_t i = 0; i < PT_COUNT_OF(bad_patterns); i++) {
        const char *field = NULL;
        pt_error err = { 0 };
        CHECK_ROW(bad_patterns[i].pattern, rule("r", (from){ .edge = bad_patterns[i].pattern }, "x", &field, &err) == PT_EINVAL);
        CHECK_ROW(bad_patterns[i].pattern, field && strcmp(field, "edge") == 0 && err.offset == bad_patterns[i].offset && err.text[0]);
    }
    CHECK_INT(uns_map_count(map), 0);
    close_map();
}

/* ---- through the internal header ---- */

static pt_status parse(pt_arena *a, const char *text, bool slashes, uns__captures *names, uns__pattern *out)
{
    return uns__pattern_parse(a, pt_cstr(text), slashes, names, out, NULL);
}

static void captures_are_shared_over_the_slots_of_a_rule(void)
{
    pt_arena a;
    uns__captures names = { .n = 0 };
    uns__pattern edge, device;
    pt_slice taken[UNS_CAPTURES_MAX] = { { 0 } };
    pt_arena_init(&a, 1 << 16);
    CHECK_OK_FATAL(parse(&a, "{line}-{n:int}", false, &names, &edge));
    CHECK_OK_FATAL(parse(&a, "{n}_{machine}", false, &names, &device));
    CHECK_INT(names.n, 3);
    CHECK(uns__pattern_match(&edge, PT_LIT("L-7"), taken));
    CHECK(uns__pattern_match(&device, PT_LIT("7_press"), taken));
    CHECK_STR(taken[0], "L");
    CHECK_STR(taken[2], "press");
    taken[2] = PT_NONE;
    CHECK(!uns__pattern_match(&device, PT_LIT("8_press"), taken)); /* n is taken: 7 */
    pt_arena_fini(&a);
}

static void an_underscore_takes_and_does_not_keep(void)
{
    pt_arena a;
    uns__captures names = { .n = 0 };
    uns__pattern p;
    pt_arena_init(&a, 1 << 16);
    CHECK_OK_FATAL(parse(&a, "{_}:{_:int}", false, &names, &p));
    CHECK_INT(names.n, 0);
    CHECK(uns__pattern_match(&p, PT_LIT("a:1"), NULL) && !uns__pattern_match(&p, PT_LIT("a:b"), NULL));
    pt_arena_fini(&a);
}

static void what_one_pattern_covers_is_known_where_it_is_plain(void)
{
    static const struct {
        const char *a, *b;
        bool slashes, covers;
    } rows[] = {
        { "**", "x", true, true },
        { "{a...}", "{b}:{c}", true, true },
        { "{a}", "{b}:{c}", false, true },
        { "*", "x", false, true },
        { "{a}", "x", true, false },
        { "{a}:{b}", "{c}:{d}", false, true },
        { "{a}:{b}", "{c}:{d:int}", false, true },
        { "{a}:{b:int}", "{c}:{d}", false, false },
        { "{a}:{a}", "{c}:{d}", false, false },
        { "{a}:{b}", "{c}-{d}", false, false },
        { "{a}:{b}", "{c}:{d}:{e}", false, false },
        { "x", "x", false, true },
        { "x", "y", false, false },
        { "{a:int}", "12", false, false },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_arena arena;
        uns__captures n1 = { .n = 0 }, n2 = { .n = 0 };
        uns__pattern a, b;
        char row[64];
        pt_arena_init(&arena, 1 << 16);
        snprintf(row, sizeof row, "%s over %s", rows[i].a, rows[i].b);
        CHECK_OK_FATAL(parse(&arena, rows[i].a, rows[i].slashes, &n1, &a));
        CHECK_OK_FATAL(parse(&arena, rows[i].b, rows[i].slashes, &n2, &b));
        CHECK_ROW(row, uns__pattern_covers(&a, &b) == rows[i].covers);
        pt_arena_fini(&arena);
    }
}

static void a_pattern_is_bounded_and_memory_short_is_said(void)
{
    static char text[UNS_PATH_MAX * 4 + 2];
    pt_arena a;
    uns__captures names = { .n = 0 };
    uns__pattern p;
    pt_arena_init(&a, 1 << 20);
    memset(text, 'x', sizeof text - 1);
    CHECK_STATUS(parse(&a, text, false, &names, &p), PT_ETOOBIG);
    text[UNS_PATH_MAX * 4] = '\0';
    CHECK_OK(parse(&a, text, false, &names, &p));
    pt_arena_fini(&a);
    pt_arena_init(&a, 16);
    CHECK_STATUS(parse(&a, "{a}:{b}", false, &names, &p), PT_ENOMEM);
    pt_arena_fini(&a);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(patterns_match_as_designed),
        PT_TEST(in_metrics_only_a_rest_crosses_slashes),
        PT_TEST(a_bad_pattern_is_refused_with_its_place),
        PT_TEST(captures_are_shared_over_the_slots_of_a_rule),
        PT_TEST(an_underscore_takes_and_does_not_keep),
        PT_TEST(what_one_pattern_covers_is_known_where_it_is_plain),
        PT_TEST(a_pattern_is_bounded_and_memory_short_is_said),
    };
    return pt_test_main("uns/map_pattern", tests, PT_COUNT_OF(tests), argc, argv);
}
