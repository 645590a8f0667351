/* tests/uns/node_test.c -- places in the tree: found, made, removed, counted and kept in order. */
#include "base/random.h"
#include "tests/uns/tree_rig.h"
#include "uns/internal.h"

#include <stdio.h>

static void a_moved_tag_leaves_no_empty_folders(void)
{
    open_tree();
    CHECK_OK(put(1, "a/b/c/d", "d", "m"));
    apply_double(1, 1, 1, SPB_GOOD);
    uint32_t nodes = stats().nodes;
    CHECK_OK(put(1, "a/x", "d", "m"));
    CHECK_INT(stats().nodes, nodes - 2);
    check_list("", 9, false, "a(folder,live,1)\na/x(tag,live,0)\n");
    CHECK_OK(put(1, "a/x/y", "d", "m")); /* below itself */
    check_list("", 9, false, "a(folder,live,1)\na/x(folder,live,1)\na/x/y(tag,live,0)\n");
    CHECK_OK(put(1, "a/x", "d", "m")); /* and back */
    check_list("", 9, false, "a(folder,live,1)\na/x(tag,live,0)\n");
    CHECK_OK(put(1, "", "d", "m"));
    check_list("", 9, false, "");
    CHECK(at_path("_source/spb/G/E/d/m")->value.as.f64 == 1);
    close_tree();
}

/* ---- through the internal header; nobody else has the tree, so no lock is needed ---- */

static uint32_t make(const char *path)
{
    uint32_t id = 0;
    CHECK_OK_FATAL(uns__node_make(tree, UNS__ROOT, pt_cstr(path), &id));
    return id;
}

static void a_place_is_made_once_and_found_again(void)
{
    open_tree();
    uint32_t b = make("a/b"), a = uns__node_find(tree, UNS__ROOT, PT_LIT("a"));
    CHECK(a != 0 && a != b && make("a/b") == b && make("a") == a);
    CHECK(uns__node_find(tree, UNS__ROOT, PT_LIT("a/b")) == b && uns__node_child(tree, a, PT_LIT("b")) == b);
    CHECK(uns__node_find(tree, UNS__ROOT, PT_NONE) == UNS__ROOT);
    CHECK(!uns__node_find(tree, UNS__ROOT, PT_LIT("a/c")) && !uns__node_find(tree, UNS__ROOT, PT_LIT("a/b/c")) &&
          !uns__node_find(tree, UNS__ROOT, PT_LIT("/a")));
    CHECK(!uns__node_find(tree, UNS__SOURCE_ROOT, PT_LIT("a"))); /* the views are apart */
    uns__node_prune(tree, b);
    close_tree();
}

static void an_empty_place_goes_with_its_empty_ancestors_and_is_used_again(void)
{
    open_tree();
    uint32_t before = tree->used_nodes, d = make("a/b/c/d"), made = tree->n_nodes;
    CHECK_INT(tree->used_nodes, before + 4);
    uns__node_at(tree, uns__node_find(tree, UNS__ROOT, PT_LIT("a/b")))->tag = 77; /* somebody lives here */
    uns__node_prune(tree, d);
    CHECK_INT(tree->used_nodes, before + 2);
    CHECK(uns__node_find(tree, UNS__ROOT, PT_LIT("a/b")) != 0 && !uns__node_find(tree, UNS__ROOT, PT_LIT("a/b/c")));
    uint32_t b = uns__node_find(tree, UNS__ROOT, PT_LIT("a/b"));
    CHECK(uns__node_at(tree, b)->folder == NULL);
    make("x/y");
    CHECK_INT(tree->n_nodes, made); /* the two that were given back */
    uns__node_at(tree, b)->tag = 0;
    uns__node_prune(tree, b);
    uns__node_prune(tree, uns__node_find(tree, UNS__ROOT, PT_LIT("x/y")));
    CHECK_INT(tree->used_nodes, before);
    uns__node_prune(tree, UNS__ROOT); /* roots stay */
    CHECK(uns__node_at(tree, UNS__ROOT)->folder != NULL);
    close_tree();
}

static void children_are_sorted_when_somebody_looks(void)
{
    static const char *const names[] = { "m", "z", "a", "ab", "B", "\xC3\xA4", "aa" };
    open_tree();
    for (size_t i = 0; i < PT_COUNT_OF(names); i++)
        make(names[i]);
    const uns__folder *f = uns__node_at(tree, UNS__ROOT)->folder;
    CHECK(f->n == PT_COUNT_OF(names) && f->sorted < f->n && tree->dirty == UNS__ROOT);
    uns__nodes_sort(tree);
    CHECK(f->sorted == f->n && tree->dirty == UINT32_MAX);
    for (uint32_t i = 1; i < f->n; i++)
        CHECK(uns__node_order(tree, f->kids[i - 1], f->kids[i]) < 0);
    make("\xC3\xA5"); /* behind the last: still in order */
    CHECK(f->sorted == f->n && tree->dirty == UINT32_MAX);
    make("0");
    CHECK(tree->dirty == UNS__ROOT);
    uns__node_prune(tree, uns__node_find(tree, UNS__ROOT, PT_LIT("aa"))); /* removing keeps the sorted part sorted */
    uns__nodes_sort(tree);
    for (uint32_t i = 1; i < f->n; i++)
        CHECK(uns__node_order(tree, f->kids[i - 1], f->kids[i]) < 0);
    CHECK_INT(f->n, PT_COUNT_OF(names) + 1);
    close_tree();
}

static void a_folder_removed_while_unsorted_leaves_the_list(void)
{
    open_tree();
    uint32_t b = make("f/b"), a = make("f/a"), y = make("g/y"), x = make("g/x");
    CHECK(tree->dirty != UINT32_MAX);
    uns__node_prune(tree, a);
    uns__node_prune(tree, b); /* f is gone */
    uns__nodes_sort(tree);    /* walks the list: g only */
    CHECK(tree->dirty == UINT32_MAX);
    const uns__folder *g = uns__node_at(tree, uns__node_find(tree, UNS__ROOT, PT_LIT("g")))->folder;
    CHECK(g->n == 2 && g->kids[0] == x && g->kids[1] == y);
    close_tree();
}

static void counts_reach_every_folder_above(void)
{
    open_tree();
    CHECK_OK(put(1, "a/b/c", "d", "1"));
    CHECK_OK(put(2, "a/b", "d", "2"));
    const uns__folder *a = uns__node_at(tree, uns__node_find(tree, UNS__ROOT, PT_LIT("a")))->folder;
    const uns__folder *b = uns__node_at(tree, uns__node_find(tree, UNS__ROOT, PT_LIT("a/b")))->folder;
    const uns__folder *root = uns__node_at(tree, UNS__ROOT)->folder;
    CHECK(a->tags == 2 && b->tags == 1 && root->tags == 2 && a->stale == 2 && a->live == 0);
    apply_double(1, 1, 1, SPB_GOOD);
    CHECK(a->live == 1 && a->stale == 1 && b->live == 1 && b->stale == 0 && root->live == 1);
    uint32_t gone = 1;
    uns_absent(tree, &gone, 1, 2);
    CHECK(a->live == 0 && b->live == 0 && b->stale == 0 && a->stale == 1);
    CHECK_OK(put(1, "", "d", "1"));
    CHECK(a->tags == 1 && root->tags == 1 && root->visible_kids == 1);
    CHECK_OK(put(2, "", "d", "2"));
    CHECK(root->tags == 0 && root->visible == 0 && root->visible_kids == 0 && root->n == 0);
    close_tree();
}

/* Thousands of places come and go: what is left is what a plain list says, and nothing leaks into the table. */
static void the_table_closes_its_gaps(void)
{
    enum { N = 400 };
    static bool there[N];
    pt_random r = pt_random_seed(7);
    unsigned bad = 0;
    open_tree();
    for (int op = 0; op < 20000; op++) {
        char path[32];
        uint32_t k = (uint32_t)pt_random_below(&r, N);
        snprintf(path, sizeof path, "%u/%u", k % 7, k);
        uint32_t id = uns__node_find(tree, UNS__ROOT, pt_cstr(path));
        bad += (id != 0) != there[k];
        if (there[k]) uns__node_prune(tree, id);
        else make(path);
        there[k] = !there[k];
    }
    for (uint32_t k = 0; k < N; k++) {
        char path[32];
        snprintf(path, sizeof path, "%u/%u", k % 7, k);
        uint32_t id = uns__node_find(tree, UNS__ROOT, pt_cstr(path));
        bad += (id != 0) != there[k];
        if (id) uns__node_prune(tree, id);
        there[k] = false;
    }
    CHECK_INT(bad, 0);
    CHECK_INT(tree->used_nodes, 2);
    for (uint32_t i = 0; i < tree->n_slots; i++)
        bad += tree->kids[i] != 0;
    CHECK_INT(bad, 0);
    close_tree();
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_moved_tag_leaves_no_empty_folders),
        PT_TEST(a_place_is_made_once_and_found_again),
        PT_TEST(an_empty_place_goes_with_its_empty_ancestors_and_is_used_again),
        PT_TEST(children_are_sorted_when_somebody_looks),
        PT_TEST(a_folder_removed_while_unsorted_leaves_the_list),
        PT_TEST(counts_reach_every_folder_above),
        PT_TEST(the_table_closes_its_gaps),
    };
    return pt_test_main("uns/node", tests, PT_COUNT_OF(tests), argc, argv);
}
