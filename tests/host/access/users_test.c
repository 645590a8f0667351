/* tests/host/access/users_test.c -- adding, disabling, removing; groups and tenants. */
#include "tests/host/access/rig.h"

#include <stdio.h>

static rig r;

static bool list(void *ctx, const access_user *u)
{
    char *out = ctx;
    size_t len = strlen(out);
    len += (size_t)sprintf(out + len, "%.*s%s", PT_SLICE_ARGS(u->name), u->disabled ? "-" : "");
    for (size_t i = 0; i < u->n_groups; i++)
        len += (size_t)sprintf(out + len, " g:%.*s", PT_SLICE_ARGS(u->groups[i]));
    for (size_t i = 0; i < u->n_tenants; i++)
        len += (size_t)sprintf(out + len, " t:%.*s", PT_SLICE_ARGS(u->tenants[i]));
    sprintf(out + len, ";");
    return true;
}

static void users_are(const char *want)
{
    char out[2000] = "";
    CHECK_OK(access_users_each(r.a, list, out, NULL));
    CHECK_STR(pt_cstr(out), want);
}

static void users_are_added_disabled_and_removed(void)
{
    rig_open(&r);
    users_are("");
    rig_user(&r, "bert");
    rig_user(&r, "anna");
    users_are("anna;bert;");
    CHECK_STATUS(access_user_add(r.a, &RIG_ADMIN, PT_LIT("anna"), PT_LIT("another one"), &r.err), PT_EEXISTS);
    CHECK_OK(access_user_disable(r.a, &RIG_ADMIN, PT_LIT("anna"), true, NULL));
    users_are("anna-;bert;");
    access_principal *p = NULL;
    int64_t retry = 0;
    CHECK_STATUS(rig_login(&r, "anna", NULL, "", &p, &retry), PT_EREFUSED);
    CHECK_OK(access_user_disable(r.a, &RIG_ADMIN, PT_LIT("anna"), false, NULL));
    access_unref(rig_in(&r, "anna"));
    CHECK_OK(access_user_remove(r.a, &RIG_ADMIN, PT_LIT("anna"), NULL));
    users_are("bert;");
    CHECK_STATUS(access_user_remove(r.a, &RIG_ADMIN, PT_LIT("anna"), &r.err), PT_ENOTFOUND);
    CHECK_STATUS(access_user_disable(r.a, &RIG_ADMIN, PT_LIT("anna"), true, &r.err), PT_ENOTFOUND);
    CHECK_STATUS(access_user_password(r.a, &RIG_ADMIN, PT_LIT("anna"), PT_LIT("a new password"), &r.err), PT_ENOTFOUND);
    CHECK_STR(pt_cstr(r.err.text), "there is no user anna");
    CHECK_TELLS(&r, "user-add done root os-user  anna ;");
    CHECK_TELLS(&r, "user-disable done root os-user  anna ;login failed anna user  anna ;user-enable done root os-user  anna ;");
    CHECK_TELLS(&r, "user-remove done root os-user  anna ;");
    rig_reopen(&r);
    users_are("bert;");
    rig_close(&r);
}

static void names_and_passwords_are_checked(void)
{
    static const struct {
        const char *name, *password, *says;
    } rows[] = { { "", "password1", "1 to 128 bytes" },     { "-x", "password1", "does not begin with '-'" },
                 { "a b", "password1", "without blanks" },  { "a/b", "password1", "without blanks" },
                 { "a:b", "password1", "without blanks" },  { "a,b", "password1", "without blanks" },
                 { "a\nb", "password1", "without blanks" }, { "a\xff", "password1", "without blanks" },
                 { "anna", "short", "at least 8" },         { "annabella", "Annabella", "not the user's name" } };
    char long_name[130];
    rig_open(&r);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        CHECK_STATUS(access_user_add(r.a, &RIG_ADMIN, pt_cstr(rows[i].name), pt_cstr(rows[i].password), &r.err), PT_EINVAL);
        pt_check_at(strstr(r.err.text, rows[i].says) != NULL, false, __FILE__, __LINE__, "%s", r.err.text);
    }
    memset(long_name, 'n', sizeof long_name);
    CHECK_STATUS(access_user_add(r.a, &RIG_ADMIN, pt_slice_of(long_name, 129), PT_LIT("password1"), NULL), PT_EINVAL);
    CHECK_OK(access_user_add(r.a, &RIG_ADMIN, pt_slice_of(long_name, 128), PT_LIT("password1"), NULL));
    CHECK_OK(access_user_add(r.a, &RIG_ADMIN, PT_LIT("j\xc3\xbcrgen@acme.example"), PT_LIT("password1"), NULL));
    CHECK_STR(pt_cstr(r.told + strlen(r.told) - 1), ";");
    CHECK(strstr(r.told, "password1") == NULL);
    rig_close(&r);
}

static void a_new_password_ends_the_old_one_and_all_sessions(void)
{
    char text[ACCESS_SECRET_TEXT];
    access_principal *p = NULL, *q = NULL;
    int64_t retry;
    rig_open(&r);
    rig_user(&r, "anna");
    p = rig_in(&r, "anna");
    CHECK_OK(access_session_start(r.a, p, NULL, PT_NONE, PT_NONE, text, NULL));
    CHECK_OK(access_session_find(r.a, pt_cstr(text), &q, NULL));
    CHECK_OK(access_user_password(r.a, &RIG_ADMIN, PT_LIT("anna"), PT_LIT("a new password"), NULL));
    CHECK_STATUS(access_session_find(r.a, pt_cstr(text), &q, NULL), PT_EREFUSED);
    access_unref(p);
    CHECK_STATUS(rig_login(&r, "anna", NULL, "", &p, &retry), PT_EREFUSED);
    CHECK_OK(rig_login(&r, "anna", "a new password", "", &p, &retry));
    access_unref(p);
    access_unref(q);
    rig_close(&r);
}

static void users_join_and_leave_groups_and_tenants(void)
{
    const pt_slice line = PT_LIT("acme/line1/**");
    const access_patterns at = { &line, 1 };
    pt_slice anna = PT_LIT("anna");
    rig_open(&r);
    rig_user(&r, "anna");
    CHECK_STATUS(access_user_join(r.a, &RIG_ADMIN, anna, ACCESS_OF_TENANT, PT_LIT("line1"), &r.err), PT_ENOTFOUND);
    CHECK_STATUS(access_user_join(r.a, &RIG_ADMIN, PT_LIT("eve"), ACCESS_OF_GROUP, PT_LIT("shift"), &r.err), PT_ENOTFOUND);
    CHECK_STATUS(access_user_join(r.a, &RIG_ADMIN, anna, ACCESS_OF_GROUP, PT_LIT("a\nb"), &r.err), PT_EINVAL);
    CHECK_OK(access_tenant_set(r.a, &RIG_ADMIN, PT_LIT("line1"), &at, NULL));
    CHECK_OK(access_tenant_set(r.a, &RIG_ADMIN, PT_LIT("line2"), &at, NULL));
    CHECK_OK(access_user_join(r.a, &RIG_ADMIN, anna, ACCESS_OF_TENANT, PT_LIT("line1"), NULL));
    CHECK_OK(access_user_join(r.a, &RIG_ADMIN, anna, ACCESS_OF_TENANT, PT_LIT("line2"), NULL));
    CHECK_OK(access_user_join(r.a, &RIG_ADMIN, anna, ACCESS_OF_GROUP, PT_LIT("shift"), NULL));
    users_are("anna g:shift t:line1 t:line2;");
    CHECK_STATUS(access_user_join(r.a, &RIG_ADMIN, anna, ACCESS_OF_GROUP, PT_LIT("shift"), &r.err), PT_EEXISTS);
    CHECK_STATUS(access_tenant_remove(r.a, &RIG_ADMIN, PT_LIT("line1"), &r.err), PT_ESTATE);
    CHECK_OK(access_user_leave(r.a, &RIG_ADMIN, anna, ACCESS_OF_TENANT, PT_LIT("line1"), false, NULL));
    CHECK_OK(access_tenant_remove(r.a, &RIG_ADMIN, PT_LIT("line1"), NULL));
    CHECK_STATUS(access_user_leave(r.a, &RIG_ADMIN, anna, ACCESS_OF_TENANT, PT_LIT("line2"), false, &r.err), PT_ESTATE);
    users_are("anna g:shift t:line2;");
    CHECK_OK(access_user_leave(r.a, &RIG_ADMIN, anna, ACCESS_OF_TENANT, PT_LIT("line2"), true, NULL));
    CHECK_STATUS(access_user_leave(r.a, &RIG_ADMIN, anna, ACCESS_OF_GROUP, PT_LIT("day"), false, &r.err), PT_ENOTFOUND);
    CHECK_OK(access_user_leave(r.a, &RIG_ADMIN, anna, ACCESS_OF_GROUP, PT_LIT("shift"), false, NULL));
    users_are("anna;");
    CHECK_TELLS(&r, "user-join done root os-user  anna {\"tenant\":\"line1\"};");
    CHECK_TELLS(&r, "user-leave done root os-user  anna {\"group\":\"shift\"};");
    for (int i = 0; i < ACCESS_MEMBER_MAX; i++) {
        char name[20];
        snprintf(name, sizeof name, "g%d", i);
        CHECK_OK(access_user_join(r.a, &RIG_ADMIN, anna, ACCESS_OF_GROUP, pt_cstr(name), NULL));
    }
    CHECK_STATUS(access_user_join(r.a, &RIG_ADMIN, anna, ACCESS_OF_GROUP, PT_LIT("one-more"), &r.err), PT_ETOOBIG);
    rig_close(&r);
}

static void who_is_removed_takes_all_along_and_comes_back_with_nothing(void)
{
    char token[ACCESS_TOKEN_TEXT], session[ACCESS_SECRET_TEXT];
    uint64_t id = 0;
    access_principal *p = NULL;
    rig_open(&r);
    rig_user(&r, "anna");
    rig_grant(&r, false, "anna", QUERY_ADMIN, NULL);
    rig_grant(&r, true, "anna", QUERY_ADMIN, NULL); /* a group of that name is another thing */
    access_token t = { .owner = PT_LIT("anna"), .role = QUERY_ADMIN };
    CHECK_OK(access_token_add(r.a, &RIG_ADMIN, &t, &id, token, NULL));
    access_principal *in = rig_in(&r, "anna");
    CHECK_OK(access_session_start(r.a, in, NULL, PT_NONE, PT_NONE, session, NULL));
    access_unref(in);
    CHECK_OK(access_user_remove(r.a, &RIG_ADMIN, PT_LIT("anna"), NULL));
    rig_user(&r, "anna");
    CHECK_STATUS(access_token_find(r.a, pt_cstr(token), &p, NULL), PT_EREFUSED);
    CHECK_STATUS(access_session_find(r.a, pt_cstr(session), &p, NULL), PT_EREFUSED);
    in = rig_in(&r, "anna");
    CHECK(!access_may_somewhere(in, ACCESS_READ));
    access_unref(in);
    rig_close(&r);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(users_are_added_disabled_and_removed),
        PT_TEST(names_and_passwords_are_checked),
        PT_TEST(a_new_password_ends_the_old_one_and_all_sessions),
        PT_TEST(users_join_and_leave_groups_and_tenants),
        PT_TEST(who_is_removed_takes_all_along_and_comes_back_with_nothing),
    };
    return pt_test_main("access/users", tests, PT_COUNT_OF(tests), argc, argv);
}
