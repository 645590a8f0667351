/* host/query/run.c: what every run has. */
#include "tests/host/asked.h"

static void a_run_keeps_copies_of_what_it_was_asked_with(void)
{
    char glob[] = "a/**", path[] = "a/*";
    pt_slice globs[] = { { glob, 4 } }, paths[] = { { path, 3 } };
    query_scope scope = { .principal = PT_LIT("anna"), .paths = globs, .n_paths = 1 };
    query_history q = { .shape = QUERY_DURATIONS, .paths = paths, .n_paths = 1, .to_ms = 3000 };
    asked r;
    query_run *run = NULL;
    pt_error err = { 0, "" };
    asked_open(&r, true);
    pt_status st = query_history_open(&r.src, &scope, &q, query_sink_new(QUERY_CSV, false), &run, &err);
    memset(glob, '#', 4);
    memset(path, '#', 3);
    globs[0] = paths[0] = PT_LIT("zzz");
    q = (query_history){ .to_ms = 0 };
    CHECK_TEXT(asked_run(st, run, &err, NULL),
               "path,value,duration_ms,times\na/b,0.5,1000,1\na/b,1.5,1000,1\na/b,,1000,1\na/s,on,1000,1\na/s,off,1000,1\na/s,,1000,1\n");
    asked_close(&r);
}

static void a_run_keeps_copies_of_the_scopes_that_are_linked(void)
{
    char one[] = "zzz", two[] = "a/**", three[] = "**/b";
    pt_slice first[] = { { one, 3 } }, second[] = { { two, 4 } }, third[] = { { three, 4 } };
    query_scope more = { .paths = second, .n_paths = 1 }, frame = { .paths = first, .n_paths = 1 },
                frames_more = { .paths = third, .n_paths = 1 };
    query_scope scope = { .principal = PT_LIT("anna"), .paths = first, .n_paths = 1, .or_else = &more, .within = &frame };
    static const pt_slice all[] = { { "**", 2 } };
    query_history q = { .shape = QUERY_DURATIONS, .paths = all, .n_paths = 1, .to_ms = 3000 };
    asked r;
    query_run *run = NULL;
    pt_error err = { 0, "" };
    frame.or_else = &frames_more;
    asked_open(&r, true);
    pt_status st = query_history_open(&r.src, &scope, &q, query_sink_new(QUERY_CSV, false), &run, &err);
    memset(two, '#', 4);
    memset(three, '#', 4);
    memset(&more, 0, sizeof more);
    memset(&frame, 0, sizeof frame);
    memset(&frames_more, 0, sizeof frames_more);
    CHECK_TEXT(asked_run(st, run, &err, NULL), "path,value,duration_ms,times\na/b,0.5,1000,1\na/b,1.5,1000,1\na/b,,1000,1\n");
    asked_close(&r);
}

static void a_run_that_is_closed_early_leaves_nothing(void)
{
    static const pt_slice all[] = { { "**", 2 } };
    asked r;
    asked_open(&r, false);
    for (unsigned steps = 0; steps < 12; steps++) {
        query_history q = { .shape = QUERY_SAMPLES, .paths = all, .n_paths = 1, .to_ms = 20000 };
        query_run *run = NULL;
        pt_error err = { 0, "" };
        pt_buf out;
        CHECK_OK_FATAL(query_history_open(&r.src, &query_everything, &q, query_sink_new(QUERY_JSON, false), &run, &err));
        pt_buf_init(&out, 1u << 20);
        pt_status st = PT_OK;
        for (unsigned i = 0; i < steps && st == PT_OK; i++)
            st = query_step(run, &out, &err);
        CHECK(st == PT_OK || st == PT_ECLOSED);
        query_close(run);
        pt_buf_fini(&out);
    }
    query_close(NULL);
    asked_close(&r);
}

static void no_room_for_a_piece_is_an_error(void)
{
    static const pt_slice all[] = { { "**", 2 } };
    asked r;
    query_run *run = NULL;
    pt_error err = { 0, "" };
    pt_buf out;
    asked_open(&r, false);
    query_history q = { .shape = QUERY_SAMPLES, .paths = all, .n_paths = 1, .to_ms = 20000 };
    CHECK_OK_FATAL(query_history_open(&r.src, &query_everything, &q, query_sink_new(QUERY_CSV, false), &run, &err));
    pt_buf_init(&out, 40);
    pt_status st = PT_OK;
    while (st == PT_OK)
        st = query_step(run, &out, &err);
    CHECK_STATUS(st, PT_ETOOBIG);
    CHECK(err.text[0] != '\0');
    query_close(run);
    pt_buf_fini(&out);
    asked_close(&r);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_run_keeps_copies_of_what_it_was_asked_with),
        PT_TEST(a_run_keeps_copies_of_the_scopes_that_are_linked),
        PT_TEST(a_run_that_is_closed_early_leaves_nothing),
        PT_TEST(no_room_for_a_piece_is_an_error),
    };
    return pt_test_main("host/run", tests, PT_COUNT_OF(tests), argc, argv);
}
