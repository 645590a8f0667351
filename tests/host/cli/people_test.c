/* tests/host/cli/people_test.c -- subcommands and their options by a table; lists of paths; who runs the command. */
#include "host/cli/people.h"
#include "tests/host/cli/capture.h"
#include "tests/host/cli/verb.h"

static const cli_sub subs[] = { { "add", "NAME", 3, 1, 7 }, { "ls", NULL, 2, 0, 8 } };

static void a_subcommand_takes_what_its_row_says(void)
{
    static const struct {
        const char *args[5];
        bool first, second;
        int code, id;
        const char *says;
    } rows[] = {
        { { "v", "add", "x" }, true, false, CLI_GO_ON, 7, "" },
        { { "v", "add", "x" }, true, true, CLI_GO_ON, 7, "" },
        { { "v", "ls" }, false, true, CLI_GO_ON, 8, "" },
        { { "v" }, false, false, 2, 0, "what to do? add or ls" },
        { { "v", "sl" }, false, false, 2, 0, "'sl' is not one of add or ls" },
        { { "v", "add" }, true, false, 2, 0, "add: NAME is missing" },
        { { "v", "add", "x", "y" }, true, false, 2, 0, "add: 'y' is one argument too many" },
        { { "v", "ls", "x" }, false, false, 2, 0, "ls: 'x' is one argument too many" },
        { { "v", "add", "x" }, false, false, 2, 0, "add: --one is needed" },
        { { "v", "ls" }, true, false, 2, 0, "ls takes no --one" },
    };
    cli c = { .url = "" };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        const cli_sub *s = NULL;
        const cli_given given[] = { { "--one", rows[i].first }, { "--two", rows[i].second } };
        int argc = 0;
        char *argv[6] = { NULL };
        for (; rows[i].args[argc]; argc++)
            argv[argc] = (char *)(uintptr_t)rows[i].args[argc];
        capture_begin();
        outcome o = capture_end(cli_sub_find(&c, argc, argv, subs, 2, given, 2, &s));
        CHECK_CODE(o, rows[i].code);
        CHECK_SAYS(o.err, rows[i].says);
        if (o.code == CLI_GO_ON) CHECK(s && s->id == rows[i].id);
        outcome_release(&o);
    }
}

static void patterns_become_a_cell_and_a_list(void)
{
    static const char *const heads[] = { "P" };
    const pt_slice paths[] = { PT_LIT("a/*"), PT_LIT("!a/b") };
    cli c = { .url = "" };
    pt_buf out;
    pt_json j;
    capture_begin();
    cli_table *t = cli_table_new(heads, "l", 1);
    cli_paths_cell(t, paths, 2, "-");
    cli_paths_cell(t, NULL, 0, "(none)");
    outcome o = capture_end(cli_table_end(&c, t));
    CHECK_STR(pt_cstr(o.out.ptr), "P\na/*, !a/b\n(none)\n");
    outcome_release(&o);
    pt_buf_init(&out, 1000);
    pt_json_init(&j, &out);
    pt_json_object(&j);
    cli_paths_json(&j, "paths", paths, 2);
    pt_json_end_object(&j);
    CHECK_STR(pt_buf_view(&out), "{\"paths\":[\"a/*\",\"!a/b\"]}");
    pt_buf_fini(&out);
    cli_list list = { { "x", "y" }, 2 };
    pt_slice room[CLI_MAX_LIST];
    access_patterns at = cli_patterns(&list, room);
    CHECK(at.n_paths == 2 && pt_slice_eq_cstr(at.paths[1], "y"));
}

static void failures_have_the_contracts_codes(void)
{
    static const struct {
        pt_status st;
        int code;
    } rows[] = { { PT_EINVAL, 2 }, { PT_ENOTFOUND, 2 }, { PT_EEXISTS, 2 }, { PT_ESTATE, 3 }, { PT_EREFUSED, 3 },
                 { PT_EBUSY, 4 },  { PT_ECORRUPT, 1 },  { PT_EIO, 1 },     { PT_ENOSPC, 1 } };
    cli c = { .url = "" };
    cli_people p = { .c = &c };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_error err = { 0, "the reason" };
        capture_begin();
        outcome o = capture_end(cli_people_fail(&p, rows[i].st, &err));
        CHECK_CODE(o, rows[i].code);
        CHECK_SAYS(o.err, "the reason");
        outcome_release(&o);
    }
}

static void who_runs_the_command_has_a_name(void)
{
    char who[300];
    cli_os_user(who);
    CHECK(strncmp(who, "cli:", 4) == 0 && who[4]);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(a_subcommand_takes_what_its_row_says), PT_TEST(patterns_become_a_cell_and_a_list),
                                     PT_TEST(failures_have_the_contracts_codes), PT_TEST(who_runs_the_command_has_a_name) };
    return pt_test_main("cli/people", tests, PT_COUNT_OF(tests), argc, argv);
}
