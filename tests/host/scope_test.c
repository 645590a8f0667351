/* host/query/scope.c: which paths there are for whom. And the promise of the whole room: what is outside a scope is nowhere. */
#include "tests/host/asked.h"

#include <string.h>

static void patterns_say_what_is_seen(void)
{
    static const struct {
        pt_slice globs[3];
        size_t n;
        const char *path;
        bool seen;
    } rows[] = {
        { { { NULL, 0 } }, 0, "a/b", true },     { { { NULL, 0 } }, 0, "", true },    { { { "a/**", 4 } }, 1, "a/b", true },
        { { { "a/**", 4 } }, 1, "ab/c", false }, { { { "a/**", 4 } }, 1, "", false }, { { { "a/**", 4 }, { "!a/x", 4 } }, 2, "a/x", false },
        { { { "!a/**", 5 } }, 1, "b/c", true },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        const query_scope s = { .paths = rows[i].globs, .n_paths = rows[i].n };
        CHECK_ROW(rows[i].path, query_sees(&s, pt_cstr(rows[i].path)) == rows[i].seen);
        CHECK(query_is_everything(&s) == (rows[i].n == 0));
    }
}

static void parts_add_up_and_a_frame_bounds_them(void)
{
    static const pt_slice a[] = { { "a/**", 4 }, { "!a/x", 4 } }, x[] = { { "a/x", 3 } }, b[] = { { "b/**", 4 }, { "a/*", 3 } },
                          none[] = { { "!**", 3 } };
    const query_scope more = { .paths = x, .n_paths = 1 }, frame = { .paths = b, .n_paths = 2 }, all = { .n_paths = 0 };
    const query_scope either = { .paths = a, .n_paths = 2, .or_else = &more },
                      bounded = { .or_else = &more, .paths = a, .n_paths = 2, .within = &frame }, plant_in_frame = { .within = &frame },
                      or_all = { .paths = a, .n_paths = 2, .or_else = &all }, nothing = { .paths = none, .n_paths = 1 };
    static const char *const paths[] = { "a/y", "a/x", "a/y/z", "b/c", "c", "" };
    const struct {
        const query_scope *s;
        const char *seen; /* by place in paths */
        bool everything;
    } rows[] = { { &either, "111000", false },
                 { &bounded, "110000", false },
                 { &plant_in_frame, "110100", false },
                 { &or_all, "111111", true },
                 { &nothing, "000000", false } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        for (size_t k = 0; k < PT_COUNT_OF(paths); k++)
            CHECK_ROW(paths[k], query_sees(rows[i].s, pt_cstr(paths[k])) == (rows[i].seen[k] == '1'));
        CHECK(query_is_everything(rows[i].s) == rows[i].everything);
    }
}

/* Each question to a plant with secret tags, asked by someone who does not see them, and to one that never had them. */
typedef const char *question(asked *r, const query_scope *s, unsigned i);

static const pt_slice paths[] = { { "x/hidden/t", 10 },          { "x/**", 4 },       { "**", 2 }, { "a/b", 3 }, { "!a/b", 4 },
                                  { "_source/spb/g/z/d/t", 19 }, { "_source/**", 10 } };

static const char *histories(asked *r, const query_scope *s, unsigned i)
{
    if (i >= PT_COUNT_OF(paths) * 9 + 3) return NULL;
    query_history q = asked_path((query_shape)(i / 3 % 3), &paths[i / 9 % PT_COUNT_OF(paths)]);
    if (i >= PT_COUNT_OF(paths) * 9) q.tag_id = 5; /* the secret's */
    return asked_history(r, s, &q, (query_format)(i % 3));
}

static const char *values(asked *r, const query_scope *s, unsigned i)
{
    if (i >= PT_COUNT_OF(paths) * 6 + 1) return NULL;
    query_values q = { .paths = &paths[i / 6 % PT_COUNT_OF(paths)], .n_paths = 1, .full = i / 3 % 2 };
    if (i == PT_COUNT_OF(paths) * 6) q = (query_values){ .tag_id = 5 };
    return asked_values(r, s, &q, (query_format)(i % 3));
}

static const char *tags(asked *r, const query_scope *s, unsigned i)
{
    if (i >= PT_COUNT_OF(paths) * 6 + 3) return NULL;
    query_tags_question q = { .paths = &paths[i / 6 % PT_COUNT_OF(paths)], .n_paths = 1 };
    if (i / 3 % 2)
        q = (query_tags_question){ .owners_of = paths[i / 6 == 3 ? 0 : i / 6 % PT_COUNT_OF(paths)] }; /* but a/b: two plants, two times */
    if (i >= PT_COUNT_OF(paths) * 6) q = (query_tags_question){ .n_paths = 0 };
    return asked_tags(r, s, &q, (query_format)(i % 3));
}

static const char *trees(asked *r, const query_scope *s, unsigned i)
{
    static const pt_slice places[] = { { "", 0 },
                                       { "a", 1 },
                                       { "x", 1 },
                                       { "x/hidden", 8 },
                                       { "x/hidden/t", 10 },
                                       { "nowhere", 7 },
                                       { "_source", 7 },
                                       { "_source/spb/g/z", 15 } };
    if (i >= PT_COUNT_OF(places) * 8) return NULL;
    query_tree q = {
        .path = places[i / 8], .depth = i % 2 ? 9 : 1, .hidden = i / 2 % 2, .at_ms = i / 4 % 2 ? pt_wall_ms(pt_clock_system()) : INT64_MIN
    };
    return asked_tree(r, s, &q, QUERY_JSON);
}

static const char *events(asked *r, const query_scope *s, unsigned i)
{
    static const char *const filters[][3] = {
        { NULL, NULL, NULL }, { "g/z", NULL, NULL }, { NULL, "x/**", NULL }, { NULL, "**", NULL }, { NULL, NULL, "ndeath,write" }
    };
    if (i >= PT_COUNT_OF(filters) * 4) return NULL;
    const char *const *f = filters[i / 4];
    hist_event_filter q = { .from_ms = 0,
                            .to_ms = INT64_MAX,
                            .node = pt_cstr(f[0]),
                            .path = pt_cstr(f[1]),
                            .types = pt_cstr(f[2]),
                            .newest_first = i % 2,
                            .limit = i / 2 % 2 };
    return asked_events(r, s, &q, QUERY_JSON);
}

static void what_is_outside_the_scope_does_not_exist(void)
{
    static const pt_slice globs[] = { { "a/**", 4 } };
    const query_scope mine = { .role = QUERY_VIEWER, .paths = globs, .n_paths = 1 };
    static question *const questions[] = { histories, values, tags, trees, events };
    asked with, without;
    unsigned n = 0, answered = 0;
    asked_open(&with, true);
    asked_open(&without, false);
    for (size_t k = 0; k < PT_COUNT_OF(questions); k++) {
        for (unsigned i = 0;; i++) {
            const char *got = questions[k](&with, &mine, i);
            if (!got) break;
            const char *want = questions[k](&without, &mine, i);
            n++;
            answered += want[0] != '!' && strlen(want) > 2;
            pt_check_at(strcmp(got, want) == 0, false, __FILE__, (int)(k * 1000 + i), "'%s', not '%s'", got, want);
            CHECK(!strstr(got, "hidden/t\"") && !strstr(got, "666"));
        }
    }
    CHECK(n > 150 && answered > 60);
    /* and those who see everything see it */
    query_history q = asked_path(QUERY_SAMPLES, &paths[0]);
    CHECK(strstr(asked_history(&with, &query_everything, &q, QUERY_CSV), ",x/hidden/t,666,GOOD,") != NULL);
    asked_close(&with);
    asked_close(&without);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(patterns_say_what_is_seen),
        PT_TEST(parts_add_up_and_a_frame_bounds_them),
        PT_TEST(what_is_outside_the_scope_does_not_exist),
    };
    return pt_test_main("host/scope", tests, PT_COUNT_OF(tests), argc, argv);
}
