/* tests/host/cli/verb_token_test.c -- tokens on a directory: printed once, alone; listed without what lets in. */
#include "host/access/accounts.h"
#include "tests/host/cli/verb.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[400];

static void a_directory_with_anna(void)
{
    static int made;
    int fds[2];
    snprintf(dir, sizeof dir, "%s/tokens-%d", pt_test_dir(), ++made);
    CHECK_FATAL(mkdir(dir, 0755) == 0);
    CHECK_FATAL(pipe(fds) == 0 && write(fds[1], "correct horse\n", 14) == 14);
    CHECK_FATAL(dup2(fds[0], 0) == 0 && close(fds[0]) == 0 && close(fds[1]) == 0);
    outcome o = RUN("user", "add", "anna", "--role", "operator", "--path", "a/**", "--password-stdin", "--data", dir);
    CHECK_CODE(o, 0);
    outcome_release(&o);
}

#define TOKEN(...) RUN("token", __VA_ARGS__, "--data", dir)

static void ends_with(outcome o, int code, const char *says)
{
    CHECK_CODE(o, code);
    if (code) CHECK_SAYS(o.err, says);
    else CHECK_SAYS(o.out, says);
    outcome_release(&o);
}

/* As a host would see it. */
static pt_status shown(const char *text, access_principal **out)
{
    const access_options o = { .dir = dir, .clock = pt_clock_system() };
    host_access *a = NULL;
    CHECK_OK_FATAL(access_open(&o, &a, NULL));
    pt_status st = access_token_find(a, pt_cstr(text), out, NULL);
    access_close(a);
    return st;
}

static void help_and_wrong_calls(void)
{
    static const wrong_call rows[] = {
        { { "token" }, "what to do? add, ls or rm" },
        { { "token", "show", "1" }, "'show' is not one of add, ls or rm" },
        { { "token", "add", "anna", "--role", "viewer", "--data", "d" }, "add: --expires is needed" },
        { { "token", "add", "anna", "--expires", "1d", "--data", "d" }, "add: --role is needed" },
        { { "token", "add", "anna", "--role", "boss", "--expires", "1d", "--data", "d" }, "'boss' is not one of" },
        { { "token", "add", "anna", "--role", "viewer", "--expires", "soon", "--data", "d" }, "--expires: 'soon'" },
        { { "token", "rm", "--data", "d" }, "rm: ID is missing" },
        { { "token", "ls", "--note", "x" }, "ls takes no --note" },
    };
    check_help(&cli_verb_token);
    check_wrong_calls(rows, PT_COUNT_OF(rows));
    CHECK_HOST_ABSENT("token", "ls");
}

static void a_token_is_printed_once_and_lets_in(void)
{
    access_principal *p = NULL;
    char text[100];
    a_directory_with_anna();
    outcome o = TOKEN("add", "anna", "--role", "viewer", "--expires", "90d", "--note", "grafana");
    CHECK_CODE(o, 0);
    CHECK_FATAL(o.out.len > 50 && o.out.len < sizeof text && o.out.ptr[o.out.len - 1] == '\n');
    snprintf(text, sizeof text, "%.*s", (int)o.out.len - 1, o.out.ptr);
    CHECK(access_is_token(pt_cstr(text)));
    CHECK_SAYS(o.err, "shown this once");
    outcome_release(&o);
    CHECK_OK_FATAL(shown(text, &p));
    CHECK(access_may(p, ACCESS_READ, PT_LIT("a/b")) && !access_may(p, ACCESS_WRITE, PT_LIT("a/b")) &&
          !access_may(p, ACCESS_READ, PT_LIT("b")));
    access_unref(p);
    o = TOKEN("ls");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "1  anna   viewer  (all of the owner's)  2");
    CHECK_SAYS(o.out, "grafana");
    CHECK(!outcome_says(&o.out, text + 11));
    outcome_release(&o);
    o = TOKEN("ls", "--json");
    json_t *v = outcome_json(&o);
    check_shape(json_array_get(v, 0), "id:i owner:s role:s paths:a created_ms:i expires_ms:i last_used_ms:i note:s");
    json_decref(v);
    CHECK(!outcome_says(&o.out, text + 11));
    outcome_release(&o);
    ends_with(TOKEN("rm", "1"), 0, "token 1 is gone");
    CHECK_STATUS(shown(text, &p), PT_EREFUSED);
    ends_with(TOKEN("rm", "1"), 2, "there is no token 1");
    ends_with(TOKEN("rm", "one"), 2, "is no token's number");
}

static void a_token_for_programs_is_an_object(void)
{
    access_principal *p = NULL;
    outcome o = TOKEN("add", "anna", "--role", "operator", "--path", "a/b", "--expires", "never", "--json");
    CHECK_CODE(o, 0);
    json_t *v = outcome_json(&o);
    check_shape(v, "id:i token:s expires_ms:i?");
    CHECK(json_is_null(json_object_get(v, "expires_ms")));
    CHECK_OK_FATAL(shown(cli_str(v, "token"), &p));
    CHECK(access_may(p, ACCESS_WRITE, PT_LIT("a/b")) && !access_may(p, ACCESS_READ, PT_LIT("a/c")));
    access_unref(p);
    json_decref(v);
    outcome_release(&o);
    ends_with(TOKEN("ls"), 0, "never");
}

static void what_the_owner_has_not_cannot_be_given(void)
{
    ends_with(TOKEN("add", "anna", "--role", "admin", "--expires", "1d"), 3, "anna is admin nowhere: a token has no more than its owner");
    ends_with(TOKEN("add", "eve", "--role", "viewer", "--expires", "1d"), 2, "there is no user eve");
    ends_with(TOKEN("add", "anna", "--role", "viewer", "--expires", "1d", "--path", "!"), 2, "an empty path pattern");
}

static void made_and_removed_tokens_are_in_the_audit(void)
{
    outcome o = RUN("audit", "--data", dir, "--json");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "\"action\":\"token-add\",\"object\":\"token 1\"");
    CHECK_SAYS(o.out, "\"action\":\"token-remove\",\"object\":\"token 1\"");
    CHECK(!outcome_says(&o.out, "plantree_"));
    outcome_release(&o);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(help_and_wrong_calls),
        PT_TEST(a_token_is_printed_once_and_lets_in),
        PT_TEST(a_token_for_programs_is_an_object),
        PT_TEST(what_the_owner_has_not_cannot_be_given),
        PT_TEST(made_and_removed_tokens_are_in_the_audit),
    };
    return pt_test_main("cli/verb_token", tests, PT_COUNT_OF(tests), argc, argv);
}
