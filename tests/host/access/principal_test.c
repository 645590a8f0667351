/* tests/host/access/principal_test.c -- rights at a path, by tables; and the scope for reading says the same. */
#include "host/access/principal.h"
#include "tests/support/check.h"

#define AT(...)                                                                                         \
    {                                                                                                   \
        (const pt_slice[]){ __VA_ARGS__ }, sizeof((const pt_slice[]){ __VA_ARGS__ }) / sizeof(pt_slice) \
    }
#define S(text)                \
    {                          \
        text, sizeof(text) - 1 \
    }
#define SAMPLE_PATHS 6

static const char *const sample[SAMPLE_PATHS] = { "", "acme/line1/pv", "acme/line1/secret", "acme/line2/pv", "other/pv", "acme" };

/* Per sample path: '-' none, 'v' 'o' 'e' 'a'. */
static void is(const char *row, const access_principal *p, const char *want)
{
    static const char letters[] = "voea";
    char got[SAMPLE_PATHS + 1] = "";
    for (int i = 0; i < SAMPLE_PATHS; i++) {
        query_role role;
        pt_slice path = sample[i][0] ? pt_cstr(sample[i]) : PT_NONE;
        bool any = access_role_at(p, path, &role);
        got[i] = any ? letters[role] : '-';
        CHECK_ROW(row, query_sees(access_scope(p), path) == any);
        CHECK_ROW(row, access_may(p, ACCESS_READ, path) == any);
        CHECK_ROW(row, access_may(p, ACCESS_WRITE, path) == (any && role >= QUERY_OPERATOR));
        CHECK_ROW(row, access_may(p, ACCESS_USERS, path) == (any && role == QUERY_ADMIN));
    }
    pt_check_at(strcmp(got, want) == 0, false, __FILE__, __LINE__, "[%s] %s, not %s", row, got, want);
}

static void the_right_at_a_path_is_that_of_the_best_grant(void)
{
    const struct {
        const char *name;
        access_right rights[3];
        size_t n;
        bool in_tenants;
        access_patterns tenants[2];
        size_t n_tenants;
        bool limited;
        access_right limit;
        const char *want;
    } rows[] = {
        { .name = "nothing granted", .want = "------" },
        { .name = "the whole plant", .rights = { { QUERY_ADMIN, { NULL, 0 } } }, .n = 1, .want = "aaaaaa" },
        { .name = "two stars are the whole plant", .rights = { { QUERY_VIEWER, AT(S("**")) } }, .n = 1, .want = "vvvvvv" },
        { .name = "a part", .rights = { { QUERY_OPERATOR, AT(S("acme/line1/**")) } }, .n = 1, .want = "-oo---" },
        { .name = "but not this", .rights = { { QUERY_OPERATOR, AT(S("acme/**"), S("!acme/line1/secret")) } }, .n = 1, .want = "-o-o-o" },
        { .name = "only exclusions", .rights = { { QUERY_VIEWER, AT(S("!acme/**")) } }, .n = 1, .want = "----v-" },
        { .name = "the best of two",
          .rights = { { QUERY_VIEWER, AT(S("acme/**")) }, { QUERY_ENGINEER, AT(S("acme/line1/*")) } },
          .n = 2,
          .want = "-eev-v" },
        { .name = "an exclusion is of its own grant",
          .rights = { { QUERY_OPERATOR, AT(S("acme/**"), S("!acme/line1/secret")) }, { QUERY_VIEWER, AT(S("acme/line1/secret")) } },
          .n = 2,
          .want = "-ovo-o" },
        { .name = "a tenant bounds",
          .rights = { { QUERY_ADMIN, { NULL, 0 } } },
          .n = 1,
          .in_tenants = true,
          .tenants = { AT(S("acme/line1/**")) },
          .n_tenants = 1,
          .want = "-aa---" },
        { .name = "tenants add up",
          .rights = { { QUERY_ADMIN, { NULL, 0 } } },
          .n = 1,
          .in_tenants = true,
          .tenants = { AT(S("acme/line1/**")), AT(S("other/**")) },
          .n_tenants = 2,
          .want = "-aa-a-" },
        { .name = "a tenant of everything is not the plant as a whole",
          .rights = { { QUERY_ADMIN, { NULL, 0 } } },
          .n = 1,
          .in_tenants = true,
          .tenants = { AT(S("**")) },
          .n_tenants = 1,
          .want = "-aaaaa" },
        { .name = "of a tenant that is gone", .rights = { { QUERY_ADMIN, { NULL, 0 } } }, .n = 1, .in_tenants = true, .want = "------" },
        { .name = "a token's role",
          .rights = { { QUERY_ADMIN, { NULL, 0 } } },
          .n = 1,
          .limited = true,
          .limit = { QUERY_OPERATOR, { NULL, 0 } },
          .want = "oooooo" },
        { .name = "a token gets no more than its owner",
          .rights = { { QUERY_VIEWER, AT(S("acme/**")) } },
          .n = 1,
          .limited = true,
          .limit = { QUERY_ADMIN, { NULL, 0 } },
          .want = "-vvv-v" },
        { .name = "a token's paths within its owner's within a tenant",
          .rights = { { QUERY_ENGINEER, AT(S("acme/**"), S("!acme/line1/secret")) } },
          .n = 1,
          .in_tenants = true,
          .tenants = { AT(S("acme/line1/**")), AT(S("other/**")) },
          .n_tenants = 2,
          .limited = true,
          .limit = { QUERY_OPERATOR, AT(S("**/pv"), S("**/secret")) },
          .want = "-o----" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        access_principal_spec spec = { .name = PT_LIT("anna"),
                                       .rights = rows[i].rights,
                                       .n_rights = rows[i].n,
                                       .in_tenants = rows[i].in_tenants,
                                       .tenants = rows[i].tenants,
                                       .n_tenants = rows[i].n_tenants,
                                       .limit = rows[i].limited ? &rows[i].limit : NULL };
        access_principal *p = access_principal_new(&spec);
        CHECK_FATAL(p != NULL);
        is(rows[i].name, p, rows[i].want);
        access_unref(p);
    }
    is("nobody at all", NULL, "------");
}

static void every_action_has_its_least_role(void)
{
    static const struct {
        access_action action;
        const char *name;
        query_role least;
    } rows[] = {
        { ACCESS_READ, "read", QUERY_VIEWER },
        { ACCESS_CONFORMANCE, "conformance", QUERY_VIEWER },
        { ACCESS_WRITE, "write", QUERY_OPERATOR },
        { ACCESS_APPROVE, "approve", QUERY_OPERATOR },
        { ACCESS_REBIRTH, "rebirth", QUERY_OPERATOR },
        { ACCESS_REPLAY, "replay", QUERY_OPERATOR },
        { ACCESS_QUARANTINE, "quarantine", QUERY_ENGINEER },
        { ACCESS_METADATA, "metadata", QUERY_ENGINEER },
        { ACCESS_MAP_PLAN, "map-plan", QUERY_ENGINEER },
        { ACCESS_MAP_APPLY, "map-apply", QUERY_ADMIN },
        { ACCESS_USERS, "users", QUERY_ADMIN },
        { ACCESS_TOKENS, "tokens", QUERY_ADMIN },
        { ACCESS_PURGE, "purge", QUERY_ADMIN },
        { ACCESS_RETENTION, "retention", QUERY_ADMIN },
        { ACCESS_BACKUP, "backup", QUERY_ADMIN },
        { ACCESS_AUDIT, "audit", QUERY_ADMIN },
    };
    CHECK_INT(PT_COUNT_OF(rows), ACCESS_ACTIONS);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        CHECK_INT(access_least_role(rows[i].action), rows[i].least);
        CHECK_STR(pt_cstr(access_action_name(rows[i].action)), rows[i].name);
        for (int role = QUERY_VIEWER; role <= QUERY_ADMIN; role++) {
            access_right right = { .role = (query_role)role };
            access_principal *p = access_principal_new(&(access_principal_spec){ .name = PT_LIT("x"), .rights = &right, .n_rights = 1 });
            CHECK_ROW(rows[i].name, access_may(p, rows[i].action, PT_NONE) == (role >= (int)rows[i].least));
            CHECK_ROW(rows[i].name, access_may_somewhere(p, rows[i].action) == (role >= (int)rows[i].least));
            access_unref(p);
        }
        CHECK(!access_may(NULL, rows[i].action, PT_NONE) && !access_may_somewhere(NULL, rows[i].action));
    }
    CHECK(!access_may(NULL, ACCESS_ACTIONS, PT_NONE));
}

static void roles_and_kinds_have_words(void)
{
    static const char *const roles[] = { "viewer", "operator", "engineer", "admin" };
    query_role role = QUERY_VIEWER;
    for (int i = 0; i < 4; i++) {
        CHECK_STR(pt_cstr(access_role_name((query_role)i)), roles[i]);
        CHECK(access_role_parse(pt_cstr(roles[i]), &role) && (int)role == i);
    }
    CHECK(!access_role_parse(PT_LIT("root"), &role) && !access_role_parse(PT_LIT(""), &role) && !access_role_parse(PT_LIT("Admin"), &role));
    CHECK_STR(pt_cstr(access_kind_name(ACCESS_USER)), "user");
    CHECK_STR(pt_cstr(access_kind_name(ACCESS_LOOPBACK)), "loopback");
}

static void patterns_are_checked(void)
{
    static const struct {
        const char *pattern;
        pt_status want;
    } rows[] = { { "a/**", PT_OK },     { "!a", PT_OK },        { "**", PT_OK },        { "", PT_EINVAL },        { "!", PT_EINVAL },
                 { "a\nb", PT_EINVAL }, { "a\x7f", PT_EINVAL }, { "a\xff", PT_EINVAL }, { "w\xc3\xa4rme", PT_OK } };
    char long_one[1100];
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++)
        CHECK_ROW(rows[i].pattern, access_pattern_check(pt_cstr(rows[i].pattern), NULL) == rows[i].want);
    memset(long_one, 'a', sizeof long_one);
    CHECK_OK(access_pattern_check(pt_slice_of(long_one, 1024), NULL));
    CHECK_STATUS(access_pattern_check(pt_slice_of(long_one, 1025), NULL), PT_EINVAL);
}

static void a_snapshot_owns_its_texts_and_lives_as_long_as_it_is_held(void)
{
    char name[] = "anna", path[] = "acme/**";
    pt_slice paths[] = { pt_cstr(path) };
    access_right right = { QUERY_VIEWER, { paths, 1 } };
    access_principal_spec spec = { .kind = ACCESS_TOKEN,
                                   .name = pt_cstr(name),
                                   .label = PT_LIT("anna (token 7)"),
                                   .rights = &right,
                                   .n_rights = 1,
                                   .token_id = 7,
                                   .generation = 3 };
    access_principal *p = access_principal_new(&spec), *same = access_ref(p);
    CHECK_FATAL(p != NULL && same == p);
    memset(name, 'x', 4);
    memset(path, 'x', 7);
    access_unref(p);
    CHECK_STR(access_name(same), "anna");
    CHECK_STR(access_label(same), "anna (token 7)");
    CHECK_STR(access_scope(same)->principal, "anna (token 7)");
    CHECK(access_may(same, ACCESS_READ, PT_LIT("acme/x")) && !access_may(same, ACCESS_READ, PT_LIT("xxxx/x")));
    CHECK_INT(access_token_id(same), 7);
    CHECK_INT(access_generation_of(same), 3);
    CHECK(access_session_of(same) == NULL && access_kind_of(same) == ACCESS_TOKEN);
    access_unref(same);
    access_unref(NULL);
    CHECK(access_ref(NULL) == NULL);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(the_right_at_a_path_is_that_of_the_best_grant),
        PT_TEST(every_action_has_its_least_role),
        PT_TEST(roles_and_kinds_have_words),
        PT_TEST(patterns_are_checked),
        PT_TEST(a_snapshot_owns_its_texts_and_lives_as_long_as_it_is_held),
    };
    return pt_test_main("access/principal", tests, PT_COUNT_OF(tests), argc, argv);
}
