/* tests/uns/map_test.c -- rule sets: building them, the rule of a source, lint and explanation. */
#include "base/random.h"
#include "tests/uns/map_rig.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the methods by which plants are mapped (uns-and-api.md 1.2) ---- */

static const struct {
    const char *method, *rule_id;
    from f;
    const char *path;
} methods[] = {
    { "A literal",
      NULL,
      { "Site 1", "Area 1", "Line 1", "Conveyer/Batch/Quantity", NULL },
      "Site 1/Area 1/Line 1/Conveyer/Batch/Quantity" },
    { "B level per slot", NULL, { "Osaka", "Packaging", "Filler", "Level", NULL }, "Osaka/Packaging/Filler/Level" },
    { "C1 packed in the group",
      "parris-in-group",
      { "Plant1:Area3:Line4:Cell2", "gw", &"Heater/TempSensor"[7], "Current/Celsius", NULL },
      "Plant1/Area3/Line4/Cell2/gw/TempSensor/Current/Celsius" },
    { "C1 node metric", "parris-in-group", { "Plant1:Area3:Line4:Cell2", "gw", NULL, "CPU", NULL }, "Plant1/Area3/Line4/Cell2/gw/CPU" },
    { "C1 plumbing stays below its node",
      "parris-in-group",
      { "Plant1:Area3:Line4:Cell2", "gw", NULL, "bdSeq", NULL },
      "Plant1/Area3/Line4/Cell2/gw/_sparkplug/bdSeq" },
    { "C1 five parts are not four", NULL, { "a:b:c:d:e", "gw", NULL, "m", NULL }, "a:b:c:d:e/gw/m" },
    { "C2 packed in the device",
      "umh-device",
      { "x", "EdgeNode1", "enterprise:factory:line1:station1", "sensors:ambient:temperature", NULL },
      "enterprise/factory/line1/station1/_raw/sensors/ambient/temperature" },
    { "C3 packed in the edge node", "edge-packed", { "acme3", "site:area:line", NULL, "Temp", NULL }, "acme3/site/area/line/Temp" },
    { "D metric is the path",
      "metric-is-path",
      { "UNS", "any", "dev", "Enterprise/Site/Area/Line/Press/Temp", NULL },
      "Enterprise/Site/Area/Line/Press/Temp" },
    { "D cannot pose as the source view", "metric-is-path", { "UNS", "any", NULL, "_source/x", NULL }, "%5Fsource/x" },
    { "E plain topics", "plain-tags", { NULL, NULL, NULL, NULL, "uns/acme/lyon/Temp" }, "acme/lyon/Temp" },
    { "E an ERP document", "erp-orders", { NULL, NULL, NULL, NULL, "erp/lyon/orders/current" }, "acme/lyon/_erp/current-order" },
    { "E another topic", NULL, { NULL, NULL, NULL, NULL, "other/$x" }, "other/%24x" },
    { "replayed traffic", "replay-traffic", { "replay:7:Plant1:Line2", "gw", "d", "m/n", NULL }, "_replay/7/Plant1:Line2/gw/d/m/n" },
    { "the presses of Lyon",
      "presses",
      { "Lyon", "gw-4", "L1_Press-A", "Motor/Temp", NULL },
      "acme/lyon/press-shop/line-1/press-a/Motor/Temp" },
    { "a press on an unknown line", "presses", { "Lyon", "gw-4", "L9_Press-A", "Temp", NULL }, "Lyon/gw-4/L9_Press-A/Temp" },
};

static void example_rules(void)
{
    CHECK_OK(uns_map_var(map, PT_LIT("enterprise"), PT_LIT("acme")));
    CHECK_OK(uns_map_entry(map, PT_LIT("lines"), PT_LIT("L1"), PT_LIT("line-1")));
    CHECK_OK(uns_map_entry(map, PT_LIT("lines"), PT_LIT("L2"), PT_LIT("line-2")));
    must_rule("no-plumbing", (from){ .metric = "Node Control/**" }, NULL);
    must_rule("replay-traffic", (from){ .group = "replay:{job}:{rest...}" }, "_replay/{job}/{rest}/{edge}/{device}?/{metric...}");
    must_rule("parris-in-group", (from){ .group = "{enterprise}:{site}:{area}:{line}" },
              "{enterprise}/{site}/{area}/{line}/{edge}/{device}?/{metric...}");
    must_rule("umh-device", (from){ .device = "{e}:{s}:{path...}", .metric = "{m...}" }, "{e}/{s}/{path|split(':')}/_raw/{m|split(':')}");
    must_rule("edge-packed", (from){ .edge = "{s}:{a}:{l}" }, "{group}/{s}/{a}/{l}/{device}?/{metric...}");
    must_rule("metric-is-path", (from){ .group = "UNS", .metric = "{p...}" }, "{p...}");
    must_rule("presses", (from){ .group = "Lyon", .edge = "gw-{n:int}", .device = "{line}_{machine}" },
              "{vars.enterprise}/lyon/press-shop/{line|map(lines)}/{machine|lower}/{metric...}");
    must_rule("plain-tags", (from){ .topic = "uns/{p...}" }, "{p...}");
    must_rule("erp-orders", (from){ .topic = "erp/{site}/orders/current" }, "{vars.enterprise}/{site}/_erp/current-order");
}

static void every_method_of_mapping_gives_its_path(void)
{
    open_map(UNS_EMPTY_DROP, UNS_UNMAPPED_LITERAL);
    example_rules();
    for (size_t i = 0; i < PT_COUNT_OF(methods); i++) {
        const uns_mapping *m = map_source(methods[i].f);
        if (strcmp(m->path, methods[i].path) != 0) printf("    %s: %s (%s)\n", methods[i].method, m->path, m->reason);
        CHECK_ROW(methods[i].method, strcmp(m->path, methods[i].path) == 0);
        bool by_rule = methods[i].rule_id && !m->reason[0];
        CHECK_ROW(methods[i].method, m->outcome == (by_rule ? UNS_MAPPED : UNS_LITERAL));
        if (methods[i].rule_id) CHECK_ROW(methods[i].method, pt_slice_eq_cstr(m->rule, methods[i].rule_id));
    }
    CHECK(map_source((from){ "g", "e", NULL, "Node Control/Rebirth", NULL })->outcome == UNS_IGNORED);
    close_map();
}

static void what_is_unmapped_goes_where_it_is_told(void)
{
    from nobody = { "g", "e", NULL, "m", NULL };
    open_map(UNS_EMPTY_DROP, UNS_UNMAPPED_DROP);
    CHECK(map_source(nobody)->outcome == UNS_DROPPED);
    close_map();
    open_map(UNS_EMPTY_DROP, UNS_UNMAPPED_QUARANTINE);
    CHECK(map_source(nobody)->outcome == UNS_QUARANTINED);
    close_map();
    open_map(UNS_EMPTY_DROP, UNS_UNMAPPED_LITERAL);
    CHECK(map_source(nobody)->outcome == UNS_LITERAL);
    const uns_mapping *m = map_source((from){ "g", "e", NULL, "m\xFF", NULL });
    CHECK(m->outcome == UNS_QUARANTINED && m->reason[0] && !m->path[0]);
    close_map();
}

static void empty_parts_are_dropped_marked_or_refused(void)
{
    static const struct {
        uns_empty empty;
        const char *path;
    } rows[] = { { UNS_EMPTY_DROP, "x/a/b" }, { UNS_EMPTY_UNDERSCORE, "x/_/a/_/b" }, { UNS_EMPTY_REJECT, "" } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        open_map(rows[i].empty, UNS_UNMAPPED_QUARANTINE);
        must_rule("all", (from){ 0 }, "x/{metric...}");
        CHECK_STR(pt_cstr(map_source((from){ "g", "e", NULL, "/a//b", NULL })->path), rows[i].path);
        close_map();
    }
}

static void long_names_end_in_a_reason_never_in_a_cut_path(void)
{
    static char text[6000], deep[200];
    memset(text, 'x', sizeof text - 1);
    memset(deep, '/', sizeof deep - 1);
    for (size_t i = 0; i < sizeof deep - 1; i += 2)
        deep[i] = 'd';
    open_map(UNS_EMPTY_DROP, UNS_UNMAPPED_QUARANTINE);
    must_rule("all", (from){ 0 }, "{group}/{metric...|lower}");
    CHECK_STR(pt_cstr(map_source((from){ "g", "e", NULL, text + sizeof text - 300, NULL })->reason), "path segment too long");
    CHECK_STR(pt_cstr(map_source((from){ "g", "e", NULL, deep, NULL })->reason), "too many parts");
    for (size_t i = 100; i < sizeof text - 1; i += 101)
        text[i] = '/';
    CHECK_STR(pt_cstr(map_source((from){ "g", "e", NULL, text, NULL })->reason), "path too long");
    close_map();
}

static void class_and_history_come_with_the_rule(void)
{
    const char *field;
    open_map(UNS_EMPTY_DROP, UNS_UNMAPPED_LITERAL);
    uns_rule_def d = {
        .id = PT_LIT("r"), .group = PT_LIT("g"), .to = PT_LIT("{prop.x}/y"), .has_class = true, .cls = UNS_ADHOC, .no_history = true
    };
    CHECK_OK(uns_map_rule(map, &d, &field, NULL));
    CHECK(!map_source((from){ "g", "e", NULL, "m", NULL })->has_class); /* the template fails: the rule's settings do not apply */
    d.id = PT_LIT("s");
    d.group = PT_LIT("h");
    d.to = PT_LIT("z");
    CHECK_OK(uns_map_rule(map, &d, &field, NULL));
    const uns_mapping *m = map_source((from){ "h", "e", NULL, "m", NULL });
    CHECK(m->has_class && m->cls == UNS_ADHOC && m->no_history);
    close_map();
}

static void wrong_rules_are_refused(void)
{
    const char *field = NULL;
    open_map(UNS_EMPTY_DROP, UNS_UNMAPPED_LITERAL);
    must_rule("one", (from){ .group = "g" }, "x");
    CHECK_STATUS(rule("one", (from){ .group = "h" }, "x", &field, NULL), PT_EEXISTS);
    CHECK_STATUS(rule("", (from){ .group = "h" }, "x", &field, NULL), PT_EINVAL);
    CHECK_STATUS(rule("two", (from){ .group = "h", .topic = "t" }, "x", &field, NULL), PT_EINVAL);
    CHECK_STR(pt_cstr(field), "topic");
    CHECK_STATUS(rule("two", (from){ .group = "h" }, "", &field, NULL), PT_EINVAL);
    CHECK_STR(pt_cstr(field), "to");
    CHECK_STATUS(uns_map_var(map, PT_LIT("v"), PT_LIT("1")), PT_OK);
    CHECK_STATUS(uns_map_var(map, PT_LIT("v"), PT_LIT("2")), PT_EEXISTS);
    char many[UNS_CAPTURES_MAX * 8 + 16] = "";
    for (unsigned i = 0; i <= UNS_CAPTURES_MAX; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), "{c%u}:", i);
    CHECK_STATUS(rule("two", (from){ .group = many }, "x", &field, NULL), PT_ETOOBIG);
    CHECK_INT(uns_map_count(map), 1);
    close_map();
}

static void note(void *ctx, pt_slice later, pt_slice earlier)
{
    pt_buf_printf(ctx, "%.*s<%.*s ", PT_SLICE_ARGS(later), PT_SLICE_ARGS(earlier));
}

static void a_rule_that_can_never_match_is_named(void)
{
    pt_buf b;
    pt_buf_init(&b, 4096);
    open_map(UNS_EMPTY_DROP, UNS_UNMAPPED_LITERAL);
    must_rule("a", (from){ .group = "{x}:{y}" }, "x");
    must_rule("b", (from){ .group = "{p}:{q}", .metric = "m" }, "x"); /* below a */
    must_rule("c", (from){ .group = "{p}:{q:int}" }, "x");            /* narrower than a */
    must_rule("d", (from){ .group = "{p:int}" }, "x");
    must_rule("e", (from){ .group = "{p}" }, "x");  /* wider than d */
    must_rule("f", (from){ .group = "Lyon" }, "x"); /* below e */
    must_rule("g", (from){ .device = "{d}" }, "x");
    must_rule("h", (from){ .edge = "z" }, "x"); /* no device: not below g */
    must_rule("i", (from){ .topic = "{t...}" }, "x");
    must_rule("j", (from){ .topic = "a/b" }, "x");                 /* below i */
    must_rule("k", (from){ .edge = "{n}", .device = "{n}" }, "x"); /* below g */
    must_rule("l", (from){ .edge = "q", .device = "q" }, "x");     /* below g */
    uns_map_lint(map, note, &b);
    CHECK_STR(pt_buf_view(&b), "b<a c<a f<e j<i k<g l<g ");
    pt_buf_fini(&b);
    close_map();
}

static void tell(void *ctx, pt_slice id, bool matched, const char *text)
{
    pt_buf_printf(ctx, "%.*s %s %s; ", PT_SLICE_ARGS(id), matched ? "yes" : "no", text);
}

static void an_explanation_names_captures_and_what_did_not_match(void)
{
    uns_mapping out;
    pt_buf b;
    pt_buf_init(&b, 4096);
    open_map(UNS_EMPTY_DROP, UNS_UNMAPPED_LITERAL);
    example_rules();
    uns_source s = { .group = PT_LIT("Lyon"), .edge = PT_LIT("gw-4"), .device = PT_LIT("L1_P"), .metric = PT_LIT("T") };
    uns_map_explain(map, &s, tell, &b, &out);
    CHECK_STR(pt_buf_view(&b), "no-plumbing no metric; replay-traffic no group; parris-in-group no group; umh-device no device; "
                               "edge-packed no edge; metric-is-path no group; presses yes n=4, line=L1, machine=P; ");
    CHECK_STR(pt_cstr(out.path), "acme/lyon/press-shop/line-1/p/T");
    pt_buf_fini(&b);
    close_map();
}

/* Whatever the rules and names: a path is within its caps, well-formed, and a place the tree accepts. */
static void random_rules_and_names_give_paths_the_tree_accepts(void)
{
    static const char *const pieces[] = { "{a}",         "{b...}",   ":",          "/",
                                          "x",           "{c:int}",  "*",          "-",
                                          "{metric...}", "{group}",  "?",          "{device|split(':')}",
                                          "{edge|slug}", "{a ?? b}", "_sparkplug", "{metric|replace('/','..')}",
                                          "%",           "\xC3\xA4" };
    static const char *const names[] = { "a:b",  "x/y/z",      "12",     "",     "_source/_sparkplug/q", " s ",
                                         "a//b", "x-\xC3\xA4", "$SYS/+", "\xFF", "a/b/c/d/e/f" };
    pt_random r = pt_random_seed(11);
    uns_tree *tree = NULL;
    unsigned mapped = 0, bad = 0;
    CHECK_OK_FATAL(uns_tree_new(&tree));
    for (unsigned k = 0; k < 40000; k++) {
        char text[2][200] = { "", "" };
        const char *field;
        open_map((uns_empty)pt_random_below(&r, 3), UNS_UNMAPPED_QUARANTINE);
        for (unsigned i = 0; i < 2; i++) {
            for (uint64_t n = 1 + pt_random_below(&r, 5); n; n--)
                strcat(text[i], pieces[pt_random_below(&r, PT_COUNT_OF(pieces))]);
        }
        pt_status st = rule("r", (from){ .metric = k % 2 ? "{a...}" : text[0] }, text[1], &field, NULL);
        if (!st) {
            from f = { names[pt_random_below(&r, 3)], "gw:1", names[pt_random_below(&r, PT_COUNT_OF(names))],
                       names[pt_random_below(&r, PT_COUNT_OF(names))], NULL };
            const uns_mapping *m = map_source(f);
            mapped += m->outcome == UNS_MAPPED;
            uns_tag_def d = { .tag_id = 1, .path = { m->path, m->len }, .group = PT_LIT("g"), .edge = PT_LIT("e"), .metric = PT_LIT("m") };
            bad += (m->outcome == UNS_MAPPED) != (m->len > 0) || uns_tag_put(tree, &d) != PT_OK;
        }
        close_map();
    }
    CHECK_INT(bad, 0);
    CHECK(mapped > 1000);
    uns_tree_free(tree);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_method_of_mapping_gives_its_path),
        PT_TEST(what_is_unmapped_goes_where_it_is_told),
        PT_TEST(empty_parts_are_dropped_marked_or_refused),
        PT_TEST(long_names_end_in_a_reason_never_in_a_cut_path),
        PT_TEST(class_and_history_come_with_the_rule),
        PT_TEST(wrong_rules_are_refused),
        PT_TEST(a_rule_that_can_never_match_is_named),
        PT_TEST(an_explanation_names_captures_and_what_did_not_match),
        PT_TEST(random_rules_and_names_give_paths_the_tree_accepts),
    };
    return pt_test_main("uns/map", tests, PT_COUNT_OF(tests), argc, argv);
}
