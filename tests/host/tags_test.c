/* host/query/tags.c: the tags there are, and who owned a path when. */
#include "tests/host/asked.h"

#include <stdio.h>
#include <string.h>

#define HEAD "tag_id,path,source,group,edge,device,metric,type,unit,samples,first,last\n"

static void tags_are_listed_by_number_and_chosen_by_path(void)
{
    static const struct {
        pt_slice paths[2];
        size_t n;
        const char *lines;
    } rows[] = {
        { { { NULL, 0 } }, 0, "1 2 3 4 " }, { { { "a/*", 3 } }, 1, "1 2 " }, { { { "**", 2 }, { "!a/b", 4 } }, 2, "2 3 4 " },
        { { { "a/b", 3 } }, 1, "1 " },      { { { "nowhere", 7 } }, 1, "" },
    };
    asked r;
    asked_open(&r, false);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        const query_tags_question q = { .paths = rows[i].paths, .n_paths = rows[i].n };
        char numbers[100] = "";
        const char *got = asked_tags(&r, &query_everything, &q, QUERY_CSV);
        CHECK(strncmp(got, HEAD, strlen(HEAD)) == 0);
        for (const char *p = strchr(got, '\n'); p && p[1]; p = strchr(p + 1, '\n'))
            snprintf(numbers + strlen(numbers), sizeof numbers - strlen(numbers), "%u ", (unsigned)(p[1] - '0'));
        CHECK_TEXT(numbers, rows[i].lines);
    }
    const pt_slice one = PT_LIT("a/b");
    const query_tags_question q = { .paths = &one, .n_paths = 1 };
    CHECK_TEXT(asked_tags(&r, &query_everything, &q, QUERY_CSV),
               HEAD "1,a/b,spb,g,e,d,b,Double,m,10,1970-01-01T00:00:01.000Z,1970-01-01T00:00:10.000Z\n");
    CHECK_TEXT(asked_tags(&r, &query_everything, &q, QUERY_JSON),
               "[{\"tag_id\":1,\"path\":\"a/b\",\"source\":\"spb\",\"group\":\"g\",\"edge\":\"e\",\"device\":\"d\",\"metric\":\"b\","
               "\"type\":\"Double\",\"unit\":\"m\",\"samples\":10,\"first_ms\":1000,\"last_ms\":10000}]");
    asked_close(&r);
}

/* Claims of no time at all are none. */
static void next_ms(asked *r)
{
    int64_t now = pt_wall_ms(r->src.clock);
    while (pt_wall_ms(r->src.clock) == now)
        ;
}

static void a_path_is_told_with_all_that_owned_it(void)
{
    static const pt_slice globs[] = { { "a/b", 3 } };
    const query_scope mine = { .paths = globs, .n_paths = 1 };
    const query_tags_question q = { .owners_of = PT_LIT("a/b") };
    asked r;
    asked_open(&r, false);
    asked_flush(&r);
    next_ms(&r);
    CHECK_OK(hist_path_take(r.history, PT_LIT("elsewhere"), 1, pt_wall_ms(r.src.clock)));
    asked_flush(&r);
    next_ms(&r);
    CHECK_OK(hist_path_take(r.history, PT_LIT("a/b"), 2, pt_wall_ms(r.src.clock)));
    asked_flush(&r);
    const char *all = asked_tags(&r, &query_everything, &q, QUERY_LINES), *some = asked_tags(&r, &mine, &q, QUERY_LINES);
    const char *second = strchr(all, '\n');
    CHECK(strncmp(all, "{\"tag_id\":1,\"from_ms\":", 22) == 0 && strstr(all, "\"path\":\"elsewhere\"") != NULL);
    CHECK(second && strncmp(second + 1, "{\"tag_id\":2,\"from_ms\":", 22) == 0 && strstr(second, "\"to_ms\":null") != NULL);
    CHECK(strncmp(some, "{\"tag_id\":1,", 12) == 0 && strstr(some, "elsewhere") == NULL); /* where it went is not seen */
    CHECK_TEXT(asked_tags(&r, &query_everything, &(query_tags_question){ .owners_of = PT_LIT("nobody/s") }, QUERY_CSV),
               "!not-found: there is no tag nobody/s");
    asked_close(&r);
}

static void many_tags_come_in_steps(void)
{
    enum { N = 1300 };
    asked r;
    query_run *run = NULL;
    pt_error err = { 0, "" };
    unsigned steps = 0, lines = 0;
    asked_open(&r, false);
    for (int i = 0; i < N; i++) {
        char name[20];
        snprintf(name, sizeof name, "m%d", i);
        (void)asked_tag(&r, "e", name, name, SPB_DOUBLE, "");
    }
    pt_status st =
        query_tags_open(&r.src, &query_everything, &(query_tags_question){ .n_paths = 0 }, query_sink_new(QUERY_LINES, false), &run, &err);
    for (const char *p = asked_run(st, run, &err, &steps); *p; p++)
        lines += *p == '\n';
    CHECK(lines == N + 4 && steps >= 3);
    asked_close(&r);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(tags_are_listed_by_number_and_chosen_by_path),
        PT_TEST(a_path_is_told_with_all_that_owned_it),
        PT_TEST(many_tags_come_in_steps),
    };
    return pt_test_main("host/tags", tests, PT_COUNT_OF(tests), argc, argv);
}
