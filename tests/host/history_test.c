/* host/query/history.c: samples, buckets and states, however they are cut into steps. */
#include "tests/host/asked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const pt_slice b[] = { { "a/b", 3 } };

static void questions_that_cannot_be_answered_say_why(void)
{
    static const struct {
        query_history q;
        const char *says;
    } rows[] = {
        { { .shape = QUERY_SAMPLES, .paths = b, .n_paths = 1, .from_ms = 5, .to_ms = 4 }, ": from lies behind to" },
        { { .shape = QUERY_BUCKETS, .paths = b, .n_paths = 1, .to_ms = 2000000, .interval_ms = 1 },
          ": more than 1000000 intervals; take longer ones" },
        { { .shape = QUERY_BUCKETS, .paths = b, .n_paths = 1, .to_ms = 9, .zone = { "Europe/Berlin", 13 } },
          ": tz needs an interval such as" },
        { { .shape = QUERY_BUCKETS, .paths = b, .n_paths = 1, .to_ms = 9, .zone = { "Asia/Atlantis", 13 }, .interval = { "1d", 2 } },
          "Asia/Atlantis" },
        { { .shape = QUERY_BUCKETS, .paths = b, .n_paths = 1, .to_ms = 9, .zone = { "UTC", 3 }, .interval = { "7m", 2 } }, "7m" },
        { { .shape = QUERY_SAMPLES, .tag_id = 99, .to_ms = 9 }, ": there is no tag of the id 99" },
    };
    asked r;
    asked_open(&r, false);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        const char *got = asked_history(&r, &query_everything, &rows[i].q, QUERY_JSON);
        pt_check_at(got[0] == '!' && strstr(got, rows[i].says), false, rows[i].says, 0, "it says %s", got);
    }
    asked_close(&r);
}

static void names_of_columns_are_ours_or_opc_uas(void)
{
    unsigned fns[QUERY_FNS];
    size_t n = 0;
    pt_error err = { 0, "" };
    CHECK_OK(query_fns_parse(PT_LIT("TimeAverage,count,Interpolative,good,min"), fns, &n, &err));
    CHECK_INT(n, 5);
    CHECK_STR(pt_cstr(query_fn_name(fns[0])), "twa");
    CHECK_STR(pt_cstr(query_fn_name(fns[2])), "interpolated");
    CHECK_STATUS(query_fns_parse(PT_LIT("min,Minimum"), fns, &n, &err), PT_EINVAL);
    CHECK_STR(pt_cstr(err.text), "min is given twice");
    CHECK_STATUS(query_fns_parse(PT_LIT("min,mode"), fns, &n, &err), PT_EINVAL);
    CHECK(strstr(err.text, "'mode' is not one of count, good, numbers") != NULL);
    CHECK_STATUS(query_fns_parse(PT_LIT(""), fns, &n, &err), PT_EINVAL);
}

static void samples_buckets_and_states_have_their_shapes(void)
{
    static const unsigned fns[] = { HIST_FN_MAX, QUERY_FN_INTERPOLATED, QUERY_FN_COUNT };
    asked r;
    asked_open(&r, false);
    query_history q = asked_path(QUERY_SAMPLES, b);
    q.from_ms = 9000;
    CHECK_TEXT(
        asked_history(&r, &query_everything, &q, QUERY_JSON),
        "{\"from_ms\":9000,\"to_ms\":20000,\"series\":[{\"path\":\"a/b\",\"tag_id\":1,\"unit\":\"m\",\"type\":\"Double\",\"t\":[9000,10000],"
        "\"v\":[8.5,9.5],\"q\":\"GG\",\"raw_count\":2,\"reduced\":\"raw\",\"breaks\":[11000]}]}");
    q = asked_path(QUERY_BUCKETS, b);
    q.fns = fns;
    q.n_fns = 3;
    CHECK_TEXT(asked_history(&r, &query_everything, &q, QUERY_CSV),
               "time,path,max,interpolated,count\n1970-01-01T00:00:00.000Z,a/b,3.5,,4\n"
               "1970-01-01T00:00:05.000Z,a/b,8.5,4.5,5\n1970-01-01T00:00:10.000Z,a/b,9.5,9.5,1\n"
               "1970-01-01T00:00:15.000Z,a/b,,,0\n");
    q = asked_path(QUERY_DURATIONS, b);
    q.to_ms = 2500;
    CHECK_TEXT(
        asked_history(&r, &query_everything, &q, QUERY_LINES),
        "{\"path\":\"a/b\",\"tag_id\":1,\"value\":0.5,\"duration_ms\":1000,\"times\":1}\n"
        "{\"path\":\"a/b\",\"tag_id\":1,\"value\":1.5,\"duration_ms\":500,\"times\":1}\n{\"path\":\"a/b\",\"tag_id\":1,\"value\":null,\"duration_ms\":1000,\"times\":1}\n");
    asked_close(&r);
}

/* More of them than a step has: the rows are those of ten questions about a tenth each. */
static void buckets_cut_into_steps_are_those_of_one_walk(void)
{
    static const unsigned fns[] = { QUERY_FN_COUNT, HIST_FN_TWA, QUERY_FN_INTERPOLATED, HIST_FN_LAST };
    static const pt_slice zones[] = { { NULL, 0 }, { "UTC", 3 } };
    asked r;
    asked_open(&r, false);
    for (int i = 0; i < 20000; i += 37)
        asked_f64(&r, 1, 20000 + i * 100, i % 91, i % 5 ? SPB_GOOD : SPB_BAD);
    asked_flush(&r);
    for (size_t z = 0; z < 2; z++) {
        query_history q = {
            .shape = QUERY_BUCKETS, .paths = b, .n_paths = 1, .fns = fns, .n_fns = 4, .interval_ms = 100, .zone = zones[z]
        };
        if (z) q.interval = PT_LIT("1s");
        q.to_ms = z ? 10000000 : 2000000;
        char *whole = strdup(asked_history(&r, &query_everything, &q, QUERY_CSV));
        CHECK_FATAL(whole != NULL);
        const int64_t part = q.to_ms / 10;
        size_t at = strcspn(whole, "\n") + 1;
        for (int k = 0; k < 10; k++) {
            q.from_ms = k * part;
            q.to_ms = q.from_ms + part;
            const char *piece = strchr(asked_history(&r, &query_everything, &q, QUERY_CSV), '\n') + 1;
            CHECK_FATAL(strncmp(whole + at, piece, strlen(piece)) == 0);
            at += strlen(piece);
        }
        CHECK(whole[at] == '\0');
        free(whole);
    }
    asked_close(&r);
}

/* Two million samples: many small steps, and a buffer that stays small, whatever the format. */
static void a_long_answer_comes_in_small_steps(void)
{
    enum { N = 2000000, AT_ONCE = 10000 };
    static hist_sample some[AT_ONCE];
    asked r;
    asked_open(&r, false);
    for (int i = 0; i < N; i += AT_ONCE) {
        for (int k = 0; k < AT_ONCE; k++)
            some[k] = (hist_sample){ .tag_id = 1, .time_ms = 1000000 + i + k, .type = SPB_DOUBLE, .as.f64 = k % 100 / 10.0 };
        while (hist_append(r.history, some, AT_ONCE) == PT_EFULL)
            asked_flush(&r);
    }
    asked_flush(&r);
    CHECK_OK(hist_seal(r.history, NULL));
    for (int f = 0; f <= QUERY_CSV; f++) {
        query_history q = { .shape = QUERY_SAMPLES, .paths = b, .n_paths = 1, .from_ms = 1000000, .to_ms = 9000000 };
        query_run *run = NULL;
        pt_error err = { 0, "" };
        pt_buf out;
        size_t most = 0, all = 0, steps = 0;
        CHECK_OK_FATAL(query_history_open(&r.src, &query_everything, &q, query_sink_new((query_format)f, false), &run, &err));
        pt_buf_init(&out, 4u << 20);
        for (pt_status st = PT_OK; st == PT_OK; steps++) {
            pt_buf_reset(&out);
            st = query_step(run, &out, &err);
            CHECK_FATAL(st == PT_OK || st == PT_ECLOSED);
            if (out.len > most) most = out.len;
            all += out.len;
        }
        CHECK(most < 1u << 20 && all > 10u * N && steps > 100);
        query_close(run);
        pt_buf_fini(&out);
    }
    asked_close(&r);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(questions_that_cannot_be_answered_say_why),    PT_TEST(names_of_columns_are_ours_or_opc_uas),
        PT_TEST(samples_buckets_and_states_have_their_shapes), PT_TEST(buckets_cut_into_steps_are_those_of_one_walk),
        PT_TEST(a_long_answer_comes_in_small_steps),
    };
    return pt_test_main("host/history", tests, PT_COUNT_OF(tests), argc, argv);
}
