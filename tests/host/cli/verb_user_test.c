/* tests/host/cli/verb_user_test.c -- users and grants on a directory, and beside the host that runs on it. */
#include "host/access/accounts.h"
#include "tests/host/cli/plant.h"
#include "tests/host/cli/verb.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[400];

static void fresh(void)
{
    static int made;
    snprintf(dir, sizeof dir, "%s/people-%d", pt_test_dir(), ++made);
    CHECK_FATAL(mkdir(dir, 0755) == 0);
}

/* What the next programs read from standard input. */
static void input_is(const char *text)
{
    int fds[2];
    CHECK_FATAL(pipe(fds) == 0 && write(fds[1], text, strlen(text)) == (ssize_t)strlen(text));
    CHECK_FATAL(dup2(fds[0], 0) == 0 && close(fds[0]) == 0 && close(fds[1]) == 0);
}

#define USER(...) RUN("user", __VA_ARGS__, "--data", dir)

static void ends_with(outcome o, int code, const char *says)
{
    CHECK_CODE(o, code);
    if (code) CHECK_SAYS(o.err, says);
    else CHECK_SAYS(o.out, says);
    outcome_release(&o);
}

static json_t *json_of(outcome o)
{
    CHECK_CODE(o, 0);
    json_t *v = outcome_json(&o);
    outcome_release(&o);
    return v;
}

static void help_and_wrong_calls(void)
{
    static const wrong_call rows[] = {
        { { "user" }, "what to do? add, ls, rm, " },
        { { "user", "frob" }, "'frob' is not one of add, ls, rm, " },
        { { "user", "add", "--data", "d" }, "add: NAME is missing" },
        { { "user", "add", "a", "b", "--data", "d" }, "'b' is one argument too many" },
        { { "user", "ls", "a", "--data", "d" }, "'a' is one argument too many" },
        { { "user", "ls", "--role", "viewer" }, "ls takes no --role" },
        { { "user", "grant", "a", "--data", "d" }, "--role is needed" },
        { { "user", "grant", "a", "--role", "root", "--data", "d" }, "'root' is not one of viewer, operator, engineer or admin" },
        { { "user", "add", "a", "--path", "x/**", "--data", "d" }, "--path is where --role holds" },
        { { "user", "add", "a", "--password", "secret" }, "unknown option '--password'" }, /* never in the arguments */
    };
    check_help(&cli_verb_user);
    check_wrong_calls(rows, PT_COUNT_OF(rows));
    CHECK_HOST_ABSENT("user", "ls");
}

static void the_first_user_makes_the_file_and_others_do_not(void)
{
    char path[420];
    struct stat f;
    fresh();
    snprintf(path, sizeof path, "%s/access.db", dir);
    ends_with(USER("ls"), 2, "there are no users yet: plantree user add");
    ends_with(USER("grant", "anna", "--role", "viewer"), 2, "there are no users yet");
    CHECK(access(path, F_OK) != 0);
    input_is("correct horse\n");
    ends_with(USER("add", "anna", "--role", "admin", "--password-stdin"), 0, "anna is a user (grant 1)");
    CHECK(stat(path, &f) == 0 && (f.st_mode & 0777) == 0600);
    input_is("correct horse\n");
    ends_with(USER("add", "anna", "--password-stdin"), 2, "there is a user anna already");
    input_is("short\n");
    ends_with(USER("add", "bert", "--password-stdin"), 2, "a password has at least 8 characters");
    input_is("carl-xyz\n");
    ends_with(USER("add", "Carl-XYZ", "--password-stdin"), 2, "a password is not the user's name");
    input_is("correct horse\r\n");
    ends_with(USER("add", "bert", "--password-stdin"), 0, "bert is a user, with no right yet");
    ends_with(RUN("user", "ls", "--data", "/nowhere/at/all"), 2, "there are no users yet");
}

static void users_are_listed_for_people_and_programs(void)
{
    outcome o = USER("ls");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "USER  STATE    GROUPS  TENANTS  CREATED                   LAST LOGIN\nanna  enabled  -       -        2");
    outcome_release(&o);
    json_t *v = json_of(USER("ls", "--json"));
    CHECK_INT(json_array_size(v), 2);
    check_shape(json_array_get(v, 0), "name:s disabled:b created_ms:i last_login_ms:i? groups:a tenants:a");
    json_decref(v);
    v = json_of(USER("grants", "--json"));
    check_shape(json_array_get(v, 0), "id:i user:s role:s paths:a created_ms:i");
    json_decref(v);
    ends_with(USER("grants"), 0, "1  user  anna  admin  (the whole plant)");
}

/* As a host would see it. */
static pt_status login(const char *password, access_principal **out)
{
    const access_options o = { .dir = dir, .clock = pt_clock_system() };
    host_access *a = NULL;
    int64_t retry = 0;
    CHECK_OK_FATAL(access_open(&o, &a, NULL));
    pt_status st = access_check_password(a, PT_LIT("bert"), pt_cstr(password), PT_NONE, out, &retry, NULL);
    access_close(a);
    return st;
}

static void what_is_given_and_taken_is_what_a_login_finds(void)
{
    access_principal *p = NULL;
    ends_with(USER("grant", "bert", "--role", "operator", "--path", "a/**", "--path", "!a/x"), 0, "bert has the role (grant 2)");
    ends_with(USER("grant", "@shift", "--role", "viewer", "--path", "b/**"), 0, "shift has the role (grant 3)");
    ends_with(USER("join", "bert", "--group", "shift"), 0, "bert is in");
    ends_with(USER("join", "bert", "--group", "shift"), 2, "the user is in shift already");
    ends_with(USER("join", "bert"), 2, "--group or --tenant?");
    CHECK_OK_FATAL(login("correct horse", &p)); /* without the carriage return */
    CHECK(access_may(p, ACCESS_WRITE, PT_LIT("a/y")) && !access_may(p, ACCESS_READ, PT_LIT("a/x")) &&
          access_may(p, ACCESS_READ, PT_LIT("b/c")));
    access_unref(p);
    ends_with(USER("tenant", "one", "--path", "b/**"), 0, "one is a tenant");
    ends_with(USER("tenant", "one"), 2, "--path for what belongs to it, or --rm?");
    ends_with(USER("join", "bert", "--tenant", "one"), 0, "bert is in");
    ends_with(USER("tenants"), 0, "one     b/**");
    CHECK_OK_FATAL(login("correct horse", &p));
    CHECK(!access_may(p, ACCESS_READ, PT_LIT("a/y")) && access_may(p, ACCESS_READ, PT_LIT("b/c")));
    access_unref(p);
    ends_with(USER("tenant", "one", "--rm"), 3, "users belong to the tenant one");
    ends_with(USER("leave", "bert", "--tenant", "one"), 3, "--last if that is meant");
    ends_with(USER("leave", "bert", "--tenant", "one", "--last"), 0, "bert is out");
    ends_with(USER("tenant", "one", "--rm"), 0, "one is gone");
    ends_with(USER("revoke", "2"), 0, "2 is revoked");
    ends_with(USER("revoke", "2"), 2, "there is no grant 2");
    ends_with(USER("revoke", "two"), 2, "is no grant's number");
    input_is("another secret");
    ends_with(USER("passwd", "bert", "--password-stdin"), 0, "bert has a new password");
    CHECK_STATUS(login("correct horse", &p), PT_EREFUSED);
    CHECK_OK_FATAL(login("another secret", &p));
    CHECK(!access_may(p, ACCESS_READ, PT_LIT("a/y")));
    access_unref(p);
    ends_with(USER("disable", "bert"), 0, "bert is disabled");
    CHECK_STATUS(login("another secret", &p), PT_EREFUSED);
    ends_with(USER("enable", "bert"), 0, "bert is enabled");
    CHECK_OK_FATAL(login("another secret", &p));
    access_unref(p);
    ends_with(USER("rm", "bert"), 0, "bert is gone");
    ends_with(USER("rm", "bert"), 2, "there is no user bert");
}

static void every_change_is_in_the_audit_and_no_password(void)
{
    static const char *const actions[] = { "user-add",     "grant-add",     "user-add",     "grant-add",   "grant-add",
                                           "user-join",    "tenant-set",    "user-join",    "user-leave",  "tenant-remove",
                                           "grant-remove", "user-password", "user-disable", "user-enable", "user-remove" };
    outcome o = RUN("audit", "--data", dir, "--json");
    CHECK_CODE(o, 0);
    CHECK(!outcome_says(&o.out, "horse") && !outcome_says(&o.out, "secret") && !outcome_says(&o.out, "argon2"));
    json_t *v = outcome_json(&o);
    outcome_release(&o);
    CHECK_INT(json_array_size(v), PT_COUNT_OF(actions));
    for (size_t i = 0; i < PT_COUNT_OF(actions); i++) {
        const json_t *row = json_array_get(v, i);
        CHECK_STR(pt_cstr(cli_str(row, "action")), actions[i]);
        CHECK_STR(pt_cstr(cli_str(row, "auth_kind")), "os-user");
        CHECK_STR(pt_cstr(cli_str(row, "outcome")), "done");
        CHECK(strncmp(cli_str(row, "principal"), "cli:", 4) == 0);
    }
    CHECK_STR(pt_cstr(cli_str(json_array_get(v, 3), "object")), "bert");
    check_shape(json_object_get(json_array_get(v, 3), "after"), "id:i user:s role:s paths:a");
    json_decref(v);
    ends_with(RUN("audit", "--verify", "--data", dir), 0, "");
}

static void without_an_audit_nothing_is_changed(void)
{
    char path[420];
    fresh();
    snprintf(path, sizeof path, "%s/audit.db", dir);
    FILE *f = fopen(path, "w");
    CHECK_FATAL(f != NULL && fputs("this is no audit, and it is longer than the header of one", f) > 0 && fclose(f) == 0);
    input_is("correct horse\n");
    ends_with(USER("add", "anna", "--password-stdin"), 1, "audit.db: ");
    json_t *v = json_of(USER("ls", "--json"));
    CHECK_INT(json_array_size(v), 0);
    json_decref(v);
}

static void a_damaged_file_is_named_and_changes_nothing(void)
{
    char path[420];
    fresh();
    snprintf(path, sizeof path, "%s/access.db", dir);
    input_is("correct horse\n");
    ends_with(USER("add", "anna", "--password-stdin"), 0, "anna");
    CHECK_FATAL(truncate(path, 5000) == 0);
    ends_with(USER("ls"), 1, "access.db");
    input_is("correct horse\n");
    ends_with(USER("add", "eve", "--role", "admin", "--password-stdin"), 1, "access.db");
    CHECK_FATAL(truncate(path, 0) == 0);
    input_is("correct horse\n");
    ends_with(USER("add", "eve", "--role", "admin", "--password-stdin"), 1, "is empty: it is damaged");
}

/* `sudo plantree user add` before the first start: the host, which runs as another, must be able to go on. */
static void made_by_root_the_files_are_the_directorys_owners(void)
{
    static const char *const names[] = { "access.db", "audit.db" };
    struct stat f;
    char path[420];
    if (geteuid() != 0) return;
    fresh();
    CHECK_FATAL(chown(dir, 65534, 65534) == 0);
    input_is("correct horse\n");
    ends_with(USER("add", "anna", "--password-stdin"), 0, "anna is a user");
    for (size_t i = 0; i < PT_COUNT_OF(names); i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        CHECK(stat(path, &f) == 0 && f.st_uid == 65534 && f.st_gid == 65534);
    }
}

/* The host has the directory and writes to the audit, too; without --data it says where that is. */
static void beside_a_running_host_both_write_one_audit(void)
{
    CHECK_FATAL(plant_takes_commands());
    input_is("correct horse\n");
    ends_with(CLI("user", "add", "anna", "--role", "viewer", "--password-stdin"), 0, "anna is a user (grant 1)");
    ends_with(CLI("write", SETPOINT, "3"), 0, "confirmed");
    ends_with(CLI("user", "disable", "anna"), 0, "anna is disabled");
    ends_with(CLI("write", SETPOINT, "4"), 0, "confirmed");
    ends_with(CLI("audit", "--verify"), 0, "");
    json_t *v = json_of(CLI("audit", "--json", "--limit", "1000"));
    const json_t *rows = cli_items(v);
    pt_buf order; /* of what stands in the audit before it is done; outcomes of writes come when they come */
    pt_buf_init(&order, 1000);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const char *action = cli_str(json_array_get(rows, i), "action"), *end = cli_str(json_array_get(rows, i), "outcome");
        bool ours = strncmp(action, "user-", 5) == 0 || (strcmp(action, "write") == 0 && strcmp(end, "requested") == 0);
        if (ours && (order.len || strcmp(action, "user-add") == 0)) pt_buf_printf(&order, "%s ", action);
    }
    CHECK_STR(pt_buf_view(&order), "user-add write user-disable write ");
    pt_buf_fini(&order);
    json_decref(v);
    v = json_of(CLI("user", "ls", "--json"));
    CHECK(json_is_true(json_object_get(json_array_get(v, 0), "disabled")));
    json_decref(v);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(help_and_wrong_calls),
        PT_TEST(the_first_user_makes_the_file_and_others_do_not),
        PT_TEST(users_are_listed_for_people_and_programs),
        PT_TEST(what_is_given_and_taken_is_what_a_login_finds),
        PT_TEST(every_change_is_in_the_audit_and_no_password),
        PT_TEST(without_an_audit_nothing_is_changed),
        PT_TEST(a_damaged_file_is_named_and_changes_nothing),
        PT_TEST(made_by_root_the_files_are_the_directorys_owners),
        PT_TEST(beside_a_running_host_both_write_one_audit),
    };
    return plant_main("cli/verb_user", tests, PT_COUNT_OF(tests), argc, argv);
}
