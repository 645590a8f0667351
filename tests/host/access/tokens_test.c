/* tests/host/access/tokens_test.c -- API tokens: shown once, never more than their owner, over when they are over. */
#include "tests/host/access/rig.h"

#include "base/file.h"
#include <stdio.h>

static rig r;

static uint64_t add(const char *owner, query_role role, const char *path, int64_t expires_ms, char text[ACCESS_TOKEN_TEXT])
{
    pt_slice at = pt_cstr(path);
    access_token t = {
        .owner = pt_cstr(owner), .role = role, .at = { &at, path ? 1 : 0 }, .expires_ms = expires_ms, .note = PT_LIT("a script")
    };
    uint64_t id = 0;
    pt_status st = access_token_add(r.a, &RIG_ADMIN, &t, &id, text, &r.err);
    pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "%s", r.err.text);
    return id;
}

static pt_status find(const char *text, access_principal **out)
{
    return access_token_find(r.a, pt_cstr(text), out, &r.err);
}

static void a_token_lets_in_with_its_role_and_paths_within_its_owners(void)
{
    char text[ACCESS_TOKEN_TEXT];
    access_principal *p = NULL;
    rig_open(&r);
    rig_user(&r, "anna");
    uint64_t grant = rig_grant(&r, false, "anna", QUERY_ENGINEER, "acme/**");
    uint64_t id = add("anna", QUERY_OPERATOR, "**/pv", 0, text);
    CHECK_OK_FATAL(find(text, &p));
    CHECK(access_may(p, ACCESS_WRITE, PT_LIT("acme/line1/pv")));
    CHECK(!access_may(p, ACCESS_METADATA, PT_LIT("acme/line1/pv"))); /* its own role */
    CHECK(!access_may(p, ACCESS_READ, PT_LIT("acme/line1/sp")));     /* its own paths */
    CHECK(!access_may(p, ACCESS_READ, PT_LIT("other/pv")));          /* its owner's */
    CHECK(access_kind_of(p) == ACCESS_TOKEN && access_token_id(p) == id);
    CHECK_STR(access_label(p), "anna (token 1)");
    access_unref(p);
    rig_grant(&r, false, "anna", QUERY_VIEWER, "acme/**");
    CHECK_OK(access_grant_remove(r.a, &RIG_ADMIN, grant, NULL)); /* the owner has less now */
    CHECK_OK_FATAL(find(text, &p));
    CHECK(access_may(p, ACCESS_READ, PT_LIT("acme/line1/pv")) && !access_may(p, ACCESS_WRITE, PT_LIT("acme/line1/pv")));
    access_unref(p);
    CHECK_OK(access_user_disable(r.a, &RIG_ADMIN, PT_LIT("anna"), true, NULL));
    CHECK_STATUS(find(text, &p), PT_EREFUSED);
    rig_close(&r);
}

static void a_token_that_asks_for_too_much_is_not_made(void)
{
    static const pt_slice bad[] = { { "", 0 } };
    char text[ACCESS_TOKEN_TEXT] = "none", note[300];
    uint64_t id = 0;
    memset(note, 'n', sizeof note);
    const struct {
        access_token t;
        pt_status want;
    } rows[] = {
        { { .owner = PT_LIT("anna"), .role = QUERY_ADMIN }, PT_EREFUSED },
        { { .owner = PT_LIT("bert"), .role = QUERY_VIEWER }, PT_EREFUSED }, /* has no grant at all */
        { { .owner = PT_LIT("eve") }, PT_ENOTFOUND },
        { { .owner = PT_LIT("anna"), .expires_ms = 1800000000000 }, PT_EINVAL },
        { { .owner = PT_LIT("anna"), .role = (query_role)9 }, PT_EINVAL },
        { { .owner = PT_LIT("anna"), .at = { bad, 1 } }, PT_EINVAL },
        { { .owner = PT_LIT("anna"), .note = { note, 201 } }, PT_EINVAL },
        { { .owner = PT_LIT("anna"), .note = { note, 200 } }, PT_OK },
    };
    rig_open(&r);
    rig_user(&r, "anna");
    rig_user(&r, "bert");
    rig_grant(&r, false, "anna", QUERY_OPERATOR, NULL);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++)
        CHECK_STATUS(access_token_add(r.a, &RIG_ADMIN, &rows[i].t, &id, text, &r.err), rows[i].want);
    rig_close(&r);
}

static void a_wrong_token_is_refused(void)
{
    char text[ACCESS_TOKEN_TEXT], other[ACCESS_TOKEN_TEXT], bad[ACCESS_TOKEN_TEXT];
    access_principal *p = NULL;
    rig_open(&r);
    rig_user(&r, "anna");
    rig_grant(&r, false, "anna", QUERY_VIEWER, NULL);
    add("anna", QUERY_VIEWER, NULL, 0, text);
    add("anna", QUERY_VIEWER, NULL, 0, other);
    for (size_t i = 0; text[i]; i++) {
        strcpy(bad, text);
        bad[i] = bad[i] == 'A' ? 'B' : 'A';
        CHECK_ROW(bad, find(bad, &p) == PT_EREFUSED);
    }
    snprintf(bad, sizeof bad, "plantree_1_%s", other + 11); /* another token's secret */
    CHECK_STATUS(find(bad, &p), PT_EREFUSED);
    CHECK_STATUS(find("", &p), PT_EREFUSED);
    rig_close(&r);
}

static void a_token_is_over_when_its_time_is(void)
{
    char text[ACCESS_TOKEN_TEXT];
    access_principal *p = NULL;
    rig_open(&r);
    rig_user(&r, "anna");
    rig_grant(&r, false, "anna", QUERY_VIEWER, NULL);
    add("anna", QUERY_VIEWER, NULL, 1800000000000 + 5000, text);
    pt_fake_clock_advance(&r.clock, 4999);
    CHECK_OK(find(text, &p));
    access_unref(p);
    pt_fake_clock_advance(&r.clock, 1);
    CHECK_STATUS(find(text, &p), PT_EREFUSED);
    CHECK_STR(pt_cstr(r.err.text), "the token has expired");
    rig_close(&r);
}

static bool last_used(void *ctx, const access_token *t)
{
    *(int64_t *)ctx = t->last_used_ms;
    return true;
}

static void when_it_was_used_is_written_once_a_minute(void)
{
    static const struct {
        int64_t advance, used;
    } rows[] = { { 0, 0 }, { 59999, 0 }, { 1, 60000 }, { 30000, 60000 }, { 30000, 120000 } };
    char text[ACCESS_TOKEN_TEXT];
    int64_t used = -1;
    rig_open(&r);
    rig_user(&r, "anna");
    rig_grant(&r, false, "anna", QUERY_VIEWER, NULL);
    add("anna", QUERY_VIEWER, NULL, 0, text);
    CHECK_OK(access_tokens_each(r.a, last_used, &used, NULL));
    CHECK_INT(used, 0);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        access_principal *p = NULL;
        pt_fake_clock_advance(&r.clock, rows[i].advance);
        CHECK_OK(find(text, &p));
        access_unref(p);
        CHECK_OK(access_tokens_each(r.a, last_used, &used, NULL));
        CHECK_INT(used, 1800000000000 + rows[i].used);
    }
    rig_close(&r);
}

static bool list(void *ctx, const access_token *t)
{
    char *out = ctx;
    sprintf(out + strlen(out), "%llu %.*s %s '%.*s' %zu %lld;", (unsigned long long)t->id, PT_SLICE_ARGS(t->owner),
            access_role_name(t->role), PT_SLICE_ARGS(t->note), t->at.n_paths, (long long)t->expires_ms);
    return true;
}

static void the_text_is_nowhere_in_the_file_and_a_removed_token_is_gone(void)
{
    char text[ACCESS_TOKEN_TEXT], out[1000] = "";
    access_principal *p = NULL;
    pt_buf file;
    rig_open(&r);
    rig_user(&r, "anna");
    rig_grant(&r, false, "anna", QUERY_VIEWER, NULL);
    uint64_t id = add("anna", QUERY_VIEWER, "acme/**", 0, text);
    CHECK_OK(access_tokens_each(r.a, list, out, NULL));
    CHECK_STR(pt_cstr(out), "1 anna viewer 'a script' 1 0;");
    CHECK_TELLS(
        &r,
        "token-add done root os-user  token 1 {\"id\":1,\"owner\":\"anna\",\"role\":\"viewer\",\"paths\":[\"acme/**\"],\"note\":\"a script\"};");
    rig_reopen(&r);
    CHECK_OK(find(text, &p));
    access_unref(p);
    CHECK_OK(access_token_remove(r.a, &RIG_ADMIN, id, NULL));
    CHECK_STATUS(find(text, &p), PT_EREFUSED);
    CHECK_STATUS(access_token_remove(r.a, &RIG_ADMIN, id, &r.err), PT_ENOTFOUND);
    CHECK_TELLS(&r, "token-remove done root os-user  token 1 ");
    CHECK(strstr(r.told, text + 11) == NULL);
    rig_close(&r);
    pt_buf_init(&file, 1 << 20);
    CHECK_OK(pt_file_read(rig_file(&r), &file, NULL));
    CHECK(memmem(file.ptr, file.len, text + 11, strlen(text + 11)) == NULL);
    CHECK(memmem(file.ptr, file.len, "password of", 11) == NULL);
    pt_buf_fini(&file);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_token_lets_in_with_its_role_and_paths_within_its_owners),
        PT_TEST(a_token_that_asks_for_too_much_is_not_made),
        PT_TEST(a_wrong_token_is_refused),
        PT_TEST(a_token_is_over_when_its_time_is),
        PT_TEST(when_it_was_used_is_written_once_a_minute),
        PT_TEST(the_text_is_nowhere_in_the_file_and_a_removed_token_is_gone),
    };
    return pt_test_main("access/tokens", tests, PT_COUNT_OF(tests), argc, argv);
}
