/* tests/base/thread_test.c -- a thread carries its name, runs what it was given, and one that cannot be had says why. */
#include "base/thread.h"
#include "tests/support/check.h"

#include <stdlib.h>

static void *own_name(void *ctx)
{
    return pthread_getname_np(pthread_self(), ctx, 64) == 0 ? ctx : NULL;
}

static void a_thread_has_its_name_from_its_first_step(void)
{
    static const char *const rows[][2] = {
        { "pt-a", "pt-a" },
        { "fifteen-letters", "fifteen-letters" },
        { "sixteen-letters-", "sixteen-letters" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char name[64] = "";
        void *result = NULL;
        pthread_t t;
        CHECK_OK_FATAL(pt_thread_start(&t, rows[i][0], i ? 0 : 256 * 1024, own_name, name, NULL));
        CHECK(pthread_join(t, &result) == 0);
        CHECK(result == name); /* the body's result, and its context */
        CHECK_STR(pt_cstr(name), rows[i][1]);
    }
    char ours[64];
    CHECK(pthread_getname_np(pthread_self(), ours, sizeof ours) == 0);
    CHECK(strcmp(ours, "sixteen-letters") != 0);
}

static void a_thread_that_cannot_be_had_is_said_with_its_name(void)
{
    pt_error err = { 0, "" };
    pthread_t t;
    char name[64];
    CHECK_STATUS(pt_thread_start(&t, "pt-small", 1, own_name, name, &err), PT_EINVAL);
    CHECK_STR(pt_cstr(err.text), "thread pt-small: Invalid argument");
    CHECK_STATUS(pt_thread_start(&t, "pt-large", SIZE_MAX / 4 / 4096 * 4096, own_name, name, &err), PT_ENOMEM);
    CHECK(strncmp(err.text, "thread pt-large: ", 17) == 0 && strlen(err.text) > 17);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_thread_has_its_name_from_its_first_step),
        PT_TEST(a_thread_that_cannot_be_had_is_said_with_its_name),
    };
    return pt_test_main("base/thread", tests, PT_COUNT_OF(tests), argc, argv);
}
