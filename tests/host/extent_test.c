/* host/query/extent.c: folders and nodes there are for a scope. */
#include "host/query/extent.h"
#include "tests/host/asked.h"

static void a_folder_is_there_when_something_below_it_may_be_seen(void)
{
    static const pt_slice globs[] = { { "a/deep/**", 9 }, { "x/**", 4 } };
    const query_scope deep = { .paths = globs, .n_paths = 2 };
    static const struct {
        const char *path;
        bool there;
        uint32_t children;
    } rows[] = { { "a", true, 1 }, { "a/deep", true, 1 },   { "a/deep/c", true, 0 }, { "a/b", false, 0 },
                 { "x", true, 1 }, { "x/hidden", true, 1 }, { "nowhere", false, 0 }, { "a/de", false, 0 } };
    asked r;
    query_extent e;
    asked_open(&r, true);
    CHECK_OK_FATAL(query_extent_init(&e, &r.src, &deep, false));
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        uint32_t children = 0;
        CHECK_ROW(rows[i].path, query_extent_has_path(&e, pt_cstr(rows[i].path), &children) == rows[i].there);
        CHECK_ROW(rows[i].path, children == rows[i].children);
    }
    CHECK(query_extent_has_node(&e, PT_LIT("g/e")) && query_extent_has_node(&e, PT_LIT("g/z")) &&
          !query_extent_has_node(&e, PT_LIT("g/y")));
    query_extent_fini(&e);
    asked_close(&r);
}

static void plumbing_counts_when_it_is_asked_for(void)
{
    static const pt_slice globs[] = { { "a/**", 4 } };
    const query_scope scope = { .paths = globs, .n_paths = 1 };
    asked r;
    asked_open(&r, true);
    for (int hidden = 0; hidden < 2; hidden++) {
        query_extent e;
        uint32_t children = 0;
        CHECK_OK_FATAL(query_extent_init(&e, &r.src, &scope, hidden));
        CHECK(query_extent_has_path(&e, PT_LIT("a"), &children));
        CHECK_INT(children, hidden ? 4 : 3);
        CHECK(!query_extent_has_node(&e, PT_LIT("g/z")));
        query_extent_fini(&e);
    }
    asked_close(&r);
}

static void for_those_who_see_everything_everything_is_there(void)
{
    asked r;
    query_extent e;
    uint32_t children = 77;
    asked_open(&r, false);
    CHECK_OK_FATAL(query_extent_init(&e, &r.src, &query_everything, false));
    CHECK(query_extent_has_path(&e, PT_LIT("whatever"), &children) && children == 77 && query_extent_has_node(&e, PT_LIT("any/node")));
    query_extent_fini(&e);
    asked_close(&r);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_folder_is_there_when_something_below_it_may_be_seen),
        PT_TEST(plumbing_counts_when_it_is_asked_for),
        PT_TEST(for_those_who_see_everything_everything_is_there),
    };
    return pt_test_main("host/extent", tests, PT_COUNT_OF(tests), argc, argv);
}
