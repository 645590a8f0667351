/* tests/host/access/resolve_test.c -- from rows to rights: own grants, those of groups, tenants. */
#include "tests/host/access/rig.h"

static rig r;

static int role_of(const access_principal *p, const char *path)
{
    query_role role;
    return access_role_at(p, path ? pt_cstr(path) : PT_NONE, &role) ? (int)role : -1;
}

static void grants_of_the_user_and_of_the_groups_add_up(void)
{
    rig_open(&r);
    rig_user(&r, "anna");
    rig_user(&r, "shift"); /* a user of a group's name has none of its rights */
    rig_grant(&r, false, "anna", QUERY_VIEWER, "acme/**");
    rig_grant(&r, true, "shift", QUERY_OPERATOR, "acme/line1/**");
    rig_grant(&r, true, "office", QUERY_ADMIN, NULL);
    CHECK_OK(access_user_join(r.a, &RIG_ADMIN, PT_LIT("anna"), ACCESS_OF_GROUP, PT_LIT("shift"), NULL));
    access_principal *p = rig_in(&r, "anna");
    CHECK_INT(role_of(p, "acme/line1/x"), QUERY_OPERATOR);
    CHECK_INT(role_of(p, "acme/line2/x"), QUERY_VIEWER);
    CHECK_INT(role_of(p, "other/x"), -1);
    CHECK_INT(role_of(p, NULL), -1);
    CHECK_STR(access_name(p), "anna");
    CHECK(access_kind_of(p) == ACCESS_USER && access_token_id(p) == 0);
    access_unref(p);
    p = rig_in(&r, "shift");
    CHECK_INT(role_of(p, "acme/line1/x"), -1);
    access_unref(p);
    rig_close(&r);
}

static void a_tenant_bounds_what_grants_give(void)
{
    const pt_slice line = PT_LIT("acme/line1/**");
    const access_patterns at = { &line, 1 };
    rig_open(&r);
    rig_user(&r, "anna");
    rig_grant(&r, false, "anna", QUERY_ADMIN, NULL);
    CHECK_OK(access_tenant_set(r.a, &RIG_ADMIN, PT_LIT("line1"), &at, NULL));
    CHECK_OK(access_user_join(r.a, &RIG_ADMIN, PT_LIT("anna"), ACCESS_OF_TENANT, PT_LIT("line1"), NULL));
    access_principal *p = rig_in(&r, "anna");
    CHECK_INT(role_of(p, "acme/line1/x"), QUERY_ADMIN);
    CHECK_INT(role_of(p, "acme/line2/x"), -1);
    CHECK(!access_may(p, ACCESS_USERS, PT_NONE)); /* of a part one does not make users */
    access_unref(p);
    rig_sql(&r, "DELETE FROM tenant"); /* gone by damage: that opens nothing */
    p = rig_in(&r, "anna");
    CHECK_INT(role_of(p, "acme/line1/x"), -1);
    access_unref(p);
    rig_close(&r);
}

static void identities_from_outside_have_what_is_mapped_alone(void)
{
    static const access_fact facts[] = { { ACCESS_FROM_GROUP, { "ops", 3 } } };
    const pt_slice line = PT_LIT("acme/line1/**");
    const access_map_row map[] = { { ACCESS_FROM_GROUP, PT_LIT("ops"), QUERY_OPERATOR, { &line, 1 } } };
    const access_identity ops = { ACCESS_PROXY, PT_LIT("anna"), facts, 1 }, other = { ACCESS_PROXY, PT_LIT("bert"), NULL, 0 };
    access_principal *p = NULL, *q = NULL;
    rig_open(&r);
    rig_user(&r, "anna"); /* of that name here: another person */
    rig_grant(&r, false, "anna", QUERY_ADMIN, NULL);
    rig_grant(&r, true, "ops", QUERY_ADMIN, NULL);
    CHECK_STATUS(access_external(r.a, &ops, &p, &r.err), PT_EREFUSED);
    CHECK_STR(pt_cstr(r.err.text), "access.map gives this proxy no right");
    CHECK_OK(access_set_map(r.a, map, 1, NULL));
    CHECK_OK(access_external(r.a, &ops, &p, NULL));
    CHECK_INT(role_of(p, "acme/line1/x"), QUERY_OPERATOR);
    CHECK_INT(role_of(p, "acme/line2/x"), -1);
    CHECK(access_kind_of(p) == ACCESS_PROXY);
    CHECK_STATUS(access_external(r.a, &other, &q, NULL), PT_EREFUSED);
    access_unref(p);
    rig_close(&r);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(grants_of_the_user_and_of_the_groups_add_up), PT_TEST(a_tenant_bounds_what_grants_give),
                                     PT_TEST(identities_from_outside_have_what_is_mapped_alone) };
    return pt_test_main("access/resolve", tests, PT_COUNT_OF(tests), argc, argv);
}
