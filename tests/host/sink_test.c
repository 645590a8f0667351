/* host/query/sink.c: three formats, lists of records, values as JSON. */
#include "host/query/sink.h"
#include "tests/support/check.h"

#include <string.h>

static void formats_have_names_and_media_types(void)
{
    static const char *const rows[][2] = { { "json", "application/json" },
                                           { "jsonl", "application/jsonl" },
                                           { "csv", "text/csv; charset=utf-8" } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        query_format f = QUERY_JSON;
        CHECK_OK(query_format_parse(pt_cstr(rows[i][0]), &f));
        CHECK_INT(f, i);
        CHECK_STR(pt_cstr(query_format_type(f)), rows[i][1]);
    }
    query_format f;
    CHECK_STATUS(query_format_parse(PT_LIT("xml"), &f), PT_EINVAL);
}

static void number_json(pt_json *j, const void *row, bool int64_string)
{
    pt_json_i64(j, *(const int *)row + (int64_string ? 1000 : 0));
}
static void number_cells(pt_buf *out, const void *row)
{
    pt_buf_printf(out, "%d,x", *(const int *)row);
}

static void a_list_is_an_array_or_lines(void)
{
    static const query_record record = { number_json, number_cells, "n,x" };
    static const struct {
        query_format f;
        bool int64_string;
        int n;
        const char *want;
    } rows[] = { { QUERY_JSON, false, 0, "[]" },
                 { QUERY_JSON, false, 1, "[0]" },
                 { QUERY_JSON, true, 3, "[1000,1001,1002]" },
                 { QUERY_LINES, false, 0, "" },
                 { QUERY_LINES, false, 2, "0\n1\n" },
                 { QUERY_CSV, false, 0, "n,x\n" },
                 { QUERY_CSV, false, 2, "n,x\n0,x\n1,x\n" } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_buf out;
        query_sink *s = query_sink_new(rows[i].f, rows[i].int64_string);
        CHECK_FATAL(s != NULL);
        pt_buf_init(&out, 1000);
        query_sink_list(s, &out, &record);
        for (int n = 0; n < rows[i].n; n++)
            CHECK_OK(query_sink_record(s, &out, &n));
        query_sink_list_end(s, &out);
        CHECK_STR(pt_buf_view(&out), rows[i].want);
        pt_buf_fini(&out);
        query_sink_free(s);
    }
    query_sink_free(NULL);
}

static void wide_integers_are_strings_for_those_who_round_them(void)
{
    static const uint64_t wide[] = { UINT64_C(9007199254740993), 1 };
    const struct {
        spb_value v;
        const char *plain, *safe;
    } rows[] = {
        { { .type = SPB_INT64, .as.i64 = INT64_C(9007199254740993) }, "9007199254740993", "\"9007199254740993\"" },
        { { .type = SPB_INT64, .as.i64 = INT64_C(-9007199254740993) }, "-9007199254740993", "\"-9007199254740993\"" },
        { { .type = SPB_INT64, .as.i64 = INT64_C(9007199254740992) }, "9007199254740992", "9007199254740992" },
        { { .type = SPB_UINT64, .as.u64 = UINT64_MAX }, "18446744073709551615", "\"18446744073709551615\"" },
        { { .type = SPB_UINT64_ARRAY, .as.bytes = { (const char *)wide, sizeof wide } },
          "[9007199254740993,1]",
          "[\"9007199254740993\",1]" },
        { { .type = SPB_INT64, .is_null = true, .as.i64 = INT64_MAX }, "null", "null" },
        { { .type = SPB_DOUBLE, .as.f64 = 1e300 }, "1e+300", "1e+300" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        for (int safe = 0; safe < 2; safe++) {
            pt_buf out;
            pt_json j;
            pt_buf_init(&out, 1000);
            pt_json_init(&j, &out);
            query_json_value(&j, &rows[i].v, safe);
            CHECK_STR(pt_buf_view(&out), safe ? rows[i].safe : rows[i].plain);
            pt_buf_fini(&out);
        }
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(formats_have_names_and_media_types),
        PT_TEST(a_list_is_an_array_or_lines),
        PT_TEST(wide_integers_are_strings_for_those_who_round_them),
    };
    return pt_test_main("host/sink", tests, PT_COUNT_OF(tests), argc, argv);
}
