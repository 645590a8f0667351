/* tests/base/glob_test.c -- a table, and a slow but obvious matcher over every short pattern and path. */
#include "base/glob.h"
#include "base/clock.h"
#include "tests/support/check.h"

#include <stdlib.h>

static void patterns_match_as_documented(void)
{
    static const struct {
        const char *pattern, *path;
        bool want;
    } rows[] = {
        { "a/b", "a/b", true },
        { "a/b", "a/B", false },
        { "a/b", "a", false },
        { "a", "a/b", false },
        { "a/*", "a/b", true },
        { "a/*", "a/b/c", false },
        { "a/*", "a", false },
        { "*", "a", true },
        { "*", "a/b", false },
        { "*", "", true },
        { "a*c", "abc", true },
        { "a*c", "ac", true },
        { "a*c", "acb", false },
        { "*a*b*", "xaxxbx", true },
        { "?", "a", true },
        { "?", "", false },
        { "?", "\xC3\xBC", true },
        { "??", "\xC3\xBC", false },
        { "?x", "\xE2\x82\xACx", true },
        { "?", "\xFF", true },
        { "**", "a", true },
        { "**", "a/b/c", true },
        { "**", "", true },
        { "a/**", "a", true },
        { "a/**", "a/b/c", true },
        { "a/**", "ab", false },
        { "**/c", "c", true },
        { "**/c", "a/b/c", true },
        { "**/c", "a/b/cc", false },
        { "a/**/c", "a/c", true },
        { "a/**/c", "a/b/b/c", true },
        { "a/**/c", "a/b/c/d", false },
        { "**/b/**", "a/b/c", true },
        { "**/b/**", "b", true },
        { "**/b/**", "a/c", false },
        { "**/a/**/a/b", "a/x/a/x/a/b", true },
        { "**/a/**/b/**/c", "a/b/b/c/c/c", true },
        { "**/a/b", "a/a/a/b", true },
        { "**/**", "a", true },
        { "**/*", "a", true },
        { "**/*/*", "a", false },
        { "a**", "abc", true },
        { "a**b/c", "axb/c", true },
        { "a/**b", "a/x/b", false },
        { "", "", true },
        { "", "a", false },
        { "a//b", "a//b", true },
        { "a/*/b", "a//b", true },
        { "a/", "a/", true },
        { "a/", "a", false },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++)
        CHECK_ROW(rows[i].pattern, pt_glob_match(pt_cstr(rows[i].pattern), pt_cstr(rows[i].path)) == rows[i].want);
}

/* The meaning, without any cleverness. */
static bool slow_segment(const char *p, const char *pe, const char *s, const char *se)
{
    if (p == pe) return s == se;
    if (*p == '*') return slow_segment(p + 1, pe, s, se) || (s < se && slow_segment(p, pe, s + 1, se));
    return s < se && (*p == '?' || *p == *s) && slow_segment(p + 1, pe, s + 1, se);
}
static const char *end_of(const char *s)
{
    while (*s && *s != '/')
        s++;
    return s;
}
static bool slow(const char *pattern, const char *path) /* NULL: nothing left */
{
    if (!pattern) return !path;
    const char *pe = end_of(pattern), *next = *pe ? pe + 1 : NULL;
    const char *se = path ? end_of(path) : NULL, *rest = path && *se ? se + 1 : NULL;
    if (pe - pattern == 2 && pattern[0] == '*' && pattern[1] == '*') return slow(next, path) || (path && slow(pattern, rest));
    return path && slow_segment(pattern, pe, path, se) && slow(next, rest);
}

static void every_short_pattern_agrees_with_the_slow_matcher(void)
{
    static const char letters[] = "a*/?b", plain[] = "ab/";
    char pattern[8], path[8];
    int bad = 0;
    for (int i = 0; i < 5 * 5 * 5 * 5 * 5 * 5; i++) {
        int v = i;
        for (int k = 0; k < 6; k++, v /= 5)
            pattern[k] = letters[v % 5];
        pattern[6] = '\0';
        for (int n = 1; n <= 4; n++) {
            int all = n == 1 ? 3 : n == 2 ? 9 : n == 3 ? 27 : 81;
            for (int j = 0; j < all; j++) {
                v = j;
                for (int k = 0; k < n; k++, v /= 3)
                    path[k] = plain[v % 3];
                path[n] = '\0';
                bool fast = pt_glob_match(pt_cstr(pattern), pt_cstr(path));
                if (fast != slow(pattern, path) && bad++ < 5) CHECK_ROW(pattern, !path[0]);
            }
        }
    }
    CHECK_INT(bad, 0);
}

static void a_list_selects_what_it_names_and_never_what_it_excludes(void)
{
    static const struct {
        const char *list[4];
        bool a, b, ab; /* the paths "a", "b" and "a/b" */
    } rows[] = {
        { { NULL }, true, true, true },         { { "a" }, true, false, false },
        { { "!a" }, false, true, true },        { { "!a", "b" }, false, true, false },
        { { "b", "!a" }, false, true, false },  { { "**", "!b" }, true, false, true },
        { { "a", "!a" }, false, false, false }, { { "!b", "a/**", "!a" }, false, false, true },
        { { "" }, false, false, false },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_slice list[4];
        size_t n = 0;
        bool only = true;
        for (; n < 4 && rows[i].list[n]; n++) {
            list[n] = pt_cstr(rows[i].list[n]);
            only = only && rows[i].list[n][0] == '!';
        }
        CHECK_ROW(n ? rows[i].list[0] : "nothing",
                  pt_glob_selects(list, n, PT_LIT("a")) == rows[i].a && pt_glob_selects(list, n, PT_LIT("b")) == rows[i].b &&
                      pt_glob_selects(list, n, PT_LIT("a/b")) == rows[i].ab && pt_glob_only_excludes(list, n) == only);
    }
}

static void hostile_patterns_do_not_take_for_ever(void)
{
    char path[2001], pattern[2001];
    for (int i = 0; i < 2000; i++) {
        path[i] = i % 2 ? '/' : 'a';
        pattern[i] = i % 3 == 2 ? '/' : '*';
    }
    path[2000] = pattern[2000] = '\0';
    int64_t before = pt_mono_ms(pt_clock_system());
    (void)pt_glob_match(pt_cstr(pattern), pt_cstr(path));
    memset(path, 'a', 2000);
    memset(pattern, '*', 1999);
    pattern[1999] = 'b';
    CHECK(!pt_glob_match(pt_cstr(pattern), pt_cstr(path)));
    CHECK(pt_mono_ms(pt_clock_system()) - before < 2000);
}

static void literal_patterns_are_known(void)
{
    CHECK(pt_glob_is_literal(PT_LIT("a/b")));
    CHECK(!pt_glob_is_literal(PT_LIT("a/*")));
    CHECK(!pt_glob_is_literal(PT_LIT("a?")));
    CHECK(pt_glob_is_literal(PT_LIT("")));
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(patterns_match_as_documented), PT_TEST(every_short_pattern_agrees_with_the_slow_matcher),
                                     PT_TEST(a_list_selects_what_it_names_and_never_what_it_excludes),
                                     PT_TEST(hostile_patterns_do_not_take_for_ever), PT_TEST(literal_patterns_are_known) };
    return pt_test_main("base/glob", tests, PT_COUNT_OF(tests), argc, argv);
}
