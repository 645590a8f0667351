/* host/query/tree.c: nodes of the tree, for those who see all of it and for those who do not. */
#include "tests/host/asked.h"

static void nodes_come_level_by_level(void)
{
    asked r;
    asked_open(&r, false);
    CHECK_TEXT(asked_tree(&r, &query_everything, &(query_tree){ .at_ms = INT64_MIN }, QUERY_CSV),
               "path,name,kind,class,state,children,tag_id\na,a,folder,functional,live,3,\n");
    CHECK_TEXT(asked_tree(&r, &query_everything, &(query_tree){ .path = PT_LIT("a/"), .depth = 9, .at_ms = INT64_MIN }, QUERY_CSV),
               "path,name,kind,class,state,children,tag_id\na/b,b,tag,functional,live,0,1\na/deep,deep,folder,functional,live,1,\n"
               "a/deep/c,c,tag,functional,live,0,3\na/s,s,tag,functional,live,0,2\n");
    CHECK(strstr(asked_tree(&r, &query_everything, &(query_tree){ .path = PT_LIT("z"), .at_ms = INT64_MIN }, QUERY_JSON),
                 "there is nothing at z") != NULL);
    CHECK(strstr(asked_tree(&r, &query_everything, &(query_tree){ .at_ms = INT64_MAX }, QUERY_JSON), "at lies in the future") != NULL);
    asked_close(&r);
}

static void a_scope_sees_its_branches_and_the_way_to_them(void)
{
    static const pt_slice globs[] = { { "a/deep/*", 8 } };
    const query_scope mine = { .paths = globs, .n_paths = 1 };
    asked r;
    asked_open(&r, true);
    CHECK_TEXT(
        asked_tree(&r, &mine, &(query_tree){ .depth = 9, .at_ms = INT64_MIN }, QUERY_CSV),
        "path,name,kind,class,state,children,tag_id\na,a,folder,functional,live,1,\na/deep,deep,folder,functional,live,1,\na/deep/c,c,tag,functional,live,0,3\n");
    CHECK(strstr(asked_tree(&r, &mine, &(query_tree){ .path = PT_LIT("x"), .at_ms = INT64_MIN }, QUERY_JSON), "there is nothing at x") !=
          NULL);
    asked_close(&r);
}

static void without_a_host_there_is_the_tree_of_a_past_time(void)
{
    asked r;
    asked_open(&r, false);
    asked files = r;
    files.src.tree = NULL;
    CHECK(strstr(asked_tree(&files, &query_everything, &(query_tree){ .at_ms = INT64_MIN }, QUERY_JSON), "give a time") != NULL);
    CHECK_TEXT(
        asked_tree(&files, &query_everything, &(query_tree){ .path = PT_LIT("a"), .at_ms = pt_wall_ms(pt_clock_system()) }, QUERY_CSV),
        "path,name,kind,class,state,children,tag_id\na/b,b,tag,functional,stale,0,1\na/deep,deep,folder,functional,live,1,\na/s,s,tag,functional,live,0,2\n");
    asked_close(&r);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(nodes_come_level_by_level),
        PT_TEST(a_scope_sees_its_branches_and_the_way_to_them),
        PT_TEST(without_a_host_there_is_the_tree_of_a_past_time),
    };
    return pt_test_main("host/tree", tests, PT_COUNT_OF(tests), argc, argv);
}
