/* tests/host/cli/spool_test.c -- text of any length, out again as it came in, and never much of it in memory. */
#include "host/cli/data.h"
#include "tests/host/cli/capture.h"
#include "tests/host/cli/verb.h"

#include <stdlib.h>

static void numbers(cli_spool *s, const cli *c, int n)
{
    pt_json_array(&s->j);
    for (int i = 0; i < n; i++) {
        pt_json_i64(&s->j, i);
        CHECK_INT(cli_spool_ease(s, c), CLI_GO_ON);
        CHECK(s->text.len < 100000);
    }
    pt_json_end_array(&s->j);
}

static void what_goes_in_comes_out(void)
{
    static const int lengths[] = { 0, 1, 1000, 50000, 400000 };
    for (size_t i = 0; i < PT_COUNT_OF(lengths); i++) {
        cli c = { 0 };
        cli_spool s;
        pt_buf want;
        cli_spool_init(&s);
        numbers(&s, &c, lengths[i]);
        CHECK((s.file != NULL) == (lengths[i] >= 50000)); /* a short one needs none */
        capture_begin();
        int rc = cli_spool_put(&s, &c);
        outcome o = capture_end(rc);
        CHECK_INT(rc, CLI_GO_ON);
        pt_buf_init(&want, 16 << 20);
        pt_buf_char(&want, '[');
        for (int k = 0; k < lengths[i]; k++)
            pt_buf_printf(&want, "%s%d", k ? "," : "", k);
        pt_buf_char(&want, ']');
        CHECK(pt_slice_eq(pt_buf_view(&o.out), pt_buf_view(&want)));
        CHECK_INT(o.err.len, 0);
        pt_buf_fini(&want);
        outcome_release(&o);
        cli_spool_fini(&s);
    }
}

static void a_file_that_cannot_be_made_is_said(void)
{
    cli c = { 0 };
    cli_spool s;
    const char *before = getenv("TMPDIR");
    char *kept = before ? strdup(before) : NULL;
    cli_spool_init(&s);
    setenv("TMPDIR", "/nonexistent", 1);
    for (int i = 0; i < 70000; i++)
        pt_buf_char(&s.text, 'x');
    capture_begin();
    outcome o = capture_end(cli_spool_ease(&s, &c));
    CHECK_INT(o.code, 1);
    CHECK_SAYS(o.err, "a temporary file for the answer: No such file or directory");
    outcome_release(&o);
    cli_spool_fini(&s);
    if (kept) setenv("TMPDIR", kept, 1);
    else unsetenv("TMPDIR");
    free(kept);
}

static void an_output_that_is_full_ends_it(void)
{
    cli c = { 0 };
    cli_spool s;
    cli_spool_init(&s);
    numbers(&s, &c, 100000);
    capture_begin_to("/dev/full");
    outcome o = capture_end(cli_spool_put(&s, &c));
    CHECK_INT(o.code, 1);
    CHECK_SAYS(o.err, "standard output cannot be written");
    outcome_release(&o);
    cli_spool_fini(&s);
}

static void text_that_found_no_memory_is_said_not_shortened(void)
{
    cli c = { 0 };
    cli_spool s;
    cli_spool_init(&s);
    (void)pt_buf_reserve(&s.text, SIZE_MAX / 2);
    capture_begin();
    outcome o = capture_end(cli_spool_ease(&s, &c));
    CHECK_INT(o.code, 1);
    CHECK_SAYS(o.err, "out of memory");
    outcome_release(&o);
    capture_begin();
    o = capture_end(cli_spool_put(&s, &c));
    CHECK_INT(o.code, 1);
    outcome_release(&o);
    cli_spool_fini(&s);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(what_goes_in_comes_out),
        PT_TEST(a_file_that_cannot_be_made_is_said),
        PT_TEST(an_output_that_is_full_ends_it),
        PT_TEST(text_that_found_no_memory_is_said_not_shortened),
    };
    return pt_test_main("host/cli/spool", tests, PT_COUNT_OF(tests), argc, argv);
}
