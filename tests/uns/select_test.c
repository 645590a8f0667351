/* tests/uns/select_test.c -- selection against the plain matcher over every tag. */
#include "base/glob.h"
#include "base/random.h"
#include "tests/support/check.h"
#include "uns/uns.h"

#include <stdio.h>
#include <stdlib.h>

enum { TAGS = 400, GLOBS = 3000 };
static uns_tree *tree;
static char paths[TAGS + 1][80]; /* "" when the path was taken */
static bool hidden[TAGS + 1];

static void random_text(pt_random *r, char *out, size_t cap, const char *const *words, size_t n_words, size_t max_depth)
{
    size_t n = 0, depth = 1 + pt_random_below(r, max_depth);
    for (size_t i = 0; i < depth; i++)
        n += (size_t)snprintf(out + n, cap - n, "%s%s", i ? "/" : "", words[pt_random_below(r, n_words)]);
}

static void plant(pt_random *r)
{
    static const char *const words[] = { "a", "b", "ab", "abc", "a b", "a-b", "ba" };
    CHECK_OK_FATAL(uns_tree_new(&tree));
    for (uint32_t i = 1; i <= TAGS; i++) {
        char metric[16];
        snprintf(metric, sizeof metric, "m%u", i);
        random_text(r, paths[i], sizeof paths[i], words, PT_COUNT_OF(words), 6);
        hidden[i] = pt_random_below(r, 10) == 0;
        uns_tag_def d = { .tag_id = i,
                          .path = pt_cstr(paths[i]),
                          .group = PT_LIT("g"),
                          .edge = PT_LIT("e"),
                          .device = PT_LIT("d"),
                          .metric = pt_cstr(metric),
                          .type = SPB_INT32,
                          .hidden = hidden[i] };
        pt_status st = uns_tag_put(tree, &d);
        CHECK(st == PT_OK || st == PT_EEXISTS);
        if (st == PT_EEXISTS) paths[i][0] = '\0';
    }
}

typedef struct seen {
    unsigned times[TAGS + 1], bad_order, total;
    char last[80];
} seen;

static int path_order(const char *a, const char *b) /* segment by segment */
{
    pt_slice x = pt_cstr(a), y = pt_cstr(b), p, q;
    if (!x.len || !y.len) return (x.len > y.len) - (x.len < y.len);
    for (;;) {
        bool more_x = x.ptr && pt_slice_split(&x, '/', &p), more_y = y.ptr && pt_slice_split(&y, '/', &q);
        if (!more_x || !more_y) return more_x - more_y;
        int c = pt_slice_cmp(p, q);
        if (c) return c;
    }
}

static bool see(void *ctx, const uns_tag_view *v)
{
    seen *s = ctx;
    char path[80];
    snprintf(path, sizeof path, "%.*s", PT_SLICE_ARGS(v->def.path));
    s->times[v->def.tag_id]++;
    s->total++;
    s->bad_order += path_order(s->last, path) >= 0 || strcmp(path, paths[v->def.tag_id]) != 0;
    snprintf(s->last, sizeof s->last, "%s", path);
    return true;
}

static void selection_agrees_with_the_matcher_on_every_tag(void)
{
    static const char *const words[] = { "a", "b", "ab", "*", "**", "a*", "?b", "abc", "*b*", "a b" };
    pt_random r = pt_random_seed(3);
    plant(&r);
    unsigned bad = 0, matched = 0;
    for (unsigned k = 0; k < GLOBS; k++) {
        char text[4][100];
        pt_slice globs[4];
        size_t n = 1 + pt_random_below(&r, 4);
        bool want_hidden = pt_random_below(&r, 2);
        for (size_t i = 0; i < n; i++) {
            text[i][0] = '!';
            random_text(&r, text[i] + 1, sizeof text[i] - 1, words, PT_COUNT_OF(words), 6);
            globs[i] = pt_cstr(pt_random_below(&r, 4) ? text[i] + 1 : text[i]);
        }
        seen s = { 0 };
        uns_select(tree, globs, n, want_hidden, see, &s);
        bad += s.bad_order;
        for (uint32_t t = 1; t <= TAGS; t++) {
            bool want = false, no = false;
            for (size_t i = 0; i < n && paths[t][0]; i++) {
                bool ex = globs[i].ptr[0] == '!';
                if (!pt_glob_match(pt_slice_from(globs[i], ex), pt_cstr(paths[t]))) continue;
                want |= !ex;
                no |= ex;
            }
            want = want && !no && (want_hidden || !hidden[t]);
            bad += s.times[t] != want;
            matched += want;
        }
    }
    CHECK_INT(bad, 0);
    CHECK(matched > GLOBS);
    uns_tree_free(tree);
}

static bool count(void *ctx, const uns_tag_view *v)
{
    (void)v;
    return ++*(unsigned *)ctx < 5;
}

static unsigned select_one(const char *glob)
{
    unsigned n = 0;
    pt_slice g = pt_cstr(glob);
    uns_select(tree, &g, 1, true, count, &n);
    return n;
}

static void odd_globs_select_what_they_say(void)
{
    pt_random r = pt_random_seed(5);
    plant(&r);
    CHECK_INT(select_one(""), 0);
    CHECK_INT(select_one("!**"), 0);
    CHECK_INT(select_one("!"), 0);
    CHECK_INT(select_one("/"), 0);
    CHECK_INT(select_one("**"), 5); /* the callback's false stops it */
    CHECK_INT(select_one("**/**/**"), 5);
    CHECK_INT(select_one("nowhere/**"), 0);
    CHECK_INT(select_one("_source/spb/g/e/d/m17"), 1);
    CHECK_INT(select_one("_source/**"), 5);
    CHECK_INT(select_one("_source"), 0);
    char deep[400] = "a";
    for (int i = 0; i < 80; i++)
        strcat(deep, "/*");
    CHECK_INT(select_one(deep), 0);
    uns_select(tree, NULL, 0, true, count, NULL);
    uns_tree_free(tree);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(selection_agrees_with_the_matcher_on_every_tag), PT_TEST(odd_globs_select_what_they_say) };
    return pt_test_main("uns/select", tests, PT_COUNT_OF(tests), argc, argv);
}
