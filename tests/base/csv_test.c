/* tests/base/csv_test.c -- fields written come back, whatever is in them and however the text arrives; what is wrong is told apart. */
#include "base/csv.h"
#include "base/random.h"
#include "tests/support/check.h"

static const pt_csv SEMICOLON = { .separator = ';', .quote = '\'' }, TRIM = { .separator = ',', .quote = '"', .trim = true };

static void fields_are_quoted_where_they_must_be(void)
{
    static const struct {
        const pt_csv *csv;
        const char *in, *out;
    } rows[] = {
        { &pt_csv_rfc4180, "", "" },
        { &pt_csv_rfc4180, "plain", "plain" },
        { &pt_csv_rfc4180, "a,b", "\"a,b\"" },
        { &pt_csv_rfc4180, "say \"x\"", "\"say \"\"x\"\"\"" },
        { &pt_csv_rfc4180, "a\nb", "\"a\nb\"" },
        { &pt_csv_rfc4180, "a\r", "\"a\r\"" },
        { &pt_csv_rfc4180, " a", "\" a\"" },
        { &pt_csv_rfc4180, "a ", "\"a \"" },
        { &pt_csv_rfc4180, "a;b", "a;b" },
        { &SEMICOLON, "a,b", "a,b" },
        { &SEMICOLON, "a;b", "'a;b'" },
        { &SEMICOLON, "it's \"x\"", "'it''s \"x\"'" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_buf b;
        pt_buf_init(&b, 100);
        pt_csv_field(&b, rows[i].csv, pt_cstr(rows[i].in));
        CHECK_STR(pt_buf_view(&b), rows[i].out);
        pt_buf_fini(&b);
    }
}

static void records_are_cut_into_fields(void)
{
    static const struct {
        const pt_csv *csv;
        const char *text, *fields; /* joined with | */
        pt_csv_fault fault;
        size_t at;
    } rows[] = {
        { &pt_csv_rfc4180, "", "", PT_CSV_OK, 0 },
        { &pt_csv_rfc4180, "a,b,c\r\n", "a|b|c", PT_CSV_OK, 0 },
        { &pt_csv_rfc4180, ",,\n", "||", PT_CSV_OK, 0 },
        { &pt_csv_rfc4180, "\"a,\"\"b\"\"\",c\n", "a,\"b\"|c", PT_CSV_OK, 0 },
        { &pt_csv_rfc4180, "\"two\nlines\",x", "two\nlines|x", PT_CSV_OK, 0 },
        { &pt_csv_rfc4180, "\xef\xbb\xbf\"a\",b", "a|b", PT_CSV_OK, 0 },
        { &pt_csv_rfc4180, "5\" pipe,b", "5\" pipe|b", PT_CSV_OK, 0 },
        { &pt_csv_rfc4180, "a ,\"b \"", "a |b ", PT_CSV_OK, 0 },
        { &TRIM, "a ,\"b \"", "a|b ", PT_CSV_OK, 0 },
        { &SEMICOLON, "a,b;'c;''d'", "a,b|c;'d", PT_CSV_OK, 0 },
        { &pt_csv_rfc4180, "a,\"b", NULL, PT_CSV_OPEN, 2 },
        { &pt_csv_rfc4180, "a,\"b\"c,d", NULL, PT_CSV_TEXT_BEHIND, 2 },
        { &pt_csv_rfc4180, "1,2,3,4,5", NULL, PT_CSV_MANY, 8 },
    };
    pt_arena room;
    pt_arena_init(&room, 10000);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_slice f[4];
        size_t n = 0, at = 0;
        CHECK_ROW(rows[i].text, pt_csv_split(rows[i].csv, pt_csv_trim(pt_cstr(rows[i].text)), &room, f, 4, &n, &at) == rows[i].fault);
        if (rows[i].fault != PT_CSV_OK) {
            CHECK_ROW(rows[i].text, at == rows[i].at);
            continue;
        }
        pt_buf b;
        pt_buf_init(&b, 100);
        for (size_t k = 0; k < n; k++) {
            if (k) pt_buf_char(&b, '|');
            pt_buf_slice(&b, f[k]);
        }
        CHECK_STR(pt_buf_view(&b), rows[i].fields);
        pt_buf_fini(&b);
    }
    pt_slice f[4];
    size_t n, at;
    pt_arena_fini(&room);
    pt_arena_init(&room, 4);
    CHECK(pt_csv_split(&pt_csv_rfc4180, PT_LIT("\"longer than four\""), &room, f, 4, &n, &at) == PT_CSV_ENOMEM);
    pt_arena_fini(&room);
}

/* Any fields, written as records and read as the bytes come in. */
static void what_is_written_is_read_however_it_arrives(void)
{
    static const char letters[] = "ab,\"\r\n \xef;";
    pt_random rnd = pt_random_seed(7);
    pt_arena room;
    pt_arena_init(&room, 100000);
    for (unsigned round = 0; round < 3000; round++) {
        char in[3][12];
        size_t len[3], n = 0, at = 0;
        pt_buf b;
        pt_buf_init(&b, 1000);
        for (unsigned k = 0; k < 3; k++) {
            len[k] = pt_random_below(&rnd, 12);
            for (size_t i = 0; i < len[k]; i++)
                in[k][i] = letters[pt_random_below(&rnd, sizeof letters - 1)];
            if (k) pt_buf_char(&b, ',');
            pt_csv_field(&b, &pt_csv_rfc4180, pt_slice_of(in[k], len[k]));
        }
        pt_buf_cstr(&b, "\r\n");
        size_t whole = b.len;
        pt_buf_cstr(&b, "next,record\n");
        pt_csv_scan scan = { 0 };
        size_t shown = 0, found = 0;
        while (!found && shown < b.len) {
            shown += 1 + pt_random_below(&rnd, 3);
            if (shown > b.len) shown = b.len;
            found = pt_csv_length(&pt_csv_rfc4180, &scan, pt_slice_of(b.ptr, shown));
        }
        CHECK_INT(found, whole);
        pt_slice f[4];
        pt_slice record = pt_slice_of(b.ptr, found - 2);
        CHECK(pt_csv_split(&pt_csv_rfc4180, record, &room, f, 4, &n, &at) == PT_CSV_OK);
        CHECK_INT(n, 3);
        for (unsigned k = 0; k < 3 && n == 3; k++)
            CHECK(pt_slice_eq(f[k], pt_slice_of(in[k], len[k])));
        pt_arena_reset(&room);
        pt_buf_fini(&b);
    }
    pt_arena_fini(&room);
}

static void a_record_that_has_not_ended_has_no_length(void)
{
    static const char *const rows[] = { "", "\xef", "\xef\xbb", "a,b", "\"a\nb", "\"a\"\"\n" };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_csv_scan scan = { 0 };
        CHECK_ROW(rows[i], pt_csv_length(&pt_csv_rfc4180, &scan, pt_cstr(rows[i])) == 0);
    }
    pt_csv_scan scan = { 0 };
    CHECK_INT(pt_csv_length(&pt_csv_rfc4180, &scan, PT_LIT("x,\"open\n")), 0);
    CHECK(scan.place == PT_CSV_QUOTED);
    CHECK_INT(scan.opened, 2);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(fields_are_quoted_where_they_must_be), PT_TEST(records_are_cut_into_fields),
                                     PT_TEST(what_is_written_is_read_however_it_arrives),
                                     PT_TEST(a_record_that_has_not_ended_has_no_length) };
    return pt_test_main("base/csv", tests, PT_COUNT_OF(tests), argc, argv);
}
