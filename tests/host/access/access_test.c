/* tests/host/access/access_test.c -- logging in, waiting, the first start, and what takes effect when. */
#include "tests/host/access/rig.h"

#include <sodium.h>
#include <stdio.h>

static rig r;

static void the_right_password_lets_in_and_nothing_else_says_more_than_no(void)
{
    static const struct {
        const char *name, *password;
    } rows[] = { { "anna", "wrong password" },
                 { "anna", "" },
                 { "nobody", "password of anna" },
                 { "", "password of anna" },
                 { "ANNA", "password of anna" } };
    access_principal *p = NULL;
    int64_t retry = 7;
    rig_open(&r);
    rig_user(&r, "anna");
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        CHECK_STATUS(rig_login(&r, rows[i].name, rows[i].password, NULL, &p, &retry), PT_EREFUSED);
        CHECK_STR(pt_cstr(r.err.text), "wrong name or password");
        CHECK_INT(retry, 0);
    }
    CHECK_OK(rig_login(&r, "anna", NULL, "10.0.0.1", &p, &retry));
    CHECK_STR(access_name(p), "anna");
    CHECK(!access_may_somewhere(p, ACCESS_READ)); /* let in, with no right yet */
    access_unref(p);
    CHECK_TELLS(&r, "login failed anna user  anna ;");
    CHECK_TELLS(&r, "login failed nobody user  nobody ;");
    CHECK_TELLS(&r, "login done anna user 10.0.0.1 anna ;");
    CHECK(strstr(r.told, "password") == NULL);
    rig_close(&r);
}

static bool last_login(void *ctx, const access_user *u)
{
    *(int64_t *)ctx = u->last_login_ms;
    return true;
}

static void a_login_is_remembered(void)
{
    int64_t when = -1;
    rig_open(&r);
    rig_user(&r, "anna");
    CHECK_OK(access_users_each(r.a, last_login, &when, NULL));
    CHECK_INT(when, 0);
    pt_fake_clock_advance(&r.clock, 5);
    access_unref(rig_in(&r, "anna"));
    CHECK_OK(access_users_each(r.a, last_login, &when, NULL));
    CHECK_INT(when, 1800000000005);
    rig_close(&r);
}

static void a_name_or_an_address_that_fails_often_waits(void)
{
    access_principal *p = NULL;
    int64_t retry = 0;
    rig_open(&r);
    rig_user(&r, "anna");
    rig_user(&r, "bert");
    for (int i = 0; i < 5; i++)
        CHECK_STATUS(rig_login(&r, "anna", "wrong", "10.0.0.9", &p, &retry), PT_EREFUSED);
    rig_forget(&r);
    CHECK_STATUS(rig_login(&r, "anna", NULL, "10.0.0.1", &p, &retry), PT_EBUSY); /* the name, from anywhere, also with the right one */
    CHECK_INT(retry, 1000);
    CHECK_STATUS(rig_login(&r, "bert", NULL, "10.0.0.9", &p, &retry), PT_EBUSY); /* the address, with any name */
    CHECK_STATUS(rig_login(&r, "bert", NULL, "10.0.0.9", &p, &retry), PT_EBUSY);
    CHECK_STATUS(rig_login(&r, "carl", NULL, "10.0.0.9", &p, &retry), PT_EBUSY);
    CHECK_STR(pt_cstr(r.told), "login throttled anna user 10.0.0.1 anna ;login throttled bert user 10.0.0.9 bert ;"); /* no flood */
    access_unref(rig_in(&r, "bert"));                                                                                 /* another address */
    pt_fake_clock_advance(&r.clock, 999);
    CHECK_STATUS(rig_login(&r, "anna", NULL, "10.0.0.1", &p, &retry), PT_EBUSY);
    CHECK_INT(retry, 1);
    pt_fake_clock_advance(&r.clock, 1);
    CHECK_OK(rig_login(&r, "anna", NULL, "10.0.0.1", &p, &retry));
    access_unref(p);
    CHECK_STATUS(rig_login(&r, "anna", "wrong", "10.0.0.1", &p, &retry), PT_EREFUSED); /* the name's failures ended with success */
    CHECK_STATUS(rig_login(&r, "anna", "wrong", "10.0.0.9", &p, &retry), PT_EREFUSED);
    CHECK_STATUS(rig_login(&r, "anna", NULL, "10.0.0.9", &p, &retry), PT_EBUSY); /* the address's have not */
    CHECK_INT(retry, 2000);
    rig_close(&r);
}

static void a_login_that_is_checked_elsewhere_waits_likewise(void)
{
    int64_t retry = 0;
    char long_name[ACCESS_NAME_MAX + 2];
    rig_open(&r);
    for (int i = 0; i < 5; i++) {
        CHECK_OK(access_login_begin(r.a, ACCESS_LDAP, PT_LIT("anna"), PT_LIT("10.0.0.9"), &retry, &r.err));
        access_login_end(r.a, ACCESS_LDAP, PT_LIT("anna"), PT_LIT("10.0.0.9"), false);
    }
    CHECK_STATUS(access_login_begin(r.a, ACCESS_LDAP, PT_LIT("anna"), PT_LIT("10.0.0.1"), &retry, &r.err), PT_EBUSY);
    CHECK_INT(retry, 1000);
    pt_fake_clock_advance(&r.clock, 1000);
    CHECK_OK(access_login_begin(r.a, ACCESS_LDAP, PT_LIT("anna"), PT_LIT("10.0.0.1"), &retry, &r.err));
    access_login_end(r.a, ACCESS_LDAP, PT_LIT("anna"), PT_LIT("10.0.0.1"), true);
    CHECK_TELLS(&r, "login failed anna ldap 10.0.0.9 anna ;");
    CHECK_TELLS(&r, "login throttled anna ldap 10.0.0.1 anna ;");
    CHECK_TELLS(&r, "login done anna ldap 10.0.0.1 anna ;");
    rig_forget(&r);
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    access_principal *p = NULL;
    CHECK_STATUS(rig_login(&r, long_name, "wrong", "10.0.0.2", &p, &retry), PT_EREFUSED);
    CHECK_STR(pt_cstr(r.told), "login failed  user 10.0.0.2  ;");
    rig_close(&r);
}

static void older_parameters_are_hashed_anew_at_login(void)
{
    rig_open(&r);
    rig_user(&r, "anna");
    access_unref(rig_in(&r, "anna"));
    r.options.hash_passes = crypto_pwhash_OPSLIMIT_MIN + 1;
    rig_reopen(&r);
    for (int i = 0; i < 2; i++) {
        char now_is[40] = "";
        sqlite3_stmt *q = NULL;
        bool got = false;
        access_unref(rig_in(&r, "anna"));
        CHECK_OK(access__ask(&r.a->store, NULL, &q, "SELECT substr(hash,1,25) FROM user", ""));
        CHECK_OK(access__next(&r.a->store, q, &got, NULL));
        snprintf(now_is, sizeof now_is, "%.*s", PT_SLICE_ARGS(access__text(q, 0)));
        access__end(q);
        CHECK_STR(pt_cstr(now_is), "$argon2id$v=19$m=8,t=2,p=");
    }
    rig_close(&r);
}

/* ---- the first start -------------------------------------------------------------------------------------------- */

static pt_status setup(const char *text, const char *name, const char *password, access_principal **p)
{
    int64_t retry = 0;
    return access_setup(r.a, pt_cstr(text), pt_cstr(name), pt_cstr(password), PT_LIT("127.0.0.1"), p, &retry, &r.err);
}

static void the_first_user_is_made_with_the_text_of_the_first_start(void)
{
    char text[ACCESS_SECRET_TEXT], again[ACCESS_SECRET_TEXT];
    access_principal *p = NULL;
    rig_open(&r);
    CHECK_STATUS(setup("", "anna", "password1", &p), PT_EREFUSED); /* none was made */
    CHECK_OK(access_setup_begin(r.a, text, NULL));
    CHECK_STATUS(setup("0123456789012345678901234567890123456789012", "anna", "password1", &p), PT_EREFUSED);
    CHECK_STATUS(setup(text, "anna", "short", &p), PT_EINVAL); /* and the text still holds */
    CHECK_STATUS(setup(text, "a b", "password1", &p), PT_EINVAL);
    CHECK_OK(access_setup_begin(r.a, again, NULL));
    CHECK_STATUS(setup(text, "anna", "password1", &p), PT_EREFUSED); /* another was made since */
    CHECK_OK_FATAL(setup(again, "anna", "password1", &p));
    CHECK(access_may(p, ACCESS_USERS, PT_NONE) && access_kind_of(p) == ACCESS_USER);
    CHECK_STR(access_name(p), "anna");
    access_unref(p);
    CHECK_STATUS(setup(again, "bert", "password1", &p), PT_EREFUSED);
    CHECK_STATUS(access_setup_begin(r.a, text, &r.err), PT_ESTATE);
    CHECK_TELLS(&r, "setup failed setup setup 127.0.0.1  ;");
    CHECK_TELLS(&r, "setup done setup setup 127.0.0.1 anna ;");
    CHECK_OK(access_user_remove(r.a, &RIG_ADMIN, PT_LIT("anna"), NULL));
    CHECK_STATUS(access_setup_begin(r.a, text, &r.err), PT_ESTATE); /* there was one */
    rig_close(&r);
}

static void the_text_of_the_first_start_holds_for_an_hour_and_while_nobody_is_there(void)
{
    char text[ACCESS_SECRET_TEXT];
    access_principal *p = NULL;
    rig_open(&r);
    CHECK_OK(access_setup_begin(r.a, text, NULL));
    pt_fake_clock_advance(&r.clock, 3600000);
    CHECK_STATUS(setup(text, "anna", "password1", &p), PT_EREFUSED);
    CHECK_OK(access_setup_begin(r.a, text, NULL));
    pt_fake_clock_advance(&r.clock, 3599999);
    rig_user(&r, "bert"); /* by the command line, meanwhile */
    CHECK_STATUS(setup(text, "anna", "password1", &p), PT_EREFUSED);
    rig_close(&r);
}

static void guessing_the_text_is_throttled(void)
{
    char text[ACCESS_SECRET_TEXT];
    access_principal *p = NULL;
    rig_open(&r);
    CHECK_OK(access_setup_begin(r.a, text, NULL));
    for (int i = 0; i < 5; i++)
        CHECK_STATUS(setup("guess", "anna", "password1", &p), PT_EREFUSED);
    CHECK_STATUS(setup(text, "anna", "password1", &p), PT_EBUSY);
    pt_fake_clock_advance(&r.clock, 1000);
    CHECK_OK(setup(text, "anna", "password1", &p));
    access_unref(p);
    rig_close(&r);
}

/* ---- what takes effect when ------------------------------------------------------------------------------------- */

static void what_another_process_changes_holds_from_the_next_request_and_streams_hear_of_it(void)
{
    host_access *command = NULL;
    char session[ACCESS_SECRET_TEXT], token[ACCESS_TOKEN_TEXT];
    access_principal *p = NULL, *by_token = NULL, *q = NULL;
    uint64_t id = 0;
    rig_open(&r);
    rig_user(&r, "anna");
    uint64_t grant = rig_grant(&r, false, "anna", QUERY_OPERATOR, NULL);
    access_principal *in = rig_in(&r, "anna");
    CHECK_OK(access_session_start(r.a, in, NULL, PT_NONE, PT_NONE, session, NULL));
    access_unref(in);
    access_token t = { .owner = PT_LIT("anna"), .role = QUERY_VIEWER };
    CHECK_OK(access_token_add(r.a, &RIG_ADMIN, &t, &id, token, NULL));
    CHECK_OK_FATAL(access_session_find(r.a, pt_cstr(session), &p, NULL));
    CHECK_OK_FATAL(access_token_find(r.a, pt_cstr(token), &by_token, NULL));
    uint64_t generation = access_generation(r.a);
    CHECK_INT(access_generation_of(p), generation);
    const access_principal *before = p;
    CHECK_OK(access_refresh(r.a, &p, NULL));
    CHECK(p == before);
    pt_fake_clock_advance(&r.clock, 1000);
    CHECK_INT(access_generation(r.a), generation); /* nothing changed, though time went on */

    CHECK_OK_FATAL(access_open(&r.options, &command, NULL)); /* as plantree user does */
    CHECK_OK(access_grant_remove(command, &RIG_ADMIN, grant, NULL));
    CHECK_OK_FATAL(access_session_find(r.a, pt_cstr(session), &q, NULL));
    CHECK(!access_may_somewhere(q, ACCESS_READ)); /* the next request */
    access_unref(q);
    CHECK(access_may(p, ACCESS_WRITE, PT_NONE)); /* the snapshot of a stream stays as it is */
    CHECK_OK(access_refresh(r.a, &p, NULL));
    CHECK(access_may(p, ACCESS_WRITE, PT_NONE)); /* and is asked of the file once a second */
    pt_fake_clock_advance(&r.clock, 1000);
    CHECK(access_generation(r.a) != generation);
    CHECK_OK(access_refresh(r.a, &p, NULL));
    CHECK(!access_may_somewhere(p, ACCESS_READ));

    CHECK_OK(access_user_disable(command, &RIG_ADMIN, PT_LIT("anna"), true, NULL));
    CHECK_STATUS(access_session_find(r.a, pt_cstr(session), &q, NULL), PT_EREFUSED);
    CHECK_STATUS(access_token_find(r.a, pt_cstr(token), &q, NULL), PT_EREFUSED);
    pt_fake_clock_advance(&r.clock, 1000);
    CHECK_STATUS(access_refresh(r.a, &p, &r.err), PT_EREFUSED);
    CHECK_STATUS(access_refresh(r.a, &by_token, &r.err), PT_EREFUSED);
    CHECK_STR(access_name(p), "anna"); /* still there, to be let go */
    access_close(command);
    access_unref(p);
    access_unref(by_token);
    rig_close(&r);
}

static void logging_out_ends_the_streams_of_that_session_alone(void)
{
    char one[ACCESS_SECRET_TEXT], two[ACCESS_SECRET_TEXT];
    access_principal *a = NULL, *b = NULL, *in;
    rig_open(&r);
    rig_user(&r, "anna");
    in = rig_in(&r, "anna");
    CHECK_OK(access_session_start(r.a, in, NULL, PT_NONE, PT_NONE, one, NULL));
    CHECK_OK(access_session_start(r.a, in, NULL, PT_NONE, PT_NONE, two, NULL));
    CHECK_OK(access_session_find(r.a, pt_cstr(one), &a, NULL));
    CHECK_OK(access_session_find(r.a, pt_cstr(two), &b, NULL));
    CHECK_OK(access_session_end(r.a, pt_cstr(one), PT_NONE, NULL));
    CHECK_STATUS(access_refresh(r.a, &a, NULL), PT_EREFUSED); /* by our own hand: at once */
    CHECK_OK(access_refresh(r.a, &b, NULL));
    access_unref(a);
    access_unref(b);
    access_unref(in);
    rig_close(&r);
}

static void a_new_map_ends_those_who_came_by_the_old_one(void)
{
    static const access_fact facts[] = { { ACCESS_FROM_SAN, { "dns:scada", 9 } } };
    const access_map_row map[] = { { ACCESS_FROM_SAN, PT_LIT("dns:scada"), QUERY_VIEWER, { NULL, 0 } } },
                         wrong[] = { { ACCESS_FROM_SAN, PT_LIT(""), QUERY_VIEWER, { NULL, 0 } } };
    const access_identity id = { ACCESS_CERTIFICATE, PT_LIT("scada"), facts, 1 };
    access_principal *p = NULL, *loopback = NULL;
    rig_open(&r);
    CHECK_OK(access_set_map(r.a, map, 1, NULL));
    CHECK_OK_FATAL(access_external(r.a, &id, &p, NULL));
    CHECK_OK_FATAL(access_loopback(r.a, QUERY_ENGINEER, &loopback, NULL));
    CHECK_STR(access_label(loopback), "anonymous");
    CHECK(access_may(loopback, ACCESS_MAP_PLAN, PT_NONE) && !access_may(loopback, ACCESS_USERS, PT_NONE));
    rig_user(&r, "anna"); /* a change that is not theirs */
    CHECK_OK(access_refresh(r.a, &p, NULL));
    CHECK_STATUS(access_set_map(r.a, wrong, 1, &r.err), PT_EINVAL); /* the old map stays */
    CHECK_OK(access_refresh(r.a, &p, NULL));
    CHECK_OK(access_set_map(r.a, map, 1, NULL));
    CHECK_STATUS(access_refresh(r.a, &p, NULL), PT_EREFUSED);
    CHECK_OK(access_refresh(r.a, &loopback, NULL));
    access_unref(p);
    access_unref(loopback);
    rig_close(&r);
}

/* Requests, logins and changes from several threads at once. */
static void *busy(void *ctx)
{
    const char *session = ctx;
    for (int i = 0; i < 200; i++) {
        access_principal *p = NULL;
        int64_t retry;
        if (access_session_find(r.a, pt_cstr(session), &p, NULL) == PT_OK) {
            (void)access_may(p, ACCESS_READ, PT_LIT("a/b"));
            if (access_refresh(r.a, &p, NULL) != PT_OK) {}
        }
        access_unref(p);
        p = NULL;
        if (i % 20 == 0 && access_check_password(r.a, PT_LIT("anna"), PT_LIT("password of anna"), PT_NONE, &p, &retry, NULL) == PT_OK)
            access_unref(p);
    }
    return NULL;
}

static void many_threads_ask_at_once(void)
{
    char session[ACCESS_SECRET_TEXT];
    pthread_t threads[4];
    rig_open(&r);
    r.options.note = NULL;
    rig_reopen(&r);
    rig_user(&r, "anna");
    access_principal *in = rig_in(&r, "anna");
    CHECK_OK(access_session_start(r.a, in, NULL, PT_NONE, PT_NONE, session, NULL));
    access_unref(in);
    for (int i = 0; i < 4; i++)
        CHECK_FATAL(pthread_create(&threads[i], NULL, busy, session) == 0);
    for (int i = 0; i < 20; i++) {
        CHECK_OK(access_grant_remove(r.a, &RIG_ADMIN, rig_grant(&r, false, "anna", QUERY_VIEWER, "a/**"), NULL));
        pt_fake_clock_advance(&r.clock, 61000);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CHECK_OK(access_session_find(r.a, pt_cstr(session), &in, NULL));
    access_unref(in);
    rig_close(&r);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(the_right_password_lets_in_and_nothing_else_says_more_than_no),
        PT_TEST(a_login_is_remembered),
        PT_TEST(a_name_or_an_address_that_fails_often_waits),
        PT_TEST(a_login_that_is_checked_elsewhere_waits_likewise),
        PT_TEST(older_parameters_are_hashed_anew_at_login),
        PT_TEST(the_first_user_is_made_with_the_text_of_the_first_start),
        PT_TEST(the_text_of_the_first_start_holds_for_an_hour_and_while_nobody_is_there),
        PT_TEST(guessing_the_text_is_throttled),
        PT_TEST(what_another_process_changes_holds_from_the_next_request_and_streams_hear_of_it),
        PT_TEST(logging_out_ends_the_streams_of_that_session_alone),
        PT_TEST(a_new_map_ends_those_who_came_by_the_old_one),
        PT_TEST(many_threads_ask_at_once),
    };
    return pt_test_main("access/access", tests, PT_COUNT_OF(tests), argc, argv);
}
