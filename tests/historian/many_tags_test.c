/* tests/historian/many_tags_test.c -- memory with very many tags that have a sample each, all of them at once: so much per tag and no more.
 *
 * A hundred thousand tags; PLANTREE_SWEEP=1 makes it a million. The settings are the default ones but for the disk's. */
#include "tests/historian/support.h"

#include <stdio.h>
#include <stdlib.h>

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* Bytes resident for each tag: with its names (a path of 34 bytes, a key of as many) and its place in the maps; and while its only sample
 * waits, first to be committed, then to be sealed. */
enum { FEW = 100000, MANY = 1000000, FOR_A_TAG = 600, WITH_A_SAMPLE = 1000 };

static uint32_t tags;

static double resident(void)
{
    long kb = -1;
    char line[200];
    FILE *f = fopen("/proc/self/status", "r");
    CHECK_FATAL(f != NULL);
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "VmRSS: %ld kB", &kb) == 1) break;
    }
    fclose(f);
    CHECK_FATAL(kb > 0);
    return (double)kb * 1024;
}

static void check_memory(const char *when, double before, double most)
{
    double used = resident() - before;
    printf(" (%s: %.0f bytes per tag, %.0f MB) ", when, used / tags, used / 1e6);
    CHECK_ROW(when, SANITIZED || used < (double)tags * most);
}

static const char *dir;

static void each_of_very_many_tags_takes_little_memory(void)
{
    hist_options o;
    double before = resident();
    pt_error err = { 0 };
    hist_options_init(&o);
    dir = o.dir = new_dir();
    o.synchronous = HIST_SYNC_OFF;
    hist *h = open_with(&o);
    for (uint32_t i = 1; i <= tags; i++) {
        char metric[40];
        snprintf(metric, sizeof metric, "Line/Machine/Signal%07u", i);
        CHECK_FATAL(make_tag(h, metric, SPB_DOUBLE) == i);
    }
    check_memory("tags", before, FOR_A_TAG);
    for (uint32_t i = 1; i <= tags; i++)
        append_one(h, f64(i, NOW, i));
    CHECK_OK(hist_flush(h, 120000, &err));
    check_memory("a sample each", before, WITH_A_SAMPLE);
    CHECK_INT(count_rows(h, tags), 1);
    close_ok(h);
}

static void so_it_is_when_they_are_opened_again(void)
{
    double before = resident(); /* what malloc kept of the first life, if anything, among it */
    hist_sample s;
    hist *h = open_reader(dir);
    check_memory("opened to read", before, WITH_A_SAMPLE); /* the journal has one of each */
    CHECK(read_rows(h, tags, NOW, NOW + 1, false, &s, 1) == 1 && s.as.f64 == (double)tags);
    close_ok(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(each_of_very_many_tags_takes_little_memory), PT_TEST(so_it_is_when_they_are_opened_again) };
    setup();
    tags = getenv("PLANTREE_SWEEP") ? MANY : FEW;
    return pt_test_main("historian/many_tags", tests, PT_COUNT_OF(tests), argc, argv);
}
