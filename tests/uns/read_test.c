/* tests/uns/read_test.c -- looking at the tree: one tag, children, changes. */
#include "tests/uns/tree_rig.h"

#include <stdio.h>

static void a_tag_is_read_by_path_by_source_and_by_id(void)
{
    open_tree();
    uns_tag_def d = def_of(7, "a/b/c", "dev", "Level/PV");
    d.unit = PT_LIT("m");
    d.description = PT_LIT("tank");
    d.eng_low = -1;
    d.eng_high = 5;
    d.writable = true;
    d.cls = UNS_INFORMATIVE;
    CHECK_OK(uns_tag_put(tree, &d));
    const uns_tag_view *v = at_path("a/b/c");
    CHECK_FATAL(v != NULL);
    CHECK(!v->has_value && v->value.is_null && v->quality == SPB_STALE && v->state == UNS_STALE_STATE);
    apply_double(7, 1.5, 1000, SPB_GOOD);
    static const char *const names[] = { "a/b/c", "_source/spb/G/E/dev/Level/PV" };
    for (size_t i = 0; i < 2; i++) {
        v = at_path(names[i]);
        CHECK_FATAL(v != NULL);
        CHECK_STR(v->def.path, "a/b/c");
        CHECK_STR(v->def.metric, "Level/PV");
        CHECK_STR(v->def.unit, "m");
        CHECK(v->def.tag_id == 7 && v->def.writable && v->def.cls == UNS_INFORMATIVE && v->def.type == SPB_DOUBLE);
        CHECK(v->def.eng_low == -1 && v->def.eng_high == 5);
        CHECK(v->has_value && v->value.type == SPB_DOUBLE && v->value.as.f64 == 1.5 && v->quality == SPB_GOOD);
        CHECK(v->state == UNS_LIVE && v->time_ms == 1000);
    }
    CHECK(by_id(7)->value.as.f64 == 1.5);
    copy c = { 0 };
    CHECK_STATUS(uns_read_id(tree, 8, copy_view, &c), PT_ENOTFOUND);
    CHECK_STATUS(uns_read_id(tree, 0, copy_view, &c), PT_ENOTFOUND);
    CHECK_STATUS(uns_read_id(tree, UINT32_MAX, copy_view, &c), PT_ENOTFOUND);
    CHECK(!at_path("a/b") && !at_path("a") && !at_path("") && !at_path("a/b/c/d") && !at_path("a/b/c/") && !at_path("/a/b/c"));
    CHECK(!at_path("_source") && !at_path("_source/") && !at_path("_source/spb/G"));
    close_tree();
}

static void a_node_metric_lies_below_the_node_in_the_source_view(void)
{
    open_tree();
    CHECK_OK(put(1, "x", "", "CPU"));
    CHECK(at_path("_source/spb/G/E/_node/CPU") != NULL);
    uns_tag_def topic = { .tag_id = 2, .path = PT_LIT("y"), .metric = PT_LIT("erp/orders"), .type = SPB_STRING };
    CHECK_OK(uns_tag_put(tree, &topic));
    CHECK(at_path("_source/mqtt/erp/orders") != NULL);
    close_tree();
}

static void children_come_in_order_parents_first_with_their_states(void)
{
    open_tree();
    CHECK_OK(put(1, "a/z", "d", "1"));
    CHECK_OK(put(2, "a/b", "d", "2"));
    CHECK_OK(put(3, "a/b/deep", "d", "3")); /* a tag with children */
    CHECK_OK(put(4, "B", "d", "4"));
    CHECK_OK(put(5, "a-c", "d", "5"));
    apply_double(3, 1, 1, SPB_GOOD);
    apply_double(4, 1, 1, SPB_GOOD);
    uint32_t gone = 5;
    uns_absent(tree, &gone, 1, 9);
    check_list("", 1, false, "B(tag,live,0)\na(folder,live,2)\na-c(tag,absent,0)\n");
    check_list("", 3, false,
               "B(tag,live,0)\na(folder,live,2)\na/b(tag,stale,1)\na/b/deep(tag,live,0)\na/z(tag,stale,0)\na-c(tag,absent,0)\n");
    check_list("a", 1, false, "a/b(tag,stale,1)\na/z(tag,stale,0)\n");
    check_list("a/z", 5, false, "");
    check_list("a", 0, false, "");
    pt_buf b;
    pt_buf_init(&b, 100);
    CHECK_STATUS(uns_children(tree, PT_LIT("nowhere"), 1, false, list_node, &b), PT_ENOTFOUND);
    pt_buf_fini(&b);
    uint32_t three = 3;
    uns_stale(tree, &three, 1, 5);
    check_list("a", 1, false, "a/b(tag,stale,1)\na/z(tag,stale,0)\n");
    check_list("_source/spb/G/E", 1, false, "_source/spb/G/E/d(folder,live,5)\n");
    close_tree();
}

static bool stop_after_two(void *ctx, const uns_node_view *v)
{
    (void)v;
    return ++*(int *)ctx < 2;
}

static void a_listing_stops_when_told(void)
{
    int seen = 0;
    open_tree();
    CHECK_OK(put(1, "a/1", "d", "1"));
    CHECK_OK(put(2, "b/1", "d", "2"));
    CHECK_OK(uns_children(tree, PT_NONE, 9, false, stop_after_two, &seen));
    CHECK_INT(seen, 2);
    close_tree();
}

static void hidden_tags_and_folders_of_only_hidden_tags_are_listed_on_request(void)
{
    open_tree();
    uns_tag_def d = def_of(1, "g/e/_sparkplug/bdSeq", "", "bdSeq");
    d.hidden = true;
    CHECK_OK(uns_tag_put(tree, &d));
    check_list("", 9, false, "");
    CHECK_OK(put(2, "g/e/CPU", "", "CPU"));
    check_list("", 9, false, "g(folder,stale,1)\ng/e(folder,stale,1)\ng/e/CPU(tag,stale,0)\n");
    check_list("g/e", 9, true, "g/e/CPU(tag,stale,0)\ng/e/_sparkplug(folder,stale,1)\ng/e/_sparkplug/bdSeq(tag,stale,0)\n");
    d.hidden = false;
    CHECK_OK(uns_tag_put(tree, &d));
    check_list("g/e", 1, false, "g/e/CPU(tag,stale,0)\ng/e/_sparkplug(folder,stale,1)\n");
    d.hidden = true;
    CHECK_OK(uns_tag_put(tree, &d));
    check_list("g/e", 1, false, "g/e/CPU(tag,stale,0)\n");
    CHECK(at_path("g/e/_sparkplug/bdSeq") != NULL); /* a reader who knows the name gets it */
    close_tree();
}

static bool one_name(void *ctx, const uns_node_view *v)
{
    copy_slice(ctx, 100, v->name);
    return true;
}

static void names_are_shown_unescaped(void)
{
    char name[100] = "";
    open_tree();
    CHECK_OK(put(1, "a%2Fb%20", "d", "m"));
    CHECK_OK(uns_children(tree, PT_NONE, 1, false, one_name, name));
    CHECK_STR(pt_cstr(name), "a/b ");
    close_tree();
}

static void count_change(void *ctx, const uns_tag_view *v)
{
    uint32_t *sum = ctx;
    sum[0]++;
    sum[1] += v->def.tag_id;
}

static void changes_are_seen_once_from_where_the_reader_was(void)
{
    open_tree();
    uint32_t sum[2] = { 0, 0 };
    for (uint32_t i = 1; i <= 1000; i++) {
        char name[20];
        snprintf(name, sizeof name, "t%u", i);
        CHECK_OK(put(i, name, "d", name));
    }
    uint64_t at = uns_changes(tree, 0, count_change, sum);
    CHECK(sum[0] == 1000);
    sum[0] = sum[1] = 0;
    at = uns_changes(tree, at, count_change, sum);
    CHECK_INT(sum[0], 0);
    apply_double(700, 1, 1, SPB_GOOD);
    apply_double(700, 2, 2, SPB_GOOD);
    apply_double(3, 2, 2, SPB_GOOD);
    at = uns_changes(tree, at, count_change, sum);
    CHECK(sum[0] == 2 && sum[1] == 703);
    sum[0] = 0;
    CHECK(uns_changes(tree, at, count_change, sum) == at);
    CHECK_INT(sum[0], 0);
    close_tree();
}

static void the_longest_path_is_shown_whole(void)
{
    static char path[UNS_PATH_MAX + 1];
    copy c = { 0 };
    for (size_t i = 0; i < UNS_PATH_MAX; i++)
        path[i] = i % 128 == 127 && i + 1 < UNS_PATH_MAX ? '/' : 'p';
    open_tree();
    CHECK_OK_FATAL(put(1, path, "d", "m"));
    CHECK_OK(uns_read(tree, pt_cstr(path), copy_view, &c));
    CHECK_STR(c.v.def.path, path);
    pt_buf b;
    pt_buf_init(&b, 1 << 16);
    CHECK_OK(uns_children(tree, PT_NONE, UNS_DEPTH_MAX, false, list_node, &b));
    CHECK(memmem(b.ptr, b.len, path, UNS_PATH_MAX) != NULL);
    pt_buf_fini(&b);
    close_tree();
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_tag_is_read_by_path_by_source_and_by_id),
        PT_TEST(a_node_metric_lies_below_the_node_in_the_source_view),
        PT_TEST(children_come_in_order_parents_first_with_their_states),
        PT_TEST(a_listing_stops_when_told),
        PT_TEST(hidden_tags_and_folders_of_only_hidden_tags_are_listed_on_request),
        PT_TEST(names_are_shown_unescaped),
        PT_TEST(changes_are_seen_once_from_where_the_reader_was),
        PT_TEST(the_longest_path_is_shown_whole),
    };
    return pt_test_main("uns/read", tests, PT_COUNT_OF(tests), argc, argv);
}
