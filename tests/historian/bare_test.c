/* tests/historian/bare_test.c -- a store without its thread: its directory, its lock, and what it leaves behind. */
#include "tests/historian/support.h"

#include <sys/stat.h>

static void a_bare_store_needs_its_directory_and_the_lock_is_one_processs(void)
{
    const char *dir = new_dir(), *below = file_in(dir, "no/such/place");
    CHECK_FATAL(mkdir(dir, 0755) == 0);
    hist *h = NULL, *second = NULL;
    pt_error err = { 0 };
    CHECK_STATUS(hist__bare_new(below, NULL, false, &h, &err), PT_ENOTFOUND);
    CHECK(h == NULL && strstr(err.text, below) != NULL);
    CHECK_OK_FATAL(hist__bare_new(dir, NULL, true, &h, &err));
    CHECK_STATUS(hist__bare_new(dir, NULL, true, &second, &err), PT_EBUSY);
    CHECK(strstr(err.text, "pid ") != NULL && strstr(err.text, "/lock") != NULL); /* who has it, and what */
    CHECK_OK(hist__bare_new(dir, NULL, false, &second, &err));
    hist__bare_free(second);
    hist__bare_free(h);
    CHECK_OK_FATAL(hist__bare_new(dir, NULL, true, &h, &err)); /* freed: the lock is free again */
    hist__bare_free(h);
    hist__bare_free(NULL);
}

static void one_without_a_mender_says_what_is_damaged_and_leaves_it(void)
{
    const char *dir = new_dir(), *journal = file_in(dir, "journal.db");
    close_ok(filled_store(dir));
    int64_t root = sql_number(journal, "SELECT rootpage FROM sqlite_master WHERE name='journal'");
    spoil(journal, (long)(root - 1) * 4096 + 30, "?");
    hist *h = NULL;
    pt_error err = { 0 };
    CHECK_OK_FATAL(hist__bare_new(dir, NULL, true, &h, &err));
    CHECK(h->mend == NULL);
    CHECK_STATUS(hist__recover(h, &err), PT_ECORRUPT);
    CHECK(strstr(err.text, "journal.db") != NULL);
    hist__bare_free(h);
    CHECK(faults_in(dir, false, false, NULL) > 0); /* as it was */
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_bare_store_needs_its_directory_and_the_lock_is_one_processs),
        PT_TEST(one_without_a_mender_says_what_is_damaged_and_leaves_it),
    };
    setup();
    return pt_test_main("historian/bare", tests, PT_COUNT_OF(tests), argc, argv);
}
