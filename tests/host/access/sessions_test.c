/* tests/host/access/sessions_test.c -- sessions end when they are idle, old, logged out or replaced, and outlive a restart. */
#include "tests/host/access/rig.h"

static rig r;
enum { HOUR = 3600000 };

static void start(const char *user, const char *old, char text[ACCESS_SECRET_TEXT])
{
    access_principal *p = rig_in(&r, user);
    CHECK_OK_FATAL(access_session_start(r.a, p, NULL, pt_cstr(old), PT_LIT("10.0.0.1"), text, &r.err));
    access_unref(p);
}

static pt_status find(const char *text)
{
    access_principal *p = NULL;
    pt_status st = access_session_find(r.a, pt_cstr(text), &p, &r.err);
    if (st == PT_OK) CHECK(access_session_of(p) != NULL);
    access_unref(p);
    return st;
}

static void anna_is_here(void)
{
    rig_open(&r);
    rig_user(&r, "anna");
    rig_grant(&r, false, "anna", QUERY_OPERATOR, NULL);
}

static void a_session_lets_in_also_after_a_restart(void)
{
    char text[ACCESS_SECRET_TEXT];
    access_principal *p = NULL;
    anna_is_here();
    start("anna", NULL, text);
    rig_reopen(&r);
    CHECK_OK_FATAL(access_session_find(r.a, pt_cstr(text), &p, NULL));
    CHECK_STR(access_name(p), "anna");
    CHECK(access_may(p, ACCESS_WRITE, PT_LIT("a/b")) && access_kind_of(p) == ACCESS_USER);
    access_unref(p);
    CHECK_STATUS(find(""), PT_EREFUSED);
    CHECK_STATUS(find("0123456789012345678901234567890123456789012"), PT_EREFUSED);
    text[3] = text[3] == 'A' ? 'B' : 'A';
    CHECK_STATUS(find(text), PT_EREFUSED);
    rig_close(&r);
}

static void a_session_is_over_after_eight_idle_hours_or_a_day(void)
{
    char text[ACCESS_SECRET_TEXT];
    anna_is_here();
    start("anna", NULL, text);
    pt_fake_clock_advance(&r.clock, 8 * HOUR - 1);
    CHECK_OK(find(text));
    pt_fake_clock_advance(&r.clock, 8 * HOUR - 1);
    CHECK_OK(find(text));
    pt_fake_clock_advance(&r.clock, 8 * HOUR + 1); /* a day less a millisecond is over */
    CHECK_STATUS(find(text), PT_EREFUSED);
    start("anna", NULL, text);
    pt_fake_clock_advance(&r.clock, 8 * HOUR);
    CHECK_STATUS(find(text), PT_EREFUSED);
    start("anna", NULL, text);
    for (int h = 0; h < 23; h++) {
        pt_fake_clock_advance(&r.clock, HOUR);
        CHECK_OK(find(text));
    }
    pt_fake_clock_advance(&r.clock, HOUR - 1);
    CHECK_OK(find(text));
    pt_fake_clock_advance(&r.clock, 1);
    CHECK_STATUS(find(text), PT_EREFUSED);
    rig_close(&r);
}

static void a_login_ends_the_session_there_was(void)
{
    char first[ACCESS_SECRET_TEXT], second[ACCESS_SECRET_TEXT];
    anna_is_here();
    start("anna", NULL, first);
    start("anna", first, second);
    CHECK(strcmp(first, second) != 0);
    CHECK_STATUS(find(first), PT_EREFUSED);
    CHECK_OK(find(second));
    rig_close(&r);
}

static void logging_out_ends_one_or_all(void)
{
    char a[ACCESS_SECRET_TEXT], b[ACCESS_SECRET_TEXT], c[ACCESS_SECRET_TEXT];
    access_principal *p = NULL;
    anna_is_here();
    rig_user(&r, "bert");
    start("anna", NULL, a);
    start("anna", NULL, b);
    start("bert", NULL, c);
    rig_forget(&r);
    CHECK_OK(access_session_end(r.a, pt_cstr(a), PT_LIT("10.0.0.1"), NULL));
    CHECK_TELLS(&r, "logout done anna user 10.0.0.1 anna ;");
    CHECK_STATUS(find(a), PT_EREFUSED);
    CHECK_OK(find(b));
    rig_forget(&r);
    CHECK_OK(access_session_end(r.a, pt_cstr(a), PT_NONE, NULL)); /* twice is no fault, and nothing to tell */
    CHECK_STR(pt_cstr(r.told), "");
    start("anna", NULL, a);
    CHECK_OK_FATAL(access_session_find(r.a, pt_cstr(a), &p, NULL));
    CHECK_OK(access_session_end_all(r.a, p, PT_NONE, NULL));
    CHECK_TELLS(&r, "{\"everywhere\":true}");
    access_unref(p);
    CHECK_STATUS(find(a), PT_EREFUSED);
    CHECK_STATUS(find(b), PT_EREFUSED);
    CHECK_OK(find(c));
    rig_close(&r);
}

static void of_too_many_sessions_the_one_unused_for_longest_goes(void)
{
    char text[ACCESS_SESSIONS + 1][ACCESS_SECRET_TEXT];
    anna_is_here();
    for (int i = 0; i < ACCESS_SESSIONS; i++) {
        start("anna", NULL, text[i]);
        pt_fake_clock_advance(&r.clock, 1000);
    }
    pt_fake_clock_advance(&r.clock, 60000);
    CHECK_OK(find(text[0])); /* used: now the second is the one */
    start("anna", NULL, text[ACCESS_SESSIONS]);
    for (int i = 0; i <= ACCESS_SESSIONS; i++)
        CHECK_STATUS(find(text[i]), i == 1 ? PT_EREFUSED : PT_OK);
    rig_close(&r);
}

static void an_identity_from_outside_is_mapped_anew_each_time(void)
{
    static const access_fact facts[] = { { ACCESS_FROM_GROUP, { "ops", 3 } }, { ACCESS_FROM_SUBJECT, { "uid=anna", 8 } } },
                             lines[] = { { ACCESS_FROM_GROUP, { "a\nb", 3 } } };
    const access_map_row all[] = { { ACCESS_FROM_GROUP, PT_LIT("ops"), QUERY_OPERATOR, { NULL, 0 } } },
                         subject[] = { { ACCESS_FROM_SUBJECT, PT_LIT("uid=anna"), QUERY_VIEWER, { NULL, 0 } } };
    const access_identity id = { ACCESS_LDAP, PT_LIT("anna"), facts, 2 }, bad = { ACCESS_LDAP, PT_LIT("anna"), lines, 1 },
                          proxy = { ACCESS_PROXY, PT_LIT("anna"), facts, 2 };
    char text[ACCESS_SECRET_TEXT];
    access_principal *p = NULL;
    rig_open(&r);
    CHECK_OK(access_set_map(r.a, all, 1, NULL));
    CHECK_OK_FATAL(access_external(r.a, &id, &p, NULL));
    CHECK_STATUS(access_session_start(r.a, p, NULL, PT_NONE, PT_NONE, text, NULL), PT_EINVAL);
    CHECK_STATUS(access_session_start(r.a, p, &proxy, PT_NONE, PT_NONE, text, NULL), PT_EINVAL);
    CHECK_STATUS(access_session_start(r.a, p, &bad, PT_NONE, PT_NONE, text, NULL), PT_EINVAL);
    CHECK_OK(access_session_start(r.a, p, &id, PT_NONE, PT_NONE, text, NULL));
    access_unref(p);
    CHECK_OK_FATAL(access_session_find(r.a, pt_cstr(text), &p, NULL));
    CHECK(access_may(p, ACCESS_WRITE, PT_NONE) && access_kind_of(p) == ACCESS_LDAP);
    access_unref(p);
    CHECK_OK(access_set_map(r.a, subject, 1, NULL));
    CHECK_OK_FATAL(access_session_find(r.a, pt_cstr(text), &p, NULL));
    CHECK(access_may(p, ACCESS_READ, PT_NONE) && !access_may(p, ACCESS_WRITE, PT_NONE));
    access_unref(p);
    CHECK_OK(access_set_map(r.a, NULL, 0, NULL));
    CHECK_STATUS(find(text), PT_EREFUSED);
    rig_close(&r);
}

static void tokens_and_loopback_have_no_session(void)
{
    char text[ACCESS_SECRET_TEXT];
    access_principal *p = NULL;
    anna_is_here();
    CHECK_OK(access_loopback(r.a, QUERY_ADMIN, &p, NULL));
    CHECK_STATUS(access_session_start(r.a, p, NULL, PT_NONE, PT_NONE, text, NULL), PT_EINVAL);
    access_unref(p);
    rig_close(&r);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_session_lets_in_also_after_a_restart),
        PT_TEST(a_session_is_over_after_eight_idle_hours_or_a_day),
        PT_TEST(a_login_ends_the_session_there_was),
        PT_TEST(logging_out_ends_one_or_all),
        PT_TEST(of_too_many_sessions_the_one_unused_for_longest_goes),
        PT_TEST(an_identity_from_outside_is_mapped_anew_each_time),
        PT_TEST(tokens_and_loopback_have_no_session),
    };
    return pt_test_main("access/sessions", tests, PT_COUNT_OF(tests), argc, argv);
}
