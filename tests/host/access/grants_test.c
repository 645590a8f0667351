/* tests/host/access/grants_test.c -- grants and tenants are kept, listed, checked. */
#include "tests/host/access/rig.h"

#include <stdio.h>

static rig r;

static bool list(void *ctx, const access_grant *g)
{
    char *out = ctx;
    size_t len = strlen(out);
    len += (size_t)sprintf(out + len, "%llu %s %.*s %s", (unsigned long long)g->id, g->to_group ? "group" : "user", PT_SLICE_ARGS(g->name),
                           access_role_name(g->role));
    for (size_t i = 0; i < g->at.n_paths; i++)
        len += (size_t)sprintf(out + len, " %.*s", PT_SLICE_ARGS(g->at.paths[i]));
    sprintf(out + len, ";");
    return true;
}

static bool list_tenant(void *ctx, pt_slice name, const access_patterns *at)
{
    char *out = ctx;
    size_t len = strlen(out);
    len += (size_t)sprintf(out + len, "%.*s", PT_SLICE_ARGS(name));
    for (size_t i = 0; i < at->n_paths; i++)
        len += (size_t)sprintf(out + len, " %.*s", PT_SLICE_ARGS(at->paths[i]));
    sprintf(out + len, ";");
    return true;
}

static void grants_are_added_listed_and_removed(void)
{
    static const pt_slice paths[] = { { "acme/**", 7 }, { "!acme/x", 7 } };
    char out[2000] = "";
    uint64_t id = 0;
    rig_open(&r);
    rig_user(&r, "anna");
    access_grant g = { .name = PT_LIT("anna"), .role = QUERY_ENGINEER, .at = { paths, 2 } };
    CHECK_OK(access_grant_add(r.a, &RIG_ADMIN, &g, &id, NULL));
    CHECK_INT(id, 1);
    CHECK_INT(rig_grant(&r, true, "nobody-yet", QUERY_VIEWER, NULL), 2);
    CHECK_OK(access_grants_each(r.a, list, out, NULL));
    CHECK_STR(pt_cstr(out), "1 user anna engineer acme/** !acme/x;2 group nobody-yet viewer;");
    CHECK_TELLS(
        &r, "grant-add done root os-user  anna {\"id\":1,\"user\":\"anna\",\"role\":\"engineer\",\"paths\":[\"acme/**\",\"!acme/x\"]};");
    CHECK_OK(access_grant_remove(r.a, &RIG_ADMIN, 2, NULL));
    CHECK_STATUS(access_grant_remove(r.a, &RIG_ADMIN, 2, &r.err), PT_ENOTFOUND);
    CHECK_STR(pt_cstr(r.err.text), "there is no grant 2");
    CHECK_INT(rig_grant(&r, true, "shift", QUERY_VIEWER, NULL), 3); /* a number is used once */
    CHECK_TELLS(&r, "grant-remove done root os-user  nobody-yet {\"id\":2,\"group\":\"nobody-yet\",\"role\":\"viewer\",");
    rig_close(&r);
}

static void wrong_grants_are_refused(void)
{
    static const pt_slice bad[] = { { "a\nb", 3 } };
    pt_slice many[ACCESS_PATTERNS_MAX + 1];
    uint64_t id = 0;
    for (size_t i = 0; i < PT_COUNT_OF(many); i++)
        many[i] = PT_LIT("a");
    const struct {
        access_grant g;
        pt_status want;
    } rows[] = {
        { { .name = PT_LIT("nobody") }, PT_ENOTFOUND },
        { { .name = PT_LIT("") }, PT_EINVAL },
        { { .name = PT_LIT("a b"), .to_group = true }, PT_EINVAL },
        { { .name = PT_LIT("anna"), .role = (query_role)4 }, PT_EINVAL },
        { { .name = PT_LIT("anna"), .role = (query_role)-1 }, PT_EINVAL },
        { { .name = PT_LIT("anna"), .at = { bad, 1 } }, PT_EINVAL },
        { { .name = PT_LIT("anna"), .at = { many, PT_COUNT_OF(many) } }, PT_ETOOBIG },
        { { .name = PT_LIT("anna"), .at = { many, PT_COUNT_OF(many) - 1 } }, PT_OK },
    };
    rig_open(&r);
    rig_user(&r, "anna");
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++)
        CHECK_STATUS(access_grant_add(r.a, &RIG_ADMIN, &rows[i].g, &id, &r.err), rows[i].want);
    rig_close(&r);
}

static void tenants_are_named_lists_of_patterns(void)
{
    static const pt_slice a[] = { { "acme/**", 7 } }, b[] = { { "b/**", 4 }, { "c/**", 4 } };
    const access_patterns pa = { a, 1 }, pb = { b, 2 }, none = { NULL, 0 };
    char out[2000] = "";
    rig_open(&r);
    CHECK_OK(access_tenant_set(r.a, &RIG_ADMIN, PT_LIT("acme"), &pa, NULL));
    CHECK_OK(access_tenant_set(r.a, &RIG_ADMIN, PT_LIT("bc"), &pa, NULL));
    CHECK_OK(access_tenant_set(r.a, &RIG_ADMIN, PT_LIT("bc"), &pb, NULL));
    CHECK_STATUS(access_tenant_set(r.a, &RIG_ADMIN, PT_LIT("none"), &none, &r.err), PT_EINVAL);
    rig_reopen(&r);
    CHECK_OK(access_tenants_each(r.a, list_tenant, out, NULL));
    CHECK_STR(pt_cstr(out), "acme acme/**;bc b/** c/**;");
    CHECK_OK(access_tenant_remove(r.a, &RIG_ADMIN, PT_LIT("acme"), NULL));
    CHECK_STATUS(access_tenant_remove(r.a, &RIG_ADMIN, PT_LIT("acme"), &r.err), PT_ENOTFOUND);
    CHECK_TELLS(&r, "tenant-set done root os-user  bc {\"paths\":[\"b/**\",\"c/**\"]};");
    CHECK_TELLS(&r, "tenant-remove done root os-user  acme ;");
    rig_close(&r);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(grants_are_added_listed_and_removed), PT_TEST(wrong_grants_are_refused),
                                     PT_TEST(tenants_are_named_lists_of_patterns) };
    return pt_test_main("access/grants", tests, PT_COUNT_OF(tests), argc, argv);
}
