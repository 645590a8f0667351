/* tests/host/cli/output_test.c -- text that no plant string can disturb, CSV, JSON, and tables. */
#include "tests/host/cli/capture.h"
#include "tests/host/cli/verb.h"

#include <locale.h>
#include <stdlib.h>

static void terminal_text_cannot_move_the_cursor(void)
{
    static const struct {
        const char *what, *in, *want;
    } rows[] = {
        { "plain", "a b\xC3\xA4\xE3\x82\xBF", "a b\xC3\xA4\xE3\x82\xBF" },
        { "escape, newline, tab, delete", "a\033[31m\n\t\x7f", "a?[31m???" },
        { "C1 control",
          "\xC2\x9B"
          "31m",
          "?31m" },
        { "right-to-left override",
          "a\xE2\x80\xAE"
          "b",
          "a?b" },
        { "zero-width space",
          "a\xE2\x80\x8B"
          "b",
          "a?b" },
        { "byte order mark",
          "\xEF\xBB\xBF"
          "a",
          "?a" },
        { "tags", "\xF3\xA0\x81\xA1", "?" },
        { "invalid UTF-8", "a\xFF\xC3(",
          "a?"
          "?(" },
    };
    pt_buf b;
    pt_buf_init(&b, 1000);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_buf_reset(&b);
        cli_printable(&b, pt_cstr(rows[i].in));
        CHECK_ROW(rows[i].what, pt_slice_eq_cstr(pt_buf_view(&b), rows[i].want));
    }
    pt_buf_reset(&b);
    cli_printable(&b, pt_slice_of("a\0b", 3));
    CHECK_STR(pt_buf_view(&b), "a?b");
    pt_buf_fini(&b);
}

static void json_is_written_again_as_short_as_it_came(void)
{
    static const char text[] =
        "{\"a\":[1,-2,0.1,1e+22,true,false,null],\"b\":{\"c\":\"x\\\"\\n\"},\"d\":9007199254740993,\"e\":{},\"f\":[]}";
    json_t *v = json_loads(text, 0, NULL);
    pt_buf b;
    pt_json j;
    pt_buf_init(&b, 1000);
    CHECK_FATAL(v != NULL);
    pt_json_init(&j, &b);
    cli_json_value(&j, v);
    CHECK_STR(pt_buf_view(&b), text);
    pt_buf_reset(&b);
    cli_value_text(&b, json_object_get(v, "a"));
    CHECK_STR(pt_buf_view(&b), "[1,-2,0.1,1e+22,true,false,null]");
    pt_buf_reset(&b);
    cli_value_text(&b, json_object_get(json_object_get(v, "b"), "c")); /* a text as it is */
    CHECK_STR(pt_buf_view(&b), "x\"\n");
    pt_buf_reset(&b);
    cli_value_text(&b, NULL);
    cli_value_text(&b, json_array_get(json_object_get(v, "a"), 6));
    CHECK_INT(b.len, 0);
    pt_buf_fini(&b);
    json_decref(v);
}

static void members_are_read_with_a_fallback(void)
{
    json_t *v = json_loads("{\"s\":\"x\",\"i\":5,\"r\":1e3,\"big\":1e300,\"items\":[1,2],\"o\":{\"items\":7}}", 0, NULL);
    CHECK_FATAL(v != NULL);
    CHECK_STR(pt_cstr(cli_str(v, "s")), "x");
    CHECK(cli_str(v, "i") == NULL && cli_str(v, "none") == NULL && cli_str(NULL, "s") == NULL);
    CHECK(cli_i64(v, "i") == 5 && cli_i64(v, "r") == 1000 && cli_i64(v, "big") == 0 && cli_i64(v, "s") == 0 && cli_i64(v, "none") == 0);
    CHECK(json_array_size(cli_items(v)) == 2 && cli_items(json_object_get(v, "items")) == json_object_get(v, "items"));
    CHECK(cli_items(json_object_get(v, "o")) == NULL && cli_items(NULL) == NULL);
    json_decref(v);
    CHECK_STR(pt_cstr(cli_quality_word('G')), "GOOD");
    CHECK_STR(pt_cstr(cli_quality_word('U')), "UNCERTAIN");
    CHECK_STR(pt_cstr(cli_quality_word('B')), "BAD");
    CHECK_STR(pt_cstr(cli_quality_word('S')), "STALE");
    CHECK_STR(pt_cstr(cli_quality_word('?')), "");
}

static const char *const heads[] = { "NAME", "N", "WHEN" };

static void columns_are_aligned_by_what_the_eye_sees(void)
{
    const cli c = { 0 };
    json_t *three = json_integer(3);
    cli_table *t = cli_table_new(heads, "lrl", 3);
    CHECK_FATAL(t && three);
    cli_table_cstr(t, "a");
    cli_table_i64(t, -12345);
    cli_table_time(t, 1763848992123);
    cli_table_cell(t, PT_LIT("\xE3\x82\xBF\xE3\x83\xB3\xE3\x82\xAF")); /* wide: six columns */
    cli_table_json(t, three);
    cli_table_time(t, 0);
    cli_table_cstr(t, NULL);
    cli_table_json(t, NULL);
    cli_table_cell(t, PT_LIT(""));
    capture_begin();
    outcome o = capture_end(cli_table_end(&c, t));
    CHECK_INT(o.code, 0);
    CHECK_STR(pt_buf_view(&o.out), "NAME         N  WHEN\n"
                                   "a       -12345  2025-11-22T22:03:12.123Z\n"
                                   "\xE3\x82\xBF\xE3\x83\xB3\xE3\x82\xAF       3  -\n"
                                   "-            -\n"); /* no blanks at the end of a line */
    outcome_release(&o);
    json_decref(three);
}

static void a_long_cell_is_cut_and_an_empty_table_is_its_head(void)
{
    const cli c = { 0 };
    char text[400];
    memset(text, 'y', sizeof text);
    cli_table *t = cli_table_new(heads, "lrl", 1);
    CHECK_FATAL(t != NULL);
    cli_table_cell(t, pt_slice_of(text, 200));
    cli_table_cell(t, pt_slice_of(text, 201));
    capture_begin();
    outcome o = capture_end(cli_table_end(&c, t));
    CHECK_INT(o.out.len, 5 + 201 + 204);
    CHECK_SAYS(o.out, "yyy...\n");
    outcome_release(&o);
    t = cli_table_new(heads, "lrl", 3);
    CHECK_FATAL(t != NULL);
    capture_begin();
    o = capture_end(cli_table_end(&c, t));
    CHECK_STR(pt_buf_view(&o.out), "NAME  N  WHEN\n");
    outcome_release(&o);
}

/* For those who follow: what there is goes out, what comes later keeps to the columns as far as it fits. */
static void rows_can_be_sent_off_before_the_end(void)
{
    const cli c = { 0 };
    cli_table *t = cli_table_new(heads, "lrl", 2);
    CHECK_FATAL(t != NULL);
    capture_begin();
    CHECK_INT(cli_table_flush(&c, t), CLI_GO_ON);
    cli_table_cstr(t, "a");
    cli_table_i64(t, 1);
    CHECK_INT(cli_table_flush(&c, t), CLI_GO_ON);
    cli_table_cstr(t, "longer");
    cli_table_i64(t, 2);
    outcome o = capture_end(cli_table_end(&c, t));
    CHECK_STR(pt_buf_view(&o.out), "NAME  N\na     1\nlonger  2\n");
    outcome_release(&o);
    t = cli_table_new(heads, "lrl", 2);
    CHECK_FATAL(t != NULL);
    capture_begin_to("/dev/full");
    int rc = cli_table_flush(&c, t);
    o = capture_end(cli_table_end(&c, t));
    CHECK_INT(rc, PT_EXIT_FAILED);
    CHECK_INT(o.code, PT_EXIT_FAILED);
    outcome_release(&o);
}

/* Widths settle after some thousand rows; whoever comes later and is wider sticks out, but nothing is lost. */
static void many_rows_are_not_held_in_memory(void)
{
    const cli c = { 0 };
    cli_table *t = cli_table_new(heads, "lrl", 2);
    size_t lines = 0;
    CHECK_FATAL(t != NULL);
    capture_begin();
    for (int i = 0; i < 12000; i++) {
        cli_table_cstr(t, i == 11999 ? "the widest of them all" : "row");
        cli_table_i64(t, i);
    }
    outcome o = capture_end(cli_table_end(&c, t));
    for (size_t i = 0; i < o.out.len; i++)
        lines += o.out.ptr[i] == '\n';
    CHECK_INT(lines, 12001);
    CHECK_SAYS(o.out, "\nrow   4999\nrow   5000\n");
    CHECK_SAYS(o.out, "\nthe widest of them all  11999\n");
    outcome_release(&o);
}

static void an_output_that_cannot_be_written_is_a_failure(void)
{
    const cli c = { 0 };
    pt_buf b;
    cli_answer a = { 0 };
    cli_table *t = cli_table_new(heads, "lrl", 1);
    CHECK_FATAL(t != NULL);
    pt_buf_init(&b, 100);
    pt_buf_cstr(&b, "text");
    capture_begin_to("/dev/full");
    outcome o = capture_end(cli_put(&c, &b));
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "plantree: standard output cannot be written: No space left on device");
    outcome_release(&o);
    cli_table_cstr(t, "row");
    capture_begin_to("/dev/full");
    o = capture_end(cli_table_end(&c, t));
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "No space left on device");
    outcome_release(&o);
    a.body = b;
    capture_begin_to("/dev/full");
    o = capture_end(cli_put_json(&c, &a));
    CHECK_CODE(o, 1);
    outcome_release(&o);
    pt_buf_fini(&b);
    pt_buf_init(&b, 3); /* a text that had no room */
    pt_buf_cstr(&b, "text");
    capture_begin();
    o = capture_end(cli_put(&c, &b));
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "too large for memory");
    CHECK_INT(o.out.len, 0);
    outcome_release(&o);
    pt_buf_fini(&b);
}

static void an_answer_gets_exactly_one_final_newline(void)
{
    static const char *const rows[][2] = { { "[]", "[]\n" }, { "[]\n", "[]\n" }, { "", "\n" } };
    const cli c = { 0 };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        cli_answer a = { 0 };
        pt_buf_init(&a.body, 100);
        pt_buf_cstr(&a.body, rows[i][0]);
        capture_begin();
        outcome o = capture_end(cli_put_json(&c, &a));
        CHECK_STR(pt_buf_view(&o.out), rows[i][1]);
        outcome_release(&o);
        cli_release(&a);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(terminal_text_cannot_move_the_cursor),
        PT_TEST(json_is_written_again_as_short_as_it_came),
        PT_TEST(members_are_read_with_a_fallback),
        PT_TEST(columns_are_aligned_by_what_the_eye_sees),
        PT_TEST(a_long_cell_is_cut_and_an_empty_table_is_its_head),
        PT_TEST(rows_can_be_sent_off_before_the_end),
        PT_TEST(many_rows_are_not_held_in_memory),
        PT_TEST(an_output_that_cannot_be_written_is_a_failure),
        PT_TEST(an_answer_gets_exactly_one_final_newline),
    };
    setlocale(LC_CTYPE, "C.UTF-8"); /* as the command does */
    return pt_test_main("host/cli/output", tests, PT_COUNT_OF(tests), argc, argv);
}
