/* tests/host/cli/options_test.c -- options in any order, and what is said of wrong ones. */
#include "tests/host/cli/capture.h"
#include "tests/host/cli/verb.h"

static const cli_verb verb = { "probe", "a verb of this test", "Usage: plantree probe\n\nExample:\n  plantree probe\n", NULL };

typedef struct own {
    const char *from;
    bool flag;
    cli_list list;
} own;

/* Parses the call as the verb would; argv (at most 15 words) is what is left. */
static int parse(cli *c, own *o, const char *const *words, int *argc, char **argv)
{
    const cli_option options[] = {
        { .name = "--from", .value = &o->from }, { .name = "--flag", .flag = &o->flag }, { .name = "--select", .list = &o->list }, { 0 }
    };
    *argc = 0;
    for (; words[*argc]; ++*argc)
        argv[*argc] = (char *)(uintptr_t)words[*argc];
    argv[*argc] = NULL;
    return cli_options(c, argc, argv, options);
}
#define WORDS(...) ((const char *const[]){ "probe", __VA_ARGS__, NULL })

static void options_are_taken_wherever_they_stand(void)
{
    cli c = { .verb = &verb, .timeout_ms = 30000 };
    own o = { 0 };
    int argc;
    char *argv[32];
    CHECK_INT(parse(&c, &o,
                    WORDS("a", "--from", "now", "b", "--flag", "--select=x", "--select", "y", "--json", "--url=http://h", "--data", "d",
                          "c"),
                    &argc, argv),
              CLI_GO_ON);
    CHECK_INT(argc, 4);
    CHECK_STR(pt_cstr(argv[0]), "probe");
    CHECK_STR(pt_cstr(argv[1]), "a");
    CHECK_STR(pt_cstr(argv[2]), "b");
    CHECK_STR(pt_cstr(argv[3]), "c");
    CHECK(argv[4] == NULL);
    CHECK_STR(pt_cstr(o.from), "now");
    CHECK(o.flag && c.json && o.list.n == 2);
    CHECK_STR(pt_cstr(o.list.items[0]), "x");
    CHECK_STR(pt_cstr(o.list.items[1]), "y");
    CHECK_STR(pt_cstr(c.url), "http://h");
    CHECK_STR(pt_cstr(c.data_dir), "d");
    CHECK_INT(c.timeout_ms, 30000);
}

static void numbers_with_a_minus_are_arguments(void)
{
    cli c = { .verb = &verb };
    own o = { 0 };
    int argc;
    char *argv[32];
    CHECK_INT(parse(&c, &o, WORDS("-5", "-.5", "-", "--timeout", "2s", "--", "--flag", "-x"), &argc, argv), CLI_GO_ON);
    CHECK_INT(argc, 6);
    CHECK_STR(pt_cstr(argv[1]), "-5");
    CHECK_STR(pt_cstr(argv[2]), "-.5");
    CHECK_STR(pt_cstr(argv[3]), "-");
    CHECK_STR(pt_cstr(argv[4]), "--flag"); /* behind --: no option */
    CHECK_STR(pt_cstr(argv[5]), "-x");
    CHECK(!o.flag);
    CHECK_INT(c.timeout_ms, 2000);
}

static void an_empty_value_is_a_value(void)
{
    cli c = { .verb = &verb };
    own o = { 0 };
    int argc;
    char *argv[32];
    CHECK_INT(parse(&c, &o, WORDS("--from=", "--url", ""), &argc, argv), CLI_GO_ON);
    CHECK_STR(pt_cstr(o.from), "");
    CHECK_STR(pt_cstr(c.url), "");
}

static void a_wrong_option_is_two_and_points_to_the_help(void)
{
    static const struct {
        const char *words[4];
        const char *says;
    } rows[] = {
        { { "probe", "--frob" }, "plantree probe: unknown option '--frob'\nSee: plantree probe --help\n" },
        { { "probe", "--fro", "x" }, "plantree probe: unknown option '--fro'\nSee: plantree probe --help\n" },
        { { "probe", "--flagged" }, "plantree probe: unknown option '--flagged'\nSee: plantree probe --help\n" },
        { { "probe", "--from" }, "plantree probe: --from needs a value\nSee: plantree probe --help\n" },
        { { "probe", "-x" }, "plantree probe: unknown option '-x'\nSee: plantree probe --help\n" },
        { { "probe", "--\033[2J\xFF" }, "plantree probe: unknown option '--?[2J?'\nSee: plantree probe --help\n" },
        { { "probe", "--version" }, "plantree probe: unknown option '--version'\nSee: plantree probe --help\n" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        cli c = { .verb = &verb };
        own o = { 0 };
        int argc;
        char *argv[32];
        capture_begin();
        outcome said = capture_end(parse(&c, &o, rows[i].words, &argc, argv));
        CHECK_ROW(rows[i].says, said.code == 2 && said.out.len == 0);
        CHECK_STR(pt_buf_view(&said.err), rows[i].says);
        outcome_release(&said);
    }
}

static void a_list_is_bounded(void)
{
    cli c = { .verb = &verb };
    own o = { 0 };
    static char *argv[CLI_MAX_LIST + 3] = { (char *)(uintptr_t) "probe" };
    const cli_option options[] = { { .name = "--select", .list = &o.list }, { 0 } };
    int argc = CLI_MAX_LIST + 1;
    for (int i = 1; i <= CLI_MAX_LIST + 1; i++)
        argv[i] = (char *)(uintptr_t) "--select=x";
    CHECK_INT(cli_options(&c, &argc, argv, options), CLI_GO_ON);
    CHECK_INT(o.list.n, CLI_MAX_LIST);
    o.list.n = 0;
    argc = CLI_MAX_LIST + 2;
    for (int i = 1; i < argc; i++)
        argv[i] = (char *)(uintptr_t) "--select=x";
    capture_begin();
    outcome said = capture_end(cli_options(&c, &argc, argv, options));
    CHECK_INT(said.code, 2);
    CHECK_SAYS(said.err, "--select is given more than 256 times");
    outcome_release(&said);
}

static void help_is_printed_at_once(void)
{
    static const char *const forms[] = { "--help", "-h" };
    for (size_t i = 0; i < PT_COUNT_OF(forms); i++) {
        cli c = { .verb = &verb };
        own o = { 0 };
        int argc;
        char *argv[32];
        capture_begin();
        outcome said = capture_end(parse(&c, &o, WORDS("a", forms[i], "--frob"), &argc, argv));
        CHECK_INT(said.code, 0);
        CHECK_STR(pt_buf_view(&said.out), verb.help);
        CHECK_INT(said.err.len, 0);
        outcome_release(&said);
    }
}

static void before_the_verb_only_common_options_are_known(void)
{
    cli c = { .url = "http://h" };
    int argc = 5;
    char *argv[] = { (char *)(uintptr_t) "plantree", (char *)(uintptr_t) "--json", (char *)(uintptr_t) "nodes",
                     (char *)(uintptr_t) "--frob",   (char *)(uintptr_t) "--json", NULL };
    CHECK_INT(cli_options(&c, &argc, argv, NULL), CLI_GO_ON);
    CHECK(c.json && argc == 4);
    CHECK_STR(pt_cstr(argv[1]), "nodes");
    CHECK_STR(pt_cstr(argv[2]), "--frob"); /* the verb's business */
    CHECK_STR(pt_cstr(argv[3]), "--json");
}

static void times_and_ranges_have_their_defaults(void)
{
    const cli c = { .verb = &verb, .now_ms = 1763848992123 };
    int64_t t = 0, from = 0, to = 0;
    CHECK(cli_time(&c, "--at", NULL, 7, &t) == CLI_GO_ON && t == 7);
    CHECK(cli_time(&c, "--at", "now-8h", 7, &t) == CLI_GO_ON && t == 1763848992123 - 8 * 3600000);
    CHECK(cli_time(&c, "--at", "1970-01-01T00:00:01Z", 7, &t) == CLI_GO_ON && t == 1000);
    CHECK(cli_time(&c, "--at", "1500", 7, &t) == CLI_GO_ON && t == 1500);
    CHECK(cli_duration(&c, "--wait", NULL, 5000, &t) == CLI_GO_ON && t == 5000);
    CHECK(cli_duration(&c, "--wait", "1m30s", 5000, &t) == CLI_GO_ON && t == 90000);
    CHECK(cli_range(&c, NULL, NULL, &from, &to) == CLI_GO_ON && to == c.now_ms && from == to - 3600000);
    CHECK(cli_range(&c, NULL, "1970-01-01T02:00:00Z", &from, &to) == CLI_GO_ON && to == 7200000 &&
          from == 3600000); /* an hour before --to */
    CHECK(cli_range(&c, "now-1m", "now", &from, &to) == CLI_GO_ON && to - from == 60000);
}

static void wrong_times_are_usage_errors(void)
{
    static const struct {
        const char *from, *to, *says;
    } rows[] = {
        { "yesterday", NULL, "--from: 'yesterday' is no time" },
        { NULL, "25:00", "--to: '25:00' is no time" },
        { "now", "now", "--from must be before --to" },
        { "now+1h", "now", "--from must be before --to" },
    };
    const cli c = { .verb = &verb, .now_ms = 1763848992123 };
    int64_t from, to;
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        capture_begin();
        outcome said = capture_end(cli_range(&c, rows[i].from, rows[i].to, &from, &to));
        CHECK_ROW(rows[i].says, said.code == 2);
        CHECK_SAYS(said.err, rows[i].says);
        outcome_release(&said);
    }
    capture_begin();
    outcome said = capture_end(cli_duration(&c, "--wait", "5", 0, &to));
    CHECK_INT(said.code, 2);
    CHECK_SAYS(said.err, "--wait: '5' is no duration");
    outcome_release(&said);
}

static void a_failure_is_one_line_with_the_code_given(void)
{
    const cli c = { .verb = &verb }, none = { 0 };
    capture_begin();
    outcome said = capture_end(cli_fail(&c, 3, "the %s says\nno\033[0m", "host"));
    CHECK_INT(said.code, 3);
    CHECK_STR(pt_buf_view(&said.err), "plantree probe: the host says?no?[0m\n");
    outcome_release(&said);
    capture_begin();
    said = capture_end(cli_fail(&none, 1, "%s", "x"));
    CHECK_STR(pt_buf_view(&said.err), "plantree: x\n");
    outcome_release(&said);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(options_are_taken_wherever_they_stand),
        PT_TEST(numbers_with_a_minus_are_arguments),
        PT_TEST(an_empty_value_is_a_value),
        PT_TEST(a_wrong_option_is_two_and_points_to_the_help),
        PT_TEST(a_list_is_bounded),
        PT_TEST(help_is_printed_at_once),
        PT_TEST(before_the_verb_only_common_options_are_known),
        PT_TEST(times_and_ranges_have_their_defaults),
        PT_TEST(wrong_times_are_usage_errors),
        PT_TEST(a_failure_is_one_line_with_the_code_given),
    };
    return pt_test_main("host/cli/options", tests, PT_COUNT_OF(tests), argc, argv);
}
