/* host/query/select.c: from what a request names to tags. */
#include "tests/host/asked.h"

#include <stdio.h>
#include <string.h>

/* The paths of the answer, or the refusal. */
static const char *selected(asked *r, const char *list)
{
    static char text[400];
    pt_slice paths[8], rest = pt_cstr(list);
    query_history q = { .shape = QUERY_DURATIONS, .paths = paths, .to_ms = 1 };
    while (rest.len && pt_slice_split(&rest, ' ', &paths[q.n_paths]))
        q.n_paths++;
    const char *got = asked_history(r, &query_everything, &q, QUERY_JSON);
    if (got[0] == '!') return got;
    text[0] = '\0';
    for (const char *at = got; (at = strstr(at, "\"path\":\"")); at += 8) {
        strncat(text, at + 8, strcspn(at + 8, "\""));
        strcat(text, " ");
    }
    return text;
}

static void paths_and_patterns_become_tags_each_once(void)
{
    static const char *const rows[][2] = {
        { "a/s a/b", "a/s a/b " },
        { "a/*", "a/b a/s " },
        { "**", "a/b a/deep/c a/s " },
        { "a/s **", "a/s a/b a/deep/c " },
        { "** a/s a/s", "a/b a/deep/c a/s " },
        { "!a/s", "a/b a/deep/c " },
        { "a/* !a/b", "a/s " },
        { "a/_sparkplug/*", "a/_sparkplug/bdSeq " },
        { "a/_sparkplug/bdSeq", "a/_sparkplug/bdSeq " },
        { "a/none", "!PT_ENOTFOUND: there is no tag a/none" },
        { "a/b a/none", "!PT_ENOTFOUND: there is no tag a/none" },
        { "z/**", "!PT_ENOTFOUND: 'z/**' selects no tag" },
        { "", "!PT_EINVAL: which tag? a path, or a pattern" },
    };
    asked r;
    asked_open(&r, false);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        const char *got = selected(&r, rows[i][0]), *want = rows[i][1];
        const char *g = strchr(got, ':'), *w = strchr(want, ':'); /* the status's name is the test support's business */
        pt_check_at(strcmp(got[0] == '!' && g && w ? g : got, want[0] == '!' && w ? w : want) == 0, false, rows[i][0], 0, "'%s', not '%s'",
                    got, want);
    }
    asked_close(&r);
}

static void more_tags_than_an_answer_may_have_are_refused(void)
{
    asked r;
    char path[40], metric[20];
    asked_open(&r, false);
    for (int i = 0; i <= QUERY_SERIES_MAX; i++) {
        snprintf(metric, sizeof metric, "m%d", i);
        snprintf(path, sizeof path, "many/m%d", i);
        (void)asked_tag(&r, "e", metric, path, SPB_DOUBLE, "");
    }
    CHECK(strstr(selected(&r, "many/*"), "'many/*' selects more than 10000 tags") != NULL);
    asked_close(&r);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(paths_and_patterns_become_tags_each_once),
        PT_TEST(more_tags_than_an_answer_may_have_are_refused),
    };
    return pt_test_main("host/select", tests, PT_COUNT_OF(tests), argc, argv);
}
