/* A whole plant per seed (plant.h). PLANT_SEEDS=10000 for the long run, PLANT_SEED=n for one seed again. */
#include "tests/host/plant.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>
#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void); /* gcc ships no header for it */
#endif

static void after_every_storm_the_host_knows_what_the_edges_know(void)
{
    const char *one = getenv("PLANT_SEED"), *many = getenv("PLANT_SEEDS");
    uint64_t first = one ? strtoull(one, NULL, 10) : 1, count = one ? 1 : many ? strtoull(many, NULL, 10) : 150, bad = 0;
    plant_result r, sum = { 0 };
    for (uint64_t seed = first; seed < first + count && bad < 10; seed++) {
        plant_run(seed, 60000, 60000, &r);
        bad += !r.ok;
        pt_check_at(r.ok, false, __FILE__, __LINE__, "seed %llu: %s", (unsigned long long)seed, r.text);
        sum.messages += r.messages;
        sum.lost += r.lost;
        sum.rebirths += r.rebirths;
        sum.restarts += r.restarts;
        sum.reconnects += r.reconnects;
        sum.resumed += r.resumed;
    }
    printf("%llu seeds: %llu messages, %llu lost, %llu edge reconnects, %llu host restarts, %llu sessions gone on, %llu rebirth requests\n",
           (unsigned long long)count, (unsigned long long)sum.messages, (unsigned long long)sum.lost, (unsigned long long)sum.reconnects,
           (unsigned long long)sum.restarts, (unsigned long long)sum.resumed, (unsigned long long)sum.rebirths);
    CHECK(sum.rebirths < 4 * (sum.lost + sum.reconnects + sum.restarts + count)); /* no storms */
}

/* Memory in use. Under AddressSanitizer freed memory stays resident in its quarantine, so its own count is taken. */
static uint64_t resident_kib(void)
{
#ifdef __SANITIZE_ADDRESS__
    return (uint64_t)__sanitizer_get_current_allocated_bytes() / 1024;
#else
    unsigned long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f) return 0;
    if (fscanf(f, "%lu %lu", &pages, &resident) != 2) resident = 0;
    (void)fclose(f);
    return (uint64_t)resident * 4;
#endif
}

/* 24 h of traffic, faults included: memory is flat. */
static void a_day_of_storms_needs_no_more_memory_than_an_hour(void)
{
    plant_result r;
    plant_run(42, 3600 * 1000, 60000, &r);
    CHECK(r.ok);
    uint64_t hour = resident_kib();
    plant_run(42, 24 * 3600 * 1000, 60000, &r);
    pt_check_at(r.ok, false, __FILE__, __LINE__, "%s", r.text);
    uint64_t day = resident_kib();
    printf("%llu messages in a day, %llu rebirth requests; resident %llu KiB after an hour, %llu after a day\n",
           (unsigned long long)r.messages, (unsigned long long)r.rebirths, (unsigned long long)hour, (unsigned long long)day);
    CHECK(day < hour + 4096);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(after_every_storm_the_host_knows_what_the_edges_know),
                                     PT_TEST(a_day_of_storms_needs_no_more_memory_than_an_hour) };
    return pt_test_main("host/plant", tests, PT_COUNT_OF(tests), argc, argv);
}
