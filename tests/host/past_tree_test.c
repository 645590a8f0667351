/* host/query/past_tree.c: the tree as of a past time. */
#include "host/query/past_tree.h"
#include "tests/host/asked.h"

static void see(void *ctx, const uns_tag_view *v)
{
    *(uns_state *)ctx = v->state;
}

static uns_state state_of(uns_tree *t, const char *path)
{
    uns_state s = UNS_ARCHIVED; /* none */
    pt_status st = uns_read(t, pt_cstr(path), see, &s);
    return st == PT_OK ? s : UNS_ARCHIVED;
}

/* a/b goes stale at 11000; before 1000 nothing is known of it, but it is the same tag. */
static void a_tag_is_live_until_its_state_says_otherwise(void)
{
    static const struct {
        int64_t at_ms;
        uns_state b, c;
    } rows[] = { { 10500, UNS_LIVE, UNS_LIVE }, { 11000, UNS_STALE_STATE, UNS_LIVE }, { 99000, UNS_STALE_STATE, UNS_LIVE } };
    asked r;
    asked_open(&r, false);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        uns_tree *t = NULL;
        pt_error err = { 0, "" };
        CHECK_OK_FATAL(query__past_tree(&r.src, rows[i].at_ms, PT_LIT(""), &t, &err));
        CHECK_INT(state_of(t, "a/b"), rows[i].b);
        CHECK_INT(state_of(t, "a/deep/c"), rows[i].c);
        uns_tree_free(t);
    }
    asked_close(&r);
}

static void only_what_lies_below_is_looked_up(void)
{
    asked r;
    uns_tree *t = NULL;
    pt_error err = { 0, "" };
    asked_open(&r, true);
    CHECK_OK_FATAL(query__past_tree(&r.src, 10500, PT_LIT("a/deep"), &t, &err));
    CHECK_INT(state_of(t, "a/deep/c"), UNS_LIVE);
    CHECK_INT(state_of(t, "x/hidden/t"), UNS_ARCHIVED);
    uns_tree_free(t);
    asked_close(&r);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_tag_is_live_until_its_state_says_otherwise),
        PT_TEST(only_what_lies_below_is_looked_up),
    };
    return pt_test_main("host/past_tree", tests, PT_COUNT_OF(tests), argc, argv);
}
