/* tests/host/cli/rows_test.c -- rows of history as a table or as CSV, in bounded memory. */
#include "host/cli/data.h"
#include "tests/host/cli/capture.h"
#include "tests/host/cli/verb.h"

static void row(cli_rows *r, int64_t ms, pt_slice path, pt_slice value, const char *quality)
{
    const cli_sample s = { .ms = ms, .path = path, .value = value, .quality = quality, .type = "Double", .flags = value.ptr ? "" : "NH" };
    cli_rows_sample(r, &s);
}

static void samples_are_csv_as_the_contract_says(void)
{
    cli c = { 0 };
    cli_rows r;
    const cli_history q = { .format = CLI_CSV };
    capture_begin();
    cli_rows_begin(&r, &c, &q);
    row(&r, 1763848992123, PT_LIT("a/b"), PT_LIT("1.5"), "GOOD");
    row(&r, 0, PT_LIT("a, \"b\""), PT_LIT("x\ny"), "UNCERTAIN");
    row(&r, -1, PT_LIT("a/b"), PT_NONE, "BAD");
    const cli_sample odd = { 1, PT_LIT("a/b"), PT_LIT("NaN"), "GOOD", "Float", "H", PT_LIT("AADA/w==") };
    cli_rows_sample(&r, &odd);
    outcome o = capture_end(cli_rows_end(&r, false));
    CHECK_INT(o.code, 0);
    CHECK_STR(pt_buf_view(&o.out),
              "time,path,value,quality,type,flags,base64\n2025-11-22T22:03:12.123Z,a/b,1.5,GOOD,Double,,\n"
              "1970-01-01T00:00:00.000Z,\"a, \"\"b\"\"\",\"x\ny\",UNCERTAIN,Double,,\n1969-12-31T23:59:59.999Z,a/b,,BAD,Double,NH,\n"
              "1970-01-01T00:00:00.001Z,a/b,NaN,GOOD,Float,H,AADA/w==\n");
    outcome_release(&o);
}

static void buckets_have_a_column_for_each_function(void)
{
    cli c = { 0 };
    cli_rows r;
    const pt_slice full[] = { PT_LIT("3"), PT_LIT("0.5") }, empty[] = { PT_LIT("0"), PT_NONE };
    cli_history q = { .format = CLI_CSV, .interval_ms = 60000, .fns = { "count", "avg" }, .n_fns = 2 };
    capture_begin();
    cli_rows_begin(&r, &c, &q);
    cli_rows_bucket(&r, 0, PT_LIT("a/b"), full, 2);
    cli_rows_bucket(&r, 60000, PT_LIT("a/b"), empty, 2);
    outcome o = capture_end(cli_rows_end(&r, false));
    CHECK_STR(pt_buf_view(&o.out), "time,path,count,avg\n1970-01-01T00:00:00.000Z,a/b,3,0.5\n1970-01-01T00:01:00.000Z,a/b,0,\n");
    outcome_release(&o);
    q.format = CLI_TABLE;
    capture_begin();
    cli_rows_begin(&r, &c, &q);
    cli_rows_bucket(&r, 0, PT_LIT("a/b"), full, 2);
    cli_rows_bucket(&r, 60000, PT_LIT("a/b"), empty, 2);
    o = capture_end(cli_rows_end(&r, false));
    CHECK_STR(pt_buf_view(&o.out), "TIME                      PATH  count  avg\n"
                                   "1970-01-01T00:00:00.000Z  a/b       3  0.5\n"
                                   "1970-01-01T00:01:00.000Z  a/b       0    -\n");
    outcome_release(&o);
}

static void a_table_shows_a_missing_value_as_a_dash(void)
{
    cli c = { 0 };
    cli_rows r;
    const cli_history q = { .format = CLI_TABLE };
    capture_begin();
    cli_rows_begin(&r, &c, &q);
    row(&r, 0, PT_LIT("a/b"), PT_LIT("10.25"), "GOOD");
    row(&r, 0, PT_LIT("a/b"), PT_NONE, "STALE");
    outcome o = capture_end(cli_rows_end(&r, false));
    CHECK_STR(pt_buf_view(&o.out), "TIME                      PATH  VALUE  QUALITY\n"
                                   "1970-01-01T00:00:00.000Z  a/b   10.25  GOOD\n"
                                   "1970-01-01T00:00:00.000Z  a/b       -  STALE\n");
    outcome_release(&o);
}

static void long_lists_are_written_as_they_come(void)
{
    enum { N = 20000 };
    cli c = { 0 };
    cli_rows r;
    const cli_history q = { .format = CLI_CSV };
    size_t lines = 0, held = 0;
    capture_begin();
    cli_rows_begin(&r, &c, &q);
    for (int i = 0; i < N; i++) {
        row(&r, i, PT_LIT("a/b"), PT_LIT("1"), "GOOD");
        if (r.out.len > held) held = r.out.len;
    }
    outcome o = capture_end(cli_rows_end(&r, false));
    for (size_t i = 0; i < o.out.len; i++)
        lines += o.out.ptr[i] == '\n';
    CHECK_INT(lines, N + 1);
    CHECK(held < 100000 && o.out.len > 500000);
    outcome_release(&o);
}

static void a_failed_write_stops_the_rows_and_is_the_exit_code(void)
{
    cli c = { 0 };
    cli_rows r;
    const cli_history q = { .format = CLI_CSV };
    capture_begin_to("/dev/full");
    cli_rows_begin(&r, &c, &q);
    for (int i = 0; i < 10000 && r.code == CLI_GO_ON; i++)
        row(&r, i, PT_LIT("a/b"), PT_LIT("1"), "GOOD");
    int code = r.code;
    row(&r, 0, PT_LIT("a/b"), PT_LIT("1"), "GOOD"); /* nothing more */
    size_t left = r.out.len;
    outcome o = capture_end(cli_rows_end(&r, false));
    CHECK(code == 1 && o.code == 1 && left == 0);
    CHECK_SAYS(o.err, "standard output cannot be written");
    outcome_release(&o);
}

static void a_call_that_fails_has_no_header_but_keeps_its_rows(void)
{
    static const cli_format formats[] = { CLI_TABLE, CLI_CSV };
    for (size_t i = 0; i < PT_COUNT_OF(formats); i++) {
        for (int rows = 0; rows < 2; rows++) {
            for (int failed = 0; failed < 2; failed++) {
                cli c = { 0 };
                cli_rows r;
                const cli_history q = { .format = formats[i] };
                capture_begin();
                cli_rows_begin(&r, &c, &q);
                if (rows) row(&r, 0, PT_LIT("a/b"), PT_LIT("1"), "GOOD");
                outcome o = capture_end(cli_rows_end(&r, failed));
                size_t lines = 0;
                for (size_t k = 0; k < o.out.len; k++)
                    lines += o.out.ptr[k] == '\n';
                CHECK_INT(o.code, 0);
                CHECK_INT(lines, rows ? 2 : !failed);
                outcome_release(&o);
            }
        }
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(samples_are_csv_as_the_contract_says),    PT_TEST(buckets_have_a_column_for_each_function),
        PT_TEST(a_table_shows_a_missing_value_as_a_dash), PT_TEST(a_call_that_fails_has_no_header_but_keeps_its_rows),
        PT_TEST(long_lists_are_written_as_they_come),     PT_TEST(a_failed_write_stops_the_rows_and_is_the_exit_code),
    };
    return pt_test_main("host/cli/rows", tests, PT_COUNT_OF(tests), argc, argv);
}
