/* tests/host/access/password_test.c -- what a password must be; two are hashed at once, sixteen wait, the next is sent away. */
#include "tests/host/access/rig.h"

#include <sched.h>
#include <sodium.h>

static access__hasher cheap(void)
{
    access__hasher h;
    CHECK_OK_FATAL(access__hasher_init(&h, crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN, NULL));
    return h;
}

static void passwords_have_a_length_and_are_not_the_name(void)
{
    static const struct {
        const char *user, *password;
        bool good;
    } rows[] = { { "anna", "", false },
                 { "anna", "short77", false },
                 { "anna", "longer88", true },
                 { "plantuser", "PlantUser", false },
                 { "plantuser", "plantuser1", true },
                 { "anna", "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", false }, /* 8 bytes, 4 characters */
                 { "anna", "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", true },
                 { "anna", "        ", true } };
    char long_one[1025];
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++)
        CHECK_ROW(rows[i].password,
                  (access_password_check(pt_cstr(rows[i].user), pt_cstr(rows[i].password), NULL) == PT_OK) == rows[i].good);
    memset(long_one, 'x', sizeof long_one);
    CHECK_OK(access_password_check(PT_LIT("anna"), pt_slice_of(long_one, 1024), NULL));
    CHECK_STATUS(access_password_check(PT_LIT("anna"), pt_slice_of(long_one, 1025), NULL), PT_EINVAL);
}

static void a_hash_knows_its_password_and_no_other(void)
{
    access__hasher h = cheap();
    char hash[ACCESS__HASH_TEXT];
    bool right = false, again = true;
    CHECK_OK(access__hash(&h, PT_LIT("correct horse"), hash, NULL));
    CHECK(strncmp(hash, "$argon2id$", 10) == 0);
    CHECK_OK(access__verify(&h, hash, PT_LIT("correct horse"), &right, &again, NULL));
    CHECK(right && !again);
    CHECK_OK(access__verify(&h, hash, PT_LIT("correct horsf"), &right, &again, NULL));
    CHECK(!right && !again);
    CHECK_OK(access__verify(&h, "no hash at all", PT_LIT("correct horse"), &right, &again, NULL));
    CHECK(!right);
    h.passes++;
    CHECK_OK(access__verify(&h, hash, PT_LIT("correct horse"), &right, &again, NULL));
    CHECK(right && again);
    access__hasher_fini(&h);
}

/* Nothing is timed: the made-up hash is one that libsodium reads, with the very parameters of the others, so it does the same work. */
static void an_unknown_user_costs_what_a_known_one_costs(void)
{
    access__hasher h = cheap(), usual;
    bool right = true, again = true;
    CHECK_INT(crypto_pwhash_str_needs_rehash(h.dummy, h.passes, h.bytes), 0);
    CHECK_OK(access__verify(&h, NULL, PT_LIT("whatever"), &right, &again, NULL));
    CHECK(!right && !again);
    CHECK_OK_FATAL(access__hasher_init(&usual, 0, 0, NULL));
    CHECK_INT(crypto_pwhash_str_needs_rehash(usual.dummy, crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE), 0);
    access__hasher_fini(&usual);
    access__hasher_fini(&h);
}

typedef struct waiter {
    access__hasher *h;
    _Atomic int *inside, *most, *done;
} waiter;

static void *wait_and_go(void *ctx)
{
    waiter *w = ctx;
    if (access__hasher_enter(w->h, NULL) != PT_OK) return NULL;
    int now = ++*w->inside, most = *w->most;
    while (now > most && !atomic_compare_exchange_weak(w->most, &most, now)) {}
    sched_yield();
    --*w->inside;
    ++*w->done;
    access__hasher_leave(w->h);
    return NULL;
}

static void two_hash_sixteen_wait_and_the_next_is_busy(void)
{
    access__hasher h = cheap();
    _Atomic int inside = 0, most = 0, done = 0;
    waiter w = { &h, &inside, &most, &done };
    pthread_t threads[ACCESS_QUEUE];
    pt_error err = { 0 };
    CHECK_OK_FATAL(access__hasher_enter(&h, NULL));
    CHECK_OK_FATAL(access__hasher_enter(&h, NULL));
    for (int i = 0; i < ACCESS_QUEUE; i++)
        CHECK_FATAL(pthread_create(&threads[i], NULL, wait_and_go, &w) == 0);
    while (access__hasher_waiting(&h) < ACCESS_QUEUE)
        sched_yield();
    CHECK_STATUS(access__hasher_enter(&h, &err), PT_EBUSY);
    CHECK_STR(pt_cstr(err.text), "too many log in at once");
    CHECK_INT(done, 0);
    access__hasher_leave(&h);
    access__hasher_leave(&h);
    for (int i = 0; i < ACCESS_QUEUE; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(done, ACCESS_QUEUE);
    CHECK(most <= ACCESS_HASHES);
    CHECK_OK(access__hasher_enter(&h, NULL));
    access__hasher_leave(&h);
    access__hasher_fini(&h);
}

static void parameters_that_libsodium_refuses_are_refused(void)
{
    access__hasher h;
    CHECK_STATUS(access__hasher_init(&h, 1, 1, NULL), PT_EINVAL);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(passwords_have_a_length_and_are_not_the_name),  PT_TEST(a_hash_knows_its_password_and_no_other),
        PT_TEST(an_unknown_user_costs_what_a_known_one_costs),  PT_TEST(two_hash_sixteen_wait_and_the_next_is_busy),
        PT_TEST(parameters_that_libsodium_refuses_are_refused),
    };
    if (sodium_init() < 0) return 1;
    return pt_test_main("access/password", tests, PT_COUNT_OF(tests), argc, argv);
}
