/* tests/host/access/throttle_test.c -- who fails waits, and nobody's count is reset by others. */
#include "host/access/throttle.h"
#include "tests/support/check.h"

#include <sodium.h>
#include <stdio.h>

static access__throttle t;

static void five_failures_are_free_then_the_wait_doubles_up_to_a_minute(void)
{
    static const int64_t waits[] = { 0, 0, 0, 0, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000 };
    int64_t now = 1000000;
    access__throttle_init(&t);
    for (size_t i = 0; i < PT_COUNT_OF(waits); i++) {
        access__throttle_failed(&t, 'u', PT_LIT("anna"), now);
        CHECK_INT(access__throttle_wait(&t, 'u', PT_LIT("anna"), now), waits[i]);
        now += waits[i];
        CHECK_INT(access__throttle_wait(&t, 'u', PT_LIT("anna"), now), 0);
    }
    CHECK_INT(access__throttle_wait(&t, 'a', PT_LIT("anna"), now), 0); /* another kind */
    CHECK_INT(access__throttle_wait(&t, 'u', PT_LIT("bert"), now), 0);
    for (int i = 0; i < 100; i++) /* no overflow of the shift */
        access__throttle_failed(&t, 'u', PT_LIT("anna"), now);
    CHECK_INT(access__throttle_wait(&t, 'u', PT_LIT("anna"), now), 60000);
}

static void failures_are_forgotten_after_a_quarter_of_an_hour_and_with_a_success(void)
{
    access__throttle_init(&t);
    for (int i = 0; i < 5; i++)
        access__throttle_failed(&t, 'u', PT_LIT("anna"), 1000);
    access__throttle_failed(&t, 'u', PT_LIT("anna"), 1000 + 899999);
    CHECK_INT(access__throttle_wait(&t, 'u', PT_LIT("anna"), 1000 + 899999), 2000);
    access__throttle_failed(&t, 'u', PT_LIT("anna"), 1000 + 899999 + 900000);
    CHECK_INT(access__throttle_wait(&t, 'u', PT_LIT("anna"), 1000 + 899999 + 900000), 0);
    for (int i = 0; i < 9; i++)
        access__throttle_failed(&t, 'u', PT_LIT("anna"), 5000000);
    access__throttle_succeeded(&t, 'u', PT_LIT("anna"), 5000000);
    CHECK_INT(access__throttle_wait(&t, 'u', PT_LIT("anna"), 5000000), 0);
    for (int i = 0; i < 4; i++)
        access__throttle_failed(&t, 'u', PT_LIT("anna"), 5000000);
    CHECK_INT(access__throttle_wait(&t, 'u', PT_LIT("anna"), 5000000), 0);
}

/* However many others fail, and succeed: a count once there stays. */
static void filling_the_table_frees_nobody(void)
{
    char name[32];
    access__throttle_init(&t);
    for (int i = 0; i < 10; i++)
        access__throttle_failed(&t, 'u', PT_LIT("anna"), 1000);
    for (int i = 0; i < 50000; i++) {
        snprintf(name, sizeof name, "n%d", i);
        access__throttle_failed(&t, 'u', pt_cstr(name), 1000);
        CHECK_FATAL(access__throttle_wait(&t, 'u', PT_LIT("anna"), 1000) >= 32000);
    }
}

/* Who has an account and fails and succeeds with it takes back no more than its own failures, when it shares one cell with another. */
static void anothers_success_in_the_same_cell_takes_no_count_away(void)
{
    char name[32];
    int shared = 0;
    access__throttle_init(&t);
    for (int i = 0; i < 10; i++)
        access__throttle_failed(&t, 'u', PT_LIT("anna"), 1000);
    for (int i = 0; i < 20000; i++) {
        access__cell before[2][ACCESS__CELLS];
        snprintf(name, sizeof name, "n%d", i);
        memcpy(before, t.rows, sizeof before);
        access__throttle_failed(&t, 'u', pt_cstr(name), 1000);
        access__throttle_succeeded(&t, 'u', pt_cstr(name), 1000);
        bool same = true;
        for (int k = 0; k < 2 * ACCESS__CELLS; k++)
            same = same && (&before[0][0])[k].fails == (&t.rows[0][0])[k].fails;
        shared += same;
    }
    CHECK(shared >= 19990); /* both cells at once: one in 16 million */
    CHECK_INT(access__throttle_wait(&t, 'u', PT_LIT("anna"), 1000), 32000);
}

static void an_address_counts_with_its_network(void)
{
    static const struct {
        const char *address, *network;
    } rows[] = {
        { "10.0.0.1", "10.0.0.1" },
        { "::ffff:10.0.0.1", "10.0.0.1" },
        { "2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002::/64" },
        { "2001:db8:1:2::ffff", "2001:0db8:0001:0002::/64" },
        { "2001:db8:1:3::1", "2001:0db8:0001:0003::/64" },
        { "::1", "0000:0000:0000:0000::/64" },
        { "", "" },
        { "unix", "unix" },
        { "a name that is longer than any address could ever be, and then some",
          "a name that is longer than any address could ever be, and then some" },
    };
    char room[64];
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++)
        CHECK_STR(access__network_of(pt_cstr(rows[i].address), room), rows[i].network);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(five_failures_are_free_then_the_wait_doubles_up_to_a_minute),
        PT_TEST(failures_are_forgotten_after_a_quarter_of_an_hour_and_with_a_success),
        PT_TEST(filling_the_table_frees_nobody),
        PT_TEST(anothers_success_in_the_same_cell_takes_no_count_away),
        PT_TEST(an_address_counts_with_its_network),
    };
    if (sodium_init() < 0) return 1;
    return pt_test_main("access/throttle", tests, PT_COUNT_OF(tests), argc, argv);
}
